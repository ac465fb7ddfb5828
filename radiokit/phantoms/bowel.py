"""Gas in the bowel of the body part phantoms, in the centimetres of the torso."""

import numpy as np

from radiokit.phantoms.bones import texture
from radiokit.phantoms.projection import Film, blob
from radiokit.phantoms.torso_shapes import around, curve, pillow

_BUBBLE = [(-3, -0.5), (-1, -2), (2, -2.2), (3.4, 0), (2, 2), (-1.4, 1.6)]

# The large bowel from the caecum to the rectum.
COLON = [
    *[(-10.6, 11), (-11.2, 5), (-11, -2), (-10, -6.5), (-6, -4.5), (-1, -2.6), (5, -4.6)],
    *[(10, -9), (11.6, -5), (11.8, 2), (11, 9), (7.6, 13), (3.4, 12.6), (1, 15), (0.2, 20)],
]


def colon_gas(film: Film, rng: np.random.Generator, fullness: float) -> np.ndarray:
    """Gas and stool in the large bowel above each pixel, cm: a frame of bulging pouches.

    Args:
        film: the grid.
        rng: draws which stretches hold gas.
        fullness: 0 next to none .. 1 all of it blown up.
    """
    line = curve(np.asarray(COLON) + rng.normal(0, 0.7, (len(COLON), 2)), count=60)
    filled = np.convolve(rng.standard_normal(72), np.ones(13) / 13, "valid") * 3.6
    total = np.zeros(film.shape, np.float32)
    for place, gas in zip(line, filled, strict=True):
        if gas < 1.2 - 2.4 * fullness:
            continue
        size = (1.2 + 0.9 * fullness) * rng.uniform(0.75, 1.35)
        _blow(film, total, place + rng.normal(0, 0.3, 2), (size, size), 1.6 * size)
    return total * texture(film, rng, 1.0, 0.22)


def loop_gas(film: Film, rng: np.random.Generator, count: int, size_cm: float) -> np.ndarray:
    """Small bowel in the middle of the belly: short sausages of gas above each pixel, cm."""
    total = np.zeros(film.shape, np.float32)
    for _ in range(count):
        start = np.array([rng.uniform(-7, 7), rng.uniform(-3, 14)])
        way = rng.normal(0, 1, 2)
        for step in np.linspace(0, rng.uniform(1.0, 3.0), 7):
            place = start + way * step * size_cm
            _blow(film, total, place, (size_cm, size_cm), 1.7 * size_cm)
    return total


def stomach_gas(film: Film, rng: np.random.Generator) -> np.ndarray:
    """The bubble below the left half of the diaphragm, cm."""
    size = rng.uniform(0.6, 1.3)
    corners = np.array(_BUBBLE)
    return pillow(film, corners * size + (7, -12.0), 3.4 * size, 1.6 * size)


def fluid_levels(film: Film, rng: np.random.Generator, count: int) -> np.ndarray:
    """Blown up loops of an upright patient above each pixel, cm: gas over flat floors of fluid."""
    total = np.zeros(film.shape, np.float32)
    for _ in range(count):
        centre = (rng.uniform(-10, 10), rng.uniform(-8, 12))
        half = (rng.uniform(2.0, 5.4), rng.uniform(1.8, 3.4))
        _blow(film, total, centre, half, 2.4 * half[1], rng.uniform(-0.5, 0.9))
    return total


def _blow(film, total, centre_cm, half_size_cm, thick_cm, floor_cm=np.inf):
    """Adds a bubble to the gas, in place; below `floor_cm` under its centre it holds fluid."""
    window, u, v = around(film, centre_cm, max(half_size_cm))
    gas = thick_cm * blob(u, v, (0, 0), half_size_cm) * np.clip((floor_cm - v) / 0.15, 0, 1)
    total[window] = np.maximum(total[window], gas)
