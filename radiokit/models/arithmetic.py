"""What a network costs: parameters and multiplications, from the shapes of its layers."""

import math
from dataclasses import dataclass

from keras import Model, layers


@dataclass(frozen=True)
class LayerParameters:
    """One row of `parameter_table`.

    Attributes:
        name: name of the layer.
        kind: class of the layer, such as `"Conv2D"`.
        formula: its parameters as products of sizes, such as `"3·3·32·64 + 64"`.
        parameters: the number the formula gives, trainable or not.
    """

    name: str
    kind: str
    formula: str
    parameters: int


def parameter_table(model):
    """How every layer comes by its parameters, as arithmetic one can check by hand.

    When to use: to explain the number at the foot of `model.summary()`. A convolution has
    height·width·received·produced weights, and one bias for each produced channel; a separable
    one height·width·received (one filter a channel) + received·produced (the 1x1 across
    channels) + produced; batch normalisation 4·channels: gamma, beta, moving mean and moving
    variance. Of a layer with no formula here the sizes of its arrays are listed.

    Args:
        model: a functional `keras.Model`; models nested in it are listed layer by layer.

    Returns:
        List of `LayerParameters` in the model's order; layers without parameters are left out.

    Raises:
        ValueError: the formulas do not add up to `model.count_params()`.
    """
    rows = [row for layer in model.layers for row in _layer_rows(layer)]
    total = sum(row.parameters for row in rows)
    if total != model.count_params():
        raise ValueError(
            f"The formulas give {total:,} parameters and the model has {model.count_params():,}. "
            "A layer holds weights beside those of its kind; compare each row with "
            "model.get_layer(name).count_params()."
        )
    return rows


def separable_cost_ratio(kernel_size, num_outputs):
    """Cost of a separable convolution over that of a conventional one, 1/outputs + 1/kernel².

    When to use: to predict what separable convolutions save in multiplications; in parameters the
    ratio is the same, biases aside. On P pixels a Q x Q convolution from M to D channels takes
    P·Q²·M·D multiplications. The separable one filters each channel by itself, P·Q²·M, and then
    mixes the channels pixel by pixel, P·M·D. The ratio is
    (P·Q²·M + P·M·D) / (P·Q²·M·D) = 1/D + 1/Q²: pixels and received channels cancel.

    Args:
        kernel_size: Q, side of the square kernel in pixels, 1 or more.
        num_outputs: D, channels produced, 1 or more.

    Returns:
        The ratio; above 1 where a separable convolution costs more.

    Raises:
        ValueError: a size below 1.

    Paper: Howard et al. 2017, MobileNets, section 3.1, https://arxiv.org/abs/1704.04861

    Example:
        >>> round(separable_cost_ratio(kernel_size=3, num_outputs=64), 4)
        0.1267
    """
    if kernel_size < 1 or num_outputs < 1:
        raise ValueError(
            f"kernel_size is {kernel_size} and num_outputs {num_outputs}; both must be 1 or more, "
            "such as 3 and 64."
        )
    return 1 / num_outputs + 1 / kernel_size**2


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


def _layer_rows(layer):
    if isinstance(layer, Model):
        return [row for inner in layer.layers for row in _layer_rows(inner)]
    if not layer.count_params():
        return []
    products = _parameter_products(layer)
    formula = " + ".join("·".join(map(str, sizes)) for sizes in products)
    parameters = sum(math.prod(sizes) for sizes in products)
    return [LayerParameters(layer.name, type(layer).__name__, formula, parameters)]


def _parameter_products(layer):
    """Sizes whose products add up to the layer's parameters: [(3, 3, 32, 64), (64,)]."""
    if isinstance(layer, layers.BatchNormalization):
        return [(2 + layer.scale + layer.center, layer.input.shape[-1])]
    if isinstance(layer, layers.SeparableConv2D):
        middle = layer.input.shape[-1] * layer.depth_multiplier
        products = [(*layer.kernel_size, middle), (middle, layer.filters)]
    elif isinstance(layer, layers.DepthwiseConv2D):
        products = [(*layer.kernel_size, layer.output.shape[-1])]
    elif isinstance(layer, layers.Conv2D):
        products = [(*layer.kernel_size, layer.input.shape[-1] // layer.groups, layer.filters)]
    elif isinstance(layer, layers.Conv2DTranspose):
        products = [(*layer.kernel_size, layer.input.shape[-1], layer.filters)]
    elif isinstance(layer, layers.Dense):
        products = [(layer.input.shape[-1], layer.units)]
    else:
        return [tuple(weight.shape) for weight in layer.weights]
    return [*products, (layer.output.shape[-1],)] if layer.use_bias else products


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
