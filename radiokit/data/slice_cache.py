"""CT slices prepared once for training: windowed, resized, kept as small PNG files.

A slice is written complete or not at all, under a name that says nothing of the patient, and holds
nothing but its pixels. What is there already is not made again.
"""

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.data.framing import find_object
from radiokit.data.headct_labels import SUBTYPES
from radiokit.data.headct_masks import has_mask, read_label_map
from radiokit.data.prepared import (
    MASK_ENDING,
    Outcome,
    check_cases,
    check_size,
    file_stamp,
    find_prepared,
    make_missing,
    prepared_key,
    prepared_path,
    prepared_rows,
    report_prepared,
)
from radiokit.data.windowed import HEADER_WINDOW, read_windowed_pixels
from radiokit.io.geometry import fit_placement, place_image, place_mask
from radiokit.io.rasters import write_png
from radiokit.io.windows import Window, window_pair

VERSION = 2  # raise it when the same slice begins to give other pixels
_SLICES_A_CALL = 32
_NEEDED_OF_ROW = ("image", "mask", "mask_kind", "axis", "slice_index")


def prepare_slices(
    table: pd.DataFrame,
    folder: str | Path,
    size: int = 256,
    windows: Sequence[Window] = ("brain",),
    crop: bool = False,
    executor: Executor | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Write every slice of a table, windowed and resized, as a PNG, and its mask beside it.

    Use it before a training on DICOM or volumes: a PNG of 256 pixels is read many times faster. A
    call that was stopped goes on where it stood; slices whose file has changed since, or other
    settings, are made anew. One call at a time a folder.

    Args:
        table: a case table of CT slices (`index_rsna_ich`, `index_ct_series`, `index_ct_ich` ...).
        folder: where to; made if needed. What other calls have left there does not matter.
        size: height and width in pixels; the aspect ratio is kept by padding with black.
        windows: one or three, see `radiokit.data.windowed.read_windowed_pixels`. One gives a grey
            picture, three a coloured one, a window a channel.
        crop: cut every slice to the square around the head before it is shrunk; `spacing_row_mm`
            and `spacing_column_mm` then differ from slice to slice.
        executor: any of `concurrent.futures`, such as dask.distributed's `client.get_executor()`,
            whose machines must see the files and the folder under the same paths; None: processes
            on this machine.
        progress: whether to show a bar and to print slices a second.

    Returns:
        The rows of the table whose slice could be read, in order: `image` and `mask` are the
        prepared files, `mask_kind` is "subtypes" (a label map as `radiokit.data.headct_masks` has
        them, 255 unknown), `spacing_row_mm` and `spacing_column_mm` are those of the prepared
        grid. `table.attrs["unreadable"]` has a sentence for each slice left out (one warning counts
        them), `table.attrs["slices_per_second"]` is the pace of those made now (NaN if none).

    Raises:
        ValueError: no row, no column `image`, a name twice, windows that are none or two, or not
            one readable slice.
        OSError: the folder cannot be written to.
        RuntimeError: a process ended by itself.
    """
    _check(table, size, windows)
    folder = Path(folder).resolve()
    settings = {"size": int(size), "windows": [_plain(one) for one in windows], "crop": bool(crop)}
    jobs = _jobs(table, json.dumps([VERSION, settings]))
    present = find_prepared(folder)
    missing = [job for job in jobs if not _is_there(job, present)]
    work = partial(_prepare_some, folder=str(folder), **settings)
    results, seconds = make_missing(work, missing, executor, progress, _SLICES_A_CALL)
    prepared = _table_of(table, jobs, present | results, folder, size)
    report_prepared(prepared, results, len(jobs) - len(missing), seconds, progress, "slice")
    return prepared


def _check(table: pd.DataFrame, size: int, windows: Sequence[Window]) -> None:
    """Refuse what cannot be prepared."""
    check_cases(table, "slice")
    if isinstance(windows, str) or len(windows) not in (1, 3):
        raise ValueError(
            f"windows is {windows!r}; a PNG holds one or three channels. Give one window or three, "
            'such as ("brain",) or ("brain", "subdural", "bone").'
        )
    for window in windows:
        if window != HEADER_WINDOW:
            window_pair(window)
    check_size(size)


def _plain(window: Window) -> str | list[float]:
    return window if isinstance(window, str) else [float(number) for number in window]


# --- names ----------------------------------------------------------------------------------------


def _jobs(table: pd.DataFrame, settings: str) -> list[dict]:
    """What a worker needs of each row, and the name of what it makes."""
    labels = [name for name in _labels_for_masks(table) if "mask" in table.columns]
    columns = [name for name in (*_NEEDED_OF_ROW, *labels) if name in table.columns]
    rows = table[["case_id", *columns]].to_dict("records")
    datasets = table["dataset"] if "dataset" in table.columns else [""] * len(table)
    return [
        row | {"key": _key(row, dataset, settings)}
        for row, dataset in zip(rows, datasets, strict=True)
    ]


def _labels_for_masks(table: pd.DataFrame) -> list[str]:
    """Masks of one class take their subtype from the labels."""
    is_needed = "mask_kind" in table.columns and (table["mask_kind"] == "one_class").any()
    return list(SUBTYPES) if is_needed else []


def _key(row: dict, dataset: str, settings: str) -> str:
    """A name that changes with source, settings and labels, and tells nothing of them."""
    mask = str(row["mask"]) if has_mask(row) else ""
    told = {name: str(value) for name, value in row.items() if name not in ("image", "mask")}
    stamps = [file_stamp(row["image"]), file_stamp(mask) if mask else ""]
    return prepared_key([settings, dataset, told, stamps])


def _is_there(job: dict, present: dict) -> bool:
    return job["key"] in present and (not has_mask(job) or job["key"] + MASK_ENDING in present)


# --- work -----------------------------------------------------------------------------------------


def _prepare_some(
    jobs: list[dict], folder: str, size: int, windows: list, crop: bool
) -> list[tuple[str, Outcome]]:
    """Key and source shape of each slice made, key and reason of each that could not be read."""
    return [(job["key"], _prepare(job, folder, size, windows, crop)) for job in jobs]


def _prepare(job: dict, folder: str, size: int, windows: list, crop: bool) -> Outcome:
    try:
        pixels = read_windowed_pixels(job, windows)
        mask = read_label_map(job) if has_mask(job) else None
    except (ValueError, FileNotFoundError) as error:
        return f"{job['case_id']}: {error}"
    if crop:
        pixels, mask = _cut_out(pixels, mask)
    shape = pixels.shape[:2]
    placed = np.clip(place_image(pixels, fit_placement(shape, (size, size))), 0, 1)
    values = np.rint(placed * 255).astype(np.uint8)
    if mask is not None:
        placed_mask = place_mask(mask, fit_placement(mask.shape, (size, size)))
        write_png(prepared_path(folder, job["key"] + MASK_ENDING), placed_mask)
    values = values if len(windows) == 3 else values[..., 0]
    write_png(prepared_path(folder, job["key"], shape), values)
    return shape


def _cut_out(pixels: np.ndarray, mask: np.ndarray | None) -> tuple:
    """The square around the head, of the slice and of its mask."""
    top, left, height, width = find_object(pixels)
    if mask is not None:
        mask = place_mask(mask, fit_placement(mask.shape, pixels.shape[:2]))
        mask = mask[top : top + height, left : left + width]
    return pixels[top : top + height, left : left + width], mask


def _table_of(
    table: pd.DataFrame, jobs: list[dict], outcomes: dict, folder: Path, size: int
) -> pd.DataFrame:
    """The rows that were made, pointing to what was made."""
    keys = [job["key"] for job in jobs]
    prepared = prepared_rows(table, keys, outcomes, folder, size, "slice")
    if "mask" in prepared.columns:
        made = [job for job in jobs if isinstance(outcomes[job["key"]], tuple)]
        prepared["mask"] = [
            str(prepared_path(folder, job["key"] + MASK_ENDING)) if has_mask(job) else ""
            for job in made
        ]
        prepared["mask_kind"] = "subtypes"
    return prepared
