"""The ResNet-UNet: a residual network as the encoder, a plain decoder, and skips between.

Papers: He et al. 2016, Deep Residual Learning, https://arxiv.org/abs/1512.03385; Ronneberger et al.
2015, U-Net, https://arxiv.org/abs/1505.04597
"""

import re

import keras
from keras import layers

from radiokit.models.blocks import (
    NORM_MOMENTUM,
    FusedBatchNormalization,
    check_segmentation_arguments,
    convolution_block,
    segmentation_head,
)

# depth: kind of residual block (two 3x3, or 1x1, 3x3, 1x1), and blocks in each of four stages
RESNETS = {
    18: ("basic_block", (2, 2, 2, 2)),
    34: ("basic_block", (3, 4, 6, 3)),
    50: ("block", (3, 4, 6, 3)),
}
STAGE_WIDTHS = (64, 128, 256, 512)
DECODER_WIDTHS = (256, 128, 64, 32, 16)  # from the deepest level up
DIVISOR = 32  # the encoder halves the image five times


def build_resnet_unet(image_shape, num_classes, depth=50, activation="softmax"):
    """ResNet-UNet: the residual network He et al. made for photographs, with a U-Net's decoder.

    When to use: to see whether a deeper encoder helps. Weights start at random: nothing is
    downloaded. The decoder doubles by repeating pixels, joins the skip and convolves twice, with
    256, 128, 64, 32 and 16 channels; its last level has no skip.

    Args:
        image_shape: (height, width, channels) in pixels; height and width multiples of 32.
        num_classes: output channels.
        depth: 18, 34 or 50 layers of the encoder.
        activation: `"softmax"` for exclusive classes, `"sigmoid"` for overlapping structures,
            None for logits.

    Returns:
        An uncompiled `keras.Model`, image (height, width, channels) to (height, width,
        num_classes) float32.

    Raises:
        ValueError: a size that is no multiple of 32, with the size to pad to; another depth; an
            unknown activation; softmax over one class.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385
    """
    if depth not in RESNETS:
        raise ValueError(f"depth is {depth!r}; needed is one of {tuple(RESNETS)}.")
    check_segmentation_arguments(image_shape, num_classes, activation, DIVISOR)
    encoder = _build_encoder(image_shape, depth)
    decoded = _decode(encoder.outputs)  # (H, W, 16)
    scores = segmentation_head(decoded, num_classes, activation)  # (H, W, num_classes)
    return keras.Model(encoder.inputs[0], scores, name=f"resnet{depth}_unet")


def _build_encoder(image_shape, depth):
    """The residual network, giving five levels' features, half the resolution first."""
    from keras_cv.models import ResNetBackbone

    block_type, stage_blocks = RESNETS[depth]
    backbone = ResNetBackbone(
        stackwise_filters=list(STAGE_WIDTHS),
        stackwise_blocks=list(stage_blocks),
        stackwise_strides=[1, 2, 2, 2],
        include_rescaling=False,
        input_shape=tuple(image_shape),
        block_type=block_type,
    )
    level_names = ["conv1_relu", *backbone.pyramid_level_inputs.values()]
    outputs = [backbone.get_layer(name).output for name in level_names]
    # A clone with our layer names and normalisation, made of built-in layers only: the saved model
    # then opens without keras-cv.
    plain = keras.Model(backbone.inputs, outputs)
    image = keras.Input(image_shape, name="image")
    return keras.models.clone_model(plain, input_tensors=[image], clone_function=_adopt_layer)


def _decode(features):
    """From the deepest features up to the full resolution; `features` start at half of it."""
    tensor = features[-1]
    for level, width in zip(reversed(range(len(features))), DECODER_WIDTHS, strict=True):
        name = f"decoder{level}"
        tensor = layers.UpSampling2D(name=f"{name}_up")(tensor)  # (2h, 2w, c)
        if level > 0:
            tensor = layers.Concatenate(name=f"{name}_join")([features[level - 1], tensor])
        tensor = convolution_block(tensor, width, name, use_bias=False)  # (2h, 2w, width)
    return tensor


def _adopt_layer(layer):
    """A copy of a backbone's layer under our names, with the fused normalisation."""
    config = layer.get_config()
    config["name"] = _layer_name(layer.name)
    if isinstance(layer, layers.BatchNormalization):
        return FusedBatchNormalization.from_config(config | {"momentum": NORM_MOMENTUM})
    return type(layer).from_config(config)


def _layer_name(name):
    """`v2_stack_0_block1_2_conv` becomes `encoder1_block1_conv2`; stage 0 is the stem."""
    name = re.sub(r"^(conv1|pool1)_", "encoder0_", name)
    name = re.sub(r"^v2_stack_(\d)", lambda match: f"encoder{int(match[1]) + 1}", name)
    name = re.sub(r"_(\d)_(conv|bn|relu)$", r"_\2\1", name)
    return re.sub(r"_bn(\d?)$", r"_norm\1", name)
