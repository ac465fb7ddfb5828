"""What an MR scanner receives from a child's or adult's chest: the heart among what surrounds it.

Signal is 1 for flowing blood at its brightest and 0 for air. Lengths are adult mm in the body's
frame of `radiokit.phantoms.heart`; the midline lies at x = 22.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from radiokit.phantoms.chambers import STRUCTURES, HeartMaps
from radiokit.phantoms.solids import (
    Grid,
    cover,
    ellipsoid_distance,
    far_map,
    join_tube,
    smooth_noise_3d,
)

MIDLINE = 22.0
VESSELS_ALONE = ("venae_cavae", "pulmonary_veins", "pulmonary_artery")


def receive_signal(
    heart: HeartMaps, grid: Grid, points_mm: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Signal (i, j, k), float32, without noise or the scanner's doing.

    Args:
        heart: its maps on the same grid.
        grid: voxels, adult mm.
        points_mm: `grid.points_mm()`.
        rng: of tissues, their texture and the shape of the chest.
    """
    voxel = grid.voxel_mm()
    wobble = smooth_noise_3d(rng, grid.shape, (7, 7, 5))
    signal = np.full(grid.shape, 0.02, np.float32)
    inside = _paint_wall(signal, points_mm, wobble, voxel, rng)
    all_heart = np.minimum(heart.blood, heart.myocardium)
    _paint_lungs(signal, grid, points_mm, inside, voxel, rng)
    steps = np.linalg.norm(grid.steps_mm, axis=0)
    _paint_mediastinum(signal, points_mm, all_heart, wobble, steps, voxel, rng)
    _paint_belly(signal, points_mm, inside, wobble, voxel, rng)
    _paint_spine(signal, grid, points_mm, voxel, rng)
    muscle = rng.normal(0.42, 0.03) * (1 + 0.05 * wobble)
    fat = np.clip(1.5 + 2.5 * wobble, 0, 6)
    cover(signal, all_heart - fat, rng.uniform(0.55, 0.95), voxel)  # on the heart, in patches
    cover(signal, heart.blood - 1.6, rng.normal(0.40, 0.04), voxel)  # walls of atria and vessels
    cover(signal, heart.myocardium, muscle, voxel)
    cover(signal, heart.papillary, muscle, voxel)
    cover(signal, heart.blood, _blood_signal(heart, grid, rng), voxel)
    return signal * (1 + 0.04 * smooth_noise_3d(rng, grid.shape, (30, 30, 16)))


def _blood_signal(heart: HeartMaps, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Each cavity's own, with fresh and mixed blood in streaks, and some vessels dark."""
    levels = {name: rng.normal(0.92, 0.09) for name in STRUCTURES}
    for name in VESSELS_ALONE:
        levels[name] = rng.uniform(0.25, 0.42) if rng.random() < 0.2 else rng.normal(0.78, 0.14)
    table = np.array([levels[name] for name in STRUCTURES], np.float32)
    streaks = smooth_noise_3d(rng, grid.shape, (9, 9, 7))
    jets = np.clip(smooth_noise_3d(rng, grid.shape, (6, 6, 5)) - 1.3, 0, 1)
    return table[heart.structure] * (1 + 0.08 * streaks) - 0.3 * jets


# -- around the heart ----------------------------------------------------------------------------


def _paint_wall(signal, points_mm, wobble, voxel: float, rng) -> np.ndarray:
    """Fat, muscle, ribs and breastbone; returns the distance map of the chest's inside."""
    x, y, z = points_mm
    wide, deep = rng.normal(104, 5), rng.normal(79, 3)
    round_chest = np.sqrt(((x - MIDLINE) / wide) ** 2 + ((y + 12) / deep) ** 2)
    inside = ((round_chest - 1) * 0.5 * (wide + deep)).astype(np.float32)
    muscle = 14 + 18 * np.clip(-(y + 40) / 60, 0, 1)
    fat = rng.uniform(4, 16)
    cover(signal, inside - muscle - fat, rng.uniform(0.75, 1.0), voxel)
    cover(signal, inside - muscle + 2 * wobble, rng.normal(0.38, 0.03), voxel)
    turn = (z - 0.5 * y + rng.uniform(0, 26)) / 26
    rib = np.maximum(np.abs(inside - 7) - 4, np.abs(turn - np.round(turn)) * 26 - 5)
    bone = np.minimum(
        rib, np.maximum(np.abs(inside - 6) - 5, np.abs(x - MIDLINE) - 14 + 999 * (y < 0))
    )
    cover(signal, bone - 1, 0.15, voxel)
    cover(signal, bone + 1, rng.uniform(0.45, 0.7), voxel)
    return inside


def _paint_lungs(signal, grid: Grid, points_mm, inside, voxel: float, rng) -> None:
    """Dark lungs, with vessels that fan out from each hilum, brighter than lung."""
    cover(signal, inside + 2, rng.uniform(0.06, 0.13), voxel)
    branches = far_map(grid)
    for side, hilum in ((1, (60, -26, 30)), (-1, (-42, -30, 34))):
        for _ in range(7):
            start = np.array(hilum) + rng.normal(0, 8, 3)
            end = start + [side * rng.uniform(20, 55), rng.normal(0, 28), rng.normal(-10, 32)]
            join_tube(branches, grid, points_mm, [start, end], [rng.uniform(3, 4.5), 1.2], 3)
    cover(signal, np.maximum(branches, inside + 3), rng.uniform(0.5, 0.9), voxel)


def _paint_mediastinum(signal, points_mm, all_heart, wobble, steps_mm, voxel: float, rng) -> None:
    """Fat and soft tissue between the lungs, the thymus in front of the great vessels."""
    upper = ellipsoid_distance(points_mm, (18, -8, 78), (34, 46, 52))
    behind = ellipsoid_distance(points_mm, (14, -76, 0), (34, 24, 400))
    rounded = gaussian_filter(np.clip(all_heart, -12, 12), 6.0 / steps_mm, truncate=2.5)
    sac = np.minimum(all_heart - 2.5, rounded - rng.uniform(2, 5))
    tissue = np.minimum(np.minimum(upper, behind), sac)
    patches = np.clip(0.5 + rng.normal(0.2, 0.5) + 1.4 * wobble, 0, 1)
    fat, soft = rng.uniform(0.7, 0.95), rng.normal(0.40, 0.04)
    cover(signal, tissue + 2 * wobble, soft + (fat - soft) * patches, voxel)
    thymus = ellipsoid_distance(points_mm, (16, 34, 62), (26, 13, 34))
    cover(signal, thymus + 3 * wobble, rng.normal(0.45, 0.04), voxel)


def _paint_belly(signal, points_mm, inside, wobble, voxel: float, rng) -> None:
    """Below the diaphragm: liver with its vessels, stomach with gas or fluid, spleen, fat."""
    x, y, z = points_mm
    right = np.exp(-(((x - 68) / 60) ** 2) - ((y + 5) / 60) ** 2)
    left = np.exp(-(((x + 38) / 50) ** 2) - ((y + 5) / 50) ** 2)
    dome = rng.normal(-62, 3) + rng.normal(22, 4) * right + rng.normal(10, 3) * left
    below = np.maximum(z - dome + 2 * wobble, inside + 2)
    cover(signal, below, rng.uniform(0.6, 0.9), voxel)
    liver = rng.normal(0.44, 0.05) + 0.35 * np.clip(2 * wobble - 2.2, 0, 1)
    cover(signal, np.maximum(below + 2.5, rng.normal(-14, 10) - x), liver, voxel)
    stomach = ellipsoid_distance(points_mm, (-32, 12, -88), (34, 34, 26))
    cover(signal, np.maximum(stomach, below + 3), rng.choice([0.04, 0.35, 0.9]), voxel)
    spleen = ellipsoid_distance(points_mm, (-66, -52, -84), (26, 34, 34))
    cover(signal, np.maximum(spleen, below + 3), rng.normal(0.6, 0.05), voxel)


def _paint_spine(signal, grid: Grid, points_mm, voxel: float, rng) -> None:
    """Vertebrae and discs, the bright canal with the cord, the gullet before them."""
    x, y, z = points_mm
    body = np.sqrt((x - MIDLINE) ** 2 + 1.3 * (y + 88) ** 2) - 17
    turn = (z + rng.uniform(0, 24)) / 24
    disc = np.abs(turn - np.round(turn)) * 24 - 3
    cover(signal, body - 1.5, 0.18, voxel)
    cover(signal, body + 0.5, rng.uniform(0.45, 0.65), voxel)
    cover(signal, np.maximum(body, disc), rng.uniform(0.3, 0.6), voxel)
    canal = np.sqrt((x - MIDLINE) ** 2 + (y + 114) ** 2) - 8.5
    cover(signal, canal, 0.95, voxel)
    cover(signal, canal + 4.5, 0.5, voxel)
    gullet = far_map(grid)
    join_tube(gullet, grid, points_mm, [(14, -60, 120), (10, -58, 0), (0, -50, -120)], 6, 4)
    cover(signal, gullet, rng.normal(0.42, 0.04), voxel)
