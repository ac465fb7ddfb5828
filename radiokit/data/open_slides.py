"""Slides that stay open while thousands of tiles are read from them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from radiokit.data.breast_annotations import read_regions
from radiokit.data.breast_regions import Region
from radiokit.data.ink import find_ink
from radiokit.io.slides import Slide, open_slide

LOW_MPP_UM = 8.0  # microns a pixel; a pen stroke and a fold of tissue are some 50 wide


@dataclass(frozen=True, eq=False)
class OpenSlides:
    """What `keep_slides_open` hands out; made and closed there.

    Attributes:
        limit: slides kept open at most; outlines and ink, which are small, are kept of all.
        idle: (name, slide) of the slides nobody is reading, the longest unused first.
        regions: annotation file -> what was read from it.
        inks: slide file -> its ink at low magnification.
        lock: held while one of these is looked at.
        ended: set once the block is left.
    """

    limit: int
    idle: list[tuple[tuple, Slide]] = field(default_factory=list)
    regions: dict[str, tuple[Region, ...]] = field(default_factory=dict)
    inks: dict[str, tuple[np.ndarray, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def keep_slides_open(limit: int = 16) -> Iterator[OpenSlides]:
    """Keep slides open, and annotations read, until the block ends.

    Use it around whatever reads many tiles, a training for instance, and give what it yields to
    `read_tile_case`, which without it opens the slide for every tile. Threads may share it: a
    slide is lent to one at a time, a second thread gets a second handle. It is an argument rather
    than a hidden cache, so that files are closed at a known moment and can be moved afterwards.

    Args:
        limit: slides kept open at most while nobody reads them; the longest unused is closed.

    Yields:
        The open slides, for `read_tile_case(row, tile_px, slides=...)`.

    Raises:
        ValueError: the limit is below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; needed is at least one slide.")
    slides = OpenSlides(limit)
    try:
        yield slides
    finally:
        with slides.lock:
            slides.ended.set()
            while slides.idle:
                slides.idle.pop()[1].close()


@contextmanager
def borrow_slide(slides: OpenSlides | None, row) -> Iterator[Slide]:
    """Open the slide of a table's row, or take it from those kept open.

    Args:
        slides: from `keep_slides_open`; None opens the slide and closes it again.
        row: `image`, and `slide_mpp_um` or `mpp_um` of level 0 (NaN where unknown).

    Yields:
        The slide, for this thread alone until the block ends.

    Raises:
        FileNotFoundError: no such file.
        ValueError: `slides` is used after its block has ended.
        radiokit.io.UnreadableFileError: not a slide.
    """
    path, mpp_um = str(row["image"]), _level0_mpp_um(row)
    if slides is None:
        with open_slide(path, mpp_um) as slide:
            yield slide
        return
    slide = _take(slides, (path, mpp_um)) or open_slide(path, mpp_um)
    try:
        yield slide
    finally:
        _give_back(slides, (path, mpp_um), slide)


def _level0_mpp_um(row) -> float | None:
    """A tile's row keeps the slide's own beside the tile's."""
    value = float(row["slide_mpp_um"] if "slide_mpp_um" in row else row["mpp_um"])
    return value if np.isfinite(value) else None


def _take(slides: OpenSlides, name: tuple) -> Slide | None:
    with slides.lock:
        if slides.ended.is_set():
            raise ValueError(
                "The slides were closed when their `with keep_slides_open()` block ended. Read "
                "inside the block."
            )
        for place in reversed(range(len(slides.idle))):
            if slides.idle[place][0] == name:
                return slides.idle.pop(place)[1]
    return None


def _give_back(slides: OpenSlides, name: tuple, slide: Slide) -> None:
    with slides.lock:
        slides.idle.append((name, slide))
        limit = 0 if slides.ended.is_set() else slides.limit
        surplus = [slides.idle.pop(0)[1] for _ in range(max(0, len(slides.idle) - limit))]
    for unused in surplus:
        unused.close()


def annotation_of(row) -> str:
    """Path of a row's annotation, "" where it has none.

    Args:
        row: of a slide or tile table (Series or dict).

    Returns:
        The path.
    """
    annotation = row.get("annotation", "")
    return annotation if isinstance(annotation, str) else ""  # an empty cell of a CSV is NaN


def regions_of(slides: OpenSlides | None, annotation: str) -> tuple[Region, ...]:
    """The outlines of an annotation file, read once while slides are kept open.

    Args:
        slides: from `keep_slides_open`, or None.
        annotation: path of the file.

    Returns:
        What `radiokit.data.breast_annotations.read_regions` gives.

    Raises:
        FileNotFoundError: no such file.
        radiokit.io.UnreadableFileError: it cannot be read.
    """
    return _known(slides, "regions", annotation, lambda: read_regions(annotation))


def ink_of(slides: OpenSlides | None, slide: Slide) -> tuple[np.ndarray, float]:
    """The ink of a whole slide at low magnification, found once while slides are kept open.

    Args:
        slides: from `keep_slides_open`, or None.
        slide: an open slide that says how large its pixels are.

    Returns:
        Boolean mask (rows, columns), and its downsample.

    Raises:
        ValueError: the slide does not say it.
        radiokit.io.UnreadableFileError: a part of the file is damaged.
    """
    return _known(slides, "inks", str(slide.path), lambda: _find_ink(slide))


def _find_ink(slide: Slide) -> tuple[np.ndarray, float]:
    pixels, downsample, mpp_um = read_low(slide)
    return find_ink(pixels, mpp_um).mask, downsample


def read_low(slide: Slide) -> tuple[np.ndarray, float, float]:
    """The whole slide at the low magnification at which tissue and ink are looked for.

    Args:
        slide: an open slide that says how large its pixels are.

    Returns:
        uint8 (rows, columns, 3), level-0 pixels per pixel, microns per pixel.

    Raises:
        ValueError: the slide does not say it.
        radiokit.io.UnreadableFileError: a part of the file is damaged.
    """
    wanted = slide.downsample_for(mpp_um=LOW_MPP_UM)
    pixels, downsample = slide.read_thumbnail(max(1, round(max(slide.size_px) / wanted)))
    return pixels, downsample, LOW_MPP_UM * downsample / wanted


def _known(slides: OpenSlides | None, kind: str, name: str, make):
    """A result kept for `name`, or made and kept; two threads may both make it."""
    if slides is None:
        return make()
    results = getattr(slides, kind)
    with slides.lock:
        result = results.get(name)
    if result is None:
        result = make()
        with slides.lock:
            results[name] = result
    return result
