"""From an image at its own size to the probability of the structure at each of its pixels."""

import keras
import numpy as np

from radiokit.data.tile_grid import grid_corners
from radiokit.io.geometry import fit_placement, place_image, restore_scores
from radiokit.recipes.settings import SegmentSettings

OVERLAP = 0.25  # of two neighbouring tiles
TILES_A_STEP = 8


def predict_scores(model: keras.Model, pixels: np.ndarray, settings: SegmentSettings) -> np.ndarray:
    """Probability of the structure at every pixel of one image.

    Use it on pixels as `radiokit.data.own.read_pair_image` gives them.

    Args:
        model: from `build_unet` with one sigmoid channel.
        pixels: (rows, columns), (rows, columns, 1) or, in colour, (rows, columns, 3); float in
            0..1.
        settings: those of the training.

    Returns:
        (rows, columns) float32 in 0..1, at the image's own size. Of a network that sees the whole
        image, probabilities, not the mask, are enlarged, so that the outline is finer than the
        network's pixels; of one that sees tiles, tiles overlap by a quarter and are blended.
    """
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if settings.tile:
        return _predict_tiles(model, pixels, settings)
    placement = fit_placement(pixels.shape[:2], (settings.size, settings.size))
    placed = place_image(pixels, placement)[None]  # (1, size, size, C)
    return restore_scores(_predict_views(model, placed, settings)[0], placement)


def _predict_views(model, images, settings):
    """(N, H, W, C) to (N, H, W): the mean over the ways the training shows a picture."""
    scores = []
    for axes in _flips(settings):
        answers = model.predict_on_batch(np.ascontiguousarray(np.flip(images, axes)))
        scores.append(np.flip(answers[..., 0], axes))
    return np.mean(scores, axis=0)


def _flips(settings):
    """Axes of (N, H, W, C) to be turned round together; `()` is the picture as it is."""
    if settings.turn:
        return ((), (1,), (2,), (1, 2))
    return ((), (2,)) if settings.mirror else ((),)


def _predict_tiles(model, pixels, settings):
    """Overlapping tiles at the image's own resolution, blended by their distance to the edge."""
    rows, columns = pixels.shape[:2]
    padded = mirror_up_to(pixels, settings.tile)
    weight = _tile_weight(settings.tile)
    totals = np.zeros(padded.shape[:2], np.float32)
    weights = np.zeros(padded.shape[:2], np.float32)
    corners = grid_corners(padded.shape[1::-1], settings.tile, overlap=OVERLAP)
    for start in range(0, len(corners), TILES_A_STEP):
        places = [
            (slice(y, y + settings.tile), slice(x, x + settings.tile))
            for x, y in corners[start : start + TILES_A_STEP]
        ]
        tiles = np.stack([padded[place] for place in places])
        for place, scores in zip(places, _predict_views(model, tiles, settings), strict=True):
            totals[place] += weight * scores
            weights[place] += weight
    return (totals / weights)[:rows, :columns]


def _tile_weight(side):
    """(side, side): 1 in the middle, falling to the edges over the width of the overlap."""
    distance = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = np.minimum(distance / (OVERLAP * side), 1).astype(np.float32)
    return np.outer(ramp, ramp)


def mirror_up_to(pixels: np.ndarray, side: int) -> np.ndarray:
    """Continue an image that is smaller than a tile by its mirror image, right and down.

    Use it before tiles are cut.

    Args:
        pixels: (rows, columns, C).
        side: rows and columns needed.

    Returns:
        The image itself where it is large enough.
    """
    missing = [max(0, side - length) for length in pixels.shape[:2]]
    if not any(missing):
        return pixels
    return np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
