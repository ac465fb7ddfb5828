"""Tests of the overlap of masks against hand counts and scikit-learn."""

import numpy as np
import pytest
from mask_maker import random_blobs
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    confusion_counts,
    dice_score,
    iou_score,
    sensitivity_score,
    specificity_score,
)


def test_counts_by_hand():
    counts = confusion_counts([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    assert tuple(counts) == (2, 1, 1, 6)
    assert counts.dice == pytest.approx(4 / 6)
    assert counts.iou == pytest.approx(2 / 4)
    assert counts.sensitivity == pytest.approx(2 / 3)
    assert counts.specificity == pytest.approx(6 / 7)


@pytest.mark.parametrize("shape", [(40, 30), (7, 9, 8)])
def test_scores_equal_scikit_learn(shape):
    truth, prediction = random_blobs(shape, seed=1)
    flat = truth.ravel(), prediction.ravel()
    assert dice_score(truth, prediction) == pytest.approx(sklearn_metrics.f1_score(*flat))
    assert iou_score(truth, prediction) == pytest.approx(sklearn_metrics.jaccard_score(*flat))
    recall = sklearn_metrics.recall_score(*flat)
    assert sensitivity_score(truth, prediction) == pytest.approx(recall)
    specificity = sklearn_metrics.recall_score(*flat, pos_label=0)
    assert specificity_score(truth, prediction) == pytest.approx(specificity)


def test_each_class_is_counted_by_itself_along_an_axis():
    truth, prediction = (np.stack(pair, -1) for pair in zip(*map(blobs_pair, (3, 4)), strict=True))
    together = confusion_counts(truth, prediction, axis=(0, 1))
    for channel in range(2):
        alone = confusion_counts(truth[..., channel], prediction[..., channel])
        assert tuple(count[channel] for count in together) == tuple(alone)
        assert together.dice[channel] == alone.dice


def blobs_pair(seed):
    return random_blobs((20, 20), seed)


def test_empty_masks_follow_one_rule():
    empty, full = np.zeros((4, 4)), np.ones((4, 4))
    for score in (dice_score, iou_score):
        assert score(empty, empty) == 1
        assert score(full, empty) == 0
        assert score(empty, full) == 0


def test_undefined_ratios_are_nan():
    empty, full = np.zeros((4, 4)), np.ones((4, 4))
    assert np.isnan(sensitivity_score(empty, full))
    assert np.isnan(specificity_score(full, full))
    assert sensitivity_score(full, empty) == 0
    assert specificity_score(empty, full) == 0


@pytest.mark.parametrize("score", [dice_score, iou_score, sensitivity_score, specificity_score])
def test_a_wholly_unknown_image_has_no_score(score):
    assert np.isnan(score(-np.ones((3, 3)), np.ones((3, 3))))
    assert np.isnan(score(np.ones((3, 3)), np.ones((3, 3)), ignore=np.ones((3, 3), bool)))


def test_unknown_pixels_are_left_out_whichever_way_they_are_marked():
    truth, prediction = random_blobs((20, 20), seed=5)
    ignore = np.zeros((20, 20), bool)
    ignore[:, :7] = True
    expected = tuple(confusion_counts(truth[:, 7:], prediction[:, 7:]))
    assert tuple(confusion_counts(truth, prediction, ignore=ignore)) == expected
    assert tuple(confusion_counts(np.where(ignore, -1, truth), prediction)) == expected
    by_row = tuple(confusion_counts(truth, prediction, ignore=ignore[0]))
    assert by_row == expected


def test_counts_of_small_integer_types_do_not_overflow():
    mask = np.ones((300, 300), np.uint8)
    assert confusion_counts(mask, mask).tp == 90_000
    assert dice_score(mask, mask) == 1


def test_shapes_that_differ_raise():
    with pytest.raises(ValueError, match="Restore the prediction"):
        dice_score(np.zeros((4, 4)), np.zeros((4, 5)))


def test_probabilities_raise():
    with pytest.raises(ValueError, match="0.5, but must hold 0 or 1"):
        dice_score(np.zeros((2, 2)), np.full((2, 2), 0.5))


def test_nan_in_the_prediction_raises():
    with pytest.raises(ValueError, match="nan, but must hold 0 or 1"):
        dice_score(np.zeros((2, 2)), np.full((2, 2), np.nan))


def test_class_labels_raise():
    with pytest.raises(ValueError, match="Truth holds the value 2"):
        dice_score(np.full((2, 2), 2), np.zeros((2, 2)))


def test_an_unknown_prediction_raises():
    with pytest.raises(ValueError, match="Prediction holds the value -1"):
        dice_score(np.zeros((2, 2)), -np.ones((2, 2)))


def test_ignore_of_another_type_or_shape_raises():
    mask = np.zeros((2, 2))
    with pytest.raises(ValueError, match="must be bool"):
        dice_score(mask, mask, ignore=mask)
    with pytest.raises(ValueError, match="does not fit"):
        dice_score(mask, mask, ignore=np.zeros((3, 3), bool))
