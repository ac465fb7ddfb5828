"""What can be chosen of a training on one's own files, and how its folder remembers it."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from radiokit.files import write_text_whole
from radiokit.io.windows import WINDOWS

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
NETWORKS = (
    *("densenet", "densenet121", "resnet50", "resnet101", "inception_v4"),
    *("efficientnet", "alexnet"),
)
SMALLEST_SIZE = 32
STRUCTURE = "foreground"  # what a segmentation of one's own masks is called in its record
DIVISOR = 16  # the network of a segmentation halves the image four times


@dataclass(frozen=True)
class SegmentSettings:
    """What can be chosen of a training on one's own images and masks.

    Args:
        size: side of the square the images are fitted into, pixels; a multiple of 16. Without
            meaning where `tile` is given.
        epochs: passes over the training images, or over their tiles.
        seed: of weights, order and augmentation.
        split_seed: of who trains and who is tested; keep it when you compare settings.
        mirror: also show every image mirrored, and average the predictions of an image and its
            mirror image. Good for a structure on both sides; wrong for one with a side in its
            name ("left lung").
        batch_size: images, or tiles, a step.
        learning_rate: the highest.
        color: show the network red, green and blue instead of grey. For photographs and stained
            tissue.
        tile: side in pixels of tiles that the network sees at the images' own resolution, a
            multiple of 16; an image is then predicted tile by tile. None: the network sees whole
            images, made smaller. For small structures in large images, such as nuclei.
        turn: also show every image turned by quarters and mirrored, and average the predictions
            of its four mirrorings. For images without an up, such as tissue on glass.
        threshold: the masks' grey value from which on a pixel is the structure, such as 128, for
            masks with soft edges; None: masks hold whole labels.
        mpp_um: microns per pixel of the images, noted for predicting on whole slides.
        test_share: share of the patients that is only tested on, 0.05 to 0.8. From 10 test
            patients on, intervals are bootstrapped.
    """

    size: int = 128
    epochs: int = 18
    seed: int = 0
    split_seed: int = 0
    mirror: bool = False
    batch_size: int = 16
    learning_rate: float = 2e-3
    color: bool = False
    tile: int | None = None
    turn: bool = False
    threshold: float | None = None
    mpp_um: float | None = None
    test_share: float = FRACTIONS["test"]


@dataclass(frozen=True)
class ClassifySettings:
    """What can be chosen of a training on one's own images and a table of labels.

    The defaults suit some thousand images without pre-trained weights and two processor cores.

    Args:
        network: `"densenet"`, a small one of `stage_blocks` and `growth_rate`, or a name of
            `radiokit.models.build_classifier`, such as `"densenet121"`.
        size: side of the square the images are fitted into, pixels; a multiple of 32.
        epochs: passes of each member over the training images.
        members: networks trained from different seeds, whose logits are averaged.
        seed: of weights, order and augmentation.
        split_seed: of who trains and who is tested; keep it when you compare settings.
        mirror: also show every image mirrored, and average the predictions of an image and its
            mirror image. None: unless a label has "left" or "right" in its name.
        crop: cut away the dark border around the head or body before the image is shrunk.
        windows: names of `radiokit.io.windows.WINDOWS`, one channel each, for CT in DICOM files;
            none: brain, subdural and bone. Pictures are taken as they are.
        batch_size: images a step.
        learning_rate: the highest.
        weight_decay: share of each weight taken away a step, in units of the learning rate.
        dropout: share of the last features dropped in training.
        largest_weight: cap of a positive's weight in the loss, which is otherwise negatives over
            positives of its label.
        stage_blocks: layers of the dense blocks of `"densenet"`.
        growth_rate: channels each of these layers adds.
        weights: file of pre-trained weights of the network; None starts from random ones.
    """

    network: str = "densenet"
    size: int = 128
    epochs: int = 24
    members: int = 2
    seed: int = 0
    split_seed: int = 0
    mirror: bool | None = None
    crop: bool = True
    windows: tuple[str, ...] = ()
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    dropout: float = 0.2
    largest_weight: float = 10.0
    stage_blocks: tuple[int, ...] = (3, 6, 12, 8)
    growth_rate: int = 16
    weights: str | None = None


def check_settings(settings: ClassifySettings) -> None:
    """Refuse settings that would fail only after the images were read.

    Use it first.

    Args:
        settings: of a training.

    Raises:
        ValueError: an unknown network or window, or a number out of its range.
        FileNotFoundError: the weights are not there.
    """
    if settings.network not in NETWORKS:
        raise ValueError(
            f"The network is {settings.network!r}; it must be one of {', '.join(NETWORKS)}."
        )
    unknown = [name for name in settings.windows if name not in WINDOWS]
    if unknown:
        raise ValueError(
            f"No window is named {', '.join(unknown)}; there are {', '.join(WINDOWS)}."
        )
    if settings.size < SMALLEST_SIZE or settings.members < 1:
        raise ValueError(
            f"The size is {settings.size} pixels and the members are {settings.members}; needed "
            f"are a size of {SMALLEST_SIZE} or more and 1 member or more."
        )
    if settings.weights not in (None, "imagenet") and not Path(settings.weights).is_file():
        raise FileNotFoundError(
            f"There are no weights in {settings.weights}. Give a weights file of "
            "keras.applications for the network, or leave them out."
        )


def check_segment_settings(
    settings: SegmentSettings, foreground: Sequence[int] | None, ignore: Sequence[int]
) -> None:
    """Refuse settings of a segmentation that would fail only after the images were read.

    Use it first.

    Args:
        settings: of a training.
        foreground: mask values of the structure, or None.
        ignore: mask values where the truth is unknown.

    Raises:
        ValueError: a side that cannot be halved four times, a threshold beside mask values, or a
            number out of its range.
    """
    name, side = ("tile", settings.tile) if settings.tile else ("size", settings.size)
    if side < SMALLEST_SIZE or side % DIVISOR:
        fitting = max(SMALLEST_SIZE, -(-side // DIVISOR) * DIVISOR)
        raise ValueError(
            f"The {name} is {side} pixels; needed is a multiple of {DIVISOR}, {SMALLEST_SIZE} or "
            f"more. Take {fitting}."
        )
    if settings.threshold is not None and (foreground or len(ignore)):
        raise ValueError(
            f"The threshold is {settings.threshold}, and mask values are named too. A threshold "
            "is for masks of two levels; leave it out where a mask holds whole labels."
        )
    if not 0.05 <= settings.test_share <= 0.8:
        raise ValueError(
            f"The share of test patients is {settings.test_share}; needed is 0.05 to 0.8."
        )
    if settings.mpp_um is not None and not settings.mpp_um > 0:
        raise ValueError(
            f"The images are said to have {settings.mpp_um} microns per pixel; needed is a number "
            "above 0, such as 0.5 at 20x or 0.25 at 40x."
        )


def claim_folder(folder: Path, chosen: dict) -> None:
    """Refuse a folder with another training; else note the choices, so that a kill is resumed.

    Use it before anything of a training is written.

    Args:
        folder: of the training.
        chosen: everything that must be the same for a training to go on; JSON can hold it.

    Raises:
        ValueError: the folder holds a finished training, or an unfinished one of other choices.
    """
    check_folder(folder, chosen)
    text = json.dumps(chosen, indent=2, ensure_ascii=False)
    write_text_whole(folder / "settings.json", text)


def check_folder(folder: Path, chosen: dict) -> None:
    """Refuse a folder with another training, and write nothing.

    Use it before a job that takes minutes and comes before the training.

    Args:
        folder: as for `claim_folder`.
        chosen: as for `claim_folder`.

    Raises:
        ValueError: as `claim_folder`.
    """
    if (folder / "model.keras").exists():
        raise ValueError(
            f"{folder} holds a finished training. Choose another folder, or move that one away."
        )
    noted, chosen = folder / "settings.json", json.loads(json.dumps(chosen))
    if noted.exists() and (before := json.loads(noted.read_text("utf-8"))) != chosen:
        raise ValueError(
            f"{folder} holds an unfinished training with other settings: {before}. Use those to go "
            "on with it, or choose another folder."
        )


def read_settings(folder: Path) -> tuple[SegmentSettings | ClassifySettings, dict]:
    """The settings a finished training was run with.

    Use it before predicting with the model of a folder.

    Args:
        folder: what `train_segmenter` or `train_classifier` wrote.

    Returns:
        The settings, and all that was noted beside them (the labels of a classifier).

    Raises:
        FileNotFoundError: no finished training there.
    """
    missing = [name for name in ("model.keras", "settings.json") if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} holds no {' and no '.join(missing)}. Give the folder that "
            "`radiokit train segment --out` or `radiokit train classify --out` wrote."
        )
    noted = json.loads((folder / "settings.json").read_text("utf-8"))
    kind = ClassifySettings if "labels" in noted else SegmentSettings
    names = [field.name for field in dataclasses.fields(kind)]
    chosen = {name: noted[name] for name in names if name in noted}
    lists = {name: tuple(value) for name, value in chosen.items() if isinstance(value, list)}
    return kind(**(chosen | lists)), noted


def load_model(folder: Path) -> keras.Model:
    """The trained network of a folder.

    When to use: to predict, or to look inside.

    Args:
        folder: what `train_segmenter` or `train_classifier` wrote.

    Returns:
        An uncompiled `keras.Model`.

    Raises:
        FileNotFoundError: no finished training there.
    """
    read_settings(folder)
    return keras.models.load_model(folder / "model.keras", compile=False)
