"""Outlines of a map as GeoJSON that QuPath imports."""

import json
import uuid
from collections.abc import Sequence

import numpy as np

from radiokit.tiling.map_files import class_colors
from radiokit.tiling.outlines import Outline


def outlines_to_geojson(
    outlines: Sequence[Outline],
    class_names: Sequence[str],
    scale: float,
    size_px: Sequence[int],
    mpp_um: float,
) -> str:
    """A FeatureCollection of annotations, as QuPath writes and reads it.

    Use it for a file that is dragged onto the slide in QuPath: every outline is an annotation with
    its class and colour, and its area in the table of measurements.

    Args:
        outlines: from `trace_outlines`, whose class `k` is `class_names[k - 1]`.
        class_names: one a channel.
        scale: level-0 pixels per map pixel.
        size_px: width and height of the slide in level-0 pixels, beyond which nothing reaches.
        mpp_um: microns per level-0 pixel.

    Returns:
        The text; coordinates are level-0 pixels from the slide's top left corner.

    References:
        https://qupath.readthedocs.io/en/stable/docs/advanced/exporting_annotations.html
    """
    colors = class_colors(class_names)
    features = []
    for number, outline in enumerate(outlines):
        rings = [_closed(ring, scale, size_px) for ring in (outline.points, *outline.holes)]
        channel = outline.class_index - 1
        classification = {"name": class_names[channel], "color": list(colors[channel])}
        area_um2 = round(outline.area * (scale * mpp_um) ** 2, 1)
        features.append(
            {
                "type": "Feature",
                "id": _identifier(number, rings),
                "geometry": {"type": "Polygon", "coordinates": rings},
                "properties": {
                    "objectType": "annotation",
                    "classification": classification,
                    "isLocked": False,
                    "measurements": {"Area um2": area_um2},
                },
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}) + "\n"


def _closed(ring: np.ndarray, scale: float, size_px: Sequence[int]) -> list[list[float]]:
    """Level-0 coordinates; the first point comes again at the end, as GeoJSON wants it."""
    points = np.minimum(np.append(ring, ring[:1], axis=0) * scale, size_px)
    return np.round(points, 3).tolist()


def _identifier(number: int, rings: list) -> str:
    """QuPath wants a UUID; the same outline gets the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"radiokit outline {number} {rings[0][:3]}"))
