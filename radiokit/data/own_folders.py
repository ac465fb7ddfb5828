"""Anybody's images in a folder a class: to a case table; re-exported by `own.py`."""

import hashlib
import math
import unicodedata
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.ct_headers import refusal_sentence
from radiokit.data.matching import relative_name
from radiokit.data.pairing import list_files
from radiokit.data.picture_files import PICTURES, stem_of
from radiokit.data.radiograph_headers import (
    group_patients,
    read_radiograph_headers,
    usable_radiographs,
)
from radiokit.io import UnreadableFileError, check_file

_SPLIT_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation"}
# What a picture's header says: nothing.
_PICTURE = {
    **{"patient_id": "", "exam_id": "", "modality": ""},
    **{"spacing_row_mm": math.nan, "spacing_column_mm": math.nan},
}
_COLUMNS = {
    *("case_id", "image", "dataset", "is_phantom", "split", "slice_index", "source_case_id"),
    *_PICTURE,
}


def index_image_folders(root: str | Path) -> pd.DataFrame:
    """Case table of your own images, sorted into a folder a class.

    Use it for any set of PNG, JPEG, TIFF, GIF, BMP or DICOM images in which the folder says what
    the image shows: `Hand/1.png`, `Knee/left/2.dcm`. Where patients have several images, give a
    table with a column of patients to `index_image_labels` instead, unless the files are DICOM.

    Files of the same content become one row: in two class folders it has both labels, which is how
    an image that shows a hand and a wrist can be kept in folders, and in one class folder the copy
    is dropped. `notes` says how often either happened.

    Args:
        root: folder of the class folders; below these, images may lie in further folders. Hidden
            files and files that are no images are passed over.

    Returns:
        Table with `case_id` (the name without ending, with its folders where names repeat),
        `patient_id, image`, a column of 0 and 1 for each class folder in alphabetical order,
        `modality` ("CT" ... from DICOM, "" of pictures), `spacing_row_mm, spacing_column_mm` (from
        DICOM, else NaN), `dataset` ("own") and `is_phantom`. `table.attrs`: `labels`, their names;
        `patient_key`, "PatientID" where DICOM headers tell patients apart, "StudyInstanceUID" where
        they tell exams apart only, or "image" where each image counts as a patient of its own,
        which is wrong when a patient has several; `unmatched`, a sentence for each image that lies
        in no class folder; `unreadable`, for each file that is empty, and each DICOM file that is
        broken, in colour, of several frames, or another copy of one SOPInstanceUID (a picture's
        pixels are not looked at); `notes`. One warning counts what is left out.

    Raises:
        FileNotFoundError: the folder is missing, or holds no image.
        ValueError: there are fewer than two classes, the folders are those of splits, or a class
            has the name of another column.
    """
    root = Path(root)
    files = list_files(root, PICTURES)
    unmatched = [
        f"image {file.name} lies in no class folder" for file in files if file.parent == root
    ]
    groups, unreadable = _equal_files([file for file in files if file.parent != root])
    headers = _dicom_headers([group[0] for group in groups if _is_dicom(group[0])], unreadable)
    groups = [group for group in groups if not _is_dicom(group[0]) or str(group[0]) in headers]
    names = sorted({_class_of(file, root) for group in groups for file in group})
    _check_names(names, root, unreadable)
    table = _table_of([group[0] for group in groups], headers, root)
    patient_key, notes = _add_patients(table)
    for name in names:
        table[name] = np.uint8([name in {_class_of(f, root) for f in group} for group in groups])
    notes += _notes_on_copies(groups, root)
    table.attrs = {"labels": names, "patient_key": patient_key, "unmatched": unmatched}
    table.attrs |= {"unreadable": unreadable, "notes": notes}
    left_out = unmatched + unreadable
    if left_out:
        warnings.warn(
            f"{len(left_out)} files are left out: {name_a_few(left_out)}. All are listed in "
            "table.attrs['unmatched'] and table.attrs['unreadable'].",
            stacklevel=2,
        )
    return table


def _class_of(file: Path, root: Path) -> str:
    return unicodedata.normalize("NFC", file.relative_to(root).parts[0])  # as macOS does not


def _is_dicom(file: Path) -> bool:
    return file.suffix.lower() in (".dcm", ".dicom") or stem_of(file) == file.name


def _equal_files(files: list[Path]) -> tuple[list[list[Path]], list[str]]:
    """Files grouped by content, and sentences on those that cannot be opened."""
    unreadable, sizes = [], {}
    for file in files:
        try:
            sizes[file] = check_file(file).stat().st_size
        except UnreadableFileError as error:
            unreadable.append(refusal_sentence(str(file), error.reason))
    number_of_size, groups = Counter(sizes.values()), defaultdict(list)
    for file, size in sizes.items():  # only files of one size can be equal
        groups[(size, _digest(file)) if number_of_size[size] > 1 else (size, "")].append(file)
    return list(groups.values()), unreadable


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _dicom_headers(files: list[Path], unreadable: list[str]) -> dict[str, dict]:
    """Header values of each DICOM file that can be used; the others are added to the sentences."""
    if not files:
        return {}
    try:
        headers = usable_radiographs(read_radiograph_headers(files))
    except ValueError:  # not one of them can be used, but there may be pictures
        reason = "it is no single grey DICOM image"
        unreadable += [refusal_sentence(str(file), reason) for file in files]
        return {}
    unreadable += headers.attrs["unreadable"]
    return headers.set_index("image").to_dict("index")


def _check_names(names: list[str], root: Path, unreadable: list[str]) -> None:
    """There are classes to tell apart, and they are no splits."""
    if len(names) < 2:
        why = f" ({name_a_few(unreadable)})" if unreadable else ""
        raise ValueError(
            f"{root} has {len(names)} folders with usable images{why}: {', '.join(names) or 'none'}"
            ". Give the folder that holds at least two class folders, such as Hand and Knee."
        )
    if {name.casefold() for name in names} <= _SPLIT_NAMES:
        raise ValueError(
            f"The folders of {root} are {', '.join(names)}: splits, not classes. Give the folder "
            f"of one, such as {root / names[0]}."
        )
    taken = [name for name in names if name in _COLUMNS]
    if taken:
        raise ValueError(
            f"The class folders {', '.join(taken)} have the names of other columns of a case "
            "table. Rename these folders."
        )


def _table_of(files: list[Path], headers: dict[str, dict], root: Path) -> pd.DataFrame:
    """The columns that come from the files themselves."""
    rows = [_PICTURE | headers.get(str(file), {}) for file in files]
    table = pd.DataFrame(rows)[list(_PICTURE)]
    table.insert(0, "case_id", _names_of(files, root))
    table.insert(2, "image", [str(file) for file in files])
    table["dataset"] = "own"
    phantoms = {parent: read_phantom_note(parent) for parent in {file.parent for file in files}}
    table["is_phantom"] = [phantoms[file.parent] is not None for file in files]
    return table


def _names_of(files: list[Path], root: Path) -> list[str]:
    """The shortest names that no two files share: their own, with folders, or whole paths."""
    paths = [Path(relative_name(file, [root])) for file in files]
    forms = (
        [stem_of(path) for path in paths],
        ["_".join((*path.parent.parts, stem_of(path))) for path in paths],
        ["_".join(path.parts) for path in paths],
        [path.as_posix() for path in paths],
    )
    return next(names for names in forms if len(set(names)) == len(names))


def _add_patients(table: pd.DataFrame) -> tuple[str, list[str]]:
    """Patients from DICOM headers, else exams, else one an image, and what was done."""
    patients, exams, cases = table["patient_id"], table.pop("exam_id"), table["case_id"]
    knows_exams = len(set(exams) - {""}) > 1  # one name on all files is what anonymising leaves
    if not knows_exams and len(set(patients) - {""}) < 2:
        table["patient_id"] = cases
        return "image", ["no patients are known: every image counts as a patient of its own"]
    exams = exams.where(exams != "", cases) if knows_exams else cases
    keys = pd.DataFrame({"patient_id": patients, "exam_id": exams})
    table["patient_id"], patient_key, notes = group_patients(keys)
    return patient_key, notes


def _notes_on_copies(groups: list[list[Path]], root: Path) -> list[str]:
    """How many files of one content there are, across classes and within one."""
    several = [group for group in groups if len({_class_of(file, root) for file in group}) > 1]
    shown = [" = ".join(relative_name(file, [root]) for file in group) for group in several]
    notes = []
    if several:
        notes.append(
            f"{len(several)} images lie in several class folders and have all of their labels: "
            f"{name_a_few(shown)}"
        )
    dropped = sum(len(g) - len({_class_of(file, root) for file in g}) for g in groups)
    return notes + ([f"{dropped} copies within a class folder dropped"] if dropped else [])
