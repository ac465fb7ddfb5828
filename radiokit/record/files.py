"""Where the files of a record lie, and how they are read."""

from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from PIL import Image


def safe_name(text) -> str:
    """A case or model id as a file name, the same on every operating system."""
    return quote(str(text), safe=" ()+,=@")


def image_path(folder, case_id) -> Path:
    """Where the picture of a case lies in a record."""
    return Path(folder) / "images" / f"{safe_name(case_id)}.png"


def truth_path(folder, case_id, structure) -> Path:
    """Where a true mask lies in a record."""
    return Path(folder) / "truth" / f"{safe_name(case_id)}__{structure}.png"


def mask_path(folder, model, case_id, structure) -> Path:
    """Where a predicted mask lies in a record."""
    return Path(folder) / "masks" / safe_name(model) / f"{safe_name(case_id)}__{structure}.png"


def volume_path(folder, model, exam_id) -> Path:
    """Where the label volume of an exam lies in a record; `model` is `"truth"` for the true one."""
    return Path(folder) / "volumes" / safe_name(model) / f"{safe_name(exam_id)}.nii.gz"


def attention_path(folder, model, case_id, layer) -> Path:
    """Where an attention map lies in a record."""
    return Path(folder) / "attention" / safe_name(model) / f"{safe_name(case_id)}__{layer}.png"


def split_stem(stem, case_ids) -> tuple:
    """Case and map of a file's name; either may hold two underscores. None: no such case."""
    parts = stem.split("__")
    for place in range(1, len(parts)):
        case_id = case_ids.get("__".join(parts[:place]))
        if case_id is not None:
            return case_id, "__".join(parts[place:])
    return None, stem


def read_scored(path) -> pd.DataFrame:
    """A table of scored cases; ids are text whatever they look like."""
    existing_file(path, "These scores were not written yet.")
    identities = dict.fromkeys(("case_id", "patient_id", "exam_id", "model"), str)
    return pd.read_csv(path, dtype=identities, encoding="utf-8")


def existing_file(path, remedy) -> Path:
    """The path; FileNotFoundError with the remedy where no file is there."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. {remedy}")
    return path


def read_grey(path) -> np.ndarray:
    """A picture of a record, (H, W) uint8."""
    existing_file(path, "The run kept no picture of this case.")
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))
