"""Stored samples of a TIFF to red, green and blue: grey, palette, deep, YCbCr, with alpha."""

import numpy as np

from radiokit.io import UnreadableFileError
from radiokit.io.slide_source import over_background

# None, CCITT, LZW, JPEG, deflate, PackBits, JPEG 2000 (two of them Aperio's), LZMA, zstd, WebP.
# Rarer decoders are left out: that of JPEG XR, for one, ends the process on a damaged file.
_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 33003, 33005, 34712, 34925, 50000, 50001)
_APERIO_YCBCR = 33003
_TURNS_TO_RGB = (7, 33005, 34712, 50001)  # decoders that undo YCbCr themselves
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_ASSOCIATED = 1
_UNASSOCIATED = 2


def check_samples(path, pages: list) -> tuple[str, ...]:
    """Refuse pages out of which no picture in colour or grey can be made.

    Args:
        path: for the error.
        pages: tifffile's pages of level 0: one, or three grey ones for red, green and blue.

    Returns:
        Notes of what is lost.

    Raises:
        UnreadableFileError: says what the samples are.
    """
    page = pages[0]
    if page.compression not in _COMPRESSIONS:
        reason = f"its compression is TIFF's number {int(page.compression)}"
        raise UnreadableFileError(path, reason, "Save it with JPEG, LZW or deflate.")
    if page.dtype is None or page.dtype.kind not in "ub" or page.dtype.itemsize > 2:
        reason = f"its samples are {page.dtype}; a slide has 8 or 16 bits without sign"
        raise UnreadableFileError(path, reason, "Scale them to 0..255 and save them anew.")
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR):
        name = getattr(page.photometric, "name", page.photometric)
        raise UnreadableFileError(path, f"its colours are {name}", "Save it as RGB.")
    count = page.samplesperpixel * len(pages)
    if (page.photometric in (_RGB, _YCBCR) and count not in (3, 4)) or count > 4:
        reason = f"it has {count} channels, which are no red, green and blue"
        remedy = "Read channels with tifffile.imread, or save a picture of them as RGB."
        raise UnreadableFileError(path, reason, remedy)
    if page.dtype.itemsize > 1:
        return (f"Samples have {_bits(page)} bits; they are scaled to 8.",)
    return ()


def _bits(page) -> int:
    bits = page.bitspersample
    return int(bits if isinstance(bits, int) else bits[0])


def to_rgb(samples: np.ndarray, page, background_rgb: tuple[int, int, int]) -> np.ndarray:
    """Turn stored samples into a picture.

    Args:
        samples: (rows, columns, samples) as tifffile decodes them.
        page: tifffile's page, which says what they mean.
        background_rgb: what lies under transparent pixels, 0..255.

    Returns:
        uint8 (rows, columns, 3).
    """
    if page.photometric == _PALETTE:
        palette = (np.reshape(page.colormap, (3, -1)).T >> 8).astype(np.uint8)
        return palette[np.minimum(samples[..., 0], len(palette) - 1)]
    values = _to_8_bits(samples, _bits(page))
    if page.photometric == _WHITE_IS_ZERO:
        values = np.concatenate([255 - values[..., :1], values[..., 1:]], axis=-1)
    if _is_ycbcr(page):
        values = _rgb_of_ycbcr(values)
    if values.shape[-1] < 3:
        values = np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=-1)
    kinds = page.extrasamples or (0,)
    if values.shape[-1] == 4 and kinds[0] == _ASSOCIATED:
        rest = (255 - values[..., 3:]) / np.float32(255) * np.asarray(background_rgb, np.float32)
        return np.minimum(np.rint(values[..., :3] + rest), 255).astype(np.uint8)
    if values.shape[-1] == 4 and kinds[0] == _UNASSOCIATED:
        return over_background(values, background_rgb)
    return np.ascontiguousarray(values[..., :3])


def _to_8_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    if bits == 8:
        return samples
    return np.rint(samples.astype(np.float32) * (255 / (2**bits - 1))).astype(np.uint8)


def _is_ycbcr(page) -> bool:
    if page.compression == _APERIO_YCBCR:
        return True
    return page.photometric == _YCBCR and page.compression not in _TURNS_TO_RGB


def _rgb_of_ycbcr(values: np.ndarray) -> np.ndarray:
    import cv2

    rgb = cv2.cvtColor(np.ascontiguousarray(values[..., (0, 2, 1)]), cv2.COLOR_YCrCb2RGB)
    return np.concatenate([rgb, values[..., 3:]], axis=-1)
