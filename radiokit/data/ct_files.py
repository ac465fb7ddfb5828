"""What lies in a folder of CT: which files to read, copies of a slice, names that are missing."""

from pathlib import Path

import pandas as pd

from radiokit.data.ct_headers import refusal_sentence
from radiokit.io.dicom_values import looks_like_dicom

_SUFFIXES = {".dcm", ".dicom", ".ima"}
_NOT_IMAGES = {"DICOMDIR", "LOCKFILE", "VERSION"}


def find_dicom_files(root: Path) -> list[Path]:
    """Files that look like DICOM, and those that only their names call so.

    Use it on folders in which anything may lie. What is not DICOM but ends in `.dcm`, `.dicom` or
    `.ima` is in the list too, so that its reader says what is wrong with it.

    Args:
        root: folder that is searched with all below it.

    Returns:
        Files in order of their paths, hidden ones and DICOMDIR left out.

    Raises:
        FileNotFoundError: no such folder, or no such file.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder. Give the folder of your DICOM files.")
    files = [path for path in sorted(root.rglob("*")) if _may_be_image(path, root)]
    if not files:
        raise FileNotFoundError(
            f"There is no DICOM file in {root} or below. Unpack archives first, and give the "
            "folder that holds the images."
        )
    return files


def _may_be_image(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return False
    if path.name.upper() in _NOT_IMAGES or not path.is_file():
        return False
    if path.suffix.lower() in _SUFFIXES:
        return True
    try:
        return looks_like_dicom(path)
    except OSError:
        return True  # its reader will say why


def without_copies(headers: pd.DataFrame, left_out: list[str], notes: list[str]) -> pd.DataFrame:
    """Each SOPInstanceUID once; slices that share one but lie elsewhere are kept.

    Use it before slices are sorted.

    Args:
        headers: header table.
        left_out: a sentence for each copy is appended.
        notes: a sentence on slices that share an identifier is appended.

    Returns:
        The rows that stay.
    """
    named = headers[headers["sop_uid"] != ""]
    place = ["sop_uid", "instance_number", "position_x_mm", "position_y_mm", "position_z_mm"]
    copies = named[named.duplicated(place)]
    first_of = named.drop_duplicates("sop_uid").set_index("sop_uid")["image"]
    for path, uid in zip(copies["image"], copies["sop_uid"], strict=True):
        reason = f"it has the SOPInstanceUID and place of {Path(first_of[uid]).name}"
        left_out.append(refusal_sentence(path, reason))
    kept = headers.drop(index=copies.index)
    shared = kept["sop_uid"].duplicated(keep=False) & (kept["sop_uid"] != "")
    if shared.any():
        notes.append(
            f"{shared.sum()} slices share a SOPInstanceUID with a slice elsewhere: all were kept."
        )
    return kept


def name_groups(headers: pd.DataFrame, root: Path, notes: list[str]) -> pd.DataFrame:
    """Name series and exam by folder, and the patient by the exam, where the header does not.

    Use it before slices are grouped.

    Args:
        headers: header table of files below `root`.
        root: folder that folders are named from.
        notes: a sentence for each kind of name that was missing is appended.

    Returns:
        A copy with `series_id, exam_id, patient_id` in every row.
    """
    headers = headers.copy()
    folders = headers["image"].map(lambda path: Path(path).parent.relative_to(root).as_posix())
    for column, substitute in (("series_id", folders), ("exam_id", folders), ("patient_id", None)):
        is_unnamed = headers[column] == ""
        if is_unnamed.any():
            substitute = headers["exam_id"] if substitute is None else substitute
            headers[column] = headers[column].where(~is_unnamed, substitute)
            source = "exam" if column == "patient_id" else "folder"
            notes.append(f"{is_unnamed.sum()} slices name no {column}: their {source} is taken.")
    if headers["patient_id"].nunique() == 1 < headers["exam_id"].nunique():
        notes.append(
            f"All {headers['exam_id'].nunique()} exams have one PatientID: no split by patient is "
            "possible unless you know better and replace patient_id."
        )
    return headers
