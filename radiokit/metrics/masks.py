"""Overlap of masks, from four counts of pixels: sensitivity, specificity, Dice and IoU."""

from typing import NamedTuple

import numpy as np

from radiokit.metrics.checks import check_pair, ratio


class ConfusionCounts(NamedTuple):
    """The four counts from which every overlap score follows; unpacks as `tp, fp, fn, tn`.

    Use it when several scores of the same masks are needed: the pixels are counted once.

    Attributes:
        tp: true positives, integer or array of integers.
        fp: false positives.
        fn: false negatives.
        tn: true negatives.
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray

    @property
    def dice(self):
        """2 tp / (2 tp + fp + fn); 1 when both masks are empty, NaN when no pixel counts."""
        return self._overlap(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self):
        """tp / (tp + fp + fn); 1 when both masks are empty, NaN when no pixel counts."""
        return self._overlap(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self):
        """tp / (tp + fn); NaN when the truth is empty."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self):
        """tn / (tn + fp); NaN when the truth fills every pixel that counts."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def accuracy(self):
        """(tp + tn) / all that counts; NaN when no pixel counts."""
        return ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    def _overlap(self, numerator, denominator):
        both_empty = (denominator == 0) & (self.tn > 0)
        return np.where(both_empty, 1.0, ratio(numerator, denominator))[()]


def confusion_counts(y_true, y_pred, axis=None, ignore=None) -> ConfusionCounts:
    """Count true and false positives and negatives.

    When to use: before several scores of the same pair, or per class with `axis`.

    Args:
        y_true: truth, any shape; 0 or 1 (or bool), -1 where the truth is unknown.
        y_pred: prediction, the same shape; 0 or 1 (or bool), never probabilities.
        axis: axes summed over, None for all; `(0, 1)` of (H, W, C) counts per structure.
        ignore: bool array broadcastable to the shape; True pixels are left out.

    Returns:
        `ConfusionCounts` of int64 numbers, or of arrays over the axes not summed.

    Raises:
        ValueError: shapes differ, or values are other than 0, 1 (and -1 in the truth).

    Example:
        >>> counts = confusion_counts([1, 1, 0, -1], [1, 0, 0, 1])
        >>> [int(count) for count in counts]
        [1, 0, 1, 1]
        >>> round(float(counts.dice), 3)
        0.667
    """
    truth, prediction, counted = check_pair(y_true, y_pred, ignore)
    counts = (
        truth & prediction,
        ~truth & prediction & counted,
        truth & ~prediction,
        ~(truth | prediction) & counted,
    )
    return ConfusionCounts(*(np.sum(pixels, axis=axis, dtype=np.int64) for pixels in counts))


def sensitivity_score(y_true, y_pred, axis=None, ignore=None):
    """Share of the truth that was found; arguments as for `confusion_counts`.

    When to use: a missed finding matters. NaN when the truth is empty.

    Args:
        y_true: truth, 0/1, -1 unknown.
        y_pred: prediction, 0/1, the same shape.
        axis: axes summed over, None for all.
        ignore: bool array, True pixels are left out.

    Returns:
        Float in 0..1 or NaN, or an array of them over the axes not summed.
    """
    return confusion_counts(y_true, y_pred, axis, ignore).sensitivity


def specificity_score(y_true, y_pred, axis=None, ignore=None):
    """Share of the background left alone; arguments as for `confusion_counts`.

    When to use: a false alarm matters. NaN when the truth has no background.

    Args:
        y_true: truth, 0/1, -1 unknown.
        y_pred: prediction, 0/1, the same shape.
        axis: axes summed over, None for all.
        ignore: bool array, True pixels are left out.

    Returns:
        Float in 0..1 or NaN, or an array of them over the axes not summed.
    """
    return confusion_counts(y_true, y_pred, axis, ignore).specificity


def dice_score(y_true, y_pred, axis=None, ignore=None):
    """Dice overlap of two masks; arguments as for `confusion_counts`.

    When to use: the usual score of a segmentation. Small structures lose more per pixel.

    Args:
        y_true: truth, 0/1, -1 unknown.
        y_pred: prediction, 0/1, the same shape.
        axis: axes summed over, None for all.
        ignore: bool array, True pixels are left out.

    Returns:
        Float in 0..1 (1 when both are empty, NaN when no pixel counts), or an array of them.

    Paper: Dice, Ecology 1945; Sørensen 1948.

    Example:
        >>> float(dice_score([[1, 1], [0, 0]], [[1, 0], [0, 0]]).round(3))
        0.667
    """
    return confusion_counts(y_true, y_pred, axis, ignore).dice


def iou_score(y_true, y_pred, axis=None, ignore=None):
    """Intersection over union (Jaccard); arguments as for `confusion_counts`.

    When to use: to compare with papers that print it; Dice = 2 IoU / (1 + IoU).

    Args:
        y_true: truth, 0/1, -1 unknown.
        y_pred: prediction, 0/1, the same shape.
        axis: axes summed over, None for all.
        ignore: bool array, True pixels are left out.

    Returns:
        Float in 0..1 (1 when both are empty, NaN when no pixel counts), or an array of them.
    """
    return confusion_counts(y_true, y_pred, axis, ignore).iou
