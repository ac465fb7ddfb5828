"""EfficientNet: parameters by the paper's table, and the outputs of keras.applications."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.src.applications import efficientnet as keras_efficientnet

from radiokit.models import build_classifier, build_efficientnet, efficientnet
from radiokit.models.arithmetic import count_multiply_adds, parameter_table

DEVIATION = (0.229, 0.224, 0.225)
# blocks, channels, expansion, side of the kernel: table 1 of the paper
STAGES = [(1, 16, 1, 3), (2, 24, 6, 3), (2, 40, 6, 5), (3, 80, 6, 3)]
STAGES += [(3, 112, 6, 5), (4, 192, 6, 5), (1, 320, 6, 3)]
FEW = (1, 1, 1, 2, 1, 1, 1)  # blocks of the network whose weights are compared


def _parameters(channels):
    total, received = 9 * channels * 32 + 4 * 32, 32
    for blocks, given, expansion, side in STAGES:
        for _ in range(blocks):
            inner, squeezed = expansion * received, received // 4
            total += (received * inner + 4 * inner) * (expansion > 1)
            total += side * side * inner + 4 * inner
            total += inner * squeezed + squeezed + squeezed * inner + inner
            total += inner * given + 4 * given
            received = given
    return total + received * 1280 + 4 * 1280


def _take_few_blocks(patch):
    """Shorten B0, as keras.applications builds it and as we do."""
    theirs = zip(keras_efficientnet.DEFAULT_BLOCKS_ARGS, FEW, strict=True)
    shorter = [arguments | {"repeats": blocks} for arguments, blocks in theirs]
    patch.setattr(keras_efficientnet, "DEFAULT_BLOCKS_ARGS", shorter)
    ours = zip(efficientnet.STAGES, FEW, strict=True)
    shorter = tuple(replace(stage, blocks=blocks) for stage, blocks in ours)
    patch.setattr(efficientnet, "STAGES", shorter)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights as ImageNet's would be, in the layout of the published files."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        _take_few_blocks(patch)
        network = keras.applications.EfficientNetB0(weights=None)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        values = [w * rng.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()]
        values = [v + 0.1 * rng.random(v.shape) if v.ndim == 1 else v for v in values]
        if isinstance(layer, keras.layers.Normalization):
            # The published file holds deviations where Keras reads variances.
            values = [np.array([0.485, 0.456, 0.406]), np.array(DEVIATION), np.array(7)]
        layer.set_weights(values)
    network.save(folder / "top.h5")
    without_top = keras.Model(network.input, network.get_layer("top_activation").output)
    without_top.save(folder / "notop.h5")
    return folder


@pytest.fixture
def published(folder, monkeypatch):
    """What keras.applications builds when it finds these weights under ImageNet's name."""
    _take_few_blocks(monkeypatch)
    found = str(folder / "notop.h5")
    monkeypatch.setattr(keras_efficientnet.file_utils, "get_file", lambda *a, **k: found)
    build = keras.applications.EfficientNetB0
    return lambda image_shape: build(include_top=False, input_shape=image_shape)


@pytest.fixture(scope="module")
def b0():
    return build_classifier("efficientnet", (224, 224, 3), 1000)


def _features_of(model, image):
    return np.asarray(keras.Model(model.input, model.get_layer("encoder8_swish").output)(image))


def test_b0_has_the_parameters_of_the_papers_table(b0):
    assert _parameters(3) == 4_049_564
    assert b0.name == "efficientnetb0"
    assert b0.count_params() == _parameters(3) + 1280 * 1000 + 1000
    # As keras.applications prints them, with mean, variance and count of the image.
    assert b0.count_params() + 7 == 5_330_571
    assert round(count_multiply_adds(b0) / 1e9, 2) == 0.39  # table 2 of the paper
    assert sum(row.parameters for row in parameter_table(b0)) == b0.count_params()


def test_width_and_depth_give_the_larger_networks_of_the_paper():
    model = build_efficientnet((64, 64, 3), 1000, width=1.1, depth=1.2)
    assert model.count_params() + 7 == 9_177_569  # B2, as keras.applications prints it


def test_published_weights_give_the_features_of_keras_applications(published, folder):
    image = np.random.default_rng(1).random((2, 63, 75, 3)).astype("float32")  # odd: other borders
    model = build_efficientnet((63, 75, 3), 6, weights=folder / "top.h5")
    wanted = np.asarray(published((63, 75, 3))(255 * image))
    assert wanted.std() > 0
    np.testing.assert_allclose(
        _features_of(model, image), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )


def test_cached_imagenet_weights_take_one_channel_repeated(
    published, folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    shutil.copy(folder / "notop.h5", tmp_path / "models" / "efficientnetb0_notop.h5")
    image = np.random.default_rng(2).random((1, 64, 64, 1)).astype("float32")
    wanted = np.asarray(published((64, 64, 3))(255 * np.repeat(image, 3, axis=-1)))
    model = build_classifier("efficientnet", (64, 64, 1), 6, weights="imagenet")
    np.testing.assert_allclose(
        _features_of(model, image), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )


@pytest.fixture(scope="module")
def small():
    return build_efficientnet((64, 64, 1), 6, 0.5, 0.5)


def test_layers_are_named_by_stage_level_and_role(small):
    names = {layer.name for layer in small.layers}
    wanted = {"encoder0_conv", "encoder1_block1_depthwise", "encoder2_block1_conv1"}
    wanted |= {"encoder3_block1_attention_map", "encoder6_block2_add", "encoder8_swish"}
    assert wanted | {"features", "head"} <= names
    assert {"encoder1_block1_conv1", "encoder6_block3_add"}.isdisjoint(names)


def test_blocks_are_left_out_in_training_more_often_the_deeper_they_lie(b0):
    rates = [layer.rate for layer in b0.layers if isinstance(layer, keras.layers.Dropout)]
    # Of 16 blocks those that keep the shape: 3rd, 5th, 7th, 8th, 10th, 11th, 13th to 15th.
    assert rates == pytest.approx([0.2 * n / 16 for n in (2, 4, 6, 7, 9, 10, 12, 13, 14)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, r"width is 0.*above 0"),
        ({"depth": 0}, r"depth is 0.*above 0"),
        ({"weights": "imagenet", "image_shape": (64, 64, 2)}, r"2 channels.*take 1.*or 3"),
        ({"weights": "imagenet", "width": 0.5}, r"width 0.5 and depth 1.0.*exist for width 1"),
    ],
)
def test_wrong_arguments_say_what_is_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_efficientnet(**{"image_shape": (64, 64, 3), "num_classes": 6} | arguments)


def test_weights_of_another_network_are_refused(small, published, tmp_path):
    small.save(tmp_path / "small.h5")
    with pytest.raises(ValueError, match="does not hold the weights of efficientnetb0"):
        build_efficientnet((64, 64, 3), 6, weights=tmp_path / "small.h5")
