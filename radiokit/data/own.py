"""Anybody's own folders of images and masks: to a case table, and from its rows to arrays."""

import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.io import caught_warnings
from radiokit.io.dicom_values import open_dataset
from radiokit.io.geometry import fit_placement, place_image, place_mask
from radiokit.io.rasters import read_label_mask, read_radiograph

_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".dcm", ".dicom", ".img"}
_MASK_ENDING = re.compile(r"[ _-](masks?|labels?|seg|segmentation)$", re.IGNORECASE)
_FILE_COLUMNS = ("image", "file", "case_id")
_ASPECT_TOLERANCE = 0.02

_Folders = str | Path | Sequence[str | Path]


def index_pairs(
    images: _Folders, masks: _Folders, patients: str | Path | None = None
) -> pd.DataFrame:
    """Pair the images of your own folders with their masks by file name.

    Use it for any set of PNG, JPEG, TIFF, GIF, BMP or DICOM images with one mask file each. Names
    match by stem, whatever the extension; a mask may end in `_mask`, `-mask`, `_label` or `_seg`.
    Subfolders are searched. Images and masks may lie in one folder if the masks have an ending.

    Args:
        images: folder of images, or several.
        masks: folder of masks, or several.
        patients: CSV with a column `image`, `file` or `case_id` and a column `patient_id`.
            Without it DICOM files are grouped by PatientID if they carry more than one; else
            every image counts as a patient of its own, which is wrong when a patient has several
            films. `table.attrs["patient_key"]` says which: the CSV's name, "PatientID", "image".

    Returns:
        Table with `case_id, patient_id, image, mask, dataset, is_phantom, spacing_row_mm,
        spacing_column_mm` (from DICOM, else NaN). `table.attrs["unmatched"]` has a sentence for
        each file without a partner; a warning counts them.

    Raises:
        FileNotFoundError: a folder or the CSV is missing, or a folder holds no image file.
        ValueError: nothing matches, two files claim one name, or patients are incomplete.
        radiokit.io.UnreadableFileError: a DICOM file is damaged.
    """
    image_files, mask_files = _both_sides(_folders(images), _folders(masks))
    image_of = _by_stem(image_files, "images")
    mask_of = _match_masks(_by_stem(mask_files, "masks"), image_of)
    unmatched = _unmatched_sentences(image_of, mask_of, mask_files)
    cases = [case for case in image_of if case in mask_of]
    if not cases:
        _raise_nothing_matches(image_files, mask_files)
    files = [image_of[case] for case in cases]
    table = pd.DataFrame({"case_id": cases, "patient_id": cases})
    table["image"] = [str(path) for path in files]
    table["mask"] = [str(mask_of[case]) for case in cases]
    table["dataset"] = "own"
    table["is_phantom"] = [read_phantom_note(path.parent) is not None for path in files]
    _add_patients_and_spacing(table, files, patients)
    _report_unmatched(table, unmatched)
    return table


def _add_patients_and_spacing(
    table: pd.DataFrame, files: list[Path], patients: str | Path | None
) -> None:
    """Patients from the CSV, else from DICOM headers, else one an image; pixel size from DICOM."""
    headers = [_dicom_header(path) for path in files]
    table["spacing_row_mm"] = [spacing[0] for _, spacing in headers]
    table["spacing_column_mm"] = [spacing[1] for _, spacing in headers]
    ids = [patient for patient, _ in headers]
    table.attrs["patient_key"] = "image"
    if patients is not None:
        table["patient_id"] = _patients_of(table, Path(patients))
        table.attrs["patient_key"] = Path(patients).name
    elif len(set(ids) - {""}) > 1:  # a single name on all files is what anonymising leaves
        table["patient_id"] = [
            patient or case for patient, case in zip(ids, table["case_id"], strict=True)
        ]
        table.attrs["patient_key"] = "PatientID"


def _dicom_header(path: Path) -> tuple[str, tuple[float, float]]:
    """PatientID and pixel size in mm of a DICOM file; empty and NaN for others."""
    unknown = (math.nan, math.nan)
    if path.suffix.lower() not in ("", ".dcm", ".dicom"):
        return "", unknown
    with caught_warnings():
        dataset = open_dataset(path, notes=[])
        patient = str(dataset.get("PatientID") or "").strip()
        spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing") or ()
    if len(spacing) != 2 or min(map(float, spacing)) <= 0:
        return patient, unknown
    return patient, (float(spacing[0]), float(spacing[1]))


def _report_unmatched(table: pd.DataFrame, unmatched: list[str]) -> None:
    """Keep the sentences with the table, and warn once."""
    table.attrs["unmatched"] = unmatched
    if unmatched:
        warnings.warn(
            f"{len(unmatched)} files have no partner and are left out: "
            f"{name_a_few(unmatched)}. All are listed in table.attrs['unmatched'].",
            stacklevel=3,
        )


def list_images(folders: _Folders) -> list[Path]:
    """Image files in and below folders, in the order of their names.

    Use it to go through images that have no masks.

    Args:
        folders: a folder, or several.

    Returns:
        Paths of PNG, JPEG, TIFF, GIF, BMP and DICOM files; hidden files are left out.

    Raises:
        FileNotFoundError: a folder is missing, or holds no image file.
    """
    return _image_files(_folders(folders))


def _folders(given: _Folders) -> list[Path]:
    """Folders as a list of existing paths."""
    several = [given] if isinstance(given, (str, Path)) else list(given)
    folders = [Path(folder) for folder in several]
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder. Give a folder of image files.")
    return folders


def _image_files(folders: list[Path]) -> list[Path]:
    """Image files below folders, hidden ones left out."""
    files = []
    for folder in folders:
        below = [path for path in sorted(folder.rglob("*")) if _is_image_file(path, folder)]
        if not below:
            raise FileNotFoundError(
                f"{folder} holds no image files. Give a folder with files ending in "
                f"{', '.join(sorted(_SUFFIXES))}."
            )
        files += below
    return list(dict.fromkeys(files))


def _is_image_file(path: Path, folder: Path) -> bool:
    """An image by its ending, or DICOM without one."""
    parts = path.relative_to(folder).parts
    if any(part.startswith(".") or part == "__MACOSX" for part in parts) or not path.is_file():
        return False
    if path.suffix == "":
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    return path.suffix.lower() in _SUFFIXES


def _both_sides(images: list[Path], masks: list[Path]) -> tuple[list[Path], list[Path]]:
    """Image files and mask files, when one side's folder is, or is inside, the other's."""
    image_files, mask_files = _image_files(images), _image_files(masks)
    in_both = set(image_files) & set(mask_files)
    are_masks = {path for path in in_both if _is_mask(path, images, masks)}
    return (
        [path for path in image_files if path not in are_masks],
        [path for path in mask_files if path not in in_both - are_masks],
    )


def _is_mask(path: Path, images: list[Path], masks: list[Path]) -> bool:
    """The inner folder decides; in one and the same folder, the ending of the name."""

    def depth(folders: list[Path]) -> int:
        return max(len(folder.parts) for folder in folders if path.is_relative_to(folder))

    if depth(masks) != depth(images):
        return depth(masks) > depth(images)
    return _MASK_ENDING.search(path.stem) is not None


def _by_stem(files: list[Path], side: str) -> dict[str, Path]:
    """Stem -> file, refusing two files of one stem."""
    found = {}
    for path in files:
        if path.stem in found:
            raise ValueError(
                f"Two {side} are named {path.stem}: {found[path.stem]} and {path}. "
                "Rename one, or index the folders one by one."
            )
        found[path.stem] = path
    return found


def _match_masks(masks: dict[str, Path], images: dict[str, Path]) -> dict[str, Path]:
    """Case -> mask: the same stem first, then the stem without a mask ending."""
    matched = {stem: path for stem, path in masks.items() if stem in images}
    for stem, path in masks.items():
        case = _MASK_ENDING.sub("", stem)
        if stem in images or case not in images:
            continue
        if case in matched:
            raise ValueError(
                f"Two masks claim the image {case}: {matched[case].name} and {path.name}. "
                "Leave one of them in the folder."
            )
        matched[case] = path
    return matched


def _unmatched_sentences(
    images: dict[str, Path], matched: dict[str, Path], mask_files: list[Path]
) -> list[str]:
    """One sentence for each file without a partner."""
    used = set(matched.values())
    without_mask = [path for case, path in images.items() if case not in matched]
    without_image = [path for path in mask_files if path not in used]
    return [f"image {path.name} has no mask" for path in without_mask] + [
        f"mask {path.name} has no image" for path in without_image
    ]


def _raise_nothing_matches(image_files: list[Path], mask_files: list[Path]) -> None:
    """Show the names of both sides."""
    raise ValueError(
        f"No image matches a mask. Images: {name_a_few([path.name for path in image_files])}. "
        f"Masks: {name_a_few([path.name for path in mask_files])}. "
        "Give each mask the name of its image, with or without an ending such as _mask."
    )


def _patients_of(table: pd.DataFrame, path: Path) -> list[str]:
    """Patient of each case from a CSV."""
    if not path.is_file():
        raise FileNotFoundError(f"The patients' file {path} is not there. Give a CSV file.")
    try:
        rows = pd.read_csv(path, dtype=str)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as CSV: {error}. Save it as comma-separated UTF-8 text."
        ) from error
    column = next((name for name in _FILE_COLUMNS if name in rows.columns), None)
    if column is None or "patient_id" not in rows.columns:
        raise ValueError(
            f"{path} has the columns {', '.join(rows.columns)}. It needs patient_id and one of "
            f"{', '.join(_FILE_COLUMNS)}."
        )
    patient_of = _patient_map(rows.dropna(subset=[column, "patient_id"]), column, path)
    missing = [case for case in table["case_id"] if case not in patient_of]
    if missing:
        raise ValueError(
            f"{path} names no patient for {len(missing)} of {len(table)} images: "
            f"{name_a_few(missing)}. Add them, or leave these images out."
        )
    return [patient_of[case] for case in table["case_id"]]


def _patient_map(rows: pd.DataFrame, column: str, path: Path) -> dict[str, str]:
    """Stem, and the name as written, to patient."""
    patient_of = {}
    for name, patient in zip(rows[column], rows["patient_id"], strict=True):
        for key in {name, Path(name.replace("\\", "/")).stem}:
            if patient_of.setdefault(key, patient) != patient:
                raise ValueError(
                    f"{path} gives {key} to two patients, {patient_of[key]} and {patient}. "
                    "Keep one."
                )
    return patient_of


def read_pair_case(
    row,
    image_shape: Sequence[int],
    foreground: Sequence[int] | None = None,
    ignore: Sequence[int] = (),
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

    Returns:
        Image (H, W, 1) float32 in 0..1, bone bright; target (H, W, 1) float32: 1 structure, 0
        background (padding included), -1 unknown.

    Raises:
        radiokit.io.UnreadableFileError: a file cannot be read.
        ValueError: the mask has another shape (aspect) than the image.
    """
    shape = tuple(image_shape[:2])
    pixels = read_radiograph(row["image"]).pixels
    image = place_image(pixels, fit_placement(pixels.shape, shape))
    return image[..., None], read_pair_target(row, pixels.shape, shape, foreground, ignore)


def read_pair_target(
    row,
    source_shape: Sequence[int],
    image_shape: Sequence[int],
    foreground: Sequence[int] | None = None,
    ignore: Sequence[int] = (),
) -> np.ndarray:
    """The target of `read_pair_case` alone, for an image that is read already.

    Use it to score at the image's own size, without decoding the image twice.

    Args:
        row: a row of the table (Series or dict) with `mask`.
        source_shape: height and width of the image's file in pixels.
        image_shape: target height and width in pixels (further axes are not looked at).
        foreground: as for `read_pair_case`.
        ignore: as for `read_pair_case`.

    Returns:
        (H, W, 1) float32: 1 structure, 0 background (padding included), -1 unknown.

    Raises:
        radiokit.io.UnreadableFileError: the mask cannot be read.
        ValueError: the mask has another shape (aspect) than the image.
    """
    labels = read_label_mask(row["mask"])
    check_same_aspect(source_shape, labels.shape, row["mask"])
    target = np.zeros(labels.shape, np.int8)
    if foreground is None:
        target[labels != 0] = 1
    else:
        target[np.isin(labels, list(foreground))] = 1
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
