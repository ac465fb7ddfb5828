"""What headers of body part phantoms claim: part, view and side, as technicians leave them.

As in the real sets nothing there can be relied on: the part of the body is missing, wrong or vague
in three of ten images.
"""

import numpy as np

EMPTY, WRONG, VAGUE = 0.15, 0.12, 0.10  # shares of BodyPartExamined; the others are right
# DICOM's term (part 16, annex L) and what a device set to Portuguese writes.
TERMS = {
    "Clavicles": ("CLAVICLE", "CLAVICULA"),
    "Shoulder": ("SHOULDER", "OMBRO"),
    "Arm": ("HUMERUS", "BRACO"),
    "Elbow": ("ELBOW", "COTOVELO"),
    "Forearm": ("FOREARM", "ANTEBRACO"),
    "Wrist": ("WRIST", "PUNHO"),
    "Hand": ("HAND", "MAO"),
    "Finger": ("FINGER", "DEDO"),
    "Cavum": ("NASOPHARYNX", "CAVUM"),
    "Sinus": ("SINUS", "SEIOS DA FACE"),
    "Skull": ("SKULL", "CRANIO"),
    "Cervical Spine": ("CSPINE", "COLUNA CERVICAL"),
    "Thoracic Spine": ("TSPINE", "COLUNA TORACICA"),
    "Lumbar Spine": ("LSPINE", "COLUNA LOMBAR"),
    "Sacroiliac": ("SIJOINT", "SACROILIACA"),
    "Pelvis": ("PELVIS", "BACIA"),
    "Hip": ("HIP", "QUADRIL"),
    "Thigh": ("THIGH", "COXA"),
    "Knee": ("KNEE", "JOELHO"),
    "Lower Leg": ("LEG", "PERNA"),
    "Ankle": ("ANKLE", "TORNOZELO"),
    "Feet": ("FOOT", "PE"),
    "Chest": ("CHEST", "TORAX"),
    "Abdomen": ("ABDOMEN", "ABDOME"),
    "Others": ("BREAST", "MAMA"),
}
LIMBS = {
    *("Shoulder", "Arm", "Elbow", "Forearm", "Wrist", "Hand", "Finger"),
    *("Hip", "Thigh", "Knee", "Lower Leg", "Ankle", "Feet"),
}
VIEW_POSITIONS = {
    "Frontal": ("AP", "PA"),
    "Lateral": ("LL", "RL", "LATERAL"),
    "Oblique": ("RAO", "LAO", "OBLIQUE"),
    "Axial": ("AX", "AXIAL"),
}


def claim_body_part(labels: tuple[str, ...], rng: np.random.Generator) -> str:
    """BodyPartExamined as a technician leaves it: right, empty, that of another exam, or vague.

    Args:
        labels: what the image truly shows.
        rng: draws it.
    """
    drawn = rng.random()
    term, local = TERMS[labels[0]]
    if drawn < EMPTY:
        return ""
    if drawn < EMPTY + WRONG:
        usual = ("Chest", "Abdomen", "Hand", "Skull")  # the device's first buttons
        others = usual if rng.random() < 0.6 else tuple(TERMS)
        return TERMS[str(rng.choice([name for name in others if name not in labels]))][0]
    if drawn < EMPTY + WRONG + VAGUE:
        whole = "EXTREMITY" if labels[0] in LIMBS else "SKELETON"
        return str(rng.choice([whole, "SKELETON", term.lower(), local]))
    return term


def claim_view(projection: str, rng: np.random.Generator) -> str:
    """ViewPosition: empty in four of ten, that of another view in one of ten.

    Args:
        projection: the true one, a key of `VIEW_POSITIONS`.
        rng: draws it.
    """
    drawn = rng.random()
    if drawn < 0.4:
        return ""
    if drawn < 0.5:
        projection = str(rng.choice([name for name in VIEW_POSITIONS if name != projection]))
    return str(rng.choice(VIEW_POSITIONS[projection]))


def claim_side(side: str, has_side: bool, rng: np.random.Generator) -> dict[str, str]:
    """Laterality under one of its two keywords; true in 17 of 20 images of a paired part.

    Args:
        side: "R" or "L".
        has_side: whether the part is paired; else the header says nothing, or "U".
        rng: draws it.
    """
    keyword = "ImageLaterality" if rng.random() < 0.7 else "Laterality"
    drawn = rng.random()
    if not has_side:
        return {keyword: "U"} if drawn < 0.2 else {}
    if drawn < 0.12:
        return {}
    return {keyword: side if drawn < 0.97 else "RL"[side == "R"]}
