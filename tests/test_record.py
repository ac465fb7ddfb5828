"""Tests of reading a run's record: ids, choices, curves, published numbers, volumes."""

import nibabel
import numpy as np
import pandas as pd
import pytest
import record_maker

from radiokit import record, report
from radiokit.words import read_words

CURVE = pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5], "val_loss": [1.1, 0.6]})


def make_run(folder, metrics):
    return record.Run(folder, {"notebook": "05_chest_xray"} | metrics, read_words("en"))


def write_curve(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    CURVE.to_csv(path, index=False)


def test_ids_that_are_no_file_names_are_stored_apart(tmp_path):
    paths = {record.image_path(tmp_path, case) for case in ("a/b", "a_b", "a:b", "a%2Fb")}
    assert len(paths) == 4
    assert all(path.parent == tmp_path / "images" for path in paths)


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    table = record_maker.make_table()
    made = report.start_record("run", table, "quick", 0, {}, tmp_path)
    cases = record_maker.make_cases(table, ("unet",)).assign(case_id="007")
    report.write_cases(made, cases)
    report.write_volumes(made, cases)
    run = record.read_run(made.folder)
    for scored in (run.cases(), run.volumes()):
        assert pd.api.types.is_string_dtype(scored["patient_id"])
        assert set(scored["case_id"]) == {"007"}


def test_no_model_is_chosen_without_validation():
    cases = record_maker.make_cases(record_maker.make_table(), ("unet",))
    with pytest.raises(ValueError, match="chosen on validation, never on the test"):
        record.best_on_validation(cases[cases["split"] == "test"], "heart")
    classified = cases[["model", "split"]].assign(probability_any=0.5)
    with pytest.raises(ValueError, match="No model has a validation Dice of any structure"):
        record.best_on_validation(classified)


def test_curves_are_read_from_the_trainings_or_from_copies(tmp_path):
    write_curve(tmp_path / "training" / "unet" / "history.csv")
    write_curve(tmp_path / "history_swin_unet_tiny.csv")
    found = make_run(tmp_path, {}).histories()
    assert list(found) == ["swin_unet_tiny", "unet"]
    pd.testing.assert_frame_equal(found["unet"], CURVE)


def test_trainings_beside_the_main_study_are_left_out_once_scores_are_written(tmp_path):
    for name in ("unet", "unet_montgomery", "unet_seed1"):
        write_curve(tmp_path / "training" / name / "history.csv")
    assert len(make_run(tmp_path, {"scores": []}).histories()) == 3
    scores = [{"model": "unet"}, {"model": "unet_montgomery", "trained_on": "montgomery"}]
    assert list(make_run(tmp_path, {"scores": scores}).histories()) == ["unet"]
    other = make_run(tmp_path, {"scores": [{"model": "named_otherwise"}]})
    assert len(other.histories()) == 3


def test_a_record_without_any_curve_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no training/<model>/history.csv .*train first"):
        make_run(tmp_path, {}).histories()


def test_published_numbers_are_found_by_metric_and_the_plain_form_is_dice(tmp_path):
    plain = make_run(tmp_path, {"published": report.PUBLISHED_DICE})
    assert plain.published()["unet"]["heart"] == 0.798
    assert plain.published("hd95_mm") == {}
    nested = make_run(tmp_path, {"published": report.PUBLISHED_CARDIAC})
    assert nested.published("dice")["unet_2"]["myocardium"] == 0.793
    assert nested.published("cce")["unet_1"]["blood_pool"] == 0.070
    assert nested.published("dice_3d") == {}
    for metrics in ({}, {"published": {}}):
        assert make_run(tmp_path, metrics).published() == {}


def test_a_mask_is_known_to_be_kept_without_reading_it(tmp_path):
    run = make_run(tmp_path, {})
    assert not run.has_mask("unet", "a", "heart")
    path = record.mask_path(tmp_path, "unet", "a", "heart")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no picture")
    assert run.has_mask("unet", "a", "heart")


def test_a_volume_comes_in_the_patients_axes(tmp_path):
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[3, 1, 2] = 2
    path = record.volume_path(tmp_path, "truth", "pat 1")
    path.parent.mkdir(parents=True)
    # Stored axes run downwards, to the patient's left, and to the front, with 1, 2 and 3 mm.
    affine = np.array([[0, -2, 0, 0], [0, 0, 3, 0], [-1, 0, 0, 0], [0, 0, 0, 1]], float)
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
    found, spacing_mm = make_run(tmp_path, {}).volume("truth", "pat 1")
    assert found.shape == (5, 6, 4) and spacing_mm == (2.0, 3.0, 1.0)
    assert np.argwhere(found == 2).tolist() == [[5 - 1 - 1, 2, 4 - 1 - 3]]


def test_a_volume_that_was_not_kept_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="pat1.nii.gz does not exist. .*no label volume"):
        make_run(tmp_path, {}).volume("truth", "pat1")


def classified(model, split, estimate, metric="auc"):
    return {"model": model, "split": split, "metric": metric, "estimate": estimate}


def make_classified_run(folder, scores, models=("a", "b")):
    """A record of classifiers, without a picture."""
    rows = [
        {"model": model, "case_id": "1", "patient_id": "1", "split": "test", "truth_any": 1}
        | {"probability_any": 0.5}
        for model in models
    ]
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return make_run(folder, {"scores": scores})


def test_the_best_classifier_is_the_best_on_validation_and_not_on_test(tmp_path):
    scores = [classified("a", "validation", 0.8), classified("b", "validation", 0.9)]
    scores += [classified("a", "test", 0.99), classified("b", "test", 0.5)]
    scores += [classified("a", "validation", 0.99, "exam_auc")]
    assert record.best_classifier(make_classified_run(tmp_path, scores)) == "b"


def test_no_classifier_is_chosen_without_validation(tmp_path):
    run = make_classified_run(tmp_path, [classified("a", "test", 0.9)])
    with pytest.raises(ValueError, match="no validation AUC of slices to choose among a, b"):
        record.best_classifier(run)
    assert record.best_classifier(make_classified_run(tmp_path, [], models=("a",))) == "a"


def test_an_unknown_level_is_named(tmp_path):
    with pytest.raises(ValueError, match="level is 'patients'; it must be one of slices, exams"):
        make_run(tmp_path, {}).classified("patients")


def test_models_are_found_by_what_they_answer():
    cases = pd.DataFrame({"model": ["net", "drawer"], "dice_a": [np.nan, 0.5]})
    cases["probability_a"] = [0.5, np.nan]
    assert record.models_with(cases, "dice") == ["drawer"]
    assert record.models_with(cases, "probability") == ["net"]
    assert record.models_with(cases.drop(columns="dice_a"), "dice") == []


def test_cases_of_unknown_truth_are_left_out_of_a_label():
    cases = pd.DataFrame({"truth_a": [1, np.nan, -1, 0], "probability_a": [0.9, 0.8, 0.7, 0.6]})
    known = record.known_label(cases.assign(patient_id=[1, 2, 3, 4]), "a")
    assert known["truth"].tolist() == [1, 0]
    assert known["probability"].tolist() == [0.9, 0.6]
    assert known["patient"].tolist() == ["1", "4"]


def test_a_threshold_without_a_level_holds_for_both():
    rows = [
        {"model": "net", "label": "any", "rule": "youden", "threshold": 0.2},
        {"model": "net", "label": "any", "rule": "youden", "threshold": 0.3, "level": "exams"},
        {"model": "other", "label": "any", "rule": "youden", "threshold": 0.4},
    ]
    assert record.chosen_thresholds(rows, "net")["threshold"].tolist() == [0.2]
    assert record.chosen_thresholds(rows, "net", "exams")["threshold"].tolist() == [0.2, 0.3]
    assert record.chosen_thresholds(None, "net").empty


def test_class_maps_are_told_from_attention_by_their_label(tmp_path):
    run = make_classified_run(tmp_path, [], models=("a",))
    for name in ("1__any", "1__skip0_attention", "9__any"):
        path = tmp_path / "attention" / "a" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture")
    assert run.class_maps() == [("a", "1", "any")]
    assert run.attention_maps() == [("a", "1", "skip0_attention")]


def test_the_curves_of_a_network_with_several_outputs_are_those_of_its_labels(tmp_path):
    columns = {
        "loss": [3.0],
        "labels_loss": [0.5],
        "val_labels_auc": [0.75],
        "val_masks_dice": [0.1],
    }
    path = tmp_path / "training" / "multitask" / "history.csv"
    path.parent.mkdir(parents=True)
    pd.DataFrame({"epoch": [0]} | columns).to_csv(path, index=False)
    write_curve(tmp_path / "training" / "segmenter" / "history.csv")
    found = make_run(tmp_path, {}).label_histories()
    assert list(found) == ["multitask"]
    assert found["multitask"]["loss"].tolist() == [0.5]
    assert found["multitask"]["val_auc"].tolist() == [0.75]


def test_a_published_report_by_label_is_no_table_of_dice(tmp_path):
    run = make_run(tmp_path, {"published": report.PUBLISHED_HEADCT})
    assert run.published() == {} and run.published("auc") == {}
    assert run.published_report()["any"]["support"] == 26
    assert make_run(tmp_path, {"published": report.PUBLISHED_DICE}).published_report() == {}
    assert make_run(tmp_path, {}).published_report() == {}


def test_every_section_that_is_missing_is_named(tmp_path):
    run = make_run(tmp_path, {"scores": []})
    sections = {"scores": run.scores, "differences": run.differences, "cost": run.cost}
    for name, read in sections.items():
        with pytest.raises(ValueError, match=f"has no {name}. Run the notebook to its end"):
            read()
