"""Outlines as QuPath exports them, in GeoJSON."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from radiokit.data.breast_names import class_names, class_of
from radiokit.data.breast_outlines import cut_holes, has_area, refuse, sort_in, to_outline
from radiokit.data.breast_regions import Region
from radiokit.io import UnreadableFileError, brief, check_file

_REMEDY = "Export it again from QuPath: File, Export objects as GeoJSON."


def read_geojson(
    path: str | Path, names: Mapping[str, str] | None = None, left_out: list[str] | None = None
) -> tuple[Region, ...]:
    """Read outlines as QuPath exports them.

    Use it on a FeatureCollection, a list of features or one feature. The class is the name of the
    classification, else the name of the object. Each part of a MultiPolygon is a region; inner
    rings are its holes.

    Args:
        path: the GeoJSON file.
        names: as in `radiokit.data.breast_annotations.read_regions`.
        left_out: as there.

    Returns:
        Regions in the order of the file.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as in `read_regions`.
        ValueError: `names` maps to no class.
    """
    path, known = check_file(path), class_names(names)
    regions, holes = [], []
    for number, feature in enumerate(_read_features(path), start=1):
        where = f"feature {number}"
        geometry, properties = _parts_of(feature, path, where)
        label = class_of(_names_of(properties), known, path, where)
        polygons = _polygons(geometry, path, where, left_out) if label != "background" else []
        for rings in polygons:
            outer, *inner = [_ring(ring, path, where) for ring in rings] or [np.empty((0, 2))]
            cut = [ring for ring in inner if _is_drawn(ring, path, where, left_out)]
            drawn = []
            sort_in(label, (path, where), outer, drawn, holes, left_out)
            regions += [replace(region, holes=tuple(cut)) for region in drawn]
    return cut_holes(regions, holes, path, left_out)


def _read_features(path: Path) -> list:
    """The features of a file, whichever way they are wrapped."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # JSON's and Unicode's are ValueErrors
        reason = f"it is no valid JSON ({brief(error)})"
        raise UnreadableFileError(path, reason, _REMEDY) from error
    if isinstance(content, dict) and content.get("type") == "FeatureCollection":
        content = content.get("features")
    elif isinstance(content, dict) and content.get("type") == "Feature":
        content = [content]
    if not isinstance(content, list):
        reason = "it is neither a FeatureCollection nor a list of features"
        raise UnreadableFileError(path, reason, _REMEDY)
    return content


def _parts_of(feature: object, path: Path, where: str) -> tuple[dict, dict]:
    """Geometry and properties of a feature."""
    if isinstance(feature, dict):
        geometry, properties = feature.get("geometry"), feature.get("properties") or {}
        if isinstance(geometry, dict) and isinstance(properties, dict):
            return geometry, properties
    raise UnreadableFileError(path, f"{where} has no geometry", _REMEDY)


def _names_of(properties: dict) -> list[str]:
    """What may name a feature's class; a derived class of QuPath has several names."""
    classification = properties.get("classification") or {}
    if not isinstance(classification, dict):
        classification = {"name": classification}
    derived = classification.get("names") or []
    own = [classification.get("name"), ": ".join(map(str, derived))]
    return [str(name) for name in own if name] or [str(properties.get("name") or "")]


def _polygons(geometry: dict, path: Path, where: str, left_out: list[str] | None) -> list:
    """Rings of each polygon; none of points and lines."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        refuse(path, f"{where} is a {kind}, not an outline", left_out)
        return []
    polygons = [coordinates] if kind == "Polygon" else coordinates
    is_nested = isinstance(polygons, list) and all(isinstance(rings, list) for rings in polygons)
    if not is_nested:
        reason = f"{where} is a {kind} without lists of coordinates"
        raise UnreadableFileError(path, reason, _REMEDY)
    return polygons


def _is_drawn(ring: np.ndarray, path: Path, where: str, left_out: list[str] | None) -> bool:
    """Whether an inner ring encloses anything; if not, it is refused or listed."""
    if not has_area(ring):
        said = f"{where} has an inner ring of {len(ring)} points, which enclose no area"
        refuse(path, said, left_out)
        return False
    return True


def _ring(ring: object, path: Path, where: str) -> np.ndarray:
    """Points of a ring; a third coordinate does not count."""
    pairs = (
        [p[:2] if isinstance(p, list) else p for p in ring] if isinstance(ring, list) else [ring]
    )
    return to_outline(pairs, path, where)
