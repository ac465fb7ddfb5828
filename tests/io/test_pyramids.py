"""Pyramids as OpenSlide, tifffile and our own reader open them; nothing is left half-written."""

import errno

import numpy as np
import openslide
import pytest
import slide_maker
import tifffile

from radiokit.io.pyramid_levels import level_sizes
from radiokit.io.pyramids import write_pyramid
from radiokit.io.slides import open_slide

TEXTURE = slide_maker.texture(1400, 900)
CLASSES = np.random.default_rng(3).integers(0, 256, (1111, 1500, 4), dtype=np.uint8)
NAMES = ("background", "benign", "in situ", "invasive µ")
COLOURS = ((255, 255, 255), (0, 160, 0), (255, 128, 0), (200, 0, 0))


def block_means(pixels, factor):
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    cut = pixels[: rows * factor, : columns * factor].astype(float)
    return cut.reshape(rows, factor, columns, factor, -1).mean(axis=(1, 3))


@pytest.fixture(scope="module", params=["aperio", "tiff"])
def colour_file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("pyramid") / f"{request.param}.tif"
    return write_pyramid(path, TEXTURE, mpp_um=0.25, magnification=40, kind=request.param)


@pytest.fixture(scope="module")
def class_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pyramid") / "classes.ome.tif"
    names = {"channel_names": NAMES, "channel_rgb": COLOURS}
    return write_pyramid(path, CLASSES, mpp_um=2.0, kind="ome", **names)


def test_openslide_opens_colour_with_its_levels_and_scale(colour_file):
    is_aperio = colour_file.stem == "aperio"
    with openslide.OpenSlide(colour_file) as slide:
        said = slide.properties
        assert said["openslide.vendor"] == ("aperio" if is_aperio else "generic-tiff")
        assert slide.level_dimensions == ((1400, 900), (350, 225))
        assert float(said["openslide.mpp-x"]) == pytest.approx(0.25)
        assert float(said["openslide.mpp-y"]) == pytest.approx(0.25)
        assert said.get("openslide.objective-power") == ("40" if is_aperio else None)
        assert list(slide.associated_images) == (["thumbnail"] if is_aperio else [])
    with open_slide(colour_file) as slide:
        assert (slide.mpp_um, slide.magnification) == ((0.25, 0.25), 40)
        assert slide.backend == "openslide"


def test_colours_are_the_given_ones_and_levels_are_area_means(colour_file):
    with openslide.OpenSlide(colour_file) as slide:
        for level, expected in enumerate([TEXTURE, block_means(TEXTURE, 4)]):
            size = slide.level_dimensions[level]
            pixels = np.asarray(slide.read_region((0, 0), level, size).convert("RGB"))
            error = np.abs(pixels - expected.astype(float))
            assert error.mean() < 2 and np.percentile(error, 99) < 12  # what JPEG loses


def test_tifffile_reads_aperio_as_aperio(colour_file):
    with tifffile.TiffFile(colour_file) as file:
        assert file.is_svs == (colour_file.stem == "aperio")
        if file.is_svs:
            assert [series.name for series in file.series] == ["Baseline", "Thumbnail"]
            assert len(file.series[0].levels) == 2


def test_ome_keeps_every_value_with_names_colours_and_microns(class_file):
    with tifffile.TiffFile(class_file) as file:
        assert file.is_ome and len(file.pages) == 4
        levels = file.series[0].levels
        assert [level.shape for level in levels] == [(4, 1111, 1500), (4, 277, 375)]
        assert all(page.aspage().is_tiled for page in levels[1].pages)
        np.testing.assert_array_equal(levels[0].asarray(), np.moveaxis(CLASSES, -1, 0))
        means = np.moveaxis(block_means(CLASSES, 4), -1, 0)
        assert np.abs(levels[1].asarray() - means).max() <= 0.5
        assert len(file.pages[0].subifds) == 1
        described = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (described["PhysicalSizeX"], described["PhysicalSizeY"]) == (2.0, 2.0)
    assert tuple(channel["Name"] for channel in described["Channel"]) == NAMES
    red, green, blue = COLOURS[3]
    unsigned = (red << 24) + (green << 16) + (blue << 8) + 255  # OME-XML: RGBA, signed 32 bits
    assert described["Channel"][3]["Color"] == unsigned - 2**32


def test_our_reader_refuses_class_maps_as_slides(class_file):
    with pytest.raises(ValueError, match="4 channels, which are no red.*tifffile.imread"):
        open_slide(class_file)


def test_small_images_have_one_level_and_odd_sides_are_cut():
    assert level_sizes(300, 200, 4, 1024) == [(300, 200)]
    assert level_sizes(4443, 3567, 2, 1024) == [(4443, 3567), (2221, 1783), (1110, 891), (555, 445)]
    assert level_sizes(5000, 3, 4, 1024) == [(5000, 3)]


def test_other_tile_sides_and_factors_are_kept(tmp_path):
    path = write_pyramid(tmp_path / "a.tif", TEXTURE, tile_px=512, factor=2, quality=60)
    with openslide.OpenSlide(path) as slide:
        assert slide.level_downsamples == (1.0, 2.0)
        assert slide.properties["openslide.level[0].tile-width"] == "512"
        assert "openslide.mpp-x" not in slide.properties
    with open_slide(path) as slide:
        assert (slide.mpp_um, slide.magnification) == (None, None)


@pytest.mark.parametrize("mpp_um", [0.25, 0.2527, 0.1234567, 7.99])
def test_microns_survive_to_a_millionth(tmp_path, mpp_um):
    path = write_pyramid(tmp_path / "a.svs", TEXTURE[:64, :64], mpp_um=mpp_um, kind="aperio")
    with open_slide(path) as slide:
        assert slide.mpp_um == pytest.approx((mpp_um, mpp_um), rel=1e-6)


@pytest.mark.parametrize("kind", ["aperio", "tiff"])
def test_white_tiles_are_stored_once_and_white_for_every_reader(tmp_path, kind):
    pixels = np.full((2048, 2048, 3), 255, np.uint8)
    pixels[700:900, 300:500] = (180, 60, 140)
    path = write_pyramid(tmp_path / "a.tif", pixels, kind=kind)
    assert path.stat().st_size < 60_000  # 64 + 4 tiles of 2 kB would be 140,000
    with openslide.OpenSlide(path) as slide:
        seen = np.asarray(slide.read_region((0, 0), 0, (2048, 2048)))
    with tifffile.TiffFile(path) as file:
        read = file.pages[0].asarray()
        assert len(set(file.pages[0].dataoffsets)) < 8
    np.testing.assert_array_equal(seen[..., :3], read)
    assert seen[..., 3].min() == 255 and read[:256].min() == 255 and read[1024:].min() == 255
    assert np.abs(read[720:880, 320:480].astype(int) - (180, 60, 140)).max() <= 4


class Counted:
    """An array that is made where it is sliced, and remembers the largest piece asked for."""

    shape, dtype, largest = (6000, 2000, 3), np.dtype(np.uint8), 0

    def __getitem__(self, key):
        first, stop, _ = key.indices(self.shape[0])
        self.largest = max(self.largest, stop - first)
        rows = (np.arange(first, stop) % 200).astype(np.uint8)
        return np.broadcast_to(rows[:, None, None], (stop - first, *self.shape[1:]))


def test_only_bands_of_the_image_are_held(tmp_path):
    pixels = Counted()
    path = write_pyramid(tmp_path / "a.tif", pixels)
    assert pixels.largest * 2000 * 3 <= 1 << 24
    with open_slide(path) as slide:
        rows = slide.read_region(1000, 4000, 1, 200)[:, 0, 0]
        assert np.abs(rows.astype(int) - np.arange(200)).max() <= 6


def test_a_memory_map_is_taken_and_a_file_replaced(tmp_path):
    mapped = np.memmap(tmp_path / "raw", np.uint8, "w+", shape=(300, 400, 3))
    mapped[:] = 77
    path = tmp_path / "folder" / "a.tif"
    write_pyramid(path, TEXTURE[:500])
    assert write_pyramid(str(path), mapped) == path
    with open_slide(path) as slide:
        assert slide.size_px == (400, 300)
        assert np.abs(slide.read_region(0, 0, 400, 300).astype(int) - 77).max() <= 1
    assert [file.name for file in path.parent.iterdir()] == ["a.tif"]


def test_large_images_have_64_bit_offsets(tmp_path, monkeypatch):
    monkeypatch.setattr("radiokit.io.pyramids._CLASSIC_BYTES", 1000)
    path = write_pyramid(tmp_path / "a.svs", TEXTURE[:300], mpp_um=0.5, kind="aperio")
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
    with open_slide(path) as slide:
        assert (slide.vendor, slide.mpp_um) == ("aperio", (0.5, 0.5))


@pytest.mark.parametrize("kind", ["aperio", "tiff", "ome"])
@pytest.mark.parametrize("limit_bytes", [0, 100_000, 600_000])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, kind, limit_bytes):
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1300, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        with pytest.raises(OSError, match="Cannot write a.tif into .*disk is not full"):
            write_pyramid(path, noise, kind=kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["tiff", "ome"])
def test_a_disk_that_fills_among_the_tiles_leaves_nothing(tmp_path, monkeypatch, kind):
    write, left = tifffile.FileHandle.write, [20]

    def refuse(handle, data, /):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(tifffile.FileHandle, "write", refuse)
    with pytest.raises(OSError, match="Cannot write a.tif .*No space left on device"):
        write_pyramid(tmp_path / "a.tif", TEXTURE, kind=kind)
    assert left[0] < 0 and not list(tmp_path.iterdir())


def test_an_image_that_fails_on_the_way_leaves_nothing(tmp_path):
    class Failing(Counted):
        def __getitem__(self, key):
            if key.start > 3000:
                raise RuntimeError("lost")
            return super().__getitem__(key)

    with pytest.raises(RuntimeError, match="lost"):
        write_pyramid(tmp_path / "a.tif", Failing())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("pixels", "settings", "message"),
    [
        (TEXTURE, {"kind": "svs"}, "kind is 'svs'; it must be one of tiff, aperio, ome"),
        (TEXTURE[..., 0], {}, r"needs uint8 \(rows, columns, channels\); got uint8 \(900, 1400\)"),
        (TEXTURE / 255, {}, "got float64.*Scale to 0..255"),
        (TEXTURE[:0], {}, r"got uint8 \(0, 1400, 3\)"),
        (CLASSES, {"kind": "aperio"}, "holds RGB, three channels; got 4.*kind='ome'"),
        (CLASSES, {"kind": "ome", "channel_names": ("a",)}, "channel_names has 1 entries for 4"),
        (TEXTURE, {"channel_rgb": COLOURS[:3]}, "channel_rgb has 3 entries .* kind 'tiff'"),
        (TEXTURE, {"mpp_um": 0.0}, "mpp_um is 0.0; it must be above 0, or None"),
        (TEXTURE, {"magnification": float("nan")}, "magnification is nan"),
        (TEXTURE, {"quality": 101}, "quality is 101; JPEG's goes from 1 to 100"),
        (TEXTURE, {"tile_px": 100}, "tile_px is 100, factor 4; tiles need a multiple of 16"),
        (TEXTURE, {"factor": 1}, "factor 1; .*a factor of 2 or more"),
    ],
)
def test_what_a_pyramid_cannot_hold_is_refused(tmp_path, pixels, settings, message):
    with pytest.raises(ValueError, match=message):
        write_pyramid(tmp_path / "a.tif", pixels, **settings)
    assert not list(tmp_path.iterdir())
