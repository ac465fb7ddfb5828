"""Tests of binned scores against scikit-learn: the counts, and the area below the curve."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from radiokit.metrics import histogram_auc, score_histogram


def pixels(seed=0, shape=(60, 70)):
    """A truth and overlapping scores."""
    generator = np.random.default_rng(seed)
    truth = (generator.random(shape) < 0.2).astype(int)
    return truth, np.clip(0.35 + 0.25 * truth + generator.normal(0, 0.2, shape), 0, 1)


def test_counts_are_those_of_numpys_histogram():
    truth, score = pixels()
    for found, side in zip(score_histogram(truth, score), (1, 0), strict=True):
        expected, _ = np.histogram(score[truth == side], bins=256, range=(0, 1))
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.int64


def test_a_map_in_bytes_has_a_bin_for_each_value_as_bytes_or_as_shares():
    score = np.arange(256, dtype=np.uint8)
    truth = np.ones(256, int)
    for kind in (score, score / 255, (score / 255).astype(np.float32)):
        positives, negatives = score_histogram(truth, kind)
        assert (positives == 1).all() and not negatives.any()


def test_unknown_pixels_are_not_counted():
    truth, score = pixels()
    positives, negatives = score_histogram(np.where(truth == 1, -1, truth), score)
    assert positives.sum() == 0 and negatives.sum() == (truth == 0).sum()


def test_the_area_is_scikit_learns_of_the_binned_scores():
    truth, score = pixels()
    binned = np.minimum((score * 256).astype(int), 255)
    expected = roc_auc_score(truth.ravel(), binned.ravel())
    assert histogram_auc(*score_histogram(truth, score)) == pytest.approx(expected, abs=1e-12)


def test_binning_costs_at_most_half_of_the_pairs_that_fall_in_one_bin():
    truth, score = pixels()
    for num_bins in (4, 256):
        positives, negatives = score_histogram(truth, score, num_bins)
        tied = np.sum(positives * negatives) / (positives.sum() * negatives.sum())
        off = abs(histogram_auc(positives, negatives) - roc_auc_score(truth.ravel(), score.ravel()))
        assert off <= tied / 2
    assert off < 0.001


def test_counts_of_slides_add_up_and_many_are_scored_at_once():
    slides = [pixels(seed) for seed in range(3)]
    counts = np.array([score_histogram(*slide) for slide in slides])  # (slides, 2, bins)
    truth, score = (np.concatenate([slide[side] for slide in slides]) for side in (0, 1))
    np.testing.assert_array_equal(counts.sum(axis=0), score_histogram(truth, score))
    areas = histogram_auc(counts[:, 0], counts[:, 1])
    assert areas.shape == (3,)
    assert areas[1] == histogram_auc(*counts[1])


def test_whole_slides_of_pixels_do_not_overflow():
    counts = np.full(256, 10**10)
    assert histogram_auc(counts, counts) == pytest.approx(0.5)


def test_without_positives_or_negatives_there_is_no_area():
    counts = np.ones(4)
    assert np.isnan(histogram_auc(np.zeros(4), counts))
    assert np.isnan(histogram_auc(counts, np.zeros(4)))


def test_what_cannot_be_counted_raises():
    with pytest.raises(ValueError, match=r"shape \(2,\) and scores \(3,\).*size of the map"):
        score_histogram([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="Truth holds the value 2"):
        score_histogram([0, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="hold the value 1.5.*sigmoid or softmax"):
        score_histogram([0, 1], [0.1, 1.5])
    with pytest.raises(ValueError, match="the same bins"):
        histogram_auc(np.ones(4), np.ones(5))
