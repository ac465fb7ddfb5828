"""Tests of the worklist: what is found by the share of exams that were read."""

import pytest
from figure_reader import words_on

from radiokit import plots, record


def exams_of(folder, model):
    """The test exams of a model, in order of arrival."""
    exams = record.read_run(folder).exams()
    return exams[(exams["model"] == model) & (exams["split"] == "test")]


def test_the_likeliest_exams_are_read_first(headct_folder):
    axis = plots.plot_worklist(headct_folder).axes[0]
    exams = exams_of(headct_folder, "exam_gru")
    ordered = exams.sort_values("probability_any", ascending=False)["truth_any"]
    random, arrival, gru = axis.lines[:3]
    assert tuple(random.get_xdata()) == (0, 100) and tuple(random.get_ydata()) == (0, 1)
    half = dict(zip(gru.get_xdata().round(6), gru.get_ydata(), strict=True))[50.0]
    assert half == pytest.approx(ordered.head(12).sum() / ordered.sum())
    came = exams["truth_any"].head(6).sum() / exams["truth_any"].sum()
    assert arrival.get_ydata()[6] == pytest.approx(came)


def test_the_budget_of_the_settings_is_marked_and_another_can_be_asked_for(headct_folder):
    settings = plots.plot_worklist(headct_folder)
    assert settings.axes[0].lines[-1].get_xdata()[0] == pytest.approx(30)
    positives = int(exams_of(headct_folder, "exam_gru")["truth_any"].sum())
    budget = f"reading budget: 30 % of 24 exams, {positives} of them positive"
    assert budget in words_on(settings)
    exams = exams_of(headct_folder, "exam_gru").sort_values("probability_any", ascending=False)
    share = exams["truth_any"].head(12).sum() / positives
    words = words_on(plots.plot_worklist(headct_folder, budget=0.5))
    assert any(word.startswith(f"Exam GRU: {share:.2f} (") for word in words)


def test_a_list_needs_its_label_and_a_positive(headct_folder, tmp_path):
    with pytest.raises(ValueError, match="no probability of 'fracture'; it has epidural"):
        plots.plot_worklist(headct_folder, label="fracture")
    for name in ("cases.csv", "exams.csv", "metrics.json"):
        (tmp_path / name).write_bytes((headct_folder / name).read_bytes())
    exams = record.read_run(tmp_path).exams().assign(truth_any=0)
    exams.to_csv(tmp_path / "exams.csv", index=False)
    with pytest.raises(ValueError, match="no positive test exam of 'any'"):
        plots.plot_worklist(tmp_path)
