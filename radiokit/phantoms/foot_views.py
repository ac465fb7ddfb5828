"""Ankle and feet as the body part phantom shows them."""

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.foot_bones import (
    FOOT_FRONTAL,
    FOOT_LATERAL,
    FOOT_OUTLINE_CM,
    TARSALS_ABOVE,
    toe_ray,
)
from radiokit.phantoms.injuries import broken, plaster, plate_with_screws
from radiokit.phantoms.leg_bones import (
    ANKLE_CM,
    FIBULA_FRONTAL,
    FIBULA_LATERAL,
    TIBIA_FRONTAL,
    TIBIA_LATERAL,
)
from radiokit.phantoms.limbs import (
    bone,
    bone_shadow,
    compose,
    draw_pose,
    half_film,
    limb,
    moved,
    posed,
    turned,
)
from radiokit.phantoms.outlines import solid_thickness_cm
from radiokit.phantoms.projection import Film

TO_THE_ANKLE = (-ANKLE_CM[0], -ANKLE_CM[1])
SHIN_CM = ([(-0.3, -24), (-0.3, -14), (-0.2, -6), (-0.3, -1), (-0.3, 3)], (5.6, 4.8, 3.6, 3.7, 3.9))
SHIN_LATERAL_CM = ([(0.8, -24), (0.6, -14), (0.1, -6), (0, 0)], (5.8, 5.0, 3.6, 3.8))


# -- ankle -----------------------------------------------------------------------------------------


def _draw_ankle_frontal(film, build, rng, squeeze, middle_cm=(-0.3, 0.3)):
    """Tibia and fibula around the talus; squeezed where the foot is turned inwards."""
    pose = draw_pose(build, rng, 4, 0.6, middle_cm)
    tibia = moved((TIBIA_FRONTAL,), TO_THE_ANKLE, stretch=(0.5 + 0.5 * squeeze, 1))
    fibula = moved((FIBULA_FRONTAL,), np.add(TO_THE_ANKLE, (3 * (1 - squeeze), 0)))
    foot = moved(FOOT_FRONTAL, (0, 0), rng.normal(0, 3), stretch=(squeeze, 1))
    fibula_shadow, metal = bone_shadow(film, fibula, pose, build), 0.0
    finding = rng.choice(["none", "fracture", "plate"], p=[0.76, 0.14, 0.1])
    if finding == "fracture":
        place = posed([(-2.2, rng.uniform(-2.5, 0.8))], pose)[0]
        fibula_shadow = broken(film, fibula_shadow, place, 90, rng)
    if finding == "plate":
        start, end = posed([(-2.8, -6.5), (-3.1, 0.3)], pose)
        metal = plate_with_screws(film, start, end, 1.1 * pose.scale)
    shadow = fibula_shadow + bone_shadow(film, (*tibia, *foot), pose, build)
    body = limb(film, *SHIN_CM, pose, build)
    heel = limb(film, [(-0.3, 0), (-0.4, 4.2)], (3.8, 3.6), pose, build)
    body = np.maximum(body, heel)
    if rng.random() < 0.07:
        metal = metal + plaster(film, body, rng, 0.6)
    return compose(film, body, shadow, build, rng, metal)


def draw_ankle_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Tibia, fibula and talus from the front."""
    return _draw_ankle_frontal(film, build, rng, rng.uniform(0.95, 1.05))


def draw_ankle_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The foot turned inwards: tibia and fibula over one another, the talus slim."""
    return _draw_ankle_frontal(film, build, rng, rng.uniform(0.72, 0.85))


def _draw_foot_lateral(film, build, rng, middle_cm, flex_degrees):
    """Tibia, heel and toes from the side, toes on the left."""
    pose = draw_pose(build, rng, 4, 0.6, middle_cm)
    leg = moved((TIBIA_LATERAL, FIBULA_LATERAL), TO_THE_ANKLE)
    leg = moved(leg, (0, 0), flex_degrees, (0, 1.5))
    foot, finding = FOOT_LATERAL, rng.choice(["none", "heel", "spur"], p=[0.8, 0.08, 0.12])
    if finding == "spur":
        spur = [(3.3, 6.2), (2.4, 6.3), (1.9, 6.5), (2.7, 6.6), (3.8, 6.5)]
        foot = (*foot, bone(spur, 0.5))
    shadow = bone_shadow(film, (*leg, *foot[:1], *foot[2:]), pose, build)
    heel = bone_shadow(film, foot[1:2], pose, build)
    if finding == "heel":
        heel = broken(film, heel, posed([(1.5, 4)], pose)[0], 10, rng)
    outline = FOOT_OUTLINE_CM.copy()
    outline[[0, -1]] = turned(outline[[0, -1]], flex_degrees, (0, 1.5))
    body = 1.1 * solid_thickness_cm(film, posed(outline, pose), 5.2 * pose.scale)
    line = turned(SHIN_LATERAL_CM[0], flex_degrees, (0, 1.5))
    body = np.maximum(body, limb(film, line, SHIN_LATERAL_CM[1], pose, build))
    return compose(film, body, shadow + heel, build, rng)


def draw_ankle_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Talus between tibia and calcaneus, the beginning of the foot."""
    return _draw_foot_lateral(film, build, rng, (-0.6, 0.3), rng.normal(0, 8))


def draw_ankle_and_foot(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The ankle and all of the foot from the side."""
    return _draw_foot_lateral(film, build, rng, (-6.5, 0.0), rng.normal(0, 8))


def draw_foot_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Heel to toes from the side, the film ending above the talus."""
    return _draw_foot_lateral(film, build, rng, (-6.5, 3.6), rng.normal(0, 6))


# -- feet from above -------------------------------------------------------------------------------


def _draw_foot_above(film, build, rng, middle_cm, squeeze=1.0, turn_degrees=0.0):
    """Toes upwards, big toe on the left; squeezed where the foot lies on its inner edge."""
    pose = draw_pose(build, rng, 4, 0.5, middle_cm, turn_degrees)
    valgus, spread = np.clip(rng.normal(9, 6), 0, 28), rng.uniform(0.85, 1.2)
    rays = [toe_ray(number, valgus, spread, squeeze) for number in range(1, 6)]
    bones = [*moved(TARSALS_ABOVE, stretch=(squeeze, 1))]
    shin = [(-2.2, 6.6), (1.4, 6.4), (1.8, 9), (1.4, 16), (-1.6, 16), (-2.5, 9)]
    shadow = bone_shadow(film, (*bones, bone(np.multiply(shin, (squeeze, 1)), 1.6)), pose, build)
    for ray_bones, line in rays:
        piece = bone_shadow(film, ray_bones, pose, build)
        if rng.random() < 0.03:
            place = posed([line[0] + rng.uniform(0.2, 0.8) * (line[1] - line[0])], pose)[0]
            piece = broken(film, piece, place, -90, rng)
        shadow += piece
    body = _foot_flesh(film, [line for _, line in rays], pose, build, squeeze)
    return compose(film, body, shadow, build, rng)


def _foot_flesh(film, joints, pose, build, squeeze):
    left, right = joints[0][1], joints[4][1]
    outline = [
        (-2.9, 11),
        (-3.6 * squeeze, 6),
        (-3.6 * squeeze, 1),
        left + (-1.5, 2),
        left + (-1.4, -1),
    ]
    outline += [left + (1.5, -3.2), right + (-1.5, -2.2), right + (1.2, -0.6), right + (1.3, 2)]
    outline += [(3.9 * squeeze, 2), (3.4, 7), (2.8, 10.5), (1.0, 12.2), (-1.3, 12.4)]
    body = solid_thickness_cm(film, posed(outline, pose), 4.2 * pose.scale)
    for number, line in enumerate(joints):
        radii = np.linspace(1.4, 1.15, len(line) - 1) if number == 0 else 0.8
        radii = np.broadcast_to(radii, len(line) - 1)
        body = np.maximum(body, limb(film, line[1:], radii, pose, build))
    y = film.grid_cm()[1] - pose.shift_cm[1]
    thicker_behind = np.clip(0.9 + (y / pose.scale + 6) / 40, 0.9, 1.3)
    return body * thicker_behind


def draw_foot_above(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The sole on the film."""
    return _draw_foot_above(film, build, rng, (0.3, -1.0))


def draw_foot_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The outer edge lifted."""
    return _draw_foot_above(film, build, rng, (0.2, -1.0), rng.uniform(0.68, 0.82))


def draw_forefoot(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Toes and metatarsals only."""
    return _draw_foot_above(film, build, rng, (0.2, -6.0))


def draw_both_feet(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Both feet side by side, big toes next to one another."""
    half = half_film(film)
    left = _draw_foot_above(half, build, rng, (0.2, -1.0), 1.0, 3)[:, ::-1]
    right = _draw_foot_above(half, build, rng, (0.2, -1.0), 1.0, 3)
    return np.concatenate([left, right], axis=1)[:, : film.shape[1]]


FOOT_VIEWS = (
    View(("Ankle",), "Frontal", (18.0, 13.0), True, draw_ankle_frontal),
    View(("Ankle",), "Lateral", (18.0, 16.0), True, draw_ankle_lateral),
    View(("Ankle",), "Oblique", (18.0, 13.0), True, draw_ankle_oblique),
    View(("Ankle", "Feet"), "Lateral", (22.0, 29.0), True, draw_ankle_and_foot),
    View(("Feet",), "Frontal", (28.0, 14.0), True, draw_foot_above),
    View(("Feet",), "Oblique", (28.0, 13.0), True, draw_foot_oblique),
    View(("Feet",), "Lateral", (14.0, 29.0), True, draw_foot_lateral),
    View(("Feet",), "Frontal", (18.0, 13.0), True, draw_forefoot),
    View(("Feet",), "Frontal", (28.0, 26.0), False, draw_both_feet),
)
