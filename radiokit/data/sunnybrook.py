"""Sunnybrook Cardiac Data: DICOM slices and contour files to a slice table, and rows to arrays."""

import math
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.multival import MultiValue

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.contours import MAX_OUTSIDE_FRACTION, outside_fraction, read_contour_mask
from radiokit.data.layouts import files_below
from radiokit.data.sunnybrook_files import match_files
from radiokit.io import caught_warnings
from radiokit.io.dicom import DicomImage, read_dicom
from radiokit.io.dicom_values import open_dataset
from radiokit.io.geometry import fit_placement, place_image, place_mask

_LOW_PERCENTILE, _HIGH_PERCENTILE = 1, 99.5  # as for volumes


def index_sunnybrook(root: str | Path, upright: bool = False) -> pd.DataFrame:
    """Slice table of a copy of the Sunnybrook Cardiac Data.

    Use it on the folder that holds the images, the contours and the list that joins their names
    (`scd_patientdata.csv`, or any CSV with patient and original identifiers). Each contoured image
    is read once: all of a patient's give its range of intensities, and each pair of outlines is
    checked. An inner outline that leaves the outer one by more than 2 % of its area is a defect;
    leave such patients out with `table[~table.has_defect]`.

    Args:
        root: folder of the copy; further nesting does not matter.
        upright: turn slices by quarter turns until their columns run to the patient's left and
            back and their rows to the feet, as most are stored; False leaves them as stored,
            where masks from elsewhere lie on them. Train on upright ones: to a network a turned
            heart is another organ.

    Returns:
        One row a slice with an inner outline: `case_id, patient_id, exam_id, image, image_number`
        (in the names of image and contours), `mask` (None), `inner_contour, outer_contour` (None
        where not drawn: the myocardium is unknown there), `dataset, axis` (2), `slice_index` (in
        the exam, along the slice normal), `num_slices, spacing_row_mm, spacing_column_mm,
        spacing_slice_mm` (from the positions), `slice_position_mm, phase, intensity_low,
        intensity_high` (1st and 99.5th percentile of the patient's contoured slices),
        `has_defect` (of the patient), `quarter_turns` (counterclockwise, that reading will turn
        the slice by), `is_phantom`.
        `phase` is "ED" in the frame of the heart cycle in which the patient's outer outlines lie,
        "ES" in the other one, None where the headers do not tell. An exam is a patient in a phase.
        `table.attrs["defects"]` and `["unmatched"]` have a sentence each; a warning counts them,
        and another names patients whose slices are left turned.

    Raises:
        FileNotFoundError: no folder, no contours, no images, or nothing that joins their names.
        ValueError: files contradict one another, or a patient's slices are constant.
        radiokit.io.UnreadableFileError: an image or contour cannot be read.
    """
    matched, unmatched = match_files(files_below(root, "sunnybrook"), root)
    records, defects = [], []
    for patient, slices in matched.items():
        records += _patient_records(patient, slices, defects)
    table = pd.DataFrame(records)
    if not upright:
        _warn_of_turned(table)
        table["quarter_turns"] = 0
    _swap_turned_spacing(table)
    for column in ("mask", "outer_contour", "phase"):
        values = [record[column] for record in records]
        table[column] = pd.Series(values, dtype=object, index=table.index)
    table["is_phantom"] = read_phantom_note(root) is not None
    table.attrs.update(defects=defects, unmatched=unmatched)
    _warn(defects, unmatched)
    return table


def _warn(defects: list[str], unmatched: list[str]) -> None:
    """One warning for each kind of trouble."""
    if unmatched:
        warnings.warn(
            f"{len(unmatched)} files have no partner and are left out: {name_a_few(unmatched)}. "
            "All are listed in table.attrs['unmatched'].",
            stacklevel=3,
        )
    if defects:
        warnings.warn(
            f"{len(defects)} pairs of outlines are misplaced: {name_a_few(defects)}. Leave these "
            "patients out with table[~table.has_defect]; all are in table.attrs['defects'].",
            stacklevel=3,
        )


def _warn_of_turned(table: pd.DataFrame) -> None:
    """A warning where patients are stored in different positions."""
    usual = table["quarter_turns"].mode()[0]
    turned = sorted(set(table.loc[table["quarter_turns"] != usual, "patient_id"]))
    if turned:
        warnings.warn(
            f"The slices of {name_a_few(turned)} are stored turned against those of the other "
            "patients. For training, give upright=True.",
            stacklevel=3,
        )


def _swap_turned_spacing(table: pd.DataFrame) -> None:
    """Rows are columns after an odd number of quarter turns."""
    odd = table["quarter_turns"] % 2 == 1
    sides = ["spacing_row_mm", "spacing_column_mm"]
    table.loc[odd, sides] = table.loc[odd, sides[::-1]].to_numpy(copy=True)


def _patient_records(patient: str, slices: dict[int, dict], defects: list[str]) -> list[dict]:
    """Rows of one patient; sentences of its defects are added to `defects`."""
    images = {number: read_dicom(files["image"]) for number, files in slices.items()}
    positions = {number: _position_mm(image) for number, image in images.items()}
    phases = _phases(images, slices)
    low, high = _intensity_range(patient, images)
    sentences = [
        _defect(f"{patient}, image {number}", files, images[number].pixels.shape)
        for number, files in slices.items()
    ]
    defects += filter(None, sentences)
    shared = {
        "patient_id": patient,
        "mask": None,
        "dataset": "sunnybrook",
        "axis": 2,
        "intensity_low": low,
        "intensity_high": high,
        "has_defect": any(sentences),
    }
    records = []
    for number, files in slices.items():
        image, phase = images[number], phases[number]
        row_mm, column_mm = image.spacing_mm or (math.nan, math.nan)
        own = {
            "exam_id": f"{patient}_{phase}" if phase else patient,
            "image": str(files["image"]),
            "image_number": number,
            "inner_contour": str(files["inner"]),
            "outer_contour": str(files["outer"]) if "outer" in files else None,
            "spacing_row_mm": row_mm,
            "spacing_column_mm": column_mm,
            "spacing_slice_mm": _slice_gap_mm(positions.values(), image),
            "slice_position_mm": positions[number],
            "phase": phase,
            "quarter_turns": _quarter_turns(image),
        }
        records.append({**shared, **own})
    return _numbered(records)


def _numbered(records: list[dict]) -> list[dict]:
    """Rows in order of exam and position, numbered within the exam from 0."""
    ordered = []
    for exam in sorted({record["exam_id"] for record in records}):
        rows = [record for record in records if record["exam_id"] == exam]
        rows.sort(key=_place_in_exam)
        for index, row in enumerate(rows):
            names = {"case_id": f"{exam}_z{index:03d}"}
            ordered.append({**names, **row, "slice_index": index, "num_slices": len(rows)})
    return ordered


def _place_in_exam(row: dict) -> tuple[float, int]:
    """Along the normal where known, else by number."""
    position = row["slice_position_mm"]
    return (position if math.isfinite(position) else 0), row["image_number"]


def _intensity_range(patient: str, images: dict[int, DicomImage]) -> tuple[float, float]:
    """Percentiles of all of a patient's contoured slices."""
    pixels = np.concatenate([image.pixels.ravel() for image in images.values()])
    low, high = np.percentile(pixels, [_LOW_PERCENTILE, _HIGH_PERCENTILE])
    if not low < high:
        raise ValueError(
            f"The {len(images)} contoured slices of {patient} have one value, {low:g}, nearly "
            "everywhere: no image to learn from. Copy them again or leave the patient out."
        )
    return float(low), float(high)


def _position_mm(image: DicomImage) -> float:
    """Where the slice lies along its normal; SliceLocation is wrong in some of these files."""
    orientation = _numbers(image, "ImageOrientationPatient")
    corner = _numbers(image, "ImagePositionPatient")
    if len(orientation) != 6 or len(corner) != 3:
        return math.nan
    normal = np.cross(orientation[:3], orientation[3:])
    return round(float(np.dot(corner, normal)), 2)


def _quarter_turns(image: DicomImage) -> int:
    """Counterclockwise turns after which columns run left and back and rows to the feet."""
    orientation = _numbers(image, "ImageOrientationPatient")
    if len(orientation) != 6:
        return 0
    across, down = np.array(orientation[:3]), np.array(orientation[3:])  # x left, y back, z head
    turned = [(across, down), (down, -across), (-across, -down), (-down, across)]
    return int(np.argmax([a[0] + a[1] - math.sqrt(2) * d[2] for a, d in turned]))


def _slice_gap_mm(positions: Iterable[float], image: DicomImage) -> float:
    """Distance between neighbouring slices: from positions, else as the header says."""
    levels = np.unique([position for position in positions if math.isfinite(position)])
    gaps = np.diff(levels)
    gaps = gaps[gaps > 0.5]  # levels of two phases may differ by rounding
    if gaps.size:
        return float(np.round(np.median(gaps), 2))
    stated = _numbers(image, "SpacingBetweenSlices") + _numbers(image, "SliceThickness")
    return next((value for value in stated if value > 0), math.nan)


def _phases(images: dict[int, DicomImage], slices: dict[int, dict]) -> dict[int, str | None]:
    """ED is the frame of the heart cycle with outer outlines, ES the only other one."""
    frames = {number: _frame(image) for number, image in images.items()}
    diastolic = {frames[number] for number, files in slices.items() if "outer" in files}
    others = set(frames.values()) - diastolic
    if len(diastolic) != 1 or len(others) > 1 or None in frames.values():
        return dict.fromkeys(images, None)
    return {number: "ED" if frame in diastolic else "ES" for number, frame in frames.items()}


def _frame(image: DicomImage) -> int | None:
    """Frame of the heart cycle, from 0: images are numbered slice by slice, frames within."""
    number, frames = _numbers(image, "InstanceNumber"), _numbers(image, "CardiacNumberOfImages")
    return int(number[0] - 1) % int(frames[0]) if number and frames and frames[0] >= 1 else None


def _numbers(image: DicomImage, keyword: str) -> list[float]:
    """Values of a header entry; none where it is absent or no number."""
    try:
        with caught_warnings():
            value = image.header.get(keyword)
            several = value if isinstance(value, (list, tuple, MultiValue)) else [value]
            return [float(number) for number in several if number not in (None, "")]
    except (ValueError, TypeError):
        return []


def _defect(name: str, files: dict, shape: tuple[int, int]) -> str:
    """A sentence where the inner outline leaves the outer one, else nothing."""
    inner, outer = _masks(files["inner"], files.get("outer"), shape)
    if outer is None or outside_fraction(inner, outer) <= MAX_OUTSIDE_FRACTION:
        return ""
    return (
        f"{name}: {100 * outside_fraction(inner, outer):.0f} % of the inner outline's area lies "
        "outside the outer outline"
    )


def _masks(
    inner: str | Path, outer: str | Path | None, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Masks of both outlines, None for one not drawn."""
    outer_mask = None if outer is None else read_contour_mask(outer, shape)
    return read_contour_mask(inner, shape), outer_mask


# --- reading --------------------------------------------------------------------------------------


def read_contoured_slice(row, image_shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Image and classes of one row of `index_sunnybrook`.

    Use it through `radiokit.data.cardiac.read_cardiac_case`, which makes channels of the classes.

    Args:
        row: a row of the table (Series or dict).
        image_shape: target height and width in pixels.

    Returns:
        Image (H, W) float32 in 0..1; classes (H, W) int8: 0 background (padding included),
        1 myocardium, 2 blood pool, -1 not blood, background or myocardium unknown.

    Raises:
        ValueError: the outlines of the row are misplaced.
        radiokit.io.UnreadableFileError: a file cannot be read.
    """
    pixels = read_dicom(row["image"]).pixels
    low, high = row["intensity_low"], row["intensity_high"]
    shown = np.rot90(np.clip((pixels - low) / (high - low), 0, 1), row["quarter_turns"])
    placement = fit_placement(shown.shape, tuple(image_shape[:2]))
    image = place_image(shown, placement)
    classes = place_mask(np.rot90(_classes(row, pixels.shape), row["quarter_turns"]), placement)
    return np.clip(image, 0, 1).astype(np.float32), classes


def image_shape_px(row) -> tuple[int, int]:
    """Height and width of a row's image as it is read, from the header alone.

    Use it to know how far a slice is scaled at the network's size.

    Args:
        row: a row of `index_sunnybrook`.

    Returns:
        (rows, columns) pixels.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
    """
    with caught_warnings():
        dataset = open_dataset(Path(row["image"]), notes=[])
    shape = int(dataset.Rows), int(dataset.Columns)
    return shape[::-1] if row["quarter_turns"] % 2 else shape


def _classes(row, shape: tuple[int, int]) -> np.ndarray:
    """Classes on the image's own grid."""
    outer = row["outer_contour"] if isinstance(row["outer_contour"], str) else None
    inner_mask, outer_mask = _masks(row["inner_contour"], outer, shape)
    if outer_mask is None:
        return np.where(inner_mask, 2, -1).astype(np.int8)
    if outside_fraction(inner_mask, outer_mask) > MAX_OUTSIDE_FRACTION:
        raise ValueError(
            f"The outlines of {row['case_id']} are misplaced: the inner one, "
            f"{row['inner_contour']}, leaves the outer one, {outer}. They are no truth to train "
            "or score on: leave the patient out with table[~table.has_defect]."
        )
    return np.where(inner_mask, 2, np.where(outer_mask, 1, 0)).astype(np.int8)
