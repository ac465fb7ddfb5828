"""What every view of an arm or a leg is put together with: bones in a pose, flesh, metal, plaster.

Bones are outlines in centimetres of an average adult's right side, in the frame of one joint; a
pose puts them on the film.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import FAT, SOFT, texture
from radiokit.phantoms.outlines import rod_outline, solid_bone, solid_thickness_cm
from radiokit.phantoms.projection import Film


@dataclass(frozen=True)
class Bone:
    """Outline of a bone (N, 2) in cm, how deep it is and how thick its cortex, as `solid_bone`."""

    corners_cm: np.ndarray
    depth_cm: float
    cortex_cm: float = 0.07
    shaft_cm: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Where a part of a skeleton lies on the film: enlarged, bent a little, turned, shifted."""

    scale: float
    turn_degrees: float
    shift_cm: tuple[float, float]
    wobble: np.ndarray  # (8,), as in `Build`


def bone(corners_cm, depth_cm: float, cortex_cm: float = 0.07, shaft_cm: float = 0.0) -> Bone:
    """A bone from a list of corners.

    Args:
        corners_cm: (N, 2) outline; a smooth curve goes through it.
        depth_cm: as thick as it gets along the rays.
        cortex_cm: thickness of its compact bone.
        shaft_cm: width of its shaft, 0 for a short bone.
    """
    return Bone(np.asarray(corners_cm, float), depth_cm, cortex_cm, shaft_cm)


def moved(
    bones, shift_cm=(0.0, 0.0), turn_degrees: float = 0.0, about_cm=(0.0, 0.0), stretch=(1.0, 1.0)
) -> tuple[Bone, ...]:
    """Bones elsewhere: stretched from the origin, then turned about a point, then shifted.

    Args:
        bones: bones.
        shift_cm: (x, y).
        turn_degrees: clockwise on the film.
        about_cm: the point that stays where it is.
        stretch: factors of x and y; -1 mirrors.
    """
    return tuple(
        replace(
            each,
            corners_cm=turned(each.corners_cm * stretch, turn_degrees, about_cm) + shift_cm,
        )
        for each in bones
    )


def turned(points_cm, degrees: float, about_cm=(0.0, 0.0)) -> np.ndarray:
    """Points (N, 2) turned clockwise on the film about a point.

    >>> turned([(1.0, 0.0)], 90).round(6).tolist()
    [[0.0, 1.0]]
    """
    angle = np.radians(degrees)
    forth = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (np.asarray(points_cm, float) - about_cm) @ forth + about_cm


def draw_pose(
    build: Build,
    rng: np.random.Generator,
    turn_degrees: float,
    shift_cm: float,
    middle_cm=(0.0, 0.0),
    direction_degrees: float = 0.0,
) -> Pose:
    """A part put on the film by hand: never quite straight, never quite in the middle.

    Args:
        build: who.
        rng: draws it.
        turn_degrees: deviation of its direction.
        shift_cm: deviation of its place along both axes.
        middle_cm: the point of the bones' frame that is meant for the middle of the film.
        direction_degrees: how the frame is meant to be turned, clockwise.
    """
    turn = direction_degrees + turn_degrees * float(np.clip(rng.normal(), -2.2, 2.2))
    shift = np.clip(rng.normal(0, shift_cm, 2), -2 * shift_cm, 2 * shift_cm)
    shift = shift - turned([middle_cm], turn)[0] * build.scale
    return Pose(build.scale, turn, (float(shift[0]), float(shift[1])), build.wobble)


def posed(points_cm, pose: Pose) -> np.ndarray:
    """Points (N, 2) of an average adult where they lie on the film."""
    points = np.asarray(points_cm, float)
    wide = 1 + 0.025 * pose.wobble[0]
    x, y = points[:, 0] * wide, points[:, 1]
    bend = 0.07 * np.sin(0.55 * y + 2 * pose.wobble[1]) * pose.wobble[2]
    step = 0.07 * np.sin(0.8 * x + 2 * pose.wobble[3]) * pose.wobble[4]
    mine = np.stack([x + bend, y + step], axis=1) * pose.scale
    return turned(mine, pose.turn_degrees) + pose.shift_cm


def half_film(film: Film) -> Film:
    """A film for one side, half as wide (rounded up), (0, 0) cm in its middle.

    Args:
        film: a film that shows both sides.
    """
    width = (film.shape[1] + 1) // 2
    return replace(film, shape=(film.shape[0], width), left_cm=-width * film.pixel_cm / 2)


def bone_shadow(film: Film, bones, pose: Pose, build: Build) -> np.ndarray:
    """Attenuation that bones add to the flesh around them.

    Args:
        film: the grid.
        bones: in the frame of their joint.
        pose: where that frame lies.
        build: whose density they have.
    """
    total = np.zeros(film.shape, np.float32)
    for each in bones:
        total += solid_bone(
            film,
            posed(each.corners_cm, pose),
            each.depth_cm * pose.scale,
            each.cortex_cm * pose.scale,
            each.shaft_cm * pose.scale,
        )
    return build.density * total


def limb(film: Film, points_cm, radii_cm, pose: Pose, build: Build) -> np.ndarray:
    """Thickness of a round piece of limb, cm, its fat included.

    Args:
        film: the grid.
        points_cm: (N, 2) corners of its centre line, in the frame of the bones.
        radii_cm: (N,) its radius, with the fat of an average adult.
        pose: where the frame lies.
        build: whose fat it has.
    """
    radii = np.asarray(radii_cm, float)
    radii = radii + np.clip(0.35 * radii, 0, 1) * (build.fat_cm - 0.7)
    outline = rod_outline(posed(points_cm, pose), radii * pose.scale)
    return solid_thickness_cm(film, outline, 2 * float(radii.max()) * pose.scale)


def compose(
    film: Film, body_cm, bones, build: Build, rng: np.random.Generator, extra=0.0
) -> np.ndarray:
    """Attenuation of the whole film: fat, muscle, bones with trabeculae, metal and plaster.

    Args:
        film: the grid.
        body_cm: thickness of the limb.
        bones: what bones add.
        build: who.
        rng: for textures.
        extra: what lies outside the flesh or is of metal.
    """
    round_cm = max(float(body_cm.max()), 0.1)
    fat_cm = min(build.fat_cm, 0.15 * round_cm)
    muscle_cm = np.sqrt(np.clip(body_cm**2 - 4 * fat_cm * (round_cm - fat_cm), 0, None))
    flesh = FAT * body_cm + (SOFT - FAT) * muscle_cm * texture(film, rng, 1.2, 0.15)
    flesh = flesh * texture(film, rng, 1.5, 0.008)
    grain = texture(film, rng, 0.16, 0.05) * texture(film, rng, 0.6, 0.03)
    total = np.clip(flesh + bones * grain, 0, None) * (body_cm > 0) + extra
    blurred = cv2.GaussianBlur(total, (0, 0), max(0.3, 0.025 / film.pixel_cm))
    return np.clip(blurred, 0, None).astype(np.float32)
