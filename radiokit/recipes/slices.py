"""Images of a classifier: read once, cut to what they show, kept small and ready."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from radiokit.data.framing import find_object
from radiokit.data.own import read_labelled_case
from radiokit.files import whole_file
from radiokit.io import UnreadableFileError
from radiokit.io.geometry import fit_placement, place_image
from radiokit.recipes.settings import ClassifySettings

READ_SIZE = 512  # pixels; what is cut out is shrunk from here
READERS = 2  # decoding releases Python's lock


def read_slice(row, settings: ClassifySettings) -> np.ndarray:
    """The image of one row at the network's size.

    Use it wherever an image goes into a network that `train_classifier` made.

    Args:
        row: with `image`, a path (Series or dict).
        settings: of the training; `size`, `crop` and `windows` are looked at.

    Returns:
        (size, size, C) uint8, 255 white; C is 1 for a picture and the number of windows for CT.

    Raises:
        radiokit.io.UnreadableFileError: the file cannot be read.
    """
    side = max(READ_SIZE, settings.size) if settings.crop else settings.size
    image, _ = read_labelled_case(row, (side, side), [], settings.windows or None)
    if settings.crop:
        top, left, height, width = find_object(image)
        image = image[top : top + height, left : left + width]
        image = place_image(image, fit_placement(image.shape[:2], (settings.size,) * 2))
    return np.round(image * 255).astype(np.uint8)


def prepare_slices(table: pd.DataFrame, settings: ClassifySettings, folder: Path) -> pd.DataFrame:
    """Read every image of a table once, and keep it as the network wants it.

    Use it before the split, so that patients are dealt by the images that can be read. A killed
    run goes on with what is there.

    Args:
        table: with `case_id` and `image`.
        settings: as for `read_slice`.
        folder: gets a `.npy` for each image, named by a hash.

    Returns:
        The rows whose image could be read, with its file in the column `prepared`. A sentence is
        printed about the others.

    Raises:
        ValueError: no image can be read, or pictures and CT in DICOM are mixed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for _, row in table.iterrows()]
    prepare = partial(_prepare_slice, settings=settings, folder=folder)
    with ThreadPoolExecutor(READERS) as pool:
        done = list(tqdm(pool.map(prepare, rows), total=len(rows), unit="image", desc="reading"))
    paths, channels, reasons = zip(*done, strict=True)
    unreadable = [reason for reason in reasons if reason]
    if len(unreadable) == len(rows):
        raise ValueError(f"None of the {len(rows)} images can be read: {unreadable[0]}")
    if unreadable:
        print(f"{len(unreadable)} of {len(rows)} images cannot be read and are left out:")
        print("\n".join(f"  {reason}" for reason in unreadable))
    if len(set(channels) - {0}) > 1:
        raise ValueError(
            f"The images have {sorted(set(channels) - {0})} channels, pictures one and CT in DICOM "
            "files one a window. Give images of one kind, or one window: --window brain."
        )
    return table.assign(prepared=paths)[[not reason for reason in reasons]]


def read_prepared(row, labels: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of a row that `prepare_slices` gave back.

    Use it as the reader of `radiokit.data.batches.make_batches`.

    Args:
        row: with `prepared` and the labels.
        labels: columns of 0 and 1, NaN where unknown.

    Returns:
        Image (size, size, C) float32 in 0..1; target (labels,) float32: 1, 0, or -1 unknown.
    """
    image = np.load(row["prepared"]).astype(np.float32) / 255
    values = np.array([row[label] for label in labels], np.float32)
    return image, np.where(np.isfinite(values), values, -1).astype(np.float32)


def _prepare_slice(row, settings, folder):
    """The kept file, its channels, and why there is none."""
    source = Path(row["image"])
    about = (source.resolve(), source.stat().st_size, source.stat().st_mtime_ns)
    about += (settings.size, settings.crop, settings.windows)
    path = folder / f"{hashlib.sha256(repr(about).encode()).hexdigest()[:24]}.npy"
    try:
        pixels = np.load(path) if path.exists() else read_slice(row, settings)
    except UnreadableFileError as error:
        return "", 0, f"{source.name}: {error}"
    if not path.exists():
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.save(file, pixels)
    return str(path), pixels.shape[-1], ""
