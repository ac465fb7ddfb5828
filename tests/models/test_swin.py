"""The Swin-UNets: parameters by arithmetic, window attention against loops over pairs of tokens."""

import numpy as np
import pytest
import tensorflow as tf

from radiokit.models import build_swin_unet, swin
from radiokit.models.swin import ExpandPatches, MergePatches, WindowAttention, window_side

CONFIGURATIONS = {
    "tiny": (96, (2, 2, 2, 2), (3, 6, 12, 24)),
    "base": (128, (2, 2, 18, 2), (4, 8, 16, 32)),
}


def _dense(received, units, bias=True):
    return received * units + bias * units


def _swin_block(width, heads, window):
    norms = 2 * (2 * width)
    attention = _dense(width, 3 * width) + _dense(width, width) + (2 * window - 1) ** 2 * heads
    return norms + attention + _dense(width, 4 * width) + _dense(4 * width, width)


def _swin_parameters(channels, num_classes, size, windows):
    embedding, depths, heads = CONFIGURATIONS[size]
    widths = [embedding * 2**level for level in range(4)]
    total = 16 * channels * embedding + embedding + 2 * embedding  # tokens, their normalisation
    for level, width in enumerate(widths):
        block = _swin_block(width, heads[level], windows[level])
        total += depths[level] * block
        if level < 3:
            total += 2 * block  # decoder
            total += 2 * 4 * width + _dense(4 * width, 2 * width, bias=False)  # merge, going down
            total += _dense(2 * width, 4 * width, bias=False) + 2 * width  # expand, going up
            total += _dense(2 * width, width)  # join the skip
    total += 2 * widths[3] + 2 * embedding  # normalisation after encoder and decoder
    total += _dense(embedding, 16 * embedding, bias=False) + 2 * embedding  # last expansion
    return total + _dense(embedding, num_classes)


def test_tiny_at_224_has_the_published_27_17_million_parameters():
    model = build_swin_unet((224, 224, 3), 9, "tiny")
    assert model.count_params() == _swin_parameters(3, 9, "tiny", (7, 7, 7, 7))
    assert round(model.count_params() / 1e6, 2) == 27.17


@pytest.mark.parametrize(
    ("size", "side", "windows"), [("base", 256, (8, 8, 8, 8)), ("tiny", 96, (8, 6, 6, 3))]
)
def test_parameters_equal_the_arithmetic(size, side, windows):
    model = build_swin_unet((side, side, 1), 3, size)
    assert model.count_params() == _swin_parameters(1, 3, size, windows)
    assert model.output_shape == (None, side, side, 3)


@pytest.fixture
def small_size(monkeypatch):
    monkeypatch.setitem(swin.SIZES, "tiny", swin.SwinSize(8, (2, 2, 2, 2), (1, 2, 2, 4)))


@pytest.mark.parametrize("image_shape", [(64, 96, 1), (128, 128, 3), (160, 32, 1)])
def test_images_of_many_sizes_give_scores_at_their_own_size(small_size, image_shape):
    model = build_swin_unet(image_shape, 2, "tiny")
    scores = np.asarray(model(np.random.default_rng(0).random((2, *image_shape))))
    assert scores.shape == (2, *image_shape[:2], 2)
    np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)


def test_gradients_reach_every_weight(small_size):
    model = build_swin_unet((64, 64, 1), 2, "tiny", activation=None)
    rng = np.random.default_rng(0)
    image, wanted = rng.random((1, 64, 64, 1)), rng.random((1, 64, 64, 2)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(image) - wanted) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert all(gradient is not None and np.any(gradient) for gradient in gradients)


def test_a_window_always_divides_the_grid_and_is_the_published_seven_at_224():
    assert [window_side(224 // 4 // 2**level) for level in range(4)] == [7, 7, 7, 7]
    for side in range(1, 200):
        assert side % window_side(side) == 0
        assert window_side(side) >= min(side, 4)


def test_merging_patches_keeps_each_square_together_and_expanding_undoes_it():
    grid = np.arange(4 * 6).reshape(1, 4, 6, 1).astype("float32")
    merged = np.asarray(MergePatches(2)(grid))
    assert merged.shape == (1, 2, 3, 4)
    assert merged[0, 0, 0].tolist() == [0, 1, 6, 7]
    np.testing.assert_array_equal(ExpandPatches(2)(merged), grid)


def _attention_by_loops(layer, grid):
    """The same attention, token by token: who shares a window and was not wrapped around."""
    height, width, channels = grid.shape
    (rows, columns), heads = layer.window, layer.num_heads
    size = channels // heads
    kernel, bias = (np.asarray(w) for w in layer.to_query_key_value.weights)
    table = np.asarray(layer.position_bias)
    places = [(row, column) for row in range(height) for column in range(width)]
    projected = (grid @ kernel + bias).reshape(height, width, 3, heads, size)

    def window_of(place):
        sides = zip(place, layer.shift, (height, width), layer.window, strict=True)
        return [(at - shift) % side // window for at, shift, side, window in sides]

    out = np.zeros_like(grid)
    for one in places:
        seen = [
            other
            for other in places
            if window_of(other) == window_of(one)
            and abs(one[0] - other[0]) < rows
            and abs(one[1] - other[1]) < columns
        ]
        for head in range(heads):
            query = projected[one][0, head]
            scores = np.array([query @ projected[other][1, head] / size**0.5 for other in seen])
            offsets = [
                (one[0] - other[0] + rows - 1) * (2 * columns - 1) + one[1] - other[1] + columns - 1
                for other in seen
            ]
            scores = np.exp(scores + table[offsets, head])
            values = np.array([projected[other][2, head] for other in seen])
            out[one][head * size : (head + 1) * size] = scores @ values / scores.sum()
    kernel, bias = (np.asarray(w) for w in layer.projection.weights)
    return out @ kernel + bias


@pytest.mark.parametrize(
    ("window", "shift"), [((3, 3), (0, 0)), ((3, 3), (1, 1)), ((2, 4), (1, 2)), ((6, 4), (0, 2))]
)
def test_window_attention_equals_loops_over_pairs_of_tokens(window, shift):
    height, width = (6, 9) if window == (3, 3) else (6, 8)
    layer = WindowAttention(2, window, shift)
    layer.build((None, height, width, 8))
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    grid = rng.normal(size=(2, height, width, 8)).astype("float32")
    wanted = np.stack([_attention_by_loops(layer, image) for image in grid])
    np.testing.assert_allclose(layer(grid), wanted, rtol=1e-3, atol=1e-3)


def test_weights_of_different_layers_start_differently(small_size):
    model = build_swin_unet((64, 64, 1), 2, "tiny")
    names = ("encoder0_block0_widen", "encoder0_block1_widen")
    first, second = (np.asarray(model.get_layer(name).kernel) for name in names)
    assert not np.array_equal(first, second)


def test_window_attention_keeps_its_precision_when_rebuilt_under_another_policy():
    layer = WindowAttention(2, (2, 2), (1, 1), dtype="mixed_bfloat16")
    again = WindowAttention.from_config(layer.get_config())
    outputs = again(np.ones((1, 4, 4, 8), "float32"))
    assert outputs.dtype == "bfloat16"
    assert again.projection.compute_dtype == again.to_query_key_value.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in again.weights} == {"float32"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": "large"}, r"size is 'large'; needed is one of \('tiny', 'base'\)"),
        ({"image_shape": (224, 230, 1)}, r"width 230.*multiples of 32.*Pad.*224 x 256"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_swin_unet(**{"image_shape": (224, 224, 1), "num_classes": 3} | arguments)


def test_a_window_that_does_not_divide_the_grid_says_so():
    with pytest.raises(ValueError, match=r"Grid 8 x 8 with 6 channels: the window \(3, 4\) must"):
        WindowAttention(2, (3, 4)).build((None, 8, 8, 6))
