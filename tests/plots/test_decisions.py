"""Tests of what thresholds do: their two ratios, and the 2 × 2 tables."""

import numpy as np
import pytest
from figure_reader import axis_titled
from sklearn import metrics as reference

from radiokit import plots, record


def test_every_ratio_and_interval_is_that_of_the_record(headct_folder):
    run = record.read_run(headct_folder)
    scores = run.scores_at_thresholds("densenet121", "test")
    figure = plots.plot_thresholds(headct_folder)
    for axis, ratio in zip(figure.axes, ("sensitivity", "specificity"), strict=True):
        mine = scores[scores["ratio"] == ratio]
        marks = {line.get_marker(): line for line in axis.lines if line.get_marker() in "Do^"}
        for rule, marker in (("half", "D"), ("youden", "o"), ("sensitivity_0.9", "^")):
            expected = mine[mine["rule"] == rule]["estimate"]
            np.testing.assert_allclose(marks[marker].get_xdata(), expected)
        ends = [tuple(line.get_xdata()) for line in axis.lines]
        row = mine[mine["structure"] == "any"].iloc[0]
        assert (row["low"], row["high"]) in ends


def test_a_label_stands_with_its_area_and_its_positives(headct_folder):
    axis = plots.plot_thresholds(headct_folder).axes[0]
    cases = record.read_run(headct_folder).cases()
    cases = cases[(cases["model"] == "densenet121") & (cases["split"] == "test")]
    area = reference.roc_auc_score(cases["truth_epidural"], cases["probability_epidural"])
    expected = f"epidural\nAUC {area:.2f} · positive: {int(cases['truth_epidural'].sum())}"
    assert axis.get_yticklabels()[0].get_text() == expected


@pytest.mark.parametrize("rule", ["half", "youden"])
def test_the_tables_count_each_label_by_itself(headct_folder, rule):
    run = record.read_run(headct_folder)
    cases = run.cases()
    cases = cases[(cases["model"] == "densenet121") & (cases["split"] == "test")]
    thresholds = run.thresholds("densenet121")
    figure = plots.plot_confusions(headct_folder, rule=rule)
    for title, label in (("subdural", "subdural"), ("any haemorrhage", "any")):
        mine = thresholds[(thresholds["label"] == label) & (thresholds["rule"] == rule)]
        called = cases[f"probability_{label}"] >= mine["threshold"].iloc[0]
        counts = reference.confusion_matrix(cases[f"truth_{label}"], called, labels=[1, 0])
        shown = [text.get_text().split("\n") for text in axis_titled(figure, title).texts]
        assert [int(count) for count, _ in shown] == counts.ravel().tolist()
        share = 100 * counts[0, 0] / counts[0].sum()
        assert shown[0][1] == f"{share:.1f} %"


def test_a_rule_nobody_chose_is_named(headct_folder):
    with pytest.raises(ValueError, match="no threshold of the rule 'by_hand' for 'densenet121'"):
        plots.plot_confusions(headct_folder, rule="by_hand")
