"""Filled ducts (in situ) and infiltrating nests and cords (invasive) of a breast slide."""

import cv2
import numpy as np

from radiokit.phantoms.breast_canvas import Canvas, add_cells
from radiokit.phantoms.breast_glands import MEMBRANE
from radiokit.phantoms.breast_shapes import along, pack, scatter, star, thin_out, wobbly_radii
from radiokit.phantoms.breast_sheet import (
    Look,
    Sheet,
    add_epithelium,
    add_lumen,
    new_sheet,
    paint_sheet,
    seed_distance,
)
from radiokit.phantoms.projection import smooth_noise

IN_SITU_PATTERNS = ("solid", "comedo", "cribriform")
INVASIVE_PATTERNS = ("nests", "trabeculae", "cords")
COARSE_UM = 2.0  # grid that nests are shaped on


def draw_filled_duct(canvas: Canvas, rng, sheet: Sheet, centre_um, radius_um, pattern):
    """A duct filled with cells inside an intact round border.

    Args:
        canvas: what to draw on.
        rng: of its shape and cells.
        sheet: of its group.
        centre_um: x, y.
        radius_um: to its basement membrane, on average.
        pattern: one of `IN_SITU_PATTERNS`.

    Returns:
        Lines to draw and (sheet, look) pairs to paint once its own sheet is painted.
    """
    number = max(48, int(2 * np.pi * radius_um / 2))
    radii = radius_um * np.clip(wobbly_radii(rng, number, 0.03, rng.uniform(1, 1.4)), 0.7, 1.25)
    outline = star(centre_um, radii)
    add_epithelium(canvas, sheet, outline)
    points = scatter(rng, outline.min(axis=0), outline.max(axis=0), rng.uniform(9.0, 10.5), 0.13)
    points = points[_depth(points, centre_um, radii) > 4.2]
    gaps, over = [], []
    if pattern == "comedo" and radius_um > 45:
        gap, dead = _necrosis(canvas, rng, centre_um, radii)
        gaps, over = [gap], [dead]
    if pattern == "cribriform" and radius_um > 32:
        gaps = _sieve(canvas, rng, sheet, centre_um, radii)
    for centre, gap in gaps:
        points = points[_depth(points, centre, gap) < -3.6]
    sheet.seeds.append(points)
    add_cells(canvas, "in_situ", points, rng.uniform(0, np.pi, len(points)))
    rim, angles = along(rng, star(centre_um, radii - 1.8), 17.0, 0.4)
    add_cells(canvas, "myoepithelial", rim, angles)
    lines = [(outline, 1.3, *MEMBRANE)]
    if pattern == "cribriform":
        lines += [(star(*gap), 0.5, 24, 58) for gap in gaps]
    return lines, over


def _depth(points, centre, radii):
    """How far points lie inside a star-shaped outline along its radius, µm."""
    away = points - np.asarray(centre)
    turn = np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) * len(radii)
    return radii[np.round(turn).astype(int) % len(radii)] - np.hypot(*away.T)


def _necrosis(canvas, rng, centre, radii):
    """Dead cells in the middle: their outline, and what to paint there over the sheet."""
    core = radii.min() * rng.uniform(0.42, 0.6) * wobbly_radii(rng, len(radii), 0.09, 1.1)
    outline = star(centre, core)
    dead = new_sheet(canvas, outline.min(axis=0) - 4, outline.max(axis=0) + 4)
    add_epithelium(canvas, dead, outline)
    crumbs = scatter(rng, outline.min(axis=0), outline.max(axis=0), 4.2, 0.3)
    dead.seeds.append(crumbs)
    debris = crumbs[(_depth(crumbs, centre, core) > 3) & (rng.random(len(crumbs)) < 0.16)]
    add_cells(canvas, "debris", debris, rng.uniform(0, 3, len(debris)))
    return (centre, core), (dead, Look(14, 76, 0.24, -8))


def _sieve(canvas, rng, sheet, centre, radii) -> list:
    """Punched-out round lumens."""
    reach = float(radii.min())
    grid = np.arange(0, 2 * reach, 2.0) + 1
    far = np.hypot(grid[:, None] - reach, grid[None] - reach)
    wanted = rng.uniform(7, min(17, 0.3 * reach), 40)
    places, sizes = pack(rng, np.clip(reach - 13 - far, 0, None), 2.0, wanted, 13.0, False)
    gaps = []
    for place, size in zip(places - reach + centre, sizes, strict=True):
        gaps.append((place, size * wobbly_radii(rng, 40, 0.05, rng.uniform(1, 1.3))))
        add_lumen(canvas, sheet, star(*gaps[-1]), float(rng.choice([0, 0, 16])))
    return gaps


def draw_invasive(canvas: Canvas, rng, room_um, low_um, pattern: str) -> None:
    """Irregular nests and cords of large nuclei, without a border, in the room of a site.

    Args:
        canvas: what to paint on.
        rng: of their shape and cells.
        room_um: (rows, columns) depth of each `COARSE_UM` pixel inside it, µm.
        low_um: x, y of the room's corner.
        pattern: one of `INVASIVE_PATTERNS`.
    """
    field = _nest_field(rng, room_um, pattern)
    high_um = low_um + np.array(room_um.shape[::-1]) * COARSE_UM
    sheet = new_sheet(canvas, np.maximum(low_um, 0), high_um)
    _shape_nests(canvas, rng, sheet, field, low_um)
    points = _nest_cells(rng, field, low_um, rng.uniform(8.5, 11.0))
    sheet.seeds.append(points)
    _end_at_cells(canvas, sheet, points)
    border = float(rng.choice([-12.0, 12.0]))
    paint_sheet(canvas, rng, sheet, Look(rng.uniform(26, 38), rng.uniform(34, 50), 0.17, border))
    dividing = rng.random(len(points)) < 0.01
    turn = rng.uniform(0, np.pi, len(points))
    add_cells(canvas, "invasive", points[~dividing], turn[~dividing])
    add_cells(canvas, "mitosis", points[dividing], turn[dividing])


def _shape_nests(canvas, rng, sheet, field, low_um) -> None:
    """Cytoplasm where the field is positive; here and there the matrix shrinks away from it."""
    depth_px = _depth_inside(canvas, sheet, field, low_um)
    np.copyto(sheet.cover, np.clip(depth_px * 120 + 128, 0, 255), casting="unsafe")
    beside_um = np.abs(depth_px * sheet.times * canvas.mpp_um + 1)
    shrunk = np.clip(1 - beside_um / 1.5, 0, 1) * rng.uniform(60, 220)
    torn = np.clip(smooth_noise(rng, depth_px.shape, 60) + 0.2, 0, 1)
    np.copyto(sheet.empty, shrunk * torn, casting="unsafe")


def _nest_field(rng, room, pattern) -> np.ndarray:
    """Positive inside nests."""
    shape = room.shape
    size = {"nests": 36, "trabeculae": 26, "cords": 30}[pattern] * rng.uniform(0.85, 1.25)
    field = smooth_noise(rng, shape, size / COARSE_UM)
    field += 0.45 * smooth_noise(rng, shape, 0.45 * size / COARSE_UM)
    slow = 0.5 * smooth_noise(rng, shape, 4 * size / COARSE_UM)
    if pattern == "nests":
        field = field + slow + 0.12
    else:
        width = 0.42 if pattern == "trabeculae" else 0.32
        field = 1.5 * (width - np.abs(field)) + 0.25 * slow
    field -= min(0.0, float(np.quantile(field[room > 0], 0.62)))  # no lesion without cells
    return np.minimum(field, room / 6 - 1).astype(np.float32)


def _depth_inside(canvas, sheet, field, low_um) -> np.ndarray:
    """How many pixels of a sheet each lies inside a nest's border, about; negative outside."""
    rows, columns = sheet.cover.shape
    step = sheet.times * canvas.mpp_um
    x = (sheet.left_px * canvas.mpp_um + (np.arange(columns) + 0.5) * step - low_um[0]) / COARSE_UM
    y = (sheet.top_px * canvas.mpp_um + (np.arange(rows) + 0.5) * step - low_um[1]) / COARSE_UM
    x, y = np.meshgrid((x - 0.5).astype(np.float32), (y - 0.5).astype(np.float32))
    smooth = cv2.remap(field, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    steep = cv2.blur(np.hypot(gx, gy) / 8, (9, 9)) + 0.01  # of the field, per pixel
    return smooth / steep


def _nest_cells(rng, field, low_um, apart_um) -> np.ndarray:
    """Centres of the cells that fill nests, (N, 2) µm; in a cord they form a row."""
    high = low_um + np.array(field.shape[::-1]) * COARSE_UM
    points = scatter(rng, low_um, high, 0.45 * apart_um, 0.3)
    depth = cv2.distanceTransform((field > 0).astype(np.uint8), cv2.DIST_L2, 5) * COARSE_UM
    rows, columns = field.shape
    index = np.clip(((points - low_um) / COARSE_UM).astype(int), 0, (columns - 1, rows - 1))
    deep = depth[index[:, 1], index[:, 0]]
    inside = deep > 2.0
    return thin_out(rng, points[inside], 0.25 * np.minimum(deep[inside], 5), apart_um)


def _end_at_cells(canvas, sheet, points) -> None:
    """No cytoplasm where no nucleus is near: a cell is no larger than it is."""
    if len(points):
        far = seed_distance(canvas, sheet)[0] * sheet.times * canvas.mpp_um
        np.copyto(sheet.cover, sheet.cover * np.clip(9.5 - far, 0, 1), casting="unsafe")
        np.copyto(sheet.empty, sheet.empty * np.clip(12.5 - far, 0, 1), casting="unsafe")
    else:
        sheet.cover[:], sheet.empty[:] = 0, 0
