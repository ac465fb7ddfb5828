"""Histograms of a score over pixels, and the area below the ROC curve that they give.

A whole slide has too many pixels to sort, and several slides too many to keep. Counted into bins
they add up: the histograms of two slides are summed, and the area follows from the sum.
"""

import numpy as np

from radiokit.metrics.checks import check_probabilities, check_values, ratio

NUM_BINS = 256  # as many as the values of a probability map kept in bytes


def score_histogram(truth, score, num_bins=NUM_BINS) -> tuple[np.ndarray, np.ndarray]:
    """Count the scores of positive and of negative pixels in equal bins of 0..1.

    When to use: on each slide or part of one, before `histogram_auc`; the counts of parts add up.

    Args:
        truth: any shape, of 0 and 1 (or bool), -1 where unknown: left out.
        score: the same shape; probabilities, 0..1, or uint8 as maps keep them, 255 being 1.
        num_bins: how many; 256 keeps every value of a uint8 map apart.

    Returns:
        Positives and negatives, int64 (num_bins,) each; the last bin holds 1.

    Raises:
        ValueError: shapes differ, other values in the truth, or a score outside 0..1.

    Example:
        >>> positives, negatives = score_histogram([1, 1, 0, -1], [0.9, 0.4, 0.1, 0.9], num_bins=2)
        >>> positives.tolist(), negatives.tolist()
        ([1, 1], [1, 0])
    """
    truth, score = np.asarray(truth), np.asarray(score)
    if truth.shape != score.shape:
        raise ValueError(
            f"Truth has shape {truth.shape} and scores {score.shape}; both must be the same. "
            "Bring the truth to the size of the map first."
        )
    check_values("Truth", truth, lowest=-1)
    positives = score[truth == 1]
    negatives = score[truth == 0]
    return tuple(np.bincount(_bins_of(side, num_bins), minlength=num_bins)
                 for side in (positives, negatives))  # fmt: skip


def histogram_auc(positives, negatives):
    """Area below the ROC curve of binned scores: a positive's chance to lie in a higher bin.

    When to use: on the counts of `score_histogram`, of one slide or summed over slides. Two
    scores of one bin are a tie and count a half: the area differs from that of the unbinned
    scores by at most half the share of pairs that fall in one bin.

    Args:
        positives: counts (..., bins), the bins in rising order of the score.
        negatives: the same shape.

    Returns:
        Float in 0..1, or an array (...); NaN without a positive or without a negative.

    Raises:
        ValueError: shapes differ.

    Paper: Hanley and McNeil, Radiology 1982.

    Example:
        >>> float(histogram_auc([0, 2], [1, 1]))  # two pairs right, two ties
        0.75
    """
    positives, negatives = np.asarray(positives, float), np.asarray(negatives, float)
    if positives.shape != negatives.shape:
        raise ValueError(
            f"The histograms have shapes {positives.shape} and {negatives.shape}; positives and "
            "negatives need the same bins."
        )
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
    return ratio(np.sum(positives * below, axis=-1), pairs)


def _bins_of(score, num_bins):
    """The bin of each score (N,)."""
    if score.dtype == np.uint8:
        return score.astype(np.int64) * num_bins // 256
    check_probabilities(score, "Take the sigmoid or softmax of logits first.")
    bins = (score.astype(np.float64) * num_bins).astype(np.int64)
    return np.minimum(bins, num_bins - 1)
