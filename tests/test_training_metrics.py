import keras
import numpy as np
import pytest

from radiokit import training


def test_mean_dice_leaves_unknown_pixels_and_channels_out():
    truth = np.zeros((1, 2, 2, 2), np.float32)
    truth[0, 0, :, 0] = 1
    truth[0, 1, 0, 0] = -1
    truth[..., 1] = -1
    predicted = np.ones((1, 2, 2, 2), np.float32)
    metric = training.MeanDice()
    metric.update_state(truth, predicted)
    assert float(metric.result()) == pytest.approx(2 * 2 / (2 + 3))


def test_label_metrics_equal_scikit_learn_with_unknown_labels_left_out():
    from sklearn import metrics as reference

    generator = np.random.default_rng(0)
    truth = generator.integers(-1, 2, (60, 4)).astype("float32")
    truth[:, 3] = np.minimum(truth[:, 3], 0)  # a label without a positive
    logits = (generator.normal(size=(60, 4)) + truth - [0, 1, 6, 2]).astype("float32")
    logits = np.round(logits / 0.05) * 0.05  # the steps of the histogram, so that ties are ties
    given = training.label_metrics()
    assert [metric.name for metric in given] == ["precision", "recall", "auc"]
    for metric in given:
        for rows in (slice(0, 25), slice(25, 60)):
            metric.update_state(truth[rows], logits[rows])
    known = truth >= 0
    pooled = truth[known], logits[known] > 0
    columns = [(truth[known[:, n], n], logits[known[:, n], n]) for n in range(3)]
    wanted = [
        reference.precision_score(*pooled),
        reference.recall_score(*pooled),
        np.mean([reference.roc_auc_score(*column) for column in columns]),
    ]
    np.testing.assert_allclose([float(m.result()) for m in given], wanted, rtol=1e-5)


def test_label_metrics_by_hand_and_forget_at_a_reset():
    given = training.label_metrics()
    truth, logits = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[3, -3], [2, 1], [1, -1]])
    for metric in given:
        metric.update_state(1 - truth, logits)
        metric.reset_state()
        metric.update_state(truth, logits)
    # four calls, three of them right; nothing missed; every positive above every negative
    assert [float(metric.result()) for metric in given] == pytest.approx([3 / 4, 1, 1])


def test_label_metrics_of_nothing_are_zero_or_undefined():
    precision, recall, auc = training.label_metrics()
    assert float(precision.result()) == float(recall.result()) == 0
    assert np.isnan(float(auc.result()))
    auc.update_state(np.zeros((3, 2)), np.ones((3, 2)))
    assert np.isnan(float(auc.result()))


def test_the_auc_of_rare_labels_is_finer_than_200_steps_of_probability():
    logits = np.linspace(-12, -8, 200)[:, None].astype("float32")  # probabilities below 0.0004
    truth = (logits > -9).astype("float32")
    ours, keras_own = training.LabelAuc(), keras.metrics.AUC(from_logits=True)
    for metric in (ours, keras_own):
        metric.update_state(truth, logits)
    assert float(ours.result()) > 0.999
    assert float(keras_own.result()) < 0.6


def test_specificity_equals_scikit_learns_recall_of_the_negatives():
    from sklearn import metrics as reference

    generator = np.random.default_rng(1)
    truth = generator.integers(-1, 2, (50, 3)).astype("float32")
    logits = generator.normal(size=(50, 3)).astype("float32")
    metric = training.LabelSpecificity()
    for rows in (slice(0, 20), slice(20, 50)):
        metric.update_state(truth[rows], logits[rows])
    known = truth >= 0
    wanted = reference.recall_score(truth[known], logits[known] > 0, pos_label=0)
    assert metric.name == "specificity"
    assert float(metric.result()) == pytest.approx(wanted)


def test_everything_called_positive_has_full_recall_and_no_specificity():
    truth, logits = np.array([[1, 0], [0, 0]]), np.full((2, 2), 9.0)
    recall, specificity = training.LabelRecall(), training.LabelSpecificity()
    for metric in (recall, specificity):
        metric.update_state(truth, logits)
    assert (float(recall.result()), float(specificity.result())) == (1, 0)
