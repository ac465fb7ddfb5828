"""The head, spine and trunk of the body part phantoms: what is promised is drawn, and only once."""

from dataclasses import replace

import numpy as np
import pytest

from radiokit.phantoms import bowel
from radiokit.phantoms.bodypart_views import PROJECTIONS, draw_build
from radiokit.phantoms.bones import SOFT
from radiokit.phantoms.head_views import HEAD_VIEWS
from radiokit.phantoms.projection import Film
from radiokit.phantoms.spine_views import SPINE_VIEWS
from radiokit.phantoms.torso_front import lung_air, project_trunk
from radiokit.phantoms.torso_shapes import around, curve, facing, pillow, pose, stroke, wall
from radiokit.phantoms.trunk_views import TRUNK_VIEWS
from radiokit.phantoms.vertebrae import LEVELS, LUMBAR, lay_spine, side_turns

VIEWS = HEAD_VIEWS + SPINE_VIEWS + TRUNK_VIEWS
LABELS = {
    *("Cavum", "Sinus", "Skull", "Cervical Spine", "Thoracic Spine", "Lumbar Spine"),
    *("Sacroiliac", "Pelvis", "Hip", "Chest", "Abdomen", "Others"),
}
NAMES = [f"{'+'.join(v.labels)}-{v.projection}-{number}" for number, v in enumerate(VIEWS)]


def film_of(view, pixels: int = 96) -> Film:
    height, width = view.size_cm
    pixel_cm = max(height, width) / pixels
    shape = (round(height / pixel_cm), round(width / pixel_cm))
    return Film(shape, pixel_cm, -width / 2, -height / 2)


def drawn(view, seed: int, pixels: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return view.draw(film_of(view, pixels), draw_build(rng), rng)


# -- views ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_view_is_finite_nowhere_negative_and_nowhere_empty(view):
    for seed in range(2):
        attenuation = drawn(view, seed)
        assert attenuation.shape == film_of(view).shape
        assert attenuation.dtype == np.float32
        assert np.isfinite(attenuation).all()
        assert attenuation.min() >= 0
        assert (attenuation > 0.05).mean() > 0.1
        assert attenuation.std() > 0.1


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_view_is_the_same_for_a_seed_and_another_for_another_person(view):
    first, again, other = (drawn(view, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


@pytest.mark.parametrize("pixels", [24, 161])
def test_any_number_of_pixels_will_do(pixels):
    for view in VIEWS:
        assert drawn(view, 4, pixels).max() > 0.3


def test_labels_and_projections_are_those_of_the_study():
    for view in VIEWS:
        assert set(view.labels) <= LABELS
        assert len(set(view.labels)) == len(view.labels)
        assert view.projection in PROJECTIONS


def test_every_label_of_head_spine_and_trunk_has_its_projections():
    views = {(label, view.projection) for view in VIEWS for label in view.labels}
    both = ("Skull", "Cervical Spine", "Thoracic Spine", "Lumbar Spine", "Chest")
    assert views >= {(label, side) for label in both for side in ("Frontal", "Lateral")}
    assert views >= {("Sinus", "Frontal"), ("Cavum", "Lateral"), ("Sacroiliac", "Oblique")}
    assert views >= {(label, "Frontal") for label in ("Abdomen", "Pelvis", "Hip", "Others")}
    assert {label for label, _ in views} == LABELS


def test_some_images_carry_two_labels_and_pelvis_comes_alone_as_well():
    sets = {view.labels for view in VIEWS}
    assert ("Pelvis", "Hip") in sets
    assert ("Pelvis",) in sets
    assert ("Chest", "Abdomen") in sets
    assert ("Thoracic Spine", "Lumbar Spine") in sets


def test_others_never_comes_with_a_body_part():
    assert {view.labels for view in VIEWS if "Others" in view.labels} == {("Others",)}


# -- anatomy -------------------------------------------------------------------------------------


def test_vertebrae_stand_on_one_another_with_a_disc_between():
    spine = lay_spine("L1", "L5", "L3", (1.0, 2.0), np.zeros(len(LEVELS)))
    assert [one.name for one in spine] == list(LUMBAR)
    assert spine[2].centre == (1.0, 2.0)
    gaps = [
        low.centre[1] - low.half_height - high.centre[1] - high.half_height
        for high, low in zip(spine, spine[1:], strict=False)
    ]
    assert all(0.7 < gap < 1.2 for gap in gaps)  # lumbar discs are about 1 cm high


def test_vertebrae_grow_downwards_to_the_last_lumbar_one():
    spine = lay_spine("C3", "L5", "L3", (0, 0), np.zeros(len(LEVELS)))
    assert np.all(np.diff([one.half_height for one in spine]) > 0)
    by_name = {one.name: one.half_width for one in spine}
    assert by_name["C3"] < by_name["T6"] < by_name["L1"] < by_name["L5"]


def test_neck_and_loins_bend_forwards_and_the_chest_backwards():
    rng = np.random.default_rng(0)
    build = replace(draw_build(rng), wobble=np.zeros(8))
    at = {
        one.name: one.centre for one in lay_spine("C1", "S5", "L3", (0, 0), side_turns(build, rng))
    }

    def behind_the_chord(middle, top, bottom):
        (x, y), (x0, y0), (x1, y1) = at[middle], at[top], at[bottom]
        return x - (x0 + (x1 - x0) * (y - y0) / (y1 - y0))  # lateral views face left

    assert behind_the_chord("C4", "C1", "C7") < 0
    assert behind_the_chord("T7", "T1", "T12") > 0
    assert behind_the_chord("L3", "L1", "S1") < 0


def test_the_heart_takes_more_air_from_the_patients_left_lung():
    film = Film((120, 120), 0.3, -18.0, -43.0)
    build = replace(draw_build(np.random.default_rng(1)), wobble=np.zeros(8))
    air = lung_air(film, build, np.random.default_rng(2), 1.0)
    low = air[55:90]  # beside the heart
    assert low[:, :60].sum() > 1.1 * low[:, 60:].sum()


def test_gas_in_the_bowel_makes_the_film_darker_by_what_it_displaces():
    film = Film((60, 50), 0.7, -17.5, -15.0)
    build = draw_build(np.random.default_rng(1))
    gas = np.zeros(film.shape, np.float32)
    gas[20:30, 20:30] = 2.0
    full = project_trunk(film, build, np.random.default_rng(3), 0)
    empty = project_trunk(film, build, np.random.default_rng(3), gas)
    np.testing.assert_allclose(full - empty, SOFT * gas, atol=1e-5)


def test_fluid_levels_are_flat_below_and_round_above():
    film = Film((300, 300), 0.1, -15.0, -12.0)
    gas = bowel.fluid_levels(film, np.random.default_rng(5), 1) > 0.3
    rows = np.flatnonzero(gas.any(axis=1))
    widths = gas[rows].sum(axis=1)
    assert widths[-2] > 0.8 * widths.max()
    assert widths[0] < 0.6 * widths.max()


def test_barium_is_brighter_than_every_bone():
    enema = next(view for view in VIEWS if view.draw.__name__ == "_draw_barium_enema")
    plain = next(view for view in VIEWS if view.draw.__name__ == "_draw_abdomen_supine")
    for seed in range(3):
        assert drawn(enema, seed).max() > drawn(plain, seed).max()


# -- outlines ------------------------------------------------------------------------------------


def circle(radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def chord(film: Film, radius: float) -> np.ndarray:
    x, y = film.grid_cm()
    return 2 * np.sqrt(np.clip(radius**2 - x**2 - y**2, 0, None))


def test_a_round_pillow_is_a_ball():
    film = Film((200, 200), 0.05, -5.0, -5.0)
    ball = pillow(film, circle(4.0), 8.0, 4.0)
    assert np.abs(ball - chord(film, 4.0)).mean() < 0.1
    assert ball.max() == pytest.approx(8.0, abs=0.05)
    assert ball[0, 0] == 0


def test_the_wall_of_a_ball_is_what_a_smaller_ball_leaves():
    film = Film((200, 200), 0.05, -5.0, -5.0)
    shell = wall(film, circle(4.0), 8.0, 4.0, 0.5)
    assert np.abs(shell - (chord(film, 4.0) - chord(film, 3.5))).mean() < 0.15
    assert shell[100, 100] == pytest.approx(1.0, abs=0.05)


def test_an_outline_larger_than_the_film_is_full_thickness_and_one_beside_it_nothing():
    film = Film((20, 30), 0.1, -1.5, -1.0)
    assert np.all(pillow(film, circle(50.0), 7.0, 2.0) == 7.0)
    assert not pillow(film, circle(1.0) + 20, 7.0, 2.0).any()


def test_a_curve_goes_through_its_corners():
    corners = np.array([(0.0, 0.0), (3.0, 1.0), (4.0, 5.0), (0.0, 6.0)])
    for closed in (False, True):
        line = curve(corners, closed, count=2000)
        away = np.linalg.norm(line[None] - corners[:, None], axis=2).min(axis=1)
        assert away.max() < 0.02
    ring = curve(corners, closed=True)
    np.testing.assert_allclose(ring[0], ring[-1], atol=1e-9)


def test_a_stroke_covers_its_length_times_its_width():
    film = Film((200, 200), 0.05, -5.0, -5.0)
    for width in (0.02, 0.5):  # thinner than a pixel, and ten pixels
        area = stroke(film, [(-4, 0), (0, 0), (4, 0)], width, smooth=False).sum() * 0.05**2
        assert area == pytest.approx(8 * width, rel=0.5)  # OpenCV's soft edges add a little


def test_the_window_around_a_point_turns_with_the_part():
    film = Film((100, 100), 0.1, -5.0, -5.0)
    window, along, across = around(film, (1.0, 2.0), 1.0, 90)
    x, y = (np.broadcast_to(axis, film.shape)[window] for axis in film.grid_cm())
    np.testing.assert_allclose(along, y - 2.0, atol=1e-5)
    np.testing.assert_allclose(across, 1.0 - x, atol=1e-5)


def test_a_point_off_the_film_has_an_empty_window():
    film = Film((100, 100), 0.1, -5.0, -5.0)
    window, along, _ = around(film, (30.0, 0.0), 1.0)
    assert along.size == 0
    assert np.zeros(film.shape)[window].size == 0


def test_a_larger_person_fills_more_of_the_film():
    film = Film((100, 80), 0.1, -4.0, -5.0)
    small, large = (
        pose(film, replace(draw_build(np.random.default_rng(0)), scale=s), np.random.default_rng(1))
        for s in (0.8, 1.2)
    )
    assert large.pixel_cm == pytest.approx(small.pixel_cm * 0.8 / 1.2)


def test_one_lateral_film_in_four_faces_right():
    picture = np.arange(6.0).reshape(2, 3)
    rng = np.random.default_rng(0)
    left = sum(facing(picture, rng)[0, 0] == 0 for _ in range(1000))
    assert 700 < left < 800  # binomial, deviation 14
