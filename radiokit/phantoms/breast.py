"""Phantoms of breast slides: whole-slide images in H&E with outlined lesions, pen and artefacts.

For learning and testing offline, when the real sets are not at hand. See
`radiokit.phantoms.breast_slide` for the tissue, `radiokit.phantoms.slide_ink` and
`radiokit.phantoms.slide_artifacts` for what lies on it, and `radiokit.phantoms.breast_files` for
how it is stored.
"""

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from radiokit.phantoms.breast_files import (
    draw_mask,
    write_aperio_xml,
    write_mask,
    write_picture,
    write_slide,
)
from radiokit.phantoms.breast_slide import draw_breast_slide
from radiokit.phantoms.folder import build_phantom, in_processes
from radiokit.phantoms.slide_artifacts import add_artifacts, choose_artifacts
from radiokit.phantoms.slide_ink import PENS, write_on_slide

MPP_UM = 0.25  # 40×
LESIONS = ("benign", "in_situ", "invasive")
# Of every eight slides four have all lesions, three two of them, one none; and five have ink.
BLOCK = (*(LESIONS,) * 4, LESIONS[:2], LESIONS[1:], LESIONS[::2])
NORMAL_FROM = 3  # the slide without a lesion is none of the first three
INKED = (0, 2, 3, 5, 7)  # numbers within a block
SECOND_PEN = 0.2  # share of inked slides with another colour too
AFTER_INK = ("dust", "blur")  # which come about in the scanner, over tissue and ink
# HASHI's hospitals: pictures, masks, microns per pixel (which the files do not say).
COHORTS = {
    "HUP": ("HUP_imgs_idx5_Part1/{}_idx5.png", "HUP_masks/{}_annotation_mask.png", 2.0),
    "CWRU": ("CWRU_imgs_idx8/{}_idx8.png", "CWRU_masks/{}_idx8.png", 2.5),
    "CINJ": ("CINJ_imgs_idx5/{}_idx5.png", "CINJ_masks_HG/{}.png", 1.8),
    "TCGA": ("TCGA_imgs_idx5/{}_idx5.png", "TCGA_masks/{}_idx5.png", 2.0),
}
FINER = 2  # pictures are painted so much finer, then reduced as a scanner's levels are


def make_bach(
    root: Path | str,
    num_patients: int = 8,
    seed: int = 0,
    size_px: tuple[int, int] = (8000, 6000),
    mpp_um: float = MPP_UM,
) -> Path:
    """Phantom of BACH's whole slides: breast tissue in H&E at 40× with outlined lesions.

    Use it in place of the real set: `radiokit.data.breast.index_bach` reads both. Stain, section,
    pen and scanner differ from slide to slide. A slide of 8000 × 6000 pixels shows 2 × 1.5 mm,
    where a real one shows some 100 times the area; pens and bubbles are smaller in proportion.

    Args:
        root: folder to make; it will hold `WSI/A01.svs` … (pyramids that OpenSlide opens as
            Aperio's, `mpp_um` a pixel), `WSI/A01.xml` … (outlines Benign, Carcinoma in situ and
            Invasive carcinoma), `ink_masks/A01.png` … (uint8, a value for every 8 × 8 pixels:
            0 none, 1 black, 2 blue, 3 green, 4 red; the real set has no such masks) and
            `PHANTOM.toml`.
        num_patients: how many patients, one slide each, at least 1. Of every eight, six show each
            lesion, one shows none, and five bear ink, each colour at least once.
        seed: patient number i is the same for a seed whatever `num_patients` is.
        size_px: width and height of every slide, at least 1024 × 768.
        mpp_um: microns per pixel; 0.5 shows four times the area, at 20×.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient, or a slide too small.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    size_px = (int(size_px[0]), int(size_px[1]))
    write = partial(_write_bach, size_px=size_px, mpp_um=float(mpp_um))
    settings = {"size_px": list(size_px), "mpp_um": float(mpp_um)}
    return build_phantom(root, "bach", num_patients, seed, write, settings)


def make_hashi(
    root: Path | str,
    num_patients: int = 8,
    seed: int = 0,
    size_px: tuple[int, int] = (1024, 768),
) -> Path:
    """Phantom of HASHI: breast slides at about 5×, invasive cancer as masks, four hospitals.

    Use it in place of the real set: `radiokit.data.breast.index_hashi` reads both. The tissue is
    that of `make_bach`, other patients'; benign and in situ lesions are there and not marked.
    Hospitals differ in resolution, which no file says, and in how they name files. No ink.

    Args:
        root: folder to make; it will hold pictures and masks as PNG, such as
            `HUP_imgs_idx5_Part1/8001_idx5.png` and `HUP_masks/8001_annotation_mask.png` (uint8, 1
            where invasive), folders for CWRU, CINJ (masks one pixel larger) and TCGA, and
            `PHANTOM.toml`.
        num_patients: how many patients, one picture each, at least 1. Of every four, each comes
            from another hospital; of every eight, one has no lesion and one only others.
        seed: patient number i is the same for a seed whatever `num_patients` is.
        size_px: width and height of every picture, at least 512 × 384.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient, or a picture too small.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: `root` cannot be written.
    """
    size_px = (int(size_px[0]), int(size_px[1]))
    if size_px[0] < 512 or size_px[1] < 384:
        raise ValueError(f"size_px is {size_px}; give a width and height of at least (512, 384).")
    write = partial(_write_hashi, size_px=size_px)
    return build_phantom(root, "hashi", num_patients, seed, write, {"size_px": list(size_px)})


def _write_bach(
    root: Path, num_patients: int, seed: int, size_px: tuple[int, int], mpp_um: float
) -> None:
    for name in ("WSI", "ink_masks"):
        (root / name).mkdir()
    in_processes(partial(_write_bach_slide, root, seed, size_px, mpp_um), num_patients)


def _write_bach_slide(
    root: Path, seed: int, size_px: tuple[int, int], mpp_um: float, index: int
) -> None:
    """Files of one patient."""
    name = f"A{index + 1:02d}"
    slide = draw_breast_slide(
        np.random.default_rng([seed, 60, index]), size_px, mpp_um, lesions_of(index, seed)
    )
    pixels = np.ascontiguousarray(slide.pixels)
    lesions = [points for _, points, _ in slide.regions]
    rng = np.random.default_rng([seed, 61, index])
    kinds = choose_artifacts(rng)
    before = [kind for kind in kinds if kind not in AFTER_INK]
    add_artifacts(pixels, mpp_um, slide.tissue, before, rng)
    pens = np.random.default_rng([seed, 62, index])
    ink = write_on_slide(pixels, mpp_um, inks_of(index, seed), lesions, pens)
    add_artifacts(pixels, mpp_um, slide.tissue, [k for k in kinds if k in AFTER_INK], rng)
    scanner = np.random.default_rng([seed, 63, index])
    pixels = scan(pixels, scanner)
    write_slide(root / "WSI" / f"{name}.svs", pixels, mpp_um, int(scanner.integers(72, 90)))
    in_attributes = bool(scanner.random() < 0.4)
    write_aperio_xml(root / "WSI" / f"{name}.xml", slide.regions, mpp_um, in_attributes)
    write_mask(root / "ink_masks" / f"{name}.png", ink)


def _write_hashi(root: Path, num_patients: int, seed: int, size_px: tuple[int, int]) -> None:
    for pictures, masks, _ in COHORTS.values():
        for pattern in (pictures, masks):
            (root / pattern).parent.mkdir()
    in_processes(partial(_write_hashi_picture, root, seed, size_px), num_patients)


def _write_hashi_picture(root: Path, seed: int, size_px: tuple[int, int], index: int) -> None:
    """Files of one patient."""
    block, number = divmod(index, len(COHORTS))
    dealt = np.random.default_rng([seed, 71, block]).permutation(list(COHORTS))
    cohort = str(dealt[number])
    picture_path, mask_path, mpp_um = COHORTS[cohort]
    rng = np.random.default_rng([seed, 70, index])
    large = (FINER * size_px[0], FINER * size_px[1])
    slide = draw_breast_slide(rng, large, mpp_um / FINER, lesions_of(index, seed, 72))
    pixels = cv2.resize(slide.pixels, size_px, interpolation=cv2.INTER_AREA)
    name = f"TCGA-PH-{index + 1:04d}-01Z-00-DX1" if cohort == "TCGA" else str(8001 + index)
    write_picture(root / picture_path.format(name), scan(pixels, rng))
    extra = int(cohort == "CINJ")
    outlines = [
        (points / FINER, [hole / FINER for hole in holes])
        for label, points, holes in slide.regions
        if label == "invasive"
    ]
    mask = draw_mask(outlines, (size_px[1] + extra, size_px[0] + extra))
    write_mask(root / mask_path.format(name), mask)


def lesions_of(index: int, seed: int, stream: int = 64) -> tuple[str, ...]:
    """Which lesions a patient has; see `BLOCK`. `stream` is the number of the random stream."""
    block, number = divmod(index, len(BLOCK) + 1)
    rng = np.random.default_rng([seed, stream, block])
    dealt = [BLOCK[place] for place in rng.permutation(len(BLOCK))]
    dealt.insert(int(rng.integers(NORMAL_FROM, len(BLOCK) + 1)), ())
    return dealt[number]


def inks_of(index: int, seed: int) -> tuple[str, ...]:
    """Colours of the pens that wrote on a patient's slide: all four among every eight slides."""
    block, number = divmod(index, len(BLOCK) + 1)
    if number not in INKED:
        return ()
    rng = np.random.default_rng([seed, 65, block])
    dealt = [*rng.permutation(list(PENS)), rng.choice(list(PENS))]
    first = str(dealt[INKED.index(number)])
    other = np.random.default_rng([seed, 66, index])
    if other.random() >= SECOND_PEN:
        return (first,)
    return (first, str(other.choice([colour for colour in PENS if colour != first])))


def scan(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the scanner makes of the light: contrast and colour balance, uint8 as before."""
    gamma = rng.uniform(0.92, 1.1) * np.exp(rng.normal(0, 0.015, 3))
    tones = 255 * (np.arange(256)[:, None] / 255) ** gamma
    return cv2.LUT(pixels, np.round(tones).astype(np.uint8)[None])
