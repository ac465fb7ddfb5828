"""A drawn heart as distance maps: ventricles, atria, great vessels and the holes between them."""

from dataclasses import dataclass

import numpy as np

from radiokit.phantoms.heart import APEX_WALL, VALVES_SHARE, Heart
from radiokit.phantoms.solids import Grid, ellipsoid_distance, far_map, join_tube, smooth_path

LEFT = ("left_ventricle", "left_atrium", "pulmonary_veins", "aorta")
RIGHT = ("right_ventricle", "right_atrium", "venae_cavae", "pulmonary_artery")
STRUCTURES = LEFT + RIGHT
HOLE_IN_ATRIA = ("atrial_defect", "transposition", "large_right_ventricle")
HOLE_IN_VENTRICLES = ("ventricular_defect", "overriding_aorta")

# Body frame, adult mm from the mitral valve; the midline lies at x = 22.
LEFT_ATRIUM, LEFT_ATRIUM_HALF = np.array([10.0, -30.0, 8.0]), np.array([28.0, 19.0, 24.0])
RIGHT_ATRIUM, RIGHT_ATRIUM_HALF = np.array([51.0, -2.0, 0.0]), np.array([21.0, 25.0, 28.0])
ARCH = [(18, 10, 58), (10, -10, 80), (-5, -36, 76), (-6, -58, 54), (0, -66, 10), (4, -66, -90)]
BRANCHES = [(14, 2, 86, 22, 8, 115), (4, -16, 86, 0, -10, 115), (-4, -30, 84, -14, -26, 115)]
VEINS = [
    ((30, -34, 16), (66, -28, 30)),
    ((30, -38, 2), (66, -50, -10)),
    ((-12, -34, 16), (-46, -26, 30)),
    ((-12, -40, 2), (-46, -54, -10)),
]


@dataclass(frozen=True)
class HeartMaps:
    """Distance maps (i, j, k) of a heart's parts, and which structure's blood is nearest."""

    blood: np.ndarray  # everything blood flows in, septal defects too
    myocardium: np.ndarray  # walls of both ventricles
    left_cavity: np.ndarray  # left ventricle up to the valves, papillary muscles included
    left_outside: np.ndarray  # the same with its wall
    right_cavity: np.ndarray
    papillary: np.ndarray
    structure: np.ndarray  # uint8, index into STRUCTURES


def render_heart(heart: Heart, grid: Grid, points_mm: np.ndarray, gap_mm: float) -> HeartMaps:
    """Distance maps of a heart.

    Args:
        heart: which.
        grid: voxels, in the body's frame and adult mm.
        points_mm: `grid.points_mm()`.
        gap_mm: least thickness of what parts the left heart's blood from the right one's.
    """
    u_v_w = np.tensordot(heart.axes.astype(np.float32), points_mm, axes=1)
    above = np.float32(heart.valves_w) - u_v_w[2]  # positive on the atria's side of the valves
    outside = _left_ventricle(heart, u_v_w, heart.wall)
    parts = {name: far_map(grid) for name in STRUCTURES}
    cavity = np.maximum(_left_ventricle(heart, u_v_w, 0.0), above)
    parts["left_ventricle"] = cavity.copy()
    right_cavity = _right_ventricle(heart, grid, points_mm, u_v_w, above)
    right_wall = np.maximum(right_cavity - np.float32(heart.right_wall), _past_valve(heart, u_v_w))
    parts["right_ventricle"] = np.maximum(right_cavity, -outside)
    _join_atria(heart, grid, points_mm, parts, above)
    _join_vessels(heart, grid, points_mm, parts)
    blood = _part_sides(heart, parts, gap_mm)
    _join_defects(heart, grid, points_mm, blood)
    papillary = _papillary_muscles(heart, grid, points_mm)
    blood = np.maximum(blood, -papillary)
    return HeartMaps(
        blood=blood,
        myocardium=np.maximum(np.maximum(np.minimum(outside, right_wall), above), -blood),
        left_cavity=cavity,
        left_outside=np.maximum(outside, above),
        right_cavity=np.maximum(np.maximum(right_cavity, above), -outside),
        papillary=papillary,
        structure=np.argmin([parts[name] for name in STRUCTURES], axis=0).astype(np.uint8),
    )


def to_body(heart: Heart, u: float, v: float, w: float) -> np.ndarray:
    """A point of the heart's frame, `w` from the valves as they lie now, in the body's frame."""
    return heart.axes.T @ np.array([u, v, w + heart.valves_w])


# -- ventricles ----------------------------------------------------------------------------------


def _left_ventricle(heart: Heart, u_v_w: np.ndarray, wall: float) -> np.ndarray:
    """The cavity (`wall` 0) or the outside, not yet cut off at the valves."""
    shift = heart.septum_shift if wall else 0.0
    middle = heart.valves_w + VALVES_SHARE * heart.cavity_length
    width = heart.cavity_radius + wall
    half_length = (1 - VALVES_SHARE) * heart.cavity_length + APEX_WALL * wall
    return ellipsoid_distance(u_v_w, (shift, 0, middle), (width, width, half_length))


def _right_ventricle(heart, grid, points_mm, u_v_w, above) -> np.ndarray:
    """A large egg, of which the left ventricle leaves a crescent, and its outflow."""
    free_wall = heart.cavity_radius + heart.wall + heart.right_reach
    big = np.sqrt(heart.right_reach / 27)
    half_v = 1.06 * (heart.cavity_radius + heart.wall) * big**0.4
    half_w = 0.82 * heart.cavity_length - 14
    away = u_v_w[0] - np.float32(10)
    bent = np.stack([np.where(away > 0, away, 3.5 * away), u_v_w[1], u_v_w[2]])
    half = (free_wall - 10, half_v, half_w * big**0.3)
    right = np.maximum(ellipsoid_distance(bent, (0, 4, heart.valves_w + 14), half), above)
    width = 12.5 * big * (0.5 + 0.5 * heart.pulmonary)
    outflow = [to_body(heart, 0.62 * free_wall, -8, 24), to_body(heart, 0.5 * free_wall, -30, 14)]
    path = smooth_path([*outflow, _pulmonary_root(heart)], 6)
    join_tube(right, grid, points_mm, path, width)
    return right


def _past_valve(heart: Heart, u_v_w: np.ndarray) -> np.ndarray:
    """How far past the pulmonary valve a point lies, mm; it faces up and a little to the back."""
    facing = np.array([-0.35, -0.87, -0.35])
    root = heart.axes @ _pulmonary_root(heart)
    return np.tensordot(facing.astype(np.float32), u_v_w, axes=1) - np.float32(facing @ root)


def _papillary_muscles(heart: Heart, grid: Grid, points_mm: np.ndarray) -> np.ndarray:
    muscles = far_map(grid)
    size, length = heart.cavity_radius, heart.cavity_length
    for side in (-1, 1):
        path = [
            to_body(heart, -0.30 * size, side * 0.55 * size, 0.30 * length),
            to_body(heart, -0.30 * size, side * 0.72 * size, 0.68 * length),
        ]
        if heart.papillary:
            join_tube(muscles, grid, points_mm, path, heart.papillary * size / 24)
    return muscles


# -- atria and vessels ---------------------------------------------------------------------------


def _join_atria(heart, grid, points_mm, parts: dict, above: np.ndarray) -> None:
    """Both atria, above the valves, and the valves' openings."""
    for name, centre, half in (
        ("left_atrium", LEFT_ATRIUM, LEFT_ATRIUM_HALF),
        ("right_atrium", RIGHT_ATRIUM, RIGHT_ATRIUM_HALF),
    ):
        atrium = ellipsoid_distance(points_mm, centre, half * heart.atria)
        parts[name] = np.maximum(atrium, -above)
    radius = heart.cavity_radius
    mitral = to_body(heart, -0.12 * radius, 0.16 * radius, 6)
    tricuspid = to_body(heart, radius + heart.wall + 0.3 * heart.right_reach, 10, 6)
    join_tube(parts["left_atrium"], grid, points_mm, [LEFT_ATRIUM, mitral], [16, 0.5 * radius])
    join_tube(parts["right_atrium"], grid, points_mm, [RIGHT_ATRIUM, tricuspid], [18, 12])


def _aortic_root(heart: Heart) -> np.ndarray:
    over = 11 if heart.malformation == "overriding_aorta" else 0
    return to_body(heart, 0.42 * heart.cavity_radius + over, -0.58 * heart.cavity_radius, -4)


def _pulmonary_root(heart: Heart) -> np.ndarray:
    return to_body(heart, 18, -(heart.cavity_radius + heart.wall + 12), 13)


def _join_vessels(heart: Heart, grid: Grid, points_mm: np.ndarray, parts: dict) -> None:
    aorta, trunk = _aortic_root(heart), _pulmonary_root(heart)
    outlet = to_body(heart, 0.25 * heart.cavity_radius, -0.3 * heart.cavity_radius, 12)
    fork = np.array([-8.0, 2, 50])
    if heart.malformation == "transposition":
        aorta, trunk, fork = trunk, aorta, np.array([-4.0, -8, 46])
        ascending = [aorta, aorta + (4, -3, 16), (6, 26, 66)]
        rising = [outlet, trunk, trunk + (-3, -6, 16), fork]
    else:
        ascending = [outlet, aorta, aorta + (7, 0, 20)]
        rising = [trunk, trunk + (0, -14, 12), fork]
    wide = heart.vessels * (1.12 if heart.malformation == "overriding_aorta" else 1.0)
    path = smooth_path([*ascending, *ARCH], 22)
    radius = np.interp(np.arange(22), [0, 6, 11, 21], [12.5, 12.5, 11, 9]) * wide
    join_tube(parts["aorta"], grid, points_mm, path, radius)
    for branch in BRANCHES:
        join_tube(parts["aorta"], grid, points_mm, np.reshape(branch, (2, 3)), 4.2 * wide)
    narrow = heart.vessels * heart.pulmonary
    _join_pulmonary_artery(grid, points_mm, parts["pulmonary_artery"], rising, fork, narrow)
    _join_veins(heart, grid, points_mm, parts)


def _join_pulmonary_artery(grid, points_mm, artery, rising, fork, width: float) -> None:
    """Trunk, and a branch to each lung: the right one runs behind the ascending aorta."""
    join_tube(artery, grid, points_mm, smooth_path(rising, 8), 11.5 * width)
    left = smooth_path([fork, (-24, -18, 52), (-48, -32, 44)], 6)
    right = smooth_path([fork, (10, -15, 45), (38, -20, 42), (66, -24, 38)], 8)
    join_tube(artery, grid, points_mm, left, np.linspace(9, 6.5, 6) * width)
    join_tube(artery, grid, points_mm, right, np.linspace(9, 6.5, 8) * width)


def _join_veins(heart: Heart, grid: Grid, points_mm: np.ndarray, parts: dict) -> None:
    cavae, veins = parts["venae_cavae"], parts["pulmonary_veins"]
    upper = [(43, 8, 110), (43, 6, 45), (48, -2, 12)]
    lower = [(50, -10, -12), (45, -20, -40), (40, -24, -100)]
    join_tube(cavae, grid, points_mm, smooth_path(upper, 6), 8.5 * heart.vessels)
    join_tube(cavae, grid, points_mm, smooth_path(lower, 6), 10.5 * heart.vessels)
    for path in VEINS:
        join_tube(veins, grid, points_mm, path, [7.5 * heart.vessels, 5.0 * heart.vessels])


# -- what parts and joins the two sides ----------------------------------------------------------


def _part_sides(heart: Heart, parts: dict, gap_mm: float) -> np.ndarray:
    """All blood, with a wall `gap_mm` thick wherever left and right would touch."""
    left, right = list(LEFT), list(RIGHT)
    if heart.malformation == "transposition":
        left[-1], right[-1] = right[-1], left[-1]
    left, right = (np.min([parts[name] for name in side], axis=0) for side in (left, right))
    half = np.float32(gap_mm / 2)
    between = (left - right) / 2
    return np.minimum(np.maximum(left, half + between), np.maximum(right, half - between))


def _join_defects(heart: Heart, grid: Grid, points_mm: np.ndarray, blood: np.ndarray) -> None:
    if heart.malformation in HOLE_IN_ATRIA:
        path = [LEFT_ATRIUM, RIGHT_ATRIUM]
        join_tube(blood, grid, points_mm, path, 1.1 * heart.defect_radius)
    if heart.malformation in HOLE_IN_VENTRICLES:
        v, w = heart.defect_place
        septum = heart.cavity_radius + heart.septum_shift
        path = [to_body(heart, septum - 7, v, w), to_body(heart, septum + heart.wall + 8, v, w)]
        join_tube(blood, grid, points_mm, path, heart.defect_radius)
