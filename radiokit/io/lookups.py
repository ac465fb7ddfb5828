"""Lookup tables and windows of DICOM (C.11.1 and C.11.2 of part 3 of the standard)."""

from dataclasses import dataclass

import numpy as np
import pydicom


@dataclass(frozen=True, eq=False)
class Lookup:
    """A lookup table of a DICOM file: `entries[i]` is the output of input `first_value + i`.

    Args:
        first_value: the first input value; smaller ones give the first entry.
        entries: outputs; inputs past the end give the last entry.
        bits: the declared depth of the entries.
        explanation: what the file calls it, often empty.
    """

    first_value: int
    entries: np.ndarray
    bits: int
    explanation: str

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Look every value up.

        Args:
            values: any shape; fractions are rounded.

        Returns:
            The entries, in the shape of `values`.
        """
        values = np.rint(values) if values.dtype.kind == "f" else values
        index = values.astype(np.int64) - self.first_value
        return self.entries[np.clip(index, 0, len(self.entries) - 1)]


def read_lookup(dataset: pydicom.Dataset, item: pydicom.Dataset, smallest_input: float) -> Lookup:
    """Read one item of a modality or VOI LUT sequence.

    Args:
        dataset: the whole file's, for its byte order.
        item: with LUTDescriptor and LUTData.
        smallest_input: tells whether a large first value was meant to be negative.

    Returns:
        The table, entries as stored.

    Raises:
        ValueError: fewer entries than the descriptor says.
    """
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    count = count % 65536 or 65536  # C.11.1.1: 0 stands for 65536; signed readers give negatives
    if first > 32767 and smallest_input < 0:
        first -= 65536  # written as unsigned though inputs are signed
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if dataset.original_encoding[1] else ">"
        wide = len(data) >= 2 * count
        entries = np.frombuffer(data, f"{order}u2" if wide else "u1", count)
    else:
        entries = np.atleast_1d(np.asarray(data, np.int64)) & 0xFFFF
        if len(entries) < count <= 2 * len(entries):  # two 8-bit entries in a word
            entries = entries.astype("<u2").view("u1")
    if len(entries) < count:
        raise ValueError(f"a LUT has {len(entries)} entries, its descriptor says {count}")
    explanation = str(item.get("LUTExplanation") or "")
    return Lookup(first, entries[:count].astype(np.uint16), bits, explanation)


def voi_lookups(dataset: pydicom.Dataset, smallest_input: float) -> tuple[Lookup, ...]:
    """Read all VOI LUTs of a file, entries scaled to 0..1.

    Args:
        dataset: the file's.
        smallest_input: smallest value after the modality LUT.

    Returns:
        In the order of the file; empty where it has none.
    """
    lookups = []
    for item in dataset.get("VOILUTSequence") or ():
        lookup = read_lookup(dataset, item, smallest_input)
        top = int(lookup.entries.max())
        full = 2**lookup.bits - 1
        # Some writers declare 16 bits over 12-bit entries, which would show as black.
        if top > full or 0 < top < full / 8:
            full = 2 ** max(8, top.bit_length()) - 1
        entries = lookup.entries.astype(np.float32) / np.float32(full)
        lookups.append(Lookup(lookup.first_value, entries, lookup.bits, lookup.explanation))
    return tuple(lookups)


def apply_window(
    pixels: np.ndarray, center: float, width: float, function: str = "LINEAR"
) -> np.ndarray:
    """Map a window of values to 0..1 (DICOM C.11.2.1.2 and C.11.2.1.3).

    Args:
        pixels: values of any shape.
        center: in the unit of `pixels`.
        width: in the unit of `pixels`; at least 1 for `"LINEAR"`, above 0 otherwise.
        function: `"LINEAR"` (an integer scale: centre − 0.5, width − 1), `"LINEAR_EXACT"` or
            `"SIGMOID"`.

    Returns:
        float32 in 0..1.

    Raises:
        ValueError: the width is too small, or the function unknown.

    >>> apply_window(np.array([0.0, 40.0, 80.0]), center=40, width=80, function="LINEAR_EXACT")
    array([0. , 0.5, 1. ], dtype=float32)
    """
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise ValueError(f"No window function {function!r}: LINEAR, LINEAR_EXACT or SIGMOID.")
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise ValueError(f"Window width {width:g} is too small for {function}: 1 or more is safe.")
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width == 0:
        return (pixels > center).astype(np.float32)
    scaled = (np.asarray(pixels, np.float32) - np.float32(center)) / np.float32(width)
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * scaled, -60, 60)))
    return np.clip(scaled + np.float32(0.5), 0, 1)
