"""Slides that OpenSlide refuses or sees in part, through tifffile: plain and pyramidal TIFF."""

import math
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError, brief, caught_warnings
from radiokit.io.slide_cells import make_cell_reader
from radiokit.io.slide_levels import find_levels
from radiokit.io.slide_ome import is_ome_text, read_ome_properties
from radiokit.io.slide_samples import check_samples
from radiokit.io.slide_source import WHITE, SlideSource, closed_error, level_scales

_ICC_TAG = 34675
_UNITS = {2: "inch", 3: "centimeter"}
_REMEDY = "Copy or download it again; if that does not help, save it anew as a tiled TIFF."


def has_hidden_levels(path: Path) -> bool:
    """Whether a TIFF is OME's or keeps its levels below its first page, where OpenSlide looks not.

    Args:
        path: an existing file.

    Returns:
        False also for what is no TIFF at all.
    """
    import tifffile

    try:
        with caught_warnings(), tifffile.TiffFile(path) as file:
            page = file.pages[0]
            return is_ome_text(page.description) or bool(page.subifds)
    except Exception:  # damaged in any way: OpenSlide may judge
        return False


def open_with_tifffile(path: Path) -> SlideSource:
    """Open a TIFF of any layout out of which a picture in colour can be made.

    Args:
        path: an existing file.

    Returns:
        The open slide.

    Raises:
        UnreadableFileError: damaged, or of a kind not supported.
    """
    import tifffile

    file = None
    try:
        with caught_warnings():
            file = tifffile.TiffFile(path)
            file.filehandle.set_lock(True)
            return _source(path, file)
    except UnreadableFileError:
        file.close()
        raise
    except Exception as error:  # damaged files raise most kinds there are
        if file is not None:
            file.close()
        reason = f"the TIFF is damaged or of an unknown kind ({brief(error)})"
        raise UnreadableFileError(path, reason, _REMEDY) from error


def _source(path: Path, file) -> SlideSource:
    levels, level_notes = find_levels(path, file)
    sample_notes = check_samples(path, levels[0])
    for pages in levels:
        _check_complete(path, pages)
    sizes = tuple((pages[0].imagewidth, pages[0].imagelength) for pages in levels)
    downsamples = tuple(float(np.mean(np.divide(sizes[0], size))) for size in sizes)
    readers = [make_cell_reader(path, pages, WHITE) for pages in levels]

    def read(level: int, left: float, top: float, right: float, bottom: float):
        if file.filehandle.closed:
            raise closed_error(path)
        corner = (math.floor(left + 1e-6), math.floor(top + 1e-6))
        far = (math.ceil(right - 1e-6), math.ceil(bottom - 1e-6))
        return readers[level](*corner, *far), corner

    first = levels[0][0]
    return SlideSource(
        backend="tifffile",
        vendor=_vendor(file),
        level_sizes_px=sizes,
        level_downsamples=downsamples,
        level_scales=level_scales(sizes, downsamples),
        properties=_properties(first, file),
        background_rgb=WHITE,
        icc_profile=_icc_profile(first),
        notes=(*level_notes, *sample_notes),
        read=read,
        close=file.close,
    )


def _check_complete(path: Path, pages: list) -> None:
    """Raise if a level's list of tiles or strips is cut short, or points beyond the file's end."""
    for page in pages:
        rows = page.tilelength if page.is_tiled else page.rowsperstrip
        columns = page.tilewidth if page.is_tiled else page.imagewidth
        cells = -(-page.imagelength // rows) * -(-page.imagewidth // columns)
        offsets, counts = (np.asarray(one) for one in (page.dataoffsets, page.databytecounts))
        is_listed = min(len(offsets), len(counts)) >= cells
        if not is_listed or (offsets + counts).max() > page.parent.filehandle.size:
            reason = (
                f"it is cut short: the level of {page.imagewidth} x {page.imagelength} pixels has "
                "tiles beyond the end of the file"
            )
            raise UnreadableFileError(path, reason, _REMEDY)


def _vendor(file) -> str:
    if file.is_svs:
        return "aperio"
    return "ome-tiff" if file.is_ome else "generic-tiff"


def _icc_profile(page) -> bytes | None:
    profile = page.tags.valueof(_ICC_TAG)
    return bytes(profile) if profile else None


def _properties(page, file) -> dict[str, str]:
    """Named as OpenSlide names what it finds in a TIFF; OME's own begin with `ome.`."""
    properties = {"tiff.ImageDescription": page.description} if page.description else {}
    for name in ("XResolution", "YResolution"):
        value = page.tags.valueof(name)
        if isinstance(value, tuple) and len(value) == 2 and value[1]:
            properties[f"tiff.{name}"] = repr(value[0] / value[1])
    unit = _UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    if unit:
        properties["tiff.ResolutionUnit"] = unit
    for name in ("Software", "Make", "Model", "DateTime"):
        if page.tags.valueof(name):
            properties[f"tiff.{name}"] = str(page.tags.valueof(name))
    if file.is_ome:
        properties |= read_ome_properties(file.ome_metadata, (page.imagewidth, page.imagelength))
    return properties
