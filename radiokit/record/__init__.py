"""A run's record, the folder from which every figure and table is drawn again."""

from radiokit.record.cases import (
    HALF,
    LEVELS,
    answered_labels,
    chosen_thresholds,
    foreground_of,
    has_enough_patients,
    known_label,
    label_arrays,
    labels_of,
    main_study,
    models_with,
    patients_of,
    structures_of,
)
from radiokit.record.choosing import (
    best_classifier,
    best_on_validation,
    worst_cases,
)
from radiokit.record.files import (
    attention_path,
    image_path,
    mask_path,
    safe_name,
    truth_path,
    volume_path,
)
from radiokit.record.run import (
    VOLUME_LABELS,
    Run,
    read_run,
)

__all__ = [
    "HALF",
    "LEVELS",
    "Run",
    "VOLUME_LABELS",
    "answered_labels",
    "attention_path",
    "best_classifier",
    "best_on_validation",
    "chosen_thresholds",
    "foreground_of",
    "has_enough_patients",
    "image_path",
    "known_label",
    "label_arrays",
    "labels_of",
    "main_study",
    "mask_path",
    "models_with",
    "patients_of",
    "read_run",
    "safe_name",
    "structures_of",
    "truth_path",
    "volume_path",
    "worst_cases",
]
