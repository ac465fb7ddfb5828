"""One tile of a slide to arrays: the picture, and what the pathologist drew there."""

import numpy as np

from radiokit.data.breast_regions import REGION_CLASSES, draw_regions
from radiokit.data.open_slides import (
    OpenSlides,
    annotation_of,
    borrow_slide,
    ink_of,
    regions_of,
)
from radiokit.io.slides import Slide

TARGETS = ("regions", "lesion")


def read_tile_case(
    row, tile_px: int, target: str = "regions", slides: OpenSlides | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Image and target of one tile, for a network that labels every pixel.

    Use it as the reader of `radiokit.data.batches.make_batches`, with
    `functools.partial(read_tile_case, tile_px=256, slides=slides)` inside
    `with keep_slides_open() as slides:`.

    Args:
        row: a row of `index_tiles` (Series or dict).
        tile_px: side in pixels of `row["mpp_um"]`; the one the tiles were indexed with.
        target: `"regions"`, the four `REGION_CLASSES`, or `"lesion"`, any of the three lesions.
        slides: from `keep_slides_open`. None opens and closes the slide for this tile.

    Returns:
        Image (tile_px, tile_px, 3) float32 in 0..1, white beyond the slide; target (tile_px,
        tile_px, 4) float32 one-hot, or (tile_px, tile_px, 1) of 0 and 1. Pixels that lie beyond
        the slide or under ink, and all pixels of a slide without annotation, are -1: unknown.

    Raises:
        FileNotFoundError: slide or annotation are not there.
        radiokit.io.UnreadableFileError: slide or annotation cannot be read.
        ValueError: another target, or a slide that does not say how large its pixels are.
    """
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}; needed is one of {', '.join(TARGETS)}.")
    corner = (int(row["tile_x_px"]), int(row["tile_y_px"]))
    with borrow_slide(slides, row) as slide:
        downsample = slide.downsample_for(mpp_um=float(row["mpp_um"]))
        pixels = slide.read_region(*corner, tile_px, tile_px, downsample=downsample, fill=255)
        unknown = _beyond_slide(slide, corner, tile_px, downsample)
        if row["share_ink"] > 0:
            unknown |= _cut(*ink_of(slides, slide), corner, tile_px, downsample)
    image = pixels.astype(np.float32) / 255  # (tile_px, tile_px, 3)
    annotation = annotation_of(row)
    if not annotation:
        unknown[:] = True
    regions = regions_of(slides, annotation) if annotation else ()
    classes = draw_regions(regions, (tile_px, tile_px), downsample, origin_px=corner)
    return image, _target(classes, unknown, target)


def _target(classes: np.ndarray, unknown: np.ndarray, target: str) -> np.ndarray:
    if target == "lesion":
        values = (classes > 0)[..., None].astype(np.float32)  # (tile_px, tile_px, 1)
    else:
        values = np.eye(len(REGION_CLASSES), dtype=np.float32)[classes]  # (tile_px, tile_px, 4)
    values[unknown] = -1
    return values


def _beyond_slide(slide: Slide, corner, tile_px: int, downsample: float) -> np.ndarray:
    """Pixels whose centre is not on the slide."""
    centers = (np.arange(tile_px) + 0.5) * downsample
    is_right = corner[0] + centers >= slide.size_px[0]
    is_below = corner[1] + centers >= slide.size_px[1]
    return is_right[None, :] | is_below[:, None]


def _cut(mask: np.ndarray, mask_downsample: float, corner, tile_px: int, downsample: float):
    """The part of a coarse mask that a tile shows: of each pixel, what its centre lies in."""
    centers = (np.arange(tile_px) + 0.5) * downsample
    columns, rows = (
        np.minimum((first + centers) / mask_downsample, length - 1).astype(np.int64)
        for first, length in zip(corner, mask.shape[::-1], strict=True)
    )
    return mask[np.ix_(rows, columns)]
