"""Small slides whose pixels are known by formula, as several scanners and programs lay them."""

import numpy as np
import tifffile

APERIO = "Aperio test\r\n{width}x{height} (64x64) RAW|AppMag = 40|MPP = 0.2500"


def ramp(width, height):
    """Red grows by a quarter a pixel to the right, green downwards, blue is the rest of red."""
    red, green = np.broadcast_arrays(np.arange(width)[None] // 4, np.arange(height)[:, None] // 4)
    return np.dstack([red, green, 255 - red]).astype(np.uint8)


_WAVE_PX = 400


def _wave_means(first_px, step_px, count):
    edges = 2 * np.pi / _WAVE_PX * (first_px + step_px * np.arange(count + 1))
    return 127.5 + 100 * (np.cos(edges[:-1]) - np.cos(edges[1:])) / np.diff(edges)


def wave_means(corner, size, steps):
    """Area means of waves, red along x and green along y, 400 level-0 pixels long.

    Over a grid of `size` (columns, rows) cells of `steps` (x, y) level-0 pixels from `corner`.
    """
    red = _wave_means(corner[0], steps[0], size[0])[None]
    green = _wave_means(corner[1], steps[1], size[1])[:, None]
    red, green = np.broadcast_arrays(red, green)
    return np.dstack([red, green, np.full(red.shape, 50.0)])


def shift_px(pixels, corner, step):
    """How far pixels lie from where the waves have them, in level-0 pixels along x and y."""
    size = pixels.shape[1::-1]
    expected = wave_means(corner, size, (step, step))
    shifts = []
    for axis in (0, 1):
        ahead = [at + (0.01 if index == axis else 0) for index, at in enumerate(corner)]
        slope = (wave_means(ahead, size, (step, step)) - expected)[..., axis] / 0.01
        error = (pixels - expected)[..., axis]
        shifts.append((error * slope).sum() / (slope**2).sum())
    return np.array(shifts)


def texture(width, height, seed=0):
    """Smooth blobs in colour, which JPEG keeps well."""
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (height // 64 + 2, width // 64 + 2, 3))
    return cv2.resize(coarse.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def write_levels(path, levels, description=APERIO, **options):
    """Write uncompressed tiled levels, one page each, as OpenSlide takes them."""
    height, width = levels[0].shape[:2]
    with tifffile.TiffWriter(path) as writer:
        for index, level in enumerate(levels):
            writer.write(
                level,
                tile=(64, 64),
                photometric="rgb",
                metadata=None,
                subfiletype=int(index > 0),
                description=description.format(width=width, height=height),
                **options,
            )
    return path
