"""Hyper-parameter search: short ordinary trainings compared on validation, resumable."""

import contextlib
import io
import json
import math
import time
from pathlib import Path

import keras
import keras_tuner
import pandas as pd

from radiokit import training
from radiokit.files import write_text_whole

NAMES = ("learning_rate", "batch_size", "dropout")
SCORES = ("val_loss", "val_dice", "seconds")


def search_hyperparameters(build, make_pair, folder, *, space, num_trials, epochs, loss, seed=0):
    """Train with several learning rates, batch sizes and dropouts; the best on validation first.

    When to use: before a long training, on the training and validation cases alone; a test set
    never enters. The values are drawn at random (KerasTuner's RandomSearch): with few trials that
    finds as good ones as a grid does with many more. A trial is `radiokit.training.fit`, so its
    history and best weights lie in `folder/trials/trial_<number>`. All start from the same
    weights for a dropout, and one compiled network serves all trials of a dropout. Called again
    with the same folder after a kill, finished trials are kept and the broken one goes on after
    the last epoch it saved; with more trials, the search goes on.

    Args:
        build: `dropout -> uncompiled network`, for example a function that calls
            `radiokit.models.build_unet`.
        make_pair: `batch_size -> (training batches, validation batches)`, both from
            `radiokit.data.batches.make_batches`; called once a trial.
        folder: gets `search.json`, and all trials under `trials/`.
        space: where to look: `{"learning_rate": (1e-4, 1e-2), "batch_size": (8, 16), "dropout":
            (0.0, 0.1, 0.3)}`. The learning rate is drawn between its two on a logarithmic scale,
            the others among their values.
        num_trials: trainings in all, finished ones included.
        epochs: passes over the training cases in each.
        loss: for example `radiokit.losses.DiceCrossEntropyLoss()`.
        seed: of the values drawn and of the first weights, 0 or more.

    Returns:
        DataFrame, one row a trial, lowest validation loss first: `trial`, `learning_rate`,
        `batch_size`, `dropout`, `val_loss` and `val_dice` of the trial's best epoch, `seconds`
        (since the last resumption). A training that diverged has an infinite loss. There are
        fewer rows than trials where the space holds no further values.

    Raises:
        ValueError: a space with other names or values, fewer than one trial or epoch, a negative
            seed, or a folder that holds another search.
        RuntimeError: a training failed; its cause is chained.

    Paper: Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 2012.
    """
    space = _checked_space(space)
    _check_counts(num_trials, epochs, seed)
    settings = {"space": space, "epochs": epochs, "seed": seed}
    settings["loss"] = keras.saving.serialize_keras_object(loss)
    _check_folder(Path(folder), settings)
    networks = {}  # dropout: (network, its first weights)

    def train(values, trial_folder):
        dropout = values["dropout"]
        if dropout not in networks:
            keras.utils.set_random_seed(seed)
            network = build(dropout)
            networks[dropout] = (network, network.get_weights())
        network, weights = networks[dropout]
        if network.compiled:
            training.restart(network, weights)
        return training.fit(
            network,
            *make_pair(values["batch_size"]),
            trial_folder,
            loss=loss,
            epochs=epochs,
            learning_rate=values["learning_rate"],
        )

    tuner = _start_tuner(Path(folder), space, num_trials, seed)
    tuner.search(train)
    return _table(tuner.oracle.trials)


class _Tuner(keras_tuner.RandomSearch):
    """KerasTuner draws and remembers the values; the training is ours."""

    def run_trial(self, trial, train):
        """Train once; called by KerasTuner, which by itself would pass over a failure."""
        values, started = trial.hyperparameters.values, time.monotonic()
        try:
            history = train(values, Path(self.get_trial_dir(trial.trial_id)))
        except Exception as error:
            raise keras_tuner.errors.FatalRuntimeError(
                f"Trial {trial.trial_id} with {values} failed: {error}\n"
                "Mend the cause and search again with the same folder: finished trials are kept."
            ) from error
        best = min(history, key=lambda row: _finite(row["val_loss"]))
        scores = {"val_loss": _finite(best["val_loss"]), "val_dice": best["val_dice"]}
        return scores | {"seconds": time.monotonic() - started}


def _finite(loss):
    """The loss, or infinity where the training diverged: KerasTuner warns of NaN."""
    return loss if math.isfinite(loss) else math.inf


def _start_tuner(folder, space, num_trials, seed):
    with contextlib.redirect_stdout(io.StringIO()):  # it prints where it reloads from
        tuner = _Tuner(
            objective=keras_tuner.Objective("val_loss", "min"),
            max_trials=num_trials,
            hyperparameters=_hyperparameters(space),
            seed=seed + 1,  # 0 would be replaced by a random one
            directory=folder,
            project_name="trials",
        )
    tuner.oracle.verbose = 0
    return tuner


def _hyperparameters(space):
    drawn = keras_tuner.HyperParameters()
    lowest, highest = space["learning_rate"]
    if lowest < highest:
        drawn.Float("learning_rate", lowest, highest, sampling="log")
    else:
        drawn.Fixed("learning_rate", lowest)
    drawn.Choice("batch_size", space["batch_size"])
    drawn.Choice("dropout", space["dropout"])
    return drawn


def _table(trials):
    rows = []
    for number, trial in sorted((int(key), trial) for key, trial in trials.items()):
        values = trial.hyperparameters.values
        scores = {name: trial.metrics.get_last_value(name) for name in SCORES}
        rows.append({"trial": number} | {name: values[name] for name in NAMES} | scores)
    return pd.DataFrame(rows).sort_values("val_loss", kind="stable", ignore_index=True)


def _checked_space(space):
    """The space as lists of plain numbers, which KerasTuner and JSON take."""
    if set(space) != set(NAMES) or not all(len(space[name]) for name in NAMES):
        raise ValueError(
            f"space is {space}; needed are values of {', '.join(NAMES)}, such as "
            '{"learning_rate": (1e-4, 1e-2), "batch_size": (8, 16), "dropout": (0.0, 0.1)}.'
        )
    rates, sizes, dropouts = ([float(value) for value in space[name]] for name in NAMES)
    if len(rates) != 2 or not 0 < rates[0] <= rates[1]:
        raise ValueError(
            f"learning_rate is {rates}; needed are the lowest and the highest, both above 0, such "
            "as (1e-4, 1e-2)."
        )
    if any(size < 1 or size % 1 for size in sizes) or any(not 0 <= rate < 1 for rate in dropouts):
        raise ValueError(
            f"batch_size is {sizes} and dropout {dropouts}; needed are whole numbers from 1, and "
            "fractions from 0 to below 1."
        )
    return {
        "learning_rate": rates,
        "batch_size": [int(size) for size in sizes],
        "dropout": dropouts,
    }


def _check_counts(num_trials, epochs, seed):
    if num_trials < 1 or epochs < 1 or seed < 0:
        raise ValueError(
            f"num_trials is {num_trials}, epochs {epochs} and seed {seed}; the first two must be "
            "1 or more and the seed 0 or more."
        )


def _check_folder(folder, settings):
    """Write down what is searched, or refuse a folder where something else was."""
    path = folder / "search.json"
    text = json.dumps(settings, indent=1, sort_keys=True)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{folder} holds a search with another space, epochs, loss or seed (see {path.name}); "
            "its trials cannot be compared with these. Choose another folder, or delete it."
        )
    write_text_whole(path, text)
