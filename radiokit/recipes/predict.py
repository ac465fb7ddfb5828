"""Predict with a trained model: a mask, or labels, for every image of a folder."""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit.data import own
from radiokit.files import write_text_whole
from radiokit.io import UnreadableFileError
from radiokit.io.rasters import read_radiograph, write_png
from radiokit.recipes.decisions import (
    BATCH_SIZE,
    predict_logits,
    read_decisions,
    to_probabilities,
)
from radiokit.recipes.neighbours import order_slices
from radiokit.recipes.predict_slides import list_slides, predict_slides
from radiokit.recipes.segment_scores import predict_scores
from radiokit.recipes.settings import SegmentSettings, load_model, read_settings
from radiokit.recipes.slices import read_slice


def predict_folder(
    model_folder: Path,
    images: Path,
    out: Path,
    mpp_um: float | None = None,
    slide_mpp_um: float | None = None,
) -> pd.DataFrame:
    """Predict with either kind of model, whatever the folder holds.

    When to use: as `radiokit predict` does. A folder with whole slides has maps made of them; the
    pictures in it are then left alone. A TIFF counts as a slide where `mpp_um` is given.

    Args:
        model_folder: what `train_segmenter` or `train_classifier` wrote.
        images: folder of images or of whole slides.
        out: as for `predict_masks`, `predict_labels` and `predict_slides`.
        mpp_um: as for `predict_slides`.
        slide_mpp_um: as for `predict_slides`.

    Returns:
        The rows of `predictions.csv`.

    Raises:
        FileNotFoundError: no model or no images there.
        ValueError: as `predict_masks`, `predict_labels` and `predict_slides`.
    """
    settings, _ = read_settings(Path(model_folder))
    slides = list_slides(images, with_tiff=mpp_um is not None)
    if slides:
        return predict_slides(model_folder, slides, out, mpp_um, slide_mpp_um)
    if isinstance(settings, SegmentSettings):
        return predict_masks(model_folder, images, out)
    return predict_labels(model_folder, images, out)


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
        ValueError: a mask would replace an image, two images would share a mask's name, or the
            folder holds a classifier.
    """
    paths = own.list_images(images)
    _check_nothing_is_overwritten(paths, Path(out))
    settings, _ = read_settings(Path(model_folder))
    if not isinstance(settings, SegmentSettings):
        raise ValueError(
            f"{model_folder} holds a classifier, which draws no masks. Use predict_labels, or "
            "`radiokit predict`, which knows either kind."
        )
    model = load_model(Path(model_folder))
    rows = []
    for path in tqdm(paths, unit="image"):
        row = {"image": str(path), "mask": "", "fraction": np.nan}
        row |= {"spacing_row_mm": np.nan, "spacing_column_mm": np.nan, "problem": ""}
        try:
            pixels, spacing_mm = _read_image(path, settings)
        except UnreadableFileError as error:
            row["problem"] = str(error)
        else:
            mask = predict_scores(model, pixels, settings) > 0.5
            row |= {"mask": f"{path.stem}.png", "fraction": float(mask.mean())}
            if spacing_mm is not None:
                row["spacing_row_mm"], row["spacing_column_mm"] = spacing_mm
            write_png(Path(out) / row["mask"], mask.astype(np.uint8) * 255)
        rows.append(row)
    table = pd.DataFrame(rows)
    write_text_whole(Path(out) / "predictions.csv", table.to_csv(index=False))
    return table


def predict_labels(model_folder: Path, images: Path, out: Path) -> pd.DataFrame:
    """Predict the labels of every image of a folder.

    Where the files' names number the slices of a series, as `049_1.png`, `049_2.png`, neighbours
    have the say that validation gave them; see `radiokit.recipes.neighbours.order_slices`.

    Args:
        model_folder: what `train_classifier` wrote.
        images: folder of images (PNG, JPEG, TIFF, GIF, BMP, DICOM).
        out: gets `predictions.csv`, a row an image.

    Returns:
        The rows of `predictions.csv`: image, then `probability_<label>` and `flagged_<label>` (1
        from the threshold chosen on validation on), then problem, why a file could not be read.

    Raises:
        FileNotFoundError: no model or no images there.
        ValueError: the folder holds a segmentation network, or an image has other channels than
            those it was trained on.
    """
    settings, _ = read_settings(Path(model_folder))
    if isinstance(settings, SegmentSettings):
        raise ValueError(
            f"{model_folder} holds a segmentation network, which gives no labels. Use "
            "predict_masks, or `radiokit predict`, which knows either kind."
        )
    decisions = read_decisions(Path(model_folder))
    paths = own.list_images(images)
    model = load_model(Path(model_folder))
    table = pd.DataFrame({"image": [str(path) for path in paths], "problem": ""})
    logits = np.full((len(table), len(decisions.labels)), np.nan)
    for start in tqdm(range(0, len(table), BATCH_SIZE), unit="batch"):
        rows = table.iloc[start : start + BATCH_SIZE]
        pixels, table.loc[rows.index, "problem"] = _read_slices(rows, settings)
        readable = [
            place for place, image in zip(rows.index, pixels, strict=True) if image is not None
        ]
        if readable:
            kept = np.stack([image for image in pixels if image is not None]) / np.float32(255)
            _check_channels(kept, model)
            logits[readable] = predict_logits(model, kept, settings.mirror)
    table = _with_answers(table, logits, decisions)
    write_text_whole(Path(out) / "predictions.csv", table.to_csv(index=False))
    return table


def _read_image(path, settings):
    """(rows, columns, C) in 0..1, and the size of a pixel, which only DICOM and JSRT films tell."""
    if settings.color:
        return own.read_pair_image(path, color=True), None
    film = read_radiograph(path)
    return film.pixels[..., None], film.spacing_mm


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


def _read_slices(rows, settings):
    """Pixels of each row or None, and why."""
    pixels, problems = [], []
    for _, row in rows.iterrows():
        try:
            pixels.append(read_slice(row, settings))
            problems.append("")
        except UnreadableFileError as error:
            pixels.append(None)
            problems.append(str(error))
    return pixels, problems


def _check_channels(images, model):
    needed = model.input_shape[-1]
    if images.shape[-1] != needed:
        raise ValueError(
            f"The images have {images.shape[-1]} channels and the network was trained on {needed}: "
            "pictures have one, CT in DICOM files one a window. Give images of the same kind."
        )


def _with_answers(table, logits, decisions):
    """Probabilities and flags of the images that could be read; empty cells of the others."""
    readable = np.isfinite(logits).all(axis=1)
    probabilities = np.full(logits.shape, np.nan)
    kept = table[readable]
    probabilities[readable] = to_probabilities(logits[readable], decisions, order_slices(kept))
    columns = {"image": table["image"]}
    for place, label in enumerate(decisions.labels):
        flags = pd.Series(probabilities[:, place] >= decisions.thresholds[place], table.index)
        columns[f"probability_{label}"] = probabilities[:, place]
        columns[f"flagged_{label}"] = flags.astype("Int8").where(readable)
    return pd.DataFrame(columns | {"problem": table["problem"]})
