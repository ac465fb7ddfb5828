import itertools

import keras
import numpy as np
import pytest

from radiokit.data.augment import FlipAndTurn, JointAugment, QuarterTurns

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


FLIP, KEEP = 0.49, 0.51  # draws on either side of one half


def test_the_numbers_of_the_joint_transform_stay_what_they_were():
    draws = np.array([[0.9, 0.2, 0.7, 0.4, 0.3, 0.5, 0.5]], np.float32)
    matrix = np.asarray(JointAugment(mirror=True)._matrices(draws, 20, 30))[0]
    angle, zoom = np.deg2rad(10 * 0.8), 1 / (1 + 0.15 * -0.6)
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    c = 14.5 + cosine * 14.5 - sine * 9.5 + 0.4 * 0.05 * 30
    f = 9.5 - sine * 14.5 - cosine * 9.5 - 0.2 * 0.05 * 20
    np.testing.assert_allclose(matrix, [-cosine, sine, c, sine, cosine, f, 0, 0], rtol=1e-5)


@pytest.mark.parametrize("size", [32, 33])
@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
@pytest.mark.parametrize("horizontal", [FLIP, KEEP])
@pytest.mark.parametrize("vertical", [FLIP, KEEP])
def test_flips_then_a_turn_counterclockwise(size, quarter, horizontal, vertical):
    draws = np.array([[quarter / 4, horizontal, vertical]], np.float32)
    image, mask = transform(FlipAndTurn((0, 360)), blob(size), blob(size), draws)
    expected = blob(size)
    expected = expected[:, :, ::-1] if horizontal == FLIP else expected
    expected = expected[:, ::-1] if vertical == FLIP else expected
    expected = np.rot90(expected, quarter, axes=(1, 2))
    np.testing.assert_allclose(image, expected, atol=1e-4)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_turn_together(seed):
    draws = np.random.default_rng(seed).random((1, FlipAndTurn.num_draws)).astype(np.float32)
    image, target = transform(FlipAndTurn(), blob(), blob(), draws)
    disagree = (image > 0.5) != (target > 0.5)
    assert not np.any(disagree & (np.abs(image - 0.5) >= 0.5))
    assert set(np.unique(target)) <= {0.0, 1.0} and image.min() >= 0 and image.max() <= 1 + 1e-6
    # turning keeps the area: pi times the half axes, 6 and 4
    assert target.sum() == pytest.approx(np.pi * 24, rel=0.15)


def test_the_turn_is_uniform_between_its_ends_and_the_flips_have_their_probability():
    draws = np.random.default_rng(0).random((400, 3)).astype(np.float32)
    image = np.zeros((400, 41, 41, 1), np.float32)
    image[:, 20, 36] = 1  # to the right of the centre
    moved, _ = transform(FlipAndTurn((0, 90), 0, 0), image, image, draws)
    rows, columns = np.divmod(moved.reshape(400, -1).argmax(axis=1), 41)
    angles = np.rad2deg(np.arctan2(20 - rows, columns - 20))
    np.testing.assert_allclose(angles, 90 * draws[:, 0], atol=3)
    flipped, _ = transform(FlipAndTurn((0, 0), 0.25, 0), image, image, draws)
    is_flipped = flipped[:, 20, 4, 0] > 0.5
    np.testing.assert_array_equal(is_flipped, draws[:, 1] < 0.25)
    assert is_flipped.mean() == pytest.approx(0.25, abs=0.06)


def test_what_turns_in_from_outside_is_black():
    white = np.ones((1, 33, 33, 1), np.float32)
    image, _ = transform(FlipAndTurn((45, 45), 0, 0), white, white, np.zeros((1, 3), np.float32))
    assert image[0, 0, 0] == image[0, 0, -1] == 0 and image[0, 16, 16] == 1
    assert image.sum() == pytest.approx(33 * 33 * 0.828, rel=0.03)  # an octagon: 2 sqrt(2) - 2


def test_labels_pass_untouched_and_masks_in_a_dict_go_along():
    targets = {"mask": blob(), "label": np.ones((1, 3), np.float32)}
    draws = np.array([[0.3, FLIP, KEEP]], np.float32)
    _, moved = FlipAndTurn()(keras.ops.convert_to_tensor(blob()), targets, draws)
    np.testing.assert_array_equal(np.asarray(moved["label"]), targets["label"])
    assert not np.array_equal(np.asarray(moved["mask"]), targets["mask"])
    label = np.ones((1, 3), np.float32)
    assert FlipAndTurn()(keras.ops.convert_to_tensor(blob()), label, draws)[1] is label


def test_quarter_turns_reach_the_eight_ways_of_laying_a_square_and_masks_go_along():
    square = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    draws = np.array(list(itertools.product((0.2, 0.8), repeat=3)), "float32")
    images, masks = QuarterTurns()(np.repeat(square, 8, 0), np.repeat(10 * square, 8, 0), draws)
    expected = {
        np.rot90(side, turns).tobytes()
        for side in (square[0, ..., 0], square[0, ..., 0].T)
        for turns in range(4)
    }
    assert {np.asarray(image)[..., 0].tobytes() for image in images} == expected
    np.testing.assert_array_equal(masks, 10 * np.asarray(images))


def test_quarter_turns_leave_labels_alone_and_refuse_oblong_images():
    labels = np.eye(4, dtype="float32")
    draws = np.zeros((4, 3), "float32")
    _, kept = QuarterTurns()(np.zeros((4, 8, 8, 3), "float32"), labels, draws)
    np.testing.assert_array_equal(kept, labels)
    with pytest.raises(ValueError, match="8 x 6 pixels; a quarter turn needs squares"):
        QuarterTurns()(np.zeros((4, 8, 6, 3), "float32"), labels, draws)
