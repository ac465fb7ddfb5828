"""Pictures whose colour matters, and masks that a lossy file has blurred."""

from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError
from radiokit.io.rasters import read_raster


def read_colour_picture(path: str | Path) -> np.ndarray:
    """Read a picture as red, green and blue.

    Use it for photographs and for tiles of stained tissue; for radiographs `read_radiograph`.

    Args:
        path: a PNG, JPEG, TIFF, GIF or BMP of one page.

    Returns:
        (rows, columns, 3) float32 in 0..1; of a grey picture three equal channels.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: another kind of file, damaged, or of unknown white.
    """
    raster = read_raster(path)
    pixels = raster.pixels if raster.pixels.ndim == 3 else np.stack([raster.pixels] * 3, axis=-1)
    lowest, highest = float(pixels.min()), float(pixels.max())
    if not 0 <= lowest <= highest <= raster.max_value:
        raise UnreadableFileError(
            Path(path),
            f"its values run from {lowest:g} to {highest:g}, so that white is unknown",
            "Save it as 8 or 16 bit without sign, or as fractions from 0 to 1.",
        )
    return np.divide(pixels, np.float32(raster.max_value), dtype=np.float32)


def read_mask_levels(path: str | Path) -> np.ndarray:
    """Read a mask as grey values, whatever became of its labels.

    Use it with a threshold, for masks stored as JPEG or with soft edges; whole labels are read by
    `radiokit.io.rasters.read_label_mask`.

    Args:
        path: a PNG, JPEG, TIFF, GIF or BMP of one page.

    Returns:
        (rows, columns) float32, the file's values; of colour the mean of its channels.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: another kind of file, or damaged.
    """
    pixels = read_raster(path).pixels.astype(np.float32)
    return pixels if pixels.ndim == 2 else pixels.mean(axis=-1)
