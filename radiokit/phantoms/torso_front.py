"""The trunk of the body part phantoms from the front: one torso, of which each view is a window.

Centimetres of the torso: (0, 0) is the third lumbar vertebra, the neck is up at -40 and the hips
are down at 20; the patient's left is at positive x, where the heart and the stomach are.
"""

import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import AIR, MARROW, SOFT, plate_bone, texture
from radiokit.phantoms.pelvis_bones import project_pelvis
from radiokit.phantoms.projection import Film, smooth_noise
from radiokit.phantoms.skeleton import RIB_DROP_Y, RIB_END_DEGREES, RIB_REACH_X
from radiokit.phantoms.torso_shapes import MIRROR, both_sides, curve, pillow, stroke, strokes
from radiokit.phantoms.vertebrae import THORACIC, Vertebra, front_turns, lay_spine, project_front

_BETWEEN_LEGS = [(0, 25), (0.9, 32), (1.6, 60), (-1.6, 60), (-0.9, 32)]
_LIVER = [(-13, -13), (-8, -16), (-1, -14), (4, -12), (-3, -6), (-11, 0), (-13.5, -4)]
_PSOAS = [(1.8, -9), (3.4, -4), (5.6, 4), (7.6, 13), (5, 13), (2.4, 0)]
_KIDNEY = [(4.6, -10), (7, -8.5), (7.4, -5), (6.4, -1.6), (4.4, -3.4), (4.2, -7)]
_BLADE = [(14.6, -34.6), (12.2, -35.6), (10.2, -33.4), (11.8, -25), (12.8, -24), (14.2, -29)]
_HUMERUS_TOP = [
    *[(15.4, -35), (17.4, -36), (19.6, -34.6), (19.9, -32), (20.6, -22), (22, -10), (19.8, -10)],
]

PELVIS_Y_CM = 17.5

_TRUNK = [
    *[(0, -60), (5.6, -60), (5.5, -42), (8, -39), (16, -36.5), (20.5, -32), (20, -26)],
    *[(16.6, -22), (15.6, -12), (14.6, -3), (15.4, 5), (17.6, 14), (18.6, 22), (18, 34)],
    *[(16.5, 60), (0, 60)],
]
_LUNG = [
    *[(2.4, -24), (2.2, -30), (2, -36), (3.2, -38.4), (5.6, -38)],
    *[(8.4, -35), (11.4, -29), (13, -22)],
]
_LUNG_BASE = [(13.3, 3.4), (12.9, 4.6), (10.4, 1.0), (6.8, -0.6), (3.4, 0.3)]
_ARM = [
    *[(17, -36), (21, -33), (23, -26), (25, -10), (26, 8), (24, 20), (22, 8)],
    *[(20, -12), (17.5, -26)],
]
_HEART = [
    *[(-2.2, -32), (1.8, -33), (3.2, -30.6), (3.0, -28.4), (4.2, -26.4), (6.8, -22.6)],
    *[(8.6, -18.4), (7.8, -16.4), (3, -15.2), (-2.4, -15.6), (-4.2, -18.4), (-4.4, -21.6)],
    *[(-3.2, -25.4), (-2.8, -28)],
]


def lay_front(build: Build, rng: np.random.Generator) -> list[Vertebra]:
    """The whole spine from C3 to L5 in the torso's centimetres."""
    return lay_spine("C3", "L5", "L3", (0, 0), front_turns(build, rng))


def project_trunk(film: Film, build: Build, rng, belly_gas, breath=1.0, lost_air=0.0):
    """Attenuation of the whole trunk.

    Args:
        film: the grid, in the torso's centimetres.
        build: who.
        rng: draws the spine, the lungs and the rest.
        belly_gas: thickness of the gas in the bowel above each pixel, cm.
        breath: 0 breathed out .. 1 breathed in: how far down the diaphragm is.
        lost_air: share (0..1) of the lungs' gas that disease has taken, above each pixel.
    """
    spine = lay_front(build, rng)
    soft = trunk_thickness(film, build) * (1 + 0.012 * smooth_noise(rng, film.shape, 14))
    air = lung_air(film, build, rng, breath) * (1 - lost_air) + windpipe(film) + belly_gas
    bone = 0.85 * project_front(film, spine, build.density)
    bone += project_ribs(film, spine, build) + project_shoulders(film, build)
    if film.top_cm + film.shape[0] * film.pixel_cm > 4:
        place = Film(film.shape, film.pixel_cm, film.left_cm, film.top_cm - PELVIS_Y_CM)
        bone += project_pelvis(place, build, rng, tilt=0.25 * build.wobble[1])
    return SOFT * (soft + solid_organs(film)) + AIR * air + bone


def trunk_thickness(film: Film, build: Build) -> np.ndarray:
    """Muscle, fat and organs, cm."""
    stout = 1 + 0.1 * (build.fat_cm - 0.7)
    outline = both_sides(_TRUNK) * (stout, 1)
    depth = 17 * stout
    trunk = pillow(film, outline, depth, 9)
    arms = sum(pillow(film, np.asarray(_ARM) * (side * stout, 1), 9, 4) for side in (1, -1))
    legs = pillow(film, _BETWEEN_LEGS, 0.7 * depth, 1.5)
    return np.maximum(trunk, arms) - legs


def solid_organs(film: Film) -> np.ndarray:
    """How much thicker the film is above liver, psoas and kidneys, as if of soft tissue, cm."""
    liver = pillow(film, _LIVER, 1.6, 3)
    psoas = sum(pillow(film, np.array(_PSOAS) * side, 1.3, 1.2) for side in (np.ones(2), MIRROR))
    kidneys = [_KIDNEY]
    kidneys.append([(-x, y + 1.5) for x, y in kidneys[0]])
    return liver + psoas + sum(pillow(film, one, 0.9, 1) for one in kidneys)


# -- chest ---------------------------------------------------------------------------------------


def lung_air(film: Film, build: Build, rng: np.random.Generator, breath: float) -> np.ndarray:
    """Gas of both lungs above each pixel, cm: heart, vessels and diaphragm taken out."""
    low = -18.5 + 3.5 * breath
    wide = 1 + 0.03 * build.wobble[3]
    total = np.zeros(film.shape, np.float32)
    for side, step in ((-1, -0.6), (1, 0.6)):
        base = np.asarray(_LUNG_BASE) + (0, low + step)
        outline = np.concatenate([_LUNG, base]) * (side * wide, 1)
        total += pillow(film, outline, 11, 4)
    heart_size = np.array([1 + 0.06 * build.wobble[5], 1])
    place = np.asarray(_HEART) * heart_size - (0, 0.0 if breath > 0.5 else 2.0)
    heart = pillow(film, place, 1, 2.5)
    total *= (1 - 0.8 * heart) * texture(film, rng, 0.9, 0.05) * 0.85
    return np.clip(total - _vessels(film, rng) * (total > 2), 0, None)


def _vessels(film, rng):
    """Blood in the vessels that fan out from both hila, cm."""
    total = np.zeros(film.shape, np.float32)
    for generation, width in enumerate((0.9, 0.55, 0.32)):
        lines = []
        for side in (-1, 1):
            for angle in rng.uniform(-1.3, 1.4, 4 + 4 * generation):
                start = np.array([side * 3.0, -27.5 + 0.8 * side]) + 0.6 * rng.standard_normal(2)
                way = np.array([side * np.cos(angle), np.sin(angle)]) * (2.5 + 2.6 * generation)
                lines.append([start, start + 0.5 * way + 0.3 * rng.standard_normal(2), start + way])
        total += width * strokes(film, lines, width)
    return total


def windpipe(film: Film) -> np.ndarray:
    """Trachea and main bronchi, cm."""
    tubes = 1.6 * stroke(film, [(0, -52), (0, -38), (-0.3, -30.5)], 1.7)
    bronchi = [[(-0.3, -31), (-1.5, -29), (-3, -27.6)], [(-0.2, -31), (1.8, -29), (3.8, -28)]]
    return np.maximum(tubes, 1.1 * strokes(film, bronchi, 1.1))


def project_ribs(film: Film, spine: list[Vertebra], build: Build) -> np.ndarray:
    """All ribs of both sides: behind bright, towards the front fainter, as they turn to gristle."""
    behind, front = [], []
    for number, one in enumerate(one for one in spine if one.name in THORACIC):
        for side in (-1, 1):
            rib = _rib_line(number, one, side, build)
            behind.append(rib[: len(rib) * 6 // 10])
            front.append(rib[len(rib) * 6 // 10 - 1 :])
    width = 1.05 + 0.1 * np.clip(build.wobble[6], -2, 2)
    bone = np.zeros(film.shape, np.float32)
    for lines, strength in ((behind, 1.0), (front, 0.55)):
        edges = [line + (0, step) for line in lines for step in (-0.45 * width, 0.42 * width)]
        bone += strength * 0.14 * strokes(film, lines, width, smooth=False)
        bone += strength * 0.13 * strokes(film, edges, 0.2, smooth=False)
    return build.density * bone


def _rib_line(number, vertebra, side, build):
    """Points of one rib from beside its vertebra round the flank to its front end."""
    x, y = vertebra.centre
    if number >= 10:
        reach = np.array([[1.6, 0.2], [5, 1.6], [8.4, 4.6]]) * (1 if number == 10 else 0.75)
        return curve(reach * (side, 1) + (x, y), count=30)
    fraction = np.linspace(0, 1, 40)
    reach = RIB_REACH_X[number] * (1 + 0.03 * build.wobble[3])
    start = np.arcsin(min(0.9, 1.9 / reach))
    angle = start + fraction * (np.radians(RIB_END_DEGREES[number]) - start)
    drop = RIB_DROP_Y[number] * (1 + 0.08 * build.wobble[7])
    down = drop * fraction**1.7 - 0.9 * np.sin(np.pi * fraction) * (1 - fraction)
    return np.stack([x + side * reach * np.sin(angle), y - 0.3 + down], axis=1)


def project_shoulders(film: Film, build: Build) -> np.ndarray:
    """Clavicles, shoulder blades and the heads of the humeri."""
    if film.top_cm > -24:
        return np.zeros(film.shape, np.float32)
    rise = 0.8 * build.wobble[2]
    bone = np.zeros(film.shape, np.float32)
    for side in (np.ones(2), MIRROR):
        collar = np.array([(1.7, -33.6), (5, -34.6), (9, -36.4 - rise), (14.6, -37 - rise)]) * side
        bone += 0.2 * stroke(film, collar, 1.2) + 0.25 * stroke(film, collar, 0.7)
        blade = np.array(_BLADE)
        bone += 0.8 * plate_bone(film, curve(blade * side, True), 0.9)
        head = _HUMERUS_TOP
        humerus = np.array([*head, (18.2, -24), (16.6, -31), (15.2, -33)]) * side
        bone += 2 * MARROW * pillow(film, humerus, 1.6, 1)
        bone += 0.2 * stroke(film, humerus, 0.35, closed=True)
    return build.density * bone
