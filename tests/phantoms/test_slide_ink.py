"""Pens on phantom slides: ink multiplies light, masks are exact, strokes behave, hues are real."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from radiokit.phantoms.slide_ink import (
    INK_COLOURS,
    INK_DOWNSAMPLE,
    PENS,
    Pen,
    draw_pen,
    lay_ink,
    transmission,
    write_on_slide,
)
from radiokit.phantoms.slide_marks import draw_letters, draw_marks, draw_ring

SHAPE = (1200, 1600)
MPP_UM = 1.0
CIRCLE = 200 * np.stack([np.cos(np.linspace(0, 6.2, 40)), np.sin(np.linspace(0, 6.2, 40))], axis=1)
LESIONS = [CIRCLE + (600, 500), CIRCLE + (1100, 700)]


def slide_of(value: int) -> np.ndarray:
    return np.full((*SHAPE, 3), value, np.uint8)


def marked(value: int, colours, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    pixels = slide_of(value)
    mask = write_on_slide(pixels, MPP_UM, colours, LESIONS, np.random.default_rng(seed))
    return pixels, mask


def a_pen(colour: str = "green", width_um: float = 100, blur_um: float = 0.0) -> Pen:
    return Pen(colour, width_um, blur_um, 1.0, None)


def line(start, end) -> np.ndarray:
    share = np.linspace(0, 1, 200)[:, None]
    return np.array(start) + share * (np.array(end) - start)


def fine(mask: np.ndarray) -> np.ndarray:
    whole = mask.repeat(INK_DOWNSAMPLE, axis=0).repeat(INK_DOWNSAMPLE, axis=1)
    return whole[: SHAPE[0], : SHAPE[1]]


# -- ink -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", list(PENS))
def test_the_same_ink_takes_the_same_share_of_light_from_glass_and_tissue(colour):
    (bright, bright_mask), (dim, dim_mask) = (marked(value, [colour]) for value in (240, 120))
    np.testing.assert_array_equal(bright_mask, dim_mask)
    assert (bright_mask == INK_COLOURS.index(colour)).any()
    bright, dim = bright[1::3, 1::3] / 240, dim[1::3, 1::3] / 120
    np.testing.assert_allclose(bright, dim, atol=0.5 / 240 + 0.5 / 120 + 1e-6)


@pytest.mark.parametrize("colour", list(PENS))
def test_the_mask_is_where_a_tenth_of_the_light_of_some_colour_is_missing(colour):
    pixels, mask = marked(240, [colour], seed=5)
    lost = 1 - pixels.min(axis=2) / 240
    blocks = lost.reshape(SHAPE[0] // 8, 8, SHAPE[1] // 8, 8).mean(axis=(1, 3))
    assert blocks[mask > 0].min() > 0.1 - 0.06  # an edge runs through the block
    assert blocks[mask == 0].max() < 0.1 + 0.06
    assert np.mean((blocks >= 0.1) == (mask > 0)) > 0.995
    assert lost[fine(mask) == 0].max() < 0.5


@pytest.mark.parametrize("colour", list(PENS))
def test_one_layer_absorbs_as_its_pen_does(colour):
    density = np.full((40, 40), 1.0, np.float32)
    light = transmission(density, a_pen(colour), MPP_UM)
    np.testing.assert_allclose(light[20, 20], np.exp(-np.array(PENS[colour])), rtol=1e-4)


def test_hues_of_the_pens_differ_as_their_names_say():
    rest = {colour: np.exp(-np.array(values)) for colour, values in PENS.items()}
    assert [int(rest[colour].argmax()) for colour in ("red", "green", "blue")] == [0, 1, 2]
    assert np.ptp(rest["black"]) < 0.05 and rest["black"].max() < 0.2


def test_green_absorbs_as_real_green_ink_on_glass():
    folder = os.environ.get("RADIOKIT_REAL_DATA")
    if not folder:
        pytest.skip("RADIOKIT_REAL_DATA is not set: no real slides here")
    pen = Path(folder) / "histology" / "pen"
    pixels = cv2.imread(str(pen / "no-tissue-green-pen.png"))[..., ::-1].astype(float)
    white = np.percentile(pixels, 97, axis=(0, 1))
    absorbance = -np.log(pixels.clip(1) / white)[pixels[..., 0] < 110].mean(axis=0)
    found = np.array(PENS["green"]) / PENS["green"][0]
    np.testing.assert_allclose(found, absorbance / absorbance[0], atol=0.05)
    assert PENS["green"][0] == pytest.approx(absorbance[0], rel=0.2)


def test_red_absorbs_as_real_red_ink_on_glass():
    folder = os.environ.get("RADIOKIT_REAL_DATA")
    if not folder:
        pytest.skip("RADIOKIT_REAL_DATA is not set: no real slides here")
    path = Path(folder) / "histology" / "pen" / "very-low-nuclei-score-red-pen-level1.png"
    pixels = cv2.imread(str(path))[300:, 100:, ::-1].astype(float)  # fat: hardly any tissue
    white = np.percentile(pixels, 97, axis=(0, 1))
    absorbance = -np.log(pixels.clip(1) / white)[pixels[..., 1] < 60].mean(axis=0)
    found = np.array(PENS["red"]) / PENS["red"][1]
    np.testing.assert_allclose(found, absorbance / absorbance[1], atol=0.06)


# -- strokes -------------------------------------------------------------------------------------


def test_a_stroke_is_as_wide_as_the_tip():
    strokes = [line((200, 600), (1400, 600))]
    density = lay_ink(strokes, a_pen(width_um=96), (150, 200), MPP_UM, np.random.default_rng(0))
    widths = INK_DOWNSAMPLE * (density[:, 40:160] > 0.05).sum(axis=0)
    assert widths.mean() == pytest.approx(96, rel=0.12)
    rows = np.nonzero(density[:, 100] > 0.05)[0] + 0.5
    assert INK_DOWNSAMPLE * rows.mean() == pytest.approx(600, abs=10)


def test_ink_is_darker_where_strokes_cross():
    across, down = line((200, 600), (1400, 600)), line((800, 100), (800, 1100))
    densities = [
        lay_ink(strokes, a_pen(), (150, 200), MPP_UM, np.random.default_rng(4))
        for strokes in ([across], [across, down])
    ]
    crossing = (slice(71, 79), slice(96, 104))
    assert densities[1][crossing].mean() > 1.4 * densities[0][crossing].mean()


def test_ink_lies_uneven_and_thickest_where_the_tip_was_put_down():
    rng = np.random.default_rng(1)
    stroke = line((200, 600), (1400, 600))
    starts, middles = [], []
    for _ in range(12):
        density = lay_ink([stroke], a_pen(), (150, 200), MPP_UM, rng)
        starts.append(density[73:77, 25:28].mean())
        middles.append(density[73:77, 60:140])
    assert np.mean(starts) > 1.15 * np.mean(middles)
    assert min(middle.std() / middle.mean() for middle in middles) > 0.05


def test_a_chisel_is_broad_across_its_edge_and_narrow_along_it():
    widths = []
    for nib in (90.0, 0.0):
        pen = Pen("blue", 96, 0.0, 1.0, nib)
        strokes = [line((200, 600), (1400, 600))]
        density = lay_ink(strokes, pen, (150, 200), MPP_UM, np.random.default_rng(0))
        widths.append((density[:, 60:140] > 0.05).sum(axis=0).mean())
    assert widths[1] == pytest.approx(0.45 * widths[0], rel=0.2)


def test_ink_out_of_focus_has_soft_edges():
    density = np.zeros((100, 100), np.float32)
    density[:, 50:] = 1.0
    widths = []
    for blur_um in (8.0, 40.0):
        light = transmission(density, a_pen(blur_um=blur_um), MPP_UM)[50, :, 0]
        steps = np.interp([-0.9, -0.1], -(light - light[-1]) / (light[0] - light[-1]),
                          np.arange(100))  # fmt: skip
        widths.append(steps[1] - steps[0])
    # From 90 % to 10 % an edge blurred by a Gaussian takes 2.563 standard deviations.
    np.testing.assert_allclose(widths, [2.563, 2.563 * 5], rtol=0.12)


def test_a_tip_is_0_3_to_1_mm_and_finer_in_proportion_on_small_slides():
    def widths(size_px):
        return [
            draw_pen("red", size_px, 0.25, np.random.default_rng(k)).width_um for k in range(99)
        ]

    real, small = widths((120_000, 80_000)), widths((8000, 6000))
    assert 300 <= min(real) < 400 and 900 < max(real) <= 1000
    np.testing.assert_allclose(np.divide(small, real), 1500 / 15_000)


def test_strokes_beside_the_slide_leave_no_ink():
    strokes = [line((-900, -900), (-400, -300)), line((1700, 0), (2000, 900))]
    density = lay_ink(strokes, a_pen(), (150, 200), MPP_UM, np.random.default_rng(0))
    assert not density.any()


# -- marks ---------------------------------------------------------------------------------------


def test_rings_go_around_their_lesion_and_overlap_themselves():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        first, second = draw_ring(LESIONS[0], (1600, 1200), 40, rng)
        ring = np.round(first).astype(np.int32)
        assert all(cv2.pointPolygonTest(ring, (float(x), float(y)), False) > 0
                   for x, y in LESIONS[0])  # fmt: skip
        np.testing.assert_array_equal(first[-1], second[0])
        assert len(second) > 2


def test_letters_are_some_tips_high_and_near_an_edge():
    for seed in range(20):
        strokes = np.concatenate(draw_letters((1600, 1200), 30, np.random.default_rng(seed)))
        low, high = strokes[:, 1].min(), strokes[:, 1].max()
        assert 2 * 30 < high - low < 11 * 30
        assert low < 0.2 * 1200 or high > 0.8 * 1200


def test_paths_are_finite_and_in_steps_finer_than_the_tip():
    for seed in range(30):
        for lesions in (LESIONS, []):
            for stroke in draw_marks((1600, 1200), 40, lesions, np.random.default_rng(seed)):
                assert stroke.ndim == 2 and stroke.shape[1] == 2 and np.isfinite(stroke).all()
                assert np.hypot(*np.diff(stroke, axis=0).T).max() < 40


# -- slides --------------------------------------------------------------------------------------


def test_without_a_pen_a_slide_stays_as_it_is():
    pixels, mask = marked(200, [])
    assert (pixels == 200).all() and not mask.any() and mask.shape == (150, 200)


def test_a_mask_covers_what_is_left_over_at_the_edges():
    pixels = np.full((1003, 1030, 3), 240, np.uint8)
    mask = write_on_slide(pixels, MPP_UM, ["red"], [], np.random.default_rng(0))
    assert mask.shape == (126, 129)


def test_two_pens_leave_two_colours():
    found = {
        value for seed in range(4) for value in np.unique(marked(240, ["red", "blue"], seed)[1])
    }
    assert found == {0, INK_COLOURS.index("red"), INK_COLOURS.index("blue")}


def test_a_seed_gives_the_same_ink():
    np.testing.assert_array_equal(marked(240, ["black"])[0], marked(240, ["black"])[0])
    assert (marked(240, ["black"])[0] != marked(240, ["black"], seed=4)[0]).any()


def test_a_pen_of_no_known_colour_is_refused():
    with pytest.raises(ValueError, match="no pen of colour 'pink'. Colours: black, blue"):
        marked(240, ["pink"])
