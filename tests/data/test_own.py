"""Anybody's folders of images and masks."""

import warnings

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

from radiokit.data.own import (
    check_same_aspect,
    index_pairs,
    read_pair_case,
    read_pair_image,
    read_pair_target,
)
from radiokit.io import UnreadableFileError


def save(folder, name, array=None):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4), np.uint8) if array is None else array).save(path)
    return path


@pytest.fixture
def folders(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / "images", f"{name}.png")
        save(tmp_path / "masks", f"{name}.png")
    return tmp_path / "images", tmp_path / "masks"


def test_images_and_masks_of_one_name_are_paired(folders):
    table = index_pairs(*folders)
    assert table["case_id"].tolist() == table["patient_id"].tolist() == ["a", "b", "c"]
    assert [path[-5:] for path in table["mask"]] == ["a.png", "b.png", "c.png"]
    assert set(table["dataset"]) == {"own"} and not table["is_phantom"].any()
    assert table["spacing_row_mm"].isna().all() and table.attrs["unmatched"] == []
    assert table.attrs["patient_key"] == "image"


@pytest.mark.parametrize("ending", ["_mask", "-mask", "_label", "_seg", "_MASK", "_masks"])
def test_a_mask_may_carry_an_ending(tmp_path, ending):
    save(tmp_path / "images", "film.jpg")
    save(tmp_path / "masks", f"film{ending}.png")
    assert index_pairs(tmp_path / "images", tmp_path / "masks")["case_id"].tolist() == ["film"]


@pytest.mark.parametrize("name", ["film.png", "film.JPG", "film.jpeg", "film.tif", "film.gif"])
def test_formats_may_differ_between_image_and_mask(tmp_path, name):
    save(tmp_path / "images", name)
    save(tmp_path / "masks", "film.bmp")
    assert len(index_pairs(tmp_path / "images", tmp_path / "masks")) == 1


def save_dicom(path, patient="", **attributes):
    """A 4 x 4 film; the path may lack an ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.PatientID = patient
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.set_pixel_data(np.full((4, 4), 9, np.uint8), "MONOCHROME2", 8)
    dataset.save_as(path, enforce_file_format=True)


def test_dicom_is_known_by_its_ending_or_its_content(tmp_path):
    save_dicom(tmp_path / "images/one.dcm")
    save_dicom(tmp_path / "images/two")
    (tmp_path / "images/README").write_bytes(b"hello")
    save(tmp_path / "masks", "one.png"), save(tmp_path / "masks", "two.png")
    table = index_pairs(tmp_path / "images", tmp_path / "masks")
    assert table["case_id"].tolist() == ["one", "two"]
    image, target = read_pair_case(table.iloc[0], (8, 8))
    assert image.shape == target.shape == (8, 8, 1)


def index_dicom(tmp_path, patients, **attributes):
    for number, patient in enumerate(patients):
        save_dicom(tmp_path / f"images/{number}.dcm", patient, **attributes)
        save(tmp_path / "masks", f"{number}.png")
    return index_pairs(tmp_path / "images", tmp_path / "masks")


def test_films_of_one_patient_are_grouped_by_the_header(tmp_path):
    table = index_dicom(tmp_path, ["P1", "P1", "P2", ""], PixelSpacing=[0.2, 0.1])
    assert table["patient_id"].tolist() == ["P1", "P1", "P2", "3"]
    assert table.attrs["patient_key"] == "PatientID"
    assert table["spacing_row_mm"][0] == 0.2 and table["spacing_column_mm"][0] == 0.1


def test_one_patient_name_on_all_files_is_no_patient_key(tmp_path):
    table = index_dicom(tmp_path, ["anonymous"] * 3, ImagerPixelSpacing=[0.14, 0.14])
    assert table["patient_id"].tolist() == ["0", "1", "2"]
    assert table.attrs["patient_key"] == "image"
    assert table["spacing_row_mm"].tolist() == [0.14] * 3


def test_a_damaged_dicom_file_is_named(tmp_path):
    save(tmp_path / "masks", "one.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/one.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(UnreadableFileError, match="one.dcm"):
        index_pairs(tmp_path / "images", tmp_path / "masks")


def test_several_folders_and_subfolders_are_searched(tmp_path):
    save(tmp_path / "x/deep", "a.png"), save(tmp_path / "y", "b.png")
    save(tmp_path / "m", "a.png"), save(tmp_path / "m", "b.png")
    table = index_pairs([tmp_path / "x", tmp_path / "y"], tmp_path / "m")
    assert table["case_id"].tolist() == ["a", "b"]


def test_one_folder_may_hold_both_if_masks_have_an_ending(tmp_path):
    save(tmp_path, "a.png"), save(tmp_path, "a_mask.png")
    table = index_pairs(tmp_path, tmp_path)
    assert [p.rsplit("/", 1)[-1] for p in (*table["image"], *table["mask"])] == [
        "a.png",
        "a_mask.png",
    ]


def test_the_folder_of_masks_may_lie_inside_the_folder_of_images(tmp_path):
    save(tmp_path, "a.png"), save(tmp_path, "masks/a.png")
    assert index_pairs(tmp_path, tmp_path / "masks")["mask"][0].endswith("masks/a.png")


def test_hidden_files_are_no_images(folders):
    save(folders[0], ".hidden.png"), save(folders[0] / "__MACOSX", "._a.png")
    assert len(index_pairs(*folders)) == 3


def test_files_without_a_partner_are_listed_and_warned_of_once(folders):
    save(folders[0], "lonely.png"), save(folders[1], "stray_mask.png")
    with pytest.warns(UserWarning, match="2 files have no partner") as caught:
        table = index_pairs(*folders)
    assert len(caught) == 1 and len(table) == 3
    assert table.attrs["unmatched"] == [
        "image lonely.png has no mask",
        "mask stray_mask.png has no image",
    ]


def test_nothing_matching_shows_the_names_of_both_sides(tmp_path):
    save(tmp_path / "images", "film1.png"), save(tmp_path / "masks", "lung7.png")
    with pytest.raises(ValueError, match="Images: film1.png. Masks: lung7.png. Give each mask"):
        index_pairs(tmp_path / "images", tmp_path / "masks")


def test_two_images_of_one_stem_are_refused(folders):
    save(folders[0], "a.jpg")
    with pytest.raises(ValueError, match="Two images are named a"):
        index_pairs(*folders)


def test_two_masks_for_one_image_are_refused(folders):
    save(folders[1], "a_mask.png")
    with pytest.raises(ValueError, match="Two masks claim the image a: a.png and a_mask.png"):
        index_pairs(*folders)


def test_a_missing_folder_is_named(folders):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        index_pairs(folders[0], folders[1] / "nowhere")


def test_an_empty_folder_is_named(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty holds no image files"):
        index_pairs(tmp_path / "empty", folders[1])


def test_phantoms_are_known_from_the_note_above(folders, tmp_path):
    (tmp_path / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_pairs(*folders)["is_phantom"].all()


# --- patients ---


def write_patients(folders, text):
    path = folders[0].parent / "index.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("column", ["image", "file", "case_id"])
def test_patients_come_from_a_csv_whatever_the_column_is_called(folders, column):
    rows = "images/a.jpeg,P1\nb.png,P1\nc,02\n"
    table = index_pairs(*folders, write_patients(folders, f"{column},patient_id\n{rows}"))
    assert table["patient_id"].tolist() == ["P1", "P1", "02"]
    assert table.attrs["patient_key"] == "index.csv"


def test_images_without_a_patient_are_named(folders):
    with pytest.raises(ValueError, match="no patient for 2 of 3 images: b, c"):
        index_pairs(*folders, write_patients(folders, "image,patient_id\na.png,P1\nb.png,\n"))


def test_a_csv_without_the_columns_is_refused(folders):
    with pytest.raises(ValueError, match="columns name, age. It needs patient_id and one of image"):
        index_pairs(*folders, write_patients(folders, "name,age\na,3\n"))


def test_one_image_of_two_patients_is_refused(folders):
    text = "image,patient_id\na.png,P1\na.jpg,P2\n"
    with pytest.raises(ValueError, match="gives a to two patients, P1 and P2"):
        index_pairs(*folders, write_patients(folders, text))


def test_a_missing_csv_is_named(folders):
    with pytest.raises(FileNotFoundError, match="nobody.csv is not there"):
        index_pairs(*folders, "nobody.csv")


def test_a_broken_csv_is_named(folders):
    path = write_patients(folders, "")
    path.write_bytes(b"image,patient_id\n\xff\xfe\x00a,P1\n")
    with pytest.raises(ValueError, match="index.csv cannot be read as CSV"):
        index_pairs(*folders, path)


# --- reading ---


@pytest.fixture
def row(tmp_path):
    mask = np.zeros((20, 40), np.uint8)
    mask[:, 10:20], mask[:, 20:30] = 255, 127
    image = np.full((20, 40), 51, np.uint8)
    return {
        "image": str(save(tmp_path, "i.png", image)),
        "mask": str(save(tmp_path, "m.png", mask)),
    }


def test_ignored_values_become_minus_one_and_the_rest_foreground(row):
    image, target = read_pair_case(row, (40, 40), ignore=(127,))
    assert image.shape == target.shape == (40, 40, 1)
    assert image.dtype == target.dtype == np.float32
    expected = np.zeros((40, 40))  # 20 rows of film in the middle, padding above and below
    expected[10:30, 10:20], expected[10:30, 20:30] = 1, -1
    np.testing.assert_array_equal(target[..., 0], expected)
    np.testing.assert_allclose(image[10:30], 51 / 255, rtol=1e-6)
    assert image[:10].max() == image[30:].max() == 0


def test_without_a_choice_every_value_but_zero_is_the_structure(row):
    _, target = read_pair_case(row, (40, 40))
    assert target.sum() == 20 * 20


def test_only_chosen_values_are_the_structure(row):
    _, target = read_pair_case(row, (40, 40), foreground=(127,))
    assert target[10:30, 20:30].min() == 1 and target.sum() == 20 * 10


def test_a_table_row_and_a_shape_with_channels_are_taken_too(folders):
    table = index_pairs(*folders)
    image, target = read_pair_case(table.iloc[0], (8, 8, 1))
    assert image.shape == target.shape == (8, 8, 1)


def test_a_mask_stored_at_half_size_covers_the_same_pixels(tmp_path, row):
    small = np.asarray(Image.open(row["mask"]))[::2, ::2]
    half = {"image": row["image"], "mask": str(save(tmp_path, "half.png", small))}
    np.testing.assert_array_equal(
        read_pair_case(half, (40, 40))[1], read_pair_case(row, (40, 40))[1]
    )


def test_a_mask_of_other_proportions_is_refused(tmp_path, row):
    row["mask"] = str(save(tmp_path, "square.png", np.zeros((20, 20), np.uint8)))
    with pytest.raises(ValueError, match="square.png is 20x20.*40x20.*other proportions"):
        read_pair_case(row, (16, 16))


def test_rounding_of_a_small_mask_is_no_other_proportion():
    check_same_aspect((4892, 4020), (512, 421), "mask.png")
    check_same_aspect((4892, 4020), (61, 50), "mask.png")
    with pytest.raises(ValueError):
        check_same_aspect((4892, 4020), (512, 512), "mask.png")


def test_a_damaged_image_is_named(tmp_path, row):
    (tmp_path / "i.png").write_bytes(b"not a picture")
    with pytest.raises(UnreadableFileError, match="i.png"):
        read_pair_case(row, (16, 16))


def test_no_warning_is_given_when_all_match(folders):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index_pairs(*folders)


def test_groups_stand_for_unknown_patients_and_the_table_says_so(folders, tmp_path):
    rows = pd.DataFrame({"image": ["a.png", "b.png", "c.png"], "group_id": ["1", "1", "2"]})
    rows.to_csv(tmp_path / "groups.csv", index=False)
    table = index_pairs(*folders, tmp_path / "groups.csv")
    assert table["patient_id"].tolist() == ["1", "1", "2"]
    assert table.attrs["patient_key"] == "groups.csv, group_id"
    rows.rename(columns={"group_id": "patient_id"}).to_csv(tmp_path / "p.csv", index=False)
    assert index_pairs(*folders, tmp_path / "p.csv").attrs["patient_key"] == "p.csv"
    rows.rename(columns={"group_id": "tile"}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match="columns image, tile.*where patients are unknown, group"):
        index_pairs(*folders, tmp_path / "t.csv")


@pytest.fixture
def soft(tmp_path):
    """A row whose JPEG mask is a ramp from 0 to 255, and the ramp."""
    ramp = np.tile(np.arange(0, 256, 4), (64, 1)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "soft.jpg"), ramp, [cv2.IMWRITE_JPEG_QUALITY, 95])
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = 255
    return {"image": str(save(tmp_path, "c.png", image)), "mask": str(tmp_path / "soft.jpg")}, ramp


def test_a_soft_mask_needs_a_threshold_and_is_cut_there(soft):
    row, ramp = soft
    with pytest.raises(UnreadableFileError, match="JPEG, which blurs label values"):
        read_pair_target(row, (64, 64), (64, 64))
    target = read_pair_target(row, (64, 64), (64, 64), threshold=128)[..., 0]
    sure = np.abs(ramp.astype(int) - 128) > 8  # the noise of the compression
    np.testing.assert_array_equal(target[sure], (ramp >= 128)[sure])


def test_a_jpeg_of_black_and_white_needs_no_threshold(tmp_path):
    disc = cv2.circle(np.zeros((64, 64), np.uint8), (30, 30), 15, 255, -1)
    cv2.imwrite(str(tmp_path / "disc.jpg"), disc, [cv2.IMWRITE_JPEG_QUALITY, 90])
    row = {"mask": str(tmp_path / "disc.jpg")}
    without = read_pair_target(row, (64, 64), (64, 64))[..., 0]
    np.testing.assert_array_equal(without, disc > 0)
    np.testing.assert_array_equal(
        read_pair_target(row, (64, 64), (64, 64), threshold=128)[..., 0], without
    )


def test_colour_is_kept_where_it_is_asked_for(soft):
    row, _ = soft
    image, target = read_pair_case(row, (32, 40), threshold=128, color=True)
    assert (image.shape, target.shape) == ((32, 40, 3), (32, 40, 1))
    np.testing.assert_allclose(image[16, 20], [1, 0, 0], atol=1e-6)
    assert read_pair_image(row["image"], color=True).shape == (64, 64, 3)
    grey = read_pair_image(row["image"])
    np.testing.assert_allclose(grey, np.full((64, 64, 1), 0.299), atol=1e-6)
