"""Anybody's images with a table of labels."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from headct_maker import SHAPE, head, write_ct
from PIL import Image
from pydicom.data import get_testdata_file

from radiokit.data.own import index_image_labels, read_labelled_case
from radiokit.data.splits import split_by_patient
from radiokit.io import UnreadableFileError
from radiokit.io.rasters import read_radiograph


def save(folder, *names, value=51):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), value, np.uint8)).save(path)


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.fixture
def images(tmp_path):
    """Repeating stems in a folder a patient, as many sets have them."""
    names = [f"{patient}/brain/{number}.jpg" for patient in ("049", "050") for number in (1, 2)]
    save(tmp_path / "images", *names)
    return tmp_path / "images"


ROWS = {"049/brain/1": "1,0", "049/brain/2": "0,0", "050/brain/1": "0,1", "050/brain/2": "1,1"}


def text_of(spell, header="image,patient_id,any,fracture"):
    """A table whose images are spelled by a function of their path without ending."""
    lines = [f"{spell(name)},{name[:3]},{labels}" for name, labels in ROWS.items()]
    return "\n".join([header, *lines]) + "\n"


def check(table):
    assert table["case_id"].tolist() == ["049_brain_1", "049_brain_2", "050_brain_1", "050_brain_2"]
    assert table["patient_id"].tolist() == ["049", "049", "050", "050"]
    assert table["any"].tolist() == [1, 0, 0, 1] and table["fracture"].tolist() == [0, 0, 1, 1]
    parts = [Path(path).parts[-3:] for path in table["image"]]
    assert ["/".join(part) for part in parts] == [f"{name}.jpg" for name in ROWS]


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: f"{name}.jpg",
        lambda name: name,
        lambda name: f"images/{name}.jpg",
        lambda name: f"./{name}.jpg",
        lambda name: f"/home/somebody/data/images/{name}.jpg",
        lambda name: "C:\\data\\" + name.replace("/", "\\") + ".JPG",
        lambda name: f"{name}.png",
        lambda name: f'"{name}.jpg"',
    ],
)
def test_images_are_found_however_they_are_spelled(images, tmp_path, spell):
    table = index_image_labels(write(tmp_path, text_of(spell)), images)
    check(table)
    assert table.attrs["labels"] == ["any", "fracture"]
    assert table.attrs["patient_key"] == "patient_id"
    assert table.attrs["unmatched"] == table.attrs["notes"] == []
    assert set(table["dataset"]) == {"own"} and not table["is_phantom"].any()
    assert table["spacing_row_mm"].isna().all() and set(table["modality"]) == {""}


@pytest.mark.parametrize("image", ["image", "File Name", "filepath", "Image_ID", "imagem", "id"])
@pytest.mark.parametrize("patient", ["patient_id", "PatientNumber", "Patient ID", "paciente"])
def test_columns_are_found_in_most_spellings(images, tmp_path, image, patient):
    header = f"{image},{patient},any,fracture"
    table = index_image_labels(write(tmp_path, text_of(str, header)), images)
    check(table)
    assert table.attrs["patient_key"] == patient


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_marks_of_other_programs_are_understood(
    images, tmp_path, separator, encoding
):
    text = text_of(str).replace(",", separator).replace("\n", "\r\n")
    check(index_image_labels(write(tmp_path, text, encoding), images))


def test_flat_names_give_their_stems(tmp_path):
    save(tmp_path / "images", "a.png", "b.tif", "deep/c.PNG")
    text = "file,patient,bleeds\na,1,1\nb.png,1,0\nC.png,2,0\n"
    table = index_image_labels(write(tmp_path, text), tmp_path / "images")
    assert table["case_id"].tolist() == ["a", "b", "c"]
    assert table["patient_id"].tolist() == ["1", "1", "2"]


def test_a_patient_and_a_slice_tell_the_image_where_no_name_does(images, tmp_path):
    lines = [f"{int(n[:3])},{n[-1]},{labels}" for n, labels in ROWS.items()]
    text = "\n".join(["PatientNumber,SliceNumber,any,fracture", *lines]) + "\n"
    table = index_image_labels(write(tmp_path, text), images)
    assert table["case_id"].tolist()[2] == "050_brain_1"
    assert table["patient_id"].tolist() == ["49", "49", "50", "50"]
    assert table["slice_index"].tolist() == [1, 2, 1, 2]
    save(tmp_path / "flat", "049_1.png", "49_002.png", "050_1.png", "050_2.png")
    table = index_image_labels(tmp_path / "labels.csv", tmp_path / "flat")
    assert table["case_id"].tolist() == ["049_1", "49_002", "050_1", "050_2"]
    save(images, "049/bone/1.jpg")
    with pytest.raises(ValueError, match="1 slices match several files, such as slice 1 of pati"):
        index_image_labels(tmp_path / "labels.csv", images)


def test_several_folders_are_searched(tmp_path):
    save(tmp_path / "x", "a.png"), save(tmp_path / "y", "b.png")
    path = write(tmp_path, "image,patient,bleeds\na.png,1,1\nb.png,2,0\n")
    table = index_image_labels(path, [tmp_path / "x", tmp_path / "y"])
    assert table["case_id"].tolist() == ["a", "b"]


def test_exam_and_slice_are_kept(tmp_path):
    save(tmp_path / "i", "a.png", "b.png")
    text = "image,patient,StudyInstanceUID,slice,bleeds\na,1,1.2,10,1\nb,1,1.2,9,0\n"
    table = index_image_labels(write(tmp_path, text), tmp_path / "i")
    assert table["exam_id"].tolist() == ["1.2", "1.2"] and table["slice_index"].tolist() == [10, 9]
    assert table.attrs["labels"] == ["bleeds"]


# --- labels ---


def test_labels_may_be_words_or_decimals_and_an_empty_cell_is_unknown(tmp_path):
    save(tmp_path / "i", "a.png", "b.png", "c.png")
    text = (
        "image,patient,x,y,z,age,note\na,1,True,0.0,,40,0\nb,1,false,1.0,1,1,0\nc,2,TRUE,,NA,0,n\n"
    )
    table = index_image_labels(write(tmp_path, text), tmp_path / "i")
    assert table.attrs["labels"] == ["x", "y", "z"]
    assert table["x"].tolist() == [1, 0, 1] and table["x"].dtype == np.uint8
    _, target = read_labelled_case(table.iloc[2], (8, 8), ["z", "y", "x"])
    assert target.tolist() == [-1, -1, 1] and target.dtype == np.float32


def test_labels_may_be_chosen(images, tmp_path):
    path = write(tmp_path, text_of(str))
    table = index_image_labels(path, images, labels=["fracture"])
    assert table.attrs["labels"] == ["fracture"] and "any" not in table.columns
    with pytest.raises(ValueError, match="no column bleeds; its columns are image, patient_id"):
        index_image_labels(path, images, labels=["bleeds"])
    with pytest.raises(ValueError, match="labels is 'any'. Give a list"):
        index_image_labels(path, images, labels="any")


def test_a_chosen_label_with_other_values_is_refused(images, tmp_path):
    path = write(tmp_path, text_of(str).replace(",049,0,0", ",049,2,maybe"))
    with pytest.raises(ValueError, match="label any of .* holds 1 values other than 0, 1.*: 2"):
        index_image_labels(path, images, labels=["any"])
    with pytest.raises(ValueError, match="no column that holds only 0 and 1; it has any .*maybe"):
        index_image_labels(path, images)


def test_an_empty_label_is_refused_when_chosen_and_none_when_not(tmp_path):
    save(tmp_path / "i", "a.png", "b.png")
    path = write(tmp_path, "image,patient,x,y\na,1,1,\nb,1,0,\n")
    assert index_image_labels(path, tmp_path / "i").attrs["labels"] == ["x"]
    with pytest.raises(ValueError, match="label y of .* is empty in every row"):
        index_image_labels(path, tmp_path / "i", labels=["y"])


def test_a_label_named_as_another_column_is_refused(tmp_path):
    save(tmp_path / "i", "a.png", "b.png")
    path = write(tmp_path, "file,patient,modality\na,1,1\nb,1,0\n")
    with pytest.raises(ValueError, match="labels modality have the names of other columns"):
        index_image_labels(path, tmp_path / "i")


# --- what can be wrong with a table ---


def test_what_has_no_partner_is_listed_and_warned_of_once(images, tmp_path):
    save(images, "049/brain/1_HGE_Seg.jpg")
    path = write(tmp_path, text_of(str) + "051/brain/7,051,0,0\n")
    with pytest.warns(UserWarning, match="2 files have no partner") as caught:
        table = index_image_labels(path, images)
    assert len(caught) == 1 and caught[0].filename == __file__ and len(table) == 4
    assert table.attrs["unmatched"] == [
        "row 051/brain/7 has no image",
        "image 049/brain/1_HGE_Seg.jpg has no row",
    ]


def test_nothing_matching_shows_both_sides(images, tmp_path):
    path = write(tmp_path, "image,patient,any\nscan_a,1,1\nscan_b,1,0\n")
    with pytest.raises(
        ValueError, match="column image says scan_a, scan_b; the files are 049/brain/1.jpg"
    ):
        index_image_labels(path, images)


def test_a_name_of_several_files_asks_for_paths(images, tmp_path):
    path = write(tmp_path, "image,patient,any\n1.jpg,49,1\n2,49,0\n")
    with pytest.raises(
        ValueError, match=r"2 names .*1.jpg \(049/brain/1.jpg, 050/brain/1.jpg\).*Give paths rela"
    ):
        index_image_labels(path, images)


def test_two_formats_of_one_image_are_told_apart_by_the_ending_only(tmp_path):
    save(tmp_path / "i", "a.png", "a.jpg")
    path = write(tmp_path, "image,patient,x\na.jpg,1,1\na.png,1,0\n")
    table = index_image_labels(path, tmp_path / "i")
    assert table["case_id"].tolist() == ["a.jpg", "a.png"] and table["x"].tolist() == [1, 0]
    path = write(tmp_path, "image,patient,x\na,1,1\n")
    with pytest.raises(ValueError, match="1 names in the table match several files"):
        index_image_labels(path, tmp_path / "i")


def test_equal_rows_are_dropped_and_contradictory_ones_refused(images, tmp_path):
    text = text_of(str)
    table = index_image_labels(write(tmp_path, text + "049/brain/1.jpg,049,1,0\n"), images)
    check(table)
    assert table.attrs["notes"] == ["1 repeated rows dropped"]
    for row in ("049/brain/1.jpg,049,0,0", "049/brain/1.jpg,077,1,0"):
        with pytest.raises(ValueError, match="contradict one another on 1 images: 1.jpg"):
            index_image_labels(write(tmp_path, f"{text}{row}\n"), images)


def test_a_missing_patient_is_named(images, tmp_path):
    path = write(tmp_path, text_of(str).replace(",050,0,1", ",,0,1"))
    with pytest.raises(ValueError, match="names no patient in 1 of 4 rows, those of 1.jpg"):
        index_image_labels(path, images)


def test_without_a_patient_column_every_image_is_its_own_patient_and_that_is_said(tmp_path):
    save(tmp_path / "i", "a.png", "b.png")
    table = index_image_labels(write(tmp_path, "image,x\na,1\nb,0\n"), tmp_path / "i")
    assert table["patient_id"].tolist() == ["a", "b"] and table.attrs["patient_key"] == "image"
    assert table.attrs["notes"] == [
        "no patients are known: every image counts as a patient of its own"
    ]


def test_without_a_way_to_the_image_it_is_said_what_is_needed(images, tmp_path):
    path = write(tmp_path, "patient,any\n49,1\n50,0\n")
    with pytest.raises(ValueError, match="columns patient, any. It needs a column of file names"):
        index_image_labels(path, images)


def test_the_long_table_of_the_challenge_is_sent_to_its_own_function(images, tmp_path):
    path = write(tmp_path, "ID,Label\nID_1_any,0\n")
    with pytest.raises(ValueError, match="a row a label. .*pivot_rsna_labels"):
        index_image_labels(path, images)


def test_an_empty_missing_or_strange_table_is_named(images, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.csv is not there"):
        index_image_labels(tmp_path / "nowhere.csv", images)
    with pytest.raises(ValueError, match="labels.csv is empty"):
        index_image_labels(write(tmp_path, ""), images)
    with pytest.raises(ValueError, match="has a header but no rows"):
        index_image_labels(write(tmp_path, "image,patient,any\n"), images)
    with pytest.raises(ValueError, match="labels.csv cannot be read as CSV"):
        index_image_labels(write(tmp_path, text_of(str), "utf-16"), images)
    with pytest.raises(ValueError, match="labels.csv cannot be read as CSV.*line 3"):
        index_image_labels(write(tmp_path, "image,patient,x\na,1,1\na,1,1,1,1\n"), images)


def test_a_missing_or_empty_folder_is_named(images, tmp_path):
    path = write(tmp_path, text_of(str))
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        index_image_labels(path, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty holds no image files"):
        index_image_labels(path, tmp_path / "empty")


def test_2471_slices_of_82_patients_are_indexed_and_split_by_patient(tmp_path):
    (tmp_path / "images").mkdir()
    save(tmp_path, "one.jpg")
    content, rng, lines = (tmp_path / "one.jpg").read_bytes(), np.random.default_rng(0), []
    for number in range(2471):
        patient = 49 + number % 82
        path = tmp_path / f"images/{patient:03d}/brain/{number // 82 + 1}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        name = path.relative_to(tmp_path / "images").as_posix()
        lines.append(f"{name},{patient:03d},{rng.integers(2)},{rng.integers(2)}")
    table = index_image_labels(
        write(tmp_path, "\n".join(["image,patient,any,epidural", *lines])), tmp_path / "images"
    )
    assert len(table) == 2471 == table["case_id"].nunique()
    split = split_by_patient(table, {"train": 0.7, "validation": 0.15, "test": 0.15}, seed=0)
    assert split.groupby("patient_id")["split"].nunique().max() == 1


# --- DICOM ---


@pytest.fixture
def dicom(tmp_path):
    for number, patient in enumerate(("P1", "P1", "P2")):
        write_ct(tmp_path / f"i/{number}.dcm", head(), patient, number)
    return write(tmp_path, "file,bleeds\n0.dcm,1\n1,0\n2,0\n")


def test_dicom_headers_tell_patients_sizes_and_modality(dicom, tmp_path):
    table = index_image_labels(dicom, tmp_path / "i")
    assert table["patient_id"].tolist() == ["P1", "P1", "P2"]
    assert table.attrs["patient_key"] == "PatientID" and set(table["modality"]) == {"CT"}
    assert set(table["spacing_row_mm"]) == {0.5}


def test_uids_without_an_ending_are_names_with_dots(tmp_path):
    write_ct(tmp_path / "i/1.2.840.5", head())
    write_ct(tmp_path / "i/1.2.840.6", head(), number=1)
    path = write(tmp_path, "SOPInstanceUID,bleeds\n1.2.840.5,1\n1.2.840.6,0\n")
    table = index_image_labels(path, tmp_path / "i")
    assert table["case_id"].tolist() == ["1.2.840.5", "1.2.840.6"]
    assert table["bleeds"].tolist() == [1, 0]


def test_ct_goes_through_windows_and_other_images_stay_one_grey_channel(dicom, tmp_path):
    row = index_image_labels(dicom, tmp_path / "i").iloc[0]
    image, target = read_labelled_case(row, SHAPE, ["bleeds"])
    assert image.shape == (*SHAPE, 3) and target.tolist() == [1]
    expected = np.clip((head() - 39.5) / 79 + 0.5, 0, 1)
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)
    assert read_labelled_case(row, SHAPE, ["bleeds"], ["bone"])[0].shape == (*SHAPE, 1)
    bare = {"image": row["image"], "bleeds": 1}  # no column tells the modality
    np.testing.assert_array_equal(read_labelled_case(bare, SHAPE, ["bleeds"])[0], image)


def test_other_dicom_is_read_as_a_radiograph():
    row = {"image": get_testdata_file("MR_small.dcm"), "x": 0}
    image, _ = read_labelled_case(row, (64, 64), ["x"])
    np.testing.assert_allclose(image[..., 0], read_radiograph(row["image"]).pixels)


def test_a_picture_is_grey_and_keeps_its_aspect(images, tmp_path):
    row = index_image_labels(write(tmp_path, text_of(str)), images).iloc[0]
    image, _ = read_labelled_case(row, (6, 6, 3), ["any"])
    assert image.shape == (6, 6, 1) and image.dtype == np.float32
    np.testing.assert_allclose(image[1:5, :, 0], 0.2, atol=0.005)  # 4 rows of 6 columns; a JPEG
    assert image[0].max() == image[5].max() == 0
    assert read_labelled_case(row, (6, 6), ["any"], ["brain", "bone"])[0].shape == (6, 6, 2)


def test_a_damaged_image_is_named(images, tmp_path):
    row = index_image_labels(write(tmp_path, text_of(str)), images).iloc[0]
    Path(row["image"]).write_bytes(b"not a picture")
    with pytest.raises(UnreadableFileError, match="1.jpg"):
        read_labelled_case(row, (8, 8), ["any"])


def test_a_label_that_the_row_has_not_got_is_named(images, tmp_path):
    row = index_image_labels(write(tmp_path, text_of(str)), images).iloc[0]
    with pytest.raises(ValueError, match="The row has no label bleeds; it has case_id"):
        read_labelled_case(row, (8, 8), ["bleeds"])
    with pytest.raises(ValueError, match="Labels are 0, 1 or empty; any is 3"):
        read_labelled_case(row.to_dict() | {"any": 3}, (8, 8), ["any"])


def test_no_warning_is_given_when_all_match(images, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index_image_labels(write(tmp_path, text_of(str)), images)
