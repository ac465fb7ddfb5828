"""Anybody's own folders of images and masks: to a case table, and from its rows to arrays.

Volumes are indexed in `own_volumes.py`, images with a table of labels in `own_labels.py`, images
in a folder a class in `own_folders.py`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.data.own_folders import index_image_folders
from radiokit.data.own_labels import index_image_labels, read_labelled_case
from radiokit.data.own_volumes import index_volume_pairs
from radiokit.data.pairing import (
    Folders,
    list_files,
    pair_files,
    read_patient_key,
    read_patients,
    report_unmatched,
    table_of_pairs,
)
from radiokit.data.picture_files import PICTURES, read_file_header, stem_of
from radiokit.io.colour_pictures import read_colour_picture, read_mask_levels
from radiokit.io.geometry import fit_placement, place_image, place_mask
from radiokit.io.rasters import read_label_mask, read_radiograph

__all__ = [
    "check_same_aspect",
    "index_image_folders",
    "index_image_labels",
    "index_pairs",
    "index_volume_pairs",
    "list_images",
    "read_labelled_case",
    "read_pair_case",
    "read_pair_image",
    "read_pair_target",
]

_ASPECT_TOLERANCE = 0.02


def index_pairs(
    images: Folders, masks: Folders, patients: str | Path | None = None
) -> pd.DataFrame:
    """Pair the images of your own folders with their masks by file name.

    Use it for any set of PNG, JPEG, TIFF, GIF, BMP or DICOM images with one mask file each. Names
    match by stem, whatever the extension; a mask may end in `_mask`, `-mask`, `_label` or `_seg`.
    Subfolders are searched. Images and masks may lie in one folder if the masks have an ending.

    Args:
        images: folder of images, or several.
        masks: folder of masks, or several.
        patients: CSV with a column `image`, `file` or `case_id` and a column `patient_id`, or,
            where patients are unknown, `group_id`: what belongs together, such as tiles of one
            slide. Without it DICOM files are grouped by PatientID if they carry more than one; else
            every image counts as a patient of its own, which is wrong when a patient has several
            films. `table.attrs["patient_key"]` says which: the CSV's name (with ", group_id" for
            groups), "PatientID", "image".

    Returns:
        Table with `case_id, patient_id, image, mask, dataset, is_phantom, spacing_row_mm,
        spacing_column_mm` (from DICOM, else NaN). `table.attrs["unmatched"]` has a sentence for
        each file without a partner; a warning counts them.

    Raises:
        FileNotFoundError: a folder or the CSV is missing, or a folder holds no image file.
        ValueError: nothing matches, two files claim one name, or patients are incomplete.
        radiokit.io.UnreadableFileError: a DICOM file is damaged.
    """
    pairs = pair_files(images, masks, PICTURES)
    table = table_of_pairs(pairs, "case_id")
    _add_patients_and_spacing(table, list(pairs.images.values()), patients)
    report_unmatched(table, pairs.unmatched)
    return table


def _add_patients_and_spacing(
    table: pd.DataFrame, files: list[Path], patients: str | Path | None
) -> None:
    """Patients from the CSV, else from DICOM headers, else one an image; pixel size from DICOM."""
    headers = [read_file_header(path) for path in files]
    table["spacing_row_mm"] = [header.spacing_mm[0] for header in headers]
    table["spacing_column_mm"] = [header.spacing_mm[1] for header in headers]
    cases, ids = list(table["case_id"]), [header.patient_id for header in headers]
    table.attrs["patient_key"] = "image"
    if patients is not None:
        table["patient_id"] = read_patients(patients, cases, stem_of)
        table.attrs["patient_key"] = read_patient_key(patients)
    elif len(set(ids) - {""}) > 1:  # a single name on all files is what anonymising leaves
        table["patient_id"] = [patient or case for patient, case in zip(ids, cases, strict=True)]
        table.attrs["patient_key"] = "PatientID"


def list_images(folders: Folders) -> list[Path]:
    """Image files in and below folders, in the order of their names.

    Use it to go through images that have no masks.

    Args:
        folders: a folder, or several.

    Returns:
        Paths of PNG, JPEG, TIFF, GIF, BMP and DICOM files; hidden files are left out.

    Raises:
        FileNotFoundError: a folder is missing, or holds no image file.
    """
    return list_files(folders, PICTURES)


def read_pair_case(
    row,
    image_shape: Sequence[int],
    foreground: Sequence[int] | None = None,
    ignore: Sequence[int] = (),
    threshold: float | None = None,
    color: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask of one row of `index_pairs`, at the network's size.

    Use it as the reader of a training on your own data. The aspect ratio is kept by padding; the
    mask goes through the same geometry by nearest neighbour.

    Args:
        row: a row of the table (Series or dict) with `image` and `mask`.
        image_shape: target height and width in pixels (further axes are not looked at).
        foreground: values of the mask that are the structure; None: every value that is neither 0
            nor in `ignore`.
        ignore: values of the mask where the truth is unknown.
        threshold: as for `read_pair_target`.
        color: whether the image is read as red, green and blue.

    Returns:
        Image (H, W, 1) float32 in 0..1, bone bright, or (H, W, 3) in colour; target (H, W, 1)
        float32: 1 structure, 0 background (padding included), -1 unknown.

    Raises:
        radiokit.io.UnreadableFileError: a file cannot be read.
        ValueError: the mask has another shape (aspect) than the image.
    """
    shape = tuple(image_shape[:2])
    pixels = read_pair_image(row["image"], color)
    image = place_image(pixels, fit_placement(pixels.shape[:2], shape))
    target = read_pair_target(row, pixels.shape, shape, foreground, ignore, threshold)
    return image, target


def read_pair_image(path: str | Path, color: bool = False) -> np.ndarray:
    """The image of `read_pair_case` alone, at its own size.

    Use it where no mask is needed.

    Args:
        path: of a picture; without `color` also of a radiograph in DICOM.
        color: whether it is read as red, green and blue.

    Returns:
        (rows, columns, 1) float32 in 0..1, bone bright, or (rows, columns, 3) in colour.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
    """
    return read_colour_picture(path) if color else read_radiograph(path).pixels[..., None]


def read_pair_target(
    row,
    source_shape: Sequence[int],
    image_shape: Sequence[int],
    foreground: Sequence[int] | None = None,
    ignore: Sequence[int] = (),
    threshold: float | None = None,
) -> np.ndarray:
    """The target of `read_pair_case` alone, for an image that is read already.

    Use it to score at the image's own size, without decoding the image twice.

    Args:
        row: a row of the table (Series or dict) with `mask`.
        source_shape: height and width of the image's file in pixels (further axes are not looked
            at).
        image_shape: target height and width in pixels (further axes are not looked at).
        foreground: as for `read_pair_case`.
        ignore: as for `read_pair_case`.
        threshold: the mask's grey value from which on a pixel is the structure, such as 128, for
            masks with soft edges; `foreground` and `ignore` have no meaning then. None: the
            labels are whole. A JPEG of black and white needs no threshold: it is cut at half its
            brightest value. One with more than 5 % of its pixels between black and white is
            refused without it.

    Returns:
        (H, W, 1) float32: 1 structure, 0 background (padding included), -1 unknown.

    Raises:
        radiokit.io.UnreadableFileError: the mask cannot be read.
        ValueError: the mask has another shape (aspect) than the image.
    """
    labels = read_label_mask(row["mask"]) if threshold is None else read_mask_levels(row["mask"])
    check_same_aspect(source_shape, labels.shape, row["mask"])
    target = np.zeros(labels.shape, np.int8)
    if threshold is not None:
        target[labels >= threshold] = 1
    elif foreground is None:
        target[labels != 0] = 1
    else:
        target[np.isin(labels, list(foreground))] = 1
    if threshold is None:
        target[np.isin(labels, list(ignore))] = -1
    placed = place_mask(target, fit_placement(labels.shape, tuple(image_shape[:2])))
    return placed.astype(np.float32)[..., None]


def check_same_aspect(image_shape: Sequence[int], mask_shape: Sequence[int], path) -> None:
    """Raise when a mask cannot belong to an image because its proportions differ.

    Use it before a mask is placed: masks may be stored smaller or larger than their image, never
    with other proportions.

    Args:
        image_shape: height and width of the image in pixels.
        mask_shape: height and width of the mask in pixels.
        path: the mask's file, for the message.

    Raises:
        ValueError: proportions differ by more than 2 % and a pixel of rounding.
    """
    ratio = (image_shape[0] / image_shape[1]) / (mask_shape[0] / mask_shape[1])
    rounding = 1 / min(*mask_shape[:2], *image_shape[:2])
    if abs(ratio - 1) > _ASPECT_TOLERANCE + rounding:
        raise ValueError(
            f"The mask {path} is {mask_shape[1]}x{mask_shape[0]} pixels wide x high, its image "
            f"{image_shape[1]}x{image_shape[0]}: other proportions. Find the mask of the whole, "
            "unturned image, or save it again at the image's proportions."
        )
