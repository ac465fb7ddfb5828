"""The trunk of the body part phantoms from the side, facing left: each view is a window of it.

Centimetres: (0, 0) is the third lumbar vertebra, as in `radiokit.phantoms.torso_front`. Outlines
follow the bend of the spine: they are given as distances from it at certain vertebrae.
"""

import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import AIR, CORTEX, MARROW, SOFT, texture
from radiokit.phantoms.projection import Film, smooth_noise
from radiokit.phantoms.torso_shapes import pillow, stroke, strokes, wall
from radiokit.phantoms.vertebrae import Vertebra, lay_spine, project_side, side_turns

_RAISED_ARM = [(-5, 6), (3, 5), (4, -4), (-4, -22), (-14, -22), (-8, -4)]
_SHOULDER = [(-9, 0), (-5, -6), (2, -6), (8, -2), (7, 4), (1, 7), (-6, 6)]
_HEART = [(-5, 4.6), (-5.6, 1), (-3.6, -3.2), (0.6, -5.4), (3.6, -2), (4.4, 2.4), (3, 5.4), (-1, 6)]
_AORTA = [(-5.6, 4), (-6, 0.4), (-3.6, -1.2), (-1.4, 0.6), (-1, 8)]
_HUMERUS = [(-2.2, 0), (0, -2.3), (2.2, 0), (1.4, 8), (-1.4, 8)]
_WING = [
    *[(-9.5, 3), (-9, -2), (-6, -6.6), (-1, -8.4), (4, -6), (6, -1), (4, 3), (1, 6)],
    *[(-2, 10), (-7, 10)],
]

# How far the skin is behind and before the middle of a vertebra, cm.
_SKIN = {
    **{"C3": (5.6, 5.2), "C6": (6, 5.6), "T1": (6.6, 8), "T3": (6.8, 13), "T6": (6.6, 17)},
    **{"T9": (6.4, 18.6), "T12": (6.4, 18), "L2": (7, 15), "L4": (7.8, 14.4), "S1": (9.4, 14.4)},
    **{"S4": (8, 17), "S5": (10, 19)},
}
# The same for the lungs, from the apex to the posterior angle and back along the diaphragm.
_LUNG_BEHIND = {"T2": 0.6, "T3": 2.6, "T5": 3.9, "T7": 4.2, "T9": 4.0, "T11": 3.6}
_LUNG_BEFORE = {"T2": 1.8, "T3": 5.4, "T5": 12.6, "T7": 15.6, "T9": 16.6}


def lay_side(build: Build, rng: np.random.Generator) -> list[Vertebra]:
    """The whole spine from C2 to S5, bent as one sees it from the side."""
    return lay_spine("C2", "S5", "L3", (0, 0), side_turns(build, rng))


def project_trunk_side(film: Film, build: Build, rng, spine: list[Vertebra], arms_up=True):
    """Attenuation of the whole trunk from the side.

    Args:
        film: the grid, in the torso's centimetres.
        build: who.
        rng: draws the texture and the ribs.
        spine: from `lay_side`.
        arms_up: True for a chest; False: the shoulders hide the upper chest.
    """
    at = {one.name: np.array(one.centre) for one in spine}
    soft = _trunk(film, build, at) * (1 + 0.012 * smooth_noise(rng, film.shape, 14))
    soft += _shoulders(film, at, arms_up)
    bone = 1.25 * project_side(film, spine, build.density) + _ribs(film, at, build, rng)
    bone += _breast_bone(film, at, build) + _pelvis(film, at, build) + _arm_bones(film, at, arms_up)
    return SOFT * soft + AIR * _air(film, at, build, rng) + bone


def _trunk(film, build, at):
    stout = 1 + 0.12 * (build.fat_cm - 0.7)
    behind = [at[name] + (back, 0) for name, (back, _) in _SKIN.items()]
    before = [at[name] - (front * stout, 0) for name, (_, front) in _SKIN.items()]
    ends = [behind[-1] + (1, 30), before[-1] + (-1, 30)]
    outline = [before[0] - (0, 20), behind[0] - (0, 20), *behind, *ends, *before[::-1]]
    return pillow(film, outline, 21, 8)


def _shoulders(film, at, arms_up):
    """Thicker where both shoulders lie over the spine, or where the raised arms do, cm."""
    if arms_up:
        place = at["T2"] + (-6, -3)
        return pillow(film, place + _RAISED_ARM, 4, 4)
    place = at["T2"] + (-2.4, 1)
    return pillow(film, place + _SHOULDER, 6, 6)


def _air(film, at, build, rng):
    """Gas of both lungs and the windpipe, cm; the heart lies low in front."""
    behind = [at[name] + (far, 0) for name, far in _LUNG_BEHIND.items()]
    before = [at[name] - (far, 0) for name, far in _LUNG_BEFORE.items()]
    dome = at["T10"] + 0.5 * build.wobble[2]
    floor = [dome + (1.2, 0.6), dome + (-4, -2.6), dome + (-9, -3.2), dome + (-14, -0.8)]
    lungs = pillow(film, [*behind, *floor, *before[::-1]], 17, 4)
    middle = at["T8"] + (-9.8, 1.4)
    wide = 1 + 0.07 * build.wobble[5]
    ring = np.array(_HEART)
    heart = pillow(film, middle + ring * (wide, 1), 1, 3)
    arch = stroke(film, at["T5"] + _AORTA, 2.2)
    lungs = 0.82 * lungs * (1 - 0.72 * heart) * (1 - 0.16 * arch) * texture(film, rng, 0.8, 0.06)
    hilum = pillow(film, at["T6"] + [(-8, 1), (-6, -1), (-4.4, 1), (-6, 3)], 2.2, 1.4)
    pipe = [at["C6"] - (2.6, 0), at["T1"] - (3.8, 0), at["T3"] - (5, 0), at["T6"] - (6.4, 2)]
    return np.maximum(np.clip(lungs - hilum, 0, None), 0) + 1.4 * stroke(film, pipe, 1.6)


def _ribs(film, at, build, rng):
    """Ribs of both sides, from behind the spine down to the front."""
    lines = []
    for number in range(2, 12):
        start = at[f"T{number}"]
        reach = np.interp(number, [2, 5, 8, 11], [8, 15.5, 18.5, 11])
        fall = np.interp(number, [2, 5, 8, 11], [7, 10.5, 11.5, 8]) + 0.5 * build.wobble[7]
        for apart in (0, 0.5 + 0.3 * rng.random()):
            rib = [(0.6, -0.6), (3.7 + apart, 0.5), (1.0, 0.22 * fall)]
            rib += [(-0.5 * reach, 0.66 * fall), (-reach, fall)]
            lines.append(start + np.array(rib) + (0, apart))
    bone = 0.06 * strokes(film, lines, 0.9)
    edges = [line + (0, step) for line in lines for step in (-0.4, 0.4)]
    return build.density * (bone + 0.07 * strokes(film, edges, 0.18))


def _breast_bone(film, at, build):
    places = (("T3", 9.6), ("T5", 14.4), ("T7", 17), ("T9", 18))
    ends = [at[name] - (far, 0) for name, far in places]
    return build.density * (0.25 * stroke(film, ends, 1.1) + 0.2 * stroke(film, ends, 0.6))


def _arm_bones(film, at, arms_up):
    """Raised humeri in front of the head, or the heads of hanging ones over the upper spine."""
    bone = np.zeros(film.shape, np.float32)
    for apart in (0, 1.6):
        if arms_up:
            line = at["T2"] + (apart, 0) + [(-4, 1), (-8, -9), (-12, -24)]
            bone += 0.12 * stroke(film, line, 2.6) + 0.1 * stroke(film, line, 1.6)
        else:
            ring = np.array(_HUMERUS)
            bone += 0.1 * CORTEX * wall(film, at["T2"] + (apart - 4, 0.5) + ring, 4.4, 2, 0.25)
    return bone


def _pelvis(film, at, build):
    """Both iliac wings over the sacrum, the notch behind, and the hips below."""
    place = at["S1"]
    wing = _WING
    crest = place + np.array(wing)
    bone = 2.2 * MARROW * pillow(film, crest, 1.4, 1.5) + 0.16 * stroke(film, crest[1:6], 0.35)
    bone += 0.16 * stroke(film, crest[1:6] + (0.8, 0.7), 0.35)
    inlet = place + [(-2, 1), (-4, 5), (-8, 11), (-12, 15)]
    head = place + [(-8.4, 11), (-6, 8.6), (-3.4, 11), (-6, 13.4)]
    bone += 0.16 * stroke(film, inlet, 0.3) + 2 * MARROW * pillow(film, head, 2.2, 2)
    return build.density * bone
