"""ResNet: parameters by the paper's structure, and the outputs of keras.applications."""

import shutil

import keras
import numpy as np
import pytest
from keras.src.applications import resnet as keras_resnet

from radiokit.models import build_classifier, build_resnet
from radiokit.models.arithmetic import count_multiply_adds, parameter_table
from radiokit.models.resnet import RESNETS

SMALL = {"stage_blocks": (2, 2, 2, 2), "width": 16}
SHORT = (1, 2, 1, 3)  # blocks of a network with weights of its own, as if it were published


def _resnet_parameters(channels, stage_blocks, width):
    """Table 1 of the paper; every convolution with a bias and 4 of normalisation a channel."""
    total = 7 * 7 * channels * width + 5 * width
    received = width
    for stage, num_blocks in enumerate(stage_blocks):
        inner = width * 2**stage
        for number in range(num_blocks):
            total += received * inner + 9 * inner * inner + inner * 4 * inner
            total += 5 * (inner + inner + 4 * inner)
            if number == 0:
                total += received * 4 * inner + 5 * 4 * inner
            received = 4 * inner
    return total, received


def _build_with_keras(weights):
    """A ResNet of few blocks by the functions with which keras.applications builds ResNet101."""

    def stages(tensor):
        for number, blocks in enumerate(SHORT):
            stride, name = min(2, number + 1), f"conv{number + 2}"
            arguments = tensor, 64 * 2**number, blocks
            tensor = keras_resnet.stack_residual_blocks_v1(*arguments, stride, name)
        return tensor

    shape = {"input_shape": (64, 64, 3), "classes": 10}
    return keras_resnet.ResNet(stages, preact=False, use_bias=True, weights=weights, **shape)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files of its weights with and without the top, and its features of two images."""
    folder = tmp_path_factory.mktemp("weights")
    network = _build_with_keras(None)
    rng = np.random.default_rng(0)
    for weight in network.weights:  # away from where they start, moving averages included
        drawn = rng.uniform(0.8, 1.2, weight.shape) * weight
        weight.assign(drawn + 0.1 * rng.random(weight.shape) * (len(weight.shape) == 1))
    features = keras.Model(network.input, network.get_layer("conv5_block3_out").output)
    features.save(folder / "notop.h5")  # the layout of the published files
    network.save_weights(folder / "top.weights.h5")
    images = rng.random((2, 64, 64, 3)).astype("float32")
    images[1] = images[1, :, :, :1]  # one channel three times
    wanted = features(keras.applications.resnet.preprocess_input(255 * images))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RESNETS, "resnet23", SHORT)
        patch.setattr(keras.applications, "ResNet23", _build_with_keras, raising=False)
        yield folder, images, np.asarray(wanted)


@pytest.fixture(scope="module")
def small():
    return build_resnet((64, 64, 2), 3, **SMALL, dropout=0.1)


def _features_of(model, image):
    return np.asarray(keras.Model(model.input, model.get_layer("encoder4_relu").output)(image))


def test_resnet101_has_the_parameters_of_the_papers_structure():
    total, width = _resnet_parameters(3, (3, 4, 23, 3), 64)
    assert (total, width) == (42_658_176, 2048)
    model = build_classifier("resnet101", (224, 224, 3), 1000)
    assert model.name == "resnet101"
    assert model.count_params() == total + 2048 * 1000 + 1000
    assert sum(row.parameters for row in parameter_table(model)) == model.count_params()
    assert round(count_multiply_adds(model) / 1e9, 1) == 7.6  # table 1 of the paper


def test_the_other_published_depths_are_those_of_keras_applications():
    # The totals that keras.applications prints without the top.
    assert _resnet_parameters(3, RESNETS["resnet50"], 64) == (23_587_712, 2048)
    assert _resnet_parameters(3, RESNETS["resnet152"], 64) == (58_370_944, 2048)


def test_resnet50_is_that_of_keras_applications_weights_included(tmp_path):
    network = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    rng = np.random.default_rng(0)
    for weight in network.weights:  # away from where they start, moving averages included
        drawn = rng.uniform(0.8, 1.2, weight.shape) * weight
        weight.assign(drawn + 0.02 * rng.random(weight.shape) * (len(weight.shape) == 1))
    network.save(tmp_path / "notop.h5")  # the layout of the published file
    model = build_classifier("resnet50", (64, 64, 3), 1000, weights=tmp_path / "notop.h5")
    images = rng.random((2, 64, 64, 3)).astype("float32")
    wanted = np.asarray(network(keras.applications.resnet.preprocess_input(255 * images)))
    assert np.isfinite(wanted).all() and wanted.std() > 0
    np.testing.assert_allclose(
        _features_of(model, images), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )
    assert model.name == "resnet50"
    total = model.count_params()
    assert total == 25_636_712  # as keras.applications prints it
    assert network.count_params() == total - 2048 * 1000 - 1000
    # The paper's network has no convolution biases; moving averages are not trained.
    biases = sum(layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert total - 3 * biases == 25_557_032  # a moving mean and a variance for each of them


def test_small_networks_take_any_channels_and_equal_the_arithmetic(small):
    total, width = _resnet_parameters(2, *SMALL.values())
    assert small.count_params() == total + width * 3 + 3
    assert small.get_layer("features").output.shape == (None, width)
    assert small.name == "resnet26_width16"


def test_published_weights_give_the_features_of_keras_applications(published):
    folder, images, wanted = published
    model = build_resnet((64, 64, 3), 6, SHORT, weights=folder / "top.weights.h5")
    assert wanted.std() > 0
    np.testing.assert_allclose(
        _features_of(model, images), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )


def test_cached_imagenet_weights_take_one_channel_repeated(published, tmp_path, monkeypatch):
    folder, images, wanted = published
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / "resnet23_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    shutil.copy(folder / "notop.h5", cached)
    model = build_resnet((64, 64, 1), 6, SHORT, weights="imagenet")
    ours = _features_of(model, images[1:, :, :, :1])
    np.testing.assert_allclose(ours, wanted[1:], rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_a_block_adds_what_it_received():
    model = build_resnet((32, 32, 1), 1, (1, 2), 4)
    block = model.get_layer("encoder2_block2_norm3")
    block.gamma.assign(np.zeros(block.gamma.shape))  # the correction is nothing
    names = ("encoder2_block1_relu", "encoder2_relu")
    both = keras.Model(model.input, [model.get_layer(name).output for name in names])
    received, given = both(np.random.default_rng(0).random((1, 32, 32, 1)))
    np.testing.assert_array_equal(given, received)


def test_layers_are_named_by_stage_level_and_role(small):
    names = {layer.name for layer in small.layers}
    wanted = {"image", "encoder0_conv", "encoder1_block1_shortcut_conv", "encoder2_block2_conv3"}
    wanted |= {"encoder3_block1_relu", "encoder3_relu", "encoder4_relu", "features"}
    assert wanted | {"hidden_dropout", "head"} <= names
    assert "encoder1_block2_shortcut_conv" not in names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, r"width is 0.*above 0"),
        ({"weights": "imagenet", "image_shape": (64, 64, 2)}, r"2 channels.*take 1.*or 3"),
        ({"weights": "imagenet", **SMALL}, r"stage_blocks \(2, 2, 2, 2\) and width 16.*width 64"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_resnet(**{"image_shape": (64, 64, 3), "num_classes": 6} | arguments)


def test_weights_of_another_network_are_refused(small, published, tmp_path):
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(ValueError, match="does not hold the weights of resnet23"):
        build_resnet((64, 64, 3), 6, SHORT, weights=tmp_path / "small.weights.h5")
