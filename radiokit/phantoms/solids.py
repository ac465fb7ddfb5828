"""Voxel grids and simple 3-D solids, as the cardiac phantoms need them.

A solid is given by its distance map: float32, mm, about the distance to its surface, negative
inside. `np.minimum` of two maps is their union, `np.maximum` what they share.
"""

from dataclasses import dataclass

import numpy as np

FAR_MM = 60.0  # what a distance map holds where nothing is near


@dataclass(frozen=True)
class Grid:
    """Voxels in a body; the centre of (i, j, k) lies at `steps_mm @ (i, j, k) + origin_mm`."""

    shape: tuple[int, int, int]
    steps_mm: np.ndarray  # (3, 3): column n is the step from one voxel to the next along axis n
    origin_mm: np.ndarray  # (3,)

    def points_mm(self) -> np.ndarray:
        """Centres of all voxels, float32 (3, i, j, k)."""
        i, j, k = (np.arange(size, dtype=np.float32) for size in self.shape)
        return np.stack(
            [
                self.origin_mm[axis].astype(np.float32)
                + np.float32(row[0]) * i[:, None, None]
                + np.float32(row[1]) * j[None, :, None]
                + np.float32(row[2]) * k[None, None, :]
                for axis, row in enumerate(self.steps_mm)
            ]
        )

    def voxel_mm(self) -> float:
        """Edge of a cube as large as a voxel."""
        return float(np.cbrt(abs(np.linalg.det(self.steps_mm))))

    def box_around(self, points_mm: np.ndarray, reach_mm: float) -> tuple[slice, slice, slice]:
        """The voxels nearer than `reach_mm` to the box that holds `points_mm` (N, 3)."""
        inverse = np.linalg.inv(self.steps_mm)
        index = (np.asarray(points_mm) - self.origin_mm) @ inverse.T
        reach = reach_mm * np.linalg.norm(inverse, axis=1)
        first = np.clip(np.floor(index.min(axis=0) - reach), 0, self.shape).astype(int)
        last = np.clip(np.ceil(index.max(axis=0) + reach) + 1, 0, self.shape).astype(int)
        return tuple(slice(a, b) for a, b in zip(first, last, strict=True))


def ellipsoid_distance(points_mm: np.ndarray, centre_mm, half_mm) -> np.ndarray:
    """Distance map of an ellipsoid along the axes of the points; exact at its surface.

    Args:
        points_mm: (3, …), in any frame.
        centre_mm: (3,) in the same frame.
        half_mm: (3,) half its lengths.
    """
    near = np.zeros(points_mm.shape[1:], np.float32)
    steep = np.zeros_like(near)
    for axis in range(3):
        part = (points_mm[axis] - np.float32(centre_mm[axis])) / np.float32(half_mm[axis])
        near += part * part
        part /= np.float32(half_mm[axis])
        steep += part * part
    near = np.sqrt(near)
    return near * (near - 1) / np.maximum(np.sqrt(steep), 1e-6)


def join_tube(
    distance: np.ndarray, grid: Grid, points_mm: np.ndarray, path_mm, radius_mm, reach_mm=12.0
) -> None:
    """Unite a distance map, in place, with a bent tube with round ends.

    Args:
        distance: (i, j, k).
        grid: its voxels.
        points_mm: `grid.points_mm()`.
        path_mm: (N, 3) corners of its middle line, N at least 2.
        radius_mm: one, or (N,).
        reach_mm: how far outside its surface the map is still right.
    """
    path = np.asarray(path_mm, float)
    radius = np.broadcast_to(np.asarray(radius_mm, float), len(path))
    for start, end, first, last in zip(path[:-1], path[1:], radius[:-1], radius[1:], strict=True):
        box = grid.box_around(np.stack([start, end]), max(first, last) + reach_mm)
        near = points_mm[(slice(None), *box)]
        away = [near[axis] - np.float32(start[axis]) for axis in range(3)]
        line = (end - start).astype(np.float32)
        along = sum(a * b for a, b in zip(away, line, strict=True)) / max(line @ line, 1e-6)
        np.clip(along, 0, 1, out=along)
        square = sum((a - along * b) ** 2 for a, b in zip(away, line, strict=True))
        found = np.sqrt(square) - (first + along * np.float32(last - first))
        np.minimum(distance[box], found, out=distance[box])


def smooth_path(corners_mm, count: int = 12) -> np.ndarray:
    """A curve (count, 3) through the first and last corner, bent by those between."""
    corners = np.asarray(corners_mm, float)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    place = np.linspace(0, length[-1], 8 * count)
    dense = np.stack([np.interp(place, length, column) for column in corners.T], axis=1)
    width = count  # a running mean, shorter towards the ends, which stay where they are
    rounded = [
        dense[index - w : index + w + 1].mean(axis=0)
        for index in range(len(dense))
        for w in [min(index, len(dense) - 1 - index, width)]
    ]
    return np.array(rounded)[np.linspace(0, len(dense) - 1, count).round().astype(int)]


def far_map(grid: Grid) -> np.ndarray:
    """The distance map of nothing."""
    return np.full(grid.shape, FAR_MM, np.float32)


def cover(signal: np.ndarray, distance: np.ndarray, value, voxel_mm: float) -> None:
    """Paint a solid over `signal`, in place; voxels that it fills in part are mixed.

    Args:
        signal: (i, j, k) float32.
        distance: the solid's map.
        value: its signal, one or (i, j, k).
        voxel_mm: width of the mixed border.
    """
    share = distance * np.float32(-1 / voxel_mm)
    share += 0.5
    np.clip(share, 0, 1, out=share)
    signal += share * (value - signal)


def smooth_noise_3d(rng: np.random.Generator, shape: tuple, cells: tuple) -> np.ndarray:
    """Random field (i, j, k), float32, of mean 0 and deviation 1, with so many blobs an axis."""
    weights = []
    for size, count in zip(shape, cells, strict=True):
        place = np.linspace(0, count, size)[:, None]
        bumps = np.exp(-0.5 * ((place - np.arange(count + 1)) / 0.65) ** 2)
        weights.append((bumps / np.linalg.norm(bumps, axis=1, keepdims=True)).astype(np.float32))
    field = rng.standard_normal([count + 1 for count in cells], dtype=np.float32)
    for matrix in weights:  # the first axis is used up and comes back last
        field = np.tensordot(field, matrix, axes=(0, 1))
    return field


def bend(points_mm: np.ndarray, rng: np.random.Generator, size_mm: float, cells: tuple) -> None:
    """Shift points (3, i, j, k), in place, by some mm to and fro: what is built on them bends.

    Args:
        points_mm: of a grid.
        rng: of the shifts.
        size_mm: their deviation.
        cells: how many blobs an axis, as in `smooth_noise_3d`; few enough for gentle bends.
    """
    for axis in range(3):
        points_mm[axis] += np.float32(size_mm) * smooth_noise_3d(rng, points_mm.shape[1:], cells)
