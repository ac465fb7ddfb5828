"""Offline copies: how many, of which images, within which split, and that the audit sees them."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from radiograph_maker import bone, write_radiograph

from radiokit.data.augment import FlipAndTurn
from radiokit.data.copies import copy_factors, flip_and_turn, write_copies
from radiokit.data.picture_cache import prepare_pictures
from radiokit.data.splits import audit_split, split_by_patient
from radiokit.io.rasters import read_radiograph

LABELS = ("Chest", "Hand", "Wrist")


def film(number):
    """No two of them alike, however the reader scales them."""
    stored = bone((24, 18))
    stored[number] = 1500
    return stored


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for number in range(12):
        write_radiograph(folder / f"{number}.dcm", film(number))
    return folder


@pytest.fixture
def table(films, tmp_path):
    """In training 6 chests, 2 hands, one of them a wrist too; a chest and a wrist elsewhere."""
    shutil.copytree(films, tmp_path / "films")
    rows = [(1, 0, 0, "train")] * 6 + [(0, 1, 0, "train"), (0, 1, 1, "train")]
    rows += [(1, 0, 0, "validation"), (0, 0, 1, "validation"), (1, 0, 0, "test"), (0, 0, 1, "test")]
    table = pd.DataFrame(rows, columns=[*LABELS, "split"])
    numbers = np.arange(len(table))
    table["case_id"] = [f"1.2.9.{number}" for number in numbers]
    table["patient_id"] = [f"PATIENT{number}" for number in numbers]
    table["is_phantom"] = True
    table["image"] = [str(tmp_path / f"films/{number}.dcm") for number in numbers]
    table.attrs = {"labels": LABELS, "unreadable": ["a film was left out before"]}
    return table


def write(table, tmp_path, **options):
    return write_copies(table, LABELS, tmp_path / "copies", progress=False, **options)


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


# --- how many -------------------------------------------------------------------------------------


def test_factors_are_counted_within_the_split_by_the_rarest_label(table):
    # Training: chest 6, hand 2, wrist 1. Validation and test: one of each.
    assert copy_factors(table, LABELS).tolist() == [1] * 6 + [3, 6] + [1] * 4
    assert copy_factors(table, LABELS, most=4).tolist() == [1] * 6 + [3, 4] + [1] * 4
    whole = copy_factors(table.drop(columns="split"), LABELS)  # chest 8, hand 2, wrist 3
    assert whole.tolist() == [1] * 6 + [4, 4] + [1, 3, 1, 3]
    assert whole.index.equals(table.index)


def test_factors_are_rounded_halves_upwards_and_at_least_one():
    table = pd.DataFrame({"a": [1] * 5 + [0] * 8, "b": [0] * 5 + [1, 1] + [0] * 6})
    table["c"] = [0] * 7 + [1] * 4 + [0] * 2
    assert copy_factors(table, ["a", "b", "c"]).tolist() == [1] * 5 + [3] * 2 + [1] * 6


def test_the_study_s_rarest_classes_reach_ten_and_no_more():
    table = pd.DataFrame({"Chest": [1] * 900 + [0] * 3, "Cavum": [0] * 900 + [1, 0, 0]})
    table["Sacroiliac"] = [0] * 901 + [1, 1]
    factors = copy_factors(table, ["Chest", "Cavum", "Sacroiliac"])
    assert factors.tolist() == [1] * 900 + [10, 10, 10]


def test_unknown_labels_and_images_without_a_label_get_no_copy():
    table = pd.DataFrame({"a": [1, 1, 1, 1, np.nan, 0], "b": [0, 0, 0, 0, np.nan, 0]})
    assert copy_factors(table, ["a", "b"]).tolist() == [1] * 6
    assert copy_factors(table[["b"]], ["b"]).tolist() == [1] * 6


@pytest.mark.parametrize(
    ("labels", "most", "message"),
    [
        (("Chest", "Knee"), 10, "lacking are: Knee. Give rows, and labels"),
        ((), 10, "0 labels are asked for"),
        (LABELS, 0, "most is 0; give a whole number"),
        (LABELS, 2.5, "most is 2.5"),
    ],
)
def test_factors_of_nothing_are_refused(table, labels, most, message):
    with pytest.raises(ValueError, match=message):
        copy_factors(table, labels, most)


# --- which ----------------------------------------------------------------------------------------


def test_rows_of_copies_carry_their_source_and_all_it_says(table, tmp_path):
    result = write(table, tmp_path)
    assert len(result) == 12 + 2 + 5
    originals = result[:12]
    pd.testing.assert_frame_equal(originals[table.columns], table)
    assert originals["source_case_id"].isna().all()
    copies = result[12:]
    assert copies["source_case_id"].tolist() == ["1.2.9.6"] * 2 + ["1.2.9.7"] * 5
    assert copies["case_id"].tolist()[:3] == ["1.2.9.6-copy1", "1.2.9.6-copy2", "1.2.9.7-copy1"]
    sources = table.set_index("case_id").loc[copies["source_case_id"]]
    for name in ("patient_id", "split", "is_phantom", *LABELS):
        assert copies[name].tolist() == sources[name].tolist()
    assert result.attrs == table.attrs and result["case_id"].is_unique


def test_the_counts_of_the_labels_come_nearer_in_training_and_stay_in_the_test_split(
    table, tmp_path
):
    result = write(table, tmp_path)
    counts = result.groupby("split")[list(LABELS)].sum()
    # hand: 3 for the hand alone, 6 for hand and wrist
    assert counts.loc["train"].tolist() == [6, 9, 6]
    assert counts.loc["test"].tolist() == [1, 0, 1]


def test_only_the_named_splits_get_copies(table, tmp_path):
    table.loc[8, "Wrist"] = 1  # of validation: wrist 2, chest 1
    copied = write(table, tmp_path)
    assert set(copied["split"][12:]) == {"train", "validation"}
    assert set(write(table, tmp_path, split_names=("train",))["split"][12:]) == {"train"}


def test_the_audit_passes_and_sees_a_copy_that_crosses_a_split(table, tmp_path):
    result = write(table, tmp_path)
    assert audit_split(result)["images"].tolist() == [15, 2, 2]
    result.loc[15, "split"] = "validation"
    with pytest.raises(ValueError, match="1 patients are in more than one split: PATIENT7"):
        audit_split(result)
    result["patient_id"] = result["case_id"]  # nobody knows the patients
    with pytest.raises(ValueError, match="Augmented copies of 1 cases .* 1.2.9.7"):
        audit_split(result)


def test_copies_made_before_the_split_are_caught_by_the_audit(table, tmp_path):
    early = write(table.assign(split="all"), tmp_path, split_names=("all",))
    early["patient_id"] = early["case_id"]
    early = split_by_patient(early, {"train": 0.5, "test": 0.5}, seed=0)
    with pytest.raises(ValueError, match="Split first, then augment within the training split"):
        audit_split(early)


# --- what -----------------------------------------------------------------------------------------


def test_a_copy_is_its_source_flipped_and_turned_in_a_square(table, tmp_path):
    result = write(table, tmp_path, most=10)
    for row in (12, 15):
        source = read_radiograph(table["image"][6 if row == 12 else 7]).pixels
        pixels = pixels_of(result["image"][row])
        assert pixels.shape == (24, 24) and pixels.dtype == np.uint8
        inside = np.hypot(*(np.indices((24, 24)) - 11.5)) < 8  # stays inside whatever the turn
        square = np.pad(source, ((0, 0), (3, 3)))
        assert pixels[inside].mean() == pytest.approx(255 * square[inside].mean(), rel=0.05)
        assert not np.array_equal(pixels, np.rint(255 * square))


def test_a_prepared_picture_gets_copies_of_its_size(table, tmp_path):
    prepared = prepare_pictures(table, tmp_path / "cache", 16, progress=False)
    result = write(prepared, tmp_path)
    assert {pixels_of(path).shape for path in result["image"]} == {(16, 16)}
    assert audit_split(result)["images"].tolist() == [15, 2, 2]


@pytest.mark.parametrize("shape", [(32, 32), (33, 33)])
@pytest.mark.parametrize("horizontal", [False, True])
@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_flips_then_a_turn_counterclockwise(shape, horizontal, vertical, quarter):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = np.fliplr(pixels) if horizontal else pixels
    expected = np.rot90(np.flipud(expected) if vertical else expected, quarter)
    found = flip_and_turn(pixels, 90 * quarter, horizontal, vertical)
    np.testing.assert_allclose(found.astype(int), expected, atol=1)


@pytest.mark.parametrize("seed", range(4))
def test_offline_and_online_augmentation_are_one_transform(seed):
    draws = np.random.default_rng(seed).random((1, 3)).astype(np.float32)
    image = bone((64, 64)).astype(np.float32) / 3000
    image[:20] *= 0.5
    online, _ = FlipAndTurn((0, 360))(image[None, ..., None], np.zeros((1, 2)), draws)
    turn, horizontal, vertical = draws[0]
    offline = flip_and_turn(image, 360 * turn, horizontal < 0.5, vertical < 0.5)
    inside = np.hypot(*(np.indices((64, 64)) - 31.5)) < 30
    assert np.abs(np.asarray(online)[0, ..., 0] - offline)[inside].max() < 0.06


def test_turns_and_flips_of_many_copies_are_evenly_drawn(tmp_path):
    dot = np.zeros((65, 65), np.uint8)
    dot[31:34, 50:53] = 200  # to the right
    dot[29:31, 50:53] = 90  # with a mark above, so that a mirrored one is told
    Image.fromarray(dot).save(tmp_path / "dot.png")
    table = pd.DataFrame({"case_id": [f"c{n}" for n in range(40)], "patient_id": "p"})
    table = table.assign(image=str(tmp_path / "dot.png"), split="train", common=1)
    table["rare"] = [1] * 4 + [0] * 36
    labels = ["rare", "common"]
    result = write_copies(table, labels, tmp_path / "copies", ("train",), progress=False)
    pictures = [pixels_of(path) for path in result["image"][40:]]
    assert len(pictures) == 36
    places = np.array([np.argwhere(one > 150).mean(axis=0) - 32 for one in pictures])
    angles = np.rad2deg(np.arctan2(-places[:, 0], places[:, 1])) % 360
    assert np.histogram(angles, 4, (0, 360))[0].min() >= 3  # of 36, 9 expected
    np.testing.assert_allclose(np.hypot(*places.T), 19, atol=1)
    marks = np.array([np.argwhere((one > 40) & (one < 100)).mean(axis=0) - 32 for one in pictures])
    sides = places[:, 1] * marks[:, 0] - places[:, 0] * marks[:, 1]  # turns keep, one flip changes
    assert 9 <= np.count_nonzero(sides > 0) <= 27


# --- again ----------------------------------------------------------------------------------------


def test_copies_depend_on_seed_source_and_number_and_not_on_the_order_of_rows(table, tmp_path):
    first = write(table, tmp_path).set_index("case_id")["image"]
    shuffled = table.sample(frac=1, random_state=3)
    again = write_copies(shuffled, LABELS, tmp_path / "again", progress=False)
    for case, path in again.set_index("case_id")["image"].items():
        assert Path(path).read_bytes() == Path(first[case]).read_bytes()
    other = write(table, tmp_path, seed=1).set_index("case_id")["image"]
    contents = {Path(path).read_bytes() for path in [*first[12:], *other[12:]]}
    assert len(contents) == 14
    fewer = write(table, tmp_path, most=3).set_index("case_id")["image"]
    assert fewer[12:].tolist() == first[fewer.index[12:]].tolist()


def test_what_is_there_is_not_made_again_and_what_is_missing_is(table, tmp_path):
    first = write(table, tmp_path)
    gone, kept = Path(first["image"][13]), Path(first["image"][12])
    content, stamp = gone.read_bytes(), kept.stat().st_mtime_ns
    gone.unlink()
    pd.testing.assert_frame_equal(write(table, tmp_path), first)
    assert gone.read_bytes() == content and kept.stat().st_mtime_ns == stamp


def test_many_sources_are_copied_in_several_processes(tmp_path):
    Image.fromarray(bone((24, 18)) // np.uint16(12)).convert("L").save(tmp_path / "film.png")
    table = pd.DataFrame({"case_id": [f"c{n}" for n in range(600)], "common": 1, "split": "train"})
    table = table.assign(image=str(tmp_path / "film.png"), rare=[1] * 205 + [0] * 395)
    result = write_copies(table, ["rare", "common"], tmp_path / "out", ("train",), progress=False)
    copies = result["image"][600:]
    assert len(copies) == copies.nunique() == 410  # 600 over 205, rounded, is 3
    content = Path(copies[700]).read_bytes()
    Path(copies[700]).unlink()
    write_copies(table, ["rare", "common"], tmp_path / "out", ("train",), progress=False)
    assert Path(copies[700]).read_bytes() == content  # made here, and there before


def test_a_changed_source_gets_new_copies(table, tmp_path):
    first = write(table, tmp_path)
    write_radiograph(table["image"][7], bone((30, 18)))
    second = write(table, tmp_path)
    assert (first["image"][12:14] == second["image"][12:14]).all()
    assert not set(first["image"][14:]) & set(second["image"][14:])


def test_files_of_copies_tell_nothing_of_the_patient(table, tmp_path):
    write(table, tmp_path)
    paths = [path for path in (tmp_path / "copies").rglob("*") if path.is_file()]
    assert len(paths) == 7
    for path in paths:
        assert not any(told in path.name for told in ("PATIENT", "1.2.9", "train", "Hand"))
        with Image.open(path) as picture:
            assert picture.info == {} and picture.mode == "L"


def test_a_source_that_cannot_be_read_is_listed_and_stays_without_copies(table, tmp_path):
    path = Path(table["image"][7])
    path.write_bytes(path.read_bytes()[:900])
    with pytest.warns(UserWarning, match="1 of 2 pictures cannot be read and have no") as caught:
        result = write(table, tmp_path)
    assert caught[0].filename.endswith("test_copies.py")
    assert len(result) == 14 and result["source_case_id"].dropna().unique().tolist() == ["1.2.9.6"]
    before, reason = result.attrs["unreadable"]
    assert before == "a film was left out before" and reason.startswith("1.2.9.7: Cannot read")


def test_a_balanced_table_comes_back_without_copies_or_warnings(table, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = write(table, tmp_path, most=1)
    pd.testing.assert_frame_equal(result[table.columns], table)
    assert result["source_case_id"].isna().all()


# --- refusals -------------------------------------------------------------------------------------


def test_copies_are_refused_before_the_split(table, tmp_path):
    for unsplit in (table.drop(columns="split"), table.assign(split=["train"] * 11 + [None])):
        with pytest.raises(ValueError, match="Split it with split_by_patient first"):
            write(unsplit, tmp_path)


def test_copies_of_copies_are_refused(table, tmp_path):
    with pytest.raises(ValueError, match="7 rows of the table are copies already"):
        write(write(table, tmp_path), tmp_path)


@pytest.mark.parametrize("names", [("train", "valid"), "train"])
def test_splits_that_are_not_there_are_refused(table, tmp_path, names):
    with pytest.raises(ValueError, match="the splits of the table are train, validation, test"):
        write(table, tmp_path, split_names=names)


def test_a_table_that_names_an_image_twice_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match="1 pictures are named twice: 1.2.9.0"):
        write(pd.concat([table, table[:1]]), tmp_path)
