"""What happens to limbs: fractures, and the metal and the plaster that hold them."""

import cv2
import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import METAL, rod_thickness_cm, texture
from radiokit.phantoms.limbs import Pose, bone_shadow, posed
from radiokit.phantoms.projection import Film

PLASTER = 0.3  # attenuation of a cast, 1/cm
OPAQUE = 3.0  # scatter hides what metal attenuates beyond


def perhaps_hurt(
    film: Film, bones, ends_cm, pose: Pose, build: Build, rng: np.random.Generator, screw_cm: float
) -> tuple[np.ndarray, np.ndarray | float]:
    """Shadow of long bones, the first of them now and then broken or held by a plate.

    Args:
        film: the grid.
        bones: in the frame of their joint; the first is the one that may be hurt.
        ends_cm: two points along the side of its shaft where a plate would lie, in that frame; on
            the way from the first, nearer to the body, to the second.
        pose: where the frame lies.
        build: who.
        rng: whether, where and how.
        screw_cm: length of the screws to the left hand of that way; below 0 to the right.

    Returns:
        What the bones add, and what metal adds.
    """
    first, last = (np.array(end, float) for end in ends_cm)
    hurt, metal = bone_shadow(film, bones[:1], pose, build), 0.0
    finding = rng.choice(["none", "fracture", "plate"], p=[0.82, 0.11, 0.07])
    if finding == "fracture":
        place = posed([first + rng.uniform(0.2, 0.8) * (last - first)], pose)[0]
        hurt = broken(film, hurt, place, _direction_degrees(ends_cm, pose), rng)
    if finding == "plate":
        start, end = posed([first + 0.2 * (last - first), first + 0.8 * (last - first)], pose)
        metal = plate_with_screws(film, start, end, screw_cm * pose.scale)
    return hurt + bone_shadow(film, bones[1:], pose, build), metal


def _direction_degrees(ends_cm, pose):
    (x0, y0), (x1, y1) = posed(ends_cm, pose)
    return float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))


def broken(film: Film, bones, place_cm, along_degrees: float, rng: np.random.Generator):
    """Bones with a fracture: what lies beyond a jagged line is shifted and bent, a gap between.

    Args:
        film: the grid.
        bones: what bones add to the film.
        place_cm: a point of the line on the film.
        along_degrees: direction from the body to the broken end; 90 is downwards.
        rng: draws the line and how far the piece has moved.
    """
    x, y = film.grid_cm()
    angle = np.radians(along_degrees + rng.normal(0, 20))
    along = (x - place_cm[0]) * np.cos(angle) + (y - place_cm[1]) * np.sin(angle)
    across = (y - place_cm[1]) * np.cos(angle) - (x - place_cm[0]) * np.sin(angle)
    along = along + 0.12 * np.sin(5 * across + rng.uniform(0, 6)) + 0.3 * rng.normal() * across
    turn = cv2.getRotationMatrix2D(_pixel(film, place_cm), rng.normal(0, 6), 1.0)
    turn[:, 2] += rng.normal(0, 0.15, 2) / film.pixel_cm
    beyond = np.clip(along / 0.08 + 0.5, 0, 1).astype(np.float32)
    moved_piece = cv2.warpAffine(bones * beyond, turn, film.shape[::-1])
    return bones * np.clip(0.2 - along / 0.08, 0, 1) + moved_piece


def _pixel(film, place_cm):
    column, row = film.to_pixels(np.asarray(place_cm, float)[None])[0]
    return float(column), float(row)


def wire(film: Film, points_cm, radius_cm: float = 0.08) -> np.ndarray:
    """Attenuation of a piece of metal of round section: a wire, a nail, a screw, a ring's edge.

    Args:
        film: the grid.
        points_cm: (N, 2) corners of its centre line on the film.
        radius_cm: of the section.
    """
    return np.minimum(METAL * rod_thickness_cm(film, points_cm, radius_cm), OPAQUE)


def plate_with_screws(film: Film, start_cm, end_cm, screw_cm: float) -> np.ndarray:
    """Attenuation of a plate seen from its edge and of the screws that hold it.

    Args:
        film: the grid.
        start_cm: (x, y) one end of the plate on the film.
        end_cm: the other.
        screw_cm: length of the screws; they point to the left hand of who goes from start to
            end, below 0 to the right.
    """
    start, end = np.asarray(start_cm, float), np.asarray(end_cm, float)
    total = wire(film, [start, end], 0.17)
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.array([along[1], -along[0]])
    for part in np.linspace(0.08, 0.92, 6):
        head = start + part * (end - start)
        total = np.maximum(total, wire(film, [head, head + screw_cm * aside], 0.12))
    return total


def plaster(film: Film, body_cm, rng: np.random.Generator, thick_cm: float = 0.5) -> np.ndarray:
    """Attenuation of a cast around all of the limb: brightest along its edges.

    Args:
        film: the grid.
        body_cm: thickness of the limb.
        rng: for the folds of the bandage.
        thick_cm: how thick the cast is.
    """
    reach = max(1, round(thick_cm / film.pixel_cm))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    around = cv2.dilate((body_cm > 0).astype(np.uint8), disc)
    edge = cv2.distanceTransform(cv2.copyMakeBorder(around, 1, 1, 1, 1, 1), cv2.DIST_L2, 5)
    edge = edge[1:-1, 1:-1] * film.pixel_cm
    width = max(float(body_cm.max()) + 2 * thick_cm, 4 * thick_cm)
    near, inner = np.clip(edge, 0, width / 2), np.clip(edge - thick_cm, 0, width / 2 - thick_cm)
    outside = np.sqrt(near * (width - near)) - np.sqrt(inner * (width - 2 * thick_cm - inner))
    return PLASTER * 2 * outside * texture(film, rng, 0.7, 0.12)
