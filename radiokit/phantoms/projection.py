"""X-ray shadows of simple 3-D shapes on a pixel grid: what the chest phantoms are drawn with.

Coordinates are centimetres as the film is hung: x grows to the patient's left (image right),
y grows downwards from the lung apex, z grows from back to front.
"""

from dataclasses import dataclass

import cv2
import numpy as np

SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Film:
    """The pixel grid that the shadows fall on: `shape` (rows, columns) and its place in cm."""

    shape: tuple[int, int]
    pixel_cm: float
    left_cm: float
    top_cm: float

    def grid_cm(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the pixels: x as (1, columns), y as (rows, 1), so that they broadcast."""
        rows, columns = self.shape
        x = self.left_cm + (np.arange(columns, dtype=np.float32) + 0.5) * self.pixel_cm
        y = self.top_cm + (np.arange(rows, dtype=np.float32) + 0.5) * self.pixel_cm
        return x[None, :], y[:, None]

    def to_pixels(self, points_cm: np.ndarray) -> np.ndarray:
        """Points (N, 2) as (x, y) in cm → (column, row), where 0 is the centre of a pixel."""
        corner = np.array([self.left_cm, self.top_cm])
        return (np.asarray(points_cm)[:, :2] - corner) / self.pixel_cm - 0.5


def project_points(film: Film, points_cm: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Line integral of many small pieces of matter: each adds its weight to the pixel it is above.

    Args:
        film: the grid.
        points_cm: (N, 2) or (N, 3); z is along the rays and does not matter.
        weights: (N,) attenuation times volume, cm².

    Returns:
        float32 attenuation of shape `film.shape`.
    """
    rows, columns = film.shape
    column = ((points_cm[:, 0] - film.left_cm) / film.pixel_cm).astype(np.int32)
    row = ((points_cm[:, 1] - film.top_cm) / film.pixel_cm).astype(np.int32)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    flat = row[inside] * columns + column[inside]
    total = np.bincount(flat, weights[inside], minlength=rows * columns)
    return (total / film.pixel_cm**2).astype(np.float32).reshape(rows, columns)


@dataclass(frozen=True)
class Tube:
    """A bent rod: centre line (N, 3) and, at each point, half its height and half its depth, cm."""

    centre_cm: np.ndarray
    half_height_cm: np.ndarray
    half_depth_cm: np.ndarray

    def frame(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (N, 3) along the rod's height and its depth, both across its direction."""
        along = np.gradient(self.centre_cm, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        upright = np.array([0.0, 1.0, 0.0]) - along[:, 1:2] * along
        upright /= np.maximum(np.linalg.norm(upright, axis=1, keepdims=True), 1e-6)
        return upright, np.cross(along, upright)


def project_tube(film: Film, tube: Tube, shell: float, cortex: float, marrow: float) -> np.ndarray:
    """Shadow of a hollow rod, such as a rib: dense cortex around marrow.

    Args:
        film: the grid.
        tube: the rod, with centre points no further apart than a pixel.
        shell: thickness of the cortex as a fraction (0..1) of the radius.
        cortex: attenuation of the cortex above soft tissue, 1/cm.
        marrow: the same for the marrow.
    """
    points, weights = tube_points(tube, shell, cortex, marrow)
    return project_points(film, points, weights)


def tube_points(tube: Tube, shell: float, cortex: float, marrow: float, count: int = 40) -> tuple:
    """Pieces of a hollow rod for `project_points`: `count` a cross-section, evenly spread.

    Returns:
        Points (M, 2) in cm, as (x, y), and their weights (M,) in cm².
    """
    radius = np.sqrt((np.arange(count) + 0.5) / count)
    turn = np.arange(count) * 2.39996  # the golden angle spreads points evenly over a disc
    upright, depth = tube.frame()
    step_cm = np.linalg.norm(np.gradient(tube.centre_cm, axis=0), axis=1)
    angle = turn + 1.7 * np.arange(len(step_cm))[:, None]  # every section turned: no streaks
    across = radius * np.cos(angle) * tube.half_height_cm[:, None]
    inwards = radius * np.sin(angle) * tube.half_depth_cm[:, None]
    x, y = (
        tube.centre_cm[:, axis, None]
        + across * upright[:, axis, None]
        + inwards * depth[:, axis, None]
        for axis in (0, 1)
    )
    density = np.where(radius > 1 - shell, cortex, marrow)
    area = np.pi * tube.half_height_cm * tube.half_depth_cm * step_cm / count
    return np.stack([x.ravel(), y.ravel()], axis=1), (area[:, None] * density).ravel()


def tube_mask(film: Film, tube: Tube) -> np.ndarray:
    """Outline of a rod's shadow, filled: bool array of shape `film.shape`."""
    upright, depth = tube.frame()
    centre = tube.centre_cm[:, :2]
    along = np.gradient(centre, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    half_height = tube.half_height_cm * np.sum(upright[:, :2] * normal, axis=1)
    half_depth = tube.half_depth_cm * np.sum(depth[:, :2] * normal, axis=1)
    half_width = np.hypot(half_height, half_depth)[:, None]
    edges = [film.to_pixels(centre + sign * half_width * normal) for sign in (1, -1)]
    first, second = (np.round(edge * 2**SUBPIXEL_BITS).astype(np.int32) for edge in edges)
    mask = np.zeros(film.shape, np.uint8)
    near = np.arange(0, len(first) - 1, 5)  # every fifth step is fine enough for an outline
    far = np.minimum(near + 5, len(first) - 1)
    quads = np.stack([first[near], first[far], second[far], second[near]], axis=1)
    for quad in quads:
        cv2.fillConvexPoly(mask, quad, 1, shift=SUBPIXEL_BITS)
    return mask.astype(bool)


def fill_polygon(film: Film, points_cm: np.ndarray) -> np.ndarray:
    """A polygon (N, 2) in cm, filled: bool array of shape `film.shape`."""
    pixels = np.round(film.to_pixels(points_cm) * 2**SUBPIXEL_BITS).astype(np.int32)
    mask = np.zeros(film.shape, np.uint8)
    cv2.fillPoly(mask, [pixels], 1, shift=SUBPIXEL_BITS)
    return mask.astype(bool)


def smooth_noise(rng: np.random.Generator, shape: tuple, cell_px: float) -> np.ndarray:
    """Random field of mean 0 and deviation about 1 whose blobs are about `cell_px` wide."""
    small = [max(2, int(np.ceil(size / cell_px)) + 1) for size in shape]
    seeds = rng.standard_normal(small, dtype=np.float32)
    return cv2.resize(seeds, shape[::-1], interpolation=cv2.INTER_CUBIC)


def blob(x: np.ndarray, y: np.ndarray, centre: tuple, half_size: tuple) -> np.ndarray:
    """How thick an ellipsoid is above each pixel: 1 at its centre, 0 at its outline and beyond."""
    square = ((x - centre[0]) / half_size[0]) ** 2 + ((y - centre[1]) / half_size[1]) ** 2
    return np.sqrt(np.clip(1 - square, 0, None))
