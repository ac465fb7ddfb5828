"""The smaller levels of a pyramid, made by area means in bands and kept in files meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

_BAND_BYTES = 1 << 24


def level_sizes(width_px: int, height_px: int, factor: int, longest_px: int) -> list[tuple]:
    """Sizes of all levels of a pyramid, each the one before divided by a factor.

    Use it to know beforehand what will be written. What is left over at the right and lower
    edges is dropped, as scanners do.

    Args:
        width_px: of level 0.
        height_px: of level 0.
        factor: between neighbouring levels, 2 or more.
        longest_px: no further level is made once both sides are within this.

    Returns:
        (width, height) of each level, level 0 first.

    >>> level_sizes(8000, 6000, 4, 1024)
    [(8000, 6000), (2000, 1500), (500, 375)]
    """
    sizes = [(width_px, height_px)]
    while max(sizes[-1]) > longest_px and min(sizes[-1]) >= factor:
        sizes.append((sizes[-1][0] // factor, sizes[-1][1] // factor))
    return sizes


def mean_blocks(pixels: np.ndarray, factor: int) -> np.ndarray:
    """The mean of each square block of pixels, rounded.

    Use it where blocks divide evenly; rows and columns left over are dropped.

    Args:
        pixels: uint8 (rows, columns, channels).
        factor: side of a block in pixels.

    Returns:
        uint8 (rows // factor, columns // factor, channels).
    """
    import cv2

    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    cut = np.ascontiguousarray(pixels[: rows * factor, : columns * factor])
    means = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
    return means.reshape(rows, columns, pixels.shape[2])  # OpenCV drops a single channel


def band_rows(width_px: int, num_channels: int, multiple: int) -> int:
    """How many rows to hold at a time: a multiple of something, in about 16 MiB.

    Args:
        width_px: of a row.
        num_channels: bytes of a pixel.
        multiple: the band begins and ends at multiples of this.

    Returns:
        Rows, at least `multiple`.
    """
    return max(1, _BAND_BYTES // (width_px * num_channels * multiple)) * multiple


def write_means(source: np.ndarray, factor: int, path: Path) -> np.ndarray:
    """Write the next smaller level of an image to a raw file, band by band.

    Use it instead of a writable memory map: on a full disk that ends the process, this raises.

    Args:
        source: uint8 (rows, columns, channels); may be a memory map.
        factor: of the reduction.
        path: of the raw file.

    Returns:
        The level as a read-only memory map (rows // factor, columns // factor, channels).

    Raises:
        OSError: the disk is full.
    """
    rows, columns, num_channels = source.shape
    step = band_rows(columns, num_channels, factor)
    with path.open("wb") as stream:
        for band in _bands(source, step, rows // factor * factor):
            stream.write(mean_blocks(band, factor).tobytes())
    return np.memmap(path, np.uint8, "r", 0, (rows // factor, columns // factor, num_channels))


def _bands(source: np.ndarray, step: int, stop: int) -> Iterator[np.ndarray]:
    for first in range(0, stop, step):
        yield np.asarray(source[first : min(first + step, stop)])


def iterate_tiles(pixels: np.ndarray, tile_px: int, empty: int | None) -> Iterator:
    """Cut an image into the tiles of a TIFF, in reading order.

    Args:
        pixels: uint8 (rows, columns, channels); may be a memory map.
        tile_px: side of a tile; those at the edges are filled up with their last pixels.
        empty: a tile of this value alone is None, which the writer leaves out; None: all stay.

    Yields:
        uint8 (tile_px, tile_px, channels), or None for an empty tile; never None at first, from
        which tifffile learns what is coming.
    """
    rows, columns = pixels.shape[:2]
    is_first = True
    for band in _bands(pixels, tile_px, rows):
        is_blank = empty is not None and bool((band == empty).all())
        for left in range(0, columns, tile_px):
            tile = band[:, left : left + tile_px]
            is_empty = is_blank or (empty is not None and bool((tile == empty).all()))
            yield None if is_empty and not is_first else _filled_up(tile, tile_px)
            is_first = False


def _filled_up(tile: np.ndarray, tile_px: int) -> np.ndarray:
    below, beside = tile_px - tile.shape[0], tile_px - tile.shape[1]
    if below or beside:
        return np.pad(tile, ((0, below), (0, beside), (0, 0)), mode="edge")
    return np.ascontiguousarray(tile)
