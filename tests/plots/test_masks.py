"""Tests of masks as areas: the study figures of classes and of overlapping structures."""

import cardiac_record_maker
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from radiokit import plots, record
from radiokit.words import read_words


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


def test_a_row_shows_picture_truth_and_each_models_labels(cardiac_folder):
    figure = plots.plot_masks(cardiac_folder, case_ids=["pat1_z006"])
    picture, truth, first, second = figure.axes
    names = ["Picture", "truth", "U-Net 1 (conventional)", "U-Net 2 (separable)"]
    assert [axis.get_title() for axis in figure.axes] == names
    assert picture.get_ylabel() == "pat1_z006"
    volume = cardiac_record_maker.make_volume(1)
    np.testing.assert_array_equal(
        truth.images[0].get_array(), np.flip(volume[:, :, 6].T)
    )  # 0 background, 1 myocardium, 2 blood pool
    moved = np.roll(volume, 1, axis=1)
    np.testing.assert_array_equal(second.images[0].get_array(), np.flip(moved[:, :, 6].T))
    shades = [truth.images[0].cmap(number)[:3] for number in range(3)]
    colours = [plots.STRUCTURE_COLOURS[name] for name in cardiac_record_maker.CLASSES]
    np.testing.assert_allclose(shades, [to_rgb(colour) for colour in colours])


def test_the_dice_of_each_class_stands_under_each_prediction(cardiac_folder):
    figure = plots.plot_masks(cardiac_folder, case_ids=["pat1_z006"])
    cases = record.read_run(cardiac_folder).cases()
    row = cases[(cases["model"] == "unet_2") & (cases["case_id"] == "pat1_z006")].iloc[0]
    expected = f"myocardium {row['dice_myocardium']:.3f}\nblood pool {row['dice_blood_pool']:.3f}"
    assert figure.axes[3].get_xlabel() == expected
    assert figure.axes[1].get_xlabel() == ""


def test_the_rows_are_a_good_a_median_and_the_worst_slice_with_every_class(cardiac_folder):
    run = record.read_run(cardiac_folder)
    cases = run.cases()
    mine = cases[(cases["model"] == "unet_1") & (cases["split"] == "test")].set_index("case_id")
    whole = [name for name in mine.index if run.truth(name, "blood_pool").any()
             and run.truth(name, "myocardium").any()]  # fmt: skip
    assert len(whole) < len(mine)  # some slices miss the heart
    means = mine.loc[whole, ["dice_myocardium", "dice_blood_pool"]].mean(axis=1).sort_values()
    figure = plots.plot_masks(cardiac_folder)
    shown = [axis.get_ylabel() for axis in figure.axes[::4]]
    assert shown[2] == means.index[0]
    assert means[shown[1]] == pytest.approx(means.median(), abs=0.01)
    assert (means <= means[shown[0]]).mean() == pytest.approx(0.9, abs=0.02)


def test_a_class_nobody_drew_is_left_out_of_the_truth(tmp_path):
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    for path in (made.folder / "truth").glob("*__myocardium.png"):
        path.unlink()
    figure = plots.plot_masks(made.folder)
    assert set(np.unique(figure.axes[1].images[0].get_array())) == {0, 2}


def test_a_model_without_kept_masks_is_named(cardiac_folder):
    with pytest.raises(ValueError, match="no model vgg; it has unet_1, unet_2"):
        plots.plot_masks(cardiac_folder, models=["vgg"])
