"""Tests of class activation maps over the pictures."""

import numpy as np
import pytest

from radiokit import plots, record


def test_each_map_has_its_picture_truth_and_probability(headct_folder):
    run = record.read_run(headct_folder)
    figure = plots.plot_class_activation(headct_folder)
    top, below = figure.axes[:4], figure.axes[4:8]
    cases = run.cases().query("model == 'densenet121'").set_index("case_id")
    for axis, lower in zip(top, below, strict=True):
        case_id = lower.get_xlabel()
        (label,) = [name for _, case, name in run.class_maps() if case == case_id]
        name = run.words.label(label)
        probability = cases.at[case_id, f"probability_{label}"]
        assert axis.get_title() == f"{name}\ntruth: present\nprobability {probability:.2f}"
        np.testing.assert_array_equal(axis.images[0].get_array(), run.image(case_id))
        heat = run.attention("densenet121", case_id)[label]
        np.testing.assert_allclose(lower.images[1].get_array(), heat)
        assert (np.asarray(lower.images[1].get_alpha())[heat == 0] == 0).all()


def test_cases_can_be_asked_for_and_missing_maps_are_named(headct_folder):
    _, case_id, label = record.read_run(headct_folder).class_maps()[-1]
    figure = plots.plot_class_activation(headct_folder, maps=[(case_id, label)])
    assert figure.axes[1].get_xlabel() == case_id
    with pytest.raises(FileNotFoundError, match="no class activation map of nobody .any."):
        plots.plot_class_activation(headct_folder, maps=[("nobody", "any")])


def test_class_maps_are_not_taken_for_attention(headct_folder):
    with pytest.raises(FileNotFoundError, match="holds no map of any model"):
        plots.plot_attention(headct_folder)
