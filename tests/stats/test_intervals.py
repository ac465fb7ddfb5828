"""Tests of intervals against formulas, SciPy's bootstrap and published ones."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from radiokit import metrics
from radiokit.stats import exact_interval, paired_difference, patient_interval, score_interval


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


def test_below_ten_patients_nothing_is_drawn_and_the_ends_are_unknown():
    calls = []

    def score(y_true, y_score):
        calls.append(len(y_true))
        return 0.5

    found = score_interval(score, np.ones(18), np.ones(18), np.repeat(range(9), 2))
    assert (found.kind, found.estimate, found.num_patients, calls) == ("none", 0.5, 9, [18])
    assert np.isnan([found.low, found.high]).all()


def test_an_interval_of_means_is_that_of_patients_with_one_case_each():
    values, patients = skill(25)
    expected = patient_interval(values, patients, num_resamples=500)

    def mean(_, scores):
        return scores.mean()

    found = score_interval(mean, np.ones(25), values, patients, num_resamples=500)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_patients_are_drawn_with_all_their_cases():
    patients = np.repeat(range(12), 3)
    sizes = set()

    def score(y_true, y_score):
        assert (np.bincount(y_score.astype(int), minlength=12) % 3 == 0).all()
        sizes.add(len(y_true))
        return y_score.mean()

    score_interval(score, np.ones(36), patients, patients, num_resamples=50)
    assert sizes == {36}


def test_resamples_without_a_positive_are_left_out_and_counted():
    y_true = np.zeros(20)
    y_true[:2] = 1
    scores = np.linspace(0, 1, 20)
    found = score_interval(metrics.auc_score, y_true, scores, range(20), num_resamples=2000)
    expected = 2000 * (18 / 20) ** 20  # no draw of 20 hits either positive
    assert found.kind == "bootstrap"
    assert found.num_undefined_resamples == pytest.approx(expected, rel=0.2)
    assert not np.isnan([found.low, found.high]).any()


def test_several_labels_are_scored_together():
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.integers(0, 2, (2, 40, 3))
    y_true[0] = -1
    patients = np.arange(40) // 2
    found = score_interval(metrics.hamming_loss, y_true, y_pred, patients)
    assert found.estimate == metrics.hamming_loss(y_true, y_pred)
    assert found.low < found.estimate < found.high
    assert (found.num_patients, found.num_undefined) == (20, 1)
    y_true[1] = -1  # the rest of the first patient
    found = score_interval(metrics.hamming_loss, y_true, y_pred, patients)
    assert (found.num_patients, found.num_undefined) == (19, 2)


def test_a_score_of_nothing_is_undefined():
    found = score_interval(metrics.auc_score, np.zeros(12), np.zeros(12), range(12))
    assert (found.kind, found.num_patients) == ("undefined", 12)
    assert score_interval(metrics.auc_score, [], [], []).kind == "undefined"


def test_a_score_of_other_lengths_raises():
    with pytest.raises(ValueError, match="2 truths and 3 scores"):
        score_interval(metrics.auc_score, [0, 1], [0, 1, 1], ["a", "b"])
    with pytest.raises(ValueError, match="2 values and 1 patient ids"):
        score_interval(metrics.auc_score, [0, 1], [0, 1], ["a"])


@pytest.mark.parametrize("trials", [1, 9, 26, 400])
def test_exact_intervals_equal_scipys(trials):
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        expected = scipy_stats.binomtest(successes, trials).proportion_ci(method="exact")
        found = exact_interval(successes, trials)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert (found.estimate, found.num_patients) == (successes / trials, trials)
        assert found.kind == "exact"


def test_exact_intervals_of_the_published_head_ct_report():
    # Recall of epidural bleeds 0 of 9, of intraventricular ones 2 of 2 (Ochoa et al. 2024).
    epidural, intraventricular = exact_interval(0, 9), exact_interval(2, 2)
    assert (epidural.low, round(epidural.high, 2)) == (0, 0.34)
    assert (round(intraventricular.low, 2), intraventricular.high) == (0.16, 1)


def test_no_trial_has_no_share():
    found = exact_interval(0, 0)
    assert found.kind == "undefined" and np.isnan(found.estimate)


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (0.5, 2), (0, 1.5)])
def test_counts_that_are_none_raise(successes, trials):
    with pytest.raises(ValueError, match="Give counts, not rates"):
        exact_interval(successes, trials)
