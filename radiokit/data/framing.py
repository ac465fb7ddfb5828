"""Where in a picture the patient is: the air around costs a small network most of its pixels."""

import cv2
import numpy as np

DARK = 0.1  # of the range 0..1
SMALLEST_SHARE = 0.5  # of the frame's side; the last slices of a head are not blown up
MARGIN = 0.02  # of the frame's side, on each side of what is cut out


def find_object(image: np.ndarray) -> tuple[int, int, int, int]:
    """The square around the largest bright thing of an image: a head or a body in the air.

    Use it to leave away the air around, which would take a third of a small image's side.

    Args:
        image: (H, W, C) float in 0..1, air dark.

    Returns:
        Top, left, height and width in pixels, inside the image; the whole image where nothing
        is bright, and never less than half of its shorter side.

    Example:
        >>> image = np.zeros((100, 100, 1))
        >>> image[20:90, 30:90] = 0.5
        >>> find_object(image)
        (18, 23, 74, 74)
    """
    bright = (image.mean(axis=-1) > DARK).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    if count < 2:
        return 0, 0, *image.shape[:2]
    largest = 1 + int(np.argmax(boxes[1:, cv2.CC_STAT_AREA]))
    left, top, width, height = (int(value) for value in boxes[largest, :4])
    shorter = min(image.shape[:2])
    side = max(width, height) + 2 * round(MARGIN * shorter)
    side = min(max(side, round(SMALLEST_SHARE * shorter)), shorter)
    starts = [
        min(max(start + (length - side) // 2, 0), whole - side)
        for start, length, whole in zip((top, left), (height, width), image.shape[:2], strict=True)
    ]
    return *starts, side, side
