"""The wheel carries all it needs and nothing else, and works away from the checkout."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from radiokit import cards

CHECKOUT = Path(__file__).resolve().parent.parent
MAY_TRAVEL = re.compile(
    r"radiokit/(\w+/)*\w+\.py|radiokit/text/\w+\.toml|radiokit/shipped/datasets/\w+\.(toml|md)"
    r"|radiokit/shipped/notebooks/\w+\.ipynb|radiokit-[\w.]+\.dist-info/.+"
)


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def python(environment, folder, *arguments):
    """What an installed radiokit prints, far from the checkout."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_modules_cards_notebooks_words_and_licence(wheel):
    expected = {
        f"radiokit/{path.relative_to(CHECKOUT / 'radiokit').as_posix()}"
        for pattern in ("*.py", "text/*.toml")
        for path in (CHECKOUT / "radiokit").rglob(pattern)
    }
    for folder, pattern in (("datasets", "*.toml"), ("notebooks", "*.ipynb")):
        shipped = [path.name for path in (CHECKOUT / folder).glob(pattern)]
        assert shipped
        expected |= {f"radiokit/shipped/{folder}/{name}" for name in shipped}
    names = names_in(wheel)
    assert expected - names == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_carries_nothing_else(wheel):
    assert [name for name in names_in(wheel) if not MAY_TRAVEL.fullmatch(name)] == []


def test_images_beside_the_cards_stay_out_of_the_wheel(tmp_path):
    source = tmp_path / "source"
    for folder in ("radiokit", "datasets", "notebooks"):
        shutil.copytree(
            CHECKOUT / folder,
            source / folder,
            ignore=shutil.ignore_patterns("__pycache__", "*.png"),
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(CHECKOUT / name, source / name)
    for film in ("datasets/jsrt/JPCLN001.IMG", "datasets/phantom/jsrt/a.png", "datasets/b.png"):
        (source / film).parent.mkdir(parents=True, exist_ok=True)
        (source / film).write_bytes(b"a patient")
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source]
    subprocess.run([sys.executable, *map(str, build)], check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    assert [name for name in names_in(built) if not MAY_TRAVEL.fullmatch(name)] == []


def test_the_installed_wheel_lists_the_data_sets(wheel_environment, installed_wheel, tmp_path):
    where = python(wheel_environment, tmp_path, "-c", "import radiokit; print(radiokit.__file__)")
    assert Path(where.strip()).is_relative_to(installed_wheel)
    listed = python(wheel_environment, tmp_path, "-m", "radiokit.cli", "data", "list")
    for card in cards.list_cards():
        assert f"{card.name}: {card.title}" in listed


def test_folders_of_other_packages_are_not_taken_for_radiokits(
    wheel_environment, installed_wheel, tmp_path
):
    shutil.copytree(installed_wheel / "radiokit", tmp_path / "site" / "radiokit")
    (tmp_path / "site" / "datasets").mkdir()  # a library of this name is often installed
    environment = {**wheel_environment, "PYTHONPATH": str(tmp_path / "site")}
    code = "from radiokit import shipped_folder; print(shipped_folder('datasets'))"
    found = Path(python(environment, tmp_path, "-c", code).strip())
    assert found == tmp_path / "site" / "radiokit" / "shipped" / "datasets"


def test_the_installed_wheel_ran_the_notebooks_outside_the_checkout(book_run):
    assert book_run.process.returncode == 0, book_run.process.stderr
    assert not book_run.folder.is_relative_to(CHECKOUT)
    shipped = {path.stem for path in (CHECKOUT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in book_run.outputs.iterdir()} == shipped
