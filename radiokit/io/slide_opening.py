"""Which library opens which slide, and what to say of files that are none."""

from dataclasses import replace
from pathlib import Path

from radiokit.io import UnreadableFileError, brief
from radiokit.io.slide_openslide import detect_vendor, open_with_openslide
from radiokit.io.slide_source import SlideSource
from radiokit.io.slide_tiff import has_hidden_levels, open_with_tifffile

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHER_KINDS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
)
_NO_OPENSLIDE = (
    "OpenSlide is not installed, so tifffile reads this slide; other formats than TIFF stay "
    "closed. `pip install openslide-python openslide-bin` brings it."
)
_NO_PROFILE = "The file has no ICC profile: colours are as the scanner stored them."
_SLIDES_ARE = "Slides are .svs, .ndpi, .mrxs, .scn, .bif, .tif, .ome.tif and others of OpenSlide's."


def open_source(path: Path) -> SlideSource:
    """Open a slide by the library that reads it best.

    Use it through `radiokit.io.slides.open_slide`. OpenSlide goes first; tifffile takes TIFF
    that OpenSlide refuses or sees only in part.

    Args:
        path: an existing file.

    Returns:
        The open slide.

    Raises:
        radiokit.io.UnreadableFileError: no slide, damaged, or of a kind not supported.
    """
    is_tiff = _head(path)[:4] in _TIFF_HEADS
    refusal = None
    try:
        source, refusal = _try_openslide(path, is_tiff)
    except ImportError:
        source, refusal = None, _NO_OPENSLIDE
    if source is None and not is_tiff:
        raise _no_slide(path, refusal)
    if source is None:
        source = open_with_tifffile(path)
        source = replace(source, notes=(*([refusal] if refusal else []), *source.notes))
    if source.icc_profile is None:
        source = replace(source, notes=(*source.notes, _NO_PROFILE))
    return source


def _try_openslide(path: Path, is_tiff: bool) -> tuple[SlideSource | None, str | None]:
    """The open slide, or None and why not, where there is something to say."""
    import openslide

    vendor = detect_vendor(path)
    if vendor is None or (vendor == "generic-tiff" and has_hidden_levels(path)):
        return None, None
    try:
        return open_with_openslide(path), None
    except openslide.OpenSlideError as error:
        if is_tiff:
            return None, f"OpenSlide refuses this file ({brief(error)}); tifffile reads it."
        raise UnreadableFileError(
            path, f"the slide is damaged ({brief(error)})", "Copy or download it again."
        ) from error


def is_slide(path: str | Path) -> bool:
    """Whether `open_slide` would open a file, by a look at its beginning and its pages.

    Use it to tell slides from other files of a folder. A plain TIFF counts: `open_slide` opens it.

    Args:
        path: any path; a folder or nothing at all is no slide.

    Returns:
        True where it is a slide. Its pixels may still be damaged.
    """
    path = Path(path)
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return False
        open_source(path).close()
    except (UnreadableFileError, OSError):
        return False
    return True


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(132)


def _no_slide(path: Path, refusal: str | None) -> UnreadableFileError:
    head = _head(path)
    if head[128:] == b"DICM":
        remedy = "Read other DICOM images with radiokit.io.dicom.read_dicom."
        return UnreadableFileError(path, "it is DICOM, but no whole slide", remedy)
    for begin, name in _OTHER_KINDS:
        if head.startswith(begin):
            remedy = f"Read pictures with radiokit.io.rasters.read_raster. {_SLIDES_ARE}"
            return UnreadableFileError(path, f"it is {name}, not a slide", remedy)
    if refusal:
        return UnreadableFileError(path, "it is no TIFF, and OpenSlide is not installed", refusal)
    begins = head[:4].hex(" ")
    return UnreadableFileError(
        path, f"it is no slide, or a damaged one (its bytes begin {begins})", _SLIDES_ARE
    )
