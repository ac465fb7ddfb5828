"""Outlines of the classes of a map, along the edges of its pixels, found band by band."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Outline:
    """One connected area of a class.

    Attributes:
        class_index: 1 or more.
        points: (N, 2) int64 x and y of its corners on the map, in order; the last joins the first.
        holes: the same of each hole.
        area: in map pixels, holes taken off.
    """

    class_index: int
    points: np.ndarray
    holes: tuple[np.ndarray, ...]
    area: int


def trace_outlines(bands: Iterable[np.ndarray], min_area: float = 0.0) -> list[Outline]:
    """Polygons that enclose exactly the pixels of each class.

    Use it on a map too large to be held: only corners are kept. Pixels that meet in a corner alone
    belong to two outlines, so that no outline touches itself, as GeoJSON wants it.

    Args:
        bands: uint8 (rows, columns) from above to below; 0 is outside, others are classes.
        min_area: in map pixels; smaller areas are dropped, and smaller holes filled.

    Returns:
        Outlines by class, then from above to below.

    Example:
        >>> (outline,) = trace_outlines([np.array([[1, 1], [0, 1]], np.uint8)])
        >>> outline.points.tolist(), outline.area
        ([[0, 0], [2, 0], [2, 2], [1, 2], [1, 1], [0, 1]], 3)
    """
    outlines = []
    for class_index, corners in sorted(_find_corners(bands).items()):
        shells, holes = [], []
        for ring, is_shell in _rings(*corners):
            area = _area(ring)
            if area >= min_area:
                (shells if is_shell else holes).append((ring, area))
        outlines += _join(class_index, shells, holes, min_area)
    return outlines


# --- corners --------------------------------------------------------------------------------------


def _find_corners(bands: Iterable[np.ndarray]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Of each class: x and y of all corners in reading order, and whether the pixel below right
    of each belongs to it. A corner in which two areas meet is there twice."""
    found: dict[int, list] = {}
    above, first_row = None, 0
    for band in bands:
        padded = np.pad(band, ((0, 0), (1, 1)))
        above = np.zeros_like(padded[:1]) if above is None else above
        _collect(np.concatenate([above, padded]), first_row, found)
        above, first_row = padded[-1:], first_row + len(band)
    if above is not None:
        _collect(np.concatenate([above, np.zeros_like(above)]), first_row, found)
    return {
        index: (np.concatenate([part[0] for part in parts]), np.concatenate([p[1] for p in parts]))
        for index, parts in found.items()
    }


def _collect(classes: np.ndarray, first_row: int, found: dict[int, list]) -> None:
    for index in np.flatnonzero(np.bincount(classes.ravel(), minlength=1)[1:]) + 1:
        mask = classes == index
        a, b, c, d = mask[:-1, :-1], mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]
        is_double = (a == d) & (b == c) & (a != b)
        y, x = np.nonzero((a ^ b ^ c ^ d) | is_double)
        times = 1 + is_double[y, x]
        points = np.repeat(np.stack([x, y + first_row], axis=1), times, axis=0)  # (N, 2)
        found.setdefault(int(index), []).append((points, np.repeat(d[y, x], times)))


def _rings(points: np.ndarray, is_inside: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Closed rings through corners, and whether each encloses its class or a hole in it.

    Edges along a row join its corners two by two, and so do edges along a column; a ring takes
    them in turns. The pixel below right of a ring's upper left corner lies inside the ring.
    """
    down = np.lexsort((points[:, 1], points[:, 0]))
    partner = np.empty(len(points), np.int64)
    partner[down[0::2]], partner[down[1::2]] = down[1::2], down[0::2]
    partners, rings = partner.tolist(), []
    is_new = [True] * len(points)
    for start in range(len(points)):
        if not is_new[start]:
            continue
        ring, corner = [], start
        while is_new[corner]:
            beside = corner ^ 1
            is_new[corner] = is_new[beside] = False
            ring += [corner, beside]
            corner = partners[beside]
        for simple in _split(points[ring], np.array(ring)):
            first = simple[_upper_left(points[simple])]
            rings.append((points[simple], bool(is_inside[first])))
    return rings


def _split(points: np.ndarray, ring: np.ndarray) -> list[np.ndarray]:
    """A ring that meets itself in a corner, cut there into rings that do not."""
    if len(np.unique(points[:, 0] << 32 | points[:, 1])) == len(points):
        return [ring]
    path, place, loops = [], {}, []
    for point, corner in zip(map(tuple, points.tolist()), ring.tolist(), strict=True):
        if point in place:
            start = place[point]
            loops.append([one for _, one in path[start:]])
            for dropped, _ in path[start + 1 :]:
                del place[dropped]
            del path[start + 1 :]
        else:
            place[point] = len(path)
            path.append((point, corner))
    return [np.array(loop) for loop in [*loops, [one for _, one in path]]]


def _upper_left(ring: np.ndarray) -> int:
    """Place of the uppermost point, of several the one farthest to the left."""
    return int(np.lexsort((ring[:, 0], ring[:, 1]))[0])


def _area(ring: np.ndarray) -> int:
    x, y = ring.T
    return abs(int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) // 2


# --- holes ----------------------------------------------------------------------------------------


def _join(class_index: int, shells: list, holes: list, min_area: float) -> list[Outline]:
    """Each hole goes to the smallest ring around it."""
    by_size = np.argsort([area for _, area in shells], kind="stable")
    boxes = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring, _ in shells])
    inner: dict[int, list] = {}
    for hole, area in holes:
        place = _shell_around(hole, shells, by_size, boxes)
        if place is not None:
            inner.setdefault(place, []).append((hole, area))
    outlines = []
    for place, (ring, area) in enumerate(shells):
        cut = inner.get(place, [])
        net = area - sum(size for _, size in cut)
        if net >= min_area:
            outlines.append(Outline(class_index, ring, tuple(hole for hole, _ in cut), net))
    return outlines


def _shell_around(
    hole: np.ndarray, shells: list, by_size: np.ndarray, boxes: np.ndarray
) -> int | None:
    x, y = hole[_upper_left(hole)]
    is_near = (boxes[:, :2] <= (x, y)).all(axis=1) & (boxes[:, 2:] > (x, y)).all(axis=1)
    for place in by_size[is_near[by_size]]:
        if _contains(shells[place][0], x + 0.5, y + 0.5):
            return int(place)
    return None


def _contains(ring: np.ndarray, x: float, y: float) -> bool:
    """Whether an odd number of edges crosses the line from a pixel's centre to the left."""
    ends = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] > y) != (ends[:, 1] > y)
    return bool((crosses & (ring[:, 0] < x)).sum() % 2)
