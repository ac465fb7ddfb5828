"""What a training of labels leaves: scored slices and exams, figures, tables, maps."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit import explain, report
from radiokit.recipes.decisions import (
    BATCH_SIZE,
    Decisions,
    fit_decisions,
    positive_weights,
    predict_logits,
    to_probabilities,
)
from radiokit.recipes.neighbours import exam_of, order_slices
from radiokit.recipes.settings import ClassifySettings
from radiokit.recipes.slices import read_prepared

RULE = "youden"  # of the thresholds that flag an image
NUM_MAPS = 2  # Grad-CAM pictures of right answers, and as many of wrong ones


def score_slices(
    model, table: pd.DataFrame, labels: Sequence[str], settings: ClassifySettings
) -> tuple[pd.DataFrame, Decisions]:
    """Probabilities of the validation and test images; what turns logits into them is fitted.

    Use it once the network is trained. Only validation images are looked at in fitting.

    Args:
        model: images to logits.
        table: rows of `prepare_slices` with `split`.
        labels: columns of 0 and 1, NaN where unknown.
        settings: of the training.

    Returns:
        Rows of `cases.csv`: model, dataset, case_id, patient_id, exam_id, split, then `truth_` and
        `probability_<label>`; and the `Decisions`, thresholds included.
    """
    held_out = table[table["split"] != "train"].reset_index(drop=True)
    truth = held_out[list(labels)].astype(float)
    logits = _predict(model, held_out, settings)
    order = order_slices(held_out)
    is_validation = (held_out["split"] == "validation").to_numpy()
    decisions = fit_decisions(
        logits[is_validation],
        truth[is_validation].fillna(-1).to_numpy(),
        labels,
        positive_weights(table[table["split"] == "train"], labels, settings),
        None if order is None else order[is_validation],
    )
    probabilities = to_probabilities(logits, decisions, order)
    cases = held_out[["dataset", "case_id", "patient_id"]].copy()
    cases.insert(0, "model", settings.network)
    cases = cases.assign(exam_id=exam_of(held_out), split=held_out["split"])
    for place, label in enumerate(labels):
        cases[f"truth_{label}"] = truth[label].astype("Int8")
        cases[f"probability_{label}"] = probabilities[:, place]
    return cases, _choose_thresholds(cases, decisions)


def gather_exams(cases: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Exams from their slices: a label is there if it is in any, as likely as in the likeliest.

    Use it to score what a radiologist is asked, whole exams.

    Args:
        cases: as `score_slices` gives them.
        labels: the labels.

    Returns:
        Rows of `exams.csv`: the columns of the cases, `case_id` being the exam. A label that is
        in no slice and unknown of some is unknown of the exam.
    """
    keys = ["model", "dataset", "patient_id", "exam_id", "split"]
    groups = cases.groupby(keys, sort=False)
    exams = groups[[f"probability_{label}" for label in labels]].max()
    for label in labels:
        highest, known = groups[f"truth_{label}"].max(), groups[f"truth_{label}"].count()
        exams[f"truth_{label}"] = highest.where((highest == 1) | (known == groups.size()))
    exams = exams.reset_index()
    return exams.assign(case_id=exams["exam_id"])


def report_labels(record, cases: pd.DataFrame, decisions: Decisions) -> pd.DataFrame:
    """Write and print every score of a trained classifier, and draw its figures.

    Use it last.

    Args:
        record: from `report.start_record`.
        cases: as `score_slices` gives them.
        decisions: labels and temperature are looked at.

    Returns:
        AUC of the test slices and exams, a row a level and label: level, label, num_positives,
        num_negatives, and the columns of `stats.Interval`.
    """
    exams = gather_exams(cases, decisions.labels)
    report.write_cases(record, cases)
    report.write_exams(record, exams)
    levels = {"slices": cases, "exams": exams}
    thresholds = pd.concat(
        [report.choose_thresholds(frame, level=level) for level, frame in levels.items()]
    )
    scores = pd.concat(
        [report.score_labels(frame, thresholds, level=level) for level, frame in levels.items()]
    )
    tested = _test_areas(scores)
    headline = report.interval_of_row(_most_common(tested))
    name = f"AUC of {_most_common(tested)['label']} on test patients"
    report.write_metrics(record, scores, (name, headline), thresholds=thresholds)
    _print_areas(tested, decisions)
    for sentence in report.redraw(record.folder, record.language).left_out:
        print(f"not drawn: {sentence}")
    return tested


def draw_class_maps(
    model, table: pd.DataFrame, cases: pd.DataFrame, record, labels: Sequence[str]
) -> None:
    """Keep Grad-CAM maps of the test images with the surest right and the surest wrong answers.

    Use it beside `report_labels`, before the figures are drawn.

    Args:
        model: a network of dense blocks, as `build_network` makes it.
        table: rows of `prepare_slices`.
        cases: as `score_slices` gives them.
        record: from `report.start_record`.
        labels: in the order of the logits.
    """
    layer = model.get_layer("features").input._keras_history.operation.name
    rows = table.set_index("case_id")
    for case_id, label in surest_answers(cases, labels, NUM_MAPS):
        image, _ = read_prepared(rows.loc[case_id])
        (heat,) = explain.grad_cam(model, image[None], list(labels).index(label), layer)
        report.write_images(record, case_id, image[..., 0])
        report.write_attention(record, cases["model"].iloc[0], case_id, {label: heat})


def surest_answers(
    cases: pd.DataFrame, labels: Sequence[str], number: int
) -> list[tuple[str, str]]:
    """Test cases with the surest true findings, and those that are furthest from the truth.

    Use it to choose what to look at.

    Args:
        cases: as `score_slices` gives them.
        labels: the labels.
        number: how many of either kind, at most.

    Returns:
        Pairs of case and label, right ones first; no case comes twice.
    """
    test = cases[cases["split"] == "test"]
    answers = pd.concat(
        [
            pd.DataFrame(
                {
                    "case_id": test["case_id"],
                    "label": label,
                    "truth": test[f"truth_{label}"].astype(float),
                    "probability": test[f"probability_{label}"],
                }
            )
            for label in labels
        ]
    ).dropna()
    answers["error"] = (answers["truth"] - answers["probability"]).abs()
    right = answers[(answers["truth"] == 1) & (answers["error"] < 0.5)].sort_values("error")
    wrong = answers[~answers["case_id"].isin(right["case_id"].head(number))]
    wrong = wrong.sort_values("error", ascending=False)
    chosen = [part.drop_duplicates("case_id").head(number) for part in (right, wrong)]
    return list(pd.concat(chosen)[["case_id", "label"]].itertuples(index=False, name=None))


def _predict(model, table, settings):
    logits = []
    for start in tqdm(range(0, len(table), BATCH_SIZE), unit="batch", desc="scoring"):
        rows = [row for _, row in table.iloc[start : start + BATCH_SIZE].iterrows()]
        images = np.stack([read_prepared(row)[0] for row in rows])
        logits.append(predict_logits(model, images, settings.mirror))
    return np.concatenate(logits)


def _choose_thresholds(cases, decisions):
    """Youden's threshold of each label; 0.5 where validation holds cases of one kind only."""
    chosen = report.choose_thresholds(cases)
    chosen = chosen[chosen["rule"] == RULE].set_index("label")["threshold"]
    without = [label for label in decisions.labels if label not in chosen]
    if without:
        print(
            "threshold 0.5, since validation does not hold both positives and negatives: "
            + ", ".join(without)
        )
    return dataclasses.replace(
        decisions,
        thresholds=tuple(float(chosen.get(label, 0.5)) for label in decisions.labels),
        rules=tuple("half" if label in without else RULE for label in decisions.labels),
    )


def _test_areas(scores):
    is_level = {"auc": "slices", "exam_auc": "exams"}
    tested = scores[(scores["split"] == "test") & scores["metric"].isin(is_level)]
    tested = tested.rename(columns={"structure": "label"})
    tested = tested.assign(level=tested["metric"].map(is_level))
    interval = ["estimate", "low", "high", "num_patients", "num_undefined", "kind"]
    return tested[["level", "label", "num_positives", "num_negatives", *interval]].reset_index(
        drop=True
    )


def _most_common(tested):
    """The row of the slices' label with most positives: `any`, where there is one."""
    slices = tested[tested["level"] == "slices"]
    return slices.loc[slices["num_positives"].idxmax()]


def _print_areas(tested, decisions):
    if decisions.temperature != 1:
        print(f"temperature {decisions.temperature:.2f}, fitted on validation")
    if decisions.neighbour_share:
        print(f"each neighbouring slice counts {decisions.neighbour_share:g}, chosen on validation")
    shown = tested[["level", "label", "num_positives", "num_negatives"]].copy()
    shown["AUC (95 % over patients)"] = [_write_area(row) for _, row in tested.iterrows()]
    print(shown.to_string(index=False))


def _write_area(row):
    if row["num_positives"] == 0:
        return "no positive among the test patients"
    if row["num_negatives"] == 0:
        return "no negative among the test patients"
    interval = report.interval_of_row(row)
    if np.isfinite(interval.low):
        return str(interval)
    with_it, patients = row["num_positive_patients"], row["num_patients"]
    few = f"{patients} patients, {with_it} with it: too few for an interval"
    return f"{interval.estimate:.3f}, {few}"
