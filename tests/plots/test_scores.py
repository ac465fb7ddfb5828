"""Tests of scores beside published ones, and of domain shift."""

import json

import pytest
import record_maker
from figure_reader import axis_titled, words_on

from radiokit import plots, record, report

RANGE_NOTE = "* Fewer than 10 patients: the range of their values, no bootstrap."


def test_few_patients_are_shown_as_a_range(real_folder):
    assert "our score, range of fewer than 10 patients" in words_on(plots.plot_scores(real_folder))


def test_intervals_in_the_forest_are_those_of_the_record(folder):
    scores = record.read_run(folder).scores_of("dice", "test")
    row = scores[(scores["model"] == "unet") & (scores["structure"] == "heart")].iloc[0]
    axis = axis_titled(plots.plot_scores(folder), "heart")
    ends = [tuple(line.get_xdata()) for line in axis.lines]
    assert (row["low"], row["high"]) in ends
    assert any(tuple(line.get_xdata()) == (0.798,) for line in axis.lines)  # the published one


def test_distances_are_never_set_beside_published_dice(folder):
    everything = "\n".join(words_on(plots.plot_scores(folder, metric="hd95_mm")))
    assert "HD95 (mm)" in everything
    assert "published" not in everything


@pytest.mark.parametrize(("metric", "value"), [("dice", 0.793), ("cce", 0.035)])
def test_each_metric_stands_beside_its_own_published_numbers(cardiac_folder, metric, value):
    axis = axis_titled(plots.plot_scores(cardiac_folder, metric=metric), "myocardium")
    assert any(tuple(line.get_xdata()) == (value,) for line in axis.lines)


def test_volumes_have_no_published_numbers_of_slices(cardiac_folder):
    figure = plots.plot_scores(cardiac_folder, metric="dice_3d")
    assert "published" not in "\n".join(words_on(figure))


def test_the_legend_says_what_each_studys_published_numbers_are(folder, cardiac_folder, tmp_path):
    assert "published (validation at its best, never ranked)" in words_on(plots.plot_scores(folder))
    label = "published (212 test slices, split not stated, never ranked)"
    assert label in words_on(plots.plot_scores(cardiac_folder))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    text = json.dumps(metrics | {"notebook": "my_own"})
    (tmp_path / "metrics.json").write_text(text, encoding="utf-8")
    assert "published (other data, never ranked)" in words_on(plots.plot_scores(tmp_path))


def test_the_domain_shift_matrix_holds_all_pairs(folder):
    axis = plots.plot_domain_shift(folder).axes[0]
    scores = record.read_run(folder).scores()
    shifted = scores[scores["trained_on"].notna() & (scores["metric"] == "dice")]
    shown = {text.get_text().split("\n")[0] for text in axis.texts}
    assert shown == {f"{value:.2f}" for value in shifted["estimate"]}
    assert len(axis.texts) == 4


def test_the_asterisk_of_the_domain_shift_matrix_is_explained(folder, tmp_path):
    assert RANGE_NOTE not in words_on(plots.plot_domain_shift(folder))  # 12 patients: no asterisk
    table = record_maker.make_table()
    made = report.start_record("05_chest_xray", table, "quick", 0, {}, tmp_path)
    cases = record_maker.make_cases(table, ("unet",))
    few = cases[~(cases["trained_on"].notna() & cases["patient_id"].isin(["0", "1", "2"]))]
    scores = record_maker.score_all(few)
    report.write_metrics(made, scores, ("Dice", report.interval_of_row(scores.iloc[0])))
    figure = plots.plot_domain_shift(made.folder)
    assert all(text.get_text().endswith("*") for text in figure.axes[0].texts)
    assert RANGE_NOTE in words_on(figure)
    shifted = scores[scores["trained_on"].notna() & (scores["structure"] == "lungs")]
    assert set(shifted.query("metric == 'dice'")["num_patients"]) == {9}
