"""Tables of a run on slides: ours beside the published ones, colour spaces, related work."""

import pandas as pd

from radiokit.metrics import PIXEL_METRICS
from radiokit.record import ALL_CLASSES, COLOR_SPACE_MODELS, MACRO, REGION_CLASSES, read_run
from radiokit.tables.published_breast import RELATED_BREAST
from radiokit.tables.scoring import interval_of_row

# Column of the colour-space table to structure and metric.
COLOR_COLUMNS = {
    "dice": (MACRO, "f1"),
    "pixel_accuracy": (ALL_CLASSES, "accuracy"),
    **{name: (name, "sensitivity") for name in (*REGION_CLASSES[1:], REGION_CLASSES[0])},
}
POOLINGS = ("pixels", "slides")


def pixel_score_table(folder, split="test") -> pd.DataFrame:
    """Six scores of the ROI and the cell module, pooled and per slide, over the published ones.

    When to use: as the study's table of results. Read the two poolings together: where they
    differ, slides differ. The published line says not how it was pooled and is never ranked.

    Args:
        folder: the run's record, with rows of `score_pixels` in `metrics.json`.
        split: `"test"` or `"validation"`.

    Returns:
        `model, region, source` (`pixels`, `slides`, `published`), then a column a metric of
        `stats.Interval`. The models of the colour-space study stand in a table of their own.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder)
    scores = run.pixel_scores(split)
    scores = scores[~scores["model"].isin(COLOR_SPACE_MODELS)]
    rows = []
    for model, mine in scores.groupby("model", sort=False):
        structures = [name for name in dict.fromkeys(mine["structure"]) if name != ALL_CLASSES]
        for structure in sorted(structures, key=lambda name: name != MACRO):  # the mean first
            names = {"model": model, "region": structure}
            of_structure = mine[mine["structure"] == structure]
            rows += [
                names | {"source": pooling} | _intervals(of_structure, pooling)
                for pooling in POOLINGS
            ]
            published = {
                metric: run.published(metric).get(model, {}).get(structure)
                for metric in PIXEL_METRICS
            }
            if any(value is not None for value in published.values()):
                rows.append(names | {"source": "published"} | published)
    if not rows:
        raise ValueError(f"{run.folder} has no pixel scores of a module on the {split} split.")
    return pd.DataFrame(rows, dtype=object)


def pixel_score_caption(run, split="test") -> str:
    """The caption of `pixel_score_table`; it says what the published numbers are.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        split: as in the table.

    Returns:
        Sentences in the run's language.
    """
    return _with_iou_note(run, _caption(run, "pixel_scores", split))


def color_space_table(folder, split="test") -> pd.DataFrame:
    """The colour-space study: Dice, pixel accuracy and each class found, over the published ones.

    When to use: after the same network was trained on each colour space. Pixels are pooled.

    Args:
        folder: the run's record, with rows of `score_pixels` in `metrics.json`.
        split: `"test"` or `"validation"`.

    Returns:
        `model, source` (`pixels`, then `published`), `dice` (mean of the three lesion classes),
        `pixel_accuracy`, then the share found of each class, of `stats.Interval`.

    Raises:
        ValueError: the record has no scores of these models.
    """
    run = read_run(folder)
    scores = run.pixel_scores(split)
    scores = scores[scores["model"].isin(COLOR_SPACE_MODELS) & (scores["pooling"] == "pixels")]
    rows = []
    for model, mine in scores.groupby("model", sort=False):
        by_key = mine.set_index(["structure", "metric"])
        ours = {
            name: interval_of_row(by_key.loc[key]) if key in by_key.index else None
            for name, key in COLOR_COLUMNS.items()
        }
        rows.append({"model": model, "source": "pixels"} | ours)
        published = {
            name: run.published(metric).get(model, {}).get(structure)
            for name, (structure, metric) in COLOR_COLUMNS.items()
        }
        if any(value is not None for value in published.values()):
            rows.append({"model": model, "source": "published"} | published)
    if not rows:
        raise ValueError(
            f"{run.folder} has no pixel scores of a colour-space model on the {split} split; "
            f"they are named {', '.join(COLOR_SPACE_MODELS)}."
        )
    return pd.DataFrame(rows, dtype=object)


def color_space_caption(run, split="test") -> str:
    """The caption of `color_space_table`; it says how the published columns were read.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        split: as in the table.

    Returns:
        Sentences in the run's language.
    """
    return _caption(run, "color_spaces", split)


def related_work_table(folder, split="test") -> pd.DataFrame:
    """What other works printed, then DeepBatch, then our cell module; a list and no ranking.

    When to use: as the study's Table 18. Every line has other images, classes and poolings.

    Args:
        folder: the run's record; without scores of `cell_unet` the last line is left out.
        split: `"test"` or `"validation"`.

    Returns:
        `work`, then a column a metric; ours of `stats.Interval`, pixels pooled, mean of the
        three lesion classes.
    """
    run = read_run(folder)
    rows = [
        {"work": work} | {metric: scores.get(metric) for metric in PIXEL_METRICS}
        for work, scores in RELATED_BREAST.items()
    ]
    scores = run.pixel_scores(split)
    ours = scores[(scores["model"] == "cell_unet") & (scores["structure"] == MACRO)]
    if len(ours):
        rows.append({"work": "ours"} | _intervals(ours, "pixels"))
    return pd.DataFrame(rows, dtype=object)


def related_work_caption(run, split="test") -> str:
    """The caption of `related_work_table`; it says that nothing in it is comparable.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        split: as in the table.

    Returns:
        Sentences in the run's language.
    """
    return _with_iou_note(run, _caption(run, "related_work", split))


def _caption(run, key, split):
    caption = run.words.text("tables", key, {"split": run.words.name("splits", split)})
    return f"{caption} {run.published_note}" if run.published("f1") else caption


def _with_iou_note(run, caption):
    """Where the study's IoU and F1 stand side by side, that they cannot both be of one count."""
    if not run.published("iou"):
        return caption
    return f"{caption} {run.words.text('tables', 'iou_above_f1')}"


def _intervals(scores, pooling):
    """Metric to interval, None where there is no such score."""
    mine = scores[scores["pooling"] == pooling].set_index("metric")
    return {
        metric: interval_of_row(mine.loc[metric]) if metric in mine.index else None
        for metric in PIXEL_METRICS
    }
