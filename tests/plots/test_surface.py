"""Tests of the surface in three dimensions: where it lies, which side faces the reader."""

import cardiac_record_maker
import nibabel
import numpy as np
import pytest
from figure_reader import axis_titled, words_on
from matplotlib.colors import to_rgb

from radiokit import plots, report
from radiokit.plots.surface import _triangulate


def volume_of(triangles):
    """Volume inside a closed surface of triangles, by the divergence theorem."""
    first, second, third = np.moveaxis(triangles, 1, 0)
    return abs(np.einsum("ni,ni->", first, np.cross(second, third))) / 6


def ends_of(axis):
    """Lowest and highest place across and upwards of what an axis shows, in mm."""
    corners = np.concatenate([path.vertices for path in axis.collections[0].get_paths()])
    return corners.min(axis=0), corners.max(axis=0)


def write_volume(folder, source, labels, affine):
    path = report.volume_path(folder, source, "pat1")
    nibabel.save(nibabel.Nifti1Image(labels.astype(np.uint8), affine), path)


def test_the_surface_of_a_ball_has_its_volume_and_faces_outwards():
    x, y, z = np.meshgrid(*(np.arange(size) for size in (60, 60, 30)), indexing="ij")
    center, radius_mm = np.array([30, 30, 30.0]), 24
    place_mm = np.stack([x * 1.0, y * 1.0, z * 2.0], axis=-1) - center
    labels = np.where(np.linalg.norm(place_mm, axis=-1) < radius_mm, 2, 0)
    triangles, facing = _triangulate(labels, (1.0, 1.0, 2.0), 2)
    assert volume_of(triangles) == pytest.approx(4 / 3 * np.pi * radius_mm**3, rel=0.02)
    outwards = triangles.mean(axis=1) - center
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    assert (np.sum(outwards * facing, axis=1) > 0.9).all()


def test_a_large_volume_is_drawn_from_blocks_of_voxels():
    labels = np.zeros((200, 180, 160), np.uint8)
    labels[40:160, 30:150, 20:140] = 1
    triangles, _ = _triangulate(labels, (0.9, 0.9, 0.9), 1)
    assert len(triangles) < 60_000
    assert volume_of(triangles) == pytest.approx((120 * 0.9) ** 3, rel=0.03)


def test_a_structure_cut_by_the_end_of_the_volume_is_closed_and_an_absent_one_empty():
    labels = np.ones((10, 12, 8), np.uint8)
    triangles, _ = _triangulate(labels, (2.0, 2.0, 3.0), 1)
    assert volume_of(triangles) == pytest.approx(20 * 24 * 24, rel=0.05)  # edges are rounded
    assert len(_triangulate(labels, (2.0, 2.0, 3.0), 2)[0]) == 0


def test_both_views_show_the_right_side_and_the_front_on_the_left(cardiac_folder):
    figure = plots.plot_surface(cardiac_folder, models=["unet_1"])
    assert words_on(figure).count("R") == 2
    for axis in figure.axes:  # millimetres to the right of the patient, or to the front, grow left
        left, right = axis.get_xlim()
        assert left > right


@pytest.mark.parametrize("flip", [1, -1])
def test_places_follow_the_affine_not_the_order_of_voxels(tmp_path, flip):
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    labels = np.zeros((40, 44, 12))
    labels[30:36, 4:10, 2:10] = 2  # to the patient's right and back in canonical axes
    for source in ("truth", "unet_1", "unet_2"):
        stored = labels[::flip]
        write_volume(made.folder, source, stored, np.diag([1.5 * flip, 1.5, 4, 1]))
    figure = plots.plot_surface(made.folder, models=["unet_1"])
    front, left = figure.axes[0], figure.axes[2]
    (across_low, up_low), (across_high, up_high) = ends_of(front)
    # Voxels 30..35 of 1.5 mm: their surface runs from 29.5 to 35.5 voxels, corners rounded off.
    assert (across_low, across_high) == pytest.approx((29.5 * 1.5, 35.5 * 1.5), abs=0.1)
    assert (up_low, up_high) == pytest.approx((1.5 * 4, 9.5 * 4), abs=0.1)
    (across_low, _), (across_high, _) = ends_of(left)
    assert (across_low, across_high) == pytest.approx((3.5 * 1.5, 9.5 * 1.5), abs=0.1)


def test_the_nearer_piece_hides_the_farther_one(tmp_path):
    """From the front a wall before another is seen; from its shade, not from its place."""
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    labels = np.zeros((40, 44, 12))
    labels[8:32, 10:12, 2:10] = 2  # a wide wall at the back
    labels[14:26, 30:42, 4:8] = 2  # a block before it
    for source in ("truth", "unet_1", "unet_2"):
        write_volume(made.folder, source, labels, np.diag([1.5, 1.5, 4, 1]))
    figure = plots.plot_surface(made.folder, models=["unet_1"])
    surface = figure.axes[0].collections[0]
    drawn_last = surface.get_paths()[-1].vertices
    assert 13 * 1.5 < drawn_last[:, 0].min() and drawn_last[:, 0].max() < 26 * 1.5


def test_truth_and_models_have_a_column_each_with_the_dice(cardiac_folder):
    figure = plots.plot_surface(cardiac_folder)
    titles = [axis.get_title() for axis in figure.axes[:3]]
    assert titles[0] == "blood pool, truth\npat1"
    assert titles[1].startswith("U-Net 1 (conventional)\n3-D Dice 0.")
    assert axis_titled(figure, "U-Net 2 (separable)")


def test_the_surface_has_the_structures_colour(cardiac_folder):
    figure = plots.plot_surface(cardiac_folder, structure="myocardium")
    colours = figure.axes[0].collections[0].get_facecolor()[:, :3]
    brightest = colours[colours.sum(axis=1).argmax()]
    shade = brightest / np.array(to_rgb(plots.STRUCTURE_COLOURS["myocardium"]))
    assert np.ptp(shade) < 0.01 and 0.8 < shade.max() <= 1


def test_missing_volumes_and_unknown_structures_are_named(cardiac_folder, folder):
    with pytest.raises(FileNotFoundError, match="keeps no test exam .* of vgg.*volume_path"):
        plots.plot_surface(cardiac_folder, models=["vgg"])
    with pytest.raises(ValueError, match="no label for 'aorta'; they have myocardium, blood_pool"):
        plots.plot_surface(cardiac_folder, structure="aorta")
