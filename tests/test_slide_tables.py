"""Tests of the tables of slides: ours beside the published ones, in three languages."""

import breast_record_maker
import numpy as np
import pandas as pd
import pytest

from radiokit import record, report, stats, tables
from radiokit.words import LANGUAGES, read_words

MODELS = ("roi_unet", "cell_unet", "resnet_unet_rgb", "resnet_unet_all")
METRICS = ["iou", "accuracy", "sensitivity", "specificity", "f1", "auc"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A record of four models and three test slides."""
    return breast_record_maker.make_record(tmp_path_factory.mktemp("r"), 3, MODELS).folder


def test_published_scores_of_the_modules_are_as_printed():
    roi, cell = tables.PUBLISHED_BREAST_ROI, tables.PUBLISHED_BREAST_CELL
    assert list(roi) == list(cell) == METRICS
    assert [round(100 * value, 2) for value in roi.values()] == [
        *(93.43, 91.27, 90.77, 94.03, 84.17, 93.0)
    ]
    assert [round(100 * value, 2) for value in cell.values()] == [
        *(88.23, 96.10, 71.83, 96.19, 82.94, 86.0)
    ]


def test_the_published_iou_and_f1_cannot_be_of_the_same_counts():
    for scores in (tables.PUBLISHED_BREAST_ROI, tables.PUBLISHED_BREAST_CELL):
        assert scores["iou"] > scores["f1"]
        assert 2 * scores["iou"] / (1 + scores["iou"]) > scores["f1"] + 0.1


def test_published_colour_spaces_are_as_printed():
    frame = pd.DataFrame(tables.PUBLISHED_COLOR_SPACES).T
    assert list(frame.index) == ["rgb", "hsv", "ycrcb", "lab"]
    assert frame["dice"].tolist() == [0.6923, 0.7085, 0.6881, 0.6979]
    percent = (100 * frame.drop(columns="dice")).round(2)
    assert percent.loc["rgb"].tolist() == [84.67, 78.22, 82.63, 76.64, 91.49]
    assert percent.loc["hsv"].tolist() == [83.85, 80.95, 72.73, 89.83, 90.51]
    assert percent.loc["ycrcb"].tolist() == [84.85, 71.56, 74.17, 81.84, 93.70]
    assert percent.loc["lab"].tolist() == [83.80, 73.45, 75.03, 80.81, 91.75]


def test_the_published_accuracy_of_a_class_cannot_be_one_against_the_rest():
    for row in tables.PUBLISHED_COLOR_SPACES.values():
        assert min(row[name] for name in ("benign", "in_situ", "invasive")) < row["pixel_accuracy"]


def test_related_works_are_as_printed():
    frame = pd.DataFrame(tables.RELATED_BREAST).T
    assert frame.loc["Guo 2019"].dropna().to_dict() == {"iou": 0.8069, "auc": 0.96}
    assert frame.loc["Cruz-Roa 2018", ["iou", "sensitivity", "specificity", "auc"]].tolist() == [
        *(0.76, 0.87, 0.92, 0.90)
    ]
    assert frame.loc["Roy 2019"].dropna().to_dict() == {
        "accuracy": 0.87, "sensitivity": 0.9, "specificity": 0.9148, "f1": 0.8985
    }  # fmt: skip
    others = {"Gecer 2018": 0.55, "Han 2017": 0.947, "Bejnordi 2017": 0.813, "Spanhol 2016": 0.9}
    assert frame.loc[list(others), "accuracy"].to_dict() == others
    assert frame.loc[list(others)].notna().sum().sum() == 4
    assert len(frame) == 8 and frame.loc["DeepBatch"].to_dict() == tables.PUBLISHED_BREAST_CELL


def test_a_module_has_a_line_a_pooling_and_the_published_one_below(folder):
    table = report.pixel_score_table(folder)
    assert list(table.columns) == ["model", "region", "source", *METRICS]
    roi = table[table["model"] == "roi_unet"]
    assert roi["source"].tolist() == ["pixels", "slides", "published"]
    assert roi.iloc[2][METRICS].to_dict() == tables.PUBLISHED_BREAST_ROI
    scores = record.read_run(folder).pixel_scores("test")
    row = scores.query("model == 'roi_unet' and metric == 'f1' and pooling == 'slides'").iloc[0]
    assert roi.iloc[1]["f1"] == report.interval_of_row(row)
    cell = table[table["model"] == "cell_unet"]
    assert cell["region"].drop_duplicates().tolist() == [
        *("macro", "background", "benign", "in_situ", "invasive")
    ]
    assert cell[cell["source"] == "published"]["region"].tolist() == ["macro"]
    assert set(table["model"]) == {"roi_unet", "cell_unet"}


def test_colour_spaces_have_their_own_table(folder):
    table = report.color_space_table(folder)
    assert table[["model", "source"]].to_numpy().tolist() == [
        ["resnet_unet_rgb", "pixels"],
        ["resnet_unet_rgb", "published"],
        ["resnet_unet_all", "pixels"],  # nobody published all four together
    ]
    assert table.iloc[1, 2:].to_dict() == tables.PUBLISHED_COLOR_SPACES["rgb"]
    scores = record.read_run(folder).pixel_scores("test")
    scores = scores.query("model == 'resnet_unet_rgb' and pooling == 'pixels'")
    found = {(row["structure"], row["metric"]): row["estimate"] for _, row in scores.iterrows()}
    ours = table.iloc[0]
    assert ours["dice"].estimate == found["macro", "f1"]
    assert ours["pixel_accuracy"].estimate == found["all_classes", "accuracy"]
    assert ours["in_situ"].estimate == found["in_situ", "sensitivity"]


def test_related_work_is_a_list_with_ours_at_its_end(folder):
    table = report.related_work_table(folder)
    assert table["work"].tolist() == [*tables.RELATED_BREAST, "ours"]
    assert isinstance(table["iou"].iloc[-1], stats.Interval)
    assert table["f1"].iloc[0] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_say_that_the_published_iou_and_f1_disagree_and_are_not_ranked(folder, language):
    run = record.read_run(folder, language)
    captions = [tables.pixel_score_caption(run), tables.related_work_caption(run)]
    for caption in captions:
        assert "F1 = 2 · IoU / (1 + IoU)" in caption
        assert run.published_note in caption
    colours = tables.color_space_caption(run)
    assert run.published_note in colours and "IoU" not in colours
    assert run.words.name("splits", "test") in colours


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_latex_tables_speak_the_language(folder, language):
    words = read_words(language)
    for make, names in (
        (report.pixel_score_table, ["roi_unet", "cell_unet"]),
        (report.color_space_table, ["resnet_unet_rgb"]),
        (report.related_work_table, []),
    ):
        latex = tables.to_latex(make(folder), "c", "t", words, words.stamp(True, "quick"))
        assert tables.escape_latex(words.stamp(True, "quick")) in latex
        assert all(words.name("models", name) in latex for name in names)
        assert words.text("tables", "range_note").removeprefix("* ") in latex
        rest = latex.replace(r"\_", "")
        assert "_" not in rest  # no key was printed for want of a word
    latex = tables.to_latex(report.pixel_score_table(folder), "c", "t", words)
    for key in ("macro", "lesion", "in_situ", "invasive"):
        assert words.structure(key) in latex
    for key in ("pixels", "slides", "published"):
        assert words.text("tables", key) in latex
    assert words.metric("accuracy") in latex.split(r"\hline")[1]


def test_a_record_without_these_scores_raises(folder, tmp_path):
    with pytest.raises(ValueError, match="no score over pixels on the train split"):
        report.pixel_score_table(folder, "train")
    only = breast_record_maker.make_record(tmp_path / "a", 1, ("roi_unet",)).folder
    with pytest.raises(ValueError, match="of a colour-space model on the test split"):
        report.color_space_table(only)
    assert report.related_work_table(only)["work"].tolist() == list(tables.RELATED_BREAST)
    spaces = breast_record_maker.make_record(tmp_path / "b", 1, ("resnet_unet_rgb",)).folder
    with pytest.raises(ValueError, match="no pixel scores of a module on the test split"):
        report.pixel_score_table(spaces)


def test_a_single_slide_is_its_own_range(tmp_path):
    folder = breast_record_maker.make_record(tmp_path, 1, ("roi_unet",)).folder
    cell = report.pixel_score_table(folder)["f1"].iloc[0]
    assert cell.kind == "range" and cell.low == cell.high == cell.estimate
    assert np.isfinite(cell.estimate)
