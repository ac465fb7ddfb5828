"""Agreement of a measurement read off the masks with the truth."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from radiokit.plots.figure import BLUE, VERMILLION, format_numbers, new_figure
from radiokit.record import main_study, read_run


def plot_agreement(folder, language="en", quantity="cardiothoracic_ratio") -> Figure:
    """Bland and Altman's plot of a measurement read off the predicted masks.

    When to use: when the mask is a means and a number is the end, as the cardiothoracic ratio
    or the volume of the blood pool.

    Args:
        folder: the run's record; `cases.csv`, or else `volumes.csv`, has `<quantity>_true` and
            `<quantity>_predicted`, `metrics.json` the agreement.
        language: `"en"`, `"pt"` or `"es"`.
        quantity: the measurement's name; its ending is its unit, as in `blood_pool_ml`.

    Returns:
        A `Figure`, a panel a model: differences against means, bias and limits with intervals;
        below ten patients there are no intervals, and the range of the differences is written.

    Raises:
        ValueError: the record has no agreement of this quantity, or no table with its values.

    Paper: Bland and Altman, Lancet 1986.
    """
    run = read_run(folder, language)
    agreement = run.agreement()
    agreement = agreement[agreement["quantity"] == quantity]
    if agreement.empty:
        raise ValueError(f"{run.folder} has no agreement of {quantity!r}; write one first.")
    cases = main_study(run.measured(quantity), "test")
    num_columns = min(2, len(agreement))
    num_rows = math.ceil(len(agreement) / num_columns)
    figure = new_figure(run, (max(4.6 * num_columns, 5.6), 3.4 * num_rows + 0.3))
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(agreement) :]:
        axis.set_visible(False)
    for axis, (_, row) in zip(axes.flat, agreement.iterrows(), strict=False):
        _draw_agreement(axis, cases[cases["model"] == row["model"]], row, quantity, run)
    return figure


def _draw_agreement(axis, cases, row, quantity, run):
    words = run.words
    true, predicted = cases[f"{quantity}_true"], cases[f"{quantity}_predicted"]
    axis.plot((true + predicted) / 2, predicted - true, "o", color=BLUE, markersize=4, alpha=0.7)
    for key, colour, style in (
        ("bias", VERMILLION, "-"),
        ("lower_limit", "black", "--"),
        ("upper_limit", "black", "--"),
    ):
        if pd.isna(row[key]):
            continue  # a single case has no limits
        axis.axhline(row[key], color=colour, linestyle=style, linewidth=1)
        low, high = (np.nan if end is None else end for end in row[f"{key}_interval"])
        if np.isfinite([low, high]).all():
            axis.axhspan(low, high, color=colour, alpha=0.12, linewidth=0)
    axis.set_title("\n".join(_agreement_lines(row, predicted - true, run)), fontsize=8)
    count = {"quantity": words.name("quantities", quantity), "count": int(row["num_cases"])}
    name = words.text("labels", "quantity", count)
    mean = words.with_unit(words.text("labels", "mean_of_both"), quantity)
    axis.set_xlabel(f"{mean}\n{name}", fontsize=8)
    axis.set_ylabel(words.with_unit(words.text("labels", "difference"), quantity), fontsize=8)
    axis.tick_params(labelsize=7)
    format_numbers(axis.xaxis, run)
    format_numbers(axis.yaxis, run)


def _agreement_lines(row, differences, run):
    """Model, bias and limits; the range of the differences where there are too few patients."""
    words = run.words
    digits = 1 if words.unit(row["quantity"]) else 3
    number = {key: words.number(row[key], digits) for key in ("bias", "lower_limit", "upper_limit")}
    limits = {"low": number["lower_limit"], "high": number["upper_limit"]}
    lines = [
        words.name("models", row["model"]),
        words.text("labels", "bias", {"value": number["bias"]}),
        words.text("labels", "limits", limits),
    ]
    if row["kind"] == "none":
        ends = {"low": differences.min(), "high": differences.max()}
        ends = {key: words.number(value, digits) for key, value in ends.items()}
        lines.append(words.text("labels", "few_differences", ends))
    return lines
