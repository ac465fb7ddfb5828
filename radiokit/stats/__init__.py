"""How sure a score is: intervals from resampling patients, and agreement of two measurements.

The patient is the unit of chance: two films of one patient are no two witnesses. So a score is
the mean of per-patient means, or is computed on all cases together, and the bootstrap draws
patients with all their cases, never films or slices.
"""

from radiokit.stats.agreement import NORMAL_QUANTILE, Agreement, bland_altman
from radiokit.stats.curves import auc_interval, roc_band
from radiokit.stats.intervals import (
    Interval,
    exact_interval,
    paired_difference,
    patient_interval,
    score_interval,
)
from radiokit.stats.resampling import SMALLEST_BOOTSTRAP

__all__ = [
    "NORMAL_QUANTILE",
    "SMALLEST_BOOTSTRAP",
    "Agreement",
    "Interval",
    "auc_interval",
    "bland_altman",
    "exact_interval",
    "paired_difference",
    "patient_interval",
    "roc_band",
    "score_interval",
]
