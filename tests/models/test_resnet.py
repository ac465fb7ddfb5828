"""ResNet: parameters by the paper's structure, and the outputs of keras.applications."""

import shutil

import keras
import numpy as np
import pytest

from radiokit.models import build_classifier, build_resnet
from radiokit.models.arithmetic import count_multiply_adds, parameter_table
from radiokit.models.resnet import RESNETS

SMALL = {"stage_blocks": (2, 2, 2, 2), "width": 16}


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


def _perturbed(model, seed=0):
    """Weights away from where they start, moving averages included."""
    rng = np.random.default_rng(seed)
    values = [w * rng.uniform(0.8, 1.2, w.shape) for w in model.get_weights()]
    values = [v + 0.1 * rng.random(v.shape) if v.ndim == 1 else v for v in values]
    model.set_weights(values)
    return model


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A ResNet101 of keras.applications, and its weights as files with and without the top."""
    folder = tmp_path_factory.mktemp("weights")
    network = _perturbed(keras.applications.ResNet101(weights=None))
    features = keras.applications.ResNet101(weights=None, include_top=False)
    features.set_weights(network.get_weights()[:-2])
    features.save(folder / "notop.h5")  # the layout of the published files
    network.save_weights(folder / "top.weights.h5")
    return features, folder


def _features_of(model, image):
    return np.asarray(keras.Model(model.input, model.get_layer("encoder4_relu").output)(image))


def test_resnet101_has_the_parameters_of_the_papers_structure():
    total, width = _resnet_parameters(3, (3, 4, 23, 3), 64)
    assert (total, width) == (42_658_176, 2048)
    model = build_classifier("resnet101", (224, 224, 3), 1000)
    assert model.count_params() == total + 2048 * 1000 + 1000
    assert sum(row.parameters for row in parameter_table(model)) == model.count_params()
    assert round(count_multiply_adds(model) / 1e9, 1) == 7.6  # table 1 of the paper


def test_the_other_published_depths_are_those_of_keras_applications():
    # The totals that keras.applications prints without the top.
    assert _resnet_parameters(3, RESNETS["resnet50"], 64) == (23_587_712, 2048)
    assert _resnet_parameters(3, RESNETS["resnet152"], 64) == (58_370_944, 2048)
    model = build_resnet((64, 64, 3), 2, RESNETS["resnet50"])
    assert model.name == "resnet50"
    assert model.count_params() == 23_587_712 + 2048 * 2 + 2


def test_small_networks_take_any_channels_and_equal_the_arithmetic():
    model = build_resnet((64, 64, 2), 3, **SMALL)
    total, width = _resnet_parameters(2, *SMALL.values())
    assert model.count_params() == total + width * 3 + 3
    assert model.get_layer("features").output.shape == (None, width)
    assert model.name == "resnet26_width16"


@pytest.mark.parametrize("name", ["notop.h5", "top.weights.h5"])
def test_published_weights_give_the_features_of_keras_applications(published, name):
    features, folder = published
    image = np.random.default_rng(1).random((2, 64, 64, 3)).astype("float32")
    wanted = np.asarray(features(keras.applications.resnet.preprocess_input(255 * image)))
    ours = _features_of(build_resnet((64, 64, 3), 6, weights=folder / name), image)
    assert wanted.std() > 0
    np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_cached_imagenet_weights_take_one_channel_repeated(published, tmp_path, monkeypatch):
    features, folder = published
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / "resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    shutil.copy(folder / "notop.h5", cached)
    model = build_classifier("resnet101", (64, 64, 1), 6, weights="imagenet")
    image = np.random.default_rng(2).random((1, 64, 64, 1)).astype("float32")
    three = 255 * np.repeat(image, 3, axis=-1)
    wanted = np.asarray(features(keras.applications.resnet.preprocess_input(three)))
    ours = _features_of(model, image)
    np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_a_block_adds_what_it_received():
    model = build_resnet((32, 32, 1), 1, (1, 2), 4)
    block = model.get_layer("encoder2_block2_norm3")
    block.gamma.assign(np.zeros(block.gamma.shape))  # the correction is nothing
    names = ("encoder2_block1_relu", "encoder2_relu")
    both = keras.Model(model.input, [model.get_layer(name).output for name in names])
    received, given = both(np.random.default_rng(0).random((1, 32, 32, 1)))
    np.testing.assert_array_equal(given, received)


def test_layers_are_named_by_stage_level_and_role():
    names = {layer.name for layer in build_resnet((64, 64, 3), 6, **SMALL, dropout=0.1).layers}
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


def test_weights_of_another_network_are_refused(tmp_path):
    other = tmp_path / "small.weights.h5"
    build_resnet((64, 64, 3), 6, **SMALL).save_weights(other)
    with pytest.raises(ValueError, match="does not hold the weights of resnet50"):
        build_resnet((64, 64, 3), 6, (3, 4, 6, 3), weights=other)
