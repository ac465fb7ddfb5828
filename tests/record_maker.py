"""A run's record from shapes and chance, without training: what tests of figures draw from."""

import numpy as np
import pandas as pd

from radiokit import report

MODELS = ("unet", "resnet_unet_18", "unet_full_spatial", "swin_unet_tiny")
STRUCTURES = ("lungs", "heart", "ribs", "clavicles")
SIZE = 64


def make_table(is_phantom=True, num_patients=24):
    """A case table as the index functions make it, its images nowhere on disk."""
    splits = ["train", "validation", "test"]
    rows = [
        {
            "case_id": f"MCUCXR_{number:04d}_{number % 2}",
            "patient_id": str(number),
            "image": f"nowhere/MCUCXR_{number:04d}.png",
            "dataset": "montgomery",
            "is_phantom": is_phantom,
            "split": splits[number % 3],
        }
        for number in range(num_patients)
    ]
    return pd.DataFrame(rows)


def make_shapes(seed):
    """A radiograph in 0..1 and its four true masks, all (SIZE, SIZE)."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    shift = np.random.default_rng(seed).uniform(-0.03, 0.03)
    lungs = sum(
        ((x - center - shift) / 0.16) ** 2 + ((y - 0.5) / 0.32) ** 2 < 1 for center in (0.3, 0.72)
    )
    heart = ((x - 0.55 - shift) / 0.15) ** 2 + ((y - 0.65) / 0.13) ** 2 < 1
    ribs = (np.sin(40 * (y + 0.3 * abs(x - 0.5))) > 0.6) & (abs(x - 0.5) < 0.42) & (y > 0.2)
    clavicles = (abs(y - 0.22 - 0.1 * abs(x - 0.5)) < 0.02) & (abs(x - 0.5) < 0.35)
    masks = dict(zip(STRUCTURES, (lungs > 0, heart, ribs, clavicles), strict=True))
    image = 0.45 - 0.3 * masks["lungs"] + 0.3 * heart + 0.12 * ribs + 0.2 * clavicles
    return np.clip(image, 0, 1), masks


def make_cases(table, models=MODELS, seed=0):
    """Scores by chance for every model and case, and one model trained on two hospitals."""
    generator = np.random.default_rng(seed)
    skill = dict(zip(STRUCTURES, (0.94, 0.86, 0.75, 0.6), strict=True))
    rows = []
    for model in models:
        for _, case in table[table["split"] != "train"].iterrows():
            row = {"model": model} | case.drop(["image", "is_phantom"]).to_dict()
            for structure in STRUCTURES:
                row[f"dice_{structure}"] = np.clip(generator.normal(skill[structure], 0.05), 0, 1)
                row[f"hd95_mm_{structure}"] = generator.gamma(2, 3)
            row["cardiothoracic_ratio_true"] = generator.normal(0.48, 0.05)
            error = generator.normal(0.005, 0.02)
            row["cardiothoracic_ratio_predicted"] = row["cardiothoracic_ratio_true"] + error
            rows.append(row)
    for home in ("montgomery", "shenzhen"):
        for away in ("montgomery", "shenzhen"):
            rows += [
                {"model": "unet", "trained_on": home, "dataset": away, "split": "test"}
                | {"case_id": f"{away}{number}", "patient_id": str(number)}
                | {"dice_lungs": generator.normal(0.93 if home == away else 0.8, 0.03)}
                for number in range(12)
            ]
    return pd.DataFrame(rows)


def make_record(out, scale="quick", is_phantom=True, models=MODELS, num_patients=33):
    """A complete record; returns it."""
    table = make_table(is_phantom, num_patients)
    record = report.start_record(
        "05_chest_xray", table, scale, 0, {"epochs": 12, "image_shape": (SIZE, SIZE, 1)}, out
    )
    cases = make_cases(table, models)
    report.write_cases(record, cases)
    tested = table[table["split"] == "test"]["case_id"]
    for number, case_id in enumerate(tested):
        image, truth = make_shapes(number)
        report.write_images(record, case_id, image, truth)
        for step, model in enumerate(models):
            masks = {name: np.roll(mask, step + 1, axis=0) for name, mask in truth.items()}
            report.write_masks(record, model, case_id, masks)
    y, x = np.mgrid[:16, :16] / 16
    maps = {f"skip{level}_attention": np.exp(-8 * ((x - 0.3 * level) ** 2)) for level in range(4)}
    report.write_attention(record, models[0], tested.iloc[0], maps)
    write_histories(record, models)
    scores = score_all(cases)
    lungs = report.score_cases(cases).query("metric == 'dice' and split == 'test'").iloc[0]
    report.write_metrics(
        record,
        scores,
        ("Dice of the lungs, U-Net, test", report.interval_of_row(lungs)),
        agreement=report.score_agreement(cases, "cardiothoracic_ratio"),
        published=report.PUBLISHED_DICE,
    )
    return record


def score_all(cases):
    """Scores of the main study and of the domain shift, in one table."""
    shift = report.score_cases(cases, by=("model", "trained_on", "dataset", "split"))
    return pd.concat([report.score_cases(cases), shift], ignore_index=True)


def write_histories(record, models):
    """Learning curves that fall and rise as curves do."""
    epochs = np.arange(12)
    for number, model in enumerate(models):
        loss = 0.3 + np.exp(-epochs / (3 + number))
        columns = {"epoch": epochs, "loss": loss, "val_loss": loss + 0.05, "val_dice": 1.2 - loss}
        history = pd.DataFrame(columns)
        history.to_csv(record.folder / f"history_{model}.csv", index=False, lineterminator="\n")
