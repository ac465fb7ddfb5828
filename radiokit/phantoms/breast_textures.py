"""Tiles that a breast slide's background is woven of: collagen, fat cells, grain. They repeat."""

from functools import lru_cache

import cv2
import numpy as np
from scipy.spatial import cKDTree

SIDE = 1024  # pixels of a tile


@lru_cache(maxsize=8)
def collagen_tile(mpp_um: float, seed: int = 0) -> np.ndarray:
    """Wavy collagen along x, float32 (SIDE, SIDE): about 1 in a fibre, 0 in a cleft."""
    rng = np.random.default_rng(seed)
    fibres = _waves(rng, mpp_um, 26.0, 1.5) + 0.9 * _waves(rng, mpp_um, 45.0, 6.0)
    clefts = _waves(rng, mpp_um, 34.0, 2.6)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    bend = 2.2 / mpp_um * _waves(rng, mpp_um, 18.0, 40.0)
    fibres, clefts = (
        cv2.remap(field, x, y + bend, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        for field in (fibres, clefts)
    )
    body = np.clip(0.84 + 0.13 * fibres, 0.3, 1.4)
    return body * (1 - 0.8 * np.clip((clefts - 1.5) / 0.5, 0, 1))


def _waves(rng, mpp_um, long_um, thin_um) -> np.ndarray:
    """Noise of deviation 1 that repeats, blobs so long (x) and thin (y)."""
    v = np.fft.fftfreq(SIDE, mpp_um)[:, None] * thin_um
    u = np.fft.rfftfreq(SIDE, mpp_um)[None, :] * long_um
    noise = np.fft.rfft2(rng.standard_normal((SIDE, SIDE), dtype=np.float32))
    field = np.fft.irfft2(noise * np.exp(-4.0 * (u * u + v * v))).astype(np.float32)
    return (field - field.mean()) / field.std()


@lru_cache(maxsize=8)
def fat_tile(mpp_um: float) -> np.ndarray:
    """Depth below the wall of fat cells, uint8 (SIDE, SIDE): 4 counts a µm. They repeat."""
    rng = np.random.default_rng(7)
    side_um = SIDE * mpp_um * 2  # a pixel of the tile is two of the slide
    number = max(3, round(side_um / 62))
    step = side_um / number
    grid = np.stack(np.meshgrid(np.arange(number), np.arange(number)), axis=-1).reshape(-1, 2)
    points = (grid + 0.5 + rng.uniform(-0.36, 0.36, grid.shape)) * step
    points = np.concatenate(
        [points + side_um * np.array([i, j]) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    )
    coarse = 256
    y, x = (np.mgrid[:coarse, :coarse] + 0.5) * side_um / coarse
    place = np.stack([x.ravel(), y.ravel()], axis=1)
    far, index = cKDTree(points).query(place, k=4)
    apart = np.linalg.norm(points[index[:, 1:]] - points[index[:, :1]], axis=2)
    walls = (far[:, 1:] ** 2 - far[:, :1] ** 2) / (2 * apart)
    depth = -2.5 * np.log(np.exp(-walls / 2.5).sum(axis=1))
    depth = np.clip(4 * depth + 8, 0, 255).reshape(coarse, coarse).astype(np.float32)
    wide = np.pad(depth, 4, mode="wrap")
    times = SIDE // coarse
    wide = cv2.resize(wide, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return np.clip(wide[4 * times : -4 * times, 4 * times : -4 * times], 0, 255).astype(np.uint8)


@lru_cache(maxsize=8)
def grain_tile(mpp_um: float) -> np.ndarray:
    """Fine unevenness of cytoplasm and matrix, uint8 (SIDE, SIDE, 2): 128 on average."""
    rng = np.random.default_rng(3)
    parts = [
        128 + 9 * _waves(rng, mpp_um, 1.5, 1.5) + 4 * _waves(rng, mpp_um, 5.0, 5.0)
        for _ in range(2)
    ]
    return np.clip(np.stack(parts, axis=-1), 30, 255).astype(np.uint8)
