"""TIFF of many layouts and colours through tifffile, against tifffile's and OpenSlide's pixels."""

from pathlib import Path

import imagecodecs
import numpy as np
import openslide
import pytest
import slide_maker
import tifffile
from PIL import Image

from radiokit.io import UnreadableFileError, slide_cells
from radiokit.io.slide_tiff import open_with_tifffile
from radiokit.io.slides import Slide, is_slide, open_slide

COLOUR = slide_maker.texture(300, 200, seed=1)
GREY = COLOUR[..., 0]
GREYS = np.repeat(GREY[..., None], 3, axis=-1)
DEEP = (COLOUR.astype(np.uint16) << 8) + 17
REGION = (37, 21, 211, 150)


def by_tifffile(path):
    return Slide(open_with_tifffile(Path(path)), Path(path))


def cut(pixels, region=REGION):
    left, top, width, height = region
    return pixels[top : top + height, left : left + width]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 7},
        {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
        {"tile": (64, 32), "compression": "lzw"},
        {"tile": (64, 32), "bigtiff": True, "byteorder": ">"},
        {"compression": "zlib", "byteorder": ">"},
        {"compression": "jpeg2000", "tile": (128, 128)},
        {"compression": "webp", "compressionargs": {"lossless": True}, "tile": (128, 128)},
        {"compression": "zstd", "tile": (128, 128)},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "tile": (64, 64), "compression": "zlib"},
        {"planarconfig": "separate", "rowsperstrip": 13, "compression": "zlib"},
    ],
)
def test_colour_of_any_layout_is_what_was_written(tmp_path, options):
    path, pixels = tmp_path / "a.tif", COLOUR
    if options.get("planarconfig"):
        pixels = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
    with by_tifffile(path) as slide:
        assert (slide.size_px, slide.level_downsamples) == ((300, 200), (1.0,))
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))
        np.testing.assert_array_equal(slide.read_region(0, 0, 300, 200), COLOUR)
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))


def test_grey_palettes_and_deep_samples_become_colour(tmp_path):
    path = tmp_path / "a.tif"
    palette = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16) * 257
    bits = (GREY > 127).astype(np.uint8)
    cases = [
        (GREY, {"photometric": "minisblack"}, GREYS, ""),
        (GREY, {"photometric": "miniswhite", "compression": "zlib"}, 255 - GREYS, ""),
        (GREY, {"photometric": "palette", "colormap": palette}, palette[:, GREY].T // 257, ""),
        (DEEP, {"photometric": "rgb"}, np.rint(DEEP / 257), "16 bits; they are scaled to 8"),
        (DEEP[..., 1], {"compression": "zlib"}, np.rint(DEEP[..., [1] * 3] / 257), "16 bits"),
        (bits > 0, {"photometric": "minisblack"}, np.repeat(bits[..., None] * 255, 3, 2), ""),
    ]
    for pixels, options, expected, note in cases:
        tifffile.imwrite(path, pixels, metadata=None, **options)
        if options.get("photometric") == "palette":
            expected = expected.transpose(1, 0, 2)
        with by_tifffile(path) as slide:
            np.testing.assert_array_equal(slide.read_region(*REGION), cut(expected))
            assert note in " ".join(slide.notes)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_transparent_pixels_lie_over_white(tmp_path, compression):
    alpha = np.random.default_rng(0).integers(0, 256, (200, 300, 1), dtype=np.uint8)
    mixed = COLOUR * (alpha / 255) + 255 * (1 - alpha / 255)
    multiplied = np.rint(COLOUR * (alpha / 255)).astype(np.uint8)
    path = tmp_path / "a.tif"
    stored = {"unassalpha": COLOUR, "assocalpha": multiplied, "unspecified": COLOUR}
    for kind, colour in stored.items():
        pixels = np.concatenate([colour, alpha], axis=-1)
        options = {"photometric": "rgb", "extrasamples": [kind], "compression": compression}
        tifffile.imwrite(path, pixels, metadata=None, **options)
        expected = COLOUR if kind == "unspecified" else mixed
        with by_tifffile(path) as slide:
            assert np.abs(slide.read_region(*REGION) - cut(expected)).max() <= 1


def test_jpeg_strips_are_what_pillow_reads(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(COLOUR).save(path, compression="jpeg")
    expected = np.array(Image.open(path)).astype(int)
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        assert np.abs(slide.read_region(0, 0, 300, 200) - expected).max() <= 3


def write_jpeg_2000(path, pixels, compression, options):
    tiles = [
        imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(pixels[top : top + 64, left : left + 64]), codecformat="j2k",
            **options,
        )
        for top in (0, 64)
        for left in (0, 64)
    ]  # fmt: skip
    settings = {"photometric": "rgb", "metadata": None, "description": slide_maker.APERIO}
    tile = {"shape": (128, 128, 3), "dtype": "u1", "tile": (64, 64), "compression": 34712}
    tifffile.imwrite(path, iter(tiles), **tile, **settings)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["Compression"].overwrite(compression)


@pytest.mark.parametrize("compression", [33003, 33005])
def test_aperios_jpeg_2000_is_colour_in_both_of_its_kinds(tmp_path, compression):
    rgb = COLOUR[:128, :128]
    stored = np.array(Image.fromarray(rgb).convert("YCbCr")) if compression == 33003 else rgb
    path = tmp_path / "a.svs"
    write_jpeg_2000(path, stored, compression, {"reversible": True, "level": 0, "mct": False})
    with open_slide(path) as slide, by_tifffile(path) as other:
        assert (slide.backend, slide.vendor, other.vendor) == ("openslide", "aperio", "aperio")
        pixels = slide.read_region(10, 20, 100, 90)
        assert np.abs(pixels.astype(int) - rgb[20:110, 10:110]).max() <= 3  # YCbCr is rounded
        same = other.read_region(10, 20, 100, 90)
        assert np.abs(pixels.astype(int) - same).max() <= 1


LEVELS = [slide_maker.texture(1000 // factor, 701 // factor, factor) for factor in (1, 2, 8)]


def write_pyramid_of(path, kind):
    options = {"photometric": "rgb", "tile": (64, 64), "compression": "zlib"}
    with tifffile.TiffWriter(path, ome=kind == "ome") as writer:
        if kind == "pages":
            label = np.zeros((90, 200, 3), np.uint8)
            writer.write(LEVELS[0], metadata=None, **options)
            writer.write(label, subfiletype=1, metadata=None, **options)
        else:
            metadata = {"PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}
            metadata = metadata if kind == "ome" else None
            writer.write(LEVELS[0], subifds=2, metadata=metadata, **options)
        for level in LEVELS[1:]:
            writer.write(level, subfiletype=1, metadata=None, **options)
    return path


@pytest.mark.parametrize(
    ("kind", "backend"), [("pages", "openslide"), ("subifds", "tifffile"), ("ome", "tifffile")]
)
def test_levels_are_found_wherever_they_lie(tmp_path, kind, backend):
    path = write_pyramid_of(tmp_path / "a.tif", kind)
    assert is_slide(path)
    with open_slide(path) as slide:
        assert slide.backend == backend
        assert slide.mpp_um == ((0.25, 0.25) if kind == "ome" else None)
    with by_tifffile(path) as slide:
        assert slide.level_sizes_px == ((1000, 701), (500, 350), (125, 87))
        for level, downsample in zip(LEVELS, slide.level_downsamples, strict=True):
            pixels = slide.read_region(0, 0, 80, 70, downsample=downsample)
            np.testing.assert_array_equal(pixels, level[:70, :80])


def write_planes(path, planes, axes, channel=None, **options):
    metadata = {"axes": axes} | ({"Channel": channel} if channel else {})
    tifffile.imwrite(path, planes, ome=True, photometric="minisblack", metadata=metadata, **options)
    return path


@pytest.mark.parametrize("options", [{}, {"tile": (64, 64), "compression": "zlib"}])
def test_ome_colours_on_a_page_each_are_joined(tmp_path, options):
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    pure = {"Name": ["Red", "Green", "Blue"], "Color": [-16776961, 16711935, 65535]}
    for channel in (None, pure):
        path = write_planes(tmp_path / "a.ome.tif", planes, "CYX", channel, **options)
        with open_slide(path) as slide:
            assert (slide.vendor, slide.backend) == ("ome-tiff", "tifffile")
            np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))
    stack = np.stack([planes, 255 - planes])
    path = write_planes(tmp_path / "b.ome.tif", stack, "ZCYX", **options)
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))
        assert "6 planes; the first is read" in slide.notes[0]
    stack = np.ascontiguousarray(stack.transpose(1, 0, 2, 3))
    path = write_planes(tmp_path / "c.ome.tif", stack, "CZYX", **options)
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (np.zeros((9, 9), np.float32), {}, "samples are float32; .*8 or 16 bits"),
        (np.zeros((9, 9), np.int16), {}, "samples are int16.*Scale them to 0..255"),
        (np.zeros((9, 9, 5), np.uint8), {"planarconfig": "contig"}, "5 channels.*imread"),
        (np.zeros((16, 16, 3), np.uint8), {"compression": "jpegxr"}, "number 34934.*Save it with"),
        (np.zeros((9, 9, 4), np.uint8), {"photometric": "separated"}, "its colours are SEPARATED"),
    ],
)
def test_what_is_no_picture_in_colour_is_named(tmp_path, pixels, options, message):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, metadata=None, **options)
    assert not is_slide(path)
    with pytest.raises(UnreadableFileError, match=message):
        open_slide(path)


def test_channels_of_other_names_or_colours_are_no_slide(tmp_path):
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    for channel in ({"Name": ["DAPI", "FITC", "Cy5"]}, {"Color": [255, 65535, -1]}):
        path = write_planes(tmp_path / "a.ome.tif", planes, "CYX", channel)
        with pytest.raises(UnreadableFileError, match="3 channels, which are no red, green"):
            open_slide(path)


def test_pages_alike_are_noted(tmp_path):
    path = tmp_path / "a.tif"
    stack = np.stack([COLOUR, 255 - COLOUR])
    tifffile.imwrite(path, stack, photometric="rgb", compression="zlib", metadata=None)
    with by_tifffile(path) as slide:
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))
        assert "2 pages of the same size; the first is read" in slide.notes[0]


def test_one_piece_too_large_to_decode_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(slide_cells, "_MOST_PIXELS", 10_000)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, COLOUR, rowsperstrip=200, compression="zlib")
    with pytest.raises(UnreadableFileError, match="pieces of 300 x 200 pixels.*tiles of 256"):
        open_slide(path)
    tifffile.imwrite(path, COLOUR)  # not compressed: any part can be read
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))


def test_tiles_decoded_last_are_kept_and_others_forgotten(tmp_path, monkeypatch):
    decoded = []
    original = slide_cells._decode_cell
    monkeypatch.setattr(
        slide_cells, "_decode_cell", lambda *args: decoded.append(args[2]) or original(*args)
    )
    monkeypatch.setattr(slide_cells, "_CACHE_BYTES", 2 * 64 * 64 * 3)
    path = slide_maker.write_levels(tmp_path / "a.tif", [COLOUR])
    with by_tifffile(path) as slide:
        for left in (0, 10, 70, 0, 140, 0, 70):
            slide.read_region(left, 0, 40, 40)
    assert decoded == [0, 1, 2, 1]  # tile 0 was used again before 2 came


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_plain_tiff_cut_short_is_an_error(tmp_path, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, COLOUR, compression=compression, rowsperstrip=20, metadata=None)
    path.write_bytes(path.read_bytes()[:-500])
    with (
        pytest.raises(UnreadableFileError, match="cut short|damaged or missing"),
        open_slide(path) as slide,
    ):
        slide.read_region(0, 0, 300, 200)


def test_openslides_refusal_is_noted_when_tifffile_reads(tmp_path, monkeypatch):
    path = slide_maker.write_levels(tmp_path / "a.svs", [COLOUR])

    def refuse(*_):
        raise openslide.OpenSlideError("strange directory")

    monkeypatch.setattr(openslide, "OpenSlide", type("Refusing", (), {
        "__init__": refuse, "detect_format": staticmethod(lambda path: "aperio"),
    }))  # fmt: skip
    with open_slide(path) as slide:
        assert slide.notes[0] == (
            "OpenSlide refuses this file (strange directory); tifffile reads it."
        )
        np.testing.assert_array_equal(slide.read_region(*REGION), cut(COLOUR))


@pytest.mark.parametrize("num_bytes", [300, 700, 5_000])
def test_a_tiff_cut_short_after_its_first_page_is_refused_when_it_is_opened(tmp_path, num_bytes):
    whole = tmp_path / "whole.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    tifffile.imwrite(whole, pixels, tile=(256, 256), compression="jpeg", photometric="rgb")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[:num_bytes])
    with pytest.raises(UnreadableFileError, match=r"cut\.tif"):
        open_slide(cut)
