"""Haematoxylin and eosin as optical densities: from amounts of stain to a scanner's colours.

A slide is painted as two amounts, haematoxylin and eosin, `UNIT` counts for an optical density of 1
(decadic, over the three colours' length). Stains, section thickness and the scanner's white differ
between slides.
"""

from dataclasses import dataclass

import cv2
import numpy as np

UNIT = 180  # counts of an amount map for a density of 1
HAEMATOXYLIN_RGB = (0.63, 0.70, 0.33)
EOSIN_RGB = (0.15, 0.89, 0.41)
BAND_ROWS = 512


@dataclass(frozen=True, eq=False)
class Stain:
    """How one laboratory and scanner colour a section."""

    vectors: np.ndarray  # (2, 3) densities of red, green and blue: haematoxylin, eosin; length 1
    strengths: tuple[float, float]  # density for `UNIT` counts of haematoxylin, of eosin
    white_rgb: tuple[float, float, float]  # of empty glass
    blur_px: float
    noise: float  # deviation, grey levels
    seed: int  # of what varies over the slide: thickness of the section, noise


def draw_stain(rng: np.random.Generator) -> Stain:
    """Stains of one slide, drawn at random around those of H&E."""
    spread = rng.normal(0, [[0.035, 0.02, 0.045], [0.045, 0.03, 0.07]])
    vectors = np.clip(np.array([HAEMATOXYLIN_RGB, EOSIN_RGB]) + spread, 0.02, 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    thickness = np.exp(np.clip(rng.normal(-0.05, 0.2), -0.45, 0.35))
    strengths = tuple(
        float(v) for v in thickness * np.exp(np.clip(rng.normal(0, 0.14, 2), -0.3, 0.3))
    )
    white = rng.uniform(236, 250) + rng.normal(0, 1.6, 3)
    white_rgb = tuple(float(v) for v in np.clip(white, 228, 253))
    seed = int(rng.integers(2**31))
    return Stain(vectors, strengths, white_rgb, float(rng.uniform(0.5, 0.8)), 1.2, seed)


def stain_pixels(amounts: np.ndarray, stain: Stain) -> np.ndarray:
    """Colours of a section, uint8 (rows, columns, 3) RGB.

    Args:
        amounts: uint8 (rows, columns, 2) counts of haematoxylin and of eosin.
        stain: of the slide.
    """
    rng = np.random.default_rng(stain.seed)
    tables = light_tables(stain)
    noise = rng.normal(0, stain.noise, (BAND_ROWS + 64, 1024 + 64, 3))
    noise = np.clip(np.round(noise + 8), 0, 16).astype(np.uint8)
    rows, columns = amounts.shape[:2]
    pixels = np.empty((rows, columns, 3), np.uint8)
    for top in range(0, rows, BAND_ROWS):
        first, last = max(0, top - 4), min(rows, top + BAND_ROWS + 4)
        light = _light(amounts[first:last], tables)
        light = cv2.GaussianBlur(light, (5, 5), stain.blur_px)
        band = light[top - first : top - first + BAND_ROWS]
        pixels[top : top + len(band)] = _noisy(band, noise, rng)
    return pixels


def light_tables(stain: Stain) -> np.ndarray:
    """Light that an amount lets through, (2 stains, 256 counts, 3 colours) uint8 and its white."""
    density = np.arange(256)[None, :, None] / UNIT * np.array(stain.strengths)[:, None, None]
    through = 10.0 ** -(density * stain.vectors[:, None, :])
    through[0] *= np.array(stain.white_rgb) / 255
    return np.round(255 * through).astype(np.uint8)


def _light(amounts, tables) -> np.ndarray:
    parts = cv2.split(amounts)
    through = [
        [cv2.LUT(part, table[:, c]) for c in range(3)]
        for part, table in zip(parts, tables, strict=True)
    ]
    return cv2.merge(
        [cv2.multiply(one, two, scale=1 / 255) for one, two in zip(*through, strict=True)]
    )


def _noisy(band, noise, rng) -> np.ndarray:
    down, right = rng.integers(0, 64, 2)
    repeats = -(-band.shape[1] // 1024)
    piece = noise[down : down + len(band), right : right + 1024]
    piece = np.tile(piece, (1, repeats, 1))[:, : band.shape[1]]
    return cv2.subtract(cv2.add(band, piece), (8, 8, 8, 0))
