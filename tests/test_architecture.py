"""Imports go one way, public names are documented, and a start is quick."""

import graphlib
import subprocess
import sys
from pathlib import Path

import architecture_rules as rules
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "radiokit"
DOCUMENTED = '"""A module."""\n'


def test_the_package_keeps_every_rule():
    assert rules.package_complaints(PACKAGE) == []


def test_the_allowed_imports_have_no_circle():
    others = {unit: units - {unit} for unit, units in rules.ALLOWED.items()}
    order = list(graphlib.TopologicalSorter(others).static_order())  # raises on a circle
    assert order.index("words") < order.index("plots") < order.index("report")


def complaints(source, name):
    return rules.complaints_about(DOCUMENTED + source, name)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("metrics.py", "import radiokit.io"),
        ("metrics.py", "from radiokit import io"),
        ("metrics.py", "from radiokit.io import dicom"),
        ("metrics.py", "from . import losses"),
        ("metrics.py", "from .losses import dice_loss"),
        ("metrics.py", "from radiokit.io import dicom, rasters, geometry"),
        ("words.py", "from radiokit import record"),
        ("io/dicom.py", "from ..cards import load_card"),
        ("io/dicom.py", "from .. import cards"),
        ("plots/scores.py", "from radiokit.report import redraw"),
        ("phantoms/chest.py", "from radiokit.data import chest"),
        ("data/chest.py", "from radiokit.training import fit"),
        ("models/unet.py", "from radiokit.models.swin import build_swin_unet"),
        ("models/unet.py", "from radiokit.losses import DiceCrossEntropyLoss"),
        ("models/blocks.py", "from radiokit.models import unet"),
        ("models/swin.py", "from radiokit import engine_tensorflow"),
        ("book.py", "from radiokit import report"),
        ("losses.py", "def _f():\n    from radiokit import metrics"),
        (
            "losses.py",
            "def _f():\n    import importlib\n    importlib.import_module('radiokit.io')",
        ),
        ("losses.py", "from importlib import import_module\nimport_module('radiokit.io.dicom')"),
        ("losses.py", "import importlib\nimportlib.import_module('.io', 'radiokit')"),
        ("losses.py", "__import__('radiokit.io')"),
        ("losses.py", "import importlib\nimportlib.import_module(name='radiokit.io')"),
        ("losses.py", "import importlib\nimportlib.import_module(f'radiokit.io.{1}')"),
        ("losses.py", "if False:\n    import radiokit.io"),
        ("losses.py", "try:\n    import radiokit.io\nexcept ImportError:\n    pass"),
    ],
)
def test_an_import_against_the_direction_is_found(name, source):
    (complaint,) = complaints(source, name)
    assert complaint.startswith(f"radiokit/{name}:")
    assert "may not import" in complaint


@pytest.mark.parametrize("importer", ["report/drawing.py", "data/own.py", "__init__.py", "book.py"])
@pytest.mark.parametrize("unit", ["cli", "recipes"])
def test_nothing_imports_the_outermost_modules(importer, unit):
    assert f"nothing may import {unit}" in complaints(f"import radiokit.{unit}", importer)[0]


@pytest.mark.parametrize("name", ["metrics.py", "book.py", "io/rasters.py", "models/unet.py"])
def test_every_module_may_write_whole_files(name):
    assert complaints("from radiokit.files import whole_file", name) == []
    assert "may not import" in complaints("from radiokit import metrics", "files.py")[0]


def test_a_computed_import_is_found():
    (complaint,) = complaints("import importlib\nimportlib.import_module(input())", "losses.py")
    assert "computed name" in complaint


def test_the_command_imports_inside_its_commands():
    inside = "def run():\n    '''Run.'''\n    from radiokit import book, recipes"
    assert complaints(inside, "cli.py") == []
    assert "import inside the command" in complaints("from radiokit import book", "cli.py")[0]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("recipes.py", "from radiokit import training, report\nfrom radiokit.data import own"),
        ("data/chest.py", "from radiokit import cards, io\nfrom radiokit.data import own"),
        ("phantoms/chest.py", "from radiokit.io import rasters\nfrom . import skeleton"),
        ("models/__init__.py", "from radiokit.models.unet import build_unet"),
        ("models/unet.py", "from radiokit.models import blocks\nfrom .blocks import conv_block"),
        ("models/blocks.py", "from radiokit import engine_tensorflow"),
        ("training.py", "from radiokit import losses, metrics"),
        ("report/writing.py", "from radiokit import __version__, plots, stats, shipped_folder"),
        ("report/drawing.py", "from radiokit.report.files import write_json"),
        ("tables/latex.py", "from radiokit.tables.scoring import SCORE_COLUMN"),
        (
            "plots/masks.py",
            "from radiokit.record import read_run\nfrom radiokit.words import Words",
        ),
        ("plots/masks.py", "from radiokit.plots.figure import new_figure"),
        ("record.py", "from radiokit.words import read_words"),
        ("cards.py", "from radiokit import shipped_folder"),
    ],
)
def test_an_import_in_the_direction_passes(name, source):
    assert complaints(source, name) == []


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("tensorflow", "data/batches.py"),
        ("tensorflow", "engine_tensorflow.py"),
        ("matplotlib", "plots/figure.py"),
        ("matplotlib", "report/drawing.py"),
        ("keras_cv", "models/encoders.py"),
    ],
)
def test_heavy_libraries_stay_in_their_places(library, name):
    for source in (f"import {library}", f"from {library} import a", f"import {library}.a as b"):
        assert complaints(source, name) == []
        assert f"{library} may be imported only in" in complaints(source, "metrics.py")[0]
    hidden = f"def _f():\n    import importlib\n    importlib.import_module('{library}')"
    assert f"{library} may be imported only in" in complaints(hidden, "metrics.py")[0]


def test_names_that_only_begin_alike_are_other_libraries():
    assert complaints("import keras\nimport tensorflow_metadata", "metrics.py") == []


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("def read(path):\n    return 1", "read has"),
        ("class Reader:\n    pass", "Reader has"),
        ("class Reader:\n    '''Reads.'''\n    def read(self):\n        pass", "Reader.read has"),
        ("async def read():\n    pass", "read has"),
    ],
)
def test_public_names_without_docstring_are_found(source, label):
    (complaint,) = complaints(source, "losses.py")
    assert f"{label} no docstring" in complaint


def test_a_module_without_docstring_is_found():
    assert rules.complaints_about("x = 1", "losses.py") == [
        "radiokit/losses.py:1: the module has no docstring"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "def _read(path):\n    pass",
        "class Layer:\n    '''A layer.'''\n    def __init__(self):\n        pass\n"
        "    def call(self, x):\n        pass",
        "def read():\n    '''Read.'''\n    def inner():\n        pass",
    ],
)
def test_private_names_and_keras_methods_need_no_docstring(source):
    assert complaints(source, "losses.py") == []


def start_python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PACKAGE.parent,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def test_importing_radiokit_or_its_command_brings_no_heavy_library():
    code = "import sys, radiokit.cli; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = set(start_python("-c", code).split())
    assert loaded.isdisjoint({"tensorflow", "keras", "matplotlib", "numpy", "pandas", "nbclient"})
