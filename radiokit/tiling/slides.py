"""A network over a whole slide, tile by tile, into a map that QuPath lays over it."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from radiokit.files import write_text_whole
from radiokit.io.pyramids import write_pyramid
from radiokit.io.slides import Slide, open_slide
from radiokit.tiling.bands import MapPlan, blend_tiles, plan_map
from radiokit.tiling.geojson import outlines_to_geojson
from radiokit.tiling.map_files import (
    HEAT_MAP,
    PROBABILITIES,
    RECORD,
    REGIONS,
    HeatMap,
    class_colors,
    label_map,
)
from radiokit.tiling.outlines import trace_outlines
from radiokit.tiling.reading import default_threads, read_batches
from radiokit.tiling.state import (
    MapState,
    add_rows,
    begin_map,
    end_map,
    explained_errors,
    find_finished,
    identify,
)

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class SlideMap:
    """What a network sees on a slide, as files.

    Attributes:
        probabilities: OME-TIFF pyramid, uint8, a channel a class.
        heat_map: RGB pyramid TIFF to lay over the slide.
        regions: GeoJSON outlines for QuPath.
        class_names: one a channel.
        downsample: level-0 pixels per map pixel.
        num_tiles: places that the network looked at.
        num_regions: outlines in `regions`.
        seconds: of this call, 0 where everything was there already.
    """

    probabilities: Path
    heat_map: Path
    regions: Path
    class_names: tuple[str, ...]
    downsample: float
    num_tiles: int
    num_regions: int
    seconds: float


def predict_slide(
    model,
    path: str | Path,
    corners: np.ndarray,
    out: str | Path,
    *,
    mpp_um: float,
    tile_px: int,
    class_names: Sequence[str],
    batch_size: int = 8,
    map_downsample: int = 8,
    min_area_um2: float = 2_500.0,
    slide_mpp_um: float | None = None,
    num_threads: int | None = None,
    progress: bool = True,
) -> SlideMap:
    """Let a network look at places of a slide, and write what it sees there.

    Use it with corners of `radiokit.data.tiles`: the whole grid, the tiles with tissue, or those
    that `map_low_to_high` gives. Threads decode tiles while the network computes. Where tiles
    overlap, their probabilities are averaged, the middle of a tile counting most. Only a band of
    the map is held in memory.

    A call that was stopped, at any moment, goes on where it stood when it is made again with the
    same arguments; the result is the same as without the stop. What is finished is not made again.

    Args:
        model: Keras model of (batch, tile_px, tile_px, 3) in 0..1 that gives probabilities, either
            (batch, tile_px, tile_px, classes) or one value a tile and class, (batch, classes).
        path: the slide.
        corners: (N, 2) x and y of tiles in level-0 pixels. A tile is moved onto whole map pixels,
            right and down by less than one.
        out: folder for the three files and `map.json`, their record; one slide a folder. A
            finished map of other arguments is replaced.
        mpp_um: microns per tile pixel, as in training.
        tile_px: side of a tile in such pixels.
        class_names: one a channel. "background" gets no outline; of the others the most probable
            does, from one half on where there is no background.
        batch_size: tiles a step; the last batch is filled up, so that the shape never changes.
        map_downsample: tile pixels per map pixel, a divisor of `tile_px`.
        min_area_um2: outlines below it are dropped, holes below it filled; square microns.
        slide_mpp_um: microns per level-0 pixel, for a slide that does not say it.
        num_threads: that decode; None: as many as cores, four at most.
        progress: whether to show a bar.

    Returns:
        The files, and numbers about them.

    Raises:
        FileNotFoundError: no slide there.
        radiokit.io.UnreadableFileError: the slide cannot be read, there or at all.
        ValueError: the slide does not say its microns per pixel, corners or sizes do not fit, the
            network gives another shape or no probabilities, or the folder holds a map under way of
            another model, slide or settings.
        OSError: a file cannot be written, as on a full disk; nothing half-written has a name.
    """
    started = time.perf_counter()
    path, out, class_names = Path(path), Path(out), tuple(class_names)
    _check(class_names, batch_size, min_area_um2)
    with open_slide(path, slide_mpp_um) as slide:
        downsample = slide.downsample_for(mpp_um=mpp_um)
        size_px = slide.size_px
        plan = plan_map(corners, size_px, tile_px, downsample, map_downsample, len(class_names))
        settings = {"places": plan.places, "scale": plan.scale, "classes": class_names}
        settings |= {"tile": [tile_px, batch_size], "min_area_um2": float(min_area_um2)}
        identity = identify(model, path, size_px, settings)
        record = find_finished(out, identity)
        if record is None:
            state = begin_map(out, identity, plan)
            read = (tile_px, downsample, batch_size, num_threads or default_threads())
            _fill(model, slide, plan, state, read, progress)
    if record is None:
        record = {"identity": identity, "downsample": plan.scale, "class_names": class_names}
        record |= {"mpp_um": plan.scale / downsample * mpp_um, "num_tiles": len(plan.places)}
        record["num_regions"] = _write_files(out, state, record, size_px, min_area_um2)
        with explained_errors(out):
            write_text_whole(out / RECORD, json.dumps(record) + "\n")
        seconds = time.perf_counter() - started
    else:
        seconds = 0.0
    end_map(out)
    files = (out / PROBABILITIES, out / HEAT_MAP, out / REGIONS)
    numbers = (record["downsample"], record["num_tiles"], record["num_regions"], seconds)
    return SlideMap(*files, class_names, *numbers)


def _check(class_names: tuple[str, ...], batch_size: int, min_area_um2: float) -> None:
    if not class_names or len(set(class_names)) < len(class_names):
        raise ValueError(f"class_names is {class_names}; needed is a name a channel, each once.")
    if batch_size < 1 or not 0 <= min_area_um2 < np.inf:
        raise ValueError(
            f"batch_size is {batch_size} and min_area_um2 {min_area_um2}; needed are 1 tile or "
            "more, and square microns from 0 on."
        )


# --- prediction -----------------------------------------------------------------------------------


def _fill(model, slide: Slide, plan: MapPlan, state: MapState, read: tuple, progress: bool) -> None:
    """Predict whatever the map still lacks, in batches that hold the same tiles as ever."""
    batch_size, total = read[2], len(plan.places)
    first = plan.first_tile(state.rows_done)
    if first == total:
        return
    first = first // batch_size * batch_size
    places = plan.places[first:]
    with tqdm(total=total, initial=first, unit="tile", disable=not progress) as bar:
        tiles = _predict(model, slide, plan, places, read, bar)
        for row, rows in blend_tiles(tiles, plan):
            add_rows(state, row, rows)


def _predict(
    model, slide: Slide, plan: MapPlan, places: np.ndarray, read: tuple, bar
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Place and probabilities (side, side, classes) of each tile."""
    done = 0
    for images, count in read_batches(slide, places[:, ::-1] * plan.scale, *read):
        scores = _to_map(np.asarray(model.predict_on_batch(images)), plan, read[0])
        for offset in range(count):
            yield places[done + offset], scores[offset]
        done += count
        bar.update(count)


def _to_map(scores: np.ndarray, plan: MapPlan, tile_px: int) -> np.ndarray:
    """What the network gave, at the map's size: means of square blocks, or one value a tile."""
    num_tiles, num_classes = len(scores), plan.shape[2]
    shapes = [(num_tiles, tile_px, tile_px, num_classes), (num_tiles, num_classes)]
    if scores.shape not in shapes:
        raise ValueError(
            f"The network gives {scores.shape} for {num_tiles} tiles of {tile_px} pixels; needed "
            f"is {shapes[0]} or {shapes[1]} for {num_classes} class_names."
        )
    if not (scores.min() >= -_TOLERANCE and scores.max() <= 1 + _TOLERANCE):
        raise ValueError(
            f"The network gives values from {scores.min():.3g} to {scores.max():.3g}; needed are "
            'probabilities. Build it with activation="softmax" or "sigmoid".'
        )
    side = plan.side
    if scores.ndim == 2:
        whole = scores[:, None, None, :]
        return np.broadcast_to(whole, (num_tiles, side, side, num_classes))
    step = tile_px // side
    rows = scores.reshape(num_tiles, side, step, tile_px * num_classes).sum(axis=2)
    blocks = rows.reshape(num_tiles, side, side, step, num_classes).sum(axis=3)
    return blocks / np.float32(step * step)  # (tiles, side, side, classes)


# --- files ----------------------------------------------------------------------------------------


def _write_files(
    out: Path, state: MapState, record: dict, size_px: Sequence[int], min_area_um2: float
) -> int:
    """The three files, each whole or absent; how many regions."""
    names, map_mpp_um = record["class_names"], record["mpp_um"]
    write_pyramid(
        out / PROBABILITIES,
        state.raw,
        mpp_um=map_mpp_um,
        kind="ome",
        channel_names=names,
        channel_rgb=class_colors(names),
    )
    write_pyramid(out / HEAT_MAP, HeatMap(state.raw, names), mpp_um=map_mpp_um, quality=90)
    labels = (label_map(band, names) for band in state.raw.bands())
    outlines = trace_outlines(labels, min_area_um2 / map_mpp_um**2)
    scale = record["downsample"]
    text = outlines_to_geojson(outlines, names, scale, size_px, map_mpp_um / scale)
    write_text_whole(out / REGIONS, text)
    return len(outlines)
