"""Figures and tables of a record as files, and all of them once more in another language."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib

from radiokit import plots
from radiokit.files import whole_file, write_text_whole
from radiokit.plots.masks import CORNERS
from radiokit.record import VOLUME_LABELS, models_with, read_run, safe_name, structures_of
from radiokit.report.labels import MANY_LABELS, list_label_figures, list_label_tables
from radiokit.report.slides import is_of_slides, list_slide_figures, list_slide_tables
from radiokit.report.writing import Record
from radiokit.tables import (
    ALL_LABELS,
    score_caption,
    score_table,
    spread_intervals,
    to_latex,
    worst_table,
)

DPI = 300


@dataclass(frozen=True)
class Redrawn:
    """What `redraw` did.

    Attributes:
        written: the files.
        left_out: a sentence for each figure or table the record does not allow, and why.
    """

    written: list[Path]
    left_out: list[str]


def save_figure(record, name, figure) -> list[Path]:
    """Write a figure as PNG at 300 dpi and as PDF, stamped.

    When to use: for every figure worth keeping.

    Args:
        record: the `Record`.
        name: file name without ending.
        figure: a Matplotlib figure; the stamp is added where it is missing.

    Returns:
        The two files, under `figures/`.

    Raises:
        OSError: the folder cannot be written to.
    """
    layout = figure.get_layout_engine()
    is_foreign = plots.stamp_figure(figure, record.stamp) or layout is None
    paths = [record.folder / "figures" / f"{name}.{ending}" for ending in ("png", "pdf")]
    cut = "tight" if is_foreign else None  # ours leave room by themselves; cutting draws twice
    if layout is not None:
        _lay_out(figure, layout)
    for path in paths:
        # Type 42: letters stay letters in the PDF.
        with whole_file(path) as unfinished, matplotlib.rc_context({"pdf.fonttype": 42}):
            figure.savefig(unfinished, format=path.suffix[1:], dpi=DPI, bbox_inches=cut)
    figure.set_layout_engine(layout)
    return paths


def _lay_out(figure, layout):
    """Find the place of everything once; with its layout engine each file would do so twice."""
    screen_dpi = figure.dpi
    figure.dpi = DPI
    layout.execute(figure)
    figure.dpi = screen_dpi
    figure.set_layout_engine(None)


def save_table(record, name, frame, caption) -> list[Path]:
    """Write a table as CSV (decimal points) and as LaTeX (the language's numbers), stamped.

    When to use: for every table worth keeping.

    Args:
        record: the `Record`.
        name: file name without ending.
        frame: cells are text, numbers or `stats.Interval`; an interval becomes one cell in
            LaTeX and a column a field in the CSV.
        caption: a sentence above the LaTeX table.

    Returns:
        The two files, under `tables/`.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = record.folder / "tables"
    plain = spread_intervals(frame).assign(stamp=record.stamp)
    latex = to_latex(frame, caption, name, record.words, record.stamp)
    return [
        write_text_whole(folder / f"{name}.csv", plain.to_csv(index=False, lineterminator="\n")),
        write_text_whole(folder / f"{name}.tex", latex),
    ]


def redraw(folder, language="en") -> Redrawn:
    """Draw every figure and table of a record again, without training.

    When to use: at the end of a run; later in another language, or after a change of the plots.
    In the run's own language the files are replaced; in another they carry it in their names,
    as in `scores_pt.png`.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Redrawn`: the files written, and what was left out and why.

    Raises:
        FileNotFoundError: the folder holds no record.
        OSError: the folder cannot be written to.
    """
    run = read_run(folder, language)
    record = Record(run.folder, language, run.metrics)
    ending = "" if language == run.metrics["language"] else f"_{language}"
    written, left_out = [], []
    for name, draw in _list_figures(run).items():
        try:
            written += save_figure(record, name + ending, draw())
        except (FileNotFoundError, ValueError) as error:
            left_out.append(f"figure {name}: {error}")
    for name, make in _list_tables(run).items():
        try:
            written += save_table(record, name + ending, *make())
        except (FileNotFoundError, ValueError) as error:
            left_out.append(f"table {name}: {error}")
    return Redrawn(written, left_out)


def _list_figures(run):
    """Name of each figure of a record, and the function without arguments that draws it.

    Every run should have the first ones, and says so where it does not; the others are listed
    where the record holds something of theirs.
    """
    place = (run.folder, run.words.language)
    scores = run.metrics["scores"]
    figures = {}
    if _has_masks_or_nothing(run):
        figures["learning_curves"] = partial(plots.plot_learning_curves, *place)
        figures["scores"] = partial(plots.plot_scores, *place)
        figures["worst_cases"] = partial(plots.plot_worst_cases, *place)
        for number, models in enumerate(_model_groups(run), 1):
            name = "overlays" if number == 1 else f"overlays_{number}"
            figures[name] = partial(plots.plot_overlays, *place, models)
    for metric in _kinds(_own_rows(scores), "metric"):
        panels = _kinds([row for row in scores if row["metric"] == metric], "structure")
        stands_in_tables = metric.endswith("average_precision") or len(panels) > MANY_LABELS
        if metric != "dice" and not stands_in_tables:
            figures[f"scores_{metric}"] = partial(plots.plot_scores, *place, metric)
    for quantity in _kinds(run.metrics.get("agreement"), "quantity"):
        figures[f"agreement_{quantity}"] = partial(plots.plot_agreement, *place, quantity)
    shifted = [row for row in scores if row.get("trained_on")]
    for structure in _kinds(shifted, "structure"):
        name = f"domain_shift_{structure}"
        figures[name] = partial(plots.plot_domain_shift, *place, structure)
    for metric in _kinds(run.metrics.get("differences"), "metric"):
        name = f"seed_differences_{metric}"
        figures[name] = partial(plots.plot_seed_differences, *place, metric)
    figures |= _list_own_figures(run, place) | list_label_figures(run, place)
    return figures | list_slide_figures(run, place)


def _has_masks_or_nothing(run):
    """False of a classifier's record, whose cases have no Dice, and of one of slides."""
    if not (run.folder / "cases.csv").is_file():
        return True
    return bool(structures_of(run.cases())) and not is_of_slides(run)


def _list_own_figures(run, place):
    """The figures of one study: those of overlapping structures, of classes, of volumes."""
    has_cases = (run.folder / "cases.csv").is_file()
    has_volumes = (run.folder / "volumes.csv").is_file()
    structures = set(structures_of(run.cases())) if has_cases else set()
    solids = set(structures_of(run.volumes())) if has_volumes else set()
    metrics = set(_kinds(run.metrics["scores"], "metric"))
    classes_exclude_one_another = "background" in structures and not is_of_slides(run)
    figures = {
        "attention": (plots.plot_attention, bool(run.attention_maps())),
        "final_figure": (plots.plot_final_figure, set(CORNERS) <= structures),
        "masks": (plots.plot_masks, classes_exclude_one_another),
        "level_scores": (plots.plot_level_scores, has_volumes and {"dice", "dice_3d"} <= metrics),
        "surface": (plots.plot_surface, bool(solids & set(VOLUME_LABELS))),
        "cost": (plots.plot_cost, bool(run.metrics.get("cost"))),
    }
    return {name: partial(plot, *place) for name, (plot, is_wanted) in figures.items() if is_wanted}


def _list_tables(run):
    """Name of each table, and the function that makes its frame and caption."""

    def scores(metric):
        return score_table(run.folder, metric), score_caption(run, metric)

    tables = {"worst_cases": lambda: worst_table(run)} if _has_masks_or_nothing(run) else {}
    usual = [] if is_of_slides(run) else ["dice"]
    for metric in _kinds(_own_rows(run.metrics["scores"]), "metric") or usual:
        name = "scores" if metric == "dice" else f"scores_{metric}"
        tables[name] = partial(scores, metric)
    return tables | list_label_tables(run) | list_slide_tables(run)


def _own_rows(scores):
    """Scores that stand in a figure and table of their own: of one structure, of whole cases.

    Not those at a rule's threshold, of all labels, or over the pixels of slides.
    """
    return [
        row
        for row in scores
        if not (row.get("rule") or row.get("pooling") or row.get("structure") == ALL_LABELS)
    ]


def _model_groups(run, size=4):
    """The models with kept masks, four at a time; one empty group (all) when there is none."""
    if not (run.folder / "cases.csv").is_file():
        return [None]
    models = [
        model
        for model in models_with(run.cases(), "dice")
        if (run.folder / "masks" / safe_name(model)).is_dir()
    ]
    return [models[start : start + size] for start in range(0, len(models), size)] or [None]


def _kinds(rows, key):
    return list(dict.fromkeys(row[key] for row in rows or []))
