"""Outlines of Aperio, ASAP and QuPath: files written to the published formats, and broken ones."""

import json
import math

import numpy as np
import pytest

from radiokit.data.breast_annotations import (
    CAMELYON_NAMES,
    read_aperio_mpp,
    read_aperio_xml,
    read_asap_xml,
    read_geojson,
    read_regions,
)
from radiokit.data.breast_regions import Region, draw_regions
from radiokit.io import UnreadableFileError

BOX = [(10, 10), (90, 10), (90, 60), (10, 60)]
INNER = [(30, 20), (50, 20), (50, 40), (30, 40)]
SHAPE = (100, 100)


def vertices(points):
    return "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in points)


def aperio_region(points, text="", attribute=None, number=1, kind=0, negative=0):
    value = "" if attribute is None else f'<Attribute Name="9999" Id="0" Value="{attribute}"/>'
    return (
        f'<Region Id="{number}" Type="{kind}" Zoom="0.1" ImageLocation="" Text="{text}" '
        f'NegativeROA="{negative}" InputRegionId="0" Analyze="1" DisplayId="{number}">'
        f"<Attributes>{value}</Attributes><Vertices>{vertices(points)}</Vertices></Region>"
    )


def layer(*regions, name="", description=""):
    return (
        f'<Annotation Id="1" Name="{name}" Type="4" LineColor="65280"><Attributes>'
        f'<Attribute Name="Description" Id="0" Value="{description}"/></Attributes><Regions>'
        '<RegionAttributeHeaders><AttributeHeader Id="9998" Name="Text"/></RegionAttributeHeaders>'
        f"{''.join(regions)}</Regions><Plots/></Annotation>"
    )


@pytest.fixture
def aperio(tmp_path):
    def write(*layers, mpp="0.467000"):
        path = tmp_path / "A01.xml"
        path.write_text(
            f'<Annotations MicronsPerPixel="{mpp}">{"".join(layers)}</Annotations>', "utf-8"
        )
        return path

    return write


def drawn(regions):
    return draw_regions(regions, SHAPE)


def expected(label, points, *holes):
    return drawn([Region(label, np.array(points, float), tuple(np.array(h, float) for h in holes))])


# --- Aperio ---


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("Benign", "benign"),
        ("benign  ", "benign"),
        ("Carcinoma in situ", "in_situ"),
        (" In Situ carcinoma ", "in_situ"),
        ("IN_SITU", "in_situ"),
        ("Invasive carcinoma", "invasive"),
        ("Carcinoma  invasive", "invasive"),
    ],
)
def test_the_class_stands_in_the_text_or_the_attributes_in_any_spelling(aperio, written, label):
    for region in (aperio_region(BOX, text=written), aperio_region(BOX, attribute=written)):
        (found,) = read_aperio_xml(aperio(layer(region)))
        assert found.label == label and found.points.tolist() == [list(map(float, p)) for p in BOX]


def test_a_region_without_a_class_has_that_of_its_layer(aperio):
    layers = [
        layer(aperio_region(BOX), name="Invasive carcinoma"),
        layer(aperio_region(BOX), description="Benign"),
        layer(aperio_region(BOX, text="Benign"), name="Invasive carcinoma"),
    ]
    labels = [region.label for region in read_aperio_xml(aperio(*layers))]
    assert labels == ["invasive", "benign", "benign"]


def test_a_region_of_two_classes_is_refused(aperio):
    path = aperio(layer(aperio_region(BOX, "Benign", "Invasive carcinoma", number=5)))
    with pytest.raises(UnreadableFileError, match="region 5 is both 'Invasive.*' and 'Benign'"):
        read_aperio_xml(path)


def test_an_unknown_class_names_it_the_region_and_the_known_ones(aperio):
    path = aperio(layer(aperio_region(BOX, "Benign"), aperio_region(BOX, "Necrosis", number=7)))
    with pytest.raises(
        UnreadableFileError,
        match=r"A01.xml: region 7 has the class 'Necrosis'; known are benign, in_situ, invasive",
    ):
        read_aperio_xml(path)
    for value, labels in (("invasive", ["benign", "invasive"]), ("background", ["benign"])):
        found = read_aperio_xml(path, names={"necrosis ": value})
        assert [region.label for region in found] == labels


def test_a_region_without_any_class_is_refused_unless_named(aperio):
    path = aperio(layer(aperio_region(BOX, number=2)))
    with pytest.raises(UnreadableFileError, match="region 2 has no class.*names={'': "):
        read_aperio_xml(path)
    assert read_aperio_xml(path, names={"": "in_situ"})[0].label == "in_situ"


def test_names_must_lead_to_a_class(aperio):
    with pytest.raises(ValueError, match="names has 'Necrosis': 'dead'. Map to one of: background"):
        read_aperio_xml(aperio(layer()), names={"Necrosis": "dead"})


def test_a_negative_region_is_a_hole_of_the_smallest_region_around_it(aperio):
    regions = [
        aperio_region([(0, 0), (100, 0), (100, 100), (0, 100)], "Benign"),
        aperio_region(BOX, "Carcinoma in situ", number=2),
        aperio_region(INNER, number=3, negative=1),
    ]
    found = read_aperio_xml(aperio(layer(*regions)))
    assert [len(region.holes) for region in found] == [0, 1]
    classes = drawn(found)
    assert (classes[20:40, 30:50] == 1).all()  # the benign region is not cut
    assert np.count_nonzero(classes == 2) == 80 * 50 - 20 * 20


def test_a_hole_in_no_region_of_its_layer_is_refused_or_listed(aperio):
    hole = aperio_region(INNER, number=9, negative=1)
    path = aperio(layer(aperio_region(BOX, "Benign")), layer(hole))
    with pytest.raises(UnreadableFileError, match="region 9 is a hole that lies in no region"):
        read_aperio_xml(path)
    left_out = []
    assert len(read_aperio_xml(path, left_out=left_out)) == 1
    assert left_out == ["A01.xml: region 9 is a hole that lies in no region"]


@pytest.mark.parametrize("count", [2, 4])
def test_a_rectangle_may_have_two_corners(aperio, count):
    points = BOX if count == 4 else [BOX[0], BOX[2]]
    found = read_aperio_xml(aperio(layer(aperio_region(points, "Benign", kind=1))))
    np.testing.assert_array_equal(drawn(found), expected("benign", BOX))


def test_an_ellipse_is_given_by_its_box(aperio):
    path = aperio(layer(aperio_region([(10, 20), (90, 60)], "Benign", kind=2)))
    classes = drawn(read_aperio_xml(path))
    rows, columns = np.indices(SHAPE) + 0.5
    inside = ((columns - 50) / 40) ** 2 + ((rows - 40) / 20) ** 2 <= 1
    assert np.count_nonzero(classes.astype(bool) != inside) < 0.005 * math.pi * 40 * 20


def test_a_closed_outline_loses_its_repeated_point(aperio):
    found = read_aperio_xml(aperio(layer(aperio_region([*BOX, BOX[0]], "Benign"))))
    assert found[0].points.shape == (4, 2)


@pytest.mark.parametrize(
    ("points", "count"),
    [([(1, 1), (50, 50)], 2), ([(1, 1)], 1), ([], 0), ([(0, 0), (5, 5), (9, 9)], 3)],
)
def test_an_outline_without_area_is_refused_or_listed(aperio, points, count):
    path = aperio(layer(aperio_region(points, "Benign", number=4), aperio_region(BOX, "Benign")))
    said = rf"region 4 \(benign\) has {count} points, which enclose no area"
    with pytest.raises(UnreadableFileError, match=said):
        read_regions(path)
    left_out = []
    assert len(read_regions(path, left_out=left_out)) == 1
    assert len(left_out) == 1 and "region 4 (benign)" in left_out[0]


def test_arrows_and_rulers_are_refused_or_listed(aperio):
    path = aperio(layer(aperio_region([(1, 1), (5, 5)], "Benign", kind=3)))
    with pytest.raises(UnreadableFileError, match="region 1 is an arrow, ruler or point .Type 3"):
        read_aperio_xml(path)
    assert read_aperio_xml(path, left_out=[]) == ()


@pytest.mark.parametrize("point", [("x", 1), ("", 1), ("nan", 1), ("1e999", 1)])
def test_a_vertex_that_is_no_number_names_its_region(aperio, point):
    path = aperio(layer(aperio_region([*BOX, point], "Benign", number=6)))
    with pytest.raises(UnreadableFileError, match="region 6 has a point (without|that is not)"):
        read_aperio_xml(path)


def test_the_resolution_is_read_where_there_is_one(aperio):
    assert read_aperio_mpp(aperio(mpp="0.467000")) == 0.467
    assert read_aperio_mpp(aperio(mpp="")) is None and read_aperio_mpp(aperio(mpp="0")) is None


def test_xml_with_a_byte_order_mark_or_in_utf_16_is_read(aperio):
    path = aperio(layer(aperio_region(BOX, "Benign")))
    text = path.read_text("utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(text, encoding)
        assert read_regions(path)[0].label == "benign"


# --- broken and hostile files ---


def test_broken_xml_names_the_line(tmp_path):
    path = tmp_path / "A02.xml"
    path.write_text("<Annotations>\n<Annotation>\n<Regions>\n</Annotation>\n", "utf-8")
    with pytest.raises(UnreadableFileError, match="A02.xml: line 4 is no valid XML .mismatched"):
        read_aperio_xml(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_unfold(tmp_path, encoding):
    path = tmp_path / "bomb.xml"
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">'
        '<!ENTITY c SYSTEM "file:///etc/passwd">]><Annotations>&b;&c;</Annotations>',
        encoding,
    )
    with pytest.raises(UnreadableFileError, match="declares a document type"):
        read_regions(path)


def test_another_kind_of_file_says_what_is_needed(tmp_path, aperio):
    path = tmp_path / "other.xml"
    path.write_text("<html><body/></html>", "utf-8")
    with pytest.raises(UnreadableFileError, match="its root is <html>, not <Annotations>"):
        read_regions(path)
    with pytest.raises(UnreadableFileError, match="not <ASAP_Annotations>"):
        read_asap_xml(aperio(layer()))
    path.write_text("x,y\n1,2\n", "utf-8")
    with pytest.raises(UnreadableFileError, match="neither XML nor JSON"):
        read_regions(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match="0 bytes"):
        read_regions(path)
    with pytest.raises(FileNotFoundError, match="No file at"):
        read_regions(tmp_path / "missing.xml")


# --- ASAP ---


def asap_annotation(points, group, name="Annotation 0", kind="Polygon"):
    corners = "".join(
        f'<Coordinate Order="{i}" X="{x}" Y="{y}" />' for i, (x, y) in enumerate(points)
    )
    return (
        f'<Annotation Name="{name}" Type="{kind}" PartOfGroup="{group}" Color="#F4FA58">'
        f"<Coordinates>{corners}</Coordinates></Annotation>"
    )


def write_asap(tmp_path, annotations, groups=""):
    path = tmp_path / "slide.xml"
    path.write_text(
        '<?xml version="1.0"?>\n<ASAP_Annotations><Annotations>'
        f"{''.join(annotations)}</Annotations><AnnotationGroups>{groups}</AnnotationGroups>"
        "</ASAP_Annotations>",
        "utf-8",
    )
    return path


def test_the_exclusion_group_of_camelyon_is_cut_out(tmp_path):
    for tumour, exclusion in (("_0", "_2"), ("Tumor", "Exclusion"), ("metastases", "normal")):
        annotations = [asap_annotation(BOX, tumour), asap_annotation(INNER, exclusion)]
        found = read_regions(write_asap(tmp_path, annotations), CAMELYON_NAMES)
        np.testing.assert_array_equal(drawn(found), expected("invasive", BOX, INNER))


def test_a_group_may_belong_to_a_group_with_a_class(tmp_path):
    groups = (
        '<Group Name="focus 1" PartOfGroup="Invasive" Color="#fff"/>'
        '<Group Name="Invasive" PartOfGroup="None" Color="#fff"/>'
    )
    path = write_asap(tmp_path, [asap_annotation(BOX, "focus 1")], groups)
    assert read_asap_xml(path)[0].label == "invasive"


def test_an_unknown_group_is_named(tmp_path):
    path = write_asap(tmp_path, [asap_annotation(BOX, "_1", name="Annotation 3")])
    with pytest.raises(UnreadableFileError, match="annotation Annotation 3 has the class '_1'"):
        read_asap_xml(path)


def test_corners_of_asap_come_in_their_order(tmp_path):
    path = write_asap(tmp_path, [asap_annotation(BOX, "benign", kind="Rectangle")])
    text = path.read_text("utf-8")
    first, second = (
        '<Coordinate Order="1" X="90" Y="10" />',
        '<Coordinate Order="2" X="90" Y="60" />',
    )
    path.write_text(text.replace(first + second, second + first), "utf-8")
    np.testing.assert_array_equal(drawn(read_asap_xml(path)), expected("benign", BOX))


def test_dots_of_asap_are_refused_or_listed(tmp_path):
    annotations = [asap_annotation([(5, 5)], "benign", kind="Dot"), asap_annotation(BOX, "benign")]
    path = write_asap(tmp_path, annotations)
    with pytest.raises(UnreadableFileError, match="is a Dot, not an outline"):
        read_asap_xml(path)
    assert len(read_asap_xml(path, left_out=[])) == 1


# --- GeoJSON of QuPath ---


def feature(coordinates, label="Invasive", kind="Polygon", **properties):
    classification = {"classification": {"name": label, "color": [200, 0, 0]}} if label else {}
    return {
        "type": "Feature",
        "id": "f0b3c5c0-0000-4000-8000-000000000000",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"objectType": "annotation", **classification, **properties},
    }


def ring(points):
    return [[float(x), float(y)] for x, y in [*points, points[0]]]


def write_json(tmp_path, content):
    path = tmp_path / "slide.geojson"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_a_collection_a_list_and_one_feature_are_read(tmp_path):
    one = feature([ring(BOX), ring(INNER)])
    for content in ({"type": "FeatureCollection", "features": [one]}, [one], one):
        found = read_regions(write_json(tmp_path, content))
        np.testing.assert_array_equal(drawn(found), expected("invasive", BOX, INNER))
        assert found[0].points.shape == (4, 2)


def test_each_part_of_a_multipolygon_is_a_region(tmp_path):
    other = [(2, 70), (20, 70), (20, 90), (2, 90)]
    parts = [[ring(BOX), ring(INNER)], [ring(other)]]
    path = write_json(tmp_path, [feature(parts, "in situ", kind="MultiPolygon")])
    found = read_geojson(path)
    assert [len(region.holes) for region in found] == [1, 0]
    assert np.count_nonzero(drawn(found) == 2) == 80 * 50 - 20 * 20 + 18 * 20


def test_the_class_of_qupath_goes_before_the_name_of_the_object(tmp_path):
    path = write_json(tmp_path, [feature([ring(BOX)], "Benign", name="Invasive")])
    assert read_geojson(path)[0].label == "benign"
    path = write_json(tmp_path, [feature([ring(BOX)], None, name="Invasive")])
    assert read_geojson(path)[0].label == "invasive"


def test_features_may_be_holes_or_not_drawn_at_all(tmp_path):
    features = [
        feature([ring(BOX)]),
        feature([ring(INNER)], "Exclude"),
        feature([1, 1], "Ignore*", kind="Point"),
    ]
    names = {"Exclude": "hole", "Ignore*": "background"}
    found = read_geojson(write_json(tmp_path, features), names)
    np.testing.assert_array_equal(drawn(found), expected("invasive", BOX, INNER))


def test_what_has_no_known_class_is_named_unless_mapped(tmp_path):
    path = write_json(tmp_path, [feature([ring(BOX)]), feature([ring(BOX)], "Tumor")])
    with pytest.raises(UnreadableFileError, match="feature 2 has the class 'Tumor'"):
        read_geojson(path)
    assert [r.label for r in read_geojson(path, {"Tumor": "benign"})] == ["invasive", "benign"]
    with pytest.raises(UnreadableFileError, match="feature 1 has no class"):
        read_geojson(write_json(tmp_path, [feature([ring(BOX)], None)]))


def test_points_and_lines_and_empty_outlines_are_refused_or_listed(tmp_path):
    for bad in (
        feature([5, 5], kind="Point"),
        feature([[5, 5], [9, 9]], kind="LineString"),
        feature([[[5, 5], [9, 9], [5, 5]]]),
        feature([ring(BOX), [[5, 5], [9, 9], [5, 5]]]),
        feature([]),
    ):
        path = write_json(tmp_path, [bad, feature([ring(BOX)])])
        with pytest.raises(UnreadableFileError, match="feature 1 .*(not an outline|no area)"):
            read_geojson(path)
        left_out = []
        assert read_geojson(path, left_out=left_out)[-1].holes == () and len(left_out) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"hello": 1}, "neither a FeatureCollection"),
        ([1, 2], "feature 1 has no geometry"),
        ([feature("text")], "without lists of coordinates"),
        ([feature([[["a", 1], [2, 2], [3, 1]]])], "feature 1 has a point without"),
        ([feature([[1, 2, 3]])], "feature 1 has a point"),
        ([feature([[[1, 2], [3], [4, 5]]])], "points of different lengths"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path, content, reason):
    with pytest.raises(UnreadableFileError, match=reason):
        read_geojson(write_json(tmp_path, content))


def test_broken_json_names_the_line(tmp_path):
    path = tmp_path / "slide.geojson"
    path.write_text('{"type": "FeatureCollection",\n "features": [', "utf-8")
    with pytest.raises(UnreadableFileError, match="no valid JSON .*line 2"):
        read_regions(path)
