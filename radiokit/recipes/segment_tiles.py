"""Tiles of one's own images for training, at the images' own resolution."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit.data.prepared import file_stamp, prepared_key
from radiokit.data.tile_grid import grid_corners
from radiokit.files import whole_file
from radiokit.recipes.segment_scores import mirror_up_to

MARGIN = 0.25  # of the tile's side, all around: what turns and zooms bring into view
UNKNOWN = 255  # of the kept target


def index_tiles(
    table: pd.DataFrame, read_image: Callable, read_target: Callable, tile: int, folder: Path
) -> pd.DataFrame:
    """Keep every image and mask as an array that can be read in parts, and list its tiles.

    Use it on the rows of training and validation. Tiles stand side by side, the last row and
    column moved inward. Arrays that are there already are not made again.

    Args:
        table: with `case_id`, `image` and `mask`.
        read_image: called with a path; (rows, columns, C) float in 0..1.
        read_target: called with a row and the image's shape; (rows, columns, 1) of 1, 0 and -1.
        tile: side in pixels.
        folder: gets an array an image: rows x columns x (C + 1) bytes.

    Returns:
        A row a tile: those of the table, with `prepared` (the array), `tile_x_px`, `tile_y_px`.

    Raises:
        radiokit.io.UnreadableFileError: an image or mask cannot be read.
        ValueError: a mask of another shape than its image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for _, row in tqdm(table.iterrows(), total=len(table), unit="image", desc="cutting tiles"):
        path = _prepared_path(row, folder)
        if not path.exists():
            _keep(row, read_image, read_target, tile, path)
        height, width = np.load(path, mmap_mode="r").shape[:2]
        for x, y in grid_corners((width, height), tile):
            place = {"prepared": str(path), "tile_x_px": int(x), "tile_y_px": int(y)}
            rows.append(row.to_dict() | place)
    return pd.DataFrame(rows)


def read_tile(row, tile: int, margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Image and target of one tile.

    Use it as the reader of `radiokit.data.batches.make_batches`.

    Args:
        row: of `index_tiles`.
        tile: side in pixels.
        margin: how much more is read on each side, as a share of it; beyond the image lies its
            mirror image.

    Returns:
        Image (side, side, C) float32 in 0..1; target (side, side, 1) float32: 1, 0, -1 unknown.
    """
    pixels = np.load(row["prepared"], mmap_mode="r")
    more = round(margin * tile)
    steps = np.arange(-more, tile + more)
    y = _mirrored(row["tile_y_px"] + steps, pixels.shape[0])
    x = _mirrored(row["tile_x_px"] + steps, pixels.shape[1])
    rows = np.asarray(pixels[y.min() : y.max() + 1])  # one piece of the file
    window = rows[(y - y.min())[:, None], x]  # (side, side, C + 1)
    target = window[..., -1:].astype(np.float32)
    return window[..., :-1].astype(np.float32) / 255, np.where(target == UNKNOWN, -1, target)


def _mirrored(places, length):
    """Places beyond either end, counted back into the image as in a mirror at its edge."""
    places = np.mod(places, 2 * length)
    return np.where(places < length, places, 2 * length - 1 - places)


def _prepared_path(row, folder):
    stamps = [file_stamp(row[side]) for side in ("image", "mask")]
    return folder / f"{prepared_key([str(row['image']), str(row['mask']), *stamps])}.npy"


def _keep(row, read_image, read_target, tile, path):
    image = read_image(row["image"])
    target = read_target(row, image.shape, image.shape)  # (rows, columns, 1)
    levels = np.concatenate([np.round(image * 255), np.where(target < 0, UNKNOWN, target)], axis=-1)
    levels = mirror_up_to(levels.astype(np.uint8), tile)
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        np.save(file, levels)
