"""Pictures in every mode people store them in, damaged files, JSRT films, masks, writing."""

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from pydicom.data import get_testdata_file

from radiokit.io import UnreadableFileError
from radiokit.io.rasters import (
    JSRT_BYTES,
    read_jsrt_img,
    read_label_mask,
    read_radiograph,
    read_raster,
    write_png,
)

REAL_DATA = os.environ.get("RADIOKIT_REAL_DATA")
GREY = np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8)
DEEP = np.random.default_rng(2).integers(0, 4096, (37, 53), dtype=np.uint16)


def _smooth(shape=(64, 80)):
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    return (rows + columns).astype(np.uint8)


def _save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def _png(path, rows, depth, colour_type, extra=b""):
    """Write a PNG by hand, in depths no library here writes."""

    def chunk(name, data):
        body = name + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    width = len(rows[0]) * 8 // (depth * channels)
    header = width.to_bytes(4, "big") + len(rows).to_bytes(4, "big")
    header += bytes([depth, colour_type, 0, 0, 0])
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif"])
def test_eight_bit_grey_comes_back_as_stored(tmp_path, suffix):
    raster = read_raster(_save(tmp_path / f"a.{suffix}", GREY))
    np.testing.assert_array_equal(raster.pixels, GREY)
    assert (raster.max_value, raster.spacing_mm) == (255, None)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_colour_comes_back_as_stored_and_becomes_luminance(tmp_path, suffix):
    path = _save(tmp_path / f"a.{suffix}", COLOUR)
    np.testing.assert_array_equal(read_raster(path).pixels, COLOUR)
    expected = np.array(Image.fromarray(COLOUR).convert("L"))  # Pillow's ITU-R 601 luminance
    np.testing.assert_allclose(read_radiograph(path).pixels * 255, expected, atol=1)


def test_alpha_is_dropped_from_grey_and_colour(tmp_path):
    alpha = np.full(GREY.shape, 9, np.uint8)
    grey = _save(tmp_path / "la.png", np.dstack([GREY, alpha]))
    colour = _save(tmp_path / "rgba.png", np.dstack([COLOUR, alpha]))
    np.testing.assert_array_equal(read_raster(grey).pixels, GREY)
    np.testing.assert_array_equal(read_raster(colour).pixels, COLOUR)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_twelve_bits_in_sixteen_are_divided_by_4095(tmp_path, suffix):
    deep = DEEP.copy()
    deep[0, 0] = 4000  # the largest needs 12 bits, none of 16
    path = _save(tmp_path / f"a.{suffix}", deep)
    raster, radiograph = read_raster(path), read_radiograph(path)
    np.testing.assert_array_equal(raster.pixels, deep)
    assert raster.pixels.dtype == np.uint16 and raster.max_value == 4095
    np.testing.assert_allclose(radiograph.pixels, deep / 4095, atol=1e-7)
    assert radiograph.pixels.dtype == np.float32
    assert radiograph.unit == "fraction of display range"


@pytest.mark.parametrize(("top", "white"), [(3, 255), (255, 255), (256, 511), (65535, 65535)])
def test_white_is_the_smallest_power_of_two_less_one_that_holds_the_maximum(tmp_path, top, white):
    array = np.array([[0, top]], np.uint16)
    assert read_raster(_save(tmp_path / "a.png", array)).max_value == white


def test_sixteen_bit_colour_png_keeps_its_sixteen_bits(tmp_path):
    values = np.random.default_rng(3).integers(0, 65536, (5, 7, 3)).astype(">u2")
    path = _png(tmp_path / "deep.png", [row.tobytes() for row in values], 16, 2)
    np.testing.assert_array_equal(read_raster(path).pixels, values)
    grey_alpha = np.dstack([values[..., 0], values[..., 1]]).astype(">u2")
    path = _png(tmp_path / "la.png", [row.tobytes() for row in grey_alpha], 16, 4)
    np.testing.assert_array_equal(read_raster(path).pixels, values[..., 0])


@pytest.mark.parametrize(("depth", "packed"), [(2, 0b00011011), (4, 0x1E)])
def test_grey_png_of_two_and_four_bits_keeps_its_labels(tmp_path, depth, packed):
    path = _png(tmp_path / "labels.png", [[packed]], depth, 0)
    expected = [[0, 1, 2, 3]] if depth == 2 else [[1, 14]]
    np.testing.assert_array_equal(read_label_mask(path), expected)
    np.testing.assert_allclose(read_radiograph(path).pixels, np.divide(expected, 2**depth - 1))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_one_bit_pictures_are_zero_and_one(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(GREY > 128).save(path)
    np.testing.assert_array_equal(read_label_mask(path), GREY > 128)
    assert read_raster(path).max_value == 1
    np.testing.assert_array_equal(read_radiograph(path).pixels, GREY > 128)


@pytest.mark.parametrize("suffix", ["png", "gif", "tif"])
def test_an_inverted_grey_palette_is_honoured(tmp_path, suffix):
    path = _indexed(tmp_path / f"a.{suffix}", GREY, [[255 - index] * 3 for index in range(256)])
    np.testing.assert_array_equal(read_raster(path).pixels, 255 - GREY)
    np.testing.assert_allclose(read_radiograph(path).pixels, (255 - GREY) / 255, atol=1e-7)
    np.testing.assert_array_equal(read_label_mask(path), 255 - GREY)


def _indexed(path, indices, colours, **options):
    picture = Image.new("P", indices.shape[::-1])
    picture.putdata(indices.ravel().tolist())
    picture.putpalette([level for colour in colours for level in colour])
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp"])
def test_a_colour_palette_gives_labels_by_index_and_pixels_by_colour(tmp_path, suffix):
    indices = GREY % 3
    colours = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], np.uint8)
    path = _indexed(tmp_path / f"a.{suffix}", indices, colours.tolist(), optimize=False)
    np.testing.assert_array_equal(read_label_mask(path), indices)
    np.testing.assert_array_equal(read_raster(path).pixels, colours[indices])


def test_a_white_background_palette_mask_of_two_colours_gives_its_grey_values(tmp_path):
    colours = [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255)]
    path = _indexed(tmp_path / "a.gif", GREY % 2, colours, optimize=False)
    np.testing.assert_array_equal(read_label_mask(path), np.where(GREY % 2, 0, 255))


def test_a_mask_in_equal_channels_collapses_and_a_coloured_one_is_refused(tmp_path):
    labels = GREY % 4
    path = _save(tmp_path / "a.png", np.dstack([labels] * 3))
    np.testing.assert_array_equal(read_label_mask(path), labels)
    with pytest.raises(UnreadableFileError, match="true colour.*one value for each label"):
        read_label_mask(_save(tmp_path / "b.png", COLOUR))


def test_a_mask_drawn_in_the_transparency_is_refused(tmp_path):
    hidden = np.dstack([np.full_like(COLOUR, 255), np.where(GREY > 128, 255, 0).astype(np.uint8)])
    with pytest.raises(UnreadableFileError, match="transparency only.*Flatten"):
        read_label_mask(_save(tmp_path / "a.png", hidden))


def test_a_jpeg_mask_of_two_levels_is_cleaned_and_one_of_several_refused(tmp_path):
    rows, columns = np.mgrid[0:200, 0:300]
    disc = ((rows - 90) ** 2 + (columns - 120) ** 2 < 60**2).astype(np.uint8)
    mask = read_label_mask(_save(tmp_path / "a.jpg", 255 * disc, quality=75))
    assert set(np.unique(mask)) == {0, 255} and ((mask > 0) != disc).mean() < 0.002
    three = np.where(rows > 150, 255, disc * 127).astype(np.uint8)
    with pytest.raises(UnreadableFileError, match="JPEG, which blurs.*PNG"):
        read_label_mask(_save(tmp_path / "b.jpg", three))
    with pytest.raises(UnreadableFileError, match="JPEG, which blurs"):
        read_label_mask(_save(tmp_path / "c.jpg", disc * 40))


def test_whole_floats_are_labels_and_fractions_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, (GREY % 3).astype(np.float32))
    labels = read_label_mask(path)
    assert labels.dtype.kind == "i"
    np.testing.assert_array_equal(labels, GREY % 3)
    tifffile.imwrite(path, GREY / np.float32(255))
    with pytest.raises(UnreadableFileError, match="fractions.*Threshold"):
        read_label_mask(path)
    np.testing.assert_allclose(read_radiograph(path).pixels, GREY / 255, atol=1e-7)


def test_values_whose_white_is_unknown_are_refused_as_radiograph(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DEEP.astype(np.int16) - 1024)
    np.testing.assert_array_equal(read_raster(path).pixels, DEEP.astype(np.int16) - 1024)
    with pytest.raises(UnreadableFileError, match="white is unknown.*8 or 16 bit"):
        read_radiograph(path)
    tifffile.imwrite(path, np.array([[0.0, np.nan]], np.float32))
    with pytest.raises(UnreadableFileError, match="white is unknown"):
        read_radiograph(path)


@pytest.mark.parametrize(
    "compression", [None, "lzw", "zlib", "packbits", "zstd", "lzma", "jpeg2000"]
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_of_sixteen_bits_in_every_compression(tmp_path, compression, byteorder):
    path = tmp_path / "a.tif"
    if compression == "jpeg2000":
        byteorder = "<"  # tifffile writes this one swapped otherwise
    options = {"compression": compression, "byteorder": byteorder, "rowsperstrip": 10}
    tifffile.imwrite(path, DEEP, **options)
    np.testing.assert_array_equal(read_raster(path).pixels, DEEP)


def test_tiff_tiles_predictor_planes_and_bigtiff(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DEEP, tile=(16, 16), compression="zlib", predictor=True, bigtiff=True)
    np.testing.assert_array_equal(read_raster(path).pixels, DEEP)
    planes = np.moveaxis(COLOUR, -1, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_raster(path).pixels, COLOUR)


@pytest.mark.parametrize("array", [GREY, DEEP])
def test_tiff_whose_zero_is_white_is_inverted(tmp_path, array):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, photometric="miniswhite")
    white = 2 ** (8 * array.dtype.itemsize) - 1
    np.testing.assert_array_equal(read_raster(path).pixels, white - array)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_becomes_colour_as_pillow_converts_it(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.merge("CMYK", [Image.fromarray(_smooth())] * 4).save(path)
    expected = np.array(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(read_raster(path).pixels, expected)
    assert 0 <= read_radiograph(path).pixels.min() <= read_radiograph(path).pixels.max() <= 1


def test_tiff_with_jpeg_inside_is_colour_as_pillow_reads_it(tmp_path):
    path = tmp_path / "a.tif"
    smooth = np.dstack([_smooth(), _smooth() // 2, 255 - _smooth()])
    Image.fromarray(smooth).save(path, compression="jpeg")
    np.testing.assert_allclose(
        read_raster(path).pixels.astype(int), np.array(Image.open(path)).astype(int), atol=4
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_orientation_tag_is_obeyed(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    path = _save(tmp_path / f"a.{suffix}", _smooth(), exif=exif)
    stored = Image.fromarray(_smooth())
    stored.getexif()[274] = orientation
    expected = np.array(ImageOps.exif_transpose(stored))
    pixels = read_raster(path).pixels
    assert pixels.shape == expected.shape
    np.testing.assert_allclose(pixels.astype(int), expected, atol=3)


def test_a_tiff_larger_than_any_radiograph_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["ImageWidth"].overwrite(60000)
        file.pages[0].tags["ImageLength"].overwrite(60000)
    with pytest.raises(UnreadableFileError, match=r"60000, 60000.*beyond the limit"):
        read_radiograph(path)


def test_a_tiff_compression_whose_decoder_is_not_safe_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, compression="jpegxr")
    with pytest.raises(UnreadableFileError, match="number 34934.*LZW or deflate"):
        read_radiograph(path)


def test_a_tiff_without_columns_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["ImageWidth"].overwrite(0)
    with pytest.raises(UnreadableFileError, match="Copy or download it again"):
        read_radiograph(path)


def test_several_pages_or_frames_are_refused(tmp_path):
    other = Image.fromarray(255 - GREY)
    for name in ("a.gif", "a.tif", "a.png"):
        path = _save(tmp_path / name, GREY, save_all=True, append_images=[other])
        with pytest.raises(UnreadableFileError, match="several pages or frames.*file of its own"):
            read_raster(path)
    tifffile.imwrite(tmp_path / "b.tif", np.stack([DEEP] * 3), imagej=True)
    with pytest.raises(UnreadableFileError, match="several pages or frames"):
        read_raster(tmp_path / "b.tif")


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "lzw.tif", "colour.jpg", "deep.png"]
)
def test_a_file_cut_anywhere_is_refused_or_whole(tmp_path, name):
    array = {"colour.jpg": COLOUR, "deep.png": DEEP}.get(name, GREY)
    options = {"compression": "tiff_lzw"} if name == "lzw.tif" else {}
    whole = _save(tmp_path / name, array, **options)
    data, expected = whole.read_bytes(), read_raster(whole).pixels
    cut_path = tmp_path / f"cut_{name}"
    num_refused = 0
    for length in np.linspace(1, len(data) - 1, 60).astype(int):
        cut_path.write_bytes(data[:length])
        try:
            pixels = read_raster(cut_path).pixels
        except UnreadableFileError as error:
            assert str(cut_path) in str(error) and error.remedy.endswith(".")
            num_refused += 1
        else:
            np.testing.assert_array_equal(pixels, expected)
    assert num_refused >= 50


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.dcm"])
def test_noise_over_a_file_never_escapes_as_another_error(tmp_path, name):
    path = tmp_path / name
    if name == "a.dcm":
        data = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
    else:
        data = _save(path, GREY).read_bytes()
    generator = np.random.default_rng(4)
    for _ in range(60):
        noisy = np.frombuffer(data, np.uint8).copy()
        places = generator.integers(4, min(len(noisy), 3000), 20)
        noisy[places] = generator.integers(0, 256, 20)
        path.write_bytes(noisy.tobytes())
        for read in (read_radiograph, read_label_mask):
            try:
                read(path)
            except UnreadableFileError as error:
                assert error.reason and error.remedy


def test_a_missing_file_a_folder_and_an_empty_file_say_so(tmp_path):
    for read in (read_raster, read_radiograph, read_label_mask, read_jsrt_img):
        with pytest.raises(FileNotFoundError, match="No file at"):
            read(tmp_path / "none.png")
        with pytest.raises(UnreadableFileError, match="it is a folder"):
            read(tmp_path)
        empty = tmp_path / "empty.png"
        empty.write_bytes(b"")
        with pytest.raises(UnreadableFileError, match="0 bytes"):
            read(empty)


def test_other_kinds_of_file_are_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("<!DOCTYPE html><html>not found</html>", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="web page.*Give a DICOM"):
        read_radiograph(path)
    path.write_bytes(b"RIFF0000WEBPVP8 ")
    with pytest.raises(UnreadableFileError, match="unknown kind"):
        read_label_mask(path)


def test_a_decompression_bomb_is_refused(tmp_path):
    width = height = 20000  # 400 million pixels in a small file
    row = bytes(width // 8)
    path = _png(tmp_path / "bomb.png", [row] * height, 1, 0)
    with pytest.raises(UnreadableFileError, match="(?i)decompression bomb|exceeds limit"):
        read_raster(path)


def test_a_picture_with_the_wrong_name_is_read_by_its_content(tmp_path):
    right = _save(tmp_path / "a.png", GREY)
    wrong = right.rename(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_radiograph(wrong).pixels, GREY / np.float32(255))


def _film(path, byte_order=">"):
    rows, columns = np.mgrid[0:2048, 0:2048]
    stored = ((rows * 7 + columns * 3) % 4096).astype(f"{byte_order}u2")
    path.write_bytes(stored.tobytes())
    return stored


@pytest.mark.parametrize("byte_order", [">", "<"])
def test_a_jsrt_film_is_inverted_so_that_bone_is_bright(tmp_path, byte_order):
    stored = _film(tmp_path / "JPCLN001.IMG", byte_order)
    raster = read_jsrt_img(tmp_path / "JPCLN001.IMG")
    np.testing.assert_array_equal(raster.pixels, 4095 - stored.astype(int))
    assert (raster.max_value, raster.spacing_mm) == (4095, (0.175, 0.175))
    radiograph = read_radiograph(tmp_path / "JPCLN001.IMG")
    np.testing.assert_allclose(radiograph.pixels, 1 - stored / 4095, atol=1e-6)
    assert radiograph.spacing_mm == (0.175, 0.175)


def test_a_jsrt_film_of_another_size_names_both_sizes(tmp_path):
    path = tmp_path / "JPCLN001.IMG"
    path.write_bytes(bytes(JSRT_BYTES - 2))
    for read in (read_jsrt_img, read_radiograph):
        with pytest.raises(UnreadableFileError, match="8388606 bytes.*8388608"):
            read(path)
    path.write_bytes(b"\xff" * JSRT_BYTES)
    with pytest.raises(UnreadableFileError, match="beyond 12 bits"):
        read_jsrt_img(path)


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR])
def test_a_written_png_reads_back_and_leaves_nothing_else(tmp_path, array):
    path = tmp_path / "new" / "folder" / "ünï.png"
    assert write_png(path, np.zeros_like(array)) == path
    write_png(path, array)  # replaces
    np.testing.assert_array_equal(np.array(Image.open(path)), array)
    np.testing.assert_array_equal(read_raster(path).pixels, array)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("array", [GREY > 3, GREY / 255, COLOUR[..., :2], np.zeros((0, 3), "u1")])
def test_an_array_no_png_can_hold_is_refused(tmp_path, array):
    with pytest.raises(ValueError, match="A PNG needs uint8 or uint16"):
        write_png(tmp_path / "a.png", array)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OSError, match="Cannot write a.png into .*Choose a folder"):
        write_png(tmp_path / "file" / "a.png", GREY)


def test_a_failed_replacement_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = write_png(tmp_path / "a.png", GREY)

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_png(path, COLOUR)
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(read_raster(path).pixels, GREY)


@pytest.mark.skipif(not REAL_DATA, reason="RADIOKIT_REAL_DATA is unset: no real images here")
@pytest.mark.parametrize("folder", ["lungs_children", "lungs_adults"])
def test_real_radiographs_and_lung_masks_are_read(folder):
    root = Path(REAL_DATA) / "chest" / folder
    images = sorted((root / "images").iterdir())
    assert len(images) == {"lungs_children": 481, "lungs_adults": 83}[folder]
    for path in images[::8]:
        pixels = read_radiograph(path).pixels
        mask = read_label_mask(root / "masks" / f"{path.stem}.png")
        assert set(np.unique(mask)) <= {0, 127, 255} and 0.02 < (mask == 255).mean() < 0.7
        assert mask.shape == pixels.shape and pixels.dtype == np.float32
        assert 0 <= pixels.min() < pixels[mask == 255].mean() < pixels.max() <= 1
