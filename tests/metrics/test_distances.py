"""Tests of distances against a brute-force one and a distance transform."""

import numpy as np
import pytest
from mask_maker import random_blobs
from scipy import ndimage
from scipy.spatial.distance import cdist

from radiokit.metrics import hausdorff95_mm, hausdorff95_px


def brute_force_hausdorff95(truth, prediction, spacing):
    """Every surface pixel against every other, neighbours looked up one by one."""

    def surface(mask):
        points = set(map(tuple, np.argwhere(mask)))
        steps = [s * step for s in (-1, 1) for step in np.eye(mask.ndim, dtype=int)]
        edge = [p for p in points if any(tuple(np.add(p, s)) not in points for s in steps)]
        return np.array(edge) * np.array(spacing)

    distances = cdist(surface(truth), surface(prediction))
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


def test_distance_of_two_pixels_follows_the_spacing():
    truth, prediction = np.zeros((9, 9)), np.zeros((9, 9))
    truth[1, 1] = prediction[4, 5] = 1
    assert hausdorff95_px(truth, prediction) == 5  # 3, 4, 5
    expected = np.hypot(3 * 0.5, 4 * 2.0)
    assert hausdorff95_mm(truth, prediction, (0.5, 2.0)) == pytest.approx(expected)


def test_a_square_shifted_by_two_rows_by_hand():
    truth, prediction = np.zeros((20, 20)), np.zeros((20, 20))
    truth[2:8, 3:9] = prediction[4:10, 3:9] = 1
    # Of each square's 20 surface pixels, 6 lie 2 rows from the other and 2 lie 1 row from it,
    # so that the 95th percentile is 2 rows.
    assert hausdorff95_mm(truth, prediction, (0.7, 0.1)) == pytest.approx(2 * 0.7)


def test_the_percentile_leaves_a_lone_stray_pixel_out():
    truth = np.zeros((60, 60))
    truth[5:30, 5:30] = 1
    prediction = truth.copy()
    prediction[55, 55] = 1
    assert hausdorff95_px(truth, prediction) == 0
    assert hausdorff95_px(prediction, truth) == 0


def test_the_image_edge_counts_as_outside():
    truth, prediction = np.ones((10, 10)), np.ones((10, 10))
    prediction[0] = 0  # only the border of the image tells them apart
    distances = [1.0] * 10 + [0.0] * 26
    assert hausdorff95_px(truth, prediction) == np.percentile(distances, 95)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("shape", "spacing"), [((30, 24), (0.7, 0.2)), ((8, 12, 11), (5.0, 0.8, 1.3))]
)
def test_distance_equals_brute_force(shape, spacing, seed):
    truth, prediction = random_blobs(shape, seed)
    assert truth.any() and prediction.any()
    expected = brute_force_hausdorff95(truth, prediction, spacing)
    assert hausdorff95_mm(truth, prediction, spacing) == pytest.approx(expected, rel=1e-12)


def test_distance_of_a_volume_equals_a_distance_transform():
    spacing = (1.4, 1.2, 8.0)
    position = np.moveaxis(np.indices((128, 128, 64)), 0, -1)
    truth = (((position - (64, 60, 32)) / (40, 36, 12)) ** 2).sum(-1) < 1
    prediction = (((position - (68, 58, 34)) / (38, 38, 11)) ** 2).sum(-1) < 1
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, prediction)]
    to_surface = [ndimage.distance_transform_edt(~s, sampling=spacing) for s in surfaces]
    expected = max(
        np.percentile(to_surface[0][surfaces[1]], 95), np.percentile(to_surface[1][surfaces[0]], 95)
    )
    assert hausdorff95_mm(truth, prediction, spacing) == pytest.approx(expected)


def test_distance_is_symmetric():
    truth, prediction = random_blobs((25, 25), seed=9)
    spacing = (0.4, 1.1)
    forward = hausdorff95_mm(truth, prediction, spacing)
    assert forward == hausdorff95_mm(prediction, truth, spacing)


def test_distance_of_empty_masks():
    empty, filled = np.zeros((30, 40)), np.zeros((30, 40))
    filled[3, 3] = 1
    assert np.isnan(hausdorff95_px(empty, empty))
    assert hausdorff95_px(empty, filled) == 50
    assert hausdorff95_mm(filled, empty, (0.1, 0.1)) == pytest.approx(5)


def test_ignored_pixels_do_not_move_the_distance():
    truth, prediction = np.zeros((20, 20)), np.zeros((20, 20))
    truth[5:10, 5:10] = prediction[5:10, 5:10] = 1
    prediction[15:18, 15:18] = 1
    truth[12:] = -1
    assert hausdorff95_px(truth, prediction) == 0
    assert hausdorff95_px(np.maximum(truth, 0), prediction, ignore=truth == -1) == 0


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan")), 0.5])
def test_a_wrong_spacing_raises(spacing):
    with pytest.raises(ValueError, match="2 positive numbers"):
        hausdorff95_mm(np.ones((2, 2)), np.ones((2, 2)), spacing)


def test_an_unknown_spacing_raises():
    with pytest.raises(ValueError, match="Use hausdorff95_px"):
        hausdorff95_mm(np.ones((2, 2)), np.ones((2, 2)), None)
