"""Outlines and scattered points of a breast slide, in micrometres."""

import numpy as np
from scipy.spatial import cKDTree


def wobbly_radii(rng: np.random.Generator, number: int, uneven: float, longer: float = 1.0):
    """Radii, 1 on average, of a closed star-shaped outline at equal angles, (number,).

    Args:
        rng: of the shape.
        number: corners.
        uneven: deviation of the bumps.
        longer: length over width of the ellipse under the bumps.
    """
    turn = np.arange(number) * 2 * np.pi / number
    tilt = rng.uniform(0, np.pi)
    stretch = np.sqrt(longer)
    radii = 1 / np.hypot(np.cos(turn - tilt) / stretch, np.sin(turn - tilt) * stretch)
    return np.clip(radii * (1 + uneven * bumps(rng, number, range(2, 8))), 0.3, 3)


def bumps(rng: np.random.Generator, number: int, waves) -> np.ndarray:
    """Smooth noise around a circle, deviation about 1, (number,).

    Args:
        rng: of its phases.
        number: of points at equal angles.
        waves: how many bumps each of its parts has.
    """
    turn = np.arange(number) * 2 * np.pi / number
    parts = [rng.normal() / k**0.5 * np.cos(k * turn + rng.uniform(0, 6.3)) for k in waves]
    return np.sum(parts, axis=0) / np.sqrt(0.5 * sum(1 / k for k in waves))


def star(centre_um, radii_um) -> np.ndarray:
    """Corners of a star-shaped outline, (N, 2) µm.

    Args:
        centre_um: x, y.
        radii_um: (N,) at equal angles.

    >>> star((5, 5), np.ones(4)).round(6).tolist()
    [[6.0, 5.0], [5.0, 6.0], [4.0, 5.0], [5.0, 4.0]]
    """
    turn = np.arange(len(radii_um)) * 2 * np.pi / len(radii_um)
    ways = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.asarray(centre_um) + np.asarray(radii_um)[:, None] * ways


def along(rng: np.random.Generator, outline_um, spacing_um: float, jitter: float = 0.25):
    """Points along a closed outline, about equally far apart, and the direction there, radians.

    Args:
        rng: of the jitter.
        outline_um: (N, 2) corners.
        spacing_um: between two points.
        jitter: how far each may be from its place, in spacings.
    """
    closed = np.concatenate([outline_um, outline_um[:1]])
    steps = np.diff(closed, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    place = np.append(0, np.cumsum(lengths))
    number = max(3, round(place[-1] / spacing_um))
    wanted = (np.arange(number) + rng.uniform(-jitter, jitter, number)) / number % 1 * place[-1]
    points = np.stack([np.interp(wanted, place, closed[:, axis]) for axis in (0, 1)], axis=1)
    index = np.clip(np.searchsorted(place, wanted, side="right") - 1, 0, len(steps) - 1)
    return points, np.arctan2(steps[index, 1], steps[index, 0])


def scatter(
    rng: np.random.Generator, low_um, high_um, spacing_um: float, jitter=0.18
) -> np.ndarray:
    """Points that fill a box evenly though not regularly, (N, 2) µm.

    Args:
        rng: of the jitter.
        low_um: x, y of the box's corner.
        high_um: x, y of the opposite corner.
        spacing_um: between neighbours.
        jitter: deviation from a honeycomb, in spacings.
    """
    x = np.arange(low_um[0], high_um[0], spacing_um)
    y = np.arange(low_um[1], high_um[1], 0.866 * spacing_um)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    grid[1::2, :, 0] += spacing_um / 2
    points = grid.reshape(-1, 2)
    return points + rng.normal(0, jitter * spacing_um, points.shape)


def pack(rng: np.random.Generator, room_um, cell_um: float, radii_um, gap_um, crowded=True):
    """Put circles into a room, one after the other: centres (N, 2) and radii (N,), µm.

    Args:
        rng: of their places.
        room_um: (rows, columns) how far each pixel is from the wall, µm.
        cell_um: side of a pixel.
        radii_um: of the circles; those that find no place are left out.
        gap_um: least distance between two.
        crowded: each beside those that are there, instead of anywhere.
    """
    rows, columns = np.nonzero(room_um > 0)
    places = (np.stack([columns, rows], axis=1) + 0.5) * cell_um
    free = room_um[rows, columns].astype(float)
    centres, kept = [], []
    for radius in radii_um:
        found = np.flatnonzero(free > radius)
        if crowded and kept:
            close = found[free[found] < radius + 1.5 * cell_um]
            found = close if len(close) else found
        if len(found):
            centre = places[rng.choice(found)]
            away = np.hypot(*(places - centre).T) - radius - gap_um
            np.minimum(free, away, out=free)
            centres.append(centre)
            kept.append(radius)
    return np.array(centres).reshape(-1, 2), np.array(kept)


def thin_out(rng: np.random.Generator, points_um, first, apart_um: float) -> np.ndarray:
    """Leave out points until all lie apart, as cells do that fill what room they have.

    Args:
        rng: of which stays.
        points_um: (N, 2) candidates.
        first: (N,) the larger, the earlier a candidate is taken.
        apart_um: least distance between two that stay.
    """
    if not len(points_um):
        return points_um
    near = cKDTree(points_um).query_ball_point(points_um, apart_um)
    taken, gone = [], np.zeros(len(points_um), bool)
    for index in np.argsort(-(np.asarray(first) + rng.random(len(points_um)))).tolist():
        if not gone[index]:
            taken.append(index)
            gone[near[index]] = True
    return points_um[taken]
