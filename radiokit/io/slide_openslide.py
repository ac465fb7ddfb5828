"""Slides through OpenSlide: exact places at every level, and no error that outlives its region."""

import math
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError, brief
from radiokit.io.slide_source import (
    WHITE,
    SlideSource,
    closed_error,
    level_scales,
    over_background,
)

_LEAST_SHARE = 0.25  # of a pixel at the level's edge; of less, its colour is not known well
_COPY_AGAIN = "Copy or download the slide again; other regions may still be whole."


def detect_vendor(path: Path) -> str | None:
    """Ask OpenSlide whose format a file has.

    Args:
        path: an existing file.

    Returns:
        OpenSlide's name of the format, for instance `"aperio"`; None where it knows none.

    Raises:
        ImportError: OpenSlide is not installed.
    """
    import openslide

    try:
        return openslide.OpenSlide.detect_format(str(path))
    except openslide.OpenSlideError:
        return None


def open_with_openslide(path: Path) -> SlideSource:
    """Open a slide of a format that OpenSlide knows.

    Args:
        path: an existing file.

    Returns:
        The open slide.

    Raises:
        ImportError: OpenSlide is not installed.
        openslide.OpenSlideError: it cannot open the file.
    """
    import openslide

    handle = openslide.OpenSlide(str(path))
    properties = dict(handle.properties)
    sizes_px, downsamples = handle.level_dimensions, handle.level_downsamples
    background = _background(properties.get("openslide.background-color"))
    icc_profile, notes = _icc_profile(handle)
    read, close = _reader(path, handle, background)
    return SlideSource(
        backend="openslide",
        vendor=properties.get("openslide.vendor", "unknown"),
        level_sizes_px=sizes_px,
        level_downsamples=downsamples,
        level_scales=level_scales(sizes_px, downsamples),
        properties=properties,
        background_rgb=background,
        icc_profile=icc_profile,
        notes=notes,
        read=read,
        close=close,
    )


def _background(written: str | None) -> tuple[int, int, int]:
    try:
        return tuple(bytes.fromhex((written or "").removeprefix("#")))[:3] if written else WHITE
    except ValueError:
        return WHITE


def _icc_profile(handle) -> tuple[bytes | None, tuple[str, ...]]:
    from PIL import ImageCms

    try:
        profile = handle.color_profile
    except ImageCms.PyCMSError as error:
        return None, (f"The file's ICC profile is damaged ({brief(error)}) and left out.",)
    return (None if profile is None else profile.tobytes()), ()


def _reader(path: Path, handle, background: tuple[int, int, int]):
    """The functions that read from a handle and close it.

    A handle that failed once fails for ever, in every thread that shares it. So a failed region
    is tried again on a handle of its own, which then takes the shared one's place. Handles are
    dropped, not closed: the last thread that still reads through one closes it.
    """
    shared = {"handle": handle}
    sizes, downsamples = handle.level_dimensions, handle.level_downsamples

    def read(level: int, left: float, top: float, right: float, bottom: float):
        downsample = downsamples[level]
        corner = [_floor(place * downsample) for place in (left, top)]
        start = [place / downsample for place in corner]
        size = [
            max(1, min(math.ceil(end - first - 1e-9), _floor(whole - first + 1 - _LEAST_SHARE)))
            for end, first, whole in zip((right, bottom), start, sizes[level], strict=True)
        ]
        pixels = _read_region(path, shared, corner, level, size)
        reaches = [
            first + count > whole + 1e-6
            for first, count, whole in zip(start, size, sizes[level], strict=True)
        ]
        pixels = _with_whole_edges(pixels, *reaches) if any(reaches) else pixels
        return over_background(pixels, background), start

    return read, lambda: shared.update(handle=None)


def _with_whole_edges(pixels: np.ndarray, is_right: bool, is_lower: bool) -> np.ndarray:
    """Between two pixels of the level, OpenSlide lets the last ones fade out; they should not."""
    pixels = pixels.copy()
    edges = ([pixels[:, -1, 3]] if is_right else []) + ([pixels[-1, :, 3]] if is_lower else [])
    for alpha in edges:
        alpha[alpha > 0] = 255
    return pixels


def _floor(value: float) -> int:
    return math.floor(value + 1e-6)


def _read_region(path: Path, shared: dict, corner: list, level: int, size: list) -> np.ndarray:
    import openslide

    handle = shared["handle"]
    if handle is None:
        raise closed_error(path)
    try:
        return np.asarray(handle.read_region(tuple(corner), level, tuple(size)))
    except openslide.OpenSlideError:
        pass
    try:
        if shared["handle"] is handle:
            shared["handle"] = openslide.OpenSlide(str(path))
        alone = openslide.OpenSlide(str(path))
        return np.asarray(alone.read_region(tuple(corner), level, tuple(size)))
    except openslide.OpenSlideError as error:
        reason = (
            f"level {level}, {size[0]} x {size[1]} pixels from x {corner[0]}, y {corner[1]} are "
            f"damaged or missing ({brief(error)})"
        )
        raise UnreadableFileError(path, reason, _COPY_AGAIN) from error
