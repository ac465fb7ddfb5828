"""Anybody's images in a folder a class."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from mdai_maker import write_colour, write_frames, write_radiograph
from PIL import Image

from radiokit.data.own import index_image_folders, read_labelled_case
from radiokit.data.splits import audit_split, split_by_patient


def save(root, *names):
    """Pictures that differ in their one grey value."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), 10 + number, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    save(tmp_path, "Knee/a.png", "Knee/left/b.jpg", "Hand/c.PNG", "Hand/d.bmp")
    return tmp_path


def test_folders_become_labels_whatever_lies_between(root):
    table = index_image_folders(root)
    assert table["case_id"].tolist() == ["c", "d", "a", "b"]
    assert table["Hand"].tolist() == [1, 1, 0, 0] and table["Knee"].tolist() == [0, 0, 1, 1]
    assert table["Hand"].dtype == np.uint8
    assert table.attrs["labels"] == ["Hand", "Knee"]
    assert list(table.columns) == [
        *("case_id", "patient_id", "image", "modality", "spacing_row_mm", "spacing_column_mm"),
        *("dataset", "is_phantom", "Hand", "Knee"),
    ]
    assert set(table["dataset"]) == {"own"} and not table["is_phantom"].any()
    assert table["spacing_row_mm"].isna().all() and set(table["modality"]) == {""}
    assert table.attrs["unmatched"] == table.attrs["unreadable"] == []


def test_every_picture_is_its_own_patient_and_that_is_said(root):
    table = index_image_folders(str(root))
    assert table["patient_id"].tolist() == table["case_id"].tolist()
    assert table.attrs["patient_key"] == "image"
    assert table.attrs["notes"] == [
        "no patients are known: every image counts as a patient of its own"
    ]


def test_repeated_names_get_their_folders_and_then_their_endings(tmp_path):
    save(tmp_path, "Hand/1.png", "Knee/1.png")
    assert index_image_folders(tmp_path)["case_id"].tolist() == ["Hand_1", "Knee_1"]
    save(tmp_path, "Knee/x.png", "Knee/y.png", "Knee/1.jpg")
    names = index_image_folders(tmp_path)["case_id"].tolist()
    assert names[:3] == ["Hand_1.png", "Knee_1.jpg", "Knee_1.png"]


def test_names_that_folders_and_underlines_make_alike_keep_their_paths(tmp_path):
    save(tmp_path, "Hand/a/1.png", "Hand/a_1.png", "Hand_a/1.png")
    table = index_image_folders(tmp_path)
    assert table["case_id"].tolist() == ["Hand/a/1.png", "Hand/a_1.png", "Hand_a/1.png"]
    assert table["patient_id"].is_unique


def test_hidden_and_other_files_are_passed_over(root):
    for name in ("Hand/Thumbs.db", "Hand/.DS_Store", "Hand/._c.PNG", "__MACOSX/Hand/c.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"nothing")
    save(root, ".cache/z.png")
    table = index_image_folders(root)
    assert len(table) == 4 and table.attrs["labels"] == ["Hand", "Knee"]


def test_one_file_in_two_folders_has_both_labels(root):
    shutil.copy(root / "Hand/c.PNG", root / "Knee/again.png")
    table = index_image_folders(root)
    assert len(table) == 4
    assert table.set_index("case_id").loc["c", ["Hand", "Knee"]].tolist() == [1, 1]
    assert table.attrs["notes"][1:] == [
        "1 images lie in several class folders and have all of their labels: Hand/c.PNG = "
        "Knee/again.png"
    ]


def test_a_copy_within_a_folder_is_dropped(root):
    shutil.copy(root / "Hand/c.PNG", root / "Hand/copy.png")
    table = index_image_folders(root)
    assert len(table) == 4 and table["Hand"].sum() == 2
    assert table.attrs["notes"][1:] == ["1 copies within a class folder dropped"]
    split = split_by_patient(table, {"train": 0.5, "test": 0.5}, seed=0)
    assert audit_split(split)["images"].sum() == 4


def test_an_image_in_no_class_folder_and_an_empty_file_are_listed(root):
    save(root, "loose.png")
    (root / "Hand/empty.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="2 files are left out") as caught:
        table = index_image_folders(root)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert table.attrs["unmatched"] == ["image loose.png lies in no class folder"]
    assert table.attrs["unreadable"] == ["Hand/empty.png: it is empty (0 bytes)"]
    assert len(table) == 4


def test_a_phantom_is_known_by_its_note(root):
    (root / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_image_folders(root)["is_phantom"].all()


# --- DICOM ---


def test_dicom_headers_tell_patients_and_sizes(tmp_path):
    write_radiograph(tmp_path / "Hand", "1.2.1.1.1", PatientID="Ann")
    write_radiograph(tmp_path / "Hand", "1.2.1.1.2", 101, PatientID="Ann")
    write_radiograph(tmp_path / "Knee", "1.2.3.1.1", PatientID="Bob").rename(
        tmp_path / "Knee/1.2.3.1.1"  # no ending
    )
    table = index_image_folders(tmp_path)
    assert table["patient_id"].tolist() == ["Ann", "Ann", "Bob"]
    assert table.attrs["patient_key"] == "PatientID" and table.attrs["notes"] == []
    assert set(table["modality"]) == {"DX"} and set(table["spacing_row_mm"]) == {0.2}
    image, target = read_labelled_case(table.iloc[2], (8, 8), ["Knee", "Hand"])
    assert image.shape == (8, 8, 1) and target.tolist() == [1, 0]


def test_without_patients_exams_are_kept_together(tmp_path):
    for number, uid in enumerate(("1.2.1.1.1", "1.2.1.1.2", "1.2.3.1.1")):
        write_radiograph(tmp_path / ("Hand", "Knee")[number % 2], uid, PatientID="ANON")
    table = index_image_folders(tmp_path).set_index("case_id")
    assert table.attrs["patient_key"] == "StudyInstanceUID"
    assert table.loc["1.2.1.1.1", "patient_id"] == table.loc["1.2.1.1.2", "patient_id"] == "1.2.1"


def test_one_exam_for_all_is_no_exam(tmp_path):
    for folder, uid in (("Hand", "1.2.1.1.1"), ("Knee", "1.2.3.1.1")):
        header = {"PatientID": "ANON", "StudyInstanceUID": "1.2"}
        write_radiograph(tmp_path / folder, uid, **header)
    table = index_image_folders(tmp_path)
    assert table["patient_id"].nunique() == 2 and table.attrs["patient_key"] == "image"


def test_dicom_that_is_no_single_grey_image_is_listed(root):
    write_radiograph(root / "Hand", "1.2.1.1.1", PatientID="Ann")
    write_colour(root / "Hand", "1.2.1.1.2"), write_frames(root / "Hand", "1.2.1.1.3")
    with pytest.warns(UserWarning, match="2 files are left out"):
        table = index_image_folders(root)
    assert len(table) == 5
    assert "it is a colour image" in table.attrs["unreadable"][0]
    assert "it has 2 frames" in table.attrs["unreadable"][1]


def test_pictures_stay_when_no_dicom_file_can_be_used(root):
    (root / "Hand/bad.dcm").write_bytes(b"no film at all")
    with pytest.warns(UserWarning, match="Hand/bad.dcm: it is no single grey DICOM image"):
        assert len(index_image_folders(root)) == 4


# --- what is no folder of classes ---


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        index_image_folders(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no image files"):
        index_image_folders(tmp_path)


def test_one_class_is_not_enough(tmp_path):
    save(tmp_path, "Hand/a.png", "Hand/b.png")
    with pytest.raises(ValueError, match="1 folders with usable images: Hand. Give the folder tha"):
        index_image_folders(tmp_path)
    with pytest.raises(ValueError, match="0 folders with usable images: none"):
        index_image_folders(tmp_path / "Hand")
    (tmp_path / "Knee").mkdir()
    (tmp_path / "Knee/c.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"1 folders with usable images \(Knee/c.png: it is empty"):
        index_image_folders(tmp_path)


def test_folders_of_splits_are_no_classes(tmp_path):
    save(tmp_path, "train/Hand/a.png", "train/Knee/b.png", "Test/Hand/c.png")
    with pytest.raises(ValueError, match="are Test, train: splits, not classes"):
        index_image_folders(tmp_path)
    assert index_image_folders(tmp_path / "train").attrs["labels"] == ["Hand", "Knee"]


def test_a_class_named_as_another_column_is_refused(tmp_path):
    save(tmp_path, "image/a.png", "Hand/b.png")
    with pytest.raises(ValueError, match="class folders image have the names of other columns"):
        index_image_folders(tmp_path)
    (tmp_path / "image").rename(tmp_path / "source_case_id")  # a column of copies
    with pytest.raises(ValueError, match="class folders source_case_id have the names"):
        index_image_folders(tmp_path)


# --- real images ---


def test_the_real_body_part_set_is_indexed_and_read(real_data):
    root = real_data / "bodypart/medical_mnist"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    table = index_image_folders(root)
    names = ["AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"]
    assert table.attrs["labels"] == names
    contents = {path.read_bytes() for path in root.rglob("*.jpeg")}  # one of 1,200 is a copy
    assert len(table) == len(contents) == 1199
    assert "1 copies within a class folder dropped" in table.attrs["notes"]
    folders = table["image"].map(lambda image: Path(image).parent.name)
    assert table[names].idxmax(axis=1).tolist() == folders.tolist()
    assert (table[names].sum(axis=1) == 1).all()
    assert table["case_id"].is_unique
    for _, row in table.groupby(folders).head(5).iterrows():
        image, target = read_labelled_case(row, (64, 64), names)
        assert image.shape == (64, 64, 1)
        assert np.ptp(image) > 0.1
        assert names[int(target.argmax())] == Path(row["image"]).parent.name
    split = split_by_patient(table, {"train": 0.7, "test": 0.3}, seed=0, labels=names)
    assert audit_split(split)["images"].sum() == 1199
