"""X-ray shadows of bodies that are given by their outline: bones of any shape, and flesh.

An outline is (N, 2) corners in cm, as in `radiokit.phantoms.bones`. A body is as deep as it is
wide, with round edges, up to a greatest depth.
"""

import cv2
import numpy as np

from radiokit.phantoms.bones import CORTEX, MARROW
from radiokit.phantoms.projection import Film

SMALL_PIXELS = 30_000


def smooth_outline(corners_cm, steps: int = 6) -> np.ndarray:
    """A closed curve through the corners of an outline, (steps * N, 2).

    Args:
        corners_cm: (N, 2), at least 3, in order.
        steps: points of the curve for every corner.

    >>> smooth_outline([(0, 0), (1, 0), (1, 1), (0, 1)]).shape
    (24, 2)
    """
    corner = np.asarray(corners_cm, float)
    after = np.roll(corner, -1, axis=0)
    length = np.linalg.norm(after - corner, axis=1)[:, None]
    slope = (after - np.roll(corner, 1, axis=0)) / (length + np.roll(length, 1, axis=0))
    part = (np.arange(steps) / steps)[:, None, None]
    bend = part * (1 - part) * length
    curve = corner + part**2 * (3 - 2 * part) * (after - corner)
    curve = curve + bend * ((1 - part) * slope - part * np.roll(slope, -1, axis=0))
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def rod_outline(points_cm, radii_cm) -> np.ndarray:
    """Corners of the outline of a bent rod with round ends, for `solid_bone`; quicker than a rod.

    Args:
        points_cm: (N, 2) corners of the centre line, at least 2, without sharp bends.
        radii_cm: (N,) radius at each corner, or one number.
    """
    points = np.asarray(points_cm, float)
    radii = np.broadcast_to(np.asarray(radii_cm, float), len(points))[:, None]
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = radii * np.stack([-along[:, 1], along[:, 0]], axis=1)
    angles = np.radians([45, 90, 135])[:, None]
    first, last = (
        points[end]
        + np.cos(angles) * turn * aside[end]
        + turn * np.sin(angles) * radii[end] * along[end]
        for end, turn in ((0, -1), (-1, 1))
    )
    return np.concatenate([points + aside, last, (points - aside)[::-1], first])


def solid_thickness_cm(film: Film, corners_cm, depth_cm: float) -> np.ndarray:
    """How thick a body with rounded edges is, given its outline: a rod where it is slim, cm.

    Use it for flesh: the palm, the foot, the trunk.

    Args:
        film: the grid.
        corners_cm: (N, 2) corners of its outline; a smooth curve goes through them.
        depth_cm: thickest that it is along the rays; nowhere is it thicker than wide.
    """
    total = np.zeros(film.shape, np.float32)
    distance, box, fine_cm = _distance_inside(film, smooth_outline(corners_cm))
    if distance is not None:
        width = _local_width(distance, depth_cm, fine_cm)
        outer = _chord(distance, np.minimum(width, depth_cm))
        total[box] = _coarse(outer, total[box].shape)
    return total


def solid_bone(
    film: Film, corners_cm, depth_cm, cortex_cm=0.06, shaft_cm: float = 0.0, density=1.0
) -> np.ndarray:
    """A bone of any outline: thin cortex, spongy inside, round where it is slim.

    Args:
        film: the grid.
        corners_cm: (N, 2) corners of its outline; a smooth curve goes through them.
        depth_cm: thickest that it is along the rays; nowhere is it thicker than wide.
        cortex_cm: thickness of its compact bone, of a long bone in the middle of the shaft.
        shaft_cm: width of a long bone's shaft; where it is wider, its cortex is thinner. 0: the
            cortex is as thick everywhere.
        density: 1 healthy.
    """
    total = np.zeros(film.shape, np.float32)
    distance, box, fine_cm = _distance_inside(film, smooth_outline(corners_cm))
    if distance is None:
        return total
    width = _local_width(distance, depth_cm, fine_cm)
    cortex = np.float32(cortex_cm)
    if shaft_cm:
        slimness = np.clip(shaft_cm / np.maximum(width, 0.01), 0, 1)
        cortex = np.clip(cortex_cm * slimness**3, min(0.05, cortex_cm), None)
    width = np.minimum(width, depth_cm)
    outer = _chord(distance, width)
    inner = _chord(np.clip(distance - cortex, 0, None), np.clip(width - 2 * cortex, 0, None))
    shadow = CORTEX * (outer - inner) + MARROW * inner
    total[box] = _coarse(shadow, total[box].shape)
    return density * total


def _distance_inside(film: Film, outline_cm):
    """Distance to the edge, cm, in the box that the outline fills; the box; the size of a pixel.

    Small bodies are drawn on pixels half the size, so that their edges are smooth.
    """
    pixels = film.to_pixels(outline_cm)
    low = np.clip(np.floor(pixels.min(axis=0)).astype(int) - 1, 0, film.shape[::-1])
    high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 2, 0, film.shape[::-1])
    if np.any(high <= low):
        return None, None, None
    times = 2 if np.prod(high - low) < SMALL_PIXELS else 1
    fine = np.round((times * (pixels - low) + 0.5 * (times - 1)) * 16).astype(np.int32)
    width, height = times * (high - low)
    mask = cv2.fillPoly(np.zeros((height, width), np.uint8), [fine], 1, shift=4)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5) - 1  # OpenCV fills the edge too
    box = slice(low[1], high[1]), slice(low[0], high[0])
    fine_cm = film.pixel_cm / times
    return np.clip(distance, 0, 1e3) * np.float32(fine_cm), box, fine_cm


def _local_width(distance_cm, depth_cm, pixel_cm):
    """Width of a shape near each pixel, as far as its depth reaches."""
    shrink = max(1.0, depth_cm / pixel_cm / 16)  # a coarse map is enough, and quick
    rows, columns = (max(1, round(size / shrink)) for size in distance_cm.shape)
    coarse = cv2.resize(distance_cm, (columns, rows), interpolation=cv2.INTER_AREA)
    reach = max(3, round(depth_cm / pixel_cm / shrink) | 1)
    nearby = cv2.dilate(coarse, np.ones((reach, reach), np.uint8))
    nearby = cv2.blur(nearby, (reach, reach), borderType=cv2.BORDER_REPLICATE)
    nearby = cv2.resize(nearby, distance_cm.shape[::-1], interpolation=cv2.INTER_LINEAR)
    nearby += 0.25 * shrink * pixel_cm  # a cell's mean lies that much below its ridge
    return 2 * np.maximum(nearby, distance_cm)


def _chord(distance_cm, width_cm):
    """Thickness of a rod or a slab with round edges, this far inside its edge."""
    near = np.minimum(distance_cm, 0.5 * width_cm)
    return 2 * np.sqrt(near * (width_cm - near))


def _coarse(fine, shape):
    if fine.shape == shape:
        return fine
    return cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA)
