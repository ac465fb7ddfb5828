"""Reading a run's record, the folder from which every figure and table is drawn again."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from PIL import Image

from radiokit.words import Words, read_words

VOLUME_LABELS = {"myocardium": 1, "blood_pool": 2}  # in the label volumes a record keeps


@dataclass(frozen=True)
class Run:
    """A finished or half-finished run, with the words of one language.

    Attributes:
        folder: the record's folder, `outputs/<notebook>`.
        metrics: what `metrics.json` says.
        words: the language it is read in.
    """

    folder: Path
    metrics: dict
    words: Words

    @property
    def stamp(self) -> str:
        """The stamp of every figure and table, empty for a full run on real data."""
        return self.words.stamp(self.metrics["is_phantom"], self.metrics["scale"])

    @property
    def is_right_known(self) -> bool:
        """Whether the image's left is known to be the patient's right."""
        return self.metrics.get("orientation") == "radiological"

    def scores(self) -> pd.DataFrame:
        """Scores with their intervals, one row each; ValueError when none was written yet."""
        return self._section("scores")

    def scores_of(self, metric, split) -> pd.DataFrame:
        """The main study's scores of one metric and split, without the domain-shift rows."""
        scores = self.scores()
        if "trained_on" in scores.columns:
            scores = scores[scores["trained_on"].isna()]
        chosen = scores[(scores["metric"] == metric) & (scores["split"] == split)]
        if chosen.empty:
            raise ValueError(f"{self.folder} has no {metric} on the {split} split.")
        return chosen

    def agreement(self) -> pd.DataFrame:
        """Bland-Altman agreements, one row a quantity and model."""
        return self._section("agreement")

    def differences(self) -> pd.DataFrame:
        """Paired differences of two models, one row a structure, metric and seed (or "all")."""
        return self._section("differences")

    def cost(self) -> pd.DataFrame:
        """Cost of a separable over a conventional layer, one row a width."""
        return self._section("cost")

    def published(self, metric="dice") -> dict:
        """Published scores of a metric, model to structure to value; empty where there are none.

        `metrics.json` holds them by metric, or, when they are all Dice, without that level.
        """
        published = self.metrics.get("published") or {}
        values = [value for scores in published.values() for value in scores.values()]
        is_by_metric = all(isinstance(value, dict) for value in values)
        return (published if is_by_metric else {"dice": published}).get(metric, {})

    @property
    def published_label(self) -> str:
        """What a legend calls the published scores of the notebook's study."""
        return self._study_text("published_labels")

    @property
    def published_note(self) -> str:
        """What a caption says of the published scores of the notebook's study."""
        return self._study_text("published_notes")

    def cases(self) -> pd.DataFrame:
        """`cases.csv`; ids are text whatever they look like."""
        return _read_scored(self.folder / "cases.csv")

    def volumes(self) -> pd.DataFrame:
        """`volumes.csv`: a row a model and whole exam; ids are text."""
        return _read_scored(self.folder / "volumes.csv")

    def measured(self, quantity) -> pd.DataFrame:
        """The table, cases or else volumes, that holds a quantity; ValueError if neither does."""
        for name in ("cases.csv", "volumes.csv"):
            if (self.folder / name).is_file():
                scored = _read_scored(self.folder / name)
                if {f"{quantity}_true", f"{quantity}_predicted"} <= set(scored.columns):
                    return scored
        raise ValueError(
            f"Neither cases.csv nor volumes.csv in {self.folder} has the columns "
            f"{quantity}_true and {quantity}_predicted."
        )

    def histories(self) -> dict[str, pd.DataFrame]:
        """Learning curves by model, from `training/<model>/history.csv` or `history_<model>.csv`.

        Once scores are written, trainings beside the main study (other seeds, other hospitals) are
        left out: those named like none of its models, unless that leaves nothing.
        """
        paths = {path.parent.name: path for path in self.folder.glob("training/*/history.csv")}
        rows = self.metrics.get("scores", [])
        scored = {row["model"] for row in rows if not row.get("trained_on")}
        paths = {name: paths[name] for name in paths if name in scored} or paths
        for path in self.folder.glob("history_*.csv"):
            paths[path.stem.removeprefix("history_")] = path
        if not paths:
            raise FileNotFoundError(
                f"{self.folder} holds no training/<model>/history.csv and no "
                "history_<model>.csv: train first."
            )
        return {name: pd.read_csv(paths[name]) for name in sorted(paths)}

    def image(self, case_id) -> np.ndarray:
        """The picture of a case, (H, W) uint8."""
        return _read_grey(image_path(self.folder, case_id))

    def truth(self, case_id, structure) -> np.ndarray | None:
        """The true mask of a case, (H, W) bool; None where the data have none."""
        path = truth_path(self.folder, case_id, structure)
        return _read_grey(path) > 127 if path.is_file() else None

    def mask(self, model, case_id, structure) -> np.ndarray | None:
        """The mask a model predicted, (H, W) bool; None where none was kept."""
        path = mask_path(self.folder, model, case_id, structure)
        return _read_grey(path) > 127 if path.is_file() else None

    def has_mask(self, model, case_id, structure) -> bool:
        """Whether the mask a model predicted was kept."""
        return mask_path(self.folder, model, case_id, structure).is_file()

    def volume(self, model, exam_id) -> tuple[np.ndarray, tuple[float, float, float]]:
        """Labels of an exam, and their spacing in mm; `model` may be `"truth"`.

        Axes run to the patient's right, to the front and upwards; labels as `VOLUME_LABELS`.
        """
        import nibabel  # slow to import, and needed by few

        path = volume_path(self.folder, model, exam_id)
        _existing(path, "The run kept no label volume of this exam.")
        volume = nibabel.as_closest_canonical(nibabel.load(path))
        return np.asarray(volume.dataobj), tuple(map(float, volume.header.get_zooms()))

    def attention(self, model, case_id) -> dict[str, np.ndarray]:
        """Attention maps of a case by layer name, (h, w) float in 0..1."""
        stem = f"{safe_name(case_id)}__"
        paths = sorted((self.folder / "attention" / safe_name(model)).glob("*.png"))
        mine = [path for path in paths if path.stem.startswith(stem)]
        return {path.stem.removeprefix(stem): _read_grey(path) / 255 for path in mine}

    def _study_text(self, section):
        notebook = self.metrics["notebook"]
        key = notebook if notebook in self.words.sections[section] else "any"
        return self.words.text(section, key)

    def _section(self, key):
        rows = self.metrics.get(key)
        if not rows:
            raise ValueError(
                f"{self.folder / 'metrics.json'} has no {key}. Run the notebook to its end."
            )
        return pd.DataFrame(rows)


def read_run(folder, language="en") -> Run:
    """Open a run's record.

    When to use: at the start of every figure and table.

    Args:
        folder: `outputs/<notebook>`.
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Run`.

    Raises:
        FileNotFoundError: no run was recorded in the folder.
    """
    folder = Path(folder)
    path = _existing(folder / "metrics.json", "Run the notebook first.")
    return Run(folder, json.loads(path.read_text(encoding="utf-8")), read_words(language))


def structures_of(cases) -> list[str]:
    """The structures a case table has a Dice column of, in its order."""
    return [name.removeprefix("dice_") for name in cases.columns if name.startswith("dice_")]


def foreground_of(structures) -> list[str]:
    """The structures worth outlining: all but the background."""
    return [name for name in structures if name != "background"]


def main_study(cases, split=None) -> pd.DataFrame:
    """The rows of the main study: those of `split`, without the domain-shift trainings."""
    if "trained_on" in cases.columns:
        cases = cases[cases["trained_on"].isna()]
    return cases if split is None else cases[cases["split"] == split]


def best_on_validation(cases, structure=None) -> tuple[str, float]:
    """The model with the highest mean validation Dice, and that Dice.

    When to use: to choose what a figure shows; the test split never chooses.

    Args:
        cases: `Run.cases()`.
        structure: one structure, or None for the mean of all.

    Returns:
        Model name and Dice.

    Raises:
        ValueError: no validation Dice in the table.
    """
    validation = main_study(cases, "validation")
    names = structures_of(cases) if structure is None else [structure]
    columns = [f"dice_{name}" for name in names if f"dice_{name}" in validation]
    means = validation.groupby("model", sort=True)[columns].mean().mean(axis=1).dropna()
    if means.empty:
        raise ValueError(
            f"No model has a validation Dice of {structure or 'any structure'}; the best model "
            "is chosen on validation, never on the test shown. Write its rows to cases.csv."
        )
    return means.idxmax(), float(means.max())


def worst_cases(run, model=None, num_cases=5, dataset=None):
    """The test rows with the lowest mean Dice of one model, worst first.

    When to use: for the worst-cases figure and its table.

    Args:
        run: a `Run`.
        model: by default the one with the highest mean validation Dice.
        num_cases: how many.
        dataset: of one data set only; None takes all.

    Returns:
        Rows of `cases.csv`; the mean is over the structures the case has a truth of.

    Raises:
        ValueError: no scored test case.
    """
    cases = run.cases()
    model = model or best_on_validation(cases)[0]
    test = main_study(cases, "test")
    test = test[test["model"] == model]
    if dataset is not None:
        test = test[test["dataset"] == dataset]
    mean_dice = test[[f"dice_{name}" for name in structures_of(test)]].mean(axis=1).dropna()
    if mean_dice.empty:
        raise ValueError(f"{run.folder / 'cases.csv'} has no scored test case of {model!r}.")
    return test.loc[mean_dice.sort_values(kind="stable").index[:num_cases]]


def safe_name(text) -> str:
    """A case or model id as a file name, the same on every operating system."""
    return quote(str(text), safe=" ()+,=@")


def image_path(folder, case_id) -> Path:
    """Where the picture of a case lies in a record."""
    return Path(folder) / "images" / f"{safe_name(case_id)}.png"


def truth_path(folder, case_id, structure) -> Path:
    """Where a true mask lies in a record."""
    return Path(folder) / "truth" / f"{safe_name(case_id)}__{structure}.png"


def mask_path(folder, model, case_id, structure) -> Path:
    """Where a predicted mask lies in a record."""
    return Path(folder) / "masks" / safe_name(model) / f"{safe_name(case_id)}__{structure}.png"


def volume_path(folder, model, exam_id) -> Path:
    """Where the label volume of an exam lies in a record; `model` is `"truth"` for the true one."""
    return Path(folder) / "volumes" / safe_name(model) / f"{safe_name(exam_id)}.nii.gz"


def attention_path(folder, model, case_id, layer) -> Path:
    """Where an attention map lies in a record."""
    return Path(folder) / "attention" / safe_name(model) / f"{safe_name(case_id)}__{layer}.png"


def _read_scored(path):
    _existing(path, "These scores were not written yet.")
    identities = dict.fromkeys(("case_id", "patient_id", "model"), str)
    return pd.read_csv(path, dtype=identities, encoding="utf-8")


def _existing(path, remedy):
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. {remedy}")
    return path


def _read_grey(path):
    _existing(path, "The run kept no picture of this case.")
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))
