"""What a run was made of: which images, whose right side, which versions."""

import hashlib
import importlib.metadata
import platform
from pathlib import Path

import pandas as pd

from radiokit import __version__

# Public sets shown in radiological convention, the image's left being the patient's right: films
# stored so, volumes turned so by their own affine, and axial CT slices of patients lying supine,
# head first, as their DICOM headers say. Of anybody else's files nothing is known (BHSD's pictures
# have no header), and short-axis slices (ACDC, Sunnybrook) are oblique: no side is marked.
RADIOLOGICAL_DATASETS = {
    *("montgomery", "shenzhen", "jsrt", "vindr_ribcxr"),
    *("hvsmr", "hvsmr2", "rsna_ich"),
}
SAGITTAL_AXIS = 0  # slices across it have the patient's front and back at their sides

_VERSIONS = ("keras", "tensorflow", "numpy", "pandas", "scipy", "matplotlib")


def is_phantom(table):
    """Whether the images are drawn; ValueError where nothing says so, or both kinds are mixed."""
    if "is_phantom" not in table.columns or table.empty:
        raise ValueError(
            "The case table has no rows or no column is_phantom, so nothing says whether its "
            "images are real. Make it with one of radiokit.data's index_ functions."
        )
    values = set(table["is_phantom"].astype(bool))
    if len(values) > 1:
        raise ValueError(
            "Phantom and real images are in one case table; a score of both together means "
            "nothing. Index one kind only."
        )
    return values.pop()


def identify_data(table):
    """Numbers of images and patients, and a fingerprint that other data would change."""
    dataset = table["dataset"] if "dataset" in table else pd.Series("own", index=table.index)
    columns = [name for name in ("case_id", "patient_id", "split") if name in table]
    lines = [
        "\t".join([str(name), *map(str, row), str(_file_bytes(image))])
        for name, row, image in zip(
            dataset, table[columns].itertuples(index=False), table["image"], strict=True
        )
    ]
    return {
        "datasets": {str(name): int(count) for name, count in dataset.value_counts().items()},
        "num_images": len(table),
        "num_patients": len(set(zip(dataset, table["patient_id"].astype(str), strict=True))),
        "sha256_of_ids_splits_and_file_sizes": hashlib.sha256(
            "\n".join(sorted(lines)).encode("utf-8")
        ).hexdigest(),
    }


def _file_bytes(path):
    path = Path(str(path))
    return path.stat().st_size if path.is_file() else None


def known_orientation(table):
    """`"radiological"` where the image's left is known to be the patient's right, else None."""
    known = "dataset" in table and set(table["dataset"]) <= RADIOLOGICAL_DATASETS
    is_sagittal = "axis" in table and (table["axis"] == SAGITTAL_AXIS).any()
    return "radiological" if known and not is_sagittal else None


def read_versions():
    """Versions of Python, of this system and of what computes the numbers."""
    versions = {"radiokit": __version__, "python": platform.python_version()}
    versions["platform"] = platform.platform()
    for package in _VERSIONS:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions
