"""How sure a score is: intervals from resampling patients, and agreement of two measurements.

The patient is the unit of chance: two films of one patient are no two witnesses. So a score is
the mean of per-patient means, and the bootstrap draws patients, never films.
"""

from dataclasses import dataclass

import numpy as np

SMALLEST_BOOTSTRAP = 10  # patients; below this an interval would promise more than it knows
NORMAL_QUANTILE = 1.96  # of the 95 % limits of agreement


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval; prints as `0.912 (0.874–0.941)`.

    Attributes:
        estimate: mean of per-patient means, NaN when nothing is defined.
        low: lower end.
        high: upper end.
        num_patients: patients with at least one defined value.
        num_undefined: values that were NaN and were left out.
        kind: `"bootstrap"`: percentiles 2.5 and 97.5 of resampled patients; `"range"`: the
            lowest and highest patient, because there are fewer than 10; `"undefined"`: no value.
    """

    estimate: float
    low: float
    high: float
    num_patients: int
    num_undefined: int
    kind: str

    def __str__(self):
        return f"{self.estimate:.3f} ({self.low:.3f}–{self.high:.3f})"


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


def patient_interval(values, patients, seed=0, num_resamples=2000) -> Interval:
    """Mean of per-patient means with its 95 % patient-bootstrap interval.

    When to use: beside every score. Pass exam or image ids as `patients` when the data have no
    patient ids, and say so next to the interval.

    Args:
        values: one score a case, (N,); NaN where undefined.
        patients: the patient of each case, (N,), any type, never missing.
        seed: the interval depends on it, and on nothing else random.
        num_resamples: patients are drawn with replacement this many times.

    Returns:
        An `Interval`; a patient without any defined value is not resampled.

    Raises:
        ValueError: lengths differ, or a patient id is missing.

    Paper: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).

    Example:
        >>> few = patient_interval([0.8, 0.9, 1.0], ["a", "a", "b"])
        >>> few.kind, few.num_patients, str(few)
        ('range', 2, '0.925 (0.850–1.000)')
    """
    values, groups = _check_groups(values, patients)
    defined = ~np.isnan(values)
    num_undefined = int((~defined).sum())
    if not defined.any():
        return Interval(np.nan, np.nan, np.nan, 0, num_undefined, "undefined")
    means = _patient_means(values[defined], groups[defined])
    if len(means) < SMALLEST_BOOTSTRAP:
        low, high, kind = means.min(), means.max(), "range"
    else:
        picks = _draw_patients(len(means), seed, num_resamples)
        draws = np.concatenate([means[pick].mean(axis=1) for pick in picks])
        low, high, kind = *np.percentile(draws, [2.5, 97.5]), "bootstrap"
    return Interval(float(means.mean()), float(low), float(high), len(means), num_undefined, kind)


def paired_difference(a, b, patients, seed=0, num_resamples=2000) -> Interval:
    """Mean difference a − b on the same cases, with its 95 % interval.

    When to use: to compare two models. Both saw the same patients, so the difference of each
    case is resampled; comparing two separate intervals would waste that.

    Args:
        a: scores of one model, (N,), NaN where undefined.
        b: scores of the other on the same cases, in the same order.
        patients: the patient of each case, (N,).
        seed: of the resampling.
        num_resamples: how often patients are drawn.

    Returns:
        An `Interval` of a − b; a case undefined in either is left out and counted.

    Raises:
        ValueError: lengths differ, or a patient id is missing.

    Example:
        >>> paired_difference([0.75, 0.5], [0.5, 0.5], ["x", "y"]).estimate
        0.125
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(
            f"The two models have {a.size} and {b.size} scores; a paired difference needs one "
            "of each on the same cases. Join the tables by case_id first."
        )
    return patient_interval(a - b, patients, seed, num_resamples)


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
    difference, groups = _check_groups(difference, patients)
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
    picks = _draw_patients(num_patients, seed, num_resamples)
    drawn = np.concatenate([sums[:, pick].sum(axis=2) for pick in picks], axis=1)
    return np.array([_limits(*column) for column in drawn.T])


def _draw_patients(num_patients, seed, num_resamples):
    """Yield index arrays (resamples, num_patients), a million numbers at a time at most."""
    generator = np.random.default_rng(seed)
    rows_at_once = max(1, 1_000_000 // num_patients)
    for start in range(0, num_resamples, rows_at_once):
        rows = min(rows_at_once, num_resamples - start)
        yield generator.integers(0, num_patients, (rows, num_patients))


def _limits(number, total, total_of_squares):
    if number == 0:
        return np.nan, np.nan, np.nan
    bias = total / number
    variance = (total_of_squares - number * bias**2) / (number - 1) if number > 1 else np.nan
    half_width = NORMAL_QUANTILE * np.sqrt(np.maximum(variance, 0))
    return float(bias), float(bias - half_width), float(bias + half_width)


def _patient_means(values, groups):
    index = np.unique(groups, return_inverse=True)[1]
    return np.bincount(index, values) / np.bincount(index)


def _check_groups(values, patients):
    """Return values as floats and patients as text, refusing what cannot be resampled."""
    values, patients = np.asarray(values, float).ravel(), list(patients)
    if len(values) != len(patients):
        raise ValueError(
            f"There are {len(values)} values and {len(patients)} patient ids; each value needs "
            "the id of its patient."
        )
    if any(patient is None or patient != patient for patient in patients):  # NaN differs from NaN
        raise ValueError(
            "Some patient ids are missing. Pass the exam or image id for every row instead, and "
            "say beside the interval that exams or images were resampled."
        )
    return values, np.array([str(patient) for patient in patients], dtype=str)
