"""CSV files as people's programs write them: comma, semicolon or tab, with or without a mark."""

import csv
from pathlib import Path

import pandas as pd

ENCODING = "utf-8-sig"  # UTF-8, and a byte order mark is no part of the first column's name
_SEPARATORS = ",;\t"


def read_csv_header(path: str | Path, what: str) -> tuple[list[str], str]:
    """The columns of a CSV file, and what separates them.

    Use it before the rows are read, to say what is missing.

    Args:
        path: the file.
        what: what it is, for messages, such as "table of labels".

    Returns:
        Column names without surrounding spaces, and the separator: the most frequent of comma,
        semicolon and tab in the first line.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is empty, or not UTF-8 text.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"The {what} {path} is not there. Give a CSV file.")
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            line = file.readline(2**20)
    except UnicodeDecodeError as error:
        raise not_csv(path, error) from error
    if not line.strip():
        raise ValueError(f"The {what} {path} is empty. Save it again with its header and rows.")
    separator = max(_SEPARATORS, key=line.count)
    return [name.strip() for name in next(csv.reader([line], delimiter=separator))], separator


def read_text_rows(path: str | Path, what: str) -> pd.DataFrame:
    """All cells of a CSV file as text, surrounding spaces removed, empty where nothing stands.

    Use it where "049" must not become 49.

    Args:
        path: the file.
        what: what it is, for messages.

    Returns:
        One row a line.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is empty, has no rows, or is no CSV in UTF-8.
    """
    columns, separator = read_csv_header(path, what)
    try:
        rows = pd.read_csv(path, sep=separator, encoding=ENCODING, dtype=str, keep_default_na=False)
    except ValueError as error:  # pandas' ParserError and UnicodeDecodeError are ValueErrors
        raise not_csv(path, error) from error
    if rows.empty:
        raise ValueError(f"The {what} {path} has a header but no rows. Give a row an image.")
    _check_cells(path, rows, columns)
    rows.columns = columns
    return rows.fillna("").apply(lambda column: column.str.strip())


def _check_cells(path: str | Path, rows: pd.DataFrame, columns: list[str]) -> None:
    """Rows are no longer than the header (pandas would shift them), and no name stands twice."""
    if not isinstance(rows.index, pd.RangeIndex):
        raise not_csv(path, ValueError(f"its rows have more cells than its {len(columns)} columns"))
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise not_csv(path, ValueError(f"several columns are named {', '.join(sorted(twice))}"))


def not_csv(path: str | Path, error: Exception) -> ValueError:
    """The error for a file that a CSV reader refuses.

    Args:
        path: the file.
        error: what the reader raised.

    Returns:
        An error to raise, naming file, reason and remedy.
    """
    reason = " ".join(str(error).split())[:200]
    return ValueError(
        f"{path} cannot be read as CSV: {reason}. Save it as comma-separated UTF-8 text."
    )
