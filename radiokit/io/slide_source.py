"""What both ways of opening a slide give: levels, properties, and pixels of a level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WHITE = (255, 255, 255)
# A level whose sides shrink by factors this far apart, in its own pixels across the slide, was
# only cut to whole pixels; OpenSlide's one factor for both sides then places it well enough.
_ROUNDING_PX = 1.0


@dataclass(frozen=True, eq=False)
class SlideSource:
    """An open slide, by whichever library opened it.

    Args:
        backend: `"openslide"` or `"tifffile"`.
        vendor: of the scanner or format, for instance `"aperio"`.
        level_sizes_px: (width, height) of each level, level 0 first.
        level_downsamples: level-0 pixels per pixel of each level, the mean of both sides.
        level_scales: (x, y) of `level_scales`, by which levels are placed.
        properties: everything the file says about itself, as text.
        background_rgb: colour of what the scanner left out.
        icc_profile: of the colours; None: not said.
        notes: what was guessed or left out, whole sentences.
        read: (level, left, top, right, bottom), in that level's pixels and inside it, to uint8
            (rows, columns, 3) and the (x, y) at which they begin, at or before left and top.
        close: hands the file back.
    """

    backend: str
    vendor: str
    level_sizes_px: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    level_scales: tuple[tuple[float, float], ...]
    properties: dict[str, str]
    background_rgb: tuple[int, int, int]
    icc_profile: bytes | None
    notes: tuple[str, ...]
    read: Callable[[int, float, float, float, float], tuple[np.ndarray, tuple[float, float]]]
    close: Callable[[], None]


def level_scales(
    sizes_px: Sequence[tuple[int, int]], downsamples: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Level-0 pixels per pixel of each level, along x and along y.

    Use it to place levels. Sides that shrink truly differently keep their own factors; where the
    sizes were only rounded, both have the level's one factor, as OpenSlide places it.

    Args:
        sizes_px: (width, height) of each level, level 0 first.
        downsamples: of each level, the mean of both sides.

    Returns:
        (x, y) of each level.

    >>> level_scales([(1000, 600), (250, 150), (100, 150)], [1.0, 4.0, 7.0])
    ((1.0, 1.0), (4.0, 4.0), (10.0, 4.0))
    """
    width, height = sizes_px[0]
    scales = []
    for size, mean in zip(sizes_px, downsamples, strict=True):
        own = (width / size[0], height / size[1])
        misfit_px = max(abs(width / mean - size[0]), abs(height / mean - size[1]))
        scales.append((mean, mean) if misfit_px < _ROUNDING_PX else own)
    return tuple(scales)


def over_background(pixels: np.ndarray, background_rgb: tuple[int, int, int]) -> np.ndarray:
    """Put colour with alpha over a background.

    Args:
        pixels: uint8 (rows, columns, 4), the colour not multiplied by alpha.
        background_rgb: 0..255.

    Returns:
        uint8 (rows, columns, 3).
    """
    import cv2

    if not pixels.size or pixels[..., 3].min() == 255:
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)  # faster than a cut through the channels
    share = pixels[..., 3:].astype(np.float32) / 255
    mixed = pixels[..., :3] * share + np.asarray(background_rgb, np.float32) * (1 - share)
    return np.rint(mixed).astype(np.uint8)


def closed_error(path: Path) -> ValueError:
    """The error of reading from a slide that was handed back.

    Args:
        path: of the slide.

    Returns:
        To be raised.
    """
    return ValueError(f"{path} is closed. Read inside `with open_slide(...) as slide:`.")
