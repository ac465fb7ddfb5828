"""Coarse maps of a breast slide's background, from where its sites are: matrix, fat, tissue."""

import cv2
import numpy as np

from radiokit.phantoms.breast_layout import Layout
from radiokit.phantoms.breast_sites import Plan
from radiokit.phantoms.breast_stroma import Ground, flow_around
from radiokit.phantoms.projection import smooth_noise

# Of the matrix of a site: counts of haematoxylin added, part of the eosin, contrast, fibroblasts
# and lymphocytes per square millimetre.
MATRIX = {
    "adenosis": (5, 0.85, 0.55, 1100, 150),
    "fibroadenoma": (9, 0.66, 0.30, 1700, 120),
    "lobule": (7, 0.62, 0.35, 1300, 350),
    "in_situ": (3, 0.95, 0.70, 700, 250),
    "invasive": (7, 0.80, 0.60, 1400, 450),
    "other": (0, 1.0, 0.9, 420, 40),
}


def draw_ground(rng: np.random.Generator, layout: Layout, plans: list[Plan]):
    """Maps of the background, and how many cells lie in it.

    Args:
        rng: of everything drawn.
        layout: of the slide.
        plans: one for each of its sites.

    Returns:
        (Ground, fibroblasts per mm2, lymphocytes per mm2), all on the layout's coarse pixels.
    """
    shape, cell_um = layout.tissue.shape, layout.cell_um
    flow = flow_around(rng, shape, cell_um, _round_things(plans))
    matrix = _matrix(rng, layout, plans)
    tone = 1 + 0.12 * smooth_noise(rng, shape, 300 / cell_um)
    tone += 0.06 * smooth_noise(rng, shape, 50 / cell_um)
    stain = np.stack([(8 + matrix[0]) * tone, rng.uniform(50, 62) * matrix[1] * tone], axis=-1)
    stain = np.clip(stain, 0, None).astype(np.float32)
    tissue = cv2.GaussianBlur(layout.tissue.astype(np.float32), (0, 0), 1.2)
    fat = _fat(rng, layout)
    ground = Ground(tissue, fat, flow, stain, matrix[2].astype(np.float32))
    crowds = 7000 * np.clip(smooth_noise(rng, shape, 70 / cell_um) - 1.7, 0, 1)
    return ground, matrix[3] * layout.tissue, (matrix[4] + crowds) * layout.tissue


def _round_things(plans) -> list:
    """What fibres run around: every large duct, and a fibroadenoma as a whole."""
    found = [
        (centre, radius)
        for plan in plans
        for centre, radius in zip(plan.centres_um, plan.radii_um, strict=True)
        if radius > 25 and plan.pattern != "fibroadenoma"
    ]
    whole = [plan.site for plan in plans if plan.pattern in ("fibroadenoma", "lobule", "adenosis")]
    return found + [(site.centre_um, float(site.radii_um.min())) for site in whole]


def _matrix(rng, layout, plans) -> np.ndarray:
    shape, cell_um = layout.tissue.shape, layout.cell_um
    maps = np.empty((5, *shape), np.float32)
    maps[:] = np.array(MATRIX["other"])[:, None, None]
    maps[2] *= np.clip(0.75 + 0.3 * smooth_noise(rng, shape, 200 / cell_um), 0.3, 1.1)
    for plan in plans:
        values = MATRIX.get(plan.pattern, MATRIX.get(plan.site.kind))
        if values is not None:
            mask = _drawn(shape, plan.site.outline_um, cell_um).astype(np.float32)
            mask = cv2.GaussianBlur(mask, (0, 0), max(0.6, 10 / cell_um))
            maps += mask * (np.array(values)[:, None, None] - maps)
    return maps


def _fat(rng, layout) -> np.ndarray:
    """1 where there is only fat; none inside lesions, some at their borders."""
    shape, cell_um = layout.tissue.shape, layout.cell_um
    taken = np.zeros(shape, np.uint8)
    for site in layout.sites:
        taken |= _drawn(shape, site.outline_um, cell_um)
    away = cv2.distanceTransform(1 - taken, cv2.DIST_L2, 5) * cell_um
    noise = smooth_noise(rng, shape, 330 / cell_um) + 0.35 * smooth_noise(rng, shape, 90 / cell_um)
    noise += 0.5 * np.clip(away / 150, 0, 1)
    least = np.quantile(noise[layout.tissue], 1 - rng.uniform(0.15, 0.45))
    fat = np.clip((noise - least) / 0.3, 0, 1) * np.clip(away / 45, 0, 1)
    return fat.astype(np.float32)


def _drawn(shape, outline_um, cell_um) -> np.ndarray:
    points = np.round(outline_um / cell_um).astype(np.int32)
    return cv2.fillPoly(np.zeros(shape, np.uint8), [points], 1)
