"""The ResNet-UNets: parameters by arithmetic and against the published encoders."""

import math

import numpy as np
import pytest

from radiokit.models import build_resnet_unet

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
# torchvision 0.x model pages: trainable parameters with the 1000-class layer, minus that layer.
PUBLISHED = {
    18: 11_689_512 - (512 + 1) * 1000,
    34: 21_797_672 - (512 + 1) * 1000,
    50: 25_557_032 - (2048 + 1) * 1000,
}


def _convolution(side, received, width):
    return side * side * received * width + 4 * width  # no bias, then batch normalisation


def _residual_block(received, width, depth, shortcut):
    if depth == 50:
        body = _convolution(1, received, width) + _convolution(3, width, width)
        body += _convolution(1, width, 4 * width)
        return body + shortcut * _convolution(1, received, 4 * width)
    body = _convolution(3, received, width) + _convolution(3, width, width)
    return body + shortcut * _convolution(1, received, width)


def _resnet_unet_parameters(channels, num_classes, depth):
    grow = 4 if depth == 50 else 1
    total, received, skips = _convolution(7, channels, 64), 64, [64]
    for width, blocks in zip((64, 128, 256, 512), STAGES[depth], strict=True):
        for block in range(blocks):
            shortcut = block == 0 and received != grow * width
            total += _residual_block(received, width, depth, shortcut)
            received = grow * width
        skips.append(received)
    for width, skip in zip((256, 128, 64, 32, 16), [*reversed(skips[:-1]), 0], strict=True):
        total += _convolution(3, received + skip, width) + _convolution(3, width, width)
        received = width
    return total + 16 * num_classes + num_classes


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_parameters_equal_the_arithmetic_and_the_encoder_its_published_count(depth):
    model = build_resnet_unet((64, 64, 3), 4, depth)
    assert model.count_params() == _resnet_unet_parameters(3, 4, depth)
    encoder = [layer for layer in model.layers if layer.name.startswith("encoder")]
    trainable = [w.shape for layer in encoder for w in layer.trainable_weights]
    assert sum(math.prod(shape) for shape in trainable) == PUBLISHED[depth]


def test_a_grey_image_gives_scores_at_its_own_size():
    model = build_resnet_unet((64, 96, 1), 3, 18, activation="sigmoid")
    assert model.count_params() == _resnet_unet_parameters(1, 3, 18)
    scores = np.asarray(model(np.random.default_rng(0).random((1, 64, 96, 1))))
    assert scores.shape == (1, 64, 96, 3)
    assert ((scores > 0) & (scores < 1)).all()


def test_layers_are_named_by_stage_level_and_role():
    names = {layer.name for layer in build_resnet_unet((64, 64, 1), 2, 18).layers}
    wanted = {"image", "encoder0_conv", "encoder0_norm", "encoder1_block1_conv1", "encoder0_pool"}
    wanted |= {"encoder4_block2_norm2", "encoder2_block1_conv0", "decoder4_join", "decoder0_up"}
    assert wanted <= names
    assert all(name.startswith(("image", "encoder", "decoder", "head")) for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 101}, r"depth is 101; needed is one of \(18, 34, 50\)"),
        ({"image_shape": (100, 64, 1)}, r"height 100.*multiples of 32.*Pad.*128 x 64"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_resnet_unet(**{"image_shape": (64, 64, 1), "num_classes": 3} | arguments)
