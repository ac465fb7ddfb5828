"""Tests of the training loss against a NumPy formula and against the metric."""

import keras
import numpy as np
import pytest
from keras import ops

from radiokit.losses import DiceCrossEntropyLoss
from radiokit.metrics import dice_score


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
