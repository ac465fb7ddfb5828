"""Haemorrhages of the head CT phantoms: five subtypes, each where and as it truly lies.

A bleed has a form: `lens` (epidural), `crescent`, `falx` and `tent` (subdural), `patch`
(subarachnoid: fluid in sulci and cisterns turns to blood), `level` and `cast` (intraventricular),
`clot` (intraparenchymal).
"""

from dataclasses import dataclass

import numpy as np

from radiokit.phantoms.skull import CENTRE_MM, HALF_MM

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
FORMS = {
    "lens": 1,
    "clot": 2,
    "level": 3,
    "cast": 3,
    "patch": 4,
    "crescent": 5,
    "falx": 5,
    "tent": 5,
}  # form → value in the label map, the place in `SUBTYPES` counted from 1
SUTURES_MM = (-30.0, 58.0)  # coronal and lambdoid, where an epidural stops, along y


@dataclass(frozen=True)
class Bleed:
    """One haemorrhage in the head's frame; lengths in mm."""

    form: str
    side: int  # -1 the patient's right, 1 left, 0 both
    centre: tuple[float, float, float]
    half: tuple[float, float, float]  # of a lens: along the skull, along it, into the brain
    hu: float
    layered_hu: float = 0.0  # how much denser its dependent part is
    oedema: float = 0.0
    seed: int = 0


def _fresh_hu(rng: np.random.Generator) -> float:
    """Clotted blood; in one of ten it is still fluid or thin, hardly denser than the brain."""
    return rng.uniform(40, 50) if rng.random() < 0.1 else rng.normal(63, 5)


def _bleed(rng, form, side, centre, half, hu=None, layered_hu=0.0, oedema=0.0) -> Bleed:
    hu = _fresh_hu(rng) if hu is None else hu
    numbers = (tuple(float(v) for v in values) for values in (centre, half))
    seed = int(rng.integers(2**31))
    return Bleed(form, side, *numbers, float(hu), float(layered_hu), float(oedema), seed)


KINDS = {  # what bleeds together, and how often: so many of their sum
    "epidural": 2,
    "acute_subdural": 2,
    "old_subdural": 1,
    "aneurysm": 2,
    "trauma": 2,
    "deep": 4,
    "lobar": 1,
    "small": 2,
}


def draw_bleeds(kind: str, rng: np.random.Generator) -> tuple[Bleed, ...]:
    """The haemorrhages of one exam.

    Args:
        kind: one of `KINDS`, or "none".
        rng: of everything drawn.
    """
    side = int(rng.choice([-1, 1]))
    return () if kind == "none" else tuple(DRAWN[kind](rng, side))


def surface_mm(side: int, y_mm: float, z_mm: float) -> np.ndarray:
    """Where the inner table lies beside a point on the midplane, about."""
    v, w = (y_mm - CENTRE_MM[1]) / HALF_MM[1], (z_mm - CENTRE_MM[2]) / HALF_MM[2]
    return np.array([side * HALF_MM[0] * np.sqrt(max(0.04, 1 - v * v - w * w)), y_mm, z_mm])


def _epidural(rng, side) -> list[Bleed]:
    found = [_lens(rng, side)]
    if rng.random() < 0.4:
        found += [_sulcal(rng, -side), *_contusions(rng, -side)]
    return found


def _lens(rng, side) -> Bleed:
    y = rng.choice([rng.uniform(-15, 45), rng.uniform(-15, 45), rng.uniform(-58, -42)])
    centre = surface_mm(side, y, rng.uniform(0, 40))
    wide, deep = rng.uniform(18, 36), rng.uniform(6, 22)
    return _bleed(rng, "lens", side, centre, (wide, wide * rng.uniform(0.8, 1.1), deep))


def _acute_subdural(rng, side) -> list[Bleed]:
    found = [_crescent(rng, side, rng.normal(62, 6))]
    if rng.random() < 0.35:
        found.append(_falcine(rng, side))
    return found


def _old_subdural(rng, side) -> list[Bleed]:
    """Darker than the brain or as dense; fresh blood may lie at its bottom; some on both sides."""
    sides = [side] if rng.random() < 0.65 else [side, -side]
    return [
        _crescent(
            rng,
            side,
            rng.choice([rng.uniform(9, 22), rng.uniform(30, 42)]),
            rng.choice([0.0, rng.uniform(15, 40)]),
        )
        for side in sides
    ]


def _crescent(rng, side, hu, layered_hu=0.0) -> Bleed:
    centre = (side * 60, rng.uniform(-15, 25), rng.uniform(15, 40))
    half = (rng.uniform(50, 95), rng.uniform(24, 48), rng.uniform(3.5, 15))
    return _bleed(rng, "crescent", side, centre, half, hu, layered_hu)


def _falcine(rng, side) -> Bleed:
    if rng.random() < 0.4:
        return _bleed(rng, "tent", side, (side * 25, 45, 0), (30, 35, rng.uniform(1.8, 4)))
    centre = (side * 2, rng.choice([rng.uniform(-60, -30), rng.uniform(40, 75)]), 35)
    return _bleed(rng, "falx", side, centre, (rng.uniform(25, 50), 30, rng.uniform(2, 5)))


def _sulcal(rng, side) -> Bleed:
    centre = surface_mm(side, rng.uniform(-45, 55), rng.uniform(5, 55)) * 0.94
    reach = rng.uniform(12, 30)
    return _bleed(rng, "patch", side, centre, (reach, reach, reach), rng.normal(60, 5))


def _aneurysm(rng, side) -> list[Bleed]:
    reach = rng.uniform(28, 58)
    centre = rng.normal([side * rng.uniform(0, 16), -12, -10], 4)
    found = [_bleed(rng, "patch", 0, centre, (reach, reach, 0.8 * reach), rng.normal(60, 5))]
    if rng.random() < 0.6:
        found.append(_level(rng, 0))
    if rng.random() < 0.25:
        half = np.full(3, rng.uniform(6, 14))
        found.append(_bleed(rng, "clot", side, (side * 12, -42, 0), half, oedema=3))
    return found


def _level(rng, side) -> Bleed:
    return _bleed(rng, "level", side, (0, 0, 0), (0, 0, rng.uniform(2, 14)), rng.normal(58, 5))


def _cast(rng, side, centre) -> Bleed:
    reach = rng.uniform(32, 80)
    return _bleed(rng, "cast", side, centre, (reach, reach, reach), rng.normal(64, 5))


def _contusions(rng, side) -> list[Bleed]:
    places = [(24, -58, -1), (16, -64, 8), (44, -24, -20), (52, -12, -12), (52, 10, 2)]
    found = []
    for index in rng.permutation(len(places))[: int(rng.integers(1, 4))]:
        centre = rng.normal(np.array(places[index]) * [side, 1, 1], 4)
        half = rng.uniform(3, 12) * rng.uniform(0.7, 1.3, 3)
        found.append(_bleed(rng, "clot", side, centre, half, rng.normal(58, 6), 0, 4))
    return found


def _trauma(rng, side) -> list[Bleed]:
    found = [_sulcal(rng, int(rng.choice([-1, 1]))) for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.6:
        found += _contusions(rng, side)
    if rng.random() < 0.6:
        found += _acute_subdural(rng, side)
    if rng.random() < 0.3:
        found.append(_level(rng, 0))
    return found


DEEP_MM = {  # centre, least and largest radius, how often it breaks into a ventricle
    "putamen": ((27, -4, 6), 7, 24, 0.45),
    "thalamus": ((13, 8, 8), 5, 15, 0.75),
    "cerebellum": ((22, 54, -30), 7, 20, 0.5),
    "pons": ((3, 15, -28), 4, 11, 0.4),
}


def _deep(rng, side) -> list[Bleed]:
    place = str(rng.choice(list(DEEP_MM), p=[0.4, 0.35, 0.15, 0.1]))
    centre, low, high, breaks = DEEP_MM[place]
    radius = np.exp(rng.uniform(np.log(low), np.log(high)))
    centre = rng.normal(np.array(centre) * [side, 1, 1], 2)
    half = radius * np.array([0.85, 1.25, 1.0]) * rng.uniform(0.85, 1.15, 3)
    found = [_bleed(rng, "clot", side, centre, half, oedema=rng.uniform(1, 6))]
    if rng.random() < breaks:
        below = place in ("cerebellum", "pons")
        if rng.random() < 0.6:
            found.append(_cast(rng, side, (0, 40, -26) if below else (side * 9, 0, 15)))
        if len(found) == 1 or rng.random() < 0.6:
            found.append(_level(rng, 0))
    return found


def _lobar(rng, side) -> list[Bleed]:
    found = [_lobar_clot(rng, side, rng.uniform(8, 24))]
    if rng.random() < 0.3:
        found.append(_sulcal(rng, side))
    return found


def _lobar_clot(rng, side, radius) -> Bleed:
    y, z = rng.uniform(-50, 62), rng.uniform(0, 45)
    centre = surface_mm(side, y, z) * [rng.uniform(0.5, 0.72), 0.9, 0.9]
    half = radius * rng.uniform(0.7, 1.3, 3)
    return _bleed(rng, "clot", side, centre, half, oedema=rng.uniform(1, 8))


def _small(rng, side) -> list[Bleed]:
    choice = rng.integers(5)
    if choice == 0:
        return [_lobar_clot(rng, side, rng.uniform(2, 4.5)) for _ in range(int(rng.integers(1, 4)))]
    if choice == 1:
        half = (rng.uniform(20, 45), rng.uniform(15, 30), rng.uniform(2.2, 3.8))
        return [_bleed(rng, "crescent", side, (side * 60, rng.uniform(-20, 30), 25), half)]
    if choice == 2:
        return [_falcine(rng, side)]
    if choice == 3:
        return [_level(rng, int(rng.choice([-1, 0, 1])))]
    return [_sulcal(rng, side)]


DRAWN = {
    "epidural": _epidural,
    "acute_subdural": _acute_subdural,
    "old_subdural": _old_subdural,
    "aneurysm": _aneurysm,
    "trauma": _trauma,
    "deep": _deep,
    "lobar": _lobar,
    "small": _small,
}
