"""Bones of the right hand and wrist as outlines; fingers up, thumb on the left, x and y in cm.

The frame's origin is the middle of the wrist joint. Rays of the hand are numbered from the thumb.
"""

import numpy as np

from radiokit.phantoms.arm_bones import RADIUS_FRONTAL, ULNA_FRONTAL
from radiokit.phantoms.limbs import Bone, bone, moved
from radiokit.phantoms.rays import chain

CARPALS = (
    bone(  # scaphoid
        [(-0.5, -0.35), (-1.2, -0.45), (-1.75, -1.05), (-2.05, -1.65), (-1.5, -1.9), (-0.95, -1.5)]
        + [(-0.55, -1.1)],
        1.3,
    ),
    bone([(-0.4, -0.25), (0.5, -0.15), (0.75, -0.7), (0.6, -1.2), (0.1, -1.0), (-0.4, -1.1)], 1.4),
    bone(
        [(0.85, -0.4), (1.5, -0.35), (1.95, -0.8), (1.85, -1.3), (1.2, -1.45), (0.85, -0.95)], 1.2
    ),
    bone(
        [(1.3, -0.6), (1.75, -0.6), (1.95, -1.05), (1.65, -1.4), (1.25, -1.25), (1.15, -0.9)], 0.9
    ),
    bone(  # capitate
        [(0.05, -1.15), (0.5, -1.4), (0.6, -2.1), (0.65, -2.85), (0.1, -3.0), (-0.4, -2.9)]
        + [(-0.35, -2.2), (-0.45, -1.6)],
        1.6,
    ),
    bone(  # hamate
        [(0.75, -1.4), (1.2, -1.6), (1.85, -1.95), (2.05, -2.45), (1.4, -2.75), (0.8, -2.85)]
        + [(0.75, -2.1)],
        1.5,
    ),
    bone([(-0.55, -1.75), (-0.5, -2.75), (-1.15, -2.65), (-1.25, -2.1), (-0.95, -1.7)], 1.3),
    bone(  # trapezium
        [(-1.35, -2.0), (-2.05, -1.8), (-2.5, -2.2), (-2.45, -2.7), (-1.9, -2.9), (-1.35, -2.7)],
        1.4,
    ),
)
# Scaphoid, lunate and the others from the side of the thumb, palm on the left.
WRIST_LATERAL = (
    bone(  # lunate
        [(-0.5, -0.25), (0.5, -0.3), (0.7, -1.0), (0.1, -0.8), (-0.55, -1.3), (-0.8, -0.7)],
        1.3,
        0.1,
    ),
    bone([(0, -1.0), (0.55, -1.3), (0.65, -2.9), (-0.45, -2.9), (-0.45, -1.4)], 1.4, 0.1),
    bone([(-0.5, -0.7), (-1.0, -1.0), (-1.4, -2.1), (-1, -2.4), (-0.5, -1.7), (-0.2, -1.1)], 1.2),
    bone([(-0.7, -2.2), (-1.5, -2.2), (-1.6, -3.0), (-0.8, -3.1)], 1.2),
    bone([(0.4, -0.9), (0.8, -1.5), (0.75, -2.8), (0.1, -2.9), (0.1, -1.4)], 1.2),
    bone([(-0.9, -0.8), (-1.4, -0.9), (-1.4, -1.5), (-0.9, -1.5)], 0.7),
)
FOREARM_END = moved((RADIUS_FRONTAL, ULNA_FRONTAL), (0.97, 24.0), stretch=(1, -1))

BASE_CM = ((-2.35, -2.95), (-1.02, -2.9), (-0.05, -3.15), (0.95, -3.0), (1.75, -2.75))
DIRECTION_DEGREES = (-40, -10, -1, 8, 17)
LENGTHS_CM = (
    (4.4, 3.1, 2.2),
    (6.7, 4.1, 2.4, 1.7),
    (6.4, 4.5, 2.8, 1.8),
    (5.7, 4.2, 2.6, 1.8),
    (5.3, 3.3, 1.9, 1.6),
)
WIDTHS_CM = (
    (1.5, 1.4, 1.25),
    (1.55, 1.4, 1.15, 0.95),
    (1.4, 1.45, 1.25, 1.0),
    (1.25, 1.35, 1.15, 0.95),
    (1.25, 1.2, 0.95, 0.8),
)


def ray(
    number: int, spread=1.0, bend_degrees=(0.0, 0.0, 0.0), seen=1.0, lean=0.0, squeeze=1.0
) -> tuple[tuple[Bone, ...], np.ndarray]:
    """Metacarpal and phalanges of one ray of the hand.

    Args:
        number: 1 (thumb) to 5.
        spread: factor of the angle between the fingers.
        bend_degrees: how far each joint, from the knuckle on, turns on the film.
        seen: length of the phalanges as they appear; below 1 the finger is bent towards the rays.
        lean: bulge of the phalanges, for a finger seen from its side.
        squeeze: how near to one another the rays are; below 1 the hand is turned on its edge.

    Returns:
        Its bones, and (N, 2) joints from the base to the fingertip.
    """
    fan = DIRECTION_DEGREES[number - 1] * squeeze
    index = number - 1
    base, direction = np.array(BASE_CM[index]) * (squeeze, 1), fan * (0.7 + 0.3 * spread)
    bends = np.add(bend_degrees, (fan * 0.5 * (spread - 1), 0, 0))
    lengths = np.array(LENGTHS_CM[index]) * np.where(np.arange(len(LENGTHS_CM[index])), seen, 1)
    return chain(base, direction, lengths, WIDTHS_CM[index], bends, lean)
