"""The `radiokit` command. Imports happen inside the commands, so that `--help` is quick."""

import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from radiokit import __version__, load_keras_quietly, shipped_folder

DISCLAIMER = "For teaching and research. Not a medical device, not for diagnosis."
PHANTOM_SETS = {
    "bodypart": ("mdai", "unifesp"),
    "breast": ("bach", "hashi"),
    "cardiac": ("hvsmr", "acdc"),
    "chest": ("montgomery", "shenzhen", "jsrt", "vindr_ribcxr"),
    "headct": ("rsna_ich",),
}

app = typer.Typer(
    help=f"Radiology deep-learning studies as notebooks. {DISCLAIMER}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Data sets: list them, get them, check a copy.", no_args_is_help=True)
train_app = typer.Typer(help="Train on images of your own.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")


class Scale(StrEnum):
    """How much a notebook computes."""

    quick = "quick"
    full = "full"


class Language(StrEnum):
    """Language of the words in figures and tables."""

    en = "en"
    pt = "pt"
    es = "es"


DataFolder = Annotated[Path, typer.Option("--data", help="Folder with one folder per data set.")]
Words = Annotated[Language, typer.Option("--language", help="Words of figures and tables.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"radiokit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole traceback of an error.")
    ] = False,
) -> None:
    """Options that stand before the command; `main` looks at --debug itself."""


@app.command()
def run(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Numbers, names or paths; none: all of them.")
    ] = None,
    scale: Annotated[Scale, typer.Option(help="quick: minutes. full: as published.")] = Scale.quick,
    data: DataFolder = Path("datasets"),
    language: Words = Language.en,
    out: Annotated[Path, typer.Option(help="Each notebook gets a folder in here.")] = Path(
        "outputs"
    ),
) -> None:
    """Run notebooks and keep their figures, tables and scores."""
    from radiokit import book

    settings = book.RunSettings(scale.value, data, language.value, out)
    runs = [book.run_notebook(path, settings) for path in book.find_notebooks(notebooks)]
    typer.echo(f"\n{book.summary_table(runs)}\n\n{DISCLAIMER}")
    if any(run.error for run in runs):
        raise typer.Exit(1)


@app.command()
def figures(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Numbers or names; none: all that were run.")
    ] = None,
    language: Words = Language.en,
    out: Annotated[Path, typer.Option(help="Where `radiokit run` left its results.")] = Path(
        "outputs"
    ),
) -> None:
    """Draw figures and tables again from a finished run, in another language too."""
    from radiokit import book, report

    names = [path.stem for path in book.find_notebooks(notebooks)]
    folders = [out / name for name in names if (out / name / "metrics.json").is_file()]
    if not folders:
        raise FileNotFoundError(
            f"{out} holds no finished run of {', '.join(names)}. Run it first: radiokit run"
        )
    for folder in folders:
        redrawn = report.redraw(folder, language.value)
        typer.echo(f"{folder}: {len(redrawn.written)} files drawn again")
        for sentence in redrawn.left_out:
            typer.echo(f"  left out: {sentence}")


@app.command()
def notebooks(
    out: Annotated[Path, typer.Option(help="Folder to copy them into.")] = Path("notebooks"),
) -> None:
    """Copy the notebooks into a folder of yours, to read and change."""
    import shutil

    sources = sorted(shipped_folder("notebooks").glob("*.ipynb"))
    present = [source.name for source in sources if (out / source.name).exists()]
    if present:
        raise FileExistsError(
            f"{out} already holds {', '.join(present)}, perhaps with changes of yours. "
            "Choose another folder with --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copyfile(source, out / source.name)
        typer.echo(str(out / source.name))


@app.command()
def phantom(
    study: Annotated[
        str, typer.Argument(help="Name of the study: bodypart, breast, cardiac, chest or headct.")
    ],
    out: Annotated[Path, typer.Option(help="Folder that gets one folder per data set.")],
    patients: Annotated[int, typer.Option(min=1, help="Patients in each data set.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, other patients.")] = 0,
) -> None:
    """Make phantom images in the layout of a study's real data sets."""
    from importlib import import_module

    if study not in PHANTOM_SETS:
        raise ValueError(f"No phantoms for {study!r}. Studies: {', '.join(PHANTOM_SETS)}.")
    phantoms = import_module(f"radiokit.phantoms.{study}")
    for name in PHANTOM_SETS[study]:
        folder = getattr(phantoms, f"make_{name}")(out / name, num_patients=patients, seed=seed)
        typer.echo(f"{name}: {patients} phantom patients in {folder}")


@data_app.command("list")
def list_data(data: DataFolder = Path("datasets")) -> None:
    """Show every data set: study, size, licence, and whether a copy is here."""
    from radiokit import cards

    for card in cards.list_cards():
        copy = cards.find_copy(card.name, data)
        typer.echo(f"{card.name}: {card.title}")
        typer.echo(f"  study {card.study} · {card.modality} · {card.size} · {card.license}")
        typer.echo(f"  {card.url}")
        typer.echo(f"  {'a copy in ' + str(copy) if copy else 'no copy in ' + str(data)}")


@data_app.command("get")
def get_data(
    names: Annotated[list[str], typer.Argument(help="Names from `radiokit data list`.")],
    data: DataFolder = Path("datasets"),
) -> None:
    """Download data sets, or say how to get those that need a registration."""
    from radiokit import cards

    for name in names:
        card = cards.load_card(name)
        folder = cards.fetch(card, data, progress=True)
        missing = cards.check_copy(card, folder)
        _report_copy(name, missing)
        if missing and card.by_hand:
            typer.echo(f"  {card.by_hand}")


@data_app.command("check")
def check_data(
    names: Annotated[list[str] | None, typer.Argument(help="None: every data set.")] = None,
    data: DataFolder = Path("datasets"),
) -> None:
    """Say exactly what is missing from a copy; exit code 1 if anything is."""
    from radiokit import cards

    chosen = [cards.load_card(name) for name in names] if names else cards.list_cards()
    reports = {card.name: _check_card(card, data) for card in chosen}
    for name, missing in reports.items():
        _report_copy(name, missing)
    if any(reports.values()):
        raise typer.Exit(1)


def _report_copy(name: str, missing: list[str]) -> None:
    typer.echo(f"{name}: {'incomplete' if missing else 'complete'}")
    for line in missing:
        typer.echo(f"  {line}")


def _check_card(card, data: Path) -> list[str]:
    from radiokit import cards

    folder = cards.find_copy(card.name, data)
    if folder is None:
        return [f"no copy in {data / card.name}. Get it: radiokit data get {card.name}"]
    return cards.check_copy(card, folder)


@train_app.command("segment")
def train_segment(
    images: Annotated[list[Path], typer.Option(help="Folder of images; repeat for more.")],
    masks: Annotated[list[Path], typer.Option(help="Folder of masks, in the same order.")],
    out: Annotated[Path, typer.Option(help="Folder for the model and its scores.")],
    patients: Annotated[
        list[Path] | None,
        typer.Option(help="CSV of file and patient_id (or group_id), in the same order."),
    ] = None,
    foreground: Annotated[
        list[int] | None, typer.Option(help="Mask value to learn; none: all but 0.")
    ] = None,
    ignore: Annotated[
        list[int] | None, typer.Option(help="Mask value where the truth is unknown.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=32, help="Side of the network's square, pixels.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    mirror: Annotated[
        bool, typer.Option(help="Also learn mirrored images; not for a structure with a side.")
    ] = False,
    color: Annotated[bool, typer.Option(help="Look at red, green and blue, not at grey.")] = False,
    tile: Annotated[
        int | None,
        typer.Option(min=32, help="Side of tiles seen at the images' own resolution, pixels."),
    ] = None,
    turn: Annotated[
        bool, typer.Option(help="Also learn turned images; for tissue, which has no up.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Grey value of a mask from which on it is the structure.")
    ] = None,
    mpp: Annotated[
        float | None, typer.Option(help="Microns per pixel of the images, for slides later on.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images or tiles a step.")] = None,
    test_share: Annotated[
        float | None, typer.Option(min=0.05, max=0.8, help="Share of patients only tested on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.")] = 0,
    split_seed: Annotated[int, typer.Option(help="Of who trains and who is tested.")] = 0,
) -> None:
    """Train a network on images and masks of your own, tested on patients it has not seen."""
    load_keras_quietly()
    from radiokit import recipes

    chosen = {"size": size, "epochs": epochs, "tile": tile, "threshold": threshold}
    chosen |= {"mpp_um": mpp, "batch_size": batch_size, "test_share": test_share}
    chosen |= {"mirror": mirror, "color": color, "turn": turn}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    recipes.train_segmenter(
        images,
        masks,
        out,
        patients=patients or None,
        foreground=foreground or None,
        ignore=tuple(ignore or ()),
        settings=recipes.SegmentSettings(**chosen, seed=seed, split_seed=split_seed),
    )
    typer.echo(DISCLAIMER)


@train_app.command("classify")
def train_classify(
    images: Annotated[
        list[Path], typer.Option(help="Folder of images, repeat for more; or a folder a label.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the model and its scores.")],
    labels: Annotated[
        Path | None, typer.Option(help="CSV: image file, patient_id, then columns of 0 and 1.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Column to learn; none: all columns of 0 and 1.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="densenet (small, the default), densenet121, resnet101, ...")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=32, help="Side of the network's square, pixels.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    members: Annotated[
        int | None, typer.Option(min=1, help="Networks whose answers are averaged.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights of keras.applications, a file, for the network.")
    ] = None,
    window: Annotated[
        list[str] | None, typer.Option(help="Window of CT in DICOM files, a channel each.")
    ] = None,
    mirror: Annotated[
        bool | None,
        typer.Option(help="Also learn mirrored images; by default unless a label names a side."),
    ] = None,
    crop: Annotated[bool, typer.Option(help="Cut away the dark border.")] = True,
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.")] = 0,
    split_seed: Annotated[int, typer.Option(help="Of who trains and who is tested.")] = 0,
) -> None:
    """Train a network on images and labels of your own, tested on patients it has not seen."""
    load_keras_quietly()
    from radiokit import recipes

    chosen = {"network": network, "size": size, "epochs": epochs, "members": members}
    chosen |= {"batch_size": batch_size, "weights": weights, "mirror": mirror}
    chosen |= {"windows": tuple(window) if window else None}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    recipes.train_classifier(
        labels,
        images,
        out,
        names=label or None,
        settings=recipes.ClassifySettings(**chosen, crop=crop, seed=seed, split_seed=split_seed),
    )
    typer.echo(DISCLAIMER)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Folder that `train` wrote.")],
    images: Annotated[Path, typer.Option(help="Folder of images, or of whole slides.")],
    out: Annotated[Path, typer.Option(help="Folder for the predictions.")],
    mpp: Annotated[
        float | None, typer.Option(help="Microns per pixel of the training images, for slides.")
    ] = None,
    slide_mpp: Annotated[
        float | None, typer.Option(help="Microns per pixel of slides that do not say it.")
    ] = None,
) -> None:
    """Predict masks, or labels, for a folder of images; heat maps for whole slides."""
    load_keras_quietly()
    from radiokit import recipes

    table = recipes.predict_folder(model, images, out, mpp, slide_mpp)
    unread = int((table["problem"] != "").sum())
    left_out = f", {unread} of them unreadable" if unread else ""
    typer.echo(f"{len(table)} images{left_out}: {out / 'predictions.csv'}. {DISCLAIMER}")


def main() -> None:
    """Entry of the console script: user errors become one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show "·"
    try:
        app()
    except (ValueError, OSError) as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        sys.exit(_complain(error))


def _complain(error: Exception) -> int:
    reason = " ".join(str(error).split()) or type(error).__name__
    print(f"radiokit: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
