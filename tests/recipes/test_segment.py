import json

import numpy as np
import pandas as pd
import pytest

from radiokit.io.rasters import read_label_mask, read_raster
from radiokit.recipes import SegmentSettings, load_model, segment, train_segmenter

NUM_PATIENTS, FILMS_EACH = 15, 2
PICTURES_EACH = 2


def test_a_training_leaves_its_model_and_its_record(segmenter):
    out, scores = segmenter
    for name in ("model.keras", "settings.json", "cases.csv", "metrics.json", "history_unet.csv"):
        assert (out / name).is_file(), name
    assert not list(out.rglob(".unfinished-*"))
    assert sorted(scores["metric"]) == ["dice", "hd95_px"]
    assert json.loads((out / "metrics.json").read_text("utf-8"))["headline"]["num_patients"] == 3
    assert (out / "figures" / "worst_cases_own.png").is_file()


def test_no_patient_is_in_two_splits_and_all_test_masks_are_kept(segmenter):
    out, _ = segmenter
    cases = pd.read_csv(out / "cases.csv")
    assert cases.groupby("patient_id")["split"].nunique().max() == 1
    tested = cases[cases["split"] == "test"]
    assert len(tested) == 3 * FILMS_EACH
    for case_id in tested["case_id"]:
        mask = read_label_mask(out / "masks" / "unet" / f"{case_id}__foreground.png")
        assert mask.shape == (40, 50)


def test_the_printed_scores_follow_from_the_kept_masks(segmenter, films):
    out, _ = segmenter
    cases = pd.read_csv(out / "cases.csv").query("split == 'test'").set_index("case_id")
    for case_id, row in cases.iterrows():
        truth = read_label_mask(films.folder / "masks" / f"{case_id}.png")
        mask = read_label_mask(out / "masks" / "unet" / f"{case_id}__foreground.png") > 0
        known = truth != 127
        shared = np.sum((truth == 255) & mask)
        dice = 2 * shared / (np.sum(truth == 255) + np.sum(mask & known))
        assert row["dice_foreground"] == pytest.approx(dice)


def test_two_folders_keep_their_patients_apart_and_are_split_each_by_itself(films):
    folder = films.folder
    pair = [folder / "images"] * 2, [folder / "masks"] * 2, [folder / "patients.csv"] * 2
    table = segment._index_own(*pair, SegmentSettings())
    assert table["case_id"].nunique() == 2 * NUM_PATIENTS * FILMS_EACH
    patients = table.groupby(["dataset", "split"])["patient_id"].nunique().unstack()
    assert patients["test"].tolist() == [3, 3]
    assert table["patient_id"].nunique() == 2 * NUM_PATIENTS


def test_an_unfinished_training_is_not_continued_with_other_mask_values(films, tmp_path):
    def claim(foreground, ignore):
        noted = segment._noted(SegmentSettings(), foreground, ignore)
        segment.claim_folder(tmp_path, noted)

    claim(None, (127,))
    claim(None, (127,))  # the same again goes on
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        claim(None, ())
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        claim([255], (127,))


def test_errors_say_what_to_do(segmenter, films, tmp_path):
    out, _ = segmenter
    with pytest.raises(ValueError, match="holds a finished training"):
        films.train(out)
    with pytest.raises(ValueError, match="each folder of images needs one of each"):
        train_segmenter([films.folder / "images"], [], tmp_path / "a")
    (tmp_path / "settings.json").write_text('{"size": 64}', encoding="utf-8")
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        films.train(tmp_path)


def test_a_training_on_tiles_in_colour_scores_whole_pictures_at_their_own_size(tiler, tissue):
    out, scores = tiler
    assert load_model(out).input_shape == (None, 32, 32, 3)
    cases = pd.read_csv(out / "cases.csv", dtype={"patient_id": str})
    assert cases.groupby("patient_id")["split"].nunique().max() == 1
    tested = cases[cases["split"] == "test"].set_index("case_id")
    assert len(tested) == 2 * PICTURES_EACH
    for case_id, row in tested.iterrows():
        mask = read_label_mask(out / "masks" / "unet" / f"{case_id}__foreground.png") > 0
        truth = read_label_mask(tissue.folder / "masks" / f"{case_id}.jpg") > 127
        assert mask.shape == truth.shape == (48, 70)
        dice = 2 * np.sum(mask & truth) / (mask.sum() + truth.sum())
        assert row["dice_foreground"] == pytest.approx(dice)
    assert sorted(scores["metric"]) == ["dice", "hd95_px"]


def test_in_colour_the_outlines_of_truth_and_prediction_are_kept(tiler, tissue):
    out, _ = tiler
    case_id = pd.read_csv(out / "cases.csv").query("split == 'test'")["case_id"].iloc[0]
    plain, outlined = (
        read_raster(out / "slides" / case_id / f"{name}.png").pixels
        for name in ("slide", "outlines")
    )
    given = read_raster(tissue.folder / "images" / f"{case_id}.png").pixels
    np.testing.assert_array_equal(plain, given)
    blue = (outlined == (0, 90, 255)).all(axis=-1)
    truth = read_label_mask(tissue.folder / "masks" / f"{case_id}.jpg") > 127
    assert blue.any() and truth[blue].all()


def test_groups_in_place_of_patients_are_named_where_the_score_is(tiler, segmenter):
    def headline(folder):
        return json.loads((folder / "metrics.json").read_text("utf-8"))["headline"]["name"]

    assert headline(tiler[0]) == "Dice on test groups, patients unknown"
    assert headline(segmenter[0]) == "Dice on test patients"


def test_the_share_of_test_patients_can_be_chosen(films):
    folder = films.folder
    pair = [folder / "images"], [folder / "masks"], [folder / "patients.csv"]
    table = segment._index_own(*pair, SegmentSettings(test_share=0.6))
    counts = table.groupby("split")["patient_id"].nunique()
    assert counts["test"] == 9
    assert counts.sum() == NUM_PATIENTS
