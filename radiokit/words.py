"""The words of figures and tables in each language, from `text/<language>.toml`."""

import math
import re
import tomllib
from dataclasses import dataclass

from radiokit import shipped_folder

LANGUAGES = ("en", "pt", "es")
_RIB = re.compile(r"[RL]\d+")


@dataclass(frozen=True)
class Words:
    """One language's words and its way of writing numbers.

    Attributes:
        language: `"en"`, `"pt"` or `"es"`.
        sections: the file's sections, each a dict of key to text.
    """

    language: str
    sections: dict

    def text(self, section, key, values=None) -> str:
        """One text, its {placeholders} filled from the dict `values`."""
        return self.sections[section][key].format_map(values or {})

    def name(self, section, key) -> str:
        """A thing's name, or the key itself where the file does not know it (your own data)."""
        return self.sections[section].get(key, str(key).replace("_", " "))

    def structure(self, key) -> str:
        """An anatomical structure's name; a single rib keeps its label, as in `ribs R1`."""
        if _RIB.fullmatch(key):
            return f"{self.name('structures', 'ribs')} {key}"
        return self.name("structures", key)

    def label(self, key) -> str:
        """A label's name, or that of an average over labels, as `micro avg`."""
        average = key.replace(" ", "_")
        if average in self.sections["averages"]:
            return self.text("averages", average)
        return self.structure(key)

    def metric(self, key) -> str:
        """A score's name, as in `AUC, exams` of `exam_auc`; its level and rule are written out.

        `exam_` before a name is of whole exams, `_at_<rule>` after it of a chosen threshold.
        """
        if key in self.sections["metrics"]:
            return self.sections["metrics"][key]
        name, _, rule = key.removeprefix("exam_").partition("_at_")
        parts = [self.name("metrics", name)]
        parts += [self.text("labels", "exams")] if key.startswith("exam_") else []
        parts += [self.rule(rule)] if rule else []
        return ", ".join(parts)

    def rule(self, key) -> str:
        """How a threshold was chosen, as in `sensitivity ≥ 0.95` of `sensitivity_0.95`."""
        name, _, target = key.rpartition("_")
        if name == "sensitivity":
            return self.text("rules", name, {"target": self.short_number(float(target))})
        return self.name("rules", key)

    def unit(self, quantity) -> str:
        """The unit at the end of a quantity's name, as `mL` of `blood_pool_ml`; else empty."""
        return self.sections["units"].get(quantity.rsplit("_", 1)[-1], "")

    def with_unit(self, text, quantity) -> str:
        """A text with the quantity's unit in parentheses, where it has one."""
        unit = self.unit(quantity)
        return f"{text} ({unit})" if unit else text

    def number(self, value, digits=3) -> str:
        """A number with this language's decimal sign; a dash where it is NaN."""
        if value is None or math.isnan(value):
            return "–"
        return self._localise(f"{value:.{digits}f}")

    def short_number(self, value) -> str:
        """A number with as many digits as it needs, at most six, for the ticks of an axis."""
        return self._localise(f"{value:.6g}")

    def interval(self, estimate, low, high, digits=3) -> str:
        """An estimate with its interval, as in `0.912 (0.874–0.941)`; alone if it has none."""
        if any(end is None or math.isnan(end) for end in (low, high)):
            return self.number(estimate, digits)
        ends = f"{self.number(low, digits)}–{self.number(high, digits)}"
        return f"{self.number(estimate, digits)} ({ends})"

    def stamp(self, is_phantom, scale) -> str:
        """What keeps a lesson from passing for a result; empty for a full run on real data."""
        parts = [self.text("stamp", "phantom")] if is_phantom else []
        parts += [self.text("stamp", "quick")] if scale != "full" else []
        return " · ".join([*parts, self.text("stamp", "warning")]) if parts else ""

    def _localise(self, number):
        return number.replace(".", self.sections["number"]["decimal"]).replace("-", "−")


def read_words(language="en") -> Words:
    """Read the words of one language.

    When to use: for any text a reader sees in a figure or table.

    Args:
        language: `"en"`, `"pt"` or `"es"`.

    Returns:
        A `Words`.

    Raises:
        ValueError: another language.

    Example:
        >>> read_words("pt").interval(0.95, 0.93, 0.96, digits=2)
        '0,95 (0,93–0,96)'
        >>> read_words("en").stamp(is_phantom=True, scale="quick")
        'PHANTOM DATA · QUICK RUN · not a clinical result'
    """
    if language not in LANGUAGES:
        raise ValueError(
            f"There is no text in the language {language!r}; choose one of {', '.join(LANGUAGES)}."
        )
    path = shipped_folder("text") / f"{language}.toml"
    return Words(language, tomllib.loads(path.read_text(encoding="utf-8")))
