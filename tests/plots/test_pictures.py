"""Tests of overlays, worst cases and attention: what they choose to show, and where it lies."""

import numpy as np
import pytest
import record_maker
from figure_reader import words_on
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from radiokit import plots, record
from radiokit.plots.pictures import draw_outline


def test_the_right_side_is_marked_only_where_it_is_known(folder, tmp_path):
    assert words_on(plots.plot_overlays(folder)).count("R") == 12
    assert words_on(plots.plot_overlays(folder, "pt")).count("D") == 12
    own = record_maker.make_record(tmp_path, models=("unet",), num_patients=6).folder
    text = (own / "metrics.json").read_text(encoding="utf-8")
    text = text.replace('"orientation": "radiological"', '"orientation": null')
    (own / "metrics.json").write_text(text, encoding="utf-8")
    assert "R" not in words_on(plots.plot_overlays(own))


def test_the_worst_cases_are_the_lowest_of_the_test_split(folder):
    run = record.read_run(folder)
    worst = record.worst_cases(run, "unet", 3)
    cases = run.cases()
    test = cases[(cases["model"] == "unet") & (cases["split"] == "test")]
    test = test[test["trained_on"].isna()]
    columns = [f"dice_{name}" for name in record_maker.STRUCTURES]
    expected = test.set_index("case_id")[columns].mean(axis=1).nsmallest(3)
    assert list(worst["case_id"]) == list(expected.index)
    value = worst["dice_heart"].iloc[0]
    figure = plots.plot_worst_cases(folder, model="unet", num_cases=3)
    assert f"heart {value:.3f}" in "\n".join(words_on(figure))


def test_masks_of_another_size_lie_where_they_belong():
    axis = Figure().subplots()
    mask = np.zeros((32, 32), bool)
    mask[8:16, 4:12] = True
    draw_outline(axis, mask, (64, 64), "red", "solid")
    ends = axis.collections[0].get_paths()[0].get_extents()
    # Rows 8..15 of 32 cover rows 16..31 of 64: from edge 15.5 to edge 31.5.
    assert (ends.y0, ends.y1, ends.x0, ends.x1) == pytest.approx((15.5, 31.5, 7.5, 23.5))


def test_empty_and_missing_masks_are_drawn_without_a_warning(tmp_path):
    run = record_maker.make_record(tmp_path, models=("unet",), num_patients=6)
    for path in (run.folder / "masks").rglob("*__heart.png"):
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    for path in (run.folder / "truth").glob("*__ribs.png"):
        path.unlink()
    FigureCanvasAgg(plots.plot_overlays(run.folder)).draw()


def test_the_background_is_neither_outlined_nor_listed(cardiac_folder):
    for plot in (plots.plot_overlays, plots.plot_worst_cases):
        found = "\n".join(words_on(plot(cardiac_folder)))
        assert "background" not in found
        assert "myocardium" in found


def test_an_unknown_model_raises(folder):
    with pytest.raises(ValueError, match="no model vgg; it has unet"):
        plots.plot_overlays(folder, models=["vgg"])


def test_cases_with_something_to_see_come_first(headct_folder):
    run = record.read_run(headct_folder)
    shown = [axis.get_ylabel() for axis in plots.plot_overlays(headct_folder).axes[::2]]
    cases = run.cases().query("model == 'segmenter' and split == 'test'")
    bleeding = cases[cases["truth_any"] == 1]["case_id"]
    assert shown == sorted(bleeding)[:3]
    assert sorted(cases["case_id"])[0] not in shown


def test_a_classifier_has_no_column_of_outlines(headct_folder):
    found = words_on(plots.plot_overlays(headct_folder))
    assert "Multitask network" in found and "Segmenter" in found
    assert "DenseNet121" not in found
