"""Slides, outlines and masks of breast data sets to rows; the `index_*` functions stand on this."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from radiokit.cards import name_a_few
from radiokit.data.breast_annotations import read_aperio_mpp, read_regions
from radiokit.data.breast_regions import REGION_CLASSES, Region
from radiokit.io import UnreadableFileError, brief, caught_warnings, check_file
from radiokit.io.rasters import read_label_mask
from radiokit.io.slides import open_slide

LESIONS = REGION_CLASSES[1:]
COLUMNS = [
    *("case_id", "patient_id", "image", "annotation", "mpp_um", "magnification"),
    *("width_px", "height_px", *LESIONS, "dataset", "is_phantom"),
]
_MOST_THREADS = 8
_MPP_TOLERANCE = 0.02
_UNKNOWN = dict.fromkeys(LESIONS, math.nan)


def read_rows(
    read_row: Callable[[tuple], dict], cases: Sequence[tuple], unreadable: list[str]
) -> list[dict]:
    """Rows of many cases, read by several threads; what cannot be read is listed.

    Use it for work that waits for the disk: headers, outlines and small masks.

    Args:
        read_row: from a case to its row, such as `slide_row`.
        cases: its arguments; the first part is the path that is named in messages.
        unreadable: a sentence is added for each case that cannot be read.

    Returns:
        Rows in the order of the cases.
    """

    def attempt(case: tuple) -> dict | str:
        try:
            return read_row(case)
        except UnreadableFileError as error:
            return f"{error.path.name}: {error.reason}. {error.remedy}"
        except OSError as error:
            return f"{case[0].name}: {brief(error)}"

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        found = tqdm(pool.map(attempt, cases), total=len(cases), unit="slide", delay=1, leave=False)
        found = list(found)
    unreadable += [row for row in found if isinstance(row, str)]
    return [row for row in found if not isinstance(row, str)]


def slide_row(case: tuple[Path, Path | None, Mapping[str, str] | None]) -> dict:
    """One slide's row: its header, and which lesions are outlined. No pixel is read.

    Use it with `read_rows`.

    Args:
        case: slide, its annotation or None, and `names` as in
            `radiokit.data.breast_annotations.read_regions`.

    Returns:
        `case_id, image, annotation, mpp_um, magnification, width_px, height_px`, the three lesions
        (NaN without annotation), and `notes`, a list of (file, sentence).

    Raises:
        radiokit.io.UnreadableFileError: the slide or its annotation cannot be read.
    """
    path, annotation, names = case
    with open_slide(path) as slide:
        notes = [(path.name, note) for note in slide.notes]
        width_px, height_px = slide.size_px
        mpp_um = math.nan if slide.mpp_um is None else float(np.mean(slide.mpp_um))
        magnification = math.nan if slide.magnification is None else slide.magnification
    row = {"case_id": path.stem, "image": str(path), "annotation": str(annotation or "")}
    row |= {"mpp_um": mpp_um, "magnification": magnification}
    row |= {"width_px": width_px, "height_px": height_px, **_UNKNOWN, "notes": notes}
    if annotation:
        regions = read_regions(annotation, names)
        row |= {lesion: float(any(r.label == lesion for r in regions)) for lesion in LESIONS}
        notes += outside_notes(annotation.name, regions, (width_px, height_px))
        notes += _resolution_notes(annotation, mpp_um)
    return row


def outside_notes(
    name: str, regions: Sequence[Region], size_px: tuple[int, int]
) -> list[tuple[str, str]]:
    """Notes on outlines that leave the slide; drawn, they are cut off at its edge.

    Use it to find an annotation of another slide.

    Args:
        name: of the annotation.
        regions: what it outlines.
        size_px: width and height of level 0.

    Returns:
        (name, sentence) on outlines partly outside, and on outlines wholly outside.
    """
    limits = np.array(size_px, float)
    partly, wholly = 0, 0
    for region in regions:
        low, high = region.points.min(axis=0), region.points.max(axis=0)
        is_wholly = bool((high <= 0).any() or (low >= limits).any())
        wholly += is_wholly
        partly += not is_wholly and bool((low < 0).any() or (high > limits).any())
    notes = []
    if partly:
        notes.append((name, f"{partly} outlines leave the slide and are cut off at its edge"))
    if wholly:
        notes.append((name, f"{wholly} outlines lie wholly outside: are they this slide's?"))
    return notes


def _resolution_notes(annotation: Path, mpp_um: float) -> list[tuple[str, str]]:
    """A note where Aperio's annotation tells another resolution than the slide."""
    if annotation.suffix.lower() != ".xml":
        return []
    try:
        said = read_aperio_mpp(annotation)
    except UnreadableFileError:
        return []  # ASAP's, read already; it has no resolution
    if said is None or abs(said - mpp_um) <= _MPP_TOLERANCE * said:
        return []
    slide = "the slide says none" if math.isnan(mpp_um) else f"the slide says {mpp_um:g}"
    return [(annotation.name, f"drawn at {said:g} µm per pixel, {slide}")]


def picture_row(case: tuple[Path, Path, dict]) -> dict:
    """One small picture's row: its size, and whether its mask has anything in it.

    Use it with `read_rows`, on images and masks that were published at low magnification.

    Args:
        case: picture, mask, and what the row says besides.

    Returns:
        `image, mask, annotation` (""), `width_px, height_px`, unknown resolution, `invasive` (0 or
        1), the other lesions unknown, and `notes`.

    Raises:
        radiokit.io.UnreadableFileError: one of them is damaged, or their sizes differ by more than
            one pixel.
    """
    path, mask, keys = case
    width_px, height_px = _picture_size(path)
    truth = read_label_mask(mask)
    if max(abs(truth.shape[0] - height_px), abs(truth.shape[1] - width_px)) > 1:
        reason = f"it is {truth.shape[1]} x {truth.shape[0]} pixels, its image {path.name} is "
        reason += f"{width_px} x {height_px}"
        raise UnreadableFileError(mask, reason, "Put the mask of the same image there.")
    is_off = truth.shape != (height_px, width_px)
    notes = [(mask.name, "one pixel larger or smaller than its image")] if is_off else []
    row = {"image": str(path), "mask": str(mask), "annotation": "", "notes": notes}
    row |= {"mpp_um": math.nan, "magnification": math.nan}
    row |= {"width_px": width_px, "height_px": height_px, **_UNKNOWN}
    return row | {"invasive": float(bool((truth > 0).any())), **keys}


def _picture_size(path: Path) -> tuple[int, int]:
    """Width and height from the header."""
    check_file(path)
    try:
        with caught_warnings(), Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableFileError(path, brief(error), "Copy or download it again.") from error


def rows_to_table(rows: list[dict], columns: Sequence[str], unreadable: list[str]) -> pd.DataFrame:
    """Table of the rows, their notes in `attrs`.

    Use it last in an index function.

    Args:
        rows: with all columns, and `notes`.
        columns: in the order of the table.
        unreadable: sentences on what was left out.

    Returns:
        The table; `attrs["notes"]` has a sentence for each different note and the files that it
        is about, `attrs["unreadable"]` the sentences.

    Raises:
        ValueError: no row is left.
    """
    if not rows:
        reasons = name_a_few(unreadable) if unreadable else "none is of the kind that is needed"
        raise ValueError(f"No slide can be used: {reasons}")
    table = pd.DataFrame(rows)[list(columns)]
    names_of = {}
    for row in rows:
        for name, note in row["notes"]:
            names_of.setdefault(note, []).append(name)
    table.attrs = {"notes": [f"{name_a_few(names)}: {note}" for note, names in names_of.items()]}
    table.attrs["unreadable"] = unreadable
    return table
