"""The figures and tables of a classifier that a record allows."""

from functools import partial

from radiokit import plots
from radiokit.record import (
    HALF,
    LEVELS,
    best_classifier,
    known_label,
    labels_of,
    main_study,
    models_with,
    safe_name,
)
from radiokit.tables import (
    ALL_LABELS,
    all_labels_caption,
    all_labels_table,
    label_report_caption,
    label_report_table,
    threshold_caption,
    threshold_table,
)

MANY_LABELS = 12  # a panel a label no longer fits a page; the tables hold the same numbers
_DECISIONS = {
    "roc": plots.plot_roc,
    "calibration": plots.plot_calibration,
    "thresholds": plots.plot_thresholds,
}


def list_label_figures(run, place):
    """Name of each figure of a classifier, and the function without arguments that draws it.

    When to use: when everything of a record is drawn again. Shown is the classifier that is the
    best on validation, slices and exams each by themselves (of exams the ROC and the worklist);
    the curves of training are of each.

    Args:
        run: a `record.Run`.
        place: the record's folder and the language, the first arguments of every figure.

    Returns:
        A dict; empty where the record holds no classifier.
    """
    figures = _list_many_label_figures(run, place)
    for level, model in _classifiers(run).items():
        shown = {"model": model, "level": level}
        if level == "exams":
            figures["roc_exams"] = partial(plots.plot_roc, *place, **shown)
            continue
        if len(labels_of(run.classified(level))) > MANY_LABELS:
            figures["confusions"] = partial(plots.plot_confusions, *place, **shown)
            continue
        for name, plot in _DECISIONS.items():
            figures[name] = partial(plot, *place, **shown)
        for rule in _first_and_last(_rules(run, model, level)):
            name = "confusions" + ("" if rule == HALF["rule"] else f"_{rule}")
            figures[name] = partial(plots.plot_confusions, *place, **shown, rule=rule)
    if _has_worklist(run):
        figures["worklist"] = partial(plots.plot_worklist, *place)
    if run.class_maps():
        figures["class_activation"] = partial(plots.plot_class_activation, *place)
    for model in run.label_histories():
        name = f"label_curves_{safe_name(model)}"
        figures[name] = partial(plots.plot_label_curves, *place, model=model)
    return figures


def _list_many_label_figures(run, place):
    """Images a label, scores a label of each model and of all, coverage and risk."""
    figures = {}
    if (run.folder / "label_counts.csv").is_file():
        figures["label_counts"] = partial(plots.plot_label_counts, *place)
    if not _has_all_labels(run):
        return figures
    for model in models_with(run.classified(), "probability"):
        name = f"label_scores_{safe_name(model)}"
        figures[name] = partial(plots.plot_label_bars, *place, model=model)
    for metric in ("accuracy", "f1"):
        name = f"label_comparison_{metric}"
        figures[name] = partial(plots.plot_label_comparison, *place, metric=metric)
    return figures | {"coverage_risk": partial(plots.plot_coverage_risk, *place)}


def _has_all_labels(run):
    """Whether scores of all labels together were written, as for a set of many labels."""
    return any(row.get("structure") == ALL_LABELS for row in run.metrics["scores"])


def list_label_tables(run):
    """Name of each table of a classifier, and the function that makes its frame and caption.

    When to use: beside `list_label_figures`.

    Args:
        run: a `record.Run`.

    Returns:
        A dict; empty where the record holds no classifier.
    """

    def report(model, rule, level):
        frame = label_report_table(run.folder, model, rule=rule, level=level)
        return frame, label_report_caption(run, model, rule=rule)

    def thresholds(model, level):
        return threshold_table(run.folder, model, level=level), threshold_caption(run, model)

    tables = {}
    if _has_all_labels(run):
        tables["all_labels"] = lambda: (all_labels_table(run.folder), all_labels_caption(run))
    for level, model in _classifiers(run).items():
        ending = "" if level == "slices" else f"_{level}"
        tables[f"thresholds{ending}"] = partial(thresholds, model, level)
        for rule in _rules(run, model, level):
            name = f"label_report{ending}" + ("" if rule == HALF["rule"] else f"_{rule}")
            tables[name] = partial(report, model, rule, level)
    return tables


def _classifiers(run):
    """Level to the classifier shown, of the levels that have one with scores."""
    found = {}
    for level, name in (("slices", "cases.csv"), ("exams", "exams.csv")):
        metrics = {row["metric"] for row in run.metrics["scores"]}
        if (run.folder / name).is_file() and f"{LEVELS[level]}auc" in metrics:
            if models_with(run.classified(level), "probability"):
                found[level] = best_classifier(run, level)
    return found


def _rules(run, model, level):
    return list(dict.fromkeys(run.thresholds(model, level)["rule"]))


def _first_and_last(rules):
    """0.5, and the last one chosen: with `choose_thresholds` the one for a stated sensitivity."""
    return list(dict.fromkeys([rules[0], rules[-1]]))


def _has_worklist(run):
    """Whether some test exam is positive, so that a share of them can be found."""
    if not (run.folder / "exams.csv").is_file() or "any" not in labels_of(run.exams()):
        return False
    tested = main_study(run.exams(), "test")
    known = [known_label(tested[tested["model"] == model], "any") for model in set(tested["model"])]
    return bool(known) and all((rows["truth"] == 1).any() for rows in known)
