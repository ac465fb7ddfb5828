"""An MD.ai project's export of annotations: its label groups, and who gave which label to what.

The format is that of https://docs.md.ai/annotator/data/json, and of the older exports whose scopes
are called study, series and instance.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.bodypart_labels import STUDY_LABELS

# What an annotation can hold for, from coarse to fine: column of a header table, word, and key.
WHAT_OF_LEVEL = {"exam_id": "exam", "series_id": "series", "sop_uid": "image"}
_KEYS = {
    "exam_id": "StudyInstanceUID",
    "series_id": "SeriesInstanceUID",
    "sop_uid": "SOPInstanceUID",
}
_COLUMN_OF_SCOPE = {
    "exam": "exam_id",
    "study": "exam_id",  # before 2020
    "series": "series_id",
    "instance": "sop_uid",
}
NO_ANNOTATOR = "unknown"
_REMEDY = "Export the annotations of the project from MD.ai as JSON, and give that file."


@dataclass(frozen=True)
class LabelGroup:
    """A label group of a project.

    Args:
        name: such as "Body part".
        labels: id of each label -> its name; a sub-label has the name of the label it belongs to.
    """

    name: str
    labels: dict[str, str]


@dataclass(frozen=True, eq=False)
class MdaiExport:
    """What an export says.

    Args:
        path: the file.
        groups: the label groups, in the order of the project.
        annotations: a row an annotation: `annotator` (the user's id; names and addresses are not
            taken; "unknown" where there is none), `label_id`, `level` ("exam_id", "series_id" or
            "sop_uid": what it holds for) and `uid` (of that exam, series or image).
        notes: sentences on what was read otherwise than it stands there.
    """

    path: Path
    groups: tuple[LabelGroup, ...]
    annotations: pd.DataFrame
    notes: list[str]


def read_mdai_export(path: str | Path) -> MdaiExport:
    """Read the annotations that an MD.ai project exports.

    Use it to look at a project's label groups and annotators; `index_mdai` joins the images.

    An annotation holds for the exam, the series or the image, as the scope of its label says; where
    its identifiers do not reach so far, or no scope is known, for the finest that it names. A
    sub-label counts as the label it belongs to. What a model has annotated is left out: it is no
    reading.

    Args:
        path: the JSON file.

    Returns:
        Label groups and annotations.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: it is no JSON, another program's, another of MD.ai's exports, or empty.
    """
    path = Path(path)
    content = _read_json(path)
    _check_content(content, path)
    try:
        labels = [label for group in content["labelGroups"] for label in group["labels"] or ()]
        groups = tuple(_read_group(group) for group in content["labelGroups"])
        entries = [entry for part in content["datasets"] for entry in part.get("annotations") or ()]
        scopes = {label["id"]: str(label.get("scope") or "").casefold() for label in labels}
        rows = [_read_annotation(entry, scopes) for entry in entries]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no export of an MD.ai project's annotations: a part of it is missing or "
            f"of another kind ({type(error).__name__}: {error}). {_REMEDY}"
        ) from error
    table = pd.DataFrame(rows, columns=["annotator", "label_id", "level", "uid"])
    by_model = [bool(entry.get("machineLearningModelId")) for entry in entries]
    notes = _notes(table, labels, sum(by_model))
    is_used = table["label_id"].isin(list(scopes)) & (table["uid"] != "") & ~pd.Series(by_model)
    if not is_used.any():
        raise ValueError(
            f"{path} has {len(table)} annotations, none of which a person gave to an exam, a "
            f"series or an image. Annotate first. {_REMEDY}"
        )
    return MdaiExport(path, groups, table[is_used].reset_index(drop=True), notes)


def _read_json(path: Path) -> object:
    if not path.is_file():
        raise FileNotFoundError(f"The export {path} is not there. {_REMEDY}")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # JSON's and Unicode's are ValueErrors
        raise ValueError(f"{path} cannot be read as JSON: {error}. {_REMEDY}") from error


def _check_content(content: object, path: Path) -> None:
    """It has the parts of an export of annotations, and annotations."""
    keys = list(content) if isinstance(content, dict) else []
    if not {"labelGroups", "datasets"} <= set(keys):
        what = f"its keys are {', '.join(keys) or 'none'}"
        datasets = content.get("datasets") if keys else None
        if any("dicomMetadata" in part for part in datasets or () if isinstance(part, dict)):
            what = "it is the project's DICOM metadata"
        raise ValueError(
            f"{path} is no export of an MD.ai project's annotations, which has labelGroups and "
            f"datasets: {what}. {_REMEDY}"
        )
    parts = content["datasets"] if isinstance(content["datasets"], list) else []
    if not any(isinstance(part, dict) and part.get("annotations") for part in parts):
        raise ValueError(
            f"{path} has no annotation in {len(parts)} data sets: nothing was annotated, or it was "
            f"left out of the export. {_REMEDY}"
        )


def _read_group(group: dict) -> LabelGroup:
    labels = group["labels"] or ()
    names = {label["id"]: str(label["name"]).strip() for label in labels}
    parents = {label["id"]: label.get("parentId") for label in labels}
    tops = {label: label for label in names}
    for _ in names:  # at most so many levels, and no endless circle
        tops = {
            label: parents[top] if parents[top] in names else top for label, top in tops.items()
        }
    return LabelGroup(
        str(group["name"]).strip(), {label: names[top] for label, top in tops.items()}
    )


def _read_annotation(entry: dict, scopes: dict[str, str]) -> tuple[str, str, str, str]:
    """Who, which label, and what it holds for; no level where no identifier is given."""
    uids = {column: str(entry.get(key) or "").strip() for column, key in _KEYS.items()}
    known = [column for column, uid in uids.items() if uid]
    level = _COLUMN_OF_SCOPE.get(scopes.get(entry["labelId"], ""), "")
    if level not in known:
        level = known[-1] if known else ""
    return (
        str(entry.get("createdById") or NO_ANNOTATOR),
        entry["labelId"],
        level,
        uids.get(level, ""),
    )


def _notes(table: pd.DataFrame, labels: list[dict], num_by_model: int) -> list[str]:
    """What is left out or read in another way."""
    known = {label["id"]: str(label["name"]) for label in labels}
    below = [known[label["id"]] for label in labels if label.get("parentId") in known]
    counts = {
        "annotations by a model left out": num_by_model,
        "annotations of labels that no group has left out": int(
            (~table["label_id"].isin(list(known))).sum()
        ),
        "annotations that name no exam, series or image left out": int((table["uid"] == "").sum()),
        "annotations that name no annotator, taken as one person's": int(
            (table["annotator"] == NO_ANNOTATOR).sum()
        ),
    }
    notes = [f"{count} {what}" for what, count in counts.items() if count]
    if below:
        notes.append(f"{len(below)} sub-labels count as their labels: {name_a_few(below)}")
    return notes


# --- which labels become columns ------------------------------------------------------------------


def choose_group(export: MdaiExport, group: str | None = None) -> LabelGroup:
    """The label group whose labels become columns, with the study's spelling and order.

    Use it between an export and its images. Capitals, spaces and hyphens do not matter: "cervical
    spine" is Cervical Spine.

    Args:
        export: from `read_mdai_export`.
        group: its name; None: the group that has the most of the study's labels, and no others.

    Returns:
        The group: the study's labels in the study's order, then others in the project's order.

    Raises:
        ValueError: there is no such group, none or more than one has the study's labels, or without
            `group` a label is none of the study's.
    """
    chosen = _most_like_the_study(export) if group is None else _named(export, group)
    study = {_plain(name): name for name in STUDY_LABELS}
    others = [name for name in dict.fromkeys(chosen.labels.values()) if _plain(name) not in study]
    if others and group is None:
        raise ValueError(
            f"The label group {chosen.name} of {export.path} has labels that are none of the "
            f"study's: {', '.join(others)}. Rename them in the project (the study's are "
            f"{', '.join(STUDY_LABELS)}), or take the group as it is: group={chosen.name!r}."
        )
    spelled = {label: study.get(_plain(name), name) for label, name in chosen.labels.items()}
    order = {name: place for place, name in enumerate((*STUDY_LABELS, *others))}
    ordered = sorted(spelled.items(), key=lambda pair: order[pair[1]])
    return LabelGroup(chosen.name, dict(ordered))


def _named(export: MdaiExport, name: str) -> LabelGroup:
    found = [group for group in export.groups if _plain(group.name) == _plain(name)]
    if len(found) != 1:
        raise ValueError(
            f"{export.path} has {len(found)} label groups named {name!r}. Its groups are "
            f"{', '.join(group.name for group in export.groups)}; give the name of one."
        )
    return found[0]


def _most_like_the_study(export: MdaiExport) -> LabelGroup:
    study = {_plain(name) for name in STUDY_LABELS}
    shared = [len(study & set(map(_plain, group.labels.values()))) for group in export.groups]
    best = [each for each, count in zip(export.groups, shared, strict=True) if count == max(shared)]
    if max(shared, default=0) == 0 or len(best) > 1:
        names = ", ".join(group.name for group in (best or export.groups))
        raise ValueError(
            f"{export.path} has {len(best)} label groups with {max(shared, default=0)} of the "
            f"study's {len(STUDY_LABELS)} labels: {names}. Give the name of the one to read as "
            "`group`."
        )
    return best[0]


def _plain(name: str) -> str:
    """Letters and digits without case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
