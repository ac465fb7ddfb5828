"""HVSMR 2016, HVSMR-2.0 and ACDC: layouts as published, copies as they are, clear refusals."""

import math

import nibabel
import numpy as np
import pandas as pd
import pytest

from radiokit.cards import check_copy, load_card
from radiokit.data.cardiac import (
    CLASSES,
    index_acdc,
    index_hvsmr,
    index_hvsmr2,
    placed_pixel_mm,
    read_cardiac_case,
    restack_prediction,
)
from radiokit.data.own import index_volume_pairs
from radiokit.io import UnreadableFileError

SHAPE = (6, 8, 4)  # columns, rows, slices of the tiny volumes
SPACING_MM = (0.9, 0.8, 1.5)
RAS = np.diag([*SPACING_MM, 1.0])
LPS = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])


def write_nifti(path, array, affine=RAS):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return path


def ramp(shape=SHAPE):
    """An image in which every voxel has a value of its own."""
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def random_labels(values, seed=0, shape=SHAPE):
    labels = np.random.default_rng(seed).choice(values, shape).astype(np.uint8)
    labels.flat[: len(values)] = values
    return labels


def write_hvsmr(root, numbers=(0, 1), kind="axial_crop", folders=("", ""), suffix=".nii.gz"):
    for number in numbers:
        stem = f"training_{kind}_pat{number}"
        write_nifti(root / folders[0] / f"{stem}{suffix}", ramp())
        write_nifti(root / folders[1] / f"{stem}-label{suffix}", random_labels([0, 1, 2], number))
    return root


# --- HVSMR 2016 ---


def test_hvsmr_becomes_a_slice_table(tmp_path):
    table = index_hvsmr(write_hvsmr(tmp_path, (0, 1, 9)))
    assert len(table) == 3 * SHAPE[2]
    assert table["patient_id"].unique().tolist() == ["pat0", "pat1", "pat9"]
    assert table["case_id"].is_unique and table["case_id"][0] == "pat0_axial_crop_z000"
    assert table["dataset"].unique().tolist() == ["hvsmr"]
    assert table["label_map"].unique().tolist() == ["hvsmr"]
    assert table["axis"].unique().tolist() == [2] and not table["is_phantom"].any()
    assert table["spacing_row_mm"][0] == pytest.approx(0.8)
    assert table["spacing_slice_mm"][0] == pytest.approx(1.5)


def test_slices_are_taken_across_any_axis(tmp_path):
    table = index_hvsmr(write_hvsmr(tmp_path, (0,)), axis=0)
    assert len(table) == SHAPE[0] and table["case_id"][0] == "pat0_axial_crop_x000"


def test_images_and_labels_may_lie_apart_under_any_case_and_without_gz(tmp_path):
    write_hvsmr(tmp_path, (0,), folders=("Axial-cropped/Training dataset", "x/Ground truth"))
    write_hvsmr(tmp_path / "deeper", (3,), suffix=".nii")
    for path in list(tmp_path.rglob("*pat3*")):
        path.rename(path.with_name(path.name.upper()))
    assert index_hvsmr(tmp_path)["patient_id"].unique().tolist() == ["pat0", "pat3"]


def test_of_a_volume_with_and_without_gz_the_published_file_is_taken(tmp_path):
    write_hvsmr(tmp_path, (0,))
    write_hvsmr(tmp_path / "unpacked", (0,), suffix=".nii")
    table = index_hvsmr(tmp_path)
    assert len(table) == SHAPE[2] and table["image"][0].endswith("pat0.nii.gz")


def test_testing_volumes_are_left_out_and_listed(tmp_path):
    write_hvsmr(tmp_path, (0,))
    write_nifti(tmp_path / "testing_axial_crop_pat10.nii.gz", ramp())
    table = index_hvsmr(tmp_path)
    assert table["patient_id"].unique().tolist() == ["pat0"]
    assert table.attrs["unmatched"] == [
        "testing_axial_crop_pat10.nii.gz was published without labels"
    ]


def test_hidden_files_of_archives_are_no_volumes(tmp_path):
    write_hvsmr(tmp_path, (0,))
    write_hvsmr(tmp_path / "__MACOSX", (1,))
    assert index_hvsmr(tmp_path)["patient_id"].unique().tolist() == ["pat0"]


def test_a_kind_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    write_hvsmr(tmp_path, (0, 1), kind="sa_crop")
    write_hvsmr(tmp_path, (0,), kind="axial_full")
    message = r"no axial_crop volumes below .*, but sa_crop \(2 volumes\) and axial_full \(1 vol"
    with pytest.raises(FileNotFoundError, match=message):
        index_hvsmr(tmp_path)
    assert len(index_hvsmr(tmp_path, kind="sa_crop")) == 2 * SHAPE[2]


def test_a_kind_that_was_never_published_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no kind 'axial'. Choose one of: axial_crop, sa_crop, ax"):
        index_hvsmr(tmp_path, kind="axial")


def test_a_volume_without_labels_is_named(tmp_path):
    write_hvsmr(tmp_path, (0, 1))
    (tmp_path / "training_axial_crop_pat1-label.nii.gz").unlink()
    message = "1 of 2 have no labels: pat1. Complete the copy .radiokit data check hvsmr"
    with pytest.raises(FileNotFoundError, match=message):
        index_hvsmr(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    write_hvsmr(tmp_path, (0,))
    write_hvsmr(tmp_path / "copy", (0,))
    with pytest.raises(ValueError, match="Two files claim pat0: .*Move one of them"):
        index_hvsmr(tmp_path)


def test_labels_of_another_shape_are_refused_with_both(tmp_path):
    write_hvsmr(tmp_path, (0,))
    labels = random_labels([0, 1, 2], shape=(6, 8, 5))
    write_nifti(tmp_path / "training_axial_crop_pat0-label.nii.gz", labels)
    with pytest.raises(ValueError, match=r"\(6, 8, 5\) voxels, its image .*\(6, 8, 4\)"):
        index_hvsmr(tmp_path)


def test_labels_of_another_affine_are_refused(tmp_path):
    write_hvsmr(tmp_path, (0,))
    labels = random_labels([0, 1, 2])
    write_nifti(tmp_path / "training_axial_crop_pat0-label.nii.gz", labels, LPS)
    with pytest.raises(ValueError, match="pat0-label"):
        index_hvsmr(tmp_path)


def test_a_label_outside_the_map_is_refused_with_file_and_count(tmp_path):
    write_hvsmr(tmp_path, (0,))
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, :3, 0] = 7
    write_nifti(tmp_path / "training_axial_crop_pat0-label.nii.gz", labels)
    with pytest.raises(UnreadableFileError, match=r"pat0-label.*other than 0, 1, 2: 7 \(3 voxels"):
        index_hvsmr(tmp_path)


def test_a_phantom_is_known_from_its_note(tmp_path):
    write_hvsmr(tmp_path / "a", (0,))
    (tmp_path / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_hvsmr(tmp_path / "a")["is_phantom"].all()


# --- HVSMR-2.0 ---


def write_hvsmr2(root, numbers, kind="cropped"):
    for number in numbers:
        stem = root / f"pat{number}_{kind}"
        labels = stem.with_name(f"pat{number}_{kind.removesuffix('_norm')}_seg.nii.gz")
        write_nifti(stem.with_name(stem.name + ".nii.gz"), ramp())
        write_nifti(labels, random_labels(range(9), number))
        ends = labels.with_name(labels.name.replace("_seg", "_seg_endpoints"))
        write_nifti(ends, random_labels([0, 3, 5], number))
    return root


def test_hvsmr2_becomes_a_slice_table_without_its_endpoints(tmp_path):
    write_hvsmr2(tmp_path / "cropped", (2, 10))
    (tmp_path / "hvsmr_clinical.csv").write_text("Pat,Age\n2,5\n", encoding="utf-8")
    table = index_hvsmr2(tmp_path)
    assert table["patient_id"].unique().tolist() == ["pat2", "pat10"]
    assert not table["mask"].str.contains("endpoints").any()
    assert table["label_map"].unique().tolist() == ["hvsmr2"]


@pytest.mark.parametrize("kind", ["cropped_norm", "orig"])
def test_the_other_releases_of_hvsmr2_are_read_too(tmp_path, kind):
    table = index_hvsmr2(write_hvsmr2(tmp_path, (0,), kind))
    assert table["image"][0].endswith(f"pat0_{kind}.nii.gz") and len(table) == SHAPE[2]


def test_of_two_releases_one_is_taken_with_the_labels_beside_it(tmp_path):
    write_hvsmr2(tmp_path / "cropped_norm", (0, 1), "cropped_norm")
    write_hvsmr2(tmp_path / "cropped", (0, 1))
    table = index_hvsmr2(tmp_path)
    assert len(table) == 2 * SHAPE[2]
    folders = {path.replace("\\", "/").split("/")[-2] for path in [*table["image"], *table["mask"]]}
    assert folders == {"cropped"}


def test_hvsmr2_without_labels_is_refused(tmp_path):
    write_hvsmr2(tmp_path, (0,))
    (tmp_path / "pat0_cropped_seg.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 1 have no labels: pat0"):
        index_hvsmr2(tmp_path)


# --- ACDC ---

INFO = "ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\nWeight: 95.0\n"


def write_acdc(root, patient="patient001", split="training", info=INFO, frames=(1, 12), gt=True):
    folder = root / split / patient
    for frame in frames:
        write_nifti(folder / f"{patient}_frame{frame:02d}.nii.gz", ramp())
        if gt:
            labels = random_labels(range(4), frame)
            write_nifti(folder / f"{patient}_frame{frame:02d}_gt.nii.gz", labels)
    write_nifti(folder / f"{patient}_4d.nii.gz", ramp((*SHAPE, 3)))
    if info is not None:
        (folder / "Info.cfg").write_text(info, encoding="utf-8")
    return root


def test_acdc_becomes_a_slice_table_of_both_phases(tmp_path):
    write_acdc(tmp_path / "database")
    write_acdc(tmp_path / "database", "patient101", "testing")
    table = index_acdc(tmp_path)
    assert table["exam_id"].unique().tolist() == [
        *("patient001_frame01", "patient001_frame12", "patient101_frame01", "patient101_frame12")
    ]
    by_exam = table.groupby("exam_id").first()
    assert by_exam["phase"].tolist() == ["ED", "ES", "ED", "ES"]
    assert by_exam["official_split"].tolist() == ["train", "train", "test", "test"]
    assert by_exam["group"].unique().tolist() == ["DCM"]
    assert by_exam["height_cm"].unique().tolist() == [184.0]
    assert by_exam["weight_kg"].unique().tolist() == [95.0]
    assert table["patient_id"].nunique() == 2 and len(table) == 4 * SHAPE[2]


def test_the_frame_of_diastole_need_not_be_the_first(tmp_path):
    info = "ED: 12\nES: 1\nGroup: NOR\n"
    table = index_acdc(write_acdc(tmp_path, info=info))
    phases = table.groupby("exam_id")["phase"].first()
    assert phases["patient001_frame12"] == "ED" and phases["patient001_frame01"] == "ES"
    assert table["height_cm"].isna().all() and table["weight_kg"].isna().all()


def test_patients_of_the_early_testing_release_are_left_out_and_listed(tmp_path):
    write_acdc(tmp_path)
    write_acdc(tmp_path, "patient101", "testing", gt=False)
    table = index_acdc(tmp_path)
    assert table["patient_id"].unique().tolist() == ["patient001"]
    assert table.attrs["unmatched"] == ["patient101 of the testing set has no labels"]


def test_a_training_frame_without_labels_is_named(tmp_path):
    write_acdc(tmp_path)
    (tmp_path / "training/patient001/patient001_frame12_gt.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 have no labels: patient001_frame1"):
        index_acdc(tmp_path)


def test_a_copy_of_unlabelled_patients_only_is_refused(tmp_path):
    write_acdc(tmp_path, "patient101", "testing", gt=False)
    with pytest.raises(FileNotFoundError, match="1 of 1 have no labels: patient101"):
        index_acdc(tmp_path)


def test_a_frame_that_info_names_but_is_not_there_is_said(tmp_path):
    write_acdc(tmp_path, frames=(1, 13))
    message = "Info.cfg names frame 12 as ES, but patient001_frame12.nii.gz is not there"
    with pytest.raises(FileNotFoundError, match=message):
        index_acdc(tmp_path)


def test_a_patient_without_info_is_named(tmp_path):
    write_acdc(tmp_path)
    write_acdc(tmp_path, "patient002", info=None)
    with pytest.raises(FileNotFoundError, match="1 of 2 patients .* have no Info.cfg: patient002"):
        index_acdc(tmp_path)


@pytest.mark.parametrize(
    "info, reason",
    [
        ("ES: 12\nGroup: DCM\n", "it has no ED. It needs a line .ED: 1."),
        ("ED: 1\n", "it has no ES"),
        ("ED: first\nES: 12\n", "its ED is 'first'"),
        ("ED: 1\nES: 12.5\n", "its ES is '12.5'"),
        ("ED: 0\nES: 12\n", "its ED is '0'"),
        ("", "it has no ED"),
    ],
)
def test_an_info_without_both_frames_is_refused(tmp_path, info, reason):
    write_acdc(tmp_path, info=info)
    with pytest.raises(UnreadableFileError, match=f"Info.cfg: {reason}"):
        index_acdc(tmp_path)


# --- all of them ---


@pytest.mark.parametrize(
    "index, example",
    [
        (index_hvsmr, "training_axial_crop_pat0.nii.gz"),
        (index_hvsmr2, "cropped/pat0_cropped.nii.gz"),
        (index_acdc, "training/patient001/patient001_frame01.nii.gz"),
    ],
)
def test_an_empty_folder_is_answered_with_what_should_lie_there(tmp_path, index, example):
    with pytest.raises(FileNotFoundError, match=f"No volumes of .*{example}"):
        index(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder. Give the folder of a"):
        index(tmp_path / "nowhere")


# --- reading ---


def displayed(volume, index):
    """An axial slice of a RAS array as radiology shows it: front up, the right on the left."""
    return volume[::-1, ::-1, index].T


def test_a_row_becomes_an_image_and_one_hot_classes(tmp_path):
    table = index_hvsmr(write_hvsmr(tmp_path, (0,)))
    row = table.iloc[1]
    image, target = read_cardiac_case(row, (8, 6, 1))  # the slice's own size
    assert image.shape == (8, 6, 1) and target.shape == (8, 6, 3)
    assert image.dtype == target.dtype == np.float32
    low, high = np.percentile(ramp(), [1, 99.5])
    expected = np.clip((displayed(ramp(), 1) - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)
    labels = displayed(random_labels([0, 1, 2], 0), 1)
    np.testing.assert_array_equal(target.argmax(-1), labels)
    np.testing.assert_array_equal(target.sum(-1), 1)
    assert CLASSES == ("background", "myocardium", "blood_pool")


def test_rows_may_be_dictionaries(tmp_path):
    row = index_hvsmr(write_hvsmr(tmp_path, (0,))).to_dict("records")[0]
    assert read_cardiac_case(row, (16, 16))[1].shape == (16, 16, 3)


def test_padding_is_background(tmp_path):
    row = index_hvsmr(write_hvsmr(tmp_path, (0,))).iloc[0]
    image, target = read_cardiac_case(row, (8, 8))  # one column of padding on either side
    assert not image[:, [0, -1]].any()
    np.testing.assert_array_equal(target[:, [0, -1]], np.broadcast_to([1, 0, 0], (8, 2, 3)))


def test_acdc_labels_are_mapped_to_muscle_and_blood(tmp_path):
    row = index_acdc(write_acdc(tmp_path)).iloc[2]
    classes = read_cardiac_case(row, (8, 6))[1].argmax(-1)
    labels = displayed(random_labels(range(4), 1), 2)
    expected = np.select([labels == 2, labels == 1, labels == 3], [1, 2, 2], 0)
    np.testing.assert_array_equal(classes, expected)


def test_of_hvsmr2_only_the_blood_pool_is_known(tmp_path):
    row = index_hvsmr2(write_hvsmr2(tmp_path, (0,))).iloc[0]
    target = read_cardiac_case(row, (8, 8))[1]
    is_blood = displayed(random_labels(range(9), 0), 0) > 0
    assert is_blood.any() and not is_blood.all()
    np.testing.assert_array_equal(target[:, 1:-1, 2], is_blood)
    assert (target[..., :2] == -1).all()


def test_own_volumes_are_read_as_classes(tmp_path):
    write_nifti(tmp_path / "images/a.nii.gz", ramp())
    write_nifti(tmp_path / "labels/a.nii.gz", random_labels([0, 1, 2], 5))
    table = index_volume_pairs(tmp_path / "images", tmp_path / "labels")
    classes = read_cardiac_case(table.iloc[3], (8, 6))[1].argmax(-1)
    np.testing.assert_array_equal(classes, displayed(random_labels([0, 1, 2], 5), 3))


def test_own_labels_outside_the_classes_are_refused_with_file_and_counts(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, :2, 0], labels[1, 0, 0] = 205, 3
    write_nifti(tmp_path / "images/a.nii.gz", ramp())
    write_nifti(tmp_path / "labels/a.nii.gz", labels)
    row = index_volume_pairs(tmp_path / "images", tmp_path / "labels").iloc[0]
    message = (
        r"a.nii.gz holds labels .* none of 0, 1, 2: 3 \(1 pixels\), 205 \(2 pixels\) in a_z000"
    )
    with pytest.raises(ValueError, match=message):
        read_cardiac_case(row, (8, 6))


def test_a_row_without_labels_is_refused(tmp_path):
    row = index_hvsmr(write_hvsmr(tmp_path, (0,))).iloc[0].copy()
    row["mask"] = None
    with pytest.raises(ValueError, match="pat0_axial_crop_z000 has no labels"):
        read_cardiac_case(row, (8, 6))


def test_pixels_grow_as_a_slice_is_scaled_down(tmp_path):
    row = index_hvsmr(write_hvsmr(tmp_path, (0,))).iloc[0]
    assert placed_pixel_mm(row, (8, 6)) == pytest.approx((0.8, 0.9))
    assert placed_pixel_mm(row, (4, 4, 1)) == pytest.approx((1.6, 1.8))  # 8 rows on 4, 6 cols on 3


def test_pixels_of_unknown_size_stay_unknown(tmp_path):
    row = index_hvsmr(write_hvsmr(tmp_path, (0,))).iloc[0].copy()
    row["spacing_column_mm"] = math.nan
    assert placed_pixel_mm(row, (8, 6)) is None


# --- predictions back to volumes ---


@pytest.mark.parametrize("affine", [RAS, LPS])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_prediction_lies_on_the_grid_of_its_image(tmp_path, affine, axis):
    labels = random_labels([0, 1, 2], 3)
    write_nifti(tmp_path / "training_axial_crop_pat0.nii.gz", ramp(), affine)
    write_nifti(tmp_path / "training_axial_crop_pat0-label.nii.gz", labels, affine)
    rows = index_hvsmr(tmp_path, axis=axis).sample(frac=1, random_state=0)
    maps = [read_cardiac_case(row, (16, 16))[1].argmax(-1) for _, row in rows.iterrows()]
    path = restack_prediction(rows, maps, tmp_path / "out/pat0_predicted.nii.gz")
    written = nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)  # 16 enlarges: exact
    like = nibabel.load(tmp_path / "training_axial_crop_pat0.nii.gz")
    np.testing.assert_array_equal(written.affine, like.affine)
    assert written.get_data_dtype() == np.uint8


def test_slices_that_were_not_predicted_are_background(tmp_path):
    rows = index_hvsmr(write_hvsmr(tmp_path, (0,))).iloc[[2]]
    path = restack_prediction(rows, [np.full((8, 6), 2)], tmp_path / "p.nii")
    volume = np.asarray(nibabel.load(path).dataobj)
    assert (volume[..., 2] == 2).all() and volume.sum() == 2 * 6 * 8


def test_scores_instead_of_classes_are_refused(tmp_path):
    rows = index_hvsmr(write_hvsmr(tmp_path, (0,)))
    with pytest.raises(ValueError, match="The maps hold 0.5. Give classes 0, 1 and 2 .background"):
        restack_prediction(rows, np.full((4, 8, 6), 0.5), tmp_path / "p.nii.gz")
    assert not (tmp_path / "p.nii.gz").exists()


def test_slices_of_two_exams_are_refused(tmp_path):
    rows = index_hvsmr(write_hvsmr(tmp_path, (0, 1)))
    with pytest.raises(ValueError, match="2 exams"):
        restack_prediction(rows, np.zeros((8, 8, 6), int), tmp_path / "p.nii.gz")


# --- cards ---


def test_whole_copies_have_no_problems(tmp_path):
    def touch(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")

    for number in range(10):
        touch(f"hvsmr/training_axial_crop_pat{number}.nii.gz")
        touch(f"hvsmr/Ground truth/training_axial_crop_pat{number}-label.nii.gz")
    for number in range(60):
        for ending in ("", "_seg", "_seg_endpoints"):
            touch(f"hvsmr2/cropped/pat{number}_cropped{ending}.nii.gz")
    for number in range(1, 151):
        folder = f"acdc/{'training' if number <= 100 else 'testing'}/patient{number:03d}"
        for ending in ("_4d", "_frame01", "_frame01_gt", "_frame12", "_frame12_gt"):
            touch(f"{folder}/patient{number:03d}{ending}.nii.gz")
        touch(f"{folder}/Info.cfg")
    for name in ("hvsmr", "hvsmr2", "acdc"):
        assert check_copy(load_card(name), tmp_path / name) == []


def test_what_a_copy_lacks_is_named(tmp_path):
    write_acdc(tmp_path)
    (tmp_path / "training/patient001/patient001_frame12_gt.nii.gz").unlink()
    problems = check_copy(load_card("acdc"), tmp_path)
    assert problems[0].startswith("patients: 1 of 150 found; missing: patient002, patient003")
    assert problems[1].startswith("volumes: 2 of 300 found (such as training/patient001/")
    assert problems[2].startswith("label volumes: 1 of 300 found; missing: patient001_frame12")


def test_phantom_copies_are_held_against_themselves(tmp_path):
    write_acdc(tmp_path / "acdc")
    write_hvsmr(tmp_path / "hvsmr", (0,))
    (tmp_path / "PHANTOM.toml").write_text("num_patients = 1\n", encoding="utf-8")
    for name in ("acdc", "hvsmr"):
        assert check_copy(load_card(name), tmp_path / name) == []


def test_slice_tables_of_several_sets_can_be_joined(tmp_path):
    tables = [
        index_hvsmr(write_hvsmr(tmp_path / "a", (0,))),
        index_acdc(write_acdc(tmp_path / "b")),
    ]
    pooled = pd.concat([table.assign(unused=1) for table in tables], ignore_index=True)
    for index in (0, len(pooled) - 1):
        assert read_cardiac_case(pooled.iloc[index], (8, 6))[1].min() == 0
