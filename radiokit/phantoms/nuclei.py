"""Nuclei of a stained section: drawn once per kind, shape and direction, then stamped by thousands.

Amounts of stain are counts as in `radiokit.phantoms.staining`.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

DIRECTIONS = 16  # of a half turn
EOSIN = 22  # counts inside a nucleus


@dataclass(frozen=True)
class NucleusKind:
    """What the nuclei of one kind of cell look like."""

    length_um: tuple[float, float]
    slimness: tuple[float, float]  # width over length
    body: float  # counts of haematoxylin of the nuclear sap
    rim: float  # what the nuclear membrane has above it
    clumps: float  # deviation of the chromatin
    nucleoli: float  # how many, on average
    uneven: float = 0.04  # of the outline
    variants: int = 12


KINDS = {
    "luminal": NucleusKind((6.8, 8.6), (0.68, 0.95), 82, 22, 9, 0.25, 0.04, 20),
    "myoepithelial": NucleusKind((7.5, 10.5), (0.28, 0.45), 96, 14, 9, 0.0, 0.05),
    "fibroblast": NucleusKind((8.0, 18.0), (0.12, 0.30), 100, 14, 11, 0.0, 0.07, 20),
    "lymphocyte": NucleusKind((5.2, 6.8), (0.86, 1.0), 138, 16, 18, 0.0, 0.03),
    "in_situ": NucleusKind((8.0, 11.5), (0.70, 1.0), 76, 34, 12, 0.7, 0.06, 24),
    "invasive": NucleusKind((9.0, 15.5), (0.55, 0.98), 68, 40, 15, 1.3, 0.11, 40),
    "debris": NucleusKind((1.4, 4.2), (0.6, 1.0), 150, 20, 10, 0.0, 0.15),
    "mitosis": NucleusKind((7.0, 11.0), (0.30, 0.6), 190, 10, 12, 0.0, 0.28, 6),
}


def stamp_nuclei(amounts: np.ndarray, kind: str, points_um, angles, mpp_um: float) -> None:
    """Stamp nuclei into amounts of stain, in place.

    Args:
        amounts: uint8 (rows, columns, 2) counts of haematoxylin and of eosin.
        kind: one of `KINDS`.
        points_um: (N, 2) centres.
        angles: (N,) direction of their long axes, radians.
        mpp_um: µm per pixel.
    """
    bank = sprite_bank(kind, mpp_um)
    points = np.round(np.asarray(points_um) / mpp_um).astype(int)
    turns = np.round(np.asarray(angles) * DIRECTIONS / np.pi).astype(int) % DIRECTIONS
    variants = (points[:, 0] * 7919 + points[:, 1] * 104729) % len(bank)
    rows, columns = amounts.shape[:2]
    for (x, y), turn, variant in zip(
        points.tolist(), turns.tolist(), variants.tolist(), strict=True
    ):
        keep, add = bank[variant][turn]
        half = keep.shape[0] // 2
        if half <= x < columns - half and half <= y < rows - half:
            box = amounts[y - half : y + half, x - half : x + half]
            cv2.multiply(box, keep, box, 1 / 255)
            cv2.add(box, add, box)


@lru_cache(maxsize=64)
def sprite_bank(kind: str, mpp_um: float) -> list:
    """Every drawn nucleus of a kind: for each variant and direction, what stays and what comes."""
    what = KINDS[kind]
    rng = np.random.default_rng(list(KINDS).index(kind) + 11)
    return [_turned(*draw_nucleus(rng, what, mpp_um)) for _ in range(what.variants)]


def draw_nucleus(rng: np.random.Generator, what: NucleusKind, mpp_um: float):
    """One nucleus that lies along x: how much it covers (0..1) and its haematoxylin, counts.

    Args:
        rng: of its shape and chromatin.
        what: its kind.
        mpp_um: µm per pixel.

    Returns:
        Two square float32 arrays.
    """
    length = rng.uniform(*what.length_um)
    width = length * rng.uniform(*what.slimness)
    half = int(np.ceil(0.62 * length / mpp_um)) + 2
    y, x = (np.mgrid[-half:half, -half:half] + 0.5).astype(np.float32) * mpp_um
    turn = np.arctan2(y / width, x / length)
    radius = 1 + sum(
        1.3 * what.uneven * rng.normal() / (k - 1) ** 1.2 * np.cos(k * turn + rng.uniform(0, 6.3))
        for k in (2, 3, 4, 5)
    )
    radius = np.clip(radius, 0.5, 1.22)
    depth = (1 - np.hypot(2 * x / length, 2 * y / width) / radius) * width / 2  # µm below the rim
    cover = np.clip(depth / 0.7 + 0.5, 0, 1)
    focus = max(0.3, rng.uniform(0.05, 0.4) / mpp_um)  # a section is thicker than what is sharp
    amount = cv2.GaussianBlur(_chromatin(rng, what, depth, mpp_um, x, y), (0, 0), focus)
    return cv2.GaussianBlur(cover, (0, 0), focus), np.clip(amount, 0.65 * what.body, 250)


def _chromatin(rng, what, depth, mpp_um, x, y):
    body = what.body * np.exp(rng.normal(0.0, 0.17))
    amount = body + what.clumps * (
        _noise(rng, depth, 0.35 / mpp_um) + _noise(rng, depth, 0.9 / mpp_um)
    )
    pale = min(1.0, 90 / body)  # a dark nucleus hides its membrane
    amount += pale * what.rim * np.exp(-(((depth - 0.3) / 0.4) ** 2))
    reach = 0.45 * float(depth.max())
    for _ in range(rng.poisson(what.nucleoli)):
        cx, cy, size = *rng.uniform(-reach, reach, 2), rng.uniform(0.5, 1.05)
        amount += 80 * np.exp(-((((x - cx) ** 2 + (y - cy) ** 2) / size**2) ** 2))
    return amount.astype(np.float32)


def _noise(rng, like, sigma_px):
    grain = rng.standard_normal(like.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), max(0.35, sigma_px))
    return grain / max(1e-3, float(grain.std()))


def _turned(cover, haematoxylin) -> list:
    size = len(cover)
    views = []
    for step in range(DIRECTIONS):
        matrix = cv2.getRotationMatrix2D(((size - 1) / 2,) * 2, -180 * step / DIRECTIONS, 1)
        seen = cv2.warpAffine(cover, matrix, (size, size))[..., None]
        blue = cv2.warpAffine(haematoxylin.astype(np.float32), matrix, (size, size), borderValue=80)
        stain = np.stack([blue, np.full_like(blue, EOSIN)], axis=-1)
        keep = np.repeat(np.round(255 * (1 - seen)), 2, axis=-1)
        views.append((keep.astype(np.uint8), np.round(seen * stain).astype(np.uint8)))
    return views
