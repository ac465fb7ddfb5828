"""The MR scanner of the cardiac phantoms: uneven coils, breathing, ghosts, blur and noise."""

import numpy as np
from scipy.ndimage import gaussian_filter

from radiokit.phantoms.solids import smooth_noise_3d


def take_picture(
    signal: np.ndarray,
    coils: np.ndarray,
    rng: np.random.Generator,
    phase_axis: int,
    noise: float,
    blur_px: tuple[float, float, float],
) -> np.ndarray:
    """Magnitude image of a chest, with what a scanner adds to it.

    Args:
        signal: (i, j, k) float32, blood about 1.
        coils: their sensitivity (i, j, k), from `coil_field`.
        rng: of breathing and noise.
        phase_axis: 0 or 1, along which motion smears and ghosts.
        noise: deviation of either channel's noise, as a part of blood's signal.
        blur_px: deviation of the blur along i, j and k.

    Returns:
        float32 (i, j, k), 0 or more.
    """
    picture = gaussian_filter(signal, blur_px, mode="nearest")
    picture = smear(picture, phase_axis, rng)
    picture *= coils
    real = picture + noise * rng.standard_normal(picture.shape, dtype=np.float32)
    imaginary = noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.sqrt(real * real + imaginary * imaginary)


def smear(picture: np.ndarray, axis: int, rng: np.random.Generator) -> np.ndarray:
    """Breathing: copies a voxel or so away, and faint ones far off that fold over at the border."""
    size = picture.shape[axis]
    near, ghost = rng.uniform(0.05, 0.22), rng.uniform(0.0, 0.07)
    far = int(rng.integers(size // 6, size // 3))
    smeared = (1 - near - ghost) * picture
    for shift, share in ((1, near), (far, ghost / 2), (-far, ghost / 2)):
        smeared += np.float32(share) * np.roll(picture, shift, axis)
    return smeared


def coil_field(shape: tuple, rng: np.random.Generator) -> np.ndarray:
    """Smooth sensitivity about 1: brighter towards one side, and uneven besides."""
    field = rng.uniform(0.12, 0.22) * smooth_noise_3d(rng, shape, (2, 2, 2))
    for axis, size in enumerate(shape):
        ramp = np.linspace(-1, 1, size, dtype=np.float32) * np.float32(rng.normal(0, 0.17))
        field += ramp.reshape([-1 if axis == other else 1 for other in range(3)])
    return np.exp(field)


def to_integers(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int16 (i, j, k) with blood at a few hundred to a few thousand, as scanners differ."""
    scale = np.exp(rng.uniform(np.log(250), np.log(3000)))
    return np.clip(np.round(scale * picture), 0, 32767).astype(np.int16)
