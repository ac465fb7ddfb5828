"""The surface of a structure in three dimensions, drawn as an ordinary picture in millimetres."""

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, map_coordinates

from radiokit.plots.figure import (
    STRUCTURE_COLOURS,
    format_numbers,
    new_figure,
    shorten,
    unique,
    wrap,
)
from radiokit.record import VOLUME_LABELS, main_study, read_run, volume_path

LARGEST_SIZE = 80  # blocks along the longest side: finer ones cannot be seen at this size
AMBIENT = 0.38  # share of the light that comes from everywhere
UP = 2  # axis of a volume
# Axes of a volume run to the patient's right, to the front and upwards. A view looks along an axis
# from the end of this sign; in both views the third axis runs to the left of the picture.
VIEWS = {
    "anterior": {"from_axis": 1, "from_sign": 1, "across_axis": 0},
    "left": {"from_axis": 0, "from_sign": -1, "across_axis": 1},
}


def plot_surface(
    folder, language="en", models=None, exam_id=None, structure="blood_pool"
) -> Figure:
    """The surface of one exam's structure from the front and from the left, truth and models.

    When to use: to see what no slice shows: bridges, gaps, and pieces afloat.

    Args:
        folder: the run's record, with volumes under `volumes/truth/` and `volumes/<model>/`.
        language: `"en"`, `"pt"` or `"es"`.
        models: model names, by default the first two of `volumes.csv` with a kept volume.
        exam_id: by default the first test exam, in alphabetical order, with all these volumes.
        structure: `"blood_pool"` or `"myocardium"`.

    Returns:
        A `Figure`, a column a volume, a row a view, axes in mm. A large volume is drawn from
        blocks of voxels: pieces that fill less than half a block are not seen. Where the
        structure is cut by the end of the volume, the cut is closed.

    Raises:
        FileNotFoundError: no exam with its truth and predictions kept.
        ValueError: a structure without a label.

    Paper: Lorensen and Cline, Marching Cubes, SIGGRAPH 1987.
    """
    run = read_run(folder, language)
    if structure not in VOLUME_LABELS:
        known = ", ".join(VOLUME_LABELS)
        raise ValueError(f"Volumes have no label for {structure!r}; they have {known}.")
    scored = main_study(run.volumes(), "test")
    models, exam_id = _find_volumes(run, scored, models, exam_id)
    surfaces = {
        source: _triangulate(*run.volume(source, exam_id), VOLUME_LABELS[structure])
        for source in ("truth", *models)
    }
    figure = new_figure(run, (2.3 * len(surfaces) + 0.8, 5.6))
    axes = figure.subplots(2, len(surfaces), squeeze=False, sharex="row", sharey="row")
    middle, half_width_mm = _common_cube(surfaces.values())
    for column, (source, surface) in zip(axes.T, surfaces.items(), strict=True):
        for axis, (name, view) in zip(column, VIEWS.items(), strict=True):
            _draw_view(axis, *surface, view, STRUCTURE_COLOURS[structure])
            _set_view(axis, middle, half_width_mm, view["across_axis"])
            _label_view(axis, run, name)
        column[0].set_title(_title(run, scored, source, exam_id, structure), fontsize=9)
    for axis, view in zip(axes[:, 0], VIEWS, strict=True):
        axis.set_ylabel(f"{run.words.text('labels', f'view_{view}')} (mm)", fontsize=8)
    return figure


def _find_volumes(run, scored, models, exam_id):
    """The models and the exam to show."""
    known = models or unique(scored["model"])
    for exam in [exam_id] if exam_id else sorted(set(scored["case_id"])):
        kept = [name for name in known if volume_path(run.folder, name, exam).is_file()]
        is_whole = kept == known if models else bool(kept)
        if is_whole and volume_path(run.folder, "truth", exam).is_file():
            return kept[: None if models else 2], exam
    raise FileNotFoundError(
        f"{run.folder / 'volumes'} keeps no test exam with its truth and a prediction of "
        f"{', '.join(known)}. Write them to the paths that record.volume_path gives."
    )


def _triangulate(labels, spacing_mm, label):
    """Triangles of a label's surface in mm (N, 3, 3), and the direction each one faces (N, 3).

    Voxels are averaged in blocks, so that no more triangles are made than can be seen. Corners
    lie where the mask ends; directions come from a blurred mask, so that light does not show
    every voxel's edge.
    """
    from skimage.measure import block_reduce, marching_cubes

    spacing_mm = np.array(spacing_mm)
    finest_mm = (np.array(labels.shape) * spacing_mm).max() / LARGEST_SIZE
    block = np.maximum(1, np.floor(finest_mm / spacing_mm)).astype(int)
    share = np.pad(block_reduce(labels == label, tuple(block), np.mean), 2)  # closed where cut
    if share.max() <= 0.5:
        return np.empty((0, 3, 3)), np.empty((0, 3))
    block_mm = block * spacing_mm
    corners, faces, _, _ = marching_cubes(share, 0.5)
    triangles = corners[faces]  # (N, 3, 3), in blocks
    blurred = gaussian_filter(share, 1.2 * block_mm.max() / block_mm)
    centers = triangles.mean(axis=1).T
    slopes = np.gradient(blurred, *block_mm)
    facing = -np.stack([map_coordinates(slope, centers, order=1) for slope in slopes], axis=1)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    return (triangles - 2) * block_mm, facing


def _common_cube(surfaces):
    """Middle (3,) and half the side, in mm, of the cube in which all surfaces are shown."""
    corners = np.concatenate([triangles.reshape(-1, 3) for triangles, _ in surfaces])
    if len(corners) == 0:
        return np.zeros(3), 1.0
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (low + high) / 2, 0.53 * (high - low).max()


def _draw_view(axis, triangles, facing, view, colour):
    """All triangles, the farthest first, lit from the upper left of the viewer."""
    from_axis, across_axis = view["from_axis"], view["across_axis"]
    nearness = triangles[:, :, from_axis].mean(axis=1) * view["from_sign"]
    order = np.argsort(nearness)
    to_viewer = facing[:, from_axis] * view["from_sign"]
    light = 0.75 * to_viewer + 0.45 * facing[:, UP] + 0.45 * facing[:, across_axis]
    brightness = AMBIENT + (1 - AMBIENT) * np.clip(light, 0, 1)
    outlines = triangles[order][:, :, [across_axis, UP]]
    colours = np.outer(brightness[order], to_rgb(colour))
    axis.add_collection(PolyCollection(outlines, facecolors=colours, edgecolors="none",
                                       antialiaseds=False, rasterized=True))  # fmt: skip


def _set_view(axis, middle, half_width_mm, across_axis):
    left, right = middle[across_axis] + half_width_mm, middle[across_axis] - half_width_mm
    axis.set(xlim=(left, right), aspect="equal")
    axis.set_ylim(middle[UP] - half_width_mm, middle[UP] + half_width_mm)


def _label_view(axis, run, view):
    axis.tick_params(labelsize=7)
    format_numbers(axis.xaxis, run)
    format_numbers(axis.yaxis, run)
    if view == "anterior" and run.is_right_known:
        place = {"transform": axis.transAxes, "ha": "left", "va": "top", "fontsize": 10}
        axis.text(0.03, 0.97, run.words.text("labels", "right_side"), **place)


def _title(run, scored, source, exam_id, structure):
    """The truth with the exam's name; a model with its Dice in three dimensions."""
    words = run.words
    if source == "truth":
        return f"{words.structure(structure)}, {words.text('labels', 'truth')}\n{shorten(exam_id)}"
    mine = scored[(scored["model"] == source) & (scored["case_id"] == exam_id)]
    dice = words.number(mine[f"dice_{structure}"].iloc[0]) if len(mine) else words.number(None)
    return f"{wrap(words.name('models', source))}\n{words.name('metrics', 'dice_3d')} {dice}"
