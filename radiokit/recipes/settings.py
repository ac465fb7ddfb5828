"""What can be chosen of a training on one's own files, and how its folder remembers it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from radiokit.files import write_text_whole
from radiokit.io.windows import WINDOWS

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
NETWORKS = (
    *("densenet", "densenet121", "resnet101", "inception_v4"),
    *("efficientnet", "alexnet"),
)
SMALLEST_SIZE = 32


@dataclass(frozen=True)
class SegmentSettings:
    """What can be chosen of a training on one's own images and masks.

    Args:
        size: side of the square the images are fitted into, pixels; a multiple of 16.
        epochs: passes over the training images.
        seed: of weights, order and augmentation.
        split_seed: of who trains and who is tested; keep it when you compare settings.
        mirror: also show every image mirrored, and average the predictions of an image and its
            mirror image. Good for a structure on both sides; wrong for one with a side in its
            name ("left lung").
        batch_size: images a step.
        learning_rate: the highest.
    """

    size: int = 128
    epochs: int = 18
    seed: int = 0
    split_seed: int = 0
    mirror: bool = False
    batch_size: int = 16
    learning_rate: float = 2e-3


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
