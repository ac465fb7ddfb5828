"""What every figure shares: its colours, its stamp, its grid, its way of writing numbers."""

import re
import textwrap

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW = "#56B4E9", "#E69F00", "#F0E442"
CRIMSON = "#AA1E5A"  # dark, and never beside vermillion
OTHER_COLOURS = (SKY, ORANGE, PURPLE, GREEN, YELLOW, VERMILLION, BLUE)
STRUCTURE_COLOURS = {
    "lungs": SKY,
    "left_lung": SKY,
    "right_lung": BLUE,
    "heart": VERMILLION,
    "clavicles": YELLOW,
    "left_clavicle": YELLOW,
    "right_clavicle": ORANGE,
    "ribs": GREEN,
    "background": "#262626",
    "myocardium": SKY,
    "blood_pool": VERMILLION,
    "haemorrhage": VERMILLION,
    "epidural": BLUE,  # seen against the white of the skull
    "intraparenchymal": PURPLE,
    "intraventricular": ORANGE,
    "subarachnoid": YELLOW,
    "subdural": GREEN,
    "lesion": CRIMSON,
    "benign": BLUE,
    "in_situ": ORANGE,
    "invasive": CRIMSON,
}
# Regions of a slide on a light ground, as glass is; those of the heat maps that `tiling` writes.
REGION_COLOURS = {"background": "#E6E6E6"} | {
    name: STRUCTURE_COLOURS[name] for name in ("benign", "in_situ", "invasive")
}
INK_COLOURS = {
    "none": "#FFFFFF",
    "black": "#262626",
    "blue": BLUE,
    "green": GREEN,
    "red": VERMILLION,
}
STAMP_LABEL = "stamp"  # the artist's gid, by which a stamp is found again
PANEL_INCHES = 2.6


def stamp_figure(figure, stamp) -> bool:
    """Write the stamp above a figure, once; an empty stamp writes nothing.

    When to use: for a figure of one's own; those of `radiokit.plots` carry it already.

    Args:
        figure: any Matplotlib figure.
        stamp: as `Run.stamp`.

    Returns:
        Whether it was added: above the figure's edge, so save with `bbox_inches="tight"`.
    """
    if not stamp or any(text.get_gid() == STAMP_LABEL for text in figure.texts):
        return False
    _style_stamp(figure.text(0.5, 1.0, stamp, ha="center", va="bottom"))
    return True


def new_figure(run, size_inches):
    """An empty figure with the run's stamp, (width, height) in inches."""
    figure = Figure(figsize=size_inches, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12)
    if run.stamp:
        _style_stamp(figure.suptitle(run.stamp))
    return figure


def new_grid(run, num_rows, num_columns, extra_height=0.0):
    """A figure with a grid of bare square panels for pictures, axes (num_rows, num_columns)."""
    width = max(PANEL_INCHES * num_columns, 5.2)
    figure = new_figure(run, (width, (PANEL_INCHES + extra_height) * num_rows + 1.1))
    axes = figure.subplots(num_rows, num_columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    return figure, axes


def legend_below(figure, handles, num_columns=1, title=None):
    """The legend, under all panels."""
    figure.legend(handles=handles, loc="outside lower center", ncols=num_columns, frameon=False,
                  fontsize=8, title=title, title_fontsize=8)  # fmt: skip


def format_numbers(axis, run):
    """Round ticks, written as long as they are: a rounded label would stand in the wrong place."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], min_n_ticks=3))
    axis.set_major_formatter(FuncFormatter(lambda value, _: run.words.short_number(value)))


def structure_colour(structure, structures):
    """A structure's fixed colour; others take the palette in their order."""
    name = legend_name(structure)
    if name in STRUCTURE_COLOURS:
        return STRUCTURE_COLOURS[name]
    return OTHER_COLOURS[structures.index(structure) % len(OTHER_COLOURS)]


def legend_name(structure):
    """The name under which a structure stands in the legend: one entry for all ribs."""
    return "ribs" if re.fullmatch(r"[RL]\d+", structure) else structure


def unique(column):
    """Its values in their order, each once."""
    return list(dict.fromkeys(column))


def wrap(name):
    """A long name on several lines."""
    return textwrap.fill(name, 22)


def shorten(text, longest=24):
    """A long id without its middle."""
    return text if len(text) <= longest else f"{text[:10]}…{text[-12:]}"


def _style_stamp(text):
    text.set(gid=STAMP_LABEL, fontsize=10, color=VERMILLION)
