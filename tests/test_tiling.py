"""A network over a slide: exact maps, resumed after any stop, whole files or none."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import openslide
import pytest
import tifffile

from radiokit.data.breast_annotations import read_geojson
from radiokit.data.breast_regions import REGION_CLASSES, draw_regions
from radiokit.data.tile_grid import grid_corners
from radiokit.io import UnreadableFileError
from radiokit.tiling import map_files, predict_slide, read_map, state

SIZE_PX = (240, 200)  # width, height
NAMES = ("background", "benign", "in_situ", "invasive")
MPP_UM = 0.25


class Pointwise:
    """Stands in for a Keras model of one 1x1 convolution; may stop like a killed process."""

    layers = ()

    def __init__(self, weights, bias, stop_at=None):
        self.weights, self.bias = np.array(weights, np.float32), np.array(bias, np.float32)
        self.stop_at, self.shapes = stop_at, []

    def get_weights(self):
        return [self.weights, self.bias]

    def predict_on_batch(self, images):
        self.shapes.append(images.shape)
        if len(self.shapes) == self.stop_at:
            raise KeyboardInterrupt
        return images @ self.weights + self.bias


def write_slide(path, pixels, mpp_um=MPP_UM):
    """Lossless, tiled, with microns per pixel as resolution."""
    known = {"resolution": (1e4 / mpp_um,) * 2, "resolutionunit": "CENTIMETER"} if mpp_um else {}
    options = {"photometric": "rgb", "tile": (64, 64), "compression": "adobe_deflate"}
    tifffile.imwrite(path, pixels, metadata=None, **options, **known)
    return path


def ramps():
    """Red is x, green y, blue noise."""
    rows, columns = np.indices(SIZE_PX[::-1])
    noise = np.random.default_rng(0).integers(0, 256, rows.shape)
    return np.stack([columns, rows, noise], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return write_slide(tmp_path_factory.mktemp("slide") / "a.tif", ramps())


def sorting(**options):
    """Classes by place: background to the left, invasive to the right, in situ below."""
    weights = np.zeros((3, 4))
    weights[0] = [-0.9, 0, 0, 1]
    weights[1] = [0, 0, 0.7, 0]
    return Pointwise(weights, [0.95, 0, 0, 0], **options)


def predict(model, path, out, downsample=1.0, overlap=0.5, **options):
    """All of a slide, in tiles of 32 pixels on a map of 4."""
    wanted = {"mpp_um": MPP_UM * downsample, "tile_px": 32, "class_names": NAMES}
    wanted |= {"map_downsample": 4, "batch_size": 5, "min_area_um2": 0.0, "progress": False}
    corners = grid_corners(SIZE_PX, 32, downsample, overlap)
    return predict_slide(model, path, options.pop("corners", corners), out, **wanted | options)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("downsample", "overlap"), [(1.0, 0.0), (1.0, 0.5), (1.7, 0.3), (2.5, 0)])
def test_a_linear_function_of_the_pixels_is_reproduced_at_every_place(
    slide, tmp_path, downsample, overlap
):
    weights = [[0, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    model = Pointwise(weights, [0.2, 0.1, 0, 0.4])
    made = predict(model, slide, tmp_path, downsample, overlap)
    found, scale = read_map(tmp_path)
    assert scale == made.downsample == pytest.approx(4 * downsample)
    rows, columns = (np.indices(found.shape[:2]) + 0.5) * scale - 0.5  # pixel i has the value i
    expected = np.stack(
        [np.full(rows.shape, 51), columns / 2 + 25.5, rows, np.full(rows.shape, 102)]
    )
    inner = (rows + scale < SIZE_PX[1]) & (columns + scale < SIZE_PX[0])
    error = np.abs(found - np.moveaxis(expected, 0, -1))[inner]
    assert error.max() <= 1.0  # half of a step of the reader, half of a step of the map
    assert found.shape[:2] == tuple(int(np.ceil(side / scale)) for side in SIZE_PX[::-1])
    assert {shape for shape in model.shapes} == {(5, 32, 32, 3)}


def test_a_keras_network_gives_the_same_and_is_traced_once(slide, tmp_path):
    import keras

    image = keras.Input((32, 32, 3))
    layer = keras.layers.Conv2D(4, 1)
    model = keras.Model(image, layer(image))
    twin = sorting()
    layer.set_weights([twin.weights[None, None], twin.bias])
    predict(model, slide, tmp_path / "keras")
    predict(twin, slide, tmp_path / "twin")
    difference = np.subtract(
        *(read_map(tmp_path / name)[0].astype(int) for name in ("keras", "twin"))
    )
    assert np.abs(difference).max() <= 1
    again = keras.Model(image, layer(image))  # the same network under other names
    made = predict(again, slide, tmp_path / "keras")
    assert made.seconds == 0


def test_batches_and_threads_do_not_change_the_map(slide, tmp_path):
    predict(sorting(), slide, tmp_path / "five")
    for number, options in enumerate(({"batch_size": 1}, {"batch_size": 64, "num_threads": 1})):
        predict(sorting(), slide, tmp_path / str(number), **options)
        for found, wanted in zip(
            read_map(tmp_path / str(number)), read_map(tmp_path / "five"), strict=True
        ):
            assert np.abs(np.subtract(found, wanted, dtype=float)).max() <= 1


def test_one_value_a_tile_fills_the_tile(slide, tmp_path):
    class Classifier(Pointwise):
        def predict_on_batch(self, images):
            return super().predict_on_batch(images).mean(axis=(1, 2))

    corners = np.array([[0, 0], [64, 32]])
    model = Classifier([[0, 2], [0, 0], [0, 0]], [0.5, 0])
    predict(model, slide, tmp_path, corners=corners, class_names=("background", "lesion"))
    found, _ = read_map(tmp_path)
    assert (found[:8, :8, 1] == 31).all() and (found[8:16, 16:24, 1] == 159).all()


def test_where_nobody_looked_the_map_is_nought_and_the_heat_map_grey(slide, tmp_path):
    corners = np.array([[32, 64], [160, 128]])
    made = predict(sorting(), slide, tmp_path, corners=corners)
    found, _ = read_map(tmp_path)
    seen = np.zeros(found.shape[:2], bool)
    seen[16:24, 8:16] = seen[32:40, 40:48] = True
    np.testing.assert_array_equal(found.any(axis=-1), seen)
    assert made.num_tiles == 2
    with openslide.OpenSlide(str(made.heat_map)) as heat:
        pixels = np.asarray(heat.read_region((0, 0), 0, heat.dimensions))[..., :3].astype(int)
        assert float(heat.properties["openslide.mpp-x"]) == pytest.approx(4 * MPP_UM, rel=1e-4)
    assert pixels.shape[:2] == seen.shape
    assert np.abs(pixels[:8] - 232).max() <= 3  # JPEG
    expected = map_files.color_map(found, NAMES).astype(int)
    assert np.abs(pixels - expected)[seen].mean() < 12


def test_probabilities_carry_names_and_microns_for_qupath(slide, tmp_path):
    made = predict(sorting(), slide, tmp_path)
    with tifffile.TiffFile(made.probabilities) as file:
        assert file.is_ome and file.series[0].axes == "CYX"
        description = file.ome_metadata
    assert all(f'Name="{name}"' in description for name in NAMES)
    assert 'PhysicalSizeX="1.0"' in description and "SizeXUnit" not in description  # microns


def test_regions_drawn_at_the_maps_downsample_are_its_classes(slide, tmp_path):
    made = predict(sorting(), slide, tmp_path, downsample=1.7)
    found, downsample = read_map(tmp_path)
    regions = read_geojson(made.regions)
    assert len(regions) == made.num_regions > 1
    shape = [int(side / downsample) for side in SIZE_PX[::-1]]  # the last pixels reach beyond
    drawn = draw_regions(regions, shape, downsample)
    np.testing.assert_array_equal(drawn, found.argmax(axis=-1)[: shape[0], : shape[1]])
    assert NAMES == REGION_CLASSES


def test_small_regions_are_left_out_by_their_area(tmp_path):
    pixels = np.zeros((*SIZE_PX[::-1], 3), np.uint8)
    pixels[40:80, 40:80], pixels[120:128, 120:128] = 255, 255
    path = write_slide(tmp_path / "b.tif", pixels)
    model = Pointwise([[1], [0], [0]], [0])
    options = {"class_names": ("lesion",), "overlap": 0.0}
    for least, number in ((0.0, 2), (4.0, 2), (4.1, 1), (100.1, 0)):  # 2x2 and 10x10 um
        made = predict(model, path, tmp_path / str(least), min_area_um2=least, **options)
        areas = json.loads(made.regions.read_text(encoding="utf-8"))["features"]
        assert len(areas) == made.num_regions == number
    measured = [one["properties"]["measurements"]["Area um2"] for one in areas]
    assert measured == []


# --- stops ----------------------------------------------------------------------------------------


def assert_same_files(one, other):
    for name in map_files.FILES:
        if name.endswith(".tif"):
            with tifffile.TiffFile(one / name) as a, tifffile.TiffFile(other / name) as b:
                np.testing.assert_array_equal(a.asarray(), b.asarray())
        else:
            assert (one / name).read_bytes() == (other / name).read_bytes()


@pytest.fixture(scope="module")
def unbroken(slide, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    predict(sorting(), slide, folder)
    return folder


def test_a_call_that_was_stopped_goes_on_and_ends_the_same(slide, tmp_path, unbroken):
    for stop_at in (1, 20, 3, 14):
        with pytest.raises(KeyboardInterrupt):
            predict(sorting(stop_at=stop_at), slide, tmp_path)
        assert names_in(tmp_path) == ["unfinished_map"]
        with pytest.raises(FileNotFoundError, match="called again with the same arguments"):
            read_map(tmp_path)
    last = sorting()
    made = predict(last, slide, tmp_path)
    assert_same_files(tmp_path, unbroken)
    assert names_in(tmp_path) == sorted([*map_files.FILES, "map.json"])
    assert len(last.shapes) < made.num_tiles / 5 / 2  # only two rows of tiles were read again


def test_a_stop_at_any_file_that_is_about_to_appear_does_no_harm(
    slide, tmp_path, unbroken, monkeypatch
):
    replace, seen = os.replace, []

    def stop_at_the_next(source, target):
        if str(target) not in seen and tmp_path in (target.parent, target.parent.parent):
            seen.append(str(target))
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop_at_the_next)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            predict(sorting(), slide, tmp_path)
    predict(sorting(), slide, tmp_path)
    names = [name.rpartition(os.sep)[2] for name in seen]
    assert names == ["progress.json", *map_files.FILES, "map.json"]
    assert_same_files(tmp_path, unbroken)


KILLED = """
    import os, sys
    import numpy as np
    sys.path.insert(0, sys.argv[3])
    from pathlib import Path
    from test_tiling import predict, sorting

    class Killed:
        layers, calls = (), 0
        def get_weights(self):
            return sorting().get_weights()
        def predict_on_batch(self, images):
            self.calls += 1
            if self.calls == 20:
                os._exit(9)
            return sorting().predict_on_batch(images)

    predict(Killed(), Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_process_leaves_what_the_next_goes_on_with(slide, tmp_path, unbroken):
    folder = os.path.dirname(__file__)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(slide), str(tmp_path), folder]
    assert subprocess.run(command, check=False).returncode == 9
    progress = json.loads((tmp_path / "unfinished_map/progress.json").read_text(encoding="utf-8"))
    assert 0 < progress["rows_done"] < 50
    predict(sorting(), slide, tmp_path)
    assert_same_files(tmp_path, unbroken)


def test_a_half_finished_map_of_something_else_is_refused(slide, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict(sorting(stop_at=9), slide, tmp_path)
    other_model = Pointwise(np.zeros((3, 4)), [1, 0, 0, 0])
    with pytest.raises(ValueError, match="stopped half way, of another model. Call again with"):
        predict(other_model, slide, tmp_path)
    other = write_slide(tmp_path.parent / "other.tif", ramps()[:, ::-1])
    with pytest.raises(ValueError, match="of another slide"):
        predict(sorting(), other, tmp_path)
    with pytest.raises(ValueError, match="of other settings"):
        predict(sorting(), slide, tmp_path, min_area_um2=3.0)
    moved = slide.rename(slide.with_name("moved.tif"))  # another place is no other slide
    predict(sorting(), moved, tmp_path)
    moved.rename(slide)


def test_what_is_finished_is_not_made_again_and_another_replaces_it(slide, tmp_path):
    first = predict(sorting(), slide, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    silent = sorting()
    again = predict(silent, slide, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert silent.shapes == [] and again.seconds == 0 < first.seconds
    assert (again.num_regions, again.num_tiles) == (first.num_regions, first.num_tiles)
    with pytest.raises(KeyboardInterrupt):
        predict(Pointwise(np.zeros((3, 4)), [1, 0, 0, 0], stop_at=1), slide, tmp_path)
    assert names_in(tmp_path) == ["unfinished_map"]  # never files of two maps side by side


def test_a_damaged_state_is_begun_anew(slide, tmp_path, unbroken):
    with pytest.raises(KeyboardInterrupt):
        predict(sorting(stop_at=20), slide, tmp_path)
    os.truncate(tmp_path / "unfinished_map/map.raw", 100)
    predict(sorting(), slide, tmp_path)
    assert_same_files(tmp_path, unbroken)


@pytest.mark.parametrize("target", ["fsync", "pyramid"])
def test_a_full_disk_is_said_and_leaves_no_file_with_a_name(
    slide, tmp_path, unbroken, monkeypatch, target
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        place = (state.os, "fsync") if target == "fsync" else (tifffile.TiffWriter, "write")
        patch.setattr(*place, full)
        with pytest.raises(OSError, match="No space left on device.*disk is not full"):
            predict(sorting(), slide, tmp_path)
    assert names_in(tmp_path) == ["unfinished_map"]
    predict(sorting(), slide, tmp_path)
    assert_same_files(tmp_path, unbroken)


# --- what cannot be -------------------------------------------------------------------------------


def test_a_slide_that_does_not_say_its_microns_needs_them(tmp_path):
    path = write_slide(tmp_path / "c.tif", ramps(), mpp_um=None)
    with pytest.raises(ValueError, match="does not say its microns per pixel"):
        predict(sorting(), path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert predict(sorting(), path, tmp_path / "out", slide_mpp_um=MPP_UM).downsample == 4


def test_a_damaged_tile_is_named_and_its_threads_end(tmp_path):
    path = write_slide(tmp_path / "d.tif", ramps())
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[6], file.pages[0].databytecounts[6]
    content = bytearray(path.read_bytes())
    content[offset : offset + length] = b"\xff" * length
    path.write_bytes(content)
    before = threading.active_count()
    with pytest.raises(UnreadableFileError, match=r"d\.tif"):
        predict(sorting(), path, tmp_path / "out")
    assert threading.active_count() == before
    assert names_in(tmp_path / "out") == ["unfinished_map"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Pointwise(np.full((3, 4), 9), np.zeros(4)), {}, "values from 0.* needed are\n? ?probab"),
        (Pointwise(np.full((3, 4), np.nan), np.zeros(4)), {}, "values from nan"),
        (Pointwise(np.zeros((3, 2)), np.zeros(2)), {}, r"gives \(5, 32, 32, 2\) for 5 tiles"),
        (sorting(), {"class_names": ("a", "a", "b", "c")}, "needed is a name a channel, each once"),
        (sorting(), {"batch_size": 0}, "batch_size is 0"),
        (sorting(), {"min_area_um2": -1.0}, "min_area_um2 -1.0"),
        (sorting(), {"map_downsample": 5}, "must hold a whole number of map pixels"),
        (sorting(), {"corners": np.array([[240, 0]])}, "1 of 1 corners are not on the slide"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(slide, tmp_path, model, options, message):
    with pytest.raises(ValueError, match=message):
        predict(model, slide, tmp_path, **options)


def test_no_map_and_a_damaged_one_are_said(slide, tmp_path):
    with pytest.raises(FileNotFoundError, match="no finished map"):
        read_map(tmp_path)
    predict(sorting(), slide, tmp_path)
    (tmp_path / "probabilities.ome.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(UnreadableFileError, match="damaged.*predict again"):
        read_map(tmp_path)
    (tmp_path / "map.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="map.json.*damaged"):
        read_map(tmp_path)


def test_nothing_but_the_network_needs_tensorflow():
    code = "import sys, radiokit.tiling; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# --- real slides ----------------------------------------------------------------------------------


def test_the_map_of_a_real_slide_is_its_own_picture(real_data, tmp_path):
    path = real_data / "histology/slides/cmu-1-small-region.svs"
    with openslide.OpenSlide(str(path)) as slide:
        size_px, mpp_um = slide.dimensions, float(slide.properties["openslide.mpp-x"])
        pixels = np.asarray(slide.read_region((0, 0), 0, size_px))[..., :3].astype(float)
    model = Pointwise(np.eye(3), np.zeros(3))
    corners = grid_corners(size_px, 256, 1.0, 0.25)
    options = {"mpp_um": mpp_um, "tile_px": 256, "class_names": ("red", "green", "blue")}
    predict_slide(model, path, corners, tmp_path, **options, progress=False)
    found, downsample = read_map(tmp_path)
    assert downsample == pytest.approx(8)
    rows, columns = size_px[1] // 8, size_px[0] // 8
    means = pixels[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8, 3).mean(axis=(1, 3))
    assert np.abs(found[:rows, :columns] - means).max() <= 0.51
