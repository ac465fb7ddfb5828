"""Small head CT files for tests: single slices, and copies of public sets in their layouts."""

import zlib

import numpy as np
from ct_maker import write_ct as write_slice
from PIL import Image

from radiokit.data.headct_labels import LABELS
from radiokit.io.volumes import write_volume

SHAPE = (32, 32)
AFFINE = np.diag([-0.5, -0.5, 5.0, 1.0])


def write_ct(path, hu, patient="P1", number=0, **header):
    """One axial slice of a patient's only series, 5 mm above that of the number before."""
    uid = f"1.2.{zlib.crc32(patient.encode())}"
    place = {
        **{"PatientID": patient, "StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1"},
        **{"SOPInstanceUID": f"{uid}.1.{number + 1}", "InstanceNumber": number},
        **{"ImagePositionPatient": [-8, -8, 5 * number], "PixelSpacing": [0.5, 0.5]},
        **{"WindowCenter": [40, 600], "WindowWidth": [80, 2800], "PatientName": "Doe^Jane"},
    }
    return write_slice(path, np.asarray(hu).astype(np.int16), **(place | header))


def head(rng=None, blood=False):
    """A disc of brain (30 HU) in a ring of bone in air, with noise, perhaps with blood (65 HU)."""
    rng = rng or np.random.default_rng(0)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 15.5
    radius = np.hypot(rows, columns)
    hu = np.where(radius < 14, 1000.0, -1000.0)
    hu[radius < 12] = 30 + rng.normal(0, 2, (radius < 12).sum())
    if blood:
        hu[12:16, 12:16] = 65
    return np.rint(hu)


def rsna_rows(images, ending=""):
    """Lines of the long table; images: name -> labels that are 1."""
    return [
        f"{name}_{label}{ending},{int(label in positive)}"
        for name, positive in images.items()
        for label in LABELS
    ]


def write_rsna(root, num_patients=3, num_slices=4, masks=False):
    """A copy of the RSNA layout; slice 1 of every other patient bleeds. Image names in order."""
    rng, images = np.random.default_rng(1), {}
    for patient in range(num_patients):
        for number in range(num_slices):
            name = f"ID_{rng.integers(16**9):09x}"
            bleeds = patient % 2 == 0 and number == 1
            images[name] = ("subdural", "any") if bleeds else ()
            hu = head(rng, bleeds)
            write_ct(root / f"stage_2_train/{name}.dcm", hu, f"ID_p{patient}", number)
            if masks:
                labels = np.zeros(SHAPE, np.uint8)
                labels[12:16, 12:16] = 5 * bleeds
                (root / "masks").mkdir(exist_ok=True)
                Image.fromarray(labels).save(root / f"masks/{name}.png")
    text = "\n".join(["ID,Label", *rsna_rows(images)]) + "\n"
    (root / "stage_2_train.csv").write_text(text, encoding="utf-8")
    return list(images)


ICH_HEADER = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,"
    "No_Hemorrhage,Fracture_Yes_No"
)


def write_ich(root, affine=AFFINE):
    """CT-ICH 1.3.1 of two patients, three slices each; slice 2 of 49 and slice 3 of 66 bleed."""
    lines = [ICH_HEADER]
    for patient in (49, 66):
        hu = np.stack([head(blood=False).T] * 3, axis=-1)
        mask = np.zeros((*SHAPE, 3), np.uint8)
        for number in (1, 2, 3):
            hu[0, 0, number - 1] = number  # tells slices apart
            bleeds = (patient, number) in ((49, 2), (66, 3))
            several = int(patient == 66 and bleeds)
            lines.append(f"{patient},{number},{several},0,0,0,{int(bleeds)},{int(not bleeds)},0")
            if bleeds:
                mask[4:8, 20:24, number - 1] = 255
        write_volume(root / f"ct_scans/{patient:03d}.nii", hu.astype(np.int16), affine)
        write_volume(root / f"masks/{patient:03d}.nii", mask, affine)
    table = root / "hemorrhage_diagnosis_raw_ct.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root
