"""The published classifiers by their names."""

from functools import partial

from radiokit.models.alexnet import build_alexnet
from radiokit.models.densenet import build_densenet
from radiokit.models.efficientnet import build_efficientnet
from radiokit.models.inception import build_inception_v4
from radiokit.models.resnet import RESNETS, build_resnet

BUILDERS = {
    "alexnet": build_alexnet,
    "efficientnet": build_efficientnet,
    "densenet121": build_densenet,
    "inception_v4": build_inception_v4,
    "resnet50": partial(build_resnet, stage_blocks=RESNETS["resnet50"]),
    "resnet101": build_resnet,
}


def build_classifier(name, image_shape, num_classes, weights=None, hidden_units=None, dropout=0.0):
    """A published classifier by its name.

    When to use: to compare networks of several studies; the builder of the network itself has
    more to choose from, smaller versions among it.

    The last feature map, for `radiokit.explain.grad_cam`, is `encoder5_relu` of alexnet,
    `encoder8_swish` of efficientnet, `encoder4_relu` of densenet121, resnet50 and resnet101,
    and `encoder3_join` of inception_v4; pooled it is `features` in all six.

    Args:
        name: `"alexnet"`, `"efficientnet"` (B0), `"densenet121"`, `"inception_v4"`, `"resnet50"`
            or `"resnet101"`.
        image_shape: (height, width, channels) in pixels, height and width 64 or more.
        num_classes: labels, one logit each.
        weights: None; the path of a file; `"imagenet"` (not for alexnet and inception_v4), as the
            builder says.
        hidden_units: units of a dense layer with ReLU between features and logits; None: none. Of
            alexnet: units of its own two dense layers; None: 4096.
        dropout: fraction of the values before the logits dropped in training, 0 to below 1; of
            alexnet, before each of its two dense layers.

    Returns:
        An uncompiled `keras.Model`, image to (num_classes,) logits.

    Raises:
        ValueError: an unknown name, or what the builder raises.
        FileNotFoundError: a weights file that is not there.
    """
    if name not in BUILDERS:
        raise ValueError(f"name is {name!r}; the classifiers that exist are {tuple(BUILDERS)}.")
    return BUILDERS[name](
        image_shape, num_classes, hidden_units=hidden_units, dropout=dropout, weights=weights
    )
