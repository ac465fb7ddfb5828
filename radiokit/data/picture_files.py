"""What counts as an image file of one's own, and what a DICOM header tells of it."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from radiokit.data.pairing import FileKind
from radiokit.io import caught_warnings
from radiokit.io.dicom_values import open_dataset

_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".dcm", ".dicom", ".img"}
_MASK_ENDING = re.compile(r"[ _-](masks?|labels?|seg|segmentation)$", re.IGNORECASE)
_UNKNOWN = math.nan


@dataclass(frozen=True)
class FileHeader:
    """What the header of an image file says; a picture's says nothing.

    Args:
        patient_id: PatientID, or "".
        modality: such as "CT", or "".
        spacing_mm: (row, column) pixel size in mm; NaN where unknown.
    """

    patient_id: str
    modality: str
    spacing_mm: tuple[float, float]


def stem_of(path: Path) -> str:
    """The name of an image file without its ending.

    Args:
        path: the file, or what a table says of it.

    Returns:
        The name; dots inside it stay, so that a UID is no name with an ending.

    >>> stem_of(Path("049/brain/1.jpg")), stem_of(Path("1.2.840.5")), stem_of(Path("a.b.PNG"))
    ('1', '1.2.840.5', 'a.b')
    """
    return path.stem if path.suffix.lower() in _SUFFIXES else path.name


def _is_picture(path: Path) -> bool:
    """An image by its ending, or DICOM without one."""
    if _has_no_ending(path):
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    return path.suffix.lower() in _SUFFIXES


def _has_no_ending(path: Path) -> bool:
    """No dot, or only those of a UID."""
    return path.suffix == "" or path.suffix[1:].isdigit()


PICTURES = FileKind(_is_picture, ", ".join(sorted(_SUFFIXES)), stem_of, _MASK_ENDING)


def read_file_header(path: Path) -> FileHeader:
    """Patient, modality and pixel size of a DICOM file, known by its name; nothing of others.

    Use it for tables of one's own files.

    Args:
        path: an image file.

    Returns:
        What the header says.

    Raises:
        radiokit.io.UnreadableFileError: a DICOM file is damaged.
    """
    if _has_no_ending(path) or path.suffix.lower() in (".dcm", ".dicom"):
        return read_dicom_facts(path)
    return FileHeader("", "", (_UNKNOWN, _UNKNOWN))


def read_dicom_facts(path: Path) -> FileHeader:
    """Patient, modality and pixel size of a DICOM file.

    Use it on a file that is known to be DICOM.

    Args:
        path: a DICOM file, whatever its name.

    Returns:
        What the header says.

    Raises:
        radiokit.io.UnreadableFileError: the file is damaged.
    """
    with caught_warnings():
        dataset = open_dataset(path, notes=[])
        patient = str(dataset.get("PatientID") or "").strip()
        modality = str(dataset.get("Modality") or "").strip()
        spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing") or ()
    if len(spacing) != 2 or min(map(float, spacing)) <= 0:
        return FileHeader(patient, modality, (_UNKNOWN, _UNKNOWN))
    return FileHeader(patient, modality, (float(spacing[0]), float(spacing[1])))
