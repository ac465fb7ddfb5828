"""Artefacts of phantom slides: what each does to light, where it stays away, its size in µm."""

import cv2
import numpy as np
import pytest

from radiokit.phantoms.slide_artifacts import (
    ARTIFACTS,
    SHARES,
    add_artifacts,
    add_blur,
    add_bubble,
    add_dust,
    add_fold,
    add_knife_line,
    choose_artifacts,
)

GLASS, TISSUE = 240, (210, 150, 190)
SHAPE = (600, 800)
MPP_UM = 0.75


def slide(texture: float = 0.0, scale: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A disc of tissue on glass, with noise; and the tissue mask at a tenth."""
    rows, columns = SHAPE[0] * scale, SHAPE[1] * scale
    pixels = np.full((rows, columns, 3), GLASS, np.uint8)
    tissue = np.zeros((rows, columns), np.uint8)
    cv2.circle(tissue, (columns // 2, rows // 2), int(0.42 * rows), 1, -1)
    noise = np.random.default_rng(0).normal(0, texture, (rows, columns, 1))
    inside = tissue > 0
    pixels[inside] = (np.array(TISSUE) + noise[inside]).clip(0, 255)
    return pixels, tissue[:: 10 * scale, :: 10 * scale] > 0


def change(add, seed: int, texture: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A slide before and after."""
    before, tissue = slide(texture)
    after = before.copy()
    add(after, MPP_UM, tissue, np.random.default_rng(seed))
    return before, after


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_each_artefact_changes_a_small_part_of_the_slide(kind):
    before, tissue = slide(texture=8)
    shares = []
    for seed in range(3):
        after = before.copy()
        add_artifacts(after, MPP_UM, tissue, [kind], np.random.default_rng(seed))
        shares.append((np.abs(after.astype(int) - before) > 3).any(axis=2).mean())
    assert min(shares) > 0 and max(shares) < 0.35


@pytest.mark.parametrize("add", [add_fold, add_knife_line])
def test_what_happens_to_tissue_spares_empty_glass(add):
    pixels = np.full((*SHAPE, 3), GLASS, np.uint8)
    for seed in range(5):
        add(pixels, MPP_UM, np.ones((9, 12), bool), np.random.default_rng(seed))
    assert (np.abs(pixels.astype(int) - GLASS) <= 1).all()


def test_light_passes_a_fold_twice_and_more():
    before, after = change(add_fold, seed=2)
    inside = (before == TISSUE).all(axis=2) & (np.abs(after.astype(int) - before) > 5).any(axis=2)
    folded = np.median(after[inside], axis=0)
    passed = np.array(TISSUE) / (0.97 * GLASS)  # by the upper layer, a third thicker
    np.testing.assert_allclose(folded, TISSUE * passed**1.3, atol=2.5)
    outside = ~cv2.dilate(inside.astype(np.uint8), np.ones((5, 5))).astype(bool)  # and its rim
    np.testing.assert_allclose(after[outside].astype(int), before[outside], atol=5)


def test_a_knife_line_takes_tissue_away_from_side_to_side():
    for seed in range(4):
        before, after = change(add_knife_line, seed)
        lost = (after.astype(int) - before).min(axis=2) > 15  # brighter in every colour
        inside = (before == TISSUE).all(axis=2)
        crossed = max(np.mean(lost.any(axis=axis)[inside.any(axis=axis)]) for axis in (0, 1))
        assert crossed > 0.6
        assert after.max() <= GLASS + 1


def test_a_bubble_has_a_dark_rim_on_glass_too_and_tissue_within():
    pixels = np.full((*SHAPE, 3), GLASS, np.uint8)
    centre = np.zeros((9, 12), bool)
    centre[4, 6] = True
    add_bubble(pixels, MPP_UM, centre, np.random.default_rng(1))
    dark = pixels.max(axis=2) < 0.5 * GLASS
    count, _, boxes, middles = cv2.connectedComponentsWithStats(dark.astype(np.uint8))
    assert count == 2  # the background and one closed rim
    assert boxes[1, 2] == pytest.approx(boxes[1, 3], rel=0.2)
    column, row = np.round(middles[1]).astype(int)
    assert pixels[row, column].min() > 0.95 * GLASS
    before, after = change(add_bubble, seed=1)
    assert np.abs(after.astype(int) - before).max() > 60


def test_a_blurred_place_keeps_its_mean_and_loses_its_detail():
    noise = np.random.default_rng(0).normal(150, 25, (*SHAPE, 1)).repeat(3, axis=2)
    before = noise.clip(0, 255).astype(np.uint8)
    centre = np.zeros((6, 8), bool)
    centre[3, 4] = True
    after = before.copy()
    add_blur(after, MPP_UM, centre, np.random.default_rng(3))
    patch = (slice(310, 390), slice(410, 490))  # well inside, wherever in its cell the centre is
    assert after[patch].mean() == pytest.approx(before[patch].mean(), abs=1)
    assert after[patch].std() < 0.4 * before[patch].std()
    corner = (slice(0, 60), slice(0, 80))
    np.testing.assert_array_equal(after[corner], before[corner])


def test_dust_only_darkens_and_lies_on_glass_too():
    pixels = np.full((*SHAPE, 3), GLASS, np.uint8)
    add_dust(pixels, MPP_UM, np.ones((9, 12), bool), np.random.default_rng(0))
    assert pixels.max() == GLASS and pixels.min() < 0.75 * GLASS


@pytest.mark.parametrize("add", [add_bubble, add_blur, add_fold])
def test_sizes_are_in_micrometres(add):
    areas_um2 = []
    for scale in (1, 2):  # the same slide scanned twice as fine
        before, tissue = slide(texture=12, scale=scale)
        after = before.copy()
        add(after, MPP_UM / scale, tissue, np.random.default_rng(7))
        changed = (np.abs(after.astype(int) - before) > 4).any(axis=2).astype(np.float32)
        closed = cv2.blur(changed, (9 * scale, 9 * scale)) > 0.3
        areas_um2.append(closed.sum() * (MPP_UM / scale) ** 2)
    assert areas_um2[1] == pytest.approx(areas_um2[0], rel=0.12)


def test_artefacts_are_as_frequent_as_announced_and_in_order():
    rng = np.random.default_rng(0)
    drawn = [choose_artifacts(rng) for _ in range(3000)]
    for kind in ARTIFACTS:
        share = np.mean([kind in kinds for kinds in drawn])
        assert share == pytest.approx(SHARES[kind], abs=0.03)
    assert all(list(kinds) == [kind for kind in ARTIFACTS if kind in kinds] for kinds in drawn)


def test_a_slide_without_tissue_is_spoilt_without_complaint():
    for seed in range(3):
        pixels = np.full((*SHAPE, 3), GLASS, np.uint8)
        add_artifacts(pixels, 0.25, np.zeros((9, 12), bool), ARTIFACTS, np.random.default_rng(seed))
        assert pixels.shape == (*SHAPE, 3)


def test_an_unknown_artefact_is_refused():
    with pytest.raises(ValueError, match="no artefact 'coffee'. Known are knife_line, fold"):
        add_artifacts(
            *slide()[:1], 0.5, np.ones((9, 12), bool), ["coffee"], np.random.default_rng()
        )
