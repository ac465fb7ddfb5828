"""Tests of the agreement of two measurements against its formulas."""

import numpy as np
import pytest

from radiokit.stats import bland_altman


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
