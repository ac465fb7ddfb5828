"""Cardiac MRI: four public data sets to slice tables, rows to arrays, predictions to volumes."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.cardiac_files import find_acdc, find_hvsmr, find_hvsmr2
from radiokit.data.layouts import files_below
from radiokit.data.sunnybrook import image_shape_px, index_sunnybrook, read_contoured_slice
from radiokit.data.volumes import (
    list_slices,
    read_slice_image,
    read_slice_labels,
    restack,
    slice_shape,
)
from radiokit.io.geometry import fit_placement, placed_spacing_mm
from radiokit.io.volumes import write_label_volume

__all__ = [
    "CLASSES",
    "index_acdc",
    "index_hvsmr",
    "index_hvsmr2",
    "index_sunnybrook",
    "placed_pixel_mm",
    "read_cardiac_case",
    "restack_prediction",
]

CLASSES = ("background", "myocardium", "blood_pool")
_BACKGROUND, _MYOCARDIUM, _BLOOD_POOL = range(3)
_UNKNOWN = -1  # not blood; background or myocardium
_LABEL_MAPS = {
    "hvsmr": {0: _BACKGROUND, 1: _MYOCARDIUM, 2: _BLOOD_POOL},
    "hvsmr2": {0: _UNKNOWN, **dict.fromkeys(range(1, 9), _BLOOD_POOL)},
    "acdc": {0: _BACKGROUND, 1: _BLOOD_POOL, 2: _MYOCARDIUM, 3: _BLOOD_POOL},
}


def index_hvsmr(
    root: str | Path, kind: str = "axial_crop", axis: int | None = None
) -> pd.DataFrame:
    """Slice table of a copy of HVSMR 2016: ten patients with congenital heart disease.

    Use it on the folder that holds `training_axial_crop_pat0.nii.gz` and
    `training_axial_crop_pat0-label.nii.gz`, in one folder or apart. Volumes named `testing_...`
    were published without labels: they are left out, and listed in `table.attrs["unmatched"]`.

    Args:
        root: folder of the copy; further nesting does not matter.
        kind: which of the published volumes: "axial_crop", "sa_crop" (short axis) or "axial_full".
        axis: canonical axis that slices are perpendicular to; None: as stored.

    Returns:
        Slice table, see `radiokit.data.volumes.list_slices`, with `label_map` "hvsmr".

    Raises:
        FileNotFoundError: no volumes of that kind (the text names those there are), or volumes
            without labels.
        ValueError: there is no such kind, two files claim one place, or volumes cannot be used.
        radiokit.io.UnreadableFileError: a file is damaged.
    """
    volumes, unmatched = find_hvsmr(files_below(root, "hvsmr"), root, kind)
    return _slices(volumes, root, "hvsmr", axis, unmatched)


def index_hvsmr2(root: str | Path, axis: int | None = None) -> pd.DataFrame:
    """Slice table of a copy of HVSMR-2.0: sixty patients, chambers and vessels labelled.

    Use it on the folder that holds `pat0_cropped.nii.gz` and `pat0_cropped_seg.nii.gz`, or the
    release `cropped_norm` or `orig`; of several the first is taken, in this order. The myocardium
    is not labelled: it is unknown in these rows, not empty.

    Args:
        root: folder of the copy; further nesting does not matter.
        axis: canonical axis that slices are perpendicular to; None: as stored.

    Returns:
        Slice table, see `radiokit.data.volumes.list_slices`, with `label_map` "hvsmr2".

    Raises:
        FileNotFoundError: no volumes, or volumes without labels.
        ValueError: two files claim one place, or volumes cannot be used.
        radiokit.io.UnreadableFileError: a file is damaged.
    """
    volumes = find_hvsmr2(files_below(root, "hvsmr2"), root)
    return _slices(volumes, root, "hvsmr2", axis, [])


def index_acdc(root: str | Path, axis: int | None = None) -> pd.DataFrame:
    """Slice table of a copy of ACDC: both ventricles at end of diastole and of systole.

    Use it on the folder that holds `training/patient001/patient001_frame01.nii.gz`,
    `patient001_frame01_gt.nii.gz` and `Info.cfg`, and `testing` likewise. Patients of `testing`
    without labels, as first released, are left out and listed in `table.attrs["unmatched"]`; the
    cines `patient001_4d.nii.gz` are not read.

    Args:
        root: folder of the copy; further nesting does not matter.
        axis: canonical axis that slices are perpendicular to; None: as acquired (short axis).

    Returns:
        Slice table, see `radiokit.data.volumes.list_slices`, with `label_map` "acdc", `phase`
        ("ED" or "ES"), `group` ("DCM", "HCM", "MINF", "NOR" or "RV"), `height_cm`, `weight_kg`
        (all from Info.cfg; None or NaN where it does not say) and `official_split` ("train",
        "test" or None). An exam is a patient in a phase: `patient001_frame01`.

    Raises:
        FileNotFoundError: no patients, an Info.cfg is missing, or a frame it names, or labels.
        ValueError: two files claim one place, or volumes cannot be used.
        radiokit.io.UnreadableFileError: a file is damaged, or an Info.cfg has no ED or ES.
    """
    volumes, unmatched = find_acdc(files_below(root, "acdc"), root)
    return _slices(volumes, root, "acdc", axis, unmatched)


def _slices(
    volumes: list[dict], root: str | Path, name: str, axis: int | None, unmatched: list[str]
) -> pd.DataFrame:
    """Slice table of one data set's volumes, every label held against its map."""
    table = pd.DataFrame(volumes)
    table["dataset"] = table["label_map"] = name
    table["is_phantom"] = read_phantom_note(root) is not None
    slices = list_slices(table, axis, allowed=_LABEL_MAPS[name])
    slices.attrs["unmatched"] = unmatched
    return slices


# --- reading --------------------------------------------------------------------------------------


def read_cardiac_case(row, image_shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Image and one-hot classes of one slice, at the network's size.

    Use it as the reader of a training on any of the four sets, on phantoms, and on tables of
    `radiokit.data.own.index_volume_pairs` whose labels are 0, 1 and 2. The aspect ratio is kept
    by padding; labels go through the geometry of their image by nearest neighbour.

    Args:
        row: a row of a slice table (Series or dict).
        image_shape: target height and width in pixels (further axes are not looked at).

    Returns:
        Image (H, W, 1) float32 in 0..1; target (H, W, 3) float32, channels as `CLASSES`, 0 or 1.
        Where nobody drew the myocardium (HVSMR-2.0, and Sunnybrook slices without an outer
        outline) the channels of background and myocardium are -1 throughout: with
        `DiceCrossEntropyLoss(overlapping=True)` such a slice teaches the blood pool alone.

    Raises:
        ValueError: the row has no labels, a label outside its map, or misplaced outlines.
        radiokit.io.UnreadableFileError: a file cannot be read.
    """
    shape = tuple(image_shape[:2])
    if _is_contoured(row):
        image, classes = read_contoured_slice(row, shape)
        return image[..., None], _one_hot(classes)
    classes = _classes_of_labels(read_slice_labels(row, shape), row)
    return read_slice_image(row, shape), _one_hot(classes)


def placed_pixel_mm(row, image_shape: Sequence[int]) -> tuple[float, float] | None:
    """Size of a pixel of `read_cardiac_case`'s arrays, for distances and volumes.

    Use it for scores on the network's grid; scaling a slice down makes its pixels larger.

    Args:
        row: a row of a slice table.
        image_shape: the height and width given to `read_cardiac_case`, pixels.

    Returns:
        (row, column) in mm, or None where the size of the file's pixels is unknown.
    """
    spacing_mm = (float(row["spacing_row_mm"]), float(row["spacing_column_mm"]))
    if not all(map(math.isfinite, spacing_mm)):
        return None
    source_shape = image_shape_px(row) if _is_contoured(row) else slice_shape(row)
    return placed_spacing_mm(spacing_mm, fit_placement(source_shape, tuple(image_shape[:2])))


def restack_prediction(
    rows: pd.DataFrame, label_maps: Sequence[np.ndarray], path: str | Path
) -> Path:
    """Write the predicted slices of one exam as a label volume on the input's own grid.

    Use it to look at a prediction over its image in a viewer such as ITK-SNAP or 3D Slicer.

    Args:
        rows: the slices of one exam, in any order; those left out become background.
        label_maps: (n, H, W) integers at the network's size, one a row, values as `CLASSES`.
        path: where to, ending in `.nii` or `.nii.gz`.

    Returns:
        The path.

    Raises:
        ValueError: rows of DICOM slices or of two exams, another number of maps than rows, or
            values that are not among the classes.
    """
    if _is_contoured(rows.iloc[0]):
        raise ValueError(
            f"The slices of {rows['exam_id'].iloc[0]} are single DICOM files: there is no volume "
            "file whose grid a prediction could take. Save the label maps as pictures instead."
        )
    label_maps = np.asarray(label_maps)
    strange = np.setdiff1d(label_maps, range(len(CLASSES)))
    if strange.size:
        raise ValueError(
            f"The maps hold {name_a_few([str(value) for value in strange])}. Give classes 0, 1 "
            f"and 2 ({', '.join(CLASSES)}): the argmax of the network's output over its channels."
        )
    like_path = rows["image"].iloc[0]
    labels = restack(rows, label_maps.astype(np.uint8), like_path)
    return write_label_volume(path, labels, like_path)


def _is_contoured(row) -> bool:
    """Whether the truth of a row is outlines in text files."""
    return isinstance(row.get("inner_contour"), (str, Path))


def _classes_of_labels(labels: np.ndarray, row) -> np.ndarray:
    """File labels to classes by the row's map; labels without one are classes already."""
    name = row.get("label_map")
    label_map = _LABEL_MAPS[name if isinstance(name, str) else "hvsmr"]
    values, counts = np.unique(labels, return_counts=True)
    strange = [
        f"{value} ({count} pixels)"
        for value, count in zip(values, counts, strict=True)
        if int(value) not in label_map
    ]
    if strange:
        raise ValueError(
            f"{row['mask']} holds labels that are none of {', '.join(map(str, label_map))}: "
            f"{name_a_few(strange)} in {row['case_id']}. Map these labels to "
            f"{', '.join(f'{index} {name}' for index, name in enumerate(CLASSES))} first."
        )
    classes = np.zeros(labels.shape, np.int8)
    for value, index in label_map.items():
        classes[labels == value] = index
    return classes


def _one_hot(classes: np.ndarray) -> np.ndarray:
    """(H, W) classes to (H, W, 3) channels, of partly drawn slices the blood pool alone."""
    target = (classes[..., None] == np.arange(len(CLASSES))).astype(np.float32)
    if (classes == _UNKNOWN).any():
        target[..., :_BLOOD_POOL] = _UNKNOWN
    return target
