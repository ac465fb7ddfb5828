"""Head CT: three public sets, masks of haemorrhage, and rows to arrays."""

import itertools
import warnings
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from headct_maker import AFFINE, ICH_HEADER, SHAPE, head, write_ct, write_ich, write_rsna
from PIL import Image

from radiokit.data.headct import (
    LABELS,
    SUBTYPE_COLORS,
    SUBTYPES,
    index_bhsd_slices,
    index_ct_ich,
    index_rsna_ich,
    read_headct_case,
    read_headct_masks,
    read_multitask_case,
    read_subtype_colors,
)
from radiokit.data.splits import audit_split, split_by_patient
from radiokit.io import UnreadableFileError
from radiokit.io.volumes import write_volume

BRAIN = (40, 80)


def window(hu, center, width):
    """DICOM C.11.2.1.2, written out."""
    return np.clip((np.asarray(hu, float) - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


# --- RSNA ---


@pytest.fixture
def rsna(tmp_path):
    write_rsna(tmp_path / "copy")
    return tmp_path / "copy"


def test_a_copy_becomes_a_table_in_anatomical_order(rsna):
    table = index_rsna_ich(rsna)
    assert len(table) == 12 and table["patient_id"].nunique() == 3
    for _, rows in table.groupby("patient_id"):
        assert rows["slice_index"].tolist() == [0, 1, 2, 3]
        assert rows["position_mm"].tolist() == [0, 5, 10, 15]
        assert rows["exam_id"].nunique() == rows["series_id"].nunique() == 1
    assert [Path(path).stem for path in table["image"]] == table["case_id"].tolist()
    assert set(table["spacing_slice_mm"]) == {5} and set(table["spacing_row_mm"]) == {0.5}
    assert set(table["window_center"]) == {40} and set(table["mask"]) == {""}
    assert set(table["dataset"]) == {"rsna_ich"} and not table["is_phantom"].any()
    assert table.attrs["unreadable"] == table.attrs["unmatched"] == []


def test_labels_belong_to_their_slices(rsna):
    table = index_rsna_ich(rsna)
    bleeds = table["patient_id"].isin(["ID_p0", "ID_p2"]) & (table["slice_index"] == 1)
    assert table["subdural"].tolist() == table["any"].tolist() == bleeds.astype(int).tolist()
    assert table[[*SUBTYPES[:4]]].to_numpy().sum() == 0


def test_deeper_folders_stage_1_and_the_test_part_do_not_matter(tmp_path):
    write_rsna(tmp_path / "a/b/rsna-intracranial-hemorrhage-detection")
    write_ct(tmp_path / "a/stage_2_test/ID_000000000.dcm", head())
    (tmp_path / "a/stage_2_sample_submission.csv").write_text("ID,Label\n", encoding="utf-8")
    assert len(index_rsna_ich(tmp_path)) == 12


def test_what_has_no_partner_is_listed_and_warned_of_once(rsna):
    first, second = sorted((rsna / "stage_2_train").iterdir())[:2]
    first.rename(rsna / "stage_2_train/ID_fffffffff.dcm")
    second.unlink()
    with pytest.warns(UserWarning, match="3 labels or files have no partner") as caught:
        table = index_rsna_ich(rsna)
    assert len(caught) == 1 and caught[0].filename == __file__ and len(table) == 10
    assert set(table.attrs["unmatched"]) == {
        f"label {first.stem} has no file",
        f"label {second.stem} has no file",
        "file ID_fffffffff.dcm has no label",
    }


def test_unreadable_files_and_copies_are_listed_with_reasons(rsna):
    paths = sorted((rsna / "stage_2_train").iterdir())
    paths[0].write_bytes(paths[0].read_bytes()[:900])
    write_ct(paths[1], head(), "ID_p9", Modality="MR")
    write_ct(paths[2], head(), "ID_p9", RescaleSlope=None)
    copied = index_rsna_ich_quietly(rsna).iloc[-1]
    paths[3].write_bytes(Path(copied["image"]).read_bytes())
    with pytest.warns(UserWarning, match="4 files are left out"):
        table = index_rsna_ich(rsna)
    reasons = " ".join(table.attrs["unreadable"])
    assert len(table) == 8 and "MR" in reasons and "RescaleSlope" in reasons
    assert "SOPInstanceUID is that of" in reasons


def index_rsna_ich_quietly(root):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return index_rsna_ich(root)


def test_a_sample_draws_whole_patients_by_its_seed(tmp_path):
    write_rsna(tmp_path, num_patients=8, num_slices=2)
    sample = index_rsna_ich(tmp_path, sample=0.25, seed=3)
    assert sample["patient_id"].nunique() == 2 and len(sample) == 4
    again = index_rsna_ich(tmp_path, sample=0.25, seed=3)
    assert again["case_id"].tolist() == sample["case_id"].tolist()
    drawn = {tuple(index_rsna_ich(tmp_path, 0.25, seed)["patient_id"]) for seed in range(6)}
    assert len(drawn) > 1
    assert index_rsna_ich(tmp_path, sample=0.01)["patient_id"].nunique() == 1
    with pytest.raises(ValueError, match="sample is 25; give a share"):
        index_rsna_ich(tmp_path, sample=25)


def test_a_split_of_the_table_is_by_patient(rsna):
    table = split_by_patient(index_rsna_ich(rsna), {"train": 0.5, "test": 0.5}, seed=0)
    assert audit_split(table)["images"].sum() == 12


def test_slices_without_patient_are_grouped_by_exam(rsna):
    for path in (rsna / "stage_2_train").iterdir():
        write_ct(path, head(), path.stem, PatientID="")
    table = index_rsna_ich(rsna)
    assert table["patient_id"].equals(table["exam_id"])
    assert "12 slices without PatientID: grouped by exam" in table.attrs["notes"]


def test_headers_are_kept_in_a_cache_where_asked(rsna, tmp_path):
    table = index_rsna_ich(rsna, cache=tmp_path / "cache")
    assert any((tmp_path / "cache").iterdir())
    pd.testing.assert_frame_equal(index_rsna_ich(rsna, cache=tmp_path / "cache"), table)
    assert {path.name for path in rsna.iterdir()} == {"stage_2_train", "stage_2_train.csv"}


def test_many_headers_are_kept_beside_the_data_unless_it_cannot_be_written(rsna, monkeypatch):
    from radiokit.data import rsna_ich

    monkeypatch.setattr(rsna_ich, "_MANY_SLICES", 3)
    monkeypatch.setattr(rsna_ich.os, "access", lambda path, mode: False)
    index_rsna_ich(rsna)
    assert not (rsna / ".radiokit_headers").exists()
    monkeypatch.undo()
    monkeypatch.setattr(rsna_ich, "_MANY_SLICES", 3)
    index_rsna_ich(rsna)
    assert (rsna / ".radiokit_headers").is_dir() and len(index_rsna_ich(rsna)) == 12


def test_a_copy_without_table_or_slices_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder.(.|\n)*kaggle"):
        index_rsna_ich(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no stage_2_train.csv below .*(.|\n)*kaggle"):
        index_rsna_ich(tmp_path)
    (tmp_path / "stage_2_train.csv").write_text("ID,Label\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="no slices such as stage_2_train/ID_1b8ac55df"):
        index_rsna_ich(tmp_path)


def test_a_table_of_other_slices_is_refused(rsna):
    path = rsna / "stage_2_train.csv"
    text = path.read_text(encoding="utf-8").replace("ID_", "XX_").replace("XX_", "ID_x", 72)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="No slice has a label: .*Put the table beside"):
        index_rsna_ich(rsna)


def test_two_tables_or_two_files_of_one_slice_are_refused(rsna):
    path = next((rsna / "stage_2_train").iterdir())
    copy = rsna / "more/stage_2_train" / path.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=f"Two files claim the slice {path.stem}"):
        index_rsna_ich(rsna)
    copy.unlink()
    (rsna / "more/stage_2_train.csv").write_text("ID,Label\n", encoding="utf-8")
    with pytest.raises(ValueError, match="There are 2 tables of labels"):
        index_rsna_ich(rsna)


# --- reading images ---


def test_a_slice_goes_through_its_windows(rsna):
    row = index_rsna_ich(rsna).iloc[0]
    image, target = read_headct_case(row, SHAPE)
    assert image.shape == (*SHAPE, 3) and image.dtype == target.dtype == np.float32
    hu = _stored_hu(row["image"])
    for channel, pair in enumerate([(40, 80), (80, 200), (600, 2800)]):
        np.testing.assert_allclose(image[..., channel], window(hu, *pair), atol=1e-6)
    assert target.tolist() == [0] * 6


def _stored_hu(path):
    import pydicom

    dataset = pydicom.dcmread(path)
    return dataset.pixel_array.astype(float) * dataset.RescaleSlope + dataset.RescaleIntercept


def test_windows_may_be_pairs_or_those_of_the_header(rsna):
    row = index_rsna_ich(rsna).iloc[0]
    of_header = read_headct_case(row, SHAPE, ["header"])[0]
    np.testing.assert_array_equal(of_header, read_headct_case(row, SHAPE, [(40.0, 80.0)])[0])
    write_ct(row["image"], head(), WindowCenter="", WindowWidth="")
    with pytest.raises(UnreadableFileError, match="its header names no window. Choose a window"):
        read_headct_case(row, SHAPE, ["header"])
    assert read_headct_case(row, SHAPE, ["brain"])[0].shape == (*SHAPE, 1)


def test_the_aspect_is_kept_by_padding(rsna):
    row = index_rsna_ich(rsna).iloc[0]
    image, _ = read_headct_case(row, (32, 64, 3), [(0, 4000)])
    assert image.shape == (32, 64, 1)
    assert image[:, :16].max() == image[:, 48:].max() == 0 < image[:, 16:48].min()


def test_a_picture_has_been_through_its_window(tmp_path):
    grey, colour = np.full(SHAPE, 51, np.uint8), np.zeros((*SHAPE, 3), np.uint8)
    colour[..., 0], colour[..., 1] = 255, 51
    rows = {"any": 1}
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(colour).save(tmp_path / "colour.png")
    row = rows | {"image": str(tmp_path / "grey.png")}
    image, target = read_headct_case(row, SHAPE, labels=["any"])
    assert image.shape == (*SHAPE, 3) and target.tolist() == [1]
    np.testing.assert_allclose(image, 0.2, rtol=1e-6)
    row = rows | {"image": str(tmp_path / "colour.png")}
    image = read_headct_case(row, SHAPE, labels=["any"])[0]
    np.testing.assert_allclose(image[0, 0], [1, 0.2, 0], rtol=1e-6)
    single = read_headct_case(row, SHAPE, ["brain"], ["any"])[0]
    np.testing.assert_allclose(single[0, 0], [0.299 + 0.2 * 0.587], rtol=1e-5)
    with pytest.raises(ValueError, match="coloured picture, which has 3 channels; 2 windows"):
        read_headct_case(row, SHAPE, ["brain", "bone"], ["any"])


def test_an_unknown_label_is_minus_one_and_a_missing_one_an_error(rsna):
    row = index_rsna_ich(rsna).iloc[0].to_dict() | {"any": float("nan"), "epidural": None}
    assert read_headct_case(row, SHAPE)[1].tolist() == [-1, 0, 0, 0, 0, -1]
    with pytest.raises(ValueError, match="The row has no label fracture; it has case_id"):
        read_headct_case(row, SHAPE, labels=["fracture"])


# --- masks ---


def save_map(path, labels):
    Image.fromarray(np.asarray(labels, np.uint8)).save(path)
    return str(path)


def test_a_label_map_becomes_a_channel_a_subtype(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, :6] = [0, 1, 2, 3, 4, 5]
    labels[1, 0] = 255
    masks = read_headct_masks({"mask": save_map(tmp_path / "m.png", labels)}, SHAPE)
    assert masks.shape == (*SHAPE, 5) and masks.dtype == np.float32
    np.testing.assert_array_equal(masks[0, 1:6], np.eye(5))
    np.testing.assert_array_equal(masks[1, 0], [-1] * 5)
    assert masks[2:].max() == masks[2:].min() == 0


def test_masks_follow_their_image_into_the_network(tmp_path):
    labels = np.zeros((16, 32), np.uint8)
    labels[:, 16:] = 3
    masks = read_headct_masks({"mask": save_map(tmp_path / "m.png", labels)}, (32, 32, 3))
    expected = np.zeros((32, 32))
    expected[8:24, 16:] = 1
    np.testing.assert_array_equal(masks[..., 2], expected)


def test_another_label_or_kind_is_refused(tmp_path):
    row = {"mask": save_map(tmp_path / "m.png", np.full(SHAPE, 7))}
    with pytest.raises(UnreadableFileError, match="m.png: it holds the labels 7. Label maps hold"):
        read_headct_masks(row, SHAPE)
    with pytest.raises(ValueError, match="no mask_kind 'colours'. Choose subtypes, colors"):
        read_headct_masks(row | {"mask_kind": "colours"}, SHAPE)


@pytest.mark.parametrize(
    ("positive", "inside"),
    [
        (["subdural"], [0, 0, 0, 0, 1]),
        (["epidural", "subdural"], [-1] * 5),
        ([], [-1] * 5),
    ],
)
def test_one_class_is_that_subtype_only_where_there_is_just_one(tmp_path, positive, inside):
    labels = np.zeros(SHAPE, np.uint8)
    labels[3, 3] = 255
    row = {"mask": save_map(tmp_path / "m.png", labels), "mask_kind": "one_class"}
    masks = read_headct_masks(row | {name: int(name in positive) for name in SUBTYPES}, SHAPE)
    np.testing.assert_array_equal(masks[3, 3], inside)
    masks[3, 3] = 0
    assert not masks.any()


def test_an_unknown_subtype_keeps_one_class_unknown(tmp_path):
    row = {name: float("nan") for name in SUBTYPES} | {"subdural": 1, "mask_kind": "one_class"}
    row["mask"] = save_map(tmp_path / "m.png", np.ones(SHAPE))
    assert (read_headct_masks(row, SHAPE) == -1).all()


def test_without_a_mask_only_what_the_labels_rule_out_is_known():
    row = {name: 0 for name in SUBTYPES} | {"subdural": 1, "epidural": float("nan"), "mask": ""}
    masks = read_headct_masks(row, (4, 4))
    np.testing.assert_array_equal(masks, np.broadcast_to([-1, 0, 0, 0, -1], (4, 4, 5)))


def test_both_answers_come_from_one_row(tmp_path):
    write_rsna(tmp_path, masks=True)
    table = index_rsna_ich(tmp_path)
    row = table[table["subdural"] == 1].iloc[0]
    image, target = read_multitask_case(row, SHAPE, ["brain"])
    assert image.shape == (*SHAPE, 1) and set(target) == {"labels", "masks"}
    assert target["labels"].tolist() == [0, 0, 0, 0, 1, 1]
    assert target["masks"].sum() == target["masks"][12:16, 12:16, 4].sum() == 16


# --- colours ---


def picture_of(labels):
    palette = np.array([(0, 0, 0), *SUBTYPE_COLORS.values()], np.uint8)
    return palette[labels]


def test_pure_colours_are_the_subtypes(tmp_path):
    labels = np.arange(36).reshape(6, 6) % 6
    Image.fromarray(picture_of(labels)).save(tmp_path / "m.png")
    found = read_subtype_colors(tmp_path / "m.png")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, labels)


def blurred_picture(labels, sigma):
    """As a mask that was resized as a picture: mixed colours at the edges, and a little noise."""
    noise = np.random.default_rng(0).normal(0, 3, (*labels.shape, 3))
    blurred = cv2.GaussianBlur(picture_of(labels).astype(np.float32), (0, 0), sigma)
    return np.clip(blurred + noise, 0, 255).astype(np.uint8)


def nearest_anywhere(picture):
    palette = np.array([(0, 0, 0), *SUBTYPE_COLORS.values()], float)
    return np.linalg.norm(picture[:, :, None] - palette, axis=-1).argmin(axis=-1)


@pytest.mark.parametrize("value", range(1, 6))
@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_a_blurred_edge_makes_no_other_subtype(tmp_path, value, sigma):
    labels = np.zeros((64, 64), np.uint8)
    cv2.circle(labels, (30, 34), 14, value, -1)
    Image.fromarray(blurred_picture(labels, sigma)).save(tmp_path / "m.png")
    found = read_subtype_colors(tmp_path / "m.png")
    assert set(np.unique(found)) == {0, value}
    assert (found != labels).mean() < 0.01  # half a pixel of edge: 2 pi 14 / 2 of 4096 is 0.011


def test_two_subtypes_that_touch_leave_no_third_between_them(tmp_path):
    num_fooled = 0
    for one, other in itertools.combinations(range(6), 2):
        labels = np.full((80, 80), one, np.uint8)
        labels[:, 41:] = other  # at half the size, the edge runs through the middle of a pixel
        picture = cv2.resize(blurred_picture(labels, 1), (40, 40), interpolation=cv2.INTER_AREA)
        num_fooled += set(np.unique(nearest_anywhere(picture))) != {one, other}
        Image.fromarray(picture).save(tmp_path / "m.png")
        assert set(np.unique(read_subtype_colors(tmp_path / "m.png"))) == {one, other}
    assert num_fooled > 5  # the nearest colour alone would have gone wrong


def test_a_speck_without_a_pure_pixel_takes_the_nearest_colour(tmp_path):
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[10, 10] = (20, 10, 180)
    Image.fromarray(picture).save(tmp_path / "m.png")
    found = read_subtype_colors(tmp_path / "m.png")
    assert found[10, 10] == 2 and np.count_nonzero(found) == 1


def test_a_grey_mask_has_no_colours_unless_it_is_empty(tmp_path):
    empty = save_map(tmp_path / "empty.png", np.zeros(SHAPE))
    assert not read_subtype_colors(empty).any()
    with pytest.raises(UnreadableFileError, match="it is a grey mask, not one of coloured"):
        read_subtype_colors(save_map(tmp_path / "grey.png", np.ones(SHAPE)))


def test_coloured_slices_become_a_table(tmp_path):
    for name, values in {"120018": [2, 3], "120019": [5], "135014": []}.items():
        labels = np.zeros(SHAPE, np.uint8)
        for place, value in enumerate(values):
            labels[8 * place : 8 * place + 6, :6] = value
        for folder, array in (("images", head()), ("masks", picture_of(labels))):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    table = index_bhsd_slices(tmp_path)
    assert table["patient_id"].tolist() == ["120", "120", "135"]
    assert table["slice_index"].tolist() == [18, 19, 14]
    assert table[list(LABELS)].to_numpy().tolist() == [
        [0, 1, 1, 0, 0, 1],
        [0, 0, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0],
    ]
    masks = read_headct_masks(table.iloc[0], SHAPE)
    assert masks[..., 1].sum() == masks[..., 2].sum() == 36


def test_coloured_slices_of_other_names_are_refused(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(tmp_path / folder / "film.png")
    with pytest.raises(ValueError, match="1 names do not begin with patient and slice.*film"):
        index_bhsd_slices(tmp_path)


# --- CT-ICH ---


def test_volumes_with_their_table_become_slices(tmp_path):
    table = index_ct_ich(write_ich(tmp_path))
    assert table["case_id"].tolist() == [f"{p}_00{n}" for p in ("049", "066") for n in (1, 2, 3)]
    assert table["patient_id"].tolist() == ["049"] * 3 + ["066"] * 3
    assert table["any"].tolist() == table["subdural"].tolist() == [0, 1, 0, 0, 0, 1]
    assert table["intraventricular"].tolist() == [0] * 5 + [1]
    assert set(table["spacing_slice_mm"]) == {5} and set(table["spacing_row_mm"]) == {0.5}
    assert set(table["dataset"]) == {"ct_ich"} and set(table["mask_kind"]) == {"one_class"}
    assert table["fracture"].sum() == 0 and table.attrs["unmatched"] == []


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_slice_numbers_count_along_the_third_stored_axis(tmp_path, flip):
    table = index_ct_ich(write_ich(tmp_path, np.diag([-0.5, -0.5, 5.0 * flip, 1.0])))
    order = [0, 1, 2] if flip > 0 else [2, 1, 0]
    numbers = table["slice_number"].tolist()[:3]
    assert table["slice_index"].tolist()[:3] == [0, 1, 2] and numbers == [i + 1 for i in order]
    for _, row in table.iterrows():  # the corner pixel holds the slice's number in HU
        image, _ = read_headct_case(row, SHAPE, [(2.5, 6)])
        corner = {1: 0.3, 2: 0.5, 3: 0.7}[row["slice_number"]]
        assert np.isclose(image, corner, atol=1e-6).sum() == 1
        assert (read_headct_masks(row, SHAPE) != 0).any() == bool(row["any"])


def test_masks_of_one_class_lie_over_their_slices(tmp_path):
    table = index_ct_ich(write_ich(tmp_path)).set_index("case_id", drop=False)
    single = read_headct_masks(table.loc["049_002"], SHAPE)
    assert single[20:24, 4:8, 4].sum() == single.sum() == 16  # columns are the first stored axis
    assert (read_headct_masks(table.loc["066_003"], SHAPE)[20:24, 4:8] == -1).all()
    assert not read_headct_masks(table.loc["049_001"], SHAPE).any()


def test_the_older_pictures_are_read_too(tmp_path):
    lines = [ICH_HEADER, "49,1,0,0,0,0,0,1,0", "49,2,0,1,0,0,0,0,1"]
    (tmp_path / "hemorrhage_diagnosis.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    mask = np.zeros(SHAPE, np.uint8)
    mask[:16] = 255
    for name, array in (("1", head()), ("2", head()), ("2_HGE_Seg", mask)):
        for folder in ("brain", "bone"):
            path = tmp_path / f"Patients_CT/049/{folder}/{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(path, quality=95)
    table = index_ct_ich(tmp_path)
    assert table["case_id"].tolist() == ["049_001", "049_002"]
    assert table["intraparenchymal"].tolist() == [0, 1] and table["fracture"].tolist() == [0, 1]
    assert table["spacing_row_mm"].isna().all()
    masks = read_headct_masks(table.iloc[1], SHAPE)
    assert masks[:16, :, 1].min() == 1 and masks.sum() == 16 * 32
    assert not read_headct_masks(table.iloc[0], SHAPE).any()
    assert read_headct_case(table.iloc[1], SHAPE)[0].shape == (*SHAPE, 3)


def test_rows_images_and_masks_without_a_partner_are_listed(tmp_path):
    write_ich(tmp_path)
    (tmp_path / "masks/066.nii").unlink()
    table = tmp_path / "hemorrhage_diagnosis_raw_ct.csv"
    text = table.read_text(encoding="utf-8").replace("49,1,", "59,1,")
    table.write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match="3 files have no partner") as caught:
        found = index_ct_ich(tmp_path)
    assert caught[0].filename == __file__ and len(found) == 5
    assert found.attrs["unmatched"] == [
        "row 059 slice 1 has no image",
        "image 049 slice 1 has no row",
        "haemorrhage 066 slice 3 has no mask",
    ]


def test_rows_whose_no_hemorrhage_contradicts_the_five_are_left_out(tmp_path):
    write_ich(tmp_path)
    table = tmp_path / "hemorrhage_diagnosis_raw_ct.csv"
    text = table.read_text(encoding="utf-8").replace("49,1,0,0,0,0,0,1", "49,1,0,0,0,0,0,0")
    table.write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match="No_Hemorrhage contradicts"):
        found = index_ct_ich(tmp_path)
    assert found["case_id"].tolist()[0] == "049_002" and len(found) == 5


def test_equal_rows_are_dropped_and_contradictory_ones_refused(tmp_path):
    write_ich(tmp_path)
    table = tmp_path / "hemorrhage_diagnosis_raw_ct.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text + "49,1,0,0,0,0,0,1,0\n", encoding="utf-8")
    assert len(index_ct_ich(tmp_path)) == 6
    table.write_text(text + "49,1,1,0,0,0,0,0,0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="contradict one another on 1 slices: 049 slice 1"):
        index_ct_ich(tmp_path)


def test_a_table_of_another_set_is_refused(tmp_path):
    write_ich(tmp_path)
    table = tmp_path / "hemorrhage_diagnosis_raw_ct.csv"
    table.write_text("ID,Label\nID_1_any,0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has the columns ID, Label. The table of CT-ICH has"):
        index_ct_ich(tmp_path)
    table.unlink()
    with pytest.raises(FileNotFoundError, match="0 files hemorrhage_diagnosis_raw_ct.csv"):
        index_ct_ich(tmp_path)


def test_a_mask_of_another_shape_is_refused(tmp_path):
    write_ich(tmp_path)
    write_volume(tmp_path / "masks/049.nii", np.zeros((4, 4, 3), np.uint8), AFFINE)
    with pytest.raises(UnreadableFileError, match=r"its shape is \(4, 4, 3\), its image 049.nii"):
        index_ct_ich(tmp_path)


def test_a_folder_without_images_says_how_to_get_the_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="no images below .*(.|\n)*physionet"):
        index_ct_ich(tmp_path)


# --- real images ---


def test_real_coloured_slices_are_read_to_subtypes(real_data):
    table = index_bhsd_slices(real_data / "headct/bhsd_masks")
    assert len(table) == 36 and table["patient_id"].nunique() == 25 and table["any"].all()
    counts = table[list(SUBTYPES)].sum().to_dict()
    assert counts == {
        "epidural": 5,
        "intraparenchymal": 18,
        "intraventricular": 19,
        "subarachnoid": 14,
        "subdural": 7,
    }
    row = table.set_index("case_id", drop=False).loc["120018"]
    masks = read_headct_masks(row, (512, 512))
    assert masks.sum(axis=(0, 1)).tolist() == [0, 4048, 1302, 0, 0]  # pixels of blue and yellow
