import keras
import numpy as np
import pandas as pd
import pytest

from radiokit import training
from radiokit.data.augment import JointAugment
from radiokit.data.batches import make_batches
from radiokit.losses import DiceCrossEntropyLoss

SIZE = 16


def read(row):
    generator = np.random.default_rng(row["number"])
    image = generator.random((SIZE, SIZE, 1)).astype(np.float32) * 0.3
    top, left = generator.integers(1, 8, 2)
    target = np.zeros((SIZE, SIZE, 1), np.float32)
    target[top : top + 6, left : left + 6] = 1
    return image + 0.5 * target, target


def table_of(numbers):
    names = [f"case{i}" for i in numbers]
    return pd.DataFrame({"case_id": names, "image": names, "number": list(numbers)})


@pytest.fixture
def data():
    train = make_batches(
        table_of(range(12)), read, 4, augment=JointAugment(), shuffle_seed=0, cache="memory"
    )
    return train, make_batches(table_of(range(12, 16)), read, 4, cache="memory")


def small_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, 1))
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    features = keras.layers.Dropout(0.2)(features)
    return keras.Model(
        inputs, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(features)
    )


def fit(model, data, folder, epochs=4, **options):
    loss = DiceCrossEntropyLoss(overlapping=True)
    return training.fit(
        model, *data, folder, loss=loss, epochs=epochs, learning_rate=0.05, **options
    )


def test_without_validation_the_last_weights_stay(data, tmp_path, monkeypatch):
    seen = []
    end = training._Record.on_epoch_end

    def note_weights(record, epoch, logs=None):
        seen.append(record.model.get_weights())
        end(record, epoch, logs)

    monkeypatch.setattr(training._Record, "on_epoch_end", note_weights)
    model = small_model()
    history = fit(model, (data[0], None), tmp_path)
    assert "val_loss" not in history[-1]
    assert not np.array_equal(seen[-2][0], seen[-1][0])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), seen[-1], strict=True))


class Killed(Exception):
    pass


def kill_after(model, epoch, monkeypatch):
    """Let the training die between two epochs, as a lost kernel would."""
    begin = training._Record.on_epoch_begin

    def die(self, number, logs=None):
        if number == epoch:
            raise Killed
        begin(self, number, logs)

    monkeypatch.setattr(training._Record, "on_epoch_begin", die)


def test_training_lowers_the_loss_and_writes_its_history(data, tmp_path):
    history = fit(small_model(), data, tmp_path, epochs=6)
    assert history[-1]["val_loss"] < 0.8 * history[0]["val_loss"]
    written = pd.read_csv(tmp_path / "history.csv")
    assert written["epoch"].tolist() == list(range(6))
    assert set(written) == {"epoch", "learning_rate", "loss", "dice", "val_loss", "val_dice"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.weights.h5", "history.csv"]


def test_the_model_ends_with_the_weights_of_its_best_epoch(data, tmp_path):
    model = small_model()
    history = fit(model, data, tmp_path)
    best = min(row["val_loss"] for row in history)
    assert model.evaluate(data[1], verbose=0)[0] == pytest.approx(best, rel=1e-4)


def test_a_killed_training_resumed_equals_an_unbroken_one(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_SAVES", 0)
    unbroken = small_model()
    whole = fit(unbroken, data, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(small_model(), 2, patch)
        fit(small_model(), data, tmp_path / "broken")
    assert (tmp_path / "broken" / "resume.weights.h5").exists()
    (tmp_path / "broken" / ".unfinished-0a1b2c3d-best.weights.h5").write_bytes(b"cut by the kill")
    data[0].epoch.assign(99)  # a new process would not know the epoch
    resumed = small_model()
    history = fit(resumed, data, tmp_path / "broken")
    assert len(history) == len(whole) == 4
    assert not list((tmp_path / "broken").glob(".unfinished-*"))
    for ours, theirs in zip(history, whole, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    for ours, theirs in zip(resumed.get_weights(), unbroken.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_the_learning_rate_rises_then_falls_to_zero():
    rates = [training._learning_rate(step, 10, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001


def test_patience_stops_a_training_that_no_longer_improves(data, tmp_path, monkeypatch):
    record = training._Record(tmp_path, data[0], 9, 0.1, patience=2)
    record.history = [{"val_loss": 1.0}, {"val_loss": 0.5}, {"val_loss": 0.6}]
    assert not record.out_of_patience()
    record.history.append({"val_loss": 0.7})
    assert record.out_of_patience()


def test_restart_makes_a_compiled_model_new(data, tmp_path):
    model = small_model()
    weights = model.get_weights()
    first = fit(model, data, tmp_path / "first", epochs=2)
    training.restart(model, weights)
    assert int(model.optimizer.iterations) == 0
    again = fit(model, data, tmp_path / "second", epochs=2)
    assert again[1] == pytest.approx(first[1], rel=1e-3)


def test_mean_dice_leaves_unknown_pixels_and_channels_out():
    truth = np.zeros((1, 2, 2, 2), np.float32)
    truth[0, 0, :, 0] = 1
    truth[0, 1, 0, 0] = -1
    truth[..., 1] = -1
    predicted = np.ones((1, 2, 2, 2), np.float32)
    metric = training.MeanDice()
    metric.update_state(truth, predicted)
    assert float(metric.result()) == pytest.approx(2 * 2 / (2 + 3))


def test_the_fused_step_gives_the_numbers_of_kerass_adam():
    def trained(optimizer):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
        model.compile(optimizer, "mse", jit_compile=False)
        inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        for _ in range(5):
            model.train_on_batch(inputs, inputs.sum(axis=1, keepdims=True))
        return model.get_weights()

    ours, theirs = trained(training.FusedAdam(0.01)), trained(keras.optimizers.Adam(0.01))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_zero_epochs_and_unwritable_folders_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match="needs at least 1"):
        fit(small_model(), data, tmp_path, epochs=0)
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OSError, match="Choose a folder that you may write to"):
        fit(small_model(), data, tmp_path / "file" / "training", epochs=1)
