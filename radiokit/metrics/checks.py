"""What every score checks before it counts, and the division all of them share."""

import numpy as np


def ratio(numerator, denominator):
    """Divide, with NaN where the denominator is 0.

    When to use: in every score that is a share of a count.

    Args:
        numerator: a number or an array.
        denominator: a number or an array of counts, 0 or more.

    Returns:
        A float, or an array of floats of the denominator's shape.

    Example:
        >>> ratio([1, 2], [4, 0]).tolist()
        [0.25, nan]
    """
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient[()]


def check_pair(y_true, y_pred, ignore=None):
    """Check truth against prediction and mark what counts.

    When to use: first thing in a score of 0/1 predictions.

    Args:
        y_true: truth, any shape; 0 or 1 (or bool), -1 where unknown.
        y_pred: prediction, the same shape; 0 or 1 (or bool).
        ignore: bool array broadcastable to the shape; True elements are left out.

    Returns:
        Three bool arrays of that shape: truth and prediction, both False where nothing counts,
        and what counts.

    Raises:
        ValueError: shapes differ, or values are other than 0, 1 (and -1 in the truth).
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"Truth has shape {y_true.shape} and prediction {y_pred.shape}; both must be the "
            "same. Restore the prediction to the size of the truth first."
        )
    check_values("Truth", y_true, lowest=-1)
    check_values("Prediction", y_pred, lowest=0)
    counted = np.ones(y_true.shape, bool) if y_true.dtype == bool else y_true >= 0
    if ignore is not None:
        counted = counted & ~_broadcast_ignore(ignore, y_true.shape)
    return (y_true == 1) & counted, (y_pred == 1) & counted, counted


def check_values(side, values, lowest):
    """Refuse anything but 0 and 1, and -1 where `lowest` allows it.

    When to use: on a truth, a prediction or a mask.

    Args:
        side: what the values are, for the error: `"Truth"`.
        values: array of any shape.
        lowest: 0, or -1 where an unknown is allowed.

    Raises:
        ValueError: another value is there; NaN is one.
    """
    allowed = (values == 0) | (values == 1) | (values == lowest)
    if not allowed.all():
        wrong = values[~allowed].flat[0]
        needed = "0 or 1, or -1 for unknown" if lowest == -1 else "0 or 1"
        raise ValueError(
            f"{side} holds the value {wrong}, but must hold {needed}. Compare probabilities "
            "with a threshold, and labels with their class, before scoring."
        )


def check_spacing(spacing_mm, num_axes, wanted, remedy):
    """Return the spacing as an array, refusing what is no length.

    When to use: before a distance or a volume.

    Args:
        spacing_mm: one number in mm an axis, or None.
        num_axes: how many are needed.
        wanted: what cannot be known without it, for the error: `"a volume in mL"`.
        remedy: what to do without it, a whole sentence.

    Returns:
        (num_axes,) float64.

    Raises:
        ValueError: the spacing is None, of another length, or not positive.
    """
    if spacing_mm is None:
        raise ValueError(f"The pixel spacing is None, so {wanted} cannot be known. {remedy}")
    spacing = np.asarray(spacing_mm, float)
    if spacing.shape != (num_axes,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise ValueError(
            f"spacing_mm is {spacing_mm}; it must be {num_axes} positive numbers, one per axis. "
            f"{remedy}"
        )
    return spacing


def known_scores(y_true, scores):
    """Truth and scores of one label, where the truth is known.

    When to use: first thing in a curve or a threshold of one label.

    Args:
        y_true: (N,) of 0 and 1 (or bool), -1 where unknown.
        scores: (N,) numbers, higher meaning more likely 1: probabilities or logits.

    Returns:
        A bool array and a float64 array, both of as many elements as the truth is known.

    Raises:
        ValueError: not two equal columns, other values in the truth, or a score is not finite.
    """
    y_true, scores = np.asarray(y_true), np.asarray(scores, float)
    if y_true.ndim != 1 or y_true.shape != scores.shape:
        raise ValueError(
            f"Truth has shape {y_true.shape} and scores {scores.shape}; a curve needs (N,) of "
            "each, one label at a time. Take one column: y_true[:, k], scores[:, k]."
        )
    check_values("Truth", y_true, lowest=-1)
    known = y_true >= 0
    if not np.isfinite(scores[known]).all():
        raise ValueError(
            "Some scores are NaN or infinite, so they have no place in an order. Look for a "
            "case the network could not score and leave it out, with its truth."
        )
    return y_true[known] == 1, scores[known]


def check_probabilities(probabilities, remedy):
    """Refuse what lies outside 0..1, NaN included.

    When to use: where a score takes logarithms of probabilities, or bins them.

    Args:
        probabilities: array of any shape.
        remedy: what to do about logits, a whole sentence.

    Raises:
        ValueError: a value is below 0, above 1 or NaN.
    """
    wrong = ~((probabilities >= 0) & (probabilities <= 1 + 1e-6))  # softmax rounds above 1
    if wrong.any():
        raise ValueError(
            f"Probabilities hold the value {probabilities[wrong].flat[0]}, but must lie in 0..1. "
            f"{remedy}"
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
