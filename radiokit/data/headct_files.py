"""Finding the files of head CT sets, and the table of CT-ICH; `headct.py` joins them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radiokit.cards import load_card, name_a_few
from radiokit.data.csv_files import read_text_rows
from radiokit.data.headct_labels import SUBTYPES
from radiokit.data.label_columns import find_roles, read_label_columns

_RSNA_TABLE = re.compile(r"stage_([12])_train.*\.csv", re.IGNORECASE)
_RSNA_FOLDER = re.compile(r"stage_([12])_train", re.IGNORECASE)
_ICH_TABLES = ("hemorrhage_diagnosis_raw_ct.csv", "hemorrhage_diagnosis.csv")
_ICH_FILES = {
    "volumes": re.compile(r"(?:.*/)?ct_scans/0*(\d+)\.nii(?:\.gz)?", re.IGNORECASE),
    "volume_masks": re.compile(r"(?:.*/)?masks/0*(\d+)\.nii(?:\.gz)?", re.IGNORECASE),
    "pictures": re.compile(r"(?:.*/)?0*(\d+)/brain/(\d+)\.(?:jpe?g|png)", re.IGNORECASE),
    "picture_masks": re.compile(
        r"(?:.*/)?0*(\d+)/brain/(\d+)_HGE_Seg\.(?:jpe?g|png)", re.IGNORECASE
    ),
}


@dataclass(frozen=True)
class RsnaFiles:
    """The files of a copy of the RSNA challenge.

    Args:
        labels: the table.
        images: name without ending -> DICOM file.
        masks: name without ending -> label map; empty in a real copy.
    """

    labels: Path
    images: dict[str, str]
    masks: dict[str, str]


@dataclass(frozen=True)
class IchFiles:
    """The files of a copy of CT-ICH.

    Args:
        labels: the table.
        volumes: patient -> NIfTI volume (from version 1.3.0 on).
        volume_masks: patient -> NIfTI mask.
        pictures: (patient, slice number) -> picture of the brain window (up to version 1.2.0).
        picture_masks: (patient, slice number) -> mask.
    """

    labels: Path
    volumes: dict[int, Path]
    volume_masks: dict[int, Path]
    pictures: dict[tuple[int, int], Path]
    picture_masks: dict[tuple[int, int], Path]


def find_rsna(root: str | Path) -> RsnaFiles:
    """Find table, slices and masks of a copy of the RSNA challenge.

    Use it on 750,000 files: every folder is listed once, no file is opened.

    Args:
        root: folder of the copy; further nesting does not matter. Of both stages the second counts.

    Returns:
        The files.

    Raises:
        FileNotFoundError: no folder, no table, or no slice; the text says how to get the set.
        ValueError: two files claim one slice.
    """
    root, tables, images, masks = Path(root), {}, {}, {}
    _require_folder(root, "rsna_ich")
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__MACOSX")))
        stage = _RSNA_FOLDER.match(os.path.basename(folder))
        for name in names:
            stem, ending = os.path.splitext(name)
            table = _RSNA_TABLE.fullmatch(name)
            if table:
                tables.setdefault(table[1], []).append(Path(folder, name))
            elif stage and ending.lower() == ".dcm" and not name.startswith("."):
                _claim(images.setdefault(stage[1], {}), stem, os.path.join(folder, name))
            elif ending.lower() == ".png" and os.path.basename(folder).lower() == "masks":
                masks[stem] = os.path.join(folder, name)
    if not tables:
        raise FileNotFoundError(
            f"There is no stage_2_train.csv below {root}. {load_card('rsna_ich').by_hand}"
        )
    stage = max(tables)
    if len(tables[stage]) > 1:
        raise ValueError(
            f"There are {len(tables[stage])} tables of labels below {root}: "
            f"{name_a_few([str(path) for path in tables[stage]])}. Keep one."
        )
    found = images.get(stage) or next(iter(images.values()), {})
    if not found:
        raise FileNotFoundError(
            f"There are no slices such as stage_{stage}_train/ID_1b8ac55df.dcm below {root}. "
            f"{load_card('rsna_ich').by_hand}"
        )
    return RsnaFiles(tables[stage][0], found, masks)


def _claim(found: dict[str, str], stem: str, path: str) -> None:
    if stem in found:
        raise ValueError(
            f"Two files claim the slice {stem}: {found[stem]} and {path}. Move one of them out of "
            "the copy."
        )
    found[stem] = path


def find_ct_ich(root: str | Path, files: list[Path]) -> IchFiles:
    """Find table, images and masks of a copy of CT-ICH, of either layout.

    Args:
        root: folder of the copy.
        files: all files below it.

    Returns:
        The files; volumes count where both layouts are there.

    Raises:
        FileNotFoundError: no table, or no images.
        ValueError: two files claim one place.
    """
    root = Path(root)
    found = {kind: {} for kind in _ICH_FILES}
    for path in files:
        name = path.relative_to(root.parent).as_posix()
        for kind, pattern in _ICH_FILES.items():
            match = pattern.fullmatch(name)
            if match:
                numbers = tuple(int(number) for number in match.groups())
                place = numbers[0] if len(numbers) == 1 else numbers
                if place in found[kind]:
                    raise ValueError(
                        f"Two files claim one place: {found[kind][place]} and {path}. Move one of "
                        "them out of the copy."
                    )
                found[kind][place] = path
    if not found["volumes"] and not found["pictures"]:
        raise FileNotFoundError(
            f"There are no images below {root}, such as ct_scans/049.nii or "
            f"Patients_CT/049/brain/1.jpg. {load_card('ct_ich').by_hand}"
        )
    wanted = _ICH_TABLES[0 if found["volumes"] else 1]
    tables = [path for path in files if path.name.lower() == wanted]
    if len(tables) != 1:
        raise FileNotFoundError(
            f"There are {len(tables)} files {wanted} below {root}; one is needed. "
            f"{load_card('ct_ich').by_hand}"
        )
    return IchFiles(labels=tables[0], **found)


def read_ich_labels(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The table of CT-ICH, one row a slice.

    Args:
        path: `hemorrhage_diagnosis_raw_ct.csv` or `hemorrhage_diagnosis.csv`.

    Returns:
        `patient` and `slice_number` (both whole numbers, slices from 1), the five subtypes, `any`
        (derived from them) and `fracture`; and a sentence for each row left out because its
        No_Hemorrhage contradicts the five.

    Raises:
        ValueError: another table, a value that is not 0 or 1, or rows that contradict one another.
    """
    rows = read_text_rows(path, "table of labels")
    columns = {re.sub(r"[\W_]", "", name).lower(): name for name in rows.columns}
    needed = ["patientnumber", "slicenumber", *SUBTYPES, "nohemorrhage"]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ValueError(
            f"{path} has the columns {', '.join(rows.columns)}. The table of CT-ICH has "
            "PatientNumber, SliceNumber, Intraventricular, Intraparenchymal, Subarachnoid, "
            "Epidural, Subdural, No_Hemorrhage and Fracture_Yes_No."
        )
    named = [*SUBTYPES, "nohemorrhage", *(["fractureyesno"] if "fractureyesno" in columns else [])]
    labels = [columns[name] for name in named]
    values = read_label_columns(rows, find_roles(list(rows.columns)), labels, path)
    values.columns = [*named[:6], *(["fracture"] if len(named) > 6 else [])]
    for name, column in (("patient", "patientnumber"), ("slice_number", "slicenumber")):
        numbers = pd.to_numeric(rows[columns[column]], errors="coerce")
        if numbers.isna().any() or values.isna().any(axis=None):
            raise ValueError(f"{path} has empty cells. Download it again.")
        values[name] = numbers.astype(int)
    return _check_ich(values.drop_duplicates(), path)


def _check_ich(values: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """One row a slice; rows whose No_Hemorrhage says otherwise than the five are left out."""
    twice = values[values.duplicated(["patient", "slice_number"])]
    if len(twice):
        names = [f"{row.patient:03d} slice {row.slice_number}" for row in twice.itertuples()]
        raise ValueError(
            f"{path} has rows that contradict one another on {len(names)} slices: "
            f"{name_a_few(names)}. Keep one row a slice."
        )
    values["any"] = values[list(SUBTYPES)].max(axis=1)
    is_wrong = values["any"] == values.pop("nohemorrhage")
    left_out = [
        f"{row.patient:03d} slice {row.slice_number}: No_Hemorrhage contradicts the subtypes"
        for row in values[is_wrong].itertuples()
    ]
    return values[~is_wrong].reset_index(drop=True), left_out


def _require_folder(root: Path, name: str) -> None:
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} is not a folder. Give the folder of a copy of {name}. "
            f"{load_card(name).by_hand}"
        )
