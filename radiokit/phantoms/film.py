"""From attenuation to a radiograph: scatter, contrast, noise, collimation, devices and markers.

One `Hospital` is one look. Two hospitals show the same anatomy differently, which is what the
domain-shift lesson of the chest notebook is about.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.phantoms.projection import Film


@dataclass(frozen=True)
class Hospital:
    """How one hospital's machine makes and prints a film."""

    scatter: float  # scattered over primary radiation
    flatten: float  # 0 film .. 1: how much of the slow brightness changes software takes out
    sharpen: float  # strength of edge enhancement
    lung_level: float  # grey (0 black .. 1 white) that the darker lung is printed at
    bright_level: float  # grey of the densest part of the chest
    gamma: float  # below 1 lifts the dark greys
    noise: float  # relative quantum noise behind the lung
    blur_cm: float  # unsharpness
    spread: float  # how much exposure differs from film to film
    collimated: float  # share of films with borders
    border_grey: float  # grey of what lies outside the collimator
    devices: float  # share of films with wires, lines or a pacemaker
    marker: str  # "letter", "box", "text" or "none"


MONTGOMERY = Hospital(0.4, 0.35, 0.3, 0.15, 0.86, 1.05, 0.018, 0.07, 0.05, 0.6, 0.0, 0.15, "letter")
SHENZHEN = Hospital(0.3, 0.60, 1.0, 0.25, 0.95, 0.80, 0.030, 0.05, 0.07, 0.1, 0.03, 0.25, "box")
JSRT = Hospital(0.5, 0.20, 0.0, 0.18, 0.80, 1.00, 0.012, 0.08, 0.04, 0.1, 0.95, 0.0, "none")
VINDR = Hospital(0.3, 0.50, 0.6, 0.20, 0.93, 0.92, 0.024, 0.05, 0.10, 0.3, 0.0, 0.2, "text")


def expose(attenuation: np.ndarray, lungs: np.ndarray, hospital: Hospital, film: Film, rng):
    """Attenuation → grey values 0..1 with bone bright, as the hospital would show them.

    Args:
        attenuation: (rows, columns), from `render_thorax` (and `add_devices`).
        lungs: bool (rows, columns); the exposure is set on them, as automatic exposure does.
        hospital: the look.
        film: the pixel grid.
        rng: exposure, quantum noise, collimation.

    Returns:
        float32 (rows, columns) in 0..1.
    """
    primary = np.exp(-attenuation)
    quanta = rng.uniform(0.7, 1.5) / (hospital.noise**2 * max(1e-6, primary[lungs].mean()))
    scattered = hospital.scatter * _blur(primary, 4.0 / film.pixel_cm)
    signal = primary + scattered + 0.002
    signal *= 1 + rng.standard_normal(signal.shape, dtype=np.float32) / np.sqrt(quanta * signal)
    density = -np.log(np.clip(signal, 1e-4, None))
    density = cv2.GaussianBlur(density, (0, 0), hospital.blur_cm / film.pixel_cm)
    slow = _blur(np.clip(density, 0.8, None), 3.0 / film.pixel_cm)
    density = density - hospital.flatten * (slow - slow[lungs].mean())
    edges = density - _blur(density, 0.35 / film.pixel_cm)
    return _print(density + hospital.sharpen * edges, lungs, hospital, rng)


def _print(density: np.ndarray, lungs: np.ndarray, hospital: Hospital, rng) -> np.ndarray:
    dark = np.percentile(density[::3, ::3][lungs[::3, ::3]], 12)
    bright = np.percentile(density[::4, ::4], 94)
    low, high = hospital.lung_level, hospital.bright_level
    low = low + rng.normal(0, 0.6 * hospital.spread)
    high = high + rng.normal(0, hospital.spread)
    grey = low + (density - dark) / (bright - dark) * (high - low)
    soft = 1 / (1 + np.exp(-6.0 * (grey - 0.5)))  # toe and shoulder of the film's curve
    grey = np.clip(0.45 * grey + 0.55 * soft, 0, 1)
    return (grey ** (hospital.gamma * np.exp(rng.normal(0, hospital.spread)))).astype(np.float32)


def _blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur, computed on a smaller image when it is wide."""
    factor = max(1, int(sigma_px / 3))
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / factor, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def add_devices(attenuation: np.ndarray, film: Film, hospital: Hospital, rng) -> np.ndarray:
    """Wires with electrodes, a central line or a pacemaker on some films: (rows, columns)."""
    if rng.random() >= hospital.devices:
        return attenuation
    metal = np.zeros(film.shape, np.float32)
    kind = rng.choice(["wires", "line", "pacemaker"])
    draw = {"wires": _draw_wires, "line": _draw_line, "pacemaker": _draw_pacemaker}[kind]
    draw(metal, film, rng)
    return attenuation + cv2.GaussianBlur(metal, (0, 0), 0.8)


def _stroke(metal: np.ndarray, film: Film, points_cm, weight: float, width_cm: float) -> None:
    pixels = np.round(film.to_pixels(_smooth_path(points_cm)) * 16).astype(np.int32)
    thickness = max(1, round(width_cm / film.pixel_cm))
    cv2.polylines(metal, [pixels], False, weight, thickness, shift=4)


def _smooth_path(points_cm) -> np.ndarray:
    """A bent wire through control points: a Bézier curve by repeated interpolation."""
    levels = np.repeat(np.asarray(points_cm, float)[:, None], 60, axis=1)
    place = np.linspace(0, 1, 60)[:, None]
    while len(levels) > 1:
        levels = levels[:-1] + place * (levels[1:] - levels[:-1])
    return levels[0]


def _draw_wires(metal: np.ndarray, film: Film, rng) -> None:
    for _ in range(int(rng.integers(2, 5))):
        end = np.array([rng.uniform(-12, 12), rng.uniform(2, 20)])
        edge = np.array([np.sign(rng.normal()) * 24, rng.uniform(0, 32)])
        _stroke(metal, film, [end, end + rng.uniform(-9, 9, 2), edge], 0.7, 0.12)
        centre = tuple(int(v) for v in film.to_pixels(end[None])[0])
        cv2.circle(metal, centre, round(0.55 / film.pixel_cm), 0.9, -1)


def _draw_line(metal: np.ndarray, film: Film, rng) -> None:
    start = [-3.5 + rng.normal(), -6.0]
    _stroke(metal, film, [start, [-4.0, 2.0], [-2.2, 5.0], [-2.4, 11.0]], 0.45, 0.18)


def _draw_pacemaker(metal: np.ndarray, film: Film, rng) -> None:
    x, y = rng.uniform(8.5, 10.5), rng.uniform(3.0, 5.5)
    angle = np.linspace(0, 2 * np.pi, 60)
    rounded = [np.sign(wave) * np.abs(wave) ** 0.6 for wave in (np.cos(angle), np.sin(angle))]
    case = np.stack([x + 2.4 * rounded[0], y + 1.9 * rounded[1] + 0.3 * rounded[0]], axis=1)
    cv2.fillPoly(metal, [np.round(film.to_pixels(case)).astype(np.int32)], 1.4)
    lead = [[x, y - 1], [4.0, 0.0], [-3.5, 4.0], [-4.0, 16.0], [4.5, 19.5]]
    _stroke(metal, film, lead, 0.9, 0.16)


def add_borders(image: np.ndarray, hospital: Hospital, rng: np.random.Generator) -> np.ndarray:
    """What the collimator shades, on some films: slightly tilted strips along the edges."""
    if rng.random() >= hospital.collimated:
        return image
    rows, columns = image.shape
    margins = rng.uniform(-0.03, 0.03, 4)
    turn = np.tan(np.radians(rng.normal(0, 0.7)))
    x = np.arange(columns)[None, :] / columns - 0.5
    y = np.arange(rows)[:, None] / rows - 0.5
    across, down = x + turn * y, y - turn * x
    inside = (across > margins[0] - 0.5) & (across < 0.5 - margins[1])
    inside &= (down > margins[2] - 0.5) & (down < 0.5 - margins[3])
    return np.where(inside, image, np.float32(hospital.border_grey))


def add_marker(image: np.ndarray, hospital: Hospital, rng: np.random.Generator) -> np.ndarray:
    """Side marker (the patient's left is on the right of the image) or printed text."""
    if hospital.marker == "none" or rng.random() < 0.1:
        return image
    rows, columns = image.shape
    letter = "R" if rng.random() < 0.5 else "L"
    size = rows / 560 * rng.uniform(0.7, 1.1)
    column = columns * (0.05 if letter == "R" else 0.90) + rng.uniform(-8, 8)
    place = (int(column), int(rows * rng.uniform(0.06, 0.14)))
    ink = np.round(255 * image).astype(np.uint8)
    if hospital.marker == "box":
        corner = (place[0] - int(7 * size), place[1] - int(28 * size))
        far = (place[0] + int(27 * size), place[1] + int(8 * size))
        cv2.rectangle(ink, corner, far, 140, -1)
    cv2.putText(ink, letter, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2, cv2.LINE_AA)
    if hospital.marker == "text":
        words = str(rng.choice(["PA ERECT", "STANDING", "180 cm", "INSP"]))
        below = (int(columns * rng.uniform(0.03, 0.7)), int(rows * 0.97))
        cv2.putText(ink, words, below, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * size, 230, 1, cv2.LINE_AA)
    return ink.astype(np.float32) / 255
