"""The head outside the brain: the cavity of the skull, its bone, air, muscle, orbits and skin."""

import numpy as np

from radiokit.phantoms.head import (
    Head,
    Space,
    between,
    far_from,
    join_ellipsoid,
    join_pair,
    join_tube,
    join_tubes,
    waves,
)

CENTRE_MM, HALF_MM = (0.0, 4.0, 9.0), (67.0, 84.0, 67.0)  # of the cavity's dome
FLOOR_MM = -17.0  # of the anterior fossa


def skull_maps(head: Head, space: Space) -> dict[str, np.ndarray]:
    """Distance maps by structure, each (slices, rows, columns) float32 in mm.

    `cavity` is what the skull encloses, `depth` the same for the dome alone, whose `radius` is 1 at
    the inner table; `bone` reaches from the cavity to the scalp, `air` is that of the sinuses.
    """
    rng = np.random.default_rng([head.shape_seed, 1])
    radius, dome, cylinder = _dome(head, space)
    rough = waves(space.points_mm, rng, 45.0, 5)
    thickness = head.skull_mm * (1 + 0.12 * rough) + _thicker(space)
    base = _base_bone(space)
    fossae = _fossae(space, dome)
    cavity = np.maximum(fossae, -base)
    floor = FLOOR_MM - 3 - space.points_mm[2] + _orbital_roof(space)
    bone = np.maximum(dome - thickness, floor)
    for part in (fossae - 4.5, base, _face_bone(space)):
        np.minimum(bone, part, out=bone)
    skin = _skin(space, cylinder - head.skull_mm - head.scalp_mm)
    np.minimum(skin, bone - 3.5, out=skin)
    muscle = _muscle(space)
    if head.opening:
        hole = far_from(space)
        join_ellipsoid(hole, space, head.opening[:3], head.opening[3:] * 3, 20)
        bone = np.maximum(bone, -hole)
        muscle = np.minimum(muscle, hole - 1)
    return {
        "radius": radius,
        "dome": dome,
        "cavity": cavity,
        "bone": bone,
        "skin": skin,
        "air": _air(head, space, rough),
        "globes": _globes(space),
        "orbits": np.maximum(_orbits(space), skin + 2),
        "muscle": muscle,
    }


def _dome(head: Head, space: Space) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radius relative to the inner table, its distance map, and that of a dome without a bottom."""
    x, y, z = (p - np.float32(c) for p, c in zip(space.points_mm, CENTRE_MM, strict=True))
    width = 1 - np.float32(head.forehead) * (0.5 - 0.5 * np.tanh((y + 45) / 28))
    u = (x / (width * np.float32(HALF_MM[0]))) ** 2
    v = (y / np.float32(HALF_MM[1])) ** 2
    w = (z / np.float32(HALF_MM[2])) ** 2
    flat = u + v - 0.4 * u * v
    radius = np.sqrt(flat + w - 0.18 * (u + v) * w + 1e-6)
    reach = np.sqrt(x * x + y * y + z * z)
    dome = reach * (1 - 1 / radius)
    upper = np.where(z > 0, w, 0.12 * w)
    outline = np.sqrt(flat + upper - 0.18 * (u + v) * upper + 1e-6)
    level = np.sqrt(x * x + y * y + np.where(z > 0, z * z, 0) + 1e-6)
    return radius, dome, level * (1 - 1 / outline)


def _thicker(space: Space) -> np.ndarray:
    """Frontal and occipital bone is thicker in the middle, the temple thinner; in mm."""
    x, y, z = space.points_mm[..., ::2, ::2]
    middle = np.exp(-((x / 14) ** 2))
    ends = 0.8 * (y / 85) ** 2 + middle * np.where(y > 0, 3.0, 1.5) * (np.abs(y) / 88) ** 4
    ends *= np.clip(1.2 - np.abs(z) / 50, 0.2, 1)
    temple = -2.0 * np.exp(-(((y + 5) / 35) ** 2) - ((z + 5) / 25) ** 2) * (np.abs(x) / 67) ** 2
    return between(ends + temple)


def _fossae(space: Space, dome: np.ndarray) -> np.ndarray:
    """The cavity: the dome above its floor, the two middle fossae and the posterior one."""
    cavity = np.maximum(dome, FLOOR_MM - space.points_mm[2] + _orbital_roof(space))
    join_pair(cavity, space, (37, -14, -19), (25, 37, 25), 25)
    join_ellipsoid(cavity, space, (0, 44, -24), (57, 44, 36), 25)
    join_ellipsoid(cavity, space, (0, 24, -50), (15, 18, 34), 25)
    return cavity


def _orbital_roof(space: Space) -> np.ndarray:
    """How far the floor of the anterior fossa bulges up over the orbits, in mm."""
    x, y, _ = space.points_mm[..., ::2, ::2]
    return between(9 * np.exp(-(((np.abs(x) - 30) / 18) ** 2) - ((y + 52) / 26) ** 2))


def _base_bone(space: Space) -> np.ndarray:
    """Petrous pyramids, mastoids, sphenoid with its wings, clivus and the sella's corners."""
    bone = far_from(space)
    join_tubes(bone, space, [(13, 1, -30), (32, 12, -28), (62, 27, -28)], [4, 6.5, 10])
    join_pair(bone, space, (58, 32, -40), (13, 17, 20))
    join_tubes(bone, space, [(9, -24, -15), (30, -36, -12), (60, -36, -4)], [3, 2.2, 4])
    join_ellipsoid(bone, space, (0, -17, -37), (13, 15, 15))
    join_tube(bone, space, [(0, -5, -24), (0, 6, -40), (0, 12, -58)], [4.5, 6, 6])
    join_tube(bone, space, [(0, -74, -8), (0, -72, -20)], 2.0)
    join_tube(bone, space, [(0, 86, -12), (0, 82, -8)], 5.0)
    return bone


def _face_bone(space: Space) -> np.ndarray:
    """Walls of the orbits and of the ethmoid, cheek bones and the frontal bar."""
    bone = far_from(space)
    join_tubes(bone, space, [(56, -52, -12), (53, -66, -26), (50, -68, -44)], [3.5, 4, 5])
    join_tubes(bone, space, [(26, -30, -30), (54, -50, -30)], [1.6, 2.2])
    join_tubes(bone, space, [(53, -62, -40), (64, -40, -44), (67, -5, -44)], [4, 3, 3])
    join_tubes(bone, space, [(14, -30, -32), (13, -78, -32)], 0.9)
    join_tubes(bone, space, [(14, -30, -42), (14, -78, -42)], 0.9)
    join_tube(bone, space, [(0, -40, -40), (0, -84, -34)], 0.8)
    join_tube(bone, space, [(0, -86, -18), (0, -92, -38)], 4.0)
    return bone


def _air(head: Head, space: Space, rough: np.ndarray) -> np.ndarray:
    """Frontal, sphenoid and ethmoid sinuses and the cells of the mastoids."""
    rng = np.random.default_rng([head.shape_seed, 2])
    air = far_from(space)
    join_ellipsoid(air, space, (rng.normal(0, 2), -18, -38), (9, 11, 9))
    height = rng.uniform(-4, 16)  # some have no frontal sinus to speak of
    for side in (-1, 1):
        centre = (side * rng.uniform(8, 12), -87 - 1.0 * rng.random(), -16 + height / 2)
        join_ellipsoid(air, space, centre, (rng.uniform(8, 13), 3.4, max(5.0, 6 + height)))
    cells = waves(space.points_mm, rng, 9.0, 5)
    ethmoid, mastoid = far_from(space), far_from(space)
    join_ellipsoid(ethmoid, space, (0, -60, -36), (12, 25, 17))
    join_pair(mastoid, space, (59, 30, -36), (8, 11, 16))
    np.minimum(air, np.maximum(ethmoid, 1.2 * cells - 1.6), out=air)
    np.minimum(air, np.maximum(mastoid, 2.2 * cells), out=air)
    ears = far_from(space)
    join_tubes(ears, space, [(58, 12, -32), (84, 10, -34)], 3.0)
    return np.minimum(air, ears)


def _globes(space: Space) -> np.ndarray:
    globes = far_from(space)
    join_pair(globes, space, (33, -74, -30), (12, 12, 12))
    return globes


def _orbits(space: Space) -> np.ndarray:
    """The fat around the eyes, less the nerve and the muscles."""
    orbits, nerve = far_from(space), far_from(space)
    join_tubes(orbits, space, [(17, -36, -28), (32, -70, -30), (33, -80, -30)], [4, 17, 18])
    join_tubes(nerve, space, [(14, -34, -27), (32, -64, -30)], 2.0)
    join_tubes(nerve, space, [(16, -36, -30), (19, -68, -31)], 2.2)
    join_tubes(nerve, space, [(20, -36, -30), (47, -66, -31)], 2.2)
    return np.maximum(orbits, -nerve)


def _skin(space: Space, skin: np.ndarray) -> np.ndarray:
    """The head's outside: eyes, nose and ears besides."""
    join_pair(skin, space, (33, -76, -30), (17, 14, 17))
    join_tube(skin, space, [(0, -92, -16), (0, -104, -40)], [8, 11])
    join_tubes(skin, space, [(76, 12, -36), (82, 20, -16), (80, 26, -22)], 3.5)
    return skin


def _muscle(space: Space) -> np.ndarray:
    """Temporal and neck muscles, and what lies between the jaws."""
    muscle = far_from(space)
    join_tubes(muscle, space, [(66, -22, 22), (68, -24, 0), (64, -28, -40)], [2, 9, 15])
    join_pair(muscle, space, (42, -40, -46), (18, 18, 20))
    join_pair(muscle, space, (30, 84, -44), (34, 12, 22))
    return muscle
