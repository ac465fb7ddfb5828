"""One NIfTI file to a volume, or to one slice of it, with its place in the patient."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from radiokit.io import UnreadableFileError
from radiokit.io.nifti import OpenNifti, open_nifti, read_stored
from radiokit.io.volume_axes import (
    Volume,
    VolumeHeader,
    canonical_shape,
    canonical_spacing_mm,
    check_same_grid,
    check_slice,
    display_slice,
    from_canonical,
    stored_axes,
    to_canonical,
    turn_to_canonical,
    undisplay_slice,
)
from radiokit.io.volume_writing import write_label_volume, write_volume

__all__ = [
    "Volume",
    "VolumeHeader",
    "canonical_shape",
    "canonical_spacing_mm",
    "check_same_grid",
    "display_slice",
    "from_canonical",
    "read_canonical_label_slice",
    "read_canonical_slice",
    "read_label_volume",
    "read_volume",
    "read_volume_header",
    "stored_axes",
    "to_canonical",
    "undisplay_slice",
    "write_label_volume",
    "write_volume",
]

_WHOLE_TOLERANCE = 1e-3


def read_volume_header(path: str | Path) -> VolumeHeader:
    """Read where a volume lies in the patient, without its voxels.

    Use it for shapes, spacing and orientation of many files; that the voxels are there in full
    is known only of a file that is not compressed.

    Args:
        path: `.nii`, `.nii.gz`, or either file of a `.hdr`/`.img` pair.

    Returns:
        Shape, spacing in mm, affine, orientation, stored type, and notes of what was guessed.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: not NIfTI, damaged, not 3-D, colours or complex numbers.
    """
    with open_nifti(path) as opened:
        return opened.header


def read_volume(path: str | Path) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 image on its stored axes.

    The affine is the sform's if the header has one, else the qform's; with neither it is a guess,
    which `notes` then says. Lengths in m or microns become mm; without a unit they are mm.

    Args:
        path: `.nii`, `.nii.gz`, or either file of a `.hdr`/`.img` pair; content decides.

    Returns:
        float32 voxels with the header's slope and intercept applied.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: not NIfTI, damaged, not 3-D, colours or complex numbers,
            or voxels that are no finite numbers.
    """
    with open_nifti(path) as opened:
        return _volume(_image_values(opened, read_stored(opened)), opened.header)


def read_label_volume(path: str | Path, allowed: Iterable[int] | None = None) -> Volume:
    """Read a volume of labels on its stored axes.

    Use it for masks. Integers stay what they are; numbers stored as fractions, or scaled by the
    header, count as labels when they are whole to a thousandth.

    Args:
        path: `.nii`, `.nii.gz`, or either file of a `.hdr`/`.img` pair; content decides.
        allowed: the values that labels may have; None: any.

    Returns:
        Integer voxels.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as `read_volume`, or voxels that are not whole, or values
            outside `allowed`; they are listed with counts.
    """
    with open_nifti(path) as opened:
        labels = _label_values(opened, read_stored(opened))
    if allowed is not None:
        _refuse_other_labels(Path(path), labels, {int(value) for value in allowed})
    return _volume(labels, opened.header)


def read_canonical_slice(path: str | Path, axis: int, index: int) -> np.ndarray:
    """Read one slice as a picture in radiological convention, without reading all voxels.

    Use it for training on slices. Of an uncompressed file only this slice is read; a compressed
    one has to be unpacked up to it, so unpack files that are read often.

    Args:
        path: as for `read_volume`.
        axis: canonical axis that the slice is perpendicular to: 0 sagittal, 1 coronal, 2 axial.
        index: slice along that axis, from 0 (left, back, or feet).

    Returns:
        float32 (rows, columns), turned as `display_slice` says.

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as `read_volume`.
        ValueError: there is no such axis or slice.
    """
    with open_nifti(path) as opened:
        values = _image_values(opened, _read_plane(opened, axis, index))
    return _as_picture(values, opened.header, axis)


def read_canonical_label_slice(path: str | Path, axis: int, index: int) -> np.ndarray:
    """Read one slice of a label volume as a picture; see `read_canonical_slice`.

    Args:
        path: as for `read_label_volume`.
        axis: canonical axis that the slice is perpendicular to: 0 sagittal, 1 coronal, 2 axial.
        index: slice along that axis, from 0 (left, back, or feet).

    Returns:
        Integer (rows, columns).

    Raises:
        FileNotFoundError: nothing is there.
        radiokit.io.UnreadableFileError: as `read_label_volume`.
        ValueError: there is no such axis or slice.
    """
    with open_nifti(path) as opened:
        labels = _label_values(opened, _read_plane(opened, axis, index))
    return _as_picture(labels, opened.header, axis)


def _volume(pixels: np.ndarray, header: VolumeHeader) -> Volume:
    return Volume(
        pixels, header.spacing_mm, header.unit, header.affine, header.orientation, header.notes
    )


def _scaled(opened: OpenNifti, stored: np.ndarray, dtype: type) -> np.ndarray:
    values = stored.astype(dtype)
    if (opened.slope, opened.inter) != (1, 0):
        values *= dtype(opened.slope)
        values += dtype(opened.inter)
    return values


def _image_values(opened: OpenNifti, stored: np.ndarray) -> np.ndarray:
    # 32 bits or more are scaled in float64: a large intercept would cost float32 its digits.
    dtype = np.float32 if stored.dtype.itemsize <= 2 else np.float64
    if (opened.slope, opened.inter) == (1, 0):
        dtype = np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        values = _scaled(opened, stored, dtype).astype(np.float32, copy=False)
    if stored.dtype.kind == "f" or dtype is np.float64:
        num_bad = values.size - np.count_nonzero(np.isfinite(values))
        if num_bad:
            raise UnreadableFileError(
                opened.path,
                f"{num_bad} of {values.size} voxels are not finite numbers (NaN or infinite)",
                "Replace them before saving, for instance with numpy.nan_to_num.",
            )
    return values


def _label_values(opened: OpenNifti, stored: np.ndarray) -> np.ndarray:
    is_scaled = (opened.slope, opened.inter) != (1, 0)
    if stored.dtype.kind in "iu" and not is_scaled:
        return stored
    with np.errstate(over="ignore", invalid="ignore"):
        values = _scaled(opened, stored, np.float64)
        whole = np.rint(values)
        is_whole = (np.abs(values - whole) <= _WHOLE_TOLERANCE) & (np.abs(whole) < 2**31)
    if not is_whole.all():
        wrong = values[~is_whole]
        examples = ", ".join(f"{value:.6g}" for value in np.unique(wrong)[:5])
        raise UnreadableFileError(
            opened.path,
            f"{wrong.size} of {values.size} voxels are no labels, which are whole numbers: "
            f"{examples}",
            "Give the label volume, not the image or a probability map; resample labels by "
            "nearest neighbour.",
        )
    return whole.astype(np.int32)


def _refuse_other_labels(path: Path, labels: np.ndarray, allowed: set[int]) -> None:
    other = labels[~np.isin(labels, list(allowed))]
    if not other.size:
        return
    values, counts = np.unique(other, return_counts=True)
    shown = [f"{value} ({count} voxels)" for value, count in zip(values, counts, strict=True)]
    more = f" and {len(shown) - 10} more values" if len(shown) > 10 else ""
    raise UnreadableFileError(
        path,
        f"it holds labels other than {', '.join(map(str, sorted(allowed)))}: "
        f"{', '.join(shown[:10])}{more}",
        "Check that these are the labels of this data set, and map or remove the others.",
    )


def _read_plane(opened: OpenNifti, axis: int, index: int) -> np.ndarray:
    """The stored voxels of one canonical slice, as a volume one voxel thick."""
    check_slice(canonical_shape(opened.header), axis, index)
    order, is_flipped = stored_axes(opened.header.affine)
    stored_axis = order[axis]
    if is_flipped[axis]:
        index = opened.header.shape[stored_axis] - 1 - index
    window = [slice(None)] * 3
    window[stored_axis] = slice(index, index + 1)
    return read_stored(opened, tuple(window))


def _as_picture(plane: np.ndarray, header: VolumeHeader, axis: int) -> np.ndarray:
    picture = display_slice(turn_to_canonical(plane, header.affine), axis, 0)
    return np.ascontiguousarray(picture)
