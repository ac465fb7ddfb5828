import cv2
import numpy as np
import pytest
from PIL import Image

from radiokit.data.ink import INK_COLOURS, Ink, clean_ink, find_ink
from radiokit.data.ink_optics import (
    find_padding,
    fit_stains,
    measure_density,
    measure_glass,
    weigh_inks,
)
from radiokit.data.ink_pieces import drop_frames, drop_small, keep_touching

GLASS = np.array([243.0, 241.0, 242.0])
# Haematoxylin and eosin of Ruifrok and Johnston 2001, whose eosin is turned a little to magenta
# as in most laboratories.
STAINS = np.array([(0.65, 0.70, 0.29), (0.15, 0.93, 0.38)])
# Densities in red, green and blue of one layer: logarithms of the grey values of scanned ink.
INKS = {
    "black": -np.log(np.array([36, 38, 42]) / 242),
    "blue": -np.log(np.array([29, 68, 188]) / 242),
    "green": -np.log(np.array([31, 140, 115]) / 242),
    "red": -np.log(np.array([206, 34, 57]) / 242),
}


def _amounts(shape, mpp_um, rng):
    """Haematoxylin in nuclei of 8 µm, eosin in waves; glass on the left third."""
    rows, columns = shape
    nuclei = np.zeros(shape, np.float32)
    radius = max(1, round(4 / mpp_um))
    number = int(rows * columns * mpp_um**2 / 400)  # one in every 20 µm by 20 µm
    for x, y in rng.uniform(0, (columns, rows), (number, 2)).astype(int):
        cv2.circle(nuclei, (int(x), int(y)), radius, 1.3, -1)
    waves = rng.standard_normal((rows // 8 + 1, columns // 8 + 1)).astype(np.float32)
    eosin = 0.55 + 0.12 * cv2.resize(waves, (columns, rows), interpolation=cv2.INTER_CUBIC)
    amounts = np.stack([nuclei + 0.08, eosin.clip(0.1)], axis=-1)
    amounts[:, : columns // 3] = 0
    return cv2.GaussianBlur(amounts, (0, 0), max(0.5, 1 / mpp_um))


def _slide(shape=(300, 400), mpp_um=4.0, strength=1.0, turn=0.0, seed=0):
    """Density of an H&E section by Beer and Lambert, its stains turned towards blue or yellow."""
    rng = np.random.default_rng(seed)
    vectors = STAINS + turn * np.array([(0.5, -0.5, 0.5), (0.5, -0.5, 1.0)])
    return strength * _amounts(shape, mpp_um, rng) @ vectors


def _light(density, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1.5, density.shape)
    return np.clip(GLASS * np.exp(-density) + noise, 0, 255).astype(np.uint8)


def _stroke(shape, width_px):
    mask = np.zeros(shape, np.uint8)
    rows, columns = shape
    ends = (columns // 8, rows // 4), (columns * 7 // 8, rows * 3 // 4)
    cv2.line(mask, *ends, 1, width_px)
    return mask


def _overlap(found, truth):
    return (found & truth).sum() / (found | truth).sum()


def _inked(colour, layers=1.0, shape=(300, 400), mpp_um=4.0, width_px=24, **section):
    stroke = _stroke(shape, width_px)
    soft = cv2.GaussianBlur(stroke.astype(np.float32), (0, 0), max(0.6, 6 / mpp_um))
    ink = layers * soft[..., None] * INKS[colour]
    is_visible = (1 - np.exp(-ink)).max(axis=-1) > 0.1  # takes a tenth of the light of a colour
    return _light(_slide(shape, mpp_um, **section) + ink), is_visible


@pytest.mark.parametrize("colour", INKS)
@pytest.mark.parametrize("layers", [0.8, 1.2])
def test_a_stroke_over_glass_and_tissue_is_found_in_its_colour(colour, layers):
    pixels, truth = _inked(colour, layers)
    ink = find_ink(pixels, 4.0)
    assert _overlap(ink.mask, truth) > 0.75
    assert (ink.colour[ink.mask] == INK_COLOURS.index(colour)).mean() > 0.95
    third = pixels.shape[1] // 3  # over tissue alone
    assert _overlap(ink.mask[:, third:], truth[:, third:]) > 0.7


@pytest.mark.parametrize("colour", INKS)
@pytest.mark.parametrize(("mpp_um", "width_px"), [(0.5, 100), (2.0, 40), (8.0, 14), (16.0, 12)])
def test_a_stroke_is_found_from_tile_to_thumbnail(colour, mpp_um, width_px):
    pixels, truth = _inked(colour, mpp_um=mpp_um, width_px=width_px)
    assert _overlap(find_ink(pixels, mpp_um).mask, truth) > 0.65


@pytest.mark.parametrize("colour", INKS)
@pytest.mark.parametrize(("strength", "turn"), [(0.6, 0.0), (1.5, 0.0), (1.0, 0.08), (1.0, -0.08)])
def test_a_stroke_is_found_whatever_the_stain(colour, strength, turn):
    pixels, truth = _inked(colour, 1.2, strength=strength, turn=turn)
    assert _overlap(find_ink(pixels, 4.0).mask, truth) > 0.65


@pytest.mark.parametrize("mpp_um", [0.25, 2.0, 16.0, None])
@pytest.mark.parametrize(
    ("strength", "turn"), [(0.5, 0.0), (1.0, 0.0), (1.8, 0.0), (1.3, 0.08), (1.3, -0.08)]
)
def test_clean_sections_of_any_stain_have_no_ink(mpp_um, strength, turn):
    pixels = _light(_slide(mpp_um=mpp_um or 4.0, strength=strength, turn=turn))
    assert not find_ink(pixels, mpp_um).mask.any()


def test_a_fold_dense_nuclei_blood_and_dust_are_not_ink():
    amounts = np.zeros((300, 400, 2), np.float32)
    amounts[..., 1] = 0.6
    amounts[40:80] *= 3  # a fold: thrice the section
    amounts[120:180, 50:350, 0] = 1.6  # a lymph follicle
    density = amounts @ STAINS
    cv2.circle(density, (200, 250), 2, (0.15, 1.1, 1.0), -1)  # red cells in a capillary
    density[200:290, 10:80] = 0
    density[230:240, 40:50] = 0.35  # grey dust on glass
    assert not find_ink(_light(density), 4.0).mask.any()


def test_glass_under_one_ink_alone_is_all_ink():
    for index, (colour, layer) in enumerate(INKS.items(), start=1):
        ink = find_ink(_light(np.broadcast_to(layer, (200, 200, 3))), 0.5)
        assert (ink.colour == index).mean() > 0.95, colour


def test_a_blurred_dark_border_and_padding_are_not_black_ink():
    density = _slide()
    density += 2.5 * np.exp(-np.arange(300) / 6.0)[:, None, None]  # along the upper side
    pixels = _light(density)
    pixels[:, 380:] = 0
    pixels[280:] = 255
    assert not find_ink(pixels, 8.0).mask.any()


def test_the_mask_is_where_the_colour_is_not_none():
    pixels, _ = _inked("green")
    ink = find_ink(pixels, 4.0)
    assert ink.mask.dtype == bool and ink.colour.dtype == np.uint8
    assert np.array_equal(ink.mask, ink.colour > 0)


def test_cleaned_ink_is_the_median_of_glass_and_the_rest_unchanged():
    pixels, _ = _inked("blue")
    ink = find_ink(pixels, 4.0)
    cleaned = clean_ink(pixels, ink)
    assert np.abs(cleaned[ink.mask].astype(float) - GLASS).max() <= 1.5
    assert np.array_equal(cleaned[~ink.mask], pixels[~ink.mask])
    assert not np.shares_memory(cleaned, pixels)


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_what_is_no_colour_picture_is_refused(pixels):
    with pytest.raises(ValueError, match="uint8 .rows, columns, 3. RGB is needed"):
        find_ink(pixels, 1.0)


@pytest.mark.parametrize("mpp_um", [0, -1.0, np.nan, np.inf])
def test_a_resolution_that_is_no_length_is_refused(mpp_um):
    with pytest.raises(ValueError, match="positive number of µm per pixel"):
        find_ink(np.zeros((4, 4, 3), np.uint8), mpp_um)


def test_ink_of_another_picture_cannot_be_cleaned():
    ink = Ink(np.zeros((5, 4), bool), np.zeros((5, 4), np.uint8))
    with pytest.raises(ValueError, match="find the ink on this very picture"):
        clean_ink(np.zeros((4, 5, 3), np.uint8), ink)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (7, 3, 3)])
def test_the_smallest_pictures_are_taken(shape):
    assert find_ink(np.full(shape, 200, np.uint8), 8.0).mask.shape == shape[:2]


# --- optics ---------------------------------------------------------------------------------------


def test_density_is_the_logarithm_of_the_light_lost():
    pixels = np.array([[[243, 120, 30], [255, 241, 10]]], np.uint8)
    expected = np.maximum(np.log(GLASS / pixels), 0)
    assert np.allclose(measure_density(pixels, GLASS), expected, atol=1e-5)


def test_glass_is_measured_beside_tissue_and_usual_where_there_is_none():
    assert np.allclose(measure_glass(_light(_slide())), GLASS, atol=3)
    assert np.allclose(measure_glass(np.full((20, 20, 3), 120, np.uint8)), 240)


def test_stains_are_fitted_to_the_plane_they_span():
    for turn in (-0.08, 0.0, 0.08):
        vectors = STAINS + turn * np.array([(0.5, -0.5, 0.5), (0.5, -0.5, 1.0)])
        eosin = vectors[1]
        expected = (eosin[2] - 0.25 * eosin[0]) / eosin[1]
        section = (np.random.default_rng(0).uniform(0.3, 0.9, (80, 80, 1)) * eosin).astype("f4")
        assert fit_stains(section) == pytest.approx(expected, abs=0.03)


def test_no_mixture_of_stains_is_surely_ink():
    haematoxylin, eosin = np.meshgrid(np.linspace(0, 1.5, 60), np.linspace(0, 2.5, 60))
    mixtures = np.stack([haematoxylin, eosin], axis=-1) @ STAINS
    assert not weigh_inks(mixtures.astype(np.float32))[0].any()


def test_padding_is_exact_black_or_white_but_no_single_pixel():
    pixels = np.full((30, 30, 3), 128, np.uint8)
    pixels[:10], pixels[20:] = 0, 255
    pixels[15, 15] = 0
    expected = np.zeros((30, 30), bool)
    expected[:10] = expected[20:] = True
    assert np.array_equal(find_padding(pixels), expected)


# --- pieces ---------------------------------------------------------------------------------------


def test_small_pieces_go_and_pieces_that_touch_a_seed_stay():
    mask = np.zeros((10, 20), np.uint8)
    mask[1:4, 1:4] = mask[6, 6] = mask[7, 7] = 1  # nine pixels; two that meet at a corner
    assert np.array_equal(np.argwhere(drop_small(mask, 3)), np.argwhere(mask[:5]))
    seed = np.zeros_like(mask)
    seed[7, 7] = 1
    assert np.array_equal(np.argwhere(keep_touching(mask, seed)), [(6, 6), (7, 7)])


def test_strips_along_any_side_are_frames_and_strokes_to_the_side_are_not():
    mask = np.zeros((60, 80), np.uint8)
    mask[:4, 10:70] = mask[30:50, :3] = 1
    assert not drop_frames(mask).any()
    stroke = np.zeros((60, 80), np.uint8)
    stroke[:40, 30:36] = 1
    assert np.array_equal(drop_frames(stroke), stroke)


# --- real images ----------------------------------------------------------------------------------


def _real(path):
    return np.array(Image.open(path).convert("RGB"))


def test_a_real_green_stroke_and_blue_dot_are_found(real_data):
    folder = real_data / "histology" / "pen"
    truth = np.array(Image.open(folder / "pen_green_mask.png").convert("L")) > 127
    ink = find_ink(_real(folder / "pen_green.png"), 8.0)
    assert _overlap(ink.colour == INK_COLOURS.index("green"), truth) > 0.74
    dot = np.zeros_like(truth)
    dot[445:478, 171:207] = True  # not in the mask
    blue = ink.colour == INK_COLOURS.index("blue")
    assert blue[dot].mean() > 0.4 and not blue[~dot].any()
    assert (
        ink.mask & ~dot & ~cv2.dilate(truth.astype(np.uint8), np.ones((25, 25))).astype(bool)
    ).mean() < 0.002


@pytest.mark.parametrize(
    ("name", "colour", "least", "most"),
    [
        ("no-tissue-green-pen.png", "green", 0.76, 0.9),
        ("no-tissue-red-pen.png", "red", 0.35, 0.85),
        ("very-low-nuclei-score-red-pen-level1.png", "red", 0.3, 0.5),
        ("high-nuclei-score-red-pen-level1.png", "red", 0.1, 0.25),
        ("medium-nuclei-score-green-pen-level1.png", "green", 0.4, 0.65),
    ],
)
def test_real_ink_takes_about_the_share_seen(real_data, name, colour, least, most):
    ink = find_ink(_real(real_data / "histology" / "pen" / name), 1.0)
    assert least < (ink.colour == INK_COLOURS.index(colour)).mean() < most


def test_real_tissue_without_ink_has_none(real_data):
    shares = []
    for path in sorted((real_data / "histology" / "nuclei_tnbc" / "images").iterdir()):
        pixels = _real(path)
        pixels = pixels[130:510, 130:510] if "rotated" in path.name else pixels[:560]
        shares.append(find_ink(pixels, 0.25).mask.mean())
    assert len(shares) == 30 and np.mean(shares) < 0.001 and max(shares) < 0.01
