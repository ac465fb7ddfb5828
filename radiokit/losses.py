"""What a network minimises, on any Keras backend: Dice and cross-entropy of masks and of labels."""

import keras
import numpy as np
from keras import ops

# One pixel added above and below the Dice ratio: an empty truth met by an empty prediction costs
# 0, as in `metrics.dice_score`, and an empty truth still pushes stray probability down.
SMOOTHING_PIXELS = 1.0
SMALLEST_PROBABILITY = 1e-7


@keras.saving.register_keras_serializable(package="radiokit")
class DiceCrossEntropyLoss(keras.losses.Loss):
    """Dice loss plus cross-entropy over the pixels whose truth is known.

    When to use: segmentation, above all where a structure fills few pixels. Cross-entropy gives
    every pixel a gradient; Dice keeps small structures from being drowned by the background.
    Dice is taken per image and class and then averaged, so every class weighs the same.

    Args:
        overlapping: False for exclusive classes (softmax, one-hot truth, background included as
            a class); True for structures that may overlap, or a single one (sigmoid).
        squared_denominator: False sums the probabilities below the fraction, True their squares.
        over_batch: False takes a Dice of each image; True one of the whole batch, the same for all
            its images. Where most images lack most structures, a Dice of each image is content
            with empty masks everywhere; that of a batch is not.
        dice_weight: factor of the Dice loss, 0 or more: 1 weighs both parts alike, 0 leaves
            cross-entropy alone, binary where `overlapping`.
        reduction: how Keras joins the losses of the images; its default is the mean.
        name: name in the training log.
        dtype: number type of the arithmetic; None takes Keras's default, float32.

    Call with:
        y_true: (N, H, W, C) or (N, D, H, W, C) of 0 and 1; -1 where the truth is unknown. With
            exclusive classes a pixel with no class, or any -1, is left out as a whole; with
            overlapping ones each channel is left out by itself.
            A slice on which one of several exclusive structures was drawn needs overlapping=True
            on the softmax output, and -1 in the other channels: it then teaches that structure
            alone, and the rest may be divided as it likes.
        y_pred: the same shape, probabilities in 0..1.

    Returns:
        A number per image before the reduction: weighted mean Dice loss (0..1) + mean
        cross-entropy (≥ 0).

    Raises:
        ValueError: a negative weight; truth and prediction differ in shape, or one channel without
            `overlapping`.

    Paper: Milletari et al., V-Net, 3DV 2016 (Dice with squares); Isensee et al., nnU-Net,
    Nature Methods 2021 (the sum with cross-entropy).
    """

    def __init__(
        self,
        overlapping=False,
        squared_denominator=False,
        over_batch=False,
        dice_weight=1.0,
        reduction="sum_over_batch_size",
        name="dice_cross_entropy_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check_weight(dice_weight, "dice_weight", "cross-entropy alone")
        self.overlapping = overlapping
        self.squared_denominator = squared_denominator
        self.over_batch = over_batch
        self.dice_weight = dice_weight

    def call(self, y_true, y_pred):
        """Loss of each image, (N,); arguments as described in the class."""
        truth, probability, known = _known_pixels(y_true, y_pred, self.overlapping)
        dice = self._dice_loss(truth, probability)
        return self.dice_weight * dice + _cross_entropy(truth, probability, known, self.overlapping)

    def get_config(self):
        """Arguments that rebuild this loss, for saving a compiled model."""
        config = super().get_config()
        config["overlapping"] = self.overlapping
        config["squared_denominator"] = self.squared_denominator
        config["over_batch"] = self.over_batch
        config["dice_weight"] = self.dice_weight
        return config

    def _dice_loss(self, truth, probability):
        summed = tuple(range(0 if self.over_batch else 1, len(truth.shape) - 1))
        overlap = ops.sum(truth * probability, axis=summed)  # (N, C), over the batch (C,)
        size = ops.square(probability) if self.squared_denominator else probability
        sizes = ops.sum(truth, axis=summed) + ops.sum(size, axis=summed)  # truth is 0 or 1
        dice = (2 * overlap + SMOOTHING_PIXELS) / (sizes + SMOOTHING_PIXELS)
        return ops.mean(1 - dice, axis=-1)  # (N,), over the batch a single number


@keras.saving.register_keras_serializable(package="radiokit")
class GeneralizedDiceLoss(keras.losses.Loss):
    """Generalised Dice loss, each class weighted by 1 / (its pixels)², plus cross-entropy.

    When to use: classes of very different size. `DiceCrossEntropyLoss` takes a Dice of each class
    and averages them; here the classes are summed above and below one fraction, the small ones
    weighted up: 1 - 2 Σ_c w_c Σ t·p / Σ_c w_c (Σ t + Σ p), with w_c = 1 / (Σ t)².

    The weights are of each image, not of the batch, so that an image costs the same whatever it
    is batched with. The fraction does not change when all weights are divided by the largest, so
    they are: the rarest class present weighs 1, and the smoothing is one pixel of that class.
    Where a class is absent from an image the published weight is infinite; it takes here the
    weight of the rarest class present, as in MONAI and NiftyNet, so that probability strayed onto
    it still costs. Where every class is absent (overlapping structures), all weigh 1.

    Args:
        overlapping: False for exclusive classes (softmax, one-hot truth, background included as
            a class); True for structures that may overlap, or a single one (sigmoid).
        cross_entropy_weight: factor of the cross-entropy, 0 or more: 1 to compare with
            `DiceCrossEntropyLoss`, 0 for the paper's loss alone.
        reduction: how Keras joins the losses of the images; its default is the mean.
        name: name in the training log.
        dtype: number type of the arithmetic; None takes Keras's default, float32.

    Call with:
        y_true: as for `DiceCrossEntropyLoss`, pixels being left out by the same rule.
        y_pred: the same shape, probabilities in 0..1.

    Returns:
        A number per image before the reduction: generalised Dice loss (0..1) + the weighted mean
        cross-entropy (≥ 0).

    Raises:
        ValueError: a negative weight; shapes that differ, or one channel without `overlapping`.

    Paper: Sudre et al., Generalised Dice overlap as a deep learning loss function for highly
    unbalanced segmentations, DLMIA 2017, https://arxiv.org/abs/1707.03237
    """

    def __init__(
        self,
        overlapping=False,
        cross_entropy_weight=1.0,
        reduction="sum_over_batch_size",
        name="generalized_dice_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check_weight(cross_entropy_weight, "cross_entropy_weight", "Dice alone")
        self.overlapping = overlapping
        self.cross_entropy_weight = cross_entropy_weight

    def call(self, y_true, y_pred):
        """Loss of each image, (N,); arguments as described in the class."""
        truth, probability, known = _known_pixels(y_true, y_pred, self.overlapping)
        dice = _generalized_dice_loss(truth, probability)
        cross_entropy = _cross_entropy(truth, probability, known, self.overlapping)
        return dice + self.cross_entropy_weight * cross_entropy

    def get_config(self):
        """Arguments that rebuild this loss, for saving a compiled model."""
        config = super().get_config()
        config["overlapping"] = self.overlapping
        config["cross_entropy_weight"] = self.cross_entropy_weight
        return config


@keras.saving.register_keras_serializable(package="radiokit")
class MultilabelCrossEntropyLoss(keras.losses.Loss):
    """Binary cross-entropy of several labels that may be true together, from logits.

    When to use: multilabel classification, such as the kinds of haemorrhage on one slice. An
    unknown label is left out. Positive weights make up for labels that are rarely true; label
    weights say how much each label matters. With label_weights=(1, 1, 1, 1, 1, 2), "any" last,
    it is the weighted log loss of the RSNA 2019 haemorrhage challenge.

    With logit x, truth t, positive weight p and label weight w, an image costs
    Σ w · (p·t·log(1 + e⁻ˣ) + (1 - t)·log(1 + eˣ)) / Σ w, both sums over its known labels.

    Args:
        positive_weights: what a label's positive counts, one number a label, 0 or more; None is 1
            each. See `balanced_positive_weights`.
        label_weights: what a label counts, one number a label, 0 or more; None is 1 each.
        reduction: how Keras joins the losses of the images; its default is the mean.
        name: name in the training log.
        dtype: number type of the arithmetic; None takes Keras's default, float32.

    Call with:
        y_true: (N, L) of 0 and 1; -1 where unknown. Or (N, T, L) for the slices of exams.
        y_pred: the same shape, logits.

    Returns:
        A number per image, (N,) or (N, T), before the reduction, 0 or more; 0 without known label.

    Raises:
        ValueError: weights that are not one a label or negative; shapes that differ.

    Paper: Flanders et al. 2020, the RSNA 2019 Brain CT Hemorrhage Challenge,
    https://doi.org/10.1148/ryai.2020190211

    Example:
        >>> loss = MultilabelCrossEntropyLoss(label_weights=(1, 2))
        >>> round(float(loss(np.array([[1, 0]]), np.array([[0.0, 0.0]]))), 4)  # log 2, at a guess
        0.6931
    """

    def __init__(
        self,
        positive_weights=None,
        label_weights=None,
        reduction="sum_over_batch_size",
        name="multilabel_cross_entropy_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.positive_weights = _checked_weights(positive_weights, "positive_weights")
        self.label_weights = _checked_weights(label_weights, "label_weights")

    def call(self, y_true, y_pred):
        """Loss of each image, (N,) or (N, T); arguments as described in the class."""
        for name in ("positive_weights", "label_weights"):
            _check_num_weights(getattr(self, name), name, y_true.shape, y_pred.shape)
        known = ops.cast(y_true >= 0, y_pred.dtype)
        truth = ops.cast(y_true > 0.5, y_pred.dtype)
        # log(1 + eˣ) and log(1 + e⁻ˣ) = log(1 + eˣ) - x, neither of which can overflow
        negative_cost = ops.softplus(y_pred)
        positive_cost = ops.softplus(-y_pred)
        if self.positive_weights is not None:
            positive_cost = positive_cost * ops.convert_to_tensor(
                self.positive_weights, y_pred.dtype
            )
        cost = truth * positive_cost + (1 - truth) * negative_cost
        weights = known
        if self.label_weights is not None:
            weights = known * ops.convert_to_tensor(self.label_weights, y_pred.dtype)
        total = ops.sum(weights, axis=-1)
        smallest = keras.config.epsilon()
        return ops.sum(weights * cost, axis=-1) / ops.maximum(total, smallest)

    def get_config(self):
        """Arguments that rebuild this loss, for saving a compiled model."""
        config = super().get_config()
        config["positive_weights"] = self.positive_weights
        config["label_weights"] = self.label_weights
        return config


def balanced_positive_weights(targets, largest=20.0) -> list[float]:
    """Negatives over positives of each label, so that both sides of a label pull equally.

    When to use: for `MultilabelCrossEntropyLoss`, from the training split alone. The network's
    probabilities are then no longer frequencies: calibrate before reading them as such.

    Args:
        targets: (N, L) of 0 and 1; -1 where unknown.
        largest: cap, above which a handful of images would drive the training; also the weight
            of a label without positive.

    Returns:
        A number a label, above 0 and at most `largest`.

    Raises:
        ValueError: not a table of N images and L labels, or a cap that is not above 0.

    Example:
        >>> balanced_positive_weights([[1, 0], [0, 0], [0, 0], [-1, 1]])
        [2.0, 3.0]
    """
    targets = np.asarray(targets)
    if targets.ndim != 2 or not largest > 0:
        raise ValueError(
            f"targets has shape {targets.shape} and largest is {largest}; needed are (images, "
            "labels) of 0, 1 and -1, and a cap above 0."
        )
    positives = (targets == 1).sum(axis=0)
    negatives = (targets == 0).sum(axis=0)
    ratios = np.where(positives > 0, negatives / np.maximum(positives, 1), largest)
    return [float(ratio) for ratio in np.clip(ratios, 1 / largest, largest)]


def _checked_weights(weights, name):
    """A list of floats or None."""
    if weights is None:
        return None
    weights = [float(weight) for weight in weights]
    if not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
        raise ValueError(
            f"{name} is {weights}; needed is one finite number a label, 0 or more, and one of "
            "them above 0."
        )
    return weights


def _check_num_weights(weights, name, true_shape, predicted_shape):
    if len(true_shape) != len(predicted_shape) or true_shape[-1] != predicted_shape[-1]:
        raise ValueError(
            f"Truth has shape {tuple(true_shape)} and logits {tuple(predicted_shape)}; both must "
            "be (N, L). Give the network as many logits as there are labels."
        )
    if weights is not None and len(weights) != predicted_shape[-1]:
        raise ValueError(
            f"{name} has {len(weights)} numbers for {predicted_shape[-1]} labels; give one each."
        )


def _generalized_dice_loss(truth, probability):
    pixels = tuple(range(1, len(truth.shape) - 1))
    num_true = ops.sum(truth, axis=pixels)  # (N, C)
    weights = _class_weights(num_true)
    overlap = ops.sum(weights * ops.sum(truth * probability, axis=pixels), axis=-1)  # (N,)
    sizes = ops.sum(weights * (num_true + ops.sum(probability, axis=pixels)), axis=-1)
    return 1 - (2 * overlap + SMOOTHING_PIXELS) / (sizes + SMOOTHING_PIXELS)


def _class_weights(num_true):
    """(rarest / pixels)² of each image's classes, 1 for absent ones; (N, C) to (N, C)."""
    present = num_true > 0.5
    most = ops.max(num_true, axis=-1, keepdims=True)
    rarest = ops.min(ops.where(present, num_true, most), axis=-1, keepdims=True)
    share = rarest / ops.maximum(num_true, 1.0)
    return ops.where(present, ops.square(share), ops.ones_like(share))


def _known_pixels(y_true, y_pred, overlapping):
    """Truth and probability with 0 where the truth is unknown, and where it is known."""
    _check_shapes(y_true.shape, y_pred.shape, overlapping)
    if overlapping:
        known = y_true >= 0  # (N, H, W, C)
    else:
        known = ops.sum(y_true, axis=-1, keepdims=True) > 0.5  # (N, H, W, 1)
    zero = ops.zeros((), dtype=y_pred.dtype)
    return ops.where(known, y_true, zero), ops.where(known, y_pred, zero), known


def _cross_entropy(truth, probability, known, overlapping):
    if overlapping:  # an unknown pixel has truth 0 and probability 0, so it costs 0
        of_truth = ops.where(truth > 0.5, probability, 1 - probability)
    else:  # one logarithm a pixel, of its own class
        of_truth = ops.sum(truth * probability, axis=-1, keepdims=True)
        of_truth = ops.where(known, of_truth, ops.ones((), dtype=of_truth.dtype))
    logarithm = ops.log(ops.maximum(of_truth, SMALLEST_PROBABILITY))
    all_but_image = tuple(range(1, len(truth.shape)))
    num_known = ops.sum(ops.cast(known, logarithm.dtype), axis=all_but_image)
    return -ops.sum(logarithm, axis=all_but_image) / ops.maximum(num_known, 1.0)


def _check_weight(weight, name, without):
    if not weight >= 0:
        raise ValueError(f"{name} is {weight}; needed is 0 ({without}) or more, such as 1.")


def _check_shapes(true_shape, predicted_shape, overlapping):
    pairs = zip(true_shape, predicted_shape, strict=False)
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(true_shape) != len(predicted_shape) or any(a != b for a, b in known):
        raise ValueError(
            f"Truth has shape {tuple(true_shape)} and prediction {tuple(predicted_shape)}; "
            "both must be (N, H, W, C). Give the network as many classes as the truth."
        )
    if not overlapping and predicted_shape[-1] == 1:
        raise ValueError(
            "One channel cannot be exclusive classes: softmax of it is always 1. Use "
            'overlapping=True with activation="sigmoid", or add a background channel.'
        )
