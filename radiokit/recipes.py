"""Whole jobs on anybody's own files: train a segmentation network, predict masks with it."""

import dataclasses
import json
import time
from dataclasses import dataclass
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
from radiokit.io import UnreadableFileError
from radiokit.io.geometry import fit_placement, place_image, restore_scores
from radiokit.io.rasters import read_radiograph, write_png
from radiokit.losses import DiceCrossEntropyLoss
from radiokit.models import build_unet

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
WIDTHS = (16, 32, 64, 128, 256)
STRUCTURE = "foreground"
MODEL = "unet"


@dataclass(frozen=True)
class SegmentSettings:
    """What can be chosen of a training on one's own images.

    Args:
        size: side of the square the images are fitted into, pixels; a multiple of 16.
        epochs: passes over the training images.
        seed: of weights, order and augmentation.
        split_seed: of who trains and who is tested; keep it when you compare settings.
        mirror: also show every image mirrored, and average the predictions of an image and its
            mirror image. Good for a structure on both sides; wrong for one with a side in its
            name ("left lung").
        batch_size: images a step.
        learning_rate: the highest.
    """

    size: int = 128
    epochs: int = 18
    seed: int = 0
    split_seed: int = 0
    mirror: bool = False
    batch_size: int = 16
    learning_rate: float = 2e-3


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
    _claim_folder(out, settings, foreground, ignore)
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


def predict_masks(model_folder: Path, images: Path, out: Path) -> pd.DataFrame:
    """Predict a mask for every image of a folder, at the image's own size.

    Args:
        model_folder: what `train_segmenter` wrote.
        images: folder of images (PNG, JPEG, TIFF, GIF, BMP, DICOM).
        out: gets `<name>.png` for each image, 255 structure and 0 background, and
            `predictions.csv`, which lists each file with the size of its pixels where known and
            the structure's share of them, or why it could not be read.

    Returns:
        The rows of `predictions.csv`: image, mask, fraction, spacing_row_mm, spacing_column_mm,
        problem.

    Raises:
        FileNotFoundError: no model or no images there.
        ValueError: a mask would replace an image, or two images would share a mask's name.
    """
    paths = own.list_images(images)
    _check_nothing_is_overwritten(paths, Path(out))
    model, settings = _load_model(Path(model_folder))
    rows = []
    for path in tqdm(paths, unit="image"):
        row = {"image": str(path), "mask": "", "fraction": np.nan}
        row |= {"spacing_row_mm": np.nan, "spacing_column_mm": np.nan, "problem": ""}
        try:
            film = read_radiograph(path)
        except UnreadableFileError as error:
            row["problem"] = str(error)
        else:
            mask = predict_scores(model, film.pixels, settings) > 0.5
            row |= {"mask": f"{path.stem}.png", "fraction": float(mask.mean())}
            if film.spacing_mm is not None:
                row["spacing_row_mm"], row["spacing_column_mm"] = film.spacing_mm
            write_png(Path(out) / row["mask"], mask.astype(np.uint8) * 255)
        rows.append(row)
    table = pd.DataFrame(rows)
    write_text_whole(Path(out) / "predictions.csv", table.to_csv(index=False))
    return table


def predict_scores(model: keras.Model, pixels: np.ndarray, settings: SegmentSettings) -> np.ndarray:
    """Probability of the structure at every pixel of one image.

    Args:
        model: from `build_unet` with one sigmoid channel.
        pixels: (rows, columns) float in 0..1, as `read_radiograph` gives them.
        settings: those of the training.

    Returns:
        (rows, columns) float32 in 0..1, at the image's own size. Probabilities, not the mask, are
        enlarged, so that the outline is finer than the network's pixels.
    """
    placement = fit_placement(pixels.shape, (settings.size, settings.size))
    placed = place_image(pixels, placement)  # (size, size)
    views = [placed, placed[:, ::-1]] if settings.mirror else [placed]
    scores = model.predict_on_batch(np.stack(views)[..., None])[..., 0]  # (1 or 2, size, size)
    if settings.mirror:
        scores[1] = scores[1][:, ::-1]
    return restore_scores(scores.mean(axis=0), placement)


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


def _claim_folder(folder, settings, foreground, ignore):
    """Refuse a folder with another training; else note the settings, so that a kill is resumed."""
    if (folder / "model.keras").exists():
        raise ValueError(
            f"{folder} holds a finished training. Choose another folder, or move that one away."
        )
    noted = folder / "settings.json"
    values = {"foreground": foreground and list(foreground), "ignore": list(ignore)}
    chosen = dataclasses.asdict(settings) | values
    if noted.exists() and (before := json.loads(noted.read_text("utf-8"))) != chosen:
        raise ValueError(
            f"{folder} holds an unfinished training with other settings: {before}. Use those to go "
            "on with it, or choose another folder."
        )
    write_text_whole(noted, json.dumps(chosen, indent=2))


def _load_model(folder):
    missing = [name for name in ("model.keras", "settings.json") if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} holds no {' and no '.join(missing)}. Give the folder that "
            "`radiokit train segment --out` wrote."
        )
    noted = json.loads((folder / "settings.json").read_text("utf-8"))
    names = [field.name for field in dataclasses.fields(SegmentSettings)]
    settings = SegmentSettings(**{name: noted[name] for name in names})
    return keras.models.load_model(folder / "model.keras", compile=False), settings


def _check_nothing_is_overwritten(paths, out):
    if out.resolve() in {path.resolve().parent for path in paths}:
        raise ValueError(
            f"The masks would be written to {out}, among the images, and might replace them. "
            "Choose another folder for the masks."
        )
    stems = pd.Series([path.stem for path in paths])
    if stems.duplicated().any():
        raise ValueError(
            f"Several images are named {stems[stems.duplicated()].iloc[0]}; their masks would "
            "replace each other. Rename them, or predict folder by folder."
        )
