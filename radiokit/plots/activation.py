"""Where a classifier looked: class activation maps over the pictures."""

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from radiokit.plots.figure import format_numbers, new_grid, shorten
from radiokit.plots.pictures import draw_picture
from radiokit.record import read_run

OPACITY = 0.65  # where the map is strongest; where it is 0 the picture shows through


def plot_class_activation(folder, language="en", model=None, maps=None) -> Figure:
    """Grad-CAM maps of several cases, each below its picture.

    When to use: to catch a network that is right for a wrong reason. A map tells which places
    raised the answer, at the coarse grid of the last layers; it is no outline of a bleed.

    Args:
        folder: the run's record, with `attention/<model>/<case>__<label>.png`.
        language: `"en"`, `"pt"` or `"es"`.
        model: the first with such maps by default.
        maps: pairs (case, label), by default the first four of the model, those first whose case
            has the label.

    Returns:
        A `Figure`, a column a map: label, truth and probability, picture, map over the picture.

    Raises:
        FileNotFoundError: no such map in the record.

    Paper: Selvaraju et al., Grad-CAM, ICCV 2017.
    """
    run = read_run(folder, language)
    model, maps = _find_maps(run, model, maps)
    figure, axes = new_grid(run, 2, len(maps), extra_height=0.25)
    cases = run.cases()
    cases = cases[cases["model"] == model].set_index("case_id")
    for column, (case_id, label) in zip(axes.T, maps, strict=True):
        draw_picture(column[0], run, case_id)
        column[0].set_title(_title(run, cases.loc[case_id], label), fontsize=8)
        height, width = draw_picture(column[1], run, case_id)
        heat = run.attention(model, case_id)[label]
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        shown = column[1].imshow(heat, extent=extent, cmap="inferno", vmin=0, vmax=1,
                                 interpolation="bilinear", alpha=OPACITY * heat)  # fmt: skip
        column[1].set_xlabel(shorten(case_id), fontsize=8)
    shown = figure.colorbar(
        _opaque(shown), ax=axes, orientation="horizontal", aspect=40, shrink=0.6
    )
    names = run.words.name("models", model), run.words.text("labels", "activation")
    shown.set_label(" · ".join(names), fontsize=8)
    shown.ax.tick_params(labelsize=7)
    format_numbers(shown.ax.xaxis, run)
    return figure


def _find_maps(run, model, maps):
    """The model, and the (case, label) of each map to show."""
    kept = run.class_maps()
    model = model or next((name for name, _, _ in kept), None)
    mine = [(case_id, label) for name, case_id, label in kept if name == model]
    cases = run.cases()
    truth = cases[cases["model"] == model].set_index("case_id")
    mine.sort(key=lambda pair: truth.at[pair[0], f"truth_{pair[1]}"] != 1)
    wanted = list(maps or mine[:4])
    missing = [f"{case_id} ({label})" for case_id, label in wanted if (case_id, label) not in mine]
    if missing or not wanted:
        raise FileNotFoundError(
            f"{run.folder / 'attention'} holds no class activation map of "
            f"{', '.join(missing) or model or 'any classifier'}. Write them with write_attention."
        )
    return model, wanted


def _title(run, row, label):
    """`subdural`, and below it the truth and the probability."""
    words = run.words
    truth = {1: "present", 0: "absent"}.get(row[f"truth_{label}"], "unknown")
    probability = words.number(row[f"probability_{label}"], 2)
    lines = [
        words.label(label),
        f"{words.text('labels', 'truth')}: {words.text('labels', truth)}",
        words.text("labels", "predicted", {"value": probability}),
    ]
    return "\n".join(lines)


def _opaque(image):
    """The colours of a picture without its transparency, for the bar."""
    return ScalarMappable(norm=image.norm, cmap=image.cmap)
