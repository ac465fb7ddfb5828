"""Tests of the metrics against hand counts, scikit-learn and a brute-force distance."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    categorical_cross_entropy_loss,
    confusion_counts,
    dice_score,
    ejection_fraction_percent,
    hausdorff95_mm,
    hausdorff95_px,
    iou_score,
    sensitivity_score,
    specificity_score,
    volume_ml,
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


def test_distance_of_a_volume_equals_a_distance_transform():
    spacing = (1.4, 1.2, 8.0)
    position = np.moveaxis(np.indices((128, 128, 64)), 0, -1)
    truth = (((position - (64, 60, 32)) / (40, 36, 12)) ** 2).sum(-1) < 1
    prediction = (((position - (68, 58, 34)) / (38, 38, 11)) ** 2).sum(-1) < 1
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, prediction)]
    to_surface = [ndimage.distance_transform_edt(~s, sampling=spacing) for s in surfaces]
    expected = max(
        np.percentile(to_surface[0][surfaces[1]], 95), np.percentile(to_surface[1][surfaces[0]], 95)
    )
    assert hausdorff95_mm(truth, prediction, spacing) == pytest.approx(expected)


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


def random_softmax(shape, seed=0):
    generator = np.random.default_rng(seed)
    y_true = np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
    scores = np.exp(generator.normal(size=shape))
    return y_true, scores / scores.sum(-1, keepdims=True)


def test_cross_entropy_of_each_class_by_hand():
    y_true = [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 0, 0]]]
    probabilities = [[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]], [[0.2, 0.2, 0.6], [0.9, 0.1, 0.0]]]
    expected = [-(np.log(0.5) + np.log(0.9)) / 4, -np.log(0.8) / 4, -np.log(0.6) / 4]
    np.testing.assert_allclose(categorical_cross_entropy_loss(y_true, probabilities), expected)


def test_cross_entropy_adds_up_to_scikit_learns_log_loss():
    y_true, probabilities = random_softmax((2, 7, 5, 3))
    expected = sklearn_metrics.log_loss(
        y_true.reshape(-1, 3).argmax(-1), probabilities.reshape(-1, 3), labels=[0, 1, 2]
    )
    assert categorical_cross_entropy_loss(y_true, probabilities).sum() == pytest.approx(expected)


def test_cross_entropy_leaves_unknown_pixels_out_of_their_channels():
    y_true, probabilities = random_softmax((6, 6, 3))
    whole = categorical_cross_entropy_loss(y_true[2:], probabilities[2:])
    y_true[:2] = -1
    np.testing.assert_allclose(categorical_cross_entropy_loss(y_true, probabilities), whole)
    y_true[:2] = 0  # a pixel without any class is unknown too
    np.testing.assert_allclose(categorical_cross_entropy_loss(y_true, probabilities), whole)


def test_cross_entropy_of_a_partly_known_truth_has_a_value_for_the_known_class():
    y_true, probabilities = random_softmax((6, 6, 3))
    whole = categorical_cross_entropy_loss(y_true, probabilities)
    y_true[..., :2] = -1
    pool_only = categorical_cross_entropy_loss(y_true, probabilities)
    assert np.isnan(pool_only[:2]).all()
    assert pool_only[2] == pytest.approx(whole[2])


def test_cross_entropy_of_certainty_is_zero_or_the_clip():
    y_true = np.array([[1, 0]])
    right = categorical_cross_entropy_loss(y_true, y_true)
    assert right.tolist() == [0, 0] and not np.signbit(right).any()
    wrong = categorical_cross_entropy_loss(y_true, 1 - y_true)
    np.testing.assert_allclose(wrong, [-np.log(1e-7), 0])


@pytest.mark.parametrize(
    ("y_true", "probabilities", "message"),
    [
        ([[1, 0]], [[1, 0], [0, 1]], "one channel a class"),
        ([1, 0], [1, 0], "one channel a class"),
        ([[1, 1]], [[0.5, 0.5]], "more than one class"),
        ([[2, 0]], [[0.5, 0.5]], "Truth holds the value 2"),
        ([[1, 0]], [[3.0, -2.0]], "hold the value 3.0.*Apply softmax"),
        ([[1, 0]], [[float("nan"), 1]], "hold the value nan"),
    ],
)
def test_cross_entropy_of_other_values_raises(y_true, probabilities, message):
    with pytest.raises(ValueError, match=message):
        categorical_cross_entropy_loss(y_true, probabilities)


def test_volume_of_a_box_and_of_a_ball_follow_their_formulas():
    box = np.zeros((20, 20, 10), np.uint8)
    box[2:12, 3:8, 1:5] = 1
    expected = (10 * 1.5) * (5 * 0.7) * (4 * 8.0) / 1000
    assert volume_ml(box, (1.5, 0.7, 8.0)) == pytest.approx(expected)
    spacing = np.array([0.5, 0.5, 1.0])
    position = np.moveaxis(np.indices((120, 120, 60)), 0, -1) * spacing
    ball = ((position - 30) ** 2).sum(-1) < 25**2
    assert volume_ml(ball, spacing) == pytest.approx(4 / 3 * np.pi * 25**3 / 1000, rel=5e-3)
    assert volume_ml(ball & False, spacing) == 0


@pytest.mark.parametrize(
    ("mask", "spacing", "message"),
    [
        (np.ones((2, 2, 2)), None, "a volume in mL cannot be known.*Count the voxels"),
        (np.ones((2, 2, 2)), (1.0, 1.0), "3 positive numbers"),
        (np.ones((2, 2, 2)), (1.0, 1.0, 0.0), "3 positive numbers"),
        (np.ones((2, 2)), (1.0, 1.0), "needs 3 axes.*Restack"),
        (np.full((2, 2, 2), 2), (1.0, 1.0, 1.0), "Mask holds the value 2"),
        (np.full((2, 2, 2), -1), (1.0, 1.0, 1.0), "Mask holds the value -1"),
    ],
)
def test_a_volume_of_other_masks_or_spacings_raises(mask, spacing, message):
    with pytest.raises(ValueError, match=message):
        volume_ml(mask, spacing)


def test_ejection_fraction_by_hand():
    assert ejection_fraction_percent(150.0, 60.0) == pytest.approx(60)
    assert ejection_fraction_percent(100.0, 110.0) == pytest.approx(-10)
    assert np.isnan(ejection_fraction_percent(0.0, 0.0))
    many = ejection_fraction_percent([150, 0, np.nan], [60, 5, 5])
    np.testing.assert_allclose(many, [60, np.nan, np.nan])


@pytest.mark.parametrize(("diastolic", "systolic"), [(-1.0, 2.0), ([3.0, 4.0], [1.0, -2.0])])
def test_a_negative_volume_raises(diastolic, systolic):
    with pytest.raises(ValueError, match="volume is -.* mL; a volume is 0 or more"):
        ejection_fraction_percent(diastolic, systolic)
