"""Views of arms and legs: known labels, sound attenuation, anatomy that can be told apart."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from radiokit.phantoms.arm_views import ARM_VIEWS
from radiokit.phantoms.bodypart_views import PROJECTIONS, draw_build
from radiokit.phantoms.bones import CORTEX, MARROW, long_bone
from radiokit.phantoms.hand_bones import CARPALS, LENGTHS_CM, ray
from radiokit.phantoms.injuries import broken, plaster, plate_with_screws
from radiokit.phantoms.leg_views import LEG_VIEWS
from radiokit.phantoms.limbs import Pose, draw_pose, half_film, moved, posed, turned
from radiokit.phantoms.outlines import rod_outline, smooth_outline, solid_bone, solid_thickness_cm
from radiokit.phantoms.projection import Film
from radiokit.phantoms.rays import JOINT_GAP_CM

ARM_LABELS = ("Clavicles", "Shoulder", "Arm", "Elbow", "Forearm", "Wrist", "Hand", "Finger")
LEG_LABELS = ("Hip", "Thigh", "Knee", "Lower Leg", "Ankle", "Feet")
VIEWS = (*ARM_VIEWS, *LEG_VIEWS)
NAMES = [
    f"{number}_{'+'.join(v.labels)}_{v.projection}".replace(" ", "_")
    for number, v in enumerate(VIEWS)
]


def film_of(view, pixels=128):
    height, width = view.size_cm
    pixel_cm = max(height, width) / pixels
    shape = round(height / pixel_cm), round(width / pixel_cm)
    return Film(shape, pixel_cm, -width / 2, -height / 2)


def drawn(view, seed):
    rng = np.random.default_rng(seed)
    build = draw_build(rng)
    return view.draw(film_of(view), build, rng)


def square_film(pixels=200, size_cm=10.0):
    return Film((pixels, pixels), size_cm / pixels, -size_cm / 2, -size_cm / 2)


# -- views -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("views", "labels"), [(ARM_VIEWS, ARM_LABELS), (LEG_VIEWS, LEG_LABELS)])
def test_every_promised_label_has_at_least_two_views_and_no_other_label_is_used(views, labels):
    counts = {label: sum(label in view.labels for view in views) for label in labels}
    assert min(counts.values()) >= 2, counts
    assert {label for view in views for label in view.labels} == set(labels)
    assert {view.labels[0] for view in views} <= set(labels)


def test_views_carry_known_projections_and_labels_without_repetition():
    for view in VIEWS:
        assert view.projection in PROJECTIONS
        assert len(set(view.labels)) == len(view.labels) >= 1


@pytest.mark.parametrize(
    "pair",
    [
        ("Hand", "Wrist"),
        ("Forearm", "Wrist"),
        ("Elbow", "Forearm"),
        ("Clavicles", "Shoulder"),
        ("Arm", "Shoulder"),
        ("Knee", "Lower Leg"),
        ("Ankle", "Lower Leg"),
        ("Ankle", "Feet"),
    ],
)
def test_parts_that_share_a_film_share_a_view(pair):
    assert any(set(pair) == set(view.labels) for view in VIEWS)


def test_views_of_both_sides_have_no_side():
    both = [view for view in VIEWS if not view.has_side]
    assert {view.labels[0] for view in both} == {"Clavicles", "Knee", "Feet"}


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_attenuation_is_finite_and_never_negative_and_shows_a_body(view):
    for seed in range(2):
        attenuation = drawn(view, [1, seed])
        assert attenuation.dtype == np.float32
        assert attenuation.shape == film_of(view).shape
        assert np.isfinite(attenuation).all()
        assert attenuation.min() >= 0
        assert 0.1 < (attenuation > 0.05).mean()


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_the_same_numbers_draw_the_same_film_and_others_another(view):
    first, again, other = (drawn(view, [2, seed]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


@pytest.mark.parametrize("width", [127, 128])
def test_films_of_both_sides_have_the_width_asked_for(width):
    for view in VIEWS:
        if not view.has_side:
            rng = np.random.default_rng(3)
            film = replace(film_of(view), shape=(90, width))
            assert view.draw(film, draw_build(rng), rng).shape == (90, width)


def test_half_a_film_has_its_middle_at_zero():
    half = half_film(Film((10, 21), 0.5, -5.25, -2.5))
    assert half.shape == (10, 11)
    x, _ = half.grid_cm()
    np.testing.assert_allclose(x.mean(), 0, atol=1e-6)


# -- anatomy ---------------------------------------------------------------------------------------


def test_a_hand_has_eight_carpals_and_nineteen_bones_in_five_rays():
    rays = [ray(number) for number in range(1, 6)]
    assert len(CARPALS) == 8
    assert [len(bones) for bones, _ in rays] == [3, 4, 4, 4, 4]
    for (_, joints), lengths in zip(rays, LENGTHS_CM, strict=True):
        steps = np.linalg.norm(np.diff(joints, axis=0), axis=1)
        np.testing.assert_allclose(steps, np.array(lengths) + JOINT_GAP_CM)


def test_the_right_thumb_is_on_the_left_and_the_middle_finger_reaches_furthest():
    tips = np.array([ray(number)[1][-1] for number in range(1, 6)])
    assert tips[:, 0].argmin() == 0
    assert tips[:, 1].argmin() == 2
    assert (np.diff(tips[:, 0]) > 0).all()


def test_the_bones_of_the_index_do_not_touch_when_it_is_straight():
    bones, joints = ray(2)
    for (bone, after), joint in zip(itertools.pairwise(bones), joints[1:-1], strict=True):
        film = replace(square_film(400, 8), left_cm=joint[0] - 4, top_cm=joint[1] - 4)
        shadows = [solid_bone(film, each.corners_cm, 0.5) > 0 for each in (bone, after)]
        assert all(shadow.any() for shadow in shadows)
        assert not np.logical_and(*shadows).any()


# -- places ----------------------------------------------------------------------------------------


def test_moving_and_turning_bones_keeps_their_size():
    bones, _ = ray(3)
    there = moved(bones, (2, 3), 37, (1, 1))
    for before, after in zip(bones, there, strict=True):
        sides = [np.linalg.norm(np.diff(b.corners_cm, axis=0), axis=1) for b in (before, after)]
        np.testing.assert_allclose(*sides)


def test_a_quarter_turn_is_clockwise_on_the_film():
    np.testing.assert_allclose(turned([(0, -1)], 90), [(1, 0)], atol=1e-12)


def test_a_pose_without_wobble_only_scales_turns_and_shifts():
    pose = Pose(2.0, 90.0, (1.0, -1.0), np.zeros(8))
    np.testing.assert_allclose(posed([(1, 0), (0, 1)], pose), [(1, 1), (-1, -1)], atol=1e-12)


def test_the_middle_of_a_pose_lies_near_the_middle_of_the_film():
    build = replace(draw_build(np.random.default_rng(0)), wobble=np.zeros(8))
    for seed in range(20):
        pose = draw_pose(build, np.random.default_rng(seed), 10, 0.5, (3.0, -7.0), 40)
        assert np.abs(posed([(3.0, -7.0)], pose)).max() <= 1.0 + 1e-9


# -- bones -----------------------------------------------------------------------------------------


def test_a_solid_rod_is_as_thick_as_its_chord_to_half_a_pixel():
    film = square_film()
    x, y = film.grid_cm()
    thickness = solid_thickness_cm(film, rod_outline([(0, -20), (0, 0), (0, 20)], 2.0), 4.0)
    expected = 2 * np.sqrt(np.clip(4 - x**2, 0, None)) * np.ones_like(y)
    np.testing.assert_allclose(thickness[90:110, 65:135], expected[90:110, 65:135], atol=0.15)
    assert thickness[90:110, np.abs(x[0]) > 2.1].max() == 0


def test_a_solid_is_no_thicker_than_its_depth_and_nothing_outside_its_outline():
    film = square_film()
    x, y = film.grid_cm()
    corners = [(-3, -3), (3, -3), (3, 3), (-3, 3)]
    thickness = solid_thickness_cm(film, corners, 1.5)
    assert thickness.max() == pytest.approx(1.5, abs=1e-3)
    assert thickness[np.hypot(x, y) > 3 * np.sqrt(2) + 0.1].max() == 0  # the circle around it
    assert solid_thickness_cm(film, np.add(corners, 100), 1.5).max() == 0


def test_a_solid_bone_has_the_attenuation_of_cortex_and_marrow():
    film = square_film()
    corners = [(-4, -4), (4, -4), (4, 4), (-4, 4)]
    middle = solid_bone(film, corners, 2.0, 0.2)[100, 100]
    assert middle == pytest.approx(CORTEX * 0.4 + MARROW * 1.6, rel=0.01)
    half = solid_bone(film, corners, 2.0, 0.2, density=0.5)[100, 100]
    assert half == pytest.approx(middle / 2)


@pytest.mark.parametrize("long", [True, False])
def test_the_cortex_is_thick_in_the_shaft_and_thin_at_the_ends(long):
    film = square_film()
    points, radii = [(0, -4), (0, -2.5), (0, 0), (0, 2.5), (0, 4)], [0.9, 0.7, 0.5, 0.7, 0.9]
    if long:
        shadow = long_bone(film, points, radii)
    else:
        shadow = solid_bone(film, rod_outline(points, radii), 1.8, 0.18, 1.0)
    row = {name: shadow[int((y + 5) / 10 * 200)] for name, y in (("shaft", 0), ("end", 3.8))}
    rim = {name: values.max() / values[100] for name, values in row.items()}
    assert rim["shaft"] > 1.1
    assert rim["end"] < rim["shaft"]


def test_a_smooth_outline_goes_through_its_corners():
    corners = [(0, 0), (3, 0), (3, 1), (0, 1)]
    np.testing.assert_allclose(smooth_outline(corners, 5)[::5], corners)


# -- injuries --------------------------------------------------------------------------------------


def test_a_fracture_leaves_the_near_part_where_it_is_and_moves_the_far_one():
    film = square_film()
    whole = solid_bone(film, rod_outline([(0, -9), (0, 0), (0, 9)], 1.0), 2.0, 0.3)
    for seed in range(5):
        hurt = broken(film, whole, (0.0, 0.0), 90, np.random.default_rng(seed))
        np.testing.assert_array_equal(hurt[:30], whole[:30])
        assert np.abs(hurt[120:180] - whole[120:180]).max() > 0.05


def test_a_plate_has_its_screws_on_the_left_hand_of_its_way():
    metal = plate_with_screws(square_film(), (0.0, -3.0), (0.0, 3.0), 2.0)
    assert metal[:, 120:135].max() > 0
    assert metal[:, :90].max() == 0


def test_plaster_lies_outside_the_limb_and_is_brightest_along_its_edge():
    film = square_film()
    x, _ = film.grid_cm()
    body = solid_thickness_cm(film, rod_outline([(0, -20), (0, 0), (0, 20)], 2.0), 4.0)
    cast = plaster(film, body, np.random.default_rng(0))
    assert cast.min() >= 0
    assert cast[:, np.abs(x[0]) > 2.8].max() == 0
    assert cast[:, (np.abs(x[0]) > 2.05) & (np.abs(x[0]) < 2.4)].min() > 0
    assert cast[100, 100] < cast[100].max()
