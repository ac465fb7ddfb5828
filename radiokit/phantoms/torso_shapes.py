"""Shapes for head and trunk of the body part phantoms: pillows, walls, strokes, and the pose.

Beside `radiokit.phantoms.bones`, in the same coordinates: centimetres on the film, x to the right
and y downwards. A body is drawn from its outline; it is thick in the middle and thins out towards
its edge.
"""

import cv2
import numpy as np

from radiokit.phantoms.bodypart_views import Build
from radiokit.phantoms.projection import SUBPIXEL_BITS, Film, fill_polygon

MIRROR = np.array([-1.0, 1.0])


def pose(film: Film, build: Build, rng: np.random.Generator, shift_cm=0.7, zoom=0.05) -> Film:
    """The same pixels in the centimetres of an average adult, who lies a little off centre.

    Args:
        film: the grid.
        build: who; a larger person fills more of the film.
        rng: draws the place.
        shift_cm: standard deviation of the centring, up to twice as much.
        zoom: standard deviation of the field of view, relative.
    """
    scale = build.scale * float(np.exp(np.clip(rng.normal(0, zoom), -2 * zoom, 2 * zoom)))
    left, top = np.clip(rng.normal(0, shift_cm, 2), -2 * shift_cm, 2 * shift_cm)
    pixel_cm, left_cm, top_cm = (v / scale for v in (film.pixel_cm, film.left_cm, film.top_cm))
    return Film(film.shape, pixel_cm, left_cm + left, top_cm + top)


def moved(film: Film, x_cm: float, y_cm: float, zoom: float = 1.0) -> Film:
    """The film with its middle over another place of the anatomy.

    Args:
        film: the grid, with (0, 0) in its middle.
        x_cm: the place, in the centimetres of the anatomy.
        y_cm: the same, downwards.
        zoom: size of this anatomy, relative to an adult's.
    """
    pixel, left, top = (value / zoom for value in (film.pixel_cm, film.left_cm, film.top_cm))
    return Film(film.shape, pixel, left + x_cm, top + y_cm)


def facing(attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A lateral film that faces left, as it is or, one in four, mirrored."""
    return attenuation if rng.random() < 0.75 else attenuation[:, ::-1]


def develop(film: Film, attenuation: np.ndarray, unsharp_cm: float = 0.05) -> np.ndarray:
    """Attenuation as the views return it: a little unsharp, nowhere below 0, float32."""
    sharp = np.asarray(attenuation, np.float32)
    soft = cv2.GaussianBlur(sharp, (0, 0), max(0.5, unsharp_cm / film.pixel_cm))
    return np.clip(soft, 0, None)


def curve(corners_cm, closed: bool = False, count: int = 80) -> np.ndarray:
    """A smooth line through corners; closed, it ends where it began.

    Args:
        corners_cm: (N, 2), at least 2 and no two alike in a row.
        closed: whether it returns to its start.
        count: how many points it has.

    >>> curve([(0, 0), (2, 1)], count=3).tolist()
    [[0.0, 0.0], [1.0, 0.5], [2.0, 1.0]]
    """
    corners = np.asarray(corners_cm, float)
    if closed:
        corners = np.concatenate([corners[-1:], corners, corners[:2]])
    else:
        ends = 2 * corners[[0, -1]] - corners[[1, -2]]
        corners = np.concatenate([ends[:1], corners, ends[1:]])
    steps = np.diff(corners, axis=0)
    long = np.sqrt(np.linalg.norm(steps, axis=1))[:, None]  # centripetal: no loops, few bulges
    slopes = steps / long
    tangents = (slopes[:-1] * long[1:] + slopes[1:] * long[:-1]) / (long[1:] + long[:-1])
    return _hermite(corners[1:-1], tangents, long[1:-1, 0], count)


def _hermite(corners, tangents, lengths, count):
    """Points of the cubic pieces between corners, evenly spread over their lengths."""
    place = np.append(0, np.cumsum(lengths))
    fine = np.linspace(0, place[-1], count)
    piece = np.clip(np.searchsorted(place, fine, side="right") - 1, 0, len(lengths) - 1)
    long = lengths[piece][:, None]
    t = (fine - place[piece])[:, None] / long
    start, end = corners[piece], corners[piece + 1]
    out, back = long * tangents[piece], long * tangents[piece + 1]
    ease = t * t * (3 - 2 * t)
    return start + ease * (end - start) + t * (1 - t) * ((1 - t) * out - t * back)


def pillow(film: Film, corners_cm, depth_cm: float, round_cm: float, smooth: bool = True):
    """How thick a body is above each pixel, cm: flat in the middle, rounded towards its outline.

    Args:
        film: the grid.
        corners_cm: (N, 2) outline; a smooth line goes through them.
        depth_cm: how thick it is in the middle.
        round_cm: how far its rounding reaches in from the outline.
        smooth: False joins the corners by straight lines.
    """
    return depth_cm * _rounded(_from_outline(film, corners_cm, smooth), round_cm)


def wall(film: Film, corners_cm, depth_cm: float, round_cm: float, wall_cm: float, smooth=True):
    """How thick the wall of a hollow body is above each pixel, cm: brightest along its outline.

    Args:
        film: the grid.
        corners_cm: (N, 2) outline; a smooth line goes through them.
        depth_cm: how thick the body is in the middle, hollow and all.
        round_cm: how far its rounding reaches in from the outline.
        wall_cm: how thick its wall is.
        smooth: False joins the corners by straight lines.
    """
    distance = _from_outline(film, corners_cm, smooth)
    outer = depth_cm * _rounded(distance, round_cm)
    inner = (depth_cm - 2 * wall_cm) * _rounded(distance - wall_cm, round_cm - wall_cm)
    return outer - inner


def _from_outline(film, corners_cm, smooth):
    """Distance of each pixel inside an outline from it, cm; 0 outside."""
    corners = curve(corners_cm, closed=True) if smooth else np.asarray(corners_cm, float)
    distance = np.zeros(film.shape, np.float32)
    (rows, columns), part = _cut(film, corners)
    if 0 in part.shape:
        return distance
    mask = fill_polygon(part, corners).astype(np.uint8)
    if mask.all():
        distance[rows, columns] = 1e3
    elif mask.any():
        pixels = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        distance[rows, columns] = pixels * np.float32(film.pixel_cm)
    return distance


def _cut(film, corners_cm):
    """The rows and columns that hold an outline, with a pixel around it, and that part's film."""
    pixels = film.to_pixels(corners_cm)
    first = np.clip(np.floor(pixels.min(axis=0)).astype(int) - 1, 0, film.shape[::-1])
    last = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 2, first, film.shape[::-1])
    left, top = np.array([film.left_cm, film.top_cm]) + first * film.pixel_cm
    part = Film((int(last[1] - first[1]), int(last[0] - first[0])), film.pixel_cm, left, top)
    return (slice(first[1], last[1]), slice(first[0], last[0])), part


def _rounded(distance_cm, round_cm):
    """0 outside, a quarter of a circle up to `round_cm` inside, 1 beyond."""
    share = np.clip(distance_cm / max(round_cm, 1e-3), 0, 1)
    return np.sqrt(share * (2 - share))


def stroke(film: Film, corners_cm, width_cm: float, closed: bool = False, smooth=True):
    """A line 0..1 of constant width; thinner than a pixel, it is fainter.

    Args:
        film: the grid.
        corners_cm: (N, 2); a smooth line goes through them.
        width_cm: how wide the line is.
        closed: whether it returns to its start.
        smooth: False joins the corners by straight lines.
    """
    return strokes(film, [corners_cm], width_cm, closed, smooth)


def strokes(film: Film, lines, width_cm: float, closed: bool = False, smooth: bool = True):
    """Several lines as one picture 0..1, as `stroke` draws them; where they cross, still 1."""
    picture = np.zeros(film.shape, np.uint8)
    width_px = width_cm / film.pixel_cm
    points = [curve(line, closed, 60) if smooth else np.asarray(line, float) for line in lines]
    pixels = [np.round(film.to_pixels(p) * 2**SUBPIXEL_BITS).astype(np.int32) for p in points]
    thickness = max(1, round(width_px))
    cv2.polylines(picture, pixels, closed, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    return picture.astype(np.float32) * np.float32(min(1, width_px / thickness) / 255)


def around(film: Film, centre_cm, reach_cm: float, turn_degrees: float = 0.0) -> tuple:
    """The square of a film around a point, in the coordinates of a part that is turned.

    Returns:
        `(window, u, v)`: slices of the film's rows and columns, and the distances from the centre
        along the part's own axes, cm; both are empty where the point is off the film.
    """
    x, y = film.grid_cm()
    columns = slice(*np.searchsorted(x[0], (centre_cm[0] - reach_cm, centre_cm[0] + reach_cm)))
    rows = slice(*np.searchsorted(y[:, 0], (centre_cm[1] - reach_cm, centre_cm[1] + reach_cm)))
    angle = np.float32(np.radians(turn_degrees))
    x, y = x[:, columns] - np.float32(centre_cm[0]), y[rows] - np.float32(centre_cm[1])
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (rows, columns), u, v


def inside(distance_cm: np.ndarray, soft_cm: float = 0.12) -> np.ndarray:
    """0..1: how far a pixel is inside an edge, from its distance (positive inside)."""
    return np.clip(distance_cm / soft_cm + 0.5, 0, 1)


def line(distance_cm: np.ndarray, width_cm: float) -> np.ndarray:
    """0..1: 1 where the distance is 0, gone beyond `width_cm`."""
    return np.clip(1 - np.abs(distance_cm) / width_cm, 0, 1)


def both_sides(corners_cm) -> np.ndarray:
    """A closed outline from its right half in image terms (x ≥ 0), from the top to the bottom."""
    half = np.asarray(corners_cm, float)
    return np.concatenate([half, (half[half[:, 0] != 0] * MIRROR)[::-1]])
