import json

import numpy as np
import pandas as pd
import pytest

from radiokit.io.rasters import read_label_mask
from radiokit.recipes import SegmentSettings, segment, train_segmenter

NUM_PATIENTS, FILMS_EACH = 15, 2


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
    table = segment._index_own(*pair, split_seed=0)
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
