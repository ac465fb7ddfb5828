"""How surprised probabilities are by the truth: cross-entropy by class, weighted log loss."""

import numpy as np

from radiokit.metrics.checks import check_probabilities, check_values, ratio

SMALLEST_PROBABILITY = 1e-7  # as in `losses`: no pixel costs more than -log of it, 16.1
CHALLENGE_CLIP = 1e-15  # what Kaggle's log loss clips probabilities to, and to 1 minus it


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
    return ratio(cost, known.sum(axis=all_but_class))


def weighted_log_loss(y_true, probabilities, label_weights=None) -> float:
    """Mean binary cross-entropy of several labels, each with its weight.

    When to use: to compare with the RSNA haemorrhage challenge, whose score it is with weights
    of 1 for the five subtypes and 2 for `any`. It is the mean over images of the weighted mean
    over labels, natural logarithm, probabilities clipped to 1e-15..1 - 1e-15 as there: one sure
    and wrong answer costs 34.5.

    Args:
        y_true: (N, L) of 0 and 1, -1 unknown.
        probabilities: the same shape, 0..1.
        label_weights: L numbers, 0 or more, whose scale does not matter; None weighs all alike.

    Returns:
        Float, 0 or more; 0.693 for saying 0.5 throughout. An unknown label is left out with its
        weight. NaN when nothing known has a weight.

    Raises:
        ValueError: shapes differ, values are not 0, 1 or -1, or no probabilities; or weights
            are negative, all 0, or not one a label.

    Paper: Flanders et al., Radiology: Artificial Intelligence 2020 (the challenge).

    Example:
        >>> round(weighted_log_loss([[1, 1]], [[0.5, 0.25]], label_weights=(1, 2)), 3)
        1.155
    """
    truth, probabilities = np.asarray(y_true), np.asarray(probabilities, float)
    if truth.ndim != 2 or truth.shape != probabilities.shape:
        raise ValueError(
            f"Truth has shape {truth.shape} and probabilities {probabilities.shape}; both must be "
            "(N, L), a row an image and a column a label."
        )
    check_values("Truth", truth, lowest=-1)
    check_probabilities(probabilities, "Apply the sigmoid to logits first.")
    weights = _check_label_weights(label_weights, truth.shape[1]) * (truth >= 0)  # (N, L)
    clipped = np.clip(probabilities, CHALLENGE_CLIP, 1 - CHALLENGE_CLIP)
    cost = -np.log(np.where(truth == 1, clipped, 1 - clipped))
    return float(ratio(np.sum(cost * weights), weights.sum()))


def _check_one_hot(truth, probabilities):
    if truth.shape != probabilities.shape or truth.ndim < 2:
        raise ValueError(
            f"Truth has shape {truth.shape} and probabilities {probabilities.shape}; both must be "
            "(..., C), one channel a class."
        )
    check_values("Truth", truth, lowest=-1)
    if (np.count_nonzero(truth == 1, axis=-1) > 1).any():
        raise ValueError(
            "Truth has a pixel of more than one class; cross-entropy by class needs exclusive "
            "ones. Give one-hot truth."
        )
    check_probabilities(probabilities, "Apply softmax to logits first.")


def _check_label_weights(label_weights, num_labels):
    weights = np.ones(num_labels) if label_weights is None else np.asarray(label_weights, float)
    is_right = weights.shape == (num_labels,) and np.isfinite(weights).all()
    if not is_right or (weights < 0).any() or not weights.any():
        raise ValueError(
            f"label_weights is {label_weights}; it must be {num_labels} numbers, one a label, 0 "
            "or more and not all 0."
        )
    return weights
