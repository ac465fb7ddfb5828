"""The RSNA haemorrhage challenge to a case table; re-exported by `headct.py`."""

import os
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.ct_headers import (
    read_usable_headers,
    refusal_sentence,
    series_numbers,
    sort_slices,
)
from radiokit.data.headct_files import find_rsna
from radiokit.data.headct_labels import LABELS, pivot_rsna_labels
from radiokit.data.layouts import warn_left_out
from radiokit.data.picture_files import stem_of

_MANY_SLICES = 5_000  # so many headers are worth keeping
_LISTED = 1_000  # attrs are copied with every table
_EVEN_MM = 0.1
_COLUMNS = [
    *("case_id", "patient_id", "exam_id", "series_id", "image", *LABELS, "slice_index"),
    *("position_mm", "gap_mm", "table_step_mm", "shear_degrees", "spacing_row_mm"),
    *("spacing_column_mm", "spacing_slice_mm", "gantry_tilt_degrees", "thickness_mm"),
    *("orientation", "rows", "columns", "window_center", "window_width"),
    *("mask", "mask_kind", "dataset", "is_phantom"),
]


def index_rsna_ich(
    root: str | Path,
    sample: float | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    cache: str | Path | None = None,
) -> pd.DataFrame:
    """Case table of a copy of the RSNA Intracranial Hemorrhage set, or of a part of it.

    Use it on the folder that holds `stage_2_train.csv` and `stage_2_train`, on a copy with fewer
    slices, and on the phantom. Every header is read once, in parallel: patients and places of
    slices stand there only.

    Args:
        root: folder of the copy; further nesting does not matter.
        sample: share of patients to draw, such as 0.25 as in the study; None: all.
        seed: of the draw.
        executor: any of `concurrent.futures`; None: processes here if there are many files.
        cache: folder to keep header values in, so that a killed or a second call goes on from
            there. None: `.radiokit_headers` in `root` for more than 5,000 slices, and nothing is
            kept where `root` cannot be written: give a folder then.

    Returns:
        One row a slice, in anatomical order within its exam, the most caudal first: `case_id`
        (`ID_1b8ac55df`), `patient_id, exam_id, series_id, image, slice_index, position_mm, gap_mm,
        spacing_row_mm, spacing_column_mm, spacing_slice_mm` (the gap of the series, NaN where it is
        uneven or unknown), further columns of `radiokit.data.ct_series.index_ct_series`,
        `window_center, window_width`, the six `LABELS`, `mask` (a label map; "" in a real copy),
        `mask_kind` ("subtypes"), `dataset, is_phantom`. `table.attrs`: `unreadable`, a sentence for
        each file left out; `unmatched`, for each label without file and file without label (the
        first thousand of either); `notes`. One warning counts them.

    Raises:
        FileNotFoundError: no table or no slices; the text says how to get the set.
        ValueError: the table of labels is not in order, no label has a file, or `sample` is no
            share.
        OSError: the cache cannot be written.
    """
    if sample is not None and not 0 < sample <= 1:
        raise ValueError(f"sample is {sample}; give a share of patients, such as 0.25, or None.")
    files = find_rsna(root)
    labels = pivot_rsna_labels(files.labels)
    notes = list(labels.attrs["notes"])
    cases = [case for case in labels["case_id"] if case in files.images]
    unmatched = _unmatched(labels["case_id"], files.images, cases, files.labels)
    if cache is None and len(cases) > _MANY_SLICES and os.access(root, os.W_OK):
        cache = Path(root) / ".radiokit_headers"
    paths = [files.images[case] for case in cases]
    headers, refused = read_usable_headers(paths, cache, executor)
    unreadable = [refusal_sentence(*each) for each in refused]
    headers = _without_copies(headers, unreadable)
    _fill_patients(headers, notes)
    headers = _draw_patients(headers, sample, seed)
    headers.attrs["notes"] = notes
    table = sort_slices(headers)
    table["case_id"] = [stem_of(Path(image)) for image in table["image"]]
    table["spacing_slice_mm"] = _even_gap_mm(table)
    table["mask"] = [files.masks.get(case, "") for case in table["case_id"]]
    table["mask_kind"], table["dataset"] = "subtypes", "rsna_ich"
    table["is_phantom"] = read_phantom_note(root) is not None
    attrs = table.attrs
    table = table.merge(labels, on="case_id", how="left", validate="1:1")[_COLUMNS]
    table.attrs = {**attrs, "unreadable": _capped(unreadable), "unmatched": _capped(unmatched)}
    warn_left_out(unreadable, unmatched, "labels or files")
    return table


def _unmatched(
    labelled: pd.Series, images: dict[str, str], cases: list[str], path: Path
) -> list[str]:
    """Sentences on labels without a file and files without labels; at least one has both."""
    if not cases:
        raise ValueError(
            f"No slice has a label: {path} has {name_a_few(list(labelled))}, the files are "
            f"{name_a_few(list(images))}. Put the table beside its own files."
        )
    known = set(labelled)
    return [f"label {case} has no file" for case in labelled if case not in images] + [
        f"file {case}.dcm has no label" for case in images if case not in known
    ]


def _without_copies(headers: pd.DataFrame, unreadable: list[str]) -> pd.DataFrame:
    """The first of several files with one SOPInstanceUID; the others are listed."""
    is_copy = headers.duplicated("sop_uid") & (headers["sop_uid"] != "")
    first_of = headers.drop_duplicates("sop_uid").set_index("sop_uid")["image"]
    for image, uid in zip(headers["image"][is_copy], headers["sop_uid"][is_copy], strict=True):
        reason = f"its SOPInstanceUID is that of {Path(first_of[uid]).name}"
        unreadable.append(refusal_sentence(image, reason))
    return headers[~is_copy].reset_index(drop=True)


def _fill_patients(headers: pd.DataFrame, notes: list[str]) -> None:
    """Without a PatientID the exam stands for the patient."""
    is_unknown = headers["patient_id"] == ""
    if is_unknown.any():
        headers["patient_id"] = headers["patient_id"].mask(is_unknown, headers["exam_id"])
        notes.append(f"{int(is_unknown.sum())} slices without PatientID: grouped by exam")


def _draw_patients(headers: pd.DataFrame, sample: float | None, seed: int) -> pd.DataFrame:
    """All slices of a share of patients, at least one."""
    if sample is None:
        return headers
    patients = np.array(sorted(set(headers["patient_id"])))
    count = max(1, round(sample * len(patients)))
    drawn = np.random.default_rng(seed).permutation(patients)[:count]
    return headers[headers["patient_id"].isin(drawn)].reset_index(drop=True)


def _even_gap_mm(table: pd.DataFrame) -> pd.Series:
    """The gap of each row's series, where it is the same throughout."""
    gaps = table["gap_mm"].groupby(series_numbers(table))
    is_even = gaps.transform("max") - gaps.transform("min") <= _EVEN_MM
    return gaps.transform("median").where(is_even)


def _capped(sentences: list[str]) -> list[str]:
    more = len(sentences) - _LISTED
    return sentences if more <= 0 else [*sentences[:_LISTED], f"and {more} more"]
