"""Tables of a classifier: its report beside the published one, and what each threshold gives."""

import pandas as pd

from radiokit import metrics, stats
from radiokit.record import answered_labels, best_classifier, label_arrays, read_run
from radiokit.tables.scoring import interval_of_row


def label_report_table(folder, model=None, split="test", rule="half", level="slices"):
    """Precision, recall, F1 and counts of every label, ours over the published ones.

    When to use: as the study's table of results. A recall of 1.00 on two positives and one of
    0.00 on nine say little: read the intervals. Ours come from resampling patients, the published
    ones are the exact intervals of their counts, since their patients are not known.

    Args:
        folder: the run's record.
        model: by default the best on validation.
        split: `"test"` or `"validation"`.
        rule: which thresholds: `"half"`, `"youden"`, `"sensitivity_0.95"`, as in the record.
        level: `"slices"` or `"exams"`.

    Returns:
        `label, source, precision, recall, f1, support, true_positives`: a row a label and source
        (`ours`, then `published` where the record has a published report), then the averages;
        precision and recall are `stats.Interval` wherever an interval is known.

    Raises:
        ValueError: no classifier, or no threshold of this rule.
    """
    run = read_run(folder)
    model = model or best_classifier(run, level)
    ours, published = _our_report(run, model, split, rule, level), run.published_report()
    rows = []
    for label, row in ours.iterrows():
        rows.append({"label": label, "source": "ours"} | row.to_dict())
        if label in published:
            rows.append({"label": label, "source": "published"} | _published_row(published[label]))
    return pd.DataFrame(rows, dtype=object)  # counts stay whole numbers beside a missing one


def threshold_table(folder, model=None, split="test", level="slices"):
    """Every label's thresholds with the sensitivity and specificity they give.

    When to use: to show that a label missed at 0.5 may be found at a threshold of its own.

    Args:
        folder: the run's record, with rows of `score_labels` in `metrics.json`.
        model: by default the best on validation.
        split: `"test"`; the thresholds themselves were chosen on validation.
        level: `"slices"` or `"exams"`.

    Returns:
        `label, rule, threshold, sensitivity, specificity, positives, negatives`, the two scores
        as `stats.Interval`.

    Raises:
        ValueError: no classifier, or no scores at a threshold.
    """
    run = read_run(folder)
    model = model or best_classifier(run, level)
    scores = run.scores_at_thresholds(model, split, level)
    rows = []
    for (label, rule), mine in scores.groupby(["structure", "rule"], sort=False):
        by_metric = mine.set_index("ratio")
        row = by_metric.iloc[0]
        rows.append(
            {"label": label, "rule": rule, "threshold": float(row["threshold"])}
            | {
                name: interval_of_row(by_metric.loc[name])
                for name in ("sensitivity", "specificity")
            }
            | {"positives": int(row["num_positives"]), "negatives": int(row["num_negatives"])}
        )
    return pd.DataFrame(rows)


def label_report_caption(run, model, split="test", rule="half") -> str:
    """The caption of `label_report_table`; it says what the published numbers are.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        model: as in the table.
        split: as in the table.
        rule: as in the table.

    Returns:
        Sentences in the run's language.
    """
    values = _caption_values(run, model, split) | {"rule": run.words.rule(rule)}
    caption = run.words.text("tables", "label_report", values)
    return f"{caption} {run.published_note}" if run.published_report() else caption


def threshold_caption(run, model, split="test") -> str:
    """The caption of `threshold_table`.

    When to use: for `save_table`.

    Args:
        run: a `record.Run`.
        model: as in the table.
        split: as in the table.

    Returns:
        A sentence in the run's language.
    """
    return run.words.text("tables", "thresholds", _caption_values(run, model, split))


def _our_report(run, model, split, rule, level):
    """Columns of the table from the cases; intervals from the scores where they were written."""
    truth, called, labels = _decisions(run, model, split, rule, level)
    report = metrics.classification_report(truth, called, labels)
    report = report.rename(columns={"tp": "true_positives"})
    report = report[["precision", "recall", "f1", "support", "true_positives"]].astype(object)
    report.loc[["macro avg", "weighted avg", "samples avg"], "true_positives"] = (
        None  # of no counts
    )
    scores = run.scores_at_thresholds(model, split, level)
    columns = {"precision": "precision", "sensitivity": "recall"}
    for _, row in scores[(scores["rule"] == rule) & scores["ratio"].isin(columns)].iterrows():
        report.at[row["structure"], columns[row["ratio"]]] = interval_of_row(row)
    return report


def _decisions(run, model, split, rule, level):
    """Truth and decision (N, labels), -1 where the truth is unknown, and the labels."""
    cases = run.classified(level)
    cases = cases[(cases["model"] == model) & (cases["split"] == split)]
    labels = answered_labels(cases)
    thresholds = run.thresholds(model, level)
    thresholds = thresholds[thresholds["rule"] == rule].set_index("label")["threshold"]
    labels = [label for label in labels if label in thresholds.index]
    if cases.empty or not labels:
        raise ValueError(
            f"{run.folder} has no {level} of {model!r} on the {split} split, or no threshold of "
            f"the rule {rule!r}; write both first."
        )
    truth, probabilities = label_arrays(cases, labels)
    return truth, (probabilities >= thresholds[labels].to_numpy()).astype(int), labels


def _published_row(row):
    """The printed numbers; precision and recall with the exact interval of their counts."""
    found, support = row["true_positives"], row["support"]
    columns = {name: row[name] for name in ("f1", "support", "true_positives")}
    precision = _with_interval(row["precision"], found, row["predicted"])
    return columns | {
        "precision": precision,
        "recall": _with_interval(row["recall"], found, support),
    }


def _with_interval(printed, successes, trials):
    if successes is None or not trials:
        return printed
    exact = stats.exact_interval(successes, trials)
    return stats.Interval(printed, exact.low, exact.high, exact.num_patients, 0, exact.kind)


def _caption_values(run, model, split):
    return {"model": run.words.name("models", model), "split": run.words.name("splits", split)}
