"""The header of one CT slice, without its pixels, and whether the slice is in Hounsfield units."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID, EnhancedCTImageStorage

from radiokit.io import UnreadableFileError, brief, caught_warnings, check_file
from radiokit.io.dicom_values import COPY_AGAIN, looks_like_dicom

CT_HEADER_COLUMNS = (
    "image",
    "sop_uid",
    "patient_id",
    "exam_id",
    "series_id",
    "modality",
    "instance_number",
    "position_x_mm",
    "position_y_mm",
    "position_z_mm",
    "orientation",
    "spacing_row_mm",
    "spacing_column_mm",
    "thickness_mm",
    "gantry_tilt_degrees",
    "window_center",
    "window_width",
    "slope",
    "intercept",
    "rows",
    "columns",
    "image_type",
    "transfer_syntax",
    "kvp",
    "manufacturer",
)
TEXT_COLUMNS = (
    *("image", "sop_uid", "patient_id", "exam_id", "series_id", "modality", "orientation"),
    *("image_type", "transfer_syntax", "manufacturer"),
)
_TEXTS = {
    "sop_uid": "SOPInstanceUID",
    "patient_id": "PatientID",
    "exam_id": "StudyInstanceUID",
    "series_id": "SeriesInstanceUID",
    "manufacturer": "Manufacturer",
}
_NUMBERS = {
    "instance_number": "InstanceNumber",
    "thickness_mm": "SliceThickness",
    "gantry_tilt_degrees": "GantryDetectorTilt",
    "window_center": "WindowCenter",
    "window_width": "WindowWidth",
    "slope": "RescaleSlope",
    "intercept": "RescaleIntercept",
    "rows": "Rows",
    "columns": "Columns",
    "kvp": "KVP",
}
_VECTORS = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_CHECKED = (
    *("Modality", "SOPClassUID", "ImageType", "NumberOfFrames", "SamplesPerPixel"),
    *("PhotometricInterpretation", "RescaleType", "ModalityLUTSequence"),
)
_TAGS = [tag_for_keyword(k) for k in (*_TEXTS.values(), *_NUMBERS.values(), *_VECTORS, *_CHECKED)]
_SCOUTS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"}
_CAPTURES = {"SCREEN SAVE", "SCREENSHOT", "SCREEN CAPTURE", "DOSE_INFO"}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_UNDEFINED_LENGTH = 0xFFFFFFFF


def read_ct_header(path: str | Path) -> dict[str, object]:
    """Read what the header of one CT slice says, without its pixels.

    When to use: for tables of many slices; `radiokit.data.ct_headers.read_header_table` reads them
    in parallel. What `radiokit.io.ct.read_ct_slice` would refuse by its header is refused here.

    Args:
        path: a DICOM file of a CT.

    Returns:
        A value for each of `CT_HEADER_COLUMNS`: texts ("" where missing) and floats (NaN where
        missing). `orientation` is six cosines joined by a backslash; of several windows the first
        is told. No names, no dates: of the patient only PatientID, as it stands in the file.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: no DICOM, no pixels, cut short, no CT, a scout, a screen capture,
            another unit than HU, or without RescaleSlope or RescaleIntercept.
    """
    path = check_file(path)
    if not looks_like_dicom(path):
        raise UnreadableFileError(path, "it is not a DICOM file", "Check what it is.")
    with caught_warnings():
        try:
            with path.open("rb") as stream:
                dataset = pydicom.dcmread(
                    stream, stop_before_pixels=True, force=True, specific_tags=_TAGS
                )
                check_ct_header(path, dataset)
                _check_pixels_follow(path, dataset, stream)
            return _row(path, dataset)
        except UnreadableFileError:
            raise
        except Exception as error:  # a broken header can fail anywhere, in any way
            reason = f"its DICOM header is broken ({brief(error)})"
            raise UnreadableFileError(path, reason, COPY_AGAIN) from error


def read_ct_headers(paths: Sequence[str]) -> tuple[list[dict], list[tuple[str, str]]]:
    """Read a chunk of headers, and go on past those that cannot be used.

    When to use: as what a process of a pool does; it can be sent to another machine whole.

    Args:
        paths: DICOM files.

    Returns:
        A row a file that was read, as of `read_ct_header`, with its `size` in bytes and
        `mtime_ns`; and a pair of path and reason for each other file.
    """
    rows, refused = [], []
    for path in paths:
        try:
            status = os.stat(path)
            row = read_ct_header(path)
            rows.append(
                row | {"image": path, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
            )
        except UnreadableFileError as error:
            refused.append((path, error.reason))
        except OSError as error:
            refused.append((path, f"it cannot be opened ({error.strerror or error})"))
    return rows, refused


def check_ct_header(path: Path, header: pydicom.Dataset) -> None:
    """Make sure that a header is that of one CT slice whose values are Hounsfield units.

    When to use: before pixels are trusted to be HU.

    Args:
        path: the file, for messages.
        header: of the file, with or without pixels.

    Raises:
        UnreadableFileError: another modality, several slices in one file, a scout, a screen
            capture or colour, another unit, or RescaleSlope or RescaleIntercept missing or broken.
    """
    kind = UID(header_text(header, "SOPClassUID"))
    modality = header_text(header, "Modality")
    if modality != "CT" and (modality or not kind.name.startswith("CT ")):
        given = f"its modality is {modality}" if modality else "it names no modality"
        raise UnreadableFileError(path, f"{given}, CT is needed", "Leave it out of CT.")
    if kind == EnhancedCTImageStorage or (first_number(header, "NumberOfFrames") or 1) > 1:
        reason = "it holds several slices (enhanced CT), a file a slice is needed"
        remedy = "Split it into one file a slice, for instance with dcm4che's emf2sf."
        raise UnreadableFileError(path, reason, remedy)
    words = {str(word).strip().upper() for word in _items(header, "ImageType")}
    if words & _SCOUTS:
        raise UnreadableFileError(
            path, "it is a scout (ImageType says localizer), not a slice", "Leave it out."
        )
    if words & _CAPTURES or _is_capture(header, kind):
        raise UnreadableFileError(path, "it is a screen capture, not a slice", "Leave it out.")
    _check_unit(path, header)


def first_number(header: pydicom.Dataset, keyword: str) -> float | None:
    """The first number of an attribute.

    Args:
        header: of a file.
        keyword: the attribute's.

    Returns:
        A finite float; None where it is missing, empty or no number.
    """
    numbers = header_numbers(header, keyword)
    return numbers[0] if numbers else None


def header_numbers(header: pydicom.Dataset, keyword: str) -> tuple[float, ...]:
    """All numbers of an attribute.

    Args:
        header: of a file.
        keyword: the attribute's.

    Returns:
        Finite floats; empty where one of them is missing or no number.
    """
    try:
        numbers = tuple(float(value) for value in _items(header, keyword))
    except (ValueError, TypeError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def header_text(header: pydicom.Dataset, keyword: str) -> str:
    """The text of an attribute without surrounding blanks.

    Args:
        header: of a file.
        keyword: the attribute's.

    Returns:
        Its text; "" where it is missing.
    """
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _items(header: pydicom.Dataset, keyword: str) -> list:
    """The values of an attribute, one or many; empty where it is missing or broken."""
    try:
        value = header.get(keyword)
    except (ValueError, TypeError):  # pydicom converts at the first look
        return []
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | int | float) else list(value)


def _is_capture(header: pydicom.Dataset, kind: UID) -> bool:
    """Colour, or the class of captures without a rescale; converters give that class to slices."""
    is_colour = (first_number(header, "SamplesPerPixel") or 1) > 1
    is_colour |= header_text(header, "PhotometricInterpretation") == "PALETTE COLOR"
    is_plain = first_number(header, "RescaleSlope") is None
    return is_colour or (str(kind).startswith(_SECONDARY_CAPTURE) and is_plain)


def _check_unit(path: Path, header: pydicom.Dataset) -> None:
    """Stored values become HU: by slope and intercept, or by a table that says so."""
    lookups = header.get("ModalityLUTSequence")
    of_lookup = header_text(lookups[0], "ModalityLUTType") if lookups else ""
    unit = of_lookup or header_text(header, "RescaleType")
    if unit not in ("HU", "", "US", "UNSPECIFIED") or (lookups and unit != "HU"):
        raise UnreadableFileError(
            path,
            f"its values are in {unit or 'no unit'}, HU are needed",
            "Choose the images in HU.",
        )
    for keyword in () if lookups else ("RescaleSlope", "RescaleIntercept"):
        if first_number(header, keyword) is None:
            wrong = "is not a number" if header_text(header, keyword) else "is missing"
            raise UnreadableFileError(
                path,
                f"its {keyword} {wrong}, so that its values cannot be brought to HU",
                "Export it anew from the archive, with the whole header.",
            )
    if not lookups and first_number(header, "RescaleSlope") == 0:
        raise UnreadableFileError(path, "its RescaleSlope is 0", "Correct it in the header.")


def _check_pixels_follow(path: Path, dataset: pydicom.Dataset, stream: BinaryIO) -> None:
    """The stream stands where the pixels begin; all of them are to be there."""
    if UID(str(dataset.file_meta.get("TransferSyntaxUID", ""))).is_deflated:
        return  # header and pixels are one compressed stream
    is_implicit, is_little = dataset.original_encoding
    order = "little" if is_little else "big"
    start = stream.tell()
    head = stream.read(8 if is_implicit else 12)
    if int.from_bytes(head[:2], order) != 0x7FE0 or len(head) < 8:
        reason = "it holds no pixel data, or was cut short before it"
        raise UnreadableFileError(path, reason, "Copy or download it again, or leave it out.")
    length = int.from_bytes(head[-4:], order)
    present = path.stat().st_size - start - len(head)
    if length != _UNDEFINED_LENGTH and present < length:
        reason = f"it was cut short: {present} of {length} bytes of its pixels are there"
        raise UnreadableFileError(path, reason, "Copy or download it again.")


def _row(path: Path, dataset: pydicom.Dataset) -> dict[str, object]:
    position, orientation, spacing = (header_numbers(dataset, keyword) for keyword in _VECTORS)
    position = position if len(position) == 3 else (math.nan,) * 3
    spacing = spacing if len(spacing) == 2 and min(spacing) > 0 else (math.nan,) * 2
    syntax = UID(str(dataset.file_meta.get("TransferSyntaxUID", "")))
    row = {
        "image": str(path),
        "modality": "CT",
        "position_x_mm": position[0],
        "position_y_mm": position[1],
        "position_z_mm": position[2],
        "orientation": "\\".join(f"{cosine:.9g}" for cosine in orientation),
        "spacing_row_mm": spacing[0],
        "spacing_column_mm": spacing[1],
        "image_type": "\\".join(str(word).strip() for word in _items(dataset, "ImageType")),
        "transfer_syntax": syntax.name,
    }
    row |= {column: header_text(dataset, keyword) for column, keyword in _TEXTS.items()}
    for column, keyword in _NUMBERS.items():
        number = first_number(dataset, keyword)
        row[column] = math.nan if number is None else number
    return {column: row[column] for column in CT_HEADER_COLUMNS}
