import cv2
import numpy as np
import pytest

from radiokit.io import UnreadableFileError
from radiokit.io.colour_pictures import read_colour_picture, read_mask_levels
from radiokit.io.rasters import read_label_mask, write_png


def test_colour_is_red_green_blue_in_0_to_1(tmp_path):
    pixels = np.zeros((4, 5, 3), np.uint8)
    pixels[1, 2] = 255, 51, 0
    image = read_colour_picture(write_png(tmp_path / "a.png", pixels))
    assert (image.shape, image.dtype) == ((4, 5, 3), np.float32)
    np.testing.assert_allclose(image[1, 2], [1, 0.2, 0])


def test_sixteen_bits_are_divided_by_their_own_white(tmp_path):
    pixels = np.full((4, 5, 3), 65535, np.uint16)
    pixels[0, 0] = 0, 13107, 65535
    cv2.imwrite(str(tmp_path / "a.png"), pixels[..., ::-1])
    np.testing.assert_allclose(read_colour_picture(tmp_path / "a.png")[0, 0], [0, 0.2, 1])


def test_a_grey_picture_has_three_equal_channels(tmp_path):
    image = read_colour_picture(write_png(tmp_path / "a.png", np.full((3, 3), 51, np.uint8)))
    assert image.shape == (3, 3, 3)
    np.testing.assert_allclose(image, 0.2)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.png").write_text("<html>", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="not a PNG, JPEG, TIFF"):
        read_colour_picture(tmp_path / "a.png")
    np.zeros(3).tofile(tmp_path / "b.png")
    with pytest.raises(UnreadableFileError, match="Cannot read"):
        read_mask_levels(tmp_path / "b.png")


def test_negative_values_leave_white_unknown(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4, 3), -1.0, np.float32), photometric="rgb")
    with pytest.raises(UnreadableFileError, match="from -1 to -1, so that white is unknown"):
        read_colour_picture(tmp_path / "a.tif")


def test_a_soft_mask_keeps_its_levels_where_whole_labels_are_refused(tmp_path):
    levels = np.tile(np.linspace(0, 255, 64), (64, 1)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "mask.jpg"), levels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    with pytest.raises(UnreadableFileError, match="has not just black and white"):
        read_label_mask(tmp_path / "mask.jpg")
    np.testing.assert_allclose(read_mask_levels(tmp_path / "mask.jpg"), levels, atol=6)


def test_the_levels_of_a_colour_mask_are_the_means_of_its_channels(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = 255, 255, 252
    levels = read_mask_levels(write_png(tmp_path / "a.png", pixels))
    assert levels.tolist() == [[254, 0], [0, 0]]
