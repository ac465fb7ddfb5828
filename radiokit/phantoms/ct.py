"""The CT scanner of the head phantoms: where its slices lie, beam hardening, noise and motion."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy.sparse import csr_array

SIZE = 256  # rows and columns
STORAGES = (  # how hospitals store Hounsfield units: bits, signed, intercept, wrapped, of 20
    (12, False, -1024, False, 7),
    (16, True, -1024, False, 5),
    (16, True, 0, False, 6),
    (12, False, 0, True, 2),
)
HOSPITALS = tuple(storage[:4] for storage in STORAGES for _ in range(storage[4]))
WINDOWS = (
    (("36", "36"), ("80", "80")),
    (("00036", "00036"), ("00080", "00080")),
    (("40",), ("80",)),
    (("30",), ("80",)),
    (("40",), ("150",)),
    (("35", "600"), ("100", "2800")),
)


@dataclass(frozen=True)
class Scanner:
    """One hospital's scanner and how it was set for one exam."""

    pixel_mm: float
    thickness_mm: float
    positions_mm: tuple[float, ...]  # of the slices along the table, from the neck up
    tilt_degrees: float
    noise_hu: float
    sharpness: float  # 0 smooth kernel … 1 sharp one
    hardening: float
    shift_hu: float  # calibration
    bits: int
    is_signed: bool
    intercept: int
    wraps: bool  # values are stored modulo 4096
    has_circle: bool  # outside the field of view lies padding
    window: tuple[tuple[str, ...], tuple[str, ...]] | None
    transfer_syntax: str
    says_more: bool  # tilt, thickness, kVp and instance number in the header
    holder: int  # 0 none, 1 a bowl below, 2 walls beside the head
    moved: tuple[int, ...]  # slices during which the patient moved
    seed: int


def draw_scanner(rng: np.random.Generator, top_mm: float, hospital: int) -> Scanner:
    """A random scanner, set for an exam.

    Args:
        rng: of everything drawn.
        top_mm: where the vertex lies along the table.
        hospital: 0 to 19, which says how values are stored; the first writes no window.
    """
    bits, is_signed, intercept, wraps = HOSPITALS[hospital]
    positions = _positions(rng, top_mm)
    syntaxes = ("explicit", "implicit", "rle", "jpegls")
    moved = rng.choice(len(positions), 2, replace=False) if rng.random() < 0.12 else ()
    return Scanner(
        pixel_mm=float(np.round(rng.uniform(0.83, 0.99), 7)),
        thickness_mm=float(np.median(np.diff(positions)).round(1)),
        positions_mm=tuple(float(p) for p in positions),
        tilt_degrees=round(rng.uniform(4, 20), 1) if rng.random() < 0.3 else 0.0,
        noise_hu=float(np.exp(rng.normal(np.log(3.6), 0.3))),
        sharpness=float(rng.uniform(0, 1)),
        hardening=float(rng.uniform(0.3, 1.15)),
        shift_hu=float(rng.normal(0, 1.5)),
        bits=bits,
        is_signed=is_signed,
        intercept=intercept,
        wraps=wraps,
        has_circle=bool(is_signed and rng.random() < 0.6),
        window=None if hospital == 0 else WINDOWS[rng.integers(len(WINDOWS))],
        transfer_syntax=str(rng.choice(syntaxes, p=[0.55, 0.2, 0.1, 0.15])),
        says_more=bool(rng.random() < 0.5),
        holder=int(rng.choice(3, p=[0.35, 0.45, 0.2])),
        moved=tuple(int(index) for index in moved),
        seed=int(rng.integers(2**31)),
    )


def _positions(rng: np.random.Generator, top_mm: float) -> np.ndarray:
    """Slices 5 mm apart, in some exams finer at the base than above."""
    count = int(rng.integers(20, 24))
    gaps = np.full(count - 1, 5.0)
    if rng.random() < 0.08:
        gaps[: count // 3] = 4.0
        gaps[count // 3 :] = 5.5
    heights = np.concatenate([[0], np.cumsum(gaps)])
    return np.round(heights - heights[-1] + top_mm + rng.normal(0, 2.5), 3)


def scanner_points_mm(scanner: Scanner, step: int) -> np.ndarray:
    """(3, slices, rows, columns) float32, left, back and up, of every `step`-th voxel's centre."""
    across = ((np.arange(SIZE // step) + 0.5) * step - SIZE / 2) * scanner.pixel_mm
    tilt = np.radians(scanner.tilt_degrees)
    x = across[None, None, :]
    y = across[None, :, None] * np.cos(tilt)
    z = np.array(scanner.positions_mm)[:, None, None] - across[None, :, None] * np.sin(tilt)
    return np.stack([part.astype(np.float32) for part in np.broadcast_arrays(x, y, z)])


def fall_mm(scanner: Scanner) -> np.ndarray:
    """(SIZE, SIZE) float32: how far down a pixel lies as the patient lies on their back."""
    down = ((np.arange(SIZE) + 0.5) - SIZE / 2) * scanner.pixel_mm
    down = down * np.cos(np.radians(scanner.tilt_degrees))
    return np.repeat(down[:, None], SIZE, axis=1).astype(np.float32)


def take_slice(hu: np.ndarray, scanner: Scanner, index: int) -> np.ndarray:
    """What the scanner makes of one slice: float32 Hounsfield units of the same shape."""
    rng = np.random.default_rng([scanner.seed, index])
    hu = add_holder(hu, scanner)
    if index in scanner.moved:
        hu = _moved(hu, rng)
    hu = cv2.GaussianBlur(hu, (0, 0), 0.75 - 0.25 * scanner.sharpness)
    hu += scanner_errors(hu, scanner, rng)
    hu += _noise(hu, scanner, rng)
    hu += np.float32(scanner.shift_hu)
    return hu


def add_holder(hu: np.ndarray, scanner: Scanner) -> np.ndarray:
    """The head lies in a bowl or between two walls; both are thin and dense."""
    place = (np.arange(SIZE, dtype=np.float32) - SIZE / 2) * np.float32(scanner.pixel_mm)
    x, y = place[None, :], place[:, None]
    if scanner.holder == 0:
        return hu
    if scanner.holder == 1:
        distance = np.abs(np.sqrt(x * x + (y - 2) ** 2 * 0.92) - 109) - 1.2
        distance = np.maximum(distance, 62 - y)
    else:
        distance = np.maximum(np.abs(np.abs(x) - 101) - 1.0, np.abs(y - 35) - 40)
    share = np.clip(0.5 - distance, 0, 1) * (hu < -500)
    return (hu + share * (260 - hu)).astype(np.float32)


COARSE, ANGLES = 64, 48  # of the projections that beam hardening is reckoned with


@lru_cache(maxsize=1)
def _projector() -> csr_array:
    """Line integrals of a (COARSE, COARSE) picture: (ANGLES × COARSE, COARSE²)."""
    place = np.arange(COARSE) - (COARSE - 1) / 2
    angles = np.arange(ANGLES) * np.pi / ANGLES + 0.03
    along = np.cos(angles)[:, None, None] * place + np.sin(angles)[:, None, None] * place[:, None]
    along = np.clip(along + (COARSE - 1) / 2, 0, COARSE - 1.001)
    low = np.floor(along).astype(int)
    rows = (np.arange(ANGLES) * COARSE)[:, None, None] + low
    columns = np.broadcast_to(np.arange(COARSE**2).reshape(COARSE, COARSE), rows.shape)
    share = along - low
    weights = np.concatenate([(1 - share).ravel(), share.ravel()]).astype(np.float32)
    index = (np.concatenate([rows.ravel(), rows.ravel() + 1]), np.tile(columns.ravel(), 2))
    return csr_array((weights, index), shape=(ANGLES * COARSE, COARSE**2))


@lru_cache(maxsize=1)
def _ramp() -> np.ndarray:
    """The filter of filtered back-projection, as a matrix over the detector."""
    gap = np.arange(COARSE)[:, None] - np.arange(COARSE)
    odd = gap % 2 == 1
    kernel = np.where(odd, -1 / (np.pi * np.where(odd, gap, 1)) ** 2, 0.0) + 0.25 * (gap == 0)
    return (kernel * np.pi / ANGLES).astype(np.float32)


def scanner_errors(hu: np.ndarray, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """Dark bands between dense bones and streaks of noise along rays that bone has starved.

    Rays through much bone lose their soft part, so that they seem to have met less: the error goes
    with the cube of what they met, back-projected as the picture itself is.
    """
    small = cv2.resize(hu, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    bone = np.clip(small - 120, 0, 1500) / 1000
    rays = (_projector() @ bone.ravel()).reshape(ANGLES, COARSE)
    error = -0.6 * scanner.hardening * rays**3
    starved = 0.2 * scanner.noise_hu * scanner.hardening**2 * np.expm1(0.25 * rays)
    error += starved * rng.standard_normal(rays.shape)
    picture = (_projector().T @ (error.astype(np.float32) @ _ramp()).ravel()).reshape(bone.shape)
    picture -= np.median(picture[(small > 0) & (small < 80)]) if (small > 0).any() else 0
    picture = cv2.GaussianBlur(np.clip(picture, -40, 25), (0, 0), 0.6)
    whole = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return whole * (hu > -300)


def _moved(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The head turned and shifted a little while the tube went around."""
    middle = (SIZE / 2, SIZE / 2)
    share = rng.uniform(0.25, 0.5)
    turn = cv2.getRotationMatrix2D(middle, rng.uniform(-4, 4), 1.0)
    turn[:, 2] += rng.normal(0, 2.5, 2)
    other = cv2.warpAffine(hu, turn, (SIZE, SIZE), borderValue=-1000.0)
    return ((1 - share) * hu + share * other).astype(np.float32)


def _noise(hu: np.ndarray, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """Grain of a few pixels; coarser and weaker with a smooth kernel."""
    white = rng.standard_normal(hu.shape, dtype=np.float32)
    near, far, share = 1.1 - 0.5 * scanner.sharpness, 2.5, 0.7
    grain = cv2.GaussianBlur(white, (0, 0), near)
    grain -= share * cv2.GaussianBlur(white, (0, 0), far)
    shared = 4 * np.pi * np.array([near**2, far**2, (near**2 + far**2) / 2])
    variance = (np.array([1, share**2, -2 * share]) / shared).sum()
    grain *= np.float32(scanner.noise_hu / np.sqrt(variance))
    return grain
