"""Files of a record: JSON and grey pictures, each complete or absent."""

import json

import numpy as np
from PIL import Image

from radiokit.files import whole_file, write_text_whole


def write_json(path, content):
    """Write a dict as JSON that any reader takes; NaN becomes null."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_text_whole(path, text + "\n")


def _plain(value):
    """What JSON can hold: NaN becomes null, NumPy numbers and paths become plain ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def write_grey(path, pixels):
    """Write pixels in 0..1 as an 8-bit grey PNG."""
    pixels = pixels.reshape(pixels.shape[:2])
    grey = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    with whole_file(path) as unfinished:
        Image.fromarray(grey).save(unfinished, format="PNG")
