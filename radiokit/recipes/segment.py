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
from radiokit.data.tile_augment import TileAugment
from radiokit.files import whole_file, write_text_whole
from radiokit.losses import DiceCrossEntropyLoss
from radiokit.models import build_unet
from radiokit.recipes.segment_pictures import write_color_pictures
from radiokit.recipes.segment_scores import predict_scores
from radiokit.recipes.segment_tiles import MARGIN, index_tiles, read_tile
from radiokit.recipes.settings import (
    FRACTIONS,
    STRUCTURE,
    SegmentSettings,
    check_segment_settings,
    claim_folder,
)

WIDTHS = (16, 32, 64, 128, 256)
MODEL = "unet"
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # luminance, ITU-R BT.601
STAIN = 0.2  # largest change of a colour channel's power in training


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
    images are scored at their own size, those of a training on tiles too. A killed training goes
    on where it stopped when it is called again with the same arguments.

    Args:
        images: folders of images.
        masks: folders of masks, one for each folder of images.
        out: gets `model.keras`, `settings.json`, and a run's record (`cases.csv`,
            `metrics.json`, masks, figures, tables; in colour, `slides/<case>/outlines.png`).
        patients: a CSV of file and patient_id for each folder of images; where patients are
            unknown, of file and group_id, such as the slide a tile was cut from. None: every
            image is a patient of its own.
        foreground: mask values of the structure; None: all but 0 and `ignore`.
        ignore: mask values where the truth is unknown; left out of loss and scores.
        settings: None takes the defaults.

    Returns:
        Scores of the test images with their intervals, a row a folder of images and metric.

    Raises:
        ValueError: folders and masks do not pair up, another training lies in `out`, or a setting
            is out of its range.
        FileNotFoundError: a folder is missing or empty.
    """
    settings = settings or SegmentSettings()
    check_segment_settings(settings, foreground, ignore)
    out = Path(out)
    table = _index_own(images, masks, patients, settings)
    claim_folder(out, _noted(settings, foreground, ignore))
    record = report.start_record(
        out.name, table, "full", settings.seed, _describe(settings, foreground, ignore), out.parent
    )
    print(splits.audit_split(table).to_string())
    labels = {"foreground": foreground, "ignore": ignore, "threshold": settings.threshold}
    started = time.perf_counter()
    model, history = _train(table, labels, record.folder, settings)
    print(f"trained {len(history)} epochs in {(time.perf_counter() - started) / 60:.1f} minutes")
    with whole_file(record.folder / "model.keras") as unfinished:
        model.save(unfinished)
    cases = _score(model, table, record, settings, labels)
    return _report(record, cases, table.attrs["whose"])


def _index_own(images, masks, patients, settings):
    """One table of all folders, each split by itself; patients of two folders are two patients."""
    patients = patients or [None] * len(images)
    if not len(images) == len(masks) == len(patients):
        raise ValueError(
            f"Given are {len(images)} folders of images, {len(masks)} of masks and "
            f"{len(patients)} lists of patients; each folder of images needs one of each."
        )
    fractions = FRACTIONS | {"test": settings.test_share}
    fractions["train"] = 1 - fractions["validation"] - fractions["test"]
    tables, keys = [], set()
    for number, triple in enumerate(zip(images, masks, patients, strict=True), 1):
        table = splits.split_by_patient(own.index_pairs(*triple), fractions, settings.split_seed)
        keys.add(table.attrs["patient_key"])
        if len(images) > 1:
            name = f"{number} {Path(triple[0]).resolve().parent.name}"
            table["dataset"] = name
            for column in ("case_id", "patient_id"):
                table[column] = name + " " + table[column].astype(str)
        tables.append(table)
    together = pd.concat(tables, ignore_index=True)
    together.attrs["whose"] = _whose(keys)
    return together


def _whose(keys):
    """What a score is a mean over, in the words of captions."""
    if any(key.endswith("group_id") for key in keys):
        return "test groups, patients unknown"
    return "test images, patients unknown" if "image" in keys else "test patients"


def _train(table, labels, folder, settings):
    keras.utils.set_random_seed(settings.seed)
    side = settings.tile or settings.size
    shape = (side, side, 3 if settings.color else 1)
    model = build_unet(shape, 1, WIDTHS, dropout=0.0, activation="sigmoid")
    make = _tile_batches if settings.tile else _image_batches
    train_batches, validation_batches = make(table, labels, folder, settings)
    history = training.fit(
        model,
        train_batches,
        validation_batches,
        folder / "training",
        # A tile often lacks the structure; the Dice of a batch of them means more than each one's.
        loss=DiceCrossEntropyLoss(overlapping=True, over_batch=bool(settings.tile)),
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
    )
    write_text_whole(folder / f"history_{MODEL}.csv", pd.DataFrame(history).to_csv(index=False))
    return model, history


def _image_batches(table, labels, folder, settings):
    """Whole images, made smaller."""
    shape = (settings.size, settings.size)
    read = partial(own.read_pair_case, image_shape=shape, color=settings.color, **labels)
    augment = JointAugment(10, 0.06, 0.15, mirror=settings.mirror, contrast=0.3)
    if settings.color or settings.turn:
        stain = STAIN if settings.color else 0.0
        augment = TileAugment(settings.size, augment, settings.turn, stain)
    serve = {"reader": read, "batch_size": settings.batch_size, "cache": folder / "cache"}
    return (
        make_batches(
            table[table["split"] == "train"], **serve, augment=augment, shuffle_seed=settings.seed
        ),
        make_batches(table[table["split"] == "validation"], **serve),
    )


def _tile_batches(table, labels, folder, settings):
    """Tiles at the images' own resolution; of training, with a margin to turn them in."""
    read_image = partial(own.read_pair_image, color=settings.color)
    read_target = partial(own.read_pair_target, **labels)
    tiles = {
        split: index_tiles(rows, read_image, read_target, settings.tile, folder / "cache")
        for split, rows in table.groupby("split")
        if split != "test"
    }
    joint = JointAugment(10, 0.045, 0.15, mirror=settings.mirror, contrast=0.3)
    stain = STAIN if settings.color else 0.0
    augment = TileAugment(settings.tile, joint, settings.turn, stain)
    read = partial(read_tile, tile=settings.tile)
    return (
        make_batches(
            tiles["train"],
            partial(read, margin=MARGIN),
            settings.batch_size,
            augment=augment,
            shuffle_seed=settings.seed,
        ),
        make_batches(tiles["validation"], read, settings.batch_size),
    )


def _score(model, table, record, settings, labels):
    """Validation and test images at their own size: a row each; test pictures are kept."""
    rows = []
    held_out = table[table["split"] != "train"]
    for _, row in tqdm(held_out.iterrows(), total=len(held_out), unit="image", desc="scoring"):
        pixels = own.read_pair_image(row["image"], settings.color)
        target = own.read_pair_target(row, pixels.shape, pixels.shape, **labels)
        truth = target[..., 0]  # (rows, columns): 1, 0 or -1
        mask = predict_scores(model, pixels, settings) > 0.5
        case = {"model": MODEL, **row[["dataset", "case_id", "patient_id", "split"]]}
        rows.append(case | _score_mask(row, truth, mask))
        if row["split"] == "test":
            report.write_images(record, row["case_id"], _to_grey(pixels), {STRUCTURE: truth})
            report.write_masks(record, MODEL, row["case_id"], {STRUCTURE: mask})
            if settings.color:
                write_color_pictures(record, row["case_id"], pixels, truth, mask)
    return pd.DataFrame(rows)


def _to_grey(pixels):
    return pixels @ GREY if pixels.shape[-1] == 3 else pixels[..., 0]


def _score_mask(row, truth, mask):
    spacing_mm = (row["spacing_row_mm"], row["spacing_column_mm"])
    scores = {f"dice_{STRUCTURE}": metrics.dice_score(truth, mask)}
    if np.isfinite(spacing_mm).all():
        scores[f"hd95_mm_{STRUCTURE}"] = metrics.hausdorff95_mm(truth, mask, spacing_mm)
    else:
        scores[f"hd95_px_{STRUCTURE}"] = metrics.hausdorff95_px(truth, mask)
    return scores


def _report(record, cases, whose):
    report.write_cases(record, cases)
    scores = report.score_cases(cases, by=("model", "dataset", "split"))
    tested = scores[scores["split"] == "test"]
    headline = report.interval_of_row(tested[tested["metric"] == "dice"].iloc[0])
    report.write_metrics(record, scores, (f"Dice on {whose}", headline))
    for dataset in cases["dataset"].unique():
        figure = report.plots.plot_worst_cases(record.folder, record.language, dataset=dataset)
        report.save_figure(record, f"worst_cases_{dataset}", figure)
    figure = report.plots.plot_learning_curves(record.folder, record.language)
    report.save_figure(record, "learning_curves", figure)
    table = tested.drop(columns=["model", "split", "structure"]).reset_index(drop=True)
    report.save_table(record, "scores", table, f"Scores on {whose} with 95 % intervals")
    print(table.to_string(index=False))
    return table


def _describe(settings, foreground, ignore):
    chosen = dataclasses.asdict(settings)
    return chosen | {"foreground": foreground, "ignore": list(ignore), "widths": list(WIDTHS)}


def _noted(settings, foreground, ignore):
    values = {"foreground": foreground and list(foreground), "ignore": list(ignore)}
    return dataclasses.asdict(settings) | values
