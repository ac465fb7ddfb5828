"""Patients dealt to splits so that every label is found in each of them, as far as it goes."""

import numpy as np


def stratify_patients(is_positive: np.ndarray, counts: dict[str, int], seed: int) -> list[str]:
    """Deal patients with several labels to splits, rare labels first.

    Use it through `radiokit.data.splits.split_by_patient(labels=…)`. With one label the parts of
    the splits would do; with six, the rarest is dealt first, since nothing can be made good for
    it later, each patient to the split that lacks most of that label.

    Args:
        is_positive: (patients, labels) bool, whether a patient has a label in any image.
        counts: patients of each split; they add up to the number of patients.
        seed: of the order of patients and of ties.

    Returns:
        The split of each patient.

    Paper: Sechidis, Tsoumakas and Vlahavas 2011, On the Stratification of Multi-label Data,
    https://doi.org/10.1007/978-3-642-23808-6_10 (the sizes of the splits are kept exactly here).

    Example:
        >>> rare = np.array([[True], [True], [False], [False]])
        >>> dealt = stratify_patients(rare, {"train": 2, "test": 2}, seed=0)
        >>> sorted(dealt[:2]), sorted(dealt[2:])
        (['test', 'train'], ['test', 'train'])
    """
    names = list(counts)
    room = np.array([counts[name] for name in names], float)
    wanted = np.outer(room / room.sum(), is_positive.sum(axis=0))  # (splits, labels)
    generator = np.random.default_rng(seed)
    waiting = [int(patient) for patient in generator.permutation(len(is_positive))]
    split_of = np.empty(len(is_positive), dtype=object)
    while waiting:
        label = _rarest_label(is_positive[waiting])
        chosen = [p for p in waiting if label is None or is_positive[p, label]]
        for patient in chosen:
            lacking = room if label is None else wanted[:, label]
            split = _neediest_split(lacking, room, generator)
            split_of[patient] = names[split]
            room[split] -= 1
            wanted[split] -= is_positive[patient]
        waiting = [patient for patient in waiting if split_of[patient] is None]
    return list(split_of)


def _rarest_label(is_positive):
    """The label that fewest of these patients have; None where they have none at all."""
    numbers = is_positive.sum(axis=0)
    if not numbers.any():
        return None
    return int(np.argmin(np.where(numbers > 0, numbers, np.inf)))


def _neediest_split(lacking, room, generator):
    """The split with room that lacks most of a label; of equals the emptiest, then by chance."""
    is_open = room > 0
    lacking = np.where(is_open, lacking, -np.inf)
    tied = is_open & np.isclose(lacking, lacking.max())
    tied &= np.isclose(room, room[tied].max())
    return int(generator.choice(np.flatnonzero(tied)))
