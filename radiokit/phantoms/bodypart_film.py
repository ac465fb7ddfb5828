"""From a view of the body to a radiograph as it hangs: exposure, collimator, markers, hospital.

One `Look` is one room's machine and its technicians' habits. Two hospitals show the same anatomy
differently: a network that learned from one is tested on the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import METAL
from radiokit.phantoms.projection import Film

LETTER_CM = 1.5
LETTER_PX = (15, 30)  # never smaller nor larger, whatever the film
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Look:
    """How one room takes, prints and marks a film."""

    long_px: tuple[int, int]  # shortest and longest long side of its images
    hardness: float  # factor of all attenuation: below 1 more kilovolts
    scatter: float  # scattered over primary radiation behind a thick body
    flatten: float  # 0 film .. 1: how much of the slow brightness changes software takes out
    sharpen: float  # strength of edge enhancement
    noise: float  # relative quantum noise behind the middle of the body
    blur_px: float  # unsharpness
    greys: tuple[float, float]  # what skin and the densest bone are printed at, 0 black .. 1 white
    gamma: float  # below 1 lifts the dark greys
    spread: float  # how much exposure differs from film to film
    collimated: float  # share of films with visible borders
    margin: float  # widest border, as a share of the film
    tilt_degrees: float  # of the collimator
    shutter: float  # share of bordered films whose borders software blackens
    turn_degrees: float  # how crooked patients lie
    unhung: float  # share of films turned by 90 or 180 degrees, and half as many back to front
    marked: float  # share of films with a lead letter
    letters: str  # for right and left
    has_disc: bool  # whether letters stand out of a disc of lead
    words: tuple[str, ...]  # what is printed in a corner; "" nothing
    has_plate: bool  # whether the name is exposed onto a bright plate, as on film


# São Paulo on MD.ai: digital rooms, a cassette reader and a portable one.
MDAI_LOOKS = (
    Look((230, 310), 1.00, 0.35, 0.55, 0.60, 0.012, 0.6, (0.12, 0.92), 0.95, 0.04, 0.5, 0.10,
         0.8, 0.8, 2.0, 0.03, 0.85, "RL", False, ("", "", "PHANTOM HOSPITAL"), False),
    Look((220, 290), 0.92, 0.45, 0.35, 0.30, 0.016, 0.8, (0.16, 0.88), 1.00, 0.06, 0.7, 0.13,
         2.0, 0.5, 3.5, 0.08, 0.75, "RL", False, ("", "ER 2", "ORTHO"), False),
    Look((210, 260), 1.05, 0.60, 0.25, 0.15, 0.026, 1.0, (0.20, 0.84), 1.05, 0.09, 0.4, 0.10,
         3.0, 0.1, 5.0, 0.14, 0.60, "RL", False, ("", "PORTABLE", "BED 12"), False),
)  # fmt: skip

# Another hospital: harder beam, flatter and sharper, discs with D and E, name plates, tight fields.
UNIFESP_LOOKS = (
    Look((220, 330), 0.80, 0.30, 0.80, 1.10, 0.020, 0.6, (0.24, 0.97), 0.82, 0.05, 0.8, 0.18,
         1.2, 0.9, 2.5, 0.04, 0.85, "DE", True, ("", "FANTASMA"), False),
    Look((210, 270), 0.86, 0.55, 0.10, 0.00, 0.032, 1.1, (0.05, 0.80), 1.15, 0.09, 0.6, 0.16,
         3.0, 0.0, 4.0, 0.10, 0.80, "DE", False, ("", "RX 3"), True),
)  # fmt: skip


def take_film(
    view: View, build: Build, side: str, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """One radiograph, as it was archived.

    Args:
        view: what is asked for.
        build: who is on the film.
        side: "R" or "L"; of a view without sides, the letter that is laid beside the patient.
        look: the room.
        rng: position, exposure, collimation, markers.

    Returns:
        Grey values, float32 (rows, columns) in 0..1, bone bright, and the width of a pixel, cm.
    """
    shape, pixel_cm = _size_film(view, look, rng)
    angle = float(rng.normal(0, look.turn_degrees))
    attenuation = _draw_turned(view, build, shape, pixel_cm, angle, rng)
    if side == "L" and view.has_side:
        attenuation = attenuation[:, ::-1]
    is_bordered = rng.random() < look.collimated
    field = _collimate(shape, look, rng) if is_bordered else np.ones(shape, np.float32)
    lead = np.zeros(shape, np.float32)
    if rng.random() < look.marked:
        half = _half_of(view, side)
        lead = _lay_letter(attenuation, field, half, side, look, pixel_cm, rng)
    image = expose(attenuation, field, lead, look, rng)
    if is_bordered and rng.random() < look.shutter:
        image = np.where(field > 0.5, image, np.float32(0))
    image = _print_words(image, look, rng)
    return _hang(image, look, rng), pixel_cm


def _size_film(view: View, look: Look, rng) -> tuple[tuple[int, int], float]:
    """Rows and columns, and the width of a pixel in cm."""
    long_px = int(rng.integers(look.long_px[0], look.long_px[1] + 1))
    height, width = np.array(view.size_cm) * rng.uniform(0.93, 1.03, 2)
    pixel_cm = max(height, width) / long_px
    return (round(height / pixel_cm), round(width / pixel_cm)), pixel_cm


def _draw_turned(view: View, build: Build, shape, pixel_cm: float, angle: float, rng):
    """The view off centre and crooked: drawn on a film large enough to be turned and cut."""
    rows, columns = shape
    cosine, sine = np.cos(np.radians(angle)), abs(np.sin(np.radians(angle)))
    large = (int(rows * cosine + columns * sine) + 2, int(columns * cosine + rows * sine) + 2)
    middle = 0.025 * max(shape) * pixel_cm * rng.standard_normal(2)
    left, top = (-0.5 * size * pixel_cm for size in large[::-1])
    film = Film(large, pixel_cm, left + middle[0], top + middle[1])
    drawn = view.draw(film, build, rng).astype(np.float32)
    centre = ((large[1] - 1) / 2, (large[0] - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
    matrix[:, 2] += ((columns - 1) / 2 - centre[0], (rows - 1) / 2 - centre[1])
    return cv2.warpAffine(drawn, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)


def _collimate(shape, look: Look, rng) -> np.ndarray:
    """What the collimator lets through, 0..1: a tilted rectangle with soft edges."""
    x, y = (np.linspace(-0.5, 0.5, size, dtype=np.float32) for size in (shape[1], shape[0]))
    turn = float(np.tan(np.radians(rng.normal(0, look.tilt_degrees))))
    across, down = x[None] + turn * y[:, None], y[:, None] - turn * x[None]
    left, right, top, bottom = rng.uniform(-0.3 * look.margin, look.margin, 4).tolist()
    inside = np.minimum(np.minimum(across + 0.5 - left, 0.5 - right - across),
                        np.minimum(down + 0.5 - top, 0.5 - bottom - down))  # fmt: skip
    return np.clip(0.5 + inside * max(shape) / 3, 0, 1)


# -- exposure ------------------------------------------------------------------------------------


def expose(attenuation, field, lead, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Attenuation → grey values 0..1 with bone bright, as the room would show them.

    Args:
        attenuation: (rows, columns), 0 where there is only air.
        field: what the collimator lets through, 0..1.
        lead: attenuation of what lies on the detector, which stops scattered rays too.
        look: the room.
        rng: exposure and quantum noise.

    Returns:
        float32 (rows, columns) in 0..1.
    """
    # Exposure and greys are set on the body, metal left out.
    is_body = (attenuation > 0.15) & (attenuation < 9) & (field > 0.9)
    primary = field * np.exp(-look.hardness * attenuation)
    thick = np.clip(attenuation / 3, 0, 1)  # air and a finger scatter nothing
    signal = (primary + look.scatter * _slow(primary * thick, 0.12)) * np.exp(-lead)
    middle = float(np.median(signal[::2, ::2][is_body[::2, ::2]])) if is_body.any() else 1.0
    signal = np.maximum(signal, 0.01 * middle)
    grain = rng.standard_normal(signal.shape, dtype=np.float32)
    dose = float(np.exp(rng.normal(0, 5 * look.spread)))
    signal *= np.clip(1 + look.noise * grain * np.sqrt(middle / (dose * signal)), 0.2, 3)
    density = cv2.GaussianBlur(-np.log(signal), (0, 0), look.blur_px)
    low, high = _range_of(density, is_body)
    slow = _slow(np.clip(density, low, high), 0.1)
    density = density - look.flatten * (slow - 0.5 * (low + high))
    density += look.sharpen * (density - cv2.GaussianBlur(density, (0, 0), 3 * look.blur_px))
    return _print(density, is_body, look, rng)


def _range_of(density: np.ndarray, is_body: np.ndarray) -> tuple[float, float]:
    inside = density[::2, ::2][is_body[::2, ::2]]
    low, high = np.percentile(inside if inside.size else density, (5, 98.5))
    return float(low), float(max(high, low + 0.25))


def _print(density: np.ndarray, is_body: np.ndarray, look: Look, rng) -> np.ndarray:
    """Density → grey through the toe and shoulder of a film's curve."""
    low, high = _range_of(density, is_body)
    dark, bright = (np.array(look.greys) + look.spread * rng.standard_normal(2)).tolist()
    grey = dark + (density - low) / (high - low) * (bright - dark)
    grey = 0.5 * grey + 0.5 / (1 + np.exp(-6 * (grey - 0.5)))
    gamma = look.gamma * float(np.exp(rng.normal(0, look.spread)))
    return np.clip(grey, 0, 1) ** gamma


def _slow(image: np.ndarray, share: float) -> np.ndarray:
    """Gaussian blur as wide as a share of the film, computed on a small copy."""
    sigma = share * max(image.shape)
    factor = 3 / sigma
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 3, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


# -- letters and words ---------------------------------------------------------------------------


def _half_of(view: View, side: str) -> str:
    """Where a letter may lie: on a frontal view of the whole body, on the patient's side."""
    if view.has_side or view.projection != "Frontal":
        return "any"
    return "left" if side == "R" else "right"


def _lay_letter(attenuation, field, half: str, side: str, look: Look, pixel_cm: float, rng):
    """Attenuation of a lead letter, where little of the patient lies beneath it."""
    size = int(np.clip(LETTER_CM / pixel_cm, *LETTER_PX))
    rows, columns = attenuation.shape
    first, last = {"any": (0, 1), "left": (0, 0.4), "right": (0.6, 1)}[half]
    open_columns = max(1, columns - 2 * size)
    places = rng.random((24, 2)) * (max(1, rows - 2 * size), 1)
    places[:, 1] = (first + (last - first) * places[:, 1]) * open_columns
    best = min(places.astype(int).tolist(), key=lambda at: _cover(attenuation, field, at, size))
    stamp = _letter(look.letters["RL".index(side)], size, look.has_disc, rng)
    lead = np.zeros_like(attenuation)
    room = lead[best[0] : best[0] + 2 * size, best[1] : best[1] + 2 * size]
    room += METAL * stamp[: room.shape[0], : room.shape[1]]
    return lead


def _cover(attenuation, field, place, size: int) -> float:
    """How much of the patient or the border a letter would hide, and how far in it would lie."""
    square = (slice(place[0], place[0] + 2 * size), slice(place[1], place[1] + 2 * size))
    middle = (np.array(place) + size) / attenuation.shape
    inwards = 2 * float(np.minimum(middle, 1 - middle).min())
    return float(attenuation[square].mean() + 20 * (1 - field[square]).mean()) + 4 * inwards


def _letter(letter: str, size: int, has_disc: bool, rng) -> np.ndarray:
    """A letter, turned at random and sometimes seen from behind: float32 (2 size, 2 size), 0..1."""
    side = 2 * size
    ink = np.full((side, side), 0, np.uint8)
    scale, weight = size / 24, max(1, round(size / 8))
    (width, height), _ = cv2.getTextSize(letter, FONT, scale, weight)
    corner = ((side - width) // 2, (side + height) // 2)
    if has_disc:
        cv2.circle(ink, (size, size), int(0.85 * size), 255, -1, cv2.LINE_AA)
    cv2.putText(ink, letter, corner, FONT, scale, 0 if has_disc else 255, weight, cv2.LINE_AA)
    angle = rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-180, 180)
    ink = cv2.warpAffine(ink, cv2.getRotationMatrix2D((size, size), angle, 1.0), (side, side))
    return (ink[:, ::-1] if rng.random() < 0.06 else ink).astype(np.float32) / 255


def _print_words(image: np.ndarray, look: Look, rng) -> np.ndarray:
    """The hospital's words in a corner, bright on the film or dark on a bright plate."""
    words = str(rng.choice(look.words))
    (width, height), _ = cv2.getTextSize(words, FONT, 0.34, 1)
    if not words or width + 10 > image.shape[1]:
        return image
    ink = np.zeros(image.shape, np.uint8)
    row = height + 4 if rng.random() < 0.5 else image.shape[0] - 5
    column = 4 if rng.random() < 0.5 else max(0, image.shape[1] - width - 6)
    cv2.putText(ink, words, (column, row), FONT, 0.34, 255, 1, cv2.LINE_AA)
    shine = ink.astype(np.float32) / 255
    if not look.has_plate:
        return np.maximum(image, 0.95 * shine)
    top, left = max(0, row - height - 4), max(0, column - 5)
    plate = (slice(top, row + 5), slice(left, column + width + 5))
    image = image.copy()
    image[plate] = np.maximum(image[plate], 0.9) - 0.75 * shine[plate]
    return image


def _hang(image: np.ndarray, look: Look, rng) -> np.ndarray:
    """Some films are archived lying, upside down or back to front."""
    if rng.random() < look.unhung:
        image = np.rot90(image, int(rng.integers(1, 4)))
    if rng.random() < look.unhung / 2:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
