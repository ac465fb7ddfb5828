"""Outlines as ASAP writes them, and as CAMELYON publishes them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from radiokit.data.breast_names import HOLE, class_names, class_of
from radiokit.data.breast_outlines import (
    cut_holes,
    parse_xml,
    refuse,
    sort_in,
    to_numbers,
    to_outline,
)
from radiokit.data.breast_regions import Region
from radiokit.io import UnreadableFileError

CAMELYON_NAMES = {
    **{"_0": "invasive", "_1": "invasive", "_2": HOLE},
    **{"Tumor": "invasive", "Exclusion": HOLE, "metastases": "invasive", "normal": HOLE},
}
_SHAPES = ("polygon", "spline", "rectangle")


def read_asap_xml(
    path: str | Path, names: Mapping[str, str] | None = None, left_out: list[str] | None = None
) -> tuple[Region, ...]:
    """Read outlines as ASAP writes them, and as CAMELYON publishes them.

    Use it with `names=CAMELYON_NAMES` on CAMELYON, whose groups `_0`, `_1` and Tumor are tumour and
    whose `_2`, Exclusion and normal are cut out of it. The class is the annotation's group, else
    the group that this belongs to, and so on, else the annotation's own name.

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
    root = parse_xml(path, "ASAP")
    if root.tag != "ASAP_Annotations":
        raise UnreadableFileError(
            path,
            f"its root is <{root.tag}>, not <ASAP_Annotations>",
            "Give the XML that ASAP writes beside a slide.",
        )
    parents = {group.get("Name", ""): group.get("PartOfGroup", "") for group in root.iter("Group")}
    regions, holes = [], []
    for number, annotation in enumerate(root.iter("Annotation")):
        where = f"annotation {annotation.get('Name') or number}"
        if annotation.get("Type", "Polygon").casefold() not in _SHAPES:
            refuse(path, f"{where} is a {annotation.get('Type')}, not an outline", left_out)
            continue
        group = annotation.get("PartOfGroup", "")
        candidates = [*_groups(group, parents), annotation.get("Name", "")]
        label = class_of(candidates, known, path, where)
        corners = [
            (corner.get("Order", 0), corner.get("X"), corner.get("Y"))
            for corner in annotation.iter("Coordinate")
        ]
        corners = to_numbers(corners, path, where)  # (N, 3)
        points = to_outline(corners[np.argsort(corners[:, 0], kind="stable"), 1:], path, where)
        sort_in(label, (path, where), points, regions, holes, left_out)
    return cut_holes(regions, holes, path, left_out)


def _groups(group: str, parents: Mapping[str, str]) -> list[str]:
    """A group, the one it belongs to, and so on; "None" is ASAP's word for none."""
    chain = []
    while group and group != "None" and group not in chain:
        chain.append(group)
        group = parents.get(group, "")
    return chain
