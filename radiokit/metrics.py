"""Scores of masks and labels against the truth: counted once, in NumPy, order (y_true, y_pred).

Three rules hold everywhere. Empty masks: Dice and IoU are 1 when truth and prediction are both
empty and 0 when one of them is. Undefined ratios are NaN. A pixel whose truth is -1, or which
`ignore` marks, is left out of every count.
"""

from typing import NamedTuple

import numpy as np
from scipy import spatial

SMALLEST_PROBABILITY = 1e-7  # as in `losses`: no pixel costs more than -log of it, 16.1


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
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self):
        """tn / (tn + fp); NaN when the truth fills every pixel that counts."""
        return _ratio(self.tn, self.tn + self.fp)

    def _overlap(self, numerator, denominator):
        both_empty = (denominator == 0) & (self.tn > 0)
        return np.where(both_empty, 1.0, _ratio(numerator, denominator))[()]


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
    truth, prediction, counted = _check_pair(y_true, y_pred, ignore)
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


def hausdorff95_mm(y_true, y_pred, spacing_mm, ignore=None) -> float:
    """95 % Hausdorff distance between the surfaces of two masks, in millimetres.

    When to use: beside Dice, to see how far the border strays. The larger of the two directed
    95th percentiles (linear interpolation) of distances between pixel centres on the surface;
    a mask's surface is its pixels with a side on the outside, the image's edge being outside.

    Args:
        y_true: truth, (H, W) or (D, H, W); 0/1, -1 unknown.
        y_pred: prediction, the same shape, 0/1.
        spacing_mm: pixel size in mm along each axis, in the order of the axes.
        ignore: bool array; True pixels count as outside of both masks.

    Returns:
        Distance in mm; NaN when both masks are empty, the image's diagonal when one is.

    Raises:
        ValueError: the spacing is unknown or has the wrong length; or as `confusion_counts`.

    Paper: Huttenlocher et al., IEEE TPAMI 1993; the percentile as Taha and Hanbury, BMC Medical
    Imaging 2015.

    Example:
        >>> hausdorff95_mm([[1, 0, 0, 0]], [[0, 0, 0, 1]], spacing_mm=(1.0, 0.5))
        1.5
    """
    truth, prediction, _ = _check_pair(y_true, y_pred, ignore)
    remedy = "Use hausdorff95_px, which answers in pixels, when the spacing is unknown."
    spacing = _check_spacing(spacing_mm, truth.ndim, "a distance in mm", remedy)
    return _hausdorff95(truth, prediction, spacing)


def hausdorff95_px(y_true, y_pred, ignore=None) -> float:
    """95 % Hausdorff distance in pixels, for images whose spacing nobody knows.

    When to use: no spacing in the file. Never compare it between images of different size.

    Args:
        y_true: truth, (H, W) or (D, H, W); 0/1, -1 unknown.
        y_pred: prediction, the same shape, 0/1.
        ignore: bool array; True pixels count as outside of both masks.

    Returns:
        Distance in pixels; NaN when both masks are empty, the image's diagonal when one is.
    """
    truth, prediction, _ = _check_pair(y_true, y_pred, ignore)
    return _hausdorff95(truth, prediction, np.ones(truth.ndim))


def categorical_cross_entropy_loss(y_true, probabilities):
    """Cross-entropy of each class by itself, over the pixels whose truth is known.

    When to use: beside Dice, to see how sure a network is. Of class c it is the mean over the
    known pixels of -truth_c · log(p_c), with the natural logarithm and probabilities below 1e-7
    taken as 1e-7. The values of all classes add up to the usual categorical cross-entropy where
    every pixel is known. A class of few pixels has a small value even when it is missed: the
    divisor is all known pixels, not those of the class. This is our reading of a table that
    prints one cross-entropy a class without its formula.

    Args:
        y_true: (..., C) one-hot; -1 leaves a pixel out of that channel, and a pixel without any
            class is left out of all.
        probabilities: the same shape, 0..1, as softmax gives them.

    Returns:
        (C,) float64 of 0..16.1; NaN for a class without a known pixel.

    Raises:
        ValueError: shapes differ, the truth is not one-hot, or values are not probabilities.

    Example:
        >>> by_class = categorical_cross_entropy_loss([[1, 0], [0, 1]], [[0.5, 0.5], [0.2, 0.8]])
        >>> by_class.round(3).tolist()
        [0.347, 0.112]
    """
    truth, probabilities = np.asarray(y_true), np.asarray(probabilities, float)
    _check_one_hot(truth, probabilities)
    known = (truth >= 0) & (truth != 0).any(axis=-1, keepdims=True)  # (..., C)
    surprise = np.log(1 / np.clip(probabilities, SMALLEST_PROBABILITY, 1))
    all_but_class = tuple(range(truth.ndim - 1))
    cost = np.sum(surprise, axis=all_but_class, where=truth == 1)  # (C,)
    return _ratio(cost, known.sum(axis=all_but_class))


def volume_ml(mask, spacing_mm) -> float:
    """Volume of a structure: its voxels times the volume of one.

    When to use: heart chambers, organs, lesions in a mask restacked to the grid of its file.

    Args:
        mask: (I, J, K) of 0 and 1 (or bool).
        spacing_mm: distance in mm of voxel centres along each axis, in the order of the axes;
            between slices that is the distance, gap included, not the thickness.

    Returns:
        Millilitres (1 mL = 1000 mm³); 0 for an empty mask.

    Raises:
        ValueError: the mask has not 3 axes or holds other values; the spacing is unknown or has
            the wrong length.

    Example:
        >>> volume_ml(np.ones((10, 10, 5)), spacing_mm=(1.0, 1.0, 8.0))
        4.0
    """
    mask = np.asarray(mask)
    if mask.ndim != 3:
        raise ValueError(
            f"The mask has shape {mask.shape}; a volume needs 3 axes. Restack the slices of one "
            "exam first."
        )
    _check_values("Mask", mask, lowest=0)
    remedy = "Count the voxels with mask.sum() when the spacing is unknown."
    spacing = _check_spacing(spacing_mm, 3, "a volume in mL", remedy)
    return float(np.count_nonzero(mask) * spacing.prod() / 1000)


def ejection_fraction_percent(diastolic_ml, systolic_ml):
    """Share of the filled ventricle's volume that a beat throws out, in percent.

    When to use: one ventricle's volume is known at end-diastole and at end-systole. The value is
    negative where the systolic volume is the larger one: the masks or the phases are then wrong.

    Args:
        diastolic_ml: end-diastolic volume in mL, 0 or more; a number or an array.
        systolic_ml: end-systolic volume in mL, likewise.

    Returns:
        100 · (diastolic - systolic) / diastolic; NaN where the diastolic volume is 0 or either
        is NaN.

    Raises:
        ValueError: a volume is negative.

    Example:
        >>> float(ejection_fraction_percent(120.0, 48.0))
        60.0
    """
    diastolic, systolic = np.asarray(diastolic_ml, float), np.asarray(systolic_ml, float)
    for phase, volume in (("diastolic", diastolic), ("systolic", systolic)):
        if (volume < 0).any():
            raise ValueError(
                f"The {phase} volume is {volume[volume < 0].flat[0]} mL; a volume is 0 or more. "
                "Give volumes in mL as volume_ml counts them."
            )
    return 100 * _ratio(diastolic - systolic, diastolic)


def _hausdorff95(truth, prediction, spacing):
    if not truth.any() and not prediction.any():
        return float("nan")
    if not truth.any() or not prediction.any():
        return float(np.linalg.norm(np.array(truth.shape) * spacing))
    true_points, predicted_points = (_surface_points(m) * spacing for m in (truth, prediction))
    to_truth, _ = spatial.cKDTree(true_points).query(predicted_points)
    to_prediction, _ = spatial.cKDTree(predicted_points).query(true_points)
    return float(max(np.percentile(to_truth, 95), np.percentile(to_prediction, 95)))


def _surface_points(mask):
    """Indices (N, ndim) of the pixels of a mask with at least one side on the outside."""
    start, crop = _bounding_box(mask)
    crop = np.pad(crop, 1)  # the ring of zeros makes the image's edge count as outside
    inside = crop.copy()
    for axis in range(crop.ndim):
        inside &= np.roll(crop, 1, axis) & np.roll(crop, -1, axis)
    return np.argwhere(crop & ~inside) + start - 1


def _bounding_box(mask):
    axes = range(mask.ndim)
    hits = [np.flatnonzero(mask.any(axis=tuple(a for a in axes if a != axis))) for axis in axes]
    crop = mask[tuple(slice(hit[0], hit[-1] + 1) for hit in hits)]
    return np.array([hit[0] for hit in hits]), crop


def _ratio(numerator, denominator):
    """Divide, with NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    ratio = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio[()]


def _check_pair(y_true, y_pred, ignore):
    """Return truth and prediction as bool arrays, False where ignored, and what is counted."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"Truth has shape {y_true.shape} and prediction {y_pred.shape}; both must be the "
            "same. Restore the prediction to the size of the truth first."
        )
    _check_values("Truth", y_true, lowest=-1)
    _check_values("Prediction", y_pred, lowest=0)
    counted = np.ones(y_true.shape, bool) if y_true.dtype == bool else y_true >= 0
    if ignore is not None:
        counted = counted & ~_broadcast_ignore(ignore, y_true.shape)
    return (y_true == 1) & counted, (y_pred == 1) & counted, counted


def _check_values(side, values, lowest):
    allowed = (values == 0) | (values == 1) | (values == lowest)
    if not allowed.all():
        wrong = values[~allowed].flat[0]
        needed = "0 or 1, or -1 for unknown" if lowest == -1 else "0 or 1"
        raise ValueError(
            f"{side} holds the value {wrong}, but must hold {needed}. Compare probabilities "
            "with a threshold, and labels with their class, before scoring."
        )


def _check_one_hot(truth, probabilities):
    if truth.shape != probabilities.shape or truth.ndim < 2:
        raise ValueError(
            f"Truth has shape {truth.shape} and probabilities {probabilities.shape}; both must be "
            "(..., C), one channel a class."
        )
    _check_values("Truth", truth, lowest=-1)
    if (np.count_nonzero(truth == 1, axis=-1) > 1).any():
        raise ValueError(
            "Truth has a pixel of more than one class; cross-entropy by class needs exclusive "
            "ones. Give one-hot truth."
        )
    wrong = ~((probabilities >= 0) & (probabilities <= 1 + 1e-6))  # softmax rounds above 1
    if wrong.any():
        raise ValueError(
            f"Probabilities hold the value {probabilities[wrong].flat[0]}, but must lie in 0..1. "
            "Apply softmax to logits first."
        )


def _broadcast_ignore(ignore, shape):
    ignore = np.asarray(ignore)
    if ignore.dtype != bool:
        raise ValueError(
            f"`ignore` is of type {ignore.dtype}; it must be bool, True where a pixel is left out."
        )
    try:
        return np.broadcast_to(ignore, shape)
    except ValueError as error:
        raise ValueError(
            f"`ignore` has shape {ignore.shape}, which does not fit masks of shape {shape}. "
            "Give it the shape of the masks."
        ) from error


def _check_spacing(spacing_mm, num_axes, wanted, remedy):
    if spacing_mm is None:
        raise ValueError(f"The pixel spacing is None, so {wanted} cannot be known. {remedy}")
    spacing = np.asarray(spacing_mm, float)
    if spacing.shape != (num_axes,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise ValueError(
            f"spacing_mm is {spacing_mm}; it must be {num_axes} positive numbers, one per axis. "
            f"{remedy}"
        )
    return spacing
