"""Whole jobs on anybody's own files: train a network for masks or labels, predict with it."""

from radiokit.recipes.classify import build_network, count_positives, train_classifier
from radiokit.recipes.predict import predict_folder, predict_labels, predict_masks
from radiokit.recipes.predict_slides import predict_slides
from radiokit.recipes.segment import train_segmenter
from radiokit.recipes.segment_scores import predict_scores
from radiokit.recipes.settings import FRACTIONS, ClassifySettings, SegmentSettings, load_model

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
    "predict_slides",
    "train_classifier",
    "train_segmenter",
]
