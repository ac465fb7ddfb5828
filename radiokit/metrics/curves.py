"""Curves of one label over every threshold, and the areas below them.

A case counts as found where its score is at or above the threshold. Truth is (N,) of 0 and 1, and
a case whose truth is -1 is left out. Tied scores make one step of the curve.
"""

from typing import NamedTuple

import numpy as np

from radiokit.metrics.checks import known_scores, ratio


class RocCurve(NamedTuple):
    """Sensitivity against the false positive rate, a point a threshold, from (0, 0) to (1, 1).

    Attributes:
        false_positive_rate: (K,), rising; 1 − specificity.
        sensitivity: (K,), rising.
        thresholds: (K,), falling from infinity, at which nothing is found.
    """

    false_positive_rate: np.ndarray
    sensitivity: np.ndarray
    thresholds: np.ndarray


class PrecisionRecallCurve(NamedTuple):
    """Precision against recall, a point a threshold, from recall 0 to recall 1.

    Attributes:
        precision: (K,); at the first point nothing is found, and it is 1 by convention.
        recall: (K,), rising; another name of sensitivity.
        thresholds: (K,), falling from infinity.
    """

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


def roc_curve(y_true, scores) -> RocCurve:
    """Sensitivity and false positive rate at every threshold.

    When to use: to see what any threshold would do. It does not depend on prevalence.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        scores: (N,), probabilities or logits, higher meaning more likely 1.

    Returns:
        A `RocCurve` with a point for every distinct score and one at infinity; the sensitivity
        is NaN throughout without a positive, the false positive rate without a negative.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score not finite.

    Paper: Fawcett, Pattern Recognition Letters 2006.

    Example:
        >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> curve.sensitivity.tolist(), curve.false_positive_rate.tolist()
        ([0.0, 0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0])
    """
    tp, fp, thresholds = _cumulative_counts(y_true, scores)
    return RocCurve(_share(fp), _share(tp), thresholds)


def precision_recall_curve(y_true, scores) -> PrecisionRecallCurve:
    """Precision and recall at every threshold.

    When to use: rare findings, where a false positive rate of 5 % may be more alarms than
    findings. Precision falls with prevalence: never compare it between sets of another one.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        scores: (N,), probabilities or logits, higher meaning more likely 1.

    Returns:
        A `PrecisionRecallCurve`; the recall is NaN throughout without a positive.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score not finite.

    Paper: Saito and Rehmsmeier, PLoS ONE 2015.

    Example:
        >>> curve = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> curve.recall.tolist()
        [0.0, 0.5, 0.5, 1.0, 1.0]
        >>> curve.precision.round(2).tolist()
        [1.0, 1.0, 0.5, 0.67, 0.5]
    """
    tp, fp, thresholds = _cumulative_counts(y_true, scores)
    precision = ratio(tp, tp + fp)
    precision[0] = 1.0
    return PrecisionRecallCurve(precision, _share(tp), thresholds)


def auc_score(y_true, scores) -> float:
    """Area below the ROC curve: the chance that a positive scores above a negative.

    When to use: how well a label is told apart before any threshold is chosen. A tie counts a
    half. An area near 1 does not say that 0.5 is a good threshold.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        scores: (N,), probabilities or logits, higher meaning more likely 1.

    Returns:
        Float in 0..1, 0.5 for guessing; NaN unless there are positives and negatives.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score not finite.

    Paper: Hanley and McNeil, Radiology 1982.

    Example:
        >>> auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    curve = roc_curve(y_true, scores)
    if len(curve.thresholds) == 1:  # no case at all
        return float("nan")
    return float(np.trapezoid(curve.sensitivity, curve.false_positive_rate))


def average_precision_score(y_true, scores) -> float:
    """Precision averaged over the steps of recall, without interpolation.

    When to use: beside the AUC of a rare finding. Guessing gives the prevalence, not 0.5.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        scores: (N,), probabilities or logits, higher meaning more likely 1.

    Returns:
        Float in 0..1; NaN without a positive, or without a negative to be told from.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score not finite.

    Example:
        >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3)
        0.833
    """
    tp, fp, _ = _cumulative_counts(y_true, scores)
    if not fp[-1]:
        return float("nan")
    return float(np.sum(np.diff(_share(tp)) * ratio(tp, tp + fp)[1:]))


def _cumulative_counts(y_true, scores):
    """True and false positives at each threshold, from infinity down over the distinct scores."""
    truth, scores = known_scores(y_true, scores)
    order = np.argsort(-scores, kind="stable")
    truth, scores = truth[order], scores[order]
    is_last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]  # of its ties
    tp = np.cumsum(truth, dtype=np.int64)[is_last]
    fp = np.cumsum(~truth, dtype=np.int64)[is_last]
    return np.append(0, tp), np.append(0, fp), np.append(np.inf, scores[is_last])


def _share(cumulative):
    return ratio(cumulative, np.full(cumulative.shape, cumulative[-1]))
