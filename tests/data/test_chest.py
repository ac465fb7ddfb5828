"""The four chest data sets: layouts as published, copies as they are, clear refusals."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radiokit.data.chest import (
    index_jsrt,
    index_montgomery,
    index_shenzhen,
    index_vindr_ribcxr,
    read_chest_case,
)
from radiokit.data.outlines import RIBS, fill_polygon
from radiokit.io import UnreadableFileError

STRUCTURES = ["heart", "left lung", "right lung", "left clavicle", "right clavicle"]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)
    return path


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def box(shape, rows, columns, value=255):
    array = np.zeros(shape, np.uint8)
    array[slice(*rows), slice(*columns)] = value
    return array


# --- Montgomery ---


@pytest.fixture
def montgomery(tmp_path):
    """Two films of the plate's proportions, at a hundredth of its size."""
    root = tmp_path / "MontgomerySet"
    for name, shape in (("MCUCXR_0001_0", (49, 40)), ("MCUCXR_0104_1", (40, 49))):
        save(root / f"CXR_png/{name}.png", np.full(shape, 128))
        save(root / f"ManualMask/leftMask/{name}.png", box(shape, (10, 20), (25, 35)))
        save(root / f"ManualMask/rightMask/{name}.png", box(shape, (10, 20), (5, 15)))
    reading = "Patient's Sex: F \nPatient's Age: 027Y\nnormal\n"
    write_text(root / "ClinicalReadings/MCUCXR_0001_0.txt", reading)
    return root


def test_montgomery_becomes_a_case_table(montgomery):
    table = index_montgomery(montgomery.parent)
    assert table["case_id"].tolist() == ["MCUCXR_0001_0", "MCUCXR_0104_1"]
    assert table["patient_id"].tolist() == ["MCUCXR_0001", "MCUCXR_0104"]
    assert table["has_tuberculosis"].tolist() == [0, 1]
    assert table["dataset"].unique().tolist() == ["montgomery"]
    assert not table["is_phantom"].any()
    assert table["mask_left_lung"][0].endswith("leftMask/MCUCXR_0001_0.png".replace("/", "/"))


def test_montgomery_readings_give_sex_and_age_where_there(montgomery):
    table = index_montgomery(montgomery)
    assert table["sex"].tolist() == ["F", None]
    assert table["age_years"][0] == 27 and math.isnan(table["age_years"][1])


def test_montgomery_may_be_nested_or_given_without_its_outer_folder(montgomery, tmp_path):
    assert len(index_montgomery(montgomery)) == len(index_montgomery(tmp_path)) == 2
    deep = tmp_path / "x" / "NLM-MontgomeryCXRSet"
    deep.parent.mkdir()
    montgomery.rename(deep)
    assert len(index_montgomery(tmp_path)) == 2


def test_case_of_folders_and_endings_does_not_matter(montgomery):
    (montgomery / "CXR_png").rename(montgomery / "cxr_PNG")
    film = montgomery / "cxr_PNG/MCUCXR_0001_0.png"
    film.rename(film.with_suffix(".PNG"))
    assert len(index_montgomery(montgomery)) == 2


def test_montgomery_spacing_is_published_for_the_plate_and_scaled_for_smaller_copies(montgomery):
    save(montgomery / "CXR_png/MCUCXR_0001_0.png", np.zeros((4892, 4020), np.uint8))
    table = index_montgomery(montgomery)
    assert table["spacing_row_mm"][0] == table["spacing_column_mm"][0] == 0.0875
    # 49 columns over the 4892 of the plate
    assert table["spacing_column_mm"][1] == pytest.approx(0.0875 * 4892 / 49)


def test_montgomery_spacing_is_unknown_where_the_aspect_was_not_kept(montgomery):
    save(montgomery / "CXR_png/MCUCXR_0001_0.png", np.zeros((64, 64)))
    assert math.isnan(index_montgomery(montgomery)["spacing_row_mm"][0])


def test_phantoms_are_known_from_their_note(montgomery, tmp_path):
    write_text(tmp_path / "PHANTOM.toml", "seed = 1\n")
    assert index_montgomery(montgomery)["is_phantom"].all()


def test_hidden_files_of_archives_are_not_films(montgomery):
    save(montgomery / "__MACOSX/CXR_png/MCUCXR_0007_0.png", np.zeros((4, 4)))
    save(montgomery / ".x/CXR_png/MCUCXR_0007_0.png", np.zeros((4, 4)))
    assert len(index_montgomery(montgomery)) == 2


def test_a_film_without_its_mask_is_named(montgomery):
    (montgomery / "ManualMask/leftMask/MCUCXR_0104_1.png").unlink()
    message = "1 of 2 films have no mask_left_lung: MCUCXR_0104_1. Complete the copy"
    with pytest.raises(FileNotFoundError, match=message):
        index_montgomery(montgomery)


def test_two_files_for_one_film_are_refused(montgomery):
    save(montgomery / "copy/CXR_png/MCUCXR_0001_0.png", np.zeros((4, 4)))
    with pytest.raises(ValueError, match="Two files claim MCUCXR_0001_0"):
        index_montgomery(montgomery)


@pytest.mark.parametrize(
    "index, example",
    [
        (index_montgomery, "MontgomerySet/CXR_png/MCUCXR_0001_0.png"),
        (index_shenzhen, "ChinaSet_AllFiles/CXR_png/CHNCXR_0001_0.png"),
        (index_jsrt, "All247images/JPCLN001.IMG"),
        (index_vindr_ribcxr, "Vindr_RibCXR_train_mask.json is not below"),
    ],
)
def test_an_empty_folder_is_answered_with_what_should_lie_there(tmp_path, index, example):
    with pytest.raises(FileNotFoundError, match=example):
        index(tmp_path)


@pytest.mark.parametrize(
    "index", [index_montgomery, index_shenzhen, index_jsrt, index_vindr_ribcxr]
)
def test_a_missing_folder_is_named(tmp_path, index):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder. Give the folder of a"):
        index(tmp_path / "nowhere")


def test_a_film_that_is_no_image_is_named(montgomery):
    (montgomery / "CXR_png/MCUCXR_0001_0.png").write_bytes(b"page not found")
    with pytest.raises(UnreadableFileError, match="MCUCXR_0001_0.png: no image in it"):
        index_montgomery(montgomery)


# --- reading masks ---


def test_a_row_becomes_image_and_masks_of_the_same_geometry(montgomery):
    row = index_montgomery(montgomery).iloc[1]  # 40 x 49 on 49 x 49: 4 rows of padding above
    image, target = read_chest_case(row, (49, 49), ["lungs", "left_lung", "right_lung"])
    assert image.shape == (49, 49, 1) and target.shape == (49, 49, 3)
    assert image.dtype == target.dtype == np.float32
    np.testing.assert_allclose(image[4:44], 128 / 255, rtol=1e-6)
    assert image[:4].max() == image[44:].max() == 0
    expected_left = np.zeros((49, 49))
    expected_left[14:24, 25:35] = 1
    np.testing.assert_array_equal(target[..., 1], expected_left)
    np.testing.assert_array_equal(target[..., 0], target[..., 1:].max(axis=-1))
    assert target[..., 2].sum() == 100


def test_rows_may_be_dictionaries_and_shapes_may_have_channels(montgomery):
    row = index_montgomery(montgomery).to_dict("records")[0]
    image, target = read_chest_case(row, (32, 32, 1), ["lungs"])
    assert image.shape == target.shape == (32, 32, 1)


def test_a_structure_the_set_has_not_is_refused_with_those_it_has(montgomery):
    row = index_montgomery(montgomery).iloc[0]
    with pytest.raises(ValueError, match="montgomery has no heart; it has lungs, left_lung, right"):
        read_chest_case(row, (32, 32), ["heart"])
    with pytest.raises(ValueError, match="has no R1; it has lungs"):
        read_chest_case(row, (32, 32), ["ribs"])


def test_an_unknown_structure_is_answered_with_the_known_ones(montgomery):
    row = index_montgomery(montgomery).iloc[0]
    with pytest.raises(ValueError, match="no structure 'spleen'. Choose among: lungs, left_lung"):
        read_chest_case(row, (32, 32), ["spleen"])


def test_a_mask_of_other_proportions_is_refused(montgomery):
    save(montgomery / "ManualMask/leftMask/MCUCXR_0001_0.png", np.zeros((40, 49)))
    row = index_montgomery(montgomery).iloc[0]
    with pytest.raises(ValueError, match="49x40 pixels wide x high, its image 40x49"):
        read_chest_case(row, (32, 32), ["lungs"])


def test_a_mask_of_another_size_lands_on_the_same_pixels(montgomery):
    row = index_montgomery(montgomery).iloc[0]
    _, before = read_chest_case(row, (49, 49), ["left_lung"])
    big = np.asarray(Image.open(row["mask_left_lung"])).repeat(3, 0).repeat(3, 1)
    save(montgomery / "ManualMask/leftMask/MCUCXR_0001_0.png", big)
    _, after = read_chest_case(row, (49, 49), ["left_lung"])
    np.testing.assert_array_equal(before, after)


# --- Shenzhen ---


@pytest.fixture
def shenzhen(tmp_path):
    for name in ("CHNCXR_0001_0", "CHNCXR_0025_0", "CHNCXR_0327_1"):
        save(tmp_path / f"ChinaSet_AllFiles/CXR_png/{name}.png", np.zeros((30, 29)))
    for name in ("CHNCXR_0001_0", "CHNCXR_0327_1"):
        save(tmp_path / f"mask/mask/{name}_mask.png", box((30, 29), (5, 25), (5, 10)))
    write_text(tmp_path / "ChinaSet_AllFiles/ClinicalReadings/CHNCXR_0001_0.txt", "male 16month\nx")
    write_text(tmp_path / "ChinaSet_AllFiles/ClinicalReadings/CHNCXR_0025_0.txt", "femal 32yrs\n")
    return tmp_path


def test_shenzhen_films_without_mask_stay_in_the_table_and_are_listed(shenzhen):
    table = index_shenzhen(shenzhen)
    assert table["mask_lungs"].notna().tolist() == [True, False, True]
    assert table["mask_lungs"][1] is None
    assert table.attrs["unmatched"] == ["film CHNCXR_0025_0 has no mask"]
    assert table["has_tuberculosis"].tolist() == [0, 0, 1]
    assert table["spacing_row_mm"].isna().all()


def test_shenzhen_readings_have_their_own_style(shenzhen):
    table = index_shenzhen(shenzhen)
    assert table["sex"].tolist() == ["M", "F", None]
    assert table["age_years"][0] == pytest.approx(16 / 12) and table["age_years"][1] == 32


def test_shenzhen_masks_without_film_are_listed_too(shenzhen):
    save(shenzhen / "mask/mask/CHNCXR_0400_1_mask.png", np.zeros((3, 3)))
    unmatched = index_shenzhen(shenzhen).attrs["unmatched"]
    assert unmatched[-1] == "mask CHNCXR_0400_1_mask.png has no film"


def test_shenzhen_masks_of_lesions_are_not_lung_masks(shenzhen):
    save(shenzhen / "Annotations-2/masks/CHNCXR_0025_0_Cavity_1.png", np.zeros((3, 3)))
    assert index_shenzhen(shenzhen)["mask_lungs"][1] is None


def test_shenzhen_without_any_mask_says_where_they_are(shenzhen):
    (shenzhen / "mask").rename(shenzhen / "elsewhere")
    (shenzhen / "elsewhere/mask").rename(shenzhen / "elsewhere/x")
    with pytest.raises(FileNotFoundError, match="3 films .* not one lung mask .*shcxr-lung-mask"):
        index_shenzhen(shenzhen)


def test_lungs_of_a_film_without_mask_are_refused(shenzhen):
    table = index_shenzhen(shenzhen)
    with pytest.raises(ValueError, match="CHNCXR_0025_0 of shenzhen has no lungs"):
        read_chest_case(table.iloc[1], (32, 32), ["lungs"])
    with pytest.raises(ValueError, match="has no left_lung; it has lungs"):
        read_chest_case(table.iloc[0], (32, 32), ["left_lung"])
    assert read_chest_case(table.iloc[0], (30, 30), ["lungs"])[1].sum() == 100


def test_tables_of_two_sets_can_be_joined_and_still_be_read(montgomery, shenzhen):
    masked = index_shenzhen(shenzhen).dropna(subset="mask_lungs")
    both = pd.concat([index_montgomery(montgomery), masked], ignore_index=True)
    for _, row in both.iterrows():
        assert read_chest_case(row, (32, 32), ["lungs"])[1].sum() > 0


# --- JSRT ---


def scr_mask(path, suffix=".gif"):
    save(path.with_suffix(suffix), box((1024, 1024), (256, 512), (512, 768)))


@pytest.fixture
def jsrt(tmp_path):
    """One raw film with SCR masks in the published folds."""
    raw = np.zeros((2048, 2048), ">u2")
    raw[:1024] = 4095  # dense film, so dark lung, above; bone below
    (tmp_path / "All247images").mkdir()
    raw.tofile(tmp_path / "All247images/JPCLN001.IMG")
    for structure in STRUCTURES:
        scr_mask(tmp_path / f"scratch/fold1/masks/{structure}/JPCLN001")
    write_text(tmp_path / "scratch/fold1/landmarks/JPCLN001.pfs", "points")
    return tmp_path


@pytest.fixture
def jsrt_png(tmp_path):
    """Two small PNG copies with PNG masks, no folds, spaces replaced."""
    for name in ("JPCLN002", "JPCNN093"):
        save(tmp_path / f"images/{name}.png", np.full((64, 64), 9))
        for structure in STRUCTURES:
            folder = structure.replace(" ", "_").title()
            save(tmp_path / f"Masks/{folder}/{name}.png", box((32, 32), (4, 8), (4, 8)))
    return tmp_path


def test_raw_jsrt_films_and_scr_masks_become_a_table(jsrt):
    table = index_jsrt(jsrt)
    row = table.iloc[0]
    assert row["case_id"] == row["patient_id"] == "JPCLN001"
    assert row["has_nodule"] == 1 and row["scr_fold"] == 1
    assert row["spacing_row_mm"] == row["spacing_column_mm"] == 0.175


def test_raw_jsrt_films_are_read_bone_bright_with_masks_of_half_size(jsrt):
    structures = ["heart", "lungs", "clavicles", "left_clavicle"]
    image, target = read_chest_case(index_jsrt(jsrt).iloc[0], (128, 128), structures)
    assert image[:60].max() == 0 and image[70:].min() == 1
    expected = np.zeros((128, 128))
    expected[32:64, 64:96] = 1  # the box of the mask at an eighth of its size
    for channel in range(4):
        np.testing.assert_array_equal(target[..., channel], expected)


def test_png_copies_of_jsrt_have_scaled_spacing_and_folds_by_number(jsrt_png):
    table = index_jsrt(jsrt_png)
    assert table["case_id"].tolist() == ["JPCLN002", "JPCNN093"]
    assert table["has_nodule"].tolist() == [1, 0]
    assert table["scr_fold"].tolist() == [2, 1]
    assert table["spacing_row_mm"].tolist() == [0.175 * 32] * 2


@pytest.mark.parametrize("fold", ["fold2", "Fold 2", "fold_2"])
def test_either_fold_layout_is_understood(jsrt_png, fold):
    target = jsrt_png / fold / "masks"
    target.parent.mkdir()
    (jsrt_png / "Masks").rename(target)
    assert index_jsrt(jsrt_png)["scr_fold"].tolist() == [2, 2]


def test_the_raw_film_is_preferred_to_its_copy(jsrt):
    save(jsrt / "png/JPCLN001.png", np.zeros((64, 64)))
    assert index_jsrt(jsrt)["image"][0].endswith(".IMG")


def test_bone_suppressed_copies_of_the_same_name_are_refused(jsrt_png):
    save(jsrt_png / "BSE_JSRT/JPCLN002.png", np.zeros((64, 64)))
    with pytest.raises(ValueError, match="Two files claim JPCLN002"):
        index_jsrt(jsrt_png)


def test_a_jsrt_film_without_one_structure_is_named(jsrt_png):
    (jsrt_png / "Masks/Heart/JPCNN093.png").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 films have no mask_heart: JPCNN093"):
        index_jsrt(jsrt_png)


# --- VinDr-RibCXR ---


def rib(x, y, width=8.0, height=4.0):
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return [{"x": a, "y": b} for a, b in corners]


def outlines(split, count):
    """Column-oriented, as published; R2 overlaps R1, R3 is not outlined."""
    keys = [str(number) for number in range(count)]
    data = {"img": {k: f"data/{split}/img/VinDr_RibCXR_{split}_{int(k):03d}.png" for k in keys}}
    for number, name in enumerate(RIBS):
        data[name] = {key: rib(4.0, 1.0 + 3 * number % 50) for key in keys}
    data["R3"] = {key: "None" for key in keys}
    return data


@pytest.fixture
def vindr(tmp_path):
    for split, count in (("train", 2), ("val", 1)):
        for number in range(count):
            name = f"VinDr_RibCXR_{split}_{number:03d}.png"
            save(tmp_path / f"Data/{split}/img/{name}", np.full((64, 32), 7))
        path = tmp_path / f"Annotations/Vindr_RibCXR_{split}_mask.json"
        write_text(path, json.dumps(outlines(split, count)))
    return tmp_path


def rewrite(vindr, change):
    """Change the training outlines in place."""
    path = vindr / "Annotations/Vindr_RibCXR_train_mask.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    write_text(path, json.dumps(change(data)))


def by_row(data):
    return [{name: data[name][key] for name in data} for key in data["img"]]


def test_outlines_and_films_become_a_table(vindr):
    table = index_vindr_ribcxr(vindr)
    assert table["official_split"].tolist() == ["train", "train", "val"]
    assert table["case_id"][0] == table["patient_id"][0] == "VinDr_RibCXR_train_000"
    assert table["R1"][0] == [(4.0, 1.0), (12.0, 1.0), (12.0, 5.0), (4.0, 5.0)]
    assert table["R3"][0] is None
    assert [name for name in table.columns if name[0] in "RL"] == list(RIBS)
    assert table["spacing_row_mm"].isna().all() and table.attrs["unmatched"] == []


@pytest.mark.parametrize(
    "variant",
    [
        by_row,
        lambda data: {str(n): record for n, record in enumerate(by_row(data))},
        lambda data: {name: list(column.values()) for name, column in data.items()},
        lambda data: {**data, "R3": {key: None for key in data["R3"]}},
    ],
    ids=["records", "records by key", "columns of lists", "null for none"],
)
def test_other_ways_to_store_the_same_table_are_read_alike(vindr, variant):
    published = index_vindr_ribcxr(vindr)
    rewrite(vindr, variant)
    pd.testing.assert_frame_equal(index_vindr_ribcxr(vindr), published)


def test_twenty_ribs_are_twenty_channels_and_overlaps_are_kept(vindr):
    row = index_vindr_ribcxr(vindr).iloc[0]
    _, target = read_chest_case(row, (64, 64), [*RIBS, "ribs"])  # 16 columns of padding each side
    assert target.shape == (64, 64, 21)
    assert target[..., 0].sum() == 8 * 4
    assert target[1:5, 20:28, 0].all()
    assert target[..., 2].sum() == 0
    assert (target[..., 0] * target[..., 1]).sum() == 8  # rows 4 to 5: one row of 8 pixels
    np.testing.assert_array_equal(target[..., 20], target[..., :20].max(axis=-1))


def test_outlines_of_fewer_than_three_points_are_listed_and_taken_as_absent(vindr):
    rewrite(vindr, lambda data: {**data, "L1": {k: rib(1, 1)[:2] for k in data["L1"]}})
    table = index_vindr_ribcxr(vindr)
    assert table["L1"][0] is None
    assert table.attrs["unmatched"][0].startswith("L1 of data/train/img/VinDr_RibCXR_train_000.png")


def test_a_missing_json_file_is_named(vindr):
    (vindr / "Annotations/Vindr_RibCXR_val_mask.json").unlink()
    with pytest.raises(FileNotFoundError, match="Vindr_RibCXR_val_mask.json is not below"):
        index_vindr_ribcxr(vindr)


def test_a_film_named_but_not_there_is_named(vindr):
    (vindr / "Data/val/img/VinDr_RibCXR_val_000.png").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 3 films .*: VinDr_RibCXR_val_000"):
        index_vindr_ribcxr(vindr)


def without(data, name):
    return {key: column for key, column in data.items() if key != name}


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda data: without(data, "R7"), "column R7 missing"),
        (lambda data: without(data, "img"), "column img missing"),
        (lambda data: [without(r, "L10") for r in by_row(data)], "record 0: key L10 missing"),
        (lambda data: {**data, "R1": {"0": "None"}}, "column R1 has no entry 1"),
        (lambda data: {**data, "R1": 3}, "column R1 has no entry 0"),
        (lambda data: "text", "neither a table by column nor a list"),
        (lambda data: [1, 2], "neither a table by column nor a list"),
        (lambda data: {**data, "R1": {"0": [{"x": 1}], "1": "None"}}, "R1 of .*000.png has a poin"),
        (lambda data: {**data, "R1": {"0": [{"x": "a", "y": 2}], "1": "None"}}, "without x and y"),
        (lambda data: {**data, "R1": {"0": [[1, 2]], "1": "None"}}, "without x and y numbers"),
        (lambda data: {**data, "R1": {"0": 5, "1": "None"}}, "without x and y numbers"),
    ],
)
def test_every_damage_of_the_outlines_is_named(vindr, change, message):
    rewrite(vindr, change)
    with pytest.raises(UnreadableFileError, match=message) as caught:
        index_vindr_ribcxr(vindr)
    assert caught.value.path.name == "Vindr_RibCXR_train_mask.json" and caught.value.remedy


def test_broken_json_is_named(vindr):
    write_text(vindr / "Annotations/Vindr_RibCXR_val_mask.json", '{"img": {"0": ')
    with pytest.raises(UnreadableFileError, match="val_mask.json: it is not valid JSON"):
        index_vindr_ribcxr(vindr)


def test_outlines_on_a_resized_copy_are_refused(vindr):
    save(vindr / "Data/train/img/VinDr_RibCXR_train_000.png", np.zeros((16, 8)))
    row = index_vindr_ribcxr(vindr).iloc[0]
    with pytest.raises(ValueError, match="only 8x16 pixels: a resized copy"):
        read_chest_case(row, (64, 64), ["ribs"])


# --- polygons ---


def test_a_square_fills_the_pixels_whose_centres_it_holds():
    mask = fill_polygon([(0.6, 0.6), (3.4, 0.6), (3.4, 3.4), (0.6, 3.4)], (5, 5))
    expected = np.zeros((5, 5), bool)
    expected[1:3, 1:3] = True  # centres 1.5 and 2.5 lie between 0.6 and 3.4; 0.5 and 3.5 do not
    np.testing.assert_array_equal(mask, expected)


def test_a_triangle_fills_the_pixels_arithmetic_says():
    size = 40
    mask = fill_polygon([(0, 0), (size, 0), (0, size)], (size, size))
    rows, columns = np.mgrid[:size, :size] + 0.5
    np.testing.assert_array_equal(mask, rows + columns < size)
    assert mask.sum() == size * (size - 1) / 2


def test_area_of_a_fine_polygon_is_that_of_the_shoelace_formula():
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x, y = 100 + 80 * np.cos(angles), 90 + 50 * np.sin(angles)
    area = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert fill_polygon(list(zip(x, y, strict=True)), (200, 200)).sum() == pytest.approx(area, 2e-3)


def test_neither_direction_nor_start_of_an_outline_matters():
    points = [(2.2, 1.3), (17.9, 4.4), (12.1, 15.6), (3.3, 11.1)]
    mask = fill_polygon(points, (20, 20))
    np.testing.assert_array_equal(mask, fill_polygon(points[::-1], (20, 20)))
    np.testing.assert_array_equal(mask, fill_polygon(points[2:] + points[:2], (20, 20)))


def test_neighbouring_polygons_share_no_pixel_and_leave_none():
    left = fill_polygon([(0, 0), (7.3, 0), (4.1, 10), (0, 10)], (10, 10))
    right = fill_polygon([(7.3, 0), (10, 0), (10, 10), (4.1, 10)], (10, 10))
    assert not (left & right).any() and (left | right).all()


def test_parts_outside_the_image_are_cut_off():
    mask = fill_polygon([(-5, -5), (25, -5), (25, 2), (-5, 2)], (10, 10))
    assert mask[:2].all() and not mask[2:].any()
    assert not fill_polygon([(50, 50), (60, 50), (60, 60)], (10, 10)).any()
