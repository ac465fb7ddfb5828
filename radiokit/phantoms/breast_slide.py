"""A breast slide in H&E, painted from scratch: glass, stroma, fat, normal glands and lesions."""

from dataclasses import dataclass

import numpy as np

from radiokit.phantoms.breast_canvas import Canvas, seen_nuclei, stamp_cells
from radiokit.phantoms.breast_ground import draw_ground
from radiokit.phantoms.breast_layout import draw_layout
from radiokit.phantoms.breast_sites import paint_site, plan_site
from radiokit.phantoms.breast_stroma import COARSE_PX, add_fibroblasts, add_grain, paint_ground
from radiokit.phantoms.staining import Stain, draw_stain, stain_pixels

LESIONS = ("benign", "in_situ", "invasive")
SMALLEST_PX = (1024, 768)


@dataclass(frozen=True, eq=False)
class BreastSlide:
    """A painted slide and what is on it. Coordinates are pixel corners, x right, y down."""

    pixels: np.ndarray  # uint8 (rows, columns, 3) RGB
    regions: list  # (label, points (N, 2) float, holes: tuple of (M, 2)) as a pathologist draws
    tissue: np.ndarray  # bool, (rows, columns) / tissue_downsample, rounded up: section, not glass
    tissue_downsample: int
    mpp_um: float
    stain: Stain
    nuclei: np.ndarray  # float (N, 3): x, y, index of their kind in `nuclei.KINDS`


def draw_breast_slide(
    rng: np.random.Generator, size_px=(8000, 6000), mpp_um: float = 0.25, kinds=LESIONS
) -> BreastSlide:
    """Paint one H&E slide of breast tissue.

    Use it for pixels alone; `radiokit.phantoms.breast` writes slides as files.

    Args:
        rng: of everything drawn: the same state, the same pixels.
        size_px: width and height, at least 1024 x 768.
        mpp_um: µm per pixel, 0.1 to 2.
        kinds: lesions that it has, of `LESIONS`; none: normal tissue only.

    Raises:
        ValueError: a slide too small, an unknown kind, or a resolution out of range.
    """
    _check(size_px, mpp_um, kinds)
    width, height = size_px
    shape = -(-height // COARSE_PX), -(-width // COARSE_PX)
    layout = draw_layout(rng, shape, COARSE_PX * mpp_um, tuple(k for k in LESIONS if k in kinds))
    plans = [plan_site(rng, site) for site in layout.sites]
    canvas = Canvas(np.zeros((height, width, 2), np.uint8), mpp_um)
    _paint(canvas, rng, layout, plans)
    stain = draw_stain(rng)
    regions = [
        (site.kind, site.outline_um / mpp_um, tuple(hole / mpp_um for hole in site.holes_um))
        for site in (plan.site for plan in plans)
        if site.kind in LESIONS
    ]
    pixels, nuclei = stain_pixels(canvas.amounts, stain), seen_nuclei(canvas)
    return BreastSlide(pixels, regions, layout.tissue, COARSE_PX, mpp_um, stain, nuclei)


def _paint(canvas, rng, layout, plans) -> None:
    ground, fibroblasts, lymphocytes = draw_ground(rng, layout, plans)
    paint_ground(canvas, ground, int(rng.integers(2**31)))
    add_fibroblasts(canvas, rng, ground, fibroblasts)
    add_fibroblasts(canvas, rng, ground, lymphocytes, "lymphocyte")
    stamp_cells(canvas)
    for plan in plans:
        paint_site(canvas, rng, plan)
    add_grain(canvas)
    stamp_cells(canvas)


def _check(size_px, mpp_um, kinds) -> None:
    if min(np.array(size_px) - SMALLEST_PX) < 0:
        raise ValueError(
            f"size_px is {tuple(size_px)}; give at least {SMALLEST_PX}: width, height."
        )
    if not 0.1 <= mpp_um <= 2:
        raise ValueError(f"mpp_um is {mpp_um}; give µm per pixel between 0.1 and 2.")
    unknown = sorted(set(kinds) - set(LESIONS))
    if unknown:
        raise ValueError(f"kinds has {unknown}; choose from {LESIONS}.")
