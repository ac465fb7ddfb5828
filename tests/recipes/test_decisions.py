import numpy as np
import pandas as pd
import pytest
from scipy import special

from radiokit.recipes.decisions import (
    Decisions,
    fit_decisions,
    positive_weights,
    predict_logits,
    read_decisions,
    to_probabilities,
    write_decisions,
)
from radiokit.recipes.settings import ClassifySettings


def make_slices(num_series=60, seed=0):
    """Series of ten slices, the middle four of every second one positive, and honest logits."""
    generator = np.random.default_rng(seed)
    place = np.tile(np.arange(10), num_series)
    series = np.repeat(np.arange(num_series), 10)
    truth = ((series % 2 == 0) & (place >= 3) & (place < 7)).astype(int)[:, None]
    seen = 2 * truth + generator.normal(0, 2, truth.shape)
    logits = special.logit(0.2) + (2 * seen - 2) / 4  # of two normals, 2 apart, deviation 2
    return logits, truth, pd.DataFrame({"series": series.astype(str), "place": place})


def test_a_positive_weight_leaves_no_trace_in_the_probability():
    # where positives count w times, the best logit is the true one plus log w
    frequency = 0.05
    logits = np.full((1, 1), special.logit(frequency) + np.log(8.0))
    decisions = Decisions(("rare",), (float(np.log(8.0)),))
    assert to_probabilities(logits, decisions) == pytest.approx(frequency)


def test_overconfident_logits_are_divided_by_their_excess():
    generator = np.random.default_rng(1)
    honest = generator.normal(-1, 2, (4000, 2))
    truth = (generator.random(honest.shape) < special.expit(honest)).astype(int)
    decisions = fit_decisions(3 * honest, truth, ["a", "b"], [1.0, 1.0])
    assert decisions.temperature == pytest.approx(3, rel=0.1)
    assert decisions.neighbour_share == 0


def test_neighbours_get_a_say_where_they_help_and_none_where_not():
    logits, truth, order = make_slices()
    assert fit_decisions(logits, truth, ["any"], [1.0], order).neighbour_share > 0
    shuffled = order.sample(frac=1, random_state=0).reset_index(drop=True)
    assert fit_decisions(logits, truth, ["any"], [1.0], shuffled).neighbour_share == 0


def test_without_a_positive_in_validation_nothing_is_fitted():
    logits, truth, order = make_slices()
    decisions = fit_decisions(logits, 0 * truth, ["any"], [5.0], order)
    assert (decisions.temperature, decisions.neighbour_share) == (1.0, 0.0)
    assert decisions.offsets == pytest.approx([np.log(5.0)])


def test_weights_are_negatives_over_positives_up_to_a_cap():
    table = pd.DataFrame({"common": [1, 0, 0, np.nan], "rare": [1, 0, 0, 0]})
    settings = ClassifySettings(largest_weight=2.5)
    assert positive_weights(table, ["common", "rare"], settings) == [2.0, 2.5]


def test_a_mirror_image_counts_as_much_as_the_image():
    class LeftEdge:
        def predict_on_batch(self, images):
            return images[:, 0, 0]  # (N, 1)

    images = np.zeros((70, 2, 2, 1), np.float32)  # more than one batch
    images[:, 0, 0], images[:, 0, 1] = np.arange(70)[:, None], 2.0
    plain = predict_logits(LeftEdge(), images, mirror=False)
    both = predict_logits(LeftEdge(), images, mirror=True)
    np.testing.assert_array_equal(plain[:, 0], np.arange(70))
    np.testing.assert_array_equal(both[:, 0], (np.arange(70) + 2) / 2)


def test_decisions_are_read_as_they_were_written(tmp_path):
    decisions = Decisions(("any",), (1.5,), 0.2, 1.7, (0.3,), ("youden",))
    write_decisions(tmp_path, decisions)
    assert read_decisions(tmp_path) == decisions
