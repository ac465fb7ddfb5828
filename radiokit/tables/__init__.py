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
from radiokit.tables.pixels import (
    ALL_CLASSES,
    MACRO,
    count_columns,
    histogram_rows,
    score_pixels,
)
from radiokit.tables.published import (
    PUBLISHED_BODYPART,
    PUBLISHED_CARDIAC,
    PUBLISHED_DICE,
    PUBLISHED_HEADCT,
)
from radiokit.tables.published_breast import (
    PUBLISHED_BREAST,
    PUBLISHED_BREAST_CELL,
    PUBLISHED_BREAST_ROI,
    PUBLISHED_COLOR_SPACES,
    RELATED_BREAST,
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
from radiokit.tables.slides import (
    color_space_caption,
    color_space_table,
    pixel_score_caption,
    pixel_score_table,
    related_work_caption,
    related_work_table,
)

__all__ = [
    "ALL_CLASSES",
    "ALL_LABELS",
    "MACRO",
    "PUBLISHED_BODYPART",
    "PUBLISHED_BREAST",
    "PUBLISHED_BREAST_CELL",
    "PUBLISHED_BREAST_ROI",
    "PUBLISHED_CARDIAC",
    "PUBLISHED_COLOR_SPACES",
    "PUBLISHED_DICE",
    "PUBLISHED_HEADCT",
    "RELATED_BREAST",
    "all_labels_caption",
    "all_labels_table",
    "check_case_columns",
    "choose_thresholds",
    "color_space_caption",
    "color_space_table",
    "count_columns",
    "escape_latex",
    "histogram_rows",
    "interval_of_row",
    "label_report_caption",
    "label_report_table",
    "name_volume_metrics",
    "pixel_score_caption",
    "pixel_score_table",
    "related_work_caption",
    "related_work_table",
    "score_agreement",
    "score_all_labels",
    "score_caption",
    "score_cases",
    "score_differences",
    "score_labels",
    "score_pixels",
    "score_table",
    "spread_intervals",
    "threshold_caption",
    "threshold_table",
    "to_latex",
    "worst_table",
]
