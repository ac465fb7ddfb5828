"""From a classifier's logits to probabilities that mean what they say, and to yes or no."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy import special

from radiokit import losses, metrics
from radiokit.files import write_text_whole
from radiokit.recipes.neighbours import average_neighbours
from radiokit.recipes.settings import ClassifySettings

FILE = "decisions.json"
BATCH_SIZE = 64
NEIGHBOUR_SHARES = (0.0, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class Decisions:
    """What stands between a classifier's logits and its answers.

    Args:
        labels: names, in the order of the logits.
        offsets: what is taken from the logit of each label: the logarithm of the weight its
            positives had in training, which made them seem so much more frequent.
        neighbour_share: what the slice above and the one below each count in a slice's logit,
            where the order of slices is known; chosen on validation.
        temperature: what is then divided by, fitted on validation.
        thresholds: probability of each label from which an image is flagged.
        rules: how each threshold was chosen, `"youden"` or, for want of validation cases of
            both kinds, `"half"`.
    """

    labels: tuple[str, ...]
    offsets: tuple[float, ...]
    neighbour_share: float = 0.0
    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()
    rules: tuple[str, ...] = ()


def positive_weights(
    table: pd.DataFrame, labels: Sequence[str], settings: ClassifySettings
) -> list[float]:
    """What a positive of each label counts in the loss.

    Use it on the training rows alone.

    Args:
        table: training rows with the labels.
        labels: columns of 0 and 1, NaN where unknown.
        settings: `largest_weight` is looked at.

    Returns:
        A number a label: negatives over positives, at most `largest_weight`.
    """
    targets = table[list(labels)].fillna(-1).to_numpy()
    return losses.balanced_positive_weights(targets, settings.largest_weight)


def predict_logits(model: keras.Model, images: np.ndarray, mirror: bool) -> np.ndarray:
    """Logits of images, the mean of each image's and its mirror image's.

    Use it on images as `read_slice` gives them, divided by 255.

    Args:
        model: images to logits.
        images: (N, H, W, C) float in 0..1.
        mirror: whether the mirror images count too.

    Returns:
        (N, labels) float32.
    """
    views = [images, images[:, :, ::-1]] if mirror else [images]
    starts = range(0, len(images), BATCH_SIZE)
    logits = [
        np.concatenate([model.predict_on_batch(view[i : i + BATCH_SIZE]) for i in starts])
        for view in views
    ]
    return np.mean(logits, axis=0)


def fit_decisions(
    logits: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    weights: Sequence[float],
    order: pd.DataFrame | None = None,
) -> Decisions:
    """Offsets from the weights of the loss; say of neighbours and temperature from validation.

    Use it on the validation images, then choose thresholds.

    Args:
        logits: (N, labels) of the validation images.
        truth: (N, labels) of 0, 1 and -1.
        labels: their names.
        weights: of each label's positives in training.
        order: of the validation slices, from `order_slices`.

    Returns:
        `Decisions` without thresholds, of the lowest log loss; temperature 1 and no say of
        neighbours where validation does not hold both positives and negatives.
    """
    offsets = np.log(weights)
    decisions = Decisions(tuple(labels), tuple(map(float, offsets)))
    if not ((truth == 1).any() and (truth == 0).any()):
        return decisions
    found = []
    for share in NEIGHBOUR_SHARES if order is not None else (0.0,):
        averaged = average_neighbours(logits, order, share)
        temperature = metrics.fit_temperature(truth, averaged - offsets)
        fitted = replace(decisions, neighbour_share=share, temperature=temperature)
        probabilities = to_probabilities(logits, fitted, order)
        found.append((metrics.weighted_log_loss(truth, probabilities), fitted))
    return min(found, key=lambda one: one[0])[1]


def to_probabilities(
    logits: np.ndarray, decisions: Decisions, order: pd.DataFrame | None = None
) -> np.ndarray:
    """Probability of each label.

    Use it on logits of `predict_logits`, all slices of a series together.

    Args:
        logits: (N, labels).
        decisions: offsets, say of neighbours and temperature are looked at.
        order: of the same slices, from `order_slices`; None: each stands alone.

    Returns:
        (N, labels) float in 0..1.
    """
    averaged = average_neighbours(logits, order, decisions.neighbour_share)
    return special.expit((averaged - decisions.offsets) / decisions.temperature)


def write_decisions(folder: Path, decisions: Decisions) -> None:
    """Note the decisions beside a model, as `decisions.json`.

    Args:
        folder: of the training.
        decisions: with thresholds.
    """
    write_text_whole(folder / FILE, json.dumps(asdict(decisions), indent=2, ensure_ascii=False))


def read_decisions(folder: Path) -> Decisions:
    """What `write_decisions` noted.

    Args:
        folder: of a finished training.

    Returns:
        The `Decisions`.

    Raises:
        FileNotFoundError: none were noted.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no {FILE}, in which the thresholds stand. Give the folder that "
            "`radiokit train classify --out` wrote."
        )
    noted = json.loads(path.read_text("utf-8"))
    lists = {name: tuple(value) for name, value in noted.items() if isinstance(value, list)}
    return Decisions(**(noted | lists))
