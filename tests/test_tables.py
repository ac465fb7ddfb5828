"""Tests of scores in tables: of volumes, of one model against another, beside published ones."""

import cardiac_record_maker
import numpy as np
import pandas as pd
import pytest

from radiokit import report, stats, tables


@pytest.fixture(scope="module")
def cases():
    """Scored slices of two models, three seeds, ten test patients."""
    return cardiac_record_maker.make_cases(cardiac_record_maker.make_table(num_patients=20))


def test_cross_entropy_is_a_score_of_its_own():
    frame = pd.DataFrame({"dice_blood_pool": [0.5, 1.0], "cce_blood_pool": [0.25, 0.75]})
    frame = frame.assign(model="unet_1", split="test", case_id=["a", "b"], patient_id=["1", "2"])
    scores = report.score_cases(frame).set_index("metric")
    assert scores.loc["cce", "estimate"] == 0.5
    assert (scores["structure"] == "blood_pool").all()


def test_scores_of_volumes_have_names_of_their_own():
    given = pd.DataFrame({"metric": ["dice", "hd95_mm", "hd95_px", "iou"]})
    named = report.name_volume_metrics(given)
    assert list(named["metric"]) == ["dice_3d", "hd95_3d_mm", "hd95_3d_px", "iou_3d"]
    assert list(given["metric"]) == ["dice", "hd95_mm", "hd95_px", "iou"]


def test_differences_are_paired_by_case_and_seed(cases):
    found = report.score_differences(cases, "unet_2", "unet_1")
    test = cases[(cases["split"] == "test") & (cases["seed"] == 1)].sort_values("case_id")
    first, second = (test[test["model"] == name] for name in ("unet_2", "unet_1"))
    expected = stats.paired_difference(
        first["dice_blood_pool"], second["dice_blood_pool"], first["patient_id"]
    )
    row = found.set_index(["structure", "metric", "seed"]).loc[("blood_pool", "dice", 1)]
    assert row["estimate"] == pytest.approx(expected.estimate)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    assert (row["num_patients"], row["kind"]) == (10, "bootstrap")
    assert set(found["model"]) == {"unet_2"} and set(found["compared_with"]) == {"unet_1"}


def test_the_row_of_all_seeds_is_their_mean_with_patients_resampled(cases):
    found = report.score_differences(cases, "unet_2", "unet_1")
    mine = found[(found["structure"] == "myocardium") & (found["metric"] == "dice")]
    seeds, whole = mine[mine["seed"] != "all"], mine[mine["seed"] == "all"].iloc[0]
    assert list(seeds["seed"]) == [0, 1, 2]
    assert whole["estimate"] == pytest.approx(seeds["estimate"].mean())
    assert whole["num_patients"] == 10
    assert whole["low"] < whole["estimate"] < whole["high"]


def test_cases_without_a_truth_or_scored_by_one_model_only_do_not_count():
    rows = [
        ("unet_1", "a", 0.5, 1.0),
        ("unet_2", "a", 0.75, 3.0),
        ("unet_1", "b", np.nan, np.nan),
        ("unet_2", "b", np.nan, np.nan),
        ("unet_2", "c", 0.1, 9.0),
        ("unet_1", "d", 0.5, np.nan),
        ("unet_2", "d", 0.5, 2.0),
    ]
    frame = pd.DataFrame(rows, columns=["model", "case_id", "dice_heart", "hd95_mm_heart"])
    frame = frame.assign(patient_id=frame["case_id"], split="test", seed=0)
    found = report.score_differences(frame, "unet_2", "unet_1").set_index(["metric", "seed"])
    assert found.loc[("dice", "all"), "estimate"] == pytest.approx((0.25 + 0) / 2)
    assert found.loc[("dice", "all"), "num_patients"] == 2
    assert found.loc[("hd95_mm", "all"), "estimate"] == 2.0
    assert found.loc[("hd95_mm", "all"), "num_undefined"] == 1


def test_differences_that_cannot_be_paired_raise(cases):
    with pytest.raises(ValueError, match="no column seed"):
        report.score_differences(cases.drop(columns="seed"), "unet_2", "unet_1")
    with pytest.raises(ValueError, match="by both 'unet_2' and 'vgg' with the same seed"):
        report.score_differences(cases, "unet_2", "vgg")
    with pytest.raises(ValueError, match="scored twice by one model and seed"):
        report.score_differences(pd.concat([cases, cases]), "unet_2", "unet_1")


def test_differences_of_volumes_are_named_as_such():
    volumes = cardiac_record_maker.make_volumes(cardiac_record_maker.make_table())
    found = report.name_volume_metrics(report.score_differences(volumes, "unet_2", "unet_1"))
    assert set(found["metric"]) == {"dice_3d", "hd95_3d_mm"}


def test_a_table_of_one_metric_takes_that_metrics_published_numbers(tmp_path):
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    dice = tables.score_table(made.folder).set_index("model")
    assert dice.loc["unet_2", "blood_pool_published"] == 0.751
    entropy = tables.score_table(made.folder, "cce").set_index("model")
    assert entropy.loc["unet_1", "myocardium_published"] == 0.049
    volumes = tables.score_table(made.folder, "dice_3d")
    assert [name for name in volumes if name.endswith("_published")] == []
    assert list(volumes["model"]) == ["unet_1", "unet_2"]


def test_the_cardiac_studys_table_is_as_printed():
    printed = pd.DataFrame(
        [
            [0.990, 0.748, 0.747],
            [0.018, 0.049, 0.070],
            [0.992, 0.793, 0.751],
            [0.007, 0.035, 0.056],
        ],
        columns=["background", "myocardium", "blood_pool"],
    )
    ours = [
        report.PUBLISHED_CARDIAC[metric][model]
        for model in ("unet_1", "unet_2")
        for metric in ("dice", "cce")
    ]
    pd.testing.assert_frame_equal(pd.DataFrame(ours), printed)
