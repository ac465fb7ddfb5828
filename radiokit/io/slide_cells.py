"""Tiles and strips of a TIFF, decoded one by one where a region needs them, by several threads."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError, brief
from radiokit.io.slide_samples import to_rgb
from radiokit.io.slide_source import closed_error

_CACHE_BYTES = 1 << 26
_MOST_PIXELS = 1 << 26  # of one tile or strip
_COPY_AGAIN = "Copy or download the slide again; other regions may still be whole."


def make_cell_reader(path: Path, pages: list, background_rgb: tuple[int, int, int]) -> Callable:
    """Make the function that reads rectangles of one level.

    Args:
        path: for errors.
        pages: tifffile's pages of the level: one, or three grey ones for red, green and blue.
        background_rgb: of tiles that are missing, 0..255.

    Returns:
        (left, top, right, bottom), whole pixels inside the level, to uint8 (rows, columns, 3).

    Raises:
        UnreadableFileError: stored in one piece too large to decode.
    """
    if all(page.is_memmappable and not page.is_tiled for page in pages):
        return _make_mapped_reader(path, pages, background_rgb)
    page = pages[0]
    rows, columns = min(page.rowsperstrip, page.imagelength), page.imagewidth
    if page.is_tiled:
        rows, columns = page.tilelength, page.tilewidth
    if rows * columns > _MOST_PIXELS:
        reason = f"it is stored in pieces of {columns} x {rows} pixels, which are decoded whole"
        raise UnreadableFileError(path, reason, "Save it with tiles of 256 x 256.")
    fetch = _make_cached(lambda index: _decode_cell(path, pages, index, background_rgb))
    across = math.ceil(page.imagewidth / columns)

    def read(left: int, top: int, right: int, bottom: int) -> np.ndarray:
        pixels = np.empty((bottom - top, right - left, 3), np.uint8)
        pixels[:] = background_rgb
        for row in range(top // rows, math.ceil(bottom / rows)):
            for column in range(left // columns, math.ceil(right / columns)):
                decoded = fetch(row * across + column)
                if decoded is not None:
                    _paste(pixels, decoded, column * columns - left, row * rows - top)
        return pixels

    return read


def _paste(pixels: np.ndarray, cell: np.ndarray, left: int, top: int) -> None:
    """Put a cell where it belongs; what reaches beyond is cut."""
    rows = slice(max(top, 0), min(top + cell.shape[0], pixels.shape[0]))
    columns = slice(max(left, 0), min(left + cell.shape[1], pixels.shape[1]))
    pixels[rows, columns] = cell[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]


def _make_cached(decode: Callable) -> Callable:
    """Keep the cells decoded last, up to 64 MiB; two threads may decode the same one."""
    cells, lock, total = OrderedDict(), threading.Lock(), 0

    def fetch(index: int):
        nonlocal total
        with lock:
            if index in cells:
                cells.move_to_end(index)
                return cells[index]
        cell = decode(index)
        with lock:
            if index not in cells:
                cells[index] = cell
                total += 0 if cell is None else cell.nbytes
            while total > _CACHE_BYTES and len(cells) > 1:
                _, oldest = cells.popitem(last=False)
                total -= 0 if oldest is None else oldest.nbytes
        return cell

    return fetch


def _decode_cell(path: Path, pages: list, index: int, background_rgb) -> np.ndarray | None:
    """One tile or strip as a picture; None where the file has none."""
    page = pages[0]
    num_planes = page.samplesperpixel if page.planarconfig == 2 else 1
    per_plane = len(page.dataoffsets) // num_planes
    planes = []
    for one in pages:
        for plane in range(num_planes):
            samples = _decode_segment(path, one, index + plane * per_plane)
            if samples is None:
                return None
            planes.append(samples)
    samples = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=-1)
    return to_rgb(samples, page, background_rgb)


def _decode_segment(path: Path, page, index: int) -> np.ndarray | None:
    offset, count = page.dataoffsets[index], page.databytecounts[index]
    if not offset or not count:
        return None
    try:
        data = _read_bytes(page.parent.filehandle, offset, count)
        decoded, _, shape = page.decode(
            data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
        )
        return decoded[0, : shape[1], : shape[2]]
    except Exception as error:  # decoders raise most kinds there are on damaged files
        if page.parent.filehandle.closed:
            raise closed_error(path) from error
        kind = "tile" if page.is_tiled else "strip"
        reason = (
            f"{kind} {index} of the level of {page.imagewidth} x {page.imagelength} pixels is "
            f"damaged or missing ({brief(error)})"
        )
        raise UnreadableFileError(path, reason, _COPY_AGAIN) from error


def _read_bytes(handle, offset: int, count: int) -> bytes:
    with handle.lock:
        handle.seek(offset)
        data = handle.read(count)
    if len(data) < count:
        raise ValueError(f"the file ends {count - len(data)} bytes too early")
    return data


def _make_mapped_reader(path: Path, pages: list, background_rgb) -> Callable:
    """For samples stored plainly one after another, of which any part can be taken."""
    try:
        planes = [plane for page in pages for plane in _mapped_planes(page)]
    except (ValueError, OSError) as error:
        reason = f"the file is cut short ({brief(error)})"
        raise UnreadableFileError(path, reason, "Copy or download it again.") from error

    def read(left: int, top: int, right: int, bottom: int) -> np.ndarray:
        parts = [plane[top:bottom, left:right] for plane in planes]
        return to_rgb(np.concatenate(parts, axis=-1), pages[0], background_rgb)

    return read


def _mapped_planes(page) -> list[np.ndarray]:
    """(rows, columns, samples), or (rows, columns, 1) of each sample that has a plane."""
    values = page.asarray(out="memmap")
    if page.planarconfig == 1:
        return [values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)]
    return list(values.reshape(page.samplesperpixel, page.imagelength, page.imagewidth, 1))
