"""Tests of curves and the areas below them against scikit-learn, on scores with ties."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    auc_score,
    average_precision_score,
    precision_recall_curve,
    roc_curve,
)


def label_with_ties(seed, num_cases=300, decimals=1):
    generator = np.random.default_rng(seed)
    y_true = (generator.random(num_cases) < 0.2).astype(int)
    return y_true, np.round(generator.normal(size=num_cases) + y_true, decimals)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_the_roc_curve_and_its_area_equal_scikit_learns(seed, decimals):
    y_true, scores = label_with_ties(seed, decimals=decimals)
    expected = sklearn_metrics.roc_curve(y_true, scores, drop_intermediate=False)
    for found, array in zip(roc_curve(y_true, scores), expected, strict=True):
        np.testing.assert_allclose(found, array, rtol=1e-12)
    area = sklearn_metrics.roc_auc_score(y_true, scores)
    assert auc_score(y_true, scores) == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_precision_and_recall_equal_scikit_learns(seed, decimals):
    y_true, scores = label_with_ties(seed, decimals=decimals)
    precision, recall, thresholds = sklearn_metrics.precision_recall_curve(y_true, scores)
    found = precision_recall_curve(y_true, scores)
    np.testing.assert_allclose(found.precision, precision[::-1], rtol=1e-12)
    np.testing.assert_allclose(found.recall, recall[::-1], rtol=1e-12)
    np.testing.assert_allclose(found.thresholds[1:], thresholds[::-1], rtol=1e-12)
    area = sklearn_metrics.average_precision_score(y_true, scores)
    assert average_precision_score(y_true, scores) == pytest.approx(area, abs=1e-12)


def test_a_point_of_the_curve_is_what_its_threshold_finds():
    y_true, scores = label_with_ties(7)
    curve = roc_curve(y_true, scores)
    for rate, sensitivity, threshold in zip(*curve, strict=True):
        answers = scores >= threshold
        assert sensitivity == pytest.approx(answers[y_true == 1].mean())
        assert rate == pytest.approx(answers[y_true == 0].mean())


def test_the_area_is_the_chance_that_a_positive_scores_higher():
    y_true, scores = label_with_ties(3, num_cases=60)
    positives, negatives = scores[y_true == 1], scores[y_true == 0]
    wins = np.sign(positives[:, None] - negatives) / 2 + 0.5  # a tie counts a half
    assert auc_score(y_true, scores) == pytest.approx(wins.mean(), abs=1e-12)
    assert auc_score(y_true, np.zeros(60)) == 0.5


@pytest.mark.parametrize("dtype", [np.int8, float])
def test_cases_of_unknown_truth_are_left_out(dtype):
    y_true, scores = label_with_ties(5)
    holed, holed_scores = y_true.astype(dtype), scores.copy()
    holed[:100], holed_scores[:50] = -1, np.nan
    assert auc_score(holed, holed_scores) == auc_score(y_true[100:], scores[100:])
    assert auc_score(y_true == 1, scores) == auc_score(y_true, scores)
    assert auc_score(y_true.astype(np.uint8), scores) == auc_score(y_true, scores)


@pytest.mark.parametrize("truth", [0, 1, -1])
def test_areas_of_one_class_only_are_undefined(truth):
    y_true, scores = np.full(4, truth), np.array([0.1, 0.2, 0.2, 0.9])
    assert np.isnan(auc_score(y_true, scores))
    assert np.isnan(average_precision_score(y_true, scores))


def test_curves_of_one_class_only_are_undefined_on_the_other_axis():
    scores = [0.1, 0.2]
    no_positive, no_negative = roc_curve([0, 0], scores), roc_curve([1, 1], scores)
    assert np.isnan(no_positive.sensitivity).all()
    assert no_positive.false_positive_rate.tolist() == [0, 0.5, 1]
    assert np.isnan(no_negative.false_positive_rate).all()
    assert np.isnan(precision_recall_curve([0, 0], scores).recall).all()
    assert np.isnan(auc_score([], []))


@pytest.mark.parametrize("score", [roc_curve, auc_score, average_precision_score])
def test_other_values_raise(score):
    with pytest.raises(ValueError, match=r"one label at a time. Take one column"):
        score(np.zeros((4, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="one label at a time"):
        score([0, 1], [0.5])
    with pytest.raises(ValueError, match="Truth holds the value 2"):
        score([0, 2], [0.5, 0.5])
    with pytest.raises(ValueError, match="no place in an order"):
        score([0, 1], [0.5, np.nan])
