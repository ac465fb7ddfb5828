import numpy as np
import pandas as pd
import pytest

from radiokit.data.framing import find_object
from radiokit.io.rasters import write_png
from radiokit.recipes.settings import ClassifySettings
from radiokit.recipes.slices import prepare_slices, read_prepared, read_slice

SETTINGS = ClassifySettings(size=32)


def head(height=200, width=200, top=40, left=60, side=100):
    image = np.zeros((height, width), np.uint8)
    image[top : top + side, left : left + side] = 200
    return image


def test_the_square_holds_the_largest_bright_thing_and_a_margin():
    image = head() / 255.0
    image[190:195, 10:190] = 1  # the table below the head
    assert find_object(image[..., None]) == (36, 56, 108, 108)  # 4 pixels are 2 % of 200


def test_a_small_thing_is_not_blown_up():
    image = head(top=20, left=150, side=10)[..., None] / 255.0
    top, left, height, width = find_object(image)
    assert (height, width) == (100, 100)
    assert (top, left) == (0, 100)  # pushed back inside the image


def test_a_thing_that_fills_the_image_or_none_at_all_leaves_it_whole():
    assert find_object(np.ones((50, 50, 1))) == (0, 0, 50, 50)
    assert find_object(np.zeros((50, 40, 1))) == (0, 0, 50, 40)


def test_a_cut_slice_shows_the_head_alone(tmp_path):
    path = write_png(tmp_path / "head.png", head()) or tmp_path / "head.png"
    cut = read_slice({"image": str(path)}, SETTINGS)
    whole = read_slice({"image": str(path)}, ClassifySettings(size=32, crop=False))
    assert cut.shape == whole.shape == (32, 32, 1) and cut.dtype == np.uint8
    share = (100 / 108) ** 2  # of the square that is head
    assert np.mean(cut > 100) == pytest.approx(share, abs=0.06)
    assert np.mean(whole > 100) == pytest.approx(0.25, abs=0.03)


def make_table(folder, number=3):
    for place in range(number):
        write_png(folder / f"{place}.png", head(left=40 + 5 * place))
    images = [str(folder / f"{place}.png") for place in range(number)]
    return pd.DataFrame({"case_id": list("abc")[:number], "image": images, "any": [1, 0, np.nan]})


def test_an_image_is_read_once(tmp_path, monkeypatch):
    table = make_table(tmp_path / "images")
    first = prepare_slices(table, SETTINGS, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3

    def refuse(*given):
        raise AssertionError("read again")

    monkeypatch.setattr("radiokit.recipes.slices.read_slice", refuse)
    again = prepare_slices(table, SETTINGS, tmp_path / "cache")
    assert again["prepared"].tolist() == first["prepared"].tolist()


def test_another_size_or_another_file_is_read_anew(tmp_path):
    table = make_table(tmp_path / "images")
    prepare_slices(table, SETTINGS, tmp_path / "cache")
    prepare_slices(table, ClassifySettings(size=40), tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 6
    write_png(tmp_path / "images" / "0.png", head(220, 220))
    changed = prepare_slices(table, SETTINGS, tmp_path / "cache")
    np.testing.assert_array_equal(
        np.load(changed["prepared"][0]), read_slice(table.iloc[0], SETTINGS)
    )


def test_a_prepared_row_gives_the_image_and_its_labels(tmp_path):
    table = prepare_slices(make_table(tmp_path / "images"), SETTINGS, tmp_path / "cache")
    image, target = read_prepared(table.iloc[0], ["any"])
    assert image.dtype == np.float32 and image.max() == pytest.approx(200 / 255)
    assert target.tolist() == [1.0]
    assert read_prepared(table.iloc[2], ["any"])[1].tolist() == [-1.0]  # unknown


def test_what_cannot_be_read_is_named_and_left_out(tmp_path, capsys):
    table = make_table(tmp_path / "images")
    (tmp_path / "images" / "1.png").write_bytes(b"broken")
    kept = prepare_slices(table, SETTINGS, tmp_path / "cache")
    assert kept["case_id"].tolist() == ["a", "c"]
    assert "1 of 3 images cannot be read" in capsys.readouterr().out
    for place in (0, 2):
        (tmp_path / "images" / f"{place}.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match="None of the 3 images can be read: 0.png: Cannot read"):
        prepare_slices(table, SETTINGS, tmp_path / "cache")


def test_pictures_and_ct_are_not_mixed(tmp_path, monkeypatch):
    table = make_table(tmp_path / "images")

    def read(row, settings):
        return np.zeros((32, 32, 3 if row["case_id"] == "b" else 1), np.uint8)

    monkeypatch.setattr("radiokit.recipes.slices.read_slice", read)
    with pytest.raises(ValueError, match=r"\[1, 3\] channels.*Give images of one kind"):
        prepare_slices(table, SETTINGS, tmp_path / "cache")
