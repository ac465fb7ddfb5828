"""Tests of paired tests against SciPy and numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from radiokit.stats import (
    holm_correction,
    mcnemar_test,
    smallest_p_value,
    smallest_significant_difference,
)


def two_models(only_a, only_b, num_both=40, num_neither=7):
    a = np.repeat([1, 0, 1, 0], [only_a, only_b, num_both, num_neither])
    b = np.repeat([0, 1, 1, 0], [only_a, only_b, num_both, num_neither])
    return a, b


@pytest.mark.parametrize(
    ("only_a", "only_b"), [(0, 1), (3, 0), (8, 1), (7, 7), (12, 30), (150, 110)]
)
def test_the_p_value_is_the_binomial_test_of_the_cases_that_differ(only_a, only_b):
    found = mcnemar_test(*two_models(only_a, only_b))
    assert (found.only_a, found.only_b) == (only_a, only_b)
    expected = scipy_stats.binomtest(only_a, only_a + only_b, 0.5).pvalue
    assert found.p_value == pytest.approx(expected)


def test_p_values_by_hand():
    # 8 to 1: 2 · (1 + 9) / 2^9. 5 to 0: 2 / 2^5.
    assert mcnemar_test(*two_models(8, 1)).p_value == pytest.approx(20 / 512)
    assert mcnemar_test(*two_models(0, 5)).p_value == pytest.approx(1 / 16)


def test_models_that_never_differ_have_a_p_value_of_one():
    assert mcnemar_test(*two_models(0, 0)).p_value == 1
    assert mcnemar_test([], []).p_value == 1


def test_what_both_have_right_or_wrong_does_not_matter():
    assert mcnemar_test(*two_models(4, 9)) == mcnemar_test(*two_models(4, 9, 0, 900))


def test_answers_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match="Join the tables by case_id"):
        mcnemar_test([1, 0], [1, 0, 1])
    with pytest.raises(ValueError, match="An answer is 0.7, but must be 1"):
        mcnemar_test([1, 0], [0.7, 1])
    with pytest.raises(ValueError, match="An answer is nan"):
        mcnemar_test([1, np.nan], [0, 1])


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; none below the last.
    np.testing.assert_allclose(
        holm_correction([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], rtol=1e-12
    )
    np.testing.assert_allclose(holm_correction([0.6, 0.5]), [1, 1])
    np.testing.assert_allclose(holm_correction([0.2]), [0.2])
    assert holm_correction([]).shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_holm_rejects_what_its_steps_reject(seed):
    p_values = np.random.default_rng(seed).random(12) ** 3
    rejected, alpha = set(), 0.05
    for step, index in enumerate(np.argsort(p_values)):  # Holm 1979: stop at the first that fails
        if p_values[index] > alpha / (len(p_values) - step):
            break
        rejected.add(int(index))
    assert rejected == set(np.flatnonzero(holm_correction(p_values) <= alpha).tolist())


def test_what_was_not_tested_stays_unknown_and_costs_nothing():
    found = holm_correction([0.01, np.nan, 0.04])
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])


def test_what_is_no_p_value_is_refused():
    with pytest.raises(ValueError, match="not all in 0..1"):
        holm_correction([0.5, 1.5])
    with pytest.raises(ValueError, match="one column"):
        holm_correction([[0.5]])


@pytest.mark.parametrize("gap", [0, 1, 3, 6])
def test_no_test_of_a_gap_has_a_smaller_p_value(gap):
    p_values = [scipy_stats.binomtest(gap + n, gap + 2 * n, 0.5).pvalue for n in range(1, 30)]
    assert smallest_p_value(gap) <= min(p_values)
    alone = scipy_stats.binomtest(gap, gap, 0.5).pvalue if gap else 1.0
    assert smallest_p_value(-gap) == pytest.approx(alone)


def test_the_published_gap_of_three_decisions_cannot_be_told_from_chance():
    decisions = 366 * 25
    gap = round(0.9917 * decisions) - round(0.9914 * decisions)
    assert gap == 3 and smallest_p_value(gap) == 0.25
    assert gap < smallest_significant_difference(0.05) == 6


@pytest.mark.parametrize("alpha", [0.99, 0.5, 0.0625, 0.05, 0.01, 0.001])
def test_one_case_less_would_not_be_significant(alpha):
    fewest = smallest_significant_difference(alpha)
    assert smallest_p_value(fewest) < alpha <= smallest_p_value(fewest - 1)


def test_what_is_no_gap_or_level_is_refused():
    with pytest.raises(ValueError, match="Multiply a difference of shares"):
        smallest_p_value(0.0003)
    with pytest.raises(ValueError, match="alpha is 5"):
        smallest_significant_difference(5)
