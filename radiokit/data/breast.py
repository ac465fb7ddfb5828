"""Breast histology: slides, outlines and masks of three public sets to case tables."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from radiokit.cards import name_a_few, read_phantom_note
from radiokit.data.breast_annotations import (
    read_aperio_xml,
    read_asap_xml,
    read_geojson,
    read_regions,
)
from radiokit.data.breast_files import COLUMNS, picture_row, read_rows, rows_to_table, slide_row
from radiokit.data.breast_regions import REGION_CLASSES, Region, draw_regions
from radiokit.data.layouts import files_below, pick_files, require_films, warn_left_out

__all__ = [
    "REGION_CLASSES",
    "Region",
    "draw_regions",
    "index_bach",
    "index_hashi",
    "index_tcga",
    "read_aperio_xml",
    "read_asap_xml",
    "read_geojson",
    "read_regions",
]

COHORTS = ("HUP", "CWRU", "CINJ", "TCGA")
_OUTLINED = re.compile(r"A\d\d", re.IGNORECASE)  # slides that BACH publishes outlines for
_OUTLINES = (".xml", ".geojson", ".json")
_PICTURES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
_BARCODE = re.compile(r"(TCGA-\w{2}-\w{4})-\d\d[A-Z]-\d\d-([A-Z]{2})\w*", re.IGNORECASE)
_COHORT_COLUMNS = [*COLUMNS[:3], "mask", *COLUMNS[3:], "cohort"]
_TCGA_COLUMNS = [*COLUMNS[:4], "mask", *COLUMNS[4:]]


def index_bach(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of BACH, part B: whole slides, ten of them with outlined lesions.

    Use it on the unpacked archive, on its WSI folder, and on the phantom. Only headers and outlines
    are read. Slides without outlines are in the table, their lesions unknown.

    Args:
        root: folder of the copy; further nesting does not matter.

    Returns:
        One row a slide: `case_id` (file name), `patient_id` (the same: patients are not published),
        `image, annotation` ("" without), `mpp_um` (NaN where the slide does not say),
        `magnification, width_px, height_px` (of level 0), `benign, in_situ, invasive` (1 where
        such a region is outlined, 0 where not, NaN without annotation), `dataset` ("bach"),
        `is_phantom`. `table.attrs`: `unreadable`, a sentence for each slide left out because it or
        its outlines cannot be read; `unmatched`, for each XML without a slide and each of A01 to
        A10 without XML; one warning counts both; `notes`, on outlines that leave their slide,
        on resolutions, and on slides without outlines; `patient_key`.

    Raises:
        FileNotFoundError: no slides; the text says how to get the set.
        ValueError: two files of one name, or no slide can be used.
    """
    files = files_below(root, "bach")
    slides = pick_files(files, r"(.+)", r".*", (".svs",))
    require_films(slides, root, "bach")
    outlines = pick_files(files, r"(.+)", r".*", (".xml",))
    cases = [(path, outlines.get(case), None) for case, path in slides.items()]
    unreadable = []
    rows = read_rows(slide_row, cases, unreadable)
    is_phantom = read_phantom_note(root) is not None
    for row in rows:
        row |= {"patient_id": row["case_id"], "dataset": "bach"}
        row["is_phantom"] = is_phantom
    table = rows_to_table(rows, COLUMNS, unreadable)
    bare = [path.stem for case, path in slides.items() if case not in outlines]
    unmatched = [
        f"{path.name} has no slide" for case, path in outlines.items() if case not in slides
    ]
    unmatched += [f"{name}.svs has no outlines" for name in bare if _OUTLINED.fullmatch(name)]
    others = [name for name in bare if not _OUTLINED.fullmatch(name)]
    if others:
        table.attrs["notes"] += [f"{len(others)} slides have no outlines: {name_a_few(others)}"]
    table.attrs["unmatched"] = unmatched
    table.attrs["patient_key"] = "slide (patients are not published; one a slide is assumed)"
    warn_left_out(unreadable, unmatched, "slides or outlines")
    return table


def index_hashi(root: str | Path) -> pd.DataFrame:
    """Case table of a copy of HASHI: reduced slides of four hospitals, invasive cancer as masks.

    Use it for the ROI module. The set has no slides but pictures of one reduced level, without a
    resolution; each mask is read to see whether it is empty. A mask may be one pixel larger or
    smaller than its image, as published. Benign and in situ lesions are not marked: they are
    background there.

    Args:
        root: folder of the copy, with each archive unpacked in a folder of its name
            (`HUP_imgs_idx5_Part1`, `HUP_masks`, ...).

    Returns:
        One row a picture, columns as of `index_bach`, and `mask` (path) and `cohort` (HUP, CWRU,
        CINJ or TCGA). `case_id` is cohort and name; `patient_id` the same, but of TCGA the first
        12 characters of its name; `annotation` is "", `mpp_um` and `magnification` NaN, `benign`
        and `in_situ` NaN, `dataset` "hashi". `table.attrs`: as of `index_bach`; what lacks its
        partner is left out and listed in `unmatched`.

    Raises:
        FileNotFoundError: no pictures; the text says how to get the set.
        ValueError: two files of one case, or no picture can be used.
    """
    root = Path(root)
    images, masks, strange = {}, {}, []
    for path in files_below(root, "hashi"):
        if path.suffix.lower() in _PICTURES:
            _sort_picture(path, path.relative_to(root), images, masks, strange)
    require_films(images, root, "hashi")
    both = [case for case in images if case in masks]
    unreadable = []
    rows = read_rows(
        picture_row, [(images[c], masks[c], _hashi_keys(*c)) for c in both], unreadable
    )
    is_phantom = read_phantom_note(root) is not None
    for row in rows:
        row["is_phantom"] = is_phantom
    table = rows_to_table(rows, _COHORT_COLUMNS, unreadable)
    unmatched = [f"{images[case].name} has no mask" for case in images if case not in masks]
    unmatched += [f"{masks[case].name} has no image" for case in masks if case not in images]
    table.attrs["unmatched"] = unmatched + strange
    table.attrs["patient_key"] = "TCGA: barcode; others: picture (patients are not published)"
    warn_left_out(unreadable, table.attrs["unmatched"], "images or masks")
    return table


def _sort_picture(path: Path, place: Path, images: dict, masks: dict, strange: list[str]) -> None:
    """Put a picture among the images or the masks, by the folders it lies in and its name."""
    folders = [part.upper() for part in place.parts[:-1]]
    cohort = next((name for part in folders for name in COHORTS if part.startswith(name)), "")
    name = re.sub(r"(_idx\d+)?(_annotation)?(_mask)?$", "", path.stem, flags=re.IGNORECASE)
    is_mask = any("MASK" in part for part in folders) or path.stem.lower().endswith("_mask")
    if not cohort:
        strange.append(f"{place.as_posix()} lies in no folder of {', '.join(COHORTS)}")
        return
    found = masks if is_mask else images
    if (cohort, name) in found:
        raise ValueError(
            f"Two files claim {cohort} {name}: {found[cohort, name]} and {path}. Move one of them "
            "out of the copy."
        )
    found[cohort, name] = path


def _hashi_keys(cohort: str, name: str) -> dict:
    """Case, patient and cohort of a picture."""
    barcode = _BARCODE.match(name)
    case = name if cohort == "TCGA" else f"{cohort}_{name}"
    patient = barcode[1].upper() if barcode else case
    return {"case_id": case, "patient_id": patient, "cohort": cohort, "dataset": "hashi"}


def index_tcga(
    root: str | Path,
    annotations: str | Path | None = None,
    names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Case table of diagnostic slides of TCGA-BRCA, with outlines or masks where you have any.

    Use it on a download of the Genomic Data Commons (a folder a file). TCGA publishes no outlines:
    bring your own, named as the slide or as its barcode (`TCGA-A2-A0CL-01Z-00-DX1`), as XML of
    ImageScope or ASAP, as GeoJSON, or as pictures in a folder with "mask" in its name. Slides of
    frozen tissue (TS, BS, MS) are left out, and said.

    Args:
        root: folder of the slides; further nesting does not matter.
        annotations: folder of outlines and masks; None: they lie among the slides.
        names: classes of other names, as in `radiokit.data.breast_annotations.read_regions`. Give
            the same whenever the outlines are read.

    Returns:
        One row a slide, columns as of `index_bach`, and `mask` (path, "" without). `patient_id` is
        the first 12 characters of the name: several slides may be of one patient. `dataset` is
        "tcga_brca". `table.attrs`: as of `index_bach`; `unmatched` lists outlines and masks without
        a slide, and slides without a barcode.

    Raises:
        FileNotFoundError: no slides; the text says how to get the set.
        ValueError: two files of one name, no slide can be used, or `names` maps to no class.
    """
    files = files_below(root, "tcga_brca")
    extra = files_below(annotations, "tcga_brca") if annotations else files
    found = pick_files(files, r"(.+)", r".*", (".svs",))
    require_films(found, root, "tcga_brca")
    slides = {case: path for case, path in found.items() if _kind(path) == "DX"}
    if not slides:
        raise ValueError(
            f"None of {len(found)} slides below {root} is a diagnostic slide of TCGA, named as "
            f"TCGA-A2-A0CL-01Z-00-DX1.<UUID>.svs: {name_a_few([p.name for p in found.values()])}. "
            "For other slides make a table with the columns of this one."
        )
    outlines = pick_files(extra, r"(TCGA-.+)", r".*", _OUTLINES)
    masks = pick_files(extra, r"(TCGA-.+?)(?:_mask)?", r".*mask.*", _PICTURES)
    unreadable = [f"{path.name}: not all of it was downloaded" for path in _partial(files)]
    cases = [(path, _partner(case, outlines), names) for case, path in slides.items()]
    rows = read_rows(slide_row, cases, unreadable)
    is_phantom = read_phantom_note(root) is not None
    for row in rows:
        row |= {"patient_id": row["case_id"][:12].upper(), "dataset": "tcga_brca"}
        row["mask"] = str(_partner(row["case_id"].upper(), masks) or "")
        row["is_phantom"] = is_phantom
    table = rows_to_table(rows, _TCGA_COLUMNS, unreadable)
    frozen = [path.name for path in found.values() if _kind(path) not in ("DX", "")]
    if frozen:
        table.attrs["notes"] += [f"{len(frozen)} slides of frozen tissue are left out"]
    unmatched = [f"{p.name} has no barcode of TCGA" for p in found.values() if not _kind(p)]
    keys = {key for case in slides for key in (case, case.split(".")[0])}
    for case, path in (*outlines.items(), *masks.items()):
        unmatched += [] if case in keys else [f"{path.name} has no slide"]
    table.attrs["unmatched"] = unmatched
    table.attrs["patient_key"] = "first 12 characters of the name"
    warn_left_out(unreadable, unmatched, "files")
    return table


def _kind(path: Path) -> str:
    """DX of a diagnostic slide, TS, BS or MS of a frozen one, "" without a barcode."""
    match = _BARCODE.match(path.stem)
    return match[2].upper() if match else ""


def _partial(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix.lower() == ".partial"]


def _partner(case: str, found: dict[str, Path]) -> Path | None:
    """The file named as a slide, else the one named as its barcode."""
    return found.get(case) or found.get(case.split(".")[0])
