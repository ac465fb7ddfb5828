"""Train a multilabel classifier on anybody's own images and a table of labels."""

import dataclasses
import hashlib
import re
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import keras
import pandas as pd

from radiokit import losses, report, training
from radiokit.data import own, splits
from radiokit.data.augment import JointAugment
from radiokit.data.batches import make_batches
from radiokit.files import whole_file
from radiokit.models import build_classifier, build_densenet
from radiokit.recipes.decisions import positive_weights, write_decisions
from radiokit.recipes.label_record import draw_class_maps, report_labels, score_slices
from radiokit.recipes.settings import (
    FRACTIONS,
    ClassifySettings,
    check_folder,
    check_settings,
    claim_folder,
)
from radiokit.recipes.slices import prepare_slices, read_prepared

HIDDEN_UNITS = 512  # of the published networks' heads, as in the study of head CT
NO_DECAY = ["gamma", "beta", "bias"]  # decayed, they would pull normalised features to nothing
SIDES = re.compile(r"(?<![a-z])(left|right|l|r)(?![a-z])", re.IGNORECASE)


def train_classifier(
    labels: Path | None,
    images: list[Path],
    out: Path,
    names: Sequence[str] | None = None,
    settings: ClassifySettings | None = None,
) -> pd.DataFrame:
    """Train a classifier on your own images and labels, and test it on patients it has not seen.

    Patients are divided 70 / 10 / 20 % into training, validation and test so that each label is
    found in all three as far as it goes. The positives of a rare label weigh more in training, and
    its probabilities are set right for that afterwards. Weights are those of the best validation
    epoch; temperature and thresholds are chosen on validation. A killed training goes on where it
    stopped when it is called again with the same arguments.

    Args:
        labels: CSV with a column of file names, `patient_id` and columns of 0 and 1; as
            `radiokit.data.own.index_image_labels` reads it. With `slice_index` (and `exam_id`)
            the neighbours of a slice have a say in its probability. None: the folders say what is
            on the images, as `radiokit.data.own.index_image_folders` reads them.
        images: folders of images; without a table one, with a folder in it for each label.
        out: gets `model.keras`, `settings.json`, `decisions.json`, and a run's record
            (`cases.csv`, `exams.csv`, `metrics.json`, figures, tables).
        names: columns of the labels to learn; None: all columns of 0 and 1.
        settings: None takes the defaults.

    Returns:
        AUC of the test images and of the test exams with their intervals, a row a level and label.

    Raises:
        ValueError: table and images do not match, a label is never or always true, or another
            training lies in `out`.
        FileNotFoundError: the CSV or a folder is missing, or a folder holds no image.
    """
    settings, out = settings or ClassifySettings(), Path(out)
    check_settings(settings)
    table, names = _index(labels, images, names)
    settings = _decide_mirror(settings, names)
    noted = _noted(table, names, settings)
    check_folder(out, noted)
    table = prepare_slices(table, settings, out / "cache")
    table = splits.split_by_patient(table, FRACTIONS, settings.split_seed, labels=names)
    audit = splits.audit_split(table)
    claim_folder(out, noted)
    record = report.start_record(
        out.name, table, "full", settings.seed, dataclasses.asdict(settings), out.parent
    )
    print(audit.to_string(index=False))
    print(count_positives(table, names).to_string())
    members = _train_members(table, names, record.folder, settings)
    model = _join(members)
    cases, decisions = score_slices(model, table, names, settings)
    draw_class_maps(members[0], table, cases, record, names)
    tested = report_labels(record, cases, decisions)
    write_decisions(record.folder, decisions)
    with whole_file(record.folder / "model.keras") as unfinished:
        model.save(unfinished)
    return tested


def count_positives(table: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Positive images, and in parentheses their patients, of each label in each split.

    Use it before a training, to see what can be learnt and tested at all.

    Args:
        table: with `split`, `patient_id` and the labels.
        labels: columns of 0 and 1.

    Returns:
        A row a label, a column a split, cells such as `"24 (3)"`.

    Example:
        >>> table = pd.DataFrame({"patient_id": [1, 1, 2], "any": [1, 1, 0], "split": "train"})
        >>> count_positives(table, ["any"])
            train
        any  2 (1)
    """
    counts = {}
    for split in dict.fromkeys(table["split"]):
        inside = table[table["split"] == split]
        positives = {label: inside[inside[label] == 1]["patient_id"] for label in labels}
        counts[split] = {
            label: f"{len(patients)} ({patients.nunique()})"
            for label, patients in positives.items()
        }
    return pd.DataFrame(counts, index=list(labels))


def build_network(image_shape: tuple[int, int, int], num_labels: int, settings: ClassifySettings):
    """The untrained network of the settings.

    Use it through `train_classifier`, or to look at the network's `summary()` before.

    Args:
        image_shape: (height, width, channels).
        num_labels: number of logits.
        settings: `network`, `dropout`, `weights`, `stage_blocks` and `growth_rate` are looked at.

    Returns:
        An uncompiled `keras.Model`, images (H, W, C) in 0..1 to (num_labels,) logits.

    Raises:
        ValueError: an unknown network.
    """
    if settings.network == "densenet":
        return build_densenet(
            image_shape,
            num_labels,
            settings.stage_blocks,
            settings.growth_rate,
            dropout=settings.dropout,
            weights=settings.weights,
        )
    return build_classifier(
        settings.network,
        image_shape,
        num_labels,
        settings.weights,
        hidden_units=HIDDEN_UNITS,
        dropout=settings.dropout,
    )


def _index(labels, images, names):
    """Table and labels, all of which are true of some images and not of others."""
    if labels is None:
        table, found = _index_folders(images, names)
    else:
        table = own.index_image_labels(labels, images, names)
        found = list(table.attrs["labels"])
    constant = [name for name in found if table[name].dropna().nunique() < 2]
    if constant and (names or constant == found):
        where = labels or images[0]
        raise ValueError(
            f"{', '.join(constant)} of {where} is the same in all {len(table)} images that were "
            "found, so there is nothing to learn. Give labels that differ, with --label."
        )
    if constant:
        print(f"left out, being the same in every image: {', '.join(constant)}")
    return table, [name for name in found if name not in constant]


def _index_folders(images, names):
    """Table and labels of one folder with a folder a label."""
    if len(images) != 1:
        raise ValueError(
            f"There is no table of labels and there are {len(images)} folders of images. Give one "
            "folder, with a folder in it for each label, or a table with --labels."
        )
    table = own.index_image_folders(images[0])
    found = list(names or table.attrs["labels"])
    missing = [name for name in found if name not in table.attrs["labels"]]
    if missing:
        raise ValueError(
            f"{images[0]} has no folder {', '.join(missing)}; it has "
            f"{', '.join(table.attrs['labels'])}."
        )
    return table, found


def _decide_mirror(settings, names):
    if settings.mirror is not None:
        return settings
    has_sides = any(SIDES.search(name.replace("_", " ")) for name in names)
    return dataclasses.replace(settings, mirror=not has_sides)


def _noted(table, names, settings):
    """What must be the same for a killed training to go on: settings, labels, and the table."""
    columns = table[["case_id", "patient_id", *names]].astype(str)
    content = columns.sort_values("case_id").to_csv(index=False)
    digest = hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
    return dataclasses.asdict(settings) | {"labels": names, "table": digest}


def _train_members(table, names, folder, settings):
    """Networks from different seeds, each with the weights of its best validation epoch."""
    started = time.perf_counter()
    members = [
        _train_member(table, names, folder, settings, number) for number in range(settings.members)
    ]
    minutes = (time.perf_counter() - started) / 60
    print(
        f"{settings.members} x {settings.epochs} epochs are done, {minutes:.1f} minutes of it now"
    )
    return members


def _train_member(table, names, folder, settings, number):
    seed = settings.seed + number
    keras.utils.set_random_seed(seed)
    read = partial(read_prepared, labels=names)
    image, _ = read(table.iloc[0])
    model = build_network(image.shape, len(names), settings)
    place = folder / "training" / (settings.network + (f"_{number + 1}" if number else ""))
    if _is_trained(place, settings.epochs):
        model.load_weights(place / "best.weights.h5")
        return model
    serve = {"reader": read, "batch_size": settings.batch_size}
    augment = JointAugment(15, 0.06, 0.15, mirror=settings.mirror, contrast=0.2)
    train = table[table["split"] == "train"]
    training.fit(
        model,
        make_batches(train, **serve, augment=augment, shuffle_seed=seed),
        make_batches(table[table["split"] == "validation"], **serve),
        place,
        loss=losses.MultilabelCrossEntropyLoss(positive_weights(train, names, settings)),
        epochs=settings.epochs,
        optimizer=_optimizer(settings),
        metrics=training.label_metrics(),
    )
    return model


def _optimizer(settings):
    optimizer = training.FusedAdam(settings.learning_rate, weight_decay=settings.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=NO_DECAY)
    return optimizer


def _is_trained(folder, epochs):
    """Whether a training ended here before the whole run was killed."""
    files = [folder / name for name in ("history.csv", "best.weights.h5")]
    if (folder / "resume.weights.h5").exists() or not all(path.is_file() for path in files):
        return False
    return len(pd.read_csv(files[0])) == epochs


def _join(members):
    """One network with the mean of the members' logits; uncompiled, as it will be saved."""
    image = keras.Input(members[0].input_shape[1:], name="image")
    logits = []
    for number, member in enumerate(members, 1):
        copy = keras.models.clone_model(member)
        copy.set_weights(member.get_weights())
        copy.name = f"member{number}"
        logits.append(copy(image))
    joined = keras.layers.Average(name="mean_logits")(logits) if len(logits) > 1 else logits[0]
    return keras.Model(image, joined, name="classifier")
