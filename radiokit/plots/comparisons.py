"""Two comparisons in one panel: slices beside whole volumes, and two models over several seeds."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiokit.plots.figure import (
    BLUE,
    SKY,
    VERMILLION,
    format_numbers,
    legend_below,
    new_figure,
    unique,
    wrap,
)
from radiokit.record import foreground_of, main_study, read_run

# Level, metric, marker, colour, and its place beside the model's line.
LEVELS = (("slices", "dice", "o", BLUE, -0.17), ("volumes", "dice_3d", "s", VERMILLION, 0.17))


def plot_level_scores(folder, language="en", split="test") -> Figure:
    """Dice of single slices beside Dice of whole volumes, a panel a structure.

    When to use: to see why the two differ: a slice at the tip of the heart with a handful of
    pixels weighs as much as one through its middle, in a volume it hardly weighs.

    Args:
        folder: the run's record: `cases.csv`, `volumes.csv`, and the scores `dice` and
            `dice_3d` in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        split: `"test"` or `"validation"`.

    Returns:
        A `Figure`; small points are slices or patients, large ones the scores with intervals
        (dotted: the range of fewer than ten patients).

    Raises:
        ValueError: no scores of slices or of volumes.
        FileNotFoundError: no `volumes.csv`.
    """
    run = read_run(folder, language)
    tables = {"slices": main_study(run.cases(), split), "volumes": main_study(run.volumes(), split)}
    scores = {metric: run.scores_of(metric, split) for _, metric, *_ in LEVELS}
    structures = foreground_of(unique(scores["dice_3d"]["structure"]))
    models = unique(scores["dice_3d"]["model"])
    figure = new_figure(run, (2.9 * len(structures) + 1.6, 0.75 * len(models) + 1.7))
    axes = figure.subplots(1, len(structures), squeeze=False, sharey=True)[0]
    for axis, structure in zip(axes, structures, strict=True):
        for level, metric, marker, colour, shift in LEVELS:
            mine = scores[metric][scores[metric]["structure"] == structure]
            for _, row in mine[mine["model"].isin(models)].iterrows():
                table = tables[level]
                values = table[table["model"] == row["model"]][f"dice_{structure}"].dropna()
                place = models.index(row["model"]) + shift
                _draw_values(axis, values, place, colour)
                _draw_interval(axis, row, place, marker, colour)
        axis.set_title(run.words.structure(structure), fontsize=9)
        axis.set_xlabel(run.words.name("metrics", "dice"), fontsize=8)
        axis.grid(axis="x", alpha=0.3)
        axis.tick_params(axis="x", labelsize=7)
        format_numbers(axis.xaxis, run)
    _name_lines(axes[0], [wrap(run.words.name("models", model)) for model in models])
    legend_below(figure, _level_handles(run, {*scores["dice"]["kind"], *scores["dice_3d"]["kind"]}))
    return figure


def plot_seed_differences(folder, language="en", metric="dice") -> Figure:
    """Paired differences of two models, a point a seed, and the interval of their mean.

    When to use: before saying that one model is better. Where the points of the seeds lie on
    both sides of zero, or the interval holds zero, they have not been told apart.

    Args:
        folder: the run's record, with rows of `report.score_differences` under `differences`
            in `metrics.json`.
        language: `"en"`, `"pt"` or `"es"`.
        metric: the score compared.

    Returns:
        A `Figure`, a panel a pair of models, a line a structure.

    Raises:
        ValueError: the record has no differences of this metric.
    """
    run = read_run(folder, language)
    words, differences = run.words, run.differences()
    differences = differences[differences["metric"] == metric]
    if differences.empty:
        raise ValueError(f"{run.folder} has no differences of {metric!r}; write them first.")
    pairs = list(differences.groupby(["model", "compared_with"], sort=False))
    structures = unique(differences["structure"])
    figure = new_figure(run, (5.8, (0.5 * len(structures) + 1.0) * len(pairs) + 0.9))
    axes = figure.subplots(len(pairs), 1, squeeze=False)[:, 0]
    for axis, ((model, compared_with), rows) in zip(axes, pairs, strict=True):
        axis.axvline(0, color="black", linewidth=0.8)
        for place, structure in enumerate(structures):
            mine = rows[rows["structure"] == structure]
            is_mean = mine["seed"].astype(str) == "all"
            _draw_values(axis, mine.loc[~is_mean, "estimate"], place, SKY, size=6)
            for _, row in mine[is_mean].iterrows():
                _draw_interval(axis, row, place, "D", VERMILLION)
        names = f"{words.name('models', model)} − {words.name('models', compared_with)}"
        axis.set_xlabel(f"{words.metric(metric)}: {names}", fontsize=8)
        axis.grid(axis="x", alpha=0.3)
        axis.tick_params(axis="x", labelsize=7)
        format_numbers(axis.xaxis, run)
        _name_lines(axis, [words.structure(name) for name in structures])
    mean = "mean_of_seeds_range" if (differences["kind"] == "range").any() else "mean_of_seeds"
    legend_below(figure, [
        Line2D([], [], marker="o", linestyle="", color=SKY, label=words.text("labels", "one_seed")),
        Line2D([], [], marker="D", color=VERMILLION, label=words.text("labels", mean)),
    ])  # fmt: skip
    return figure


def _level_handles(run, kinds):
    """A line of the legend for each level, and for each kind of interval that is drawn."""
    handles = [
        Line2D([], [], marker=marker, linestyle="", color=colour,
               label=run.words.text("labels", level))
        for level, _, marker, colour, _ in LEVELS
    ]  # fmt: skip
    for kind, key, style in (("bootstrap", "interval", "-"), ("range", "range", ":")):
        if kind in kinds:
            label = run.words.text("labels", key)
            handles.append(Line2D([], [], color="black", linestyle=style, label=label))
    return handles


def _draw_values(axis, values, place, colour, size=2.5):
    """Single values, spread a little about their line so that they do not hide one another."""
    spread = 0.2 * ((np.arange(len(values)) * 0.618) % 1 - 0.5)  # golden ratio: evenly, no chance
    axis.plot(values, place + spread, "o", color=colour, markersize=size, alpha=0.5,
              markeredgewidth=0)  # fmt: skip


def _draw_interval(axis, row, place, marker, colour):
    style = "dotted" if row["kind"] == "range" else "solid"
    axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linestyle=style)
    axis.plot(row["estimate"], place, marker, color=colour, markersize=6, markeredgecolor="white")


def _name_lines(axis, names):
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_ylim(len(names) - 0.5, -0.5)
