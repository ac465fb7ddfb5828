"""Which pages of a TIFF are the levels of its slide: SubIFDs, further pages, or OME's series."""

from itertools import islice
from pathlib import Path

from radiokit.io import UnreadableFileError
from radiokit.io.slide_ome import has_rgb_channels, is_ome_text

_MOST_PAGES = 100  # the chain of pages of a damaged file may be endless


def find_levels(path: Path, file) -> tuple[list[list], tuple[str, ...]]:
    """Find the pages of each level, the largest first.

    Args:
        path: for errors.
        file: tifffile's open file.

    Returns:
        A list of pages a level, one page or three grey ones for red, green and blue; and notes.

    Raises:
        UnreadableFileError: channels that are no colours.
    """
    first = file.pages[0]
    if is_ome_text(first.description):
        levels, notes = _ome_levels(path, file)
    else:
        levels, notes = _page_levels(file)
    return sorted(levels, key=lambda pages: -pages[0].imagewidth), notes


def _page_levels(file) -> tuple[list[list], tuple[str, ...]]:
    pages = list(islice(file.pages, _MOST_PAGES))
    base = max(pages, key=lambda page: page.imagewidth * page.imagelength)
    candidates = [page for page in pages if page is not base] + list(base.pages or ())
    levels = {base.imagewidth: [base]}
    for page in candidates:
        if _is_smaller(page, base):
            levels.setdefault(page.imagewidth, [page])
    same = [page for page in pages if page.shape == base.shape]
    notes = (f"The file has {len(same)} pages of the same size; the first is read.",)
    return list(levels.values()), notes if len(same) > 1 else ()


def _is_smaller(page, base) -> bool:
    """The same picture in fewer pixels: labels and overviews have other proportions."""
    if page.imagewidth >= base.imagewidth or not page.imagewidth or not page.imagelength:
        return False
    alike = ("is_tiled", "samplesperpixel", "bitspersample", "planarconfig")
    if any(getattr(page, name) != getattr(base, name) for name in alike):
        return False
    factor = base.imagewidth / page.imagewidth
    return abs(base.imagelength / factor - page.imagelength) <= 1 + base.imagelength / (
        base.imagewidth
    )


def _ome_levels(path: Path, file) -> tuple[list[list], tuple[str, ...]]:
    series = max(file.series, key=lambda one: one.keyframe.imagewidth * one.keyframe.imagelength)
    notes = []
    size_px = (series.keyframe.imagewidth, series.keyframe.imagelength)
    levels = [_level_pages(path, file, level, size_px, notes) for level in series.levels]
    return levels, tuple(dict.fromkeys(notes))


def _level_pages(path: Path, file, level, size_px: tuple[int, int], notes: list[str]) -> list:
    """The page, or three of them, that show the first plane of a level."""
    page = level.keyframe
    lead = dict(zip(level.axes, level.shape, strict=True))
    num_pages = len(level.pages)
    if page.samplesperpixel == 1 and num_pages > 1 and lead.get("C", 1) > 1:
        if not (lead["C"] == 3 and has_rgb_channels(file.ome_metadata, size_px)):
            reason = f"it has {lead['C']} channels, which are no red, green and blue"
            remedy = "Read channels with tifffile.imread, or save a picture of them as RGB."
            raise UnreadableFileError(path, reason, remedy)
        step = _pages_between_channels(level.axes, level.shape)
        chosen = [level.pages[index * step] for index in range(3)]
    else:
        chosen = [level.pages[0]]
    if num_pages > len(chosen):
        notes.append(f"The file has {num_pages} planes; the first is read.")
    return [one.aspage() if hasattr(one, "aspage") else one for one in chosen]


def _pages_between_channels(axes: str, shape: tuple[int, ...]) -> int:
    step = 1
    for axis, length in zip(axes[axes.index("C") + 1 :], shape[axes.index("C") + 1 :], strict=True):
        step *= length if axis not in "YXS" else 1
    return step
