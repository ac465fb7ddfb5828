"""Opening slides: which library, what the file says, damage, threads and closing."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openslide
import pytest
import slide_maker
import tifffile
from PIL import Image, ImageCms

from radiokit.io import UnreadableFileError
from radiokit.io.pyramids import write_pyramid
from radiokit.io.slide_scale import read_magnification, read_mpp_um
from radiokit.io.slide_tiff import open_with_tifffile
from radiokit.io.slides import Slide, is_slide, open_slide

REAL_DATA = os.environ.get("RADIOKIT_REAL_DATA")
RAMP = slide_maker.ramp(300, 200)


def by_tifffile(path):
    return Slide(open_with_tifffile(Path(path)), Path(path))


@pytest.fixture(scope="module")
def aperio(tmp_path_factory):
    path = tmp_path_factory.mktemp("slides") / "a.svs"
    texture = slide_maker.texture(1500, 1100)
    return write_pyramid(path, texture, mpp_um=0.25, magnification=40, kind="aperio")


def test_an_aperio_slide_says_what_it_is(aperio):
    with open_slide(str(aperio)) as slide:
        assert (slide.path, slide.vendor, slide.backend) == (aperio, "aperio", "openslide")
        assert slide.size_px == slide.level_sizes_px[0] == (1500, 1100)
        assert slide.level_sizes_px[1] == (375, 275) and slide.level_downsamples == (1.0, 4.0)
        assert (slide.mpp_um, slide.magnification) == ((0.25, 0.25), 40.0)
        assert (slide.background_rgb, slide.icc_profile) == ((255, 255, 255), None)
        assert slide.properties["aperio.AppMag"] == "40"
        assert len(slide.notes) == 1 and "no ICC profile" in slide.notes[0]


def test_resolutions_lead_to_the_same_pixels(aperio):
    with open_slide(aperio) as slide:
        expected = slide.read_region(100, 80, 200, 150, downsample=4)
        assert slide.downsample_for(mpp_um=1.0) == slide.downsample_for(magnification=10) == 4
        for settings in ({"mpp_um": 1.0}, {"magnification": 10}):
            pixels = slide.read_region(100, 80, 200, 150, **settings)
            np.testing.assert_array_equal(pixels, expected)
        for settings in ({}, {"mpp_um": 1, "magnification": 10}):
            with pytest.raises(ValueError, match="Give mpp_um or magnification, one of them"):
                slide.downsample_for(**settings)
        assert expected.dtype == np.uint8 and expected.flags.writeable


def test_an_unknown_scale_is_asked_for(tmp_path):
    path = slide_maker.write_levels(tmp_path / "a.tif", [RAMP], "no scale here")
    with open_slide(path) as slide:
        assert (slide.mpp_um, slide.magnification) == (None, None)
        with pytest.raises(ValueError, match=r"a.tif does not say its microns.*mpp_um=0.25"):
            slide.read_region(0, 0, 10, 10, mpp_um=1)
        with pytest.raises(ValueError, match="a.tif does not say its magnification.*about 10"):
            slide.read_region(0, 0, 10, 10, magnification=10)
    with open_slide(path, mpp_um=0.5) as slide:
        assert slide.mpp_um == (0.5, 0.5) and slide.downsample_for(mpp_um=2) == 4
    with pytest.raises(ValueError, match="mpp_um is 0; microns per pixel must be above 0"):
        open_slide(path, mpp_um=0)


def test_the_files_word_goes_before_the_users(aperio):
    with open_slide(aperio, mpp_um=0.5) as slide:
        assert slide.mpp_um == (0.25, 0.25)
        assert "mpp_um=0.5 was given, but the file says 0.25: the file's is used." in slide.notes
    with open_slide(aperio, mpp_um=0.2501) as slide:
        assert len(slide.notes) == 1


@pytest.mark.parametrize(
    ("properties", "mpp_um", "magnification"),
    [
        ({"openslide.mpp-x": "0.23", "openslide.mpp-y": "0.24"}, (0.23, 0.24), None),
        ({"openslide.mpp-x": "0.23"}, (0.23, 0.23), None),
        ({"openslide.objective-power": "20", "aperio.AppMag": "40"}, None, 20),
        ({"aperio.MPP": "0,499", "aperio.AppMag": "20"}, (0.499, 0.499), 20),
        ({"tiff.ImageDescription": "x|AppMag = 40|MPP = 0.2500"}, (0.25, 0.25), 40),
        ({"tiff.XResolution": "50800", "tiff.ResolutionUnit": "inch"}, (0.5, 0.5), None),
        ({"tiff.XResolution": "20000", "tiff.YResolution": "40000"}, None, None),
        ({"openslide.mpp-x": "unknown", "aperio.MPP": "0", "aperio.AppMag": "nan"}, None, None),
    ],
)
def test_scale_is_read_from_each_vendors_words(properties, mpp_um, magnification):
    assert read_mpp_um(properties)[0] == pytest.approx(mpp_um) if mpp_um else True
    assert (read_mpp_um(properties)[0] is None) == (mpp_um is None)
    assert read_magnification(properties) == magnification


def test_doubtful_scales_are_noted():
    printer = {"tiff.XResolution": "300", "tiff.ResolutionUnit": "inch"}
    assert read_mpp_um(printer)[0] is None
    assert "84.67 microns per pixel, a printer's resolution" in read_mpp_um(printer)[1][0]
    assert read_mpp_um(printer, 0.5)[0] == (0.5, 0.5)
    oblong = {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5"}
    assert "not square: 0.25 by 0.5 microns" in read_mpp_um(oblong)[1][0]


def test_without_openslide_tifffile_reads_and_says_so(aperio, tmp_path, monkeypatch):
    with open_slide(aperio) as slide:
        expected = slide.read_region(10, 20, 300, 200, downsample=2.2)
    monkeypatch.setitem(sys.modules, "openslide", None)
    with open_slide(aperio) as slide:
        assert (slide.backend, slide.vendor) == ("tifffile", "aperio")
        assert (slide.mpp_um, slide.magnification) == ((0.25, 0.25), 40)
        assert "OpenSlide is not installed" in slide.notes[0]
        pixels = slide.read_region(10, 20, 300, 200, downsample=2.2)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    mirax = tmp_path / "a.mrxs"
    mirax.write_bytes(b"\xff\xd8\xff\xe0 something")
    mirax.write_bytes(b"another kind")
    with pytest.raises(UnreadableFileError, match="OpenSlide is not installed.*pip install"):
        open_slide(mirax)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "it is a PNG picture, not a slide.*rasters.read_raster"),
        (b"\xff\xd8\xff\xe0", "it is a JPEG picture"),
        (b"\0" * 128 + b"DICM", "it is DICOM, but no whole slide.*read_dicom"),
        (b"IJrE and so on", "no slide, or a damaged one .its bytes begin 49 4a 72 45.*Slides are"),
        (b"II*\0", "the TIFF is damaged"),
        (b"II*\0\x08\0\0\0\xff\xff", "the TIFF is damaged"),
        (b"", "it is empty"),
    ],
)
def test_files_that_are_no_slides_say_what_to_use(tmp_path, content, message):
    path = tmp_path / "a.svs"
    path.write_bytes(content)
    assert not is_slide(path)
    with pytest.raises(UnreadableFileError, match=message) as caught:
        open_slide(path)
    assert caught.value.path == path and caught.value.remedy.endswith(".")


def test_nothing_and_a_folder_say_so(tmp_path):
    assert not is_slide(tmp_path) and not is_slide(tmp_path / "none.svs")
    with pytest.raises(FileNotFoundError, match="No file at"):
        open_slide(tmp_path / "none.svs")
    with pytest.raises(UnreadableFileError, match="it is a folder"):
        open_slide(tmp_path)


def test_slides_are_told_by_content(aperio, tmp_path):
    assert is_slide(aperio) and is_slide(str(aperio))
    renamed = shutil.copy(aperio, tmp_path / "a.dat")
    assert is_slide(renamed)
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    assert not is_slide(tmp_path / "a.png")


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_a_slide_cut_anywhere_is_refused_when_it_is_opened(tmp_path, aperio, open_it):
    data = aperio.read_bytes()
    path = tmp_path / "cut.svs"
    for length in np.linspace(10, len(data) // 2, 12).astype(int):
        path.write_bytes(data[:length])
        with pytest.raises(UnreadableFileError, match=r"cut\.svs"):
            open_it(path)


@pytest.fixture(scope="module")
def damaged(aperio, tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "a.svs"
    with tifffile.TiffFile(aperio) as file:
        offset, count = file.pages[0].dataoffsets[8], file.pages[0].databytecounts[8]
    data = bytearray(aperio.read_bytes())
    data[offset : offset + count] = bytes(count)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_a_damaged_tile_is_an_error_there_and_nowhere_else(aperio, damaged, open_it):
    with open_it(aperio) as whole, open_it(damaged) as slide:
        for _ in range(3):
            with pytest.raises(UnreadableFileError, match=r"a.svs: .*damaged or missing"):
                slide.read_region(520, 260, 200, 200)
            for corner in [(0, 0), (800, 300), (520, 600)]:
                expected = whole.read_region(*corner, 200, 200)
                np.testing.assert_array_equal(slide.read_region(*corner, 200, 200), expected)
        coarse = slide.read_region(0, 0, 300, 200, downsample=4)
        np.testing.assert_array_equal(coarse, whole.read_region(0, 0, 300, 200, downsample=4))


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_threads_read_at_once_and_damage_stays_where_it_is(aperio, damaged, open_it):
    generator = np.random.default_rng(1)
    corners = [tuple(map(int, pair)) for pair in generator.integers(0, (1300, 900), (120, 2))]
    bad = {corner for corner in corners if 312 < corner[0] < 768 and 56 < corner[1] < 512}
    with open_it(aperio) as whole:
        expected = {corner: whole.read_region(*corner, 200, 200) for corner in corners}
    assert len(bad) > 5

    def read(corner):
        try:
            return slide.read_region(*corner, 200, 200)
        except UnreadableFileError:
            return None

    with open_it(damaged) as slide, ThreadPoolExecutor(8) as pool:
        for corner, pixels in zip(corners, pool.map(read, corners), strict=True):
            assert (pixels is None) == (corner in bad)
            if pixels is not None:
                np.testing.assert_array_equal(pixels, expected[corner])


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_a_closed_slide_reads_no_more_and_lets_go_of_the_file(aperio, tmp_path, open_it):
    path = tmp_path / "a.svs"
    shutil.copy(aperio, path)
    with open_it(path) as slide:
        slide.read_region(0, 0, 50, 50)
    with pytest.raises(ValueError, match=r"a.svs is closed. Read inside `with"):
        slide.read_region(0, 0, 50, 50)
    slide.close()
    if Path("/proc/self/fd").exists():
        links = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
        assert str(path) not in links
    path.unlink()


def swapped_profile():
    """sRGB's profile with the places of red and blue exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = data.index(b"rXYZ", 128), data.index(b"bXYZ", 128)
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_colours_go_through_the_files_profile(tmp_path, open_it):
    profile = swapped_profile()
    path = tmp_path / "a.svs"
    slide_maker.write_levels(path, [RAMP], iccprofile=profile)
    with open_it(path) as slide:
        assert slide.icc_profile == profile and not slide.notes
        pixels = slide.read_region(0, 0, 300, 200)
        converted = slide.to_srgb(pixels)
    assert np.abs(converted.astype(int) - RAMP[..., ::-1]).max() <= 2
    assert np.abs(pixels.astype(int) - RAMP).max() == 0


def test_without_a_profile_colours_stay_and_a_broken_one_is_named(aperio, tmp_path):
    with open_slide(aperio) as slide:
        pixels = slide.read_region(0, 0, 50, 50)
        np.testing.assert_array_equal(slide.to_srgb(pixels), pixels)
    path = slide_maker.write_levels(tmp_path / "a.svs", [RAMP], iccprofile=b"no profile" * 20)
    with open_slide(path) as slide:
        assert slide.icc_profile is None and "ICC profile is damaged" in slide.notes[0]
    with by_tifffile(path) as slide, pytest.raises(ValueError, match="profile cannot be used"):
        slide.to_srgb(pixels)


@pytest.mark.skipif(not REAL_DATA, reason="RADIOKIT_REAL_DATA is unset: no real images here")
@pytest.mark.parametrize("name", ["cmu-1-small-region.svs", "tcga-cr-7395-01a-01-ts1.svs"])
@pytest.mark.parametrize("open_it", [open_slide, by_tifffile])
def test_real_slides_are_openslides_own_pixels(name, open_it):
    path = Path(REAL_DATA) / "histology" / "slides" / name
    with open_it(path) as slide, openslide.OpenSlide(path) as plain:
        assert slide.level_sizes_px == plain.level_dimensions
        is_jpeg = name.startswith("cmu")
        assert (slide.mpp_um, slide.magnification) == (
            ((0.499, 0.499), 20.0) if is_jpeg else (None, None)
        )
        assert (slide.icc_profile is None) == is_jpeg
        for level, (width, height) in enumerate(plain.level_dimensions):
            downsample = plain.level_downsamples[level]
            step = (1000, 1000) if open_it is open_slide else (width, height)
            for top in range(0, height - 500, step[1]):
                for left in range(0, width - 500, step[0]):
                    corner = (int(left * downsample), int(top * downsample))
                    expected = plain.read_region(corner, level, (500, 500)).convert("RGB")
                    pixels = slide.read_region(*corner, 500, 500, downsample=downsample)
                    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.skipif(not REAL_DATA, reason="RADIOKIT_REAL_DATA is unset: no real images here")
def test_a_real_broken_slide_is_refused():
    path = Path(REAL_DATA) / "histology" / "slides" / "broken.svs"
    assert not is_slide(path)
    with pytest.raises(UnreadableFileError, match="broken.svs: it is no slide, or a damaged one"):
        open_slide(path)
