"""Where tiles lie: the grid, shares of masks, and the way from low to high magnification."""

import numpy as np
import pytest

from radiokit.data.tile_grid import covered_share, grid_corners, map_low_to_high


def slides(seed=0, number=60):
    """Random sizes, sides, downsamples (whole or not) and overlaps."""
    rng = np.random.default_rng(seed)
    for turn in range(number):
        size_px = tuple(int(side) for side in rng.integers(1, 90, 2))
        downsample = float(rng.choice([1, 2, 4, rng.uniform(0.7, 5)]))
        overlap = float(rng.choice([0, 0.25, 0.5, rng.uniform(0, 0.9)]))
        yield size_px, int(rng.integers(1, 12)), downsample, overlap, np.random.default_rng(turn)


def touched(corners, side, size_px):
    """Which level-0 pixels lie in any tile, counted pixel by pixel."""
    width, height = size_px
    seen = np.zeros((height, width), bool)
    for x, y in corners:
        seen[y : int(np.ceil(y + side - 1e-9)), x : int(np.ceil(x + side - 1e-9))] = True
    return seen


def fine_share(corner, side, mask, mask_downsample, number=400):
    """Share of a tile under a mask, by points set close together."""
    steps = (np.arange(number) + 0.5) / number * side
    columns, rows = (np.floor((first + steps) / mask_downsample).astype(int) for first in corner)
    padded = np.zeros((max(rows.max() + 1, mask.shape[0]), max(columns.max() + 1, mask.shape[1])))
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return padded[np.ix_(rows, columns)].mean()


# --- grid -----------------------------------------------------------------------------------------


def test_a_grid_that_fits_stands_side_by_side_in_reading_order():
    assert grid_corners((6, 4), 2).tolist() == [[0, 0], [2, 0], [4, 0], [0, 2], [2, 2], [4, 2]]


def test_the_last_row_and_column_are_moved_inward():
    assert grid_corners((7, 5), 3).tolist() == [
        *([0, 0], [3, 0], [4, 0]),
        *([0, 2], [3, 2], [4, 2]),
    ]


def test_overlap_is_a_fraction_of_the_side():
    assert grid_corners((10, 4), 4, overlap=0.5)[:, 0].tolist() == [0, 2, 4, 6]
    assert grid_corners((100, 10), 10, overlap=0.9)[:, 0].tolist() == list(range(91))


def test_downsample_counts_in_level_0_pixels():
    assert grid_corners((40, 8), 4, downsample=2.0)[:, 0].tolist() == [0, 8, 16, 24, 32]
    steps = grid_corners((41, 9), 4, downsample=2.3)  # sides of 9.2: steps of 9
    assert steps[:, 0].tolist() == [0, 9, 18, 27, 31]


def test_a_slide_smaller_than_a_tile_has_one():
    assert grid_corners((100, 50), 256).tolist() == [[0, 0]]
    assert grid_corners((600, 50), 256)[:, 0].tolist() == [0, 256, 344]
    assert set(grid_corners((600, 50), 256)[:, 1]) == {0}


def test_every_pixel_of_any_slide_is_in_a_tile_and_no_tile_reaches_out():
    for size_px, tile_px, downsample, overlap, _ in slides():
        corners = grid_corners(size_px, tile_px, downsample, overlap)
        side = tile_px * downsample
        assert touched(corners, side, size_px).all()
        for first, length in zip(corners.T, size_px, strict=True):
            assert (first >= 0).all() and (first + min(side, length) <= length + 1e-9).all()
        assert corners.dtype == np.int64 and len(np.unique(corners, axis=0)) == len(corners)


def test_neighbours_overlap_at_least_as_asked():
    for size_px, tile_px, downsample, overlap, _ in slides(seed=1):
        side = tile_px * downsample
        steps = np.diff(np.unique(grid_corners(size_px, tile_px, downsample, overlap)[:, 0]))
        assert (steps <= max(1, side * (1 - overlap) + 1e-6)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 10), 4), "0 x 10; needed are the width and height"),
        (((10, 10), 0), "tile_px is 0"),
        (((10, 10), 4, -1.0), "downsample -1.0; needed are a side"),
        (((10, 10), 4, 1.0, 1.0), "overlap is 1.0; needed is a fraction from 0 to below 1"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        grid_corners(*arguments)


# --- shares ---------------------------------------------------------------------------------------


def test_shares_are_exact_fractions():
    mask = np.array([[1, 0, 0], [1, 1, 0]])  # pixels of 10
    corners = [[0, 0], [5, 5], [20, 0], [12, 13]]
    # 100 of 100; quarters 1, 0, 1, 1; nothing; 8x7 above of nothing, 8x7 of a one below right
    shares = covered_share(corners, 10, 1.0, mask, 10.0)
    np.testing.assert_allclose(shares, [1, 0.75, 0, 0.56], atol=1e-12)


def test_what_lies_beyond_the_mask_is_not_covered():
    shares = covered_share([[-5, 0], [5, 5], [30, 30]], 10, 1.0, np.ones((1, 1)), 10)
    np.testing.assert_allclose(shares, [0.5, 0.25, 0])


def test_shares_are_those_of_points_set_close_together():
    for size_px, tile_px, downsample, _, rng in slides(seed=2, number=25):
        mask_downsample = float(rng.uniform(1, 20))
        shape = [int(np.ceil(side / mask_downsample)) for side in size_px[::-1]]
        mask = rng.random(shape) < 0.5
        corner = [int(rng.integers(0, side)) for side in size_px]
        (share,) = covered_share([corner], tile_px, downsample, mask, mask_downsample)
        side = tile_px * downsample
        expected = fine_share(corner, side, mask, mask_downsample)
        lines = 2 * (1 + side / mask_downsample)  # of the mask's pixels through the tile
        assert share == pytest.approx(expected, abs=lines / 400)


def test_a_mask_and_its_complement_share_a_tile():
    mask = np.random.default_rng(3).random((8, 9)) < 0.4
    corners = grid_corners((90, 80), 7, 1.3, 0.2)
    both = [covered_share(corners, 7, 1.3, part, 10.0) for part in (mask, ~mask)]
    np.testing.assert_allclose(both[0] + both[1], 1)


def test_a_mask_of_three_axes_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2, 1\) at downsample 4"):
        covered_share([[0, 0]], 4, 1.0, np.ones((2, 2, 1)), 4)


# --- low to high ----------------------------------------------------------------------------------


def test_one_low_pixel_becomes_the_tiles_under_it():
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = True  # level-0 pixels 64..96 by 32..64
    corners = map_low_to_high(mask, 32, (160, 128), tile_px=16)
    assert corners.tolist() == [[64, 32], [80, 32], [64, 48], [80, 48]]
    high = map_low_to_high(mask, 32, (160, 128), tile_px=16, downsample=4.0)  # sides of 64
    assert high.tolist() == [[64, 0]]


def test_every_marked_pixel_is_covered_and_every_tile_has_its_share():
    for size_px, tile_px, downsample, overlap, rng in slides(seed=4):
        mask_downsample = float(rng.uniform(1, 9))
        shape = [int(np.ceil(side / mask_downsample)) for side in size_px[::-1]]
        mask = rng.random(shape) < 0.1
        given = (mask, mask_downsample, size_px, tile_px, downsample, overlap)
        side = tile_px * downsample
        seen = touched(map_low_to_high(*given), side, size_px)
        rows, columns = (
            np.minimum(((np.arange(length) + 0.5) / mask_downsample).astype(int), most - 1)
            for length, most in zip(size_px[::-1], shape, strict=True)
        )
        assert seen[mask[np.ix_(rows, columns)]].all()
        wanted = float(rng.uniform(0.01, 1))
        kept = map_low_to_high(*given, at_least=wanted)
        grid = grid_corners(size_px, tile_px, downsample, overlap)
        shares = covered_share(grid, tile_px, downsample, mask, mask_downsample)
        assert {tuple(one) for one in grid[shares >= wanted]} == {tuple(one) for one in kept}


def test_an_empty_mask_gives_no_tile_and_a_full_one_the_whole_grid():
    size_px = (100, 80)
    assert map_low_to_high(np.zeros((8, 10)), 10, size_px, 16).shape == (0, 2)
    full = map_low_to_high(np.ones((8, 10)), 10, size_px, 16, at_least=1.0)
    assert full.tolist() == grid_corners(size_px, 16).tolist()


def test_a_mask_of_another_downsample_is_refused():
    with pytest.raises(ValueError, match="covers 80 x 64 level-0 pixels, the slide has 100 x 80"):
        map_low_to_high(np.ones((8, 10)), 8, (100, 80), 16)
    with pytest.raises(ValueError, match="at_least is 1.5"):
        map_low_to_high(np.ones((8, 10)), 10, (100, 80), 16, at_least=1.5)
