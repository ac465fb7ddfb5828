"""Slides to tables of tiles, a balanced choice of them, and tiles to arrays."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import tifffile

from radiokit.data import open_slides
from radiokit.data.breast_regions import REGION_CLASSES
from radiokit.data.tiles import balance_tiles, index_tiles, keep_slides_open, read_tile_case

MPP_UM = 0.5
WIDTH, HEIGHT = 1600, 1200
TISSUE = (slice(320, 960), slice(320, 1280))  # rows, columns
IN_SITU = [(320, 320), (640, 320), (640, 640), (320, 640)]
INVASIVE = [(480, 320), (800, 320), (800, 480), (480, 480)]  # over a part of it
INK = (slice(0, 1200), slice(1120, 1216))


def drawn_slide():
    """White glass, pink tissue with nuclei, and a stroke of black pen from top to bottom."""
    rng = np.random.default_rng(0)
    pixels = np.full((HEIGHT, WIDTH, 3), 244, np.uint8)
    pixels[TISSUE] = (214, 140, 190)
    nuclei = rng.random((HEIGHT // 8, WIDTH // 8)) < 0.15
    pixels[np.kron(nuclei, np.ones((8, 8), bool)) & (pixels[..., 1] == 140)] = (110, 70, 150)
    return pixels


def write_slide(path, pixels, mpp_um=MPP_UM):
    known = {"resolution": (1e4 / mpp_um,) * 2, "resolutionunit": "CENTIMETER"} if mpp_um else {}
    options = {"photometric": "rgb", "tile": (128, 128), "compression": "adobe_deflate"}
    tifffile.imwrite(path, pixels, metadata=None, **options, **known)
    return str(path)


def write_annotation(path):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*points, points[0]]]},
            "properties": {"objectType": "annotation", "classification": {"name": name}},
        }
        for name, points in (("invasive", INVASIVE), ("in_situ", IN_SITU))
    ]
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """One clean slide with annotation, and the same with pen and without."""
    folder = tmp_path_factory.mktemp("slides")
    pixels = drawn_slide()
    clean = write_slide(folder / "clean.tif", pixels)
    pixels[INK] = (20, 20, 24)
    inked = write_slide(folder / "inked.tif", pixels)
    rows = [
        {"case_id": "clean", "patient_id": "p0", "image": clean, "mpp_um": MPP_UM},
        {"case_id": "inked", "patient_id": "p1", "image": inked, "mpp_um": np.nan},
    ]
    table = pd.DataFrame(rows).assign(dataset="drawn", is_phantom=True)
    table["annotation"] = [write_annotation(folder / "clean.geojson"), ""]
    return table


@pytest.fixture(scope="module")
def tiles(table):
    """Tiles of 160 level-0 pixels: every edge of tissue and outlines lies on their grid."""
    return index_tiles(
        table, mpp_um=1.0, tile_px=80, least_tissue=0.0, most_ink=1.0, progress=False
    )


def overlap_share(tile, box):
    """Share of a tile of 160 pixels that lies in left, top, right, bottom."""
    left, top, right, bottom = box
    across = min(tile["tile_x_px"] + 160, right) - max(tile["tile_x_px"], left)
    down = min(tile["tile_y_px"] + 160, bottom) - max(tile["tile_y_px"], top)
    return max(across, 0) * max(down, 0) / 160**2


# --- index ----------------------------------------------------------------------------------------


def test_every_tile_is_named_by_its_place_and_keeps_its_slides_columns(tiles):
    clean = tiles[tiles["slide_id"] == "clean"]
    assert len(clean) == 10 * 8 and clean["case_id"].is_unique  # 1200 pixels: the last row is moved
    assert set(clean["tile_y_px"]) == {0, 160, 320, 480, 640, 800, 960, 1040}
    first = clean.iloc[13]
    assert first["case_id"] == f"clean_{first['tile_x_px']}_{first['tile_y_px']}"
    assert (first["mpp_um"], first["slide_mpp_um"], first["patient_id"]) == (1.0, MPP_UM, "p0")
    assert set(tiles["is_phantom"]) == {True} and set(tiles["dataset"]) == {"drawn"}


def test_shares_of_classes_follow_from_geometry_and_precedence(tiles):
    clean = tiles[tiles["slide_id"] == "clean"]
    for _, tile in clean.iterrows():
        invasive = overlap_share(tile, (480, 320, 800, 480))
        in_situ = overlap_share(tile, (320, 320, 640, 640)) - overlap_share(
            tile, (480, 320, 640, 480)
        )
        expected = {"benign": 0, "in_situ": in_situ, "invasive": invasive}
        expected["background"] = 1 - in_situ - invasive
        for name, share in expected.items():
            assert tile[f"share_{name}"] == pytest.approx(share, abs=1e-9)
    inked = tiles[tiles["slide_id"] == "inked"]
    assert inked[[f"share_{name}" for name in REGION_CLASSES]].isna().all(axis=None)


def test_shares_of_tissue_and_ink_are_those_that_were_drawn(tiles):
    edge = 48  # 24 um, by which tissue's outline may be off
    for _, tile in tiles.iterrows():
        least = overlap_share(tile, (320 + edge, 320 + edge, 1280 - edge, 960 - edge))
        most = overlap_share(tile, (320 - edge, 320 - edge, 1280 + edge, 960 + edge))
        ink = overlap_share(tile, (1120, 0, 1216, 1200)) if tile["slide_id"] == "inked" else 0
        assert tile["share_ink"] == pytest.approx(ink, abs=0.25)
        if tile["slide_id"] == "clean":
            assert tile["share_ink"] == 0
        assert least - tile["share_ink"] - 0.01 <= tile["share_tissue"] <= most + 0.01


def test_only_tiles_with_tissue_and_without_ink_are_kept(table):
    kept = index_tiles(table, mpp_um=1.0, tile_px=80, progress=False)
    for _, tile in kept.iterrows():
        assert overlap_share(tile, (320, 320, 1280, 960)) >= 0.4
        assert tile["share_ink"] <= 0.1
        if tile["slide_id"] == "inked":
            assert overlap_share(tile, (1120, 0, 1216, 1200)) < 0.2
    assert (kept["slide_id"] == "clean").sum() == 6 * 4
    overlapping = index_tiles(table[:1], mpp_um=1.0, tile_px=80, overlap=0.5, progress=False)
    assert len(overlapping) > 3 * (kept["slide_id"] == "clean").sum()


def test_a_slide_that_cannot_be_read_is_left_out_and_listed(table, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 no slide")
    row = table.iloc[0].to_dict() | {"case_id": "broken", "image": str(broken)}
    both = pd.concat([table[:1], pd.DataFrame([row])], ignore_index=True)
    with pytest.warns(UserWarning, match="1 files are left out .*broken.tif"):
        found = index_tiles(both, mpp_um=1.0, tile_px=80, progress=False)
    assert set(found["slide_id"]) == {"clean"} and len(found.attrs["unreadable"]) == 1


def test_a_slide_without_microns_takes_the_tables_or_is_refused(tmp_path):
    path = write_slide(tmp_path / "unknown.tif", drawn_slide(), mpp_um=None)
    row = {"case_id": "u", "patient_id": "u", "image": path, "mpp_um": np.nan}
    with pytest.raises(ValueError, match="unknown.tif does not say its microns per pixel"):
        index_tiles(pd.DataFrame([row]), mpp_um=1.0, tile_px=80, progress=False)
    told = index_tiles(pd.DataFrame([row | {"mpp_um": MPP_UM}]), 1.0, 80, progress=False)
    assert len(told) == 6 * 4 and set(told["slide_mpp_um"]) == {MPP_UM}
    assert read_tile_case(told.iloc[0], 80)[0].shape == (80, 80, 3)


def test_arguments_that_leave_nothing_are_refused(table, tmp_path):
    glass = write_slide(tmp_path / "glass.tif", np.full((400, 400, 3), 244, np.uint8))
    with pytest.raises(ValueError, match="None of 1 slides has a tile of 80 pixels at 1 um"):
        index_tiles(table[:1].assign(image=glass), 1.0, 80, progress=False)
    with pytest.raises(ValueError, match="least_tissue is 2"):
        index_tiles(table, 1.0, 80, least_tissue=2)
    with pytest.raises(ValueError, match="0 rows"):
        index_tiles(table[:0], 1.0)


# --- reading --------------------------------------------------------------------------------------


def tile_at(tiles, slide_id, x, y):
    is_it = (tiles["slide_id"] == slide_id) & (tiles["tile_x_px"] == x) & (tiles["tile_y_px"] == y)
    return tiles[is_it].iloc[0]


def test_a_tile_is_the_mean_of_its_pixels_and_the_classes_drawn_there(tiles):
    image, target = read_tile_case(tile_at(tiles, "clean", 480, 320), 80)
    pixels = drawn_slide()[320:480, 480:640].astype(float)
    expected = pixels.reshape(80, 2, 80, 2, 3).mean(axis=(1, 3)) / 255
    assert image.dtype == target.dtype == np.float32
    assert np.abs(image - expected).max() <= 0.51 / 255
    assert target.shape == (80, 80, 4) and (target[..., 3] == 1).all() and target.sum() == 80 * 80
    _, below = read_tile_case(tile_at(tiles, "clean", 480, 480), 80)
    assert (below[..., 2] == 1).all()


def test_a_lesion_is_any_of_the_three(tiles):
    row = tile_at(tiles, "clean", 320, 320).copy()
    row["tile_x_px"], row["tile_y_px"] = 240, 240  # a quarter of it is lesion
    _, target = read_tile_case(row, 80, target="lesion")
    expected = np.zeros((80, 80, 1))
    expected[40:, 40:] = 1
    np.testing.assert_array_equal(target, expected)


def test_beyond_the_slide_nothing_is_known_and_the_picture_is_white(tiles):
    row = tile_at(tiles, "clean", 320, 320).copy()
    row["tile_x_px"], row["tile_y_px"] = WIDTH - 60, HEIGHT - 100
    image, target = read_tile_case(row, 80)
    assert (image[50:] == 1).all() and (image[:, 30:] == 1).all() and (image[:50, :30] < 1).all()
    assert (target[50:] == -1).all() and (target[:, 30:] == -1).all()
    assert (target[:50, :30, 0] == 1).all()


def test_pixels_under_ink_are_unknown(tiles, table):
    row = tile_at(tiles, "inked", 1120, 480).copy()
    row["annotation"] = table["annotation"][0]
    assert row["share_ink"] > 0.4
    _, target = read_tile_case(row, 80, target="lesion")
    assert (target[:, 4:44] == -1).all() and (target[:, -8:] == 0).all()


def test_without_annotation_every_pixel_is_unknown(tiles):
    row = tile_at(tiles, "inked", 320, 320)
    for empty in ("", np.nan):
        image, target = read_tile_case({**row, "annotation": empty}, 80)
        assert (target == -1).all() and image.max() <= 1


def test_another_target_is_refused(tiles):
    with pytest.raises(ValueError, match="target is 'nuclei'; needed is one of regions, lesion"):
        read_tile_case(tiles.iloc[0], 80, target="nuclei")


# --- slides kept open -----------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """Slides opened, and those closed, during a test."""
    log, open_slide = {"opened": [], "closed": []}, open_slides.open_slide

    def logging_open(path, mpp_um=None):
        slide = open_slide(path, mpp_um)
        log["opened"].append(slide)
        close = slide.close
        slide.close = lambda: (log["closed"].append(slide), close())
        return slide

    monkeypatch.setattr(open_slides, "open_slide", logging_open)
    return log


def test_kept_open_a_slide_is_opened_once_and_closed_at_the_end(tiles, opened):
    rows = [row for _, row in tiles.iloc[:40].iterrows()]
    alone = [read_tile_case(row, 80) for row in rows[:3]]
    assert len(opened["opened"]) == len(opened["closed"]) == 3
    with keep_slides_open() as slides:
        together = [read_tile_case(row, 80, slides=slides) for row in rows]
        assert len(opened["opened"]) == 4 and len(opened["closed"]) == 3
    assert len(opened["closed"]) == 4
    for one, other in zip(alone, together[:3], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    with pytest.raises(ValueError, match="Read inside the block"):
        read_tile_case(rows[0], 80, slides=slides)


def test_threads_share_slides_without_sharing_a_handle(tiles, opened):
    rows = [row for _, row in tiles.iloc[::3].iterrows()]
    expected = [read_tile_case(row, 80)[0] for row in rows]
    opened["opened"].clear(), opened["closed"].clear()
    with keep_slides_open(limit=4) as slides, ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda row: read_tile_case(row, 80, slides=slides)[0], rows))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(opened["opened"]) <= 6 and len(opened["closed"]) == len(opened["opened"])


def test_no_more_slides_are_kept_than_asked(tiles, opened):
    rows = [tile_at(tiles, name, 320, 320) for name in ("clean", "inked", "clean")]
    with keep_slides_open(limit=1) as slides:
        for row in rows:
            read_tile_case(row, 80, slides=slides)
            assert len(slides.idle) == 1
    assert len(opened["opened"]) == len(opened["closed"]) == 3
    with pytest.raises(ValueError, match="limit is 0"), keep_slides_open(0):
        pass


# --- balance --------------------------------------------------------------------------------------


def many_tiles(counts, slides=3):
    """Tiles wholly of one class, over several slides."""
    names = [name for name, count in counts.items() for _ in range(count)]
    tiles = pd.DataFrame({"case_id": [f"t{place}" for place in range(len(names))]})
    tiles["slide_id"] = [f"s{place % slides}" for place in range(len(names))]
    for name in REGION_CLASSES:
        tiles[f"share_{name}"] = [float(one == name) for one in names]
    return tiles


def test_classes_are_chosen_equally_often_and_slides_take_turns():
    tiles = many_tiles({"background": 900, "benign": 60, "in_situ": 90, "invasive": 300})
    chosen = balance_tiles(tiles, 120, seed=0)
    assert chosen["balance_class"].value_counts().to_dict() == dict.fromkeys(REGION_CLASSES, 30)
    assert set(chosen.groupby(["balance_class", "slide_id"]).size()) == {10}
    assert chosen["case_id"].is_unique
    again = balance_tiles(tiles, 120, seed=0)
    pd.testing.assert_frame_equal(chosen, again)
    assert set(balance_tiles(tiles, 120, seed=1)["case_id"]) != set(chosen["case_id"])


def test_a_scarce_class_gives_all_and_the_others_share_the_rest():
    tiles = many_tiles({"background": 900, "benign": 6, "in_situ": 20, "invasive": 300})
    counts = balance_tiles(tiles, 100, seed=0)["balance_class"].value_counts().to_dict()
    assert counts == {"benign": 6, "in_situ": 20, "invasive": 37, "background": 37}
    assert len(balance_tiles(tiles, 5000, seed=0)) == len(tiles)


def test_a_tile_counts_for_its_rarest_class():
    tiles = many_tiles({"background": 50, "benign": 3, "in_situ": 0, "invasive": 20})
    tiles.loc[:1, ["share_background", "share_benign"]] = [0.7, 0.3]  # now benign by a third
    tiles.loc[2:3, ["share_background", "share_benign"]] = [0.8, 0.2]  # too little
    chosen = balance_tiles(tiles, 70, seed=0)
    kinds = chosen.set_index("case_id")["balance_class"]
    assert kinds[["t0", "t1"]].tolist() == ["benign", "benign"]
    assert kinds[["t2", "t3"]].tolist() == ["background", "background"]
    assert len(balance_tiles(tiles, 70, seed=0, classes=("benign", "invasive"))) == 25


def test_tiles_of_several_splits_or_unknown_classes_are_refused(tiles):
    mixed = many_tiles({"background": 4, "benign": 4}).assign(split=["train", "test"] * 4)
    with pytest.raises(ValueError, match="of 2 splits. Balance the training tiles only"):
        balance_tiles(mixed, 4, seed=0)
    with pytest.raises(ValueError, match="shares of some tiles are not known"):
        balance_tiles(tiles, 4, seed=0)
    with pytest.raises(ValueError, match="share_stroma are not known"):
        balance_tiles(mixed, 4, seed=0, classes=("stroma",))
    with pytest.raises(ValueError, match="number is 0"):
        balance_tiles(mixed, 0, seed=0)
