"""A body part run's record from chance: many labels, some without a test image, five models."""

import numpy as np
import pandas as pd

from radiokit import report

LABELS = (
    *("Clavicles", "Shoulder", "Arm", "Elbow", "Forearm", "Wrist", "Hand", "Finger", "Cavum"),
    *("Sinus", "Skull", "Cervical Spine", "Thoracic Spine", "Lumbar Spine", "Sacroiliac"),
    *("Pelvis", "Hip", "Thigh", "Knee", "Lower Leg", "Ankle", "Feet", "Chest", "Abdomen", "Others"),
)
SHARES = np.where(np.array(LABELS) == "Chest", 0.4, 0.03) * (np.array(LABELS) != "Cavum")
SKILL = {
    "resnet101": 1.5,
    "densenet121": 1.8,
    "inception_v4": 1.3,
    "stacking_logistic": 2.0,
    "stacking_xgboost": 1.9,
}


def make_table(num_patients=120, seed=0):
    """A case table of one or two images a patient, with labels and splits, nowhere on disk."""
    generator = np.random.default_rng(seed)
    patients = [n for n in range(num_patients) for _ in range(1 + n % 2)]
    table = pd.DataFrame({"case_id": [f"1.2.{n}" for n in range(len(patients))]})
    table["patient_id"] = [f"P{n}" for n in patients]
    table["exam_id"] = table["patient_id"]
    table["image"], table["dataset"], table["is_phantom"] = "nowhere", "mdai", True
    names = ("train", "train", "validation", "test", "test")
    table["split"] = [names[n % len(names)] for n in patients]
    table[list(LABELS)] = (generator.random((len(table), len(LABELS))) < SHARES).astype(np.uint8)
    return table


def make_cases(table, seed=0):
    """Truth and probability of every model on validation and test images."""
    generator = np.random.default_rng(seed)
    held_out = table[table["split"] != "train"]
    frames = []
    for model, skill in SKILL.items():
        frame = held_out[["case_id", "patient_id", "exam_id", "split", "dataset"]].assign(
            model=model
        )
        for label in LABELS:
            logit = 3 * skill * (held_out[label] - 0.5) + generator.normal(0, 1.3, len(held_out))
            frame[f"truth_{label}"] = held_out[label].to_numpy()
            frame[f"probability_{label}"] = 1 / (1 + np.exp(-logit.to_numpy()))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def make_record(out, num_patients=120):
    """A whole record of the study, without pictures."""
    table = make_table(num_patients)
    record = report.start_record("01_body_part", table, "quick", 0, {"epochs": 1}, out)
    report.write_label_counts(record, table, LABELS)
    cases = make_cases(table)
    report.write_cases(record, cases)
    scores = report.score_all_labels(cases)
    shown = cases[cases["model"].isin(["densenet121", "stacking_logistic"])]
    thresholds = report.choose_thresholds(shown)
    scores = pd.concat([scores, report.score_labels(shown, thresholds)])
    headline = ("accuracy", report.interval_of_row(scores.iloc[0]))
    published = report.PUBLISHED_BODYPART
    report.write_metrics(record, scores, headline, thresholds=thresholds, published=published)
    return record
