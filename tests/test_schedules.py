import keras
import numpy as np
import pytest

from radiokit.schedules import CyclicLearningRate


def smiths_rate(step, lowest, highest, steps_up, mode):
    """The formula as the paper and its author's code print it."""
    cycle = np.floor(1 + step / (2 * steps_up))
    distance = abs(step / steps_up - 2 * cycle + 1)
    scale = 1 if mode == "triangular" else 1 / 2 ** (cycle - 1)
    return lowest + (highest - lowest) * max(0, 1 - distance) * scale


@pytest.mark.parametrize("mode", ["triangular", "triangular2"])
@pytest.mark.parametrize("steps_up", [1, 2, 7, 100])
def test_the_rate_is_that_of_the_paper(mode, steps_up):
    schedule = CyclicLearningRate(1e-5, 1e-4, steps_up, mode)
    steps = [*range(40), 99, 100, 101, 1234]
    wanted = [smiths_rate(step, 1e-5, 1e-4, steps_up, mode) for step in steps]
    np.testing.assert_allclose([float(schedule(step)) for step in steps], wanted, rtol=1e-5)


def test_the_studys_bounds_are_met_at_the_ends_of_a_half_cycle():
    schedule = CyclicLearningRate(steps_up=50)
    rates = [float(schedule(step)) for step in (0, 50, 100, 150)]
    assert rates == pytest.approx([1e-5, 1e-4, 1e-5, 1e-4])


def test_after_a_billion_steps_the_cycle_is_where_it_should_be():
    schedule = CyclicLearningRate(1.0, 2.0, steps_up=1000)
    assert float(schedule(1_000_000_250)) == pytest.approx(1.25)


def test_a_schedule_reloads():
    schedule = CyclicLearningRate(0.1, 0.5, 3, mode="triangular2")
    content = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(content)
    assert isinstance(again, CyclicLearningRate)
    assert again.get_config() == schedule.get_config()
    steps = range(20)
    assert [float(again(step)) for step in steps] == [float(schedule(step)) for step in steps]


@pytest.mark.parametrize("bounds", [(0, 1e-4), (1e-3, 1e-4), (-1e-5, 1e-4), (float("nan"), 1.0)])
def test_bounds_that_are_no_learning_rates_are_refused(bounds):
    with pytest.raises(ValueError, match="needed are two learning rates above 0, the lower first"):
        CyclicLearningRate(*bounds)


@pytest.mark.parametrize("steps_up", [0, -3, 2.5])
def test_a_half_cycle_of_no_whole_steps_is_refused(steps_up):
    with pytest.raises(ValueError, match=f"steps_up is {steps_up}; needed is a whole number"):
        CyclicLearningRate(steps_up=steps_up)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"mode is 'exp_range'; needed is one of \('triangular'"):
        CyclicLearningRate(mode="exp_range")
