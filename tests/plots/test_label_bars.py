"""Tests of figures of many labels: counts, scores a label, and what is left to a human."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from radiokit import plots, record


def cases_of(folder, model, split="test"):
    cases = record.read_run(folder).cases()
    return cases[(cases["model"] == model) & (cases["split"] == split)]


def heights(axis, number, num_labels):
    """Heights of the bars of one group, in the order of the labels."""
    bars = axis.patches[number * num_labels : (number + 1) * num_labels]
    return [bar.get_height() for bar in bars]


def test_counts_stand_above_the_bars_the_most_frequent_first(bodypart_folder):
    counts = record.read_run(bodypart_folder).label_counts()
    axis = plots.plot_label_counts(bodypart_folder).axes[0]
    totals = [int(text.get_text()) for text in axis.texts]
    assert totals == sorted(counts.sum(axis=1), reverse=True)
    assert axis.get_xticklabels()[0].get_text() == "chest"
    assert list(counts.columns) == ["train", "validation", "test"]


def test_bars_are_accuracy_and_f1_of_each_label(bodypart_folder):
    cases = cases_of(bodypart_folder, "densenet121")
    labels = record.labels_of(cases)
    axis, second = plots.plot_label_bars(bodypart_folder, model="densenet121").axes
    for label, accuracy, f1 in zip(
        labels, heights(axis, 0, len(labels)), heights(axis, 1, len(labels)), strict=True
    ):
        truth, called = cases[f"truth_{label}"], cases[f"probability_{label}"] >= 0.5
        assert accuracy == pytest.approx(accuracy_score(truth, called))
        if truth.any() or called.any():
            assert f1 == pytest.approx(f1_score(truth, called, zero_division=0))
        else:
            assert np.isnan(f1)
    positives = [cases[f"truth_{label}"].sum() for label in labels]
    assert second.lines[0].get_ydata().tolist() == positives


def test_a_comparison_has_a_bar_a_model_and_label(bodypart_folder):
    models = ["densenet121", "stacking_logistic"]
    figure = plots.plot_label_comparison(bodypart_folder, metric="f1", models=models)
    cases = cases_of(bodypart_folder, "stacking_logistic")
    labels = record.labels_of(cases)
    chest = labels.index("Chest")
    expected = f1_score(cases["truth_Chest"], cases["probability_Chest"] >= 0.5)
    assert heights(figure.axes[0], 1, len(labels))[chest] == pytest.approx(expected)


def test_another_score_is_refused(bodypart_folder):
    with pytest.raises(ValueError, match="metric is 'auc'; needed is one of accuracy, f1"):
        plots.plot_label_comparison(bodypart_folder, metric="auc")


def test_the_risk_of_all_images_is_their_share_with_any_wrong_label(bodypart_folder):
    cases = cases_of(bodypart_folder, "resnet101")
    labels = record.labels_of(cases)
    truth = cases[[f"truth_{label}" for label in labels]].to_numpy()
    called = cases[[f"probability_{label}" for label in labels]].to_numpy() >= 0.5
    line = plots.plot_coverage_risk(bodypart_folder, models=["resnet101"]).axes[0].lines[0]
    assert line.get_xdata()[-1] == pytest.approx(100)
    assert line.get_ydata()[-1] == pytest.approx(100 * (truth != called).any(axis=1).mean())


def test_a_record_without_counts_says_how_to_write_them(headct_folder):
    with pytest.raises(FileNotFoundError, match="write_label_counts"):
        plots.plot_label_counts(headct_folder)


def test_by_default_the_best_network_stands_beside_the_ensembles(bodypart_folder):
    scores = record.read_run(bodypart_folder).scores()
    scores = scores[(scores["metric"] == "exact_match") & (scores["split"] == "validation")]
    networks = scores[~scores["model"].str.startswith("stacking")].set_index("model")
    best = networks["estimate"].astype(float).idxmax()
    figure = plots.plot_label_comparison(bodypart_folder)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    words = record.read_run(bodypart_folder).words
    expected = [best, "stacking_logistic", "stacking_xgboost"]
    assert names[:3] == [words.name("models", model) for model in expected]
    assert len(names) == 4  # and the diamonds
