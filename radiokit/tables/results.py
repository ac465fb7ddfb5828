"""Tables of a run: scores beside published ones, the worst cases, and both as plain columns."""

import dataclasses

import numpy as np
import pandas as pd

from radiokit import stats
from radiokit.record import read_run, worst_cases
from radiokit.tables.scoring import SCORE_COLUMN, interval_of_row


def score_table(folder, metric="dice", split="test") -> pd.DataFrame:
    """The study's table: a row a model, our scores with intervals, published ones beside them.

    When to use: as the result of a run, and for `save_table`.

    Args:
        folder: the run's record.
        metric: `"dice"`, `"cce"`, `"hd95_mm"`…; published numbers of the same metric stand beside.
        split: `"test"` or `"validation"`.

    Returns:
        `model`, then for each structure a column of `stats.Interval` under its name and, where
        there are published numbers, a column `<structure>_published`.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder)
    scores = run.scores_of(metric, split)
    published = run.published(metric)
    structures = list(dict.fromkeys(scores["structure"]))
    table = pd.DataFrame({"model": list(dict.fromkeys([*scores["model"], *published]))})
    for structure in structures:
        mine = scores[scores["structure"] == structure].set_index("model")
        table[structure] = [_interval_of(mine, model) for model in table["model"]]
        theirs = [published.get(model, {}).get(structure, np.nan) for model in table["model"]]
        if not np.isnan(theirs).all():
            table[f"{structure}_published"] = theirs
    return table


def score_caption(run, metric, split="test") -> str:
    """The caption of `score_table`; it says what the published numbers are, where there are some.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        metric: as in the table.
        split: as in the table.

    Returns:
        Sentences in the run's language.
    """
    values = {"metric": run.words.metric(metric), "split": run.words.name("splits", split)}
    scores = run.scores_of(metric, split)
    is_pooled = "num_positives" in scores and scores["num_positives"].notna().all()
    sentences = [run.words.text("tables", "label_scores" if is_pooled else "scores", values)]
    if run.published(metric):
        sentences.append(run.published_note)
    empty = scores[scores["kind"] == "undefined"].drop_duplicates("structure")
    if is_pooled and len(empty):
        counts = [_count_kinds(run, row) for _, row in empty.iterrows()]
        labels = {"labels": "; ".join(counts)}
        sentences.append(run.words.text("tables", "no_score", labels))
    return " ".join(sentences)


def worst_table(run, model=None, num_cases=5, split="test"):
    """The cases of the worst-cases figure as a table, with its caption.

    When to use: beside the figure.

    Args:
        run: a `record.Run`.
        model: by default the one with the highest mean validation Dice.
        num_cases: how many.
        split: named in the caption; the rows are those of the test split.

    Returns:
        The frame (case, patient, then every score) and the caption in the run's language.
    """
    worst = worst_cases(run, model, num_cases)
    scored = [column for column in worst if SCORE_COLUMN.fullmatch(column)]
    scored = [column for column in scored if worst[column].notna().any()]
    values = {
        "count": len(worst),
        "model": run.words.name("models", worst["model"].iloc[0]),
        "split": run.words.name("splits", split),
    }
    frame = worst[["case_id", "patient_id", *scored]].reset_index(drop=True)
    return frame, run.words.text("tables", "worst", values)


def spread_intervals(frame) -> pd.DataFrame:
    """Replace each column of intervals by plain columns, one a field, for a CSV.

    When to use: before writing a table that other software reads.

    Args:
        frame: a table, cells perhaps `stats.Interval` or None.

    Returns:
        `<name>, <name>_low, <name>_high, <name>_num_patients, <name>_num_undefined,
        <name>_kind, <name>_num_undefined_resamples` in place of each such column; a plain number
        among the intervals keeps its place under `<name>`. The others as they are.
    """
    parts = []
    for name in frame.columns:
        column = frame[name]
        if not column.map(lambda cell: isinstance(cell, stats.Interval)).any():
            parts.append(column)
            continue
        for field in dataclasses.fields(stats.Interval):
            is_estimate = field.name == "estimate"
            title = name if is_estimate else f"{name}_{field.name}"
            values = [getattr(cell, field.name, cell if is_estimate else None) for cell in column]
            parts.append(pd.Series(values, frame.index, name=title).convert_dtypes())
    return pd.concat(parts, axis=1)


def _count_kinds(run, row):
    """`epidural, 0 positive, 130 negative`."""
    values = {"positives": int(row["num_positives"]), "negatives": int(row["num_negatives"])}
    counts = run.words.text("labels", "positives_negatives", values)
    return f"{run.words.label(row['structure'])}, {counts}"


def _interval_of(scores, model):
    """The model's row of scores as an Interval, None where it has none."""
    if model not in scores.index:
        return None
    return interval_of_row(scores.loc[model])
