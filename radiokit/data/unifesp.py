"""The UNIFESP body part challenge to a case table; re-exported by `bodypart.py`."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import load_card, name_a_few, read_phantom_note
from radiokit.data.bodypart_labels import PUBLIC_LABELS, STUDY_LABELS
from radiokit.data.csv_files import read_text_rows
from radiokit.data.ct_files import find_dicom_files
from radiokit.data.ct_headers import refusal_sentence
from radiokit.data.layouts import warn_left_out
from radiokit.data.picture_files import stem_of
from radiokit.data.radiograph_headers import (
    group_patients,
    read_radiograph_headers,
    usable_radiographs,
)

_LABELS = tuple(label for label in STUDY_LABELS if label in PUBLIC_LABELS)
_PARTS = ("train", "test")
_ENDING = "-c"  # of the names of files, not of the SOPInstanceUIDs in them
_COLUMNS = [
    *("case_id", "patient_id", "exam_id", "series_id", "image", *_LABELS, "body_part"),
    *("view_position", "laterality", "photometric", "rows", "columns"),
    *("spacing_row_mm", "spacing_column_mm", "dataset", "is_phantom"),
]


def index_unifesp(root: str | Path, part: str = "train") -> pd.DataFrame:
    """Case table of a copy of the UNIFESP X-ray Body Part Classifier competition.

    Use it on the folder that holds `train.csv` and `train`, on a copy with fewer images, and on the
    phantom. The test part has no public labels: they are unknown (NaN), for predictions only.

    Rows of the table with an empty Target, rows without a file and files without a row are left out
    and listed. Files are joined by the SOPInstanceUID in their header, else by their name.

    Args:
        root: folder of the copy; further nesting does not matter.
        part: "train" or "test". Files below a folder of this name are read; in a copy that has
            neither folder, all are.

    Returns:
        One row an image: `case_id` (SOPInstanceUID), `patient_id, exam_id, series_id, image`, the
        22 labels (0 and 1) under the study's names and in its order, `body_part` (the header's
        BodyPartExamined), `view_position, laterality, photometric, rows, columns, spacing_row_mm,
        spacing_column_mm` (NaN where unknown), `dataset` ("unifesp"), `is_phantom`.
        `table.attrs`: `labels`, their names; `patient_key`, see
        `radiokit.data.radiograph_headers.group_patients`; `unmatched` and `unreadable`, a sentence
        for each row or file left out; `notes`. One warning counts them.

    Raises:
        FileNotFoundError: no table or no image; the text says how to get the set.
        ValueError: the table is another, has unknown class ids or rows that contradict one another,
            no row has a file, or no file can be used.
    """
    if part not in _PARTS:
        raise ValueError(f"part is {part!r}. Choose one of: {', '.join(_PARTS)}.")
    root, notes = Path(root), []
    files = _find_images(root, part)
    csv = _find_table(root, part)
    labels, empty = _unknown_labels() if csv is None else _read_labels(csv, notes)
    unmatched = [f"row {case} has an empty Target" for case in empty]
    found = read_radiograph_headers(files)
    found["sop_uid"] = _cases_of(found, labels.index, notes)
    headers = usable_radiographs(found)
    _fill_exams(headers, root, notes)
    headers["patient_id"], patient_key, patient_notes = group_patients(headers)
    if csv is not None:
        there = {*found["sop_uid"], *map(_name_of, files)}  # what cannot be used is listed already
        unmatched += _without_partner(csv, labels.index, there, headers, empty)
        headers = headers[headers["sop_uid"].isin(labels.index)]
    table = headers.rename(columns={"sop_uid": "case_id"}).reset_index(drop=True)
    values = labels.reindex(table["case_id"]).reset_index(drop=True)
    table = pd.concat([table, values if csv is None else values.astype(np.uint8)], axis=1)
    table["dataset"], table["is_phantom"] = "unifesp", read_phantom_note(root) is not None
    notes += patient_notes
    if csv is None:
        notes.append(f"the {part} part has no table of labels: all labels are unknown")
    unreadable = headers.attrs["unreadable"]
    table = table[_COLUMNS]
    table.attrs = {"labels": _LABELS, "patient_key": patient_key, "unmatched": unmatched}
    table.attrs |= {"unreadable": unreadable, "notes": notes}
    warn_left_out(unreadable, unmatched, "rows or files")
    return table


def _find_images(root: Path, part: str) -> list[Path]:
    """DICOM files of a part; all where nothing says which part they are of."""
    try:
        files = find_dicom_files(root)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} {load_card('unifesp').by_hand}") from error
    folders = {path: _part_of(path.relative_to(root)) for path in files}
    if not any(folders.values()):
        return files
    of_part = [path for path in files if folders[path] == part]
    if not of_part:
        example = f"{part}/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>{_ENDING}.dcm"
        raise FileNotFoundError(
            f"There are no images such as {example} below {root}. {load_card('unifesp').by_hand}"
        )
    return of_part


def _part_of(path: Path) -> str:
    """The outermost folder called after a part, or ""."""
    return next((name.lower() for name in path.parts[:-1] if name.lower() in _PARTS), "")


def _find_table(root: Path, part: str) -> Path | None:
    """The CSV of a part: `train.csv`, else the one `train_*.csv`; the test part may have none."""
    found = [p for p in sorted(root.rglob("*.[cC][sS][vV]")) if not p.name.startswith(".")]
    exact = [path for path in found if path.name.lower() == f"{part}.csv"]
    tables = exact or [p for p in found if re.fullmatch(rf"{part}_.*\.csv", p.name.lower())]
    if len(tables) > 1:
        raise ValueError(
            f"There are {len(tables)} tables of labels below {root}: "
            f"{name_a_few([str(path) for path in tables])}. Keep one."
        )
    if not tables and part == "train":
        raise FileNotFoundError(
            f"There is no train.csv below {root}. {load_card('unifesp').by_hand}"
        )
    return tables[0] if tables else None


def _unknown_labels() -> tuple[pd.DataFrame, list[str]]:
    return pd.DataFrame(columns=list(_LABELS), dtype=np.float32), []


def _read_labels(csv: Path, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """0 and 1 by SOPInstanceUID and label; and the SOPInstanceUIDs with an empty Target."""
    rows = read_text_rows(csv, "table of labels")
    columns = {name.lower(): name for name in rows.columns}
    if not {"sopinstanceuid", "target"} <= set(columns):
        raise ValueError(
            f"{csv} has the columns {name_a_few(list(rows.columns))}. The table of this set has "
            "SOPInstanceUID and Target, class ids such as 9 21. For a table with a column a label "
            "use radiokit.data.own.index_image_labels."
        )
    cases, targets = rows[columns["sopinstanceuid"]], rows[columns["target"]]
    _check_rows(csv, cases, targets)
    ids = targets[targets != ""].map(lambda text: frozenset(map(int, text.split())))
    ids_of = dict(zip(cases[ids.index], ids, strict=True))
    contradictory = [c for c, each in zip(cases[ids.index], ids, strict=True) if ids_of[c] != each]
    if contradictory:
        raise ValueError(
            f"{csv} has rows that contradict one another on {len(set(contradictory))} images: "
            f"{name_a_few(list(dict.fromkeys(contradictory)))}. Keep one row an image."
        )
    if len(ids) > len(ids_of):
        notes.append(f"{len(ids) - len(ids_of)} repeated rows dropped")
    wide = [[PUBLIC_LABELS.index(label) in each for label in _LABELS] for each in ids_of.values()]
    empty = cases[targets == ""].tolist()
    return pd.DataFrame(wide, index=list(ids_of), columns=list(_LABELS)), empty


def _check_rows(csv: Path, cases: pd.Series, targets: pd.Series) -> None:
    """Every row names an image and known classes, and at least one names a class."""
    if (cases == "").any():
        raise ValueError(f"{csv} has {(cases == '').sum()} rows without SOPInstanceUID. Fill in.")
    known = {str(number) for number in range(len(PUBLIC_LABELS))}
    strange = [
        f"{case} has {text}"
        for case, text in zip(cases, targets, strict=True)
        if not set(text.split()) <= known
    ]
    if strange:
        raise ValueError(
            f"{csv} has {len(strange)} rows with unknown class ids: {name_a_few(strange)}. Ids are "
            f"0 (Abdomen) to {len(PUBLIC_LABELS) - 1} (Wrist), with spaces between."
        )
    if (targets == "").all():
        raise ValueError(
            f"{csv} has an empty Target in all rows. Give the table of the train part."
        )


def _name_of(image: str | Path) -> str:
    return stem_of(Path(image)).removesuffix(_ENDING)


def _cases_of(headers: pd.DataFrame, labelled: pd.Index, notes: list[str]) -> list[str]:
    """SOPInstanceUID of each file; its name where the table knows that alone, or none is given."""
    names = headers["image"].map(_name_of)
    by_name = ~headers["sop_uid"].isin(labelled) & names.isin(labelled)
    if by_name.any():
        notes.append(
            f"{by_name.sum()} files are joined by their names: the table does not know the "
            "SOPInstanceUID in their headers"
        )
    return headers["sop_uid"].mask(by_name | (headers["sop_uid"] == ""), names).tolist()


def _fill_exams(headers: pd.DataFrame, root: Path, notes: list[str]) -> None:
    """Without a StudyInstanceUID the series, or else the folder, stands for the exam."""
    is_unknown = headers["exam_id"] == ""
    if is_unknown.any():
        folders = headers["image"].map(
            lambda image: Path(image).parent.relative_to(root).as_posix()
        )
        series = headers["series_id"].mask(headers["series_id"] == "", folders)
        headers["exam_id"] = headers["exam_id"].mask(is_unknown, series)
        notes.append(f"{is_unknown.sum()} images without StudyInstanceUID: grouped by series")


def _without_partner(
    csv: Path, labelled: pd.Index, there: set[str], headers: pd.DataFrame, empty: list[str]
) -> list[str]:
    """Sentences on rows without a file and files without a row; at least one has both."""
    cases = set(headers["sop_uid"])
    if cases.isdisjoint(labelled):
        raise ValueError(
            f"No row of {csv} has a file: it has {name_a_few(list(labelled))}, the files are "
            f"{name_a_few(list(headers['sop_uid']))}. Put the table beside its own files."
        )
    rows = [f"row {case} has no file" for case in labelled if case not in there]
    is_alone = ~headers["sop_uid"].isin([*labelled, *empty])
    return rows + [refusal_sentence(p, "it has no row") for p in headers["image"][is_alone]]
