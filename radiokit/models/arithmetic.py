"""What a network costs: multiplications counted from the shapes of its layers."""

import math

from keras import Model, layers


def count_multiply_adds(model):
    """Multiplications with addition that one image costs, forward.

    When to use: to compare networks before training them. Counted are convolutions, dense layers
    and the matrix products of attention; what works value by value (bias, normalisation,
    activation, pooling, resampling) is left out, as is usual.

    Args:
        model: a functional `keras.Model`; models nested in it are counted too.

    Returns:
        A whole number, for a batch of one.

    Raises:
        ValueError: a layer with a weight matrix that this function has no formula for, or a size
            left open.
    """
    return sum(_layer_multiply_adds(layer) for layer in model.layers)


def _layer_multiply_adds(layer):
    if isinstance(layer, Model):
        return count_multiply_adds(layer)
    if not any(len(weight.shape) > 1 for weight in layer.weights):
        return 0
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(_known_shape(layer, layer.input))
    received = _known_shape(layer, layer.input)
    produced = _known_shape(layer, layer.output)
    kernel = math.prod(getattr(layer, "kernel_size", ()))
    if isinstance(layer, layers.SeparableConv2D):
        per_channel = kernel * received[-1] * layer.depth_multiplier
        across = received[-1] * layer.depth_multiplier * produced[-1]
        return _pixels(produced) * (per_channel + across)
    if isinstance(layer, layers.DepthwiseConv2D):
        return _pixels(produced) * kernel * produced[-1]
    if isinstance(layer, layers.Conv2DTranspose):
        return _pixels(received) * kernel * received[-1] * produced[-1]
    if isinstance(layer, layers.Conv2D):
        return _pixels(produced) * kernel * received[-1] // layer.groups * produced[-1]
    if isinstance(layer, layers.Dense):
        return _pixels(received) * received[-1] * produced[-1]
    raise ValueError(
        f"No formula for the layer {layer.name!r} ({type(layer).__name__}), which has a weight "
        "matrix. Give the layer a method multiply_adds(input_shape)."
    )


def _pixels(shape):
    return math.prod(shape[1:-1])


def _known_shape(layer, tensor):
    shape = tuple(tensor.shape)
    if None in shape[1:]:
        raise ValueError(
            f"The layer {layer.name!r} has the shape {shape}, with a size left open. Build the "
            "model with a fixed image_shape to count its multiplications."
        )
    return shape
