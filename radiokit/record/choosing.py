"""Which model and which cases are shown: chosen on validation, never on the test shown."""

import pandas as pd

from radiokit.record.cases import LEVELS, main_study, models_with, structures_of


def best_on_validation(cases, structure=None) -> tuple[str, float]:
    """The model with the highest mean validation Dice, and that Dice.

    When to use: to choose what a figure shows; the test split never chooses.

    Args:
        cases: `Run.cases()`.
        structure: one structure, or None for the mean of all.

    Returns:
        Model name and Dice.

    Raises:
        ValueError: no validation Dice in the table.
    """
    validation = main_study(cases, "validation")
    names = structures_of(cases) if structure is None else [structure]
    columns = [f"dice_{name}" for name in names if f"dice_{name}" in validation]
    means = validation.groupby("model", sort=True)[columns].mean().mean(axis=1).dropna()
    if means.empty:
        raise ValueError(
            f"No model has a validation Dice of {structure or 'any structure'}; the best model "
            "is chosen on validation, never on the test shown. Write its rows to cases.csv."
        )
    return means.idxmax(), float(means.max())


def best_classifier(run, level="slices") -> str:
    """The classifier with the highest mean validation AUC over its labels.

    When to use: to choose what a figure shows; the test split never chooses.

    Args:
        run: a `Run`.
        level: `"slices"` or `"exams"`.

    Returns:
        The model's name; of a single classifier without asking for its validation.

    Raises:
        ValueError: no classifier, or several and no validation AUC.
    """
    models = models_with(run.classified(level), "probability")
    if len(models) == 1:
        return models[0]
    scores = pd.DataFrame(run.metrics["scores"], columns=["model", "split", "metric", "estimate"])
    is_mine = scores["model"].isin(models) & (scores["split"] == "validation")
    is_mine &= scores["metric"] == f"{LEVELS[level]}auc"
    means = scores[is_mine].astype({"estimate": float}).groupby("model")["estimate"].mean().dropna()
    if means.empty:
        raise ValueError(
            f"{run.folder} has no validation AUC of {level} to choose among "
            f"{', '.join(models) or 'no classifier'}; the best is chosen on validation, never on "
            "the test shown. Write the rows of score_labels, or name a model."
        )
    return means.idxmax()


def worst_cases(run, model=None, num_cases=5, dataset=None):
    """The test rows with the lowest mean Dice of one model, worst first.

    When to use: for the worst-cases figure and its table.

    Args:
        run: a `Run`.
        model: by default the one with the highest mean validation Dice.
        num_cases: how many.
        dataset: of one data set only; None takes all.

    Returns:
        Rows of `cases.csv`; the mean is over the structures the case has a truth of.

    Raises:
        ValueError: no scored test case.
    """
    cases = run.cases()
    model = model or best_on_validation(cases)[0]
    test = main_study(cases, "test")
    test = test[test["model"] == model]
    if dataset is not None:
        test = test[test["dataset"] == dataset]
    mean_dice = test[[f"dice_{name}" for name in structures_of(test)]].mean(axis=1).dropna()
    if mean_dice.empty:
        raise ValueError(f"{run.folder / 'cases.csv'} has no scored test case of {model!r}.")
    return test.loc[mean_dice.sort_values(kind="stable").index[:num_cases]]
