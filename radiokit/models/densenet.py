"""DenseNet: every layer reads what all the layers of its block before it have written.

Paper: Huang et al. 2017, Densely Connected Convolutional Networks,
https://arxiv.org/abs/1608.06993
"""

import keras
from keras import layers

from radiokit.models.blocks import classification_head, normalize
from radiokit.models.pretrained import (
    check_classifier_arguments,
    copy_weights,
    find_weights,
    normalize_image,
    read_published_network,
)

DENSENETS = {
    "densenet121": (6, 12, 24, 16),
    "densenet169": (6, 12, 32, 32),
    "densenet201": (6, 12, 48, 32),
}
STEM_GROWTH_RATES = 2  # the first convolution gives twice the growth rate, as in the paper
PUBLISHED_GROWTH_RATE = 32
BOTTLENECK = 4  # the 1x1 convolution of a dense layer gives four times what the layer adds
COMPRESSION = 2  # channels are halved between two dense blocks
NORM_EPSILON = 1.001e-5  # keras.applications' DenseNet; the published weights were made with it


def build_densenet(
    image_shape,
    num_classes,
    stage_blocks=(6, 12, 24, 16),
    growth_rate=32,
    hidden_units=None,
    dropout=0.0,
    weights=None,
):
    """DenseNet: every layer of a block reads what all the layers before it have written.

    When to use: classification of single images; the default is DenseNet121, the network of the
    head CT study with `hidden_units=512, dropout=0.2`. For a quick try take
    `stage_blocks=(2, 4, 4, 2), growth_rate=16`.

    The parameters of DenseNet121 on three channels, normalisation (4 a channel) included. Stem:
    7·7·3·64 + 4·64. A dense layer that receives c channels, k = 32: 4c + c·4k + 4·4k + 3·3·4k·k =
    132c + 37,376; its block hands on k channels more. Between blocks c channels are halved:
    4c + c·c/2. The blocks receive 64, 128, 256, 512 channels and the last gives 1,024, which are
    normalised: 7,037,504 in all. The study's head adds 1024·512 + 512 + 512·6 + 6.

    Layers to look at: `encoder4_relu` is the last block's output, (height / 32, width / 32,
    channels), for `radiokit.explain.grad_cam`; `features` is its mean over the pixels.

    Args:
        image_shape: (height, width, channels) in pixels, height and width 32 or more.
        num_classes: labels, one logit each.
        stage_blocks: dense layers of each block.
        growth_rate: channels that a dense layer adds; the stem gives twice as many.
        hidden_units: units of a dense layer with ReLU between features and logits; None: none.
        dropout: fraction of the values before the logits dropped in training, 0 to below 1.
        weights: None starts at random and takes the image as it is, of any number of channels.
            A path to a weights file of `keras.applications` (DenseNet121, 169 or 201, with or
            without its top), or `"imagenet"` for the file that Keras keeps in its cache: then the
            image must be in 0..1 with 1 channel (repeated to three) or 3, and is normalised inside
            the model as ImageNet was. Nothing is downloaded: if the cache is empty, a warning says
            so and the weights stay random.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits, float32.

    Raises:
        ValueError: a shape, number of channels or dropout that does not fit, or weights for another
            network.
        FileNotFoundError: a weights file that is not there.

    Paper: Huang et al. 2017, https://arxiv.org/abs/1608.06993
    """
    smallest = 2 ** (len(stage_blocks) + 1)
    check_classifier_arguments(image_shape, num_classes, dropout, smallest)
    weights_path = _find_weights(weights, image_shape, stage_blocks, growth_rate)
    image = keras.Input(image_shape, name="image")
    tensor = image if weights is None else normalize_image(image)
    tensor = _encode(tensor, stage_blocks, growth_rate)  # (H / 32, W / 32, C)
    logits = classification_head(tensor, num_classes, hidden_units, dropout)
    model = keras.Model(image, logits, name=_model_name(stage_blocks, growth_rate))
    if weights_path is not None:
        published = read_published_network(weights_path, _published_name(stage_blocks), "relu")
        copy_weights(published, model)
    return model


def _encode(tensor, stage_blocks, growth_rate):
    """Stem, then the dense blocks with a transition between each two."""
    tensor = layers.ZeroPadding2D(3, name="encoder0_pad")(tensor)
    width = STEM_GROWTH_RATES * growth_rate
    tensor = layers.Conv2D(width, 7, strides=2, use_bias=False, name="encoder0_conv")(tensor)
    tensor = _normalize_and_rectify(tensor, "encoder0")  # (H / 2, W / 2, 2 · growth_rate)
    tensor = layers.ZeroPadding2D(1, name="encoder0_pool_pad")(tensor)
    tensor = layers.MaxPooling2D(3, strides=2, name="encoder0_pool")(tensor)  # (H / 4, W / 4, 2k)
    for stage, num_layers in enumerate(stage_blocks, start=1):
        name = f"encoder{stage}"
        if stage > 1:
            tensor = _transition(tensor, f"{name}_transition")  # half height, width and channels
        for number in range(1, num_layers + 1):
            tensor = _dense_layer(tensor, growth_rate, f"{name}_layer{number}")
    return _normalize_and_rectify(tensor, f"encoder{len(stage_blocks)}")


def _dense_layer(tensor, growth_rate, name):
    """Read everything there is, add `growth_rate` channels to it."""
    new = _normalize_and_rectify(tensor, name, 1)
    new = layers.Conv2D(BOTTLENECK * growth_rate, 1, use_bias=False, name=f"{name}_conv1")(new)
    new = _normalize_and_rectify(new, name, 2)
    new = layers.Conv2D(growth_rate, 3, padding="same", use_bias=False, name=f"{name}_conv2")(new)
    return layers.Concatenate(name=f"{name}_join")([tensor, new])  # (h, w, C + growth_rate)


def _transition(tensor, name):
    tensor = _normalize_and_rectify(tensor, name)
    width = tensor.shape[-1] // COMPRESSION
    tensor = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_conv")(tensor)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(tensor)


def _normalize_and_rectify(tensor, name, number=""):
    tensor = normalize(tensor, f"{name}_norm{number}", NORM_EPSILON)
    return layers.Activation("relu", name=f"{name}_relu{number}")(tensor)


def _find_weights(weights, image_shape, stage_blocks, growth_rate):
    """The file to load, or None."""
    name = _model_name(stage_blocks, growth_rate)
    if weights is not None and name not in DENSENETS:
        raise ValueError(
            f"weights is {str(weights)!r} with stage_blocks {tuple(stage_blocks)} and growth_rate "
            f"{growth_rate}; published weights exist for growth rate 32 and one of "
            f"{tuple(DENSENETS.values())}. Take one of those, or weights=None."
        )
    cached_name = f"{name}_weights_tf_dim_ordering_tf_kernels"
    return find_weights(weights, image_shape, _published_name(stage_blocks), cached_name)


def _published_name(stage_blocks):
    """The function of keras.applications, such as `DenseNet121`."""
    return _model_name(stage_blocks, PUBLISHED_GROWTH_RATE).replace("densenet", "DenseNet")


def _model_name(stage_blocks, growth_rate):
    """`densenet121` for a published one; else `densenet` and its weighted layers."""
    for name, published in DENSENETS.items():
        if tuple(stage_blocks) == published and growth_rate == PUBLISHED_GROWTH_RATE:
            return name
    depth = 2 * sum(stage_blocks) + len(stage_blocks) + 1
    return f"densenet{depth}_growth{growth_rate}"
