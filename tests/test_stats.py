"""Tests of intervals against formulas, SciPy's bootstrap and hand-computed cases."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from radiokit.stats import bland_altman, paired_difference, patient_interval


def skill(num_patients, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0.8, 0.1, num_patients), [f"p{i}" for i in range(num_patients)]


def test_the_estimate_is_the_mean_of_per_patient_means():
    found = patient_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert found.estimate == 0.5


def test_the_interval_equals_scipys_percentile_bootstrap():
    values, patients = skill(40)
    expected = scipy_stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    found = patient_interval(values, patients, num_resamples=20_000)
    assert found.kind == "bootstrap"
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1.5e-3)


def test_the_interval_covers_the_truth_about_95_times_in_100():
    hits = 0
    for seed in range(100):
        values, patients = skill(50, seed)
        found = patient_interval(values, patients, num_resamples=300)
        hits += found.low <= 0.8 <= found.high
    assert 88 <= hits <= 99  # three standard errors of the binomial around 95 %


def test_more_films_of_the_same_patients_do_not_narrow_the_interval():
    values, patients = skill(20)
    once = patient_interval(values, patients)
    tenfold = patient_interval(np.repeat(values, 10), np.repeat(patients, 10))
    assert (once.low, once.high) == (tenfold.low, tenfold.high)


def test_the_interval_depends_on_the_seed_alone():
    values, patients = skill(15)
    order = np.random.default_rng(3).permutation(15)
    first = patient_interval(values, patients, seed=4)
    assert patient_interval(values[order], np.array(patients)[order], seed=4) == first
    assert patient_interval(values, patients, seed=5).low != first.low


def test_fewer_than_ten_patients_give_their_range():
    values, patients = skill(9)
    found = patient_interval(values, patients)
    assert found.kind == "range"
    assert (found.low, found.high) == (values.min(), values.max())
    assert patient_interval(*skill(10)).kind == "bootstrap"


def test_undefined_values_are_left_out_and_counted():
    values, patients = skill(12)
    holed = np.append(values, [np.nan, np.nan])
    found = patient_interval(holed, [*patients, "p0", "other"])
    expected = patient_interval(values, patients)
    assert (found.num_patients, found.num_undefined) == (12, 2)
    assert (found.estimate, found.low, found.high) == (
        expected.estimate,
        expected.low,
        expected.high,
    )


def test_nothing_defined_is_said_to_be_undefined():
    found = patient_interval([np.nan, np.nan], ["a", "b"])
    assert (found.kind, found.num_patients, found.num_undefined) == ("undefined", 0, 2)
    assert np.isnan(found.estimate)
    assert patient_interval([], []).kind == "undefined"


def test_identical_values_give_an_interval_of_no_width():
    found = patient_interval(np.full(12, 0.5), range(12))
    assert (found.estimate, found.low, found.high) == (0.5, 0.5, 0.5)


def test_an_interval_prints_as_readers_write_it():
    assert str(patient_interval([0.5], ["a"])) == "0.500 (0.500–0.500)"


def test_lengths_that_differ_raise():
    with pytest.raises(ValueError, match="2 values and 1 patient ids"):
        patient_interval([1, 2], ["a"])


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_patient_id_raises(missing):
    with pytest.raises(ValueError, match="exam or image id"):
        patient_interval([1, 2], ["a", missing])


def test_a_paired_difference_sees_what_two_intervals_hide():
    values, patients = skill(30)
    better = values + 0.02 + np.random.default_rng(1).normal(0, 0.01, 30)
    found = paired_difference(better, values, patients)
    assert found.low > 0
    alone = patient_interval(better, patients), patient_interval(values, patients)
    assert alone[0].low < alone[1].high
    assert found.estimate == pytest.approx(np.mean(better - values))


def test_a_paired_difference_leaves_out_what_either_lacks():
    found = paired_difference([1.0, np.nan, 0.5], [0.5, 0.5, np.nan], ["a", "b", "c"])
    assert (found.estimate, found.num_patients, found.num_undefined) == (0.5, 1, 2)


def test_scores_of_other_lengths_raise():
    with pytest.raises(ValueError, match="Join the tables by case_id"):
        paired_difference([1, 2], [1], ["a", "b"])


def test_agreement_follows_bland_and_altmans_formula():
    generator = np.random.default_rng(0)
    truth = generator.uniform(0.4, 0.6, 30)
    measured = truth + generator.normal(0.01, 0.02, 30)
    found = bland_altman(measured, truth)
    difference = measured - truth
    deviation = difference.std(ddof=1)
    assert found.bias == pytest.approx(difference.mean())
    assert found.lower_limit == pytest.approx(difference.mean() - 1.96 * deviation)
    assert found.upper_limit == pytest.approx(difference.mean() + 1.96 * deviation)


def test_the_limits_intervals_are_near_the_papers_normal_approximation():
    generator = np.random.default_rng(2)
    difference = generator.normal(0, 1, 400)
    found = bland_altman(difference, np.zeros(400), num_resamples=4000)
    half_width = 1.96 * np.sqrt(3 / 400) * difference.std(ddof=1)  # Bland and Altman 1986
    low, high = found.upper_limit_interval
    assert low < found.upper_limit < high
    assert high - low == pytest.approx(2 * half_width, rel=0.2)


def test_agreement_resamples_patients_not_films():
    generator = np.random.default_rng(0)
    difference, patients = generator.normal(size=15), np.arange(15)
    once = bland_altman(difference, np.zeros(15), patients)
    many = bland_altman(np.repeat(difference, 20), np.zeros(300), np.repeat(patients, 20))
    assert many.num_patients == 15
    assert many.bias_interval == pytest.approx(once.bias_interval)


def test_agreement_below_ten_patients_has_no_interval():
    found = bland_altman([1.0, 2.0, np.nan], [0.0, 0.0, 0.0])
    assert (found.kind, found.num_cases, found.num_undefined) == ("none", 2, 1)
    assert np.isnan(found.bias_interval).all()
    assert found.bias == 1.5


def test_agreement_without_any_pair_is_nan():
    found = bland_altman([np.nan], [1.0])
    assert np.isnan([found.bias, found.lower_limit, found.upper_limit]).all()
    assert np.isnan(bland_altman([1.0], [0.5]).lower_limit)
