"""A phantom's folder: what makes it the same phantom, and work in processes."""

import pytest

from radiokit.phantoms.folder import VERSION, build_phantom, in_processes


def write_note(folder, num_patients: int, seed: int) -> None:
    (folder / "patients.txt").write_text(f"{num_patients} {seed}", encoding="utf-8")


def double(index: int) -> int:
    return 2 * index


def test_without_settings_the_note_has_the_four_lines_of_every_phantom(tmp_path):
    root = build_phantom(tmp_path / "p", "jsrt", 2, 5, write_note)
    wanted = f'dataset = "jsrt"\nversion = {VERSION}\nseed = 5\nnum_patients = 2\n'
    assert (root / "PHANTOM.toml").read_text(encoding="utf-8") == wanted


def test_settings_stand_in_the_note_after_them(tmp_path):
    root = build_phantom(tmp_path / "p", "bach", 2, 5, write_note, {"size_px": [1024, 768]})
    lines = (root / "PHANTOM.toml").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "size_px = [1024, 768]" and len(lines) == 5


def test_the_same_settings_leave_a_copy_alone_and_others_replace_it(tmp_path):
    root = build_phantom(tmp_path / "p", "bach", 2, 5, write_note, {"size_px": [1024, 768]})
    (root / "mine.txt").write_text("x", encoding="utf-8")
    build_phantom(root, "bach", 2, 5, write_note, {"size_px": [1024, 768]})
    assert (root / "mine.txt").exists()
    build_phantom(root, "bach", 2, 5, write_note, {"size_px": [2048, 768]})
    assert not (root / "mine.txt").exists() and (root / "patients.txt").exists()


def test_another_phantom_is_never_replaced_whatever_the_settings(tmp_path):
    root = build_phantom(tmp_path / "p", "bach", 2, 5, write_note, {"size_px": [1024, 768]})
    with pytest.raises(FileExistsError, match="other than the hashi phantom"):
        build_phantom(root, "hashi", 2, 5, write_note, {"size_px": [1024, 768]})


def test_a_failure_leaves_neither_the_folder_nor_a_part_of_it(tmp_path):
    def fail(folder, num_patients, seed):
        write_note(folder, num_patients, seed)
        raise ValueError("the painter fell ill")

    with pytest.raises(ValueError, match="fell ill"):
        build_phantom(tmp_path / "p", "bach", 2, 5, fail)
    assert not list(tmp_path.iterdir())


def test_results_come_in_the_order_of_the_patients(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert in_processes(double, 7) == [0, 2, 4, 6, 8, 10, 12]
