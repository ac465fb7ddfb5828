"""Scores of slides over their pixels: pooled against per slide, and by colour space."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit import metrics
from radiokit.metrics import PIXEL_METRICS
from radiokit.plots.figure import (
    BLUE,
    ORANGE,
    SKY,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
    unique,
    wrap,
)
from radiokit.record import (
    ALL_CLASSES,
    COLOR_SPACE_MODELS,
    LESION_CLASSES,
    MACRO,
    REGION_CLASSES,
    read_pixel_scores,
    read_run,
    slide_counts,
)

# Pooling to marker, colour and place of its line above or below the middle.
POOLING_STYLES = {"pixels": ("D", BLUE, -0.2), "slides": ("o", ORANGE, 0.2)}
INTERVAL_LINES = {"bootstrap": ("interval", "-"), "range": ("range", ":")}


def plot_pixel_scores(folder, language="en", split="test") -> Figure:
    """Six scores of the ROI and the cell module: pixels pooled against the mean of the slides.

    When to use: as the study's figure of results. Where the two poolings part, the slides
    differ: the points are single slides, and a pooled score follows the largest lesions.

    Args:
        folder: the run's record, with rows of `score_pixels` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        split: `"test"` or `"validation"`.

    Returns:
        A `Figure`, a panel a metric, a line a model and structure; published scores as hollow
        diamonds.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder, language)
    scores = run.pixel_scores(split)
    is_shown = ~scores["model"].isin(COLOR_SPACE_MODELS) & (scores["structure"] != ALL_CLASSES)
    scores = scores[is_shown]
    if scores.empty:
        raise ValueError(f"{run.folder} has no pixel scores of a module on the {split} split.")
    lines, own = _lines(scores), _slide_values(run, unique(scores["model"]), split)
    figure = new_figure(run, (9.6, 2 * (0.32 * len(lines) + 0.7) + 1.6))
    axes = figure.subplots(2, 3, sharey=True)
    for axis, metric in zip(axes.flat, PIXEL_METRICS, strict=True):
        mine = scores[scores["metric"] == metric].set_index(["model", "structure", "pooling"])
        for place, line in enumerate(lines):
            if line in own:
                _draw_line(axis, place, line, mine, own[line][:, PIXEL_METRICS.index(metric)])
            published = run.published(metric).get(line[0], {}).get(line[1])
            _draw_published(axis, published, place)
        axis.set_title(run.words.metric(metric), fontsize=9)
        _finish(axis, run)
    _name_lines(axes[:, 0], run, lines)
    has_published = bool(set(run.published("iou")) & {model for model, _ in lines})
    _legend(figure, run, scores, tuple(POOLING_STYLES), has_published, has_slides=True)
    return figure


def plot_color_space_scores(folder, language="en", split="test") -> Figure:
    """Dice, pixel accuracy and the share found of each class, a line a colour space.

    When to use: beside `plot_color_spaces`. Overlapping intervals mean that the spaces have not
    been told apart; one training each says nothing of what another start would give.

    Args:
        folder: the run's record, with rows of `score_pixels` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        split: `"test"` or `"validation"`.

    Returns:
        A `Figure`, a panel a score, pixels pooled; published scores as hollow diamonds. The
        study's accuracy of a class is read as its sensitivity.

    Raises:
        ValueError: the record has no scores of these models.
    """
    run = read_run(folder, language)
    scores = run.pixel_scores(split)
    scores = scores[scores["model"].isin(COLOR_SPACE_MODELS) & (scores["pooling"] == "pixels")]
    if scores.empty:
        raise ValueError(
            f"{run.folder} has no pixel scores of a colour-space model on the {split} split; "
            f"they are named {', '.join(COLOR_SPACE_MODELS)}."
        )
    models = unique(scores["model"])
    figure = new_figure(run, (8.4, 2 * (0.34 * len(models) + 0.8) + 1.4))
    axes = figure.subplots(2, 3, sharey=True)
    for axis, (title, structure, metric) in zip(axes.flat, _color_panels(run), strict=True):
        is_mine = (scores["structure"] == structure) & (scores["metric"] == metric)
        for _, row in scores[is_mine].iterrows():
            place = models.index(row["model"])
            _draw_interval(axis, row, place, "D", BLUE)
            published = run.published(metric).get(row["model"], {}).get(structure)
            _draw_published(axis, published, place)
        axis.set_title(title, fontsize=9)
        _finish(axis, run)
    names = [run.words.name("color_spaces", COLOR_SPACE_MODELS[model]) for model in models]
    for axis in axes[:, 0]:
        axis.set_yticks(range(len(models)), names, fontsize=8)
    axes[0, 0].set_ylim(len(models) - 0.5, -0.5)
    has_published = bool(set(run.published("f1")) & set(models))
    _legend(figure, run, scores, ("pixels",), has_published)
    return figure


def _lines(scores):
    """Model and structure of each line: the model's name alone, then its structures.

    The mean of the classes comes first.
    """
    found = []
    for model, mine in scores.groupby("model", sort=False):
        structures = sorted(unique(mine["structure"]), key=lambda name: name != MACRO)
        found += [(model, None), *((model, name) for name in structures)]
    return found


def _slide_values(run, models, split):
    """(model, structure) to the scores (N, 6) of each slide by itself."""
    cases, histograms, found = run.cases(), read_pixel_scores(run), {}
    for model in models:
        slides = slide_counts(cases, histograms, model, split)
        auc = metrics.histogram_auc(slides.positives, slides.negatives)
        values = np.moveaxis(metrics.pixel_scores(slides.counts, auc), 1, 0)  # (S, N, 6)
        mine = dict(zip(slides.structures, values, strict=True))
        if slides.has_classes:
            lesions = np.stack([mine[name] for name in LESION_CLASSES])
            mine[MACRO] = metrics.mean_of_defined(lesions, axis=0)
        found |= {(model, name): values for name, values in mine.items()}
    return found


def _draw_line(axis, place, line, scores, own):
    """Every slide as a point, then the two poolings with their intervals."""
    _, _, shift = POOLING_STYLES["slides"]
    axis.plot(own, np.full(len(own), place + shift), "o", color=SKY, markersize=3.5, alpha=0.7,
              markeredgewidth=0)  # fmt: skip
    for pooling, (marker, colour, shift) in POOLING_STYLES.items():
        if (*line, pooling) in scores.index:
            _draw_interval(axis, scores.loc[(*line, pooling)], place + shift, marker, colour)


def _draw_interval(axis, row, place, marker, colour):
    line = INTERVAL_LINES.get(row["kind"], ("", ""))[1]
    axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linestyle=line)
    axis.plot(row["estimate"], place, marker, color=colour, markersize=5, markeredgecolor="white")


def _draw_published(axis, value, place):
    if value is not None:
        axis.plot(value, place, "D", color=VERMILLION, fillstyle="none", markersize=6)


def _finish(axis, run):
    axis.tick_params(axis="x", labelsize=7)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", alpha=0.3)
    format_numbers(axis.xaxis, run)


def _name_lines(axes, run, lines):
    """Models in bold, their structures below."""
    words = run.words
    names = [
        words.name("models", model) if structure is None else wrap(words.structure(structure))
        for model, structure in lines
    ]
    for axis in axes:
        axis.set_yticks(range(len(lines)), names, fontsize=8)
        for label, (_, structure) in zip(axis.get_yticklabels(), lines, strict=True):
            label.set_fontweight("bold" if structure is None else "normal")
    axes[0].set_ylim(len(lines) - 0.5, -0.5)


def _color_panels(run):
    """Title, structure and metric of each panel."""
    words = run.words
    panels = [(f"{words.metric('dice')}, {words.structure(MACRO)}", MACRO, "f1")]
    panels.append((words.metric("pixel_accuracy"), ALL_CLASSES, "accuracy"))
    for name in (*LESION_CLASSES, REGION_CLASSES[0]):
        title = words.text("labels", "share_found", {"structure": words.structure(name)})
        panels.append((title, name, "sensitivity"))
    return [(wrap(title), structure, metric) for title, structure, metric in panels]


def _legend(figure, run, scores, poolings, has_published, has_slides=False):
    words = run.words
    handles = [
        Line2D([], [], marker=marker, linestyle="", color=colour,
               label=words.text("labels", f"pooling_{pooling}"))
        for pooling, (marker, colour, _) in POOLING_STYLES.items() if pooling in poolings
    ]  # fmt: skip
    if has_slides:
        label = words.text("labels", "one_slide")
        handles.append(Line2D([], [], marker="o", linestyle="", color=SKY, label=label))
    for kind, (key, line) in INTERVAL_LINES.items():
        if (scores["kind"] == kind).any():
            label = words.text("labels", key)
            handles.append(Line2D([], [], color="black", linestyle=line, label=label))
    if has_published:
        look = {"marker": "D", "color": VERMILLION, "fillstyle": "none", "linestyle": ""}
        handles.append(Line2D([], [], label=run.published_label, **look))
    legend_below(figure, handles, 1 if len(poolings) == 1 else 2)
