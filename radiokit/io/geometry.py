"""Where an image lies inside a fixed-size network input, and the way back.

One convention throughout: pixel `i` covers the interval `[i, i + 1)` and its centre is `i + 0.5`.
An image, its mask and a mask stored at another size then land on the same target pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Placement:
    """A source image scaled, aspect kept, and centred inside a target grid.

    Args:
        source_shape: (rows, columns) of the file, pixels.
        target_shape: (rows, columns) of the network input, pixels.
        scale: target pixels per source pixel, before rounding to whole pixels.
        top: first target row of the placed image.
        left: first target column of the placed image.
        height: rows of the placed image.
        width: columns of the placed image.
    """

    source_shape: tuple[int, int]
    target_shape: tuple[int, int]
    scale: float
    top: int
    left: int
    height: int
    width: int


def fit_placement(source_shape: tuple[int, int], target_shape: tuple[int, int]) -> Placement:
    """Find the largest centred place for an image, with its aspect ratio kept.

    Args:
        source_shape: (rows, columns) of the image, pixels.
        target_shape: (rows, columns) to fill, pixels.

    Returns:
        The placement; what it does not cover is padding.

    Raises:
        ValueError: a side is below 1.

    >>> fit_placement((100, 50), (32, 32))
    Placement(source_shape=(100, 50), target_shape=(32, 32), scale=0.32, top=0, left=8,
        height=32, width=16)
    """
    source_shape, target_shape = _whole(source_shape), _whole(target_shape)
    scale = min(target_shape[0] / source_shape[0], target_shape[1] / source_shape[1])
    height, width = (max(1, round(side * scale)) for side in source_shape)
    top, left = (target_shape[0] - height) // 2, (target_shape[1] - width) // 2
    return Placement(source_shape, target_shape, scale, top, left, height, width)


def place_image(image: np.ndarray, placement: Placement) -> np.ndarray:
    """Put an image on its target grid: area means when shrinking, bilinear when growing.

    Args:
        image: (rows, columns) or (rows, columns, channels) of the placement's source shape.
        placement: from `fit_placement`.

    Returns:
        float32 of the target shape, channels kept; padding is 0.

    Raises:
        ValueError: the image has another shape than the placement's source.
    """
    _check_shape(image, placement.source_shape, "image")
    target = np.zeros(placement.target_shape + image.shape[2:], np.float32)
    target[_window(placement)] = _resize(image, (placement.height, placement.width))
    return target


def place_mask(mask: np.ndarray, placement: Placement) -> np.ndarray:
    """Put a label mask on its target grid: each target pixel takes the label at its centre.

    Args:
        mask: (rows, columns), or with channels last, of the placement's source shape; any type.
        placement: from `fit_placement` for the mask's own size.

    Returns:
        Array of the target shape and the mask's type; padding is 0 (background).

    Raises:
        ValueError: the mask has another shape than the placement's source.
    """
    _check_shape(mask, placement.source_shape, "mask")
    target = np.zeros(placement.target_shape + mask.shape[2:], mask.dtype)
    target[_window(placement)] = _take_nearest(mask, (placement.height, placement.width))
    return target


def restore_scores(scores: np.ndarray, placement: Placement) -> np.ndarray:
    """Bring scores, for instance probabilities, back to the size of the file.

    Args:
        scores: (rows, columns) or (rows, columns, channels) of the target shape.
        placement: the one the image was placed with.

    Returns:
        float32 of the source shape, bilinear (area means where the file is the smaller one).

    Raises:
        ValueError: the scores have another shape than the placement's target.
    """
    _check_shape(scores, placement.target_shape, "scores")
    return _resize(scores[_window(placement)], placement.source_shape)


def restore_mask(mask: np.ndarray, placement: Placement) -> np.ndarray:
    """Bring a label mask back to the size of the file; exact after a `place_mask` that enlarged.

    Args:
        mask: (rows, columns), or with channels last, of the target shape; any type.
        placement: the one the image was placed with.

    Returns:
        Array of the source shape and the mask's type.

    Raises:
        ValueError: the mask has another shape than the placement's target.
    """
    _check_shape(mask, placement.target_shape, "mask")
    return _take_nearest(mask[_window(placement)], placement.source_shape)


def placed_spacing_mm(
    spacing_mm: tuple[float, float] | None, placement: Placement
) -> tuple[float, float] | None:
    """Pixel size on the target grid.

    Args:
        spacing_mm: (row, column) pixel size of the file in mm, or None where unknown.
        placement: from `fit_placement`.

    Returns:
        (row, column) in mm, or None: an unknown size stays unknown.

    >>> placed_spacing_mm((0.175, 0.175), fit_placement((2048, 2048), (256, 256)))
    (1.4, 1.4)
    """
    if spacing_mm is None:
        return None
    rows, columns = placement.source_shape
    return (spacing_mm[0] * rows / placement.height, spacing_mm[1] * columns / placement.width)


def _whole(shape: tuple[int, int]) -> tuple[int, int]:
    if len(shape) != 2 or any(side != int(side) or side < 1 for side in shape):
        raise ValueError(f"A shape is (rows, columns), whole and 1 or more each; got {shape}.")
    return int(shape[0]), int(shape[1])


def _check_shape(array: np.ndarray, shape: tuple[int, int], name: str) -> None:
    if array.ndim not in (2, 3) or array.shape[:2] != shape:
        raise ValueError(
            f"The {name} has shape {array.shape}, the placement was made for {shape} (rows, "
            "columns), with or without channels last. Make the placement from this shape."
        )


def _window(placement: Placement) -> tuple[slice, slice]:
    rows = slice(placement.top, placement.top + placement.height)
    return rows, slice(placement.left, placement.left + placement.width)


def _resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    image = np.ascontiguousarray(image, np.float32)
    if image.shape[:2] == shape:
        return image
    shrinks = shape[0] * shape[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    planes = [image] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    resized = [
        cv2.resize(np.ascontiguousarray(plane), shape[::-1], interpolation=method)
        for plane in planes
    ]
    return resized[0] if image.ndim == 2 else np.stack(resized, axis=-1)


def _take_nearest(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    # Whole-number arithmetic: cv2's INTER_NEAREST is half a source pixel off at the centre.
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape, labels.shape[:2], strict=True)
    )
    return labels[rows[:, None], columns]
