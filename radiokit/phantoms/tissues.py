"""From distance maps to Hounsfield units: the head CT phantoms' slices before the scanner."""

import cv2
import numpy as np

from radiokit.phantoms.bleed_maps import bleed_map, push_aside
from radiokit.phantoms.bleeds import FORMS, Bleed
from radiokit.phantoms.brain import brain_maps
from radiokit.phantoms.head import Head, Space, waves
from radiokit.phantoms.skull import skull_maps

AIR_HU, FAT_HU, MUSCLE_HU, FLUID_HU = -1000.0, -85.0, 52.0, 7.0
HIDDEN_HU = 130.0  # where bone shares the voxel, blood cannot be seen and is not marked
MIN_PIXELS = 4  # fewer pixels of a subtype in a slice are no finding
CORTEX_MM, SULCUS_DEPTH_MM = 3.2, 22.0


def head_maps(head: Head, space: Space, bleeds: tuple[Bleed, ...], fall: np.ndarray) -> dict:
    """Every map of an exam, (slices, rows, columns) float32, at half the image's resolution."""
    maps = skull_maps(head, space)
    pushed, tight = push_aside(space, bleeds, -maps["dome"])
    maps |= brain_maps(head, pushed, maps)
    maps["cisterns"] += 1.6 * tight
    maps["ventricles"] += 0.8 * tight
    maps["tight"] = tight
    maps["mottle"] = waves(space.points_mm, np.random.default_rng(head.shape_seed + 1), 17.0, 6)
    maps["bleeds"] = [bleed_map(bleed, space, maps, maps, fall) for bleed in bleeds]
    maps["oedema"] = np.zeros_like(tight)
    for bleed, distance in zip(bleeds, maps["bleeds"], strict=True):
        if bleed.oedema:
            rim = np.clip(1.3 - distance / np.float32(bleed.oedema), 0, 1)
            np.maximum(maps["oedema"], rim, out=maps["oedema"])
    return maps


SOFTENED = ("cavity", "bone", "ventricles", "cisterns", "deep", "falx", "chalk", "air")
SOFTENED += ("globes", "orbits", "muscle", "brainstem", "tentorium")


def soften(maps: dict, pixel_mm: float, positions_mm: np.ndarray, thickness_mm: float) -> None:
    """Divide distances, in place, by how far a border is spread over a voxel: 1 is all of it."""
    for name in SOFTENED:
        maps[name] = _spread(maps[name], pixel_mm, positions_mm, thickness_mm)
    maps["bleeds"] = [
        _spread(found, pixel_mm, positions_mm, thickness_mm) for found in maps["bleeds"]
    ]


def _spread(distance, pixel_mm, positions_mm, thickness_mm) -> np.ndarray:
    slope = np.empty_like(distance)
    slope[1:-1] = (distance[2:] - distance[:-2]) / np.gradient(positions_mm)[1:-1, None, None] / 2
    slope[0], slope[-1] = slope[1], slope[-2]
    np.abs(slope, out=slope)
    np.minimum(slope, 1, out=slope)
    slope *= np.float32(0.8 * thickness_mm)
    slope += np.float32(1.1 * pixel_mm)
    return np.divide(distance, slope, out=slope)


def paint_slice(head: Head, bleeds: tuple[Bleed, ...], maps: dict, index: int, fall: np.ndarray):
    """One slice at full resolution: Hounsfield units (float32) and label map (uint8 0..5).

    Args:
        head: whose.
        bleeds: of the exam.
        maps: from `head_maps`, softened.
        index: of the slice.
        fall: (rows, columns) of it, mm downwards, at full resolution.
    """

    def fine(name):
        return _enlarge(maps[name][index])

    hu = _outside(fine, maps, index)
    brain, fluid = _brain(head, fine, maps, index)
    labels = np.zeros(hu.shape, np.uint8)
    for number, bleed in enumerate(bleeds):
        _bleed_into(brain, labels, bleed, _enlarge(maps["bleeds"][number][index]), fluid, fall)
    inside = _share(fine("cavity"))
    hu += inside * (brain - hu)
    labels[(hu > HIDDEN_HU) | (inside < 0.5)] = 0
    return hu, drop_specks(labels)


def _enlarge(field: np.ndarray) -> np.ndarray:
    rows, columns = field.shape
    return cv2.resize(field, (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR)


def _share(distance: np.ndarray) -> np.ndarray:
    """Part of a voxel that lies inside, 0..1."""
    share = 0.5 - distance
    return np.clip(share, 0, 1, out=share)


def _mix(hu: np.ndarray, distance: np.ndarray, value) -> None:
    share = _share(distance)
    share *= value - hu
    hu += share


def _outside(fine, maps: dict, index: int) -> np.ndarray:
    """Air, scalp, muscle, orbits and bone."""
    skin, mottle = fine("skin"), fine("mottle")
    hu = np.full(skin.shape, AIR_HU, np.float32)
    _mix(hu, skin / 1.5, 30.0)
    _mix(hu, (skin + 3.0) / 1.5, FAT_HU)
    _mix(hu, np.maximum((skin + 4.5) / 1.5, fine("muscle")), MUSCLE_HU + 3 * mottle)
    _mix(hu, fine("orbits"), FAT_HU)
    _mix(hu, fine("globes"), 18.0)
    bone, inner = fine("bone"), fine("cavity")
    diploe = np.clip(np.minimum(-bone, inner) / 2.0, 0, 1)
    _mix(hu, bone, 1350 - 650 * diploe)
    _mix(hu, fine("air"), AIR_HU)
    return hu


def _brain(head: Head, fine, maps: dict, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Brain with its fluid, and how much of a voxel blood around the brain could fill."""
    depth, folds, mottle = -fine("dome"), np.abs(fine("folds")), fine("mottle")
    cerebellum = np.clip(0.5 - fine("tentorium"), 0, 1)
    grey = np.clip((CORTEX_MM + 1 - np.minimum(depth, folds + 0.12 * depth)) / 2, 0, 1)
    grey += cerebellum * (0.55 - grey)
    np.maximum(grey, 0.75 * _share(fine("deep")), out=grey)
    hu = head.white_hu + (head.grey_hu - head.white_hu) * grey
    hu += 1.2 * mottle
    if maps["oedema"][index].any():
        hu -= fine("oedema") * (1 - 0.4 * grey) * (head.white_hu - 18)
    near = np.clip((SULCUS_DEPTH_MM - depth) / 14, 0, 1) * (1 - 0.75 * cerebellum)
    width = head.sulcus_mm * near * (1 - fine("tight")) * (1 + 0.35 * mottle)
    fluid = np.maximum(_sulci(folds, np.maximum(width, 0)), _share(fine("cisterns")))
    hu += fluid * (FLUID_HU - hu)
    _mix(hu, fine("ventricles"), FLUID_HU)
    _mix(hu, fine("falx"), 45.0)
    _mix(hu, fine("chalk"), 170.0)
    near = np.clip((SULCUS_DEPTH_MM - depth) / 8, 0, 1) * (1 - cerebellum)
    return hu, np.maximum(fluid, near * np.clip(1.55 - folds / 1.3, 0, 1))


def _sulci(folds: np.ndarray, width_mm: np.ndarray) -> np.ndarray:
    """Share of fluid: a sulcus thinner than a pixel only greys it."""
    return np.minimum(1, 0.75 * width_mm) * np.clip(1 - (folds - 0.5 * width_mm) / 1.3, 0, 1)


def _bleed_into(brain, labels, bleed: Bleed, distance, fluid, fall) -> None:
    value = np.float32(bleed.hu)
    if bleed.layered_hu:
        middle = (distance < 0) if (distance < 0).any() else np.ones(distance.shape, bool)
        rise = (fall - fall[middle].mean()) / 12
        value = value + np.float32(bleed.layered_hu) * np.clip(rise, -0.2, 1)
    share = _share(distance)
    if bleed.form == "patch":
        share = np.clip(0.5 - distance * 0.6, 0, 1) * fluid
    brain += share * (value - brain)
    labels[share > 0.5] = FORMS[bleed.form]


def drop_specks(labels: np.ndarray) -> np.ndarray:
    """Take subtypes of fewer than `MIN_PIXELS` pixels out of a label map, in place."""
    counts = np.bincount(labels.ravel(), minlength=6)
    for value in np.flatnonzero((counts > 0) & (counts < MIN_PIXELS)):
        labels[labels == value] = 0
    return labels
