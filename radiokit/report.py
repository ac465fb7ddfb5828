"""Writing a run's record: cases, masks, metrics, figures and tables, each complete or absent."""

import dataclasses
import hashlib
import importlib.metadata
import io
import json
import os
import platform
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from PIL import Image

from radiokit import __version__, plots
from radiokit.record import (
    attention_path,
    image_path,
    mask_path,
    read_run,
    safe_name,
    truth_path,
)
from radiokit.tables import (
    PUBLISHED_DICE,
    check_case_columns,
    interval_of_row,
    score_agreement,
    score_cases,
    score_table,
    spread_intervals,
    to_latex,
    worst_table,
)
from radiokit.words import Words, read_words

__all__ = [
    "PUBLISHED_DICE",
    "RADIOLOGICAL_DATASETS",
    "Record",
    "Redrawn",
    "interval_of_row",
    "redraw",
    "save_figure",
    "save_table",
    "score_agreement",
    "score_cases",
    "score_table",
    "start_record",
    "write_attention",
    "write_cases",
    "write_images",
    "write_masks",
    "write_metrics",
]

# Public chest sets whose films are stored in radiological convention: the image's left is the
# patient's right. Of anybody else's files nothing is known, and no side is marked.
RADIOLOGICAL_DATASETS = {"montgomery", "shenzhen", "jsrt", "vindr_ribcxr"}

_VERSIONS = ("keras", "tensorflow", "numpy", "pandas", "scipy", "matplotlib")


@dataclass(frozen=True)
class Record:
    """Where one run writes, and what it must say about itself.

    Attributes:
        folder: `<out>/<notebook>`.
        language: of the figures and tables written during the run.
        metrics: what `metrics.json` says so far.
    """

    folder: Path
    language: str
    metrics: dict

    @property
    def words(self) -> Words:
        """The words of the run's language."""
        return read_words(self.language)

    @property
    def stamp(self) -> str:
        """The stamp of every figure and table; empty for a full run on real data."""
        return self.words.stamp(self.metrics["is_phantom"], self.metrics["scale"])


@dataclass(frozen=True)
class Redrawn:
    """What `redraw` did.

    Attributes:
        written: the files.
        left_out: a sentence for each figure or table the record does not allow, and why.
    """

    written: list[Path]
    left_out: list[str]


def start_record(notebook, table, scale, seed, settings, out=None, language="en") -> Record:
    """Open the record of a run and write what is known before training.

    When to use: once, after the case table is made. An older record in the folder keeps its
    files until they are written again, but its scores are gone.

    Args:
        notebook: name of the run, the folder's name: `"05_chest_xray"`.
        table: case table of all images used; `is_phantom` must be the same in every row.
        scale: `"quick"` or `"full"`.
        seed: the run's seed.
        settings: dict of what else was chosen (epochs, image size…); written as it is.
        out: folder of all records, `outputs` by default.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Record`.

    Raises:
        ValueError: phantom and real rows in one table, or a scale or language unknown; a full
            run on real data lies in the folder, which a lesser run must not replace.
        OSError: the folder cannot be written to.
    """
    if scale not in ("quick", "full"):
        raise ValueError(f'The scale is {scale!r}; it must be "quick" or "full".')
    metrics = {
        "notebook": notebook,
        "language": language,
        "scale": scale,
        "is_phantom": _is_phantom(table),
        "seed": seed,
        "settings": dict(settings),
        "versions": _read_versions(),
        "data": _identify_data(table),
        "orientation": _orientation(table),
        "scores": [],
        "headline": None,
    }
    started = Record(Path(out or "outputs") / notebook, language, metrics)
    metrics["stamp"] = started.stamp
    _protect_full_run(started)
    _write_json(started.folder / "metrics.json", metrics)
    return started


def write_cases(record, frame) -> Path:
    """Write `cases.csv`: a row for every model and case, its scores in columns.

    When to use: after prediction, once, with all models together.

    Args:
        record: the `Record`.
        frame: columns `model, case_id, patient_id, split`, then `dice_<structure>`,
            `hd95_mm_<structure>` or `hd95_px_<structure>` (NaN where a case has no truth of the
            structure), `dataset`, and `trained_on` for domain-shift trainings only.

    Returns:
        The file.

    Raises:
        ValueError: a column is missing.
        OSError: the folder cannot be written to.
    """
    check_case_columns(frame)
    frame = frame.assign(is_phantom=record.metrics["is_phantom"], stamp=record.stamp)
    path = record.folder / "cases.csv"
    _write_bytes(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    return path


def write_images(record, case_id, image, truth=None) -> None:
    """Keep the radiograph of a case and its true masks, for the figures.

    When to use: for every case whose picture a figure may show (test cases at least).

    Args:
        record: the `Record`.
        case_id: as in `cases.csv`.
        image: (H, W) or (H, W, 1), float in 0..1.
        truth: dict of structure to (H, W) mask; -1 and 0 are outside. None: no truth.
    """
    _write_grey(image_path(record.folder, case_id), np.asarray(image, float))
    for structure, mask in (truth or {}).items():
        path = truth_path(record.folder, case_id, structure)
        _write_grey(path, np.asarray(mask) > 0)


def write_masks(record, model, case_id, masks) -> None:
    """Keep the masks a model predicted for a case.

    When to use: beside `write_images`, for every model.

    Args:
        record: the `Record`.
        model: as in `cases.csv`.
        case_id: as in `cases.csv`.
        masks: dict of structure to (H, W) bool array.
    """
    for structure, mask in masks.items():
        path = mask_path(record.folder, model, case_id, structure)
        _write_grey(path, np.asarray(mask) > 0)


def write_attention(record, model, case_id, maps) -> None:
    """Keep the attention maps of a case.

    When to use: for the one or two cases shown.

    Args:
        record: the `Record`.
        model: as in `cases.csv`.
        case_id: as in `cases.csv`.
        maps: dict of layer name to (h, w) float in 0..1, of any size.
    """
    for layer, attention in maps.items():
        path = attention_path(record.folder, model, case_id, layer)
        _write_grey(path, np.asarray(attention, float))


def write_metrics(record, scores, headline, agreement=None, published=None) -> Path:
    """Complete `metrics.json` with the scores.

    When to use: once, when all scores are known.

    Args:
        record: the `Record`.
        scores: rows as `score_cases` makes them.
        headline: `(name, Interval)`, the one score to print for the whole run.
        agreement: rows as `score_agreement` makes them.
        published: model to structure to Dice, such as `PUBLISHED_DICE`.

    Returns:
        The file.

    Raises:
        OSError: the folder cannot be written to.
    """
    name, interval = headline
    complete = record.metrics | {
        "scores": scores.to_dict("records"),
        "headline": {"name": name, **dataclasses.asdict(interval)},
        "agreement": [] if agreement is None else agreement.to_dict("records"),
        "published": published or {},
    }
    _write_json(record.folder / "metrics.json", complete)
    return record.folder / "metrics.json"


def save_figure(record, name, figure) -> list[Path]:
    """Write a figure as PNG at 300 dpi and as PDF, stamped.

    When to use: for every figure worth keeping.

    Args:
        record: the `Record`.
        name: file name without ending.
        figure: a Matplotlib figure; the stamp is added where it is missing.

    Returns:
        The two files, under `figures/`.

    Raises:
        OSError: the folder cannot be written to.
    """
    is_foreign = plots.stamp_figure(figure, record.stamp) or figure.get_layout_engine() is None
    paths = [record.folder / "figures" / f"{name}.{ending}" for ending in ("png", "pdf")]
    cut = "tight" if is_foreign else None  # ours leave room by themselves; cutting draws twice
    for path in paths:
        content = io.BytesIO()
        with matplotlib.rc_context({"pdf.fonttype": 42}):  # letters stay letters in the PDF
            figure.savefig(content, format=path.suffix[1:], dpi=300, bbox_inches=cut)
        _write_bytes(path, content.getvalue())
    return paths


def save_table(record, name, frame, caption) -> list[Path]:
    """Write a table as CSV (decimal points) and as LaTeX (the language's numbers), stamped.

    When to use: for every table worth keeping.

    Args:
        record: the `Record`.
        name: file name without ending.
        frame: cells are text, numbers or `stats.Interval`; an interval becomes one cell in
            LaTeX and six columns in the CSV.
        caption: a sentence above the LaTeX table.

    Returns:
        The two files, under `tables/`.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = record.folder / "tables"
    plain = spread_intervals(frame).assign(stamp=record.stamp)
    _write_bytes(
        folder / f"{name}.csv", plain.to_csv(index=False, lineterminator="\n").encode("utf-8")
    )
    text = to_latex(frame, caption, name, record.words, record.stamp)
    _write_bytes(folder / f"{name}.tex", text.encode("utf-8"))
    return [folder / f"{name}.csv", folder / f"{name}.tex"]


def redraw(folder, language="en") -> Redrawn:
    """Draw every figure and table of a record again, without training.

    When to use: at the end of a run; later in another language, or after a change of the plots.
    In the run's own language the files are replaced; in another they carry it in their names,
    as in `scores_pt.png`.

    Args:
        folder: the run's record.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Redrawn`: the files written, and what was left out and why.

    Raises:
        FileNotFoundError: the folder holds no record.
        OSError: the folder cannot be written to.
    """
    run = read_run(folder, language)
    record = Record(run.folder, language, run.metrics)
    ending = "" if language == run.metrics["language"] else f"_{language}"
    written, left_out = [], []
    for name, draw in _list_figures(run).items():
        try:
            written += save_figure(record, name + ending, draw())
        except (FileNotFoundError, ValueError) as error:
            left_out.append(f"figure {name}: {error}")
    for name, make in _list_tables(run).items():
        try:
            written += save_table(record, name + ending, *make())
        except (FileNotFoundError, ValueError) as error:
            left_out.append(f"table {name}: {error}")
    return Redrawn(written, left_out)


def _list_figures(run):
    """Name of each figure of a record, and the function without arguments that draws it."""
    place = (run.folder, run.words.language)
    figures = {
        "learning_curves": partial(plots.plot_learning_curves, *place),
        "scores": partial(plots.plot_scores, *place),
        "worst_cases": partial(plots.plot_worst_cases, *place),
        "attention": partial(plots.plot_attention, *place),
        "final_figure": partial(plots.plot_final_figure, *place),
    }
    for number, models in enumerate(_model_groups(run), 1):
        name = "overlays" if number == 1 else f"overlays_{number}"
        figures[name] = partial(plots.plot_overlays, *place, models)
    for quantity in _kinds(run.metrics.get("agreement"), "quantity"):
        figures[f"agreement_{quantity}"] = partial(plots.plot_agreement, *place, quantity)
    for metric in _kinds(run.metrics["scores"], "metric"):
        if metric != "dice":
            figures[f"scores_{metric}"] = partial(plots.plot_scores, *place, metric)
    shifted = [row for row in run.metrics["scores"] if row.get("trained_on")]
    for structure in _kinds(shifted, "structure"):
        name = f"domain_shift_{structure}"
        figures[name] = partial(plots.plot_domain_shift, *place, structure)
    return figures


def _list_tables(run):
    """Name of each table, and the function that makes its frame and caption."""

    def scores(metric):
        values = {
            "metric": run.words.name("metrics", metric),
            "split": run.words.name("splits", "test"),
        }
        return score_table(run.folder, metric), run.words.text("tables", "scores", values)

    tables = {"worst_cases": lambda: worst_table(run)}
    for metric in _kinds(run.metrics["scores"], "metric") or ["dice"]:
        name = "scores" if metric == "dice" else f"scores_{metric}"
        tables[name] = partial(scores, metric)
    return tables


def _model_groups(run, size=4):
    """The models with kept masks, four at a time; one empty group (all) when there is none."""
    if not (run.folder / "cases.csv").is_file():
        return [None]
    models = [
        model
        for model in dict.fromkeys(run.cases()["model"])
        if (run.folder / "masks" / safe_name(model)).is_dir()
    ]
    return [models[start : start + size] for start in range(0, len(models), size)] or [None]


def _kinds(rows, key):
    return list(dict.fromkeys(row[key] for row in rows or []))


def _is_phantom(table):
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


def _identify_data(table):
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


def _orientation(table):
    known = "dataset" in table and set(table["dataset"]) <= RADIOLOGICAL_DATASETS
    return "radiological" if known else None


def _read_versions():
    versions = {"radiokit": __version__, "python": platform.python_version()}
    versions["platform"] = platform.platform()
    for package in _VERSIONS:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _protect_full_run(record):
    path = record.folder / "metrics.json"
    if not record.stamp or not path.is_file():
        return
    older = json.loads(path.read_text(encoding="utf-8"))
    if older["scale"] == "full" and not older["is_phantom"] and older["scores"]:
        raise ValueError(
            f"{record.folder} holds a full run on real data, which this stamped run would "
            "replace. Choose another output folder, or move the old one away first."
        )


def _write_json(path, content):
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    _write_bytes(path, (text + "\n").encode("utf-8"))


def _plain(value):
    """What JSON can hold: NaN becomes null, NumPy numbers and paths become plain ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _write_grey(path, pixels):
    """Write pixels in 0..1 as an 8-bit grey PNG."""
    pixels = pixels.reshape(pixels.shape[:2])
    grey = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(grey).save(content, format="PNG")
    _write_bytes(path, content.getvalue())


def _write_bytes(path, content):
    """Write a file complete or not at all, with an error that says what to do."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial_path.write_bytes(content)
        os.replace(partial_path, path)
    except OSError as error:
        partial_path.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise OSError(
            f"Cannot write {path}: {error.strerror or error}. Choose another output folder, or "
            "free space and rights in this one."
        ) from error
