"""Blocks of the networks: convolutions, attention, the head, and the two layers Keras lacks.

Every block is a function from tensor to tensor; `name` becomes the prefix of its layers' names.
Shapes at line ends leave out the batch: (height, width, channels).
"""

import keras
from keras import layers, ops

# Keras's 0.99 needs hundreds of steps before a network predicts as well as it trains; 0.9 needs
# thirty, which matters in a training of a few minutes (PyTorch's default, written there as 0.1).
NORM_MOMENTUM = 0.9
SMALLEST_FUSED_EPSILON = 1.001e-5
CHANNEL_REDUCTION = 8


@keras.saving.register_keras_serializable(package="radiokit")
class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation that takes TensorFlow's fused kernel where there is one.

    When to use: wherever `keras.layers.BatchNormalization` would do. Weights, arguments and results
    are the same; on other backends and shapes the work is left to Keras.

    Paper: Ioffe and Szegedy 2015, Batch Normalization, https://arxiv.org/abs/1502.03167
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise over all axes but the last.

        Args:
            inputs: tensor, channels last.
            training: True takes the statistics of the batch and moves the moving averages.
            mask: as in Keras; with a mask, Keras does the work.

        Returns:
            Tensor of the shape and type of `inputs`.
        """
        if not self._fits_fused_kernel(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        from radiokit.engine_tensorflow import fused_batch_norm

        batch_statistics = bool(training and self.trainable)
        gamma = ops.ones_like(self.moving_mean) if self.gamma is None else self.gamma
        beta = ops.zeros_like(self.moving_mean) if self.beta is None else self.beta
        weights = [ops.convert_to_tensor(w) for w in (gamma, beta)]
        moving = [ops.convert_to_tensor(w) for w in (self.moving_mean, self.moving_variance)]
        outputs, mean, variance = fused_batch_norm(
            inputs, *weights, *moving, self.epsilon, batch_statistics
        )
        if batch_statistics:
            fresh = 1.0 - self.momentum
            self.moving_mean.assign(moving[0] * self.momentum + mean * fresh)
            self.moving_variance.assign(moving[1] * self.momentum + variance * fresh)
        return outputs

    def _fits_fused_kernel(self, inputs, mask):
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "bfloat16", "float16")
            and keras.backend.standardize_dtype(self.moving_mean.dtype) == "float32"
            and self.epsilon >= SMALLEST_FUSED_EPSILON
            and mask is None
            and not self.renorm
            and not self.synchronized
        )


@keras.saving.register_keras_serializable(package="radiokit")
class ChannelMeanMax(layers.Layer):
    """Mean and maximum over the channels of each pixel, as two channels.

    When to use: as the input of a spatial attention map.

    Paper: Woo et al. 2018, CBAM, https://arxiv.org/abs/1807.06521
    """

    def call(self, inputs):
        """(N, H, W, C) to (N, H, W, 2).

        Args:
            inputs: (N, H, W, C) tensor.

        Returns:
            (N, H, W, 2) tensor: mean, maximum.
        """
        mean = ops.mean(inputs, axis=-1, keepdims=True)
        maximum = ops.max(inputs, axis=-1, keepdims=True)
        return ops.concatenate([mean, maximum], axis=-1)

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (N, H, W, C).

        Returns:
            (N, H, W, 2).
        """
        return (*input_shape[:-1], 2)


def convolution_block(tensor, width, name, separable=False, use_bias=True):
    """Two 3x3 convolutions, each followed by batch normalisation and ReLU.

    When to use: as one level of an encoder or decoder.

    Args:
        tensor: (H, W, any) features.
        width: channels of both convolutions.
        name: prefix of the layers' names, such as `"encoder0"`.
        separable: split each convolution into one per channel and a 1x1 across channels.
        use_bias: give the convolutions a bias, which the normalisation after them makes needless.

    Returns:
        (H, W, width) features.

    Paper: Ronneberger et al. 2015, U-Net, https://arxiv.org/abs/1505.04597; separable: Chollet
    2017, Xception, https://arxiv.org/abs/1610.02357
    """
    convolution = layers.SeparableConv2D if separable else layers.Conv2D
    for step in (1, 2):
        tensor = convolution(
            width, 3, padding="same", use_bias=use_bias, name=f"{name}_conv{step}"
        )(tensor)  # (H, W, width)
        tensor = normalize(tensor, f"{name}_norm{step}")
        tensor = layers.Activation("relu", name=f"{name}_relu{step}")(tensor)
    return tensor


def normalize(tensor, name, epsilon=1e-3):
    """Batch normalisation with the momentum of this package.

    When to use: after a convolution or a concatenation.

    Args:
        tensor: (H, W, C) features.
        name: name of the layer.
        epsilon: what is added to the variance; published weights want the one they were made with.

    Returns:
        (H, W, C) features.
    """
    return FusedBatchNormalization(momentum=NORM_MOMENTUM, epsilon=epsilon, name=name)(tensor)


def spatial_attention(tensor, name):
    """Weigh every pixel by a map between 0 and 1 that the features themselves draw.

    When to use: on encoder features, skips or decoder features. The map is the output of the layer
    `<name>_attention_map`.

    Args:
        tensor: (H, W, C) features.
        name: prefix of the layers' names, such as `"skip0"`.

    Returns:
        (H, W, C) weighted features.

    Paper: Woo et al. 2018, CBAM (its spatial half), https://arxiv.org/abs/1807.06521
    """
    pooled = ChannelMeanMax(name=f"{name}_attention_pool")(tensor)  # (H, W, 2)
    attention_map = layers.Conv2D(
        1, 7, padding="same", activation="sigmoid", name=f"{name}_attention_map"
    )(pooled)  # (H, W, 1)
    return layers.Multiply(name=f"{name}_attention")([tensor, attention_map])


def gate_attention(skip, gating, name):
    """Weigh every pixel of a skip by a map that the deeper decoder level draws.

    When to use: on a skip connection, before it is joined to the decoder. The paper resamples the
    map from the deeper grid; here the deeper signal is resampled before the sum, so that the map is
    as fine as the skip: our reading. The map is the output of the layer `<name>_attention_map`.

    Args:
        skip: (H, W, C) encoder features.
        gating: (H/2, W/2, D) features of the decoder one level deeper.
        name: prefix of the layers' names, such as `"skip0"`.

    Returns:
        (H, W, C) weighted features.

    Paper: Oktay et al. 2018, Attention U-Net, https://arxiv.org/abs/1804.03999
    """
    inner = max(skip.shape[-1] // 2, 1)
    what = layers.Conv2D(inner, 1, use_bias=False, name=f"{name}_attention_skip")(skip)
    where = layers.Conv2D(inner, 1, name=f"{name}_attention_gating")(gating)  # (H/2, W/2, C/2)
    where = layers.UpSampling2D(interpolation="bilinear", name=f"{name}_attention_up")(where)
    agreed = layers.Add(name=f"{name}_attention_sum")([what, where])  # (H, W, C/2)
    agreed = layers.Activation("relu", name=f"{name}_attention_relu")(agreed)
    attention_map = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_attention_map")(agreed)
    return layers.Multiply(name=f"{name}_attention")([skip, attention_map])  # (H, W, C)


def channel_attention(tensor, name):
    """Weigh every channel by a number between 0 and 1 computed from all channels' means.

    When to use: as one head of `three_head_attention`. The weights are the output of the layer
    `<name>_attention_map`, of shape (1, 1, C).

    Args:
        tensor: (H, W, C) features.
        name: prefix of the layers' names, such as `"skip0_channel"`.

    Returns:
        (H, W, C) weighted features.

    Paper: Hu et al. 2018, Squeeze-and-Excitation, https://arxiv.org/abs/1709.01507
    """
    width = tensor.shape[-1]
    squeezed = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_attention_pool")(tensor)
    squeezed = layers.Dense(
        max(width // CHANNEL_REDUCTION, 1), activation="relu", name=f"{name}_attention_squeeze"
    )(squeezed)  # (1, 1, C/8)
    channel_weights = layers.Dense(width, activation="sigmoid", name=f"{name}_attention_map")(
        squeezed
    )  # (1, 1, C)
    return layers.Multiply(name=f"{name}_attention")([tensor, channel_weights])  # (H, W, C)


def three_head_attention(skip, gating, name):
    """Channel, spatial and gate attention side by side, fused by a learned 1x1 convolution.

    When to use: on a skip connection. The study names a three-head attention without defining it:
    this is our reading. Maps: `<name>_channel_attention_map`, `<name>_spatial_attention_map`,
    `<name>_gate_attention_map`.

    Args:
        skip: (H, W, C) encoder features.
        gating: (H/2, W/2, D) features of the decoder one level deeper.
        name: prefix of the layers' names, such as `"skip0"`.

    Returns:
        (H, W, C) features.
    """
    heads = [
        channel_attention(skip, f"{name}_channel"),
        spatial_attention(skip, f"{name}_spatial"),
        gate_attention(skip, gating, f"{name}_gate"),
    ]
    together = layers.Concatenate(name=f"{name}_attention_heads")(heads)  # (H, W, 3C)
    return layers.Conv2D(skip.shape[-1], 1, name=f"{name}_attention")(together)  # (H, W, C)


def segmentation_head(tensor, num_classes, activation):
    """One score per pixel and class, in float32 even when the network computes in fewer bits.

    When to use: as the last layer.

    Args:
        tensor: (H, W, C) features.
        num_classes: number of output channels.
        activation: `"softmax"` for exclusive classes, `"sigmoid"` for overlapping structures, None
            for logits.

    Returns:
        (H, W, num_classes) float32.
    """
    return layers.Conv2D(num_classes, 1, activation=activation, dtype="float32", name="head")(
        tensor
    )


def classification_head(tensor, num_labels, hidden_units, dropout):
    """One logit a label from the mean of the features over the pixels.

    When to use: as the end of a classifier. The mean is the output of the layer `features`.

    Args:
        tensor: (H, W, C) features.
        num_labels: number of logits.
        hidden_units: units of a dense layer with ReLU before the logits; None for none.
        dropout: fraction of the values before the logits dropped in training; 0 for none.

    Returns:
        (num_labels,) logits, float32 even when the network computes in fewer bits.
    """
    tensor = layers.GlobalAveragePooling2D(name="features")(tensor)  # (C,)
    if hidden_units is not None:
        tensor = layers.Dense(hidden_units, activation="relu", name="hidden")(tensor)
    if dropout > 0:
        tensor = layers.Dropout(dropout, name="hidden_dropout")(tensor)
    return layers.Dense(num_labels, dtype="float32", name="head")(tensor)  # (num_labels,)


def check_segmentation_arguments(image_shape, num_classes, activation, divisor):
    """Say what is wrong with a builder's arguments before Keras fails deep inside.

    When to use: first, in every builder.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: number of output channels.
        activation: `"softmax"`, `"sigmoid"` or None.
        divisor: pixels that height and width must be multiples of.

    Raises:
        ValueError: what was given, what is needed, and the size to pad to.
    """
    if len(image_shape) != 3 or not all(isinstance(n, int) and n > 0 for n in image_shape):
        raise ValueError(
            f"image_shape is {image_shape!r}; needed are three whole numbers above 0: "
            "(height, width, channels), such as (256, 256, 1) for a grey image."
        )
    height, width, channels = image_shape
    padded = tuple(-(-side // divisor) * divisor for side in (height, width))
    if padded != (height, width):
        raise ValueError(
            f"Image of height {height} and width {width}: this network needs multiples of "
            f"{divisor}. Pad the image to {padded[0]} x {padded[1]}: "
            f"image_shape=({padded[0]}, {padded[1]}, {channels})."
        )
    if activation not in ("softmax", "sigmoid", None):
        raise ValueError(
            f"activation is {activation!r}; needed is 'softmax' (exclusive classes), 'sigmoid' "
            "(overlapping structures) or None (logits)."
        )
    if num_classes < 1 or (num_classes == 1 and activation == "softmax"):
        raise ValueError(
            f"num_classes is {num_classes} with activation {activation!r}; softmax needs at least "
            "2 classes (background included), since over one class it is 1 everywhere. For one "
            "structure take num_classes=1 with activation='sigmoid'."
        )
