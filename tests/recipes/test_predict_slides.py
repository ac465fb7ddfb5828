"""A network trained on small pictures, over slides that hold two pieces of the same tissue."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from radiokit.io.pyramids import write_pyramid
from radiokit.io.rasters import write_png
from radiokit.recipes import predict_folder, predict_slides
from radiokit.recipes.predict_slides import list_slides
from radiokit.tiling import read_map

PIECE = 256  # pixels of 0.5 um
CORNERS = ((128, 128), (640, 512))  # x and y of the pieces on the glass


@pytest.fixture(scope="module")
def slides(tissue, tmp_path_factory):
    """A slide at 0.5 um a pixel, one that does not say it, empty glass, and a torn one."""
    folder = tmp_path_factory.mktemp("slides")
    rng = np.random.default_rng(0)
    pixels = rng.integers(240, 246, (1024, 1024, 3), dtype=np.uint8)
    for number, (x, y) in enumerate(CORNERS):
        image = tissue.draw(number, (PIECE, PIECE))[0]
        pixels[y : y + PIECE, x : x + PIECE] = image * np.array([0.95, 0.6, 0.85])
    write_pyramid(folder / "good.svs", pixels, mpp_um=0.5, kind="aperio")
    write_pyramid(folder / "mute.tif", pixels)
    glass = np.full((300, 300, 3), 244, np.uint8)
    write_pyramid(folder / "glass.svs", glass, mpp_um=0.5, kind="aperio")
    (folder / "page.svs").write_text("<html>", encoding="utf-8")
    (folder / "torn.svs").write_bytes((folder / "good.svs").read_bytes()[:3000])
    write_png(folder / "thumbnail.png", pixels[::8, ::8])
    return folder


@pytest.fixture(scope="module")
def maps(tiler, slides, tmp_path_factory):
    out = tmp_path_factory.mktemp("maps")
    return out, predict_folder(tiler[0], slides, out, mpp_um=0.5)


def test_a_folder_with_slides_gets_a_folder_of_maps_for_each(maps):
    out, table = maps
    table = table.set_index(table["image"].str.extract(r"(\w+)\.\w+$")[0])
    assert table.loc["good", "problem"] == ""
    names = {"probabilities.ome.tif", "heatmap.tif", "regions.geojson"}
    assert names <= {path.name for path in (out / "good").iterdir()}
    assert json.loads((out / "good" / "regions.geojson").read_text("utf-8"))["features"] is not None
    assert len(pd.read_csv(out / "predictions.csv")) == len(table)


def test_only_places_with_tissue_are_looked_at(maps):
    out, table = maps
    num_tiles = table["num_tiles"].max()
    everywhere = (1024 / 24) ** 2  # 32 pixels, a quarter of them shared
    assert 0 < num_tiles < everywhere / 3
    probabilities, downsample = read_map(out / "good")
    assert downsample == pytest.approx(2)
    glass = probabilities[:48, :48]  # 96 pixels from the corner
    assert glass.max() == 0


def test_a_slide_that_cannot_be_predicted_says_why_and_stops_no_other(maps):
    _, table = maps
    problems = table.set_index(table["image"].str.extract(r"(\w+)\.\w+$")[0])["problem"]
    assert "does not say its microns per pixel" in problems["mute"]
    assert problems["torn"].startswith("Cannot read")
    assert problems["page"].startswith("Cannot read")
    assert "shows no tissue: none of" in problems["glass"]


def test_the_resolution_comes_from_the_training_or_from_the_call(tiler, slides, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(tiler[0], model, ignore=shutil.ignore_patterns("cache", "masks", "figures"))
    noted = json.loads((model / "settings.json").read_text("utf-8"))
    assert noted["mpp_um"] == 0.5
    (model / "settings.json").write_text(json.dumps(noted | {"mpp_um": None}), encoding="utf-8")
    with pytest.raises(ValueError, match="magnification to read the slides at.*--mpp 0.25 for 40x"):
        predict_folder(model, slides, tmp_path / "out")


def test_a_tiff_is_a_slide_only_where_a_resolution_is_given(slides):
    assert "mute.tif" not in {path.name for path in list_slides(slides)}
    names = {path.name for path in list_slides(slides, with_tiff=True)}
    assert {"mute.tif", "good.svs"} <= names
    assert "thumbnail.png" not in names
    with pytest.raises(FileNotFoundError, match="nowhere is not there"):
        list_slides(slides / "nowhere")


def test_a_network_that_sees_whole_grey_images_is_refused(segmenter, slides, tmp_path):
    with pytest.raises(ValueError, match="sees tiles in colour.*--color --tile 256"):
        predict_folder(segmenter[0], slides, tmp_path)


def test_two_slides_of_one_name_are_refused(tiler, slides, tmp_path):
    both = [slides / "good.svs", slides / "elsewhere" / "good.svs"]
    with pytest.raises(ValueError, match="Several slides are named good"):
        predict_slides(tiler[0], both, tmp_path, mpp_um=0.5)
