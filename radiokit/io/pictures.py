"""PNG, JPEG, TIFF, GIF and BMP to stored values and palette; `rasters.py` gives them meaning."""

import math
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from radiokit.io import MAX_PIXELS, UnreadableFileError, brief, caught_warnings

COPY_AGAIN = "Copy or download it again; if that does not help, save it anew as PNG."
_FORMATS = ("PNG", "JPEG", "GIF", "BMP")
_EXIF_ORIENTATION = 274
# None, CCITT, LZW, JPEG, deflate, PackBits, JPEG 2000, LZMA, zstd. Rarer decoders are left out:
# that of JPEG XR, for one, ends the process on a damaged file.
_TIFF_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 33003, 33005, 34712, 34925, 50000)


@dataclass(frozen=True, eq=False)
class Picture:
    """What a picture file stores, not yet turned into grey or colour.

    Args:
        values: (rows, columns) grey levels or palette indices, or (rows, columns, 3) colour.
        palette: uint8 (entries, 3) red, green, blue of each index; None without a palette.
        bits: of a stored value.
        is_lossy: JPEG, whose label values are not to be trusted.
        is_drawn_in_alpha: one value throughout, so that only the transparency shows anything.
    """

    values: np.ndarray
    palette: np.ndarray | None
    bits: int
    is_lossy: bool = False
    is_drawn_in_alpha: bool = False


def decode_picture(path: Path) -> Picture:
    """Decode the one page of a picture file, upright by its orientation tag, without alpha.

    Args:
        path: an existing file that begins as PNG, JPEG, TIFF, GIF or BMP.

    Returns:
        Stored values and palette.

    Raises:
        UnreadableFileError: several pages, damaged, or too large to be a radiograph.
    """
    with path.open("rb") as stream:
        is_tiff = stream.read(2) in (b"II", b"MM")
    with caught_warnings():
        try:
            picture = _decode_tiff(path) if is_tiff else _decode_with_pillow(path, _FORMATS)
            if picture.values.ndim not in (2, 3) or picture.values.size == 0:
                raise ValueError(f"its pixels have shape {picture.values.shape}")
            return picture
        except UnreadableFileError:
            raise
        except Exception as error:  # decoders raise most kinds there are on damaged files
            reason = f"the picture is damaged or of an unknown kind ({brief(error)})"
            raise UnreadableFileError(path, reason, COPY_AGAIN) from error


def _decode_with_pillow(path: Path, formats: tuple[str, ...]) -> Picture:
    with Image.open(path, formats=formats) as opened:
        if opened.format != "MPO":  # a camera's JPEG, whose first picture is the picture
            _refuse_pages(path, getattr(opened, "n_frames", 1))
        is_lossy = opened.format in ("JPEG", "MPO")
        depth, colour_type = _png_header(path) if opened.format == "PNG" else (8, None)
        opened.load()
        if depth == 16 and colour_type in (2, 4, 6):  # Pillow keeps 8 of these 16 bits
            picture = _picture_of_values(_decode_png_16(path), None, 16)
        else:
            picture = replace(_picture_of(opened), is_lossy=is_lossy)
        if colour_type == 0 and depth in (2, 4):  # Pillow stretches these to 0..255
            picture = replace(picture, values=picture.values // (255 // (2**depth - 1)), bits=depth)
        return replace(picture, values=_upright(picture.values, _orientation(opened)))


def _picture_of(opened: Image.Image) -> Picture:
    mode = opened.mode
    if mode in ("P", "PA"):
        palette = np.array(opened.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return _picture_of_values(np.array(opened), palette, 8)
    if mode == "1":
        return Picture(np.array(opened).astype(np.uint8), None, 1)
    if mode in ("L", "LA", "RGB", "RGBA") or mode.startswith("I"):
        values = np.array(opened)
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        return _picture_of_values(values, None, 8 * values.dtype.itemsize)
    return Picture(np.array(opened.convert("RGB")), None, 8)  # CMYK, YCbCr, LAB, La


def _decode_tiff(path: Path) -> Picture:
    import tifffile

    with tifffile.TiffFile(path) as file:
        # The chain of pages may be endless in a damaged file; previews follow the page itself.
        whole = [page for page in islice(file.pages, 20) if not page.is_reduced]
        metadata = file.imagej_metadata or {}
        _refuse_pages(path, max(len(whole), int(metadata.get("images", 1))))
        page = whole[0] if whole else file.pages[0]
        if not all(isinstance(side, int) for side in page.shape):
            raise ValueError("its size is not a number")
        if (
            math.prod(page.shape) > 4 * MAX_PIXELS
            or page.imagelength * page.imagewidth > MAX_PIXELS
        ):
            reason = f"its shape {page.shape} is beyond the limit of {MAX_PIXELS} pixels"
            raise UnreadableFileError(path, reason, "Save it smaller; no radiograph is as large.")
        if page.compression not in _TIFF_COMPRESSIONS:
            reason = f"its compression is TIFF's number {int(page.compression)}"
            raise UnreadableFileError(path, reason, "Save it with LZW or deflate, or as PNG.")
        _refuse_missing_bytes(path, page)
        if page.photometric not in (0, 1, 2, 3) or page.compression == 6:
            return replace(_decode_with_pillow(path, ("TIFF",)), is_lossy=page.compression == 7)
        return _picture_of_page(page)


def _picture_of_page(page) -> Picture:
    values = page.asarray().reshape(page.shape)
    if values.dtype.kind == "c":
        raise ValueError("its pixels are complex numbers")
    if page.planarconfig == 2 and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    values = values.astype(np.uint8) if values.dtype.kind == "b" else values
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    bits = page.bitspersample if isinstance(page.bitspersample, int) else page.bitspersample[0]
    if page.photometric == 0 and values.dtype.kind == "u":  # MINISWHITE: 0 is white
        values = np.asarray(2**bits - 1, values.dtype) - values
    palette = None
    if page.photometric == 3:
        palette = (np.reshape(page.colormap, (3, -1)).T >> 8).astype(np.uint8)
    orientation = int(page.tags.valueof(_EXIF_ORIENTATION, 1))
    picture = _picture_of_values(_upright(values, orientation), palette, bits)
    return replace(picture, is_lossy=page.compression == 7)


def _refuse_missing_bytes(path: Path, page) -> None:
    # tifffile fills segments beyond the end of a file with zeros, and says nothing.
    ends = [
        offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    size = path.stat().st_size
    if not ends or max(ends) > size or 0 in page.databytecounts:
        reason = f"the file is cut short ({size} bytes, {max(ends, default=0)} needed)"
        raise UnreadableFileError(path, reason, COPY_AGAIN)


def _refuse_pages(path: Path, count: int) -> None:
    if count > 1:
        reason = "it has several pages or frames, a single image is needed"
        raise UnreadableFileError(path, reason, "Save each page as a file of its own.")


def _png_header(path: Path) -> tuple[int, int]:
    with path.open("rb") as stream:
        header = stream.read(26)
    return header[24], header[25]  # bit depth, colour type


def _decode_png_16(path: Path) -> np.ndarray:
    import imagecodecs

    return imagecodecs.png_decode(path.read_bytes())


def _picture_of_values(values: np.ndarray, palette: np.ndarray | None, bits: int) -> Picture:
    """Split grey + alpha and colour + alpha; further channels are dropped."""
    if values.ndim == 2:
        return Picture(values, palette, bits)
    colour = values[..., :3] if values.shape[-1] > 2 else values[..., 0]
    alpha = values[..., -1]
    has_alpha = values.shape[-1] in (2, 4)
    is_drawn_in_alpha = has_alpha and colour.min() == colour.max() and alpha.min() != alpha.max()
    return Picture(np.ascontiguousarray(colour), palette, bits, False, bool(is_drawn_in_alpha))


def _orientation(opened: Image.Image) -> int:
    try:
        return int(opened.getexif().get(_EXIF_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, KeyError):  # a broken note beside sound pixels
        return 1


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the EXIF and TIFF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
