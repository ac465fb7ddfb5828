"""The JSON that an MD.ai project exports."""

import json

import pytest
from mdai_maker import annotation, label_group, write_export

from radiokit.data.bodypart_labels import STUDY_LABELS
from radiokit.data.mdai_annotations import choose_group, read_mdai_export

BODY = label_group("Body part", ["Hand", "Wrist", "Feet"])
IMAGE = "1.2.7.1.1"


def read(tmp_path, groups, annotations):
    return read_mdai_export(write_export(tmp_path / "export.json", groups, annotations))


def test_an_annotation_says_who_which_label_and_which_image(tmp_path):
    export = read(tmp_path, [BODY], [annotation(BODY, "Wrist", IMAGE, "U_9")])
    assert export.groups[0].name == "Body part"
    assert export.groups[0].labels == {"L_10": "Hand", "L_11": "Wrist", "L_12": "Feet"}
    assert export.annotations.to_dict("records") == [
        {"annotator": "U_9", "label_id": "L_11", "level": "sop_uid", "uid": IMAGE}
    ]
    assert export.notes == []


@pytest.mark.parametrize(
    ("scope", "level", "uid"),
    [
        ("EXAM", "exam_id", "1.2.7"),
        ("study", "exam_id", "1.2.7"),
        ("SERIES", "series_id", "1.2.7.1"),
        ("instance", "sop_uid", IMAGE),
    ],
)
def test_the_scope_of_the_label_says_what_an_annotation_holds_for(tmp_path, scope, level, uid):
    group = label_group("Body part", ["Hand"], scope=scope)
    export = read(tmp_path, [group], [annotation(group, "Hand", IMAGE, scope="INSTANCE")])
    assert export.annotations.loc[0, ["level", "uid"]].tolist() == [level, uid]


@pytest.mark.parametrize(("scope", "level"), [("EXAM", "exam_id"), ("SERIES", "series_id")])
def test_without_the_identifier_of_its_scope_the_finest_there_is_counts(tmp_path, scope, level):
    export = read(tmp_path, [BODY], [annotation(BODY, "Hand", IMAGE, scope=scope)])
    assert export.annotations["level"].tolist() == [level]
    empty = annotation(BODY, "Hand", IMAGE, scope=scope) | {"SOPInstanceUID": None}
    assert read(tmp_path, [BODY], [empty]).annotations["level"].tolist() == [level]


def test_a_label_without_scope_holds_for_the_finest_that_is_named(tmp_path):
    group = label_group("Body part", ["Hand"])
    entry = annotation(group, "Hand", IMAGE)
    del group["labels"][0]["scope"]
    assert read(tmp_path, [group], [entry]).annotations["level"].tolist() == ["sop_uid"]


def test_a_sub_label_counts_as_its_label(tmp_path):
    parents = {"Left": "Hand", "Thumb up": "Left"}
    group = label_group("Body part", ["Hand", "Left", "Thumb up"], parents=parents)
    export = read(tmp_path, [group], [annotation(group, "Thumb up", IMAGE)])
    assert set(export.groups[0].labels.values()) == {"Hand"}
    assert export.notes == ["2 sub-labels count as their labels: Left, Thumb up"]


def test_labels_that_are_each_others_parent_end(tmp_path):
    group = label_group("Body part", ["Hand", "Wrist"], parents={"Hand": "Wrist", "Wrist": "Hand"})
    export = read(tmp_path, [group], [annotation(group, "Hand", IMAGE)])
    assert set(export.groups[0].labels) == {"L_10", "L_11"}


def test_what_is_no_reading_is_left_out_and_counted(tmp_path):
    entries = [
        annotation(BODY, "Hand", IMAGE),
        annotation(BODY, "Feet", IMAGE, machineLearningModelId="M_1"),
        annotation(BODY, "Feet", IMAGE) | {"labelId": "L_deleted"},
        annotation(BODY, "Feet", IMAGE)
        | {"StudyInstanceUID": None}
        | dict.fromkeys(("SeriesInstanceUID", "SOPInstanceUID")),
    ]
    export = read(tmp_path, [BODY], entries)
    assert export.annotations["label_id"].tolist() == ["L_10"]
    assert export.notes == [
        "1 annotations by a model left out",
        "1 annotations of labels that no group has left out",
        "1 annotations that name no exam, series or image left out",
    ]


def test_an_annotation_of_nobody_has_an_unknown_annotator(tmp_path):
    export = read(tmp_path, [BODY], [annotation(BODY, "Hand", IMAGE, annotator=None)])
    assert export.annotations["annotator"].tolist() == ["unknown"]
    assert export.notes == ["1 annotations that name no annotator, taken as one person's"]


def test_a_data_set_without_annotations_is_passed_over(tmp_path):
    path = write_export(tmp_path / "export.json", [BODY], [annotation(BODY, "Hand", IMAGE)])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["datasets"] += [{"id": "D_2"}, {"id": "D_3", "annotations": None}]
    content["labelGroups"].append({"id": "G_9", "name": "Empty", "labels": None})
    path.write_text(json.dumps(content), encoding="utf-8-sig")  # with a byte order mark
    export = read_mdai_export(path)
    assert len(export.annotations) == 1
    assert choose_group(export).name == "Body part"


# --- other files ---


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.json is not there. Export the annotations"):
        read_mdai_export(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"{", b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "export.json").write_bytes(content)
    with pytest.raises(ValueError, match="export.json cannot be read as JSON"):
        read_mdai_export(tmp_path / "export.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": [], "annotations": [], "categories": []}, "keys are images, annotations, cat"),
        ([{"image": 1}], "its keys are none"),
        ({}, "its keys are none"),
        ({"datasets": [{"dicomMetadata": []}]}, "it is the project's DICOM metadata"),
        ({"labelGroups": 3, "datasets": [{"annotations": [{}]}]}, r"a part of it.*TypeError"),
        ({"labelGroups": [], "datasets": [{"annotations": [{}]}]}, r"a part of it.*labelId"),
        ({"labelGroups": [], "datasets": [{"annotations": ["x"]}]}, "a part of it is missing"),
    ],
)
def test_the_json_of_another_program_is_refused(tmp_path, content, words):
    (tmp_path / "export.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=f"no export of an MD.ai project's annotations.*{words}"):
        read_mdai_export(tmp_path / "export.json")


def test_an_export_without_annotations_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no annotation in 1 data sets: nothing was annotated"):
        read(tmp_path, [BODY], [])
    with pytest.raises(ValueError, match="1 annotations, none of which a person gave"):
        read(tmp_path, [BODY], [annotation(BODY, "Hand", IMAGE, machineLearningModelId="M_1")])


# --- label groups ---


def test_the_group_with_most_of_the_studys_labels_is_chosen_and_spelled_as_in_the_study(tmp_path):
    views = label_group("Projection", ["Frontal", "Chest"], 2)
    group = label_group("Region", ["feet", "LOWER-LEG", " Cervical spine", "hand"], 3)
    export = read(tmp_path, [views, group], [annotation(group, "feet", IMAGE)])
    chosen = choose_group(export)
    assert chosen.name == "Region"
    expected = [name for name in STUDY_LABELS if name in chosen.labels.values()]
    assert (
        list(chosen.labels.values()) == expected == ["Hand", "Cervical Spine", "Lower Leg", "Feet"]
    )
    assert chosen.labels["L_30"] == "Feet"


def test_a_named_group_keeps_its_own_labels_in_its_order(tmp_path):
    views = label_group("Projection", ["Lateral", "Frontal"], 2)
    export = read(tmp_path, [BODY, views], [annotation(BODY, "Hand", IMAGE)])
    assert list(choose_group(export, "projection").labels.values()) == ["Lateral", "Frontal"]


def test_a_label_that_the_study_does_not_know_is_named(tmp_path):
    group = label_group("Body part", ["Hand", "Tail"])
    export = read(tmp_path, [group], [annotation(group, "Hand", IMAGE)])
    with pytest.raises(ValueError, match="none of the study's: Tail. Rename.*group='Body part'"):
        choose_group(export)
    assert list(choose_group(export, "Body part").labels.values()) == ["Hand", "Tail"]


def test_an_unknown_group_is_answered_with_the_known_ones(tmp_path):
    export = read(tmp_path, [BODY], [annotation(BODY, "Hand", IMAGE)])
    with pytest.raises(ValueError, match="0 label groups named 'View'. Its groups are Body part"):
        choose_group(export, "View")


def test_two_groups_that_fit_alike_ask_for_a_name(tmp_path):
    other = label_group("Second team", ["Hand", "Wrist", "Feet"], 2)
    export = read(tmp_path, [BODY, other], [annotation(BODY, "Hand", IMAGE)])
    with pytest.raises(ValueError, match="2 label groups with 3 .* Body part, Second team. Give"):
        choose_group(export)
    views = label_group("Projection", ["Frontal"], 2)
    export = read(tmp_path, [views], [annotation(views, "Frontal", IMAGE)])
    with pytest.raises(ValueError, match="1 label groups with 0 of the study's 25 labels: Project"):
        choose_group(export)
