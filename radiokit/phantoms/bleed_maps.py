"""Where the haemorrhages of the head CT phantoms lie, voxel by voxel, and what they push aside."""

import numpy as np

from radiokit.phantoms.bleeds import SUTURES_MM, Bleed
from radiokit.phantoms.head import Space, space_of, waves
from radiokit.phantoms.skull import CENTRE_MM, HALF_MM


def push_aside(space: Space, bleeds: tuple[Bleed, ...], depth: np.ndarray):
    """The voxels as the brain's parts see them, and how tight the brain is, 0..1.

    Args:
        space: voxels in the head's frame.
        bleeds: what takes room.
        depth: (slices, rows, columns), mm from the inner table inwards.
    """
    points = space.points_mm.copy()
    tight = np.zeros(points.shape[1:], np.float32)
    for bleed in bleeds:
        strength = _push_mm(bleed)
        if strength < 1:
            continue
        centre = np.array(bleed.centre, np.float32)
        away = [points[axis] - centre[axis] for axis in range(3)]
        near = np.exp(-sum(part * part for part in away) / np.float32(2 * 42.0**2))
        moved = near * np.clip(depth / 25, 0, 1) * np.float32(strength)
        points[0] += moved * np.float32(np.sign(centre[0]) or 1)
        tight += near * np.float32(min(1.0, strength / 7))
    return space_of(points), np.minimum(tight, 1, out=tight)


def _push_mm(bleed: Bleed) -> float:
    if bleed.form in ("lens", "crescent"):
        return 0.65 * bleed.half[2]
    if bleed.form == "clot":
        return 0.4 * float(np.prod(bleed.half)) ** (1 / 3) + 0.3 * bleed.oedema - 2
    return 0.0


def bleed_map(bleed: Bleed, space: Space, skull: dict, brain: dict, fall: np.ndarray) -> np.ndarray:
    """Distance map of a bleed, (slices, rows, columns) float32 in mm; of a patch, its reach.

    Args:
        bleed: what to draw.
        space: voxels in the head's frame, not pushed aside.
        skull: maps from `skull_maps`.
        brain: maps from `brain_maps`.
        fall: (slices, rows, columns), mm downwards as the patient lies.
    """
    rough = waves(space.points_mm, np.random.default_rng(bleed.seed), 24.0, 5)
    if bleed.form == "lens":
        return _lens_map(bleed, space, skull, rough)
    if bleed.form == "crescent":
        return _crescent_map(bleed, space, skull, rough)
    if bleed.form in ("falx", "tent"):
        return _sheet_map(bleed, space, skull, brain, rough)
    if bleed.form == "level":
        return _level_map(bleed, space, brain, fall)
    ball = _ball(bleed, space)
    if bleed.form == "cast":
        return np.maximum(brain["ventricles"] - 0.5, ball + 4 * rough)
    if bleed.form == "clot":
        fine = waves(space.points_mm, np.random.default_rng(bleed.seed + 1), 10.0, 5)
        size = min(bleed.half)
        ball += np.float32(0.2 * size) * rough + np.float32(min(1.2, 0.1 * size)) * fine
        return np.maximum(ball, skull["cavity"] + 1)
    return ball + 7 * rough


def _ball(bleed: Bleed, space: Space) -> np.ndarray:
    half = np.array(bleed.half, np.float32)
    away = [
        (space.points_mm[axis] - np.float32(bleed.centre[axis])) / half[axis] for axis in range(3)
    ]
    return (np.sqrt(sum(part * part for part in away)) - 1) * np.float32(np.prod(half) ** (1 / 3))


def _lens_map(bleed: Bleed, space: Space, skull: dict, rough: np.ndarray) -> np.ndarray:
    centre = np.array(bleed.centre, np.float32)
    inwards = (np.array(CENTRE_MM, np.float32) - centre) / np.array(HALF_MM, np.float32) ** 2
    inwards /= np.linalg.norm(inwards)
    away = [space.points_mm[axis] - centre[axis] for axis in range(3)]
    deep = sum(part * share for part, share in zip(away, inwards, strict=True))
    square = sum(part * part for part in away)
    wide, _, thick = (np.float32(value) for value in bleed.half)
    sagitta = wide * wide / 150  # the skull bends away from its tangent by about so much
    radius = np.sqrt((square - deep * deep) / wide**2 + ((deep - 0.0) / (thick + sagitta)) ** 2)
    lens = (radius - 1 + 0.03 * rough) * (thick + sagitta)
    low, high = SUTURES_MM
    y = space.points_mm[1]
    between = np.maximum(low - y, y - high) if low < centre[1] < high else y - low
    return np.maximum(np.maximum(lens, skull["cavity"]), between)


def _crescent_map(bleed: Bleed, space: Space, skull: dict, rough: np.ndarray) -> np.ndarray:
    x, y, z = space.points_mm
    along = (y - np.float32(bleed.centre[1])) / np.float32(bleed.half[0])
    up = (z - np.float32(bleed.centre[2])) / np.float32(bleed.half[1])
    profile = 1.15 - along * along - up * up + 0.1 * rough
    thick = np.float32(bleed.half[2]) * np.minimum(profile, 1)
    layer = np.maximum(-skull["dome"] - thick, skull["cavity"])
    return np.maximum(layer, 1.5 - bleed.side * x)


def _sheet_map(bleed: Bleed, space: Space, skull: dict, brain: dict, rough) -> np.ndarray:
    x, y, z = space.points_mm
    reach, thick = np.float32(bleed.half[0]), np.float32(bleed.half[2])
    profile = np.clip(1.1 - ((y - np.float32(bleed.centre[1])) / reach) ** 2 + 0.15 * rough, -1, 1)
    if bleed.form == "tent":
        above = brain["tentorium"]
        notch = 1 - np.sqrt((x / 20) ** 2 + ((y - 12) / 30) ** 2)
        sheet = np.maximum(above - thick * profile, -above)
        return np.maximum(
            np.maximum(sheet, notch * 20), np.maximum(-bleed.side * x, skull["cavity"])
        )
    free = (1 - np.sqrt(((y - 6) / 58) ** 2 + ((z - 2) / 38) ** 2)) * 38
    sheet = np.maximum(bleed.side * x - thick * profile, -bleed.side * x)
    sheet = np.maximum(sheet, np.maximum(free, -brain["tentorium"]))
    return np.maximum(sheet, skull["cavity"])


def _level_map(bleed: Bleed, space: Space, brain: dict, fall: np.ndarray) -> np.ndarray:
    """Blood sinks to the lowest part of the ventricles, the occipital horns."""
    inside = brain["ventricles"]
    behind = inside[space.points_mm[1] > 20]
    lowest = fall[(inside < 0) & (space.points_mm[2] > -12)]
    if not behind.size or not lowest.size:
        return np.full_like(inside, 60.0)
    level = np.float32(lowest.max() - bleed.half[2])
    pool = np.maximum(inside - 0.4, level - fall)
    pool = np.maximum(pool, -12 - space.points_mm[2])
    return np.maximum(pool, -bleed.side * space.points_mm[0]) if bleed.side else pool
