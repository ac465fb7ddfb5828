"""Grad-CAM against the class activation map, which is known by hand."""

import keras
import numpy as np
import pytest

from radiokit.explain import grad_cam
from radiokit.models import build_densenet, build_multitask_unet


def linear_network(weights):
    """Features, their mean over the pixels, and one dense layer: the case of the CAM paper."""
    image = keras.Input((4, 5, 3))
    features = keras.layers.Conv2D(2, 1, use_bias=False, name="last")(image)
    mean = keras.layers.GlobalAveragePooling2D()(features)
    model = keras.Model(image, keras.layers.Dense(len(weights[0]), name="head")(mean))
    model.get_layer("last").set_weights([np.array([[[[1, 0], [0, 1], [0, 0]]]], "float32")])
    model.get_layer("head").set_weights([np.array(weights, "float32"), np.zeros(len(weights[0]))])
    return model


@pytest.mark.parametrize("output_index", [0, 1])
@pytest.mark.parametrize("trainable", [True, False])
def test_after_a_mean_and_a_linear_head_it_is_the_class_activation_map(output_index, trainable):
    weights = [[2.0, -1.0], [-0.5, 3.0]]
    model = linear_network(weights)
    model.trainable = trainable
    images = np.random.default_rng(0).normal(size=(20, 4, 5, 3)).astype("float32")
    features = images[..., :2]  # what the 1x1 convolution hands on
    wanted = np.maximum(features @ np.array(weights)[:, output_index], 0)
    wanted /= wanted.max(axis=(1, 2), keepdims=True)
    given = grad_cam(model, images, output_index, "last")
    assert (given.shape, given.dtype) == ((20, 4, 5), np.float32)
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_where_nothing_speaks_for_an_output_the_map_is_empty():
    model = linear_network([[-1.0], [-1.0]])
    assert not grad_cam(model, np.ones((2, 4, 5, 3)), 0, "last").any()
    assert grad_cam(model, np.ones((0, 4, 5, 3)), 0, "last").shape == (0, 4, 5)


def test_the_last_block_of_a_densenet_and_one_of_several_outputs():
    images = np.random.default_rng(0).random((2, 64, 64, 1))
    densenet = build_densenet((64, 64, 1), 6, (1, 1, 1, 1), 8, hidden_units=8)
    assert grad_cam(densenet, images, 5, "encoder4_relu").shape == (2, 2, 2)
    multitask = build_multitask_unet((64, 64, 1), 3, (4, 8), 8)
    assert grad_cam(multitask, images, 2, "encoder1_relu2", "labels").shape == (2, 32, 32)
    of_mask = grad_cam(multitask, images, 0, "decoder0_relu2", "masks")
    kernel = multitask.get_layer("masks").get_weights()[0]
    assert of_mask.shape == (2, 64, 64) and kernel.shape[-1] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_name": "first"}, r"'first' is not in the model.*\['last'\]"),
        ({"layer_name": "head"}, r"'head' has no pixels"),
        ({"output_index": 2}, "output_index is 2; the output has 2, counted from 0"),
        ({"output_name": "labels"}, r"output_name is 'labels'; needed is one of \[None\]"),
    ],
)
def test_what_the_model_does_not_have_is_named(arguments, message):
    chosen = {"output_index": 0, "layer_name": "last"} | arguments
    with pytest.raises(ValueError, match=message):
        grad_cam(linear_network([[1.0, 1.0]] * 2), np.ones((1, 4, 5, 3)), **chosen)


@pytest.mark.parametrize("output_name", [None, "mask"])
def test_of_several_outputs_one_must_be_named(output_name):
    model = build_multitask_unet((8, 8, 1), 3, (4, 8), 8)
    with pytest.raises(ValueError, match=r"needed is one of \['labels', 'masks', 'disagreement'\]"):
        grad_cam(model, np.ones((1, 8, 8, 1)), 0, "encoder1_relu2", output_name)


def test_another_backend_is_refused(monkeypatch):
    model = linear_network([[1.0], [1.0]])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="runs on jax.*KERAS_BACKEND=tensorflow"):
        grad_cam(model, np.ones((1, 4, 5, 3)), 0, "last")
