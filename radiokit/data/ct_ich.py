"""CT-ICH of PhysioNet, as volumes or as pictures, to a case table; re-exported by `headct.py`."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import read_phantom_note
from radiokit.data.headct_files import IchFiles, find_ct_ich, read_ich_labels
from radiokit.data.headct_labels import LABELS
from radiokit.data.layouts import files_below
from radiokit.data.pairing import report_unmatched
from radiokit.io import UnreadableFileError
from radiokit.io.volumes import (
    canonical_shape,
    canonical_spacing_mm,
    read_volume_header,
    stored_axes,
)

_THIRD = 2  # slices are counted along the third stored axis


def index_ct_ich(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of CT-ICH: 82 patients with head injury, every slice labelled.

    Use it on version 1.3.0 or later (`ct_scans/049.nii`, `masks/049.nii`,
    `hemorrhage_diagnosis_raw_ct.csv`) and on version 1.2.0 or earlier
    (`Patients_CT/049/brain/1.jpg`, `1_HGE_Seg.jpg`, `hemorrhage_diagnosis.csv`); where both are
    there the volumes count. SliceNumber counts from 1 along the third stored axis.

    Args:
        root: folder of the copy; further nesting does not matter.

    Returns:
        One row a slice: `case_id` (`049_001`, patient and SliceNumber), `patient_id, exam_id` (the
        same), `image, mask` ("" where there is none), `mask_kind` ("one_class": haemorrhage,
        whatever its subtype), the six `LABELS` (`any` derived from the five), `fracture` where the
        table has it, `slice_number, slice_index` (from the lowest slice of a volume; SliceNumber
        less 1 of pictures), of volumes `axis`, spacing in mm (NaN of pictures), `dataset`
        ("ct_ich") and `is_phantom`. `table.attrs["unmatched"]` has a sentence for each row, image
        and mask without a partner, for each haemorrhage without a mask, and for each row whose
        No_Hemorrhage contradicts its subtypes; a warning counts them.

    Raises:
        FileNotFoundError: no table or no images; the text says how to get the set.
        ValueError: another table, rows that contradict one another, two files of one place, or no
            row that has an image.
        radiokit.io.UnreadableFileError: a volume is damaged, or its mask has another shape.
    """
    files = find_ct_ich(root, files_below(root, "ct_ich"))
    labels, unmatched = read_ich_labels(files.labels)
    places = _volume_places(files) if files.volumes else _picture_places(files)
    table = labels.merge(places, on=["patient", "slice_number"], how="inner")
    unmatched += _sentences(labels, places, table)
    if table.empty:
        raise ValueError(
            f"No row of {files.labels} has an image. Put the table beside the images of its own "
            "version of the set."
        )
    table = table.sort_values(["patient", "slice_index"], ignore_index=True)
    table["patient_id"] = table["exam_id"] = [f"{number:03d}" for number in table.pop("patient")]
    numbers = zip(table["patient_id"], table["slice_number"], strict=True)
    table.insert(0, "case_id", [f"{patient}_{number:03d}" for patient, number in numbers])
    table["mask_kind"], table["dataset"] = "one_class", "ct_ich"
    table["is_phantom"] = read_phantom_note(root) is not None
    table[list(LABELS)] = table[list(LABELS)].astype(np.uint8)
    report_unmatched(table, unmatched)
    return table


def _volume_places(files: IchFiles) -> pd.DataFrame:
    """Where each slice of each volume lies."""
    rows = []
    for patient, path in sorted(files.volumes.items()):
        mask = files.volume_masks.get(patient)
        header = read_volume_header(path)
        _check_same_shape(path, mask, header.shape)
        order, is_flipped = stored_axes(header.affine)
        axis = order.index(_THIRD)
        count = canonical_shape(header)[axis]
        spacing_mm = canonical_spacing_mm(header) or (math.nan,) * 3
        column_mm, row_mm = (side for other, side in enumerate(spacing_mm) if other != axis)
        for number in range(1, count + 1):
            rows.append(
                {"patient": patient, "slice_number": number, "image": str(path)}
                | {"mask": str(mask) if mask else "", "axis": axis}
                | {"slice_index": count - number if is_flipped[axis] else number - 1}
                | {"spacing_row_mm": row_mm, "spacing_column_mm": column_mm}
                | {"spacing_slice_mm": spacing_mm[axis]}
            )
    return pd.DataFrame(rows)


def _check_same_shape(path: Path, mask: Path | None, shape: tuple[int, ...]) -> None:
    """A mask has a voxel for each of its image's."""
    if mask is not None and read_volume_header(mask).shape != shape:
        raise UnreadableFileError(
            mask,
            f"its shape is {read_volume_header(mask).shape}, its image {path.name} has {shape}",
            "Put the mask of the same volume beside it, or move both out of the copy.",
        )


def _picture_places(files: IchFiles) -> pd.DataFrame:
    """The picture of each slice, and its mask."""
    return pd.DataFrame(
        {
            "patient": patient,
            "slice_number": number,
            "image": str(path),
            "mask": str(files.picture_masks.get((patient, number), "")),
            "slice_index": number - 1,
            "spacing_row_mm": math.nan,
            "spacing_column_mm": math.nan,
            "spacing_slice_mm": math.nan,
        }
        for (patient, number), path in sorted(files.pictures.items())
    )


def _sentences(labels: pd.DataFrame, places: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """What has no partner."""
    keys = [set(zip(t["patient"], t["slice_number"], strict=True)) for t in (labels, places, table)]
    labelled, placed, joined = keys
    bare = table[(table["mask"] == "") & (table["any"] == 1)]
    without_mask = zip(bare["patient"], bare["slice_number"], strict=True)
    return [
        *(f"row {p:03d} slice {n} has no image" for p, n in sorted(labelled - joined)),
        *(f"image {p:03d} slice {n} has no row" for p, n in sorted(placed - joined)),
        *(f"haemorrhage {p:03d} slice {n} has no mask" for p, n in without_mask),
    ]
