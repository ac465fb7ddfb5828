"""Tests of learning curves and of the cost of a separable layer."""

import numpy as np
import pandas as pd
from figure_reader import axis_titled

from radiokit import plots


def test_a_curve_is_drawn_from_where_the_training_left_it(cardiac_folder):
    figure = plots.plot_learning_curves(cardiac_folder)
    kept = pd.read_csv(cardiac_folder / "training" / "unet_2" / "history.csv")
    axis = axis_titled(figure, "U-Net 2 (separable)")
    np.testing.assert_allclose(axis.lines[1].get_ydata(), kept["val_loss"])
    assert sum(bool(axis.get_title()) for axis in figure.axes) == 2  # the other seed is left out


def test_the_cost_is_drawn_as_written_on_a_doubling_axis(cardiac_folder):
    (axis,) = plots.plot_cost(cardiac_folder).axes
    _, formula, counted, measured = axis.lines  # the first is the line of equal cost
    width = formula.get_xdata()
    np.testing.assert_allclose(formula.get_ydata(), 1 / width + 1 / 9)
    np.testing.assert_allclose(counted.get_ydata(), formula.get_ydata())
    assert (measured.get_ydata() > counted.get_ydata()).all()
    ticks = [tick.get_text() for tick in axis.get_xticklabels()]
    assert ticks == ["8", "16", "32", "64", "128", "256", "512"]
