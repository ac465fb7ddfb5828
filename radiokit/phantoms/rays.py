"""Metacarpals, metatarsals and phalanges: small rods, one after the other."""

import numpy as np

from radiokit.phantoms.limbs import Bone, turned

# Half the width on both sides, as parts of the width of the base, from the base (0) to the end (1).
METACARPAL = ((0, 0.34), (0.05, 0.48), (0.18, 0.36), (0.45, 0.27), (0.68, 0.31), (0.84, 0.45))
METACARPAL += ((0.94, 0.45), (1, 0.22))
PHALANX = (
    (0, 0.38),
    (0.06, 0.5),
    (0.2, 0.38),
    (0.5, 0.28),
    (0.75, 0.29),
    (0.88, 0.38),
    (0.97, 0.36),
)
PHALANX += ((1.0, 0.2),)
TIP = ((0, 0.38), (0.09, 0.5), (0.25, 0.32), (0.6, 0.2), (0.78, 0.27), (0.92, 0.3), (1, 0.14))
JOINT_GAP_CM = 0.14


def rod_bone(
    start_cm, direction_degrees, length_cm, width_cm, profile, cortex_cm, lean=0.0
) -> Bone:
    """A metacarpal, a metatarsal or a phalanx.

    Args:
        start_cm: (x, y) middle of its base.
        direction_degrees: from the base to its end; 0 is up, clockwise.
        length_cm: of the bone.
        width_cm: of its base.
        profile: rows (place along the bone 0..1, half the width as a part of the base's).
        cortex_cm: of its shaft.
        lean: how much the middle bulges to the left, as a part of the width; seen from the side.
    """
    along, half = np.array(profile).T
    bulge = -lean * width_cm * np.sin(np.pi * along)
    left = np.stack([bulge - half * width_cm, -along * length_cm], axis=1)
    right = np.stack([bulge + half * width_cm, -along * length_cm], axis=1)
    corners = turned(np.concatenate([left, right[::-1]]), direction_degrees) + start_cm
    return Bone(corners, 0.8 * width_cm, cortex_cm, 2 * float(half.min()) * width_cm)


def chain(
    base_cm, direction_degrees, lengths_cm, widths_cm, bend_degrees, lean=0.0, cortex=0.16
) -> tuple[tuple[Bone, ...], np.ndarray]:
    """One ray of a hand or a foot: a metacarpal or metatarsal, then its phalanges.

    Args:
        base_cm: (x, y) middle of its base.
        direction_degrees: of its first bone; 0 is up, clockwise.
        lengths_cm: of the bones.
        widths_cm: of their bases.
        bend_degrees: how far each joint turns, from the knuckle on; at least as many as joints.
        lean: bulge of the phalanges, as in `rod_bone`.
        cortex: thickness of the shafts' cortex as a part of the width of the base.

    Returns:
        Its bones, and (N, 2) joints from the base to the tip.
    """
    place, direction = np.asarray(base_cm, float), direction_degrees
    bones, joints = [], [place]
    for index, (length, width) in enumerate(zip(lengths_cm, widths_cm, strict=True)):
        is_last = index == len(lengths_cm) - 1
        profile = METACARPAL if index == 0 else TIP if is_last else PHALANX
        bulge = lean if index else 0.0
        bones.append(rod_bone(place, direction, length, width, profile, cortex * width, bulge))
        place = place + turned([(0, -(length + JOINT_GAP_CM))], direction)[0]
        joints.append(place)
        direction += 0 if is_last else bend_degrees[index]
    return tuple(bones), np.array(joints)
