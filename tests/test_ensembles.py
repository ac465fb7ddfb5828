import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from radiokit.ensembles import fit_stacking, predict_stacking

METHODS = ["logistic", "xgboost"]


def cases(num_groups=40, copies=3, shares=(0.4, 0.15), seed=0):
    """Three networks on groups of equal cases: (N, 3, L), (N, L), (N,)."""
    generator = np.random.default_rng(seed)
    groups = np.repeat([f"patient{n:03}" for n in range(num_groups)], copies)
    truth = np.arange(num_groups)[:, None] < num_groups * np.array(shares)
    truth = np.repeat(generator.permuted(truth, axis=0), copies, axis=0).astype(int)
    noise = generator.normal(size=(len(groups), 3, len(shares))) * [[1], [2], [3]]
    return expit(3 * (2 * truth[:, None] - 1) + noise), truth, groups


def log_odds(probabilities):
    clipped = np.clip(probabilities, 0.0001, 0.9999)
    return np.log(clipped / (1 - clipped))


def test_no_group_straddles_two_folds_and_rare_positives_are_spread():
    probabilities, truth, groups = cases(num_groups=43, shares=(0.4, 0.12))
    folds = fit_stacking(probabilities, truth, groups).folds
    for label in range(2):
        for group in np.unique(groups):
            assert len(np.unique(folds[groups == group, label])) == 1
        for chosen in (groups != "", truth[:, label] == 1):
            of_fold = [len(np.unique(groups[chosen & (folds[:, label] == n)])) for n in range(5)]
            assert max(of_fold) - min(of_fold) <= 1


def test_out_of_fold_is_what_scikit_learn_says_after_learning_from_the_other_folds():
    probabilities, truth, groups = cases()
    stacking = fit_stacking(probabilities, truth, groups, num_folds=4)
    for label in range(2):
        inputs, wanted = log_odds(probabilities[:, :, label]), np.empty(len(groups))
        for fold in range(4):
            is_out = stacking.folds[:, label] == fold
            reference = LogisticRegression(tol=1e-10, max_iter=1000)
            reference.fit(inputs[~is_out], truth[~is_out, label])
            wanted[is_out] = reference.predict_proba(inputs[is_out])[:, 1]
        np.testing.assert_allclose(stacking.out_of_fold[:, label], wanted, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_final_models_learn_from_all_cases_one_label_at_a_time(method):
    probabilities, truth, groups = cases()
    both = fit_stacking(probabilities, truth, groups, method)
    second = fit_stacking(probabilities[:, :, 1:], truth[:, 1:], groups, method)
    assert both.models[1] == second.models[0]
    predicted = predict_stacking(both, probabilities)
    assert predicted.shape == truth.shape
    np.testing.assert_array_equal(
        predicted[:, 1:], predict_stacking(second, probabilities[:, :, 1:])
    )


def test_copies_in_one_group_do_not_tell_what_their_folds_were_to_guess():
    generator = np.random.default_rng(0)
    truth = np.repeat(generator.integers(0, 2, (60, 1)), 6, axis=0)  # six copies an image
    probabilities = np.repeat(generator.random((60, 3, 1)), 6, axis=0)  # which know nothing

    def told(groups):
        stacking = fit_stacking(probabilities, truth, groups, method="xgboost")
        return roc_auc_score(truth[:, 0], stacking.out_of_fold[:, 0])

    assert told(np.arange(360)) > 0.9  # every copy its own group: learned by heart
    assert told(np.arange(360) // 6) < 0.65


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_the_folds_and_nothing_else(method):
    probabilities, truth, groups = cases()
    first, again, other = (
        fit_stacking(probabilities, truth, groups, method, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.out_of_fold, again.out_of_fold)
    assert first.models == again.models == other.models
    assert not np.array_equal(first.folds, other.folds)


@pytest.mark.parametrize("method", METHODS)
def test_unknown_truths_are_left_out_of_learning_but_predicted(method):
    probabilities, truth, groups = cases()
    truth[:30, 0] = -1
    stacking = fit_stacking(probabilities, truth, groups, method)
    known = fit_stacking(probabilities[30:], truth[30:], groups[30:], method)
    assert stacking.models[0] == known.models[0]
    means = probabilities.mean(axis=1)
    assert not np.isclose(stacking.out_of_fold[:30, 0], means[:30, 0]).any()


@pytest.mark.parametrize("method", METHODS)
def test_labels_with_one_truth_or_one_group_of_it_are_the_mean_of_the_networks(method):
    probabilities, truth, groups = cases(shares=(0.4, 0.4, 0.4, 0.4))
    truth[:, 0], truth[:, 1], truth[:, 2] = 0, 1, groups == "patient007"
    stacking = fit_stacking(probabilities, truth, groups, method)
    assert [model.kind for model in stacking.models] == ["mean", "mean", "mean", method]
    means = probabilities.mean(axis=1)[:, :3]
    np.testing.assert_allclose(stacking.out_of_fold[:, :3], means)
    np.testing.assert_allclose(predict_stacking(stacking, probabilities)[:, :3], means)


def test_two_groups_with_a_positive_are_enough_to_learn_from():
    probabilities, truth, groups = cases(shares=(0.05,))
    stacking = fit_stacking(probabilities, truth, groups)
    assert truth.sum() == 6
    assert stacking.models[0].kind == "logistic"
    assert len(np.unique(stacking.folds[truth[:, 0] == 1])) == 2


def test_a_fold_whose_rest_has_one_truth_alone_is_the_mean_of_the_networks():
    truth, groups = np.array([[1], [0], [1], [0]]), ["mixed", "mixed", "positive", "negative"]
    probabilities = cases(num_groups=4, copies=1, shares=(0.5,))[0]
    stackings = [
        fit_stacking(probabilities, truth, groups, num_folds=2, seed=seed) for seed in range(20)
    ]
    # Where these two are left out together, what is left to learn from is positive.
    stacking = next(s for s in stackings if s.folds[0] == s.folds[3])
    is_out = stacking.folds[:, 0] == stacking.folds[0, 0]
    assert is_out.tolist() == [True, True, False, True]
    is_mean = np.isclose(stacking.out_of_fold, probabilities.mean(axis=1))[:, 0]
    np.testing.assert_array_equal(is_mean, is_out)


def test_tables_that_do_not_belong_together_are_refused():
    probabilities, truth, groups = cases()
    with pytest.raises(ValueError, match=r"shape \(120, 3\); needed is \(N, M, L\)"):
        fit_stacking(probabilities[:, :, 0], truth, groups)
    with pytest.raises(ValueError, match=r"shape \(120, 0, 2\); needed is \(N, M, L\)"):
        fit_stacking(probabilities[:, :0], truth, groups)
    with pytest.raises(ValueError, match=r"truth \(119, 2\), and there are 120 groups"):
        fit_stacking(probabilities, truth[1:], groups)
    with pytest.raises(ValueError, match="there are 119 groups; needed are"):
        fit_stacking(probabilities, truth, groups[1:])
    with pytest.raises(ValueError, match="Truth holds the value 2"):
        fit_stacking(probabilities, truth + 1, groups)
    with pytest.raises(ValueError, match=r"must lie in 0..1. Apply the sigmoid"):
        fit_stacking(log_odds(probabilities), truth, groups)


def test_missing_groups_too_few_groups_and_unknown_methods_are_refused():
    probabilities, truth, groups = cases()
    with pytest.raises(ValueError, match="1 cases have no group. Give each its patient"):
        fit_stacking(probabilities, truth, [None, *groups[1:]])
    with pytest.raises(ValueError, match="num_folds is 50 and there are 40 groups; needed are 2"):
        fit_stacking(probabilities, truth, groups, num_folds=50)
    for num_folds in (1, 2.5):
        with pytest.raises(ValueError, match=f"num_folds is {num_folds} and"):
            fit_stacking(probabilities, truth, groups, num_folds=num_folds)
    with pytest.raises(ValueError, match=r"method is 'mean'; needed is one of \('logistic'"):
        fit_stacking(probabilities, truth, groups, method="mean")


def test_a_stacking_of_other_networks_or_labels_is_refused():
    probabilities, truth, groups = cases()
    stacking = fit_stacking(probabilities, truth, groups)
    with pytest.raises(ValueError, match=r"joins 3 networks with 2 labels each, so needed is \(N"):
        predict_stacking(stacking, probabilities[:, :2])
