"""Splits by patient, and the audit that refuses a leaky one."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.stratify import stratify_patients

_SHOWN = 3


def split_by_patient(
    table: pd.DataFrame, fractions: Mapping[str, float], seed: int, labels: Sequence[str] = ()
) -> pd.DataFrame:
    """Give every patient, with all of its rows, to one split.

    Use it before any training, once, and keep the seed. The result depends on the set of patients
    and the seed only, never on the order of rows. Fractions are fractions of patients.

    Args:
        table: case table with `patient_id`.
        fractions: share of patients of each split, such as
            `{"train": 0.7, "validation": 0.1, "test": 0.2}`; they add up to 1.
        seed: seed of the shuffle.
        labels: columns of 0 and 1 whose positive patients are spread over the splits as evenly
            as they go, so that a rare label is not all in one; none: patients are shuffled. A
            label of one patient goes to the largest split, one of two patients to the largest and
            the last split: name the test split last (`radiokit.data.stratify` says why).

    Returns:
        A copy of the table with the column `split`. Every split has at least one patient.

    Raises:
        ValueError: fractions are wrong, patients are unknown, a label is no column, or there are
            fewer patients than splits.

    Example:
        >>> cases = pd.DataFrame({"case_id": list("abcd"), "patient_id": [1, 1, 2, 3]})
        >>> list(split_by_patient(cases, {"train": 0.6, "test": 0.4}, seed=0).split)
        ['train', 'train', 'test', 'train']
    """
    _check_fractions(fractions)
    keys = _patient_keys(table)
    patients = np.array(sorted(set(keys)))
    counts = _counts_per_split(len(patients), fractions)
    if len(labels):
        names = stratify_patients(_positive_patients(table, labels, keys), counts, seed)
    else:
        order = np.random.default_rng(seed).permutation(len(patients))
        names = np.empty(len(patients), dtype=object)
        names[order] = np.repeat(list(counts), list(counts.values()))
    split_of = dict(zip(patients, names, strict=True))
    result = table.copy()
    result["split"] = [str(split_of[key]) for key in keys]
    return result


def _check_fractions(fractions: Mapping[str, float]) -> None:
    """Fractions are positive and add up to 1."""
    total = sum(fractions.values())
    if not fractions or min(fractions.values()) <= 0 or abs(total - 1) > 1e-6:
        raise ValueError(
            f"The fractions {dict(fractions)} add up to {total:g}. Give positive fractions that "
            'add up to 1, such as {"train": 0.7, "validation": 0.1, "test": 0.2}.'
        )


def _patient_keys(table: pd.DataFrame) -> list[str]:
    """Patient of each row as text."""
    if "patient_id" not in table.columns:
        raise ValueError(
            f"The table has no column patient_id (it has {', '.join(map(str, table.columns))}). "
            "Add one; without a patient key copy case_id or exam_id into it and say so."
        )
    unknown = int(table["patient_id"].isna().sum())
    if unknown:
        raise ValueError(
            f"{unknown} of {len(table)} rows have no patient_id. Fill it in or leave these rows "
            "out: two films of one unknown patient could fall into two splits."
        )
    return [str(value) for value in table["patient_id"]]


def _positive_patients(table: pd.DataFrame, labels: Sequence[str], keys: list[str]) -> np.ndarray:
    """Whether each patient, in the order of their sorted names, has each label in any row."""
    missing = [name for name in labels if name not in table.columns]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(missing)} (it has "
            f"{', '.join(map(str, table.columns))}). Give labels that are columns of 0 and 1."
        )
    return (table[list(labels)] == 1).groupby(np.array(keys)).any().to_numpy()


def _counts_per_split(num_patients: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Patients per split: largest remainders, at least one each."""
    if num_patients < len(fractions):
        raise ValueError(
            f"{num_patients} patients cannot fill {len(fractions)} splits "
            f"({', '.join(fractions)}). Use fewer splits or more patients."
        )
    exact = {name: fraction * num_patients for name, fraction in fractions.items()}
    counts = {name: max(1, int(value + 1e-9)) for name, value in exact.items()}
    while sum(counts.values()) < num_patients:
        name = max(exact, key=lambda name: exact[name] - counts[name])
        counts[name] += 1
    while sum(counts.values()) > num_patients:
        name = max(counts, key=lambda name: counts[name])
        counts[name] -= 1
    return counts


def audit_split(table: pd.DataFrame) -> pd.DataFrame:
    """Raise unless the splits of a table are clean.

    Use it right before training and again before reporting. It looks for phantom rows among real
    ones, a patient in two splits, an augmented copy away from its source, and one image file
    (same bytes) in two splits. The same picture saved anew (other bytes) is not found.

    Args:
        table: case table with `case_id`, `patient_id`, `image`, `split`; `source_case_id` and
            `is_phantom` where there.

    Returns:
        Columns split, images, patients: one row a split.

    Raises:
        ValueError: the first leak found, with examples and the remedy.
        FileNotFoundError: an image of the table is not there.
    """
    _check_columns(table)
    _refuse_phantom_among_real(table)
    _refuse_shared_patients(table)
    _refuse_separated_copies(table)
    _refuse_duplicated_files(table)
    names = list(dict.fromkeys(table["split"]))
    keys = pd.Series(_patient_keys(table), index=table.index)
    rows = [
        {"split": name, "images": int(inside.sum()), "patients": keys[inside].nunique()}
        for name in names
        for inside in [table["split"] == name]
    ]
    return pd.DataFrame(rows)


def _check_columns(table: pd.DataFrame) -> None:
    """The audit needs four columns and a split in every row."""
    missing = [
        name for name in ("case_id", "patient_id", "image", "split") if name not in table.columns
    ]
    if missing:
        raise ValueError(
            f"The audit needs the columns {', '.join(missing)}, which the table has not. "
            "Index the data, then split it with split_by_patient."
        )
    if table["split"].isna().any():
        raise ValueError(
            f"{int(table['split'].isna().sum())} of {len(table)} rows have no split. "
            "Split the whole table with split_by_patient."
        )


def _refuse_phantom_among_real(table: pd.DataFrame) -> None:
    """Phantom and real rows never stand in one table."""
    if "is_phantom" not in table.columns:
        return
    phantom = int(table["is_phantom"].astype(bool).sum())
    if 0 < phantom < len(table):
        raise ValueError(
            f"{phantom} phantom and {len(table) - phantom} real rows are in one table. Use one "
            "kind: a score on a mixture says nothing about either."
        )


def _refuse_shared_patients(table: pd.DataFrame) -> None:
    """A patient has all rows in one split."""
    keys = pd.Series(_patient_keys(table), index=table.index)
    shared = _groups_in_several_splits(keys, table["split"])
    if shared:
        raise ValueError(
            f"{len(shared)} patients are in more than one split: {_examples(shared)}. "
            "Split again with split_by_patient."
        )


def _refuse_separated_copies(table: pd.DataFrame) -> None:
    """An augmented copy stays where its source is."""
    if "source_case_id" not in table.columns:
        return
    source = table["source_case_id"].where(table["source_case_id"].notna(), table["case_id"])
    shared = _groups_in_several_splits(source.astype(str), table["split"])
    if shared:
        raise ValueError(
            f"Augmented copies of {len(shared)} cases are in another split than their source or "
            f"each other: {_examples(shared)}. Split first, then augment within the training split."
        )


def _refuse_duplicated_files(table: pd.DataFrame) -> None:
    """One image file (by content) is in one split."""
    paths = table["image"].astype(str)
    hashes = _content_keys(sorted(set(paths)))
    keys = paths.map(hashes)
    shared = _groups_in_several_splits(keys, table["split"])
    if shared:
        examples = []
        for key in list(shared)[:_SHOWN]:
            rows = table[keys == key].drop_duplicates("split")
            examples.append(
                " = ".join(f"{Path(r.image).name} ({r.split})" for r in rows.itertuples())
            )
        raise ValueError(
            f"{len(shared)} images are in more than one split, byte for byte: "
            f"{'; '.join(examples)}. Keep one of each, or give both files one patient_id."
        )


def _content_keys(paths: list[str]) -> dict[str, str]:
    """Key per file, equal for equal content; only files of equal size need hashing."""
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} images of the table are not there, such as "
            f"{missing[0]}. Index the data again where they lie now."
        )
    sizes = {path: Path(path).stat().st_size for path in paths}
    number_of_size = pd.Series(sizes).value_counts()
    return {
        path: _sha256(path) if number_of_size[size] > 1 else f"only file of {size} bytes"
        for path, size in sizes.items()
    }


def _sha256(path: str) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _groups_in_several_splits(keys: pd.Series, split: pd.Series) -> dict[str, list[str]]:
    """Keys that occur in more than one split, each with its splits."""
    splits = split.groupby(keys).unique()
    return {key: list(names) for key, names in splits.items() if len(names) > 1}


def _examples(groups: dict[str, list[str]]) -> str:
    """The first few groups with their splits."""
    return name_a_few([f"{key} ({', '.join(names)})" for key, names in groups.items()])
