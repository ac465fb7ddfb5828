"""One picture file, JSRT film or DICOM radiograph to pixels, and label masks to labels.

One polarity: bone is bright. Pictures are taken to be so already, as the public PNG sets are;
DICOM says it in its header, and JSRT's raw films are inverted here.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from radiokit.files import write_bytes_whole
from radiokit.io import UnreadableFileError, check_file
from radiokit.io.dicom import display_pixels, read_dicom
from radiokit.io.dicom_values import looks_like_dicom
from radiokit.io.pictures import Picture, decode_picture

JSRT_SHAPE = (2048, 2048)
JSRT_SPACING_MM = (0.175, 0.175)
JSRT_BYTES = 2048 * 2048 * 2
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")
_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels of a picture file as stored.

    Args:
        pixels: (rows, columns) grey or (rows, columns, 3) red, green, blue.
        max_value: the value that stands for white.
        spacing_mm: (row, column) pixel size in mm, or None: a print resolution is no pixel size.
        unit: of `pixels`.
    """

    pixels: np.ndarray
    max_value: float
    spacing_mm: tuple[float, float] | None
    unit: str


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A radiograph ready for a network or a picture.

    Args:
        pixels: float32 (rows, columns) in 0..1, bone bright.
        spacing_mm: (row, column) pixel size in mm, or None where the file does not say.
        unit: of `pixels`.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, float] | None
    unit: str = "fraction of display range"


def read_raster(path: str | Path) -> Raster:
    """Read a PNG, JPEG, TIFF, GIF or BMP as stored; its content decides, not its name.

    A palette is honoured, alpha dropped, an orientation tag obeyed.

    Args:
        path: a file of one page.

    Returns:
        The pixels and the value of white: all ones in the file's bits up to 8; above, the
        smallest 2^k − 1 of at least 255 that holds the brightest pixel.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: another kind of file, several pages, or damaged.
    """
    path = check_file(path)
    kind = _kind(path)
    if kind != "picture":
        reason = f"it is {kind}, not a PNG, JPEG, TIFF, GIF or BMP picture"
        raise UnreadableFileError(path, reason, "Use read_radiograph, which reads DICOM too.")
    picture = decode_picture(path)
    pixels = picture.values
    if picture.palette is not None:
        pixels = _collapse(_full_palette(picture)[picture.values])
    return Raster(pixels, _max_value(picture, pixels), None, "grey level")


def read_jsrt_img(path: str | Path) -> Raster:
    """Read a raw film of the JSRT database (Shiraishi 2000): big-endian, 12 bits in 16.

    Args:
        path: `JPCLN001.IMG` or the like.

    Returns:
        uint16 (2048, 2048) in 0..4095, inverted so that bone is bright; 0.175 mm pixels.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: another size, or values beyond 12 bits.
    """
    path = check_file(path)
    size = path.stat().st_size
    if size != JSRT_BYTES:
        raise UnreadableFileError(
            path,
            f"it has {size} bytes, a JSRT film has {JSRT_BYTES} (2048×2048×2)",
            "Copy or download it again, or use a PNG conversion.",
        )
    stored = np.fromfile(path, ">u2").astype(np.uint16).reshape(JSRT_SHAPE)
    if stored.max() > 4095:
        stored = stored.byteswap()  # some copies went through a little-endian program
    if stored.max() > 4095:
        reason = "it holds values beyond 12 bits in either byte order"
        raise UnreadableFileError(path, reason, "Check that it is an untouched JSRT film.")
    return Raster(np.uint16(4095) - stored, 4095.0, JSRT_SPACING_MM, "4095 - stored value")


def read_radiograph(path: str | Path) -> Radiograph:
    """Read a radiograph from DICOM, a JSRT film or any picture file; its content decides.

    Colour becomes luminance. DICOM goes through its VOI LUT or first window, and MONOCHROME1 is
    inverted; a picture is taken to show bone bright already.

    Args:
        path: the file.

    Returns:
        float32 in 0..1, bone bright, with the pixel size where the file truly says it.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: what the file is, or what is wrong with it.
    """
    path = check_file(path)
    kind = _kind(path)
    if kind == "a DICOM file":
        image = read_dicom(path)
        return Radiograph(display_pixels(image), image.spacing_mm)
    if kind not in ("a JSRT film", "picture"):
        remedy = "Give a DICOM file, a JSRT .IMG film, or a PNG, JPEG, TIFF, GIF or BMP picture."
        raise UnreadableFileError(path, f"it is {kind}", remedy)
    raster = read_jsrt_img(path) if kind == "a JSRT film" else read_raster(path)
    grey = _luminance(raster.pixels)
    if raster.pixels.dtype.kind != "u" and not 0 <= grey.min() <= grey.max() <= raster.max_value:
        raise UnreadableFileError(
            path,
            f"its values run from {grey.min():g} to {grey.max():g}, so that white is unknown",
            "Save it as 8 or 16 bit without sign, or as fractions from 0 to 1.",
        )
    pixels = np.divide(grey, np.float32(raster.max_value), dtype=np.float32)
    return Radiograph(pixels, raster.spacing_mm)


def read_label_mask(path: str | Path) -> np.ndarray:
    """Read a mask's labels from a picture file or DICOM.

    Grey masks give their stored values (1-bit: 0 and 1), colour masks of equal channels likewise;
    a grey or black-and-white palette gives its grey values, a colour palette its indices. A JPEG
    mask of two levels is cleaned to 0 and 255.

    Args:
        path: the file.

    Returns:
        Integer (rows, columns).

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: truly coloured, fractions, a JPEG of several labels, or damaged.
    """
    path = check_file(path)
    if _kind(path) == "a DICOM file":
        return _whole_labels(path, read_dicom(path).pixels)
    if _kind(path) != "picture":
        reason = f"it is {_kind(path)}, not a label mask"
        raise UnreadableFileError(path, reason, "Give a PNG, TIFF, GIF, BMP or DICOM mask.")
    picture = decode_picture(path)
    if picture.is_drawn_in_alpha:
        reason = "its labels are drawn in the transparency only, the colours are one value"
        raise UnreadableFileError(path, reason, "Flatten it onto black and save it as PNG.")
    if picture.is_lossy:
        return _clean_jpeg_mask(path, _luminance(picture.values))
    if picture.palette is not None:
        return _palette_labels(picture)
    labels = _collapse(picture.values)
    if labels.ndim == 3:
        raise UnreadableFileError(
            path,
            "it is a mask in true colour, whose colours mean nothing here",
            "Save it as grey or palette PNG with one value for each label.",
        )
    return _whole_labels(path, labels)


def write_png(path: str | Path, array: np.ndarray) -> Path:
    """Write a PNG that is complete or absent; folders are made as needed.

    Args:
        path: where to; an existing file is replaced.
        array: uint8 or uint16 (rows, columns), or uint8 (rows, columns, 3) red, green, blue.

    Returns:
        The path.

    Raises:
        ValueError: another type or shape.
        OSError: the folder cannot be written to.
    """
    is_grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    is_colour = array.ndim == 3 and array.shape[-1] == 3 and array.dtype == np.uint8
    if not (is_grey or is_colour) or array.size == 0:
        raise ValueError(
            f"A PNG needs uint8 or uint16 (rows, columns) or uint8 (rows, columns, 3); got "
            f"{array.dtype} {array.shape}. Scale and convert the array first."
        )
    encoded = cv2.imencode(".png", array[..., ::-1] if is_colour else array)[1]
    return write_bytes_whole(path, encoded.tobytes())


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(132)
    if head[128:] == b"DICM":  # first: a DICOM preamble may itself be that of a TIFF
        return "a DICOM file"
    if head.startswith(_PICTURE_STARTS + _TIFF_STARTS):
        return "picture"
    if path.suffix.lower() == ".img" or path.stat().st_size == JSRT_BYTES:
        return "a JSRT film"
    if looks_like_dicom(path):
        return "a DICOM file"
    if head.lstrip()[:1] in (b"<", b"{"):
        return "a text or web page (a failed download?)"
    return "of an unknown kind"


def _full_palette(picture: Picture) -> np.ndarray:
    """An index past the end of the palette is black."""
    palette = np.zeros((int(np.iinfo(picture.values.dtype).max) + 1, 3), np.uint8)
    palette[: len(picture.palette)] = picture.palette[: len(palette)]
    return palette


def _collapse(values: np.ndarray) -> np.ndarray:
    """Colour whose channels are all equal is grey."""
    if values.ndim == 2:
        return values
    first = values[..., 0]
    is_grey = np.array_equal(first, values[..., 1]) and np.array_equal(first, values[..., 2])
    return np.ascontiguousarray(first) if is_grey else values


def _max_value(picture: Picture, pixels: np.ndarray) -> float:
    if picture.palette is not None:
        return 255.0
    if pixels.dtype.kind == "f":
        return max(1.0, float(pixels.max()) if np.isfinite(pixels).all() else 1.0)
    if picture.bits <= 8 and pixels.dtype.kind == "u":
        return float(2**picture.bits - 1)
    return float(2 ** max(8, int(pixels.max()).bit_length()) - 1)


def _luminance(pixels: np.ndarray) -> np.ndarray:
    pixels = _collapse(pixels)
    return pixels if pixels.ndim == 2 else pixels.astype(np.float32) @ _LUMINANCE


def _palette_labels(picture: Picture) -> np.ndarray:
    palette = _full_palette(picture)
    used = palette[np.flatnonzero(np.bincount(picture.values.ravel()))]
    is_grey = (palette == palette[:, :1]).all()
    is_black_and_white = np.isin(used, (0, 255)).all() and (used == used[:, :1]).all()
    if is_grey or is_black_and_white:
        return palette[:, 0][picture.values]
    return picture.values


def _clean_jpeg_mask(path: Path, grey: np.ndarray) -> np.ndarray:
    top = float(grey.max())
    near_a_level = (grey < 0.25 * top) | (grey > 0.75 * top)
    if top > 0 and (top < 128 or near_a_level.mean() < 0.95):
        raise UnreadableFileError(
            path,
            "it is a JPEG, which blurs label values, and has not just black and white",
            "Save the mask as PNG with one value for each label.",
        )
    return np.where(grey > 0.5 * max(top, 1), 255, 0).astype(np.uint8)


def _whole_labels(path: Path, labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind != "f":
        return labels
    whole = np.rint(labels) if np.isfinite(labels).all() else labels
    if not np.array_equal(whole, labels) or np.abs(whole).max() >= 2**31:
        reason = "its values are fractions or vast, labels are whole numbers"
        raise UnreadableFileError(path, reason, "Threshold it and save it as PNG.")
    return whole.astype(np.int32)
