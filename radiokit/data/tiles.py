"""Slides to tables of tiles: a grid over the tissue, and a balanced choice from it for training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit.data.breast_annotations import read_regions
from radiokit.data.breast_regions import REGION_CLASSES, draw_regions
from radiokit.data.ink import find_ink
from radiokit.data.layouts import warn_left_out
from radiokit.data.open_slides import annotation_of, borrow_slide, keep_slides_open, read_low
from radiokit.data.tile_cases import read_tile_case
from radiokit.data.tile_grid import covered_share, grid_corners, map_low_to_high
from radiokit.data.tissue import find_tissue
from radiokit.io import UnreadableFileError
from radiokit.io.slides import Slide

__all__ = [
    "balance_tiles",
    "covered_share",
    "grid_corners",
    "index_tiles",
    "keep_slides_open",
    "map_low_to_high",
    "read_tile_case",
]


def index_tiles(
    table: pd.DataFrame,
    mpp_um: float,
    tile_px: int = 256,
    overlap: float = 0.0,
    least_tissue: float = 0.5,
    most_ink: float = 0.1,
    progress: bool = True,
) -> pd.DataFrame:
    """Table of the tiles of slides that hold tissue and no ink to speak of.

    Use it on the rows of one split, or split the tiles by patient afterwards. Each slide is read
    once at low magnification; tissue, ink and the outlines of the annotation are measured there,
    and a tile's share of each follows from geometry.

    Args:
        table: a slide table (`index_bach`, `index_tcga`): `case_id, image`,
            `mpp_um` (NaN: the file says it) and, where known, `annotation`.
        mpp_um: size of a tile's pixel, 0.25 for 40x and 4 for 2.5x.
        tile_px: side of a tile in such pixels.
        overlap: of neighbours, a fraction of the side, see `grid_corners`.
        least_tissue: share of tissue a tile needs, 0..1; 0 keeps every tile.
        most_ink: share of ink a tile may have, 0..1. Its pixels are unknown in the target.
        progress: whether to show a bar.

    Returns:
        A row a tile: the columns of its slide's row, `case_id` ("<slide>_<x>_<y>"), `slide_id`,
        `tile_x_px, tile_y_px` (level-0 top left corner), `mpp_um` (of the tile), `slide_mpp_um`
        (of level 0), `share_tissue`, `share_ink`, and `share_<class>` of each of `REGION_CLASSES`
        (NaN without annotation). `attrs["unreadable"]` lists the slides left out, which one
        warning counts.

    Raises:
        ValueError: no slides, shares outside 0..1, a slide without mpp, or no tile at all.
        FileNotFoundError: an annotation that the table names is not there.
    """
    _check_index(table, least_tissue, most_ink)
    parts, unreadable = [], []
    for row in tqdm(table.to_dict("records"), unit="slide", disable=not progress, leave=False):
        try:
            tiles = _tiles_of_slide(row, mpp_um, tile_px, overlap)
        except UnreadableFileError as error:
            unreadable.append(str(error))
            continue
        tissue, ink = tiles["share_tissue"], tiles["share_ink"]
        parts.append(tiles[(tissue >= least_tissue - 1e-9) & (ink <= most_ink + 1e-9)])
    if not sum(map(len, parts)):
        raise ValueError(
            f"None of {len(table)} slides has a tile of {tile_px} pixels at {mpp_um:g} um with at "
            f"least {least_tissue:.0%} tissue and at most {most_ink:.0%} ink ({len(unreadable)} "
            "slides could not be read). Lower least_tissue, or look at the slides' thumbnails."
        )
    tiles = pd.concat(parts, ignore_index=True)
    tiles.attrs = {**table.attrs, "unreadable": unreadable}
    warn_left_out(unreadable, (), "slides")
    return tiles


def _check_index(table: pd.DataFrame, least_tissue: float, most_ink: float) -> None:
    missing = [name for name in ("case_id", "image", "mpp_um") if name not in table.columns]
    if missing or not len(table):
        raise ValueError(
            f"The table has {len(table)} rows and no column {', '.join(missing) or '...'}. Give "
            "the slides of index_bach or index_tcga."
        )
    for name, share in (("least_tissue", least_tissue), ("most_ink", most_ink)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; needed is a share of a tile from 0 to 1.")


def _tiles_of_slide(row: dict, mpp_um: float, tile_px: int, overlap: float) -> pd.DataFrame:
    """All tiles of one slide with their shares."""
    with borrow_slide(None, row) as slide:
        downsample = slide.downsample_for(mpp_um=mpp_um)
        corners = grid_corners(slide.size_px, tile_px, downsample, overlap)
        masks, coarse = _masks_of_slide(slide, row)
        own_mpp_um = mpp_um / downsample
    x, y = corners.T
    place = {"slide_id": row["case_id"], "tile_x_px": x, "tile_y_px": y}
    place |= {"mpp_um": float(mpp_um), "slide_mpp_um": own_mpp_um}
    names = [f"{row['case_id']}_{left}_{top}" for left, top in corners]
    tiles = pd.DataFrame({**row, "case_id": names, **place})
    for name, mask in masks.items():
        known = mask is not None
        share = covered_share(corners, tile_px, downsample, mask, coarse) if known else np.nan
        tiles[f"share_{name}"] = share
    return tiles


def _masks_of_slide(slide: Slide, row: dict) -> tuple[dict[str, np.ndarray | None], float]:
    """Masks at low magnification, None where unknown, and their downsample."""
    pixels, coarse, mpp_um = read_low(slide)
    ink = find_ink(pixels, mpp_um).mask
    masks = {"tissue": find_tissue(pixels, mpp_um, ink), "ink": ink}
    annotation = annotation_of(row)
    classes = draw_regions(read_regions(annotation), ink.shape, coarse) if annotation else None
    for number, name in enumerate(REGION_CLASSES):
        masks[name] = None if classes is None else classes == number
    return masks, coarse


# --- balance --------------------------------------------------------------------------------------


def balance_tiles(
    tiles: pd.DataFrame,
    number: int,
    seed: int,
    at_least: float = 0.25,
    classes: Sequence[str] = REGION_CLASSES,
) -> pd.DataFrame:
    """Choose tiles so that every class is seen about equally often.

    Use it on the training tiles only; validation and test keep the slide's own frequencies. A
    tile counts for the class with fewest tiles of those that cover `at_least` of it, so that a
    rare lesion is not outweighed by its surroundings. Within a class slides take turns. No tile is
    chosen twice: a class with too few gives them all, and the others share what is left.

    Args:
        tiles: from `index_tiles`, with annotation, of one split.
        number: tiles wanted, 1 or more; fewer where there are fewer.
        seed: of the choice.
        at_least: share of a tile that a class must cover, above 0 to 1.
        classes: which to balance, each with a column `share_<class>`.

    Returns:
        The chosen rows in a random order, with a column `balance_class`; tiles in which no class
        covers `at_least` are left out.

    Raises:
        ValueError: tiles of several splits or without shares, or arguments outside their range.
    """
    _check_balance(tiles, number, at_least, classes)
    rng = np.random.default_rng(seed)
    shuffled = tiles.iloc[rng.permutation(len(tiles))].copy()
    shares = shuffled[[f"share_{name}" for name in classes]].to_numpy()
    kind = _kinds(shares >= at_least - 1e-9)
    shuffled = shuffled.assign(balance_class=np.array([*classes, ""])[kind])[kind >= 0]
    groups = [shuffled["balance_class"], shuffled["slide_id"]]
    turn = shuffled.groupby(groups).cumcount()
    shuffled = shuffled.iloc[np.argsort(turn.to_numpy(), kind="stable")]
    counts = shuffled["balance_class"].value_counts()
    quotas = _quotas(counts.to_dict(), number)
    place = shuffled.groupby("balance_class").cumcount()
    chosen = shuffled[place < shuffled["balance_class"].map(quotas)]
    return chosen.iloc[rng.permutation(len(chosen))].reset_index(drop=True)


def _check_balance(
    tiles: pd.DataFrame, number: int, at_least: float, classes: Sequence[str]
) -> None:
    if number < 1 or not 0 < at_least <= 1:
        raise ValueError(
            f"number is {number} and at_least {at_least}; needed are 1 tile or more and a share "
            "above 0 up to 1."
        )
    columns = [f"share_{name}" for name in classes]
    missing = [name for name in columns if name not in tiles.columns]
    if missing or tiles[columns].isna().any(axis=None):
        raise ValueError(
            f"{', '.join(missing) or 'The shares of some tiles'} are not known, so tiles cannot be "
            "balanced. Give tiles of slides with annotation, from index_tiles."
        )
    if "split" in tiles.columns and tiles["split"].nunique() > 1:
        raise ValueError(
            f"The tiles are of {tiles['split'].nunique()} splits. Balance the training tiles only: "
            'tiles[tiles["split"] == "train"].'
        )


def _kinds(is_present: np.ndarray) -> np.ndarray:
    """Number of the rarest class present in each tile, -1 without any."""
    rarest_first = np.argsort(is_present.sum(axis=0), kind="stable")
    first = is_present[:, rarest_first].argmax(axis=1)
    return np.where(is_present.any(axis=1), rarest_first[first], -1)


def _quotas(counts: dict[str, int], number: int) -> dict[str, int]:
    """Tiles of each class: equal shares, the scarcest class first, the rest handed on."""
    quotas, left = {}, number
    names = sorted(counts, key=counts.get)
    for place, name in enumerate(names):
        quotas[name] = min(counts[name], left // (len(names) - place))
        left -= quotas[name]
    return quotas
