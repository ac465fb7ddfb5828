"""Tests of what a record keeps of slides: pictures, maps of classes, histograms of pixels."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radiokit import metrics, plots, record, report
from radiokit.record import read_pixel_scores, read_slide_picture, slide_pictures

NAMES = {"model": "net", "split": "test", "case_id": "001", "patient_id": "007"}


@pytest.fixture
def started(tmp_path):
    """A record just opened."""
    rows = {"case_id": ["001"], "patient_id": ["007"], "image": ["nowhere.svs"]}
    table = pd.DataFrame(rows | {"is_phantom": True, "split": "test"})
    return report.start_record("02_breast_wsi", table, "quick", 0, {}, tmp_path)


def test_a_picture_comes_back_as_written(started):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    path = report.write_slide_picture(started, "TCGA/01 a", "slide", pixels)
    run = record.read_run(started.folder)
    assert path.parent.parent == started.folder / "slides"
    np.testing.assert_array_equal(read_slide_picture(run, "TCGA/01 a", "slide"), pixels)
    assert slide_pictures(run, "TCGA/01 a") == ["slide"] and slide_pictures(run, "b") == []


def test_a_map_keeps_its_classes_and_shows_their_colours(started):
    classes = np.array([[0, 1, 2], [3, 0, -1]])
    path = report.write_slide_picture(started, "a", "regions_cell_unet", classes)
    found = read_slide_picture(record.read_run(started.folder), "a", "regions_cell_unet")
    np.testing.assert_array_equal(found, [[0, 1, 2], [3, 0, 255]])
    with Image.open(path) as image:
        shown = np.asarray(image.convert("RGB")).reshape(-1, 3)
    expected = [tuple(bytes.fromhex(colour[1:])) for colour in plots.REGION_COLOURS.values()]
    assert [tuple(rgb) for rgb in shown[:4].tolist()] == expected


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64])
def test_a_mask_comes_back_as_zero_and_one(started, kind):
    mask = np.eye(5).astype(kind)
    report.write_slide_picture(started, "a", "tissue", mask)
    run = record.read_run(started.folder)
    np.testing.assert_array_equal(read_slide_picture(run, "a", "tissue"), np.eye(5))


def test_a_probability_comes_back_in_bytes_from_shares_and_from_bytes(started):
    shares = np.linspace(0, 1, 256).reshape(16, 16)
    run = record.read_run(started.folder)
    for pixels in (shares, shares.astype("float32"), np.arange(256).reshape(16, 16)):
        report.write_slide_picture(started, "a", "probability_benign", pixels)
        found = read_slide_picture(run, "a", "probability_benign")
        np.testing.assert_array_equal(found, np.arange(256).reshape(16, 16))


def test_pictures_that_are_none_raise(started):
    def write(name, shape, kind=np.uint8):
        report.write_slide_picture(started, "a", name, np.zeros(shape, kind))

    with pytest.raises(ValueError, match=r"'slide' is uint8 of shape \(4, 4, 4\)"):
        write("slide", (4, 4, 4))
    with pytest.raises(ValueError, match="'slide' is float64"):
        write("slide", (4, 4, 3), float)
    with pytest.raises(ValueError, match="5000 x 2 pixels.*at most 4096"):
        write("slide", (2, 5000, 3))
    with pytest.raises(ValueError, match="'truth' holds float64 numbers.*class of each pixel"):
        write("truth", (4, 4), float)
    assert not (started.folder / "slides").exists()
    with pytest.raises(FileNotFoundError, match="kept no such picture of this slide"):
        read_slide_picture(record.read_run(started.folder), "a", "slide")


def test_histograms_come_back_as_counted_without_their_empty_bins(started):
    truth = np.array([1, 1, 0, -1])
    bins = metrics.score_histogram(truth, np.array([0.9, 0.9, 0.1, 0.9]))
    report.write_pixel_scores(started, report.histogram_rows(NAMES | {"structure": "any"}, *bins))
    found = read_pixel_scores(record.read_run(started.folder))
    assert found[["bin", "positives", "negatives"]].to_numpy().tolist() == [[25, 0, 1], [230, 2, 0]]
    assert set(found["case_id"]) == {"001"}
    whole = pd.read_csv(started.folder / "pixel_scores.csv")
    assert whole["is_phantom"].all() and (whole["stamp"] == started.stamp).all()


def test_histograms_that_are_none_raise(started):
    rows = report.histogram_rows(NAMES | {"structure": "any"}, np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="no column structure, bin"):
        report.write_pixel_scores(started, rows.drop(columns=["structure", "bin"]))
    with pytest.raises(ValueError, match="no column model"):
        report.write_pixel_scores(started, rows.drop(columns="model"))
    with pytest.raises(ValueError, match=r"a bin outside 0\.\.255"):
        report.write_pixel_scores(started, rows.assign(bin=256))
    for count in (0.5, -1, np.nan):
        with pytest.raises(ValueError, match="no whole number of pixels"):
            report.write_pixel_scores(started, rows.assign(positives=count))
    assert not (started.folder / "pixel_scores.csv").exists()


def test_columns_of_counts_are_those_of_cases_csv(started):
    counts = metrics.confusion_counts([1, 1, 0, 0, -1], [1, 0, 1, 0, 1])
    columns = report.count_columns("lesion", counts)
    frame = pd.DataFrame([NAMES | columns])
    report.write_cases(started, frame)
    cases = record.read_run(started.folder).cases()
    assert record.counted_structures(cases) == record.structures_of(cases) == ["lesion"]
    found = cases[[f"{name}_lesion" for name in ("tp", "fp", "fn", "tn", "dice", "iou")]]
    assert found.iloc[0].tolist() == pytest.approx([1, 1, 1, 1, 0.5, 1 / 3])
