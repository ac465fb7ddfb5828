"""Leaving out what a network is not sure of: how much is still answered, and how often wrongly.

A case is answered where its confidence is at or above a threshold; the others are left to a human.
Coverage is the share of cases answered, risk the share of wrong ones among these.
"""

from typing import NamedTuple

import numpy as np

from radiokit.metrics.checks import check_values


class CoverageRiskCurve(NamedTuple):
    """Risk against coverage, a point a threshold, from the surest cases alone to all cases.

    Attributes:
        coverage: (K,), rising to 1; the share of cases answered.
        risk: (K,); the share of wrong ones among the answered. It need not rise.
        thresholds: (K,), falling; answered is what has at least this confidence.
    """

    coverage: np.ndarray
    risk: np.ndarray
    thresholds: np.ndarray


def coverage_risk_curve(confidence, is_wrong) -> CoverageRiskCurve:
    """Risk and coverage at every threshold of confidence.

    When to use: to see whether a network knows when it does not know. The risk falls to the left
    where it does and stays level where its confidence says nothing. With several labels an image,
    a confidence can be the smallest distance of a probability from its threshold, and wrong can
    be an image with any label wrong.

    Args:
        confidence: (N,), higher meaning surer, of any scale.
        is_wrong: (N,), 1 or True where the answer is wrong, else 0.

    Returns:
        A `CoverageRiskCurve` with a point for every distinct confidence; of no points without a
        case.

    Raises:
        ValueError: not two equal columns, `is_wrong` is not 0 or 1, or a confidence not finite.

    Paper: El-Yaniv and Wiener, JMLR 2010; Geifman and El-Yaniv, NeurIPS 2017.

    Example:
        >>> curve = coverage_risk_curve([0.9, 0.8, 0.8, 0.3], [0, 0, 1, 1])
        >>> curve.coverage.tolist(), curve.risk.round(3).tolist()
        ([0.25, 0.75, 1.0], [0.0, 0.333, 0.5])
    """
    confidence, is_wrong = _check(confidence, is_wrong)
    order = np.argsort(-confidence, kind="stable")
    confidence, is_wrong = confidence[order], is_wrong[order]
    is_last = np.append(confidence[1:] != confidence[:-1], True)[: len(confidence)]  # of its ties
    num_answered = np.flatnonzero(is_last) + 1
    num_wrong = np.cumsum(is_wrong)[is_last]
    return CoverageRiskCurve(
        num_answered / max(1, len(confidence)), num_wrong / num_answered, confidence[is_last]
    )


def coverage_risk_area(confidence, is_wrong) -> float:
    """Area below the coverage-risk curve: the risk averaged over all coverages. Low is good.

    When to use: to compare measures of confidence on the same answers in one number. A confidence
    that says nothing gives the share of wrong answers, whatever the network: between two networks
    the better one usually has the smaller area for that reason alone.

    Args:
        confidence: (N,), higher meaning surer, of any scale.
        is_wrong: (N,), 1 or True where the answer is wrong, else 0.

    Returns:
        Float in 0..1: the mean over the cases of the risk at the threshold that just answers
        them; NaN without a case.

    Raises:
        ValueError: as `coverage_risk_curve`.

    Paper: Geifman, Uziel and El-Yaniv, ICLR 2019.

    Example:
        >>> coverage_risk_area([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1])
        0.0625
    """
    curve = coverage_risk_curve(confidence, is_wrong)
    if not len(curve.coverage):
        return float("nan")
    return float(np.sum(np.diff(curve.coverage, prepend=0.0) * curve.risk))


def rejection_threshold(confidence, is_wrong, target_risk) -> float:
    """The lowest threshold at which the answered cases are wrong at most as often as agreed.

    When to use: on validation cases, to choose when a network says "I don't know". On other cases
    the risk will be near the target, not at it: print it with its coverage and interval.

    Args:
        confidence: (N,), higher meaning surer; validation cases.
        is_wrong: (N,), 1 or True where the answer is wrong, else 0.
        target_risk: largest share of wrong answers, from 0 to below 1.

    Returns:
        The confidence of a case, to answer where `confidence >= threshold`; infinity, at which
        nothing is answered, where even the surest cases are wrong too often; NaN without a case.

    Raises:
        ValueError: the target is no share; or as `coverage_risk_curve`.

    Example:
        >>> rejection_threshold([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1], target_risk=0.4)
        0.7
    """
    if not 0 <= target_risk < 1:
        raise ValueError(
            f"The target risk is {target_risk}; it must be at least 0 and below 1. Give 0.05 to "
            "allow 5 % of the answers to be wrong."
        )
    curve = coverage_risk_curve(confidence, is_wrong)
    if not len(curve.risk):
        return float("nan")
    return float(min(curve.thresholds[curve.risk <= target_risk], default=np.inf))


def _check(confidence, is_wrong):
    confidence, is_wrong = np.asarray(confidence, float), np.asarray(is_wrong)
    if confidence.ndim != 1 or confidence.shape != is_wrong.shape:
        raise ValueError(
            f"The confidence has shape {confidence.shape} and is_wrong {is_wrong.shape}; each "
            "needs (N,), a number a case. Bring several labels to one number an image first, such "
            "as the smallest confidence and (y_true != y_pred).any(axis=1)."
        )
    check_values("is_wrong", is_wrong, lowest=0)
    if not np.isfinite(confidence).all():
        raise ValueError(
            "Some confidences are NaN or infinite, so they have no place in an order. Look for a "
            "case the network could not score and leave it out."
        )
    return confidence, is_wrong == 1
