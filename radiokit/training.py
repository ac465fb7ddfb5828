"""Training that keeps its best weights, stops early, and goes on after a kill."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from radiokit.optimizers import CoupledAdam, FusedAdam
from radiokit.schedules import CyclicLearningRate
from radiokit.training_metrics import (
    LabelAuc,
    LabelPrecision,
    LabelRecall,
    LabelSpecificity,
    MeanDice,
    label_metrics,
)
from radiokit.training_record import TrainingRecord

__all__ = [
    "CoupledAdam",
    "CyclicLearningRate",
    "FusedAdam",
    "LabelAuc",
    "LabelPrecision",
    "LabelRecall",
    "LabelSpecificity",
    "MeanDice",
    "fit",
    "label_metrics",
    "restart",
]

SCHEDULES = ("cosine", "constant")


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
    schedule: str | None = None,
    loss_weights: dict | None = None,
    select_by: str = "val_loss",
) -> list[dict]:
    """Train a network and leave it with the weights of its best validation epoch.

    Adam; the learning rate rises over the first epoch and falls along a cosine to zero, unless the
    optimiser carries a schedule of its own. A model that is compiled already keeps its optimiser,
    losses, metrics and traced step: `restart` makes it new again without the seconds that tracing
    costs. Called again with the same arguments and folder after a kill, the training goes on after
    the last epoch it saved (at most a minute back), with the same batches as an unbroken one.

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
        patience: stop after so many epochs without a better one; None never stops.
        metrics: what to watch, such as `label_metrics()`; a dict of lists for several outputs.
            None takes `MeanDice`, or nothing where `loss` is a dict.
        optimizer: such as `CoupledAdam()`; None takes `FusedAdam`.
        schedule: `"cosine"`, or `"constant"`: the same rate from the first step to the last. None
            is the optimiser's own, such as a `radiokit.schedules.CyclicLearningRate` given to it
            as learning rate, and a cosine where it has none.
        loss_weights: what each output's loss counts, by its name; None is 1 each.
        select_by: which of the numbers of an epoch says how good it was, such as `"val_recall"`;
            the best epoch's weights are kept, the earliest of equals, and `patience` counts from
            it. Low is good where the name ends in "loss" or "error", high elsewhere. By recall
            alone a network that calls everything positive wins: watch `LabelSpecificity` with it.

    Returns:
        One dict an epoch: epoch, learning_rate (of its last step), loss, dice (or the metrics
        asked for, as Keras names them), and of a validation val_loss, val_dice.

    Raises:
        ValueError: fewer than one epoch; an unknown schedule, or a schedule or learning rate
            beside the optimiser's own schedule; `select_by` is no number of an epoch.
        OSError: the folder cannot be written.
    """
    _check_options(epochs, schedule, select_by, validation_batches)
    if not model.compiled:
        _compile(model, optimizer, loss, metrics, loss_weights)
    schedule = _schedule_of(model.optimizer, schedule, learning_rate)
    own_rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    highest = own_rate if learning_rate is None else learning_rate
    record = TrainingRecord(
        Path(folder), train_batches, epochs, highest, patience, schedule, select_by
    )
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
        if schedule in SCHEDULES:
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


def _check_options(epochs, schedule, select_by, validation_batches):
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; a training needs at least 1.")
    if schedule not in (None, *SCHEDULES):
        raise ValueError(f"schedule is {schedule!r}; needed is one of {SCHEDULES}.")
    is_of_validation = select_by.startswith("val_") and select_by != "val_loss"
    if is_of_validation and validation_batches is None:
        raise ValueError(
            f"select_by is {select_by!r}, but there are no validation batches to take it from. "
            "Give some, or leave select_by out: the last epoch's weights are kept then."
        )


def _schedule_of(optimizer, schedule, learning_rate):
    """What rules the learning rate: one of `SCHEDULES`, or "own" for the optimiser's."""
    if any(variable.name == "learning_rate" for variable in optimizer.variables):
        return schedule or "cosine"
    if schedule is not None or learning_rate is not None:
        raise ValueError(
            f"schedule is {schedule!r} and learning_rate {learning_rate}, but the optimiser has a "
            "schedule of its own. Leave both out, or give the optimiser a plain learning rate."
        )
    return "own"


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
