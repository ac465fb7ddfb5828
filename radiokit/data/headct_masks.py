"""Masks of haemorrhage: coloured pictures, label maps, and masks of one class, to subtypes."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from radiokit.cards import name_a_few
from radiokit.data.headct_labels import SUBTYPES
from radiokit.data.own_labels import label_target
from radiokit.data.windowed import is_volume
from radiokit.io import UnreadableFileError, check_file
from radiokit.io.geometry import fit_placement, place_mask
from radiokit.io.pictures import decode_picture
from radiokit.io.rasters import read_label_mask
from radiokit.io.volumes import read_canonical_label_slice

UNKNOWN = 255  # in a label map; 0 is background, 1 to 5 are SUBTYPES
MASK_KINDS = ("subtypes", "colors", "one_class")
SUBTYPE_COLORS = {
    "epidural": (255, 0, 0),
    "intraparenchymal": (0, 0, 255),
    "intraventricular": (255, 255, 0),
    "subarachnoid": (0, 255, 255),
    "subdural": (0, 255, 0),
}
_PALETTE = np.array([(0, 0, 0), *SUBTYPE_COLORS.values()], np.float32)
_SURE = 48.0  # a channel this near to its colour was not blurred
_REACH_PX = 4  # blurred edges are no wider than this on either side


def read_subtype_colors(path: str | Path) -> np.ndarray:
    """Read a coloured mask of the five subtypes.

    Use it on masks of the Brain Hemorrhage Segmentation Dataset drawn as pictures: epidural red,
    intraparenchymal blue, intraventricular yellow, subarachnoid cyan, subdural green, background
    black. Every pixel takes the nearest colour. At a blurred edge only the colours count that are
    pure within a few pixels: halfway from yellow to black is as near to red and to green.

    Args:
        path: a PNG or another picture; a coloured JPEG is read too.

    Returns:
        uint8 (rows, columns): 0 background, 1 to 5 in the order of `SUBTYPES`.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: damaged, or a grey picture, which has no colours.
    """
    colors = _read_colors(check_file(path))
    distances = np.linalg.norm(colors[:, :, None] - _PALETTE, axis=-1)  # (H, W, 6)
    labels = distances.argmin(axis=-1).astype(np.uint8)
    is_sure = (np.abs(colors - _PALETTE[labels]) <= _SURE).all(axis=-1)
    if not is_sure.all():
        distances[~_nearby(labels, is_sure)] = np.inf
        labels = np.where(is_sure, labels, distances.argmin(axis=-1)).astype(np.uint8)
    return labels


def _read_colors(path: Path) -> np.ndarray:
    """(rows, columns, 3) float32; an all-black mask may be grey."""
    picture = decode_picture(path)
    values = picture.values if picture.palette is None else picture.palette[picture.values]
    if values.ndim == 2 and values.any():
        reason = "it is a grey mask, not one of coloured subtypes"
        raise UnreadableFileError(path, reason, "Use radiokit.io.rasters.read_label_mask.")
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=-1)
    return values.astype(np.float32)


def _nearby(labels: np.ndarray, is_sure: np.ndarray) -> np.ndarray:
    """(H, W, 6): which colours are pure near a pixel; all, where there is none but black."""
    square = np.ones((2 * _REACH_PX + 1,) * 2, np.uint8)
    pure = [((labels == value) & is_sure).astype(np.uint8) for value in range(len(_PALETTE))]
    near = np.stack([cv2.dilate(mask, square) for mask in pure], axis=-1).astype(bool)
    near[~near[..., 1:].any(axis=-1)] = True  # a bleed so small that none of it is pure
    return near


def read_headct_masks(row, image_shape: Sequence[int]) -> np.ndarray:
    """Masks of the five subtypes of one row, at the network's size.

    Use it in the reader of a segmentation. What is unknown is -1, which losses leave out:

    - inside a mask of one class (CT-ICH), all channels, unless exactly one subtype of the row is 1:
      then it is that one;
    - a row without a mask: a subtype whose label is 0 is nowhere; any other is unknown everywhere.

    Args:
        row: a row of a head CT table (Series or dict) with `mask` ("" where there is none),
            `mask_kind` ("subtypes" where missing, "colors", or "one_class") and the subtypes.
        image_shape: target height and width in pixels (further axes are not looked at).

    Returns:
        (H, W, 5) float32 in the order of `SUBTYPES`: 1 haemorrhage, 0 none (padding included),
        -1 unknown.

    Raises:
        radiokit.io.UnreadableFileError: the mask cannot be read, or holds other labels.
        ValueError: there is no such kind of mask.
    """
    if not has_mask(row):
        labels = label_target(row, SUBTYPES)
        return np.tile(np.where(labels == 0, 0, -1).astype(np.float32), (*image_shape[:2], 1))
    label_map = read_label_map(row)
    placed = place_mask(label_map, fit_placement(label_map.shape, tuple(image_shape[:2])))
    channels = (placed[..., None] == np.arange(1, 1 + len(SUBTYPES))).astype(np.float32)
    channels[placed == UNKNOWN] = -1
    return channels


def has_mask(row) -> bool:
    """Whether a row has a mask's file.

    Args:
        row: a row of a case table (Series or dict).

    Returns:
        False for a missing column, "" and None.
    """
    mask = row.get("mask")
    return isinstance(mask, (str, Path)) and str(mask) != ""


def read_label_map(row) -> np.ndarray:
    """The mask of one row at its own size.

    Use it to measure bleeds on the file's own grid.

    Args:
        row: as for `read_headct_masks`, with a mask.

    Returns:
        uint8 (rows, columns): 0 background, 1 to 5 as `SUBTYPES`, 255 unknown subtype.

    Raises:
        radiokit.io.UnreadableFileError: the mask cannot be read, or holds other labels.
        ValueError: there is no such kind of mask.
    """
    kind = row.get("mask_kind")
    kind = kind if isinstance(kind, str) and kind else "subtypes"
    if kind not in MASK_KINDS:
        raise ValueError(f"There is no mask_kind {kind!r}. Choose {', '.join(MASK_KINDS)}.")
    if kind == "colors":
        return read_subtype_colors(row["mask"])
    if is_volume(row["mask"]):
        labels = read_canonical_label_slice(row["mask"], int(row["axis"]), int(row["slice_index"]))
    else:
        labels = read_label_mask(row["mask"])
    if kind == "one_class":
        return _spread_one_class(labels, label_target(row, SUBTYPES))
    return _check_subtypes(labels, row["mask"])


def _spread_one_class(labels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The one subtype that the slice has, else unknown; half of white is foreground."""
    foreground = labels > labels.max() // 2
    positive = np.flatnonzero(target == 1)
    is_certain = len(positive) == 1 and not (target < 0).any()
    return np.where(foreground, positive[0] + 1 if is_certain else UNKNOWN, 0).astype(np.uint8)


def _check_subtypes(labels: np.ndarray, path: str | Path) -> np.ndarray:
    """A label map holds nothing but its labels."""
    values = np.flatnonzero(np.bincount(labels.ravel())) if labels.min() >= 0 else np.unique(labels)
    strange = np.setdiff1d(values, [*range(1 + len(SUBTYPES)), UNKNOWN])
    if strange.size:
        raise UnreadableFileError(
            path,
            f"it holds the labels {name_a_few([str(value) for value in strange])}",
            f"Label maps hold 0 background, 1 to 5 ({', '.join(SUBTYPES)}) and 255 unknown; for "
            'a mask of one class set mask_kind to "one_class".',
        )
    return labels.astype(np.uint8)
