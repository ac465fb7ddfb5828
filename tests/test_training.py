from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from radiokit import training, training_record
from radiokit.data.augment import JointAugment
from radiokit.data.batches import make_batches
from radiokit.losses import DiceCrossEntropyLoss, MultilabelCrossEntropyLoss

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


def make_data():
    train = make_batches(
        table_of(range(12)), read, 4, augment=JointAugment(), shuffle_seed=0, cache="memory"
    )
    return train, make_batches(table_of(range(12, 16)), read, 4, cache="memory")


@pytest.fixture
def data():
    return make_data()


@dataclass(frozen=True)
class Trained:
    """What a training left behind: the network, its batches, its folder and its history."""

    model: keras.Model
    data: tuple
    folder: Path
    history: list


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training of six epochs, unbroken."""
    model, data, folder = small_model(), make_data(), tmp_path_factory.mktemp("trained")
    return Trained(model, data, folder, fit(model, data, folder, epochs=6))


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
    end = training_record.TrainingRecord.on_epoch_end

    def note_weights(record, epoch, logs=None):
        seen.append(record.model.get_weights())
        end(record, epoch, logs)

    monkeypatch.setattr(training_record.TrainingRecord, "on_epoch_end", note_weights)
    model = small_model()
    history = fit(model, (data[0], None), tmp_path)
    assert "val_loss" not in history[-1]
    assert not np.array_equal(seen[-2][0], seen[-1][0])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), seen[-1], strict=True))


class Killed(Exception):
    pass


def kill_after(model, epoch, monkeypatch):
    """Let the training die between two epochs, as a lost kernel would."""
    begin = training_record.TrainingRecord.on_epoch_begin

    def die(self, number, logs=None):
        if number == epoch:
            raise Killed
        begin(self, number, logs)

    monkeypatch.setattr(training_record.TrainingRecord, "on_epoch_begin", die)


def test_training_lowers_the_loss_and_writes_its_history(trained):
    assert trained.history[-1]["val_loss"] < 0.8 * trained.history[0]["val_loss"]
    written = pd.read_csv(trained.folder / "history.csv")
    assert written["epoch"].tolist() == list(range(6))
    assert set(written) == {"epoch", "learning_rate", "loss", "dice", "val_loss", "val_dice"}
    files = sorted(path.name for path in trained.folder.iterdir())
    assert files == ["best.weights.h5", "history.csv"]


def test_the_model_ends_with_the_weights_of_its_best_epoch(trained):
    best = min(row["val_loss"] for row in trained.history)
    found = trained.model.evaluate(trained.data[1], verbose=0)[0]
    assert found == pytest.approx(best, rel=1e-4)


def test_a_killed_training_resumed_equals_an_unbroken_one(trained, data, tmp_path, monkeypatch):
    monkeypatch.setattr(training_record, "SECONDS_BETWEEN_SAVES", 0)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(small_model(), 4, patch)
        fit(small_model(), data, tmp_path, epochs=6)
    assert (tmp_path / "resume.weights.h5").exists()
    (tmp_path / ".unfinished-0a1b2c3d-best.weights.h5").write_bytes(b"cut by the kill")
    data[0].epoch.assign(99)  # a new process would not know the epoch
    resumed = small_model()
    history = fit(resumed, data, tmp_path, epochs=6)
    assert len(history) == len(trained.history) == 6
    assert not list(tmp_path.glob(".unfinished-*"))
    for ours, theirs in zip(history, trained.history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    for ours, theirs in zip(resumed.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_the_learning_rate_rises_then_falls_to_zero():
    rates = [training_record._learning_rate(step, 10, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001


def test_patience_stops_a_training_that_no_longer_improves(trained, tmp_path):
    record = training_record.TrainingRecord(tmp_path, trained.data[0], 9, 0.1, patience=2)
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


def test_zero_epochs_and_unwritable_folders_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match="needs at least 1"):
        fit(small_model(), data, tmp_path, epochs=0)
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OSError, match="Choose a folder that you may write to"):
        fit(small_model(), data, tmp_path / "file" / "training", epochs=1)


def label_batches(num=24):
    def read_labels(row):
        image, target = read(row)
        return image, np.array([row["number"] % 2, -1], np.float32)

    return make_batches(table_of(range(num)), read_labels, 8, shuffle_seed=0, cache="memory")


def label_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, 1))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))


def fit_labels(model, folder, **options):
    batches = label_batches()
    options = {"epochs": 3, "metrics": []} | options
    return training.fit(
        model, batches, batches, folder, loss=MultilabelCrossEntropyLoss(), **options
    )


def test_the_studys_training_keeps_its_rate_and_writes_its_curves(tmp_path):
    model = label_model()
    optimizer = training.CoupledAdam(5e-3)
    options = {"optimizer": optimizer, "schedule": "constant", "patience": 8}
    history = fit_labels(model, tmp_path, metrics=training.label_metrics(), **options)
    assert model.optimizer is optimizer
    assert [row["learning_rate"] for row in history] == pytest.approx([5e-3] * 3)
    curves = [f"{of}{name}" for of in ("", "val_") for name in ("loss", "precision", "recall")]
    written = pd.read_csv(tmp_path / "history.csv")
    assert set(written) == {"epoch", "learning_rate", "auc", "val_auc", *curves}
    assert history[-1]["val_loss"] < history[0]["val_loss"]


def test_the_optimisers_own_rate_stays_what_the_next_training_starts_from(tmp_path):
    model = label_model()
    weights = model.get_weights()
    first = fit_labels(model, tmp_path / "first", optimizer=training.CoupledAdam(0.01))
    assert first[-1]["learning_rate"] < 0.005
    training.restart(model, weights)
    second = fit_labels(model, tmp_path / "second")
    assert second == [pytest.approx(row, rel=1e-3) for row in first]
    training.restart(model, weights)
    third = fit_labels(model, tmp_path / "third", learning_rate=0.02, schedule="constant")
    assert third[-1]["learning_rate"] == pytest.approx(0.02)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


def test_an_unknown_schedule_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"schedule is 'step'; needed is one of \('cosine'"):
        fit_labels(label_model(), tmp_path, schedule="step")


def cyclic_adam():
    return training.CoupledAdam(training.CyclicLearningRate(0.01, 0.04, steps_up=4), l2=0.01)


def test_an_optimiser_keeps_the_schedule_it_carries(tmp_path):
    model = label_model()
    weights = model.get_weights()
    history = fit_labels(model, tmp_path / "first", optimizer=cyclic_adam())
    # Three steps an epoch: the rates are 1, 1.75, 2.5 | 3.25, 4, 3.25 | 2.5, 1.75, 1 hundredths.
    assert [row["learning_rate"] for row in history] == pytest.approx([0.025, 0.0325, 0.01])
    training.restart(model, weights)
    again = fit_labels(model, tmp_path / "again")
    assert again == [pytest.approx(row, rel=1e-3) for row in history]


@pytest.mark.parametrize("option", [{"schedule": "cosine"}, {"learning_rate": 0.1}])
def test_a_schedule_beside_the_optimisers_own_is_refused(tmp_path, option):
    with pytest.raises(ValueError, match="the optimiser has a schedule of its own. Leave both out"):
        fit_labels(label_model(), tmp_path, optimizer=cyclic_adam(), **option)


def record_of(tmp_path, batches, select_by, values, patience=2):
    options = {"patience": patience, "select_by": select_by}
    record = training_record.TrainingRecord(tmp_path, batches, 9, 0.1, **options)
    record.history = [{select_by: value} for value in values]
    return record


@pytest.mark.parametrize(
    ("select_by", "values", "best"),
    [
        ("val_loss", [0.5, 0.3, 0.4], 1),
        ("val_masks_loss", [0.5, 0.3, 0.4], 1),
        ("val_mean_absolute_error", [0.5, 0.3, 0.4], 1),
        ("val_recall", [0.5, 0.3, 0.4], 0),
        ("auc", [0.5, 0.3, 0.7], 2),
        ("val_recall", [0.5, 0.7, 0.7], 1),
        ("val_loss", [0.5, 0.3, 0.3], 1),
        ("val_auc", [np.nan, 0.3, np.nan], 1),
        ("val_loss", [np.nan, 0.3, np.nan], 1),
    ],
)
def test_low_losses_and_high_scores_are_best_and_of_equals_the_earlier(
    select_by, values, best, trained, tmp_path
):
    record = record_of(tmp_path, trained.data[0], select_by, values)
    assert record._best_epoch() == best
    assert record.out_of_patience() == (best == 0)


def script_recall(monkeypatch, values, seen):
    """Let the validation recall of each epoch be what a test needs, and note the weights."""
    end = training_record.TrainingRecord.on_epoch_end

    def scripted(record, epoch, logs=None):
        seen[epoch] = record.model.get_weights()
        end(record, epoch, logs | {"val_recall": values[epoch]})

    monkeypatch.setattr(training_record.TrainingRecord, "on_epoch_end", scripted)


def test_the_best_sensitivity_chooses_the_weights_and_patience_counts_from_it(
    tmp_path, monkeypatch
):
    seen, model = {}, label_model()
    script_recall(monkeypatch, [0.2, 0.9, 0.9, 0.5, 0.6, 1.0], seen)
    history = fit_labels(model, tmp_path, epochs=6, select_by="val_recall", patience=3)
    assert [row["val_recall"] for row in history] == [0.2, 0.9, 0.9, 0.5, 0.6]
    assert history[4]["val_loss"] < history[1]["val_loss"]  # by the loss, the last were best
    for kept, best, last in zip(model.get_weights(), seen[1], seen[4], strict=True):
        np.testing.assert_array_equal(kept, best)
        assert not np.array_equal(kept, last)


def test_a_killed_training_with_its_own_schedule_and_selection_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(training_record, "SECONDS_BETWEEN_SAVES", 0)
    script_recall(monkeypatch, [0.2, 0.9, 0.3, 0.5], {})
    options = {"epochs": 4, "select_by": "val_recall"}
    unbroken = label_model()
    whole = fit_labels(unbroken, tmp_path / "whole", optimizer=cyclic_adam(), **options)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(label_model(), 3, patch)
        fit_labels(label_model(), tmp_path / "broken", optimizer=cyclic_adam(), **options)
    resumed = label_model()
    history = fit_labels(resumed, tmp_path / "broken", optimizer=cyclic_adam(), **options)
    assert history == [pytest.approx(row, rel=1e-3) for row in whole]
    for ours, theirs in zip(resumed.get_weights(), unbroken.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_selection_by_what_is_not_watched_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"'val_recal', but an epoch's numbers are .*val_recall"):
        metrics = training.label_metrics()
        fit_labels(label_model(), tmp_path, metrics=metrics, select_by="val_recal")
    with pytest.raises(ValueError, match="no validation batches to take it from"):
        fit(small_model(), (data[0], None), tmp_path, select_by="val_dice")
