"""Predict on whole slides: a map, a heat map and outlines of each, where there is tissue."""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit import tiling
from radiokit.data.ink import find_ink
from radiokit.data.open_slides import read_low
from radiokit.data.picture_files import PICTURES
from radiokit.data.tile_grid import covered_share, grid_corners
from radiokit.data.tissue import find_tissue
from radiokit.files import write_text_whole
from radiokit.io import UnreadableFileError
from radiokit.io.slides import is_slide, open_slide
from radiokit.recipes.segment_scores import OVERLAP
from radiokit.recipes.settings import STRUCTURE, SegmentSettings, load_model, read_settings

LEAST_TISSUE = 0.05  # of a tile; at the rim of the tissue too little is better than nothing
MAP_DOWNSAMPLE = 2  # network pixels per map pixel
MIN_AREA_UM2 = 10.0  # of an outline; a small nucleus has about 20
SLIDE_ENDINGS = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide")
COLUMNS = ("num_tiles", "num_regions", "seconds")


def list_slides(folder: Path, with_tiff: bool = False) -> list[Path]:
    """Whole slides in and below a folder, in the order of their names.

    Use it to see whether a folder holds slides or pictures.

    Args:
        folder: where to look.
        with_tiff: whether a TIFF that opens as a slide is one; else it is a picture.

    Returns:
        Paths of files that `radiokit.io.slides.open_slide` opens, and of those that end like a
        slide and are damaged, so that they are not passed over in silence.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder {folder} is not there. Give a folder of images or slides."
        )
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path for path in files if not path.name.startswith(".")]
    return [path for path in files if _is_slide(path, with_tiff)]


def predict_slides(
    model_folder: Path,
    slides: list[Path],
    out: Path,
    mpp_um: float | None = None,
    slide_mpp_um: float | None = None,
) -> pd.DataFrame:
    """Predict the structure all over the tissue of whole slides.

    Use it with a network trained on tiles in colour. Called again after a kill, it goes on where
    it stood. The network sees each tile once, as it lies.

    Args:
        model_folder: what `train_segmenter` wrote, with `color` and `tile`.
        slides: their files.
        out: gets a folder a slide, named like it, with the files of
            `radiokit.tiling.predict_slide`, and `predictions.csv`.
        mpp_um: microns per pixel of the images the network was trained on; None: as noted in
            the training.
        slide_mpp_um: microns per pixel of level 0, for slides that do not say it.

    Returns:
        The rows of `predictions.csv`: image, maps (the folder), num_tiles, num_regions, seconds,
        problem (why there is no map).

    Raises:
        FileNotFoundError: no model there.
        ValueError: a model that sees no tiles in colour, an unknown resolution, or two slides of
            one name.
        OSError: a file cannot be written.
    """
    settings, _ = read_settings(Path(model_folder))
    mpp_um = _checked_resolution(settings, model_folder, mpp_um)
    _check_names(slides)
    model = load_model(Path(model_folder))
    rows = []
    for path in tqdm(slides, unit="slide"):
        row = {"image": str(path), "maps": ""} | dict.fromkeys(COLUMNS, np.nan) | {"problem": ""}
        try:
            corners = _find_corners(path, settings.tile, mpp_um, slide_mpp_um)
        except ValueError as error:  # no slide, no microns per pixel, or no tissue
            row["problem"] = str(error)
        else:
            try:
                found = _predict(model, path, corners, out, settings.tile, (mpp_um, slide_mpp_um))
                row |= {"maps": path.stem} | {name: getattr(found, name) for name in COLUMNS}
            except UnreadableFileError as error:  # a tile is damaged; the other slides go on
                row["problem"] = str(error)
        rows.append(row)
    table = pd.DataFrame(rows)
    write_text_whole(Path(out) / "predictions.csv", table.to_csv(index=False))
    return table


def _is_slide(path, with_tiff):
    ending = path.suffix.lower()
    if ending in SLIDE_ENDINGS:
        return True
    may_be = with_tiff if ending in (".tif", ".tiff") else not PICTURES.is_of_kind(path)
    return may_be and is_slide(path)


def _checked_resolution(settings, model_folder, mpp_um):
    if not (isinstance(settings, SegmentSettings) and settings.tile and settings.color):
        raise ValueError(
            f"{model_folder} holds no network for whole slides, which sees tiles in colour. Train "
            "one: radiokit train segment --color --tile 256."
        )
    mpp_um = settings.mpp_um if mpp_um is None else mpp_um
    if mpp_um is None:
        raise ValueError(
            "How large a pixel of the training images was is not known, so neither is the "
            "magnification to read the slides at. Give it in microns: --mpp 0.25 for 40x."
        )
    return mpp_um


def _check_names(slides):
    stems = pd.Series([path.stem for path in slides])
    if stems.duplicated().any():
        raise ValueError(
            f"Several slides are named {stems[stems.duplicated()].iloc[0]}; their maps would "
            "replace each other. Rename them, or predict folder by folder."
        )


def _find_corners(path, tile, mpp_um, slide_mpp_um):
    """(N, 2) x and y of the tiles with tissue; what is wrong with a slide shows here."""
    with open_slide(path, slide_mpp_um) as slide:
        downsample = slide.downsample_for(mpp_um=mpp_um)
        corners = grid_corners(slide.size_px, tile, downsample, OVERLAP)
        pixels, coarse, low_mpp_um = read_low(slide)
    ink = find_ink(pixels, low_mpp_um).mask
    tissue = find_tissue(pixels, low_mpp_um, ink)
    share = covered_share(corners, tile, downsample, tissue, coarse)
    if not (share >= LEAST_TISSUE).any():
        raise ValueError(
            f"{path} shows no tissue: none of {len(corners)} tiles of {tile} pixels at {mpp_um:g} "
            f"microns has {LEAST_TISSUE:.0%} of it. Look at the slide."
        )
    return corners[share >= LEAST_TISSUE]


def _predict(model, path, corners, out, tile, resolution):
    mpp_um, slide_mpp_um = resolution
    return tiling.predict_slide(
        model,
        path,
        corners,
        Path(out) / path.stem,
        mpp_um=mpp_um,
        tile_px=tile,
        class_names=(STRUCTURE,),
        map_downsample=MAP_DOWNSAMPLE,
        min_area_um2=MIN_AREA_UM2,
        slide_mpp_um=slide_mpp_um,
    )
