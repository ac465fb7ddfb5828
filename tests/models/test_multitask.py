"""The multitask U-Net: its three answers, their disagreement by formula, parameters, errors."""

import keras
import numpy as np
import pandas as pd
import pytest

from radiokit import training
from radiokit.data.batches import make_batches
from radiokit.losses import DiceCrossEntropyLoss, MultilabelCrossEntropyLoss
from radiokit.models import build_multitask_unet
from radiokit.models.multitask import Disagreement

SMALL = (8, 16)


def _block(received, width):
    return 9 * received * width + 9 * width * width + 2 * (width + 4 * width)  # biases, norms


def test_parameters_equal_the_arithmetic():
    widths, hidden = (8, 16, 32), 24
    total = sum(_block(c, w) for c, w in zip((3, *widths[:-1]), widths, strict=True))
    for width, deeper in zip(widths[:-1], widths[1:], strict=True):
        total += 4 * deeper * width + width + 4 * 2 * width + _block(2 * width, width)
    total += (8 * 5 + 5) + (2 * 32 * hidden + hidden) + (hidden * 6 + 6)
    assert build_multitask_unet((16, 16, 3), 6, widths, hidden).count_params() == total


def test_one_image_gives_logits_masks_and_their_disagreement():
    model = build_multitask_unet((16, 24, 3), 6, SMALL, 16)
    outputs = model(np.random.default_rng(0).random((2, 16, 24, 3)))
    shapes = {name: tuple(output.shape) for name, output in outputs.items()}
    assert shapes == {"labels": (2, 6), "masks": (2, 16, 24, 5), "disagreement": (2, 6)}
    masks = np.asarray(outputs["masks"])
    assert ((masks > 0) & (masks < 1)).all()


def reference_disagreement(logits, masks):
    """One mean of up to nine pixels at a time."""
    num, height, width, structures = masks.shape
    strongest = np.zeros((num, structures))
    for case, row, column, structure in np.ndindex(masks.shape):
        around = masks[
            case, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2, structure
        ].mean()
        strongest[case, structure] = max(strongest[case, structure], around)
    of_masks = np.concatenate([strongest, strongest.max(axis=1, keepdims=True)], axis=1)
    return (1 / (1 + np.exp(-logits)) - of_masks) ** 2


def test_disagreement_equals_the_formula_written_in_numpy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4)).astype("float32")
    masks = rng.random((2, 5, 6, 3)).astype("float32")
    wanted = reference_disagreement(logits, masks)
    np.testing.assert_allclose(Disagreement()([logits, masks]), wanted, rtol=1e-4, atol=1e-6)


def test_a_label_without_its_mask_disagrees_and_one_with_it_does_not():
    masks = np.zeros((1, 8, 8, 2), "float32")
    masks[0, 2:5, 2:5, 0] = 1
    logits = np.array([[20.0, 20.0, 20.0]], "float32")
    np.testing.assert_allclose(Disagreement()([logits, masks]), [[0, 1, 0]], atol=1e-6)


def _read(row):
    rng = np.random.default_rng(row["number"])
    image, masks = rng.random((16, 16, 1)) * 0.3, np.zeros((16, 16, 2))
    present = (row["number"] % 2, row["number"] // 2 % 2)
    for structure, (top, left) in enumerate(rng.integers(1, 10, (2, 2))):
        if present[structure]:
            masks[top : top + 5, left : left + 5, structure] = 1
    image[..., 0] += masks[..., 0] - masks[..., 1]
    labels = np.array([*present, max(present)], "float32")
    if row["number"] == 0:
        masks[:], labels[:2] = -1, -1  # unknown
    targets = {"labels": labels, "masks": masks, "disagreement": np.zeros(3)}
    return image.astype("float32"), {k: np.float32(value) for k, value in targets.items()}


def test_training_lowers_every_loss_and_the_saved_model_says_the_same(tmp_path):
    names = [f"case{number}" for number in range(16)]
    table = pd.DataFrame({"case_id": names, "image": names, "number": range(16)})
    batches = make_batches(table, _read, 8, shuffle_seed=0, cache="memory")
    keras.utils.set_random_seed(0)
    model = build_multitask_unet((16, 16, 1), 3, SMALL, 16, dropout=0.0)
    losses = {"labels": MultilabelCrossEntropyLoss(label_weights=(1, 1, 2))}
    losses |= {"masks": DiceCrossEntropyLoss(overlapping=True)}
    losses |= {"disagreement": "mean_absolute_error"}
    history = training.fit(
        model,
        batches,
        None,
        tmp_path / "training",
        loss=losses,
        epochs=12,
        metrics={"labels": training.label_metrics(), "masks": [training.MeanDice()]},
        optimizer=training.CoupledAdam(0.01),
        schedule="constant",
        loss_weights={"labels": 1.0, "masks": 1.0, "disagreement": 0.5},
    )
    first, last = history[0], history[-1]
    assert all(last[f"{name}_loss"] < first[f"{name}_loss"] for name in losses)
    parts = last["labels_loss"] + last["masks_loss"] + 0.5 * last["disagreement_loss"]
    assert last["loss"] == pytest.approx(parts, rel=1e-4)
    assert {"labels_auc", "labels_recall", "masks_dice"} <= set(last)
    assert last["learning_rate"] == pytest.approx(0.01)

    image = np.stack([_read({"number": number})[0] for number in (1, 2)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for name, output in model(image).items():
        np.testing.assert_allclose(again(image)[name], output, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (30, 32, 3)}, r"height 30.*multiples of 4.*Pad.*32 x 32"),
        ({"num_labels": 1}, r'num_labels is 1; needed are 2 or more.*"any" last'),
        ({"widths": (8,)}, r"widths is \(8,\); needed are two levels"),
        ({"dropout": -0.1}, r"dropout is -0.1"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_multitask_unet(**{"image_shape": (32, 32, 3), "widths": (8, 16, 32)} | arguments)
