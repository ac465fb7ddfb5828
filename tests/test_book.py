"""Notebooks are found, executed, grouped, saved and summed up."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from radiokit import book, shipped_folder


def notebook_of(*cells):
    """A notebook of code strings; those that begin with # are Markdown."""
    return new_notebook(
        cells=[
            new_markdown_cell(text) if text.startswith("#") else new_code_cell(text)
            for text in cells
        ]
    )


def run(tmp_path, *cells, **settings):
    path = tmp_path / "07_try.ipynb"
    nbformat.write(notebook_of(*cells), path)
    return book.run_notebook(path, book.RunSettings(out=tmp_path / "out", **settings))


def executed(result):
    return nbformat.read(result.folder / f"{result.name}.ipynb", as_version=4)


def test_a_notebook_gets_its_settings_and_a_folder_of_its_own(tmp_path, capsys):
    code = (
        "import os, sys, json, pathlib, radiokit\n"
        "seen = {k: v for k, v in os.environ.items() if k.startswith(('RADIOKIT', 'TF_CPP'))}\n"
        "seen |= {'cwd': os.getcwd(), 'python': sys.executable}\n"
        "pathlib.Path('seen.json').write_text(json.dumps(seen))"
    )
    data = tmp_path / "films"
    result = run(tmp_path, "# Title", "## Look", code, scale="full", language="pt", data=data)
    assert result.error is None
    assert result.name == "07_try"
    assert 0 < result.minutes < 5
    seen = json.loads((result.folder / "seen.json").read_text(encoding="utf-8"))
    assert Path(seen["cwd"]).samefile(tmp_path / "out" / "07_try")
    assert Path(seen["python"]).samefile(__import__("sys").executable)
    assert seen["RADIOKIT_SCALE"] == "full"
    assert seen["RADIOKIT_LANGUAGE"] == "pt"
    assert seen["RADIOKIT_DATA"] == str(data)
    assert seen["RADIOKIT_OUT"] == str(tmp_path / "out")
    assert seen["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert "  Look · 1 cell · " in capsys.readouterr().out


def test_a_failing_cell_is_named_and_what_ran_is_kept(tmp_path, capsys):
    result = run(tmp_path, "## One", "print('before')", "raise KeyError('heart')", "print('after')")
    assert result.error.startswith("07_try: cell 3 of 4 (")
    assert "KeyError: 'heart'" in result.error
    assert "\x1b" not in result.error
    assert result.error.count("\n") <= book.TRACEBACK_LINES
    assert "FAILED 07_try: cell 3 of 4" in capsys.readouterr().err
    cells = executed(result).cells
    assert cells[1].outputs[0].text == "before\n"
    assert cells[2].outputs[0].ename == "KeyError"
    assert cells[3].outputs == []


def test_the_headline_comes_from_this_run_only(tmp_path):
    written = {"headline": {"name": "Dice", "estimate": 0.9, "low": 0.8, "high": 1, "kind": "x"}}
    write = f"open('metrics.json', 'w').write({json.dumps(written)!r})"
    assert run(tmp_path, write).headline == "Dice 0.900 (95 % interval 0.800 to 1.000)"
    assert run(tmp_path, "1").headline == ""
    assert run(tmp_path, write, "1 / 0").headline == ""


def test_a_kernel_that_dies_is_explained(tmp_path):
    result = run(tmp_path, "import os", "os._exit(9)")
    assert "cell 2 of 2" in result.error
    assert "ran out of memory" in result.error
    assert executed(result).cells[0].execution_count == 1


def test_old_outputs_never_survive_a_run_that_stops_before_them(tmp_path):
    notebook = notebook_of("1 / 0", "2")
    notebook.cells[1].outputs = [new_output("stream", text="from last year")]
    notebook.cells[1].execution_count = 5
    path = tmp_path / "a.ipynb"
    nbformat.write(notebook, path)
    result = book.run_notebook(path, book.RunSettings(out=tmp_path))
    assert executed(result).cells[1].outputs == []
    assert executed(result).cells[1].execution_count is None


def test_a_file_that_is_no_notebook_fails_like_a_notebook(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text("not json", encoding="utf-8")
    result = book.run_notebook(path, book.RunSettings(out=tmp_path / "out"))
    assert result.error.startswith("broken: ")


def test_saved_notebooks_replace_and_leave_nothing_beside(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("old", encoding="utf-8")
    book.save_notebook(notebook_of("## Café · 5 %", "1"), path)
    assert nbformat.read(path, as_version=4).cells[0].source == "## Café · 5 %"
    assert [one.name for one in tmp_path.iterdir()] == ["a.ipynb"]


def test_an_output_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / "a.ipynb"
    nbformat.write(notebook_of("1"), path)
    with pytest.raises(OSError, match=r"Cannot write to .*a: .*--out"):
        book.run_notebook(path, book.RunSettings(out=tmp_path / "file"))


@pytest.mark.parametrize(("field", "value"), [("scale", "huge"), ("language", "de")])
def test_settings_that_do_not_exist_are_refused(field, value):
    with pytest.raises(ValueError, match=f"No {field} '{value}'. Choose one of: "):
        book.RunSettings(**{field: value})


def test_groups_go_from_one_level_2_heading_to_the_next():
    notebook = notebook_of(
        "# Title", "a", "## One", "b", "### part", "c", "## Words only", "## Two  ", "", "d"
    )
    assert book.cell_groups(notebook) == [
        book.CellGroup("Start", (1,)),
        book.CellGroup("One", (3, 5)),
        book.CellGroup("Two", (9,)),
    ]


def test_headings_inside_code_fences_are_text():
    notebook = notebook_of("# Title\n```\n## not a heading\n```\n## Heading", "a")
    assert book.cell_groups(notebook) == [book.CellGroup("Heading", (1,))]


def test_a_path_is_a_name_too(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text("{}", encoding="utf-8")
    assert book.find_notebooks([str(path), str(path)]) == [path]


def test_numbers_and_names_find_shipped_notebooks():
    (chest,) = shipped_folder("notebooks").glob("05_*.ipynb")
    for name in ("05", "5", "05_chest_xray", "05_chest_xray.ipynb"):
        assert book.find_notebooks([name]) == [chest]
    assert chest in book.find_notebooks()
    assert book.find_notebooks(["05", "5"]) == [chest]


@pytest.mark.parametrize("name", ["99", "chest", "no/such/file.ipynb", "README.md"])
def test_an_unknown_name_lists_those_there_are(name):
    with pytest.raises(ValueError, match=rf"There is no notebook '{name}'.*05_chest_xray"):
        book.find_notebooks([name])


@pytest.mark.parametrize(
    ("headline", "words"),
    [
        (
            {"name": "Dice", "estimate": 0.95, "low": 0.9, "high": 0.98, "kind": "range"},
            "Dice 0.950 (range 0.900 to 0.980)",
        ),
        ({"name": "Dice", "estimate": 0.95, "low": None, "high": None}, "Dice 0.950"),
        (None, ""),
    ],
)
def test_a_headline_says_what_its_interval_is(tmp_path, headline, words):
    text = json.dumps({"headline": headline})
    (tmp_path / "metrics.json").write_text(text, encoding="utf-8")
    assert book.read_headline(tmp_path) == words


def test_the_table_has_one_line_a_notebook():
    runs = [
        book.NotebookRun("05_chest_xray", 2.345, "Dice 0.950", Path("outputs/05_chest_xray")),
        book.NotebookRun("06_triage", 0.1, "", Path("outputs/06_triage"), "cell 3: no"),
        book.NotebookRun("00_start", 0, "", Path("outputs/00_start")),
    ]
    lines = [line.split("  ") for line in book.summary_table(runs).splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells == [
        ["notebook", "minutes", "headline score", "figures"],
        ["05_chest_xray", "2.3", "Dice 0.950", str(Path("outputs/05_chest_xray/figures"))],
        ["06_triage", "0.1", "FAILED", str(Path("outputs/06_triage/figures"))],
        ["00_start", "0.0", "none", str(Path("outputs/00_start/figures"))],
    ]
