"""Image and mask share one geometry, and the way back inverts it."""

import numpy as np
import pytest

from radiokit.io.geometry import (
    fit_placement,
    place_image,
    place_mask,
    placed_spacing_mm,
    restore_mask,
    restore_scores,
)

TARGETS = [(64, 64), (96, 64), (63, 97), (256, 256)]


def _random_shapes(count, seed, low=3, high=300):
    generator = np.random.default_rng(seed)
    return [tuple(int(side) for side in generator.integers(low, high, 2)) for _ in range(count)]


def test_a_placement_keeps_the_aspect_ratio_and_stays_inside_the_target():
    for source in _random_shapes(200, seed=0, low=1):
        for target in TARGETS:
            placement = fit_placement(source, target)
            assert 0 <= placement.top and placement.top + placement.height <= target[0]
            assert 0 <= placement.left and placement.left + placement.width <= target[1]
            assert abs(placement.height - max(1, source[0] * placement.scale)) <= 0.5
            assert abs(placement.width - max(1, source[1] * placement.scale)) <= 0.5
            assert placement.height == target[0] or placement.width == target[1]
            assert abs(target[0] - 2 * placement.top - placement.height) <= 1  # centred


@pytest.mark.parametrize("axis", [0, 1])
def test_an_edge_lands_within_half_a_pixel_in_image_and_mask(axis):
    generator = np.random.default_rng(1)
    for source in _random_shapes(60, seed=2):
        for target in TARGETS:
            placement = fit_placement(source, target)
            edge = int(generator.integers(1, source[axis]))
            mask = np.zeros(source, np.uint8)
            mask[(slice(edge),) if axis == 0 else (slice(None), slice(edge))] = 1
            image = place_image(mask, placement)
            labels = place_mask(mask, placement)
            placed = (placement.height, placement.width)[axis]
            lines = (placement.width, placement.height)[axis]
            expected = edge * placed / source[axis]  # where the edge falls, by the formula
            assert image.sum() / lines == pytest.approx(expected, abs=0.5)
            assert labels.sum() / lines == pytest.approx(expected, abs=0.5 + 1e-9)
            assert abs(image.sum() - labels.sum()) / lines <= 0.5 + 1e-4


def test_area_means_keep_the_mean_of_a_shrunken_image():
    image = np.random.default_rng(3).random((200, 120)).astype(np.float32)
    placed = place_image(image, fit_placement(image.shape, (50, 50)))
    assert placed[:, 10:40].mean() == pytest.approx(image.mean(), rel=1e-3)


def test_a_mask_stored_smaller_lands_on_the_same_pixels_as_its_image():
    for rows, columns in [(2048, 2048), (2048, 1536), (1200, 1600)]:
        large = fit_placement((rows, columns), (256, 256))
        small = fit_placement((rows // 2, columns // 2), (256, 256))
        place = (large.top, large.left, large.height, large.width)
        assert place == (small.top, small.left, small.height, small.width)
        mask = np.zeros((rows // 2, columns // 2), np.uint8)
        mask[rows // 8 : rows // 4, columns // 8 : columns // 4] = 1
        big = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1)
        from_small, from_large = place_mask(mask, small), place_mask(big, large)
        np.testing.assert_array_equal(from_small, from_large)


def test_restoring_inverts_placing_exactly_where_the_target_is_not_smaller():
    generator = np.random.default_rng(4)
    for source in _random_shapes(60, seed=5, high=60):
        mask = generator.integers(0, 5, source)
        placement = fit_placement(source, (64, 61))
        if placement.scale < 1:
            continue
        np.testing.assert_array_equal(restore_mask(place_mask(mask, placement), placement), mask)


def test_restoring_a_shrunken_mask_moves_no_edge_by_more_than_one_target_pixel():
    rows, columns = np.mgrid[0:401, 0:333]
    disc = ((rows - 190) ** 2 + (columns - 150) ** 2 < 110**2).astype(np.uint8)
    placement = fit_placement(disc.shape, (64, 64))
    restored = restore_mask(place_mask(disc, placement), placement)
    distance = np.abs(np.hypot(rows - 190, columns - 150) - 110)
    assert distance[restored != disc].max() <= 1 / placement.scale


def test_restored_scores_cross_one_half_where_the_restored_mask_has_its_edge():
    mask = np.zeros((300, 200), np.float32)
    mask[100:220, 50:160] = 1
    placement = fit_placement(mask.shape, (75, 75))
    scores = restore_scores(np.stack([place_image(mask, placement)] * 6, axis=-1), placement)
    assert scores.shape == (300, 200, 6) and scores.dtype == np.float32
    agreement = (scores[..., 5] > 0.5) == mask.astype(bool)
    assert agreement.mean() > 0.99
    assert scores.min() >= 0 and scores.max() <= 1


def test_scores_of_a_file_smaller_than_the_target_come_back_unchanged():
    image = np.random.default_rng(6).random((40, 30)).astype(np.float32)
    placement = fit_placement(image.shape, (80, 80))
    restored = restore_scores(place_image(image, placement), placement)
    assert np.abs(restored - image).mean() < 0.15 and restored.shape == image.shape
    same_size = fit_placement((40, 30), (40, 30))
    np.testing.assert_array_equal(restore_scores(place_image(image, same_size), same_size), image)


def test_channels_types_and_padding_are_kept():
    image = np.full((10, 20, 3), 7, np.uint8)
    placement = fit_placement((10, 20), (20, 20))
    placed = place_image(image, placement)
    assert placed.shape == (20, 20, 3) and placed.dtype == np.float32
    assert placed[:5].max() == 0 and placed[5:15].min() == 7
    channels = place_mask(np.ones((10, 20, 20), bool), placement)
    assert channels.shape == (20, 20, 20) and channels.dtype == bool and not channels[0].any()


def test_spacing_follows_the_placed_size_and_unknown_stays_unknown():
    placement = fit_placement((4020, 4892), (256, 256))
    row_mm, column_mm = placed_spacing_mm((0.0875, 0.0875), placement)
    assert row_mm * placement.height == pytest.approx(0.0875 * 4020)  # same field of view
    assert column_mm * placement.width == pytest.approx(0.0875 * 4892)
    assert placed_spacing_mm(None, placement) is None


@pytest.mark.parametrize("place", [place_image, place_mask])
def test_an_image_of_another_shape_is_refused(place):
    placement = fit_placement((10, 20), (32, 32))
    with pytest.raises(ValueError, match=r"shape \(20, 10\).*made for \(10, 20\)"):
        place(np.zeros((20, 10)), placement)


@pytest.mark.parametrize("restore", [restore_mask, restore_scores])
def test_a_prediction_of_another_shape_is_refused(restore):
    placement = fit_placement((10, 20), (32, 32))
    with pytest.raises(ValueError, match=r"made for \(32, 32\)"):
        restore(np.zeros((10, 20)), placement)


def test_an_empty_shape_is_refused():
    with pytest.raises(ValueError, match="rows, columns"):
        fit_placement((0, 20), (32, 32))
