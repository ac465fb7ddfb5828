"""The U-Nets: parameters by arithmetic, attention maps by name, shapes, errors, a training step."""

import keras
import numpy as np
import pytest

from radiokit.models import build_unet
from radiokit.models.unet import ATTENTIONS

WIDTHS = (32, 64, 128, 256, 512, 1024)
SMALL = (8, 16, 32)


def _norm(channels):
    return 4 * channels  # scale, shift, moving mean, moving variance


def _block(received, width, separable):
    if separable:
        first, second = (9 * c + c * width + width for c in (received, width))
    else:
        first, second = (9 * c * width + width for c in (received, width))
    return first + second + 2 * _norm(width)


def _spatial():
    return 7 * 7 * 2 + 1  # one filter over mean and maximum, and its bias


def _gate(width, deeper):
    inner = width // 2
    return width * inner + (deeper * inner + inner) + (inner + 1)


def _channel(width):
    inner = width // 8
    return (width * inner + inner) + (inner * width + width)


def _skip(width, deeper, attention):
    if attention is None:
        return 0
    if attention == "gate":
        return _gate(width, deeper)
    if attention == "three_head":
        fuse = 3 * width * width + width
        return _channel(width) + _spatial() + _gate(width, deeper) + fuse
    return _spatial()


def _unet_parameters(channels, num_classes, widths, separable=False, attention=None):
    received = (channels, *widths[:-1])
    total = sum(_block(c, w, separable) for c, w in zip(received, widths, strict=True))
    for width, deeper in zip(widths[:-1], widths[1:], strict=True):
        total += _skip(width, deeper, attention)
        total += 4 * deeper * width + width  # doubling: 2x2 transposed convolution
        total += _norm(2 * width)  # after the concatenation
        total += _block(2 * width, width, separable)
    total += _spatial() * (len(widths) - 1) * (attention in ("double_spatial", "full_spatial"))
    total += _spatial() * len(widths) * (attention == "full_spatial")
    return total + widths[0] * num_classes + num_classes


@pytest.mark.parametrize(("separable", "published"), [(False, 31_125_987), (True, 6_030_156)])
def test_parameters_equal_the_published_counts(separable, published):
    assert _unet_parameters(1, 3, WIDTHS, separable) == published
    assert build_unet((256, 256, 1), 3, separable=separable).count_params() == published


@pytest.mark.parametrize("attention", ATTENTIONS[1:])
def test_parameters_with_attention_equal_the_arithmetic(attention):
    model = build_unet((32, 32, 1), 5, attention=attention)
    assert model.count_params() == _unet_parameters(1, 5, WIDTHS, attention=attention)


def test_parameters_of_other_widths_and_channels_equal_the_arithmetic():
    model = build_unet((32, 48, 3), 4, SMALL, separable=True, attention="gate", dropout=0)
    assert model.count_params() == _unet_parameters(3, 4, SMALL, True, "gate")


def _map_names(attention):
    model = build_unet((16, 16, 1), 2, SMALL, attention=attention)
    return {layer.name for layer in model.layers if layer.name.endswith("attention_map")}


def _names(stage, levels, kind=""):
    return {f"{stage}{level}{kind}_attention_map" for level in range(levels)}


def test_every_attention_has_its_maps_under_the_documented_names():
    assert _map_names(None) == set()
    assert _map_names("gate") == _map_names("spatial") == _names("skip", 2)
    assert _map_names("double_spatial") == _names("skip", 2) | _names("decoder", 2)
    assert _map_names("full_spatial") == _map_names("double_spatial") | _names("encoder", 3)
    kinds = [_names("skip", 2, kind) for kind in ("_channel", "_spatial", "_gate")]
    assert _map_names("three_head") == set.union(*kinds)


@pytest.mark.parametrize("attention", ["gate", "spatial", "double_spatial", "full_spatial"])
def test_an_attention_map_can_be_taken_out_of_the_model(attention):
    model = build_unet((16, 24, 1), 2, SMALL, attention=attention)
    looking = keras.Model(model.input, model.get_layer("skip0_attention_map").output)
    attention_map = np.asarray(looking(np.random.default_rng(0).random((2, 16, 24, 1))))
    assert attention_map.shape == (2, 16, 24, 1)
    assert (attention_map > 0).all() and (attention_map < 1).all()
    assert attention_map.std() > 0


def test_layers_are_named_by_stage_level_and_role():
    model = build_unet((16, 16, 1), 2, SMALL, attention="gate")
    names = {layer.name for layer in model.layers}
    wanted = {"image", "encoder0_conv1", "encoder2_conv2", "encoder1_pool", "decoder1_up"}
    assert wanted | {"decoder0_norm2", "skip0_attention", "head"} <= names


@pytest.mark.parametrize(
    ("activation", "check"),
    [
        ("softmax", lambda scores: np.allclose(scores.sum(axis=-1), 1, atol=1e-5)),
        ("sigmoid", lambda scores: ((scores > 0) & (scores < 1)).all()),
        (None, lambda scores: scores.min() < 0),
    ],
)
def test_scores_follow_the_activation(activation, check):
    keras.utils.set_random_seed(0)
    model = build_unet((16, 16, 1), 3, SMALL, activation=activation)
    scores = np.asarray(model(np.random.default_rng(0).random((2, 16, 16, 1))))
    assert scores.shape == (2, 16, 16, 3)
    assert check(scores)


def test_a_few_steps_lower_the_loss():
    keras.utils.set_random_seed(0)
    model = build_unet((16, 16, 1), 2, (8, 16), attention="three_head")
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # outside the graph: traced once, not twice
    images = np.random.default_rng(0).random((4, 16, 16, 1)).astype("float32")
    targets = np.concatenate([images < 0.5, images >= 0.5], axis=-1).astype("float32")
    losses = model.fit(images, targets, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_dropout_acts_in_training_only():
    model = build_unet((16, 16, 1), 2, SMALL, dropout=0.5)
    image = np.random.default_rng(0).random((1, 16, 16, 1))
    np.testing.assert_array_equal(model(image), model(image))
    names = [layer.name for layer in model.layers if "dropout" in layer.name]
    assert names == ["encoder1_dropout", "encoder2_dropout", "decoder1_dropout", "decoder0_dropout"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (250, 256, 1)}, r"height 250.*multiples of 32.*Pad.*256 x 256"),
        ({"attention": "oktay"}, r"attention is 'oktay'; needed is one of"),
        ({"dropout": 1.0}, r"dropout is 1.0; needed is a fraction from 0 to below 1"),
        ({"widths": (32,)}, r"widths is \(32,\); a U-Net needs at least two levels"),
        ({"activation": "tanh"}, r"activation is 'tanh'"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_unet(**{"image_shape": (256, 256, 1), "num_classes": 3} | arguments)
