"""Parts of the breast slide: stains by scikit-image, sizes of nuclei, points, outlines, sheets."""

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import pdist
from skimage.color import separate_stains
from skimage.measure import label, regionprops

from radiokit.phantoms.breast_canvas import Canvas, add_cells, seen_nuclei, stamp_cells, stroke
from radiokit.phantoms.breast_shapes import along, pack, scatter, star, thin_out, wobbly_radii
from radiokit.phantoms.breast_sheet import Look, add_epithelium, add_lumen, new_sheet, paint_sheet
from radiokit.phantoms.breast_textures import SIDE, collagen_tile, fat_tile, grain_tile
from radiokit.phantoms.nuclei import KINDS, draw_nucleus
from radiokit.phantoms.staining import UNIT, draw_stain, stain_pixels

# -- stain -----------------------------------------------------------------------------------------


def stained_ramp(stain):
    """Known amounts of both stains, in patches of 40 pixels, and their colours."""
    steps = np.arange(0, 121, 20, dtype=np.uint8)
    amounts = np.stack(np.meshgrid(steps, steps), axis=-1)
    amounts = amounts.repeat(40, axis=0).repeat(40, axis=1)
    return amounts, stain_pixels(amounts, stain)


def in_patches(values):
    """Means of the middle of each patch."""
    inner = values.reshape(7, 40, 7, 40, -1)[:, 8:32, :, 8:32]
    return inner.astype(float).mean(axis=(1, 3))


@pytest.mark.parametrize("seed", range(4))
def test_plain_colour_deconvolution_gives_the_amounts_back(seed):
    stain = draw_stain(np.random.default_rng(seed))
    amounts, pixels = stained_ramp(stain)
    light = in_patches(pixels) / np.array(stain.white_rgb)
    third = np.cross(*stain.vectors)
    matrix = np.vstack([stain.vectors, third / np.linalg.norm(third)])
    found = separate_stains(np.clip(light, 1e-6, 1), np.linalg.inv(matrix))
    found = found[..., :2] * -np.log(1e-6) / np.log(10)  # scikit-image divides by its smallest
    wanted = in_patches(amounts) / UNIT * stain.strengths
    assert abs(found - wanted).max() < 0.03


@pytest.mark.parametrize("stain_index", [0, 1])
def test_a_pure_stain_has_its_own_direction(stain_index):
    stain = draw_stain(np.random.default_rng(5))
    amounts = np.zeros((80, 80, 2), np.uint8)
    amounts[..., stain_index] = 110
    light = stain_pixels(amounts, stain)[10:-10, 10:-10].mean(axis=(0, 1))
    density = -np.log10(light / stain.white_rgb)
    cosine = density @ stain.vectors[stain_index] / np.linalg.norm(density)
    assert np.degrees(np.arccos(min(1, cosine))) < 1.5


def test_drawn_stains_look_like_haematoxylin_and_eosin():
    for seed in range(50):
        stain = draw_stain(np.random.default_rng(seed))
        blue, pink = stain.vectors
        assert np.linalg.norm(stain.vectors, axis=1) == pytest.approx(1)
        assert blue[0] > 2 * pink[0]  # haematoxylin takes away red, eosin leaves it
        assert pink.argmax() == 1
        assert 225 < min(stain.white_rgb) <= max(stain.white_rgb) < 254


# -- nuclei ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "low_um", "high_um"),
    [("luminal", 5.8, 8.2), ("lymphocyte", 4.8, 6.9), ("in_situ", 7, 11), ("invasive", 7.5, 13)],
)
def test_nuclei_are_as_large_as_those_of_their_kind(kind, low_um, high_um):
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        cover, amount = draw_nucleus(rng, KINDS[kind], 0.25)
        (region,) = regionprops(label(cover > 0.5))
        found.append(region.equivalent_diameter_area * 0.25)
        assert amount[cover > 0.5].min() > 30
    assert low_um < np.mean(found) < high_um


def test_invasive_nuclei_are_larger_and_vary_more_than_normal_ones():
    rng = np.random.default_rng(1)
    areas = {
        kind: np.array([(draw_nucleus(rng, KINDS[kind], 0.25)[0] > 0.5).sum() for _ in range(80)])
        for kind in ("luminal", "in_situ", "invasive")
    }
    assert areas["invasive"].mean() > 1.2 * areas["in_situ"].mean() > 1.2 * areas["luminal"].mean()
    assert (
        areas["invasive"].std() / areas["invasive"].mean()
        > areas["luminal"].std() / areas["luminal"].mean()
    )


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2, 2.6])
def test_a_nucleus_is_stamped_where_and_how_it_was_asked_for(angle):
    canvas = Canvas(np.zeros((200, 240, 2), np.uint8), 0.25)
    add_cells(canvas, "fibroblast", [(25.0, 30.0)], [angle])
    stamp_cells(canvas)
    (region,) = regionprops(label(canvas.amounts[..., 0] > 50))
    assert np.hypot(*(np.array(region.centroid) - (120, 100))) < 4
    direction = np.arctan2(np.cos(region.orientation), np.sin(region.orientation))
    off = (direction - angle + np.pi / 2) % np.pi - np.pi / 2
    assert abs(off) < np.pi / 16
    assert seen_nuclei(canvas).tolist() == [[100.0, 120.0, list(KINDS).index("fibroblast")]]


def test_nuclei_that_are_painted_over_are_not_reported():
    canvas = Canvas(np.zeros((200, 200, 2), np.uint8), 0.25)
    add_cells(canvas, "lymphocyte", [(12.0, 12.0), (37.0, 37.0), (500.0, 20.0)], [0, 0, 0])
    stamp_cells(canvas)
    canvas.amounts[:100, :100] = 0
    assert seen_nuclei(canvas)[:, :2].tolist() == [[148.0, 148.0]]


# -- points and outlines ---------------------------------------------------------------------------


def test_points_along_a_circle_are_evenly_apart_and_know_its_direction():
    circle = star((50, 60), np.full(400, 20.0))
    points, angles = along(np.random.default_rng(0), circle, 5.0, 0.0)
    assert len(points) == round(2 * np.pi * 20 / 5)
    assert np.hypot(*(points - (50, 60)).T) == pytest.approx(20, abs=0.05)
    turn = np.arctan2(points[:, 1] - 60, points[:, 0] - 50)
    assert np.cos(angles - turn - np.pi / 2) == pytest.approx(1, abs=1e-3)


def test_packed_circles_keep_their_distance_from_one_another_and_from_the_wall():
    room = np.zeros((120, 160), np.uint8)
    room[10:110, 10:150] = 1
    depth = cv2.distanceTransform(room, cv2.DIST_L2, 5) * 2.0
    radii = np.full(60, 12.0)
    centres, kept = pack(np.random.default_rng(0), depth, 2.0, radii, 4.0)
    assert len(kept) > 20
    assert pdist(centres).min() > 2 * 12 + 4 - 0.1
    assert centres.min() > 20 + 12 - 4 and (centres < (300 - 12 + 4, 220 - 12 + 4)).all()


def test_a_room_without_place_stays_empty():
    centres, kept = pack(np.random.default_rng(0), np.zeros((20, 20)), 2.0, [5.0], 1.0)
    assert centres.shape == (0, 2) and kept.shape == (0,)


def test_thinned_points_lie_apart_and_leave_no_room_for_another():
    rng = np.random.default_rng(0)
    points = scatter(rng, (0, 0), (100, 100), 3.0)
    kept = thin_out(rng, points, np.zeros(len(points)), 9.0)
    assert pdist(kept).min() > 9
    assert np.linalg.norm(points[:, None] - kept[None], axis=2).min(axis=1).max() <= 9
    assert len(thin_out(rng, np.zeros((0, 2)), np.zeros(0), 9.0)) == 0


def test_a_wobbly_outline_is_about_a_unit_circle_of_the_length_asked_for():
    rng = np.random.default_rng(0)
    assert wobbly_radii(rng, 90, 0.0) == pytest.approx(np.ones(90))
    long = wobbly_radii(rng, 720, 0.0, 2.25)
    assert (long.max(), long.min()) == pytest.approx((1.5, 1 / 1.5), rel=1e-3)


# -- canvas and tiles ------------------------------------------------------------------------------


def test_a_sheet_covers_what_it_is_drawn_on_and_its_lumen_is_empty():
    canvas = Canvas(np.full((400, 400, 2), 70, np.uint8), 0.25)
    sheet = new_sheet(canvas, (10, 10), (90, 90))
    add_epithelium(canvas, sheet, star((50, 50), np.full(90, 30.0)))
    add_lumen(canvas, sheet, star((50, 50), np.full(90, 10.0)))
    paint_sheet(canvas, np.random.default_rng(0), sheet, Look(30, 40, 0.0, 0.0))
    y, x = (np.mgrid[:400, :400] + 0.5) * 0.25
    far = np.hypot(x - 50, y - 50)
    assert abs(canvas.amounts[far < 8.5].astype(int)).max() <= 1
    assert abs(canvas.amounts[(far > 11.5) & (far < 28.5)] - np.array([30.0, 40.0])).max() <= 1
    assert (canvas.amounts[far > 31.5] == 70).all()


def test_a_stroke_is_as_wide_as_asked_for():
    canvas = Canvas(np.zeros((200, 200, 2), np.uint8), 0.25)
    stroke(canvas, [(10, 25), (40, 25), (40, 25.01), (10, 25.01)], 3.0, 0, 100)
    assert (canvas.amounts[:, 100, 1] > 50).sum() * 0.25 == pytest.approx(3.0, abs=0.6)


@pytest.mark.parametrize("draw", [collagen_tile, fat_tile, grain_tile])
def test_tiles_repeat_without_a_seam(draw):
    tile = draw(0.25).astype(float)
    assert tile.shape[:2] == (SIDE, SIDE)
    for axis in (0, 1):
        inside = np.abs(np.diff(tile, axis=axis)).mean()
        ends = np.take(tile, 0, axis), np.take(tile, -1, axis)
        assert np.abs(ends[0] - ends[1]).mean() < 2 * inside
