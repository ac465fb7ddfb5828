"""Training that keeps its best weights, stops early, and goes on after a kill."""

import csv
import math
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm.auto import tqdm

from radiokit.files import remove_unfinished, whole_file

SECONDS_BETWEEN_SAVES = 60
SCHEDULES = ("cosine", "constant")
LOGIT_STEP, LARGEST_LOGIT = 0.05, 20.0  # of the histogram that `LabelAuc` keeps


@keras.saving.register_keras_serializable(package="radiokit")
class MeanDice(keras.metrics.Mean):
    """Mean Dice over images and channels of a batch, at threshold 0.5; ignored pixels left out.

    For watching a training. Scores that are reported come from `radiokit.metrics`.
    """

    def __init__(self, name="dice", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, H, W, C) in 0, 1 or -1 (unknown), prediction in 0..1."""
        known = ops.cast(y_true >= 0, "float32")
        truth = ops.cast(y_true > 0.5, "float32")
        predicted = ops.cast(y_pred > 0.5, "float32") * known
        shared = ops.sum(truth * predicted, axis=(1, 2))
        total = ops.sum(truth, axis=(1, 2)) + ops.sum(predicted, axis=(1, 2))
        is_known = ops.max(known, axis=(1, 2))  # (N, C); a channel nobody has drawn counts not
        return super().update_state((2 * shared + 1e-7) / (total + 1e-7), is_known)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelPrecision(keras.metrics.Mean):
    """Of the labels called positive, the fraction that is; see `label_metrics`."""

    def __init__(self, name="precision", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        called = ops.cast(ops.logical_and(y_pred > 0, y_true >= 0), "float32")
        return super().update_state(ops.cast(y_true > 0.5, "float32"), called)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelRecall(keras.metrics.Mean):
    """Of the positive labels, the fraction that is called so; see `label_metrics`."""

    def __init__(self, name="recall", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        positive = ops.cast(y_true > 0.5, "float32")
        return super().update_state(ops.cast(y_pred > 0, "float32"), positive)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelAuc(keras.metrics.Metric):
    """Area under the ROC curve, the mean over labels; see `label_metrics`.

    Keras's own AUC cuts the probabilities at 200 even steps, so that of a rare label, whose
    probabilities all lie below 0.01, two steps remain. Here a histogram of the logits is kept, in
    steps of 0.05: equal to the rank formula with logits of one step taken as ties.
    """

    def __init__(self, name="auc", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_labels = None

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        if self.num_labels is None:
            self._make_counts(y_pred.shape[-1])
        y_true = ops.reshape(y_true, (-1, self.num_labels))
        logits = ops.reshape(ops.cast(y_pred, "float32"), (-1, self.num_labels))
        step = ops.round(ops.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) / LOGIT_STEP)
        place = ops.cast(step, "int32") + self.num_steps // 2
        place = ops.reshape(place + self.num_steps * ops.arange(self.num_labels), (-1,))
        for counts, value in ((self.negatives, 0), (self.positives, 1)):
            found = ops.reshape(ops.cast(y_true == value, "float32"), (-1,))
            added = ops.segment_sum(found, place, self.num_labels * self.num_steps)
            counts.assign_add(ops.reshape(added, counts.shape))

    def result(self):
        """Mean over the labels seen with both truths; NaN if there is none."""
        if self.num_labels is None:
            return ops.convert_to_tensor(math.nan)
        below = ops.cumsum(self.negatives, axis=1) - self.negatives / 2  # ties count half
        above = ops.sum(self.positives * below, axis=1)  # (L,)
        pairs = ops.sum(self.positives, axis=1) * ops.sum(self.negatives, axis=1)
        areas = ops.where(pairs > 0, above / ops.maximum(pairs, 1.0), 0.0)
        return ops.sum(areas) / ops.sum(ops.cast(pairs > 0, "float32"))

    def reset_state(self):
        """Forget the batches; called by Keras between two passes."""
        for counts in self.variables:
            counts.assign(ops.zeros_like(counts))

    def _make_counts(self, num_labels):
        self.num_labels = num_labels
        self.num_steps = 2 * round(LARGEST_LOGIT / LOGIT_STEP) + 1
        shape = (num_labels, self.num_steps)
        self.negatives = self.add_weight(shape=shape, initializer="zeros", name="negatives")
        self.positives = self.add_weight(shape=shape, initializer="zeros", name="positives")


def label_metrics() -> list[keras.metrics.Metric]:
    """Precision, recall and AUC to watch while a multilabel classifier learns, from its logits.

    When to use: as `metrics` of `fit`. Precision and recall are at probability 0.5 and over all
    labels together (micro); 0 where nothing is called, or is, positive, as Keras has it. The AUC is
    the mean over the labels: pooled, it would reward knowing which label is rare. Unknown labels
    (-1) are left out. Scores that are reported come from `radiokit.metrics`.

    Returns:
        Three metrics, named `precision`, `recall` and `auc`.
    """
    return [LabelPrecision(), LabelRecall(), LabelAuc()]


@keras.saving.register_keras_serializable(package="radiokit")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, each variable updated by one TensorFlow kernel: the same numbers, sooner.

    Keras writes the step as a dozen small operations a variable, which cost seconds to trace and
    several passes over the memory. On other backends, and for sparse gradients or AMSGrad, it is
    Keras's own step.
    """

    _of_step = None  # powers of beta, and epsilon: the same for every variable of a step

    def apply(self, grads, trainable_variables=None):
        """Change all variables by their gradients; called by Keras."""
        self._of_step = self._powers_and_epsilon()
        try:
            return super().apply(grads, trainable_variables)
        finally:
            self._of_step = None

    def _powers_and_epsilon(self):
        powers = self._beta_powers()
        return powers, self._epsilon_of_step(powers[1])

    def _beta_powers(self):
        step = ops.cast(self.iterations + 1, "float32")
        return [ops.power(ops.cast(beta, "float32"), step) for beta in (self.beta_1, self.beta_2)]

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable by its gradient; called by Keras."""
        is_dense = hasattr(gradient, "shape") and not hasattr(gradient, "indices")
        powers, epsilon = self._of_step or self._powers_and_epsilon()
        if keras.backend.backend() != "tensorflow" or self.amsgrad or not is_dense:
            self._keras_step(gradient, variable, learning_rate, epsilon)
            return
        from radiokit.engine_tensorflow import fused_adam_step

        index = self._get_variable_index(variable)
        fused_adam_step(
            variable,
            self._momentums[index],
            self._velocities[index],
            gradient,
            learning_rate,
            powers,
            (self.beta_1, self.beta_2, epsilon),
        )

    def _epsilon_of_step(self, beta_2_power):
        return self.epsilon

    def _keras_step(self, gradient, variable, learning_rate, epsilon):
        """Keras's own step, with the epsilon of this one."""
        kept, self.epsilon = self.epsilon, epsilon
        try:
            keras.optimizers.Adam.update_step(self, gradient, variable, learning_rate)
        finally:
            self.epsilon = kept


@keras.saving.register_keras_serializable(package="radiokit")
class CoupledAdam(FusedAdam):
    """Adam as PyTorch writes it: weight decay enters the gradient, epsilon comes after correction.

    When to use: to train as a study that used `torch.optim.Adam(weight_decay=...)`. Keras's own
    `weight_decay` shrinks the weights beside Adam (AdamW), and its epsilon is added before the
    bias correction, which makes it 30 times larger in the first step. Here, at step t,

        g ← gradient + l2·w
        m ← β₁·m + (1 - β₁)·g,  v ← β₂·v + (1 - β₂)·g²
        w ← w - rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + epsilon)

    for every trainable variable, biases and normalisation included, as there.

    Args:
        learning_rate: step size above 0.
        l2: PyTorch's `weight_decay`, 0 or more.
        beta_1: memory of the mean gradient, 0 to below 1.
        beta_2: memory of the squared gradient, 0 to below 1.
        epsilon: added to the root of the corrected second moment.
        name: name of the optimiser.

    Raises:
        ValueError: a negative l2.

    Paper: Kingma and Ba 2015, Adam, https://arxiv.org/abs/1412.6980; Loshchilov and Hutter 2019,
    on coupled and decoupled decay, https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate=5e-4,
        l2=2e-5,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        name="coupled_adam",
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name)
        if not l2 >= 0:
            raise ValueError(f"l2 is {l2}; needed is 0 (no decay) or more, such as 2e-5.")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable by its gradient; called by Keras."""
        gradient = ops.cast(ops.convert_to_tensor(gradient), variable.dtype)
        gradient = gradient + ops.cast(self.l2, variable.dtype) * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """Arguments that rebuild this optimiser, for saving a compiled model."""
        names = ("learning_rate", "beta_1", "beta_2", "epsilon", "name")
        config = super().get_config()
        return {name: config[name] for name in names} | {"l2": self.l2}

    def _epsilon_of_step(self, beta_2_power):
        # √(v / c) + ε = (√v + ε·√c) / √c, and Keras's step takes the 1 / √c into the rate
        return self.epsilon * ops.sqrt(1.0 - beta_2_power)


def fit(
    model: keras.Model,
    train_batches,
    validation_batches,
    folder: str | Path,
    *,
    loss: keras.losses.Loss | dict,
    epochs: int,
    learning_rate: float | None = None,
    patience: int | None = None,
    metrics: list | dict | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    schedule: str = "cosine",
    loss_weights: dict | None = None,
) -> list[dict]:
    """Train a network and leave it with the weights of its best validation epoch.

    Adam; the learning rate rises over the first epoch and falls along a cosine to zero. A model
    that is compiled already keeps its optimiser, losses, metrics and traced step: `restart` makes
    it new again without the seconds that tracing costs. Called again with the same folder after a
    kill, the training goes on after the last epoch it saved (at most a minute back), with the same
    batches as an unbroken one.

    Args:
        model: built, compiled or not.
        train_batches: from `radiokit.data.batches.make_batches`, shuffled and augmented.
        validation_batches: likewise, neither shuffled nor augmented. None, where there are too
            few patients to spare one: the last epoch's weights are kept.
        folder: gets `history.csv`, `best.weights.h5` and, until the end, `resume.weights.h5`;
            each is complete or absent.
        loss: for example `radiokit.losses.DiceCrossEntropyLoss`; of a model with several outputs,
            a dict with a loss for each by its name.
        epochs: passes over the training cases.
        learning_rate: the highest; None takes the optimiser's own, which is 1e-3 for the default.
        patience: stop after so many epochs without a lower validation loss; None never stops.
        metrics: what to watch, such as `label_metrics()`; a dict of lists for several outputs.
            None takes `MeanDice`, or nothing where `loss` is a dict.
        optimizer: such as `CoupledAdam()`; None takes `FusedAdam`.
        schedule: `"cosine"`, or `"constant"`: the same rate from the first step to the last.
        loss_weights: what each output's loss counts, by its name; None is 1 each.

    Returns:
        One dict an epoch: epoch, learning_rate, loss, dice (or the metrics asked for, as Keras
        names them), and of a validation val_loss, val_dice.

    Raises:
        ValueError: fewer than one epoch; an unknown schedule.
        OSError: the folder cannot be written.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; a training needs at least 1.")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}; needed is one of {SCHEDULES}.")
    if not model.compiled:
        _compile(model, optimizer, loss, metrics, loss_weights)
    own_rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    highest = own_rate if learning_rate is None else learning_rate
    record = _Record(Path(folder), train_batches, epochs, highest, patience, schedule)
    try:
        first_epoch = record.resume(model)
        if first_epoch < epochs and not record.out_of_patience():
            model.fit(
                train_batches,
                validation_data=validation_batches,
                initial_epoch=first_epoch,
                epochs=epochs,
                callbacks=[record],
                shuffle=False,  # the batches shuffle themselves
                verbose=0,
            )
    finally:
        model.optimizer.learning_rate = own_rate  # where the next training starts from
    record.finish(model)
    return record.history


def restart(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Give a compiled model fresh weights and an optimiser without memory.

    Seeds and variants of one architecture then share one traced training step.

    Args:
        model: compiled.
        weights: what `model.get_weights()` gave before its first training.
    """
    model.set_weights(weights)
    for variable in model.optimizer.variables:
        if variable.name != "learning_rate":
            variable.assign(ops.zeros_like(variable))


def _compile(model, optimizer, loss, metrics, loss_weights):
    on_gpu = bool(keras.distribution.list_devices("gpu"))
    if metrics is None and not isinstance(loss, dict):
        metrics = [MeanDice()]
    model.compile(
        optimizer or FusedAdam(1e-3),
        loss,
        loss_weights=loss_weights,
        metrics=metrics,
        jit_compile="auto" if on_gpu else False,  # XLA slows convolutions on a CPU
    )
    model.optimizer.build(model.trainable_variables)  # built inside fit, it is traced twice


class _Record(keras.callbacks.Callback):
    """Learning rate, history, best weights, patience and the point to resume from.

    Keras's BackupAndRestore writes weights and epoch number as two files in place: a kill
    between them repeats an epoch, a kill within one loses the training. Here the optimiser's
    step count inside the one renamed file says how many epochs it has seen.
    """

    def __init__(self, folder, train_batches, epochs, learning_rate, patience, schedule="cosine"):
        super().__init__()
        self.folder = folder
        self.best_path = folder / "best.weights.h5"
        self.resume_path = folder / "resume.weights.h5"
        self.batches = train_batches
        self.num_steps = int(train_batches.cardinality())
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.patience = patience
        self.history = []
        self.best_weights = None
        self.saved_at = time.monotonic()

    def resume(self, model) -> int:
        """Load what a killed run left; returns the epoch to start with."""
        _make_folder(self.folder)
        remove_unfinished(self.folder)
        if not self.resume_path.exists():
            return 0
        model.load_weights(self.best_path)
        self.best_weights = model.get_weights()
        model.load_weights(self.resume_path)
        first_epoch = int(model.optimizer.iterations) // self.num_steps
        self.history = _read_history(self.folder / "history.csv")[:first_epoch]
        return first_epoch

    def save(self, model) -> None:
        """Write the best weights, the history and the point to resume from, in this order."""
        current = model.get_weights()
        model.set_weights(self.best_weights)
        _save_weights(model, self.best_path)
        model.set_weights(current)
        _write_history(self.folder / "history.csv", self.history)
        _save_weights(model, self.resume_path)
        self.saved_at = time.monotonic()

    def finish(self, model) -> None:
        """Leave the model with its best weights and the folder without a point to resume from."""
        model.set_weights(self.best_weights)
        _save_weights(model, self.best_path)
        _write_history(self.folder / "history.csv", self.history)
        self.resume_path.unlink(missing_ok=True)

    def on_train_begin(self, logs=None):
        done = len(self.history)
        self.bar = tqdm(total=self.epochs, initial=done, unit="epoch", desc=self.folder.name)

    def on_epoch_begin(self, epoch, logs=None):
        if hasattr(self.batches, "epoch"):
            self.batches.epoch.assign(epoch)
        self.first_step = epoch * self.num_steps
        _set_dropout_seeds(self.model, epoch)

    def on_train_batch_begin(self, batch, logs=None):
        rate = 1.0
        if self.schedule == "cosine":
            step = self.first_step + batch
            rate = _learning_rate(step, self.num_steps, self.epochs * self.num_steps)
        self.model.optimizer.learning_rate = self.learning_rate * rate

    def on_epoch_end(self, epoch, logs=None):
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row = {"epoch": epoch, "learning_rate": rate}
        row |= {name: float(value) for name, value in logs.items()}
        self.history.append(row)
        if self._best_epoch() == epoch:
            self.best_weights = self.model.get_weights()
        if time.monotonic() - self.saved_at >= SECONDS_BETWEEN_SAVES:
            self.save(self.model)
        self.bar.update()
        shown = [name for name in ("loss", "val_loss") if name in row]
        self.bar.set_postfix({name: f"{row[name]:.3f}" for name in shown})
        if self.out_of_patience():
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.bar.close()

    def out_of_patience(self) -> bool:
        if self.patience is None or not self.history:
            return False
        return len(self.history) - 1 - self._best_epoch() >= self.patience

    def _best_epoch(self):
        last = len(self.history) - 1
        if "val_loss" not in self.history[last]:
            return last
        return min(range(last + 1), key=lambda epoch: self.history[epoch]["val_loss"])


def _set_dropout_seeds(model, epoch):
    """Let dropout, too, depend on (seed, epoch) alone: Keras does not save where it stood."""
    for layer in model.layers:
        if hasattr(layer, "seed_generator"):
            state = layer.seed_generator.state
            seed = ops.convert_to_numpy(state)[0]
            state.assign(np.array([seed, epoch * 2**16], dtype=state.dtype))


def _learning_rate(step, num_warmup_steps, num_steps):
    """Fraction of the highest rate at a step: a linear rise, then half a cosine to zero."""
    if step < num_warmup_steps:
        return (step + 1) / num_warmup_steps
    progress = (step - num_warmup_steps) / max(1, num_steps - num_warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * progress))


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"Cannot write the training to {folder}: {error.strerror}. "
            "Choose a folder that you may write to."
        ) from error


def _save_weights(model, path):
    with whole_file(path) as unfinished:
        model.save_weights(unfinished)


def _write_history(path, history):
    with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def _read_history(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        {name: float(value) for name, value in row.items()} | {"epoch": int(row["epoch"])}
        for row in rows
    ]
