from functools import partial

import numpy as np
import pandas as pd
import pytest

from radiokit.data.own import read_pair_image, read_pair_target
from radiokit.io.rasters import write_png
from radiokit.recipes.segment_tiles import index_tiles, read_tile


@pytest.fixture(scope="module")
def tissue(tmp_path_factory):
    """Two pictures of another size with masks of 0, 1 and 127, and their tiles of 32 pixels."""
    folder, rng, rows = tmp_path_factory.mktemp("tissue"), np.random.default_rng(0), []
    for name, shape in (("large", (40, 70)), ("small", (20, 50))):
        image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        mask = rng.choice(np.array([0, 1, 127], np.uint8), shape)
        paths = [write_png(folder / f"{name}{end}.png", a) for end, a in (("", image), ("m", mask))]
        rows.append({"case_id": name, "image": str(paths[0]), "mask": str(paths[1])})
    read_target = partial(read_pair_target, ignore=(127,))
    read_image = partial(read_pair_image, color=True)
    tiles = index_tiles(pd.DataFrame(rows), read_image, read_target, 32, folder / "cache")
    return folder, tiles, (pd.DataFrame(rows), read_image, read_target)


def whole(row):
    """The picture and target of the tile's image, read without tiles."""
    image = read_pair_image(row["image"], color=True)
    return image, read_pair_target(row, image.shape, image.shape, ignore=(127,))


def test_tiles_cover_every_image_and_stay_inside(tissue):
    _, tiles, _ = tissue
    large = tiles[tiles["case_id"] == "large"]
    places = set(zip(large["tile_x_px"], large["tile_y_px"], strict=True))
    assert places == {(x, y) for x in (0, 32, 38) for y in (0, 8)}
    assert len(tiles[tiles["case_id"] == "small"]) == 2  # 20 rows are continued to 32


def test_a_tile_is_its_piece_of_image_and_mask(tissue):
    _, tiles, _ = tissue
    for _, row in tiles[tiles["case_id"] == "large"].iterrows():
        image, target = read_tile(row, 32)
        rows = slice(row["tile_y_px"], row["tile_y_px"] + 32)
        columns = slice(row["tile_x_px"], row["tile_x_px"] + 32)
        wanted_image, wanted_target = whole(row)
        np.testing.assert_allclose(image, wanted_image[rows, columns], atol=1e-6)
        np.testing.assert_array_equal(target, wanted_target[rows, columns])
        assert set(np.unique(target)) == {-1, 0, 1}


def test_a_margin_beyond_the_image_is_its_mirror_image(tissue):
    _, tiles, _ = tissue
    for _, row in tiles[tiles["case_id"] == "large"].iterrows():
        image, target = read_tile(row, 32, margin=0.25)
        padding = ((8, 8), (8, 8), (0, 0))
        around_image, around_target = (np.pad(p, padding, mode="symmetric") for p in whole(row))
        rows = slice(row["tile_y_px"], row["tile_y_px"] + 48)
        columns = slice(row["tile_x_px"], row["tile_x_px"] + 48)
        np.testing.assert_allclose(image, around_image[rows, columns], atol=1e-6)
        np.testing.assert_array_equal(target, around_target[rows, columns])


def test_an_image_smaller_than_a_tile_is_continued_with_its_mask(tissue):
    _, tiles, _ = tissue
    row = tiles[tiles["case_id"] == "small"].iloc[0]
    image, target = read_tile(row, 32)
    wanted_image, wanted_target = whole(row)
    np.testing.assert_allclose(image[20:], wanted_image[:7:-1, :32], atol=1e-6)
    np.testing.assert_array_equal(target[20:], wanted_target[:7:-1, :32])


def test_arrays_are_made_once_and_again_when_a_file_has_changed(tissue):
    folder, tiles, given = tissue
    before = {path: path.stat().st_mtime_ns for path in (folder / "cache").iterdir()}
    again = index_tiles(*given, 32, folder / "cache")
    pd.testing.assert_frame_equal(again, tiles)
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "cache").iterdir()}
    assert len(before) == 2
