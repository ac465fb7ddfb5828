"""Tests that hold for every figure: stamp, language, and nothing cut off or covered."""

from dataclasses import dataclass
from functools import cache, partial

import pytest
from figure_reader import text_boxes, words_on

from radiokit import plots
from radiokit.words import LANGUAGES, read_words

CHEST_FIGURES = {
    "overlays": plots.plot_overlays,
    "learning_curves": plots.plot_learning_curves,
    "scores": plots.plot_scores,
    "attention": plots.plot_attention,
    "final_figure": plots.plot_final_figure,
    "worst_cases": plots.plot_worst_cases,
    "agreement": plots.plot_agreement,
    "domain_shift": plots.plot_domain_shift,
}
CARDIAC_FIGURES = {
    "cardiac_overlays": plots.plot_overlays,
    "cardiac_worst_cases": plots.plot_worst_cases,
    "cardiac_scores": plots.plot_scores,
    "scores_3d": partial(plots.plot_scores, metric="dice_3d"),
    "masks": plots.plot_masks,
    "volume_agreement": partial(plots.plot_agreement, quantity="blood_pool_ml"),
    "seed_differences": plots.plot_seed_differences,
    "level_scores": plots.plot_level_scores,
    "surface": plots.plot_surface,
    "cost": plots.plot_cost,
}
HEADCT_FIGURES = {
    "headct_overlays": plots.plot_overlays,
    "headct_worst_cases": plots.plot_worst_cases,
    "headct_learning_curves": plots.plot_learning_curves,
    "headct_volumes": partial(plots.plot_agreement, quantity="haemorrhage_ml"),
    "scores_exam_auc": partial(plots.plot_scores, metric="exam_auc"),
    "roc": plots.plot_roc,
    "roc_exams": partial(plots.plot_roc, level="exams"),
    "label_curves": partial(plots.plot_label_curves, model="multitask"),
    "thresholds": plots.plot_thresholds,
    "calibration": plots.plot_calibration,
    "worklist": plots.plot_worklist,
    "confusions": plots.plot_confusions,
    "class_activation": plots.plot_class_activation,
}
BODYPART_FIGURES = {
    "label_counts": plots.plot_label_counts,
    "label_bars": plots.plot_label_bars,
    "label_comparison": partial(plots.plot_label_comparison, metric="accuracy"),
    "coverage_risk": plots.plot_coverage_risk,
    "many_confusions": plots.plot_confusions,
}
BREAST_FIGURES = {
    "pixel_scores": plots.plot_pixel_scores,
    "color_space_scores": plots.plot_color_space_scores,
    "slide_steps": plots.plot_slide_steps,
    "color_spaces": plots.plot_color_spaces,
    "heat_map": plots.plot_heat_map,
}
FIGURES = CHEST_FIGURES | CARDIAC_FIGURES | HEADCT_FIGURES | BODYPART_FIGURES | BREAST_FIGURES
LABELS = {
    "learning_curves": ["epoch", "loss", "validation_score", "training", "validation"],
    "scores": ["interval"],
    "agreement": ["difference"],
    "domain_shift": ["trained_on", "tested_on"],
    "overlays": ["truth", "prediction"],
    "worst_cases": ["truth", "prediction"],
    "attention": ["radiograph"],
    "final_figure": [],
    "cardiac_overlays": ["truth", "prediction"],
    "cardiac_worst_cases": ["truth", "prediction"],
    "cardiac_scores": ["range"],
    "scores_3d": ["range"],
    "masks": ["picture", "truth"],
    "volume_agreement": ["difference", "mean_of_both"],
    "seed_differences": ["one_seed", "mean_of_seeds_range"],
    "level_scores": ["slices", "volumes", "range"],
    "surface": ["truth", "view_anterior", "view_left"],
    "cost": ["width", "cost_ratio", "ratio_formula", "ratio_counted", "ratio_measured"],
    "headct_overlays": ["truth", "prediction"],
    "headct_worst_cases": ["truth", "prediction"],
    "headct_learning_curves": ["epoch", "validation_score"],
    "headct_volumes": ["difference", "mean_of_both"],
    "scores_exam_auc": ["interval", "exams"],
    "roc": ["false_positive_rate", "band"],
    "roc_exams": ["false_positive_rate", "band"],
    "label_curves": ["epoch", "loss", "training", "validation"],
    "thresholds": [],
    "calibration": ["probability", "observed", "number_of_cases", "as_predicted", "perfect"],
    "worklist": ["exams_read", "random_order", "first_come"],
    "confusions": ["truth", "prediction", "present", "absent", "called_positive"],
    "class_activation": ["activation", "truth", "present"],
    "label_counts": ["images"],
    "label_bars": ["positives_axis"],
    "label_comparison": ["positives_axis"],
    "coverage_risk": ["coverage", "risk"],
    "many_confusions": ["truth", "prediction", "present", "absent", "called_positive"],
    "pixel_scores": ["pooling_pixels", "pooling_slides", "one_slide", "range"],
    "color_space_scores": ["pooling_pixels", "range"],
    "slide_steps": [
        "step_slide",
        "step_ink",
        "step_cleaned",
        "step_tissue",
        "step_lesion",
        "step_regions",
        "step_truth",
        "unknown",
    ],
    "color_spaces": ["step_slide", "step_truth"],
    "heat_map": ["step_slide", "probability"],
}


@dataclass(frozen=True)
class Drawn:
    """What a reader finds in a figure: its words, their rectangles, and its sides in pixels."""

    words: list
    boxes: list
    width: float
    height: float


@pytest.fixture(scope="module")
def draw(folder, cardiac_folder, headct_folder, bodypart_folder, breast_folder):
    """Draw a figure of FIGURES, each from its own study's record, and once a language."""
    studies = ((CHEST_FIGURES, folder), (CARDIAC_FIGURES, cardiac_folder))
    studies += ((HEADCT_FIGURES, headct_folder), (BODYPART_FIGURES, bodypart_folder))
    studies += ((BREAST_FIGURES, breast_folder),)

    @cache
    def draw_one(name, language):
        (mine,) = [record for figures, record in studies if name in figures]
        figure = FIGURES[name](mine, language)
        return Drawn(words_on(figure), text_boxes(figure), *(figure.get_size_inches() * figure.dpi))

    return draw_one


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_its_stamp_and_labels_in_the_language(draw, name, language):
    words = read_words(language)
    found = draw(name, language).words
    assert found.count(words.stamp(is_phantom=True, scale="quick")) == 1
    everything = "\n".join(found)
    assert all(words.text("labels", key) in everything for key in LABELS[name])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_labels_are_whole_and_the_stamp_touches_nothing(draw, name, language):
    drawn = draw(name, language)
    stamp = read_words(language).stamp(is_phantom=True, scale="quick")
    (stamped,) = [box for text, box in drawn.boxes if text == stamp]
    for text, box in drawn.boxes:
        inside = box.x0 >= -1 and box.y0 >= -1
        inside &= box.x1 <= drawn.width + 1 and box.y1 <= drawn.height + 1
        assert inside, f"{text!r} leaves the figure"
        assert text == stamp or not stamped.overlaps(box), f"{text!r} lies under the stamp"


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_words_lie_on_each_other(draw, name):
    boxes = [(text, box.padded(-1)) for text, box in draw(name, "pt").boxes]
    for place, (text, box) in enumerate(boxes):
        for other, other_box in boxes[place + 1 :]:
            assert not box.overlaps(other_box), f"{text!r} and {other!r} lie on each other"


def test_a_full_run_on_real_data_is_not_stamped(real_folder):
    everything = "\n".join(words_on(plots.plot_scores(real_folder)))
    assert "PHANTOM" not in everything and "clinical" not in everything


def test_a_folder_without_a_run_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="Run the notebook first"):
        plots.plot_scores(tmp_path)


def test_what_the_record_lacks_is_said(folder):
    with pytest.raises(ValueError, match="no agreement of 'heart_width'"):
        plots.plot_agreement(folder, quantity="heart_width")
    with pytest.raises(ValueError, match="no domain-shift dice of 'heart'"):
        plots.plot_domain_shift(folder, structure="heart")
    with pytest.raises(ValueError, match="no iou on the test split"):
        plots.plot_scores(folder, metric="iou")
    with pytest.raises(FileNotFoundError, match="no map of swin_unet_tiny"):
        plots.plot_attention(folder, model="swin_unet_tiny")
    with pytest.raises(ValueError, match="has no differences"):
        plots.plot_seed_differences(folder)
    with pytest.raises(ValueError, match="has no cost"):
        plots.plot_cost(folder)
    with pytest.raises(FileNotFoundError, match="volumes.csv does not exist"):
        plots.plot_surface(folder)
    with pytest.raises(FileNotFoundError, match="exams.csv does not exist"):
        plots.plot_worklist(folder)
    with pytest.raises(FileNotFoundError, match="no class activation map of any classifier"):
        plots.plot_class_activation(folder)
    with pytest.raises(ValueError, match="no history of None .*it has such of no model"):
        plots.plot_label_curves(folder)
    for plot in (plots.plot_pixel_scores, plots.plot_color_space_scores):
        with pytest.raises(ValueError, match="no score over pixels on the test split"):
            plot(folder)
    for plot in (plots.plot_slide_steps, plots.plot_color_spaces, plots.plot_heat_map):
        with pytest.raises(FileNotFoundError, match="keeps no test slide with the pict"):
            plot(folder)
    for plot in (plots.plot_roc, plots.plot_thresholds, plots.plot_calibration):
        with pytest.raises(ValueError, match="no validation AUC of slices .*no classifier"):
            plot(folder)
