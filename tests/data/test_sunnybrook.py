"""Sunnybrook Cardiac Data: names joined, outlines checked, phases and positions from headers."""

import csv
import math
import re
import warnings

import numpy as np
import pydicom
import pytest
from dicom_maker import save_dicom
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from radiokit.cards import check_copy, load_card
from radiokit.data.cardiac import (
    index_sunnybrook,
    placed_pixel_mm,
    read_cardiac_case,
    restack_prediction,
)
from radiokit.data.contours import read_contour_mask
from radiokit.io import UnreadableFileError

SHAPE = (24, 32)
SPACING_MM = (1.25, 1.5)
FRAMES = 20
GAP_MM = 8.0
# A tilted plane: rows run towards +x and a little back, the normal is their cross product.
ROW_DIRECTION = (0.8, 0.6, 0.0)
COLUMN_DIRECTION = (0.0, 0.0, -1.0)
NORMAL = np.cross(ROW_DIRECTION, COLUMN_DIRECTION)


def pixels_of(number):
    """An image whose pixels all differ."""
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) + number).astype(np.uint16)


def write_image(path, number, **header):
    """A short-axis slice as published: numbered slice by slice, twenty frames each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid()
    dataset.Modality, dataset.PatientID = "MR", "anonymous"
    dataset.Rows, dataset.Columns = SHAPE
    dataset.PixelSpacing = list(SPACING_MM)
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.InstanceNumber, dataset.CardiacNumberOfImages = number, FRAMES
    dataset.SpacingBetweenSlices, dataset.SliceThickness = 8, 8
    level = (number - 1) // FRAMES
    corner = 10 + level * GAP_MM * NORMAL
    dataset.ImageOrientationPatient = [*ROW_DIRECTION, *COLUMN_DIRECTION]
    dataset.ImagePositionPatient = [float(round(value, 4)) for value in corner]
    dataset.SliceLocation = 5.3 * level  # wrong, as in some published headers
    dataset.PixelData = pixels_of(number).tobytes()
    return save_dicom(dataset, header, ExplicitVRLittleEndian, path)


def write_outline(path, left, top, right, bottom):
    path.parent.mkdir(parents=True, exist_ok=True)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    path.write_text("".join(f"{x:.2f} {y:.2f}\n" for x, y in corners), encoding="utf-8")
    return path


INNER, OUTER = (10, 8, 15.5, 12.5), (7, 5, 18.5, 15.5)  # 6x5 pixels inside 12x11
SYSTOLE, DIASTOLE = 8, 19  # frames from 1 at each level


def write_published(root, patient="SCD0000101", original="SC-HF-I-01", levels=(2, 3)):
    """Images and contours under the names of the release."""
    series = root / f"SCD_IMAGES_01/{patient}/CINESAX_300"
    expert = root / f"SCD_ManualContours/{original}/contours-manual/IRCCI-expert"
    for level in levels:
        for frame in (SYSTOLE, DIASTOLE):
            number = level * FRAMES + frame
            write_image(series / f"IM-0003-{number:04d}.dcm", number)
            write_outline(expert / f"IM-0001-{number:04d}-icontour-manual.txt", *INNER)
        write_outline(expert / f"IM-0001-{number:04d}-ocontour-manual.txt", *OUTER)
        write_outline(expert / f"IM-0001-{number:04d}-p1contour-manual.txt", *INNER)
    return root


def write_list(root, *pairs, header="PatientID,OriginalID,Gender,Age", name="scd_patientdata.csv"):
    lines = [header, *[f"{patient},{original},M,60" for patient, original in pairs]]
    (root / name).write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def copy(tmp_path):
    """Two levels of one patient as published: each at end of systole and of diastole."""
    return write_list(write_published(tmp_path), ("SCD0000101", "SC-HF-I-1"))


# --- the layout ---


def test_the_published_layout_becomes_a_slice_table(copy):
    table = index_sunnybrook(copy)
    assert table["patient_id"].unique().tolist() == ["SCD0000101"]
    assert table["case_id"].tolist() == [
        *("SCD0000101_ED_z000", "SCD0000101_ED_z001", "SCD0000101_ES_z000", "SCD0000101_ES_z001")
    ]
    assert table["num_slices"].unique().tolist() == [2] and table["axis"].unique().tolist() == [2]
    assert table["spacing_row_mm"].unique().tolist() == [1.25]
    assert table["spacing_column_mm"].unique().tolist() == [1.5]
    assert table["mask"].isna().all() and table["dataset"].unique().tolist() == ["sunnybrook"]
    assert not table["has_defect"].any() and not table["is_phantom"].any()
    assert table.attrs == {"defects": [], "unmatched": []}


def test_diastole_is_where_outer_outlines_lie(copy):
    table = index_sunnybrook(copy).set_index("image_number")
    assert table["phase"].to_dict() == {48: "ES", 68: "ES", 59: "ED", 79: "ED"}
    assert table["outer_contour"].notna().to_dict() == {48: False, 68: False, 59: True, 79: True}


def test_a_level_of_diastole_without_outer_outline_is_diastole_still(copy):
    next(copy.rglob("IM-0001-0059-ocontour-manual.txt")).unlink()
    table = index_sunnybrook(copy).set_index("image_number")
    assert table.loc[59, "phase"] == "ED" and table.loc[59, "outer_contour"] is None


@pytest.mark.parametrize("keyword", ["InstanceNumber", "CardiacNumberOfImages"])
def test_without_frame_numbers_the_phase_is_unknown(copy, keyword):
    for path in copy.rglob("*.dcm"):
        write_image(path, int(path.stem[-4:]), **{keyword: None})
    table = index_sunnybrook(copy)
    assert table["phase"].isna().all()
    assert table["case_id"].tolist() == [f"SCD0000101_z{index:03d}" for index in range(4)]


def test_positions_come_from_the_corner_not_from_slice_location(copy):
    table = index_sunnybrook(copy).set_index("image_number")
    base = float(np.dot([10, 10, 10], NORMAL))
    assert table.loc[59, "slice_position_mm"] == pytest.approx(base + 2 * GAP_MM, abs=0.01)
    assert table.loc[79, "slice_position_mm"] == pytest.approx(base + 3 * GAP_MM, abs=0.01)
    assert table["spacing_slice_mm"].unique().tolist() == [GAP_MM]


def test_without_positions_the_header_says_the_gap(copy):
    for path in copy.rglob("*.dcm"):
        write_image(path, int(path.stem[-4:]), ImagePositionPatient=None, SpacingBetweenSlices=10)
    table = index_sunnybrook(copy)
    assert table["slice_position_mm"].isna().all()
    assert table["spacing_slice_mm"].unique().tolist() == [10]
    assert table["image_number"].tolist() == [59, 79, 48, 68]


def test_intensities_are_those_of_all_contoured_slices_of_a_patient(copy):
    table = index_sunnybrook(copy)
    everything = np.concatenate([pixels_of(number).ravel() for number in (48, 59, 68, 79)])
    low, high = np.percentile(everything, [1, 99.5])
    assert table["intensity_low"].unique() == pytest.approx(low)
    assert table["intensity_high"].unique() == pytest.approx(high)


def test_a_copy_by_single_numbers_and_other_folder_names_is_read(tmp_path):
    for number in (8, 19):
        write_image(tmp_path / f"dicoms/SCD0000501/{number}.dcm", number)
        folder = tmp_path / "contourfiles/SC-HF-I-6"
        write_outline(folder / f"i-contours/IM-0001-{number:04d}-icontour-manual.txt", *INNER)
    write_outline(folder / "o-contours/IM-0001-0019-ocontour-manual.txt", *OUTER)
    write_list(tmp_path, ("SCD0000501", "SC-HF-I-6"), header="patient_id,original_id,sex,age")
    table = index_sunnybrook(tmp_path)
    assert table["phase"].tolist() == ["ED", "ES"]
    assert table["patient_id"].unique().tolist() == ["SCD0000501"]


def test_images_under_the_original_names_need_no_list(tmp_path):
    write_published(tmp_path, patient="SC-HF-I-1")
    assert index_sunnybrook(tmp_path)["patient_id"].unique().tolist() == ["SC-HF-I-1"]


def test_the_short_axis_series_with_the_contoured_numbers_is_taken(copy):
    patient = copy / "SCD_IMAGES_01/SCD0000101"
    write_image(patient / "CINELAX_301/IM-0004-0048.dcm", 48)
    write_image(patient / "CINESAX_299/IM-0002-0048.dcm", 48)
    images = index_sunnybrook(copy)["image"].str.replace("\\", "/")
    assert images.str.contains("CINESAX_300/IM-0003").all()


def test_contours_without_image_or_inner_outline_are_listed(copy):
    next(copy.rglob("IM-0003-0048.dcm")).unlink()
    next(copy.rglob("IM-0001-0059-icontour-manual.txt")).unlink()
    with pytest.warns(UserWarning, match="2 files have no partner and are left out: SCD0000101: "):
        table = index_sunnybrook(copy)
    assert table["image_number"].tolist() == [79, 68]
    assert table.attrs["unmatched"] == [
        "SCD0000101: the contour of image 48 has no image",
        "SCD0000101: image 59 has an outer outline without inner one",
    ]


def test_phantoms_are_known_from_their_note(copy):
    (copy / "PHANTOM.toml").write_text("seed = 1\n", encoding="utf-8")
    assert index_sunnybrook(copy)["is_phantom"].all()


# --- misplaced outlines ---


@pytest.fixture
def defective(copy):
    """A second patient whose outer outlines lie far off at one level."""
    write_published(copy, "SCD0000501", "SC-HF-I-06")
    write_list(copy, ("SCD0000101", "SC-HF-I-1"), ("SCD0000501", "SC-HF-I-6"))
    outer = next((copy / "SCD_ManualContours/SC-HF-I-06").rglob("*0059-ocontour-manual.txt"))
    write_outline(outer, 13, 5, 24.5, 15.5)  # of the inner columns 10..15, three lie outside
    return copy


def test_an_inner_outline_that_leaves_the_outer_is_reported(defective):
    with pytest.warns(UserWarning, match="1 pairs of outlines are misplaced: SCD0000501, image 59"):
        table = index_sunnybrook(defective)
    assert table.attrs["defects"] == [
        "SCD0000501, image 59: 50 % of the inner outline's area lies outside the outer outline"
    ]
    assert table[table["has_defect"]]["patient_id"].unique().tolist() == ["SCD0000501"]
    assert table["has_defect"].sum() == 4


@pytest.mark.filterwarnings("ignore:1 pairs of outlines")
def test_a_misplaced_pair_is_not_read_as_truth(defective):
    table = index_sunnybrook(defective).set_index("image_number", drop=False)
    of_patient = table[table["has_defect"]]
    with pytest.raises(
        ValueError, match="outlines of SCD0000501_ED_z000 are misplaced(.|\n)*leave"
    ):
        read_cardiac_case(of_patient.loc[59], SHAPE)
    for number in (48, 68, 79):
        read_cardiac_case(of_patient.loc[number], SHAPE)


# --- reading ---


def box(corners):
    left, top, right, bottom = map(int, corners)
    mask = np.zeros(SHAPE, bool)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def test_a_slice_with_both_outlines_becomes_three_classes(copy):
    table = index_sunnybrook(copy).set_index("image_number", drop=False)
    image, target = read_cardiac_case(table.loc[59], (*SHAPE, 1))
    expected = np.where(box(INNER), 2, np.where(box(OUTER), 1, 0))
    np.testing.assert_array_equal(target.argmax(-1), expected)
    np.testing.assert_array_equal(target.sum(-1), 1)
    low, high = table.loc[59, "intensity_low"], table.loc[59, "intensity_high"]
    scaled = np.clip((pixels_of(59) - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image[..., 0], scaled, atol=1e-6)
    assert image.dtype == target.dtype == np.float32


def test_without_an_outer_outline_the_muscle_is_unknown(copy):
    table = index_sunnybrook(copy).set_index("image_number", drop=False)
    target = read_cardiac_case(table.loc[48], (32, 32))[1]  # 24 rows on 32: 4 of padding each side
    np.testing.assert_array_equal(target[4:28, :, 2], box(INNER))
    assert not target[:4, :, 2].any() and not target[28:, :, 2].any()
    assert (target[..., :2] == -1).all()


TURNED = {
    0: (ROW_DIRECTION, COLUMN_DIRECTION),
    1: (np.negative(COLUMN_DIRECTION), ROW_DIRECTION),
    2: (np.negative(ROW_DIRECTION), np.negative(COLUMN_DIRECTION)),
    3: (COLUMN_DIRECTION, np.negative(ROW_DIRECTION)),
}


def turn_images(copy, turns):
    """Store the images of a copy as a scanner would that was turned; the patient is the same."""
    for path in copy.rglob("*.dcm"):
        number = int(path.stem[-4:])
        stored = np.rot90(pixels_of(number), -turns)
        header = {
            "ImageOrientationPatient": [float(x) for pair in TURNED[turns] for x in pair],
            "PixelData": np.ascontiguousarray(stored).tobytes(),
            "PixelSpacing": list(SPACING_MM[::-1] if turns % 2 else SPACING_MM),
        }
        rows, columns = stored.shape
        write_image(path, number, Rows=rows, Columns=columns, **header)


@pytest.mark.parametrize("turns", range(4))
def test_upright_slices_look_alike_however_they_were_stored(copy, turns):
    plain = index_sunnybrook(copy).set_index("image_number", drop=False).loc[59]
    expected = read_cardiac_case(plain, SHAPE)[0]
    turn_images(copy, turns)
    stored = index_sunnybrook(copy).set_index("image_number", drop=False).loc[59]
    upright = index_sunnybrook(copy, upright=True).set_index("image_number", drop=False).loc[59]
    assert (stored["quarter_turns"], upright["quarter_turns"]) == (0, turns)
    image, target = read_cardiac_case(upright, SHAPE)
    np.testing.assert_allclose(image, expected, atol=1e-6)
    stored_shape = SHAPE[::-1] if turns % 2 else SHAPE
    as_stored = read_cardiac_case(stored, stored_shape)[1]
    np.testing.assert_array_equal(target, np.rot90(as_stored, turns))
    assert placed_pixel_mm(upright, SHAPE) == pytest.approx(SPACING_MM)
    assert placed_pixel_mm(stored, stored_shape) == pytest.approx(
        SPACING_MM[::-1] if turns % 2 else SPACING_MM
    )


def test_patients_stored_in_different_positions_are_named(tmp_path):
    write_published(tmp_path, "SCD0000101", "SC-HF-I-01")
    turn_images(tmp_path, 3)
    write_published(tmp_path, "SCD0000201", "SC-HF-I-02", levels=(2, 3, 4))
    write_list(tmp_path, ("SCD0000101", "SC-HF-I-1"), ("SCD0000201", "SC-HF-I-2"))
    with pytest.warns(UserWarning, match="slices of SCD0000101 are stored turned .* upright=True"):
        index_sunnybrook(tmp_path)
    index_sunnybrook(tmp_path, upright=True)  # says nothing


def test_pixels_have_the_size_of_the_placed_image(copy):
    row = index_sunnybrook(copy).iloc[0]
    assert placed_pixel_mm(row, SHAPE) == pytest.approx(SPACING_MM)
    assert placed_pixel_mm(row, (16, 16)) == pytest.approx((2.5, 3.0))  # 32 columns on 16


def test_predictions_on_single_images_are_no_volume(copy):
    table = index_sunnybrook(copy)
    rows = table[table["phase"] == "ED"]
    with pytest.raises(ValueError, match="SCD0000101_ED are single DICOM files"):
        restack_prediction(rows, np.zeros((2, *SHAPE), int), copy / "p.nii.gz")


# --- what is refused ---


def test_an_empty_folder_is_answered_with_what_should_lie_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="No contour files(.|\n)*IM-0001-0048-icontour-man"):
        index_sunnybrook(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder. Give the folder of a"):
        index_sunnybrook(tmp_path / "nowhere")


def test_contours_without_images_are_answered_with_where_images_lie(copy):
    for path in copy.rglob("*.dcm"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="No DICOM images(.|\n)*CINESAX_300/IM-0003-0048"):
        index_sunnybrook(copy)


def test_names_that_nothing_joins_are_said(copy):
    (copy / "scd_patientdata.csv").unlink()
    message = "images are of SCD0000101 and contours of SC-HF-I-1; nothing joins.*scd_patientdata"
    with pytest.raises(FileNotFoundError, match=message):
        index_sunnybrook(copy)


def test_lists_that_contradict_each_other_are_refused(copy):
    write_list(copy, ("SCD0000202", "SC-HF-I-01"), name="second.csv")
    with pytest.raises(ValueError, match="second.csv joins SC-HF-I-1 to SCD0000202, another list"):
        index_sunnybrook(copy)


def test_a_damaged_list_is_named(copy):
    (copy / "scd_patientdata.csv").write_bytes(b"PatientID,OriginalID\nSCD\xff\xfe,\xff\n")
    with pytest.raises(UnreadableFileError, match="scd_patientdata.csv: it is no CSV"):
        index_sunnybrook(copy)


def test_two_contours_for_one_image_are_refused(copy):
    write_outline(copy / "old/SC-HF-I-1/IM-0001-0048-icontour-manual.txt", *INNER)
    with pytest.raises(ValueError, match="Two files claim one place: .*0048-icontour"):
        index_sunnybrook(copy)


def test_a_contour_with_letters_is_named(copy):
    next(copy.rglob("*0059-ocontour-manual.txt")).write_text("1 1\n2 2\nx y\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="0059-ocontour-manual.txt: line 3 is 'x y'"):
        index_sunnybrook(copy)


def test_a_contour_of_two_points_is_named(copy):
    next(copy.rglob("*0048-icontour-manual.txt")).write_text("1 1\n2 2\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="0048-icontour-manual.txt: it has 2 points"):
        index_sunnybrook(copy)


def test_a_contour_beyond_its_image_is_named(copy):
    write_outline(next(copy.rglob("*0048-icontour-manual.txt")), 100, 100, 120, 120)
    with pytest.raises(
        UnreadableFileError, match="0048-icontour.*reaches x 120.*only 32x24 pixels"
    ):
        index_sunnybrook(copy)


def test_a_damaged_image_is_named(copy):
    next(copy.rglob("IM-0003-0048.dcm")).write_bytes(b"page not found")
    with pytest.raises(UnreadableFileError, match="IM-0003-0048.dcm: it is not a DICOM file"):
        index_sunnybrook(copy)


def test_constant_images_are_refused(copy):
    for path in copy.rglob("*.dcm"):
        write_image(path, 48, PixelData=np.full(SHAPE, 7, np.uint16).tobytes())
    with pytest.raises(ValueError, match="4 contoured slices of SCD0000101 have one value, 7"):
        index_sunnybrook(copy)


# --- the card ---


def test_a_whole_copy_has_no_problems(tmp_path):
    for number in range(1, 46):
        folder = tmp_path / f"SCD_IMAGES_0{1 + number // 10}/SCD{number:05d}01/CINESAX_300"
        expert = tmp_path / f"SCD_ManualContours/SC-HYP-{number:02d}/contours-manual/IRCCI-expert"
        for path in (
            folder / "IM-0003-0048.dcm",
            expert / "IM-0001-0048-icontour-manual.txt",
            expert / "IM-0001-0048-ocontour-manual.txt",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    card = load_card("sunnybrook")
    assert check_copy(card, tmp_path) == [
        "list of patients: 0 of 1 found (such as scd_patientdata.csv)."
    ]
    write_list(tmp_path)
    assert check_copy(card, tmp_path) == []


# --- real images ---


@pytest.fixture(scope="module")
def real_copy(real_data):
    folder = real_data / "cardiac" / "sunnybrook"
    if not folder.is_dir():
        pytest.skip(f"no Sunnybrook slices in {real_data}")
    return folder


@pytest.fixture(scope="module")
def real_table(real_copy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the defects, tested on their own
        return index_sunnybrook(real_copy)


def test_one_real_patient_is_stored_a_quarter_turn_from_the_others(real_copy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = index_sunnybrook(real_copy, upright=True)
    turns = table.groupby("patient_id")["quarter_turns"].unique().str[0]
    assert turns.to_dict() == {
        **dict.fromkeys(("SCD0000201", "SCD0000301", "SCD0000401", "SCD0000501"), 0),
        "SCD0000101": 3,
    }


def test_on_real_slices_masks_agree_with_those_made_elsewhere(real_copy, real_table):
    with open(real_copy / "index.csv", encoding="utf-8") as file:
        given = {
            (row["patient_id"], int(re.search(r"(\d+)\.dcm", row["image"])[1])): row["mask"]
            for row in csv.DictReader(file)
        }
    assert len(real_table) == len(given) == 96
    scores = []
    for row in real_table.to_dict("records"):
        mask = np.asarray(Image.open(real_copy / given[row["patient_id"], row["image_number"]]))
        inner = read_contour_mask(row["inner_contour"], mask.shape)
        scores.append(dice(inner, mask == 2))
        if row["outer_contour"] is not None:
            outer = read_contour_mask(row["outer_contour"], mask.shape)
            scores.append(dice(outer & ~inner, mask == 1))
    assert len(scores) == 96 + 46 and min(scores) >= 0.99


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_on_real_slices_the_patient_with_misplaced_outlines_is_found(real_copy):
    with pytest.warns(UserWarning, match="pairs of outlines are misplaced"):
        table = index_sunnybrook(real_copy, upright=True)
    assert table[table["has_defect"]]["patient_id"].unique().tolist() == ["SCD0000501"]
    assert len(table.attrs["defects"]) == 9 and table.attrs["unmatched"] == []


def test_on_real_slices_phases_gaps_and_volumes_are_plausible(real_table):
    gaps = real_table.groupby("patient_id")["spacing_slice_mm"].first()
    assert gaps.tolist() == [
        10,
        10,
        8,
        8,
        8,
    ]  # SliceLocation would say 6.72, 6.68, 5.29, 5.76, 5.71
    areas = [
        read_contour_mask(row["inner_contour"], (256, 256)).sum()
        * row["spacing_row_mm"]
        * row["spacing_column_mm"]
        for row in real_table.to_dict("records")
    ]
    ml = real_table.assign(ml=np.array(areas) * real_table["spacing_slice_mm"] / 1000)
    ml = ml.groupby(["patient_id", "phase"])["ml"].sum().unstack()
    ejection_percent = 100 * (1 - ml["ES"] / ml["ED"])
    # heart failure with infarct, as published: ejection fraction below 40 %, ED 245 (SD 86) mL
    assert ejection_percent.between(10, 40).all()
    assert math.isclose(ml["ED"].mean(), 245, abs_tol=86)


def test_every_real_slice_reads(real_table):
    usable = real_table[~real_table["has_defect"]]
    assert len(usable) == 74
    for row in usable.to_dict("records"):
        image, target = read_cardiac_case(row, (64, 64))
        assert 0 <= image.min() < image.max() <= 1
        assert target[..., 2].max() == 1
        assert (target.min() == -1) == (row["outer_contour"] is None)
