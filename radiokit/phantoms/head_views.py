"""The head on body part phantoms: skull from the front and the side, sinuses, a child's cavum.

Frontal views have the bridge of the nose at (0, 0), lateral ones the sella; these face left. Each
drawing adds the attenuation of soft tissue, bone and air, in that order.
"""

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import CORTEX, SOFT, long_bone, texture
from radiokit.phantoms.head_side import project_head_side, teeth
from radiokit.phantoms.projection import Film, blob
from radiokit.phantoms.torso_shapes import (
    MIRROR,
    both_sides,
    develop,
    facing,
    moved,
    pillow,
    pose,
    stroke,
    strokes,
    wall,
)
from radiokit.phantoms.vertebrae import (
    front_turns,
    lay_spine,
    project_front,
)

_NECK = [(0, 5), (5.2, 6), (5.6, 12), (8, 16), (14, 19), (0, 24)]

# -- pairs ----------------------------------------------------------------------------------------


def _pair(film: Film, centre_cm, half_size_cm) -> np.ndarray:
    """0..1: the shape at a place and at its mirror image."""
    x, y = film.grid_cm()
    right, left = ((sign * centre_cm[0], centre_cm[1]) for sign in (1, -1))
    return blob(x, y, right, half_size_cm) + blob(x, y, left, half_size_cm)


def _hole(film: Film, corners_cm, edge_cm: float = 0.35) -> np.ndarray:
    """0..1: an air space that takes bone away, and its mirror image."""
    corners = np.asarray(corners_cm, float)
    return pillow(film, corners, 1, edge_cm) + pillow(film, corners * MIRROR, 1, edge_cm)


def _mirrored(lines) -> list:
    return [sign * np.asarray(one, float) for one in lines for sign in (np.ones(2), MIRROR)]


# -- skull from the front ------------------------------------------------------------------------

_VAULT = [
    *[(0, -11), (3.6, -10.2), (6.3, -7.9), (7.6, -4.2), (7.4, -0.5), (6.9, 2), (5.9, 4.4), (2, 5)],
]
_HEAD = [
    *[(0, -11.6), (4.2, -10.6), (7.1, -7.8), (8.3, -2), (7.6, 4), (6.7, 8.5)],
    *[(4.6, 11.6), (0, 12.7)],
]
_ORBIT = [(1.35, -0.9), (2.6, -1.9), (4.4, -1.7), (5.3, -0.2), (4.9, 1.4), (3.4, 2.1), (1.8, 1.5)]
_ANTRUM = [(1.7, 3.0), (3.6, 2.8), (4.9, 3.3), (4.3, 5.0), (3.0, 6.2), (1.9, 5.6)]
_FACE = [(0, -2.6), (5.4, -2.4), (6.4, 0.5), (6.2, 3.4), (4.6, 6.0), (3.4, 8.0), (0, 8.6)]


def _draw_skull_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(film, build, rng)
    neck = _NECK
    soft = pillow(film, both_sides(_HEAD), 16, 6) + 0.9 * pillow(film, both_sides(neck), 9, 5)
    bone = _frontal_vault(film, build, rng) + _frontal_face(film)
    bone = bone * (1 - _frontal_air(film, build))
    bone += _frontal_lines(film, build) + _frontal_jaw(film, rng)
    spine = lay_spine("C2", "C7", "C3", (0.2 * build.wobble[3], 9.5), front_turns(build, rng))
    bone += 0.6 * project_front(film, spine)
    return develop(film, SOFT * soft + build.density * bone)


def _frontal_vault(film, build, rng):
    width = 1 + 0.03 * build.wobble[4]
    outline = both_sides(_VAULT) * (width, 1)
    bone = 0.5 * CORTEX * wall(film, outline, 17, 7, 0.62 + 0.05 * build.wobble[5])
    bone += 0.25 * pillow(film, outline, 1, 1)
    bone *= 1 - 0.7 * np.clip((film.grid_cm()[1] - 1.5) / 3, 0, 1)  # the base is behind the face
    sutures = _mirrored([[(0, -6.5), (1.6, -4.6), (3.6, -3.4), (5.6, -2.3)]])
    seam = stroke(film, [(0, -10.6), (0.15, -9), (-0.1, -7.5), (0, -6.5)], 0.12)
    bone = bone - 0.12 * strokes(film, sutures, 0.12) - 0.12 * seam
    return bone * texture(film, rng, 1.2, 0.06)


def _frontal_face(film):
    face = 0.75 * pillow(film, both_sides(_FACE), 1, 1.5)
    petrous = strokes(film, _mirrored([[(1.4, 1.9), (3.4, 1.1), (5.2, 0.9), (6.6, 1.6)]]), 1.1)
    zygoma = _pair(film, (5.6, 2.9), (0.9, 1.5))
    mastoid = _pair(film, (6.3, 5.2), (0.9, 1.6))
    return face + 0.45 * petrous + 0.5 * zygoma + 0.35 * mastoid


def _frontal_air(film, build):
    """0..1: how much bone the orbits, the sinuses and the nose take away."""
    size = 1 + 0.3 * np.clip(build.wobble[6], -1.5, 1.5)
    frontal = [(0.1, -2.6), (1.0, -3.1 - 0.8 * size), (2.1, -3.0 - 0.4 * size), (2.6, -2.5)]
    nose = both_sides([(0, 0.9), (0.9, 1.8), (1.5, 4.2), (1.3, 5.6), (0, 5.9)])
    air = 0.62 * _hole(film, _ORBIT, 0.6) + 0.5 * _hole(film, _ANTRUM, 0.6)
    air = air + 0.5 * _hole(film, frontal, 0.3) + 0.6 * pillow(film, nose, 1, 0.4)
    cells = _pair(film, (0.85, 0.4), (0.5, 1.3))
    return np.clip(air + 0.4 * cells, 0, 0.85)


def _frontal_lines(film, build):
    """Rims of the orbits, the oblique lines, the septum and the turbinates."""
    septum = [(0, 0.8), (0.08 * build.wobble[6], 3.2), (0, 6.0)]
    rims = 0.35 * sum(stroke(film, one, 0.3, closed=True) for one in _mirrored([_ORBIT]))
    oblique = strokes(film, _mirrored([[(5.5, -2.6), (4.9, -0.5), (4.1, 1.8)]]), 0.15)
    turbinates = _pair(film, (0.95, 4.6), (0.35, 0.6)) + _pair(film, (0.8, 3.1), (0.25, 0.5))
    return rims + 0.3 * oblique + 0.4 * stroke(film, septum, 0.16) + 0.3 * turbinates


def _frontal_jaw(film, rng):
    half = [(5.7, 3.2), (5.6, 5.4), (5.3, 8.0), (4.5, 9.8), (2.6, 11.3), (0, 11.8)]
    path = np.concatenate([half, (np.asarray(half) * MIRROR)[-2::-1]])
    radii = [0.45, 0.6, 0.7, 0.75, 0.85, 0.95, 0.85, 0.75, 0.7, 0.6, 0.45]
    bone = 1.1 * long_bone(film, path, radii, shell=0.3)
    place = np.linspace(-3.3, 3.3, 11)
    upper = np.stack([place, 7.7 - 0.05 * place**2], axis=1)
    lower = np.stack([place * 0.95, 9.0 - 0.06 * place**2], axis=1)
    bone += 0.75 * teeth(film, upper, 0.31, -1, rng) + 0.75 * teeth(film, lower, 0.28, 1, rng)
    return bone + 0.3 * pillow(film, both_sides([(0, 6.2), (3.4, 6.0), (3.6, 10), (0, 11)]), 1, 0.5)


# -- sinuses: the Waters view --------------------------------------------------------------------

_WATERS_HEAD = [(0, -9.5), (4.4, -8.4), (7.2, -5.4), (8.4, 0.5), (7.2, 6), (4.6, 9.6), (0, 10.9)]
_WATERS_VAULT = [(0, -8.8), (3.9, -7.8), (6.4, -5.2), (7.3, -1.4), (6.9, 2.2), (4, 5.4), (0, 6.4)]
_WATERS_ORBIT = [(1.5, -3.2), (3.2, -4.2), (5.1, -3.4), (5.3, -1.8), (3.8, -0.9), (1.9, -1.3)]
_WATERS_ANTRUM = [(1.5, -0.2), (3.4, -0.3), (5.3, 0.6), (4.4, 2.6), (2.7, 4.6), (1.7, 3.0)]


def _draw_sinus_waters(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(film, build, rng)
    soft = pillow(film, both_sides(_WATERS_HEAD), 16, 6)
    bone = 0.5 * CORTEX * wall(film, both_sides(_WATERS_VAULT), 17, 7, 0.6)
    bone *= 1 - 0.75 * np.clip((film.grid_cm()[1] - 1) / 3, 0, 1)
    face = [(0, -5.5), (5.6, -4.6), (6.6, -1), (6, 2.5), (3.4, 6.2), (0, 6.8)]
    bone = bone * texture(film, rng, 1.2, 0.06) + 0.8 * pillow(film, both_sides(face), 1, 1.5)
    bone = bone * (1 - _waters_air(film, build, rng)) + _waters_lines(film, build, rng)
    return develop(film, SOFT * soft + build.density * bone)


def _waters_air(film, build, rng):
    size = 1 + 0.3 * np.clip(build.wobble[6], -1.5, 1.5)
    frontal = [(0.1, -5.0), (1.1, -5.3 - 0.8 * size), (2.3, -5.3 - 0.4 * size), (2.8, -4.7)]
    nose = both_sides([(0, -3), (0.6, -2), (1.2, 1.0), (1.1, 2.2), (0, 2.6)])
    air = 0.5 * _hole(film, _WATERS_ORBIT, 0.5) + 0.55 * _hole(film, frontal, 0.3)
    for side in (np.ones(2), MIRROR):
        filled = rng.uniform(0.2, 0.9) if rng.random() < 0.2 else 0.0
        antrum = pillow(film, np.asarray(_WATERS_ANTRUM) * side, 1, 0.5)
        if filled and rng.random() < 0.5:  # fluid lies below a level, a swollen lining all over
            antrum = antrum * np.where(film.grid_cm()[1] < 4.0 - 4.0 * filled, 1, 0.2)
        elif filled:
            antrum = antrum * (1 - filled)
        air = air + 0.8 * antrum
    return np.clip(air + 0.5 * pillow(film, nose, 1, 0.4), 0, 0.88)


def _waters_lines(film, build, rng):
    """Rims of orbits and antra, cheek bones with their arches, the jaw, the petrous bones."""
    rims = sum(
        stroke(film, one, 0.24, closed=True) for one in _mirrored([_WATERS_ORBIT, _WATERS_ANTRUM])
    )
    arch = _mirrored([[(5.4, -0.2), (6.9, 0.8), (7.6, 2.6), (7.2, 4.4), (6.4, 5.2)]])
    bone = 0.4 * rims + 0.55 * strokes(film, arch, 0.55) + 0.5 * _pair(film, (5.7, 0.2), (0.9, 0.9))
    half = [(6.6, 3.6), (6.2, 6.0), (4.6, 8.4), (2.2, 9.6), (0, 9.9)]
    path = np.concatenate([half, (np.asarray(half) * MIRROR)[-2::-1]])
    bone = bone + long_bone(film, path, 0.8, shell=0.3)
    bone = bone + 0.35 * strokes(film, _mirrored([[(1.6, 5.6), (3.6, 5.2), (5.8, 5.0)]]), 1.3)
    place = np.linspace(-2.8, 2.8, 9)
    arc = np.stack([place, 7.4 - 0.12 * place**2], axis=1)
    bone = bone + 0.8 * teeth(film, arc, 0.3, -1, rng)
    return bone + 0.4 * stroke(film, [(0, -3), (0.1 * build.wobble[6], 0), (0, 2.8)], 0.18)


# -- head from the side ----------------------------------------------------------------------------


def _draw_skull_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(film, build, rng)
    return develop(film, facing(project_head_side(film, build, rng), rng))


def _draw_skull_and_neck(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, 0.5, 5.0), build, rng)
    return develop(film, facing(project_head_side(film, build, rng), rng))


def _draw_cavum(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A child of three to eight: the pad behind the nose may close the airway."""
    film = pose(moved(film, -1.6, 5.4, zoom=rng.uniform(0.68, 0.8)), build, rng)
    adenoid_cm = rng.uniform(1.0, 2.4)
    return develop(film, facing(project_head_side(film, build, rng, adenoid_cm, bone=0.6), rng))


HEAD_VIEWS = (
    View(("Skull",), "Frontal", (30, 24), False, _draw_skull_frontal),
    View(("Skull",), "Lateral", (24, 30), False, _draw_skull_lateral),
    View(("Sinus",), "Frontal", (24, 18), False, _draw_sinus_waters),
    View(("Cavum",), "Lateral", (17, 15), False, _draw_cavum),
    View(("Cervical Spine", "Skull"), "Lateral", (36, 26), False, _draw_skull_and_neck),
)
