"""DenseNet: parameters by the paper's structure, and the outputs of keras.applications."""

import shutil

import keras
import numpy as np
import pytest

from radiokit.models import build_densenet
from radiokit.models.arithmetic import count_multiply_adds, parameter_table

SMALL = {"stage_blocks": (2, 4, 4, 2), "growth_rate": 16}
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


def _perturbed(model, seed=0):
    """Weights away from where they start, moving averages included."""
    rng = np.random.default_rng(seed)
    values = [w * rng.uniform(0.8, 1.2, w.shape) for w in model.get_weights()]
    values = [v + 0.1 * rng.random(v.shape) if v.ndim == 1 else v for v in values]
    model.set_weights(values)
    return model


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A DenseNet121 of keras.applications, and its weights as files of several layouts."""
    folder = tmp_path_factory.mktemp("weights")
    network = _perturbed(keras.applications.DenseNet121(weights=None))
    features = keras.applications.DenseNet121(weights=None, include_top=False)
    features.set_weights(network.get_weights()[:-2])
    features.save_weights(folder / "notop.weights.h5")
    features.save(folder / "notop.h5")  # the layout of the published files
    network.save(folder / "top.h5")
    return features, folder


def _features_of(model, image):
    return np.asarray(keras.Model(model.input, model.get_layer("encoder4_relu").output)(image))


def test_the_studys_network_has_the_parameters_of_the_papers_structure():
    total, width = _densenet_parameters(3, (6, 12, 24, 16), 32)
    assert (total, width) == (7_037_504, 1024)
    head = 1024 * 512 + 512 + 512 * 6 + 6
    model = build_densenet((224, 224, 3), 6, hidden_units=512, dropout=0.2)
    assert model.count_params() == total + head == 7_565_382
    assert total == keras.applications.DenseNet121(weights=None, include_top=False).count_params()
    assert sum(row.parameters for row in parameter_table(model)) == model.count_params()


def test_densenet121_has_its_published_multiplications():
    # torchvision's page: 2.83 G with the 1000-class layer.
    assert round(count_multiply_adds(build_densenet((224, 224, 3), 1000)) / 1e9, 2) == 2.83


def test_small_networks_take_any_channels_and_equal_the_arithmetic():
    model = build_densenet((64, 64, 2), 3, **SMALL)
    total, width = _densenet_parameters(2, *SMALL.values())
    assert model.count_params() == total + width * 3 + 3
    assert model.get_layer("features").output.shape == (None, width)
    logits = np.asarray(model(np.random.default_rng(0).random((2, 64, 64, 2))))
    assert logits.shape == (2, 3)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("name", ["notop.weights.h5", "top.h5"])
def test_published_weights_give_the_features_of_keras_applications(published, name):
    features, folder = published
    image = np.random.default_rng(1).random((2, 64, 64, 3)).astype("float32")
    wanted = np.asarray(features(keras.applications.densenet.preprocess_input(255 * image)))
    ours = _features_of(build_densenet((64, 64, 3), 6, weights=folder / name), image)
    assert wanted.std() > 0
    np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_cached_imagenet_weights_take_one_channel_repeated_and_normalised(
    published, tmp_path, monkeypatch
):
    features, folder = published
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    shutil.copy(folder / "notop.h5", cached)
    model = build_densenet((64, 64, 1), 6, weights="imagenet")
    image = np.random.default_rng(2).random((1, 64, 64, 1)).astype("float32")
    wanted = np.asarray(features(((image - MEAN) / DEVIATION).astype("float32")))
    ours = _features_of(model, image)
    np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_imagenet_weights_that_are_not_in_the_cache_are_missed_aloud(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.warns(UserWarning, match="not in Keras's cache.*starts at random"):
        build_densenet((64, 64, 3), 6, weights="imagenet")


def test_layers_are_named_by_stage_level_and_role():
    names = {layer.name for layer in build_densenet((64, 64, 3), 6, **SMALL, dropout=0.1).layers}
    wanted = {"image", "encoder0_conv", "encoder1_layer1_norm1", "encoder2_layer4_conv2"}
    wanted |= {"encoder3_transition_pool", "encoder4_layer2_join", "encoder4_relu", "features"}
    assert wanted | {"hidden_dropout", "head"} <= names
    assert not any(name.startswith("lambda") for name in names)


def test_a_few_steps_lower_the_loss():
    keras.utils.set_random_seed(0)
    model = build_densenet((32, 32, 1), 1, (1, 1, 1, 1), 4)
    images = np.random.default_rng(0).random((8, 32, 32, 1)).astype("float32")
    images[::2] += 1
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    labels = np.tile([[1.0], [0.0]], (4, 1))
    losses = model.fit(images, labels, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


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


def test_weights_that_are_not_there_or_of_another_network_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.h5', where there is no file"):
        build_densenet((64, 64, 3), 6, weights=tmp_path / "nothing.h5")
    other = tmp_path / "small.weights.h5"
    build_densenet((64, 64, 3), 6, **SMALL).save_weights(other)
    with pytest.raises(ValueError, match="does not hold the weights of densenet121"):
        build_densenet((64, 64, 3), 6, weights=other)
