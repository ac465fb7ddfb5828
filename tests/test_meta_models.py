"""Meta-models against scikit-learn's logistic regression and XGBoost's own predictions."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from radiokit.meta_models import fit_meta_model, predict_meta_model


def one_label(num_cases=300, num_positives=60, seed=0):
    """Three networks, the first the best: probabilities (N, 3) and truth (N,)."""
    generator = np.random.default_rng(seed)
    truth = np.arange(num_cases) < num_positives
    noise = generator.normal(size=(num_cases, 3)) * [1, 2, 4]
    return expit(3 * (2 * truth[:, None] - 1) + noise - 1), truth.astype(int)


def log_odds(probabilities):
    clipped = np.clip(probabilities, 0.0001, 0.9999)
    return np.log(clipped / (1 - clipped))


def test_the_logistic_numbers_are_those_of_scikit_learn():
    probabilities, truth = one_label()
    model = fit_meta_model("logistic", probabilities, truth)
    reference = LogisticRegression(solver="lbfgs", tol=1e-10, max_iter=1000)  # another solver
    reference.fit(log_odds(probabilities), truth)
    np.testing.assert_allclose(model.coefficients, reference.coef_[0], atol=1e-4)
    assert model.intercept == pytest.approx(reference.intercept_[0], abs=1e-4)
    ours = predict_meta_model(model, probabilities)
    theirs = reference.predict_proba(log_odds(probabilities))[:, 1]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_at_the_logistic_numbers_the_penalised_loss_has_no_slope():
    probabilities, truth = one_label(seed=3)
    model = fit_meta_model("logistic", probabilities, truth)
    inputs = log_odds(probabilities)
    excess = expit(inputs @ model.coefficients + model.intercept) - truth
    slopes = [*(inputs.T @ excess + model.coefficients), excess.sum()]
    np.testing.assert_allclose(slopes, 0, atol=1e-5)


def test_the_trees_answer_as_xgboost_does():
    import xgboost

    probabilities, truth = one_label()
    settings = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.3, "base_score": 0.5}
    settings |= {"tree_method": "exact", "nthread": 1}
    reference = xgboost.train(settings, xgboost.DMatrix(probabilities, truth), 50)
    unseen, _ = one_label(seed=1)
    ours = predict_meta_model(fit_meta_model("xgboost", probabilities, truth), unseen)
    np.testing.assert_allclose(ours, reference.predict(xgboost.DMatrix(unseen)), atol=1e-6)


def test_a_tree_asks_and_ends_in_leaves():
    probabilities, truth = one_label()
    for tree in fit_meta_model("xgboost", probabilities, truth).trees:
        nodes = np.arange(len(tree.value))
        is_leaf = np.array(tree.left) == nodes
        assert np.array_equal(is_leaf, np.array(tree.right) == nodes)
        assert np.all(np.array(tree.value)[~is_leaf] == 0)
        assert len(nodes) <= 7  # of depth 2


@pytest.mark.parametrize("method", ["logistic", "xgboost"])
def test_a_better_network_counts_more_and_unseen_cases_are_told_better_than_by_the_mean(method):
    unseen, unseen_truth = one_label(2000, 400, seed=9)
    joined = predict_meta_model(fit_meta_model(method, *one_label()), unseen)

    def log_loss(answers):
        return -np.mean(np.log(np.where(unseen_truth == 1, answers, 1 - answers)))

    assert log_loss(joined) < 0.8 * log_loss(unseen.mean(axis=1))


def test_a_label_with_three_positives_in_four_hundred_can_still_be_called():
    probabilities, truth = one_label(400, 3)
    model = fit_meta_model("logistic", probabilities, truth)
    certain = np.full((1, 3), 0.999)
    assert predict_meta_model(model, certain)[0] > 0.5
    on_probabilities = LogisticRegression().fit(probabilities, truth)
    assert on_probabilities.predict_proba(certain)[0, 1] < 0.5


@pytest.mark.parametrize("method", ["logistic", "xgboost"])
def test_probabilities_of_exactly_0_and_1_are_no_trouble(method):
    truth = np.tile([0, 1], 50)
    probabilities = np.stack([truth, 1 - truth, np.zeros(100)], axis=1).astype(float)
    joined = predict_meta_model(fit_meta_model(method, probabilities, truth), probabilities)
    np.testing.assert_array_equal(joined > 0.5, truth == 1)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("method", ["logistic", "xgboost"])
def test_of_one_truth_alone_the_mean_is_taken(method, value):
    probabilities, _ = one_label(10)
    model = fit_meta_model(method, probabilities, np.full(10, value))
    assert model.kind == "mean"
    np.testing.assert_allclose(
        predict_meta_model(model, probabilities), probabilities.sum(axis=1) / 3
    )


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"method is 'forest'; needed is one of \('logistic'"):
        fit_meta_model("forest", *one_label(10))
