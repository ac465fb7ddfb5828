"""What every notebook of the book must keep; each rule returns complaints, empty when kept."""

import json
import re
import zlib

CELL_BYTES = 400_000
NOTEBOOK_BYTES = 1_500_000
COMFORTABLE_LINES = 15
WARNING_TEXT = re.compile(r"\b\w*Warning: |^WARNING\b|\bWARNING:|^[WE]0000 ", re.MULTILINE)
LOCAL_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work|private|var)/\w|\b[A-Z]:\\\w")
READABLE_ID = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]+)?")


def gate(notebook) -> list[str]:
    """Every complaint about an executed notebook.

    Args:
        notebook: an executed nbformat 4 notebook.

    Returns:
        Sentences naming the cell and what is wrong; empty for a notebook that may be committed.
    """
    rules = (numbering, failures, warnings_shown, local_paths, sizes, balance, cell_ids)
    return [complaint for rule in rules for complaint in rule(notebook)]


def numbering(notebook) -> list[str]:
    """Code cells are numbered 1..N: executed once, in order, in a fresh kernel."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    wanted = list(range(1, len(counts) + 1))
    return [] if counts == wanted else [f"code cells are numbered {counts}, not 1..{len(counts)}"]


def failures(notebook) -> list[str]:
    """No cell ends in an error."""
    return [
        f"{name(cell)}: {output.ename}: {output.evalue}"
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def warnings_shown(notebook) -> list[str]:
    """Nothing on stderr, and no warning printed elsewhere."""
    complaints = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                complaints.append(f"{name(cell)}: stderr: {output.text[:200]!r}")
            elif found := WARNING_TEXT.search(text_of(output)):
                complaints.append(f"{name(cell)}: shows a warning: {found.group()!r}")
    return complaints


def local_paths(notebook) -> list[str]:
    """No output names a folder of the computer it ran on."""
    return [
        f"{name(cell)}: shows a path of this computer: {found.group()!r}"
        for cell in code_cells(notebook)
        for output in cell.outputs
        if (found := LOCAL_PATH.search(text_of(output)))
    ]


def sizes(notebook) -> list[str]:
    """At most 400 kB a cell and 1.5 MB a notebook, so that pages open on a slow line."""
    complaints = [
        f"{name(cell)}: {num_bytes(cell):,} bytes, more than {CELL_BYTES:,}"
        for cell in notebook.cells
        if num_bytes(cell) > CELL_BYTES
    ]
    total = num_bytes(notebook)
    if total > NOTEBOOK_BYTES:
        complaints.append(f"the notebook has {total:,} bytes, more than {NOTEBOOK_BYTES:,}")
    return complaints


def balance(notebook) -> list[str]:
    """At least as many Markdown cells as code cells, never three code cells in a row."""
    kinds = [cell.cell_type for cell in notebook.cells]
    complaints = []
    if kinds.count("markdown") < kinds.count("code"):
        complaints.append(
            f"{kinds.count('markdown')} Markdown for {kinds.count('code')} code cells"
        )
    for index in range(len(kinds) - 2):
        if kinds[index : index + 3] == ["code"] * 3:
            complaints.append(f"{name(notebook.cells[index + 2])}: third code cell in a row")
    return complaints


def cell_ids(notebook) -> list[str]:
    """Every Markdown cell has an id that says what it is (translations hang on it); none twice."""
    ids = [cell.get("id", "") for cell in notebook.cells]
    complaints = [
        f"id {one!r} is used twice" for one in sorted({i for i in ids if ids.count(i) > 1})
    ]
    for cell in notebook.cells:
        given = cell.get("id", "")
        is_readable = READABLE_ID.fullmatch(given) and not RANDOM_ID.fullmatch(given)
        if cell.cell_type == "markdown" and not is_readable:
            complaints.append(
                f"{cell.source[:40]!r}: id {given!r} says nothing; use words-like-this"
            )
    return complaints


def long_cells(notebook) -> list[str]:
    """Code cells a reader may find long: a report, not a rule."""
    lines = {name(cell): len(cell.source.splitlines()) for cell in code_cells(notebook)}
    return [f"{one}: {count} lines" for one, count in lines.items() if count > COMFORTABLE_LINES]


def sources(notebook) -> list[tuple[str, str, str]]:
    """Kind, id and source of every cell: what must agree between two copies of a notebook."""
    return [(cell.cell_type, cell.get("id", ""), cell.source) for cell in notebook.cells]


def code_cells(notebook) -> list:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def name(cell) -> str:
    """How a complaint names a cell."""
    first_line = cell.source.splitlines()[0] if cell.source else "empty"
    return f"cell {cell.get('id', 'without id')} ({first_line[:40]!r})"


def num_bytes(part) -> int:
    """Size of a cell or notebook as it lies in the file."""
    return len(json.dumps(part, ensure_ascii=False).encode())


def text_of(output) -> str:
    """Everything of an output that a reader reads as text."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    return "\n".join(str(data[kind]) for kind in data if kind.startswith("text/"))


def pdf_text(content: bytes) -> str:
    """The words drawn in a PDF whose letters are letters, a line per text drawn.

    Args:
        content: the file's bytes, as Matplotlib writes them with `pdf.fonttype` 42.

    Returns:
        Text; pieces between which letters are moved closer are joined.
    """
    string = rb"\(((?:\\.|[^()\\])*)\)"
    lines = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, flags=re.DOTALL):
        for block in re.findall(rb"\bBT\b(.*?)\bET\b", _inflate(stream), flags=re.DOTALL):
            letters = b"".join(re.findall(string, block, flags=re.DOTALL)).replace(b"\0", b"")
            lines.append(re.sub(rb"\\(.)", rb"\1", letters).decode("latin-1"))
    return "\n".join(lines)


def _inflate(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""  # a font or a picture
