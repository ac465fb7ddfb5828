"""Scores with their intervals: a forest of points beside published ones, and domain shift."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit.plots.figure import (
    BLUE,
    GREEN,
    PURPLE,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
    unique,
)
from radiokit.record import read_run

# Colour and line of each kind of interval.
KIND_STYLES = {"bootstrap": (BLUE, "-"), "range": (PURPLE, ":"), "none": (GREEN, "")}


def plot_scores(folder, language="en", metric="dice", split="test") -> Figure:
    """Scores of every model with their intervals, a panel a structure, beside published ones.

    When to use: instead of a bar chart; whether two intervals overlap is seen at once.

    Args:
        folder: the run's record, with scores in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        metric: `"dice"`, `"hd95_mm"`, `"dice_3d"` and so on, as in the scores.
        split: `"test"` or `"validation"`.

    Returns:
        A `Figure`; published scores of the same metric as hollow diamonds.

    Raises:
        ValueError: no scores of this metric and split.
    """
    run = read_run(folder, language)
    scores = run.scores_of(metric, split)
    models, structures = unique(scores["model"]), unique(scores["structure"])
    published = run.published(metric)
    num_columns = min(4, len(structures))
    num_rows = math.ceil(len(structures) / num_columns)
    height = num_rows * (0.34 * len(models) + 0.8) + 1.2
    figure = new_figure(run, (2.0 * num_columns + 2.2, height))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharey=True)
    for axis in axes.flat[len(structures) :]:
        axis.set_visible(False)
    for axis, structure in zip(axes.flat, structures, strict=False):
        _draw_forest(axis, scores[scores["structure"] == structure], models, published, run)
        axis.set_title(run.words.structure(structure), fontsize=9)
        axis.set_xlabel(run.words.metric(metric), fontsize=8)
    _forest_legend(figure, run, scores, published)
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
        A `Figure`, a row a training set, a column a test set; an asterisk, explained below,
        marks a range of fewer than ten patients.

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
    rows, columns = unique(scores["trained_on"]), unique(scores["dataset"])
    figure = new_figure(run, (1.9 * len(columns) + 2.2, 1.1 * len(rows) + 1.6))
    axis = figure.subplots()
    _draw_matrix(axis, scores, rows, columns, run)
    axis.set_title(f"{run.words.metric(metric)}, {run.words.structure(structure)}",
                   fontsize=9)  # fmt: skip
    if (scores["kind"] == "range").any():
        figure.supxlabel(run.words.text("tables", "range_note"), fontsize=8)
    return figure


def _draw_forest(axis, scores, models, published, run):
    """One panel: a point and its interval for each model, published ones as hollow diamonds."""
    structure = scores["structure"].iloc[0]
    for _, row in scores.iterrows():
        place = models.index(row["model"])
        colour, style = KIND_STYLES.get(row["kind"], KIND_STYLES["bootstrap"])
        axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linestyle=style)
        axis.plot(row["estimate"], place, "o", color=colour, markersize=5)
    if scores["estimate"].isna().all():
        place = {"transform": axis.transAxes, "ha": "center", "va": "center", "fontsize": 8}
        axis.text(0.5, 0.5, _why_empty(run, scores), **place)
        axis.set_xlim(0, 1)
    for place, model in enumerate(models):
        value = published.get(model, {}).get(structure)
        if value is not None:
            axis.plot(value, place + 0.25, "D", color=VERMILLION, fillstyle="none", markersize=5)
    names = [run.words.name("models", model) for model in models]
    axis.set_yticks(range(len(models)), names, fontsize=8)
    axis.set_ylim(len(models) - 0.5, -0.5)
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(axis="x", alpha=0.3)
    format_numbers(axis.xaxis, run)


def _why_empty(run, scores):
    """The kind of case a classifier's label lacks; a dash where another score is undefined."""
    for column, key in (("num_positives", "no_positive"), ("num_negatives", "no_negative")):
        if column in scores and (scores[column] == 0).all():
            return run.words.text("labels", key)
    return run.words.number(None)


def _forest_legend(figure, run, scores, published):
    words, handles = run.words, []
    keys = {"bootstrap": "interval", "range": "range", "none": "no_interval"}
    for kind, (colour, style) in KIND_STYLES.items():
        if (scores["kind"] == kind).any():
            label = words.text("labels", keys[kind])
            handles.append(Line2D([], [], marker="o", color=colour, linestyle=style, label=label))
    if published:
        diamond = {"marker": "D", "color": VERMILLION, "fillstyle": "none", "linestyle": ""}
        handles.append(Line2D([], [], label=run.published_label, **diamond))
    legend_below(figure, handles)


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
