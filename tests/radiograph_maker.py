"""Radiographs and the UNIFESP layout, written element by element, for tests of index functions."""

from pathlib import Path

import numpy as np
import pydicom
from dicom_maker import save_dicom
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

SHAPE = (24, 18)


def bone(shape=SHAPE):
    """A limb by formula: air at 0, soft tissue at 1000, a shaft of 3000."""
    across = np.abs(np.indices(shape)[1] / shape[1] - 0.5)
    return np.where(across < 0.1, 3000, np.where(across < 0.3, 1000, 0)).astype(np.uint16)


def write_radiograph(path, stored=None, syntax=ExplicitVRLittleEndian, **header):
    """A 12-bit image as a detector sends it; a header value of None leaves the tag out."""
    stored = bone() if stored is None else stored
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2.3.4", "1.2"
    dataset.SeriesInstanceUID, dataset.PatientID, dataset.Modality = "1.2.3", "P1", "DX"
    dataset.BodyPartExamined, dataset.ViewPosition, dataset.Laterality = "HAND", "PA", "L"
    dataset.ImagerPixelSpacing = [0.14, 0.15]
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[-1]
    dataset.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else "RGB"
    if stored.ndim == 3:
        dataset.PlanarConfiguration = 0
    is_deep = stored.dtype.itemsize > 1
    dataset.BitsAllocated, dataset.BitsStored = (16, 12) if is_deep else (8, 8)
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW" if is_deep else "OB"
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_dicom(dataset, header, syntax, path)


def write_unifesp(root, targets, part="train", stored=None, **header):
    """A file and a row a target: exams of two images, SOPInstanceUIDs 1.9.0, 1.9.1 and so on."""
    rows = ["SOPInstanceUID,Target"]
    for number, target in enumerate(targets):
        exam = f"1.{number // 2}"
        path = Path(root, part, exam, f"{exam}.5", f"1.9.{number}-c.dcm")
        uids = {"SOPInstanceUID": f"1.9.{number}", "StudyInstanceUID": exam}
        uids |= {"SeriesInstanceUID": f"{exam}.5", "PatientID": ""}
        write_radiograph(path, stored, **(uids | header))
        rows.append(f"1.9.{number},{target}")
    Path(root, "train.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Path(root)
