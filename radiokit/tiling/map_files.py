"""The map of a slide as files: raw while it grows, then probabilities, heat map and outlines."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError, brief, caught_warnings, check_file

FILES = ("probabilities.ome.tif", "heatmap.tif", "regions.geojson")
PROBABILITIES, HEAT_MAP, REGIONS = FILES
RECORD = "map.json"  # written last
BACKGROUND = "background"
NOT_LOOKED_AT_RGB = (232, 232, 232)
# Chosen to stay apart for every kind of colour blindness (Okabe and Ito 2008).
CLASS_RGB = {
    "benign": (0, 114, 178),
    "in_situ": (230, 159, 0),
    "invasive": (170, 30, 90),
    "lesion": (170, 30, 90),
}
_OTHER_RGB = ((0, 158, 115), (213, 94, 0), (86, 180, 233), (204, 121, 167), (0, 0, 0))
_BAND_BYTES = 1 << 24
_AGAIN = "Delete the folder and predict again."


@dataclass(frozen=True, eq=False)
class RawMap:
    """A file of plain pixels, read by rows and sliced like an array.

    A memory map would do the same, but its pages count as this process's memory.

    Attributes:
        path: of the file.
        file_shape: rows, columns and channels of the file.
        first_channel: of the slice.
        last_channel: one past the slice's last; None: all.
    """

    path: Path
    file_shape: tuple[int, int, int]
    first_channel: int = 0
    last_channel: int | None = None
    dtype: np.dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the slice."""
        return (*self.file_shape[:2], len(self._channels))

    @property
    def _channels(self) -> range:
        return range(self.file_shape[2])[self.first_channel : self.last_channel]

    def __getitem__(self, key) -> "np.ndarray | RawMap":
        """Rows as an array; all rows of some channels, `[..., 2:3]`, as another `RawMap`."""
        if isinstance(key, slice):
            return self._rows(*key.indices(self.shape[0])[:2])
        picked = self._channels[key[-1]]
        return RawMap(self.path, self.file_shape, picked.start, picked.stop)

    def _rows(self, first: int, last: int) -> np.ndarray:
        _, columns, channels = self.file_shape
        count, row_bytes = max(0, last - first), columns * channels
        rows = np.fromfile(self.path, np.uint8, count * row_bytes, offset=first * row_bytes)
        rows = rows.reshape(count, columns, channels)
        return rows[..., self.first_channel : self.last_channel]

    def bands(self) -> Iterator[np.ndarray]:
        """All rows from above to below, some 16 MiB at a time."""
        step = max(1, _BAND_BYTES // (self.file_shape[1] * self.file_shape[2]))
        for first in range(0, self.shape[0], step):
            yield self[first : first + step]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A raw map in colours, made row by row as it is read.

    Attributes:
        raw: the probabilities.
        class_names: one a channel.
    """

    raw: RawMap
    class_names: tuple[str, ...]
    dtype: np.dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, and 3."""
        return (*self.raw.shape[:2], 3)

    def __getitem__(self, key: slice) -> np.ndarray:
        """Rows, uint8 (rows, columns, 3)."""
        return color_map(self.raw[key], self.class_names)


def class_colors(class_names: Sequence[str]) -> list[tuple[int, int, int]]:
    """Colour of each class on heat maps and outlines; background is white.

    Use it for legends of the heat map.

    Args:
        class_names: one a channel.

    Returns:
        (red, green, blue), 0..255, of each.

    >>> class_colors(("background", "benign", "stroma"))
    [(255, 255, 255), (0, 114, 178), (0, 158, 115)]
    """
    others = [name for name in class_names if name not in (*CLASS_RGB, BACKGROUND)]
    return [
        (255, 255, 255)
        if name == BACKGROUND
        else CLASS_RGB.get(name) or _OTHER_RGB[others.index(name) % len(_OTHER_RGB)]
        for name in class_names
    ]


def color_map(probabilities: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Probabilities as colours: white where no lesion is likely, a class's own where it is sure.

    Use it on a small map, or on a part of one. Between classes colours mix by probability.

    Args:
        probabilities: uint8 (rows, columns, channels), 255 is 1; 0 throughout: not looked at.
        class_names: one a channel.

    Returns:
        uint8 (rows, columns, 3), light grey where nobody looked.
    """
    colors = np.full(probabilities.shape[:2] + (3,), NOT_LOOKED_AT_RGB, np.uint8)
    is_seen = find_seen(probabilities)
    if is_seen.any():
        absorbed = 255 - np.array(class_colors(class_names), np.float32)  # (channels, 3)
        mixed = 255 - probabilities[is_seen].astype(np.float32) / 255 @ absorbed
        colors[is_seen] = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return colors


def label_map(probabilities: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """The class of each pixel.

    Use it on a part of a map. The most probable channel wins; without a channel "background" it
    must reach one half as well.

    Args:
        probabilities: uint8 (rows, columns, channels), 255 is 1.
        class_names: one a channel.

    Returns:
        uint8 (rows, columns): 0 for background and where nobody looked, else 1 + channel.
    """
    labels = np.zeros(probabilities.shape[:2], np.uint8)
    is_seen = find_seen(probabilities)
    seen = probabilities[is_seen]  # (pixels, channels)
    best = seen.argmax(axis=-1).astype(np.uint8)
    if BACKGROUND in class_names:
        is_class = best != list(class_names).index(BACKGROUND)
    else:
        is_class = seen.max(axis=-1, initial=0) >= 128
    labels[is_seen] = np.where(is_class, best + np.uint8(1), np.uint8(0))
    return labels


def find_seen(probabilities: np.ndarray) -> np.ndarray:
    """Where the network looked.

    Use it to leave out of a score what no tile covers.

    Args:
        probabilities: uint8 (rows, columns, channels), as `read_map` gives them.

    Returns:
        Boolean (rows, columns): not 0 in every channel.
    """
    seen = probabilities[..., 0] > 0
    for channel in range(1, probabilities.shape[-1]):  # much faster than any(axis=-1)
        seen |= probabilities[..., channel] > 0
    return seen


def read_map(out: str | Path) -> tuple[np.ndarray, float]:
    """The probabilities that `predict_slide` wrote.

    Use it to score a slide or to draw its map; the map of a large slide takes hundreds of MiB.

    Args:
        out: the folder given to `predict_slide`.

    Returns:
        uint8 (rows, columns, channels), 255 is 1 and 0 in every channel is "no tile there"; and
        level-0 pixels of the slide per map pixel.

    Raises:
        FileNotFoundError: no finished map there.
        radiokit.io.UnreadableFileError: a file of it is damaged.
    """
    import tifffile

    record = read_record(Path(out))
    path = check_file(Path(out) / PROBABILITIES)
    try:
        with caught_warnings():
            planes = tifffile.imread(path, level=0)
        planes = planes[None] if planes.ndim == 2 else planes  # (channels, rows, columns)
        if len(planes) != len(record["class_names"]) or planes.ndim != 3:
            raise ValueError(f"it has the shape {planes.shape}")
    except Exception as error:  # whatever a decoder finds
        raise UnreadableFileError(path, f"it is damaged ({brief(error)})", _AGAIN) from error
    return np.moveaxis(planes, 0, -1), float(record["downsample"])


def read_record(out: Path) -> dict:
    """What `map.json` says of a finished map.

    Args:
        out: the folder given to `predict_slide`.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: no finished map there.
        radiokit.io.UnreadableFileError: it is damaged.
    """
    path = out / RECORD
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no finished map in {out} (no {RECORD}). Run predict_slide first; one that "
            "was stopped goes on when it is called again with the same arguments."
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        float(record["downsample"]), len(record["class_names"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFileError(path, f"it is damaged ({error!r})", _AGAIN) from error
    return record
