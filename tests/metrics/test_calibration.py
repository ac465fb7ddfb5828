"""Tests of calibration against scikit-learn, SciPy and simulated networks."""

import numpy as np
import pytest
from scipy import optimize, special
from scipy import stats as scipy_stats
from sklearn import metrics as sklearn_metrics
from sklearn.calibration import calibration_curve as sklearn_curve

from radiokit.metrics import (
    auc_score,
    calibration_curve,
    expected_calibration_error,
    fit_temperature,
)


def simulated(seed=0, shape=(600,), sharpness=1.0):
    """Truth drawn from known probabilities, and logits that are `sharpness` times the honest."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 2, shape)
    y_true = (generator.random(shape) < special.expit(logits)).astype(int)
    return y_true, logits * sharpness


@pytest.mark.parametrize("decimals", [1, 12])
@pytest.mark.parametrize(("equal_mass", "strategy"), [(False, "uniform"), (True, "quantile")])
def test_the_curve_equals_scikit_learns(equal_mass, strategy, decimals):
    y_true, logits = simulated()
    probabilities = np.round(special.expit(logits), decimals)
    curve = calibration_curve(y_true, probabilities, 7, equal_mass)
    filled = curve[curve["num_cases"] > 0]
    observed, mean = sklearn_curve(y_true, probabilities, n_bins=7, strategy=strategy)
    np.testing.assert_allclose(filled["observed"], observed)
    np.testing.assert_allclose(filled["probability"], mean)
    assert curve["num_cases"].sum() == len(y_true)
    assert curve["num_positives"].sum() == y_true.sum()


def test_bins_of_equal_mass_hold_equally_many_cases():
    y_true, logits = simulated()
    curve = calibration_curve(y_true, special.expit(logits), equal_mass=True)
    assert curve["num_cases"].tolist() == [60] * 10
    same = calibration_curve([0, 1, 1], [0.2, 0.2, 0.2], equal_mass=True)
    assert same["num_cases"].tolist() == [3]


def test_the_interval_of_a_bin_is_wilsons():
    y_true, logits = simulated()
    curve = calibration_curve(y_true, special.expit(logits))
    for row in curve.itertuples():
        test = scipy_stats.binomtest(row.num_positives, row.num_cases)
        expected = test.proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))


def test_an_empty_bin_is_undefined_and_stays_in_its_place():
    curve = calibration_curve([0, 1], [0.05, 0.95])
    assert curve["num_cases"].tolist() == [1] + 8 * [0] + [1]
    assert curve.loc[1:8, ["probability", "observed", "low", "high"]].isna().all(axis=None)
    np.testing.assert_allclose(curve["bin_low"], np.arange(10) / 10)
    assert np.isnan(expected_calibration_error([-1], [0.5]))
    assert np.isnan(expected_calibration_error([-1], [0.5], equal_mass=True))


@pytest.mark.parametrize("equal_mass", [False, True])
def test_the_expected_error_by_its_formula(equal_mass):
    y_true, logits = simulated(sharpness=3)
    probabilities = special.expit(logits)
    edges = np.quantile(probabilities, np.arange(11) / 10) if equal_mass else np.arange(11) / 10
    expected = 0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        is_inside = (probabilities > low) & (probabilities <= high)
        is_inside |= (probabilities == low) & (low == edges[0])
        distance = abs(y_true[is_inside].mean() - probabilities[is_inside].mean())
        expected += is_inside.mean() * distance
    found = expected_calibration_error(y_true, probabilities, equal_mass=equal_mass)
    assert found == pytest.approx(expected)


def test_an_overconfident_network_has_the_larger_error_and_temperature_mends_it():
    y_true, logits = simulated(shape=(20_000,), sharpness=3)
    before = expected_calibration_error(y_true, special.expit(logits))
    temperature = fit_temperature(y_true, logits)
    after = expected_calibration_error(y_true, special.expit(logits / temperature))
    assert temperature == pytest.approx(3, rel=0.05)
    assert before > 0.1 and after < 0.015
    assert auc_score(y_true, logits / temperature) == auc_score(y_true, logits)


def test_cases_of_unknown_truth_are_left_out():
    y_true, logits = simulated()
    holed = y_true.copy()
    holed[:200] = -1
    probabilities = special.expit(logits)
    expected = calibration_curve(y_true[200:], probabilities[200:])
    assert calibration_curve(holed, probabilities).equals(expected)
    strange = logits.copy()
    strange[:100] = np.nan
    assert fit_temperature(holed, strange) == fit_temperature(y_true[200:], logits[200:])


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_minimises_the_log_loss(sharpness):
    y_true, logits = simulated(3, (200, 6), sharpness)

    def log_loss(temperature):
        probabilities = special.expit(logits / temperature).ravel()
        return sklearn_metrics.log_loss(y_true.ravel(), probabilities)

    best = optimize.minimize_scalar(log_loss, bounds=(0.05, 20), method="bounded")
    assert fit_temperature(y_true, logits) == pytest.approx(best.x, rel=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_a_temperature_never_raises_the_log_loss_it_was_fitted_to(seed):
    generator = np.random.default_rng(seed)
    y_true, logits = simulated(seed, (12, 3), generator.uniform(-2, 5))
    y_true[generator.random(y_true.shape) < 0.3] = -1
    temperature = fit_temperature(y_true, logits)
    known = y_true >= 0
    before, after = (
        sklearn_metrics.log_loss(y_true[known], special.expit(scaled[known]), labels=[0, 1])
        for scaled in (logits, logits / temperature)
    )
    assert after <= before
    assert 0.05 <= temperature <= 20


def test_temperatures_without_a_best_stop_at_an_end():
    assert fit_temperature([0, 1], [-1.0, 1.0]) == pytest.approx(0.05)
    assert fit_temperature([0, 1], [1.0, -1.0]) == pytest.approx(20)
    assert fit_temperature([0, 1], [0.0, 0.0]) == 1


@pytest.mark.parametrize(
    ("y_true", "logits", "message"),
    [
        ([0, 1], [1.0], "Give the truth of the same cases"),
        ([0, 2], [1.0, 1.0], "Truth holds the value 2"),
        ([-1, -1], [1.0, 1.0], "No truth is known"),
        ([0, 1], [1.0, np.inf], "Some logits are NaN or infinite.*before the sigmoid"),
    ],
)
def test_a_temperature_of_other_values_raises(y_true, logits, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(y_true, logits)


def test_a_curve_of_logits_or_without_bins_raises():
    with pytest.raises(ValueError, match="hold the value 3.0.*Apply the sigmoid"):
        calibration_curve([0, 1], [0.5, 3.0])
    with pytest.raises(ValueError, match="num_bins is 0"):
        calibration_curve([0, 1], [0.5, 0.3], num_bins=0)
