"""Scores with their 95 % intervals: means over patients, pooled scores, and counted shares."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from radiokit.stats.resampling import SMALLEST_BOOTSTRAP, check_groups, draw_patients


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval; prints as `0.912 (0.874–0.941)`.

    Attributes:
        estimate: mean of per-patient means, or a score of all cases together; NaN when nothing
            is defined.
        low: lower end.
        high: upper end.
        num_patients: patients with at least one defined value; the trials of an exact interval.
        num_undefined: values that were NaN, or cases of unknown truth, which were left out.
        kind: `"bootstrap"`: percentiles 2.5 and 97.5 of resampled patients; `"range"`: the
            lowest and highest patient, because there are fewer than 10; `"exact"`: of counted
            cases; `"none"`: ends of NaN, because a pooled score of fewer than 10 patients has
            neither; `"undefined"`: no value.
        num_undefined_resamples: resamples in which the score was NaN, left out of the interval.
    """

    estimate: float
    low: float
    high: float
    num_patients: int
    num_undefined: int
    kind: str
    num_undefined_resamples: int = 0

    def __str__(self):
        return f"{self.estimate:.3f} ({self.low:.3f}–{self.high:.3f})"


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
    values, groups = check_groups(values, patients)
    defined = ~np.isnan(values)
    num_undefined = int((~defined).sum())
    if not defined.any():
        return Interval(np.nan, np.nan, np.nan, 0, num_undefined, "undefined")
    means = _patient_means(values[defined], groups[defined])
    if len(means) < SMALLEST_BOOTSTRAP:
        low, high, kind = means.min(), means.max(), "range"
    else:
        picks = draw_patients(len(means), seed, num_resamples)
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


def exact_interval(successes, trials) -> Interval:
    """A share of counted cases with its exact (Clopper-Pearson) 95 % interval.

    When to use: a few cases, or a published table that prints counts and no interval. It never
    covers less than 95 %, and usually more. It presumes independent cases: with several slices a
    patient it is too narrow, and resampled patients are better.

    Args:
        successes: 0 or more; true positives, say.
        trials: as many or more; all positives, say.

    Returns:
        An `Interval` of kind `"exact"`, its `num_patients` being the trials; `"undefined"` with
        NaN without a trial.

    Raises:
        ValueError: the counts are no whole numbers, negative, or more succeed than were tried.

    Paper: Clopper and Pearson, Biometrika 1934.

    Example:
        >>> str(exact_interval(0, 9)), str(exact_interval(2, 2))
        ('0.000 (0.000–0.336)', '1.000 (0.158–1.000)')
    """
    if successes != int(successes) or trials != int(trials) or not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} of {trials} is no share of counted cases; successes must be a whole "
            "number from 0 to the trials. Give counts, not rates."
        )
    successes, failures = int(successes), int(trials) - int(successes)
    if not trials:
        return Interval(np.nan, np.nan, np.nan, 0, 0, "undefined")
    low = special.betaincinv(successes, failures + 1, 0.025) if successes else 0.0
    high = special.betaincinv(successes + 1, failures, 0.975) if failures else 1.0
    return Interval(successes / trials, float(low), float(high), int(trials), 0, "exact")


def score_interval(score, y_true, y_score, patients, seed=0, num_resamples=1000) -> Interval:
    """A score of all cases together with its 95 % patient-bootstrap interval.

    When to use: scores that are no mean over patients, such as an F1 or an average precision.
    Patients are drawn with all their cases. `auc_interval` gives the same for the AUC, faster.

    Args:
        score: function of `(y_true, y_score)` that returns a number, NaN where undefined:
            `metrics.average_precision_score`, say.
        y_true: (N,) or (N, L) of 0 and 1, -1 unknown.
        y_score: what the score compares with it, N first; scores, or 0/1 answers.
        patients: the patient of each case, (N,), any type, never missing.
        seed: the interval depends on it, and on nothing else random.
        num_resamples: patients are drawn with replacement this many times.

    Returns:
        An `Interval`. A patient without any known truth is not resampled, and cases without it
        are counted as undefined. A resample whose score is NaN, having no positive for instance,
        is left out and counted in `num_undefined_resamples`: many of them mean that the interval
        is not to be trusted. Below 10 patients its kind is `"none"` and its ends are NaN.

    Raises:
        ValueError: lengths differ, or a patient id is missing.

    Paper: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).

    Example:
        >>> def accuracy(truth, answers):
        ...     return np.mean(truth == answers)
        >>> found = score_interval(accuracy, [1, 0, 1, 0], [1, 0, 0, 0], ["a", "b", "c", "d"])
        >>> found.estimate, found.kind
        (0.75, 'none')
    """
    y_true, y_score = np.asarray(y_true), np.asarray(y_score)
    groups = check_groups(np.zeros(len(y_true)), patients)[1]
    if len(y_score) != len(y_true):
        raise ValueError(
            f"There are {len(y_true)} truths and {len(y_score)} scores; each case needs both. "
            "Join the tables by case_id first."
        )
    known = (y_true >= 0).any(axis=tuple(range(1, y_true.ndim)))
    y_true, y_score = y_true[known], y_score[known]
    groups = np.unique(groups[known], return_inverse=True)[1]
    num_patients = len(np.unique(groups))
    estimate, draws = score(y_true, y_score), []
    if num_patients >= SMALLEST_BOOTSTRAP:
        cases = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
        for picks in draw_patients(num_patients, seed, num_resamples):
            for pick in picks:
                rows = np.concatenate([cases[patient] for patient in pick])
                draws.append(score(y_true[rows], y_score[rows]))
    return interval_of_draws(estimate, draws, num_patients, int((~known).sum()))


def interval_of_draws(estimate, draws, num_patients, num_undefined) -> Interval:
    """The percentile interval of a score that was computed on resampled patients.

    When to use: at the end of a bootstrap of a score that may be undefined in some resamples.

    Args:
        estimate: the score of all cases; NaN where undefined.
        draws: the score of each resample, NaN where undefined; not used below 10 patients.
        num_patients: patients with a known truth.
        num_undefined: cases left out because their truth is unknown.

    Returns:
        An `Interval` of kind `"bootstrap"`; `"none"` with ends of NaN below 10 patients or
        without any defined resample; `"undefined"` where the estimate is.
    """
    estimate, draws = float(estimate), np.asarray(draws, float)
    if np.isnan(estimate):
        return Interval(np.nan, np.nan, np.nan, num_patients, num_undefined, "undefined")
    is_undefined = np.isnan(draws)
    if num_patients < SMALLEST_BOOTSTRAP or is_undefined.all():
        return Interval(estimate, np.nan, np.nan, num_patients, num_undefined, "none")
    low, high = map(float, np.percentile(draws[~is_undefined], [2.5, 97.5]))
    num_left_out = int(is_undefined.sum())
    return Interval(estimate, low, high, num_patients, num_undefined, "bootstrap", num_left_out)


def _patient_means(values, groups):
    index = np.unique(groups, return_inverse=True)[1]
    return np.bincount(index, values) / np.bincount(index)
