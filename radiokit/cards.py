"""Dataset cards: where a data set is, fetching it, checking a copy against its layout."""

import os
import re
import shutil
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from radiokit import shipped_folder

_SHOWN = 3


@dataclass(frozen=True)
class Archive:
    """One zip file of a data set; keys as in `datasets/README.md`."""

    urls: tuple[str, ...]
    provides: tuple[str, ...]
    checksum: str = ""


@dataclass(frozen=True)
class LayoutEntry:
    """One kind of file in a data set's layout; keys as in `datasets/README.md`."""

    what: str
    pattern: str
    example: str
    count: int
    films: bool = False
    partner_of: str = ""
    names: tuple = ()


@dataclass(frozen=True)
class Card:
    """What is known about a data set, read from `datasets/<name>.toml`."""

    name: str
    title: str
    study: int
    modality: str
    url: str
    license: str
    citation: str
    size: str
    spacing: str
    patient_key: str
    folders: tuple[str, ...]
    by_hand: str
    archives: tuple[Archive, ...]
    labels: dict[str, str]
    layout: tuple[LayoutEntry, ...]
    traps: dict[str, str]


def list_cards() -> list[Card]:
    """All cards that travel with radiokit, by name.

    Use it to show what data sets there are.

    Returns:
        Cards in alphabetical order of their names.

    Raises:
        ValueError: a card lacks a key or cannot be parsed.
    """
    return [_read_card(path) for path in sorted(shipped_folder("datasets").glob("*.toml"))]


def load_card(name: str) -> Card:
    """The card of one data set.

    Use it for the licence, the citation and the traps of the data you are about to train on.

    Args:
        name: name of the card, such as `"montgomery"`.

    Returns:
        The card.

    Raises:
        ValueError: there is no such card, or it is damaged.

    Example:
        >>> load_card("jsrt").spacing
        '0.175 mm per pixel at 2048x2048; scaled for copies of another size'
    """
    folder = shipped_folder("datasets")
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ValueError(f"There is no data set {name!r}. Choose one of: {', '.join(known)}.")
    return _read_card(folder / f"{name}.toml")


def _read_card(path: Path) -> Card:
    """Card from a TOML file, every key required."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The card {path} is not valid TOML: {error}. Mend that line.") from error
    needed = {field.name for field in fields(Card)}
    wrong = sorted(needed ^ set(values))
    if wrong:
        raise ValueError(
            f"The card {path} has missing or unknown keys: {', '.join(wrong)}. "
            f"It needs exactly: {', '.join(sorted(needed))}."
        )
    values["archives"] = tuple(
        Archive(tuple(item["urls"]), tuple(item["provides"]), item.get("checksum", ""))
        for item in values["archives"]
    )
    values["layout"] = tuple(LayoutEntry(**item) for item in values["layout"])
    values["folders"] = tuple(values["folders"])
    return Card(**values)


def read_phantom_note(folder: str | Path) -> dict | None:
    """The content of the `PHANTOM.toml` that covers a folder, or None for real data.

    Use it to tell phantom from real files. The folder and all folders above it are searched, so
    that an inner folder of a phantom data set is never taken for real.

    Args:
        folder: a folder of a data set.

    Returns:
        Keys of `PHANTOM.toml` (seed, version, num_patients), or None.

    Raises:
        ValueError: the file is damaged.
    """
    folder = Path(folder).resolve()
    for place in (folder, *folder.parents):
        note = place / "PHANTOM.toml"
        if note.is_file():
            try:
                return tomllib.loads(note.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ValueError(
                    f"{note} is damaged: {error}. Delete the folder {place} and make the phantom "
                    "again."
                ) from error
    return None


def find_copy(name: str, root: str | Path) -> Path | None:
    """Folder of a data set's copy below a data root, or None.

    Use it to find data before indexing; it looks for the folder names the card lists.

    Args:
        name: name of the card.
        root: data root with one folder a data set.

    Returns:
        The first folder that is there and not empty, or None.

    Raises:
        ValueError: there is no such card.
    """
    root = Path(root)
    card = load_card(name)
    if not root.is_dir():
        return None
    present = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    for folder in card.folders:
        place = present.get(folder.lower())
        if place is not None and any(place.iterdir()):
            return place
    return None


def check_copy(card: Card, folder: str | Path) -> list[str]:
    """Say exactly what is missing from a copy of a data set.

    Use it before training. A phantom copy is held against itself (every film has its masks, as
    many films as patients), not against the published counts.

    Args:
        card: the data set's card.
        folder: the copy.

    Returns:
        Sentences, one a problem; empty when the copy is complete.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return [f"The folder {folder} does not exist."]
    note = read_phantom_note(folder)
    found = _found_files(card, folder)
    problems = []
    for entry in card.layout:
        problems += _entry_problems(entry, found, is_phantom=note is not None)
    if note is not None:
        problems += _phantom_problems(card, found, note)
    return problems + _empty_file_problems(found)


def _found_files(card: Card, folder: Path) -> dict[str, dict[str, Path]]:
    """For each kind of file: case name in lower case -> path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(folder).as_posix() for path in files}
    found = {entry.what: {} for entry in card.layout}
    for entry in card.layout:
        pattern = re.compile(entry.pattern, re.IGNORECASE)
        for path, name in names.items():
            match = pattern.fullmatch(name)
            if match and not path.name.startswith("."):
                case = match.groupdict().get("case") or path.stem
                found[entry.what].setdefault(case.lower(), path)
    return found


def _entry_problems(entry: LayoutEntry, found: dict, is_phantom: bool) -> list[str]:
    """What one kind of file lacks, in at most one sentence."""
    present = found[entry.what]
    wanted = _wanted_names(entry, found, is_phantom)
    missing = [name for key, name in wanted.items() if key not in present]
    expected = max(len(wanted), 1) if is_phantom else entry.count
    if not missing and (len(present) == expected or (is_phantom and present)):
        return []
    named = f"; missing: {name_a_few(missing)}" if missing else ""
    return [f"{entry.what}: {len(present)} of {expected} found{named} (such as {entry.example})."]


def _wanted_names(entry: LayoutEntry, found: dict, is_phantom: bool) -> dict[str, str]:
    """Names known in advance: of the films with a partner here, or as published."""
    if entry.partner_of:
        films = found[entry.partner_of]
        return {key: path.stem for key, path in films.items()}
    if is_phantom:
        return {}
    names = [
        pattern.format(number)
        for pattern, first, last in entry.names
        for number in range(first, last + 1)
    ]
    return {name.lower(): name for name in names}


def _phantom_problems(card: Card, found: dict, note: dict) -> list[str]:
    """Of a set with one film a patient, the phantom must have as many films as patients."""
    if not any(entry.films for entry in card.layout):
        return []
    films = sum(len(found[entry.what]) for entry in card.layout if entry.films)
    patients = note.get("num_patients", films)
    if films == patients:
        return []
    return [f"phantom films: {films} found, PHANTOM.toml says {patients} patients."]


def _empty_file_problems(found: dict) -> list[str]:
    """Files of no bytes are what an interrupted copy leaves."""
    files = [path for paths in found.values() for path in paths.values()]
    empty = [path.name for path in files if path.stat().st_size == 0]
    return [f"empty files (0 bytes): {len(empty)}: {name_a_few(empty)}."] if empty else []


def name_a_few(names: Sequence[str]) -> str:
    """The first few names and how many more.

    Use it in messages about many files.

    Args:
        names: names, most telling first.

    Returns:
        Text such as `a, b, c and 4 more`.

    Example:
        >>> name_a_few(["a", "b", "c", "d"])
        'a, b, c and 1 more'
    """
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def fetch(card: Card, root: str | Path, progress: bool = True) -> Path:
    """Download a data set and unpack it below a data root.

    Use it for open data sets. A published checksum is checked; an archive is unpacked beside the
    target and moved into place when complete, so that a half copy never stands under the final
    name. A complete copy is left alone. What cannot be fetched (`card.by_hand`) is left to you.

    Args:
        card: the data set's card.
        root: data root; the copy goes to `root/<card.folders[0]>`.
        progress: show a progress bar.

    Returns:
        The folder of the copy. `check_copy` says what is still missing from it.

    Raises:
        ValueError: the set cannot be downloaded freely (the text says how to get it), the folder
            holds a phantom, or the archive is damaged, has a wrong checksum or unsafe paths.
        OSError: the download failed.
    """
    root = Path(root)
    target = root / card.folders[0]
    present = find_copy(card.name, root)
    if present is not None and not check_copy(card, present):
        return present
    if not card.archives:
        raise ValueError(
            f"{card.title} cannot be downloaded by a program. {card.by_hand}\n"
            f"DIR is {root}; then run: radiokit data check {card.name}"
        )
    if target.is_dir() and read_phantom_note(target) is not None:
        raise ValueError(
            f"{target} holds a phantom, and real files must not be mixed into it. Give another "
            "data root, or delete that folder."
        )
    for archive in card.archives:
        if _is_needed(archive, check_copy(card, target)):
            file = _download(archive, root / ".downloads", progress)
            _unpack(file, target)
            file.unlink()
    shutil.rmtree(root / ".downloads", ignore_errors=True)
    return target


def _is_needed(archive: Archive, problems: list[str]) -> bool:
    """Whether what an archive provides is among what a copy lacks."""
    kinds = (*(f"{what}:" for what in archive.provides), "empty files", "The folder")
    return any(problem.startswith(kinds) for problem in problems)


def _download(archive: Archive, folder: Path, progress: bool) -> Path:
    """Path of the downloaded archive; every address is tried before giving up."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    reasons = []
    for url in archive.urls:
        downloader = pooch.HTTPDownloader(progressbar=progress, chunk_size=2**20, timeout=60)
        try:
            name = PurePosixPath(url).name
            known_hash = archive.checksum or None
            return Path(pooch.retrieve(url, known_hash, name, folder, downloader=downloader))
        except ValueError as error:
            reasons.append(f"{url}: wrong checksum ({error})")
        except requests.exceptions.RequestException as error:
            reasons.append(f"{url}: {error}")
    text = "\n".join(reasons)
    if any("wrong checksum" in reason for reason in reasons):
        raise ValueError(
            f"The downloaded file is not the published one:\n{text}\nTry again later; if it stays "
            "so, the source has changed: compare with the card's url."
        )
    raise OSError(
        f"The download failed:\n{text}\nCheck the connection and run the command again; nothing "
        "half-written was kept."
    )


def _unpack(file: Path, target: Path) -> None:
    """Unpack a zip beside the target, then move it into place."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse_unsafe_paths(archive, file)
            archive.extractall(temporary)
        _move_into_place(temporary, target)
    except (zipfile.BadZipFile, EOFError) as error:
        file.unlink()
        raise ValueError(
            f"{file.name} is not a whole zip file ({error}); it was deleted. Download it again; "
            "should this repeat, the server sends a page instead of the data."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_unsafe_paths(archive: zipfile.ZipFile, file: Path) -> None:
    """No absolute path, no step upwards, no link may leave the target folder."""
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if is_link or name.startswith("/") or ":" in name or ".." in name.split("/"):
            raise ValueError(
                f"{file.name} holds an unsafe path, {member.filename!r}, and was not unpacked. "
                "Do not use this archive; get the data from the source named on the card."
            )


def _move_into_place(temporary: Path, target: Path) -> None:
    """Rename the whole folder, or each file where a partial copy is already there."""
    if not target.exists():
        temporary.chmod(0o755)
        os.replace(temporary, target)
        return
    for path in sorted(temporary.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(temporary)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
