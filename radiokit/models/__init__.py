"""Networks: builders that return one uncompiled functional `keras.Model` each."""

from radiokit.models.unet import build_unet

__all__ = ["build_unet"]
