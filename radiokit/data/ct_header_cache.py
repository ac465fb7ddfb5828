"""The cache of a header table: a folder of CSV files, each complete or absent."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.files import write_text_whole
from radiokit.io.ct_header import CT_HEADER_COLUMNS, TEXT_COLUMNS

_STAMPS = ("size", "mtime_ns")
CACHE_COLUMNS = (*CT_HEADER_COLUMNS, *_STAMPS)
_PREFIX = "ct-headers-1-"  # the number goes up when what is read from a header changes


def read_cache(folder: Path | None, paths: Iterable[str]) -> pd.DataFrame:
    """Rows of the cache for files that have not changed since.

    Use it before headers are read.

    Args:
        folder: of the cache; None or a missing one is empty.
        paths: absolute paths of the files that are asked for.

    Returns:
        A row a file whose path, size and time of change are the same, columns `CACHE_COLUMNS`.
    """
    cached = _load_cache(folder)[0] if folder is not None else pd.DataFrame()
    if cached.empty:
        return pd.DataFrame(columns=list(CACHE_COLUMNS))
    cached = cached[cached["image"].isin(set(paths))]
    stamps = {path: _stamp(path) for path in cached["image"].unique()}
    found = zip(cached["image"], cached["size"], cached["mtime_ns"], strict=True)
    is_same = np.array([stamps[path] == (size, time) for path, size, time in found], bool)
    return cached[is_same].drop_duplicates("image").reset_index(drop=True)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None  # its reader will say why
    return status.st_size, status.st_mtime_ns


def _load_cache(folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """All rows of a cache, and the files they came from; what is damaged is read anew."""
    files, tables = sorted(folder.glob(f"{_PREFIX}*.csv")), []
    for file in files:
        try:
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
            tables.append(_with_numbers(table))
        except (ValueError, KeyError, OSError):
            continue
    return (pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()), files


def _with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as they are, floats to their last digit, stamps as whole numbers."""
    for name in CT_HEADER_COLUMNS:
        if name not in TEXT_COLUMNS:
            table[name] = np.array(table[name].replace("", "nan"), dtype=float)
    for name in _STAMPS:
        table[name] = np.array([int(text) for text in table[name]], dtype=np.int64)
    return table[list(CACHE_COLUMNS)]


def write_part(folder: Path, table: pd.DataFrame) -> None:
    """Keep a chunk of rows.

    Use it as soon as a chunk was read, so that a killed job loses no more than one.

    Args:
        folder: of the cache; made if need be.
        table: rows with `CACHE_COLUMNS`.

    Raises:
        OSError: the file cannot be written.
    """
    name = f"{_PREFIX}part-{os.urandom(8).hex()}.csv"
    write_text_whole(folder / name, table.to_csv(index=False))


def merge_parts(folder: Path) -> None:
    """Put all rows into one file instead of one a chunk.

    Use it at the end of a job; if that is killed here, rows are there twice and none is lost.

    Args:
        folder: of the cache.

    Raises:
        OSError: the file cannot be written.
    """
    table, files = _load_cache(folder)
    table = table.drop_duplicates("image", keep="last")  # parts come after the whole
    whole = folder / f"{_PREFIX}all.csv"
    write_text_whole(whole, table.to_csv(index=False))
    for file in files:
        if file != whole:
            file.unlink(missing_ok=True)
