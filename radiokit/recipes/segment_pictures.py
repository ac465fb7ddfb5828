"""Pictures in colour of what a network outlined, beside the grey ones of every record."""

import cv2
import numpy as np

from radiokit import report

LONGEST_PX = 2048
TRUE_RGB, PREDICTED_RGB = (0, 90, 255), (255, 215, 0)  # blue and yellow: apart on pink tissue


def write_color_pictures(record, case_id, pixels, truth, mask) -> None:
    """Keep a case in colour: as it is, and with the outlines of truth and prediction.

    Use it for test cases of a training in colour, beside `report.write_images`.

    Args:
        record: the `report.Record`.
        case_id: as in `cases.csv`.
        pixels: (rows, columns, 3) float in 0..1, red, green, blue.
        truth: (rows, columns) of 1, 0 and -1; its outline is blue.
        mask: (rows, columns) bool; its outline is yellow.
    """
    plain = np.round(pixels * 255).astype(np.uint8)
    outlined = plain.copy()
    for inside, color in ((truth > 0, TRUE_RGB), (mask, PREDICTED_RGB)):
        contours, _ = cv2.findContours(
            inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(outlined, contours, -1, color, 1)
    for name, picture in (("slide", plain), ("outlines", outlined)):
        report.write_slide_picture(record, case_id, name, _fitted(picture))


def _fitted(picture):
    """No longer than a picture of a record may be."""
    share = LONGEST_PX / max(picture.shape[:2])
    if share >= 1:
        return picture
    size = [max(1, round(share * length)) for length in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
