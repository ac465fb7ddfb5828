"""Train a segmentation network on anybody's own images and masks."""

import dataclasses
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit import metrics, report, training
from radiokit.data import own, splits
from radiokit.data.augment import JointAugment
from radiokit.data.batches import make_batches
from radiokit.files import whole_file, write_text_whole
from radiokit.io.rasters import read_radiograph
from radiokit.losses import DiceCrossEntropyLoss
from radiokit.models import build_unet
from radiokit.recipes.predict import predict_scores
from radiokit.recipes.settings import FRACTIONS, SegmentSettings, claim_folder

WIDTHS = (16, 32, 64, 128, 256)
STRUCTURE = "foreground"
MODEL = "unet"


def train_segmenter(
    images: list[Path],
    masks: list[Path],
    out: Path,
    patients: list[Path] | None = None,
    foreground: list[int] | None = None,
    ignore: tuple[int, ...] = (),
    settings: SegmentSettings | None = None,
) -> pd.DataFrame:
    """Train a U-Net on your own images and masks, and test it on patients it has not seen.

    Patients are divided 70 / 10 / 20 % into training, validation and test, each pair of folders
    by itself, before anything is trained; weights are those of the best validation epoch. Test
    images are scored at their own size. A killed training goes on where it stopped when it is
    called again with the same arguments.

    Args:
        images: folders of images.
        masks: folders of masks, one for each folder of images.
        out: gets `model.keras`, `settings.json`, and a run's record (`cases.csv`,
            `metrics.json`, masks, figures, tables).
        patients: a CSV of file and patient_id for each folder of images; None: every image is a
            patient of its own.
        foreground: mask values of the structure; None: all but 0 and `ignore`.
        ignore: mask values where the truth is unknown; left out of loss and scores.
        settings: None takes the defaults.

    Returns:
        Scores of the test images with their intervals, a row a folder of images and metric.

    Raises:
        ValueError: folders and masks do not pair up, or another training lies in `out`.
        FileNotFoundError: a folder is missing or empty.
    """
    settings = settings or SegmentSettings()
    out = Path(out)
    table = _index_own(images, masks, patients, settings.split_seed)
    claim_folder(out, _noted(settings, foreground, ignore))
    record = report.start_record(
        out.name, table, "full", settings.seed, _describe(settings, foreground, ignore), out.parent
    )
    print(splits.audit_split(table).to_string())
    read = partial(
        own.read_pair_case,
        image_shape=(settings.size, settings.size),
        foreground=foreground,
        ignore=ignore,
    )
    started = time.perf_counter()
    model, history = _train(table, read, record.folder, settings)
    print(f"trained {len(history)} epochs in {(time.perf_counter() - started) / 60:.1f} minutes")
    with whole_file(record.folder / "model.keras") as unfinished:
        model.save(unfinished)
    cases = _score(model, table, record, settings, foreground, ignore)
    return _report(record, cases)


def _index_own(images, masks, patients, split_seed):
    """One table of all folders, each split by itself; patients of two folders are two patients."""
    patients = patients or [None] * len(images)
    if not len(images) == len(masks) == len(patients):
        raise ValueError(
            f"Given are {len(images)} folders of images, {len(masks)} of masks and "
            f"{len(patients)} lists of patients; each folder of images needs one of each."
        )
    tables = []
    for number, triple in enumerate(zip(images, masks, patients, strict=True), 1):
        table = splits.split_by_patient(own.index_pairs(*triple), FRACTIONS, split_seed)
        if len(images) > 1:
            name = f"{number} {Path(triple[0]).resolve().parent.name}"
            table["dataset"] = name
            for column in ("case_id", "patient_id"):
                table[column] = name + " " + table[column].astype(str)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _train(table, read, folder, settings):
    keras.utils.set_random_seed(settings.seed)
    shape = (settings.size, settings.size, 1)
    model = build_unet(shape, 1, WIDTHS, dropout=0.0, activation="sigmoid")
    augment = JointAugment(10, 0.06, 0.15, mirror=settings.mirror, contrast=0.3)
    serve = {"reader": read, "batch_size": settings.batch_size, "cache": folder / "cache"}
    train_batches = make_batches(
        table[table["split"] == "train"], **serve, augment=augment, shuffle_seed=settings.seed
    )
    validation_batches = make_batches(table[table["split"] == "validation"], **serve)
    history = training.fit(
        model,
        train_batches,
        validation_batches,
        folder / "training",
        loss=DiceCrossEntropyLoss(overlapping=True),
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
    )
    write_text_whole(folder / f"history_{MODEL}.csv", pd.DataFrame(history).to_csv(index=False))
    return model, history


def _score(model, table, record, settings, foreground, ignore):
    """Validation and test images at their own size: a row each; test pictures are kept."""
    rows = []
    held_out = table[table["split"] != "train"]
    for _, row in tqdm(held_out.iterrows(), total=len(held_out), unit="image", desc="scoring"):
        pixels = read_radiograph(row["image"]).pixels
        target = own.read_pair_target(row, pixels.shape, pixels.shape, foreground, ignore)
        truth = target[..., 0]  # (rows, columns): 1, 0 or -1
        mask = predict_scores(model, pixels, settings) > 0.5
        case = {"model": MODEL, **row[["dataset", "case_id", "patient_id", "split"]]}
        rows.append(case | _score_mask(row, truth, mask))
        if row["split"] == "test":
            report.write_images(record, row["case_id"], pixels, {STRUCTURE: truth})
            report.write_masks(record, MODEL, row["case_id"], {STRUCTURE: mask})
    return pd.DataFrame(rows)


def _score_mask(row, truth, mask):
    spacing_mm = (row["spacing_row_mm"], row["spacing_column_mm"])
    scores = {f"dice_{STRUCTURE}": metrics.dice_score(truth, mask)}
    if np.isfinite(spacing_mm).all():
        scores[f"hd95_mm_{STRUCTURE}"] = metrics.hausdorff95_mm(truth, mask, spacing_mm)
    else:
        scores[f"hd95_px_{STRUCTURE}"] = metrics.hausdorff95_px(truth, mask)
    return scores


def _report(record, cases):
    report.write_cases(record, cases)
    scores = report.score_cases(cases, by=("model", "dataset", "split"))
    tested = scores[scores["split"] == "test"]
    headline = report.interval_of_row(tested[tested["metric"] == "dice"].iloc[0])
    report.write_metrics(record, scores, ("Dice on test patients", headline))
    for dataset in cases["dataset"].unique():
        figure = report.plots.plot_worst_cases(record.folder, record.language, dataset=dataset)
        report.save_figure(record, f"worst_cases_{dataset}", figure)
    figure = report.plots.plot_learning_curves(record.folder, record.language)
    report.save_figure(record, "learning_curves", figure)
    table = tested.drop(columns=["model", "split", "structure"]).reset_index(drop=True)
    report.save_table(record, "scores", table, "Scores on test patients with 95 % intervals")
    print(table.to_string(index=False))
    return table


def _describe(settings, foreground, ignore):
    chosen = dataclasses.asdict(settings)
    return chosen | {"foreground": foreground, "ignore": list(ignore), "widths": list(WIDTHS)}


def _noted(settings, foreground, ignore):
    values = {"foreground": foreground and list(foreground), "ignore": list(ignore)}
    return dataclasses.asdict(settings) | values
