"""The spine of the body part phantoms from C1 to the coccyx, from the front and from the side.

First the vertebrae are laid one below the other along a bent line (`lay_spine`), then each is
painted. Lateral views face the left of the image: what is anterior has the smaller x.
"""

from dataclasses import dataclass

import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.bones import CORTEX, MARROW
from radiokit.phantoms.projection import Film
from radiokit.phantoms.torso_shapes import around, inside, line

CERVICAL = tuple(f"C{level}" for level in range(1, 8))
THORACIC = tuple(f"T{level}" for level in range(1, 13))
LUMBAR = tuple(f"L{level}" for level in range(1, 6))
SACRAL = tuple(f"S{level}" for level in range(1, 6))
LEVELS = CERVICAL + THORACIC + LUMBAR + SACRAL

# Knots of an average adult: position in LEVELS, then half sizes of the body and the disc below, cm.
_KNOTS = [0, 1, 2, 6, 7, 9, 18, 19, 23, 24, 28]
_HALF_HEIGHT = [0.45, 0.9, 0.68, 0.74, 0.82, 0.9, 1.2, 1.3, 1.4, 1.35, 0.75]
_HALF_WIDTH = [1.1, 0.95, 0.95, 1.2, 1.4, 1.35, 2.05, 2.15, 2.6, 2.8, 1.0]
_HALF_DEPTH = [0.5, 0.8, 0.8, 0.86, 0.9, 1.05, 1.5, 1.65, 1.8, 1.6, 0.5]
_DISC = [0.1, 0.45, 0.5, 0.52, 0.4, 0.36, 0.6, 0.8, 1.1, 0.2, 0.15]
# How each vertebra leans seen from the side, degrees clockwise: neck and loins bend forwards.
_LEAN_KNOTS = [0, 3, 6, 8, 13, 18, 20, 21.5, 23, 24, 26, 28]
_LEAN = [16, 6, -16, -22, -2, 15, 14, 0, -24, -46, -20, 30]


@dataclass(frozen=True)
class Vertebra:
    """One vertebra on the film; lengths in cm, `turn` in degrees clockwise."""

    name: str
    centre: tuple[float, float]
    turn: float
    half_width: float
    half_depth: float
    half_height: float


def lay_spine(first: str, last: str, anchor: str, anchor_cm, turns_degrees) -> list[Vertebra]:
    """Vertebrae one below the other.

    Args:
        first: uppermost vertebra, such as `"C1"`.
        last: lowest one.
        anchor: the vertebra whose place is known, between the two.
        anchor_cm: that place, (x, y).
        turns_degrees: (29,) how each of `LEVELS` is turned on the film, clockwise.
    """
    index = np.arange(LEVELS.index(first), LEVELS.index(last) + 1)
    width, depth, height, disc = (
        np.interp(index, _KNOTS, values)
        for values in (_HALF_WIDTH, _HALF_DEPTH, _HALF_HEIGHT, _DISC)
    )
    turns = np.asarray(turns_degrees, float)[index]
    steps = height[:-1] + disc[:-1] + height[1:]
    angle = np.radians((turns[:-1] + turns[1:]) / 2)
    moves = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * steps[:, None]
    places = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    places += np.asarray(anchor_cm, float) - places[LEVELS.index(anchor) - index[0]]
    return [
        Vertebra(LEVELS[number], tuple(place), *sizes)
        for number, place, *sizes in zip(index, places, turns, width, depth, height, strict=True)
    ]


def front_turns(build: Build, rng: np.random.Generator) -> np.ndarray:
    """Turns (29,) of a spine seen from the front: straight, now and then scoliotic, degrees."""
    strength = rng.normal(0, 2.0) if rng.random() < 0.8 else rng.normal(0, 13.0)
    phase = 2 * np.pi * (rng.random() + np.arange(len(LEVELS)) / rng.uniform(13, 20))
    return strength * np.sin(phase) + 0.8 * build.wobble[0]


def side_turns(build: Build, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Turns (29,) of a spine seen from the side: lordosis of neck and loins, kyphosis between."""
    strength = strength * (1 + 0.16 * build.wobble[1])
    lean = np.interp(np.arange(len(LEVELS)), _LEAN_KNOTS, _LEAN)
    return strength * lean + 2 * build.wobble[2] + rng.normal(0, 0.7, len(LEVELS))


def project_front(film: Film, spine: list[Vertebra], density: float = 1.0) -> np.ndarray:
    """The spine from the front: bodies, end plates, pedicles, transverse and spinous processes.

    Args:
        film: the grid.
        spine: from `lay_spine`.
        density: of the bone; 1 healthy.
    """
    total = np.zeros(film.shape, np.float32)
    for one in spine:
        window, u, v = around(film, one.centre, 2.4 * one.half_width, one.turn)
        paint = _front_of_neck if one.name in CERVICAL else _front_of_back
        total[window] += paint(u, v, one)
    return density * total


def _front_of_back(u, v, one):
    """Thoracic and lumbar: the pedicles look at you like eyes, the spinous process like a beak."""
    w, h = one.half_width, one.half_height
    out = np.abs(u)
    waist = w * (0.86 + 0.14 * (v / h) ** 2)
    within, between = inside(waist - out), inside(h - np.abs(v))
    chord = np.sqrt(np.clip(1 - (0.8 * u / w) ** 2, 0, 1))
    total = 1.9 * MARROW * one.half_depth * within * between * chord
    total = total + 0.5 * line(np.abs(v) - 0.95 * h, 0.16) * within
    total = total + 0.22 * line(out - waist + 0.12, 0.16) * between
    return total + _arch_from_front(u, v, one)


def _arch_from_front(u, v, one):
    w, h = one.half_width, one.half_height
    out, down = np.abs(u), v - 0.6 * h
    eye = np.hypot((out - 0.6 * w) / (0.19 * w), (v + 0.3 * h) / (0.42 * h))
    total = 0.4 * line(eye - 0.9, 0.5) + 0.12 * inside(1 - eye)
    beak = np.hypot(u / (0.14 * w + 0.05), (v - 0.75 * h) / (0.55 * h))
    total = total + 0.5 * line(beak - 0.7, 0.7) + 0.15 * inside(1 - beak)
    lamina = line(out - 0.42 * w - 0.18 * down, 0.22 * w) * inside(0.55 * h - np.abs(down))
    reach = 1.75 * w if one.name in LUMBAR else 1.6 * w
    wing = line(v + 0.25 * h + 0.25 * (out - w), 0.3 * h)
    wing = wing * inside(reach - out) * inside(out - 0.8 * w)
    return total + 0.22 * lamina + 0.3 * wing


def _front_of_neck(u, v, one):
    """Cervical: saddle shaped bodies between the wavy columns of the joints."""
    w, h = one.half_width, one.half_height
    out = np.abs(u)
    top = -h - 0.3 * np.clip((out - 0.7 * w) / (0.3 * w), 0, 1) * h
    body = inside(w - out) * inside(v - top) * inside(h - v)
    total = MARROW * 2.6 * body + 0.4 * line(v - 0.9 * h, 0.14) * inside(0.85 * w - out)
    total = total + 0.35 * line(v - top - 0.12, 0.14) * inside(w - out)
    side = w * (1.75 + 0.16 * np.cos(np.pi * np.clip(v / (1.25 * h), -1, 1)))
    tall = inside(1.25 * h - np.abs(v))
    pillar = 0.34 * inside(side - out) * inside(out - 0.95 * w) + 0.2 * line(out - side + 0.1, 0.14)
    total = total + pillar * tall
    beak = np.hypot((out - 0.12) / 0.2, (v - 0.5 * h) / (0.5 * h))
    return total + 0.55 * line(beak - 0.5, 0.7)


def project_side(film: Film, spine: list[Vertebra], density: float = 1.0) -> np.ndarray:
    """The spine from the side, facing left: bodies, arches, joints and spinous processes.

    Args:
        film: the grid.
        spine: from `lay_spine`.
        density: of the bone; 1 healthy.
    """
    total = np.zeros(film.shape, np.float32)
    for one in spine:
        reach = 3.2 * one.half_depth + 1.4
        window, u, v = around(film, one.centre, reach, one.turn)
        paint = {"C1": _side_of_atlas, "C2": _side_of_axis}.get(one.name, _side_of_vertebra)
        total[window] += paint(u, v, one)
    return density * total


def _side_body(u, v, d, h, thickness):
    waist = d * (0.9 + 0.1 * (v / h) ** 2)
    body = inside(waist - np.abs(u)) * inside(h - np.abs(v))
    plates = line(np.abs(v) - 0.95 * h, 0.16) * inside(waist - np.abs(u))
    fronts = line(np.abs(u) - waist + 0.1, 0.15) * inside(h - np.abs(v))
    return MARROW * thickness * body + 0.45 * plates + 0.25 * fronts


def _side_of_vertebra(u, v, one):
    d, h = one.half_depth, one.half_height
    total = _side_body(u, v, d, h, 1.7 * one.half_width)
    if one.name in SACRAL:
        crest = line(u - d - 0.5, 0.5) * inside(h - np.abs(v))
        return total + 0.25 * crest
    pedicle = inside(u - 0.9 * d) * inside(1.5 * d + 0.3 - u) * line(v + 0.35 * h, 0.5 * h)
    joint = line(u - 1.6 * d - 0.2 - 0.3 * v, 0.33 * d + 0.15) * inside(1.15 * h - np.abs(v))
    slope, reach = _spinous(one)
    start = 1.9 * d + 0.4
    along = (u - start) / reach
    blade = line(v - slope * (u - start) - 0.45 * h, (0.34 + 0.2 * along) * h + 0.12)
    blade = np.clip(1.6 * blade, 0, 1) * inside(u - start, 0.3) * inside(start + reach - u, 0.25)
    strong = 1.6 if one.name in LUMBAR else 1.0
    return total + strong * (0.4 * pedicle + 0.38 * joint + 0.36 * blade)


def _spinous(one) -> tuple[float, float]:
    """How steeply the spinous process falls, and how long it is, cm."""
    if one.name in THORACIC:
        return 1.3, 1.9
    if one.name in LUMBAR:
        return 0.12, 2.3
    return 0.35, {"C7": 2.4, "C6": 1.9}.get(one.name, 1.4)


def _side_of_atlas(u, v, one):
    """C1: a small arch in front of the peg, a thin one behind."""
    front = np.hypot((u + 1.25) / 0.36, v / 0.5)
    mass = inside(0.45 - np.abs(v)) * inside(0.9 - np.abs(u - 0.2))
    behind = line(v - 0.1 - 0.12 * (u - 1), 0.3) * inside(u - 0.9) * inside(3.4 - u)
    return 0.6 * line(front - 0.6, 0.6) + 0.3 * mass + 0.45 * behind


def _side_of_axis(u, v, one):
    """C2: a body with a peg on top and a heavy spinous process."""
    total = _side_body(u, v - 0.3, 0.8, 0.65, 1.8)
    peg = inside(0.45 - np.abs(u + 0.15)) * inside(v + 1.75) * inside(-0.3 - v)
    start = 1.7
    blade = np.clip(1.6 * line(v - 0.3 * (u - start) - 0.3, 0.6), 0, 1)
    blade = blade * inside(u - start) * inside(start + 2.0 - u)
    joint = inside(u - 0.7) * inside(1.8 - u) * inside(0.6 - np.abs(v))
    return total + 0.4 * peg + 0.4 * blade + 0.35 * joint + CORTEX * 0.2 * blade
