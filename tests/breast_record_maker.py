"""A breast slide run's record from drawn ellipses: counts, histograms and pictures of slides."""

import functools

import numpy as np
import pandas as pd

from radiokit import metrics, report

CLASSES = ("background", "benign", "in_situ", "invasive")
SPACES = ("rgb", "hsv", "ycrcb", "lab", "all")
REGION_MODELS = ("cell_unet", *(f"resnet_unet_{space}" for space in SPACES), "patch_classifier")
MODELS = ("roi_unet", *REGION_MODELS)
SHAPE = (60, 80)  # of a map, rows and columns
SKILL = dict(zip(REGION_MODELS, (2.4, 2.0, 2.1, 1.8, 1.9, 2.2, 1.2), strict=True))


def make_table(num_test=3):
    """A case table of slides, their files nowhere on disk; two slides of validation."""
    splits = ["validation"] * 2 + ["test"] * num_test
    rows = [
        {
            "case_id": f"A{number:02d}",
            "patient_id": f"A{number:02d}",
            "image": f"nowhere/A{number:02d}.svs",
            "dataset": "bach",
            "mpp_um": 0.25,
            "is_phantom": True,
            "split": split,
        }
        for number, split in enumerate(splits, 1)
    ]
    return pd.DataFrame(rows)


@functools.cache
def make_truth(number):
    """A map of classes: ellipses of tissue's lesions, a class absent on some slides; and tissue."""
    generator = np.random.default_rng(number)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    tissue = ((x - 40) / 36) ** 2 + ((y - 30) / 26) ** 2 < 1
    truth = np.zeros(SHAPE, np.uint8)
    for place in range(1, len(CLASSES)):
        if (number + place) % 4 == 0:
            continue  # nobody has everything
        center_x, center_y = 16 + 15 * place + generator.uniform(-3, 3), generator.uniform(20, 40)
        width, height = generator.uniform(6, 11, 2)
        truth[((x - center_x) / width) ** 2 + ((y - center_y) / height) ** 2 < 1] = place
    return np.where(tissue, truth, 0).astype(np.uint8), tissue


def make_probabilities(truth, skill, seed):
    """Softmax of noisy logits, (H, W, 4); smooth, as a network's are."""
    noise = np.random.default_rng(seed).normal(0, 1, (15, 20, 4))
    noise = np.kron(noise, np.ones((4, 4, 1)))
    logits = skill * (np.arange(4) == truth[..., None]) + noise + np.array([0.8, 0, 0, 0])
    shares = np.exp(logits)
    return (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)


def make_slide(truth, tissue, seed):
    """A picture in pink and violet, with a blue stroke of a pen; and the map of ink."""
    generator = np.random.default_rng(seed)
    colours = np.array([[232, 170, 200], [190, 120, 180], [150, 90, 170], [120, 60, 140]])
    picture = np.where(tissue[..., None], colours[truth], 244)
    picture = np.kron(picture, np.ones((4, 4, 1))) + generator.normal(0, 7, (240, 320, 1))
    cleaned = np.clip(picture, 0, 255).astype(np.uint8)
    y, x = np.mgrid[:240, :320]
    ink = np.zeros((240, 320), np.uint8)
    ink[np.abs(np.hypot(x - 250, y - 60) - 40) < 5] = 2
    ink[(np.abs(y - 220) < 5) & (x < 90)] = 1
    inked = cleaned.copy()
    inked[ink == 2], inked[ink == 1] = (40, 70, 180), (30, 30, 40)
    return inked, cleaned, ink


def make_rows(table, models=MODELS):
    """Rows of `cases.csv` and of `pixel_scores.csv`."""
    cases, histograms = [], []
    for number, (_, slide) in enumerate(table.iterrows()):
        truth, _ = make_truth(number)
        for step, model in enumerate(models):
            names = {"model": model} | slide[["split", "case_id", "patient_id"]].to_dict()
            row = names | {"dataset": slide["dataset"], "mpp_um": slide["mpp_um"]}
            for structure, is_there, score, is_called in answers(truth, model, (number, step)):
                counts = metrics.confusion_counts(is_there, is_called)
                row |= report.count_columns(structure, counts)
                bins = metrics.score_histogram(is_there, score)
                names_of = names | {"structure": structure}
                histograms.append(report.histogram_rows(names_of, *bins))
            cases.append(row)
    return pd.DataFrame(cases), pd.concat(histograms, ignore_index=True)


def answers(truth, model, seed):
    """Structure, truth, score and answer of a model, one structure against the rest."""
    if model == "roi_unet":
        lesion = 1 - make_probabilities(truth, 3.0, seed)[..., 0]
        return [("lesion", truth > 0, lesion, lesion >= 0.5)]
    shares = make_probabilities(truth, SKILL[model], seed)
    called = shares.argmax(axis=-1)
    return [
        (name, truth == place, shares[..., place], called == place)
        for place, name in enumerate(CLASSES)
    ]


def write_pictures(record, table, models=MODELS, num_pictured=2):
    """Every picture of the first test slides."""
    first = (table["split"] != "test").sum()
    for number, (_, slide) in enumerate(table.iterrows()):
        if not first <= number < first + num_pictured:
            continue
        case_id, (truth, tissue) = slide["case_id"], make_truth(number)
        inked, cleaned, ink = make_slide(truth, tissue, number)
        known = np.where(np.arange(SHAPE[1]) < 2, -1, truth.astype(int))  # a strip not annotated
        pictures = {"slide": inked, "cleaned": cleaned, "ink": ink, "tissue": tissue}
        pictures |= {"truth": known, "lesion": answers(truth, "roi_unet", (number, 0))[0][3]}
        for step, model in enumerate(models):
            if model == "roi_unet":
                continue
            found = answers(truth, model, (number, step))
            pictures[f"regions_{model}"] = np.argmax([row[2] for row in found], axis=0)
            if model == "cell_unet":
                pictures |= {f"probability_{row[0]}": row[2] for row in found[1:]}
        for name, pixels in pictures.items():
            report.write_slide_picture(record, case_id, name, pixels)


def write_histories(record, models=MODELS):
    """Learning curves where `training.fit` leaves them."""
    epochs = np.arange(6)
    for number, model in enumerate(models):
        loss = 0.3 + np.exp(-epochs / (3 + number))
        columns = {"epoch": epochs, "loss": loss, "val_loss": loss + 0.05, "val_dice": 1.2 - loss}
        path = record.folder / "training" / model / "history.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")


def make_record(out, num_test=3, models=MODELS):
    """A complete record of the breast study on phantoms; returns it."""
    table = make_table(num_test)
    record = report.start_record("02_breast_wsi", table, "quick", 0, {"epochs": 6}, out)
    cases, histograms = make_rows(table, models)
    report.write_cases(record, cases)
    report.write_pixel_scores(record, histograms)
    write_pictures(record, table, models)
    write_histories(record, models)
    scores = report.score_pixels(record.folder)
    headline = ("F1 of the lesion, pixels pooled", report.interval_of_row(scores.iloc[4]))
    report.write_metrics(record, scores, headline, published=report.PUBLISHED_BREAST)
    return record
