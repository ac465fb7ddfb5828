"""Where tiles lie on a slide: the grid, what a mask covers of it, and the way up in magnification.

Everything here is geometry, without a file. Coordinates are level-0 pixels, x to the right and y
down, counted at corners: pixel (row i, column j) covers j..j+1 and i..i+1. `downsample` is level-0
pixels per output pixel and need not be whole.
"""

from collections.abc import Sequence

import numpy as np


def grid_corners(
    size_px: Sequence[int], tile_px: int, downsample: float = 1.0, overlap: float = 0.0
) -> np.ndarray:
    """Top left corners of tiles that cover a whole slide.

    Use it before `covered_share`, or alone to predict on every place of a slide. Tiles stand a
    whole number of level-0 pixels apart, rounded down, so that no gap opens between them; the last
    row and the last column are moved inward instead of reaching beyond the slide.

    Args:
        size_px: width and height of the slide in level-0 pixels.
        tile_px: side of a tile in its own pixels.
        downsample: level-0 pixels per tile pixel, above 0.
        overlap: of two neighbours, as a fraction of the side, from 0 to below 1; never less than
            this, and more in the last row and column.

    Returns:
        (N, 2) int64 x and y, row by row. A slide smaller than a tile has one at 0 in that
        direction, to be filled beyond its edge.

    Raises:
        ValueError: a size, side, downsample or overlap outside its range.

    Example:
        >>> grid_corners((1000, 500), tile_px=256, downsample=2).tolist()
        [[0, 0], [488, 0]]
    """
    width, height = (int(length) for length in size_px)
    _check_grid(width, height, tile_px, downsample)
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap is {overlap}; needed is a fraction from 0 to below 1.")
    xs = _starts(width, tile_px * downsample, overlap)
    ys = _starts(height, tile_px * downsample, overlap)
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)  # (N, 2)


def _check_grid(width: int, height: int, tile_px: int, downsample: float) -> None:
    if min(width, height) < 1:
        raise ValueError(
            f"size_px is {width} x {height}; needed are the width and height of a slide."
        )
    _check_tile(tile_px, downsample)


def _check_tile(tile_px: int, downsample: float) -> None:
    if tile_px < 1 or not 0 < downsample < np.inf:
        raise ValueError(
            f"tile_px is {tile_px} and downsample {downsample}; needed are a side of 1 pixel or "
            "more, and level-0 pixels per tile pixel above 0."
        )


def _starts(length: int, side: float, overlap: float) -> np.ndarray:
    """First level-0 pixel of each tile along one direction."""
    last = int(np.floor(length - side))
    if last <= 0:
        return np.zeros(1, np.int64)
    step = max(1, int(side * (1 - overlap) + 1e-9))  # 0.1 * 10 tiles is not quite 1
    return np.append(np.arange(0, last, step, dtype=np.int64), last)


def covered_share(
    corners: np.ndarray,
    tile_px: int,
    downsample: float,
    mask: np.ndarray,
    mask_downsample: float,
) -> np.ndarray:
    """How much of each tile a mask covers.

    Use it with a mask of tissue, ink or lesions drawn at low magnification. Mask pixels that a
    tile cuts count by the part inside it, exactly; what of a tile lies beyond the mask is not
    covered.

    Args:
        corners: (N, 2) x and y in level-0 pixels.
        tile_px: side of a tile in its own pixels.
        downsample: level-0 pixels per tile pixel, above 0.
        mask: (rows, columns) of 0 and 1, or boolean, from the slide's top left corner.
        mask_downsample: level-0 pixels per mask pixel, above 0.

    Returns:
        (N,) float64 in 0..1.

    Raises:
        ValueError: a mask that is not two-dimensional, or a side or downsample out of range.

    Example:
        >>> covered_share([[0, 0], [3, 0]], 4, 1.0, np.array([[1, 0]]), mask_downsample=4).tolist()
        [1.0, 0.25]
    """
    _check_tile(tile_px, downsample)
    mask = np.asarray(mask)
    if mask.ndim != 2 or not 0 < mask_downsample < np.inf:
        raise ValueError(
            f"A mask of shape {mask.shape} at downsample {mask_downsample} was given; needed are "
            "(rows, columns) and level-0 pixels per mask pixel above 0."
        )
    start = np.asarray(corners, np.float64).reshape(-1, 2) / mask_downsample  # (N, 2)
    side = tile_px * downsample / mask_downsample
    left, top = np.moveaxis(start, -1, 0)
    sums = _integral(mask)
    covered = (
        _area_up_to(sums, left + side, top + side)
        - _area_up_to(sums, left, top + side)
        - _area_up_to(sums, left + side, top)
        + _area_up_to(sums, left, top)
    )
    return np.clip(covered / side**2, 0, 1)


def _integral(mask: np.ndarray) -> np.ndarray:
    """Whole area of the mask above and to the left of every pixel corner."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    np.cumsum(mask != 0, axis=0, out=sums[1:, 1:])
    return np.cumsum(sums, axis=1, out=sums)


def _area_up_to(sums: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same at any point: within a pixel the area is bilinear, so this is exact."""
    rows, columns = sums.shape[0] - 1, sums.shape[1] - 1
    x, y = np.clip(x, 0, columns), np.clip(y, 0, rows)
    j = np.minimum(x.astype(np.int64), columns - 1)
    i = np.minimum(y.astype(np.int64), rows - 1)
    right, down = x - j, y - i
    above = sums[i, j] * (1 - right) + sums[i, j + 1] * right
    below = sums[i + 1, j] * (1 - right) + sums[i + 1, j + 1] * right
    return above * (1 - down) + below * down


def map_low_to_high(
    mask: np.ndarray,
    mask_downsample: float,
    size_px: Sequence[int],
    tile_px: int,
    downsample: float = 1.0,
    overlap: float = 0.0,
    at_least: float = 0.0,
) -> np.ndarray:
    """Where a mask at low magnification says lesion: corners of the tiles to read at a high one.

    Use it between the two networks of the study: the first marks regions at low magnification,
    the second looks at the same places at 40x. It is the study's sampling module.

    Args:
        mask: (rows, columns) of 0 and 1, or boolean, from the slide's top left corner.
        mask_downsample: level-0 pixels per mask pixel, above 0.
        size_px: width and height of the slide in level-0 pixels.
        tile_px: side of a tile in its own pixels.
        downsample: level-0 pixels per tile pixel.
        overlap: of neighbouring tiles, as for `grid_corners`.
        at_least: share of a tile that is marked, 0..1. At 0 every tile is kept that has any part
            of a marked pixel, so that nothing marked is missed; more leaves out tiles at the rim.

    Returns:
        (N, 2) int64 x and y in level-0 pixels, row by row: tiles of `grid_corners`.

    Raises:
        ValueError: as `grid_corners` and `covered_share`; a share outside 0..1; a mask of another
            extent than the slide.

    Paper: Zeiser et al. 2021, DeepBatch, Expert Systems with Applications 185.

    Example:
        >>> lesion = np.array([[0, 0], [0, 1]])
        >>> map_low_to_high(lesion, 512, (1024, 1024), tile_px=256).tolist()
        [[512, 512], [768, 512], [512, 768], [768, 768]]
    """
    if not 0 <= at_least <= 1:
        raise ValueError(f"at_least is {at_least}; needed is a share of a tile from 0 to 1.")
    corners = grid_corners(size_px, tile_px, downsample, overlap)
    share = covered_share(corners, tile_px, downsample, mask, mask_downsample)
    _check_extent(np.shape(mask), mask_downsample, size_px)
    is_kept = share > 0 if at_least == 0 else share >= at_least - 1e-9
    return corners[is_kept]


def _check_extent(shape: Sequence[int], mask_downsample: float, size_px: Sequence[int]) -> None:
    """A mask may be rounded to whole pixels; two or more are a mistake in its downsample."""
    wanted = np.array([size_px[1], size_px[0]]) / mask_downsample
    if (np.abs(np.array(shape) - wanted) >= 2).any():
        raise ValueError(
            f"A mask of {shape[0]} rows and {shape[1]} columns at downsample {mask_downsample:g} "
            f"covers {shape[1] * mask_downsample:.0f} x {shape[0] * mask_downsample:.0f} level-0 "
            f"pixels, the slide has {size_px[0]} x {size_px[1]}. Give the downsample at which the "
            "mask was drawn: slide width divided by mask columns."
        )
