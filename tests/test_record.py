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


def test_every_section_that_is_missing_is_named(tmp_path):
    run = make_run(tmp_path, {"scores": []})
    sections = {"scores": run.scores, "differences": run.differences, "cost": run.cost}
    for name, read in sections.items():
        with pytest.raises(ValueError, match=f"has no {name}. Run the notebook to its end"):
            read()
