"""A classifier's scores over all of its labels together, beside the published ones."""

import dataclasses

import numpy as np
import pandas as pd

from radiokit.metrics.checks import ratio
from radiokit.record import label_arrays, labels_of, main_study, models_with, patients_of, read_run
from radiokit.stats.intervals import interval_of_draws
from radiokit.stats.resampling import SMALLEST_BOOTSTRAP, draw_patients
from radiokit.tables.scoring import check_case_columns, check_label_columns, interval_of_row

ALL_LABELS = "all_labels"  # what stands where other scores name a structure or a label
POOLED_METRICS = (
    *("accuracy", "f1_pooled", "f1_present", "f1_classes"),
    *("exact_match", "sensitivity", "specificity"),
)
NUM_RESAMPLES = 1000


def score_all_labels(frame, seed=0) -> pd.DataFrame:
    """Scores of all labels together at a threshold of 0.5, with their patient intervals.

    When to use: to turn the probabilities of `cases.csv` into the one line a model that a paper
    prints. What each score counts: `accuracy`, the share of right answers, 1 less the Hamming
    loss; `sensitivity` and `specificity`, over all answers; `exact_match`, the share of images
    without a wrong answer; the three F1s, see `radiokit.metrics.macro_f1_conventions`.

    Args:
        frame: as for `write_cases`, with `truth_<label>` (0, 1 or empty) and
            `probability_<label>`.
        seed: of the resampling.

    Returns:
        One row a model, split and metric, `structure` being `"all_labels"`; then the columns of
        `stats.Interval`, without ends (kind `"none"`) below ten patients.

    Raises:
        ValueError: a column is missing.
    """
    check_case_columns(frame)
    check_label_columns(frame)
    labels = labels_of(frame)
    frame = main_study(frame)
    rows = []
    for model in models_with(frame, "probability"):
        for split, cases in frame[frame["model"] == model].groupby("split", sort=False):
            for metric, interval in _score(cases, labels, seed).items():
                names = {"model": model, "split": split, "structure": ALL_LABELS, "metric": metric}
                rows.append(names | dataclasses.asdict(interval))
    return pd.DataFrame(rows)


def all_labels_table(folder, split="test") -> pd.DataFrame:
    """One line a model: every score of `score_all_labels`, and the published ones beside them.

    When to use: as the study's table of results.

    Args:
        folder: the run's record, with rows of `score_all_labels`.
        split: `"test"` or `"validation"`.

    Returns:
        `model`, then a column a metric, of `stats.Interval`, and `<metric>_published` where the
        record has published scores of it; models that were only published come last.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder)
    scores = run.scores()
    scores = scores[(scores["structure"] == ALL_LABELS) & (scores["split"] == split)]
    if scores.empty:
        raise ValueError(f"{run.folder} has no score of all labels on the {split} split.")
    published = {metric: run.published(metric) for metric in POOLED_METRICS}
    printed = [model for models in published.values() for model in models]
    table = pd.DataFrame({"model": list(dict.fromkeys([*scores["model"], *printed]))})
    for metric in POOLED_METRICS:
        mine = scores[scores["metric"] == metric].set_index("model")
        table[metric] = [
            interval_of_row(mine.loc[model]) if model in mine.index else None
            for model in table["model"]
        ]
        if published[metric]:
            theirs = [published[metric].get(model, {}) for model in table["model"]]
            table[f"{metric}_published"] = [row.get(ALL_LABELS, np.nan) for row in theirs]
    return table


def all_labels_caption(run, split="test") -> str:
    """The caption of `all_labels_table`; it says what the published numbers are.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        split: as in the table.

    Returns:
        Sentences in the run's language.
    """
    caption = run.words.text("tables", "all_labels", {"split": run.words.name("splits", split)})
    return f"{caption} {run.published_note}" if run.published("accuracy") else caption


def _score(cases, labels, seed):
    """Metric to interval."""
    truth, probability = label_arrays(cases, labels)
    known = truth >= 0
    has_label = known.any(axis=1)
    is_there, is_called = truth == 1, (probability >= 0.5) & known
    cells = (is_there & is_called, is_called & ~is_there, is_there & ~is_called,
             known & ~is_there & ~is_called)  # fmt: skip
    exact = np.stack([(is_there == is_called).all(axis=1) & has_label, has_label], axis=1)
    counts = np.concatenate([np.stack(cells, axis=-1).reshape(len(cases), -1), exact], axis=1)
    groups = np.unique(patients_of(cases)[has_label], return_inverse=True)[1]
    sums = np.zeros((groups.max(initial=-1) + 1, counts.shape[1]))
    np.add.at(sums, groups, counts[has_label])
    total = sums.sum(axis=0)
    share = _share_scored(total)
    estimates = _metrics_of(total, share)
    draws = {metric: [] for metric in estimates}
    if len(sums) >= SMALLEST_BOOTSTRAP:
        for picks in draw_patients(len(sums), seed, NUM_RESAMPLES):
            times = np.stack([np.bincount(pick, minlength=len(sums)) for pick in picks])
            for metric, values in _metrics_of(times @ sums, share).items():
                draws[metric].append(values)
    left_out = int((~has_label).sum())
    return {
        metric: interval_of_draws(
            estimate, np.concatenate(draws[metric] or [[np.nan]]), len(sums), left_out
        )
        for metric, estimate in estimates.items()
    }


def _share_scored(total):
    """Share of the labels that any image has or is called; the others' F1 counts 0."""
    tp, fp, fn, _ = _cells(total)
    return np.mean(tp + fp + fn > 0)


def _cells(sums):
    """Counts tp, fp, fn, tn of each label, (..., labels) each."""
    return np.moveaxis(sums[..., :-2].reshape(*sums.shape[:-1], -1, 4), -1, 0)


def _metrics_of(sums, share_scored):
    """Every metric of summed counts (..., 4 · labels + 2).

    A label that only a resample lacks is left out of that resample: counting 0 for it, as for a
    label that the whole set lacks, would push the interval of `f1_classes` below its estimate.
    """
    tp, fp, fn, tn = _cells(sums)
    f1 = ratio(2 * tp, 2 * tp + fp + fn)  # (..., labels), NaN where nothing is nor is called
    is_present = tp + fn > 0
    found, alarms, missed, quiet = (side.sum(axis=-1) for side in (tp, fp, fn, tn))
    of_present = ratio(2 * found, 2 * found + alarms + missed)
    of_absent = ratio(2 * quiet, 2 * quiet + alarms + missed)
    return {
        "accuracy": ratio(found + quiet, found + quiet + alarms + missed),
        "f1_pooled": _nan_mean(np.stack([of_present, of_absent], axis=-1)),
        "f1_present": ratio(np.sum(np.where(is_present, f1, 0), -1), is_present.sum(axis=-1)),
        "f1_classes": share_scored * _nan_mean(f1),
        "exact_match": ratio(sums[..., -2], sums[..., -1]),
        "sensitivity": ratio(found, found + missed),
        "specificity": ratio(quiet, quiet + alarms),
    }


def _nan_mean(values):
    """Mean over the last axis of what is defined."""
    is_defined = ~np.isnan(values)
    return ratio(np.sum(np.where(is_defined, values, 0), axis=-1), is_defined.sum(axis=-1))
