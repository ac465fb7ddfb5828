"""Tests of areas and curves with resampled patients against the slow way and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit import metrics
from radiokit.stats import auc_interval, coverage_risk_band, roc_band, score_interval
from radiokit.stats.resampling import draw_patients


def slices_of_patients(seed=0, num_cases=200, num_patients=30, prevalence=0.2, decimals=1):
    generator = np.random.default_rng(seed)
    y_true = (generator.random(num_cases) < prevalence).astype(int)
    scores = np.round(generator.normal(size=num_cases) + y_true, decimals)
    return y_true, scores, generator.integers(0, num_patients, num_cases)


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_the_fast_interval_equals_the_slow_one(decimals):
    y_true, scores, patients = slices_of_patients(decimals=decimals)
    y_true[::7] = -1
    fast = auc_interval(y_true, scores, patients, seed=3, num_resamples=300)
    slow = score_interval(metrics.auc_score, y_true, scores, patients, 3, num_resamples=300)
    assert (fast.estimate, fast.low, fast.high) == pytest.approx(
        (slow.estimate, slow.low, slow.high), abs=1e-12
    )
    assert (fast.num_patients, fast.num_undefined) == (slow.num_patients, slow.num_undefined)
    assert fast.kind == slow.kind == "bootstrap"


def test_both_ways_count_the_same_undefined_resamples():
    y_true, scores, patients = slices_of_patients(num_cases=40, num_patients=14, prevalence=0.05)
    fast = auc_interval(y_true, scores, patients)
    slow = score_interval(metrics.auc_score, y_true, scores, patients)
    assert fast.num_undefined_resamples == slow.num_undefined_resamples > 0
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), abs=1e-12)


def test_the_interval_depends_on_the_seed_and_not_on_the_order_of_cases():
    y_true, scores, patients = slices_of_patients()
    order = np.random.default_rng(1).permutation(len(y_true))
    first = auc_interval(y_true, scores, patients, seed=2)
    assert auc_interval(y_true[order], scores[order], patients[order], seed=2) == first
    assert auc_interval(y_true, scores, patients, seed=4).low != first.low


def test_more_slices_of_the_same_patients_do_not_narrow_the_interval():
    once = auc_interval(*slices_of_patients())
    tenfold = auc_interval(*(np.repeat(column, 10) for column in slices_of_patients()))
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_few_patients_or_one_class_have_no_interval():
    y_true, scores, patients = slices_of_patients(num_patients=9)
    few = auc_interval(y_true, scores, patients)
    assert few.kind == "none" and np.isnan([few.low, few.high]).all()
    assert few.estimate == pytest.approx(metrics.auc_score(y_true, scores))
    one_class = auc_interval(np.zeros(20), np.arange(20), range(20))
    assert (one_class.kind, one_class.num_patients) == ("undefined", 20)
    assert auc_interval([], [], []).kind == "undefined"


def highest_sensitivity_at(rate):
    """A score: sensitivity at a false positive rate, read off scikit-learn's curve."""

    def score(y_true, scores):
        if len(set(y_true)) < 2:
            return np.nan
        rates, sensitivities, _ = sklearn_metrics.roc_curve(y_true, scores, drop_intermediate=False)
        after = np.searchsorted(rates, rate, "right")
        if after == len(rates):
            return 1.0
        step = (rate - rates[after - 1]) / (rates[after] - rates[after - 1])
        low, high = sensitivities[after - 1 : after + 1]
        return low + step * (high - low)

    return score


@pytest.mark.parametrize("decimals", [0, 12])
def test_the_band_is_the_interval_of_the_sensitivity_at_each_rate(decimals):
    y_true, scores, patients = slices_of_patients(decimals=decimals, prevalence=0.1)
    band = roc_band(y_true, scores, patients, seed=5, num_resamples=200, num_points=6)
    assert band["false_positive_rate"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    for row in band.itertuples():
        score = highest_sensitivity_at(row.false_positive_rate)
        slow = score_interval(score, y_true, scores, patients, 5, num_resamples=200)
        found = (row.sensitivity, row.low, row.high)
        assert found == pytest.approx((slow.estimate, slow.low, slow.high), abs=1e-9)


def test_the_band_leaves_out_unknown_truth_and_undefined_resamples():
    y_true, scores, patients = slices_of_patients(num_cases=60, num_patients=14, prevalence=0.05)
    band = roc_band(y_true, scores, patients)
    interval = auc_interval(y_true, scores, patients)
    assert band.attrs["num_patients"] == interval.num_patients
    assert band.attrs["num_undefined_resamples"] == interval.num_undefined_resamples > 0
    assert not band.isna().any(axis=None)
    holed = np.append(y_true, -1), np.append(scores, 99), np.append(patients, 99)
    assert roc_band(*holed).equals(band)


def test_the_band_of_few_patients_or_of_one_class_is_unknown():
    y_true, scores, patients = slices_of_patients(num_patients=9)
    few = roc_band(y_true, scores, patients)
    assert few[["low", "high"]].isna().all(axis=None)
    assert few["sensitivity"].is_monotonic_increasing
    for truth in (0, 1):
        one_class = roc_band(np.full(20, truth), np.arange(20), range(20))
        assert one_class[["sensitivity", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("function", [auc_interval, roc_band])
def test_other_values_raise(function):
    with pytest.raises(ValueError, match="one label at a time"):
        function(np.zeros((2, 2)), np.zeros(4), range(4))
    with pytest.raises(ValueError, match="Truth holds the value 2"):
        function([0, 2], [0.1, 0.2], range(2))
    with pytest.raises(ValueError, match="no place in an order"):
        function([0, 1], [0.1, np.nan], range(2))
    with pytest.raises(ValueError, match="exam or image id"):
        function([0, 1], [0.1, 0.2], ["a", None])


def test_the_band_of_coverage_and_risk_is_the_slow_curve_and_its_resamples():
    generator = np.random.default_rng(5)
    confidence, is_wrong = generator.random(60), generator.random(60) < 0.3
    patients = np.arange(60) // 2
    band = coverage_risk_band(confidence, is_wrong, patients, num_points=60)
    curve = metrics.coverage_risk_curve(confidence, is_wrong)
    np.testing.assert_allclose(band["coverage"], curve.coverage)
    np.testing.assert_allclose(band["risk"], curve.risk)
    draws = []
    for picks in draw_patients(30, 0, 500):
        for pick in picks:
            rows = np.concatenate([[2 * patient, 2 * patient + 1] for patient in pick])
            draws.append(is_wrong[rows].mean())
    expected = np.percentile(draws, [2.5, 97.5])
    np.testing.assert_allclose(band[["low", "high"]].iloc[-1], expected)


def test_below_ten_patients_the_band_of_risks_is_empty():
    band = coverage_risk_band([0.9, 0.8, 0.7], [0, 1, 0], ["a", "b", "c"])
    assert band[["low", "high"]].isna().all(axis=None)


def test_risks_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="3 confidences and is_wrong has shape"):
        coverage_risk_band([0.9, 0.8, 0.7], [0, 1], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("confidence", "is_wrong"), [([0.9, np.nan], [0, 1]), ([0.9, 0.8], [0, 7]), ([], [])]
)
def test_a_band_of_values_that_mean_nothing_is_refused(confidence, is_wrong):
    with pytest.raises(ValueError, match="must"):
        coverage_risk_band(confidence, is_wrong, list("ab")[: len(confidence)])
