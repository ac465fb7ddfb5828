"""Tests of writing files that are complete or absent."""

import subprocess
import sys

import pytest

from radiokit.files import remove_unfinished, whole_file, write_bytes_whole, write_text_whole

WRITE = """
import os, sys
from radiokit.files import whole_file

with whole_file(sys.argv[1]) as unfinished:
    unfinished.write_text("theirs", encoding="utf-8")
    print("writing", flush=True)
    if input() == "die":
        os._exit(9)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def path(tmp_path):
    """A file with something in it, alone in its folder."""
    path = tmp_path / "scores.csv"
    path.write_text("older", encoding="utf-8")
    return path


@pytest.fixture
def other_process(path):
    """Another process in the middle of writing the same file; say "finish" or "die"."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITE, str(path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8") as process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def test_bytes_and_text_are_written_as_they_are(tmp_path):
    path = tmp_path / "new" / "folders" / "a.txt"
    assert write_text_whole(path, "coração\nend\r\n") == path
    assert path.read_bytes() == "coração\nend\r\n".encode()
    assert write_bytes_whole(str(path), b"\x00\xff") == path  # a path may be text
    assert path.read_bytes() == b"\x00\xff"
    assert names(path.parent) == ["a.txt"]


def test_the_older_file_stands_until_the_new_one_is_complete(path):
    with whole_file(path) as unfinished:
        unfinished.write_text("newer", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "older"
    assert path.read_text(encoding="utf-8") == "newer"
    assert names(path.parent) == ["scores.csv"]


def test_a_writer_that_looks_at_the_ending_sees_the_right_one(tmp_path):
    with whole_file(tmp_path / "best.weights.h5") as unfinished:
        unfinished.touch()
        assert unfinished.parent == tmp_path
        assert unfinished.name.startswith(".") and unfinished.name.endswith("best.weights.h5")
    assert names(tmp_path) == ["best.weights.h5"]


def test_others_may_read_the_file_as_any_other(path):
    rights = path.stat().st_mode
    assert write_text_whole(path, "newer").stat().st_mode == rights


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("is_there_before", [True, False])
def test_a_broken_writer_changes_nothing(path, error, is_there_before):
    if not is_there_before:
        path.unlink()
    with pytest.raises(error), whole_file(path) as unfinished:
        unfinished.write_text("half", encoding="utf-8")
        raise error
    assert names(path.parent) == (["scores.csv"] if is_there_before else [])
    assert not is_there_before or path.read_text(encoding="utf-8") == "older"


def test_a_full_disk_is_said_and_changes_nothing(path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    wanted = "Cannot write scores.csv into .*: No space left on device. .*check that the disk"
    with pytest.raises(OSError, match=wanted):
        write_text_whole(path, "newer")
    assert names(path.parent) == ["scores.csv"]
    assert path.read_text(encoding="utf-8") == "older"


def test_an_unwritable_folder_is_named_with_what_to_do(path):
    wanted = "Cannot write a.png into .*scores.csv: .*Choose a folder that you may write to"
    with pytest.raises(OSError, match=wanted):
        write_bytes_whole(path / "a.png", b"pixels")
    assert names(path.parent) == ["scores.csv"]


def test_a_folder_of_that_name_is_never_replaced(tmp_path):
    (tmp_path / "masks" / "kept").mkdir(parents=True)
    with pytest.raises(OSError, match="Cannot write masks into"):
        write_text_whole(tmp_path / "masks", "text")
    assert names(tmp_path) == ["masks"] and names(tmp_path / "masks") == ["kept"]


def test_a_writer_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(OSError, match="Cannot write a.txt"), whole_file(tmp_path / "a.txt"):
        pass
    assert names(tmp_path) == []


def test_two_processes_do_not_mix_their_files(path, other_process):
    write_text_whole(path, "ours")
    assert path.read_text(encoding="utf-8") == "ours"
    other_process.communicate("finish\n")
    assert path.read_text(encoding="utf-8") == "theirs"  # whoever is last
    assert names(path.parent) == ["scores.csv"]


def test_a_killed_process_leaves_the_older_file_and_what_can_be_removed(path, other_process):
    other_process.communicate("die\n")
    assert other_process.returncode == 9
    assert path.read_text(encoding="utf-8") == "older"
    (left,) = set(names(path.parent)) - {"scores.csv"}
    assert left.startswith(".unfinished-")
    remove_unfinished(path.parent)
    assert names(path.parent) == ["scores.csv"]
