"""DICOM files written here element by element, pydicom's own test files, and its processing."""

import os
import pickle
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from radiokit.io import UnreadableFileError
from radiokit.io.dicom import apply_window, display_pixels, read_dicom
from radiokit.io.rasters import read_label_mask, read_radiograph, read_raster

REAL_DATA = os.environ.get("RADIOKIT_REAL_DATA")
PYDICOM_FILES = Path(pydicom.__file__).parent / "data"
STORED = np.random.default_rng(0).integers(0, 4096, (24, 18), dtype=np.uint16)
SIGNED = (STORED.astype(np.int16) - 2048).astype(np.int16)


def _dataset(stored=STORED, bits=12, syntax=ExplicitVRLittleEndian, **attributes):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.PatientID = "1.2.3", "1.2", "P7"
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[-1]
    if stored.ndim == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored = 8 * stored.dtype.itemsize, bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(stored.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if stored.dtype.itemsize > 1 else "OB"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _compressed(stored, syntax):
    """A data set whose pixels another library than the reader's compressed."""
    dataset = _dataset(stored)
    if syntax == RLELossless:
        dataset.compress(syntax, generate_instance_uid=False)
        return dataset
    unsigned = stored.view(np.uint16)
    encode = {
        JPEG2000Lossless: lambda: imagecodecs.jpeg2k_encode(
            stored, level=0, codecformat="j2k", reversible=True, bitspersample=12
        ),
        HTJ2KLossless: lambda: imagecodecs.htj2k_encode(unsigned),
        JPEGLSLossless: lambda: imagecodecs.jpegls_encode(unsigned),
        JPEGLossless: lambda: imagecodecs.jpeg8_encode(
            unsigned, lossless=True, predictor=6, bitspersample=16
        ),
        JPEGLosslessSV1: lambda: imagecodecs.ljpeg_encode(unsigned, bitspersample=16),
    }[syntax]
    dataset.PixelData = encapsulate([encode()])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _write(folder, dataset, name="a.dcm"):
    path = folder / name
    dataset.save_as(path, enforce_file_format=True)
    return path


def _lut(first, entries, bits, vr="US", signed_first=False):
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed_first else "US", [len(entries), first, bits])
    item.add_new("LUTData", vr, entries if vr == "US" else np.asarray(entries, "<u2").tobytes())
    return item


def _reference_display(path):
    """pydicom's own modality LUT and VOI, brought to 0..1."""
    dataset = pydicom.dcmread(path)
    return apply_modality_lut(dataset.pixel_array, dataset), dataset


# --- pydicom's own files -------------------------------------------------------------------------

# Read on 512×512 and smaller files; each must agree with pydicom's processing of pixel_array.
GREY_FILES = [
    "693_J2KI.dcm",
    "CT_small.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "examples_overlay.dcm",
    "image_dfl.dcm",
    "liver_1frame.dcm",
    "rtdose_1frame.dcm",
    "rtdose_expb_1frame.dcm",
    "rtdose_rle_1frame.dcm",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", GREY_FILES)
def test_pixels_agree_with_pydicom_in_every_transfer_syntax(name):
    path = get_testdata_file(name, download=False)
    expected, dataset = _reference_display(path)
    image = read_dicom(path)
    np.testing.assert_allclose(image.pixels, expected, rtol=1e-6)
    assert image.pixels.dtype == np.float32
    assert image.patient_id == str(dataset.get("PatientID", ""))
    if "PixelSpacing" in dataset:
        assert image.spacing_mm == tuple(dataset.PixelSpacing)


def test_one_image_in_six_transfer_syntaxes_is_one_image():
    names = ["", "_RLE", "_bigendian", "_implicit", "_jp2klossless", "_jpeg_ls_lossless"]
    images = [read_dicom(get_testdata_file(f"MR_small{n}.dcm", download=False)) for n in names]
    for image in images[1:]:
        np.testing.assert_array_equal(image.pixels, images[0].pixels)


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_twelve_bit_jpeg_is_decoded(name):
    image = read_dicom(get_testdata_file(name, download=False))
    # Values pydicom's tests give for this file, read by hand in another viewer.
    assert (image.pixels[420, 140], image.pixels[230, 120]) == (244, 95)


def test_no_file_of_pydicoms_lets_another_error_escape():
    num_read, reasons = 0, []
    for path in sorted(PYDICOM_FILES.rglob("*")):
        if not path.is_file() or path.suffix == ".py":
            continue
        try:
            display = display_pixels(read_dicom(path))
        except UnreadableFileError as error:
            reasons.append(error.reason)
            assert error.remedy.endswith((".", "NEW_FILE"))
        else:
            num_read += 1
            assert display.dtype == np.float32 and 0 <= display.min() <= display.max() <= 1
    assert num_read >= 60
    for part in ("colour", "frames", "no pixel data", "broken", "Rows", "not a DICOM"):
        assert any(part in reason for reason in reasons), part


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("MR_truncated.dcm", r"8130 vs 8192 bytes.*Copy or download it again"),
        ("SC_rgb_rle.dcm", "colour image, not a radiograph"),
        ("examples_palette.dcm", "colour image"),
        ("SC_rgb_rle_2frame.dcm", "2 frames, a single image.*one file a frame"),
        ("badVR.dcm", "NumberOfFrames is not a whole number.*'1A'"),
        ("rtplan.dcm", r"no pixel data \(RT Plan Storage\).*Choose an image"),
        ("meta_missing_tsyntax.dcm", "Rows or Columns are missing"),
        ("README.txt", "not a DICOM file"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "JPEG 2000.*cannot be decoded.*gdcmconv"),
    ],
)
def test_each_thing_that_cannot_be_read_says_why_and_what_to_do(name, match):
    with pytest.raises(UnreadableFileError, match=match):
        read_dicom(get_testdata_file(name, download=False))


# --- transfer syntaxes and headers ---------------------------------------------------------------


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
               DeflatedExplicitVRLittleEndian]
)  # fmt: skip
@pytest.mark.parametrize("stored", [STORED, SIGNED])
def test_signed_and_unsigned_values_survive_every_native_syntax(tmp_path, syntax, stored):
    dataset = _dataset(stored, syntax=syntax)
    pydicom.dcmwrite(tmp_path / "a.dcm", dataset)
    np.testing.assert_array_equal(read_dicom(tmp_path / "a.dcm").pixels, stored)


@pytest.mark.parametrize(
    ("syntax", "stored"),
    [(RLELossless, STORED), (RLELossless, SIGNED), (JPEGLSLossless, STORED),
     (JPEG2000Lossless, STORED), (JPEG2000Lossless, SIGNED), (HTJ2KLossless, STORED),
     (JPEGLossless, STORED), (JPEGLossless, SIGNED), (JPEGLosslessSV1, SIGNED)],
)  # fmt: skip
def test_lossless_compression_changes_nothing(tmp_path, syntax, stored):
    image = read_dicom(_write(tmp_path, _compressed(stored, syntax)))
    np.testing.assert_array_equal(image.pixels, stored)
    assert image.transfer_syntax == syntax.name


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_without_preamble_or_meta_is_read_with_a_note(tmp_path, syntax):
    dataset = _dataset()
    del dataset.file_meta
    is_implicit = syntax == ImplicitVRLittleEndian
    dataset.save_as(
        tmp_path / "a.dcm", implicit_vr=is_implicit, little_endian=True, enforce_file_format=False
    )
    image = read_dicom(tmp_path / "a.dcm")
    np.testing.assert_array_equal(image.pixels, STORED)
    assert any("Transfer syntax missing" in note for note in image.notes)
    assert image.transfer_syntax == syntax.name


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLossless])
@pytest.mark.parametrize("declared", [None, ExplicitVRLittleEndian])
def test_a_missing_or_wrong_syntax_of_compressed_pixels_is_found(tmp_path, syntax, declared):
    path = _write(tmp_path, _compressed(STORED, syntax))
    data = path.read_bytes()
    wrong = (declared or "").ljust(len(syntax), "\0").encode()
    assert data.count(syntax.encode()) == 1 and len(wrong) == len(syntax)
    path.write_bytes(data.replace(syntax.encode(), wrong))
    image = read_dicom(path)
    np.testing.assert_array_equal(image.pixels, STORED)
    assert any("Transfer syntax" in note for note in image.notes)


def test_pixels_decompressed_under_a_header_that_says_compressed_are_read(tmp_path):
    dataset = _dataset()
    path = _write(tmp_path, dataset)
    right, wrong = ExplicitVRLittleEndian, "1.2.840.10008.1.2.5"  # RLE
    assert len(right) == len(wrong)
    path.write_bytes(path.read_bytes().replace(right.encode(), wrong.encode(), 1))
    np.testing.assert_array_equal(read_dicom(path).pixels, STORED)


def test_a_private_syntax_is_refused_by_name(tmp_path):
    path = _write(tmp_path, _dataset())
    data = path.read_bytes().replace(b"1.2.840.10008.1.2.1", b"1.2.840.113619.5.22", 1)
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match="Cannot read"):
        read_dicom(path)


def test_unused_bits_and_a_high_bit_at_the_top_are_handled(tmp_path):
    overlay = (STORED | 0xA000).astype(np.uint16)  # an old overlay in the unused bits
    np.testing.assert_array_equal(read_dicom(_write(tmp_path, _dataset(overlay))).pixels, STORED)
    left = _dataset((STORED << 4).astype(np.uint16), HighBit=15)
    np.testing.assert_array_equal(read_dicom(_write(tmp_path, left)).pixels, STORED)
    signed = _dataset((SIGNED << 4).astype(np.int16), HighBit=15)
    np.testing.assert_array_equal(read_dicom(_write(tmp_path, signed)).pixels, SIGNED)


def test_float_pixels_are_read(tmp_path):
    dataset = _dataset()
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.BitsAllocated = 32
    values = np.random.default_rng(1).normal(size=STORED.shape).astype("<f4")
    values[0, :3] = -1000
    dataset.FloatPixelData = values.tobytes()
    dataset.FloatPixelPaddingValue = -1000.0
    image = read_dicom(_write(tmp_path, dataset))
    np.testing.assert_array_equal(image.pixels, values)
    np.testing.assert_array_equal(image.is_padding, values == -1000)


def test_grey_stored_as_colour_is_reduced_and_colour_refused(tmp_path):
    grey = (STORED // 16).astype(np.uint8)
    image = read_dicom(_write(tmp_path, _dataset(np.dstack([grey] * 3), bits=8)))
    np.testing.assert_array_equal(image.pixels, grey)
    assert any("Grey stored as colour" in note for note in image.notes)
    coloured = np.dstack([grey, grey // 2, grey])
    with pytest.raises(UnreadableFileError, match="colour image.*Export the original grey"):
        read_dicom(_write(tmp_path, _dataset(coloured, bits=8)))


@pytest.mark.parametrize(
    ("attributes", "match"),
    [
        ({"NumberOfFrames": 4}, "4 frames"),
        ({"Rows": 0}, "Rows or Columns"),
        ({"Rows": 60000, "Columns": 60000}, "60000×60000 pixels are more than the limit"),
        ({"Rows": 25}, "pixels are broken"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "RescaleSlope is 0"),
        ({"BitsStored": 17}, "pixels are broken"),
    ],
)
def test_impossible_headers_are_refused(tmp_path, attributes, match):
    path = _write(tmp_path, _dataset(**attributes))
    with pytest.raises(UnreadableFileError, match=match):
        read_dicom(path)


def test_a_rescale_that_is_no_number_is_refused_and_a_window_noted(tmp_path):
    path = _write(tmp_path, _dataset(RescaleSlope=7.0, RescaleIntercept=0))
    path.write_bytes(path.read_bytes().replace(b"7.0 ", b"7,0 "))
    with pytest.raises(UnreadableFileError, match="RescaleSlope is not a number"):
        read_dicom(path)
    path = _write(tmp_path, _dataset(WindowCenter=7.0, WindowWidth=90))
    path.write_bytes(path.read_bytes().replace(b"7.0 ", b"7,0 "))
    image = read_dicom(path)
    assert image.window_centers == () and any("WindowCenter" in note for note in image.notes)


@pytest.mark.parametrize(
    "syntax", [None, RLELossless, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless]
)
def test_a_file_cut_anywhere_is_refused_or_whole(tmp_path, syntax):
    stored = np.sort(STORED, axis=0)
    dataset = _compressed(stored, syntax) if syntax else _dataset(stored)
    path = _write(tmp_path, dataset)
    data, expected = path.read_bytes(), read_dicom(path).pixels
    num_refused = 0
    for length in np.linspace(1, len(data) - 1, 80).astype(int):
        path.write_bytes(data[:length])
        try:
            pixels = read_dicom(path).pixels
        except UnreadableFileError:
            num_refused += 1
        else:
            np.testing.assert_array_equal(pixels, expected)
    assert num_refused >= 70


# --- modality LUT, padding, spacing, unit --------------------------------------------------------


def test_rescale_gives_hounsfield_units_on_ct_only(tmp_path):
    rescale = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    image = read_dicom(_write(tmp_path, _dataset(Modality="CT", **rescale)))
    np.testing.assert_array_equal(image.pixels, STORED * 2.0 - 1024)
    assert image.unit == "HU"
    assert read_dicom(_write(tmp_path, _dataset(Modality="CT"))).unit == "unspecified"
    assert read_dicom(_write(tmp_path, _dataset(**rescale))).unit == "unspecified"
    for name, unit in [("US", "unspecified"), ("OD", "OD"), ("HU", "HU"), ("MGML", "MGML")]:
        image = read_dicom(_write(tmp_path, _dataset(RescaleType=name, **rescale)))
        assert image.unit == unit
    scout = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "Modality": "CT"}
    assert read_dicom(_write(tmp_path, _dataset(**scout, **rescale))).unit == "unspecified"


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("first", [0, 1000])
def test_a_modality_lut_agrees_with_pydicom(tmp_path, vr, first):
    entries = [int(5 * index) for index in range(3000)]
    item = _lut(first, entries, 16, vr)
    item.ModalityLUTType = "OD"
    path = _write(tmp_path, _dataset(ModalityLUTSequence=[item]))
    expected, _ = _reference_display(path)
    image = read_dicom(path)
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.unit == "OD"
    assert image.pixels.min() == 0 and image.pixels.max() == 5 * 2999  # clamped at both ends


def test_a_signed_first_value_is_understood_in_either_writing(tmp_path):
    entries = list(range(4096))
    right = _dataset(SIGNED, ModalityLUTSequence=[_lut(-2048, entries, 16, signed_first=True)])
    expected, _ = _reference_display(_write(tmp_path, right, "right.dcm"))
    np.testing.assert_array_equal(expected, SIGNED.astype(int) + 2048)
    wrong = _dataset(SIGNED, ModalityLUTSequence=[_lut(65536 - 2048, entries, 16)])
    for dataset in (right, wrong):
        pixels = read_dicom(_write(tmp_path, dataset)).pixels
        np.testing.assert_array_equal(pixels, expected)


def test_padding_is_found_on_stored_values_before_the_rescale(tmp_path):
    stored = SIGNED.copy()
    stored[:4], stored[4:6] = -2000, 100  # 100 * 2 - 2200 is -2000 after the rescale
    path = _write(
        tmp_path,
        _dataset(stored, PixelPaddingValue=-2000, RescaleSlope=2, RescaleIntercept=-2200),
    )
    image = read_dicom(path)
    np.testing.assert_array_equal(image.is_padding, stored == -2000)
    assert (image.pixels[4:6] == -2000).all() and not image.is_padding[4:6].any()
    assert (display_pixels(image)[image.is_padding] == 0).all()


def test_a_padding_range_is_inclusive_in_either_order(tmp_path):
    for first, last in [(10, 900), (900, 10)]:
        dataset = _dataset(PixelPaddingValue=first, PixelPaddingRangeLimit=last)
        image = read_dicom(_write(tmp_path, dataset))
        np.testing.assert_array_equal(image.is_padding, (STORED >= 10) & (STORED <= 900))


def test_padding_written_unsigned_or_beyond_the_stored_bits_is_found(tmp_path):
    stored = SIGNED.copy()
    stored[:3] = -2000
    dataset = _dataset(stored)
    dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)
    image = read_dicom(_write(tmp_path, dataset))
    np.testing.assert_array_equal(image.is_padding, stored == -2000)
    stored = STORED.copy()
    stored[:3], stored[3] = 63536, 63536 & 0xFFF  # the same once the unused bits are cleared
    image = read_dicom(_write(tmp_path, _dataset(stored, PixelPaddingValue=63536)))
    np.testing.assert_array_equal(image.is_padding, stored == 63536)


def test_padding_stays_black_in_monochrome1_and_out_of_the_full_range(tmp_path):
    stored = STORED.copy()
    stored[:3] = 0
    stored[3:] = np.clip(stored[3:], 1000, 3000)
    stored[3, :2] = 1000, 3000
    dataset = _dataset(stored, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")
    display = display_pixels(read_dicom(_write(tmp_path, dataset)))
    assert (display[:3] == 0).all()
    np.testing.assert_allclose(display[3:], 1 - (stored[3:] - 1000.0) / 2000, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.15, 0.14]}, (0.15, 0.14), "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [1, 1]}, (0.2, 0.3), "PixelSpacing"),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "NominalScannedPixelSpacing"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [1, 2]}, (1, 2), "ImagerPixelSpacing"),
        ({"PixelSpacing": ""}, None, None),
        ({}, None, None),
    ],
)
def test_spacing_is_row_then_column_and_names_its_source(tmp_path, attributes, spacing, source):
    image = read_dicom(_write(tmp_path, _dataset(**attributes)))
    assert (image.spacing_mm, image.spacing_source) == (spacing, source)


def test_an_enhanced_single_frame_keeps_its_values_in_functional_groups(tmp_path):
    measures, transform, window, shared = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [0.4, 0.5]
    transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 2, -1000, "HU"
    window.WindowCenter, window.WindowWidth = 40, 400
    shared.PixelMeasuresSequence = [measures]
    shared.PixelValueTransformationSequence = [transform]
    shared.FrameVOILUTSequence = [window]
    dataset = _dataset(
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[Dataset()],
        NumberOfFrames=1,
    )
    image = read_dicom(_write(tmp_path, dataset))
    np.testing.assert_array_equal(image.pixels, STORED * 2.0 - 1000)
    assert (image.unit, image.spacing_mm) == ("HU", (0.4, 0.5))
    assert (image.window_centers, image.window_widths) == ((40,), (400,))


def test_identifiers_and_the_header_are_kept_without_the_pixels(tmp_path):
    dataset = _dataset(
        BodyPartExamined="CHEST", ViewPosition="PA", ImageLaterality="U", KVP=120,
        PatientOrientation=["L", "F"], SeriesInstanceUID="1.2.9",
    )  # fmt: skip
    image = read_dicom(_write(tmp_path, dataset))
    assert (image.patient_id, image.study_uid, image.series_uid) == ("P7", "1.2", "1.2.9")
    assert (image.sop_uid, image.modality, image.body_part) == ("1.2.3", "DX", "CHEST")
    assert (image.view_position, image.laterality) == ("PA", "U")
    assert image.patient_orientation == ("L", "F")
    assert image.header.KVP == 120 and "PixelData" not in image.header
    again = pickle.loads(pickle.dumps(image))
    np.testing.assert_array_equal(again.pixels, image.pixels)


# --- VOI LUT, windows, polarity ------------------------------------------------------------------


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("stored", [STORED, SIGNED])
def test_windows_agree_with_pydicom(tmp_path, function, index, stored):
    attributes = {"VOILUTFunction": function} if function else {}
    path = _write(
        tmp_path,
        _dataset(
            stored, WindowCenter=[-100, 700.5, 40], WindowWidth=[900, 1, 401.5],
            RescaleSlope=0.5, RescaleIntercept=-300, **attributes,
        ),
    )  # fmt: skip
    values, dataset = _reference_display(path)
    with np.errstate(over="ignore"):  # pydicom's sigmoid of a narrow window
        shown = apply_windowing(values, dataset, index=index)
    low = (0 if stored is STORED else -2048) * 0.5 - 300
    high = (4095 if stored is STORED else 2047) * 0.5 - 300
    image = read_dicom(path)
    display = display_pixels(image, window_index=index)
    np.testing.assert_allclose(display, (shown - low) / (high - low), atol=2e-6)
    assert display.dtype == np.float32
    assert len(image.window_centers) == 3


@pytest.mark.parametrize(("bits", "vr"), [(8, "US"), (12, "US"), (16, "OW")])
def test_a_voi_lut_agrees_with_pydicom_and_goes_before_windows(tmp_path, bits, vr):
    entries = (np.linspace(0, 1, 2000) ** 2 * (2**bits - 1)).astype(int).tolist()
    path = _write(
        tmp_path,
        _dataset(
            VOILUTSequence=[_lut(800, entries, bits, vr), _lut(0, entries[::-1], bits, vr)],
            WindowCenter=2000, WindowWidth=1000,
        ),
    )  # fmt: skip
    _, dataset = _reference_display(path)
    image = read_dicom(path)
    for index, (first, table) in enumerate([(800, entries), (0, entries[::-1])]):
        shown = np.interp(STORED, first + np.arange(2000), table)  # clamps at both ends
        display = display_pixels(image, window_index=index)
        np.testing.assert_allclose(display, shown / (2**bits - 1), atol=1e-6)
        if bits > 8:  # pydicom's index of a 256+ entry table of 8 bits wraps around
            np.testing.assert_array_equal(apply_voi_lut(STORED, dataset, index=index), shown)
    windowed = apply_windowing(dataset.pixel_array, dataset)
    np.testing.assert_allclose(display_pixels(image, window_index=2), windowed / 4095, atol=1e-6)


def test_a_voi_lut_that_overstates_its_depth_is_not_shown_black(tmp_path):
    dataset = _dataset(VOILUTSequence=[_lut(0, list(range(4096)), 16)])
    display = display_pixels(read_dicom(_write(tmp_path, dataset)))
    np.testing.assert_allclose(display, STORED / 4095, atol=1e-6)


@pytest.mark.parametrize("first", [-2048, 65536 - 2048])
def test_a_voi_lut_over_negative_values_starts_below_zero(tmp_path, first):
    item = _lut(first, list(range(4096)), 12, signed_first=first < 0)
    display = display_pixels(read_dicom(_write(tmp_path, _dataset(SIGNED, VOILUTSequence=[item]))))
    np.testing.assert_allclose(display, (SIGNED.astype(float) + 2048) / 4095, atol=1e-6)


def test_a_lut_shorter_than_it_says_is_refused(tmp_path):
    item = _lut(0, list(range(100)), 12)
    item.LUTDescriptor = [4096, 0, 12]
    path = _write(tmp_path, _dataset(VOILUTSequence=[item]))
    with pytest.raises(UnreadableFileError, match="LUT has 100 entries, its descriptor says 4096"):
        read_dicom(path)


@pytest.mark.parametrize("function", ["LINEAR", "SIGMOID"])
def test_monochrome1_is_inverted_after_the_window(tmp_path, function):
    window = {"WindowCenter": 1200, "WindowWidth": 800, "VOILUTFunction": function}
    plain = display_pixels(read_dicom(_write(tmp_path, _dataset(**window))))
    inverted = _dataset(PhotometricInterpretation="MONOCHROME1", **window)
    image = read_dicom(_write(tmp_path, inverted))
    assert image.is_inverted
    np.testing.assert_array_equal(image.pixels, STORED)  # the inversion is for display only
    np.testing.assert_allclose(display_pixels(image), 1 - plain, atol=1e-7)


def test_without_a_window_the_full_range_is_shown(tmp_path):
    display = display_pixels(read_dicom(_write(tmp_path, _dataset())))
    low, high = float(STORED.min()), float(STORED.max())
    np.testing.assert_allclose(display, (STORED - low) / (high - low), atol=1e-6)
    flat = display_pixels(read_dicom(_write(tmp_path, _dataset(np.full_like(STORED, 7)))))
    assert (flat == 0).all()


def test_unusable_windows_are_noted_not_used(tmp_path):
    dataset = _dataset(WindowCenter=[50, 60, 70], WindowWidth=[0, 300])
    image = read_dicom(_write(tmp_path, dataset))
    assert (image.window_centers, image.window_widths) == ((60,), (300,))
    assert any("3 window centres for 2 widths" in note for note in image.notes)
    assert any("width 0" in note for note in image.notes)
    image = read_dicom(_write(tmp_path, _dataset(WindowCenter=0.5, WindowWidth=0.5)))
    assert image.window_function == "LINEAR_EXACT"
    image = read_dicom(_write(tmp_path, _dataset(VOILUTFunction="CURVED")))
    assert image.window_function == "LINEAR" and any("CURVED" in note for note in image.notes)


def test_a_view_the_file_has_not_is_refused(tmp_path):
    image = read_dicom(_write(tmp_path, _dataset(WindowCenter=[1, 2], WindowWidth=[3, 4])))
    for index in (2, -1):
        with pytest.raises(ValueError, match=r"0 VOI LUTs and 2 windows. Choose 0 to 1"):
            display_pixels(image, window_index=index)


def test_a_window_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="too small for LINEAR"):
        apply_window(STORED, 0, 0.5)
    with pytest.raises(ValueError, match="No window function 'BENT'"):
        apply_window(STORED, 0, 5, "BENT")


# --- radiographs and masks that are DICOM --------------------------------------------------------


def test_a_dicom_radiograph_is_its_display_with_spacing(tmp_path):
    dataset = _dataset(
        PhotometricInterpretation="MONOCHROME1", ImagerPixelSpacing=[0.15, 0.15],
        WindowCenter=2000, WindowWidth=3000,
    )  # fmt: skip
    path = _write(tmp_path, dataset, "film.png")  # content decides, not the name
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, display_pixels(read_dicom(path)))
    assert radiograph.spacing_mm == (0.15, 0.15)
    with pytest.raises(UnreadableFileError, match="it is a DICOM file.*read_radiograph"):
        read_raster(path)


def test_a_dicom_mask_gives_its_stored_labels(tmp_path):
    labels = (STORED % 3).astype(np.uint8)
    mask = read_label_mask(_write(tmp_path, _dataset(labels, bits=8)))
    np.testing.assert_array_equal(mask, labels)
    assert mask.dtype.kind == "i"
    fractions = _dataset(labels, bits=8, RescaleSlope=0.25, RescaleIntercept=0)
    with pytest.raises(UnreadableFileError, match="fractions"):
        read_label_mask(_write(tmp_path, fractions))


def test_jpeg_that_makes_gdcm_end_the_process_is_refused(tmp_path):
    """Runs in this process on purpose: a crash of the decoder would end the whole test run."""
    data = bytearray(Path(get_testdata_file("SC_rgb_jpeg.dcm", download=False)).read_bytes())
    start = data.index(b"\xff\xc4")  # the first Huffman table
    data[start + 5 : start + 21] = b"\xff" * 16
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match="JPEG Baseline.*cannot be decoded"):
        read_dicom(path)


@pytest.mark.skipif(not REAL_DATA, reason="RADIOKIT_REAL_DATA is unset: no real images here")
def test_real_head_ct_is_in_hounsfield_units_with_its_padding():
    paths = sorted((Path(REAL_DATA) / "headct/ge_head_dicom/In").rglob("*.dcm"))
    assert len(paths) == 28
    for path in paths:
        image = read_dicom(path)
        assert image.unit == "HU" and image.spacing_mm == pytest.approx((0.488, 0.488), abs=1e-3)
        np.testing.assert_array_equal(image.is_padding, image.pixels == -1500)
        assert -1100 < image.pixels[~image.is_padding].min() < -900  # air


@pytest.mark.skipif(not REAL_DATA, reason="RADIOKIT_REAL_DATA is unset: no real images here")
def test_real_cardiac_mr_is_read_without_a_warning():
    paths = sorted((Path(REAL_DATA) / "cardiac/sunnybrook/dicoms").rglob("*.dcm"))
    assert len(paths) == 96
    images = [read_dicom(path) for path in paths[::6]]
    assert {image.pixels.shape for image in images} == {(256, 256)}
    assert all(image.modality == "MR" and image.spacing_mm for image in images)
    assert len({image.patient_id for image in images}) == 5
