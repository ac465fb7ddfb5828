"""What to watch while a network learns; scores that are reported come from `radiokit.metrics`."""

import math

import keras
from keras import ops

LOGIT_STEP, LARGEST_LOGIT = 0.05, 20.0  # of the histogram that `LabelAuc` keeps


@keras.saving.register_keras_serializable(package="radiokit")
class MeanDice(keras.metrics.Mean):
    """Mean Dice over images and channels of a batch, at threshold 0.5; ignored pixels left out.

    For watching a training. Scores that are reported come from `radiokit.metrics`.
    """

    def __init__(self, name="dice", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, H, W, C) in 0, 1 or -1 (unknown), prediction in 0..1."""
        known = ops.cast(y_true >= 0, "float32")
        truth = ops.cast(y_true > 0.5, "float32")
        predicted = ops.cast(y_pred > 0.5, "float32") * known
        shared = ops.sum(truth * predicted, axis=(1, 2))
        total = ops.sum(truth, axis=(1, 2)) + ops.sum(predicted, axis=(1, 2))
        is_known = ops.max(known, axis=(1, 2))  # (N, C); a channel nobody has drawn counts not
        return super().update_state((2 * shared + 1e-7) / (total + 1e-7), is_known)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelPrecision(keras.metrics.Mean):
    """Of the labels called positive, the fraction that is; see `label_metrics`."""

    def __init__(self, name="precision", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        called = ops.cast(ops.logical_and(y_pred > 0, y_true >= 0), "float32")
        return super().update_state(ops.cast(y_true > 0.5, "float32"), called)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelRecall(keras.metrics.Mean):
    """Of the positive labels, the fraction that is called so: sensitivity; see `label_metrics`."""

    def __init__(self, name="recall", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        positive = ops.cast(y_true > 0.5, "float32")
        return super().update_state(ops.cast(y_pred > 0, "float32"), positive)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelSpecificity(keras.metrics.Mean):
    """Of the negative labels, the fraction that is not called positive.

    When to use: beside `label_metrics`, in `[*label_metrics(), LabelSpecificity()]`, where a
    training is chosen by its sensitivity: calling everything positive has recall 1, and this 0.
    """

    def __init__(self, name="specificity", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        negative = ops.cast(y_true == 0, "float32")
        return super().update_state(ops.cast(y_pred <= 0, "float32"), negative)


@keras.saving.register_keras_serializable(package="radiokit")
class LabelAuc(keras.metrics.Metric):
    """Area under the ROC curve, the mean over labels; see `label_metrics`.

    Keras's own AUC cuts the probabilities at 200 even steps, so that of a rare label, whose
    probabilities all lie below 0.01, two steps remain. Here a histogram of the logits is kept, in
    steps of 0.05: equal to the rank formula with logits of one step taken as ties.
    """

    def __init__(self, name="auc", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_labels = None

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: truth (N, L) in 0, 1 or -1 (unknown), prediction logits."""
        if self.num_labels is None:
            self._make_counts(y_pred.shape[-1])
        y_true = ops.reshape(y_true, (-1, self.num_labels))
        logits = ops.reshape(ops.cast(y_pred, "float32"), (-1, self.num_labels))
        step = ops.round(ops.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) / LOGIT_STEP)
        place = ops.cast(step, "int32") + self.num_steps // 2
        place = ops.reshape(place + self.num_steps * ops.arange(self.num_labels), (-1,))
        for counts, value in ((self.negatives, 0), (self.positives, 1)):
            found = ops.reshape(ops.cast(y_true == value, "float32"), (-1,))
            added = ops.segment_sum(found, place, self.num_labels * self.num_steps)
            counts.assign_add(ops.reshape(added, counts.shape))

    def result(self):
        """Mean over the labels seen with both truths; NaN if there is none."""
        if self.num_labels is None:
            return ops.convert_to_tensor(math.nan)
        below = ops.cumsum(self.negatives, axis=1) - self.negatives / 2  # ties count half
        above = ops.sum(self.positives * below, axis=1)  # (L,)
        pairs = ops.sum(self.positives, axis=1) * ops.sum(self.negatives, axis=1)
        areas = ops.where(pairs > 0, above / ops.maximum(pairs, 1.0), 0.0)
        return ops.sum(areas) / ops.sum(ops.cast(pairs > 0, "float32"))

    def reset_state(self):
        """Forget the batches; called by Keras between two passes."""
        for counts in self.variables:
            counts.assign(ops.zeros_like(counts))

    def _make_counts(self, num_labels):
        self.num_labels = num_labels
        self.num_steps = 2 * round(LARGEST_LOGIT / LOGIT_STEP) + 1
        shape = (num_labels, self.num_steps)
        self.negatives = self.add_weight(shape=shape, initializer="zeros", name="negatives")
        self.positives = self.add_weight(shape=shape, initializer="zeros", name="positives")


def label_metrics() -> list[keras.metrics.Metric]:
    """Precision, recall and AUC to watch while a multilabel classifier learns, from its logits.

    When to use: as `metrics` of `fit`. Precision and recall are at probability 0.5 and over all
    labels together (micro); 0 where nothing is called, or is, positive, as Keras has it. The AUC is
    the mean over the labels: pooled, it would reward knowing which label is rare. Unknown labels
    (-1) are left out. Scores that are reported come from `radiokit.metrics`.

    Returns:
        Three metrics, named `precision`, `recall` and `auc`.
    """
    return [LabelPrecision(), LabelRecall(), LabelAuc()]
