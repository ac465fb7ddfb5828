"""Rectangles of a slide at any resolution, out of its levels, within bounded memory."""

import math

import numpy as np

from radiokit.io.slide_resampling import resample_area
from radiokit.io.slide_source import SlideSource

_CLOSE_ENOUGH = 1.005  # levels are cut to whole pixels: "4" may be 4.0002
_MOST_PIXELS = 1 << 22  # of a level, held at a time
_LONGEST_STEP = 1024
_OUTSIDE_PX = 1e-3


def read_area(
    source: SlideSource, corner: tuple[float, float], size: tuple[int, int], downsample: float
) -> np.ndarray:
    """Read a rectangle as area means of the next finer level.

    Use it for what lies on the slide; cells that reach beyond are means of their part inside.

    Args:
        source: an open slide.
        corner: x, y of the upper left corner in level-0 pixels.
        size: (width, height) of the result in its own pixels.
        downsample: level-0 pixels per pixel of the result.

    Returns:
        uint8 (height, width, 3).

    Raises:
        radiokit.io.UnreadableFileError: this part of the file is damaged or missing.
    """
    level, scale = _best_level(source, downsample)
    step = max(1.0, downsample / min(scale))
    side = max(1, int(math.sqrt(_MOST_PIXELS) / step))
    if step > _LONGEST_STEP:
        return _read_twice(source, corner, size, downsample)
    if max(size) <= side:
        return _read_block(source, level, scale, (corner, size, downsample))
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            part = (min(side, size[0] - left), min(side, size[1] - top))
            place = (corner[0] + left * downsample, corner[1] + top * downsample)
            block = _read_block(source, level, scale, (place, part, downsample))
            pixels[top : top + part[1], left : left + part[0]] = block
    return pixels


def _best_level(source: SlideSource, downsample: float) -> tuple[int, tuple[float, float]]:
    """The coarsest level that is not coarser than wanted."""
    scales = source.level_scales
    fit = [index for index, scale in enumerate(scales) if max(scale) <= downsample * _CLOSE_ENOUGH]
    level = max(fit, key=lambda index: max(scales[index]), default=0)
    return level, scales[level]


def _read_block(source: SlideSource, level: int, scale: tuple, region: tuple) -> np.ndarray:
    corner, size, downsample = region
    box = []
    for first, count, side_scale, whole in zip(
        corner, size, scale, source.level_sizes_px[level], strict=True
    ):
        lower = min(max(0.0, first / side_scale), whole - 1.0)
        upper = min(float(whole), (first + count * downsample) / side_scale)
        box.append((lower, max(upper, lower + 1e-3)))
    (left, right), (top, bottom) = box
    pixels, begin = source.read(level, left, top, right, bottom)
    start = [first / side - at for first, side, at in zip(corner, scale, begin, strict=True)]
    return resample_area(pixels, start, [downsample / side for side in scale], size)


def _read_twice(source: SlideSource, corner: tuple, size: tuple, downsample: float) -> np.ndarray:
    """Means of means, where one pixel of the result covers more than can be held."""
    parts = math.ceil(downsample / _LONGEST_STEP)
    finer = read_area(source, corner, [side * parts for side in size], downsample / parts)
    cells = finer.reshape(size[1], parts, size[0], parts, 3)
    return np.rint(cells.mean(axis=(1, 3))).astype(np.uint8)


def read_filled(
    source: SlideSource,
    corner: tuple[float, float],
    size: tuple[int, int],
    downsample: float,
    fill: int | tuple[int, int, int],
) -> np.ndarray:
    """Read a rectangle that may reach beyond the slide, which a colour then fills.

    Args:
        source: an open slide.
        corner: x, y of the upper left corner in level-0 pixels.
        size: (width, height) of the result in its own pixels.
        downsample: level-0 pixels per pixel of the result.
        fill: 0..255, or (red, green, blue); a pixel cut by the slide's edge is a mixture.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: `fill` is no colour.
        radiokit.io.UnreadableFileError: this part of the file is damaged or missing.
    """
    colour = _checked_colour(fill)
    shares, ranges = [], []
    for first, count, whole in zip(corner, size, source.level_sizes_px[0], strict=True):
        share = _share_inside(first, downsample, count, whole)
        inside = np.flatnonzero(share)
        shares.append(share)
        ranges.append((inside[0], inside[-1] + 1) if len(inside) else (0, 0))
    (left, right), (top, bottom) = ranges
    pixels = np.full((size[1], size[0], 3), colour, np.uint8)
    if right > left and bottom > top:
        place = (corner[0] + left * downsample, corner[1] + top * downsample)
        part = read_area(source, place, (int(right - left), int(bottom - top)), downsample)
        weight = shares[1][top:bottom, None, None] * shares[0][left:right, None]
        if weight.min() < 1:
            part = np.rint(part * weight + colour * (1 - weight)).astype(np.uint8)
        pixels[top:bottom, left:right] = part
    return pixels


def _share_inside(first: float, downsample: float, count: int, whole: int) -> np.ndarray:
    lower = first + downsample * np.arange(count)
    inside = np.minimum(lower + downsample, whole) - np.maximum(lower, 0)
    share = np.clip(inside / downsample, 0, 1)
    return np.where(share > 1 - 1e-6, 1, np.where(share < 1e-6, 0, share))


def _checked_colour(fill: int | tuple[int, int, int]) -> np.ndarray:
    colour = np.asarray(fill)
    if colour.shape not in ((), (3,)) or colour.dtype.kind not in "iu":
        raise ValueError(f"fill is {fill!r}; give 0..255 or (red, green, blue).")
    if colour.min() < 0 or colour.max() > 255:
        raise ValueError(f"fill is {fill!r}; each value must lie in 0..255.")
    return np.broadcast_to(colour, 3)


def check_region(
    source: SlideSource, corner: tuple[float, float], size: tuple[int, int], downsample: float
) -> None:
    """Refuse a rectangle that is none, or that reaches beyond the slide.

    Args:
        source: an open slide.
        corner: x, y of the upper left corner in level-0 pixels.
        size: (width, height) of the result in its own pixels.
        downsample: level-0 pixels per pixel of the result.

    Raises:
        ValueError: it reaches beyond; both sizes are named.
    """
    ends = [first + count * downsample for first, count in zip(corner, size, strict=True)]
    whole = source.level_sizes_px[0]
    if min(corner) < -_OUTSIDE_PX or any(
        end > side + _OUTSIDE_PX for end, side in zip(ends, whole, strict=True)
    ):
        raise ValueError(
            f"The region from x {corner[0]:g}, y {corner[1]:g} to x {ends[0]:g}, y {ends[1]:g} "
            f"reaches beyond the slide, which is {whole[0]} x {whole[1]} pixels at level 0. Move "
            "it inside, or give fill=255 for what lies beyond."
        )


def check_box(x_px: float, y_px: float, width_px: int, height_px: int) -> None:
    """Refuse a place that is no number and a size that is no whole number of pixels.

    Args:
        x_px: left edge in level-0 pixels.
        y_px: upper edge in level-0 pixels.
        width_px: of the result.
        height_px: of the result.

    Raises:
        ValueError: says which.
    """
    if not (math.isfinite(x_px) and math.isfinite(y_px)):
        raise ValueError(f"The region begins at x {x_px}, y {y_px}; give finite level-0 pixels.")
    for name, side in (("width_px", width_px), ("height_px", height_px)):
        if side < 1 or side != int(side):
            raise ValueError(f"{name} is {side}; give a whole number of pixels, 1 or more.")
