"""What goes wrong with a slide: folds, air bubbles, knife lines, dust, places out of focus.

Each is drawn into the pixels in place, sized in micrometres and smaller on small slides. None is a
lesion: outlines stay as they are.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from radiokit.phantoms.slide_folds import add_fold
from radiokit.phantoms.slide_paint import blend, glass_of, tissue_point, waver

ARTIFACTS = ("knife_line", "fold", "bubble", "dust", "blur")  # in the order they come about
SHARES = {"knife_line": 0.3, "fold": 0.4, "bubble": 0.35, "dust": 0.8, "blur": 0.4}


def choose_artifacts(rng: np.random.Generator) -> tuple[str, ...]:
    """What goes wrong with one slide, by `SHARES`, in the order of `ARTIFACTS`."""
    return tuple(kind for kind in ARTIFACTS if rng.random() < SHARES[kind])


def add_artifacts(
    pixels: np.ndarray,
    mpp_um: float,
    tissue: np.ndarray,
    kinds: Sequence[str],
    rng: np.random.Generator,
) -> None:
    """Spoil a slide in place.

    Args:
        pixels: (rows, columns, 3) uint8, contiguous, changed.
        mpp_um: microns per pixel.
        tissue: bool (h, w) over the whole slide at any downsample: where most artefacts lie.
        kinds: out of `ARTIFACTS`, drawn in this order.
        rng: places, sizes, strengths.

    Raises:
        ValueError: an artefact that is not known.
    """
    add = {"knife_line": add_knife_line, "fold": add_fold, "bubble": add_bubble, "dust": add_dust,
           "blur": add_blur}  # fmt: skip
    for kind in kinds:
        if kind not in add:
            raise ValueError(f"There is no artefact {kind!r}. Known are {', '.join(ARTIFACTS)}.")
        add[kind](pixels, mpp_um, tissue, rng)


def add_knife_line(pixels: np.ndarray, mpp_um: float, tissue: np.ndarray, rng) -> None:
    """Nicks of the microtome's blade: parallel pale lines of lost tissue right across the slide."""
    turned = bool(rng.random() < 0.5)
    view = pixels.transpose(1, 0, 2) if turned else pixels  # lines run along the columns
    glass = glass_of(pixels)
    centre = tissue_point(tissue, pixels.shape, rng)[0 if turned else 1]
    slope = np.tan(np.radians(rng.uniform(-15, 15)))
    columns = np.arange(view.shape[1])
    middle = centre + slope * (columns - view.shape[1] / 2)
    for _ in range(int(rng.integers(1, 4))):
        half_px = rng.uniform(0.8, 3.0) / mpp_um
        lost = rng.uniform(0.5, 0.95) * (1 + 0.3 * waver(len(columns), 60 / mpp_um, rng))
        _scratch(view, columns, middle, half_px, lost.clip(0, 1), glass)
        middle = middle + rng.uniform(8, 40) / mpp_um


def _scratch(view, columns, middle, half_px: float, lost, glass) -> None:
    """Blend one line towards glass; the tissue beside it is pushed together, and darker."""
    reach = int(np.ceil(3 * half_px)) + 2
    rows = np.floor(middle).astype(int) + np.arange(-reach, reach + 1)[:, None]  # (lines, columns)
    distance = np.abs(rows + 0.5 - middle) / half_px
    is_in = (rows >= 0) & (rows < view.shape[0])
    rows = rows.clip(0, view.shape[0] - 1)
    strip = view[rows, columns].astype(np.float32)
    dense = np.exp(-((distance - 1.7) ** 2) * 4)[..., None]
    pushed = strip * (strip.clip(1) / glass) ** (0.7 * dense)
    alpha = (lost * (1.5 - distance).clip(0, 1))[..., None]
    new = np.round(pushed + alpha * (glass - pushed)).clip(0, 255).astype(np.uint8)
    view[rows[is_in], np.broadcast_to(columns, rows.shape)[is_in]] = new[is_in]


def add_bubble(pixels: np.ndarray, mpp_um: float, tissue: np.ndarray, rng) -> None:
    """Air under the cover glass: a dark rim of bent light with a bright line, pale inside."""
    side_um = min(pixels.shape[:2]) * mpp_um
    radius = min(rng.uniform(60, 260), 0.17 * side_um) / mpp_um
    window, x, y = _window(pixels, tissue_point(tissue, pixels.shape, rng), 1.3 * radius)
    if not window.size:
        return
    angle = np.arctan2(y, x)
    uneven = 1 + rng.uniform(0, 0.08) * np.sin(2 * angle + rng.uniform(0, 6))
    inward = (radius * uneven - np.hypot(x, y)) * mpp_um  # µm from the rim, above 0 inside
    rim_um = rng.uniform(3, 8) * min(1, radius * mpp_um / 120)
    dark = 0.9 * np.exp(-(((inward - rim_um) / (0.8 * rim_um)) ** 2)) * (inward > -rim_um / 3)
    bright = 0.8 * np.exp(-(((inward - 2.6 * rim_um) / (0.35 * rim_um)) ** 2))
    soft = _soften(window, rng.uniform(1.0, 2.5) / mpp_um).astype(np.float32)
    pale = soft + 0.25 * (glass_of(pixels) - soft)
    inside = pale * (1 - dark)[..., None] + bright[..., None] * (250 - pale).clip(0)
    alpha = (inward / (0.3 * rim_um) + 1).clip(0, 1).astype(np.float32)
    blend(window, inside.clip(0, 255).astype(np.uint8), alpha)


def add_blur(pixels: np.ndarray, mpp_um: float, tissue: np.ndarray, rng) -> None:
    """A place where the scanner lost its focus, with soft borders."""
    side_um = min(pixels.shape[:2]) * mpp_um
    half = np.minimum(rng.uniform(120, 380, 2), 0.25 * side_um) / mpp_um
    window, x, y = _window(pixels, tissue_point(tissue, pixels.shape, rng), half.max() * 1.2)
    if not window.size:
        return
    distance = np.hypot(x / half[0], y / half[1])
    alpha = ((1.15 - distance) / 0.4).clip(0, 1).astype(np.float32)
    blend(window, _soften(window, rng.uniform(1.5, 4.0) / mpp_um), alpha)


def add_dust(pixels: np.ndarray, mpp_um: float, tissue: np.ndarray, rng) -> None:
    """Specks and, at times, a fibre, on tissue and glass alike, sharp or not."""
    limits = np.array(pixels.shape[1::-1])
    area = float(np.prod(limits)) * mpp_um**2 / 3e6  # of a slide of 2 × 1.5 mm
    for _ in range(int(rng.integers(6, 25) * min(1.0, area) + 2)):
        size_px = rng.lognormal(np.log(4), 0.5) / mpp_um
        corners = rng.uniform(0.4, 1.0, (7, 1)) * _circle(7) * size_px
        _shade(pixels, rng.random(2) * limits, corners, 0, mpp_um, rng)
    for _ in range(int(rng.integers(0, 3))):
        bend = np.cumsum(rng.normal(0, 0.25) + rng.normal(0, 0.12, 40)) + rng.uniform(0, 6)
        steps = np.stack([np.cos(bend), np.sin(bend)], axis=1)
        length_px = min(rng.uniform(60, 250), 0.25 * min(limits) * mpp_um) / mpp_um
        path = np.cumsum(steps, axis=0) * length_px / 40
        _shade(pixels, rng.random(2) * limits, path - path.mean(axis=0), rng.uniform(2, 5), mpp_um,
               rng)  # fmt: skip


def _shade(pixels, centre, points, width_um: float, mpp_um: float, rng) -> None:
    """Darken a speck, or a line of some width, brown, grey or blue."""
    blur_px = rng.choice([0.4, 1.5, 3.0]) / mpp_um
    reach = np.abs(points).max() + 3 * blur_px + width_um / mpp_um + 2
    window, x, y = _window(pixels, centre, reach)
    if not window.size:
        return
    shape = np.zeros(window.shape[:2], np.uint8)
    drawn = np.round((points - [x[0, 0], y[0, 0]]) * 16).astype(np.int32)
    if width_um:
        thick = max(1, round(width_um / mpp_um))
        cv2.polylines(shape, [drawn], False, 255, thick, cv2.LINE_AA, 4)
    else:
        cv2.fillPoly(shape, [drawn], 255, cv2.LINE_AA, 4)
    density = cv2.GaussianBlur(shape, (0, 0), max(0.5, blur_px)) / np.float32(255)
    hue = np.array([(0.8, 1.0, 1.2), (1.0, 1.0, 1.0), (1.3, 1.0, 0.7)])[rng.integers(3)]
    light = np.exp(-rng.uniform(0.4, 1.6) * density[..., None] * hue)
    window[:] = (window * light).astype(np.uint8)


# -- helpers -------------------------------------------------------------------------------------


def _window(pixels: np.ndarray, centre, reach: float):
    """The part of a slide around a point, and every pixel's x and y from it; may be empty."""
    limits = np.array(pixels.shape[1::-1])
    low = np.floor(np.asarray(centre) - reach).astype(int).clip(0, limits)
    high = np.ceil(np.asarray(centre) + reach).astype(int).clip(low, limits)
    x = np.arange(low[0], high[0], dtype=np.float32) + np.float32(0.5 - centre[0])
    y = np.arange(low[1], high[1], dtype=np.float32) + np.float32(0.5 - centre[1])
    x, y = np.meshgrid(x, y)
    return pixels[low[1] : high[1], low[0] : high[0]], x, y


def _soften(pixels: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur, of a smaller picture where it is wide."""
    factor = max(1, int(sigma_px / 3))
    size = tuple(max(1, side // factor) for side in pixels.shape[1::-1])
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / factor)
    return cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _circle(number: int) -> np.ndarray:
    turn = np.arange(number) * 2 * np.pi / number
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)
