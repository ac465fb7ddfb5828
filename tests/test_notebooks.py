"""Every notebook runs once, by `radiokit run` of the installed wheel; every test reads that run."""

import json
import re
from pathlib import Path

import nbformat
import notebook_gate
import pandas
import pytest
from PIL import Image

from radiokit import __version__, book

CHECKOUT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
STAMPS = ("PHANTOM DATA", "QUICK RUN", "not a clinical result")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def record(book_run, path):
    """Folder of a notebook's record."""
    return book_run.outputs / path.stem


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def names(folder, suffix):
    return sorted(one.stem for one in folder.glob(f"*{suffix}"))


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_body_part",
        "02_breast_wsi",
        "03_head_ct_hemorrhage",
        "04_cardiac_mri",
        "05_chest_xray",
    ]


def test_the_run_succeeds_and_complains_of_nothing(book_run):
    assert book_run.process.returncode == 0, book_run.process.stderr
    assert book_run.process.stderr == ""


def test_the_run_ends_with_one_table_and_the_disclaimer(book_run):
    lines = book_run.process.stdout.strip().splitlines()
    assert "not for diagnosis" in lines[-1]
    table = lines[-2 - len(NOTEBOOKS) - 1 : -2]
    assert table[0].split() == ["notebook", "minutes", "headline", "score", "figures"]
    for path, row in zip(NOTEBOOKS, table[1:], strict=True):
        assert re.match(rf"{path.stem} +\d+\.\d  .*\d\.\d+ \((95 % interval|range) ", row)
        assert row.endswith(str(book_run.outputs / path.stem / "figures"))


@every_notebook
def test_every_group_of_cells_prints_a_line(book_run, path):
    notebook = nbformat.read(path, as_version=4)
    for group in book.cell_groups(notebook):
        pattern = rf"^  {re.escape(group.title)} · {len(group.cells)} cells? · [\d.]+ s$"
        assert re.search(pattern, book_run.process.stdout, flags=re.MULTILINE)


@every_notebook
def test_the_executed_notebook_passes_the_gate(record, path):
    executed = nbformat.read(record / path.name, as_version=4)
    assert notebook_gate.gate(executed) == []


@every_notebook
def test_the_committed_notebook_passes_the_same_gate(path):
    assert notebook_gate.gate(nbformat.read(path, as_version=4)) == []


@every_notebook
def test_the_committed_notebook_is_the_one_that_ran(record, path):
    committed, executed = (nbformat.read(p, as_version=4) for p in (path, record / path.name))
    assert notebook_gate.sources(committed) == notebook_gate.sources(executed)


@every_notebook
def test_long_cells_are_reported_not_refused(path):
    print(path.stem, *notebook_gate.long_cells(nbformat.read(path, as_version=4)), sep="\n  ")


@every_notebook
def test_metrics_say_what_was_run_on_what(record):
    metrics = read_json(record / "metrics.json")
    assert metrics["versions"]["radiokit"] == __version__
    assert {"settings", "versions", "seed", "scores", "headline", "stamp"} <= metrics.keys()
    assert metrics["scale"] == "quick"
    headline = metrics["headline"]
    assert headline["low"] <= headline["estimate"] <= headline["high"]


@every_notebook
def test_a_quick_run_on_phantoms_is_stamped_everywhere(record):
    stamp = read_json(record / "metrics.json")["stamp"]
    assert [part for part in STAMPS if part not in stamp] == []
    tables = [*(record / "tables").glob("*.csv"), *(record / "tables").glob("*.tex")]
    for table in tables:
        text = table.read_text(encoding="utf-8")
        assert [part for part in STAMPS if part not in text] == [], table.name
    for figure in (record / "figures").glob("*.pdf"):  # the PNG is the same drawing
        assert stamp in notebook_gate.pdf_text(figure.read_bytes()), figure.name


@every_notebook
def test_every_figure_is_a_png_of_300_dpi_and_a_pdf(record):
    figures = record / "figures"
    assert names(figures, ".png") == names(figures, ".pdf") != []
    for picture in figures.glob("*.png"):
        with Image.open(picture) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert picture.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


@every_notebook
def test_every_table_is_csv_and_latex(record):
    tables = record / "tables"
    assert names(tables, ".csv") == names(tables, ".tex") != []


@every_notebook
def test_every_case_has_a_row_with_its_patient_split_and_scores(record):
    cases = pandas.read_csv(record / "cases.csv", dtype={"case_id": str, "patient_id": str})
    needed = {"model", "dataset", "case_id", "patient_id", "split", "is_phantom"}
    assert needed <= set(cases.columns)
    assert cases["is_phantom"].all()
    assert cases[sorted(needed)].notna().all(axis=None)
    keys = needed | {"trained_on"} & set(cases.columns)
    assert not cases.duplicated(sorted(keys)).any()


@every_notebook
def test_predicted_masks_are_kept(record):
    cases = pandas.read_csv(record / "cases.csv", nrows=1)
    outlines = any(column.startswith("dice_") for column in cases)
    masks = [*(record / "masks").rglob("*.png"), *(record / "slides").rglob("regions_*.png")]
    assert bool(masks) == outlines
    for mask in masks[:20]:
        with Image.open(mask) as image:
            assert image.mode in ("L", "1", "P")  # P: classes, with their colours as a palette


@every_notebook
def test_nothing_half_written_remains(record):
    assert [one.name for one in record.rglob("*") if one.name.startswith(".")] == []
    assert [one.name for one in record.rglob("*.tmp")] == []


@every_notebook
def test_the_readme_leads_to_every_notebook(path):
    assert f"(notebooks/{path.name})" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def printed_by(book_run, notebook, cell_id):
    """What a cell printed in the run."""
    executed = nbformat.read(book_run.outputs / notebook / f"{notebook}.ipynb", as_version=4)
    (cell,) = [one for one in executed.cells if one["id"] == cell_id]
    return "".join(output.get("text", "") for output in cell["outputs"])


def test_the_networks_of_body_parts_are_tried_on_real_radiographs(book_run, real_data, capsys):
    printed = printed_by(book_run, "01_body_part", "real")
    found = re.findall(r"on \d+ real images of (\w+): sensitivity ([01]\.\d{3}) ", printed)
    assert [label for label, _ in found] == ["Chest", "Hand"] * 3
    assert all(0 <= float(score) <= 1 for _, score in found)
    with capsys.disabled():
        print(f"\n{printed}")


def test_the_outliners_of_blood_are_scored_on_real_slices(book_run, real_data, capsys):
    printed = printed_by(book_run, "03_head_ct_hemorrhage", "real")
    found = re.findall(r"(\w+), trained on phantoms, on 36 real slices: Dice (0\.\d{3}) ", printed)
    assert [model for model, _ in found] == ["segmenter", "multitask"]
    assert all(0 < float(dice) < 1 for _, dice in found)
    with capsys.disabled():
        print(f"\n{printed}")


def test_the_slide_networks_see_real_slides(book_run, real_data, capsys):
    printed = printed_by(book_run, "02_breast_wsi", "real")
    with capsys.disabled():
        print(f"\n{printed}")
    assert printed.count("called lesion") == 2
    assert printed.count("no truth: not a score") == 2
