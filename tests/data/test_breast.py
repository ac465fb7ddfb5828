"""BACH, HASHI and TCGA-BRCA: files in the published layouts to case tables."""

import shutil
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from radiokit.cards import check_copy, load_card
from radiokit.data.breast import index_bach, index_hashi, index_tcga
from radiokit.data.splits import split_by_patient
from radiokit.io.pyramids import write_pyramid

WIDTH, HEIGHT = 320, 256
BOX = [(10, 10), (90, 10), (90, 60), (10, 60)]
BARCODE = "TCGA-A2-A0CL-01Z-00-DX1"
UUID = "5342E971-DCD2-42C4-B4FF-E6942A95829E"
LESIONS = ["benign", "in_situ", "invasive"]


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """Two slides, one of which does not say its resolution."""
    folder = tmp_path_factory.mktemp("slides")
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    write_pyramid(folder / "full.svs", pixels, mpp_um=0.25, magnification=40, kind="aperio")
    write_pyramid(folder / "bare.svs", pixels, kind="aperio")
    return folder


def put_slide(slides, path, name="full"):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(slides / f"{name}.svs", path)


def write_outlines(path, *regions, mpp="0.25"):
    found = "".join(
        f'<Region Id="{number}" Type="0" Text="{text}" NegativeROA="0"><Attributes/><Vertices>'
        + "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in points)
        + "</Vertices></Region>"
        for number, (text, points) in enumerate(regions, start=1)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<Annotations MicronsPerPixel="{mpp}"><Annotation Id="1"><Regions>{found}</Regions>'
        "</Annotation></Annotations>",
        "utf-8",
    )


@pytest.fixture
def bach(slides, tmp_path):
    wsi = tmp_path / "bach" / "ICIAR2018_BACH_Challenge" / "WSI"
    regions = [("Benign", BOX), ("Carcinoma in situ ", BOX), ("Invasive carcinoma", BOX)]
    for number in (1, 2, 3):
        put_slide(slides, wsi / f"A{number:02d}.svs")
        write_outlines(wsi / f"A{number:02d}.xml", *regions[:number])
    put_slide(slides, wsi / "07.svs")
    cv2.imwrite(str(wsi / "A01_thumb.png"), np.zeros((4, 4, 3), np.uint8))
    return wsi


def test_bach_becomes_a_table_of_slides_with_the_lesions_outlined_on_them(bach):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = index_bach(bach.parents[1])
    assert table["case_id"].tolist() == ["07", "A01", "A02", "A03"]
    assert table["patient_id"].equals(table["case_id"]) and set(table["dataset"]) == {"bach"}
    assert table["annotation"].tolist() == ["", *(str(bach / f"A0{i}.xml") for i in (1, 2, 3))]
    assert table["image"].tolist() == [str(bach / f"{name}.svs") for name in table["case_id"]]
    assert table[LESIONS].iloc[0].isna().all()
    assert table[LESIONS].iloc[1:].to_numpy().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert set(table["mpp_um"]) == {0.25} and set(table["magnification"]) == {40}
    assert set(table["width_px"]) == {WIDTH} and set(table["height_px"]) == {HEIGHT}
    assert not table["is_phantom"].any()
    assert table.attrs["unreadable"] == table.attrs["unmatched"] == []
    assert "1 slides have no outlines: 07" in table.attrs["notes"]
    assert table.attrs["patient_key"].startswith("slide (patients are not published")


def test_the_layout_of_the_card_is_the_layout_that_is_read(bach):
    problems = check_copy(load_card("bach"), bach.parents[1])
    assert len(problems) == 2 and problems[0].startswith("slides: 3 of 10 found; missing: A04")
    (bach.parents[1] / "PHANTOM.toml").write_text("num_patients = 3\nseed = 0\n", "utf-8")
    assert check_copy(load_card("bach"), bach.parents[1]) == []
    assert index_bach(bach)["is_phantom"].all()


def test_slides_and_outlines_without_their_partner_are_said(bach):
    (bach / "A01.xml").rename(bach / "A04.xml")
    with pytest.warns(UserWarning, match="2 slides or outlines have no partner"):
        table = index_bach(bach)
    assert table.attrs["unmatched"] == ["A04.xml has no slide", "A01.svs has no outlines"]
    assert table.set_index("case_id").loc["A01", LESIONS].isna().all()


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (("Necrosis", BOX), "A02.xml: region 1 has the class 'Necrosis'"),
        (("Benign", BOX[:2]), "A02.xml: region 1 .benign. has 2 points, which enclose no area"),
    ],
)
def test_a_slide_whose_outlines_cannot_be_read_is_listed_and_left_out(bach, region, reason):
    write_outlines(bach / "A02.xml", region)
    with pytest.warns(UserWarning, match=f"1 files are left out .{reason}"):
        table = index_bach(bach)
    assert table["case_id"].tolist() == ["07", "A01", "A03"] and table.attrs["unmatched"] == []


def test_broken_slides_and_broken_outlines_are_listed_and_left_out(bach):
    (bach / "A01.svs").write_bytes((bach / "A01.svs").read_bytes()[:100])
    (bach / "A02.xml").write_text("<Annotations>\n<Annotation>", "utf-8")
    with pytest.warns(UserWarning, match="2 files are left out"):
        table = index_bach(bach)
    assert table["case_id"].tolist() == ["07", "A03"]
    first, second = table.attrs["unreadable"]
    assert first.startswith("A01.svs: ") and second.startswith("A02.xml: line 2 is no valid XML")


def test_where_no_slide_can_be_used_the_reason_is_the_error(slides, tmp_path):
    (tmp_path / "A01.svs").write_bytes(b"no slide")
    with pytest.raises(ValueError, match="No slide can be used: A01.svs: "):
        index_bach(tmp_path)
    (tmp_path / "A01.svs").unlink()
    with pytest.raises(FileNotFoundError, match="No films of BACH(.|\n)*A01.svs(.|\n)*zenodo"):
        index_bach(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder. Give the folder of a copy"):
        index_bach(tmp_path / "missing")


def test_two_slides_of_one_name_are_refused(bach, slides):
    put_slide(slides, bach / "again" / "a01.SVS")
    with pytest.raises(ValueError, match="Two files claim A01"):
        index_bach(bach)


def test_a_slide_without_a_resolution_is_unknown_and_its_outlines_word_is_noted(bach, slides):
    put_slide(slides, bach / "A01.svs", "bare")
    write_outlines(bach / "A02.xml", ("Benign", BOX), mpp="0.467")
    table = index_bach(bach).set_index("case_id")
    assert np.isnan(table.loc["A01", "mpp_um"]) and table.loc["A02", "mpp_um"] == 0.25
    notes = table.attrs["notes"]
    assert "A01.xml: drawn at 0.25 µm per pixel, the slide says none" in notes
    assert "A02.xml: drawn at 0.467 µm per pixel, the slide says 0.25" in notes


def test_outlines_that_leave_their_slide_are_noted(bach):
    far = [(x + 4000, y) for x, y in BOX]
    half = [(x + WIDTH - 50, y) for x, y in BOX]
    write_outlines(bach / "A02.xml", ("Benign", BOX), ("Benign", half), ("Benign", far))
    notes = index_bach(bach).attrs["notes"]
    assert "A02.xml: 1 outlines leave the slide and are cut off at its edge" in notes
    assert "A02.xml: 1 outlines lie wholly outside: are they this slide's?" in notes


# --- HASHI ---


def write_picture(path, shape=(60, 80), value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, 200, np.uint8)
    if "mask" in path.as_posix():
        pixels = np.zeros(shape, np.uint8)
        pixels[10:20, 10:30] = value
    cv2.imwrite(str(path), pixels)


@pytest.fixture
def hashi(tmp_path):
    root, slide = tmp_path / "hashi", f"{BARCODE}.{UUID}.png"
    for image, mask, value in (
        ("HUP_imgs_idx5_Part1/8863_idx5.png", "HUP_masks/8863_annotation_mask.png", 1),
        ("HUP_imgs_idx5_Part2/12751_idx5.png", "HUP_masks/12751_annotation_mask.png", 1),
        ("CINJ_imgs_idx5/CINJ_imgs_idx5/8863_idx5.png", "CINJ_masks_HG/CINJ_masks_HG/8863.png", 1),
        ("CWRU_imgs_idx8/9077_idx8.png", "CWRU_masks/9077_idx8.png", 0),
        (f"TCGA_imgs_idx5/{slide}", f"TCGA_masks/{slide}", 1),
    ):
        write_picture(root / image)
        write_picture(root / mask, value=value)
    return root


def test_hashi_becomes_a_table_of_pictures_and_masks_in_its_ways_of_naming(hashi):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = index_hashi(hashi)
    cases = ["CINJ_8863", "CWRU_9077", "HUP_8863", "HUP_12751", f"{BARCODE}.{UUID}"]
    assert table["case_id"].tolist() == cases
    assert table["patient_id"].tolist() == [*cases[:4], "TCGA-A2-A0CL"]
    assert table["cohort"].tolist() == ["CINJ", "CWRU", "HUP", "HUP", "TCGA"]
    assert table["invasive"].tolist() == [1, 0, 1, 1, 1]
    assert table[["benign", "in_situ", "mpp_um", "magnification"]].isna().all(axis=None)
    assert set(table["width_px"]) == {80} and set(table["height_px"]) == {60}
    assert set(table["annotation"]) == {""} and set(table["dataset"]) == {"hashi"}
    for image, mask in zip(table["image"], table["mask"], strict=True):
        assert "_imgs_" in image and "_masks" in mask
        assert Path(image).stem.split("_")[0] == Path(mask).stem.split("_")[0]


def test_the_card_of_hashi_pairs_the_same_files(hashi):
    (hashi / "PHANTOM.toml").write_text("seed = 0\n", "utf-8")
    assert check_copy(load_card("hashi"), hashi) == []
    (hashi / "CWRU_masks" / "9077_idx8.png").unlink()
    assert "missing: 9077_idx8" in check_copy(load_card("hashi"), hashi)[0]


def test_a_mask_of_another_size_is_left_out_but_for_one_pixel(hashi):
    write_picture(hashi / "HUP_masks" / "8863_annotation_mask.png", (61, 79), 1)
    assert any(
        "8863_annotation_mask.png: one pixel larger" in note
        for note in index_hashi(hashi).attrs["notes"]
    )
    write_picture(hashi / "HUP_masks" / "8863_annotation_mask.png", (62, 80), 1)
    with pytest.warns(
        UserWarning, match="it is 80 x 62 pixels, its image 8863_idx5.png is 80 x 60"
    ):
        table = index_hashi(hashi)
    assert "HUP_8863" not in table["case_id"].tolist()


def test_pictures_without_their_mask_or_their_hospital_are_said(hashi):
    (hashi / "CWRU_masks" / "9077_idx8.png").unlink()
    write_picture(hashi / "HUP_masks" / "1_annotation_mask.png")
    write_picture(hashi / "mine" / "1.png")
    with pytest.warns(UserWarning, match="3 images or masks have no partner"):
        table = index_hashi(hashi)
    assert len(table) == 4
    assert table.attrs["unmatched"] == [
        "9077_idx8.png has no mask",
        "1_annotation_mask.png has no image",
        "mine/1.png lies in no folder of HUP, CWRU, CINJ, TCGA",
    ]


def test_hashi_without_pictures_or_with_two_of_one_case_is_refused(hashi, tmp_path):
    write_picture(hashi / "HUP_imgs_idx5_Part2" / "8863_idx5.png")
    with pytest.raises(ValueError, match="Two files claim HUP 8863"):
        index_hashi(hashi)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="No films of HASHI"):
        index_hashi(tmp_path / "empty")


def test_a_damaged_picture_is_listed(hashi):
    (hashi / "CWRU_imgs_idx8" / "9077_idx8.png").write_bytes(b"\x89PNG broken")
    with pytest.warns(UserWarning, match="1 files are left out .9077_idx8.png: "):
        assert len(index_hashi(hashi)) == 4


# --- TCGA-BRCA ---


@pytest.fixture
def tcga(slides, tmp_path):
    root = tmp_path / "tcga"
    for folder, name in (
        ("a", f"{BARCODE}.{UUID}"),
        ("b", f"{BARCODE[:-1]}2.0A"),
        ("c", "TCGA-BH-A18H-01Z-00-DX1.0B"),
        ("d", "TCGA-BH-A18H-01A-01-TSA.0C"),
    ):
        put_slide(slides, root / folder / f"{name}.svs")
    return root


def test_tcga_becomes_a_table_of_diagnostic_slides_by_patient(tcga):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = index_tcga(tcga)
    assert table["patient_id"].tolist() == ["TCGA-A2-A0CL", "TCGA-A2-A0CL", "TCGA-BH-A18H"]
    assert table["case_id"].tolist()[0] == f"{BARCODE}.{UUID}" and len(table) == 3
    assert set(table["annotation"]) == set(table["mask"]) == {""}
    assert table[LESIONS].isna().all(axis=None) and set(table["dataset"]) == {"tcga_brca"}
    assert "1 slides of frozen tissue are left out" in table.attrs["notes"]
    split = split_by_patient(table, {"train": 0.5, "test": 0.5}, seed=0)
    assert split.groupby("patient_id")["split"].nunique().max() == 1


def test_outlines_and_masks_of_ones_own_are_joined_by_name_or_barcode(tcga, tmp_path):
    extra = tmp_path / "extra"
    write_outlines(extra / f"{BARCODE}.{UUID}.xml", ("Tumor", BOX))
    write_outlines(extra / "TCGA-BH-A18H-01Z-00-DX1.xml", ("Tumor", BOX))
    write_outlines(extra / "TCGA-ZZ-ZZZZ-01Z-00-DX1.xml", ("Tumor", BOX))
    write_picture(extra / "masks" / f"{BARCODE}.{UUID}_mask.png")
    with pytest.warns(UserWarning, match="1 files have no partner .TCGA-ZZ-ZZZZ"):
        table = index_tcga(tcga, extra, names={"Tumor": "invasive"})
    assert table["invasive"].fillna(-1).tolist() == [1, -1, 1]
    assert [Path(name).name for name in table["mask"]] == [f"{BARCODE}.{UUID}_mask.png", "", ""]
    with pytest.warns(UserWarning, match="2 files are left out .*the class 'Tumor'"):
        assert len(index_tcga(tcga, extra)) == 1


def test_unfinished_downloads_and_other_names_are_said(tcga, slides):
    (tcga / "e").mkdir()
    (tcga / "e" / "TCGA-BH-A0BO-01Z-00-DX1.0D.svs.partial").write_bytes(b"II")
    put_slide(slides, tcga / "mine.svs")
    with pytest.warns(UserWarning, match="1 files are left out .*not all of it was downloaded"):
        table = index_tcga(tcga)
    assert table.attrs["unmatched"] == ["mine.svs has no barcode of TCGA"]


def test_a_folder_without_diagnostic_slides_is_refused(slides, tmp_path):
    put_slide(slides, tmp_path / "mine.svs")
    with pytest.raises(ValueError, match="None of 1 slides .* is a diagnostic slide of TCGA.*mine"):
        index_tcga(tmp_path)


# --- real slides ---


def test_real_slides_are_indexed_and_the_broken_one_is_listed(real_data):
    folder = real_data / "histology" / "slides"
    with pytest.warns(UserWarning, match="1 files are left out .broken.svs"):
        table = index_bach(folder).set_index("case_id")
    assert table.loc["cmu-1-small-region", ["mpp_um", "magnification"]].tolist() == [0.499, 20]
    assert np.isnan(table.loc["tcga-cr-7395-01a-01-ts1", "mpp_um"])
