"""Inception v4: in every block, branches that look at neighbourhoods of several sizes at once.

Paper: Szegedy et al. 2016, Inception-v4, Inception-ResNet and the Impact of Residual Connections
on Learning, https://arxiv.org/abs/1602.07261
"""

import keras
from keras import layers

from radiokit.models.blocks import classification_head, normalize
from radiokit.models.pretrained import (
    check_classifier_arguments,
    load_own_weights,
    repeat_channel,
)

PUBLISHED_BLOCKS = (4, 7, 3)
PUBLISHED_SIDE = 299  # pixels
SMALLEST_IMAGE = 32  # pixels; the network halves it five times

# A branch is a row of steps: a pool, or a convolution as (channels, (rows, columns) of the kernel).
# A third number is the stride of a step that the paper marks V: no padding at the border.
MEAN, MAX = "mean", "max"  # 3x3 at stride 1; 3x3 at stride 2, marked V
STEM = ((32, (3, 3), 2), (32, (3, 3), 1), (64, (3, 3)))
STEM_FORKS = (
    ((MAX,), ((96, (3, 3), 2),)),
    (
        ((64, (1, 1)), (96, (3, 3), 1)),
        ((64, (1, 1)), (64, (7, 1)), (64, (1, 7)), (96, (3, 3), 1)),
    ),
    (((192, (3, 3), 2),), (MAX,)),
)
BLOCK_A = (
    (MEAN, (96, (1, 1))),
    ((96, (1, 1)),),
    ((64, (1, 1)), (96, (3, 3))),
    ((64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
)
REDUCTION_A = (
    (MAX,),
    ((384, (3, 3), 2),),
    ((192, (1, 1)), (224, (3, 3)), (256, (3, 3), 2)),
)
BLOCK_B = (
    (MEAN, (128, (1, 1))),
    ((384, (1, 1)),),
    ((192, (1, 1)), (224, (1, 7)), (256, (7, 1))),
    ((192, (1, 1)), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))),
)
REDUCTION_B = (
    (MAX,),
    ((192, (1, 1)), (192, (3, 3), 2)),
    ((256, (1, 1)), (256, (1, 7)), (320, (7, 1)), (320, (3, 3), 2)),
)
BLOCK_C = ((MEAN, (256, (1, 1))), ((256, (1, 1)),))
# Two more branches of block C end in two convolutions side by side.
BLOCK_C_TRUNKS = (((384, (1, 1)),), ((384, (1, 1)), (448, (1, 3)), (512, (3, 1))))
BLOCK_C_ENDS = ((256, (1, 3)), (256, (3, 1)))


def build_inception_v4(
    image_shape,
    num_classes,
    blocks=(4, 7, 3),
    width=1.0,
    hidden_units=None,
    dropout=0.0,
    weights=None,
):
    """Inception v4: fourteen blocks of three kinds on three resolutions.

    When to use: classification of single images. The paper's image is 299 x 299 and its dropout
    0.2. For a quick try take `blocks=(1, 1, 1), width=0.125`.

    Where an image is 299 or more on both sides, the convolutions and pools that the paper marks V
    lose the border, as there. A smaller image is padded at all of them ("same"), so that it is
    halved five times and 64 pixels leave 2 x 2; parameters are the same either way.

    The trainable parameters at three channels: a convolution has rows·columns·received·produced,
    no bias, and its normalisation 2 a channel (gamma and beta). Stem 605,728, blocks A 4·317,632,
    reduction 2,306,112, blocks B 7·2,936,256, reduction 2,747,392, blocks C 3·4,553,088:
    41,142,816. The head adds 1536·1000 + 1000 at 1000 labels: 42,679,816 in all.

    Layers to look at: `encoder3_join` is the last block's output, (height / 32, width / 32,
    channels), for `radiokit.explain.grad_cam`; `features` is its mean over the pixels.

    Args:
        image_shape: (height, width, channels) in pixels, height and width 32 or more.
        num_classes: labels, one logit each.
        blocks: how many blocks A, B and C.
        width: what multiplies the channels of every convolution.
        hidden_units: units of a dense layer with ReLU between features and logits; None: none.
        dropout: fraction of the values before the logits dropped in training, 0 to below 1.
        weights: None starts at random. Or the path of a file saved from this network, with the
            same `blocks` and `width`; all but the dense layers is taken. The image enters as it
            did then, in 0..1 and not normalised; one channel is repeated to three where the file
            is of a network with three. `keras.applications` has no weights for it.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits, float32.

    Raises:
        ValueError: a shape, width, number of blocks or dropout that does not fit, or weights for
            another network.
        FileNotFoundError: a weights file that is not there.

    Paper: Szegedy et al. 2016, https://arxiv.org/abs/1602.07261
    """
    check_classifier_arguments(image_shape, num_classes, dropout, SMALLEST_IMAGE, width)
    if len(blocks) != 3 or min(blocks) < 1:
        raise ValueError(
            f"blocks is {blocks!r}; needed are three numbers from 1, of the blocks A, B and C, "
            "such as (4, 7, 3) for the network as published."
        )

    def build(is_repeated):
        image = keras.Input(image_shape, name="image")
        tensor = repeat_channel(image) if is_repeated else image
        tensor = _encode(tensor, blocks, width, _border(image_shape))  # (H / 32, W / 32, C)
        logits = classification_head(tensor, num_classes, hidden_units, dropout)
        return keras.Model(image, logits, name=_model_name(blocks, width))

    if weights is None:
        return build(is_repeated=False)
    return load_own_weights(build, image_shape, weights, "features")


def _encode(tensor, blocks, width, border):
    """Stem, then blocks A, B and C, with a reduction between each two kinds."""
    tensor = _follow(tensor, STEM, width, border, "encoder0")
    for number, branches in enumerate(STEM_FORKS, start=1):
        tensor = _fork(tensor, branches, width, border, f"encoder0_fork{number}")
    for number in range(1, blocks[0] + 1):
        tensor = _fork(tensor, BLOCK_A, width, border, f"encoder1_block{number}")
    tensor = _fork(tensor, REDUCTION_A, width, border, "encoder2_reduction")
    for number in range(1, blocks[1] + 1):
        tensor = _fork(tensor, BLOCK_B, width, border, f"encoder2_block{number}")
    tensor = _fork(tensor, REDUCTION_B, width, border, "encoder3_reduction")
    for number in range(1, blocks[2] + 1):
        name = f"encoder3_block{number}"
        branches = [*_branches(tensor, BLOCK_C, width, border, name), *_wide(tensor, width, name)]
        end = "encoder3" if number == blocks[2] else name
        tensor = layers.Concatenate(name=f"{end}_join")(branches)  # (h, w, 1536 · width)
    return tensor


def _fork(tensor, branches, width, border, name):
    branches = _branches(tensor, branches, width, border, name)
    return layers.Concatenate(name=f"{name}_join")(branches)


def _branches(tensor, branches, width, border, name):
    return [
        _follow(tensor, steps, width, border, f"{name}_branch{number}")
        for number, steps in enumerate(branches, start=1)
    ]


def _wide(tensor, width, name):
    """The branches of block C that end in a row and a column side by side."""
    ends = []
    for number, steps in enumerate(BLOCK_C_TRUNKS, start=len(BLOCK_C) + 1):
        branch = f"{name}_branch{number}"
        trunk = _follow(tensor, steps, width, "same", branch)
        for end, step in zip(("row", "column"), BLOCK_C_ENDS, strict=True):
            ends.append(_follow(trunk, [step], width, "same", f"{branch}_{end}"))
    return ends


def _follow(tensor, steps, width, border, name):
    """One branch: its steps one after the other; `border` is the padding of those marked V."""
    for number, step in enumerate(steps, start=1):
        if step == MAX:
            pool = layers.MaxPooling2D(3, strides=2, padding=border, name=f"{name}_pool")
            tensor = pool(tensor)
        elif step == MEAN:
            pool = layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")
            tensor = pool(tensor)
        else:
            tensor = _convolve(tensor, step, width, border, name, number)
    return tensor


def _convolve(tensor, step, width, border, name, number):
    channels, kernel, *marked = step
    stride, padding = (marked[0], border) if marked else (1, "same")
    tensor = layers.Conv2D(
        max(1, round(channels * width)),
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        name=f"{name}_conv{number}",
    )(tensor)
    tensor = normalize(tensor, f"{name}_norm{number}")
    return layers.Activation("relu", name=f"{name}_relu{number}")(tensor)


def _border(image_shape):
    return "valid" if min(image_shape[:2]) >= PUBLISHED_SIDE else "same"


def _model_name(blocks, width):
    if tuple(blocks) == PUBLISHED_BLOCKS and width == 1:
        return "inception_v4"
    return "inception_v4_" + "_".join(map(str, blocks)) + f"_width{width}"
