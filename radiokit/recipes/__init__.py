"""Whole jobs on anybody's own files: train a network for masks or labels, predict with it."""

from radiokit.recipes.classify import build_network, count_positives, train_classifier
from radiokit.recipes.predict import (
    load_model,
    predict_folder,
    predict_labels,
    predict_masks,
    predict_scores,
)
from radiokit.recipes.segment import train_segmenter
from radiokit.recipes.settings import FRACTIONS, ClassifySettings, SegmentSettings

__all__ = [
    "FRACTIONS",
    "ClassifySettings",
    "SegmentSettings",
    "build_network",
    "count_positives",
    "load_model",
    "predict_folder",
    "predict_labels",
    "predict_masks",
    "predict_scores",
    "train_classifier",
    "train_segmenter",
]
