"""The brain of the head CT phantoms: folds, fluid, deep grey matter, falx and calcifications."""

import numpy as np

from radiokit.phantoms.head import (
    Head,
    Space,
    far_from,
    join_ellipsoid,
    join_pair,
    join_tube,
    join_tubes,
    waves,
)

LATERAL_MM = (  # from the frontal horn over body and atrium to the occipital horn
    [(15, -41, 0), (10, -30, 9), (7, -15, 15), (9, 4, 20), (14, 22, 19), (23, 36, 11), (24, 52, 4)],
    [3.2, 5.4, 5.0, 4.8, 5.4, 7.2, 3.6],
)
TEMPORAL_MM = ([(26, 36, 6), (31, 22, -8), (30, 4, -18)], [3.6, 2.0, 2.0])
OCCIPITAL_MM = ([(24, 52, 4), (19, 67, 2)], [3.6, 1.8])


def brain_maps(head: Head, space: Space, skull: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Distance maps by structure, each (slices, rows, columns) float32 in mm.

    Args:
        head: whose.
        space: its voxels, pushed aside by what takes room.
        skull: maps from `skull_maps`.

    Returns:
        `folds` is 0 in the middle of every sulcus and about the distance in mm from it.
    """
    tentorium = _tentorium(space)
    maps = {
        "ventricles": _ventricles(head, space),
        "cisterns": _cisterns(head, space, skull),
        "folds": _folds(head, space, skull["radius"]),
        "deep": _deep_grey(space),
        "tentorium": tentorium,
        "falx": _falx(head, space, tentorium),
        "midline": _midline(head, space),
        "brainstem": _brainstem(space),
        "chalk": _calcifications(head, space),
    }
    return maps


def _ventricles(head: Head, space: Space) -> np.ndarray:
    rng = np.random.default_rng([head.shape_seed, 3])
    ventricles = far_from(space)
    for side in (-1, 1):
        scale = head.ventricle_scale * np.exp(rng.normal(0, 0.08))
        for (path, radius), swell in ((LATERAL_MM, 1.0), (TEMPORAL_MM, 0.8), (OCCIPITAL_MM, 1.0)):
            corners = np.array(path, float) * [side, 1, 1]
            corners[:, 0] += side * 1.2 * (scale - 1) * 4
            radii = np.maximum(0.9, scale * swell * np.array(radius) - 0.5)
            join_tube(ventricles, space, corners, radii)
    wide = 1.3 * head.ventricle_scale
    join_ellipsoid(ventricles, space, (0, 0, 0), (wide + 0.3, 13, 8))
    join_ellipsoid(ventricles, space, (0, 42, -27), (5 * np.sqrt(wide), 4.5, 8))
    join_tube(ventricles, space, [(0, 16, -4), (0, 30, -16), (0, 40, -24)], 0.9)
    septum = 0.7 - np.abs(space.points_mm[0])
    return np.where(space.points_mm[2] > 5, np.maximum(ventricles, septum), ventricles)


def _cisterns(head: Head, space: Space, skull: dict[str, np.ndarray]) -> np.ndarray:
    """Fluid around the brain's base and in the sylvian fissures, and over the shrunken brain."""
    wide = 0.6 * head.sulcus_mm
    cisterns = far_from(space)
    join_ellipsoid(cisterns, space, (0, -10, -17), (9 + 3 * wide, 8 + 2 * wide, 6))
    join_tubes(cisterns, space, [(5, -14, -16), (20, -16, -13), (34, -12, -8)], 0.8 + wide)
    np.minimum(cisterns, _sylvian(head, space, 0.3 + wide), out=cisterns)
    stem, (_, y, z) = _brainstem(space), space.points_mm
    shell = np.abs(stem - 1.0 - wide) - (0.4 + wide)
    shell = np.maximum(shell, z + np.maximum(0, 8 - y) * 1.5)
    np.minimum(cisterns, shell, out=cisterns)
    join_ellipsoid(cisterns, space, (0, 30, -6), (9 + 2 * wide, 3 + wide, 6))
    join_ellipsoid(cisterns, space, (0, 70, -48), (10, 7, 8 + 2 * wide))
    rim = np.abs(skull["cavity"]) - 0.8 * wide
    return np.minimum(cisterns, rim)


def _sylvian(head: Head, space: Space, half_width: float) -> np.ndarray:
    """From the insula outwards between the temporal lobe and what covers it."""
    x, y, z = space.points_mm
    rough = waves(space.points_mm, np.random.default_rng([head.shape_seed, 7]), 28.0, 5)
    out = np.abs(x) + 1.5 * rough
    insula = np.abs(out - 41 + 0.006 * y * y) - half_width * (1 + 0.4 * rough)
    insula = np.maximum(insula, np.maximum(np.abs(y + 2) - 18, np.abs(z - 5) - 12))
    bent = y + 10 - 1.3 * (z - 2) + 0.3 * (out - 52) + 4 * rough
    cleft = np.abs(bent) * 0.7 - half_width * (0.8 + 0.5 * rough)
    cleft = np.maximum(cleft, np.maximum(39 - out, np.abs(z - 5) - 15))
    return np.minimum(insula, cleft)


def _brainstem(space: Space) -> np.ndarray:
    stem = far_from(space)
    join_ellipsoid(stem, space, (0, 13, -11), (17, 13, 12), 14)
    join_ellipsoid(stem, space, (0, 18, -29), (16, 13, 14), 14)
    join_tube(stem, space, [(0, 22, -34), (0, 28, -60)], [10, 7])
    return stem


def _folds(head: Head, space: Space, radius: np.ndarray) -> np.ndarray:
    """Sulci run inwards from the surface: folded by where a point lies seen from the middle."""
    rng = np.random.default_rng([head.shape_seed, 4])
    points = space.points_mm
    seen = np.empty_like(points)
    pull = 0.75 / np.maximum(radius, 0.3) + 0.25
    for axis, middle in enumerate((0.0, 4.0, 4.0)):
        seen[axis] = (points[axis] - np.float32(middle)) * pull
    bent = 3.0 * waves(points, rng, 30.0, 4)
    seen[0] += bent
    seen[1] -= bent
    folds = waves(seen, rng, 25.0, 7)
    step = np.abs(points[0, 0, 0, 1] - points[0, 0, 0, 0])
    across, down = np.gradient(folds, step, axis=(2, 1))
    return folds / np.sqrt(across**2 + down**2 + np.float32(0.12**2))


def _deep_grey(space: Space) -> np.ndarray:
    """Thalami, lentiform nuclei and heads of the caudate nuclei."""
    deep = far_from(space)
    join_pair(deep, space, (10.5, 6, 5), (7, 12, 8))
    join_pair(deep, space, (25, -8, 3), (6.5, 17, 9))
    join_pair(deep, space, (13, -25, 9), (5, 8, 9))
    return deep


def _midline(head: Head, space: Space) -> np.ndarray:
    """Where the two halves of the cerebrum meet, above and in front of the corpus callosum."""
    x, y, z = space.points_mm
    callosum = np.sqrt(((y - 2) / 44) ** 2 + ((z - 4) / 24) ** 2)
    inside = (1 - callosum) * 24
    return np.maximum(np.abs(x) - np.float32(0.45 * head.sulcus_mm), inside)


def _tentorium(space: Space) -> np.ndarray:
    """How far above (positive) the cerebellum's tent a point lies, in mm."""
    x, y, z = space.points_mm
    tent = 6 - 0.42 * np.abs(x) - 0.16 * np.maximum(y - 34, 0) - 0.25 * np.maximum(34 - y, 0)
    return z - tent


def _falx(head: Head, space: Space, tentorium: np.ndarray) -> np.ndarray:
    """Falx, tent and the large sinuses of the veins: all a little denser than the brain."""
    x, y, z = space.points_mm
    rng = np.random.default_rng([head.shape_seed, 5])
    bent = waves(space.points_mm, rng, 90.0, 3) * 0.8
    free = np.sqrt(((y - 6) / 58) ** 2 + ((z - 2) / 38) ** 2)
    sheet = np.maximum(np.abs(x + bent) - 0.6, (1 - free) * 38)
    sheet = np.maximum(sheet, -tentorium)
    notch = np.sqrt((x / 20) ** 2 + ((y - 12) / 30) ** 2)
    tent = np.maximum(np.abs(tentorium) - 0.6, (1 - notch) * 20)
    np.minimum(sheet, np.maximum(tent, 4 - y), out=sheet)
    sinuses = far_from(space)
    join_tube(sinuses, space, [(0, 88, -2), (0, 84, 34), (0, 66, 58), (0, 36, 73)], [4, 3.4, 3, 2])
    join_tubes(sinuses, space, [(2, 87, -4), (30, 78, -10), (52, 52, -16)], [3.5, 3, 3])
    join_tube(sinuses, space, [(0, 34, 8), (0, 60, 2), (0, 84, -2)], [1.6, 1.8, 2.5])
    return np.minimum(sheet, sinuses)


def _calcifications(head: Head, space: Space) -> np.ndarray:
    """Pineal gland, choroid plexus, falx, basal ganglia: traps, the more the older."""
    rng = np.random.default_rng([head.shape_seed, 6])
    old = np.clip((head.age_years - 25) / 40, 0, 1)
    chalk = far_from(space)
    if rng.random() < 0.25 + 0.5 * old:
        join_ellipsoid(chalk, space, rng.normal([0, 24, 2], 0.8), rng.uniform(1.2, 3.2, 3))
    for side in (-1, 1):
        if rng.random() < 0.2 + 0.55 * old:
            centre = rng.normal([side * 24, 38, 11], 1.2)
            join_ellipsoid(chalk, space, centre, rng.uniform([1.2, 2, 2], [3, 5, 4.5]))
        if rng.random() < 0.12 * old:
            join_ellipsoid(chalk, space, rng.normal([side * 20, -6, 2], 1), rng.uniform(1.5, 3, 3))
        if rng.random() < 0.5 * old:
            join_ellipsoid(chalk, space, (side * 9, -12, -20), (1.6, 3.5, 2.2))
    if rng.random() < 0.2 * old:
        centre = (0, rng.uniform(-60, -20), rng.uniform(32, 55))
        join_ellipsoid(chalk, space, centre, (1.6, rng.uniform(3, 9), rng.uniform(3, 8)))
    if head.drain:
        path = [(head.drain * 34, -42, 72), (head.drain * 6, -20, 13)]
        join_tube(chalk, space, path, 1.2)
    return chalk
