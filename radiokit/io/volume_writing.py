"""Volumes and predicted labels to NIfTI files that are complete or absent."""

import gzip
from pathlib import Path

import nibabel
import numpy as np

from radiokit.files import write_bytes_whole
from radiokit.io.nifti import open_nifti

_LABEL_TYPES = (np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64)
_WRITABLE_TYPES = ("uint8", "int16", "uint16", "int32", "float32")
_MAX_SIDE = 32767  # a NIfTI-1 header counts voxels in 16 bits


def write_label_volume(path: str | Path, labels: np.ndarray, like_path: str | Path) -> Path:
    """Write labels onto the grid of a volume, so that a viewer overlays them on it.

    Use it for predictions. The header is that of `like_path`: affine, sform, qform, their codes
    and units byte for byte. The file is complete or absent; folders are made as needed.

    Args:
        path: where to; `.nii` or `.nii.gz`. An existing file is replaced.
        labels: (i, j, k) whole numbers or True and False on the stored axes of `like_path` (see
            `from_canonical`); stored as uint8, or the smallest type that holds them.
        like_path: the volume that the labels belong to.

    Returns:
        The path.

    Raises:
        FileNotFoundError: `like_path` is not there.
        radiokit.io.UnreadableFileError: `like_path` cannot be read.
        ValueError: another shape, fractions, or another ending.
        OSError: the folder cannot be written to.
    """
    _check_ending(path)
    with open_nifti(like_path) as like:
        header, shape = like.stored.as_byteswapped("<"), like.header.shape
    if labels.shape != shape:
        raise ValueError(
            f"The labels have shape {labels.shape}, {like_path} has {shape} voxels. Bring them "
            "back to its stored axes with from_canonical."
        )
    labels = _smallest_type(labels)
    header["magic"] = header.single_magic
    header["vox_offset"] = header.single_vox_offset
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["cal_min"] = header["cal_max"] = 0
    header["intent_code"] = 0
    header["descrip"] = b"labels by radiokit"
    return _write(path, header, labels)


def write_volume(path: str | Path, array: np.ndarray, affine: np.ndarray) -> Path:
    """Write a volume as NIfTI-1 in mm; complete or absent, folders made as needed.

    Use it for phantoms. The affine goes into the sform, and into the qform too unless it shears;
    both mean scanner coordinates.

    Args:
        path: where to; `.nii` or `.nii.gz`. An existing file is replaced.
        array: (i, j, k) of uint8, int16, uint16, int32 or float32, stored as it is.
        affine: (4, 4), voxel index to mm in the RAS+ world.

    Returns:
        The path.

    Raises:
        ValueError: another type, shape or ending, or an affine that places no voxels.
        OSError: the folder cannot be written to.
    """
    _check_ending(path)
    affine = np.asarray(affine, np.float64)
    if array.dtype.name not in _WRITABLE_TYPES or array.ndim != 3 or array.size == 0:
        raise ValueError(
            f"A volume needs three axes of {', '.join(_WRITABLE_TYPES)}; got {array.dtype} "
            f"{array.shape}. Convert it, for instance with astype(np.int16)."
        )
    if max(array.shape) > _MAX_SIDE:
        raise ValueError(f"An axis has at most {_MAX_SIDE} voxels; got {array.shape}. Crop it.")
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.linalg.det(affine):
        raise ValueError(f"An affine is (4, 4), finite and invertible; got {affine.tolist()}.")
    header = nibabel.Nifti1Header(endianness="<")
    header.set_data_shape(array.shape)
    header.set_sform(affine, code=1)
    header.set_qform(affine, code=1)
    if not np.allclose(header.get_qform(), affine, atol=1e-3):
        header.set_qform(affine, code=0)
    header.set_xyzt_units("mm")
    header["vox_offset"] = header.single_vox_offset
    header["scl_slope"], header["scl_inter"] = 1, 0
    return _write(path, header, array)


def _check_ending(path: str | Path) -> None:
    if not Path(path).name.lower().endswith((".nii", ".nii.gz")):
        raise ValueError(f"{path} does not end in .nii or .nii.gz. Give it one of these endings.")


def _smallest_type(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind not in "biu":
        raise ValueError(
            f"Labels are whole numbers, these are {labels.dtype}. Take the argmax of scores, or "
            "convert whole numbers with astype(np.uint8)."
        )
    lowest, highest = int(labels.min()), int(labels.max())
    for dtype in _LABEL_TYPES:
        if np.iinfo(dtype).min <= lowest and highest <= np.iinfo(dtype).max:
            return labels.astype(dtype)
    raise ValueError(f"Labels from {lowest} to {highest} fit no type of NIfTI. Number them anew.")


def _write(path: str | Path, header: nibabel.Nifti1Header, array: np.ndarray) -> Path:
    header.set_data_dtype(array.dtype)
    no_extensions = bytes(header.single_vox_offset - header.sizeof_hdr)
    voxels = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(order="F")
    content = header.binaryblock + no_extensions + voxels
    if Path(path).name.lower().endswith(".gz"):
        content = gzip.compress(content, compresslevel=6, mtime=0)  # the same bytes every time
    return write_bytes_whole(path, content)
