"""Networks: builders that return one uncompiled functional `keras.Model` each.

Importing this module registers the layers of radiokit, so that `keras.models.load_model` opens any
model saved with them.
"""

from radiokit.models.alexnet import build_alexnet
from radiokit.models.arithmetic import (
    count_multiply_adds,
    parameter_table,
    separable_cost_ratio,
)
from radiokit.models.classifiers import build_classifier
from radiokit.models.colors import COLOR_SPACES, ColorSpace, convert_colors
from radiokit.models.densenet import build_densenet
from radiokit.models.efficientnet import build_efficientnet
from radiokit.models.encoders import build_resnet_unet
from radiokit.models.inception import build_inception_v4
from radiokit.models.multitask import build_multitask_unet
from radiokit.models.resnet import build_resnet
from radiokit.models.sequence import build_exam_classifier
from radiokit.models.swin import build_swin_unet
from radiokit.models.unet import build_unet

__all__ = [
    "COLOR_SPACES",
    "ColorSpace",
    "build_alexnet",
    "build_classifier",
    "build_densenet",
    "build_efficientnet",
    "build_exam_classifier",
    "build_inception_v4",
    "build_multitask_unet",
    "build_resnet",
    "build_resnet_unet",
    "build_swin_unet",
    "build_unet",
    "convert_colors",
    "count_multiply_adds",
    "parameter_table",
    "separable_cost_ratio",
]
