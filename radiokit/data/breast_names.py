"""Names that annotators give to regions of breast slides, and the classes they stand for."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from radiokit.cards import name_a_few
from radiokit.data.breast_regions import REGION_CLASSES
from radiokit.io import UnreadableFileError

HOLE = "hole"
_KNOWN = {
    "benign": ("benign",),
    "in_situ": (
        *("in situ", "insitu", "carcinoma in situ", "in situ carcinoma", "in situ cancer"),
        *("ductal carcinoma in situ", "lobular carcinoma in situ", "dcis"),
    ),
    "invasive": (
        *("invasive", "invasive carcinoma", "carcinoma invasive", "invasive cancer"),
        *("invasive ductal carcinoma", "invasive lobular carcinoma", "idc"),
    ),
}


def class_names(names: Mapping[str, str] | None) -> dict[str, str]:
    """Every name that stands for a class, in the form `simple_name` gives.

    Use it once a file, before `class_of`.

    Args:
        names: written name -> one of the lesion classes, "hole" (cut out of the region around it)
            or "background" (not drawn); goes before the known names.

    Returns:
        Simple name -> class.

    Raises:
        ValueError: `names` maps to something else.
    """
    allowed = (*REGION_CLASSES, HOLE)
    wrong = [
        f"{name!r}: {value!r}" for name, value in (names or {}).items() if value not in allowed
    ]
    if wrong:
        raise ValueError(f"names has {name_a_few(wrong)}. Map to one of: {', '.join(allowed)}.")
    known = {simple_name(name): label for label, group in _KNOWN.items() for name in group}
    return known | {simple_name(name): value for name, value in (names or {}).items()}


def simple_name(text: str) -> str:
    """A name without capitals, and with single blanks for all that is no letter or digit.

    Use it before two names are compared.

    Args:
        text: as written.

    Returns:
        The simple form; underscores at the beginning of CAMELYON's `_0` stay.

    Example:
        >>> simple_name(" Carcinoma  In-situ "), simple_name("in_situ"), simple_name("_2")
        ('carcinoma in situ', 'in situ', '_2')
    """
    if re.fullmatch(r"\s*_\d+\s*", text):
        return text.strip()
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def class_of(candidates: Sequence[str], known: Mapping[str, str], path: Path, where: str) -> str:
    """The class that the first known of several names stands for.

    Use it where a class may stand in one of several places of a file.

    Args:
        candidates: texts, the most telling place first; empty ones do not count.
        known: from `class_names`.
        path: the file, for the message.
        where: such as "region 3".

    Returns:
        A lesion class, "hole" or "background".

    Raises:
        radiokit.io.UnreadableFileError: no name is known.
    """
    written = list(dict.fromkeys(text.strip() for text in candidates if text and text.strip()))
    for name in written or [""]:
        if simple_name(name) in known:
            return known[simple_name(name)]
    said = f"has the class {' or '.join(map(repr, written))}" if written else "has no class"
    example = written[0] if written else ""
    raise UnreadableFileError(
        path,
        f"{where} {said}; known are {', '.join(REGION_CLASSES[1:])}",
        f'Give names={{{example!r}: "invasive"}} or another class; "background" leaves such '
        "regions out.",
    )
