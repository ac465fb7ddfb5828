"""The labels of the RSNA haemorrhage challenge: six rows an image to one row an image."""

from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few
from radiokit.data.csv_files import ENCODING, not_csv, read_csv_header

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
LABELS = (*SUBTYPES, "any")

_CODE_OF = {name: code for code, name in enumerate(LABELS)}
_LONG_ENDING = "_hemorrhage"
_EXAMPLE = "ID_1b8ac55df_epidural,0"
_UNSET = 255
_ROWS_AT_A_TIME = 2**16  # larger ones leave the processor cache


def pivot_rsna_labels(csv: str | Path) -> pd.DataFrame:
    """Turn the challenge's long table of labels into one row an image, and check it.

    Use it on `stage_2_train.csv`: six rows an image, `ID,Label` or `Id,Label`, such as
    `ID_1b8ac55df_epidural,0` or `ID_1b8ac55df_epidural_hemorrhage,0`. The published file holds a
    few rows twice; rows that say the same are dropped and counted, rows that contradict one another
    are refused.

    Args:
        csv: the file; 4.5 million rows take a few seconds.

    Returns:
        `case_id` (`ID_1b8ac55df`) and `LABELS` (0 or 1, uint8), in the order of the file.
        `table.attrs["notes"]` says how many repeated rows were dropped.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is empty or that of another data set, a label is not 0 or 1, rows
            contradict one another, an image lacks a row, or `any` contradicts the five; all
            such images are counted, and a few named.

    Example:
        >>> import tempfile
        >>> rows = [f"ID_a_{label},{int(label in ('subdural', 'any'))}" for label in LABELS]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "stage_2_train.csv"
        ...     _ = path.write_text("ID,Label\\n" + "\\n".join(rows), encoding="utf-8")
        ...     pivot_rsna_labels(path)[["case_id", "epidural", "subdural", "any"]]
          case_id  epidural  subdural  any
        0    ID_a         0         1    1
    """
    path = Path(csv)
    images, keys, values = _read_rows(path)
    wide = np.full(len(images) * len(LABELS), _UNSET, np.uint8)
    wide[keys] = values
    _refuse(path, "contradict one another in", keys[wide[keys] != values], images, "Keep one row.")
    remedy = "Every image has six rows; complete or remove these images."
    _refuse(path, "are missing of", np.flatnonzero(wide == _UNSET), images, remedy)
    table = pd.DataFrame(wide.reshape(len(images), len(LABELS)), columns=list(LABELS))
    _refuse_any(path, table, images)
    table.insert(0, "case_id", images)
    num_repeated = len(keys) - wide.size
    table.attrs["notes"] = [f"{num_repeated} repeated rows dropped"] if num_repeated else []
    return table


def _read_rows(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Images in order; of every row its place (image times six plus label) and its value."""
    id_column, label_column, separator = _find_columns(path)
    code_of, keys, values = {}, [], []
    try:
        with pd.read_csv(
            path,
            sep=separator,
            encoding=ENCODING,
            usecols=[id_column, label_column],
            dtype={id_column: object},
            na_filter=False,
            skipinitialspace=True,
            chunksize=_ROWS_AT_A_TIME,
        ) as chunks:
            for chunk in chunks:
                keys.append(_keys_of(path, chunk[id_column], code_of))
                values.append(_values_of(path, chunk[label_column], chunk[id_column]))
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise not_csv(path, error) from error
    if not code_of:
        raise ValueError(f"{path} has a header but no rows. It needs rows such as {_EXAMPLE}.")
    return list(code_of), np.concatenate(keys), np.concatenate(values)


def _find_columns(path: Path) -> tuple[str, str, str]:
    """The names of the two columns as pandas reads them, and the separator."""
    columns, separator = read_csv_header(path, "table of labels")
    spelled = {name.lower(): name for name in columns}
    if not {"id", "label"} <= set(spelled):
        raise ValueError(
            f"{path} has the columns {name_a_few(columns)}. The challenge's table has ID and "
            f"Label, with six rows an image such as {_EXAMPLE}: give stage_2_train.csv. For a "
            "table with one row an image use radiokit.data.own.index_image_labels."
        )
    return spelled["id"], spelled["label"], separator


def _keys_of(path: Path, ids: pd.Series, code_of: dict[str, int]) -> np.ndarray:
    """Place of each row; images not seen before are added to `code_of`."""
    keys, strange, num_labels = [], [], len(LABELS)
    for text in ids.tolist():
        image, _, name = text.rpartition("_")
        label = _CODE_OF.get(name)
        if label is None or not image:
            image, label = _split_spelled_otherwise(text)
            if label is None:
                strange.append(text)
                continue
        keys.append(code_of.setdefault(image, len(code_of)) * num_labels + label)
    if strange:
        raise ValueError(
            f"{path} has {len(strange)} IDs that end in none of the six labels: "
            f"{name_a_few(strange)}. They end in _{', _'.join(LABELS)}, with or without "
            f"{_LONG_ENDING}, as in {_EXAMPLE}."
        )
    return np.array(keys, np.int64)


def _split_spelled_otherwise(text: str) -> tuple[str, int | None]:
    """Image and label of an ID in the study's spelling, or with spaces or capitals."""
    image, _, name = text.strip().removesuffix(_LONG_ENDING).rpartition("_")
    return image, _CODE_OF.get(name.lower()) if image else None


def _values_of(path: Path, labels: pd.Series, ids: pd.Series) -> np.ndarray:
    """Labels as 0 and 1."""
    numbers = pd.to_numeric(labels, errors="coerce")
    is_wrong = ~numbers.isin((0, 1))
    if is_wrong.any():
        rows = zip(ids[is_wrong], labels[is_wrong], strict=True)
        wrong = [f"{name} is {label}" for name, label in rows]
        raise ValueError(
            f"{path} has {len(wrong)} labels that are not 0 or 1: {name_a_few(wrong)}. Give the "
            "labels of the training set, not predictions."
        )
    return numbers.to_numpy(np.uint8)


def _refuse(path: Path, what: str, keys: np.ndarray, images: list[str], remedy: str) -> None:
    """List the rows at some places, if there are any."""
    if not keys.size:
        return
    keys = np.unique(keys)
    rows = [f"{images[key // len(LABELS)]}_{LABELS[key % len(LABELS)]}" for key in keys]
    num_images = len(np.unique(keys // len(LABELS)))
    raise ValueError(
        f"Rows {what} {num_images} of {len(images)} images of {path}: {name_a_few(rows)}. {remedy}"
    )


def _refuse_any(path: Path, table: pd.DataFrame, images: list[str]) -> None:
    """`any` is 1 exactly where one of the five is."""
    of_five = table[list(SUBTYPES)].to_numpy().any(axis=1)
    wrong = np.flatnonzero(of_five != table["any"].to_numpy(bool))
    if wrong.size:
        raise ValueError(
            f"In {len(wrong)} of {len(images)} images of {path} the label any contradicts the five "
            f"subtypes: {name_a_few([images[row] for row in wrong])}. any is 1 exactly where a "
            "subtype is 1; correct these rows."
        )
