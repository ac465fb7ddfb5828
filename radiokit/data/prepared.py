"""Pictures prepared once and kept as small PNG files: their names, what is there, what was made.

What `slice_cache`, `picture_cache` and `copies` share. A file's name changes with its source and
settings and tells nothing of them, so that a folder may hold what several calls have left.
"""

import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.parallel import map_chunks
from radiokit.io.geometry import fit_placement, placed_spacing_mm

MASK_ENDING = "-mask"  # of the key of a mask
_NAME = re.compile(rf"([0-9a-f]{{24}}(?:{MASK_ENDING})?)(?:_(\d+)x(\d+))?\.png")

Outcome = tuple[int, int] | str  # height and width of the source, or why it could not be read


def check_cases(table: pd.DataFrame, kind: str) -> None:
    """Refuse a table that names no images, or one twice.

    Use it first thing in a preparation.

    Args:
        table: a case table.
        kind: what a row is, for the errors: "slice".

    Raises:
        ValueError: no row, no column `case_id` or `image`, or a case_id twice.
    """
    missing = [name for name in ("case_id", "image") if name not in table.columns]
    if missing or table.empty:
        raise ValueError(
            f"The table has {len(table)} rows and lacks {', '.join(missing) or 'no column'}. Give "
            f"a case table with case_id and image, a row a {kind}."
        )
    twice = table["case_id"][table["case_id"].duplicated()]
    if len(twice):
        raise ValueError(
            f"{len(twice)} {kind}s are named twice: {name_a_few([str(name) for name in twice])}. "
            "Give each row a case_id of its own."
        )


def check_size(size: int) -> None:
    """Refuse a size that makes no picture.

    Use it beside `check_cases`.

    Args:
        size: height and width in pixels.

    Raises:
        ValueError: no whole number, or below 8.
    """
    if int(size) != size or size < 8:
        raise ValueError(f"size is {size}; give a whole number of pixels, 8 or more.")


# --- names ----------------------------------------------------------------------------------------


def prepared_key(told: Sequence) -> str:
    """The name of a prepared file, which tells nothing of what it is made from.

    Use it with all that the pixels depend on.

    Args:
        told: settings, what the table says of the case, `file_stamp` of its files; what JSON holds.

    Returns:
        24 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]


def file_stamp(path: str | Path) -> str:
    """What changes when a file does, without reading it.

    Use it in a `prepared_key`.

    Args:
        path: a file; a missing one has a stamp too, its reader will say why.

    Returns:
        Size in bytes and time of the last change.
    """
    try:
        status = os.stat(path)
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def prepared_path(
    folder: str | Path, key: str, source_shape: tuple[int, int] | None = None
) -> Path:
    """Where a prepared file lies: in one of 256 folders, which stay small.

    Use it to write what `find_prepared` finds.

    Args:
        folder: of all of them.
        key: from `prepared_key`, with `MASK_ENDING` for a mask.
        source_shape: (rows, columns) of the source, where it is needed later.

    Returns:
        The path.
    """
    shape = f"_{source_shape[0]}x{source_shape[1]}" if source_shape else ""
    return Path(folder, key[:2], f"{key}{shape}.png")


def find_prepared(folder: Path) -> dict[str, tuple[int, int] | None]:
    """What earlier calls have left in a folder; other files do not matter.

    Use it to make only what is missing.

    Args:
        folder: where prepared files are written; it need not be there.

    Returns:
        Key -> (rows, columns) of the source, or None where the name does not tell.
    """
    found = {}
    for inner in os.scandir(folder) if folder.is_dir() else ():
        if inner.is_dir() and len(inner.name) == 2:
            for name in os.listdir(inner.path):
                match = _NAME.fullmatch(name)
                if match:
                    found[match[1]] = (int(match[2]), int(match[3])) if match[2] else None
    return found


# --- results --------------------------------------------------------------------------------------


def make_missing(
    work: Callable,
    missing: Sequence[dict],
    executor: Executor | None,
    progress: bool,
    jobs_a_call: int,
) -> tuple[dict[str, Outcome], float]:
    """Do the jobs whose files are not there yet, in several processes.

    Use it with what `find_prepared` has not found.

    Args:
        work: takes a list of jobs and returns as many pairs (key, outcome).
        missing: the jobs.
        executor: as in `radiokit.data.parallel.map_chunks`.
        progress: whether to show a bar.
        jobs_a_call: how many jobs a process is given at once.

    Returns:
        Key -> outcome, and the seconds it took.
    """
    started, results = time.perf_counter(), {}
    for outcomes in map_chunks(work, missing, executor, progress, jobs_a_call):
        results.update(outcomes)
    return results, time.perf_counter() - started


def prepared_rows(
    table: pd.DataFrame, keys: Sequence[str], outcomes: dict, folder: Path, size: int, kind: str
) -> pd.DataFrame:
    """The rows of a table whose picture is there, pointing to it.

    Use it once all is made.

    Args:
        table: the case table.
        keys: the key of each row.
        outcomes: key -> outcome, of what was there and what was made.
        folder: where the pictures are.
        size: their height and width in pixels.
        kind: what a row is, for the error: "slice".

    Returns:
        The rows in order, with `image`, and with the pixel sizes of the prepared grid where the
        table has any; `attrs["unreadable"]` has a sentence more for each row left out.

    Raises:
        ValueError: not one row is left.
    """
    is_made = [isinstance(outcomes[key], tuple) for key in keys]
    refused = [outcomes[key] for key, is_in in zip(keys, is_made, strict=True) if not is_in]
    if not any(is_made):
        raise ValueError(
            f"Not one of {len(keys)} {kind}s can be read: {name_a_few(refused)} Look whether the "
            f"table's images are {kind}s and where they lie."
        )
    made = [(key, outcomes[key]) for key, is_in in zip(keys, is_made, strict=True) if is_in]
    prepared = table[is_made].copy()
    prepared["image"] = [str(prepared_path(folder, key, shape)) for key, shape in made]
    if {"spacing_row_mm", "spacing_column_mm"} <= set(prepared.columns):
        spacings = list(_placed_spacings(prepared, [shape for _, shape in made], size))
        prepared["spacing_row_mm"] = [row for row, _ in spacings]
        prepared["spacing_column_mm"] = [column for _, column in spacings]
    prepared.attrs["unreadable"] = [*table.attrs.get("unreadable", ()), *refused]
    return prepared


def _placed_spacings(
    rows: pd.DataFrame, shapes: list[tuple[int, int]], size: int
) -> Iterator[tuple[float, float]]:
    """Pixel size of each row on the prepared grid; NaN stays NaN."""
    given = zip(rows["spacing_row_mm"], rows["spacing_column_mm"], strict=True)
    for spacing_mm, shape in zip(given, shapes, strict=True):
        yield placed_spacing_mm(spacing_mm, fit_placement(shape, (size, size)))


def report_prepared(
    prepared: pd.DataFrame, results: dict, num_there: int, seconds: float, progress: bool, kind: str
) -> None:
    """Keep the pace with the table, print it, and warn once where rows are left out.

    Use it last in a function that its user calls: the warning names that call.

    Args:
        prepared: from `prepared_rows`; `attrs["<kind>s_per_second"]` is set, NaN if none was made.
        results: from `make_missing`.
        num_there: how many had been made before.
        seconds: from `make_missing`.
        progress: whether to print.
        kind: what a row is: "slice".
    """
    refused = [outcome for outcome in results.values() if isinstance(outcome, str)]
    num_made = len(results) - len(refused)
    pace = num_made / seconds if num_made else float("nan")
    prepared.attrs[f"{kind}s_per_second"] = pace
    if progress:
        print(
            f"{num_made} {kind}s prepared in {seconds:.1f} s ({pace:.0f} {kind}s/s), {num_there} "
            f"were there, {len(refused)} unreadable."
        )
    if refused:
        warnings.warn(
            f"{len(refused)} of {len(refused) + len(prepared)} {kind}s are left out: "
            f"{name_a_few(refused)} All are listed in table.attrs['unreadable'].",
            stacklevel=3,
        )
