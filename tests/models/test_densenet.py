"""DenseNet: parameters by the paper's structure, and the outputs of keras.applications."""

import shutil

import keras
import numpy as np
import pytest
from keras.src.applications.densenet import DenseNet

from radiokit.models import build_classifier, build_densenet
from radiokit.models.arithmetic import count_multiply_adds, parameter_table
from radiokit.models.densenet import DENSENETS

SMALL = {"stage_blocks": (2, 4, 4, 2), "growth_rate": 16}
SHORT = (1, 2, 3, 2)  # layers of a network with weights of its own, as if it were published
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _densenet_parameters(channels, stage_blocks, growth_rate):
    """Table 1 of the paper: stem of 2k, dense layers of 1x1 and 3x3, transitions that halve."""
    received = 2 * growth_rate
    total = 7 * 7 * channels * received + 4 * received
    for stage, num_layers in enumerate(stage_blocks):
        if stage > 0:
            total += 4 * received + received * (received // 2)
            received //= 2
        for _ in range(num_layers):
            inner = 4 * growth_rate
            total += 4 * received + received * inner + 4 * inner + 9 * inner * growth_rate
            received += growth_rate
    return total + 4 * received, received


def _build_with_keras(weights):
    """A DenseNet of few layers by the function with which keras.applications builds DenseNet121."""
    return DenseNet(SHORT, weights=weights, input_shape=(64, 64, 3), classes=10)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files of its weights in several layouts, and its features of two images."""
    folder = tmp_path_factory.mktemp("weights")
    network = _build_with_keras(None)
    rng = np.random.default_rng(0)
    for weight in network.weights:  # away from where they start, moving averages included
        drawn = rng.uniform(0.8, 1.2, weight.shape) * weight
        weight.assign(drawn + 0.1 * rng.random(weight.shape) * (len(weight.shape) == 1))
    features = keras.Model(network.input, network.get_layer("relu").output)
    features.save_weights(folder / "notop.weights.h5")
    features.save(folder / "notop.h5")  # the layout of the published files
    network.save(folder / "top.h5")
    images = rng.random((2, 64, 64, 3)).astype("float32")
    images[1] = images[1, :, :, :1]  # one channel three times
    prepared = keras.applications.densenet.preprocess_input(255 * images)
    prepared[1] = (images[1] - MEAN) / DEVIATION
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DENSENETS, "densenet20", SHORT)
        patch.setattr(keras.applications, "DenseNet20", _build_with_keras, raising=False)
        yield folder, images, np.asarray(features(prepared))


@pytest.fixture(scope="module")
def of_the_study():
    return build_classifier("densenet121", (224, 224, 3), 6, hidden_units=512, dropout=0.2)


def _features_of(model, image):
    return np.asarray(keras.Model(model.input, model.get_layer("encoder4_relu").output)(image))


def test_the_studys_network_has_the_parameters_of_the_papers_structure(of_the_study):
    total, width = _densenet_parameters(3, (6, 12, 24, 16), 32)
    assert (total, width) == (7_037_504, 1024)  # as keras.applications prints them without the top
    head = 1024 * 512 + 512 + 512 * 6 + 6
    assert of_the_study.name == "densenet121"
    assert of_the_study.count_params() == total + head == 7_565_382
    assert sum(row.parameters for row in parameter_table(of_the_study)) == total + head


def test_densenet121_has_its_published_multiplications(of_the_study):
    count = count_multiply_adds(of_the_study) - (1024 * 512 + 512 * 6) + 1024 * 1000
    # torchvision's page: 2.83 G with the 1000-class layer.
    assert round(count / 1e9, 2) == 2.83


@pytest.fixture(scope="module")
def small():
    return build_densenet((64, 64, 2), 3, **SMALL, dropout=0.1)


def test_small_networks_take_any_channels_and_equal_the_arithmetic(small):
    total, width = _densenet_parameters(2, *SMALL.values())
    assert small.count_params() == total + width * 3 + 3
    assert small.get_layer("features").output.shape == (None, width)
    logits = np.asarray(small(np.random.default_rng(0).random((2, 64, 64, 2))))
    assert logits.shape == (2, 3)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("name", ["notop.weights.h5", "top.h5"])
def test_published_weights_give_the_features_of_keras_applications(published, name):
    folder, images, wanted = published
    model = build_densenet((64, 64, 3), 6, SHORT, weights=folder / name)
    assert wanted.std() > 0
    np.testing.assert_allclose(
        _features_of(model, images), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )


def test_cached_imagenet_weights_take_one_channel_repeated_and_normalised(
    published, tmp_path, monkeypatch
):
    folder, images, wanted = published
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / "densenet20_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    shutil.copy(folder / "notop.h5", cached)
    model = build_densenet((64, 64, 1), 6, SHORT, weights="imagenet")
    ours = _features_of(model, images[1:, :, :, :1])
    np.testing.assert_allclose(ours, wanted[1:], rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_layers_are_named_by_stage_level_and_role(small):
    names = {layer.name for layer in small.layers}
    wanted = {"image", "encoder0_conv", "encoder1_layer1_norm1", "encoder2_layer4_conv2"}
    wanted |= {"encoder3_transition_pool", "encoder4_layer2_join", "encoder4_relu", "features"}
    assert wanted | {"hidden_dropout", "head"} <= names
    assert not any(name.startswith("lambda") for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (64, 64)}, r"image_shape is \(64, 64\).*three whole numbers"),
        ({"image_shape": (31, 64, 3)}, r"height 31 and width 64.*needs 32 pixels or more"),
        ({"num_classes": 0}, r"num_classes is 0.*1 label or more"),
        ({"dropout": 1.0}, r"dropout 1.0.*from 0 to below 1"),
        ({"weights": "imagenet", "image_shape": (64, 64, 2)}, r"2 channels.*take 1.*or 3"),
        ({"weights": "imagenet", **SMALL}, r"stage_blocks \(2, 4, 4, 2\) and growth_rate 16"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_densenet(**{"image_shape": (64, 64, 3), "num_classes": 6} | arguments)


def test_weights_that_are_not_there_or_of_another_network_are_refused(small, published, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.h5', where there is no file"):
        build_densenet((64, 64, 3), 6, weights=tmp_path / "nothing.h5")
    small.save(tmp_path / "small.h5")
    with pytest.raises(ValueError, match="does not hold the weights of densenet20"):
        build_densenet((64, 64, 3), 6, SHORT, weights=tmp_path / "small.h5")
