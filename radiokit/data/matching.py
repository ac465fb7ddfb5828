"""Names in somebody's table to files below a folder: paths, names with or without ending, stems."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from radiokit.cards import name_a_few
from radiokit.data.picture_files import stem_of


def match_names(
    names: Sequence[str], files: Sequence[Path], folders: Sequence[Path]
) -> list[Path | None]:
    """The file that each name means.

    Use it for the column of file names of a table that was made on another machine. A name may be a
    path (with / or \\\\, from anywhere at or above the image), a file's name, or its stem; case
    does not matter. An ending that differs is accepted where only one file has the stem.

    Args:
        names: as they stand in the table.
        files: the image files.
        folders: the folders that the files lie below.

    Returns:
        A file a name, None where there is none.

    Raises:
        ValueError: names that several files match; the text shows them.
    """
    by_stem = defaultdict(list)
    for path in files:
        by_stem[stem_of(path).casefold()].append((path, _parts(relative_name(path, folders))))
    matches, ambiguous = [], []
    for name in names:
        found = _candidates(_parts(name), by_stem)
        matches.append(found[0] if len(found) == 1 else None)
        if len(found) > 1:
            ambiguous.append(f"{name} ({', '.join(relative_name(p, folders) for p in found[:3])})")
    if ambiguous:
        raise ValueError(
            f"{len(ambiguous)} names in the table match several files: {name_a_few(ambiguous)}. "
            "Give paths relative to the folder of images, such as 049/brain/1.jpg, or index the "
            "folders one by one."
        )
    return matches


def match_slices(
    patients: Sequence[str], slices: Sequence[str], files: Sequence[Path], folders: Sequence[Path]
) -> list[Path | None]:
    """The file of each patient's slice, in a folder a patient or named after both.

    Use it for tables without file names: patient 49, slice 1 is `049/1.png`, `049/brain/1.jpg`, or
    `49_1.png`. Leading zeros do not matter.

    Args:
        patients: as they stand in the table.
        slices: numbers as they stand in the table.
        files: the image files.
        folders: the folders that the files lie below.

    Returns:
        A file a row, None where there is none.

    Raises:
        ValueError: rows that several files match.
    """
    found = defaultdict(list)
    for path in files:
        *above, _ = PurePosixPath(relative_name(path, folders)).parts
        stem = stem_of(path)
        for folder in dict.fromkeys(map(_plain, above)):
            found[folder, _plain(stem)].append(path)
        patient, _, number = re.sub(r"[ -]", "_", stem).rpartition("_")
        found[_plain(patient), _plain(number)].append(path)
    keys = [(_plain(p), _plain(s)) for p, s in zip(patients, slices, strict=True)]
    ambiguous = {key: found[key] for key in keys if len(found.get(key, ())) > 1}
    if ambiguous:
        (patient, number), paths = next(iter(ambiguous.items()))
        shown = ", ".join(relative_name(path, folders) for path in paths[:3])
        raise ValueError(
            f"{len(ambiguous)} slices match several files, such as slice {number} of patient "
            f"{patient}: {shown}. Give a column of file names, or only the folders with the images "
            "that are meant."
        )
    return [found[key][0] if found.get(key) else None for key in keys]


def relative_name(path: Path, folders: Sequence[Path]) -> str:
    """A file's path relative to the folder it was found in, with slashes.

    Use it in messages, and to tell files of one stem apart.

    Args:
        path: the file.
        folders: the folders searched.

    Returns:
        Such as `049/brain/1.jpg`.
    """
    inside = [folder for folder in folders if path.is_relative_to(folder)]
    return path.relative_to(max(inside, key=lambda folder: len(folder.parts))).as_posix()


def _plain(text: str) -> str:
    """Without leading zeros, a decimal .0, and case."""
    return re.sub(r"(?<=\d)\.0$", "", text).lstrip("0").casefold() or "0"


def _parts(name: str) -> tuple[str, ...]:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return tuple(part.casefold() for part in parts if part not in (".", "/"))


def _candidates(name: tuple[str, ...], by_stem: dict) -> list[Path]:
    """Files whose folders agree with the name's as far as both go; the same ending first."""
    if not name:
        return []
    *above, last = name
    found = by_stem.get(last, []) if last in by_stem else []
    found = found or by_stem.get(stem_of(Path(last)), [])
    agreeing = [(path, parts) for path, parts in found if _agree(tuple(above), parts[:-1])]
    exact = [path for path, parts in agreeing if parts[-1] == last]
    chosen = exact or [path for path, _ in agreeing]
    same = [path for path, parts in agreeing if parts == name]
    return same or chosen


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the shorter of two chains of folders ends the longer one."""
    shared = min(len(one), len(other))
    return shared == 0 or one[-shared:] == other[-shared:]
