"""Random masks that overlap partly, for tests of scores."""

import numpy as np


def random_blobs(shape, seed):
    """Two smooth random masks that overlap partly and touch the image's edge."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=shape)
    for axis in range(len(shape)):
        noise = sum(np.roll(noise, step, axis) for step in range(-2, 3))
    shifted = np.roll(noise, 2, axis=0) + generator.normal(size=shape)
    return noise > 0.5, shifted > 0.5
