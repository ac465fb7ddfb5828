"""Agreement of a measurement with the truth, in the unit of the measurement."""

from dataclasses import dataclass

import numpy as np

from radiokit.stats.resampling import SMALLEST_BOOTSTRAP, check_groups, draw_patients

NORMAL_QUANTILE = 1.96  # of the 95 % limits of agreement


@dataclass(frozen=True)
class Agreement:
    """Bland and Altman's agreement of a measurement with the truth, in the measurement's unit.

    Attributes:
        bias: mean of measured − truth over the cases.
        lower_limit: bias − 1.96 standard deviations.
        upper_limit: bias + 1.96 standard deviations.
        bias_interval: 95 % interval (low, high) of the bias.
        lower_limit_interval: the same, of the lower limit.
        upper_limit_interval: the same, of the upper limit.
        num_cases: cases with both measurements.
        num_patients: patients among them.
        num_undefined: cases left out because a measurement was NaN.
        kind: `"bootstrap"`, or `"none"` with intervals of NaN below 10 patients.
    """

    bias: float
    lower_limit: float
    upper_limit: float
    bias_interval: tuple[float, float]
    lower_limit_interval: tuple[float, float]
    upper_limit_interval: tuple[float, float]
    num_cases: int
    num_patients: int
    num_undefined: int
    kind: str


def bland_altman(measured, truth, patients=None, seed=0, num_resamples=2000) -> Agreement:
    """Bias and 95 % limits of agreement of a measurement, with their intervals.

    When to use: a length or ratio read off masks against the same off the true masks. The
    limits tell where 95 % of single cases fall, so they are taken over cases; the intervals
    come from resampling patients with all their cases.

    Args:
        measured: (N,), NaN where it could not be measured.
        truth: (N,), in the same unit.
        patients: the patient of each case, (N,); None when every case is another patient.
        seed: of the resampling.
        num_resamples: how often patients are drawn.

    Returns:
        An `Agreement`; the limits are NaN below two cases.

    Raises:
        ValueError: lengths differ, or a patient id is missing.

    Paper: Bland and Altman, Lancet 1986.

    Example:
        >>> found = bland_altman([0.5, 0.75, 1.0], [0.5, 0.5, 0.5])
        >>> found.bias, round(found.upper_limit, 2), found.kind
        (0.25, 0.74, 'none')
    """
    difference = np.asarray(measured, float) - np.asarray(truth, float)
    patients = np.arange(difference.size) if patients is None else patients
    difference, groups = check_groups(difference, patients)
    defined = ~np.isnan(difference)
    difference = difference[defined]
    groups = np.unique(groups[defined], return_inverse=True)[1]
    num_patients = len(np.unique(groups))
    intervals, kind = np.full((3, 2), np.nan), "none"
    if num_patients >= SMALLEST_BOOTSTRAP:
        draws = _resample_limits(difference, groups, num_patients, seed, num_resamples)
        intervals, kind = np.nanpercentile(draws, [2.5, 97.5], axis=0).T, "bootstrap"
    return Agreement(
        *_limits(difference.size, difference.sum(), (difference**2).sum()),
        *(tuple(map(float, interval)) for interval in intervals),
        num_cases=int(defined.sum()),
        num_patients=num_patients,
        num_undefined=int((~defined).sum()),
        kind=kind,
    )


def _resample_limits(difference, groups, num_patients, seed, num_resamples):
    """Bias and limits (num_resamples, 3) from each patient's number, sum and sum of squares."""
    powers = (np.ones_like(difference), difference, difference**2)
    sums = np.stack([np.bincount(groups, power, num_patients) for power in powers])
    picks = draw_patients(num_patients, seed, num_resamples)
    drawn = np.concatenate([sums[:, pick].sum(axis=2) for pick in picks], axis=1)
    return np.array([_limits(*column) for column in drawn.T])


def _limits(number, total, total_of_squares):
    if number == 0:
        return np.nan, np.nan, np.nan
    bias = total / number
    variance = (total_of_squares - number * bias**2) / (number - 1) if number > 1 else np.nan
    half_width = NORMAL_QUANTILE * np.sqrt(np.maximum(variance, 0))
    return float(bias), float(bias - half_width), float(bias + half_width)
