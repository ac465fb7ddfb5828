"""Tests of a classifier's scores and tables: thresholds, the report beside the published one."""

import headct_record_maker
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from radiokit import metrics, record, report, stats, tables
from radiokit.words import read_words


@pytest.fixture(scope="module")
def cases():
    """Answers of one classifier about thirty patients."""
    table = headct_record_maker.make_table(30)
    return headct_record_maker.make_answers(table, "densenet121")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A complete record of classifiers alone."""
    out = tmp_path_factory.mktemp("label_scores")
    return headct_record_maker.make_record(out, 60, is_mixed=False).folder


def make_answers(rows, **columns):
    """A frame of one model's test cases from (patient, truth, probability) of the label any."""
    frame = pd.DataFrame(rows, columns=["patient_id", "truth_any", "probability_any"])
    return frame.assign(**{"model": "net", "split": "test", "case_id": range(len(rows))} | columns)


def row_of(scores, **wanted):
    """The one row with these values."""
    for name, value in wanted.items():
        scores = scores[scores[name] == value]
    (row,) = scores.to_dict("records")
    return row


@pytest.mark.parametrize("label", ["subdural", "any"])
def test_pooled_scores_are_those_of_scikit_learn(cases, label):
    scores = report.score_labels(cases)
    test = cases[cases["split"] == "test"]
    truth, probability = test[f"truth_{label}"], test[f"probability_{label}"]
    called = probability >= 0.5
    expected = {
        "auc": reference.roc_auc_score(truth, probability),
        "average_precision": reference.average_precision_score(truth, probability),
        "sensitivity": reference.recall_score(truth, called),
        "specificity": reference.recall_score(truth, called, pos_label=0),
        "precision": reference.precision_score(truth, called),
    }
    for metric, value in expected.items():
        row = row_of(scores, split="test", structure=label, metric=metric)
        assert row["estimate"] == pytest.approx(value)
        assert row["num_positives"] == truth.sum()
        assert row["num_negatives"] == (1 - truth).sum()


def test_the_fast_intervals_are_those_of_resampled_patients(cases):
    scores = report.score_labels(cases, seed=4)
    known = record.known_label(cases[cases["split"] == "test"], "any")
    truth, probability = known["truth"].to_numpy(), known["probability"].to_numpy()
    called = (probability >= 0.5).astype(int)
    slow = {
        "average_precision": (metrics.average_precision_score, probability),
        "sensitivity": (lambda truth, called: called[truth == 1].mean(), called),
        "specificity": (lambda truth, called: 1 - called[truth == 0].mean(), called),
        "precision": (lambda truth, called: truth[called == 1].mean(), called),
    }
    for metric, (score, answers) in slow.items():
        expected = stats.score_interval(score, truth, answers, known["patient"], 4)
        row = row_of(scores, split="test", structure="any", metric=metric)
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
        assert row["kind"] == "bootstrap"


def test_a_label_without_a_positive_has_no_score_and_says_why():
    scores = report.score_labels(make_answers([(n, 0, 0.1 * n) for n in range(9)]))
    for metric in ("auc", "average_precision", "sensitivity"):
        row = row_of(scores, metric=metric)
        assert np.isnan(row["estimate"]) and row["kind"] == "undefined"
        assert (row["num_positives"], row["num_negatives"]) == (0, 9)
    assert row_of(scores, metric="specificity")["estimate"] == pytest.approx(5 / 9)


def test_one_positive_patient_gives_no_interval():
    rows = [("bleeds", 1, 0.9), ("bleeds", 1, 0.2)] + [(str(n), 0, 0.3) for n in range(12)]
    scores = report.score_labels(make_answers(rows))
    for metric, estimate in (("auc", 0.5), ("sensitivity", 0.5)):
        row = row_of(scores, metric=metric)
        assert (row["estimate"], row["kind"], row["num_positive_patients"]) == (estimate, "none", 1)
        assert np.isnan([row["low"], row["high"]]).all()
    assert row_of(scores, metric="specificity")["kind"] == "bootstrap"


def test_unknown_truths_do_not_count():
    rows = [(1, 1, 0.9), (2, np.nan, 0.9), (3, -1, 0.9), (4, 0, 0.1)]
    row = row_of(report.score_labels(make_answers(rows)), metric="auc")
    assert (row["estimate"], row["num_positives"], row["num_negatives"]) == (1.0, 1, 1)


def test_a_label_is_scored_where_it_was_answered_and_its_truth_is_known():
    rows = [(1, np.nan, 0.9), (2, np.nan, 0.1)]
    row = row_of(report.score_labels(make_answers(rows)), metric="auc")
    assert (row["kind"], row["num_positives"], row["num_negatives"]) == ("undefined", 0, 0)
    both = make_answers([(1, 1, 0.9), (2, 0, 0.1)], truth_rare=1, probability_rare=np.nan)
    assert set(report.score_labels(both)["structure"]) == {"any"}


def test_scores_of_masks_and_of_labels_stand_in_one_table(cases):
    assert report.score_cases(cases).empty  # a classifier draws nothing
    scores = pd.concat([report.score_cases(cases), report.score_labels(cases)])
    assert set(scores["metric"]) >= {"auc", "sensitivity"}


def test_each_threshold_has_scores_under_its_own_name():
    rows = [(1, 1, 0.4), (2, 1, 0.9), (3, 0, 0.3), (4, 0, 0.1)]
    chosen = {"model": ["net"], "label": ["any"], "rule": ["youden"], "threshold": [0.4]}
    scores = report.score_labels(make_answers(rows), pd.DataFrame(chosen), level="exams")
    assert row_of(scores, metric="exam_sensitivity")["estimate"] == 0.5
    row = row_of(scores, metric="exam_sensitivity_at_youden")
    assert (row["estimate"], row["rule"], row["threshold"]) == (1.0, "youden", 0.4)
    assert row_of(scores, metric="exam_specificity_at_youden")["estimate"] == 1.0
    assert scores["metric"].str.startswith("exam_").all()


def test_thresholds_are_chosen_on_validation_alone(cases):
    chosen = report.choose_thresholds(cases, 0.9)
    other = cases.assign(probability_any=cases["probability_any"].where(
        cases["split"] == "validation", 0.123))  # fmt: skip
    pd.testing.assert_frame_equal(report.choose_thresholds(other, 0.9), chosen)
    validation = cases[cases["split"] == "validation"]
    truth = validation["truth_any"] == 1
    for rule in ("youden", "sensitivity_0.9"):
        threshold = row_of(chosen, label="any", rule=rule)["threshold"]
        called = validation["probability_any"] >= threshold
        assert threshold in set(validation["probability_any"])
        assert called[truth].mean() >= 0.8
    assert called[truth].mean() >= 0.9


def test_a_label_that_validation_lacks_keeps_the_half():
    rows = [(1, 0, 0.4), (2, 0, 0.9)]
    chosen = report.choose_thresholds(make_answers(rows, split="validation"))
    assert chosen.empty and list(chosen) == ["model", "level", "label", "rule", "threshold"]
    with pytest.raises(ValueError, match="no validation rows; a threshold is chosen there"):
        report.choose_thresholds(make_answers(rows))


def test_a_threshold_meets_its_own_case_after_writing_and_reading(tmp_path):
    table = headct_record_maker.make_table(10)
    made = report.start_record("run", table, "quick", 0, {}, tmp_path)
    probability = np.float32(1) / np.arange(1, 41, dtype=np.float32)
    frame = make_answers([(n, n % 2, value) for n, value in enumerate(probability)])
    frame = frame.assign(probability_any=probability)
    report.write_cases(made, frame)
    again = record.read_run(made.folder).cases()["probability_any"]
    assert (again >= [float(value) for value in probability]).all()


def test_columns_that_are_missing_are_named(cases):
    with pytest.raises(ValueError, match="no column probability_<label>"):
        report.score_labels(cases.loc[:, ["model", "case_id", "patient_id", "split"]])
    with pytest.raises(ValueError, match="no column truth_any; each label needs"):
        report.score_labels(cases.drop(columns="truth_any"))
    with pytest.raises(ValueError, match="level is 'series'; it must be one of slices, exams"):
        report.score_labels(cases, level="series")


def test_the_published_report_is_as_printed_and_its_counts_give_it():
    published = pd.DataFrame(report.PUBLISHED_HEADCT).T
    assert published.loc["any"].tolist() == [0.92, 0.42, 0.58, 26, 11, 12]
    labels = published.iloc[:7]
    found, positive, predicted = labels["true_positives"], labels["support"], labels["predicted"]
    assert ((found / positive).astype(float) - labels["recall"]).abs().max() < 0.0051
    precision = (found / predicted.replace(0, np.nan)).astype(float).fillna(0)
    assert (precision - labels["precision"]).abs().max() < 0.0051
    f1 = (2 * found / (positive + predicted)).astype(float)
    assert (f1 - labels["f1"]).abs().max() < 0.0051
    assert positive.iloc[:6].sum() == published.loc["micro avg", "support"] == 59


def test_the_report_has_ours_over_the_published_with_exact_intervals(folder):
    table = report.label_report_table(folder)
    assert table["source"].value_counts().to_dict() == {"ours": 10, "published": 10}
    epidural = row_of(table, label="epidural", source="published")
    assert (epidural["recall"].low, round(epidural["recall"].high, 3)) == (0, 0.336)
    assert epidural["precision"] == 0.0  # of no prediction there is no interval
    cases = record.read_run(folder).cases().query("split == 'test'")
    called = cases["probability_subdural"] >= 0.5
    ours = row_of(table, label="subdural", source="ours")
    assert ours["recall"].estimate == reference.recall_score(cases["truth_subdural"], called)
    assert ours["recall"].kind == "bootstrap"
    assert ours["true_positives"] == (called & (cases["truth_subdural"] == 1)).sum()
    assert row_of(table, label="macro avg", source="ours")["true_positives"] is None


def test_without_a_published_report_only_ours_is_in_the_table(folder, tmp_path):
    for name in ("cases.csv", "metrics.json"):
        text = (folder / name).read_text(encoding="utf-8")
        text = text.replace('"published": {', '"published_elsewhere": {')
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert set(report.label_report_table(tmp_path)["source"]) == {"ours"}


def test_the_threshold_table_has_a_row_a_label_and_rule(folder):
    table = report.threshold_table(folder)
    assert list(table["rule"])[:3] == ["half", "youden", "sensitivity_0.9"]
    assert len(table) == 18
    row = row_of(table, label="any", rule="half")
    assert row["threshold"] == 0.5 and row["sensitivity"].kind == "bootstrap"
    exams = report.threshold_table(folder, level="exams")
    assert exams["positives"].max() < table["positives"].max()


def test_a_rule_that_nobody_chose_is_named(folder):
    with pytest.raises(ValueError, match="no threshold of the rule 'by_hand'"):
        report.label_report_table(folder, rule="by_hand")
    with pytest.raises(ValueError, match="no score of 'vgg' at a threshold"):
        report.threshold_table(folder, "vgg")


@pytest.mark.parametrize("language", ["pt", "es"])
def test_the_tables_speak_the_language_and_counts_are_whole(folder, language):
    words = read_words(language)
    table = report.label_report_table(folder)
    latex = tables.to_latex(table, "c", "t", words)
    assert words.label("subarachnoid") in latex and words.text("tables", "ours") in latex
    assert words.label("samples avg") in latex
    assert " & 11 \\\\" in latex and " & 59 & --" in latex
    rules = tables.to_latex(report.threshold_table(folder), "c", "t", words)
    assert r"$\geq$ 0,9" in rules and words.rule("youden") in rules


def test_the_caption_counts_what_has_no_score(tmp_path):
    made = headct_record_maker.make_record(tmp_path, 60, is_mixed=False, without=("epidural",))
    caption = tables.score_caption(record.read_run(made.folder), "auc")
    assert "all cases pooled" in caption
    assert "No score where all cases are of one kind: epidural, 0 positive, 144 negative" in caption
    assert "Published" not in caption
