"""Volumes read off masks: voxels counted, and the ABC/2 rule that readers use by hand."""

import numpy as np
from scipy import ndimage, spatial

from radiokit.metrics.checks import check_spacing, check_values, ratio


def volume_ml(mask, spacing_mm) -> float:
    """Volume of a structure: its voxels times the volume of one.

    When to use: heart chambers, organs, lesions in a mask restacked to the grid of its file.

    Args:
        mask: (I, J, K) of 0 and 1 (or bool).
        spacing_mm: distance in mm of voxel centres along each axis, in the order of the axes;
            between slices that is the distance, gap included, not the thickness.

    Returns:
        Millilitres (1 mL = 1000 mm³); 0 for an empty mask.

    Raises:
        ValueError: the mask has not 3 axes or holds other values; the spacing is unknown or has
            the wrong length.

    Example:
        >>> volume_ml(np.ones((10, 10, 5)), spacing_mm=(1.0, 1.0, 8.0))
        4.0
    """
    remedy = "Count the voxels with mask.sum() when the spacing is unknown."
    mask, spacing = _check_mask(mask, spacing_mm, remedy)
    return float(np.count_nonzero(mask) * spacing.prod() / 1000)


def abc2_ml(mask, spacing_mm, count_every_slice=False) -> float:
    """Volume of bleeds by the ABC/2 rule, as a reader measures it with a ruler.

    When to use: beside `volume_ml`, to see how far the bedside rule is from the voxels. Of each
    bleed, on its slice of largest area: A is the largest diameter and B the largest one
    perpendicular to A, from edge to edge of the pixels; C is the number of slices times their
    distance, where a slice counts 1 above 75 % of the largest area, 0.5 from 25 to 75 %, and 0
    below. Bleeds that do not touch (not even at a corner) are measured by themselves and added.

    The rule takes a bleed for an ellipsoid cut into few thick slices: π/6 is near 1/2. On thin
    slices its weights leave 0.65 of an ellipsoid's volume, and all slices counted leave 0.95.
    Crescents, and blood that fills sulci or ventricles, are no ellipsoids: their ABC/2 may be
    far off, and nothing in the number tells.

    Args:
        mask: (slices, rows, columns) of 0 and 1 (or bool), slices along the first axis.
        spacing_mm: distance in mm of slices, rows and columns, in that order.
        count_every_slice: True counts each slice with blood as 1, the simplified rule.

    Returns:
        Millilitres; 0 for an empty mask.

    Raises:
        ValueError: the mask has not 3 axes or holds other values; the spacing is unknown or has
            the wrong length.

    Paper: Kothari et al., Stroke 1996.

    Example:
        >>> abc2_ml(np.ones((1, 1, 8)), spacing_mm=(5.0, 2.0, 1.0))  # 8 mm · 2 mm · 5 mm / 2
        0.04
    """
    remedy = "Without it the rule has no lengths to multiply."
    mask, spacing = _check_mask(mask, spacing_mm, remedy)
    bleeds, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    boxes = ndimage.find_objects(bleeds)
    volumes_mm3 = [
        _abc2_mm3(bleeds[box] == number, spacing, count_every_slice)
        for number, box in enumerate(boxes, start=1)
    ]
    return float(sum(volumes_mm3) / 1000)


def ejection_fraction_percent(diastolic_ml, systolic_ml):
    """Share of the filled ventricle's volume that a beat throws out, in percent.

    When to use: one ventricle's volume is known at end-diastole and at end-systole. The value is
    negative where the systolic volume is the larger one: the masks or the phases are then wrong.

    Args:
        diastolic_ml: end-diastolic volume in mL, 0 or more; a number or an array.
        systolic_ml: end-systolic volume in mL, likewise.

    Returns:
        100 · (diastolic - systolic) / diastolic; NaN where the diastolic volume is 0 or either
        is NaN.

    Raises:
        ValueError: a volume is negative.

    Example:
        >>> float(ejection_fraction_percent(120.0, 48.0))
        60.0
    """
    diastolic, systolic = np.asarray(diastolic_ml, float), np.asarray(systolic_ml, float)
    for phase, volume in (("diastolic", diastolic), ("systolic", systolic)):
        if (volume < 0).any():
            raise ValueError(
                f"The {phase} volume is {volume[volume < 0].flat[0]} mL; a volume is 0 or more. "
                "Give volumes in mL as volume_ml counts them."
            )
    return 100 * ratio(diastolic - systolic, diastolic)


def _abc2_mm3(bleed, spacing, count_every_slice):
    """A · B · C / 2 of one connected bleed, (slices, rows, columns) bool."""
    areas = np.count_nonzero(bleed, axis=(1, 2))
    diameters = _diameters_mm(bleed[areas.argmax()], spacing[1:])
    share = areas / areas.max()
    weights = np.where(share > 0.75, 1.0, np.where(share >= 0.25, 0.5, 0.0))
    num_slices = np.count_nonzero(areas) if count_every_slice else weights.sum()
    return np.prod(diameters) * num_slices * spacing[0] / 2


def _diameters_mm(area, spacing):
    """Largest diameter of a (rows, columns) mask, and the largest one perpendicular to it."""
    middles = np.argwhere(area)[:, None]  # (pixels, 1, 2)
    sides = np.array([(-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)])
    points = (middles + sides).reshape(-1, 2) * spacing  # the middle of every pixel's four sides
    corners = points[spatial.ConvexHull(points).vertices]
    steps = corners[:, None] - corners  # (corners, corners, 2)
    lengths = np.linalg.norm(steps, axis=-1)
    direction = steps[np.unravel_index(lengths.argmax(), lengths.shape)] / lengths.max()
    along, across = points @ direction, points @ (direction[1], -direction[0])
    strips = np.floor((along - along.min()) / spacing.max()).astype(int)  # a pixel wide
    ends = [ndimage.maximum(sign * across, strips, np.unique(strips)) for sign in (1, -1)]
    return lengths.max(), np.max(ends[0] + ends[1])


def _check_mask(mask, spacing_mm, remedy):
    mask = np.asarray(mask)
    if mask.ndim != 3:
        raise ValueError(
            f"The mask has shape {mask.shape}; a volume needs 3 axes. Restack the slices of one "
            "exam first."
        )
    check_values("Mask", mask, lowest=0)
    return mask == 1, check_spacing(spacing_mm, 3, "a volume in mL", remedy)
