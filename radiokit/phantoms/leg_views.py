"""Hip, thigh, knee and lower leg as the body part phantom shows them, and every view of a leg."""

from dataclasses import replace

import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.foot_bones import FOOT_FRONTAL, FOOT_LATERAL, FOOT_OUTLINE_CM
from radiokit.phantoms.foot_views import FOOT_VIEWS
from radiokit.phantoms.hip_views import HIP_VIEWS, hip_flesh
from radiokit.phantoms.injuries import perhaps_hurt, plaster
from radiokit.phantoms.leg_bones import (
    ANKLE_CM,
    CONDYLE_LATERAL,
    FEMUR_FRONTAL,
    FEMUR_LATERAL,
    FIBULA_FRONTAL,
    FIBULA_LATERAL,
    INNOMINATE,
    KNEE_CM,
    PATELLA_FRONTAL,
    PATELLA_LATERAL,
    TIBIA_FRONTAL,
    TIBIA_LATERAL,
    above_the_knee,
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

THIGH_CM = (
    [(-2.9, -50), (-3.0, -42), (-2.2, -28), (-0.8, -14), (0, -4), (0, 0)],
    (10.5, 10, 8.8, 7.2, 6.1, 5.7),
)
SHIN_CM = (
    [(0, 0), (-0.4, 4), (-0.6, 11), (-0.6, 20), (-0.3, 30), (-0.3, 36)],
    (5.8, 5.7, 6.0, 5.0, 3.6, 3.7),
)
THIGH_LATERAL_CM = (
    [(0, -46), (-0.4, -30), (-0.5, -14), (-0.6, -4), (-0.6, 0)],
    (9.5, 8.6, 7.2, 6.2, 6.0),
)
SHIN_LATERAL_CM = (
    [(-0.4, 0), (0.3, 4), (1.2, 11), (0.9, 20), (0.1, 30), (0, 36)],
    (5.7, 5.7, 6.2, 5.1, 3.6, 3.7),
)


# -- from the front -------------------------------------------------------------------------------


def _draw_frontal(film, build, rng, middle_cm, shift_cm=0.7, hurt="tibia"):
    """Any piece of a straight leg, in the frame of the knee."""
    pose = draw_pose(build, rng, 3, shift_cm, middle_cm)
    lean = rng.normal(0, 2.5)  # bow legs and knock knees
    lower = moved((TIBIA_FRONTAL, FIBULA_FRONTAL, *moved(FOOT_FRONTAL, ANKLE_CM)), (0, 0), lean)
    upper = above_the_knee((FEMUR_FRONTAL, *INNOMINATE))
    if hurt == "tibia":
        bones, screw_cm, ends = (*lower, *upper), -2.3, turned([(1.6, 9), (1.15, 27)], lean)
    else:
        bones, screw_cm, ends = (*upper, *lower), 2.6, ((-4.3, -34), (-3.3, -12))
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, screw_cm)
    shadow += bone_shadow(film, (PATELLA_FRONTAL,), pose, build)
    body = np.maximum(
        limb(film, *THIGH_CM, pose, build),
        limb(film, turned(SHIN_CM[0], lean), SHIN_CM[1], pose, build),
    )
    foot = turned([(-0.3, 36), (-0.3, 42)], lean)
    body = np.maximum(body, limb(film, foot, (4.0, 4.2), pose, build))
    if middle_cm[1] < -15:
        body = np.maximum(body, hip_flesh(film, _pose_of_the_hip(pose), build))
    if hurt == "tibia" and rng.random() < 0.06:
        metal = metal + plaster(film, body, rng, 0.6)
    return compose(film, body, shadow, build, rng, metal)


def _pose_of_the_hip(pose):
    shift = posed([(-KNEE_CM[0], -KNEE_CM[1])], replace(pose, wobble=0 * pose.wobble))[0]
    return replace(pose, shift_cm=(float(shift[0]), float(shift[1])))


def draw_thigh_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The shaft of the femur, with the lower half of the hip above or the knee below."""
    return _draw_frontal(film, build, rng, (-1.5, rng.uniform(-25, -19)), 0.8, "femur")


def draw_knee_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """One knee from the front."""
    return _draw_frontal(film, build, rng, (-0.3, 0.3))


def draw_knee_and_lower_leg(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The knee and most of the lower leg."""
    return _draw_frontal(film, build, rng, (-0.6, 10.5))


def draw_lower_leg_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Tibia and fibula, the edges of both joints."""
    return _draw_frontal(film, build, rng, (-0.6, 18.0), 0.8)


def draw_lower_leg_and_ankle(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The ankle and most of the lower leg."""
    return _draw_frontal(film, build, rng, (-0.6, 27.0))


def draw_both_knees(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Both knees standing, side by side."""
    half = half_film(film)
    one = _draw_frontal(half, build, rng, (0.6, 0.3))
    other = _draw_frontal(half, build, rng, (0.6, 0.3))[:, ::-1]
    return np.concatenate([one, other], axis=1)[:, : film.shape[1]]


# -- from the side ---------------------------------------------------------------------------------


def _draw_lateral(film, build, rng, middle_cm, bend_degrees, upright="shin"):
    """Any piece of a leg from its side, the front on the left, the knee bent."""
    if upright == "shin":
        direction, middle = bend_degrees, turned([middle_cm], -bend_degrees)[0]
    else:
        direction, middle = (0.0 if upright == "thigh" else bend_degrees / 2), middle_cm
    pose = draw_pose(build, rng, 4, 0.7, middle, direction)
    lower = (TIBIA_LATERAL, FIBULA_LATERAL, *moved(FOOT_LATERAL, ANKLE_CM))
    lower = moved(lower, (0, 0), -bend_degrees)
    other = (rng.normal(0, 0.35), rng.normal(-43.4, 0.2))
    upper = moved((FEMUR_LATERAL,), (0, -43.2)) + moved(CONDYLE_LATERAL, other)
    bones, screw_cm, ends = (*lower, *upper), -2.3, turned([(1.3, 9), (1.2, 27)], -bend_degrees)
    if upright == "thigh":
        bones, screw_cm, ends = (*upper, *lower), 2.6, ((-2.6, -36), (-2.9, -12))
    shadow, metal = perhaps_hurt(film, bones, ends, pose, build, rng, screw_cm)
    patella = moved((PATELLA_LATERAL,), (0, 0), -0.45 * bend_degrees, (0.3, -2.5))
    shadow += bone_shadow(film, patella, pose, build)
    shin = turned(SHIN_LATERAL_CM[0], -bend_degrees)
    body = np.maximum(
        limb(film, *THIGH_LATERAL_CM, pose, build),
        limb(film, shin, SHIN_LATERAL_CM[1], pose, build),
    )
    foot = posed(turned(FOOT_OUTLINE_CM + ANKLE_CM, -bend_degrees), pose)
    body = np.maximum(body, solid_thickness_cm(film, foot, 6.0 * pose.scale))
    return compose(film, body, shadow, build, rng, metal)


def draw_thigh_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The femur from its side."""
    middle = (-1.0, rng.uniform(-23, -17))
    return _draw_lateral(film, build, rng, middle, rng.uniform(5, 40), "thigh")


def draw_knee_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The knee bent: the patella stands in front of the condyles."""
    return _draw_lateral(film, build, rng, (-0.6, -0.3), rng.uniform(15, 55), "both")


def draw_knee_and_lower_leg_lateral(film: Film, build: Build, rng: np.random.Generator):
    """The knee and most of the lower leg from their side."""
    return _draw_lateral(film, build, rng, (0, 10.5), rng.uniform(5, 30))


def draw_lower_leg_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Tibia in front, fibula behind, the edges of both joints."""
    return _draw_lateral(film, build, rng, (0.2, 17.8), rng.uniform(5, 30))


def draw_patella_axial(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Along the groove of the bent knee: the patella above both condyles."""
    pose = draw_pose(build, rng, 5, 0.4, (0, 0.3))
    patella = [(-2.5, -2.6), (-1.4, -3.5), (0.3, -3.9), (1.6, -3.5), (2.3, -2.7), (1.2, -2.3)]
    patella += [(-0.3, -1.5), (-1.2, -1.8)]
    condyles = [(-4.1, 4.5), (-4.3, 1.5), (-3.6, -0.6), (-2.4, -1.4), (-1.0, -0.8), (-0.2, 0.1)]
    condyles += [(0.9, -0.4), (2.1, -0.8), (3.3, -0.2), (4.0, 1.6), (4.1, 4.0), (3.0, 5.6)]
    condyles += [(1.3, 5.2), (0, 3.6), (-1.4, 5.0), (-3.0, 5.8)]
    tilt = rng.normal(0, 5)
    patella = moved([bone(patella, 3.4, 0.2)], (rng.normal(-0.1, 0.3), 0), tilt, (0, -3))
    bones = (*patella, bone(condyles, 3.4, 0.12))
    outline = [(-5.4, 9), (-5.6, 2), (-4.9, -2), (-2.8, -4.6), (0, -5.3), (2.8, -4.6), (4.9, -2)]
    outline = np.array([*outline, (5.6, 2), (5.5, 9), (5, 30), (-5, 30)])
    body = solid_thickness_cm(film, posed(outline, pose), 9 * pose.scale)
    return compose(film, body, bone_shadow(film, bones, pose, build), build, rng)


LEG_VIEWS = (
    *HIP_VIEWS,
    View(("Thigh",), "Frontal", (38.0, 22.0), True, draw_thigh_frontal),
    View(("Thigh",), "Lateral", (38.0, 20.0), True, draw_thigh_lateral),
    View(("Knee",), "Frontal", (20.0, 15.0), True, draw_knee_frontal),
    View(("Knee",), "Lateral", (20.0, 17.0), True, draw_knee_lateral),
    View(("Knee",), "Axial", (12.0, 13.0), True, draw_patella_axial),
    View(("Knee",), "Frontal", (20.0, 30.0), False, draw_both_knees),
    View(("Knee", "Lower Leg"), "Frontal", (34.0, 15.0), True, draw_knee_and_lower_leg),
    View(("Knee", "Lower Leg"), "Lateral", (34.0, 16.0), True, draw_knee_and_lower_leg_lateral),
    View(("Lower Leg",), "Frontal", (42.0, 16.0), True, draw_lower_leg_frontal),
    View(("Lower Leg",), "Lateral", (42.0, 17.0), True, draw_lower_leg_lateral),
    View(("Ankle", "Lower Leg"), "Frontal", (32.0, 14.0), True, draw_lower_leg_and_ankle),
    *FOOT_VIEWS,
)
