"""Overlapping tiles blended into one map, of which only a band of one tile's height is held."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MapPlan:
    """Where every tile falls on the map of a slide.

    Attributes:
        shape: rows, columns and channels of the map.
        side: of a tile, in map pixels.
        places: (N, 2) int64 row and column of each tile's top left pixel, from above to below.
        scale: level-0 pixels per map pixel.
    """

    shape: tuple[int, int, int]
    side: int
    places: np.ndarray
    scale: float

    def first_tile(self, rows_done: int) -> int:
        """The first tile that reaches below rows which are finished already."""
        return int(np.searchsorted(self.places[:, 0] + self.side, rows_done, side="right"))


def plan_map(
    corners: np.ndarray,
    size_px: Sequence[int],
    tile_px: int,
    downsample: float,
    map_downsample: int,
    num_channels: int,
) -> MapPlan:
    """Lay tiles onto the pixels of a map.

    Use it before tiles are read: a tile is moved onto whole map pixels, right and down by less
    than one, so that neighbours agree on where a map pixel lies. No gap opens between tiles that
    had none, and tiles at the slide's right and lower edge reach the map's.

    Args:
        corners: (N, 2) x and y of top left corners in level-0 pixels, in any order.
        size_px: width and height of the slide.
        tile_px: side of a tile in its own pixels, a multiple of `map_downsample`.
        downsample: level-0 pixels per tile pixel.
        map_downsample: tile pixels per map pixel.
        num_channels: of the map.

    Returns:
        The plan; each place once.

    Raises:
        ValueError: no corners, one that is not on the slide, or a side that is no such multiple.
    """
    corners = np.asarray(corners)
    if corners.ndim != 2 or corners.shape[1:] != (2,) or not len(corners):
        raise ValueError(
            f"corners has shape {corners.shape}; needed are x and y of at least one tile, (N, 2)."
        )
    if map_downsample < 1 or tile_px < 1 or tile_px % map_downsample:
        raise ValueError(
            f"tile_px is {tile_px} and map_downsample {map_downsample}; a tile must hold a whole "
            "number of map pixels, as 256 and 8 do."
        )
    is_off = (corners < 0).any(axis=1) | (corners >= np.array(size_px)).any(axis=1)
    if is_off.any():
        raise ValueError(
            f"{is_off.sum()} of {len(corners)} corners are not on the slide of {size_px[0]} x "
            f"{size_px[1]} pixels, such as {corners[is_off][0].tolist()}. Give level-0 pixels, as "
            "radiokit.data.tiles.grid_corners does."
        )
    scale, side = downsample * map_downsample, tile_px // map_downsample
    places = np.ceil(corners / scale - 1e-9).astype(np.int64)  # columns, rows
    extent = np.ceil(np.array(size_px) / scale - 1e-9).astype(np.int64)
    reaches_edge = (corners + tile_px * downsample > np.array(size_px) - 1).any(axis=0)
    reach = places.max(axis=0) + side
    extent = np.where(reaches_edge, np.minimum(extent, reach), extent)  # a pixel of level 0 less
    places = np.clip(places, 0, np.maximum(extent - side, 0))
    places = np.unique(places[:, ::-1], axis=0)  # by row, then column
    return MapPlan((int(extent[1]), int(extent[0]), num_channels), side, places, scale)


def blend_window(side: int) -> np.ndarray:
    """The weight of each map pixel of a tile: most in the middle, little at the rim.

    Use it where tiles overlap: a network sees less context at the rim of a tile. At half a side
    of overlap the weights of all tiles sum to 1 everywhere inside; at any other they are divided
    by their sum.

    Args:
        side: in map pixels.

    Returns:
        (side, side) float32, above 0.

    >>> window = blend_window(4)
    >>> bool(np.allclose(window[:2] + window[2:], window[:1] + window[2:3]))
    True
    """
    line = np.sin((np.arange(side) + 0.5) * np.pi / side) ** 2
    return np.outer(line, line).astype(np.float32)


def blend_tiles(
    tiles: Iterable[tuple[np.ndarray, np.ndarray]], plan: MapPlan
) -> Iterator[tuple[int, np.ndarray]]:
    """Add tiles to a map as they come, and give out its rows once no further tile reaches them.

    Use it on the tiles of a plan, in its order, or from any tile of it on.

    Args:
        tiles: (row, column) of a tile on the map, and its probabilities (side, side, channels).
        plan: from `plan_map`.

    Yields:
        First row, and the finished rows (rows, columns, channels) uint8 where 255 is 1. Pixels
        without any tile are 0 in every channel, and only these.
    """
    window = blend_window(plan.side)
    columns, side = max(plan.shape[1], plan.side), plan.side
    sums = np.zeros((side, columns, plan.shape[2]), np.float32)
    weights = np.zeros((side, columns), np.float32)
    top = None
    for (row, column), scores in tiles:
        row = int(row)
        top = row if top is None else top
        if row > top:
            yield top, _finish(sums, weights, min(row - top, side), plan)
            _move_up(sums, row - top)
            _move_up(weights, row - top)
            top = row
        sums[:, column : column + side] += window[..., None] * scores
        weights[:, column : column + side] += window
    if top is not None:
        yield top, _finish(sums, weights, min(side, plan.shape[0] - top), plan)


def _finish(sums: np.ndarray, weights: np.ndarray, rows: int, plan: MapPlan) -> np.ndarray:
    """Weighted means as whole numbers; a pixel that was looked at never is 0 throughout."""
    total = weights[:rows, : plan.shape[1], None]
    means = sums[:rows, : plan.shape[1]] / np.maximum(total, np.float32(1e-12))
    values = np.rint(np.clip(means, 0, 1) * 255).astype(np.uint8)  # (rows, columns, channels)
    values[..., 0] += (total[..., 0] > 0) & (values.max(axis=-1) == 0)
    return values


def _move_up(band: np.ndarray, rows: int) -> None:
    kept = max(0, len(band) - rows)
    band[:kept] = band[len(band) - kept :]
    band[kept:] = 0
