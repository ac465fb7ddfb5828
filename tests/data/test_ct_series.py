"""Folders of CT as they come: what is listed, what is left out, what a series is like."""

import math
import shutil

import numpy as np
import pandas as pd
import pytest
from ct_maker import SHAPE, head_hu, write_ct, write_series

from radiokit.data.ct_headers import read_header_table, sort_slices
from radiokit.data.ct_series import describe_series, index_ct_series, read_series_hu
from radiokit.io import UnreadableFileError

TILTED = [1, 0, 0, 0, math.cos(math.radians(20)), -math.sin(math.radians(20))]


# --- the case table -------------------------------------------------------------------------------


def test_nested_folders_of_any_names_become_a_case_table(tmp_path):
    write_series(tmp_path / "p1/a", [10, 0, 5], PatientID="P1")
    for path in write_series(tmp_path / "p2/exam/b", [0, 4], PatientID="P2"):
        path.rename(path.with_suffix(".7"))  # archives number their files, or name them not at all
    (tmp_path / "notes.txt").write_text("of mine", encoding="utf-8")
    (tmp_path / "p1/LICENSE").write_text("free", encoding="utf-8")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "p1/._001.dcm").write_bytes(b"left by a file manager")
    table = index_ct_series(tmp_path)
    assert list(table["patient_id"]) == ["P1"] * 3 + ["P2"] * 2
    assert list(table["slice_index"]) == [0, 1, 2, 0, 1]
    np.testing.assert_allclose(table["spacing_slice_mm"], [5, 5, 5, 4, 4])
    assert set(zip(table["spacing_row_mm"], table["spacing_column_mm"], strict=True)) == {
        (0.5, 0.4)
    }
    assert set(table["dataset"]) == {"own"} and not table["is_phantom"].any()
    assert table["case_id"].is_unique
    assert table.attrs == {"left_out": [], "notes": []}


def test_case_ids_stay_when_other_patients_come_and_tell_nothing(tmp_path):
    write_series(tmp_path / "b", PatientID="Jane", SeriesInstanceUID="1.2.77")
    before = index_ct_series(tmp_path)["case_id"]
    write_series(tmp_path / "a", PatientID="Ann", SeriesInstanceUID="1.2.78")
    after = index_ct_series(tmp_path)
    assert set(before) <= set(after["case_id"])
    assert not after["case_id"].str.contains("Jane|1.2.77|Ann").any()


def test_what_is_no_slice_is_left_out_and_listed(tmp_path):
    write_series(tmp_path / "ct")
    other = tmp_path / "other"
    write_ct(other / "1.dcm", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_ct(other / "2.dcm", Modality="MR")
    write_ct(other / "3.dcm", ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])
    write_ct(other / "4.dcm", RescaleSlope=None)
    write_ct(other / "5.dcm", PixelData=None)
    cut = write_ct(other / "6.dcm")
    cut.write_bytes(cut.read_bytes()[:-9])
    (other / "7.dcm").write_text("hello", encoding="utf-8")
    with pytest.warns(UserWarning, match="7 files are left out: other/1.dcm: it is a scout"):
        table = index_ct_series(tmp_path)
    assert len(table) == 4
    reasons = ["scout", "MR", "screen capture", "RescaleSlope", "no pixel", "cut short", "not a"]
    for number, (sentence, reason) in enumerate(
        zip(table.attrs["left_out"], reasons, strict=True), 1
    ):
        assert sentence.startswith(f"other/{number}.dcm: ") and reason in sentence


def test_a_sagittal_reformat_is_a_series_and_no_scout(tmp_path):
    sagittal = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImageType": ["DERIVED", "PRIMARY"]}
    write_ct(tmp_path / "a.dcm", **sagittal)
    assert list(describe_series(index_ct_series(tmp_path))["plane"]) == ["sagittal"]


def test_copies_of_a_slice_are_left_out_and_listed(tmp_path):
    paths = write_series(tmp_path / "a", [0, 5])
    (tmp_path / "b").mkdir()
    shutil.copy(paths[1], tmp_path / "b/copy.dcm")
    with pytest.warns(UserWarning, match="b/copy.dcm: it has the SOPInstanceUID .* of 002.dcm"):
        table = index_ct_series(tmp_path)
    assert list(table["slice_index"]) == [0, 1]


def test_slices_that_share_a_uid_but_lie_elsewhere_are_kept_with_a_note(tmp_path):
    write_series(tmp_path, [0, 5, 10], SOPInstanceUID="1.2.3")
    table = index_ct_series(tmp_path)
    assert len(table) == 3
    assert table.attrs["notes"] == [
        "3 slices share a SOPInstanceUID with a slice elsewhere: all were kept."
    ]


def test_several_series_in_one_folder_are_told_apart(tmp_path):
    for number, height in enumerate([0, 5, 10]):
        write_ct(
            tmp_path / f"thick{number}.dcm",
            ImagePositionPatient=[0, 0, height],
            SeriesInstanceUID="1.2.1",
        )
    for number, height in enumerate([0, 1, 2, 3]):
        write_ct(
            tmp_path / f"thin{number}.dcm",
            ImagePositionPatient=[0, 0, height],
            SeriesInstanceUID="1.2.2",
            SliceThickness=1,
        )
    described = describe_series(index_ct_series(tmp_path)).set_index("series_id")
    assert dict(described["slices"]) == {"1.2.1": 3, "1.2.2": 4}
    assert dict(described["thicknesses_mm"]) == {"1.2.1": "5", "1.2.2": "1"}
    assert dict(described["gap_mm_largest"]) == {"1.2.1": 5, "1.2.2": 1}


def test_names_that_are_missing_are_taken_from_exam_and_folder(tmp_path):
    for folder in ("a", "b"):
        gone = dict.fromkeys(("PatientID", "StudyInstanceUID"))
        write_series(tmp_path / folder, [0, 5], SeriesInstanceUID="", **gone)
    table = index_ct_series(tmp_path)
    for column in ("patient_id", "exam_id", "series_id"):
        assert list(table[column]) == ["a", "a", "b", "b"]
    assert table.attrs["notes"] == [
        "4 slices name no series_id: their folder is taken.",
        "4 slices name no exam_id: their folder is taken.",
        "4 slices name no patient_id: their exam is taken.",
    ]


def test_one_patient_id_for_every_exam_is_noted(tmp_path):
    write_series(tmp_path / "a", StudyInstanceUID="1.1")
    write_series(tmp_path / "b", StudyInstanceUID="1.2")
    (note,) = index_ct_series(tmp_path).attrs["notes"]
    assert note.startswith("All 2 exams have one PatientID")


def test_a_folder_below_a_phantom_is_a_phantom(tmp_path):
    write_series(tmp_path / "inner")
    (tmp_path / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_ct_series(tmp_path / "inner")["is_phantom"].all()


def test_the_cache_gives_the_same_table(tmp_path):
    write_series(tmp_path / "ct")
    fresh = index_ct_series(tmp_path / "ct", cache=tmp_path / "cache")
    again = index_ct_series(tmp_path / "ct", cache=tmp_path / "cache")
    pd.testing.assert_frame_equal(again, fresh, check_exact=True)


def test_a_folder_without_dicom_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="not a folder"):
        index_ct_series(tmp_path / "nowhere")
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="no DICOM file in .* Unpack archives"):
        index_ct_series(tmp_path)
    write_ct(tmp_path / "a.dcm", Modality="MR")
    with pytest.raises(ValueError, match="None of 1 files is a slice of a CT"):
        index_ct_series(tmp_path)


# --- what a series is like ------------------------------------------------------------------------


def described(folder, heights, **header):
    write_series(folder, heights, **header)
    table = index_ct_series(folder)
    return table, describe_series(table).iloc[0]


def test_an_even_series_is_described(tmp_path):
    table, series = described(tmp_path, [0, 5, 10, 15], GantryDetectorTilt=0)
    assert (series["plane"], series["slices"]) == ("axial", 4)
    assert (series["rows"], series["columns"]) == SHAPE
    assert (series["gap_mm_smallest"], series["gap_mm_largest"]) == (5, 5)
    assert not series["is_uneven"]
    assert series["gantry_tilt_degrees"] == 0
    assert (series["num_repeated_positions"], series["num_missing_positions"]) == (0, 0)


def test_rounded_positions_are_even(tmp_path):
    table, series = described(tmp_path, [0, 0.62, 1.25, 1.87, 2.5])
    assert not series["is_uneven"]
    assert table["spacing_slice_mm"][0] == pytest.approx(0.625)


@pytest.mark.parametrize("heights", [[0, 4, 8, 15, 22], [0, 5, 10, 20], [0, 5, 6, 11]])
def test_uneven_gaps_are_told_and_give_no_spacing(tmp_path, heights):
    table, series = described(tmp_path, heights)
    assert series["is_uneven"]
    assert series["gap_mm_smallest"] == min(np.diff(heights))
    assert series["gap_mm_largest"] == max(np.diff(heights))
    assert table["spacing_slice_mm"].isna().all()
    stack = read_series_hu(table)
    assert stack.spacing_mm is None
    assert "No spacing: slices are" in stack.notes[0]


def test_a_position_twice_is_counted(tmp_path):
    table, series = described(tmp_path, [0, 5, 5, 10])
    assert series["num_repeated_positions"] == 1
    assert table["spacing_slice_mm"].isna().all()
    assert read_series_hu(table).spacing_mm is None


def test_missing_positions_are_counted(tmp_path):
    table, series = described(tmp_path, [0, 5, 10], ImagePositionPatient=None)
    assert series["num_missing_positions"] == 3
    assert math.isnan(series["gap_mm_largest"]) and not series["is_uneven"]
    stack = read_series_hu(table)
    assert stack.spacing_mm is None
    assert "positions or pixel sizes are missing" in stack.notes[0]


def test_a_tilt_is_that_of_the_header_beside_that_of_the_positions(tmp_path):
    tilt = {"ImageOrientationPatient": TILTED, "GantryDetectorTilt": 18}
    _, series = described(tmp_path, [0, 4, 8], **tilt)
    assert series["gantry_tilt_degrees"] == 18
    assert series["shear_degrees"] == pytest.approx(20, abs=1e-4)


def test_a_tilt_the_header_does_not_declare_is_taken_from_the_positions(tmp_path):
    table, series = described(tmp_path, [0, 4, 8], ImageOrientationPatient=TILTED)
    assert series["gantry_tilt_degrees"] == pytest.approx(20, abs=1e-4)
    assert table["spacing_slice_mm"][0] == pytest.approx(4 * math.cos(math.radians(20)))


def test_a_header_table_can_be_described_too(tmp_path):
    table = sort_slices(read_header_table(write_series(tmp_path, [0, 5])))
    assert describe_series(table)["gap_mm_largest"][0] == 5


# --- the stack ------------------------------------------------------------------------------------


def test_a_stack_is_in_anatomical_order_in_hu(tmp_path):
    for height in (10, 0, 5):
        stored = head_hu().astype(np.int16) + height
        write_ct(tmp_path / f"{height}.dcm", stored, ImagePositionPatient=[0, 0, height])
    stack = read_series_hu(index_ct_series(tmp_path).sample(frac=1, random_state=0))
    assert stack.hu.shape == (3, *SHAPE)
    assert stack.hu.dtype == np.float32
    np.testing.assert_array_equal(stack.hu[:, 0, 0], [-1000, -995, -990])
    assert stack.spacing_mm == (5, 0.5, 0.4)
    assert stack.notes == ()


def test_every_second_slice_has_twice_the_gap(tmp_path):
    write_series(tmp_path, [0, 5, 10, 15, 20])
    assert read_series_hu(index_ct_series(tmp_path)[::2]).spacing_mm[0] == 10


def test_voxels_of_a_tilted_gantry_have_their_true_volume(tmp_path):
    write_series(tmp_path, [0, 4, 8], ImageOrientationPatient=TILTED)
    stack = read_series_hu(index_ct_series(tmp_path))
    assert stack.spacing_mm[0] == pytest.approx(4 * math.cos(math.radians(20)))
    assert "shifted against one another by 20.0°" in stack.notes[0]


def test_what_reading_repaired_is_told_once_for_all_slices(tmp_path):
    for height in (0, 5):
        stored = (head_hu() & 4095).astype(np.uint16)
        write_ct(tmp_path / f"{height}.dcm", stored, 12, ImagePositionPatient=[0, 0, height])
    (note,) = read_series_hu(index_ct_series(tmp_path)).notes
    assert note.startswith("2 slices: Negative values had wrapped around 4096")


def test_one_slice_has_no_spacing(tmp_path):
    write_ct(tmp_path / "a.dcm")
    stack = read_series_hu(index_ct_series(tmp_path))
    assert (len(stack.hu), stack.spacing_mm) == (1, None)


def test_planes_that_differ_have_no_spacing(tmp_path):
    paths = write_series(tmp_path, [0, 5, 10, 15], SeriesInstanceUID="1.2.3.4")
    write_ct(paths[1], ImageOrientationPatient=TILTED, ImagePositionPatient=[-125, -125, 5])
    table = index_ct_series(tmp_path)
    assert table["spacing_slice_mm"].isna().all()
    stack = read_series_hu(table)
    assert stack.spacing_mm is None
    assert "differ in orientation" in stack.notes[0]


def test_slices_of_two_sizes_or_series_are_refused(tmp_path):
    paths = write_series(tmp_path / "a", [0, 5, 10], SeriesInstanceUID="1.2.3.4")
    write_ct(paths[1], np.zeros((4, 4), np.int16), ImagePositionPatient=[0, 0, 5])
    with pytest.raises(ValueError, match=r"have the sizes \[\(4, 4\), \(16, 20\)\]"):
        read_series_hu(index_ct_series(tmp_path))
    write_series(tmp_path / "b")
    table = index_ct_series(tmp_path)
    with pytest.raises(ValueError, match="The rows are of 2 series"):
        read_series_hu(table)
    with pytest.raises(ValueError, match="The rows are of 0 series"):
        read_series_hu(table.iloc[:0])


def test_a_slice_that_was_damaged_since_is_named(tmp_path):
    paths = write_series(tmp_path, [0, 5])
    table = index_ct_series(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:-50])
    with pytest.raises(UnreadableFileError, match="002.dcm"):
        read_series_hu(table)


# --- a real head ----------------------------------------------------------------------------------


def test_a_real_head_reports_its_tilt_and_uneven_gaps(real_data):
    table = index_ct_series(real_data / "headct/ge_head_dicom")
    assert len(table) == 28 and table.attrs["left_out"] == []
    series = describe_series(table).iloc[0]
    assert (series["plane"], series["slices"]) == ("axial", 28)
    assert (series["rows"], series["columns"]) == (512, 512)
    assert series["gantry_tilt_degrees"] == 18.5
    assert series["shear_degrees"] == pytest.approx(18.5, abs=0.01)
    assert series["thicknesses_mm"] == "4, 7"
    assert series["is_uneven"]
    assert series["gap_mm_smallest"] == pytest.approx(1.08, abs=0.01)
    assert series["gap_mm_largest"] == pytest.approx(7, abs=0.01)


def test_a_real_head_is_stacked_from_base_to_vertex(real_data):
    stack = read_series_hu(index_ct_series(real_data / "headct/ge_head_dicom"))
    assert stack.hu.shape == (28, 512, 512)
    assert stack.spacing_mm is None
    assert "18.5°" in stack.notes[0] and "1.08 to 7.00 mm" in stack.notes[1]
    head = (stack.hu > -200).mean(axis=(1, 2))
    assert head[-1] < 0.3 * head.max()  # the last slice is the vertex
    has_air_inside = (stack.hu[:8, 150:300, 200:320] < -500).mean(axis=(1, 2))
    assert has_air_inside.max() > 0.05  # sinuses lie near the first ones
