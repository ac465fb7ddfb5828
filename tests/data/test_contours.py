"""Outlines of the left ventricle: text files, and polygons to masks at pixel centres."""

import numpy as np
import pytest
from skimage.draw import ellipse

from radiokit.data.contours import (
    MAX_OUTSIDE_FRACTION,
    fill_contour,
    outside_fraction,
    read_contour,
    read_contour_mask,
)
from radiokit.io import UnreadableFileError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_published_file_is_read_as_written(tmp_path):
    path = write(
        tmp_path / "IM-0001-0048-icontour-manual.txt", "106.00 131.50\n106.5 131\n107 130\n"
    )
    np.testing.assert_array_equal(read_contour(path), [(106, 131.5), (106.5, 131), (107, 130)])


def test_commas_windows_line_ends_a_mark_and_blank_lines_are_read(tmp_path):
    path = tmp_path / "c.txt"
    path.write_bytes(b"\xef\xbb\xbf1,2\r\n3 , 4\r\n\r\n  5\t6  \r\n")
    np.testing.assert_array_equal(read_contour(path), [(1, 2), (3, 4), (5, 6)])


@pytest.mark.parametrize(
    "text, reason",
    [
        ("1 1\n2 two\n3 3\n", "line 2 is '2 two', not two numbers"),
        ("1 1\n2\n3 3\n", "line 2 is '2', not two numbers"),
        ("1 1 1\n2 2 2\n3 3 3\n", "line 1 is '1 1 1', not two numbers"),
        ("<html>\n", "line 1 is '<html>', not two numbers"),
        ("1 1\n2 2\n", "it has 2 points, which enclose no area"),
        ("\n\n", "it has 0 points"),
        ("1 1\n2 nan\n3 3\n", "line 2 is '2 nan', no place in an image"),
        ("1 1\n2 2\n-3 3\n", "line 3 is '-3 3', no place in an image"),
        ("", r"it is empty \(0 bytes\)"),
    ],
)
def test_what_is_no_outline_is_refused_with_its_line(tmp_path, text, reason):
    path = write(tmp_path / "c.txt", text)
    with pytest.raises(UnreadableFileError, match=f"c.txt: {reason}"):
        read_contour(path)


def test_a_contour_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="No file at .*c.txt"):
        read_contour(tmp_path / "c.txt")


def test_the_line_belongs_to_the_structure():
    # Points lie in pixels 2..5 of columns and 1..3 of rows: 4 x 3 pixels.
    mask = fill_contour(np.array([(2.5, 1), (5.5, 1), (5.5, 3.5), (2.5, 3.5)]), (6, 8))
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:6] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("offset", [0, 0.25, 0.5, 0.99])
def test_the_area_is_what_picks_theorem_says(offset):
    # Pixel centres inside or on a lattice polygon: A + B/2 + 1 (Pick 1899). A of this octagon is
    # 24*24 - 4 * 8*8/2 = 448; B = 4 sides * 8 steps + 4 diagonals * 8 steps = 64.
    corners = [(8, 0), (16, 0), (24, 8), (24, 16), (16, 24), (8, 24), (0, 16), (0, 8)]
    assert fill_contour(np.add(corners, 3) + offset, (32, 32)).sum() == 448 + 64 / 2 + 1


def test_a_pixel_counts_from_its_corner():
    points = np.array([(2, 2), (4.9, 2), (4.9, 4.9), (2, 4.9)])
    np.testing.assert_array_equal(
        fill_contour(points, (8, 8)), fill_contour(np.floor(points), (8, 8))
    )


def test_a_circle_has_its_area_plus_half_its_line():
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    circle = 128 + 60 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mask = fill_contour(np.round(2 * circle) / 2, (256, 256))
    rows, columns = np.nonzero(mask)
    # every pixel that the line enters: on average half a pixel beyond the circle
    assert mask.sum() == pytest.approx(np.pi * 60.5**2, rel=0.02)
    assert rows.mean() + 0.5 == pytest.approx(128, abs=0.3)
    assert columns.mean() + 0.5 == pytest.approx(128, abs=0.3)


def test_an_outline_beyond_its_image_is_refused(tmp_path):
    with pytest.raises(ValueError, match="reaches x 40, y 4, its image is only 32x16 pixels wide"):
        fill_contour(np.array([(1, 1), (40, 1), (40, 4)]), (16, 32))
    path = write(tmp_path / "c.txt", "1 1\n40 1\n40 4\n")
    with pytest.raises(UnreadableFileError, match="c.txt: an outline reaches x 40.*resized copy"):
        read_contour_mask(path, (16, 32))


def test_the_last_pixel_of_an_image_is_inside_it():
    mask = fill_contour(np.array([(0, 0), (31.5, 0), (31.5, 15.5), (0, 15.5)]), (16, 32))
    assert mask.all()


def test_the_fraction_outside_is_that_of_the_inner_area():
    inner, outer = np.zeros((2, 10, 10), bool)
    inner[0:2, 0:5] = True  # 10 pixels
    outer[0:2, 2:9] = True  # leaves out 2 columns: 4 pixels
    assert outside_fraction(inner, outer) == pytest.approx(0.4)
    assert outside_fraction(inner, inner) == 0


def test_the_tolerance_forgives_a_touching_wall_and_no_more():
    inner, outer = np.zeros((2, 128, 128), bool)
    inner[ellipse(64, 64, 20, 20)] = True
    outer[ellipse(64, 64, 28, 28)] = True
    assert outside_fraction(inner, outer) == 0
    assert outside_fraction(inner, np.roll(outer, 9, axis=1)) < MAX_OUTSIDE_FRACTION
    assert outside_fraction(inner, np.roll(outer, 14, axis=1)) > MAX_OUTSIDE_FRACTION
