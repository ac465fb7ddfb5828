"""Pen ink on slides: where it is, of which colour, and the slide without it."""

from dataclasses import dataclass

import cv2
import numpy as np

from radiokit.data.ink_optics import (
    INK_COLOURS,
    check_slide_pixels,
    find_padding,
    measure_density,
    measure_glass,
    weigh_inks,
)
from radiokit.data.ink_pieces import drop_frames, drop_small, keep_touching, make_disc

__all__ = ["INK_COLOURS", "Ink", "clean_ink", "find_ink"]

_FINEST_UM = 1.0  # µm a pixel at which ink is looked for: finer shows nuclei, not more ink
_MOST_PIXELS = 1_000_000  # larger pictures are looked at smaller
_UNKNOWN_UM = 4.0  # µm a pixel where nobody knows
_WIDE_UM = 600.0  # the short side of a picture that no stroke covers
_SMOOTH_UM = 3.0
_NUCLEUS_UM = 8.0  # its stain may hide the ink above it
_THINNEST_UM = 20.0  # no pen writes thinner; nuclei and red cells are smaller
_SMALLEST_UM2 = 4000.0
_FEWEST = 24  # pixels of a stroke
_REACH_UM = 80.0  # how far thin ink spreads from ink beyond doubt
_EDGE_UM = 4.0


@dataclass(frozen=True, eq=False)
class Ink:
    """Pen ink found on a picture.

    `mask` is bool (rows, columns): ink. `colour` is uint8 (rows, columns), an index of
    `INK_COLOURS`: 0 none, 1 black, 2 blue, 3 green, 4 red.
    """

    mask: np.ndarray
    colour: np.ndarray


def find_ink(pixels: np.ndarray, mpp_um: float | None = None) -> Ink:
    """Find pen ink, black, blue, green and red, over glass and over tissue.

    Use it on the thumbnail of a slide stained with haematoxylin and eosin, or on a tile of it.
    Colours are judged as optical density, smoothed over a nucleus, against the plane of the two
    stains. A stroke must hold a disc of 20 µm of colour that no mixture of stains reaches; from
    there ink is followed through thinner ink and over tissue.

    Args:
        pixels: uint8 (rows, columns, 3) RGB, at 0.25 to 16 µm a pixel.
        mpp_um: µm a pixel; unknown is read as 4, that of a thumbnail.

    Returns:
        The mask of ink and the colour of each of its pixels.

    Raises:
        ValueError: not such a picture, or mpp_um not a positive length.
    """
    check_slide_pixels(pixels, mpp_um)
    mpp_um = mpp_um or _UNKNOWN_UM
    density, step = _smooth_density(pixels, mpp_um)
    is_wide = min(pixels.shape[:2]) * mpp_um >= _WIDE_UM
    sure, possible = weigh_inks(density, is_wide)
    colour = _follow(_seed(sure, mpp_um * step, is_wide), possible, mpp_um * step)
    rows, columns = pixels.shape[:2]
    colour = cv2.resize(colour, (columns, rows), interpolation=cv2.INTER_NEAREST)
    return Ink(colour > 0, colour)


def clean_ink(pixels: np.ndarray, ink: Ink) -> np.ndarray:
    """Replace ink by empty glass.

    Use it to show a slide without its pen marks, or before a network that must not see them. The
    tissue under ink is not brought back: leave those pixels out of samples.

    Args:
        pixels: uint8 (rows, columns, 3) RGB, the picture that ink was found on.
        ink: what `find_ink` found.

    Returns:
        uint8 (rows, columns, 3): glass where ink was, unchanged elsewhere.

    Raises:
        ValueError: the ink is of a picture of another size.
    """
    check_slide_pixels(pixels, None)
    if ink.mask.shape != pixels.shape[:2]:
        raise ValueError(
            f"the ink mask is {ink.mask.shape}, the picture {pixels.shape[:2]} (rows, columns); "
            "find the ink on this very picture"
        )
    glass = measure_glass(pixels, ink.mask | find_padding(pixels), percentile=50)
    cleaned = pixels.copy()
    cleaned[ink.mask] = np.round(glass).astype(np.uint8)
    return cleaned


def _smooth_density(pixels: np.ndarray, mpp_um: float) -> tuple[np.ndarray, float]:
    """Density of a smaller picture without nuclei, 0 in padding; and how much smaller it is."""
    rows, columns = pixels.shape[:2]
    step = max(1.0, _FINEST_UM / mpp_um, np.sqrt(rows * columns / _MOST_PIXELS))
    padding = find_padding(pixels)
    density = measure_density(pixels, measure_glass(pixels, padding))
    if padding.any():
        density[padding] = 0
    if step > 1:
        small = (max(1, round(columns / step)), max(1, round(rows / step)))
        density = cv2.resize(density, small, interpolation=cv2.INTER_AREA)
    sigma = max(0.6, _SMOOTH_UM / (mpp_um * step))
    return cv2.GaussianBlur(density, (0, 0), sigma), step


def _seed(sure: np.ndarray, mpp_um: float, is_wide: bool) -> np.ndarray:
    """uint8 (rows, columns): colour of ink beyond doubt, where it is as broad as a pen."""
    shape = sure.shape[1:]
    disc = make_disc(max(3.0, min(_THINNEST_UM / mpp_um, min(shape) / 8)))
    smallest = min(max(_SMALLEST_UM2 / mpp_um**2, _FEWEST), 0.01 * shape[0] * shape[1])
    seeds = np.zeros(shape, np.uint8)
    for index, mask in enumerate(sure, start=1):
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, make_disc(_NUCLEUS_UM / mpp_um))
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc)
        mask = drop_small(mask, smallest)
        if is_wide and INK_COLOURS[index] == "black":
            mask = drop_frames(mask)
        seeds[(seeds == 0) & (mask > 0)] = index
    return seeds


def _follow(seeds: np.ndarray, possible: np.ndarray, mpp_um: float) -> np.ndarray:
    """uint8 (rows, columns): the seeds, the thinner ink about them, and their soft edges."""
    if not seeds.any():
        return seeds
    mask = (seeds > 0).astype(np.uint8)
    for index, may_be in enumerate(possible, start=1):
        seed = (seeds == index).astype(np.uint8)
        if seed.any():
            away_px = cv2.distanceTransform(1 - seed, cv2.DIST_L2, 3)
            near = may_be & (away_px <= _REACH_UM / mpp_um)
            mask |= keep_touching(near | seed, seed)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, make_disc(_THINNEST_UM / mpp_um))
    mask = cv2.dilate(mask, make_disc(2 * _EDGE_UM / mpp_um))
    _, nearest = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    colour_of = np.zeros(nearest.max() + 1, np.uint8)
    colour_of[nearest[seeds > 0]] = seeds[seeds > 0]
    return np.where(mask > 0, colour_of[nearest], 0).astype(np.uint8)
