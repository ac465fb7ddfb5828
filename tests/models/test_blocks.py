"""Batch normalisation against Keras's own, attention against its formula, argument errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from radiokit.models import blocks
from radiokit.models.blocks import FusedBatchNormalization


@pytest.fixture
def bfloat16_policy():
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_dtype_policy("float32")


def _built(layer_class, channels, **arguments):
    layer = layer_class(momentum=0.7, **arguments)
    layer.build((None, None, None, channels))
    if layer.gamma is not None:
        layer.gamma.assign(np.linspace(0.5, 2, channels))
    if layer.beta is not None:
        layer.beta.assign(np.linspace(-1, 1, channels))
    return layer


def _train_once(layer, inputs, weights):
    """Outputs, gradients of sum(weights * outputs), and moving averages after one step."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        total = tf.reduce_sum(tf.cast(outputs, "float32") * weights)
    trained = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(total, [inputs, *trained])
    return [outputs, *gradients, layer.moving_mean, layer.moving_variance]


def _random(shape, seed=0, scale=3.0, offset=2.0):
    values = np.random.default_rng(seed).normal(offset, scale, shape)
    return tf.constant(values.astype("float32"))


def _assert_close(given, wanted, tolerance=1e-5):
    for one, other in zip(given, wanted, strict=True):
        one, other = (ops.convert_to_numpy(ops.cast(v, "float32")) for v in (one, other))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


@pytest.mark.parametrize(
    "arguments", [{}, {"scale": False}, {"center": False}, {"epsilon": 1e-4}, {"epsilon": 1e-6}]
)
def test_training_step_equals_keras_in_outputs_gradients_and_moving_averages(arguments):
    inputs, weights = _random((3, 5, 7, 6)), _random((3, 5, 7, 6), seed=1)
    ours = _train_once(_built(FusedBatchNormalization, 6, **arguments), inputs, weights)
    keras_own = _train_once(_built(layers.BatchNormalization, 6, **arguments), inputs, weights)
    _assert_close(ours, keras_own)


def test_training_step_equals_keras_when_compiled_with_xla():
    inputs, weights = _random((2, 4, 4, 3)), _random((2, 4, 4, 3), seed=1)
    results = []
    for layer_class in (FusedBatchNormalization, layers.BatchNormalization):
        layer = _built(layer_class, 3)
        step = tf.function(lambda x, one=layer: _train_once(one, x, weights)[:4], jit_compile=True)
        results.append([*step(inputs), layer.moving_mean, layer.moving_variance])
    _assert_close(*results)


def test_moving_variance_divides_by_the_number_of_values():
    layer, inputs = _built(FusedBatchNormalization, 2), _random((1, 2, 2, 2))
    layer(inputs, training=True)
    wanted = 0.7 * 1.0 + 0.3 * np.asarray(inputs).var(axis=(0, 1, 2), ddof=0)
    np.testing.assert_allclose(layer.moving_variance, wanted, rtol=1e-5)


def test_a_single_value_per_channel_has_no_variance():
    layer = _built(FusedBatchNormalization, 4)
    outputs = layer(_random((1, 1, 1, 4)), training=True)
    np.testing.assert_allclose(outputs[0, 0, 0], layer.beta, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, np.full(4, 0.7), rtol=1e-6)


@pytest.mark.parametrize("training", [False, None])
def test_inference_equals_keras(training):
    inputs, results = _random((2, 5, 4, 6)), []
    for layer_class in (FusedBatchNormalization, layers.BatchNormalization):
        layer = _built(layer_class, 6)
        layer.moving_mean.assign(np.arange(6))
        layer.moving_variance.assign(np.arange(1, 7))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=training)
        results.append([outputs, tape.gradient(outputs, inputs)])
    _assert_close(*results)


def test_a_frozen_layer_keeps_its_moving_averages():
    layer = _built(FusedBatchNormalization, 3)
    layer.trainable = False
    layer(_random((2, 4, 4, 3)), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))


def test_dense_features_are_left_to_keras():
    inputs, weights = _random((8, 5)), _random((8, 5), seed=1)
    ours, keras_own = (
        _train_once(layer_class(momentum=0.7), inputs, weights)
        for layer_class in (FusedBatchNormalization, layers.BatchNormalization)
    )
    _assert_close(ours, keras_own)


def test_bfloat16_features_keep_float32_statistics(bfloat16_policy):
    inputs = tf.cast(_random((4, 8, 8, 6)), "bfloat16")
    weights = _random((4, 8, 8, 6), seed=1)
    ours = _train_once(_built(FusedBatchNormalization, 6), inputs, weights)
    keras_own = _train_once(_built(layers.BatchNormalization, 6), inputs, weights)
    assert ours[0].dtype == "bfloat16"
    _assert_close(ours, keras_own, tolerance=0.02)  # bfloat16 has 8 bits: steps of 0.4 to 0.8 %
    _assert_close(ours[-2:], keras_own[-2:], tolerance=1e-5)


def test_weights_have_the_names_and_order_of_keras():
    ours, keras_own = _built(FusedBatchNormalization, 3), _built(layers.BatchNormalization, 3)
    assert [w.name for w in ours.weights] == [w.name for w in keras_own.weights]


def test_channel_mean_max_is_mean_and_maximum_over_channels():
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    wanted = np.stack([inputs.mean(axis=-1), inputs.max(axis=-1)], axis=-1)
    np.testing.assert_allclose(blocks.ChannelMeanMax()(inputs), wanted, atol=1e-6)


def _model_of(block, *shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, block(*inputs, "skip0"))


def test_spatial_attention_with_zero_weights_halves_the_features():
    model = _model_of(blocks.spatial_attention, (6, 6, 4))
    model.get_layer("skip0_attention_map").set_weights([np.zeros((7, 7, 2, 1)), np.zeros(1)])
    features = np.random.default_rng(0).normal(size=(1, 6, 6, 4)).astype("float32")
    np.testing.assert_allclose(model([features]), features / 2, atol=1e-6)


def test_spatial_attention_equals_its_formula_at_the_centre_pixel():
    model = _model_of(blocks.spatial_attention, (7, 7, 4))
    kernel, bias = model.get_layer("skip0_attention_map").get_weights()
    features = np.random.default_rng(0).normal(size=(1, 7, 7, 4)).astype("float32")
    pooled = np.stack([features.mean(axis=-1), features.max(axis=-1)], axis=-1)[0]
    weight = 1 / (1 + np.exp(-((kernel[..., 0] * pooled).sum() + bias[0])))
    wanted = features[0, 3, 3] * weight
    np.testing.assert_allclose(model([features])[0, 3, 3], wanted, rtol=1e-4)


def test_gate_attention_equals_its_formula_for_a_constant_deeper_signal():
    model = _model_of(blocks.gate_attention, (4, 4, 6), (2, 2, 8))
    rng = np.random.default_rng(0)
    skip = rng.normal(size=(1, 4, 4, 6)).astype("float32")
    deeper = np.broadcast_to(rng.normal(size=8), (1, 2, 2, 8)).astype("float32")
    (from_skip,) = model.get_layer("skip0_attention_skip").get_weights()
    from_deeper, bias = model.get_layer("skip0_attention_gating").get_weights()
    to_map, map_bias = model.get_layer("skip0_attention_map").get_weights()
    agreed = np.maximum(skip @ from_skip[0, 0] + deeper[0, 0, 0] @ from_deeper[0, 0] + bias, 0)
    weight = 1 / (1 + np.exp(-(agreed @ to_map[0, 0] + map_bias)))  # (1, 4, 4, 1)
    np.testing.assert_allclose(model([skip, deeper]), skip * weight, rtol=1e-4, atol=1e-6)


def test_channel_attention_gives_one_weight_per_channel():
    model = _model_of(blocks.channel_attention, (5, 4, 16))
    features = np.random.default_rng(0).normal(size=(1, 5, 4, 16)).astype("float32")
    ratio = np.asarray(model([features])) / features
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-4)
    assert (ratio > 0).all() and (ratio < 1).all()


def test_three_head_attention_keeps_the_shape_and_has_three_maps():
    model = _model_of(blocks.three_head_attention, (4, 4, 8), (2, 2, 16))
    assert model.output_shape == (None, 4, 4, 8)
    maps = {layer.name: layer.output.shape[1:] for layer in model.layers if "_map" in layer.name}
    assert maps == {
        "skip0_channel_attention_map": (1, 1, 8),
        "skip0_spatial_attention_map": (4, 4, 1),
        "skip0_gate_attention_map": (4, 4, 1),
    }


def test_the_head_is_float32_in_mixed_precision(bfloat16_policy):
    image = keras.Input((8, 8, 4))
    features = layers.Conv2D(4, 1)(image)
    head = blocks.segmentation_head(features, 3, "softmax")
    assert (features.dtype, head.dtype) == ("bfloat16", "float32")


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((250, 256, 1), r"height 250 and width 256.*multiples of 32.*Pad.*256 x 256"),
        ((256, 100, 3), r"height 256 and width 100.*Pad.*256 x 128: image_shape=\(256, 128, 3\)"),
        ((256, 256), r"three whole numbers above 0.*\(height, width, channels\)"),
        ((None, 256, 1), r"image_shape is \(None, 256, 1\).*three whole numbers"),
        ((0, 256, 1), r"whole numbers above 0"),
    ],
)
def test_a_wrong_image_shape_says_what_is_needed(image_shape, message):
    with pytest.raises(ValueError, match=message):
        blocks.check_segmentation_arguments(image_shape, 2, "softmax", 32)


@pytest.mark.parametrize(
    ("num_classes", "activation", "message"),
    [
        (1, "softmax", r"num_classes is 1.*at least 2 classes.*activation='sigmoid'"),
        (0, "sigmoid", r"num_classes is 0"),
        (3, "relu", r"activation is 'relu'.*softmax.*sigmoid.*None"),
    ],
)
def test_wrong_classes_or_activation_say_what_is_needed(num_classes, activation, message):
    with pytest.raises(ValueError, match=message):
        blocks.check_segmentation_arguments((64, 64, 1), num_classes, activation, 32)
