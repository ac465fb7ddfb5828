"""Files of a record, each complete or absent."""

import io
import json
import os

import numpy as np
from PIL import Image


def write_json(path, content):
    """Write a dict as JSON that any reader takes; NaN becomes null."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode("utf-8"))


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
    content = io.BytesIO()
    Image.fromarray(grey).save(content, format="PNG")
    write_bytes(path, content.getvalue())


def write_bytes(path, content):
    """Write a file complete or not at all, with an error that says what to do."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial_path.write_bytes(content)
        os.replace(partial_path, path)
    except OSError as error:
        partial_path.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise OSError(
            f"Cannot write {path}: {error.strerror or error}. Choose another output folder, or "
            "free space and rights in this one."
        ) from error
