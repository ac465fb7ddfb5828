"""The figures and tables of whole slides that a record allows."""

from functools import partial

from radiokit import plots
from radiokit.record import COLOR_SPACE_MODELS, LESION_CLASSES, counted_structures, slide_pictures
from radiokit.tables import (
    color_space_caption,
    color_space_table,
    pixel_score_caption,
    pixel_score_table,
    related_work_caption,
    related_work_table,
)


def is_of_slides(run):
    """Whether a record's cases are whole slides, scored by counts of pixels.

    When to use: to tell which figures a record should have; slides keep no mask of a case.

    Args:
        run: a `record.Run`.

    Returns:
        True or False; False without cases.
    """
    has_cases = (run.folder / "cases.csv").is_file()
    return has_cases and bool(counted_structures(run.cases()))


def list_slide_figures(run, place):
    """Name of each figure of slides, and the function without arguments that draws it.

    When to use: when everything of a record is drawn again.

    Args:
        run: a `record.Run`.
        place: the record's folder and the language, the first arguments of every figure.

    Returns:
        A dict; empty where the record holds no slides.
    """
    if not is_of_slides(run):
        return {}
    models, pictures = _scored_models(run), _pictures(run)
    of_spaces = models & set(COLOR_SPACE_MODELS)
    maps = {f"regions_{model}" for model in COLOR_SPACE_MODELS}
    heat_maps = {f"probability_{name}" for name in LESION_CLASSES}
    figures = {
        "learning_curves": (plots.plot_learning_curves, True),
        "pixel_scores": (plots.plot_pixel_scores, bool(models - of_spaces)),
        "slide_steps": (plots.plot_slide_steps, True),
        "color_spaces": (plots.plot_color_spaces, bool(maps & pictures)),
        "color_space_scores": (
            plots.plot_color_space_scores,
            bool(of_spaces),
        ),
        "heat_map": (plots.plot_heat_map, heat_maps <= pictures),
    }
    return {name: partial(plot, *place) for name, (plot, is_wanted) in figures.items() if is_wanted}


def list_slide_tables(run):
    """Name of each table of slides, and the function that makes its frame and caption.

    When to use: beside `list_slide_figures`.

    Args:
        run: a `record.Run`.

    Returns:
        A dict; empty where the record holds no slides.
    """
    if not is_of_slides(run):
        return {}
    models = _scored_models(run)
    of_spaces = models & set(COLOR_SPACE_MODELS)
    tables = {
        "pixel_scores": (pixel_score_table, pixel_score_caption, models - of_spaces),
        "color_spaces": (color_space_table, color_space_caption, of_spaces),
        "related_work": (related_work_table, related_work_caption, "cell_unet" in models),
    }
    return {
        name: partial(_frame_and_caption, run, table, caption)
        for name, (table, caption, is_wanted) in tables.items()
        if is_wanted
    }


def _frame_and_caption(run, table, caption):
    return table(run.folder), caption(run)


def _scored_models(run):
    """The models with scores over pixels."""
    return {row["model"] for row in run.metrics["scores"] if row.get("pooling")}


def _pictures(run):
    """The names of the pictures kept of any slide."""
    case_ids = set(run.cases()["case_id"])
    return {name for case_id in case_ids for name in slide_pictures(run, case_id)}
