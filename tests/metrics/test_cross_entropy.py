"""Tests of cross-entropies against hand counts and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import categorical_cross_entropy_loss, weighted_log_loss


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


def random_labels(num_images=40, num_labels=6, seed=0):
    generator = np.random.default_rng(seed)
    y_true = generator.integers(0, 2, (num_images, num_labels))
    return y_true, generator.uniform(size=(num_images, num_labels))


def test_weighted_log_loss_equals_scikit_learns_with_the_challenges_weights():
    y_true, probabilities = random_labels()
    weights = (1, 1, 1, 1, 1, 2)
    each = [
        sklearn_metrics.log_loss(truth, said, labels=[0, 1])
        for truth, said in zip(y_true.T, probabilities.T, strict=True)
    ]
    expected = np.average(each, weights=weights)
    assert weighted_log_loss(y_true, probabilities, weights) == pytest.approx(expected)
    assert weighted_log_loss(y_true, probabilities) == pytest.approx(np.mean(each))


def test_the_scale_of_label_weights_does_not_matter():
    y_true, probabilities = random_labels()
    weights = np.array([1, 1, 1, 1, 1, 2])
    once = weighted_log_loss(y_true, probabilities, weights)
    assert weighted_log_loss(y_true, probabilities, weights * 7) == pytest.approx(once)


def test_weighted_log_loss_of_sure_answers_is_zero_or_the_clip():
    y_true = np.array([[1, 0, 1]])
    assert weighted_log_loss(y_true, y_true) == pytest.approx(0, abs=1e-12)
    assert weighted_log_loss(y_true, 1 - y_true) == pytest.approx(-np.log(1e-15), rel=1e-3)


def test_weighted_log_loss_leaves_unknown_labels_out():
    y_true, probabilities = random_labels()
    known = weighted_log_loss(y_true[10:], probabilities[10:])
    y_true[:10] = -1
    assert weighted_log_loss(y_true, probabilities) == pytest.approx(known)
    assert np.isnan(weighted_log_loss(np.full((3, 2), -1), np.full((3, 2), 0.5)))


@pytest.mark.parametrize(
    ("y_true", "probabilities", "weights", "message"),
    [
        ([1, 0], [1, 0], None, "a column a label"),
        ([[1, 0]], [[1, 0, 0]], None, "a column a label"),
        ([[1, 2]], [[0.5, 0.5]], None, "Truth holds the value 2"),
        ([[1, 0]], [[3.0, 0.5]], None, "hold the value 3.0.*Apply the sigmoid"),
        ([[1, 0]], [[0.5, 0.5]], (1, 1, 2), "must be 2 numbers, one a label"),
        ([[1, 0]], [[0.5, 0.5]], (1, -1), "must be 2 numbers, one a label"),
        ([[1, 0]], [[0.5, 0.5]], (0, 0), "not all 0"),
    ],
)
def test_weighted_log_loss_of_other_values_raises(y_true, probabilities, weights, message):
    with pytest.raises(ValueError, match=message):
        weighted_log_loss(y_true, probabilities, weights)
