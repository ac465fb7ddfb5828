"""Who lies in the scanner of the head CT phantoms, and where every voxel lies in their head.

The head's frame is that of an average adult, in mm: x to the left, y to the back, z up, with the
origin midway between the anterior and the posterior commissure. A structure is a distance map,
negative inside, as in `radiokit.phantoms.solids`, on voxels of half the image's resolution.
"""

from dataclasses import dataclass

import numpy as np

from radiokit.phantoms import solids
from radiokit.phantoms.solids import FAR_MM, ellipsoid_distance


@dataclass(frozen=True)
class Head:
    """One person's head; lengths in mm, `*_scale` relative to an average adult."""

    age_years: int
    size: tuple[float, float, float]  # along x, y and z
    turn_degrees: tuple[float, float, float]  # nod, lean to a shoulder, look aside
    offset_mm: tuple[float, float]  # from the middle of the field of view, left and back
    skull_mm: float
    scalp_mm: float
    forehead: float  # how much narrower the skull is in front
    skew: float  # how far one side of the skull lies behind the other
    ventricle_scale: float
    sulcus_mm: float  # width of the fluid in a sulcus
    grey_hu: float
    white_hu: float
    opening: tuple[float, float, float, float] | None  # x, y, z, radius of a hole from surgery
    drain: int  # side of a tube into the ventricles, 0 none
    shape_seed: int  # of what bends and folds


def draw_head(rng: np.random.Generator) -> Head:
    """A random adult; fluid gains on the brain with age."""
    age = int(np.clip(rng.normal(58, 19), 18, 95))
    old = max(0.0, (age - 45) / 45)
    shrunken = np.exp(rng.normal(0, 0.25))
    grey = rng.normal(36.0, 1.5)
    awry = np.array([1, 2, 2.5])
    return Head(
        age_years=age,
        size=tuple(rng.normal(1.0, [0.035, 0.035, 0.03])),
        turn_degrees=tuple(
            rng.normal([3, 0, 0], [5, 3.5, 6]) * (awry if rng.random() < 0.2 else 1)
        ),
        offset_mm=tuple(rng.normal(0, [6, 4])),
        skull_mm=float(np.clip(rng.normal(5.6, 1.0), 3.8, 9)),
        scalp_mm=float(np.clip(rng.normal(5.5, 1.3), 3.2, 9)),
        forehead=rng.normal(0.13, 0.03),
        skew=rng.normal(0, 0.02),
        ventricle_scale=float(np.clip((0.95 + 0.6 * old) * shrunken, 0.6, 2.2)),
        sulcus_mm=float(np.clip((0.8 + 1.6 * old) * shrunken, 0.35, 3.5)),
        grey_hu=grey,
        white_hu=grey - rng.uniform(6.0, 9.0) - 1.5 * old,
        opening=_draw_opening(rng) if rng.random() < 0.06 else None,
        drain=int(rng.choice([-1, 1])) if rng.random() < 0.05 else 0,
        shape_seed=int(rng.integers(2**31)),
    )


def _draw_opening(rng: np.random.Generator) -> tuple[float, float, float, float]:
    place = (rng.choice([-1, 1]) * 66, rng.uniform(-35, 25), rng.uniform(10, 40))
    return tuple(float(value) for value in (*place, rng.uniform(14, 42)))


@dataclass(frozen=True)
class Space:
    """The voxels of an exam: where each lies in the head, and which lie near a point."""

    points_mm: np.ndarray  # (3, slices, rows, columns) float32: x, y, z in the head's frame
    low_mm: tuple[np.ndarray, ...]  # by axis x, y, z: the least of it in every column, row, slice
    high_mm: tuple[np.ndarray, ...]

    def box_around(self, points_mm: np.ndarray, reach_mm: float) -> tuple[slice, slice, slice]:
        """Slices, rows and columns nearer than `reach_mm` to the box that holds (N, 3) points."""
        points = np.atleast_2d(points_mm)
        spans = []
        for axis in (2, 1, 0):
            low, high = points[:, axis].min() - reach_mm, points[:, axis].max() + reach_mm
            inside = np.flatnonzero((self.high_mm[axis] > low) & (self.low_mm[axis] < high))
            spans.append(slice(inside[0], inside[-1] + 1) if len(inside) else slice(0))
        return tuple(spans)


def space_of(points_mm: np.ndarray) -> Space:
    """Voxels at (3, slices, rows, columns) points, with what finds those near a structure."""
    low, high = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != 2 - axis)
        low.append(points_mm[axis].min(axis=others))
        high.append(points_mm[axis].max(axis=others))
    return Space(points_mm, tuple(low), tuple(high))


def place_head(head: Head, scanner_mm: np.ndarray) -> Space:
    """Voxels at (3, slices, rows, columns) scanner points in mm → the same in the head's frame."""
    nod, lean, look = np.radians(head.turn_degrees)
    turn = _rotation(0, nod) @ _rotation(1, lean) @ _rotation(2, look)
    matrix = (turn / np.array(head.size)[:, None]).astype(np.float32)
    x, y, z = scanner_mm
    x, y = x - np.float32(head.offset_mm[0]), y - np.float32(head.offset_mm[1])
    points = np.stack([row[0] * x + row[1] * y + row[2] * z for row in matrix])
    rng = np.random.default_rng(head.shape_seed)
    bent = [waves(points, rng, 75.0, 4) for _ in range(3)]
    for axis in range(3):
        points[axis] += np.float32(1.2) * bent[axis]
    points[1] += np.float32(head.skew) * points[0]
    return space_of(points)


def _rotation(axis: int, angle: float) -> np.ndarray:
    first, second = [other for other in range(3) if other != axis]
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


# -- distance maps -------------------------------------------------------------------------------


def far_from(space: Space) -> np.ndarray:
    """The distance map of nothing."""
    return np.full(space.points_mm.shape[1:], FAR_MM, np.float32)


def join_ellipsoid(distance: np.ndarray, space: Space, centre_mm, half_mm, reach_mm=10.0) -> None:
    """Unite a distance map, in place, with an ellipsoid along the head's axes."""
    half = np.asarray(half_mm, float)
    corners = np.stack([np.asarray(centre_mm) - half, np.asarray(centre_mm) + half])
    box = space.box_around(corners, reach_mm)
    near = space.points_mm[(slice(None), *box)]
    found = ellipsoid_distance(near, centre_mm, half)
    np.minimum(distance[box], found, out=distance[box])


def join_pair(distance: np.ndarray, space: Space, centre_mm, half_mm, reach_mm=10.0) -> None:
    """The same with an ellipsoid on either side of the head."""
    x, y, z = centre_mm
    for side in (-1, 1):
        join_ellipsoid(distance, space, (side * x, y, z), half_mm, reach_mm)


def join_tube(distance: np.ndarray, space: Space, path_mm, radius_mm, reach_mm=10.0) -> None:
    """Unite a distance map, in place, with a bent tube with round ends.

    Args:
        distance: (slices, rows, columns).
        space: its voxels.
        path_mm: (N, 3) corners of its middle line, N at least 2.
        radius_mm: one, or (N,).
        reach_mm: how far outside its surface the map is still right.
    """
    solids.join_tube(distance, space, space.points_mm, path_mm, radius_mm, reach_mm)


def join_tubes(distance: np.ndarray, space: Space, path_mm, radius_mm, reach_mm=10.0) -> None:
    """The same with a tube on either side of the head; the path is that of the left one."""
    for side in (-1, 1):
        mirrored = np.asarray(path_mm, float) * [side, 1, 1]
        join_tube(distance, space, mirrored, radius_mm, reach_mm)


def waves(points_mm: np.ndarray, rng: np.random.Generator, length_mm: float, count: int):
    """Random field of mean 0 and deviation about 1, made of plane waves: works on any points.

    Args:
        points_mm: (3, …) float32.
        rng: of the waves' directions.
        length_mm: of a wave, about.
        count: how many waves; few look like stripes.
    """
    every = 2 if length_mm > 15 else 1  # long waves need no fine grid
    points = np.ascontiguousarray(points_mm[..., ::every, ::every])
    field = np.zeros(points.shape[1:], np.float32)
    for _ in range(count):
        direction = rng.standard_normal(3)
        direction *= 2 * np.pi / (length_mm * rng.uniform(0.75, 1.35) * np.linalg.norm(direction))
        x, y, z = (np.float32(part) for part in direction)
        phase = x * points[0] + y * points[1]
        phase += z * points[2]
        phase += np.float32(rng.uniform(0, 2 * np.pi))
        field += np.sin(phase, out=phase)
    field *= np.float32(np.sqrt(2 / count))
    return field if every == 1 else between(field)


def between(field: np.ndarray) -> np.ndarray:
    """(slices, rows, columns) → twice the rows and columns; the given ones are the even ones."""
    rows = np.repeat(field, 2, axis=1)
    rows[:, 1:-1:2] = 0.5 * (field[:, :-1] + field[:, 1:])
    whole = np.repeat(rows, 2, axis=2)
    whole[:, :, 1:-1:2] = 0.5 * (rows[:, :, :-1] + rows[:, :, 1:])
    return whole
