"""CT slices prepared once for training: windowed, resized, kept as small PNG files.

A slice is written complete or not at all, under a name that says nothing of the patient, and holds
nothing but its pixels. What is there already is not made again.
"""

import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.framing import find_object
from radiokit.data.headct_labels import SUBTYPES
from radiokit.data.headct_masks import has_mask, read_label_map
from radiokit.data.parallel import map_chunks
from radiokit.data.windowed import HEADER_WINDOW, read_windowed_pixels
from radiokit.io.geometry import fit_placement, place_image, place_mask, placed_spacing_mm
from radiokit.io.rasters import write_png
from radiokit.io.windows import Window, window_pair

VERSION = 2  # raise it when the same slice begins to give other pixels
_SLICES_A_CALL = 32
_NEEDED_OF_ROW = ("image", "mask", "mask_kind", "axis", "slice_index")
_MASK_ENDING = "-mask"
_NAME = re.compile(rf"([0-9a-f]{{24}}(?:{_MASK_ENDING})?)(?:_(\d+)x(\d+))?\.png")


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
    jobs, results = _jobs(table, json.dumps([VERSION, settings])), {}
    present = _prepared(folder)
    missing = [job for job in jobs if not _is_there(job, present)]
    started = time.perf_counter()
    work = partial(_prepare_some, folder=str(folder), **settings)
    for outcomes in map_chunks(work, missing, executor, progress, _SLICES_A_CALL):
        results.update(outcomes)
    seconds = time.perf_counter() - started
    prepared = _table_of(table, jobs, present | results, folder, size)
    _report(prepared, results, len(jobs) - len(missing), seconds, progress)
    return prepared


def _check(table: pd.DataFrame, size: int, windows: Sequence[Window]) -> None:
    """Refuse what cannot be prepared."""
    missing = [name for name in ("case_id", "image") if name not in table.columns]
    if missing or table.empty:
        raise ValueError(
            f"The table has {len(table)} rows and lacks {', '.join(missing) or 'no column'}. Give "
            "a case table with case_id and image, a row a slice."
        )
    twice = table["case_id"][table["case_id"].duplicated()]
    if len(twice):
        raise ValueError(
            f"{len(twice)} slices are named twice: {name_a_few([str(name) for name in twice])}. "
            "Give each row a case_id of its own."
        )
    if isinstance(windows, str) or len(windows) not in (1, 3):
        raise ValueError(
            f"windows is {windows!r}; a PNG holds one or three channels. Give one window or three, "
            'such as ("brain",) or ("brain", "subdural", "bone").'
        )
    for window in windows:
        if window != HEADER_WINDOW:
            window_pair(window)
    if int(size) != size or size < 8:
        raise ValueError(f"size is {size}; give a whole number of pixels, 8 or more.")


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
    stamps = [_stamp(row["image"]), _stamp(mask) if mask else ""]
    text = json.dumps([settings, dataset, told, stamps], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "missing"  # its reader will say why
    return f"{status.st_size} {status.st_mtime_ns}"


def _prepared(folder: Path) -> dict[str, tuple[int, int] | None]:
    """Key -> height and width of the source, of each picture in the folder; key-mask -> None."""
    found = {}
    for inner in os.scandir(folder) if folder.is_dir() else ():
        if inner.is_dir() and len(inner.name) == 2:
            for name in os.listdir(inner.path):
                match = _NAME.fullmatch(name)
                if match:
                    found[match[1]] = (int(match[2]), int(match[3])) if match[2] else None
    return found


def _is_there(job: dict, present: dict) -> bool:
    return job["key"] in present and (not has_mask(job) or job["key"] + _MASK_ENDING in present)


def _path(folder: str | Path, key: str, shape: tuple[int, int]) -> Path:
    return Path(folder, key[:2], f"{key}_{shape[0]}x{shape[1]}.png")


def _mask_path(folder: str | Path, key: str) -> Path:
    return Path(folder, key[:2], f"{key}{_MASK_ENDING}.png")


# --- work -----------------------------------------------------------------------------------------


def _prepare_some(
    jobs: list[dict], folder: str, size: int, windows: list, crop: bool
) -> list[tuple[str, tuple[int, int] | str]]:
    """Key and source shape of each slice made, key and reason of each that could not be read."""
    return [(job["key"], _prepare(job, folder, size, windows, crop)) for job in jobs]


def _prepare(job: dict, folder: str, size: int, windows: list, crop: bool) -> tuple[int, int] | str:
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
        write_png(_mask_path(folder, job["key"]), placed_mask)
    write_png(_path(folder, job["key"], shape), values if len(windows) == 3 else values[..., 0])
    return shape


def _cut_out(pixels: np.ndarray, mask: np.ndarray | None) -> tuple:
    """The square around the head, of the slice and of its mask."""
    top, left, height, width = find_object(pixels)
    if mask is not None:
        mask = place_mask(mask, fit_placement(mask.shape, pixels.shape[:2]))
        mask = mask[top : top + height, left : left + width]
    return pixels[top : top + height, left : left + width], mask


def _table_of(
    table: pd.DataFrame, jobs: list[dict], shapes: dict, folder: Path, size: int
) -> pd.DataFrame:
    """The rows that were made, pointing to what was made."""
    is_made = [isinstance(shapes[job["key"]], tuple) for job in jobs]
    if not any(is_made):
        raise ValueError(
            f"Not one of {len(jobs)} slices can be read: "
            f"{name_a_few([shapes[job['key']] for job in jobs])} Give CT slices."
        )
    made = [job for job, is_in in zip(jobs, is_made, strict=True) if is_in]
    prepared = table[is_made].copy()
    prepared["image"] = [str(_path(folder, job["key"], shapes[job["key"]])) for job in made]
    if "mask" in prepared.columns:
        prepared["mask"] = [
            str(_mask_path(folder, job["key"])) if has_mask(job) else "" for job in made
        ]
        prepared["mask_kind"] = "subtypes"
    if {"spacing_row_mm", "spacing_column_mm"} <= set(prepared.columns):
        spacings = list(_placed_spacings(prepared, [shapes[job["key"]] for job in made], size))
        prepared["spacing_row_mm"] = [row for row, _ in spacings]
        prepared["spacing_column_mm"] = [column for _, column in spacings]
    unreadable = [shapes[j["key"]] for j, is_in in zip(jobs, is_made, strict=True) if not is_in]
    prepared.attrs["unreadable"] = [*table.attrs.get("unreadable", ()), *unreadable]
    return prepared


def _placed_spacings(
    rows: pd.DataFrame, shapes: list[tuple[int, int]], size: int
) -> Iterator[tuple[float, float]]:
    """Pixel size of each row on the prepared grid; NaN stays NaN."""
    given = zip(rows["spacing_row_mm"], rows["spacing_column_mm"], strict=True)
    for spacing_mm, shape in zip(given, shapes, strict=True):
        yield placed_spacing_mm(spacing_mm, fit_placement(shape, (size, size)))


def _report(
    prepared: pd.DataFrame, results: dict, num_there: int, seconds: float, progress: bool
) -> None:
    """Pace, and one warning where slices are left out."""
    refused = [result for result in results.values() if isinstance(result, str)]
    num_made = len(results) - len(refused)
    pace = num_made / seconds if num_made else float("nan")
    prepared.attrs["slices_per_second"] = pace
    if progress:
        print(
            f"{num_made} slices prepared in {seconds:.1f} s ({pace:.0f} slices/s), {num_there} "
            f"were there, {len(refused)} unreadable."
        )
    if refused:
        warnings.warn(
            f"{len(refused)} of {len(refused) + len(prepared)} slices are left out: "
            f"{name_a_few(refused)} All are listed in table.attrs['unreadable'].",
            stacklevel=3,
        )
