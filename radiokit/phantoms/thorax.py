"""The chest phantom's anatomy: a patient drawn at random → X-ray attenuation and true masks.

Every structure is a simple 3-D shape. Rays run parallel from back to front (a PA film), and what
reaches a pixel is `exp(-attenuation)`: the film's own doing (scatter, contrast, noise, markers) is
in `radiokit.phantoms.film`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from radiokit.phantoms import skeleton
from radiokit.phantoms.lungs import project_disease, project_vessels
from radiokit.phantoms.patient import Patient
from radiokit.phantoms.projection import Film, blob, smooth_noise, tube_mask

WATER = 0.19  # attenuation at about 70 keV, 1/cm

# The heart's borders from the great vessels (0) to the diaphragm (1), as parts of their furthest.
HEART_DOWN = np.linspace(0, 1, 60)
_KNOTS = [0, 0.1, 0.25, 0.45, 0.65, 0.8, 0.92, 0.97, 1.0]
HEART_LEFT = PchipInterpolator(_KNOTS, [0.2, 0.4, 0.52, 0.75, 0.94, 1, 0.88, 0.72, 0.4])(HEART_DOWN)
HEART_RIGHT = PchipInterpolator(_KNOTS, [0.3, 0.5, 0.75, 0.97, 1, 0.92, 0.7, 0.5, 0.1])(HEART_DOWN)


@dataclass(frozen=True)
class Thorax:
    """What the phantom knows about a film: attenuation (rows, columns) and its structures."""

    attenuation: np.ndarray
    masks: dict[str, np.ndarray]  # structure name → bool (rows, columns)


def render_thorax(patient: Patient, film: Film, rng: np.random.Generator) -> Thorax:
    """Attenuation of the whole chest on the film, and the masks of its structures.

    Args:
        patient: who; from `draw_patient`.
        film: the pixel grid.
        rng: for what is not written down in the patient: vessels, wobble of ribs, texture.

    Returns:
        Masks `left_lung`, `right_lung` (lung behind the heart and below the domes left out, pleural
        fluid left out, consolidation kept), `heart` (whole), `left_clavicle`, `right_clavicle` (the
        part over the rib cage), and `R1`..`L10`, ribs from the spine to their front ends.
    """
    ribs, clavicles = _draw_bones(patient, rng)
    bones = _project_bones(film, ribs, clavicles, patient)
    chest = _Chest(patient, film, rng)
    masks = chest.masks()
    for side, tube in clavicles.items():
        masks[f"{side}_clavicle"] = skeleton.clavicle_mask(film, tube, patient)
    masks |= {name: tube_mask(film, tube) for name, tube in ribs.items()}
    soft = chest.soft_tissue()
    return Thorax(cv2.GaussianBlur(soft + bones, (0, 0), 0.07 / film.pixel_cm), masks)


def _draw_bones(patient: Patient, rng: np.random.Generator) -> tuple[dict, dict]:
    ribs = {}
    for name in skeleton.RIB_NAMES:
        side = "right" if name[0] == "R" else "left"
        ribs[name] = skeleton.rib_tube(int(name[1:]), side, patient, rng.standard_normal(4))
    clavicles = {
        side: skeleton.clavicle_tube(side, patient, rng.standard_normal(4))
        for side in skeleton.SIDES
    }
    return ribs, clavicles


def _project_bones(film: Film, ribs: dict, clavicles: dict, patient: Patient) -> np.ndarray:
    bones = skeleton.project_ribs(film, ribs, patient)
    bones += skeleton.project_clavicles(film, clavicles, patient)
    bones += skeleton.project_spine(film, patient)
    for side in skeleton.SIDES:
        bones += skeleton.project_shoulder(film, side, patient)
    return bones


class _Chest:
    """Soft tissue of one patient, computed once and shared between attenuation and masks."""

    def __init__(self, patient: Patient, film: Film, rng: np.random.Generator):
        self.patient, self.film, self.rng = patient, film, rng
        self.x, self.y = film.grid_cm()
        self.half_width = skeleton.chest_half_width(self.y, patient)
        self.heart = self._heart_thickness()
        self.knob = blob(
            self.x,
            self.y,
            (1.5 + skeleton.midline_x(np.array(5.8), patient, 0.0), 6.2 * patient.height_scale),
            (patient.knob_cm + 0.2, patient.knob_cm + 0.7),
        )
        self.ripple = {side: smooth_noise(rng, (film.shape[0], 2), 60)[:, :1] for side in (1, -1)}
        self.lung = {side: self._lung_inside(side) for side in (1, -1)}
        self.fluid = self._effusion()

    # -- outlines ------------------------------------------------------------------------------

    def _dome_y(self, side: int) -> np.ndarray:
        """Height of the top of the diaphragm above every column: right dome higher than left."""
        crest = self.patient.dome_y_cm + (self.patient.dome_step_cm if side > 0 else 0.0)
        reach = 13.4 * self.patient.width_scale
        away = (side * self.x - 0.47 * reach) / (0.53 * reach)
        return (
            crest + 3.4 * np.clip(away, 0, None) ** 2.2 + 1.2 * np.clip(-away, 0, None) ** 2
        ) * self.patient.height_scale

    def _mediastinum_x(self, side: int) -> np.ndarray:
        """Inner border of a lung at every row: vessels above, oesophagus and spine below."""
        y = self.y / self.patient.height_scale
        hilum = 0.5 * np.exp(-(((y - (8.6 if side > 0 else 9.6)) / 2.0) ** 2))
        upper = 0.35 * np.exp(-((np.clip(y, 0, None) / 3.0) ** 2))
        lower = (0.3 if side > 0 else 0.9) * np.clip((y - 11.0) / 3.0, 0, 1)
        border = 2.15 + upper - lower + hilum + 0.12 * self.ripple[side]
        return border + side * skeleton.midline_x(self.y, self.patient, -1.0)

    def _heart_thickness(self) -> np.ndarray:
        """0..1: narrow at the great vessels, bulging left, as wide as the ratio asks for."""
        patient = self.patient
        top = 9.0 * patient.height_scale
        bottom = (patient.dome_y_cm + 0.7 * patient.dome_step_cm + 0.8) * patient.height_scale
        chest = skeleton.chest_half_width(np.array(patient.dome_y_cm - 1), patient)
        width = patient.cardiothoracic_ratio * 2 * float(chest)
        shift = skeleton.midline_x(np.array(16.0), patient, 3.0)
        x = self.x - shift
        down = (
            self.y - float(np.tan(np.radians(patient.heart_turn_deg))) * (x - 0.2 * width) - top
        ) / (bottom - top)
        left = width * patient.heart_left_share * _look_up(down, HEART_LEFT)
        right = width * (1 - patient.heart_left_share) * _look_up(down, HEART_RIGHT)
        across = (x - (left - right) / 2) / np.maximum((left + right) / 2, 0.05)
        inside = np.clip(1 - across**2, 0, None) * (down > 0) * (down < 1)
        return np.sqrt(inside) * np.sqrt(np.clip(2.2 * down, 0.25, 1))

    def _lung_inside(self, side: int) -> np.ndarray:
        """Thickness of the chest cavity, cm, between rib cage and mediastinum, above the dome."""
        x, patient = side * self.x, self.patient
        outer = self.half_width - 0.1 + 0.08 * self.ripple[side]
        inner = self._mediastinum_x(side)
        apex = np.exp(-((np.clip(self.y, 0, None) / 3.0) ** 2))
        left_end = apex * (inner + 0.2) - (1 - apex) * outer
        middle, half = (outer + left_end) / 2, (outer - left_end) / 2
        top = 0.2 + 0.2 * self.ripple[side][:1]
        rise = np.sqrt(
            np.clip((self.y - top) / 7.0, 0, 1) * (2 - np.clip((self.y - top) / 7, 0, 1))
        )
        half = np.maximum(half * np.clip(2.6 * rise, 0, 1), 0.01)
        chord = np.sqrt(np.clip(1 - ((x - middle) / half) ** 2, 0, None))
        hidden = np.clip((self.y - 10.0) / 5.0, 0, 1)  # lung reaches in behind the heart
        edge = np.clip((x - inner) / (0.25 + 2.4 * hidden) + 0.5, 0, 1)
        share = (0.24 + 0.26 * hidden) * (x > 0)
        return 17.0 * patient.depth_scale * rise * chord * (edge + (1 - edge) * share)

    def _effusion(self) -> np.ndarray:
        """True where fluid fills the costophrenic angle, climbing along the chest wall."""
        if self.patient.finding != "effusion":
            return np.zeros(self.film.shape, bool)
        side = 1 if self.rng.random() < 0.5 else -1
        level = (self.patient.dome_y_cm + self.rng.uniform(-4.0, 1.0)) * self.patient.height_scale
        wall = np.clip(self.half_width - side * self.x, 0, None)
        return (side * self.x > 0) & (self.y > level - 5.0 * np.exp(-wall / 1.6) + 0.15 * wall)

    # -- products ------------------------------------------------------------------------------

    def masks(self) -> dict[str, np.ndarray]:
        """Lungs (heart, aorta, fluid and what lies below the domes left out) and heart."""
        masks = {"heart": self.heart > 0}
        solid = masks["heart"] | (self.knob > 0) | self.fluid
        for name, side in (("left_lung", 1), ("right_lung", -1)):
            beside = side * self.x > self._mediastinum_x(side)
            above = self.y < self._dome_y(side)
            masks[name] = _largest_part((self.lung[side] > 0.5) & beside & above & ~solid)
        return masks

    def soft_tissue(self) -> np.ndarray:
        """Attenuation of everything but bone."""
        air = self._lung_air()
        inside = np.clip(air / 4.0, 0, 1)
        vessels = project_vessels(self.film, self.patient, self.rng) * inside
        texture = 1 + 0.035 * smooth_noise(self.rng, self.film.shape, 0.25 / self.film.pixel_cm)
        texture += 0.03 * smooth_noise(self.rng, self.film.shape, 1.0 / self.film.pixel_cm)
        opacity = np.clip(project_disease(self.film, self.patient, self.rng), 0, 0.95)
        air = air * texture * (1 - opacity) * self.patient.aeration + self._other_air()
        return WATER * (self._body() - air + vessels) + 0.05 * (self.heart > 0.1) * self.heart

    def _lung_air(self) -> np.ndarray:
        """Thickness of lung above every pixel, cm, with heart, aorta, fluid and liver taken out."""
        total, resting = 0.0, 1.0
        for side in (1, -1):
            below = np.clip(self.y - self._dome_y(side), 0, None) / 5.5
            share = np.clip(1 - 0.45 * (below > 0) - np.sqrt(below), 0, 1)
            total = total + self.lung[side] * share
            resting = resting * np.clip(1 - 2 * below * (side * self.x > 0), 0, 1)
        low = np.minimum(self._dome_y(1), self._dome_y(-1))
        behind = np.clip((low - self.y) / 0.8 + 1, 0, 1)
        total = total * np.maximum(behind, np.abs(self.x) > 4.0)
        total = total * (1 - 0.80 * self.heart * resting)
        return total * (1 - 0.45 * self.knob) * (1 - 0.9 * self.fluid.astype(np.float32))

    def _body(self) -> np.ndarray:
        """Thickness of the trunk, neck, shoulders and breasts, cm."""
        patient, x, y = self.patient, self.x, self.y
        out = np.abs(x)
        flank = self.half_width + 2.3 + 0.9 * patient.fat_cm
        shoulder = 21.5 * patient.width_scale + 0.6 * patient.fat_cm
        share = np.clip((10.5 - y) / 6.0, 0, 1)  # shoulders above, flanks below the armpit
        wide = flank + (shoulder - flank) * share**2 * (3 - 2 * share)
        slope = -5.0 + 0.30 * np.clip(out - 5.0, 0, None) - 0.5 * patient.fat_cm
        thin, thick = (np.clip((y - slope) / depth, 0, 1) for depth in (4.0, 13.0))
        trunk = 13.0 * np.sqrt(thin * (2 - thin)) + (7.5 + 1.6 * patient.fat_cm) * np.sqrt(thick)
        trunk = patient.depth_scale * trunk * np.clip(1 - (out / wide) ** 7, 0, None) ** 0.5
        neck = 14.0 * np.sqrt(np.clip(1 - (x / (5.6 + 0.6 * patient.fat_cm)) ** 2, 0, None))
        along = np.clip((y - 3.0) / 14.0, 0, 1)
        arm = (19.5 * patient.width_scale + 5.0 * along - out) / (4.4 + 0.5 * patient.fat_cm)
        arm = 9.0 * np.sqrt(np.clip(1 - arm**2, 0, None)) * np.clip((y - 1.5) / 3, 0, 1)
        body = np.maximum(np.maximum(trunk, neck * (y < 6)), arm)
        muscle = smooth_noise(self.rng, self.film.shape, 3.0 / self.film.pixel_cm)
        muscle += 0.5 * smooth_noise(self.rng, self.film.shape, 0.9 / self.film.pixel_cm)
        return body * (1 + 0.018 * muscle) + self._breasts()

    def _breasts(self) -> np.ndarray:
        size = self.patient.breast_cm
        if size == 0:
            return np.zeros(self.film.shape, np.float32)
        total = 0.0
        for side in (1, -1):
            centre = (side * 7.6 * self.patient.width_scale, 17.0 + 0.3 * size)
            above = np.where(self.y < centre[1], 6.5, 4.2)
            total = total + size * blob(self.x, self.y, centre, (5.8, above))
        return total

    def _other_air(self) -> np.ndarray:
        """Trachea, main bronchi, gas in the stomach and at times in the bowel, cm."""
        x, y, patient = self.x, self.y, self.patient
        carina = 8.3 * patient.height_scale
        middle = skeleton.midline_x(y, patient, 1.0) - 0.12 * np.clip(y, 0, None) / 4
        air = 2.4 * np.sqrt(np.clip(1 - ((x - middle) / 0.9) ** 2, 0, None)) * (y < carina)
        for steep, radius in ((0.55, 0.55), (-0.85, 0.65)):
            centre = middle + (y - carina + 0.8) / steep * 0.75
            branch = np.sqrt(np.clip(1 - ((x - centre) / radius / 1.3) ** 2, 0, None))
            air = air + 1.5 * branch * (y > carina - 0.6) * (y < carina + 2.2)
        return air + self._stomach_gas()

    def _stomach_gas(self) -> np.ndarray:
        rng, patient = self.rng, self.patient
        top = (patient.dome_y_cm + patient.dome_step_cm) * patient.height_scale
        gas = np.zeros(self.film.shape, np.float32)
        size = rng.uniform(1.2, 3.4)
        centre = (rng.uniform(4.5, 8.5), top + size * 0.62 + rng.uniform(0.7, 1.4))
        bubble = blob(self.x, self.y, centre, (1.35 * size, 0.62 * size))
        gas += 1.5 * size * bubble * (self.y < centre[1] + rng.uniform(0.0, 1.0) * size)
        for _ in range(int(rng.integers(0, 5))):  # the left bend of the colon
            place = (rng.uniform(5, 12), top + rng.uniform(2.5, 6.5))
            gas += 2.5 * blob(self.x, self.y, place, rng.uniform(0.6, 1.5, 2))
        return gas * (self.y > self._dome_y(1) + 0.35)


def _largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask: no crumbs where heart and diaphragm meet."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _look_up(down: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Value of a border curve at `down` (0..1, clipped), as float32."""
    index = np.clip(down * (len(border) - 1), 0, len(border) - 1)
    return (
        np.interp(index.ravel(), np.arange(len(border)), border)
        .astype(np.float32)
        .reshape(down.shape)
    )
