"""Tests of the six scores over pixels against scikit-learn and their formulas."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    PIXEL_METRICS,
    class_accuracy,
    confusion_counts,
    mean_of_defined,
    pixel_scores,
)


def class_maps(seed=0, size=4000):
    """True and predicted classes 0..3."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(4, size, p=(0.7, 0.1, 0.05, 0.15))
    wrong = generator.random(size) < 0.2
    return truth, np.where(wrong, generator.integers(0, 4, size), truth)


def class_counts(truth, predicted):
    """tp, fp, fn, tn of each class, (4, 4)."""
    return np.array([confusion_counts(truth == place, predicted == place) for place in range(4)])


def test_each_class_against_the_rest_is_scored_as_scikit_learn_does():
    truth, predicted = class_maps()
    found = pixel_scores(class_counts(truth, predicted), np.nan)
    for place, scores in enumerate(found):
        sides = truth == place, predicted == place
        expected = {
            "iou": sklearn_metrics.jaccard_score(*sides),
            "accuracy": sklearn_metrics.accuracy_score(*sides),
            "sensitivity": sklearn_metrics.recall_score(*sides),
            "specificity": sklearn_metrics.recall_score(*sides, pos_label=False),
            "f1": sklearn_metrics.f1_score(*sides),
        }
        assert dict(zip(PIXEL_METRICS, scores, strict=False)) == pytest.approx(
            expected | {"auc": np.nan}, nan_ok=True
        )


def test_f1_follows_from_the_iou_of_the_same_counts():
    counts = np.random.default_rng(0).integers(1, 1000, (50, 4))
    iou, *_, f1, _ = np.moveaxis(pixel_scores(counts, 0.5), -1, 0)
    np.testing.assert_allclose(f1, 2 * iou / (1 + iou))
    assert (f1 > iou).all()


def test_unknown_counts_and_empty_classes_keep_the_packages_rules():
    scores = dict(zip(PIXEL_METRICS, pixel_scores([0, 0, 0, 9], np.nan), strict=True))
    assert scores["iou"] == scores["f1"] == scores["accuracy"] == scores["specificity"] == 1
    assert np.isnan(scores["sensitivity"])
    assert np.isnan(pixel_scores([np.nan] * 4, np.nan)).all()


def test_the_share_of_right_pixels_is_the_accuracy_of_several_classes():
    truth, predicted = class_maps()
    counts = class_counts(truth, predicted)
    expected = sklearn_metrics.accuracy_score(truth, predicted)
    assert class_accuracy(counts) == pytest.approx(expected)
    one_against_the_rest = pixel_scores(counts, np.nan)[:, PIXEL_METRICS.index("accuracy")]
    assert (one_against_the_rest >= expected).all()
    assert class_accuracy(np.stack([counts, counts])).shape == (2,)


def test_means_leave_out_what_is_undefined():
    values = np.array([[0.5, np.nan], [0.7, np.nan]])
    np.testing.assert_allclose(mean_of_defined(values, axis=0), [0.6, np.nan])
    np.testing.assert_allclose(mean_of_defined(values), [0.5, 0.7])
