"""Outlines of the left ventricle as Sunnybrook publishes them: text files, and their masks."""

from pathlib import Path

import cv2
import numpy as np

from radiokit.io import UnreadableFileError, brief, check_file

MAX_OUTSIDE_FRACTION = 0.02
_AS_PUBLISHED = 'A contour file has one point a line, "x y" in pixels, three points or more.'


def read_contour(path: str | Path) -> np.ndarray:
    """Read one contour file, such as `IM-0001-0048-icontour-manual.txt`.

    Use it for inner (`icontour`) and outer (`ocontour`) outlines; `fill_contour` makes the mask.

    Args:
        path: text file, two numbers a line, parted by blanks or a comma.

    Returns:
        (points, 2) float64: x (column) and y (row) in pixels of the image, as written.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: a line is not two numbers, or there are fewer than three.
    """
    path = check_file(path)
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    points = [
        _point(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if len(points) < 3:
        reason = f"it has {len(points)} points, which enclose no area"
        raise UnreadableFileError(path, reason, _AS_PUBLISHED)
    return np.array(points, np.float64)


def _point(line: str, number: int, path: Path) -> tuple[float, float]:
    """x and y of one line."""
    try:
        x, y = map(float, line.replace(",", " ").split())
    except ValueError as error:
        reason = f"line {number} is {line.strip()[:40]!r}, not two numbers"
        raise UnreadableFileError(path, reason, _AS_PUBLISHED) from error
    if not np.isfinite((x, y)).all() or min(x, y) < 0:
        reason = f"line {number} is {line.strip()[:40]!r}, no place in an image"
        raise UnreadableFileError(path, reason, _AS_PUBLISHED)
    return x, y


def fill_contour(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask of an outline: the line belongs to the structure.

    Use it on the image's own grid. The top left corner of the image is (0, 0) and pixel `i` covers
    `[i, i + 1)`. Each point stands for the pixel it lies in, and the mask holds the pixels whose
    centre is inside or on the polygon through the centres of those pixels. Coordinates are
    published in steps of half a pixel, so that this is "every pixel the line enters, and all
    within".

    The masks in circulation are made so, and these agree with them pixel by pixel. Two things to
    know before volumes are quoted: the blood pool comes out about 6 % larger than the polygon's
    area, and the steepest edges of the images lie about one pixel up and to the left of it, as if
    the coordinates counted from 1 (see the traps of the card).

    Args:
        points: (points, 2) x and y in pixels, in order; the last joins the first.
        shape: rows and columns of the image in pixels.

    Returns:
        Boolean (rows, columns).

    Raises:
        ValueError: a point lies outside the image.

    Example:
        >>> fill_contour(np.array([(1, 1), (3.5, 1), (3.5, 2.5), (1, 2.5)]), (4, 5)).astype(int)
        array([[0, 0, 0, 0, 0],
               [0, 1, 1, 1, 0],
               [0, 1, 1, 1, 0],
               [0, 0, 0, 0, 0]])
    """
    pixels = np.floor(np.asarray(points, np.float64)).astype(np.int32)
    if pixels.min() < 0 or (pixels.max(axis=0) >= (shape[1], shape[0])).any():
        raise ValueError(
            f"an outline reaches x {points[:, 0].max():g}, y {points[:, 1].max():g}, its image is "
            f"only {shape[1]}x{shape[0]} pixels wide x high; find the image it was drawn on"
        )
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [pixels], 1)  # whole-number corners: inside or on the line, exactly
    return mask.astype(bool)


def read_contour_mask(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read one contour file to a mask on its image's grid; see `fill_contour`.

    Use it where the points themselves are not needed.

    Args:
        path: text file as for `read_contour`.
        shape: rows and columns of the image in pixels.

    Returns:
        Boolean (rows, columns).

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as `read_contour`, or a point lies outside the image.
    """
    points = read_contour(path)
    try:
        return fill_contour(points, shape)
    except ValueError as error:
        remedy = "Contours count pixels of the published images; a resized copy does not fit."
        raise UnreadableFileError(path, brief(error), remedy) from error


def outside_fraction(inner: np.ndarray, outer: np.ndarray) -> float:
    """How much of the inner outline's area lies outside the outer one.

    Use it to find misplaced outlines: the wall of the ventricle surrounds its blood. Well-placed
    pairs of Sunnybrook stay below 0.003; more than `MAX_OUTSIDE_FRACTION` (0.02) is a defect.

    Args:
        inner: boolean mask of the inner outline, not empty.
        outer: boolean mask of the outer outline, same shape.

    Returns:
        Fraction of the inner area, 0..1.
    """
    return float((inner & ~outer).sum() / inner.sum())
