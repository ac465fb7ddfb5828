"""Slides at full size: tiles a second, and a network over 100,000 x 100,000 pixels.

    python benchmarks/slides.py [--side 100000] [--tiles 400] [--keep FOLDER]

Everything is drawn in a temporary folder, and removed. Nothing is downloaded.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import openslide
import tifffile
from PIL import Image

TILE_PX = 256
MPP_UM = 0.25
FACTOR = 4
NUM_TEXTURES = 48
GIB = 2**30
UNET_WIDTHS = (8, 16, 32)
BATCH_SIZE = 8
CLASS_NAMES = ("background", "benign", "in_situ", "invasive")


# --- a sparse slide -------------------------------------------------------------------------------


def draw_textures(rng: np.random.Generator) -> np.ndarray:
    """Tiles of stained tissue: (NUM_TEXTURES, 256, 256, 3) uint8."""
    textures = []
    for _ in range(NUM_TEXTURES):
        noise = rng.normal(size=(TILE_PX, TILE_PX)).astype(np.float32)
        fibres = cv2.GaussianBlur(noise, (0, 0), 6) * 9
        nuclei = np.zeros((TILE_PX, TILE_PX), np.float32)
        for x, y in rng.integers(0, TILE_PX, (70, 2)).tolist():
            cv2.ellipse(nuclei, (x, y), (9, 6), int(rng.integers(180)), 0, 360, 1.0, -1)
        nuclei = cv2.GaussianBlur(nuclei, (0, 0), 1.2)[..., None]
        grain = rng.normal(0, 4, (TILE_PX, TILE_PX, 3))
        stroma = np.array([228, 160, 196]) + fibres[..., None] * 14 + grain
        pixels = stroma * (1 - nuclei) + (np.array([96, 60, 140]) + grain) * nuclei
        textures.append(np.clip(pixels, 0, 255).astype(np.uint8))
    return np.stack(textures)


def draw_layout(rng: np.random.Generator, num_tiles: int, share: float) -> np.ndarray:
    """Texture of each tile of level 0, 0 for glass: round pieces of tissue, `share` in all."""
    rows, columns = np.indices((num_tiles, num_tiles))
    layout = np.zeros((num_tiles, num_tiles), np.int64)
    radius = max(1.0, num_tiles * np.sqrt(share / 4 / np.pi))
    while (layout > 0).mean() < share * 0.95:
        x, y = rng.uniform(radius, num_tiles - radius, 2)
        piece = (rows + 0.5 - y) ** 2 + (columns + 0.5 - x) ** 2 < radius**2
        layout[piece] = rng.integers(1, NUM_TEXTURES + 1, piece.sum())
        radius *= 0.9 if (layout > 0).mean() > share * 0.6 else 1.0
    return layout


def level_tiles(layout: np.ndarray, textures: np.ndarray, factor: int) -> Iterator:
    """Tiles of one level, in reading order; None where there is nothing but glass, save at first,
    from which tifffile learns what is coming."""
    side = TILE_PX // factor
    small = [np.full((side, side, 3), 255, np.uint8)]
    small += [cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in textures]
    small = np.stack(small)
    num_tiles = -(-len(layout) // factor)
    padded = np.pad(layout, (0, num_tiles * factor - len(layout)))
    for row in range(num_tiles):
        for column in range(num_tiles):
            part = padded[row * factor :, column * factor :][:factor, :factor]
            if not part.any() and (row or column):
                yield None
                continue
            tile = small[part].transpose(0, 2, 1, 3, 4)  # (factor, side, factor, side, 3)
            yield np.ascontiguousarray(tile.reshape(TILE_PX, TILE_PX, 3))


def write_sparse_slide(path: Path, side_px: int, share: float = 0.01, seed: int = 0) -> np.ndarray:
    """Write a square pyramidal TIFF in which tiles of glass are missing; its layout."""
    rng = np.random.default_rng(seed)
    textures = draw_textures(rng)
    layout = draw_layout(rng, -(-side_px // TILE_PX), share)
    factor = 1
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        while factor <= TILE_PX and (factor == 1 or side_px // factor * FACTOR > 1024):
            writer.write(
                level_tiles(layout, textures, factor),
                shape=(side_px // factor, side_px // factor, 3),
                dtype=np.uint8,
                tile=(TILE_PX, TILE_PX),
                photometric="rgb",  # of what is given; stored is YCbCr
                compression="jpeg",
                compressionargs={"level": 85},
                subfiletype=0 if factor == 1 else 1,
                resolution=(1e4 / MPP_UM / factor, 1e4 / MPP_UM / factor),
                resolutionunit="CENTIMETER",
                metadata=None,
            )
            factor *= FACTOR
    return layout


# --- tiles a second -------------------------------------------------------------------------------


def pace(read: Callable, corners: list) -> float:
    """Tiles a second of one function, after one tile that does not count."""
    read(*corners[0])
    started = time.perf_counter()
    for x, y in corners:
        read(x, y)
    return len(corners) / (time.perf_counter() - started)


def plain_tifffile(page, file) -> Callable:
    """A reader of one stored tile, as tifffile decodes it; it knows no other places."""
    across = -(-page.imagewidth // TILE_PX)

    def read(x: int, y: int) -> np.ndarray:
        index = y // TILE_PX * across + x // TILE_PX
        file.filehandle.seek(page.dataoffsets[index])
        encoded = file.filehandle.read(page.databytecounts[index])
        return page.decode(encoded, index, jpegtables=page.jpegtables)[0]

    return read


def compare_readers(path: Path, corners: np.ndarray) -> None:
    """Stored tiles, tiles between them, and tiles at 1 um: each reader in one thread."""
    from radiokit.io.slides import open_slide

    aligned, between = corners.tolist(), (corners + (70, 130)).tolist()
    with (
        open_slide(path) as slide,
        openslide.OpenSlide(str(path)) as plain,
        tifffile.TiffFile(path) as file,
    ):

        def ours(x, y):
            return slide.read_region(x, y, TILE_PX, TILE_PX)

        def theirs(x, y):
            return np.asarray(plain.read_region((x, y), 0, (TILE_PX, TILE_PX)).convert("RGB"))

        def ours_shrunk(x, y):
            return slide.read_region(x, y, TILE_PX, TILE_PX, mpp_um=0.4, fill=255)

        def theirs_shrunk(x, y):
            side = round(TILE_PX * 0.4 / MPP_UM)
            picture = plain.read_region((x, y), 0, (side, side)).convert("RGB")
            return np.asarray(picture.resize((TILE_PX, TILE_PX), Image.Resampling.BOX))

        decoder = plain_tifffile(file.pages[0], file)
        same = np.abs(ours(*aligned[0]).astype(int) - theirs(*aligned[0])).max()
        print(f"largest difference of a tile from OpenSlide's: {same}")
        for turn in ("first", "second"):
            print(
                f"{turn} turn, {len(corners)} tiles of {TILE_PX} px, tiles/s: stored tiles "
                f"radiokit {pace(ours, aligned):.0f}, OpenSlide {pace(theirs, aligned):.0f}, "
                f"tifffile {pace(decoder, aligned):.0f}; between stored tiles radiokit "
                f"{pace(ours, between):.0f}, OpenSlide {pace(theirs, between):.0f}; at 0.4 um "
                f"radiokit {pace(ours_shrunk, between):.0f}, OpenSlide and Pillow "
                f"{pace(theirs_shrunk, between):.0f}"
            )


# --- a network ------------------------------------------------------------------------------------


def small_unet():
    """A small U-Net with weights as they are drawn: only its speed is looked at."""
    import keras

    from radiokit.models import build_unet

    keras.utils.set_random_seed(0)
    return build_unet((TILE_PX, TILE_PX, 3), len(CLASS_NAMES), widths=UNET_WIDTHS, dropout=0.0)


def measure_slide(path: Path, out: Path, overlap: float) -> None:
    """Seconds and peak memory of this process, which does nothing else."""
    from radiokit.io.slides import open_slide
    from radiokit.tiling import predict_slide

    model = small_unet()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_slide(path) as slide:
        corners = tissue_corners(slide, overlap)
        size_px = slide.size_px
    options = {"mpp_um": MPP_UM, "tile_px": TILE_PX, "class_names": CLASS_NAMES}
    made = predict_slide(model, path, corners, out, **options, progress=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    print(
        f"predict_slide: {size_px[0]} x {size_px[1]} pixels, {made.num_tiles} tiles with tissue "
        f"(overlap {overlap:.0%}), U-Net {UNET_WIDTHS}: {made.seconds:.0f} s, "
        f"{made.num_tiles / made.seconds:.1f} tiles/s ({time.process_time():.0f} s of processor "
        f"time in all), {made.num_regions} regions, "
        f"{megabytes:.0f} MB written; peak resident {peak * 1024 / GIB:.2f} GiB "
        f"({before * 1024 / GIB:.2f} before, mostly TensorFlow); wanted: 1.5 GiB"
    )


def tissue_corners(slide, overlap: float) -> np.ndarray:
    """Corners of tiles at level 0 where a thumbnail shows tissue."""
    from radiokit.data.tile_grid import map_low_to_high
    from radiokit.data.tissue import find_tissue

    pixels, downsample = slide.read_thumbnail(round(max(slide.size_px) * MPP_UM / 8))
    tissue = find_tissue(pixels, MPP_UM * downsample)
    return map_low_to_high(tissue, downsample, slide.size_px, TILE_PX, 1.0, overlap, 0.25)


def compare_overlap(path: Path, corners: np.ndarray, network: Callable, name: str) -> None:
    """Decoding beside a network against decoding before it, on the same tiles, in turns."""
    from radiokit.io.slides import open_slide
    from radiokit.tiling.reading import default_threads, read_batches

    seconds = {"plain": [], "ours": []}
    decoding, threads = [], default_threads()
    with open_slide(path) as slide:
        for _ in range(2):
            started, in_decoding = time.perf_counter(), 0.0
            for first in range(0, len(corners), BATCH_SIZE):
                before = time.perf_counter()
                tiles = [
                    slide.read_region(x, y, TILE_PX, TILE_PX, downsample=1.0)
                    for x, y in corners[first : first + BATCH_SIZE].tolist()
                ]
                images = np.stack(tiles).astype(np.float32) / 255
                in_decoding += time.perf_counter() - before
                network(images)
            seconds["plain"].append(time.perf_counter() - started)
            decoding.append(in_decoding)
            started = time.perf_counter()
            for images, _ in read_batches(slide, corners, TILE_PX, 1.0, BATCH_SIZE, threads):
                network(images)
            seconds["ours"].append(time.perf_counter() - started)
    plain, ours = min(seconds["plain"]), min(seconds["ours"])
    print(
        f"{name}, {len(corners)} tiles, better of two turns: decode, then predict {plain:.1f} s "
        f"(of which {min(decoding):.1f} s decoding); {threads} threads decode beside it "
        f"{ours:.1f} s, {plain / ours:.2f} times as fast, on {os.cpu_count()} cores"
    )


def on_this_processor() -> Callable:
    """A network that takes the same cores as decoding."""
    model = small_unet()
    model.predict_on_batch(np.zeros((BATCH_SIZE, TILE_PX, TILE_PX, 3), np.float32))
    return model.predict_on_batch


def on_another_chip(_) -> None:
    """Stands in for a network on a GPU: 4 ms a tile in which this processor has nothing to do."""
    time.sleep(0.004 * BATCH_SIZE)


def main(folder: Path, side_px: int, num_tiles: int) -> None:
    """All measurements, one after the other."""
    path = folder / "sparse.tif"
    started = time.perf_counter()
    layout = write_sparse_slide(path, side_px)
    print(
        f"sparse slide: {side_px} x {side_px} pixels, {(layout > 0).mean():.2%} tissue, "
        f"{path.stat().st_size / 1e6:.0f} MB in {time.perf_counter() - started:.1f} s"
    )
    inner = layout.copy()
    inner[-2:], inner[:, -2:] = 0, 0
    rows, columns = np.nonzero(inner)
    corners = np.stack([columns, rows], axis=1)[:num_tiles] * TILE_PX
    compare_readers(path, corners)
    whole = corners[: len(corners) // BATCH_SIZE * BATCH_SIZE]
    compare_overlap(path, whole, on_another_chip, "a network elsewhere (4 ms a tile)")
    compare_overlap(path, whole, on_this_processor(), f"U-Net {UNET_WIDTHS} on these cores")
    for overlap in (0.0, 0.25):
        out = folder / f"map_{overlap}"
        command = [sys.executable, __file__, "--slide", str(path), "--out", str(out)]
        subprocess.run([*command, "--overlap", str(overlap)], check=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # a child prints in between
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=100_000)
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="a folder that stays, with slide and maps")
    parser.add_argument("--slide", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--overlap", type=float, default=0.0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.slide:
        measure_slide(chosen.slide, chosen.out, chosen.overlap)
    elif chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        main(chosen.keep, chosen.side, chosen.tiles)
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name), chosen.side, chosen.tiles)
