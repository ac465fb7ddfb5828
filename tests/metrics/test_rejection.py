"""Tests of coverage and risk against counting, threshold by threshold."""

import numpy as np
import pytest

from radiokit.metrics import coverage_risk_area, coverage_risk_curve, rejection_threshold


def answers(seed, decimals=1):
    generator = np.random.default_rng(seed)
    confidence = np.round(generator.random(80), decimals)
    return confidence, (generator.random(80) > confidence).astype(int)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decimals", [1, 12])
def test_every_point_is_what_counting_gives(seed, decimals):
    confidence, is_wrong = answers(seed, decimals)
    curve = coverage_risk_curve(confidence, is_wrong)
    assert curve.thresholds.tolist() == sorted(set(confidence), reverse=True)
    for coverage, risk, threshold in zip(*curve, strict=True):
        is_answered = confidence >= threshold
        assert coverage == pytest.approx(is_answered.mean())
        assert risk == pytest.approx(is_wrong[is_answered].mean())
    assert curve.coverage[-1] == 1 and curve.risk[-1] == pytest.approx(is_wrong.mean())


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_the_mean_risk_at_the_confidence_of_each_case(seed):
    confidence, is_wrong = answers(seed)
    risks = [is_wrong[confidence >= threshold].mean() for threshold in confidence]
    assert coverage_risk_area(confidence, is_wrong) == pytest.approx(np.mean(risks))


def test_a_confidence_that_says_nothing_has_the_area_of_its_errors():
    is_wrong = [1, 0, 0, 0, 0]
    assert coverage_risk_area(np.full(5, 0.7), is_wrong) == pytest.approx(0.2)
    assert coverage_risk_area([0.1, 0.2, 0.3, 0.4, 0.5], is_wrong) == pytest.approx(0.2 / 5)
    assert coverage_risk_area([0.5, 0.4, 0.3, 0.2, 0.1], is_wrong) == pytest.approx(
        (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("target", [0.05, 0.2, 0.5])
def test_no_lower_threshold_keeps_to_the_target_risk(seed, target):
    confidence, is_wrong = answers(seed)
    threshold = rejection_threshold(confidence, is_wrong, target)
    risks = {t: is_wrong[confidence >= t].mean() for t in np.unique(confidence)}
    assert threshold == min((t for t, risk in risks.items() if risk <= target), default=np.inf)


def test_a_risk_that_falls_again_with_coverage_is_found():
    # 0.9 is wrong: at or above 0.8 the risk is 1/2, at or above 0.7 it is 1/3.
    assert rejection_threshold([0.9, 0.8, 0.7], [1, 0, 0], target_risk=0.34) == 0.7


def test_where_even_the_surest_are_wrong_nothing_is_answered():
    assert rejection_threshold([0.9, 0.8], [1, 1], target_risk=0.5) == np.inf
    assert not (np.array([0.9, 0.8]) >= np.inf).any()


def test_without_a_case_nothing_is_known():
    assert np.isnan(rejection_threshold([], [], 0.1)) and np.isnan(coverage_risk_area([], []))
    assert [len(values) for values in coverage_risk_curve([], [])] == [0, 0, 0]


@pytest.mark.parametrize("function", [coverage_risk_curve, coverage_risk_area])
def test_what_is_no_column_of_answers_is_refused(function):
    with pytest.raises(ValueError, match=r"shape \(2,\) and is_wrong \(3,\)"):
        function([0.1, 0.2], [0, 1, 1])
    with pytest.raises(ValueError, match="Bring several labels to one number an image"):
        function([[0.1, 0.2]], [[0, 1]])
    with pytest.raises(ValueError, match="is_wrong holds the value 0.5"):
        function([0.1, 0.2], [0, 0.5])
    with pytest.raises(ValueError, match="Some confidences are NaN or infinite"):
        function([0.1, np.nan], [0, 1])


@pytest.mark.parametrize("target", [-0.1, 1, 5])
def test_a_target_that_is_no_share_is_refused(target):
    with pytest.raises(ValueError, match="The target risk is .*Give 0.05 to allow 5 %"):
        rejection_threshold([0.1], [0], target)
