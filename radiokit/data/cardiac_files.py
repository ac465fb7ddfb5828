"""Finding image and label volumes of the cardiac sets published as NIfTI."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from radiokit.cards import load_card, name_a_few
from radiokit.io import UnreadableFileError

HVSMR_KINDS = ("axial_crop", "sa_crop", "axial_full")
_HVSMR2_KINDS = ("cropped", "cropped_norm", "orig")
_ENDING = re.compile(r"\.nii(\.gz)?", re.IGNORECASE)
_INFO_LINE = re.compile(r"\s*(\w+)\s*[:=]\s*(.*?)\s*")


def find_hvsmr(files: Sequence[Path], root: str | Path, kind: str) -> tuple[list[dict], list[str]]:
    """Training volumes of one kind of HVSMR 2016 with their labels.

    Use it through `radiokit.data.cardiac.index_hvsmr`.

    Args:
        files: all files of a copy.
        root: folder of the copy, for messages.
        kind: one of `HVSMR_KINDS`.

    Returns:
        One dict a volume, `exam_id, patient_id, image, mask`; sentences of what is left out.

    Raises:
        FileNotFoundError: nothing of that kind, or volumes without labels.
        ValueError: there is no such kind, or two files claim one place.
    """
    if kind not in HVSMR_KINDS:
        raise ValueError(f"There is no kind {kind!r}. Choose one of: {', '.join(HVSMR_KINDS)}.")
    images = _pick(files, rf"training_{kind}_(pat\d+)")
    if not images:
        raise FileNotFoundError(_other_kinds(files, root, kind))
    labels = _pick(files, rf"training_{kind}_(pat\d+)[-_ ]label")
    _require_labels(images, labels, "hvsmr")
    volumes = [
        {
            "exam_id": f"{case}_{kind}",
            "patient_id": case,
            "image": str(path),
            "mask": str(labels[case]),
        }
        for case, path in images.items()
    ]
    testing = _pick(files, rf"testing_{kind}_(pat\d+)")
    return volumes, [f"{path.name} was published without labels" for path in testing.values()]


def _other_kinds(files: Sequence[Path], root: str | Path, kind: str) -> str:
    """What is there instead of the wanted kind."""
    counts = {other: len(_pick(files, rf"training_{other}_(pat\d+)")) for other in HVSMR_KINDS}
    present = [f"{other} ({count} volumes)" for other, count in counts.items() if count]
    if present:
        return (
            f"There are no {kind} volumes below {root}, but {' and '.join(present)}. Give one of "
            "these as kind, or add the missing files."
        )
    return _nothing(root, "hvsmr")


def find_hvsmr2(files: Sequence[Path], root: str | Path) -> list[dict]:
    """Volumes of HVSMR-2.0 with their labels, all of one release.

    Use it through `radiokit.data.cardiac.index_hvsmr2`.

    Args:
        files: all files of a copy.
        root: folder of the copy, for messages.

    Returns:
        One dict a volume, `exam_id, patient_id, image, mask`.

    Raises:
        FileNotFoundError: no volumes, or volumes without labels.
        ValueError: two files claim one place.
    """
    for kind in _HVSMR2_KINDS:
        images = _pick(files, rf"(pat\d+)_{kind}")
        if images:
            break
    else:
        raise FileNotFoundError(_nothing(root, "hvsmr2"))
    # The labels of both cropped releases have the same names: those beside their image belong.
    beside = {path.parent for path in images.values()}
    pattern = rf"(pat\d+)_{kind.removesuffix('_norm')}_seg"
    labels = _pick([path for path in files if path.parent in beside], pattern)
    labels = labels or _pick(files, pattern)
    _require_labels(images, labels, "hvsmr2")
    return [
        {"exam_id": case, "patient_id": case, "image": str(path), "mask": str(labels[case])}
        for case, path in images.items()
    ]


def find_acdc(files: Sequence[Path], root: str | Path) -> tuple[list[dict], list[str]]:
    """The two labelled frames of every patient of ACDC.

    Use it through `radiokit.data.cardiac.index_acdc`.

    Args:
        files: all files of a copy.
        root: folder of the copy, for messages.

    Returns:
        One dict a frame, `exam_id, patient_id, image, mask` and what `Info.cfg` says; sentences
        of what is left out.

    Raises:
        FileNotFoundError: no patients, an `Info.cfg`, a frame it names, or labels are missing.
        ValueError: two files claim one place.
        radiokit.io.UnreadableFileError: an `Info.cfg` has no ED or ES.
    """
    frames = _pick(files, r"(patient\d+_frame\d+)")
    labels = _pick(files, r"(patient\d+_frame\d+)_gt")
    infos = _find_infos(files)
    patients = _patients_with_info(frames, infos, root)
    volumes, unmatched = [], []
    for patient in patients:
        of_patient = _acdc_patient(patient, infos[patient], frames, labels)
        has_labels = any(volume["mask"] is not None for volume in of_patient)
        if has_labels or _split(infos[patient]) != "test":
            volumes += of_patient
        else:
            unmatched.append(f"{patient} of the testing set has no labels")
    unlabelled = [volume["exam_id"] for volume in volumes if volume["mask"] is None]
    if unlabelled or not volumes:
        raise _without_labels(unlabelled or patients, len(volumes) or len(patients), "acdc")
    return volumes, unmatched


def _patients_with_info(
    frames: dict[str, Path], infos: dict[str, Path], root: str | Path
) -> list[str]:
    """All patients; each has its Info.cfg."""
    patients = sorted({case.split("_")[0] for case in frames} | set(infos))
    if not patients:
        raise FileNotFoundError(_nothing(root, "acdc"))
    missing = [patient for patient in patients if patient not in infos]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(patients)} patients below {root} have no Info.cfg: "
            f"{name_a_few(missing)}. It says which frame is ED and which ES: copy it into the "
            "patient's folder."
        )
    return patients


def _find_infos(files: Sequence[Path]) -> dict[str, Path]:
    """Patient -> Info.cfg, by the folder it lies in."""
    found = {}
    for path in files:
        patient = re.fullmatch(r"patient\d+", path.parent.name, re.IGNORECASE)
        if patient and path.name.lower() == "info.cfg":
            name = patient[0].lower()
            if found.setdefault(name, path) != path:
                raise ValueError(_two_claim(name, found[name], path))
    return found


def _acdc_patient(
    patient: str, info_path: Path, frames: dict[str, Path], labels: dict[str, Path]
) -> list[dict]:
    """The ED and ES volumes of one patient; mask None where there is none."""
    info = _read_info(info_path)
    volumes = []
    for phase in ("ED", "ES"):
        exam = f"{patient}_frame{info[phase]:02d}"
        if exam not in frames:
            raise FileNotFoundError(
                f"{info_path} names frame {info[phase]} as {phase}, but {exam}.nii.gz is not "
                f"there. Complete the copy (radiokit data check acdc), or move {patient} out of it."
            )
        volumes.append(
            {
                "exam_id": exam,
                "patient_id": patient,
                "image": str(frames[exam]),
                "mask": str(labels[exam]) if exam in labels else None,
                "phase": phase,
                "group": info["Group"],
                "height_cm": info["Height"],
                "weight_kg": info["Weight"],
                "official_split": _split(info_path),
            }
        )
    return volumes


def _split(info_path: Path) -> str | None:
    """From the innermost folder named training or testing."""
    for part in reversed(info_path.parts):
        if part.lower() in ("training", "testing"):
            return part.lower().removesuffix("ing")
    return None


def _read_info(path: Path) -> dict:
    """ED and ES as whole numbers, group as text, height and weight as numbers or NaN."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    matches = filter(None, map(_INFO_LINE.fullmatch, lines))
    values = {match[1].lower(): match[2] for match in matches}
    for phase in ("ED", "ES"):
        text = values.get(phase.lower())
        if text is None or not text.isdecimal() or int(text) < 1:
            reason = f"its {phase} is {text!r}" if text is not None else f"it has no {phase}"
            remedy = f'It needs a line "{phase}: 1" with the frame\'s number; copy it again.'
            raise UnreadableFileError(path, reason, remedy)
    return {
        "ED": int(values["ed"]),
        "ES": int(values["es"]),
        "Group": values.get("group") or None,
        "Height": _number(values.get("height")),
        "Weight": _number(values.get("weight")),
    }


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _pick(files: Sequence[Path], pattern: str) -> dict[str, Path]:
    """The NIfTI file of each case, by the name without .nii or .nii.gz; .nii.gz comes first."""
    name = re.compile(pattern + _ENDING.pattern, re.IGNORECASE)
    found: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: (path.suffix.lower() != ".gz", path)):
        match = name.fullmatch(path.name)
        if not match:
            continue
        first = found.setdefault(match[1].lower(), path)
        if first != path and first.suffix.lower() == path.suffix.lower():
            raise ValueError(_two_claim(match[1], first, path))
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list:
    """pat2 before pat10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _two_claim(case: str, first: Path, second: Path) -> str:
    return f"Two files claim {case}: {first} and {second}. Move one of them out of the copy."


def _require_labels(images: dict[str, Path], labels: dict[str, Path], name: str) -> None:
    """Every volume has its labels."""
    missing = [case for case in images if case not in labels]
    if missing:
        raise _without_labels(missing, len(images), name)


def _without_labels(missing: list[str], total: int, name: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"{len(missing)} of {total} have no labels: {name_a_few(missing)}. "
        f"Complete the copy (radiokit data check {name}), or move these out of it."
    )


def _nothing(root: str | Path, name: str) -> str:
    """What should lie where."""
    card = load_card(name)
    example = next(entry.example for entry in card.layout if entry.what == "volumes")
    return f"No volumes of {card.title} below {root}; they lie there as {example}. {card.by_hand}"
