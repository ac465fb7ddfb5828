"""Outlines as Aperio ImageScope writes them, and as BACH publishes them."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from radiokit.data.breast_names import HOLE, class_names, class_of, simple_name
from radiokit.data.breast_outlines import (
    cut_holes,
    parse_xml,
    refuse,
    sort_in,
    to_outline,
)
from radiokit.data.breast_regions import Region
from radiokit.io import UnreadableFileError

_ELLIPSE_POINTS = 360
_SHAPES = {"0": "outline", "1": "rectangle", "2": "ellipse"}


def read_aperio_xml(
    path: str | Path, names: Mapping[str, str] | None = None, left_out: list[str] | None = None
) -> tuple[Region, ...]:
    """Read outlines as Aperio ImageScope writes them, and as BACH publishes them.

    Use it for `A01.xml`. A region's class stands in its Attributes or its Text; where both are
    empty, in the name or attributes of its layer. Regions marked NegativeROA are
    holes of the smallest region of their layer around them. Rectangles and ellipses may have two
    corners only. Outlines need not be closed.

    Args:
        path: the XML file.
        names: as in `read_regions`.
        left_out: as in `read_regions`.

    Returns:
        Regions in the order of the file.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as in `read_regions`.
        ValueError: `names` maps to no class.
    """
    path, known = Path(path), class_names(names)
    root = _read_root(path)
    found = []
    for layer in root.iter("Annotation"):
        regions, holes = [], []
        for number, region in enumerate(layer.iter("Region"), start=1):
            where = f"region {region.get('Id') or number}"
            is_hole = region.get("NegativeROA", "0").strip() == "1"
            label = HOLE if is_hole else _label_of(region, layer, known, path, where)
            vertices = region.iterfind("Vertices/Vertex")
            points = to_outline([(v.get("X"), v.get("Y")) for v in vertices], path, where)
            shape = region.get("Type", "0").strip()
            if shape not in _SHAPES and len(points) < 3 and label != "background":
                refuse(path, f"{where} is an arrow, ruler or point (Type {shape})", left_out)
                continue
            points = _outline_of(points, _SHAPES.get(shape, "outline"))
            sort_in(label, (path, where), points, regions, holes, left_out)
        found += cut_holes(regions, holes, path, left_out)
    return tuple(found)


def read_aperio_mpp(path: str | Path) -> float | None:
    """The resolution that an Aperio annotation was drawn at.

    Use it where a slide does not say its own.

    Args:
        path: the XML file.

    Returns:
        µm per level-0 pixel, or None where the file does not say.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: no annotation of ImageScope.
    """
    text = _read_root(Path(path)).get("MicronsPerPixel", "")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value > 0 else None


def _read_root(path: Path) -> Element:
    root = parse_xml(path, "Aperio ImageScope")
    if root.tag != "Annotations":
        raise UnreadableFileError(
            path,
            f"its root is <{root.tag}>, not <Annotations>",
            "Give the XML that Aperio ImageScope writes beside a slide.",
        )
    return root


def _label_of(
    region: Element, layer: Element, known: Mapping[str, str], path: Path, where: str
) -> str:
    """Class of a region by its own names; by those of its layer where it has none."""
    names = [*_attributes(region), region.get("Text", "")]
    if not any(name.strip() for name in names):
        names = [layer.get("Name", ""), *_attributes(layer)]
    said = [name for name in names if simple_name(name) in known and name.strip()]
    if len({known[simple_name(name)] for name in said}) > 1:
        raise UnreadableFileError(
            path,
            f"{where} is both {' and '.join(map(repr, said))}",
            "Settle its class in ImageScope.",
        )
    return class_of(names, known, path, where)


def _attributes(element: Element) -> list[str]:
    return [each.get("Value", "") for each in element.iterfind("Attributes/Attribute")]


def _outline_of(points: np.ndarray, shape: str) -> np.ndarray:
    """Outline of a rectangle or ellipse that is given by the corners of its box."""
    is_box = shape == "rectangle" and len(points) == 2
    is_ellipse = shape == "ellipse" and len(points) in (2, 4)
    if not (is_box or is_ellipse):
        return points
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if is_box:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.array([left + right, top + bottom]) / 2 + circle * [right - left, bottom - top] / 2
