"""The `radiokit` command: what it prints, refuses and passes on."""

import sys
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from radiokit import __version__, cards, cli, shipped_folder


@pytest.fixture
def radiokit(monkeypatch, capsys, tmp_path):
    """Runs the command in a folder of its own: exit code, what it printed, what it complained."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["radiokit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return call


def write_notebook(path, code):
    cells = [new_markdown_cell("## Only", id="only"), new_code_cell(code, id="code")]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_version_is_the_packages(radiokit):
    assert radiokit("--version") == (0, f"radiokit {__version__}\n", "")


def test_help_lists_the_commands_and_the_disclaimer(radiokit):
    _, text, _ = radiokit("--help")
    for command in ("run", "figures", "notebooks", "phantom", "predict", "data", "train"):
        assert f"\n  {command} " in text
    assert "not for diagnosis" in " ".join(text.split())


@pytest.mark.parametrize(
    "command",
    [
        *((), ("run",), ("data", "list"), ("predict",), ("phantom",)),
        *(("train", "segment"), ("train", "classify")),
    ],
)
def test_every_command_explains_itself(radiokit, command):
    code, text, _ = radiokit(*command, "--help")
    assert code == 0
    assert "Usage:" in text


def test_an_unknown_notebook_is_one_clear_line(radiokit):
    code, _, complaint = radiokit("run", "99_nothing")
    assert code == 2
    assert complaint.startswith("radiokit: There is no notebook '99_nothing'. Notebooks: ")
    assert complaint.count("\n") == 1


def test_debug_shows_the_traceback(radiokit):
    code, _, complaint = radiokit("--debug", "run", "99_nothing")
    assert code == 2
    assert "Traceback (most recent call last)" in complaint
    assert complaint.endswith("an .ipynb file.\n")


def test_an_unknown_scale_is_refused(radiokit):
    code, _, complaint = radiokit("run", "--scale", "huge")
    assert code == 2
    assert "quick" in complaint


def test_one_failed_notebook_does_not_stop_the_others(radiokit, tmp_path):
    bad = write_notebook(tmp_path / "01_bad.ipynb", "raise ValueError('no lungs')")
    good = write_notebook(tmp_path / "02_good.ipynb", "6 * 7")
    code, text, complaint = radiokit("run", bad, good, "--out", "results")
    assert code == 1
    assert "01_bad: cell 2 of 2 (code): ValueError: no lungs" in complaint
    failed = [line.split() for line in text.splitlines() if " FAILED " in line]
    figures = str(tmp_path / "results" / "01_bad" / "figures")
    assert [[row[0], *row[2:]] for row in failed] == [["01_bad", "FAILED", figures]]  # [1]: minutes
    assert (tmp_path / "results" / "02_good" / "02_good.ipynb").is_file()


def test_an_output_folder_that_is_a_file_is_one_clear_line(radiokit, tmp_path):
    (tmp_path / "results").write_text("mine", encoding="utf-8")
    notebook = write_notebook(tmp_path / "a.ipynb", "1")
    code, _, complaint = radiokit("run", notebook, "--out", "results")
    assert code == 2
    assert "Cannot write to" in complaint
    assert "--out" in complaint


def test_data_list_names_every_card(radiokit):
    code, text, _ = radiokit("data", "list")
    assert code == 0
    for card in cards.list_cards():
        assert f"{card.name}: {card.title}" in text
        assert card.license in text


def test_data_check_says_where_a_copy_is_missing(radiokit):
    code, text, _ = radiokit("data", "check", "montgomery", "--data", "films")
    assert code == 1
    assert text.startswith("montgomery: incomplete\n  no copy in films")
    assert "radiokit data get montgomery" in text


def test_data_check_of_an_unknown_set_is_one_clear_line(radiokit):
    code, _, complaint = radiokit("data", "check", "elbows")
    assert code == 2
    assert "elbows" in complaint
    assert "montgomery" in complaint


def test_phantoms_of_an_unknown_study_are_refused(radiokit):
    code, _, complaint = radiokit("phantom", "knee", "--out", "x")
    assert code == 2
    studies = "bodypart, breast, cardiac, chest, headct"
    assert complaint == f"radiokit: No phantoms for 'knee'. Studies: {studies}.\n"


def test_phantoms_of_the_chest_are_four_sets(radiokit, monkeypatch, tmp_path):
    made = []

    def maker(name):
        return lambda root, num_patients, seed: made.append((name, num_patients, seed)) or root

    makers = {f"make_{name}": maker(name) for name in cli.PHANTOM_SETS["chest"]}
    monkeypatch.setitem(sys.modules, "radiokit.phantoms.chest", SimpleNamespace(**makers))
    code, text, _ = radiokit("phantom", "chest", "--out", "p", "--patients", "3", "--seed", "7")
    assert code == 0
    assert made == [(name, 3, 7) for name in ("montgomery", "shenzhen", "jsrt", "vindr_ribcxr")]
    assert "jsrt: 3 phantom patients in p" in text


def test_phantoms_of_the_heart_are_written_under_their_real_names(radiokit, tmp_path):
    code, text, _ = radiokit("phantom", "cardiac", "--out", "p", "--patients", "1")
    assert code == 0
    assert "hvsmr: 1 phantom patients in" in text and "acdc: 1 phantom patients in" in text
    assert (tmp_path / "p" / "hvsmr" / "training_axial_crop_pat0-label.nii.gz").is_file()
    assert (tmp_path / "p" / "acdc" / "training" / "patient001" / "Info.cfg").is_file()


NO_SWITCHES = {"mirror": False, "color": False, "turn": False}


@pytest.fixture
def fake_recipes(monkeypatch):
    """Notes what the commands ask of the recipes."""
    calls = []
    table = pd.DataFrame({"image": ["a", "b"], "problem": ["", "Cannot read b"]})

    def note(*given, **named):
        calls.append((given, named))
        return table

    recipes = SimpleNamespace(
        SegmentSettings=lambda **chosen: chosen,
        ClassifySettings=lambda **chosen: chosen,
        train_segmenter=note,
        train_classifier=note,
        predict_folder=note,
    )
    monkeypatch.setitem(sys.modules, "radiokit.recipes", recipes)
    monkeypatch.setattr("radiokit.recipes", recipes, raising=False)
    return calls


def test_train_segment_passes_everything_on(radiokit, fake_recipes):
    folders = ["--images", "a", "--images", "b", "--masks", "c", "--masks", "d", "--out", "o"]
    options = ["--foreground", "255", "--ignore", "127", "--epochs", "2", "--split-seed", "5"]
    code, _, complaint = radiokit("train", "segment", *folders, *options)
    assert (code, complaint) == (0, "")
    ((given, named),) = fake_recipes
    assert [str(part) for part in given[0] + given[1]] == ["a", "b", "c", "d"]
    assert str(given[2]) == "o"
    assert named == {
        "patients": None,
        "foreground": [255],
        "ignore": (127,),
        "settings": {"seed": 0, "split_seed": 5, "epochs": 2, **NO_SWITCHES},
    }


def test_train_segment_passes_on_what_colour_and_tiles_need(radiokit, fake_recipes):
    given = ["--images", "a", "--masks", "b", "--out", "o"]
    options = ["--color", "--tile", "256", "--turn", "--threshold", "128", "--mpp", "0.25"]
    options += ["--batch-size", "8", "--test-share", "0.4"]
    code, _, complaint = radiokit("train", "segment", *given, *options)
    assert (code, complaint) == (0, "")
    ((_, named),) = fake_recipes
    assert named["settings"] == {
        **{"seed": 0, "split_seed": 0, "mirror": False, "color": True, "turn": True},
        **{"tile": 256, "threshold": 128.0, "mpp_um": 0.25, "batch_size": 8, "test_share": 0.4},
    }


def test_train_classify_passes_everything_on(radiokit, fake_recipes):
    given = ["--labels", "l.csv", "--images", "a", "--images", "b", "--out", "o"]
    options = ["--label", "any", "--network", "densenet121", "--size", "96", "--epochs", "3"]
    options += ["--members", "1", "--batch-size", "8", "--weights", "w.h5", "--window", "brain"]
    options += ["--no-mirror", "--no-crop", "--seed", "2", "--split-seed", "5"]
    code, text, complaint = radiokit("train", "classify", *given, *options)
    assert (code, complaint) == (0, "")
    assert "not for diagnosis" in text
    (((labels, images, out), named),) = fake_recipes
    assert [str(labels), *map(str, images), str(out)] == ["l.csv", "a", "b", "o"]
    assert named["names"] == ["any"]
    assert named["settings"] == {
        **{"network": "densenet121", "size": 96, "epochs": 3, "members": 1, "batch_size": 8},
        **{"weights": "w.h5", "windows": ("brain",), "mirror": False, "crop": False},
        **{"seed": 2, "split_seed": 5},
    }


def test_train_classify_leaves_the_defaults_to_the_recipe(radiokit, fake_recipes):
    code, _, _ = radiokit("train", "classify", "--labels", "l", "--images", "a", "--out", "o")
    assert code == 0
    ((_, named),) = fake_recipes
    assert named == {"names": None, "settings": {"crop": True, "seed": 0, "split_seed": 0}}


def test_predict_says_where_the_answers_are_and_how_many_images_were_not_read(
    radiokit, fake_recipes
):
    code, text, _ = radiokit("predict", "model", "--images", "new", "--out", "answers")
    assert code == 0
    assert text.startswith("2 images, 1 of them unreadable: answers")
    ((given, _),) = fake_recipes
    assert [str(part) for part in given[:3]] == ["model", "new", "answers"]
    assert given[3:] == (None, None)


def test_predict_passes_on_the_resolution_of_slides(radiokit, fake_recipes):
    given = ["predict", "model", "--images", "new", "--out", "answers"]
    assert radiokit(*given, "--mpp", "0.5", "--slide-mpp", "0.25")[0] == 0
    ((given, _),) = fake_recipes
    assert given[3:] == (0.5, 0.25)


def test_phantoms_of_the_head_are_one_set(radiokit, monkeypatch):
    made = []

    def make(root, num_patients, seed):
        made.append((root.as_posix(), num_patients, seed))
        return root

    monkeypatch.setitem(
        sys.modules, "radiokit.phantoms.headct", SimpleNamespace(make_rsna_ich=make)
    )
    code, text, _ = radiokit("phantom", "headct", "--out", "p", "--patients", "2")
    assert code == 0
    assert made == [("p/rsna_ich", 2, 0)]
    assert "rsna_ich: 2 phantom patients in" in text


def test_figures_without_a_run_say_what_to_do(radiokit):
    code, _, complaint = radiokit("figures", "--out", "nothing")
    assert code == 2
    assert "radiokit" in complaint


def test_figures_are_drawn_again_in_another_language(radiokit, monkeypatch, tmp_path):
    notebook = write_notebook(tmp_path / "09_mine.ipynb", "1")
    (tmp_path / "runs" / "09_mine").mkdir(parents=True)
    (tmp_path / "runs" / "09_mine" / "metrics.json").write_text("{}", encoding="utf-8")
    calls = []

    def redraw(folder, language):
        calls.append((folder.as_posix(), language))
        return SimpleNamespace(written=["a", "b"], left_out=["agreement: no ratio"])

    report = SimpleNamespace(redraw=redraw)
    monkeypatch.setitem(sys.modules, "radiokit.report", report)
    monkeypatch.setattr("radiokit.report", report, raising=False)
    code, text, _ = radiokit("figures", notebook, "--language", "pt", "--out", "runs")
    assert code == 0
    assert calls == [("runs/09_mine", "pt")]
    assert "2 files drawn again" in text
    assert "left out: agreement: no ratio" in text


def test_notebooks_are_copied_and_never_overwritten(radiokit, tmp_path):
    names = sorted(path.name for path in shipped_folder("notebooks").glob("*.ipynb"))
    assert radiokit("notebooks", "--out", "mine")[0] == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == names
    (tmp_path / "mine" / names[0]).write_text("changed", encoding="utf-8")
    code, _, complaint = radiokit("notebooks", "--out", "mine")
    assert code == 2
    assert "already holds" in complaint
    assert (tmp_path / "mine" / names[0]).read_text(encoding="utf-8") == "changed"
