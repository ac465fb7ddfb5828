"""The hip as the body part phantom shows it, in the frame of the head of the femur."""

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import lump
from radiokit.phantoms.injuries import perhaps_hurt, wire
from radiokit.phantoms.leg_bones import FEMUR_FRONTAL, INNOMINATE
from radiokit.phantoms.limbs import (
    Pose,
    bone,
    bone_shadow,
    compose,
    draw_pose,
    moved,
    posed,
    turned,
)
from radiokit.phantoms.outlines import solid_thickness_cm
from radiokit.phantoms.projection import Film


def hip_flesh(film: Film, pose: Pose, build: Build, turn_degrees: float = 0.0) -> np.ndarray:
    """Thickness of half a pelvis and the thigh.

    Args:
        film: the grid.
        pose: of the hip.
        build: who.
        turn_degrees: how far the thigh is lifted outwards.
    """
    fat = 2.0 * (build.fat_cm - 0.7)
    outline = [
        (-8.6 - fat, 40),
        (-9.6 - fat, 28),
        (-10.6 - fat, 16),
        (-10.5 - fat, 4),
        (-9.5 - fat, -6),
        (-8.5 - fat, -13),
    ]
    outline += [
        (-9 - fat, -40),
        (60, -40),
        (60, 5),
        (12, 9),
        (9.2, 10.5),
        (7.0, 15),
        (4.6, 28),
        (3.4, 40),
    ]
    outline = np.array(outline)
    if turn_degrees:
        below = outline[:, 1] > 12
        outline[below] = turned(outline[below], turn_degrees)
    depth = (17 + 2 * fat) * pose.scale
    return solid_thickness_cm(film, posed(outline, pose), depth)


def _draw_hip(film, build, rng, middle_cm, turn_degrees, squeeze):
    """Femur and half the pelvis; the femur turned about its head, its neck shortened by turning."""
    pose = draw_pose(build, rng, 3, 0.8, middle_cm)
    femur = moved((FEMUR_FRONTAL,), stretch=(squeeze, 1))
    femur = moved(femur, (0, 0), turn_degrees)
    ends = turned([(-6.0 * squeeze, 5), (-5.6 * squeeze, 16)], turn_degrees)
    finding = rng.choice(["none", "prosthesis", "nail"], p=[0.85, 0.1, 0.05])
    shadow, metal = perhaps_hurt(film, femur, ends, pose, build, rng, 2.6)
    if finding == "prosthesis":
        stem = turned([(-0.4, -0.2), (-3.2, 1.4), (-4.5, 4), (-4.4, 16)], turn_degrees)
        stem = wire(film, posed(stem, pose), np.array((0.6, 0.65, 0.75, 0.45)) * pose.scale)
        ball = 0.85 * lump(film, posed([(0, 0)], pose)[0], (1.7 * pose.scale, 1.7 * pose.scale))
        cup = 0.45 * lump(film, posed([(0.1, -0.3)], pose)[0], (2.7 * pose.scale, 2.7 * pose.scale))
        metal = np.maximum(np.maximum(stem, ball), cup)
    if finding == "nail":
        screw = turned([(-6.0, 4.0), (1.0, -0.4)], turn_degrees)
        nail = turned([(-5.0, -1.0), (-4.6, 5), (-4.3, 16)], turn_degrees)
        metal = np.maximum(
            wire(film, posed(screw, pose), 0.45), wire(film, posed(nail, pose), 0.55)
        )
    pelvis = bone_shadow(film, (*INNOMINATE, *_sacrum()), pose, build)
    body = hip_flesh(film, pose, build, turn_degrees)
    return compose(film, body, shadow + pelvis, build, rng, metal)


def _sacrum():
    """The side of the sacrum and of the last vertebra, and the other pubic bone."""
    sacrum = [(6.6, -13.5), (9.6, -14), (12.6, -13.5), (12.2, -9), (11, -5), (9.6, -3.2), (8.2, -5)]
    other = [
        (10.2, 1.5),
        (14, -0.6),
        (14, 1.4),
        (11.6, 3),
        (12, 5),
        (12.8, 7),
        (11, 5.4),
        (10.1, 4.6),
    ]
    return bone([*sacrum, (7.0, -9)], 3.0, 0.12), bone(other, 1.8, 0.14)


def draw_hip_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """One hip from the front, the foot turned a little inwards."""
    return _draw_hip(film, build, rng, (-0.8, 2.0), rng.uniform(-5, 4), rng.uniform(0.93, 1.0))


def draw_hip_frog(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The thigh lifted outwards: the femur from its side."""
    return _draw_hip(film, build, rng, (-2.5, 1.0), rng.uniform(38, 58), rng.uniform(0.6, 0.75))


def draw_hip_axial(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Across the table: head, neck and shaft in one line, the ischium below them."""
    pose = draw_pose(build, rng, 5, 0.7, (-3.5, 0.6))
    femur = [
        (2.35, 0),
        (1.7, -1.7),
        (0, -2.4),
        (-1.6, -1.8),
        (-2.8, -1.2),
        (-4.4, -1.3),
        (-6.2, -1.7),
    ]
    femur += [
        (-10, -1.3),
        (-30, -0.6),
        (-30, 2.2),
        (-10, 1.7),
        (-7.6, 2.3),
        (-6.2, 2.9),
        (-4.8, 1.9),
    ]
    femur += [(-2.9, 1.4), (-1.6, 1.9), (0, 2.4), (1.7, 1.7)]
    socket = [(1.0, -5.5), (2.2, -3), (2.9, 0), (2.2, 2.6), (0.4, 4.4), (-1.2, 6.4), (0.4, 8.2)]
    socket += [(2.6, 6.8), (4.6, 3), (6.5, 2), (14, 3), (14, -4), (6, -4.6), (3.5, -6)]
    turn = rng.uniform(-8, 8)
    bones = moved([bone(femur, 4.2, 0.6, 2.9)], (0, 0), turn)
    bones += (bone(socket, 3.4, 0.15),)
    ends = turned([(-9, 1.7), (-16, 2.0)], turn)
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, -2.6)
    outline = [(-40, -8), (-8, -8.5), (0, -9.5), (8, -13), (40, -14), (40, 13), (4, 11), (-4, 8.5)]
    body = solid_thickness_cm(film, posed([*outline, (-40, 8)], pose), 18 * pose.scale)
    return compose(film, body, shadow, build, rng, metal)


HIP_VIEWS = (
    View(("Hip",), "Frontal", (26.0, 21.0), True, draw_hip_frontal),
    View(("Hip",), "Oblique", (24.0, 24.0), True, draw_hip_frog),
    View(("Hip",), "Axial", (18.0, 24.0), True, draw_hip_axial),
)
