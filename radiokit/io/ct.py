"""One slice of a CT in Hounsfield units, and the header of one without its pixels.

Hounsfield units are only as right as slope, intercept and padding are understood: what cannot be
read as HU is refused, what had to be repaired is said in `notes`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from scipy import ndimage

from radiokit.io import UnreadableFileError
from radiokit.io.ct_header import (
    CT_HEADER_COLUMNS,
    check_ct_header,
    first_number,
    header_numbers,
    read_ct_header,
)
from radiokit.io.dicom import DicomImage, read_dicom

__all__ = ["AIR_HU", "CT_HEADER_COLUMNS", "CtSlice", "read_ct_header", "read_ct_slice"]

INVENTED_UID = "Invalid value for VR UI"  # anonymised files carry names such as ID_1b8ac55df
AIR_HU = -1024.0  # the least that twelve bits hold; what is stored below it is no measurement
_SMALL_INTERCEPT = 100  # HU; a file that needs no negative values has about -1000
_AIR_SHARE = 0.05  # of the pixels; metal never fills so much of a slice with so few values
_AIR_BAND = 224  # HU above -1024: air and its noise
_NO_AIR_HU = -200.0
_TISSUE_HU = (-900.0, 3000.0)  # padding in here would cut holes into the patient


@dataclass(frozen=True, eq=False)
class CtSlice:
    """One slice of a CT.

    Args:
        hu: float32 (rows, columns), Hounsfield units; padding and all below -1024 is -1024.
        is_padding: bool (rows, columns), True outside the reconstructed field; None where the
            file declares no padding.
        spacing_mm: (row, column) pixel size in mm, or None.
        position_mm: x, y, z of the first pixel's centre in the patient (to the left, the back,
            the head), in mm, or None.
        orientation: direction of a row, then of a column, as six cosines, or None.
        thickness_mm: of the slice, or None.
        gantry_tilt_degrees: as the header declares it, or None.
        window_centers: the header's own windows, in HU; empty where there are none.
        window_widths: in HU, as many as centres.
        patient_id: as in the file.
        study_uid: of the exam.
        series_uid: of the series.
        sop_uid: of this image.
        instance_number: of this image in its series, or None.
        notes: what was assumed, repaired or ignored while reading, sentences.
    """

    hu: np.ndarray
    is_padding: np.ndarray | None
    spacing_mm: tuple[float, float] | None
    position_mm: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    thickness_mm: float | None
    gantry_tilt_degrees: float | None
    window_centers: tuple[float, ...]
    window_widths: tuple[float, ...]
    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str
    instance_number: int | None
    notes: tuple[str, ...]


def read_ct_slice(path: str | Path) -> CtSlice:
    """Read one slice of a CT in Hounsfield units.

    When to use: whenever grey values of a CT are to mean something. A missing window is no error:
    choose one of `radiokit.io.windows.WINDOWS`.

    Unsigned files whose negative values wrapped around (air stored as 3096 of 4096, a known trap
    of the RSNA haemorrhage set) are recognised by their pixels, repaired, and noted. The published
    repair adds 1000, takes 4096 from what reaches it, and takes the 1000 away again.

    Args:
        path: a DICOM file of a CT, compressed or not.

    Returns:
        The slice with its place in the patient.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: no CT, a scout, a screen capture, another unit than HU, without
            RescaleSlope or RescaleIntercept, or not readable at all (`read_dicom` says why).
    """
    try:
        image = read_dicom(path)
    except UnreadableFileError:
        read_ct_header(path)  # the header alone may say more plainly why
        raise
    header = image.header
    check_ct_header(Path(path), header)
    notes = [note for note in image.notes if not note.startswith(INVENTED_UID)]
    hu, is_padding = _clean(image, notes)
    return CtSlice(
        hu=hu,
        is_padding=is_padding,
        spacing_mm=image.spacing_mm,
        window_centers=image.window_centers,
        window_widths=image.window_widths,
        patient_id=image.patient_id,
        study_uid=image.study_uid,
        series_uid=image.series_uid,
        sop_uid=image.sop_uid,
        notes=tuple(notes),
        **_place(header),
    )


def _place(header: pydicom.Dataset) -> dict[str, object]:
    """Where the slice lies, as far as the header tells."""
    position = header_numbers(header, "ImagePositionPatient")
    orientation = header_numbers(header, "ImageOrientationPatient")
    number = first_number(header, "InstanceNumber")
    return {
        "position_mm": position if len(position) == 3 else None,
        "orientation": orientation if len(orientation) == 6 else None,
        "thickness_mm": first_number(header, "SliceThickness"),
        "gantry_tilt_degrees": first_number(header, "GantryDetectorTilt"),
        "instance_number": None if number is None else int(number),
    }


def _clean(image: DicomImage, notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """HU without wrap-around, without padding and without what lies below air."""
    hu, is_padding = image.pixels, image.is_padding
    bits = _wrapped_bits(image)
    if bits:
        is_padding = _wrapped_padding(image, bits)
        hu = np.where(_stored(image) >= _first_negative(bits), hu - 2**bits, hu)
        notes.append(
            f"Negative values had wrapped around {2**bits}: {2**bits} was taken from stored values "
            f"of {_first_negative(bits)} and more."
        )
    if is_padding is not None:
        is_padding = _outer_padding(hu, is_padding, notes)
        hu = np.where(is_padding, np.float32(AIR_HU), hu)
    if not (hu if is_padding is None else hu[~is_padding]).min(initial=np.inf) < _NO_AIR_HU:
        notes.append("There is no air: check that its RescaleIntercept is right.")
    return np.maximum(hu, np.float32(AIR_HU)), is_padding


def _wrapped_bits(image: DicomImage) -> int:
    """How many bits negative values wrapped around in; 0 where they did not.

    A correct unsigned file brings air to -1000 by its intercept. Without one, values that pile up
    just where -1024 to -800 would wrap to are the air of a signed image.
    """
    header = image.header
    bits, is_signed = (int(header.get(k) or 0) for k in ("BitsStored", "PixelRepresentation"))
    slope, intercept = (first_number(header, f"Rescale{part}") for part in ("Slope", "Intercept"))
    if bits < 12 or is_signed or slope != 1 or abs(intercept) >= _SMALL_INTERCEPT:
        return 0
    air = _stored(image) - (2**bits + AIR_HU)
    return bits if np.mean((air >= 0) & (air < _AIR_BAND)) >= _AIR_SHARE else 0


def _first_negative(bits: int) -> int:
    """Twelve bits hold -1024 to 3071 HU; of more bits the upper half is negative."""
    return 2**bits + int(AIR_HU) if bits == 12 else 2 ** (bits - 1)


def _stored(image: DicomImage) -> np.ndarray:
    """Stored values of an image of slope 1."""
    return image.pixels - np.float32(first_number(image.header, "RescaleIntercept"))


def _wrapped_padding(image: DicomImage, bits: int) -> np.ndarray | None:
    """Declared padding wrapped like everything else; undeclared one fills all corners alike."""
    stored, declared = _stored(image), image.header.get("PixelPaddingValue")
    corners = {float(stored[row, column]) for row in (0, -1) for column in (0, -1)}
    if declared not in (None, ""):
        padding = int(declared) % 2**bits
    elif len(corners) == 1 and 2 ** (bits - 1) <= min(corners) < _first_negative(bits):
        padding = min(corners)
    else:
        return image.is_padding
    is_padding = stored == padding
    return is_padding if image.is_padding is None else is_padding | image.is_padding


def _outer_padding(hu: np.ndarray, is_padding: np.ndarray, notes: list[str]) -> np.ndarray:
    """Padding without holes in the patient: a value of tissue is padding only around the slice."""
    doubtful = is_padding & (hu > _TISSUE_HU[0]) & (hu < _TISSUE_HU[1])
    if not doubtful.any():
        return is_padding
    labels, _ = ndimage.label(doubtful)
    outer = np.unique(labels[[0, 0, -1, -1], [0, -1, 0, -1]])
    notes.append("The padding value is one of tissue: only what joins a corner was left out.")
    return (is_padding & ~doubtful) | np.isin(labels, outer[outer > 0])
