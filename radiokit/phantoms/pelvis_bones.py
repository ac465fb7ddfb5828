"""The pelvic ring and both hips of the body part phantoms, from the front.

Its own centimetres: (0, 0) is the middle of the ring, the promontory 7.5 above it and the symphysis
6.5 below.
"""

import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import CORTEX, MARROW, lump_bone, plate_bone
from radiokit.phantoms.projection import Film
from radiokit.phantoms.torso_shapes import MIRROR, both_sides, curve, pillow, stroke, strokes, wall

_WING = [
    *[(3.4, -6.8), (4.4, -8.6), (6.6, -10.8), (9.4, -11.4), (12.2, -10), (13.6, -7.4)],
    *[(13.5, -5.4), (12.2, -3.8), (11.9, -1.6), (11.5, 0.4), (10.8, 2.4), (8.6, 3.6), (6.6, 3.0)],
    *[(6.5, 0.4), (5.8, -2.2), (4.6, -4.2), (3.4, -5.0)],
]
_INLET = [(3.0, -5.4), (4.9, -3.8), (6.2, -1.4), (6.6, 1.2), (6.2, 3.2)]
_RING = [
    *[(6.4, 3.0), (3.6, 4.5), (1.2, 4.9), (0.3, 5.6), (0.35, 8.4), (1.6, 8.9), (3.4, 10.0)],
    *[(5.2, 11.6), (7.0, 11.2), (7.7, 9.0), (8.0, 6.4), (7.6, 3.6)],
]
_FORAMEN = [(2.6, 6.0), (4.4, 5.5), (6.2, 6.2), (6.4, 7.8), (5.4, 9.4), (3.9, 9.0), (2.6, 7.6)]
_SOCKET = [(6.6, 3.4), (6.5, 1.8), (7.6, 0.4), (9.4, -0.1), (11.2, 0.8)]
_SACRUM = [
    *[(0, -7.8), (2.0, -7.6), (4.3, -8.4), (4.9, -6.8), (3.9, -4.4), (2.6, -1.6)],
    *[(1.0, 1.6), (0, 2.0)],
]
_HOLES = [(1.75, -6.0), (1.6, -4.3), (1.35, -2.7), (1.1, -1.3)]
_HOLE = [(-0.5, 0.0), (0.0, -0.38), (0.5, 0.0), (0.0, 0.38)]
_ARCH = [(-0.6, 0.25), (-0.25, -0.3), (0.3, -0.3), (0.65, 0.25)]
_JOINT = [(4.5, -8.2), (4.2, -6.6), (3.5, -5.0), (3.0, -4.0)]
_FEMUR = [
    *[(9.2, 5.0), (10.4, 5.6), (12.4, 4.3), (14.2, 4.2), (15.0, 5.6), (14.6, 8.0), (14.3, 12)],
    *[(13.9, 30), (11.2, 30), (11.5, 14), (11.2, 10.4), (10.2, 9.2), (10.0, 8.0)],
    *[(8.8, 6.8), (7.6, 5.4)],
]


def project_pelvis(film: Film, build: Build, rng: np.random.Generator, tilt: float = 0.0):
    """Bone of the ring, the sacrum and both femora.

    Args:
        film: the grid, in the pelvis's centimetres.
        build: who; `wobble[4]` makes the pelvis wide or narrow.
        rng: draws how much the right and the left differ.
        tilt: -1 flat inlet (outlet view) .. 1 steep inlet; 0 the usual view.
    """
    wide = np.array([1 + 0.04 * build.wobble[4], 1 + 0.12 * tilt])
    total = _sacrum(film, wide)
    for side in (np.ones(2), MIRROR):
        fit = side * wide * (1 + 0.015 * rng.standard_normal(2))
        total += _half_ring(film, fit) + _femur(film, side * wide, rng)
    gap = pillow(film, [(-0.3, 5.2), (0.3, 5.2), (0.3, 8.8), (-0.3, 8.8)], 1, 0.2, smooth=False)
    return build.density * total * (1 - 0.6 * gap)


def _half_ring(film, fit):
    wing = np.asarray(_WING) * fit
    bone = 1.6 * MARROW * pillow(film, wing, 1.3, 1.2)
    bone += 0.3 * plate_bone(film, curve(wing, True), 1.6) + 0.32 * stroke(film, wing[1:8], 0.35)
    outline, foramen = np.asarray(_RING) * fit, np.asarray(_FORAMEN) * fit
    ring = 2.6 * MARROW * pillow(film, outline, 1.6, 0.9)
    ring += 0.13 * CORTEX * wall(film, outline, 3, 1.2, 0.3)
    bone += ring * (1 - pillow(film, foramen, 1, 0.3))
    bone += 0.15 * stroke(film, foramen, 0.2, closed=True)
    lines = [np.asarray(one) * fit for one in (_INLET, _SOCKET)]
    column = np.array([(6.2, 1.0), (6.5, 4.0), (6.4, 6.0)]) * fit
    return bone + 0.32 * strokes(film, lines, 0.25) + 0.22 * stroke(film, column, 0.2)


def _femur(film, fit, rng):
    """Head in its socket, neck, trochanters and the upper shaft."""
    head = np.array([9.0, 3.0]) * fit
    bone = 0.36 * lump_bone(film, head, (2.45, 2.45), shell=0.12)
    shaft = np.asarray(_FEMUR) * fit
    bone += 0.8 * MARROW * pillow(film, shaft, 2.6, 1.3)
    bone += 0.32 * CORTEX * wall(film, shaft, 2.9, 1.4, 0.45)
    small = 0.3 * lump_bone(film, np.array([11.1, 9.6]) * fit, (0.8, 1.1))
    arcs = [[(8.6, 4.9), (10.2, 7.4), (11.3, 10)], [(13.8, 7.4), (12.2, 4.9), (10.2, 4.4)]]
    arcs = [np.asarray(arc) * fit for arc in arcs]
    return bone + small + 0.12 * strokes(film, arcs, 0.7) * rng.uniform(0.6, 1.2)


def _sacrum(film, wide):
    """A shield with four pairs of holes under arched lines, between its two joints."""
    bone = 3.4 * MARROW * pillow(film, both_sides(np.asarray(_SACRUM) * wide), 1.2, 1.5)
    holes, arches, joints = [], [], []
    for side in (np.ones(2), MIRROR):
        holes += [(np.asarray(_HOLE) + place) * side for place in _HOLES]
        arches += [(np.asarray(_ARCH) + place) * side for place in _HOLES]
        joints.append(np.asarray(_JOINT) * side)
    bone -= 0.22 * sum(pillow(film, hole, 1, 0.3) for hole in holes)
    bone = np.clip(bone + 0.25 * strokes(film, arches, 0.2), 0, None)
    bone += 0.18 * stroke(film, [(0, -7.0), (0, -4), (0, -1.2)], 0.5)
    coccyx = 0.2 * stroke(film, [(0, 1.6), (0.2, 3.0), (0.1, 4.2)], 0.8)
    return bone + coccyx - 0.25 * strokes(film, joints, 0.28)
