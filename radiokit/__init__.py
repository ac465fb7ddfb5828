"""radiokit: five published radiology studies as notebooks, on a thin Keras library.

For teaching and research. Not a medical device, not for diagnosis.
"""

from pathlib import Path

__version__ = "0.1.0"


def shipped_folder(name: str) -> Path:
    """Folder of files that travel with the package, in a checkout or in an installed wheel.

    Args:
        name: `"datasets"` (cards), `"notebooks"` or `"text"` (words of figures and tables).

    Returns:
        An existing folder.

    Raises:
        FileNotFoundError: the folder is in neither place, so the installation is incomplete.
    """
    package = Path(__file__).parent
    places = [package / name, package / "shipped" / name, package.parent / name]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"radiokit's own folder {name!r} is missing; looked in {', '.join(map(str, places))}. "
        "Install radiokit again: pip install --force-reinstall radiokit"
    )
