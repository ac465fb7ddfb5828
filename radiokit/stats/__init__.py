"""How sure a score is: intervals from resampling patients, paired tests, and agreement.

The patient is the unit of chance: two films of one patient are no two witnesses. So a score is
the mean of per-patient means, or is computed on all cases together, and the bootstrap draws
patients with all their cases, never films or slices.
"""

from radiokit.stats.agreement import NORMAL_QUANTILE, Agreement, bland_altman
from radiokit.stats.curves import auc_interval, coverage_risk_band, roc_band
from radiokit.stats.intervals import (
    Interval,
    exact_interval,
    paired_difference,
    patient_interval,
    score_interval,
)
from radiokit.stats.paired import (
    McNemar,
    holm_correction,
    mcnemar_test,
    smallest_p_value,
    smallest_significant_difference,
)
from radiokit.stats.resampling import SMALLEST_BOOTSTRAP

__all__ = [
    "NORMAL_QUANTILE",
    "SMALLEST_BOOTSTRAP",
    "Agreement",
    "Interval",
    "McNemar",
    "auc_interval",
    "bland_altman",
    "coverage_risk_band",
    "exact_interval",
    "holm_correction",
    "mcnemar_test",
    "paired_difference",
    "patient_interval",
    "roc_band",
    "score_interval",
    "smallest_p_value",
    "smallest_significant_difference",
]
