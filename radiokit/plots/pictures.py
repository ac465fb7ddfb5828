"""Pictures of cases: outlines of truth and prediction, the worst cases, attention maps."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from radiokit.plots.figure import (
    format_numbers,
    legend_below,
    legend_name,
    new_grid,
    shorten,
    structure_colour,
    wrap,
)
from radiokit.record import (
    foreground_of,
    main_study,
    models_with,
    read_run,
    structures_of,
    worst_cases,
)


def plot_overlays(folder, language="en", models=None, case_ids=None) -> Figure:
    """Outlines of truth and prediction over the pictures, a row a case, a column a model.

    When to use: first of all; a score never shows where a mask is wrong.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        models: model names, the record's first four by default.
        case_ids: cases, by default the first three test cases in alphabetical order, those in
            whose truth something is drawn first.

    Returns:
        A `Figure`; truth solid, prediction dashed, one colour a structure.

    Raises:
        FileNotFoundError: no kept picture or mask of these models.
        ValueError: a model the record does not have.
    """
    run = read_run(folder, language)
    cases = main_study(run.cases(), "test")
    models = known_models(cases, models, default_count=4)
    structures = foreground_of(structures_of(cases))
    if not case_ids:
        case_ids = _drawn_first(run, pictured_cases(run, cases, models, structures), structures)
    figure, axes = new_grid(run, len(case_ids), len(models))
    for row, case_id in zip(axes, case_ids, strict=True):
        for axis, model in zip(row, models, strict=True):
            shape = draw_picture(axis, run, case_id)
            draw_outlines(axis, run, model, case_id, structures, shape)
        row[0].set_ylabel(shorten(case_id), fontsize=8)
    for axis, model in zip(axes[0], models, strict=True):
        axis.set_title(wrap(run.words.name("models", model)), fontsize=9)
    _outline_legend(figure, run, structures)
    return figure


def plot_worst_cases(folder, language="en", model=None, num_cases=5, dataset=None) -> Figure:
    """The test cases a model did worst on, with their values.

    When to use: before believing a mean. What these have in common is where the model fails.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the one with the highest mean validation Dice.
        num_cases: how many.
        dataset: of one data set only; None takes all.

    Returns:
        A `Figure`; truth solid, prediction dashed, the Dice of each structure above.

    Raises:
        FileNotFoundError: their pictures were not kept.
    """
    run = read_run(folder, language)
    worst = worst_cases(run, model, num_cases, dataset)
    structures = foreground_of(structures_of(worst))
    figure, axes = new_grid(run, 1, len(worst), extra_height=0.17 * len(structures))
    for axis, (_, row) in zip(axes.flat, worst.iterrows(), strict=True):
        shape = draw_picture(axis, run, row["case_id"])
        draw_outlines(axis, run, row["model"], row["case_id"], structures, shape)
        axis.set_title("\n".join(value_lines(run, row, structures)), fontsize=8)
        axis.set_xlabel(shorten(row["case_id"]), fontsize=8)
    _outline_legend(figure, run, structures, run.words.name("models", worst["model"].iloc[0]))
    return figure


def plot_attention(folder, language="en", model=None, case_id=None) -> Figure:
    """Where a network's attention lets the image through, over the radiograph.

    When to use: to look inside one network. A bright map shows what was passed on, not why the
    network decided.

    Args:
        folder: the run's record, with maps under `attention/<model>/`.
        language: `"en"`, `"pt"` or `"es"`.
        model: the first with maps by default.
        case_id: the first with maps by default.

    Returns:
        A `Figure`: the radiograph, then a panel a layer.

    Raises:
        FileNotFoundError: no such map in the record.
    """
    run = read_run(folder, language)
    model, case_id, maps = _find_attention(run, model, case_id)
    num_rows = math.ceil((len(maps) + 1) / 5)
    figure, axes = new_grid(run, num_rows, math.ceil((len(maps) + 1) / num_rows))
    for axis in axes.flat:
        axis.set_axis_off()
    draw_picture(axes.flat[0], run, case_id)
    axes.flat[0].set_title(run.words.text("labels", "radiograph"), fontsize=8)
    for axis, (layer, attention) in zip(axes.flat[1:], maps.items(), strict=False):
        height, width = draw_picture(axis, run, case_id)
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        colours = {"cmap": "viridis", "vmin": 0, "vmax": 1, "alpha": 0.55}
        shown = axis.imshow(attention, extent=extent, interpolation="bilinear", **colours)
        axis.set_title(layer, fontsize=8)
    bar = figure.colorbar(shown, ax=axes, orientation="horizontal", aspect=40, shrink=0.6)
    bar.set_label(
        f"{run.words.name('models', model)} · {run.words.text('labels', 'attention')}", fontsize=8
    )
    bar.ax.tick_params(labelsize=7)
    format_numbers(bar.ax.xaxis, run)
    return figure


def draw_picture(axis, run, case_id, white_level=255):
    """Show a case's picture, the right side marked where it is known; return its shape."""
    image = run.image(case_id)
    axis.imshow(image, cmap="gray", vmin=0, vmax=white_level)
    axis.set(xticks=[], yticks=[])
    if run.is_right_known:
        place = {"transform": axis.transAxes, "ha": "left", "va": "top", "fontsize": 10}
        side = run.words.text("labels", "right_side")
        axis.text(0.02, 0.98, side, color="white", **place)
    return image.shape


def draw_outlines(axis, run, model, case_id, structures, shape):
    """Outline truth and prediction of each structure over a picture of this (H, W)."""
    for structure in structures:
        colour = structure_colour(structure, structures)
        for mask, style in (
            (run.truth(case_id, structure), "solid"),
            (run.mask(model, case_id, structure), "dashed"),
        ):
            if mask is not None and mask.any() and not mask.all():
                draw_outline(axis, mask, shape, colour, style)


def draw_outline(axis, mask, shape, colour, style):
    """Contour a mask over an image of perhaps another size."""
    x, y = (
        (np.arange(number) + 0.5) * size / number - 0.5
        for number, size in zip(mask.shape[::-1], shape[::-1], strict=True)
    )
    axis.contour(x, y, mask, levels=[0.5], colors=[colour], linewidths=1.1, linestyles=style)


def _drawn_first(run, case_ids, structures, count=3):
    """The first few cases whose truth is not empty, filled up with others."""
    found = []
    for case_id in case_ids:
        truths = (run.truth(case_id, name) for name in structures)
        if any(mask is not None and mask.any() for mask in truths):
            found.append(case_id)
        if len(found) == count:
            return found
    return [*found, *(case_id for case_id in case_ids if case_id not in found)][:count]


def _outline_legend(figure, run, structures, title=None):
    words = run.words
    named = {legend_name(name): structure_colour(name, structures) for name in structures}
    handles = [Patch(color=colour, label=words.structure(name)) for name, colour in named.items()]
    for key, style in (("truth", "solid"), ("prediction", "dashed")):
        line = Line2D([], [], color="black", linestyle=style, label=words.text("labels", key))
        handles.append(line)
    num_columns = min(6, int(figure.get_figwidth() / 1.6))  # of names as long as any
    legend_below(figure, handles, num_columns, title)


def value_lines(run, row, structures):
    """`heart 0.81` for each structure the case has a truth of."""
    drawn = [name for name in structures if not np.isnan(row[f"dice_{name}"])]
    return [
        f"{run.words.structure(name)} {run.words.number(row[f'dice_{name}'])}" for name in drawn
    ]


def known_models(cases, models, default_count):
    """The models asked for, by default the first few with masks; ValueError for an unknown one."""
    known = models_with(cases, "dice")
    unknown = [model for model in models or [] if model not in known]
    if unknown:
        raise ValueError(
            f"The record has no model {', '.join(unknown)}; it has {', '.join(known)}."
        )
    return known[:default_count] if models is None else models or known


def pictured_cases(run, cases, models, structures):
    """The cases, in alphabetical order, of which a mask of each model was kept."""
    found = [
        case_id
        for case_id in sorted(set(cases["case_id"]))
        if all(any(run.has_mask(model, case_id, name) for name in structures) for model in models)
    ]
    if not found:
        raise FileNotFoundError(
            f"{run.folder} keeps no test case with masks of {', '.join(models)}. "
            "Write them with write_masks."
        )
    return found


def _find_attention(run, model, case_id):
    """Model, case and maps by layer; the class activation maps of a classifier do not count."""
    kept = [(name, case) for name, case, _ in run.attention_maps()]
    wanted = [pair for pair in kept if model in (None, pair[0]) and case_id in (None, pair[1])]
    if not wanted:
        raise FileNotFoundError(
            f"{run.folder / 'attention'} holds no map of {model or 'any model'}."
        )
    name, case = wanted[0]
    layers = [layer for *pair, layer in run.attention_maps() if tuple(pair) == wanted[0]]
    maps = run.attention(name, case)
    return name, case, {layer: maps[layer] for layer in layers}
