"""What the readers of slide annotations share: outlines, holes, and safe XML."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from radiokit.data.breast_names import HOLE
from radiokit.data.breast_regions import Region
from radiokit.io import UnreadableFileError, brief, check_file

_PROBES = 64  # points of a hole that are tried against a region


def to_numbers(rows: Sequence, path: Path, where: str) -> np.ndarray:
    """Rows of numbers, all finite.

    Use it on what a file says of points, as numbers or as text.

    Args:
        rows: pairs or triples.
        path: the file, for the message.
        where: such as "region 3".

    Returns:
        float64 (N, 2) or (N, 3); (0, 2) without rows.

    Raises:
        radiokit.io.UnreadableFileError: something is no finite number.
    """
    try:
        if len({len(row) for row in rows}) > 1:
            raise ValueError("points of different lengths")
        numbers = np.array(list(map(float, chain.from_iterable(rows))), np.float64)
        numbers = numbers.reshape(len(rows), -1 if len(rows) else 2)
    except (TypeError, ValueError) as error:
        raise UnreadableFileError(
            path,
            f"{where} has a point without x and y numbers ({brief(error)})",
            "Mend this region in the program that drew it, or export it again.",
        ) from error
    if not np.isfinite(numbers).all() or numbers.shape[1] < 2:
        raise UnreadableFileError(
            path, f"{where} has a point that is not finite", "Draw or export this region again."
        )
    return numbers


def to_outline(points: Sequence, path: Path, where: str) -> np.ndarray:
    """Points of an outline, finite and without the repeated last one.

    Use it on what a file says; `has_area` tells whether it encloses anything.

    Args:
        points: pairs of numbers or of text.
        path: the file, for the message.
        where: such as "region 3".

    Returns:
        (N, 2) float64.

    Raises:
        radiokit.io.UnreadableFileError: a point is no pair of finite numbers.
    """
    outline = to_numbers(points, path, where)
    if len(outline) > 1 and (outline[0] == outline[-1]).all():
        return outline[:-1]
    return outline


def has_area(outline: np.ndarray) -> bool:
    """Whether an outline has three points that do not lie on one line.

    Use it before an outline becomes a region.

    Args:
        outline: (N, 2) x and y.

    Example:
        >>> has_area(np.array([(0, 0), (2, 0), (1, 1)])), has_area(np.array([(0, 0), (9, 9)]))
        (True, False)
    """
    return len(outline) > 2 and bool(np.linalg.matrix_rank(outline[1:] - outline[0]) == 2)


def refuse(path: Path, sentence: str, left_out: list[str] | None) -> None:
    """List what cannot be drawn, or raise where nobody lists it.

    Use it for outlines without area, arrows, rulers and points.

    Args:
        path: the file.
        sentence: what was found, such as "region 3 (benign) has 2 points, which enclose no area".
        left_out: the sentence is added here; None raises it.

    Raises:
        radiokit.io.UnreadableFileError: `left_out` is None.
    """
    if left_out is None:
        remedy = "Delete or draw it again there, or give left_out=[] to leave out and list such."
        raise UnreadableFileError(path, sentence, remedy)
    left_out.append(f"{path.name}: {sentence}")


def sort_in(
    label: str,
    place: tuple[Path, str],
    points: np.ndarray,
    regions: list[Region],
    holes: list[tuple[str, np.ndarray]],
    left_out: list[str] | None,
) -> None:
    """Put an outline among the regions or the holes of a file.

    Use it for formats that draw holes as outlines of their own, before `cut_holes`.

    Args:
        label: from `class_of`; "background" goes nowhere.
        place: the file, and such as "region 3".
        points: from `to_outline`.
        regions: a region is added here.
        holes: place and outline are added here.
        left_out: as in `refuse`, for an outline without area.

    Raises:
        radiokit.io.UnreadableFileError: it has no area, and `left_out` is None.
    """
    path, where = place
    if label == "background":
        return
    if not has_area(points):
        said = f"{where} ({label}) has {len(points)} points, which enclose no area"
        refuse(path, said, left_out)
    elif label == HOLE:
        holes.append((where, points))
    else:
        regions.append(Region(label, points))


def cut_holes(
    regions: Sequence[Region],
    holes: Sequence[tuple[str, np.ndarray]],
    path: Path,
    left_out: list[str] | None,
) -> tuple[Region, ...]:
    """Regions with each hole given to the smallest region around it.

    Use it for formats that draw holes as outlines of their own.

    Args:
        regions: of one file or layer.
        holes: place in the file, such as "region 4", and outline.
        path: the file, for messages.
        left_out: as in `refuse`, for holes that lie in no region.

    Returns:
        Regions in their order.

    Raises:
        radiokit.io.UnreadableFileError: a hole lies in no region, and `left_out` is None.
    """
    cuts = [[] for _ in regions]
    for where, hole in holes:
        around = [i for i, region in enumerate(regions) if _lies_in(hole, region.points)]
        if around:
            smallest = min(around, key=lambda i: cv2.contourArea(_contour(regions[i].points)))
            cuts[smallest].append(hole)
        else:
            refuse(path, f"{where} is a hole that lies in no region", left_out)
    return tuple(
        replace(region, holes=(*region.holes, *more))
        for region, more in zip(regions, cuts, strict=True)
    )


def _contour(outline: np.ndarray) -> np.ndarray:
    return outline.astype(np.float32)[:, None, :]  # (N, 1, 2)


def _lies_in(hole: np.ndarray, outline: np.ndarray) -> bool:
    """Whether more than half of a hole's points lie in an outline or on it."""
    if (hole.max(axis=0) < outline.min(axis=0)).any() or (
        hole.min(axis=0) > outline.max(axis=0)
    ).any():
        return False
    probes = hole[:: max(1, len(hole) // _PROBES)]
    contour = _contour(outline)
    inside = [cv2.pointPolygonTest(contour, (float(x), float(y)), False) >= 0 for x, y in probes]
    return 2 * sum(inside) > len(probes)


def parse_xml(path: Path, program: str) -> ElementTree.Element:
    """Root of an XML file that declares no entities of its own.

    Use it instead of the parser: a few lines of nested entities can fill the memory, and external
    ones can read other files.

    Args:
        path: the file.
        program: who writes such files, for the message.

    Returns:
        The root element.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: it is empty, no valid XML (with the line), or has a
            document type.
    """
    content = check_file(path).read_bytes()
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", content.replace(b"\0", b""), re.IGNORECASE):
        raise UnreadableFileError(
            path,
            "it declares a document type, which no annotation needs and which can be abused",
            f"Export it again from {program}.",
        )
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        line = f"line {error.position[0]}" if hasattr(error, "position") else "it"
        raise UnreadableFileError(
            path,
            f"{line} is no valid XML ({brief(error)})",
            f"Copy it again, or export it again from {program}.",
        ) from error
