"""Files of one's own in folders: which image goes with which mask, and which patient it is of."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import Pattern

import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note

Folders = str | Path | Sequence[str | Path]
_FILE_COLUMNS = ("image", "file", "case_id")
PATIENT, GROUP = "patient_id", "group_id"


@dataclass(frozen=True)
class FileKind:
    """What counts as a file of one kind, and what its name says.

    Args:
        is_of_kind: called with a path; True for a file of this kind.
        endings: for messages, such as ".nii, .nii.gz".
        stem_of: called with a path; its name without the ending.
        mask_ending: found at the end of a mask's stem, and not of its image's.
    """

    is_of_kind: Callable[[Path], bool]
    endings: str
    stem_of: Callable[[Path], str]
    mask_ending: Pattern


@dataclass(frozen=True)
class Pairs:
    """Images with their masks.

    Args:
        images: case -> image, those with a mask only.
        masks: case -> mask, in the same order.
        unmatched: one sentence for each file without a partner.
    """

    images: dict[str, Path]
    masks: dict[str, Path]
    unmatched: list[str]


def pair_files(images: Folders, masks: Folders, kind: FileKind) -> Pairs:
    """Pair images with masks by the stems of their names.

    Use it for folders that follow no published layout. Either side's folder may be, or be inside,
    the other's, if the masks' names have an ending.

    Args:
        images: folder of images, or several.
        masks: folder of masks, or several.
        kind: what counts as an image file.

    Returns:
        The pairs, in the order of the images' names.

    Raises:
        FileNotFoundError: a folder is missing, or holds no file of the kind.
        ValueError: nothing matches, or two files claim one name.
    """
    image_files, mask_files = _both_sides(images, masks, kind)
    image_of = _by_stem(image_files, "images", kind)
    mask_of = _match_masks(_by_stem(mask_files, "masks", kind), image_of, kind)
    unmatched = _unmatched_sentences(image_of, mask_of, mask_files)
    cases = [case for case in image_of if case in mask_of]
    if not cases:
        _raise_nothing_matches(image_files, mask_files)
    return Pairs(
        {case: image_of[case] for case in cases}, {case: mask_of[case] for case in cases}, unmatched
    )


def table_of_pairs(pairs: Pairs, name: str) -> pd.DataFrame:
    """The columns that a table of one's own files begins with, a row a pair.

    Args:
        pairs: from `pair_files`.
        name: column of the case's name: "case_id", or "exam_id" for volumes.

    Returns:
        `<name>, patient_id` (the case, until patients are known), `image, mask, dataset` ("own")
        and `is_phantom`.
    """
    cases, files = list(pairs.images), list(pairs.images.values())
    folders = {path.parent for path in files}
    is_phantom = {folder: read_phantom_note(folder) is not None for folder in folders}
    table = pd.DataFrame({name: cases, "patient_id": cases})
    table["image"] = [str(path) for path in files]
    table["mask"] = [str(path) for path in pairs.masks.values()]
    table["dataset"] = "own"
    table["is_phantom"] = [is_phantom[path.parent] for path in files]
    return table


def list_files(folders: Folders, kind: FileKind) -> list[Path]:
    """Files of a kind in and below folders, in the order of their names.

    Use it to go through images that have no masks.

    Args:
        folders: a folder, or several.
        kind: what counts as an image file.

    Returns:
        Their paths; hidden files are left out.

    Raises:
        FileNotFoundError: a folder is missing, or holds no file of the kind.
    """
    files = []
    for folder in _existing(folders):
        below = [path for path in sorted(folder.rglob("*")) if _is_listed(path, folder, kind)]
        if not below:
            raise FileNotFoundError(
                f"{folder} holds no image files. Give a folder with files ending in {kind.endings}."
            )
        files += below
    return list(dict.fromkeys(files))


def report_unmatched(table: pd.DataFrame, unmatched: list[str]) -> None:
    """Keep the sentences on files without a partner with the table, and warn once.

    Use it last in an index function that its user calls.

    Args:
        table: its `attrs["unmatched"]` is set.
        unmatched: one sentence a file.
    """
    table.attrs["unmatched"] = unmatched
    if unmatched:
        warnings.warn(
            f"{len(unmatched)} files have no partner and are left out: "
            f"{name_a_few(unmatched)}. All are listed in table.attrs['unmatched'].",
            stacklevel=3,
        )


def read_patients(
    path: str | Path, cases: Sequence[str], stem_of: Callable[[Path], str]
) -> list[str]:
    """The patient of each case from a CSV.

    Use it where file names do not tell patients apart.

    Args:
        path: CSV with a column `image`, `file` or `case_id` and a column `patient_id`; or, where
            patients are unknown, `group_id`: what belongs together, such as tiles of one slide.
        cases: stems of the images.
        stem_of: called with a path; its name without the ending.

    Returns:
        One patient, or group, a case.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no CSV, lacks a column or a case, or gives a case to two patients.
    """
    rows, column, owner = _read_patient_rows(Path(path))
    kept = rows.dropna(subset=[column, owner]).rename(columns={owner: PATIENT})
    patient_of = _patient_map(kept, column, Path(path), stem_of)
    missing = [case for case in cases if case not in patient_of]
    if missing:
        raise ValueError(
            f"{path} names no patient for {len(missing)} of {len(cases)} images: "
            f"{name_a_few(missing)}. Add them, or leave these images out."
        )
    return [patient_of[case] for case in cases]


def read_patient_key(path: str | Path) -> str:
    """Where patients come from, for `table.attrs["patient_key"]`.

    Use it beside `read_patients`.

    Args:
        path: as for `read_patients`.

    Returns:
        The file's name; with ", group_id" where it names groups, because patients are unknown.

    Raises:
        FileNotFoundError: as `read_patients`.
        ValueError: as `read_patients`.
    """
    _, _, owner = _read_patient_rows(Path(path))
    return Path(path).name + (f", {GROUP}" if owner == GROUP else "")


def _read_patient_rows(path: Path) -> tuple[pd.DataFrame, str, str]:
    """The CSV, its column of files, and its column of patients or groups."""
    if not path.is_file():
        raise FileNotFoundError(f"The patients' file {path} is not there. Give a CSV file.")
    try:
        rows = pd.read_csv(path, dtype=str)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as CSV: {error}. Save it as comma-separated UTF-8 text."
        ) from error
    column = next((name for name in _FILE_COLUMNS if name in rows.columns), None)
    owner = next((name for name in (PATIENT, GROUP) if name in rows.columns), None)
    if column is None or owner is None:
        raise ValueError(
            f"{path} has the columns {', '.join(rows.columns)}. It needs patient_id and one of "
            f"{', '.join(_FILE_COLUMNS)}; where patients are unknown, group_id."
        )
    return rows, column, owner


def _patient_map(
    rows: pd.DataFrame, column: str, path: Path, stem_of: Callable[[Path], str]
) -> dict[str, str]:
    """Stem, and the name as written, to patient."""
    patient_of = {}
    for name, patient in zip(rows[column], rows["patient_id"], strict=True):
        for key in {name, stem_of(Path(name.replace("\\", "/")))}:
            if patient_of.setdefault(key, patient) != patient:
                raise ValueError(
                    f"{path} gives {key} to two patients, {patient_of[key]} and {patient}. "
                    "Keep one."
                )
    return patient_of


def _existing(given: Folders) -> list[Path]:
    """Folders as a list of existing paths."""
    several = [given] if isinstance(given, (str, Path)) else list(given)
    folders = [Path(folder) for folder in several]
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder. Give a folder of image files.")
    return folders


def _is_listed(path: Path, folder: Path, kind: FileKind) -> bool:
    """A file of the kind that is not hidden."""
    parts = path.relative_to(folder).parts
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return False
    return path.is_file() and kind.is_of_kind(path)


def _both_sides(images: Folders, masks: Folders, kind: FileKind) -> tuple[list[Path], list[Path]]:
    """Image files and mask files, when one side's folder is, or is inside, the other's."""
    image_folders, mask_folders = _existing(images), _existing(masks)
    image_files, mask_files = list_files(images, kind), list_files(masks, kind)
    in_both = set(image_files) & set(mask_files)
    are_masks = {path for path in in_both if _is_mask(path, image_folders, mask_folders, kind)}
    return (
        [path for path in image_files if path not in are_masks],
        [path for path in mask_files if path not in in_both - are_masks],
    )


def _is_mask(path: Path, images: list[Path], masks: list[Path], kind: FileKind) -> bool:
    """The inner folder decides; in one and the same folder, the ending of the name."""

    def depth(folders: list[Path]) -> int:
        return max(len(folder.parts) for folder in folders if path.is_relative_to(folder))

    if depth(masks) != depth(images):
        return depth(masks) > depth(images)
    return kind.mask_ending.search(kind.stem_of(path)) is not None


def _by_stem(files: list[Path], side: str, kind: FileKind) -> dict[str, Path]:
    """Stem -> file, refusing two files of one stem."""
    found = {}
    for path in files:
        stem = kind.stem_of(path)
        if stem in found:
            raise ValueError(
                f"Two {side} are named {stem}: {found[stem]} and {path}. "
                "Rename one, or index the folders one by one."
            )
        found[stem] = path
    return found


def _match_masks(
    masks: dict[str, Path], images: dict[str, Path], kind: FileKind
) -> dict[str, Path]:
    """Case -> mask: the same stem first, then the stem without a mask ending."""
    matched = {stem: path for stem, path in masks.items() if stem in images}
    for stem, path in masks.items():
        case = kind.mask_ending.sub("", stem)
        if stem in images or case not in images:
            continue
        if case in matched:
            raise ValueError(
                f"Two masks claim the image {case}: {matched[case].name} and {path.name}. "
                "Leave one of them in the folder."
            )
        matched[case] = path
    return matched


def _unmatched_sentences(
    images: dict[str, Path], matched: dict[str, Path], mask_files: list[Path]
) -> list[str]:
    """One sentence for each file without a partner."""
    used = set(matched.values())
    without_mask = [path for case, path in images.items() if case not in matched]
    without_image = [path for path in mask_files if path not in used]
    return [f"image {path.name} has no mask" for path in without_mask] + [
        f"mask {path.name} has no image" for path in without_image
    ]


def _raise_nothing_matches(image_files: list[Path], mask_files: list[Path]) -> None:
    """Show the names of both sides."""
    raise ValueError(
        f"No image matches a mask. Images: {name_a_few([path.name for path in image_files])}. "
        f"Masks: {name_a_few([path.name for path in mask_files])}. "
        "Give each mask the name of its image, with or without an ending such as _mask."
    )
