"""ResNet: every block adds a correction to what it received.

Paper: He et al. 2016, Deep Residual Learning for Image Recognition,
https://arxiv.org/abs/1512.03385
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

RESNETS = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
PUBLISHED_WIDTH = 64
EXPANSION = 4  # a block hands on four times the channels of its 3x3 convolution
NORM_EPSILON = 1.001e-5  # keras.applications' ResNet; the published weights were made with it
# The published weights take 0..255 less these means (red, green, blue), not divided by a deviation.
PUBLISHED_MEAN = tuple(mean / 255 for mean in (123.68, 116.779, 103.939))
PUBLISHED_SCALE = (1 / 255,) * 3


def build_resnet(
    image_shape,
    num_classes,
    stage_blocks=(3, 4, 23, 3),
    width=64,
    hidden_units=None,
    dropout=0.0,
    weights=None,
):
    """ResNet with bottlenecks: 1x1, 3x3 and 1x1 convolutions, added to what the block received.

    When to use: classification of single images; the default is ResNet101. For a quick try take
    `stage_blocks=(1, 1, 1, 1), width=16`.

    The parameters of ResNet101 on three channels, as keras.applications has it: every convolution
    with a bias, then normalisation (4 a channel), which together is 5 a channel. Stem: 7·7·3·64 +
    5·64. A block of w = 64, 128, 256, 512 channels that receives c: c·w + 5w, 3·3·w·w + 5w, w·4w +
    5·4w; the first block of a stage also sends what it received through c·4w + 5·4w. That makes
    42,658,176 before the head, which adds 2048·1000 + 1000 at 1000 labels.

    Layers to look at: `encoder4_relu` is the last block's output, (height / 32, width / 32,
    channels), for `radiokit.explain.grad_cam`; `features` is its mean over the pixels.

    Args:
        image_shape: (height, width, channels) in pixels, height and width 32 or more.
        num_classes: labels, one logit each.
        stage_blocks: blocks of each stage; each stage after the first halves the image.
        width: channels of the stem and of the first stage's 3x3 convolutions; doubled each stage.
        hidden_units: units of a dense layer with ReLU between features and logits; None: none.
        dropout: fraction of the values before the logits dropped in training, 0 to below 1.
        weights: None starts at random and takes the image as it is, of any number of channels.
            A path to a weights file of `keras.applications` (ResNet50, 101 or 152, with or without
            its top), or `"imagenet"` for the file that Keras keeps in its cache: then the image
            must be in 0..1 with 1 channel (repeated to three) or 3 (red, green, blue), and the
            means of ImageNet are taken off inside the model. Nothing is downloaded: if the cache
            is empty, a warning says so and the weights stay random.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits, float32.

    Raises:
        ValueError: a shape, width or dropout that does not fit, or weights for another network.
        FileNotFoundError: a weights file that is not there.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385
    """
    smallest = 2 ** (len(stage_blocks) + 1)
    check_classifier_arguments(image_shape, num_classes, dropout, smallest, width)
    weights_path = _find_weights(weights, image_shape, stage_blocks, width)
    image = keras.Input(image_shape, name="image")
    tensor = image
    if weights is not None:
        tensor = normalize_image(image, PUBLISHED_MEAN, PUBLISHED_SCALE)
    tensor = _encode(tensor, stage_blocks, width)  # (H / 32, W / 32, 32 · width)
    logits = classification_head(tensor, num_classes, hidden_units, dropout)
    model = keras.Model(image, logits, name=_model_name(stage_blocks, width))
    if weights_path is not None:
        _load_published_weights(model, weights_path)
    return model


def _encode(tensor, stage_blocks, width):
    """Stem, then the stages of residual blocks."""
    tensor = layers.ZeroPadding2D(3, name="encoder0_pad")(tensor)
    tensor = layers.Conv2D(width, 7, strides=2, name="encoder0_conv")(tensor)
    tensor = normalize(tensor, "encoder0_norm", NORM_EPSILON)
    tensor = layers.Activation("relu", name="encoder0_relu")(tensor)  # (H / 2, W / 2, width)
    tensor = layers.ZeroPadding2D(1, name="encoder0_pool_pad")(tensor)
    tensor = layers.MaxPooling2D(3, strides=2, name="encoder0_pool")(tensor)  # (H / 4, W / 4, .)
    for stage, num_blocks in enumerate(stage_blocks, start=1):
        for number in range(1, num_blocks + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            name = f"encoder{stage}_block{number}"
            tensor = _residual(tensor, width * 2 ** (stage - 1), stride, number == 1, name)
            end = f"encoder{stage}" if number == num_blocks else name
            tensor = layers.Activation("relu", name=f"{end}_relu")(tensor)  # (h, w, 4 · width)
    return tensor


def _residual(tensor, width, stride, is_first, name):
    """Three convolutions, added to what came in; a stage's first block resizes that, too."""
    shortcut = tensor
    if is_first:
        shortcut = _convolve(tensor, EXPANSION * width, 1, stride, f"{name}_shortcut")
    tensor = _convolve(tensor, width, 1, stride, name, 1)
    tensor = layers.Activation("relu", name=f"{name}_relu1")(tensor)
    tensor = _convolve(tensor, width, 3, 1, name, 2)
    tensor = layers.Activation("relu", name=f"{name}_relu2")(tensor)
    tensor = _convolve(tensor, EXPANSION * width, 1, 1, name, 3)
    return layers.Add(name=f"{name}_add")([shortcut, tensor])


def _convolve(tensor, channels, side, stride, name, number=""):
    tensor = layers.Conv2D(
        channels, side, strides=stride, padding="same", name=f"{name}_conv{number}"
    )(tensor)
    return normalize(tensor, f"{name}_norm{number}", NORM_EPSILON)


def _find_weights(weights, image_shape, stage_blocks, width):
    """The file to load, or None."""
    name = _model_name(stage_blocks, width)
    if weights is not None and name not in RESNETS:
        raise ValueError(
            f"weights is {str(weights)!r} with stage_blocks {tuple(stage_blocks)} and width "
            f"{width}; published weights exist for width 64 and one of {tuple(RESNETS.values())}. "
            "Take one of those, or weights=None."
        )
    cached_name = f"{name}_weights_tf_dim_ordering_tf_kernels"
    return find_weights(weights, image_shape, _published_name(name), cached_name)


def _load_published_weights(model, path):
    """The published network reads blue, green, red: its first kernel is turned round."""
    published = read_published_network(path, _published_name(model.name), "conv5_block3_out")
    copy_weights(published, model)
    stem = model.get_layer("encoder0_conv")
    kernel, bias = stem.get_weights()
    stem.set_weights([kernel[:, :, ::-1], bias])


def _published_name(name):
    """The function of keras.applications, such as `ResNet101`."""
    return name.replace("resnet", "ResNet")


def _model_name(stage_blocks, width):
    """`resnet101` for a published one; else `resnet`, its weighted layers and its width."""
    for name, published in RESNETS.items():
        if tuple(stage_blocks) == published and width == PUBLISHED_WIDTH:
            return name
    return f"resnet{3 * sum(stage_blocks) + 2}_width{width}"
