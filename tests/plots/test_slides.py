"""Tests of pictures of slides: what is shown where, in which colours, of which slide."""

import breast_record_maker
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from radiokit import plots, record, report
from radiokit.words import read_words


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_the_steps_stand_in_the_order_of_the_method(breast_folder):
    words = read_words("en")
    keys = ("slide", "ink", "cleaned", "tissue", "lesion", "regions", "truth")
    figure = plots.plot_slide_steps(breast_folder)
    assert titles(figure) == [words.text("labels", f"step_{key}") for key in keys]


def test_the_slide_shown_is_the_first_with_the_most_classes(breast_folder):
    run = record.read_run(breast_folder)
    classes = {
        case_id: len(np.setdiff1d(breast_record_maker.make_truth(number)[0], [0]))
        for number, case_id in ((2, "A03"), (3, "A04"))
    }
    best = max(classes, key=lambda name: classes[name])
    for plot in (plots.plot_slide_steps, plots.plot_color_spaces, plots.plot_heat_map):
        assert plot(breast_folder).axes[0].get_xlabel() == best
    assert record.pictured_slide(run, ["slide"]) == best


def test_a_map_shows_each_class_in_its_colour_and_leaves_the_background_to_the_slide(
    breast_folder,
):
    figure = plots.plot_color_spaces(breast_folder, case_id="A04")
    grey, shown = figure.axes[1].images
    truth = breast_record_maker.make_truth(3)[0]
    rgba = shown.get_array()
    for place, name in enumerate(breast_record_maker.CLASSES):
        is_there = (truth == place) & (np.arange(truth.shape[1]) >= 2)
        if is_there.any():
            colours = np.unique(rgba[is_there], axis=0)
            assert len(colours) == 1
            np.testing.assert_allclose(colours[0, :3], to_rgb(plots.REGION_COLOURS[name]))
            assert (colours[0, 3] < 0.5) == (name == "background")
    assert shown.get_extent() == grey.get_extent()  # maps are smaller than the slide
    np.testing.assert_allclose(rgba[:, :2, 0], rgba[0, 0, 0])  # the strip that nobody annotated


def test_each_colour_space_has_a_panel_by_its_name(breast_folder):
    names = ["RGB", "HSV", "YCrCb", "LAB", "los cuatro"]
    assert titles(plots.plot_color_spaces(breast_folder, "es"))[2:] == names


def test_the_depth_of_a_colour_is_the_probability(breast_folder):
    figure = plots.plot_heat_map(breast_folder, case_id="A03")
    run = record.read_run(breast_folder)
    panels = figure.axes[1:4]
    for axis, name in zip(panels, breast_record_maker.CLASSES[1:], strict=True):
        shown = axis.images[-1]
        kept = record.read_slide_picture(run, "A03", f"probability_{name}")
        np.testing.assert_allclose(shown.get_array(), kept / 255)
        assert shown.get_clim() == (0, 1)
        clear, full = shown.cmap(0.0), shown.cmap(1.0)
        np.testing.assert_allclose(full[:3], to_rgb(plots.REGION_COLOURS[name]))
        assert (clear[3], full[3]) == (0, 1)


def test_steps_that_were_not_kept_are_left_out_and_none_at_all_is_said(tmp_path):
    table = breast_record_maker.make_table(1)
    started = report.start_record("02_breast_wsi", table, "quick", 0, {}, tmp_path)
    cases, _ = breast_record_maker.make_rows(table, ("cell_unet",))
    report.write_cases(started, cases)
    with pytest.raises(FileNotFoundError, match="keeps no test slide with the pictures slide"):
        plots.plot_slide_steps(started.folder)
    slide = np.full((20, 50, 3), 200, np.uint8)
    report.write_slide_picture(started, "A03", "slide", slide)
    with pytest.raises(FileNotFoundError, match="keeps the slide A03 but no step of it"):
        plots.plot_slide_steps(started.folder)
    report.write_slide_picture(started, "A03", "tissue", np.zeros((10, 25), bool))
    assert titles(plots.plot_slide_steps(started.folder)) == ["Slide", "Tissue"]
    report.write_slide_picture(started, "A03", "truth", np.zeros((10, 25), int))
    with pytest.raises(FileNotFoundError, match="no map of A03 by resnet_unet_rgb"):
        plots.plot_color_spaces(started.folder)
    with pytest.raises(FileNotFoundError, match="keeps no slide 'A09' with the pictures slide"):
        plots.plot_heat_map(started.folder, case_id="A09")
