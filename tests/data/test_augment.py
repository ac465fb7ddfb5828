import keras
import numpy as np
import pytest

from radiokit.data.augment import JointAugment

CENTRE = 0.5  # a draw of one half changes nothing


def still(number):
    return np.full((number, JointAugment.num_draws), CENTRE, np.float32)


def blob(size=33):
    rows, columns = np.mgrid[:size, :size]
    mask = ((rows - 12) ** 2 / 36 + (columns - 20) ** 2 / 16 < 1).astype(np.float32)
    return mask[None, ..., None]


def transform(augment, image, target, draws):
    images, targets = augment(
        keras.ops.convert_to_tensor(image), keras.ops.convert_to_tensor(target), draws
    )
    return np.asarray(images), np.asarray(targets)


def test_centre_draws_change_nothing():
    image, target = transform(JointAugment(), blob(), blob(), still(1))
    np.testing.assert_allclose(image, blob(), atol=1e-5)
    np.testing.assert_array_equal(target, blob())


@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_move_together(seed):
    draws = np.random.default_rng(seed).random((1, JointAugment.num_draws)).astype(np.float32)
    augment = JointAugment(rotation_degrees=25, shift=0.1, scale=0.2, mirror=True)
    image, target = transform(augment, blob(), blob(), draws)
    moved = np.abs(target - blob()).sum()
    assert moved > 5  # the transform did something
    # the linear image crosses one half where the nearest mask has its edge, to within a pixel
    disagree = (image > 0.5) != (target > 0.5)
    near_edge = np.abs(image - 0.5) < 0.5
    assert not np.any(disagree & ~near_edge)
    assert disagree.sum() <= 0.1 * target.sum() + 6


def test_a_mask_keeps_its_values_through_rotation():
    target = blob()
    target[0, :5] = -1
    draws = np.random.default_rng(0).random((1, JointAugment.num_draws)).astype(np.float32)
    _, moved = transform(JointAugment(rotation_degrees=30), blob(), target, draws)
    assert set(np.unique(moved)) <= {-1.0, 0.0, 1.0}


def test_mirror_reverses_columns_in_half_of_the_draws():
    draws = still(2)
    draws[:, 4] = 0.1, 0.9
    both = np.concatenate([blob(), blob()])
    image, target = transform(JointAugment(mirror=True), both, both, draws)
    np.testing.assert_allclose(image[0], blob()[0, :, ::-1], atol=1e-5)
    np.testing.assert_array_equal(target[1], blob()[0])


def test_a_full_shift_draw_moves_by_the_stated_fraction():
    draws = still(1)
    draws[0, 2] = 1.0  # columns, to one end
    _, target = transform(JointAugment(shift=4 / 33), blob(), blob(), draws)
    np.testing.assert_array_equal(target[0, :, :-4, 0], blob()[0, :, 4:, 0])


def test_contrast_stays_in_range_and_leaves_the_mask():
    draws = np.random.default_rng(1).random((1, JointAugment.num_draws)).astype(np.float32)
    draws[:, :5] = CENTRE
    image, target = transform(JointAugment(contrast=0.9), blob(), blob(), draws)
    assert image.min() >= 0 and image.max() <= 1
    assert not np.allclose(image, blob())
    np.testing.assert_array_equal(target, blob())


def test_label_vectors_in_a_dict_pass_untouched():
    targets = {"mask": blob(), "label": np.ones((1, 3), np.float32)}
    draws = np.random.default_rng(2).random((1, JointAugment.num_draws)).astype(np.float32)
    _, moved = JointAugment()(keras.ops.convert_to_tensor(blob()), targets, draws)
    np.testing.assert_array_equal(np.asarray(moved["label"]), targets["label"])
    assert not np.array_equal(np.asarray(moved["mask"]), targets["mask"])
