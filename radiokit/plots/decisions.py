"""What thresholds do: sensitivity against specificity, and a 2 × 2 table a label."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit.plots.figure import format_numbers, legend_below, new_figure, unique
from radiokit.plots.panels import (
    is_outer,
    label_panels,
    label_values,
    rule_styles,
    shown_cases,
    who_is_shown,
)
from radiokit.record import LEVELS, read_run

RATIOS = ("sensitivity", "specificity")


def plot_thresholds(folder, language="en", model=None, level="slices") -> Figure:
    """Sensitivity and specificity of every label at 0.5 and at the thresholds of its own.

    When to use: to show what 0.5 costs. A rare label may have an AUC of 0.98 and a sensitivity
    of 0; a threshold chosen on validation gives back most of it, and the right panel its price.

    Args:
        folder: the run's record, with the rows of `score_labels` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the best on validation.
        level: `"slices"` or `"exams"`.

    Returns:
        A `Figure` of the test split: a line a label, a mark a rule with its interval over
        patients, the AUC and the number of positives beside the name.

    Raises:
        ValueError: no scores at a threshold in the record.
    """
    run = read_run(folder, language)
    model, cases = shown_cases(run, model, level)
    scores = run.scores_at_thresholds(model, "test", level)
    labels, rules = unique(scores["structure"]), unique(scores["rule"])
    styles = rule_styles(rules)
    figure = new_figure(run, (7.2, 0.26 * len(labels) * len(rules) + 1.8))
    axes = figure.subplots(1, 2, sharey=True)
    for axis, ratio in zip(axes, RATIOS, strict=True):
        _draw_ratio(axis, scores[scores["ratio"] == ratio], labels, styles)
        axis.set_xlabel(run.words.metric(ratio), fontsize=8)
        format_numbers(axis.xaxis, run)
    axes[0].set_yticks(range(len(labels)), _names(run, scores, model, labels, level), fontsize=8)
    axes[0].set_ylim(len(labels) - 0.5, -0.5)
    handles = [
        Line2D([], [], marker=marker, color=colour, label=run.words.rule(rule))
        for rule, (marker, colour) in styles.items()
    ]
    legend_below(figure, handles, 3, who_is_shown(run, model, cases, level))
    return figure


def plot_confusions(folder, language="en", model=None, level="slices", rule="half") -> Figure:
    """A 2 × 2 table of every label, with counts and shares of the truth's row.

    When to use: beside any ratio, to see of how many cases it is. The labels do not exclude one
    another, so there is no table of all of them and no argmax.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.
        model: by default the best on validation.
        level: `"slices"` or `"exams"`.
        rule: which thresholds: `"half"`, `"youden"`, `"sensitivity_0.95"`, as in the record.

    Returns:
        A `Figure` of the test split: found above on the left, missed on the right of it; below,
        false alarms and rightly left alone.

    Raises:
        ValueError: no threshold of this rule, or no probabilities of the model.
    """
    run = read_run(folder, language)
    model, cases = shown_cases(run, model, level)
    thresholds = run.thresholds(model, level)
    thresholds = thresholds[thresholds["rule"] == rule].set_index("label")["threshold"]
    values = {label: known for label, known in label_values(cases).items() if label in thresholds}
    if not values:
        raise ValueError(f"{run.folder} has no threshold of the rule {rule!r} for {model!r}.")
    figure, axes = label_panels(run, len(values), (1.75, 1.9))
    for number, (axis, (label, known)) in enumerate(zip(axes, values.items(), strict=True)):
        _draw_table(axis, run, known, thresholds[label])
        value = {"value": run.words.number(thresholds[label])}
        limit = run.words.text("labels", "threshold", value)
        axis.set_title(f"{run.words.label(label)}\n{limit}", fontsize=8)
        _name_sides(axis, run, *is_outer(number, len(values)))
    legend_below(
        figure, [], title=f"{who_is_shown(run, model, cases, level)} · {run.words.rule(rule)}"
    )
    return figure


def _draw_ratio(axis, scores, labels, styles):
    """A mark and an interval for each rule, the rules of a label below one another."""
    for place, rule in enumerate(styles):
        marker, colour = styles[rule]
        shift = 0.6 * ((place + 0.5) / len(styles) - 0.5)
        mine = scores[scores["rule"] == rule]
        heights = [labels.index(label) + shift for label in mine["structure"]]
        for height, low, high in zip(heights, mine["low"], mine["high"], strict=True):
            axis.plot([low, high], [height] * 2, color=colour, linewidth=1)
        axis.plot(mine["estimate"], heights, marker, color=colour, markersize=5,
                  markeredgecolor="black", markeredgewidth=0.4)  # fmt: skip
    for height in np.arange(len(labels) - 1) + 0.5:
        axis.axhline(height, color="lightgrey", linewidth=0.6)
    axis.set_xlim(-0.03, 1.03)
    axis.grid(axis="x", alpha=0.3)
    axis.tick_params(axis="x", labelsize=7)


def _names(run, scores, model, labels, level):
    """`epidural`, and below it its AUC and number of positives."""
    words = run.words
    found = run.scores_of(f"{LEVELS[level]}auc", "test")
    areas = found[found["model"] == model].set_index("structure")["estimate"]
    positives = scores.drop_duplicates("structure").set_index("structure")["num_positives"]
    counts = [words.text("labels", "positives", {"count": int(positives[x])}) for x in labels]
    areas = [f"{words.metric('auc')} {words.number(areas.get(label), 2)}" for label in labels]
    return [
        f"{words.label(label)}\n{area} · {count}"
        for label, area, count in zip(labels, areas, counts, strict=True)
    ]


def _draw_table(axis, run, known, threshold):
    truth, called = known["truth"] == 1, known["probability"] >= threshold
    counts = np.array(
        [[(side & answer).sum() for answer in (called, ~called)] for side in (truth, ~truth)]
    )
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros((2, 2)), where=totals > 0)
    axis.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "black" if shares[row, column] > 0.6 else "white"
        percent = run.words.number(100 * shares[row, column], 1) if totals[row, 0] else "–"
        axis.text(column, row, f"{count}\n{percent} %", ha="center", va="center", color=colour,
                  fontsize=8)  # fmt: skip


def _name_sides(axis, run, is_left, is_lowest):
    words = run.words
    answers = [words.text("labels", key) for key in ("called_positive", "called_negative")]
    truths = [words.text("labels", key) for key in ("present", "absent")]
    axis.set_xticks([0, 1], answers)
    axis.set_yticks([0, 1], truths, rotation=90, va="center")
    axis.tick_params(labelsize=7, length=0, labelleft=is_left, labelbottom=is_lowest)
    axis.set_ylabel(words.text("labels", "truth") if is_left else "", fontsize=8)
    axis.set_xlabel(words.text("labels", "prediction") if is_lowest else "", fontsize=8)
