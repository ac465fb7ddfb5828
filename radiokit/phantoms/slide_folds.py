"""Folds of a phantom slide: a band of tissue that lies over its neighbour."""

import cv2
import numpy as np

from radiokit.phantoms.slide_paint import blend, glass_of, tissue_point, waver


def add_fold(pixels: np.ndarray, mpp_um: float, tissue: np.ndarray, rng) -> None:
    """Tissue laid over itself along a bent band: light passes twice, the upper layer is unsharp."""
    side_um = min(pixels.shape[:2]) * mpp_um
    half_px = min(rng.uniform(12, 32), 0.03 * side_um) / mpp_um
    length = int(min(rng.uniform(300, 900), 0.6 * side_um) / mpp_um)
    height = int(8 * half_px)
    to_strip = _strip_at(tissue_point(tissue, pixels.shape, rng), rng.uniform(0, 180), length,
                         height)  # fmt: skip
    glass = glass_of(pixels)
    strip = cv2.warpAffine(pixels, to_strip, (length, height), borderMode=cv2.BORDER_REPLICATE)
    across, half = _band(length, height, half_px, rng)
    doubled, alpha = _double(strip, across, half, glass, 3 / mpp_um)
    back, left, top = _back_to_slide(to_strip, (length, height), pixels.shape)
    window = pixels[top : top + back[1][1], left : left + back[1][0]]
    new = cv2.warpAffine(doubled, back[0], back[1], borderMode=cv2.BORDER_REPLICATE)
    blend(window, new, cv2.warpAffine(alpha, back[0], back[1]))


def _strip_at(centre, degrees: float, length: int, height: int) -> np.ndarray:
    """Affine map (2, 3) from the slide to a strip of `height` rows, turned about its centre."""
    matrix = cv2.getRotationMatrix2D(tuple(float(value) for value in centre), degrees, 1.0)
    matrix[:, 2] += np.array([length, height]) / 2 - centre
    return matrix


def _band(length: int, height: int, half_px: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Distance (height, length) from the band's bent middle, and half its width (length,)."""
    place = np.linspace(-1, 1, length, dtype=np.float32)
    bend = rng.uniform(-1.6, 1.6) * place**2 + 0.35 * waver(length, length / 4, rng)
    half = half_px * np.sqrt((1 - place**2).clip(0)) * (1 + 0.15 * waver(length, length / 9, rng))
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    return rows - (height / 2 + half_px * bend), half.clip(0.3)


def _double(strip, across, half, glass, soft_px: float) -> tuple[np.ndarray, np.ndarray]:
    """The strip with its band doubled, uint8, and how much of it counts, float32 0..1."""
    rows = np.arange(len(strip), dtype=np.float32)[:, None] + 0 * across
    columns = np.arange(strip.shape[1], dtype=np.float32) + 0 * across
    mirrored = (rows + 2 * (half - across)).astype(np.float32)  # about the band's lower edge
    upper = cv2.remap(strip, columns.astype(np.float32), mirrored, cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REFLECT)  # fmt: skip
    upper = cv2.GaussianBlur(upper, (0, 0), max(0.5, soft_px / 2)).astype(np.float32)
    passed = (upper / (0.97 * glass)).clip(0, 1)  # noise of empty glass is not tissue
    light = cv2.GaussianBlur(strip, (0, 0), max(0.5, soft_px / 4)) * passed**1.3
    edge = np.exp(-(((half - np.abs(across)) / soft_px) ** 2))[..., None]
    light *= 1 - 0.35 * edge * (1 - passed)  # the bend itself is thicker still
    alpha = ((half - np.abs(across)) / soft_px + 0.5).clip(0, 1).astype(np.float32)
    return light.clip(0, 255).astype(np.uint8), alpha


def _back_to_slide(to_strip, strip_size, shape):
    """((affine map to a window, its size), left, top) of the part that a strip covers."""
    inverse = cv2.invertAffineTransform(to_strip)
    width, height = strip_size
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)]) @ inverse.T
    limits = (shape[1], shape[0])
    low = np.floor(corners.min(axis=0)).astype(int).clip(0, limits)
    high = np.ceil(corners.max(axis=0)).astype(int).clip(low, limits)
    inverse[:, 2] -= low
    return (inverse, tuple(int(value) for value in high - low)), int(low[0]), int(low[1])
