"""The readings of a body part phantom: an MD.ai export, and the table of the public set.

The layout of the export is that of https://docs.md.ai/data/json: label groups with labels, data
sets with exams and annotations.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radiokit.phantoms.bodypart_views import PROJECTIONS

ANNOTATORS = 4
READ_AGAIN = (0.20, 0.15)  # shares of exams read by two and by three of them
DISSENT = 0.06  # share of second and third readings that differ
WHOLE_EXAM, WHOLE_SERIES = 0.10, 0.06  # shares of uniform exams annotated as a whole
DATE = "2000-01-01T00:00:00.000Z"
# What is mistaken for what: the joint next to a bone, the part beside it on the film.
NEIGHBOURS = {
    "Clavicles": "Shoulder", "Shoulder": "Clavicles", "Arm": "Shoulder", "Elbow": "Forearm",
    "Forearm": "Wrist", "Wrist": "Hand", "Hand": "Wrist", "Finger": "Hand", "Cavum": "Skull",
    "Sinus": "Skull", "Skull": "Sinus", "Cervical Spine": "Thoracic Spine",
    "Thoracic Spine": "Lumbar Spine", "Lumbar Spine": "Pelvis", "Sacroiliac": "Pelvis",
    "Pelvis": "Hip", "Hip": "Pelvis", "Thigh": "Hip", "Knee": "Lower Leg", "Lower Leg": "Knee",
    "Ankle": "Feet", "Feet": "Ankle", "Chest": "Abdomen", "Abdomen": "Pelvis", "Others": "Abdomen",
}  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """One image of a phantom, as those who read it see it.

    Args:
        exam: StudyInstanceUID.
        series: SeriesInstanceUID.
        image: SOPInstanceUID.
        labels: what it truly shows.
        projection: from where.
    """

    exam: str
    series: str
    image: str
    labels: tuple[str, ...]
    projection: str


def write_export(path: Path, exams: list[list[Taken]], labels: tuple[str, ...], seed: int, rare):
    """Write the annotations of all exams as MD.ai exports them.

    Of every 20 exams 4 are read by two annotators and 3 by three, who seldom differ. The second
    leaves out or adds a label; only the third, who can be outvoted, names another part or view.
    Some exams whose images all show the same are annotated as a whole, or by series: such
    annotations name no image.

    Args:
        path: of the file.
        exams: the images of each.
        labels: the label group "Body part", in its order; "Projection" is written beside it.
        seed: with the place of an exam draws who reads it and how.
        rare: labels that nobody mistakes, nor anything for them.
    """
    groups = {"Body part": labels, "Projection": PROJECTIONS}
    annotations = [
        annotation
        for index, exam in enumerate(exams)
        for annotation in _read_exam(exam, index, rare, seed)
    ]
    numbers: dict[tuple, int] = {}
    for annotation in annotations:
        key = (annotation["StudyInstanceUID"], annotation["labelId"])
        numbers[key] = annotation["annotationNumber"] = numbers.get(key, 0) + 1
    export = {
        **_stamped("P_", "project"),
        "name": "Body part phantom",
        "description": "Drawn, not of patients.",
        "isPrivate": True,
        "labelGroups": [_group(name, members) for name, members in groups.items()],
        "datasets": [
            {
                **_stamped("D_", "data set"),
                "type": "DICOM",
                "name": "radiographs",
                "description": "",
                "studies": [
                    {"StudyInstanceUID": exam[0].exam, "number": index + 1}
                    for index, exam in enumerate(exams)
                ],
                "annotations": annotations,
            }
        ],
    }
    path.write_text(json.dumps(export, indent=1), encoding="utf-8")


def write_train_csv(path: Path, exams: list[list[Taken]], labels: tuple[str, ...], rng) -> None:
    """Write the public set's table: SOPInstanceUID and class ids, images in no order.

    Args:
        path: of the file.
        exams: the images of each.
        labels: the classes; an id is a place in this tuple.
        rng: shuffles the rows.
    """
    taken = [image for exam in exams for image in exam]
    lines = ["SOPInstanceUID,Target"]
    for number in rng.permutation(len(taken)):
        ids = sorted(labels.index(label) for label in taken[number].labels)
        lines.append(f"{taken[number].image},{' '.join(map(str, ids))}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# -- readings ------------------------------------------------------------------------------------


def _read_exam(exam: list[Taken], index: int, rare, seed: int) -> list[dict]:
    """Annotations of one exam by everyone who read it."""
    rng = np.random.default_rng([seed, 44, index])
    readers = rng.permutation(ANNOTATORS).tolist()
    several = rng.random()
    if several >= sum(READ_AGAIN):
        level = _level_of(exam, rng)
        return _whole(exam, readers[0], level) + _by_image(exam, readers[0], level == "image")
    readers = readers[: 2 if several < READ_AGAIN[0] else 3]
    annotations = []
    for place, reader in enumerate(readers):
        for taken in exam:
            found, projection = taken.labels, taken.projection
            if place and not set(found) & set(rare):
                found = _reread(found, place == 2, rng)
            if place == 2:
                projection = _review(projection, rng)
            annotations += [_annotation(taken, reader, name) for name in (*found, projection)]
    return annotations


def _level_of(exam: list[Taken], rng) -> str:
    """Only an exam of several images that all show the same can be annotated as a whole."""
    is_uniform = len(exam) > 1 and len({frozenset(taken.labels) for taken in exam}) == 1
    drawn = rng.random() if is_uniform else 1.0
    if drawn < WHOLE_EXAM:
        return "exam"
    return "series" if drawn < WHOLE_EXAM + WHOLE_SERIES else "image"


def _whole(exam: list[Taken], reader: int, level: str) -> list[dict]:
    """Labels of the whole exam or of each series, without the identifiers below."""
    if level == "image":
        return []
    keys = ("SOPInstanceUID",) if level == "series" else ("SOPInstanceUID", "SeriesInstanceUID")
    firsts = {taken.series if level == "series" else taken.exam: taken for taken in exam[::-1]}
    found = []
    for taken in sorted(firsts.values(), key=exam.index):
        for name in taken.labels:
            annotation = _annotation(taken, reader, name)
            found.append({key: value for key, value in annotation.items() if key not in keys})
    return found


def _by_image(exam: list[Taken], reader: int, with_labels: bool) -> list[dict]:
    return [
        _annotation(taken, reader, name)
        for taken in exam
        for name in (*(taken.labels if with_labels else ()), taken.projection)
    ]


def _reread(found: tuple[str, ...], may_err: bool, rng) -> tuple[str, ...]:
    """What a further annotator sees; one who is outvoted may name another part."""
    if rng.random() >= DISSENT:
        return found
    other = NEIGHBOURS[found[0]]
    if may_err:
        return (other,)
    return found[:-1] if len(found) > 1 else (*found, other)


def _review(projection: str, rng) -> str:
    """Oblique and lateral views are mistaken for one another."""
    swapped = {"Oblique": "Lateral", "Lateral": "Oblique"}
    return swapped.get(projection, projection) if rng.random() < DISSENT else projection


# -- entries -------------------------------------------------------------------------------------


def _annotation(taken: Taken, reader: int, name: str) -> dict:
    user = _name("U_", f"annotator {reader}")
    return {
        **_stamped("A_", f"{taken.image}/{user}/{name}"),
        "parentId": None,
        "createdById": user,
        "updatedById": user,
        "StudyInstanceUID": taken.exam,
        "SeriesInstanceUID": taken.series,
        "SOPInstanceUID": taken.image,
        "frameNumber": None,
        "labelId": _name("L_", name),
        "annotationNumber": 0,
        "height": None,
        "width": None,
        "data": None,
        "note": "",
        "radlexTagIds": [],
        "reviews": [],
    }


def _group(name: str, members: tuple[str, ...]) -> dict:
    labels = [
        {
            **_stamped("L_", member),
            "parentId": None,
            "name": member,
            "shortName": "",
            "description": "",
            "color": f"#{_name('', member)}",
            "type": "GLOBAL",
            "scope": "INSTANCE",
            "annotationMode": None,
            "radlexTagIds": [],
        }
        for member in members
    ]
    kind = {"name": name, "description": "", "type": "STANDARD"}
    return {**_stamped("G_", name), **kind, "labels": labels}


def _stamped(letter: str, what: str) -> dict:
    return {"id": _name(letter, what), "createdAt": DATE, "updatedAt": DATE}


def _name(letter: str, what: str) -> str:
    digits = 6 if letter != "A_" else 12
    return letter + hashlib.sha256(what.encode()).hexdigest()[:digits]
