"""Many CT headers to one table, in parallel and resumable, and its slices in anatomical order."""

import os
import warnings
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.ct_header_cache import CACHE_COLUMNS, merge_parts, read_cache, write_part
from radiokit.data.parallel import map_chunks
from radiokit.io.ct_header import CT_HEADER_COLUMNS, read_ct_headers

_AXIAL = np.array([0.0, 0.0, 1.0])
_UNKNOWN = np.full(3, np.nan)
_SAME_PLANE = 1e-3  # cosines of one orientation differ by less


def read_header_table(
    files: Iterable[str | Path],
    cache: str | Path | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Read the headers of many CT slices into one table, without their pixels.

    Use it in index functions. A job that was killed goes on where it stood if a cache was given:
    only files that are new, or whose size or time of change is another, are read again.

    Args:
        files: DICOM files.
        cache: folder of the cache, for nothing else; None: nothing is kept. It holds what the
            table holds.
        executor: any of `concurrent.futures`, such as dask.distributed's `client.get_executor()`;
            None: processes on this machine, and none for fewer than 200 files.
        progress: whether to show a bar.

    Returns:
        One row a file in the order given, columns `CT_HEADER_COLUMNS`.
        `table.attrs["unreadable"]` has a sentence for each file that is not a usable CT slice; one
        warning counts them.

    Raises:
        ValueError: no file, or none that can be used.
        OSError: the cache cannot be written.
    """
    table, refused = read_usable_headers(files, cache, executor, progress)
    table.attrs["unreadable"] = [refusal_sentence(*each) for each in refused]
    if refused:
        warnings.warn(
            f"{len(refused)} of {len(table) + len(refused)} files are left out: "
            f"{name_a_few(table.attrs['unreadable'])}. All are listed in "
            "table.attrs['unreadable'].",
            stacklevel=2,
        )
    return table


def read_usable_headers(
    files: Iterable[str | Path],
    cache: str | Path | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The table of `read_header_table`, with what was refused beside it and no warning.

    Use it where the caller has more to leave out and to warn of.

    Args:
        files: DICOM files.
        cache: folder of the cache, or None.
        executor: any of `concurrent.futures`, or None.
        progress: whether to show a bar.

    Returns:
        The table, and a pair of path and reason for each file that cannot be used.

    Raises:
        ValueError: no file, or none that can be used.
        OSError: the cache cannot be written.
    """
    given = {os.path.abspath(path): str(path) for path in files}  # machines differ in their folder
    if not given:
        raise ValueError("There is no file to read. Give the paths of DICOM files.")
    folder = None if cache is None else Path(cache)
    tables, refused = [read_cache(folder, given)], []
    known = set(tables[0]["image"])
    missing = [path for path in given if path not in known]
    for rows, refusals in map_chunks(read_ct_headers, missing, executor, progress):
        refused += refusals
        if rows:
            tables.append(pd.DataFrame(rows, columns=list(CACHE_COLUMNS)))
            if folder is not None:
                write_part(folder, tables[-1])
    table = pd.concat([each for each in tables if len(each)] or tables[:1], ignore_index=True)
    if folder is not None and len(tables) > 1:
        merge_parts(folder)
    refused = [(given[path], reason) for path, reason in refused]
    if table.empty:
        raise ValueError(
            f"None of {len(given)} files is a slice of a CT: "
            f"{name_a_few([refusal_sentence(*each) for each in refused])}. Give CT images."
        )
    order = {path: place for place, path in enumerate(given.values())}
    table["image"] = table["image"].map(given)
    table = table.sort_values("image", key=lambda images: images.map(order), ignore_index=True)
    refused.sort(key=lambda refusal: order[refusal[0]])
    return table[list(CT_HEADER_COLUMNS)], refused


def refusal_sentence(path: str, reason: str) -> str:
    """Why a file is left out, under the name of its folder and its own.

    Use it in lists of files left out.

    Args:
        path: the file.
        reason: without a full stop.

    Returns:
        Text such as `GE/01.dcm: it is a scout`.

    >>> refusal_sentence("copy/GE/01.dcm", "it is a scout")
    'GE/01.dcm: it is a scout'
    """
    return f"{'/'.join(Path(path).parts[-2:])}: {reason}"


def sort_slices(table: pd.DataFrame) -> pd.DataFrame:
    """Bring the slices of each series into anatomical order, and measure what lies between them.

    Use it on a header table. A slice lies where its first pixel projects on the normal of the
    series; the normal points to the head in axial series, to the back in coronal and to the left
    in sagittal ones, so that slice 0 of an axial series is the most caudal whatever the order of
    numbers or names. Without positions the instance numbers tell the order, which may then begin
    at the head; without these, the file names. `attrs["notes"]` says where that was so.

    With a tilted gantry the table moves aslant to the normal: planes are `gap_mm` apart, the table
    has moved by `table_step_mm`, and the angle between both ways is `shear_degrees`. Areas times
    `gap_mm` give volumes. A head tilted without the gantry has no shear.

    Args:
        table: with the columns of `CT_HEADER_COLUMNS`.

    Returns:
        A sorted copy, series in the order of their first rows, with `slice_index` (from 0),
        `position_mm` along the normal, `gap_mm` and `table_step_mm` to the next slice of the
        series (NaN at its last), and `shear_degrees` of the series (median of its steps).

    Raises:
        ValueError: columns are missing, or there is no row.
    """
    absent = [name for name in CT_HEADER_COLUMNS if name not in table.columns]
    if absent:
        raise ValueError(f"A header table lacks {', '.join(absent)}. Read it: read_header_table.")
    if table.empty:
        raise ValueError("The header table has no row. Read headers first: read_header_table.")
    notes = list(table.attrs.get("notes", ()))
    sorted_ = table.reset_index(drop=True)
    series = series_numbers(sorted_)
    normals = _normals(sorted_, series, notes)
    corners = sorted_[["position_x_mm", "position_y_mm", "position_z_mm"]].to_numpy(float)
    positions = pd.Series((corners * normals).sum(axis=1))
    is_placed = positions.notna().groupby(series).transform("all")
    _note_unplaced(sorted_, series, is_placed, notes)
    sorted_["position_mm"] = positions.where(is_placed)
    keys = pd.DataFrame(
        {
            "series": series,
            "position": sorted_["position_mm"],
            "instance_number": sorted_["instance_number"],
            "image": sorted_["image"],
        }
    )
    order = keys.sort_values(list(keys), kind="stable").index
    sorted_, series = sorted_.loc[order].reset_index(drop=True), series[order].to_numpy()
    _measure_steps(sorted_, series, corners[order], normals[order])
    sorted_.attrs = {**table.attrs, "notes": notes}
    return sorted_


def series_numbers(table: pd.DataFrame) -> pd.Series:
    """Number the series of a table in order of their first rows.

    Use it to group slices: series of two patients are never one, whatever their identifiers, and
    without identifiers a folder is a series.

    Args:
        table: with `patient_id, exam_id, series_id, image`.

    Returns:
        A whole number a row.
    """
    names = table["series_id"].where(table["series_id"] != "", table["image"].map(os.path.dirname))
    keys = [table["patient_id"], table["exam_id"], names]
    return table.groupby(keys, sort=False, dropna=False).ngroup()


def _normals(table: pd.DataFrame, series: pd.Series, notes: list[str]) -> np.ndarray:
    """The normal of each row's series: the median over its slices."""
    is_known = table["orientation"].str.count(r"\\") == 5
    normal_of = {text: _normal(text) for text in table["orientation"][is_known].unique()}
    own = np.stack([normal_of.get(text, _UNKNOWN) for text in table["orientation"]])
    usual = pd.DataFrame(own).groupby(series).transform("median").to_numpy()
    usual = np.where(np.isnan(usual), _AXIAL, usual)
    usual /= np.linalg.norm(usual, axis=1, keepdims=True)
    differs = np.nanmax(np.abs(own - usual), axis=1, initial=0) > _SAME_PLANE
    _note_series(notes, series[~is_known], "slices without orientation: taken as axial")
    _note_series(notes, series[differs], "slices in another plane than most of their series")
    return usual


def _normal(orientation: str) -> np.ndarray:
    """Unit vector across a plane, towards left, back or head."""
    cosines = np.array([float(cosine) for cosine in orientation.split("\\")])
    normal = np.cross(cosines[:3], cosines[3:])
    length = np.linalg.norm(normal)
    return normal / length * np.sign(normal[np.argmax(np.abs(normal))]) if length else _UNKNOWN


def _note_series(notes: list[str], series: pd.Series, what: str) -> None:
    if len(series):
        notes.append(f"{len(series)} {what} ({series.nunique()} series).")


def _note_unplaced(
    table: pd.DataFrame, series: pd.Series, is_placed: pd.Series, notes: list[str]
) -> None:
    """Say what gave the order where positions did not."""
    is_numbered = table["instance_number"].notna().groupby(series).transform("all")
    by_number, by_name = ~is_placed & is_numbered, ~is_placed & ~is_numbered
    _note_series(
        notes,
        series[by_number],
        "slices without position in all of their series: in order of instance number, which may "
        "begin at the head or at the feet",
    )
    _note_series(
        notes, series[by_name], "slices with neither position nor number: in order of file names"
    )


def _measure_steps(
    table: pd.DataFrame, series: np.ndarray, corners: np.ndarray, normals: np.ndarray
) -> None:
    """Number the slices, and add the way to the next one along the normal and along the table."""
    table["slice_index"] = table.groupby(series).cumcount()
    is_last = np.append(series[1:] != series[:-1], True)
    steps = np.where(is_last[:, None], np.nan, np.roll(corners, -1, axis=0) - corners)
    steps[table["position_mm"].isna().to_numpy()] = np.nan
    table["gap_mm"] = (steps * normals).sum(axis=1)
    table["table_step_mm"] = np.linalg.norm(steps, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.clip(table["gap_mm"] / table["table_step_mm"], -1, 1)
    table["shear_degrees"] = np.degrees(np.arccos(cosines)).groupby(series).transform("median")
