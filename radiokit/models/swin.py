"""Swin-UNet: a U-Net whose blocks are attention within windows instead of convolutions.

Papers: Cao et al. 2021, Swin-Unet, https://arxiv.org/abs/2105.05537; Liu et al. 2021, Swin
Transformer, https://arxiv.org/abs/2103.14030
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from radiokit.models.blocks import check_segmentation_arguments, segmentation_head

PATCH_SIDE = 4  # pixels of one token, along each side
PUBLISHED_WINDOW = 7  # tokens along each side of a window, at 224 x 224 pixels
DECODER_DEPTH = 2  # blocks per decoder level
DROP_PATH = 0.2  # fraction of images for which the last block is skipped in training
BLOCKED = -1e4  # added to the score of a pair of tokens that must not see each other


@dataclass(frozen=True)
class SwinSize:
    """One published configuration: channels of the first level, then blocks and heads per level."""

    embedding: int
    depths: tuple
    num_heads: tuple


SIZES = {
    "tiny": SwinSize(96, (2, 2, 2, 2), (3, 6, 12, 24)),
    "base": SwinSize(128, (2, 2, 18, 2), (4, 8, 16, 32)),
}


def build_swin_unet(image_shape, num_classes, size="base", activation="softmax"):
    """Swin-UNet: tokens of 4x4 pixels, attention within shifting windows, four levels, skips.

    When to use: to see what attention does where convolutions are usual. It starts from random
    weights here, so on a few hundred images expect less than from a U-Net.

    `"tiny"` is the configuration the paper trains: 96 channels, 2, 2, 2, 2 blocks, 3, 6, 12, 24
    heads. `"base"` is the encoder of Swin-B: 128 channels, 2, 2, 18, 2 blocks, 4, 8, 16, 32 heads.
    Either decoder has two blocks a level, as the paper draws it (its code would mirror the 18).
    Windows have 7x7 tokens where 7 divides the grid, as at 224x224 pixels; elsewhere the largest
    side from 8 down to 4 that does (8x8 at 256x256), so that nothing needs padding.

    Args:
        image_shape: (height, width, channels) in pixels; height and width multiples of 32.
        num_classes: output channels.
        size: `"tiny"` or `"base"`.
        activation: `"softmax"` for exclusive classes, `"sigmoid"` for overlapping structures,
            None for logits.

    Returns:
        An uncompiled `keras.Model`, image (height, width, channels) to (height, width,
        num_classes) float32.

    Raises:
        ValueError: a size that is no multiple of 32, with the size to pad to; an unknown size of
            network or activation; softmax over one class.

    Paper: Cao et al. 2021, https://arxiv.org/abs/2105.05537
    """
    if size not in SIZES:
        raise ValueError(f"size is {size!r}; needed is one of {tuple(SIZES)}.")
    config = SIZES[size]
    levels = len(config.depths)
    check_segmentation_arguments(
        image_shape, num_classes, activation, PATCH_SIDE * 2 ** (levels - 1)
    )
    image = keras.Input(image_shape, name="image")
    features = _encode(image, config)
    decoded = _decode(features, config)  # (H/4, W/4, embedding)
    decoded = _expand(decoded, PATCH_SIDE, config.embedding, "final0")  # (H, W, embedding)
    scores = segmentation_head(decoded, num_classes, activation)  # (H, W, num_classes)
    return keras.Model(image, scores, name=f"swin_unet_{size}")


def _encode(image, config):
    """Tokens, then blocks at four levels; returns every level's features, the finest first."""
    drop_paths = _drop_paths(config.depths)
    features = []
    for level, depth in enumerate(config.depths):
        name = f"encoder{level}"
        if level == 0:
            tensor = layers.Conv2D(
                config.embedding, PATCH_SIDE, strides=PATCH_SIDE, name=f"{name}_embed"
            )(image)  # (H/4, W/4, embedding)
            tensor = _layer_norm(tensor, f"{name}_embed_norm")
        else:
            tensor = _merge(tensor, name)  # half the grid, twice the channels
        tensor = _blocks(tensor, config.num_heads[level], drop_paths[level][:depth], name)
        features.append(tensor)
    features[-1] = _layer_norm(features[-1], f"encoder{level}_out_norm")
    return features


def _decode(features, config):
    """From the coarsest tokens up to the finest grid, joining one skip a level."""
    drop_paths = _drop_paths(config.depths)
    tensor = features[-1]
    for level in reversed(range(len(features) - 1)):
        name, skip = f"decoder{level}", features[level]
        width = skip.shape[-1]
        tensor = _expand(tensor, 2, width, name)  # twice the grid, half the channels
        tensor = layers.Concatenate(name=f"{name}_join")([tensor, skip])  # (h, w, 2 * width)
        tensor = _dense(width, f"{name}_reduce")(tensor)  # (h, w, width)
        drops = drop_paths[level][-DECODER_DEPTH:]
        tensor = _blocks(tensor, config.num_heads[level], drops, name)
    return _layer_norm(tensor, "decoder0_out_norm")


def _merge(tensor, name):
    """Four neighbouring tokens become one of twice the channels."""
    width = tensor.shape[-1]
    tensor = MergePatches(2, name=f"{name}_merge")(tensor)  # (h/2, w/2, 4 * width)
    tensor = _layer_norm(tensor, f"{name}_merge_norm")
    return _dense(2 * width, f"{name}_merge_reduce", use_bias=False)(tensor)  # (h/2, w/2, 2 width)


def _expand(tensor, factor, width, name):
    """One token becomes factor x factor tokens of `width` channels."""
    tensor = _dense(factor**2 * width, f"{name}_expand_widen", use_bias=False)(tensor)
    tensor = ExpandPatches(factor, name=f"{name}_expand")(tensor)  # (factor h, factor w, width)
    return _layer_norm(tensor, f"{name}_expand_norm")


def _blocks(tensor, num_heads, drop_paths, name):
    """Blocks in a row: windows in place, windows shifted by half, and so on."""
    for index, drop_path in enumerate(drop_paths):
        tensor = _swin_block(tensor, num_heads, index % 2 == 1, drop_path, f"{name}_block{index}")
    return tensor


def _swin_block(tensor, num_heads, shifted, drop_path, name):
    """Attention within windows, then two dense layers per token; each added to what came in."""
    height, width, channels = tensor.shape[1:]
    window = (window_side(height), window_side(width))
    # A window as large as the grid sees everything: there is nothing to shift.
    shift = tuple(
        w // 2 if shifted and w < side else 0
        for w, side in zip(window, (height, width), strict=True)
    )
    inner = _layer_norm(tensor, f"{name}_norm1")
    inner = WindowAttention(num_heads, window, shift, name=f"{name}_attention")(inner)
    inner = _drop_path(inner, drop_path, f"{name}_drop1")
    tensor = layers.Add(name=f"{name}_add1")([tensor, inner])  # (h, w, channels)
    inner = _layer_norm(tensor, f"{name}_norm2")
    inner = _dense(4 * channels, f"{name}_widen", activation="gelu")(inner)  # (h, w, 4 channels)
    inner = _dense(channels, f"{name}_narrow")(inner)
    inner = _drop_path(inner, drop_path, f"{name}_drop2")
    return layers.Add(name=f"{name}_add2")([tensor, inner])  # (h, w, channels)


def window_side(side):
    """Side of the attention window for a grid `side` tokens long.

    When to use: to see how many tokens attend to each other at a given image size.

    Args:
        side: height or width of the token grid, at least 1.

    Returns:
        A divisor of `side`: the whole of a grid of up to 8; else 7, or the largest from 8 down to
        4, or where none fits the smallest above 8.

    >>> [window_side(side) for side in (56, 64, 24, 22, 3)]
    [7, 8, 8, 11, 3]
    """
    if side <= 8:
        return side
    candidates = (PUBLISHED_WINDOW, 8, 6, 5, 4, *range(9, side + 1))
    return next(candidate for candidate in candidates if side % candidate == 0)


def _drop_paths(depths):
    """Per level and block, the fraction of images for which it is skipped: from 0 up, linearly."""
    rates = np.linspace(0, DROP_PATH, sum(depths)).round(6).tolist()
    ends = np.cumsum(depths).tolist()
    return [rates[end - depth : end] for end, depth in zip(ends, depths, strict=True)]


def _drop_path(tensor, rate, name):
    """Skip a branch for whole images in training (Huang et al. 2016, stochastic depth)."""
    if rate == 0:
        return tensor
    return layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=name)(tensor)


def _layer_norm(tensor, name):
    return layers.LayerNormalization(epsilon=1e-5, name=name)(tensor)


def _dense(units, name, use_bias=True, activation=None, dtype=None):
    return layers.Dense(
        units,
        activation=activation,
        use_bias=use_bias,
        # A new initializer each time: one object would give every layer the same weights.
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name=name,
        dtype=dtype,
    )


@keras.saving.register_keras_serializable(package="radiokit")
class MergePatches(layers.Layer):
    """Lay each square of factor x factor tokens behind one another as channels.

    When to use: to halve a grid of tokens without losing any value.

    Args:
        factor: tokens along each side of the square.
        name: name of the layer.
        dtype: type or policy of the layer.
    """

    def __init__(self, factor, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor

    def call(self, inputs):
        """(N, H, W, C) to (N, H / factor, W / factor, factor**2 * C).

        Args:
            inputs: (N, H, W, C) tensor.

        Returns:
            (N, H / factor, W / factor, factor**2 * C) tensor.
        """
        return ops.space_to_depth(inputs, self.factor)

    def get_config(self):
        """What is needed to build the layer again.

        Returns:
            A dict of the arguments.
        """
        return {"name": self.name, "dtype": self.dtype_policy, "factor": self.factor}


@keras.saving.register_keras_serializable(package="radiokit")
class ExpandPatches(MergePatches):
    """Spread channels out into squares of factor x factor tokens: undoes `MergePatches`.

    When to use: to double a grid of tokens.

    Args:
        factor: tokens along each side of the square.
        name: name of the layer.
        dtype: type or policy of the layer.
    """

    def call(self, inputs):
        """(N, H, W, factor**2 * C) to (N, factor * H, factor * W, C).

        Args:
            inputs: (N, H, W, factor**2 * C) tensor.

        Returns:
            (N, factor * H, factor * W, C) tensor.
        """
        return ops.depth_to_space(inputs, self.factor)


@keras.saving.register_keras_serializable(package="radiokit")
class WindowAttention(layers.Layer):
    """Self-attention within windows of a grid of tokens, with a learned bias per offset.

    When to use: inside a Swin block. With a shift, the grid is rolled first, so that windows
    straddle the borders of the unshifted ones; tokens that only the roll brought together do not
    see each other.

    Args:
        num_heads: attention heads; must divide the channels.
        window: (height, width) of a window in tokens; must divide the grid.
        shift: (rows, columns) of the roll in tokens, 0 for none.
        name: name of the layer.
        dtype: type or policy of the layer.

    Paper: Liu et al. 2021, Swin Transformer, https://arxiv.org/abs/2103.14030
    """

    def __init__(self, num_heads, window, shift=(0, 0), name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_heads = num_heads
        self.window = tuple(window)
        self.shift = tuple(shift)

    def build(self, input_shape):
        """Make the weights.

        Args:
            input_shape: (N, H, W, C).

        Raises:
            ValueError: a window that does not divide the grid, or heads that do not divide C.
        """
        _, height, width, channels = input_shape
        if height % self.window[0] or width % self.window[1] or channels % self.num_heads:
            raise ValueError(
                f"Grid {height} x {width} with {channels} channels: the window {self.window} must "
                f"divide the grid and the {self.num_heads} heads must divide the channels."
            )
        positions = np.prod([2 * side - 1 for side in self.window])
        self.position_bias = self.add_weight(
            shape=(int(positions), self.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="position_bias",
        )
        policy = self.dtype_policy
        self.to_query_key_value = _dense(3 * channels, "query_key_value", dtype=policy)
        self.to_query_key_value.build((None, None, channels))
        self.projection = _dense(channels, "projection", dtype=policy)
        self.projection.build((None, None, channels))
        self._bias_index = relative_position_index(self.window)
        self._mask = shifted_window_mask((height, width), self.window, self.shift)

    def call(self, inputs):
        """Attend within windows.

        Args:
            inputs: (N, H, W, C) tensor.

        Returns:
            (N, H, W, C) tensor.
        """
        rolled = self._roll(inputs, -1)
        query, key, value = self._heads(rolled)  # each (N, windows, heads, tokens, C / heads)
        scale = (inputs.shape[-1] // self.num_heads) ** -0.5
        scores = ops.matmul(query * scale, ops.swapaxes(key, -1, -2))
        weights = ops.softmax(scores + self._pair_bias(scores.dtype), axis=-1)
        attended = ops.matmul(weights, value)  # (N, windows, heads, tokens, C / heads)
        return self._roll(self._grid(attended, inputs.shape), 1)

    def compute_output_shape(self, input_shape):
        """The shape of the output, known without running.

        Args:
            input_shape: (N, H, W, C).

        Returns:
            The same shape.
        """
        return input_shape

    def multiply_adds(self, input_shape):
        """Multiplications with addition for one image: two dense layers and two matrix products.

        When to use: through `radiokit.models.count_multiply_adds`.

        Args:
            input_shape: (N, H, W, C).

        Returns:
            A whole number.
        """
        _, height, width, channels = input_shape
        tokens = height * width
        return tokens * channels * (4 * channels + 2 * self.window[0] * self.window[1])

    def get_config(self):
        """What is needed to build the layer again.

        Returns:
            A dict of the arguments.
        """
        config = {"num_heads": self.num_heads, "window": self.window, "shift": self.shift}
        return {"name": self.name, "dtype": self.dtype_policy, **config}

    def _roll(self, tensor, direction):
        if not any(self.shift):
            return tensor
        return ops.roll(tensor, tuple(direction * s for s in self.shift), axis=(1, 2))

    def _heads(self, tensor):
        """Cut the grid into windows; query, key and value of every token and head."""
        _, height, width, channels = tensor.shape
        (rows, columns), heads = self.window, self.num_heads
        tensor = ops.reshape(
            tensor, (-1, height // rows, rows, width // columns, columns, channels)
        )
        tensor = ops.transpose(tensor, (0, 1, 3, 2, 4, 5))  # (N, across, down, rows, columns, C)
        windows = height * width // (rows * columns)
        tensor = ops.reshape(tensor, (-1, windows, rows * columns, channels))
        tensor = self.to_query_key_value(tensor)  # (N, windows, tokens, 3C)
        tensor = ops.reshape(tensor, (-1, windows, rows * columns, 3, heads, channels // heads))
        tensor = ops.transpose(tensor, (3, 0, 1, 4, 2, 5))
        return tensor[0], tensor[1], tensor[2]

    def _grid(self, tensor, shape):
        """Join the heads of every token and put the windows back in their places."""
        _, height, width, channels = shape
        rows, columns = self.window
        tensor = ops.transpose(tensor, (0, 1, 3, 2, 4))  # (N, windows, tokens, heads, C / heads)
        tensor = ops.reshape(tensor, (-1, tensor.shape[1], rows * columns, channels))
        tensor = self.projection(tensor)
        tensor = ops.reshape(
            tensor, (-1, height // rows, width // columns, rows, columns, channels)
        )
        tensor = ops.transpose(tensor, (0, 1, 3, 2, 4, 5))
        return ops.reshape(tensor, (-1, height, width, channels))

    def _pair_bias(self, dtype):
        """What is added to the score of every pair of tokens: (windows or 1, heads, tokens²)."""
        tokens = self.window[0] * self.window[1]
        bias = ops.take(self.position_bias, self._bias_index, axis=0)
        bias = ops.transpose(ops.reshape(bias, (tokens, tokens, self.num_heads)), (2, 0, 1))
        if self._mask is not None:
            bias = bias + ops.cast(self._mask, bias.dtype)
        return ops.cast(bias, dtype)


def relative_position_index(window):
    """Row of the bias table for every pair of tokens of a window.

    When to use: inside `WindowAttention`, or to show that the bias depends on the offset only.

    Args:
        window: (height, width) in tokens.

    Returns:
        int32 array (tokens * tokens,): equal numbers for pairs at the same offset.

    >>> relative_position_index((1, 3)).reshape(3, 3)
    array([[2, 1, 0],
           [3, 2, 1],
           [4, 3, 2]], dtype=int32)
    """
    rows, columns = np.divmod(np.arange(window[0] * window[1]), window[1])
    row_offset = rows[:, None] - rows[None, :] + window[0] - 1
    column_offset = columns[:, None] - columns[None, :] + window[1] - 1
    return (row_offset * (2 * window[1] - 1) + column_offset).astype("int32").ravel()


def shifted_window_mask(grid, window, shift):
    """Penalty for pairs of tokens that share a window only because the grid was rolled.

    When to use: inside `WindowAttention`.

    Args:
        grid: (height, width) in tokens.
        window: (height, width) in tokens.
        shift: (rows, columns) of the roll.

    Returns:
        float32 array (windows, 1, tokens, tokens) of 0 and a large negative number; None when
        nothing is shifted.
    """
    if not any(shift):
        return None
    regions = [_side_regions(*sides) for sides in zip(grid, window, shift, strict=True)]
    region = 3 * regions[0][:, None] + regions[1][None, :]  # (height, width)
    down, across = grid[0] // window[0], grid[1] // window[1]
    region = region.reshape(down, window[0], across, window[1]).transpose(0, 2, 1, 3)
    region = region.reshape(down * across, 1, -1)  # (windows, 1, tokens)
    apart = region[..., :, None] != region[..., None, :]
    return np.where(apart, np.float32(BLOCKED), np.float32(0))


def _side_regions(side, window, shift):
    """Along one side of the rolled grid: 0 untouched windows, 1 the last one's start, 2 its end."""
    position = np.arange(side)
    if shift == 0:
        return np.zeros(side, int)
    return (position >= side - window).astype(int) + (position >= side - shift)
