"""The head of the body part phantoms from the side, with teeth, airway and neck, facing left.

The sella is at (0, 0); the spine runs down from (4, 6).
"""

import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import AIR, CORTEX, SOFT, long_bone, lump, texture
from radiokit.phantoms.projection import Film, blob
from radiokit.phantoms.torso_shapes import around, inside, pillow, stroke, strokes, wall
from radiokit.phantoms.vertebrae import lay_spine, project_side, side_turns

_SIDE_VAULT = [
    *[(-7.9, -0.4), (-8.6, -2.6), (-8.2, -6), (-5.6, -9.4), (-0.5, -11.2), (5, -10), (8.6, -6.6)],
    *[(9.9, -2.4), (9.2, 1.2), (7, 3.6), (4, 4.4), (1, 3), (-0.8, 0.9), (-4, 0)],
]
_SIDE_FACE = [
    *[(-7.9, -0.6), (-8.3, 1.4), (-8.9, 4.4), (-9.2, 6.6), (-5, 6.6), (-2.8, 5.2)],
    *[(-2.4, 1.6), (-1.5, 0.4)],
]
_PROFILE = [
    *[(-8.2, -8), (-9.2, -4.5), (-9.3, -1.2), (-9.1, 0), (-11.2, 3.2), (-10.2, 4.3), (-10.6, 5.8)],
    *[(-10, 7.2), (-10.5, 8.4), (-9.8, 11), (-6.6, 12.4), (-3.6, 13.2), (-3.6, 17), (-6, 22)],
    *[(-9, 40), (16, 40), (12, 24), (9, 18), (8.2, 9), (9.6, 4.5), (10.8, -1), (9.8, -6.8)],
    *[(6, -11), (0, -12.2), (-5, -11.2)],
]
_SHOULDER = [(-6, 26), (0, 22), (6, 21), (12, 24), (16, 34), (-10, 34)]


def project_head_side(film: Film, build: Build, rng, adenoid_cm: float = 0.4, bone=1.0):
    """Attenuation of head and neck from the side, facing left.

    Args:
        film: the grid, with the sella at (0, 0) and the spine below (4, 6).
        build: who.
        rng: draws the bend of the neck and the teeth.
        adenoid_cm: how far the pad in the roof of the nose reaches into the airway.
        bone: density of the bone, for a child below 1.
    """
    total = SOFT * pillow(film, _PROFILE, 13 - 3 * (bone < 1), 3.5)
    total += SOFT * pillow(film, _SHOULDER, 5, 8)
    skull = _side_vault(film, build, rng) + _side_face(film)
    skull = skull * (1 - _side_air(film)) + _side_base(film) + _side_jaw(film, build, rng)
    turns = side_turns(build, rng, strength=0.9)
    spine = lay_spine("C1", "T7", "C1", (3.6, 6.2), turns)
    skull = skull + project_side(film, spine)
    return total + bone * build.density * skull + AIR * _airway(film, spine, adenoid_cm)


def _side_vault(film, build, rng):
    length = 1 + 0.03 * build.wobble[4]
    corners = np.asarray(_SIDE_VAULT) * (length, 1)
    bone = 0.5 * CORTEX * wall(film, corners, 14, 6, 0.6 + 0.05 * build.wobble[5])
    bone *= 1 - 0.65 * _below(film, [(-14, -1.2), (-1, -0.2), (4, 3.2), (7, 3.0), (14, 6)])
    sutures = [[(-2.6, -10.6), (-2.2, -7), (-1.6, -3)], [(7.9, -6), (6.2, -2.4), (5.4, 1.5)]]
    vessels = [[(-1.6, -1), (-3, -5), (-1.5, -9)], [(-1, -2), (2, -5.5), (5, -7.5)]]
    bone = bone - 0.13 * strokes(film, sutures, 0.13) - 0.07 * strokes(film, vessels, 0.2)
    return bone * texture(film, rng, 1.0, 0.07)


def _below(film, corners_cm):
    """0..1: below a line across the film, which fades in over a centimetre."""
    x, y = film.grid_cm()
    edge = np.interp(x[0], *np.asarray(corners_cm, float).T).astype(np.float32)
    return np.clip(y - edge + 0.5, 0, 1)


def _side_face(film):
    bone = 0.6 * pillow(film, _SIDE_FACE, 1, 0.8)
    bone += 0.4 * stroke(film, [(-7.9, -0.8), (-8.8, 0.6), (-9.5, 1.8)], 0.35)
    return bone + 0.5 * stroke(film, [(-6.2, -0.6), (-5.7, 1.2), (-6.4, 2.6)], 0.4)


def _side_air(film):
    """0..1: sinuses and orbit from the side."""
    x, y = film.grid_cm()
    air = 0.5 * pillow(film, [(-7.9, -0.8), (-8.3, -2.9), (-7.6, -3.4), (-7.2, -1.0)], 1, 0.25)
    air = air + 0.65 * blob(x, y, (-5.0, 3.6), (2.0, 1.5))  # maxillary sinuses
    air = air + 0.5 * blob(x, y, (-1.4, 1.6), (1.4, 0.9))  # sphenoid sinus
    return np.clip(air + 0.45 * blob(x, y, (-5.6, 0.9), (2.0, 1.2)), 0, 0.8)


def _side_base(film):
    """Floors of the fossae, sella, petrous bone, palate and the mastoid cells."""
    sella = [(-1.2, -0.3), (-0.9, 0.25), (-0.3, 0.6), (0.4, 0.4), (0.6, -0.4)]
    floors = [
        sella,
        [(-7.4, -0.9), (-5, -0.6), (-2.6, -0.7), (-1.2, -0.3)],
        [(-2.6, 2.6), (-3.2, 0.8), (-2.5, -0.8)],
        [(0.6, -0.4), (0.9, 1.4), (1.6, 3.6)],
        [(-8.9, 4.9), (-6.4, 5.1), (-3.0, 5.1)],
        [(-3.0, 1.5), (-2.9, 3.4), (-2.8, 5.0)],
    ]
    base = 0.45 * strokes(film, floors, 0.22)
    petrous = 0.2 * lump(film, (2.2, 2.0), (2.0, 1.3), -20)
    petrous += 0.15 * lump(film, (3.8, 3.9), (1.0, 1.7), -20)
    ear = 0.35 * lump(film, (1.8, 2.3), (0.4, 0.4)) + 0.2 * lump(film, (4.1, 3.8), (0.6, 0.8))
    return base + petrous - ear


def _side_jaw(film, build, rng):
    """Both halves of the lower jaw, one a little larger than the other, and the teeth."""
    half = np.array([(1.2, 3.4), (0.9, 5.4), (0.1, 8.2), (-1.4, 9.5), (-5, 10.6), (-8.2, 10.9)])
    radii = [0.5, 1.1, 1.25, 1.0, 0.9, 1.05]
    apart = (0.35 + 0.25 * build.wobble[7], 0.3)
    bone = sum(0.62 * long_bone(film, half + move, radii, shell=0.22) for move in ((0, 0), apart))
    place = np.linspace(-8.9, -3.2, 9)
    upper = np.stack([place, 7.2 + 0 * place], axis=1)
    lower = np.stack([place + 0.1, 8.4 + 0.06 * (place + 6) ** 2 / 2], axis=1)
    return bone + 0.9 * (teeth(film, upper, 0.33, -1, rng) + teeth(film, lower, 0.33, 1, rng))


def _airway(film, spine, adenoid_cm):
    """Gas from the nose past the adenoids and the tongue to the windpipe, cm."""
    x, y = film.grid_cm()
    fronts = {one.name: np.array(one.centre) - (one.half_depth + 1.1, 0) for one in spine}
    away = {"C4": (0.9, 0.8), "C5": (1.1, 0), "C7": (1.2, 0), "T2": (1.8, 0), "T7": (4, 0)}
    path = [(-0.9, 3.0), (-0.5, 5.2), (-0.9, 7.6), *(fronts[n] - move for n, move in away.items())]
    nose = pillow(film, [(-7.6, 4.2), (-4, 3.6), (-1.2, 2.6), (-0.4, 4.2), (-3, 4.6)], 1.8, 0.5)
    throat = 2.2 * stroke(film, path, 1.5) + 0.8 * stroke(film, path, 0.9)
    mouth = 0.6 * stroke(film, [(-8.6, 7.8), (-5, 6.4), (-2.2, 6.8), (-1.2, 8)], 0.4)
    pad = inside(adenoid_cm - np.hypot(x - 0.6, y - 3.2), 0.3)
    palate = stroke(film, [(-3.0, 5.2), (-1.9, 6.0), (-1.3, 7.2)], 0.7)
    gas = np.maximum(nose, throat) * (1 - pad) * (1 - 0.8 * palate)
    return np.maximum(gas, mouth)


def teeth(film: Film, arch_cm, half_width_cm: float, down: float, rng) -> np.ndarray:
    """A row of teeth, some filled and some missing.

    Args:
        film: the grid.
        arch_cm: (N, 2) middles of the teeth.
        half_width_cm: half the width of a crown.
        down: 1 where the roots point down, -1 where they point up.
        rng: draws which are missing or filled.
    """
    total = np.zeros(film.shape, np.float32)
    for place in np.asarray(arch_cm, float):
        if rng.random() < 0.06:
            continue
        window, u, v = around(film, place, 1.6, rng.normal(0, 4))
        width = half_width_cm * np.clip(1 - 0.45 * np.clip(down * v, 0, None), 0.3, 1)
        tooth = inside(width - np.abs(u), 0.08) * inside(down * v + 0.55) * inside(1.35 - down * v)
        filling = 1.2 * (rng.random() < 0.12)
        total[window] += tooth * (0.55 + (0.6 + filling) * inside(0.1 - down * v))
    return total
