"""One finger as the body part phantom shows it, its tip upwards."""

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.hand_bones import CARPALS, LENGTHS_CM, ray
from radiokit.phantoms.injuries import broken, wire
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
from radiokit.phantoms.projection import Film


def _upright(number: int, bend_degrees, lean: float = 0.0):
    """A ray turned upright with its knuckle in the origin: bones and joints."""
    bones, joints = ray(number, 1.0, bend_degrees, 1.0, lean)
    first = joints[2] - joints[1]
    tilt = -np.degrees(np.arctan2(first[0], -first[1]))
    bones = moved(bones, -joints[1], tilt, joints[1])
    return bones, turned(joints, tilt, joints[1]) - joints[1]


def _film_of_finger(film, build, rng, bones, joints, pose, neighbours=()):
    """A finger with flesh around it, at times broken or held by a wire, beside its neighbours."""
    shadow, metal = bone_shadow(film, bones, pose, build), 0.0
    finding = rng.choice(["none", "fracture", "wire"], p=[0.78, 0.15, 0.07])
    if finding == "fracture":
        chosen = int(rng.integers(1, len(bones)))
        whole = bone_shadow(film, bones[chosen : chosen + 1], pose, build)
        place = posed(bones[chosen].corners_cm, pose).mean(axis=0)
        shadow += broken(film, whole, place, -90, rng) - whole
    if finding == "wire":
        ends = posed([joints[-1] + (0.2, -0.2), joints[-2] + 0.6 * (joints[-3] - joints[-2])], pose)
        metal = wire(film, ends, 0.06)
    body = limb(film, joints, np.linspace(1.3, 0.7, len(joints)), pose, build)
    for more_bones, more_joints in neighbours:
        shadow = shadow + bone_shadow(film, more_bones, pose, build)
        radii = np.linspace(1.2, 0.7, len(more_joints))
        body = np.maximum(body, limb(film, more_joints, radii, pose, build))
    return compose(film, body, np.clip(shadow, 0, None), build, rng, metal)


def _finger_pose(build: Build, rng, number: int) -> Pose:
    half = -0.5 * sum(LENGTHS_CM[number - 1][1:]) - 0.3
    return draw_pose(build, rng, 6, 0.3, (0.0, half + rng.uniform(0, 0.6)))


def draw_finger_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Index to little finger from its back; now and then its neighbours are on the film."""
    number = int(rng.integers(2, 6))
    pose = _finger_pose(build, rng, number)
    bones, joints = _upright(number, rng.normal(0, 2.5, 3))
    neighbours = []
    if rng.random() < 0.6:
        for other, side in ((number - 1, -1), (number + 1, 1)):
            if 2 <= other <= 5:
                turn, shift = side * rng.uniform(8, 22), (side * 2.1, rng.uniform(-0.3, 0.8))
                more_bones, more_joints = _upright(other, rng.normal(0, 2.5, 3))
                more = moved(more_bones, shift, turn), turned(more_joints, turn) + shift
                neighbours.append(more)
    return _film_of_finger(film, build, rng, bones, joints, pose, neighbours)


def draw_finger_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A finger from its side, a little bent to the left; the others lie bent beneath it."""
    number = int(rng.integers(2, 6))
    pose = _finger_pose(build, rng, number)
    bend = -np.abs(rng.normal(0, 12, 3)) - 4
    bones, joints = _upright(number, bend, 0.1)
    bones = moved(bones, stretch=(0.85, 1))
    neighbours = []
    for _ in range(int(rng.integers(0, 3))):
        other = int(rng.integers(2, 5))
        shift = (rng.uniform(-0.6, 0.4), rng.uniform(0.2, 0.9))
        more_bones, more_joints = _upright(other, (-rng.uniform(70, 95), -40, 0), 0.1)
        turn = -rng.uniform(35, 60)
        neighbours.append((moved(more_bones, shift, turn), turned(more_joints, turn) + shift))
    return _film_of_finger(film, build, rng, bones, joints, pose, neighbours)


def draw_thumb(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The thumb with its metacarpal, and what lies beside it of wrist and index."""
    pose = draw_pose(build, rng, 7, 0.3, (0.3, -1.0))
    bones, joints = _upright(1, rng.normal(0, 5, 3))
    index_bones, index_joints = ray(2)
    corner = np.array((-2.35, -2.95))  # where the thumb begins, in the frame of the hand
    turn = 42 + rng.uniform(-8, 8)
    others = moved(moved((*CARPALS, *index_bones), -corner), joints[0], turn)
    beside = turned(np.array([(0.3, -1.2), *index_joints[:3]]) - corner, turn) + joints[0]
    return _film_of_finger(film, build, rng, bones, joints, pose, [(others, beside)])


FINGER_VIEWS = (
    View(("Finger",), "Frontal", (11.5, 6.0), True, draw_finger_frontal),
    View(("Finger",), "Lateral", (11.5, 6.0), True, draw_finger_lateral),
    View(("Finger",), "Frontal", (11.0, 6.0), True, draw_thumb),
)
