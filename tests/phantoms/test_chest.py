"""The chest phantoms: layouts, determinism, anatomy, and folders that are whole or absent."""

import json
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from phantom_files import files_below
from PIL import Image

from radiokit.phantoms import chest
from radiokit.phantoms.film import MONTGOMERY, SHENZHEN
from radiokit.phantoms.folder import VERSION
from radiokit.phantoms.patient import draw_patient
from radiokit.phantoms.projection import Film, Tube, project_tube, tube_mask
from radiokit.phantoms.thorax import render_thorax

NUM_PATIENTS = 5
SCR = ("heart", "left lung", "right lung", "left clavicle", "right clavicle")
RIBS = [f"{side}{number}" for side in "RL" for number in range(1, 11)]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("phantoms")
    chest.make_montgomery(root / "montgomery", NUM_PATIENTS, seed=3)
    chest.make_shenzhen(root / "shenzhen", 7, seed=3)
    chest.make_jsrt(root / "jsrt", 4, seed=3)
    chest.make_vindr_ribcxr(root / "vindr_ribcxr", NUM_PATIENTS, seed=3)
    return root


@pytest.fixture(scope="module")
def thoraxes() -> list:
    film = Film((320, 300), 0.12, -18.0, -5.5)
    drawn = []
    for index in range(12):
        rng = np.random.default_rng([9, index])
        patient = draw_patient(rng, "normal")
        drawn.append((patient, render_thorax(patient, film, rng)))
    return drawn


def grey(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


# -- layouts -------------------------------------------------------------------------------------


def test_montgomery_has_a_film_two_masks_and_a_reading_for_every_patient(phantoms):
    folder = phantoms / "montgomery" / "MontgomerySet"
    names = sorted(path.stem for path in (folder / "CXR_png").iterdir())
    assert len(names) == NUM_PATIENTS
    assert {name[-2:] for name in names} == {"_0", "_1"}
    for index, name in enumerate(names):
        assert name.startswith(f"MCUCXR_{index + 1:04d}_")
        film = grey(folder / "CXR_png" / f"{name}.png")
        assert film.dtype == np.uint8 and max(film.shape) <= 640
        for side in ("left", "right"):
            mask = grey(folder / "ManualMask" / f"{side}Mask" / f"{name}.png")
            assert mask.shape == film.shape and set(np.unique(mask)) == {0, 255}
        reading = (folder / "ClinicalReadings" / f"{name}.txt").read_text(encoding="utf-8")
        assert reading.startswith("Patient's Sex: ") and "\nPatient's Age: 0" in reading
        assert reading.strip().endswith("normal") == name.endswith("_0")


def test_the_left_lung_of_the_patient_is_on_the_right_of_the_image(phantoms):
    masks = phantoms / "montgomery" / "MontgomerySet" / "ManualMask"
    for path in (masks / "leftMask").iterdir():
        left, right = grey(path), grey(masks / "rightMask" / path.name)
        assert np.nonzero(left)[1].mean() > np.nonzero(right)[1].mean()
        assert not (left & right).any()


def test_shenzhen_leaves_some_films_without_a_mask(phantoms):
    root = phantoms / "shenzhen"
    films = sorted((root / "ChinaSet_AllFiles" / "CXR_png").glob("CHNCXR_*_[01].png"))
    masks = {path.name for path in (root / "mask").iterdir()}
    with_mask = [path for path in films if f"{path.stem}_mask.png" in masks]
    assert len(films) == 7 and len(masks) == 6 and len(with_mask) == 6
    for path in with_mask:
        mask = grey(root / "mask" / f"{path.stem}_mask.png")
        assert mask.shape == grey(path).shape


def test_jsrt_is_raw_big_endian_twelve_bit_with_five_gif_masks_in_two_folds(phantoms):
    root = phantoms / "jsrt"
    films = sorted((root / "All247images").iterdir())
    assert {path.suffix for path in films} == {".IMG"}
    assert {path.name[:5] for path in films} == {"JPCLN", "JPCNN"}
    for path in films:
        assert path.stat().st_size == 2048 * 2048 * 2
        assert np.fromfile(path, ">u2").max() <= 4095
        fold = "fold1" if int(path.stem[-3:]) % 2 else "fold2"
        for structure in SCR:
            with Image.open(
                root / "scratch" / fold / "masks" / structure / f"{path.stem}.gif"
            ) as mask:
                assert mask.size == (1024, 1024)
                assert set(np.unique(np.asarray(mask.convert("L")))) == {0, 255}
    assert len(list((root / "scratch").rglob("*.gif"))) == 5 * len(films)


def test_jsrt_values_rise_with_film_density_so_that_lungs_are_high_and_the_heart_low(phantoms):
    root = phantoms / "jsrt"
    for path in (root / "All247images").iterdir():
        film = np.fromfile(path, ">u2").reshape(2048, 2048)[::2, ::2]
        fold = root / "scratch" / ("fold1" if int(path.stem[-3:]) % 2 else "fold2") / "masks"
        with Image.open(fold / "heart" / f"{path.stem}.gif") as picture:
            heart = np.asarray(picture.convert("L")) > 0
        with Image.open(fold / "left lung" / f"{path.stem}.gif") as picture:
            lung = np.asarray(picture.convert("L")) > 0
        assert film[lung].mean() > film[heart].mean() + 600


def test_vindr_columns_are_rows_of_points_or_none_as_pandas_writes_them(phantoms):
    root = phantoms / "vindr_ribcxr"
    for split, count in (("train", 4), ("val", 1)):
        path = root / "Annotations" / f"Vindr_RibCXR_{split}_mask.json"
        table = json.loads(path.read_text(encoding="utf-8"))
        assert list(table) == ["img", *RIBS]
        assert list(table["img"]) == [str(row) for row in range(count)]
        for row, name in table["img"].items():
            assert name == f"data/{split}/img/VinDr_RibCXR_{split}_{int(row):03d}.png"
            film = grey(root / "Data" / split / "img" / Path(name).name)
            for rib in RIBS:
                check_outline(table[rib][row], film.shape)


def check_outline(outline, shape: tuple[int, int]) -> None:
    if outline == "None":
        return
    assert len(outline) >= 3 and all(set(point) == {"x", "y"} for point in outline)
    assert all(0 <= point["x"] < shape[1] and 0 <= point["y"] < shape[0] for point in outline)


def test_a_rib_the_reader_left_out_is_the_string_none():
    class AlwaysLow:
        def random(self):
            return 0.0

    mask = np.ones((40, 40), bool)
    assert chest._outline(mask, AlwaysLow()) == "None"
    assert chest._outline(np.zeros((40, 40), bool), np.random.default_rng(0)) == "None"


def test_the_folder_says_that_it_is_a_phantom_and_how_it_was_made(phantoms):
    for name, count in (("montgomery", 5), ("shenzhen", 7), ("jsrt", 4), ("vindr_ribcxr", 5)):
        note = tomllib.loads((phantoms / name / "PHANTOM.toml").read_text(encoding="utf-8"))
        wanted = {"dataset": name, "version": VERSION, "seed": 3, "num_patients": count}
        assert note == wanted


# -- the same seed, the same bytes ---------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_films(phantoms, tmp_path):
    again = files_below(chest.make_montgomery(tmp_path / "again", NUM_PATIENTS, seed=3))
    assert again == files_below(phantoms / "montgomery")
    other = files_below(chest.make_montgomery(tmp_path / "other", 1, seed=4))
    films = [value for key, value in other.items() if "CXR_png" in key]
    assert not set(films) & set(again.values())


def test_a_patient_does_not_depend_on_how_many_there_are(phantoms, tmp_path):
    for make, name in ((chest.make_montgomery, "montgomery"), (chest.make_jsrt, "jsrt")):
        fewer = files_below(make(tmp_path / name, 2, seed=3))
        fewer.pop("PHANTOM.toml")
        assert fewer.items() <= files_below(phantoms / name).items()


def test_a_complete_phantom_is_left_as_it_is_and_another_size_replaces_it(tmp_path, monkeypatch):
    root = chest.make_montgomery(tmp_path / "m", 2, seed=0)
    before = (root / "PHANTOM.toml").stat().st_mtime_ns
    chest.make_montgomery(root, 2, seed=0)
    assert (root / "PHANTOM.toml").stat().st_mtime_ns == before
    chest.make_montgomery(root, 1, seed=0)
    assert len(list((root / "MontgomerySet" / "CXR_png").iterdir())) == 1


# -- whole or absent -----------------------------------------------------------------------------


def test_a_kill_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch):
    films = []

    def stop_at_the_third(path, image):
        films.append(path)
        if len(films) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(chest, "_write_image", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        chest.make_montgomery(tmp_path / "m", 4, seed=0)
    assert len(films) == 3  # it did begin
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_never_overwritten(tmp_path, phantoms):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "film.png").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="something other than the montgomery phantom"):
        chest.make_montgomery(tmp_path / "mine", 1, seed=0)
    with pytest.raises(FileExistsError, match="something other than the shenzhen phantom"):
        chest.make_shenzhen(phantoms / "montgomery", 1, seed=0)
    assert (tmp_path / "mine" / "film.png").read_bytes() == b"precious"


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OSError, match="Cannot write the phantom into .*file.* you may write to"):
        chest.make_montgomery(tmp_path / "file" / "montgomery", 1, seed=0)


def test_no_patients_are_refused(tmp_path):
    with pytest.raises(ValueError, match="num_patients is 0; a phantom needs at least 1"):
        chest.make_jsrt(tmp_path / "j", 0, seed=0)


# -- anatomy -------------------------------------------------------------------------------------


def test_lungs_are_darker_than_what_surrounds_them(phantoms):
    folder = phantoms / "montgomery" / "MontgomerySet"
    for path in (folder / "CXR_png").iterdir():
        film = grey(path)
        masks = [
            grey(folder / "ManualMask" / f"{side}Mask" / path.name) for side in ("left", "right")
        ]
        lungs = (masks[0] | masks[1]) > 0
        box = np.ix_(lungs.any(axis=1), lungs.any(axis=0))  # the mediastinum lies in this box
        assert film[lungs].mean() < film[box][~lungs[box]].mean() - 30


def test_clavicles_lie_partly_over_the_lungs(thoraxes):
    for _, thorax in thoraxes:
        for side in ("left", "right"):
            clavicle, lung = thorax.masks[f"{side}_clavicle"], thorax.masks[f"{side}_lung"]
            assert 0.15 < (clavicle & lung).sum() / clavicle.sum() < 0.95


def test_lung_behind_the_heart_is_left_out_and_the_heart_is_whole(thoraxes):
    for _, thorax in thoraxes:
        lungs = thorax.masks["left_lung"] | thorax.masks["right_lung"]
        assert not (thorax.masks["heart"] & lungs).any()
        assert cv2.connectedComponents(thorax.masks["heart"].astype(np.uint8))[0] == 2


def test_the_cardiothoracic_ratio_on_the_masks_is_the_one_drawn_and_varies(thoraxes):
    measured, drawn = [], []
    for patient, thorax in thoraxes:
        lungs = thorax.masks["left_lung"] | thorax.masks["right_lung"]
        heart_px = np.ptp(np.nonzero(thorax.masks["heart"].any(axis=0))[0])
        measured.append(heart_px / np.ptp(np.nonzero(lungs.any(axis=0))[0]))
        drawn.append(patient.cardiothoracic_ratio)
    np.testing.assert_allclose(measured, drawn, atol=0.04)
    assert np.std(measured) > 0.03


def test_neighbouring_ribs_overlap_on_the_film(thoraxes):
    for _, thorax in thoraxes:
        overlaps = [
            (thorax.masks[f"{side}{n}"] & thorax.masks[f"{side}{n + 1}"]).any()
            for side in "RL"
            for n in range(2, 9)
        ]
        assert sum(overlaps) >= 10


def test_ribs_are_denser_than_the_lung_beside_them(thoraxes):
    for _, thorax in thoraxes:
        ribs = np.any([thorax.masks[name] for name in RIBS], axis=0)
        lung = thorax.masks["right_lung"]
        between = thorax.attenuation[lung & ~ribs].mean()
        assert thorax.attenuation[lung & ribs].mean() > between + 0.1


def test_fluid_takes_the_costophrenic_angle_from_the_lung_mask():
    film = Film((320, 300), 0.12, -18.0, -5.5)
    lungs = {}
    for finding in ("normal", "effusion"):
        rng = np.random.default_rng(5)
        masks = render_thorax(draw_patient(rng, finding), film, rng).masks
        lungs[finding] = (masks["left_lung"] | masks["right_lung"]).sum()
    assert lungs["effusion"] < 0.97 * lungs["normal"]


def test_the_two_hospitals_show_the_same_anatomy_differently(thoraxes):
    _, thorax = thoraxes[0]
    film = Film((320, 300), 0.12, -18.0, -5.5)
    lungs = thorax.masks["left_lung"] | thorax.masks["right_lung"]
    levels = [
        chest.expose(thorax.attenuation, lungs, hospital, film, np.random.default_rng(1))[lungs]
        for hospital in (MONTGOMERY, SHENZHEN)
    ]
    assert levels[1].mean() > levels[0].mean() + 0.05


def test_the_shadow_of_a_full_rod_is_its_chord_times_the_attenuation():
    film = Film((100, 200), 0.05, -5.0, -2.5)
    x = np.linspace(-8, 8, 640)
    centre = np.stack([x, 0 * x, 0 * x], axis=1)
    tube = Tube(centre, np.full(640, 0.99), np.full(640, 0.5))
    shadow = project_tube(film, tube, shell=0.2, cortex=0.3, marrow=0.3)
    y = film.grid_cm()[1][:, 0]
    chord = 2 * 0.5 * np.sqrt(np.clip(1 - (y / 0.99) ** 2, 0, None))
    np.testing.assert_allclose(shadow.mean(axis=1), 0.3 * chord, atol=0.03)
    np.testing.assert_array_equal(tube_mask(film, tube).any(axis=1), np.abs(y) < 0.99)
