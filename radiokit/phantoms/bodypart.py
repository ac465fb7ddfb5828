"""Phantoms of two sets of radiographs of all parts of the body, with labels.

For learning and testing offline, when the real sets are not at hand. Anatomies are in
`radiokit.phantoms.arm_views` and its neighbours, exposure in `bodypart_film`, storage in
`bodypart_files`, headers in `bodypart_headers`, readings in `bodypart_annotations`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid

from radiokit.phantoms.arm_views import ARM_VIEWS
from radiokit.phantoms.bodypart_annotations import Taken, write_export, write_train_csv
from radiokit.phantoms.bodypart_files import draw_storage, write_radiograph
from radiokit.phantoms.bodypart_film import MDAI_LOOKS, UNIFESP_LOOKS, Look, take_film
from radiokit.phantoms.bodypart_headers import TERMS, claim_body_part, claim_side, claim_view
from radiokit.phantoms.bodypart_views import Build, View, draw_build
from radiokit.phantoms.folder import build_phantom, in_processes
from radiokit.phantoms.head_views import HEAD_VIEWS
from radiokit.phantoms.leg_views import LEG_VIEWS
from radiokit.phantoms.spine_views import SPINE_VIEWS
from radiokit.phantoms.trunk_views import TRUNK_VIEWS

VIEWS = (*ARM_VIEWS, *HEAD_VIEWS, *SPINE_VIEWS, *LEG_VIEWS, *TRUNK_VIEWS)
LABELS = tuple(TERMS)  # the study's 25, in its order
ONLY_MDAI = ("Arm", "Cavum", "Sacroiliac")
RARE = {"Sacroiliac": 2, "Cavum": 1}  # images of a whole set
FIRST = 40  # patients among whom every label is found
# Of every 100 patients after the first 40, so many come for this part; the rest for the chest.
WEIGHTS = {
    "Clavicles": 1, "Shoulder": 4, "Arm": 1, "Elbow": 2, "Forearm": 1, "Wrist": 3, "Hand": 4,
    "Finger": 1, "Sinus": 2, "Skull": 2, "Cervical Spine": 3, "Thoracic Spine": 2,
    "Lumbar Spine": 5, "Pelvis": 3, "Hip": 2, "Thigh": 1, "Knee": 6, "Lower Leg": 1, "Ankle": 3,
    "Feet": 4, "Abdomen": 11, "Others": 2,
}  # fmt: skip
# Who else is among the first 40, until they are 40.
OFTEN = (*("Chest",) * 10, "Abdomen", "Knee", "Lumbar Spine", "Abdomen", *("Chest",) * 2, "Hand",
         "Shoulder")  # fmt: skip
TWO_PARTS, AGAIN = 0.08, 0.06  # shares of exams of two parts, and of patients who come again


@dataclass(frozen=True)
class Place:
    """A set of images: `number` of its random streams, its folder, names, labels and rooms."""

    number: int
    folder: str
    ending: str
    labels: tuple[str, ...]
    looks: tuple[Look, ...]
    inverted: float  # share of MONOCHROME1
    has_patients: bool  # whether the header tells patients apart, and they come again


MDAI = Place(40, "images", ".dcm", LABELS, MDAI_LOOKS, 0.35, True)
UNIFESP = Place(50, "train", "-c.dcm", tuple(sorted(set(LABELS) - set(ONLY_MDAI))), UNIFESP_LOOKS,
                0.15, False)  # fmt: skip


def make_mdai(root: Path | str, num_patients: int = 300, seed: int = 0) -> Path:
    """Phantom of the body part study: radiographs of 25 labels, annotated in MD.ai.

    Use it in place of the study's images, which are not public: `radiokit.data.bodypart.index_mdai`
    reads it as it reads any export of MD.ai. About 1.8 images a patient, some with two labels; 3 of
    10 show the chest, 1 of 10 the abdomen, the other parts ever fewer. As in the study two images
    show Sacroiliac and one Cavum, however many patients there are; all three, and every other label
    at least once, belong to the first 40. One patient in 17 has a second exam. Headers name the
    part wrongly, vaguely or not at all in three of ten images.

    Args:
        root: folder to make; it will hold `mdai_export.json`,
            `images/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm` and `PHANTOM.toml`.
        num_patients: how many patients, at least 1. Below 40 some labels are missing, and
            Sacroiliac and Cavum may be.
        seed: patient number i is the same for a seed whatever `num_patients` is.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    return build_phantom(root, "mdai", num_patients, seed, _write_mdai)


def make_unifesp(root: Path | str, num_patients: int = 300, seed: int = 0) -> Path:
    """Phantom of the UNIFESP X-ray Body Part set: the same anatomies in another hospital.

    Use it in place of the public set, and beside `make_mdai` as a second hospital: other exposure,
    noise, sizes, letters and borders. It has 22 labels, without Arm, Cavum and Sacroiliac, and no
    PatientID, as the real one. Every label is among the first 40 patients.

    Args:
        root: folder to make; it will hold `train.csv` (SOPInstanceUID, Target: class ids, which
            are places in the alphabetical order of the 22 names),
            `train/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>-c.dcm` and
            `PHANTOM.toml`.
        num_patients: how many patients, one exam each, at least 1.
        seed: patient number i is the same for a seed whatever `num_patients` is.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    return build_phantom(root, "unifesp", num_patients, seed, _write_unifesp)


def _write_mdai(root: Path, num_patients: int, seed: int) -> None:
    exams = _write_images(root, MDAI, num_patients, seed)
    write_export(root / "mdai_export.json", exams, MDAI.labels, seed, tuple(RARE))


def _write_unifesp(root: Path, num_patients: int, seed: int) -> None:
    exams = _write_images(root, UNIFESP, num_patients, seed)
    rng = np.random.default_rng([seed, UNIFESP.number + 5])
    write_train_csv(root / "train.csv", exams, UNIFESP.labels, rng)


def _write_images(root: Path, place: Place, num_patients: int, seed: int) -> list[list[Taken]]:
    """Files of all patients; the images of each exam."""
    (root / place.folder).mkdir()
    patients = in_processes(partial(_write_patient, root, place, seed), num_patients)
    return [exam for exams in patients for exam in exams]


# -- who comes for what --------------------------------------------------------------------------


def part_of(index: int, seed: int, place: Place) -> str:
    """The part that a patient comes for: every label among the first 40, then by `WEIGHTS`."""
    if index < FIRST:
        needed = [label for label in place.labels for _ in range(RARE.get(label, 1))]
        parts = [*needed, *OFTEN][:FIRST]
        return str(np.random.default_rng([seed, place.number + 1]).permutation(parts)[index])
    block, number = divmod(index - FIRST, 100)
    parts = [part for part, weight in WEIGHTS.items() if part in place.labels
             for _ in range(weight)]  # fmt: skip
    parts += ["Chest"] * (100 - len(parts))
    return str(np.random.default_rng([seed, place.number + 2, block]).permutation(parts)[number])


def choose_views(part: str, place: Place, rng: np.random.Generator) -> list[tuple[View, str]]:
    """The images of one part in one exam: views, each with the side, "R" or "L".

    Most exams begin with a frontal view; views of different projections come before two of the
    same. A rare part has one image.
    """
    banned = {*RARE, *(set(LABELS) - set(place.labels))} - {part}
    views = [view for view in VIEWS if view.labels[0] == part and not banned & set(view.labels)]
    later = 0.75 if part == "Chest" else 0.15  # babygrams are rarer than hands with their wrist
    late = rng.random(len(views)) + [later * (len(view.labels) > 1) for view in views]
    shuffled = [views[number] for number in np.argsort(late)]
    first = "Frontal" if rng.random() < 0.75 else ""
    ordered = sorted(shuffled, key=lambda view: (_rank(view, shuffled), view.projection != first))
    share = (0.6, 0.4, 0) if part == "Chest" else (0.4, 0.5, 0.1)
    count = 1 if part in RARE else int(rng.choice([1, 2, 3], p=share))
    side = str(rng.choice(["R", "L"]))
    if ordered[0].has_side and count > 1 and rng.random() < 0.15:  # both sides, to compare
        return [(ordered[0], "R"), (ordered[0], "L")]
    return [(view, side) for view in ordered[:count]]


def _rank(view: View, views: list[View]) -> int:
    """How many views before this one have its projection."""
    same = [other for other in views if other.projection == view.projection]
    return same.index(view)


def _choose_exam(part: str, place: Place, rng: np.random.Generator) -> list[tuple[View, str]]:
    """Views of the part, and at times of a second one."""
    chosen = choose_views(part, place, rng)
    if part not in RARE and rng.random() < TWO_PARTS:
        others = [name for name in WEIGHTS if name in place.labels and name not in (part, "Arm")]
        chosen += choose_views(str(rng.choice(others)), place, rng)[:2]
    return chosen


# -- files ---------------------------------------------------------------------------------------


def _write_patient(root: Path, place: Place, seed: int, index: int) -> list[list[Taken]]:
    """Files of one patient; the images of each exam."""
    rng = np.random.default_rng([seed, place.number, index])
    part, build = part_of(index, seed, place), draw_build(rng)
    comes_again = place.has_patients and part not in RARE and rng.random() < AGAIN
    name = f"{seed}/{place.number}/{index}"
    return [
        _write_exam(root, place, f"{name}/{number}", part, build, rng)
        for number in range(1 + comes_again)
    ]


def _write_exam(root: Path, place: Place, name: str, part: str, build: Build, rng) -> list[Taken]:
    look = place.looks[int(rng.integers(len(place.looks)))]
    own_series = rng.random() < 0.3
    exam, taken = _uid(name), []
    for number, (view, side) in enumerate(_choose_exam(part, place, rng)):
        series = _uid(f"{name}/series {number if own_series else view.labels[0]}")
        image = Taken(exam, series, _uid(f"{name}/image {number}"), view.labels, view.projection)
        pixels, pixel_cm = take_film(view, build, side, look, rng)
        patient = name.rpartition("/")[0] if place.has_patients else ""
        says = _header(image, patient, view, side, rng)
        folder = root / place.folder / exam / series
        folder.mkdir(parents=True, exist_ok=True)
        storage = draw_storage(rng, place.inverted)
        write_radiograph(folder / f"{image.image}{place.ending}", pixels, pixel_cm, storage, says)
        taken.append(image)
    return taken


def _header(image: Taken, patient: str, view: View, side: str, rng) -> dict[str, str]:
    return {
        "PatientID": f"PHANTOM-{_uid(patient)[-8:]}" if patient else "",
        "StudyInstanceUID": image.exam,
        "SeriesInstanceUID": image.series,
        "SOPInstanceUID": image.image,
        "BodyPartExamined": claim_body_part(view.labels, rng),
        "ViewPosition": claim_view(view.projection, rng),
        **claim_side(side, view.has_side, rng),
    }


def _uid(name: str) -> str:
    return str(generate_uid(entropy_srcs=["radiokit body part phantom", name]))
