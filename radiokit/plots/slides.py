"""Pictures of whole slides: every step on one slide, colour spaces side by side, heat maps."""

from matplotlib.figure import Figure

from radiokit.plots.figure import REGION_COLOURS, format_numbers, legend_below
from radiokit.plots.slide_panels import (
    legend_columns,
    new_panels,
    region_handles,
    show_probability,
    show_slide,
    show_step,
)
from radiokit.record import (
    COLOR_SPACE_MODELS,
    LESION_CLASSES,
    pictured_slide,
    read_run,
    read_slide_picture,
    slide_pictures,
)

STEPS = ("ink", "cleaned", "tissue", "lesion", "regions_cell_unet", "truth")


def plot_slide_steps(folder, language="en", case_id=None) -> Figure:
    """One slide from the scanner to the map of regions, a panel a step, and the truth.

    When to use: to show the whole method at once. Steps whose picture the record lacks are left
    out.

    Args:
        folder: the run's record, with pictures of `report.write_slide_picture`.
        language: `"en"`, `"pt"` or `"es"`.
        case_id: the slide; by default the first test slide whose truth holds the most classes.

    Returns:
        A `Figure`: slide, ink, cleaned slide, tissue, lesion, regions, truth.

    Raises:
        FileNotFoundError: no such slide, or no step of it.
    """
    run = read_run(folder, language)
    case_id = pictured_slide(run, ["slide"], case_id)
    kept = slide_pictures(run, case_id)
    steps = [name for name in STEPS if name in kept]
    if not steps:
        raise FileNotFoundError(
            f"{run.folder} keeps the slide {case_id} but no step of it; write "
            f"{', '.join(STEPS)} with write_slide_picture."
        )
    return _draw_steps(run, case_id, steps)[0]


def plot_color_spaces(folder, language="en", case_id=None) -> Figure:
    """A slide, its truth, and the regions found in each colour space.

    When to use: to look at what a colour space changes; `plot_color_space_scores` says with
    intervals whether it changes anything.

    Args:
        folder: the run's record, with pictures `slide`, `truth` and `regions_<model>`.
        language: `"en"`, `"pt"` or `"es"`.
        case_id: the slide; by default the first test slide whose truth holds the most classes.

    Returns:
        A `Figure`, a panel a model of the study.

    Raises:
        FileNotFoundError: no slide with these pictures.
    """
    run = read_run(folder, language)
    case_id = pictured_slide(run, ["slide", "truth"], case_id)
    kept = slide_pictures(run, case_id)
    models = [model for model in COLOR_SPACE_MODELS if f"regions_{model}" in kept]
    if not models:
        raise FileNotFoundError(
            f"{run.folder} keeps no map of {case_id} by {', '.join(COLOR_SPACE_MODELS)}; write "
            "regions_<model> with write_slide_picture."
        )
    steps = ["truth", *(f"regions_{model}" for model in models)]
    figure, axes = _draw_steps(run, case_id, steps)
    for axis, model in zip(axes[2:], models, strict=True):
        axis.set_title(run.words.name("color_spaces", COLOR_SPACE_MODELS[model]), fontsize=9)
    return figure


def plot_heat_map(folder, language="en", case_id=None) -> Figure:
    """The probability of each lesion class over the greyed slide.

    When to use: for a pathologist, who sees where to look first. The probability is the
    network's own word; how far it can be taken is a matter of calibration.

    Args:
        folder: the run's record, with pictures `slide` and `probability_<class>`.
        language: `"en"`, `"pt"` or `"es"`.
        case_id: the slide; by default the first test slide whose truth holds the most classes.

    Returns:
        A `Figure`: the slide, then a panel a class in the class's colour, each with its bar.

    Raises:
        FileNotFoundError: no slide with these pictures.
    """
    run = read_run(folder, language)
    names = [f"probability_{name}" for name in LESION_CLASSES]
    case_id = pictured_slide(run, ["slide", *names], case_id)
    slide = read_slide_picture(run, case_id, "slide")
    figure, axes = new_panels(run, 1 + len(names), slide.shape, num_columns=2, extra_height=0.45)
    show_slide(axes[0], run, case_id, slide)
    for axis, name, region in zip(axes[1:], names, LESION_CLASSES, strict=True):
        probability = read_slide_picture(run, case_id, name) / 255
        shown = show_probability(axis, probability, slide, REGION_COLOURS[region])
        axis.set_title(run.words.structure(region), fontsize=9)
        bar_axis = axis.inset_axes([0.1, -0.11, 0.8, 0.05])  # inside: all panels stay alike
        bar = figure.colorbar(shown, cax=bar_axis, orientation="horizontal")
        bar.set_label(run.words.text("labels", "probability"), fontsize=7)
        bar.ax.tick_params(labelsize=7)
        format_numbers(bar.ax.xaxis, run)
    return figure


def _draw_steps(run, case_id, steps):
    """The slide and a panel a step, with the legend of the classes seen; figure and axes."""
    slide = read_slide_picture(run, case_id, "slide")
    figure, axes = new_panels(run, 1 + len(steps), slide.shape)
    show_slide(axes[0], run, case_id, slide)
    for axis, name in zip(axes[1:], steps, strict=True):
        show_step(axis, run, case_id, name, slide)
    handles = region_handles(run, case_id, steps)
    if handles:
        legend_below(figure, handles, legend_columns(figure, handles))
    return figure, axes
