"""X-ray shadows of bones and limbs on a film: rods, lumps, plates and vertebrae.

What the body part phantoms are drawn with. Coordinates are centimetres on the film, x to the right
and y downwards, (0, 0) the middle. Everything returns what it adds to the attenuation of the film,
float32 (rows, columns); bones come on top of the soft tissue that they displace.
"""

import cv2
import numpy as np

from radiokit.phantoms.projection import Film, fill_polygon, smooth_noise

SOFT = 0.19  # attenuation of muscle at about 70 keV, 1/cm
FAT = 0.17
CORTEX = 0.55  # what compact bone has above soft tissue, 1/cm
MARROW = 0.14  # spongy bone above soft tissue
AIR = -SOFT  # gas inside the body
METAL = 4.0


def rod_thickness_cm(film: Film, points_cm, radii_cm) -> np.ndarray:
    """How thick a bent rod of round section is above each pixel, cm.

    Args:
        film: the grid.
        points_cm: (N, 2) corners of the centre line, at least 2; a smooth line goes through them.
        radii_cm: (N,) radius at each corner, or one number.
    """
    points, radii = _along(points_cm, radii_cm, 0.4 * film.pixel_cm)
    return _string_of_spheres(film, points, radii)


def _string_of_spheres(film: Film, points, radii):
    thickness = np.zeros(film.shape, np.float32)
    x, y = film.grid_cm()
    for (cx, cy), radius in zip(points, radii, strict=True):
        rows = _inside(y[:, 0], cy, radius)
        columns = _inside(x[0], cx, radius)
        square = radius**2 - (x[:, columns] - cx) ** 2 - (y[rows] - cy) ** 2
        chord = 2 * np.sqrt(np.clip(square, 0, None))
        thickness[rows, columns] = np.maximum(thickness[rows, columns], chord)
    return thickness


def _along(points_cm, radii_cm, step_cm):
    """Centres of the spheres a rod is made of, no further apart than a fifth of their radius."""
    points = np.asarray(points_cm, float)
    radii = np.broadcast_to(np.asarray(radii_cm, float), len(points))
    place = np.append(0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    step_cm = max(step_cm, 0.2 * radii.min())
    fine = np.linspace(0, place[-1], max(2, int(place[-1] / step_cm) + 1))
    curve = np.stack([_smooth(fine, place, points[:, axis]) for axis in (0, 1)], axis=1)
    return curve, np.clip(_smooth(fine, place, radii), 0.02, None)


def _smooth(fine, place, values):
    """Through the corners without overshoot: straight pieces, then rounded a little."""
    straight = np.interp(fine, place, values)
    width = max(1, len(fine) // (4 * max(1, len(place) - 1)))
    padded = np.pad(straight, width, mode="reflect", reflect_type="odd")
    kernel = np.ones(2 * width + 1) / (2 * width + 1)
    return np.convolve(padded, kernel, mode="valid")


def _inside(axis_cm, centre, radius):
    first, last = np.searchsorted(axis_cm, (centre - radius, centre + radius))
    return slice(first, last)


def long_bone(film: Film, points_cm, radii_cm, shell: float = 0.35, density: float = 1.0):
    """A hollow bone: compact shaft around marrow, so that its edges are brighter than its middle.

    The cortex thins where the bone widens and at both ends, as in real metaphyses.

    Args:
        film: the grid.
        points_cm: (N, 2) corners of the centre line; more of them near the ends draw condyles.
        radii_cm: (N,) radius at each corner.
        shell: thickness of the cortex as a fraction (0..1) of the radius of the slimmest part.
        density: 1 healthy; below 1 an old or an immature bone.
    """
    points, radii = _along(points_cm, radii_cm, 0.4 * film.pixel_cm)
    place = np.append(0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    to_end = np.minimum(place, place[-1] - place) / (2.5 * radii.max())
    slim = np.minimum(radii, np.quantile(radii, 0.3))
    cortex = shell * slim * (slim / radii) ** 2 * np.clip(0.25 + to_end, 0, 1)
    outer = _string_of_spheres(film, points, radii)
    inner = _string_of_spheres(film, points, radii - cortex)
    return density * (CORTEX * (outer - inner) + MARROW * inner)


def lump(film: Film, centre_cm, half_size_cm, turn_degrees: float = 0.0):
    """How thick an ellipsoid as deep as it is wide is above each pixel, cm.

    Args:
        film: the grid.
        centre_cm: (x, y).
        half_size_cm: half its width and half its height, before it is turned.
        turn_degrees: clockwise on the film.
    """
    x, y = film.grid_cm()
    angle = np.radians(turn_degrees)
    x, y = x - centre_cm[0], y - centre_cm[1]
    along = (x * np.cos(angle) + y * np.sin(angle)) / half_size_cm[0]
    across = (y * np.cos(angle) - x * np.sin(angle)) / half_size_cm[1]
    chord = np.sqrt(np.clip(1 - along**2 - across**2, 0, None))
    return (2 * min(half_size_cm) * chord).astype(np.float32)


def lump_bone(film: Film, centre_cm, half_size_cm, turn_degrees=0.0, shell=0.15, density=1.0):
    """A short bone, such as a carpal or the patella: a thin cortex around spongy bone.

    Args:
        film: the grid.
        centre_cm: (x, y).
        half_size_cm: half its width and half its height, before it is turned.
        turn_degrees: clockwise on the film.
        shell: thickness of the cortex as a fraction (0..1) of the half size.
        density: 1 healthy.
    """
    outer = lump(film, centre_cm, half_size_cm, turn_degrees)
    inner_size = [(1 - shell) * size for size in half_size_cm]
    inner = lump(film, centre_cm, inner_size, turn_degrees)
    return density * (CORTEX * (outer - inner) + MARROW * inner)


def plate_bone(film: Film, corners_cm, depth_cm: float, edge_cm: float = 0.25, density=1.0):
    """A flat bone of any outline, such as the scapula or the wing of the ilium.

    Args:
        film: the grid.
        corners_cm: (N, 2) outline.
        depth_cm: how thick the bone is along the rays.
        edge_cm: how wide its brighter rim of compact bone is.
        density: 1 healthy.
    """
    inside = fill_polygon(film, np.asarray(corners_cm, float))
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3) * film.pixel_cm
    rise = np.clip(distance / edge_cm, 0, 1)
    rim = np.exp(-(((distance - 0.5 * edge_cm) / (0.5 * edge_cm)) ** 2)) * inside
    return (density * depth_cm * (MARROW * rise + 0.5 * CORTEX * rim)).astype(np.float32)


def texture(film: Film, rng: np.random.Generator, cell_cm: float, strength: float) -> np.ndarray:
    """A factor about 1 to multiply a shadow with: trabeculae, gas and folds make it uneven.

    Args:
        film: the grid.
        rng: draws it.
        cell_cm: how wide its spots are.
        strength: deviation from 1.
    """
    noise = smooth_noise(rng, film.shape, max(2.0, cell_cm / film.pixel_cm))
    return np.clip(1 + strength * noise, 0.2, None).astype(np.float32)
