"""What a run on whole slides keeps of them: small pictures, and histograms of its pixels."""

import numpy as np
from PIL import Image

from radiokit.files import whole_file, write_text_whole
from radiokit.metrics import NUM_BINS
from radiokit.plots import INK_COLOURS, REGION_COLOURS
from radiokit.record import UNKNOWN_CLASS, slide_picture_path
from radiokit.tables import check_case_columns

LONGEST_PX = 4096  # of a picture in a record, which is no place for a slide
_HISTOGRAM_COLUMNS = ("structure", "bin", "positives", "negatives")
_UNKNOWN_RGB = (160, 160, 160)


def write_pixel_scores(record, frame):
    """Write `pixel_scores.csv`: how the scores of positive and negative pixels are spread.

    When to use: beside `write_cases`, for the AUC over pixels of each slide and of all; rows as
    `histogram_rows` makes them, one below the other.

    Args:
        record: the `Record`.
        frame: columns `model, split, case_id, patient_id, structure, bin` (0..255), `positives,
            negatives` (counts of pixels), and `dataset` where `cases.csv` has one. Empty bins
            are not written.

    Returns:
        The file.

    Raises:
        ValueError: a column is missing, a bin is none, or a count is no whole number.
        OSError: the folder cannot be written to.
    """
    check_case_columns(frame)
    missing = [name for name in _HISTOGRAM_COLUMNS if name not in frame]
    if missing:
        raise ValueError(
            f"The pixel scores have no column {', '.join(missing)}; they need "
            f"{', '.join(_HISTOGRAM_COLUMNS)}. Make the rows with histogram_rows."
        )
    _check_histograms(frame)
    kept = frame[(frame["positives"] > 0) | (frame["negatives"] > 0)]
    kept = kept.astype({name: np.int64 for name in ("bin", "positives", "negatives")})
    kept = kept.assign(is_phantom=record.metrics["is_phantom"], stamp=record.stamp)
    text = kept.to_csv(index=False, lineterminator="\n")
    return write_text_whole(record.folder / "pixel_scores.csv", text)


def write_slide_picture(record, case_id, name, pixels):
    """Keep a small picture or map of a slide, for the figures.

    When to use: for every slide a figure may show. The figures know the names `"slide"`,
    `"cleaned"`, `"ink"` (colours of `data.ink`), `"tissue"`, `"truth"` (classes), `"lesion"`,
    `"regions_<model>"` (classes) and `"probability_<class>"`. Pictures of one slide may differ
    in size, but each must show the whole slide.

    Args:
        record: the `Record`.
        case_id: the slide, as in `cases.csv`.
        name: one of those names.
        pixels: (h, w, 3) uint8 RGB; or (h, w): bool of a mask, whole numbers of classes (-1 or
            255 where unknown), or float 0..1 (or uint8, 255 being 1) of a probability.

    Returns:
        The file, `slides/<case_id>/<name>.png`: maps of classes with their colours as a palette.

    Raises:
        ValueError: another shape or type, or a side above 4,096 pixels.
        OSError: the folder cannot be written to.
    """
    pixels = np.asarray(pixels)
    _check_picture(name, pixels)
    path = slide_picture_path(record.folder, case_id, name)
    with whole_file(path) as unfinished:
        _as_image(name, pixels).save(unfinished, format="PNG")
    return path


def _check_histograms(frame):
    if not frame["bin"].between(0, NUM_BINS - 1).all():
        raise ValueError(
            f"The pixel scores hold a bin outside 0..{NUM_BINS - 1}; count the scores with "
            "metrics.score_histogram."
        )
    counts = frame[["positives", "negatives"]].to_numpy(float)
    if not ((counts >= 0) & (counts % 1 == 0)).all():
        raise ValueError(
            "The pixel scores hold a count that is no whole number of pixels, 0 or more; count "
            "the scores with metrics.score_histogram."
        )


def _check_picture(name, pixels):
    is_colour = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    if not is_colour and pixels.ndim != 2:
        raise ValueError(
            f"The picture {name!r} is {pixels.dtype} of shape {pixels.shape}; it must be (h, w, 3) "
            "uint8 RGB, or a map (h, w)."
        )
    is_share = np.issubdtype(pixels.dtype, np.floating)
    if pixels.ndim == 2 and is_share and not name.startswith("probability"):
        raise ValueError(
            f"The map {name!r} holds {pixels.dtype} numbers; a map of classes needs whole ones. "
            "Take the class of each pixel, or name it probability_<class>."
        )
    if max(pixels.shape[:2]) > LONGEST_PX:
        raise ValueError(
            f"The picture {name!r} has {pixels.shape[1]} x {pixels.shape[0]} pixels; a record "
            f"keeps small ones of at most {LONGEST_PX} a side. Give a thumbnail of the slide."
        )


def _as_image(name, pixels):
    if pixels.ndim == 3:
        return Image.fromarray(pixels)
    if name.startswith("probability"):
        is_share = np.issubdtype(pixels.dtype, np.floating)
        grey = np.round(np.clip(pixels, 0, 1) * 255) if is_share else pixels
        return Image.fromarray(grey.astype(np.uint8))
    classes = np.where(pixels < 0, UNKNOWN_CLASS, pixels) if pixels.dtype != bool else pixels
    image = Image.fromarray(classes.astype(np.uint8)).convert("L")
    image.putpalette(_palette(name))
    return image


def _palette(name):
    """768 bytes, three a class: those of ink, or of regions; the highest is the unknown."""
    colours = INK_COLOURS if name == "ink" else REGION_COLOURS
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in colours.values()]
    filled = colours + [_UNKNOWN_RGB] * (256 - len(colours))
    return [value for colour in filled for value in colour]
