"""What each site of a breast slide holds: which glands are where in it, and how it is painted."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from radiokit.phantoms.breast_canvas import Canvas
from radiokit.phantoms.breast_glands import draw_gland, draw_lines, draw_vessel
from radiokit.phantoms.breast_layout import Site, reach_um
from radiokit.phantoms.breast_lesions import (
    COARSE_UM,
    IN_SITU_PATTERNS,
    INVASIVE_PATTERNS,
    draw_filled_duct,
    draw_invasive,
)
from radiokit.phantoms.breast_shapes import pack, star
from radiokit.phantoms.breast_sheet import Look, new_sheet, paint_sheet


@dataclass(frozen=True, eq=False)
class Plan:
    """The ducts and glands of a site."""

    site: Site
    pattern: str
    centres_um: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    radii_um: np.ndarray = field(default_factory=lambda: np.zeros(0))


def plan_site(rng: np.random.Generator, site: Site) -> Plan:
    """Decide what a site holds.

    Args:
        rng: of the decisions.
        site: from `radiokit.phantoms.breast_layout`.
    """
    room, low = _room(site.centre_um, site.radii_um, site.holes_um)
    pattern, radii, gap, crowded = PLANNED[site.kind](rng, float(room.max()))
    centres, radii = pack(rng, room, COARSE_UM, radii, gap, crowded)
    return Plan(_hugged(site, room.shape, centres, radii, low), pattern, centres + low, radii)


def _hugged(site, shape, centres, radii, low) -> Site:
    """The site with its outline close around its ducts, as a pathologist draws it."""
    if site.kind not in ("benign", "in_situ") or not len(radii):
        return site
    rims = [star(c, np.full(16, 1.2 * r + 12)) for c, r in zip(centres, radii, strict=True)]
    hull = cv2.convexHull(np.round(np.concatenate(rims) / COARSE_UM).astype(np.int32))
    inside = cv2.fillPoly(np.zeros(shape, np.uint8), [hull], 1)
    drawn = np.linalg.norm(site.outline_um - site.centre_um, axis=1)
    reach = reach_um(inside, site.centre_um - low, COARSE_UM, drawn.max())
    near = np.minimum(drawn, reach)
    near = np.mean([np.roll(near, step) for step in range(-3, 4)], axis=0)
    return replace(site, outline_um=star(site.centre_um, np.minimum(near, drawn)))


def _room(centre_um, radii_um, holes_um=()):
    """How deep each `COARSE_UM` pixel of a site's box lies inside it, µm; the box's corner, µm."""
    outline = star(centre_um, radii_um)
    low = np.floor(outline.min(axis=0)) - 4
    columns, rows = np.ceil((outline.max(axis=0) + 4 - low) / COARSE_UM).astype(int)
    mask = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(mask, [np.round((outline - low) / COARSE_UM).astype(np.int32)], 1)
    for hole in holes_um:
        cv2.fillPoly(mask, [np.round((hole - low) / COARSE_UM).astype(np.int32)], 0)
    return cv2.distanceTransform(mask, cv2.DIST_L2, 5) * COARSE_UM, low


def _plan_in_situ(rng, size):
    top = min(rng.uniform(0.45, 0.8) * size, rng.uniform(70, 150))
    radii = np.concatenate([top * rng.uniform(0.55, 1, 12), np.full(14, max(12, 0.4 * top))])
    return str(rng.choice(IN_SITU_PATTERNS)), np.sort(radii)[::-1], min(16.0, 0.2 * top), True


def _plan_benign(rng, size):
    if rng.random() < 0.6:
        typical = min(rng.uniform(17, 24), 0.5 * size)
        radii = typical * rng.uniform(0.75, 1.5, 500)
        return "adenosis", radii, rng.uniform(3, 7), True
    typical = min(rng.uniform(24, 34), 0.5 * size)
    return "fibroadenoma", typical * rng.uniform(0.7, 1.4, 300), rng.uniform(12, 22), True


def _plan_lobule(rng, size):
    radii = np.minimum(rng.uniform(10.5, 15.5, 60), 0.5 * size)
    return "lobule", radii, rng.uniform(4, 8), True


def _plan_one(name, low, high):
    return lambda rng, size: (name, [min(rng.uniform(low, high), 0.8 * size)], 0.0, False)


def _plan_invasive(rng, size):
    return str(rng.choice(INVASIVE_PATTERNS)), [], 0.0, False


PLANNED = {
    "benign": _plan_benign,
    "in_situ": _plan_in_situ,
    "invasive": _plan_invasive,
    "lobule": _plan_lobule,
    "duct": _plan_one("duct", 24, 65),
    "vessel": _plan_one("vessel", 8, 26),
}


def paint_site(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    """Paint a site onto the slide and leave its nuclei waiting.

    Args:
        canvas: what to paint on.
        rng: of the cells.
        plan: from `plan_site`.
    """
    site = plan.site
    if site.kind == "invasive":
        room, low = _room(site.centre_um, site.radii_um, site.holes_um)
        draw_invasive(canvas, rng, room, low, plan.pattern)
        for hole in site.holes_um:
            _paint_hole(canvas, rng, hole)
    else:
        _paint_ducts(canvas, rng, plan)


def _paint_hole(canvas, rng, hole_um) -> None:
    """A normal duct lies in the hole of an invasive area."""
    middle = hole_um.mean(axis=0)
    size = float(np.linalg.norm(hole_um - middle, axis=1).min())
    nothing = np.zeros(0)
    site = Site("duct", middle, nothing, hole_um)
    _paint_ducts(canvas, rng, Plan(site, "duct", middle[None], np.array([min(60, 0.65 * size)])))


def _paint_ducts(canvas, rng, plan) -> None:
    if not len(plan.radii_um):
        return
    edge = 1.6 * plan.radii_um[:, None] + 4
    low, high = (plan.centres_um - edge).min(axis=0), (plan.centres_um + edge).max(axis=0)
    sheet = new_sheet(canvas, low, high)
    lines, over = [], []
    for centre, radius in zip(plan.centres_um, plan.radii_um, strict=True):
        drawn, above = _paint_duct(canvas, rng, sheet, plan, centre, radius)
        lines += drawn
        over += above
    paint_sheet(canvas, rng, sheet, _look(rng, plan))
    for above, look in over:
        paint_sheet(canvas, rng, above, look)
    draw_lines(canvas, lines)


def _paint_duct(canvas, rng, sheet, plan, centre, radius):
    if plan.site.kind == "in_situ":
        return draw_filled_duct(canvas, rng, sheet, centre, 0.9 * radius, plan.pattern)
    if plan.site.kind == "vessel":
        return draw_vessel(canvas, rng, sheet, centre, radius), []
    longest = {"fibroadenoma": 1.9, "adenosis": 1.35}.get(plan.pattern, 1.25)
    longer = rng.uniform(1.0, longest)
    return draw_gland(canvas, rng, sheet, centre, radius / longer**0.4, longer), []


def _look(rng, plan) -> Look:
    if plan.site.kind == "vessel":
        return Look(8, 66, 0.08, 0)
    return Look(rng.uniform(22, 32), rng.uniform(36, 50), 0.13, rng.uniform(-8, 12))
