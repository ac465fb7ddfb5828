"""Offline copies of images with rare labels: flipped, turned, written as files beside their source.

The body part study enlarged each rare class up to ten times, in proportion to the largest one, in
training and validation, after the split. How it counted an image of several labels it does not
say; `copy_factors` is our reading.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.parallel import map_chunks
from radiokit.data.prepared import (
    check_cases,
    file_stamp,
    find_prepared,
    prepared_key,
    prepared_path,
)
from radiokit.io.rasters import read_radiograph, write_png

VERSION = 1  # raise it when the same source begins to give other copies
_SOURCES_A_CALL = 8


def copy_factors(table: pd.DataFrame, labels: Sequence[str], most: int = 10) -> pd.Series:
    """How many times each image should be there, itself included, so that rare labels count.

    Use it to see what `write_copies` will do before it does. An image with several labels follows
    the rarest of them, and its copies carry all of them: an image of hand and wrist that is copied
    for the wrist adds a hand each time, so that the labels come nearer to one another and not to
    one number.

    Args:
        table: case table with the labels; where it has a column `split`, each split is counted
            by itself.
        labels: columns of 0 and 1; other values are not known and count as none.
        most: the largest factor.

    Returns:
        Whole numbers in 1..most, with the table's index: the images of the most frequent label
        over those of the image's rarest label, rounded (halves upwards). 1 without a label.

    Raises:
        ValueError: there is no row or label, a label is no column, or `most` is below 1.

    Example:
        >>> cases = pd.DataFrame({"Chest": [1, 1, 1, 1, 1, 0], "Clavicles": [0, 0, 0, 0, 1, 1]})
        >>> copy_factors(cases, ["Chest", "Clavicles"]).tolist()
        [1, 1, 1, 1, 3, 3]
    """
    missing = [name for name in labels if name not in table.columns]
    if missing or not len(labels) or table.empty:
        raise ValueError(
            f"The table has {len(table)} rows, {len(labels)} labels are asked for and lacking are: "
            f"{', '.join(missing) or 'none'}. Give rows, and labels that are columns of 0 and 1."
        )
    if int(most) != most or most < 1:
        raise ValueError(f"most is {most}; give a whole number, 1 for no copies or 10, say.")
    is_positive = (table[list(labels)] == 1).to_numpy()  # (N, L)
    split = table["split"].to_numpy() if "split" in table.columns else np.zeros(len(table))
    factors = np.ones(len(table), int)
    for name in pd.unique(split):
        inside = split == name
        factors[inside] = _factors_of_a_split(is_positive[inside], int(most))
    return pd.Series(factors, index=table.index, name="copy_factor")


def _factors_of_a_split(is_positive: np.ndarray, most: int) -> np.ndarray:
    counts = is_positive.sum(axis=0)
    rarest = np.where(is_positive, counts, counts.max() + 1).min(axis=1)  # of each image
    factors = np.floor(counts.max() / rarest + 0.5).astype(int)
    return np.clip(factors, 1, most)


def write_copies(
    table: pd.DataFrame,
    labels: Sequence[str],
    folder: str | Path,
    split_names: Sequence[str] = ("train", "validation"),
    most: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Write flipped and turned copies of images with rare labels, and add their rows to the table.

    Use it after `split_by_patient`, and after `radiokit.data.picture_cache.prepare_pictures`:
    copies are as large as their source. Each is flipped left to right and top to bottom with
    probability one half, then turned by any angle (the study's offline augmentation), in a square
    frame of the source's longer side, so that a long film that is turned keeps its ends; what
    enters is black. A call that was stopped goes on where it stood. Choose networks and thresholds
    on validation rows without a `source_case_id`: copies are no further patients.

    Args:
        table: case table with `case_id, patient_id, image, split` and the labels.
        labels: columns of 0 and 1.
        folder: where to; made if needed. What other calls have left there does not matter.
        split_names: splits that get copies; the others, the test split above all, get none.
        most: how often an image is there at most, itself included; see `copy_factors`.
        seed: a copy depends on it, on its source and its number, not on the order of rows.
        progress: whether to show a bar.

    Returns:
        The table's rows, then a row a copy, numbered from 0: `image` is an 8-bit PNG, bone bright,
        `case_id` that of the source with `-copy1`, `-copy2` ..., `source_case_id` the source's
        (NaN in the rows of the table), every other column as the source has it, also what it says
        of the file's header. `attrs["unreadable"]` has a sentence more for each source that
        cannot be read, which stays without copies (one warning counts them).

    Raises:
        ValueError: the table has no split or already holds copies, a split or label is not there,
            or as `copy_factors`.
        OSError: the folder cannot be written to.
        RuntimeError: a process ended by itself.
    """
    _check(table, split_names)
    factors = copy_factors(table, labels, most).where(table["split"].isin(list(split_names)), 1)
    folder = Path(folder).resolve()
    jobs = _jobs(table, factors.to_numpy(), int(seed))
    present = find_prepared(folder)
    missing = [job for job in jobs if not all(key in present for key, _ in job["copies"])]
    refused, work = {}, partial(_copy_some, folder=str(folder), present=frozenset(present))
    for outcomes in map_chunks(work, missing, None, progress, _SOURCES_A_CALL):
        refused.update(outcomes)
    result = _table_of(table, [job for job in jobs if job["row"] not in refused], folder)
    reasons = [refused[row] for row in sorted(refused)]
    result.attrs["unreadable"] = [*table.attrs.get("unreadable", ()), *reasons]
    if reasons:
        warnings.warn(
            f"{len(reasons)} of {len(jobs)} pictures cannot be read and have no copies: "
            f"{name_a_few(reasons)} All are listed in table.attrs['unreadable'].",
            stacklevel=2,
        )
    return result


def _check(table: pd.DataFrame, split_names: Sequence[str]) -> None:
    """Copies are made within splits, once."""
    check_cases(table, "picture")
    if "split" not in table.columns or table["split"].isna().any():
        raise ValueError(
            "The table has rows without a split. Split it with split_by_patient first: a copy "
            "made before could fall into another split than its source."
        )
    if "source_case_id" in table.columns and table["source_case_id"].notna().any():
        raise ValueError(
            f"{int(table['source_case_id'].notna().sum())} rows of the table are copies already. "
            "Give the rows whose source_case_id is NaN."
        )
    found = list(pd.unique(table["split"]))
    missing = [name for name in split_names if name not in found]
    if isinstance(split_names, str) or missing:
        raise ValueError(
            f"split_names is {split_names!r}; the splits of the table are {', '.join(found)}. "
            'Name those that get copies, such as ("train", "validation").'
        )


def _jobs(table: pd.DataFrame, factors: np.ndarray, seed: int) -> list[dict]:
    """A source each: its row, and the key and draws of each copy."""
    cases, images = table["case_id"].astype(str).to_list(), table["image"].astype(str).to_list()
    jobs = []
    for row in np.flatnonzero(factors > 1):
        stamp, copies = file_stamp(images[row]), []
        for number in range(1, factors[row]):
            told = ["copy", VERSION, seed, cases[row], number]
            copies.append((prepared_key([*told, images[row], stamp]), _draws(told)))
        jobs.append({"row": row, "case_id": cases[row], "image": images[row], "copies": copies})
    return jobs


def _draws(told: list) -> tuple[float, bool, bool]:
    """Degrees of the turn, and whether each flip is made."""
    digest = hashlib.sha256(json.dumps(told).encode()).digest()
    turn, horizontal, vertical = (
        int.from_bytes(digest[start : start + 8], "big") / 2**64 for start in (0, 8, 16)
    )
    return 360 * turn, horizontal < 0.5, vertical < 0.5


def _copy_some(jobs: list[dict], folder: str, present: frozenset) -> list[tuple[int, str]]:
    """Write the copies of some sources; row and reason of each that cannot be read."""
    refused = []
    for job in jobs:
        try:
            pixels = read_radiograph(job["image"]).pixels
        except (ValueError, FileNotFoundError) as error:
            refused.append((job["row"], f"{job['case_id']}: {error}"))
            continue
        values = _in_square(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
        for key, draws in job["copies"]:
            if key not in present:
                write_png(prepared_path(folder, key), flip_and_turn(values, *draws))
    return refused


def _in_square(pixels: np.ndarray) -> np.ndarray:
    """The picture in the middle of a black square of its longer side."""
    side = max(pixels.shape)
    top, left = (side - pixels.shape[0]) // 2, (side - pixels.shape[1]) // 2
    square = np.zeros((side, side), pixels.dtype)
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return square


def flip_and_turn(
    pixels: np.ndarray, degrees: float, horizontal: bool, vertical: bool
) -> np.ndarray:
    """Flip a picture and turn it about its centre, in its own frame.

    Use it for one picture at hand; `radiokit.data.augment.FlipAndTurn` does the same to a batch.

    Args:
        pixels: (rows, columns) or (rows, columns, channels).
        degrees: of the turn, counterclockwise, after the flips.
        horizontal: whether left and right are exchanged.
        vertical: whether top and bottom are exchanged.

    Returns:
        Array of the same shape and type, interpolated linearly; what enters is 0 (black).
    """
    pixels = pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    height, width = pixels.shape[:2]
    centre = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    return cv2.warpAffine(np.ascontiguousarray(pixels), matrix, (width, height))


def _table_of(table: pd.DataFrame, jobs: list[dict], folder: Path) -> pd.DataFrame:
    """The rows of the table, and behind them a row a copy."""
    rows = [job["row"] for job in jobs for _ in job["copies"]]
    numbers = [number for job in jobs for number in range(1, len(job["copies"]) + 1)]
    sources = table["case_id"].iloc[rows].to_list()
    cases = [f"{case}-copy{number}" for case, number in zip(sources, numbers, strict=True)]
    images = [str(prepared_path(folder, key)) for job in jobs for key, _ in job["copies"]]
    result = table.iloc[[*range(len(table)), *rows]].reset_index(drop=True)
    result["case_id"] = [*table["case_id"], *cases]
    result["image"] = [*table["image"], *images]
    result["source_case_id"] = pd.Series([np.nan] * len(table) + sources, dtype=object)
    return result
