"""Multiplications counted by the layers against formulas written out by hand."""

import keras
import pytest
from keras import layers

from radiokit.models import build_resnet_unet, build_swin_unet, build_unet, count_multiply_adds

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
