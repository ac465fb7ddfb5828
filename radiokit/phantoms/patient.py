"""Who lies on a chest phantom's film: habitus, position and disease, drawn at random."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Patient:
    """One person on one film; lengths in cm, `*_scale` relative to an average adult."""

    sex: str
    age_years: int
    width_scale: float
    height_scale: float
    depth_scale: float
    fat_cm: float
    bone_scale: float
    bone_density: float
    rib_slope: float
    clavicle_rise: float
    scapula_in_cm: float
    scoliosis_cm: float
    rotation_deg: float
    lean_deg: float
    dome_y_cm: float
    dome_step_cm: float
    aeration: float  # part of the lung that is air, which X-rays do not see
    cardiothoracic_ratio: float
    heart_turn_deg: float
    heart_left_share: float
    knob_cm: float
    breast_cm: float
    finding: str  # "normal", "consolidation", "cavity", "effusion" or "nodule"


def draw_patient(rng: np.random.Generator, finding: str) -> Patient:
    """A random adult: habitus, position, breath held more or less deep, and the finding given."""
    sex = "F" if rng.random() < 0.47 else "M"
    size = 0.95 if sex == "F" else 1.0
    fat = float(np.clip(rng.normal(1.8, 0.9), 0.5, 4.5))
    stocky = 0.045 * (fat - 1.8) + rng.normal(0, 0.03)
    age = int(rng.integers(18, 82))
    return Patient(
        sex=sex,
        age_years=age,
        width_scale=size * (1 + stocky),
        height_scale=size * (1 - 0.8 * stocky + rng.normal(0, 0.04)),
        depth_scale=size * (1 + stocky + rng.normal(0, 0.04)),
        fat_cm=fat,
        bone_scale=(0.9 if sex == "F" else 1.0) * rng.normal(1, 0.06),
        bone_density=rng.normal(1.0, 0.12) * (1 - 0.004 * max(0, age - 50)),
        rib_slope=rng.normal(1.0 - stocky, 0.12),
        clavicle_rise=rng.normal(1.0, 0.35),
        scapula_in_cm=max(0.0, rng.normal(0.8, 1.5)),
        scoliosis_cm=rng.normal(0, 0.3),
        rotation_deg=rng.normal(0, 3.0),
        lean_deg=rng.normal(0, 5.0),
        dome_y_cm=rng.normal(21.0 - 10 * max(0.0, stocky), 1.3),
        dome_step_cm=rng.normal(1.2, 0.6),
        aeration=float(np.clip(rng.normal(0.74, 0.05), 0.55, 0.84)),
        cardiothoracic_ratio=float(np.clip(rng.normal(0.475, 0.055) + 0.02 * stocky, 0.36, 0.66)),
        heart_turn_deg=rng.normal(12, 4),
        heart_left_share=rng.normal(0.67, 0.03),
        knob_cm=rng.uniform(1.2, 1.7) + 0.008 * max(0, age - 40),
        breast_cm=rng.uniform(2.0, 5.5) if sex == "F" else 0.0,
        finding=finding,
    )
