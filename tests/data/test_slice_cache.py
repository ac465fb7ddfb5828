"""CT slices prepared once, in parallel, resumable, without anything that identifies."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from headct_maker import head, write_ct, write_ich, write_rsna
from PIL import Image

from radiokit.data.headct import index_ct_ich, index_rsna_ich, read_headct_case, read_headct_masks
from radiokit.data.slice_cache import prepare_slices


@pytest.fixture
def table(tmp_path):
    write_rsna(tmp_path / "copy", masks=True)
    return index_rsna_ich(tmp_path / "copy")


def prepare(table, tmp_path, size=16, **options):
    return prepare_slices(table, tmp_path / "cache", size, progress=False, **options)


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def files_in(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_a_slice_is_what_its_reader_gives_in_256_steps(table, tmp_path):
    prepared = prepare(table, tmp_path)
    assert prepared["case_id"].tolist() == table["case_id"].tolist()
    for (_, before), (_, after) in zip(table.iterrows(), prepared.iterrows(), strict=True):
        expected, labels = read_headct_case(before, (16, 16), ["brain"])
        image, target = read_headct_case(after, (16, 16), ["brain"])
        assert np.abs(image - expected).max() <= 0.5 / 255 + 1e-6
        np.testing.assert_array_equal(target, labels)
        masks = read_headct_masks(before, (16, 16))
        np.testing.assert_array_equal(read_headct_masks(after, (16, 16)), masks)
    stored = pixels_of(prepared["image"][0])
    assert stored.shape == (16, 16) and stored.dtype == np.uint8
    assert prepared.attrs["unreadable"] == []


def test_three_windows_are_three_channels_in_order(table, tmp_path):
    windows = ("brain", "subdural", (600, 2800))
    prepared = prepare(table, tmp_path, windows=windows)
    assert pixels_of(prepared["image"][0]).shape == (16, 16, 3)
    image = read_headct_case(prepared.iloc[0], (16, 16), windows)[0]
    expected = read_headct_case(table.iloc[0], (16, 16), windows)[0]
    assert np.abs(image - expected).max() <= 0.5 / 255 + 1e-6


def test_pixel_sizes_are_those_of_the_prepared_grid(table, tmp_path):
    prepared = prepare(table, tmp_path)  # 32 pixels of 0.5 mm on 16
    assert set(prepared["spacing_row_mm"]) == set(prepared["spacing_column_mm"]) == {1.0}
    assert set(prepared["spacing_slice_mm"]) == {5}
    again = prepare(table, tmp_path)
    assert set(again["spacing_row_mm"]) == {1.0}  # also where nothing had to be read


def test_what_is_there_is_not_made_again(table, tmp_path):
    first = prepare(table, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in files_in(tmp_path / "cache")}
    second = prepare(table, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in files_in(tmp_path / "cache")} == times
    assert len(times) == 24  # images and masks
    pd.testing.assert_frame_equal(first, second)
    assert math.isnan(second.attrs["slices_per_second"]) and first.attrs["slices_per_second"] > 0


def test_only_what_is_missing_or_has_changed_is_made(table, tmp_path):
    first = prepare(table, tmp_path)
    kept = Path(first["image"][5])
    stamp = kept.stat().st_mtime_ns
    Path(first["image"][0]).unlink()
    Path(first["mask"][1]).unlink()
    write_ct(table["image"][2], head(blood=True), "ID_p0", 2)
    second = prepare(table, tmp_path)
    assert [path for path in (*second["image"], *second["mask"]) if not Path(path).is_file()] == []
    assert kept.stat().st_mtime_ns == stamp and second["image"][2] != first["image"][2]
    assert second["image"][0] == first["image"][0]


def test_other_settings_do_not_meet(table, tmp_path):
    paths = [set(prepare(table, tmp_path, size=size)["image"]) for size in (16, 24)]
    paths.append(set(prepare(table, tmp_path, windows=("bone",))["image"]))
    assert len(set.union(*paths)) == 36


def test_nothing_that_is_written_names_a_patient(table, tmp_path):
    prepared = prepare(table, tmp_path)
    for path in files_in(tmp_path / "cache"):
        content, name = path.read_bytes(), path.relative_to(tmp_path / "cache").as_posix()
        for told in (*table["case_id"], *table["patient_id"], *table["exam_id"], "Doe", "1.2."):
            assert told not in name and told.encode() not in content
        with Image.open(path) as picture:
            assert picture.info == {}
        chunks = {content[i : i + 4] for i in range(len(content)) if content[i : i + 4].isalpha()}
        assert chunks.isdisjoint({b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME"})
    assert len(set(prepared["image"])) == 12


def test_unreadable_slices_are_left_out_listed_and_counted(table, tmp_path):
    path = Path(table["image"][3])
    path.write_bytes(path.read_bytes()[:900])
    Path(table["image"][7]).unlink()
    with pytest.warns(UserWarning, match="2 of 12 slices are left out") as caught:
        prepared = prepare(table, tmp_path)
    assert len(caught) == 1 and caught[0].filename.endswith("test_slice_cache.py")
    assert len(prepared) == 10 and len(prepared.attrs["unreadable"]) == 2
    assert prepared.attrs["unreadable"][0].startswith(f"{table['case_id'][3]}: Cannot read")
    with pytest.warns(UserWarning, match="2 of 12"):  # said again, not forgotten
        prepare(table, tmp_path)


def test_a_table_without_a_readable_slice_is_refused(table, tmp_path):
    table["image"] = str(tmp_path / "nowhere.dcm")
    with pytest.raises(ValueError, match="Not one of 12 slices can be read: .*No file at"):
        prepare(table, tmp_path)


def test_slices_of_volumes_with_masks_of_one_class_are_prepared(tmp_path):
    table = index_ct_ich(write_ich(tmp_path / "copy"))
    prepared = prepare(table, tmp_path)
    for (_, before), (_, after) in zip(table.iterrows(), prepared.iterrows(), strict=True):
        expected = read_headct_masks(before, (16, 16))
        np.testing.assert_array_equal(read_headct_masks(after, (16, 16)), expected)
    assert set(prepared["mask_kind"]) == {"subtypes"}


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_does_the_work(table, tmp_path, make):
    expected = prepare(table, tmp_path)
    context = [multiprocessing.get_context("spawn")] * (make is ProcessPoolExecutor)
    with make(2, *context) as executor:
        prepared = prepare_slices(table, tmp_path / "other", 16, executor=executor, progress=False)
    for one, other in zip(expected["image"], prepared["image"], strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_the_pace_is_printed(table, tmp_path, capsys):
    prepare_slices(table, tmp_path / "cache", 16)
    assert "12 slices prepared in" in (said := capsys.readouterr().out) and "slices/s" in said


KILLED = """
    import sys, time
    from concurrent.futures import ThreadPoolExecutor
    from radiokit.data import slice_cache
    from radiokit.data.headct import index_rsna_ich

    write = slice_cache.write_png

    def slowly(path, values):
        time.sleep(0.05)
        print("begun", flush=True)
        return write(path, values)

    slice_cache.write_png = slowly
    table = index_rsna_ich(sys.argv[1])
    with ThreadPoolExecutor(1) as pool:
        slice_cache.prepare_slices(table, sys.argv[2], 16, executor=pool, progress=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_call_goes_on_where_it_stood(table, tmp_path):
    arguments = [str(tmp_path / "copy"), str(tmp_path / "cache")]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), *arguments], stdout=subprocess.PIPE
    ) as process:
        for _ in range(6):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    left = [path for path in files_in(tmp_path / "cache") if not path.name.startswith(".")]
    assert 0 < len(left) < 24
    stamps = {path: path.stat().st_mtime_ns for path in left}
    for path in left:
        with Image.open(path) as picture:
            picture.load()  # whole
    prepared = prepare(table, tmp_path)
    assert len(prepared) == 12
    images = {Path(path) for path in prepared["image"]} & set(left)
    assert all(path.stat().st_mtime_ns == stamps[path] for path in images)
    clean = prepare_slices(table, tmp_path / "clean", 16, progress=False)
    for one, other in zip(prepared["image"], clean["image"], strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_a_folder_with_other_files_is_no_trouble(table, tmp_path):
    (tmp_path / "cache/ab").mkdir(parents=True)
    (tmp_path / "cache/ab/notes_of_mine.png").write_bytes(b"hello")
    (tmp_path / "cache/list.csv").write_text("a", encoding="utf-8")
    assert len(prepare(table, tmp_path)) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"windows": ("brain", "bone")}, "windows is .*one or three channels"),
        ({"windows": "brain"}, "windows is 'brain'"),
        ({"windows": ("brian",)}, "no window 'brian'"),
        ({"size": 2}, "size is 2"),
    ],
)
def test_settings_that_make_no_picture_are_refused(table, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        prepare(table, tmp_path, **change)


def test_a_table_of_something_else_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match="The table has 12 rows and lacks image"):
        prepare(table.drop(columns="image"), tmp_path)
    with pytest.raises(ValueError, match="The table has 0 rows"):
        prepare(table.iloc[:0], tmp_path)
    with pytest.raises(ValueError, match="1 slices are named twice"):
        prepare(pd.concat([table, table.iloc[:1]]), tmp_path)


def test_no_warning_is_given_when_all_is_well(table, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(table, tmp_path)
