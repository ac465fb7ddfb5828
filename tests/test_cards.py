"""Dataset cards: reading, checking copies, fetching from a local server."""

import dataclasses
import hashlib
import http.server
import io
import stat
import threading
import zipfile

import pytest

import radiokit.cards
from radiokit.cards import (
    Archive,
    check_copy,
    fetch,
    find_copy,
    list_cards,
    load_card,
    read_phantom_note,
)

PROVIDES = ("radiographs", "left lung masks", "right lung masks")
NAMES = ["jsrt", "montgomery", "shenzhen", "vindr_ribcxr"]


def touch(folder, *names, content=b"x"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def montgomery_files(numbers):
    folders = ("CXR_png", "ManualMask/leftMask", "ManualMask/rightMask")
    return [f"MontgomerySet/{f}/MCUCXR_{n:04d}_0.png" for f in folders for n in numbers]


# --- cards ---


def test_the_four_chest_sets_have_cards():
    assert set(NAMES) <= {card.name for card in list_cards()}


def test_the_four_cardiac_sets_have_cards():
    of_study_4 = {card.name for card in list_cards() if card.study == 4}
    assert of_study_4 == {"acdc", "hvsmr", "hvsmr2", "sunnybrook"}


def test_the_eight_sets_of_the_breast_lecture_have_cards():
    of_study_2 = {card.name for card in list_cards() if card.study == 2}
    assert of_study_2 == {
        *("bach", "bioimaging2015", "brecahad", "breakhis"),
        *("camelyon17", "hashi", "tcga_brca", "ucsb_breast"),
    }


def test_sets_that_nothing_reads_say_so():
    for name in ("bioimaging2015", "brecahad", "breakhis", "camelyon17", "ucsb_breast"):
        card = load_card(name)
        assert "catalogue only" in card.title and card.by_hand.startswith("radiokit has no ")


def test_every_card_says_what_a_reader_needs():
    for card in list_cards():
        assert card.url.startswith("http") and card.license and card.citation and card.traps
        assert "patient" in card.patient_key.lower() and card.labels
        assert card.archives or card.by_hand, card.name


def test_every_layout_example_fits_its_own_pattern():
    import re

    for card in list_cards():
        for entry in card.layout:
            assert re.fullmatch(entry.pattern, entry.example, re.IGNORECASE), entry.what


def test_published_counts_are_on_the_cards():
    films = {c.name: sum(e.count for e in c.layout if e.films) for c in list_cards()}
    assert films == films | {"montgomery": 138, "shenzhen": 662, "jsrt": 247, "vindr_ribcxr": 245}
    assert films == films | {"hvsmr": 10, "hvsmr2": 60, "acdc": 150, "sunnybrook": 45}
    assert films == films | {"bach": 10, "breakhis": 7909, "brecahad": 162, "camelyon17": 1000}
    assert films == films | {"bioimaging2015": 269, "hashi": 596, "ucsb_breast": 58}


def test_published_names_add_up_to_the_counts():
    for card in list_cards():
        for entry in card.layout:
            if entry.names:
                assert sum(last - first + 1 for _, first, last in entry.names) == entry.count


def test_an_unknown_card_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no data set 'montgomry'.*jsrt, mdai, montgomery"):
        load_card("montgomry")


def test_a_card_with_a_missing_key_is_refused(tmp_path, monkeypatch):
    (tmp_path / "new.toml").write_text('name = "new"\n', encoding="utf-8")
    monkeypatch.setattr(radiokit.cards, "shipped_folder", lambda name: tmp_path)
    with pytest.raises(ValueError, match="missing or unknown keys: archives, by_hand"):
        load_card("new")


def test_a_broken_card_is_refused(tmp_path, monkeypatch):
    (tmp_path / "new.toml").write_text("name = \n", encoding="utf-8")
    monkeypatch.setattr(radiokit.cards, "shipped_folder", lambda name: tmp_path)
    with pytest.raises(ValueError, match="not valid TOML"):
        load_card("new")


# --- finding a copy ---


def test_a_copy_is_found_under_any_usual_folder_name(tmp_path):
    touch(tmp_path, *montgomery_files([1]))
    assert find_copy("montgomery", tmp_path) == tmp_path / "MontgomerySet"


def test_the_folder_named_as_the_card_comes_first(tmp_path):
    touch(tmp_path, "MontgomerySet/a", "Montgomery/MontgomerySet/a")
    assert find_copy("montgomery", tmp_path) == tmp_path / "Montgomery"


def test_an_empty_folder_or_none_is_no_copy(tmp_path):
    (tmp_path / "montgomery").mkdir()
    assert find_copy("montgomery", tmp_path) is None
    assert find_copy("montgomery", tmp_path / "nowhere") is None


# --- phantom notes ---


def test_a_phantom_is_known_from_any_folder_inside_it(tmp_path):
    touch(tmp_path, "PHANTOM.toml", content=b"seed = 3\nnum_patients = 2\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert read_phantom_note(inner) == {"seed": 3, "num_patients": 2}


def test_a_damaged_phantom_note_is_named(tmp_path):
    touch(tmp_path, "PHANTOM.toml", content=b"seed = \n")
    with pytest.raises(ValueError, match="PHANTOM.toml is damaged"):
        read_phantom_note(tmp_path)


# --- checking a copy ---


def test_a_missing_folder_is_said(tmp_path):
    problems = check_copy(load_card("montgomery"), tmp_path / "nowhere")
    assert problems == [f"The folder {tmp_path / 'nowhere'} does not exist."]


def test_a_complete_copy_has_no_problems(tmp_path):
    touch(tmp_path, *montgomery_files(range(1, 139)))
    assert check_copy(load_card("montgomery"), tmp_path) == []


def test_missing_masks_are_named_and_counted(tmp_path):
    touch(tmp_path, *montgomery_files(range(1, 139)))
    for number in (5, 6, 7, 8, 9):
        (tmp_path / f"MontgomerySet/ManualMask/leftMask/MCUCXR_{number:04d}_0.png").unlink()
    assert check_copy(load_card("montgomery"), tmp_path) == [
        "left lung masks: 133 of 138 found; missing: MCUCXR_0005_0, MCUCXR_0006_0, MCUCXR_0007_0 "
        "and 2 more (such as MontgomerySet/ManualMask/leftMask/MCUCXR_0001_0.png)."
    ]


def test_missing_films_with_published_names_are_named(tmp_path):
    names = [f"CHNCXR_{n:04d}_{int(n > 326)}" for n in range(1, 663) if n not in (2, 400)]
    touch(tmp_path, *[f"ChinaSet_AllFiles/CXR_png/{name}.png" for name in names])
    touch(tmp_path, *[f"mask/mask/{name}_mask.png" for name in names[:566]])
    assert check_copy(load_card("shenzhen"), tmp_path) == [
        "radiographs: 660 of 662 found; missing: CHNCXR_0002_0, CHNCXR_0400_1 (such as "
        "ChinaSet_AllFiles/CXR_png/CHNCXR_0001_0.png)."
    ]


def test_masks_of_lesions_are_not_taken_for_lung_masks(tmp_path):
    touch(tmp_path, "Annotations-2/masks/CHNCXR_0330_1_Pleural_Effusion_2.png")
    assert "lung masks: 0 of 566" in check_copy(load_card("shenzhen"), tmp_path)[1]


def test_jsrt_masks_are_not_taken_for_films(tmp_path):
    touch(tmp_path, "scratch/fold1/masks/left lung/JPCLN001.png", "png/JPCLN001.png")
    problems = check_copy(load_card("jsrt"), tmp_path)
    assert problems[0].startswith("radiographs: 1 of 247 found; missing: JPCLN002")


def test_files_of_no_bytes_are_named(tmp_path):
    touch(tmp_path, *montgomery_files(range(1, 139)))
    touch(tmp_path, "MontgomerySet/CXR_png/MCUCXR_0003_0.png", content=b"")
    assert check_copy(load_card("montgomery"), tmp_path) == [
        "empty files (0 bytes): 1: MCUCXR_0003_0.png."
    ]


def test_more_files_than_published_are_said_too(tmp_path):
    touch(tmp_path, *montgomery_files(range(1, 140)))
    assert check_copy(load_card("montgomery"), tmp_path)[0].startswith("radiographs: 139 of 138")


def test_a_phantom_copy_is_held_against_itself(tmp_path):
    touch(tmp_path, *montgomery_files([1, 2]))
    touch(tmp_path, "PHANTOM.toml", content=b"num_patients = 2\n")
    assert check_copy(load_card("montgomery"), tmp_path) == []


def test_a_phantom_copy_with_a_lost_film_and_mask_is_incomplete(tmp_path):
    touch(tmp_path, *montgomery_files([1, 2]))
    touch(tmp_path, "PHANTOM.toml", content=b"num_patients = 3\n")
    (tmp_path / "MontgomerySet/ManualMask/rightMask/MCUCXR_0002_0.png").unlink()
    assert check_copy(load_card("montgomery"), tmp_path) == [
        "right lung masks: 1 of 2 found; missing: MCUCXR_0002_0 (such as "
        "MontgomerySet/ManualMask/rightMask/MCUCXR_0001_0.png).",
        "phantom films: 2 found, PHANTOM.toml says 3 patients.",
    ]


# --- fetching ---


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the bytes of `files`; a name with `cut` promises more than it sends."""

    files: dict[str, bytes] = {}
    requests: list[str] = []

    def do_GET(self):
        self.requests.append(self.path)
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) * (2 if "cut" in self.path else 1)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture
def server():
    Handler.files, Handler.requests = {}, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def make_zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def card_with(*urls, checksum=""):
    return dataclasses.replace(
        load_card("montgomery"), archives=(Archive(urls, PROVIDES, checksum),)
    )


GOOD = make_zip({name: b"pixels" for name in montgomery_files([1, 2])})


def test_an_archive_is_fetched_and_unpacked(server, tmp_path):
    Handler.files["/good.zip"] = GOOD
    checksum = f"sha256:{hashlib.sha256(GOOD).hexdigest()}"
    folder = fetch(card_with(f"{server}/good.zip", checksum=checksum), tmp_path, progress=False)
    assert folder == tmp_path / "montgomery"
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*.png")]
    assert sorted(names) == sorted(montgomery_files([1, 2]))
    assert [path.name for path in tmp_path.iterdir()] == ["montgomery"]


def test_a_progress_bar_is_shown_when_asked_for(server, tmp_path, capfd):
    Handler.files["/good.zip"] = GOOD
    fetch(card_with(f"{server}/good.zip"), tmp_path, progress=True)
    assert "100%" in capfd.readouterr().err


def test_a_second_address_is_tried_when_the_first_fails(server, tmp_path):
    Handler.files["/good.zip"] = GOOD
    fetch(card_with(f"{server}/gone.zip", f"{server}/good.zip"), tmp_path, progress=False)
    assert Handler.requests == ["/gone.zip", "/good.zip"]


def test_a_complete_copy_is_not_fetched_again(server, tmp_path):
    touch(tmp_path / "montgomery", *montgomery_files(range(1, 139)))
    fetch(card_with(f"{server}/good.zip"), tmp_path, progress=False)
    assert Handler.requests == []


def test_a_complete_copy_under_another_usual_name_is_found(server, tmp_path):
    touch(tmp_path, *montgomery_files(range(1, 139)))
    card = card_with(f"{server}/good.zip")
    assert fetch(card, tmp_path, progress=False) == tmp_path / "MontgomerySet"
    assert Handler.requests == []


def test_films_are_not_fetched_again_when_only_masks_by_hand_are_missing(tmp_path, server):
    names = [f"CHNCXR_{n:04d}_{int(n > 326)}" for n in range(1, 663)]
    touch(tmp_path / "shenzhen", *[f"CXR_png/{name}.png" for name in names])
    archive = Archive((f"{server}/films.zip",), ("radiographs",))
    card = dataclasses.replace(load_card("shenzhen"), archives=(archive,))
    assert fetch(card, tmp_path, progress=False) == tmp_path / "shenzhen"
    assert Handler.requests == []


def test_real_files_are_not_mixed_into_a_phantom(server, tmp_path):
    touch(tmp_path / "montgomery", "PHANTOM.toml", content=b"num_patients = 2\n")
    with pytest.raises(ValueError, match="montgomery holds a phantom"):
        fetch(card_with(f"{server}/good.zip"), tmp_path, progress=False)


def test_archives_provide_kinds_of_file_the_layout_knows():
    for card in list_cards():
        kinds = {entry.what for entry in card.layout}
        assert all(archive.provides and set(archive.provides) <= kinds for archive in card.archives)


def test_a_partial_copy_is_filled_and_other_files_are_kept(server, tmp_path):
    Handler.files["/good.zip"] = GOOD
    touch(tmp_path / "montgomery", "mask/mine.png")
    folder = fetch(card_with(f"{server}/good.zip"), tmp_path, progress=False)
    assert (folder / "mask/mine.png").exists()
    assert (folder / "MontgomerySet/CXR_png/MCUCXR_0002_0.png").read_bytes() == b"pixels"


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server, tmp_path):
    Handler.files["/good.zip"] = GOOD
    card = card_with(f"{server}/good.zip", checksum="md5:" + "0" * 32)
    with pytest.raises(ValueError, match="not the published one"):
        fetch(card, tmp_path, progress=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_dead_address_is_named(server, tmp_path):
    with pytest.raises(OSError, match="download failed(.|\n)*gone.zip: 404"):
        fetch(card_with(f"{server}/gone.zip"), tmp_path, progress=False)
    assert not (tmp_path / "montgomery").exists()


def test_an_interrupted_download_leaves_nothing(server, tmp_path):
    Handler.files["/cut.zip"] = GOOD
    with pytest.raises(OSError, match="download failed"):
        fetch(card_with(f"{server}/cut.zip"), tmp_path, progress=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_page_instead_of_an_archive_is_refused_and_deleted(server, tmp_path):
    Handler.files["/page.zip"] = b"<html>please sign in</html>"
    with pytest.raises(ValueError, match="not a whole zip file"):
        fetch(card_with(f"{server}/page.zip"), tmp_path, progress=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not (tmp_path / "montgomery").exists()


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "a/../../evil.png", "C:/evil.png"])
def test_paths_that_leave_the_folder_are_refused(server, tmp_path, name):
    Handler.files["/bad.zip"] = make_zip({"good.png": b"x", name: b"x"})
    with pytest.raises(ValueError, match="unsafe path"):
        fetch(card_with(f"{server}/bad.zip"), tmp_path / "root", progress=False)
    assert not list(tmp_path.rglob("*.png"))


def test_links_in_an_archive_are_refused(server, tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    Handler.files["/bad.zip"] = make_zip({link: b"/etc/hostname"})
    with pytest.raises(ValueError, match="unsafe path, 'link.png'"):
        fetch(card_with(f"{server}/bad.zip"), tmp_path, progress=False)


@pytest.mark.parametrize("name", ["jsrt", "vindr_ribcxr", "hvsmr", "hvsmr2", "acdc", "sunnybrook"])
def test_a_set_behind_a_registration_says_how_to_get_it(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be downloaded by a program(.|\n)*DIR is"):
        fetch(load_card(name), tmp_path)
