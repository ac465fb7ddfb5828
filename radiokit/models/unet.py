"""The U-Net, with conventional or separable convolutions and with or without attention.

Papers: Ronneberger et al. 2015, U-Net, https://arxiv.org/abs/1505.04597; Oktay et al. 2018,
Attention U-Net, https://arxiv.org/abs/1804.03999; Woo et al. 2018, CBAM,
https://arxiv.org/abs/1807.06521; Chollet 2017, Xception, https://arxiv.org/abs/1610.02357
"""

import keras
from keras import layers

from radiokit.models.blocks import (
    check_segmentation_arguments,
    convolution_block,
    gate_attention,
    normalize,
    segmentation_head,
    spatial_attention,
    three_head_attention,
)

ATTENTIONS = (None, "gate", "three_head", "spatial", "double_spatial", "full_spatial")


def build_unet(
    image_shape,
    num_classes,
    widths=(32, 64, 128, 256, 512, 1024),
    separable=False,
    attention=None,
    dropout=0.1,
    activation="softmax",
):
    """U-Net: an encoder that halves the image, a decoder that doubles it back, and skips between.

    When to use: the first network to try on any segmentation; six levels, two 3x3 convolutions a
    block, batch normalisation after each and after every concatenation.

    Attention multiplies features by maps between 0 and 1. The study names its variants without
    defining them; these are our readings:
    `"gate"`: Oktay's gate on every skip, driven by the decoder one level deeper;
    `"spatial"`: a CBAM-style spatial map on every skip (mean and maximum over channels, 7x7
    convolution, sigmoid);
    `"double_spatial"`: that, and another on every decoder block's output;
    `"full_spatial"`: that, and another on every encoder block's output, the deepest included;
    `"three_head"`: channel, spatial and gate maps on every skip, fused by a 1x1 convolution.
    The maps are layers: `model.get_layer("skip0_attention_map").output` is (height, width, 1).

    Args:
        image_shape: (height, width, channels) in pixels; height and width multiples of
            2 ** (len(widths) - 1), which is 32 for six levels.
        num_classes: output channels.
        widths: channels of each level, from the full resolution down.
        separable: take separable convolutions, about a fifth of the parameters.
        attention: None, `"gate"`, `"three_head"`, `"spatial"`, `"double_spatial"` or
            `"full_spatial"`.
        dropout: fraction of whole channels dropped in training on the way from level to level,
            0 to below 1.
        activation: `"softmax"` for exclusive classes, `"sigmoid"` for overlapping structures,
            None for logits.

    Returns:
        An uncompiled `keras.Model`, image (height, width, channels) to (height, width,
        num_classes) float32.

    Raises:
        ValueError: a size that cannot be halved so often, with the size to pad to; an unknown
            attention or activation; softmax over one class; a dropout outside 0 to 1.

    Paper: Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597; attention and separable
    convolutions: see the head of this module.
    """
    check_segmentation_arguments(image_shape, num_classes, activation, 2 ** (len(widths) - 1))
    _check_unet_arguments(widths, attention, dropout)
    image = keras.Input(image_shape, name="image")
    features = _encode(image, widths, separable, attention, dropout)
    decoded = _decode(features, separable, attention, dropout)
    scores = segmentation_head(decoded, num_classes, activation)  # (H, W, num_classes)
    return keras.Model(image, scores, name=_model_name(separable, attention))


def _encode(tensor, widths, separable, attention, dropout):
    """One block a level; returns every level's features, the full resolution first."""
    features = []
    for level, width in enumerate(widths):
        name = f"encoder{level}"
        if level > 0:
            tensor = layers.MaxPooling2D(name=f"{name}_pool")(tensor)  # half height and width
            tensor = _drop_channels(tensor, dropout, f"{name}_dropout")
        tensor = convolution_block(tensor, width, name, separable)
        if attention == "full_spatial":
            tensor = spatial_attention(tensor, name)
        features.append(tensor)  # (H / 2**level, W / 2**level, width)
    return features


def _decode(features, separable, attention, dropout):
    """From the deepest features up to the full resolution, joining one skip a level."""
    tensor = features[-1]
    for level in reversed(range(len(features) - 1)):
        name = f"decoder{level}"
        skip = _attend_skip(features[level], tensor, attention, f"skip{level}")
        width = skip.shape[-1]
        tensor = _drop_channels(tensor, dropout, f"{name}_dropout")
        tensor = layers.Conv2DTranspose(width, 2, strides=2, name=f"{name}_up")(tensor)  # doubled
        tensor = layers.Concatenate(name=f"{name}_join")([skip, tensor])  # (h, w, 2 * width)
        tensor = normalize(tensor, f"{name}_join_norm")
        tensor = convolution_block(tensor, width, name, separable)  # (h, w, width)
        if attention in ("double_spatial", "full_spatial"):
            tensor = spatial_attention(tensor, name)
    return tensor


def _attend_skip(skip, deeper, attention, name):
    """Weigh a skip connection; `deeper` is the decoder's signal one level below."""
    if attention is None:
        return skip
    if attention == "gate":
        return gate_attention(skip, deeper, name)
    if attention == "three_head":
        return three_head_attention(skip, deeper, name)
    return spatial_attention(skip, name)


def _drop_channels(tensor, dropout, name):
    """Drop whole channels in training, at the coarser of two levels, where it costs least."""
    if dropout == 0:
        return tensor
    return layers.SpatialDropout2D(dropout, name=name)(tensor)


def _check_unet_arguments(widths, attention, dropout):
    if attention not in ATTENTIONS:
        raise ValueError(f"attention is {attention!r}; needed is one of {ATTENTIONS}.")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; needed is a fraction from 0 to below 1.")
    if len(widths) < 2:
        raise ValueError(
            f"widths is {widths!r}; a U-Net needs at least two levels, such as (32, 64)."
        )


def _model_name(separable, attention):
    words = ["separable"] * separable + ([f"{attention}_attention"] if attention else [])
    return "_".join([*words, "unet"])
