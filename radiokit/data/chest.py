"""Chest radiographs with outlined structures: four public data sets to case tables and arrays."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from radiokit.cards import load_card, name_a_few, read_phantom_note
from radiokit.data.layouts import (
    FILM_SUFFIXES,
    RASTER_SUFFIXES,
    files_below,
    pick_files,
    require_films,
    require_masks,
)
from radiokit.data.outlines import RIBS, fill_polygon, read_outlines
from radiokit.data.own import check_same_aspect
from radiokit.io import UnreadableFileError
from radiokit.io.geometry import (
    Placement,
    fit_placement,
    place_image,
    place_mask,
    placed_spacing_mm,
)
from radiokit.io.rasters import read_label_mask, read_radiograph

_STRUCTURE_FOLDERS = {
    "mask_heart": r"heart",
    "mask_left_lung": r"left[ _-]?lung",
    "mask_right_lung": r"right[ _-]?lung",
    "mask_left_clavicle": r"left[ _-]?clavicle",
    "mask_right_clavicle": r"right[ _-]?clavicle",
}
# Each structure: the mask columns whose union it is; the first alternative that a row has counts.
_MASK_COLUMNS = {
    "lungs": [["mask_lungs"], ["mask_left_lung", "mask_right_lung"]],
    "left_lung": [["mask_left_lung"]],
    "right_lung": [["mask_right_lung"]],
    "heart": [["mask_heart"]],
    "clavicles": [["mask_left_clavicle", "mask_right_clavicle"]],
    "left_clavicle": [["mask_left_clavicle"]],
    "right_clavicle": [["mask_right_clavicle"]],
}


def index_montgomery(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of the Montgomery set.

    Use it on the folder that holds `MontgomerySet`, or on that folder itself.

    Args:
        root: folder of the copy; further nesting does not matter.

    Returns:
        One row a film: `case_id, patient_id, image, mask_left_lung, mask_right_lung` (the
        patient's left and right), `has_tuberculosis` (0 or 1), `sex` ("F", "M" or None),
        `age_years` (NaN where unknown), `dataset, is_phantom, spacing_row_mm, spacing_column_mm`.

    Raises:
        FileNotFoundError: no films, or films without masks; the text names them.
        ValueError: two files claim one film.
    """
    files = files_below(root, "montgomery")
    name = r"(MCUCXR_\d{4}_[01])"
    films = pick_files(files, name, r"CXR_png", FILM_SUFFIXES)
    require_films(films, root, "montgomery")
    masks = {
        "mask_left_lung": pick_files(files, name, r"leftMask", RASTER_SUFFIXES),
        "mask_right_lung": pick_files(files, name, r"rightMask", RASTER_SUFFIXES),
    }
    require_masks(films, masks, "montgomery")
    table = _case_table(root, "montgomery", films, _number_of_film)
    _add_paths(table, masks)
    _add_readings(table, files, name)
    _add_spacing(table, _montgomery_spacing)
    return table


def index_shenzhen(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of the Shenzhen set with its separate lung masks.

    Use it on a folder that holds both `ChinaSet_AllFiles` and `mask`. Films without a mask stay in
    the table: leave them out of segmentation with `table[table.mask_lungs.notna()]`.

    Args:
        root: folder of the copy; further nesting does not matter.

    Returns:
        As `index_montgomery`, with `mask_lungs` (None where the film has none) and unknown
        spacing (NaN). `table.attrs["unmatched"]` lists films without mask and masks without film.

    Raises:
        FileNotFoundError: no films, or no masks at all.
        ValueError: two files claim one film.
    """
    files = files_below(root, "shenzhen")
    name = r"(CHNCXR_\d{4}_[01])"
    films = pick_files(files, name, r"CXR_png", FILM_SUFFIXES)
    require_films(films, root, "shenzhen")
    masks = pick_files(files, name + r"(?:_mask)?", r"masks?", RASTER_SUFFIXES)
    if not masks:
        raise FileNotFoundError(
            f"{len(films)} films below {root}, but not one lung mask such as "
            f"mask/CHNCXR_0001_0_mask.png. {load_card('shenzhen').by_hand}"
        )
    table = _case_table(root, "shenzhen", films, _number_of_film)
    _add_paths(table, {"mask_lungs": masks})
    _add_readings(table, files, name)
    table.attrs["unmatched"] = [
        f"film {case} has no mask" for case in films if case not in masks
    ] + [f"mask {path.name} has no film" for case, path in masks.items() if case not in films]
    return table


def index_jsrt(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of JSRT films with SCR masks.

    Use it on a folder that holds the films (raw `.IMG`, DICOM, or PNG copies of any size) and the
    SCR masks (GIF or PNG), with or without the folds. Where a film is there in several formats the
    raw one is taken.

    Args:
        root: folder of both; further nesting does not matter.

    Returns:
        One row a film: `case_id, patient_id, image, mask_heart, mask_left_lung, mask_right_lung,
        mask_left_clavicle, mask_right_clavicle, has_nodule` (0 or 1), `scr_fold` (1 or 2),
        `dataset, is_phantom, spacing_row_mm, spacing_column_mm`.

    Raises:
        FileNotFoundError: no films, or films without masks; the text names them.
        ValueError: two files claim one film.
    """
    files = files_below(root, "jsrt")
    name = r"(JPC[LN]N\d{3})"
    structures = "|".join(_STRUCTURE_FOLDERS.values())
    films = pick_files(files, name, rf"(?!(?:{structures})$).*", FILM_SUFFIXES)
    require_films(films, root, "jsrt")
    masks = {
        column: pick_files(files, name, folder, RASTER_SUFFIXES)
        for column, folder in _STRUCTURE_FOLDERS.items()
    }
    require_masks(films, masks, "jsrt")
    table = _case_table(root, "jsrt", films, str)
    _add_paths(table, masks)
    table["has_nodule"] = [int(case.startswith("JPCLN")) for case in films]
    table["scr_fold"] = [_scr_fold(case, masks["mask_heart"][case]) for case in films]
    _add_spacing(table, _jsrt_spacing)
    return table


def index_vindr_ribcxr(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of VinDr-RibCXR.

    Use it on a folder that holds both JSON files of outlines and the films; films are found by
    file name, wherever the JSON says they lie.

    Args:
        root: folder of the copy; further nesting does not matter.

    Returns:
        One row a film: `case_id, patient_id, image, R1 ... R10, L1 ... L10` (each a list of (x, y)
        in pixels of the film, None where not outlined), `official_split` ("train" or "val"),
        `dataset, is_phantom`, unknown spacing (NaN). `table.attrs["unmatched"]` lists outlines of
        fewer than three points, which are taken as absent.

    Raises:
        FileNotFoundError: a JSON file or a film is missing.
        radiokit.io.UnreadableFileError: a JSON file is broken, or lacks a column or a coordinate.
    """
    files = files_below(root, "vindr_ribcxr")
    films = {path.stem.lower(): path for path in files if path.suffix.lower() in FILM_SUFFIXES}
    records, unmatched = [], []
    for split in ("train", "val"):
        path = _outlines_file(files, root, split)
        for record in read_outlines(path, unmatched):
            records.append({**record, "official_split": split})
    stems = [Path(str(record.pop("img")).replace("\\", "/")).stem for record in records]
    missing = [stem for stem in stems if stem.lower() not in films]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(stems)} films named in the outlines are not below {root}: "
            f"{name_a_few(missing)}. Put them into Data/train/img and Data/val/img."
        )
    table = _case_table(root, "vindr_ribcxr", {s: films[s.lower()] for s in stems}, str)
    for column in (*RIBS, "official_split"):
        values = [record[column] for record in records]
        table[column] = pd.Series(values, dtype=object, index=table.index)
    table.attrs["unmatched"] = unmatched
    return table


# --- columns --------------------------------------------------------------------------------------


def _case_table(
    root: str | Path, name: str, films: dict[str, Path], patient_of: Callable[[str], str]
) -> pd.DataFrame:
    """The columns every data set has, spacing still unknown."""
    table = pd.DataFrame({"case_id": list(films)})
    table["patient_id"] = [patient_of(case) for case in films]
    table["image"] = [str(path) for path in films.values()]
    table["dataset"] = name
    table["is_phantom"] = read_phantom_note(root) is not None
    table["spacing_row_mm"] = table["spacing_column_mm"] = math.nan
    return table


def _number_of_film(case: str) -> str:
    """MCUCXR_0001_0 -> MCUCXR_0001: the last digit is the label, not the patient."""
    return case.rsplit("_", 1)[0]


def _add_paths(table: pd.DataFrame, masks: dict[str, dict[str, Path]]) -> None:
    """Mask columns: a path as text, None where there is none."""
    for column, found in masks.items():
        values = [str(found[case]) if case in found else None for case in table["case_id"]]
        table[column] = pd.Series(values, dtype=object, index=table.index)


def _add_readings(table: pd.DataFrame, files: list[Path], name: str) -> None:
    """Label from the file name; sex and age from ClinicalReadings where there."""
    readings = pick_files(files, name, r"ClinicalReadings", (".txt",))
    pairs = [_sex_and_age(readings.get(case)) for case in table["case_id"]]
    table["has_tuberculosis"] = [int(case[-1]) for case in table["case_id"]]
    table["sex"] = pd.Series([sex for sex, _ in pairs], dtype=object, index=table.index)
    table["age_years"] = [age for _, age in pairs]


def _sex_and_age(path: Path | None) -> tuple[str | None, float]:
    """From "Patient's Sex: F / Patient's Age: 027Y" or "male 16month" (two published styles)."""
    if path is None:
        return None, math.nan
    text = path.read_text(encoding="utf-8", errors="replace").lower()
    head = " ".join(text.splitlines()[:2])
    sex = re.search(r"sex\s*:\s*([fm])|\b(f)emal|\b(m)ale", head)
    age = re.search(r"(\d+)\s*([ymwd])", head)
    per_year = {"y": 1, "m": 12, "w": 52.18, "d": 365.25}
    return (
        next(filter(None, sex.groups())).upper() if sex else None,
        int(age[1]) / per_year[age[2]] if age else math.nan,
    )


def _scr_fold(case: str, mask: Path) -> int:
    """From the mask's fold folder, else as published: odd file numbers 1, even 2."""
    for part in reversed(mask.parts):
        match = re.fullmatch(r"fold[ _-]?([12])", part, re.IGNORECASE)
        if match:
            return int(match[1])
    return 1 if int(case[-3:]) % 2 else 2


def _add_spacing(
    table: pd.DataFrame, spacing_of: Callable[[int, int, bool], tuple[float, float]]
) -> None:
    """Pixel size of each film on its own grid."""
    pairs = [
        spacing_of(*_size_px(Path(image)), is_phantom)
        for image, is_phantom in zip(table["image"], table["is_phantom"], strict=True)
    ]
    table["spacing_row_mm"] = [row for row, _ in pairs]
    table["spacing_column_mm"] = [column for _, column in pairs]


def _size_px(path: Path) -> tuple[int, int]:
    """Height and width from the header; raw and DICOM JSRT films are 2048x2048."""
    if path.suffix.lower() not in RASTER_SUFFIXES:
        return 2048, 2048
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except OSError as error:
        raise UnreadableFileError(
            path, f"no image in it ({error})", "Copy or download this file again."
        ) from error


def _montgomery_spacing(height: int, width: int, is_phantom: bool) -> tuple[float, float]:
    """0.0875 mm on the plate of 4892x4020; scaled if the aspect was kept, else unknown.

    A phantom shows the same field on a coarser grid of any aspect.
    """
    long, short = max(height, width), min(height, width)
    if not is_phantom and abs(long / short / (4892 / 4020) - 1) > 0.01:
        return math.nan, math.nan
    spacing_mm = 0.0875 * 4892 / long
    return spacing_mm, spacing_mm


def _jsrt_spacing(height: int, width: int, is_phantom: bool) -> tuple[float, float]:
    """0.175 mm at 2048x2048, scaled for copies of another size."""
    return 0.175 * 2048 / height, 0.175 * 2048 / width


def _outlines_file(files: list[Path], root: str | Path, split: str) -> Path:
    """The JSON file of one official split."""
    name = f"vindr_ribcxr_{split}_mask.json"
    found = [path for path in files if path.name.lower() == name]
    if not found:
        raise FileNotFoundError(
            f"Vindr_RibCXR_{split}_mask.json is not below {root}. Both files of outlines are "
            f"needed. {load_card('vindr_ribcxr').by_hand}"
        )
    return found[0]


# --- reading --------------------------------------------------------------------------------------


def read_chest_case(
    row, image_shape: Sequence[int], structures: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Radiograph and structure masks of one row, at the network's size.

    Use it as the reader of a training on any of the four sets. The aspect ratio is kept by
    padding; masks go through the geometry of their image by nearest neighbour; outlines are filled
    on the target grid. Left and right are the patient's.

    Args:
        row: a row of a case table (Series or dict).
        image_shape: target height and width in pixels (further axes are not looked at).
        structures: among "lungs", "left_lung", "right_lung", "heart", "clavicles",
            "left_clavicle", "right_clavicle", "ribs" (union) and "R1" ... "L10".

    Returns:
        Image (H, W, 1) float32 in 0..1, bone bright; target (H, W, C) float32, 0 or 1, one
        channel a structure in the order given. Structures may overlap.

    Raises:
        ValueError: the row has not got a structure, or a mask does not fit its image.
        radiokit.io.UnreadableFileError: a file cannot be read.
    """
    shape = tuple(image_shape[:2])
    pixels = read_radiograph(row["image"]).pixels
    placement = fit_placement(pixels.shape, shape)
    target = np.zeros((*shape, len(structures)), np.float32)
    for channel, structure in enumerate(structures):
        target[..., channel] = _structure_mask(row, structure, placement)
    image = np.clip(place_image(pixels, placement), 0, 1)  # rounding of means may pass 1
    return image[..., None], target


def placed_pixel_mm(row, image_shape: Sequence[int]) -> tuple[float, float] | None:
    """Size of a pixel of `read_chest_case`'s arrays, for distances in mm.

    Use it for scores on the network's grid; scaling a film down makes its pixels larger.

    Args:
        row: a row of a case table.
        image_shape: the height and width given to `read_chest_case`, pixels.

    Returns:
        (row, column) in mm, or None where the size of the file's pixels is unknown.
    """
    if not math.isfinite(row["spacing_row_mm"]):
        return None
    placement = fit_placement(_size_px(Path(row["image"])), tuple(image_shape[:2]))
    return placed_spacing_mm((row["spacing_row_mm"], row["spacing_column_mm"]), placement)


def _structure_mask(row, structure: str, placement: Placement) -> np.ndarray:
    """Boolean mask of one structure on the target grid."""
    if structure == "ribs" or structure in RIBS:
        return _rib_mask(row, RIBS if structure == "ribs" else (structure,), placement)
    if structure not in _MASK_COLUMNS:
        raise ValueError(
            f"There is no structure {structure!r}. Choose among: "
            f"{', '.join([*_MASK_COLUMNS, 'ribs', *RIBS])}."
        )
    for columns in _MASK_COLUMNS[structure]:
        if all(isinstance(row.get(column), (str, Path)) for column in columns):
            masks = [_placed_mask(row[column], placement) for column in columns]
            return np.any(masks, axis=0)
    raise _structure_missing(row, structure)


def _placed_mask(path: str | Path, placement: Placement) -> np.ndarray:
    """A mask file on the target grid; foreground is more than half of the largest value."""
    labels = read_label_mask(path)
    check_same_aspect(placement.source_shape, labels.shape, path)
    foreground = (labels > labels.max() // 2).astype(np.uint8)
    own_placement = fit_placement(labels.shape, placement.target_shape)
    return place_mask(foreground, own_placement).astype(bool)


def _rib_mask(row, ribs: Sequence[str], placement: Placement) -> np.ndarray:
    """Union of ribs filled on the target grid; a rib not outlined adds nothing."""
    mask = np.zeros(placement.target_shape, bool)
    for rib in ribs:
        points = row.get(rib, math.nan)
        if isinstance(points, float):
            raise _structure_missing(row, rib)
        if points is not None:
            mask |= fill_polygon(_placed_points(points, placement, row, rib), mask.shape)
    return mask


def _placed_points(points: Sequence, placement: Placement, row, rib: str) -> np.ndarray:
    """Points of the source image on the target grid."""
    source = np.asarray(points, np.float64)
    height, width = placement.source_shape
    if source[:, 0].max() > 1.1 * width or source[:, 1].max() > 1.1 * height:
        raise ValueError(
            f"{rib} of {row['case_id']} reaches ({source[:, 0].max():.0f}, "
            f"{source[:, 1].max():.0f}), its film {row['image']} is only {width}x{height} pixels: "
            "a resized copy. Use the published films, whose pixels the outlines count."
        )
    scale = (placement.width / width, placement.height / height)
    return source * scale + (placement.left, placement.top)


def _structure_missing(row, structure: str) -> ValueError:
    """The row has no such mask: because of its data set, or because of this film."""
    present = [name for name in _MASK_COLUMNS if _has_columns(row, name)]
    return ValueError(
        f"{row['case_id']} of {row.get('dataset', 'unknown data')} has no {structure}; it has "
        f"{', '.join(present) or 'ribs or nothing'}. Choose structures the data set has, and leave "
        "out films without a mask: table[table.mask_lungs.notna()]."
    )


def _has_columns(row, structure: str) -> bool:
    """Whether a row has the masks of a structure."""
    return any(
        all(isinstance(row.get(column), (str, Path)) for column in columns)
        for columns in _MASK_COLUMNS[structure]
    )
