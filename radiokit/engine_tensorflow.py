"""What only TensorFlow can do fast. Imported on the TensorFlow backend alone."""

import tensorflow as tf

# TensorFlow's names; a transposed convolution is to it a convolution's backward pass.
COUNTED_PRODUCTS = ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3D", "MatMul")
COUNTED_PRODUCTS += ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
# The profiler has no number for these, and does not look into functions called by the graph.
UNCOUNTED = ("Einsum", "Conv3DBackpropInputV2", "DepthwiseConv2dNativeBackpropInput")
UNCOUNTED += ("PartitionedCall", "StatefulPartitionedCall")


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


def fused_adam_step(variable, momentum, velocity, gradient, learning_rate, powers, settings):
    """One step of Adam on one variable in one kernel, instead of Keras's chain of a dozen.

    When to use: through `radiokit.training.FusedAdam`. The formula is Keras's own (Kingma and Ba
    2015, the form before their section 2.1), the variable and its moments are changed in place.

    Args:
        variable: variable to change, Keras's or TensorFlow's.
        momentum: variable of its shape, running mean of the gradient.
        velocity: variable of its shape, running mean of the squared gradient.
        gradient: tensor of its shape.
        learning_rate: scalar.
        powers: beta_1 and beta_2 to the number of this step, which counts from 1.
        settings: (beta_1, beta_2, epsilon).
    """
    variable, momentum, velocity = (_unwrap(part) for part in (variable, momentum, velocity))
    beta_1, beta_2, epsilon = (tf.cast(number, variable.dtype) for number in settings)
    beta_1_power, beta_2_power = (tf.cast(power, variable.dtype) for power in powers)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=momentum.handle,
        v=velocity.handle,
        beta1_power=beta_1_power,
        beta2_power=beta_2_power,
        lr=tf.cast(learning_rate, variable.dtype),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=tf.cast(gradient, variable.dtype),
    )


def features_and_gradients(model, images, output_index):
    """Features of a layer, and the gradient of one score in them.

    When to use: through `radiokit.explain.grad_cam`.

    Args:
        model: a `keras.Model` with two outputs, features (N, h, w, channels) and scores (N, L) or
            (N, H, W, L), the second computed from the first.
        images: (N, H, W, C) array.
        output_index: which of the L; scores with pixels are summed.

    Returns:
        Two float32 arrays (N, h, w, channels). Where the score does not depend on the features,
        the gradient is 0.
    """
    images = tf.convert_to_tensor(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)  # else a frozen network would leave nothing on the tape
        features, scores = model(images, training=False)
        score = tf.reduce_sum(scores[..., output_index])
    unconnected = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(score, features, unconnected_gradients=unconnected)
    return tf.cast(features, tf.float32).numpy(), tf.cast(gradients, tf.float32).numpy()


def framework_multiply_adds(model):
    """Multiplications with addition of one image, forward, as TensorFlow's own profiler counts.

    When to use: to check `radiokit.models.count_multiply_adds` against a count that knows nothing
    of layers: it walks the traced graph. The profiler reports two operations a multiply-add, so
    they are halved. Taken are convolutions, transposed and per-channel ones included, and matrix
    products; the profiler's further counts (bias, pooling, softmax) are left out as the formula
    leaves them out, and it has none for ReLU and fused normalisation. A separable layer is two
    operations here, per channel and across channels.

    Args:
        model: a `keras.Model` of one input with a fixed size.

    Returns:
        A whole number, for a batch of one.

    Raises:
        ValueError: the graph holds a product that the profiler counts as nothing.
    """
    image = tf.TensorSpec([1, *model.input_shape[1:]], model.inputs[0].dtype)
    forward = tf.function(lambda pixels: model(pixels, training=False))
    graph = forward.get_concrete_function(image).graph
    uncounted = {operation.type for operation in graph.get_operations()} & set(UNCOUNTED)
    if uncounted:
        raise ValueError(
            f"TensorFlow's profiler counts nothing for {sorted(uncounted)}, which the network "
            f"{model.name!r} uses, so its number would be too small. Use count_multiply_adds."
        )
    counts = _float_operations(graph)
    return sum(counts.get(name, 0) for name in COUNTED_PRODUCTS) // 2


def _float_operations(graph):
    """Floating-point operations by TensorFlow's name of the operation."""
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # the profiler warns of its own use of an old function
    try:
        node = profiler.profile(graph, cmd="op", options=options.with_empty_output().build())
    finally:
        logger.setLevel(level)
    counts = {}
    while node.children:  # a chain, one operation a link
        (node,) = node.children
        counts[node.name] = node.float_ops
    return counts


def _unwrap(variable):
    """The TensorFlow variable inside a Keras one."""
    return variable if isinstance(variable, tf.Variable) else variable.value
