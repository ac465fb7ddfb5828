"""Bones of the right foot as outlines, x and y in cm.

From the front and from the side (toes on the left) the origin is the middle of the ankle; from
above (toes upwards, big toe on the left, as one sees one's own right foot) it is where the
metatarsals begin.
"""

import numpy as np

from radiokit.phantoms.limbs import Bone, bone
from radiokit.phantoms.rays import METACARPAL, chain, rod_bone

FOOT_FRONTAL = (
    bone(  # talus
        [(-1.35, 0.15), (-0.2, 0.1), (0.9, 0.2), (1.25, 1.0), (1.55, 2.2), (0.6, 2.7), (-1, 2.7)]
        + [(-1.9, 2.1), (-1.65, 1.1)],
        2.6,
        0.1,
    ),
    bone(  # calcaneus
        [(-1.9, 2.9), (-0.5, 2.7), (0.9, 2.7), (1.1, 3.5), (0.8, 5.2), (-0.4, 5.9), (-1.7, 5.3)]
        + [(-2.1, 4)],
        3.2,
    ),
    bone(  # the rest of the foot, from its toes to the heel
        [(-2.7, 3.2), (-1.5, 2.3), (0, 1.9), (2.3, 2.2), (2.9, 3.4), (1.8, 4.3), (-1.5, 4.6)]
        + [(-2.9, 4.2)],
        2.0,
    ),
)
TALUS_LATERAL = bone(
    [(-1.9, 0.65), (-1.1, 0.15), (0.1, -0.02), (1.3, 0.3), (2.1, 1.2), (2.3, 1.8), (1.4, 1.9)]
    + [(0.4, 1.7), (-0.6, 2.2), (-1.5, 2.3), (-2.8, 2.5), (-3.9, 2.7), (-4.4, 1.9), (-4.1, 1.0)]
    + [(-3.1, 0.9), (-2.4, 1.1)],
    3.2,
    0.1,
)
CALCANEUS_LATERAL = bone(
    [(5.1, 3.0), (3.6, 2.8), (2.4, 2.2), (1.4, 2.0), (0.4, 2.7), (-0.6, 2.75), (-1.0, 3.0)]
    + [(-2.6, 3.0), (-3.2, 3.8), (-3.0, 4.8), (-1.5, 5.0), (1.2, 5.5), (3.6, 6.4), (5.0, 6.4)]
    + [(5.7, 5.2), (5.6, 3.8)],
    3.0,
    0.1,
)
NAVICULAR_LATERAL = bone(
    [(-4.4, 0.9), (-5.1, 1.1), (-5.5, 2.2), (-5.2, 3.2), (-4.5, 3.0), (-4.55, 1.9)], 2.4
)
CUBOID_LATERAL = bone([(-3.3, 3.3), (-5.0, 3.4), (-6.0, 4.3), (-5.6, 5.2), (-3.3, 4.9)], 2.0)
CUNEIFORMS_LATERAL = (
    bone([(-5.35, 1.2), (-7.2, 1.9), (-7.7, 3.4), (-6.6, 4.0), (-5.4, 3.2), (-5.65, 2.2)], 2.0),
    bone([(-5.6, 1.5), (-7.0, 1.8), (-7.2, 3.2), (-5.7, 3.1)], 1.4),
)
# Base, end, width of the base; the big toe's first.
METATARSALS_LATERAL = (
    ((-7.5, 2.8), (-13.0, 5.5), 2.0),
    ((-7.2, 2.4), (-13.9, 5.7), 1.4),
    ((-7.0, 3.0), (-13.4, 6.0), 1.3),
    ((-6.6, 3.8), (-12.6, 6.2), 1.2),
    ((-5.8, 4.8), (-11.8, 6.4), 1.3),
)
TOES_LATERAL = (
    ((-13.2, 5.6), (-16.3, 6.0), 1.5),
    ((-16.4, 6.0), (-18.6, 6.3), 1.3),
    ((-14.0, 5.8), (-16.2, 5.6), 0.9),
    ((-16.3, 5.7), (-17.6, 6.4), 0.8),
    ((-12.8, 6.3), (-14.6, 6.1), 0.9),
    ((-14.7, 6.2), (-15.8, 6.7), 0.8),
)


def _between(start_cm, end_cm, width_cm, cortex) -> Bone:
    step = np.subtract(end_cm, start_cm)
    direction = np.degrees(np.arctan2(step[0], -step[1]))
    length = float(np.linalg.norm(step))
    return rod_bone(start_cm, direction, length, width_cm, METACARPAL, cortex * width_cm)


FOOT_LATERAL = (
    *(TALUS_LATERAL, CALCANEUS_LATERAL, NAVICULAR_LATERAL, CUBOID_LATERAL, *CUNEIFORMS_LATERAL),
    *(_between(*rod, 0.16) for rod in METATARSALS_LATERAL),
    *(_between(*rod, 0.14) for rod in TOES_LATERAL),
)
FOOT_OUTLINE_CM = np.array(
    [(2.8, -6), (3.0, -1), (4.2, 1.5), (6.6, 3.2), (7.0, 5.8), (5.4, 7.7), (1, 7.0), (-4, 6.7)]
    + [(-10, 7.4), (-14, 7.6), (-18.5, 7.6), (-19.6, 6.7), (-18.8, 5.3), (-15, 4.2), (-10, 2.2)]
    + [(-6, 0.0), (-3.6, -1.5), (-2.7, -6)]
)
TARSALS_ABOVE = (
    bone([(-3.0, 0.1), (-1.4, -0.05), (-1.3, 2.1), (-2.2, 2.45), (-3.0, 2.4)], 1.9),
    bone([(-1.25, -0.35), (-0.2, -0.4), (-0.25, 1.55), (-1.15, 1.65)], 1.7),
    bone([(-0.1, -0.05), (0.85, 0.05), (1.0, 1.9), (0.2, 2.05), (-0.1, 1.2)], 1.7),
    bone([(1.05, 0.3), (1.9, 0.35), (2.95, 0.95), (2.6, 3.6), (0.9, 3.2), (1.1, 1.8)], 2.0),
    bone(
        [(-2.9, 2.6), (-1, 1.85), (0.3, 2.2), (0.45, 3.1), (-1, 3.2), (-2.2, 3.7), (-3, 3.6)], 2.2
    ),
    bone(  # talus
        [(-2.1, 3.9), (-1.1, 3.4), (0.1, 3.5), (0.4, 4.6), (0.5, 7), (-0.4, 8.5), (-2.1, 8)]
        + [(-2.2, 5.8)],
        3.0,
    ),
    bone(  # calcaneus
        [(0.8, 3.5), (2.4, 3.8), (2.6, 6), (2.1, 9.5), (0.6, 10.9), (-0.9, 10.2), (-0.5, 7)]
        + [(0.5, 5)],
        3.2,
    ),
)
BASES_CM = ((-2.2, -0.15), (-0.75, -0.6), (0.35, -0.2), (1.35, 0.15), (2.4, 0.6))
DIRECTIONS_DEGREES = (-6, -1, 5, 10, 15)
LENGTHS_CM = ((6.0, 3.2, 2.4), (7.2, 2.6, 1.3, 1.0), (6.8, 2.4, 1.1, 0.9))
LENGTHS_CM += ((6.7, 2.2, 0.9, 0.85), (6.5, 2.0, 0.75, 0.8))
WIDTHS_CM = ((2.05, 1.8, 1.6), (1.4, 1.15, 0.9, 0.75), (1.3, 1.1, 0.85, 0.7))
WIDTHS_CM += ((1.25, 1.05, 0.8, 0.7), (1.45, 1.0, 0.8, 0.7))


def toe_ray(number: int, valgus_degrees: float, spread: float, squeeze: float = 1.0):
    """Metatarsal and phalanges of one ray of the foot from above.

    Args:
        number: 1 (big toe) to 5.
        valgus_degrees: how far the big toe leans towards the others.
        spread: factor of the angles between the rays.
        squeeze: how near to one another the rays are; below 1 the foot is turned on its edge.

    Returns:
        Its bones, and (N, 2) joints from the base to the tip.
    """
    index = number - 1
    base = np.array(BASES_CM[index]) * (squeeze, 1)
    direction = DIRECTIONS_DEGREES[index] * spread * squeeze
    bends = (valgus_degrees, -2, 0) if number == 1 else (-0.6 * direction - 1, -3, -2)
    return chain(base, direction, LENGTHS_CM[index], WIDTHS_CM[index], bends)
