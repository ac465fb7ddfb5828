"""What the artefacts and pens of a phantom slide stand on: places, blending, unsteadiness."""

import cv2
import numpy as np


def glass_of(pixels: np.ndarray) -> np.ndarray:
    """Red, green and blue of the empty glass, float32 (3,): the brightest of a sparse sample."""
    step = max(1, min(pixels.shape[:2]) // 200)
    return np.percentile(pixels[::step, ::step], 97, axis=(0, 1)).astype(np.float32).clip(1)


def tissue_point(tissue: np.ndarray, shape, rng) -> np.ndarray:
    """x and y in level-0 pixels of a random place in tissue; anywhere if there is none."""
    rows, columns = np.nonzero(tissue)
    if not len(rows):
        return rng.uniform(0.2, 0.8, 2) * shape[1::-1]
    number = int(rng.integers(len(rows)))
    place = (np.array([columns[number], rows[number]]) + rng.random(2)) / tissue.shape[::-1]
    return place * shape[1::-1]


def blend(window: np.ndarray, new: np.ndarray, alpha: np.ndarray) -> None:
    """window = new where alpha is 1, unchanged where it is 0."""
    if window.size:
        window[:] = cv2.blendLinear(new, np.ascontiguousarray(window), alpha, 1 - alpha)


def waver(count: int, length: float, rng) -> np.ndarray:
    """Smooth random values about 0, most below 1, for `count` steps along a path: float32."""
    knots = rng.standard_normal(int(count / length) + 3)
    places = np.linspace(0, len(knots) - 1, count)
    return np.interp(places, np.arange(len(knots)), knots).astype(np.float32)
