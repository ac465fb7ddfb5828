"""The area below a ROC curve, and the curve itself, with resampled patients.

A resample gives every case a weight, as often as its patient was drawn. The scores are sorted
once, and all resamples are then sums of weights along that order.
"""

import numpy as np
import pandas as pd

from radiokit.stats.intervals import Interval, interval_of_draws
from radiokit.stats.resampling import SMALLEST_BOOTSTRAP, check_groups, draw_weights


def auc_interval(y_true, y_score, patients, seed=0, num_resamples=1000) -> Interval:
    """Area below the ROC curve with its 95 % patient-bootstrap interval.

    When to use: beside every AUC. It is what `score_interval` gives for `metrics.auc_score`, in
    an eighth of the time.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        y_score: (N,), probabilities or logits, higher meaning more likely 1.
        patients: the patient of each case, (N,), any type, never missing.
        seed: the interval depends on it, and on nothing else random.
        num_resamples: patients are drawn with replacement this many times.

    Returns:
        An `Interval`, `num_undefined_resamples` counting the resamples of one class only; its
        kind is `"none"` below 10 patients and `"undefined"` without positives or negatives.

    Raises:
        ValueError: lengths differ, other values in the truth, a score is not finite, or a
            patient id is missing.

    Paper: Hanley and McNeil, Radiology 1982; Efron and Tibshirani 1993.

    Example:
        >>> found = auc_interval([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], ["a", "a", "b", "c"])
        >>> found.estimate, found.num_patients, found.kind
        (0.75, 3, 'none')
    """
    truth, scores, groups, num_undefined = _check_label(y_true, y_score, patients)
    positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
    negatives = negatives[np.argsort(scores[negatives], kind="stable")]
    below, up_to = (
        np.searchsorted(scores[negatives], scores[positives], side) for side in ("left", "right")
    )

    def areas(weights):
        """AUC of each row of weights (resamples, N): negatives below a positive, ties a half."""
        passed = np.cumsum(weights[:, negatives], axis=1)
        passed = np.pad(passed, ((0, 0), (1, 0)))  # (resamples, negatives + 1)
        beaten = (passed[:, below] + passed[:, up_to]) / 2  # (resamples, positives)
        won = np.sum(beaten * weights[:, positives], axis=1)
        return _divide(won, weights[:, positives].sum(axis=1) * passed[:, -1])

    estimate, draws, num_patients = _resample(areas, groups, seed, num_resamples)
    return interval_of_draws(estimate, draws, num_patients, num_undefined)


def roc_band(y_true, y_score, patients, seed=0, num_resamples=1000, num_points=101) -> pd.DataFrame:
    """The ROC curve on a grid of false positive rates, with a 95 % band of resampled patients.

    When to use: to draw a curve with what chance may do to it. The band is pointwise: 95 % at
    each rate by itself, so that a whole curve strays out of it more often.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        y_score: (N,), probabilities or logits, higher meaning more likely 1.
        patients: the patient of each case, (N,), any type, never missing.
        seed: the band depends on it, and on nothing else random.
        num_resamples: patients are drawn with replacement this many times.
        num_points: rates from 0 to 1, evenly spaced.

    Returns:
        A row a rate: `false_positive_rate, sensitivity, low, high`. The sensitivity is the
        highest at that rate, on straight lines between thresholds; NaN without positives or
        negatives. `low` and `high` are NaN below 10 patients. Its `attrs` hold `num_patients`
        and `num_undefined_resamples`, those of one class only.

    Raises:
        ValueError: as `auc_interval`.

    Paper: Fawcett, Pattern Recognition Letters 2006 (vertical averaging).

    Example:
        >>> band = roc_band([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "abcd", num_points=3)
        >>> band["sensitivity"].tolist()
        [0.5, 1.0, 1.0]
    """
    truth, scores, groups, _ = _check_label(y_true, y_score, patients)
    order = np.argsort(-scores, kind="stable")
    truth, scores, groups = truth[order], scores[order], groups[order]
    is_last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]  # of its ties
    rates = np.linspace(0, 1, num_points)

    def curves(weights):
        """Sensitivities (resamples, num_points) of rows of weights (resamples, N)."""
        alarms, found = (_rising_share(weights * side, is_last) for side in (~truth, truth))
        found[np.isnan(alarms[:, -1])] = np.nan
        return np.array([np.interp(rates, *steps) for steps in zip(alarms, found, strict=True)])

    sensitivity, draws, num_patients = _resample(curves, groups, seed, num_resamples)
    is_defined = ~np.isnan(draws).any(axis=1)
    low = high = np.nan
    if is_defined.any():
        low, high = np.percentile(draws[is_defined], [2.5, 97.5], axis=0)
    band = pd.DataFrame({"false_positive_rate": rates, "sensitivity": sensitivity})
    band = band.assign(low=low, high=high)
    num_undefined = int((~is_defined).sum())
    band.attrs = {"num_patients": num_patients, "num_undefined_resamples": num_undefined}
    return band


def coverage_risk_band(
    confidence, is_wrong, patients, seed=0, num_resamples=500, num_points=50
) -> pd.DataFrame:
    """Risk of the answered cases on a grid of coverages, with a 95 % band of resampled patients.

    When to use: to draw `metrics.coverage_risk_curve` with what chance may do to it. The band is
    pointwise.

    Args:
        confidence: (N,), higher meaning surer.
        is_wrong: (N,), whether the answer is wrong.
        patients: the patient of each case, (N,), any type, never missing.
        seed: the band depends on it, and on nothing else random.
        num_resamples: patients are drawn with replacement this many times.
        num_points: coverages, evenly spaced up to 1.

    Returns:
        A row a coverage: `coverage, risk, low, high`; `low` and `high` are NaN below 10 patients.
        Cases of equal confidence are answered together, on straight lines between thresholds.

    Raises:
        ValueError: lengths differ, no case, other values, or a patient id is missing.

    Paper: El-Yaniv and Wiener, JMLR 2010.

    Example:
        >>> band = coverage_risk_band([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1], "abcd", num_points=2)
        >>> band["coverage"].tolist(), band["risk"].tolist()
        ([0.5, 1.0], [0.0, 0.25])
    """
    confidence, groups = check_groups(confidence, patients)
    is_wrong = np.asarray(is_wrong)
    if is_wrong.shape != confidence.shape or not confidence.size:
        raise ValueError(
            f"There are {confidence.size} confidences and is_wrong has shape {is_wrong.shape}; "
            "each case needs both, and there must be one."
        )
    if not np.isin(is_wrong, (0, 1)).all() or not np.isfinite(confidence).all():
        raise ValueError(
            "is_wrong must hold 0 and 1, and every confidence be finite. Leave out the cases that "
            "were not scored."
        )
    is_wrong = is_wrong == 1
    groups = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(-confidence, kind="stable")
    is_wrong, groups, confidence = is_wrong[order], groups[order], confidence[order]
    is_last = np.append(confidence[1:] != confidence[:-1], True)[: len(confidence)]  # of its ties
    coverages = np.linspace(0, 1, num_points + 1)[1:]

    def risks(weights):
        """Risks (resamples, num_points) of rows of weights (resamples, N)."""
        answered = np.cumsum(weights, axis=1)[:, is_last]
        risk = _divide(np.cumsum(weights * is_wrong, axis=1)[:, is_last], answered)
        steps = zip(answered / answered[:, -1:], risk, strict=True)
        return np.array([np.interp(coverages, x[y == y], y[y == y]) for x, y in steps])

    risk, draws, _ = _resample(risks, groups, seed, num_resamples)
    low, high = np.percentile(draws, [2.5, 97.5], axis=0) if len(draws) else (np.nan, np.nan)
    return pd.DataFrame({"coverage": coverages, "risk": risk, "low": low, "high": high})


def _resample(score, groups, seed, num_resamples):
    """Score of all cases, of each resample (none below 10 patients), and how many patients."""
    num_patients = len(np.unique(groups))
    (estimate,) = score(np.ones((1, len(groups)), int))
    if num_patients < SMALLEST_BOOTSTRAP:
        return estimate, np.empty((0, *np.shape(estimate))), num_patients
    chunks = draw_weights(groups, seed, num_resamples)
    return estimate, np.concatenate([score(weights) for weights in chunks]), num_patients


def _rising_share(weights, is_last):
    """Cumulative share of the weights at the last case of every tie, from 0, (resamples, K + 1)."""
    passed = np.pad(np.cumsum(weights, axis=1)[:, is_last], ((0, 0), (1, 0)))
    return _divide(passed, np.broadcast_to(passed[:, -1:], passed.shape))


def _divide(numerator, denominator):
    quotient = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)


def _check_label(y_true, y_score, patients):
    """Truth as bool, scores and patients as numbers where the truth is known; how many not."""
    y_true = np.asarray(y_true)
    scores, groups = check_groups(y_score, patients)
    if y_true.shape != scores.shape:
        raise ValueError(
            f"Truth has shape {y_true.shape} and there are {scores.size} scores; an AUC needs (N,) "
            "of each, one label at a time. Take one column: y_true[:, k], y_score[:, k]."
        )
    wrong = (y_true != 0) & (y_true != 1) & (y_true != -1)
    if wrong.any():
        raise ValueError(
            f"Truth holds the value {y_true[wrong][0]}, but must hold 0 or 1, or -1 for unknown. "
            "Compare labels with their class first."
        )
    known = y_true >= 0
    if not np.isfinite(scores[known]).all():
        raise ValueError(
            "Some scores are NaN or infinite, so they have no place in an order. Look for a "
            "case the network could not score and leave it out, with its truth."
        )
    groups = np.unique(groups[known], return_inverse=True)[1]
    return y_true[known] == 1, scores[known], groups, int((~known).sum())
