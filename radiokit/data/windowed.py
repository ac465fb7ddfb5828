"""The image of a row, through windows where it is a CT, as it is where it is a picture."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError, check_file
from radiokit.io.ct import CtSlice, read_ct_slice
from radiokit.io.dicom_values import looks_like_dicom
from radiokit.io.geometry import fit_placement, place_image
from radiokit.io.rasters import read_raster
from radiokit.io.volumes import read_canonical_slice
from radiokit.io.windows import Window, window_channels

HEADER_WINDOW = "header"
_VOLUME = re.compile(r"\.(nii|hdr)(\.gz)?$", re.IGNORECASE)
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def is_volume(path: str | Path) -> bool:
    """Whether a file is a NIfTI volume, by its ending.

    Args:
        path: the file.

    Returns:
        True for `.nii`, `.nii.gz` and `.hdr`.
    """
    return _VOLUME.search(str(path)) is not None


def read_windowed_image(row, image_shape: Sequence[int], windows: Sequence[Window]) -> np.ndarray:
    """The image of a row at the network's size; see `read_windowed_pixels`.

    Use it in the reader of a training. The aspect ratio is kept by padding with black.

    Args:
        row: a row of a case table (Series or dict) with `image`.
        image_shape: target height and width in pixels (further axes are not looked at).
        windows: as for `read_windowed_pixels`.

    Returns:
        (H, W, len(windows)) float32 in 0..1.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
        ValueError: windows that are none, or a colour picture for another number of windows.
    """
    pixels = read_windowed_pixels(row, windows)
    placed = place_image(pixels, fit_placement(pixels.shape[:2], tuple(image_shape[:2])))
    return np.clip(placed, 0, 1)  # rounding of means may pass 1


def read_windowed_pixels(row, windows: Sequence[Window]) -> np.ndarray:
    """The image of a row at its own size, a channel a window.

    A DICOM file or a slice of a volume is brought to Hounsfield units and goes through the windows.
    A picture has been through its window already: its values are divided by that of white; a grey
    one fills all channels alike, a coloured one has a window in each of three channels, or gives
    its luminance where one is asked for.

    Args:
        row: a row with `image`; of a volume also `axis` and `slice_index`.
        windows: names of `radiokit.io.windows.WINDOWS`, pairs of centre and width in HU, or
            "header": the first window that a DICOM file itself asks for.

    Returns:
        (rows, columns, len(windows)) float32 in 0..1.

    Raises:
        FileNotFoundError: the file is not there.
        radiokit.io.UnreadableFileError: the file cannot be read, or names no window of its own.
        ValueError: windows that are none, or a colour picture for another number of windows.
    """
    path = Path(row["image"])
    if is_volume(path):
        hu = read_canonical_slice(path, int(row["axis"]), int(row["slice_index"]))
        return window_channels(hu, windows)
    if looks_like_dicom(check_file(path)):
        image = read_ct_slice(path)
        return window_channels(image.hu, [_own_window(image, path, one) for one in windows])
    return _picture_channels(path, len(windows))


def _own_window(image: CtSlice, path: Path, window: Window) -> Window:
    """The first window of the header in place of "header"."""
    if window != HEADER_WINDOW:
        return window
    if not image.window_centers:
        remedy = "Choose a window by name, such as brain."
        raise UnreadableFileError(path, "its header names no window", remedy)
    return image.window_centers[0], max(image.window_widths[0], 1)


def _picture_channels(path: Path, count: int) -> np.ndarray:
    """A picture's own values in as many channels as windows were asked for."""
    raster = read_raster(path)
    fractions = np.divide(raster.pixels, np.float32(raster.max_value), dtype=np.float32)
    if fractions.ndim == 3 and count == 3:
        return fractions
    if fractions.ndim == 3 and count != 1 and (fractions != fractions[..., :1]).any():
        raise ValueError(
            f"{path} is a coloured picture, which has 3 channels; {count} windows were asked for. "
            "Ask for 3, or for 1 to get its luminance."
        )
    grey = fractions if fractions.ndim == 2 else fractions @ _LUMINANCE
    return np.repeat(grey[..., None], count, axis=-1)
