"""What OME-XML says is taken from the image that is read, not from an overview before it."""

from radiokit.io.slide_ome import has_rgb_channels, read_ome_properties

OVERVIEW_FIRST = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Instrument ID="Instrument:0">
    <Objective ID="Objective:0" NominalMagnification="0.6"/>
    <Objective ID="Objective:1" NominalMagnification="20"/>
  </Instrument>
  <Image ID="Image:0"><ObjectiveSettings ID="Objective:0"/>
    <Pixels SizeX="1600" SizeY="4200" PhysicalSizeX="16.4" PhysicalSizeY="16.4">
      <Channel Name="Blue"/><Channel Name="Green"/><Channel Name="Red"/></Pixels></Image>
  <Image ID="Image:1"><ObjectiveSettings ID="Objective:1"/>
    <Pixels SizeX="40000" SizeY="30000" PhysicalSizeX="500" PhysicalSizeXUnit="nm"
      PhysicalSizeY="0.5">
      <Channel Name="Red"/><Channel Name="Green"/><Channel Name="Blue"/></Pixels></Image>
</OME>"""


def test_resolution_and_objective_are_those_of_the_image_of_this_size():
    assert read_ome_properties(OVERVIEW_FIRST, (40000, 30000)) == {
        "ome.PhysicalSizeX": "0.5",
        "ome.PhysicalSizeY": "0.5",
        "ome.NominalMagnification": "20",
    }
    assert read_ome_properties(OVERVIEW_FIRST, (1600, 4200))["ome.PhysicalSizeX"] == "16.4"


def test_the_channels_are_those_of_the_image_of_this_size():
    assert has_rgb_channels(OVERVIEW_FIRST, (40000, 30000))
    assert not has_rgb_channels(OVERVIEW_FIRST, (1600, 4200))


def test_without_an_image_of_this_size_the_first_is_meant():
    assert read_ome_properties(OVERVIEW_FIRST, (1, 1))["ome.NominalMagnification"] == "0.6"
