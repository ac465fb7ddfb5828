"""From the slices of an exam to the exam: a recurrent network over what each slice showed.

Paper: Wang et al. 2021, a deep learning algorithm for automatic detection and classification of
acute intracranial hemorrhages in head CT scans, https://doi.org/10.1016/j.nicl.2021.102785
"""

import math

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="radiokit")
class MaskedMax(layers.Layer):
    """Largest value over the slices of an exam, padding left out.

    When to use: after `keras.layers.Masking` and layers that hand its mask on. What shows on one
    slice is enough to make the exam positive.
    """

    def __init__(self, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """(N, T, C) to (N, C).

        Args:
            inputs: (N, T, C) tensor.
            mask: (N, T), True where there is a slice; None where there is one everywhere.

        Returns:
            (N, C) tensor; 0 for an exam without slices.
        """
        if mask is None:
            return ops.max(inputs, axis=1)
        there = ops.expand_dims(ops.cast(mask, "bool"), -1)  # (N, T, 1)
        lowest = ops.cast(-math.inf, inputs.dtype)
        largest = ops.max(ops.where(there, inputs, lowest), axis=1)
        return ops.where(ops.any(there, axis=1), largest, ops.zeros_like(largest))

    def compute_mask(self, inputs, mask=None):
        """No mask is handed on: there are no slices any more.

        Args:
            inputs: (N, T, C) tensor.
            mask: (N, T) or None.

        Returns:
            None.
        """
        return None

    def get_config(self):
        """What is needed to build the layer again.

        Returns:
            A dict of the arguments.
        """
        return {"name": self.name, "dtype": self.dtype_policy}

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (N, T, C).

        Returns:
            (N, C).
        """
        return (input_shape[0], input_shape[2])


def build_exam_classifier(num_features, num_labels, units=32, dropout=0.0):
    """Bidirectional GRU over the slices of an exam, with a verdict on each slice and on the exam.

    When to use: after a classifier of slices, on the output of its layer `features` (or on its
    logits) for every slice, from the lowest to the highest, fewer exams being at hand than slices:
    the sequence network sees neighbours, so that a bleed over three slices counts more than a
    streak on one.

    Args:
        num_features: numbers that describe a slice.
        num_labels: labels, one logit each.
        units: size of the memory in each direction.
        dropout: fraction of the features dropped in training, 0 to below 1.

    Returns:
        An uncompiled `keras.Model`. Input (T, num_features): the slices in their order, then rows
        of zeros up to the longest exam of the batch; T is free. Output a dict: `slices`
        (T, num_labels) logits, meaningless in the padding, which Keras leaves out of the loss; and
        `exam` (num_labels,) logits, from the maximum over the slices.

    Raises:
        ValueError: a size below 1, or a dropout outside 0 to 1.

    Paper: Wang et al. 2021, https://doi.org/10.1016/j.nicl.2021.102785, who put two recurrent
    networks after a two-dimensional one.
    """
    if min(num_features, num_labels, units) < 1 or not 0 <= dropout < 1:
        raise ValueError(
            f"num_features is {num_features}, num_labels {num_labels}, units {units} and dropout "
            f"{dropout}; needed are whole numbers above 0 and a fraction from 0 to below 1."
        )
    slices = keras.Input((None, num_features), name="features")
    tensor = layers.Masking(name="padding")(slices)  # (T, num_features)
    if dropout > 0:
        tensor = layers.Dropout(dropout, name="features_dropout")(tensor)
    memory = layers.GRU(units, return_sequences=True, name="memory")
    tensor = layers.Bidirectional(memory, name="both_ways")(tensor)  # (T, 2 * units)
    slice_logits = layers.Dense(num_labels, dtype="float32", name="slices")(tensor)
    strongest = MaskedMax(name="strongest")(tensor)  # (2 * units,)
    exam_logits = layers.Dense(num_labels, dtype="float32", name="exam")(strongest)
    outputs = {"slices": slice_logits, "exam": exam_logits}
    return keras.Model(slices, outputs, name="exam_classifier")
