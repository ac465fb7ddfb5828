"""Many labels side by side: how many images have each, and what a classifier makes of them."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from radiokit import metrics
from radiokit.plots.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    format_numbers,
    legend_below,
    new_figure,
)
from radiokit.plots.panels import models_to_compare, shown_cases, who_is_shown
from radiokit.record import answered_labels, label_arrays, read_run

SCORES = ("accuracy", "f1")
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
SPLIT_COLOURS = {"train": SKY, "validation": ORANGE, "test": BLUE}


def plot_label_counts(folder, language="en") -> Figure:
    """Images of every label, stacked by split, the most frequent label first.

    When to use: before any training, to see what is too rare to be learned or to be tested.

    Args:
        folder: the run's record, with `label_counts.csv` of `report.write_label_counts`.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Figure`; the number of images stands above each bar.

    Raises:
        FileNotFoundError: no such table in the record.
    """
    run = read_run(folder, language)
    counts = run.label_counts()
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = new_figure(run, (0.34 * len(counts) + 1.6, 3.6))
    axis = figure.subplots()
    below = np.zeros(len(counts))
    for split, column in counts.items():
        axis.bar(range(len(counts)), column, 0.8, below, color=SPLIT_COLOURS.get(split, PURPLE))
        below += column.to_numpy()
    for place, total in enumerate(below):
        axis.text(place, total, f"{total:.0f}", ha="center", va="bottom", fontsize=7)
    _name_labels(axis, run, counts.index)
    axis.set_ylabel(run.words.text("labels", "images"), fontsize=8)
    axis.tick_params(axis="y", labelsize=7)
    axis.margins(y=0.1)
    handles = [
        Patch(color=SPLIT_COLOURS.get(split, PURPLE), label=run.words.name("splits", split))
        for split in counts
    ]
    legend_below(figure, handles, len(handles))
    return figure


def plot_label_bars(folder, language="en", model=None) -> Figure:
    """Accuracy and F1 of every label at threshold 0.5, and on a second axis its test images.

    When to use: to see what a mean hides. Where a label is rare, accuracy stays high whatever
    the model does, and F1 hangs on a handful of images.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the best on validation.

    Returns:
        A `Figure` of the test split; an F1 of no positive and no call is undefined and not drawn.

    Raises:
        ValueError: no probabilities of the model.
    """
    run = read_run(folder, language)
    model, cases = shown_cases(run, model, "slices")
    scores = score_each_label(cases)
    bars = {run.words.metric(name): scores[name] for name in SCORES}
    return _draw_bars(run, bars, scores["positives"], who_is_shown(run, model, cases, "slices"))


def plot_label_comparison(folder, language="en", metric="f1", models=None) -> Figure:
    """One score of every label, several models side by side, and the test images of each label.

    When to use: to compare a network with its ensembles, label by label, without a mean.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        metric: `"accuracy"` or `"f1"`, at threshold 0.5.
        models: by default the single network that is the best on validation by exact match, and all
            ensembles (their names begin with "stacking"); where there is no ensemble, all models.
            Five at most.

    Returns:
        A `Figure` of the test split.

    Raises:
        ValueError: another metric, or no probabilities of a model.
    """
    if metric not in SCORES:
        raise ValueError(f"metric is {metric!r}; needed is one of {', '.join(SCORES)}.")
    run = read_run(folder, language)
    models = list(models or models_to_compare(run))[: len(COLOURS)]
    shown = {model: shown_cases(run, model, "slices")[1] for model in models}
    scores = {model: score_each_label(cases) for model, cases in shown.items()}
    bars = {run.words.name("models", model): scores[model][metric] for model in models}
    title = f"{run.words.metric(metric)} · "
    title += who_is_shown(run, models[0], shown[models[0]], "slices").partition(" · ")[2]
    return _draw_bars(run, bars, scores[models[0]]["positives"], title)


def score_each_label(cases) -> pd.DataFrame:
    """Accuracy, F1 and positives of every label at threshold 0.5.

    When to use: for a figure of many labels; intervals are in the rows of `score_labels`.

    Args:
        cases: rows of one model and split, with `truth_<label>` and `probability_<label>`.

    Returns:
        Columns `accuracy, f1, positives`, a row a label; NaN where undefined.
    """
    labels = answered_labels(cases)
    truth, probability = label_arrays(cases, labels)
    called = probability >= 0.5
    report = metrics.classification_report(truth, called.astype(int), labels).loc[labels]
    num_known = np.maximum((truth >= 0).sum(axis=0), 1)
    is_known = (truth >= 0).any(axis=0)
    accuracy = np.where(is_known, 1 - (report["fp"] + report["fn"]) / num_known, np.nan)
    return pd.DataFrame(
        {"accuracy": accuracy, "f1": report["f1"], "positives": report["support"]}, labels
    )


def _draw_bars(run, bars, positives, title):
    """Groups of bars by label; the number of positives on a second axis."""
    labels = list(positives.index)
    figure = new_figure(run, (0.36 * len(labels) + 2.0, 4.0))
    axis = figure.subplots()
    width = 0.8 / len(bars)
    for place, (values, colour) in enumerate(zip(bars.values(), COLOURS, strict=False)):
        shift = width * (place + 0.5) - 0.4
        axis.bar(np.arange(len(labels)) + shift, values, width, color=colour)
    axis.set_ylim(0, 1.02)
    axis.tick_params(axis="y", labelsize=7)
    format_numbers(axis.yaxis, run)
    _name_labels(axis, run, labels)
    second = axis.twinx()
    marker = {"marker": "D", "markersize": 5, "linestyle": "", "color": "black"}
    marker["markeredgecolor"] = "white"
    second.plot(range(len(labels)), positives, **marker)
    second.set_ylim(0, 1.08 * max(positives.max(), 1))
    second.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    second.tick_params(labelsize=7)
    second.set_ylabel(run.words.text("labels", "positives_axis"), fontsize=8)
    handles = [Patch(color=colour, label=name) for name, colour in zip(bars, COLOURS, strict=False)]
    handles.append(Line2D([], [], label=run.words.text("labels", "positives_axis"), **marker))
    legend_below(figure, handles, len(handles), title)
    return figure


def _name_labels(axis, run, labels):
    """The labels' names below, upright: there are too many to lie."""
    names = [run.words.label(label) for label in labels]
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.tick_params(axis="x", labelsize=8)
    axis.set_xlim(-0.6, len(names) - 0.4)
