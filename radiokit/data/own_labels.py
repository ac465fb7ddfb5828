"""Anybody's own images with a table of labels: to a case table, and from its rows to arrays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.csv_files import read_text_rows
from radiokit.data.label_columns import NEEDED, find_roles, read_label_columns
from radiokit.data.matching import match_names, match_slices, relative_name
from radiokit.data.pairing import Folders, list_files, report_unmatched
from radiokit.data.picture_files import PICTURES, read_dicom_facts, read_file_header, stem_of
from radiokit.data.windowed import read_windowed_image
from radiokit.io import check_file
from radiokit.io.dicom_values import looks_like_dicom
from radiokit.io.geometry import fit_placement, place_image
from radiokit.io.rasters import read_radiograph
from radiokit.io.windows import Window

CT_WINDOWS = ("brain", "subdural", "bone")


def index_image_labels(
    csv: str | Path, images: Folders, labels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Join your own images with a table of labels, one row an image.

    Use it for any set of PNG, JPEG, TIFF, GIF, BMP or DICOM images with a CSV of labels by patient.
    The columns are found by their names, in most spellings: the image (`image`, `file`, `path`,
    `case_id` ...: a path, a name with or without its ending), the patient (`patient_id`,
    `PatientNumber` ...), and where there the exam and the slice. Without a column of images, a
    patient and a slice column find `049/brain/1.jpg` or `49_1.png`.

    Args:
        csv: the table, separated by commas, semicolons or tabs. Text stays as it is: patient 049
            is not 49.
        images: folder of images, or several; subfolders are searched.
        labels: columns to take as labels; None: every other column that holds nothing but 0, 1,
            true, false and empty cells. An empty cell is unknown.

    Returns:
        Table with `case_id` (the name without ending, with its folders where names repeat),
        `patient_id, image`, the labels (0, 1, NaN where unknown), `exam_id` and `slice_index` where
        the table has them, `modality` ("CT" ... from DICOM, "" of pictures), `spacing_row_mm,
        spacing_column_mm` (from DICOM, else NaN), `dataset` ("own") and `is_phantom`.
        `table.attrs`: `labels`, their names; `patient_key`, the column that patients come from,
        "PatientID" of DICOM headers, or "image" where each image counts as a patient of its own,
        which is wrong when a patient has several; `unmatched`, a sentence for each row without an
        image and each image without a row (a warning counts them); `notes`.

    Raises:
        FileNotFoundError: the CSV or a folder is missing, or a folder holds no image.
        ValueError: columns are missing (the text says which), a label is not 0 or 1, nothing
            matches, a name matches several files, a patient is missing, or rows of one image
            contradict one another.
        radiokit.io.UnreadableFileError: a DICOM file is damaged.
    """
    path = Path(csv)
    rows = read_text_rows(path, "table of labels")
    roles = find_roles(list(rows.columns))
    _check_roles(rows, roles, path)
    values = read_label_columns(rows, roles, labels, path)
    files = list_files(images, PICTURES)
    folders = [Path(one) for one in ([images] if isinstance(images, (str, Path)) else images)]
    matches = _match(rows, roles, files, folders, path)
    names = _row_names(rows, roles)
    unmatched = [f"row {n} has no image" for n, f in zip(names, matches, strict=True) if not f]
    kept = _one_row_a_file(rows, roles, values, matches, path)
    found = [matches[row] for row in kept]
    table = _table_of(found, folders)
    notes = _add_patients(table, rows.iloc[kept], roles, found, path)
    _add_columns(table, rows.iloc[kept], roles, values.iloc[kept])
    others = sorted(set(files) - set(found))
    unmatched += [f"image {relative_name(file, folders)} has no row" for file in others]
    repeated = len(rows) - len(kept) - matches.count(None)
    notes += [f"{repeated} repeated rows dropped"] if repeated else []
    table.attrs.update(labels=list(values.columns), notes=notes)
    report_unmatched(table, unmatched)
    return table


def _check_roles(rows: pd.DataFrame, roles: dict[str, str], path: Path) -> None:
    """There is a way to find the image of each row."""
    columns = ", ".join(rows.columns)
    if {name.lower() for name in rows.columns} == {"id", "label"}:
        raise ValueError(
            f"{path} has the columns {columns}, a row a label. Give a row an image; the table of "
            "the RSNA challenge is turned by radiokit.data.headct.pivot_rsna_labels."
        )
    if "image" not in roles and not {"patient_id", "slice_index"} <= set(roles):
        raise ValueError(f"{path} has the columns {columns}. {NEEDED}")


def _match(
    rows: pd.DataFrame, roles: dict[str, str], files: list[Path], folders: list[Path], path: Path
) -> list[Path | None]:
    """A file a row, or None; at least one row has a file."""
    if "image" in roles:
        matches = match_names(list(rows[roles["image"]]), files, folders)
    else:
        patients, slices = rows[roles["patient_id"]], rows[roles["slice_index"]]
        matches = match_slices(list(patients), list(slices), files, folders)
    if not any(matches):
        examples = [relative_name(file, folders) for file in files]
        how = f"column {roles['image']}" if "image" in roles else "columns of patient and slice"
        raise ValueError(
            f"No row of {path} matches an image. The {how} says "
            f"{name_a_few(_row_names(rows, roles))}; the files are {name_a_few(examples)}. Write "
            "the files' names, or their paths relative to the folder of images, into the table."
        )
    return matches


def _row_names(rows: pd.DataFrame, roles: dict[str, str]) -> list[str]:
    """What a row says of its image."""
    if "image" in roles:
        return list(rows[roles["image"]])
    pairs = zip(rows[roles["patient_id"]], rows[roles["slice_index"]], strict=True)
    return [f"{patient} slice {number}" for patient, number in pairs]


def _one_row_a_file(
    rows: pd.DataFrame,
    roles: dict[str, str],
    values: pd.DataFrame,
    matches: list[Path | None],
    path: Path,
) -> list[int]:
    """Numbers of the rows to keep: the first of each file, if the others say the same."""
    said = values.astype(float).fillna(-1).to_numpy()
    patients = rows[roles["patient_id"]] if "patient_id" in roles else [""] * len(rows)
    first, contradictory = {}, []
    for row, (file, patient) in enumerate(zip(matches, patients, strict=True)):
        if file is None:
            continue
        kept = first.setdefault(file, row)
        if not np.array_equal(said[kept], said[row]) or patients[kept] != patient:
            contradictory.append(file.name)
    if contradictory:
        raise ValueError(
            f"{path} has rows that contradict one another on {len(contradictory)} images: "
            f"{name_a_few(list(dict.fromkeys(contradictory)))}. Keep one row an image."
        )
    return list(first.values())


def _table_of(files: list[Path], folders: list[Path]) -> pd.DataFrame:
    """The columns that come from the files themselves."""
    headers = [read_file_header(file) for file in files]
    stems = [stem_of(file) for file in files]
    if len(set(stems)) < len(stems):
        relative = [Path(relative_name(file, folders)) for file in files]
        stems = ["_".join((*path.parent.parts, stem_of(path))) for path in relative]
    if len(set(stems)) < len(stems):
        stems = ["_".join(Path(relative_name(file, folders)).parts) for file in files]
    phantoms = {parent: read_phantom_note(parent) for parent in {file.parent for file in files}}
    return pd.DataFrame(
        {
            "case_id": stems,
            "patient_id": [header.patient_id for header in headers],
            "image": [str(file) for file in files],
            "modality": [header.modality for header in headers],
            "spacing_row_mm": [header.spacing_mm[0] for header in headers],
            "spacing_column_mm": [header.spacing_mm[1] for header in headers],
            "dataset": "own",
            "is_phantom": [phantoms[file.parent] is not None for file in files],
        }
    )


def _add_patients(
    table: pd.DataFrame, rows: pd.DataFrame, roles: dict[str, str], files: list[Path], path: Path
) -> list[str]:
    """Patients from the table, else from DICOM headers, else one an image; notes on the latter."""
    if "patient_id" in roles:
        patients = rows[roles["patient_id"]].tolist()
        nameless = [file.name for file, name in zip(files, patients, strict=True) if not name]
        if nameless:
            raise ValueError(
                f"{path} names no patient in {len(nameless)} of {len(files)} rows, those of "
                f"{name_a_few(nameless)}. Fill in the column {roles['patient_id']}."
            )
        table["patient_id"], table.attrs["patient_key"] = patients, roles["patient_id"]
        return []
    if len(set(table["patient_id"]) - {""}) > 1:
        table["patient_id"] = table["patient_id"].where(table["patient_id"] != "", table["case_id"])
        table.attrs["patient_key"] = "PatientID"
        return []
    table["patient_id"], table.attrs["patient_key"] = table["case_id"], "image"
    return ["no patients are known: every image counts as a patient of its own"]


def _add_columns(
    table: pd.DataFrame, rows: pd.DataFrame, roles: dict[str, str], values: pd.DataFrame
) -> None:
    """Exam, slice and labels."""
    if "exam_id" in roles:
        table["exam_id"] = rows[roles["exam_id"]].tolist()
    if "slice_index" in roles:
        numbers = pd.to_numeric(rows[roles["slice_index"]], errors="coerce")
        if numbers.notna().all():
            table["slice_index"] = numbers.to_numpy()
    taken = [name for name in values.columns if name in table.columns]
    if taken:
        raise ValueError(
            f"The labels {', '.join(taken)} have the names of other columns of a case table. "
            "Rename these columns in the CSV."
        )
    for name in values.columns:
        table[name] = values[name].to_numpy()


# --- reading --------------------------------------------------------------------------------------


def read_labelled_case(
    row,
    image_shape: Sequence[int],
    labels: Sequence[str],
    windows: Sequence[Window] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of one row of `index_image_labels`, at the network's size.

    Use it as the reader of a classifier on your own data. The aspect ratio is kept by padding.

    Args:
        row: a row of the table (Series or dict) with `image` and the labels.
        image_shape: target height and width in pixels (further axes are not looked at).
        labels: columns, in the order of the network's outputs.
        windows: for CT in DICOM, see `radiokit.data.windowed.read_windowed_pixels`; None: brain,
            subdural and bone for CT, and one grey channel for every other image.

    Returns:
        Image (H, W, 1 or len(windows)) float32 in 0..1; target (len(labels),) float32: 0, 1, and
        -1 where unknown.

    Raises:
        radiokit.io.UnreadableFileError: the image cannot be read.
        ValueError: the row has not got a label.
    """
    target = label_target(row, labels)
    if windows is None and _is_ct(row):
        windows = CT_WINDOWS
    if windows is not None:
        return read_windowed_image(row, image_shape, windows), target
    pixels = read_radiograph(row["image"]).pixels
    image = place_image(pixels, fit_placement(pixels.shape, tuple(image_shape[:2])))
    return np.clip(image, 0, 1)[..., None], target


def _is_ct(row) -> bool:
    """By the table's column, else by the header."""
    modality = row.get("modality")
    if isinstance(modality, str):
        return modality == "CT"
    path = check_file(row["image"])
    return looks_like_dicom(path) and read_dicom_facts(path).modality == "CT"


def label_target(row, labels: Sequence[str]) -> np.ndarray:
    """The labels of a row as a target.

    Use it in the reader of a classifier.

    Args:
        row: a row of a case table (Series or dict).
        labels: columns, in the order of the network's outputs.

    Returns:
        (len(labels),) float32: 0, 1, and -1 where a cell is empty.

    Raises:
        ValueError: the row has not got a label, or it is not 0 or 1.

    >>> label_target({"epidural": 1, "subdural": float("nan")}, ["subdural", "epidural"])
    array([-1.,  1.], dtype=float32)
    """
    missing = [name for name in labels if name not in row]
    if missing:
        raise ValueError(
            f"The row has no label {', '.join(missing)}; it has {', '.join(map(str, row.keys()))}. "
            "Give labels that the table has: table.attrs['labels']."
        )
    values = [row[name] for name in labels]
    numbers = [-1.0 if value is None or value != value else float(value) for value in values]
    strange = [f"{n} is {v:g}" for n, v in zip(labels, numbers, strict=True) if v not in (-1, 0, 1)]
    if strange:
        raise ValueError(f"Labels are 0, 1 or empty; {name_a_few(strange)}. Correct the table.")
    return np.array(numbers, np.float32)
