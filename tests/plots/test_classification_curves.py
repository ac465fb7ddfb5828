"""Tests of a classifier's curves: training, ROC and calibration."""

import headct_record_maker
import numpy as np
import pandas as pd
import pytest
from figure_reader import axis_titled, words_on
from sklearn import metrics as reference

from radiokit import plots, record


@pytest.fixture(scope="module")
def without_epidural(tmp_path_factory):
    """A record of classifiers in whose test nobody has an epidural bleed."""
    out = tmp_path_factory.mktemp("without")
    return headct_record_maker.make_record(out, is_mixed=False, without=("epidural",)).folder


def rows_of(folder, model="densenet121"):
    """The test rows of a model."""
    cases = record.read_run(folder).cases()
    return cases[(cases["model"] == model) & (cases["split"] == "test")]


def test_the_roc_curve_is_that_of_scikit_learn(headct_folder):
    axis = axis_titled(plots.plot_roc(headct_folder), "subdural")
    cases = rows_of(headct_folder)
    rate, sensitivity, _ = reference.roc_curve(
        cases["truth_subdural"], cases["probability_subdural"], drop_intermediate=False
    )
    curve = axis.lines[1]  # the first is the line of chance
    np.testing.assert_allclose(curve.get_xdata(), rate)
    np.testing.assert_allclose(curve.get_ydata(), sensitivity)
    assert len(axis.collections) == 1  # the band


def test_each_threshold_is_a_point_of_the_curve(headct_folder):
    axis = axis_titled(plots.plot_roc(headct_folder), "any haemorrhage")
    cases = rows_of(headct_folder)
    truth = cases["truth_any"] == 1
    thresholds = record.read_run(headct_folder).thresholds("densenet121")
    thresholds = thresholds[thresholds["label"] == "any"]["threshold"]
    assert len(thresholds) == 3
    for point, threshold in zip(axis.lines[2:], thresholds, strict=True):
        called = cases["probability_any"] >= threshold
        found = called[~truth].mean(), called[truth].mean()
        assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx(found)


def test_a_panel_states_its_area_and_its_cases(headct_folder):
    title = axis_titled(plots.plot_roc(headct_folder), "subdural").get_title().split("\n")
    cases = rows_of(headct_folder)
    positive = cases[cases["truth_subdural"] == 1]
    scores = record.read_run(headct_folder).scores_of("auc", "test").set_index("model")
    row = scores[scores["structure"] == "subdural"].loc["densenet121"]
    assert title[1] == f"AUC {row['estimate']:.3f} ({row['low']:.3f}–{row['high']:.3f})"
    patients = positive["patient_id"].nunique()
    assert title[2] == f"positive: {len(positive)} (patients: {patients})"
    assert title[3] == f"negative: {len(cases) - len(positive)}"


def test_a_label_nobody_has_gets_no_curve_and_says_so(without_epidural):
    axis = axis_titled(plots.plot_roc(without_epidural), "epidural")
    assert len(axis.lines) == 1 and not axis.collections
    assert [text.get_text() for text in axis.texts] == ["no positive case"]
    assert "positive: 0 (patients: 0)" in axis.get_title()
    assert "AUC" not in axis.get_title()
    forest = axis_titled(plots.plot_scores(without_epidural, metric="auc"), "epidural")
    assert [text.get_text() for text in forest.texts] == ["no positive case"]


def test_exams_have_curves_of_their_own(headct_folder):
    words = words_on(plots.plot_roc(headct_folder, level="exams"))
    assert "Exam GRU · 24 test exams of 24 patients" in words
    with pytest.raises(ValueError, match="no exams of 'densenet121' with a probability"):
        plots.plot_roc(headct_folder, model="densenet121", level="exams")


def test_label_curves_are_those_of_the_training(headct_folder):
    figure = plots.plot_label_curves(headct_folder, model="densenet121")
    history = pd.read_csv(headct_folder / "training" / "densenet121" / "history.csv")
    for title, column in (("Precision", "precision"), ("Recall", "recall"), ("AUC", "auc"),
                          ("Loss", "loss")):  # fmt: skip
        training, validation = axis_titled(figure, title).lines
        np.testing.assert_allclose(training.get_ydata(), history[column])
        np.testing.assert_allclose(validation.get_ydata(), history[f"val_{column}"])
    assert axis_titled(figure, "AUC").get_xlabel() == "Epoch"
    with pytest.raises(ValueError, match="no history of 'segmenter' .*densenet121, exam_gru"):
        plots.plot_label_curves(headct_folder, model="segmenter")


def test_curves_of_masks_leave_the_classifiers_out(headct_folder):
    figure = plots.plot_learning_curves(headct_folder)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["Multitask network", "Segmenter"]
    history = pd.read_csv(headct_folder / "training" / "multitask" / "history.csv")
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), history["val_masks_dice"])


def test_a_temperature_moves_probabilities_as_it_divides_their_logits(headct_folder):
    figure = plots.plot_calibration(headct_folder, num_bins=1)
    axis = axis_titled(figure, "any haemorrhage")
    cases = rows_of(headct_folder)
    probability = cases["probability_any"]
    scaled = 1 / (1 + ((1 - probability) / probability) ** (1 / 2.0))  # the record's temperature
    before, after = (container.lines[0] for container in axis.containers)
    assert before.get_xdata()[0] == pytest.approx(probability.mean())
    assert after.get_xdata()[0] == pytest.approx(scaled.mean())
    share = cases["truth_any"].mean()
    assert before.get_ydata()[0] == after.get_ydata()[0] == pytest.approx(share)
    ends = abs(probability.mean() - share), abs(scaled.mean() - share)
    assert axis.get_title().endswith(f"{ends[0]:.3f} → {ends[1]:.3f}")


def test_a_model_without_a_temperature_is_shown_as_predicted(headct_folder):
    words = words_on(plots.plot_calibration(headct_folder, model="multitask"))
    assert "as predicted" in words
    assert not any("temperature" in word for word in words)
