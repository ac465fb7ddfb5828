"""Tests of Bland and Altman's plot, from cases and from volumes."""

import cardiac_record_maker
import pytest
from figure_reader import axis_titled, words_on

from radiokit import plots, record, report


@pytest.mark.parametrize(
    ("quantity", "unit"), [("blood_pool_ml", "mL"), ("ejection_fraction_percent", "%")]
)
def test_a_quantity_of_volumes_is_drawn_with_its_unit(cardiac_folder, quantity, unit):
    figure = plots.plot_agreement(cardiac_folder, quantity=quantity)
    volumes = record.read_run(cardiac_folder).volumes()
    mine = volumes[(volumes["model"] == "unet_2") & (volumes["split"] == "test")]
    axis = axis_titled(figure, "U-Net 2 (separable)")
    differences = mine[f"{quantity}_predicted"] - mine[f"{quantity}_true"]
    assert list(axis.lines[0].get_ydata()) == pytest.approx(list(differences))
    assert axis.get_ylabel() == f"Prediction − truth ({unit})"
    assert axis.get_xlabel().startswith(f"Mean of truth and prediction ({unit})")


def test_a_ratio_has_no_unit(folder):
    axis = plots.plot_agreement(folder).axes[0]
    assert axis.get_ylabel() == "Prediction − truth"


def test_below_ten_patients_the_range_is_written(cardiac_folder, large_cardiac_folder):
    figure = plots.plot_agreement(cardiac_folder, quantity="blood_pool_ml")
    differences = figure.axes[0].lines[0].get_ydata()
    low, high = (f"{value:.1f}".replace("-", "−") for value in (min(differences), max(differences)))
    assert f"fewer than 10 patients: differences {low} to {high}" in figure.axes[0].get_title()
    many = plots.plot_agreement(large_cardiac_folder, quantity="blood_pool_ml")
    assert "fewer than 10" not in "\n".join(words_on(many))


def test_a_single_case_has_a_bias_and_no_limits(tmp_path):
    made = cardiac_record_maker.make_record(tmp_path, num_patients=4)
    volumes = record.read_run(made.folder).volumes()
    one = volumes[(volumes["case_id"] == "pat1") | (volumes["split"] != "test")]
    report.write_volumes(made, one.drop(columns=["is_phantom", "stamp"]))
    scores = report.score_cases(one)
    headline = ("Dice", report.interval_of_row(scores.iloc[0]))
    report.write_metrics(made, scores, headline, report.score_agreement(one, "blood_pool_ml"))
    axis = plots.plot_agreement(made.folder, quantity="blood_pool_ml").axes[0]
    assert len(axis.lines) == 2  # the case and the bias
    assert "limits of agreement – to –" in axis.get_title()


def test_a_quantity_without_its_columns_is_named(cardiac_folder, tmp_path):
    for name in ("metrics.json", "cases.csv"):
        (tmp_path / name).write_bytes((cardiac_folder / name).read_bytes())
    with pytest.raises(ValueError, match="Neither cases.csv nor volumes.csv .*blood_pool_ml_true"):
        plots.plot_agreement(tmp_path, quantity="blood_pool_ml")
