"""A cardiac run's record from shapes and chance: classes, slices, whole volumes, seeds, cost."""

import nibabel
import numpy as np
import pandas as pd

from radiokit import report

MODELS = ("unet_1", "unet_2")
CLASSES = ("background", "myocardium", "blood_pool")
QUANTITIES = ("blood_pool_ml", "ejection_fraction_percent")
SHAPE = (40, 44, 12)  # voxels
SPACING_MM = (1.5, 1.5, 4.0)
NUM_SEEDS = 3


def make_table(num_patients=12, axis=2):
    """A slice table as the index functions make it, its volumes nowhere on disk."""
    splits = ["train", "test", "validation", "test"]
    rows = [
        {
            "case_id": f"pat{patient}_{'xyz'[axis]}{index:03d}",
            "patient_id": str(patient),
            "exam_id": f"pat{patient}",
            "image": f"nowhere/training_axial_crop_pat{patient}.nii.gz",
            "dataset": "hvsmr",
            "axis": axis,
            "slice_index": index,
            "is_phantom": True,
            "split": splits[patient % 4],
        }
        for patient in range(num_patients)
        for index in range(SHAPE[2])
    ]
    return pd.DataFrame(rows)


def make_volume(number):
    """Labels of a drawn heart: a shell of myocardium round blood, and a vessel to the front."""
    x, y, z = np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij")
    center = np.array([20, 22, 6]) + np.random.default_rng(number).uniform(-2, 2, 3)
    place = [(part - at) * mm for part, at, mm in zip((x, y, z), center, SPACING_MM, strict=True)]
    distance = np.sqrt(sum((part / mm) ** 2 for part, mm in zip(place, (18, 20, 22), strict=True)))
    labels = np.where(distance < 1, 1, 0)
    labels[distance < 0.7] = 2
    vessel = (np.hypot(place[0] - 8, place[2] - 10) < 6) & (place[1] > 0)
    labels[vessel] = 2
    return labels.astype(np.uint8)


def make_cases(table, by=("case_id", "patient_id", "split"), seed=0):
    """Scores by chance for every model, training seed and case, U-Net 2 a little ahead."""
    generator = np.random.default_rng(seed)
    rows = []
    for training in range(NUM_SEEDS):
        for number, model in enumerate(MODELS):
            for _, case in table[table["split"] != "train"].iterrows():
                row = {"model": model, "seed": training} | {name: case[name] for name in by}
                for structure, skill in zip(CLASSES, (0.98, 0.72, 0.8), strict=True):
                    dice = generator.normal(skill + 0.02 * number, 0.06)
                    row[f"dice_{structure}"] = np.clip(dice, 0, 1)
                    row[f"cce_{structure}"] = generator.gamma(2, 0.02)
                    row[f"hd95_mm_{structure}"] = generator.gamma(2, 3)
                rows.append(row)
    return pd.DataFrame(rows)


def make_volumes(table):
    """Scores and measurements of whole exams."""
    exams = table.drop_duplicates("exam_id").assign(case_id=lambda found: found["exam_id"])
    volumes = make_cases(exams, seed=1)
    volumes = volumes.drop(columns=[f"cce_{structure}" for structure in CLASSES])
    generator = np.random.default_rng(2)
    for quantity, mean in zip(QUANTITIES, (120, 55), strict=True):
        true = {exam: generator.normal(mean, mean / 6) for exam in exams["exam_id"]}
        volumes[f"{quantity}_true"] = volumes["case_id"].map(true)
        error = generator.normal(mean / 50, mean / 20, len(volumes))
        volumes[f"{quantity}_predicted"] = volumes[f"{quantity}_true"] + error
    return volumes


def make_cost():
    """Cost of a separable layer: by formula and, in time, dearer than that."""
    width = np.array([8, 16, 32, 64, 128, 256, 512])
    ratio = 1 / width + 1 / 9
    measured = ratio + 1.1 / np.sqrt(width)
    columns = {"width": width, "ratio_formula": ratio, "ratio_counted": ratio}
    return pd.DataFrame(columns | {"ratio_measured": measured})


def make_record(out, num_patients=12, axis=2):
    """A complete record of the cardiac study on phantoms; returns it."""
    table = make_table(num_patients, axis)
    record = report.start_record("04_cardiac_mri", table, "quick", 0, {"epochs": 4}, out)
    all_cases, all_volumes = make_cases(table), make_volumes(table)
    cases = all_cases[all_cases["seed"] == 0].drop(columns="seed")
    volumes = all_volumes[all_volumes["seed"] == 0].drop(columns="seed")
    report.write_cases(record, cases)
    report.write_volumes(record, volumes)
    keep_pictures(record, table[table["split"] == "test"])
    write_histories(record)
    scores = score_all(cases, volumes)
    agreement = [report.score_agreement(volumes, quantity) for quantity in QUANTITIES]
    published = report.PUBLISHED_CARDIAC
    headline = ("Dice of the blood pool", report.interval_of_row(scores.iloc[0]))
    differences = report.score_differences(all_cases, "unet_2", "unet_1")
    report.write_metrics(
        record, scores, headline, pd.concat(agreement), published, differences, make_cost()
    )
    return record


def score_all(cases, volumes):
    """Scores of slices and of whole volumes in one table."""
    of_volumes = report.name_volume_metrics(report.score_cases(volumes))
    return pd.concat([report.score_cases(cases), of_volumes], ignore_index=True)


def keep_pictures(record, tested):
    """Pictures, masks and label volumes of the test exams."""
    for exam_id, rows in tested.groupby("exam_id"):
        number = int(exam_id.removeprefix("pat"))
        volume = make_volume(number)
        predicted = {
            "truth": volume,
            "unet_1": np.roll(volume, 2, 0),
            "unet_2": np.roll(volume, 1, 1),
        }
        for source, labels in predicted.items():
            path = report.volume_path(record.folder, source, exam_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(labels, np.diag([*SPACING_MM, 1])), path)
        for _, row in rows.iterrows():
            slices = {
                source: np.flip(labels[:, :, row["slice_index"]].T)
                for source, labels in predicted.items()
            }
            noise = np.random.default_rng(number).normal(0, 0.04, slices["truth"].shape)
            image = np.clip(0.2 + 0.15 * slices["truth"] ** 1.7 + noise, 0, 1)
            report.write_images(record, row["case_id"], image, split_classes(slices["truth"]))
            for model in MODELS:
                report.write_masks(record, model, row["case_id"], split_classes(slices[model]))


def split_classes(labels):
    """A mask a class."""
    return {name: labels == number for number, name in enumerate(CLASSES)}


def write_histories(record):
    """Learning curves where `training.fit` leaves them, of the main seed and of another."""
    epochs = np.arange(12)
    for number, name in enumerate([*MODELS, "unet_1_seed1"]):
        loss = 0.3 + np.exp(-epochs / (3 + number))
        columns = {"epoch": epochs, "loss": loss, "val_loss": loss + 0.05, "val_dice": 1.2 - loss}
        path = record.folder / "training" / name / "history.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
