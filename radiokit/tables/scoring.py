"""Scores of cases with their patient intervals: of a model, and of one model against another."""

import dataclasses
import re

import pandas as pd

from radiokit import stats
from radiokit.record import labels_of, main_study, patients_of

SCORE_COLUMN = re.compile(r"(dice|iou|sensitivity|specificity|cce|hd95_mm|hd95_px)_(.+)")
UNITS_AT_END = {"hd95_mm": "hd95_3d_mm", "hd95_px": "hd95_3d_px"}
_CASE_COLUMNS = ("model", "case_id", "patient_id", "split")


def score_cases(frame, by=("model", "split"), seed=0) -> pd.DataFrame:
    """Every score of a case table with its patient interval.

    When to use: to turn `cases.csv` or `volumes.csv` into scores; with `by=("model",
    "trained_on", "dataset", "split")` for the domain-shift matrix. Domain-shift rows count only
    where `by` names `trained_on`, and then they alone do.

    Args:
        frame: as for `write_cases`.
        by: columns that define a group.
        seed: of the resampling.

    Returns:
        One row a group, structure and metric: the columns of `by`, `structure`, `metric`, and
        those of `stats.Interval`. A case without a truth of the structure does not count; an
        undefined score (HD95 of two empty masks) is counted in `num_undefined`.

    Raises:
        ValueError: a column is missing.
    """
    check_case_columns(frame)
    if "trained_on" in by:
        frame = frame[frame["trained_on"].notna()]
    else:
        frame = main_study(frame)
    rows = []
    for group, cases in frame.groupby(list(by), sort=False):
        for column, metric, structure in _score_columns(cases):
            drawn = cases[_has_truth(cases, structure)]
            if len(drawn):
                interval = stats.patient_interval(drawn[column], patients_of(drawn), seed)
                names = dict(zip(by, group, strict=True))
                names |= {"structure": structure, "metric": metric}
                rows.append(names | dataclasses.asdict(interval))
    return pd.DataFrame(rows)


def name_volume_metrics(scores) -> pd.DataFrame:
    """Scores of whole volumes under names of their own, `dice_3d` and `hd95_3d_mm`.

    When to use: on what `score_cases` or `score_differences` made of volumes, before it stands
    in one table with the scores of slices.

    Args:
        scores: with a column `metric`.

    Returns:
        The same rows; the unit stays at the end.
    """
    names = [UNITS_AT_END.get(metric, f"{metric}_3d") for metric in scores["metric"]]
    return scores.assign(metric=names)


def score_differences(frame, model, compared_with, split="test", seed=0) -> pd.DataFrame:
    """Paired differences of two models, for each training seed and for all together.

    When to use: to say whether a model is better than another, after training both with the same
    seeds. The differences of one seed tell what another start of the training would change, the
    interval over patients what other patients would.

    Args:
        frame: as for `write_cases`, of all seeds, with a column `seed`, the training's.
        model: the differences are this model's score…
        compared_with: …minus this one's, on the same case and seed.
        split: the rows used.
        seed: of the resampling.

    Returns:
        One row a structure, metric and training seed, then one whose `seed` is `"all"`:
        `structure, metric, model, compared_with, seed` and the columns of `stats.Interval`.

    Raises:
        ValueError: a column is missing, a case was scored twice, or none by both models.
    """
    check_case_columns(frame)
    if "seed" not in frame:
        raise ValueError("The scored cases have no column seed, the seed of each training.")
    frame = main_study(frame, split)
    frame = frame.assign(patient_id=patients_of(frame)).set_index(["seed", "patient_id", "case_id"])
    first, second = (frame[frame["model"] == name] for name in (model, compared_with))
    if first.index.has_duplicates or second.index.has_duplicates:
        raise ValueError("A case was scored twice by one model and seed; keep one row of each.")
    first, second = first.align(second, join="inner", axis=0)
    if first.empty:
        raise ValueError(
            f"No {split} case was scored by both {model!r} and {compared_with!r} with the same "
            "seed; a paired difference needs both."
        )
    rows = []
    for column, metric, structure in _score_columns(first):
        difference = (first[column] - second[column])[_has_truth(first, structure)]
        seeds = difference.index.get_level_values("seed")
        for name in [*seeds.unique(), "all"]:
            mine = difference if name == "all" else difference[seeds == name]
            patients = mine.index.get_level_values("patient_id")
            names = {"structure": structure, "metric": metric, "model": model}
            names |= {"compared_with": compared_with, "seed": name}
            interval = stats.patient_interval(mine, patients, seed)
            rows.append(names | dataclasses.asdict(interval))
    return pd.DataFrame(rows)


def interval_of_row(row) -> stats.Interval:
    """The interval of one row of `score_cases`.

    When to use: for the headline of a run.

    Args:
        row: a row, as `scores.iloc[0]`.

    Returns:
        A `stats.Interval`.
    """
    return stats.Interval(
        estimate=float(row["estimate"]),
        low=float(row["low"]),
        high=float(row["high"]),
        num_patients=int(row["num_patients"]),
        num_undefined=int(row["num_undefined"]),
        kind=str(row["kind"]),
        num_undefined_resamples=_count(row.get("num_undefined_resamples")),
    )


def score_agreement(frame, quantity, split="test", seed=0) -> pd.DataFrame:
    """Bland-Altman agreement of a measurement, a row a model.

    When to use: for the cardiothoracic ratio, a volume in mL or an ejection fraction.

    Args:
        frame: as for `write_cases` or `write_volumes`, with `<quantity>_true` and
            `<quantity>_predicted`.
        quantity: the measurement's name, `"cardiothoracic_ratio"` or `"blood_pool_ml"`.
        split: the rows used.
        seed: of the resampling.

    Returns:
        Columns `quantity, model` and those of `stats.Agreement`. Cases without a true value do
        not count; those where the prediction could not be measured are in `num_undefined`.
    """
    rows = []
    for model, cases in main_study(frame, split).groupby("model", sort=False):
        cases = cases[cases[f"{quantity}_true"].notna()]
        found = stats.bland_altman(
            cases[f"{quantity}_predicted"], cases[f"{quantity}_true"], patients_of(cases), seed
        )
        rows.append({"quantity": quantity, "model": model} | dataclasses.asdict(found))
    return pd.DataFrame(rows)


def check_case_columns(frame) -> None:
    """Raise ValueError when a table of scored cases lacks a column.

    When to use: before writing or scoring cases.

    Args:
        frame: the table.

    Raises:
        ValueError: naming the missing columns.
    """
    missing = [name for name in _CASE_COLUMNS if name not in frame.columns]
    if missing:
        raise ValueError(
            f"The scored cases have no column {', '.join(missing)}; they need "
            f"{', '.join(_CASE_COLUMNS)}, then the scores, as dice_heart."
        )


def _score_columns(cases):
    found = ((column, SCORE_COLUMN.fullmatch(column)) for column in cases.columns)
    return [(column, match[1], match[2]) for column, match in found if match]


def _count(number):
    """A count, 0 where a row of another kind of score has none."""
    return 0 if number is None or pd.isna(number) else int(number)


def _has_truth(cases, structure):
    """Dice is defined wherever there is a truth, so its absence means nobody drew one."""
    column = f"dice_{structure}"
    return cases[column].notna() if column in cases else pd.Series(True, index=cases.index)


def check_label_columns(frame) -> None:
    """Refuse a frame of classified cases without labels, or with a label without its truth.

    When to use: first, in every function that scores labels.

    Args:
        frame: what was given.

    Raises:
        ValueError: a column is missing.
    """
    labels = labels_of(frame)
    missing = [f"truth_{label}" for label in labels if f"truth_{label}" not in frame]
    if missing or not labels:
        raise ValueError(
            f"The scored cases have no column {', '.join(missing) or 'probability_<label>'}; each "
            "label needs truth_<label> (0, 1 or empty) and probability_<label>."
        )
