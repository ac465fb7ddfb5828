"""Which image, inner and outer outline of the Sunnybrook Cardiac Data belong together."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from radiokit.cards import load_card, name_a_few
from radiokit.io import UnreadableFileError

_CONTOUR = re.compile(r"IM-\d+-(\d+)-([io])contour-manual", re.IGNORECASE)
_IMAGE = re.compile(r"(.*?)(\d+)", re.DOTALL)
_PATIENT = re.compile(r"SCD\d{7}", re.IGNORECASE)
_ORIGINAL = re.compile(r"SC[-_](HF-I|HF-NI|HYP|N)[-_]0*(\d+)", re.IGNORECASE)
_SIDES = {"i": "inner", "o": "outer"}


def match_files(
    files: Sequence[Path], root: str | Path
) -> tuple[dict[str, dict[int, dict[str, Path]]], list[str]]:
    """Join the contour files of each patient with their images by number.

    Use it through `index_sunnybrook`. Images lie in folders named `SCD0000101` or `SC-HF-I-1`,
    contours in folders named `SC-HF-I-1` or `SC-HF-I-01`; the list of patients joins both names.
    Where a patient has several series the short-axis one (`CINESAX`) with the contoured numbers is
    taken; of several such, the one with the most images.

    Args:
        files: all files of a copy.
        root: folder of the copy, for messages.

    Returns:
        Patient -> number of the image -> `image`, `inner`, and `outer` where drawn; and a sentence
        for each contour that cannot be used.

    Raises:
        FileNotFoundError: no contours, no images, or nothing that joins their names.
        ValueError: two files claim one place, or the list contradicts itself.
        radiokit.io.UnreadableFileError: the list of patients is damaged.
    """
    patient_of = _read_patient_list(files)
    contours = _find_contours(files, patient_of)
    if not contours:
        raise FileNotFoundError(_nothing(root, "contour files", "inner outlines"))
    series = _find_series(files, patient_of)
    if not series:
        raise FileNotFoundError(_nothing(root, "DICOM images", "images"))
    if not set(contours) & set(series):
        raise FileNotFoundError(
            f"Below {root}, images are of {name_a_few(sorted(series))} and contours of "
            f"{name_a_few(sorted(contours))}; nothing joins these names. Add scd_patientdata.csv "
            "with columns PatientID and OriginalID (a spreadsheet must be saved as CSV)."
        )
    matched, unmatched = {}, []
    for patient, outlines in sorted(contours.items()):
        images = _short_axis_series(series.get(patient, {}), set(outlines))
        found = _join(patient, outlines, images, unmatched)
        if found:
            matched[patient] = found
    if not matched:
        raise FileNotFoundError(f"No contour below {root} has its image: {name_a_few(unmatched)}.")
    return matched, unmatched


def _nothing(root: str | Path, kind: str, what: str) -> str:
    """What should lie where."""
    card = load_card("sunnybrook")
    example = next(entry.example for entry in card.layout if entry.what == what)
    return f"No {kind} of {card.title} below {root}; they lie there as {example}. {card.by_hand}"


def _join(
    patient: str, outlines: dict[int, dict], images: dict[int, Path], unmatched: list[str]
) -> dict[int, dict[str, Path]]:
    """Slices of a patient that have an image and an inner outline."""
    found = {}
    for number, sides in sorted(outlines.items()):
        if number not in images:
            unmatched.append(f"{patient}: the contour of image {number} has no image")
        elif "inner" not in sides:
            unmatched.append(f"{patient}: image {number} has an outer outline without inner one")
        else:
            found[number] = {"image": images[number], **sides}
    return found


def _read_patient_list(files: Sequence[Path]) -> dict[str, str]:
    """Original identifier -> patient identifier, from every CSV that has both columns."""
    patient_of = {}
    for path in files:
        if path.suffix.lower() != ".csv":
            continue
        for original, patient in _joined_names(path):
            if patient_of.setdefault(original, patient) != patient:
                raise ValueError(
                    f"{path} joins {original} to {patient}, another list to "
                    f"{patient_of[original]}. Keep one list of patients in the copy."
                )
    return patient_of


def _joined_names(path: Path) -> list[tuple[str, str]]:
    """Pairs of identifiers of one CSV; none where it is another kind of table."""
    try:
        rows = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        remedy = "Save it as comma-separated UTF-8 text, or move it out of the copy."
        raise UnreadableFileError(path, f"it is no CSV ({error})", remedy) from error
    rows.columns = [re.sub(r"[^a-z]", "", str(name).lower()) for name in rows.columns]
    if not {"patientid", "originalid"} <= set(rows.columns):
        return []
    rows = rows.dropna(subset=["patientid", "originalid"])
    pairs = zip(rows["originalid"], rows["patientid"], strict=True)
    return [
        (_original_key(original.strip()) or original.strip(), patient.strip().upper())
        for original, patient in pairs
    ]


def _original_key(name: str) -> str | None:
    """SC-HF-I-01 and SC-HF-I-1 -> SC-HF-I-1; None for other names."""
    match = _ORIGINAL.fullmatch(name)
    return f"SC-{match[1].upper()}-{match[2]}" if match else None


def _patient_of_path(path: Path, patient_of: dict[str, str]) -> str | None:
    """Patient by the innermost folder that names one."""
    for part in reversed(path.parts[:-1]):
        original = _original_key(part)
        if original:
            return patient_of.get(original, original)
        if _PATIENT.fullmatch(part):
            return part.upper()
    return None


def _find_contours(
    files: Sequence[Path], patient_of: dict[str, str]
) -> dict[str, dict[int, dict[str, Path]]]:
    """Patient -> number -> outlines; papillary muscles and others are not looked at."""
    found: dict[str, dict[int, dict[str, Path]]] = {}
    for path in files:
        match = _CONTOUR.fullmatch(path.stem) if path.suffix.lower() == ".txt" else None
        patient = _patient_of_path(path, patient_of) if match else None
        if patient is None:
            continue
        sides = found.setdefault(patient, {}).setdefault(int(match[1]), {})
        _claim(sides, _SIDES[match[2].lower()], path)
    return found


def _find_series(
    files: Sequence[Path], patient_of: dict[str, str]
) -> dict[str, dict[tuple[str, str], dict[int, Path]]]:
    """Patient -> series (folder and start of the name) -> number -> image."""
    found: dict[str, dict[tuple[str, str], dict[int, Path]]] = {}
    for path in files:
        match = _IMAGE.fullmatch(path.stem) if path.suffix.lower() == ".dcm" else None
        patient = _patient_of_path(path, patient_of) if match else None
        if patient is None:
            continue
        series = found.setdefault(patient, {}).setdefault((str(path.parent), match[1]), {})
        _claim(series, int(match[2]), path)
    return found


def _claim(places: dict, place: str | int, path: Path) -> None:
    """Put a file in its place, which must be free."""
    if places.setdefault(place, path) != path:
        raise ValueError(
            f"Two files claim one place: {places[place]} and {path}. Move one of them out of the "
            "copy."
        )


def _short_axis_series(
    series: dict[tuple[str, str], dict[int, Path]], numbers: set[int]
) -> dict[int, Path]:
    """The series that the contours were drawn on."""
    named = {key: images for key, images in series.items() if "cinesax" in key[0].lower()}
    candidates = named or series

    def rank(key: tuple[str, str]) -> tuple:
        images = candidates[key]
        return len(numbers & set(images)), len(images), key

    return candidates[max(candidates, key=rank)] if candidates else {}
