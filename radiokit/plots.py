"""Figures, each a pure function of a run's record: another language never trains again.

Every `plot_*` takes the record's folder and a language and returns a Matplotlib `Figure`, with
the run's stamp on it. Colours are Okabe and Ito's, told apart by colour-blind readers.
"""

import math
import re
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from radiokit.record import best_on_validation, main_study, read_run, structures_of, worst_cases

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW = "#56B4E9", "#E69F00", "#F0E442"
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
}
STAMP_LABEL = "stamp"  # the artist's gid, by which a stamp is found again
PANEL_INCHES = 2.6


def plot_overlays(folder, language="en", models=None, case_ids=None) -> Figure:
    """Outlines of truth and prediction over the radiographs, a row a case, a column a model.

    When to use: first of all; a score never shows where a mask is wrong.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        models: model names, the record's first four by default.
        case_ids: cases, by default the first three test cases in alphabetical order.

    Returns:
        A `Figure`; truth solid, prediction dashed, one colour a structure.

    Raises:
        FileNotFoundError: no kept picture or mask of these models.
        ValueError: a model the record does not have.
    """
    run = read_run(folder, language)
    cases = main_study(run.cases(), "test")
    models = _known_models(cases, models)[:4] if models is None else _known_models(cases, models)
    structures = structures_of(cases)
    case_ids = case_ids or _pictured_cases(run, cases, models, structures)[:3]
    figure, axes = _new_grid(run, len(case_ids), len(models))
    for row, case_id in zip(axes, case_ids, strict=True):
        for axis, model in zip(row, models, strict=True):
            _draw_radiograph(axis, run, case_id)
            _draw_outlines(axis, run, model, case_id, structures)
        row[0].set_ylabel(_shorten(case_id), fontsize=8)
    for axis, model in zip(axes[0], models, strict=True):
        axis.set_title(_wrap(run.words.name("models", model)), fontsize=9)
    _outline_legend(figure, run, structures)
    return figure


def plot_learning_curves(folder, language="en") -> Figure:
    """Loss in training and validation, and validation Dice, for each model.

    When to use: to see whether training had ended, and whether it learned by heart.

    Args:
        folder: the run's record, with `history_<model>.csv`.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Figure`; the losses above, the Dice below, a column a model.

    Raises:
        FileNotFoundError: no history in the record.
    """
    run = read_run(folder, language)
    histories = run.histories()
    num_columns = min(4, len(histories))
    num_rows = 2 * math.ceil(len(histories) / num_columns)
    figure = _new_figure(run, (2.5 * num_columns + 0.6, 1.9 * num_rows + 0.6))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharex=True, sharey="row")
    for axis in axes.flat:
        axis.set_visible(False)
    for index, (model, history) in enumerate(histories.items()):
        row, column = divmod(index, num_columns)
        pair = axes[2 * row : 2 * row + 2, column]
        _draw_history(pair, history, run, is_first=column == 0)
        pair[0].set_title(_wrap(run.words.name("models", model)), fontsize=9)
    names = (("training", "--", ORANGE), ("validation", "-", BLUE))
    lines = [Line2D([], [], color=c, linestyle=s, label=run.words.text("labels", k))
             for k, s, c in names]  # fmt: skip
    figure.legend(handles=lines, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def plot_scores(folder, language="en", metric="dice", split="test") -> Figure:
    """Scores of every model with their intervals, a panel a structure, beside published ones.

    When to use: instead of a bar chart; whether two intervals overlap is seen at once.

    Args:
        folder: the run's record, with scores in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        metric: `"dice"`, `"hd95_mm"` and so on, as in the scores.
        split: `"test"` or `"validation"`.

    Returns:
        A `Figure`; published Dice as hollow diamonds, drawn only for `metric="dice"`.

    Raises:
        ValueError: no scores of this metric and split.
    """
    run = read_run(folder, language)
    scores = run.scores_of(metric, split)
    models, structures = _unique(scores["model"]), _unique(scores["structure"])
    published = run.published() if metric == "dice" else {}
    num_columns = min(4, len(structures))
    num_rows = math.ceil(len(structures) / num_columns)
    height = num_rows * (0.34 * len(models) + 0.8) + 1.2
    figure = _new_figure(run, (2.0 * num_columns + 2.2, height))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharey=True)
    for axis in axes.flat[len(structures) :]:
        axis.set_visible(False)
    for axis, structure in zip(axes.flat, structures, strict=False):
        _draw_forest(axis, scores[scores["structure"] == structure], models, published, run)
        axis.set_title(run.words.structure(structure), fontsize=9)
        axis.set_xlabel(run.words.name("metrics", metric), fontsize=8)
    _forest_legend(figure, run, scores, published)
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
    figure, axes = _new_grid(run, num_rows, math.ceil((len(maps) + 1) / num_rows))
    for axis in axes.flat:
        axis.set_axis_off()
    _draw_radiograph(axes.flat[0], run, case_id)
    axes.flat[0].set_title(run.words.text("labels", "radiograph"), fontsize=8)
    for axis, (layer, attention) in zip(axes.flat[1:], maps.items(), strict=False):
        height, width = _draw_radiograph(axis, run, case_id)
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        colours = {"cmap": "viridis", "vmin": 0, "vmax": 1, "alpha": 0.55}
        shown = axis.imshow(attention, extent=extent, interpolation="bilinear", **colours)
        axis.set_title(layer, fontsize=8)
    bar = figure.colorbar(shown, ax=axes, orientation="horizontal", aspect=40, shrink=0.6)
    bar.set_label(
        f"{run.words.name('models', model)} · {run.words.text('labels', 'attention')}", fontsize=8
    )
    bar.ax.tick_params(labelsize=7)
    _format_numbers(bar.ax.xaxis, run)
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
    corners = {"lungs": (0, 0), "heart": (0, 2), "ribs": (1, 0), "clavicles": (1, 2)}
    best = {structure: best_on_validation(cases, structure) for structure in corners}
    case_id = case_id or _case_with_masks(run, cases, best)
    figure = _new_figure(run, (9.0, 5.4))
    grid = figure.add_gridspec(2, 3, width_ratios=(1, 1.7, 1))
    middle = figure.add_subplot(grid[:, 1])
    _draw_radiograph(middle, run, case_id)
    middle.set_xlabel(_shorten(case_id), fontsize=8)
    for structure, place in corners.items():
        axis = figure.add_subplot(grid[place])
        _draw_best_mask(axis, run, case_id, structure, *best[structure])
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
    structures = structures_of(worst)
    figure, axes = _new_grid(run, 1, len(worst), extra_height=0.17 * len(structures))
    for axis, (_, row) in zip(axes.flat, worst.iterrows(), strict=True):
        _draw_radiograph(axis, run, row["case_id"])
        _draw_outlines(axis, run, row["model"], row["case_id"], structures)
        axis.set_title("\n".join(_value_lines(run, row, structures)), fontsize=8)
        axis.set_xlabel(_shorten(row["case_id"]), fontsize=8)
    _outline_legend(figure, run, structures, run.words.name("models", worst["model"].iloc[0]))
    return figure


def plot_agreement(folder, language="en", quantity="cardiothoracic_ratio") -> Figure:
    """Bland and Altman's plot of a measurement read off the predicted masks.

    When to use: when the mask is a means and a number is the end, as the cardiothoracic ratio.

    Args:
        folder: the run's record; `cases.csv` has `<quantity>_true` and `<quantity>_predicted`,
            `metrics.json` the agreement.
        language: `"en"`, `"pt"` or `"es"`.
        quantity: the measurement's name.

    Returns:
        A `Figure`, a panel a model: differences against means, bias and limits with intervals.

    Raises:
        ValueError: the record has no agreement of this quantity.

    Paper: Bland and Altman, Lancet 1986.
    """
    run = read_run(folder, language)
    agreement = run.agreement()
    agreement = agreement[agreement["quantity"] == quantity]
    if agreement.empty:
        raise ValueError(f"{run.folder} has no agreement of {quantity!r}; write one first.")
    cases = main_study(run.cases(), "test")
    num_columns = min(2, len(agreement))
    num_rows = math.ceil(len(agreement) / num_columns)
    figure = _new_figure(run, (4.6 * num_columns, 3.4 * num_rows + 0.3))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(agreement) :]:
        axis.set_visible(False)
    for axis, (_, row) in zip(axes.flat, agreement.iterrows(), strict=False):
        _draw_agreement(axis, cases[cases["model"] == row["model"]], row, quantity, run)
    return figure


def plot_domain_shift(folder, language="en", structure="lungs", metric="dice") -> Figure:
    """Score on each data set after training on each, with intervals, as a matrix.

    When to use: to show what a network loses at another hospital. The diagonal is home.

    Args:
        folder: the run's record; scores with `trained_on` and `dataset` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        structure: the structure scored.
        metric: the score shown.

    Returns:
        A `Figure`, a row a training set, a column a test set.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder, language)
    scores = run.scores()
    if "trained_on" not in scores.columns:
        raise ValueError(f"{run.folder} has no score with `trained_on`: train on each set first.")
    wanted = (scores["metric"] == metric) & (scores["structure"] == structure)
    scores = scores[wanted & scores["trained_on"].notna() & (scores["split"] == "test")]
    if scores.empty:
        raise ValueError(f"{run.folder} has no domain-shift {metric} of {structure!r}.")
    rows, columns = _unique(scores["trained_on"]), _unique(scores["dataset"])
    figure = _new_figure(run, (1.9 * len(columns) + 2.2, 1.1 * len(rows) + 1.6))
    axis = figure.subplots()
    _draw_matrix(axis, scores, rows, columns, run)
    axis.set_title(f"{run.words.name('metrics', metric)}, {run.words.structure(structure)}",
                   fontsize=9)  # fmt: skip
    return figure


def stamp_figure(figure, stamp) -> bool:
    """Write the stamp above a figure, once; an empty stamp writes nothing.

    When to use: for a figure of one's own; those of this module carry it already.

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


def _style_stamp(text):
    text.set(gid=STAMP_LABEL, fontsize=10, color=VERMILLION)


def _new_figure(run, size_inches):
    figure = Figure(figsize=size_inches, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12)
    if run.stamp:
        _style_stamp(figure.suptitle(run.stamp))
    return figure


def _new_grid(run, num_rows, num_columns, extra_height=0.0):
    """A grid of bare square panels for pictures, axes (num_rows, num_columns)."""
    width = max(PANEL_INCHES * num_columns, 5.2)
    figure = _new_figure(run, (width, (PANEL_INCHES + extra_height) * num_rows + 1.1))
    axes = figure.subplots(num_rows, num_columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    return figure, axes


def _draw_radiograph(axis, run, case_id, white_level=255):
    """Show the radiograph, with the right side marked where it is known; return its shape."""
    image = run.image(case_id)
    axis.imshow(image, cmap="gray", vmin=0, vmax=white_level)
    axis.set(xticks=[], yticks=[])
    if run.is_right_known:
        place = {"transform": axis.transAxes, "ha": "left", "va": "top", "fontsize": 10}
        side = run.words.text("labels", "right_side")
        axis.text(0.02, 0.98, side, color="white", **place)
    return image.shape


def _draw_outlines(axis, run, model, case_id, structures):
    shape = run.image(case_id).shape
    for structure in structures:
        colour = _colour(structure, structures)
        masks = (
            (run.truth(case_id, structure), "solid"),
            (
                run.mask(model, case_id, structure),
                "dashed",
            ),
        )
        for mask, style in masks:
            if mask is not None and mask.any() and not mask.all():
                _draw_outline(axis, mask, shape, colour, style)


def _draw_outline(axis, mask, shape, colour, style):
    """Contour a mask over an image of perhaps another size."""
    x, y = (
        (np.arange(number) + 0.5) * size / number - 0.5
        for number, size in zip(mask.shape[::-1], shape[::-1], strict=True)
    )
    axis.contour(x, y, mask, levels=[0.5], colors=[colour], linewidths=1.1, linestyles=style)


def _outline_legend(figure, run, structures, title=None):
    words = run.words
    named = {_legend_name(name): _colour(name, structures) for name in structures}
    handles = [Patch(color=colour, label=words.structure(name)) for name, colour in named.items()]
    for key, style in (("truth", "solid"), ("prediction", "dashed")):
        line = Line2D([], [], color="black", linestyle=style, label=words.text("labels", key))
        handles.append(line)
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False,
                  fontsize=8, title=title, title_fontsize=8)  # fmt: skip


def _legend_name(structure):
    return "ribs" if re.fullmatch(r"[RL]\d+", structure) else structure


def _colour(structure, structures):
    """A structure's fixed colour; others take the palette in their order."""
    name = _legend_name(structure)
    if name in STRUCTURE_COLOURS:
        return STRUCTURE_COLOURS[name]
    return OTHER_COLOURS[structures.index(structure) % len(OTHER_COLOURS)]


def _draw_history(pair, history, run, is_first):
    """Losses in the upper axis, validation Dice in the lower one."""
    words = run.words
    epochs = history["epoch"] + 1 - history["epoch"].min()
    for column, style, colour in (("loss", "--", ORANGE), ("val_loss", "-", BLUE)):
        if column in history:
            pair[0].plot(epochs, history[column], style, color=colour)
    for column in history.columns[history.columns.str.startswith("val_dice")]:
        pair[1].plot(epochs, history[column], "-", color=BLUE)
    pair[1].set_ylim(0, 1.02)
    pair[1].set_xlabel(words.text("labels", "epoch"), fontsize=8)
    pair[1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axis, key in zip(pair, ("loss", "validation_score"), strict=True):
        axis.set_visible(True)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
        _format_numbers(axis.yaxis, run)
        if is_first:
            axis.set_ylabel(words.text("labels", key), fontsize=8)


def _draw_forest(axis, scores, models, published, run):
    """One panel: a point and its interval for each model, published ones as hollow diamonds."""
    structure = scores["structure"].iloc[0]
    for _, row in scores.iterrows():
        place = models.index(row["model"])
        colour, style = (PURPLE, "dotted") if row["kind"] == "range" else (BLUE, "solid")
        axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linestyle=style)
        axis.plot(row["estimate"], place, "o", color=colour, markersize=5)
    for place, model in enumerate(models):
        value = published.get(model, {}).get(structure)
        if value is not None:
            axis.plot(value, place + 0.25, "D", color=VERMILLION, fillstyle="none", markersize=5)
    names = [run.words.name("models", model) for model in models]
    axis.set_yticks(range(len(models)), names, fontsize=8)
    axis.set_ylim(len(models) - 0.5, -0.5)
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(axis="x", alpha=0.3)
    _format_numbers(axis.xaxis, run)


def _forest_legend(figure, run, scores, published):
    words, handles = run.words, []
    for kind, key, colour, style in (
        ("bootstrap", "interval", BLUE, "-"),
        ("range", "range", PURPLE, ":"),
    ):
        if (scores["kind"] == kind).any():
            label = words.text("labels", key)
            handles.append(Line2D([], [], marker="o", color=colour, linestyle=style, label=label))
    if published:
        diamond = {"marker": "D", "color": VERMILLION, "fillstyle": "none", "linestyle": ""}
        handles.append(Line2D([], [], label=words.text("labels", "published"), **diamond))
    figure.legend(handles=handles, loc="outside lower center", ncols=1, frameon=False, fontsize=8)


def _draw_best_mask(axis, run, case_id, structure, model, validation_dice):
    """The mask of the chosen model in colour over a dimmed radiograph."""
    words = run.words
    shape = _draw_radiograph(axis, run, case_id, white_level=400)  # dimmed
    mask = run.mask(model, case_id, structure)
    if mask is None:
        raise FileNotFoundError(f"{run.folder} keeps no {structure} mask of {model} in {case_id}.")
    colour = STRUCTURE_COLOURS[structure]
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    rgba = np.zeros((*mask.shape, 4))
    rgba[mask] = (*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 0.75)
    axis.imshow(rgba, extent=extent, interpolation="nearest")
    axis.set_title(f"{words.structure(structure)}\n{words.name('models', model)}", fontsize=8)
    score = {"score": f"{words.name('metrics', 'dice')} {words.number(validation_dice)}"}
    axis.set_xlabel(words.text("labels", "chosen", score), fontsize=7)


def _draw_agreement(axis, cases, row, quantity, run):
    words = run.words
    true, predicted = cases[f"{quantity}_true"], cases[f"{quantity}_predicted"]
    axis.plot((true + predicted) / 2, predicted - true, "o", color=BLUE, markersize=4, alpha=0.7)
    for key, colour, style in (
        ("bias", VERMILLION, "-"),
        ("lower_limit", "black", "--"),
        ("upper_limit", "black", "--"),
    ):
        axis.axhline(row[key], color=colour, linestyle=style, linewidth=1)
        low, high = (np.nan if end is None else end for end in row[f"{key}_interval"])
        if np.isfinite([low, high]).all():
            axis.axhspan(low, high, color=colour, alpha=0.12, linewidth=0)
    limits = {"low": words.number(row["lower_limit"]), "high": words.number(row["upper_limit"])}
    lines = [
        words.name("models", row["model"]),
        words.text("labels", "bias", {"value": words.number(row["bias"])}),
        words.text("labels", "limits", limits),
    ]
    axis.set_title("\n".join(lines), fontsize=8)
    count = {"quantity": words.name("quantities", quantity), "count": int(row["num_cases"])}
    name = words.text("labels", "quantity", count)
    axis.set_xlabel(f"{words.text('labels', 'mean_of_both')}\n{name}", fontsize=8)
    axis.set_ylabel(words.text("labels", "difference"), fontsize=8)
    axis.tick_params(labelsize=7)
    _format_numbers(axis.xaxis, run)
    _format_numbers(axis.yaxis, run)


def _draw_matrix(axis, scores, rows, columns, run):
    words = run.words
    values = np.full((len(rows), len(columns)), np.nan)
    for _, score in scores.iterrows():
        place = rows.index(score["trained_on"]), columns.index(score["dataset"])
        values[place] = score["estimate"]
        ends = words.interval(score["estimate"], score["low"], score["high"], digits=2)
        mark = "*" if score["kind"] == "range" else ""
        colour = "black" if score["estimate"] > 0.6 else "white"
        label = ends.replace(" (", "\n(") + mark
        axis.text(*place[::-1], label, ha="center", va="center", color=colour, fontsize=9)
    axis.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for set_ticks, names in ((axis.set_xticks, columns), (axis.set_yticks, rows)):
        labels = [words.name("datasets", name) for name in names]
        set_ticks(range(len(names)), labels, fontsize=8)
    axis.set_xlabel(words.text("labels", "tested_on"), fontsize=8)
    axis.set_ylabel(words.text("labels", "trained_on"), fontsize=8)


def _format_numbers(axis, run):
    """Round ticks, written as long as they are: a rounded label would stand in the wrong place."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], min_n_ticks=3))
    axis.set_major_formatter(FuncFormatter(lambda value, _: run.words.short_number(value)))


def _value_lines(run, row, structures):
    """`heart 0.81` for each structure the case has a truth of."""
    drawn = [name for name in structures if not np.isnan(row[f"dice_{name}"])]
    return [
        f"{run.words.structure(name)} {run.words.number(row[f'dice_{name}'])}" for name in drawn
    ]


def _unique(column):
    return list(dict.fromkeys(column))


def _known_models(cases, models):
    known = _unique(cases["model"])
    unknown = [model for model in models or [] if model not in known]
    if unknown:
        raise ValueError(
            f"The record has no model {', '.join(unknown)}; it has {', '.join(known)}."
        )
    return models or known


def _pictured_cases(run, cases, models, structures):
    """Cases, in alphabetical order, with a mask of each model."""
    found = [
        case_id
        for case_id in sorted(set(cases["case_id"]))
        if all(
            any(run.mask(model, case_id, name) is not None for name in structures)
            for model in models
        )
    ]
    if not found:
        raise FileNotFoundError(
            f"{run.folder} keeps no test case with masks of {', '.join(models)}. "
            "Write them with write_masks."
        )
    return found


def _find_attention(run, model, case_id):
    folders = sorted(path for path in (run.folder / "attention").glob("*") if path.is_dir())
    models = [model] if model else [path.name for path in folders]
    case_ids = [case_id] if case_id else sorted(set(run.cases()["case_id"]))
    for name in models:
        for case in case_ids:
            maps = run.attention(name, case)
            if maps:
                return name, case, maps
    raise FileNotFoundError(f"{run.folder / 'attention'} holds no map of {model or 'any model'}.")


def _case_with_masks(run, cases, best):
    for case_id in sorted(set(main_study(cases, "test")["case_id"])):
        chosen = ((model, structure) for structure, (model, _) in best.items())
        if all(run.mask(model, case_id, structure) is not None for model, structure in chosen):
            return case_id
    wanted = ", ".join(f"{structure} of {model}" for structure, (model, _) in best.items())
    raise FileNotFoundError(f"{run.folder} keeps no test case with the masks: {wanted}.")


def _wrap(name):
    return textwrap.fill(name, 22)


def _shorten(text, longest=24):
    return text if len(text) <= longest else f"{text[:10]}…{text[-12:]}"
