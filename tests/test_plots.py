"""Tests of the figures: what is written on them, and what they choose to show."""

import numpy as np
import pandas as pd
import pytest
import record_maker
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from radiokit import plots, record
from radiokit.words import LANGUAGES, read_words

FIGURES = {
    "overlays": plots.plot_overlays,
    "learning_curves": plots.plot_learning_curves,
    "scores": plots.plot_scores,
    "attention": plots.plot_attention,
    "final_figure": plots.plot_final_figure,
    "worst_cases": plots.plot_worst_cases,
    "agreement": plots.plot_agreement,
    "domain_shift": plots.plot_domain_shift,
}
AXIS_WORDS = {
    "learning_curves": ["epoch", "loss", "validation_score", "training", "validation"],
    "scores": ["interval", "published"],
    "agreement": ["difference"],
    "domain_shift": ["trained_on", "tested_on"],
    "overlays": ["truth", "prediction"],
    "worst_cases": ["truth", "prediction"],
    "attention": ["radiograph"],
    "final_figure": [],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A complete quick record on phantoms."""
    return record_maker.make_record(tmp_path_factory.mktemp("record")).folder


@pytest.fixture(scope="module")
def real_folder(tmp_path_factory):
    """A full record on real data, of one model and few patients."""
    out = tmp_path_factory.mktemp("real")
    return record_maker.make_record(out, "full", False, ("unet",), num_patients=12).folder


def words_on(figure):
    """Every text of a figure but the numbers of its ticks."""
    found = [artist for artist in figure.findobj(Text) if artist.get_visible()]
    return [artist.get_text() for artist in found if artist.get_text()]


def text_boxes(figure):
    """Visible texts with their rectangles in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for artist in figure.findobj(Text):
        is_tick = set(artist.get_text()) <= set("0123456789,−")  # those off the axis are not drawn
        if artist.get_text().strip() and artist.get_visible() and not is_tick:
            found.append((artist.get_text(), artist.get_window_extent(renderer)))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_its_stamp_and_labels_in_the_language(folder, name, language):
    figure = FIGURES[name](folder, language)
    words = read_words(language)
    found = words_on(figure)
    assert found.count(words.stamp(is_phantom=True, scale="quick")) == 1
    everything = "\n".join(found)
    assert all(words.text("labels", key) in everything for key in AXIS_WORDS[name])


@pytest.mark.parametrize("name", FIGURES)
def test_labels_are_whole_and_the_stamp_touches_nothing(folder, name):
    figure = FIGURES[name](folder, "pt")  # the longest words
    boxes = text_boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    stamp = read_words("pt").stamp(is_phantom=True, scale="quick")
    (stamped,) = [box for text, box in boxes if text == stamp]
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text!r} leaves the figure"
        assert text == stamp or not stamped.overlaps(box), f"{text!r} lies under the stamp"


def test_a_full_run_on_real_data_is_not_stamped(real_folder):
    figure = plots.plot_scores(real_folder)
    everything = "\n".join(words_on(figure))
    assert "PHANTOM" not in everything and "clinical" not in everything


def test_few_patients_are_shown_as_a_range(real_folder):
    assert "our score, range of fewer than 10 patients" in words_on(plots.plot_scores(real_folder))


def test_the_right_side_is_marked_only_where_it_is_known(folder, tmp_path):
    assert words_on(plots.plot_overlays(folder)).count("R") == 12
    assert words_on(plots.plot_overlays(folder, "pt")).count("D") == 12
    own = record_maker.make_record(tmp_path, models=("unet",), num_patients=6).folder
    text = (own / "metrics.json").read_text(encoding="utf-8")
    text = text.replace('"orientation": "radiological"', '"orientation": null')
    (own / "metrics.json").write_text(text, encoding="utf-8")
    assert "R" not in words_on(plots.plot_overlays(own))


def test_the_final_figure_takes_each_structures_best_model_on_validation(folder):
    cases = record.read_run(folder).cases()
    main = cases[cases["trained_on"].isna() & (cases["split"] == "validation")]
    figure = plots.plot_final_figure(folder)
    titles = {axis.get_title().split("\n")[0]: axis for axis in figure.axes if axis.get_title()}
    for structure, axis in titles.items():
        means = main.groupby("model")[f"dice_{structure}"].mean()
        assert axis.get_title().endswith(read_words("en").name("models", means.idxmax()))
        assert f"{means.max():.3f}" in axis.get_xlabel()


def test_the_final_figure_puts_each_structure_in_its_corner(folder):
    figure = plots.plot_final_figure(folder)
    FigureCanvasAgg(figure).draw()
    middle, *corners = figure.axes
    center_x = middle.get_position().x0 + middle.get_position().width / 2
    sides = {}
    for axis in corners:
        place = axis.get_position()
        across = "left" if place.x1 < center_x else "right"
        sides[axis.get_title().split("\n")[0]] = ("top" if place.y0 > 0.45 else "bottom", across)
    assert sides == {
        "lungs": ("top", "left"),
        "heart": ("top", "right"),
        "ribs": ("bottom", "left"),
        "clavicles": ("bottom", "right"),
    }


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


def test_intervals_in_the_forest_are_those_of_the_record(folder):
    scores = record.read_run(folder).scores_of("dice", "test")
    row = scores[(scores["model"] == "unet") & (scores["structure"] == "heart")].iloc[0]
    figure = plots.plot_scores(folder)
    (axis,) = [axis for axis in figure.axes if axis.get_title() == "heart"]
    ends = [tuple(line.get_xdata()) for line in axis.lines]
    assert (row["low"], row["high"]) in ends
    assert any(tuple(line.get_xdata()) == (0.798,) for line in axis.lines)  # the published one


def test_distances_are_never_set_beside_published_dice(folder):
    everything = "\n".join(words_on(plots.plot_scores(folder, metric="hd95_mm")))
    assert "HD95 (mm)" in everything
    assert "published" not in everything


def test_the_domain_shift_matrix_holds_all_pairs(folder):
    axis = plots.plot_domain_shift(folder).axes[0]
    scores = record.read_run(folder).scores()
    shifted = scores[scores["trained_on"].notna() & (scores["metric"] == "dice")]
    shown = {text.get_text().split("\n")[0] for text in axis.texts}
    assert shown == {f"{value:.2f}" for value in shifted["estimate"]}
    assert len(axis.texts) == 4


def test_masks_of_another_size_lie_where_they_belong(folder):
    figure = Figure()
    axis = figure.subplots()
    mask = np.zeros((32, 32), bool)
    mask[8:16, 4:12] = True
    plots._draw_outline(axis, mask, (64, 64), "red", "solid")
    ends = axis.collections[0].get_paths()[0].get_extents()
    # Rows 8..15 of 32 cover rows 16..31 of 64: from edge 15.5 to edge 31.5.
    assert (ends.y0, ends.y1, ends.x0, ends.x1) == pytest.approx((15.5, 31.5, 7.5, 23.5))


def test_empty_and_missing_masks_are_drawn_without_a_warning(folder, tmp_path):
    run = record_maker.make_record(tmp_path, models=("unet",), num_patients=6)
    for path in (run.folder / "masks").rglob("*__heart.png"):
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    for path in (run.folder / "truth").glob("*__ribs.png"):
        path.unlink()
    FigureCanvasAgg(plots.plot_overlays(run.folder)).draw()


def test_twenty_ribs_share_one_colour_and_one_legend_entry():
    ribs = [f"{side}{number}" for side in "RL" for number in range(1, 11)]
    assert {plots._colour(rib, ribs) for rib in ribs} == {plots.STRUCTURE_COLOURS["ribs"]}
    assert {plots._legend_name(rib) for rib in ribs} == {"ribs"}


def test_structure_colours_differ_in_lightness_for_colour_blind_readers():
    colours = [plots.STRUCTURE_COLOURS[name] for name in record_maker.STRUCTURES]
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    lightness = np.sort(rgb @ [0.2126, 0.7152, 0.0722])
    assert len(set(colours)) == 4
    assert (np.diff(lightness) > 0.02).all()


def test_a_folder_without_a_run_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="Run the notebook first"):
        plots.plot_scores(tmp_path)


def test_an_unknown_model_raises(folder):
    with pytest.raises(ValueError, match="no model vgg; it has unet"):
        plots.plot_overlays(folder, models=["vgg"])


def test_no_model_is_chosen_without_validation(folder):
    cases = record.read_run(folder).cases()
    with pytest.raises(ValueError, match="chosen on validation, never on the test"):
        record.best_on_validation(cases[cases["split"] == "test"], "heart")


def test_what_the_record_lacks_is_said(folder):
    with pytest.raises(ValueError, match="no agreement of 'heart_width'"):
        plots.plot_agreement(folder, quantity="heart_width")
    with pytest.raises(ValueError, match="no domain-shift dice of 'heart'"):
        plots.plot_domain_shift(folder, structure="heart")
    with pytest.raises(ValueError, match="no iou on the test split"):
        plots.plot_scores(folder, metric="iou")
    with pytest.raises(FileNotFoundError, match="no map of swin_unet_tiny"):
        plots.plot_attention(folder, model="swin_unet_tiny")


def test_a_stamp_is_added_to_a_foreign_figure_once():
    figure = Figure()
    assert plots.stamp_figure(figure, "QUICK RUN")
    assert not plots.stamp_figure(figure, "QUICK RUN")
    assert words_on(figure).count("QUICK RUN") == 1
    assert not plots.stamp_figure(Figure(), "")


def test_ids_that_are_no_file_names_are_stored_apart(tmp_path):
    paths = {record.image_path(tmp_path, case) for case in ("a/b", "a_b", "a:b", "a%2Fb")}
    assert len(paths) == 4
    assert all(path.parent == tmp_path / "images" for path in paths)


def test_case_ids_that_look_like_numbers_stay_text(folder):
    cases = record.read_run(folder).cases()
    assert pd.api.types.is_string_dtype(cases["patient_id"])
