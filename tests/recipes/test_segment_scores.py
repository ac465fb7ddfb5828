import numpy as np
import pytest

from radiokit.recipes import SegmentSettings, predict_scores

TILES = SegmentSettings(tile=32, color=True)


class Brightness:
    """A network that answers a pixel with its red."""

    def __init__(self):
        self.shapes = set()

    def predict_on_batch(self, images):
        self.shapes.add(images.shape[1:])
        return images[..., :1]


class TileNumbers:
    """A network that answers with one number a tile: its mean."""

    def predict_on_batch(self, images):
        return np.broadcast_to(images.mean((1, 2, 3), keepdims=True), (*images.shape[:3], 1))


@pytest.mark.parametrize("shape", [(32, 32), (70, 45), (20, 100), (10, 12)])
@pytest.mark.parametrize("turn", [False, True])
def test_blended_tiles_give_back_what_is_known_of_each_pixel(shape, turn):
    pixels = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    network = Brightness()
    scores = predict_scores(network, pixels, SegmentSettings(tile=32, color=True, turn=turn))
    np.testing.assert_allclose(scores, pixels[..., 0], atol=1e-6)
    assert network.shapes == {(32, 32, 3)}


def test_between_two_tiles_the_answer_goes_over_without_a_step():
    pixels = np.zeros((32, 56, 3), np.float32)
    pixels[:, 28:] = 1
    scores = predict_scores(TileNumbers(), pixels, TILES)[16]
    # Tiles from 0 and 24 on overlap in 24..31; their means are 4 / 32 and 28 / 32.
    np.testing.assert_allclose(scores[:24], 0.125, atol=1e-6)
    np.testing.assert_allclose(scores[32:], 0.875, atol=1e-6)
    weight = (np.arange(8) + 0.5) / 8
    np.testing.assert_allclose(scores[24:32], 0.125 + 0.75 * weight, atol=1e-6)


def test_turning_averages_four_mirrorings():
    class Corner:
        def predict_on_batch(self, images):
            answers = np.zeros((*images.shape[:3], 1), np.float32)
            answers[:, 0, 0] = 1  # always the upper left corner
            return answers

    settings = SegmentSettings(size=32, turn=True)
    scores = predict_scores(Corner(), np.zeros((32, 32, 1), np.float32), settings)
    wanted = np.zeros((32, 32))
    wanted[[0, 0, -1, -1], [0, -1, 0, -1]] = 0.25
    np.testing.assert_allclose(scores, wanted)


def test_a_grey_image_is_taken_with_and_without_its_channel():
    pixels = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    settings = SegmentSettings(size=32)
    with_channel = predict_scores(Brightness(), pixels[..., None], settings)
    np.testing.assert_array_equal(predict_scores(Brightness(), pixels, settings), with_channel)
    assert with_channel.shape == (40, 50)
