"""A NIfTI-1 or NIfTI-2 file opened: its header understood, its voxels not yet read."""

import gzip
import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import nibabel
import numpy as np
from nibabel.arrayproxy import ArrayProxy

from radiokit.io import UnreadableFileError, brief, check_file
from radiokit.io.dicom_values import looks_like_dicom
from radiokit.io.volume_axes import VolumeHeader, name_orientation

COPY_AGAIN = "Copy or download it again."
_KINDS = {  # header class, place of the magic bytes, magic of one file, of a .hdr/.img pair
    348: (nibabel.Nifti1Header, 344, b"n+1\0", b"ni1\0"),
    540: (nibabel.Nifti2Header, 4, b"n+2\0", b"ni2\0"),
}
_MM_PER_UNIT = {1: ("m", 1000.0), 2: ("mm", 1.0), 3: ("micron", 0.001)}
_MAX_GZIP_RATIO = 1032  # of deflate: a header that claims more is damaged
_PARTNERS = {".hdr": ".img", ".img": ".hdr"}


@dataclass(frozen=True, eq=False)
class OpenNifti:
    """An open file.

    Args:
        path: the file that holds the voxels.
        stored: the header as nibabel reads it, untouched.
        header: what it says.
        voxels: stored numbers, read when sliced, without the header's scaling.
        slope: value = slope * stored number + inter.
        inter: see `slope`.
        stream: what `voxels` reads from.
    """

    path: Path
    stored: nibabel.Nifti1Header
    header: VolumeHeader
    voxels: ArrayProxy
    slope: float
    inter: float
    stream: BinaryIO


@contextmanager
def open_nifti(path: str | Path) -> Iterator[OpenNifti]:
    """Open a `.nii`, `.nii.gz` or either file of a `.hdr`/`.img` pair; content decides.

    Args:
        path: the file.

    Yields:
        The open file; it is closed when the block ends.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: not NIfTI, damaged, not 3-D, or of colours or complex numbers.
    """
    path = check_file(path)
    header_path = _partner(path) if _ending(path) == ".img" else path
    with ExitStack() as files:
        with decoding(header_path):
            stream = files.enter_context(_uncompressed(header_path))
            stored, is_single = _read_header(header_path, stream)
            header = _understand(header_path, stored)
            slope, inter = stored.get_slope_inter()
        data_path = header_path
        if not is_single:
            data_path = path if path != header_path else _partner(path)
            stream = files.enter_context(_uncompressed(data_path))
        offset = _data_offset(data_path, stored, is_single)
        _check_size(data_path, stream, offset, header)
        voxels = ArrayProxy(stream, (header.shape, header.dtype, offset), mmap=False)
        slope, inter = (1.0, 0.0) if slope is None else (slope, inter)
        yield OpenNifti(data_path, stored, header, voxels, slope, inter, stream)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into an UnreadableFileError.

    Args:
        path: the file being decoded.

    Raises:
        UnreadableFileError: anything was raised inside the block.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except UnreadableFileError:
        raise
    except MemoryError as error:
        reason = "it does not fit into this machine's memory"
        raise UnreadableFileError(path, reason, "Crop it, or use a larger machine.") from error
    except Exception as error:  # gzip, zlib, NumPy and nibabel raise most kinds there are
        raise UnreadableFileError(path, f"it is damaged ({brief(error)})", COPY_AGAIN) from error


def read_stored(opened: OpenNifti, window: tuple[slice, ...] | None = None) -> np.ndarray:
    """Voxels as stored, before the header's scaling.

    Args:
        opened: an open file.
        window: one slice for each stored axis; None: the whole volume, of which a compressed
            file's checksum is then verified.

    Returns:
        Array in this machine's byte order.

    Raises:
        UnreadableFileError: the voxels are cut off or damaged.
    """
    with decoding(opened.path):
        if window is not None:
            values = opened.voxels[window]
        else:
            values = opened.voxels.get_unscaled()
            while opened.stream.read(1 << 20):  # gzip checks its sum at the very end
                pass
        return np.asarray(values, values.dtype.newbyteorder("="))


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return name[name.rfind(".") :] if "." in name else ""


def _partner(path: Path) -> Path:
    """The other file of a .hdr/.img pair, whatever the case of its name and its compression."""
    ending = _ending(path)
    wanted = _PARTNERS.get(ending, ".img")
    stem = path.name.lower().removesuffix(".gz").removesuffix(ending)
    for found in sorted(path.parent.iterdir()):
        if found.name.lower() in (stem + wanted, stem + wanted + ".gz") and found.is_file():
            return check_file(found)
    raise UnreadableFileError(
        path,
        f"it is one of a pair of files, and {stem}{wanted} is not beside it",
        "Put both files into one folder under one name.",
    )


@contextmanager
def _uncompressed(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if is_gzip else file


def _read_header(path: Path, stream: BinaryIO) -> tuple[nibabel.Nifti1Header, bool]:
    """The header untouched, and whether the voxels follow it in the same file."""
    block = stream.read(540)
    for size, (kind, place, single, pair) in _KINDS.items():
        magic = block[place : place + 4]
        if magic in (single, pair):
            if len(block) < size:
                raise UnreadableFileError(path, "it ends within its header", COPY_AGAIN)
            return kind(block[:size], check=False), magic == single
    raise UnreadableFileError(
        path,
        f"it is {_what_it_is(path, block)}, not NIfTI",
        "Give a .nii, .nii.gz or .hdr/.img file; dcm2niix and 3D Slicer convert most others.",
    )


def _what_it_is(path: Path, block: bytes) -> str:
    if block[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return "an Analyze 7.5 header, which does not tell left from right, or a damaged one"
    if block[128:132] == b"DICM" or looks_like_dicom(path):
        return "a DICOM file"
    if block.lstrip()[:1] in (b"<", b"{"):
        return "a text or web page (a failed download?)"
    return "of an unknown kind"


def _understand(path: Path, stored: nibabel.Nifti1Header) -> VolumeHeader:
    """Shape, type, affine and spacing in mm, with notes of what had to be guessed."""
    header, notes = _mended(stored)
    shape = _three_axes(path, header.get_data_shape(), notes)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        kind = "complex numbers" if dtype.kind == "c" else "colours"
        reason = f"its voxels are {kind} ({dtype}), not one real number each"
        raise UnreadableFileError(path, reason, "Save one channel, or the magnitude, as NIfTI.")
    unit, mm = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, ("", 1.0))
    if unit != "mm":
        notes.append(f"lengths were given in {unit}" if unit else "no unit of length: taken as mm")
    affine = np.diag([mm, mm, mm, 1]) @ _best_affine(stored, header, notes)
    _check_affine(path, affine)
    spacing_mm = _spacing_mm(stored, header, affine, mm, notes)
    return VolumeHeader(
        shape, spacing_mm, "", affine, name_orientation(affine), dtype, tuple(notes)
    )


def _mended(stored: nibabel.Nifti1Header) -> tuple[nibabel.Nifti1Header, list[str]]:
    """A copy with nibabel's own repairs of harmless faults, and what they were."""
    header, notes = stored.copy(), []
    sides = header["pixdim"][1:4]
    sides[~np.isfinite(sides)] = 0

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            notes.append(record.getMessage())
        return False

    logger = logging.Logger("header")  # nibabel's own would print
    logger.addFilter(keep)
    header.check_fix(logger=logger, error_level=40)
    return header, notes


def _three_axes(path: Path, shape: tuple[int, ...], notes: list[str]) -> tuple[int, int, int]:
    shape = tuple(int(side) for side in shape)
    if len(shape) > 3 and set(shape[3:]) == {1}:
        notes.append(f"shape {shape} was taken as {shape[:3]}")
        shape = shape[:3]
    if len(shape) > 3:
        raise UnreadableFileError(
            path,
            f"it is {len(shape)}-D, of shape {shape}, not one 3-D volume",
            "Save one time frame of it first: nibabel.save(nibabel.load(path)"
            f".slicer[{', '.join([':'] * 3 + ['0'] * (len(shape) - 3))}], 'frame0.nii.gz').",
        )
    if len(shape) < 3 or min(shape) < 1:
        reason = f"its shape is {shape}, a volume has three axes of one voxel or more"
        raise UnreadableFileError(path, reason, "Save it as a 3-D volume, or copy it again.")
    return shape


def _best_affine(
    stored: nibabel.Nifti1Header, header: nibabel.Nifti1Header, notes: list[str]
) -> np.ndarray:
    """nibabel's choice, but no sform of unit voxels that pixdim contradicts (ACDC's files)."""
    affine = header.get_best_affine().astype(np.float64)
    sides = np.abs(stored["pixdim"][1:4].astype(np.float64))
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    is_given = bool(np.isfinite(sides).all() and (sides > 0).all())
    if not is_given or not np.allclose(lengths, 1) or np.allclose(sides, 1, rtol=0.01):
        return affine
    given = " x ".join(f"{side:.4g}" for side in sides)
    if int(header["qform_code"]):
        notes.append(f"the sform has voxels of length 1, pixdim {given}: the qform was used")
        return header.get_qform().astype(np.float64)
    notes.append(f"the sform has voxels of length 1, pixdim {given}: pixdim was used")
    return affine @ np.diag([*sides, 1])


def _check_affine(path: Path, affine: np.ndarray) -> None:
    directions = affine[:3, :3]
    if np.isfinite(affine).all():
        lengths = np.linalg.norm(directions, axis=0)
        if lengths.min() > 0 and abs(np.linalg.det(directions / lengths)) > 1e-4:
            return
    raise UnreadableFileError(
        path,
        f"its affine places no voxels in the patient: {np.round(affine, 4).tolist()}",
        "Give it the affine of the volume it was made from.",
    )


def _spacing_mm(
    stored: nibabel.Nifti1Header,
    header: nibabel.Nifti1Header,
    affine: np.ndarray,
    mm: float,
    notes: list[str],
) -> tuple[float, float, float] | None:
    """From the affine if the header gives one, else from pixdim; None where there is neither."""
    sides = np.abs(stored["pixdim"][1:4].astype(np.float64)) * mm
    is_known = bool(np.isfinite(sides).all() and (sides > 0).all())
    has_sform = int(header["sform_code"]) != 0
    if not has_sform and int(header["qform_code"]) == 0:
        notes.append(
            "neither sform nor qform: the affine is a guess from the voxel size, and what is left "
            "and right, front and back, head and feet is unknown"
        )
    if not has_sform and not is_known:
        notes.append("the voxel size is not given (pixdim is 0)")
        return None
    if not has_sform:
        return _brief_lengths(sides)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if is_known and not np.allclose(lengths, sides, rtol=0.01):
        given, used = (" x ".join(f"{side:.4g}" for side in array) for array in (sides, lengths))
        notes.append(f"voxels are {used} mm by the sform, which is used, {given} mm by pixdim")
    return _brief_lengths(lengths)


def _brief_lengths(lengths_mm: np.ndarray) -> tuple[float, float, float]:
    """A header's float32 makes 0.7 into 0.699999988."""
    return tuple(float(f"{length:.6g}") for length in lengths_mm)


def _data_offset(path: Path, stored: nibabel.Nifti1Header, is_single: bool) -> int:
    """Bytes before the first voxel; 0 in a single file means right after the header."""
    offset = float(stored["vox_offset"])
    least = stored.single_vox_offset if is_single else 0
    if not math.isfinite(offset) or offset < 0:
        reason = f"its header puts the voxels at byte {offset:g}"
        raise UnreadableFileError(path, reason, COPY_AGAIN)
    return max(int(offset), least)


def _check_size(path: Path, stream: BinaryIO, offset: int, header: VolumeHeader) -> None:
    """Refuse, before any memory is taken, a file too short for the voxels it claims."""
    needed = offset + math.prod(header.shape) * header.dtype.itemsize
    size = path.stat().st_size
    is_gzip = isinstance(stream, gzip.GzipFile)
    if needed > (size * _MAX_GZIP_RATIO if is_gzip else size):
        compressed = " compressed" if is_gzip else ""
        raise UnreadableFileError(
            path,
            f"it is cut off: {size}{compressed} bytes, where {header.shape} voxels of "
            f"{header.dtype.name} need {needed}",
            COPY_AGAIN,
        )
