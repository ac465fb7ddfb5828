"""Six scores of structures over pixels, each against the rest, from counts that add up."""

import numpy as np

from radiokit.metrics.checks import ratio
from radiokit.metrics.masks import ConfusionCounts

PIXEL_METRICS = ("iou", "accuracy", "sensitivity", "specificity", "f1", "auc")


def pixel_scores(counts, auc) -> np.ndarray:
    """IoU, accuracy, sensitivity, specificity, F1 (the Dice) and AUC, each structure by itself.

    When to use: on the counts of slides, or of slides summed. Summed counts pool the pixels:
    large slides rule. IoU and F1 come from the same counts, so that F1 = 2 IoU / (1 + IoU).

    Args:
        counts: tp, fp, fn, tn, (..., 4); NaN where a truth is not known.
        auc: what `histogram_auc` gives of the same pixels, (...); NaN where there is none.

    Returns:
        (..., 6) in the order of `PIXEL_METRICS`, 0..1; NaN where undefined.

    Example:
        >>> pixel_scores([6, 2, 2, 90], 0.9).round(3).tolist()
        [0.6, 0.96, 0.75, 0.978, 0.75, 0.9]
    """
    found = ConfusionCounts(*np.moveaxis(np.asarray(counts, float), -1, 0))
    scores = (found.iou, found.accuracy, found.sensitivity, found.specificity, found.dice)
    return np.stack([*scores, np.broadcast_to(auc, scores[0].shape)], axis=-1)


def mean_of_defined(values, axis=-1):
    """The mean along an axis of what is not NaN; NaN where nothing is.

    When to use: for the mean of classes of which one may not be there.

    Args:
        values: numbers.
        axis: the axis that goes.

    Returns:
        A number or an array of them.

    Example:
        >>> float(mean_of_defined([0.5, 0.7, np.nan]))
        0.6
    """
    values = np.asarray(values, float)
    is_defined = ~np.isnan(values)
    return ratio(np.sum(np.where(is_defined, values, 0), axis), is_defined.sum(axis))


def class_accuracy(counts):
    """Share of the pixels whose class is right, of classes that exclude one another.

    When to use: beside the scores of each class. One class against the rest is never less
    accurate than this: a pixel of the wrong class is wrong for two classes only.

    Args:
        counts: tp, fp, fn, tn of every class, (..., classes, 4), of the same pixels.

    Returns:
        A number in 0..1, or an array (...); NaN without pixels.

    Example:
        >>> float(class_accuracy([[3, 1, 0, 6], [6, 0, 1, 3]]))  # two classes, 10 pixels
        0.9
    """
    counts = np.asarray(counts, float)
    return ratio(counts[..., 0].sum(axis=-1), counts[..., 0, :].sum(axis=-1))
