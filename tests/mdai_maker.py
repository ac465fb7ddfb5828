"""An MD.ai export and its radiographs, written key by key as MD.ai documents them."""

import json
from pathlib import Path

import numpy as np
import pydicom
from dicom_maker import save_dicom
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

KEYS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SCOPES = ("EXAM", "SERIES", "INSTANCE")


def write_radiograph(folder, uid, value=100, **header):
    """The image `1.2.<exam>.<series>.<image>`, in MD.ai's folders."""
    series = uid.rpartition(".")[0]
    exam = series.rpartition(".")[0]
    stored = np.full((6, 8), value, np.uint16)
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = exam, series
    dataset.PatientID, dataset.Modality = f"P{exam}", "DX"
    dataset.BodyPartExamined, dataset.ViewPosition = "HAND", "PA"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.PixelSpacing = [0.2, 0.1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    path = Path(folder) / exam / series / f"{uid}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_dicom(dataset, header, ExplicitVRLittleEndian, path)


def write_colour(folder, uid):
    """Red, green and blue."""
    samples = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    return write_radiograph(folder, uid, PixelData=bytes(6 * 8 * 3), **samples, **bits)


def write_frames(folder, uid):
    """Two frames."""
    return write_radiograph(folder, uid, NumberOfFrames=2, PixelData=bytes(2 * 6 * 8 * 2))


def label_group(name, labels, number=1, scope="INSTANCE", parents=()):
    """A label group; labels have the ids `L_<group><place>`, parents map names to names."""
    ids = {label: f"L_{number}{place}" for place, label in enumerate(labels)}
    kind = {"type": "GLOBAL", "annotationMode": None, "scope": scope}
    entries = [
        {"id": ids[label], "parentId": ids.get(dict(parents).get(label)), "name": label, **kind}
        for label in labels
    ]
    return {"id": f"G_{number}", "name": name, "type": "STANDARD", "labels": entries}


def annotation(group, label, uid, annotator="U_1", scope=None, **more):
    """One annotation; `uid` names an image, its scope says how much of the name is kept."""
    entry = next(each for each in group["labels"] if each["name"] == label)
    series = uid.rpartition(".")[0]
    uids = (series.rpartition(".")[0], series, uid)
    num_keys = SCOPES.index(scope or entry["scope"]) + 1
    keys = {"id": "A_1", "parentId": None, "labelId": entry["id"], "createdById": annotator}
    given = dict(zip(KEYS[:num_keys], uids, strict=False))
    return keys | {"data": None, "note": None, "isImported": False} | given | more


def write_export(path, groups, annotations):
    """The JSON of a project with one data set."""
    exams = dict.fromkeys(each.get(KEYS[0]) for each in annotations)
    studies = [{KEYS[0]: exam, "number": n} for n, exam in enumerate(exams, 1) if exam]
    dataset = {"id": "D_1", "name": "films", "studies": studies, "annotations": annotations}
    project = {"id": "abc", "name": "Body part", "description": "", "isPrivate": True}
    content = project | {"labelGroups": groups, "datasets": [dataset]}
    Path(path).write_text(json.dumps(content), encoding="utf-8")
    return Path(path)
