"""What it costs to say "I don't know": coverage against risk."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit import stats
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
from radiokit.plots.panels import models_to_compare, shown_cases
from radiokit.record import answered_labels, label_arrays, patients_of, read_run

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE)


def plot_coverage_risk(folder, language="en", models=None) -> Figure:
    """Share of images with a wrong label among those answered, against the share answered.

    When to use: to choose how much to hand over to a human. An image is as sure as its least sure
    label, whose probability lies nearest to 0.5, and wrong when any label is.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        models: by default the single network that is the best on validation, and all ensembles, as
            for `plot_label_comparison`; five at most.

    Returns:
        A `Figure` of the test split: a line a model with its 95 % band over patients.

    Raises:
        ValueError: no probabilities of a model.

    Paper: El-Yaniv and Wiener, JMLR 2010.
    """
    run = read_run(folder, language)
    models = list(models or models_to_compare(run))[: len(COLOURS)]
    figure = new_figure(run, (5.4, 3.4 + 0.2 * len(models)))
    axis = figure.subplots()
    handles = []
    for model, colour in zip(models, COLOURS, strict=False):
        cases = shown_cases(run, model, "slices")[1]
        band = stats.coverage_risk_band(*_confidence(cases))
        percent = 100 * band
        axis.plot(percent["coverage"], percent["risk"], color=colour)
        axis.fill_between(percent["coverage"], percent["low"], percent["high"],
                          color=colour, alpha=0.15, linewidth=0)  # fmt: skip
        share = run.words.number(percent["risk"].iloc[-1], 0)
        values = {"model": run.words.name("models", model), "share": share}
        text = run.words.text("labels", "wrong_of_all", values)
        handles.append(Line2D([], [], color=colour, label=text))
    axis.set_xlabel(run.words.text("labels", "coverage"), fontsize=8)
    axis.set_ylabel(run.words.text("labels", "risk"), fontsize=8)
    axis.set_xlim(0, 101)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize=7)
    format_numbers(axis.yaxis, run)
    legend_below(figure, handles)
    return figure


def _confidence(cases):
    """Distance from 0.5 of the least sure label, whether any label is wrong, and the patient.

    (N,) each; images of which nothing is known are left out.
    """
    labels = answered_labels(cases)
    truth, probability = label_arrays(cases, labels)
    is_known = truth >= 0
    distance = np.where(is_known, np.abs(probability - 0.5), np.inf).min(axis=1)
    is_wrong = (((truth == 1) != (probability >= 0.5)) & is_known).any(axis=1)
    counts = is_known.any(axis=1)
    return distance[counts], is_wrong[counts], patients_of(cases)[counts]
