"""Files that are complete or absent: written aside under a hidden name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".unfinished-"


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Let a file appear under its name only once it is complete.

    When to use: around a library's own writer, and around nothing else, since every `OSError`
    inside is taken for a failure to write. Content at hand goes through `write_text_whole` or
    `write_bytes_whole`.

    Args:
        path: where to; an existing file is replaced, folders are made as needed.

    Yields:
        A hidden path of this writer alone, beside `path` and with the same ending. It is renamed
        at the end; after any failure it is removed, and an older file stays as it was.

    Raises:
        OSError: the file cannot be written; says which, why, and what to do.
    """
    path = Path(path)
    unfinished = path.with_name(f"{_PREFIX}{os.urandom(4).hex()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise OSError(
            f"Cannot write {path.name} into {path.parent}: {error.strerror or error}. Choose a "
            "folder that you may write to, and check that the disk is not full and no other "
            "program holds the file open."
        ) from error
    finally:
        with suppress(OSError):  # renamed, never begun, or the folder itself is the trouble
            unfinished.unlink()


def write_bytes_whole(path: Path | str, content: bytes) -> Path:
    """Write bytes to a file that is complete or absent; see `whole_file`.

    Args:
        path: where to; an existing file is replaced, folders are made as needed.
        content: all of the file.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)
    return Path(path)


def write_text_whole(path: Path | str, text: str) -> Path:
    """Write text as UTF-8, line ends as they are, to a file that is complete or absent.

    Args:
        path: where to; an existing file is replaced, folders are made as needed.
        text: all of the file.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    return write_bytes_whole(path, text.encode("utf-8"))


def remove_unfinished(folder: Path | str) -> None:
    """Remove what killed processes had begun to write in a folder; subfolders are left alone.

    When to use: before going on with a killed job whose files are large, and only where no other
    process may be writing. A failure or an interruption leaves nothing to remove.

    Args:
        folder: where whole files are written.
    """
    for left in Path(folder).glob(f"{_PREFIX}*"):
        left.unlink(missing_ok=True)
