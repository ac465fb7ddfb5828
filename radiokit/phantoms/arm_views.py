"""Elbow, forearm and upper arm as the body part phantom shows them, and every view of an arm."""

import numpy as np

from radiokit.phantoms.arm_bones import (
    HUMERUS_FRONTAL,
    HUMERUS_LATERAL,
    RADIUS_FRONTAL,
    RADIUS_LATERAL,
    ULNA_FRONTAL,
    ULNA_LATERAL,
)
from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.finger_views import FINGER_VIEWS
from radiokit.phantoms.hand_bones import CARPALS, WRIST_LATERAL, ray
from radiokit.phantoms.hand_views import HAND_VIEWS
from radiokit.phantoms.injuries import perhaps_hurt, plaster
from radiokit.phantoms.limbs import compose, draw_pose, limb, moved, turned
from radiokit.phantoms.projection import Film
from radiokit.phantoms.shoulder_views import (
    HEAD_CM,
    SHOULDER_VIEWS,
    chest_wall,
    shoulder_bones,
    shoulder_flesh,
)

UPPER_ARM_CM = ([(0, -34), (0, -24), (0, -12), (0, -4), (0, 0.5)], (6.0, 5.2, 4.6, 4.0, 3.9))
FOREARM_CM = (
    [(0, 0), (-0.2, 4), (-0.3, 10), (0, 18), (0, 24), (0, 27)],
    (4, 4.6, 4.2, 3, 2.6, 2.7),
)
FOREARM_LATERAL_CM = (
    [(0.4, 0), (0.2, 4), (0, 10), (-0.2, 18), (-0.2, 24)],
    (4, 4.4, 3.9, 2.6, 2.1),
)


def _hand_below(squeeze=1.0):
    """The beginning of the hand at the end of the forearm, thumb on the left."""
    rays = [each for number in range(1, 6) for each in ray(number)[0][:2]]
    return moved((*CARPALS, *rays), (-0.97, 24.0), stretch=(squeeze, -1))


def _in_plaster(film, body, rng):
    return plaster(film, body, rng) if rng.random() < 0.06 else 0.0


# -- straight --------------------------------------------------------------------------------------


def _draw_frontal(film, build, rng, middle_cm, turn_degrees=4.0, shift_cm=0.7):
    """Humerus, radius and ulna from the front, the arm straight, any piece of it."""
    pose = draw_pose(build, rng, turn_degrees, shift_cm, middle_cm)
    carry = rng.uniform(4, 12)  # the forearm leaves the line of the upper arm outwards
    forearm = moved((RADIUS_FRONTAL, ULNA_FRONTAL, *_hand_below()), (0, 0), carry)
    ends = turned([(-2.9, 5), (-2.9, 19)], carry)
    bones = (*forearm, HUMERUS_FRONTAL)
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, 1.6)
    body = np.maximum(
        limb(film, *UPPER_ARM_CM, pose, build),
        limb(film, turned(FOREARM_CM[0], carry), FOREARM_CM[1], pose, build),
    )
    hand = turned([(-1, 24), (-0.8, 27), (-0.7, 33)], carry)
    body = np.maximum(body, 0.8 * limb(film, hand, (2.9, 3.6, 4.2), pose, build))
    return compose(film, body, shadow, build, rng, metal + _in_plaster(film, body, rng))


def draw_elbow_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The elbow straight, palm upwards."""
    return _draw_frontal(film, build, rng, (0, 0.3))


def draw_forearm_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Radius and ulna, a part of the elbow above and of the wrist below."""
    return _draw_frontal(film, build, rng, (-1.5, 11.8), 3, 0.6)


def draw_elbow_and_forearm(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The whole elbow and most of the forearm."""
    return _draw_frontal(film, build, rng, (-0.8, 6.0), 3, 0.6)


def draw_forearm_and_wrist(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The whole wrist and most of the forearm."""
    return _draw_frontal(film, build, rng, (-2.5, 18.5), 3, 0.6)


def draw_elbow_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The straight elbow turned outwards: radius and ulna apart."""
    pose = draw_pose(build, rng, 5, 0.6, (0, 0.3))
    squeeze = rng.uniform(0.72, 0.85)
    humerus = moved((HUMERUS_FRONTAL,), stretch=(squeeze, 1))
    radius = moved((RADIUS_FRONTAL,), (-0.5, 0.1), 9)
    ulna = moved((ULNA_FRONTAL,), (-0.1, 0), 2, stretch=(0.8, 1))
    bones = (*radius, *ulna, *humerus)
    ends = ((-3.6, 3.5), (-4.6, 9))
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, 1.6)
    lower = turned(FOREARM_CM[0], 5)
    body = np.maximum(
        limb(film, *UPPER_ARM_CM, pose, build), limb(film, lower, FOREARM_CM[1], pose, build)
    )
    return compose(film, body, shadow, build, rng, metal)


# -- from the side ---------------------------------------------------------------------------------


def _draw_lateral(film, build, rng, bend_degrees, pose, hurt="forearm"):
    """The arm from its side with the elbow bent; the upper arm stands upright in the frame."""
    forearm = moved(
        (RADIUS_LATERAL, ULNA_LATERAL, *moved(WRIST_LATERAL, (-0.3, 24), stretch=(1, -1))),
        (0, 0),
        bend_degrees,
    )
    bones, ends = (*forearm, HUMERUS_LATERAL), turned([(-1.2, 6), (-1.0, 19)], bend_degrees)
    if hurt == "humerus":
        bones, ends = (HUMERUS_LATERAL, *forearm), ((-1.1, -20), (-1.0, -6))
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, 1.6)
    lower = turned(FOREARM_LATERAL_CM[0], bend_degrees)
    body = np.maximum(
        limb(film, *UPPER_ARM_CM, pose, build),
        limb(film, lower, FOREARM_LATERAL_CM[1], pose, build),
    )
    hand = turned([(-0.3, 24), (-0.4, 32)], bend_degrees)
    body = np.maximum(body, limb(film, hand, (2.2, 2.4), pose, build))
    return compose(film, body, shadow, build, rng, metal + _in_plaster(film, body, rng))


def draw_elbow_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Bent by 90 degrees: olecranon behind, radial head in front of it."""
    pose = draw_pose(build, rng, 7, 0.5, (-2.3, -0.6))
    return _draw_lateral(film, build, rng, float(np.clip(rng.normal(88, 7), 65, 105)), pose)


def draw_forearm_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Radius and ulna over one another, the bent elbow above, upper arm to the right."""
    bend = float(np.clip(rng.normal(88, 6), 70, 100))
    middle = turned([(0.3, 11.8)], bend)[0]
    pose = draw_pose(build, rng, 3, 0.6, middle, -bend)
    return _draw_lateral(film, build, rng, bend, pose)


def draw_arm_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The humerus from its side, the elbow bent at the lower edge of the film."""
    pose = draw_pose(build, rng, 4, 0.8, (-1.0, -14.5))
    return _draw_lateral(film, build, rng, rng.uniform(50, 95), pose, "humerus")


# -- with the shoulder -----------------------------------------------------------------------------


def _draw_upper_arm(film, build, rng, middle_cm):
    """Shoulder, humerus and elbow from the front, in the frame of the shoulder."""
    lift = rng.uniform(0, 14)
    pose = draw_pose(build, rng, 3, 0.8, turned([middle_cm], lift)[0])
    elbow = turned([(-HEAD_CM[0], -HEAD_CM[1])], lift)[0]
    forearm = moved((RADIUS_FRONTAL, ULNA_FRONTAL), elbow, lift + 6)
    bones = (*shoulder_bones(lift, rng), *forearm)
    ends = turned([(-2.2, 8), (-2.2, 23)], lift)
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, 1.6)
    ribs, air = chest_wall(film, pose, build, rng)
    body = shoulder_flesh(film, pose, build, lift)
    return compose(film, body, shadow + ribs, build, rng, metal + air)


def draw_arm_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The humerus between shoulder and elbow."""
    return _draw_upper_arm(film, build, rng, (-1.5, 14.5))


def draw_arm_and_shoulder(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The whole shoulder and the humerus to below its middle."""
    return _draw_upper_arm(film, build, rng, (2.5, 7.0))


ARM_VIEWS = (
    *HAND_VIEWS,
    *FINGER_VIEWS,
    View(("Elbow",), "Frontal", (18.0, 12.0), True, draw_elbow_frontal),
    View(("Elbow",), "Lateral", (16.0, 15.0), True, draw_elbow_lateral),
    View(("Elbow",), "Oblique", (18.0, 12.0), True, draw_elbow_oblique),
    View(("Elbow", "Forearm"), "Frontal", (28.0, 14.0), True, draw_elbow_and_forearm),
    View(("Forearm",), "Frontal", (32.0, 13.0), True, draw_forearm_frontal),
    View(("Forearm",), "Lateral", (33.0, 15.0), True, draw_forearm_lateral),
    View(("Forearm", "Wrist"), "Frontal", (26.0, 13.0), True, draw_forearm_and_wrist),
    View(("Arm",), "Frontal", (38.0, 18.0), True, draw_arm_frontal),
    View(("Arm",), "Lateral", (36.0, 17.0), True, draw_arm_lateral),
    View(("Arm", "Shoulder"), "Frontal", (30.0, 22.0), True, draw_arm_and_shoulder),
    *SHOULDER_VIEWS,
)
