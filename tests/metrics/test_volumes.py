"""Tests of volumes against their formulas and hand counts."""

import numpy as np
import pytest

from radiokit.metrics import abc2_ml, ejection_fraction_percent, volume_ml


def test_volume_of_a_box_and_of_a_ball_follow_their_formulas():
    box = np.zeros((20, 20, 10), np.uint8)
    box[2:12, 3:8, 1:5] = 1
    expected = (10 * 1.5) * (5 * 0.7) * (4 * 8.0) / 1000
    assert volume_ml(box, (1.5, 0.7, 8.0)) == pytest.approx(expected)
    spacing = np.array([0.5, 0.5, 1.0])
    position = np.moveaxis(np.indices((120, 120, 60)), 0, -1) * spacing
    ball = ((position - 30) ** 2).sum(-1) < 25**2
    assert volume_ml(ball, spacing) == pytest.approx(4 / 3 * np.pi * 25**3 / 1000, rel=5e-3)
    assert volume_ml(ball & False, spacing) == 0


@pytest.mark.parametrize(
    ("mask", "spacing", "message"),
    [
        (np.ones((2, 2, 2)), None, "a volume in mL cannot be known.*Count the voxels"),
        (np.ones((2, 2, 2)), (1.0, 1.0), "3 positive numbers"),
        (np.ones((2, 2, 2)), (1.0, 1.0, 0.0), "3 positive numbers"),
        (np.ones((2, 2)), (1.0, 1.0), "needs 3 axes.*Restack"),
        (np.full((2, 2, 2), 2), (1.0, 1.0, 1.0), "Mask holds the value 2"),
        (np.full((2, 2, 2), -1), (1.0, 1.0, 1.0), "Mask holds the value -1"),
    ],
)
def test_a_volume_of_other_masks_or_spacings_raises(mask, spacing, message):
    with pytest.raises(ValueError, match=message):
        volume_ml(mask, spacing)


def test_ejection_fraction_by_hand():
    assert ejection_fraction_percent(150.0, 60.0) == pytest.approx(60)
    assert ejection_fraction_percent(100.0, 110.0) == pytest.approx(-10)
    assert np.isnan(ejection_fraction_percent(0.0, 0.0))
    many = ejection_fraction_percent([150, 0, np.nan], [60, 5, 5])
    np.testing.assert_allclose(many, [60, np.nan, np.nan])


@pytest.mark.parametrize(("diastolic", "systolic"), [(-1.0, 2.0), ([3.0, 4.0], [1.0, -2.0])])
def test_a_negative_volume_raises(diastolic, systolic):
    with pytest.raises(ValueError, match="volume is -.* mL; a volume is 0 or more"):
        ejection_fraction_percent(diastolic, systolic)


def ellipsoid(semi_axes_mm, spacing_mm, degrees=0.0):
    """Mask of an ellipsoid, turned within its slices; semi-axes of slices, rows and columns."""
    shape = [2 * int(max(semi_axes_mm) / step) + 5 for step in spacing_mm]
    position = np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2
    position = position * spacing_mm
    angle = np.deg2rad(degrees)
    rows = position[..., 1] * np.cos(angle) + position[..., 2] * np.sin(angle)
    columns = position[..., 2] * np.cos(angle) - position[..., 1] * np.sin(angle)
    turned = np.stack([position[..., 0], rows, columns], -1)
    return ((turned / semi_axes_mm) ** 2).sum(-1) <= 1


@pytest.mark.parametrize("degrees", [0, 30, 45, 80])
def test_abc2_of_an_ellipsoid_follows_its_formula(degrees):
    half_c, half_a, half_b = 16.25, 20.2, 12.2  # to the side of a pixel
    spacing = (0.5, 0.4, 0.4)
    mask = ellipsoid((half_c, half_a, half_b), spacing, degrees)
    simplified = (2 * half_a) * (2 * half_b) * (2 * half_c) / 2 / 1000
    assert abc2_ml(mask, spacing, count_every_slice=True) == pytest.approx(simplified, rel=0.03)
    # A slice at height z has 1 - (z / c)² of the largest area: above 75 % up to c / 2, above
    # 25 % up to c √3 / 2.
    counted = half_c + 0.5 * (np.sqrt(3) - 1) * half_c
    expected = (2 * half_a) * (2 * half_b) * counted / 2 / 1000
    assert abc2_ml(mask, spacing) == pytest.approx(expected, rel=0.03)


def test_abc2_against_the_true_volume_of_an_ellipsoid():
    spacing = (0.5, 0.4, 0.5)
    mask = ellipsoid((15.25, 20.2, 14.25), spacing)
    volume = volume_ml(mask, spacing)
    assert volume == pytest.approx(4 / 3 * np.pi * 15.25 * 20.2 * 14.25 / 1000, rel=0.01)
    simplified = abc2_ml(mask, spacing, count_every_slice=True)
    assert simplified / volume == pytest.approx(3 / np.pi, rel=0.03)
    weights = (1 + np.sqrt(3)) / 4  # of all slices
    assert abc2_ml(mask, spacing) / volume == pytest.approx(weights * 3 / np.pi, rel=0.03)


def test_abc2_weighs_slices_by_their_area_as_kothari_does():
    mask = np.zeros((6, 4, 30), np.uint8)
    for number, columns in enumerate((2, 5, 15, 20, 16)):  # 10, 25, 75, 100 and 80 % of the largest
        mask[number, 2, 1 : columns + 1] = 1  # a line: A is its length, B one row
    counted = 0 + 0.5 + 0.5 + 1 + 1
    spacing = (5.0, 2.0, 0.5)
    a_mm, b_mm = 20 * 0.5, 2.0
    assert abc2_ml(mask, spacing) == pytest.approx(a_mm * b_mm * counted * 5.0 / 2 / 1000)
    every = abc2_ml(mask, spacing, count_every_slice=True)
    assert every == pytest.approx(a_mm * b_mm * 5 * 5.0 / 2 / 1000)


def test_abc2_adds_bleeds_that_do_not_touch():
    one, other = np.zeros((4, 20, 20)), np.zeros((4, 20, 20))
    one[0:2, 2:5, 2:9], other[1:4, 10:18, 12:15] = 1, 1
    spacing = (5.0, 0.5, 0.5)
    both = abc2_ml(np.maximum(one, other), spacing)
    assert both == pytest.approx(abc2_ml(one, spacing) + abc2_ml(other, spacing))


def test_abc2_measures_across_the_blood_of_a_crescent_not_across_its_hollow():
    rows, columns = np.indices((401, 401)) - 200
    radius = np.hypot(rows, columns)
    crescent = (radius > 170) & (radius <= 180) & (rows > 80)  # a part of a ring
    tips = 2 * np.sqrt(180**2 - 80.5**2)
    across = np.sqrt(180**2 - (170**2 - 80.5**2)) - 80.5  # where the inner arc ends
    found = abc2_ml(crescent[None], (5.0, 1.0, 1.0)) * 1000 * 2 / 5.0
    assert found == pytest.approx(tips * across, rel=0.1)  # from tips to bottom it is 100


def test_abc2_of_few_pixels():
    mask = np.zeros((3, 5, 5), bool)
    assert abc2_ml(mask, (5.0, 1.0, 1.0)) == 0
    mask[1, 2, 2] = True
    assert abc2_ml(mask, (5.0, 0.5, 0.25)) == pytest.approx(0.5 * 0.25 * 5.0 / 2 / 1000)


@pytest.mark.parametrize(
    ("mask", "spacing", "message"),
    [
        (np.ones((2, 2)), (1.0, 1.0, 1.0), "needs 3 axes.*Restack"),
        (np.ones((2, 2, 2)), None, "spacing is None.*no lengths to multiply"),
        (np.full((2, 2, 2), 5), (1.0, 1.0, 1.0), "Mask holds the value 5"),
    ],
)
def test_abc2_of_other_masks_or_spacings_raises(mask, spacing, message):
    with pytest.raises(ValueError, match=message):
        abc2_ml(mask, spacing)
