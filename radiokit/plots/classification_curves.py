"""Curves of a classifier: how its training went, ROC of every label, and its calibration."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from radiokit import metrics, stats
from radiokit.plots.figure import (
    BLUE,
    ORANGE,
    SKY,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
    unique,
)
from radiokit.plots.panels import (
    count_lines,
    is_outer,
    label_panel_pairs,
    label_panels,
    label_values,
    lack_text,
    rule_styles,
    shown_cases,
    who_is_shown,
    write_lack,
)
from radiokit.record import LEVELS, has_enough_patients, read_run

CURVES = ("precision", "recall", "auc", "loss")
SMALLEST_PROBABILITY = 1e-7


def plot_label_curves(folder, language="en", model=None) -> Figure:
    """Precision, recall, AUC and loss of one classifier, epoch by epoch, training and validation.

    When to use: to see when to stop. Precision and recall are those at 0.5 and may stand at 0
    for epochs while the AUC rises: the order is right before the threshold is.

    Args:
        folder: the run's record, with `training/<model>/history.csv` or `history_<model>.csv`;
            its columns may begin with `labels_`, as a network of several outputs names them.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the first, in alphabetical order, with any of these curves.

    Returns:
        A `Figure`; a panel a curve that the history has.

    Raises:
        FileNotFoundError: no history in the record.
        ValueError: the model has no history of a classifier.
    """
    run = read_run(folder, language)
    histories = run.label_histories()
    model = model or next(iter(histories), None)
    if model not in histories:
        raise ValueError(
            f"{run.folder} has no history of {model!r} with precision, recall or AUC; it has such "
            f"of {', '.join(histories) or 'no model'}."
        )
    history = histories[model]
    curves = [name for name in CURVES if {name, f"val_{name}"} & set(history)]
    figure = new_figure(run, (6.4, 2.1 * ((len(curves) + 1) // 2) + 0.9))
    axes = figure.subplots((len(curves) + 1) // 2, 2, squeeze=False, sharex=True).flat
    for axis in axes[len(curves) :]:
        axis.set_visible(False)
    for axis, curve in zip(axes, curves, strict=False):
        _draw_curve(axis, run, history, curve)
    for axis in axes[max(len(curves) - 2, 0) : len(curves)]:
        axis.set_xlabel(run.words.text("labels", "epoch"), fontsize=8)
        axis.tick_params(labelbottom=True)
    lines = [
        Line2D([], [], color=colour, linestyle=style, label=run.words.text("labels", key))
        for key, style, colour in (("training", "--", ORANGE), ("validation", "-", BLUE))
    ]
    legend_below(figure, lines, 2, run.words.name("models", model))
    return figure


def plot_roc(folder, language="en", model=None, level="slices") -> Figure:
    """ROC curve of every label with its band over patients, and what each threshold does.

    When to use: to tell a network that cannot find a label from one whose threshold is wrong:
    an area near 1 and a mark of 0.5 at the lower left corner are the second kind.

    Args:
        folder: the run's record: `cases.csv` or `exams.csv`, the scores of `score_labels`, and
            the thresholds in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the best on validation.
        level: `"slices"` or `"exams"`.

    Returns:
        A `Figure`, a panel a label, of the test split: curve, 95 % band over patients (none below
        ten patients, nor where one patient alone has the label), AUC with its interval, numbers
        of cases and of patients, and the points of the thresholds.

    Raises:
        ValueError: no probabilities of the model, or no AUC in the record.

    Paper: Fawcett, Pattern Recognition Letters 2006.
    """
    run = read_run(folder, language)
    model, cases = shown_cases(run, model, level)
    scores = run.scores_of(f"{LEVELS[level]}auc", "test")
    scores = scores[scores["model"] == model].set_index("structure")
    values, thresholds = label_values(cases), run.thresholds(model, level)
    styles = rule_styles(unique(thresholds["rule"]))
    figure, axes = label_panels(run, len(values), (2.3, 2.75))
    for number, (axis, (label, known)) in enumerate(zip(axes, values.items(), strict=True)):
        _draw_roc(axis, run, known)
        for place, row in enumerate(thresholds[thresholds["label"] == label].to_dict("records")):
            _draw_operating_point(axis, known, row["threshold"], styles[row["rule"]], 7.5 - place)
        _name_roc(axis, run, label, known, scores)
        is_left, is_lowest = is_outer(number, len(values))
        axis.set_ylabel(run.words.metric("sensitivity") if is_left else "", fontsize=8)
        key = "false_positive_rate"
        axis.set_xlabel(run.words.text("labels", key) if is_lowest else "", fontsize=8)
    handles = [Patch(color=SKY, alpha=0.4, label=run.words.text("labels", "band"))]
    handles += [
        Line2D([], [], marker=marker, color=colour, linestyle="", label=run.words.rule(rule))
        for rule, (marker, colour) in styles.items()
    ]
    legend_below(figure, handles, 4, who_is_shown(run, model, cases, level))
    return figure


def plot_calibration(folder, language="en", model=None, level="slices", num_bins=10) -> Figure:
    """Share of positives against the predicted probability, before and after scaling.

    When to use: before a probability is shown to anybody as one. On the diagonal, 0.3 means
    three in ten.

    Args:
        folder: the run's record; rows `model, temperature` under `calibration` in
            `metrics.json` where a temperature was fitted, on validation.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the best on validation.
        level: `"slices"` or `"exams"`.
        num_bins: bins of equal width.

    Returns:
        A `Figure`, a panel a label, of the test split: points with Wilson's intervals, the
        number of cases in each bin below, the calibration error above.

    Raises:
        ValueError: no probabilities of the model.

    Paper: Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    run = read_run(folder, language)
    model, cases = shown_cases(run, model, level)
    temperature, values = run.temperature(model), label_values(cases)
    kinds = {"as_predicted": (None, "s", VERMILLION)}
    if temperature is not None:
        kinds["temperature_scaled"] = (temperature, "o", BLUE)
    figure, pairs = label_panel_pairs(run, len(values), (2.3, 2.9))
    for number, ((axis, below), label) in enumerate(zip(pairs, values, strict=True)):
        errors = _draw_calibration(axis, below, values[label], kinds.values(), num_bins)
        _name_calibration(axis, below, run, label, errors)
        is_left, is_lowest = is_outer(number, len(values))
        for panel, key in ((axis, "observed"), (below, "number_of_cases")):
            panel.set_ylabel(run.words.text("labels", key) if is_left else "", fontsize=8)
        key = "probability"
        below.set_xlabel(run.words.text("labels", key) if is_lowest else "", fontsize=8)
    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle="",
               label=run.words.text("labels", key, {"value": run.words.number(value, 2)}))
        for key, (value, marker, colour) in kinds.items()
    ]  # fmt: skip
    handles.append(Line2D([], [], color="grey", label=run.words.text("labels", "perfect")))
    legend_below(figure, handles, 3, who_is_shown(run, model, cases, level))
    return figure


def _draw_curve(axis, run, history, curve):
    epochs = history["epoch"] + 1 - history["epoch"].min()
    for column, style, colour in ((curve, "--", ORANGE), (f"val_{curve}", "-", BLUE)):
        if column in history:
            axis.plot(epochs, history[column], style, color=colour)
    name = run.words.text("labels", "loss") if curve == "loss" else run.words.metric(curve)
    axis.set_title(name, fontsize=9)
    axis.set_ylim(0, None if curve == "loss" else 1.02)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)
    format_numbers(axis.yaxis, run)


def _draw_roc(axis, run, known):
    """Curve, band and the line of chance; nothing where all cases are of one kind."""
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)
    format_numbers(axis.xaxis, run)
    format_numbers(axis.yaxis, run)
    truth, probability = known["truth"].to_numpy(), known["probability"].to_numpy()
    lack = lack_text(run, truth)
    if lack:
        write_lack(axis, lack)
        return
    if has_enough_patients(known):
        band = stats.roc_band(truth, probability, known["patient"], seed=run.metrics["seed"])
        axis.fill_between(band["false_positive_rate"], band["low"], band["high"], color=SKY,
                          alpha=0.4, linewidth=0)  # fmt: skip
    curve = metrics.roc_curve(truth, probability)
    axis.plot(curve.false_positive_rate, curve.sensitivity, color=BLUE, linewidth=1.3)


def _draw_operating_point(axis, known, threshold, style, size):
    truth, called = known["truth"] == 1, known["probability"] >= threshold
    if truth.any() and not truth.all():
        marker, colour = style
        axis.plot(called[~truth].mean(), called[truth].mean(), marker, color=colour,
                  markersize=size, markeredgecolor="black", markeredgewidth=0.5,
                  zorder=3)  # fmt: skip


def _name_roc(axis, run, label, known, scores):
    words = run.words
    lines = [words.label(label)]
    if label in scores.index and not lack_text(run, known["truth"]):
        row = scores.loc[label]
        ends = words.interval(row["estimate"], row["low"], row["high"])
        lines.append(f"{words.metric('auc')} {ends}")
    lines += count_lines(run, known)
    axis.set_title("\n".join(lines), fontsize=8)


def _draw_calibration(axis, below, known, kinds, num_bins):
    """Points and counts of each kind; returns their calibration errors."""
    errors = []
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for number, (temperature, marker, colour) in enumerate(kinds):
        probability = _scale(known["probability"].to_numpy(), temperature)
        truth = known["truth"].to_numpy()
        curve = metrics.calibration_curve(truth, probability, num_bins)
        errors.append(metrics.expected_calibration_error(truth, probability, num_bins))
        ends = [curve["observed"] - curve["low"], curve["high"] - curve["observed"]]
        axis.errorbar(curve["probability"], curve["observed"], np.maximum(ends, 0), fmt=marker,
                      color=colour, markersize=4, elinewidth=0.7)  # fmt: skip
        width = (curve["bin_high"] - curve["bin_low"]) * 0.4
        places = curve["bin_low"] + width * (number + 0.25)
        below.bar(places, curve["num_cases"], width, align="edge", color=colour)
    return errors


def _scale(probability, temperature):
    """Probabilities after their logits were divided by the temperature."""
    if temperature is None:
        return probability
    clipped = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return 1 / (1 + np.exp(-np.log(clipped / (1 - clipped)) / temperature))


def _name_calibration(axis, below, run, label, errors):
    words = run.words
    numbers = {"before": words.number(errors[0]), "after": words.number(errors[-1])}
    key = "calibration_error" if len(errors) == 1 else "calibration_errors"
    axis.set_title(f"{words.label(label)}\n{words.text('labels', key, numbers)}", fontsize=8)
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axis.tick_params(labelsize=7, labelbottom=False)
    below.set_yscale("log")
    below.set(xlim=(-0.03, 1.03), ylim=(0.7, None))
    below.tick_params(labelsize=7)
    below.minorticks_off()
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for shown in (axis.xaxis, axis.yaxis, below.xaxis):
        format_numbers(shown, run)
    for panel in (axis, below):
        panel.grid(alpha=0.3)
