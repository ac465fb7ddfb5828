"""Whether a probability of 0.3 is right 3 times in 10, and the one number that mends most of it."""

import numpy as np
import pandas as pd
from scipy import optimize, special

from radiokit.metrics.checks import check_probabilities, check_values, known_scores, ratio

NORMAL_QUANTILE = 1.959963984540054  # of a two-sided 95 % interval
TEMPERATURE_RANGE = (0.05, 20.0)  # where a fit stops when the best temperature is 0 or infinite


def calibration_curve(y_true, probabilities, num_bins=10, equal_mass=False) -> pd.DataFrame:
    """Observed share of positives against the mean probability, bin by bin.

    When to use: on test cases, before anybody reads a probability as one. The interval of a bin
    is Wilson's and takes cases as independent: with several slices a patient it is too narrow.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        probabilities: (N,), 0..1.
        num_bins: 1 or more.
        equal_mass: False cuts 0..1 into bins of equal width, some of them perhaps empty; True
            cuts at the quantiles, so that bins hold about as many cases each; equal
            probabilities stay together, so that there may be fewer bins.

    Returns:
        A row a bin: `bin_low, bin_high` (a probability at an edge belongs to the lower bin),
        `num_cases`, `num_positives`, `probability` (mean of the bin), `observed` (share of
        positives), `low, high` (95 % interval of it); NaN in an empty bin.

    Raises:
        ValueError: a probability outside 0..1, other values in the truth, or no bin.

    Paper: Wilson, JASA 1927 (interval); DeGroot and Fienberg, The Statistician 1983.

    Example:
        >>> curve = calibration_curve([0, 1, 1, 1], [0.1, 0.3, 0.8, 0.9], num_bins=2)
        >>> curve[["num_cases", "probability", "observed"]].round(2)
           num_cases  probability  observed
        0          2         0.20       0.5
        1          2         0.85       1.0
    """
    truth, probabilities = known_scores(y_true, probabilities)
    check_probabilities(probabilities, "Apply the sigmoid to logits first.")
    if num_bins < 1:
        raise ValueError(f"num_bins is {num_bins}; a curve needs 1 or more. Ten are usual.")
    edges = np.linspace(0, 1, num_bins + 1)
    if equal_mass and len(truth):
        edges = _quantile_edges(probabilities, edges)
    places, num_bins = np.searchsorted(edges[1:-1], probabilities), len(edges) - 1
    num_cases = np.bincount(places, minlength=num_bins)
    num_positives = np.bincount(places[truth], minlength=num_bins)
    low, high = _wilson_interval(num_positives, num_cases)
    return pd.DataFrame(
        {
            "bin_low": edges[:-1],
            "bin_high": edges[1:],
            "num_cases": num_cases,
            "num_positives": num_positives,
            "probability": ratio(np.bincount(places, probabilities, num_bins), num_cases),
            "observed": ratio(num_positives, num_cases),
            "low": low,
            "high": high,
        }
    )


def expected_calibration_error(y_true, probabilities, num_bins=10, equal_mass=False) -> float:
    """Mean distance of probability and observed share, over the cases, by bins.

    When to use: one number beside the curve. It depends on the bins: state them. Of a rare
    finding it is small even for a useless classifier that always says the prevalence.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown.
        probabilities: (N,), 0..1.
        num_bins: 1 or more.
        equal_mass: as in `calibration_curve`.

    Returns:
        Float in 0..1; NaN when no truth is known.

    Raises:
        ValueError: as `calibration_curve`.

    Paper: Guo et al., On calibration of modern neural networks, ICML 2017; here of the
    probability of the finding, not of the winning class.

    Example:
        >>> round(expected_calibration_error([0, 1, 1, 1], [0.1, 0.3, 0.8, 0.9], num_bins=2), 3)
        0.225
    """
    curve = calibration_curve(y_true, probabilities, num_bins, equal_mass)
    distance = (curve["observed"] - curve["probability"]).abs()
    return float(ratio((distance * curve["num_cases"]).sum(), curve["num_cases"].sum()))


def fit_temperature(y_true, logits) -> float:
    """The temperature by which logits are divided to make their probabilities honest.

    When to use: on validation cases, after training; then `sigmoid(logits / temperature)` on
    test cases. One number for all labels together, so no order within a label changes and no
    AUC does; above 1 it makes an overconfident network humbler. Give one column of a table for
    a temperature of that label alone. The mean log loss of the cases it was fitted to never
    rises, since 1 is among the candidates and the loss is convex in 1 / temperature.

    Args:
        y_true: (N,) or (N, L) of 0 and 1, -1 unknown; validation cases.
        logits: the same shape, before the sigmoid.

    Returns:
        A float in 0.05..20; an end of that range when the best would be 0 or infinite: every
        case is on its right side, or the logits say nothing. 1.0 when all logits are 0.

    Raises:
        ValueError: shapes differ, other values in the truth, a logit is not finite, or no truth
            is known.

    Paper: Guo et al., On calibration of modern neural networks, ICML 2017; Platt 1999.

    Example:
        >>> round(fit_temperature([1, 1, 1, 0], [2.0, 2.0, 2.0, 2.0]), 3)
        1.82
    """
    truth, logits = _check_logits(y_true, logits)

    def slope(sharpness):
        """Derivative of the log loss by 1 / temperature; rises, for the loss is convex."""
        return np.mean(logits * (special.expit(logits * sharpness) - truth))

    def loss(sharpness):
        return np.mean(np.logaddexp(0, logits * sharpness) - truth * logits * sharpness)

    lowest, highest = 1 / TEMPERATURE_RANGE[1], 1 / TEMPERATURE_RANGE[0]
    if slope(lowest) >= 0:
        best = lowest
    elif slope(highest) <= 0:
        best = highest
    else:
        best = optimize.brentq(slope, lowest, highest)
    return float(1 / best) if loss(best) < loss(1.0) else 1.0


def _check_logits(y_true, logits):
    y_true, logits = np.asarray(y_true), np.asarray(logits, float)
    if y_true.shape != logits.shape:
        raise ValueError(
            f"Truth has shape {y_true.shape} and logits {logits.shape}; both must be the same. "
            "Give the truth of the same cases and labels."
        )
    check_values("Truth", y_true, lowest=-1)
    known = y_true >= 0
    if not known.any():
        raise ValueError("No truth is known, so no temperature can be fitted. Give other cases.")
    if not np.isfinite(logits[known]).all():
        raise ValueError(
            "Some logits are NaN or infinite. Give the network's output before the sigmoid; "
            "from a probability p it is log(p / (1 - p)), of p clipped to 1e-7..1 - 1e-7."
        )
    return (y_true[known] == 1).astype(float), logits[known]


def _quantile_edges(probabilities, shares):
    """Edges of bins between quantiles, none of them empty where probabilities are equal."""
    lowest, *inner, highest = np.quantile(probabilities, shares)
    inner = [edge for edge in np.unique(inner) if edge < highest]
    return np.array([lowest, *inner, highest])


def _wilson_interval(successes, trials):
    """95 % interval of a share, defined at 0 and 1 too; NaN without trials."""
    square = NORMAL_QUANTILE**2
    share, spread = ratio(successes, trials), ratio(square, trials)
    middle = (share + spread / 2) / (1 + spread)
    variance = share * (1 - share) * spread + (spread / 2) ** 2
    half_width = np.sqrt(variance) / (1 + spread)
    return np.maximum(middle - half_width, 0), np.minimum(middle + half_width, 1)
