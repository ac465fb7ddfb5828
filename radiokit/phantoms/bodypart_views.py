"""What a body part phantom can show: a view has labels, a projection, a size, and a drawing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from radiokit.phantoms.projection import Film

PROJECTIONS = ("Frontal", "Lateral", "Oblique", "Axial")


@dataclass(frozen=True)
class Build:
    """Who is on the film.

    Args:
        scale: of every length; 1 an average adult.
        fat_cm: thickness of the fat under the skin.
        density: of bone; 1 healthy, below 1 old.
        wobble: (8,) standard normal numbers that make this skeleton differ from the next.
    """

    scale: float
    fat_cm: float
    density: float
    wobble: np.ndarray


@dataclass(frozen=True)
class View:
    """One projection of one part of the body.

    Args:
        labels: every label that the image carries, as the study writes them, the part that was
            asked for first.
        projection: one of `PROJECTIONS`.
        size_cm: height and width of the film for an average adult.
        has_side: whether there is a right and a left one; drawn is the patient's right, as he
            faces you (his thumb, fibula or outer side on the left of the image where the view is
            frontal), and a left one is its mirror image.
        draw: `draw(film, build, rng)`: attenuation of the whole film, float32 (rows, columns), 0
            where rays meet nothing but air; (0, 0) cm is the middle of the film.
    """

    labels: tuple[str, ...]
    projection: str
    size_cm: tuple[float, float]
    has_side: bool
    draw: Callable[[Film, Build, np.random.Generator], np.ndarray]


def draw_build(rng: np.random.Generator) -> Build:
    """A random adult.

    Args:
        rng: draws it.
    """
    return Build(
        scale=float(np.clip(rng.normal(1, 0.07), 0.8, 1.2)),
        fat_cm=float(np.clip(rng.normal(0.7, 0.35), 0.15, 2.0)),
        density=float(np.clip(rng.normal(1, 0.14), 0.6, 1.3)),
        wobble=rng.standard_normal(8),
    )
