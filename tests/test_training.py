import keras
import numpy as np
import pandas as pd
import pytest

from radiokit import training
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


def torch_adam(weight, gradients, rate, l2, epsilon, betas=(0.9, 0.999)):
    """The algorithm as PyTorch documents it, in float64."""
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        gradient = gradient + l2 * weight
        mean = betas[0] * mean + (1 - betas[0]) * gradient
        square = betas[1] * square + (1 - betas[1]) * gradient**2
        corrected = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
        weight = weight - rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
    return weight


def stepped(optimizer, weight, gradients):
    variable = keras.Variable(weight.astype("float32"))
    for gradient in gradients.astype("float32"):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize("other_backend", [False, True])
@pytest.mark.parametrize(("l2", "epsilon"), [(2e-5, 1e-8), (0.3, 1e-2), (0.0, 1e-3)])
def test_coupled_adam_takes_the_steps_of_pytorch(l2, epsilon, other_backend, monkeypatch):
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(4, 3))
    gradients = 0.01 * generator.normal(size=(7, 4, 3))
    gradients[:, 0] = 0  # decay alone moves these
    wanted = torch_adam(weight, gradients, 0.01, l2, epsilon)
    if other_backend:
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    ours = stepped(training.CoupledAdam(0.01, l2=l2, epsilon=epsilon), weight, gradients)
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-6)
    # Keras's own, with the same numbers, goes elsewhere: decoupled decay, epsilon uncorrected.
    keras_own = keras.optimizers.Adam(0.01, weight_decay=l2 or None, epsilon=epsilon)
    assert epsilon == 1e-8 or np.abs(stepped(keras_own, weight, gradients) - wanted).max() > 1e-3


def test_coupled_adam_reloads_with_its_memory(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(training.CoupledAdam(0.02, l2=0.1, beta_2=0.99), "mse", jit_compile=False)
    inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.train_on_batch(inputs, inputs[:, :1])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, training.CoupledAdam)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.l2 == 0.1
    for one in (model, again):
        one.train_on_batch(inputs, inputs[:, :1])
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_negative_l2_is_refused():
    with pytest.raises(ValueError, match="l2 is -1; needed is 0"):
        training.CoupledAdam(l2=-1)


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
    options = {"epochs": 3, "metrics": training.label_metrics()} | options
    return training.fit(
        model, batches, batches, folder, loss=MultilabelCrossEntropyLoss(), **options
    )


def test_the_studys_training_keeps_its_rate_and_writes_its_curves(tmp_path):
    model = label_model()
    optimizer = training.CoupledAdam(5e-3)
    history = fit_labels(model, tmp_path, optimizer=optimizer, schedule="constant", patience=8)
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
