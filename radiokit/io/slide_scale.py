"""Microns per pixel, magnification and colour, from what a slide says about itself."""

import io
import math
import re

import numpy as np

_MPP_KEYS = (
    ("openslide.mpp-x", "openslide.mpp-y"),
    ("ome.PhysicalSizeX", "ome.PhysicalSizeY"),
    ("aperio.MPP", "aperio.MPP"),
)
_MAGNIFICATION_KEYS = ("openslide.objective-power", "ome.NominalMagnification", "aperio.AppMag")
_DESCRIPTION_KEY = "tiff.ImageDescription"
# Printers' resolutions, which programs write where they know none: 300 dots an inch are 85 µm.
_MOST_MPP_UM = 20.0
_UM_PER_UNIT = {"inch": 25_400.0, "centimeter": 10_000.0}
_ALIKE = 0.01


def check_mpp(mpp_um: float | None) -> None:
    """Refuse microns per pixel that no slide can have.

    Args:
        mpp_um: given by the user; None: not given.

    Raises:
        ValueError: not above 0.
    """
    if mpp_um is not None and not (math.isfinite(mpp_um) and mpp_um > 0):
        raise ValueError(f"mpp_um is {mpp_um}; microns per pixel must be above 0, 0.25 at 40x.")


def read_mpp_um(
    properties: dict[str, str], given_mpp_um: float | None = None
) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Microns per pixel of level 0, from the file's own words or else the user's.

    Args:
        properties: of the slide, named as OpenSlide names them.
        given_mpp_um: the user's word; it counts only where the file has none.

    Returns:
        (x, y) or None, and notes of what was doubted.
    """
    found = _mpp_in(properties)
    notes = []
    if found is not None and max(found) > _MOST_MPP_UM:
        notes.append(
            f"The file says {found[0]:.4g} microns per pixel, a printer's resolution and no "
            "microscope's: taken as unknown."
        )
        found = None
    if found is None:
        return (None if given_mpp_um is None else (float(given_mpp_um),) * 2), tuple(notes)
    if given_mpp_um is not None and abs(given_mpp_um / found[0] - 1) > _ALIKE:
        notes.append(
            f"mpp_um={given_mpp_um:g} was given, but the file says {found[0]:.4g}: the file's "
            "is used."
        )
    if abs(found[0] / found[1] - 1) > _ALIKE:
        notes.append(
            f"Pixels are not square: {found[0]:.4g} by {found[1]:.4g} microns. Resolutions refer "
            "to the mean of both."
        )
    return found, tuple(notes)


def _mpp_in(properties: dict[str, str]) -> tuple[float, float] | None:
    for keys in _MPP_KEYS:
        x, y = (_positive(properties.get(key)) for key in keys)
        if x or y:
            return x or y, y or x
    written = _positive(_in_description(properties, "MPP"))
    if written:
        return written, written
    unit = _UM_PER_UNIT.get(properties.get("tiff.ResolutionUnit", "").lower())
    x, y = (_positive(properties.get(f"tiff.{axis}Resolution")) for axis in "XY")
    return (unit / (x or y), unit / (y or x)) if unit and (x or y) else None


def read_magnification(properties: dict[str, str]) -> float | None:
    """Magnification of the objective that level 0 was scanned with.

    Args:
        properties: of the slide, named as OpenSlide names them.

    Returns:
        For instance 40; None where the file does not say.

    >>> read_magnification({"tiff.ImageDescription": "some scanner|AppMag = 20|MPP = 0.5"})
    20.0
    """
    for key in _MAGNIFICATION_KEYS:
        if _positive(properties.get(key)):
            return _positive(properties[key])
    return _positive(_in_description(properties, "AppMag"))


def _in_description(properties: dict[str, str], name: str) -> str | None:
    found = re.search(rf"\b{name}\s*=\s*([0-9.]+)", properties.get(_DESCRIPTION_KEY, ""))
    return found.group(1) if found else None


def _positive(text: str | None) -> float | None:
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def make_srgb_transform(icc_profile: bytes):
    """Prepare the turn of a slide's colours into sRGB.

    Args:
        icc_profile: of the slide.

    Returns:
        Pillow's transform, for `apply_transform`; it may serve several threads.

    Raises:
        ValueError: the profile is damaged or not one of red, green and blue.
    """
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (OSError, ImageCms.PyCMSError) as error:
        raise ValueError(
            f"The slide's ICC profile cannot be used ({error}). Work with the pixels as they are."
        ) from error


def apply_transform(transform, pixels: np.ndarray) -> np.ndarray:
    """Turn colours by a prepared transform.

    Args:
        transform: of `make_srgb_transform`.
        pixels: uint8 (rows, columns, 3).

    Returns:
        uint8 (rows, columns, 3).
    """
    from PIL import Image, ImageCms

    return np.array(ImageCms.applyTransform(Image.fromarray(pixels), transform))
