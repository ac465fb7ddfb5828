import cv2
import numpy as np
import pytest
from PIL import Image

from radiokit.data.tissue import find_tissue

GLASS = np.array([243.0, 241.0, 242.0])
EOSIN = np.array([0.12, 0.75, 0.32])  # density in red, green and blue, logarithms


def _light(density, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1.5, density.shape)
    return np.clip(GLASS * np.exp(-density) + noise, 0, 255).astype(np.uint8)


def _disc(shape=(300, 400), radius=90):
    mask = np.zeros(shape, np.uint8)
    cv2.circle(mask, (shape[1] // 2, shape[0] // 2), radius, 1, -1)
    return mask > 0


def _overlap(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize("mpp_um", [0.5, 2.0, 8.0, 16.0])
@pytest.mark.parametrize("strength", [0.12, 0.5, 1.5])
def test_a_round_section_is_found_pale_and_dark(mpp_um, strength):
    truth = _disc()
    found = find_tissue(_light(strength * truth[..., None] * EOSIN), mpp_um)
    # The reach of the two smoothings, 4 and 25 µm, widens an edge by some 20 µm.
    widened = (90 + 20 / mpp_um) ** 2 / 90**2
    assert not (truth & ~found).sum() > 0.02 * truth.sum()
    assert found.sum() < 1.1 * widened * truth.sum()


@pytest.mark.parametrize("tint", [(243, 241, 242), (250, 250, 250), (224, 227, 232)])
@pytest.mark.parametrize("mpp_um", [0.5, 8.0])
def test_empty_glass_has_no_tissue(tint, mpp_um):
    noise = np.random.default_rng(0).normal(0, 2, (300, 400, 3))
    glass = np.clip(np.array(tint) + noise, 0, 255).astype(np.uint8)
    assert not find_tissue(glass, mpp_um).any()


@pytest.mark.parametrize("strength", [0.3, 1.0, 2.0])
def test_a_picture_full_of_tissue_is_not_split(strength):
    rng = np.random.default_rng(0)
    waves = cv2.resize(rng.uniform(0.5, 1.5, (12, 16)), (400, 300), interpolation=cv2.INTER_CUBIC)
    density = strength * waves.clip(0.3)[..., None] * EOSIN
    assert find_tissue(_light(density), 4.0).all()


def test_fat_is_tissue_though_only_its_walls_are_stained():
    mpp_um, cell_um, wall_um = 2.0, 70.0, 4.0
    density = np.zeros((400, 500, 3))
    inside = (slice(60, 340), slice(80, 420))
    y, x = np.mgrid[:400, :500] * mpp_um
    is_wall = ((x % cell_um) < wall_um) | ((y % cell_um) < wall_um)
    density[inside] = (0.4 * is_wall[..., None] * EOSIN)[inside]
    found = find_tissue(_light(density), mpp_um)
    truth = np.zeros((400, 500), bool)
    truth[inside] = True
    assert _overlap(found, truth) > 0.78


def test_a_hole_of_a_vessel_is_filled_and_a_wide_one_is_not():
    truth = _disc(radius=140)
    density = truth[..., None] * EOSIN
    cv2.circle(density, (140, 150), 6, (0, 0, 0), -1)  # 48 µm
    cv2.circle(density, (250, 150), 50, (0, 0, 0), -1)  # 400 µm
    found = find_tissue(_light(density), 4.0)
    assert found[150, 140] and not found[150, 250]


def test_a_blurred_dark_border_is_not_tissue():
    density = np.zeros((300, 400, 3))
    density += 2.5 * np.exp(-np.arange(300) / 8.0)[:, None, None]
    density[100:200, 150:250] += EOSIN
    found = find_tissue(_light(density), 8.0)
    assert found[105:195, 155:245].all() and not found[:80].any()


@pytest.mark.parametrize("padding", [0, 255])
def test_padding_is_not_tissue_and_does_not_hide_any(padding):
    truth = _disc()
    pixels = _light(truth[..., None] * EOSIN)
    pixels[:, 300:], pixels[:40] = padding, padding
    found = find_tissue(pixels, 8.0)
    assert not found[:, 300:].any() and not found[:40].any()
    assert _overlap(found[40:, :300], truth[40:, :300]) > 0.9


def test_a_slide_of_padding_alone_has_no_tissue():
    for padding in (0, 255):
        assert not find_tissue(np.full((50, 60, 3), padding, np.uint8), 8.0).any()


@pytest.mark.parametrize("ink", [(29, 68, 188), (31, 140, 115), (206, 34, 57), (36, 38, 42)])
def test_a_slide_with_ink_alone_has_no_tissue(ink):
    stroke = np.zeros((300, 400), np.float32)
    cv2.ellipse(stroke, (200, 150), (120, 90), 0, 0, 300, 1, 20)
    stroke = cv2.GaussianBlur(stroke, (0, 0), 1.0)
    density = stroke[..., None] * -np.log(np.array(ink) / 242)
    assert find_tissue(_light(density), 8.0).mean() < 0.002


def test_ink_that_is_given_is_not_sought_and_left_out():
    truth = _disc()
    ink = np.zeros_like(truth)
    ink[:, :200] = True
    found = find_tissue(_light(truth[..., None] * EOSIN), 8.0, ink)
    assert not found[:, :200].any() and found[150, 220]


def test_dust_is_not_tissue():
    density = np.zeros((300, 400, 3))
    density[50:54, 50:54] = 0.5
    density[200:203, 300:303] = EOSIN
    assert not find_tissue(_light(density), 8.0).any()


def test_tissue_needs_a_resolution():
    with pytest.raises(ValueError, match="give the µm per pixel"):
        find_tissue(np.zeros((4, 4, 3), np.uint8), None)


def test_a_grey_picture_is_refused():
    with pytest.raises(ValueError, match="uint8 .rows, columns, 3. RGB is needed"):
        find_tissue(np.zeros((4, 4), np.uint8), 1.0)


def test_ink_of_another_picture_is_refused():
    with pytest.raises(ValueError, match="find the ink on this very picture"):
        find_tissue(np.zeros((4, 5, 3), np.uint8), 1.0, np.zeros((5, 4), bool))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (7, 3, 3)])
def test_the_smallest_pictures_are_taken(shape):
    assert find_tissue(np.full(shape, 200, np.uint8), 8.0).shape == shape[:2]


def test_real_slide_has_tissue_inside_and_none_on_glass_and_ink(real_data):
    path = real_data / "histology" / "pen" / "pen_green.png"
    found = find_tissue(np.array(Image.open(path).convert("RGB")), 8.0)
    assert found[200:400, 400:700].mean() > 0.97
    assert not found[600:830, 650:980].any() and not found[450:474, 176:200].any()
    assert 0.2 < found.mean() < 0.5


@pytest.mark.parametrize("name", ["no-tissue-green-pen.png", "no-tissue-red-pen.png"])
def test_real_ink_alone_is_not_tissue(real_data, name):
    pixels = np.array(Image.open(real_data / "histology" / "pen" / name).convert("RGB"))
    assert find_tissue(pixels, 1.0).mean() < 0.02
