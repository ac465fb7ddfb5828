"""One file to pixels with units."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_PIXELS = 178_956_970  # larger pictures are taken for decompression bombs, as Pillow does

_WARNINGS_LOCK = threading.Lock()  # catch_warnings swaps process-wide state; readers take turns


class UnreadableFileError(ValueError):
    """A file that is there cannot be read; says which, why, and what to do.

    Args:
        path: the file.
        reason: what is wrong with it, without a full stop.
        remedy: what the reader can do, a whole sentence.
    """

    def __init__(self, path: str | Path, reason: str, remedy: str):
        super().__init__(f"Cannot read {path}: {reason}. {remedy}")
        self.path = Path(path)
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self):
        return type(self), (self.path, self.reason, self.remedy)  # crosses process pools whole


def check_file(path: str | Path) -> Path:
    """Make sure that a path is a file with something in it, before a decoder sees it.

    Args:
        path: the file to read.

    Returns:
        The path as `Path`.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFileError: it is a folder, empty, or not ours to open.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No file at {path}. Check the spelling and the working folder.")
    if not path.is_file():
        raise UnreadableFileError(path, "it is a folder, not a file", "Give one image file.")
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        remedy = "Check the file's permissions and the drive."
        raise UnreadableFileError(path, brief(error), remedy) from error
    if is_empty:
        raise UnreadableFileError(path, "it is empty (0 bytes)", "Copy or download it again.")
    return path


def brief(error: Exception) -> str:
    """What an exception says, on one line of at most 200 characters without a full stop.

    Args:
        error: any exception, for instance a decoder's.

    Returns:
        Its text, or the name of its class where it says nothing.

    >>> brief(ValueError("truncated\\n  at byte 7."))
    'truncated at byte 7'
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else text[:197] + "...").rstrip(".")


@contextmanager
def caught_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what decoders warn of, instead of printing it; safe with threads.

    When to use: around calls of Pillow, tifffile or pydicom. Not to be nested.

    Yields:
        A list that fills with the warnings.
    """
    with _WARNINGS_LOCK, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
