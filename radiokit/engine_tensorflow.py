"""What only TensorFlow can do fast. Imported on the TensorFlow backend alone."""

import tensorflow as tf


def fused_batch_norm(inputs, gamma, beta, moving_mean, moving_variance, epsilon, training):
    """Batch normalisation in one kernel, instead of Keras's chain of means and products.

    When to use: through `radiokit.models.blocks.FusedBatchNormalization`, which keeps the weights.

    Args:
        inputs: (N, H, W, C) tensor, float32, float16 or bfloat16.
        gamma: (C,) float32 scale.
        beta: (C,) float32 shift.
        moving_mean: (C,) float32 mean, read when `training` is False.
        moving_variance: (C,) float32 variance, read when `training` is False.
        epsilon: small number added to the variance, at least 1.001e-5 (cuDNN's lower bound).
        training: True normalises with the statistics of this batch.

    Returns:
        Outputs (N, H, W, C) in the type of `inputs`; mean (C,) and variance (C,) of the batch, the
        variance divided by the number of values as Keras does, not by one less as the kernel does.
    """
    empty = tf.zeros([0], tf.float32)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=empty if training else moving_mean,
        variance=empty if training else moving_variance,
        epsilon=epsilon,
        exponential_avg_factor=1.0,
        is_training=training,
    )
    if training:
        num_values = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
        variance = variance * (tf.maximum(num_values - 1.0, 1.0) / num_values)
    return outputs, mean, variance
