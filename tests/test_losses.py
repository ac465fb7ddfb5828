"""Tests of the training losses against NumPy formulas and against the metric."""

from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from radiokit.losses import (
    DiceCrossEntropyLoss,
    GeneralizedDiceLoss,
    MultilabelCrossEntropyLoss,
    balanced_positive_weights,
)
from radiokit.metrics import dice_score, weighted_log_loss


def reference_loss(y_true, y_pred, overlapping, squared=False):
    """The published formulas, one image and class at a time, known pixels only."""
    losses = []
    for truth, probability in zip(y_true, y_pred, strict=True):
        known = np.repeat((truth >= 0).all(-1)[..., None], truth.shape[-1], axis=-1)
        known = truth >= 0 if overlapping else known
        dices, terms = [], []
        for channel in range(truth.shape[-1]):
            keep = known[..., channel]
            t, p = truth[..., channel][keep], probability[..., channel][keep]
            below = (t**2).sum() + (p**2).sum() if squared else t.sum() + p.sum()
            dices.append((2 * (t * p).sum() + 1) / (below + 1))
            terms.append(t * np.log(p) + ((1 - t) * np.log(1 - p) if overlapping else 0))
        num_terms = known.sum() if overlapping else known[..., 0].sum()
        losses.append(1 - np.mean(dices) - np.concatenate(terms).sum() / num_terms)
    return np.array(losses)


def random_pair(overlapping, seed=0, shape=(3, 6, 5, 4)):
    generator = np.random.default_rng(seed)
    y_pred = generator.uniform(0.02, 0.98, shape)
    if overlapping:
        y_true = generator.integers(-1, 2, shape)
    else:
        y_pred /= y_pred.sum(-1, keepdims=True)
        y_true = np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
        y_true[:, 0] = -1
    return y_true.astype("float32"), y_pred.astype("float32")


def gradient(loss, y_true, y_pred):
    """Slope of the loss in each probability, by central differences in float64."""
    slope = np.zeros(y_pred.shape)
    for index in np.ndindex(y_pred.shape):
        step = np.zeros(y_pred.shape)
        step[index] = 1e-5
        above, below = (float(loss(y_true, y_pred + s)) for s in (step, -step))
        slope[index] = (above - below) / 2e-5
    return slope


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("overlapping", [False, True])
def test_loss_equals_the_formula_written_in_numpy(overlapping, squared):
    y_true, y_pred = random_pair(overlapping)
    loss = DiceCrossEntropyLoss(overlapping, squared, reduction=None)
    expected = reference_loss(y_true, y_pred, overlapping, squared)
    np.testing.assert_allclose(ops.convert_to_numpy(loss(y_true, y_pred)), expected, rtol=1e-5)


def test_the_default_reduction_is_the_mean_over_images():
    y_true, y_pred = random_pair(True)
    expected = reference_loss(y_true, y_pred, True).mean()
    assert float(DiceCrossEntropyLoss(True)(y_true, y_pred)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("overlapping", [False, True])
def test_volumes_are_treated_as_images(overlapping):
    y_true, y_pred = random_pair(overlapping, shape=(2, 3, 4, 5, 2))
    flat = [a.reshape(2, 12, 5, 2) for a in (y_true, y_pred)]
    loss = DiceCrossEntropyLoss(overlapping)
    assert float(loss(y_true, y_pred)) == pytest.approx(float(loss(*flat)), rel=1e-6)


@pytest.mark.parametrize("overlapping", [False, True])
def test_ignored_pixels_have_zero_gradient_and_known_ones_do_not(overlapping):
    y_true, y_pred = random_pair(overlapping, shape=(1, 3, 3, 2))
    loss = DiceCrossEntropyLoss(overlapping, dtype="float64")
    slope = gradient(loss, y_true.astype(float), y_pred.astype(float))
    assert (y_true == -1).any()
    np.testing.assert_array_equal(slope[y_true == -1], 0)
    known = y_true == 1  # with exclusive classes the other channels are tied only through softmax
    assert (slope[known] < 0).all()


@pytest.mark.parametrize("overlapping", [False, True])
def test_an_image_without_any_known_pixel_costs_nothing(overlapping):
    y_true = -np.ones((1, 4, 4, 2), "float32")
    y_pred = np.full((1, 4, 4, 2), 0.5, "float32")
    assert float(DiceCrossEntropyLoss(overlapping)(y_true, y_pred)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_better_prediction_costs_less_and_a_perfect_one_nothing(overlapping):
    y_true, _ = random_pair(False, shape=(2, 6, 6, 3))
    y_true = np.maximum(y_true, 0) if overlapping else y_true
    perfect = np.maximum(y_true, 0)
    loss = DiceCrossEntropyLoss(overlapping)
    costs = [float(loss(y_true, perfect * w + (1 - w) / 3)) for w in (0.0, 0.4, 0.8, 1.0)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("truth_filled", "predicted_filled"), [(False, False), (True, False), (False, True)]
)
def test_dice_part_and_dice_score_agree_on_empty_masks(truth_filled, predicted_filled):
    shape = (1, 32, 32, 1)
    y_true = np.full(shape, float(truth_filled), "float32")
    y_pred = np.full(shape, float(predicted_filled), "float32")
    loss = DiceCrossEntropyLoss(overlapping=True)
    wrong = np.mean(y_true != y_pred)
    dice_part = float(loss(y_true, y_pred)) - wrong * -np.log(1e-7)
    # One pixel of smoothing among 1,024 leaves a thousandth between them.
    assert 1 - dice_part == pytest.approx(
        dice_score(y_true[0, ..., 0], y_pred[0, ..., 0]), abs=2e-3
    )


def test_probability_on_an_empty_structure_is_pushed_down():
    y_true = np.zeros((1, 3, 3, 1))
    y_pred = np.full((1, 3, 3, 1), 0.3)
    slope = gradient(DiceCrossEntropyLoss(True, dtype="float64"), y_true, y_pred)
    cross_entropy_slope = 1 / (1 - 0.3) / 9  # of -log(1 - p), averaged over 9 pixels
    assert (slope > 1.1 * cross_entropy_slope).all()


def test_certain_and_wrong_predictions_stay_finite():
    y_true = np.ones((1, 2, 2, 1), "float32")
    assert np.isfinite(float(DiceCrossEntropyLoss(True)(y_true, 0 * y_true)))


def test_half_precision_predictions_are_summed_in_float32():
    y_true, y_pred = random_pair(True, shape=(1, 64, 64, 2))
    full = float(DiceCrossEntropyLoss(True)(y_true, y_pred))
    half = DiceCrossEntropyLoss(True)(y_true, ops.cast(y_pred, "bfloat16"))
    assert float(half) == pytest.approx(full, rel=5e-3)


def test_a_saved_model_reloads_with_the_same_loss(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1)])
    loss = DiceCrossEntropyLoss(overlapping=True, squared_denominator=True)
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").loss
    assert isinstance(again, DiceCrossEntropyLoss)
    assert again.get_config() == loss.get_config()


def test_training_with_the_loss_finds_an_easy_mask():
    generator = np.random.default_rng(0)
    images = generator.uniform(size=(8, 8, 8, 1)).astype("float32")
    masks = (images > 0.5).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.3), DiceCrossEntropyLoss(overlapping=True))
    history = model.fit(images, masks, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    assert dice_score(masks, model.predict(images, verbose=0) > 0.5) > 0.95


def test_other_shapes_raise():
    with pytest.raises(ValueError, match="as many classes as the truth"):
        DiceCrossEntropyLoss(True)(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 3)))


def test_a_single_softmax_channel_raises():
    with pytest.raises(ValueError, match="overlapping=True"):
        DiceCrossEntropyLoss()(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 1)))


def reference_generalized_dice(y_true, y_pred, overlapping):
    """Sudre's formula with its own weights 1 / n², the smoothing a pixel of the rarest class."""
    losses = []
    for truth, probability in zip(y_true, y_pred, strict=True):
        known = np.repeat((truth >= 0).all(-1)[..., None], truth.shape[-1], axis=-1)
        known = truth >= 0 if overlapping else known
        pixels = [
            (truth[..., c][known[..., c]], probability[..., c][known[..., c]])
            for c in range(truth.shape[-1])
        ]
        weights = [1 / t.sum() ** 2 if t.any() else None for t, _ in pixels]
        rarest = max([w for w in weights if w is not None], default=1)
        weights = [rarest if w is None else w for w in weights]
        above = sum(w * 2 * (t * p).sum() for w, (t, p) in zip(weights, pixels, strict=True))
        below = sum(w * (t.sum() + p.sum()) for w, (t, p) in zip(weights, pixels, strict=True))
        losses.append(1 - (above + rarest) / (below + rarest))
    return np.array(losses)


@pytest.mark.parametrize("overlapping", [False, True])
def test_generalised_dice_equals_the_formula_written_in_numpy(overlapping):
    y_true, y_pred = random_pair(overlapping)
    first = y_true[0]  # a view: its class 1 becomes class 0 and is absent
    first[..., 0] = np.maximum(first[..., 0], first[..., 1])
    first[..., 1] = np.minimum(first[..., 1], 0)
    assert not (first == 1).any(axis=(0, 1))[1]
    loss = GeneralizedDiceLoss(overlapping, cross_entropy_weight=0, reduction=None)
    expected = reference_generalized_dice(y_true, y_pred, overlapping)
    np.testing.assert_allclose(ops.convert_to_numpy(loss(y_true, y_pred)), expected, rtol=1e-5)


def test_generalised_dice_of_four_pixels_by_hand():
    # Three pixels of background, one of the structure; the weights 1/9 and 1 of the paper.
    y_true = np.array([[[[1, 0], [1, 0], [1, 0], [0, 1]]]], "float32")
    y_pred = np.array([[[[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]]], "float32")
    overlap = Fraction(1, 9) * Fraction(24, 10) + Fraction(6, 10)
    sizes = Fraction(1, 9) * (3 + Fraction(28, 10)) + (1 + Fraction(12, 10))
    expected = 1 - (2 * overlap + 1) / (sizes + 1)  # one pixel of the structure smooths
    loss = GeneralizedDiceLoss(cross_entropy_weight=0)
    assert float(loss(y_true, y_pred)) == pytest.approx(float(expected), rel=1e-6)
    cross_entropy = -np.log([0.9, 0.8, 0.7, 0.6]).mean()
    with_it = GeneralizedDiceLoss(cross_entropy_weight=0.5)
    assert float(with_it(y_true, y_pred)) == pytest.approx(expected + 0.5 * cross_entropy, rel=1e-6)


def test_generalised_dice_of_one_structure_is_dice():
    y_true, y_pred = random_pair(True, shape=(3, 6, 5, 1))
    plain, generalised = DiceCrossEntropyLoss(True), GeneralizedDiceLoss(True)
    assert float(generalised(y_true, y_pred)) == pytest.approx(float(plain(y_true, y_pred)))


def test_generalised_dice_of_equal_classes_is_dice_of_all_pixels_together():
    y_true = np.eye(2, dtype="float32")[np.arange(16).reshape(1, 4, 4) % 2]
    y_pred = random_pair(False, shape=(1, 4, 4, 2))[1]
    expected = 1 - (2 * (y_true * y_pred).sum() + 1) / (y_true.sum() + y_pred.sum() + 1)
    loss = GeneralizedDiceLoss(cross_entropy_weight=0)
    assert float(loss(y_true, y_pred)) == pytest.approx(expected, rel=1e-5)


def test_a_missed_small_structure_costs_more_in_generalised_dice():
    y_true = np.zeros((1, 32, 32, 2), "float32")
    y_true[0, :2, :2, 1] = 1
    y_true[..., 0] = 1 - y_true[..., 1]
    all_background = np.stack([np.ones((1, 32, 32)), np.zeros((1, 32, 32))], -1).astype("float32")
    generalised = GeneralizedDiceLoss(cross_entropy_weight=0)
    one_class_lost = 1 / 2 * (1 - 1 / (4 + 1))  # mean of the two Dice losses, smoothed
    assert float(generalised(y_true, all_background)) > 0.75 > one_class_lost


def test_an_image_costs_the_same_whatever_it_is_batched_with():
    y_true, y_pred = random_pair(False)
    y_true[1] = np.eye(4)[0]
    loss = GeneralizedDiceLoss(reduction=None)
    alone = [float(loss(y_true[i : i + 1], y_pred[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(ops.convert_to_numpy(loss(y_true, y_pred)), alone, rtol=1e-6)


@pytest.mark.parametrize("overlapping", [False, True])
def test_generalised_dice_leaves_unknown_pixels_out_and_costs_nothing_when_perfect(overlapping):
    y_true, y_pred = random_pair(overlapping)
    loss = GeneralizedDiceLoss(overlapping)
    moved = np.where(y_true == -1, 1 - y_pred, y_pred)
    assert float(loss(y_true, moved)) == pytest.approx(float(loss(y_true, y_pred)), rel=1e-6)
    assert float(loss(y_true, np.maximum(y_true, 0))) == pytest.approx(0, abs=1e-5)
    assert float(loss(-np.ones_like(y_true), y_pred)) == pytest.approx(0, abs=1e-6)


def test_generalised_dice_still_pushes_an_absent_structure_down():
    y_true = np.zeros((1, 4, 4, 2), "float32")
    y_true[..., 0] = 1
    loss = GeneralizedDiceLoss(cross_entropy_weight=0)
    costs = [
        float(loss(y_true, np.stack([np.full((1, 4, 4), 1 - p), np.full((1, 4, 4), p)], -1)))
        for p in (0.0, 0.1, 0.5)
    ]
    assert costs[0] == pytest.approx(0, abs=1e-6)
    assert costs == sorted(costs) and costs[2] > 0.4


@pytest.mark.parametrize("loss_class", [DiceCrossEntropyLoss, GeneralizedDiceLoss])
@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("predicted", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("truth", ["mixed", "empty", "one pixel", "unknown"])
def test_the_gradient_is_finite_everywhere(loss_class, overlapping, predicted, truth):
    y_true = np.zeros((1, 64, 64, 3), "float32")
    y_true[..., 0] = truth != "empty"
    if truth == "mixed":
        y_true = random_pair(overlapping, shape=(1, 64, 64, 3))[0]
    elif truth == "one pixel":
        y_true[0, 5, 5] = (0, 0, 1)
    elif truth == "unknown":
        y_true[:] = -1
    y_pred = tf.Variable(np.full(y_true.shape, predicted, "float32"))
    with tf.GradientTape() as tape:
        cost = loss_class(overlapping)(tf.constant(y_true), y_pred)
    assert np.isfinite(float(cost))
    assert np.isfinite(tape.gradient(cost, y_pred).numpy()).all()


def test_generalised_dice_treats_volumes_as_images():
    y_true, y_pred = random_pair(False, shape=(2, 3, 4, 5, 2))
    flat = [a.reshape(2, 12, 5, 2) for a in (y_true, y_pred)]
    loss = GeneralizedDiceLoss()
    assert float(loss(y_true, y_pred)) == pytest.approx(float(loss(*flat)), rel=1e-6)


def test_a_compiled_model_trains_saves_and_reloads_with_generalised_dice(tmp_path):
    y_true, _ = random_pair(False, shape=(4, 8, 8, 3))
    images = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, padding="same", activation="softmax")]
    )
    loss = GeneralizedDiceLoss(cross_entropy_weight=0.25)
    model.compile(keras.optimizers.Adam(0.1), loss)
    history = model.fit(images, y_true, epochs=8, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.loss, GeneralizedDiceLoss)
    assert again.loss.get_config() == loss.get_config()
    costs = [net.evaluate(images, y_true, verbose=0) for net in (model, again)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-6)


def test_a_negative_weight_and_a_single_softmax_channel_raise():
    with pytest.raises(ValueError, match="dice_weight is -0.5; needed is 0 .cross-entropy alone"):
        DiceCrossEntropyLoss(dice_weight=-0.5)
    with pytest.raises(ValueError, match="cross_entropy_weight is -1; needed is 0"):
        GeneralizedDiceLoss(cross_entropy_weight=-1)
    with pytest.raises(ValueError, match="overlapping=True"):
        GeneralizedDiceLoss()(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 1)))
    with pytest.raises(ValueError, match="as many classes as the truth"):
        GeneralizedDiceLoss(True)(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 3)))


def blood_pool_only(inside):
    """A slice of which only the blood pool is drawn; channels background, myocardium, pool."""
    y_true = np.empty((1, 8, 8, 3), "float32")
    y_true[:] = (-1, -1, 0)
    y_true[0, 2:5, 3:6] = inside
    return y_true


def softmax_gradient(loss, y_true):
    """Slope of the loss in each probability that softmax gives, and the probabilities."""
    scores = np.random.default_rng(0).normal(size=y_true.shape).astype("float32")
    probability = tf.Variable(tf.nn.softmax(scores))
    with tf.GradientTape() as tape:
        cost = loss(y_true, probability)
    return tape.gradient(cost, probability).numpy(), probability.numpy()


@pytest.mark.parametrize("loss_class", [DiceCrossEntropyLoss, GeneralizedDiceLoss])
@pytest.mark.parametrize("inside", [(-1, -1, 1), (0, 0, 1)])
def test_where_only_the_pool_is_known_the_rest_may_be_divided_as_it_likes(loss_class, inside):
    y_true = blood_pool_only(inside)
    unknown, pool = y_true[..., 0] == -1, y_true[..., 2] == 1
    loss = loss_class(overlapping=True)
    slope, probability = softmax_gradient(loss, y_true)
    np.testing.assert_array_equal(slope[unknown][:, :2], 0)
    assert (slope[pool][:, 2] < 0).all() and (slope[~pool][:, 2] > 0).all()
    swapped = probability.copy()
    swapped[unknown] = swapped[unknown][:, [1, 0, 2]]
    assert float(loss(y_true, swapped)) == pytest.approx(float(loss(y_true, probability)), rel=1e-6)


def test_pixels_known_to_be_neither_do_weigh_how_the_rest_is_divided():
    # Inside the pool "neither background nor myocardium" is knowledge, and each channel is judged.
    y_true = blood_pool_only((0, 0, 1))
    pool = y_true[..., 2:] == 1
    one_sided, even = (np.float32(p) for p in ((0.6, 0, 0.4), (0.3, 0.3, 0.4)))
    loss = DiceCrossEntropyLoss(overlapping=True)
    costs = [float(loss(y_true, np.where(pool, inside, even))) for inside in (one_sided, even)]
    logarithms = (9 * (2 * np.log(0.7) - np.log(0.4))) / (2 * 9 + 64)
    dice = [np.mean([1 / (9 * p + 1) for p in pair]) / 1.5 for pair in ((0.6, 0), (0.3, 0.3))]
    assert costs[0] - costs[1] == pytest.approx(logarithms - dice[0] + dice[1], rel=1e-4)
    assert abs(costs[0] - costs[1]) > 0.05


def test_all_that_the_loss_sees_of_a_pool_alone_is_the_pool():
    y_true = blood_pool_only((-1, -1, 1))
    probability = softmax_gradient(DiceCrossEntropyLoss(True), y_true)[1]
    whole = DiceCrossEntropyLoss(overlapping=True)(y_true, probability)
    pool = reference_loss(y_true[..., 2:], probability[..., 2:], overlapping=True)
    cross_entropy = reference_cross_entropy(y_true[..., 2], probability[..., 2])
    # Dice is averaged over three channels, and the two unknown ones cost nothing.
    expected = (pool[0] - cross_entropy) / 3 + cross_entropy
    assert float(whole) == pytest.approx(expected, rel=1e-5)


def reference_cross_entropy(truth, probability):
    return -np.mean(truth * np.log(probability) + (1 - truth) * np.log(1 - probability))


def label_pair(seed=0, shape=(7, 4)):
    generator = np.random.default_rng(seed)
    y_true = generator.integers(-1, 2, shape).astype("float32")
    return y_true, generator.normal(0, 3, shape).astype("float32")


def reference_multilabel(y_true, logits, positive_weights, label_weights):
    """The cross-entropy of each image in float64, one label at a time."""
    losses = []
    for truth, logit in zip(y_true, logits.astype(float), strict=True):
        cost, weight = 0.0, 0.0
        for t, x, p, w in zip(truth, logit, positive_weights, label_weights, strict=True):
            probability = 1 / (1 + np.exp(-x))
            if t >= 0:
                cost -= w * (p * np.log(probability) if t == 1 else np.log(1 - probability))
                weight += w
        losses.append(cost / weight if weight else 0.0)
    return np.array(losses)


@pytest.mark.parametrize("positive_weights", [None, (1, 5, 0.5, 20)])
@pytest.mark.parametrize("label_weights", [None, (1, 1, 1, 2), (0, 1, 3, 0)])
def test_multilabel_loss_equals_the_formula_written_in_numpy(positive_weights, label_weights):
    y_true, logits = label_pair()
    y_true[3] = -1
    expected = reference_multilabel(
        y_true, logits, positive_weights or [1] * 4, label_weights or [1] * 4
    )
    loss = MultilabelCrossEntropyLoss(positive_weights, label_weights, reduction=None)
    given = ops.convert_to_numpy(loss(y_true, logits))
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-7)
    assert given[3] == 0
    mean = float(MultilabelCrossEntropyLoss(positive_weights, label_weights)(y_true, logits))
    assert mean == pytest.approx(expected.mean(), rel=1e-5)


def test_multilabel_loss_with_the_challenges_weights_is_its_weighted_log_loss():
    y_true, logits = label_pair(shape=(50, 6))
    y_true = np.abs(y_true)
    weights = (1, 1, 1, 1, 1, 2)
    expected = weighted_log_loss(y_true, 1 / (1 + np.exp(-logits.astype(float))), weights)
    assert float(MultilabelCrossEntropyLoss(None, weights)(y_true, logits)) == pytest.approx(
        expected, rel=1e-5
    )
    scaled = MultilabelCrossEntropyLoss(None, [10 * weight for weight in weights])
    assert float(scaled(y_true, logits)) == pytest.approx(expected, rel=1e-5)


def test_multilabel_loss_without_weights_is_binary_cross_entropy():
    y_true, logits = label_pair()
    y_true = np.abs(y_true)
    expected = float(keras.losses.BinaryCrossentropy(from_logits=True)(y_true, logits))
    assert float(MultilabelCrossEntropyLoss()(y_true, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("logit", [-1e4, 0.0, 1e4])
def test_multilabel_loss_and_its_gradient_are_finite_at_any_logit(logit):
    y_true = tf.constant([[1.0, 0.0, -1.0]])
    logits = tf.Variable([[logit, logit, logit]])
    with tf.GradientTape() as tape:
        cost = MultilabelCrossEntropyLoss((9, 9, 9), (1, 2, 2))(y_true, logits)
    slope = tape.gradient(cost, logits).numpy()[0]
    probability = 1 / (1 + np.exp(-np.clip(logit, -700, 700)))
    assert float(cost) >= 0 and np.isfinite(float(cost))
    wanted = [9 * (probability - 1) / 3, 2 * probability / 3]
    np.testing.assert_allclose(slope[:2], wanted, rtol=1e-6, atol=1e-30)
    assert slope[2] == 0  # unknown


def test_multilabel_loss_of_the_slices_of_exams_is_one_number_a_slice():
    y_true, logits = label_pair(shape=(3, 5, 4))
    loss = MultilabelCrossEntropyLoss(label_weights=(1, 1, 1, 2), reduction=None)
    flat = loss(y_true.reshape(15, 4), logits.reshape(15, 4))
    np.testing.assert_allclose(loss(y_true, logits), ops.reshape(flat, (3, 5)), rtol=1e-6)


def test_a_compiled_model_reloads_with_the_multilabel_loss(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    loss = MultilabelCrossEntropyLoss((2, 3), np.array([1.0, 2.0]))
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").loss
    assert isinstance(again, MultilabelCrossEntropyLoss)
    assert again.get_config() == loss.get_config()
    y_true, logits = label_pair(shape=(4, 2))
    assert float(again(y_true, logits)) == float(loss(y_true, logits))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"positive_weights": (1, -1)}, r"positive_weights is \[1.0, -1.0\]; needed is one finite"),
        ({"label_weights": (0, 0)}, r"label_weights is \[0.0, 0.0\].*one of them above 0"),
        ({"label_weights": (1, float("nan"))}, "one finite number a label"),
    ],
)
def test_weights_that_weigh_nothing_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        MultilabelCrossEntropyLoss(**weights)


def test_multilabel_shapes_and_weights_must_fit():
    with pytest.raises(ValueError, match="label_weights has 2 numbers for 4 labels"):
        MultilabelCrossEntropyLoss(label_weights=(1, 2))(*label_pair())
    with pytest.raises(ValueError, match="as many logits as there are labels"):
        MultilabelCrossEntropyLoss()(np.zeros((3, 4)), np.zeros((3, 1)))


def test_balanced_positive_weights_are_negatives_over_positives_within_the_cap():
    targets = np.zeros((100, 4))
    targets[:25, 0] = 1  # 75 / 25
    targets[:1, 1] = 1  # 99, capped
    targets[:98, 3] = 1  # 2 / 98, which pulls positives down
    targets[-25:, 0] = -1  # 50 / 25
    assert balanced_positive_weights(targets) == pytest.approx([2, 20, 20, 0.05])
    assert balanced_positive_weights(targets, largest=50)[1] == 50
    with pytest.raises(ValueError, match=r"targets has shape \(4,\).*\(images, labels\)"):
        balanced_positive_weights([1, 0, 0, 1])


def test_dice_over_the_batch_pools_the_images_before_dividing():
    generator = np.random.default_rng(5)
    y_true = np.zeros((2, 4, 4, 2), "float32")
    y_true[0, :2, :2, 0] = 1  # the second image has neither structure
    y_pred = generator.uniform(0.02, 0.98, y_true.shape).astype("float32")
    overlap = (y_true * y_pred).sum(axis=(0, 1, 2))
    below = y_true.sum(axis=(0, 1, 2)) + (y_pred**2).sum(axis=(0, 1, 2))
    dice_loss = np.mean(1 - (2 * overlap + 1) / (below + 1))
    cross_entropy = -np.log(np.where(y_true > 0, y_pred, 1 - y_pred)).mean(axis=(1, 2, 3))
    loss = DiceCrossEntropyLoss(
        overlapping=True, squared_denominator=True, over_batch=True, reduction="none"
    )
    result = ops.convert_to_numpy(loss(y_true, y_pred))
    np.testing.assert_allclose(result, dice_loss + cross_entropy, rtol=1e-5)
    assert DiceCrossEntropyLoss.from_config(loss.get_config()).over_batch


def test_without_its_dice_part_the_loss_is_keras_binary_cross_entropy():
    generator = np.random.default_rng(6)
    y_true = generator.integers(0, 2, (3, 8, 8, 1)).astype("float32")
    y_pred = generator.uniform(0.02, 0.98, y_true.shape).astype("float32")
    loss = DiceCrossEntropyLoss(overlapping=True, dice_weight=0)
    expected = keras.losses.BinaryCrossentropy()(y_true, y_pred)
    assert float(loss(y_true, y_pred)) == pytest.approx(float(expected), rel=1e-5)
    assert DiceCrossEntropyLoss.from_config(loss.get_config()).dice_weight == 0


def test_a_weight_of_dice_adds_that_much_of_it():
    y_true, y_pred = random_pair(True)
    alone, once, thrice = (
        float(DiceCrossEntropyLoss(True, dice_weight=weight)(y_true, y_pred))
        for weight in (0, 1, 3)
    )
    assert thrice - alone == pytest.approx(3 * (once - alone), rel=1e-5)
