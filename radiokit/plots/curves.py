"""Curves: how a training went, and what a separable layer costs beside a conventional one."""

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from radiokit.plots.figure import (
    BLUE,
    ORANGE,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
    wrap,
)
from radiokit.record import read_run

DICE_COLUMN = "val_(masks_)?dice"  # of a network with several outputs, that of its masks
# Column of a cost, marker, line and colour.
COSTS = (
    ("ratio_formula", "", "-", "black"),
    ("ratio_counted", "o", "", BLUE),
    ("ratio_measured", "s", "--", VERMILLION),
)


def plot_learning_curves(folder, language="en") -> Figure:
    """Loss in training and validation, and validation Dice, for each model that segments.

    When to use: to see whether training had ended, and whether it learned by heart. The curves
    of a classifier are drawn by `plot_label_curves`.

    Args:
        folder: the run's record, with `training/<model>/history.csv` or `history_<model>.csv`.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Figure`; the losses above, the Dice below, a column a model.

    Raises:
        FileNotFoundError: no history in the record.
    """
    run = read_run(folder, language)
    histories = _segmenting(run.histories())
    num_columns = min(4, len(histories))
    num_rows = 2 * math.ceil(len(histories) / num_columns)
    figure = new_figure(run, (2.5 * num_columns + 0.6, 1.9 * num_rows + 0.6))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharex=True, sharey="row")
    for axis in axes.flat:
        axis.set_visible(False)
    for index, (model, history) in enumerate(histories.items()):
        row, column = divmod(index, num_columns)
        pair = axes[2 * row : 2 * row + 2, column]
        _draw_history(pair, history, run, is_first=column == 0)
        pair[0].set_title(wrap(run.words.name("models", model)), fontsize=9)
    names = (("training", "--", ORANGE), ("validation", "-", BLUE))
    lines = [Line2D([], [], color=c, linestyle=s, label=run.words.text("labels", k))
             for k, s, c in names]  # fmt: skip
    legend_below(figure, lines, 2)
    return figure


def plot_cost(folder, language="en") -> Figure:
    """Multiply-adds and time of a separable layer over a conventional one, against its width.

    When to use: to see how little of the saving promised by 1/D + 1/Q² (D outputs, Q × Q kernel)
    arrives as time on one's own machine.

    Args:
        folder: the run's record, with rows `width`, `ratio_formula`, `ratio_counted` and
            `ratio_measured` under `cost` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Figure`; at the grey line the separable layer costs as much as the conventional one.

    Raises:
        ValueError: the record has no cost.
    """
    run = read_run(folder, language)
    words, cost = run.words, run.cost().sort_values("width")
    figure = new_figure(run, (5.6, 3.9))
    axis = figure.subplots()
    axis.axhline(1, color="grey", linewidth=0.8)
    for column, marker, style, colour in COSTS:
        axis.plot(cost["width"], cost[column], marker=marker, linestyle=style, color=colour,
                  markersize=5, label=words.text("labels", column))  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_ylim(bottom=0)
    axis.set_xlabel(words.text("labels", "width"), fontsize=8)
    axis.set_ylabel(words.text("labels", "cost_ratio"), fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    format_numbers(axis.yaxis, run)
    axis.set_xticks(cost["width"])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    legend_below(figure, axis.get_lines()[1:])
    return figure


def _segmenting(histories):
    """Those with a Dice, without the classifiers'; all where there is none."""
    found = {
        name: history
        for name, history in histories.items()
        if history.columns.str.match(DICE_COLUMN).any()
    }
    return found or histories


def _draw_history(pair, history, run, is_first):
    """Losses in the upper axis, validation Dice in the lower one."""
    words = run.words
    epochs = history["epoch"] + 1 - history["epoch"].min()
    for column, style, colour in (("loss", "--", ORANGE), ("val_loss", "-", BLUE)):
        if column in history:
            pair[0].plot(epochs, history[column], style, color=colour)
    for column in history.columns[history.columns.str.match(DICE_COLUMN)]:
        pair[1].plot(epochs, history[column], "-", color=BLUE)
    pair[1].set_ylim(0, 1.02)
    pair[1].set_xlabel(words.text("labels", "epoch"), fontsize=8)
    pair[1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axis, key in zip(pair, ("loss", "validation_score"), strict=True):
        axis.set_visible(True)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
        format_numbers(axis.yaxis, run)
        if is_first:
            axis.set_ylabel(words.text("labels", key), fontsize=8)
