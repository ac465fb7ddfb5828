"""One file to pixels with units."""

from pathlib import Path


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
