"""CT slices written element by element, for tests of readers and tables."""

from pathlib import Path

import numpy as np
import pydicom
from dicom_maker import save_dicom
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

SHAPE = (16, 20)


def head_hu(shape=SHAPE, air=-1000):
    """A head by formula: air, a skull of 900 HU, brain of 30 HU, a drop of blood at 70."""
    rows, columns = np.indices(shape)
    radius = np.hypot((rows - shape[0] / 2) / shape[0], (columns - shape[1] / 2) / shape[1])
    hu = np.where(radius < 0.4, 900, air)
    hu = np.where(radius < 0.32, 30, hu)
    hu[shape[0] // 2, shape[1] // 2] = 70
    return hu


def write_ct(path, stored=None, bits=16, syntax=ExplicitVRLittleEndian, **header):
    """A slice with the tags of the RSNA set; a header value of None leaves the tag out."""
    stored = head_hu().astype(np.int16) if stored is None else stored
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.Modality, dataset.PatientID = "CT", "ID_0a1b2c"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = 1
    dataset.ImagePositionPatient = [-125, -125, 0]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.4], 5
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
    dataset["PixelData"].VR = "OW"
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_dicom(dataset, header, syntax, path)


def write_series(folder, heights=(0, 5, 10, 15), **header):
    """A slice at each height, in this order of names and numbers."""
    series = header.pop("SeriesInstanceUID", generate_uid())
    paths = []
    for number, height in enumerate(heights, 1):
        place = {"InstanceNumber": number, "ImagePositionPatient": [-125, -125, height]}
        path = Path(folder) / f"{number:03d}.dcm"
        paths.append(write_ct(path, **{"SeriesInstanceUID": series, **place, **header}))
    return paths
