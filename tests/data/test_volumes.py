"""Volumes as tables of slices, slices as arrays, and predicted slices as volumes."""

import itertools
import threading

import nibabel
import numpy as np
import pandas as pd
import pytest

import radiokit.data.volumes
from radiokit.data.splits import audit_split, split_by_patient
from radiokit.data.volumes import (
    list_slices,
    read_slice_image,
    read_slice_labels,
    restack,
    slice_shape,
)
from radiokit.io import UnreadableFileError
from radiokit.io.geometry import fit_placement, place_mask
from radiokit.io.volumes import write_label_volume, write_volume

SHAPE = (8, 10, 6)
# The three stored axes run towards the feet, the left and the front; voxels of 3, 0.8 and 1.1 mm.
SLA = np.array([[0, -0.8, 0, 30], [0, 0, 1.1, -40], [-3, 0, 0, 50], [0, 0, 0, 1.0]])
RAS = np.diag([0.8, 1.1, 3, 1])
COLUMNS = (
    "case_id patient_id exam_id image mask dataset axis slice_index num_slices spacing_row_mm "
    "spacing_column_mm spacing_slice_mm intensity_low intensity_high is_phantom"
).split()


def make_pair(folder, name="one", affine=RAS, shape=SHAPE, seed=0):
    """One row of a table of volumes, with its two files."""
    random = np.random.default_rng(seed)
    image = random.integers(-100, 2000, shape).astype(np.int16)
    labels = random.integers(0, 3, shape).astype(np.uint8)
    return {
        "exam_id": name,
        "patient_id": f"patient {name}",
        "image": write_volume(folder / f"{name}.nii", image, affine),
        "mask": write_volume(folder / f"{name}-label.nii.gz", labels, affine),
        "dataset": "test",
        "is_phantom": True,
    }


def voxels(path):
    """Canonical voxels, by nibabel."""
    return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)


def test_every_slice_of_every_volume_is_a_row(tmp_path):
    volumes = pd.DataFrame([make_pair(tmp_path, name) for name in ("one", "two")])
    volumes["phase"] = ["ED", "ES"]
    volumes.attrs["unmatched"] = ["something"]
    table = list_slices(volumes)
    assert list(table.columns) == [*COLUMNS, "phase"]
    assert table["case_id"].tolist()[:2] == ["one_z000", "one_z001"]
    assert len(table) == 12 and table["case_id"].is_unique
    assert table["phase"].tolist() == ["ED"] * 6 + ["ES"] * 6
    assert table["patient_id"].tolist() == ["patient one"] * 6 + ["patient two"] * 6
    assert table["slice_index"].tolist() == [*range(6)] * 2 and set(table["num_slices"]) == {6}
    assert set(table["axis"]) == {2} and table["is_phantom"].all()
    assert table["image"][0] == str(tmp_path / "one.nii")
    assert table.attrs["unmatched"] == ["something"]


@pytest.mark.parametrize(
    ("axis", "rows_mm", "columns_mm", "slices_mm", "number"),
    [(0, 3, 1.1, 0.8, 10), (1, 3, 0.8, 1.1, 6), (2, 1.1, 0.8, 3, 8), (None, 3, 0.8, 1.1, 6)],
)
def test_spacing_is_that_of_the_picture(tmp_path, axis, rows_mm, columns_mm, slices_mm, number):
    row = list_slices(pd.DataFrame([make_pair(tmp_path, affine=SLA)]), axis).iloc[0]
    assert row["axis"] == (1 if axis is None else axis)  # acquired: the third axis runs forwards
    assert (row["spacing_row_mm"], row["spacing_column_mm"]) == (rows_mm, columns_mm)
    assert (row["spacing_slice_mm"], row["num_slices"]) == (slices_mm, number)
    canonical = {0: 10, 1: 6, 2: 8}
    rest = [side for place, side in canonical.items() if place != row["axis"]]
    assert slice_shape(row) == (rest[1], rest[0])
    assert row["case_id"] == f"one_{'xyz'[row['axis']]}000"


def test_an_unknown_spacing_is_not_a_number(tmp_path):
    image = nibabel.Nifti1Image(np.arange(27, dtype=np.int16).reshape(3, 3, 3), None)
    nibabel.save(image, tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[80:92] = bytes(12)  # pixdim
    (tmp_path / "a.nii").write_bytes(content)
    row = {**make_pair(tmp_path), "image": tmp_path / "a.nii", "mask": None}
    table = list_slices(pd.DataFrame([row]))
    for name in ("spacing_row_mm", "spacing_column_mm", "spacing_slice_mm"):
        assert table[name].isna().all()


def test_intensities_are_the_percentiles_of_the_whole_volume(tmp_path):
    table = list_slices(pd.DataFrame([make_pair(tmp_path)]), axis=0)
    low, high = np.percentile(voxels(tmp_path / "one.nii"), [1, 99.5])
    np.testing.assert_allclose(table["intensity_low"], low, rtol=1e-6)
    np.testing.assert_allclose(table["intensity_high"], high, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_images_and_labels_at_their_own_size_are_the_voxels_themselves(tmp_path, axis):
    table = list_slices(pd.DataFrame([make_pair(tmp_path, affine=SLA)]), axis)
    image, labels = voxels(tmp_path / "one.nii"), voxels(tmp_path / "one-label.nii.gz")
    low, high = table["intensity_low"][0], table["intensity_high"][0]
    for row in table.to_dict("records"):
        plane = image.take(row["slice_index"], axis)[::-1, ::-1].T
        shape = (*plane.shape, 1)
        expected = np.clip((plane - low) / (high - low), 0, 1)[..., None]
        read = read_slice_image(row, shape)
        assert read.dtype == np.float32 and read.shape == shape
        np.testing.assert_allclose(read, expected, atol=1e-6)
        expected = labels.take(row["slice_index"], axis)[::-1, ::-1].T
        np.testing.assert_array_equal(read_slice_labels(row, shape), expected)


def test_image_and_labels_go_through_one_geometry(tmp_path):
    row = make_pair(tmp_path, shape=(24, 12, 3))
    labels = np.zeros((24, 12, 3), np.uint8)
    labels[:8, 4:, 1] = 2
    write_volume(row["image"], labels.astype(np.int16) * 100, RAS)
    write_volume(row["mask"], labels, RAS)
    slices = list_slices(pd.DataFrame([row]))
    image, target = (
        read_slice_image(slices.iloc[1], (48, 48)),
        read_slice_labels(slices.iloc[1], (48, 48)),
    )
    assert target.dtype.kind == "u" and set(np.unique(target)) == {0, 2}
    np.testing.assert_array_equal(image[..., 0] > 0.5, target == 2)
    assert not image[:12].any() and not target[36:].any()  # 12 rows become 24 of 48: padding


def test_a_row_without_labels_says_so(tmp_path):
    rows = [make_pair(tmp_path, "one"), {**make_pair(tmp_path, "two"), "mask": None}]
    table = list_slices(pd.DataFrame(rows))
    assert table["mask"].notna().tolist() == [True] * 6 + [False] * 6
    assert read_slice_image(table.iloc[7], (8, 8)).shape == (8, 8, 1)
    with pytest.raises(ValueError, match="two_z001 has no labels.*notna"):
        read_slice_labels(table.iloc[7], (8, 8))


def test_slices_of_a_patient_never_straddle_a_split(tmp_path):
    volumes = pd.DataFrame([make_pair(tmp_path, str(n), seed=n) for n in range(6)])
    table = split_by_patient(list_slices(volumes), {"train": 0.5, "test": 0.5}, seed=1)
    assert audit_split(table)["patients"].tolist() == [3, 3]
    assert (table.groupby("exam_id")["split"].nunique() == 1).all()


def test_each_file_is_opened_once_and_by_two_threads(tmp_path, monkeypatch):
    opened, threads, real = [], set(), radiokit.data.volumes.read_volume
    both = threading.Barrier(2, timeout=20)

    def counting(path):
        opened.append(path)
        threads.add(threading.get_ident())
        both.wait()  # breaks if one thread has to read all
        return real(path)

    monkeypatch.setattr(radiokit.data.volumes, "read_volume", counting)
    list_slices(pd.DataFrame([make_pair(tmp_path, name) for name in "abcd"]))
    assert len(opened) == len(set(opened)) == 4 and len(threads) == 2


def test_one_file_that_cannot_be_used_is_named(tmp_path):
    rows = [make_pair(tmp_path, name) for name in ("one", "two")]
    content = rows[1]["mask"].read_bytes()
    rows[1]["mask"].write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFileError, match=r"two-label\.nii\.gz.*damaged"):
        list_slices(pd.DataFrame(rows))
    rows[1]["mask"].unlink()
    with pytest.raises(FileNotFoundError, match=r"two-label\.nii\.gz"):
        list_slices(pd.DataFrame(rows))


def test_all_files_that_cannot_be_used_are_listed(tmp_path):
    rows = [make_pair(tmp_path, name) for name in ("good", "cut", "nan", "grid", "flat", "gone")]
    image = {row["exam_id"]: row["image"] for row in rows}
    image["cut"].write_bytes(image["cut"].read_bytes()[:-1])
    write_volume(image["nan"], np.full(SHAPE, np.nan, np.float32), RAS)
    write_volume(image["grid"], np.ones(SHAPE, np.int16), SLA)
    write_volume(image["flat"], np.full(SHAPE, 7, np.int16), RAS)
    image["gone"].unlink()
    with pytest.raises(ValueError, match="5 of 6 volumes cannot be used") as info:
        list_slices(pd.DataFrame(rows))
    text = str(info.value)
    for reason in (
        "cut.nii: it is cut off",
        "nan.nii: 480 of 480 voxels are not finite",
        "grid-label.nii.gz lies elsewhere",
        "flat.nii: the 1st and the 99.5th percentile of its voxels are both 7",
        "No file at",
    ):
        assert reason in text
    assert "good" not in text


def test_labels_outside_those_allowed_are_found_when_slices_are_listed(tmp_path):
    volumes = pd.DataFrame([make_pair(tmp_path)])
    assert len(list_slices(volumes, allowed=(0, 1, 2))) == 6
    with pytest.raises(UnreadableFileError, match=r"other than 0, 1: 2 \(\d+ voxels\)"):
        list_slices(volumes, allowed=iter((0, 1)))


def test_a_table_of_volumes_must_be_one(tmp_path):
    volumes = pd.DataFrame([make_pair(tmp_path)])
    with pytest.raises(ValueError, match="has 1 rows and lacks mask, dataset"):
        list_slices(volumes.drop(columns=["mask", "dataset"]))
    with pytest.raises(ValueError, match="has 0 rows and lacks no column"):
        list_slices(volumes.iloc[:0])
    with pytest.raises(ValueError, match="1 exams are named twice: one"):
        list_slices(pd.concat([volumes, volumes]))
    with pytest.raises(ValueError, match="no axis 3"):
        list_slices(volumes, axis=3)


# --- and back -------------------------------------------------------------------------------------


def predicted(rows, shape):
    """The labels themselves as they stand at the network's size."""
    return np.stack([read_slice_labels(row, shape) for row in rows.to_dict("records")])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    ("order", "flips"),
    [*itertools.product(itertools.permutations(range(3)), [(0, 0, 0), (1, 0, 1), (1, 1, 1)])],
)
def test_slices_stack_to_the_voxels_and_the_grid_they_came_from(tmp_path, order, flips, axis):
    affine = np.eye(4)[:, [*order, 3]]
    affine[:, :3] *= np.where(flips, -1.5, 1.5)
    row = make_pair(tmp_path, affine=affine)
    rows = list_slices(pd.DataFrame([row]), axis).sample(frac=1, random_state=3)
    labels = restack(rows, predicted(rows, (32, 32)), row["image"])  # each side grows: exact
    path = write_label_volume(tmp_path / "back.nii.gz", labels, row["image"])
    first, second = nibabel.load(row["mask"]), nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(second.dataobj), np.asarray(first.dataobj))
    np.testing.assert_array_equal(second.affine, first.affine)
    for name in ("sform_code", "qform_code", "xyzt_units"):
        assert second.header[name] == first.header[name]


def test_slices_without_a_prediction_are_background(tmp_path):
    row = make_pair(tmp_path)
    rows = list_slices(pd.DataFrame([row])).iloc[[4, 1]]
    labels = restack(rows, predicted(rows, SHAPE[1::-1]), row["image"])
    truth = np.asarray(nibabel.load(row["mask"]).dataobj)
    np.testing.assert_array_equal(labels[..., [1, 4]], truth[..., [1, 4]])
    assert labels.dtype == np.uint8 and not labels[..., [0, 2, 3, 5]].any()


def test_a_smaller_network_gives_nearest_labels_back(tmp_path):
    row = make_pair(tmp_path, shape=(20, 20, 2))
    labels = np.zeros((20, 20, 2), np.uint8)
    labels[:10], labels[10:, 10:] = 1, 2
    write_volume(row["mask"], labels, RAS)
    rows = list_slices(pd.DataFrame([row]))
    back = restack(rows, predicted(rows, (10, 10)), row["image"])
    np.testing.assert_array_equal(back, labels)  # edges lie on whole pixels at half the size


def test_what_is_not_one_stack_is_refused(tmp_path):
    volumes = [make_pair(tmp_path, "one"), make_pair(tmp_path, "two", shape=(8, 10, 5))]
    table = list_slices(pd.DataFrame(volumes))
    one, path = table[table["exam_id"] == "one"], volumes[0]["image"]
    pictures = np.zeros((6, 16, 16), np.uint8)
    with pytest.raises(ValueError, match=r"2 exams \(one, two\).*one exam at a time"):
        restack(table, np.zeros((11, 16, 16), np.uint8), path)
    with pytest.raises(ValueError, match=r"6 rows, the pictures have shape \(5, 16, 16\)"):
        restack(one, pictures[:5], path)
    with pytest.raises(ValueError, match=r"shape \(6, 16, 16, 3\).*label map"):
        restack(one, np.zeros((6, 16, 16, 3), np.uint8), path)
    with pytest.raises(ValueError, match="float64, labels are integers.*argmax"):
        restack(one, pictures.astype(float), path)
    with pytest.raises(ValueError, match="slice of one is there twice"):
        restack(one.iloc[[0, 0]], pictures[:2], path)
    with pytest.raises(ValueError, match="6 slices across axis 2, .*two.nii has 5"):
        restack(one, pictures, volumes[1]["image"])


def test_the_placement_is_that_of_every_other_image(tmp_path):
    row = list_slices(pd.DataFrame([make_pair(tmp_path)])).iloc[2]
    own = read_slice_labels(row, slice_shape(row))
    expected = place_mask(own, fit_placement(own.shape, (20, 30)))
    np.testing.assert_array_equal(read_slice_labels(row, (20, 30, 1)), expected)
