"""The heart of the cardiac phantoms: drawn at random, malformed at times, and its contraction.

Lengths are those of an adult; `scale` makes a child of it. Two frames, both in mm from the middle
of the mitral valve: the body's (x to the right, y to the front, z up) and the heart's, in which
u runs from the left ventricle through the septum to the right one, v down along the septum and w
from the valves to the apex. `radiokit.phantoms.chambers` turns a heart into voxels.
"""

from dataclasses import dataclass, replace

import numpy as np

MALFORMATIONS = (
    "none",
    "atrial_defect",
    "ventricular_defect",
    "overriding_aorta",
    "transposition",
    "large_right_ventricle",
)
# Of ACDC's groups: left ventricle's radius, length, wall and excess of the septum, and the right
# one's reach (adult mm); least and largest ejection fraction of the left and the right ventricle.
GROUPS = {
    "NOR": ((25.0, 84.0, 8.5, 0.0, 31.0), (0.55, 0.70), (0.42, 0.55)),
    "MINF": ((28.5, 88.0, 8.5, 0.0, 31.0), (0.20, 0.40), (0.30, 0.45)),
    "DCM": ((32.5, 93.0, 8.5, 0.0, 33.0), (0.15, 0.35), (0.05, 0.25)),
    "HCM": ((23.5, 80.0, 14.0, 3.0, 29.0), (0.65, 0.80), (0.42, 0.55)),
    "RV": ((24.0, 82.0, 8.5, 0.0, 44.0), (0.55, 0.70), (0.0, 0.15)),
}
VALVES_SHARE, APEX_WALL = 0.22, 0.6  # of the cavity's length, of the wall's thickness


@dataclass(frozen=True)
class Heart:
    """One heart in one phase; lengths in adult mm."""

    axes: np.ndarray  # (3, 3): rows u, v, w in the body's frame
    scale: float
    malformation: str
    cavity_radius: float  # of the left ventricle, half its width
    cavity_length: float  # valves to apex
    wall: float
    septum_shift: float  # how much thicker the septum is than the mean wall
    valves_w: float  # how far the valves have come down: 0 in diastole
    right_reach: float  # from the septum to the right ventricle's free wall
    right_wall: float
    atria: float  # size, 1 is usual
    vessels: float  # width, 1 is usual
    pulmonary: float  # width of the pulmonary trunk beside that of the other vessels
    defect_radius: float
    defect_place: tuple[float, float]  # v and w in the septum
    papillary: float  # radius of the papillary muscles; 0 leaves them out


def draw_heart(rng: np.random.Generator, malformation: str | None = None) -> Heart:
    """A child's heart in diastole, for contrast-free 3-D imaging.

    Args:
        rng: of everything that differs between patients.
        malformation: one of `MALFORMATIONS`; None draws it.

    Raises:
        ValueError: no such malformation.
    """
    if malformation is None:
        malformation = str(rng.choice(MALFORMATIONS))
    if malformation not in MALFORMATIONS:
        raise ValueError(f"No malformation {malformation!r}; one of {', '.join(MALFORMATIONS)}.")
    heart = Heart(
        axes=draw_axes(rng),
        scale=rng.uniform(0.52, 0.74),
        malformation=malformation,
        cavity_radius=rng.normal(24.0, 1.6),
        cavity_length=rng.normal(78.0, 3.0),
        wall=rng.normal(10.0, 0.8),
        septum_shift=rng.normal(0.3, 0.4),
        valves_w=0.0,
        right_reach=rng.normal(29.0, 2.5),
        right_wall=rng.uniform(3.6, 4.6),
        atria=rng.normal(1.0, 0.05),
        vessels=rng.normal(1.0, 0.05),
        pulmonary=rng.normal(1.0, 0.06),
        defect_radius=rng.uniform(4.5, 7.5),
        defect_place=(rng.uniform(-10, 12), rng.uniform(10, 28)),
        papillary=rng.choice([0.0, 1.0]) * rng.uniform(3.5, 5.0),
    )
    return _malform(heart, rng)


def draw_adult_heart(rng: np.random.Generator, group: str) -> Heart:
    """An adult's heart in diastole, as usual in one of the `GROUPS` of ACDC."""
    (radius, length, wall, shift, reach), _, _ = GROUPS[group]
    return Heart(
        axes=draw_axes(rng),
        scale=rng.uniform(0.93, 1.06),
        malformation="none",
        cavity_radius=radius * rng.normal(1, 0.035),
        cavity_length=length * rng.normal(1, 0.025),
        wall=wall * rng.normal(1, 0.05),
        septum_shift=shift,
        valves_w=0.0,
        right_reach=reach * rng.normal(1, 0.05),
        right_wall=rng.uniform(3.0, 4.0),
        atria=rng.normal(1.0, 0.05),
        vessels=rng.normal(1.0, 0.05),
        pulmonary=1.0,
        defect_radius=0.0,
        defect_place=(0.0, 0.0),
        papillary=rng.uniform(4.0, 5.5),
    )


def draw_axes(rng: np.random.Generator) -> np.ndarray:
    """The heart's frame: apex to the left, front and below; septum facing right and front."""
    apex = np.array([-0.62, 0.56, -0.55]) + rng.normal(0, 0.07, 3)
    apex /= np.linalg.norm(apex)
    septum = np.array([0.68, 0.72, 0.03]) + rng.normal(0, 0.07, 3)
    septum -= (septum @ apex) * apex
    septum /= np.linalg.norm(septum)
    return np.stack([septum, np.cross(apex, septum), apex])


def _malform(heart: Heart, rng: np.random.Generator) -> Heart:
    if heart.malformation == "overriding_aorta":  # with the rest of Fallot's tetralogy
        changes = {
            "right_wall": rng.uniform(6.0, 8.0),
            "pulmonary": rng.uniform(0.6, 0.8),
            "defect_place": (-12.0, 9.0),
            "defect_radius": rng.uniform(7.0, 9.0),
        }
    elif heart.malformation == "transposition":
        changes = {"right_wall": rng.uniform(5.5, 7.5), "wall": heart.wall * 0.85}
    elif heart.malformation == "large_right_ventricle":
        changes = {
            "right_reach": heart.right_reach * rng.uniform(1.35, 1.6),
            "cavity_radius": heart.cavity_radius * 0.88,
            "atria": heart.atria * 1.1,
        }
    else:
        changes = {}
    return replace(heart, **changes)


def cavity_volume_ml(radius: float, length: float) -> float:
    """Volume of the left ventricle's shape: an ellipsoid cut off at the valves.

    Its middle lies `VALVES_SHARE` of the length below the valves; lengths in mm.
    """
    valves, rest = VALVES_SHARE, 1 - VALVES_SHARE
    area = np.pi * radius**2 / 1000
    return float(area * length * (2 * rest / 3 + valves - valves**3 / (3 * rest**2)))


def wall_volume_ml(radius: float, length: float, wall: float) -> float:
    """Volume of the wall around that shape: `wall` mm thick, thinner at the apex."""
    valves, rest = VALVES_SHARE * length, (1 - VALVES_SHARE) * length + APEX_WALL * wall
    filled = 2 * rest / 3 + valves - valves**3 / (3 * rest**2)
    return float(np.pi * (radius + wall) ** 2 * filled / 1000) - cavity_volume_ml(radius, length)


def contract(
    heart: Heart, ejection_fraction: float, right_fraction: float, descent_mm: float
) -> Heart:
    """The same heart in systole: less blood, the same muscle, a still apex.

    Args:
        heart: in diastole.
        ejection_fraction: 0..1, part of the left ventricle's blood that is thrown out.
        right_fraction: the same of the right ventricle, about.
        descent_mm: how far the valves come down towards the apex, adult mm.
    """
    length = heart.cavity_length - descent_mm - 2.5 * ejection_fraction
    remaining = (1 - ejection_fraction) * heart.cavity_length / length
    radius = heart.cavity_radius * np.sqrt(remaining)
    muscle = wall_volume_ml(heart.cavity_radius, heart.cavity_length, heart.wall)
    low, high = 0.5 * heart.wall, 4 * heart.wall
    for _ in range(40):
        wall = 0.5 * (low + high)
        low, high = (wall, high) if wall_volume_ml(radius, length, wall) < muscle else (low, wall)
    return replace(
        heart,
        cavity_radius=radius,
        cavity_length=length,
        wall=wall,
        valves_w=heart.valves_w + descent_mm,
        right_reach=heart.right_reach * (1 - 0.75 * right_fraction),
        right_wall=1.3 * heart.right_wall,
        atria=1.08 * heart.atria,
    )
