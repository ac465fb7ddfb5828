"""Body part phantoms as DICOM files, stored in the many ways in which archives store them."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "rle": RLELossless,
    "jpegls": JPEGLSLossless,
    "jpeg2000": JPEG2000Lossless,
}
PLAIN = ("explicit", "implicit")


@dataclass(frozen=True)
class Storage:
    """How an archive keeps one image.

    Args:
        bits: stored, 8 to 16.
        is_inverted: MONOCHROME1, whose low values are bright.
        window: "none", "one", "two" (the first is the right one) or "lut" (at most 12 bits).
        rescale: slope and intercept, or None.
        spacing: "PixelSpacing", "ImagerPixelSpacing" (at the detector) or "".
        syntax: a key of `SYNTAXES`.
        is_cassette: computed radiography, else a digital detector.
    """

    bits: int
    is_inverted: bool
    window: str
    rescale: tuple[float, float] | None
    spacing: str
    syntax: str
    is_cassette: bool


def draw_storage(rng: np.random.Generator, inverted: float) -> Storage:
    """A random way to keep an image.

    Args:
        rng: draws it.
        inverted: share of MONOCHROME1.
    """
    bits = int(rng.choice([8, 10, 12, 16], p=[0.2, 0.2, 0.45, 0.15]))
    windows = ["none", "one", "two"] if bits == 16 else ["none", "one", "two", "lut"]
    window = str(rng.choice(windows))
    rescales = [None, (1.0, 0.0)] if window == "lut" else [None, (1.0, 0.0), (0.5, 20.0)]
    return Storage(
        bits=bits,
        is_inverted=bool(rng.random() < inverted),
        window=window,
        rescale=rescales[int(rng.integers(len(rescales)))],
        spacing=str(rng.choice(["PixelSpacing", "ImagerPixelSpacing", ""], p=[0.35, 0.4, 0.25])),
        syntax=str(rng.choice(list(SYNTAXES), p=[0.35, 0.2, 0.1, 0.2, 0.15])),
        is_cassette=bool(rng.random() < 0.5),
    )


def write_radiograph(path: Path, image: np.ndarray, pixel_cm: float, storage: Storage, says: dict):
    """Write one image; a reader that honours the header gets `image` back, but for rounding.

    Args:
        path: of the file, in a folder that exists.
        image: (rows, columns) in 0..1, bone bright.
        pixel_cm: width of a pixel in the patient.
        storage: how it is kept.
        says: values of the header by DICOM keyword: identifiers, part, view, side.
    """
    stored = store(image, storage)
    storage_class = DigitalXRayImageStorageForPresentation
    if storage.is_cassette:
        storage_class = ComputedRadiographyImageStorage
    values = {
        "SOPClassUID": storage_class,
        "Modality": "CR" if storage.is_cassette else "DX",
        "PatientName": "PHANTOM",
        **says,
        **_pixel_values(stored, storage),
        **_window_values(storage),
    }
    if storage.spacing:
        magnified = 1.1 if storage.spacing == "ImagerPixelSpacing" else 1.0
        values[storage.spacing] = [f"{10 * pixel_cm * magnified:.6f}"] * 2
    dataset = _dataset(values)
    _encode(dataset, stored, storage)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset)
    path.write_bytes(buffer.getvalue())


# -- pixels --------------------------------------------------------------------------------------


def store(image: np.ndarray, storage: Storage) -> np.ndarray:
    """Stored integers of grey values 0..1: what the header's window or table turns back into them.

    Args:
        image: (rows, columns), bone bright.
        storage: how they are kept.

    Returns:
        uint8 or uint16 (rows, columns).
    """
    shown = 1 - image if storage.is_inverted else image
    if storage.window == "lut":
        place = np.linspace(0, 1, 4096)
        shown = np.interp(shown, _film_curve(place), place)
    low, high = _stored_range(storage)
    stored = np.round(low + np.clip(shown, 0, 1) * (high - low))
    return stored.astype(np.uint8 if storage.bits == 8 else np.uint16)


def _film_curve(place: np.ndarray) -> np.ndarray:
    return 0.3 * place + 0.7 * place**2 * (3 - 2 * place)


def _stored_range(storage: Storage) -> tuple[int, int]:
    """The values of black and white; a window leaves unused ones below and above."""
    full = 2**storage.bits - 1
    has_window = storage.window in ("one", "two")
    return (round(0.1 * full), round(0.75 * full)) if has_window else (0, full)


def _window_values(storage: Storage) -> dict:
    if storage.window == "none":
        return {}
    if storage.window == "lut":
        count = 2**storage.bits
        entries = np.round(65535 * _film_curve(np.linspace(0, 1, count))).astype("<u2")
        item = {"LUTDescriptor": [count, 0, 16], "LUTExplanation": "PHANTOM FILM",
                "LUTData": entries.tobytes()}  # fmt: skip
        return {"VOILUTSequence": [_dataset(item)]}
    low, high = _stored_range(storage)
    slope, intercept = storage.rescale or (1.0, 0.0)
    centre = slope * (low + high) / 2 + intercept + 0.5  # C.11.2.1.2: LINEAR is half a step off
    width = slope * (high - low) + 1
    if storage.window == "one":
        return {"WindowCenter": _text(centre), "WindowWidth": _text(width)}
    return {
        "WindowCenter": [_text(centre), _text(centre)],
        "WindowWidth": [_text(width), _text(0.6 * width)],
        "WindowCenterWidthExplanation": ["NORMAL", "HARDER"],
    }


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _pixel_values(stored: np.ndarray, storage: Storage) -> dict:
    values = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME1" if storage.is_inverted else "MONOCHROME2",
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "BitsAllocated": 8 if storage.bits == 8 else 16,
        "BitsStored": storage.bits,
        "HighBit": storage.bits - 1,
        "PixelRepresentation": 0,
    }
    if storage.rescale:
        slope, intercept = storage.rescale
        values |= {"RescaleSlope": _text(slope), "RescaleIntercept": _text(intercept),
                   "RescaleType": "US"}  # fmt: skip
    return values


def _encode(dataset: Dataset, stored: np.ndarray, storage: Storage) -> None:
    """Pixels and file meta information."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = SYNTAXES[storage.syntax]
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    if storage.syntax in PLAIN:
        little = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
        dataset.PixelData = little + bytes(len(little) % 2)
        dataset["PixelData"].VR = "OB" if storage.bits == 8 else "OW"
        return
    dataset.PixelData = encapsulate([_compress(stored, storage)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def _compress(stored: np.ndarray, storage: Storage) -> bytes:
    """One frame, without loss."""
    import imagecodecs

    if storage.syntax == "jpegls":
        return imagecodecs.jpegls_encode(stored)
    if storage.syntax == "jpeg2000":
        return imagecodecs.jpeg2k_encode(
            stored, level=0, codecformat="j2k", bitspersample=storage.bits, reversible=True
        )
    planes = stored[None] if storage.bits == 8 else np.stack([stored >> 8, stored & 255])
    segments = [imagecodecs.packbits_encode(plane.astype(np.uint8)) for plane in planes]
    segments = [segment + bytes(len(segment) % 2) for segment in segments]
    starts = np.zeros(16, "<u4")  # PS3.5 G.5: how many segments there are, where each begins
    starts[0] = len(segments)
    starts[1 : 1 + len(segments)] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return starts.tobytes() + b"".join(segments)


def _dataset(values: dict) -> Dataset:
    """A data set that may hold what the standard forbids, such as lower case, without a warning."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        vr = {"LUTDescriptor": "US", "LUTData": "OW"}.get(keyword) or dictionary_VR(tag)
        dataset[tag] = DataElement(tag, vr, value, validation_mode=IGNORE)
    return dataset
