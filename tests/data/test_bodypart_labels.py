"""Labels of the study and of the public set, and what BodyPartExamined stands for."""

import numpy as np
import pandas as pd
import pytest

from radiokit.data.bodypart_labels import (
    ONLY_STUDY_LABELS,
    PUBLIC_LABELS,
    STUDY_LABELS,
    label_mapping,
    labels_of_header,
    to_public_labels,
    to_study_labels,
)

# Class ids as the competition and its users publish them.
PUBLISHED_IDS = {
    **{"Abdomen": 0, "Ankle": 1, "Cervical Spine": 2, "Chest": 3, "Clavicles": 4, "Elbow": 5},
    **{"Feet": 6, "Finger": 7, "Forearm": 8, "Hand": 9, "Hip": 10, "Knee": 11, "Lower Leg": 12},
    **{"Lumbar Spine": 13, "Others": 14, "Pelvis": 15, "Shoulder": 16, "Sinus": 17, "Skull": 18},
    **{"Thigh": 19, "Thoracic Spine": 20, "Wrist": 21},
}


def make_table(labels, **positive):
    """A row a case, with the labels named for it."""
    table = pd.DataFrame({"case_id": list(positive), "image": [f"{c}.dcm" for c in positive]})
    for label in labels:
        table[label] = np.array([label in names for names in positive.values()], np.uint8)
    table["body_part"] = ""
    table.attrs = {"labels": tuple(labels), "notes": ["kept"]}
    return table


def test_the_study_has_25_labels_and_the_public_set_22_with_published_ids():
    assert len(STUDY_LABELS) == len(set(STUDY_LABELS)) == 25
    assert dict(zip(PUBLIC_LABELS, range(22), strict=True)) == PUBLISHED_IDS
    assert set(STUDY_LABELS) - set(PUBLIC_LABELS) == {"Arm", "Cavum", "Sacroiliac"}


def test_the_mapping_holds_names_places_and_class_ids():
    mapping = label_mapping()
    assert mapping["label"].tolist() == list(STUDY_LABELS)
    assert mapping["study_index"].tolist() == list(range(25))
    known = mapping.dropna().set_index("label")["public_id"]
    assert known.to_dict() == PUBLISHED_IDS
    assert set(mapping["label"][mapping["public_id"].isna()]) == set(ONLY_STUDY_LABELS)


def test_public_labels_become_the_studys_and_the_three_are_unknown_not_absent():
    table = make_table(PUBLIC_LABELS, a=["Hand", "Wrist"], b=["Chest"])
    study = to_study_labels(table)
    assert [name for name in study.columns if name in STUDY_LABELS] == list(STUDY_LABELS)
    assert study[list(ONLY_STUDY_LABELS)].isna().all(axis=None)
    assert study["Hand"].tolist() == [1, 0] and study["Chest"].tolist() == [0, 1]
    assert study.columns.tolist()[:2] == ["case_id", "image"] and study.columns[-1] == "body_part"
    assert study.attrs["labels"] == STUDY_LABELS
    assert study.attrs["notes"] == ["kept", "Arm, Cavum, Sacroiliac are unknown in all 2 images"]
    assert "Arm" not in table.columns and table.attrs["notes"] == ["kept"]


def test_study_labels_become_the_public_ones_and_images_of_the_three_alone_are_left_out():
    table = make_table(
        STUDY_LABELS, a=["Hand"], b=["Arm"], c=["Arm", "Shoulder"], d=["Cavum"], e=["Sacroiliac"]
    )
    public = to_public_labels(table)
    assert public["case_id"].tolist() == ["a", "c"] and public.index.tolist() == [0, 1]
    assert public["Shoulder"].tolist() == [0, 1]
    expected = [label for label in STUDY_LABELS if label in PUBLIC_LABELS]
    assert [name for name in public.columns if name in STUDY_LABELS] == expected
    assert public.attrs["labels"] == tuple(expected)
    assert public.attrs["notes"] == [
        "kept",
        "3 images show only Arm, Cavum or Sacroiliac and are left out: b, d, e",
    ]


def test_there_and_back_gives_the_same_labels():
    table = make_table(PUBLIC_LABELS, a=["Hand", "Wrist"], b=["Chest"])
    back = to_public_labels(to_study_labels(table))
    pd.testing.assert_frame_equal(back[list(PUBLIC_LABELS)], table[list(PUBLIC_LABELS)])


def test_tables_without_the_labels_are_refused():
    table = make_table(PUBLIC_LABELS, a=["Hand"])
    with pytest.raises(ValueError, match="lacks 3 of the 25 labels: Arm, Cavum, Sacroiliac"):
        to_public_labels(table)
    with pytest.raises(ValueError, match="lacks 1 of the 22 labels: Hand.*Give a table of index_u"):
        to_study_labels(table.drop(columns="Hand"))
    with pytest.raises(ValueError, match="None of 1 images shows one of the 22"):
        to_public_labels(make_table(STUDY_LABELS, a=["Arm"]))


@pytest.mark.parametrize(
    ("header", "labels"),
    [
        ("CHEST", {"Chest"}),
        ("HAND", {"Hand"}),
        ("CSPINE", {"Cervical Spine"}),
        ("TSPINE", {"Thoracic Spine"}),
        ("LSPINE", {"Lumbar Spine"}),
        ("SIJOINT", {"Sacroiliac"}),
        ("LEG", {"Lower Leg"}),
        ("FEMUR", {"Thigh"}),
        ("HUMERUS", {"Arm"}),
        ("FOOT", {"Feet"}),
        ("CLAVICLE", {"Clavicles"}),
        ("HEAD", {"Skull", "Sinus", "Cavum"}),
        (" t.o.r á x ", {"Chest"}),
        ("Pé", {"Feet"}),
        ("Muñeca", {"Wrist"}),
        ("L SPINE", {"Lumbar Spine"}),
    ],
)
def test_terms_of_dicom_and_of_devices_stand_for_labels(header, labels):
    found, is_vague = labels_of_header(header)
    assert set(found) == labels and not is_vague


@pytest.mark.parametrize(
    ("header", "inside", "outside"),
    [
        ("EXTREMITY", {"Hand", "Knee"}, {"Chest"}),
        ("UP_EXM", {"Elbow"}, {"Knee"}),
        ("LOWERLIMB", {"Knee"}, {"Elbow"}),
        ("SPINE", {"Lumbar Spine"}, {"Hip"}),
        ("WHOLEBODY", set(STUDY_LABELS), set()),
        ("SERVICE 3", set(), set(STUDY_LABELS)),
        ("", set(), set(STUDY_LABELS)),
    ],
)
def test_limbs_the_spine_and_unknown_words_are_vague(header, inside, outside):
    found, is_vague = labels_of_header(header)
    assert is_vague and inside <= set(found) and not outside & set(found)


def test_every_label_has_a_term_of_its_own():
    own = {"Others": "BREAST", "Feet": "FOOT", "Lower Leg": "LEG", "Clavicles": "CLAVICLE"}
    for label in STUDY_LABELS:
        assert labels_of_header(own.get(label, label)) == ((label,), False), label
