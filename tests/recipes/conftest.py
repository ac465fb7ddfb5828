"""Two small sets of one's own, films with masks and slices with labels, and a model of each."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from radiokit.io.rasters import write_png
from radiokit.recipes import (
    ClassifySettings,
    SegmentSettings,
    predict_folder,
    train_classifier,
    train_segmenter,
)

NUM_PATIENTS, FILMS_EACH = 15, 2
NUM_HEADS, SLICES_EACH = 50, 8
NUM_SLIDES, PICTURES_EACH = 10, 2
SEGMENT = SegmentSettings(size=32, epochs=2, batch_size=8)
TILES = SegmentSettings(
    **{"color": True, "tile": 32, "turn": True, "threshold": 128, "mpp_um": 0.5},
    **{"epochs": 1, "batch_size": 8},
)
CLASSIFY = ClassifySettings(
    size=32, epochs=2, members=2, batch_size=32, stage_blocks=(2, 2), growth_rate=8
)


@dataclass(frozen=True)
class Films:
    """Folders of images and masks, and a CSV of patients."""

    folder: Path

    def train(self, out, settings=SEGMENT):
        given = [self.folder / "images"], [self.folder / "masks"]
        patients = [self.folder / "patients.csv"]
        return train_segmenter(*given, out, patients=patients, ignore=(127,), settings=settings)

    @staticmethod
    def draw(number):
        generator = np.random.default_rng(number)
        image = generator.integers(0, 60, (40, 50), dtype=np.uint8)
        mask = np.zeros((40, 50), np.uint8)
        cv2.circle(mask, tuple(int(n) for n in generator.integers(14, 28, 2)), 9, 255, -1)
        image[mask > 0] += 150
        mask[:2] = 127  # nobody knows the border
        return image, mask


@dataclass(frozen=True)
class Tissue:
    """Folders of coloured pictures of discs, their JPEG masks, and a CSV of groups."""

    folder: Path

    def train(self, out, settings):
        given = [self.folder / "images"], [self.folder / "masks"]
        return train_segmenter(*given, out, [self.folder / "groups.csv"], settings=settings)

    @staticmethod
    def draw(number, shape=(48, 70)):
        """Discs that differ from their surroundings in colour, hardly in brightness."""
        generator = np.random.default_rng(number)
        image = generator.integers(190, 215, (*shape, 3), dtype=np.uint8)
        mask = np.zeros(shape, np.uint8)
        for _ in range(3):
            x, y = (int(n) for n in generator.integers(5, (shape[1] - 5, shape[0] - 5)))
            cv2.circle(mask, (x, y), 7, 255, -1)
        image[mask > 0] = 160, 225, 200
        return image, mask


@dataclass(frozen=True)
class Heads:
    """A folder of slices and a CSV of labels."""

    folder: Path

    def train(self, out, settings=CLASSIFY, **chosen):
        given = self.folder / "labels.csv", [self.folder / "images"]
        return train_classifier(*given, out, settings=settings, **chosen)

    @staticmethod
    def draw(patient, number):
        generator = np.random.default_rng(100 * patient + number)
        head = np.zeros((60, 60), np.uint8)
        cv2.ellipse(head, (30, 30), (20, 25), 0, 0, 360, 90, -1)
        image = head + generator.integers(0, 30, head.shape, dtype=np.uint8) * (head > 0)
        inside = 3 <= number <= 6
        labels = {"any": patient % 2 == 0, "epidural": patient % 4 == 0}
        labels = {name: int(inside and present) for name, present in labels.items()}
        for name, color in (("any", 220), ("epidural", 250)):
            if labels[name]:
                place = tuple(int(n) for n in generator.integers(22, 38, 2))
                cv2.circle(image, place, 6, color, -1)
        return image, labels


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    rows = []
    for patient in range(NUM_PATIENTS):
        for film in range(FILMS_EACH):
            name = f"p{patient:02}_{film}.png"
            image, mask = Films.draw(100 * patient + film)
            write_png(folder / "images" / name, image)
            write_png(folder / "masks" / name, mask)
            rows.append({"image": name, "patient_id": f"p{patient:02}"})
    pd.DataFrame(rows).to_csv(folder / "patients.csv", index=False)
    return Films(folder)


@pytest.fixture(scope="session")
def tissue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tissue")
    (folder / "masks").mkdir()
    rows = []
    for slide in range(NUM_SLIDES):
        for number in range(PICTURES_EACH):
            name = f"s{slide:02}_{number}"
            image, mask = Tissue.draw(100 * slide + number)
            write_png(folder / "images" / f"{name}.png", image)
            cv2.imwrite(str(folder / "masks" / f"{name}.jpg"), mask)
            rows.append({"image": f"{name}.png", "group_id": f"s{slide:02}"})
    pd.DataFrame(rows).to_csv(folder / "groups.csv", index=False)
    return Tissue(folder)


@pytest.fixture(scope="session")
def tiler(tissue, tmp_path_factory):
    """The folder of a finished training on tiles in colour, and the scores it gave back."""
    out = tmp_path_factory.mktemp("out") / "tiler"
    return out, tissue.train(out, TILES)


@pytest.fixture(scope="session")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    rows = []
    for patient in range(NUM_HEADS):
        for number in range(SLICES_EACH):
            name = f"{patient:03}_{number}.png"
            image, labels = Heads.draw(patient, number)
            write_png(folder / "images" / name, image)
            row = {"image": name, "patient_id": f"h{patient:03}"} | labels
            rows.append(row | {"fracture": 0})  # the same in every image
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    (folder / "images" / "000_0.png").write_bytes(b"not a picture")
    return Heads(folder)


@pytest.fixture(scope="session")
def segmenter(films, tmp_path_factory):
    """The folder of a finished training, and the scores it gave back."""
    out = tmp_path_factory.mktemp("out") / "segmenter"
    return out, films.train(out)


@pytest.fixture(scope="session")
def classifier(heads, tmp_path_factory):
    """The folder of a finished training, and the scores it gave back."""
    out = tmp_path_factory.mktemp("out") / "classifier"
    return out, heads.train(out)


@pytest.fixture(scope="session")
def predictions(classifier, heads, tmp_path_factory):
    """What the classifier says of every slice, as returned and as written."""
    out = tmp_path_factory.mktemp("predictions")
    table = predict_folder(classifier[0], heads.folder / "images", out)
    return table, pd.read_csv(out / "predictions.csv")
