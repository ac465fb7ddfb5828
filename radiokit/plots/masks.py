"""Masks as areas of colour: label maps beside the truth, and the best mask of each structure."""

import numpy as np
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from radiokit.plots.figure import (
    STRUCTURE_COLOURS,
    legend_below,
    new_figure,
    new_grid,
    shorten,
    structure_colour,
    unique,
    wrap,
)
from radiokit.plots.pictures import draw_picture, known_models, pictured_cases, value_lines
from radiokit.record import best_on_validation, foreground_of, main_study, read_run, structures_of

CORNERS = {"lungs": (0, 0), "heart": (0, 2), "ribs": (1, 0), "clavicles": (1, 2)}


def plot_masks(folder, language="en", models=None, case_ids=None) -> Figure:
    """Picture, true label map, and each model's, side by side; a row a case.

    When to use: for classes that exclude one another, as myocardium and blood pool. Read a row
    from left to right; the Dice of each class stands under each prediction.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        models: model names, the record's first two by default.
        case_ids: cases. By default three test cases by the first model's mean Dice over the
            classes but the background: a good one (90th percentile), the median, the worst.
            Ranked are the kept cases whose truth holds every class, or all where none does.

    Returns:
        A `Figure`.

    Raises:
        FileNotFoundError: no kept picture or mask of these models.
        ValueError: a model the record does not have.
    """
    run = read_run(folder, language)
    cases = main_study(run.cases(), "test")
    models = known_models(cases, models, default_count=2)
    structures = foreground_of(structures_of(cases))
    if not case_ids:
        kept = pictured_cases(run, cases, models, structures)
        case_ids = _good_median_worst(run, cases[cases["model"] == models[0]], kept, structures)
    extra = 0.17 * len(structures)
    figure, axes = new_grid(run, len(case_ids), len(models) + 2, extra)
    for row, case_id in zip(axes, case_ids, strict=True):
        draw_picture(row[0], run, case_id)
        row[0].set_ylabel(shorten(case_id), fontsize=8)
        _draw_labels(row[1], [run.truth(case_id, name) for name in structures], structures)
        for axis, model in zip(row[2:], models, strict=True):
            masks = [run.mask(model, case_id, name) for name in structures]
            _draw_labels(axis, masks, structures)
            scored = cases[(cases["model"] == model) & (cases["case_id"] == case_id)].iloc[0]
            axis.set_xlabel("\n".join(value_lines(run, scored, structures)), fontsize=8)
    titles = [run.words.text("labels", key) for key in ("picture", "truth")]
    titles += [wrap(run.words.name("models", model)) for model in models]
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    shown = ["background", *structures]
    legend_below(figure, [
        Patch(color=structure_colour(name, shown), label=run.words.structure(name))
        for name in shown
    ], len(shown))  # fmt: skip
    return figure


def plot_final_figure(folder, language="en", case_id=None) -> Figure:
    """The study's figure: a radiograph, and around it the best mask of each structure.

    When to use: as the picture of a whole run. The model of each structure is the one with the
    highest validation Dice; the picture is a test case, so nothing was chosen on what is shown.

    Args:
        folder: the run's record, with validation and test rows in `cases.csv`.
        language: `"en"`, `"pt"` or `"es"`.
        case_id: by default the first test case with masks of all the chosen models.

    Returns:
        A `Figure`: lungs top left, heart top right, ribs bottom left, clavicles bottom right.

    Raises:
        ValueError: a structure has no validation Dice.
        FileNotFoundError: no test case has all the masks.
    """
    run = read_run(folder, language)
    cases = run.cases()
    best = {structure: best_on_validation(cases, structure) for structure in CORNERS}
    case_id = case_id or _case_with_masks(run, cases, best)
    figure = new_figure(run, (9.0, 5.4))
    grid = figure.add_gridspec(2, 3, width_ratios=(1, 1.7, 1))
    middle = figure.add_subplot(grid[:, 1])
    draw_picture(middle, run, case_id)
    middle.set_xlabel(shorten(case_id), fontsize=8)
    for structure, place in CORNERS.items():
        axis = figure.add_subplot(grid[place])
        _draw_best_mask(axis, run, case_id, structure, *best[structure])
    return figure


def _draw_labels(axis, masks, structures):
    """One colour a class; a class that nobody drew is left to the background."""
    shape = next(mask.shape for mask in masks if mask is not None)
    labels = np.zeros(shape, int)
    for number, mask in enumerate(masks, 1):
        if mask is not None:
            labels[mask] = number
    shown = ["background", *structures]
    colours = ListedColormap([structure_colour(name, shown) for name in shown])
    axis.imshow(labels, cmap=colours, vmin=0, vmax=len(structures), interpolation="nearest")


def _good_median_worst(run, cases, kept, structures):
    """Cases at the 90th percentile, the median and the bottom of the mean Dice."""
    cases = cases[cases["case_id"].isin(kept)]
    truths = {
        case_id: [run.truth(case_id, name) for name in structures]
        for case_id in unique(cases["case_id"])
    }
    whole = [
        case_id
        for case_id, masks in truths.items()
        if all(mask is None or mask.any() for mask in masks)
    ]
    if whole:
        cases = cases[cases["case_id"].isin(whole)]
    columns = [f"dice_{name}" for name in structures]
    means = cases.set_index("case_id")[columns].mean(axis=1).sort_values(kind="stable")
    places = [round(share * (len(means) - 1)) for share in (0.9, 0.5, 0)]
    return unique(means.index[place] for place in places)


def _draw_best_mask(axis, run, case_id, structure, model, validation_dice):
    """The mask of the chosen model in colour over a dimmed radiograph."""
    words = run.words
    shape = draw_picture(axis, run, case_id, white_level=400)  # dimmed
    mask = run.mask(model, case_id, structure)
    if mask is None:
        raise FileNotFoundError(f"{run.folder} keeps no {structure} mask of {model} in {case_id}.")
    colour = STRUCTURE_COLOURS[structure]
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    rgba = np.zeros((*mask.shape, 4))
    rgba[mask] = (*to_rgb(colour), 0.75)
    axis.imshow(rgba, extent=extent, interpolation="nearest")
    axis.set_title(f"{words.structure(structure)}\n{words.name('models', model)}", fontsize=8)
    score = {"score": f"{words.name('metrics', 'dice')} {words.number(validation_dice)}"}
    axis.set_xlabel(words.text("labels", "chosen", score), fontsize=7)


def _case_with_masks(run, cases, best):
    for case_id in sorted(set(main_study(cases, "test")["case_id"])):
        chosen = ((model, structure) for structure, (model, _) in best.items())
        if all(run.mask(model, case_id, structure) is not None for model, structure in chosen):
            return case_id
    wanted = ", ".join(f"{structure} of {model}" for structure, (model, _) in best.items())
    raise FileNotFoundError(f"{run.folder} keeps no test case with the masks: {wanted}.")
