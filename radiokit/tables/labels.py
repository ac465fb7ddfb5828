"""Scores of a classifier, label by label: never an argmax, always the patients resampled."""

import dataclasses

import numpy as np
import pandas as pd

from radiokit import metrics, stats
from radiokit.metrics.checks import ratio
from radiokit.record import (
    HALF,
    LEVELS,
    answered_labels,
    chosen_thresholds,
    has_enough_patients,
    known_label,
    main_study,
    models_with,
)
from radiokit.stats.intervals import interval_of_draws
from radiokit.stats.resampling import draw_patients, draw_weights
from radiokit.tables.scoring import check_case_columns, check_label_columns


def score_labels(frame, thresholds=None, seed=0, level="slices") -> pd.DataFrame:
    """Every label's scores with their patient intervals, all cases of a split pooled.

    When to use: to turn the probabilities of `cases.csv` (or, with `level="exams"`, of
    `exams.csv`) into scores, beside those of `score_cases`. Where every case has the label, or
    none has, AUC, average precision and one of the ratios are NaN; the counts say why.

    Args:
        frame: as for `write_cases`, with `truth_<label>` and `probability_<label>`.
        thresholds: rows `model, label, rule, threshold` (and perhaps `level`), as
            `choose_thresholds` makes them; 0.5 is always among them.
        seed: of the resampling.
        level: `"slices"`, or `"exams"`, whose scores are named `exam_auc` and so on.

    Returns:
        One row a model, split, label (`structure`), metric and rule: AUC and average precision,
        and at each threshold sensitivity, specificity and precision; those of chosen thresholds
        are named `sensitivity_at_<rule>`. Then `threshold`, `num_positives`, `num_negatives`,
        `num_positive_patients` and the columns of `stats.Interval`. There is no interval (kind
        `"none"`) below ten patients, nor where one patient alone has the label.

    Raises:
        ValueError: a column is missing, or the level is another.

    Paper: Obuchowski, AJR 1997 (patients, not their images, are independent).
    """
    check_case_columns(frame)
    _check_labels(frame, level)
    frame = main_study(frame)
    rows = []
    for model in models_with(frame, "probability"):
        chosen = chosen_thresholds(thresholds, model, level)
        for split, cases in frame[frame["model"] == model].groupby("split", sort=False):
            for label in answered_labels(cases):
                rules = [HALF, *chosen[chosen["label"] == label].to_dict("records")]
                names = {"model": model, "split": split, "structure": label}
                rows += [
                    names | row for row in _score_label(known_label(cases, label), rules, seed)
                ]
    scores = pd.DataFrame(rows)
    return scores.assign(metric=LEVELS[level] + scores["metric"])


def choose_thresholds(frame, target=0.95, level="slices") -> pd.DataFrame:
    """Two thresholds a label, chosen on validation: Youden's, and one for a stated sensitivity.

    When to use: before `score_labels`, with the validation rows among the others; only they are
    looked at. A label without a validation case of either kind keeps 0.5 alone.

    Args:
        frame: as for `score_labels`.
        target: the sensitivity that the second threshold must reach, above 0 to 1.
        level: `"slices"` or `"exams"`.

    Returns:
        Rows `model, level, label, rule, threshold`, for `score_labels` and `write_metrics`.

    Raises:
        ValueError: no validation rows, or the level is another.

    Paper: Youden, Cancer 1950.
    """
    _check_labels(frame, level)
    validation = main_study(frame, "validation")
    if validation.empty:
        raise ValueError(
            "The scored cases have no validation rows; a threshold is chosen there, never on the "
            "test it is shown on. Predict the validation cases too."
        )
    rows = []
    for model in models_with(validation, "probability"):
        mine = validation[validation["model"] == model]
        for label in answered_labels(mine):
            known = known_label(mine, label)
            truth, probability = known["truth"].to_numpy(), known["probability"].to_numpy()
            if len(set(truth)) < 2:
                continue
            rules = {
                "youden": metrics.youden_threshold(truth, probability),
                f"sensitivity_{target:g}": metrics.sensitivity_threshold(
                    truth, probability, target
                ),
            }
            names = {"model": model, "level": level, "label": label}
            rows += [names | {"rule": rule, "threshold": value} for rule, value in rules.items()]
    return pd.DataFrame(rows, columns=["model", "level", "label", "rule", "threshold"])


def _score_label(known, rules, seed):
    """Rows of one label: the two scores without a threshold, then three at each threshold."""
    truth, probability = known["truth"].to_numpy(), known["probability"].to_numpy()
    patients = known["patient"].to_numpy()
    found = {
        "auc": stats.auc_interval(truth, probability, patients, seed),
        "average_precision": _average_precision_interval(truth, probability, patients, seed),
    }
    if not has_enough_patients(known):
        found = {metric: _without_ends(interval) for metric, interval in found.items()}
    rows = [{"metric": metric} | dataclasses.asdict(found[metric]) for metric in found]
    for rule in rules:
        ending = "" if rule["rule"] == HALF["rule"] else f"_at_{rule['rule']}"
        names = {"rule": rule["rule"], "threshold": rule["threshold"]}
        for name, interval in _score_threshold(known, rule["threshold"], seed).items():
            rows.append({"metric": name + ending} | names | dataclasses.asdict(interval))
    counts = {"num_positives": int((truth == 1).sum()), "num_negatives": int((truth == 0).sum())}
    counts["num_positive_patients"] = len(set(patients[truth == 1]))
    empty = {"rule": None, "threshold": np.nan}
    return [{"metric": row["metric"]} | empty | counts | row for row in rows]


def _average_precision_interval(truth, probability, patients, seed, num_resamples=1000):
    """What `stats.score_interval` gives for `metrics.average_precision_score`, much faster."""
    estimate = metrics.average_precision_score(truth, probability)
    groups, draws = np.unique(patients, return_inverse=True)[1], []
    num_patients = len(set(groups))
    if num_patients >= stats.SMALLEST_BOOTSTRAP:
        order = np.argsort(-probability, kind="stable")
        is_last = np.append(np.diff(probability[order]) != 0, True)  # of its ties
        for weights in draw_weights(groups, seed, num_resamples):  # (resamples, N)
            found, alarms = (
                np.cumsum(weights[:, order] * side[order], axis=1)[:, is_last]
                for side in (truth, 1 - truth)
            )
            steps = np.diff(found, axis=1, prepend=0)
            gained = np.sum(steps * found / np.maximum(found + alarms, 1), axis=1)
            is_defined = (found[:, -1] > 0) & (alarms[:, -1] > 0)
            draws.append(np.where(is_defined, ratio(gained, found[:, -1]), np.nan))
    return interval_of_draws(estimate, np.concatenate([[], *draws]), num_patients, 0)


def _score_threshold(known, threshold, seed):
    """Sensitivity, specificity and precision at a threshold, with their intervals."""
    truth, called = known["truth"] == 1, known["probability"] >= threshold
    counted = {
        "sensitivity": (truth & called, truth),
        "specificity": (~truth & ~called, ~truth),
        "precision": (truth & called, called),
    }
    patients = np.unique(known["patient"], return_inverse=True)[1]
    return {
        name: _pooled_interval(*(np.bincount(patients, side) for side in sides), seed)
        for name, sides in counted.items()
    }


def _pooled_interval(found, among, seed, num_resamples=1000):
    """The ratio of two sums over patients (P,), both of the patients drawn.

    It is what `stats.score_interval` gives, much faster.
    """
    draws = [np.nan]
    if len(found) >= stats.SMALLEST_BOOTSTRAP and np.count_nonzero(among) > 1:
        picks = np.concatenate(list(draw_patients(len(found), seed, num_resamples)))
        draws = ratio(found[picks].sum(axis=1), among[picks].sum(axis=1))
    return interval_of_draws(ratio(found.sum(), among.sum()), draws, len(found), 0)


def _without_ends(interval):
    """The estimate alone, where resampling patients would tell nothing."""
    kind = interval.kind if interval.kind == "undefined" else "none"
    return dataclasses.replace(interval, low=np.nan, high=np.nan, kind=kind)


def _check_labels(frame, level):
    if level not in LEVELS:
        raise ValueError(f"The level is {level!r}; it must be one of {', '.join(LEVELS)}.")
    check_label_columns(frame)
