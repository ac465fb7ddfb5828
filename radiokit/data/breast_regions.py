"""Outlined regions of breast slides: their classes, and class maps at any downsample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REGION_CLASSES = ("background", "benign", "in_situ", "invasive")


@dataclass(frozen=True, eq=False)
class Region:
    """One outline that a pathologist drew.

    Args:
        label: one of `REGION_CLASSES` but "background".
        points: (N, 2) float64 x and y, in order; the last joins the first. Level-0 pixels counted
            from the corner of the slide: pixel (row, column) covers `[column, column + 1)` by
            `[row, row + 1)`.
        holes: outlines of the same kind that are cut out of this region, and of no other.
    """

    label: str
    points: np.ndarray
    holes: tuple[np.ndarray, ...] = ()


def draw_regions(
    regions: Sequence[Region],
    shape: tuple[int, int],
    downsample: float = 1.0,
    origin_px: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Class of every pixel of a grid laid over a slide.

    Use it for the truth of a whole level (`shape` of that level, its downsample) or of one tile
    (its top left corner as `origin_px`). A pixel belongs to the region that holds its centre, at
    any downsample, so that areas are neither swollen nor shrunk. Where regions overlap, invasive
    goes before in situ, and in situ before benign, in whatever order they come. An outline that
    crosses itself encloses whatever it runs around (non-zero rule): a pen that overshoots its
    start leaves no gap. What lies outside the grid is cut off.

    Args:
        regions: as the readers of `radiokit.data.breast_annotations` give them.
        shape: rows and columns of the map.
        downsample: level-0 pixels a pixel of the map, above 0; whole or not.
        origin_px: x and y of the map's top left corner, in level-0 pixels; whole or not.

    Returns:
        uint8 (rows, columns): indices into `REGION_CLASSES`.

    Raises:
        ValueError: a label is not one of the classes, an outline has fewer than three points or is
            not finite, or `downsample` is not above 0.

    Example:
        >>> square = np.array([(2, 2), (10, 2), (10, 8), (2, 8)])
        >>> draw_regions([Region("in_situ", square)], (5, 6), downsample=2.0)
        array([[0, 0, 0, 0, 0, 0],
               [0, 2, 2, 2, 2, 0],
               [0, 2, 2, 2, 2, 0],
               [0, 2, 2, 2, 2, 0],
               [0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    if not (np.isfinite(downsample) and downsample > 0):
        raise ValueError(
            f"downsample is {downsample}. Give level-0 pixels a pixel of the map, such as 4.0."
        )
    for number, region in enumerate(regions):
        _check_region(region, number)
    classes = np.zeros(shape, np.uint8)
    for region in sorted(regions, key=lambda region: REGION_CLASSES.index(region.label)):
        outlines = [
            (np.asarray(points, np.float64) - origin_px) / downsample
            for points in (region.points, *region.holes)
        ]
        rows, columns = _window(outlines[0], shape)
        corner = (columns.start, rows.start)
        size = (rows.stop - rows.start, columns.stop - columns.start)
        if min(size) == 0:
            continue
        inside, *cut = (_fill(points - corner, size) for points in outlines)
        for hole in cut:
            inside &= ~hole
        classes[rows, columns][inside] = REGION_CLASSES.index(region.label)
    return classes


def _check_region(region: Region, number: int) -> None:
    """A class, and outlines that enclose something."""
    if region.label not in REGION_CLASSES[1:]:
        raise ValueError(
            f"Region {number} has the label {region.label!r}. Known are "
            f"{', '.join(REGION_CLASSES[1:])}; map other names when reading the annotation."
        )
    for points in (region.points, *region.holes):
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError(
                f"Region {number} ({region.label}) has an outline of shape {points.shape}. Give "
                "(N, 2) x and y, three points or more."
            )
        if not np.isfinite(points).all():
            raise ValueError(
                f"Region {number} ({region.label}) has a point that is not finite. Mend or leave "
                "out this outline."
            )


def _window(points: np.ndarray, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the grid whose centres an outline can hold."""
    limits = np.array(shape)[::-1]
    first = np.clip(np.ceil(points.min(axis=0) - 0.5), 0, limits).astype(int)
    last = np.clip(np.ceil(points.max(axis=0) - 0.5), first, limits).astype(int)
    return slice(first[1], last[1]), slice(first[0], last[0])


def _fill(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre an outline runs around, by its signed crossings of each row."""
    height, width = size
    x0, y0 = points.T  # (N,) each
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(int)
    counts = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), first, height).astype(int) - first
    edges = np.repeat(np.arange(len(points)), counts)  # (crossings,)
    rows = np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    x0, y0, x1, y1 = (value[edges] for value in (x0, y0, x1, y1))
    crossing_x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    columns = np.clip(np.ceil(crossing_x - 0.5), 0, width).astype(int)
    order = np.lexsort((columns, rows))  # along each row, from left to right
    places = (rows * (width + 1) + columns)[order]
    turns = np.cumsum(np.where(y1 > y0, 1, -1)[order])  # 0 again at the end of each row
    changes = np.zeros(height * (width + 1), np.int8)
    is_inside = turns != 0
    was_inside = np.roll(is_inside, 1)
    np.add.at(changes, places[is_inside & ~was_inside], 1)
    np.add.at(changes, places[was_inside & ~is_inside], -1)
    inside = np.cumsum(changes, dtype=np.int8).reshape(height, width + 1)
    return inside[:, :width].astype(bool)
