"""A network over a whole slide: probabilities, a heat map and outlines, within bounded memory."""

from radiokit.tiling.map_files import read_map
from radiokit.tiling.outlines import Outline, trace_outlines
from radiokit.tiling.slides import SlideMap, predict_slide

__all__ = ["Outline", "SlideMap", "predict_slide", "read_map", "trace_outlines"]
