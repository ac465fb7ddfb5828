"""Which columns of somebody's table of labels hold images, patients and labels."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few

# Spellings without case, spaces and signs; the first that a table has counts.
_SPELLINGS = {
    "image": (
        *("image", "imagepath", "imagefile", "imagename", "imageid", "images", "file", "filepath"),
        *("filename", "path", "picture", "dicom", "dicompath", "imagem", "imagen", "arquivo"),
        *("archivo", "sopinstanceuid", "caseid", "slicename"),
    ),
    "patient_id": (
        *("patientid", "patient", "patientnumber", "patientno", "patientnr", "patientname"),
        *("patients", "subject", "subjectid", "subjectnumber", "pid", "mrn", "paciente"),
        *("pacienteid", "idpaciente", "idpatient", "patientcode"),
    ),
    "exam_id": (
        *("examid", "exam", "study", "studyid", "studyuid", "studyinstanceuid", "accession"),
        *("accessionnumber", "examen", "exame", "scan", "scanid"),
    ),
    "slice_index": (
        *("sliceindex", "slice", "slicenumber", "sliceno", "slicenr", "slicenum", "sliceid"),
        *("instancenumber", "corte"),
    ),
}
_VAGUE = ("case", "name", "id", "index")  # an image, unless patient and slice say which it is
_VALUE_OF = {"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0}
_NOTHING = {"", "nan", "na", "n/a", "none", "null"}
NEEDED = (
    "It needs a column of file names (image, file, path or the like; or a patient and a slice "
    "column, where files lie in a folder a patient), a column of patients (patient_id, patient "
    "...), and label columns of 0 and 1."
)


def find_roles(columns: Sequence[str]) -> dict[str, str]:
    """The columns that say which image, patient, exam and slice a row is of.

    Use it on the header of somebody's table.

    Args:
        columns: names as they stand in the table.

    Returns:
        Role ("image", "patient_id", "exam_id", "slice_index") -> column, those found only.

    >>> find_roles(["PatientNumber", "Slice Number", "Epidural"])
    {'patient_id': 'PatientNumber', 'slice_index': 'Slice Number'}
    """
    plain = {}
    for name in columns:
        plain.setdefault(re.sub(r"[\W_]", "", name).lower(), name)
    found = {}
    for role, spellings in _SPELLINGS.items():
        column = next((plain[one] for one in spellings if one in plain), None)
        if column is not None:
            found[role] = column
    vague = next((plain[one] for one in _VAGUE if one in plain), None)
    if vague and "image" not in found and not {"patient_id", "slice_index"} <= set(found):
        found["image"] = vague
    return found


def read_label_columns(
    rows: pd.DataFrame, roles: dict[str, str], labels: Sequence[str] | None, path: Path
) -> pd.DataFrame:
    """The labels of a table as numbers.

    Use it after `find_roles`.

    Args:
        rows: cells as text.
        roles: columns that are no labels.
        labels: columns to take; None: all that hold nothing but 0, 1, true, false and empty cells.
        path: of the table, for messages.

    Returns:
        A column a label: 0, 1, and NaN where the cell is empty; whole numbers (uint8) in columns
        without an empty cell.

    Raises:
        ValueError: a label is no column or holds something else, or there is no label column.
    """
    if labels is None:
        others = [name for name in rows.columns if name and name not in roles.values()]
        numbers = {name: _numbers(rows[name]) for name in others}
        chosen = {n: v for n, v in numbers.items() if _is_label(v, rows[n])}
        if not chosen:
            _raise_no_labels(rows, others, path)
    else:
        chosen = {name: _numbers(rows[name]) for name in _check_names(rows, labels, path)}
        for name, values in chosen.items():
            _check_values(rows[name], values, path)
    return pd.DataFrame(
        {n: v if np.isnan(v).any() else v.astype(np.uint8) for n, v in chosen.items()}
    )


def _numbers(cells: pd.Series) -> np.ndarray:
    """0 and 1; NaN where nothing stands, -1 where something else does."""
    plain = cells.str.lower()
    values = plain.map(_VALUE_OF).to_numpy(np.float64)
    is_strange = np.isnan(values) & ~plain.isin(_NOTHING).to_numpy()
    return np.where(is_strange, -1, values)


def _is_label(values: np.ndarray, cells: pd.Series) -> bool:
    return not (values < 0).any() and not np.isnan(values).all()


def _check_names(rows: pd.DataFrame, labels: Sequence[str], path: Path) -> list[str]:
    """The labels asked for, all of them columns."""
    if isinstance(labels, str) or not list(labels):
        raise ValueError(f'labels is {labels!r}. Give a list of columns, such as ["any"].')
    missing = [name for name in labels if name not in rows.columns]
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}; its columns are "
            f"{', '.join(rows.columns)}. Give labels among these."
        )
    return list(labels)


def _check_values(cells: pd.Series, values: np.ndarray, path: Path) -> None:
    strange = cells[values < 0]
    if len(strange):
        raise ValueError(
            f"The label {cells.name} of {path} holds {len(strange)} values other than 0, 1, true, "
            f"false and empty: {name_a_few(list(dict.fromkeys(strange)))}. Write 0 or 1, and leave "
            "a cell empty where it is unknown."
        )
    if np.isnan(values).all():
        raise ValueError(f"The label {cells.name} of {path} is empty in every row. Leave it out.")


def _raise_no_labels(rows: pd.DataFrame, others: list[str], path: Path) -> None:
    """Show what the columns hold instead."""
    shown = [f"{name} ({name_a_few(list(dict.fromkeys(rows[name])))})" for name in others]
    raise ValueError(
        f"{path} has no column that holds only 0 and 1; it has {'; '.join(shown) or 'no others'}. "
        "Make a column of 0 and 1 for each label."
    )
