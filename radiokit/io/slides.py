"""Whole-slide images: regions at any resolution, from any place."""

import math
import threading
from pathlib import Path

import numpy as np

from radiokit.io import check_file
from radiokit.io.slide_opening import is_slide, open_source
from radiokit.io.slide_regions import check_box, check_region, read_area, read_filled
from radiokit.io.slide_scale import (
    apply_transform,
    check_mpp,
    make_srgb_transform,
    read_magnification,
    read_mpp_um,
)
from radiokit.io.slide_source import SlideSource

__all__ = ["Slide", "is_slide", "open_slide"]


def open_slide(path: str | Path, mpp_um: float | None = None) -> "Slide":
    """Open a whole-slide image: with OpenSlide, or with tifffile where OpenSlide cannot.

    Use it in a `with` block, so that the file is handed back.

    Args:
        path: `.svs`, `.ndpi`, `.mrxs`, `.scn`, `.tif`, `.ome.tif` and others; content decides.
        mpp_um: microns per pixel of level 0, where the file does not say; the file's own word
            goes first, and a note says so.

    Returns:
        The open slide.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: no slide, damaged, or of a kind not supported.
        ValueError: `mpp_um` is not above 0.
    """
    check_mpp(mpp_um)
    path = check_file(path)
    return Slide(open_source(path), path, mpp_um)


class Slide:
    """An open slide, made by `open_slide`. Reads may come from several threads at once.

    `path`, `vendor`, `backend` ("openslide" or "tifffile"), `size_px` and `level_sizes_px`
    (width, height), `level_downsamples`, `mpp_um` (x, y, or None), `magnification` (or None),
    `background_rgb`, `icc_profile` (or None) and `properties` say what the file says; `notes` are
    sentences about what was guessed.

    Args:
        source: what was opened.
        path: the file.
        given_mpp_um: microns per pixel in the user's word; None: not given.
    """

    def __init__(self, source: SlideSource, path: Path, given_mpp_um: float | None = None):
        self._source = source
        self._to_srgb = None
        self._lock = threading.Lock()
        self.path = path
        self.vendor = source.vendor
        self.backend = source.backend
        self.size_px = source.level_sizes_px[0]
        self.level_sizes_px = source.level_sizes_px
        self.level_downsamples = source.level_downsamples
        self.background_rgb = source.background_rgb
        self.icc_profile = source.icc_profile
        self.properties = source.properties
        self.mpp_um, mpp_notes = read_mpp_um(source.properties, given_mpp_um)
        self.magnification = read_magnification(source.properties)
        self.notes = (*source.notes, *mpp_notes)

    def __enter__(self) -> "Slide":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Hand the file back; reading is over."""
        self._source.close()

    def downsample_for(
        self, mpp_um: float | None = None, magnification: float | None = None
    ) -> float:
        """Level-0 pixels per pixel at a resolution.

        Use it to place a grid of tiles before reading them.

        Args:
            mpp_um: microns per pixel wanted; or
            magnification: wanted, as that of an objective.

        Returns:
            Level-0 pixels per output pixel, along either axis.

        Raises:
            ValueError: none or both given, not above 0, or the slide does not say its own.
        """
        if (mpp_um is None) == (magnification is None):
            raise ValueError("Give mpp_um or magnification, one of them.")
        if magnification is None:
            check_mpp(mpp_um)
            if self.mpp_um is None:
                raise ValueError(
                    f"{self.path} does not say its microns per pixel. Give them, for instance "
                    "open_slide(path, mpp_um=0.25), or ask for a downsample."
                )
            return 2 * mpp_um / sum(self.mpp_um)
        if not (math.isfinite(magnification) and magnification > 0):
            raise ValueError(f"magnification is {magnification}; it must be above 0.")
        if self.magnification is None:
            raise ValueError(
                f"{self.path} does not say its magnification. Ask for mpp_um, about 10 divided "
                "by the magnification, or for a downsample."
            )
        return self.magnification / magnification

    def read_region(
        self,
        x_px: float,
        y_px: float,
        width_px: int,
        height_px: int,
        *,
        mpp_um: float | None = None,
        magnification: float | None = None,
        downsample: float | None = None,
        fill: int | tuple[int, int, int] | None = None,
    ) -> np.ndarray:
        """Read a rectangle at a resolution: area means of the coarsest level that is fine enough.

        Use it with at most one of the three resolutions; with none, level 0 is read. A finer
        resolution than the file's repeats pixels.

        Args:
            x_px: left edge in level-0 pixels; fractions count.
            y_px: upper edge in level-0 pixels.
            width_px: of the result, in its own pixels.
            height_px: of the result.
            mpp_um: microns per pixel of the result.
            magnification: of the result, as that of an objective.
            downsample: level-0 pixels per pixel of the result.
            fill: colour of what lies beyond the slide, 0..255 or (red, green, blue); None: a
                region that reaches beyond is an error.

        Returns:
            uint8 (height_px, width_px, 3), red, green, blue.

        Raises:
            ValueError: beyond the slide without `fill`, no size, or an unknown resolution.
            radiokit.io.UnreadableFileError: this part of the file is damaged or missing.
        """
        check_box(x_px, y_px, width_px, height_px)
        downsample = self._downsample(mpp_um, magnification, downsample)
        corner, size = (float(x_px), float(y_px)), (int(width_px), int(height_px))
        if fill is not None:
            return read_filled(self._source, corner, size, downsample, fill)
        check_region(self._source, corner, size, downsample)
        return read_area(self._source, corner, size, downsample)

    def _downsample(self, mpp_um, magnification, downsample: float | None) -> float:
        given = [value for value in (mpp_um, magnification, downsample) if value is not None]
        if len(given) > 1:
            raise ValueError("Give one of mpp_um, magnification and downsample, not several.")
        if not given:
            return 1.0
        if downsample is None:
            return self.downsample_for(mpp_um, magnification)
        if not (math.isfinite(downsample) and downsample > 0):
            raise ValueError(f"downsample is {downsample}; it must be above 0.")
        return float(downsample)

    def read_thumbnail(self, longest_px: int = 1024) -> tuple[np.ndarray, float]:
        """Read the whole slide as one small picture.

        Args:
            longest_px: of the longer side, 1 or more; a smaller slide is not enlarged.

        Returns:
            uint8 (rows, columns, 3), and the level-0 pixels per pixel of it.

        Raises:
            ValueError: `longest_px` is below 1.
            radiokit.io.UnreadableFileError: a part of the file is damaged or missing.
        """
        if longest_px < 1:
            raise ValueError(f"longest_px is {longest_px}; it must be 1 or more.")
        downsample = max(1.0, max(self.size_px) / longest_px)
        size = [max(1, math.ceil(side / downsample - 1e-6)) for side in self.size_px]
        return read_area(self._source, (0.0, 0.0), size, downsample), downsample

    def to_srgb(self, pixels: np.ndarray) -> np.ndarray:
        """Turn the scanner's colours into sRGB by the file's ICC profile.

        Use it to show slides of several scanners alike. Without a profile nothing changes, which
        a note of the slide says.

        Args:
            pixels: uint8 (rows, columns, 3), read from this slide.

        Returns:
            uint8 (rows, columns, 3).

        Raises:
            ValueError: the profile is damaged or not one of red, green and blue.
        """
        if self.icc_profile is None:
            return pixels
        with self._lock:
            self._to_srgb = self._to_srgb or make_srgb_transform(self.icc_profile)
        return apply_transform(self._to_srgb, pixels)
