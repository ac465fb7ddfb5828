"""The head CT phantom: layout, labels, headers and their traps, tissues, bleeds, determinism."""

import re
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
from phantom_files import files_below
from scipy.ndimage import binary_dilation, label

from radiokit.phantoms import headct
from radiokit.phantoms.bleeds import FORMS, KINDS, SUBTYPES, SUTURES_MM, Bleed, draw_bleeds
from radiokit.phantoms.ct import (
    HOSPITALS,
    SIZE,
    add_holder,
    draw_scanner,
    fall_mm,
    scanner_errors,
    scanner_points_mm,
)
from radiokit.phantoms.ct_files import PADDING, store, write_slice
from radiokit.phantoms.folder import VERSION
from radiokit.phantoms.head import draw_head, place_head
from radiokit.phantoms.tissues import MIN_PIXELS, drop_specks, head_maps, paint_slice, soften

NUM_PATIENTS = 6
LABELS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
NAMES = {"image": "ID_a", "patient": "ID_b", "exam": "ID_c", "series": "ID_d", "uid": "1.2.3"}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    return headct.make_rsna_ich(tmp_path_factory.mktemp("phantoms") / "r", NUM_PATIENTS, seed=3)


@pytest.fixture(scope="module")
def headers(phantom) -> pd.DataFrame:
    """A row an image: what its header says."""
    rows = []
    for path in sorted((phantom / "stage_2_train").iterdir()):
        dataset = read(path, stop_before_pixels=True)
        place = [float(value) for value in dataset.ImagePositionPatient]
        rows.append(
            {
                "image": path.stem,
                "sop": str(dataset.SOPInstanceUID),
                "patient": dataset.PatientID,
                "exam": str(dataset.StudyInstanceUID),
                "series": str(dataset.SeriesInstanceUID),
                "z": place[2],
                "spacing": tuple(dataset.PixelSpacing),
                "down_z": float(dataset.ImageOrientationPatient[5]),
            }
        )
    return pd.DataFrame(rows)


def read(path: Path, **options) -> pydicom.Dataset:
    """The real set's names are no valid UIDs, of which pydicom warns when they are read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, **options)
        dataset.decode()
    return dataset


def mask_of(phantom: Path, image: str) -> np.ndarray:
    return cv2.imread(str(phantom / "masks" / f"{image}.png"), cv2.IMREAD_UNCHANGED)


def wide_labels(phantom: Path) -> pd.DataFrame:
    table = pd.read_csv(phantom / "stage_2_train.csv").drop_duplicates()
    parts = table["ID"].str.rsplit("_", n=1, expand=True)
    return table.assign(image=parts[0], label=parts[1]).pivot(
        index="image", columns="label", values="Label"
    )


def an_adult(seed: int = 5):
    """Someone of middle age, straight in the scanner, with neither drain nor operation."""
    head = draw_head(np.random.default_rng(seed))
    return replace(
        head,
        age_years=60,
        size=(1.0, 1.0, 1.0),
        turn_degrees=(0.0, 0.0, 0.0),
        offset_mm=(0.0, 0.0),
        sulcus_mm=1.4,
        ventricle_scale=1.2,
        grey_hu=36.0,
        white_hu=28.0,
        opening=None,
        drain=0,
        skew=0.0,
    )


def a_scanner(**changes):
    scanner = draw_scanner(np.random.default_rng(1), 77.0, 1)
    positions = tuple(float(z) for z in np.arange(-30, 80, 5))
    changes = {"tilt_degrees": 0.0, "moved": (), "pixel_mm": 0.92} | changes
    return replace(scanner, positions_mm=positions, thickness_mm=5.0, **changes)


def painted(*bleeds: Bleed) -> tuple[np.ndarray, np.ndarray, dict]:
    """Hounsfield units and labels (slices, rows, columns) before the scanner, and the maps."""
    head, scanner = an_adult(), a_scanner()
    coarse = scanner_points_mm(scanner, 2)
    maps = head_maps(head, place_head(head, coarse), bleeds, coarse[1])
    raw = {name: value for name, value in maps.items() if name != "bleeds"}
    soften(maps, scanner.pixel_mm, np.array(scanner.positions_mm), scanner.thickness_mm)
    count = len(scanner.positions_mm)
    slices = [paint_slice(head, bleeds, maps, index, fall_mm(scanner)) for index in range(count)]
    hu, labels = (np.stack(part) for part in zip(*slices, strict=True))
    return hu, labels, raw


def a_bleed(form: str, **changes) -> Bleed:
    centre, half = {
        "lens": ((62.0, 10.0, 25.0), (26.0, 26.0, 14.0)),
        "crescent": ((60.0, 5.0, 25.0), (80.0, 45.0, 9.0)),
        "falx": ((2.0, -50.0, 35.0), (40.0, 30.0, 4.0)),
        "tent": ((25.0, 45.0, 0.0), (30.0, 35.0, 3.0)),
        "patch": ((60.0, 0.0, 25.0), (30.0, 30.0, 30.0)),
        "level": ((0.0, 0.0, 0.0), (0.0, 0.0, 9.0)),
        "cast": ((9.0, 0.0, 15.0), (60.0, 60.0, 60.0)),
        "clot": ((27.0, -4.0, 6.0), (15.0, 18.0, 16.0)),
    }[form]
    side = 0 if form in ("level", "patch") else 1
    return replace(Bleed(form, side, centre, half, 64.0, seed=4), **changes)


def fine(field: np.ndarray) -> np.ndarray:
    """Half resolution → full, as the slices have it."""
    return field.repeat(2, axis=1).repeat(2, axis=2)


# -- layout --------------------------------------------------------------------------------------


def test_every_image_has_six_lines_a_dicom_file_and_a_mask(phantom):
    lines = (phantom / "stage_2_train.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "ID,Label"
    assert all(re.fullmatch(r"ID_[0-9a-f]{9}_[a-z]+,[01]", line) for line in lines[1:])
    images = {path.stem for path in (phantom / "stage_2_train").iterdir()}
    assert {path.suffix for path in (phantom / "stage_2_train").iterdir()} == {".dcm"}
    assert {path.stem for path in (phantom / "masks").iterdir()} == images
    wide = wide_labels(phantom)
    assert set(wide.index) == images and set(wide.columns) == set(LABELS)
    assert wide.notna().all(axis=None)
    assert 20 * NUM_PATIENTS <= len(images) <= 23 * NUM_PATIENTS


def test_one_image_stands_twice_in_the_table_and_agrees_with_itself(phantom):
    table = pd.read_csv(phantom / "stage_2_train.csv")
    again = table[table.duplicated(keep="first")]
    assert len(again) == 6 and again["ID"].str.rsplit("_", n=1).str[0].nunique() == 1
    assert table.drop_duplicates()["ID"].is_unique


def test_images_stand_in_no_order_but_the_six_lines_of_each_together(phantom, headers):
    table = pd.read_csv(phantom / "stage_2_train.csv")
    images = table["ID"].str.rsplit("_", n=1).str[0].to_numpy().reshape(-1, 6)
    assert (images == images[:, :1]).all()
    exams = headers.set_index("image")["exam"].loc[images[:, 0]].to_numpy()
    assert (exams[1:] == exams[:-1]).mean() < 0.5
    assert list(table["ID"].str.rsplit("_", n=1).str[1][:6]) == list(LABELS)


def test_a_label_is_1_where_the_mask_holds_at_least_four_pixels_of_it(phantom):
    wide = wide_labels(phantom)
    for image, labels in wide.iterrows():
        mask = mask_of(phantom, image)
        assert mask.dtype == np.uint8 and mask.shape == (256, 256) and mask.max() <= 5
        counts = np.bincount(mask.ravel(), minlength=6)[1:]
        assert all(count == 0 or count >= 4 for count in counts)
        assert [labels[name] for name in LABELS[:5]] == [int(count > 0) for count in counts]
        assert labels["any"] == int(counts.sum() > 0)
    assert 0.03 < wide["any"].mean() < 0.6


def test_specks_are_no_finding():
    labels = np.zeros((9, 9), np.uint8)
    labels[0, :3], labels[4, :4] = 2, 5
    assert MIN_PIXELS == 4
    np.testing.assert_array_equal(np.unique(drop_specks(labels)), [0, 5])


def test_the_folder_says_that_it_is_a_phantom_and_how_it_was_made(phantom):
    note = tomllib.loads((phantom / "PHANTOM.toml").read_text(encoding="utf-8"))
    wanted = {"dataset": "rsna_ich", "version": VERSION, "seed": 3, "num_patients": NUM_PATIENTS}
    assert note == wanted


# -- headers -------------------------------------------------------------------------------------


def test_headers_hold_the_real_sets_names_in_place_of_uids(headers):
    assert (headers["sop"] == headers["image"]).all()
    for column, digits in (("patient", 8), ("exam", 10), ("series", 10)):
        assert headers[column].str.fullmatch(rf"ID_[0-9a-f]{{{digits}}}").all()
        assert headers[column].nunique() == NUM_PATIENTS


def test_slices_of_an_exam_lie_in_equal_or_slightly_uneven_steps_along_the_table(headers):
    for _, exam in headers.groupby("exam"):
        gaps = np.diff(np.sort(exam["z"]))
        assert 3.9 < gaps.min() and gaps.max() < 5.6
        assert exam["down_z"].nunique() == 1 and exam["spacing"].nunique() == 1


def test_files_say_nothing_of_a_person_and_their_own_header_is_valid(phantom):
    for path in list((phantom / "stage_2_train").iterdir())[:12]:
        dataset = read(path, stop_before_pixels=True)
        assert "PatientName" not in dataset and "PatientBirthDate" not in dataset
        assert "StudyDate" not in dataset and "InstitutionName" not in dataset
        assert dataset.file_meta.MediaStorageSOPInstanceUID.is_valid
        assert path.read_bytes()[128:132] == b"DICM"
        assert (dataset.Rows, dataset.Columns, dataset.Modality) == (256, 256, "CT")


def test_of_20_hospitals_two_wrap_around_and_one_writes_no_window():
    found = [headct.hospital_of(index, 7) for index in range(40)]
    assert sorted(found[:20]) == sorted(found[20:]) == list(range(20))
    rng = np.random.default_rng(0)
    scanners = [draw_scanner(rng, 77.0, hospital) for hospital in range(20)]
    assert sum(scanner.wraps for scanner in scanners) == 2
    assert sum(scanner.window is None for scanner in scanners) == 1
    assert {scanner.is_signed for scanner in scanners} == {True, False}
    assert {(bits, signed) for bits, signed, *_ in HOSPITALS} == {(12, False), (16, True)}


def test_wrapped_values_are_undone_by_the_published_rule(tmp_path):
    hu = np.full((SIZE, SIZE), -1000.0, np.float32)
    hu[60:200, 60:200] = np.linspace(-120, 1900, 140)
    scanner = a_scanner(bits=12, is_signed=False, intercept=0, wraps=True, has_circle=False)
    write_slice(tmp_path / "a.dcm", hu, scanner, 3, NAMES)
    dataset = read(tmp_path / "a.dcm")
    assert (dataset.BitsStored, dataset.PixelRepresentation) == (12, 0)
    assert float(dataset.RescaleIntercept) > -100
    stored = dataset.pixel_array.astype(int)
    assert stored[0, 0] == 4096 - 1000  # air would be taken for metal
    corrected = stored + 1000
    corrected[corrected >= 4096] -= 4096
    np.testing.assert_array_equal(corrected - 1000, np.round(hu))


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "rle", "jpegls"])
@pytest.mark.parametrize(("bits", "is_signed", "intercept"), [(12, False, -1024), (16, True, 0)])
def test_every_transfer_syntax_gives_the_stored_values_back(
    tmp_path, syntax, bits, is_signed, intercept
):
    hu = np.random.default_rng(2).normal(40, 300, (SIZE, SIZE)).astype(np.float32)
    scanner = a_scanner(bits=bits, is_signed=is_signed, intercept=intercept, wraps=False,
                        has_circle=is_signed, transfer_syntax=syntax)  # fmt: skip
    write_slice(tmp_path / "a.dcm", hu, scanner, 0, NAMES)
    dataset = read(tmp_path / "a.dcm")
    inside = dataset.pixel_array != PADDING
    found = dataset.pixel_array.astype(float) * float(dataset.RescaleSlope)
    found += float(dataset.RescaleIntercept)
    np.testing.assert_allclose(found[inside], np.clip(hu, -1024, 3071)[inside], atol=0.51)


def test_padding_lies_outside_the_circle_of_view_only():
    scanner = a_scanner(is_signed=True, intercept=-1024, wraps=False, has_circle=True)
    stored = store(np.full((SIZE, SIZE), -1000.0), scanner)
    assert PADDING == -2000 and stored[0, 0] == -2000 and stored[-1, -1] == -2000
    assert stored[SIZE // 2, 0] == stored[SIZE // 2, SIZE // 2] == 24
    assert (stored == PADDING).mean() == pytest.approx(1 - np.pi / 4, abs=0.01)


def test_a_tilted_gantry_is_told_by_the_orientation(tmp_path):
    scanner = a_scanner(tilt_degrees=18.5, says_more=True, wraps=False)
    write_slice(tmp_path / "a.dcm", np.zeros((SIZE, SIZE)), scanner, 0, NAMES)
    dataset = read(tmp_path / "a.dcm")
    assert float(dataset.GantryDetectorTilt) == 18.5
    np.testing.assert_allclose(
        [float(value) for value in dataset.ImageOrientationPatient],
        [1, 0, 0, 0, 0.9483237, -0.3173047],  # as a GE scanner writes 18.5 degrees
        atol=1e-5,
    )
    first = scanner_points_mm(scanner, 1)[:, 0, 0, 0]
    np.testing.assert_allclose(
        [float(value) for value in dataset.ImagePositionPatient], first, atol=1e-3
    )


# -- tissues -------------------------------------------------------------------------------------


def test_tissues_have_their_hounsfield_units():
    hu, _, raw = painted()
    maps = {name: fine(raw[name]) for name in ("cavity", "bone", "ventricles", "dome", "skin")}
    deep = (maps["dome"] < -30) & (np.abs(fine(raw["cisterns"])) > 4) & (maps["cavity"] < -8)
    assert (hu[maps["skin"] > 6] == -1000).all()
    assert np.median(hu[maps["ventricles"] < -2.5]) == pytest.approx(7, abs=2)
    white = deep & (maps["ventricles"] > 8) & (fine(raw["deep"]) > 6) & (fine(raw["falx"]) > 4)
    white &= fine(raw["tentorium"]) > 6
    assert 24 < np.median(hu[white & (np.abs(fine(raw["folds"])) > 6)]) < 32
    assert 31 < np.median(hu[fine(raw["deep"]) < -3]) < 38
    inside_bone = (maps["bone"] < -1.5) & (maps["cavity"] > 1.5) & (fine(raw["air"]) > 3)
    assert 600 < np.median(hu[inside_bone]) < 1500
    assert np.median(hu[(fine(raw["air"]) < -2.5)]) < -800
    assert hu[fine(raw["orbits"]) < -4].min() < -60


def test_the_patients_left_is_on_the_right_of_the_image():
    _, labels, _ = painted(a_bleed("clot"))
    assert np.nonzero(labels)[2].mean() > SIZE / 2 + 15


def test_the_skull_is_closed_around_the_brain_above_the_ears():
    hu, _, raw = painted()
    for index in range(12, 18):
        parts, _ = label(hu[index] < 200)
        middle = parts[SIZE // 2, SIZE // 2]
        assert middle and middle != parts[0, 0]


def test_old_brains_have_wider_ventricles_and_calcify_more():
    def drawn(low, high):
        heads = [draw_head(np.random.default_rng(seed)) for seed in range(300)]
        return [head for head in heads if low <= head.age_years < high]

    old, young = drawn(75, 99), drawn(0, 45)
    for name in ("ventricle_scale", "sulcus_mm"):
        means = [np.mean([getattr(head, name) for head in heads]) for heads in (old, young)]
        assert means[0] > 1.2 * means[1]


# -- bleeds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_is_marked_with_its_subtype_and_holds_its_blood(form):
    bleed = a_bleed(form)
    hu, labels, _ = painted(bleed)
    assert set(np.unique(labels)) == {0, 1 + SUBTYPES.index(SUBTYPES[FORMS[form] - 1])}
    assert labels.any(axis=(1, 2)).sum() >= 2
    assert 42 < np.median(hu[labels > 0]) < 75


def test_subtypes_are_numbered_in_the_order_of_the_labels():
    assert SUBTYPES == LABELS[:5]
    wanted = {"lens": "epidural", "clot": "intraparenchymal", "cast": "intraventricular",
              "patch": "subarachnoid", "crescent": "subdural"}  # fmt: skip
    for form, subtype in wanted.items():
        assert LABELS[FORMS[form] - 1] == subtype


def test_an_epidural_is_a_lens_at_the_skull_between_two_sutures():
    hu, labels, raw = painted(a_bleed("lens", centre=(60.0, 40.0, 25.0)))
    assert labels.any()
    depth = -fine(raw["cavity"])[labels > 0]
    assert depth.min() < 2 and 8 < depth.max() < 22
    y = fine(scanner_points_mm(a_scanner(), 2)[1])[labels > 0]
    assert y.min() > SUTURES_MM[0] - 4 and y.max() < SUTURES_MM[1] + 4
    middle = labels[int(labels.sum(axis=(1, 2)).argmax())] > 0
    assert (
        cv2.contourArea(cv2.convexHull(np.argwhere(middle).astype(np.int32))) < 1.2 * middle.sum()
    )


def test_a_subdural_follows_the_skull_far_across_a_suture_but_not_across_the_falx():
    _, labels, raw = painted(a_bleed("crescent"))
    points = scanner_points_mm(a_scanner(), 2)
    x, y = (fine(part)[labels > 0] for part in points[:2])
    assert -fine(raw["cavity"])[labels > 0].min() < 12
    assert np.ptp(y) > 90 and y.min() < SUTURES_MM[0]
    assert x.min() > -2


def test_intraventricular_blood_lies_in_the_ventricles_and_a_level_at_their_bottom():
    for form in ("level", "cast"):
        _, labels, raw = painted(a_bleed(form))
        assert np.quantile(fine(raw["ventricles"])[labels > 0], 0.98) < 2
    _, labels, raw = painted(a_bleed("level"))
    rows = np.nonzero(labels)[1]
    lateral = (fine(raw["ventricles"]) < 0) & (fine(scanner_points_mm(a_scanner(), 2)[2]) > -8)
    assert np.median(rows) > np.quantile(np.nonzero(lateral)[1], 0.8)


def test_subarachnoid_blood_is_thin_and_lies_at_the_surface_in_folds():
    _, labels, raw = painted(a_bleed("patch"))
    assert (-fine(raw["dome"])[labels > 0]).max() < 40
    patch = labels == 4
    for index in np.flatnonzero(patch.any(axis=(1, 2))):
        widest = cv2.distanceTransform(patch[index].astype(np.uint8), cv2.DIST_L2, 5).max()
        assert widest < 8


def test_a_clot_wears_a_rim_of_oedema_darker_than_white_matter():
    hu, labels, _ = painted(a_bleed("clot", oedema=6.0))
    without, _, _ = painted(a_bleed("clot"))
    index = int(labels.sum(axis=(1, 2)).argmax())
    rim = binary_dilation(labels[index] > 0, iterations=4) & (labels[index] == 0)
    rim &= ~binary_dilation(labels[index] > 0, iterations=2)
    assert np.median(hu[index][rim]) < np.median(without[index][rim]) - 3


def test_a_large_clot_pushes_the_ventricles_across_the_midline():
    _, _, calm = painted()
    _, _, pushed = painted(a_bleed("clot", half=(22.0, 26.0, 24.0)))
    x = scanner_points_mm(a_scanner(), 2)[0]
    third = np.abs(scanner_points_mm(a_scanner(), 2)[1]) < 8
    shift = [x[(maps["ventricles"] < 0) & third].mean() for maps in (calm, pushed)]
    assert shift[1] < shift[0] - 2  # the clot lies on the left, at larger x


def test_half_of_the_exams_bleed_and_of_thirty_at_least_one_epidurally():
    for seed in range(12):
        kinds = [headct.kind_of(index, seed) for index in range(64)]
        assert kinds.count("none") == 32 and kinds.count("epidural") == 4
        assert "epidural" in kinds[:30]
        assert {kind: kinds.count(kind) for kind in KINDS} == {k: 2 * n for k, n in KINDS.items()}


def test_a_block_of_exams_holds_every_subtype_and_epidurals_are_the_rarest():
    counts = dict.fromkeys(SUBTYPES, 0)
    for kind, weight in KINDS.items():
        for seed in range(40):
            bleeds = draw_bleeds(kind, np.random.default_rng(seed))
            for value in {FORMS[bleed.form] for bleed in bleeds}:
                counts[SUBTYPES[value - 1]] += weight / 40
    assert draw_bleeds("none", np.random.default_rng(0)) == ()
    assert min(counts, key=counts.get) == "epidural"
    assert min(counts.values()) > 1


# -- the scanner ---------------------------------------------------------------------------------


def test_brain_between_two_dense_bones_is_darker_than_brain_beside_them():
    hu = np.full((SIZE, SIZE), 30.0, np.float32)
    hu[115:140, 60:90] = hu[115:140, 166:196] = 1500
    scanner = a_scanner(hardening=1.0, noise_hu=0.01)
    error = scanner_errors(hu, scanner, np.random.default_rng(0))
    assert error[122:133, 118:138].mean() < error[60:80, 118:138].mean() - 2


def test_the_holder_lies_in_the_air_only():
    for holder in (1, 2):
        hu = add_holder(np.full((SIZE, SIZE), -1000.0, np.float32), a_scanner(holder=holder))
        assert 0.001 < (hu > 0).mean() < 0.03
        brain = np.full((SIZE, SIZE), 30.0, np.float32)
        np.testing.assert_array_equal(add_holder(brain, a_scanner(holder=holder)), brain)


def test_noise_has_the_deviation_it_was_set_to_and_a_grain():
    head = an_adult()
    for sharpness in (0.0, 1.0):
        scanner = a_scanner(noise_hu=4.0, sharpness=sharpness, hardening=0.0, holder=0)
        exams = [
            [hu for hu, _ in headct.image_exam(head, (), replace(scanner, seed=seed))][12]
            for seed in (1, 2)
        ]
        noise = (exams[0] - exams[1])[100:150, 100:150] / np.sqrt(2)
        assert noise.std() == pytest.approx(4.0, rel=0.2)
        neighbours = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
        assert neighbours > (0.1 if sharpness else 0.5)


# -- the same seed, the same bytes ---------------------------------------------------------------


def test_processes_and_one_process_give_the_same_bytes(phantom, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = files_below(headct.make_rsna_ich(tmp_path / "alone", NUM_PATIENTS, seed=3))
    assert alone == files_below(phantom)


def test_a_patient_does_not_depend_on_how_many_there_are_but_on_the_seed(phantom, tmp_path):
    fewer = files_below(headct.make_rsna_ich(tmp_path / "fewer", 1, seed=3))
    for name in ("PHANTOM.toml", "stage_2_train.csv"):
        fewer.pop(name)
    whole = files_below(phantom)
    assert fewer.items() <= whole.items()
    other = files_below(headct.make_rsna_ich(tmp_path / "other", 1, seed=4))
    slices = {value for name, value in other.items() if name.endswith(".dcm")}
    assert not slices & set(whole.values())


def test_a_kill_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch):
    written = []

    def stop_at_the_third(path, labels):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(headct, "_write_mask", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        headct.make_rsna_ich(tmp_path / "r", 2, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_wrongly_is_refused(tmp_path):
    with pytest.raises(ValueError, match="num_patients is 0; a phantom needs at least 1"):
        headct.make_rsna_ich(tmp_path / "r", 0, seed=0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.dcm").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="something other than the rsna_ich phantom"):
        headct.make_rsna_ich(tmp_path / "mine", 1, seed=0)
