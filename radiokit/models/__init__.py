"""Networks: builders that return one uncompiled functional `keras.Model` each.

Importing this module registers the layers of radiokit, so that `keras.models.load_model` opens any
model saved with them.
"""

from radiokit.models.arithmetic import (
    count_multiply_adds,
    parameter_table,
    separable_cost_ratio,
)
from radiokit.models.encoders import build_resnet_unet
from radiokit.models.swin import build_swin_unet
from radiokit.models.unet import build_unet

__all__ = [
    "build_resnet_unet",
    "build_swin_unet",
    "build_unet",
    "count_multiply_adds",
    "parameter_table",
    "separable_cost_ratio",
]
