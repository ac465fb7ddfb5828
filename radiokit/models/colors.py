"""One picture in several colour spaces, computed inside a network or before it, on any backend.

A colour space sorts the same three numbers differently: how bright, how strong, which hue. The
network could learn such a change of axes itself; the study asks whether it helps to be given it.
"""

import keras
import numpy as np
from keras import layers, ops

COLOR_SPACES = ("rgb", "hsv", "ycrcb", "lab")
_NUM_CHANNELS = dict.fromkeys(COLOR_SPACES, 3) | {"all": 3 * len(COLOR_SPACES)}
# ITU-R BT.601; Cr and Cb are differences from Y, scaled and moved to 0..1.
_LUMA = np.array([0.299, 0.587, 0.114])
_TO_YCRCB = np.stack(
    [_LUMA, 0.713 * (np.array([1, 0, 0]) - _LUMA), 0.564 * (np.array([0, 0, 1]) - _LUMA)]
)
_YCRCB_OFFSET = np.array([0.0, 0.5, 0.5])
# sRGB (IEC 61966-2-1) to CIE XYZ, each row over the white of daylight D65 seen at 2 degrees.
_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
) / np.array([[0.95047], [1.0], [1.08883]])
_SRGB_KNEE, _LAB_KNEE = 0.04045, 0.008856  # below, both curves are straight lines
# L = 116 fy - 16, a = 500 (fx - fy), b = 200 (fy - fz); then L / 100, (a + 128) / 255 and so b.
_TO_LAB = np.array([[0, 1.16, 0], [500 / 255, -500 / 255, 0], [0, 200 / 255, -200 / 255]])
_LAB_OFFSET = np.array([-0.16, 128 / 255, 128 / 255])


def convert_colors(images, space):
    """Red, green and blue in another colour space, every channel in about 0..1.

    When to use: on NumPy images, in a `tf.data` pipeline of the TensorFlow backend, or on the
    tensors of a network; as a layer it is `ColorSpace`. Every gradient is finite, at black, grey
    and white too.

    The channels, with the range they have in textbooks and what is done to it:

    - `"rgb"`: as given.
    - `"hsv"`: hue, 0 to 360 degrees, / 360: 0 red, 1/3 green, 2/3 blue, and just below 1 red
      again, so that the two reds next to each other are far apart in numbers (eosin pink lies
      there); a grey pixel has hue 0. Saturation 0..1 and value 0..1, as they are.
    - `"ycrcb"`: luma Y 0..1 as it is; Cr and Cb, -0.5..0.5, + 0.5. The order is OpenCV's: Y, Cr,
      Cb.
    - `"lab"`: CIE L*a*b* of sRGB under daylight D65: L*, 0..100, / 100; a* (green to red, -86..98
      for what sRGB can show) and b* (blue to yellow, -108..94), each (value + 128) / 255. Grey is
      at 0.502.
    - `"all"`: these four in the order of `COLOR_SPACES`, twelve channels.

    Args:
        images: (..., 3) floats in 0..1, red, green, blue; one pixel, an image or a batch.
        space: `"rgb"`, `"hsv"`, `"ycrcb"`, `"lab"` or `"all"`.

    Returns:
        (..., 3), of `"all"` (..., 12), float32: a tensor of the backend.

    Raises:
        ValueError: an unknown space, whole numbers, or not three channels.

    Example:
        >>> red = np.array([1.0, 0.0, 0.0])
        >>> np.asarray(convert_colors(red, "hsv")).tolist()
        [0.0, 1.0, 1.0]
    """
    _check_space(space)
    images = _checked_images(images)
    spaces = COLOR_SPACES if space == "all" else (space,)
    converted = [_CONVERT[one](images) for one in spaces]  # (..., 3) each
    return converted[0] if space != "all" else ops.concatenate(converted, axis=-1)


@keras.saving.register_keras_serializable(package="radiokit")
class ColorSpace(layers.Layer):
    """`convert_colors` as a layer: the network carries its colour space with it.

    When to use: first in a network that is fed red, green and blue whatever space it works in, as
    in the colour-space study. Nothing is trained.

    Args:
        space: `"rgb"`, `"hsv"`, `"ycrcb"`, `"lab"` or `"all"`, as in `convert_colors`.
        name: of the layer; None takes `color_space`.

    Raises:
        ValueError: an unknown space.
    """

    def __init__(self, space, name=None):
        super().__init__(trainable=False, dtype="float32", name=name or "color_space")
        _check_space(space)
        self.space = space

    def call(self, inputs):
        """(..., 3) to (..., 3), or to (..., 12) of `"all"`.

        Args:
            inputs: (..., 3) tensor, red, green, blue in 0..1.

        Returns:
            float32 tensor in about 0..1.
        """
        return convert_colors(inputs, self.space)

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (..., 3).

        Returns:
            (..., 3), or (..., 12) of `"all"`.
        """
        return (*input_shape[:-1], _NUM_CHANNELS[self.space])

    def get_config(self):
        """Arguments that rebuild this layer, for saving a model."""
        return {"space": self.space, "name": self.name}


def _check_space(space):
    if space not in _NUM_CHANNELS:
        raise ValueError(f"The colour space is {space!r}; needed is one of {tuple(_NUM_CHANNELS)}.")


def _checked_images(images):
    images = ops.convert_to_tensor(images)
    kind = keras.backend.standardize_dtype(images.dtype)
    if "float" not in kind or len(images.shape) < 1 or images.shape[-1] != 3:
        raise ValueError(
            f"The images are {kind} of shape {tuple(images.shape)}; needed are floats in 0..1 of "
            "shape (..., 3): red, green, blue. Divide uint8 pixels by 255 first."
        )
    return ops.cast(images, "float32")


def _to_hsv(images):
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    value = ops.maximum(ops.maximum(red, green), blue)
    spread = value - ops.minimum(ops.minimum(red, green), blue)
    # The strongest channel picks a third of the circle; masks, since a gradient through the
    # untaken side of a condition may still be infinite.
    is_red = ops.cast(red >= value, "float32")
    is_green = (1 - is_red) * ops.cast(green >= value, "float32")
    is_blue = 1 - is_red - is_green
    lead = is_red * (green - blue) + is_green * (blue - red) + is_blue * (red - green)
    lap = 6 * is_red * ops.cast(green < blue, "float32")  # from below red to below 360 degrees
    hue = (lead / _one_where_zero(spread) + 2 * is_green + 4 * is_blue + lap) / 6
    planes = ops.stack([hue, spread / _one_where_zero(value), value])
    return ops.moveaxis(planes, 0, -1)  # half the time of stacking along the last axis


def _one_where_zero(plane):
    return plane + ops.cast(plane <= 0, "float32")


def _to_ycrcb(images):
    return _linear(images, _TO_YCRCB, _YCRCB_OFFSET)


def _to_lab(images):
    linear = _line_then_power(images, _SRGB_KNEE, 1 / 12.92, 2.4, (0.055 / 1.055, 1 / 1.055))
    white_shares = _linear(linear, _TO_XYZ, np.zeros(3))  # X, Y and Z, 1 for white
    bent = _line_then_power(white_shares, _LAB_KNEE, 7.787, 1 / 3, (0.0, 1.0))
    return _linear(bent + 16 / 116, _TO_LAB, _LAB_OFFSET)


def _line_then_power(values, knee, slope, power, inside):
    """`slope * v` up to the knee, then (offset + factor v) ** power, joined without a step.

    Minimum and maximum in place of a condition, and logarithms of what is above 0 only.
    """
    offset, factor = inside
    start = (offset + factor * knee) ** power
    above = ops.log(ops.maximum(values, knee) * factor + offset)
    return ops.minimum(values, knee) * slope + (ops.exp(above * power) - start)


def _linear(values, matrix, offset):
    return ops.matmul(values, matrix.T.astype("float32")) + offset.astype("float32")


_CONVERT = {"rgb": lambda images: images, "hsv": _to_hsv, "ycrcb": _to_ycrcb, "lab": _to_lab}
