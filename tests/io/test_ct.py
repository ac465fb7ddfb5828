"""CT slices: Hounsfield units from every way of storing them, refusals, and headers alone."""

import math
import pickle
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_maker import SHAPE, head_hu, write_ct
from pydicom.data import get_testdata_file
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from scipy import ndimage

from radiokit.io import UnreadableFileError
from radiokit.io.ct import AIR_HU, CT_HEADER_COLUMNS, read_ct_header, read_ct_slice

HEAD = head_hu()
READERS = [read_ct_slice, read_ct_header]


def wrapped(hu, bits=12):
    """Signed values of so many bits, taken for unsigned ones: two's complement."""
    return (hu.astype(np.int64) & (2**bits - 1)).astype(np.uint16)


# --- HU, whatever the storage ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "bits", "intercept"),
    [
        ((HEAD + 1024).astype(np.uint16), 12, -1024),
        ((HEAD + 1000).astype(np.uint16), 12, -1000),
        ((HEAD + 1024).astype(np.uint16), 16, -1024),
        ((HEAD + 1024).astype(np.int16), 16, -1024),
        (HEAD.astype(np.int16), 16, 0),
        (HEAD.astype(np.int16), 12, 0),
        ((HEAD + 8192).astype(np.uint16), 16, -8192),
    ],
)
def test_hounsfield_units_do_not_depend_on_how_they_are_stored(tmp_path, stored, bits, intercept):
    path = write_ct(tmp_path / "a.dcm", stored, bits, RescaleIntercept=intercept)
    image = read_ct_slice(path)
    np.testing.assert_array_equal(image.hu, HEAD)
    assert image.hu.dtype == np.float32
    assert image.notes == ()


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRBigEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRLittleEndian,
    ],
)
def test_every_uncompressed_syntax_gives_slice_and_header(tmp_path, syntax):
    path = write_ct(tmp_path / "a.dcm", syntax=syntax)
    np.testing.assert_array_equal(read_ct_slice(path).hu, HEAD)
    assert read_ct_header(path)["transfer_syntax"] == syntax.name


def test_compressed_slices_give_slice_and_header(tmp_path):
    dataset = pydicom.dcmread(write_ct(tmp_path / "a.dcm"))
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "b.dcm")
    np.testing.assert_array_equal(read_ct_slice(tmp_path / "b.dcm").hu, HEAD)
    assert read_ct_header(tmp_path / "b.dcm")["transfer_syntax"] == "RLE Lossless"


def test_a_slope_other_than_one_is_applied(tmp_path):
    stored = (HEAD // 2 + 600).astype(np.uint16)
    path = write_ct(tmp_path / "a.dcm", stored, RescaleSlope=2, RescaleIntercept=-1200)
    np.testing.assert_array_equal(read_ct_slice(path).hu, 2 * (HEAD // 2))


# --- the trap of values that wrapped --------------------------------------------------------------


def published_repair(stored):
    """The repair published for the RSNA set: add 1000, subtract 4096 where it is reached."""
    shifted = stored.astype(np.int64) + 1000
    return np.where(shifted >= 4096, shifted - 4096, shifted) - 1000


def test_values_that_wrapped_around_are_repaired_as_published(tmp_path):
    stored = wrapped(HEAD)
    assert stored[0, 0] == 3096  # air, as in the files of the set
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", stored, 12))
    np.testing.assert_array_equal(image.hu, published_repair(stored))
    np.testing.assert_array_equal(image.hu, HEAD)
    assert "wrapped around 4096" in image.notes[0]


def test_the_whole_range_of_a_scanner_survives_the_repair(tmp_path):
    hu = head_hu(air=-1024)
    hu[4:6, 6:10] = 3071  # metal, at the top of the twelve bits
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", wrapped(hu), 12))
    np.testing.assert_array_equal(image.hu, hu)


@pytest.mark.parametrize("declared", [True, False])
def test_padding_that_wrapped_is_still_padding(tmp_path, declared):
    hu = HEAD.copy()
    is_outside = np.zeros(SHAPE, bool)
    is_outside[[0, 0, -1, -1, 0, 1], [0, -1, 0, -1, 1, 0]] = True
    hu[is_outside] = -2000
    path = write_ct(tmp_path / "a.dcm", wrapped(hu), 12)
    if declared:
        dataset = pydicom.dcmread(path)
        dataset.add_new("PixelPaddingValue", "SS", -2000)
        dataset.save_as(path)
    image = read_ct_slice(path)
    np.testing.assert_array_equal(image.is_padding, is_outside)
    np.testing.assert_array_equal(image.hu, np.where(is_outside, AIR_HU, HEAD))


def test_signed_values_declared_unsigned_wrap_at_sixteen_bits_too(tmp_path):
    hu = HEAD.copy()
    hu[0] = -2000
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", wrapped(hu, 16), 16))
    np.testing.assert_array_equal(image.hu, np.maximum(hu, -1024))
    assert "wrapped around 65536" in image.notes[0]


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("intercept", [-1024, -1000, 0])
def test_a_correct_file_is_never_repaired(tmp_path, bits, intercept):
    hu = np.maximum(head_hu(), intercept)  # unsigned without intercept: air was cut off at 0
    hu[5, 5:12] = 3071  # metal: where the air of a wrapped slice would be
    hu[6, 5:12] = 2500
    stored = (hu - intercept).astype(np.uint16)
    path = write_ct(tmp_path / "a.dcm", stored, bits, RescaleIntercept=intercept)
    image = read_ct_slice(path)
    np.testing.assert_array_equal(image.hu, hu)
    assert ("There is no air" in " ".join(image.notes)) == (intercept == 0)


def test_a_crop_of_tissue_alone_is_not_repaired_and_noted(tmp_path):
    stored = np.full(SHAPE, 35, np.uint16)
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", stored, 12))
    assert set(image.hu.ravel()) == {35}
    assert "RescaleIntercept" in image.notes[0]


# --- padding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [-2000, -1500, -3024])
@pytest.mark.parametrize("declared", [True, False])
def test_what_lies_outside_the_field_becomes_air(tmp_path, padding, declared):
    stored = HEAD.astype(np.int16)
    stored[:2] = padding
    header = {"PixelPaddingValue": padding} if declared else {}
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", stored, **header))
    expected = HEAD.copy()
    expected[:2] = -1024
    np.testing.assert_array_equal(image.hu, expected)
    if declared:
        np.testing.assert_array_equal(image.is_padding, stored == padding)
    else:
        assert image.is_padding is None


def test_a_range_of_padding_is_left_out(tmp_path):
    stored = HEAD.astype(np.int16)
    stored[0], stored[1] = -2000, -1990
    header = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990}
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", stored, **header))
    np.testing.assert_array_equal(image.is_padding, stored <= -1990)
    assert image.hu.min() == -1024


def test_padding_of_an_unsigned_file_is_that_of_its_stored_values(tmp_path):
    stored = (HEAD + 1024).astype(np.uint16)
    stored[0] = 0
    path = write_ct(tmp_path / "a.dcm", stored, 12, RescaleIntercept=-1024, PixelPaddingValue=0)
    image = read_ct_slice(path)
    np.testing.assert_array_equal(image.is_padding, stored == 0)
    np.testing.assert_array_equal(image.hu[1:], HEAD[1:])


def test_a_padding_value_of_tissue_makes_no_holes_in_the_patient(tmp_path):
    stored = HEAD.astype(np.int16)
    stored[:2] = 30  # around the slice it is padding, in the brain it is brain
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", stored, PixelPaddingValue=30))
    assert (image.hu[:2] == -1024).all()
    np.testing.assert_array_equal(image.hu[2:], HEAD[2:])
    assert "joins a corner" in image.notes[0]


# --- what the header says -------------------------------------------------------------------------


def test_the_slice_tells_its_place_and_names(tmp_path):
    path = write_ct(
        tmp_path / "a.dcm",
        GantryDetectorTilt=-12.5,
        WindowCenter=[40, 600],
        WindowWidth=[80, 2800],
        InstanceNumber=7,
    )
    image = read_ct_slice(path)
    assert image.spacing_mm == (0.5, 0.4)
    assert image.position_mm == (-125, -125, 0)
    assert image.orientation == (1, 0, 0, 0, 1, 0)
    assert (image.thickness_mm, image.gantry_tilt_degrees) == (5, -12.5)
    assert (image.window_centers, image.window_widths) == ((40, 600), (80, 2800))
    assert (image.patient_id, image.study_uid, image.series_uid) == (
        "ID_0a1b2c",
        "1.2.3",
        "1.2.3.4",
    )
    assert image.instance_number == 7


def test_what_the_header_does_not_say_is_none(tmp_path):
    names = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")
    gone = dict.fromkeys((*names, "InstanceNumber", "ImageType"))
    image = read_ct_slice(write_ct(tmp_path / "a.dcm", **gone))
    assert image.position_mm is image.orientation is image.spacing_mm is None
    assert image.thickness_mm is image.gantry_tilt_degrees is image.instance_number is None
    assert image.window_centers == image.window_widths == ()
    row = read_ct_header(tmp_path / "a.dcm")
    assert math.isnan(row["position_x_mm"]) and math.isnan(row["window_center"])
    assert row["orientation"] == row["image_type"] == ""


def test_the_header_alone_says_what_the_slice_says(tmp_path):
    path = write_ct(
        tmp_path / "a.dcm",
        WindowCenter=[40, 600],
        WindowWidth=[80, 2800],
        GantryDetectorTilt=18.5,
        KVP=120,
        Manufacturer="ACME",
        PatientName="Doe^Jane",
        PatientBirthDate="19700101",
        StudyDate="20200101",
        InstitutionName="Somewhere",
    )
    row, image = read_ct_header(path), read_ct_slice(path)
    assert tuple(row) == CT_HEADER_COLUMNS
    assert row == {
        "image": str(path),
        "sop_uid": image.sop_uid,
        "patient_id": image.patient_id,
        "exam_id": image.study_uid,
        "series_id": image.series_uid,
        "modality": "CT",
        "instance_number": 1,
        "position_x_mm": -125,
        "position_y_mm": -125,
        "position_z_mm": 0,
        "orientation": "1\\0\\0\\0\\1\\0",
        "spacing_row_mm": 0.5,
        "spacing_column_mm": 0.4,
        "thickness_mm": 5,
        "gantry_tilt_degrees": 18.5,
        "window_center": 40,
        "window_width": 80,
        "slope": 1,
        "intercept": 0,
        "rows": SHAPE[0],
        "columns": SHAPE[1],
        "image_type": "ORIGINAL\\PRIMARY\\AXIAL",
        "transfer_syntax": "Explicit VR Little Endian",
        "kvp": 120,
        "manufacturer": "ACME",
    }
    told = " ".join(map(str, row.values()))
    assert not any(word in told for word in ("Jane", "1970", "2020", "Somewhere"))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_broken_number_of_the_header_is_missing_not_fatal(tmp_path):
    path = write_ct(tmp_path / "a.dcm", SliceThickness=None)
    dataset = pydicom.dcmread(path)
    dataset.add_new("SliceThickness", "LO", "thin")
    dataset.save_as(path)
    assert math.isnan(read_ct_header(path)["thickness_mm"])
    assert read_ct_slice(path).thickness_mm is None


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"Modality": "MR"}, "modality is MR, CT is needed"),
        ({"Modality": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "names no modality"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "it is a scout"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen capture"),
        ({"RescaleSlope": None}, "RescaleSlope is missing, so that .* cannot be brought to HU"),
        ({"RescaleIntercept": None}, "RescaleIntercept is missing"),
        ({"RescaleIntercept": ""}, "RescaleIntercept is missing"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0"),
        ({"RescaleType": "Z_EFF"}, "values are in Z_EFF, HU are needed"),
        ({"SOPClassUID": EnhancedCTImageStorage}, "several slices"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "screen capture"),
        (
            {"SOPClassUID": SecondaryCaptureImageStorage, "RescaleSlope": None},
            "screen capture",
        ),
    ],
)
def test_what_is_no_slice_in_hu_is_refused_with_the_reason(tmp_path, reader, header, message):
    path = write_ct(tmp_path / "a.dcm", **header)
    with pytest.raises(UnreadableFileError, match=message):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_a_slice_that_a_converter_called_secondary_is_read(tmp_path, reader):
    kind = {"SOPClassUID": SecondaryCaptureImageStorage, "ImageType": ["DERIVED", "SECONDARY"]}
    reader(write_ct(tmp_path / "a.dcm", **kind))


@pytest.mark.parametrize("reader", READERS)
def test_a_modality_may_be_told_by_the_class_alone(tmp_path, reader):
    reader(write_ct(tmp_path / "a.dcm", Modality=None, SOPClassUID=CTImageStorage))


@pytest.mark.parametrize("reader", READERS)
def test_a_file_without_pixels_is_refused(tmp_path, reader):
    with pytest.raises(UnreadableFileError, match="no pixel data"):
        reader(write_ct(tmp_path / "a.dcm", PixelData=None))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_that_was_cut_short_is_refused(tmp_path, reader, syntax):
    path = write_ct(tmp_path / "a.dcm", syntax=syntax)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(UnreadableFileError, match="cut short: 540 of 640 bytes"):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_no_length_of_a_slice_escapes_as_another_error(tmp_path, reader):
    whole = write_ct(tmp_path / "a.dcm").read_bytes()
    path = tmp_path / "b.dcm"
    for length in range(1, len(whole), 29):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFileError):
            reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_dicom_is_refused(tmp_path, reader):
    (tmp_path / "a.dcm").write_text("hello", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="not a DICOM file"):
        reader(tmp_path / "a.dcm")
    with pytest.raises(FileNotFoundError, match="No file at"):
        reader(tmp_path / "b.dcm")


def test_a_refusal_crosses_processes(tmp_path):
    with pytest.raises(UnreadableFileError) as caught:
        read_ct_header(write_ct(tmp_path / "a.dcm", Modality="MR"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


# --- pydicom's own files --------------------------------------------------------------------------

CT_FILES = ["CT_small.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm", "CT/17106", "CT/2062"]


def pydicom_file(name):
    if "/" in name:
        folder = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests"
        return next(folder.rglob(name.split("/")[1]))
    return get_testdata_file(name, download=False)


@pytest.mark.parametrize("name", CT_FILES)
def test_pydicoms_slices_are_what_pydicom_reads(name):
    image = read_ct_slice(pydicom_file(name))
    dataset = pydicom.dcmread(pydicom_file(name))
    expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_array_equal(image.hu, np.maximum(expected, -1024))
    assert read_ct_header(pydicom_file(name))["sop_uid"] == image.sop_uid


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("name", "message"),
    [("MR_small.dcm", "modality is MR"), ("CT/6293", "scout"), ("rtplan.dcm", "RTPLAN|pixel")],
)
def test_pydicoms_other_files_are_refused(reader, name, message):
    with pytest.raises(UnreadableFileError, match=message):
        reader(pydicom_file(name))


# --- a real head ----------------------------------------------------------------------------------


def test_a_real_head_has_the_units_of_air_brain_and_bone(real_data):
    paths = sorted((real_data / "headct/ge_head_dicom/In").rglob("*.dcm"))
    slices = [read_ct_slice(path) for path in paths]
    assert len(slices) == 28
    air, inside = [], []
    for image in slices:
        assert image.notes == ()
        assert image.hu.min() == -1024 < 1000 < image.hu.max()
        assert 0.2 < image.is_padding.mean() < 0.25  # the corners around a circle: 1 - pi / 4
        air.append(np.median(image.hu[~image.is_padding & (image.hu < -500)]))
        is_bone = image.hu > 300
        is_inside = ndimage.binary_fill_holes(is_bone) & ~is_bone
        inside.append(image.hu[ndimage.binary_erosion(is_inside, iterations=8)])  # off the skull
    assert -1005 < min(air) <= max(air) < -985
    half = max(map(len, inside)) / 2  # where the vault is closed and wide: no base, no vertex
    brain = [np.median(hu) for hu in inside if len(hu) > half]
    assert len(brain) > 10
    assert 20 < min(brain) <= max(brain) < 45
