"""Slices beside one another: a bleed is seldom in one alone, so the next ones have a say."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

SMALLEST_SERIES = 8  # images; fewer that are numbered may be anything
LARGEST_GAP = 1.25  # numbers a series spans over the images it has
NEEDED_SHARE = 0.9  # of all images, in such series
_NUMBERED = re.compile(r"(.*?)(\d+)")


def order_slices(table: pd.DataFrame) -> pd.DataFrame | None:
    """Which series each slice belongs to, and its place there, as far as it is known.

    Use it before `average_neighbours`. Taken are `slice_index` within `exam_id`, or else within
    `patient_id`; without them the numbers at the ends of the files' names, if nearly all images
    are numbered one after the other in series of eight or more, as `049_1.png`, `049_2.png`.

    Args:
        table: with `image`; perhaps `patient_id`, `exam_id` and `slice_index`.

    Returns:
        Columns `series` and `place` with the table's index; None where the order is unknown.

    Example:
        >>> names = [f"{patient}_{number}.png" for patient in "ab" for number in range(1, 10)]
        >>> order_slices(pd.DataFrame({"image": names})).tail(1)
           series  place
        17     b_      9
        >>> order_slices(pd.DataFrame({"image": ["film1.png", "film2.png"]})) is None
        True
    """
    if "slice_index" in table and "patient_id" in table:
        return pd.DataFrame({"series": exam_of(table), "place": table["slice_index"]})
    found = [_NUMBERED.fullmatch(Path(image).stem) for image in table["image"]]
    if not all(found):
        return None
    parents = [Path(image).parent for image in table["image"]]
    series = [str(folder / match[1]) for folder, match in zip(parents, found, strict=True)]
    order = pd.DataFrame(
        {"series": series, "place": [int(match[2]) for match in found]}, index=table.index
    )
    return order if _looks_like_series(order, table) else None


def _looks_like_series(order, table):
    """Whether nearly all images stand in long, unbroken series of one patient each."""
    groups = order.groupby("series")["place"]
    size, span = groups.transform("size"), groups.transform("max") - groups.transform("min") + 1
    is_series = (size >= SMALLEST_SERIES) & (span <= LARGEST_GAP * size)
    is_series &= ~order.duplicated(keep=False)
    if "patient_id" in table:
        patients = table["patient_id"].groupby(order["series"]).transform("nunique")
        is_series &= patients == 1
    return bool(is_series.mean() >= NEEDED_SHARE)


def exam_of(table: pd.DataFrame) -> pd.Series:
    """The exam of each row as text, where none is named the patient.

    Use it to bring slices together to exams.

    Args:
        table: with `patient_id`, perhaps `exam_id`.

    Returns:
        A series with the table's index.
    """
    patients = table["patient_id"].astype(str)
    if "exam_id" not in table:
        return patients
    exams = table["exam_id"]
    return exams.astype(str).where(exams.notna() & (exams.astype(str) != ""), patients)


def average_neighbours(logits: np.ndarray, order: pd.DataFrame | None, share: float) -> np.ndarray:
    """Mean of each slice's logits and those of the slices above and below.

    Use it on all slices of the series together.

    Args:
        logits: (N, labels).
        order: of the same N slices, from `order_slices`; None leaves the logits alone.
        share: weight of each neighbour, 0 to 0.5; the slice itself keeps the rest, and at an end
            also that of the neighbour that is not there.

    Returns:
        (N, labels), in the order given.

    Example:
        >>> order = pd.DataFrame({"series": ["a", "a", "a"], "place": [3, 1, 2]})
        >>> average_neighbours(np.array([[0.0], [4.0], [0.0]]), order, share=0.25).ravel()
        array([0., 3., 1.])
    """
    averaged = np.array(logits, float)
    if order is None or share == 0:
        return averaged
    ordered = order.reset_index(drop=True).sort_values("place", kind="stable")
    for rows in ordered.groupby("series").groups.values():
        stack = np.pad(logits[rows], ((1, 1), (0, 0)), mode="edge")  # (slices + 2, labels)
        averaged[rows] = (1 - 2 * share) * stack[1:-1] + share * (stack[:-2] + stack[2:])
    return averaged
