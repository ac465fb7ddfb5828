"""Head CT with haemorrhage: three public sets to case tables, and their rows to arrays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.ct_ich import index_ct_ich
from radiokit.data.headct_labels import LABELS, SUBTYPES, pivot_rsna_labels
from radiokit.data.headct_masks import (
    SUBTYPE_COLORS,
    read_headct_masks,
    read_label_map,
    read_subtype_colors,
)
from radiokit.data.own_labels import CT_WINDOWS, label_target
from radiokit.data.pairing import pair_files
from radiokit.data.picture_files import PICTURES
from radiokit.data.rsna_ich import index_rsna_ich
from radiokit.data.windowed import read_windowed_image
from radiokit.io.windows import Window

__all__ = [
    "LABELS",
    "SUBTYPES",
    "SUBTYPE_COLORS",
    "index_bhsd_slices",
    "index_ct_ich",
    "index_rsna_ich",
    "pivot_rsna_labels",
    "read_headct_case",
    "read_headct_masks",
    "read_label_map",
    "read_multitask_case",
    "read_subtype_colors",
]


def index_bhsd_slices(root: str | Path) -> pd.DataFrame:
    """Case table of slices of the Brain Hemorrhage Segmentation Dataset saved as pictures.

    Use it on a folder with `images/120018.png` (brain window) and `masks/120018.png` (colours, see
    `read_subtype_colors`). The first three digits are taken for the patient, the others for the
    slice: nobody publishes what the names mean. Every mask is read, and gives the labels.

    Args:
        root: folder that holds `images` and `masks`.

    Returns:
        One row a slice: `case_id, patient_id, exam_id` (the patient), `image, mask, mask_kind`
        ("colors"), the six `LABELS`, `slice_index`, unknown spacing (NaN), `dataset`
        ("bhsd_slices"), `is_phantom`. `table.attrs["unmatched"]` lists files without a partner.

    Raises:
        FileNotFoundError: a folder is missing or empty.
        ValueError: nothing matches, or a name does not begin with three digits.
        radiokit.io.UnreadableFileError: a mask cannot be read.
    """
    root = Path(root)
    pairs = pair_files(root / "images", root / "masks", PICTURES)
    strange = [case for case in pairs.images if not (len(case) > 3 and case[:6].isdigit())]
    if strange:
        raise ValueError(
            f"{len(strange)} names do not begin with patient and slice, three digits each, as in "
            f"120018.png: {name_a_few(strange)}. Use index_pairs for images of other names."
        )
    rows = []
    for case, image in pairs.images.items():
        present = np.isin(np.arange(1, 6), read_subtype_colors(pairs.masks[case]))
        labels = dict(zip(LABELS, [*present.tolist(), present.any()], strict=True))
        rows.append(
            {"case_id": case, "patient_id": case[:3], "exam_id": case[:3], "image": str(image)}
            | {"mask": str(pairs.masks[case]), "mask_kind": "colors"}
            | {name: np.uint8(value) for name, value in labels.items()}
            | {"slice_index": int(case[3:6])}
        )
    table = pd.DataFrame(rows)
    table["spacing_row_mm"] = table["spacing_column_mm"] = np.nan
    table["dataset"], table["is_phantom"] = "bhsd_slices", read_phantom_note(root) is not None
    table.attrs["unmatched"] = pairs.unmatched
    return table


# --- reading --------------------------------------------------------------------------------------


def read_headct_case(
    row,
    image_shape: Sequence[int],
    windows: Sequence[Window] = CT_WINDOWS,
    labels: Sequence[str] = LABELS,
) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of one slice, at the network's size.

    Use it as the reader of a classifier on any of the three sets, on phantoms, and on what
    `radiokit.data.slice_cache.prepare_slices` has prepared from them.

    Args:
        row: a row of a head CT table (Series or dict).
        image_shape: target height and width in pixels (further axes are not looked at).
        windows: one a channel, see `radiokit.data.windowed.read_windowed_pixels`; of a picture only
            their number counts.
        labels: columns, in the order of the network's outputs.

    Returns:
        Image (H, W, len(windows)) float32 in 0..1, padding black; target (len(labels),) float32:
        0, 1, and -1 where unknown.

    Raises:
        radiokit.io.UnreadableFileError: the image cannot be read.
        ValueError: the row has not got a label, or there is no such window.
    """
    return read_windowed_image(row, image_shape, windows), label_target(row, labels)


def read_multitask_case(
    row, image_shape: Sequence[int], windows: Sequence[Window] = CT_WINDOWS
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Image, labels and masks of one slice, for a network that answers both.

    Use it with `radiokit.models.build_multitask_unet`.

    Args:
        row: a row of a head CT table (Series or dict).
        image_shape: target height and width in pixels (further axes are not looked at).
        windows: as for `read_headct_case`.

    Returns:
        Image (H, W, len(windows)) float32 in 0..1; `{"labels": (6,), "masks": (H, W, 5)}` float32
        in the order of `LABELS` and `SUBTYPES`, -1 where unknown.

    Raises:
        radiokit.io.UnreadableFileError: image or mask cannot be read.
        ValueError: the row has not got a label, or there is no such window.
    """
    image, target = read_headct_case(row, image_shape, windows)
    return image, {"labels": target, "masks": read_headct_masks(row, image_shape)}
