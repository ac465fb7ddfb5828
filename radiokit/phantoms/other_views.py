"""What is rare among body part phantoms, all of it "Others".

Contrast in the bowel, the oesophagus and the kidneys, bone densitometry, both legs on one film, the
breast, and a plate to test the machine with.
"""

import cv2
import numpy as np

from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import CORTEX, MARROW, METAL, SOFT, texture
from radiokit.phantoms.bowel import COLON
from radiokit.phantoms.pelvis_bones import project_pelvis
from radiokit.phantoms.projection import Film, blob, smooth_noise
from radiokit.phantoms.torso_front import PELVIS_Y_CM, lay_front, project_trunk
from radiokit.phantoms.torso_shapes import (
    MIRROR,
    around,
    curve,
    develop,
    line,
    moved,
    pillow,
    pose,
    stroke,
    strokes,
    wall,
)
from radiokit.phantoms.vertebrae import project_front

_STOMACH = [(3, -14), (7, -15), (9.4, -12), (9, -6), (6, -1), (1, 1), (-2, 0), (1, -2.4), (4.4, -6)]
_BLADDER = [(0, 18.6), (4, 19.4), (4.8, 22), (0, 23.6), (-4.8, 22), (-4, 19.4)]
_HIPS = [(-16, 0), (16, 0), (18, 18), (18, 27), (0, 30), (-18, 27), (-18, 18)]

# -- contrast ------------------------------------------------------------------------------------


def _draw_barium_enema(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The large bowel filled with barium: a bright frame of pouches."""
    film = pose(moved(film, 0, 4), build, rng)
    line = curve(np.asarray(COLON) + rng.normal(0, 0.7, (len(COLON), 2)), count=90)
    filled, wide = int(rng.integers(45, 91)), rng.uniform(1.5, 2.3)
    barium = np.zeros(film.shape, np.float32)
    for number, place in enumerate(line[::-1][:filled]):
        size = wide * rng.uniform(0.8, 1.2) * (1 + 0.16 * np.sin(1.9 * number))
        window, u, v = around(film, place, size)
        barium[window] = np.maximum(barium[window], size * blob(u, v, (0, 0), (size, size)))
    return develop(film, project_trunk(film, build, rng, 0) + 1.1 * barium)


def _draw_swallow(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Barium running down the oesophagus into the stomach."""
    film = pose(moved(film, 1, -20), build, rng)
    sway = rng.normal(0, 0.4, 5)
    path = np.stack([[0, 0.4, 0.2, 1.2, 3.2] + sway, [-44, -36, -28, -20, -13.5]], axis=1)
    stomach = np.array(_STOMACH)
    barium = stroke(film, path, 1.4 + 0.5 * rng.random()) + 0.4 * stroke(film, path, 0.7)
    barium = barium + 1.8 * pillow(film, stomach * rng.uniform(0.8, 1.1) + (0.6, 0), 1, 1.5)
    return develop(film, project_trunk(film, build, rng, 0) + barium)


def _draw_urography(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Contrast in the calyces, the ureters and the bladder."""
    film = pose(moved(film, 0, 6), build, rng)
    cups, tips, ureters = [], [], []
    for side in (np.ones(2), MIRROR):
        pelvis = np.array([4.2, -5.0]) + rng.normal(0, 0.4, 2)
        for reach in ((1.6, -3.2), (2.6, -1.2), (2.6, 1.0), (1.6, 2.8)):
            end = pelvis + reach
            cups.append([pelvis * side, (0.4 * pelvis + 0.6 * end) * side, end * side])
            tips.append([end * side - (0.1, 0.4), end * side + (0.1, 0.4)])
        ureters.append(np.array([pelvis, *_URETER]) * side)
    dye = 0.9 * strokes(film, cups, 0.7) + 0.5 * strokes(film, tips, 0.8)
    dye += 0.7 * strokes(film, ureters, 0.4) + 0.9 * rng.random() * pillow(film, _BLADDER, 1, 2)
    return develop(film, project_trunk(film, build, rng, 0) + dye)


_URETER = [(3.6, 0), (3.4, 6), (4.4, 12), (5, 17), (2, 20.5)]

# -- densitometry and long films -----------------------------------------------------------------


def _draw_densitometry(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A coarse scan of L1 to L4 with lines between the vertebrae, as bone density is measured."""
    film = pose(film, build, rng, shift_cm=0.3)
    coarse = (film.shape[0] // 4, film.shape[1] // 4)
    small = Film(coarse, 4 * film.pixel_cm, film.left_cm, film.top_cm)
    spine = lay_front(build, rng)
    bone = 2.0 * project_front(small, spine, build.density) + 0.3
    bone = np.clip(bone + 0.05 * rng.standard_normal(coarse), 0, None).astype(np.float32)
    picture = cv2.resize(bone, film.shape[::-1], interpolation=cv2.INTER_NEAREST)
    lumbar = [one for one in spine if one.name in ("L1", "L2", "L3", "L4", "L5")]
    edges = [(np.array(one.centre) + (0, -one.half_height - 0.4)) for one in lumbar]
    lines = [[edge + (-4.5, 0), edge + (4.5, 0)] for edge in edges]
    lines += [[edges[0] + (side * 4.5, 0), edges[-1] + (side * 4.5, 0)] for side in (1, -1)]
    return np.maximum(picture, 2.2 * strokes(film, lines, 0.12, smooth=False))


_LEG = [
    *[(15.5, 22), (18.8, 30), (17.5, 50), (14.2, 64), (14.6, 72), (14, 90), (11.8, 104)],
    *[(13, 110), (6.4, 110), (7.4, 103), (5.6, 88), (6.2, 70), (6, 62), (3.2, 44), (0.6, 27)],
]
_THIGH = [
    *[(13.2, 26), (13.5, 32), (12.6, 45), (11.4, 58), (12.9, 62.5), (13, 65), (10.4, 65.8)],
    *[(7.6, 65), (7.6, 62.5), (9.2, 57), (10.4, 45), (11, 32)],
]
_SHIN = [
    *[(13.1, 66.6), (13, 69), (11.4, 74), (10.8, 88), (10.8, 100), (11.6, 104), (8.4, 104)],
    *[(8.8, 99), (8.6, 86), (8.4, 74), (7.5, 69), (7.6, 66.6), (10.3, 66.3)],
]
_CALF = [(13.2, 69.5), (12.8, 76), (12.3, 90), (12.4, 101), (12.2, 105)]


def _draw_both_legs(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """Hips, knees and ankles on one long film, to measure axes."""
    film = pose(moved(film, 0, 60), build, rng)
    bow = 0.03 * np.clip(build.wobble[5], -2, 2)
    soft = pillow(film, _HIPS, 15, 6)
    place = Film(film.shape, film.pixel_cm, film.left_cm, film.top_cm - PELVIS_Y_CM)
    bone = project_pelvis(place, build, rng) * np.clip((29 - film.grid_cm()[1]) / 2, 0, 1)
    for side in (np.ones(2), MIRROR):
        soft = np.maximum(soft, pillow(film, _bowed(_LEG, bow) * side, 11, 5))
        bone += build.density * _leg_bones(film, bow, side)
    ruler = strokes(film, [[(-0.8, y), (0.8, y)] for y in range(20, 108, 2)], 0.3)
    ruler += stroke(film, [(0, 20), (0, 108)], 0.3)
    return develop(film, SOFT * soft + bone + 0.5 * (rng.random() < 0.5) * ruler)


def _leg_bones(film, bow, side):
    bone = 0.35 * pillow(film, _bowed(_KNEECAP, bow) * side, 1, 1)
    bone += 0.25 * stroke(film, _bowed(_CALF, bow) * side, 1.0)
    for outline in (_THIGH, _SHIN):
        corners = _bowed(outline, bow) * side
        bone += 2.5 * MARROW * pillow(film, corners, 1.4, 1)
        bone += 0.3 * CORTEX * wall(film, corners, 2.6, 1.2, 0.45)
    return bone


_KNEECAP = [(10.4, 59.8), (12, 61.4), (10.4, 63.6), (8.9, 61.4)]


def _bowed(corners, bow):
    """Knees moved apart (bow legs) or together, cm a cm from the ankle or the hip."""
    corners = np.asarray(corners, float)
    apart = bow * np.clip(40 - np.abs(corners[:, 1] - 65), 0, None)
    return corners + np.stack([apart, 0 * apart], axis=1)


# -- breast --------------------------------------------------------------------------------------


def _draw_breast_axial(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The right breast from above: a half moon at the chest wall with its gland."""
    return _breast(film, build, rng, muscle=False)


def _draw_breast_oblique(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """The same with the muscle of the chest across its upper corner."""
    return _breast(film, build, rng, muscle=True)


def _breast(film, build, rng, muscle):
    film = pose(film, build, rng, shift_cm=0.3)
    chest_x, drop = film.left_cm + film.shape[1] * film.pixel_cm, 2.0 * muscle
    half = np.array([rng.uniform(8, 12.5), rng.uniform(7, 9.5)])  # how far out, how far up
    angle = np.linspace(-np.pi / 2, np.pi / 2, 15)
    arc = np.stack([-(np.cos(angle) ** 0.8), np.sin(angle)], axis=1) * half
    outline = np.concatenate([arc, [(6, half[1]), (6, -half[1])]]) + (chest_x, drop)
    gland = 0.8 * arc * (1, 0.78) + (chest_x - 1, drop)
    cloud = 1 + sum(share * smooth_noise(rng, film.shape, cell) for share, cell in _GLAND)
    total = 0.45 * pillow(film, outline, 4.2, 2.5)
    total += rng.uniform(0.3, 1.6) * np.clip(cloud, 0.1, None) * pillow(film, gland, 1, 3)
    total += _ducts_and_lump(film, rng, half, chest_x, drop) * (total > 0)
    if muscle:
        corner = np.array(_MUSCLE) + (chest_x, 0)
        total = np.maximum(total, 2.6 * pillow(film, corner, 1, 2, smooth=False))
    return develop(film, total)


def _ducts_and_lump(film, rng, half, chest_x, drop):
    """Lines that meet in the nipple, which sticks out, and a star-shaped lump in one of four."""
    nipple = np.array([chest_x - half[0], drop])
    fan = [[(chest_x - 0.5 * half[0], y + drop), (chest_x - 1.5, 1.5 * y + drop)] for y in _FAN]
    fan = np.array(fan) + rng.normal(0, 0.5, (len(_FAN), 1, 2))
    total = 0.22 * strokes(film, [[nipple + (0.4, 0), *way] for way in fan], 0.16)
    total += 0.6 * pillow(film, nipple + [(-0.6, 0), (0, -0.5), (0.5, 0), (0, 0.5)], 1, 0.4)
    if rng.random() < 0.25:
        place = (chest_x, drop) + half * (-rng.uniform(0.2, 0.7), rng.uniform(-0.4, 0.4))
        total += 0.9 * pillow(film, place + rng.uniform(0.6, 1.1, (6, 1)) * _STAR, 1, 0.5)
    return total


_MUSCLE = [(1, -14), (-7, -14), (-4, -4), (1, 5)]
_FAN = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
_GLAND = ((0.35, 45), (0.22, 20), (0.12, 8), (0.06, 4))  # how strong and how wide its spots are
_STAR = np.array([(1, 0), (0.4, 0.9), (-0.5, 0.8), (-1, 0), (-0.5, -0.9), (0.4, -0.8)])

# -- test objects --------------------------------------------------------------------------------


def _draw_test_plate(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A test plate: step wedge, ruler, line pairs and discs, to check the machine."""
    film = pose(film, build, rng)
    x, y = film.grid_cm()
    plate = 0.7 * pillow(film, [(-10, -10), (10, -10), (10, 10), (-10, 10)], 1, 0.2, smooth=False)
    wedge = 0.3 * np.clip(np.ceil((x + 8) / 2), 0, 8) * (x < 8) * (np.abs(y - 7.5) < 1.5)
    discs = [blob(x, y, (-7 + 3.4 * number, 2), (1.2, 1.2)) > 0 for number in range(5)]
    total = plate + wedge + sum(0.25 * (number + 1) * disc for number, disc in enumerate(discs))
    ticks = [[(0.5 * n - 9, -9), (0.5 * n - 9, -8.3 + 0.5 * (n % 2))] for n in range(37)]
    pairs = [[(x, -5), (x, -2)] for x in np.cumsum(np.linspace(0.8, 0.25, 12)) - 8]
    total += 2 * strokes(film, ticks, 0.12, smooth=False)
    total += 2 * strokes(film, pairs, 0.22, smooth=False)
    wires = strokes(film, [[(-10, 0), (10, 0)], [(0, -10), (0, 10)]], 0.1, smooth=False)
    wires = np.maximum(wires, line(np.hypot(x, y) - 8.5, 0.12))
    total += 0.25 * METAL * rng.uniform(0.5, 1) * wires
    return develop(film, total * texture(film, rng, 6, 0.02))


OTHER_VIEWS = (
    View(("Others",), "Frontal", (43, 36), False, _draw_barium_enema),
    View(("Others",), "Frontal", (42, 26), False, _draw_swallow),
    View(("Others",), "Frontal", (43, 35), False, _draw_urography),
    View(("Others",), "Frontal", (22, 14), False, _draw_densitometry),
    View(("Others",), "Frontal", (110, 42), False, _draw_both_legs),
    View(("Others",), "Axial", (24, 18), True, _draw_breast_axial),
    View(("Others",), "Oblique", (24, 18), True, _draw_breast_oblique),
    View(("Others",), "Frontal", (24, 24), False, _draw_test_plate),
)
