"""The rules of the package's architecture, read from the syntax tree; nothing is imported."""

import ast
import sys
from pathlib import Path

PACKAGE = "radiokit"

# Who may import whom. A unit is a module or subpackage of radiokit; one that is not named here
# imports nothing inside the package. Modules of one subpackage may import one another, except
# in `models`, where everything stands on `blocks` alone.
ALLOWED = {
    "recipes": {
        *("recipes", "data", "io", "models", "training", "tiling"),
        *("metrics", "report", "losses", "stats", "explain"),
    },
    "cross_validation": {"data", "metrics", "training"},
    "search": {"training"},
    "data": {"data", "io", "cards"},
    "phantoms": {"phantoms", "io"},
    "io": {"io"},
    "tiling": {"tiling", "io", "models"},
    "ensembles": {"meta_models", "stacking_files", "metrics"},
    "stacking_files": {"meta_models"},
    "training": {
        *("losses", "metrics", "optimizers", "schedules"),
        *("training_metrics", "training_record"),
    },
    "optimizers": {"engine_tensorflow"},
    "report": {"report", "plots", "tables", "record", "words", "stats", "metrics"},
    "tables": {"tables", "record", "words", "stats", "metrics"},
    "plots": {"plots", "record", "words", "stats", "metrics"},
    "metrics": {"metrics"},
    "stats": {"stats"},
    "explain": {"engine_tensorflow"},
    "record": {"record", "words"},
}
BACKEND = "engine_tensorflow"
NOBODY_IMPORTS = {"cli", "book", "recipes"}
EVERYBODY_MAY_IMPORT = {"files"}  # which imports nothing of the package
ONLY_IN = {
    "tensorflow": {"data/batches.py", "engine_tensorflow.py"},
    "matplotlib": {
        *("plots/figure.py", "plots/comparisons.py", "plots/curves.py", "plots/masks.py"),
        *("plots/measures.py", "plots/pictures.py", "plots/scores.py", "plots/surface.py"),
        *("plots/activation.py", "plots/classification_curves.py", "plots/decisions.py"),
        *("plots/ranking.py", "plots/label_bars.py", "plots/rejection.py"),
        *("plots/slide_panels.py", "plots/slide_scores.py", "plots/slides.py"),
        "report/drawing.py",
    },
    "keras_cv": {"models/encoders.py"},
}
STANDING_ALONE = {"models/blocks.py", "models/pretrained.py"}
# Methods that Keras calls and documents.
KERAS_METHODS = {"build", "call", "get_config", "from_config", "compute_output_shape"}


def package_complaints(folder: Path) -> list[str]:
    """Every complaint about every module of a package folder."""
    complaints = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        complaints += complaints_about(path.read_text(encoding="utf-8"), name)
    return complaints


def complaints_about(source: str, name: str) -> list[str]:
    """Every complaint about one module.

    Args:
        source: its text.
        name: its path inside the package, with slashes: `"io/dicom.py"`.

    Returns:
        Sentences that begin with the module and line.
    """
    tree = ast.parse(source)
    found = [
        f"radiokit/{name}:{line}: {why}"
        for line, target, is_at_top in imported(tree, name)
        for why in _import_complaints(name, target, is_at_top)
    ]
    found += [f"radiokit/{name}:{line}: {why}" for line, why in undocumented(tree)]
    return list(dict.fromkeys(found))  # one statement may import several names


def imported(tree: ast.Module, name: str) -> list[tuple[int, str, bool]]:
    """Line, full name and place (at the top or inside a function) of everything imported."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    return [
        (node.lineno, target, id(node) not in inside)
        for node in ast.walk(tree)
        for target in _targets(node, name)
    ]


def _targets(node: ast.AST, name: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), name)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__"):
        return [_absolute(_computed_name(node), name)]
    return []


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _computed_name(call: ast.Call) -> str:
    """The string given to import_module; of a computed one, the part that is written out."""
    argument = call.args[0] if call.args else next((k.value for k in call.keywords), None)
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if is_text else "?"


def _absolute(target: str, name: str) -> str:
    """`"..losses"` in `"models/unet.py"` is `"radiokit.losses"`."""
    level = len(target) - len(target.lstrip("."))
    if not level:
        return target
    parents = [PACKAGE, *name.split("/")[:-1]]
    kept = parents[: len(parents) - level + 1]
    return ".".join([*kept, target[level:]]).rstrip(".")


def _import_complaints(name: str, target: str, is_at_top: bool) -> list[str]:
    first, *rest = target.split(".")
    if first == "?":
        return ["imports a computed name; write the name out"]
    if first != PACKAGE:
        places = ONLY_IN.get(first, {name})
        return [] if name in places else [f"{first} may be imported only in {sorted(places)}"]
    unit = rest[0] if rest else ""
    if not unit or not _is_module(unit):
        return []  # __version__, shipped_folder
    return _inside_complaints(name, unit, rest, is_at_top)


def _is_module(unit: str) -> bool:
    return unit not in ("shipped_folder", "load_keras_quietly", "__version__")


def _inside_complaints(name: str, unit: str, rest: list[str], is_at_top: bool) -> list[str]:
    importer = name.split("/")[0].removesuffix(".py")
    if unit in NOBODY_IMPORTS and importer not in ("cli", unit):
        return [f"nothing may import {unit}"]
    if importer == "cli":
        return ["cli imports at the top; import inside the command"] if is_at_top else []
    if unit in EVERYBODY_MAY_IMPORT:
        return []
    if importer == "models":
        return _model_complaints(name, unit, rest)
    if unit in ALLOWED.get(importer, set()):
        return []
    return [f"{importer} may not import {unit}"]


def _model_complaints(name: str, unit: str, rest: list[str]) -> list[str]:
    """models/__init__ re-exports models, classifiers names them; the others stand on blocks.

    Those with published weights find them through pretrained; blocks stand on the engine.
    """
    inner = rest[1] if len(rest) > 1 else ""
    if name in ("models/__init__.py", "models/classifiers.py") and unit == "models":
        return []
    if name == "models/blocks.py" and unit == BACKEND:
        return []
    if unit == "models" and inner == "blocks" and name != "models/blocks.py":
        return []
    if unit == "models" and inner == "pretrained" and name not in STANDING_ALONE:
        return []
    return [f"{name} may not import {'.'.join(rest[:2])}; models stand on models.blocks"]


def undocumented(tree: ast.Module) -> list[tuple[int, str]]:
    """Line and name of everything public that has no docstring."""
    found = [] if ast.get_docstring(tree) else [(1, "the module has no docstring")]
    for node, label in _public(tree.body, ""):
        if not ast.get_docstring(node):
            found.append((node.lineno, f"{label} has no docstring"))
    return found


def _public(body: list[ast.stmt], prefix: str) -> list[tuple[ast.AST, str]]:
    found = []
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") or (prefix and node.name in KERAS_METHODS):
            continue
        found.append((node, prefix + node.name))
        if isinstance(node, ast.ClassDef):
            found += _public(node.body, f"{prefix}{node.name}.")
    return found


def third_party(folder: Path) -> set[str]:
    """First names of everything a package imports from elsewhere than Python and itself."""
    names = {
        target.split(".")[0]
        for path in sorted(folder.rglob("*.py"))
        for _, target, _ in imported(ast.parse(path.read_text(encoding="utf-8")), path.name)
    }
    return names - set(sys.stdlib_module_names) - {PACKAGE, "?"}
