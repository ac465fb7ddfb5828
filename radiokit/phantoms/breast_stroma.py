"""The background of a breast slide: glass, collagen that flows around ducts, fat cells."""

from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.phantoms.breast_canvas import Canvas, add_cells
from radiokit.phantoms.breast_textures import SIDE, collagen_tile, fat_tile, grain_tile
from radiokit.phantoms.projection import smooth_noise

COARSE_PX = 16  # pixels of the slide in one of the coarse maps
BAND_PX = 32 * COARSE_PX


@dataclass(frozen=True, eq=False)
class Ground:
    """Coarse maps of what the background is made of, float32 (rows, columns)."""

    tissue: np.ndarray  # above 0.5 where there is a section
    fat: np.ndarray  # 1 fat cells, 0 none; in between they shrink
    flow_um: np.ndarray  # (rows, columns, 2) place in the collagen: along the fibres, across
    stain: np.ndarray  # (rows, columns, 2) counts of haematoxylin and eosin of the matrix
    contrast: np.ndarray  # 1 coarse bundles with clefts between them, 0 an even matrix


def flow_around(rng: np.random.Generator, shape: tuple, cell_um: float, ducts) -> np.ndarray:
    """Places in the collagen so that fibres run around round things, (rows, columns, 2) µm.

    Args:
        rng: of the fibres' direction and bends.
        shape: of the coarse maps.
        cell_um: side of their pixels.
        ducts: ((x, y) in µm, radius in µm) of what fibres run around.
    """
    turn = rng.uniform(0, np.pi)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    rows, columns = shape
    x, y = np.meshgrid(*((np.arange(n, dtype=np.float32) + 0.5) * cell_um for n in (columns, rows)))
    u = (rotation[0, 0] * x + rotation[0, 1] * y).astype(np.float32)
    v = (rotation[1, 0] * x + rotation[1, 1] * y).astype(np.float32)
    flow = np.stack([u, v], axis=-1)
    for size_um, strength_um in ((420.0, 110.0), (120.0, 16.0)):
        for axis in (0, 1):
            flow[..., axis] += strength_um * smooth_noise(rng, shape, size_um / cell_um)
    for centre, radius in ducts:
        _bend(flow, (x, y), rotation, centre, radius, cell_um)
    return flow


def _bend(flow, grid, rotation, centre, radius, cell_um) -> None:
    """Add the flow around a cylinder, fading out at three radii."""
    low = np.maximum(0, ((np.array(centre) - 3 * radius) / cell_um).astype(int))
    high = ((np.array(centre) + 3 * radius) / cell_um).astype(int) + 1
    box = slice(low[1], high[1]), slice(low[0], high[0])
    dx, dy = grid[0][box] - np.float32(centre[0]), grid[1][box] - np.float32(centre[1])
    along = rotation[0, 0] * dx + rotation[0, 1] * dy
    across = rotation[1, 0] * dx + rotation[1, 1] * dy
    far = np.sqrt(dx * dx + dy * dy)
    share = (radius / np.maximum(far, radius)) ** 2 * np.clip(1.5 - far / (2 * radius), 0, 1)
    flow[box][..., 0] += along * share
    flow[box][..., 1] -= across * share


def paint_ground(canvas: Canvas, ground: Ground, seed: int) -> None:
    """Paint matrix and fat cells over the whole slide, in place.

    Args:
        canvas: what to paint on.
        ground: the maps.
        seed: of where the tiles begin.
    """
    rng = np.random.default_rng(seed)
    tiles = collagen_tile(canvas.mpp_um), fat_tile(canvas.mpp_um), rng.uniform(0, SIDE, (2, 2))
    rows = canvas.amounts.shape[0]
    for top in range(0, rows, BAND_PX):
        _paint_band(canvas, ground, tiles, top)


def _paint_band(canvas, ground, tiles, top) -> None:
    collagen, fat, starts = tiles
    band = canvas.amounts[top : top + BAND_PX]
    size = band.shape[:2]
    flow = _enlarge(ground.flow_um / np.float32(canvas.mpp_um), top, size)
    fibres = cv2.remap(collagen, flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    share = (_enlarge(ground.tissue, top, size) - 0.5) * 6 + 0.4 * fibres + 0.2
    fibres = 0.85 + _enlarge(ground.contrast, top, size) * (fibres - 0.85)
    np.clip(share, 0, 1, out=share)
    fatness = _enlarge(ground.fat, top, size)
    filled = np.flatnonzero(fatness.max(axis=0))
    if len(filled):
        box = slice(filled[0], filled[-1] + 1)
        share[:, box] *= 1 - _hollow(fat, fatness[:, box], top, starts[0] + (filled[0], 0))
    stain = _enlarge(ground.stain, top, size)
    share *= fibres
    stain *= share[..., None]
    np.copyto(band, np.clip(stain, 0, 255), casting="unsafe")


def _hollow(fat, fatness, top, start) -> np.ndarray:
    """Share of a pixel that fat has left empty: cells are larger where there is more of it."""
    rows, columns = fatness.shape
    x = (np.arange(columns, dtype=np.float32) + np.float32(start[0])) / 2
    y = (np.arange(rows, dtype=np.float32) + np.float32(top + start[1])) / 2
    x = x[None] + 40 * np.sin(y / 140)[:, None]  # so that the tile does not show
    y = np.repeat(y[:, None], columns, axis=1)
    depth = cv2.remap(fat, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    wall = 12 + 250 * (1 - fatness)
    return np.clip((depth - wall) / 4, 0, 1)


def _enlarge(coarse: np.ndarray, top: int, size: tuple) -> np.ndarray:
    """Rows from `top` on of a coarse map at the slide's resolution."""
    first = top // COARSE_PX
    count = -(-size[0] // COARSE_PX)
    index = np.clip(np.arange(first - 1, first + count + 1), 0, coarse.shape[0] - 1)
    wide = cv2.resize(
        coarse[index], None, fx=COARSE_PX, fy=COARSE_PX, interpolation=cv2.INTER_LINEAR
    )
    return wide[COARSE_PX : COARSE_PX + size[0], : size[1]]


def add_fibroblasts(canvas: Canvas, rng, ground: Ground, per_mm2: np.ndarray, kind="fibroblast"):
    """Scatter nuclei along the fibres, where there is matrix.

    Args:
        canvas: painted with the ground.
        rng: of their places.
        ground: the maps.
        per_mm2: (rows, columns) nuclei per square millimetre.
        kind: of nucleus.
    """
    cell_um = COARSE_PX * canvas.mpp_um
    number = rng.poisson(per_mm2 * cell_um**2 * 1e-6)
    rows, columns = np.nonzero(number)
    rows, columns = (np.repeat(index, number[rows, columns]) for index in (rows, columns))
    points = (np.stack([columns, rows], axis=1) + rng.random((len(rows), 2))) * cell_um
    across_x, across_y = np.gradient(ground.flow_um[..., 1])[::-1]
    angles = np.arctan2(-across_x, across_y)[rows, columns] + rng.normal(0, 0.22, len(rows))
    pixels = np.minimum(
        (points / canvas.mpp_um).astype(int), np.array(canvas.amounts.shape[1::-1]) - 1
    )
    there = canvas.amounts[pixels[:, 1], pixels[:, 0], 1] > 14
    add_cells(canvas, kind, points[there], angles[there])


def add_grain(canvas: Canvas) -> None:
    """Make every stain a little uneven, in place."""
    grain = grain_tile(canvas.mpp_um)
    rows, columns = canvas.amounts.shape[:2]
    for top in range(0, rows, SIDE):
        for left in range(0, columns, SIDE):
            box = canvas.amounts[top : top + SIDE, left : left + SIDE]
            cv2.multiply(box, grain[: box.shape[0], : box.shape[1]], box, 1 / 128)
