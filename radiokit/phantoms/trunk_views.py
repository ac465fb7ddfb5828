"""The trunk on body part phantoms: chest, abdomen, pelvis, a baby whole, and what is rare."""

from dataclasses import replace

import numpy as np

from radiokit.phantoms import bowel
from radiokit.phantoms.bodypart_views import Build, View
from radiokit.phantoms.bones import METAL, SOFT
from radiokit.phantoms.other_views import OTHER_VIEWS
from radiokit.phantoms.projection import Film, blob, smooth_noise
from radiokit.phantoms.torso_front import project_trunk
from radiokit.phantoms.torso_shapes import MIRROR, develop, facing, moved, pillow, pose, stroke
from radiokit.phantoms.torso_side import lay_side, project_trunk_side

_BREAST = [(2.4, -22), (6, -26), (11, -25), (13.4, -20), (12, -17), (8, -16), (3.6, -17.6)]
_PACEMAKER = [(7, -34), (11, -34), (11.4, -31), (9, -29.6), (6.8, -31)]
_LEAD = [(8, -33), (3, -36), (-2.4, -32), (-3, -22), (4, -17)]
_TUBE = [(0.6, -52), (0.3, -38), (0.4, -24), (2, -16), (6, -11)]
_CUP = [(6.4, 20.6), (7.4, 18.2), (9.6, 17.8), (11.4, 19.6), (9, 23)]
_STEM = [(9, 21), (12, 24), (13.6, 26), (13, 40), (12.6, 40), (11.6, 28)]

# -- chest ---------------------------------------------------------------------------------------


def _draw_chest_frontal(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, 0, -25), build, rng)
    hard_rays = replace(build, density=0.7 * build.density)  # they pass bone more easily
    gas, lost_air = bowel.stomach_gas(film, rng), _disease(film, rng)
    attenuation = project_trunk(film, hard_rays, rng, gas, rng.uniform(0.3, 1), lost_air)
    return develop(film, attenuation + _breasts(film, rng) + _pacemaker(film, rng))


def _breasts(film, rng):
    size = rng.uniform(0.8, 3) if rng.random() < 0.5 else 0.0
    half = np.array(_BREAST)
    return SOFT * sum(pillow(film, half * side, size, 4) for side in (np.ones(2), MIRROR))


def _disease(film, rng):
    """0..1: fluid in an angle or a cloud of pneumonia on some films."""
    side, kind = rng.choice((-1, 1)), rng.random()
    if kind < 0.1:
        level = rng.uniform(-21, -15)
        top = [(14, level - 5), (12.6, level - 1), (8, level + 1), (3, level + 0.6)]
        return 0.95 * pillow(film, np.array([*top, (3, -11), (14, -10)]) * (side, 1), 1, 1.2)
    if kind < 0.22:
        x, y = film.grid_cm()
        place = (side * rng.uniform(5, 10), rng.uniform(-33, -18))
        cloud = np.clip(1 + 0.5 * smooth_noise(rng, film.shape, 7), 0, 2)
        return np.clip(0.6 * cloud * blob(x, y, place, rng.uniform(2, 4.5, 2)) ** 1.5, 0, 0.9)
    return 0.0


def _pacemaker(film, rng):
    if rng.random() > 0.05:
        return 0.0
    case = pillow(film, _PACEMAKER, 1, 0.3)
    lead = stroke(film, _LEAD, 0.25)
    return 0.35 * METAL * np.maximum(case, 0.6 * lead)


def _draw_ribs(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """One side of the rib cage, exposed for bone."""
    film = pose(moved(film, rng.choice((-7.5, 7.5)), -23), build, rng)
    dense = replace(build, density=1.25 * build.density)
    return develop(film, project_trunk(film, dense, rng, 0, rng.uniform(0.3, 1)))


def _draw_chest_of_child(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A child of two to ten: small, with soft bones."""
    film = pose(moved(film, 0, -25, rng.uniform(0.5, 0.68)), build, rng)
    child = replace(build, density=0.55 * build.density, fat_cm=0.4 * build.fat_cm)
    gas, lost_air = bowel.stomach_gas(film, rng), _disease(film, rng)
    return develop(film, 0.6 * project_trunk(film, child, rng, gas, 0.6, lost_air))


def _draw_chest_lateral(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, -3.5, -24.5), build, rng)
    hard_rays = replace(build, density=0.7 * build.density)
    attenuation = project_trunk_side(film, hard_rays, rng, lay_side(build, rng))
    return develop(film, facing(attenuation, rng))


# -- abdomen -------------------------------------------------------------------------------------


def _draw_abdomen_supine(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, 0, 5), build, rng)
    gas = bowel.colon_gas(film, rng, rng.uniform(0.3, 0.8)) + bowel.stomach_gas(film, rng)
    gas = np.maximum(gas, bowel.loop_gas(film, rng, int(rng.integers(2, 8)), rng.uniform(0.8, 1.5)))
    return develop(film, project_trunk(film, build, rng, gas, rng.uniform(0, 0.5)))


def _draw_abdomen_upright(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    film = pose(moved(film, 0, -2), build, rng)
    gas = bowel.fluid_levels(film, rng, int(rng.integers(5, 12))) + bowel.stomach_gas(film, rng)
    gas = np.maximum(gas, bowel.colon_gas(film, rng, 0.25))
    if rng.random() < 0.2:  # free air below the right dome: a bowel has burst
        gas += 3 * stroke(film, [(-11, -15.6), (-7.4, -17.4), (-4, -16.6)], 0.9)
    return develop(film, project_trunk(film, build, rng, gas, rng.uniform(0.2, 0.7)))


def _draw_babygram(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    """A newborn from chin to thighs, soft bones, the bowel full of gas, often a tube."""
    film = pose(moved(film, 0, -10, 0.33), replace(build, scale=0.5 + 0.5 * build.scale), rng)
    baby = replace(build, density=0.55 * build.density, fat_cm=0.7 + 0.3 * build.fat_cm)
    gas = np.maximum(bowel.colon_gas(film, rng, 0.7), bowel.loop_gas(film, rng, 14, 1.5))
    attenuation = project_trunk(film, baby, rng, gas + bowel.stomach_gas(film, rng), 0.4)
    attenuation = 0.4 * attenuation
    if rng.random() < 0.6:
        tube = _TUBE
        attenuation += 0.3 * stroke(film, tube, 0.6)
    return develop(film, attenuation)


# -- pelvis --------------------------------------------------------------------------------------


def _draw_pelvis_and_hips(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _pelvis_film(film, build, rng, 19.5)


def _draw_pelvis_close(film: Film, build: Build, rng: np.random.Generator) -> np.ndarray:
    return _pelvis_film(film, build, rng, 16.5)


def _pelvis_film(film, build, rng, y_cm):
    film = pose(moved(film, 0, y_cm), build, rng)
    gas = bowel.colon_gas(film, rng, rng.uniform(0, 0.3))
    attenuation = project_trunk(film, build, rng, gas)
    return develop(film, attenuation + _new_hip(film, rng))


def _new_hip(film, rng):
    """A hip of metal on a few films: cup, ball and stem."""
    if rng.random() > 0.07:
        return 0.0
    side = np.array([rng.choice((-1.0, 1.0)), 1.0])
    cup = pillow(film, np.array(_CUP) * side, 1, 0.4)
    stem = pillow(film, np.array(_STEM) * side, 1, 0.5)
    return 0.5 * METAL * np.maximum(cup, stem)


TRUNK_VIEWS = (
    View(("Chest",), "Frontal", (36, 37), False, _draw_chest_frontal),
    View(("Chest",), "Frontal", (22, 22), False, _draw_chest_of_child),
    View(("Chest",), "Frontal", (34, 22), False, _draw_ribs),
    View(("Chest",), "Lateral", (38, 32), False, _draw_chest_lateral),
    View(("Abdomen",), "Frontal", (43, 35), False, _draw_abdomen_supine),
    View(("Abdomen",), "Frontal", (43, 36), False, _draw_abdomen_upright),
    View(("Chest", "Abdomen"), "Frontal", (30, 18), False, _draw_babygram),
    View(("Pelvis", "Hip"), "Frontal", (35, 43), False, _draw_pelvis_and_hips),
    View(("Pelvis",), "Frontal", (24, 26), False, _draw_pelvis_close),
    *OTHER_VIEWS,
)
