"""From slices to the exam: padding changes nothing, neighbours do, and it learns."""

import keras
import numpy as np
import pandas as pd
import pytest

from radiokit import training
from radiokit.data.batches import make_batches
from radiokit.losses import MultilabelCrossEntropyLoss
from radiokit.models import build_exam_classifier
from radiokit.models.sequence import MaskedMax

LENGTHS = (9, 4, 6, 1)


def _exams(num_features=5):
    features = np.random.default_rng(0).normal(size=(4, 9, num_features)).astype("float32")
    for exam, length in enumerate(LENGTHS):
        features[exam, length:] = 0
    return features


def test_parameters_equal_the_arithmetic():
    gru = 3 * (5 * 8 + 8 * 8 + 2 * 8)  # three gates: from input, from memory, two biases
    heads = 2 * (2 * 8 * 6 + 6)
    assert build_exam_classifier(5, 6, units=8).count_params() == 2 * gru + heads


def test_padding_changes_no_answer():
    model, features = build_exam_classifier(5, 3, units=8), _exams()
    together = model(features)
    for exam, length in enumerate(LENGTHS):
        alone = model(features[exam : exam + 1, :length])
        np.testing.assert_allclose(together["exam"][exam], alone["exam"][0], atol=1e-5)
        slices = together["slices"][exam, :length]
        np.testing.assert_allclose(slices, alone["slices"][0], atol=1e-5)


def test_every_slice_hears_of_those_above_and_below():
    model, features = build_exam_classifier(5, 3, units=8), _exams()[:1]
    changed = features.copy()
    changed[0, 4] += 1
    difference = np.abs(model(changed)["slices"] - model(features)["slices"])
    assert (difference.max(axis=(0, 2)) > 0).all()


def test_padding_is_left_out_of_the_loss():
    model, features = build_exam_classifier(5, 3, units=8), _exams()
    loss = {name: MultilabelCrossEntropyLoss() for name in ("slices", "exam")}
    model.compile("sgd", loss, jit_compile=False)
    truth = np.random.default_rng(1).integers(0, 2, (4, 9, 3)).astype("float32")
    targets = {"slices": truth, "exam": truth[:, 0]}
    losses = model.evaluate(features, targets, verbose=0, return_dict=True)
    logits = np.asarray(model(features)["slices"], float)
    cost = np.log1p(np.exp(logits)) - truth * logits
    there = [cost[exam, :length].mean(axis=-1) for exam, length in enumerate(LENGTHS)]
    assert losses["slices_loss"] == pytest.approx(np.concatenate(there).mean(), rel=1e-4)


def test_the_maximum_passes_over_padding_and_an_exam_without_slices_gives_zero():
    values = -np.arange(1.0, 13.0, dtype="float32").reshape(2, 3, 2)
    mask = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(MaskedMax()(values, mask=mask), [[-3, -4], [0, 0]])
    np.testing.assert_array_equal(MaskedMax()(values), [[-1, -2], [-7, -8]])


def _read(row):
    """Two bright slices in every exam; it is positive where they are neighbours."""
    rng = np.random.default_rng(row["number"])
    length = int(rng.integers(5, 9))
    bright = np.zeros((8, 1), "float32")
    bright[rng.choice(length, 2, replace=False)] = 1
    if row["number"] % 2:
        start = rng.integers(0, length - 1)
        bright[:length], bright[start : start + 2] = 0, 1
    exam = float((bright[1:] * bright[:-1]).max())
    features = np.concatenate([bright, np.ones((8, 1), "float32")], axis=1)
    features[length:] = 0
    slices = np.where(np.arange(8)[:, None] < length, exam * bright, -1)
    return features, {"slices": np.float32(slices), "exam": np.float32([exam])}


def test_it_learns_what_no_single_slice_shows_and_reloads(tmp_path):
    names = [f"exam{number}" for number in range(64)]
    table = pd.DataFrame({"case_id": names, "image": names, "number": range(64)})
    batches = make_batches(table, _read, 16, shuffle_seed=0, cache="memory")
    keras.utils.set_random_seed(0)
    model = build_exam_classifier(2, 1, units=8)
    history = training.fit(
        model,
        batches,
        None,
        tmp_path / "training",
        loss={name: MultilabelCrossEntropyLoss() for name in ("slices", "exam")},
        epochs=30,
        learning_rate=0.03,
        metrics={"exam": training.label_metrics()},
    )
    assert history[-1]["exam_auc"] > 0.95
    model.save(tmp_path / "exam.keras")
    again = keras.models.load_model(tmp_path / "exam.keras")
    features = _read({"number": 1})[0][None]
    np.testing.assert_allclose(again(features)["exam"], model(features)["exam"], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"num_features": 0}, "num_features is 0"), ({"dropout": 1}, "dropout 1; needed")],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_exam_classifier(**{"num_features": 4, "num_labels": 2} | arguments)
