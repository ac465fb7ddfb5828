"""The UNIFESP body part challenge: its layout to a case table, and what can be wrong with it."""

import shutil
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless
from radiograph_maker import bone, write_radiograph, write_unifesp

from radiokit.data.bodypart import PUBLIC_LABELS, STUDY_LABELS, index_unifesp, read_bodypart_case
from radiokit.data.splits import audit_split, split_by_patient

TARGETS = ["9 21", "3", "3", "14", "0 15", "7"]


@pytest.fixture
def copy(tmp_path):
    return write_unifesp(tmp_path / "copy", TARGETS)


def write_table(copy, *rows, header="SOPInstanceUID,Target", name="train.csv"):
    (copy / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def file_of(copy, number):
    return next(copy.rglob(f"1.9.{number}-c.dcm"))


def test_a_copy_becomes_a_table_with_the_studys_names_and_order(copy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = index_unifesp(copy)
    assert len(table) == 6 and not table["is_phantom"].any()
    labels = [name for name in table.columns if name in STUDY_LABELS]
    assert labels == [label for label in STUDY_LABELS if label in PUBLIC_LABELS]
    assert table.attrs["labels"] == tuple(labels) and set(table.dtypes[labels]) == {np.dtype("u1")}
    by_case = table.set_index("case_id")
    for number, target in enumerate(TARGETS):
        row = by_case.loc[f"1.9.{number}"]
        shown = {label for label in labels if row[label]}
        assert shown == {PUBLIC_LABELS[int(each)] for each in target.split()}
        assert Path(row["image"]) == file_of(copy, number)
    assert set(table["dataset"]) == {"unifesp"} and set(table["body_part"]) == {"HAND"}
    assert set(table["spacing_row_mm"]) == {0.14} and set(table["spacing_column_mm"]) == {0.15}
    assert set(table["rows"]) == {24} and set(table["columns"]) == {18}
    assert table.attrs["unreadable"] == table.attrs["unmatched"] == []


def test_without_a_patient_id_the_exam_stands_for_the_patient_and_it_says_so(copy):
    table = index_unifesp(copy)
    assert table["patient_id"].equals(table["exam_id"]) and table["patient_id"].nunique() == 3
    assert table.attrs["patient_key"] == "StudyInstanceUID"
    assert any("each exam counts as a patient" in note for note in table.attrs["notes"])
    split = split_by_patient(table, {"train": 0.4, "validation": 0.3, "test": 0.3}, seed=0)
    assert split.groupby("exam_id")["split"].nunique().max() == 1


def test_patient_ids_that_differ_are_used(copy):
    for number in range(6):
        dataset = pydicom.dcmread(file_of(copy, number))
        dataset.PatientID = "A" if number < 4 else "B"
        dataset.save_as(file_of(copy, number))
    table = index_unifesp(copy)
    assert table.attrs["patient_key"] == "PatientID"
    assert table.set_index("case_id")["patient_id"].value_counts().to_dict() == {"A": 4, "B": 2}


def test_further_nesting_and_another_name_of_the_table_do_not_matter(copy, tmp_path):
    nested = tmp_path / "nested"
    shutil.copytree(copy / "train", nested / "train" / "train" / "1")
    shutil.copy(copy / "train.csv", nested / "train_labels.csv")
    assert index_unifesp(nested)["case_id"].tolist() == index_unifesp(copy)["case_id"].tolist()


def test_files_of_the_test_part_are_not_taken_for_training(copy, tmp_path):
    other = write_unifesp(tmp_path / "other", ["1"], part="test", SOPInstanceUID="1.8")
    shutil.copytree(other / "test", copy / "test")
    assert len(index_unifesp(copy)) == 6
    table = index_unifesp(copy, "test")
    assert table["case_id"].tolist() == ["1.8"]
    assert table[list(PUBLIC_LABELS)].isna().all(axis=None)
    assert any("all labels are unknown" in note for note in table.attrs["notes"])


def test_the_sample_submission_is_never_read_as_truth(copy, tmp_path):
    write_unifesp(tmp_path / "other", ["1"], part="test", SOPInstanceUID="1.8")
    write_table(copy, "1.8,3", name="sample_submission.csv")
    shutil.copytree(tmp_path / "other" / "test", copy / "test")
    assert index_unifesp(copy, "test")["Chest"].isna().all() and len(index_unifesp(copy)) == 6


def test_an_empty_target_is_listed_and_left_out(copy):
    write_table(copy, "1.9.0,9 21", "1.9.1,", "1.9.2,  ", "1.9.3,14", "1.9.4,0", "1.9.5,7")
    with pytest.warns(UserWarning, match="2 rows or files have no partner"):
        table = index_unifesp(copy)
    assert table["case_id"].tolist() == ["1.9.0", "1.9.3", "1.9.4", "1.9.5"]
    rows = ["row 1.9.1 has an empty Target", "row 1.9.2 has an empty Target"]
    assert table.attrs["unmatched"] == rows  # and no second sentence on their files


def test_rows_without_file_and_files_without_row_are_listed(copy):
    write_table(copy, "1.9.0,9", "1.9.1,3", "1.9.77,3", "1.9.3,1", "1.9.4,2", "1.9.5,2")
    with pytest.warns(UserWarning, match=r"2 rows or files .*attrs\['unmatched'\]"):
        table = index_unifesp(copy)
    assert len(table) == 5
    assert table.attrs["unmatched"] == [
        "row 1.9.77 has no file",
        "1.1.5/1.9.2-c.dcm: it has no row",
    ]


@pytest.mark.parametrize("target", ["22", "3 -1", "3,4", "Chest", "3.0", "9;21"])
def test_unknown_class_ids_are_refused(copy, target):
    write_table(copy, "1.9.0,9 21", f'1.9.1,"{target}"')
    with pytest.raises(ValueError, match="1 rows with unknown class ids: 1.9.1 has .* 0 .Abdomen"):
        index_unifesp(copy)


def test_equal_rows_are_dropped_and_noted_contradictory_ones_refused(copy):
    rows = [f"1.9.{number},{target}" for number, target in enumerate(TARGETS)]
    write_table(copy, *rows, "1.9.0,21 9")
    table = index_unifesp(copy)
    assert len(table) == 6 and "1 repeated rows dropped" in table.attrs["notes"]
    write_table(copy, *rows, "1.9.0,21")
    with pytest.raises(ValueError, match="contradict one another on 1 images: 1.9.0. Keep one"):
        index_unifesp(copy)


def test_a_table_in_capitals_is_found(copy):
    (copy / "train.csv").rename(copy / "TRAIN.CSV")
    assert len(index_unifesp(copy)) == 6


def test_a_file_left_out_under_another_name_is_told_once(copy):
    rgb = np.zeros((8, 8, 3), np.uint8)
    file_of(copy, 0).unlink()
    write_radiograph(copy / "train" / "colour.dcm", rgb, SOPInstanceUID="1.9.0")
    with pytest.warns(UserWarning, match="1 files are left out .*colour image"):
        table = index_unifesp(copy)
    assert len(table) == 5 and table.attrs["unmatched"] == []


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("SOPInstanceUID,Target", "1.9.0,9,21", "cells than its 2 columns"),
        ("SOPInstanceUID,Target,Target", "1.9.0,9,21", "several columns are named Target"),
    ],
)
def test_a_table_whose_cells_and_columns_do_not_fit_is_refused(copy, header, row, message):
    write_table(copy, row, header=header)
    with pytest.raises(ValueError, match=f"train.csv cannot be read as CSV: .*{message}"):
        index_unifesp(copy)


def test_of_files_with_one_uid_the_first_is_kept(copy):
    shutil.copy(file_of(copy, 0), copy / "train" / "1.9.0 (copy).dcm")
    with pytest.warns(UserWarning, match="1 files are left out .*its SOPInstanceUID is that of"):
        table = index_unifesp(copy)
    assert len(table) == 6 and table["case_id"].is_unique


def test_colour_several_frames_and_broken_files_are_listed_not_read(copy):
    rgb = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    write_radiograph(file_of(copy, 0), rgb, SOPInstanceUID="1.9.0")
    write_radiograph(file_of(copy, 1), SOPInstanceUID="1.9.1", NumberOfFrames=2, Rows=12)
    file_of(copy, 2).write_bytes(file_of(copy, 2).read_bytes()[:-100])
    with pytest.warns(UserWarning, match="3 files are left out"):
        table = index_unifesp(copy)
    assert table["case_id"].tolist() == ["1.9.3", "1.9.4", "1.9.5"]
    text = " ".join(table.attrs["unreadable"])
    for reason in ("colour image", "2 frames", "cut short"):
        assert reason in text
    assert table.attrs["unmatched"] == []  # each is told once


def test_files_are_joined_by_name_where_the_header_has_another_identifier(copy):
    for number in (0, 1):
        dataset = pydicom.dcmread(file_of(copy, number))
        dataset.SOPInstanceUID = f"5.5.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = f"5.5.{number}"
        dataset.save_as(file_of(copy, number))
    table = index_unifesp(copy)
    assert len(table) == 6 and {"1.9.0", "1.9.1"} <= set(table["case_id"])
    assert any(
        note.startswith("2 files are joined by their names") for note in table.attrs["notes"]
    )


def test_files_are_joined_by_header_where_names_say_nothing(copy):
    for number in range(6):
        file_of(copy, number).rename(copy / "train" / f"image{number}.dcm")
    table = index_unifesp(copy)
    assert set(table["case_id"]) == {f"1.9.{number}" for number in range(6)}


def test_without_study_identifiers_the_series_stands_for_the_exam(copy):
    for number in range(6):
        dataset = pydicom.dcmread(file_of(copy, number))
        dataset.StudyInstanceUID = ""
        if number > 1:
            dataset.SeriesInstanceUID = ""
        dataset.save_as(file_of(copy, number))
    table = index_unifesp(copy).set_index("case_id")
    assert table.loc["1.9.0", "exam_id"] == "1.0.5"
    assert table.loc["1.9.2", "exam_id"] == table.loc["1.9.3", "exam_id"] == "train/1.1/1.1.5"
    assert any("without StudyInstanceUID" in note for note in table.attrs["notes"])


def test_a_table_that_is_not_this_sets_is_refused(copy):
    write_table(copy, "a,1,0", header="image,Hand,Chest")
    with pytest.raises(ValueError, match="columns image, Hand, Chest.*SOPInstanceUID and Target"):
        index_unifesp(copy)
    write_table(copy, "7.7,3")
    with pytest.raises(ValueError, match="No row of .* has a file: it has 7.7, the files are 1.9"):
        index_unifesp(copy)
    write_table(copy, "1.9.0,", "1.9.1,")
    with pytest.raises(ValueError, match="empty Target in all rows"):
        index_unifesp(copy)
    write_table(copy, ",3")
    with pytest.raises(ValueError, match="1 rows without SOPInstanceUID"):
        index_unifesp(copy)


def test_what_is_missing_from_a_copy_is_named_with_how_to_get_it(copy, tmp_path):
    (copy / "train_b.csv").write_text("x", encoding="utf-8")
    assert len(index_unifesp(copy)) == 6  # train.csv comes first
    shutil.copy(copy / "train.csv", copy / "train" / "train.csv")
    with pytest.raises(ValueError, match="There are 2 tables of labels .*Keep one"):
        index_unifesp(copy)
    for path in copy.rglob("train*.csv"):
        path.unlink()
    with pytest.raises(
        FileNotFoundError, match="(?s)no train.csv below .*Join at https://www.kaggle"
    ):
        index_unifesp(copy)
    with pytest.raises(FileNotFoundError, match="(?s)no images such as test/.*Join at"):
        index_unifesp(copy, "test")
    with pytest.raises(FileNotFoundError, match="(?s)is not a folder.*Join at"):
        index_unifesp(tmp_path / "absent")
    with pytest.raises(ValueError, match="part is 'all'. Choose one of: train, test"):
        index_unifesp(copy, "all")


def test_a_phantom_says_that_it_is_one(copy):
    (copy / "PHANTOM.toml").write_text('version = "1"\nseed = 0\n', encoding="utf-8")
    assert index_unifesp(copy)["is_phantom"].all()


def compress(path, syntax):
    """Compress by other means than the reader's."""
    dataset = pydicom.dcmread(path)
    if syntax == JPEG2000Lossless:
        code = {"level": 0, "codecformat": "j2k", "reversible": True, "bitspersample": 12}
        frame = imagecodecs.jpeg2k_encode(dataset.pixel_array, **code)
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_copies_index_and_read_as_the_others(copy, tmp_path, syntax):
    packed = shutil.copytree(copy, tmp_path / "packed")
    for path in packed.rglob("*.dcm"):
        compress(path, syntax)
    tables = [index_unifesp(folder) for folder in (copy, packed)]
    pd.testing.assert_frame_equal(*(table.drop(columns="image") for table in tables))
    images = [read_bodypart_case(table.loc[0], (24, 18), ["Hand"])[0] for table in tables]
    np.testing.assert_array_equal(*images)
    np.testing.assert_allclose(images[0][..., 0], bone() / 3000, atol=1e-6)


def test_the_audit_passes_a_split_of_the_table(tmp_path):
    root = tmp_path / "copy"
    rows = ["SOPInstanceUID,Target"]
    for number in range(20):
        path = root / "train" / f"1.{number}" / "1" / f"2.{number}-c.dcm"
        stored = np.full((8, 8), number, np.uint16)
        write_radiograph(path, stored, SOPInstanceUID=f"2.{number}", StudyInstanceUID=f"1.{number}")
        rows.append(f"2.{number},{number % 22}")
    (root / "train.csv").write_text("\n".join(rows), encoding="utf-8")
    table = index_unifesp(root)
    fractions = {"train": 0.7, "validation": 0.15, "test": 0.15}
    split = split_by_patient(table, fractions, seed=0, labels=table.attrs["labels"])
    assert audit_split(split)["patients"].tolist() == [14, 3, 3]
