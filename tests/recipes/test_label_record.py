import numpy as np
import pandas as pd

from radiokit.recipes.decisions import Decisions
from radiokit.recipes.label_record import (
    _choose_thresholds,
    _write_area,
    gather_exams,
    surest_answers,
)


def make_cases(truth, probability, exams=None, split="test"):
    number = len(truth)
    exams = exams or [f"e{n}" for n in range(number)]
    return pd.DataFrame(
        {
            "model": "net",
            "dataset": "own",
            "case_id": [f"c{n}" for n in range(number)],
            "patient_id": exams,
            "exam_id": exams,
            "split": split,
            "truth_any": pd.array(truth, "Int8"),
            "probability_any": probability,
        }
    )


def test_an_exam_is_as_likely_as_its_likeliest_slice():
    cases = make_cases([0, 1, 0, 0], [0.2, 0.9, 0.4, 0.1], ["a", "a", "b", "b"])
    exams = gather_exams(cases, ["any"]).set_index("case_id")
    assert exams["truth_any"].to_dict() == {"a": 1, "b": 0}
    assert exams["probability_any"].to_dict() == {"a": 0.9, "b": 0.4}


def test_an_exam_with_an_unknown_slice_is_known_only_if_another_is_positive():
    cases = make_cases([1, None, 0, None], [0.5] * 4, ["a", "a", "b", "b"])
    exams = gather_exams(cases, ["any"]).set_index("case_id")
    assert exams.loc["a", "truth_any"] == 1
    assert pd.isna(exams.loc["b", "truth_any"])


def test_the_surest_findings_come_first_then_the_worst_mistakes():
    cases = make_cases([1, 1, 0, 0, 1, None], [0.9, 0.6, 0.8, 0.1, 0.3, 0.99])
    assert surest_answers(cases, ["any"], 2) == [
        *(("c0", "any"), ("c1", "any")),
        *(("c2", "any"), ("c4", "any")),
    ]


def test_only_test_cases_are_shown():
    cases = make_cases([1, 0], [0.9, 0.8], split="validation")
    assert surest_answers(cases, ["any"], 2) == []


def test_a_label_without_positive_in_validation_keeps_one_half_and_is_named(capsys):
    validation = make_cases([0, 0, 1], [0.1, 0.2, 0.3], split="validation")
    cases = validation.assign(
        truth_rare=pd.array([0, 0, 0], "Int8"), probability_rare=[0.1, 0.2, 0.3]
    )
    decisions = _choose_thresholds(cases, Decisions(("any", "rare"), (0.0, 0.0)))
    assert decisions.rules == ("youden", "half")
    assert 0.2 < decisions.thresholds[0] <= 0.3 and decisions.thresholds[1] == 0.5
    assert "both positives and negatives: rare" in capsys.readouterr().out


def test_an_area_that_cannot_be_is_said_so():
    row = {"num_positives": 3, "num_negatives": 9, "num_patients": 4, "num_undefined": 0}
    row |= {"estimate": 0.75, "low": np.nan, "high": np.nan, "kind": "none"}
    row["num_positive_patients"] = 2
    assert _write_area(pd.Series(row)) == "0.750, 4 patients, 2 with it: too few for an interval"
    assert _write_area(pd.Series(row | {"num_positives": 0})).startswith("no positive")
    assert _write_area(pd.Series(row | {"num_negatives": 0})).startswith("no negative")
    whole = row | {"low": 0.5, "high": 0.875, "kind": "bootstrap", "num_patients": 12}
    assert _write_area(pd.Series(whole)) == "0.750 (0.500–0.875)"
