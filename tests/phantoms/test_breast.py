"""The breast phantoms: layout, lesions and inks as dealt, slides OpenSlide opens, determinism."""

import re
import tomllib
from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest
from phantom_files import files_below

from radiokit.data.breast import draw_regions, index_bach, index_hashi, read_aperio_xml
from radiokit.phantoms import breast
from radiokit.phantoms.folder import VERSION
from radiokit.phantoms.slide_ink import INK_COLOURS

SMALL = (1024, 768)
LESIONS = {"benign", "in_situ", "invasive"}


@pytest.fixture(scope="module")
def bach(tmp_path_factory) -> Path:
    """Five slides, drawn by several processes where there are several cores."""
    return breast.make_bach(tmp_path_factory.mktemp("phantoms") / "b", 5, seed=1, size_px=SMALL)


@pytest.fixture(scope="module")
def hashi(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("phantoms") / "h"
    return breast.make_hashi(root, 4, seed=1, size_px=(512, 384))


def grey(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def read_slide(path: Path) -> np.ndarray:
    with openslide.OpenSlide(path) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions))[..., :3]


# -- BACH ----------------------------------------------------------------------------------------


def test_every_patient_has_a_slide_outlines_and_a_mask_of_ink(bach):
    kinds = (("WSI", "svs"), ("WSI", "xml"), ("ink_masks", "png"))
    names = {f"{kind}/A0{k}.{ending}" for k in range(1, 6) for kind, ending in kinds}
    assert set(files_below(bach)) == names | {"PHANTOM.toml"}
    note = tomllib.loads((bach / "PHANTOM.toml").read_text(encoding="utf-8"))
    wanted = {"dataset": "bach", "version": VERSION, "seed": 1, "num_patients": 5}
    assert note == wanted | {"size_px": [1024, 768], "mpp_um": 0.25}


def test_slides_open_in_openslide_as_aperios_at_40x(bach):
    for path in (bach / "WSI").glob("*.svs"):
        with openslide.OpenSlide(path) as slide:
            assert slide.properties["openslide.vendor"] == "aperio"
            assert float(slide.properties["openslide.mpp-x"]) == 0.25
            assert float(slide.properties["openslide.objective-power"]) == 40
            assert slide.dimensions == SMALL
        corner = read_slide(path)[:40, :40].reshape(-1, 3)
        assert np.percentile(corner, 75, axis=0).min() > 200  # glass, be there dust or ink


def test_outlines_are_of_the_lesions_dealt_and_lie_on_the_slide(bach):
    for index in range(5):
        regions = read_aperio_xml(bach / "WSI" / f"A0{index + 1}.xml")
        assert {region.label for region in regions} == set(breast.lesions_of(index, 1))
        for region in regions:
            assert region.points.min() >= 0 and (region.points <= SMALL).all()
        share = (draw_regions(regions, (96, 128), 8.0) > 0).mean()
        assert 0.03 < share < 0.7 or not regions


def test_lesions_are_stained_darker_than_the_glass(bach):
    for index in range(5):
        pixels = read_slide(bach / "WSI" / f"A0{index + 1}.svs")[4::8, 4::8]
        lesion = draw_regions(read_aperio_xml(bach / "WSI" / f"A0{index + 1}.xml"), (96, 128), 8.0)
        ink = grey(bach / "ink_masks" / f"A0{index + 1}.png")
        green = pixels[..., 1][(lesion > 0) & (ink == 0)]
        assert not lesion.any() or np.median(green) < np.percentile(pixels[..., 1], 99) - 40


def test_masks_of_ink_hold_the_colours_dealt(bach):
    for index in range(5):
        mask = grey(bach / "ink_masks" / f"A0{index + 1}.png")
        assert mask.dtype == np.uint8 and mask.shape == (96, 128)
        found = {INK_COLOURS[value] for value in np.unique(mask)} - {"none"}
        assert found == set(breast.inks_of(index, 1))


def test_of_eight_patients_six_have_each_lesion_and_a_later_one_has_none():
    for seed in range(20):
        for block in range(2):
            dealt = [breast.lesions_of(8 * block + number, seed) for number in range(8)]
            assert all(sum(lesion in each for each in dealt) == 6 for lesion in LESIONS)
            assert dealt.count(()) == 1 and dealt.index(()) >= 3
            assert set().union(*dealt[:3]) == LESIONS


def test_of_eight_slides_five_have_ink_and_each_colour_is_among_them():
    for seed in range(20):
        for block in range(2):
            dealt = [breast.inks_of(8 * block + number, seed) for number in range(8)]
            assert sum(bool(colours) for colours in dealt) == 5
            assert {colours[0] for colours in dealt if colours} == set(INK_COLOURS[1:])
            assert all(len(set(colours)) == len(colours) <= 2 for colours in dealt)


def test_the_study_reads_the_phantom_as_it_reads_the_real_set(bach):
    table = index_bach(bach)
    assert list(table["case_id"]) == [f"A0{k}" for k in range(1, 6)] and table["is_phantom"].all()
    assert not table.attrs["unreadable"] and not table.attrs["unmatched"]
    assert (table["mpp_um"] == 0.25).all() and (table["magnification"] == 40).all()
    for index, row in table.iterrows():
        assert {name for name in LESIONS if row[name] == 1} == set(breast.lesions_of(index, 1))


def test_scanners_differ_in_contrast_and_keep_the_order_of_tones():
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    looks = [breast.scan(ramp, np.random.default_rng(seed)) for seed in range(5)]
    assert all((np.diff(look.astype(int), axis=1) >= 0).all() for look in looks)
    assert np.ptp([look[0, 128, 1] for look in looks]) > 3


# -- HASHI ---------------------------------------------------------------------------------------


def test_every_hospital_names_its_files_in_its_own_way(hashi):
    found = sorted(files_below(hashi))
    assert len(found) == 9
    patterns = [r"HUP_imgs_idx5_Part1/\d{4}_idx5.png", r"HUP_masks/\d{4}_annotation_mask.png",
                r"CWRU_imgs_idx8/\d{4}_idx8.png", r"CWRU_masks/\d{4}_idx8.png",
                r"CINJ_imgs_idx5/\d{4}_idx5.png", r"CINJ_masks_HG/\d{4}.png",
                r"TCGA_imgs_idx5/TCGA-PH-\d{4}-01Z-00-DX1_idx5.png",
                r"TCGA_masks/TCGA-PH-\d{4}-01Z-00-DX1_idx5.png"]  # fmt: skip
    for pattern in patterns:
        assert sum(bool(re.fullmatch(pattern, name)) for name in found) == 1


def test_masks_are_1_in_invasive_cancer_alone_and_those_of_one_hospital_a_pixel_larger(hashi):
    table = index_hashi(hashi)
    assert table["is_phantom"].all() and len(table) == 4 and not table.attrs["unreadable"]
    for row in table.itertuples():
        assert grey(Path(row.image)).shape == (384, 512, 3)
        mask = grey(Path(row.mask))
        extra = int(row.cohort == "CINJ")
        assert mask.shape == (384 + extra, 512 + extra) and mask.max() <= 1
        number = int(re.search(r"\d{4}", row.case_id).group())
        index = number - 1 if row.cohort == "TCGA" else number - 8001
        dealt = breast.lesions_of(index, 1, 72)
        assert bool(mask.any()) == ("invasive" in dealt) == bool(row.invasive)


def test_masks_lie_on_tissue(hashi):
    for row in index_hashi(hashi).itertuples():
        mask = grey(Path(row.mask))[:384, :512] > 0
        if mask.any():
            green = grey(Path(row.image))[..., 1]
            assert np.median(green[mask]) < np.median(green[:20, :20]) - 20


# -- determinism and errors ----------------------------------------------------------------------


def test_a_slide_is_the_same_however_many_there_are_and_wherever_it_is_drawn(bach, tmp_path):
    alone = breast.make_bach(tmp_path / "alone", 2, seed=1, size_px=SMALL)  # by this process
    few, more = ({name: value for name, value in files_below(root).items() if "/" in name}
                 for root in (alone, bach))  # fmt: skip
    assert len(few) == 6 and len(more) == 15 and few.items() <= more.items()


def test_another_seed_is_other_slides_and_another_size_another_phantom(bach, tmp_path):
    root = breast.make_bach(tmp_path / "b", 1, seed=2, size_px=SMALL)
    before = files_below(root)
    assert before["WSI/A01.svs"] != files_below(bach)["WSI/A01.svs"]
    stamp = (root / "WSI" / "A01.svs").stat().st_mtime_ns
    assert breast.make_bach(root, 1, seed=2, size_px=SMALL) == root
    assert (root / "WSI" / "A01.svs").stat().st_mtime_ns == stamp
    breast.make_bach(root, 1, seed=2, size_px=(1040, 768))
    assert read_slide(root / "WSI" / "A01.svs").shape == (768, 1040, 3)


@pytest.mark.parametrize("make", [breast.make_bach, breast.make_hashi])
def test_a_phantom_needs_a_patient_room_and_a_folder_of_its_own(make, tmp_path):
    with pytest.raises(ValueError, match="needs at least 1 patient"):
        make(tmp_path / "none", 0)
    with pytest.raises(ValueError, match=r"size_px is \(400, 300\)"):
        make(tmp_path / "tiny", 1, size_px=(400, 300))
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FileExistsError, match="will not be overwritten"):
        make(tmp_path, 2)
