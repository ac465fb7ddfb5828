"""Hand, wrist and finger as the body part phantom shows them, fingers upwards."""

import numpy as np

from radiokit.phantoms.arm_bones import RADIUS_LATERAL, ULNA_LATERAL
from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.hand_bones import (
    CARPALS,
    FOREARM_END,
    WRIST_LATERAL,
    ray,
)
from radiokit.phantoms.injuries import broken, plaster, plate_with_screws, wire
from radiokit.phantoms.limbs import (
    Pose,
    bone_shadow,
    compose,
    draw_pose,
    limb,
    moved,
    posed,
    turned,
)
from radiokit.phantoms.outlines import solid_thickness_cm
from radiokit.phantoms.projection import Film
from radiokit.phantoms.rays import METACARPAL, PHALANX, rod_bone

PALM = np.array(
    [(-2.2, 0.3), (-3.0, -1.8), (-3.3, -4.0), (-3.0, -6.5), (-2.7, -9.6), (-0.5, -10.3)]
    + [(1.6, -9.7), (3.9, -8.2), (3.9, -5.5), (3.1, -2.4), (2.7, 0.3)]
)


def _draw_hand(film, build, rng, middle_cm, squeeze=1.0):
    """A hand on its palm, or, squeezed, turned towards its edge."""
    pose = draw_pose(build, rng, 6, 0.6, middle_cm)
    rays = _rays(rng, squeeze)
    joints = [line for _, line in rays]
    bones = [each for bones, _ in rays for each in bones]
    carpals = moved(CARPALS, stretch=(squeeze, 1))
    forearm = moved(FOREARM_END, stretch=(0.45 + 0.55 * squeeze, 1))
    shadow = bone_shadow(film, (*carpals, *forearm), pose, build)
    shadow += _perhaps_broken(film, bones, pose, build, rng)
    ring = _ring(film, joints[3], pose) if rng.random() < 0.1 else 0.0
    body = _hand_flesh(film, joints, pose, build, squeeze)
    return compose(film, body, shadow, build, rng, ring)


def _rays(rng: np.random.Generator, squeeze: float):
    """Bones and joints of every ray, the fingers spread and bent a little."""
    spread, thumb = rng.uniform(0.6, 1.6), rng.uniform(0.7, 1.2)
    rays = []
    for number in range(1, 6):
        bend = rng.normal(0, 3, 3) * (1, 0.7, 0.7)
        seen = rng.uniform(0.93, 1)
        mine = spread if number > 1 else thumb
        rays.append(ray(number, mine, bend, seen, 0.1 * (1 - squeeze), squeeze))
    return rays


def _perhaps_broken(film, bones, pose, build, rng):
    """Bones of the rays; at times one of them has a fracture."""
    if rng.random() > 0.12:
        return bone_shadow(film, bones, pose, build)
    chosen = int(rng.integers(len(bones)))
    place = posed(bones[chosen].corners_cm, pose).mean(axis=0)
    piece = bone_shadow(film, bones[chosen : chosen + 1], pose, build)
    others = bone_shadow(film, [*bones[:chosen], *bones[chosen + 1 :]], pose, build)
    return others + broken(film, piece, place, -90, rng)


def _hand_flesh(film: Film, joints, pose: Pose, build: Build, squeeze: float):
    palm = posed(PALM * (squeeze, 1), pose)
    body = solid_thickness_cm(film, palm, (2.4 + 0.5 * build.fat_cm) * pose.scale)
    for number, line in enumerate(joints):
        radii = np.linspace(1.12 if number else 1.45, 0.64, len(line))
        body = np.maximum(body, limb(film, line, radii, pose, build))
    radii = np.array((2.8, 2.8, 3.8)) * (0.3 + 0.7 * squeeze)
    forearm = limb(film, [(0.4 * squeeze, -0.5), (0.4 * squeeze, 4), (0.2, 14)], radii, pose, build)
    return np.maximum(body, 0.85 * forearm / (0.3 + 0.7 * squeeze) ** 0.5)


def _ring(film, joints, pose):
    """A wedding ring from its side."""
    middle = joints[1] + 0.45 * (joints[2] - joints[1])
    along = (joints[2] - joints[1]) / np.linalg.norm(joints[2] - joints[1])
    aside = 0.85 * np.array([-along[1], along[0]])
    return wire(film, posed([middle - aside, middle + aside], pose), 0.1)


def draw_hand_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The palm on the film; the film ends at the wrist joint."""
    return _draw_hand(film, build, rng, (0.3, -9.6))


def draw_hand_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The thumb's side lifted: metacarpals nearer to one another."""
    return _draw_hand(film, build, rng, (0.2, -9.3), rng.uniform(0.6, 0.75))


def draw_hand_and_wrist(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Fingertips to the forearm, as for the age of the bones."""
    return _draw_hand(film, build, rng, (0.3, -7.0))


def draw_hand_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """On the little finger's edge, fingers fanned out, bones of the palm over one another."""
    pose = draw_pose(build, rng, 5, 0.6, (-1.5, -8.4))
    bones, joints = list(_wrist_lateral_bones()), []
    fan = rng.uniform(7, 14)
    for number in range(1, 6):
        ray_bones, line = ray(number, 0.5, rng.normal(0, 6, 3), rng.uniform(0.88, 1), 0.07)
        about, shift = line[0], (-0.35, -3.0) - line[0]
        turn = (-22, -1.5 * fan, -0.6 * fan, 0.1 * fan, 0.7 * fan)[number - 1]
        base = 0.2 * turn if number > 1 else turn
        line = turned(line, base, about) + shift
        ray_bones = moved(moved(ray_bones, (0, 0), base, about), shift)
        knuckle = line[1]
        more = 0.8 * turn - 12 if number > 1 else 0
        line = np.concatenate([line[:1], turned(line[1:], more, knuckle)])
        bones += (ray_bones[0], *moved(ray_bones[1:], (0, 0), more, knuckle))
        joints.append(line)
    body = _hand_flesh(film, joints, pose, build, 0.45)
    return compose(film, body, bone_shadow(film, bones, pose, build), build, rng)


# -- wrist -----------------------------------------------------------------------------------------


def _draw_wrist(film, build, rng, squeeze=1.0, deviation=0.0, middle_cm=(0.0, -1.0)):
    """The wrist from its back; `deviation` degrees towards the little finger."""
    pose = draw_pose(build, rng, 5, 0.5, middle_cm)
    rays = _rays(rng, squeeze)
    hand = [*moved(CARPALS, stretch=(squeeze, 1)), *(each for bones, _ in rays for each in bones)]
    hand = moved(hand, (0, 0), deviation, (0.2 * squeeze, -1.2))
    joints = [turned(line, deviation, (0.2 * squeeze, -1.2)) for _, line in rays]
    forearm = moved(FOREARM_END, stretch=(0.4 + 0.6 * squeeze, 1))
    shadow = bone_shadow(film, hand, pose, build)
    shadow, extra = _radius_and_ulna(film, forearm, shadow, pose, build, rng)
    body = _hand_flesh(film, joints, pose, build, squeeze)
    if rng.random() < 0.08:
        extra = extra + plaster(film, body, rng)
    return compose(film, body, shadow, build, rng, extra)


def _radius_and_ulna(film, forearm, shadow, pose, build, rng):
    """The end of the forearm added: whole, broken, or with a plate on the radius."""
    radius = bone_shadow(film, forearm[:1], pose, build)
    finding = rng.choice(["none", "fracture", "plate"], p=[0.8, 0.13, 0.07])
    extra = 0.0
    if finding == "fracture":
        place = posed([(-0.4, rng.uniform(1.2, 2.4))], pose)[0]
        radius = broken(film, radius, place, -90, rng)
    if finding == "plate":
        start, end = posed([(-1.9, 0.5), (-1.7, 6.0)], pose)
        extra = plate_with_screws(film, start, end, 1.8)
    return shadow + radius + bone_shadow(film, forearm[1:], pose, build), extra


def draw_wrist_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The wrist between the middle of the palm and the end of the forearm."""
    return _draw_wrist(film, build, rng)


def draw_wrist_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The thumb's side lifted by some 45 degrees."""
    return _draw_wrist(film, build, rng, rng.uniform(0.65, 0.78))


def draw_wrist_scaphoid(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The hand turned towards the little finger, so that the scaphoid is seen in full."""
    return _draw_wrist(film, build, rng, 1.0, rng.uniform(14, 24), (-0.2, -1.6))


def _wrist_lateral_bones():
    forearm = moved((RADIUS_LATERAL, ULNA_LATERAL), (0.3, 24.0), stretch=(1, -1))
    return (*WRIST_LATERAL, *forearm)


def draw_wrist_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Radius and ulna over one another, palm to the left."""
    pose = draw_pose(build, rng, 5, 0.5, (-0.3, -0.8))
    bones = list(_wrist_lateral_bones())
    for number, lean in zip(range(2, 6), (-3, -1, 2, 5), strict=True):
        base = (-0.55 + 0.28 * (number - 2), -3.1)
        length = 6.8 - 0.35 * (number - 2)
        bones.append(rod_bone(base, lean + rng.normal(0, 1.5), length, 1.2, METACARPAL, 0.2))
    thumb = rng.uniform(-48, -25)
    bones.append(rod_bone((-1.35, -3.2), thumb, 4.4, 1.3, METACARPAL, 0.2))
    tip = np.array([(-1.35, -3.2)]) + turned([(0, -4.6), (0, -9)], thumb)
    bones.append(rod_bone(tip[0], thumb, 3.1, 1.3, PHALANX, 0.2))
    body = limb(film, [(0.1, -1), (0.1, 4), (0, 14)], (2.0, 2.2, 3.0), pose, build)
    palm = limb(
        film, [(0, 0), (-0.1, -3), (-0.1, -7), (-0.1, -11)], (2, 1.9, 1.8, 1.2), pose, build
    )
    thumb_flesh = limb(film, [(-0.6, -2.2), *tip], (1.6, 1.4, 0.9), pose, build)
    body = np.maximum(1.3 * np.maximum(body, palm), thumb_flesh)
    return compose(film, body, bone_shadow(film, bones, pose, build), build, rng)


HAND_VIEWS = (
    View(("Hand",), "Frontal", (23.0, 19.0), True, draw_hand_frontal),
    View(("Hand",), "Oblique", (23.0, 16.0), True, draw_hand_oblique),
    View(("Hand",), "Lateral", (24.0, 18.0), True, draw_hand_lateral),
    View(("Hand", "Wrist"), "Frontal", (28.0, 20.0), True, draw_hand_and_wrist),
    View(("Wrist",), "Frontal", (15.0, 11.0), True, draw_wrist_frontal),
    View(("Wrist",), "Lateral", (16.0, 10.0), True, draw_wrist_lateral),
    View(("Wrist",), "Oblique", (15.0, 10.0), True, draw_wrist_oblique),
    View(("Wrist",), "Frontal", (11.0, 10.0), True, draw_wrist_scaphoid),
)
