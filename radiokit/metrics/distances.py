"""How far apart the surfaces of two masks lie, in millimetres or pixels."""

import numpy as np
from scipy import spatial

from radiokit.metrics.checks import check_pair, check_spacing


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
    truth, prediction, _ = check_pair(y_true, y_pred, ignore)
    remedy = "Use hausdorff95_px, which answers in pixels, when the spacing is unknown."
    spacing = check_spacing(spacing_mm, truth.ndim, "a distance in mm", remedy)
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
    truth, prediction, _ = check_pair(y_true, y_pred, ignore)
    return _hausdorff95(truth, prediction, np.ones(truth.ndim))


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
