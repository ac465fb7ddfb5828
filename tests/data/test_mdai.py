"""An MD.ai project and its films."""

import numpy as np
import pandas as pd
import pydicom
import pytest
from mdai_maker import (
    annotation,
    label_group,
    write_colour,
    write_export,
    write_frames,
    write_radiograph,
)
from sklearn.metrics import cohen_kappa_score

from radiokit.cards import check_copy, load_card
from radiokit.data.bodypart_labels import STUDY_LABELS
from radiokit.data.mdai import annotator_agreement, index_mdai
from radiokit.data.own import read_labelled_case
from radiokit.data.splits import audit_split, split_by_patient

BODY = label_group("Body part", ["Feet", "Hand", "wrist", "Sacroiliac"])
VIEW = label_group("Projection", ["Frontal", "Lateral"], 2)
A, B, C = "1.2.7.1.1", "1.2.7.1.2", "1.2.8.1.1"


def index(tmp_path, given, group=None, groups=(BODY, VIEW), write=True):
    """Films A and B of one exam, C of another; given: (label, image, annotator) or annotations."""
    if write:
        for uid in (A, B, C):
            write_radiograph(tmp_path / "images", uid)
    entries = [each if isinstance(each, dict) else annotation(BODY, *each) for each in given]
    path = write_export(tmp_path / "export.json", list(groups), entries)
    return index_mdai(path, tmp_path / "images", group)


def labels_of(table):
    """case_id -> its labels."""
    names = list(table.attrs["labels"])
    return {row["case_id"]: [n for n in names if row[n] == 1] for _, row in table.iterrows()}


ALL = [("Hand", A, "U_1"), ("wrist", A, "U_1"), ("Hand", B, "U_1"), ("Feet", C, "U_1")]


def test_an_export_and_its_films_become_a_case_table(tmp_path):
    table = index(tmp_path, ALL)
    assert labels_of(table) == {A: ["Wrist", "Hand"], B: ["Hand"], C: ["Feet"]}
    assert table.attrs["labels"] == ("Wrist", "Hand", "Sacroiliac", "Feet")  # order of the study
    assert list(table.columns) == [
        *("case_id", "patient_id", "exam_id", "series_id", "image"),
        *("Wrist", "Hand", "Sacroiliac", "Feet"),
        *("body_part", "view_position", "laterality", "photometric", "rows", "columns"),
        *("spacing_row_mm", "spacing_column_mm", "dataset", "is_phantom"),
    ]
    assert (table.dtypes[list(table.attrs["labels"])] == np.uint8).all()
    assert table["exam_id"].tolist() == ["1.2.7", "1.2.7", "1.2.8"]
    assert table["patient_id"].tolist() == ["P1.2.7", "P1.2.7", "P1.2.8"]
    assert table.loc[0, ["body_part", "view_position", "photometric"]].tolist() == [
        *("HAND", "PA", "MONOCHROME2")
    ]
    assert table.loc[0, ["rows", "columns", "spacing_row_mm", "spacing_column_mm"]].tolist() == [
        *(6, 8, 0.2, 0.1)
    ]
    assert set(table["dataset"]) == {"mdai"} and not table["is_phantom"].any()
    assert table.attrs["patient_key"] == "PatientID"
    assert table.attrs["unmatched"] == table.attrs["unreadable"] == []


def test_a_phantom_is_known_by_its_note(tmp_path):
    (tmp_path / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index(tmp_path, ALL)["is_phantom"].all()


def test_the_header_and_not_the_name_tells_an_image(tmp_path):
    for number, uid in enumerate((A, B, C)):
        path = write_radiograph(tmp_path / "made", uid)
        target = tmp_path / "images" / f"film {number}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    assert labels_of(index(tmp_path, ALL, write=False))[C] == ["Feet"]


def test_without_an_identifier_in_the_header_the_name_tells_it(tmp_path):
    path = write_radiograph(tmp_path / "images", A)
    dataset = pydicom.dcmread(path)
    del dataset.SOPInstanceUID
    dataset.save_as(path)
    table = index(tmp_path, [("Hand", A, "U_1")], write=False)
    assert labels_of(table) == {A: ["Hand"]}


def test_labels_of_exams_and_series_hold_for_all_of_their_images(tmp_path):
    exam = label_group("Body part", ["Feet", "Hand"], scope="EXAM")
    given = [annotation(exam, "Hand", A), annotation(exam, "Feet", C)]
    table = index(tmp_path, given, groups=[exam])
    assert labels_of(table) == {A: ["Hand"], B: ["Hand"], C: ["Feet"]}
    series = label_group("Body part", ["Feet", "Hand", "Wrist"], scope="SERIES")
    series["labels"][2]["scope"] = "INSTANCE"
    given = [annotation(series, "Hand", A), annotation(series, "Wrist", B)]
    given.append(annotation(series, "Feet", C))
    assert labels_of(index(tmp_path, given, groups=[series]))[B] == ["Wrist", "Hand"]


def test_patients_without_name_are_told_by_exam(tmp_path):
    for uid in (A, B, C):
        write_radiograph(tmp_path / "images", uid, PatientID="")
    table = index(tmp_path, ALL, write=False)
    assert table["patient_id"].tolist() == ["1.2.7", "1.2.7", "1.2.8"]
    assert table.attrs["patient_key"] == "StudyInstanceUID"
    assert any("PatientID is missing" in note for note in table.attrs["notes"])


def test_a_named_group_gives_its_own_labels(tmp_path):
    given = [*ALL, annotation(VIEW, "Frontal", A), annotation(VIEW, "Lateral", B)]
    with pytest.warns(UserWarning, match="1.2.8.1.1.dcm: nobody annotated it"):
        table = index(tmp_path, given, group="Projection")
    assert labels_of(table) == {A: ["Frontal"], B: ["Lateral"]}


def test_labels_beside_those_of_the_study_are_said(tmp_path):
    group = label_group("Body part", ["Hand", "Tail"])
    given = [annotation(group, "Hand", A), annotation(group, "Tail", B)]
    given.append(annotation(group, "Tail", C))
    with pytest.raises(ValueError, match="none of the study's: Tail"):
        index(tmp_path, given, groups=[group])
    table = index(tmp_path, given, group="Body part", groups=[group])
    assert "labels that are none of the study's: Tail" in table.attrs["notes"]


def test_a_label_named_as_another_column_is_refused(tmp_path):
    group = label_group("Odd", ["image", "rows"])
    given = [annotation(group, "image", A)]
    with pytest.raises(ValueError, match="labels image, rows of the group Odd have the names of"):
        index(tmp_path, given, group="Odd", groups=[group])


# --- several annotators ---


def test_an_image_has_what_more_than_half_of_its_readers_gave_it(tmp_path):
    given = [
        *[("Hand", A, user) for user in ("U_1", "U_2", "U_3")],
        *[("wrist", A, user) for user in ("U_1", "U_2")],
        ("Feet", A, "U_3"),
        *[("Hand", B, "U_1"), ("Hand", B, "U_2"), ("wrist", B, "U_2")],
        *[("Feet", C, "U_1"), ("Feet", C, "U_1")],  # twice by one person is once
    ]
    table = index(tmp_path, given)
    assert labels_of(table) == {A: ["Wrist", "Hand"], B: ["Hand"], C: ["Feet"]}
    assert table.attrs["notes"] == [
        "annotators: 3; images read by more than one of them: 2 of 3",
        "1 labels of 1 images were given by half of their readers: no majority, so the image has "
        "not got them",
    ]


def test_an_image_without_any_majority_is_left_out_and_listed(tmp_path):
    given = [("Hand", A, "U_1"), ("Feet", A, "U_2"), ("Hand", B, "U_1"), ("Feet", C, "U_1")]
    with pytest.warns(UserWarning, match="1 images or annotations have no partner") as caught:
        table = index(tmp_path, given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert set(labels_of(table)) == {B, C}
    assert table.attrs["unmatched"] == [f"1.2.7.1/{A}.dcm: its 2 readers agree on no label"]
    assert A not in table.attrs["readings"]["case_id"]


def test_when_no_image_has_a_label_it_is_said(tmp_path):
    given = [(label, uid, f"U_{label}") for label in ("Hand", "Feet") for uid in (A, B, C)]
    with pytest.raises(ValueError, match="No image of .* has a label.*its 2 readers agree on no"):
        index(tmp_path, given)


def test_readings_are_a_table_that_survives_joining(tmp_path):
    table = index(tmp_path, [*ALL, ("Hand", A, "U_2")])
    readings = pd.DataFrame(table.attrs["readings"])
    assert list(readings.columns) == ["case_id", "annotator", "label"]
    assert readings.values.tolist()[:2] == [[A, "U_1", "Hand"], [A, "U_1", "Wrist"]]
    assert len(readings) == 5
    joined = pd.concat([table, table.copy()])
    assert joined.attrs["readings"] == table.attrs["readings"]


def test_agreement_is_that_of_scikit_learn(tmp_path):
    rng = np.random.default_rng(4)
    names, images = ["Hand", "wrist", "Feet"], [f"1.2.{n}.1.1" for n in range(30)]
    for uid in images:
        write_radiograph(tmp_path / "images", uid)
    sets = {}
    for user in ("U_1", "U_2", "U_3"):
        for number, uid in enumerate(images):
            chosen = rng.random(3) < 0.5 if number % 3 else np.array([True, False, False])
            sets[user, uid] = chosen if chosen.any() else np.array([False, False, True])
    sets = {key: value for key, value in sets.items() if key != ("U_3", images[0])}
    given = [
        (n, uid, u) for (u, uid), v in sets.items() for n, x in zip(names, v, strict=True) if x
    ]
    with pytest.warns(UserWarning, match="agree on no label"):
        table = index(tmp_path, given, write=False)
    found = annotator_agreement(table).set_index(["annotator_a", "annotator_b"])
    assert list(found.index) == [("U_1", "U_2"), ("U_1", "U_3"), ("U_2", "U_3")]
    for (a, b), row in found.iterrows():
        both = [uid for uid in table["case_id"] if (a, uid) in sets and (b, uid) in sets]
        first = np.array([sets[a, uid] for uid in both]).astype(int)
        second = np.array([sets[b, uid] for uid in both]).astype(int)
        absent = np.zeros((len(both), 1), int)  # Sacroiliac: nobody gave it
        first, second = np.hstack([first, absent]), np.hstack([second, absent])
        assert row["images"] == len(both) and row["labels"] == 4
        assert row["equal_decisions"] == pytest.approx((first == second).mean())
        assert row["equal_sets"] == pytest.approx((first == second).all(axis=1).mean())
        expected = cohen_kappa_score(first.ravel(), second.ravel())
        assert row["kappa"] == pytest.approx(expected)


def test_annotators_who_share_no_image_have_no_agreement(tmp_path):
    table = index(tmp_path, [("Hand", A, "U_1"), ("Hand", B, "U_2"), ("Feet", C, "U_1")])
    (row,) = annotator_agreement(table).to_dict("records")
    assert row["images"] == 0 and row["labels"] == 4
    assert np.isnan([row["equal_decisions"], row["equal_sets"], row["kappa"]]).all()


def test_agreement_is_of_the_images_in_the_table(tmp_path):
    table = index(tmp_path, [*ALL, ("Hand", A, "U_2"), ("Feet", C, "U_2")])
    (row,) = annotator_agreement(table[table["case_id"] == C]).to_dict("records")
    assert row["images"] == 1 and row["equal_sets"] == row["kappa"] == 1
    assert annotator_agreement(table)["images"].tolist() == [2]


def test_one_annotator_makes_no_pair_and_a_table_without_readings_is_refused(tmp_path):
    assert len(annotator_agreement(index(tmp_path, ALL))) == 0
    with pytest.raises(ValueError, match="no readings in its attrs"):
        annotator_agreement(pd.DataFrame({"case_id": ["a"]}))


# --- what has no partner, and what is no radiograph ---


def test_an_annotation_without_file_and_a_file_without_annotation_are_listed(tmp_path):
    exam = annotation(BODY, "Hand", "1.2.5.1.1", scope="EXAM")
    given = [("Hand", A, "U_1"), ("Hand", "1.2.7.1.9", "U_1"), ("Feet", C, "U_1"), exam]
    with pytest.warns(UserWarning, match="3 images or annotations have no partner") as caught:
        table = index(tmp_path, given)
    assert len(caught) == 1 and len(table) == 2
    assert table.attrs["unmatched"] == [
        "the annotated exam 1.2.5 has no file",
        "the annotated image 1.2.7.1.9 has no file",
        f"1.2.7.1/{B}.dcm: nobody annotated it",
    ]


def test_nothing_in_common_shows_both_sides(tmp_path):
    with pytest.raises(
        ValueError,
        match="None of 1 annotations of the group Body part .* 9.9.9, the files .* 1.2.7",
    ):
        index(tmp_path, [("Hand", "9.9.9", "U_1")])


def test_colour_frames_and_copies_are_left_out_and_listed_once(tmp_path):
    images = tmp_path / "images"
    write_colour(images, "1.2.9.1.1"), write_frames(images, "1.2.9.1.2")
    write_radiograph(images / "copies", A)
    (images / "1.2.9" / "1.2.9.2").mkdir()
    (images / "1.2.9" / "1.2.9.2" / "1.2.9.2.1.dcm").write_bytes(b"no film at all")
    bad = ("1.2.9.1.1", "1.2.9.1.2", "1.2.9.2.1")
    given = [*ALL, *[("Hand", uid, "U_1") for uid in bad]]
    with pytest.warns(UserWarning, match="4 files are left out") as caught:
        table = index(tmp_path, given)
    assert len(caught) == 1 and set(table["case_id"]) == {A, B, C}
    assert table.attrs["unmatched"] == []
    text = "\n".join(table.attrs["unreadable"])
    assert "1.2.9.1/1.2.9.1.1.dcm: it is a colour image" in text
    assert "1.2.9.1/1.2.9.1.2.dcm: it has 2 frames" in text
    assert f"1.2.7.1/{A}.dcm: its SOPInstanceUID is that of" in text
    assert "1.2.9.2/1.2.9.2.1.dcm: it is not a DICOM file" in text


def test_an_empty_export_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no annotation in 1 data sets"):
        index(tmp_path, [])
    path = write_export(tmp_path / "export.json", [BODY], [annotation(BODY, "Hand", A)])
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        index_mdai(path, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no DICOM file in .*empty"):
        index_mdai(path, tmp_path / "empty")


def test_rows_are_read_and_split_by_patient(tmp_path):
    uids = [f"1.2.{exam}.1.{image}" for exam in range(6) for image in (1, 2)]
    for uid in uids:
        write_radiograph(tmp_path / "images", uid)
    table = index(tmp_path, [("Hand", uid, "U_1") for uid in uids], write=False)
    image, target = read_labelled_case(table.iloc[0], (8, 8), table.attrs["labels"])
    assert image.shape == (8, 8, 1)
    assert target.tolist() == [0, 1, 0, 0]
    split = split_by_patient(table, {"train": 0.5, "test": 0.5}, seed=0)
    assert audit_split(split)["images"].tolist() == [6, 6]


def test_the_card_has_the_studys_labels_and_finds_both_kinds_of_file(tmp_path):
    card = load_card("mdai")
    assert tuple(card.labels) == STUDY_LABELS
    index(tmp_path, ALL)
    assert check_copy(card, tmp_path) == [
        "radiographs: 3 of 2443 found (such as images/1.2.826.0.1/1.2.826.0.2/1.2.826.0.3.dcm)."
    ]
    (tmp_path / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert check_copy(card, tmp_path) == []
