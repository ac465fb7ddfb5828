"""A phantom's folder: whole under its name or absent, with a `PHANTOM.toml` that says how made."""

import json
import multiprocessing
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2

FEW = 4  # patients for whom no other process is started
VERSION = 1  # raise it when the same seed begins to give other files


def build_phantom(
    root: Path | str,
    dataset: str,
    num_patients: int,
    seed: int,
    write: Callable,
    settings: dict | None = None,
) -> Path:
    """Make a phantom in a hidden sibling of `root`, then rename it; nothing half-written remains.

    Args:
        root: folder to make; what stands there is replaced only if it is the same phantom.
        dataset: name of its card.
        num_patients: at least 1.
        seed: of everything random.
        write: called as `write(folder, num_patients, seed)`.
        settings: what else decides what is written, such as a slide's size: name → number, string
            or list of such. With other settings it is another phantom.

    Returns:
        `root` as a path. A complete copy with the same arguments is left as it is.

    Raises:
        ValueError: fewer than one patient.
        FileExistsError: `root` holds something that is not this phantom.
        OSError: the folder around `root` cannot be written.
    """
    if num_patients < 1:
        raise ValueError(f"num_patients is {num_patients}; a phantom needs at least 1 patient.")
    root = Path(root)
    wanted = {
        "dataset": dataset,
        "version": VERSION,
        "seed": int(seed),
        "num_patients": int(num_patients),
        **(settings or {}),
    }
    if _is_complete(root, wanted):
        return root
    unfinished = _open_sibling(root)
    try:
        write(unfinished, num_patients, seed)
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in wanted.items()]
        (unfinished / "PHANTOM.toml").write_text("".join(lines), encoding="utf-8")
        if root.exists():
            shutil.rmtree(root)
        os.replace(unfinished, root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def in_processes(write: Callable, num_patients: int) -> list:
    """Call a function with every patient's number, on all cores.

    Args:
        write: called as `write(index)`; it can be pickled.
        num_patients: how many.

    Returns:
        What it returned, in the order of the patients.
    """
    workers = min(os.cpu_count() or 1, num_patients // 2)
    if num_patients > FEW and workers > 1:
        spawn = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(workers, spawn, cv2.setNumThreads, (1,)) as pool:
                return list(pool.map(write, range(num_patients)))
        except BrokenProcessPool:  # a script without `if __name__ == "__main__"`, or no memory
            pass
    return [write(index) for index in range(num_patients)]


def _is_complete(root: Path, wanted: dict) -> bool:
    """True if `root` is this very phantom; raises if replacing it would lose anything else."""
    note = root / "PHANTOM.toml"
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    found = tomllib.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    if found.get("dataset") != wanted["dataset"]:
        raise FileExistsError(
            f"{root} already holds something other than the {wanted['dataset']} phantom, and it "
            "will not be overwritten. Give another folder, or move that one away."
        )
    return all(found.get(key) == value for key, value in wanted.items())


def _open_sibling(root: Path) -> Path:
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{root.name}-unfinished-", dir=root.parent))
    except OSError as error:
        raise OSError(
            f"Cannot write the phantom into {root.parent}: {error.strerror}. "
            "Give a folder that you may write to."
        ) from error
