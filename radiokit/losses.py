"""What a segmentation network minimises: Dice loss plus cross-entropy, on any Keras backend."""

import keras
from keras import ops

# One pixel added above and below the Dice ratio: an empty truth met by an empty prediction costs
# 0, as in `metrics.dice_score`, and an empty truth still pushes stray probability down.
SMOOTHING_PIXELS = 1.0
SMALLEST_PROBABILITY = 1e-7


@keras.saving.register_keras_serializable(package="radiokit")
class DiceCrossEntropyLoss(keras.losses.Loss):
    """Dice loss plus cross-entropy, equally weighted, over the pixels whose truth is known.

    When to use: segmentation, above all where a structure fills few pixels. Cross-entropy gives
    every pixel a gradient; Dice keeps small structures from being drowned by the background.
    Dice is taken per image and class and then averaged, so every class weighs the same.

    Args:
        overlapping: False for exclusive classes (softmax, one-hot truth, background included as
            a class); True for structures that may overlap, or a single one (sigmoid).
        squared_denominator: False sums the probabilities below the fraction, True their squares.
        reduction: how Keras joins the losses of the images; its default is the mean.
        name: name in the training log.
        dtype: number type of the arithmetic; None takes Keras's default, float32.

    Call with:
        y_true: (N, H, W, C) or (N, D, H, W, C) of 0 and 1; -1 where the truth is unknown. With
            exclusive classes a pixel with no class, or any -1, is left out as a whole; with
            overlapping ones each channel is left out by itself.
        y_pred: the same shape, probabilities in 0..1.

    Returns:
        A number per image before the reduction: mean Dice loss (0..1) + mean cross-entropy (≥ 0).

    Raises:
        ValueError: truth and prediction differ in shape, or one channel without `overlapping`.

    Paper: Milletari et al., V-Net, 3DV 2016 (Dice with squares); Isensee et al., nnU-Net,
    Nature Methods 2021 (the sum with cross-entropy).
    """

    def __init__(
        self,
        overlapping=False,
        squared_denominator=False,
        reduction="sum_over_batch_size",
        name="dice_cross_entropy_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.overlapping = overlapping
        self.squared_denominator = squared_denominator

    def call(self, y_true, y_pred):
        """Loss of each image, (N,); arguments as described in the class."""
        self._check_shapes(y_true.shape, y_pred.shape)
        if self.overlapping:
            known = y_true >= 0  # (N, H, W, C)
        else:
            known = ops.sum(y_true, axis=-1, keepdims=True) > 0.5  # (N, H, W, 1)
        zero = ops.zeros((), dtype=y_pred.dtype)
        truth = ops.where(known, y_true, zero)
        probability = ops.where(known, y_pred, zero)
        dice = self._dice_loss(truth, probability)
        return dice + self._cross_entropy(truth, probability, known)

    def get_config(self):
        """Arguments that rebuild this loss, for saving a compiled model."""
        config = super().get_config()
        config["overlapping"] = self.overlapping
        config["squared_denominator"] = self.squared_denominator
        return config

    def _dice_loss(self, truth, probability):
        pixels = tuple(range(1, len(truth.shape) - 1))
        overlap = ops.sum(truth * probability, axis=pixels)  # (N, C)
        size = ops.square(probability) if self.squared_denominator else probability
        sizes = ops.sum(truth, axis=pixels) + ops.sum(size, axis=pixels)  # truth is 0 or 1
        dice = (2 * overlap + SMOOTHING_PIXELS) / (sizes + SMOOTHING_PIXELS)
        return ops.mean(1 - dice, axis=-1)  # (N,)

    def _cross_entropy(self, truth, probability, known):
        if self.overlapping:  # an unknown pixel has truth 0 and probability 0, so it costs 0
            of_truth = ops.where(truth > 0.5, probability, 1 - probability)
        else:  # one logarithm a pixel, of its own class
            of_truth = ops.sum(truth * probability, axis=-1, keepdims=True)
            of_truth = ops.where(known, of_truth, ops.ones((), dtype=of_truth.dtype))
        logarithm = ops.log(ops.maximum(of_truth, SMALLEST_PROBABILITY))
        all_but_image = tuple(range(1, len(truth.shape)))
        num_known = ops.sum(ops.cast(known, logarithm.dtype), axis=all_but_image)
        return -ops.sum(logarithm, axis=all_but_image) / ops.maximum(num_known, 1.0)

    def _check_shapes(self, true_shape, predicted_shape):
        pairs = zip(true_shape, predicted_shape, strict=False)
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        if len(true_shape) != len(predicted_shape) or any(a != b for a, b in known):
            raise ValueError(
                f"Truth has shape {tuple(true_shape)} and prediction {tuple(predicted_shape)}; "
                "both must be (N, H, W, C). Give the network as many classes as the truth."
            )
        if not self.overlapping and predicted_shape[-1] == 1:
            raise ValueError(
                "One channel cannot be exclusive classes: softmax of it is always 1. Use "
                'overlapping=True with activation="sigmoid", or add a background channel.'
            )
