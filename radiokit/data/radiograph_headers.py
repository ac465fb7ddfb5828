"""Headers of many radiographs to one table, in parallel, and which of them can be used."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pydicom

from radiokit.cards import name_a_few
from radiokit.data.ct_headers import refusal_sentence
from radiokit.data.parallel import map_chunks
from radiokit.io import MAX_PIXELS, UnreadableFileError, brief, caught_warnings, check_file
from radiokit.io.ct_header import first_number, header_numbers, header_text
from radiokit.io.dicom_values import COPY_AGAIN, PIXEL_KEYWORDS, looks_like_dicom

RADIOGRAPH_HEADER_COLUMNS = (
    *("image", "sop_uid", "patient_id", "exam_id", "series_id", "modality", "body_part"),
    *("view_position", "laterality", "photometric", "rows", "columns", "frames", "samples"),
    *("spacing_row_mm", "spacing_column_mm"),
)
_TEXTS = {
    "sop_uid": "SOPInstanceUID",
    "patient_id": "PatientID",
    "exam_id": "StudyInstanceUID",
    "series_id": "SeriesInstanceUID",
    "modality": "Modality",
    "body_part": "BodyPartExamined",
    "view_position": "ViewPosition",
    "photometric": "PhotometricInterpretation",
}
_COUNTS = {  # keyword, and what is meant where it is missing
    "rows": ("Rows", 0),
    "columns": ("Columns", 0),
    "frames": ("NumberOfFrames", 1),
    "samples": ("SamplesPerPixel", 1),
}
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_GREY = ("MONOCHROME1", "MONOCHROME2", "")
_LARGE_VALUE = 2**16  # bytes; larger values are passed over
_UNDEFINED_LENGTH = 0xFFFFFFFF


def read_radiograph_headers(paths: Iterable[str | Path], progress: bool = True) -> pd.DataFrame:
    """Read the headers of many DICOM radiographs into one table, without their pixels.

    Use it in index functions, then leave out what is no single grey image with
    `usable_radiographs`. From 200 files on several processes read.

    Args:
        paths: DICOM files, with whatever name.
        progress: whether to show a bar.

    Returns:
        One row a file in the order given, columns `RADIOGRAPH_HEADER_COLUMNS`: texts as the header
        has them, without surrounding blanks ("" where missing; of names and dates nothing);
        `rows, columns` (0 where missing), `frames` and `samples` (1 where missing) whole numbers;
        spacing in mm (NaN where unknown; of a detector it is larger than that of the anatomy).
        `attrs["unreadable"]`: a sentence for each file that is no DICOM, broken, cut short or
        without pixels.

    Raises:
        ValueError: there is no file, or none that can be read.
    """
    given = list(dict.fromkeys(str(path) for path in paths))
    if not given:
        raise ValueError("There is no file to read. Give the paths of DICOM files.")
    rows, refused = [], {}
    for read, reasons in map_chunks(_read_chunk, given, progress=progress, chunk_size=50):
        rows += read
        refused.update(reasons)
    order = {path: place for place, path in enumerate(given)}
    rows.sort(key=lambda row: order[row["image"]])
    table = pd.DataFrame(rows, columns=list(RADIOGRAPH_HEADER_COLUMNS))
    sentences = [refusal_sentence(path, refused[path]) for path in given if path in refused]
    _require_rows(table, sentences)
    table.attrs["unreadable"] = sentences
    return table


def usable_radiographs(headers: pd.DataFrame) -> pd.DataFrame:
    """Leave out what is no single grey image, and copies of an image.

    Use it on a header table before labels are joined. Colour and several frames are told from the
    header alone, and of several files with one SOPInstanceUID the first that can be used is kept.

    Args:
        headers: from `read_radiograph_headers`.

    Returns:
        The rows that stay, numbered anew; `attrs["unreadable"]` has a sentence more for each file
        left out.

    Raises:
        ValueError: no row stays.
    """
    reasons, first_of = [], {}
    for row in headers.itertuples():
        reasons.append(_why_not(row) or _why_copy(row, first_of))
    sentences = [
        *headers.attrs.get("unreadable", ()),
        *(refusal_sentence(i, r) for i, r in zip(headers["image"], reasons, strict=True) if r),
    ]
    usable = headers[[not reason for reason in reasons]].reset_index(drop=True)
    _require_rows(usable, sentences)
    usable.attrs = {**headers.attrs, "unreadable": sentences}
    return usable


def group_patients(headers: pd.DataFrame) -> tuple[list[str], str, list[str]]:
    """The patient of each image, so that neither a patient nor an exam can straddle two splits.

    Use it where a set was made anonymous and PatientID may be empty, the same everywhere, or new
    for every exam or file. Exams that share a PatientID are one patient, and so are PatientIDs
    that share an exam.

    Args:
        headers: with `patient_id` ("" where missing) and `exam_id` (never "").

    Returns:
        A name for each row: the first of the joined PatientIDs, or the exam where there is none;
        what patients are told by, "PatientID", or "StudyInstanceUID" where PatientID is empty or
        the same everywhere; and notes, a sentence for each such rule that was used.

    Example:
        >>> table = pd.DataFrame({"patient_id": ["a", "b", "c", ""], "exam_id": list("xxyy")})
        >>> group_patients(table)[0]
        ['a', 'a', 'c', 'c']
    """
    patients, exams = headers["patient_id"], headers["exam_id"]
    is_named = patients != ""
    if patients[is_named].nunique() <= 1:
        same = "the same in all images" if is_named.all() else "missing"
        if is_named.any() and not is_named.all():
            same = "missing or the same in all images"
        note = f"PatientID is {same}, and tells no patients apart: each exam counts as a patient"
        return exams.tolist(), "StudyInstanceUID", [note]
    groups, before = pd.Series(range(len(headers)), headers.index), None
    while before is None or not groups.equals(before):
        before = groups
        groups = groups.groupby(exams).transform("min")
        groups = groups.groupby(patients).transform("min").where(is_named, groups)
    first_names = patients[is_named].groupby(groups[is_named]).min()
    names = groups.map(first_names).fillna(exams)
    notes = []
    if not is_named.all():
        notes.append(f"{(~is_named).sum()} images without PatientID: grouped by exam")
    num_joined = patients[is_named].nunique() - len(first_names)
    if num_joined:
        notes.append(f"{num_joined} PatientIDs share an exam with another: taken as one patient")
    return names.tolist(), "PatientID", notes


def _why_not(row) -> str:
    """Why a row of the header table cannot be used; "" where it can."""
    if row.samples != 1 or row.photometric not in _GREY:
        return (
            f"it is a colour image ({row.photometric or 'no photometric interpretation'}, "
            f"{row.samples} samples a pixel), a grey one is needed: export the original"
        )
    if row.frames != 1:
        return f"it has {row.frames} frames, one is needed: split it into one file a frame"
    if min(row.rows, row.columns) < 1:
        return "its Rows or Columns are missing or 0: export it anew"
    if row.rows * row.columns > MAX_PIXELS:
        return f"{row.rows}×{row.columns} pixels are more than the limit of {MAX_PIXELS}"
    return ""


def _why_copy(row, first_of: dict[str, str]) -> str:
    """Which file before it has its SOPInstanceUID; "" where none has, and from then on it has."""
    first = first_of.setdefault(row.sop_uid, row.image)
    if not row.sop_uid or first == row.image:
        return ""
    return f"its SOPInstanceUID is that of {'/'.join(Path(first).parts[-2:])}"


def _require_rows(table: pd.DataFrame, sentences: list[str]) -> None:
    if table.empty:
        raise ValueError(
            f"None of {len(sentences)} files is a radiograph that can be used: "
            f"{name_a_few(sentences)}. Give grey DICOM images of one frame."
        )


def _read_chunk(paths: list[str]) -> tuple[list[dict], dict[str, str]]:
    """A row a file that was read, and a reason a file that was not."""
    rows, refused = [], {}
    for path in paths:
        try:
            rows.append(_read_header(path))
        except UnreadableFileError as error:
            refused[path] = error.reason
        except FileNotFoundError:
            refused[path] = "there is no such file"
        except OSError as error:
            refused[path] = f"it cannot be opened ({error.strerror or error})"
    return rows, refused


def _read_header(name: str) -> dict[str, object]:
    path = check_file(name)
    if not looks_like_dicom(path):
        raise UnreadableFileError(path, "it is not a DICOM file", "Check what it is.")
    with caught_warnings():
        try:
            dataset = pydicom.dcmread(path, force=True, defer_size=_LARGE_VALUE)
            _check_pixels(path, dataset)
            counts = {column: _count(path, dataset, *each) for column, each in _COUNTS.items()}
            return {"image": name, **_row(dataset), **counts}
        except (UnreadableFileError, OSError):
            raise
        except Exception as error:  # a broken header can fail anywhere, in any way
            reason = f"its DICOM header is broken ({brief(error)})"
            raise UnreadableFileError(path, reason, COPY_AGAIN) from error


def _check_pixels(path: Path, dataset: pydicom.Dataset) -> None:
    """Pixels follow the header, all of them; deflated files cannot be told by their length."""
    keyword = next((name for name in PIXEL_KEYWORDS if name in dataset), None)
    if keyword is None:
        reason = "it holds no pixel data, or was cut short before it"
        raise UnreadableFileError(path, reason, COPY_AGAIN)
    element = dataset.get_item(keyword, keep_deferred=True)
    syntax = header_text(dataset.file_meta, "TransferSyntaxUID")
    is_deflated = syntax == pydicom.uid.DeflatedExplicitVRLittleEndian
    length = getattr(element, "length", _UNDEFINED_LENGTH)
    if length == 0:
        raise UnreadableFileError(path, "its pixel data are empty", COPY_AGAIN)
    if length == _UNDEFINED_LENGTH or is_deflated:
        return
    present = os.path.getsize(path) - element.value_tell
    if present < length:
        reason = f"it was cut short: {present} of {length} bytes of its pixels are there"
        raise UnreadableFileError(path, reason, COPY_AGAIN)


def _count(path: Path, dataset: pydicom.Dataset, keyword: str, missing: int) -> int:
    number = first_number(dataset, keyword)
    if number is None and header_text(dataset, keyword):
        raise UnreadableFileError(path, f"its {keyword} is not a whole number", COPY_AGAIN)
    return int(number or missing)


def _row(dataset: pydicom.Dataset) -> dict[str, object]:
    spacings = (header_numbers(dataset, keyword) for keyword in _SPACINGS)
    usable = (pair for pair in spacings if len(pair) == 2 and min(pair) > 0)
    spacing = next(usable, (math.nan, math.nan))
    laterality = header_text(dataset, "ImageLaterality") or header_text(dataset, "Laterality")
    return {column: header_text(dataset, keyword) for column, keyword in _TEXTS.items()} | {
        "laterality": laterality,
        "spacing_row_mm": spacing[0],
        "spacing_column_mm": spacing[1],
    }
