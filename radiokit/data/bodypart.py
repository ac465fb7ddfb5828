"""Body part in radiographs: public set and MD.ai projects to case tables, their rows to arrays."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from radiokit.data.bodypart_labels import (
    PUBLIC_LABELS,
    STUDY_LABELS,
    label_mapping,
    labels_of_header,
    to_public_labels,
    to_study_labels,
)
from radiokit.data.mdai import annotator_agreement, index_mdai
from radiokit.data.own_labels import label_target
from radiokit.data.unifesp import index_unifesp
from radiokit.io.geometry import fit_placement, place_image
from radiokit.io.rasters import read_radiograph

__all__ = [
    "PUBLIC_LABELS",
    "STUDY_LABELS",
    "annotator_agreement",
    "compare_headers",
    "index_mdai",
    "index_unifesp",
    "label_mapping",
    "labels_of_header",
    "read_bodypart_case",
    "to_public_labels",
    "to_study_labels",
]

_VERDICTS = ("agree", "wrong", "vague", "empty")


def compare_headers(table: pd.DataFrame) -> pd.DataFrame:
    """Hold what headers say of the body part against what the pictures show.

    Use it to see why the study exists: nobody routes by a header that is empty or wrong. A header
    agrees if it stands for one of the image's labels (see
    `radiokit.data.bodypart_labels.labels_of_header`), so that HAND agrees with Hand + Wrist. It is
    vague if it names a limb, the spine, the body or nothing known, and does not contradict the
    labels, or if the labels it stands for are unknown in this table.

    Args:
        table: case table of radiographs with `body_part` and columns of the study's labels.

    Returns:
        A row a header value, the most frequent first: `header` (as written), `stands_for` (labels;
        "" where unknown), `images`, and of these `agree, wrong, vague, empty`; `share` that agrees.
        Sums over the rows speak of the whole table.

    Raises:
        ValueError: the table has no `body_part`, no such labels, or no row.

    Example:
        >>> truth = {"Knee": [1, 1, 0], "Chest": [0, 0, 1]}
        >>> headers = compare_headers(pd.DataFrame({"body_part": ["KNEE", "CHEST", ""], **truth}))
        >>> headers[["header", "images", "agree", "wrong", "empty"]].to_numpy().tolist()
        [['', 1, 0, 0, 1], ['CHEST', 1, 0, 1, 0], ['KNEE', 1, 1, 0, 0]]
    """
    labels = [label for label in STUDY_LABELS if label in table.columns]
    if "body_part" not in table.columns or not labels or table.empty:
        raise ValueError(
            f"A table of {len(table)} rows with the columns {', '.join(map(str, table.columns))} "
            "cannot be compared. Give rows with body_part and labels, as of index_unifesp."
        )
    headers = table["body_part"].astype(object).where(table["body_part"].notna(), "").astype(str)
    meanings = {header: labels_of_header(header) for header in headers.unique()}
    truths = table[labels].to_numpy(float)
    verdicts = [
        _verdict(header, *meanings[header], dict(zip(labels, truth, strict=True)))
        for header, truth in zip(headers, truths, strict=True)
    ]
    counts = pd.crosstab(headers.to_numpy(), np.array(verdicts))
    counts = counts.reindex(columns=list(_VERDICTS), fill_value=0)
    result = pd.DataFrame({"header": counts.index})
    result["stands_for"] = [", ".join(meanings[header][0]) for header in counts.index]
    result["images"] = counts.sum(axis=1).to_numpy()
    result[list(_VERDICTS)] = counts.to_numpy()
    result["share"] = result["agree"] / result["images"]
    return result.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def _verdict(header: str, meaning: tuple[str, ...], is_vague: bool, truth: dict) -> str:
    """What a header is worth for one image."""
    if not header.strip():
        return "empty"
    if any(truth.get(label) == 1 for label in meaning):
        return "vague" if is_vague else "agree"
    is_judged = all(truth.get(label) == 0 for label in meaning)
    return "wrong" if meaning and is_judged else "vague"


def read_bodypart_case(
    row, image_shape: Sequence[int], labels: Sequence[str] = STUDY_LABELS
) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of one radiograph, at the network's size.

    Use it as the reader of a classifier on all tables of this module, on phantoms, and on what
    `radiokit.data.picture_cache.prepare_pictures` has prepared from them. The aspect ratio is kept.

    Args:
        row: a row of a table of radiographs (Series or dict) with `image` and the labels.
        image_shape: target height and width in pixels (further axes are not looked at).
        labels: columns, in the order of the network's outputs.

    Returns:
        Image (H, W, 1) float32 in 0..1, bone bright, padding black; target (len(labels),) float32:
        0, 1, and -1 where unknown.

    Raises:
        radiokit.io.UnreadableFileError: the image cannot be read.
        ValueError: the row has not got a label.
    """
    target = label_target(row, labels)
    pixels = read_radiograph(row["image"]).pixels
    image = place_image(pixels, fit_placement(pixels.shape, tuple(image_shape[:2])))
    return np.clip(image, 0, 1)[..., None], target
