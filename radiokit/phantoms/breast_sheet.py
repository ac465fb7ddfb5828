"""Sheets of epithelium: cytoplasm cell by cell, cell borders, lumens. One sheet a group.

A sheet is drawn on a grid of half the slide's resolution and enlarged when it is painted.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from radiokit.phantoms.breast_canvas import SHIFT, Canvas, to_fixed


@dataclass(frozen=True, eq=False)
class Look:
    """How the cytoplasm of a sheet is stained, in counts."""

    haematoxylin: float = 26.0
    eosin: float = 44.0
    uneven: float = 0.13  # deviation between cells
    border: float = 10.0  # of the line between two cells, above the cytoplasm; may be negative


@dataclass(frozen=True, eq=False)
class Sheet:
    """Where epithelium and lumens are in a box of the slide."""

    left_px: int
    top_px: int
    times: int  # pixels of the slide to one of the sheet
    cover: np.ndarray  # uint8 (rows, columns), 255 where there are cells
    empty: np.ndarray  # uint8, 255 in a lumen
    secretion: np.ndarray  # uint8, counts of eosin in a lumen
    seeds: list = field(default_factory=list)  # (N, 2) µm, centres of cells


def new_sheet(canvas: Canvas, low_um, high_um) -> Sheet:
    """An empty sheet over a box.

    Args:
        canvas: it will be painted on.
        low_um: x, y of the box's upper left corner.
        high_um: x, y of its lower right corner.
    """
    times = 2 if canvas.mpp_um <= 0.5 else 1
    limit = np.array(canvas.amounts.shape[1::-1])
    low = np.clip(np.floor(np.asarray(low_um) / canvas.mpp_um), 0, limit - 2 * times).astype(int)
    high = np.clip(np.ceil(np.asarray(high_um) / canvas.mpp_um), low + times, limit).astype(int)
    columns, rows = (-(-(high - low) // times)).tolist()
    maps = (np.zeros((rows, columns), np.uint8) for _ in range(3))
    return Sheet(int(low[0]), int(low[1]), times, *maps)


def add_epithelium(canvas: Canvas, sheet: Sheet, outline_um) -> None:
    """Cells fill an outline, (N, 2) µm."""
    _fill(canvas, sheet, sheet.cover, outline_um, 255)
    _fill(canvas, sheet, sheet.empty, outline_um, 0)


def add_lumen(canvas: Canvas, sheet: Sheet, outline_um, secretion: float = 0.0) -> None:
    """An outline, (N, 2) µm, is empty or holds secretion, counts of eosin."""
    _fill(canvas, sheet, sheet.cover, outline_um, 0)
    _fill(canvas, sheet, sheet.empty, outline_um, 255)
    _fill(canvas, sheet, sheet.secretion, outline_um, secretion)


def _fill(canvas, sheet, target, outline_um, value) -> None:
    points = np.asarray(outline_um) / canvas.mpp_um - (sheet.left_px, sheet.top_px)
    cv2.fillPoly(target, [to_fixed(points / sheet.times)], value, cv2.LINE_AA, SHIFT)


def paint_sheet(canvas: Canvas, rng: np.random.Generator, sheet: Sheet, look: Look) -> None:
    """Paint a sheet onto the slide, in place.

    Args:
        canvas: what to paint on.
        rng: of the difference between cells.
        sheet: with its cells and lumens.
        look: of its cytoplasm.
    """
    stain = np.empty((*sheet.cover.shape, 2), np.float32)
    tones = _tones(canvas, rng, sheet, look)
    stain[..., 0], stain[..., 1] = look.haematoxylin * tones[0], look.eosin * tones[1] + tones[2]
    cover = sheet.cover.astype(np.float32)[..., None] / 255
    stain *= cover
    stain[..., 1] += sheet.secretion.astype(np.float32) * (1 - cover[..., 0])
    keep = 255 - cv2.add(sheet.cover, sheet.empty)
    _blend(canvas, sheet, np.clip(stain, 0, 255).astype(np.uint8), np.dstack([keep, keep]))


def _tones(canvas, rng, sheet, look):
    """Haematoxylin and eosin of each pixel's cell over the average, and its borders, counts."""
    rows, columns = sheet.cover.shape
    _, labels = seed_distance(canvas, sheet)
    table = np.exp(rng.normal(0, look.uneven, (2, int(labels.max()) + 1))).astype(np.float32)
    tones = [cv2.blur(row[labels], (3, 3)) for row in table]
    line = np.zeros((rows, columns), np.float32)
    line[:, 1:] = labels[:, 1:] != labels[:, :-1]
    line[1:] = np.maximum(line[1:], labels[1:] != labels[:-1])
    return *tones, look.border * cv2.blur(line, (2, 2))


def seed_distance(canvas: Canvas, sheet: Sheet):
    """How far each pixel of a sheet is from a cell's centre, in its pixels, and from which."""
    rows, columns = sheet.cover.shape
    points = np.concatenate(sheet.seeds) if sheet.seeds else np.zeros((1, 2))
    points = (points / canvas.mpp_um - (sheet.left_px, sheet.top_px)) / sheet.times
    points = np.clip(points.astype(int), 0, (columns - 1, rows - 1))
    seeds = np.full((rows, columns), 255, np.uint8)
    seeds[points[:, 1], points[:, 0]] = 0
    return cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)


def _blend(canvas, sheet, add, keep) -> None:
    rows, columns = sheet.cover.shape
    size = columns * sheet.times, rows * sheet.times
    add, keep = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in (add, keep))
    box = canvas.amounts[sheet.top_px :, sheet.left_px :][: size[1], : size[0]]
    rows, columns = box.shape[:2]
    cv2.multiply(box, keep[:rows, :columns], box, 1 / 255)
    cv2.add(box, add[:rows, :columns], box)
