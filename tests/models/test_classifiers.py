"""The six published networks by name: what they share, and errors."""

import sys

import keras
import numpy as np
import pytest

from radiokit.explain import grad_cam
from radiokit.models import (
    build_alexnet,
    build_classifier,
    build_densenet,
    build_efficientnet,
    build_inception_v4,
    build_resnet,
    classifiers,
)
from radiokit.models.blocks import NORM_MOMENTUM, FusedBatchNormalization
from radiokit.optimizers import FusedAdam

# name: its builder, and what makes a small version of it
SMALL = {
    "alexnet": (build_alexnet, {"width": 0.125}),
    "efficientnet": (build_efficientnet, {"width": 0.25, "depth": 0.25}),
    "densenet121": (build_densenet, {"stage_blocks": (1, 1, 1, 1), "growth_rate": 4}),
    "inception_v4": (build_inception_v4, {"blocks": (1, 1, 1), "width": 0.125}),
    "resnet101": (build_resnet, {"stage_blocks": (1, 1, 1, 1), "width": 4}),
}
NAMES = (*SMALL, "resnet50")  # whose small version is that of resnet101
# the last feature map with pixels, its side at 64 pixels, and the pooled features of that version
LAST = {
    "alexnet": ("encoder5_relu", 3, 6 * 6 * 256 // 8),
    "efficientnet": ("encoder8_swish", 2, 1280 // 4),
    "densenet121": ("encoder4_relu", 2, 8),  # (((8 + 4) / 2 + 4) / 2 + 4) / 2 + 4, rounded down
    "inception_v4": ("encoder3_join", 2, 1536 // 8),
    "resnet101": ("encoder4_relu", 2, 4 * 4 * 8),
}


@pytest.fixture(scope="module", params=SMALL)
def name_and_model(request):
    build, small = SMALL[request.param]
    keras.utils.set_random_seed(0)
    return request.param, build((64, 64, 2), 25, hidden_units=7, dropout=0.25, **small)


def test_every_network_takes_64_pixels_of_any_channels_and_gives_logits(name_and_model):
    name, model = name_and_model
    last, side, width = LAST[name]
    logits = model.predict_on_batch(np.random.default_rng(0).random((2, 64, 64, 2)))
    assert logits.shape == (2, 25)
    assert logits.dtype == np.float32
    assert logits.min() < 0  # no sigmoid
    assert model.get_layer("features").output.shape == (None, width)
    assert model.get_layer(last).output.shape[1:3] == (side, side)


def test_grad_cam_finds_the_last_feature_map(name_and_model):
    name, model = name_and_model
    last, side, _ = LAST[name]
    images = np.random.default_rng(1).random((1, 64, 64, 2)).astype("float32")
    assert grad_cam(model, images, 3, last).shape == (1, side, side)


@pytest.mark.parametrize(
    ("build", "learning_rate", "steps"),
    [
        # Without normalisation layers it stands still at a high learning rate.
        (lambda: build_alexnet((64, 64, 1), 1, 0.125, hidden_units=32), 0.001, 12),
        (lambda: build_densenet((32, 32, 1), 1, (1, 1, 1, 1), 4), 0.01, 8),
        (lambda: build_efficientnet((32, 32, 1), 1, 0.25, 0.25), 0.003, 3),
        (lambda: build_inception_v4((32, 32, 1), 1, (1, 1, 1), 0.05), 0.003, 3),
        (lambda: build_resnet((32, 32, 1), 1, (1, 1, 1, 1), 4), 0.003, 3),
    ],
)
def test_a_few_steps_lower_the_loss(build, learning_rate, steps):
    keras.utils.set_random_seed(0)
    model = build()
    images = np.random.default_rng(0).random((8, *model.input_shape[1:])).astype("float32")
    images[::2] += 1
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    # To trace a hundred layers takes longer than three steps without.
    model.compile(FusedAdam(learning_rate), loss, jit_compile=False, run_eagerly=steps < 5)
    model.optimizer.build(model.trainable_variables)
    labels = np.tile([[1.0], [0.0]], (4, 1))
    losses = model.fit(images, labels, epochs=steps, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_normalisation_is_fused_and_of_the_packages_momentum(name_and_model):
    name, model = name_and_model
    kinds = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert (len(kinds) > 0) == (name != "alexnet")
    assert all(isinstance(layer, FusedBatchNormalization) for layer in kinds)
    assert {layer.momentum for layer in kinds} <= {NORM_MOMENTUM}


def test_layers_are_named_by_stage_level_and_role(name_and_model):
    _, model = name_and_model
    stages = {layer.name.rstrip("0123456789").split("_")[0] for layer in model.layers}
    assert {stage.rstrip("0123456789") for stage in stages} <= {
        *("image", "encoder", "features", "hidden", "head")
    }


def test_without_weights_the_image_is_taken_as_it_is(name_and_model):
    _, model = name_and_model
    kinds = {type(layer) for layer in model.layers}
    assert not kinds & {keras.layers.Normalization, keras.layers.Rescaling}


def test_every_network_takes_hidden_units_and_dropout(name_and_model):
    name, model = name_and_model
    wanted = {"hidden1", "hidden2"} if name == "alexnet" else {"hidden"}
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert {layer.name for layer in dense} == wanted | {"head"}
    assert all(layer.units == 7 for layer in dense if layer.name in wanted)
    drops = [layer for layer in model.layers if layer.name.startswith("hidden")]
    drops = [layer.rate for layer in drops if isinstance(layer, keras.layers.Dropout)]
    assert drops == [0.25] * len(wanted)


@pytest.mark.parametrize("name", SMALL)
def test_a_name_hands_its_builder_all_there_is(name, monkeypatch):
    """That the builders' own sizes are the published ones is for the tests of each."""
    assert classifiers.BUILDERS[name] is SMALL[name][0]
    assert set(classifiers.BUILDERS) == set(NAMES)

    def builder(image_shape, num_classes, hidden_units, dropout, weights):
        return image_shape, num_classes, hidden_units, dropout, weights

    monkeypatch.setitem(classifiers.BUILDERS, name, builder)
    given = {"weights": "imagenet", "hidden_units": 7, "dropout": 0.25}
    built = build_classifier(name, (64, 64, 1), 6, **given)
    assert built == ((64, 64, 1), 6, 7, 0.25, "imagenet")


@pytest.mark.parametrize("name", ["resnet34", "densenet", ""])
def test_a_classifier_that_does_not_exist_names_those_that_do(name):
    with pytest.raises(ValueError, match=rf"name is '{name}'.*\('alexnet', .*'resnet101'\)"):
        build_classifier(name, (224, 224, 3), 6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (64, 64)}, r"image_shape is \(64, 64\).*three whole numbers"),
        ({"image_shape": (31, 64, 3)}, r"height 31 and width 64.*needs (32|63) pixels or more"),
        ({"num_classes": 0}, r"num_classes is 0.*1 label or more"),
        ({"dropout": 1.0}, r"dropout 1.0.*from 0 to below 1"),
    ],
)
def test_wrong_arguments_say_what_is_needed(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        build_classifier(**{"name": name, "image_shape": (64, 64, 3), "num_classes": 6} | arguments)


@pytest.mark.parametrize("name", NAMES)
def test_a_weights_file_that_is_not_there_is_missed(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.h5', where there is no file.*None"):
        build_classifier(name, (64, 64, 3), 6, weights=tmp_path / "nothing.h5")


@pytest.mark.parametrize("build", [build_densenet, build_efficientnet, build_resnet])
def test_imagenet_weights_that_are_not_in_the_cache_are_missed_aloud(build, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # All but the encoder, which has no part in this and takes a second to build.
    monkeypatch.setattr(sys.modules[build.__module__], "_encode", lambda tensor, *plan: tensor)
    with pytest.warns(UserWarning, match="not in Keras's cache.*starts at random") as caught:
        model = build((64, 64, 1), 6, weights="imagenet")
    assert caught[0].filename == __file__  # the line that asked
    assert {"repeat_channel", "imagenet_norm"} <= {layer.name for layer in model.layers}


@pytest.mark.parametrize("name", ["alexnet", "inception_v4"])
def test_imagenet_weights_that_keras_does_not_have_are_refused(name):
    with pytest.raises(
        ValueError, match="keras.applications does not have.*saved from it, or None"
    ):
        build_classifier(name, (64, 64, 3), 6, weights="imagenet")
