"""Phantom chest radiographs in the files and folders of four public data sets.

For learning and testing offline, when the real sets are not at hand. Masks follow the real sets'
conventions: lung behind the heart and below the top of the diaphragm is left out, the heart is
whole, and clavicles lie over the lungs. See `radiokit.phantoms.thorax` for the anatomy.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from radiokit.phantoms.film import (
    JSRT,
    MONTGOMERY,
    SHENZHEN,
    VINDR,
    Hospital,
    add_borders,
    add_devices,
    add_marker,
    expose,
)
from radiokit.phantoms.folder import build_phantom
from radiokit.phantoms.patient import Patient, draw_patient
from radiokit.phantoms.projection import Film
from radiokit.phantoms.skeleton import RIB_NAMES
from radiokit.phantoms.thorax import Thorax, render_thorax

TUBERCULOSIS = ("consolidation", "cavity", "effusion")
MONTGOMERY_PIXEL_CM = 0.00875 * 4892 / 640  # the real detector, with fewer pixels
JSRT_PIXEL_CM = 0.0175
NODULE_BLOCK, TUBERCULOSIS_BLOCK = (5, 8), (2, 5)  # so many ill among so many films


def make_montgomery(root: Path | str, num_patients: int = 40, seed: int = 0) -> Path:
    """Phantom of the Montgomery County set: 8-bit PNG with a mask for each lung.

    Use it in place of the real set: `radiokit.data.chest.index_montgomery` reads both. Films are
    640 × 526 or 526 × 640 pixels of 0.669 mm (the real ones about 4892 × 4020 of 0.0875 mm).

    Args:
        root: folder to make; it will hold `MontgomerySet/` and `PHANTOM.toml`.
        num_patients: how many patients, one film each, at least 1.
        seed: patient number i is the same for a seed whatever `num_patients` is.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    return build_phantom(root, "montgomery", num_patients, seed, _write_montgomery)


def make_shenzhen(root: Path | str, num_patients: int = 40, seed: int = 0) -> Path:
    """Phantom of the Shenzhen Hospital set: 8-bit PNG, one mask for both lungs.

    Use it as a second hospital beside `make_montgomery`: brighter, harder, sharper and noisier
    films. One film in seven has no mask, as in the real set. Arguments, result and errors are those
    of `make_montgomery`; `root` will hold `ChinaSet_AllFiles/` and `mask/`.
    """
    return build_phantom(root, "shenzhen", num_patients, seed, _write_shenzhen)


def make_jsrt(root: Path | str, num_patients: int = 40, seed: int = 0) -> Path:
    """Phantom of the JSRT set with SCR masks: raw `.IMG` films, 2048 × 2048 pixels of 0.175 mm.

    Use it for heart and clavicles. Pixels are big-endian 16-bit with 12 bits used and rise with
    film density, so bone is low; masks are GIF, 1024 × 1024, odd film numbers in `fold1` and even
    ones in `fold2`. A film takes 8 MB. Arguments, result and errors are those of `make_montgomery`.
    """
    return build_phantom(root, "jsrt", num_patients, seed, _write_jsrt)


def make_vindr_ribcxr(root: Path | str, num_patients: int = 40, seed: int = 0) -> Path:
    """Phantom of VinDr-RibCXR: PNG films and JSON outlines of ribs R1..R10 and L1..L10.

    Use it for ribs; they overlap, so each is its own outline. A rib that is not on the film, or
    that the reader left out, is the string "None". Every fifth film is in the official validation
    split. Arguments, result and errors are those of `make_montgomery`.
    """
    return build_phantom(root, "vindr_ribcxr", num_patients, seed, _write_vindr_ribcxr)


# -- one film ------------------------------------------------------------------------------------


def _is_ill(index: int, seed: int, dataset: int, block: tuple[int, int]) -> bool:
    """Labels spread evenly: among every `block[1]` films, `block[0]` are ill."""
    ill, size = block
    order = np.random.default_rng([seed, dataset, index // size, 77]).permutation(size)
    return bool(order[index % size] < ill)


def _film_of(patient: Patient, shape: tuple[int, int], pixel_cm: float, rng) -> Film:
    """Where the technician placed the detector: shoulders on top, midline about in the middle."""
    left = -shape[1] * pixel_cm / 2 + rng.normal(0, 0.5)
    lungs_middle = 0.5 * patient.dome_y_cm * patient.height_scale + 1.5
    top = lungs_middle - shape[0] * pixel_cm / 2 + rng.normal(0, 0.6)
    return Film(shape, pixel_cm, left, top)


def _take_film(
    patient: Patient, film: Film, hospital: Hospital, rng: np.random.Generator
) -> tuple[np.ndarray, Thorax]:
    """Grey values 0..1 (rows, columns), bone bright, and the anatomy behind them."""
    thorax = render_thorax(patient, film, rng)
    lungs = thorax.masks["left_lung"] | thorax.masks["right_lung"]
    attenuation = add_devices(thorax.attenuation, film, hospital, rng)
    image = expose(attenuation, lungs, hospital, film, rng)
    return add_marker(add_borders(image, hospital, rng), hospital, rng), thorax


def _finding(ill: bool, rng: np.random.Generator) -> str:
    return str(rng.choice(TUBERCULOSIS)) if ill else "normal"


# -- four layouts --------------------------------------------------------------------------------


def _write_montgomery(root: Path, num_patients: int, seed: int) -> None:
    folder = root / "MontgomerySet"
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 1, index])
        ill = _is_ill(index, seed, 1, TUBERCULOSIS_BLOCK)
        patient = draw_patient(rng, _finding(ill, rng))
        shape = (526, 640) if rng.random() < 0.5 else (640, 526)
        film = _film_of(patient, shape, MONTGOMERY_PIXEL_CM, rng)
        image, thorax = _take_film(patient, film, MONTGOMERY, rng)
        name = f"MCUCXR_{index + 1:04d}_{int(ill)}"
        _write_image(folder / "CXR_png" / f"{name}.png", image)
        for side in ("left", "right"):
            mask = thorax.masks[f"{side}_lung"]
            _write_image(folder / "ManualMask" / f"{side}Mask" / f"{name}.png", mask)
        reading = f"Patient's Sex: {patient.sex}\nPatient's Age: {patient.age_years:03d}Y\n"
        _write_text(folder / "ClinicalReadings" / f"{name}.txt", reading + f"{patient.finding}\n")


def _write_shenzhen(root: Path, num_patients: int, seed: int) -> None:
    folder = root / "ChinaSet_AllFiles"
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 2, index])
        ill = _is_ill(index, seed, 2, TUBERCULOSIS_BLOCK)
        patient = draw_patient(rng, _finding(ill, rng))
        shape = (int(rng.integers(520, 600)), 560)
        film = _film_of(patient, shape, rng.uniform(0.062, 0.070), rng)
        image, thorax = _take_film(patient, film, SHENZHEN, rng)
        name = f"CHNCXR_{index + 1:04d}_{int(ill)}"
        _write_image(folder / "CXR_png" / f"{name}.png", image)
        sex = "female" if patient.sex == "F" else "male"
        reading = f"{sex} {patient.age_years}yrs\n{patient.finding}\n"
        _write_text(folder / "ClinicalReadings" / f"{name}.txt", reading)
        if index % 7 != 6:
            lungs = thorax.masks["left_lung"] | thorax.masks["right_lung"]
            _write_image(root / "mask" / f"{name}_mask.png", lungs)


def _write_jsrt(root: Path, num_patients: int, seed: int) -> None:
    counts = {True: 0, False: 0}
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 3, index])
        ill = _is_ill(index, seed, 3, NODULE_BLOCK)
        counts[ill] += 1
        name = f"JPC{'LN' if ill else 'NN'}{counts[ill]:03d}"
        patient = draw_patient(rng, "nodule" if ill else "normal")
        film = _film_of(patient, (512, 512), 4 * JSRT_PIXEL_CM, rng)
        image, thorax = _take_film(patient, film, JSRT, rng)
        _write_img(root / "All247images" / f"{name}.IMG", image, rng)
        fold = root / "scratch" / ("fold1" if counts[ill] % 2 else "fold2") / "masks"
        for structure in ("heart", "left_lung", "right_lung", "left_clavicle", "right_clavicle"):
            path = fold / structure.replace("_", " ") / f"{name}.gif"
            _write_gif(path, thorax.masks[structure])


def _write_vindr_ribcxr(root: Path, num_patients: int, seed: int) -> None:
    columns = {split: {"img": {}} | {rib: {} for rib in RIB_NAMES} for split in ("train", "val")}
    for index in range(num_patients):
        rng = np.random.default_rng([seed, 4, index])
        ill = _is_ill(index, seed, 4, (1, 4))
        patient = draw_patient(rng, _finding(ill, rng))
        shape = (int(rng.integers(512, 641)), 540)
        film = _film_of(patient, shape, rng.uniform(0.062, 0.072), rng)
        image, thorax = _take_film(patient, film, VINDR, rng)
        split = "val" if index % 5 == 4 else "train"
        row = str(len(columns[split]["img"]))
        path = f"data/{split}/img/VinDr_RibCXR_{split}_{int(row):03d}.png"
        _write_image(root / path.replace("data", "Data", 1), image)  # as in the public copy
        columns[split]["img"][row] = path
        for rib in RIB_NAMES:
            columns[split][rib][row] = _outline(thorax.masks[rib], rng)
    for split, table in columns.items():
        path = root / "Annotations" / f"Vindr_RibCXR_{split}_mask.json"
        _write_text(path, json.dumps(table))


def _outline(mask: np.ndarray, rng: np.random.Generator) -> list[dict[str, float]] | str:
    """The rib's outline as points of x and y, or "None" if it is off the film or left out."""
    left_out = rng.random() < 0.01
    borders, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if left_out or mask.sum() < 150:
        return "None"
    border = cv2.approxPolyDP(max(borders, key=cv2.contourArea), 0.6, True)[:, 0]
    return [{"x": float(x), "y": float(y)} for x, y in border]


# -- files ---------------------------------------------------------------------------------------


def _write_image(path: Path, image: np.ndarray) -> None:
    """Grey values or a mask, 0..1 → 8-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.round(255 * image.astype(np.float32)).astype(np.uint8)
    path.write_bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def _write_gif(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    large = cv2.resize(mask.astype(np.float32), (1024, 1024), interpolation=cv2.INTER_LINEAR)
    picture = Image.fromarray((large > 0.5).astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.save(path, format="GIF", optimize=False)


def _write_img(path: Path, image: np.ndarray, rng: np.random.Generator) -> None:
    """Bone bright 0..1 → film density on 12 bits, big-endian, with the grain of film."""
    path.parent.mkdir(parents=True, exist_ok=True)
    density = 4095 * (1 - cv2.resize(image, (2048, 2048), interpolation=cv2.INTER_CUBIC))
    grain = 33 * rng.standard_normal((1024, 1024), dtype=np.float32)
    density += np.tile(grain, (2, 2))
    np.clip(density, 0, 4095, out=density)
    density.astype(np.uint16).astype(">u2").tofile(path)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
