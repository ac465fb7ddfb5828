"""Numbers that the studies printed; they stand beside ours and are never ranked among them."""

# De la Sotta et al., RetinaRX, the poster's table: Dice on validation, at its best; there is no
# test set, and the splits are not ours. Shown beside our scores, never ranked among them.
PUBLISHED_DICE = {
    "unet": {"lungs": 0.930, "ribs": 0.876, "heart": 0.798, "clavicles": 0.481},
    "resnet_unet_18": {"lungs": 0.951, "ribs": 0.424, "heart": 0.812, "clavicles": 0.525},
    "resnet_unet_34": {"lungs": 0.953, "ribs": 0.862, "heart": 0.815, "clavicles": 0.515},
    "resnet_unet_50": {"lungs": 0.949, "ribs": 0.859, "heart": 0.815, "clavicles": 0.522},
    "swin_unet_base": {"lungs": 0.933, "ribs": 0.782, "heart": 0.768, "clavicles": 0.469},
    "unet_three_head": {"lungs": 0.948, "ribs": 0.880, "heart": 0.812, "clavicles": 0.485},
    "unet_spatial": {"lungs": 0.959, "ribs": 0.870, "heart": 0.807, "clavicles": 0.475},
    "unet_double_spatial": {"lungs": 0.946, "ribs": 0.863, "heart": 0.803, "clavicles": 0.493},
    "unet_full_spatial": {"lungs": 0.959, "ribs": 0.872, "heart": 0.817, "clavicles": 0.489},
}

# Avendaño, table 2: 212 test slices of a split that is not stated. The means printed beside them
# (Dice 0.829 and 0.845, cross-entropy 0.042 and 0.035) are not all the means of these columns.
PUBLISHED_CARDIAC = {
    "dice": {
        "unet_1": {"background": 0.990, "myocardium": 0.748, "blood_pool": 0.747},
        "unet_2": {"background": 0.992, "myocardium": 0.793, "blood_pool": 0.751},
    },
    "cce": {
        "unet_1": {"background": 0.018, "myocardium": 0.049, "blood_pool": 0.070},
        "unet_2": {"background": 0.007, "myocardium": 0.035, "blood_pool": 0.056},
    },
}

# Ochoa et al., the printed report. Support is the number of positives; true positives and
# predicted ones are recovered from precision, recall and support, and None where no count stands
# behind a mean. Precision and F1 of a label that was never predicted are printed as 0. Recall 0.07
# of the samples average says that there were about 130 to 170 test slices only.
_REPORT = {
    "epidural": (0.00, 0.00, 0.00, 9, 0, 0),
    "intraparenchymal": (1.00, 0.67, 0.80, 3, 2, 2),
    "intraventricular": (1.00, 1.00, 1.00, 2, 2, 2),
    "subarachnoid": (1.00, 0.12, 0.22, 8, 1, 1),
    "subdural": (0.57, 0.36, 0.44, 11, 4, 7),
    "any": (0.92, 0.42, 0.58, 26, 11, 12),
    "micro avg": (0.83, 0.34, 0.48, 59, 20, 24),
    "macro avg": (0.75, 0.43, 0.51, 59, None, None),
    "weighted avg": (0.73, 0.34, 0.44, 59, None, None),
    "samples avg": (0.09, 0.07, 0.08, 59, None, None),
}
_REPORT_COLUMNS = ("precision", "recall", "f1", "support", "true_positives", "predicted")
PUBLISHED_HEADCT = {
    label: dict(zip(_REPORT_COLUMNS, row, strict=True)) for label, row in _REPORT.items()
}

# Haiek 2020, table 2: accuracy of the label answers and an F1 called macro, on the test split of
# 15 % of 2,443 images. That F1 follows the accuracy as the pooled kind does and the mean over
# classes would not (see `radiokit.metrics.macro_f1_conventions`); so it stands beside the pooled
# one, which is our inference.
_TABLE_2 = {
    "resnet101": (0.9910, 0.9452),
    "densenet121": (0.9914, 0.9480),
    "inception_v4": (0.9905, 0.9433),
    "stacking_logistic": (0.9917, 0.9491),
    "stacking_xgboost": (0.9911, 0.9454),
}
PUBLISHED_BODYPART = {
    metric: {model: {"all_labels": values[column]} for model, values in _TABLE_2.items()}
    for column, metric in enumerate(("accuracy", "f1_pooled"))
}
