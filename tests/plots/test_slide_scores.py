"""Tests of the figures of scores over pixels: every slide a point, both poolings, the published."""

import breast_record_maker
import numpy as np
import pytest
from figure_reader import axis_titled, words_on

from radiokit import plots, record, report, tables
from radiokit.plots.figure import BLUE, ORANGE, SKY, VERMILLION
from radiokit.words import read_words


@pytest.fixture(scope="module")
def figure(breast_folder):
    """The six scores, drawn once; no test changes it."""
    return plots.plot_pixel_scores(breast_folder)


def points(axis, colour, marker):
    """The x of single points of a colour, and of clouds of them."""
    return [
        line.get_xdata()
        for line in axis.lines
        if line.get_color() == colour and line.get_marker() == marker
    ]


def estimates(folder, metric, pooling, models):
    scores = record.read_run(folder).pixel_scores("test")
    scores = scores[(scores["metric"] == metric) & (scores["pooling"] == pooling)]
    scores = scores[scores["model"].isin(models) & (scores["structure"] != "all_classes")]
    return scores["estimate"].to_numpy()


@pytest.mark.parametrize("metric", ["iou", "auc"])
def test_both_poolings_of_every_structure_are_points_and_so_is_every_slide(
    breast_folder, figure, metric
):
    axis = axis_titled(figure, read_words("en").metric(metric))
    models = ("roi_unet", "cell_unet", "patch_classifier")
    for pooling, colour, marker in (("pixels", BLUE, "D"), ("slides", ORANGE, "o")):
        shown = np.sort(np.ravel(points(axis, colour, marker)))
        np.testing.assert_allclose(
            shown, np.sort(estimates(breast_folder, metric, pooling, models))
        )
    clouds = points(axis, SKY, "o")
    assert [len(cloud) for cloud in clouds] == [3] * 11


def test_the_points_are_the_slides_own_scores(breast_folder, figure):
    cases = record.read_run(breast_folder).cases()
    mine = cases[(cases["model"] == "roi_unet") & (cases["split"] == "test")]
    axis = axis_titled(figure, "IoU")
    np.testing.assert_allclose(points(axis, SKY, "o")[0], mine["iou_lesion"])
    axis = axis_titled(figure, "F1")
    np.testing.assert_allclose(points(axis, SKY, "o")[0], mine["dice_lesion"])


def test_published_scores_are_hollow_diamonds_of_the_two_modules(figure):
    axis = axis_titled(figure, "Sensitivity")
    (roi,), (cell,) = points(axis, VERMILLION, "D")
    assert roi == tables.PUBLISHED_BREAST_ROI["sensitivity"]
    assert cell == tables.PUBLISHED_BREAST_CELL["sensitivity"]


def test_from_ten_patients_on_the_lines_are_intervals(large_breast_folder):
    words = read_words("en")
    figure = plots.plot_color_space_scores(large_breast_folder)
    assert words.text("labels", "interval") in words_on(figure)
    assert words.text("labels", "range") not in words_on(figure)


def test_a_colour_space_has_six_panels_and_the_printed_scores_beside(breast_folder):
    figure = plots.plot_color_space_scores(breast_folder)
    keys = ("dice", "pixel_accuracy", "benign", "in_situ", "invasive", "background")
    for axis, key in zip(figure.axes, keys, strict=True):
        shown = np.ravel(points(axis, VERMILLION, "D"))
        printed = [row[key] for row in tables.PUBLISHED_COLOR_SPACES.values()]
        np.testing.assert_allclose(shown, printed)  # nobody printed all four together
    table = report.color_space_table(breast_folder)
    ours = [cell.estimate for cell in table[table["source"] == "pixels"]["benign"]]
    np.testing.assert_allclose(np.ravel(points(figure.axes[2], BLUE, "D")), ours)


def test_lines_are_named_once_a_model_and_once_a_structure(breast_folder):
    words = read_words("pt")
    axis = plots.plot_pixel_scores(breast_folder, "pt").axes[0]
    names = [label.get_text().replace("\n", " ") for label in axis.get_yticklabels()]
    structures = [words.structure(name) for name in
                  ("macro", "background", "benign", "in_situ", "invasive")]  # fmt: skip
    assert names == [
        *(words.name("models", "roi_unet"), words.structure("lesion")),
        *(words.name("models", "cell_unet"), *structures),
        *(words.name("models", "patch_classifier"), *structures),
    ]


def test_a_record_of_one_kind_of_model_says_what_it_lacks(tmp_path):

    only = breast_record_maker.make_record(tmp_path / "a", 1, ("roi_unet",)).folder
    with pytest.raises(ValueError, match="no pixel scores of a colour-space model"):
        plots.plot_color_space_scores(only)
    spaces = breast_record_maker.make_record(tmp_path / "b", 1, ("resnet_unet_rgb",)).folder
    with pytest.raises(ValueError, match="no pixel scores of a module"):
        plots.plot_pixel_scores(spaces)
