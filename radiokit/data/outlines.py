"""Outlines of ribs: the JSON files of VinDr-RibCXR, and polygons to masks."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radiokit.cards import name_a_few
from radiokit.io import UnreadableFileError

RIBS = tuple(f"{side}{number}" for side in "RL" for number in range(1, 11))


def read_outlines(path: Path, unmatched: list[str]) -> list[dict]:
    """Read one JSON file of VinDr-RibCXR.

    Use it through `radiokit.data.chest.index_vindr_ribcxr`. The table may be stored by column (as
    published) or by row.

    Args:
        path: the JSON file.
        unmatched: a sentence is added for each outline of fewer than three points.

    Returns:
        One record a film: `img` and twenty lists of (x, y) in pixels, None where not outlined.

    Raises:
        radiokit.io.UnreadableFileError: broken JSON, a missing column, or a point without x or y.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFileError(
            path, f"it is not valid JSON ({error})", "Copy or download this file again."
        ) from error
    records = _records(data, path)
    for record in records:
        for rib in RIBS:
            where = f"{rib} of {record['img']}"
            points = _points(record[rib], path, where)
            if points is not None and len(points) < 3:
                unmatched.append(f"{where} has {len(points)} points, so no area: taken as absent")
                points = None
            record[rib] = points
    return records


def _records(data: object, path: Path) -> list[dict]:
    """Records from a table stored by column (as published) or by row."""
    columns = ("img", *RIBS)
    if isinstance(data, dict) and not any(name in data for name in columns) and data:
        data = list(data.values())
    if isinstance(data, dict):
        _require_keys(data, columns, "column", path)
        keys = list(data["img"]) if isinstance(data["img"], dict) else range(len(data["img"]))
        data = [{name: _cell(data[name], key, name, path) for name in columns} for key in keys]
    if not isinstance(data, list) or not all(isinstance(record, dict) for record in data):
        raise UnreadableFileError(
            path,
            "it is neither a table by column nor a list of records",
            "It needs img, R1 to R10 and L1 to L10, as published.",
        )
    for number, record in enumerate(data):
        _require_keys(record, columns, f"record {number}: key", path)
    return [{name: record[name] for name in columns} for record in data]


def _require_keys(data: dict, keys: Sequence[str], what: str, path: Path) -> None:
    """Every key is there."""
    missing = [key for key in keys if key not in data]
    if missing:
        raise UnreadableFileError(
            path,
            f"{what} {name_a_few(missing)} missing",
            "It needs img, R1 to R10 and L1 to L10; download this file again.",
        )


def _cell(column: object, key: str | int, name: str, path: Path) -> object:
    """One value of a column stored as a dict or a list."""
    try:
        return column[key]
    except (KeyError, IndexError, TypeError) as error:
        raise UnreadableFileError(
            path,
            f"column {name} has no entry {key}",
            "Every column needs one entry a film; download this file again.",
        ) from error


def _points(value: object, path: Path, where: str) -> list[tuple[float, float]] | None:
    """Points of one rib; None, "None" and an empty list mean not outlined."""
    if value is None or value == [] or value in ("None", ""):
        return None
    try:
        return [(float(point["x"]), float(point["y"])) for point in value]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            path,
            f"{where} has a point without x and y numbers ({type(error).__name__}: {error})",
            'Each rib is a list of {"x": number, "y": number} or "None".',
        ) from error


def fill_polygon(points: Sequence[tuple[float, float]], shape: tuple[int, int]) -> np.ndarray:
    """Mask of a polygon: the pixels whose centre lies inside (even-odd rule).

    Use it to turn an outline into a mask on any grid. Coordinates are continuous: the top left
    corner of the image is (0, 0), the centre of the pixel in row 0 and column 0 is (0.5, 0.5).

    Args:
        points: corners (x, y) in pixels, in order; the last joins the first.
        shape: height and width of the mask in pixels.

    Returns:
        Boolean mask of that shape; parts outside the image are cut off.

    Example:
        >>> fill_polygon([(1, 1), (3, 1), (3, 3), (1, 3)], (4, 4)).astype(int)
        array([[0, 0, 0, 0],
               [0, 1, 1, 0],
               [0, 1, 1, 0],
               [0, 0, 0, 0]])
    """
    height, width = shape
    x0, y0 = np.asarray(points, np.float64).T[:, :, None]  # (N, 1) each
    x1, y1 = np.roll(x0, -1, axis=0), np.roll(y0, -1, axis=0)
    centre_y = np.arange(height) + 0.5  # (height,)
    edges, rows = np.nonzero((y0 <= centre_y) != (y1 <= centre_y))  # crossings, (M,) each
    x0, y0, x1, y1 = (value[edges, 0] for value in (x0, y0, x1, y1))
    crossing_x = x0 + (centre_y[rows] - y0) * (x1 - x0) / (y1 - y0)
    first_column = np.clip(np.ceil(crossing_x - 0.5), 0, width).astype(int)
    toggles = np.zeros((height, width + 1), np.uint8)
    np.add.at(toggles, (rows, first_column), 1)
    return np.bitwise_and(np.cumsum(toggles, axis=1)[:, :width], 1).astype(bool)
