"""What stands in the tables of a record: structures, labels, models, patients, thresholds."""

import numpy as np
import pandas as pd

LABEL_CURVES = {"precision", "recall", "auc"}  # columns of a classifier's history
LEVELS = {"slices": "", "exams": "exam_"}  # level of a classifier's cases, prefix of its scores
HALF = {"rule": "half", "threshold": 0.5}  # the threshold that nobody chose


def structures_of(cases) -> list[str]:
    """The structures a case table has a Dice column of, in its order."""
    return [name.removeprefix("dice_") for name in cases.columns if name.startswith("dice_")]


def foreground_of(structures) -> list[str]:
    """The structures worth outlining: all but the background."""
    return [name for name in structures if name != "background"]


def labels_of(cases) -> list[str]:
    """The labels a case table has a probability column of, in its order."""
    start = "probability_"
    return [name.removeprefix(start) for name in cases.columns if name.startswith(start)]


def answered_labels(cases) -> list[str]:
    """The labels of which any of these rows has a probability."""
    return [label for label in labels_of(cases) if cases[f"probability_{label}"].notna().any()]


def models_with(cases, kind) -> list[str]:
    """The models with any value of a kind, `"dice"` or `"probability"`, in the table's order."""
    columns = [name for name in cases.columns if name.startswith(f"{kind}_")]
    return list(dict.fromkeys(cases.loc[cases[columns].notna().any(axis=1), "model"]))


def main_study(cases, split=None) -> pd.DataFrame:
    """The rows of the main study: those of `split`, without the domain-shift trainings."""
    if "trained_on" in cases.columns:
        cases = cases[cases["trained_on"].isna()]
    return cases if split is None else cases[cases["split"] == split]


def patients_of(cases) -> pd.Series:
    """Patients told apart across data sets that number theirs alike."""
    if "dataset" not in cases:
        return cases["patient_id"].astype(str)
    return cases["dataset"].astype(str) + "/" + cases["patient_id"].astype(str)


def known_label(cases, label) -> pd.DataFrame:
    """Truth, probability and patient of the cases of which a label's truth is known.

    When to use: before anything is scored of one label.

    Args:
        cases: rows of one model, with `truth_<label>` and `probability_<label>`.
        label: the label.

    Returns:
        Columns `truth` (0 or 1), `probability` (0..1) and `patient`, in the order of the table.
    """
    columns = {"truth": cases[f"truth_{label}"], "probability": cases[f"probability_{label}"]}
    found = pd.DataFrame(columns | {"patient": patients_of(cases)})
    found = found[found["truth"].isin([0, 1]) & found["probability"].notna()]
    return found.astype({"truth": int, "probability": float})


def label_arrays(cases, labels) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probability of several labels at once.

    When to use: before all labels are scored together; `known_label` is for one of them.

    Args:
        cases: rows of one model, with `truth_<label>` and `probability_<label>`.
        labels: the labels, in the order of the columns wanted.

    Returns:
        Truth (N, L) of 0 and 1, -1 where it is not known or has no probability; probability
        (N, L), NaN where there is none.
    """
    truth = cases[[f"truth_{label}" for label in labels]].to_numpy(float)
    probability = cases[[f"probability_{label}" for label in labels]].to_numpy(float)
    is_known = np.isin(truth, (0, 1)) & ~np.isnan(probability)
    return np.where(is_known, truth, -1).astype(int), probability


def has_enough_patients(known) -> bool:
    """Whether more than one patient has a label and more than one has it not.

    When to use: before resampling patients; of a single positive one every resample has the same
    slices, and the interval would look sure of what one patient showed.

    Args:
        known: as `known_label` makes it.

    Returns:
        True or False.
    """
    patients = known.groupby("truth")["patient"].nunique()
    return bool(patients.get(0, 0) > 1 and patients.get(1, 0) > 1)


def chosen_thresholds(rows, model, level="slices") -> pd.DataFrame:
    """The rows of one model and level; a row that names no level holds for both.

    When to use: on what `write_metrics` takes as `thresholds`.

    Args:
        rows: columns or keys `model, label, rule, threshold`, perhaps `level`; or None.
        model: the model.
        level: `"slices"` or `"exams"`.

    Returns:
        Columns `label`, `rule`, `threshold`.
    """
    columns = ["label", "rule", "threshold"]
    frame = pd.DataFrame([] if rows is None else rows)
    if frame.empty:
        return pd.DataFrame(columns=columns)
    mine = frame["model"] == model
    if "level" in frame:
        mine &= frame["level"].isna() | (frame["level"] == level)
    return frame.loc[mine, columns]
