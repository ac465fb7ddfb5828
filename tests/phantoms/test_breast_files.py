"""How phantom slides lie on disk: outlines as BACH's readers expect them, pyramids, masks."""

import xml.etree.ElementTree as ET

import cv2
import numpy as np
import openslide
import pytest

from radiokit.data.breast import draw_regions, index_bach, read_aperio_xml
from radiokit.data.breast_regions import Region
from radiokit.phantoms.breast_files import (
    draw_mask,
    write_aperio_xml,
    write_mask,
    write_picture,
    write_slide,
)

SQUARE = np.array([(100.0, 200.0), (500.0, 200.0), (500.0, 600.0), (100.0, 600.0)])
HOLE = np.array([(200.0, 300.0), (300.0, 300.0), (300.0, 400.0), (200.0, 400.0)])
TRIANGLE = np.array([(700.2, 100.4), (900.4, 100.3), (700.1, 300.4)])
REGIONS = [("invasive", SQUARE, (HOLE,)), ("benign", TRIANGLE, ()), ("in_situ", SQUARE + 600, ())]


def read_as_published(path):
    """Class and corners by position in the file, as the challenge's own script finds them."""
    root = ET.parse(path).getroot()
    found = []
    for region in root[0][1].findall("Region"):
        attributes, vertices = region[0], region[1]
        label = attributes[0].get("Value") if len(attributes) else region.get("Text")
        found.append((label, [(int(v.get("X")), int(v.get("Y"))) for v in vertices], region))
    return float(root.get("MicronsPerPixel")), found


@pytest.mark.parametrize("in_attributes", [True, False])
def test_outlines_are_found_where_published_readers_look(tmp_path, in_attributes):
    write_aperio_xml(tmp_path / "a.xml", REGIONS, 0.25, in_attributes)
    mpp_um, found = read_as_published(tmp_path / "a.xml")
    assert mpp_um == 0.25
    labels = [label for label, _, _ in found]
    assert labels == ["Invasive carcinoma", "", "Benign", "Carcinoma in situ"]
    assert found[0][1] == [(100, 200), (500, 200), (500, 600), (100, 600)]
    assert found[2][1] == [(700, 100), (900, 100), (700, 300)]
    assert bool(found[0][2].get("Text")) != in_attributes


def test_a_hole_is_marked_negative_and_names_its_region(tmp_path):
    write_aperio_xml(tmp_path / "a.xml", REGIONS, 0.25)
    regions = [region for _, _, region in read_as_published(tmp_path / "a.xml")[1]]
    assert [region.get("NegativeROA") for region in regions] == ["0", "1", "0", "0"]
    assert regions[1].get("InputRegionId") == regions[0].get("Id")
    assert len({region.get("Id") for region in regions}) == 4


def test_measures_are_those_of_a_square(tmp_path):
    write_aperio_xml(tmp_path / "a.xml", REGIONS, 0.25)
    region = read_as_published(tmp_path / "a.xml")[1][0][2]
    assert (float(region.get("Area")), float(region.get("Length"))) == (400 * 400, 4 * 400)
    assert (float(region.get("AreaMicrons")), float(region.get("LengthMicrons"))) == (10_000, 400)


@pytest.mark.parametrize("in_attributes", [True, False])
def test_our_reader_gives_the_same_regions_back(tmp_path, in_attributes):
    write_aperio_xml(tmp_path / "a.xml", REGIONS, 0.25, in_attributes)
    found = read_aperio_xml(tmp_path / "a.xml")
    assert [region.label for region in found] == ["invasive", "benign", "in_situ"]
    for region, (_, points, holes) in zip(found, REGIONS, strict=True):
        np.testing.assert_array_equal(region.points, np.round(points))
        assert len(region.holes) == len(holes)
    np.testing.assert_array_equal(found[0].holes[0], HOLE)


def test_a_slide_without_lesions_has_an_annotation_without_outlines(tmp_path):
    write_aperio_xml(tmp_path / "a.xml", [], 0.25)
    assert read_aperio_xml(tmp_path / "a.xml") == ()
    assert read_as_published(tmp_path / "a.xml")[1] == []


def test_a_slide_opens_in_openslide_with_its_colours(tmp_path):
    (tmp_path / "WSI").mkdir()
    pixels = np.full((1536, 2048, 3), (225, 160, 195), np.uint8)
    pixels[:, 1024:] = 242
    write_slide(tmp_path / "WSI" / "A01.svs", pixels, 0.25)
    with openslide.OpenSlide(tmp_path / "WSI" / "A01.svs") as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert float(slide.properties["openslide.mpp-x"]) == 0.25
        assert float(slide.properties["openslide.objective-power"]) == 40
        assert slide.level_dimensions == ((2048, 1536), (1024, 768))
        for level in (0, 1):
            found = np.asarray(slide.read_region((500, 600), level, (64, 64)))[..., :3]
            np.testing.assert_allclose(found.mean(axis=(0, 1)), (225, 160, 195), atol=2)
    write_aperio_xml(tmp_path / "WSI" / "A01.xml", REGIONS, 0.25)
    table = index_bach(tmp_path)
    assert (table["mpp_um"].item(), table["magnification"].item()) == (0.25, 40)


def test_a_mask_holds_pixels_whose_centre_is_inside_and_spares_holes():
    mask = draw_mask([(SQUARE / 100, [HOLE / 100])], (8, 7))
    wanted = np.zeros((8, 7), np.uint8)
    wanted[2:6, 1:5] = 1
    wanted[3, 2] = 0
    np.testing.assert_array_equal(mask, wanted)


def test_a_mask_agrees_with_the_drawing_of_regions():
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    star = 60 + rng.uniform(25, 50, (40, 1)) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    wanted = draw_regions([Region("benign", star)], (120, 120))
    np.testing.assert_array_equal(draw_mask([(star, [])], (120, 120)), wanted)


def test_pictures_and_masks_keep_their_values(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    write_picture(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], pixels)
    write_mask(tmp_path / "b.png", pixels[..., 0] % 5)
    found = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, pixels[..., 0] % 5)
