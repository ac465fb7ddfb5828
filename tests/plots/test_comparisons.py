"""Tests of slices beside volumes, and of two models over seeds."""

import json

import numpy as np
import pytest
from figure_reader import axis_titled, words_on

from radiokit import plots, record


def points(axis, marker):
    """Places on the x axis of all points drawn with a marker."""
    lines = [line for line in axis.lines if line.get_marker() == marker]
    return np.concatenate([np.atleast_1d(line.get_xdata()) for line in lines])


def test_slices_and_volumes_have_their_own_scores_and_values(cardiac_folder):
    run = record.read_run(cardiac_folder)
    axis = axis_titled(plots.plot_level_scores(cardiac_folder), "blood pool")
    for metric, marker in (("dice", "o"), ("dice_3d", "s")):
        scores = run.scores_of(metric, "test")
        expected = scores[scores["structure"] == "blood_pool"]["estimate"]
        assert set(expected) <= set(points(axis, marker))
    volumes = run.volumes().query("split == 'test'")["dice_blood_pool"]
    slices = run.cases().query("split == 'test'")["dice_blood_pool"]
    assert {*volumes, *slices} <= set(points(axis, "o"))


def test_levels_say_which_kind_of_interval_they_show(cardiac_folder, large_cardiac_folder):
    few = words_on(plots.plot_level_scores(cardiac_folder))
    assert "our score, range of fewer than 10 patients" in few
    many = words_on(plots.plot_level_scores(large_cardiac_folder))
    assert "our score, 95 % interval over patients" in many


def test_each_seed_is_a_point_and_their_mean_has_the_interval(large_cardiac_folder):
    differences = record.read_run(large_cardiac_folder).differences()
    mine = differences.query("metric == 'dice' and structure == 'blood_pool'")
    (axis,) = plots.plot_seed_differences(large_cardiac_folder).axes
    seeds, mean = mine[mine["seed"] != "all"], mine[mine["seed"] == "all"].iloc[0]
    assert len(seeds) == 3
    assert set(seeds["estimate"]) <= set(points(axis, "o"))
    assert mean["estimate"] in points(axis, "D")
    assert (mean["low"], mean["high"]) in [tuple(line.get_xdata()) for line in axis.lines]
    assert axis.get_xlabel() == "Dice: U-Net 2 (separable) − U-Net 1 (conventional)"
    low, high = axis.get_xlim()
    assert low < 0 < high  # the line of no difference is on the picture


def test_the_legend_names_interval_or_range(cardiac_folder, large_cardiac_folder):
    many = words_on(plots.plot_seed_differences(large_cardiac_folder))
    assert "mean of the seeds, 95 % interval over patients" in many
    few = words_on(plots.plot_seed_differences(cardiac_folder))
    assert "mean of the seeds, range of fewer than 10 patients" in few


def test_two_pairs_of_models_have_a_panel_each(cardiac_folder, tmp_path):
    metrics = json.loads((cardiac_folder / "metrics.json").read_text(encoding="utf-8"))
    other = [row | {"compared_with": "unet"} for row in metrics["differences"]]
    text = json.dumps(metrics | {"differences": metrics["differences"] + other})
    (tmp_path / "metrics.json").write_text(text, encoding="utf-8")
    labels = [axis.get_xlabel() for axis in plots.plot_seed_differences(tmp_path).axes]
    assert labels[1] == "Dice: U-Net 2 (separable) − U-Net"


def test_differences_that_were_not_written_are_named(cardiac_folder):
    with pytest.raises(ValueError, match="no differences of 'iou'"):
        plots.plot_seed_differences(cardiac_folder, metric="iou")
