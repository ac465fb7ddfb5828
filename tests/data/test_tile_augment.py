import numpy as np
import pytest

from radiokit.data.augment import JointAugment
from radiokit.data.tile_augment import TileAugment

STILL = JointAugment(0.0, 0.0, 0.0)  # moves nothing


def marked(side):
    """A picture whose every pixel is another, with itself as its target."""
    plane = np.arange(side * side, dtype=np.float32).reshape(1, side, side, 1) / side**2
    return np.repeat(plane, 3, axis=-1), plane


def test_turns_are_the_eight_ways_a_square_can_lie_and_take_the_target_along():
    images, targets = marked(4)
    augment = TileAugment(4, STILL, turn=True)
    square = targets[0, ..., 0]
    wanted = {np.rot90(flip, k).tobytes() for flip in (square, square[::-1]) for k in range(4)}
    found = set()
    for number in range(8):
        draws = np.full((1, augment.num_draws), 0.5, np.float32)
        draws[0, 7:10] = [0.25 + 0.5 * (number >> bit & 1) for bit in range(3)]
        image, target = (np.asarray(part) for part in augment(images, targets, draws))
        np.testing.assert_array_equal(image[..., :1], target)
        found.add(target[0, ..., 0].tobytes())
    assert found == wanted and len(wanted) == 8


def test_the_tile_is_cut_from_the_middle():
    images, targets = marked(12)
    augment = TileAugment(8, STILL)
    image, target = augment(images, targets, np.full((1, augment.num_draws), 0.5, np.float32))
    np.testing.assert_allclose(image, images[:, 2:10, 2:10], atol=1e-6)
    np.testing.assert_allclose(target, targets[:, 2:10, 2:10], atol=1e-6)


def test_nothing_from_outside_the_window_comes_into_the_tile():
    rng = np.random.default_rng(0)
    augment = TileAugment(64, turn=True, stain=0.3)
    white = np.ones((200, 96, 96, 3), np.float32)
    draws = np.concatenate([rng.random((184, 13)), rng.integers(0, 2, (16, 13)) * 0.999999])
    image, target = augment(white, -white[..., :1], draws.astype(np.float32))
    assert image.shape == (200, 64, 64, 3)
    assert np.asarray(image).min() > 0.999  # black would come in as 0
    assert set(np.unique(np.asarray(target))) == {-1}  # and 0 as known background


def test_stain_changes_each_channels_power_and_leaves_glass_white():
    augment = TileAugment(1, STILL, stain=0.5)
    draws = np.full((1, augment.num_draws), 0.5, np.float32)
    draws[0, 10:] = 1.0, 0.5, 0.0  # powers 1.5, 1 and 0.5
    pixels = np.array([[[[0.25, 0.25, 0.25]]], [[[1, 1, 1]]]], np.float32)
    changed, _ = augment(pixels, pixels[..., :1], np.repeat(draws, 2, axis=0))
    np.testing.assert_allclose(np.asarray(changed)[0, 0, 0], [0.125, 0.25, 0.5], rtol=1e-5)
    np.testing.assert_allclose(np.asarray(changed)[1], 1, rtol=1e-6)


@pytest.mark.parametrize("stain", [0.0, 0.2])
def test_the_same_numbers_give_the_same_pictures(stain):
    images, targets = marked(12)
    augment = TileAugment(8, turn=True, stain=stain)
    draws = np.random.default_rng(1).random((1, augment.num_draws)).astype(np.float32)
    once, again = augment(images, targets, draws), augment(images, targets, draws)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)
