"""Phantom cardiac MR volumes in the files and folders of HVSMR 2016 and ACDC.

For learning and testing offline, when the real sets are not at hand. See
`radiokit.phantoms.heart` for the anatomy and `radiokit.phantoms.mri` for the scanner.
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import label

from radiokit.io.volumes import write_volume
from radiokit.phantoms.chambers import render_heart
from radiokit.phantoms.chest_mri import receive_signal
from radiokit.phantoms.folder import build_phantom
from radiokit.phantoms.heart import GROUPS, Heart, contract, draw_adult_heart, draw_heart
from radiokit.phantoms.mri import coil_field, take_picture, to_integers
from radiokit.phantoms.solids import Grid, bend

ORIENTATIONS = ("RAS", "LPS", "LAS", "RPI")
SUBSLICES = 3  # a thick slice is the mean of so many thin ones


def make_hvsmr(root: Path | str, num_patients: int = 12, seed: int = 0) -> Path:
    """Phantom of HVSMR 2016: hearts of children, malformed at times, as axial crops.

    Use it in place of the real set: `radiokit.data.cardiac.index_hvsmr` reads both. Volumes are
    int16 NIfTI of about 86 × 86 × 50 voxels of 0.9 to 2.2 mm, each in its own orientation; labels
    are 0 background, 1 myocardium of both ventricles, 2 blood pool with atria and great vessels.

    Args:
        root: folder to make; it will hold `training_axial_crop_pat0.nii.gz`, its labels
            `training_axial_crop_pat0-label.nii.gz` and so on, and `PHANTOM.toml`.
        num_patients: how many patients, one volume each, at least 1.
        seed: patient number i is the same for a seed whatever `num_patients` is.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    return build_phantom(root, "hvsmr", num_patients, seed, _write_hvsmr)


def make_acdc(root: Path | str, num_patients: int = 10, seed: int = 0) -> Path:
    """Phantom of ACDC: short-axis stacks of adults at the end of diastole and of systole.

    Use it for ejection fractions: the muscle keeps its volume, and the left ventricle throws out
    what is usual in the patient's group (`NOR` 55-70 %, `MINF` 20-40 %, `DCM` 15-35 %, `HCM`
    65-80 %, `RV` as `NOR`). Labels are 0 background, 1 right ventricle, 2 myocardium of the left
    one, 3 its cavity. Every five patients hold each group once. Affines hold the spacing and no
    place in the body. `root` will hold `training/patient001/` and so on;
    arguments, result and errors are those of `make_hvsmr`.
    """
    return build_phantom(root, "acdc", num_patients, seed, _write_acdc)


# -- HVSMR 2016 ----------------------------------------------------------------------------------


def _write_hvsmr(root: Path, num_patients: int, seed: int) -> None:
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 11, index])
        heart = draw_heart(rng)
        grid, affine = _axial_crop(heart, rng)
        picture, labels = image_child(heart, grid, rng)
        name = f"training_axial_crop_pat{index}"
        write_volume(root / f"{name}.nii.gz", to_integers(picture, rng), affine)
        write_volume(root / f"{name}-label.nii.gz", labels, affine)


def image_child(
    heart: Heart, grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Image (float32) and labels 0, 1, 2 (uint8) of a heart, both of the grid's shape."""
    points = grid.points_mm()
    bend(points, rng, 3.0, (4, 4, 4))
    largest = float(np.linalg.norm(grid.steps_mm, axis=0).max())
    maps = render_heart(heart, grid, points, gap_mm=max(2.6, 1.4 * largest))
    signal = receive_signal(maps, grid, points, rng)
    coils, axis = coil_field(grid.shape, rng), int(rng.integers(2))
    picture = take_picture(signal, coils, rng, axis, rng.uniform(0.04, 0.08), (0.6, 0.6, 0.5))
    labels = np.zeros(grid.shape, np.uint8)
    labels[_without_crumbs(maps.myocardium < 0)] = 1
    labels[_without_crumbs(maps.blood < 0)] = 2
    return picture, labels


def _without_crumbs(mask: np.ndarray) -> np.ndarray:
    """A mask (i, j, k) without parts of fewer than 50 voxels, which no reader would outline."""
    parts, _ = label(mask)
    return mask & (np.bincount(parts.ravel()) >= 50)[parts]


def _axial_crop(heart: Heart, rng: np.random.Generator) -> tuple[Grid, np.ndarray]:
    """A box around the heart: the grid in adult mm of the heart's frame, and the file's affine."""
    low = np.array([-72.0, -90, -68]) + rng.normal(0, 3, 3)
    high = np.array([86.0, 72, 76]) + rng.normal(0, 3, 3)
    shape = tuple(int(rng.integers(*limits)) for limits in ((76, 97), (76, 97), (44, 57)))
    signs = np.array([1 if code in "RAS" else -1 for code in str(rng.choice(ORIENTATIONS))])
    steps = _slight_turn(rng) @ np.diag(signs * (high - low) / shape)
    origin = (low + high) / 2 - steps @ (np.array(shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = heart.scale * steps
    affine[:3, 3] = heart.scale * origin + rng.normal(0, [15, 30, 40])
    return Grid(shape, steps, origin), affine


def _slight_turn(rng: np.random.Generator) -> np.ndarray:
    """Most boxes lie straight in the scanner; one in three is turned by some degrees."""
    angle = np.radians(rng.uniform(-8, 8)) * (rng.random() < 0.33)
    first, second = rng.permutation(3)[:2]
    turn = np.eye(3)
    turn[[first, second], [first, second]] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn


# -- ACDC ----------------------------------------------------------------------------------------


def _write_acdc(root: Path, num_patients: int, seed: int) -> None:
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 12, index])
        group = _group_of(index, seed)
        diastole = draw_adult_heart(rng, group)
        grid, affine = _short_axis_stack(diastole, rng)
        systole = _draw_systole(diastole, group, affine, rng)
        num_frames = int(rng.integers(20, 31))
        frames = {1: diastole, int(num_frames * rng.uniform(0.32, 0.45)): systole}
        name = f"patient{index + 1:03d}"
        body_seed, levels_seed = rng.integers(2**32, size=2)
        for frame, heart in frames.items():
            body = np.random.default_rng(body_seed)  # the same chest in both phases
            picture, labels = image_adult(heart, grid, body, rng)
            path = root / "training" / name / f"{name}_frame{frame:02d}.nii.gz"
            whole = to_integers(picture, np.random.default_rng(levels_seed))
            write_volume(path, whole, affine)
            write_volume(path.with_name(path.name.replace(".nii", "_gt.nii")), labels, affine)
        _write_info(root / "training" / name / "Info.cfg", diastole, group, frames, num_frames, rng)


def _group_of(index: int, seed: int) -> str:
    order = np.random.default_rng([seed, 12, index // len(GROUPS), 77]).permutation(list(GROUPS))
    return str(order[index % len(GROUPS)])


def _short_axis_stack(heart: Heart, rng: np.random.Generator) -> tuple[Grid, np.ndarray]:
    """A stack from the valves to the apex, finer than its slices, and the affine of the file.

    The valves lie between two slices, in systole too: else the slice they cut through would count
    whole or not at all, and add to or take from every volume.
    """
    pixel_mm, slice_mm = rng.uniform(1.45, 1.8), rng.uniform(9.0, 10.0)
    size = int(np.clip(round(rng.uniform(165, 190) / pixel_mm), 96, 128))
    above = int(rng.integers(0, 2))
    length = heart.scale * (heart.cavity_length + 0.6 * heart.wall)
    num_slices = int(np.ceil(length / slice_mm)) + above
    spacing = np.array([pixel_mm, pixel_mm, slice_mm / SUBSLICES]) / heart.scale
    steps = heart.axes.T @ np.diag([-1, 1, 1] * spacing)
    shape = (size, size, num_slices * SUBSLICES)
    middle = np.array([rng.normal(14, 5), rng.normal(4, 5), 0.0])
    first = (np.array(shape[:2]) - 1) / 2
    depth = 0.5 - above * SUBSLICES
    origin = heart.axes.T @ middle - steps @ np.array([*first, -depth])
    return Grid(shape, steps, origin), np.diag([-pixel_mm, -pixel_mm, slice_mm, 1.0])


def _draw_systole(heart: Heart, group: str, affine: np.ndarray, rng) -> Heart:
    """The valves come down by one slice."""
    _, left, right = GROUPS[group]
    fraction = rng.uniform(left[0] + 0.02, left[1] - 0.02)
    return contract(heart, fraction, rng.uniform(*right), affine[2, 2] / heart.scale)


def image_adult(
    heart: Heart, grid: Grid, body: np.random.Generator, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Image (float32) and labels 0..3 (uint8) of thick slices: `grid` holds `SUBSLICES` of each.

    Args:
        heart: in one phase.
        grid: thin slices, in adult mm of the body's frame.
        body: of the chest and its tissues.
        rng: of what differs between two pictures of them.
    """
    points = grid.points_mm()
    bend(points, body, 1.6, (5, 5, 3))
    maps = render_heart(heart, grid, points, gap_mm=2.4)
    signal = receive_signal(maps, grid, points, body)
    thick = signal.reshape(*signal.shape[:2], -1, SUBSLICES).mean(axis=-1)
    coils, axis = coil_field(thick.shape, body), int(body.integers(2))
    picture = take_picture(thick, coils, rng, axis, rng.uniform(0.03, 0.05), (0.6, 0.6, 0))
    middle = (..., slice(SUBSLICES // 2, None, SUBSLICES))
    labels = (maps.right_cavity[middle] < 0).astype(np.uint8)
    labels[maps.left_outside[middle] < 0] = 2
    labels[maps.left_cavity[middle] < 0] = 3
    return picture, labels


def _write_info(path: Path, heart: Heart, group: str, frames: dict, num_frames: int, rng) -> None:
    height_cm = round(172 * heart.scale + rng.normal(0, 4))
    weight_kg = round(rng.normal(24.5, 3) * (height_cm / 100) ** 2)
    first, second = frames
    lines = [f"ED: {first}", f"ES: {second}", f"Group: {group}", f"Height: {height_cm:.1f}"]
    lines += [f"NbFrame: {num_frames}", f"Weight: {weight_kg:.1f}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
