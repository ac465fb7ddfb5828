"""Volumes to a table of slices, from its rows to arrays, and predicted slices back to a volume."""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.io import UnreadableFileError
from radiokit.io.geometry import fit_placement, place_image, place_mask, restore_mask
from radiokit.io.volumes import (
    Volume,
    canonical_shape,
    canonical_spacing_mm,
    check_same_grid,
    from_canonical,
    read_canonical_label_slice,
    read_canonical_slice,
    read_label_volume,
    read_volume,
    read_volume_header,
    stored_axes,
    undisplay_slice,
)

_NEEDED_COLUMNS = ("exam_id", "patient_id", "image", "mask", "dataset", "is_phantom")
_READERS = 2  # volumes read at the same time: unpacking releases Python's lock
_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.5


def list_slices(
    volumes: pd.DataFrame, axis: int | None = None, allowed: Iterable[int] | None = None
) -> pd.DataFrame:
    """Read every volume of a table once, and list the slices of all.

    Use it at the end of an index function. A damaged file, labels on another grid than their
    image, or an image of one value are found here, not in the middle of a training.

    Intensities are normalised per volume, in `read_slice_image`: the 1st percentile of all voxels
    of the volume becomes 0, the 99.5th becomes 1, and what lies beyond is clipped.

    Args:
        volumes: one row a volume: `exam_id, patient_id, image, mask` (None where there are no
            labels), `dataset, is_phantom`; further columns are carried to every slice.
        axis: canonical axis that slices are perpendicular to, 0 sagittal, 1 coronal, 2 axial;
            None: for each volume the one nearest to its third stored axis, as acquired.
        allowed: the values that labels may have; None: any.

    Returns:
        One row a slice: `case_id` (exam, letter of the axis, slice), `patient_id, exam_id, image,
        mask, dataset, axis, slice_index` (canonical, from 0), `num_slices, spacing_row_mm,
        spacing_column_mm` (of the picture in the file), `spacing_slice_mm` (NaN where unknown),
        `intensity_low, intensity_high, is_phantom`, and the further columns. A row alone is
        enough to read its slice. `attrs` of the table given are kept.

    Raises:
        ValueError: a column is missing, an exam is named twice, or volumes cannot be used; all of
            these are listed with their reasons.
        FileNotFoundError: the only volume that cannot be used is not there.
        radiokit.io.UnreadableFileError: the only volume that cannot be used is damaged.
    """
    _check_volumes(volumes, axis)
    allowed = None if allowed is None else tuple(allowed)
    rows = volumes.to_dict("records")
    with ThreadPoolExecutor(_READERS) as pool:
        results = list(pool.map(lambda row: _attempt(_slices_of, row, axis, allowed), rows))
    _raise_failures([result for result in results if isinstance(result, Exception)], len(rows))
    table = pd.DataFrame([row for slices in results for row in slices])
    table.attrs.update(volumes.attrs)
    return table


def read_slice_image(row, image_shape: Sequence[int]) -> np.ndarray:
    """The image of one row of a slice table, at the network's size.

    Use it in the reader of a training. The aspect ratio in pixels is kept by padding.

    Args:
        row: a row of the table (Series or dict).
        image_shape: target height and width in pixels (further axes are not looked at).

    Returns:
        (H, W, 1) float32 in 0..1: (value - intensity_low) / (intensity_high - intensity_low),
        clipped; padding is 0.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
        ValueError: the file has no such slice.
    """
    values = read_canonical_slice(row["image"], int(row["axis"]), int(row["slice_index"]))
    low, high = np.float32(row["intensity_low"]), np.float32(row["intensity_high"])
    fractions = np.clip((values - low) / (high - low), 0, 1)
    placed = place_image(fractions, fit_placement(values.shape, tuple(image_shape[:2])))
    return np.clip(placed, 0, 1)[..., None]  # rounding of means may pass 1


def read_slice_labels(row, image_shape: Sequence[int]) -> np.ndarray:
    """The labels of one row of a slice table, at the network's size.

    Use it in the reader of a training; the geometry is that of `read_slice_image`.

    Args:
        row: a row of the table (Series or dict) whose volume has labels.
        image_shape: target height and width in pixels (further axes are not looked at).

    Returns:
        (H, W) integers, as in the file; padding is 0.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
        ValueError: the volume has no labels, or no such slice.
    """
    if not isinstance(row["mask"], (str, Path)):
        raise ValueError(
            f"{row['case_id']} has no labels (mask is {row['mask']}). Leave such rows out: "
            "table[table['mask'].notna()]."
        )
    labels = read_canonical_label_slice(row["mask"], int(row["axis"]), int(row["slice_index"]))
    return place_mask(labels, fit_placement(labels.shape, tuple(image_shape[:2])))


def slice_shape(row) -> tuple[int, int]:
    """Height and width in the file of the picture that a row shows, from the header alone.

    Use it to know how far a slice is scaled at the network's size.

    Args:
        row: a row of a slice table.

    Returns:
        (rows, columns) pixels.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
    """
    return _picture_shape(canonical_shape(read_volume_header(row["image"])), int(row["axis"]))


def restack(rows: pd.DataFrame, pictures: Sequence[np.ndarray], like_path: str | Path):
    """Stack predicted slices of one volume into labels on that volume's stored axes.

    Use it after a prediction, then write the result with
    `radiokit.io.volumes.write_label_volume`.

    Args:
        rows: the slices of one exam, in any order.
        pictures: (n, H, W) integer label maps at the network's size, one a row.
        like_path: the volume that the slices are of.

    Returns:
        (i, j, k) of the pictures' type; slices without a prediction are background (0).

    Raises:
        FileNotFoundError: `like_path` is not there.
        ValueError: rows of two exams or axes, a slice twice, another number of pictures than
            rows, labels that are no integers, or a volume with other slices.
    """
    pictures = np.asarray(pictures)
    _check_stack(rows, pictures)
    header = read_volume_header(like_path)
    shape, axis = canonical_shape(header), int(rows["axis"].iloc[0])
    if set(rows["num_slices"]) != {shape[axis]}:
        raise ValueError(
            f"The rows are of a volume of {rows['num_slices'].iloc[0]} slices across axis {axis}, "
            f"{like_path} has {shape[axis]}. Give the volume in the rows' column image."
        )
    placement = fit_placement(_picture_shape(shape, axis), pictures.shape[1:])
    stack = np.zeros(shape, pictures.dtype)
    for index, picture in zip(rows["slice_index"], pictures, strict=True):
        plane = undisplay_slice(restore_mask(picture, placement), axis)
        np.moveaxis(stack, axis, 0)[int(index)] = plane
    return from_canonical(stack, header)


def _check_volumes(volumes: pd.DataFrame, axis: int | None) -> None:
    """The table has its columns and rows, and names no exam twice."""
    missing = [name for name in _NEEDED_COLUMNS if name not in volumes.columns]
    if missing or volumes.empty:
        raise ValueError(
            f"A table of volumes has the columns {', '.join(_NEEDED_COLUMNS)} and a row a volume; "
            f"this one has {len(volumes)} rows and lacks {', '.join(missing) or 'no column'}."
        )
    twice = volumes["exam_id"][volumes["exam_id"].duplicated()]
    if len(twice):
        raise ValueError(
            f"{len(twice)} exams are named twice: {name_a_few([str(name) for name in twice])}. "
            "Give each volume an exam_id of its own."
        )
    if axis not in (None, 0, 1, 2):
        raise ValueError(
            f"There is no axis {axis}. Give 0 (sagittal), 1 (coronal), 2 (axial), or None for the "
            "slices as acquired."
        )


def _attempt(function: Callable, row: dict, *arguments) -> list[dict] | Exception:
    """What a function returns, or why it could not."""
    try:
        return function(row, *arguments)
    except (ValueError, OSError) as error:
        return error


def _raise_failures(failures: list[Exception], num_volumes: int) -> None:
    """One failure as it is; several in one message."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        listed = "\n".join(f"- {error}" for error in failures)
        raise ValueError(
            f"{len(failures)} of {num_volumes} volumes cannot be used. Mend these files, or move "
            f"them out of the folder:\n{listed}"
        )


def _slices_of(row: dict, axis: int | None, allowed: tuple[int, ...] | None) -> list[dict]:
    """The rows of one volume, after all of its voxels were read."""
    image = read_volume(row["image"])
    has_labels = isinstance(row["mask"], (str, Path))
    if has_labels:
        labels = read_label_volume(row["mask"], allowed)
        check_same_grid(image, labels, row["image"], row["mask"])
    if axis is None:
        axis = stored_axes(image.affine)[0].index(2)
    num_slices = canonical_shape(image)[axis]
    shared = {
        "patient_id": row["patient_id"],
        "exam_id": row["exam_id"],
        "image": str(row["image"]),
        "mask": str(row["mask"]) if has_labels else None,
        "dataset": row["dataset"],
        "axis": axis,
    }
    rest = {
        "num_slices": num_slices,
        **_spacing_columns(image, axis),
        **_intensity_columns(image.pixels, row["image"]),
        "is_phantom": row["is_phantom"],
    }
    further = {name: value for name, value in row.items() if name not in {**shared, **rest}}
    return [
        {"case_id": _case_id(row["exam_id"], axis, index), **shared, "slice_index": index}
        | rest
        | further
        for index in range(num_slices)
    ]


def _case_id(exam_id: str, axis: int, index: int) -> str:
    return f"{exam_id}_{'xyz'[axis]}{index:03d}"


def _spacing_columns(image: Volume, axis: int) -> dict[str, float]:
    """Of the picture's rows and columns, and from slice to slice, in mm; NaN where unknown."""
    spacing_mm = canonical_spacing_mm(image) or (math.nan,) * 3
    row_mm, column_mm = _picture_shape(spacing_mm, axis)
    return {
        "spacing_row_mm": row_mm,
        "spacing_column_mm": column_mm,
        "spacing_slice_mm": spacing_mm[axis],
    }


def _intensity_columns(pixels: np.ndarray, path: str) -> dict[str, float]:
    """The two percentiles; `pixels` are shuffled, which spares a copy of the volume."""
    percents = (_LOW_PERCENT, _HIGH_PERCENT)
    values = np.percentile(pixels.ravel(order="K"), percents, overwrite_input=True)
    low, high = (float(value) for value in values)
    if not low < high:
        raise UnreadableFileError(
            path,
            f"the 1st and the 99.5th percentile of its voxels are both {low:g}, so that it shows "
            "nothing",
            "Check that it is an image and not labels; crop an image that is nearly all empty.",
        )
    return {"intensity_low": low, "intensity_high": high}


def _picture_shape(per_axis: Sequence, axis: int) -> tuple:
    """Of what belongs to canonical x, y, z: that of a picture's rows, then its columns."""
    columns, rows = (value for other, value in enumerate(per_axis) if other != axis)
    return rows, columns


def _check_stack(rows: pd.DataFrame, pictures: np.ndarray) -> None:
    """Pictures are integer label maps, one for each slice of one exam."""
    exams = list(dict.fromkeys(rows["exam_id"]))
    if len(exams) != 1 or rows["axis"].nunique() != 1:
        raise ValueError(
            f"The rows are of {len(exams)} exams ({name_a_few([str(exam) for exam in exams])}) "
            f"and {rows['axis'].nunique()} axes. Stack one exam at a time: "
            "rows[rows['exam_id'] == exam]."
        )
    if rows["slice_index"].duplicated().any():
        raise ValueError(f"A slice of {exams[0]} is there twice. Give each slice once.")
    if pictures.ndim != 3 or len(pictures) != len(rows):
        raise ValueError(
            f"There are {len(rows)} rows, the pictures have shape {pictures.shape}. Give one "
            "(H, W) label map for each row."
        )
    if pictures.dtype.kind not in "biu":
        raise ValueError(
            f"The pictures are {pictures.dtype}, labels are integers. Take the argmax of scores "
            "over the last axis first."
        )
