"""The gate that holds the notebooks is itself held here."""

import io

import matplotlib
import nbformat
import notebook_gate as gate
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


def a_notebook(*outputs, count=1):
    cells = [
        new_markdown_cell("# A question", id="title"),
        new_code_cell("look()", id="look", execution_count=count, outputs=list(outputs)),
    ]
    return new_notebook(cells=cells)


def printed(text, stream="stdout"):
    return new_output("stream", name=stream, text=text)


def test_a_good_notebook_passes():
    notebook = a_notebook(printed("Dice 0.95\n"))
    nbformat.validate(notebook)
    assert gate.gate(notebook) == []


@pytest.mark.parametrize("count", [None, 0, 2])
def test_cells_not_numbered_from_one_are_found(count):
    assert "not 1..1" in gate.numbering(a_notebook(count=count))[0]


def test_cells_run_twice_are_found():
    notebook = a_notebook()
    notebook.cells += [new_code_cell("a", execution_count=3)]
    assert gate.numbering(notebook) == ["code cells are numbered [1, 3], not 1..2"]


def test_an_error_is_found():
    error = new_output("error", ename="ValueError", evalue="no lungs", traceback=[])
    assert gate.failures(a_notebook(error)) == ["cell look ('look()'): ValueError: no lungs"]


@pytest.mark.parametrize(
    "output",
    [
        printed("anything", stream="stderr"),
        printed("a.py:3: UserWarning: careful\n"),
        printed("WARNING:tensorflow:retracing"),
        new_output("execute_result", data={"text/plain": "DeprecationWarning: old"}),
    ],
)
def test_warnings_are_found_wherever_they_are_shown(output):
    notebook = a_notebook(output)
    assert len(gate.warnings_shown(notebook)) == 1
    assert gate.gate(notebook) == gate.warnings_shown(notebook)


def test_the_word_warning_alone_is_no_warning():
    assert gate.warnings_shown(a_notebook(printed("A warning sign: one patient in two."))) == []


@pytest.mark.parametrize("path", ["/home/ana/x.png", "saved in /tmp/a", "C:\\Users\\ana"])
def test_paths_of_one_computer_are_found(path):
    assert "path of this computer" in gate.local_paths(a_notebook(printed(path)))[0]


@pytest.mark.parametrize("text", ["figures/overlay.png", "images/s and mm/pixel", "a/home/b"])
def test_relative_paths_are_fine(text):
    assert gate.local_paths(a_notebook(printed(text))) == []


def test_pictures_are_not_read_as_text():
    picture = new_output("display_data", data={"image/png": "/tmp/AAAA Warning: "})
    assert gate.gate(a_notebook(picture)) == []


def test_a_heavy_cell_is_found():
    notebook = a_notebook(new_output("display_data", data={"image/png": "A" * gate.CELL_BYTES}))
    assert "more than 400,000" in gate.sizes(notebook)[0]


def test_many_light_cells_make_a_heavy_notebook():
    notebook = a_notebook()
    text = "A" * 300_000
    notebook.cells += [new_markdown_cell(text, id=f"text-{i}") for i in range(5)]
    (complaint,) = gate.sizes(notebook)
    assert "more than 1,500,000" in complaint


def test_more_code_than_text_is_found():
    notebook = a_notebook()
    notebook.cells += [new_code_cell("b", execution_count=2)]
    assert gate.balance(notebook) == ["1 Markdown for 2 code cells"]


def test_three_code_cells_in_a_row_are_found():
    code = [new_code_cell(f"x{i}", id=f"x{i}") for i in range(3)]
    text = [new_markdown_cell("a", id=f"t{i}") for i in range(3)]
    assert gate.balance(new_notebook(cells=text + code)) == [
        "cell x2 ('x2'): third code cell in a row"
    ]
    assert gate.balance(new_notebook(cells=[*text[:2], *code[:2], text[2], code[2]])) == []


@pytest.mark.parametrize("given", ["3f2a9c1d", "Cell 1", "", "deadbeef-1234"])
def test_ids_that_say_nothing_are_found(given):
    notebook = a_notebook()
    notebook.cells[0]["id"] = given
    assert "says nothing" in gate.cell_ids(notebook)[0]


def test_an_id_used_twice_is_found():
    notebook = a_notebook()
    notebook.cells[1]["id"] = "title"
    assert gate.cell_ids(notebook) == ["id 'title' is used twice"]


def test_long_cells_are_reported():
    notebook = a_notebook()
    notebook.cells[1].source = "\n".join("x" * 16)
    assert gate.long_cells(notebook) == ["cell look ('x'): 16 lines"]
    assert gate.gate(notebook) == []


def test_words_are_read_from_a_pdf():
    figure = Figure()
    figure.text(0.1, 0.5, "PHANTOM DATA · AVATAR (quick) RUN", rotation=0)
    figure.text(0.1, 0.1, "turned", rotation=30)
    content = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(content, format="pdf")
    lines = gate.pdf_text(content.getvalue()).splitlines()
    assert sorted(lines) == ["PHANTOM DATA · AVATAR (quick) RUN", "turned"]
