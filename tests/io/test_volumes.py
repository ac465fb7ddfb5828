"""NIfTI volumes in every orientation and kind of file, slices as pictures, labels back to files."""

import gzip
import itertools
import tracemalloc

import nibabel
import numpy as np
import pytest
from nibabel.orientations import aff2axcodes
from pydicom.data import get_testdata_file

from radiokit.io import UnreadableFileError
from radiokit.io.volumes import (
    Volume,
    canonical_shape,
    check_same_grid,
    display_slice,
    from_canonical,
    read_canonical_label_slice,
    read_canonical_slice,
    read_label_volume,
    read_volume,
    read_volume_header,
    stored_axes,
    to_canonical,
    undisplay_slice,
    write_label_volume,
    write_volume,
)

SHAPE = (5, 6, 7)  # canonical x, y, z
SPACING_MM = (0.8, 1.1, 3.0)
WHOLE = np.random.default_rng(0).integers(-500, 2000, (4, 5, 6)).astype(np.int16)
LPS = np.array([[-0.8, 0, 0, 30], [0, -1.1, 0, 40], [0, 0, 3, -50], [0, 0, 0, 1.0]])
ORIENTATIONS = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3))
)


def _turn(degrees):
    """A rotation about a slanted axis, by Rodrigues' formula."""
    x, y, z = np.array([1, 2, 3]) / np.sqrt(14)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn


def _stored_affine(order, flips, degrees=0):
    """Affine and shape of a file whose axis a runs along canonical axis order[a], maybe backwards.

    Written from the definition of an affine: the column of an axis is one step along it in mm.
    """
    shape = tuple(SHAPE[axis] for axis in order)
    affine = np.eye(4)
    affine[:3, :3] = 0
    affine[:3, 3] = (-20, 15, 100)
    for column, (axis, flipped) in enumerate(zip(order, flips, strict=True)):
        affine[axis, column] = -SPACING_MM[axis] if flipped else SPACING_MM[axis]
        if flipped:
            affine[axis, 3] += (SHAPE[axis] - 1) * SPACING_MM[axis]
    return _turn(degrees) @ affine, shape


def _world(position, degrees=0):
    """Place in mm of a voxel counted along canonical axes."""
    origin = np.array([-20, 15, 100]) + np.array(position) * SPACING_MM
    return _turn(degrees)[:3, :3] @ origin


def _save(path, array, affine=LPS, kind=nibabel.Nifti1Image):
    """A file by nibabel."""
    nibabel.save(kind(array, affine), path)
    return path


def _set(path, **fields):
    """Fields of an uncompressed NIfTI-1 header replaced, also by what nibabel would not write."""
    content = path.read_bytes()
    header = nibabel.Nifti1Header(content[:348], check=False)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.binaryblock + content[348:])
    return path


# --- orientation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_a_place_in_the_patient_appears_where_radiologists_expect_it(
    tmp_path, order, flips, degrees
):
    affine, shape = _stored_affine(order, flips, degrees)
    array, position = np.zeros(shape, np.int16), (1, 4, 2)
    index = np.linalg.inv(affine) @ [*_world(position, degrees), 1]
    array[tuple(np.rint(index[:3]).astype(int))] = 1000
    path = write_volume(tmp_path / "a.nii", array, affine)
    # Columns from the patient's right or front, rows from the front or head.
    from_end = [side - 1 - place for side, place in zip(SHAPE, position, strict=True)]
    expected = {0: (from_end[2], from_end[1]), 1: (from_end[2], from_end[0])}
    expected[2] = (from_end[1], from_end[0])
    for axis in range(3):
        picture = read_canonical_slice(path, axis, position[axis])
        assert picture.dtype == np.float32 and picture.flags.c_contiguous
        assert np.argwhere(picture).tolist() == [list(expected[axis])]
        np.testing.assert_array_equal(read_canonical_label_slice(path, axis, 0), 0)


def test_a_voxel_on_the_patients_right_lies_on_the_left_of_an_axial_picture(tmp_path):
    array = np.zeros((9, 9, 3), np.int16)
    array[0, 4, 1] = 1  # LPS: the first column of voxels is the rightmost in the patient
    array[4, 0, 1] = 2  # and the first row the foremost
    picture = read_canonical_slice(write_volume(tmp_path / "a.nii", array, LPS), 2, 1)
    assert picture[4, 0] == 1 and picture[0, 4] == 2
    array = array[::-1]  # the same patient stored towards the right
    affine = LPS @ np.array([[-1, 0, 0, 8], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    np.testing.assert_array_equal(
        read_canonical_slice(write_volume(tmp_path / "b.nii", array, affine), 2, 1), picture
    )


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_canonical_axes_are_those_of_nibabel(tmp_path, order, flips, degrees):
    affine, shape = _stored_affine(order, flips, degrees)
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    path = write_volume(tmp_path / "a.nii", array, affine)
    volume = read_volume(path)
    reference = nibabel.as_closest_canonical(nibabel.load(path))
    canonical = to_canonical(volume)
    np.testing.assert_array_equal(canonical.pixels, np.asarray(reference.dataobj))
    np.testing.assert_allclose(canonical.affine, reference.affine, atol=1e-5)
    assert canonical.orientation == "RAS"
    assert volume.orientation == "".join(aff2axcodes(affine))
    assert canonical.spacing_mm == SPACING_MM
    assert volume.spacing_mm == tuple(SPACING_MM[axis] for axis in order)
    assert canonical.shape == canonical_shape(volume) == SHAPE
    assert stored_axes(volume.affine)[0] == tuple(np.argsort(order))


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_labels_taken_apart_and_put_back_are_the_same_voxels_on_the_same_grid(
    tmp_path, order, flips, degrees
):
    affine, shape = _stored_affine(order, flips, degrees)
    labels = np.random.default_rng(1).integers(0, 3, shape).astype(np.uint8)
    path = write_volume(tmp_path / "a.nii.gz", labels, affine)
    volume = read_label_volume(path, allowed=(0, 1, 2))
    canonical = to_canonical(volume).pixels
    for axis in range(3):
        stack = np.zeros_like(canonical)
        for index in range(SHAPE[axis]):
            picture = read_canonical_label_slice(path, axis, index)
            np.testing.assert_array_equal(picture, display_slice(canonical, axis, index))
            np.moveaxis(stack, axis, 0)[index] = undisplay_slice(picture, axis)
        back = write_label_volume(tmp_path / f"{axis}.nii.gz", from_canonical(stack, volume), path)
        first, second = nibabel.load(path), nibabel.load(back)
        np.testing.assert_array_equal(np.asarray(second.dataobj), labels)
        np.testing.assert_array_equal(second.affine, first.affine)


def test_each_world_place_keeps_its_value_in_canonical_axes():
    affine, shape = _stored_affine((2, 0, 1), (True, False, True), 20)
    pixels = np.random.default_rng(2).random(shape).astype(np.float32)
    volume = Volume(pixels, None, "", affine, "".join(aff2axcodes(affine)))
    canonical = to_canonical(volume)
    indices = np.indices(canonical.shape).reshape(3, -1)
    world = canonical.affine @ np.vstack([indices, np.ones(indices.shape[1])])
    stored = np.rint(np.linalg.inv(volume.affine) @ world)[:3].astype(int)
    np.testing.assert_array_equal(volume.pixels[tuple(stored)], canonical.pixels[tuple(indices)])


def test_slices_that_are_not_there_are_refused(tmp_path):
    path = write_volume(tmp_path / "a.nii", WHOLE, LPS)
    with pytest.raises(ValueError, match=r"no slice 6 across axis 2.*\(4, 5, 6\).*Give 0 to 5"):
        read_canonical_slice(path, 2, 6)
    with pytest.raises(ValueError, match="no slice -1"):
        read_canonical_slice(path, 2, -1)
    with pytest.raises(ValueError, match="no axis 3"):
        display_slice(WHOLE, 3, 0)
    with pytest.raises(ValueError, match=r"\(4, 5, 6\) across axis 0 is no slice"):
        undisplay_slice(WHOLE, 0)
    with pytest.raises(ValueError, match=r"shape \(6, 5, 4\).*axes \(4, 5, 6\)"):
        from_canonical(WHOLE.T, read_volume(path))


# --- headers --------------------------------------------------------------------------------------


def test_voxels_spacing_and_affine_come_back_as_written(tmp_path):
    volume = read_volume(_save(tmp_path / "a.nii", WHOLE))
    np.testing.assert_array_equal(volume.pixels, WHOLE)
    np.testing.assert_allclose(volume.affine, LPS, atol=1e-6)
    assert volume.pixels.dtype == np.float32 and volume.pixels.dtype.isnative
    assert (volume.spacing_mm, volume.orientation, volume.unit) == (SPACING_MM, "LPS", "")


def test_the_header_alone_says_what_the_volume_says(tmp_path):
    path = write_volume(tmp_path / "a.nii.gz", WHOLE, LPS)
    volume, header = read_volume(path), read_volume_header(path)
    assert header.shape == volume.shape == (4, 5, 6) and header.dtype == np.int16
    assert header.spacing_mm == volume.spacing_mm and header.notes == volume.notes == ()
    np.testing.assert_array_equal(header.affine, volume.affine)


def test_the_sform_goes_before_the_qform_and_that_before_nothing(tmp_path):
    image = nibabel.Nifti1Image(WHOLE, None)
    ras = np.diag([2.0, 2, 2, 1])
    image.header.set_xyzt_units("mm")
    for sform, qform, expected in ((1, 1, LPS), (0, 1, ras), (0, 0, None)):
        image.header.set_qform(ras, code=qform)
        image.header.set_sform(LPS, code=sform)
        nibabel.save(image, tmp_path / "a.nii")
        volume = read_volume(tmp_path / "a.nii")
        np.testing.assert_allclose(volume.affine, nibabel.load(tmp_path / "a.nii").affine)
        if expected is not None:
            np.testing.assert_allclose(volume.affine, expected, atol=1e-6)
            assert not any("neither" in note for note in volume.notes)
        assert volume.spacing_mm == (SPACING_MM if sform else (2, 2, 2))
    assert any("neither sform nor qform" in note for note in volume.notes)


@pytest.mark.parametrize("qform", [1, 0])
def test_a_sform_that_nobody_set_gives_way_to_the_voxel_size(tmp_path, qform):
    image = nibabel.Nifti1Image(WHOLE, np.diag([-1.3158, -1.3158, 10, 1]))
    image.set_qform(image.affine, code=1)
    nibabel.save(image, tmp_path / "a.nii")
    rows = {"srow_x": [-1, 0, 0, 0], "srow_y": [0, -1, 0, 0], "srow_z": [0, 0, 1, 0]}
    path = _set(tmp_path / "a.nii", **rows, sform_code=1, qform_code=qform)  # ACDC's are such
    volume = read_volume(path)
    assert volume.spacing_mm == pytest.approx((1.3158, 1.3158, 10), rel=1e-4)
    np.testing.assert_allclose(volume.affine, np.diag([-1.3158, -1.3158, 10, 1]), rtol=1e-4)
    assert volume.orientation == "LPS"
    assert any("voxels of length 1, pixdim 1.316 x 1.316 x 10" in note for note in volume.notes)


def test_a_sform_and_a_pixdim_that_disagree_are_noted(tmp_path):
    path = _set(_save(tmp_path / "a.nii", WHOLE), pixdim=[1, 1, 1, 1, 0, 0, 0, 0])
    volume = read_volume(path)
    assert volume.spacing_mm == SPACING_MM
    assert any("0.8 x 1.1 x 3 mm by the sform, which is used" in note for note in volume.notes)


@pytest.mark.parametrize("sides", [[0, 0, 0], [1, 1, 0], [1, np.nan, 1]])
def test_without_a_voxel_size_the_spacing_is_unknown(tmp_path, sides):
    path = _save(tmp_path / "a.nii", WHOLE, affine=None)
    volume = read_volume(_set(path, pixdim=[1, *sides, 0, 0, 0, 0]))
    assert volume.spacing_mm is None and to_canonical(volume).spacing_mm is None
    assert any("voxel size is not given" in note for note in volume.notes)


@pytest.mark.parametrize(("code", "mm"), [(1, 1000), (2, 1), (3, 0.001), (0, 1), (2 + 8, 1)])
def test_lengths_become_millimetres(tmp_path, code, mm):
    affine = np.diag([2, 3, 4, 1.0])
    volume = read_volume(_set(_save(tmp_path / "a.nii", WHOLE, affine), xyzt_units=code))
    np.testing.assert_allclose(volume.spacing_mm, np.array([2, 3, 4]) * mm)
    np.testing.assert_allclose(volume.affine, np.diag([2 * mm, 3 * mm, 4 * mm, 1]))
    expected = {1: "given in m", 3: "given in micron", 0: "taken as mm"}.get(code)
    assert [expected in note for note in volume.notes] == ([True] if expected else [])


def test_the_affines_place_must_make_sense(tmp_path):
    flat = _set(_save(tmp_path / "a.nii", WHOLE), srow_x=[0, 0, 0, 0])
    with pytest.raises(UnreadableFileError, match="affine places no voxels"):
        read_volume(flat)
    broken = _set(_save(tmp_path / "b.nii", WHOLE), srow_x=[np.nan, 0, 0, 0])
    with pytest.raises(UnreadableFileError, match="affine places no voxels.*nan"):
        read_volume_header(broken)


def test_slope_and_intercept_are_applied_to_volumes_and_slices_alike(tmp_path):
    path = _set(_save(tmp_path / "a.nii", WHOLE), scl_slope=0.5, scl_inter=-1024)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.pixels, WHOLE * 0.5 - 1024)
    expected = display_slice(to_canonical(volume).pixels, 1, 2)
    np.testing.assert_array_equal(read_canonical_slice(path, 1, 2), expected)
    _set(path, scl_slope=np.nan, scl_inter=3)  # no valid slope: none
    np.testing.assert_array_equal(read_volume(path).pixels, WHOLE)


def test_a_large_intercept_does_not_cost_digits(tmp_path):
    stored = np.full((2, 2, 2), 100_000_001, np.int32)
    path = _set(_save(tmp_path / "a.nii", stored), scl_slope=1, scl_inter=-1e8)
    assert (read_volume(path).pixels == 1).all()


# --- kinds of files -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII", "A.NII.GZ"])
def test_both_versions_are_read_whatever_the_case_of_the_ending(tmp_path, kind, name):
    path = _save(tmp_path / "x.nii", WHOLE, kind=kind)
    content = path.read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    np.testing.assert_array_equal(read_volume(path).pixels, WHOLE)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
@pytest.mark.parametrize("endings", [(".hdr", ".img"), (".HDR", ".IMG"), (".hdr.gz", ".img.gz")])
def test_either_file_of_a_pair_may_be_given(tmp_path, kind, endings):
    _save(tmp_path / "x.hdr", WHOLE, kind=kind)
    for old, new in zip(("x.hdr", "x.img"), endings, strict=True):
        content = (tmp_path / old).read_bytes()
        (tmp_path / f"a{new}").write_bytes(gzip.compress(content) if "gz" in new else content)
    for ending in endings:
        np.testing.assert_array_equal(read_volume(tmp_path / f"a{ending}").pixels, WHOLE)
        np.testing.assert_array_equal(
            read_canonical_slice(tmp_path / f"a{ending}", 2, 3), WHOLE[:, :, 3].T
        )  # LPS: rows already run front to back, columns right to left


def test_a_pair_of_which_one_file_is_missing_is_named(tmp_path):
    _save(tmp_path / "a.hdr", WHOLE, kind=nibabel.Nifti1Pair)
    (tmp_path / "a.img").rename(tmp_path / "b.img")
    with pytest.raises(UnreadableFileError, match=r"a\.img is not beside it.*Put both"):
        read_volume(tmp_path / "a.hdr")
    with pytest.raises(UnreadableFileError, match=r"b\.hdr is not beside it"):
        read_volume_header(tmp_path / "b.img")


def test_content_decides_about_compression(tmp_path):
    content = _save(tmp_path / "x.nii", WHOLE).read_bytes()
    (tmp_path / "packed.nii").write_bytes(gzip.compress(content))
    (tmp_path / "plain.nii.gz").write_bytes(content)
    for name in ("packed.nii", "plain.nii.gz"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).pixels, WHOLE)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_the_other_byte_order_is_read_and_written_back(tmp_path, kind):
    native = _save(tmp_path / "x.nii", WHOLE, kind=kind)
    header = nibabel.load(native).header.as_byteswapped()
    nibabel.save(kind(WHOLE, LPS, header), tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    np.testing.assert_array_equal(volume.pixels, WHOLE)
    assert read_label_volume(tmp_path / "a.nii").pixels.dtype.isnative
    written = write_label_volume(tmp_path / "b.nii", WHOLE > 0, tmp_path / "a.nii")
    np.testing.assert_array_equal(read_label_volume(written).pixels, WHOLE > 0)
    np.testing.assert_array_equal(read_volume_header(written).affine, volume.affine)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "int64", "f4", "f8"])
def test_every_type_of_real_number_is_read(tmp_path, dtype):
    array = (np.abs(WHOLE) % 100).astype(dtype)
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(array, LPS, dtype=np.dtype(dtype)), path)
    np.testing.assert_array_equal(read_volume(path).pixels, array)
    labels = read_label_volume(path).pixels
    np.testing.assert_array_equal(labels, array)
    assert labels.dtype == (dtype if np.dtype(dtype).kind in "iu" else np.int32)


def test_a_fourth_axis_of_one_is_dropped_and_noted(tmp_path):
    path = _save(tmp_path / "a.nii", WHOLE[..., None])
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.pixels, WHOLE)
    assert any("(4, 5, 6, 1) was taken as (4, 5, 6)" in note for note in volume.notes)


def test_a_film_of_volumes_is_refused_with_the_way_to_take_one_frame(tmp_path):
    path = _save(tmp_path / "a.nii.gz", np.zeros((4, 5, 6, 30), np.int16))
    with pytest.raises(UnreadableFileError, match=r"4-D, of shape \(4, 5, 6, 30\).*slicer\[:, :,"):
        read_volume(path)
    nibabel.save(nibabel.load(path).slicer[:, :, :, 0], tmp_path / "frame0.nii.gz")
    assert read_volume(tmp_path / "frame0.nii.gz").shape == (4, 5, 6)


def test_a_flat_picture_is_no_volume(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"its shape is \(4, 5\).*three axes"):
        read_volume(_save(tmp_path / "a.nii", WHOLE[..., 0]))


def test_colours_and_complex_numbers_are_refused(tmp_path):
    colours = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(UnreadableFileError, match="voxels are colours"):
        read_volume(_save(tmp_path / "a.nii", colours))
    with pytest.raises(UnreadableFileError, match="voxels are complex numbers.*magnitude"):
        read_label_volume(_save(tmp_path / "b.nii", np.zeros((4, 5, 6), np.complex64)))


# --- damaged files --------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [read_volume, read_label_volume])
def test_voxels_that_are_no_numbers_are_counted(tmp_path, read):
    array = WHOLE.astype(np.float32)
    array[0, 0, :2], array[1, 1, 1] = np.nan, np.inf
    path = _save(tmp_path / "a.nii", array)
    with pytest.raises(UnreadableFileError, match="3 of 120 voxels are"):
        read(path)
    assert np.isfinite(read_canonical_slice(path, 2, 5)).all()
    with pytest.raises(UnreadableFileError, match="2 of 20 voxels are not finite"):
        read_canonical_slice(path, 2, 1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_cut_off_is_damaged(tmp_path, name, share):
    noise = np.random.default_rng(3).integers(0, 4000, (20, 20, 20)).astype(np.int16)
    path = write_volume(tmp_path / name, noise, LPS)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnreadableFileError, match="(cut off|damaged).*Copy or download it again"):
        read_volume(path)


def test_a_file_that_ends_within_its_header_is_damaged(tmp_path):
    path = write_volume(tmp_path / "a.nii", WHOLE, LPS)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UnreadableFileError, match="Analyze 7.5 header.*or a damaged one"):
        read_volume(path)


def test_a_cut_off_image_of_a_pair_is_named(tmp_path):
    _save(tmp_path / "a.hdr", WHOLE, kind=nibabel.Nifti1Pair)
    (tmp_path / "a.img").write_bytes(bytes(100))
    with pytest.raises(UnreadableFileError, match=r"a\.img.*100 bytes, where .* need 240"):
        read_volume_header(tmp_path / "a.hdr")


def test_a_compressed_file_of_which_one_bit_turned_is_damaged(tmp_path):
    path = write_volume(tmp_path / "a.nii.gz", WHOLE, LPS)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # the checksum itself: every voxel still unpacks
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="CRC check failed"):
        read_volume(path)


def test_a_header_that_claims_a_vast_volume_takes_no_memory(tmp_path):
    for name in ("a.nii", "a.nii.gz"):
        path = _set(_save(tmp_path / "x.nii", WHOLE), dim=[3, *[32767] * 3, 1, 1, 1, 1])
        content = path.read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(content) if "gz" in name else content)
        with pytest.raises(UnreadableFileError, match=r"cut off.*\(32767, 32767, 32767\) voxels"):
            read_volume(tmp_path / name)


def test_what_is_not_nifti_is_called_by_its_name(tmp_path):
    path = tmp_path / "a.nii"
    for content, name in ((b"<html>", "web page"), (b"\x89PNG\r\n\x1a\n", "unknown kind")):
        path.write_bytes(content + bytes(600))
        with pytest.raises(UnreadableFileError, match=f"{name}.*dcm2niix"):
            read_volume(path)
    with pytest.raises(UnreadableFileError, match="a DICOM file, not NIfTI"):
        read_volume(get_testdata_file("CT_small.dcm"))
    analyze = nibabel.AnalyzeImage(WHOLE, None)
    nibabel.save(analyze, tmp_path / "b.hdr")
    with pytest.raises(UnreadableFileError, match="Analyze 7.5 header, which does not tell left"):
        read_volume(tmp_path / "b.img")


def test_a_missing_an_empty_file_and_a_folder_are_told_apart(tmp_path):
    (tmp_path / "empty.nii").touch()
    (tmp_path / "empty.nii.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(FileNotFoundError, match="No file at"):
        read_volume(tmp_path / "none.nii")
    with pytest.raises(UnreadableFileError, match="it is empty"):
        read_volume(tmp_path / "empty.nii")
    with pytest.raises(UnreadableFileError, match="not NIfTI"):
        read_volume(tmp_path / "empty.nii.gz")
    with pytest.raises(UnreadableFileError, match="it is a folder"):
        read_volume(tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_bytes_are_damaged_only_one_kind_of_error_comes_out(tmp_path, seed):
    random = np.random.default_rng(seed)
    sound = _save(tmp_path / "x.nii", WHOLE).read_bytes()
    path = tmp_path / "a.nii"
    for _ in range(100):
        content = bytearray(sound)
        for place in random.integers(0, 352, 3):
            content[place] = random.integers(256)
        path.write_bytes(content)
        for read in (read_volume, read_label_volume, read_volume_header):
            try:
                read(path)
            except UnreadableFileError as error:
                assert str(path) in str(error)


# --- labels ---------------------------------------------------------------------------------------


def test_labels_stored_as_fractions_count_if_they_are_whole(tmp_path):
    array = (WHOLE % 3).astype(np.float32)
    array[0, 0, 0] = 1.0004
    labels = read_label_volume(_save(tmp_path / "a.nii", array)).pixels
    np.testing.assert_array_equal(labels, np.rint(array))
    assert labels.dtype == np.int32


def test_a_slope_on_labels_is_applied(tmp_path):
    path = _save(tmp_path / "a.nii", (WHOLE % 3 * 127).astype(np.uint8))
    _set(path, scl_slope=1 / 127, scl_inter=0)
    np.testing.assert_array_equal(read_label_volume(path).pixels, WHOLE % 3)
    _set(path, scl_slope=0.5)
    with pytest.raises(UnreadableFileError, match="63.5"):
        read_label_volume(path)


def test_fractions_are_no_labels_and_shown_with_their_count(tmp_path):
    array = np.zeros((4, 5, 6), np.float32)
    array[0, 0, :3] = (0.25, 0.5, 0.5)
    path = _save(tmp_path / "a.nii", array)
    with pytest.raises(UnreadableFileError, match="3 of 120 voxels are no labels.*0.25, 0.5. Give"):
        read_label_volume(path)
    with pytest.raises(UnreadableFileError, match="3 of 20|1 of 20"):
        read_canonical_label_slice(path, 2, 0)
    array[0, 0, :3] = 1e12
    with pytest.raises(UnreadableFileError, match="1e[+]12"):
        read_label_volume(_save(path, array))


def test_labels_that_are_not_allowed_are_listed_with_counts(tmp_path):
    array = np.zeros((4, 5, 6), np.int16)
    array[0, 0, :2], array[1, 0, 0], array[2] = 7, -1, 2
    path = _save(tmp_path / "a.nii", array)
    with pytest.raises(
        UnreadableFileError, match=r"a\.nii.*other than 0, 1, 2: -1 \(1 voxels\), 7 \(2 voxels\)\."
    ):
        read_label_volume(path, allowed=(0, 1, 2))
    assert read_label_volume(path, allowed=range(-1, 8)).pixels.dtype == np.int16


def test_the_same_grid_is_the_same_grid(tmp_path):
    image = read_volume(write_volume(tmp_path / "a.nii", WHOLE, LPS))
    nudged = LPS.copy()
    nudged[0, 3] += 0.05  # a sixteenth of a voxel: rounding of some program
    labels = read_volume_header(write_volume(tmp_path / "b.nii", WHOLE, nudged))
    check_same_grid(image, labels, "a.nii", "b.nii")


def test_other_shapes_and_affines_are_refused_with_both_printed(tmp_path):
    image = read_volume(write_volume(tmp_path / "a.nii", WHOLE, LPS))
    other = read_volume(write_volume(tmp_path / "b.nii", WHOLE[:3], LPS))
    with pytest.raises(ValueError, match=r"b\.nii has \(3, 5, 6\) .* a\.nii has \(4, 5, 6\)"):
        check_same_grid(image, other, "a.nii", "b.nii")
    for change in (np.diag([-1, 1, 1, 1]), np.diag([1, 1, 1.02, 1])):
        moved = read_volume(write_volume(tmp_path / "c.nii", WHOLE, LPS @ change))
        with pytest.raises(ValueError, match="(?s)elsewhere.*mm apart.*image:.*-0.8") as info:
            check_same_grid(image, moved, "a.nii", "c.nii")
        assert str(info.value).count("[[") == 2


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (0, 1), (4, 0), (2, 3), (0, 0)])
@pytest.mark.parametrize("units", [0, 1, 2, 3])
def test_labels_are_written_on_the_very_grid_of_their_image(tmp_path, sform, qform, units):
    fields = {"sform_code": sform, "qform_code": qform, "xyzt_units": units}
    path = _save(tmp_path / "a.nii", WHOLE)
    _set(path, scl_slope=2, scl_inter=1, cal_max=900, **fields)
    labels = (WHOLE % 3).astype(np.int64)
    written = write_label_volume(tmp_path / "deep/b.nii.gz", labels, path)
    first, second = nibabel.load(path), nibabel.load(written)
    np.testing.assert_array_equal(np.asarray(second.dataobj), labels)
    assert second.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(second.affine, first.affine)
    for name in ("srow_x", "srow_y", "srow_z", "pixdim", *fields, "quatern_b", "qoffset_x"):
        np.testing.assert_array_equal(second.header[name], first.header[name], err_msg=name)
    assert second.header["cal_max"] == 0
    assert [path.name for path in written.parent.iterdir()] == ["b.nii.gz"]
    check_same_grid(read_volume_header(path), read_volume_header(written), path, written)


@pytest.mark.parametrize("kind", [nibabel.Nifti2Image, nibabel.Nifti1Pair, nibabel.Nifti2Pair])
def test_labels_of_other_kinds_of_files_are_written_too(tmp_path, kind):
    path = _save(tmp_path / ("a.hdr" if "Pair" in kind.__name__ else "a.nii"), WHOLE, kind=kind)
    written = nibabel.load(write_label_volume(tmp_path / "b.nii", WHOLE > 0, path))
    np.testing.assert_array_equal(np.asarray(written.dataobj), WHOLE > 0)
    np.testing.assert_array_equal(written.affine, nibabel.load(path).affine)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(0, 255, "uint8"), (0, 256, "int16"), (-1, 2, "int16"), (0, 40000, "uint16")],
)
def test_labels_take_the_smallest_type_that_holds_them(tmp_path, low, high, dtype):
    path = write_volume(tmp_path / "a.nii", WHOLE, LPS)
    labels = np.zeros(WHOLE.shape, np.int64)
    labels[0, 0, :2] = low, high
    written = read_label_volume(write_label_volume(tmp_path / "b.nii", labels, path))
    assert written.pixels.dtype == dtype
    np.testing.assert_array_equal(written.pixels, labels)


def test_a_volume_without_voxel_size_keeps_it_unknown_when_written(tmp_path):
    path = _set(_save(tmp_path / "a.nii", WHOLE, None), pixdim=[1, 0, 0, 0, 0, 0, 0, 0])
    written = write_label_volume(tmp_path / "b.nii", WHOLE > 0, path)
    assert read_volume_header(written).spacing_mm is None


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    path = write_volume(tmp_path / "a.nii", WHOLE, LPS)
    with pytest.raises(ValueError, match=r"shape \(6, 5, 4\).*\(4, 5, 6\).*from_canonical"):
        write_label_volume(tmp_path / "b.nii", (WHOLE > 0).T, path)
    with pytest.raises(ValueError, match="float32.*argmax"):
        write_label_volume(tmp_path / "b.nii", WHOLE.astype(np.float32), path)
    with pytest.raises(ValueError, match="does not end in .nii or .nii.gz"):
        write_label_volume(tmp_path / "b.mha", WHOLE > 0, path)
    with pytest.raises(ValueError, match=r"int64 \(4, 5, 6\).*astype"):
        write_volume(tmp_path / "b.nii", WHOLE.astype(np.int64), LPS)
    with pytest.raises(ValueError, match="finite and invertible"):
        write_volume(tmp_path / "b.nii", WHOLE, np.zeros((4, 4)))
    with pytest.raises(ValueError, match="at most 32767 voxels"):
        write_volume(tmp_path / "b.nii", np.zeros((1, 1, 40000), np.uint8), LPS)
    with pytest.raises(OSError, match="Cannot write c.nii into .*a.nii.*Choose a folder"):
        write_volume(path / "c.nii", WHOLE, LPS)
    assert [found.name for found in tmp_path.iterdir()] == ["a.nii"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_volume(tmp_path / "a.nii", WHOLE, LPS)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_volume(path, WHOLE[:2], LPS)
    assert read_volume_header(path).shape == (4, 5, 6) and len(list(tmp_path.iterdir())) == 1


def test_the_same_volume_gives_the_same_bytes(tmp_path):
    first = write_volume(tmp_path / "a.nii.gz", WHOLE, LPS).read_bytes()
    assert write_volume(tmp_path / "b.nii.gz", WHOLE, LPS).read_bytes() == first


def test_written_volumes_are_in_mm_with_both_transforms(tmp_path):
    sheared = LPS.copy()
    sheared[0, 2] = 1
    for affine, qform_code in ((LPS, 1), (_stored_affine((1, 2, 0), (1, 0, 1), 20)[0], 1)):
        header = nibabel.load(write_volume(tmp_path / "a.nii", WHOLE, affine)).header
        assert header.get_xyzt_units()[0] == "mm"
        assert (header["sform_code"], header["qform_code"]) == (1, qform_code)
        np.testing.assert_allclose(header.get_qform(), affine, atol=1e-4)
    header = nibabel.load(write_volume(tmp_path / "a.nii", WHOLE, sheared)).header
    assert (header["sform_code"], header["qform_code"]) == (1, 0)
    np.testing.assert_allclose(header.get_best_affine(), sheared, atol=1e-6)


# --- cost -----------------------------------------------------------------------------------------


def test_one_slice_of_a_large_volume_does_not_take_the_memory_of_all(tmp_path):
    path = write_volume(tmp_path / "a.nii", np.zeros((400, 400, 2), np.int16), LPS)
    _set(path, dim=[3, 400, 400, 200, 1, 1, 1, 1])
    with path.open("ab") as file:
        file.truncate(352 + 400 * 400 * 200 * 2)  # 64 MB
    tracemalloc.start()
    for axis in (1, 2):
        picture = read_canonical_slice(path, axis, 100)
        assert picture.dtype == np.float32
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6
