"""Tiles decoded by threads while the network computes."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from radiokit.io.slides import Slide

_BATCHES_AHEAD = 3
_MOST_THREADS = 4


def default_threads() -> int:
    """Threads that decode: as many as the machine has cores, four at most."""
    return min(_MOST_THREADS, os.cpu_count() or 1)


def read_batches(
    slide: Slide,
    places_px: np.ndarray,
    tile_px: int,
    downsample: float,
    batch_size: int,
    num_threads: int,
) -> Iterator[tuple[np.ndarray, int]]:
    """Read tiles in batches of one shape, a few batches ahead of whoever takes them.

    Use it before a network: no more than four batches are in memory. Leaving the loop early stops
    the threads.

    Args:
        slide: an open slide.
        places_px: (N, 2) x and y of top left corners in level-0 pixels, whole or not.
        tile_px: side in pixels.
        downsample: level-0 pixels per tile pixel.
        batch_size: tiles a batch.
        num_threads: 1 or more.

    Yields:
        (batch_size, tile_px, tile_px, 3) float32 in 0..1, white beyond the slide, and how many of
        them are tiles: the last batch is filled up with zeros.
    """

    def read_into(place_px: np.ndarray, image: np.ndarray) -> None:
        x, y = place_px.tolist()
        pixels = slide.read_region(x, y, tile_px, tile_px, downsample=downsample, fill=255)
        np.divide(pixels, np.float32(255), out=image)

    waiting: deque[tuple[np.ndarray, list[Future]]] = deque()
    pool = ThreadPoolExecutor(num_threads, "decode")
    try:
        for first in range(0, len(places_px), batch_size):
            images = np.zeros((batch_size, tile_px, tile_px, 3), np.float32)
            batch = zip(places_px[first : first + batch_size], images, strict=False)
            waiting.append((images, [pool.submit(read_into, *one) for one in batch]))
            if len(waiting) > _BATCHES_AHEAD:
                yield _finish(*waiting.popleft())
        while waiting:
            yield _finish(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _finish(images: np.ndarray, jobs: list[Future]) -> tuple[np.ndarray, int]:
    for job in jobs:
        job.result()
    return images, len(jobs)
