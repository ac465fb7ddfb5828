"""Outlines of maps, blending of tiles, and the GeoJSON that QuPath reads."""

import json
import uuid

import numpy as np
import pytest

from radiokit.data.breast_annotations import read_geojson
from radiokit.data.breast_regions import REGION_CLASSES, Region, draw_regions
from radiokit.data.tile_grid import grid_corners
from radiokit.tiling.bands import blend_tiles, blend_window, plan_map
from radiokit.tiling.geojson import outlines_to_geojson
from radiokit.tiling.map_files import class_colors, color_map, label_map
from radiokit.tiling.outlines import trace_outlines


def classes(text):
    """A small map of digits."""
    return np.array([[int(digit) for digit in line] for line in text.split()], np.uint8)


def drawn(outlines, shape):
    """The pixels of each outline, drawn by the reader's own rule; none may meet another."""
    result = np.zeros(shape, np.uint8)
    for outline in outlines:
        holes = tuple(hole.astype(float) for hole in outline.holes)
        inside = draw_regions([Region("benign", outline.points.astype(float), holes)], shape) > 0
        assert inside.sum() == outline.area and not result[inside].any()
        result[inside] = outline.class_index
    return result


# --- outlines -------------------------------------------------------------------------------------


def test_a_hole_belongs_to_its_area_and_an_island_in_it_is_its_own():
    outer, island = trace_outlines([classes("1111111 1000001 1011101 1000001 1111111")])
    assert outer.area == 35 - 15 and [len(hole) for hole in outer.holes] == [4]
    assert outer.holes[0].min(axis=0).tolist() == [1, 1]
    assert island.area == 3 and island.holes == ()
    assert island.points.tolist() == [[2, 2], [5, 2], [5, 3], [2, 3]]


def test_areas_that_meet_in_a_corner_are_two_and_a_pocket_closed_in_a_corner_is_a_hole():
    first, second = trace_outlines([classes("10 01")])
    assert (first.area, second.area) == (1, 1)
    (ring,) = trace_outlines([classes("1110 1011 1110 1100")])
    assert ring.area == 11 and len(ring.holes) == 1
    (closed,) = trace_outlines([classes("111 101 110")])  # the pocket touches the outside
    assert closed.area == 7 and len(closed.holes) == 1
    for outline in (first, second, ring, closed):
        for points in (outline.points, *outline.holes):
            assert len(np.unique(points, axis=0)) == len(points)


def test_any_map_is_drawn_back_from_its_outlines_in_whatever_bands_it_came():
    rng = np.random.default_rng(0)
    for turn in range(120):
        shape = tuple(rng.integers(1, 14, 2))
        wanted = rng.integers(0, 4 if turn % 2 else 2, shape).astype(np.uint8)
        cuts = np.sort(rng.integers(0, shape[0] + 1, 2))
        bands = [band for band in np.split(wanted, cuts) if len(band)]
        np.testing.assert_array_equal(drawn(trace_outlines(bands), shape), wanted)


def test_small_areas_are_dropped_and_small_holes_filled():
    wanted = classes("11111000 10111020 11111000 11001033 11001033 11111000")
    kept = trace_outlines([wanted], min_area=4)
    # the hole of one pixel is filled, the hole of four stays; 2 is dropped, 3 has four pixels
    assert [(outline.class_index, outline.area) for outline in kept] == [(1, 26), (3, 4)]
    assert [len(outline.holes) for outline in kept] == [1, 0]


def test_an_empty_map_has_no_outline():
    assert trace_outlines([np.zeros((3, 4), np.uint8)]) == [] and trace_outlines([]) == []


# --- GeoJSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 8.0, 13.6, 7.03])
def test_geojson_read_back_and_drawn_is_the_map(tmp_path, scale):
    rng = np.random.default_rng(1)
    wanted = np.kron(rng.integers(0, 4, (6, 7)), np.ones((3, 3))).astype(np.uint8)
    wanted[rng.random(wanted.shape) < 0.1] = 0
    size_px = [int(side * scale) for side in wanted.shape[::-1]]
    channels = np.where(wanted > 0, wanted + 1, 0).astype(np.uint8)  # 1 is background's
    outlines = trace_outlines([channels])
    text = outlines_to_geojson(outlines, REGION_CLASSES, scale, size_px, mpp_um=0.25)
    path = tmp_path / "regions.geojson"
    path.write_text(text, encoding="utf-8")
    regions = read_geojson(path)
    assert len(regions) == len(outlines)
    np.testing.assert_array_equal(draw_regions(regions, wanted.shape, scale), wanted)


def test_features_are_those_that_qupath_writes():
    outlines = trace_outlines([classes("0000 0330 0000")])
    content = json.loads(outlines_to_geojson(outlines, REGION_CLASSES, 10.0, (35, 30), 0.5))
    assert content["type"] == "FeatureCollection"
    (feature,) = content["features"]
    assert feature["type"] == "Feature" and uuid.UUID(feature["id"])
    ring = [[10, 10], [30, 10], [30, 20], [10, 20], [10, 10]]
    assert feature["geometry"] == {"type": "Polygon", "coordinates": [ring]}
    assert feature["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "in_situ", "color": [230, 159, 0]},
        "isLocked": False,
        "measurements": {"Area um2": 50.0},
    }


def test_nothing_reaches_beyond_the_slide():
    outlines = trace_outlines([classes("22 22")])
    content = json.loads(outlines_to_geojson(outlines, REGION_CLASSES, 10.0, (17, 12), 0.5))
    ring = content["features"][0]["geometry"]["coordinates"][0]
    assert ring == [[0, 0], [17, 0], [17, 12], [0, 12], [0, 0]]


# --- colours and classes --------------------------------------------------------------------------


def test_the_class_is_the_most_probable_and_background_is_none():
    probabilities = np.array([[[200, 55], [55, 200], [0, 0], [127, 128]]], np.uint8)
    assert label_map(probabilities, ("background", "benign")).tolist() == [[0, 2, 0, 2]]
    lesion = np.array([[[127], [128], [0]]], np.uint8)
    assert label_map(lesion, ("lesion",)).tolist() == [[0, 1, 0]]


def test_colours_mix_by_probability_from_white_and_grey_is_unknown():
    names = ("background", "benign", "in_situ")
    probabilities = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [153, 102, 0], [0, 0, 0]]])
    colors = color_map(probabilities.astype(np.uint8), names)[0].tolist()
    assert colors[:3] == [[255, 255, 255], [0, 114, 178], [230, 159, 0]]
    assert colors[3] == [153, round(255 - 0.4 * 141), round(255 - 0.4 * 77)]
    assert colors[4] == [232, 232, 232]
    assert class_colors(names)[1:] == [(0, 114, 178), (230, 159, 0)]


# --- blending -------------------------------------------------------------------------------------


def blended(tiles, plan):
    """The whole map, put together from its bands."""
    result = np.zeros(plan.shape, np.uint8)
    for row, rows in blend_tiles(tiles, plan):
        assert not result[row : row + len(rows)].any()
        result[row : row + len(rows)] = rows
    return result


def test_windows_half_a_side_apart_sum_to_one():
    window = blend_window(8)
    total = np.zeros((28, 28))
    for row in range(0, 24, 4):
        for column in range(0, 24, 4):
            total[row : row + 8, column : column + 8] += window
    np.testing.assert_allclose(total[4:-4, 4:-4], 1, atol=1e-6)
    assert window.min() > 0


def test_overlapping_tiles_are_averaged_by_their_weights():
    corners = np.array([[0, 0], [5, 0], [0, 3], [5, 3], [9, 12]])
    plan = plan_map(corners, (17, 20), 8, 1.0, 1, 2)
    assert plan.shape == (20, 17, 2) and plan.places.tolist() == corners[:, ::-1].tolist()
    rng = np.random.default_rng(2)
    scores = rng.random((5, 8, 8, 2)).astype(np.float32)
    sums, weights = np.zeros((20, 17, 2)), np.zeros((20, 17, 1))
    line = np.sin((np.arange(8) + 0.5) * np.pi / 8) ** 2
    for (x, y), score in zip(corners, scores, strict=True):
        sums[y : y + 8, x : x + 8] += np.outer(line, line)[..., None] * score
        weights[y : y + 8, x : x + 8] += np.outer(line, line)[..., None]
    expected = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0) * 255
    found = blended(zip(plan.places, scores, strict=True), plan)
    assert np.abs(found - expected).max() <= 0.5 + 1e-3
    np.testing.assert_array_equal(found.any(axis=-1), weights[..., 0] > 0)


def test_what_was_looked_at_is_never_nought_throughout():
    plan = plan_map(np.array([[0, 0]]), (8, 6), 4, 1.0, 1, 1)
    found = blended([(plan.places[0], np.zeros((4, 4, 1), np.float32))], plan)
    assert found[:4, :4].min() == found.max() == 1 and found.sum() == 16


def test_tiles_lie_on_whole_map_pixels_without_a_gap():
    rng = np.random.default_rng(3)
    for _ in range(60):
        size_px = tuple(int(side) for side in rng.integers(1, 90, 2))
        downsample, tile_px = float(rng.uniform(0.5, 4)), int(rng.integers(1, 5)) * 4
        overlap = float(rng.choice([0, 0.3, 0.5]))
        corners = grid_corners(size_px, tile_px, downsample, overlap)
        plan = plan_map(corners, size_px, tile_px, downsample, 4, 1)
        seen = np.zeros(plan.shape[:2], bool)
        for row, column in plan.places:
            seen[row : row + plan.side, column : column + plan.side] = True
        assert seen.all()
        width, height = np.array(size_px) / plan.scale  # the map ends within a pixel of the slide
        assert height - 1 / plan.scale <= plan.shape[0] < height + 1
        assert width - 1 / plan.scale <= plan.shape[1] < width + 1
        moved = plan.places[:, ::-1][None] * plan.scale - corners[:, None]  # (corners, places, 2)
        assert (np.abs(moved).max(axis=-1).min(axis=1) < plan.scale).all()


@pytest.mark.parametrize(
    ("corners", "tile_px", "message"),
    [
        ([[0, 0, 0]], 8, r"corners has shape \(1, 3\); needed are x and y"),
        (np.zeros((0, 2)), 8, r"corners has shape \(0, 2\)"),
        ([[0, 0], [0, 50]], 8, r"1 of 2 corners are not on the slide of 60 x 50 .* \[0, 50\]"),
        ([[0, 0]], 10, "tile_px is 10 and map_downsample 4; a tile must hold a whole number"),
    ],
)
def test_corners_and_sizes_that_do_not_fit_are_refused(corners, tile_px, message):
    with pytest.raises(ValueError, match=message):
        plan_map(corners, (60, 50), tile_px, 1.0, 4, 1)
