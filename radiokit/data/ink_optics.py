"""Glass, optical density, and how strongly each pixel's colour speaks for pen ink."""

import cv2
import numpy as np

INK_COLOURS = ("none", "black", "blue", "green", "red")
_GLASS_AT_LEAST = 180  # darkest channel of glass under any scanner seen
_GLASS_TINT = 25  # and its channels differ by no more than this
_GLASS_PINK = 6  # nor is its green darker by more
_GLASS_SHARE = 0.005  # of the pixels, below which a picture shows no glass
_USUAL_GLASS = 240.0
_DARKEST = 4  # grey values below this carry no colour
_RED_SHARE = 0.25  # H&E's density in blue light: this of red, and a share of green
_USUAL_SHARE = 0.42
_SHARE_SPREAD = 0.07
_TILE_SHARES = (0.34, 0.50)
_BLUEST_SLIDE = 0.95  # haematoxylin's density in red light, by that in green, over many nuclei
_BLUEST_TILE = 1.05  # and within a nucleus
_DOUBT = 0.005  # of the pixels, set against stains hardly ever seen: they may be ink
_LEAST_TISSUE = 200  # pixels to fit stains to


def check_slide_pixels(pixels: np.ndarray, mpp_um: float | None) -> None:
    """Refuse what is not an 8-bit RGB picture, or a resolution that is no length.

    Use it at the start of a function that takes a region of a slide.

    Args:
        pixels: should be uint8 (rows, columns, 3) RGB with at least one pixel.
        mpp_um: should be a positive number of µm a pixel, or None where it is unknown.

    Raises:
        ValueError: it is something else; the message says what.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"the picture is {pixels.dtype} of shape {pixels.shape}; uint8 (rows, columns, 3) RGB "
            "is needed: drop an alpha channel with pixels[..., :3], scale 0..1 by 255"
        )
    if mpp_um is not None and not (np.isfinite(mpp_um) and mpp_um > 0):
        raise ValueError(f"mpp_um is {mpp_um}; it must be a positive number of µm per pixel")


def find_padding(pixels: np.ndarray) -> np.ndarray:
    """Find what the scanner never saw: runs of exact black or exact white.

    Use it before any statistic of a slide. Ink and overexposed glass are never of one exact value
    over a neighbourhood of five pixels; where glass itself is exactly white, it is found too,
    which harms nothing: white is neither tissue nor ink.

    Args:
        pixels: uint8 (rows, columns, 3) RGB.

    Returns:
        bool (rows, columns).

    >>> import numpy as np
    >>> bool(find_padding(np.zeros((8, 8, 3), np.uint8)).all())
    True
    """
    low, high = _channel_extremes(pixels)
    square = np.ones((5, 5), np.uint8)
    padding = np.zeros(low.shape, bool)
    for flat in (high == 0, low == 255):
        if flat.any():
            opened = cv2.morphologyEx(flat.astype(np.uint8), cv2.MORPH_OPEN, square)
            padding |= opened.astype(bool)
    return padding


def measure_glass(
    pixels: np.ndarray, ignore: np.ndarray | None = None, percentile: float = 90
) -> np.ndarray:
    """Measure the colour of empty glass.

    Use it as the light that optical density is counted from. A picture without glass is taken to
    have been lit as usual, (240, 240, 240).

    Args:
        pixels: uint8 (rows, columns, 3) RGB.
        ignore: bool (rows, columns); pixels to leave out, such as padding and ink.
        percentile: of the bright, nearly colourless pixels, 0 to 100: high for the light itself,
            50 for glass as it mostly looks, dust and all.

    Returns:
        float32 (3,): that percentile in each channel.
    """
    low, high = _channel_extremes(pixels)
    green = pixels[..., 1]  # of which the palest stain takes most
    is_glass = (low >= _GLASS_AT_LEAST) & (cv2.subtract(high, green) <= _GLASS_PINK)
    is_glass &= cv2.subtract(high, low) <= _GLASS_TINT
    if ignore is not None and ignore.any():  # and what it blends into
        is_glass &= cv2.dilate(ignore.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    if np.count_nonzero(is_glass) < _GLASS_SHARE * is_glass.size:
        return np.full(3, _USUAL_GLASS, np.float32)
    bright = pixels[is_glass]
    step = max(1, len(bright) // 100_000)
    return np.percentile(bright[::step], percentile, axis=0).astype(np.float32)


def measure_density(pixels: np.ndarray, glass: np.ndarray) -> np.ndarray:
    """Turn grey values into optical density (Beer and Lambert): stains and inks add in it.

    Use it where amounts of dye count rather than brightness.

    Args:
        pixels: uint8 (rows, columns, 3) RGB.
        glass: (3,) grey values of empty glass.

    Returns:
        float32 (rows, columns, 3), natural logarithms, 0 where a pixel is as bright as glass.
    """
    values = np.maximum(np.arange(256, dtype=np.float32), _DARKEST)[:, None]  # (256, 1)
    table = np.maximum(np.log(np.maximum(glass, _DARKEST) / values), 0)  # (256, 3)
    return cv2.LUT(pixels, table.astype(np.float32)[None])


def fit_stains(density: np.ndarray, is_wide: bool = True) -> float:
    """Fit the plane that haematoxylin and eosin span on this slide.

    Use it before `weigh_inks`: laboratories stain differently, yet each mixture of two stains has
    a density in blue light of a quarter of that in red and a share of that in green. The share
    is where most pixels agree, within what H&E is known to have, so that ink does not move it.

    Args:
        density: float32 (rows, columns, 3) optical density.
        is_wide: whether the picture is too large to be mostly ink; a tile may lie under a stroke.

    Returns:
        The share, 0.24 to 0.7, on a tile 0.34 to 0.5; 0.42 where there is too little tissue.
    """
    step = max(1, int(np.sqrt(density.shape[0] * density.shape[1] / 200_000)))
    red, green, blue = density[::step, ::step].reshape(-1, 3).T
    is_stained = (green > 0.15) & (green > 0.8 * red) & (green > blue)
    shares = (blue - _RED_SHARE * red)[is_stained] / green[is_stained]
    counts, edges = np.histogram(shares, 46, (0.24, 0.70))
    if counts.sum() < _LEAST_TISSUE:
        return _USUAL_SHARE
    middles = (edges[1:] + edges[:-1]) / 2
    known = np.exp(-(((middles - _USUAL_SHARE) / _SHARE_SPREAD) ** 2) / 2)
    if not is_wide:
        known[(middles < _TILE_SHARES[0]) | (middles > _TILE_SHARES[1])] = 0
    counts = (np.convolve(counts, np.ones(5), "same") + _DOUBT * counts.sum()) * known
    return float(middles[counts.argmax()])


def weigh_inks(density: np.ndarray, is_wide: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Say where a colour can only be an ink's, and where it may be one.

    Use it on smoothed density. Density adds: whatever lies off the plane of the slide's two stains
    is something else, however much tissue is beneath. Red and black ink lie above the plane (too
    much blue light taken), blue ink below it; green ink takes more red light than haematoxylin
    would for the little green. Red light tells red from black.

    Args:
        density: float32 (rows, columns, 3) optical density in red, green and blue light.
        is_wide: see `fit_stains`.

    Returns:
        sure: uint8 (4, rows, columns), 1 where the colour is that of `INK_COLOURS[1:]`.
        possible: uint8 (4, rows, columns), the same by rules for thin ink and ink over tissue.
    """
    red, green, blue = cv2.split(density)
    excess = blue - _RED_SHARE * red - fit_stains(density, is_wide) * green
    greenness = red + blue - 1.85 * green
    bluest = _BLUEST_SLIDE if is_wide else _BLUEST_TILE
    blueness = red - 0.6 * blue - 0.85 * green
    least = cv2.min(red, blue)
    is_grey = (least > 0.72 * green) & (cv2.max(red, blue) < 1.2 * green)
    is_dark = (excess > 0.22) & (excess > 0.1 * green) & (red > 0.9) & (red > 0.56 * green)
    is_red = (red < 0.5 * green) & ((blue < green) | (red < 0.25 * green))
    sure = (
        (is_grey & (least > 0.6)) | (is_dark & (cv2.max(red, blue) < 1.2 * green)),
        ((excess < -0.28) & (red > 0.75 * green)) | ((blueness > 0.2) & (excess < -0.1)),
        (greenness > 0.3) & (red > green) | (red > bluest * green + 0.12) & (excess > -0.1),
        is_red & (excess > 0.24) & (excess > 0.11 * (0.5 + green)),
    )
    possible = (
        (is_grey & (least > 0.12)) | ((excess > 0.1) & (red > 0.5 * green) & (red < 1.45 * green)),
        (excess < -0.06) & (red > 0.6 * green),
        (greenness > 0.08) & (red > 0.9 * green)
        | (red > 0.85 * green) & (red > 0.25) & (excess > -0.12),
        (excess > 0.05) & (excess > 0.06 * green) & (red < 0.62 * green),
    )
    return np.stack(sure).view(np.uint8), np.stack(possible).view(np.uint8)


def _channel_extremes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Darkest and brightest channel of every pixel."""
    red, green, blue = cv2.split(pixels)
    return cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
