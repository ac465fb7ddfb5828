"""Scores of whole slides over their pixels: pooled over slides, and as a mean of the slides."""

import dataclasses

import numpy as np
import pandas as pd

from radiokit import metrics, stats
from radiokit.metrics import PIXEL_METRICS
from radiokit.metrics.checks import ratio
from radiokit.record import (
    ALL_CLASSES,
    COUNTS,
    LESION_CLASSES,
    MACRO,
    REGION_CLASSES,
    Run,
    counted_structures,
    has_enough_patients,
    main_study,
    read_pixel_scores,
    read_run,
    slide_counts,
)
from radiokit.stats.intervals import interval_of_draws
from radiokit.stats.resampling import draw_patients

NUM_RESAMPLES = 1000


def score_pixels(run, seed=0) -> pd.DataFrame:
    """Six scores of every model and structure, of pixels pooled and as means of slides.

    When to use: to turn the pixel counts of `cases.csv` and the histograms of
    `pixel_scores.csv` into scores. `"pixels"` sums the counts over all slides first, so that a
    large slide, or one with a large tumour, rules; `"slides"` scores each slide and takes the
    mean of the patients' means, so that each patient counts alike. Either way a structure stands
    against the rest. A slide on which a structure neither is nor was found has an IoU and an F1
    of 1, as everywhere in this package.

    Args:
        run: a `record.Run`, or the record's folder.
        seed: of the resampling.

    Returns:
        A row a model, split, `structure`, `metric` (iou, accuracy, sensitivity, specificity, f1,
        which is the Dice, and auc) and `pooling`, then the columns of `stats.Interval`. Where a
        model has the region classes, `"macro"` is the mean of the three lesion classes (what is
        undefined left out), and `"all_classes"` has one accuracy, the share of pixels whose
        class is right. Kind: `"bootstrap"` from ten patients on; below, `"range"`, of the
        patients' own scores; `"none"` where one patient alone has, or lacks, the structure.
        Undefined scores are counted in `num_undefined`, slides without a truth among them.

    Raises:
        ValueError: the cases have no pixel counts, or a slide was scored twice.
        FileNotFoundError: no record, or no `cases.csv`.

    Paper: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).
    """
    run = run if isinstance(run, Run) else read_run(run)
    cases = main_study(run.cases())
    columns = [f"tp_{name}" for name in counted_structures(cases)]
    counted = cases[cases[columns].notna().any(axis=1)]
    if counted.empty:
        raise ValueError(
            f"{run.folder / 'cases.csv'} has no pixel counts; it needs the columns "
            f"{', '.join(f'{count}_<structure>' for count in COUNTS)}. Make them with "
            "count_columns."
        )
    histograms = read_pixel_scores(run)
    rows = []
    for model, split in counted[["model", "split"]].drop_duplicates().to_numpy():
        slides = slide_counts(cases, histograms, model, split)
        for pooling, score in (("pixels", _score_pooled), ("slides", _score_slides)):
            for (structure, metric), interval in score(slides, seed).items():
                names = {"model": model, "split": split, "structure": structure}
                names |= {"metric": metric, "pooling": pooling}
                rows.append(names | dataclasses.asdict(interval))
    return pd.DataFrame(rows)


def count_columns(structure, counts) -> dict:
    """The columns of `cases.csv` that hold a structure's pixel counts, its Dice and its IoU.

    When to use: once a slide, model and structure, before `write_cases`.

    Args:
        structure: `"lesion"`, or a region class.
        counts: `metrics.ConfusionCounts` of its pixels, as `metrics.confusion_counts` gives them.

    Returns:
        `tp_<structure>`, `fp_`, `fn_`, `tn_`, `dice_` and `iou_`.

    Example:
        >>> from radiokit.metrics import ConfusionCounts
        >>> columns = count_columns("lesion", ConfusionCounts(tp=6, fp=2, fn=2, tn=90))
        >>> columns["tp_lesion"], float(columns["dice_lesion"])
        (6, 0.75)
    """
    found = {f"{name}_{structure}": getattr(counts, name) for name in COUNTS}
    return found | {f"dice_{structure}": counts.dice, f"iou_{structure}": counts.iou}


def histogram_rows(names, positives, negatives) -> pd.DataFrame:
    """The rows of `pixel_scores.csv` of one model, slide and structure.

    When to use: on what `metrics.score_histogram` counted, before `write_pixel_scores`.

    Args:
        names: dict of `model, split, case_id, patient_id, structure`.
        positives: counts of positive pixels, (256,).
        negatives: the same of negative ones.

    Returns:
        A row a bin: `names`, `bin`, `positives`, `negatives`.
    """
    counts = {"bin": np.arange(len(positives)), "positives": positives, "negatives": negatives}
    return pd.DataFrame(names | counts)


def _score_pooled(slides, seed):
    """Scores of counts summed over slides, with the interval of patients summed anew."""
    is_known = ~np.isnan(slides.counts).all(axis=(1, 2))
    groups = np.unique(slides.patients[is_known], return_inverse=True)[1]
    tables = (np.nan_to_num(slides.counts), slides.positives, slides.negatives)
    of_patients = [_sum_by_group(table[is_known], groups) for table in tables]
    totals = [table.sum(axis=0) for table in of_patients]  # (S, 4), (S, 256), (S, 256)
    estimates = _score_structures(slides, totals[0], metrics.histogram_auc(*totals[1:]))
    num_patients, num_unknown = len(of_patients[0]), _num_unknown(slides)
    if num_patients < stats.SMALLEST_BOOTSTRAP:
        auc = metrics.histogram_auc(*of_patients[1:])
        own = _score_structures(slides, of_patients[0], auc)
        return {
            key: _range_interval(estimate, own[key], num_unknown[key[0]])
            for key, estimate in estimates.items()
        }
    draws = _resample(slides, of_patients, seed)
    is_shared = {name: _is_shared(slides, place) for place, name in enumerate(slides.structures)}
    return {
        key: interval_of_draws(
            estimate,
            draws[key] if is_shared.get(key[0], True) else [np.nan],
            num_patients,
            num_unknown[key[0]],
        )
        for key, estimate in estimates.items()
    }


def _score_slides(slides, seed):
    """The mean of the slides' own scores, each patient counted alike."""
    auc = metrics.histogram_auc(slides.positives, slides.negatives)
    return {
        key: stats.patient_interval(values, slides.patients, seed, NUM_RESAMPLES)
        for key, values in _score_structures(slides, slides.counts, auc).items()
    }


def _score_structures(slides, counts, auc, is_resample=False):
    """(structure, metric) to scores (...), of counts (..., S, 4) and areas (..., S).

    Of a class that a resample lacks there is nothing to be found: its IoU and F1 are undefined
    there, neither 0 for a false alarm nor 1 for silence.
    """
    scores = metrics.pixel_scores(counts, auc)  # (..., S, 6)
    if is_resample:
        is_absent = counts[..., 0] + counts[..., 2] == 0  # tp + fn
        scores[is_absent, PIXEL_METRICS.index("iou")] = np.nan
        scores[is_absent, PIXEL_METRICS.index("f1")] = np.nan
    by_structure = dict(zip(slides.structures, np.moveaxis(scores, -2, 0), strict=True))
    if slides.has_classes:
        lesions = np.stack([by_structure[name] for name in LESION_CLASSES])
        by_structure[MACRO] = metrics.mean_of_defined(lesions, axis=0)
    found = {
        (name, metric): values[..., place]
        for name, values in by_structure.items()
        for place, metric in enumerate(PIXEL_METRICS)
        if metric != "auc" or slides.positives.any()
    }
    if slides.has_classes:
        places = [slides.structures.index(name) for name in REGION_CLASSES]
        found[ALL_CLASSES, "accuracy"] = metrics.class_accuracy(counts[..., places, :])
    return found


def _resample(slides, of_patients, seed):
    """(structure, metric) to the scores of every resample of patients."""
    num_patients, parts = len(of_patients[0]), []
    for picks in draw_patients(num_patients, seed, NUM_RESAMPLES):
        times = np.stack([np.bincount(pick, minlength=num_patients) for pick in picks])
        counts = np.tensordot(times, of_patients[0], axes=1)  # (R, S, 4)
        auc = _resampled_auc(times, *of_patients[1:])
        parts.append(_score_structures(slides, counts, auc, is_resample=True))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _resampled_auc(times, positives, negatives):
    """What `histogram_auc` gives of the histograms (P, S, 256) of patients drawn (R, P), (R, S).

    The pairs that are right are counted once, each patient's positives with each one's negatives.
    """
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = np.einsum("psb,qsb->spq", positives, below)
    right = np.einsum("srq,rq->rs", times @ pairs, times)
    return ratio(right, (times @ positives.sum(axis=-1)) * (times @ negatives.sum(axis=-1)))


def _range_interval(estimate, own, num_undefined):
    """The pooled score with the lowest and the highest patient's own."""
    num_undefined += int(np.isnan(own).sum())
    own = own[~np.isnan(own)]
    if np.isnan(estimate) or not len(own):
        return stats.Interval(np.nan, np.nan, np.nan, len(own), num_undefined, "undefined")
    ends = (float(own.min()), float(own.max()))
    return stats.Interval(float(estimate), *ends, len(own), num_undefined, "range")


def _is_shared(slides, place):
    """Whether more than one patient has a structure, and more than one lacks it somewhere."""
    tp, fp, fn, tn = slides.counts[:, place].T
    known = pd.DataFrame({"patient": np.tile(slides.patients, 2)})
    known["truth"] = np.repeat([1, 0], len(slides.patients))
    return has_enough_patients(known[np.concatenate([tp + fn > 0, fp + tn > 0])])


def _num_unknown(slides):
    """Slides without a truth, by structure; of the means of classes, without any."""
    is_unknown = np.isnan(slides.counts).any(axis=-1)  # (N, S)
    of_all = int(is_unknown.all(axis=1).sum())
    of_each = dict(zip(slides.structures, is_unknown.sum(axis=0).tolist(), strict=True))
    return of_each | {MACRO: of_all, ALL_CLASSES: of_all}


def _sum_by_group(table, groups):
    """Sum the slides of each patient: (N, ...) to (P, ...)."""
    sums = np.zeros((groups.max() + 1, *table.shape[1:]))
    np.add.at(sums, groups, table)
    return sums
