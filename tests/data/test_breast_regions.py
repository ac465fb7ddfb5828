"""Class maps of outlined regions: against scikit-image, areas by the shoelace formula, overlaps."""

import numpy as np
import pytest
from skimage.draw import polygon2mask

from radiokit.data.breast_regions import REGION_CLASSES, Region, draw_regions

SQUARE = np.array([(4.0, 4.0), (20.0, 4.0), (20.0, 16.0), (4.0, 16.0)])


def star(rng, centre, radius, points=400):
    """An outline with no crossing, as rough as one drawn by hand."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, points))
    reach = radius * (1 + 0.3 * np.sin(5 * angle) + rng.normal(0, 0.02, points))
    return np.asarray(centre) + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])


def shoelace(points):
    x, y = points.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_the_classes_are_those_of_the_study_in_order():
    assert REGION_CLASSES == ("background", "benign", "in_situ", "invasive")


@pytest.mark.parametrize("downsample", [1.0, 1.7, 4.0, 16.31])
def test_a_pixel_belongs_to_a_region_exactly_where_its_centre_does(downsample):
    rng = np.random.default_rng(3)
    for _ in range(2):
        points = star(rng, rng.uniform(300, 500, 2), rng.uniform(100, 400))
        origin = rng.uniform(-50, 50, 2)
        shape = (int(900 / downsample), int(800 / downsample))
        centres = (points - origin) / downsample - 0.5  # scikit-image counts from pixel centres
        expected = polygon2mask(shape, centres[:, ::-1])
        drawn = draw_regions([Region("benign", points)], shape, downsample, origin)
        np.testing.assert_array_equal(drawn, expected.astype(np.uint8))


@pytest.mark.parametrize("downsample", [1.0, 2.5, 4.0, 16.0, 33.3, 64.0])
def test_areas_are_neither_swollen_nor_shrunk_at_any_downsample(downsample):
    rng = np.random.default_rng(8)
    points = star(rng, (2000, 2000), 1000)
    perimeter = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum()
    errors = []
    for _ in range(20):
        origin = rng.uniform(0, downsample, 2)
        side = int(4000 / downsample)
        drawn = draw_regions([Region("invasive", points)], (side, side), downsample, origin)
        errors.append(np.count_nonzero(drawn) * downsample**2 - shoelace(points))
    assert abs(np.mean(errors)) / perimeter < 0.02 * downsample  # a border drawn in adds 0.5


def test_a_right_and_lower_edge_on_pixel_centres_stays_outside():
    drawn = draw_regions(
        [Region("benign", np.array([(0.5, 0.5), (2.5, 0.5), (2.5, 2.5), (0.5, 2.5)]))], (4, 4)
    )
    assert drawn.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_neighbours_that_share_an_edge_leave_no_gap_and_no_overlap():
    rng = np.random.default_rng(1)
    edge = [(float(x), 50 + rng.uniform(-8, 8)) for x in np.linspace(0, 100, 30)]
    upper = Region("benign", np.array([(0, 0), (100, 0), *edge[::-1]]))
    lower = Region("benign", np.array([*edge, (100, 100), (0, 100)]))
    both = [draw_regions([region], (61, 61), 1.64) for region in (upper, lower)]
    assert (both[0].astype(int) + both[1] == 1)[:60, :60].all()


def test_invasive_goes_before_in_situ_before_benign_in_any_order():
    regions = [Region(label, SQUARE + 4 * i) for i, label in enumerate(REGION_CLASSES[1:])]
    drawn = draw_regions(regions, (32, 32))
    np.testing.assert_array_equal(drawn, draw_regions(regions[::-1], (32, 32)))
    assert (drawn[5, 5], drawn[9, 9], drawn[13, 13]) == (1, 2, 3)
    assert np.count_nonzero(drawn == 3) == 16 * 12


def test_a_hole_cuts_only_its_own_region():
    hole = np.array([(8.0, 8.0), (12.0, 8.0), (12.0, 12.0), (8.0, 12.0)])
    drawn = draw_regions([Region("invasive", SQUARE, (hole,))], (20, 24))
    assert np.count_nonzero(drawn) == 16 * 12 - 16 and drawn[9, 9] == 0
    both = draw_regions([Region("invasive", SQUARE, (hole,)), Region("benign", SQUARE)], (20, 24))
    assert (both[8:12, 8:12] == 1).all() and np.count_nonzero(both == 3) == 16 * 12 - 16


def test_a_crossing_outline_encloses_all_that_it_runs_around():
    eight = np.array([(2, 2), (10, 10), (10, 2), (2, 10)])
    drawn = draw_regions([Region("benign", eight)], (12, 12))
    assert np.count_nonzero(drawn) == 2 * (8 * 4 / 2)  # both of its triangles
    twice = np.concatenate([SQUARE, SQUARE])  # the pen went round twice
    assert np.count_nonzero(draw_regions([Region("benign", twice)], (20, 24))) == 16 * 12


def test_direction_and_closing_of_an_outline_do_not_matter():
    expected = draw_regions([Region("in_situ", SQUARE)], (20, 24))
    for points in (SQUARE[::-1], np.concatenate([SQUARE, SQUARE[:1]])):
        np.testing.assert_array_equal(draw_regions([Region("in_situ", points)], (20, 24)), expected)


def test_a_tile_is_a_piece_of_the_whole_and_what_leaves_the_slide_is_cut_off():
    rng = np.random.default_rng(5)
    regions = [
        Region(label, star(rng, rng.uniform(0, 400, 2), 150), (star(rng, (200, 200), 30),))
        for label in REGION_CLASSES[1:]
    ]
    whole = draw_regions(regions, (100, 100), 4.0)
    np.testing.assert_array_equal(
        draw_regions(regions, (40, 30), 4.0, (4 * 50, 4 * 60)), whole[60:, 50:80]
    )
    far = Region("benign", SQUARE + 10_000)
    assert not draw_regions([far], (20, 20)).any() and not draw_regions([], (3, 4)).any()


@pytest.mark.parametrize("downsample", [0.0, -1.0, np.nan])
def test_a_downsample_must_be_above_zero(downsample):
    with pytest.raises(ValueError, match="downsample is .* level-0 pixels a pixel"):
        draw_regions([], (4, 4), downsample)


@pytest.mark.parametrize("label", ["background", "Tumor", ""])
def test_a_label_must_be_a_lesion_class(label):
    with pytest.raises(ValueError, match=f"Region 0 has the label '{label}'. Known are benign"):
        draw_regions([Region(label, SQUARE)], (4, 4))


def test_outlines_without_area_or_without_numbers_are_refused():
    with pytest.raises(ValueError, match=r"outline of shape \(2, 2\)"):
        draw_regions([Region("benign", SQUARE[:2])], (4, 4))
    with pytest.raises(ValueError, match=r"outline of shape \(1, 2\)"):
        draw_regions([Region("benign", SQUARE, (SQUARE[:1],))], (4, 4))
    with pytest.raises(ValueError, match="not finite"):
        draw_regions([Region("benign", np.where(SQUARE == 20, np.nan, SQUARE))], (4, 4))
