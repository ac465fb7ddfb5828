"""Anybody's folders of volumes and labels."""

import gzip
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest

from radiokit.data.own import index_volume_pairs
from radiokit.io import UnreadableFileError
from radiokit.io.volumes import write_volume

AFFINE = np.diag([-1.5, -1.5, 8, 1])
IMAGE = np.random.default_rng(0).integers(0, 900, (6, 5, 3)).astype(np.int16)


def save(folder, name, array=IMAGE):
    return write_volume(folder / name, array, AFFINE)


def save_labels(folder, name):
    return save(folder, name, (IMAGE % 3).astype(np.uint8))


@pytest.fixture
def folders(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "images", f"{name}.nii.gz")
        save_labels(tmp_path / "labels", f"{name}.nii")
    return tmp_path / "images", tmp_path / "labels"


def test_volumes_and_labels_of_one_name_become_slices(folders):
    table = index_volume_pairs(*folders)
    assert table["case_id"].tolist() == [f"{name}_z00{n}" for name in "ab" for n in range(3)]
    assert table["patient_id"].tolist() == table["exam_id"].tolist() == ["a"] * 3 + ["b"] * 3
    assert [Path(path).name for path in table["mask"].unique()] == ["a.nii", "b.nii"]
    assert set(table["dataset"]) == {"own"} and not table["is_phantom"].any()
    assert set(table["spacing_slice_mm"]) == {8} and set(table["spacing_row_mm"]) == {1.5}
    assert table.attrs["unmatched"] == [] and table.attrs["patient_key"] == "image"
    assert index_volume_pairs(*folders, axis=0)["num_slices"].tolist() == [6] * 12


@pytest.mark.parametrize(
    "ending", ["-label", "_label", "_gt", "_seg", "_mask", "_GT", "-labels", "_segmentation"]
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII.GZ"])
def test_labels_may_carry_an_ending_and_share_the_folder(tmp_path, ending, suffix):
    save(tmp_path, "heart.v2.nii.gz")
    labels = save_labels(tmp_path, f"heart.v2{ending}{suffix}")
    table = index_volume_pairs(tmp_path, tmp_path)
    assert set(table["exam_id"]) == {"heart.v2"} and set(table["mask"]) == {str(labels)}


def test_pairs_of_header_and_image_count_once(tmp_path):
    (tmp_path / "images").mkdir()
    nibabel.save(nibabel.Nifti1Pair(IMAGE, AFFINE), tmp_path / "images/a.hdr")
    save_labels(tmp_path / "labels", "a.nii")
    table = index_volume_pairs(tmp_path / "images", tmp_path / "labels")
    assert len(table) == 3 and table["image"][0].endswith("a.hdr")


def test_files_without_a_partner_are_listed_and_warned_of_once(folders):
    save(folders[0], "deep/lonely.nii"), save_labels(folders[1], "stray_gt.nii.gz")
    with pytest.warns(UserWarning, match="2 files have no partner") as caught:
        table = index_volume_pairs(*folders)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert table.attrs["unmatched"] == [
        "image lonely.nii has no mask",
        "mask stray_gt.nii.gz has no image",
    ]
    assert set(table["exam_id"]) == {"a", "b"}


def test_patients_come_from_a_table(folders, tmp_path):
    csv = tmp_path / "patients.csv"
    csv.write_text("file,patient_id\na.nii.gz,P1\nb,P1\n", encoding="utf-8")
    table = index_volume_pairs(*folders, patients=csv)
    assert set(table["patient_id"]) == {"P1"} and table.attrs["patient_key"] == "patients.csv"
    csv.write_text("file,patient_id\na.nii.gz,P1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="names no patient for 1 of 2 images: b"):
        index_volume_pairs(*folders, patients=csv)


def test_a_phantom_is_known_by_its_note(folders):
    (folders[0].parent / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_volume_pairs(*folders)["is_phantom"].all()


def test_a_damaged_volume_is_named(folders):
    (folders[0] / "b.nii.gz").write_bytes(gzip.compress(b"no volume" * 100))
    with pytest.raises(UnreadableFileError, match=r"b\.nii\.gz.*not NIfTI"):
        index_volume_pairs(*folders)


def test_folders_without_pairs_are_refused(folders, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        index_volume_pairs(tmp_path / "none", folders[1])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no image files.*.nii, .nii.gz or .hdr"):
        index_volume_pairs(folders[0], tmp_path / "empty")
    save_labels(tmp_path / "other", "z-label.nii")
    with pytest.raises(ValueError, match="No image matches a mask.*a.nii.gz.*z-label.nii"):
        index_volume_pairs(folders[0], tmp_path / "other")
    save(folders[0], "deep/a.nii")
    with pytest.raises(ValueError, match="Two images are named a: .*a.nii"):
        index_volume_pairs(*folders)


def test_nothing_is_warned_of_when_all_is_paired(folders):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index_volume_pairs(*folders)
