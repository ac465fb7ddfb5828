"""Testing on every patient in turn, where there are too few of them for a split."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from radiokit import metrics, training
from radiokit.data.batches import make_batches
from radiokit.data.splits import audit_split
from radiokit.files import write_text_whole


def leave_one_patient_out(
    table: pd.DataFrame,
    reader: Callable,
    builders: Mapping[str, Callable],
    classes: Sequence[str],
    folder: str | Path,
    *,
    loss: keras.losses.Loss,
    epochs: int,
    learning_rate: float = 2e-3,
    batch_size: int = 8,
    augment: Callable | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Test networks on each patient after training them on all the others.

    Use it with four to ten patients, where a test split would be one or two of them. Nothing is
    chosen: every fold trains for the same number of epochs, keeps the last weights, and starts
    from the same first ones. A killed run goes on where it stopped, in the same folder.

    Args:
        table: case table with two patients or more.
        reader: `row -> (image (H, W, 1), target (H, W, K))`; -1 in the target is unknown.
        builders: name of a network -> function that builds it, softmax over the K classes.
        classes: names of the K classes, in the order of the channels.
        folder: gets a training a network and patient, each with `history.csv` and `cases.csv`;
            a folder of another table or other settings must not be given again.
        loss: for example `radiokit.losses.DiceCrossEntropyLoss`.
        epochs: passes over the training cases of a fold.
        learning_rate: the highest.
        batch_size: cases a step.
        augment: a `radiokit.data.augment.JointAugment`.
        seed: of weights, order and augmentation.

    Returns:
        Scored cases as `radiokit.report.write_cases` takes them, all of split "test": `model,
        case_id, patient_id, split`, and `dice_<class>`, NaN where a case has no truth of it.

    Raises:
        ValueError: fewer than two patients.
    """
    patients = list(dict.fromkeys(table["patient_id"]))
    if len(patients) < 2:
        raise ValueError(
            f"The table has {len(patients)} patient; leaving one out needs two or more. "
            "Check its patient_id column."
        )
    audit_split(table.assign(split=table["patient_id"]))  # each patient is a test once
    scored = []
    for name, build in builders.items():
        keras.utils.set_random_seed(seed)
        network = build()
        first_weights = network.get_weights()
        for patient in patients:
            scores_file = Path(folder) / name / str(patient) / "cases.csv"
            if scores_file.exists():  # of a killed run
                scored.append(pd.read_csv(scores_file, dtype={"case_id": str, "patient_id": str}))
                continue
            is_left_out = table["patient_id"] == patient
            if network.compiled:
                training.restart(network, first_weights)
            batches = make_batches(
                table[~is_left_out],
                reader,
                batch_size,
                augment=augment,
                shuffle_seed=seed,
                cache="memory",
            )
            training.fit(
                network,
                batches,
                None,
                scores_file.parent,
                loss=loss,
                epochs=epochs,
                learning_rate=learning_rate,
            )
            rows = [row for _, row in table[is_left_out].iterrows()]
            cases = pd.DataFrame([_score(network, row, reader, classes) for row in rows])
            cases.insert(0, "model", name)
            write_text_whole(scores_file, cases.to_csv(index=False))
            scored.append(cases)
    return pd.concat(scored, ignore_index=True)


def _score(network, row, reader, classes) -> dict:
    """Dice of each class whose truth is known in some pixel; unknown pixels are left out."""
    image, target = reader(row)
    probabilities = np.asarray(network(image[None], training=False))[0]  # (H, W, K)
    predicted = np.argmax(probabilities, axis=-1)
    case = {**row[["case_id", "patient_id"]], "split": "test"}
    for channel, structure in enumerate(classes):
        truth = target[..., channel]
        is_known = truth.min() >= 0
        mask = predicted == channel
        case[f"dice_{structure}"] = metrics.dice_score(truth, mask) if is_known else np.nan
    return case
