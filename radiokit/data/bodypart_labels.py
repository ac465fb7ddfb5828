"""The body parts of the study and of the public set, and what a header's BodyPartExamined means."""

import re
import unicodedata

import numpy as np
import pandas as pd

from radiokit.cards import name_a_few

STUDY_LABELS = (
    *("Clavicles", "Shoulder", "Arm", "Elbow", "Forearm", "Wrist", "Hand", "Finger"),
    *("Cavum", "Sinus", "Skull", "Cervical Spine", "Thoracic Spine", "Lumbar Spine"),
    *("Sacroiliac", "Pelvis", "Hip", "Thigh", "Knee", "Lower Leg", "Ankle", "Feet"),
    *("Chest", "Abdomen", "Others"),
)
ONLY_STUDY_LABELS = ("Arm", "Cavum", "Sacroiliac")  # classes the public set has not got
PUBLIC_LABELS = tuple(sorted(set(STUDY_LABELS) - set(ONLY_STUDY_LABELS)))  # place = class id

_HEAD = ("Cavum", "Sinus", "Skull")
_SPINE = ("Cervical Spine", "Thoracic Spine", "Lumbar Spine", "Sacroiliac")
_UPPER_LIMB = ("Shoulder", "Arm", "Elbow", "Forearm", "Wrist", "Hand", "Finger")
_LOWER_LIMB = ("Hip", "Thigh", "Knee", "Lower Leg", "Ankle", "Feet")
# Terms of DICOM part 16, annex L, and what devices in Portuguese and Spanish write.
_TERMS = {
    ("Clavicles",): "CLAVICLE CLAVICULA SCJOINT",
    ("Clavicles", "Shoulder"): "ACJOINT",
    ("Shoulder",): "SHOULDER SCAPULA OMBRO HOMBRO ESCAPULA",
    ("Arm",): "ARM UPPERARM HUMERUS BRACO BRAZO UMERO HUMERO",
    ("Elbow",): "ELBOW COTOVELO CODO",
    ("Forearm",): "FOREARM RADIUS ULNA RADIUSULNA ANTEBRACO ANTEBRAZO",
    ("Wrist",): "WRIST PUNHO MUNECA",
    ("Hand",): "HAND MAO MANO",
    ("Finger",): "FINGER THUMB DEDO",
    ("Cavum",): "NASOPHARYNX CAVUM",
    ("Cavum", "Cervical Spine"): "NECK PHARYNX LARYNX PESCOCO CUELLO",
    ("Sinus",): "SINUS PARANASALSINUS SEIOSDAFACE SEIOSPARANASAIS SENOSPARANASALES",
    ("Sinus", "Skull"): "FACE NOSE ORBIT MAXILLA ZYGOMA",
    ("Skull",): "SKULL BRAIN SELLA MASTOID JAW MANDIBLE TMJ CRANIO CRANEO",
    _HEAD: "HEAD CABECA CABEZA",
    ("Cervical Spine",): "CSPINE CERVICALSPINE COLUNACERVICAL COLUMNACERVICAL",
    ("Cervical Spine", "Thoracic Spine"): "CTSPINE",
    ("Thoracic Spine",): "TSPINE THORACICSPINE COLUNATORACICA COLUMNATORACICA COLUMNADORSAL",
    ("Thoracic Spine", "Lumbar Spine"): "TLSPINE",
    ("Lumbar Spine",): "LSPINE LUMBARSPINE LUMBAR COLUNALOMBAR COLUMNALUMBAR",
    ("Lumbar Spine", "Sacroiliac"): "LSSPINE",
    ("Sacroiliac",): "SIJOINT SACROILIAC SACROILIACA",
    ("Sacroiliac", "Pelvis"): "SSPINE SACRUM COCCYX SACRO COCCIX",
    ("Pelvis",): "PELVIS ILIUM BACIA PELVE",
    ("Abdomen", "Pelvis"): "ABDOMENPELVIS",
    ("Hip",): "HIP QUADRIL CADERA",
    ("Thigh",): "THIGH FEMUR COXA MUSLO",
    ("Knee",): "KNEE PATELLA JOELHO RODILLA",
    ("Lower Leg",): "LEG LOWERLEG CALF TIBIA FIBULA TIBIAFIBULA PERNA PIERNA",
    ("Ankle",): "ANKLE TORNOZELO TOBILLO",
    ("Feet",): "FOOT FEET TOE CALCANEUS PE PIE",
    ("Chest",): "CHEST THORAX LUNG RIB STERNUM HEART TORAX",
    ("Chest", "Abdomen"): "CHESTABDOMEN",
    ("Abdomen",): "ABDOMEN COLON STOMACH KIDNEY BLADDER ABDOME",
    ("Others",): "BREAST MAMA",
}
_VAGUE_TERMS = {
    _UPPER_LIMB: "UPPERLIMB UPPEREXTREMITY UPEXM",
    _LOWER_LIMB: "LOWERLIMB LOWEREXTREMITY LOWEXM",
    (*_UPPER_LIMB, *_LOWER_LIMB): "EXTREMITY JOINT BONE",
    _SPINE: "SPINE BACK COLUNA COLUMNA",
    STUDY_LABELS: "WHOLEBODY",
}
_LABELS_OF = {
    term: (labels, is_vague)
    for terms, is_vague in ((_TERMS, False), (_VAGUE_TERMS, True))
    for labels, names in terms.items()
    for term in names.split()
}


def label_mapping() -> pd.DataFrame:
    """The study's 25 labels beside the class ids of the public set.

    Use it to see which label of one set is which of the other: names are equal, places are not.

    Returns:
        A row a study label: `label`; `study_index`, its place in `STUDY_LABELS`; `public_id`, its
        class id in the public set, NaN for Arm, Cavum and Sacroiliac, which that set has not got.

    >>> label_mapping().set_index("label").loc[["Arm", "Wrist"], "public_id"].tolist()
    [nan, 21.0]
    """
    ids = {label: number for number, label in enumerate(PUBLIC_LABELS)}
    return pd.DataFrame(
        {
            "label": STUDY_LABELS,
            "study_index": range(len(STUDY_LABELS)),
            "public_id": [ids.get(label, np.nan) for label in STUDY_LABELS],
        }
    )


def to_study_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of the 22 public labels the columns of the study's 25.

    Use it to test a network of 25 labels on the public set. Arm, Cavum and Sacroiliac become
    unknown (NaN, a target of -1), not 0: the public set has no such class, and nobody says whether
    an upper arm in it was called Others, Shoulder or both. Scores of the three cannot be had there.

    Args:
        table: case table with the 22 labels, such as of `index_unifesp`.

    Returns:
        A copy with the 25 columns in the study's order; `attrs["labels"]` names them.

    Raises:
        ValueError: one of the 22 is no column.
    """
    _require_labels(table, PUBLIC_LABELS)
    absent = [label for label in ONLY_STUDY_LABELS if label not in table.columns]
    result = _with_labels(table.assign(**dict.fromkeys(absent, np.nan)), STUDY_LABELS)
    result.attrs["notes"] = [
        *table.attrs.get("notes", ()),
        *([f"{', '.join(absent)} are unknown in all {len(table)} images"] if absent else []),
    ]
    return result


def to_public_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table of the study's 25 labels the 22 of the public set.

    Use it to train on both sets, or to compare with what others reach on the public one. Images
    that show nothing but Arm, Cavum or Sacroiliac are left out: with 22 zeros they would say that
    nothing is to be seen. Of images with another label beside, that one stays.

    Args:
        table: case table with the 25 labels, such as of `index_mdai`.

    Returns:
        A copy with the 22 columns in the study's order, numbered anew; `attrs["labels"]` names
        them, and `attrs["notes"]` counts and names the images left out.

    Raises:
        ValueError: one of the 25 is no column, or no image stays.
    """
    _require_labels(table, STUDY_LABELS)
    is_lost = (table[list(ONLY_STUDY_LABELS)] == 1).any(axis=1)
    is_lost &= ~(table[list(PUBLIC_LABELS)] == 1).any(axis=1)
    if is_lost.all():
        raise ValueError(
            f"None of {len(table)} images shows one of the 22 public labels. Keep the 25 labels."
        )
    kept = table[~is_lost].reset_index(drop=True).drop(columns=list(ONLY_STUDY_LABELS))
    result = _with_labels(kept, [label for label in STUDY_LABELS if label in PUBLIC_LABELS])
    if is_lost.any():
        cases = [str(case) for case in table["case_id"][is_lost]]
        only = "show only Arm, Cavum or Sacroiliac and are left out"
        note = f"{len(cases)} images {only}: {name_a_few(cases)}"
        result.attrs["notes"] = [*table.attrs.get("notes", ()), note]
    return result


def labels_of_header(body_part: str) -> tuple[tuple[str, ...], bool]:
    """The study's labels that a header's BodyPartExamined stands for.

    Use it to hold headers against the truth. Terms are those of DICOM (part 16, annex L), with the
    Portuguese and Spanish names of the parts; case, accents, spaces and signs do not matter.

    Args:
        body_part: as the header says.

    Returns:
        Labels, any of which agrees with the term (none for an unknown term); and whether it is
        vague: a whole limb, the whole spine or the whole body leads to no network.

    >>> labels_of_header("L-Spine"), labels_of_header("Mão"), labels_of_header("SERVICE 2")
    ((('Lumbar Spine',), False), (('Hand',), False), ((), True))
    >>> labels_of_header("UP_EXM")[0][:3]
    ('Shoulder', 'Arm', 'Elbow')
    """
    letters = unicodedata.normalize("NFKD", body_part.upper())
    return _LABELS_OF.get(re.sub(r"[^A-Z]", "", letters), ((), True))


def _require_labels(table: pd.DataFrame, labels: tuple[str, ...]) -> None:
    missing = [label for label in labels if label not in table.columns]
    if missing:
        raise ValueError(
            f"The table lacks {len(missing)} of the {len(labels)} labels: {name_a_few(missing)}. "
            "Give a table of index_unifesp (22 labels) or index_mdai (25)."
        )


def _with_labels(table: pd.DataFrame, labels) -> pd.DataFrame:
    """The same columns with the labels side by side, in this order."""
    others = [name for name in table.columns if name not in labels]
    place = min(table.columns.get_loc(label) for label in labels)
    before = [name for name in table.columns[:place] if name in others]
    columns = [*before, *labels, *(name for name in others if name not in before)]
    result = table[columns].copy()
    result.attrs = {**table.attrs, "labels": tuple(labels)}
    return result
