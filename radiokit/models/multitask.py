"""One network that says which haemorrhages there are and where, and how far the two disagree.

Paper: Kyung et al. 2022, SMART-Net, https://doi.org/10.1016/j.media.2022.102489
"""

import keras
from keras import layers, ops

from radiokit.models.blocks import (
    check_segmentation_arguments,
    convolution_block,
    normalize,
)

RARE = -3.0  # logit of a pixel before training: blood is rare (Lin et al. 2017, arXiv:1708.02002)
SMOOTHING_SIDE = 3  # pixels: a mask's strongest place is that of nine pixels, not of one


@keras.saving.register_keras_serializable(package="radiokit")
class Disagreement(layers.Layer):
    """Squared difference between a label's probability and its mask's strongest place.

    When to use: at the end of a network with both answers, its output trained towards 0. The mask
    is averaged over 3x3 pixels first, so that nine pixels share the gradient of a maximum.

    Paper: Kyung et al. 2022, SMART-Net, which ties the two answers; this form is ours.
    """

    def call(self, inputs):
        """Compare the two answers.

        Args:
            inputs: logits (N, L), the last of which is "any", and masks (N, H, W, L - 1) in 0..1.

        Returns:
            (N, L) in 0..1.
        """
        logits, masks = inputs
        smooth = ops.average_pool(masks, SMOOTHING_SIDE, strides=1, padding="same")
        strongest = ops.max(smooth, axis=(1, 2))  # (N, L - 1)
        anywhere = ops.max(strongest, axis=-1, keepdims=True)  # (N, 1)
        of_masks = ops.concatenate([strongest, anywhere], axis=-1)  # (N, L)
        return ops.square(ops.sigmoid(logits) - of_masks)

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (N, L) and (N, H, W, L - 1).

        Returns:
            (N, L).
        """
        return tuple(input_shape[0])


def build_multitask_unet(
    image_shape, num_labels=6, widths=(32, 64, 128, 256, 512), hidden_units=256, dropout=0.1
):
    """A U-Net with a classifier on its deepest features, and a measure of their contradictions.

    When to use: where a slice needs both a label and a mask, and the two must agree. The encoder
    learns from both; the classifier reads mean and maximum of the deepest features. Train with

        loss = {"labels": MultilabelCrossEntropyLoss(),
                "masks": DiceCrossEntropyLoss(overlapping=True),
                "disagreement": "mean_absolute_error"}

    and targets of the same names, of which `disagreement` is all zeros; its weight in
    `radiokit.training.fit(loss_weights=...)` says how much agreement is worth. Labels or masks
    that are unknown (-1) teach nothing, but the two answers are still drawn together.

    Args:
        image_shape: (height, width, channels) in pixels; height and width multiples of
            2 ** (len(widths) - 1).
        num_labels: labels, the last of which is "any" and has no mask of its own; 2 or more.
        widths: channels of each level, from the full resolution down.
        hidden_units: units of the classifier's dense layer.
        dropout: fraction dropped in training, 0 to below 1: whole channels on the way from level
            to level, values before the logits.

    Returns:
        An uncompiled `keras.Model`, image to a dict, all float32: `labels` (num_labels,) logits;
        `masks` (height, width, num_labels - 1) in 0..1, overlapping; `disagreement` (num_labels,)
        in 0..1, the squared difference of the label's probability and the strongest place of its
        mask, which for "any" is the strongest of all masks.

    Raises:
        ValueError: a size that cannot be halved so often, with the size to pad to; fewer than two
            labels or levels; a dropout outside 0 to 1.

    Paper: Kyung et al. 2022, SMART-Net, https://doi.org/10.1016/j.media.2022.102489; it also
    rebuilds the image and goes on to volumes, which is left out here.
    """
    _check_arguments(num_labels, widths, dropout)
    check_segmentation_arguments(image_shape, num_labels - 1, "sigmoid", 2 ** (len(widths) - 1))
    image = keras.Input(image_shape, name="image")
    features = _encode(image, widths, dropout)
    labels = _classify(features[-1], num_labels, hidden_units, dropout)  # (num_labels,)
    masks = layers.Conv2D(
        num_labels - 1,
        1,
        activation="sigmoid",
        bias_initializer=keras.initializers.Constant(RARE),
        dtype="float32",
        name="masks",
    )(_decode(features, dropout))  # (H, W, num_labels - 1)
    disagreement = Disagreement(name="disagreement", dtype="float32")(
        [labels, masks]
    )  # (num_labels,)
    outputs = {"labels": labels, "masks": masks, "disagreement": disagreement}
    return keras.Model(image, outputs, name="multitask_unet")


def _encode(tensor, widths, dropout):
    """One block a level; returns every level's features, the full resolution first."""
    features = []
    for level, width in enumerate(widths):
        if level > 0:
            tensor = layers.MaxPooling2D(name=f"encoder{level}_pool")(tensor)
            tensor = layers.SpatialDropout2D(dropout, name=f"encoder{level}_dropout")(tensor)
        tensor = convolution_block(tensor, width, f"encoder{level}")
        features.append(tensor)  # (H / 2**level, W / 2**level, width)
    return features


def _classify(deepest, num_labels, hidden_units, dropout):
    mean = layers.GlobalAveragePooling2D(name="labels_mean")(deepest)
    strongest = layers.GlobalMaxPooling2D(name="labels_max")(deepest)  # a small bleed is local
    tensor = layers.Concatenate(name="labels_join")([mean, strongest])  # (2 * width,)
    tensor = layers.Dense(hidden_units, activation="relu", name="labels_hidden")(tensor)
    tensor = layers.Dropout(dropout, name="labels_dropout")(tensor)
    return layers.Dense(num_labels, dtype="float32", name="labels")(tensor)


def _decode(features, dropout):
    """From the deepest features up to the full resolution, joining one skip a level."""
    tensor = features[-1]
    for level in reversed(range(len(features) - 1)):
        name, skip = f"decoder{level}", features[level]
        width = skip.shape[-1]
        tensor = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(tensor)
        tensor = layers.Conv2DTranspose(width, 2, strides=2, name=f"{name}_up")(tensor)  # doubled
        tensor = layers.Concatenate(name=f"{name}_join")([skip, tensor])  # (h, w, 2 * width)
        tensor = normalize(tensor, f"{name}_join_norm")
        tensor = convolution_block(tensor, width, name)  # (h, w, width)
    return tensor


def _check_arguments(num_labels, widths, dropout):
    if num_labels < 2:
        raise ValueError(
            f"num_labels is {num_labels}; needed are 2 or more: the structures, each with a mask, "
            'and "any" last.'
        )
    if len(widths) < 2:
        raise ValueError(f"widths is {widths!r}; needed are two levels or more, such as (32, 64).")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; needed is a fraction from 0 to below 1.")
