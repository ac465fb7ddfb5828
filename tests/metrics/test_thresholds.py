"""Tests of thresholds against every other threshold."""

import numpy as np
import pytest

from radiokit.metrics import (
    sensitivity_score,
    sensitivity_threshold,
    specificity_score,
    youden_threshold,
)


def validation_label(seed, decimals):
    generator = np.random.default_rng(seed)
    y_true = (generator.random(120) < 0.25).astype(int)
    return y_true, np.round(generator.normal(size=120) + y_true, decimals)


def youden_index(y_true, answers):
    return sensitivity_score(y_true, answers) + specificity_score(y_true, answers) - 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_no_threshold_has_a_larger_youden_index(seed, decimals):
    y_true, scores = validation_label(seed, decimals)
    threshold = youden_threshold(y_true, scores)
    indices = {other: youden_index(y_true, scores >= other) for other in np.unique(scores)}
    best = max(indices.values())
    assert indices[threshold] == pytest.approx(best)
    ties = [other for other, index in indices.items() if index > best - 1e-9]
    assert threshold == min(ties)


def test_of_equally_good_thresholds_the_one_that_misses_least_is_taken():
    # At or above 0.8: sensitivity 0.5, specificity 1. At or above 0.4: 1 and 0.5.
    assert youden_threshold([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.8]) == 0.4
    assert youden_threshold([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]) == 0.5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 1.0])
def test_the_highest_threshold_that_reaches_the_target(seed, decimals, target):
    y_true, scores = validation_label(seed, decimals)
    threshold = sensitivity_threshold(y_true, scores, target)
    assert sensitivity_score(y_true, scores >= threshold) >= target
    assert sensitivity_score(y_true, scores > threshold) < target


def test_a_target_that_is_met_exactly_is_met():
    scores = np.arange(20) / 20
    assert sensitivity_threshold(np.ones(20), scores, 0.95) == scores[1]
    assert sensitivity_threshold(np.ones(20), scores, 0.951) == scores[0]


def test_thresholds_of_single_precision_scores_keep_the_case_they_came_from():
    y_true, scores = validation_label(1, 12)
    scores = scores.astype(np.float32)
    threshold = sensitivity_threshold(y_true, scores, 0.9)
    assert sensitivity_score(y_true, scores >= threshold) >= 0.9
    assert isinstance(threshold, float) and isinstance(youden_threshold(y_true, scores), float)


def test_cases_of_unknown_truth_do_not_move_a_threshold():
    y_true, scores = validation_label(2, 1)
    holed = np.append(y_true, [-1, -1])
    extended = np.append(scores, [9.0, np.nan])
    assert youden_threshold(holed, extended) == youden_threshold(y_true, scores)
    expected = sensitivity_threshold(y_true, scores, 0.9)
    assert sensitivity_threshold(holed, extended, 0.9) == expected


def test_a_set_that_cannot_tell_has_no_threshold():
    assert np.isnan(youden_threshold([0, 0], [0.1, 0.2]))
    assert np.isnan(youden_threshold([1, 1], [0.1, 0.2]))
    assert np.isnan(sensitivity_threshold([0, -1], [0.1, 0.2], 0.9))
    assert sensitivity_threshold([1, 1], [0.1, 0.2], 0.9) == 0.1


@pytest.mark.parametrize("target", [0, -0.1, 1.01, 95, float("nan")])
def test_a_target_that_is_no_share_raises(target):
    with pytest.raises(ValueError, match="Give 0.95 for 95 %"):
        sensitivity_threshold([0, 1], [0.1, 0.2], target)
