"""Tables as LaTeX that needs no package, in the reader's language."""

from radiokit import stats
from radiokit.tables.scoring import SCORE_COLUMN

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
    "≥": r"$\geq$",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}


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
    frame = _name_rows(frame, words)
    lines += [_latex_row([_cell(cell, words) for cell in row]) for row in _rows(frame)]
    if stamp:
        stamped = rf"\multicolumn{{{num_columns}}}{{l}}{{\textbf{{{escape_latex(stamp)}}}}} \\"
        lines.insert(0, stamped)
    kinds = {getattr(cell, "kind", "") for row in _rows(frame) for cell in row}
    for kind, note in (("range", "range_note"), ("none", "none_note")):
        caption = f"{caption} {words.text('tables', note)}" if kind in kinds else caption
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


def _name_rows(frame, words):
    """Models, labels, sources and rules by their names in the language."""
    names = {
        "model": lambda key: words.name("models", key),
        "label": words.label,
        "region": words.structure,
        "source": lambda key: words.name("tables", key),
        "work": lambda key: words.sections["tables"].get(key, key),
        "rule": words.rule,
    }
    found = {column: name for column, name in names.items() if column in frame}
    return frame.assign(**{column: frame[column].map(name) for column, name in found.items()})


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
    if column in words.sections["metrics"]:
        return words.metric(column)
    score = SCORE_COLUMN.fullmatch(column)
    if score:
        return f"{words.name('metrics', score[1])}, {words.structure(score[2])}"
    if column.endswith("_published"):
        name = {"structure": words.structure(column.removesuffix("_published"))}
        return words.text("tables", "structure_published", name)
    return words.structure(column)
