"""What a classifier means where it is used: predictive values, and a worklist read in its order."""

import numpy as np

from radiokit.metrics.checks import known_scores, ratio


def predictive_values(sensitivity, specificity, prevalence):
    """Positive and negative predictive value at a prevalence, by Bayes' rule.

    When to use: to carry sensitivity and specificity from a study to another hospital. It
    presumes that they stay the same there; milder disease usually lowers sensitivity.

    Args:
        sensitivity: 0..1, a number or an array; NaN stays NaN.
        specificity: 0..1, likewise.
        prevalence: share of cases with the finding where the classifier is used, 0..1, likewise.

    Returns:
        `(ppv, npv)`: the chance of the finding after a positive answer, and of its absence after
        a negative one; NaN where that answer never comes.

    Raises:
        ValueError: a value lies outside 0..1.

    Example:
        >>> ppv, npv = predictive_values(0.9, 0.9, prevalence=0.1)
        >>> round(float(ppv), 3), round(float(npv), 3)
        (0.5, 0.988)
    """
    given = {"sensitivity": sensitivity, "specificity": specificity, "prevalence": prevalence}
    shares = [_check_share(name, value) for name, value in given.items()]
    sensitivity, specificity, prevalence = np.broadcast_arrays(*shares)
    true_positives, false_negatives = sensitivity * prevalence, (1 - sensitivity) * prevalence
    true_negatives, false_positives = (
        specificity * (1 - prevalence),
        (1 - specificity) * (1 - prevalence),
    )
    return (
        ratio(true_positives, true_positives + false_positives),
        ratio(true_negatives, true_negatives + false_negatives),
    )


def sensitivity_at_budget(y_true, scores, budget):
    """Share of the positives among the exams read first, the list being sorted by score.

    When to use: a worklist, and a reader with time for so many exams. Reading at random finds
    the share that is read. Exams of equal score are taken in random order: of those that only
    partly fit the budget, the expected number of positives counts.

    Args:
        y_true: (N,) of 0 and 1, -1 unknown: not on the list.
        scores: (N,), one an exam, higher read first.
        budget: an integer counts exams (more than N: all are read); a float in 0..1 is a share
            of the exams, a part of an exam counting as that part; or an array of either.

    Returns:
        Float in 0..1, or an array; NaN without a positive.

    Raises:
        ValueError: the budget is negative, or a share above 1; or as `auc_score`.

    Example:
        >>> sensitivity_at_budget([1, 0, 0, 1], [0.9, 0.8, 0.7, 0.1], budget=1)
        0.5
    """
    truth, scores = known_scores(y_true, scores)
    num_exams = _count_exams(budget, len(truth))
    _, places, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    found = np.append(0, np.cumsum(np.bincount(places, truth, len(sizes))))
    found_in_budget = np.interp(num_exams, np.append(0, np.cumsum(sizes)), found)
    share = ratio(found_in_budget, np.full(np.shape(num_exams), found[-1]))
    return share if np.ndim(budget) else float(share)


def _count_exams(budget, num_exams):
    budget = np.asarray(budget)
    is_count = np.issubdtype(budget.dtype, np.integer)
    largest = np.inf if is_count else 1
    is_number = np.issubdtype(budget.dtype, np.number)
    if not is_number or not ((budget >= 0) & (budget <= largest)).all():
        raise ValueError(
            f"The budget is {budget}; it must be a number of exams (an integer, 0 or more) or a "
            "share of them (a float in 0..1). Write 50 for fifty exams, 0.1 for a tenth."
        )
    return budget if is_count else budget * num_exams


def _check_share(name, value):
    value = np.asarray(value, float)
    wrong = (value < 0) | (value > 1)
    if wrong.any():
        raise ValueError(
            f"The {name} is {value[wrong].flat[0]}, but must lie in 0..1. Divide percentages by "
            "100."
        )
    return value
