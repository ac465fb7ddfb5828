"""Thresholds chosen from scores and truth, to be used as `score >= threshold`.

Choose them on validation cases and use them on test cases: a threshold shown on the cases it was
chosen on promises too much. Both return one of the scores, so that rounding the scores afterwards
may move a case across; NaN where the set cannot tell, so that a caller can fall back and say so.
"""

import numpy as np

from radiokit.metrics.checks import known_scores
from radiokit.metrics.curves import roc_curve


def youden_threshold(y_true, scores) -> float:
    """The threshold with the largest sensitivity + specificity − 1.

    When to use: missed and false findings matter alike. Of several thresholds equally good the
    lowest is taken, which misses least.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown; validation cases.
        scores: (N,), probabilities or logits, higher meaning more likely 1.

    Returns:
        One of the scores; NaN unless there are positives and negatives.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score not finite.

    Paper: Youden, Cancer 1950.

    Example:
        >>> youden_threshold([0, 0, 0, 1, 1], [0.02, 0.03, 0.2, 0.1, 0.3])
        0.1
    """
    truth, scores = known_scores(y_true, scores)
    num_positives, num_negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
    if not num_positives or not num_negatives:
        return float("nan")
    curve = roc_curve(truth, scores)
    found = np.rint(curve.sensitivity * num_positives) * num_negatives
    alarms = np.rint(curve.false_positive_rate * num_negatives) * num_positives
    gain = found - alarms  # whole numbers, so that ties are exact
    return float(curve.thresholds[gain == gain.max()][-1])


def sensitivity_threshold(y_true, scores, target) -> float:
    """The highest threshold that still finds a stated share of the positives.

    When to use: triage, where a miss costs more than an alarm and the sensitivity is agreed on
    beforehand. On other cases the sensitivity will be near the target, not at it.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown; validation cases.
        scores: (N,), probabilities or logits, higher meaning more likely 1.
        target: least sensitivity, above 0 and at most 1.

    Returns:
        The score of a positive; NaN without a positive.

    Raises:
        ValueError: the target is no share; or as `youden_threshold`.

    Example:
        >>> sensitivity_threshold([0, 1, 1, 1, 1], [0.3, 0.1, 0.2, 0.4, 0.9], target=0.75)
        0.2
    """
    if not 0 < target <= 1:
        raise ValueError(
            f"The target sensitivity is {target}; it must lie above 0 and at most at 1. Give "
            "0.95 for 95 %."
        )
    truth, scores = known_scores(y_true, scores)
    positives = np.sort(scores[truth])[::-1]
    if not len(positives):
        return float("nan")
    is_enough = np.arange(1, len(positives) + 1) / len(positives) >= target
    return float(positives[is_enough][0])
