"""The breast slide: repeatable pixels, regions that hold what they say, sizes, clear errors."""

from functools import lru_cache

import cv2
import numpy as np
import pytest

from radiokit.phantoms.breast_slide import LESIONS, draw_breast_slide
from radiokit.phantoms.nuclei import KINDS

SIZE_PX, MPP_UM = (2048, 1536), 0.5
SMALL_PX = (1024, 768)
NAMES = list(KINDS)


@pytest.fixture(scope="module")
def slide():
    return draw_breast_slide(np.random.default_rng(4), SIZE_PX, MPP_UM)


@lru_cache
def small_slide(seed, kinds=LESIONS):
    """A slide as large as a millimetre, coarse, so that it is quick."""
    return draw_breast_slide(np.random.default_rng(seed), SMALL_PX, 1.0, kinds)


def mask_of(slide, label):
    """bool (rows, columns): where regions of a label are, holes left out."""
    mask = np.zeros(slide.pixels.shape[:2], np.uint8)
    for name, points, holes in slide.regions:
        if name == label:
            one = cv2.fillPoly(np.zeros_like(mask), [np.round(points).astype(np.int32)], 1)
            for hole in holes:
                cv2.fillPoly(one, [np.round(hole).astype(np.int32)], 0)
            mask |= one
    return mask > 0


def share_inside(slide, kind, mask):
    points = slide.nuclei[slide.nuclei[:, 2] == NAMES.index(kind), :2].astype(int)
    return mask[points[:, 1], points[:, 0]].mean()


def per_mm2(slide, kinds, mask):
    points = slide.nuclei[np.isin(slide.nuclei[:, 2], [NAMES.index(kind) for kind in kinds])]
    columns, rows = points[:, :2].astype(int).T
    return mask[rows, columns].sum() / (mask.sum() * (slide.mpp_um / 1000) ** 2)


def crosses_itself(points):
    """Whether two sides of a closed outline that are no neighbours meet."""
    start, end = points, np.roll(points, -1, axis=0)

    def side(a, b, c):
        return np.sign(np.cross(b - a, c - a))

    pairs = [(i, j) for i in range(len(points)) for j in range(i + 2, len(points))]
    i, j = np.array([pair for pair in pairs if pair != (0, len(points) - 1)]).T
    pad = [np.pad(part, ((0, 0), (0, 1))) for part in (start[i], end[i], start[j], end[j])]
    a, b, c, d = pad
    apart = [side(a, b, c)[:, 2] * side(a, b, d)[:, 2], side(c, d, a)[:, 2] * side(c, d, b)[:, 2]]
    return bool(((apart[0] < 0) & (apart[1] < 0)).any())


# -- pixels ----------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_pixels_and_another_seed_gives_others():
    first, again, other = (
        draw_breast_slide(np.random.default_rng(seed), SMALL_PX) for seed in (2, 2, 3)
    )
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.nuclei, again.nuclei)
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("mpp_um", [0.25, 0.6])
@pytest.mark.parametrize("size_px", [SMALL_PX, (1100, 905)])
def test_a_slide_has_the_size_it_was_asked_for(size_px, mpp_um):
    slide = draw_breast_slide(np.random.default_rng(1), size_px, mpp_um)
    assert slide.pixels.shape == (size_px[1], size_px[0], 3)
    assert slide.pixels.dtype == np.uint8
    coarse = [-(-side // slide.tissue_downsample) for side in size_px[::-1]]
    assert slide.tissue.shape == tuple(coarse) and slide.tissue.dtype == bool
    assert slide.mpp_um == mpp_um


def test_glass_around_the_section_is_empty_and_nearly_white(slide):
    fine = np.kron(slide.tissue, np.ones((16, 16), bool))[: SIZE_PX[1], : SIZE_PX[0]]
    glass = cv2.erode((~fine).astype(np.uint8), np.ones((65, 65), np.uint8)) > 0
    assert 0.55 < slide.tissue.mean() < 0.92
    white = slide.pixels[glass].astype(float)
    assert abs(white.mean(axis=0) - slide.stain.white_rgb).max() < 3
    assert white.std(axis=0).max() < 6
    assert slide.pixels[fine].mean() < white.mean() - 25


def test_slides_differ_in_stain_and_white():
    stains = [small_slide(seed).stain for seed in range(5)]
    assert np.std([stain.strengths for stain in stains], axis=0).min() > 0.03
    assert np.std([stain.white_rgb for stain in stains], axis=0).max() > 1
    assert np.std([stain.vectors for stain in stains], axis=0).max() > 0.02


# -- regions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kinds", [(), ("benign",), ("invasive", "in_situ"), ("in_situ", "benign", "invasive")]
)
def test_a_slide_has_the_lesions_it_was_asked_for_and_no_others(kinds):
    for seed in range(3):
        slide = small_slide(seed, kinds)
        assert {label for label, _, _ in slide.regions} == set(kinds)
        found = {NAMES[index] for index in np.unique(slide.nuclei[:, 2].astype(int))}
        assert ("in_situ" in found, "invasive" in found) == (
            "in_situ" in kinds,
            "invasive" in kinds,
        )
        assert {"luminal", "myoepithelial", "fibroblast"} <= found


@pytest.mark.parametrize("seed", range(6))
def test_outlines_lie_inside_the_slide_and_never_cross_themselves_or_each_other(seed):
    slide = small_slide(seed)
    overlap = np.zeros(slide.pixels.shape[:2], np.uint8)
    for label, points, holes in slide.regions:
        assert label in LESIONS
        for outline in (points, *holes):
            assert outline.ndim == 2 and outline.shape[1] == 2 and len(outline) >= 24
            assert outline.min() >= 0 and (outline.max(axis=0) <= SMALL_PX).all()
            assert not crosses_itself(outline)
        for hole in holes:
            around = points.astype(np.float32)
            assert all(cv2.pointPolygonTest(around, (x, y), False) > 0 for x, y in hole.tolist())
        overlap += cv2.fillPoly(np.zeros_like(overlap), [np.round(points).astype(np.int32)], 1)
    assert overlap.max() == 1


def test_a_large_invasive_area_often_has_a_hole_with_normal_tissue():
    slides = [small_slide(seed, ("invasive",)) for seed in range(3)]
    holes = [hole for slide in slides for _, _, holes in slide.regions for hole in holes]
    assert holes
    for slide in slides:
        assert share_inside(slide, "invasive", mask_of(slide, "invasive")) == 1


def test_regions_hold_the_cells_they_say(slide):
    assert share_inside(slide, "in_situ", mask_of(slide, "in_situ")) > 0.98
    assert share_inside(slide, "invasive", mask_of(slide, "invasive")) == 1
    benign = mask_of(slide, "benign")
    outside = (slide.pixels.min(axis=2) < 225) & ~sum(mask_of(slide, label) for label in LESIONS)
    epithelium = ("luminal", "myoepithelial", "in_situ", "invasive")
    for label in LESIONS:
        inside = per_mm2(slide, epithelium, mask_of(slide, label))
        assert inside > 1.5 * per_mm2(slide, epithelium, outside), label
    assert per_mm2(slide, ("luminal",), benign) > 5 * per_mm2(slide, ("in_situ",), benign)


def test_regions_are_tissue_and_not_glass(slide):
    fine = np.kron(slide.tissue, np.ones((16, 16), bool))[: SIZE_PX[1], : SIZE_PX[0]]
    for label in LESIONS:
        assert fine[mask_of(slide, label)].mean() > 0.97


def test_lesions_share_their_mean_colours():
    """Structure tells them apart, not colour: a slide differs more from the next than they do."""
    means = {label: [] for label in LESIONS}
    for seed in range(6):
        slide = small_slide(seed)
        for label in LESIONS:
            means[label].append(slide.pixels[mask_of(slide, label)].mean(axis=0))
    centres = np.array([np.mean(means[label], axis=0) for label in LESIONS])
    spread = np.mean([np.std(means[label], axis=0) for label in LESIONS])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2).max() / np.sqrt(3)
    assert apart < 2 * spread


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size_px": (1000, 900)}, r"\(1000, 900\).*at least \(1024, 768\)"),
        ({"mpp_um": 4.0}, "mpp_um is 4.0.*0.1 and 2"),
        ({"kinds": ("benign", "normal")}, r"\['normal'\].*choose from"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        draw_breast_slide(np.random.default_rng(0), **settings)
