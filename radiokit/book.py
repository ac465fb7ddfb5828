"""Runs the notebooks from the first cell to the last and keeps what they show.

A notebook runs in a fresh kernel of this very interpreter, in its own folder under `outputs/`, so
that it never depends on the folder you stand in or on kernels installed elsewhere.
"""

import contextlib
import json
import os
import re
import site
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from radiokit import shipped_folder
from radiokit.files import write_text_whole

SCALES = ("quick", "full")
LANGUAGES = ("en", "pt", "es")
TRACEBACK_LINES = 12


@dataclass(frozen=True)
class RunSettings:
    """What a run may choose; the first code cell of every notebook reads it.

    Args:
        scale: `"quick"` (minutes on a laptop) or `"full"` (the study's own size).
        data: folder with one folder per data set.
        language: `"en"`, `"pt"` or `"es"`: the words of figures and tables.
        out: folder under which every notebook gets its own folder.

    Raises:
        ValueError: a scale or language that does not exist.
    """

    scale: str = "quick"
    data: Path = Path("datasets")
    language: str = "en"
    out: Path = Path("outputs")

    def __post_init__(self) -> None:
        for given, known, what in (
            (self.scale, SCALES, "scale"),
            (self.language, LANGUAGES, "language"),
        ):
            if given not in known:
                raise ValueError(f"No {what} {given!r}. Choose one of: {', '.join(known)}.")


@dataclass(frozen=True)
class NotebookRun:
    """What came of one notebook.

    Args:
        name: the notebook's name without `.ipynb`.
        minutes: wall-clock time.
        headline: the score to remember, with its interval; empty if there is none.
        folder: where the executed notebook, figures and tables lie.
        error: why it stopped; None when it ran to the end.
    """

    name: str
    minutes: float
    headline: str
    folder: Path
    error: str | None = None


@dataclass(frozen=True)
class CellGroup:
    """The code cells between two level-2 headings.

    Args:
        title: text of the heading.
        cells: positions in the notebook, counted from 0.
    """

    title: str
    cells: tuple[int, ...]


class NotebookError(RuntimeError):
    """A cell failed or the kernel died; the message is for the reader."""


def find_notebooks(names: list[str] | None = None) -> list[Path]:
    """Files of the notebooks asked for, in that order.

    Args:
        names: numbers (`"05"`), names (`"05_chest_xray"`) or paths; None or empty: all of them,
            in the order of the book.

    Returns:
        Existing `.ipynb` files, none twice.

    Raises:
        ValueError: no notebook has that name; the message lists those there are.
    """
    shipped = sorted(shipped_folder("notebooks").glob("*.ipynb"))
    if not names:
        if not shipped:
            raise ValueError(f"There are no notebooks in {shipped_folder('notebooks')}.")
        return shipped
    return list(dict.fromkeys(_find_notebook(name, shipped) for name in names))


def _find_notebook(name: str, shipped: list[Path]) -> Path:
    for path in shipped:
        number = path.stem.split("_")[0]
        if name in (path.stem, path.name, number) or name.zfill(2) == number:
            return path
    given = Path(name)
    if given.suffix == ".ipynb" and given.is_file():
        return given.resolve()
    known = ", ".join(path.stem for path in shipped) or "none"
    raise ValueError(
        f"There is no notebook {name!r}. Notebooks: {known}. "
        "Give a number, a name, or the path of an .ipynb file."
    )


def run_notebook(path: Path, settings: RunSettings) -> NotebookRun:
    """Execute one notebook in a fresh kernel and save it, finished or not.

    Prints a progress bar over the cells (on a terminal) and a line per finished group of cells.
    The executed notebook is `<out>/<name>/<name>.ipynb`.

    Args:
        path: an `.ipynb` file; it is not changed.
        settings: scale, data, language and output folder.

    Returns:
        The result; a failure is in its `error`, never raised.

    Raises:
        OSError: the output folder can't be written.
    """
    import nbformat

    folder = _writable_folder(settings.out.resolve() / path.stem)
    _say(f"{path.stem} ({settings.scale} scale)")
    started, before = time.monotonic(), _time_changed(folder / "metrics.json")
    headline, error = "", None
    try:
        notebook = nbformat.read(path, as_version=4)
        _execute(notebook, path.stem, settings, folder)
        if _time_changed(folder / "metrics.json") != before:
            headline = read_headline(folder)
    except (RuntimeError, ValueError) as failure:  # a cell, the kernel, or the file itself
        error = f"{path.stem}: {failure}"
        print(f"  FAILED {error}", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - started) / 60
    return NotebookRun(path.stem, minutes, headline, folder, error)


def _writable_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"Cannot write to {folder}: {error.strerror}. "
            "Choose another folder with --out, or free the space or rights it needs."
        ) from error
    return folder


def _time_changed(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _execute(notebook, name: str, settings: RunSettings, folder: Path) -> None:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from tqdm import tqdm

    _clear_outputs(notebook)
    # Without kernel folders the only kernel left is the one of this interpreter.
    manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(notebook, km=manager, startup_timeout=300, record_timing=False)
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]  # the kernel's own start-up notes
    client.owns_km = True  # so that the kernel is shut down when the notebook ends
    groups = cell_groups(notebook)
    environment = kernel_environment(settings)
    num_cells = sum(len(group.cells) for group in groups)
    with (
        warnings.catch_warnings(),
        tqdm(total=num_cells, desc=name, unit="cell", disable=None, leave=False) as bar,
    ):
        # Windows: pyzmq falls back to a thread of its own and says so.
        warnings.filterwarnings("ignore", message="Proactor event loop", category=RuntimeWarning)
        try:
            with (
                _kernel_log(folder) as log,
                client.setup_kernel(cwd=str(folder), env=environment, stderr=log),
            ):
                for group in groups:
                    _execute_group(client, group, bar)
                client.set_widgets_metadata()
        finally:
            save_notebook(notebook, folder / f"{name}.ipynb")


@contextlib.contextmanager
def _kernel_log(folder: Path):
    """Where the kernel's own lines go, TensorFlow's start-up notes among them; kept on failure."""
    path = folder / "kernel.log"
    with path.open("wb") as log:
        yield log
    path.unlink()


def _execute_group(client, group: CellGroup, bar) -> None:
    started = time.monotonic()
    for index in group.cells:
        _execute_cell(client, index)
        bar.update()
    count = f"{len(group.cells)} cell{'s' if len(group.cells) > 1 else ''}"
    _say(f"  {group.title} · {count} · {time.monotonic() - started:.1f} s")


def _execute_cell(client, index: int) -> None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    cell = client.nb.cells[index]
    where = f"cell {index + 1} of {len(client.nb.cells)} ({cell.get('id', 'no id')})"
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        raise NotebookError(
            f"{where}: {error.ename}: {error.evalue}\n{_short_traceback(cell)}"
        ) from error
    except DeadKernelError as error:
        raise NotebookError(
            f"{where}: the kernel died, most often because the computer ran out of memory. "
            "Close other programs, or run at quick scale (--scale quick). Its last words are in "
            "kernel.log beside the notebook."
        ) from error


def _short_traceback(cell) -> str:
    lines = [
        line
        for output in cell.outputs
        if output.output_type == "error"
        for line in "\n".join(output.traceback).splitlines()
    ]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    return "\n".join(f"    {line}" for line in plain[-TRACEBACK_LINES:])


def _clear_outputs(notebook) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def cell_groups(notebook) -> list[CellGroup]:
    """Code cells of a notebook by level-2 heading; headings without code are left out.

    Args:
        notebook: an nbformat 4 notebook.

    Returns:
        One group per heading, in order; cells before the first one are called "Start".
    """
    groups: list[tuple[str, list[int]]] = [("Start", [])]
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            groups += [(title, []) for title in _headings(cell.source)]
        elif cell.cell_type == "code" and cell.source.strip():
            groups[-1][1].append(index)
    return [CellGroup(title, tuple(cells)) for title, cells in groups if cells]


def _headings(markdown: str) -> list[str]:
    without_code = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## +(.+?)\s*$", without_code, flags=re.MULTILINE)


def kernel_environment(settings: RunSettings) -> dict[str, str]:
    """Environment variables of the kernel: the run's settings, and TensorFlow kept quiet.

    Args:
        settings: scale, data, language and output folder; folders become absolute.

    Returns:
        The present environment with these changes.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
    package_folder = Path(__file__).resolve().parent.parent
    paths = [os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    if str(package_folder) not in [*site.getsitepackages(), site.getusersitepackages()]:
        paths.insert(0, str(package_folder))  # a checkout that is not installed
    return {
        **quiet,
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONUTF8": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "RADIOKIT_SCALE": settings.scale,
        "RADIOKIT_DATA": str(settings.data.resolve()),
        "RADIOKIT_LANGUAGE": settings.language,
        "RADIOKIT_OUT": str(settings.out.resolve()),
    }


def save_notebook(notebook, path: Path) -> None:
    """Write a notebook; the file is complete or not there.

    Args:
        notebook: an nbformat 4 notebook.
        path: file to write; folders are made as needed.

    Raises:
        OSError: it cannot be written.
    """
    import nbformat

    write_text_whole(path, nbformat.writes(notebook) + "\n")


def read_headline(folder: Path) -> str:
    """The score to remember of a run, in words, from `metrics.json`.

    Args:
        folder: a run's record, `outputs/<notebook>`.

    Returns:
        For instance `"Dice of lungs 0.953 (95 % interval 0.941 to 0.962)"`; empty if there is none.
    """
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    headline = metrics.get("headline")
    if not headline:
        return ""
    kind = "range" if headline.get("kind") == "range" else "95 % interval"
    score = f"{headline['name']} {headline['estimate']:.3f}"
    if headline.get("low") is None:
        return score
    return f"{score} ({kind} {headline['low']:.3f} to {headline['high']:.3f})"


def summary_table(runs: list[NotebookRun]) -> str:
    """One plain-text table of a whole run.

    Args:
        runs: results of `run_notebook`.

    Returns:
        Lines of notebook, minutes, headline score and where the figures lie.
    """
    head = ("notebook", "minutes", "headline score", "figures")
    rows = [head] + [
        (
            run.name,
            f"{run.minutes:.1f}",
            "FAILED" if run.error else run.headline or "none",
            str(run.folder / "figures"),
        )
        for run in runs
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    padded = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _say(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
