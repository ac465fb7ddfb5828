"""Inside the lungs of the chest phantoms: vessels that branch from the hila, and disease."""

import numpy as np

from radiokit.phantoms.patient import Patient
from radiokit.phantoms.projection import Film, blob, project_points, smooth_noise
from radiokit.phantoms.skeleton import chest_half_width, midline_x

GENERATIONS = 7
POINTS_PER_CM = 16


def project_vessels(film: Film, patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """Thickness of blood in the vessels above every pixel, cm, as if all the chest were lung."""
    points, weights = [], []
    for side in (1.0, -1.0):
        starts, directions, radii = _hilum(side, patient, rng)
        for generation in range(GENERATIONS):
            lengths = rng.uniform(1.5, 3.1, len(radii)) * 0.88**generation
            ends = starts + directions * lengths[:, None]
            place, volume = _fill_segments(starts, ends, radii, rng)
            points.append(place)
            weights.append(volume)
            starts, directions, radii = _branch(ends, directions, radii, rng)
            keep = _inside_chest(starts, side, patient)
            starts, directions, radii = starts[keep], directions[keep], radii[keep]
    return project_points(film, np.concatenate(points), np.concatenate(weights))


def _hilum(side: float, patient, rng: np.random.Generator) -> tuple:
    """Roots of the tree: lobar vessels fan out, the lower ones thickest (upright patient)."""
    angles = np.radians([-75.0, -50.0, -20.0, 10.0, 38.0, 58.0, 76.0])
    angles = angles + rng.normal(0, 0.12, len(angles))
    height = (9.0 if side > 0 else 10.0) * patient.height_scale
    middle = float(midline_x(np.array(height), patient, 0.0))
    start = np.array([middle + side * 2.7, height, 0.0])
    starts = start + np.stack([0 * angles, 1.3 * np.sin(angles), 0 * angles], axis=1)
    depth = rng.normal(0, 0.35, len(angles))
    directions = np.stack([side * np.cos(angles), np.sin(angles), depth], axis=1)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = np.array([0.4, 0.4, 0.36, 0.42, 0.55, 0.62, 0.56]) * rng.uniform(0.85, 1.1)
    return starts, directions, radii


def _branch(ends, directions, radii, rng: np.random.Generator) -> tuple:
    """Every vessel parts in two: one goes nearly on, the other turns away and is thinner."""
    children, sizes = [], []
    for spread, share in ((0.22, 0.86), (0.55, 0.68)):
        turned = directions + rng.normal(0, spread, directions.shape)
        children.append(turned / np.linalg.norm(turned, axis=1, keepdims=True))
        sizes.append(radii * share * rng.uniform(0.85, 1.05, len(radii)))
    return np.tile(ends, (2, 1)), np.concatenate(children), np.concatenate(sizes)


def _inside_chest(points_cm: np.ndarray, side: float, patient) -> np.ndarray:
    x, y, z = points_cm.T
    outer = chest_half_width(y, patient) - 0.3
    return (side * x > 1.5) & ((x / outer) ** 2 + (z / 9.0) ** 2 < 1) & (y > 0) & (y < 26)


def _fill_segments(starts, ends, radii, rng: np.random.Generator) -> tuple:
    """Random points inside straight vessels and the length of blood each stands for."""
    lengths = np.linalg.norm(ends - starts, axis=1)
    counts = np.maximum((lengths * POINTS_PER_CM * (1 + 8 * radii)).astype(int), 4)
    index = np.repeat(np.arange(len(radii)), counts)
    along = rng.random(len(index))[:, None]
    turn, reach = rng.uniform(0, 2 * np.pi, len(index)), np.sqrt(rng.random(len(index)))
    away = (reach * radii[index])[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    bend = 0.12 * np.sin(np.pi * along) * lengths[index][:, None]
    centre = starts[index] + along * (ends - starts)[index]
    sideways = np.stack([-(ends - starts)[:, 1], (ends - starts)[:, 0]], axis=1)[index]
    sideways = sideways / lengths[index][:, None] * bend * np.where(index % 2, 1, -1)[:, None]
    volume = (np.pi * radii**2 * lengths / counts)[index]
    return centre[:, :2] + away + sideways, volume


def project_disease(film: Film, patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """Part of the lung's air (0..1) that disease has taken, above every pixel."""
    x, y = film.grid_cm()
    opacity = np.zeros(film.shape, np.float32)
    if patient.finding in ("normal", "effusion"):
        return opacity
    if patient.finding == "nodule":
        radius = rng.uniform(0.6, 1.5)
        return radius / 7 * blob(x, y, _place_in_lung(patient, rng, 20.0), (radius, radius))
    for _ in range(int(rng.integers(1, 4))):
        place, size = _place_in_lung(patient, rng, 11.0), rng.uniform(1.2, 3.6, 2)
        patch = blob(x, y, place, size) ** 1.5
        cloud = 1 + 0.5 * smooth_noise(rng, film.shape, 0.7 / film.pixel_cm)
        opacity += rng.uniform(0.25, 0.6) * patch * np.clip(cloud, 0, None)
        if patient.finding == "cavity":
            hole = rng.uniform(0.5, 0.75) * size
            opacity -= 0.3 * blob(x, y, place, hole)
    return opacity


def _place_in_lung(patient: Patient, rng: np.random.Generator, lowest_y_cm: float) -> tuple:
    side = 1 if rng.random() < 0.5 else -1
    y = rng.uniform(2.0, lowest_y_cm) * patient.height_scale
    outer = float(chest_half_width(np.array(y), patient))
    return side * rng.uniform(0.4, 0.85) * outer, y
