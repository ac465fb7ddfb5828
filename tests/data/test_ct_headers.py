"""Header tables: every file once, whatever reads it; and slices in anatomical order."""

import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from ct_maker import write_ct, write_series

from radiokit.data import ct_headers
from radiokit.data.ct_headers import read_header_table, sort_slices
from radiokit.io.ct import CT_HEADER_COLUMNS, read_ct_header

TILT_DEGREES = 20.0


def tilted(degrees=TILT_DEGREES):
    """Orientation of slices through a gantry tilted about the axis from ear to ear."""
    angle = np.radians(degrees)
    return [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]


@pytest.fixture
def files(tmp_path):
    return write_series(tmp_path / "series", heights=[0, 5, 10, 15, 20])


@pytest.fixture
def reads(monkeypatch):
    """Paths that were read, in order."""
    read, original = [], ct_headers.read_ct_headers

    def count(paths):
        read.extend(os.path.basename(path) for path in paths)
        return original(paths)

    monkeypatch.setattr(ct_headers, "read_ct_headers", count)
    return read


# --- the table ------------------------------------------------------------------------------------


def test_a_row_is_what_the_header_says(files):
    table = read_header_table(files)
    assert tuple(table.columns) == CT_HEADER_COLUMNS
    for row, path in zip(table.to_dict("records"), files, strict=True):
        expected = read_ct_header(path)
        assert {k: v for k, v in row.items() if v == v} == {
            k: v for k, v in expected.items() if v == v
        }
    assert table.attrs["unreadable"] == []


def test_rows_are_in_the_order_of_the_files_each_once(files):
    order = [files[3], files[0], files[4], files[0]]
    assert list(read_header_table(order)["image"]) == [str(path) for path in order[:3]]


def test_relative_paths_stay_as_given(files, monkeypatch):
    monkeypatch.chdir(files[0].parent)
    table = read_header_table(["002.dcm", "001.dcm"], cache="cache")
    assert list(table["image"]) == ["002.dcm", "001.dcm"]
    assert list(read_header_table(files, cache="cache")["image"]) == [str(path) for path in files]


@pytest.mark.parametrize("kind", ["threads", "spawn"])
def test_every_executor_gives_the_same_table(files, kind):
    here = read_header_table(files)
    context = multiprocessing.get_context("spawn")
    pool = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(1, context)
    with pool:
        pd.testing.assert_frame_equal(read_header_table(files, executor=pool), here)


def test_processes_of_its_own_give_the_same_table(files, tmp_path):
    content = files[0].read_bytes()
    copies = [tmp_path / "many" / f"{number:03d}.dcm" for number in range(260)]
    copies[0].parent.mkdir()
    for copy in copies:
        copy.write_bytes(content)
    table = read_header_table(copies, progress=False)
    assert list(table["image"]) == [str(copy) for copy in copies]
    assert table["sop_uid"].nunique() == 1


def test_a_dask_cluster_gives_the_same_table(files):
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"n_workers": 1, "processes": False, "dashboard_address": None}
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            table = read_header_table(files, executor=client.get_executor())
    pd.testing.assert_frame_equal(table, read_header_table(files))


def test_unreadable_files_are_listed_and_warned_of_once(files, tmp_path):
    scout = write_ct(tmp_path / "x/scout.dcm", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    bare = write_ct(tmp_path / "x/bare.dcm", RescaleIntercept=None)
    (tmp_path / "x/text.dcm").write_text("hello", encoding="utf-8")
    given = [files[0], scout, bare, tmp_path / "x/text.dcm", tmp_path / "x/gone.dcm", files[1]]
    with pytest.warns(UserWarning, match="4 of 6 files are left out: x/scout.dcm: it is a scout"):
        table = read_header_table(given)
    assert list(table["image"]) == [str(files[0]), str(files[1])]
    listed = table.attrs["unreadable"]
    assert [sentence.split(":")[0] for sentence in listed] == [
        "x/scout.dcm",
        "x/bare.dcm",
        "x/text.dcm",
        "x/gone.dcm",
    ]
    assert "RescaleIntercept is missing" in listed[1]
    assert "not a DICOM file" in listed[2]
    assert "No such file" in listed[3]


def test_no_file_or_none_of_use_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no file to read"):
        read_header_table([])
    (tmp_path / "a.dcm").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match="None of 1 files is a slice of a CT: .*not a DICOM"):
        read_header_table([tmp_path / "a.dcm"])


# --- the cache ------------------------------------------------------------------------------------


def test_the_cache_gives_the_same_table_without_reading(files, tmp_path, reads):
    write_ct(files[2], PatientID="0017", KVP=0.1 + 0.2, InstanceNumber=None)
    fresh = read_header_table(files, cache=tmp_path / "cache")
    assert len(reads) == 5
    again = read_header_table(files, cache=tmp_path / "cache")
    assert len(reads) == 5
    pd.testing.assert_frame_equal(again, fresh, check_exact=True)
    assert again["patient_id"][2] == "0017"


def test_only_changed_and_new_files_are_read_again(files, tmp_path, reads):
    cache = tmp_path / "cache"
    read_header_table(files[:3], cache=cache)
    reads.clear()
    write_ct(files[1], PatientID="another")  # another size
    os.utime(files[2], ns=(1, 1))  # another time
    table = read_header_table(files, cache=cache)
    assert reads == ["002.dcm", "003.dcm", "004.dcm", "005.dcm"]
    assert table["patient_id"][1] == "another"
    assert len(list(cache.iterdir())) == 1


def test_rows_of_other_files_stay_in_the_cache(files, tmp_path, reads):
    cache = tmp_path / "cache"
    read_header_table(files[:2], cache=cache)
    read_header_table(files[2:], cache=cache)
    reads.clear()
    read_header_table(files, cache=cache)
    assert reads == []


def test_a_job_that_was_killed_goes_on_where_it_stood(files, tmp_path, monkeypatch, reads):
    cache, original = tmp_path / "cache", ct_headers.map_chunks

    def killed(function, items, *rest):
        chunks = original(function, items, *rest, chunk_size=2)
        yield next(chunks)
        yield next(chunks)
        raise KeyboardInterrupt

    monkeypatch.setattr(ct_headers, "map_chunks", killed)
    with pytest.raises(KeyboardInterrupt):
        read_header_table(files, cache=cache)
    (cache / ".unfinished-1a2b-ct-headers-1-part-x.csv").write_text("image,sop", encoding="utf-8")
    monkeypatch.setattr(ct_headers, "map_chunks", original)
    reads.clear()
    table = read_header_table(files, cache=cache)
    assert reads == ["005.dcm"]
    pd.testing.assert_frame_equal(table, read_header_table(files))


@pytest.mark.parametrize("content", ["", "image,size\n1", "\x00\x01"])
def test_a_damaged_cache_is_read_anew(files, tmp_path, reads, content):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/ct-headers-1-all.csv").write_text(content, encoding="utf-8")
    assert len(read_header_table(files, cache=tmp_path / "cache")) == 5
    assert len(reads) == 5


def test_unreadable_files_are_tried_again(files, tmp_path):
    path = tmp_path / "a.dcm"
    path.write_text("hello", encoding="utf-8")
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 6 files"):
            read_header_table([*files, path], cache=tmp_path / "cache")


def test_the_cache_holds_no_name_and_no_date(tmp_path):
    path = write_ct(tmp_path / "a.dcm", PatientName="Doe^Jane", PatientBirthDate="19700101")
    read_header_table([path], cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    text = file.read_text(encoding="utf-8")
    assert "Jane" not in text and "1970" not in text


# --- order ----------------------------------------------------------------------------------------


def sorted_table(folder, heights, **header):
    return sort_slices(read_header_table(write_series(folder, heights, **header)))


@pytest.mark.parametrize("heights", [[0, 5, 10, 15], [15, 10, 5, 0], [10, 0, 15, 5]])
def test_slice_0_is_the_most_caudal_whatever_the_numbers(tmp_path, heights):
    table = sorted_table(tmp_path, heights)
    assert list(table["position_z_mm"]) == [0, 5, 10, 15]
    assert list(table["slice_index"]) == [0, 1, 2, 3]
    np.testing.assert_allclose(table["position_mm"], [0, 5, 10, 15])
    np.testing.assert_allclose(table["gap_mm"], [5, 5, 5, np.nan])
    np.testing.assert_allclose(table["table_step_mm"], [5, 5, 5, np.nan])
    np.testing.assert_allclose(table["shear_degrees"], 0, atol=1e-6)


def test_a_turned_patient_is_sorted_from_the_feet_too(tmp_path):
    prone = [-1, 0, 0, 0, 1, 0]  # its normal points to the feet
    table = sorted_table(tmp_path, [10, 0, 5], ImageOrientationPatient=prone)
    assert list(table["position_z_mm"]) == [0, 5, 10]


def test_a_tilted_gantry_is_measured_from_positions(tmp_path):
    table = sorted_table(tmp_path, [8, 0, 4], ImageOrientationPatient=tilted())
    np.testing.assert_allclose(table["table_step_mm"][:2], 4)
    np.testing.assert_allclose(table["gap_mm"][:2], 4 * np.cos(np.radians(TILT_DEGREES)), rtol=1e-6)
    np.testing.assert_allclose(table["shear_degrees"], TILT_DEGREES, rtol=1e-6)


def test_a_tilted_head_is_not_a_tilted_gantry(tmp_path):
    normal = np.cross(tilted()[:3], tilted()[3:])
    paths = [
        write_ct(
            tmp_path / f"{number}.dcm",
            ImageOrientationPatient=tilted(),
            ImagePositionPatient=[float(round(x, 6)) for x in 4 * number * normal],
        )
        for number in range(3)
    ]
    table = sort_slices(read_header_table(paths))
    np.testing.assert_allclose(table["gap_mm"][:2], 4, rtol=1e-4)
    np.testing.assert_allclose(table["shear_degrees"], 0, atol=0.01)


@pytest.mark.parametrize(
    ("orientation", "axis"), [([0, 1, 0, 0, 0, -1], 0), ([1, 0, 0, 0, 0, -1], 1)]
)
def test_reformats_run_to_the_left_and_to_the_back(tmp_path, orientation, axis):
    paths = []
    for number, place in enumerate([6.0, 0.0, 3.0]):
        corner = [0.0, 0.0, 0.0]
        corner[axis] = place
        header = {"ImageOrientationPatient": orientation, "ImagePositionPatient": corner}
        paths.append(write_ct(tmp_path / f"{number}.dcm", **header))
    table = sort_slices(read_header_table(paths))
    np.testing.assert_allclose(table["position_mm"], [0, 3, 6])


def test_series_are_sorted_apart_in_order_of_their_first_rows(tmp_path):
    second = write_series(tmp_path / "b", [5, 0], SeriesInstanceUID="1.2.9")
    first = write_series(tmp_path / "a", [7, 3, 5], SeriesInstanceUID="1.2.8")
    table = sort_slices(read_header_table([first[0], second[0], *first[1:], second[1]]))
    assert list(table["series_id"]) == ["1.2.8"] * 3 + ["1.2.9"] * 2
    assert list(table["slice_index"]) == [0, 1, 2, 0, 1]
    np.testing.assert_allclose(table["gap_mm"], [2, 2, np.nan, 5, np.nan])


def test_one_series_uid_in_two_patients_is_two_series(tmp_path):
    paths = write_series(tmp_path / "a", [0, 5], SeriesInstanceUID="1", PatientID="A")
    paths += write_series(tmp_path / "b", [0, 5], SeriesInstanceUID="1", PatientID="B")
    assert list(sort_slices(read_header_table(paths))["slice_index"]) == [0, 1, 0, 1]


def test_without_positions_numbers_tell_the_order_and_a_note_says_so(tmp_path):
    paths = write_series(tmp_path, [0, 5, 10])
    write_ct(paths[1], InstanceNumber=9, ImagePositionPatient=None, SeriesInstanceUID="1.2.3.4")
    for number, path in ((7, paths[0]), (8, paths[2])):
        write_ct(path, InstanceNumber=number)
    table = sort_slices(read_header_table(paths))
    assert list(table["instance_number"]) == [7, 8, 9]
    assert table["position_mm"].isna().all() and table["gap_mm"].isna().all()
    assert "3 slices without position in all of their series" in table.attrs["notes"][0]


def test_with_neither_position_nor_number_file_names_tell_the_order(tmp_path):
    gone = {"ImagePositionPatient": None, "InstanceNumber": None}
    names = ["c.dcm", "a.dcm", "b.dcm"]
    table = sort_slices(read_header_table([write_ct(tmp_path / name, **gone) for name in names]))
    assert [os.path.basename(path) for path in table["image"]] == sorted(names)
    assert "order of file names" in table.attrs["notes"][0]


def test_without_orientation_slices_are_taken_as_axial_with_a_note(tmp_path):
    table = sorted_table(tmp_path, [5, 0], ImageOrientationPatient=None)
    np.testing.assert_allclose(table["position_mm"], [0, 5])
    assert "taken as axial" in table.attrs["notes"][0]


def test_a_slice_in_another_plane_is_noted(tmp_path):
    paths = write_series(tmp_path, [0, 5, 10, 15], SeriesInstanceUID="1.2.3.4")
    write_ct(paths[1], ImageOrientationPatient=tilted(), ImagePositionPatient=[0, 0, 5])
    write_ct(paths[2], ImageOrientationPatient=[1, 1e-5, 0, -1e-5, 1, 0])  # rounding
    table = sort_slices(read_header_table(paths))
    (note,) = table.attrs["notes"]
    assert note.startswith("1 slices in another plane")


def test_the_table_given_is_left_as_it_was(files):
    table = read_header_table(files[::-1])
    before = table.copy()
    sort_slices(table)
    pd.testing.assert_frame_equal(table, before)


def test_a_table_of_something_else_is_refused(files):
    table = read_header_table(files)
    with pytest.raises(ValueError, match="lacks orientation"):
        sort_slices(table.drop(columns="orientation"))
    with pytest.raises(ValueError, match="has no row"):
        sort_slices(table.iloc[:0])


def test_the_slices_of_a_real_head_run_from_base_to_vertex(real_data):
    paths = sorted((real_data / "headct/ge_head_dicom/In").rglob("*.dcm"))
    table = sort_slices(read_header_table(paths[::-1]))
    assert list(table["image"]) == [str(path) for path in paths]
    np.testing.assert_allclose(table["shear_degrees"], 18.5, atol=0.01)  # as its header declares
    # Planes are as far apart as they are thick; where the thickness changes they overlap.
    gaps = table["gap_mm"].to_numpy()[:-1]
    np.testing.assert_allclose(gaps[:13], 4, atol=0.01)
    np.testing.assert_allclose(gaps[14:], 7, atol=0.01)
    assert 1 < gaps[13] < 1.2
