"""Drawing patients with replacement, which every bootstrap interval here stands on."""

import numpy as np

SMALLEST_BOOTSTRAP = 10  # patients; below this an interval would promise more than it knows
NUMBERS_AT_ONCE = 1_000_000  # what a chunk of resamples may hold


def draw_patients(num_patients, seed, num_resamples):
    """Draw patients with replacement, in chunks of at most a million numbers.

    When to use: to resample sums of patients, or whole cases.

    Args:
        num_patients: how many there are, and are drawn each time.
        seed: of the draws; the same seed draws the same patients.
        num_resamples: how often.

    Yields:
        Index arrays (resamples, num_patients) of 0..num_patients - 1.
    """
    generator = np.random.default_rng(seed)
    rows_at_once = max(1, NUMBERS_AT_ONCE // max(1, num_patients))
    for start in range(0, num_resamples, rows_at_once):
        rows = min(rows_at_once, num_resamples - start)
        yield generator.integers(0, num_patients, (rows, num_patients))


def draw_weights(groups, seed, num_resamples):
    """Draw patients with replacement, as weights of their cases.

    When to use: a score that can count a case several times, for many resamples at once. The
    patients drawn are those of `draw_patients`.

    Args:
        groups: the patient of each case as a number from 0, (N,).
        seed: of the draws.
        num_resamples: how often.

    Yields:
        Integer arrays (resamples, N), how often each case is there; about a million numbers at
        a time.
    """
    num_patients = int(groups.max()) + 1
    rows_at_once = max(1, NUMBERS_AT_ONCE // len(groups))
    for picks in draw_patients(num_patients, seed, num_resamples):
        for start in range(0, len(picks), rows_at_once):
            rows = picks[start : start + rows_at_once]
            places = rows + num_patients * np.arange(len(rows))[:, None]
            times = np.bincount(places.ravel(), minlength=len(rows) * num_patients)
            yield times.reshape(len(rows), num_patients)[:, groups]


def check_groups(values, patients):
    """Return values as floats and patients as text, refusing what cannot be resampled.

    When to use: first thing in an interval.

    Args:
        values: (N,) numbers.
        patients: the patient of each, (N,), any type.

    Returns:
        (N,) float64 and (N,) text.

    Raises:
        ValueError: lengths differ, or a patient id is missing.
    """
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
