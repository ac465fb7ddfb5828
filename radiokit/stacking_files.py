"""A stacking as a JSON file: numbers alone, each checked before it is believed."""

import json
import math
from dataclasses import asdict, fields
from pathlib import Path

from radiokit.files import write_text_whole
from radiokit.meta_models import METHODS, MetaModel, Tree

FORMAT = "radiokit stacking 1"


def write_meta_models(path: Path | str, method: str, num_networks: int, models) -> Path:
    """Write the meta-models of a stacking.

    When to use: through `radiokit.ensembles.save_stacking`.

    Args:
        path: where to; an existing file is replaced.
        method: `"logistic"` or `"xgboost"`.
        num_networks: M.
        models: a `MetaModel` a label.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    content = {
        "format": FORMAT,
        "method": method,
        "num_networks": num_networks,
        "models": [asdict(model) for model in models],
    }
    return write_text_whole(path, json.dumps(content, allow_nan=False) + "\n")


def read_meta_models(path: Path | str) -> tuple[str, int, tuple[MetaModel, ...]]:
    """Read and check what `write_meta_models` wrote.

    When to use: through `radiokit.ensembles.load_stacking`.

    Args:
        path: the JSON file.

    Returns:
        Method, number of networks, and a `MetaModel` a label.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is something else, or a number in it cannot be right.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Write one with save_stacking.")
    try:
        content = json.loads(path.read_bytes())
        return _read_stacking(content)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path.name} is no stacking of radiokit ({type(error).__name__}: {error}). "
            "Give a file that save_stacking wrote."
        ) from error


def _read_stacking(content):
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    method, num_networks = content["method"], content["num_networks"]
    if method not in METHODS or not _are_whole([num_networks], 1, math.inf):
        raise ValueError(f"method {method!r} of {num_networks!r} networks")
    models = tuple(_read_model(model, method, num_networks) for model in content["models"])
    if not models:
        raise ValueError("it has no label")
    return method, num_networks, models


def _read_model(content, method, num_networks):
    model = MetaModel(
        content["kind"],
        tuple(content["coefficients"]),
        content["intercept"],
        tuple(_read_tree(tree, num_networks) for tree in content["trees"]),
    )
    num_numbers, has_trees = len(model.coefficients), len(model.trees) > 0
    is_whole = {
        "mean": num_numbers == 0 and not has_trees,
        "logistic": num_numbers == num_networks and not has_trees,
        "xgboost": num_numbers == 0 and has_trees,
    }
    if model.kind not in ("mean", method) or not is_whole[model.kind]:
        raise ValueError(
            f"a label's {model.kind!r} has {num_numbers} coefficients and {len(model.trees)} trees"
        )
    _check_finite([*model.coefficients, model.intercept])
    return model


def _read_tree(content, num_networks):
    tree = Tree(**{field.name: tuple(content[field.name]) for field in fields(Tree)})
    num_nodes = len(tree.value)
    if not num_nodes or any(len(getattr(tree, field.name)) != num_nodes for field in fields(Tree)):
        raise ValueError("a tree's lists differ in length")
    _check_finite([*tree.threshold, *tree.value])
    goes_on = all(
        _are_whole([left, right], node + 1, num_nodes) or left == right == node
        for node, (left, right) in enumerate(zip(tree.left, tree.right, strict=True))
    )  # never back, so that a walk ends
    if not goes_on or not _are_whole(tree.network, 0, num_networks):
        raise ValueError("a tree leads to a node or network that does not exist")
    return tree


def _are_whole(numbers, lowest, above):
    return all(type(number) is int and lowest <= number < above for number in numbers)


def _check_finite(numbers):
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        raise ValueError("a number in it is none, or infinite")
