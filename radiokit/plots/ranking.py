"""A worklist: how soon the positive exams are read when the likeliest come first."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit import metrics, stats
from radiokit.plots.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
)
from radiokit.record import known_label, labels_of, models_with, read_run

BUDGET = 0.25  # share of the exams, where the run's settings name none
MODEL_STYLES = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, (0, (5, 1, 1, 1, 1, 1))))


def plot_worklist(folder, language="en", models=None, label="any", budget=None) -> Figure:
    """Share of the positive exams found against the share of exams read.

    When to use: for triage. The order matters only where not everything is read at once: at the
    reading budget the height of a curve is the share of haemorrhages that did not have to wait.

    Args:
        folder: the run's record, with `exams.csv`; its rows are in order of arrival.
        language: `"en"`, `"pt"` or `"es"`.
        models: model names, by default the first four of `exams.csv`.
        label: the finding the list is sorted by.
        budget: share of the exams that can be read, above 0 to 1; None takes `reading_budget`
            of the run's settings, or else a quarter.

    Returns:
        A `Figure` of the test split: a curve a model with its share at the budget and the
        interval over patients, random order, and order of arrival.

    Raises:
        FileNotFoundError: no `exams.csv`.
        ValueError: no test exam with this label, or none that is positive.
    """
    run = read_run(folder, language)
    if budget is None:
        budget = run.metrics["settings"].get("reading_budget", BUDGET)
    lists = _worklists(run, models, label)
    figure = new_figure(run, (5.6, 4.6))
    axis = figure.subplots()
    axis.plot([0, 100], [0, 1], color="grey", linestyle=":")
    handles = [Line2D([], [], color="grey", linestyle=":",
                      label=run.words.text("labels", "random_order"))]  # fmt: skip
    handles.append(_draw_arrival(axis, run, next(iter(lists.values()))))
    for (model, exams), (colour, style) in zip(lists.items(), MODEL_STYLES, strict=False):
        read = np.linspace(0, 1, 201)
        found = metrics.sensitivity_at_budget(exams["truth"], exams["probability"], read)
        axis.plot(100 * read, found, color=colour, linestyle=style)
        values = {"model": run.words.name("models", model)}
        values["score"] = _at_budget(run, exams, budget)
        name = run.words.text("labels", "at_budget", values)
        handles.append(Line2D([], [], color=colour, linestyle=style, label=name))
    handles.append(_draw_budget(axis, run, next(iter(lists.values())), budget))
    axis.set_xlabel(run.words.text("labels", "exams_read"), fontsize=8)
    axis.set_ylabel(f"{run.words.metric('sensitivity')}, {run.words.label(label)}", fontsize=8)
    axis.set(xlim=(0, 100), ylim=(0, 1.02))
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    format_numbers(axis.xaxis, run)
    format_numbers(axis.yaxis, run)
    legend_below(figure, handles)
    return figure


def _worklists(run, models, label):
    """Truth, probability and patient of the test exams, by model."""
    exams = run.classified("exams")
    exams = exams[exams["split"] == "test"]
    if label not in labels_of(exams):
        raise ValueError(
            f"{run.folder / 'exams.csv'} has no probability of {label!r}; it has "
            f"{', '.join(labels_of(exams)) or 'none'}."
        )
    models = models or models_with(exams, "probability")[: len(MODEL_STYLES)]
    lists = {model: known_label(exams[exams["model"] == model], label) for model in models}
    for model, known in lists.items():
        if not known["truth"].any():
            raise ValueError(f"{run.folder} has no positive test exam of {label!r} by {model!r}.")
    return lists


def _draw_arrival(axis, run, exams):
    """Found so far when the exams are read as they came."""
    read = 100 * np.arange(len(exams) + 1) / len(exams)
    found = np.append(0, exams["truth"].cumsum()) / exams["truth"].sum()
    (line,) = axis.plot(read, found, color=ORANGE, linewidth=1, drawstyle="steps-post")
    line.set_label(run.words.text("labels", "first_come"))
    return line


def _at_budget(run, exams, budget):
    """Share found at the budget, with its interval over patients."""

    def score(truth, probability):
        return metrics.sensitivity_at_budget(truth, probability, float(budget))

    found = stats.score_interval(
        score, exams["truth"], exams["probability"], exams["patient"], run.metrics["seed"]
    )
    return run.words.interval(found.estimate, found.low, found.high, 2)


def _draw_budget(axis, run, exams, budget):
    line = axis.axvline(100 * budget, color="black", linewidth=1)
    values = {"count": len(exams), "positives": int(exams["truth"].sum())}
    values["share"] = run.words.short_number(100 * budget)
    line.set_label(run.words.text("labels", "budget", values))
    return line
