"""An MD.ai project and its DICOM images to a case table; re-exported by `bodypart.py`."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.bodypart_labels import STUDY_LABELS
from radiokit.data.ct_files import find_dicom_files
from radiokit.data.ct_headers import refusal_sentence
from radiokit.data.layouts import warn_left_out
from radiokit.data.mdai_annotations import (
    WHAT_OF_LEVEL,
    LabelGroup,
    choose_group,
    read_mdai_export,
)
from radiokit.data.picture_files import stem_of
from radiokit.data.radiograph_headers import (
    group_patients,
    read_radiograph_headers,
    usable_radiographs,
)

_HEADER_COLUMNS = [
    *("body_part", "view_position", "laterality", "photometric", "rows", "columns"),
    *("spacing_row_mm", "spacing_column_mm"),
]


def index_mdai(json: str | Path, images: str | Path, group: str | None = None) -> pd.DataFrame:
    """Case table of radiographs that were annotated in MD.ai.

    Use it on the JSON of a project's annotations and the folder of its DICOM images. Labels of
    exams and series hold for all of their images. Files are told by their headers: names and
    folders (MD.ai writes `<exam>/<series>/<image>.dcm`) do not matter.

    An annotator has read an image if they gave it at least one label of the group. The image has a
    label if more than half of those who read it gave it that label; half is no majority. An image
    on which no label has a majority is left out and listed, as is one that nobody annotated.

    Args:
        json: the export of annotations, see `radiokit.data.mdai_annotations.read_mdai_export`.
        images: folder of the DICOM files; subfolders are searched.
        group: name of the label group whose labels become columns; None: the one that names the
            most of the study's labels, whose spelling and order are then the study's.

    Returns:
        One row an image: `case_id` (SOPInstanceUID), `patient_id, exam_id, series_id, image`, the
        labels (0 and 1; those that the group has, in the study's order), `body_part` (the header's
        BodyPartExamined), `view_position, laterality, photometric, rows, columns, spacing_row_mm,
        spacing_column_mm` (NaN where unknown), `dataset` ("mdai"), `is_phantom`.
        `table.attrs`: `labels`, their names; `patient_key`, see
        `radiokit.data.radiograph_headers.group_patients`; `readings`, lists of who gave what under
        `case_id`, `annotator` and `label`, of which `pd.DataFrame` makes a table; `unmatched`, a
        sentence for each annotated thing without file and each file without label; `unreadable`,
        for each file that is no single grey image; `notes`. One warning counts them.

    Raises:
        FileNotFoundError: the export or the folder is missing, or the folder holds no image.
        ValueError: the file is no such export, the group or its labels are not what is needed, no
            file can be used, or no annotation belongs to a file.
    """
    export = read_mdai_export(json)
    chosen = choose_group(export, group)
    labels = tuple(dict.fromkeys(chosen.labels.values()))
    files = find_dicom_files(Path(images))
    found = _read_headers(files)
    _check_names(labels, chosen, found)
    headers = usable_radiographs(found)
    headers["patient_id"], patient_key, patient_notes = group_patients(headers)
    annotations = export.annotations[export.annotations["label_id"].isin(list(chosen.labels))]
    readings = _readings(annotations, chosen, headers)
    majority, num_readers, notes = _majority(readings, labels, headers["sop_uid"])
    unmatched = _without_file(annotations, found, files)
    unmatched += _without_label(headers, majority, num_readers)
    is_kept = majority.any(axis=1).to_numpy()
    if not is_kept.any():
        raise ValueError(f"No image of {images} has a label: {name_a_few(unmatched)}.")
    table = _table_of(headers[is_kept], majority[is_kept], images)
    notes = [*export.notes, *_note_on_labels(labels), *notes, *patient_notes]
    is_in_table = readings["case_id"].isin(table["case_id"])
    table.attrs = {"labels": labels, "patient_key": patient_key, "notes": notes}
    table.attrs |= {"unmatched": unmatched, "unreadable": headers.attrs["unreadable"]}
    table.attrs["readings"] = readings[is_in_table].to_dict("list")
    warn_left_out(headers.attrs["unreadable"], unmatched, "images or annotations")
    return table


def _read_headers(files: list[Path]) -> pd.DataFrame:
    """Headers of all files; what has no identifiers is named after its file and folder."""
    found = read_radiograph_headers(files)
    names = found["image"].map(lambda image: stem_of(Path(image)))
    folders = found["image"].map(lambda image: Path(image).parent.as_posix())
    found["sop_uid"] = found["sop_uid"].mask(found["sop_uid"] == "", names)
    exams = found["series_id"].mask(found["series_id"] == "", folders)
    found["exam_id"] = found["exam_id"].mask(found["exam_id"] == "", exams)
    return found


def _check_names(labels: tuple[str, ...], group: LabelGroup, headers: pd.DataFrame) -> None:
    taken = {"case_id", "dataset", "is_phantom", "split", "source_case_id", *headers.columns}
    clashes = [name for name in labels if name in taken]
    if clashes:
        raise ValueError(
            f"The labels {', '.join(clashes)} of the group {group.name} have the names of other "
            "columns of a case table. Rename them in the project."
        )


def _note_on_labels(labels: tuple[str, ...]) -> list[str]:
    """Labels that stand among the study's and are none of them."""
    others = [name for name in labels if name not in STUDY_LABELS]
    is_mixed = 0 < len(others) < len(labels)
    return [f"labels that are none of the study's: {', '.join(others)}"] if is_mixed else []


def _readings(annotations: pd.DataFrame, group: LabelGroup, headers: pd.DataFrame) -> pd.DataFrame:
    """A row for each label that an annotator gave an image, directly or through exam or series."""
    parts = []
    for level in WHAT_OF_LEVEL:
        images = headers[["sop_uid", level]].set_axis(["case_id", "uid"], axis=1)
        parts.append(annotations[annotations["level"] == level].merge(images, on="uid"))
    readings = pd.concat(parts)
    if readings.empty:
        raise ValueError(
            f"None of {len(annotations)} annotations of the group {group.name} belongs to one of "
            f"{len(headers)} files: annotated are {name_a_few(list(annotations['uid']))}, the "
            f"files hold the images {name_a_few(list(headers['sop_uid']))}. Give the images that "
            "this project exported."
        )
    readings["label"] = readings["label_id"].map(group.labels)
    columns = ["case_id", "annotator", "label"]
    return readings[columns].drop_duplicates().sort_values(columns, ignore_index=True)


def _majority(
    readings: pd.DataFrame, labels: tuple[str, ...], cases: pd.Series
) -> tuple[pd.DataFrame, pd.Series, list[str]]:
    """Which labels more than half of an image's readers gave, how many they are, and notes."""
    votes = pd.crosstab(readings["case_id"], readings["label"])
    votes = votes.reindex(index=cases, columns=list(labels), fill_value=0)
    num_readers = readings.groupby("case_id")["annotator"].nunique().reindex(cases, fill_value=0)
    is_tie = (2 * votes).eq(num_readers, axis=0) & (votes > 0)
    several, read = int((num_readers > 1).sum()), int((num_readers > 0).sum())
    notes = [
        f"annotators: {readings['annotator'].nunique()}; images read by more than one of them: "
        f"{several} of {read}"
    ]
    if is_tie.any(axis=None):
        notes.append(
            f"{int(is_tie.sum(axis=None))} labels of {int(is_tie.any(axis=1).sum())} images were "
            "given by half of their readers: no majority, so the image has not got them"
        )
    return (2 * votes).gt(num_readers, axis=0), num_readers, notes


def _without_file(annotations: pd.DataFrame, found: pd.DataFrame, files: list[Path]) -> list[str]:
    """A sentence for each annotated thing without file; what cannot be read is listed elsewhere."""
    names = {stem_of(file) for file in files} | {part for file in files for part in file.parts}
    sentences = []
    for level, what in WHAT_OF_LEVEL.items():
        uids = annotations["uid"][annotations["level"] == level].unique()
        missing = sorted(set(uids) - set(found[level]) - names)
        sentences += [f"the annotated {what} {uid} has no file" for uid in missing]
    return sentences


def _without_label(
    headers: pd.DataFrame, majority: pd.DataFrame, num_readers: pd.Series
) -> list[str]:
    """A sentence for each file that nobody annotated, or whose readers agree on nothing."""
    has_label, sentences = majority.any(axis=1), []
    for image, labelled, readers in zip(headers["image"], has_label, num_readers, strict=True):
        reason = f"its {readers} readers agree on no label" if readers else "nobody annotated it"
        if not labelled:
            sentences.append(refusal_sentence(image, reason))
    return sentences


def _table_of(headers: pd.DataFrame, majority: pd.DataFrame, images: str | Path) -> pd.DataFrame:
    """The columns in their order."""
    labels = majority.astype("uint8").reset_index(drop=True)
    headers = headers.reset_index(drop=True).rename(columns={"sop_uid": "case_id"})
    first = headers[["case_id", "patient_id", "exam_id", "series_id", "image"]]
    table = pd.concat([first, labels, headers[_HEADER_COLUMNS]], axis=1)
    table["dataset"] = "mdai"
    table["is_phantom"] = read_phantom_note(images) is not None
    return table


# --- agreement ------------------------------------------------------------------------------------


def annotator_agreement(table: pd.DataFrame) -> pd.DataFrame:
    """How far the annotators of a project agree, two by two.

    Use it before training: no network can be expected to agree with the labels better than those
    who gave them agree with one another. Counted are the images of the table that both have read;
    on an image every label is a decision, given or not. As most labels are absent from most
    images, equal decisions are many by chance alone; kappa takes this chance away.

    Args:
        table: from `index_mdai`, or rows of it.

    Returns:
        One row a pair: `annotator_a, annotator_b`, `images` that both read, `labels` decided on
        each, `equal_decisions` (share of images × labels), `equal_sets` (share of images with the
        same labels) and `kappa` (Cohen's, of all decisions pooled). Shares and kappa are NaN where
        no image was read by both, kappa also where both gave all labels or none.

    Raises:
        ValueError: the table has no readings.

    Paper:
        Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46.
    """
    if not {"readings", "labels"} <= set(table.attrs):
        raise ValueError(
            "The table has no readings in its attrs. Give what index_mdai returns, before it is "
            "joined with other tables."
        )
    readings = pd.DataFrame(table.attrs["readings"])
    readings = readings[readings["case_id"].isin(table["case_id"])]
    labels = list(table.attrs["labels"])
    given = {
        annotator: pd.crosstab(own["case_id"], own["label"]).reindex(columns=labels, fill_value=0)
        for annotator, own in readings.groupby("annotator")
    }
    rows = [
        {"annotator_a": a, "annotator_b": b, **_agreement(given[a], given[b])}
        for a, b in combinations(sorted(given), 2)
    ]
    columns = ["images", "labels", "equal_decisions", "equal_sets", "kappa"]
    return pd.DataFrame(rows, columns=["annotator_a", "annotator_b", *columns])


def _agreement(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, float]:
    """Scores of two annotators; a row of either is an image, 0 and 1 a label."""
    both = first.index.intersection(second.index)
    a, b = first.loc[both].to_numpy(), second.loc[both].to_numpy()
    scores = {"images": len(both), "labels": a.shape[1]}
    if not len(both):
        return scores | dict.fromkeys(("equal_decisions", "equal_sets", "kappa"), np.nan)
    observed = float((a == b).mean())
    by_chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    kappa = (observed - by_chance) / (1 - by_chance) if by_chance < 1 else np.nan
    equal_sets = float((a == b).all(axis=1).mean())
    return scores | {"equal_decisions": observed, "equal_sets": equal_sets, "kappa": kappa}
