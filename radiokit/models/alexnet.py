"""AlexNet, in the version of a single tower: five convolutions and three dense layers.

Papers: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks,
https://doi.org/10.1145/3065386; a single tower: Krizhevsky 2014, One weird trick for parallelizing
convolutional neural networks, https://arxiv.org/abs/1404.5997
"""

import keras
import numpy as np
from keras import layers, ops

from radiokit.models.pretrained import (
    check_classifier_arguments,
    load_own_weights,
    repeat_channel,
)

# channels and side of the kernel of each convolution; after the first, second and fifth a pool
CONVOLUTIONS = ((64, 11), (192, 5), (384, 3), (256, 3), (256, 3))
POOLED_AFTER = (1, 2, 5)
POOLED_SIZE = 6  # the features are averaged to 6 x 6, whatever the size of the image
HIDDEN_UNITS = 4096
SMALLEST_IMAGE = 63  # pixels; below, nothing is left to pool after the fifth convolution


@keras.saving.register_keras_serializable(package="radiokit")
class AdaptiveAverage(layers.Layer):
    """Mean over fields that divide the map into a given number of rows and columns.

    When to use: to give dense layers the same number of values whatever the size of the image. A
    field begins at the last pixel and ends at the first that divides the map evenly, so that
    fields overlap where the number does not divide the side, and repeat pixels where it is larger.
    That is PyTorch's rule and that of `keras.layers.AdaptiveAveragePooling2D`, which fails in
    training where the map is smaller than the result.

    Args:
        size: rows and columns of the result.
        name: name of the layer.
        dtype: type or policy of the layer.
    """

    def __init__(self, size, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.size = size

    def call(self, inputs):
        """(N, H, W, C) to (N, size, size, C).

        Args:
            inputs: (N, H, W, C) tensor.

        Returns:
            (N, size, size, C) tensor.
        """
        rows, columns = (
            ops.convert_to_tensor(_field_weights(side, self.size), dtype=inputs.dtype)
            for side in inputs.shape[1:3]
        )
        return ops.einsum("ih,nhwc,jw->nijc", rows, inputs, columns)

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (N, H, W, C).

        Returns:
            (N, size, size, C).
        """
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def get_config(self):
        """What is needed to build the layer again.

        Returns:
            A dict of the arguments.
        """
        return {"name": self.name, "dtype": self.dtype_policy, "size": self.size}


def build_alexnet(
    image_shape, num_classes, width=1.0, hidden_units=None, dropout=0.0, weights=None
):
    """AlexNet: the network that won ImageNet in 2012, without normalisation layers.

    When to use: as the old baseline of a comparison. As published it has neither batch
    normalisation nor shortcuts: from scratch it stands still at a learning rate that suits the
    others (0.001 of Adam), and learns at a third of it. The paper's dropout is 0.5. For a quick
    try take `width=0.25`.

    The parameters at 1000 labels and three channels, biases included. Convolutions: 11·11·3·64 +
    64, 5·5·64·192 + 192, 3·3·192·384 + 384, 3·3·384·256 + 256 and 3·3·256·256 + 256 = 2,469,696.
    Dense layers: 6·6·256·4096 + 4096, 4096·4096 + 4096 and 4096·1000 + 1000 = 58,631,144. In all
    61,100,840, 96 % of them in the dense layers, whatever the size of the image.

    Layers to look at: `encoder5_relu` is the last feature map, (height / 16, width / 16, channels)
    less the borders, for `radiokit.explain.grad_cam`; `features` is that map pooled to 6 x 6, as
    one vector.

    Args:
        image_shape: (height, width, channels) in pixels, height and width 63 or more.
        num_classes: labels, one logit each.
        width: what multiplies the channels of every convolution and the units of the dense layers.
        hidden_units: units of each of AlexNet's own two dense layers before the logits; None: 4096
            times `width`. No further layer is added.
        dropout: fraction of the values before each of those two layers dropped in training, 0 to
            below 1.
        weights: None starts at random. Or the path of a file saved from this network, with the
            same `width` and `hidden_units`; all but the head is taken. The image enters as it did
            then, in 0..1 and not normalised; one channel is repeated to three where the file is of
            a network with three. `keras.applications` has no weights for it.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits, float32.

    Raises:
        ValueError: a shape, width or dropout that does not fit, or weights for another network.
        FileNotFoundError: a weights file that is not there.

    Paper: Krizhevsky et al. 2012, https://doi.org/10.1145/3065386; Krizhevsky 2014,
    https://arxiv.org/abs/1404.5997
    """
    check_classifier_arguments(image_shape, num_classes, dropout, SMALLEST_IMAGE, width)
    if hidden_units is None:
        hidden_units = _scale(HIDDEN_UNITS, width)

    def build(is_repeated):
        image = keras.Input(image_shape, name="image")
        tensor = repeat_channel(image) if is_repeated else image
        features = _encode(tensor, width)  # (6 · 6 · C,)
        logits = _classify(features, num_classes, hidden_units, dropout)
        return keras.Model(image, logits, name=_model_name(width))

    if weights is None:
        return build(is_repeated=False)
    return load_own_weights(build, image_shape, weights, "hidden2")


def _encode(tensor, width):
    """Five convolutions and three pools, then the mean over 6 x 6 fields as one vector."""
    tensor = layers.ZeroPadding2D(2, name="encoder1_pad")(tensor)
    for level, (channels, side) in enumerate(CONVOLUTIONS, start=1):
        name = f"encoder{level}"
        stride, padding = (4, "valid") if level == 1 else (1, "same")
        tensor = layers.Conv2D(
            _scale(channels, width), side, strides=stride, padding=padding, name=f"{name}_conv"
        )(tensor)
        tensor = layers.Activation("relu", name=f"{name}_relu")(tensor)
        if level in POOLED_AFTER:
            tensor = layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(tensor)
    tensor = AdaptiveAverage(POOLED_SIZE, name="encoder5_average")(tensor)
    return layers.Flatten(name="features")(tensor)


def _classify(tensor, num_classes, hidden_units, dropout):
    for number in (1, 2):
        if dropout > 0:
            tensor = layers.Dropout(dropout, name=f"hidden{number}_dropout")(tensor)
        tensor = layers.Dense(hidden_units, activation="relu", name=f"hidden{number}")(tensor)
    return layers.Dense(num_classes, dtype="float32", name="head")(tensor)  # (num_classes,)


def _field_weights(side, num_fields):
    """(fields, pixels): what each pixel of a side is worth to the mean of each field."""
    weights = np.zeros((num_fields, side), "float32")
    for field in range(num_fields):
        first = field * side // num_fields
        last = -(-(field + 1) * side // num_fields)  # rounded up
        weights[field, first:last] = 1 / (last - first)
    return weights


def _scale(channels, width):
    return max(1, round(channels * width))


def _model_name(width):
    return "alexnet" if width == 1 else f"alexnet_width{width}"
