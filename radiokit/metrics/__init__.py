"""Scores of masks and labels against the truth: counted once, in NumPy, order (y_true, y_pred).

Three rules hold everywhere. Empty masks: Dice and IoU are 1 when truth and prediction are both
empty and 0 when one of them is. Undefined ratios are NaN. A pixel or label whose truth is -1, or
which `ignore` marks, is left out of every count.
"""

from radiokit.metrics.calibration import (
    calibration_curve,
    expected_calibration_error,
    fit_temperature,
)
from radiokit.metrics.cross_entropy import (
    SMALLEST_PROBABILITY,
    categorical_cross_entropy_loss,
    weighted_log_loss,
)
from radiokit.metrics.curves import (
    PrecisionRecallCurve,
    RocCurve,
    auc_score,
    average_precision_score,
    precision_recall_curve,
    roc_curve,
)
from radiokit.metrics.distances import hausdorff95_mm, hausdorff95_px
from radiokit.metrics.histograms import NUM_BINS, histogram_auc, score_histogram
from radiokit.metrics.labels import (
    MacroF1,
    classification_report,
    exact_match_score,
    hamming_loss,
    macro_f1_conventions,
)
from radiokit.metrics.masks import (
    ConfusionCounts,
    confusion_counts,
    dice_score,
    iou_score,
    sensitivity_score,
    specificity_score,
)
from radiokit.metrics.pixels import (
    PIXEL_METRICS,
    class_accuracy,
    mean_of_defined,
    pixel_scores,
)
from radiokit.metrics.rejection import (
    CoverageRiskCurve,
    coverage_risk_area,
    coverage_risk_curve,
    rejection_threshold,
)
from radiokit.metrics.thresholds import sensitivity_threshold, youden_threshold
from radiokit.metrics.triage import predictive_values, sensitivity_at_budget
from radiokit.metrics.volumes import abc2_ml, ejection_fraction_percent, volume_ml

__all__ = [
    "NUM_BINS",
    "PIXEL_METRICS",
    "SMALLEST_PROBABILITY",
    "ConfusionCounts",
    "CoverageRiskCurve",
    "MacroF1",
    "PrecisionRecallCurve",
    "RocCurve",
    "abc2_ml",
    "auc_score",
    "average_precision_score",
    "calibration_curve",
    "categorical_cross_entropy_loss",
    "class_accuracy",
    "classification_report",
    "confusion_counts",
    "coverage_risk_area",
    "coverage_risk_curve",
    "dice_score",
    "ejection_fraction_percent",
    "exact_match_score",
    "expected_calibration_error",
    "fit_temperature",
    "hamming_loss",
    "hausdorff95_mm",
    "hausdorff95_px",
    "histogram_auc",
    "iou_score",
    "macro_f1_conventions",
    "mean_of_defined",
    "pixel_scores",
    "precision_recall_curve",
    "predictive_values",
    "rejection_threshold",
    "roc_curve",
    "score_histogram",
    "sensitivity_at_budget",
    "sensitivity_score",
    "sensitivity_threshold",
    "specificity_score",
    "volume_ml",
    "weighted_log_loss",
    "youden_threshold",
]
