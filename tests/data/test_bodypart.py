"""Radiographs of all body parts: headers against the truth, and rows to arrays."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from radiograph_maker import bone, write_radiograph, write_unifesp

from radiokit.data import bodypart
from radiokit.data.bodypart import (
    STUDY_LABELS,
    compare_headers,
    index_unifesp,
    read_bodypart_case,
    to_study_labels,
)
from radiokit.io import UnreadableFileError


def test_everything_of_the_study_is_found_here():
    for name in ("index_unifesp", "index_mdai", "STUDY_LABELS", "PUBLIC_LABELS", "label_mapping"):
        assert name in bodypart.__all__ and hasattr(bodypart, name)


# --- headers --------------------------------------------------------------------------------------


def truth(*pairs, labels=STUDY_LABELS):
    """A row for each pair of header and labels that are there."""
    rows = [
        {"body_part": header} | {label: int(label in shown) for label in labels}
        for header, shown in pairs
    ]
    return pd.DataFrame(rows)


def test_each_header_value_is_counted_as_written():
    table = truth(
        ("HAND", ["Hand", "Wrist"]),
        ("HAND", ["Hand"]),
        ("HAND", ["Knee"]),
        ("hand", ["Hand"]),
        ("", ["Chest"]),
        ("  ", ["Chest"]),
        ("EXTREMITY", ["Knee"]),
        ("EXTREMITY", ["Chest"]),
        ("ROOM 3", ["Chest"]),
    )
    result = compare_headers(table).set_index("header")
    counts = result[["images", "agree", "wrong", "vague", "empty"]]
    expected = {
        "HAND": [3, 2, 1, 0, 0],
        "hand": [1, 1, 0, 0, 0],
        "": [1, 0, 0, 0, 1],
        "  ": [1, 0, 0, 0, 1],
        "EXTREMITY": [2, 0, 1, 1, 0],
        "ROOM 3": [1, 0, 0, 1, 0],
    }
    assert {header: row.tolist() for header, row in counts.iterrows()} == expected
    assert result.loc["HAND", "share"] == pytest.approx(2 / 3)
    assert result.loc["HAND", "stands_for"] == "Hand" and result.loc["ROOM 3", "stands_for"] == ""
    assert result.index[0] == "HAND" and counts["images"].sum() == len(table)
    assert (counts.drop(columns="images").sum(axis=1) == counts["images"]).all()


def test_a_header_of_a_label_that_the_table_does_not_know_cannot_be_judged():
    public = truth(
        ("HUMERUS", ["Shoulder"]), labels=[x for x in STUDY_LABELS if x not in ("Arm", "Cavum")]
    )
    assert compare_headers(public)["vague"].tolist() == [1]
    unknown = truth(("HUMERUS", ["Shoulder"])).assign(Arm=np.nan)
    assert compare_headers(unknown)["vague"].tolist() == [1]


def test_missing_header_values_count_as_empty():
    table = truth(("HAND", ["Hand"]), ("HAND", ["Hand"]))
    table["body_part"] = [None, np.nan]
    assert compare_headers(table)[["header", "empty"]].to_numpy().tolist() == [["", 2]]


def test_a_table_without_headers_or_labels_is_refused():
    with pytest.raises(ValueError, match="columns case_id cannot be compared. Give rows with body"):
        compare_headers(pd.DataFrame({"case_id": [1]}))
    with pytest.raises(ValueError, match="A table of 0 rows"):
        compare_headers(truth(("HAND", ["Hand"])).iloc[:0])


# --- reading --------------------------------------------------------------------------------------


def row_of(path, **labels):
    return {"image": str(path)} | labels


def test_bone_is_bright_in_either_polarity_and_the_target_follows_the_labels(tmp_path):
    expected = bone() / 3000
    first = write_radiograph(tmp_path / "a.dcm")
    inverted = (3000 - bone()).astype(np.uint16)
    other = write_radiograph(tmp_path / "b.dcm", inverted, PhotometricInterpretation="MONOCHROME1")
    for path in (first, other):
        image, target = read_bodypart_case(
            row_of(path, Hand=1, Wrist=0, Arm=np.nan), (24, 18, 1), ["Wrist", "Hand", "Arm"]
        )
        np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)
        assert image.dtype == target.dtype == np.float32
        assert target.tolist() == [0, 1, -1]


def test_the_aspect_ratio_is_kept_and_the_rest_is_black(tmp_path):
    path = write_radiograph(tmp_path / "a.dcm", np.tile(np.uint16([2000, 3000]), (40, 10)))
    image, _ = read_bodypart_case(row_of(path), (32, 32), [])
    assert image.shape == (32, 32, 1)
    assert (image[:, :8] == 0).all() and (image[:, 24:] == 0).all()
    np.testing.assert_allclose(image[:, 9:23, 0].mean(), 0.5, atol=0.05)


def test_declared_padding_is_black_in_either_polarity(tmp_path):
    for number, photometric in enumerate(("MONOCHROME1", "MONOCHROME2")):
        stored = bone()
        stored[:4] = 4095
        path = write_radiograph(
            tmp_path / f"{number}.dcm",
            stored,
            PhotometricInterpretation=photometric,
            PixelPaddingValue=4095,
        )
        image, _ = read_bodypart_case(row_of(path), stored.shape, [])
        assert (image[:4] == 0).all() and image[4:].max() == 1


def test_prepared_pictures_read_like_the_films_they_come_from(tmp_path):
    Image.fromarray((bone() / 3000 * 255).astype(np.uint8)).save(tmp_path / "a.png")
    image, _ = read_bodypart_case(row_of(tmp_path / "a.png"), (24, 18), [])
    np.testing.assert_allclose(image[..., 0], bone() / 3000, atol=1 / 255)


def test_a_row_without_a_label_and_a_colour_image_are_refused(tmp_path):
    path = write_radiograph(tmp_path / "a.dcm")
    with pytest.raises(ValueError, match="has no label Hand"):
        read_bodypart_case(row_of(path), (8, 8), ["Hand"])
    rgb = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    path = write_radiograph(tmp_path / "rgb.dcm", rgb)
    with pytest.raises(UnreadableFileError, match="colour"):
        read_bodypart_case(row_of(path), (8, 8), [])


def test_a_public_table_is_read_for_a_network_of_25_labels(tmp_path):
    table = to_study_labels(index_unifesp(write_unifesp(tmp_path, ["9 21", "3"])))
    _, target = read_bodypart_case(table.iloc[0], (8, 8))
    assert target.shape == (25,)
    said = dict(zip(STUDY_LABELS, target.tolist(), strict=True))
    assert {label for label, value in said.items() if value == 1} == {"Hand", "Wrist"}
    assert {label for label, value in said.items() if value == -1} == {"Arm", "Cavum", "Sacroiliac"}
