"""Finding the files of a published layout in copies that differ in nesting, case and format."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from radiokit.cards import load_card, name_a_few

RASTER_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif")
FILM_SUFFIXES = (".img", ".dcm", *RASTER_SUFFIXES)


def files_below(root: str | Path, name: str) -> list[Path]:
    """All files with an ending below a folder, hidden ones left out.

    Use it once an index, then pick from the result with `pick_files`.

    Args:
        root: folder of a copy.
        name: the data set's card, for the message.

    Returns:
        Files in order of their paths.

    Raises:
        FileNotFoundError: there is no such folder; the text says how to get the data.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} is not a folder. Give the folder of a copy of {name}. "
            f"{load_card(name).by_hand}"
        )
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.suffix and not _is_hidden(path.relative_to(root)) and path.is_file()
    ]


def _is_hidden(path: Path) -> bool:
    """What file managers and archive programs leave behind."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def pick_files(
    files: Sequence[Path], name: str, folder: str, suffixes: Sequence[str]
) -> dict[str, Path]:
    """The file of each case, by patterns of its name and of the folder it lies in.

    Use it for one kind of file of a layout. Case does not matter in patterns or endings.

    Args:
        files: from `files_below`.
        name: regular expression for the whole stem; its first group is the case.
        folder: regular expression for the whole name of the folder.
        suffixes: endings in lower case; of several files of a case the first ending wins.

    Returns:
        Case in upper case -> file, in order.

    Raises:
        ValueError: two files with the same ending claim one case.
    """
    stem_pattern = re.compile(name, re.IGNORECASE)
    folder_pattern = re.compile(folder, re.IGNORECASE)
    candidates = {}
    for path in files:
        match = stem_pattern.fullmatch(path.stem)
        suffix = path.suffix.lower()
        if match and suffix in suffixes and folder_pattern.fullmatch(path.parent.name):
            ranked = (suffixes.index(suffix), path)
            candidates.setdefault(match[1].upper(), []).append(ranked)
    return {case: _only_best(case, candidates[case]) for case in sorted(candidates)}


def _only_best(case: str, candidates: list[tuple[int, Path]]) -> Path:
    """The candidate of the first ending, if there is one only."""
    best, *others = sorted(candidates)
    if others and others[0][0] == best[0]:
        raise ValueError(
            f"Two files claim {case}: {best[1]} and {others[0][1]}. "
            "Move one of them out of the copy."
        )
    return best[1]


def require_films(films: dict[str, Path], root: str | Path, name: str) -> None:
    """Refuse a copy without films.

    Use it right after the films were picked.

    Args:
        films: case -> file.
        root: folder of the copy, for the message.
        name: the data set's card.

    Raises:
        FileNotFoundError: no films; the text says what should lie where.
    """
    if not films:
        card = load_card(name)
        example = next(entry.example for entry in card.layout if entry.films)
        raise FileNotFoundError(
            f"No films of {card.title} below {root}; they lie there as {example}. {card.by_hand}"
        )


def require_masks(films: dict[str, Path], masks: dict[str, dict[str, Path]], name: str) -> None:
    """Refuse a copy in which a film lacks a mask.

    Use it for sets published with every mask for every film.

    Args:
        films: case -> file.
        masks: mask column -> (case -> file).
        name: the data set's card.

    Raises:
        FileNotFoundError: films without a mask; the text names some and counts them.
    """
    for column, found in masks.items():
        missing = [case for case in films if case not in found]
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of {len(films)} films have no {column}: {name_a_few(missing)}. "
                f"Complete the copy (radiokit data check {name}), or move these films out of it."
            )


def warn_left_out(unreadable: Sequence[str], unmatched: Sequence[str], partners: str) -> None:
    """One warning that counts the files left out and what has no partner; none without either.

    Use it at the end of an `index_*` function, called by the function itself, so that the warning
    points to whoever called that.

    Args:
        unreadable: a sentence for each file left out.
        unmatched: a sentence for each row or file without its partner.
        partners: what these are, such as `"rows or files"`.
    """
    parts = []
    if unreadable:
        parts.append(f"{len(unreadable)} files are left out ({name_a_few(unreadable)})")
    if unmatched:
        parts.append(f"{len(unmatched)} {partners} have no partner ({name_a_few(unmatched)})")
    if parts:
        warnings.warn(
            f"{'; '.join(parts)}. They are listed in table.attrs['unreadable'] and "
            "table.attrs['unmatched'].",
            stacklevel=3,
        )
