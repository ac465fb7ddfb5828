"""Phantom of the RSNA haemorrhage set: whole head CT exams as DICOM slices with labels and masks.

For learning and testing offline, when the real set is not at hand. See `radiokit.phantoms.skull`
and `radiokit.phantoms.brain` for the anatomy, `radiokit.phantoms.bleeds` for the haemorrhages,
`radiokit.phantoms.ct` for the scanner and `radiokit.phantoms.ct_files` for how it stores a slice.
"""

import hashlib
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from radiokit.phantoms.bleeds import KINDS, SUBTYPES, Bleed, draw_bleeds
from radiokit.phantoms.ct import (
    HOSPITALS,
    Scanner,
    draw_scanner,
    fall_mm,
    scanner_points_mm,
    take_slice,
)
from radiokit.phantoms.ct_files import write_slice
from radiokit.phantoms.folder import build_phantom, in_processes
from radiokit.phantoms.head import Head, draw_head, place_head
from radiokit.phantoms.tissues import head_maps, paint_slice, soften

LABELS = (*SUBTYPES, "any")
BLOCK = 2 * sum(KINDS.values())  # so many exams hold every kind as often as its weight says


def make_rsna_ich(root: Path | str, num_patients: int = 80, seed: int = 0) -> Path:
    """Phantom of the RSNA Intracranial Hemorrhage set: CT exams of the head, half of them bleeding.

    Use it in place of the real set: `radiokit.data.headct.index_rsna_ich` reads both. An exam has
    20 to 23 slices of 256 × 256 pixels (the real ones 512 × 512), 5 mm thick, in files of
    scrambled names. A label is 1 where the slice's mask holds at least 4 pixels of the subtype;
    fewer are in no mask. Hospitals differ in how they store
    values: 2 of 20 wrap them around 4096, some pad with -2000, one in 20 writes no window.

    Args:
        root: folder to make; it will hold `stage_2_train.csv`, `stage_2_train/ID_….dcm`,
            `masks/ID_….png` for every slice (uint8; 0 none, 1 to 5 the subtypes in alphabetical
            order; the real set has no masks) and `PHANTOM.toml`.
        num_patients: how many patients, one exam each, at least 1. Of every 32, 16
            bleed and 2 epidurally.
        seed: patient number i is the same for a seed whatever `num_patients` is.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    return build_phantom(root, "rsna_ich", num_patients, seed, _write_rsna_ich)


def _write_rsna_ich(root: Path, num_patients: int, seed: int) -> None:
    for name in ("stage_2_train", "masks"):
        (root / name).mkdir()
    exams = in_processes(partial(_write_exam, root, seed), num_patients)
    rows = [row for exam in exams for row in exam]
    _write_labels(root / "stage_2_train.csv", rows, np.random.default_rng([seed, 21]))


def kind_of(index: int, seed: int) -> str:
    """Of every two exams one bleeds, and of every `BLOCK` each kind as often as it should."""
    pair, place = divmod(index, 2)
    if np.random.default_rng([seed, 22, pair]).integers(2) != place:
        return "none"
    block, number = divmod(pair, BLOCK // 2)
    kinds = [kind for kind, weight in KINDS.items() for _ in range(weight)]
    return str(np.random.default_rng([seed, 23, block]).permutation(kinds)[number])


def hospital_of(index: int, seed: int) -> int:
    """Every 20 exams come from 20 hospitals."""
    block, number = divmod(index, len(HOSPITALS))
    return int(np.random.default_rng([seed, 24, block]).permutation(len(HOSPITALS))[number])


def _write_exam(root: Path, seed: int, index: int) -> list[tuple[str, np.ndarray]]:
    """Files of one patient; name and labels (6,) of every slice."""
    rng = np.random.default_rng([seed, 20, index])
    head = draw_head(rng)
    bleeds = draw_bleeds(kind_of(index, seed), rng)
    scanner = draw_scanner(rng, 77 * head.size[2], hospital_of(index, seed))
    names = {key: _name(seed, index, key, digits) for key, digits in
             (("patient", 8), ("exam", 10), ("series", 10))}  # fmt: skip
    rows = []
    for number, (hu, labels) in enumerate(image_exam(head, bleeds, scanner)):
        image = _name(seed, index, number, 9)
        names |= {"image": image, "uid": f"1.2.826.0.1.3680043.8.498.{index + 1}.{number + 1}"}
        write_slice(root / "stage_2_train" / f"{image}.dcm", hu, scanner, number, names)
        _write_mask(root / "masks" / f"{image}.png", labels)
        rows.append((image, labels_of(labels)))
    return rows


def _name(seed: int, index: int, what, digits: int) -> str:
    scrambled = hashlib.sha256(f"{seed}/{index}/{what}".encode()).hexdigest()
    return f"ID_{scrambled[:digits]}"


def image_exam(head: Head, bleeds: tuple[Bleed, ...], scanner: Scanner):
    """Every slice of an exam from the neck up: Hounsfield units and label map, (256, 256) each."""
    coarse = scanner_points_mm(scanner, 2)
    maps = head_maps(head, place_head(head, coarse), bleeds, coarse[1])
    soften(maps, scanner.pixel_mm, np.array(scanner.positions_mm), scanner.thickness_mm)
    fall = fall_mm(scanner)
    for index in range(len(scanner.positions_mm)):
        hu, labels = paint_slice(head, bleeds, maps, index, fall)
        yield take_slice(hu, scanner, index), labels


def labels_of(mask: np.ndarray) -> np.ndarray:
    """0 or 1 for each of the six labels of a label map."""
    found = np.array([(mask == value).any() for value in range(1, len(LABELS))])
    return np.append(found, found.any()).astype(int)


# -- files ---------------------------------------------------------------------------------------


def _write_mask(path: Path, labels: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def _write_labels(path: Path, rows: list, rng: np.random.Generator) -> None:
    """Six lines an image, images in no order, and one image twice, as in the real file."""
    order = [rows[number] for number in rng.permutation(len(rows))]
    order.append(order[int(rng.integers(len(order)))])
    lines = [f"{image}_{label},{value}" for image, values in order
             for label, value in zip(LABELS, values, strict=True)]  # fmt: skip
    path.write_text("\n".join(["ID,Label", *lines]) + "\n", encoding="utf-8")
