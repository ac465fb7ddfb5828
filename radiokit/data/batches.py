"""From a case table to a `tf.data.Dataset` of batches."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

MEMORY_LIMIT_BYTES = 2**30
READERS = 2  # cases read at the same time: decoding releases Python's lock


def make_batches(
    table: pd.DataFrame,
    reader: Callable,
    batch_size: int,
    *,
    augment: Callable | None = None,
    shuffle_seed: int | None = None,
    cache: str | Path | None = None,
) -> tf.data.Dataset:
    """Read the cases of a table and serve them in batches, one pass per iteration.

    The data set carries a variable `epoch`. Order and augmentation are functions of
    (`shuffle_seed`, `epoch`) alone; `radiokit.training.fit` sets `epoch`, so that a training
    resumed at epoch 7 sees what an unbroken one would have seen.

    Args:
        table: case table, one row a case.
        reader: `row -> (image, target)`, NumPy arrays of one shape for all rows; the target may
            be a dict named like the model's outputs.
        batch_size: cases in a batch; the last batch may be smaller.
        augment: a `radiokit.data.augment.JointAugment`; needs `shuffle_seed`.
        shuffle_seed: None keeps the table's order.
        cache: None reads the files in every pass; `"memory"` keeps the arrays (refused above
            1 GiB); a folder keeps them on disk as `.npy`.

    Returns:
        Batches `(images, targets)`, float32.

    Raises:
        ValueError: the table is empty or mixes phantom and real rows, `augment` comes without
            `shuffle_seed`, or the arrays do not fit into the memory cache.
    """
    _check_table(table, augment, shuffle_seed)
    rows = _rows_of(table)
    first = reader(rows[0])
    if cache is None:
        gather = _gather_from_files(rows, reader, first)
    elif cache == "memory":
        gather = _gather_from_memory(rows, reader, first)
    else:
        gather = _gather_from_folder(table, rows, reader, first, Path(cache))

    epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    seed = -1 if shuffle_seed is None else shuffle_seed

    def one_pass(_):
        order = tf.range(len(rows))
        if shuffle_seed is not None:
            order = tf.random.experimental.stateless_shuffle(order, seed=[seed, epoch])
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size).enumerate()

    def load(number, indices):
        images, targets = gather(indices)
        if augment is None:
            return images, targets
        draws_seed = [seed, epoch * 1_000_003 + number]
        shape = [tf.shape(indices)[0], augment.num_draws]
        return augment(images, targets, tf.random.stateless_uniform(shape, seed=draws_seed))

    num_batches = -(-len(rows) // batch_size)
    batches = tf.data.Dataset.range(1).flat_map(one_pass)
    batches = batches.apply(tf.data.experimental.assert_cardinality(num_batches))
    batches = batches.map(load, num_parallel_calls=READERS).prefetch(2)
    batches.epoch = epoch
    return batches


def _rows_of(table):
    """The rows without the table's `attrs`: pandas would copy them, lists and all, into each."""
    plain = table.copy(deep=False)
    plain.attrs = {}
    return [row for _, row in plain.iterrows()]


def _check_table(table, augment, shuffle_seed):
    if len(table) == 0:
        raise ValueError("The case table has no rows; give the rows of one split that has cases.")
    if "is_phantom" in table and table["is_phantom"].nunique() > 1:
        raise ValueError(
            "The case table mixes phantom and real rows; train on one kind, so that the stamp on "
            "the results is true."
        )
    if augment is not None and shuffle_seed is None:
        raise ValueError("augment needs random numbers: give shuffle_seed, for example 0.")


def _read_all(rows, reader):
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(reader, rows)


def _num_bytes(case):
    return sum(np.asarray(array).nbytes for array in keras.tree.flatten(case))


def _gather_from_memory(rows, reader, first):
    needed = _num_bytes(first) * len(rows)
    if needed > MEMORY_LIMIT_BYTES:
        raise ValueError(
            f"{len(rows)} cases need {needed / 2**30:.1f} GiB of memory, more than the "
            f"{MEMORY_LIMIT_BYTES / 2**30:.0f} GiB allowed; pass a folder as cache, or None."
        )
    arrays = keras.tree.map_structure(
        lambda array: np.empty((len(rows), *np.shape(array)), np.float32), first
    )
    for index, case in enumerate(_read_all(rows, reader)):
        _store(arrays, index, case)
    with tf.device("CPU"):
        tensors = keras.tree.map_structure(tf.constant, arrays)
    return lambda indices: keras.tree.map_structure(lambda t: tf.gather(t, indices), tensors)


def _store(arrays, index, case):
    for array, part in zip(keras.tree.flatten(arrays), keras.tree.flatten(case), strict=True):
        array[index] = part


def _gather_from_files(rows, reader, first):
    def read(indices):
        cases = list(_read_all([rows[index] for index in indices], reader))
        parts = zip(*(keras.tree.flatten(case) for case in cases), strict=True)
        return [np.stack(part).astype(np.float32) for part in parts]

    return _gather_with_numpy(read, first)


def _gather_from_folder(table, rows, reader, first, folder):
    key = hashlib.sha256(json.dumps([list(table["case_id"]), list(table["image"])]).encode())
    for array in keras.tree.flatten(first):  # another size or reader shows in the first case
        key.update(np.ascontiguousarray(array).tobytes())
    folder = folder / key.hexdigest()[:16]
    if not folder.is_dir():
        _write_folder(folder, rows, reader, first)
    num_parts = len(keras.tree.flatten(first))
    arrays = [np.load(folder / f"{part}.npy", mmap_mode="r") for part in range(num_parts)]
    return _gather_with_numpy(lambda indices: [array[indices] for array in arrays], first)


def _write_folder(folder, rows, reader, first):
    """Fill a temporary sibling and rename it, so that a cache is complete or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unfinished-"))
    try:
        arrays = [
            np.lib.format.open_memmap(
                unfinished / f"{part}.npy", "w+", np.float32, (len(rows), *np.shape(array))
            )
            for part, array in enumerate(keras.tree.flatten(first))
        ]
        for index, case in enumerate(_read_all(rows, reader)):
            _store(arrays, index, case)
        del arrays  # flushes; Windows renames no open file
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _gather_with_numpy(read, first):
    flat = keras.tree.flatten(first)

    def gather(indices):
        parts = tf.numpy_function(read, [indices], [tf.float32] * len(flat), stateful=False)
        for part, array in zip(parts, flat, strict=True):
            part.set_shape((None, *np.shape(array)))
        return keras.tree.pack_sequence_as(first, parts)

    return gather
