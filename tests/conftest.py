"""What several tests share: real images, the built wheel, and the one run of all notebooks."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """RADIOKIT_START_METHOD=spawn runs the suite with pools as on Windows and macOS."""
    method = os.environ.get("RADIOKIT_START_METHOD")
    if method:
        multiprocessing.set_start_method(method, force=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real images; tests that need it skip where there is none."""
    folder = os.environ.get("RADIOKIT_REAL_DATA")
    if not folder:
        pytest.skip("RADIOKIT_REAL_DATA is not set: no real images here")
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(f"RADIOKIT_REAL_DATA names a folder that does not exist: {path}")
    return path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    _run([sys.executable, *build], cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder the wheel is installed into, away from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    _run([sys.executable, *install, str(folder), str(wheel)], cwd=folder)
    return folder


@dataclass(frozen=True)
class BookRun:
    """The one run of all notebooks: `radiokit run`, from the installed wheel.

    Args:
        folder: the folder it ran in, outside the checkout.
        process: exit code and what it printed.
    """

    folder: Path
    process: subprocess.CompletedProcess

    @property
    def outputs(self) -> Path:
        """Where each notebook left its record."""
        return self.folder / "outputs"


@pytest.fixture(scope="session")
def wheel_environment(installed_wheel: Path) -> dict[str, str]:
    """Environment in which `import radiokit` finds the installed wheel, not the checkout."""
    return {**os.environ, "PYTHONPATH": str(installed_wheel), "PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def book_run(
    wheel_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> BookRun:
    """Every notebook, executed once; all tests of notebooks read this.

    Where real slices, radiographs and slides are at hand they lie beside the phantoms, for the
    cells that try the networks on them.
    """
    folder = tmp_path_factory.mktemp("book")
    real = Path(os.environ.get("RADIOKIT_REAL_DATA", folder / "none"))
    copies = {"headct/bhsd_masks": "bhsd_slices"}
    copies |= {"bodypart/medical_mnist/CXR": "own_radiographs/Chest"}
    copies |= {"bodypart/medical_mnist/Hand": "own_radiographs/Hand"}
    for source, name in copies.items():
        if (real / source).is_dir():
            shutil.copytree(real / source, folder / "datasets" / name)
    for slide in (real / "histology" / "slides").glob("*-*.svs"):  # the broken one has no hyphen
        (folder / "datasets" / "own_slides").mkdir(parents=True, exist_ok=True)
        shutil.copy(slide, folder / "datasets" / "own_slides" / slide.name)
    process = subprocess.run(
        [sys.executable, "-m", "radiokit.cli", "run"],
        cwd=folder,
        env=wheel_environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return BookRun(folder, process)


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
