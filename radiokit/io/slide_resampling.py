"""Area means over a grid of any step and place, exact to a fraction of a pixel."""

import numpy as np

_CLOSE_PX = 1e-6


def resample_area(
    pixels: np.ndarray,
    start: tuple[float, float],
    step: tuple[float, float],
    size: tuple[int, int],
) -> np.ndarray:
    """Average an image over the cells of a grid.

    Use it to shrink by any factor, whole or not, from any corner. A cell that reaches beyond the
    image is the mean of its part inside; one wholly beyond repeats the nearest pixel.

    Args:
        pixels: uint8 (rows, columns, 3).
        start: x, y of the grid's corner, in pixels of the image from its corner.
        step: x, y sides of a cell, in pixels of the image.
        size: (columns, rows) of the grid.

    Returns:
        uint8 (rows, columns, 3); the image itself, cut, where each cell is one pixel.
    """
    columns, rows = size
    first = [round(place) for place in start]
    if all(abs(place - whole) < _CLOSE_PX for place, whole in zip(start, first, strict=True)) and (
        all(abs(side - 1) * max(size) < _CLOSE_PX for side in step)
        and min(first) >= 0
        and first[1] + rows <= pixels.shape[0]
        and first[0] + columns <= pixels.shape[1]
    ):
        return np.ascontiguousarray(pixels[first[1] :, first[0] :][:rows, :columns])
    across = area_weights(start[0], step[0], columns, pixels.shape[1])
    down = area_weights(start[1], step[1], rows, pixels.shape[0])
    values = pixels.reshape(len(pixels), -1).astype(np.float32)
    values = (down @ values).reshape(rows, -1, 3).transpose(1, 0, 2).reshape(-1, rows * 3)
    values = (across @ values).reshape(columns, rows, 3).transpose(1, 0, 2)
    return np.rint(np.ascontiguousarray(values)).astype(np.uint8)


def area_weights(start: float, step: float, num_cells: int, num_pixels: int):
    """How much of each pixel of a line lies in each cell of a grid along it.

    Args:
        start: of the first cell, in pixels.
        step: of the grid, in pixels.
        num_cells: of the grid.
        num_pixels: of the line.

    Returns:
        Sparse float32 (num_cells, num_pixels) whose rows sum to 1.

    >>> area_weights(0.5, 1.5, 2, 4).toarray().round(3)
    array([[0.333, 0.667, 0.   , 0.   ],
           [0.   , 0.   , 0.667, 0.333]], dtype=float32)
    """
    from scipy.sparse import csr_array

    lower = start + step * np.arange(num_cells)
    lower = np.clip(lower, 0, num_pixels - _CLOSE_PX)
    upper = np.clip(start + step * np.arange(1, num_cells + 1), lower + _CLOSE_PX, num_pixels)
    first = np.floor(lower).astype(np.int64)
    columns = first[:, None] + np.arange(int(np.ceil(step)) + 1)
    shares = np.minimum(upper[:, None], columns + 1) - np.maximum(lower[:, None], columns)
    shares = np.where(columns < num_pixels, np.maximum(shares, 0), 0)
    shares /= shares.sum(axis=1, keepdims=True)
    columns = np.minimum(columns, num_pixels - 1)
    offsets = np.arange(num_cells + 1) * columns.shape[1]
    flat = (shares.astype(np.float32).ravel(), columns.ravel(), offsets)
    return csr_array(flat, shape=(num_cells, num_pixels))
