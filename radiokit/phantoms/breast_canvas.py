"""The canvas of a breast slide: amounts of stain, drawn in micrometres."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from radiokit.phantoms.nuclei import KINDS, stamp_nuclei

SHIFT = 4  # bits of a pixel's fraction, for OpenCV


@dataclass(frozen=True, eq=False)
class Canvas:
    """Amounts of stain, and the nuclei that are still to be stamped and those that are."""

    amounts: np.ndarray  # uint8 (rows, columns, 2) counts of haematoxylin and eosin
    mpp_um: float
    waiting: list = field(default_factory=list)  # (kind, points_um, angles)
    stamped: list = field(default_factory=list)  # (N, 3) x_um, y_um, index in KINDS


def stroke(canvas: Canvas, outline_um, width_um: float, haematoxylin: float, eosin: float) -> None:
    """Draw a line along a closed outline.

    Args:
        canvas: what to draw on.
        outline_um: (N, 2) corners.
        width_um: of the line; at least one pixel is drawn.
        haematoxylin: counts.
        eosin: counts.
    """
    points = to_fixed(np.asarray(outline_um) / canvas.mpp_um)
    thick = max(1, round(width_um / canvas.mpp_um))
    cv2.polylines(canvas.amounts, [points], True, (haematoxylin, eosin), thick, cv2.LINE_AA, SHIFT)


def to_fixed(points_px) -> np.ndarray:
    """Corner coordinates as OpenCV draws them: whole numbers of 1/16 pixel, from pixel centres."""
    return np.round((np.asarray(points_px) - 0.5) * 2**SHIFT).astype(np.int32)


def add_cells(canvas: Canvas, kind: str, points_um, angles) -> None:
    """Remember nuclei for `stamp_cells`.

    Args:
        canvas: that they will be stamped on.
        kind: one of `radiokit.phantoms.nuclei.KINDS`.
        points_um: (N, 2) centres.
        angles: (N,) of their long axes, radians.
    """
    if len(points_um):
        canvas.waiting.append((kind, np.asarray(points_um, float), np.asarray(angles, float)))


def stamp_cells(canvas: Canvas) -> None:
    """Stamp the nuclei that are waiting."""
    for kind, points, angles in canvas.waiting:
        stamp_nuclei(canvas.amounts, kind, points, angles, canvas.mpp_um)
        index = np.full(len(points), list(KINDS).index(kind))
        canvas.stamped.append(np.column_stack([points, index]))
    canvas.waiting.clear()


def seen_nuclei(canvas: Canvas) -> np.ndarray:
    """Nuclei that can be seen in the end: (N, 3) x and y in pixels, index of their kind."""
    if not canvas.stamped:
        return np.zeros((0, 3))
    found = np.concatenate(canvas.stamped)
    found[:, :2] /= canvas.mpp_um
    size = np.array(canvas.amounts.shape[1::-1])
    found = found[((found[:, :2] >= 0) & (found[:, :2] < size)).all(axis=1)]
    columns, rows = found[:, :2].astype(int).T
    return found[canvas.amounts[rows, columns, 0] > 40]
