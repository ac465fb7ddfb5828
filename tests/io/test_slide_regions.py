"""Places and area means against formulas, at whole, broken and uneven factors of levels."""

from pathlib import Path

import numpy as np
import openslide
import pytest
import slide_maker
import tifffile

from radiokit.io import slide_regions
from radiokit.io.slide_resampling import resample_area
from radiokit.io.slide_tiff import open_with_tifffile
from radiokit.io.slides import Slide, open_slide

WIDTH, HEIGHT = 1001, 700
# Sizes of levels: none; by whole factors, cut; by broken factors; unlike along x and y.
LEVELS = {
    "single": [],
    "cut": [(500, 350), (250, 175)],
    "broken": [(333, 233), (150, 105)],
    "uneven": [(500, 175), (143, 70)],
}


def by_tifffile(path):
    return Slide(open_with_tifffile(Path(path)), Path(path))


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    for name, sizes in LEVELS.items():
        levels = []
        for width, height in [(WIDTH, HEIGHT), *sizes]:
            steps = (WIDTH // width,) * 2 if name == "cut" else (WIDTH / width, HEIGHT / height)
            means = slide_maker.wave_means((0, 0), (width, height), steps)
            levels.append(np.rint(means).astype(np.uint8))
        slide_maker.write_levels(folder / f"{name}.svs", levels)
    return folder


# In level-0 pixels. Stored values are whole numbers, as are OpenSlide's when it interpolates; and
# sides that were cut to whole pixels have one factor for both, whose error grows to the far end.
@pytest.mark.parametrize(
    ("name", "allowed_px"), [("single", 0.15), ("uneven", 0.3), ("cut", 0.6), ("broken", 0.6)]
)
@pytest.mark.parametrize("downsample", [1.0, 2.0, 3.003, 4.0, 5.71, 11.3])
@pytest.mark.parametrize("corner", [(0, 0), (101, 57), (33.3, 20.75)])
def test_regions_are_area_means_at_their_place(waves, name, allowed_px, downsample, corner):
    size = [int((side - at) / downsample) for side, at in zip((WIDTH, HEIGHT), corner, strict=True)]
    with open_slide(waves / f"{name}.svs") as slide:
        assert slide.backend == "openslide" and len(slide.level_sizes_px) == len(LEVELS[name]) + 1
        pixels = slide.read_region(*corner, *size, downsample=downsample)
    expected = slide_maker.wave_means(corner, size, (downsample, downsample))
    assert np.abs(pixels - expected).max() <= 3  # of two or three roundings and this shift
    assert np.abs(slide_maker.shift_px(pixels, corner, downsample)).max() < allowed_px


@pytest.mark.parametrize("downsample", [1.0, 2.5, 7.3])
@pytest.mark.parametrize("corner", [(0, 0), (33.3, 20.75)])
def test_tifffile_places_as_openslide_does(waves, downsample, corner):
    for name in ("single", "cut"):
        with open_slide(waves / f"{name}.svs") as one, by_tifffile(waves / f"{name}.svs") as other:
            assert other.backend == "tifffile" and other.level_sizes_px == one.level_sizes_px
            assert other.level_downsamples == pytest.approx(one.level_downsamples)
            assert (other.mpp_um, other.magnification) == (one.mpp_um, one.magnification)
            regions = [
                slide.read_region(*corner, 90, 60, downsample=downsample).astype(int)
                for slide in (one, other)
            ]
        assert np.abs(regions[0] - regions[1]).max() <= 1


def test_area_means_are_exact_sums_over_shares_of_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)
    start, step, size = (1.3, 0.45), (2.71, 3.14), (10, 7)

    def integral(values, edges):  # of a step function, from 0 to each edge, along the first axis
        sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        whole = np.floor(edges).astype(int)
        rest = (edges - whole).reshape(-1, *[1] * (values.ndim - 1))
        return sums[whole] + rest * values[np.minimum(whole, len(values) - 1)]

    values = pixels.astype(float)
    down = np.diff(integral(values, start[1] + step[1] * np.arange(size[1] + 1)), axis=0)
    across = start[0] + step[0] * np.arange(size[0] + 1)
    cells = np.diff(integral(down.transpose(1, 0, 2), across), axis=0).transpose(1, 0, 2)
    expected = cells / (step[0] * step[1])
    result = resample_area(pixels, start, step, size)
    assert np.abs(result - expected).max() <= 0.501


def test_a_finer_resolution_than_the_files_repeats_pixels(waves):
    with open_slide(waves / "single.svs") as slide:
        coarse = slide.read_region(40, 30, 20, 10)
        fine = slide.read_region(40, 30, 80, 40, downsample=0.25)
    np.testing.assert_array_equal(fine, coarse.repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_native_levels_are_openslides_own_pixels(tmp_path, open_it):
    rng = np.random.default_rng(5)
    levels = [rng.integers(0, 256, (600 // f, 800 // f, 3), dtype=np.uint8) for f in (1, 2, 8)]
    path = slide_maker.write_levels(tmp_path / "a.svs", levels)
    with open_it(path) as slide, openslide.OpenSlide(path) as plain:
        for level, downsample in enumerate(plain.level_downsamples):
            for _ in range(8):
                x, y = (int(rng.integers(0, 20)) * 8 for _ in "xy")
                expected = plain.read_region((x, y), level, (70, 50)).convert("RGB")
                pixels = slide.read_region(x, y, 70, 50, downsample=downsample, fill=0)
                inside = pixels[: levels[level].shape[0] - y // int(downsample)]
                inside = inside[:, : levels[level].shape[1] - x // int(downsample)]
                np.testing.assert_array_equal(
                    inside, np.asarray(expected)[: inside.shape[0], : inside.shape[1]]
                )


def test_openslides_pixels_are_kept_at_broken_factors(waves):
    path = waves / "broken.svs"
    with open_slide(path) as slide, openslide.OpenSlide(path) as plain:
        for x, y in [(0, 0), (1, 2), (101, 57), (400, 300)]:
            expected = plain.read_region((x, y), 1, (60, 50)).convert("RGB")
            pixels = slide.read_region(x, y, 60, 50, downsample=slide.level_downsamples[1])
            np.testing.assert_array_equal(pixels, expected)


def test_large_regions_are_read_in_pieces_that_fit_together(waves, monkeypatch):
    with open_slide(waves / "single.svs") as slide:
        whole = slide.read_region(3, 5, 300, 200, downsample=3.3)
        monkeypatch.setattr(slide_regions, "_MOST_PIXELS", 5000)
        np.testing.assert_array_equal(slide.read_region(3, 5, 300, 200, downsample=3.3), whole)
        monkeypatch.setattr(slide_regions, "_LONGEST_STEP", 100)
        mean = slide.read_region(0, 0, 1, 1, downsample=700)
    expected = slide_maker.wave_means((0, 0), (1, 1), (700, 700))
    assert np.abs(mean - expected).max() <= 1


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_what_lies_beyond_is_filled_and_edges_are_mixed_by_area(tmp_path, open_it):
    path = slide_maker.write_levels(tmp_path / "a.svs", [np.full((70, 90, 3), 100, np.uint8)])
    with open_it(path) as slide:
        pixels = slide.read_region(-20, -10.5, 60, 50, downsample=2, fill=(10, 20, 30))
        expected = np.empty((50, 60, 3))
        expected[:] = (10, 20, 30)
        expected[6:40, 10:55] = 100
        expected[5, 10:55] = np.add(75, np.divide((10, 20, 30), 4))  # 1.5 of 2 rows are slide
        expected[40, 10:55] = np.add(25, np.multiply((10, 20, 30), 0.75))
        assert np.abs(pixels - expected).max() <= 0.5
        beyond = slide.read_region(500, 500, 8, 4, fill=255)
        assert beyond.shape == (4, 8, 3) and beyond.min() == 255
        np.testing.assert_array_equal(slide.read_region(85, 65, 5, 5), 100)


def test_a_region_beyond_the_slide_names_both(waves):
    with open_slide(waves / "single.svs") as slide:
        for region in [(-1, 0, 10, 10), (0, 0, 1002, 5), (995, 0, 3, 3)]:
            message = r"reaches beyond the slide, which is 1001 x 700 pixels.*fill=255"
            with pytest.raises(ValueError, match=message):
                slide.read_region(*region, downsample=None if region[0] < 500 else 2.5)


@pytest.mark.parametrize(
    ("region", "settings", "message"),
    [
        ((float("nan"), 0, 5, 5), {}, "begins at x nan, y 0; give finite"),
        ((0, 0, 0, 5), {}, "width_px is 0; give a whole number of pixels"),
        ((0, 0, 5, 2.5), {}, "height_px is 2.5; give a whole number"),
        ((0, 0, 5, 5), {"downsample": 0}, "downsample is 0; it must be above 0"),
        ((0, 0, 5, 5), {"downsample": 2, "mpp_um": 1}, "one of mpp_um, magnification and"),
        ((0, 0, 5, 5), {"mpp_um": -1}, "mpp_um is -1; microns per pixel must be above 0"),
        ((0, 0, 5, 5), {"magnification": 0}, "magnification is 0; it must be above 0"),
        ((0, 0, 5, 5), {"fill": 256}, "fill is 256; each value must lie in 0..255"),
        ((0, 0, 5, 5), {"fill": (1, 2)}, r"fill is \(1, 2\); give 0..255 or \(red"),
        ((0, 0, 5, 5), {"fill": 0.5}, "fill is 0.5; give 0..255"),
    ],
)
def test_regions_that_make_no_sense_are_refused(waves, region, settings, message):
    with (
        open_slide(waves / "single.svs") as slide,
        pytest.raises(ValueError, match=message),
    ):
        slide.read_region(*region, **settings)


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_missing_tiles_are_background(tmp_path, open_it):
    tiles = [np.full((64, 64, 3), 50, np.uint8), None, None, np.full((64, 64, 3), 90, np.uint8)]
    path = tmp_path / "sparse.svs"
    with tifffile.TiffWriter(path) as writer:
        settings = {"photometric": "rgb", "metadata": None, "description": slide_maker.APERIO}
        writer.write(iter(tiles), shape=(128, 128, 3), dtype="u1", tile=(64, 64), **settings)
    with open_it(path) as slide:
        pixels = slide.read_region(0, 0, 128, 128)
        half = slide.read_region(0, 0, 2, 2, downsample=64)
    expected = np.full((128, 128, 3), 255)
    expected[:64, :64], expected[64:, 64:] = 50, 90
    np.testing.assert_array_equal(pixels, expected)
    np.testing.assert_array_equal(half[..., 0], [[50, 255], [255, 90]])


@pytest.mark.parametrize(("longest", "shape"), [(100, (70, 100, 3)), (5000, (700, 1001, 3))])
def test_a_thumbnail_is_the_whole_slide(waves, longest, shape):
    with open_slide(waves / "cut.svs") as slide:
        pixels, downsample = slide.read_thumbnail(longest)
        with pytest.raises(ValueError, match="longest_px is 0; it must be 1 or more"):
            slide.read_thumbnail(0)
    assert pixels.shape == shape and downsample == pytest.approx(1001 / shape[1])
    expected = slide_maker.wave_means((0, 0), shape[1::-1], (downsample, downsample))
    assert np.abs(pixels - expected)[:-1, :-1].max() <= 2
