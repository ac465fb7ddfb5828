"""What pictures of slides share: panels of the slide's shape, maps in the colours of regions."""

import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Patch

from radiokit.plots.figure import (
    GREEN,
    INK_COLOURS,
    REGION_COLOURS,
    STRUCTURE_COLOURS,
    new_figure,
    shorten,
)
from radiokit.plots.pictures import draw_outline
from radiokit.record import REGION_CLASSES, UNKNOWN_CLASS, read_slide_picture

PANEL_INCHES = 2.7
UNKNOWN_COLOUR = "#8C8C8C"
GREY_LEVELS = (0.45, 0.95)  # of a slide under a map: light enough for every colour
MASK_COLOURS = {"tissue": GREEN, "lesion": STRUCTURE_COLOURS["lesion"]}
LEGEND_INCHES = 1.75  # of a name as long as any


def new_panels(run, num_panels, shape, num_columns=None, extra_height=0.0):
    """A figure of bare panels of a slide's shape (h, w); returns it and its axes (num_panels,)."""
    num_columns = num_columns or math.ceil(num_panels / math.ceil(num_panels / 4))
    num_rows = math.ceil(num_panels / num_columns)
    height = PANEL_INCHES * np.clip(shape[0] / shape[1], 0.4, 1.6) + 0.35 + extra_height
    figure = new_figure(run, (max(PANEL_INCHES * num_columns, 5.4), height * num_rows + 1.0))
    axes = figure.subplots(num_rows, num_columns, squeeze=False).flat
    for axis in axes:
        axis.set_axis_off()
    return figure, axes[:num_panels]


def show_pixels(axis, pixels, shape, **look):
    """Show a picture or map of any size over the place of a slide's picture (h, w)."""
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    return axis.imshow(pixels, extent=extent, **look)


def show_slide(axis, run, case_id, slide):
    """Show a slide's picture, its name below."""
    show_pixels(axis, slide, slide.shape)
    axis.set_title(step_title(run, "slide"), fontsize=9)
    axis.set_xlabel(shorten(case_id), fontsize=8)


def show_step(axis, run, case_id, name, slide):
    """Show what a step made of a slide: a picture, an outline over it, or a map over its grey."""
    pixels = read_slide_picture(run, case_id, name)
    if pixels.ndim == 3:
        show_pixels(axis, pixels, slide.shape)
    elif name in MASK_COLOURS:
        _show_mask(axis, pixels > 0, slide, MASK_COLOURS[name])
    else:
        colours = ink_palette() if name == "ink" else region_palette()
        show_pixels(axis, greyed(slide), slide.shape)
        show_pixels(axis, colours[pixels], slide.shape, interpolation="nearest")
    axis.set_title(step_title(run, name), fontsize=9)


def show_probability(axis, probability, slide, colour):
    """Show a probability 0..1 as the depth of a colour over the greyed slide; returns its image."""
    clear, full = (*to_rgb(colour), 0), (*to_rgb(colour), 1)
    colours = LinearSegmentedColormap.from_list("class", [clear, full])
    show_pixels(axis, greyed(slide), slide.shape)
    look = {"cmap": colours, "vmin": 0, "vmax": 1, "interpolation": "bilinear"}
    return show_pixels(axis, probability, slide.shape, **look)


def step_title(run, name):
    """What a panel of a slide shows; `regions_<model>` by the words for regions."""
    key = "regions" if name.startswith("regions_") else name
    return run.words.text("labels", f"step_{key}")


def region_palette():
    """RGBA of every class 0..255; the background is nearly clear, so that the slide is seen."""
    names = dict(enumerate(REGION_CLASSES))
    return _palette({number: REGION_COLOURS[name] for number, name in names.items()}, 0.25)


def ink_palette():
    """RGBA of every colour of ink 0..255; where there is none it is clear."""
    return _palette(dict(enumerate(INK_COLOURS.values())), 0.0)


def greyed(slide):
    """A slide (h, w, 3) uint8 as light grey RGB in 0..1, under a map."""
    grey = slide.astype(float) @ [0.299, 0.587, 0.114] / 255
    darkest, lightest = GREY_LEVELS
    return np.repeat((darkest + (lightest - darkest) * grey)[..., None], 3, axis=-1)


def region_handles(run, case_id, names):
    """A line of the legend for each class that these maps hold."""
    handles, classes = [], set()
    for name in names:
        if name == "truth" or name.startswith("regions_"):
            classes |= set(np.unique(read_slide_picture(run, case_id, name)).tolist())
    for number, region in enumerate(REGION_CLASSES):
        if number in classes:
            label = run.words.structure(region)
            handles.append(Patch(color=REGION_COLOURS[region], label=label))
    if UNKNOWN_CLASS in classes:
        handles.append(Patch(color=UNKNOWN_COLOUR, label=run.words.text("labels", "unknown")))
    return handles


def legend_columns(figure, handles):
    """As many names in a row as the figure is wide enough for."""
    return max(1, min(len(handles), int(figure.get_figwidth() / LEGEND_INCHES)))


def _show_mask(axis, mask, slide, colour):
    """A slide, paler outside the mask, and the mask's outline."""
    show_pixels(axis, slide, slide.shape)
    veil = np.zeros((*mask.shape, 4))
    veil[~mask] = (1, 1, 1, 0.6)
    show_pixels(axis, veil, slide.shape, interpolation="nearest")
    if mask.any() and not mask.all():
        draw_outline(axis, mask, slide.shape[:2], colour, "solid")


def _palette(colours, alpha_of_first):
    """RGBA (256, 4) of number to colour; other numbers are the unknown."""
    palette = np.array([(*to_rgb(UNKNOWN_COLOUR), 0.85)] * 256)
    for number, colour in colours.items():
        palette[number] = (*to_rgb(colour), 0.85 if number else alpha_of_first)
    return palette
