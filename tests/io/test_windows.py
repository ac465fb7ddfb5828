"""Windows of CT against the formula of the standard and against pydicom."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_windowing

from radiokit.io.windows import WINDOWS, check_windows, window_channels, window_hu, window_pair

HU = np.array([[-1024.0, 0.0, 39.0], [40.0, 79.0, 3071.0]], np.float32)


def test_the_windows_are_those_of_the_study():
    assert WINDOWS["brain"] == (40, 80)
    assert WINDOWS["subdural"] == (80, 200)
    assert WINDOWS["bone"] == (600, 2800)


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_is_that_of_pydicom(name):
    center, width = WINDOWS[name]
    header = pydicom.Dataset()
    header.WindowCenter, header.WindowWidth = center, width
    header.BitsStored, header.PixelRepresentation = 16, 1
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    header.PhotometricInterpretation = "MONOCHROME2"
    hu = np.arange(-1100, 3100, dtype=np.int16)
    expected = apply_windowing(hu, header)  # stretched over all values of the output's bits
    expected = (expected - expected.min()) / np.ptp(expected)
    np.testing.assert_allclose(window_hu(hu, center, width), expected, atol=1e-6)


def test_a_window_is_black_below_white_above_and_linear_between():
    shown = window_hu(HU, 40, 80)
    np.testing.assert_allclose(shown, [[0, 0, 39 / 79], [40 / 79, 1, 1]], rtol=1e-6)
    assert shown.dtype == np.float32


def test_channels_are_windows_in_their_order():
    channels = window_channels(HU, ["bone", (40, 80)])
    assert channels.shape == (2, 3, 2)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[..., 0], window_hu(HU, 600, 2800))
    np.testing.assert_array_equal(channels[..., 1], window_hu(HU, 40, 80))
    assert window_channels(HU).shape == (2, 3, 3)


def test_a_pair_may_be_a_list_or_an_array():
    assert window_pair([40, 80]) == window_pair(np.array([40, 80])) == (40.0, 80.0)


@pytest.mark.parametrize("window", ["lung", "Brain", ""])
def test_an_unknown_window_is_refused_with_the_known_ones(window):
    with pytest.raises(ValueError, match="Choose brain, subdural, bone, stroke, soft_tissue"):
        window_pair(window)


@pytest.mark.parametrize("window", [40, (40,), (40, 80, 120), ("wide", 80), None])
def test_what_is_no_pair_is_refused(window):
    with pytest.raises(ValueError, match="a name or a pair of centre and width in HU"):
        window_pair(window)


@pytest.mark.parametrize("windows", ["brain", (), []])
def test_windows_are_a_list_of_one_or_more(windows):
    with pytest.raises(ValueError, match="list of one or more"):
        check_windows(windows)


@pytest.mark.parametrize(("center", "width"), [(float("nan"), 80), (40, float("inf"))])
def test_a_window_that_is_not_finite_is_refused(center, width):
    with pytest.raises(ValueError, match="not finite"):
        window_hu(HU, center, width)


def test_a_window_without_width_is_refused():
    with pytest.raises(ValueError, match="too small"):
        window_hu(HU, 40, 0)
