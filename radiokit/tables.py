"""Scores with their intervals as tables, and tables as LaTeX or CSV."""

import dataclasses
import re

import numpy as np
import pandas as pd

from radiokit import stats
from radiokit.record import main_study, read_run, worst_cases

# De la Sotta et al., RetinaRX, the poster's table: Dice on validation, at its best; there is no
# test set, and the splits are not ours. Shown beside our scores, never ranked among them.
PUBLISHED_DICE = {
    "unet": {"lungs": 0.930, "ribs": 0.876, "heart": 0.798, "clavicles": 0.481},
    "resnet_unet_18": {"lungs": 0.951, "ribs": 0.424, "heart": 0.812, "clavicles": 0.525},
    "resnet_unet_34": {"lungs": 0.953, "ribs": 0.862, "heart": 0.815, "clavicles": 0.515},
    "resnet_unet_50": {"lungs": 0.949, "ribs": 0.859, "heart": 0.815, "clavicles": 0.522},
    "swin_unet_base": {"lungs": 0.933, "ribs": 0.782, "heart": 0.768, "clavicles": 0.469},
    "unet_three_head": {"lungs": 0.948, "ribs": 0.880, "heart": 0.812, "clavicles": 0.485},
    "unet_spatial": {"lungs": 0.959, "ribs": 0.870, "heart": 0.807, "clavicles": 0.475},
    "unet_double_spatial": {"lungs": 0.946, "ribs": 0.863, "heart": 0.803, "clavicles": 0.493},
    "unet_full_spatial": {"lungs": 0.959, "ribs": 0.872, "heart": 0.817, "clavicles": 0.489},
}

_SCORE_COLUMN = re.compile(r"(dice|iou|sensitivity|specificity|hd95_mm|hd95_px)_(.+)")
_CASE_COLUMNS = ("model", "case_id", "patient_id", "split")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "·": r"\textperiodcentered{}",
    "…": r"\ldots{}",
    "<": "$<$",
    ">": "$>$",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}


def score_cases(frame, by=("model", "split"), seed=0) -> pd.DataFrame:
    """Every score of a case table with its patient interval.

    When to use: to turn `cases.csv` into scores; with `by=("model", "trained_on", "dataset",
    "split")` for the domain-shift matrix. Domain-shift rows count only where `by` names
    `trained_on`, and then they alone do.

    Args:
        frame: as for `write_cases`.
        by: columns that define a group.
        seed: of the resampling.

    Returns:
        One row a group, structure and metric: the columns of `by`, `structure`, `metric`, and
        those of `stats.Interval`. A case without a truth of the structure does not count; an
        undefined score (HD95 of two empty masks) is counted in `num_undefined`.

    Raises:
        ValueError: a column is missing.
    """
    check_case_columns(frame)
    if "trained_on" in by:
        frame = frame[frame["trained_on"].notna()]
    else:
        frame = main_study(frame)
    rows = []
    for group, cases in frame.groupby(list(by), sort=False):
        for column, metric, structure in _score_columns(cases):
            drawn = cases[_has_truth(cases, structure)]
            if len(drawn):
                interval = stats.patient_interval(drawn[column], _patients(drawn), seed)
                names = dict(zip(by, group, strict=True))
                names |= {"structure": structure, "metric": metric}
                rows.append(names | dataclasses.asdict(interval))
    return pd.DataFrame(rows)


def interval_of_row(row) -> stats.Interval:
    """The interval of one row of `score_cases`.

    When to use: for the headline of a run.

    Args:
        row: a row, as `scores.iloc[0]`.

    Returns:
        A `stats.Interval`.
    """
    return stats.Interval(
        estimate=float(row["estimate"]),
        low=float(row["low"]),
        high=float(row["high"]),
        num_patients=int(row["num_patients"]),
        num_undefined=int(row["num_undefined"]),
        kind=str(row["kind"]),
    )


def score_agreement(frame, quantity, split="test", seed=0) -> pd.DataFrame:
    """Bland-Altman agreement of a measurement, a row a model.

    When to use: for the cardiothoracic ratio.

    Args:
        frame: as for `write_cases`, with `<quantity>_true` and `<quantity>_predicted`.
        quantity: the measurement's name, `"cardiothoracic_ratio"`.
        split: the rows used.
        seed: of the resampling.

    Returns:
        Columns `quantity, model` and those of `stats.Agreement`. Cases without a true value do
        not count; those where the prediction could not be measured are in `num_undefined`.
    """
    rows = []
    for model, cases in main_study(frame, split).groupby("model", sort=False):
        cases = cases[cases[f"{quantity}_true"].notna()]
        found = stats.bland_altman(
            cases[f"{quantity}_predicted"], cases[f"{quantity}_true"], _patients(cases), seed
        )
        rows.append({"quantity": quantity, "model": model} | dataclasses.asdict(found))
    return pd.DataFrame(rows)


def score_table(folder, metric="dice", split="test") -> pd.DataFrame:
    """The study's table: a row a model, our scores with intervals, published ones beside them.

    When to use: as the result of a run, and for `save_table`.

    Args:
        folder: the run's record.
        metric: `"dice"`, `"hd95_mm"`…; published numbers stand beside Dice only.
        split: `"test"` or `"validation"`.

    Returns:
        `model`, then for each structure a column of `stats.Interval` under its name and, where
        there are published numbers, a column `<structure>_published`.

    Raises:
        ValueError: the record has no such scores.
    """
    run = read_run(folder)
    scores = run.scores_of(metric, split)
    published = run.published() if metric == "dice" else {}
    structures = list(dict.fromkeys(scores["structure"]))
    table = pd.DataFrame({"model": list(dict.fromkeys([*scores["model"], *published]))})
    for structure in structures:
        mine = scores[scores["structure"] == structure].set_index("model")
        table[structure] = [_interval_of(mine, model) for model in table["model"]]
        theirs = [published.get(model, {}).get(structure, np.nan) for model in table["model"]]
        if not np.isnan(theirs).all():
            table[f"{structure}_published"] = theirs
    return table


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
    scored = [column for column in worst if _SCORE_COLUMN.fullmatch(column)]
    scored = [column for column in scored if worst[column].notna().any()]
    values = {
        "count": len(worst),
        "model": run.words.name("models", worst["model"].iloc[0]),
        "split": run.words.name("splits", split),
    }
    frame = worst[["case_id", "patient_id", *scored]].reset_index(drop=True)
    return frame, run.words.text("tables", "worst", values)


def check_case_columns(frame) -> None:
    """Raise ValueError when a table of scored cases lacks a column.

    When to use: before writing or scoring cases.

    Args:
        frame: the table.

    Raises:
        ValueError: naming the missing columns.
    """
    missing = [name for name in _CASE_COLUMNS if name not in frame.columns]
    if missing:
        raise ValueError(
            f"The scored cases have no column {', '.join(missing)}; they need "
            f"{', '.join(_CASE_COLUMNS)}, then the scores, as dice_heart."
        )


def spread_intervals(frame) -> pd.DataFrame:
    """Replace each column of intervals by six plain columns, for a CSV.

    When to use: before writing a table that other software reads.

    Args:
        frame: a table, cells perhaps `stats.Interval` or None.

    Returns:
        `<name>, <name>_low, <name>_high, <name>_num_patients, <name>_num_undefined,
        <name>_kind` in place of each such column; the others as they are.
    """
    parts = []
    for name in frame.columns:
        column = frame[name]
        if not column.map(lambda cell: isinstance(cell, stats.Interval)).any():
            parts.append(column)
            continue
        for field in dataclasses.fields(stats.Interval):
            title = name if field.name == "estimate" else f"{name}_{field.name}"
            values = [getattr(cell, field.name, None) for cell in column]
            parts.append(pd.Series(values, frame.index, name=title).convert_dtypes())
    return pd.concat(parts, axis=1)


def to_latex(frame, caption, name, words, stamp="") -> str:
    """A LaTeX table that needs no package, numbers and headings in the reader's language.

    When to use: for a monograph or paper.

    Args:
        frame: cells are text, numbers, `stats.Interval` or None.
        caption: plain text; special signs are escaped.
        name: the label is `tab:<name>`.
        words: the language.
        stamp: first line of the table, where there is one.

    Returns:
        The `table` environment as text.
    """
    num_columns = len(frame.columns)
    headings = [_heading(column, words) for column in frame.columns]
    lines = [_latex_row(headings), r"\hline"]
    frame = _name_models(frame, words)
    lines += [_latex_row([_cell(cell, words) for cell in row]) for row in _rows(frame)]
    if stamp:
        stamped = rf"\multicolumn{{{num_columns}}}{{l}}{{\textbf{{{escape_latex(stamp)}}}}} \\"
        lines.insert(0, stamped)
    if any(getattr(cell, "kind", "") == "range" for row in _rows(frame) for cell in row):
        caption = f"{caption} {words.text('tables', 'range_note')}"
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            r"\footnotesize",
            rf"\caption{{{escape_latex(caption)}}}",
            rf"\label{{tab:{name}}}",
            rf"\begin{{tabular}}{{l{'r' * (num_columns - 1)}}}",
            r"\hline",
            *lines,
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape_latex(text) -> str:
    """Escape the signs that LaTeX would read as commands.

    When to use: on any text that goes into a `.tex` file.

    Args:
        text: plain text.

    Returns:
        LaTeX that prints it.

    Example:
        >>> print(escape_latex("95 % of case_1"))
        95 \\% of case\\_1
    """
    return "".join(_LATEX.get(sign, sign) for sign in str(text))


def _name_models(frame, words):
    if "model" not in frame:
        return frame
    return frame.assign(model=[words.name("models", model) for model in frame["model"]])


def _rows(frame):
    return list(frame.itertuples(index=False, name=None))


def _latex_row(cells):
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"


def _cell(cell, words):
    if isinstance(cell, stats.Interval):
        text = words.interval(cell.estimate, cell.low, cell.high)
        text += "*" if cell.kind == "range" else ""
        count = {"count": cell.num_undefined}
        undefined = words.text("tables", "undefined", count)
        return f"{text}, {undefined}" if cell.num_undefined else text
    if cell is None:
        return "–"
    return words.number(cell) if isinstance(cell, float) else str(cell)


def _heading(column, words):
    """A column's heading: known words, a structure, or a score of a structure."""
    if column in words.sections["tables"]:
        return words.name("tables", column)
    score = _SCORE_COLUMN.fullmatch(column)
    if score:
        return f"{words.name('metrics', score[1])}, {words.structure(score[2])}"
    if column.endswith("_published"):
        name = {"structure": words.structure(column.removesuffix("_published"))}
        return words.text("tables", "structure_published", name)
    return words.structure(column)


def _interval_of(scores, model):
    """The model's row of scores as an Interval, None where it has none."""
    if model not in scores.index:
        return None
    return interval_of_row(scores.loc[model])


def _score_columns(cases):
    found = ((column, _SCORE_COLUMN.fullmatch(column)) for column in cases.columns)
    return [(column, match[1], match[2]) for column, match in found if match]


def _has_truth(cases, structure):
    """Dice is defined wherever there is a truth, so its absence means nobody drew one."""
    column = f"dice_{structure}"
    return cases[column].notna() if column in cases else pd.Series(True, index=cases.index)


def _patients(cases):
    """Patients told apart across data sets that number theirs alike."""
    if "dataset" not in cases:
        return cases["patient_id"].astype(str)
    return cases["dataset"].astype(str) + "/" + cases["patient_id"].astype(str)
