import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radiokit import training
from radiokit.io.rasters import write_png
from radiokit.recipes import (
    ClassifySettings,
    build_network,
    classify,
    count_positives,
    train_classifier,
)

LABELS = ["any", "epidural"]


def test_a_training_leaves_its_model_and_its_record(classifier):
    out, _ = classifier
    for name in (
        *("model.keras", "settings.json", "decisions.json", "cases.csv", "exams.csv"),
        *("metrics.json", "training/densenet/history.csv", "training/densenet_2/history.csv"),
        *("figures/roc.png", "figures/thresholds.png", "figures/calibration.png"),
        *("figures/class_activation.png", "figures/label_curves_densenet.png"),
        *("figures/confusions.png", "tables/label_report.csv"),
    ):
        assert (out / name).is_file(), name
    assert not list(out.rglob(".unfinished-*"))
    history = pd.read_csv(out / "training" / "densenet" / "history.csv")
    watched = {"loss", "precision", "recall", "auc"}
    assert watched | {f"val_{name}" for name in watched} <= set(history)


def test_every_patient_is_in_one_split_and_every_label_in_each(classifier):
    out, _ = classifier
    cases = pd.read_csv(out / "cases.csv")
    assert cases.groupby("patient_id")["split"].nunique().max() == 1
    assert cases.groupby("split")["patient_id"].nunique().to_dict() == {"test": 10, "validation": 5}
    for split in ("validation", "test"):
        inside = cases[cases["split"] == split]
        assert all(inside[f"truth_{label}"].sum() > 0 for label in LABELS)


def test_areas_are_those_of_the_written_probabilities(classifier):
    out, tested = classifier
    for level, file in (("slices", "cases.csv"), ("exams", "exams.csv")):
        frame = pd.read_csv(out / file).query("split == 'test'")
        for label in LABELS:
            area = roc_auc_score(frame[f"truth_{label}"], frame[f"probability_{label}"])
            row = tested[(tested["level"] == level) & (tested["label"] == label)].iloc[0]
            assert row["estimate"] == pytest.approx(area)
            assert row["num_positives"] == frame[f"truth_{label}"].sum()
            assert row["kind"] == "bootstrap" and row["low"] <= area <= row["high"]


def test_a_label_that_never_changes_is_left_out_and_named(heads, capsys):
    given = heads.folder / "labels.csv", [heads.folder / "images"]
    _, names = classify._index(*given, None)
    assert names == LABELS
    assert "left out, being the same in every image: fracture" in capsys.readouterr().out
    with pytest.raises(ValueError, match="fracture of .* is the same in all 400 images"):
        classify._index(*given, ["any", "fracture"])


def test_without_a_table_every_folder_is_a_label(tmp_path):
    for name, value in (("Hand", 40), ("Knee", 90)):
        for number in range(3):
            picture = np.full((20, 20), value + number, np.uint8)
            write_png(tmp_path / name / f"{number}.png", picture)
    table, names = classify._index(None, [tmp_path], None)
    assert names == ["Hand", "Knee"]
    assert table[names].sum().tolist() == [3, 3]
    with pytest.raises(ValueError, match="has no folder Foot; it has Hand, Knee"):
        classify._index(None, [tmp_path], ["Foot"])
    with pytest.raises(ValueError, match="no table of labels and there are 2 folders"):
        classify._index(None, [tmp_path / "Hand", tmp_path / "Knee"], None)


@pytest.mark.skipif("RADIOKIT_REAL_DATA" not in os.environ, reason="needs RADIOKIT_REAL_DATA")
def test_a_small_network_learns_real_images_in_folders(tmp_path):
    """A check of the loader: six kinds of picture that anybody tells apart."""
    images = tmp_path / "images"
    for folder in Path(os.environ["RADIOKIT_REAL_DATA"], "bodypart", "medical_mnist").iterdir():
        (images / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[:60]:
            shutil.copy(path, images / folder.name)
    settings = ClassifySettings(
        size=64, epochs=12, members=1, stage_blocks=(1, 2), growth_rate=12, mirror=False
    )
    tested = train_classifier(None, [images], tmp_path / "out", settings=settings)
    areas = tested[tested["level"] == "slices"].set_index("label")["estimate"]
    assert set(areas.index) == {"AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"}
    assert areas.min() > 0.9


def test_labels_are_chosen_by_name(heads):
    _, names = classify._index(heads.folder / "labels.csv", [heads.folder / "images"], ["any"])
    assert names == ["any"]


@pytest.mark.parametrize(
    ("names", "is_mirrored"),
    [
        (["epidural", "any"], True),
        (["left_effusion", "any"], False),
        (["Effusion right"], False),
        (["lung_L"], False),
        (["cleft", "bright"], True),
    ],
)
def test_images_are_mirrored_unless_a_label_names_a_side(names, is_mirrored):
    assert classify._decide_mirror(ClassifySettings(), names).mirror is is_mirrored
    chosen = ClassifySettings(mirror=not is_mirrored)
    assert classify._decide_mirror(chosen, names).mirror is not is_mirrored


def test_a_cell_counts_images_and_patients():
    table = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b", "c"],
            "split": ["train", "train", "train", "test"],
            "any": [1, 1, 1, 0],
        }
    )
    assert count_positives(table, ["any"]).loc["any"].tolist() == ["3 (2)", "0 (0)"]


def test_the_saved_network_is_the_mean_of_its_members():
    settings = ClassifySettings(stage_blocks=(2, 2), growth_rate=4)
    members = [build_network((32, 32, 1), 3, settings) for _ in range(2)]
    images = np.random.default_rng(0).random((4, 32, 32, 1), np.float32)
    each = [member.predict_on_batch(images) for member in members]
    joined = classify._join(members).predict_on_batch(images)
    np.testing.assert_allclose(joined, np.mean(each, axis=0), atol=1e-5)


def test_a_published_network_gets_the_studys_head():
    model = build_network((32, 32, 1), 6, ClassifySettings(network="densenet121", dropout=0.2))
    head = 1024 * 512 + 512 + 512 * 6 + 6
    one_channel_less = 2 * 7 * 7 * 64
    assert model.count_params() == 7_037_504 - one_channel_less + head


class Killed(Exception):
    pass


def test_a_training_killed_before_its_scores_does_not_train_again(heads, tmp_path, monkeypatch):
    settings = ClassifySettings(
        size=32, epochs=1, members=1, batch_size=64, stage_blocks=(1,), growth_rate=4
    )
    out = tmp_path / "out"

    def die(*given):
        raise Killed

    monkeypatch.setattr(classify, "score_slices", die)
    with pytest.raises(Killed):
        heads.train(out, settings)
    assert not (out / "model.keras").exists()

    def refuse(*given, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "fit", refuse)
    with pytest.raises(Killed):
        heads.train(out, settings)
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        heads.train(out, dataclasses.replace(settings, epochs=2))
    with pytest.raises(ValueError, match="unfinished training with other settings"):
        heads.train(out, settings, names=["any"])


def test_other_labels_in_the_table_are_another_training(heads):
    table, names = classify._index(heads.folder / "labels.csv", [heads.folder / "images"], None)
    before = classify._noted(table, names, ClassifySettings())
    assert classify._noted(table.sample(frac=1), names, ClassifySettings()) == before
    table.loc[7, "any"] = 1 - table.loc[7, "any"]
    assert classify._noted(table, names, ClassifySettings()) != before


def test_a_finished_training_is_not_replaced(classifier, heads):
    with pytest.raises(ValueError, match="holds a finished training"):
        heads.train(classifier[0])


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        ({"network": "vgg"}, ValueError, "'vgg'; it must be one of densenet, densenet121"),
        ({"windows": ("liver",)}, ValueError, "No window is named liver; there are brain"),
        ({"size": 16}, ValueError, "size is 16 pixels.* 32 or more"),
        ({"members": 0}, ValueError, "members are 0.* 1 member or more"),
        ({"weights": "gone.h5"}, FileNotFoundError, "no weights in gone.h5"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    heads, tmp_path, chosen, error, message
):
    with pytest.raises(error, match=message):
        heads.train(tmp_path / "out", ClassifySettings(**chosen))
    assert not (tmp_path / "out").exists()


def test_settings_are_noted_with_the_labels(classifier):
    noted = json.loads((classifier[0] / "settings.json").read_text("utf-8"))
    assert noted["labels"] == LABELS
    assert noted["mirror"] is True  # as it was decided
