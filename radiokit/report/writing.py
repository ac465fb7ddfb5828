"""What a run writes down about itself: settings, scored cases, pictures, masks, metrics."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radiokit.files import write_text_whole
from radiokit.record import attention_path, image_path, mask_path, truth_path
from radiokit.report.files import write_grey, write_json
from radiokit.report.identity import (
    identify_data,
    is_phantom,
    known_orientation,
    read_versions,
)
from radiokit.tables import check_case_columns
from radiokit.words import Words, read_words


@dataclass(frozen=True)
class Record:
    """Where one run writes, and what it must say about itself.

    Attributes:
        folder: `<out>/<notebook>`.
        language: of the figures and tables written during the run.
        metrics: what `metrics.json` says so far.
    """

    folder: Path
    language: str
    metrics: dict

    @property
    def words(self) -> Words:
        """The words of the run's language."""
        return read_words(self.language)

    @property
    def stamp(self) -> str:
        """The stamp of every figure and table; empty for a full run on real data."""
        return self.words.stamp(self.metrics["is_phantom"], self.metrics["scale"])


def start_record(notebook, table, scale, seed, settings, out=None, language="en") -> Record:
    """Open the record of a run and write what is known before training.

    When to use: once, after the case table is made. An older record in the folder keeps its
    files until they are written again, but its scores are gone.

    Args:
        notebook: name of the run, the folder's name: `"05_chest_xray"`.
        table: case table of all images used; `is_phantom` must be the same in every row.
        scale: `"quick"` or `"full"`.
        seed: the run's seed.
        settings: dict of what else was chosen (epochs, image size…); written as it is.
        out: folder of all records, `outputs` by default.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Record`.

    Raises:
        ValueError: phantom and real rows in one table, or a scale or language unknown; a full
            run on real data lies in the folder, which a lesser run must not replace.
        OSError: the folder cannot be written to.
    """
    if scale not in ("quick", "full"):
        raise ValueError(f'The scale is {scale!r}; it must be "quick" or "full".')
    metrics = {
        "notebook": notebook,
        "language": language,
        "scale": scale,
        "is_phantom": is_phantom(table),
        "seed": seed,
        "settings": dict(settings),
        "versions": read_versions(),
        "data": identify_data(table),
        "orientation": known_orientation(table),
        "scores": [],
        "headline": None,
    }
    started = Record(Path(out or "outputs") / notebook, language, metrics)
    metrics["stamp"] = started.stamp
    _protect_full_run(started)
    write_json(started.folder / "metrics.json", metrics)
    return started


def write_cases(record, frame) -> Path:
    """Write `cases.csv`: a row for every model and case, its scores in columns.

    When to use: after prediction, once, with all models together; of a model trained with several
    seeds the rows of the one whose masks are kept.

    Args:
        record: the `Record`.
        frame: columns `model, case_id, patient_id, split`, then `dice_<structure>`,
            `cce_<structure>`, `hd95_mm_<structure>` or `hd95_px_<structure>` (NaN where a case
            has no truth of the structure); of a classifier `truth_<label>` (0 or 1, NaN unknown)
            and `probability_<label>`; of whole slides the columns of `count_columns`; `dataset`,
            and `trained_on` for domain-shift trainings only. A table may hold several kinds, each
            model NaN where it does not answer.

    Returns:
        The file.

    Raises:
        ValueError: a column is missing.
        OSError: the folder cannot be written to.
    """
    return _write_scored(record, "cases.csv", frame)


def write_volumes(record, frame) -> Path:
    """Write `volumes.csv`: a row for every model and whole exam, scored in three dimensions.

    When to use: beside `write_cases`, when slices were restacked to volumes.

    Args:
        record: the `Record`.
        frame: columns `model, case_id` (the exam), `patient_id, split`, then scores in 3-D under
            the names of `write_cases`, and `<quantity>_true` and `<quantity>_predicted`, the
            quantity ending in its unit (`blood_pool_ml`, `ejection_fraction_percent`).

    Returns:
        The file.

    Raises:
        ValueError: a column is missing.
        OSError: the folder cannot be written to.
    """
    return _write_scored(record, "volumes.csv", frame)


def write_exams(record, frame) -> Path:
    """Write `exams.csv`: a row for every model and whole exam, classified.

    When to use: beside `write_cases`, for triage, where the exam and not the slice is read.

    Args:
        record: the `Record`.
        frame: columns `model, case_id` (the exam), `patient_id, split`, then `truth_<label>` and
            `probability_<label>`; rows in order of arrival, which the worklist compares with.

    Returns:
        The file.

    Raises:
        ValueError: a column is missing.
        OSError: the folder cannot be written to.
    """
    return _write_scored(record, "exams.csv", frame)


def write_label_counts(record, table, labels) -> Path:
    """Write `label_counts.csv`: the images of each label in each split.

    When to use: after the split, for `plots.plot_label_counts`.

    Args:
        record: the `Record`.
        table: case table with `split` and the labels' columns of 0 and 1.
        labels: their names.

    Returns:
        The file.

    Raises:
        OSError: the folder cannot be written to.
    """
    counts = (table[list(labels)] == 1).groupby(table["split"]).sum().T
    known = [split for split in ("train", "validation", "test") if split in counts]
    counts = counts[[*known, *(split for split in counts if split not in known)]]
    frame = counts.rename_axis("label").reset_index().rename_axis(None, axis="columns")
    frame = frame.assign(is_phantom=record.metrics["is_phantom"], stamp=record.stamp)
    text = frame.to_csv(index=False, lineterminator="\n")
    return write_text_whole(record.folder / "label_counts.csv", text)


def write_images(record, case_id, image, truth=None) -> None:
    """Keep the picture of a case and its true masks, for the figures.

    When to use: for every case whose picture a figure may show (test cases at least).

    Args:
        record: the `Record`.
        case_id: as in `cases.csv`.
        image: (H, W) or (H, W, 1), float in 0..1.
        truth: dict of structure to (H, W) mask; -1 and 0 are outside. None: no truth.
    """
    write_grey(image_path(record.folder, case_id), np.asarray(image, float))
    for structure, mask in (truth or {}).items():
        path = truth_path(record.folder, case_id, structure)
        write_grey(path, np.asarray(mask) > 0)


def write_masks(record, model, case_id, masks) -> None:
    """Keep the masks a model predicted for a case.

    When to use: beside `write_images`, for every model.

    Args:
        record: the `Record`.
        model: as in `cases.csv`.
        case_id: as in `cases.csv`.
        masks: dict of structure to (H, W) bool array.
    """
    for structure, mask in masks.items():
        path = mask_path(record.folder, model, case_id, structure)
        write_grey(path, np.asarray(mask) > 0)


def write_attention(record, model, case_id, maps) -> None:
    """Keep the attention maps of a case, or a classifier's class activation maps.

    When to use: for the few cases shown.

    Args:
        record: the `Record`.
        model: as in `cases.csv`.
        case_id: as in `cases.csv`.
        maps: dict of layer name, or of label, to (h, w) float in 0..1, of any size.
    """
    for layer, attention in maps.items():
        path = attention_path(record.folder, model, case_id, layer)
        write_grey(path, np.asarray(attention, float))


def write_metrics(
    record,
    scores,
    headline,
    agreement=None,
    published=None,
    differences=None,
    cost=None,
    thresholds=None,
    calibration=None,
) -> Path:
    """Complete `metrics.json` with the scores.

    When to use: once, when all scores are known.

    Args:
        record: the `Record`.
        scores: rows as `score_cases`, `score_labels` or `score_pixels` make them, one below
            the other.
        headline: `(name, Interval)`, the one score to print for the whole run.
        agreement: rows as `score_agreement` makes them.
        published: metric to model to structure to value, such as `PUBLISHED_CARDIAC`; without
            the first level all are Dice, such as `PUBLISHED_DICE`; or a report by label, such
            as `PUBLISHED_HEADCT`.
        differences: rows as `score_differences` makes them.
        cost: rows `width, ratio_formula, ratio_counted, ratio_measured`, of a separable over a
            conventional layer.
        thresholds: rows as `choose_thresholds` makes them: `model, label, rule, threshold`, and
            `level` where they hold for slices or exams only.
        calibration: rows `model, temperature`, fitted on validation.

    Returns:
        The file.

    Raises:
        OSError: the folder cannot be written to.
    """
    name, interval = headline
    sections = {"agreement": agreement, "differences": differences, "cost": cost}
    sections |= {"thresholds": thresholds, "calibration": calibration}
    complete = record.metrics | {
        "scores": scores.to_dict("records"),
        "headline": {"name": name, **dataclasses.asdict(interval)},
        "published": published or {},
    }
    for key, rows in sections.items():
        complete[key] = [] if rows is None else rows.to_dict("records")
    write_json(record.folder / "metrics.json", complete)
    return record.folder / "metrics.json"


def _write_scored(record, name, frame):
    check_case_columns(frame)
    # A float32 is written short and read back as another float64: a threshold would miss its case.
    frame = frame.astype({name: float for name in frame.select_dtypes("floating").columns})
    frame = frame.assign(is_phantom=record.metrics["is_phantom"], stamp=record.stamp)
    return write_text_whole(record.folder / name, frame.to_csv(index=False, lineterminator="\n"))


def _protect_full_run(record):
    path = record.folder / "metrics.json"
    if not record.stamp or not path.is_file():
        return
    older = json.loads(path.read_text(encoding="utf-8"))
    if older["scale"] == "full" and not older["is_phantom"] and older["scores"]:
        raise ValueError(
            f"{record.folder} holds a full run on real data, which this stamped run would "
            "replace. Choose another output folder, or move the old one away first."
        )
