"""Parameters and multiplications of layers against formulas by hand and TensorFlow's own count."""

import itertools
import math

import keras
import pytest
from keras import layers

from radiokit.models import build_resnet_unet, build_swin_unet, build_unet, count_multiply_adds
from radiokit.models.arithmetic import parameter_table, separable_cost_ratio
from radiokit.models.blocks import FusedBatchNormalization

WIDTHS = (16, 32, 64)


def _unet_multiply_adds(side, channels, num_classes, separable):
    def convolution(pixels, received, width):
        across = received * width
        return pixels * (9 * received + across if separable else 9 * across)

    total, received = 0, channels
    for level, width in enumerate(WIDTHS):
        pixels = (side // 2**level) ** 2
        total += convolution(pixels, received, width) + convolution(pixels, width, width)
        received = width
    for level, width in enumerate(WIDTHS[:-1]):
        pixels = (side // 2**level) ** 2
        total += pixels // 4 * 4 * (2 * width) * width  # 2x2 transposed, from the coarser grid
        total += convolution(pixels, 2 * width, width) + convolution(pixels, width, width)
    return total + side * side * WIDTHS[0] * num_classes


@pytest.mark.parametrize("separable", [False, True])
def test_unet_equals_the_formula(separable):
    model = build_unet((32, 32, 1), 3, WIDTHS, separable=separable)
    assert count_multiply_adds(model) == _unet_multiply_adds(32, 1, 3, separable)


def test_attention_adds_its_maps():
    plain = count_multiply_adds(build_unet((32, 32, 1), 3, WIDTHS))
    spatial = count_multiply_adds(build_unet((32, 32, 1), 3, WIDTHS, attention="spatial"))
    assert spatial - plain == (32 * 32 + 16 * 16) * 7 * 7 * 2


def test_one_image_is_counted_whatever_the_depth_of_nesting():
    inner = build_unet((32, 32, 1), 3, WIDTHS)
    image = keras.Input((32, 32, 1))
    outer = keras.Model(image, layers.Conv2D(2, 1)(inner(image)))
    assert count_multiply_adds(outer) == count_multiply_adds(inner) + 32 * 32 * 3 * 2


def test_resnet18_encoder_has_the_published_count_at_224():
    model = build_resnet_unet((224, 224, 3), 2, 18)
    encoder = keras.Model(model.input, model.get_layer("encoder4_block2_out").output)
    # torchvision's page gives 1.81 G with the 0.5 M of the 1000-class layer.
    assert round(count_multiply_adds(encoder) / 1e9, 2) == 1.81


def test_swin_tiny_has_the_published_count_at_224():
    # Published tables give 6.16 G, normalisation included, which is left out here: 1 % less.
    count = count_multiply_adds(build_swin_unet((224, 224, 3), 9, "tiny"))
    assert 0.98 * 6.16e9 < count < 6.16e9


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (layers.Conv2D(8, 3, strides=2, padding="same"), 4 * 4 * 9 * 6 * 8),
        (layers.Conv2D(8, (1, 3), padding="valid"), 8 * 6 * 3 * 6 * 8),
        (layers.Conv2D(8, 3, padding="same", groups=2), 8 * 8 * 9 * 3 * 8),
        (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 8 * 8 * 9 * 12),
        (layers.SeparableConv2D(4, 3, depth_multiplier=2), 6 * 6 * (9 * 12 + 12 * 4)),
        (layers.Conv2DTranspose(5, 2, strides=2), 8 * 8 * 4 * 6 * 5),
        (layers.Dense(7), 8 * 8 * 6 * 7),
        (layers.BatchNormalization(), 0),
        (layers.MaxPooling2D(), 0),
    ],
)
def test_each_layer_equals_its_formula(layer, wanted):
    image = keras.Input((8, 8, 6))
    assert count_multiply_adds(keras.Model(image, layer(image))) == wanted


def test_a_layer_without_a_formula_is_not_passed_over():
    image = keras.Input((8, 8, 6))
    odd = layers.EinsumDense("nhwc,cd->nhwd", output_shape=(8, 8, 4), name="odd")
    model = keras.Model(image, odd(image))
    with pytest.raises(ValueError, match=r"No formula for the layer 'odd' \(EinsumDense\)"):
        count_multiply_adds(model)


def test_an_open_size_says_what_to_do():
    image = keras.Input((None, 8, 6))
    model = keras.Model(image, layers.Conv2D(2, 1, name="open")(image))
    with pytest.raises(ValueError, match=r"'open'.*size left open.*fixed image_shape"):
        count_multiply_adds(model)


def _unet_parameters(received, num_classes, separable):
    """Written out from the U-Net's plan, without its layers."""

    def block(inputs, width):
        across = [(inputs, width), (width, width)]
        if separable:
            convolutions = sum(9 * a + a * b + b for a, b in across)
        else:
            convolutions = sum(9 * a * b + b for a, b in across)
        return convolutions + 2 * 4 * width  # two batch normalisations

    widths = (32, 64, 128, 256, 512, 1024)
    total = block(received, widths[0]) + widths[0] * num_classes + num_classes
    for narrow, wide in itertools.pairwise(widths):
        up = 4 * wide * narrow + narrow
        joined = 4 * 2 * narrow  # batch normalisation of skip and upsampled
        total += block(narrow, wide) + up + joined + block(2 * narrow, narrow)
    return total


# The study prints both totals.
@pytest.mark.parametrize(("separable", "published"), [(False, 31_125_987), (True, 6_030_156)])
def test_the_table_adds_up_to_the_published_number(separable, published):
    rows = parameter_table(build_unet((256, 256, 1), 3, separable=separable))
    assert sum(row.parameters for row in rows) == published
    assert _unet_parameters(1, 3, separable) == published


def test_every_formula_is_the_arithmetic_of_its_number_and_its_layer():
    model = build_unet((32, 32, 1), 3, WIDTHS, separable=True)
    rows = parameter_table(model)
    for row in rows:
        products = row.formula.split(" + ")
        value = sum(math.prod(map(int, product.split("·"))) for product in products)
        assert value == row.parameters == model.get_layer(row.name).count_params()
    with_parameters = [layer.name for layer in model.layers if layer.count_params()]
    assert [row.name for row in rows] == with_parameters


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (layers.Conv2D(64, 3), "3·3·32·64 + 64"),
        (layers.Conv2D(64, (1, 7), use_bias=False), "1·7·32·64"),
        (layers.Conv2D(64, 3, groups=4), "3·3·8·64 + 64"),
        (layers.Conv2DTranspose(16, 2, strides=2), "2·2·32·16 + 16"),
        (layers.SeparableConv2D(64, 3), "3·3·32 + 32·64 + 64"),
        (layers.SeparableConv2D(64, 3, depth_multiplier=2), "3·3·64 + 64·64 + 64"),
        (layers.DepthwiseConv2D(3), "3·3·32 + 32"),
        (layers.BatchNormalization(), "4·32"),
        (layers.BatchNormalization(scale=False), "3·32"),
        (FusedBatchNormalization(), "4·32"),
        (layers.Dense(10), "32·10 + 10"),
        (layers.LayerNormalization(), "32 + 32"),
    ],
)
def test_each_kind_of_layer_has_its_formula(layer, formula):
    image = keras.Input((8, 8, 32))
    (row,) = parameter_table(keras.Model(image, layers.ReLU()(layer(image))))
    assert (row.name, row.kind, row.formula) == (layer.name, type(layer).__name__, formula)
    assert row.parameters == layer.count_params()


def test_layers_of_nested_models_are_listed_and_dropout_is_not():
    inner = build_unet((32, 32, 1), 3, WIDTHS)
    image = keras.Input((32, 32, 1))
    outer = keras.Model(image, layers.Conv2D(2, 1, name="last")(inner(image)))
    assert parameter_table(outer) == [*parameter_table(inner), parameter_table(outer)[-1]]
    assert parameter_table(outer)[-1].formula == "1·1·3·2 + 2"


class ConvolutionWithScale(layers.Conv2D):
    """A convolution that hides one more weight."""

    def build(self, input_shape):
        super().build(input_shape)
        self.scale = self.add_weight(shape=(), name="scale")


def test_a_hidden_weight_is_not_passed_over():
    image = keras.Input((8, 8, 6))
    model = keras.Model(image, ConvolutionWithScale(4, 1)(image))
    with pytest.raises(ValueError, match="give 28 parameters and the model has 29"):
        parameter_table(model)


@pytest.mark.parametrize(("kernel_size", "width"), [(3, 8), (3, 64), (5, 16)])
def test_the_cost_ratio_is_that_of_two_layers(kernel_size, width):
    image = keras.Input((16, 16, 12))

    def cost(layer):
        return count_multiply_adds(keras.Model(image, layer(width, kernel_size)(image)))

    counted = cost(layers.SeparableConv2D) / cost(layers.Conv2D)
    assert separable_cost_ratio(kernel_size, width) == pytest.approx(counted, rel=1e-12)
    # As the study prints it: (Q² + D) / (Q² D).
    squared = kernel_size**2
    assert counted == pytest.approx((squared + width) / (squared * width))


@pytest.mark.parametrize(("kernel_size", "num_outputs"), [(0, 8), (3, 0)])
def test_a_size_below_one_raises(kernel_size, num_outputs):
    with pytest.raises(ValueError, match="both must be 1 or more"):
        separable_cost_ratio(kernel_size, num_outputs)


# No tolerance: TensorFlow counts a transposed convolution by its output and strides, which for
# 2x2 with stride 2 is the same product, and "same" padding as if the border were multiplied too.
@pytest.mark.parametrize("attention", [None, "three_head"])
@pytest.mark.parametrize("separable", [False, True])
def test_tensorflow_counts_the_same_multiplications(separable, attention):
    from radiokit.engine_tensorflow import framework_multiply_adds

    model = build_unet((64, 64, 1), 3, (8, 16, 32), separable=separable, attention=attention)
    assert framework_multiply_adds(model) == count_multiply_adds(model)


def test_tensorflow_counts_the_same_for_attention_among_windows():
    from radiokit.engine_tensorflow import framework_multiply_adds

    model = build_swin_unet((64, 64, 3), 2, "tiny")
    assert framework_multiply_adds(model) == count_multiply_adds(model)


def test_a_product_tensorflow_does_not_count_raises():
    from radiokit.engine_tensorflow import framework_multiply_adds

    image = keras.Input((8, 8, 6))
    odd = layers.EinsumDense("nhwc,cd->nhwd", output_shape=(8, 8, 4))
    with pytest.raises(ValueError, match=r"counts nothing for \['Einsum'\]"):
        framework_multiply_adds(keras.Model(image, odd(image)))
