"""Where everything lies on a breast slide: the section on the glass, its lesions, normal glands."""

from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.phantoms.breast_shapes import bumps, star, wobbly_radii

CORNERS = 90  # of a lesion's outline
GLASS_UM = 26.0  # least between a lesion and the edge of the section, where there is room
NORMAL_UM = {"lobule": (55, 135), "duct": (35, 90), "vessel": (10, 34)}  # radii
LESION_SHARE = 0.5  # of the section, with all three kinds


@dataclass(frozen=True, eq=False)
class Site:
    """One group of glands or nests."""

    kind: str  # "benign", "in_situ", "invasive", or one of NORMAL_UM
    centre_um: np.ndarray  # (2,) x, y
    radii_um: np.ndarray  # (CORNERS,) how far it reaches, at equal angles
    outline_um: np.ndarray  # (N, 2) what a pathologist draws around it
    holes_um: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, eq=False)
class Layout:
    """The section and its sites, on a grid of coarse pixels."""

    tissue: np.ndarray  # bool (rows, columns)
    cell_um: float  # side of a coarse pixel
    sites: tuple[Site, ...]


def draw_layout(rng: np.random.Generator, shape: tuple, cell_um: float, kinds: tuple) -> Layout:
    """Draw a section and place its lesions and normal glands.

    Args:
        rng: of everything drawn.
        shape: rows and columns of the coarse grid.
        cell_um: side of its pixels.
        kinds: lesions that the slide has, in any order.
    """
    tissue = _section(rng, shape)
    free = cv2.erode(tissue, np.ones((3, 3), np.uint8))
    sites = []
    for kind, radius in _wanted(rng, tissue.sum() * cell_um**2, kinds):
        site = _place(rng, free, cell_um, kind, radius, GLASS_UM)
        if site is not None:
            sites.append(site)
            gap = 10.0 if kind in NORMAL_UM else 18.0
            _block(free, site.outline_um, cell_um, gap)
    return Layout(tissue.astype(bool), cell_um, tuple(sites))


def _section(rng, shape) -> np.ndarray:
    """A piece of breast that leaves glass around it: cut with a knife here, torn there."""
    rows, columns = shape
    turn = np.arange(720) * 2 * np.pi / 720
    power = rng.uniform(3, 7)
    box = (np.abs(np.cos(turn)) ** power + np.abs(np.sin(turn)) ** power) ** (-1 / power)
    uneven = 0.06 * bumps(rng, 720, range(2, 12)) + 0.008 * bumps(rng, 720, range(12, 90))
    radii = box * np.minimum(rng.uniform(0.84, 0.92) * (1 + uneven), 0.95)
    middle = np.array([columns, rows]) * (0.5 + rng.uniform(-0.01, 0.01, 2))
    outline = star((0, 0), radii) * np.array([columns, rows]) / 2 + middle
    return cv2.fillPoly(np.zeros(shape, np.uint8), [np.round(outline).astype(np.int32)], 1)


def _wanted(rng, area_um2: float, kinds) -> list[tuple[str, float]]:
    """Kinds and radii of what to place: lesions first, the largest first, then normal glands."""
    groups = [kind for kind in kinds for _ in range(_number(rng, area_um2))]
    shares = rng.uniform(0.7, 1.3, len(groups))
    share = LESION_SHARE * len(kinds) ** 0.6 / 3**0.6
    lesions = [
        (kind, float(np.sqrt(share * area_um2 * part / shares.sum() / np.pi)))
        for kind, part in zip(groups, shares, strict=True)
    ]
    lesions.sort(key=lambda pair: -pair[1])
    most = 0.16 * np.sqrt(area_um2)
    number = max(3, int(area_um2 / (1.1e5 if kinds else 7e4)))
    normal = [
        (kind, float(min(most, rng.uniform(*NORMAL_UM[kind]))))
        for kind in rng.choice(list(NORMAL_UM), number, p=[0.45, 0.25, 0.3])
    ]
    return lesions + normal


def _number(rng, area_um2) -> int:
    return 1 + int(area_um2 > 1.2e6 and rng.random() < 0.6)


def _place(rng, free, cell_um, kind, radius, margin):
    """A site where it fits, as large as wanted or as there is room for; None without room."""
    room = cv2.distanceTransform(free, cv2.DIST_L2, 5) * cell_um
    room[0], room[-1], room[:, 0], room[:, -1] = 0, 0, 0, 0
    most = float(room.max())
    if most < (NORMAL_UM.get(kind, (8.0,))[0]):
        return None
    rows, columns = np.nonzero(room >= min(0.75 * radius, 0.8 * most))
    pick = rng.integers(len(rows))
    centre = (np.array([columns[pick], rows[pick]]) + 0.5) * cell_um
    wanted = radius * wobbly_radii(rng, CORNERS, 0.13, rng.uniform(1.0, 2.3))
    reach = np.minimum(wanted, reach_um(free, centre, cell_um, 2.2 * radius))
    reach = round_off(np.maximum(reach, 0.6 * min(radius, most)))
    margin = min(margin, 0.2 * float(reach.mean()))
    return _outlined(rng, kind, centre, reach, margin)


def reach_um(free, centre, cell_um, most_um) -> np.ndarray:
    """How far rays from a point run before they meet what is not free, (CORNERS,) µm.

    Args:
        free: uint8 (rows, columns), 0 where rays end.
        centre: x, y of the point, µm.
        cell_um: side of a pixel.
        most_um: where rays end anyway.
    """
    turn = np.arange(CORNERS) * 2 * np.pi / CORNERS
    steps = np.arange(1, int(most_um / cell_um) + 2)[:, None] * cell_um
    x = (centre[0] + steps * np.cos(turn)) / cell_um
    y = (centre[1] + steps * np.sin(turn)) / cell_um
    rows = np.clip(y.astype(int), 0, free.shape[0] - 1)
    columns = np.clip(x.astype(int), 0, free.shape[1] - 1)
    inside = (x >= 0) & (y >= 0) & (x < free.shape[1]) & (y < free.shape[0])
    blocked = (free[rows, columns] == 0) | ~inside
    first = np.where(blocked.any(axis=0), blocked.argmax(axis=0), len(steps) - 1)
    return np.maximum(first - 1, 1) * cell_um


def round_off(radii) -> np.ndarray:
    """Round off radii of an outline, (CORNERS,); never beyond the smallest nearby."""
    window = 5
    low = np.min([np.roll(radii, k) for k in range(-window, window + 1)], axis=0)
    return np.mean([np.roll(low, k) for k in range(-window, window + 1)], axis=0)


def _outlined(rng, kind, centre, reach, margin) -> Site:
    content = np.maximum(reach - margin, 0.6 * reach)
    loose = content + margin * np.clip(0.65 + 0.3 * bumps(rng, CORNERS, range(2, 12)), 0.15, 1)
    holes = ()
    if kind == "invasive" and content.mean() > 110 and rng.random() < 0.75:
        holes = (_hole(rng, centre, content),)
    return Site(kind, centre, content, star(centre, loose), holes)


def _hole(rng, centre, content) -> np.ndarray:
    """An island of normal tissue inside an invasive area: its outline."""
    turn = int(rng.integers(CORNERS))
    angle = turn * 2 * np.pi / CORNERS
    size = float(rng.uniform(0.26, 0.36) * content.min())
    away = rng.uniform(0.2, 0.45) * (float(content[turn]) - size)
    middle = centre + away * np.array([np.cos(angle), np.sin(angle)])
    return star(middle, size * np.clip(wobbly_radii(rng, 48, 0.06, 1.3), 0.7, 1.4))


def _block(free, outline_um, cell_um, gap_um) -> None:
    points = [np.round(outline_um / cell_um).astype(np.int32)]
    taken = cv2.fillPoly(np.zeros_like(free), points, 1)
    size = 2 * max(1, round(gap_um / cell_um)) + 1
    free[cv2.dilate(taken, np.ones((size, size), np.uint8)) > 0] = 0
