"""What a map under way leaves on disk, so that it goes on after a kill, and only as the same."""

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radiokit.files import remove_unfinished, write_text_whole
from radiokit.tiling.bands import MapPlan
from radiokit.tiling.map_files import FILES, RECORD, RawMap, read_record

FORMAT = "radiokit slide map 1"
_FOLDER, _PROGRESS, _RAW = "unfinished_map", "progress.json", "map.raw"
_PART_BYTES = 1 << 16
_OTHER = {"model": "another model", "slide": "another slide", "settings": "other settings"}
_OF_THE_GRAPH = {"name", "inbound_nodes", "input_layers", "output_layers"}


@dataclass(frozen=True, eq=False)
class MapState:
    """A map under way.

    Attributes:
        folder: where it lies.
        raw: the map's pixels; rows that are not done are 0.
        identity: of model, slide and settings.
        rows_done: as it was found.
    """

    folder: Path
    raw: RawMap
    identity: dict[str, str]
    rows_done: int


# --- identity -------------------------------------------------------------------------------------


def identify(model, path: Path, size_px: tuple[int, int], settings: dict) -> dict[str, str]:
    """Names that change with the model, the slide, or the settings.

    Use it before a map is begun or gone on with.

    Args:
        model: a Keras model; its layers' settings and its weights count, their names do not.
        path: the slide; its first and last 64 KiB and its length count, not where it lies.
        size_px: width and height of the slide.
        settings: plain values and arrays.

    Returns:
        `model`, `slide` and `settings`, each a SHA-256.
    """
    layers = [[type(layer).__name__, _plain(layer.get_config())] for layer in model.layers]
    of_model = hashlib.sha256(_text(layers))
    for weights in model.get_weights():
        of_model.update(f"{weights.shape} {weights.dtype}".encode())
        of_model.update(np.ascontiguousarray(weights).data)
    of_slide = hashlib.sha256(_text([size_px, path.stat().st_size]))
    with path.open("rb") as stream:
        of_slide.update(stream.read(_PART_BYTES))
        stream.seek(max(0, path.stat().st_size - _PART_BYTES))
        of_slide.update(stream.read())
    of_settings = hashlib.sha256(_text([FORMAT, settings]))
    return {
        "model": of_model.hexdigest(),
        "slide": of_slide.hexdigest(),
        "settings": of_settings.hexdigest(),
    }


def _text(value) -> bytes:
    return json.dumps(value, sort_keys=True, default=_simple).encode()


def _simple(value):
    """Arrays by their content, other objects by their kind: nothing that changes by itself."""
    if isinstance(value, np.ndarray):
        return [value.shape, hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()]
    return value.item() if isinstance(value, np.generic) else type(value).__name__


def _plain(config):
    """A layer's settings without the names that Keras counts up."""
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items() if key not in _OF_THE_GRAPH}
    return [_plain(value) for value in config] if isinstance(config, list | tuple) else config


# --- disk -----------------------------------------------------------------------------------------


def find_finished(out: Path, identity: dict[str, str]) -> dict | None:
    """The record of a finished map of the same model, slide and settings.

    Args:
        out: folder of the map.
        identity: from `identify`.

    Returns:
        What `map.json` says; None where there is none, or another, or a file of it is gone.
    """
    try:
        record = read_record(out)
    except (FileNotFoundError, ValueError):
        return None
    is_whole = all((out / name).is_file() for name in FILES)
    return record if is_whole and record.get("identity") == identity else None


def begin_map(out: Path, identity: dict[str, str], plan: MapPlan) -> MapState:
    """Begin a map, or go on with one that was stopped.

    Use it once nobody else writes into the folder. An older, finished map is removed first, so that
    files of two maps never stand side by side.

    Args:
        out: folder of the map; made if needed.
        identity: from `identify`.
        plan: of the map.

    Returns:
        The state to go on from.

    Raises:
        ValueError: what lies there half finished is of another model, slide or settings.
        OSError: the folder cannot be written to.
    """
    folder = out / _FOLDER
    raw = RawMap(folder / _RAW, plan.shape)
    size = int(np.prod(plan.shape))
    rows_done = _rows_done(folder, identity, raw.path, size)
    with explained_errors(out):
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(out)
        remove_unfinished(folder)
        for name in (RECORD, *FILES):
            (out / name).unlink(missing_ok=True)
        if rows_done is None:
            with raw.path.open("wb") as stream:
                stream.truncate(size)  # without taking room where the disk allows it
            _write_progress(folder, identity, 0)
    return MapState(folder, raw, identity, rows_done or 0)


def _rows_done(folder: Path, identity: dict[str, str], raw: Path, size: int) -> int | None:
    """Rows that are there already; None where nothing is, or nothing that can be used."""
    try:
        progress = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
        found, rows = progress["identity"], int(progress["rows_done"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not raw.is_file() or raw.stat().st_size != size:
        rows = None
    other = [_OTHER[name] for name in identity if found.get(name) != identity[name]]
    if other:
        raise ValueError(
            f"{folder} holds a map that was stopped half way, of {' and '.join(other)}. "
            "Call again with what it was begun with to finish it, delete that folder, or give "
            "another one to write to."
        )
    return rows


def _write_progress(folder: Path, identity: dict[str, str], rows_done: int) -> None:
    content = {"identity": identity, "rows_done": rows_done}
    write_text_whole(folder / _PROGRESS, json.dumps(content) + "\n")


def add_rows(state: MapState, first_row: int, rows: np.ndarray) -> None:
    """Put finished rows on disk, then say so there.

    Use it from above to below. Rows that the state had as done are not written again: after a
    stop, tiles above them are not all read anew.

    Args:
        state: from `begin_map`.
        first_row: of the map.
        rows: uint8 (rows, columns, channels).

    Raises:
        OSError: the disk is full, or gone.
    """
    skipped = max(0, state.rows_done - first_row)
    rows = rows[skipped:]
    if not len(rows):
        return
    row_bytes = state.raw.shape[1] * state.raw.shape[2]
    with explained_errors(state.folder.parent):
        with state.raw.path.open("r+b") as stream:
            stream.seek((first_row + skipped) * row_bytes)
            stream.write(np.ascontiguousarray(rows).data)
            stream.flush()
            os.fsync(stream.fileno())
        _write_progress(state.folder, state.identity, first_row + skipped + len(rows))


def end_map(out: Path) -> None:
    """Remove what only a map under way needs.

    Args:
        out: folder of the map.
    """
    shutil.rmtree(out / _FOLDER, ignore_errors=True)


@contextmanager
def explained_errors(out: Path):
    """Say of every failure to write what can be done, and that nothing is lost.

    Args:
        out: folder of the map.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            f"Cannot write the map into {out}: {error.strerror or error}. Check that the disk is "
            "not full and that you may write there; called again with the same arguments, it goes "
            "on where it stopped."
        ) from error
