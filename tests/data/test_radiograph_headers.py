"""Headers of many radiographs to one table, which of them can be used, and whose they are."""

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from radiograph_maker import bone, write_radiograph

from radiokit.data.bodypart import read_bodypart_case
from radiokit.data.radiograph_headers import (
    RADIOGRAPH_HEADER_COLUMNS,
    group_patients,
    read_radiograph_headers,
    usable_radiographs,
)
from radiokit.io import UnreadableFileError

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def test_a_row_says_what_the_header_says(tmp_path):
    write_radiograph(tmp_path / "a.dcm")
    table = read_radiograph_headers([tmp_path / "a.dcm"])
    assert tuple(table.columns) == RADIOGRAPH_HEADER_COLUMNS
    expected = {
        "image": str(tmp_path / "a.dcm"),
        "sop_uid": "1.2.3.4",
        "patient_id": "P1",
        "exam_id": "1.2",
        "series_id": "1.2.3",
        "modality": "DX",
        "body_part": "HAND",
        "view_position": "PA",
        "laterality": "L",
        "photometric": "MONOCHROME2",
        "rows": 24,
        "columns": 18,
        "frames": 1,
        "samples": 1,
        "spacing_row_mm": 0.14,
        "spacing_column_mm": 0.15,
    }
    assert table.loc[0].to_dict() == expected
    assert table.attrs["unreadable"] == []


def test_missing_values_are_empty_texts_and_unknown_numbers(tmp_path):
    absent = ("BodyPartExamined", "ViewPosition", "Laterality", "PatientID", "ImagerPixelSpacing")
    path = write_radiograph(tmp_path / "a.dcm", **dict.fromkeys(absent))
    row = read_radiograph_headers([path]).loc[0]
    for column in ("body_part", "view_position", "laterality", "patient_id"):
        assert row[column] == ""
    assert math.isnan(row["spacing_row_mm"]) and math.isnan(row["spacing_column_mm"])


def test_the_size_of_a_pixel_in_the_anatomy_wins_over_that_at_the_detector(tmp_path):
    path = write_radiograph(tmp_path / "a.dcm", PixelSpacing=[0.1, 0.2], ImageLaterality="R")
    row = read_radiograph_headers([path]).loc[0]
    assert (row["spacing_row_mm"], row["spacing_column_mm"]) == (0.1, 0.2)
    assert row["laterality"] == "R"


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_native_syntax_gives_the_same_row(tmp_path, syntax):
    stored = bone((400, 300))  # more bytes than a header's values have
    first = write_radiograph(tmp_path / "a.dcm", stored)
    other = write_radiograph(tmp_path / "b.dcm", stored.byteswap(), syntax)
    rows = read_radiograph_headers([first, other]).drop(columns="image")
    pd.testing.assert_series_equal(rows.loc[0], rows.loc[1], check_names=False)


def test_rows_keep_the_order_given_whatever_the_number_of_processes(tmp_path):
    path = write_radiograph(tmp_path / "000.dcm", bone((8, 8)))
    paths = [path]
    for number in range(1, 230):
        paths.append(shutil.copy(path, tmp_path / f"{number:03}.dcm"))
    (tmp_path / "100.dcm").write_bytes(b"not an image")
    table = read_radiograph_headers(paths[::-1], progress=False)
    expected = [str(path) for path in paths[::-1] if path != tmp_path / "100.dcm"]
    assert table["image"].tolist() == expected
    assert len(table.attrs["unreadable"]) == 1


def test_what_cannot_be_read_is_listed_with_its_reason(tmp_path):
    good = write_radiograph(tmp_path / "good.dcm", bone((200, 200)))
    (tmp_path / "short.dcm").write_bytes(good.read_bytes()[:-500])
    (tmp_path / "text.dcm").write_text("hello", encoding="utf-8")
    (tmp_path / "empty.dcm").touch()
    write_radiograph(tmp_path / "bare.dcm", PixelData=None)
    write_radiograph(tmp_path / "blank.dcm", PixelData=b"")
    names = ["good", "short", "text", "empty", "bare", "blank", "absent"]
    table = read_radiograph_headers(tmp_path / f"{name}.dcm" for name in names)
    assert table["image"].tolist() == [str(good)]
    folder = tmp_path.name
    assert table.attrs["unreadable"] == [
        f"{folder}/short.dcm: it was cut short: 79500 of 80000 bytes of its pixels are there",
        f"{folder}/text.dcm: it is not a DICOM file",
        f"{folder}/empty.dcm: it is empty (0 bytes)",
        f"{folder}/bare.dcm: it holds no pixel data, or was cut short before it",
        f"{folder}/blank.dcm: its pixel data are empty",
        f"{folder}/absent.dcm: there is no such file",
    ]


def test_without_a_file_or_without_one_that_can_be_read_it_says_so(tmp_path):
    with pytest.raises(ValueError, match="There is no file to read. Give the paths of DICOM"):
        read_radiograph_headers([])
    (tmp_path / "a.dcm").write_bytes(b"x")
    with pytest.raises(ValueError, match="None of 1 files .*not a DICOM file.*Give grey DICOM"):
        read_radiograph_headers([tmp_path / "a.dcm"])


def test_only_single_grey_images_stay_and_the_first_of_copies(tmp_path):
    write_radiograph(tmp_path / "grey.dcm")
    write_radiograph(tmp_path / "copy.dcm")
    rgb = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    write_radiograph(tmp_path / "rgb.dcm", rgb, SOPInstanceUID="1.1")
    frames = {"NumberOfFrames": 2, "Rows": 12, "SOPInstanceUID": "1.3"}
    write_radiograph(tmp_path / "cine.dcm", **frames)
    write_radiograph(tmp_path / "flat.dcm", Rows=0, SOPInstanceUID="1.4")
    write_radiograph(tmp_path / "huge.dcm", Rows=60000, Columns=60000, SOPInstanceUID="1.5")
    for name in ("nameless1", "nameless2"):
        dataset = pydicom.dcmread(tmp_path / "grey.dcm")
        del dataset.SOPInstanceUID
        dataset.save_as(tmp_path / f"{name}.dcm")
    names = ["grey", "copy", "rgb", "cine", "flat", "huge", "nameless1", "nameless2"]
    headers = read_radiograph_headers(tmp_path / f"{name}.dcm" for name in names)
    usable = usable_radiographs(headers)
    assert [Path(image).stem for image in usable["image"]] == ["grey", "nameless1", "nameless2"]
    assert usable.index.tolist() == [0, 1, 2]
    reasons = dict(sentence.split(": ", 1) for sentence in usable.attrs["unreadable"])
    reasons = {Path(name).stem: reason for name, reason in reasons.items()}
    assert reasons["copy"] == f"its SOPInstanceUID is that of {tmp_path.name}/grey.dcm"
    assert reasons["rgb"].startswith("it is a colour image (RGB, 3 samples a pixel)")
    assert reasons["cine"].startswith("it has 2 frames, one is needed")
    assert reasons["flat"].startswith("its Rows or Columns are missing or 0")
    assert reasons["huge"].startswith("60000×60000 pixels are more than the limit")
    assert headers.attrs["unreadable"] == []  # the given table is left alone


def test_a_copy_that_can_be_used_stays_where_the_first_cannot(tmp_path):
    rgb = np.zeros((8, 8, 3), np.uint8)
    write_radiograph(tmp_path / "colour.dcm", rgb)
    write_radiograph(tmp_path / "grey.dcm")
    headers = read_radiograph_headers([tmp_path / "colour.dcm", tmp_path / "grey.dcm"])
    usable = usable_radiographs(headers)
    assert usable["image"].tolist() == [str(tmp_path / "grey.dcm")]
    assert len(usable.attrs["unreadable"]) == 1 and "colour" in usable.attrs["unreadable"][0]


def test_if_nothing_stays_the_reasons_are_named(tmp_path):
    path = write_radiograph(tmp_path / "cine.dcm", NumberOfFrames=3, Rows=8)
    with pytest.raises(ValueError, match="None of 1 files .*has 3 frames.*Give grey DICOM"):
        usable_radiographs(read_radiograph_headers([path]))


# --- patients -------------------------------------------------------------------------------------


def grouped(patients, exams):
    return group_patients(pd.DataFrame({"patient_id": list(patients), "exam_id": list(exams)}))


@pytest.mark.parametrize(
    ("patients", "note"),
    [
        (("", "", ""), "missing"),
        (("A", "A", "A"), "the same"),
        (("", "A", ""), "missing or the same"),
    ],
)
def test_a_patient_id_that_tells_nobody_apart_is_replaced_by_the_exam(patients, note):
    names, key, notes = grouped(patients, "xxy")
    assert (names, key) == (["x", "x", "y"], "StudyInstanceUID")
    assert len(notes) == 1 and note in notes[0] and "each exam counts as a patient" in notes[0]


def test_patients_that_differ_are_kept_with_all_their_exams():
    assert grouped("aab", "xyz") == (["a", "a", "b"], "PatientID", [])


def test_patients_and_exams_that_overlap_are_joined_through_any_number_of_steps():
    names, key, notes = grouped("cbbad", "xxyyz")  # c-x-b-y-a hang together, d-z alone
    assert (names, key) == (["a", "a", "a", "a", "d"], "PatientID")
    assert notes == ["2 PatientIDs share an exam with another: taken as one patient"]


def test_images_without_patient_id_go_with_their_exam():
    names, _, notes = grouped(["a", "", "", "b"], "xxyz")
    assert names == ["a", "a", "y", "b"]
    assert notes == ["2 images without PatientID: grouped by exam"]


# --- pydicom's own files --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pydicoms():
    """All files of pydicom's wheel as a header table."""
    paths = [path for path in sorted(PYDICOM_FILES.rglob("*")) if path.is_file()]
    return read_radiograph_headers(paths)


@pytest.mark.filterwarnings("ignore")  # pydicom warns of what it mends
def test_rows_agree_with_pydicoms_own_reading(pydicoms):
    assert len(pydicoms) > 80
    for row in pydicoms.itertuples():
        dataset = pydicom.dcmread(row.image, force=True)
        assert row.rows == dataset.get("Rows", 0) and row.columns == dataset.get("Columns", 0)
        assert row.modality == dataset.get("Modality", "")
        assert row.body_part == dataset.get("BodyPartExamined", "")
        assert row.frames == int(dataset.get("NumberOfFrames", 1))


def test_each_file_of_pydicoms_gives_pixels_or_a_clear_reason(pydicoms):
    usable = usable_radiographs(pydicoms)
    num_files = sum(path.is_file() for path in PYDICOM_FILES.rglob("*"))
    assert len(usable) + len(usable.attrs["unreadable"]) == num_files
    for _, row in usable.iterrows():
        if "embedded-sequence-delimiter" in row["image"]:  # whose size is a delimiter's bytes
            with pytest.raises(UnreadableFileError, match="JPEG 2000.*cannot be decoded"):
                read_bodypart_case(row, (16, 16), [])
            continue
        image, _ = read_bodypart_case(row, (16, 16), [])
        assert image.shape == (16, 16, 1) and 0 <= image.min() <= image.max() <= 1
    for part in ("colour", "frames", "no pixel data", "cut short", "Rows", "not a DICOM"):
        assert any(part in sentence for sentence in usable.attrs["unreadable"]), part


def test_files_left_out_for_colour_or_frames_could_not_be_read_either(pydicoms):
    stays = set(usable_radiographs(pydicoms)["image"])
    copies = pydicoms.duplicated("sop_uid")
    left_out = pydicoms[~pydicoms["image"].isin(stays) & ~copies]
    for row in left_out.to_dict("records"):
        if row["frames"] > 1 or row["rows"] == 0:
            with pytest.raises(UnreadableFileError, match="frames|Rows"):
                read_bodypart_case(row, (16, 16), [])


def test_pydicoms_radiographs_are_shown_bone_bright(pydicoms):
    films = pydicoms[pydicoms["modality"].isin(("CR", "DX"))]
    assert len(films) >= 2 and "MONOCHROME1" in set(films["photometric"])
    for row in films.to_dict("records"):
        dataset = pydicom.dcmread(row["image"])
        values = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
        center, width = dataset.WindowCenter, dataset.WindowWidth
        shown = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)  # C.11.2.1.2
        expected = 1 - shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown
        image, _ = read_bodypart_case(row, values.shape, [])
        np.testing.assert_allclose(image[..., 0], expected, atol=1e-5)


def test_one_image_in_five_compressed_or_native_syntaxes_is_one_picture(pydicoms):
    endings = ("", "_RLE", "_jp2klossless", "_jpeg_ls_lossless", "_bigendian", "_implicit")
    paths = [str(PYDICOM_FILES / f"MR_small{ending}.dcm") for ending in endings]
    rows = pydicoms.set_index("image", drop=False).loc[paths]
    images = [read_bodypart_case(row, (64, 64), [])[0] for _, row in rows.iterrows()]
    for image in images[1:]:
        np.testing.assert_array_equal(image, images[0])
    assert np.ptp(images[0]) > 0.5
