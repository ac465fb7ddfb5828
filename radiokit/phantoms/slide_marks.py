"""What a pathologist's pen writes on a slide: rings, arrows, dots, letters, hatching.

A mark is a list of strokes, and a stroke the path of the pen's tip: (N, 2) x and y in level-0
pixels, one point a step. `radiokit.phantoms.slide_ink` gives them width and ink.
"""

from collections.abc import Sequence

import cv2
import numpy as np

# Strokes of a letter in a unit box, y downward.
LETTERS = {
    "A": (((0, 1), (0.5, 0), (1, 1)), ((0.2, 0.62), (0.8, 0.6))),
    "C": (((0.95, 0.2), (0.6, 0), (0.1, 0.3), (0.1, 0.75), (0.55, 1), (0.95, 0.8)),),
    "L": (((0.1, 0), (0.1, 1), (0.85, 1)),),
    "N": (((0, 1), (0.05, 0), (0.9, 1), (0.95, 0)),),
    "T": (((0, 0), (1, 0)), ((0.5, 0), (0.5, 1))),
    "X": (((0, 0), (1, 1)), ((1, 0), (0, 1))),
    "1": (((0.1, 0.3), (0.5, 0), (0.5, 1)),),
    "2": (((0, 0.2), (0.4, 0), (0.85, 0.25), (0, 1), (0.95, 0.97)),),
    "?": (((0, 0.2), (0.4, 0), (0.85, 0.25), (0.4, 0.5), (0.4, 0.72)), ((0.4, 0.98), (0.42, 1))),
}


def draw_marks(
    size_px: tuple[int, int],
    width_px: float,
    lesions: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Everything one pen writes on one slide.

    Args:
        size_px: width and height of the slide.
        width_px: of the pen's tip, in level-0 pixels: letters and margins go by it.
        lesions: outlines, (N, 2) x and y each; rings and arrows go to them. Without any, the pen
            marks a place of its own.
        rng: what, where and how.

    Returns:
        Strokes in the order of writing, (N, 2) float64 x and y each; parts may leave the slide.
    """
    strokes = []
    for target in _targets(size_px, lesions, rng):
        kind = rng.choice(["ring", "ring", "ring", "arrow", "hatching", "dots"])
        make = {
            "ring": draw_ring,
            "arrow": draw_arrow,
            "hatching": draw_hatching,
            "dots": draw_dots,
        }[str(kind)]
        strokes += make(target, size_px, width_px, rng)
    if rng.random() < 0.6:
        strokes += draw_letters(size_px, width_px, rng)
    if rng.random() < 0.4:
        strokes += draw_dots(_own_place(size_px, rng), size_px, width_px, rng)
    return [_tremble(stroke, width_px, rng) for stroke in strokes]


def _targets(size_px: tuple[int, int], lesions: Sequence[np.ndarray], rng) -> list[np.ndarray]:
    """One or two outlines to mark."""
    if not len(lesions):
        return [_own_place(size_px, rng)]
    count = min(len(lesions), int(rng.integers(1, 3)))
    return [np.asarray(lesions[number]) for number in rng.choice(len(lesions), count, False)]


def _own_place(size_px: tuple[int, int], rng) -> np.ndarray:
    """A box anywhere on the slide, as an outline."""
    centre = rng.uniform(0.15, 0.85, 2) * size_px
    half = rng.uniform(0.06, 0.14, 2) * min(size_px)
    return centre + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


# -- kinds of marks ------------------------------------------------------------------------------


def draw_ring(target: np.ndarray, size_px, width_px: float, rng) -> list[np.ndarray]:
    """Once around the target and a little further; the second stroke goes over the first."""
    low, high = target.min(axis=0), target.max(axis=0)
    half = (high - low) / 2 * rng.uniform(1.1, 1.35) + rng.uniform(0.8, 1.6) * width_px
    half = np.minimum(half, 0.46 * np.array(size_px))
    start, turn = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    steps = np.linspace(0, 2 * np.pi, 90)
    angle = start + turn * np.append(steps, 2 * np.pi + steps[1 : int(rng.integers(3, 18))])
    wave = 1 + 0.05 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.03 * np.sin(3 * angle)
    drift = np.linspace(0, rng.uniform(-0.07, 0.07), len(angle))  # the end misses the start
    round_ = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (wave + drift)[:, None]
    path = (low + high) / 2 + half * round_
    return [path[: len(steps)], path[len(steps) - 1 :]]


def draw_arrow(target: np.ndarray, size_px, width_px: float, rng) -> list[np.ndarray]:
    """From the glass to the edge of the target."""
    centre = target.mean(axis=0)
    away = np.array(size_px) / 2 - centre + rng.normal(0, 0.2 * min(size_px), 2)
    away = away / (np.hypot(*away) + 1e-9)
    radius = np.abs(target - centre).max() * 0.6
    tip = centre + radius * away
    tail = tip + away * rng.uniform(6, 11) * width_px
    bend = (tip + tail) / 2 + rng.normal(0, 0.6 * width_px, 2)
    barbs = [tip + rng.uniform(2.5, 3.5) * width_px * _turned(away, angle) for angle in (-32, 32)]
    return [_curve([tail, bend, tip]), _curve([barbs[0], tip, barbs[1]], corners=True)]


def _turned(direction: np.ndarray, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]]) @ direction


def draw_hatching(target: np.ndarray, size_px, width_px: float, rng) -> list[np.ndarray]:
    """To and fro over a part of the target in one go."""
    centre = target.mean(axis=0) + rng.normal(0, width_px, 2)
    rows = int(rng.integers(5, 9))
    sides = np.where(np.arange(rows + 1) % 2, 1.0, -1.0) * rng.uniform(1.5, 3.0) * width_px
    downs = np.linspace(-0.5, 0.5, rows + 1) * rows * rng.uniform(0.7, 1.1) * width_px
    corners = np.stack([sides + rng.normal(0, 0.3 * width_px, rows + 1), downs], axis=1)
    turned = np.array([_turned(corner, rng.uniform(-20, 20)) for corner in corners])
    return [_curve(centre + turned, corners=True)]


def draw_dots(target: np.ndarray, size_px, width_px: float, rng) -> list[np.ndarray]:
    """Some dots beside the target, each put down and hardly moved."""
    low, high = target.min(axis=0), target.max(axis=0)
    place = np.where(rng.random(2) < 0.5, low - width_px, high + width_px)
    strokes = []
    for _ in range(int(rng.integers(1, 5))):
        path = place + np.cumsum(rng.normal(0, 0.12 * width_px, (4, 2)), axis=0)
        strokes.append(_curve(path))
        place = place + rng.uniform(1.6, 3.0) * width_px * _turned(
            np.array([1.0, 0.0]), rng.uniform(-40, 40)
        )
    return strokes


def draw_letters(size_px, width_px: float, rng) -> list[np.ndarray]:
    """One to three letters near the upper or the lower edge."""
    height = rng.uniform(4.0, 6.5) * width_px
    place = np.array([rng.uniform(0.04, 0.75) * size_px[0],
                      rng.choice([0.03 * size_px[1], 0.95 * size_px[1] - height])])  # fmt: skip
    strokes = []
    for name in rng.choice(list(LETTERS), int(rng.integers(1, 4))):
        box = height * rng.uniform([0.5, 0.85], [0.7, 1.0])
        slant = rng.normal(0.08, 0.08)
        for line in LETTERS[str(name)]:
            points = np.array(line, float) + rng.normal(0, 0.03, (len(line), 2))
            points[:, 0] -= slant * points[:, 1]
            strokes.append(_curve(place + box * points, corners=str(name) not in "C2?"))
        place = place + [box[0] + rng.uniform(1.2, 2.0) * width_px, 0.1 * rng.normal() * height]
    return strokes


# -- the hand ------------------------------------------------------------------------------------


def _curve(points: Sequence, corners: bool = False) -> np.ndarray:
    """A path through the points: corners cut off twice (thrice less where `corners` stay)."""
    path = np.asarray(points, float)
    for _ in range(1 if corners else 4):
        near, far = path[:-1], path[1:]
        share = 0.1 if corners else 0.25
        cut = np.stack([near + share * (far - near), far - share * (far - near)], axis=1)
        path = np.concatenate([path[:1], cut.reshape(-1, 2), path[-1:]])
    return path


def _tremble(stroke: np.ndarray, width_px: float, rng) -> np.ndarray:
    """The same path in steps of a fifth of the tip, a little unsteady."""
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    places = np.concatenate([[0], np.cumsum(steps)])
    count = max(4, int(np.ceil(5 * places[-1] / width_px)))
    even = np.linspace(0, places[-1], count)
    path = np.stack([np.interp(even, places, values) for values in stroke.T], axis=1)
    noise = rng.standard_normal((count, 2, 1)).astype(np.float32)
    soft = [cv2.GaussianBlur(noise[:, axis], (0, 0), 6)[:, 0] for axis in range(2)]
    return path + 0.25 * width_px * np.stack(soft, axis=1)
