"""Tests of the metrics against hand counts, scikit-learn and a brute-force distance."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    confusion_counts,
    dice_score,
    hausdorff95_mm,
    hausdorff95_px,
    iou_score,
    sensitivity_score,
    specificity_score,
)


def brute_force_hausdorff95(truth, prediction, spacing):
    """Every surface pixel against every other, neighbours looked up one by one."""

    def surface(mask):
        points = set(map(tuple, np.argwhere(mask)))
        steps = [s * step for s in (-1, 1) for step in np.eye(mask.ndim, dtype=int)]
        edge = [p for p in points if any(tuple(np.add(p, s)) not in points for s in steps)]
        return np.array(edge) * np.array(spacing)

    distances = cdist(surface(truth), surface(prediction))
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


def random_blobs(shape, seed):
    """Two smooth random masks that overlap partly and touch the image's edge."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=shape)
    for axis in range(len(shape)):
        noise = sum(np.roll(noise, step, axis) for step in range(-2, 3))
    shifted = np.roll(noise, 2, axis=0) + generator.normal(size=shape)
    return noise > 0.5, shifted > 0.5


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


def test_distance_of_two_pixels_follows_the_spacing():
    truth, prediction = np.zeros((9, 9)), np.zeros((9, 9))
    truth[1, 1] = prediction[4, 5] = 1
    assert hausdorff95_px(truth, prediction) == 5  # 3, 4, 5
    expected = np.hypot(3 * 0.5, 4 * 2.0)
    assert hausdorff95_mm(truth, prediction, (0.5, 2.0)) == pytest.approx(expected)


def test_a_square_shifted_by_two_rows_by_hand():
    truth, prediction = np.zeros((20, 20)), np.zeros((20, 20))
    truth[2:8, 3:9] = prediction[4:10, 3:9] = 1
    # Of each square's 20 surface pixels, 6 lie 2 rows from the other and 2 lie 1 row from it,
    # so that the 95th percentile is 2 rows.
    assert hausdorff95_mm(truth, prediction, (0.7, 0.1)) == pytest.approx(2 * 0.7)


def test_the_percentile_leaves_a_lone_stray_pixel_out():
    truth = np.zeros((60, 60))
    truth[5:30, 5:30] = 1
    prediction = truth.copy()
    prediction[55, 55] = 1
    assert hausdorff95_px(truth, prediction) == 0
    assert hausdorff95_px(prediction, truth) == 0


def test_the_image_edge_counts_as_outside():
    truth, prediction = np.ones((10, 10)), np.ones((10, 10))
    prediction[0] = 0  # only the border of the image tells them apart
    distances = [1.0] * 10 + [0.0] * 26
    assert hausdorff95_px(truth, prediction) == np.percentile(distances, 95)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("shape", "spacing"), [((30, 24), (0.7, 0.2)), ((8, 12, 11), (5.0, 0.8, 1.3))]
)
def test_distance_equals_brute_force(shape, spacing, seed):
    truth, prediction = random_blobs(shape, seed)
    assert truth.any() and prediction.any()
    expected = brute_force_hausdorff95(truth, prediction, spacing)
    assert hausdorff95_mm(truth, prediction, spacing) == pytest.approx(expected, rel=1e-12)


def test_distance_is_symmetric():
    truth, prediction = random_blobs((25, 25), seed=9)
    spacing = (0.4, 1.1)
    forward = hausdorff95_mm(truth, prediction, spacing)
    assert forward == hausdorff95_mm(prediction, truth, spacing)


def test_distance_of_empty_masks():
    empty, filled = np.zeros((30, 40)), np.zeros((30, 40))
    filled[3, 3] = 1
    assert np.isnan(hausdorff95_px(empty, empty))
    assert hausdorff95_px(empty, filled) == 50
    assert hausdorff95_mm(filled, empty, (0.1, 0.1)) == pytest.approx(5)


def test_ignored_pixels_do_not_move_the_distance():
    truth, prediction = np.zeros((20, 20)), np.zeros((20, 20))
    truth[5:10, 5:10] = prediction[5:10, 5:10] = 1
    prediction[15:18, 15:18] = 1
    truth[12:] = -1
    assert hausdorff95_px(truth, prediction) == 0
    assert hausdorff95_px(np.maximum(truth, 0), prediction, ignore=truth == -1) == 0


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan")), 0.5])
def test_a_wrong_spacing_raises(spacing):
    with pytest.raises(ValueError, match="2 positive numbers"):
        hausdorff95_mm(np.ones((2, 2)), np.ones((2, 2)), spacing)


def test_an_unknown_spacing_raises():
    with pytest.raises(ValueError, match="Use hausdorff95_px"):
        hausdorff95_mm(np.ones((2, 2)), np.ones((2, 2)), None)
