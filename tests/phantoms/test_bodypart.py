"""The body part phantoms: layout, labels, readings, films, storage, headers, determinism."""

import itertools
import json
import tomllib
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from phantom_files import files_below

from radiokit.data.bodypart import index_mdai, index_unifesp
from radiokit.data.bodypart_labels import PUBLIC_LABELS, STUDY_LABELS, labels_of_header
from radiokit.io.dicom import read_dicom
from radiokit.io.rasters import read_radiograph
from radiokit.phantoms import bodypart
from radiokit.phantoms.bodypart_annotations import Taken, write_export
from radiokit.phantoms.bodypart_files import (
    SYNTAXES,
    Storage,
    draw_storage,
    store,
    write_radiograph,
)
from radiokit.phantoms.bodypart_film import MDAI_LOOKS, UNIFESP_LOOKS, expose, take_film
from radiokit.phantoms.bodypart_headers import claim_body_part, claim_side, claim_view
from radiokit.phantoms.bodypart_views import PROJECTIONS, View, draw_build
from radiokit.phantoms.bones import SOFT, long_bone, rod_thickness_cm
from radiokit.phantoms.folder import VERSION

NUM_MDAI, NUM_UNIFESP = 40, 15  # every label is among the first 40
SAYS = {"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1"}
QUIET = replace(
    MDAI_LOOKS[0], turn_degrees=0.0, unhung=0.0, marked=0.0, collimated=0.0, words=("",)
)


@pytest.fixture(scope="module")
def mdai(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)  # few patients are faster than new processes
        return bodypart.make_mdai(tmp_path_factory.mktemp("phantoms") / "m", NUM_MDAI, seed=3)


@pytest.fixture(scope="module")
def unifesp(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)
        folder = tmp_path_factory.mktemp("phantoms") / "u"
        return bodypart.make_unifesp(folder, NUM_UNIFESP, seed=3)


@pytest.fixture(scope="module")
def mdai_table(mdai) -> pd.DataFrame:
    return index_mdai(mdai / "mdai_export.json", mdai / "images")


@pytest.fixture(scope="module")
def unifesp_table(unifesp) -> pd.DataFrame:
    return index_unifesp(unifesp)


@pytest.fixture(scope="module")
def export(mdai) -> dict:
    return json.loads((mdai / "mdai_export.json").read_text(encoding="utf-8"))


def header_of(path: Path) -> pydicom.Dataset:
    """Lower case and Portuguese in a code string are what these headers hold, with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        dataset.decode()
    return dataset


def draw_leg(film, build, rng):
    """A straight bone left of the middle of a straight limb."""
    soft = SOFT * rod_thickness_cm(film, [(0, -30), (0, 30)], 5.0)
    return soft + long_bone(film, [(-2, -30), (-2, 30)], 1.2)


LEG = View(("Lower Leg",), "Frontal", (40.0, 20.0), True, draw_leg)


def a_film(seed: int = 0, side: str = "R", view: View = LEG, **changes) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return take_film(view, draw_build(rng), side, replace(QUIET, **changes), rng)[0]


def bone_column(image: np.ndarray) -> float:
    """Where the brightest column is, 0 left .. 1 right."""
    return float(image.mean(axis=0).argmax() / image.shape[1])


# -- layout --------------------------------------------------------------------------------------


def test_files_lie_in_folders_of_their_exam_and_series(mdai, unifesp):
    places = (mdai / "images", ".dcm", NUM_MDAI), (unifesp / "train", "-c.dcm", NUM_UNIFESP)
    for folder, ending, num_patients in places:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert len(files) > 1.4 * num_patients
        for path in files:
            dataset = header_of(path)
            names = path.relative_to(folder).parts
            uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
            assert names == (uids[0], uids[1], f"{uids[2]}{ending}")
            assert all(pydicom.uid.UID(uid).is_valid for uid in uids)
            assert dataset.file_meta.MediaStorageSOPInstanceUID == uids[2]


@pytest.mark.parametrize(("name", "number"), [("mdai", NUM_MDAI), ("unifesp", NUM_UNIFESP)])
def test_the_folder_says_that_it_is_a_phantom_and_how_it_was_made(name, number, request):
    note = (request.getfixturevalue(name) / "PHANTOM.toml").read_text(encoding="utf-8")
    wanted = {"dataset": name, "version": VERSION, "seed": 3, "num_patients": number}
    assert tomllib.loads(note) == wanted


def test_files_say_nothing_of_a_person(mdai, unifesp):
    for path in [*mdai.rglob("*.dcm"), *unifesp.rglob("*.dcm")]:
        dataset = header_of(path)
        assert dataset.PatientName == "PHANTOM"
        for keyword in ("PatientBirthDate", "PatientAge", "StudyDate", "InstitutionName"):
            assert keyword not in dataset


def test_the_public_set_has_no_patients_and_the_study_has(mdai, unifesp):
    assert {header_of(path).PatientID for path in unifesp.rglob("*.dcm")} == {""}
    assert len({header_of(path).PatientID for path in mdai.rglob("*.dcm")}) == NUM_MDAI


def test_the_table_of_the_public_set_lists_every_image_once_with_its_class_ids(unifesp):
    table = pd.read_csv(unifesp / "train.csv", dtype=str)
    assert list(table.columns) == ["SOPInstanceUID", "Target"]
    images = {path.name.removesuffix("-c.dcm") for path in unifesp.rglob("*.dcm")}
    assert table["SOPInstanceUID"].is_unique and set(table["SOPInstanceUID"]) == images
    for target in table["Target"]:
        ids = [int(number) for number in target.split(" ")]
        assert ids == sorted(set(ids)) and 0 <= ids[0] and ids[-1] <= 21


def test_the_export_has_the_studys_labels_and_the_projections(export):
    groups = {group["name"]: group["labels"] for group in export["labelGroups"]}
    assert tuple(label["name"] for label in groups["Body part"]) == STUDY_LABELS
    assert tuple(label["name"] for label in groups["Projection"]) == PROJECTIONS
    ids = [label["id"] for labels in groups.values() for label in labels]
    assert len(set(ids)) == 29 and all(name.startswith("L_") for name in ids)


def test_annotations_belong_to_images_of_the_export_and_to_four_people(export, mdai):
    annotations = export["datasets"][0]["annotations"]
    files = {path.relative_to(mdai / "images").as_posix() for path in mdai.rglob("*.dcm")}
    folders = {str(Path(name).parent.as_posix()) for name in files}
    for each in annotations:
        if "SOPInstanceUID" in each:
            parts = (each[f"{level}InstanceUID"] for level in ("Study", "Series", "SOP"))
            assert "/".join(parts) + ".dcm" in files
        elif "SeriesInstanceUID" in each:
            assert f"{each['StudyInstanceUID']}/{each['SeriesInstanceUID']}" in folders
    assert len({each["id"] for each in annotations}) == len(annotations)
    assert len({each["createdById"] for each in annotations}) == 4
    exams = {name.split("/")[0] for name in files}
    assert {study["StudyInstanceUID"] for study in export["datasets"][0]["studies"]} == exams


# -- labels --------------------------------------------------------------------------------------


def test_two_images_show_sacroiliac_and_one_cavum(mdai_table):
    assert mdai_table["Sacroiliac"].sum() == 2
    assert mdai_table[mdai_table["Sacroiliac"] == 1]["patient_id"].nunique() == 2
    assert mdai_table["Cavum"].sum() == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_rarest_parts_come_once_among_the_first_forty_patients_and_never_again(seed):
    parts = [bodypart.part_of(index, seed, bodypart.MDAI) for index in range(1000)]
    assert Counter(parts[:40])["Sacroiliac"] == Counter(parts)["Sacroiliac"] == 2
    assert Counter(parts[:40])["Cavum"] == Counter(parts)["Cavum"] == 1
    assert set(parts[:40]) == set(STUDY_LABELS)
    public = [bodypart.part_of(index, seed, bodypart.UNIFESP) for index in range(1000)]
    assert set(public[:40]) == set(public) == set(PUBLIC_LABELS)


def test_no_view_shows_a_rarest_part_beside_what_was_asked_for():
    rng = np.random.default_rng(0)
    for place, part in itertools.product((bodypart.MDAI, bodypart.UNIFESP), STUDY_LABELS):
        if part not in place.labels:
            continue
        for _ in range(20):
            chosen = bodypart.choose_views(part, place, rng)
            shown = {label for view, _ in chosen for label in view.labels}
            assert shown <= set(place.labels) and not shown & ({"Sacroiliac", "Cavum"} - {part})
            assert part in shown and (len(chosen) == 1 or part not in bodypart.RARE)


def test_chest_dominates_abdomen_is_second_and_a_long_tail_follows():
    counts = Counter()
    for index in range(640):
        rng = np.random.default_rng([5, index])
        part = bodypart.part_of(index, 0, bodypart.MDAI)
        counts.update(label for view, _ in bodypart.choose_views(part, bodypart.MDAI, rng)
                      for label in view.labels)  # fmt: skip
    first, second = (label for label, _ in counts.most_common(2))
    images = counts.total()
    assert (first, second) == ("Chest", "Abdomen")
    assert 0.22 < counts["Chest"] / images < 0.36 and 0.06 < counts["Abdomen"] / images < 0.14
    assert counts["Arm"] < 0.04 * images


def test_every_label_and_projection_is_shown_and_some_images_have_two_labels(mdai_table):
    labels = list(STUDY_LABELS)
    assert (mdai_table[labels].sum() > 0).all()
    assert (mdai_table[labels].sum(axis=1) > 1).any()
    assert {view.projection for view in bodypart.VIEWS} == set(PROJECTIONS)
    assert {view.labels[0] for view in bodypart.VIEWS} == set(STUDY_LABELS)
    assert all(set(view.labels) <= set(STUDY_LABELS) for view in bodypart.VIEWS)


# -- through the loaders -------------------------------------------------------------------------


def test_the_loader_of_md_ai_reads_the_phantom_without_a_complaint(mdai, mdai_table):
    assert tuple(mdai_table.attrs["labels"]) == STUDY_LABELS
    assert len(mdai_table) == len(list(mdai.rglob("*.dcm")))
    assert mdai_table["patient_id"].nunique() == NUM_MDAI
    assert mdai_table["exam_id"].nunique() > NUM_MDAI  # some come again
    assert mdai_table["is_phantom"].all()
    assert not mdai_table.attrs["unmatched"] and not mdai_table.attrs["unreadable"]


def test_projections_are_a_second_group_of_exclusive_labels(mdai, mdai_table):
    table = index_mdai(mdai / "mdai_export.json", mdai / "images", group="Projection")
    assert (table[list(PROJECTIONS)].sum(axis=1) == 1).all()
    assert set(table["case_id"]) == set(mdai_table["case_id"])


def test_the_loader_of_the_public_set_reads_the_phantom_without_a_complaint(unifesp, unifesp_table):
    assert len(unifesp_table) == len(list(unifesp.rglob("*.dcm")))
    assert (unifesp_table["patient_id"] == unifesp_table["exam_id"]).all()
    assert unifesp_table["patient_id"].nunique() == NUM_UNIFESP
    assert (unifesp_table[list(PUBLIC_LABELS)].sum(axis=1) > 0).all()
    assert unifesp_table["is_phantom"].all()


def test_films_are_small_of_many_sizes_and_kept_in_many_ways(mdai_table):
    sizes = mdai_table[["rows", "columns"]]
    assert 200 <= sizes.max(axis=1).min() and sizes.max(axis=1).max() <= 330
    assert len(sizes.drop_duplicates()) > 0.8 * len(sizes)
    assert set(mdai_table["photometric"]) == {"MONOCHROME1", "MONOCHROME2"}
    assert mdai_table["spacing_row_mm"].isna().any() and mdai_table["spacing_row_mm"].notna().any()


def test_every_image_can_be_read_and_is_no_blank(mdai_table, unifesp_table):
    for image in [*mdai_table["image"], *unifesp_table["image"]]:
        pixels = read_radiograph(image).pixels
        assert np.isfinite(pixels).all() and 0 <= pixels.min() and pixels.max() <= 1
        assert pixels.std() > 0.08


# -- readings ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def annotated(tmp_path_factory) -> tuple[list, list[list[Taken]]]:
    """Annotations of 400 exams of two images with two labels, and the exams."""
    exams = [
        [Taken(f"1.{n}", f"1.{n}.{s}", f"1.{n}.{s}.{s}", ("Hand", "Wrist"), p)
         for s, p in enumerate(("Frontal", "Oblique"))]
        for n in range(400)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("export") / "mdai_export.json"
    write_export(path, exams, STUDY_LABELS, 0, ())
    export = json.loads(path.read_text(encoding="utf-8"))
    names = {label["id"]: label["name"] for group in export["labelGroups"]
             for label in group["labels"]}  # fmt: skip
    found = export["datasets"][0]["annotations"]
    return [{**each, "label": names[each["labelId"]]} for each in found], exams


def test_a_share_of_exams_is_read_by_two_and_by_three(annotated):
    readers = pd.DataFrame(annotated[0]).groupby("StudyInstanceUID")["createdById"].nunique()
    counts = readers.value_counts()
    assert set(counts.index) == {1, 2, 3}
    assert 0.12 < counts[2] / 400 < 0.28 and 0.09 < counts[3] / 400 < 0.21


def test_annotators_seldom_differ_and_most_of_them_name_each_label(annotated):
    frame = pd.DataFrame(annotated[0]).dropna(subset="SOPInstanceUID")
    parts = frame[~frame["label"].isin(PROJECTIONS)]
    readers = parts.groupby("SOPInstanceUID")["createdById"].nunique()
    several = readers[readers > 1]
    given = (
        parts.groupby(["SOPInstanceUID", "label"])["createdById"].nunique().unstack(fill_value=0)
    )
    shares = given.loc[several.index].div(several, axis=0)
    assert (shares["Hand"] > 0.5).all()  # nobody outvotes the truth
    agree = (shares[["Hand", "Wrist"]] == 1).all(axis=1)
    assert 0.85 < agree.mean() < 0.99


def test_some_exams_are_annotated_as_a_whole_or_by_series(annotated):
    entries, exams = annotated
    whole = [each for each in entries if "SeriesInstanceUID" not in each]
    series = [each for each in entries if "SOPInstanceUID" not in each and each not in whole]
    assert whole and series
    assert {each["label"] for each in [*whole, *series]} == {"Hand", "Wrist"}
    assert Counter(each["StudyInstanceUID"] for each in whole).most_common(1)[0][1] == 2
    by_image = {each["StudyInstanceUID"] for each in entries
                if each["label"] == "Hand" and "SOPInstanceUID" in each}  # fmt: skip
    assert not by_image & {each["StudyInstanceUID"] for each in [*whole, *series]}
    assert len({each["StudyInstanceUID"] for each in entries}) == len(exams)


# -- films ---------------------------------------------------------------------------------------


def test_bone_is_brighter_than_flesh_and_flesh_than_air():
    image = a_film()
    middle = image[image.shape[0] // 2]

    def grey(first_cm, last_cm):  # of 20 cm: bone about 8, flesh to about 15, air beyond
        first, last = (int(place / 20 * len(middle)) for place in (first_cm, last_cm))
        return middle[first:last].mean()

    assert grey(19, 20) < 0.1
    assert grey(19, 20) + 0.1 < grey(11, 12) < grey(7.2, 8.8) - 0.1


def test_a_left_limb_is_the_mirror_of_a_right_one():
    np.testing.assert_array_less(bone_column(a_film(side="R")), 0.5)
    np.testing.assert_array_less(0.5, bone_column(a_film(side="L")))
    unpaired = replace(LEG, has_side=False)
    assert bone_column(a_film(side="L", view=unpaired)) < 0.5


def test_borders_are_bright_as_unexposed_or_blackened_by_software():
    for shutter, wanted in ((0.0, 0.75), (1.0, 0.0)):
        image = a_film(collimated=1.0, margin=0.2, shutter=shutter, tilt_degrees=0.0)
        edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (np.abs(edges - wanted) <= 0.25).mean() > 0.3


def test_a_letter_of_lead_is_as_bright_as_the_densest_bone_and_lies_beside_the_patient():
    plain, marked = a_film(2), a_film(2, marked=1.0)
    added = np.abs(marked - plain) > 0.3
    assert 20 < added.sum() < 0.02 * plain.size
    assert marked[added].mean() > 0.6
    columns = np.nonzero(added)[1] / plain.shape[1]
    assert (np.abs(columns - 0.5) > 0.1).mean() > 0.8


def test_some_films_are_archived_lying_or_upside_down():
    shapes = [a_film(seed, unhung=1.0).shape for seed in range(12)]
    assert any(rows < columns for rows, columns in shapes)
    assert all(rows > columns for rows, columns in [a_film(seed).shape for seed in range(4)])


def test_a_noisier_room_has_more_grain():
    attenuation = np.full((200, 200), 3.0, np.float32)
    attenuation[:, 80:120] += 0.8
    open_field, lead = np.ones_like(attenuation), np.zeros_like(attenuation)

    def grain(noise):
        look = replace(QUIET, noise=noise, flatten=0.0)
        image = expose(attenuation, open_field, lead, look, np.random.default_rng(0))
        return np.diff(image[:, 10:60], axis=1).std()

    assert grain(0.05) == pytest.approx(5 * grain(0.01), rel=0.2)


def test_the_two_hospitals_do_not_look_alike():
    assert {look.letters for look in MDAI_LOOKS} == {"RL"}
    assert {look.letters for look in UNIFESP_LOOKS} == {"DE"}

    def grey(look):  # of flesh on equal films of five legs
        look = replace(QUIET, flatten=look.flatten, gamma=look.gamma, greys=look.greys)
        found = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            image = take_film(LEG, draw_build(rng), "R", look, rng)[0]
            found.append(np.median(image[image > 0.05]))
        return np.mean(found)

    first, second = ([grey(look) for look in looks] for looks in (MDAI_LOOKS, UNIFESP_LOOKS))
    assert np.mean(second) < np.mean(first) - 0.05


# -- storage -------------------------------------------------------------------------------------


def a_storage(**changes) -> Storage:
    return replace(Storage(12, False, "none", None, "", "explicit", True), **changes)


def a_picture() -> np.ndarray:
    """Odd sizes, every grey from 0 to 1, and noise."""
    image = np.random.default_rng(0).random((61, 83)).astype(np.float32)
    image[10:50] = np.linspace(0, 1, 83, dtype=np.float32)
    return image


@pytest.mark.parametrize("is_inverted", [False, True])
@pytest.mark.parametrize(
    ("bits", "window"),
    [*itertools.product([8, 10, 12, 16], ["none", "one", "two"]), (8, "lut"), (10, "lut"),
     (12, "lut")],
)  # fmt: skip
def test_what_was_stored_is_shown_again(tmp_path, bits, is_inverted, window):
    rescales = [None, (1.0, 0.0)] if window == "lut" else [None, (1.0, 0.0), (0.5, 20.0)]
    for rescale in rescales:
        storage = a_storage(bits=bits, is_inverted=is_inverted, window=window, rescale=rescale)
        write_radiograph(tmp_path / "a.dcm", a_picture(), 0.05, storage, SAYS)
        image = read_dicom(tmp_path / "a.dcm")
        shown = read_radiograph(tmp_path / "a.dcm").pixels
        assert not image.notes
        np.testing.assert_allclose(shown, a_picture(), atol=1.1 / 2 ** (bits - 1) + 0.0005)


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_every_transfer_syntax_gives_the_stored_values_back(tmp_path, syntax, bits):
    storage = a_storage(bits=bits, syntax=syntax)
    write_radiograph(tmp_path / "a.dcm", a_picture(), 0.05, storage, SAYS)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    assert dataset.BitsStored == bits and dataset.HighBit == bits - 1
    np.testing.assert_array_equal(dataset.pixel_array, store(a_picture(), storage))


def test_pixel_size_is_that_of_the_patient_or_magnified_on_the_detector(tmp_path):
    for keyword, wanted in (("PixelSpacing", 0.5), ("ImagerPixelSpacing", 0.55), ("", None)):
        storage = a_storage(spacing=keyword)
        write_radiograph(tmp_path / "a.dcm", a_picture(), 0.05, storage, SAYS)
        spacing = read_dicom(tmp_path / "a.dcm").spacing_mm
        assert spacing == (None if wanted is None else pytest.approx((wanted, wanted)))


def test_archives_use_every_way_of_storing():
    rng = np.random.default_rng(0)
    drawn = [draw_storage(rng, 0.35) for _ in range(400)]
    assert {each.bits for each in drawn} == {8, 10, 12, 16}
    assert {each.window for each in drawn} == {"none", "one", "two", "lut"}
    assert {each.syntax for each in drawn} == set(SYNTAXES)
    assert 0.27 < np.mean([each.is_inverted for each in drawn]) < 0.43
    assert not any(each.window == "lut" and each.bits == 16 for each in drawn)


# -- headers -------------------------------------------------------------------------------------


def test_body_part_examined_is_empty_wrong_or_vague_as_often_as_announced():
    rng = np.random.default_rng(0)
    counts = Counter()
    for _ in range(3000):
        said = claim_body_part(("Hand", "Wrist"), rng)
        labels, is_vague = labels_of_header(said)
        if not said:
            counts["empty"] += 1
        elif is_vague or said != "HAND":
            counts["vague" if is_vague or "Hand" in labels else "wrong"] += 1
    assert counts["empty"] / 3000 == pytest.approx(0.15, abs=0.02)
    assert counts["wrong"] / 3000 == pytest.approx(0.12, abs=0.02)
    assert counts["vague"] / 3000 == pytest.approx(0.10, abs=0.02)


@pytest.mark.parametrize("label", STUDY_LABELS)
def test_a_right_header_means_the_label(label):
    rng = np.random.default_rng(1)
    said = Counter(claim_body_part((label,), rng) for _ in range(300)).most_common(1)[0][0]
    assert label in labels_of_header(said)[0] and not labels_of_header(said)[1]


def test_view_and_side_are_mostly_true_and_often_missing():
    rng = np.random.default_rng(0)
    views = Counter(claim_view("Frontal", rng) for _ in range(2000))
    assert views[""] / 2000 == pytest.approx(0.4, abs=0.04)
    assert (views["AP"] + views["PA"]) / 2000 == pytest.approx(0.5, abs=0.04)
    sides = Counter("".join(claim_side("L", True, rng).values()) for _ in range(2000))
    assert sides["L"] / 2000 == pytest.approx(0.85, abs=0.03)
    assert 0 < sides["R"] / 2000 < 0.06
    assert {"".join(claim_side("L", False, rng).values()) for _ in range(99)} == {"", "U"}


# -- determinism and errors ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [bodypart.make_mdai, bodypart.make_unifesp])
def test_a_patient_is_the_same_however_many_there_are(make, tmp_path):
    few, more = (make(tmp_path / str(count), count, seed=1) for count in (2, 4))
    small, large = ({name: value for name, value in files_below(root).items()
                     if name.endswith(".dcm")} for root in (few, more))  # fmt: skip
    assert 2 <= len(small) < len(large) and small.items() <= large.items()


def test_a_seed_gives_the_same_files_on_one_core_and_on_several(tmp_path, monkeypatch):
    several = bodypart.make_mdai(tmp_path / "several", 5, seed=2)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = bodypart.make_mdai(tmp_path / "alone", 5, seed=2)
    assert files_below(several) == files_below(alone)
    other = bodypart.make_mdai(tmp_path / "other", 1, seed=4)
    assert not set(files_below(other)) & {name for name in files_below(alone) if "/" in name}


def test_a_complete_copy_is_left_as_it_is(mdai):
    export = mdai / "mdai_export.json"
    before = export.stat().st_mtime_ns
    assert bodypart.make_mdai(mdai, NUM_MDAI, seed=3) == mdai
    assert export.stat().st_mtime_ns == before


@pytest.mark.parametrize("make", [bodypart.make_mdai, bodypart.make_unifesp])
def test_a_phantom_needs_a_patient_and_a_folder_of_its_own(make, tmp_path):
    with pytest.raises(ValueError, match="needs at least 1 patient"):
        make(tmp_path / "none", 0)
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FileExistsError, match="will not be overwritten"):
        make(tmp_path, 2)
