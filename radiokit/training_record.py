"""What a training remembers: its history, its best weights, and where to go on after a kill."""

import csv
import math
import time

import keras
import numpy as np
from keras import ops
from tqdm.auto import tqdm

from radiokit.files import remove_unfinished, whole_file

SECONDS_BETWEEN_SAVES = 60
LOW_IS_GOOD = ("loss", "error")  # how the name of such a number ends


class TrainingRecord(keras.callbacks.Callback):
    """Learning rate, history, best weights, patience and the point to resume from.

    When to use: through `radiokit.training.fit`, which documents the options.

    Keras's BackupAndRestore writes weights and epoch number as two files in place: a kill
    between them repeats an epoch, a kill within one loses the training. Here the optimiser's
    step count inside the one renamed file says how many epochs it has seen.
    """

    def __init__(
        self,
        folder,
        train_batches,
        epochs,
        learning_rate,
        patience,
        schedule="cosine",
        select_by="val_loss",
    ):
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
        self.select_by = select_by
        self.history = []
        self.best_weights = None
        self.saved_at = time.monotonic()

    def resume(self, model) -> int:
        """Load what a killed run left; gives the epoch to start with."""
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
        """Show the bar; this and what follows is called by Keras."""
        done = len(self.history)
        self.bar = tqdm(total=self.epochs, initial=done, unit="epoch", desc=self.folder.name)

    def on_epoch_begin(self, epoch, logs=None):
        """Let order, augmentation and dropout depend on the epoch."""
        if hasattr(self.batches, "epoch"):
            self.batches.epoch.assign(epoch)
        self.first_step = epoch * self.num_steps
        _set_dropout_seeds(self.model, epoch)

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate of the step, unless the optimiser does."""
        optimizer = self.model.optimizer
        if self.schedule == "cosine":
            step = self.first_step + batch
            share = _learning_rate(step, self.num_steps, self.epochs * self.num_steps)
            optimizer.learning_rate = self.learning_rate * share
        elif self.schedule == "constant":
            optimizer.learning_rate = self.learning_rate
        self.rate = optimizer.learning_rate  # after the step, an own schedule gives the next one's

    def on_epoch_end(self, epoch, logs=None):
        """Note the epoch's numbers; keep its weights if they are the best, or lose patience."""
        row = {"epoch": epoch, "learning_rate": float(ops.convert_to_numpy(self.rate))}
        row |= {name: float(value) for name, value in logs.items()}
        self._check_selection(row)
        self.history.append(row)
        if self._best_epoch() == epoch:
            self.best_weights = self.model.get_weights()
        if time.monotonic() - self.saved_at >= SECONDS_BETWEEN_SAVES:
            self.save(self.model)
        self.bar.update()
        shown = dict.fromkeys(("loss", "val_loss", self.select_by))
        self.bar.set_postfix({name: f"{row[name]:.3f}" for name in shown if name in row})
        if self.out_of_patience():
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Close the bar."""
        self.bar.close()

    def out_of_patience(self) -> bool:
        """Whether so many epochs have passed since the best one."""
        if self.patience is None or not self.history:
            return False
        return len(self.history) - 1 - self._best_epoch() >= self.patience

    def _best_epoch(self):
        last = len(self.history) - 1
        if self.select_by not in self.history[last]:
            return last
        return min(range(last + 1), key=lambda epoch: self._badness(self.history[epoch]))

    def _badness(self, row):
        value = row[self.select_by]
        if math.isnan(value):
            return math.inf
        return value if self.select_by.endswith(LOW_IS_GOOD) else -value

    def _check_selection(self, row):
        if self.select_by in row or self.select_by == "val_loss":
            return
        given = ", ".join(name for name in row if name not in ("epoch", "learning_rate"))
        raise ValueError(
            f"select_by is {self.select_by!r}, but an epoch's numbers are {given}. Choose one of "
            "them, or add the metric to `metrics`."
        )


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
