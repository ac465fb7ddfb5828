"""Scores with their intervals as tables, and tables as LaTeX or CSV."""

from radiokit.tables.latex import escape_latex, to_latex
from radiokit.tables.published import PUBLISHED_CARDIAC, PUBLISHED_DICE
from radiokit.tables.results import score_caption, score_table, spread_intervals, worst_table
from radiokit.tables.scoring import (
    check_case_columns,
    interval_of_row,
    name_volume_metrics,
    score_agreement,
    score_cases,
    score_differences,
)

__all__ = [
    "PUBLISHED_CARDIAC",
    "PUBLISHED_DICE",
    "check_case_columns",
    "escape_latex",
    "interval_of_row",
    "name_volume_metrics",
    "score_agreement",
    "score_caption",
    "score_cases",
    "score_differences",
    "score_table",
    "spread_intervals",
    "to_latex",
    "worst_table",
]
