"""Felt pens on the cover glass of a slide: four inks, laid in strokes, and where they lie.

Ink takes away a share of the light, so that tissue shines through: pixels are multiplied by
exp(−density × absorbance of the pen). Absorbances of green, red and blue are those of scanned
slides with real ink; black is darker, and nearly grey. The glass lies above the tissue and so is
mostly out of focus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.phantoms.slide_marks import draw_marks
from radiokit.phantoms.slide_paint import waver

INK_COLOURS = ("none", "black", "blue", "green", "red")  # index: value in an ink mask
# Absorbance (natural logarithm) of red, green and blue by one even layer.
PENS = {
    "black": (1.90, 1.84, 1.72),
    "blue": (1.80, 1.30, 0.38),
    "green": (1.30, 0.39, 0.49),
    "red": (0.20, 1.45, 1.12),
}
INK_DOWNSAMPLE = 8  # level-0 pixels a pixel of the map in which ink is laid, and of its mask
VISIBLE = 0.1  # ink is where it takes this share of the light of some colour
REAL_SLIDE_UM = 15_000  # short side of tissue that a real pen is used on; smaller slides, finer pen
DEEPEST = 2.4  # layers: more ink does not make it darker


@dataclass(frozen=True)
class Pen:
    """One felt pen in one hand; `wetness` is the density of its even layer."""

    colour: str
    width_um: float
    blur_um: float
    wetness: float
    nib_degrees: float | None  # a chisel's direction; None: round


def draw_pen(colour: str, size_px: tuple[int, int], mpp_um: float, rng) -> Pen:
    """A pen of 0.3 to 1 mm, finer on a slide smaller than real ones, in the same proportion."""
    scale = min(1.0, min(size_px) * mpp_um / REAL_SLIDE_UM)
    width_um = float(rng.uniform(300, 1000)) * scale
    nib = float(rng.uniform(-70, 70)) if rng.random() < 0.4 else None
    blur_um = width_um * float(rng.choice([0.015, 0.06, 0.14])) * float(rng.uniform(0.7, 1.3))
    return Pen(colour, width_um, blur_um, float(rng.uniform(0.75, 1.25)), nib)


def write_on_slide(
    pixels: np.ndarray,
    mpp_um: float,
    colours: Sequence[str],
    lesions: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Mark a slide with pens, in place.

    Args:
        pixels: (rows, columns, 3) uint8, changed.
        mpp_um: microns per pixel.
        colours: of the pens, one after another, out of `PENS`.
        lesions: outlines in level-0 pixels, (N, 2) x and y each, that may be ringed.
        rng: pens, marks and ink.

    Returns:
        uint8, a value for every 8 × 8 pixels (the last row and column may stand for fewer): an
        index into `INK_COLOURS`, and 0 where no pen takes a tenth of the light of any colour.

    Raises:
        ValueError: a colour that no pen has.
    """
    rows, columns = pixels.shape[:2]
    mask = np.zeros((-(-rows // INK_DOWNSAMPLE), -(-columns // INK_DOWNSAMPLE)), np.uint8)
    darkest = np.ones(mask.shape, np.float32)
    for colour in colours:
        if colour not in PENS:
            raise ValueError(f"There is no pen of colour {colour!r}. Colours: {', '.join(PENS)}.")
        pen = draw_pen(colour, (columns, rows), mpp_um, rng)
        strokes = draw_marks((columns, rows), pen.width_um / mpp_um, lesions, rng)
        light = transmission(lay_ink(strokes, pen, mask.shape, mpp_um, rng), pen, mpp_um)
        _shine_through(pixels, light)
        least = light.min(axis=2)
        mask[(least <= 1 - VISIBLE) & (least < darkest)] = INK_COLOURS.index(colour)
        darkest = np.minimum(darkest, least)
    return mask


# -- ink -----------------------------------------------------------------------------------------


def lay_ink(
    strokes: Sequence[np.ndarray], pen: Pen, shape: tuple[int, int], mpp_um: float, rng
) -> np.ndarray:
    """Layers of ink on every pixel of a map of one pixel for `INK_DOWNSAMPLE`: float32."""
    pixel_um = mpp_um * INK_DOWNSAMPLE
    density = np.zeros(shape, np.float32)
    for stroke in strokes:
        _lay_stroke(density, stroke / INK_DOWNSAMPLE, pen.width_um / 2 / pixel_um, pen, rng)
    clouds = _clouds(shape, pen.width_um / pixel_um, rng)
    grains = rng.standard_normal(shape, dtype=np.float32)
    density *= pen.wetness * (1 + 0.15 * clouds + 0.08 * grains).clip(0.3)
    return DEEPEST * np.tanh(density / DEEPEST)


def transmission(density: np.ndarray, pen: Pen, mpp_um: float) -> np.ndarray:
    """Share of red, green and blue light that passes, out of focus: float32 (h, w, 3)."""
    light = np.exp(-density[..., None] * np.array(PENS[pen.colour], np.float32))
    sigma = max(0.8, pen.blur_um / mpp_um / INK_DOWNSAMPLE)
    return cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _lay_stroke(density: np.ndarray, path: np.ndarray, half_px: float, pen: Pen, rng) -> None:
    """Add one stroke to the layers; `path` and `half_px` in pixels of the map."""
    path = _even_steps(path, min(1.0, half_px / 3))
    half = _half_widths(path, half_px, pen, rng)
    reach = int(np.ceil(half.max())) + 2
    low = np.maximum(np.floor(path.min(axis=0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(path.max(axis=0)).astype(int) + reach, density.shape[::-1])
    if (high <= low).any():
        return
    place, lateral, beyond = _along(path - low, high - low)
    window = density[low[1] : high[1], low[0] : high[0]]
    window += _layer(place, lateral, beyond, half, rng)


def _even_steps(path: np.ndarray, step_px: float) -> np.ndarray:
    places = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    even = np.linspace(0, places[-1], max(3, int(places[-1] / step_px) + 1))
    return np.stack([np.interp(even, places, values) for values in path.T], axis=1)


def _half_widths(path: np.ndarray, half_px: float, pen: Pen, rng) -> np.ndarray:
    """(N,) half the width at every point: pressure, and a chisel's direction."""
    half = half_px * (1 + 0.07 * waver(len(path), 4 * half_px, rng))
    if pen.nib_degrees is None:
        return half.clip(0.3 * half_px)
    dx, dy = np.gradient(path, axis=0).T
    across = np.abs(np.sin(np.arctan2(dy, dx) - np.radians(pen.nib_degrees))).astype(np.float32)
    smooth = cv2.GaussianBlur(across[:, None], (0, 0), max(1.0, half_px / 2))[:, 0]
    return half * (0.45 + 0.55 * smooth)


def _along(path: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every pixel of a window: nearest point of the path, distance to a side, and past it."""
    width, height = (int(value) for value in size)
    paper = np.ones((height + 2, width + 2), np.uint8)  # a frame keeps what lies outside away
    columns, rows = (np.floor(values).astype(int) + 1 for values in path.T)
    is_in = (columns >= 0) & (rows >= 0) & (columns < width + 2) & (rows < height + 2)
    paper[rows[is_in], columns[is_in]] = 0
    if paper.all():  # the whole path runs outside
        return (np.zeros((height, width), int), *np.full((2, height, width), 1e9, np.float32))
    _, labels = cv2.distanceTransformWithLabels(
        paper, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(labels.max() + 1, int)
    numbers[labels[rows[is_in], columns[is_in]]] = np.nonzero(is_in)[0]
    place = numbers[labels[1:-1, 1:-1]]
    tangent = np.gradient(path, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None] + 1e-9
    y, x = np.mgrid[:height, :width] + 0.5
    right, down = x - path[place, 0], y - path[place, 1]
    lateral = down * tangent[place, 0] - right * tangent[place, 1]
    beyond = right * tangent[place, 0] + down * tangent[place, 1]
    return place, lateral, beyond


def _layer(place, lateral, beyond, half, rng) -> np.ndarray:
    """Layers of one stroke: streaks along it, wet rims, a dark start and a dry end."""
    count = len(half)
    radius = half[place]
    cover = (radius - np.hypot(lateral, beyond) + 0.5).clip(0, 1)
    side = (lateral / radius).clip(-1, 1)
    streak = _streaks(side, place / count, rng)
    steps = np.arange(count)
    pressure = 1 + 0.18 * waver(count, 8 * half.mean(), rng)
    pressure += 0.5 * np.exp(-((steps / (1.5 * half.mean())) ** 2))  # the tip rests at the start
    dry = rng.uniform(0, 0.9) * (steps / count).clip(0.6) ** 8
    layers = pressure[place] * (1 + 0.3 * streak + 0.3 * side**4 - 0.1)
    layers = layers * (1 - dry[place] * (1 - streak)).clip(0, 1)
    return (cover * layers.clip(0.05)).astype(np.float32)


def _streaks(side: np.ndarray, progress: np.ndarray, rng) -> np.ndarray:
    """-1..1 across the stroke: bristles that leave lines, changing slowly along it."""
    knots = np.linspace(-1, 1, 9)
    first, last = rng.uniform(-1, 1, (2, 9))
    share = (1 - np.cos(np.pi * progress)) / 2
    return (1 - share) * np.interp(side, knots, first) + share * np.interp(side, knots, last)


def _clouds(shape: tuple[int, int], size_px: float, rng) -> np.ndarray:
    """Smooth random values about 0, most below 1, in clouds of a size: (h, w)."""
    knots = tuple(int(side / size_px) + 3 for side in shape)
    coarse = rng.standard_normal(knots, dtype=np.float32)
    fine = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(fine, (0, 0), max(0.3, size_px / 3))


def _shine_through(pixels: np.ndarray, light: np.ndarray) -> None:
    """Multiply pixels by what the ink lets through, block by block where there is ink."""
    side = 64
    padded = cv2.copyMakeBorder(light, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    for row in range(0, light.shape[0], side):
        for column in range(0, light.shape[1], side):
            part = padded[row : row + side + 2, column : column + side + 2]
            if part.min() > 0.996:
                continue
            fine = cv2.resize(part, None, fx=INK_DOWNSAMPLE, fy=INK_DOWNSAMPLE)
            fine = fine[INK_DOWNSAMPLE:-INK_DOWNSAMPLE, INK_DOWNSAMPLE:-INK_DOWNSAMPLE]
            top, left = row * INK_DOWNSAMPLE, column * INK_DOWNSAMPLE
            block = pixels[top : top + fine.shape[0], left : left + fine.shape[1]]
            fine = np.ascontiguousarray(fine[: block.shape[0], : block.shape[1]])
            block[:] = cv2.multiply(np.ascontiguousarray(block), fine, dtype=cv2.CV_8U)
