"""Connected pieces of masks of a slide: discs in pixels, small pieces, touching pieces, frames."""

import cv2
import numpy as np


def make_disc(diameter_px: float) -> np.ndarray:
    """Make a round structuring element of odd width, at least one pixel.

    Use it with OpenCV's morphology; a diameter in µm is divided by the µm a pixel first.

    Args:
        diameter_px: width in pixels.

    Returns:
        uint8 (width, width).

    >>> make_disc(3.4).shape
    (3, 3)
    """
    side = 2 * int(max(1.0, diameter_px) // 2) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def drop_small(mask: np.ndarray, smallest_px: float) -> np.ndarray:
    """Keep the pieces of a mask that are large enough.

    Use it against specks. Pixels that meet at a corner belong together.

    Args:
        mask: uint8 (rows, columns), 0 or 1.
        smallest_px: pixels a piece must have.

    Returns:
        uint8 (rows, columns), 0 or 1.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    keep = (stats[:, cv2.CC_STAT_AREA] >= smallest_px).astype(np.uint8)
    keep[0] = 0
    return keep[labels]


def keep_touching(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """Keep the pieces of a mask that hold a seed (hysteresis).

    Use it to follow what is certain into what is only possible.

    Args:
        mask: uint8 (rows, columns), 0 or 1.
        seed: uint8 or bool (rows, columns), where certain.

    Returns:
        uint8 (rows, columns), 0 or 1.
    """
    _, labels = cv2.connectedComponents(mask, connectivity=8)
    keep = np.zeros(labels.max() + 1, np.uint8)
    keep[labels[seed > 0]] = 1
    keep[0] = 0
    return keep[labels]


def drop_frames(mask: np.ndarray) -> np.ndarray:
    """Drop thin strips that lie along a side of the picture.

    Use it on dark pieces of a whole slide: they are the scanner's edge, not a pen's stroke. A
    strip runs along the side over most of its length and is three times as long as deep.

    Args:
        mask: uint8 (rows, columns), 0 or 1.

    Returns:
        uint8 (rows, columns), 0 or 1.
    """
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    keep = np.array([0, *(not _is_frame(labels == label) for label in range(1, count))], np.uint8)
    return keep[labels]


def _is_frame(piece: np.ndarray) -> bool:
    area = np.count_nonzero(piece)
    sides = ((piece[0], 0), (piece[-1], 0), (piece[:, 0], 1), (piece[:, -1], 1))
    for side, axis in sides:
        along = np.count_nonzero(side)
        length = np.count_nonzero(piece.any(axis=axis))
        if along > 0.7 * length and along**2 > 3 * area:
            return True
    return False
