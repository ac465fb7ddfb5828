"""Reading a run's record, the folder from which every figure and table is drawn again."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radiokit.record.cases import (
    HALF,
    LABEL_CURVES,
    LEVELS,
    chosen_thresholds,
    labels_of,
    main_study,
)
from radiokit.record.files import (
    existing_file,
    image_path,
    mask_path,
    read_grey,
    read_scored,
    safe_name,
    split_stem,
    truth_path,
    volume_path,
)
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
        scores = self._section("scores")
        ends = {name: float for name in ("estimate", "low", "high") if name in scores}
        return scores.astype(ends)  # a column of nothing but null is of numbers too

    def scores_of(self, metric, split) -> pd.DataFrame:
        """The main study's scores of one metric and split, without the domain-shift rows."""
        scores = self.scores()
        if "trained_on" in scores.columns:
            scores = scores[scores["trained_on"].isna()]
        if "pooling" in scores.columns:
            scores = scores[scores["pooling"].isna()]
        chosen = scores[(scores["metric"] == metric) & (scores["split"] == split)]
        if chosen.empty:
            raise ValueError(f"{self.folder} has no {metric} on the {split} split.")
        return chosen

    def pixel_scores(self, split) -> pd.DataFrame:
        """Rows of `score_pixels` of a split; ValueError where there are none."""
        scores = self.scores()
        scores = scores[scores["pooling"].notna()] if "pooling" in scores else scores.iloc[:0]
        scores = scores[scores["split"] == split]
        if scores.empty:
            raise ValueError(
                f"{self.folder} has no score over pixels on the {split} split; write the rows of "
                "score_pixels."
            )
        return scores

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
        published = {} if self.published_report() else self.metrics.get("published") or {}
        values = [value for scores in published.values() for value in scores.values()]
        is_by_metric = all(isinstance(value, dict) for value in values)
        return (published if is_by_metric else {"dice": published}).get(metric, {})

    def published_report(self) -> dict:
        """Published precision, recall and counts by label, as `PUBLISHED_HEADCT`; or empty."""
        published = self.metrics.get("published") or {}
        return published if all("support" in row for row in published.values()) else {}

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
        return read_scored(self.folder / "cases.csv")

    def volumes(self) -> pd.DataFrame:
        """`volumes.csv`: a row a model and whole exam; ids are text."""
        return read_scored(self.folder / "volumes.csv")

    def exams(self) -> pd.DataFrame:
        """`exams.csv`: a row a model and whole exam, classified; ids are text."""
        return read_scored(self.folder / "exams.csv")

    def classified(self, level="slices") -> pd.DataFrame:
        """The main study's classified slices or exams; ValueError for another level."""
        if level not in LEVELS:
            raise ValueError(f"The level is {level!r}; it must be one of {', '.join(LEVELS)}.")
        return main_study(self.cases() if level == "slices" else self.exams())

    def thresholds(self, model, level="slices") -> pd.DataFrame:
        """Thresholds of a model: columns `label`, `rule`, `threshold`; 0.5 of every label first."""
        labels = labels_of(self.classified(level))
        half = [{"label": label} | HALF for label in labels]
        chosen = chosen_thresholds(self.metrics.get("thresholds"), model, level)
        return pd.DataFrame([*half, *chosen.to_dict("records")])

    def scores_at_thresholds(self, model, split, level="slices") -> pd.DataFrame:
        """A classifier's ratios, `ratio` being sensitivity, specificity or precision.

        ValueError where `metrics.json` has no rows of `score_labels`.
        """
        scores, start = self.scores(), LEVELS[level]
        scores = scores[scores["rule"].notna()] if "rule" in scores else scores.iloc[:0]
        is_exam = scores["metric"].str.startswith(LEVELS["exams"])
        is_mine = (scores["model"] == model) & (scores["split"] == split)
        scores = scores[is_mine & (is_exam if start else ~is_exam)]
        if scores.empty:
            raise ValueError(
                f"{self.folder} has no score of {model!r} at a threshold on the {split} split; "
                "write the rows of score_labels."
            )
        ratios = scores["metric"].str.removeprefix(start).str.split("_at_").str[0]
        return scores.assign(ratio=ratios)

    def temperature(self, model) -> float | None:
        """The temperature that calibrates a model; None where none was fitted."""
        rows = self.metrics.get("calibration") or []
        return next((row["temperature"] for row in rows if row["model"] == model), None)

    def label_counts(self) -> pd.DataFrame:
        """Images of each label (rows) in each split (columns), from `label_counts.csv`."""
        path = existing_file(self.folder / "label_counts.csv", "Write it with write_label_counts.")
        counts = pd.read_csv(path, dtype={"label": str}, keep_default_na=False)
        return counts.set_index("label").drop(columns=["is_phantom", "stamp"])

    def measured(self, quantity) -> pd.DataFrame:
        """The table, cases or else volumes, that holds a quantity; ValueError if neither does."""
        for name in ("cases.csv", "volumes.csv"):
            if (self.folder / name).is_file():
                scored = read_scored(self.folder / name)
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
        paths = self._history_paths()
        if not paths:
            raise FileNotFoundError(
                f"{self.folder} holds no training/<model>/history.csv and no "
                "history_<model>.csv: train first."
            )
        return {name: pd.read_csv(paths[name]) for name in sorted(paths)}

    def label_histories(self) -> dict[str, pd.DataFrame]:
        """The learning curves of classifiers by model, the prefix `labels_` taken off; or none."""
        found = {}
        for model, path in sorted(self._history_paths().items()):
            history = pd.read_csv(path)
            totals = {"loss": "labels_loss", "val_loss": "val_labels_loss"}
            history = history.drop(columns=[key for key in totals if totals[key] in history])
            history = history.rename(columns=lambda name: name.replace("labels_", "", 1))
            if LABEL_CURVES & set(history.columns.str.removeprefix("val_")):
                found[model] = history
        return found

    def image(self, case_id) -> np.ndarray:
        """The picture of a case, (H, W) uint8."""
        return read_grey(image_path(self.folder, case_id))

    def truth(self, case_id, structure) -> np.ndarray | None:
        """The true mask of a case, (H, W) bool; None where the data have none."""
        path = truth_path(self.folder, case_id, structure)
        return read_grey(path) > 127 if path.is_file() else None

    def mask(self, model, case_id, structure) -> np.ndarray | None:
        """The mask a model predicted, (H, W) bool; None where none was kept."""
        path = mask_path(self.folder, model, case_id, structure)
        return read_grey(path) > 127 if path.is_file() else None

    def has_mask(self, model, case_id, structure) -> bool:
        """Whether the mask a model predicted was kept."""
        return mask_path(self.folder, model, case_id, structure).is_file()

    def volume(self, model, exam_id) -> tuple[np.ndarray, tuple[float, float, float]]:
        """Labels of an exam, and their spacing in mm; `model` may be `"truth"`.

        Axes run to the patient's right, to the front and upwards; labels as `VOLUME_LABELS`.
        """
        import nibabel  # slow to import, and needed by few

        path = volume_path(self.folder, model, exam_id)
        existing_file(path, "The run kept no label volume of this exam.")
        volume = nibabel.as_closest_canonical(nibabel.load(path))
        return np.asarray(volume.dataobj), tuple(map(float, volume.header.get_zooms()))

    def attention(self, model, case_id) -> dict[str, np.ndarray]:
        """Attention maps of a case by layer name, (h, w) float in 0..1."""
        stem = f"{safe_name(case_id)}__"
        paths = sorted((self.folder / "attention" / safe_name(model)).glob("*.png"))
        mine = [path for path in paths if path.stem.startswith(stem)]
        return {path.stem.removeprefix(stem): read_grey(path) / 255 for path in mine}

    def class_maps(self) -> list[tuple[str, str, str]]:
        """Model, case and label of every class activation map, in alphabetical order of cases."""
        return [kept for kept, is_label in self._maps() if is_label]

    def attention_maps(self) -> list[tuple[str, str, str]]:
        """Model, case and layer of every other map, in alphabetical order of cases."""
        return [kept for kept, is_label in self._maps() if not is_label]

    def _history_paths(self):
        paths = {path.parent.name: path for path in self.folder.glob("training/*/history.csv")}
        rows = self.metrics.get("scores", [])
        scored = {row["model"] for row in rows if not row.get("trained_on")}
        paths = {name: paths[name] for name in paths if name in scored} or paths
        for path in self.folder.glob("history_*.csv"):
            paths[path.stem.removeprefix("history_")] = path
        return paths

    def _maps(self):
        """Model, case and name of each map that was kept, and whether the name is a label's."""
        if not (self.folder / "attention").is_dir() or not (self.folder / "cases.csv").is_file():
            return []
        cases, found = self.cases(), []
        case_ids = {safe_name(case_id): case_id for case_id in set(cases["case_id"])}
        labels = labels_of(cases)
        for model in dict.fromkeys(cases["model"]):
            for path in sorted((self.folder / "attention" / safe_name(model)).glob("*__*.png")):
                case_id, name = split_stem(path.stem, case_ids)
                found.append(((model, case_id, name), name in labels))
        return [entry for entry in found if entry[0][1] is not None]

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
    path = existing_file(folder / "metrics.json", "Run the notebook first.")
    return Run(folder, json.loads(path.read_text(encoding="utf-8")), read_words(language))
