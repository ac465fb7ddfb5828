"""Tests of predictive values against counted cases, and of worklists against every order."""

import itertools

import numpy as np
import pytest

from radiokit.metrics import predictive_values, sensitivity_at_budget


def test_predictive_values_are_those_of_counted_cases():
    tp, fn, fp, tn = 45, 5, 95, 855  # of 1000 cases, 50 with the finding
    ppv, npv = predictive_values(tp / (tp + fn), tn / (tn + fp), prevalence=0.05)
    assert ppv == pytest.approx(tp / (tp + fp))
    assert npv == pytest.approx(tn / (tn + fn))


def test_predictive_values_of_many_prevalences_at_once():
    prevalence = np.linspace(0, 1, 11)
    ppv, npv = predictive_values(0.8, 0.9, prevalence)
    assert ppv.shape == npv.shape == (11,)
    assert (ppv[0], npv[0], ppv[-1], npv[-1]) == (0, 1, 1, 0)
    assert (np.diff(ppv) > 0).all() and (np.diff(npv) < 0).all()


def test_the_value_of_an_answer_that_never_comes_is_undefined():
    ppv, npv = predictive_values(0.0, 1.0, 0.1)
    assert np.isnan(ppv) and npv == pytest.approx(0.9)
    ppv, npv = predictive_values(1.0, 0.0, 0.1)
    assert ppv == pytest.approx(0.1) and np.isnan(npv)
    assert np.isnan(predictive_values(np.nan, 0.9, 0.1)).all()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((1.2, 0.9, 0.1), "sensitivity is 1.2"),
        ((0.9, -0.1, 0.1), "specificity is -0.1"),
        ((0.9, 0.9, 15), "prevalence is 15.0"),
    ],
)
def test_values_that_are_no_shares_raise(values, name):
    with pytest.raises(ValueError, match=f"{name}, but must lie in 0..1"):
        predictive_values(*values)


@pytest.mark.parametrize("budget", range(8))
def test_the_worklist_finds_what_every_order_of_ties_finds_on_average(budget):
    y_true = np.array([0, 1, 1, 0, 1, 0, 0])
    scores = np.array([0.9, 0.7, 0.7, 0.7, 0.2, 0.2, 0.1])
    orders = [
        order
        for order in map(list, itertools.permutations(range(7)))
        if (np.diff(scores[order]) <= 0).all()
    ]
    assert len(orders) == 6 * 2
    expected = np.mean([y_true[order][:budget].sum() / 3 for order in orders])
    assert sensitivity_at_budget(y_true, scores, budget) == pytest.approx(expected)
    assert sensitivity_at_budget(y_true, scores, budget / 7) == pytest.approx(expected)


def test_one_exam_and_all_exams_are_different_budgets():
    y_true, scores = [1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6]
    assert sensitivity_at_budget(y_true, scores, 1) == 0.5
    assert sensitivity_at_budget(y_true, scores, 1.0) == 1
    assert sensitivity_at_budget(y_true, scores, 400) == 1
    assert sensitivity_at_budget(y_true, scores, 0) == 0


def test_many_budgets_give_a_curve():
    y_true, scores = [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6]
    assert sensitivity_at_budget(y_true, scores, np.arange(5)).tolist() == [0, 0.5, 0.5, 1, 1]
    shares = np.linspace(0, 1, 5)
    assert sensitivity_at_budget(y_true, scores, shares).tolist() == [0, 0.5, 0.5, 1, 1]


def test_equal_scores_find_the_share_that_is_read():
    assert sensitivity_at_budget([1, 0, 0, 1], np.zeros(4), 0.3) == pytest.approx(0.3)


def test_exams_of_unknown_truth_are_not_on_the_list():
    assert sensitivity_at_budget([-1, 1, 0], [0.9, 0.5, 0.1], 1) == 1
    assert np.isnan(sensitivity_at_budget([0, 0], [0.1, 0.2], 1))
    assert np.isnan(sensitivity_at_budget([0, 0], [0.1, 0.2], [1, 2])).all()
    assert np.isnan(sensitivity_at_budget([], [], 1))


@pytest.mark.parametrize("budget", [-1, -0.1, 1.5, float("nan"), "10", None, True])
def test_a_budget_that_is_none_raises(budget):
    with pytest.raises(ValueError, match="Write 50 for fifty exams, 0.1 for a tenth"):
        sensitivity_at_budget([0, 1], [0.1, 0.2], budget)
