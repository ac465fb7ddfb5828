"""The small pictures and maps that a record keeps of whole slides."""

from pathlib import Path
from urllib.parse import unquote

import numpy as np
from PIL import Image

from radiokit.record.cases import main_study
from radiokit.record.files import existing_file, safe_name

COLOR_SPACE_MODELS = {
    "resnet_unet_rgb": "rgb",
    "resnet_unet_hsv": "hsv",
    "resnet_unet_ycrcb": "ycrcb",
    "resnet_unet_lab": "lab",
    "resnet_unet_all": "all",
}
UNKNOWN_CLASS = 255  # in a class map, where the truth is -1


def slide_picture_path(folder, case_id, name) -> Path:
    """Where a small picture of a slide lies in a record."""
    return Path(folder) / "slides" / safe_name(case_id) / f"{safe_name(name)}.png"


def read_slide_picture(run, case_id, name) -> np.ndarray:
    """A small picture of a slide.

    When to use: in a figure of slides.

    Args:
        run: a `Run`.
        case_id: the slide.
        name: `"slide"`, `"truth"`, `"probability_invasive"`…, as it was written.

    Returns:
        uint8, (h, w, 3) of a picture; (h, w) of a map: a pixel's class, 0 or 1 of a mask, 0..255
        of a probability.

    Raises:
        FileNotFoundError: the run kept none.
    """
    path = slide_picture_path(run.folder, case_id, name)
    existing_file(path, "The run kept no such picture of this slide.")
    with Image.open(path) as picture:
        return np.asarray(picture)


def slide_pictures(run, case_id) -> list[str]:
    """The names of the pictures kept of a slide, in alphabetical order."""
    folder = slide_picture_path(run.folder, case_id, "slide").parent
    return sorted(unquote(path.stem) for path in folder.glob("*.png"))


def pictured_slide(run, names, case_id=None) -> str:
    """The slide a figure shows: of the test slides with these pictures, one with many classes.

    When to use: in a figure of one slide. No score chooses it: it is the first in alphabetical
    order among those whose truth holds the most classes.

    Args:
        run: a `Run`.
        names: the pictures the figure cannot do without.
        case_id: the slide asked for; None chooses.

    Returns:
        The slide's id.

    Raises:
        FileNotFoundError: no test slide, or not the one asked for, has these pictures.
    """
    tested = sorted(set(main_study(run.cases(), "test")["case_id"]))
    wanted = tested if case_id is None else [str(case_id)]
    found = [name for name in wanted if set(names) <= set(slide_pictures(run, name))]
    if not found:
        which = "test slide" if case_id is None else f"slide {case_id!r}"
        raise FileNotFoundError(
            f"{run.folder} keeps no {which} with the pictures {', '.join(names)}. Write them with "
            "write_slide_picture."
        )
    return max(found, key=lambda name: _num_classes(run, name))  # the first of equals


def _num_classes(run, case_id):
    if "truth" not in slide_pictures(run, case_id):
        return 0
    return len(np.setdiff1d(read_slide_picture(run, case_id, "truth"), [0, UNKNOWN_CLASS]))
