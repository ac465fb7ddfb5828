"""Shoulder and clavicles as the body part phantom shows them."""

import numpy as np

from radiokit.phantoms.arm_bones import (
    ACROMION,
    CLAVICLE,
    CORACOID,
    GLENOID,
    HUMERUS_FRONTAL,
    SCAPULA,
    SCAPULAR_SPINE,
)
from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import AIR, lump
from radiokit.phantoms.injuries import broken, plate_with_screws, wire
from radiokit.phantoms.limbs import (
    Bone,
    Pose,
    bone,
    bone_shadow,
    compose,
    draw_pose,
    limb,
    moved,
    posed,
    turned,
)
from radiokit.phantoms.outlines import rod_outline, solid_bone, solid_thickness_cm
from radiokit.phantoms.projection import Film

HEAD_CM = (1.0, -28.8)  # middle of the humerus' head in the frame of the elbow
MIDLINE_CM = 17.0  # from the head of the humerus to the middle of the chest


def shoulder_bones(lift_degrees: float, rng: np.random.Generator) -> tuple[Bone, ...]:
    """Humerus first, clavicle last, scapula between; origin in the head of the humerus.

    Args:
        lift_degrees: how far the arm is lifted.
        rng: how high the clavicle stands.
    """
    humerus = moved((HUMERUS_FRONTAL,), (-HEAD_CM[0], -HEAD_CM[1]))
    humerus = moved(humerus, (0, 0), lift_degrees)
    clavicle = moved((CLAVICLE,), (0, rng.normal(0, 0.15)), rng.normal(0, 4), (0.4, -4.6))
    return (*humerus, GLENOID, SCAPULA, SCAPULAR_SPINE, ACROMION, CORACOID, *clavicle)


def shoulder_flesh(film: Film, pose: Pose, build: Build, lift_degrees: float) -> np.ndarray:
    """Thickness of a shoulder, its arm, and half the chest and the neck beside it.

    Args:
        film: the grid.
        pose: of the shoulder.
        build: who.
        lift_degrees: how far the arm is lifted.
    """
    fat = build.fat_cm - 0.7
    outline = [(2.6, 40), (2.4, 14), (1.2, 6), (-3.4, 3), (-4.3 - fat, -1), (-3.6, -4.0 - fat)]
    outline += [(-1.2, -6.0 - fat), (5, -7.6 - fat), (9.5, -10), (12, -14), (12.3, -30)]
    outline += [(40, -30), (40, 40)]
    trunk = solid_thickness_cm(film, posed(outline, pose), (10.5 + 2 * fat) * pose.scale)
    x, _ = film.grid_cm()
    deep = np.clip((x - pose.shift_cm[0]) / (13 * pose.scale), 0, 1)
    line = turned([(-0.3, -0.5), (-0.9, 5), (-1, 14), (-1, 26), (-1, 36)], lift_degrees)
    arm = limb(film, line, (4.6, 4.9, 4.6, 4.0, 4.4), pose, build)
    return np.maximum(trunk * (1 + 0.6 * deep**2), arm)


def chest_wall(
    film: Film, pose: Pose, build: Build, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What the upper ribs add on the right of a chest; what its lung takes away.

    Args:
        film: the grid.
        pose: of the shoulder.
        build: who.
        rng: wobble of the ribs.
    """
    lung = [(13.9, -6.3), (10.8, -5.0), (8.2, -1.0), (6.4, 5), (5.4, 12), (5.2, 30), (15, 30)]
    lung += [(15, 8), (15.2, -2), (15, -5.5)]
    air = 0.85 * AIR * solid_thickness_cm(film, posed(lung, pose), 13.0 * pose.scale)
    ribs = np.zeros(film.shape, np.float32)
    for number in range(6):
        top = -6.0 + 2.4 * number + rng.normal(0, 0.15)
        reach = np.interp(number, [0, 1, 2, 4, 6], [11.2, 9.0, 7.4, 5.9, 5.2])
        back = [(15.2, top), (12.5, top - 0.5), (reach + 1, top + 1.7), (reach, top + 3.6)]
        front = [(reach, top + 3.6), (reach + 1.3, top + 5.6), (13, top + 7.0)]
        for rib, radius in ((back, 0.5), (front, 0.45)):
            outline = rod_outline(posed(rib, pose), radius * pose.scale)
            ribs += solid_bone(film, outline, 0.8 * pose.scale, 0.13, 0.0, build.density)
    return ribs, air


def _shoulder_film(film, build, rng, pose):
    """A shoulder from the front, at times with a finding in the neck of the humerus."""
    lift = rng.uniform(0, 16)
    bones = shoulder_bones(lift, rng)
    humerus, metal = bone_shadow(film, bones[:1], pose, build), 0.0
    finding = rng.choice(["none", "fracture", "prosthesis"], p=[0.82, 0.12, 0.06])
    if finding == "fracture":
        humerus = broken(film, humerus, posed([(-1.0, 3.0)], pose)[0], 90, rng)
    if finding == "prosthesis":
        stem = wire(film, posed(turned([(-0.6, 0.4), (-1, 4), (-1, 11)], lift), pose), 0.5)
        metal = np.maximum(stem, 0.65 * lump(film, posed([(0.5, -0.1)], pose)[0], (2.3, 2.3)))
    ribs, air = chest_wall(film, pose, build, rng)
    shadow = humerus + bone_shadow(film, bones[1:], pose, build) + ribs
    body = shoulder_flesh(film, pose, build, lift)
    return compose(film, body, shadow, build, rng, metal + air)


def draw_shoulder_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Head of the humerus and glenoid, acromion, the outer clavicle, the edge of the chest."""
    return _shoulder_film(film, build, rng, draw_pose(build, rng, 4, 0.7, (3.2, 1.8)))


def draw_shoulder_and_clavicle(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The shoulder with the whole clavicle."""
    return _shoulder_film(film, build, rng, draw_pose(build, rng, 3, 0.7, (5.6, -0.8)))


def draw_shoulder_scapular(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Along the scapula: its body, acromion and coracoid form a Y behind the head."""
    pose = draw_pose(build, rng, 4, 0.7, (0.8, 2.2))
    humerus = moved((HUMERUS_FRONTAL,), (-0.7, 28.8), stretch=(0.85, 1))
    blade = [(0.2, -1.6), (1.2, -1.2), (1.2, 2), (2.0, 7), (2.9, 12), (2.2, 12.3), (1.0, 7.5)]
    blade += [(0.1, 2.5), (-0.2, 0)]
    acromion = [(0.4, -1.2), (2.0, -3.2), (2.2, -4.6), (0.2, -5.2), (-1.4, -4.9), (-1.2, -4.3)]
    acromion += [(0.6, -4.4), (1.3, -4.0), (0.9, -2.8), (0.0, -1.4)]
    coracoid = [(0.6, -1.4), (-0.6, -2.5), (-2.6, -2.5), (-3.1, -1.7), (-2.4, -1.5), (-1, -1.6)]
    coracoid += [(0, -0.8)]
    bones = [bone(blade, 1.8, 0.14), bone(acromion, 1.4, 0.14), bone(coracoid, 1.4, 0.14)]
    bones = (*moved(humerus, (0, 0), rng.uniform(-6, 6)), *moved(bones, (0, 0), rng.normal(0, 4)))
    bones += moved((CLAVICLE,), (0.4, 0.8), 14, (0, -5), (0.55, 1))
    ribs, air = chest_wall(film, moved_pose(pose, (-3.6, 0.5)), build, rng)
    outline = [(-4.5, 40), (-4.6, 5), (-4.3, -2.5), (-2.2, -6.2), (2, -7.3), (4, -10), (4.6, -30)]
    body = solid_thickness_cm(film, posed([*outline, (40, -30), (40, 40)], pose), 16 * pose.scale)
    shadow = bone_shadow(film, bones, pose, build) + ribs
    return compose(film, body, shadow, build, rng, air)


def draw_shoulder_axial(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """From below the armpit: the arm upwards out of the way, head and glenoid like ball and tee."""
    pose = draw_pose(build, rng, 6, 0.6, (-0.6, 0.2))
    humerus = moved((HUMERUS_FRONTAL,), (-HEAD_CM[0], -HEAD_CM[1]), stretch=(0.95, 1))
    humerus = moved(humerus, (0, 0), rng.uniform(78, 98))
    socket = [(2.5, -1.7), (3.1, -1.3), (4.2, -0.8), (6.5, -0.4), (10, 0.6), (10, 1.4), (6.5, 0.9)]
    socket += [(4.2, 1.0), (3.0, 1.7), (2.6, 1.9), (2.3, 0.1)]
    coracoid = [(4.0, -0.8), (3.8, -2.6), (2.6, -4.2), (1.7, -4.0), (2.5, -2.5), (2.9, -0.9)]
    acromion = [(8, 2.0), (5, 3.4), (1.5, 3.6), (-0.6, 2.4), (-1.0, 0.6), (0.2, 0.7), (1.8, 2.2)]
    acromion += [(5, 2.2), (8, 1.0)]
    clavicle = [(-0.9, 0.4), (-0.5, -0.6), (2, -2.4), (6, -4.4), (10, -5.2), (10, -4.0), (6, -3.2)]
    clavicle += [(2, -1.0)]
    bones = [bone(socket, 2.6, 0.12), bone(coracoid, 1.5, 0.12), bone(acromion, 1.2, 0.12)]
    bones = (*humerus, *bones, bone(clavicle, 1.3, 0.2, 1.1))
    outline = [(-30, -4.4), (-8, -4.6), (-2, -6), (4, -7.5), (30, -9), (30, 9), (4, 6.5), (-3, 4.6)]
    outline += [(-9, 4.4), (-30, 4.6)]
    body = solid_thickness_cm(film, posed(outline, pose), 11 * pose.scale)
    return compose(film, body, bone_shadow(film, bones, pose, build), build, rng)


# -- clavicles -------------------------------------------------------------------------------------


def moved_pose(pose: Pose, shift_cm) -> Pose:
    """The same pose elsewhere on the film.

    Args:
        pose: a pose.
        shift_cm: (x, y).
    """
    shift = (pose.shift_cm[0] + shift_cm[0], pose.shift_cm[1] + shift_cm[1])
    return Pose(pose.scale, pose.turn_degrees, shift, pose.wobble)


def _clavicle_film(film, build, rng, middle_cm, rise_degrees=0.0):
    """One clavicle with scapula, ribs and the edge of the spine."""
    pose = draw_pose(build, rng, 3, 0.5, middle_cm)
    lift = rng.uniform(0, 12)
    shoulder = shoulder_bones(lift, rng)
    clavicle = moved(shoulder[-1:], (0, -0.03 * rise_degrees), -rise_degrees, (14, -3))
    shadow, metal = bone_shadow(film, clavicle, pose, build), 0.0
    finding = rng.choice(["none", "fracture", "plate"], p=[0.75, 0.17, 0.08])
    if finding == "fracture":
        shadow = broken(film, shadow, posed([(rng.uniform(4.5, 8.0), -4)], pose)[0], 180, rng)
    if finding == "plate":
        metal = plate_with_screws(film, *posed([(9.5, -4.6), (2.8, -5.4)], pose), -1.2)
    ribs, air = chest_wall(film, pose, build, rng)
    shadow += bone_shadow(film, (*shoulder[:-1], *midline_bones()), pose, build) + ribs
    body = shoulder_flesh(film, pose, build, lift)
    return compose(film, body, shadow, build, rng, metal + air)


def midline_bones() -> tuple[Bone, ...]:
    """Vertebrae and the upper sternum beside the right shoulder."""
    bones = []
    for number in range(9):
        y = -12 + 2.3 * number
        body = [(-1.6, -0.9), (0, -0.8), (1.6, -0.9), (1.5, 0), (1.65, 0.9), (0, 0.8), (-1.65, 0.9)]
        bones += moved([bone([*body, (-1.5, 0)], 2.4, 0.1)], (MIDLINE_CM, y))
    sternum = [(-2.8, -2.6), (-1.2, -2.2), (0, -2.0), (1.2, -2.2), (2.8, -2.6), (2.2, 1), (1.4, 6)]
    bones += moved([bone([*sternum, (-1.4, 6), (-2.2, 1)], 1.2, 0.1)], (MIDLINE_CM, 0.5))
    return tuple(bones)


def draw_clavicle_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """One clavicle from end to end."""
    return _clavicle_film(film, build, rng, (6.8, -3.6))


def draw_clavicle_tilted(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Rays from below lift the clavicle above the ribs."""
    return _clavicle_film(film, build, rng, (6.8, -4.6), rng.uniform(9, 15))


def draw_both_clavicles(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Both clavicles, the sternum between them, both shoulders at the edges."""
    pose = draw_pose(build, rng, 2, 0.5, (MIDLINE_CM, -3.2))
    half = shoulder_bones(rng.uniform(0, 8), rng)
    outline = [(-4.6, 40), (-4.4, 4), (-4.2, -2.5), (-1.5, -6.2), (5, -7.8), (9.5, -10), (12, -14)]
    outline = np.array([*outline, (12.3, -30)])
    mirror = np.array([-1, 1])
    outline = np.concatenate([outline, outline[::-1] * mirror + (2 * MIDLINE_CM, 0)])
    body = solid_thickness_cm(film, posed(outline, pose), 16 * pose.scale)
    other = moved(half, (2 * MIDLINE_CM, rng.normal(0, 0.3)), stretch=mirror)
    shadow = bone_shadow(film, (*half, *other, *midline_bones()), pose, build)
    ribs, air = chest_wall(film, pose, build, rng)
    there = _other_side(pose)
    more_ribs, more_air = (each[:, ::-1] for each in chest_wall(film, there, build, rng))
    return compose(film, body, shadow + ribs + more_ribs, build, rng, air + more_air)


def _other_side(pose: Pose) -> Pose:
    """Pose of the left shoulder on the mirrored film, which has its middle at 0."""
    still = Pose(pose.scale, pose.turn_degrees, pose.shift_cm, 0 * pose.wobble)
    x, y = posed([(2 * MIDLINE_CM, 0)], still)[0]
    return Pose(pose.scale, -pose.turn_degrees, (float(-x), float(y)), pose.wobble)


SHOULDER_VIEWS = (
    View(("Shoulder",), "Frontal", (22.0, 20.0), True, draw_shoulder_frontal),
    View(("Shoulder",), "Oblique", (24.0, 18.0), True, draw_shoulder_scapular),
    View(("Shoulder",), "Axial", (16.0, 19.0), True, draw_shoulder_axial),
    View(("Clavicles", "Shoulder"), "Frontal", (20.0, 26.0), True, draw_shoulder_and_clavicle),
    View(("Clavicles",), "Frontal", (14.0, 22.0), True, draw_clavicle_frontal),
    View(("Clavicles",), "Axial", (14.0, 22.0), True, draw_clavicle_tilted),
    View(("Clavicles",), "Frontal", (20.0, 38.0), False, draw_both_clavicles),
)
