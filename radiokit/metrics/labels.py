"""Scores of several labels an image: which were wrong, macro F1, and the classification report.

Truth and prediction are (N, L): a row an image or exam, a column a label, not exclusive. Where
the truth is -1 a label is unknown and left out of every count.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from radiokit.metrics.checks import check_pair, ratio

AVERAGES = ("micro avg", "macro avg", "weighted avg", "samples avg")


class MacroF1(NamedTuple):
    """What three papers may each mean by macro F1, of the same predictions.

    Attributes:
        class_mean: mean over all labels; a label neither there nor ever predicted counts 0.
        present_mean: mean over the labels that the truth has at least once.
        pooled: mean of F1 of "present" and F1 of "absent", all decisions of all labels in one
            2×2 table.
    """

    class_mean: float
    present_mean: float
    pooled: float


def hamming_loss(y_true, y_pred) -> float:
    """Share of the labels that are wrong, over all images.

    When to use: to count every wrong label alike. With rare findings it is small even when all
    of them are missed.

    Args:
        y_true: truth, (N, L); 0 or 1, -1 unknown.
        y_pred: prediction, the same shape, 0 or 1.

    Returns:
        Float in 0..1; NaN when no label is known.

    Raises:
        ValueError: not two equal tables (N, L), or other values.

    Paper: Schapire and Singer, Machine Learning 2000.

    Example:
        >>> hamming_loss([[1, 0, 1], [0, 0, -1]], [[1, 1, 1], [0, 0, 1]])
        0.2
    """
    truth, prediction, known = _check_tables(y_true, y_pred)
    return float(ratio(np.sum((truth != prediction) & known), known.sum()))


def exact_match_score(y_true, y_pred) -> float:
    """Share of the images on which every known label is right.

    When to use: the strictest score of several labels; one wrong label costs the image.

    Args:
        y_true: truth, (N, L); 0 or 1, -1 unknown.
        y_pred: prediction, the same shape, 0 or 1.

    Returns:
        Float in 0..1; an image without a known label does not count, NaN when none does.

    Raises:
        ValueError: not two equal tables (N, L), or other values.

    Example:
        >>> exact_match_score([[1, 0], [0, 1]], [[1, 0], [1, 1]])
        0.5
    """
    truth, prediction, known = _check_tables(y_true, y_pred)
    is_right = (truth == prediction) | ~known
    counts = known.any(axis=1)
    return float(ratio(np.sum(is_right.all(axis=1) & counts), counts.sum()))


def macro_f1_conventions(y_true, y_pred) -> MacroF1:
    """Macro F1 in three conventions side by side.

    When to use: to print F1 of many labels, and to find out which F1 a paper printed. They differ
    widely: a rare label counts as much as a frequent one in the two means of labels, and next to
    nothing in the pooled one. *Class mean* is scikit-learn's `average="macro"` with
    `zero_division=0`: a label without a positive in the test set costs 1 / L though nothing is
    wrong. *Present mean* leaves such labels out, and with them their false alarms. *Pooled* hardly
    tells more than the accuracy: in one table of all decisions, with s the share that is truly
    present plus the share that is predicted present,

        F1 of present = 2 tp / (2 tp + fp + fn) = 1 - error / s
        F1 of absent  = 2 tn / (2 tn + fp + fn) = 1 - error / (2 - s)
        (1 - pooled) / (1 - accuracy) = (1 / s + 1 / (2 - s)) / 2 = 1 / (s (2 - s))

    With 25 labels and one or two an image, 4.3 % are present, s is 0.086 and the quotient 6.08,
    whichever the labels and the network: a published table of that quotient in every row has
    pooled.

    Args:
        y_true: truth, (N, L); 0 or 1, -1 unknown.
        y_pred: prediction, the same shape, 0 or 1.

    Returns:
        A `MacroF1` of floats in 0..1, all NaN when no label is known; `present_mean` is NaN
        without any positive. `pooled` is the one F1 that is left where nothing is, and nothing is
        predicted, present (or absent).

    Raises:
        ValueError: not two equal tables (N, L), or other values.

    Example:
        >>> found = macro_f1_conventions([[1, 0], [1, 0], [0, 0]], [[1, 0], [0, 0], [0, 0]])
        >>> [round(value, 3) for value in found]
        [0.333, 0.667, 0.778]
    """
    truth, prediction, known = _check_tables(y_true, y_pred)
    if not known.any():
        return MacroF1(np.nan, np.nan, np.nan)
    counts = _count(truth, prediction, known, axis=0)  # (L, 3): tp, fp, fn
    f1 = _scores(counts, undefined=0.0)[:, 2]
    is_present = truth.any(axis=0)
    tp, fp, fn = counts.sum(axis=0)
    tn = known.sum() - tp - fp - fn
    pooled = [ratio(2 * right, 2 * right + fp + fn) for right in (tp, tn)]
    present_mean = ratio(f1[is_present].sum(), is_present.sum())
    return MacroF1(float(f1.mean()), float(present_mean), float(np.nanmean(pooled)))


def classification_report(y_true, y_pred, labels, undefined=np.nan) -> pd.DataFrame:
    """Precision, recall and F1 of each label, and their four averages.

    When to use: the table of a multilabel classifier at its thresholds. *Micro* counts every
    label of every image once, so the frequent labels rule; *macro* weighs all labels alike;
    *weighted* weighs them by their positives; *samples* scores each image and averages the
    images, so that with an undefined of 0 every image without a finding counts as 0.

    Args:
        y_true: truth, (N, L); 0 or 1, -1 unknown.
        y_pred: prediction, the same shape, 0 or 1.
        labels: the L names, in the order of the columns.
        undefined: what a ratio of 0 by 0 is. NaN is said and left out of the averages; 0.0
            prints and averages as scikit-learn does with `zero_division=0`, as papers do.

    Returns:
        A row a label, then `micro avg`, `macro avg`, `weighted avg`, `samples avg`; columns
        `precision, recall, f1` (floats) and `support, tp, fp, fn` (integers: positives in the
        truth, and counts). The counts of the four averages are those of all labels together.

    Raises:
        ValueError: not two equal tables (N, L), other values, or not L names.

    Example:
        >>> report = classification_report([[1, 0], [1, 0]], [[1, 0], [0, 0]], ["any", "rare"])
        >>> report.loc[["any", "rare", "macro avg"], ["precision", "recall", "support"]]
                   precision  recall  support
        any              1.0     0.5        2
        rare             NaN     NaN        0
        macro avg        1.0     0.5        2
    """
    truth, prediction, known = _check_tables(y_true, y_pred)
    if len(labels) != truth.shape[1]:
        raise ValueError(
            f"There are {len(labels)} names of labels for {truth.shape[1]} columns; each column "
            "needs one. Give `labels` in the order of the columns."
        )
    counts = _count(truth, prediction, known, axis=0)  # (L, 3)
    each, support = _scores(counts, undefined), counts[:, 0] + counts[:, 2]
    has_label = known.any(axis=1)
    of_images = _scores(_count(truth, prediction, known, axis=1), undefined)[has_label]
    averages = (
        _scores(counts.sum(axis=0), undefined),
        _average(each, np.ones(len(each)), undefined),
        _average(each, support, undefined),
        _average(of_images, np.ones(len(of_images)), undefined),
    )
    columns = ["precision", "recall", "f1"]
    report = pd.DataFrame(np.vstack([each, *averages]), [*labels, *AVERAGES], columns)
    tp, fp, fn = np.vstack([counts, *[counts.sum(axis=0)] * len(AVERAGES)]).T
    return report.assign(support=tp + fn, tp=tp, fp=fp, fn=fn)


def _count(truth, prediction, known, axis):
    """True positives, false positives and false negatives along an axis, (..., 3)."""
    cells = (truth & prediction, ~truth & prediction & known, truth & ~prediction)
    return np.stack([np.sum(cell, axis=axis, dtype=np.int64) for cell in cells], axis=-1)


def _scores(counts, undefined):
    """Precision, recall and F1 (..., 3) of counts (..., 3)."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    scores = (ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn))
    scores = np.stack(scores, axis=-1)
    return np.where(np.isnan(scores), undefined, scores)


def _average(scores, weights, undefined):
    """Weighted mean of each column over the rows where it is defined."""
    weights = np.where(np.isnan(scores), 0, np.asarray(weights)[:, None])  # (rows, 3)
    mean = ratio(np.sum(np.nan_to_num(scores) * weights, axis=0), weights.sum(axis=0))
    return np.where(np.isnan(mean), undefined, mean)


def _check_tables(y_true, y_pred):
    if np.ndim(y_true) != 2 or np.shape(y_true) != np.shape(y_pred):
        raise ValueError(
            f"Truth has shape {np.shape(y_true)} and prediction {np.shape(y_pred)}; labels need "
            "(N, L) of each, a row an image and a column a label. Give a single label as "
            "y_true[:, None]."
        )
    return check_pair(y_true, y_pred)
