"""Anybody's own folders of volumes and label volumes: to a slice table."""

import re
from pathlib import Path

import pandas as pd

from radiokit.data.pairing import (
    FileKind,
    Folders,
    pair_files,
    read_patients,
    report_unmatched,
    table_of_pairs,
)
from radiokit.data.volumes import list_slices

_ENDING = re.compile(r"\.(nii|hdr)(\.gz)?$", re.IGNORECASE)
_MASK_ENDING = re.compile(
    r"[ _-](masks?|labels?|seg|segmentation|gt|ground[_-]?truth)$", re.IGNORECASE
)


def _is_volume(path: Path) -> bool:
    return _ENDING.search(path.name) is not None


def _stem_of(path: Path) -> str:
    return _ENDING.sub("", path.name)


_VOLUMES = FileKind(_is_volume, ".nii, .nii.gz or .hdr", _stem_of, _MASK_ENDING)


def index_volume_pairs(
    images: Folders,
    labels: Folders,
    patients: str | Path | None = None,
    axis: int | None = None,
) -> pd.DataFrame:
    """Pair your own volumes with their label volumes by file name, and list their slices.

    Use it for any set of NIfTI volumes with one label volume each. Names match by stem, without
    `.nii`, `.nii.gz` or `.hdr`; labels may end in `-label`, `_mask`, `_seg` or `_gt`. Subfolders
    are searched. Images and labels may lie in one folder if the labels have an ending. Every file
    is read once, so that a damaged one is found here.

    Args:
        images: folder of volumes, or several.
        labels: folder of label volumes, or several.
        patients: CSV with a column `image`, `file` or `case_id` and a column `patient_id`. Without
            it every volume counts as a patient of its own, which is wrong when a patient was
            examined twice. `table.attrs["patient_key"]` says which: the CSV's name, or "image".
        axis: canonical axis that slices are perpendicular to, 0 sagittal, 1 coronal, 2 axial;
            None: as each volume was acquired.

    Returns:
        Slice table, see `radiokit.data.volumes.list_slices`; `exam_id` is the volume's name.
        `table.attrs["unmatched"]` has a sentence for each file without a partner; a warning counts
        them.

    Raises:
        FileNotFoundError: a folder or the CSV is missing, or a folder holds no volume.
        ValueError: nothing matches, two files claim one name, patients are incomplete, or volumes
            are damaged or do not fit their labels; all of these are listed.
    """
    pairs = pair_files(images, labels, _VOLUMES)
    volumes = table_of_pairs(pairs, "exam_id")
    if patients is not None:
        volumes["patient_id"] = read_patients(patients, list(pairs.images), _stem_of)
    table = list_slices(volumes, axis)
    table.attrs["patient_key"] = "image" if patients is None else Path(patients).name
    report_unmatched(table, pairs.unmatched)
    return table
