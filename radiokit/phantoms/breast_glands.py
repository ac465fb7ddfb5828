"""Round things with a lumen on a breast slide: glands with two rows of cells, blood vessels."""

import numpy as np

from radiokit.phantoms.breast_canvas import Canvas, add_cells, stroke
from radiokit.phantoms.breast_shapes import along, bumps, scatter, star, wobbly_radii
from radiokit.phantoms.breast_sheet import Sheet, add_epithelium, add_lumen

MEMBRANE = (12, 62)  # counts of haematoxylin and eosin of a basement membrane


def draw_gland(canvas: Canvas, rng, sheet: Sheet, centre_um, radius_um: float, longer=1.0) -> list:
    """One gland cut across: membrane, outer flat nuclei, inner row of upright nuclei, lumen.

    Args:
        canvas: what to draw on.
        rng: of its shape and cells.
        sheet: of its group.
        centre_um: x, y.
        radius_um: to its basement membrane, on average.
        longer: length over width.

    Returns:
        Lines to draw once the sheet is painted, for `draw_lines`.
    """
    number = max(40, int(2 * np.pi * radius_um / 1.5))
    radii = radius_um * wobbly_radii(rng, number, 0.04, longer)
    high = min(rng.uniform(10.5, 15.0), 0.78 * radii.min())
    lumen = radii - high * (1 + 0.09 * bumps(rng, number, range(3, max(6, number // 9))))
    lumen = star(centre_um, np.clip(lumen, 0.8, None))
    outline = star(centre_um, radii)
    add_epithelium(canvas, sheet, outline)
    add_lumen(canvas, sheet, lumen, rng.uniform(8, 34) if rng.random() < 0.3 else 0)
    _two_rows(canvas, rng, sheet, centre_um, radii, high)
    return [(outline, 0.9, *MEMBRANE), (lumen, 0.5, 26, 58)]


def draw_lines(canvas: Canvas, lines) -> None:
    """Draw membranes, (outline_um, width_um, haematoxylin, eosin) each."""
    for line in lines:
        stroke(canvas, *line)


def _two_rows(canvas, rng, sheet, centre, radii, high) -> None:
    points, angles = along(rng, star(centre, radii - 1.9), 13.0, 0.4)
    add_cells(canvas, "myoepithelial", points, angles)
    points, angles = along(rng, star(centre, np.clip(radii - 0.58 * high, 2.0, None)), 6.9, 0.28)
    points = points + rng.normal(0, 0.9, points.shape)
    sheet.seeds.append(points)
    add_cells(canvas, "luminal", points, angles + np.pi / 2 + rng.normal(0, 0.3, len(points)))


def draw_vessel(canvas: Canvas, rng, sheet: Sheet, centre_um, radius_um: float) -> list:
    """A small blood vessel with red cells in it: muscle in circles, flat inner nuclei.

    Args:
        canvas: what to draw on.
        rng: of its shape and cells.
        sheet: of its group.
        centre_um: x, y.
        radius_um: to the outer border of its wall.

    Returns:
        Lines to draw once the sheet is painted, for `draw_lines`.
    """
    radii = radius_um * wobbly_radii(rng, 60, 0.06, rng.uniform(1, 1.7))
    wall = min(rng.uniform(3, 9), 0.45 * radius_um)
    lumen = star(centre_um, np.clip(radii - wall, 1.5, None))
    add_epithelium(canvas, sheet, star(centre_um, radii))
    add_lumen(canvas, sheet, lumen, 4)
    points, angles = along(rng, star(centre_um, np.clip(radii - 0.8 * wall, 1.5, None)), 17.0, 0.4)
    add_cells(canvas, "fibroblast", points, angles)
    if wall > 5:
        points, angles = along(rng, star(centre_um, radii - 0.3 * wall), 15.0, 0.4)
        add_cells(canvas, "fibroblast", points, angles)
    inner = float((radii - wall).min()) - 3.5
    if inner < 2 or rng.random() < 0.3:
        return []
    cells = scatter(rng, np.subtract(centre_um, inner), np.add(centre_um, inner), 7.5, 0.25)
    cells = cells[np.hypot(*(cells - centre_um).T) < inner]
    cells = cells[rng.random(len(cells)) < 0.8]
    return [(star(cell, np.full(10, 1.7)), 3.2, 4, 118) for cell in cells]
