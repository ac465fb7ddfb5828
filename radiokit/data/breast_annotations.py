"""Outlines on slides, whichever program drew them: Aperio ImageScope, ASAP or QuPath."""

from collections.abc import Mapping
from pathlib import Path

from radiokit.data.breast_aperio import read_aperio_mpp, read_aperio_xml
from radiokit.data.breast_asap import CAMELYON_NAMES, read_asap_xml
from radiokit.data.breast_geojson import read_geojson
from radiokit.data.breast_regions import Region
from radiokit.io import UnreadableFileError, check_file

__all__ = [
    "CAMELYON_NAMES",
    "read_aperio_mpp",
    "read_aperio_xml",
    "read_asap_xml",
    "read_geojson",
    "read_regions",
]


def read_regions(
    path: str | Path, names: Mapping[str, str] | None = None, left_out: list[str] | None = None
) -> tuple[Region, ...]:
    """Read outlines, whichever of the three programs wrote them.

    Use it for a slide's annotation; the content decides, not the ending.

    Args:
        path: XML of Aperio ImageScope (as BACH) or of ASAP (as CAMELYON), or GeoJSON of QuPath.
        names: classes of further names, such as `{"Tumor": "invasive", "Necrosis": "background"}`;
            "" stands for regions without a name, "background" for those not to be drawn, "hole"
            for those to be cut out of the region around them.
        left_out: a sentence is added for each outline that encloses no area, each arrow, ruler or
            point, and each hole that lies in no region; None: these raise.

    Returns:
        Regions in the order of the file.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: neither format, damaged (with the line), an unknown class,
            or what `left_out` lists.
        ValueError: `names` maps to no class.
    """
    path = check_file(path)
    with path.open("rb") as stream:
        start = stream.read(4096).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start[:1] in (b"{", b"["):
        return read_geojson(path, names, left_out)
    if start[:1] == b"<":
        read = read_asap_xml if b"<ASAP_Annotations" in start else read_aperio_xml
        return read(path, names, left_out)
    raise UnreadableFileError(
        path,
        "it is neither XML nor JSON",
        "Give the XML of Aperio ImageScope or ASAP, or GeoJSON exported from QuPath.",
    )
