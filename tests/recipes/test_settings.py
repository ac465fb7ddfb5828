import json

import pytest

from radiokit.recipes.settings import (
    ClassifySettings,
    SegmentSettings,
    check_folder,
    check_segment_settings,
    claim_folder,
    read_settings,
)


def finish(folder, noted):
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(noted), encoding="utf-8")
    (folder / "model.keras").write_bytes(b"a network")


def test_settings_come_back_as_they_were_with_tuples(tmp_path):
    chosen = ClassifySettings(windows=("brain", "bone"), stage_blocks=(2, 4), mirror=False)
    finish(tmp_path, vars(chosen) | {"labels": ["any"], "table": "1a"})
    settings, noted = read_settings(tmp_path)
    assert settings == chosen
    assert noted["labels"] == ["any"]


def test_a_folder_of_masks_noted_before_there_were_classifiers_is_read(tmp_path):
    finish(tmp_path, {"size": 64, "epochs": 3, "seed": 0, "split_seed": 0, "foreground": None})
    settings, _ = read_settings(tmp_path)
    assert settings == SegmentSettings(size=64, epochs=3)


@pytest.mark.parametrize("missing", ["model.keras", "settings.json"])
def test_an_unfinished_folder_says_what_it_lacks(tmp_path, missing):
    finish(tmp_path, {})
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"holds no {missing}. Give the folder that"):
        read_settings(tmp_path)


def test_a_folder_goes_on_with_the_same_choices_alone(tmp_path):
    claim_folder(tmp_path, {"windows": ("brain",), "table": "1a"})
    claim_folder(tmp_path, {"windows": ("brain",), "table": "1a"})
    for other in ({"windows": ("bone",), "table": "1a"}, {"windows": ("brain",), "table": "2b"}):
        with pytest.raises(ValueError, match="unfinished training with other settings"):
            check_folder(tmp_path, other)
    finish(tmp_path, {})
    with pytest.raises(ValueError, match="holds a finished training. Choose another folder"):
        claim_folder(tmp_path, {})


def test_a_check_writes_nothing(tmp_path):
    check_folder(tmp_path / "new", {"size": 1})
    assert not (tmp_path / "new").exists()


def test_a_folder_noted_before_there_were_colours_and_tiles_is_read_as_it_was_trained(tmp_path):
    noted = {"size": 64, "epochs": 3, "mirror": True, "batch_size": 16, "learning_rate": 0.002}
    finish(tmp_path, noted | {"seed": 0, "split_seed": 0, "foreground": None, "ignore": [127]})
    settings, _ = read_settings(tmp_path)
    assert settings == SegmentSettings(size=64, epochs=3, mirror=True)
    assert (settings.color, settings.tile, settings.turn) == (False, None, False)


@pytest.mark.parametrize(
    ("chosen", "values", "message"),
    [
        ({"tile": 250}, (None, ()), "tile is 250 pixels; needed is a multiple of 16.*Take 256"),
        ({"size": 16}, (None, ()), "size is 16 pixels.*Take 32"),
        ({"threshold": 128}, ([255], ()), "threshold is 128, and mask values are named too"),
        ({"threshold": 128}, (None, (127,)), "threshold is 128, and mask values are named too"),
        ({"test_share": 0.95}, (None, ()), "share of test patients is 0.95"),
        ({"mpp_um": 0.0}, (None, ()), "0.0 microns per pixel; needed is a number above 0"),
    ],
)
def test_settings_of_a_segmentation_are_checked_before_anything_is_read(chosen, values, message):
    with pytest.raises(ValueError, match=message):
        check_segment_settings(SegmentSettings(**chosen), *values)
