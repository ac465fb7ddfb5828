"""EfficientNet: cheap depthwise convolutions, in blocks that weigh their own channels.

Paper: Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks,
https://arxiv.org/abs/1905.11946
"""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from radiokit.models.blocks import classification_head, normalize
from radiokit.models.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STANDARD_DEVIATION,
    check_classifier_arguments,
    copy_weights,
    find_weights,
    normalize_image,
    read_published_network,
)


@dataclass(frozen=True)
class Stage:
    """One stage of EfficientNet B0.

    Attributes:
        blocks: how many blocks.
        channels: what each hands on.
        expansion: channels inside a block over those it receives.
        kernel_size: side of the depthwise kernel, in pixels.
        stride: of the first block; 2 halves the image.
    """

    blocks: int
    channels: int
    expansion: int
    kernel_size: int
    stride: int


# Table 1 of the paper
STAGES = (
    Stage(1, 16, 1, 3, 1),
    Stage(2, 24, 6, 3, 2),
    Stage(2, 40, 6, 5, 2),
    Stage(3, 80, 6, 3, 2),
    Stage(3, 112, 6, 5, 1),
    Stage(4, 192, 6, 5, 2),
    Stage(1, 320, 6, 3, 1),
)
STEM_CHANNELS, TOP_CHANNELS = 32, 1280
CHANNEL_DIVISOR = 8  # scaled channels are rounded to multiples of eight
SQUEEZE = 4  # the channels of a block's input over those its weights are computed from
DROP_BLOCK = 0.2  # how often the last block is left out in training; the others less
SMALLEST_IMAGE = 32  # pixels; the network halves it five times


def build_efficientnet(
    image_shape, num_classes, width=1.0, depth=1.0, hidden_units=None, dropout=0.0, weights=None
):
    """EfficientNet B0: few parameters and multiplications, but many layers.

    When to use: where memory or multiplications are scarce; the default is B0, whose dropout in
    the paper is 0.2. On a processor without graphics card its depthwise convolutions take longer
    than their multiplications suggest. For a quick try take `width=0.5, depth=0.25`.

    A block widens its channels with a 1x1 convolution, filters each by itself, weighs them by
    their means (squeeze and excitation), narrows them with a 1x1 convolution and adds what it
    received, if that has the same shape. A block that receives c channels, widens them to e, with
    kernel k and s = c / 4, and hands on d: c·e + 4e, k·k·e + 4e, e·s + s + s·e + e, e·d + 4d (the
    first block does not widen). With the stem 3·3·3·32 + 4·32 and the top 320·1280 + 4·1280 that
    makes 4,049,564 before the head. keras.applications counts 7 more, of its normalised image.

    Layers to look at: `encoder8_swish` is the last feature map, (height / 32, width / 32,
    channels), for `radiokit.explain.grad_cam`; `features` is its mean over the pixels.

    Args:
        image_shape: (height, width, channels) in pixels, height and width 32 or more.
        num_classes: labels, one logit each.
        width: what multiplies the channels; the result is a multiple of eight.
        depth: what multiplies the blocks of a stage, rounded up.
        hidden_units: units of a dense layer with ReLU between features and logits; None: none.
        dropout: fraction of the values before the logits dropped in training, 0 to below 1.
        weights: None starts at random and takes the image as it is, of any number of channels.
            A path to the weights file that `keras.applications.EfficientNetB0` loads for ImageNet
            (with or without its top), or `"imagenet"` for the one that Keras keeps in its cache:
            then the image must be in 0..1 with 1 channel (repeated to three) or 3, and is
            normalised inside the model as there, with the means and variances of the file.
            Nothing is downloaded: if the cache is empty, a warning says so and the weights stay
            random.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits, float32.

    Raises:
        ValueError: a shape, width, depth or dropout that does not fit, or weights for another
            network.
        FileNotFoundError: a weights file that is not there.

    Paper: Tan and Le 2019, https://arxiv.org/abs/1905.11946
    """
    check_classifier_arguments(image_shape, num_classes, dropout, SMALLEST_IMAGE, width)
    if depth <= 0:
        raise ValueError(f"depth is {depth}; needed is a number above 0, such as 1 for B0.")
    weights_path = _find_weights(weights, image_shape, width, depth)
    published = None
    if weights_path is not None:
        published = read_published_network(weights_path, "EfficientNetB0", "top_activation")
    image = keras.Input(image_shape, name="image")
    tensor = image if weights is None else normalize_image(image, *_image_statistics(published))
    tensor = _encode(tensor, width, depth)  # (H / 32, W / 32, C)
    logits = classification_head(tensor, num_classes, hidden_units, dropout)
    model = keras.Model(image, logits, name=_model_name(width, depth))
    if published is not None:
        copy_weights(published, model)
    return model


def _encode(tensor, width, depth):
    """Stem, seven stages of blocks, and a last 1x1 convolution that widens."""
    tensor = _convolve(tensor, _scale(STEM_CHANNELS, width), 3, 2, "encoder0")
    tensor = layers.Activation("swish", name="encoder0_swish")(tensor)  # (H / 2, W / 2, C)
    num_blocks = [math.ceil(stage.blocks * depth) for stage in STAGES]
    done = 0
    for level, (stage, blocks) in enumerate(zip(STAGES, num_blocks, strict=True), start=1):
        channels = _scale(stage.channels, width)
        for number in range(1, blocks + 1):
            stride = stage.stride if number == 1 else 1
            name = f"encoder{level}_block{number}"
            drop = DROP_BLOCK * done / sum(num_blocks)
            tensor = _block(tensor, stage, channels, stride, drop, name)
            done += 1
    tensor = _convolve(tensor, _scale(TOP_CHANNELS, width), 1, 1, "encoder8")
    return layers.Activation("swish", name="encoder8_swish")(tensor)


def _block(tensor, stage, channels, stride, drop, name):
    """Widen, filter each channel by itself, weigh the channels, narrow, add."""
    received = tensor.shape[-1]
    inner = tensor
    if stage.expansion > 1:
        inner = _convolve(inner, stage.expansion * received, 1, 1, name, 1)
        inner = layers.Activation("swish", name=f"{name}_swish1")(inner)
    inner = layers.DepthwiseConv2D(
        stage.kernel_size, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(inner)
    inner = normalize(inner, f"{name}_norm2")
    inner = layers.Activation("swish", name=f"{name}_swish2")(inner)
    inner = _weigh_channels(inner, max(1, received // SQUEEZE), name)
    inner = _convolve(inner, channels, 1, 1, name, 3)  # (h, w, channels)
    if stride > 1 or received != channels:
        return inner
    if drop > 0:
        inner = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(inner)
    return layers.Add(name=f"{name}_add")([inner, tensor])


def _weigh_channels(tensor, squeezed, name):
    """Squeeze and excitation, by convolutions of one pixel, as the published weights have it."""
    channel_weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_attention_pool")(
        tensor
    )  # (1, 1, C)
    channel_weights = layers.Conv2D(
        squeezed, 1, activation="swish", name=f"{name}_attention_squeeze"
    )(channel_weights)
    channel_weights = layers.Conv2D(
        tensor.shape[-1], 1, activation="sigmoid", name=f"{name}_attention_map"
    )(channel_weights)  # (1, 1, C)
    return layers.Multiply(name=f"{name}_attention")([tensor, channel_weights])


def _convolve(tensor, channels, side, stride, name, number=""):
    tensor = layers.Conv2D(
        channels,
        side,
        strides=stride,
        padding="same",
        use_bias=False,
        name=f"{name}_conv{number}",
    )(tensor)
    return normalize(tensor, f"{name}_norm{number}")


def _scale(channels, width):
    """A multiple of eight near `channels * width`, and not below 90 % of it."""
    wanted = channels * width
    rounded = max(CHANNEL_DIVISOR, int(wanted / CHANNEL_DIVISOR + 0.5) * CHANNEL_DIVISOR)
    return rounded if rounded >= 0.9 * wanted else rounded + CHANNEL_DIVISOR


def _image_statistics(published):
    """Mean and deviation by which the published network normalises an image in 0..1.

    Keras takes off the file's mean, divides by the root of its variance, and divides once more by
    the root of ImageNet's deviations, because the file holds deviations where Keras reads
    variances.
    """
    if published is None:
        return IMAGENET_MEAN, IMAGENET_STANDARD_DEVIATION
    kept = next(layer for layer in published.layers if isinstance(layer, layers.Normalization))
    mean, variance = (np.ravel(values) for values in kept.get_weights()[:2])
    return mean, np.sqrt(variance * np.asarray(IMAGENET_STANDARD_DEVIATION))


def _find_weights(weights, image_shape, width, depth):
    """The file to load, or None."""
    if weights is not None and (width, depth) != (1, 1):
        raise ValueError(
            f"weights is {str(weights)!r} with width {width} and depth {depth}; published weights "
            "exist for width 1 and depth 1, B0. Take those, or weights=None."
        )
    return find_weights(weights, image_shape, "EfficientNetB0", "efficientnetb0")


def _model_name(width, depth):
    return "efficientnetb0" if (width, depth) == (1, 1) else f"efficientnet_w{width}_d{depth}"
