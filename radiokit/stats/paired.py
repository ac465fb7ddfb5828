"""Two models on the same cases: whether their difference could be chance."""

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class McNemar:
    """Cases on which just one of two models is right, and how likely chance parts them so.

    Attributes:
        only_a: cases that the first model alone has right.
        only_b: cases that the second model alone has right.
        p_value: exact, two-sided; 1 where the models never differ.
    """

    only_a: int
    only_b: int
    p_value: float


def mcnemar_test(a_is_right, b_is_right) -> McNemar:
    """Whether one of two models is right more often than the other on the same cases.

    When to use: two models' answers on one test set, such as an exact match an image. Cases on
    which both are right or both wrong say nothing about the difference; of the others each model
    would get half if they were alike. The test presumes independent cases: with several images a
    patient its p value is too small, and `paired_difference`, which resamples patients, is the
    one to believe.

    Args:
        a_is_right: (N,), 1 or True where the first model is right, else 0.
        b_is_right: (N,), the same of the second, on the same cases in the same order.

    Returns:
        A `McNemar`. A large p value does not say that the models are alike.

    Raises:
        ValueError: not two equal columns, or values other than 0 and 1.

    Paper: McNemar, Psychometrika 1947; the exact form is a sign test.

    Example:
        >>> mcnemar_test([1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 0])
        McNemar(only_a=5, only_b=0, p_value=0.0625)
    """
    a, b = np.asarray(a_is_right), np.asarray(b_is_right)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"The answers have shapes {a.shape} and {b.shape}; a paired test needs (N,) of each, "
            "one a case. Join the tables by case_id first, and take one label or the exact match."
        )
    for values in (a, b):
        wrong = (values != 0) & (values != 1)
        if wrong.any():
            raise ValueError(
                f"An answer is {values[wrong][0]}, but must be 1 (right) or 0 (wrong). Compare "
                "predictions with the truth first, and leave out cases of unknown truth."
            )
    only_a, only_b = int(np.sum((a == 1) & (b == 0))), int(np.sum((a == 0) & (b == 1)))
    p_value = 2 * special.bdtr(min(only_a, only_b), only_a + only_b, 0.5)
    return McNemar(only_a, only_b, float(min(1.0, p_value)))


def holm_correction(p_values) -> np.ndarray:
    """P values corrected for how many there are.

    When to use: several pairs of models, or several labels, tested at once. Among 20 tests of
    equal models one falls below 0.05 by chance; after the correction any does in 5 % of such
    tables at most, whatever their dependence.

    Args:
        p_values: (M,), each in 0..1; NaN where there was nothing to test.

    Returns:
        (M,) corrected p values in the given order, never smaller than before and at most 1; NaN
        stays NaN and does not count as a test.

    Raises:
        ValueError: not one column of p values.

    Paper: Holm, Scandinavian Journal of Statistics 1979.

    Example:
        >>> holm_correction([0.04, 0.01, 0.03]).round(3).tolist()
        [0.06, 0.03, 0.06]
    """
    p_values = np.asarray(p_values, float)
    is_tested = ~np.isnan(p_values)
    tested = p_values[is_tested]
    if p_values.ndim != 1 or ((tested < 0) | (tested > 1)).any():
        raise ValueError(
            f"The p values {p_values.tolist()} are not all in 0..1 in one column. Give a list with "
            "one p value a test."
        )
    order = np.argsort(tested, kind="stable")
    stepped = tested[order] * np.arange(len(tested), 0, -1)  # the smallest by all, the last by 1
    corrected = np.full(p_values.shape, np.nan)
    corrected[np.flatnonzero(is_tested)[order]] = np.minimum(1, np.maximum.accumulate(stepped))
    return corrected


def smallest_p_value(difference) -> float:
    """The smallest p value that a McNemar test of two models can have, from their gap alone.

    When to use: a table prints the scores of two models and not their answers, so that no test
    can be made. It tells what the table could show at best: that every case on which the models
    differ went to the better one, k to 0, of which chance has 2 · 0.5^k. Any further cases, one
    to either side at a time, make it larger. Decisions on several labels of one image, or images
    of one patient, are no independent cases, which makes the true one larger still.

    Args:
        difference: how many cases more one model has right, a whole number; its sign is ignored.

    Returns:
        Float in 0..1.

    Raises:
        ValueError: it is no whole number.

    Example:
        >>> smallest_p_value(round((0.9917 - 0.9914) * 366 * 25))
        0.25
    """
    if difference != int(difference):
        raise ValueError(
            f"The difference is {difference}; it must be a whole number of cases. Multiply a "
            "difference of shares by the number of cases and round it."
        )
    return float(min(1.0, 2 * 0.5 ** abs(int(difference))))


def smallest_significant_difference(alpha=0.05) -> int:
    """How many cases more a model must have right before a McNemar test could tell it apart.

    When to use: before believing, or planning, a small difference: a lead below this is within
    chance whatever the size of the test set. It need not be enough: with cases going both ways
    it takes more.

    Args:
        alpha: the level that the p value must fall below, above 0 and below 1.

    Returns:
        The smallest number of cases whose `smallest_p_value` is below the level.

    Raises:
        ValueError: the level is not between 0 and 1.

    Example:
        >>> smallest_significant_difference(), smallest_p_value(5), smallest_p_value(6)
        (6, 0.0625, 0.03125)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1. Give 0.05 for 5 %.")
    return int(np.floor(1 - np.log2(alpha))) + 1
