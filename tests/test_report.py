"""Tests of a run's record: what is written, stamped, refused, and drawn again."""

import io
import json
import shutil

import bodypart_record_maker
import breast_record_maker
import cardiac_record_maker
import headct_record_maker
import numpy as np
import pandas as pd
import pytest
import record_maker
from matplotlib.figure import Figure
from PIL import Image

from radiokit import record, report, tables
from radiokit.plots.figure import new_figure
from radiokit.stats import Interval, patient_interval
from radiokit.words import LANGUAGES, read_words

STAMP = "PHANTOM DATA · QUICK RUN · not a clinical result"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A complete quick record on phantoms, everything drawn once."""
    made = record_maker.make_record(tmp_path_factory.mktemp("record"), models=("unet",))
    return made, report.redraw(made.folder)


@pytest.fixture(scope="module")
def finished_cardiac(tmp_path_factory):
    """A complete quick cardiac record on phantoms, everything drawn once."""
    made = cardiac_record_maker.make_record(tmp_path_factory.mktemp("cardiac"))
    return made, report.redraw(made.folder)


@pytest.fixture
def started(tmp_path):
    """A record just opened."""
    return start(tmp_path)


def start(out, scale="quick", is_phantom=True, **changes):
    table = record_maker.make_table(is_phantom).assign(**changes)
    return report.start_record("05_chest_xray", table, scale, 3, {"epochs": 2}, out)


def read_metrics(record):
    return json.loads((record.folder / "metrics.json").read_text(encoding="utf-8"))


def test_the_record_says_what_was_run_on_what(started):
    metrics = read_metrics(started)
    assert started.folder.name == metrics["notebook"] == "05_chest_xray"
    assert metrics["stamp"] == started.stamp == STAMP
    assert (metrics["scale"], metrics["seed"], metrics["settings"]) == ("quick", 3, {"epochs": 2})
    assert {"radiokit", "python", "keras", "tensorflow"} <= set(metrics["versions"])
    assert all(metrics["versions"].values())
    assert metrics["data"]["datasets"] == {"montgomery": 24}
    assert metrics["data"]["num_patients"] == 24
    assert metrics["headline"] is None


def test_the_fingerprint_of_the_data_follows_the_data_not_the_order(tmp_path):
    def fingerprint(table):
        found = report.start_record("run", table, "quick", 0, {}, tmp_path)
        return read_metrics(found)["data"]["sha256_of_ids_splits_and_file_sizes"]

    table = record_maker.make_table()
    assert fingerprint(table) == fingerprint(table.iloc[::-1])
    other = table.assign(split=table["split"].replace("test", "train"))
    assert fingerprint(other) != fingerprint(table)


def test_only_full_runs_on_real_data_are_unstamped(tmp_path):
    assert start(tmp_path / "a", "full", is_phantom=False).stamp == ""
    assert start(tmp_path / "b", "full", is_phantom=True).stamp
    assert start(tmp_path / "c", "quick", is_phantom=False).stamp


def test_phantom_and_real_rows_together_raise(tmp_path):
    with pytest.raises(ValueError, match="Phantom and real images are in one case table"):
        tables_of_both = [record_maker.make_table(kind) for kind in (True, False)]
        report.start_record("run", pd.concat(tables_of_both), "quick", 0, {}, tmp_path)


def test_a_table_that_does_not_say_whether_it_is_real_raises(tmp_path):
    table = record_maker.make_table().drop(columns="is_phantom")
    with pytest.raises(ValueError, match="no column is_phantom"):
        report.start_record("run", table, "quick", 0, {}, tmp_path)


def test_an_unknown_scale_or_language_raises(tmp_path):
    with pytest.raises(ValueError, match='"quick" or "full"'):
        start(tmp_path, "fast")
    with pytest.raises(ValueError, match="choose one of en, pt, es"):
        report.start_record("run", record_maker.make_table(), "quick", 0, {}, tmp_path, "fr")


def test_the_right_side_is_known_only_of_the_published_sets(tmp_path):
    assert read_metrics(start(tmp_path / "a"))["orientation"] == "radiological"
    assert read_metrics(start(tmp_path / "b", dataset="mine"))["orientation"] is None


@pytest.mark.parametrize(
    ("dataset", "axes", "expected"),
    [
        ("hvsmr", [2], "radiological"),
        ("hvsmr2", [1], "radiological"),
        ("hvsmr2", [1, 2], "radiological"),
        ("acdc", [2], None),  # oblique
        ("hvsmr", [0], None),  # sagittal: front and back at the sides
        ("hvsmr", [0, 2], None),
        ("sunnybrook", [2], None),  # oblique
        ("rsna_ich", [2], "radiological"),  # supine, head first
        ("bhsd_slices", [2], None),  # pictures without a header
    ],
)
def test_slices_have_a_right_side_where_their_plane_and_affine_give_one(
    tmp_path, dataset, axes, expected
):
    table = pd.concat([cardiac_record_maker.make_table(4, axis) for axis in axes])
    table = table.assign(dataset=dataset)
    made = report.start_record("04_cardiac_mri", table, "quick", 0, {}, tmp_path)
    assert read_metrics(made)["orientation"] == expected


def test_a_stamped_run_never_replaces_a_full_real_one(tmp_path):
    made = record_maker.make_record(tmp_path, "full", False, ("unet",), num_patients=6)
    before = read_metrics(made)
    with pytest.raises(ValueError, match="would replace"):
        start(tmp_path, "quick")
    assert read_metrics(made) == before
    start(tmp_path, "full", is_phantom=False)  # the same kind of run may


def test_an_unwritable_output_folder_is_named(tmp_path):
    (tmp_path / "outputs").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(
        OSError, match="Cannot write .*outputs.*Choose a folder that you may write to"
    ):
        start(tmp_path / "outputs")


def test_no_half_written_file_remains_when_writing_fails(started, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    cases = record_maker.make_cases(record_maker.make_table(), ("unet",))
    with pytest.raises(OSError, match="No space left on device"):
        report.write_cases(started, cases)
    assert [path.name for path in started.folder.iterdir()] == ["metrics.json"]


def test_metrics_are_valid_json_with_nan_as_null(finished):
    made, _ = finished
    text = (made.folder / "metrics.json").read_text(encoding="utf-8")
    metrics = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    headline = metrics["headline"]
    assert list(headline)[:4] == ["name", "estimate", "low", "high"]
    assert headline["kind"] == "bootstrap"
    assert {"estimate", "low", "high", "num_patients", "kind"} <= set(metrics["scores"][0])
    assert metrics["published"]["unet"]["lungs"] == 0.930


def test_cases_without_a_needed_column_raise(started):
    frame = pd.DataFrame({"case_id": ["a"], "patient_id": ["p"]})
    for write in (report.write_cases, report.write_volumes, report.write_exams):
        with pytest.raises(ValueError, match="no column model, split"):
            write(started, frame)


def test_cases_and_pictures_come_back_as_written(started):
    cases = record_maker.make_cases(record_maker.make_table(), ("unet",))
    report.write_cases(started, cases)
    mask = np.eye(8, dtype=bool)
    image = np.linspace(0, 1, 64).reshape(8, 8, 1)
    report.write_images(started, "c", image, {"heart": np.where(mask, 1, -1)})
    report.write_masks(started, "unet", "c", {"heart": mask.astype("float32")[..., None]})
    report.write_attention(started, "unet", "c", {"skip0": np.full((2, 2), 0.6)})
    run = record.read_run(started.folder)
    again = run.cases()
    assert (again["stamp"] == STAMP).all() and again["is_phantom"].all()
    np.testing.assert_allclose(again["dice_heart"], cases["dice_heart"], rtol=1e-12)
    np.testing.assert_allclose(run.image("c") / 255, image[..., 0], atol=0.5 / 255)
    np.testing.assert_array_equal(run.truth("c", "heart"), mask)
    np.testing.assert_array_equal(run.mask("unet", "c", "heart"), mask)
    assert run.truth("c", "ribs") is None
    np.testing.assert_allclose(run.attention("unet", "c")["skip0"], 0.6, atol=0.5 / 255)


def test_scores_are_means_over_patients_of_the_cases_with_a_truth():
    rows = [("a", 0.9, 2.0), ("a", 0.7, np.nan), ("b", 0.5, 4.0), ("c", np.nan, np.nan)]
    frame = pd.DataFrame(rows, columns=["patient_id", "dice_heart", "hd95_mm_heart"])
    frame = frame.assign(model="unet", split="test", case_id=range(4))
    scores = report.score_cases(frame).set_index("metric")
    assert scores.loc["dice", "estimate"] == pytest.approx((0.8 + 0.5) / 2)
    assert scores.loc["dice", "num_undefined"] == 0  # nobody drew the heart of patient c
    assert scores.loc["hd95_mm", "estimate"] == pytest.approx((2.0 + 4.0) / 2)
    assert scores.loc["hd95_mm", "num_undefined"] == 1
    assert (scores["structure"] == "heart").all()


def test_patients_of_two_data_sets_are_told_apart():
    frame = pd.DataFrame({"patient_id": ["1", "1"], "dataset": ["jsrt", "shenzhen"]})
    frame = frame.assign(model="unet", split="test", case_id=["x", "y"], dice_lungs=[0.5, 1.0])
    assert report.score_cases(frame)["num_patients"].tolist() == [2]


def test_domain_shift_trainings_never_mix_with_the_main_study():
    cases = record_maker.make_cases(record_maker.make_table(), ("unet",))
    main = report.score_cases(cases[cases["trained_on"].isna()])
    pd.testing.assert_frame_equal(report.score_cases(cases), main)
    shift = report.score_cases(cases, by=("model", "trained_on", "dataset", "split"))
    shift = shift[shift["metric"] == "dice"]
    assert len(shift) == 4
    values = cases[(cases["trained_on"] == "shenzhen") & (cases["dataset"] == "montgomery")]
    row = shift.query("trained_on == 'shenzhen' and dataset == 'montgomery'").iloc[0]
    assert row["estimate"] == pytest.approx(values["dice_lungs"].mean())


def test_agreement_counts_what_could_not_be_measured():
    frame = pd.DataFrame({"q_true": [1.0, 1.0, np.nan], "q_predicted": [1.5, np.nan, 1.0]})
    frame = frame.assign(model="unet", split="test", case_id=range(3), patient_id=range(3))
    (row,) = report.score_agreement(frame, "q").to_dict("records")
    assert (row["bias"], row["num_cases"], row["num_undefined"]) == (0.5, 1, 1)


def test_everything_is_drawn_from_a_complete_record(finished):
    made, redrawn = finished
    assert redrawn.left_out == []
    names = {path.relative_to(made.folder).as_posix() for path in redrawn.written}
    figures = ("overlays", "learning_curves", "scores", "scores_hd95_mm", "worst_cases")
    figures += ("attention", "final_figure", "agreement_cardiothoracic_ratio")
    for name in (*figures, "domain_shift_lungs"):
        assert {f"figures/{name}.png", f"figures/{name}.pdf"} <= names
    for name in ("scores", "scores_hd95_mm", "worst_cases"):
        assert {f"tables/{name}.csv", f"tables/{name}.tex"} <= names
    assert not list(made.folder.rglob(".unfinished-*"))


def test_everything_is_drawn_from_a_complete_cardiac_record(finished_cardiac):
    _, redrawn = finished_cardiac
    assert redrawn.left_out == []
    drawn = {path.stem for path in redrawn.written if path.suffix == ".png"}
    scores = {"scores", "scores_cce", "scores_hd95_mm", "scores_dice_3d", "scores_hd95_3d_mm"}
    assert drawn == scores | {
        *("overlays", "worst_cases", "learning_curves", "masks", "level_scores", "surface", "cost"),
        *("agreement_blood_pool_ml", "agreement_ejection_fraction_percent"),
        *(f"seed_differences_{metric}" for metric in ("dice", "cce", "hd95_mm")),
    }
    tables_written = {path.stem for path in redrawn.written if path.suffix == ".tex"}
    assert tables_written == scores | {"worst_cases"}


LABEL_FIGURES = {
    *("roc", "roc_exams", "calibration", "thresholds", "confusions"),
    *("confusions_sensitivity_0.9", "worklist", "class_activation"),
    *("label_curves_densenet121", "label_curves_exam_gru", "scores_auc", "scores_exam_auc"),
}


@pytest.fixture
def redraw_names(monkeypatch):
    """Draw everything of a record and name it; writing is tested above."""

    def save(record, name, figure):
        return [record.folder / f"{name}.png"]

    def redraw(folder, language="en"):
        redrawn = report.redraw(folder, language)
        assert redrawn.left_out == []
        return {
            kind: {path.name.removesuffix(kind) for path in redrawn.written if path.suffix == kind}
            for kind in (".png", ".tex")
        }

    monkeypatch.setattr(report.drawing, "save_figure", save)
    return redraw


def test_everything_is_drawn_from_a_record_of_classifiers_and_segmenters(redraw_names, tmp_path):
    names = redraw_names(headct_record_maker.make_record(tmp_path).folder)
    assert names[".png"] == LABEL_FIGURES | {
        *("overlays", "worst_cases", "learning_curves", "scores", "label_curves_multitask"),
        *("agreement_haemorrhage_ml", "agreement_haemorrhage_abc2_ml"),
    }
    reports = {f"label_report{level}" for level in ("", "_exams")}
    reports |= {f"{name}{rule}" for name in reports for rule in ("_youden", "_sensitivity_0.9")}
    scores = {"scores_auc", "scores_average_precision"}
    scores |= {"scores_exam_auc", "scores_exam_average_precision"}
    thresholds = {"thresholds", "thresholds_exams"}
    assert names[".tex"] == reports | thresholds | scores | {"scores", "worst_cases"}


def test_a_record_of_classifiers_alone_misses_no_mask(redraw_names, tmp_path):
    made = headct_record_maker.make_record(tmp_path, is_mixed=False, without=("epidural",))
    names = redraw_names(made.folder, "pt")
    assert names[".png"] == {f"{name}_pt" for name in LABEL_FIGURES}
    assert "worst_cases_pt" not in names[".tex"] and "scores_pt" not in names[".tex"]


def test_a_classifier_without_exams_or_thresholds_is_drawn_too(redraw_names, tmp_path):
    table = headct_record_maker.make_table(10)
    made = report.start_record("own", table, "full", 0, {}, tmp_path)
    cases = headct_record_maker.make_answers(table, "densenet121")
    report.write_cases(made, cases)
    scores = report.score_labels(cases)
    report.write_metrics(made, scores, ("AUC", report.interval_of_row(scores.iloc[0])))
    names = redraw_names(made.folder)
    assert names[".png"] == {"roc", "calibration", "thresholds", "confusions", "scores_auc"}


def test_everything_is_drawn_from_a_record_of_slides(redraw_names, tmp_path):
    made = breast_record_maker.make_record(tmp_path)
    names = redraw_names(made.folder, "es")
    assert names[".png"] == {
        *("learning_curves_es", "pixel_scores_es", "slide_steps_es", "color_spaces_es"),
        *("color_space_scores_es", "heat_map_es"),
    }
    assert names[".tex"] == {"pixel_scores_es", "color_spaces_es", "related_work_es"}


def test_a_record_of_slides_without_the_colour_space_study_misses_nothing_of_it(
    redraw_names, tmp_path
):
    made = breast_record_maker.make_record(tmp_path, 1, ("roi_unet",))
    shutil.rmtree(made.folder / "slides")
    report.write_slide_picture(made, "A03", "slide", np.zeros((8, 8, 3), np.uint8))
    report.write_slide_picture(made, "A03", "lesion", np.eye(8, dtype=bool))
    names = redraw_names(made.folder)
    assert names[".png"] == {"learning_curves", "pixel_scores", "slide_steps"}
    assert names[".tex"] == {"pixel_scores"}


def test_figures_of_another_study_are_neither_drawn_nor_missed(finished, finished_cardiac):
    chest = {path.stem for path in finished[1].written}
    cardiac = {path.stem for path in finished_cardiac[1].written}
    assert chest.isdisjoint({"masks", "level_scores", "surface", "cost"})
    assert cardiac.isdisjoint({"attention", "final_figure"})


def test_volumes_that_were_scored_but_not_kept_are_said_to_be_left_out(tmp_path, monkeypatch):
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    shutil.rmtree(made.folder / "volumes")
    monkeypatch.setattr(report.drawing, "save_figure", lambda *_: [])  # writing is tested above
    (sentence,) = report.redraw(made.folder).left_out
    assert sentence.startswith("figure surface: ")
    assert "keeps no test exam with its truth" in sentence


def test_a_figure_is_saved_as_if_drawn_alone_and_can_be_saved_again(started):
    figure = new_figure(record.read_run(started.folder), (4, 3))
    figure.subplots().set_ylabel("a label\nof three\nlines")
    alone = io.BytesIO()
    figure.savefig(alone, format="png", dpi=300)
    for name in ("once", "again"):
        png, pdf = report.save_figure(started, name, figure)
        with Image.open(png) as saved, Image.open(alone) as expected:
            np.testing.assert_array_equal(np.asarray(saved), np.asarray(expected))
        assert pdf.read_bytes().startswith(b"%PDF")
    assert figure.dpi == Figure().dpi


def test_png_files_have_300_dpi(finished):
    made, _ = finished
    with Image.open(made.folder / "figures" / "scores.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_record_cut_short_says_what_it_cannot_draw(started):
    redrawn = report.redraw(started.folder)
    assert redrawn.written == []
    reasons = "\n".join(redrawn.left_out)
    assert "figure learning_curves" in reasons and "train first" in reasons
    assert "table scores" in reasons and "Run the notebook to its end" in reasons


def test_another_language_leaves_the_runs_own_files_alone(finished, monkeypatch):
    made, _ = finished
    before = (made.folder / "tables" / "scores.tex").read_bytes()
    monkeypatch.setattr(report.drawing, "_list_figures", lambda run: {})  # drawing is tested above
    redrawn = report.redraw(made.folder, "pt")
    assert made.folder / "tables" / "scores_pt.tex" in redrawn.written
    assert (made.folder / "tables" / "scores.tex").read_bytes() == before


def test_the_csv_has_points_a_stamp_and_the_interval_in_columns(finished):
    made, _ = finished
    table = pd.read_csv(made.folder / "tables" / "scores.csv", encoding="utf-8")
    assert (table["stamp"] == STAMP).all()
    scores = record.read_run(made.folder).scores_of("dice", "test").set_index("structure")
    row = table[table["model"] == "unet"].iloc[0]
    assert row["heart"] == pytest.approx(scores.loc["heart", "estimate"])
    assert row["heart_low"] == pytest.approx(scores.loc["heart", "low"])
    assert (row["heart_num_patients"], row["heart_kind"]) == (11, "bootstrap")
    assert row["heart_published"] == 0.798


def test_csv_numbers_have_points_in_portuguese_too(started):
    frame = pd.DataFrame({"model": ["unet"], "heart": [0.5]})
    brazilian = report.Record(started.folder, "pt", started.metrics)
    csv, tex = report.save_table(brazilian, "t", frame, "c")
    assert "unet,0.5," in csv.read_text(encoding="utf-8")
    assert "0,500" in tex.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_latex_table_speaks_the_language_and_carries_the_stamp(finished, language):
    made, _ = finished
    words = read_words(language)
    stamp = words.stamp(True, "quick")
    latex = tables.to_latex(tables.score_table(made.folder), "c", "t", words, stamp)
    assert words.structure("clavicles") in latex
    assert tables.escape_latex(stamp) in latex
    assert ("0,798" in latex) == (language != "en")
    assert latex.count("{tabular}") == 2
    rows = [line for line in latex.splitlines() if line.endswith(r"\\") and "multi" not in line]
    assert {line.count(" & ") for line in rows} == {8}


def test_captions_say_what_the_published_numbers_are_where_there_are_some(
    finished, finished_cardiac
):
    def caption(made, name):
        text = (made.folder / "tables" / f"{name}.tex").read_text(encoding="utf-8")
        return next(line for line in text.splitlines() if "caption" in line)

    chest, cardiac = finished[0], finished_cardiac[0]
    assert "validation at its best" in caption(chest, "scores")
    for name in ("scores", "scores_cce"):
        assert "212 test slices of a split that is not stated" in caption(cardiac, name)
    for made, name in ((chest, "scores_hd95_mm"), (cardiac, "scores_dice_3d")):
        assert "ublished" not in caption(made, name)


def test_published_models_we_did_not_train_have_a_dash():
    assert report.PUBLISHED_DICE["resnet_unet_18"]["ribs"] == 0.424
    words = read_words("en")
    assert tables.latex._cell(None, words) == "–"


def test_published_numbers_are_those_of_the_poster():
    means = pd.DataFrame(report.PUBLISHED_DICE).T
    assert means.shape == (9, 4)
    assert means["lungs"].idxmax() in ("unet_spatial", "unet_full_spatial")
    assert means["ribs"].min() == 0.424
    assert means.sum().round(3).to_dict() == {
        "lungs": 8.528,
        "ribs": 7.288,
        "heart": 7.247,
        "clavicles": 4.454,
    }


def test_special_signs_are_escaped_for_latex():
    given = r"5 % & $x_1$ #{a}~b^c\d – −1 ·"
    expected = (
        r"5 \% \& \$x\_1\$ \#\{a\}\textasciitilde{}b\textasciicircum{}c\textbackslash{}d "
        r"-- $-$1 \textperiodcentered{}"
    )
    assert tables.escape_latex(given) == expected


def test_ranges_and_undefined_scores_are_marked_in_the_table():
    frame = pd.DataFrame({"model": ["unet"], "heart": [patient_interval([0.5, np.nan], "ab")]})
    latex = tables.to_latex(frame, "Caption.", "t", read_words("en"))
    assert "0.500 (0.500--0.500)*, 1 undefined" in latex
    assert "Fewer than 10 patients" in latex
    sure = frame.assign(heart=[Interval(0.5, 0.4, 0.6, 12, 0, "bootstrap")])
    assert "Fewer than 10" not in tables.to_latex(sure, "Caption.", "t", read_words("en"))


def test_a_foreign_figure_is_saved_with_the_stamp(started):
    figure = Figure()
    figure.subplots().set_title("mine")
    png, pdf = report.save_figure(started, "mine", figure)
    assert png.is_file() and pdf.is_file()
    assert STAMP in [text.get_text() for text in figure.texts]


def test_a_column_of_intervals_becomes_a_column_a_field():
    frame = pd.DataFrame({"model": ["a", "b", "c"]})
    frame["heart"] = [Interval(0.5, 0.4, 0.6, 12, 0, "bootstrap"), None, 0.25]
    spread = tables.spread_intervals(frame)
    names = ["low", "high", "num_patients", "num_undefined", "kind", "num_undefined_resamples"]
    assert list(spread) == ["model", "heart", *(f"heart_{name}" for name in names)]
    assert spread["heart_num_patients"].iloc[0] == 12
    assert spread["heart"].isna().tolist() == [False, True, False]
    assert spread["heart"].iloc[2] == 0.25  # a published number without an interval


def test_a_record_of_many_labels_is_drawn_without_a_panel_a_label_of_curves(redraw_names, tmp_path):
    names = redraw_names(bodypart_record_maker.make_record(tmp_path).folder, "es")
    figures = names[".png"]
    assert {"label_counts_es", "label_scores_densenet121_es", "coverage_risk_es"} <= figures
    assert {"label_comparison_accuracy_es", "label_comparison_f1_es", "confusions_es"} <= figures
    assert not {"roc_es", "thresholds_es", "calibration_es", "scores_auc_es"} & figures
    assert {"all_labels_es", "thresholds_es", "scores_auc_es"} <= names[".tex"]
