"""Bones of the chest phantoms: ribs, clavicles, spine, scapulae and shoulders as 3-D shapes."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from radiokit.phantoms.patient import Patient
from radiokit.phantoms.projection import (
    Film,
    Tube,
    blob,
    fill_polygon,
    project_points,
    project_tube,
    tube_mask,
    tube_points,
)

SIDES = {"right": -1.0, "left": 1.0}
RIB_NAMES = tuple(f"{side}{number}" for side in "RL" for number in range(1, 11))

# One value a rib, 1 to 10, of an average adult; cm and degrees.
RIB_HEAD_Y = np.array([-0.6, 1.6, 3.9, 6.2, 8.5, 10.9, 13.3, 15.8, 18.3, 20.9])
RIB_REACH_X = np.array([5.9, 8.7, 10.7, 12.0, 12.9, 13.5, 13.9, 14.1, 14.1, 13.8])
RIB_DROP_Y = np.array([3.6, 4.9, 6.0, 6.9, 7.6, 8.0, 8.1, 7.8, 7.0, 6.0])
RIB_END_DEGREES = np.array([143.0, 149.0, 150.0, 148.0, 144.0, 138.0, 131.0, 122.0, 112.0, 102.0])
RIB_DEPTH_Z = np.array([4.5, 6.4, 7.7, 8.6, 9.2, 9.6, 9.8, 9.9, 9.8, 9.5])

CORTEX, MARROW = 0.85, 0.14  # attenuation above soft tissue, 1/cm


def chest_half_width(y_cm: np.ndarray, patient: Patient) -> np.ndarray:
    """Distance from the midline to the inner side of the ribs at height y, cm."""
    lateral_y = RIB_HEAD_Y + 0.38 * RIB_DROP_Y
    knots_y = np.concatenate([[-6.0, 0.0], lateral_y, [31.0]])
    knots_x = np.concatenate([[4.6, 4.8], RIB_REACH_X - 0.55, [13.2]])
    width = PchipInterpolator(knots_y, knots_x, extrapolate=True)
    half_width = np.clip(width(np.asarray(y_cm) / patient.height_scale), 4.5, None)
    return (half_width * patient.width_scale).astype(np.float32)


def turn(points_cm: np.ndarray, patient: Patient) -> np.ndarray:
    """Patient turned about the long axis and leaning: depth becomes a shift on the film."""
    angle, lean = np.radians([patient.rotation_deg, patient.lean_deg])
    x, y, z = points_cm.T
    turned_x = x * np.cos(angle) + z * np.sin(angle)
    return np.stack([turned_x, y - z * np.sin(lean), z * np.cos(angle) - x * np.sin(angle)], axis=1)


def rib_tube(number: int, side: str, patient: Patient, wobble: np.ndarray) -> Tube:
    """Rib 1 to 10 from beside the spine, round the flank, to its front end."""
    index = number - 1
    fraction = np.linspace(0, 1, 380)
    start = np.arcsin(min(0.9, 2.3 / RIB_REACH_X[index]))
    angle = start + fraction * (np.radians(RIB_END_DEGREES[index] + wobble[2]) - start)
    reach = (RIB_REACH_X[index] + 0.15 * wobble[0]) * patient.width_scale
    x = SIDES[side] * reach * np.sin(angle)
    z = -RIB_DEPTH_Z[index] * patient.depth_scale * np.cos(angle) - 0.5
    drop = RIB_DROP_Y[index] * patient.rib_slope + 0.3 * wobble[1]
    y = RIB_HEAD_Y[index] + drop * fraction**1.7 - 0.6 * np.sin(np.pi * fraction) * (1 - fraction)
    centre = np.stack([x, (y + 0.08 * wobble[3]) * patient.height_scale, z], axis=1)
    size = patient.bone_scale * (0.45 + 0.2 * np.clip(fraction * 6, 0, 1) + 0.12 * fraction**3)
    depth = patient.bone_scale * np.full_like(size, 0.33)
    return Tube(turn(centre, patient), size * (0.88 if number == 1 else 1.0), depth)


def clavicle_tube(side: str, patient: Patient, wobble: np.ndarray) -> Tube:
    """Clavicle from the breast bone to the shoulder: an S that rises outwards."""
    fraction = np.linspace(0, 1, 320)
    sign = SIDES[side]
    x = sign * (1.7 + (14.2 + 0.4 * wobble[0]) * patient.width_scale * fraction)
    rise = (2.6 + 0.7 * wobble[1]) * patient.clavicle_rise
    bend = (0.3 + 0.3 * wobble[2]) * np.sin(2 * np.pi * fraction)
    y = 3.8 + 0.6 * wobble[3] - rise * (1 - (1 - fraction) ** 1.7) + bend
    z = 7.0 * patient.depth_scale * (1 - fraction) + 1.2 * np.sin(2 * np.pi * fraction)
    height = 0.5 + 0.38 * (1 - fraction) ** 5 + 0.15 * fraction**4
    size = patient.bone_scale * height
    return Tube(turn(np.stack([x, y, z], axis=1), patient), size, 0.9 * size)


def project_ribs(film: Film, tubes: dict, patient: Patient) -> np.ndarray:
    """Shadows of all ribs together; the front ends fade into cartilage, which X-rays pass."""
    points, weights = [], []
    for tube in tubes.values():
        place, weight = tube_points(tube, 0.24, CORTEX * patient.bone_density, MARROW)
        fade = np.interp(np.linspace(0, 1, len(weight)), [0, 0.8, 1], [1, 0.85, 0.45])
        points.append(place)
        weights.append(weight * fade)
    return project_points(film, np.concatenate(points), np.concatenate(weights))


def project_clavicles(film: Film, tubes: dict, patient: Patient) -> np.ndarray:
    """Shadows of both clavicles."""
    cortex = 1.05 * CORTEX * patient.bone_density
    return sum(project_tube(film, tube, 0.22, cortex, 1.5 * MARROW) for tube in tubes.values())


def clavicle_mask(film: Film, tube: Tube, patient: Patient) -> np.ndarray:
    """The part of a clavicle that lies over the rib cage, as the SCR readers drew it."""
    x, y = film.grid_cm()
    cage = chest_half_width(np.maximum(y, 2.5), patient) + 2.0
    return tube_mask(film, tube) & (np.abs(x) < cage)


def midline_x(y_cm: np.ndarray, patient: Patient, z_cm: float) -> np.ndarray:
    """Where a midline structure at depth z falls: scoliosis plus the turn of the patient."""
    bend = patient.scoliosis_cm * np.sin(2 * np.pi * (np.asarray(y_cm) + 4) / 34)
    return np.float32(bend + z_cm * np.sin(np.radians(patient.rotation_deg)))


def project_spine(film: Film, patient: Patient) -> np.ndarray:
    """Vertebral bodies with end plates, pedicles, transverse and spinous processes."""
    x, y = film.grid_cm()
    from_midline = x - midline_x(y, patient, -5.5)
    size = np.clip(2.25 + 0.018 * (y + 6), 1.9, 3.2) * patient.height_scale
    level = np.cumsum(film.pixel_cm / size[:, 0])[:, None] + patient.lean_deg / 20
    phase = level % 1.0  # 0 at one disc, 1 at the next
    half_width = (1.35 + 0.021 * (y + 6)) * (1 + 0.13 * np.cos(2 * np.pi * phase))
    edge = np.clip((half_width - np.abs(from_midline)) / 0.15, 0, 1)
    body = np.clip((0.5 - np.abs(phase - 0.5)) / 0.04 - 1.6, 0, 1)
    plates = np.exp(-(((np.abs(phase - 0.5) - 0.4) / 0.035) ** 2))
    arch = np.exp(-(((np.abs(from_midline) - 1.15) / 0.32) ** 2 + ((phase - 0.35) / 0.16) ** 2))
    spinous = np.exp(-((from_midline / 0.28) ** 2 + ((phase - 0.75) / 0.17) ** 2))
    wing = np.exp(-(((phase - 0.35) / 0.14) ** 2)) * (np.abs(from_midline) < 3.0) * 0.14
    column = edge * (0.08 + 0.14 * body + 0.1 * plates) + 0.18 * arch + 0.18 * spinous + wing
    return (patient.bone_density * column).astype(np.float32)


def project_shoulder(film: Film, side: str, patient: Patient) -> np.ndarray:
    """Scapula and upper humerus; `patient.scapula_in_cm` pulls the blade over the lung."""
    sign, wide = SIDES[side], patient.width_scale
    pull = patient.scapula_in_cm
    socket = np.array([15.2 * wide - 0.3 * pull, 3.2])
    lower = np.array([13.9 * wide - pull, 12.6])
    inner = np.array([10.6 * wide - 1.2 * pull, 3.6])
    mirror = np.array([sign, 1.0])
    blade = fill_polygon(film, np.stack([socket, lower, inner]) * mirror) * np.float32(0.13)
    rods = [(socket, lower, 0.4), (lower, inner, 0.14), (inner + [0.4, 0.6], socket + [1, -2], 0.5)]
    for start, end, radius in rods:
        fraction = np.linspace(0, 1, 240)[:, None]
        flat = (start + fraction * (end - start) + 0.4 * np.sin(np.pi * fraction)) * mirror
        centre = np.concatenate([flat, np.full((240, 1), -6.0)], axis=1)
        girth = np.full(240, radius)
        blade = blade + project_tube(film, Tube(centre, girth, girth), 0.25, 0.9 * CORTEX, MARROW)
    return blade + _project_humerus(film, sign, wide)


def _project_humerus(film: Film, sign: float, wide: float) -> np.ndarray:
    x, y = film.grid_cm()
    head = blob(x, y, (sign * 18.0 * wide, 3.0), (2.5, 2.6))
    fraction = np.linspace(0, 1, 300)
    centre = np.stack(
        [sign * (18.6 * wide + 4 * fraction), 4 + 13 * fraction, 0 * fraction], axis=1
    )
    girth = np.full(300, 1.15)
    shaft = project_tube(film, Tube(centre, girth, girth), 0.3, CORTEX, MARROW)
    return 0.75 * head + 0.6 * shaft
