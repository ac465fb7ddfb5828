"""Tests of scores of several labels against scikit-learn and a published report."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from radiokit.metrics import (
    classification_report,
    exact_match_score,
    hamming_loss,
    macro_f1_conventions,
)

LABELS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
SCORES = ["precision", "recall", "f1"]


def random_labels(num_images=200, seed=0):
    """Truth and prediction of six labels: one never there, one never said, one neither."""
    generator = np.random.default_rng(seed)
    y_true = (generator.random((num_images, 6)) < 0.2).astype(int)
    y_pred = np.where(generator.random((num_images, 6)) < 0.7, y_true, 1 - y_true)
    y_true[:, 0] = y_pred[:, 1] = y_true[:, 2] = y_pred[:, 2] = 0
    return y_true, y_pred


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("undefined", [0.0, 1.0, np.nan])
def test_the_report_equals_scikit_learns(seed, undefined):
    y_true, y_pred = random_labels(seed=seed)
    report = classification_report(y_true, y_pred, LABELS, undefined)
    expected = sklearn_metrics.classification_report(
        y_true, y_pred, target_names=LABELS, output_dict=True, zero_division=undefined
    )
    assert list(report.index) == list(expected)
    for row, scores in expected.items():
        found = report.loc[row, [*SCORES, "support"]].astype(float)
        values = [scores[name] for name in ("precision", "recall", "f1-score", "support")]
        np.testing.assert_allclose(found, values, rtol=1e-12, err_msg=row)


def columns_of_counts(true_positives, predicted, support, num_images=150):
    """Truth and prediction whose columns have these counts, each column by itself."""
    y_true, y_pred = np.zeros((2, num_images, len(support)), int)
    counts = zip(true_positives, predicted, support, strict=True)
    for column, (tp, said, there) in enumerate(counts):
        y_true[:there, column] = 1
        y_pred[there - tp : there - tp + said, column] = 1
    return y_true, y_pred


def test_the_published_report_follows_from_its_counts():
    counts = (0, 2, 2, 1, 4, 11), (0, 2, 2, 1, 7, 12), (9, 3, 2, 8, 11, 26)
    report = classification_report(*columns_of_counts(*counts), LABELS, undefined=0.0)
    published = {  # Ochoa et al. 2024
        "epidural": ("0.00", "0.00", "0.00", 9),
        "intraparenchymal": ("1.00", "0.67", "0.80", 3),
        "intraventricular": ("1.00", "1.00", "1.00", 2),
        "subarachnoid": ("1.00", "0.12", "0.22", 8),
        "subdural": ("0.57", "0.36", "0.44", 11),
        "any": ("0.92", "0.42", "0.58", 26),
        "micro avg": ("0.83", "0.34", "0.48", 59),
        "macro avg": ("0.75", "0.43", "0.51", 59),
        "weighted avg": ("0.73", "0.34", "0.44", 59),
    }
    for row, (*scores, support) in published.items():
        assert [f"{score:.2f}" for score in report.loc[row, SCORES]] == scores, row
        assert report.loc[row, "support"] == support


def test_the_counts_of_the_report_by_hand():
    y_true, y_pred = columns_of_counts((2, 1), (3, 1), (4, 1), num_images=9)
    report = classification_report(y_true, y_pred, ["a", "b"])
    assert report.loc["a", ["support", "tp", "fp", "fn"]].tolist() == [4, 2, 1, 2]
    assert report.loc["micro avg", ["support", "tp", "fp", "fn"]].tolist() == [5, 3, 1, 2]
    assert report.loc["samples avg", "tp"] == 3
    assert all(report[name].dtype.kind == "i" for name in ("support", "tp", "fp", "fn"))


def test_unknown_labels_count_nowhere_in_the_report():
    y_true, y_pred = random_labels()
    holed = y_true.copy()
    holed[:50] = -1  # nothing is known of these images
    expected = classification_report(y_true[50:], y_pred[50:], LABELS, 0.0)
    assert classification_report(holed, y_pred, LABELS, 0.0).equals(expected)
    holed = y_true.copy()
    holed[:50, 3] = -1
    report = classification_report(holed, y_pred, LABELS)
    alone = sklearn_metrics.precision_score(y_true[50:, 3], y_pred[50:, 3])
    assert report.loc["subarachnoid", "precision"] == pytest.approx(alone)
    assert report.loc["any"].equals(classification_report(y_true, y_pred, LABELS).loc["any"])


def test_a_report_of_nothing_known_is_undefined():
    report = classification_report(np.full((3, 2), -1), np.ones((3, 2)), ["a", "b"])
    assert report[SCORES].isna().all(axis=None)
    assert (report["support"] == 0).all()


def test_names_that_do_not_fit_the_columns_raise():
    with pytest.raises(ValueError, match="2 names of labels for 6 columns"):
        classification_report(*random_labels(), ["a", "b"])


@pytest.mark.parametrize("score", [hamming_loss, exact_match_score])
def test_a_single_column_or_other_shapes_raise(score):
    with pytest.raises(ValueError, match=r"Give a single label as y_true\[:, None\]"):
        score([1, 0], [1, 0])
    with pytest.raises(ValueError, match="a row an image and a column a label"):
        score([[1, 0]], [[1, 0], [1, 0]])
    with pytest.raises(ValueError, match="Prediction holds the value 0.5"):
        score([[1, 0]], [[0.5, 0]])


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_and_whole_images_are_counted_as_scikit_learn_does(seed):
    y_true, y_pred = random_labels(seed=seed)
    assert hamming_loss(y_true, y_pred) == pytest.approx(
        sklearn_metrics.hamming_loss(y_true, y_pred)
    )
    assert exact_match_score(y_true, y_pred) == pytest.approx(
        sklearn_metrics.accuracy_score(y_true, y_pred)
    )


def test_unknown_labels_are_neither_wrong_nor_needed_for_a_match():
    y_true = [[1, 0, -1], [0, -1, 1], [-1, -1, -1]]
    y_pred = [[1, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert hamming_loss(y_true, y_pred) == pytest.approx(1 / 4)
    assert exact_match_score(y_true, y_pred) == pytest.approx(1 / 2)
    assert np.isnan(hamming_loss([[-1]], [[1]])) and np.isnan(exact_match_score([[-1]], [[1]]))


@pytest.mark.parametrize("seed", range(3))
def test_the_three_macro_f1_scores_equal_scikit_learns(seed):
    y_true, y_pred = random_labels(seed=seed)
    f1 = sklearn_metrics.f1_score
    found = macro_f1_conventions(y_true, y_pred)
    assert found.class_mean == pytest.approx(f1(y_true, y_pred, average="macro", zero_division=0))
    present = np.flatnonzero(y_true.any(axis=0))
    assert len(present) == 4  # two labels are absent, one of them with false alarms
    expected = f1(y_true, y_pred, labels=present, average="macro", zero_division=0)
    assert found.present_mean == pytest.approx(expected)
    expected = f1(y_true.ravel(), y_pred.ravel(), average="macro")
    assert found.pooled == pytest.approx(expected)


def test_pooled_macro_f1_is_a_formula_of_the_errors_and_of_what_is_present():
    y_true, y_pred = random_labels()
    share = y_true.mean() + y_pred.mean()
    expected = 1 - hamming_loss(y_true, y_pred) / (share * (2 - share))
    assert macro_f1_conventions(y_true, y_pred).pooled == pytest.approx(expected)


def test_the_published_table_of_body_parts_fits_the_pooled_macro_f1():
    accuracy = np.array([0.9910, 0.9914, 0.9905, 0.9917, 0.9911])
    f1 = np.array([0.9452, 0.9480, 0.9433, 0.9491, 0.9454])
    quotients = (1 - f1) / (1 - accuracy)
    assert quotients.min() > 5.9 and quotients.max() < 6.2
    y_true = np.zeros((366, 25), int)
    y_true.flat[: round(0.043 * y_true.size)] = 1
    y_pred = y_true.copy()
    y_pred.flat[:40] = 0  # 79 of 9,150 decisions wrong are an accuracy of 0.9914
    y_pred.flat[-39:] = 1
    assert 1 - hamming_loss(y_true, y_pred) == pytest.approx(accuracy[1], abs=5e-5)
    assert macro_f1_conventions(y_true, y_pred).pooled == pytest.approx(f1[1], abs=1e-3)


def test_macro_f1_of_labels_that_are_partly_unknown():
    y_true, y_pred = random_labels()
    holed = y_true.copy()
    holed[:50] = -1
    assert macro_f1_conventions(holed, y_pred) == macro_f1_conventions(y_true[50:], y_pred[50:])
    assert np.isnan(macro_f1_conventions([[-1, -1]], [[1, 0]])).all()


def test_macro_f1_where_nothing_is_present():
    found = macro_f1_conventions(np.zeros((4, 2)), np.zeros((4, 2)))
    assert found.class_mean == 0 and np.isnan(found.present_mean) and found.pooled == 1
    found = macro_f1_conventions(np.ones((4, 2)), np.ones((4, 2)))
    assert found == (1, 1, 1)


def test_macro_f1_refuses_a_single_column():
    with pytest.raises(ValueError, match=r"Give a single label as y_true\[:, None\]"):
        macro_f1_conventions([1, 0], [1, 0])
