"""The stored values of a DICOM file, whatever its transfer syntax; `dicom.py` gives them meaning.

Real files lack a preamble, a File Meta or a transfer syntax, or declare the wrong one; what is
assumed instead is written into `notes`.
"""

import math
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import UID

from radiokit.io import MAX_PIXELS, UnreadableFileError, brief

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
COLOUR_TOLERANCE = 4 / 255  # lossy compression moves grey this far from equal channels
COPY_AGAIN = "Copy or download it again; if that does not help, export it anew from the archive."
_JPEG_2000 = (
    pydicom.uid.JPEG2000,
    pydicom.uid.JPEG2000Lossless,
    pydicom.uid.HTJ2K,
    pydicom.uid.HTJ2KLossless,
    pydicom.uid.HTJ2KLosslessRPCL,
)
_JPEG_LOSSLESS = (pydicom.uid.JPEGLossless, pydicom.uid.JPEGLosslessSV1)
_SYNTAX_OF_JPEG_MARKER = {
    0xC0: pydicom.uid.JPEGBaseline8Bit,
    0xC1: pydicom.uid.JPEGExtended12Bit,
    0xC3: pydicom.uid.JPEGLossless,
    0xF7: pydicom.uid.JPEGLSLossless,
}


def open_dataset(path: Path, notes: list[str]) -> pydicom.Dataset:
    """Read the header, and mend a transfer syntax that is missing or belies the pixels.

    Args:
        path: an existing file.
        notes: what had to be assumed is appended here.

    Returns:
        The data set, with a transfer syntax where it holds pixels.

    Raises:
        UnreadableFileError: not DICOM, broken, or without pixels.
    """
    if not looks_like_dicom(path):
        raise UnreadableFileError(path, "it is not a DICOM file", "Check what it is.")
    try:
        dataset = pydicom.dcmread(path, force=True)
        keyword = next((name for name in PIXEL_KEYWORDS if name in dataset), None)
    except Exception as error:  # pydicom raises most kinds there are on a broken header
        reason = f"its DICOM header is broken ({brief(error)})"
        raise UnreadableFileError(path, reason, COPY_AGAIN) from error
    if keyword is None:
        kind = dataset.get("SOPClassUID")
        kind = UID(str(kind)).name if kind else "no SOP class"
        raise UnreadableFileError(
            path,
            f"it holds no pixel data ({kind})",
            "Choose an image; if it should be one, it was cut short: copy or download it again.",
        )
    if keyword == "PixelData":
        _mend_syntax(dataset, notes)
    return dataset


def looks_like_dicom(path: Path) -> bool:
    """Whether the first bytes are those of a DICOM file, with or without its preamble.

    Args:
        path: an existing file.

    Returns:
        True for the `DICM` mark, or for a first element of group 0002 or 0008.
    """
    with path.open("rb") as stream:
        head = stream.read(132)
    groups = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
    return head[128:] == b"DICM" or (len(head) >= 8 and head[:2] in groups)


def stored_values(path: Path, dataset: pydicom.Dataset, notes: list[str]) -> np.ndarray:
    """Decode the one frame of an image, before any modality LUT.

    Grey stored as colour (equal channels, or a grey palette) is reduced to grey.

    Args:
        path: the file, for messages.
        dataset: from `open_dataset`.
        notes: what had to be assumed is appended here.

    Returns:
        (rows, columns), integer or float.

    Raises:
        UnreadableFileError: several frames, true colour, too large, truncated, or not decodable.
    """
    _check_shape(path, dataset)
    try:
        values = _decode(dataset)
    except Exception as error:  # decoders raise most kinds there are on broken pixels
        raise _decoding_error(path, dataset, error) from error
    if values.shape[:2] != (dataset.Rows, dataset.Columns):
        reason = f"its pixels have shape {values.shape}, not the header's one frame"
        raise UnreadableFileError(path, reason, "Split it into one file a frame.")
    return values if values.ndim == 2 else _grey_of_colour(path, values, notes)


def padding_mask(dataset: pydicom.Dataset, stored: np.ndarray) -> np.ndarray | None:
    """Pixels outside the exposed field: PixelPaddingValue up to PixelPaddingRangeLimit.

    Args:
        dataset: from `open_dataset`.
        stored: from `stored_values`; padding is defined on these, before the modality LUT.

    Returns:
        bool (rows, columns), or None where the file declares no padding.
    """
    is_float = stored.dtype.kind == "f"
    names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
    if not is_float:
        names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    first = dataset.get(names[0])
    if first is None or first == "":
        return None
    last = dataset.get(names[1])
    bounds = [first, first if last in (None, "") else last]
    if not is_float:
        bounds = [_as_stored(int(bound), dataset) for bound in bounds]
        stored = _with_unused_bits(dataset, stored, bounds)
    return (stored >= min(bounds)) & (stored <= max(bounds))


def _check_shape(path: Path, dataset: pydicom.Dataset) -> None:
    rows, columns = _count(path, dataset, "Rows"), _count(path, dataset, "Columns")
    frames = _count(path, dataset, "NumberOfFrames") or 1
    if rows < 1 or columns < 1:
        raise UnreadableFileError(path, "Rows or Columns are missing or 0", COPY_AGAIN)
    if frames != 1:
        raise UnreadableFileError(
            path,
            f"it has {frames} frames, a single image is needed",
            "Split it into one file a frame, for instance with dcm4che's emf2sf.",
        )
    if rows * columns > MAX_PIXELS:
        reason = f"{rows}×{columns} pixels are more than the limit of {MAX_PIXELS}"
        raise UnreadableFileError(path, reason, "Check Rows and Columns in its header.")


def _count(path: Path, dataset: pydicom.Dataset, keyword: str) -> int:
    try:
        return int(dataset.get(keyword) or 0)
    except (ValueError, TypeError) as error:
        reason = f"its {keyword} is not a whole number ({brief(error)})"
        raise UnreadableFileError(path, reason, "Correct it in the header.") from error


def _decode(dataset: pydicom.Dataset) -> np.ndarray:
    if "PixelData" not in dataset:
        return dataset.pixel_array
    syntax, high_bit = dataset.file_meta.TransferSyntaxUID, dataset.get("HighBit")
    shift = 0 if high_bit is None else high_bit + 1 - dataset.BitsStored
    if shift > 0 and not _is_compressed(dataset):  # values lie in the upper bits (ACR-NEMA)
        raw = pixel_array(dataset, correct_unused_bits=False)
        raw = raw.astype(raw.dtype.newbyteorder("="))
        raw = np.left_shift(raw, dataset.BitsAllocated - 1 - high_bit)
        return np.right_shift(raw, dataset.BitsAllocated - dataset.BitsStored)
    if syntax in _JPEG_2000 + _JPEG_LOSSLESS or _is_jpeg_of_12_bits(dataset):
        return _decode_with_imagecodecs(dataset)
    values = pixel_array(dataset, decoding_plugin=_plugin(syntax))
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)[..., :3]
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _plugin(syntax: UID) -> str:
    """Which of pydicom's decoders to use: never gdcm, which ends the process on damaged JPEG."""
    if syntax in pydicom.uid.JPEGLSTransferSyntaxes:
        return "pyjpegls"
    return "pillow" if syntax in pydicom.uid.JPEGTransferSyntaxes else ""


def _is_jpeg_of_12_bits(dataset: pydicom.Dataset) -> bool:
    is_extended = dataset.file_meta.TransferSyntaxUID == pydicom.uid.JPEGExtended12Bit
    return is_extended and dataset.BitsStored > 8


def _decode_with_imagecodecs(dataset: pydicom.Dataset) -> np.ndarray:
    """Lossless and 12-bit JPEG, and JPEG 2000, whose damaged headers hold pydicom up for ever."""
    import imagecodecs

    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    is_jpeg_2000 = dataset.file_meta.TransferSyntaxUID in _JPEG_2000
    values = imagecodecs.jpeg2k_decode(frame) if is_jpeg_2000 else imagecodecs.jpeg8_decode(frame)
    if values.shape[:2] != (dataset.Rows, dataset.Columns):
        raise ValueError(f"the header says {dataset.Rows}×{dataset.Columns}, not {values.shape}")
    kind, allocated = "ui"[dataset.PixelRepresentation], int(dataset.BitsAllocated)
    if values.dtype.kind == kind:
        return values
    unused = allocated - dataset.BitsStored  # JPEG knows no sign, and JPEG 2000 may belie it
    values = values.astype(f"{kind}{allocated // 8}")
    return np.right_shift(np.left_shift(values, unused), unused)


def _grey_of_colour(path: Path, values: np.ndarray, notes: list[str]) -> np.ndarray:
    channels = values.astype(np.float32)
    difference = float(np.ptp(channels, axis=-1).max())
    if difference > COLOUR_TOLERANCE * max(255.0, float(channels.max())):
        raise UnreadableFileError(
            path,
            "it is a colour image, not a radiograph (channels differ by up to "
            f"{difference:g} of {values.max():g})",
            "Export the original grey image; screen captures with coloured marks will not do.",
        )
    notes.append("Grey stored as colour: the green channel was taken.")
    return np.ascontiguousarray(values[..., 1])


def _as_stored(bound: int, dataset: pydicom.Dataset) -> int:
    """Padding as the stored type: writers mix up US and SS, so 63536 can stand for -2000."""
    bits = int(dataset.BitsAllocated)
    if dataset.get("PixelRepresentation") == 1:
        return bound - 2**bits if bound >= 2 ** (bits - 1) else bound
    return bound + 2**bits if bound < 0 else bound


def _with_unused_bits(dataset: pydicom.Dataset, stored: np.ndarray, bounds: list) -> np.ndarray:
    """Padding beyond the stored bits survives only before the decoder clears the unused bits."""
    bits, is_signed = int(dataset.BitsStored), dataset.get("PixelRepresentation") == 1
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    fits = low <= min(bounds) and max(bounds) <= high
    if fits or _is_compressed(dataset) or dataset.SamplesPerPixel != 1:
        return stored
    return pixel_array(dataset, correct_unused_bits=False).reshape(stored.shape)


def _decoding_error(path: Path, dataset: pydicom.Dataset, error: Exception) -> UnreadableFileError:
    if "PixelData" not in dataset or not _is_compressed(dataset):
        return UnreadableFileError(path, f"its pixels are broken ({brief(error)})", COPY_AGAIN)
    return UnreadableFileError(
        path,
        f"its {dataset.file_meta.TransferSyntaxUID.name} pixels cannot be decoded ({brief(error)})",
        "Copy it again, or decompress it first: gdcmconv --raw FILE NEW_FILE",
    )


def _is_compressed(dataset: pydicom.Dataset) -> bool:
    syntax = dataset.file_meta.TransferSyntaxUID
    return syntax.is_transfer_syntax and syntax.is_compressed


def _mend_syntax(dataset: pydicom.Dataset, notes: list[str]) -> None:
    declared = dataset.file_meta.get("TransferSyntaxUID")
    is_encapsulated = bool(dataset["PixelData"].is_undefined_length)
    if declared and (declared.is_private or not declared.is_transfer_syntax):
        return  # it may order its bytes in a way of its own: never guess
    if declared:
        if declared.is_compressed == is_encapsulated:
            return
        if not is_encapsulated and not _has_native_length(dataset):
            return  # the decoder says best what is wrong
    found = _syntax_of_frames(dataset) if is_encapsulated else _syntax_of_header(dataset)
    dataset.file_meta.TransferSyntaxUID = found
    notes.append(f"Transfer syntax {declared or 'missing'}: read as {found.name}.")


def _has_native_length(dataset: pydicom.Dataset) -> bool:
    parts = (dataset.get(name) or 1 for name in ("Rows", "Columns", "SamplesPerPixel"))
    bits = math.prod(int(part) for part in parts) * int(dataset.get("BitsAllocated") or 0)
    length = bits * int(dataset.get("NumberOfFrames") or 1) / 8
    return length <= len(dataset.PixelData) <= length + 2


def _syntax_of_header(dataset: pydicom.Dataset) -> UID:
    is_implicit, is_little = dataset.original_encoding
    if not is_little:
        return pydicom.uid.ExplicitVRBigEndian
    return pydicom.uid.ImplicitVRLittleEndian if is_implicit else pydicom.uid.ExplicitVRLittleEndian


def _syntax_of_frames(dataset: pydicom.Dataset) -> UID:
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    if frame[:2] == b"\xff\xd8":
        position = 2
        while position + 4 <= len(frame) and frame[position] == 0xFF:
            if frame[position + 1] in _SYNTAX_OF_JPEG_MARKER:
                return _SYNTAX_OF_JPEG_MARKER[frame[position + 1]]
            position += 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
    is_jpeg2000 = frame[:4] == b"\xff\x4f\xff\x51" or frame[4:8] == b"jP  "
    return pydicom.uid.JPEG2000 if is_jpeg2000 else pydicom.uid.RLELossless
