"""The spine on body part phantoms: neck, chest and loins from the front and the side, the joints
of the sacrum obliquely, and long films of several parts."""

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import AIR, METAL, SOFT, long_bone
from radiokit.phantoms.bowel import colon_gas
from radiokit.phantoms.head_side import project_head_side, teeth
from radiokit.phantoms.pelvis_bones import project_pelvis
from radiokit.phantoms.projection import Film, blob, smooth_noise
from radiokit.phantoms.torso_front import project_trunk
from radiokit.phantoms.torso_shapes import (
    MIRROR,
    around,
    both_sides,
    develop,
    facing,
    moved,
    pillow,
    pose,
    stroke,
    strokes,
)
from radiokit.phantoms.torso_side import lay_side, project_trunk_side
from radiokit.phantoms.vertebrae import (
    front_turns,
    lay_spine,
    project_front,
    project_side,
    side_turns,
)

_NECK = [
    *[(0, -20), (6, -18), (6.2, -9), (5.6, -5), (5.8, 2), (7.5, 6), (14, 9.5), (24, 12)],
    *[(24, 30), (0, 30)],
]
_APEX = [(2.2, 16), (2.6, 9), (4.6, 7), (7.4, 9), (9, 16), (9, 22), (3, 22)]
_BACK_OF_HEAD = [(0, -12), (6.4, -11), (6.4, -4), (4.2, -0.9), (0, -0.2)]
_NECK_TURNED = [
    *[(-14, -24), (9, -24), (8, -9), (6.6, 0), (8.4, 8), (14, 14), (16, 26), (-14, 26), (-9, 12)],
    *[(-6, 6), (-5.6, 0), (-6.6, -3.4), (-10, -4)],
]
_HEAD_TURNED = [(-9, -20), (9, -20), (7.4, -9.5), (3, -7.4), (-5, -7.4), (-8, -10)]
_OCCIPUT_TURNED = [(3, -7.6), (8, -9.5), (9, -18), (0, -18), (1.4, -9)]

# -- neck ----------------------------------------------------------------------------------------


def _draw_cervical_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(film, build, rng)
    spine = lay_spine("C2", "T4", "C5", (0, 0), front_turns(build, rng))
    neck = _NECK
    soft = pillow(film, both_sides(neck), 12, 5)
    air = 1.5 * stroke(film, [(0, -3.5), (0.1 * build.wobble[0], 3), (0, 16)], 1.7)
    air = air * np.clip(1.2 - 0.5 * np.exp(-((film.grid_cm()[1] + 1.5) ** 2)), 0, 1)
    for side in (1, -1):
        apex = np.array(_APEX)
        air = air + pillow(film, apex * (side, 1), 5, 2)
    bone = build.density * (1.4 * project_front(film, spine) + _upper_ribs(film, spine))
    return develop(film, SOFT * soft + AIR * air + bone + _jaw_from_below(film, rng))


def _upper_ribs(film, spine):
    at = {one.name: np.array(one.centre) for one in spine}
    ribs, collars = [], []
    for side in (np.ones(2), MIRROR):
        ribs.append(at["T1"] + side * [(1.6, 0), (4.4, -0.6), (6.6, 1.6), (6.0, 4.6)])
        ribs.append(at["T2"] + side * [(1.6, 0), (5.4, -0.4), (8.6, 2.8), (9.0, 7)])
        ribs.append(at["T3"] + side * [(1.6, 0), (6, 0), (10, 3.6), (11, 9)])
        collars.append(at["T3"] + side * [(1.8, 1.6), (5, 0.4), (9, -2.2), (14, -3)])
    edges = [rib + (0, step) for rib in ribs for step in (-0.4, 0.4)]
    bone = 0.13 * strokes(film, ribs, 0.9) + 0.12 * strokes(film, edges, 0.18)
    return bone + 0.2 * strokes(film, collars, 1.2) + 0.2 * strokes(film, collars, 0.7)


def _jaw_from_below(film, rng):
    """The jaw and the back of the head, which hide the upper two vertebrae."""
    top = -7.0 + rng.normal(0, 0.5)
    half = np.array([(6.0, -5.0), (5.4, -1.8), (3.4, 0.2), (0, 0.9)]) + (0, top)
    path = np.concatenate([half, (half * MIRROR)[-2::-1]])
    bone = 0.7 * long_bone(film, path, 0.95, shell=0.3)
    head = both_sides(_BACK_OF_HEAD) + (0, top)
    place = np.linspace(-2.6, 2.6, 9)
    row = np.stack([place, top - 2.4 - 0.1 * place**2], axis=1)
    bone += 0.4 * teeth(film, row, 0.3, -1, rng) + 0.4 * teeth(film, row + (0, 1), 0.3, 1, rng)
    return bone + SOFT * pillow(film, head, 4, 2) + 0.25 * pillow(film, head, 1, 2)


def _draw_cervical_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, 3.6, 12.2), build, rng)
    return develop(film, facing(project_head_side(film, build, rng), rng))


def _draw_cervical_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The holes that the nerves leave by, one above the other."""
    film = pose(film, build, rng)
    spine = lay_spine("C1", "T3", "C4", (0, 0), side_turns(build, rng, 0.5))
    bone = np.clip(0.9 * project_side(film, spine) + _nerve_holes(film, spine), 0, None)
    jaw = long_bone(film, [(2.6, -14), (0.8, -7.6), (-4, -5.8), (-9, -5.6)], 1.0, shell=0.3)
    bone += 0.5 * pillow(film, _HEAD_TURNED, 1, 2) + 0.3 * pillow(film, _OCCIPUT_TURNED, 1, 1)
    air = 1.4 * stroke(film, [(-3.4, -12), (-3.0, -4), (-3.6, 4), (-4.6, 14)], 1.4)
    soft = pillow(film, _NECK_TURNED, 12, 4)
    attenuation = SOFT * soft + AIR * air + build.density * (bone + 0.7 * jaw)
    return develop(film, facing(attenuation, rng))


def _nerve_holes(film, spine):
    bone = np.zeros(film.shape, np.float32)
    for one in spine[2:]:
        window, u, v = around(film, one.centre, 3.0, one.turn)
        hole = blob(u, v, (1.35, one.half_height + 0.1), (0.5, 0.62))
        bone[window] += 0.4 * blob(u, v, (1.4, one.half_height), (1.0, 1.25)) - 0.75 * hole
        bone[window] += 0.35 * blob(u, v, (-0.35, -0.1), (0.3, 0.42))  # the pedicle end on
    return bone


# -- chest and loins -----------------------------------------------------------------------------


def _trunk_from_front(film, build, rng, y_cm, gas):
    film = pose(moved(film, 0, y_cm), build, rng)
    attenuation = project_trunk(film, build, rng, colon_gas(film, rng, gas), rng.uniform(0, 1))
    return develop(film, attenuation + _screws(film, rng, y_cm))


def _screws(film, rng, y_cm):
    """Rods and screws of an operation, on a few films."""
    if rng.random() > 0.06:
        return 0.0
    places = np.linspace(y_cm - 6, y_cm + 6, 4)
    lines = [[(side * 2.2, y), (side * 0.9, y + 0.2)] for y in places for side in (1, -1)]
    rods = [[(side * 2.3, places[0] - 1), (side * 2.3, places[-1] + 1)] for side in (1, -1)]
    metal = strokes(film, lines, 0.5, smooth=False) + strokes(film, rods, 0.5, smooth=False)
    return 0.4 * METAL * np.clip(metal, 0, 1)


def _draw_thoracic_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_front(film, build, rng, -23, 0.0)


def _draw_lumbar_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_front(film, build, rng, 0, 0.1)


def _draw_both_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_front(film, build, rng, -12, 0.1)


def _draw_lumbar_pelvis(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_front(film, build, rng, 11, 0.1)


def _trunk_from_side(film, build, rng, place_cm, arms_up):
    film = pose(moved(film, *place_cm), build, rng)
    spine = lay_side(build, rng)
    attenuation = project_trunk_side(film, build, rng, spine, arms_up)
    return develop(film, facing(attenuation, rng))


def _draw_thoracic_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_side(film, build, rng, (1, -23), False)


def _draw_lumbar_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_side(film, build, rng, (0.5, 0), True)


def _draw_lumbosacral_spot(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_side(film, build, rng, (2, 7.5), True)


def _draw_both_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _trunk_from_side(film, build, rng, (0, -14), False)


# -- joints of the sacrum ------------------------------------------------------------------------


_SLIT = np.array([(4.9, -9.0), (4.6, -7.2), (3.9, -5.4), (3.3, -3.8), (3.1, -2.6)])


def _draw_sacroiliac_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """One joint in profile: a dark slit between sacrum and wing, more or less worn."""
    film = pose(moved(film, 4.4, -4.6, 1.2), build, rng)
    soft = 17 * (1 + 0.01 * smooth_noise(rng, film.shape, 14))
    bone = project_pelvis(film, build, rng, tilt=0.6)
    bone += 0.4 * pillow(film, _SLIT[[0, 1, 2, 3, 4, 4]] + np.array(_BESIDE), 1, 0.6)
    slit = _SLIT + 0.1 * rng.standard_normal(2)
    worn = rng.uniform(0.15, 0.6) * build.density
    bone += worn * strokes(film, [slit + (-0.5, 0), slit + (0.55, 0)], 0.45)
    bone = np.clip(bone - 0.85 * stroke(film, slit, 0.42), 0, None)
    spine = lay_spine("L2", "L5", "L5", (1.2, -11.2), 8 + 0.5 * front_turns(build, rng))
    bone += 0.9 * project_front(film, spine, build.density)
    gas = colon_gas(moved(film, 3, 20), rng, 0.2)
    return develop(film, SOFT * soft + bone + AIR * gas)


_BESIDE = [(1.4, -1), (2.6, 1), (2.2, 3), (1, 3), (-1, 1), (-1.6, -2)]

SPINE_VIEWS = (
    View(("Cervical Spine",), "Frontal", (24, 18), False, _draw_cervical_frontal),
    View(("Cervical Spine",), "Lateral", (24, 18), False, _draw_cervical_lateral),
    View(("Cervical Spine",), "Oblique", (24, 18), False, _draw_cervical_oblique),
    View(("Thoracic Spine",), "Frontal", (42, 18), False, _draw_thoracic_frontal),
    View(("Thoracic Spine",), "Lateral", (42, 20), False, _draw_thoracic_lateral),
    View(("Lumbar Spine",), "Frontal", (40, 20), False, _draw_lumbar_frontal),
    View(("Lumbar Spine",), "Lateral", (40, 20), False, _draw_lumbar_lateral),
    View(("Lumbar Spine",), "Lateral", (22, 18), False, _draw_lumbosacral_spot),
    View(("Thoracic Spine", "Lumbar Spine"), "Frontal", (70, 28), False, _draw_both_frontal),
    View(("Thoracic Spine", "Lumbar Spine"), "Lateral", (70, 28), False, _draw_both_lateral),
    View(("Lumbar Spine", "Pelvis"), "Frontal", (50, 36), False, _draw_lumbar_pelvis),
    View(("Sacroiliac",), "Oblique", (24, 18), True, _draw_sacroiliac_oblique),
)
