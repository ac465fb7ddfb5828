import shutil

import numpy as np
import pandas as pd
import pytest

from radiokit import recipes
from radiokit.io.rasters import read_label_mask, write_png
from radiokit.recipes import SegmentSettings, predict_folder, predict_labels, predict_masks
from radiokit.recipes.decisions import read_decisions


def test_prediction_lists_a_broken_file_and_does_the_others(segmenter, films, tmp_path):
    out, _ = segmenter
    images = tmp_path / "new"
    write_png(images / "good.png", films.draw(1)[0])
    whole = (images / "good.png").read_bytes()
    (images / "broken.png").write_bytes(whole[: len(whole) // 2])
    table = predict_folder(out, images, tmp_path / "masks").set_index("mask")
    assert read_label_mask(tmp_path / "masks" / "good.png").shape == (40, 50)
    assert not (tmp_path / "masks" / "broken.png").exists()
    assert "Cannot read" in table.loc["", "problem"]
    assert len(pd.read_csv(tmp_path / "masks" / "predictions.csv")) == 2


def test_prediction_gives_the_mask_that_was_scored(segmenter, films, tmp_path):
    out, _ = segmenter
    predict_masks(out, films.folder / "images", tmp_path)
    for path in (out / "masks" / "unet").iterdir():
        again = read_label_mask(tmp_path / path.name.replace("__foreground", ""))
        np.testing.assert_array_equal(again > 0, read_label_mask(path) > 0)


def test_mirroring_averages_an_image_and_its_mirror_image():
    class Halves:
        def predict_on_batch(self, images):
            scores = np.zeros_like(images)
            scores[:, :, :16] = 1  # always the left half
            return scores

    pixels = np.zeros((32, 32), np.float32)
    plain = recipes.predict_scores(Halves(), pixels, SegmentSettings(size=32))
    both = recipes.predict_scores(Halves(), pixels, SegmentSettings(size=32, mirror=True))
    assert plain[:, :16].min() == 1 and plain[:, 16:].max() == 0
    np.testing.assert_allclose(both, 0.5)


def test_masks_never_replace_images_or_each_other(segmenter, films, tmp_path):
    out, _ = segmenter
    for name in ("a/film.png", "b/film.png"):
        write_png(tmp_path / name, films.draw(0)[0])
    with pytest.raises(ValueError, match="Choose another folder for the masks"):
        predict_masks(out, tmp_path / "a", tmp_path / "a")
    with pytest.raises(ValueError, match="Several images are named film"):
        predict_masks(out, tmp_path, tmp_path / "masks")
    assert not (tmp_path / "masks").exists()


def test_a_classifier_gives_the_probabilities_that_were_scored(classifier, predictions):
    table, written = predictions
    assert len(table) == len(written) == 400
    found = table.set_index(table["image"].str.extract(r"(\d+_\d)\.png")[0])
    cases = pd.read_csv(classifier[0] / "cases.csv").set_index("case_id")
    for name in ("any", "epidural"):
        ours = found.loc[cases.index, f"probability_{name}"]
        np.testing.assert_allclose(ours, cases[f"probability_{name}"], atol=1e-4)


def test_an_image_is_flagged_from_its_threshold_on(classifier, predictions):
    decisions = read_decisions(classifier[0])
    table = predictions[0].dropna()
    for label, threshold in zip(decisions.labels, decisions.thresholds, strict=True):
        flagged = table[f"probability_{label}"] >= threshold
        assert table[f"flagged_{label}"].astype(bool).tolist() == flagged.tolist()
        assert 0 < flagged.mean() < 1


def test_an_unreadable_slice_is_listed_with_empty_answers(predictions):
    table, written = predictions
    broken = table[table["problem"] != ""]
    assert [name[-9:] for name in broken["image"]] == ["000_0.png"]
    assert broken["problem"].str.contains("Cannot read").all()
    answers = ["probability_any", "flagged_any", "probability_epidural", "flagged_epidural"]
    assert written.loc[broken.index, answers].isna().all(axis=None)
    assert written.drop(index=broken.index)[answers].notna().all(axis=None)


def test_a_folder_without_a_model_says_what_to_give(tmp_path, films):
    for predict in (predict_folder, predict_masks, predict_labels):
        with pytest.raises(FileNotFoundError, match="train segment --out.*train classify --out"):
            predict(tmp_path / "nothing", films.folder / "images", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_each_kind_of_model_refuses_the_others_job(segmenter, classifier, films, tmp_path):
    images = films.folder / "images"
    with pytest.raises(ValueError, match="holds a classifier, which draws no masks"):
        predict_masks(classifier[0], images, tmp_path / "out")
    with pytest.raises(ValueError, match="holds a segmentation network, which gives no labels"):
        predict_labels(segmenter[0], images, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_classifier_without_its_thresholds_is_refused(classifier, heads, tmp_path):
    for name in ("model.keras", "settings.json"):
        shutil.copy(classifier[0] / name, tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no decisions.json, in which the thresholds"):
        predict_labels(tmp_path, heads.folder / "images", tmp_path / "out")
