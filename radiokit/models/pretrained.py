"""What the classifiers share: their arguments, and weights that were trained before.

Nothing is downloaded. Published weights are files of `keras.applications`.
"""

import os
import warnings
from pathlib import Path
from zipfile import BadZipFile

import keras
from keras import layers

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


def check_classifier_arguments(image_shape, num_classes, dropout, smallest, width=1):
    """Say what is wrong with a classifier's arguments before Keras fails deep inside.

    When to use: first, in every builder of a classifier.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: number of logits.
        dropout: fraction from 0 to below 1.
        smallest: pixels that height and width must have.
        width: channels or what multiplies them, above 0.

    Raises:
        ValueError: what was given, what is needed and what to do.
    """
    if len(image_shape) != 3 or not all(isinstance(n, int) and n > 0 for n in image_shape):
        raise ValueError(
            f"image_shape is {image_shape!r}; needed are three whole numbers above 0: "
            "(height, width, channels), such as (256, 256, 3)."
        )
    if min(image_shape[:2]) < smallest:
        raise ValueError(
            f"Image of height {image_shape[0]} and width {image_shape[1]}: this network halves it "
            f"level by level and needs {smallest} pixels or more. Enlarge the image."
        )
    if num_classes < 1 or not 0 <= dropout < 1:
        raise ValueError(
            f"num_classes is {num_classes} and dropout {dropout}; needed are 1 label or more and "
            "a fraction from 0 to below 1."
        )
    if width <= 0:
        raise ValueError(
            f"width is {width}; needed is a number above 0, such as 1 for the network as published."
        )


def find_weights(weights, image_shape, network, cached_name):
    """The published weights to load, checked before the network is built.

    When to use: in a builder whose network `keras.applications` has.

    Args:
        weights: None, the path of a file, or `"imagenet"` for the one in Keras's cache.
        image_shape: (height, width, channels) of the images.
        network: the function of `keras.applications` that builds the network, `"ResNet101"`.
        cached_name: name of the file in Keras's cache, without `_notop` and `.h5`.

    Returns:
        Path of a file, or None: for weights None, and where the cache holds no file, which a
        warning says.

    Raises:
        ValueError: weights for an image of neither 1 nor 3 channels.
        FileNotFoundError: a path where there is no file.
    """
    if weights is None:
        return None
    if image_shape[-1] not in (1, 3):
        raise ValueError(
            f"image_shape has {image_shape[-1]} channels; the published weights take 1 (repeated "
            "to three) or 3. Give three windows as channels, or weights=None."
        )
    if weights != "imagenet":
        return _existing_file(weights, "a weights file of keras.applications, 'imagenet'")
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    candidates = [home / "models" / f"{cached_name}{end}.h5" for end in ("_notop", "")]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        warnings.warn(
            f"The ImageNet weights of {network} are not in Keras's cache, so the network starts "
            f"at random. With internet, keras.applications.{network}(include_top=False) fetches "
            "them once.",
            stacklevel=4,  # the line that called the builder
        )
    return found


def normalize_image(image, mean=IMAGENET_MEAN, standard_deviation=IMAGENET_STANDARD_DEVIATION):
    """An image in 0..1 as published weights expect it: three channels, mean 0, deviation 1.

    When to use: first in a network that gets published weights, and only there.

    Args:
        image: (H, W, 1 or 3) tensor; one channel is repeated to three.
        mean: of each channel over the images the weights were trained on, in 0..1.
        standard_deviation: likewise.

    Returns:
        (H, W, 3) tensor.
    """
    variance = [float(deviation) ** 2 for deviation in standard_deviation]
    mean = [float(value) for value in mean]
    normalize = layers.Normalization(mean=mean, variance=variance, name="imagenet_norm")
    return normalize(repeat_channel(image))


def repeat_channel(image):
    """One channel three times over; three channels as they are.

    When to use: before a network with weights that were trained on three channels.

    Args:
        image: (H, W, 1 or 3) tensor.

    Returns:
        (H, W, 3) tensor.
    """
    if image.shape[-1] == 3:
        return image
    return layers.Concatenate(name="repeat_channel")([image] * 3)


def read_published_network(path, network, last_layer):
    """A network of `keras.applications` with the weights of a file.

    When to use: before `copy_weights`.

    Args:
        path: a weights file, with or without the 1000-class layer.
        network: the function of `keras.applications` that builds it, `"ResNet101"`.
        last_layer: name of its layer with the last feature map.

    Returns:
        A `keras.Model` from image to that feature map.

    Raises:
        ValueError: a file that holds the weights of another network, or none.
    """
    with_top = getattr(keras.applications, network)(weights=None)
    without_top = keras.Model(with_top.input, with_top.get_layer(last_layer).output)
    reasons = [_why_not_loaded(without_top, path)]
    if reasons[0]:
        reasons.append(_why_not_loaded(with_top, path))
    if all(reasons):
        raise ValueError(
            f"{path} does not hold the weights of {network.lower()}, neither without its top "
            f"({reasons[0]}) nor with it ({reasons[1]}). Give a file of keras.applications for "
            "this network."
        )
    return without_top


def copy_weights(published, model):
    """Copy weights layer by layer into a network of the same plan.

    When to use: after `read_published_network`.

    Args:
        published: network of `keras.applications`, from image to the last feature map.
        model: ours; its layers named `encoder...` have the order and shapes of the published.

    Raises:
        ValueError: the two have other layers or shapes.
    """
    theirs = [
        layer
        for layer in published.layers
        if layer.weights and not isinstance(layer, layers.Normalization)
    ]
    ours = [layer for layer in model.layers if layer.weights and layer.name.startswith("encoder")]
    for layer, source in zip(ours, theirs, strict=True):
        layer.set_weights(source.get_weights())


def load_own_weights(build, image_shape, weights, last_layer):
    """A network with weights saved from the same builder, the head left at random.

    When to use: in a builder whose network `keras.applications` does not have. The file may come
    from a network of other labels; of one with three channels, one channel is repeated to three.

    Args:
        build: function that gives the network; its argument says whether to repeat the channel.
        image_shape: (height, width, channels) of the images.
        weights: path of a file written by `model.save_weights` or `model.save`.
        last_layer: name of the last layer whose weights are taken.

    Returns:
        The uncompiled `keras.Model`.

    Raises:
        ValueError: weights of another network, or `"imagenet"`.
        FileNotFoundError: a path where there is no file.
    """
    if weights == "imagenet":
        raise ValueError(
            "weights is 'imagenet', which keras.applications does not have for this network. Give "
            "the path of a file saved from it, or None to start at random."
        )
    path = _existing_file(weights, "a file saved from this network")
    model = build(is_repeated=False)
    reason = _why_not_loaded(_up_to(model, last_layer), path)
    if reason and image_shape[-1] == 1:
        model = build(is_repeated=True)
        reason = _why_not_loaded(_up_to(model, last_layer), path)
    if reason:
        raise ValueError(
            f"{path} does not hold weights of {model.name} ({reason}). Give a file that this "
            "builder's network was saved to, built with the same arguments, number of labels "
            "aside, and with 3 channels or those of image_shape."
        )
    return model


def _existing_file(path, what):
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"weights is {str(path)!r}, where there is no file. Give the path of {what}, or None "
            "to start at random."
        )
    return Path(path)


def _up_to(model, layer_name):
    return keras.Model(model.input, model.get_layer(layer_name).output)


def _why_not_loaded(network, path):
    """Load a file; the reason if that fails, else an empty text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning a layer, where the file is another's
        try:
            network.load_weights(path)
        except (ValueError, OSError, KeyError, BadZipFile) as error:
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
