"""Scores with their intervals as tables, and tables as LaTeX or CSV."""

from radiokit.tables.all_labels import (
    ALL_LABELS,
    all_labels_caption,
    all_labels_table,
    score_all_labels,
)
from radiokit.tables.label_results import (
    label_report_caption,
    label_report_table,
    threshold_caption,
    threshold_table,
)
from radiokit.tables.labels import choose_thresholds, score_labels
from radiokit.tables.latex import escape_latex, to_latex
from radiokit.tables.published import (
    PUBLISHED_BODYPART,
    PUBLISHED_CARDIAC,
    PUBLISHED_DICE,
    PUBLISHED_HEADCT,
)
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
    "ALL_LABELS",
    "PUBLISHED_BODYPART",
    "PUBLISHED_CARDIAC",
    "PUBLISHED_DICE",
    "PUBLISHED_HEADCT",
    "all_labels_caption",
    "all_labels_table",
    "check_case_columns",
    "choose_thresholds",
    "escape_latex",
    "interval_of_row",
    "label_report_caption",
    "label_report_table",
    "name_volume_metrics",
    "score_agreement",
    "score_all_labels",
    "score_caption",
    "score_cases",
    "score_differences",
    "score_labels",
    "score_table",
    "spread_intervals",
    "threshold_caption",
    "threshold_table",
    "to_latex",
    "worst_table",
]
