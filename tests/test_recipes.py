import json

import cv2
import numpy as np
import pandas as pd
import pytest

from radiokit import recipes
from radiokit.io.rasters import read_label_mask, write_png
from radiokit.recipes import SegmentSettings, predict_masks, train_segmenter

NUM_PATIENTS, FILMS_EACH = 15, 2
SETTINGS = SegmentSettings(size=32, epochs=2, batch_size=8)


def draw_case(number):
    generator = np.random.default_rng(number)
    image = generator.integers(0, 60, (40, 50), dtype=np.uint8)
    mask = np.zeros((40, 50), np.uint8)
    cv2.circle(mask, tuple(int(n) for n in generator.integers(14, 28, 2)), 9, 255, -1)
    image[mask > 0] += 150
    mask[:2] = 127  # nobody knows the border
    return image, mask


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    rows = []
    for patient in range(NUM_PATIENTS):
        for film in range(FILMS_EACH):
            name = f"p{patient:02}_{film}.png"
            image, mask = draw_case(100 * patient + film)
            write_png(folder / "images" / name, image)
            write_png(folder / "masks" / name, mask)
            rows.append({"image": name, "patient_id": f"p{patient:02}"})
    pd.DataFrame(rows).to_csv(folder / "patients.csv", index=False)
    return folder


def train(films, out, settings=SETTINGS):
    given = [films / "images"], [films / "masks"]
    return train_segmenter(
        *given, out, patients=[films / "patients.csv"], ignore=(127,), settings=settings
    )


@pytest.fixture(scope="module")
def trained(films, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    return out, train(films, out)


def test_a_training_leaves_its_model_and_its_record(trained):
    out, scores = trained
    for name in ("model.keras", "settings.json", "cases.csv", "metrics.json", "history_unet.csv"):
        assert (out / name).is_file(), name
    assert not list(out.rglob(".unfinished-*"))
    assert sorted(scores["metric"]) == ["dice", "hd95_px"]
    assert json.loads((out / "metrics.json").read_text("utf-8"))["headline"]["num_patients"] == 3
    assert (out / "figures" / "worst_cases_own.png").is_file()


def test_no_patient_is_in_two_splits_and_all_test_masks_are_kept(trained):
    out, _ = trained
    cases = pd.read_csv(out / "cases.csv")
    assert cases.groupby("patient_id")["split"].nunique().max() == 1
    tested = cases[cases["split"] == "test"]
    assert len(tested) == 3 * FILMS_EACH
    for case_id in tested["case_id"]:
        mask = read_label_mask(out / "masks" / "unet" / f"{case_id}__foreground.png")
        assert mask.shape == (40, 50)


def test_the_printed_scores_follow_from_the_kept_masks(trained, films):
    out, _ = trained
    cases = pd.read_csv(out / "cases.csv").query("split == 'test'").set_index("case_id")
    for case_id, row in cases.iterrows():
        truth = read_label_mask(films / "masks" / f"{case_id}.png")
        mask = read_label_mask(out / "masks" / "unet" / f"{case_id}__foreground.png") > 0
        known = truth != 127
        shared = np.sum((truth == 255) & mask)
        dice = 2 * shared / (np.sum(truth == 255) + np.sum(mask & known))
        assert row["dice_foreground"] == pytest.approx(dice)


def test_prediction_lists_a_broken_file_and_does_the_others(trained, films, tmp_path):
    out, _ = trained
    images = tmp_path / "new"
    write_png(images / "good.png", draw_case(1)[0])
    whole = (images / "good.png").read_bytes()
    (images / "broken.png").write_bytes(whole[: len(whole) // 2])
    table = predict_masks(out, images, tmp_path / "masks").set_index("mask")
    assert read_label_mask(tmp_path / "masks" / "good.png").shape == (40, 50)
    assert not (tmp_path / "masks" / "broken.png").exists()
    assert "Cannot read" in table.loc["", "problem"]
    assert len(pd.read_csv(tmp_path / "masks" / "predictions.csv")) == 2


def test_prediction_gives_the_mask_that_was_scored(trained, films, tmp_path):
    out, _ = trained
    predict_masks(out, films / "images", tmp_path)
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


def test_two_folders_keep_their_patients_apart_and_are_split_each_by_itself(films):
    pair = [films / "images"] * 2, [films / "masks"] * 2, [films / "patients.csv"] * 2
    table = recipes._index_own(*pair, split_seed=0)
    assert table["case_id"].nunique() == 2 * NUM_PATIENTS * FILMS_EACH
    patients = table.groupby(["dataset", "split"])["patient_id"].nunique().unstack()
    assert patients["test"].tolist() == [3, 3]
    assert table["patient_id"].nunique() == 2 * NUM_PATIENTS


def test_an_unfinished_training_is_not_continued_with_other_mask_values(tmp_path):
    recipes._claim_folder(tmp_path, SETTINGS, None, (127,))
    recipes._claim_folder(tmp_path, SETTINGS, None, (127,))  # the same again goes on
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        recipes._claim_folder(tmp_path, SETTINGS, None, ())
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        recipes._claim_folder(tmp_path, SETTINGS, [255], (127,))


def test_errors_say_what_to_do(trained, films, tmp_path):
    out, _ = trained
    with pytest.raises(ValueError, match="holds a finished training"):
        train(films, out)
    with pytest.raises(ValueError, match="each folder of images needs one of each"):
        train_segmenter([films / "images"], [], tmp_path / "a")
    (tmp_path / "settings.json").write_text('{"size": 64}', encoding="utf-8")
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        train(films, tmp_path)
    with pytest.raises(FileNotFoundError, match="train segment --out"):
        predict_masks(tmp_path / "nothing", films / "images", tmp_path / "masks")


def test_masks_never_replace_images_or_each_other(trained, tmp_path):
    out, _ = trained
    for name in ("a/film.png", "b/film.png"):
        write_png(tmp_path / name, draw_case(0)[0])
    with pytest.raises(ValueError, match="Choose another folder for the masks"):
        predict_masks(out, tmp_path / "a", tmp_path / "a")
    with pytest.raises(ValueError, match="Several images are named film"):
        predict_masks(out, tmp_path, tmp_path / "masks")
    assert not (tmp_path / "masks").exists()
