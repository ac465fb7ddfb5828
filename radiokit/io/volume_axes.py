"""A volume and the directions of its axes: as stored, canonical (RAS+), and as a picture.

The world is the patient in mm: x to the right, y to the front, z to the head (RAS+). A canonical
array is the stored one with axes flipped and exchanged, never resampled, until each runs as nearly
as it can along x, y and z. Pictures follow radiological convention: the patient's right on the
left, front or head at the top.
"""

from dataclasses import dataclass, replace

import numpy as np
from nibabel.orientations import aff2axcodes, io_orientation

_GRID_TOLERANCE = 0.1  # of a voxel: a qform's quaternion in float32 can be off by nearly as much


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume with its place in the patient.

    Args:
        pixels: (i, j, k) as stored; float32 for images, integer for labels.
        spacing_mm: distance of voxel centres along i, j, k in mm, or None where not given.
        unit: of `pixels`; "" where the file does not say, as NIfTI never does.
        affine: (4, 4), voxel index to mm in the RAS+ world.
        orientation: the patient direction that i, j, k run towards, such as "RAS" or "LPS".
        notes: what a reader should know of how the header was understood.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, float, float] | None
    unit: str
    affine: np.ndarray
    orientation: str
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """(i, j, k) voxels."""
        return self.pixels.shape


@dataclass(frozen=True, eq=False)
class VolumeHeader:
    """What a volume's header says, without its voxels.

    Args:
        shape: (i, j, k) voxels.
        spacing_mm: distance of voxel centres along i, j, k in mm, or None where not given.
        unit: of the voxels' values; "" where the file does not say.
        affine: (4, 4), voxel index to mm in the RAS+ world.
        orientation: the patient direction that i, j, k run towards, such as "RAS" or "LPS".
        dtype: of the stored numbers, before the header's scaling.
        notes: what a reader should know of how the header was understood.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    unit: str
    affine: np.ndarray
    orientation: str
    dtype: np.dtype
    notes: tuple[str, ...] = ()


def name_orientation(affine: np.ndarray) -> str:
    """The patient direction that each stored axis runs towards, most nearly.

    Args:
        affine: (4, 4), voxel index to mm in the RAS+ world.

    Returns:
        Three letters: R or L, A or P, S or I, in the order of the axes.

    >>> name_orientation(np.diag([-1, -1, 2, 1]))
    'LPS'
    """
    return "".join(aff2axcodes(affine))


def stored_axes(affine: np.ndarray) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Where the canonical axes lie in the stored array.

    Args:
        affine: (4, 4), voxel index to mm in the RAS+ world.

    Returns:
        For canonical x, y, z: the stored axis, and whether that one runs the other way.

    >>> stored_axes(np.array([[0, 0, 2, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]))
    ((2, 0, 1), (False, True, False))
    """
    towards, sign = io_orientation(affine).T
    order = np.argsort(towards)
    return tuple(order.tolist()), tuple((sign[order] < 0).tolist())


def canonical_shape(volume: Volume | VolumeHeader) -> tuple[int, int, int]:
    """Voxels along canonical x, y, z.

    Args:
        volume: a volume or its header, on its stored axes.

    Returns:
        (x, y, z).
    """
    order, _ = stored_axes(volume.affine)
    return tuple(volume.shape[axis] for axis in order)


def canonical_spacing_mm(volume: Volume | VolumeHeader) -> tuple[float, float, float] | None:
    """Distance of voxel centres along canonical x, y, z.

    Args:
        volume: a volume or its header, on its stored axes.

    Returns:
        (x, y, z) in mm, or None: an unknown spacing stays unknown.
    """
    if volume.spacing_mm is None:
        return None
    order, _ = stored_axes(volume.affine)
    return tuple(volume.spacing_mm[axis] for axis in order)


def to_canonical(volume: Volume) -> Volume:
    """Turn a volume to RAS+ by flips and exchanges of axes; no voxel changes its value.

    Use it before slices of volumes from several scanners are mixed. An oblique volume stays
    oblique: its axes are the nearest ones, not resampled.

    Args:
        volume: on its stored axes.

    Returns:
        The volume on canonical axes (a view), each voxel where it was in the patient.
    """
    order, is_flipped = stored_axes(volume.affine)
    index_back = np.zeros((4, 4))  # canonical voxel index -> stored voxel index
    index_back[3, 3] = 1
    for axis, (stored, flipped) in enumerate(zip(order, is_flipped, strict=True)):
        index_back[stored, axis] = -1 if flipped else 1
        index_back[stored, 3] = volume.shape[stored] - 1 if flipped else 0
    affine = volume.affine @ index_back
    return replace(
        volume,
        pixels=turn_to_canonical(volume.pixels, volume.affine),
        spacing_mm=canonical_spacing_mm(volume),
        affine=affine,
        orientation=name_orientation(affine),
    )


def turn_to_canonical(array: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Put an array on canonical axes.

    Args:
        array: (i, j, k) on the stored axes, or a part of the volume cut along them.
        affine: (4, 4), voxel index to mm in the RAS+ world.

    Returns:
        (x, y, z), a view.
    """
    order, is_flipped = stored_axes(affine)
    return np.flip(array.transpose(order), np.flatnonzero(is_flipped))


def from_canonical(array: np.ndarray, like: Volume | VolumeHeader) -> np.ndarray:
    """Put an array back on the stored axes of a volume; the exact inverse of `to_canonical`.

    Args:
        array: (x, y, z) on canonical axes, for instance predicted labels.
        like: the volume, or its header, whose axes are wanted.

    Returns:
        (i, j, k), a view.

    Raises:
        ValueError: the array has another shape than the volume on canonical axes.
    """
    if array.shape != canonical_shape(like):
        raise ValueError(
            f"The array has shape {array.shape}, the volume on canonical axes "
            f"{canonical_shape(like)}. Give an array made from this volume's canonical axes."
        )
    order, is_flipped = stored_axes(like.affine)
    return np.flip(array, np.flatnonzero(is_flipped)).transpose(np.argsort(order))


def display_slice(volume_array: np.ndarray, axis: int, index: int) -> np.ndarray:
    """One slice of a canonical array as a picture in radiological convention.

    Args:
        volume_array: (x, y, z) on canonical axes.
        axis: 0 sagittal (rows head to feet, columns front to back), 1 coronal (head to feet,
            the patient's right to left), 2 axial (front to back, the patient's right to left).
        index: slice along that axis, from 0.

    Returns:
        (rows, columns), a view.

    Raises:
        ValueError: there is no such axis or slice.
    """
    check_slice(volume_array.shape, axis, index)
    return volume_array.take(index, axis)[::-1, ::-1].T


def undisplay_slice(picture: np.ndarray, axis: int) -> np.ndarray:
    """The plane of a canonical array that a picture shows; the inverse of `display_slice`.

    Args:
        picture: (rows, columns) from `display_slice`, or labels predicted on it.
        axis: the axis it is perpendicular to, 0, 1 or 2.

    Returns:
        The plane, ready for `array[:, :, index]` (axis 2) and its like; a view.

    Raises:
        ValueError: there is no such axis, or the picture is not one plane.
    """
    if axis not in (0, 1, 2) or picture.ndim != 2:
        raise ValueError(
            f"A picture of shape {picture.shape} across axis {axis} is no slice. Give (rows, "
            "columns) and axis 0, 1 or 2."
        )
    return picture.T[::-1, ::-1]


def check_slice(shape: tuple[int, int, int], axis: int, index: int) -> None:
    """Make sure that a volume has a slice.

    Args:
        shape: (x, y, z) on canonical axes.
        axis: 0, 1 or 2.
        index: slice along that axis, from 0.

    Raises:
        ValueError: it has not.
    """
    if axis not in (0, 1, 2):
        raise ValueError(f"There is no axis {axis}. Give 0 (sagittal), 1 (coronal) or 2 (axial).")
    if not 0 <= index < shape[axis]:
        raise ValueError(
            f"There is no slice {index} across axis {axis} of a volume of {shape} voxels (x, y, "
            f"z). Give 0 to {shape[axis] - 1}."
        )


def check_same_grid(
    image: Volume | VolumeHeader, labels: Volume | VolumeHeader, image_path, label_path
) -> None:
    """Raise unless labels lie on the voxels of their image.

    Use it before an image and its labels are used together. Corners of the two grids may lie a
    tenth of a voxel apart, which rounding in a header can do.

    Args:
        image: the image, or its header.
        labels: its labels, or their header.
        image_path: for the message.
        label_path: for the message.

    Raises:
        ValueError: the shapes or affines differ; both are printed.
    """
    if image.shape != labels.shape:
        raise ValueError(
            f"{label_path} has {labels.shape} voxels, its image {image_path} has {image.shape}. "
            "Find the labels of this very image, or resample them onto it by nearest neighbour."
        )
    corners = np.stack(np.meshgrid(*([0, side - 1] for side in image.shape), [1]), -1)
    apart_mm = np.linalg.norm(corners @ (image.affine - labels.affine).T, axis=-1).max()
    voxel_mm = np.linalg.norm(image.affine[:3, :3], axis=0).min()
    if apart_mm > _GRID_TOLERANCE * voxel_mm:
        raise ValueError(
            f"{label_path} lies elsewhere in the patient than its image {image_path}: corners are "
            f"up to {apart_mm:.3g} mm apart. Affine of the labels:\n{_printed(labels.affine)}\n"
            f"of the image:\n{_printed(image.affine)}\n"
            "Find the labels of this very image, or resample them onto it by nearest neighbour."
        )


def _printed(affine: np.ndarray) -> str:
    return np.array2string(affine, precision=4, suppress_small=True)
