"""Head CT at full size: the table of labels, and DICOM to PNG against a plain pydicom loop.

    python benchmarks/headct.py [--patients 40]

Everything is generated in a temporary folder, and removed. Nothing is downloaded.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pydicom

from radiokit.data.headct import LABELS, index_rsna_ich, pivot_rsna_labels
from radiokit.data.slice_cache import prepare_slices
from radiokit.phantoms.headct import make_rsna_ich

NUM_IMAGES = 752_803  # of stage 2
SIZE = 256
GIB = 2**30


def write_full_table(path: Path) -> None:
    """As many rows as the real table has, four images twice."""
    rng = np.random.default_rng(0)
    names = [f"ID_{number:09x}" for number in rng.permutation(NUM_IMAGES) * 91_283]
    five = rng.random((NUM_IMAGES, 5)) < 0.04
    labels = np.column_stack([five, five.any(axis=1)]).astype(int)
    with path.open("w", encoding="utf-8") as file:
        file.write("ID,Label\n")
        for row in (*range(NUM_IMAGES), 5, 77, 1_000, 700_000):
            pairs = zip(LABELS, labels[row], strict=True)
            file.writelines(f"{names[row]}_{label},{value}\n" for label, value in pairs)


def measure_pivot(path: Path) -> None:
    """Seconds and peak memory of this process, which does nothing else."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    table = pivot_rsna_labels(path)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"pivot_rsna_labels: {len(table)} images ({table.attrs['notes'][0]}) in {seconds:.1f} s, "
        f"peak {peak * 1024 / GIB:.2f} GiB ({before * 1024 / GIB:.2f} before); "
        "wanted: 10 s, 2 GiB"
    )


def plain_loop(paths: list[str], folder: Path) -> float:
    """Slices a second of what a first notebook does, in one process and without any check."""
    folder.mkdir()
    started = time.perf_counter()
    for path in paths:
        dataset = pydicom.dcmread(path)
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        hu = dataset.pixel_array.astype(np.float32) * slope + intercept
        grey = np.clip((hu - 39.5) / 79 + 0.5, 0, 1)
        small = cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        name = Path(path).with_suffix(".png").name
        cv2.imwrite(str(folder / name), np.rint(small * 255).astype(np.uint8))
    return len(paths) / (time.perf_counter() - started)


def compare_preparing(folder: Path, num_patients: int) -> None:
    """Both on the same files, one after the other, twice: the second time the disk is warm."""
    table = index_rsna_ich(make_rsna_ich(folder / "rsna_ich", num_patients, seed=0))
    table = table.drop(columns=["mask", "mask_kind"])  # the plain loop makes none
    for turn in ("first", "second"):
        plain = plain_loop(list(table["image"]), folder / f"plain_{turn}")
        ours = prepare_slices(table, folder / f"ours_{turn}", SIZE, progress=False)
        pace = ours.attrs["slices_per_second"]
        print(
            f"{turn} turn, {len(table)} slices: plain pydicom loop {plain:.0f} slices/s (1 "
            f"process), prepare_slices {pace:.0f} slices/s ({os.cpu_count()} processes, their "
            f"start counted), {pace / plain:.2f} times"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--pivot", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.pivot:
        measure_pivot(chosen.pivot)
        sys.exit()
    with tempfile.TemporaryDirectory() as name:
        table_path = Path(name) / "stage_2_train.csv"
        write_full_table(table_path)
        subprocess.run([sys.executable, __file__, "--pivot", str(table_path)], check=True)
        compare_preparing(Path(name), chosen.patients)
