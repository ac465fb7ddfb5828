"""AlexNet: published parameters and multiplications, its two dense layers, weights of its own."""

import math

import keras
import numpy as np
import pytest

from radiokit.models import build_alexnet, build_classifier
from radiokit.models.alexnet import AdaptiveAverage
from radiokit.models.arithmetic import count_multiply_adds, parameter_table

SMALL = {"width": 0.125, "hidden_units": 16}


def test_parameters_and_multiplications_are_the_published_ones():
    model = build_classifier("alexnet", (224, 224, 3), 1000)
    convolutions = [(11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256)]
    dense = [(6 * 6 * 256, 4096), (4096, 4096), (4096, 1000)]
    total = sum(side * side * received * given + given for side, received, given in convolutions)
    total += sum(received * given + given for received, given in dense)
    assert model.name == "alexnet"
    # torchvision's page: 61,100,840 parameters and 0.71 G multiplications.
    assert model.count_params() == total == 61_100_840
    assert round(count_multiply_adds(model) / 1e9, 2) == 0.71
    assert sum(row.parameters for row in parameter_table(model)) == total


def test_the_feature_maps_of_224_pixels_are_those_of_the_single_tower():
    model = build_alexnet((224, 224, 3), 10, width=0.125)
    maps = {f"encoder{level}_relu": 13 for level in (3, 4, 5)} | {"encoder5_pool": 6}
    maps |= {"encoder1_relu": 55, "encoder1_pool": 27, "encoder2_relu": 27, "encoder2_pool": 13}
    sides = {name: model.get_layer(name).output.shape[1] for name in maps}
    assert sides == maps


def test_a_small_image_is_averaged_to_six_by_six_too():
    model = build_alexnet((64, 96, 1), 2, width=0.125)
    maps = keras.Model(
        model.input, [model.get_layer(name).output for name in ("encoder5_pool", "features")]
    )
    pooled, features = map(np.asarray, maps(np.random.default_rng(0).random((2, 64, 96, 1))))
    assert pooled.shape == (2, 1, 2, 32)
    # One row is every field's row; each three of the six columns lie in one of the two.
    wanted = np.repeat(np.repeat(pooled, 6, axis=1), 3, axis=2)
    np.testing.assert_allclose(features.reshape(2, 6, 6, 32), wanted, rtol=1e-6)


def _adaptive_average(pixels, size):
    """PyTorch's rule, one field at a time: floor of where it begins, ceiling of where it ends."""
    num, height, width, channels = pixels.shape
    wanted = np.zeros((num, size, size, channels))
    for row, column in np.ndindex(size, size):
        rows = slice(math.floor(row * height / size), math.ceil((row + 1) * height / size))
        columns = slice(math.floor(column * width / size), math.ceil((column + 1) * width / size))
        wanted[:, row, column] = pixels[:, rows, columns].mean(axis=(1, 2))
    return wanted


@pytest.mark.parametrize("shape", [(6, 6), (1, 1), (3, 4), (7, 13), (12, 5)])
def test_the_average_over_fields_equals_its_formula(shape):
    pixels = np.random.default_rng(0).random((2, *shape, 3)).astype("float32")
    wanted = _adaptive_average(pixels, 6)
    np.testing.assert_allclose(AdaptiveAverage(6)(pixels), wanted, rtol=1e-5)
    if min(shape) >= 6:  # Keras's own layer, where it works in a compiled graph
        theirs = keras.layers.AdaptiveAveragePooling2D(6)(pixels)
        np.testing.assert_allclose(theirs, wanted, rtol=1e-5)


def test_hidden_units_are_those_of_its_own_two_dense_layers():
    model = build_alexnet((64, 64, 1), 5, width=0.5, hidden_units=10, dropout=0.5)
    names = [layer.name for layer in model.layers]
    order = ["hidden1_dropout", "hidden1", "hidden2_dropout", "hidden2", "head"]
    assert names[names.index("features") + 1 :] == order
    assert model.get_layer("hidden1").count_params() == 6 * 6 * 128 * 10 + 10
    assert build_alexnet((64, 64, 1), 5, width=0.5).get_layer("hidden2").units == 2048


@pytest.mark.parametrize(
    ("channels", "ending"), [(1, ".weights.h5"), (2, ".keras"), (3, ".weights.h5"), (3, ".keras")]
)
def test_its_own_weights_are_taken_for_other_labels(channels, ending, tmp_path):
    saved = build_alexnet((64, 64, channels), 10, dropout=0.5, **SMALL)
    path = tmp_path / f"alexnet{ending}"
    saved.save(path) if ending == ".keras" else saved.save_weights(path)
    model = build_alexnet((96, 64, channels), 4, weights=path, **SMALL)
    for layer in saved.layers:
        if layer.weights and layer.name != "head":
            _assert_same(model.get_layer(layer.name), layer)


def test_one_channel_is_repeated_for_weights_of_three(tmp_path):
    saved = build_alexnet((64, 64, 3), 10, **SMALL)
    saved.save_weights(tmp_path / "three.weights.h5")
    model = build_alexnet((64, 64, 1), 10, weights=tmp_path / "three.weights.h5", **SMALL)
    image = np.random.default_rng(0).random((2, 64, 64, 1)).astype("float32")
    ours, wanted = (
        keras.Model(network.input, network.get_layer("hidden2").output)
        for network in (model, saved)
    )
    np.testing.assert_allclose(
        ours(image), wanted(np.repeat(image, 3, axis=-1)), rtol=1e-5, atol=1e-6
    )


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "wide.weights.h5"
    build_alexnet((64, 64, 1), 2, width=0.25, hidden_units=16).save_weights(path)
    for arguments in (SMALL, {"width": 0.25, "hidden_units": 8}):
        with pytest.raises(ValueError, match=r"does not hold weights of alexnet_width.*same argum"):
            build_alexnet((64, 64, 1), 2, weights=path, **arguments)
    path = tmp_path / "text.weights.h5"
    path.write_text("no weights", encoding="utf-8")
    with pytest.raises(ValueError, match="does not hold weights of alexnet_width0.125"):
        build_alexnet((64, 64, 1), 2, weights=path, **SMALL)


@pytest.mark.parametrize("width", [0, -1])
def test_a_width_must_be_above_0(width):
    with pytest.raises(ValueError, match=f"width is {width}.*number above 0"):
        build_alexnet((64, 64, 1), 2, width=width)


def _assert_same(layer, wanted):
    for one, other in zip(layer.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
