"""Windows of CT: which Hounsfield units become black, which white, and what lies between."""

from collections.abc import Sequence

import numpy as np

from radiokit.io.lookups import apply_window

# Centre and width in HU. Brain, subdural and bone as in the study; stroke and soft tissue within
# the usual ranges (40/40 or 32/8, and 20 to 60/350 to 400).
WINDOWS = {
    "brain": (40.0, 80.0),
    "subdural": (80.0, 200.0),
    "bone": (600.0, 2800.0),
    "stroke": (40.0, 40.0),
    "soft_tissue": (50.0, 350.0),
}

Window = str | tuple[float, float]


def window_hu(hu: np.ndarray, center_hu: float, width_hu: float) -> np.ndarray:
    """Show a range of Hounsfield units as 0..1 (DICOM C.11.2.1.2, LINEAR).

    When to use: for a picture, for a network's input, and on a range of HU to draw the window
    itself as a curve. What lies below the window becomes 0, above it 1: not to be undone.

    Args:
        hu: Hounsfield units, any shape.
        center_hu: the middle of the window, in HU.
        width_hu: from black to white, in HU; at least 1.

    Returns:
        float32 in 0..1, in the shape of `hu`.

    Raises:
        ValueError: the width is less than 1 HU, or a number is not finite.

    >>> window_hu(np.array([-1000.0, 0.0, 39.5, 79.0, 1000.0]), center_hu=40, width_hu=80)
    array([0. , 0. , 0.5, 1. , 1. ], dtype=float32)
    """
    if not np.isfinite([center_hu, width_hu]).all():
        raise ValueError(f"Window {center_hu}/{width_hu} is not finite. Give two numbers in HU.")
    return apply_window(np.asarray(hu), center_hu, width_hu)


def window_channels(
    hu: np.ndarray, windows: Sequence[Window] = ("brain", "subdural", "bone")
) -> np.ndarray:
    """Show one slice through several windows, one a channel.

    When to use: to give a network of three channels what a radiologist looks at in turn.

    Args:
        hu: (rows, columns) Hounsfield units.
        windows: names of `WINDOWS`, or pairs of centre and width in HU.

    Returns:
        (rows, columns, len(windows)) float32 in 0..1.

    Raises:
        ValueError: no window, an unknown name, or no pair of numbers.

    >>> window_channels(np.zeros((2, 2)), ["brain", (0, 100)]).shape
    (2, 2, 2)
    """
    pairs = [window_pair(window) for window in check_windows(windows)]
    return np.stack([window_hu(hu, *pair) for pair in pairs], axis=-1)  # (H, W, C)


def window_pair(window: Window) -> tuple[float, float]:
    """Centre and width of a window given by name or by numbers.

    When to use: wherever a reader may write either.

    Args:
        window: a name of `WINDOWS`, or centre and width in HU.

    Returns:
        Centre and width in HU.

    Raises:
        ValueError: an unknown name, or no pair of numbers.

    >>> window_pair("subdural")
    (80.0, 200.0)
    """
    if isinstance(window, str):
        if window not in WINDOWS:
            raise ValueError(
                f"There is no window {window!r}. Choose {', '.join(WINDOWS)}, or give centre and "
                "width in HU, for instance (40, 80)."
            )
        return WINDOWS[window]
    try:
        center, width = (float(number) for number in window)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A window is a name or a pair of centre and width in HU, not {window!r}. Give "
            f"{', '.join(WINDOWS)}, or for instance (40, 80)."
        ) from error
    return center, width


def check_windows(windows: Sequence[Window]) -> list[Window]:
    """Make sure that windows are a list with something in it.

    When to use: at the start of a function that takes windows, before any file is read.

    Args:
        windows: names of `WINDOWS`, or pairs of centre and width in HU.

    Returns:
        The windows as a list.

    Raises:
        ValueError: one name alone, nothing, an unknown name, or no pair of numbers.
    """
    if isinstance(windows, str) or not len(windows):
        raise ValueError(
            f"Windows are a list of one or more, not {windows!r}. Give for instance "
            "('brain', 'subdural', 'bone') or ('brain',)."
        )
    for window in windows:
        window_pair(window)
    return list(windows)
