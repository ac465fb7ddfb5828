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
