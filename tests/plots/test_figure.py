"""Tests of what figures share: the stamp and the colours."""

import headct_record_maker
import numpy as np
import pytest
import record_maker
from figure_reader import words_on
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from radiokit import plots
from radiokit.data.breast_regions import REGION_CLASSES
from radiokit.data.ink import INK_COLOURS
from radiokit.plots.figure import legend_name, structure_colour
from radiokit.tiling.map_files import class_colors


def test_a_stamp_is_added_to_a_foreign_figure_once():
    figure = Figure()
    assert plots.stamp_figure(figure, "QUICK RUN")
    assert not plots.stamp_figure(figure, "QUICK RUN")
    assert words_on(figure).count("QUICK RUN") == 1
    assert not plots.stamp_figure(Figure(), "")


def test_twenty_ribs_share_one_colour_and_one_legend_entry():
    ribs = [f"{side}{number}" for side in "RL" for number in range(1, 11)]
    assert {structure_colour(rib, ribs) for rib in ribs} == {plots.STRUCTURE_COLOURS["ribs"]}
    assert {legend_name(rib) for rib in ribs} == {"ribs"}


@pytest.mark.parametrize(
    "structures",
    [
        record_maker.STRUCTURES,
        ("background", "myocardium", "blood_pool"),
        (*headct_record_maker.SUBTYPES, "haemorrhage"),
    ],
)
def test_structure_colours_differ_in_lightness_for_colour_blind_readers(structures):
    colours = [plots.STRUCTURE_COLOURS[name] for name in structures]
    lightness = np.sort([np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) for colour in colours])
    assert len(set(colours)) == len(structures)
    assert (np.diff(lightness) > 0.02).all()


def test_region_colours_differ_in_lightness_and_are_those_of_the_heat_maps():
    colours = {name: np.array(to_rgb(colour)) for name, colour in plots.REGION_COLOURS.items()}
    assert tuple(colours) == REGION_CLASSES
    lightness = np.sort([colour @ [0.2126, 0.7152, 0.0722] for colour in colours.values()])
    assert (np.diff(lightness) > 0.1).all()
    of_tiling = dict(zip(REGION_CLASSES, class_colors(REGION_CLASSES), strict=True))
    for name in REGION_CLASSES[1:]:
        np.testing.assert_allclose(255 * colours[name], of_tiling[name], atol=0.5)


def test_colours_of_ink_stand_in_the_order_of_ink_masks():
    assert tuple(plots.INK_COLOURS) == INK_COLOURS


def test_every_plot_of_the_package_is_public():
    names = [name for name in plots.__all__ if name.startswith("plot_")]
    assert len(names) == 29
    assert all(callable(getattr(plots, name)) for name in names)
