"""How phantom slides of the breast lie on disk: Aperio pyramids, outlines as XML, PNG, masks."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import cv2
import numpy as np
from skimage.draw import polygon

from radiokit.io.pyramids import write_pyramid

NAMES = {
    "benign": "Benign",
    "in_situ": "Carcinoma in situ",
    "invasive": "Invasive carcinoma",
}
TWO_STEPS_PX = 4096  # longer slides have levels of a quarter, shorter ones of a half


def write_slide(path: Path, pixels: np.ndarray, mpp_um: float, quality: int = 80) -> None:
    """Write a slide that OpenSlide opens as Aperio's, at the magnification of its resolution.

    Args:
        path: where to, ending in `.svs`.
        pixels: (rows, columns, 3) uint8.
        mpp_um: microns per pixel; 0.25 is called 40×, as scanners do.
        quality: of the JPEG.
    """
    factor = 4 if max(pixels.shape) > TWO_STEPS_PX else 2
    write_pyramid(
        path, pixels, mpp_um=mpp_um, magnification=10 / mpp_um, kind="aperio",
        quality=quality, factor=factor,
    )  # fmt: skip


def write_aperio_xml(
    path: Path, regions: Sequence, mpp_um: float, in_attributes: bool = False
) -> None:
    """Write outlines as BACH publishes them: one layer, whole pixels, holes as NegativeROA.

    Args:
        path: where to, ending in `.xml`.
        regions: `(label, points, holes)`: a key of `NAMES`, (N, 2) x and y in level-0 pixels,
            outlines cut out of it. None at all gives an empty layer.
        mpp_um: microns per pixel.
        in_attributes: the class stands in an Attribute of its region, not in its Text.
    """
    root = Element("Annotations", MicronsPerPixel=f"{mpp_um:.6f}")
    layer = SubElement(
        root, "Annotation", Id="1", Name="", ReadOnly="0", NameReadOnly="0", LineColorReadOnly="0",
        Incremental="0", Type="4", LineColor="65280", Visible="1", Selected="1",
        MarkupImagePath="", MacroName="",
    )  # fmt: skip
    attributes = SubElement(layer, "Attributes")
    SubElement(attributes, "Attribute", Name="Description", Id="0", Value="")
    drawn = SubElement(layer, "Regions")
    headers = SubElement(drawn, "RegionAttributeHeaders")
    for number, name in ((9999, "Region"), (9997, "Length"), (9996, "Area"), (9998, "Text")):
        SubElement(headers, "AttributeHeader", Id=str(number), Name=name, ColumnWidth="-1")
    for label, points, holes in regions:
        parent = _add_region(drawn, points, mpp_um, "0", "0")
        _name(parent, NAMES[label], in_attributes)
        for hole in holes:
            _name(_add_region(drawn, hole, mpp_um, "1", parent.get("Id")), "", False)
    SubElement(layer, "Plots")
    indent(root, "\t")
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=False)


def _add_region(
    drawn: Element, points: np.ndarray, mpp_um: float, negative: str, parent_id: str
) -> Element:
    """One outline in whole pixels, with its measures."""
    corners = np.round(points).astype(np.int32)
    length = cv2.arcLength(corners, True)
    area = cv2.contourArea(corners)
    number = str(len(drawn))  # the headers count as one
    region = SubElement(
        drawn, "Region", Id=number, Type="0", Zoom="0.05", Selected="0", ImageLocation="",
        ImageFocus="-1", Length=f"{length:.1f}", Area=f"{area:.1f}",
        LengthMicrons=f"{length * mpp_um:.1f}", AreaMicrons=f"{area * mpp_um**2:.1f}", Text="",
        NegativeROA=negative, InputRegionId=parent_id, Analyze="1", DisplayId=number,
    )  # fmt: skip
    SubElement(region, "Attributes")
    vertices = SubElement(region, "Vertices")
    for x, y in corners:
        SubElement(vertices, "Vertex", X=str(x), Y=str(y), Z="0")
    return region


def _name(region: Element, name: str, in_attributes: bool) -> None:
    """Say the class of an outline in one of two places."""
    if in_attributes:
        attributes = region.find("Attributes")
        SubElement(attributes, "Attribute", Name="9998", Id="0", Value=name)
    else:
        region.set("Text", name)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a mask, uint8 (rows, columns), as PNG with its values as they are."""
    path.write_bytes(cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write a picture, (rows, columns, 3) uint8 in RGB, as PNG."""
    write_mask(path, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


def draw_mask(outlines: Sequence, shape: tuple[int, int]) -> np.ndarray:
    """1 where a pixel's centre lies in an outline and in none of its holes: uint8 `shape`.

    Args:
        outlines: `(points, holes)`, (N, 2) x and y each, in pixels counted from the corner.
        shape: rows and columns.
    """
    mask = np.zeros(shape, np.uint8)
    for points, holes in outlines:
        inside = _fill(points, shape)
        for hole in holes:
            inside &= ~_fill(hole, shape)
        mask[inside] = 1
    return mask


def _fill(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    filled = np.zeros(shape, bool)
    filled[polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, shape)] = True
    return filled
