"""What OME-XML says of a slide: size of a pixel, objective, and the channels."""

import xml.etree.ElementTree as ElementTree

_UM_PER_UNIT = {
    "µm": 1.0,
    "μm": 1.0,  # the Greek letter, where OME has the micro sign
    "um": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "pm": 1e-6,
    "Å": 1e-4,
}
_PURE_COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_NAMES = ("r", "g", "b")


def is_ome_text(description: str) -> bool:
    """Whether the description of a TIFF's first page is OME-XML.

    Args:
        description: of the page.

    Returns:
        True for OME.

    >>> is_ome_text('<?xml version="1.0"?><OME xmlns="..."></OME>')
    True
    """
    return description.lstrip().startswith("<") and description.rstrip()[-4:] == "OME>"


def read_ome_properties(text: str, size_px: tuple[int, int]) -> dict[str, str]:
    """Size of a pixel in microns and magnification, under names that begin with `ome.`.

    Args:
        text: OME-XML.
        size_px: width and height of the slide's finest level. A file may describe several images,
            an overview before the slide among them; the one of this size is meant, or the first.

    Returns:
        What of `ome.PhysicalSizeX`, `ome.PhysicalSizeY` and `ome.NominalMagnification` is said;
        a unit that is no length is as good as nothing said.
    """
    root = _parsed(text)
    found = {}
    image = _image_of(root, size_px)
    pixels = _first(image, "Pixels")
    for axis in "XY":
        size = pixels.get(f"PhysicalSize{axis}") if pixels is not None else None
        factor = _UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm")) if size else None
        if factor is not None:
            found[f"ome.PhysicalSize{axis}"] = repr(float(size) * factor)
    objective = _objective_of(root, image)
    if objective is not None and objective.get("NominalMagnification"):
        found["ome.NominalMagnification"] = objective.get("NominalMagnification")
    return found


def has_rgb_channels(text: str, size_px: tuple[int, int]) -> bool:
    """Whether three grey channels of an OME-TIFF are red, green and blue.

    Use it for files that keep the colours of a slide on a page each, unlike those of probability
    maps or of fluorescence.

    Args:
        text: OME-XML.
        size_px: as for `read_ome_properties`.

    Returns:
        True where the channels' colours are the three pure ones, or they are named so, or nothing
        is said of them at all.
    """
    image = _image_of(_parsed(text), size_px)
    channels = [element for element in image.iter() if _tag(element) == "Channel"]
    if len(channels) != 3:
        return False
    colours = [channel.get("Color") for channel in channels]
    names = [(channel.get("Name") or "").lower() for channel in channels]
    if any(colours):
        return tuple(_rgb(colour) for colour in colours) == _PURE_COLOURS and _may_be(names)
    return _may_be(names)


def _may_be(names: list[str]) -> bool:
    full = ("red", "green", "blue")
    return not any(names) or tuple(names) in (_NAMES, full)


def _rgb(colour: str | None) -> tuple[int, ...] | None:
    """OME's signed integer of red, green, blue and opacity."""
    try:
        return tuple(int(colour or "-1").to_bytes(4, "big", signed=True))[:3]
    except (ValueError, OverflowError):
        return None


def _parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def _image_of(root: ElementTree.Element, size_px: tuple[int, int]) -> ElementTree.Element:
    """The Image of this width and height, else the first, else all there is."""
    images = [element for element in root.iter() if _tag(element) == "Image"]
    for image in images:
        pixels = _first(image, "Pixels")
        sizes = [pixels.get(name) for name in ("SizeX", "SizeY")] if pixels is not None else []
        if sizes == [str(length) for length in size_px]:
            return image
    return images[0] if images else root


def _objective_of(
    root: ElementTree.Element, image: ElementTree.Element
) -> ElementTree.Element | None:
    """The objective that an image names, else the first of the file."""
    settings = _first(image, "ObjectiveSettings")
    for element in root.iter():
        if _tag(element) == "Objective" and settings is not None:
            if element.get("ID") == settings.get("ID"):
                return element
    return _first(root, "Objective")


def _first(root: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next((element for element in root.iter() if _tag(element) == name), None)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
