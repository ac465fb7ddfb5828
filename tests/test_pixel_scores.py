"""Tests of scores of slides over pixels against scikit-learn and a slow bootstrap."""

import breast_record_maker
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit import metrics, record, report, stats
from radiokit.data.breast_regions import REGION_CLASSES

MODELS = ("roi_unet", "cell_unet")


def write(out, table, models=MODELS, change=None):
    """A record of these slides, its cases perhaps changed; returns its folder."""
    started = report.start_record("02_breast_wsi", table, "quick", 0, {}, out)
    cases, histograms = breast_record_maker.make_rows(table, models)
    report.write_cases(started, cases if change is None else change(cases))
    report.write_pixel_scores(started, histograms)
    return started.folder


def rows(scores, structure, pooling="pixels", model="cell_unet"):
    """The test rows of a structure by metric."""
    mine = (scores["model"] == model) & (scores["structure"] == structure)
    mine &= (scores["pooling"] == pooling) & (scores["split"] == "test")
    return scores[mine].set_index("metric")


def answers(table, model, split="test"):
    """Structure to slide to (truth, score, answer), as the record maker drew them."""
    found = {}
    for number, (_, slide) in enumerate(table.iterrows()):
        step = breast_record_maker.MODELS.index(model)
        if slide["split"] != split:
            continue
        truth, _ = breast_record_maker.make_truth(number)
        for structure, *sides in breast_record_maker.answers(truth, model, (number, step)):
            found.setdefault(structure, {})[slide["case_id"]] = sides
    return found


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Case table, and the scores of three test slides."""
    table = breast_record_maker.make_table(3)
    folder = write(tmp_path_factory.mktemp("few"), table)
    return table, report.score_pixels(folder)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Case table, folder, and the scores of twelve test slides."""
    table = breast_record_maker.make_table(12)
    folder = write(tmp_path_factory.mktemp("many"), table)
    return table, folder, report.score_pixels(record.read_run(folder))


def sklearn_scores(truth, score, called):
    """The six scores of pixels in one column."""
    truth, score, called = (np.concatenate([side.ravel() for side in part])
                            for part in (truth, score, called))  # fmt: skip
    binned = np.minimum((score.astype(float) * 256).astype(int), 255)
    return {
        "iou": sklearn_metrics.jaccard_score(truth, called),
        "accuracy": sklearn_metrics.accuracy_score(truth, called),
        "sensitivity": sklearn_metrics.recall_score(truth, called),
        "specificity": sklearn_metrics.recall_score(truth, called, pos_label=False),
        "f1": sklearn_metrics.f1_score(truth, called),
        "auc": sklearn_metrics.roc_auc_score(truth, binned),
    }


@pytest.mark.parametrize("model", MODELS)
def test_pooled_scores_are_scikit_learns_of_all_pixels_in_one_column(few, model):
    table, scores = few
    for structure, slides in answers(table, model).items():
        expected = sklearn_scores(*zip(*slides.values(), strict=True))
        found = rows(scores, structure, model=model)["estimate"]
        assert found.to_dict() == pytest.approx(expected)


def test_scores_of_slides_are_the_mean_of_scikit_learns_of_each(few):
    table, scores = few
    slides = answers(table, "roi_unet")["lesion"]
    each = pd.DataFrame([sklearn_scores(*([side] for side in sides)) for sides in slides.values()])
    found = rows(scores, "lesion", "slides", "roi_unet")
    assert found["estimate"].to_dict() == pytest.approx(each.mean().to_dict())
    pd.testing.assert_series_equal(found["low"], each.min(), check_names=False)
    pd.testing.assert_series_equal(found["high"], each.max(), check_names=False)


def test_below_ten_patients_the_ends_are_the_patients_own_scores(few):
    table, scores = few
    assert set(scores["kind"]) == {"range"}
    assert (scores.loc[scores["split"] == "test", "num_patients"] <= 3).all()
    slides = answers(table, "roi_unet")["lesion"].values()
    own = [metrics.dice_score(truth, called) for truth, _, called in slides]
    row = rows(scores, "lesion", model="roi_unet").loc["f1"]
    assert (row["low"], row["high"]) == pytest.approx((min(own), max(own)))


def test_the_macro_is_the_mean_of_the_three_lesion_classes(few):
    classes = [rows(few[1], name)["estimate"] for name in REGION_CLASSES[1:]]
    expected = pd.concat(classes, axis=1).mean(axis=1)
    pd.testing.assert_series_equal(rows(few[1], "macro")["estimate"], expected, check_names=False)
    assert rows(few[1], "macro", model="roi_unet").empty


def test_the_accuracy_of_all_classes_is_the_share_of_right_pixels(few):
    table, scores = few
    slides = answers(table, "cell_unet")
    truth = np.concatenate([
        np.argmax([slides[name][case_id][0] for name in REGION_CLASSES], axis=0).ravel()
        for case_id in slides["background"]
    ])  # fmt: skip
    called = np.concatenate([
        np.argmax([slides[name][case_id][2] for name in REGION_CLASSES], axis=0).ravel()
        for case_id in slides["background"]
    ])  # fmt: skip
    found = rows(scores, "all_classes")["estimate"]
    assert found.item() == pytest.approx(sklearn_metrics.accuracy_score(truth, called))


@pytest.mark.parametrize("metric", ["sensitivity", "accuracy", "iou", "auc"])
def test_pooled_intervals_are_those_of_summing_the_patients_drawn_one_by_one(many, metric):
    table, _, scores = many
    slides = list(answers(table, "roi_unet")["lesion"].values())
    counts = np.array([metrics.confusion_counts(truth, called) for truth, _, called in slides])
    bins = np.array([metrics.score_histogram(truth, score) for truth, score, _ in slides])

    def score(_, picks):
        if metric == "auc":
            return float(metrics.histogram_auc(*bins[picks].sum(axis=0)))
        return float(getattr(metrics.ConfusionCounts(*counts[picks].sum(axis=0)), metric))

    numbers = np.arange(len(slides))
    slow = stats.score_interval(score, numbers % 2, numbers, [f"A{n:02d}" for n in numbers])
    row = rows(scores, "lesion", model="roi_unet").loc[metric]
    assert row["kind"] == "bootstrap" and row["num_patients"] == 12
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx(
        (slow.estimate, slow.low, slow.high)
    )


def test_two_slides_of_one_patient_are_drawn_together(tmp_path, many):
    table = breast_record_maker.make_table(12)
    folder = write(tmp_path, table.assign(patient_id=[f"p{n // 2}" for n in range(14)]))
    found = report.score_pixels(folder)
    for pooling in ("pixels", "slides"):
        mine = rows(found, "lesion", pooling, "roi_unet")
        assert set(mine["num_patients"]) == {6} and set(mine["kind"]) == {"range"}
        before = rows(many[2], "lesion", pooling, "roi_unet")["estimate"]
        pd.testing.assert_series_equal(mine["estimate"], before)  # as many slides of each


def test_a_class_that_one_patient_alone_has_gets_no_interval(tmp_path):
    def empty(cases):
        is_other = cases["case_id"] != "A04"
        cases.loc[is_other, ["tp_in_situ", "fn_in_situ"]] = 0
        return cases

    folder = write(tmp_path, breast_record_maker.make_table(12), ("cell_unet",), empty)
    scores = report.score_pixels(folder)
    assert rows(scores, "in_situ").loc["f1", "kind"] == "none"
    assert np.isnan(rows(scores, "in_situ").loc["f1", "low"])
    assert rows(scores, "benign").loc["f1", "kind"] == "bootstrap"


def test_a_class_that_a_resample_lacks_is_left_out_and_counted(tmp_path):
    def empty(cases):
        is_other = ~cases["case_id"].isin(["A04", "A05"])
        cases.loc[is_other, ["tp_in_situ", "fn_in_situ"]] = 0
        return cases

    folder = write(tmp_path, breast_record_maker.make_table(12), ("cell_unet",), empty)
    scores = report.score_pixels(folder)
    counts = rows(scores, "in_situ")["num_undefined_resamples"]
    assert counts["f1"] / 1000 == pytest.approx((10 / 12) ** 12, abs=0.04)
    assert counts["iou"] == counts["sensitivity"] == counts["f1"]
    assert counts["specificity"] == 0
    assert rows(scores, "macro").loc["f1", "num_undefined_resamples"] == 0


def test_slides_without_a_truth_are_left_out_and_counted(tmp_path, few):
    def forget(cases):
        columns = [name for name in cases if name.endswith("_lesion")]
        cases.loc[cases["case_id"] == "A06", columns] = np.nan
        return cases

    folder = write(tmp_path, breast_record_maker.make_table(4), ("roi_unet",), forget)
    found = report.score_pixels(folder)
    for pooling in ("pixels", "slides"):
        mine, before = (rows(part, "lesion", pooling, "roi_unet") for part in (found, few[1]))
        mine, before = mine.drop("auc"), before.drop("auc")
        assert set(mine["num_undefined"]) == {1} and set(mine["num_patients"]) == {3}
        pd.testing.assert_series_equal(mine["estimate"], before["estimate"])


def test_without_histograms_there_is_no_area(tmp_path):
    folder = write(tmp_path, breast_record_maker.make_table(2))
    (folder / "pixel_scores.csv").unlink()
    assert set(report.score_pixels(folder)["metric"]) == set(metrics.PIXEL_METRICS) - {"auc"}


def test_cases_without_counts_or_scored_twice_raise(tmp_path):
    def twice(cases):
        return pd.concat([cases, cases])

    def bare(cases):
        return cases[["model", "split", "case_id", "patient_id"]].assign(dice_lesion=0.5)

    table = breast_record_maker.make_table(2)
    with pytest.raises(ValueError, match="scores? the slide A03 twice|scores? the slide A01 twice"):
        report.score_pixels(write(tmp_path / "twice", table, change=twice))
    with pytest.raises(ValueError, match="no pixel counts; it needs .*tp_<structure>"):
        report.score_pixels(write(tmp_path / "bare", table, change=bare))


def test_the_records_classes_are_those_of_the_data():
    assert record.REGION_CLASSES == REGION_CLASSES
