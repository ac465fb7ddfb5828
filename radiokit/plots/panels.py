"""What figures of labels share: a panel a label, the marks of thresholds, and who is shown."""

import math

from radiokit.plots.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    new_figure,
    unique,
    wrap,
)
from radiokit.record import answered_labels, best_classifier, known_label

# Marker and colour of each rule by which a threshold was chosen, in the order of the record.
RULE_STYLES = (("D", VERMILLION), ("o", GREEN), ("^", ORANGE), ("s", PURPLE), ("v", BLUE))
PANEL_COLUMNS, MANY_COLUMNS = 3, 7


def panel_columns(num_labels):
    """Panels in a row: three, or seven of more than twelve labels."""
    return min(PANEL_COLUMNS if num_labels <= 4 * PANEL_COLUMNS else MANY_COLUMNS, num_labels)


def label_panels(run, num_labels, panel_inches, extra_height=0.9):
    """A figure with a panel a label; returns it and its axes (num_labels,)."""
    num_columns = panel_columns(num_labels)
    num_rows = math.ceil(num_labels / num_columns)
    width, height = panel_inches
    figure = new_figure(run, (width * num_columns + 0.7, height * num_rows + extra_height))
    axes = figure.subplots(num_rows, num_columns, squeeze=False).flat
    for axis in axes[num_labels:]:
        axis.set_visible(False)
    return figure, axes[:num_labels]


def label_panel_pairs(run, num_labels, panel_inches):
    """The same with a low panel under each; returns the figure and (upper, lower) by label."""
    num_columns = panel_columns(num_labels)
    num_rows = math.ceil(num_labels / num_columns)
    width, height = panel_inches
    figure = new_figure(run, (width * num_columns + 0.7, height * num_rows + 1.0))
    grid = figure.add_gridspec(2 * num_rows, num_columns, height_ratios=(3, 1) * num_rows)
    places = (divmod(number, num_columns) for number in range(num_labels))
    return figure, [
        tuple(figure.add_subplot(grid[2 * row + lower, column]) for lower in (0, 1))
        for row, column in places
    ]


def is_outer(number, num_labels):
    """Whether a panel stands in the first column, and whether nothing stands below it."""
    num_columns = panel_columns(num_labels)
    return number % num_columns == 0, number + num_columns >= num_labels


def shown_cases(run, model, level, split="test"):
    """The model to show, by default the best on validation, and its rows of a split."""
    model = model or best_classifier(run, level)
    cases = run.classified(level)
    cases = cases[(cases["model"] == model) & (cases["split"] == split)]
    if cases.empty or not answered_labels(cases):
        raise ValueError(
            f"{run.folder} has no {level} of {model!r} with a probability on the {split} split."
        )
    return model, cases


def models_to_compare(run):
    """The network that is the best on validation by exact match, then all ensembles.

    Where there is no ensemble, all models.
    """
    cases = run.classified()
    models = unique(cases["model"])
    stacked = [model for model in models if model.startswith("stacking")]
    networks = [model for model in models if model not in stacked]
    scores = run.scores()
    scores = scores[(scores["metric"] == "exact_match") & (scores["split"] == "validation")]
    scores = scores[scores["model"].isin(networks)]
    if not stacked or scores.empty:
        return models
    return [scores.loc[scores["estimate"].idxmax(), "model"], *stacked]


def label_values(cases):
    """Truth, probability and patient of the known cases, by label."""
    return {label: known_label(cases, label) for label in answered_labels(cases)}


def count_lines(run, known):
    """`positive: 12 (patients: 5)` and `negative: 300`."""
    positive = known[known["truth"] == 1]
    values = {"count": len(positive), "patients": positive["patient"].nunique()}
    rest = {"count": len(known) - len(positive)}
    return [
        run.words.text("labels", "positive_count", values),
        run.words.text("labels", "negative_count", rest),
    ]


def lack_text(run, truth):
    """Which kind of case is missing; empty where both are there."""
    kinds = set(truth)
    if 1 not in kinds:
        return run.words.text("labels", "no_positive")
    return "" if 0 in kinds else run.words.text("labels", "no_negative")


def write_lack(axis, lack):
    """Say in the middle of a panel why it is empty."""
    place = {"transform": axis.transAxes, "ha": "center", "va": "center", "fontsize": 8}
    axis.text(0.5, 0.5, wrap(lack), **place)


def rule_styles(rules):
    """Marker and colour of each rule."""
    return {rule: RULE_STYLES[place % len(RULE_STYLES)] for place, rule in enumerate(rules)}


def who_is_shown(run, model, cases, level):
    """`DenseNet121 · exams · 20 patients`, for the title of a legend."""
    patients = len(set(cases["patient_id"]))
    parts = [run.words.name("models", model)]
    parts += [run.words.text("labels", f"{level}_of", {"count": len(cases), "patients": patients})]
    return " · ".join(parts)
