"""Counts and histograms of a model's slides, read from a record as arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiokit.record.cases import main_study, patients_of

COUNTS = ("tp", "fp", "fn", "tn")  # columns `tp_<structure>`: pixels, one against the rest
LESION_CLASSES = ("benign", "in_situ", "invasive")
REGION_CLASSES = ("background", *LESION_CLASSES)  # a pixel's class is its place here
MACRO, ALL_CLASSES = "macro", "all_classes"  # what stands where other scores name a structure
NUM_BINS = 256


@dataclass(frozen=True, eq=False)
class SlideCounts:
    """The pixels of a model's slides: counts that can be summed.

    Attributes:
        case_ids: the slides, (N,).
        patients: the patient of each, (N,).
        structures: their names, S of them, each against the rest.
        counts: tp, fp, fn, tn, (N, S, 4); NaN where the truth is not known.
        positives: histograms of the score, (N, S, 256); zeros where none was written.
        negatives: the same of negative pixels.
    """

    case_ids: np.ndarray
    patients: np.ndarray
    structures: tuple
    counts: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @property
    def has_classes(self) -> bool:
        """Whether the structures are the region classes, of which a pixel has one."""
        return set(REGION_CLASSES) <= set(self.structures)


def counted_structures(cases) -> list[str]:
    """The structures a case table has pixel counts of, in its order; none without slides."""
    return [name.removeprefix("tp_") for name in cases.columns if name.startswith("tp_")]


def slide_counts(cases, histograms, model, split="test") -> SlideCounts:
    """The counts and histograms of a model's slides.

    When to use: before slides are scored, by themselves or summed.

    Args:
        cases: `Run.cases()`.
        histograms: as `read_pixel_scores` reads them.
        model: the model.
        split: the rows used.

    Returns:
        A `SlideCounts` of the structures of which this model has any count.

    Raises:
        ValueError: no such slides, or a slide that was scored twice.
    """
    cases = main_study(cases, split)
    cases = cases[cases["model"] == model]
    structures = tuple(
        name for name in counted_structures(cases) if cases[f"tp_{name}"].notna().any()
    )
    if not structures:
        raise ValueError(
            f"The cases have no pixel counts of {model!r} on the {split} split; they need the "
            f"columns {', '.join(f'{count}_<structure>' for count in COUNTS)}."
        )
    if cases["case_id"].duplicated().any():
        twice = cases.loc[cases["case_id"].duplicated(), "case_id"].iloc[0]
        raise ValueError(
            f"The cases score the slide {twice} twice for {model!r}, and its pixels would count "
            "twice. Keep one row of each slide."
        )
    columns = [f"{count}_{name}" for name in structures for count in COUNTS]
    counts = cases[columns].to_numpy(float).reshape(len(cases), len(structures), len(COUNTS))
    mine = histograms[(histograms["model"] == model) & (histograms["split"] == split)]
    found = _spread_bins(mine, cases, structures)
    patients = patients_of(cases).to_numpy()
    return SlideCounts(cases["case_id"].to_numpy(), patients, structures, counts, *found)


def read_pixel_scores(run) -> pd.DataFrame:
    """Histograms of scores over pixels: a row a model, slide, structure and bin that is not empty.

    When to use: for an AUC of pixels; see `report.write_pixel_scores`.

    Args:
        run: a `Run`.

    Returns:
        Columns `model, split, case_id, structure, bin, positives, negatives`; no rows where none
        were written.
    """
    columns = ["model", "split", "case_id", "structure", "bin", "positives", "negatives"]
    path = run.folder / "pixel_scores.csv"
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    text = dict.fromkeys(columns[:4], str)
    return pd.read_csv(path, dtype=text, usecols=columns, encoding="utf-8")


def _spread_bins(rows, cases, structures):
    """Positives and negatives (N, S, 256) of histograms written without their empty bins."""
    places = (
        pd.Index(cases["case_id"]).get_indexer(rows["case_id"]),
        pd.Index(structures).get_indexer(rows["structure"]),
        rows["bin"].to_numpy(int),
    )
    is_mine = (places[0] >= 0) & (places[1] >= 0)
    places = tuple(place[is_mine] for place in places)
    found = np.zeros((2, len(cases), len(structures), NUM_BINS))
    for side, column in zip(found, ("positives", "negatives"), strict=True):
        np.add.at(side, places, rows.loc[is_mine, column].to_numpy(float))
    return found
