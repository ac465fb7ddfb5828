"""CT slices as DICOM files with the anonymised headers of the RSNA haemorrhage set."""

import io
from pathlib import Path

import numpy as np
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from radiokit.phantoms.ct import SIZE, Scanner

PADDING = -2000
SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "rle": RLELossless,
    "jpegls": JPEGLSLossless,
}
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
RLE_EVERY = 8  # slices: run lengths take long to find


def write_slice(path: Path, hu: np.ndarray, scanner: Scanner, index: int, names: dict) -> None:
    """Write one slice.

    Args:
        path: of the file, in a folder that exists.
        hu: (rows, columns) Hounsfield units.
        scanner: how it stores them.
        index: of the slice, 0 the lowest.
        names: `image`, `patient`, `exam` and `series`, which stand for their UIDs as in the real
            set, and `uid`, a valid one for the file's own header.
    """
    dataset = _header(scanner, index, names)
    values = store(hu, scanner)
    dataset.PixelData = values.astype("<i2" if scanner.is_signed else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    syntax = SYNTAXES[scanner.transfer_syntax]
    if syntax == RLELossless and index % RLE_EVERY:
        syntax = ExplicitVRLittleEndian
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = names["uid"]
    meta.TransferSyntaxUID = syntax if syntax in PLAIN else ExplicitVRLittleEndian
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    if syntax not in PLAIN:
        dataset.compress(syntax, generate_instance_uid=False)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset)
    path.write_bytes(buffer.getvalue())


def store(hu: np.ndarray, scanner: Scanner) -> np.ndarray:
    """Stored integers of Hounsfield units, with padding outside the circle and all its traps."""
    whole = np.round(hu).astype(np.int32)
    if scanner.wraps:
        return np.clip(whole, -1000, 3095) % 4096
    stored = np.clip(whole, -1024, 3071) - scanner.intercept
    if scanner.has_circle:
        place = np.arange(SIZE) - (SIZE - 1) / 2
        stored[place[:, None] ** 2 + place**2 > (SIZE / 2) ** 2] = PADDING
    return stored


def _header(scanner: Scanner, index: int, names: dict) -> Dataset:
    tilt = np.radians(scanner.tilt_degrees)
    corner = (0.5 - SIZE / 2) * scanner.pixel_mm
    position = (corner, corner * np.cos(tilt), scanner.positions_mm[index] - corner * np.sin(tilt))
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": names["image"],
        "Modality": "CT",
        "PatientID": names["patient"],
        "StudyInstanceUID": names["exam"],
        "SeriesInstanceUID": names["series"],
        "StudyID": "",
        "ImagePositionPatient": [f"{value:.6f}" for value in position],
        "ImageOrientationPatient": _numbers([1, 0, 0, 0, np.cos(tilt), -np.sin(tilt)]),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": SIZE,
        "Columns": SIZE,
        "PixelSpacing": _numbers([scanner.pixel_mm] * 2),
        "BitsAllocated": 16,
        "BitsStored": scanner.bits,
        "HighBit": scanner.bits - 1,
        "PixelRepresentation": int(scanner.is_signed),
        "RescaleIntercept": str(scanner.intercept),
        "RescaleSlope": "1",
    }
    if scanner.has_circle:
        values["PixelPaddingValue"] = PADDING
    if scanner.window:
        values["WindowCenter"], values["WindowWidth"] = map(list, scanner.window)
    if scanner.says_more:
        values |= {
            "SliceThickness": f"{scanner.thickness_mm:.1f}",
            "KVP": "120",
            "GantryDetectorTilt": f"{scanner.tilt_degrees:.1f}",
            "InstanceNumber": str(index + 1),
        }
    return _dataset(values)


def _numbers(values) -> list[str]:
    return [f"{round(float(value), 6) + 0.0:.6f}".rstrip("0").rstrip(".") for value in values]


def _dataset(values: dict) -> Dataset:
    """A data set that holds names in place of UIDs, which pydicom would warn of."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        vr = "SS" if keyword == "PixelPaddingValue" else dictionary_VR(tag)
        dataset[tag] = DataElement(tag, vr, value, validation_mode=IGNORE)
    return dataset
