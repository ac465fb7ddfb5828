"""radiokit: five published radiology studies as notebooks, on a thin Keras library.

For teaching and research. Not a medical device, not for diagnosis.
"""

import os
import sys
import tempfile
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


def load_keras_quietly() -> None:
    """Load Keras and TensorFlow without TensorFlow's start-up notes.

    When to use: first, in a notebook or a command. The notes (which processor, no graphics card)
    come from compiled code that heeds no setting, so what it writes to the standard error stream
    while loading is kept aside; if loading fails it is shown. Later warnings are not touched.

    Raises:
        ImportError: Keras or its backend is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import keras  # noqa: F401
        except BaseException:
            os.dup2(before, 2)
            aside.seek(0)
            sys.stderr.write(aside.read().decode("utf-8", "replace"))
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
