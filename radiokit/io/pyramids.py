"""An image of any size to a tiled pyramidal TIFF that OpenSlide and QuPath open."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from radiokit.files import whole_file
from radiokit.io.pyramid_levels import iterate_tiles, level_sizes, mean_blocks, write_means

KINDS = ("tiff", "aperio", "ome")
_LONGEST_TOP_PX = 1024
_CLASSIC_BYTES = 3 << 30  # beyond it, 64-bit offsets
_BUFFER_BYTES = 1 << 24
_SUBSAMPLING = (2, 1)  # as Aperio; without any, Java takes such JPEG for RGB
_WHITE = 255


def write_pyramid(
    path: Path | str,
    pixels: np.ndarray,
    *,
    mpp_um: float | None = None,
    magnification: float | None = None,
    kind: str = "tiff",
    channel_names: Sequence[str] | None = None,
    channel_rgb: Sequence[Sequence[int]] | None = None,
    quality: int = 85,
    tile_px: int = 256,
    factor: int = 4,
) -> Path:
    """Write an image as a tiled pyramid, tile by tile.

    Use it for slides and for maps over slides. `"aperio"` and `"tiff"` are JPEG in colour, which
    OpenSlide opens; tiles that are wholly white are stored once, so that empty glass costs nothing.
    `"ome"` is lossless, one grey channel a class, which QuPath opens by name and colour.

    Args:
        path: where to; complete or absent. Smaller levels lie beside it while it is written.
        pixels: uint8 (rows, columns, channels), or anything sliced like it, such as a memory
            map; only bands of it are held. Three channels (RGB) unless `kind` is `"ome"`.
        mpp_um: microns per pixel.
        magnification: of the objective, for instance 40.
        kind: `"tiff"`, `"aperio"` or `"ome"`.
        channel_names: of `"ome"`, one a channel.
        channel_rgb: of `"ome"`, (red, green, blue) 0..255 in which to show each channel.
        quality: of the JPEG, 1 to 100.
        tile_px: side of a tile, a multiple of 16 and of `factor`.
        factor: between neighbouring levels, which are area means.

    Returns:
        The path.

    Raises:
        ValueError: an image or a setting that the kind cannot hold.
        OSError: the file cannot be written; nothing is left behind.
    """
    _check(pixels, kind, channel_names, channel_rgb)
    _check_numbers(mpp_um, magnification, quality, tile_px, factor)
    with whole_file(path) as unfinished, _smaller_levels(unfinished, pixels, factor) as levels:
        if kind == "ome":
            names = _ome_metadata(mpp_um, channel_names, channel_rgb)
            _write_ome(unfinished, levels, names, _resolution(mpp_um), tile_px)
        else:
            description = _description(kind, pixels.shape, mpp_um, magnification, quality, tile_px)
            _write_rgb(unfinished, levels, description, _resolution(mpp_um), (quality, tile_px))
    return Path(path)


def _check(pixels, kind: str, channel_names, channel_rgb) -> None:
    shape, dtype = tuple(pixels.shape), np.dtype(pixels.dtype)
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
    if len(shape) != 3 or 0 in shape or dtype != np.uint8:
        raise ValueError(
            f"A pyramid needs uint8 (rows, columns, channels); got {dtype} {shape}. Scale to "
            "0..255 and add a last axis."
        )
    if kind != "ome" and shape[2] != 3:
        raise ValueError(
            f"kind {kind!r} holds RGB, three channels; got {shape[2]}. Use kind='ome' for others."
        )
    for name, values in (("channel_names", channel_names), ("channel_rgb", channel_rgb)):
        if values is not None and (kind != "ome" or len(values) != shape[2]):
            raise ValueError(
                f"{name} has {len(values)} entries for {shape[2]} channels of kind {kind!r}; give "
                "one a channel, with kind='ome'."
            )


def _check_numbers(mpp_um, magnification, quality: int, tile_px: int, factor: int) -> None:
    for name, value in (("mpp_um", mpp_um), ("magnification", magnification)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; it must be above 0, or None where unknown.")
    if not 1 <= quality <= 100:
        raise ValueError(f"quality is {quality}; JPEG's goes from 1 to 100.")
    if factor < 2 or tile_px < 16 or tile_px % 16:
        raise ValueError(
            f"tile_px is {tile_px}, factor {factor}; tiles need a multiple of 16, levels a "
            "factor of 2 or more."
        )


@contextmanager
def _smaller_levels(unfinished: Path, pixels, factor: int) -> Iterator[list]:
    """All levels; those below the first lie in raw files that are removed afterwards."""
    rows, columns = pixels.shape[:2]
    num_smaller = len(level_sizes(columns, rows, factor, _LONGEST_TOP_PX)) - 1
    paths = [unfinished.with_name(f"{unfinished.name}.{index}") for index in range(num_smaller)]
    levels = [pixels]
    try:
        for path in paths:
            levels.append(write_means(levels[-1], factor, path))
        yield levels
    finally:
        levels.clear()  # a mapped file cannot be removed on Windows
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _resolution(mpp_um: float | None) -> dict:
    if mpp_um is None:
        return {}
    per_cm = 10_000 / mpp_um
    return {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}


def _description(kind: str, shape, mpp_um, magnification, quality: int, tile_px: int) -> str:
    lead = "Aperio format" if kind == "aperio" else "Pyramid"
    fields = [
        f"{lead}, written by radiokit\r\n{shape[1]}x{shape[0]} ({tile_px}x{tile_px}) "
        f"JPEG/RGB Q={quality}"
    ]
    fields += [f"AppMag = {magnification:g}"] if magnification is not None else []
    fields += [f"MPP = {_decimal(mpp_um)}"] if mpp_um is not None else []
    return "|".join(fields)


def _decimal(mpp_um: float) -> str:
    """Four decimals, as Aperio writes, where they are enough."""
    short = f"{mpp_um:.4f}"
    return short if math.isclose(float(short), mpp_um, rel_tol=1e-6) else f"{mpp_um:.9f}"


def _write_rgb(path: Path, levels: list, description: str, resolution: dict, jpeg: tuple) -> None:
    import tifffile

    quality, tile_px = jpeg
    is_aperio = description.startswith("Aperio")
    options = {
        "photometric": "rgb",  # of what is given; stored is YCbCr
        "compression": "jpeg",
        "compressionargs": {"level": quality},
        "subsampling": _SUBSAMPLING,
        "metadata": None,
    }
    with tifffile.TiffWriter(path, bigtiff=_is_big(levels[0].shape)) as writer:
        for index, level in enumerate(levels):
            writer.write(
                iterate_tiles(level, tile_px, _WHITE),
                shape=level.shape,
                dtype=np.uint8,
                tile=(tile_px, tile_px),
                subfiletype=0 if is_aperio or index == 0 else 1,
                description=description,
                buffersize=_BUFFER_BYTES,
                maxworkers=_num_workers(),
                **options,
                **(resolution if index == 0 else {}),
            )
            if is_aperio and index == 0:  # where Aperio's readers look for it
                writer.write(_thumbnail(levels[-1]), description=description, **options)
    _share_empty_tiles(path, quality, tile_px)


def _share_empty_tiles(path: Path, quality: int, tile_px: int) -> None:
    """Let all tiles that were left out be one white tile at the end of the file.

    A tile may be missing in TIFF, but only OpenSlide then shows background; others show black.
    """
    import tifffile

    with tifffile.TiffFile(path, mode="r+b") as file:
        pages = [page for page in file.pages if page.is_tiled and 0 in page.databytecounts]
        if not pages:
            return
        tile = _white_jpeg(quality, tile_px)
        end = file.filehandle.seek(0, os.SEEK_END)
        file.filehandle.write(tile)
        for page in pages:
            counts, offsets = page.databytecounts, page.dataoffsets
            filled = [
                offset if count else end for offset, count in zip(offsets, counts, strict=True)
            ]
            page.tags["TileOffsets"].overwrite(filled)
            page.tags["TileByteCounts"].overwrite([count or len(tile) for count in counts])


def _white_jpeg(quality: int, tile_px: int) -> bytes:
    import imagecodecs

    white = np.full((tile_px, tile_px, 3), _WHITE, np.uint8)
    return imagecodecs.jpeg8_encode(
        white, level=quality, colorspace="RGB", outcolorspace="YCBCR", subsampling=_SUBSAMPLING
    )


def _thumbnail(level: np.ndarray) -> np.ndarray:
    return mean_blocks(np.asarray(level), max(1, max(level.shape) // _LONGEST_TOP_PX))


def _ome_metadata(mpp_um, channel_names, channel_rgb) -> dict:
    metadata = {"axes": "CYX"}
    if mpp_um is not None:  # OME's own unit is the micron
        metadata |= {"PhysicalSizeX": mpp_um, "PhysicalSizeY": mpp_um}
    channel = {"Name": list(channel_names)} if channel_names is not None else {}
    if channel_rgb is not None:
        channel["Color"] = [_ome_colour(rgb) for rgb in channel_rgb]
    return metadata | ({"Channel": channel} if channel else {})


def _ome_colour(rgb: Sequence[int]) -> int:
    """Red, green, blue and opacity as OME's signed 32-bit integer."""
    return int.from_bytes(bytes([*map(int, rgb), 255]), "big", signed=True)


def _write_ome(path: Path, levels: list, metadata: dict, resolution: dict, tile_px: int) -> None:
    import tifffile

    rows, columns, num_channels = levels[0].shape
    with tifffile.TiffWriter(path, bigtiff=_is_big(levels[0].shape), ome=True) as writer:
        for index, level in enumerate(levels):
            writer.write(
                _channel_tiles(level, tile_px),
                shape=(num_channels, *level.shape[:2]),
                dtype=np.uint8,
                tile=(tile_px, tile_px),
                photometric="minisblack",
                compression="zlib",
                buffersize=_BUFFER_BYTES,
                maxworkers=_num_workers(),
                **(
                    {"subifds": len(levels) - 1, "metadata": metadata, **resolution}
                    if index == 0
                    else {"subfiletype": 1, "metadata": None}
                ),
            )


def _channel_tiles(level: np.ndarray, tile_px: int) -> Iterator[np.ndarray]:
    for channel in range(level.shape[2]):
        for tile in iterate_tiles(level[..., channel : channel + 1], tile_px, None):
            yield tile[..., 0]


def _is_big(shape: Sequence[int]) -> bool:
    return math.prod(shape) > _CLASSIC_BYTES


def _num_workers() -> int:
    return min(4, os.cpu_count() or 1)
