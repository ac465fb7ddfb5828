"""Several networks as one: a meta-model a label on the probabilities they give it (stacking)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.meta_models import METHODS, MetaModel, fit_meta_model, predict_meta_model
from radiokit.metrics.checks import check_probabilities, check_values
from radiokit.stacking_files import read_meta_models, write_meta_models


@dataclass(frozen=True)
class Stacking:
    """Networks joined label by label; numbers only.

    Attributes:
        method: `"logistic"` or `"xgboost"`.
        num_networks: M.
        models: a `MetaModel` a label, learned on all cases; of kind "mean" where too few
            positives or negatives allow no more.
        out_of_fold: (N, L) probability of each case by meta-models learned without its group; on
            it thresholds are chosen and stackings compared. None when loaded from a file.
        folds: (N, L) number of the fold each case was in, from 0; None when loaded.
    """

    method: str
    num_networks: int
    models: tuple[MetaModel, ...]
    out_of_fold: np.ndarray | None = None
    folds: np.ndarray | None = None


def fit_stacking(probabilities, truth, groups, method="logistic", num_folds=5, seed=0) -> Stacking:
    """Learn, label by label, how far to trust each of several networks.

    When to use: on validation cases, which none of the networks learned from; the test set stays
    apart. A label's meta-model sees the M probabilities of that label and no other's: with few
    positives, M·L inputs would be learned by heart. Folds hold whole groups, dealt label by label
    so that the groups with a positive are spread evenly over them.

    A label learns where each of its two truths is known in two groups or more. Elsewhere (two
    images of a region in all), and in a fold whose other folds hold one truth only, its
    probability is the mean of the networks'.

    Args:
        probabilities: (N, M, L) of M networks, 0..1.
        truth: (N, L) of 0 and 1; -1, unknown, is left out of learning.
        groups: (N,) of names or numbers; cases of one group stay together: the patient, with all
            augmented copies of his images.
        method: `"logistic"`, a penalised logistic regression on the networks' log-odds, or
            `"xgboost"`, 50 small trees on their probabilities; see
            `radiokit.meta_models.fit_meta_model`.
        num_folds: 2 or more.
        seed: of how groups are dealt into folds; nothing else is random.

    Returns:
        A Stacking for `predict_stacking`.

    Raises:
        ValueError: shapes that do not belong together, probabilities outside 0..1, other truths,
            a missing group, fewer groups than folds, or an unknown method.

    Paper: Wolpert 1992, Stacked generalization, Neural Networks 5.

    Example:
        >>> truth = np.tile([[1], [0]], (10, 1))
        >>> networks = np.stack([0.2 + 0.6 * truth, 0.5 + 0 * truth], axis=1)
        >>> stacking = fit_stacking(networks, truth, groups=range(20))
        >>> predict_stacking(stacking, [[[0.9], [0.5]]]).round(2)
        array([[0.98]])
    """
    probabilities, truth, groups = _check_cases(probabilities, truth, groups)
    _check_options(method, num_folds, groups)
    num_cases, num_networks, num_labels = probabilities.shape
    models, folds = [], np.zeros((num_cases, num_labels), int)
    out_of_fold = probabilities.mean(axis=1)
    for label in range(num_labels):
        of_label, known = probabilities[:, :, label], truth[:, label] >= 0
        folds[:, label] = _deal_folds(truth[:, label] == 1, groups, num_folds, seed)
        if not _can_learn(truth[:, label], groups):
            models.append(MetaModel("mean"))
            continue
        for fold in range(num_folds):
            is_out = folds[:, label] == fold
            rest = known & ~is_out
            model = fit_meta_model(method, of_label[rest], truth[rest, label])
            out_of_fold[is_out, label] = predict_meta_model(model, of_label[is_out])
        models.append(fit_meta_model(method, of_label[known], truth[known, label]))
    return Stacking(method, num_networks, tuple(models), out_of_fold, folds)


def predict_stacking(stacking: Stacking, probabilities) -> np.ndarray:
    """The joint probability of every label.

    When to use: on test cases, or on new ones.

    Args:
        stacking: from `fit_stacking` or `load_stacking`.
        probabilities: (N, M, L), 0..1, networks and labels in the order of the fit.

    Returns:
        (N, L) float64, 0..1.

    Raises:
        ValueError: another number of networks or labels, or probabilities outside 0..1.
    """
    probabilities = _check_probabilities(probabilities)
    wanted = (stacking.num_networks, len(stacking.models))
    if probabilities.shape[1:] != wanted:
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}; this stacking joins {wanted[0]} "
            f"networks with {wanted[1]} labels each, so needed is (N, {wanted[0]}, {wanted[1]})."
        )
    columns = [
        predict_meta_model(model, probabilities[:, :, label])
        for label, model in enumerate(stacking.models)
    ]
    return np.stack(columns, axis=1)


def save_stacking(path: Path | str, stacking: Stacking) -> Path:
    """Write a stacking as JSON, complete or not at all; no case's probability is in the file.

    Args:
        path: where to, such as `stacking.json`; an existing file is replaced.
        stacking: from `fit_stacking`.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    return write_meta_models(path, stacking.method, stacking.num_networks, stacking.models)


def load_stacking(path: Path | str) -> Stacking:
    """Read what `save_stacking` wrote; nothing in the file is run.

    Args:
        path: the JSON file.

    Returns:
        A Stacking that predicts as the saved one did, without its `out_of_fold`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is something else.
    """
    return Stacking(*read_meta_models(path))


def _can_learn(truth, groups):
    """Whether each of the two truths is known in at least two groups."""
    return all(len(np.unique(groups[truth == value])) >= 2 for value in (0, 1))


def _deal_folds(is_positive, groups, num_folds, seed):
    """Deal groups like cards, those with a positive first: (N,) folds, whole groups in each."""
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    has_positive = np.bincount(groups, is_positive) > 0
    order = order[np.argsort(~has_positive[order], kind="stable")]
    fold_of_group = np.empty_like(order)
    fold_of_group[order] = np.arange(len(order)) % num_folds
    return fold_of_group[groups]


def _check_cases(probabilities, truth, groups):
    """Arrays (N, M, L), (N, L), and the number of each case's group."""
    probabilities, truth = _check_probabilities(probabilities), np.asarray(truth)
    num_cases, _, num_labels = probabilities.shape
    if truth.shape != (num_cases, num_labels) or len(groups) != num_cases:
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}, truth {truth.shape}, and there are "
            f"{len(groups)} groups; needed are (N, M, L), (N, L) and N, a row a case."
        )
    check_values("Truth", truth, lowest=-1)
    numbers, _ = pd.factorize(pd.Series(groups), sort=True)
    if (numbers < 0).any():
        raise ValueError(
            f"{np.sum(numbers < 0)} cases have no group. Give each its patient, or its own case_id "
            "where the patient is unknown."
        )
    return probabilities, truth, numbers


def _check_probabilities(probabilities):
    probabilities = np.asarray(probabilities, float)
    if probabilities.ndim != 3 or 0 in probabilities.shape[1:]:
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}; needed is (N, M, L), a row a case "
            "and a column a network: np.stack([first, second], axis=1) of tables (N, L)."
        )
    check_probabilities(probabilities, "Apply the sigmoid to logits first.")
    return np.minimum(probabilities, 1.0)


def _check_options(method, num_folds, groups):
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; needed is one of {METHODS}.")
    num_groups = len(np.unique(groups))
    if not 2 <= num_folds <= num_groups or not isinstance(num_folds, (int, np.integer)):
        raise ValueError(
            f"num_folds is {num_folds} and there are {num_groups} groups; needed are 2 folds or "
            "more, a whole number, and a group for each. Give fewer folds, or more patients."
        )
