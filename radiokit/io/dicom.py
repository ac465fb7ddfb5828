"""One DICOM file to pixels with units, and those to what the screen would show.

Stored values → modality LUT or rescale (`pixels`, in `unit`) → VOI LUT or window → MONOCHROME1
inverted → `display_pixels`. Numbers such as C.11.2 are sections of the DICOM standard, part 3.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import UID

from radiokit.io import UnreadableFileError, brief, caught_warnings, check_file
from radiokit.io.dicom_values import (
    COPY_AGAIN,
    PIXEL_KEYWORDS,
    open_dataset,
    padding_mask,
    stored_values,
)
from radiokit.io.lookups import Lookup, apply_window, read_lookup, voi_lookups

_SPACING_KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_FUNCTIONAL_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")


@dataclass(frozen=True, eq=False)
class DicomImage:
    """What one DICOM file says about its image.

    Args:
        pixels: float32 (rows, columns) after the modality LUT or rescale, in `unit`.
        unit: `"HU"`; `"OD"` (thousandths of optical density); another unit the file names; else
            `"unspecified"`.
        spacing_mm: (row, column) pixel size in mm, or None. From ImagerPixelSpacing it is the
            size at the detector: the anatomy is smaller by the magnification, often 5–20 %.
        spacing_source: the attribute it comes from, or None.
        is_padding: bool (rows, columns), True outside the exposed field; None if not declared.
        is_inverted: True for MONOCHROME1, whose low values are bright.
        window_centers: in `unit`, in the order of the file.
        window_widths: in `unit`, as many as centres.
        window_function: `"LINEAR"`, `"LINEAR_EXACT"` or `"SIGMOID"`.
        voi_lookups: VOI LUTs, entries scaled to 0..1.
        notes: what was assumed or ignored while reading, sentences.
        header: everything else, without the pixels: `header.get("KVP")`.
    """

    pixels: np.ndarray
    unit: str
    spacing_mm: tuple[float, float] | None
    spacing_source: str | None
    is_padding: np.ndarray | None
    is_inverted: bool
    window_centers: tuple[float, ...]
    window_widths: tuple[float, ...]
    window_function: str
    voi_lookups: tuple[Lookup, ...]
    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str
    modality: str
    body_part: str
    view_position: str
    laterality: str
    patient_orientation: tuple[str, ...]
    photometric_interpretation: str
    transfer_syntax: str
    notes: tuple[str, ...]
    header: pydicom.Dataset


def read_dicom(path: str | Path) -> DicomImage:
    """Read the one grey image of a DICOM file.

    When to use: whenever physical values (HU), spacing or identifiers matter; for a picture ready
    for a network use `radiokit.io.rasters.read_radiograph`.

    Args:
        path: a file with or without preamble and File Meta, compressed or not.

    Returns:
        Pixels after the modality LUT, with what the file says about them.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: not DICOM, without pixels, several frames, true colour, truncated,
            or compressed in a way no decoder here reads.
    """
    path = check_file(path)
    notes: list[str] = []
    with caught_warnings() as caught:
        try:
            fields = _read_fields(path, notes)
        except UnreadableFileError:
            raise
        except Exception as error:  # a lazily parsed header can fail anywhere, in any way
            reason = f"its header is broken ({brief(error)})"
            raise UnreadableFileError(path, reason, COPY_AGAIN) from error
    warned = [brief(warning.message) + "." for warning in caught]
    return DicomImage(**fields, notes=tuple(dict.fromkeys(notes + warned)))


def display_pixels(image: DicomImage, window_index: int = 0) -> np.ndarray:
    """The image as the screen shows it, high values bright: in a radiograph, bone is bright.

    When to use: for pictures, and for networks on radiographs. Without a VOI LUT or window the
    range runs from the smallest to the largest value outside the padding.

    Args:
        image: from `read_dicom`.
        window_index: which of the file's views: its VOI LUTs first, then its windows.

    Returns:
        float32 (rows, columns) in 0..1; padding is 0.

    Raises:
        ValueError: the file has no view of that index.
    """
    num_lookups, num_windows = len(image.voi_lookups), len(image.window_centers)
    if not 0 <= window_index < max(1, num_lookups + num_windows):
        raise ValueError(
            f"window_index is {window_index}, but the file has {num_lookups} VOI LUTs and "
            f"{num_windows} windows. Choose 0 to {max(1, num_lookups + num_windows) - 1}."
        )
    if window_index < num_lookups:
        display = image.voi_lookups[window_index].apply(image.pixels)
    elif num_windows:
        index = window_index - num_lookups
        center, width = image.window_centers[index], image.window_widths[index]
        display = apply_window(image.pixels, center, width, image.window_function)
    else:
        display = _full_range(image.pixels, image.is_padding)
    if image.is_inverted:
        display = 1 - display
    if image.is_padding is not None:
        display = np.where(image.is_padding, np.float32(0), display)
    return display


def _read_fields(path: Path, notes: list[str]) -> dict:
    dataset = open_dataset(path, notes)
    stored = stored_values(path, dataset, notes)
    pixels, unit = _apply_modality(path, dataset, stored)
    photometric = _text(dataset, "PhotometricInterpretation")
    orientation = dataset.get("PatientOrientation") or ()
    fields = {
        "pixels": pixels,
        "unit": unit,
        "is_padding": padding_mask(dataset, stored),
        "is_inverted": photometric == "MONOCHROME1",
        "voi_lookups": voi_lookups(dataset, float(pixels.min())),
        "patient_id": _text(dataset, "PatientID"),
        "study_uid": _text(dataset, "StudyInstanceUID"),
        "series_uid": _text(dataset, "SeriesInstanceUID"),
        "sop_uid": _text(dataset, "SOPInstanceUID"),
        "modality": _text(dataset, "Modality"),
        "body_part": _text(dataset, "BodyPartExamined"),
        "view_position": _text(dataset, "ViewPosition"),
        "laterality": _text(dataset, "ImageLaterality") or _text(dataset, "Laterality"),
        "patient_orientation": tuple(map(str, orientation)),
        "photometric_interpretation": photometric,
        "transfer_syntax": UID(str(dataset.file_meta.get("TransferSyntaxUID", ""))).name,
        **_spacing(dataset, notes),
        **_windows(dataset, notes),
    }
    for keyword in PIXEL_KEYWORDS:
        if keyword in dataset:
            del dataset[keyword]
    return {**fields, "header": dataset}


def _apply_modality(
    path: Path, dataset: pydicom.Dataset, stored: np.ndarray
) -> tuple[np.ndarray, str]:
    if dataset.get("ModalityLUTSequence"):
        item = dataset.ModalityLUTSequence[0]
        lookup = read_lookup(dataset, item, float(stored.min()))
        return lookup.apply(stored).astype(np.float32), _unit(item.get("ModalityLUTType"))
    try:
        slope = _numbers(dataset, "RescaleSlope")
        intercept = _numbers(dataset, "RescaleIntercept")
    except ValueError as error:
        raise UnreadableFileError(path, brief(error), COPY_AGAIN) from error
    if slope[:1] == (0.0,):
        raise UnreadableFileError(path, "its RescaleSlope is 0", "Correct it in the header.")
    exact = np.float64 if stored.dtype.itemsize > 2 else np.float32
    pixels = stored.astype(exact)
    pixels *= slope[0] if slope else 1
    pixels += intercept[0] if intercept else 0
    unit = _unit(_find(dataset, "RescaleType"))
    if unit == "unspecified" and slope:  # C.8.2.1: CT is HU unless RescaleType says otherwise
        of_modality = {"CT": "HU", "PT": _text(dataset, "Units")}
        is_localizer = "LOCALIZER" in (dataset.get("ImageType") or ())
        unit = "" if is_localizer else of_modality.get(_text(dataset, "Modality"), "")
    return pixels.astype(np.float32, copy=False), unit or "unspecified"


def _unit(name: object) -> str:
    return "unspecified" if name in (None, "", "US", "UNSPECIFIED") else str(name)


def _windows(dataset: pydicom.Dataset, notes: list[str]) -> dict:
    centers = _numbers_or_note(dataset, "WindowCenter", notes)
    widths = _numbers_or_note(dataset, "WindowWidth", notes)
    if len(centers) != len(widths):
        notes.append(f"{len(centers)} window centres for {len(widths)} widths: pairs were kept.")
    function = str(_find(dataset, "VOILUTFunction") or "LINEAR").strip().upper()
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        notes.append(f"Unknown VOILUTFunction {function!r}: LINEAR was used.")
        function = "LINEAR"
    pairs = list(zip(centers, widths, strict=False))
    usable = [(center, width) for center, width in pairs if width > 0]
    if len(usable) < len(pairs):
        notes.append("A window of width 0 or less was ignored.")
    if function == "LINEAR" and any(width < 1 for _, width in usable):
        notes.append("A window is narrower than 1: LINEAR_EXACT was used.")
        function = "LINEAR_EXACT"
    return {
        "window_centers": tuple(center for center, _ in usable),
        "window_widths": tuple(width for _, width in usable),
        "window_function": function,
    }


def _spacing(dataset: pydicom.Dataset, notes: list[str]) -> dict:
    for keyword in _SPACING_KEYWORDS:
        values = _numbers_or_note(dataset, keyword, notes)
        if len(values) == 2 and min(values) > 0:
            return {"spacing_mm": values, "spacing_source": keyword}
        if values:
            notes.append(f"{keyword} {values} is not two sizes above 0: ignored.")
    return {"spacing_mm": None, "spacing_source": None}


def _full_range(pixels: np.ndarray, is_padding: np.ndarray | None) -> np.ndarray:
    exposed = pixels if is_padding is None or is_padding.all() else pixels[~is_padding]
    low, high = float(exposed.min()), float(exposed.max())
    if high == low:
        return np.zeros_like(pixels)
    return np.clip((pixels - np.float32(low)) / np.float32(high - low), 0, 1)


def _find(dataset: pydicom.Dataset, keyword: str) -> object:
    """An attribute at the top level, else in the functional groups of an enhanced image."""
    value = dataset.get(keyword)
    if value not in (None, ""):
        return value
    for groups in _FUNCTIONAL_GROUPS:
        for macro in (dataset.get(groups) or [()])[0]:
            if macro.VR == "SQ" and macro.value and macro.value[0].get(keyword) not in (None, ""):
                return macro.value[0].get(keyword)
    return None


def _numbers(dataset: pydicom.Dataset, keyword: str) -> tuple[float, ...]:
    try:
        value = _find(dataset, keyword)
        values = [value] if isinstance(value, str | int | float) else (value or ())
        numbers = tuple(float(number) for number in values if number not in (None, ""))
    except (ValueError, TypeError) as error:
        raise ValueError(f"its {keyword} is not a number ({brief(error)})") from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"its {keyword} is not finite")
    return numbers


def _numbers_or_note(dataset: pydicom.Dataset, keyword: str, notes: list[str]) -> tuple[float, ...]:
    try:
        return _numbers(dataset, keyword)
    except ValueError as error:
        notes.append(f"Ignored: {error}.")
        return ()


def _text(dataset: pydicom.Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()
