"""Folders of CT as a scanner or an archive leaves them: to a case table, and to volumes in HU."""

import hashlib
import math
import warnings
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.ct_files import find_dicom_files, name_groups, without_copies
from radiokit.data.ct_headers import (
    read_usable_headers,
    refusal_sentence,
    series_numbers,
    sort_slices,
)
from radiokit.io.ct import read_ct_slice

_EVEN_MM, _EVEN_SHARE = 0.05, 0.02  # gaps that differ by less are equal, rounding aside
_SAME_MM = 0.01  # positions that differ by less are one
_SAME_COSINE = 1e-3
_SHEAR_DEGREES = 0.5
_IN_PLANE = ["spacing_row_mm", "spacing_column_mm"]
_PLANES = ("sagittal", "coronal", "axial")
_COLUMNS = (
    *("case_id", "patient_id", "exam_id", "series_id", "image", "slice_index", "position_mm"),
    *("gap_mm", "table_step_mm", "shear_degrees", "spacing_row_mm", "spacing_column_mm"),
    *("spacing_slice_mm", "gantry_tilt_degrees", "thickness_mm", "orientation", "rows", "columns"),
    *("dataset", "is_phantom"),
)


@dataclass(frozen=True, eq=False)
class CtSeries:
    """The slices of one series, stacked.

    Args:
        hu: float32 (slices, rows, columns), Hounsfield units, slice 0 the most caudal.
        spacing_mm: between slices (along their normal), rows and columns; None where slices are
            not evenly apart or a size is unknown.
        notes: why there is no spacing, a tilt, and what reading the slices repaired, sentences.
    """

    hu: np.ndarray
    spacing_mm: tuple[float, float, float] | None
    notes: tuple[str, ...]


def index_ct_series(
    root: str | Path, cache: str | Path | None = None, executor: Executor | None = None
) -> pd.DataFrame:
    """List the CT slices of a folder in anatomical order, whatever else lies in it.

    Use it for anybody's DICOM: files of any name in nested folders, several patients and series
    together, other files between them. Scouts, other modalities, screen captures, copies of a
    slice and what cannot be read as HU are left out and listed.

    Args:
        root: folder that is searched with all below it.
        cache: folder to keep header values in, so that the next call is quick; see
            `radiokit.data.ct_headers.read_header_table`.
        executor: any of `concurrent.futures`; None: processes here if there are many files.

    Returns:
        A row a slice: `case_id` (a hash of the series and the slice, which tells nothing),
        `patient_id` (the exam where PatientID is empty), `exam_id, series_id, image, slice_index,
        position_mm, gap_mm, table_step_mm, shear_degrees, spacing_row_mm, spacing_column_mm,
        spacing_slice_mm` (NaN where gaps are uneven or unknown), `gantry_tilt_degrees` (of the
        header; else the shear if there is one), `thickness_mm, orientation, rows, columns,
        dataset` ("own") and `is_phantom`. `attrs["left_out"]` has a sentence for each DICOM file
        that is left out, one warning counts them; `attrs["notes"]` says what had to be assumed.

    Raises:
        FileNotFoundError: no such folder, or no DICOM file below it.
        ValueError: no file is a usable slice of a CT.
        OSError: the cache cannot be written.
    """
    root = Path(root)
    headers, refused = read_usable_headers(find_dicom_files(root), cache, executor)
    left_out = [refusal_sentence(*each) for each in refused]
    notes: list[str] = []
    headers = name_groups(without_copies(headers, left_out, notes), root, notes)
    table = sort_slices(headers)
    table["spacing_slice_mm"] = _even_gaps(table)
    shear = table["shear_degrees"].where(table["shear_degrees"] >= _SHEAR_DEGREES)
    table["gantry_tilt_degrees"] = table["gantry_tilt_degrees"].fillna(shear)
    table["case_id"] = _case_ids(table)
    table["dataset"], table["is_phantom"] = "own", read_phantom_note(root) is not None
    notes += table.attrs["notes"]
    table = table[list(_COLUMNS)]
    table.attrs = {"left_out": left_out, "notes": notes}
    if left_out:
        warnings.warn(
            f"{len(left_out)} files are left out: {name_a_few(left_out)}. All are listed in "
            "table.attrs['left_out'].",
            stacklevel=2,
        )
    return table


def describe_series(table: pd.DataFrame) -> pd.DataFrame:
    """What to know of each series before its slices are stacked or measured.

    Use it on the table of `index_ct_series`, and read it before anything is computed in
    millilitres: uneven gaps, two thicknesses, repeated or missing positions, a tilted gantry.

    Args:
        table: of `index_ct_series`, or a header table after `sort_slices`.

    Returns:
        A row a series: `patient_id, exam_id, series_id, plane` (axial, coronal, sagittal, "" where
        unknown), `slices, rows, columns` (as text where there are several), `thicknesses_mm`
        (text), `gap_mm_smallest, gap_mm_largest` (along the normal), `is_uneven,
        gantry_tilt_degrees, shear_degrees` (measured from positions; where it is not the tilt of
        the header, one of both is wrong), `num_repeated_positions, num_missing_positions`.
    """
    groups = table.groupby(series_numbers(table), sort=False)
    return pd.DataFrame([_describe(rows) for _, rows in groups])


def read_series_hu(rows: pd.DataFrame) -> CtSeries:
    """Read the slices of one series as one stack in Hounsfield units.

    Use it for volumes, reformats and a look at a whole exam.

    Args:
        rows: of one series, from `index_ct_series` or `sort_slices`, in any order.

    Returns:
        The stack in the order of `slice_index`. `spacing_mm` counts the gap along the normal, so
        that voxels have their true volume also under a tilted gantry.

    Raises:
        ValueError: no rows, rows of two series, or slices of two sizes.
        radiokit.io.UnreadableFileError: a slice cannot be read.
    """
    _check_one_series(rows)
    rows = rows.sort_values("slice_index")
    slices = [read_ct_slice(path) for path in rows["image"]]
    shapes = sorted({each.hu.shape for each in slices})
    if len(shapes) > 1:
        raise ValueError(
            f"The slices of {rows['series_id'].iloc[0]} have the sizes {shapes}. Stack those of "
            "one size: rows[rows['rows'] == 512]."
        )
    counts = pd.Series([note for each in slices for note in each.notes], dtype=object)
    notes = [f"{count} slices: {note}" for note, count in counts.value_counts().items()]
    spacing_mm = _stack_spacing(rows, notes)
    return CtSeries(np.stack([each.hu for each in slices]), spacing_mm, tuple(notes))


def _case_ids(table: pd.DataFrame) -> list[str]:
    names = table["patient_id"] + "|" + table["exam_id"] + "|" + table["series_id"]
    hashes = {name: hashlib.sha256(name.encode()).hexdigest()[:10] for name in names.unique()}
    numbers = zip(names, table["slice_index"], strict=True)
    return [f"{hashes[name]}_{index:03d}" for name, index in numbers]


def _even_gaps(table: pd.DataFrame) -> pd.Series:
    """The gap of each row's series; NaN where gaps or planes differ, or nothing tells them."""
    series = series_numbers(table)
    gaps = table["gap_mm"].groupby(series)
    smallest, largest = gaps.transform("min"), gaps.transform("max")
    is_even = (smallest > 0) & ~_differ(smallest, largest) & _is_one_plane(table, series)
    return gaps.transform("median").where(is_even)


def _is_one_plane(table: pd.DataFrame, series: pd.Series) -> pd.Series:
    """Whether all slices of each row's series have one orientation, rounding aside."""
    cosines_of = {text: _cosines(text) for text in table["orientation"].unique()}
    cosines = pd.DataFrame([cosines_of[text] for text in table["orientation"]], table.index)
    groups = cosines.groupby(series)
    return ~(groups.transform("max") - groups.transform("min") > _SAME_COSINE).any(axis=1)


def _cosines(orientation: str) -> list[float]:
    """Six cosines, NaN where unknown."""
    cosines = [float(cosine) for cosine in orientation.split("\\")] if orientation else []
    return cosines if len(cosines) == 6 else [math.nan] * 6


def _differ(smallest_mm, largest_mm):
    return largest_mm - smallest_mm > np.maximum(_EVEN_MM, _EVEN_SHARE * smallest_mm)


def _describe(rows: pd.DataFrame) -> dict[str, object]:
    smallest, largest = rows["gap_mm"].min(), rows["gap_mm"].max()
    return {
        **{name: rows[name].iloc[0] for name in ("patient_id", "exam_id", "series_id")},
        "plane": _plane(rows["orientation"].mode().iloc[0]),
        "slices": len(rows),
        "rows": _one_or_text(rows["rows"]),
        "columns": _one_or_text(rows["columns"]),
        "thicknesses_mm": ", ".join(f"{value:g}" for value in _values(rows["thickness_mm"])),
        "gap_mm_smallest": smallest,
        "gap_mm_largest": largest,
        "is_uneven": bool(_differ(smallest, largest)),
        "gantry_tilt_degrees": rows["gantry_tilt_degrees"].median(),
        "shear_degrees": rows["shear_degrees"].median(),
        "num_repeated_positions": int((rows["gap_mm"].abs() < _SAME_MM).sum()),
        "num_missing_positions": int(rows["position_mm"].isna().sum()),
    }


def _values(column: pd.Series) -> list[float]:
    return sorted(column.dropna().unique())


def _one_or_text(column: pd.Series) -> int | str:
    values = [int(value) for value in _values(column)]
    return values[0] if len(values) == 1 else ", ".join(map(str, values))


def _plane(orientation: str) -> str:
    """The body plane that is nearest; a tilt of the head or gantry does not change it."""
    normal = np.abs(np.cross(_cosines(orientation)[:3], _cosines(orientation)[3:]))
    return "" if np.isnan(normal).any() else _PLANES[int(np.argmax(normal))]


def _check_one_series(rows: pd.DataFrame) -> None:
    number = series_numbers(rows).nunique() if len(rows) else 0
    if number != 1:
        raise ValueError(
            f"The rows are of {number} series. Read one at a time: "
            "table[table['series_id'] == series_id]."
        )


def _stack_spacing(rows: pd.DataFrame, notes: list[str]) -> tuple[float, float, float] | None:
    """Spacing of a stack, or the note why there is none."""
    gaps = np.diff(rows["position_mm"].to_numpy(float))
    inner = rows[_IN_PLANE].iloc[0]
    is_one_plane = _is_one_plane(rows, series_numbers(rows)).all()
    is_mixed = not is_one_plane or len(rows[_IN_PLANE].drop_duplicates()) > 1
    shear = rows["shear_degrees"].median()
    if shear >= _SHEAR_DEGREES:
        notes.append(
            f"The gantry was tilted: slices are shifted against one another by {shear:.1f}°."
        )
    if not len(gaps) or not np.isfinite([*gaps, *inner]).all():
        notes.append("No spacing: positions or pixel sizes are missing, or it is one slice.")
    elif is_mixed:
        notes.append("No spacing: slices differ in orientation or pixel size.")
    elif gaps.min() < _SAME_MM or _differ(gaps.min(), gaps.max()):
        notes.append(f"No spacing: slices are {gaps.min():.2f} to {gaps.max():.2f} mm apart.")
    else:
        return (float(np.median(gaps)), *map(float, inner))
    return None
