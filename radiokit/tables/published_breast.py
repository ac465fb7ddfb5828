"""What the breast study printed, and what it printed of others; never ranked against ours."""

from radiokit.metrics import PIXEL_METRICS

# Zeiser, DeepBatch: its ROI module (lesion against the rest) and its cell module (which labels
# regions). The pooling is not stated, and an IoU above the F1 cannot come from the same counts,
# for which F1 = 2 IoU / (1 + IoU).
PUBLISHED_BREAST_ROI = dict(
    zip(PIXEL_METRICS, (0.9343, 0.9127, 0.9077, 0.9403, 0.8417, 0.93), strict=True)
)
PUBLISHED_BREAST_CELL = dict(
    zip(PIXEL_METRICS, (0.8823, 0.9610, 0.7183, 0.9619, 0.8294, 0.86), strict=True)
)

# The colour-space study: Dice, accuracy over all pixels, then "accuracy" of each class. A class
# against the rest is never less accurate than all pixels are, and most of these are: we read them
# as the share of the class's own pixels that was found, its sensitivity.
_COLOR_COLUMNS = ("dice", "pixel_accuracy", "benign", "in_situ", "invasive", "background")
_COLOR_ROWS = {
    "rgb": (0.6923, 0.8467, 0.7822, 0.8263, 0.7664, 0.9149),
    "hsv": (0.7085, 0.8385, 0.8095, 0.7273, 0.8983, 0.9051),
    "ycrcb": (0.6881, 0.8485, 0.7156, 0.7417, 0.8184, 0.9370),
    "lab": (0.6979, 0.8380, 0.7345, 0.7503, 0.8081, 0.9175),
}
PUBLISHED_COLOR_SPACES = {
    space: dict(zip(_COLOR_COLUMNS, row, strict=True)) for space, row in _COLOR_ROWS.items()
}

# Table 18: other works on other images, as printed, and DeepBatch's cell module.
RELATED_BREAST = {
    "Guo 2019": {"iou": 0.8069, "auc": 0.96},
    "Roy 2019": {"accuracy": 0.87, "sensitivity": 0.90, "specificity": 0.9148, "f1": 0.8985},
    "Gecer 2018": {"accuracy": 0.55},
    "Cruz-Roa 2018": {"iou": 0.76, "sensitivity": 0.87, "specificity": 0.92, "auc": 0.90},
    "Han 2017": {"accuracy": 0.947},
    "Bejnordi 2017": {"accuracy": 0.813},
    "Spanhol 2016": {"accuracy": 0.90},
    "DeepBatch": PUBLISHED_BREAST_CELL,
}

# Metric to model to structure to value, as a record keeps published scores.
PUBLISHED_BREAST = {
    metric: {
        "roi_unet": {"lesion": PUBLISHED_BREAST_ROI[metric]},
        "cell_unet": {"macro": PUBLISHED_BREAST_CELL[metric]},
    }
    for metric in PIXEL_METRICS
}
for _space, _row in PUBLISHED_COLOR_SPACES.items():
    _model = f"resnet_unet_{_space}"
    PUBLISHED_BREAST["f1"][_model] = {"macro": _row["dice"]}
    PUBLISHED_BREAST["accuracy"][_model] = {"all_classes": _row["pixel_accuracy"]}
    PUBLISHED_BREAST["sensitivity"][_model] = {name: _row[name] for name in _COLOR_COLUMNS[2:]}
