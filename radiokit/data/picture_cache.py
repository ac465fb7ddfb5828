"""Radiographs prepared once for training: as the screen shows them, resized, kept as small PNG.

A picture is written complete or not at all, under a name that says nothing of the patient, and
holds nothing but its pixels. What is there already is not made again.
"""

from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.data.prepared import (
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
from radiokit.io.geometry import fit_placement, place_image
from radiokit.io.rasters import read_radiograph, write_png

VERSION = 1  # raise it when the same radiograph begins to give other pixels
_PICTURES_A_CALL = 16


def prepare_pictures(
    table: pd.DataFrame,
    folder: str | Path,
    size: int = 224,
    progress: bool = True,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Write every radiograph of a table, resized, as a grey PNG.

    Use it before a training on radiographs, and before `radiokit.data.copies.write_copies`: a PNG
    of 224 pixels is read many times faster than the radiograph. A call that was stopped goes
    on where it stood; pictures whose file has changed since, or of another size, are made anew.
    One call at a time a folder.

    Args:
        table: a case table of radiographs, DICOM, JSRT films or any pictures
            (`radiokit.data.bodypart`, `radiokit.data.own` ...).
        folder: where to; made if needed. What other calls have left there does not matter.
        size: height and width in pixels; the aspect ratio is kept by padding with black.
        progress: whether to show a bar and to print pictures a second.
        executor: any of `concurrent.futures`, such as dask.distributed's `client.get_executor()`,
            whose machines must see the files and the folder under the same paths; None: processes
            on this machine.

    Returns:
        The rows of the table whose radiograph could be read, in order: `image` is the prepared
        file, bone bright, `spacing_row_mm` and `spacing_column_mm` are those of the prepared grid;
        every other column stays, also what it says of the file's header.
        `table.attrs["unreadable"]` has a sentence for each one left out (one warning counts them),
        `table.attrs["pictures_per_second"]` is the pace of those made now (NaN if none).

    Raises:
        ValueError: no row, no column `case_id` or `image`, a name twice, a size below 8, or not
            one readable radiograph.
        OSError: the folder cannot be written to.
        RuntimeError: a process ended by itself.
    """
    check_cases(table, "picture")
    check_size(size)
    folder, size = Path(folder).resolve(), int(size)
    jobs, present = _jobs(table, size), find_prepared(folder)
    missing = [job for job in jobs if job["key"] not in present]
    work = partial(_prepare_some, folder=str(folder), size=size)
    results, seconds = make_missing(work, missing, executor, progress, _PICTURES_A_CALL)
    keys = [job["key"] for job in jobs]
    prepared = prepared_rows(table, keys, present | results, folder, size, "picture")
    report_prepared(prepared, results, len(jobs) - len(missing), seconds, progress, "picture")
    return prepared


def _jobs(table: pd.DataFrame, size: int) -> list[dict]:
    """What a worker needs of each row, and the name of what it makes."""
    datasets = table["dataset"] if "dataset" in table.columns else [""] * len(table)
    rows = zip(table["case_id"].astype(str), table["image"].astype(str), datasets, strict=True)
    return [
        {
            "case_id": case,
            "image": image,
            "key": prepared_key(
                ["picture", VERSION, size, dataset, case, image, file_stamp(image)]
            ),
        }
        for case, image, dataset in rows
    ]


def _prepare_some(jobs: list[dict], folder: str, size: int) -> list[tuple[str, Outcome]]:
    """Key and source shape of each picture made, key and reason of each that cannot be read."""
    return [(job["key"], _prepare(job, folder, size)) for job in jobs]


def _prepare(job: dict, folder: str, size: int) -> Outcome:
    try:
        pixels = read_radiograph(job["image"]).pixels
    except (ValueError, FileNotFoundError) as error:
        return f"{job['case_id']}: {error}"
    placed = np.clip(place_image(pixels, fit_placement(pixels.shape, (size, size))), 0, 1)
    values = np.rint(placed * 255).astype(np.uint8)
    write_png(prepared_path(folder, job["key"], pixels.shape), values)
    return pixels.shape
