"""What tests of phantoms compare: every file of a folder."""

import hashlib
from pathlib import Path


def files_below(folder: Path) -> dict[str, str]:
    """Relative path → SHA-256 of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
