"""Tissue on slides: where there is any, without ink, borders and dust."""

import cv2
import numpy as np

from radiokit.data.ink import find_ink
from radiokit.data.ink_optics import check_slide_pixels, find_padding, measure_glass
from radiokit.data.ink_pieces import drop_small, keep_touching, make_disc

_MOST_PIXELS = 1_000_000  # larger pictures are looked at smaller
_SMOOTH_UM = 4.0
_LEAST_SATURATION = 8  # of 255: glass has less, whatever Otsu finds on an empty slide
_CERTAIN_SATURATION = 26  # tissue has more, whatever Otsu finds on a slide full of it
_LEAST_COLOUR = 6  # grey values between channels: in the dark, saturation alone is noise
_FAT_UM = 25.0
_PALE = 5.0  # grey values; palest tissue is no pinker
_PINK = 1.5  # grey values by which smeared fat is pinker than glass
_BRIDGE_UM = 50.0  # a fat cell is as wide, and only its wall is stained
_HOLE_UM2 = 20_000.0
_SPECK_UM2 = 5_000.0


def find_tissue(pixels: np.ndarray, mpp_um: float, ink: np.ndarray | None = None) -> np.ndarray:
    """Find tissue: Otsu's threshold on saturation, then morphology in µm.

    Use it on the thumbnail of a slide, to take tiles from tissue alone. The colour of glass is
    taken out first. Otsu splits anything in two, so its threshold is held between what empty
    glass never reaches and what tissue always does: empty glass gives no tissue, and a picture
    full of it is not cut into pale and dark. Fat, hardly stained, is taken where it touches
    tissue and, smeared over its cells, is pinker than glass; specks are dropped.
    Ink, padding and grey borders are not tissue.

    Args:
        pixels: uint8 (rows, columns, 3) RGB.
        mpp_um: µm a pixel.
        ink: bool (rows, columns), the mask of `find_ink` where it is at hand; sought otherwise.

    Returns:
        bool (rows, columns).

    Raises:
        ValueError: not such a picture, mpp_um not a positive length, or ink of another size.

    Paper: Otsu 1979, https://doi.org/10.1109/TSMC.1979.4310076.

    >>> slide = np.full((96, 96, 3), 240, np.uint8)
    >>> slide[32:64, 32:64] = (200, 120, 180)
    >>> tissue = find_tissue(slide, mpp_um=8.0)
    >>> bool(tissue[32:64, 32:64].all()), bool(tissue[:24].any())
    (True, False)
    """
    ink = _checked_ink(pixels, mpp_um, ink)
    outside = ink | find_padding(pixels)
    rows, columns = outside.shape
    step = max(1.0, np.sqrt(rows * columns / _MOST_PIXELS))
    small = (max(1, round(columns / step)), max(1, round(rows / step)))
    left_out = cv2.resize(outside.astype(np.uint8), small, interpolation=cv2.INTER_NEAREST) > 0
    white = _white(pixels, outside, small)
    coloured = _coloured(white, left_out, mpp_um * step)
    mask = _tidy(coloured, _pink(white, left_out, mpp_um * step), mpp_um * step)
    mask = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_NEAREST)
    return (mask > 0) & ~outside


def _checked_ink(pixels: np.ndarray, mpp_um: float, ink: np.ndarray | None) -> np.ndarray:
    """bool (rows, columns): the ink given, or found; errors where arguments do not fit."""
    check_slide_pixels(pixels, mpp_um)
    if mpp_um is None:
        raise ValueError("mpp_um is None; tissue is measured in µm: give the µm per pixel")
    if ink is None:
        return find_ink(pixels, mpp_um).mask
    if ink.shape != pixels.shape[:2]:
        raise ValueError(
            f"the ink mask is {ink.shape}, the picture {pixels.shape[:2]} (rows, columns); "
            "find the ink on this very picture"
        )
    return ink


def _white(pixels: np.ndarray, outside: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (rows, columns, 3) of this size (width, height), with colourless glass."""
    glass = measure_glass(pixels, ignore=outside)
    values = np.arange(256)[:, None] * 255.0 / np.maximum(glass, 1)  # (256, 3)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.LUT(small, np.clip(np.round(values), 0, 255).astype(np.uint8)[None])


def _coloured(white: np.ndarray, left_out: np.ndarray, mpp_um: float) -> np.ndarray:
    """uint8 (rows, columns): 1 where saturation is above Otsu's threshold within its bounds."""
    smooth = cv2.GaussianBlur(white, (0, 0), max(0.8, _SMOOTH_UM / mpp_um))
    saturation = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV)[..., 1]
    inside = saturation[~left_out]
    if not inside.size:
        return np.zeros(left_out.shape, np.uint8)
    otsu, _ = cv2.threshold(inside.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    threshold = np.clip(otsu, _LEAST_SATURATION, _CERTAIN_SATURATION)
    red, green, blue = cv2.split(smooth)
    colour = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return ((saturation > threshold) & (colour > _LEAST_COLOUR) & ~left_out).astype(np.uint8)


def _pink(white: np.ndarray, left_out: np.ndarray, mpp_um: float) -> np.ndarray:
    """uint8 (rows, columns): 1 where fat, smeared over its cells, is pinker than glass.

    No pixel counts for more than a pale one, lest dense tissue be smeared over the glass beside.
    """
    red, green, blue = cv2.split(white)
    pinkness = cv2.subtract(cv2.min(red, blue), green, dtype=cv2.CV_32F)
    pinkness = np.clip(pinkness, -_PALE, _PALE) * ~left_out
    sigma_px = max(0.8, _FAT_UM / mpp_um)
    shrink = int(max(1, sigma_px // 2))
    rows, columns = left_out.shape
    size = (max(1, columns // shrink), max(1, rows // shrink))
    smeared = cv2.resize(pinkness, size, interpolation=cv2.INTER_AREA)
    smeared = cv2.GaussianBlur(smeared, (0, 0), sigma_px / shrink)
    smeared = cv2.resize(smeared, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return ((smeared > _PINK) & ~left_out).astype(np.uint8)


def _tidy(mask: np.ndarray, pink: np.ndarray, mpp_um: float) -> np.ndarray:
    """Without specks; with the fat that touches tissue, cells bridged, small holes filled."""
    shortest = min(mask.shape)
    bridge = make_disc(min(_BRIDGE_UM / mpp_um, shortest / 8))
    specks = min(_SPECK_UM2 / mpp_um**2, 0.01 * mask.size)
    mask = drop_small(mask, specks / 8)  # dust is not to be bridged to
    mask = keep_touching(mask | pink, mask)
    margin = bridge.shape[0]
    framed = cv2.copyMakeBorder(mask, *[margin] * 4, cv2.BORDER_REFLECT)
    framed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, bridge)
    mask = framed[margin:-margin, margin:-margin]
    mask = drop_small(np.ascontiguousarray(mask), specks)
    holes = (mask == 0).astype(np.uint8)
    return 1 - drop_small(holes, min(_HOLE_UM2 / mpp_um**2, 0.05 * mask.size))
