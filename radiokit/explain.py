"""Where a network looked when it gave its answer."""

import keras
import numpy as np


def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    output_index: int,
    layer_name: str,
    output_name: str | None = None,
) -> np.ndarray:
    """Grad-CAM: the features of a layer, weighted by what each is worth to one output.

    When to use: to see which region a classifier's answer rests on. It shows where the evidence
    was, coarsely; it proves neither that the answer is right nor that nothing else was used. Take
    a late layer with pixels left, such as `encoder4_relu` of `radiokit.models.build_densenet`.

    A feature map's weight is the mean over its pixels of the output's gradient; the weighted sum
    is cut at 0 and divided by its maximum. After global average pooling and one dense layer that
    is the class activation map.

    Args:
        model: a functional model with one input.
        images: (N, H, W, C) as the model takes them.
        output_index: which label or class, from 0. Logits, not probabilities, give clear maps. The
            scores of a segmentation are summed over the pixels.
        layer_name: name of a layer whose output is (N, h, w, channels).
        output_name: which output, where the model gives a dict of them.

    Returns:
        (N, h, w) float32 in 0..1, each image's maximum 1; all 0 where nothing speaks for the
        output. Enlarge it to the image to draw it over.

    Raises:
        ValueError: a layer, output or index that the model does not have; a layer without pixels.
        RuntimeError: Keras runs on another backend than TensorFlow.

    Paper: Selvaraju et al. 2017, Grad-CAM, https://arxiv.org/abs/1610.02391
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {keras.backend.backend()}; grad_cam needs gradients of TensorFlow. Set "
            "KERAS_BACKEND=tensorflow before Python starts."
        )
    features = _features(model, layer_name)
    scores = _scores(model, output_index, output_name)
    from radiokit.engine_tensorflow import features_and_gradients

    looking = keras.Model(model.input, [features, scores])
    maps = [
        _activation_map(*features_and_gradients(looking, images[first : first + 16], output_index))
        for first in range(0, len(images), 16)
    ]
    return np.concatenate(maps) if maps else np.zeros((0, *features.shape[1:3]), np.float32)


def _activation_map(features, gradients):
    """(N, h, w, channels) of each to (N, h, w) in 0..1."""
    weights = gradients.mean(axis=(1, 2), keepdims=True)  # (N, 1, 1, channels)
    activation = np.maximum((weights * features).sum(axis=-1), 0)
    largest = activation.max(axis=(1, 2), keepdims=True)
    return (activation / np.where(largest > 0, largest, 1)).astype(np.float32)


def _features(model, layer_name):
    outputs = {layer.name: layer.output for layer in model.layers}
    with_pixels = [name for name, output in outputs.items() if len(_shape(output)) == 4]
    if layer_name not in with_pixels:
        given = "has no pixels" if layer_name in outputs else "is not in the model"
        raise ValueError(
            f"The layer {layer_name!r} {given}; needed is one that gives (height, width, "
            f"channels), such as {with_pixels[-1:]}, the last."
        )
    return outputs[layer_name]


def _scores(model, output_index, output_name):
    outputs = model.output
    if isinstance(outputs, dict) != (output_name is not None):
        names = list(outputs) if isinstance(outputs, dict) else [None]
        raise ValueError(f"output_name is {output_name!r}; needed is one of {names}.")
    if output_name is not None:
        if output_name not in outputs:
            raise ValueError(f"output_name is {output_name!r}; needed is one of {list(outputs)}.")
        outputs = outputs[output_name]
    if not 0 <= output_index < outputs.shape[-1]:
        raise ValueError(
            f"output_index is {output_index}; the output has {outputs.shape[-1]}, counted from 0."
        )
    return outputs


def _shape(output):
    return getattr(output, "shape", ())
