"""Tests of scores over all labels against scikit-learn, the metrics and a slow bootstrap."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from radiokit import metrics, stats
from radiokit.tables import PUBLISHED_BODYPART, score_all_labels

LABELS = ("Hand", "Lower Leg", "Cavum")


def cases(num_images=60, num_patients=20, seed=0, unknown=False):
    """Images of patients with two frequent labels and one that nobody has."""
    generator = np.random.default_rng(seed)
    truth = (generator.random((num_images, 3)) < (0.5, 0.2, 0)).astype(float)
    probability = np.clip(0.3 + 0.4 * truth + generator.normal(0, 0.25, truth.shape), 0, 1)
    if unknown:
        truth[generator.random(truth.shape) < 0.2] = np.nan
    frame = pd.DataFrame({"case_id": [f"c{n}" for n in range(num_images)]})
    frame["patient_id"] = [f"p{n % num_patients}" for n in range(num_images)]
    frame["model"], frame["split"] = "net", "test"
    for column, label in enumerate(LABELS):
        frame[f"truth_{label}"] = truth[:, column]
        frame[f"probability_{label}"] = probability[:, column]
    return frame


def arrays(frame):
    """Truth with -1 for unknown, and answers at 0.5."""
    truth = frame[[f"truth_{label}" for label in LABELS]].fillna(-1).to_numpy(int)
    answers = frame[[f"probability_{label}" for label in LABELS]].to_numpy() >= 0.5
    return truth, answers.astype(int)


def estimates(frame):
    return score_all_labels(frame).set_index("metric")["estimate"]


def test_scores_are_those_of_scikit_learn():
    found, (truth, answers) = estimates(cases()), arrays(cases())
    assert found["accuracy"] == pytest.approx((truth == answers).mean())
    assert found["exact_match"] == pytest.approx(accuracy_score(truth, answers))
    assert found["f1_classes"] == pytest.approx(
        f1_score(truth, answers, average="macro", zero_division=0)
    )
    pooled = f1_score(truth.ravel(), answers.ravel(), average="macro")
    assert found["f1_pooled"] == pytest.approx(pooled)


def test_unknown_truths_are_left_out_as_the_metrics_do():
    frame = cases(unknown=True)
    found, (truth, answers) = estimates(frame), arrays(frame)
    counts = metrics.confusion_counts(truth, answers)
    f1 = metrics.macro_f1_conventions(truth, answers)
    assert found["sensitivity"] == pytest.approx(counts.sensitivity)
    assert found["specificity"] == pytest.approx(counts.specificity)
    assert found["accuracy"] == pytest.approx(1 - metrics.hamming_loss(truth, answers))
    assert found["exact_match"] == pytest.approx(metrics.exact_match_score(truth, answers))
    expected = [f1.pooled, f1.present_mean, f1.class_mean]
    assert list(found[["f1_pooled", "f1_present", "f1_classes"]]) == pytest.approx(expected)


def test_intervals_are_those_of_resampling_patients_one_by_one():
    frame = cases()
    truth, answers = arrays(frame)
    slow = stats.score_interval(
        metrics.exact_match_score, truth, answers, frame["patient_id"], num_resamples=1000
    )
    fast = score_all_labels(frame).set_index("metric").loc["exact_match"]
    assert (fast["low"], fast["high"]) == pytest.approx((slow.low, slow.high))
    assert fast["kind"] == "bootstrap"


def test_labels_of_one_patient_do_not_push_the_interval_below_the_estimate():
    frame = cases(num_images=40)
    frame["truth_Cavum"] = (frame["patient_id"] == "p3").astype(float)
    frame["probability_Cavum"] = frame["truth_Cavum"]  # right where it is there
    row = score_all_labels(frame).set_index("metric").loc["f1_classes"]
    assert row["low"] < row["estimate"] < row["high"]


def test_below_ten_patients_there_is_no_interval():
    scores = score_all_labels(cases(num_patients=6))
    assert set(scores["kind"]) == {"none"}
    assert scores["low"].isna().all()


def test_a_column_without_its_truth_is_refused():
    with pytest.raises(ValueError, match="truth_Hand"):
        score_all_labels(cases().drop(columns="truth_Hand"))


def test_the_published_f1_follows_the_accuracy_as_pooled_answers_do():
    """(1 - F1) / (1 - accuracy) of about 6.1 at 4.3 % of yes, in all five rows."""
    accuracy, f1 = PUBLISHED_BODYPART["accuracy"], PUBLISHED_BODYPART["f1_pooled"]
    ratios = [
        (1 - f1[model]["all_labels"]) / (1 - accuracy[model]["all_labels"]) for model in accuracy
    ]
    assert len(ratios) == 5
    assert min(ratios) > 5.9
    assert max(ratios) < 6.2
