"""Patients dealt to splits so that every label is found in each of them, as far as it goes."""

import numpy as np


def stratify_patients(is_positive: np.ndarray, counts: dict[str, int], seed: int) -> list[str]:
    """Deal patients with several labels to splits, rare labels first.

    Use it through `radiokit.data.splits.split_by_patient(labels=…)`. With one label the parts of
    the splits would do; with six, the rarest is dealt first, since nothing can be made good for
    it later, each patient to the split that lacks most of that label.

    Labels of one or two patients cannot be in every split. The only patient of a label goes to the
    largest split: it can be learned there, but not tested. Of two patients one goes to the largest
    split and one to the last of the others, so that the label is learned from one and tested on
    the other. A patient who is needed in both places, or finds no room, is dealt like the rest.

    Args:
        is_positive: (patients, labels) bool, whether a patient has a label in any image.
        counts: patients of each split, the test split last; they add up to the number of patients.
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
    split_of = np.full(len(is_positive), -1)

    def give(patient, split):
        split_of[patient] = split
        room[split] -= 1
        wanted[split] -= is_positive[patient]

    for patient, split in _places_of_rare_labels(is_positive, room, waiting).items():
        if room[split] > 0:
            give(patient, split)
    waiting = [patient for patient in waiting if split_of[patient] < 0]
    while waiting:
        label = _rarest_label(is_positive[waiting])
        chosen = [p for p in waiting if label is None or is_positive[p, label]]
        for patient in chosen:
            lacking = room if label is None else wanted[:, label]
            give(patient, _neediest_split(lacking, room, generator))
        waiting = [patient for patient in waiting if split_of[patient] < 0]
    return [names[split] for split in split_of]


def _places_of_rare_labels(is_positive, room, order):
    """Patient -> split for those who alone, or with one other, have a label."""
    largest = int(np.argmax(room))
    last = max((split for split in range(len(room)) if split != largest), default=largest)
    numbers = is_positive.sum(axis=0)
    place_of = {p: largest for p in order if is_positive[p, numbers == 1].any()}
    pairs = [[p for p in order if is_positive[p, label]] for label in np.flatnonzero(numbers == 2)]
    while pairs:
        pair = max(pairs, key=lambda pair: len(place_of.keys() & pair))
        pairs.remove(pair)
        first, second = sorted(pair, key=lambda patient: patient not in place_of)
        place_of.setdefault(first, largest)
        place_of.setdefault(second, last if place_of[first] == largest else largest)
    return place_of


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
