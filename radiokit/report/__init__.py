"""Writing a run's record: cases, masks, metrics, figures and tables, each complete or absent."""

from radiokit import plots
from radiokit.record import volume_path
from radiokit.report.drawing import Redrawn, redraw, save_figure, save_table
from radiokit.report.identity import RADIOLOGICAL_DATASETS
from radiokit.report.writing import (
    Record,
    start_record,
    write_attention,
    write_cases,
    write_exams,
    write_images,
    write_masks,
    write_metrics,
    write_volumes,
)
from radiokit.tables import (
    PUBLISHED_CARDIAC,
    PUBLISHED_DICE,
    PUBLISHED_HEADCT,
    choose_thresholds,
    interval_of_row,
    label_report_table,
    name_volume_metrics,
    score_agreement,
    score_cases,
    score_differences,
    score_labels,
    score_table,
    threshold_table,
)

__all__ = [
    "PUBLISHED_CARDIAC",
    "PUBLISHED_DICE",
    "PUBLISHED_HEADCT",
    "RADIOLOGICAL_DATASETS",
    "Record",
    "Redrawn",
    "choose_thresholds",
    "interval_of_row",
    "label_report_table",
    "name_volume_metrics",
    "plots",
    "redraw",
    "save_figure",
    "save_table",
    "score_agreement",
    "score_cases",
    "score_differences",
    "score_labels",
    "score_table",
    "start_record",
    "threshold_table",
    "volume_path",
    "write_attention",
    "write_cases",
    "write_exams",
    "write_images",
    "write_masks",
    "write_metrics",
    "write_volumes",
]
