"""A head-CT run's record from shapes and chance: classifiers, a segmenter, exams, volumes."""

import numpy as np
import pandas as pd

from radiokit import report

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
LABELS = (*SUBTYPES, "any")
PREVALENCE = dict(zip(SUBTYPES, (0.04, 0.12, 0.09, 0.12, 0.14), strict=True))
SPLITS = ("train", "validation", "test", "validation", "test")
SIZE = 64
SLICES = 6  # an exam
SKILL = {"densenet121": 1.6, "multitask": 1.2, "exam_gru": 2.0, "exam_maximum": 1.2}
QUANTITIES = ("haemorrhage_ml", "haemorrhage_abc2_ml")


def make_table(num_patients=60, seed=0):
    """A slice table as the index functions make it, with its labels and images nowhere on disk."""
    generator = np.random.default_rng(seed)
    rows = []
    for patient in range(num_patients):
        bleeds = {name: generator.random() < 2 * share for name, share in PREVALENCE.items()}
        for index in range(SLICES):
            labels = {name: int(has and generator.random() < 0.6) for name, has in bleeds.items()}
            rows.append(
                {
                    "case_id": f"ID_{patient:05d}{index:04d}",
                    "patient_id": f"ID_{patient:08x}",
                    "exam_id": f"exam{patient}",
                    "image": f"nowhere/ID_{patient:05d}{index:04d}.dcm",
                    "dataset": "rsna_ich",
                    "slice_index": index,
                    "is_phantom": True,
                    "split": SPLITS[patient % len(SPLITS)],
                }
                | labels
                | {"any": max(labels.values())}
            )
    return pd.DataFrame(rows)


def make_answers(table, model, seed=0):
    """Truth and probability of every label, overconfident, the epidural ones all below 0.5."""
    generator = np.random.default_rng(seed)
    rows = []
    for _, case in table[table["split"] != "train"].iterrows():
        names = ("case_id", "patient_id", "exam_id", "split", "dataset")
        row = {"model": model} | {name: case[name] for name in names if name in case}
        for label in LABELS:
            logit = 2 * SKILL[model] * (case[label] - 0.6) + generator.normal(0, 1.2)
            logit = 2 * logit - (6 if label == "epidural" else 0)
            row |= {f"truth_{label}": case[label], f"probability_{label}": 1 / (1 + np.exp(-logit))}
        rows.append(row)
    return pd.DataFrame(rows)


def make_masks(case, seed=0):
    """Truth and prediction of each subtype of a case, (SIZE, SIZE) bool."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    shift = 0.02 * np.random.default_rng(seed).normal()
    center = dict(zip(SUBTYPES, ((0.25, 0.3), (0.6, 0.4), (0.5, 0.5), (0.4, 0.7), (0.75, 0.6)),
                      strict=True))  # fmt: skip
    places = {name: np.hypot(x - a, (y - b) / 1.5) for name, (a, b) in center.items()}
    truth = {name: (place < 0.08) & bool(case[name]) for name, place in places.items()}
    found = {name: (place + shift < 0.08) & bool(case[name]) for name, place in places.items()}
    return truth, found


def make_picture(truth):
    """A head in 0..1: skull, brain, and what bleeds."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    radius = np.hypot((x - 0.5) / 0.38, (y - 0.5) / 0.46)
    picture = np.where(radius < 1, 1.0, 0.0)
    picture[radius < 0.9] = 0.42
    picture[np.any(list(truth.values()), axis=0)] = 0.75
    return picture


def make_cases(table):
    """Answers of two classifiers, of which the second draws masks too, and of a segmenter."""
    answers = [
        make_answers(table, name, seed) for seed, name in enumerate(("densenet121", "multitask"))
    ]
    drawn = answers[1].drop(columns=[f"probability_{label}" for label in LABELS])
    answers.append(drawn.assign(model="segmenter"))
    generator = np.random.default_rng(5)
    for frame in answers[1:]:
        for name in SUBTYPES:
            frame[f"dice_{name}"] = np.clip(generator.normal(0.7, 0.15, len(frame)), 0, 1)
    return pd.concat(answers, ignore_index=True)


def make_exams(table):
    """Answers of two ways to read whole exams, in order of arrival."""
    found = table.groupby("exam_id", sort=False).agg(
        {"patient_id": "first", "split": "first", "dataset": "first"}
        | {label: "max" for label in LABELS}
    )
    found = found.reset_index().rename(columns={"exam_id": "case_id"})
    return pd.concat(
        [make_answers(found, name, seed) for seed, name in enumerate(("exam_gru", "exam_maximum"))],
        ignore_index=True,
    )


def make_volumes(exams):
    """Bleed volumes of the segmenter, and by ABC/2."""
    generator = np.random.default_rng(3)
    volumes = exams[exams["model"] == "exam_gru"].assign(model="segmenter")
    volumes = volumes[["model", "case_id", "patient_id", "split", "dataset", "truth_any"]]
    true_ml = volumes.pop("truth_any") * generator.gamma(2, 12, len(volumes))
    for quantity, bias in zip(QUANTITIES, (-1, 3), strict=True):
        volumes[f"{quantity}_true"] = true_ml
        volumes[f"{quantity}_predicted"] = true_ml + (true_ml > 0) * generator.normal(
            bias, 3, len(volumes)
        )
    return volumes


def make_record(out, num_patients=60, is_mixed=True, without=()):
    """A complete record; `is_mixed=False`: of classifiers alone; `without`: labels nobody has."""
    table = make_table(num_patients).assign(**{label: 0 for label in without})
    settings = {"epochs": 12, "reading_budget": 0.3}
    record = report.start_record("03_head_ct_hemorrhage", table, "quick", 0, settings, out)
    cases, exams = make_cases(table), make_exams(table)
    if not is_mixed:
        cases = cases[cases["model"] == "densenet121"].dropna(axis=1, how="all")
    report.write_cases(record, cases)
    report.write_exams(record, exams)
    keep_pictures(record, table[table["split"] == "test"], is_mixed)
    write_histories(record, is_mixed)
    thresholds = [
        report.choose_thresholds(cases, 0.9),
        report.choose_thresholds(exams, 0.9, level="exams"),
    ]
    thresholds = pd.concat(thresholds, ignore_index=True)
    scores = [report.score_labels(cases, thresholds)]
    scores.append(report.score_labels(exams, thresholds, level="exams"))
    scores += [report.score_cases(cases)] if is_mixed else []
    scores = pd.concat(scores, ignore_index=True)
    if is_mixed:
        volumes = make_volumes(exams)
        report.write_volumes(record, volumes)
        agreement = pd.concat([report.score_agreement(volumes, name) for name in QUANTITIES])
    report.write_metrics(
        record,
        scores,
        ("AUC, any haemorrhage", report.interval_of_row(scores.iloc[0])),
        agreement=agreement if is_mixed else None,
        published=report.PUBLISHED_HEADCT,
        thresholds=thresholds,
        calibration=pd.DataFrame({"model": ["densenet121", "exam_gru"], "temperature": [2.0, 1.8]}),
    )
    return record


def keep_pictures(record, tested, is_mixed):
    """Pictures and masks of all slices, class activation maps of every tenth."""
    y, x = np.mgrid[:8, :8] / 8
    for number, (_, case) in enumerate(tested.iterrows()):
        truth, found = make_masks(case, number)
        report.write_images(record, case["case_id"], make_picture(truth), truth)
        label = next((name for name in LABELS if case[name]), "any")
        heat = np.exp(-20 * ((x - 0.01 * number) ** 2 + (y - 0.5) ** 2))
        if number % 10 == 0:
            report.write_attention(record, "densenet121", case["case_id"], {label: heat})
        for model in ("multitask", "segmenter") if is_mixed else ():
            report.write_masks(record, model, case["case_id"], found)


def write_histories(record, is_mixed):
    """Learning curves as `training.fit` leaves them: one output, several, and masks."""
    epochs = np.arange(12)
    falling = 0.3 + np.exp(-epochs / 3)
    labels = {"loss": falling, "auc": 1.1 - falling / 2, "precision": 1.1 - falling / 1.5}
    labels |= {"recall": np.clip(0.9 - falling, 0, 1)}
    labels |= {f"val_{name}": values + 0.02 for name, values in labels.items()}
    several = {_with_output(name, "labels"): values for name, values in labels.items()}
    several |= {"loss": 3 * falling, "val_loss": 3 * falling, "val_masks_dice": 1 - falling / 2}
    masks = {"loss": falling, "val_loss": falling + 0.05, "val_dice": 1.2 - falling}
    histories = {"densenet121": labels, "exam_gru": labels}
    histories |= {"multitask": several, "segmenter": masks} if is_mixed else {}
    for name, columns in histories.items():
        path = record.folder / "training" / name / "history.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = pd.DataFrame({"epoch": epochs} | columns)
        frame.to_csv(path, index=False, lineterminator="\n")


def _with_output(name, output):
    """`val_auc` as `val_labels_auc`."""
    is_validation = name.startswith("val_")
    return f"val_{output}_{name.removeprefix('val_')}" if is_validation else f"{output}_{name}"
