"""Radiographs prepared once, in parallel, resumable, without anything that identifies."""

import math
import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from radiograph_maker import bone, write_radiograph

from radiokit.data.bodypart import read_bodypart_case
from radiokit.data.own import index_image_folders
from radiokit.data.picture_cache import prepare_pictures
from radiokit.data.slice_cache import prepare_slices


@pytest.fixture
def table(tmp_path):
    """Films of two sizes and polarities, and one saved as a PNG already."""
    rows = []
    for number, shape in enumerate([(24, 18), (20, 40), (32, 32), (24, 18)]):
        stored = bone(shape) + np.uint16(number)
        is_inverted = number % 2 == 1
        path = write_radiograph(
            tmp_path / f"films/{number}.dcm",
            np.uint16(4095) - stored if is_inverted else stored,
            PhotometricInterpretation="MONOCHROME1" if is_inverted else "MONOCHROME2",
            PatientID=f"PATIENT{number}",
            SOPInstanceUID=f"1.2.9.{number}",
            WindowCenter=4095 - 1500 if is_inverted else 1500,
            WindowWidth=3000,
        )
        rows.append({"case_id": f"1.2.9.{number}", "image": str(path), "spacing_row_mm": 0.14})
    Image.fromarray(np.arange(80, dtype=np.uint8).reshape(8, 10)).save(tmp_path / "films/4.png")
    rows.append({"case_id": "4", "image": str(tmp_path / "films/4.png"), "spacing_row_mm": np.nan})
    table = pd.DataFrame(rows).assign(dataset="own", Hand=1)
    table["patient_id"] = [f"PATIENT{number}" for number in range(5)]
    table["spacing_column_mm"] = table["spacing_row_mm"]
    return table


def prepare(table, tmp_path, size=16, **options):
    return prepare_pictures(table, tmp_path / "cache", size, progress=False, **options)


def files_in(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_a_picture_is_what_its_reader_gives_in_256_steps(table, tmp_path):
    prepared = prepare(table, tmp_path)
    assert prepared["case_id"].tolist() == table["case_id"].tolist()
    for (_, before), (_, after) in zip(table.iterrows(), prepared.iterrows(), strict=True):
        expected, _ = read_bodypart_case(before, (16, 16), ["Hand"])
        image, target = read_bodypart_case(after, (16, 16), ["Hand"])
        assert np.abs(image - expected).max() <= 0.5 / 255 + 1e-6
        assert image.max() > 0.25 and target == [1]
        with Image.open(after["image"]) as picture:
            assert picture.mode == "L" and picture.size == (16, 16)
    assert prepared.attrs["unreadable"] == []


def test_bone_is_bright_and_padding_black_whatever_the_polarity(table, tmp_path):
    for row in (0, 1):
        with Image.open(prepare(table, tmp_path)["image"][row]) as picture:
            pixels = np.asarray(picture)
        assert pixels[8, 7:9].max() > 200 and pixels[0, 0] == 0  # the shaft; air or padding


def test_pixel_sizes_are_those_of_the_prepared_grid_and_other_columns_stay(table, tmp_path):
    prepared = prepare(table, tmp_path)
    # 24 rows on 16, 40 columns on 16, 32 on 16; 18 columns on 12
    expected = np.array([0.14 * 1.5, 0.14 * 20 / 8, 0.28, 0.21, np.nan])
    np.testing.assert_allclose(prepared["spacing_row_mm"], expected)
    expected = np.array([0.14 * 1.5, 0.14 * 2.5, 0.28, 0.21, np.nan])
    np.testing.assert_allclose(prepared["spacing_column_mm"], expected)
    pd.testing.assert_frame_equal(
        prepared[["case_id", "patient_id", "Hand"]], table[["case_id", "patient_id", "Hand"]]
    )


def test_what_is_there_is_not_made_again(table, tmp_path):
    first = prepare(table, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in files_in(tmp_path / "cache")}
    second = prepare(table.iloc[::-1], tmp_path).iloc[::-1]
    assert {path: path.stat().st_mtime_ns for path in files_in(tmp_path / "cache")} == times
    assert len(times) == 5
    pd.testing.assert_frame_equal(first, second)
    assert math.isnan(second.attrs["pictures_per_second"])
    assert first.attrs["pictures_per_second"] > 0


def test_only_what_is_missing_or_has_changed_is_made(table, tmp_path):
    first = prepare(table, tmp_path)
    kept = Path(first["image"][3])
    stamp = kept.stat().st_mtime_ns
    Path(first["image"][0]).unlink()
    write_radiograph(table["image"][2], bone((32, 40)))
    second = prepare(table, tmp_path)
    assert all(Path(path).is_file() for path in second["image"])
    assert second["image"][0] == first["image"][0] and second["image"][2] != first["image"][2]
    assert kept.stat().st_mtime_ns == stamp


def test_images_of_one_name_size_and_time_do_not_meet_in_one_folder(tmp_path):
    shown = []
    for number, folder in enumerate(("mine", "yours")):
        for label in ("Hand", "Knee"):
            path = tmp_path / folder / label / f"{label}.bmp"  # not compressed: equal in size
            path.parent.mkdir(parents=True)
            Image.fromarray(np.full((8, 8), 99 * number, np.uint8)).save(path)
            os.utime(path, (1e9, 1e9))
        prepared = prepare(index_image_folders(tmp_path / folder), tmp_path)
        shown.append(read_bodypart_case(prepared.loc[0], (16, 16), ["Hand"])[0].max())
    np.testing.assert_allclose(shown, [0, 99 / 255], atol=1e-6)


def test_other_sizes_and_prepared_slices_do_not_meet_in_one_folder(table, tmp_path):
    paths = [set(prepare(table, tmp_path, size=size)["image"]) for size in (16, 24)]
    slices = prepare_slices(table[4:], tmp_path / "cache", 16, progress=False)
    assert len(set.union(*paths, set(slices["image"]))) == 11


def test_nothing_that_is_written_names_a_patient(table, tmp_path):
    prepare(table, tmp_path)
    for path in files_in(tmp_path / "cache"):
        content, name = path.read_bytes(), path.relative_to(tmp_path / "cache").as_posix()
        for told in ("PATIENT", "1.2.", "HAND", "films"):
            assert told not in name and told.encode() not in content
        with Image.open(path) as picture:
            assert picture.info == {}
        chunks = {content[i : i + 4] for i in range(len(content)) if content[i : i + 4].isalpha()}
        assert chunks.isdisjoint({b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME"})


def test_unreadable_radiographs_are_left_out_listed_and_counted(table, tmp_path):
    path = Path(table["image"][1])
    path.write_bytes(path.read_bytes()[:900])
    Path(table["image"][4]).unlink()
    with pytest.warns(UserWarning, match="2 of 5 pictures are left out") as caught:
        prepared = prepare(table, tmp_path)
    assert len(caught) == 1 and caught[0].filename.endswith("test_picture_cache.py")
    assert prepared["case_id"].tolist() == ["1.2.9.0", "1.2.9.2", "1.2.9.3"]
    reasons = prepared.attrs["unreadable"]
    assert reasons[0].startswith("1.2.9.1: Cannot read") and reasons[1].startswith("4: No file at")


def test_a_table_without_a_readable_radiograph_is_refused(table, tmp_path):
    table["image"] = str(tmp_path / "nowhere.dcm")
    with pytest.raises(ValueError, match="Not one of 5 pictures can be read: .*No file at"):
        prepare(table, tmp_path)


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_does_the_work(table, tmp_path, make):
    expected = prepare(table, tmp_path)
    context = [multiprocessing.get_context("spawn")] * (make is ProcessPoolExecutor)
    with make(2, *context) as executor:
        prepared = prepare_pictures(table, tmp_path / "other", 16, False, executor)
    for one, other in zip(expected["image"], prepared["image"], strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_the_pace_is_printed(table, tmp_path, capsys):
    prepare_pictures(table, tmp_path / "cache", 16)
    assert "5 pictures prepared in" in (said := capsys.readouterr().out) and "pictures/s" in said


def test_what_is_no_case_table_or_size_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match="lacks image. Give a case table.*a row a picture"):
        prepare(table.drop(columns="image"), tmp_path)
    with pytest.raises(ValueError, match="1 pictures are named twice"):
        prepare(pd.concat([table, table.iloc[:1]]), tmp_path)
    with pytest.raises(ValueError, match="size is 2.5; give a whole number"):
        prepare(table, tmp_path, size=2.5)


def test_no_warning_is_given_when_all_is_well(table, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(table, tmp_path)


@pytest.mark.skipif("RADIOKIT_REAL_DATA" not in os.environ, reason="RADIOKIT_REAL_DATA is not set")
def test_real_pictures_of_every_body_part_are_prepared(real_data, tmp_path):
    table = index_image_folders(real_data / "bodypart" / "medical_mnist")
    prepared = prepare(table, tmp_path, size=64)
    assert len(prepared) == len(table) and prepared.attrs["unreadable"] == []
    for number in range(0, len(table), 97):  # 64×64 already, so that nothing may change
        with Image.open(table["image"][number]) as source:
            expected = np.asarray(source.convert("L"), int)
        with Image.open(prepared["image"][number]) as picture:
            assert np.abs(np.asarray(picture, int) - expected).max() <= 1
