"""How the probabilities that several networks give one label become one probability.

A meta-model is numbers only, so that it can be printed, written as text and read again without
running anything that a file says. The trees are learned by XGBoost and walked here: its own loader
takes a wrong file for memory addresses.
"""

import json
from dataclasses import dataclass

import numpy as np
from scipy import special

METHODS = ("logistic", "xgboost")
CERTAIN = 1e-4  # probabilities closer to 0 or 1 are taken as this close: log-odds within 9.2
NUM_TREES, TREE_DEPTH, TREE_STEP = 50, 2, 0.3


@dataclass(frozen=True)
class Tree:
    """A decision tree over the networks' probabilities of one label.

    Each is a tuple with one entry a node; node 0 is the root. At a node, a case whose probability
    by `network` is below `threshold` goes on to node `left`, any other to node `right`; a leaf
    goes on to itself. `value` is what a leaf adds to the log-odds, 0 elsewhere.
    """

    network: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


@dataclass(frozen=True)
class MetaModel:
    """What joins the networks' probabilities of one label.

    `kind` is "mean", which has no numbers; "logistic", with a coefficient a network, which
    multiplies its log-odds, and an intercept; or "xgboost", with trees.
    """

    kind: str
    coefficients: tuple[float, ...] = ()
    intercept: float = 0.0
    trees: tuple[Tree, ...] = ()


def fit_meta_model(method: str, probabilities: np.ndarray, truth: np.ndarray) -> MetaModel:
    """Learn to join the networks' probabilities of one label.

    When to use: through `radiokit.ensembles.fit_stacking`, which learns and tests on different
    patients.

    `"logistic"` is scikit-learn's logistic regression with its default penalty (C = 1) on the
    log-odds log(p / (1 - p)), of p clipped to 0.0001..0.9999. On probabilities themselves, which
    reach no further than 1, the penalty keeps a label with three positives in four hundred below
    0.5 for ever. `"xgboost"` is 50 trees of depth 2 on the probabilities, step 0.3, started from
    probability 0.5; a leaf needs a Hessian of 1, so four positives at the start.

    Args:
        method: `"logistic"` or `"xgboost"`.
        probabilities: (N, M) of M networks, 0..1.
        truth: (N,) of 0 and 1.

    Returns:
        A MetaModel of this kind, or of kind "mean" where the truth is only one of 0 and 1.

    Raises:
        ValueError: an unknown method.

    Paper: Wolpert 1992, Stacked generalization, Neural Networks 5; Chen and Guestrin 2016,
    XGBoost, https://arxiv.org/abs/1603.02754

    Example:
        >>> votes = np.array([[0.1, 0.4], [0.2, 0.7], [0.9, 0.3], [0.8, 0.6]])
        >>> model = fit_meta_model("logistic", votes, np.array([0, 0, 1, 1]))
        >>> model.coefficients[0] > model.coefficients[1]  # the first network tells, not the second
        True
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; needed is one of {METHODS}.")
    if len(np.unique(truth)) < 2:
        return MetaModel("mean")
    fit = _fit_logistic if method == "logistic" else _fit_trees
    return fit(probabilities, truth)


def predict_meta_model(model: MetaModel, probabilities: np.ndarray) -> np.ndarray:
    """The joint probability of one label.

    When to use: through `radiokit.ensembles.predict_stacking`.

    Args:
        model: from `fit_meta_model`.
        probabilities: (N, M), 0..1, the networks in the same order.

    Returns:
        (N,) float64, 0..1.
    """
    if model.kind == "mean":
        return probabilities.mean(axis=1)
    if model.kind == "logistic":
        log_odds = _log_odds(probabilities) @ np.array(model.coefficients) + model.intercept
    else:
        single = probabilities.astype(np.float32)  # as the trees were learned
        log_odds = sum(_walk(tree, single) for tree in model.trees)
    return special.expit(log_odds)


def _fit_logistic(probabilities, truth):
    from sklearn.linear_model import LogisticRegression

    # By Newton's method, which ends at the minimum itself for so few numbers.
    regression = LogisticRegression(solver="newton-cholesky", tol=1e-8)
    regression.fit(_log_odds(probabilities), truth)
    return MetaModel(
        "logistic", tuple(regression.coef_[0].tolist()), float(regression.intercept_[0])
    )


def _log_odds(probabilities):
    return special.logit(np.clip(probabilities, CERTAIN, 1 - CERTAIN))


def _fit_trees(probabilities, truth):
    import xgboost

    settings = {
        "objective": "binary:logistic",
        "base_score": 0.5,  # log-odds 0, so the trees are all there is
        "max_depth": TREE_DEPTH,
        "eta": TREE_STEP,
        "tree_method": "exact",
        "nthread": 1,  # so few cases are done before a second thread has started
    }
    cases = xgboost.DMatrix(probabilities.astype(np.float32), truth, nthread=1)
    learned = json.loads(xgboost.train(settings, cases, NUM_TREES).save_raw("json"))
    trees = learned["learner"]["gradient_booster"]["model"]["trees"]
    return MetaModel("xgboost", trees=tuple(_tree_of(tree) for tree in trees))


def _tree_of(content):
    """A tree as XGBoost writes it: -1 for a leaf's children, and its value as its threshold."""
    nodes = range(len(content["left_children"]))
    is_leaf = [child < 0 for child in content["left_children"]]
    numbers = content["split_conditions"]

    def children(side):
        return tuple(node if is_leaf[node] else content[side][node] for node in nodes)

    return Tree(
        network=tuple(content["split_indices"]),
        threshold=tuple(0.0 if is_leaf[node] else numbers[node] for node in nodes),
        left=children("left_children"),
        right=children("right_children"),
        value=tuple(numbers[node] if is_leaf[node] else 0.0 for node in nodes),
    )


def _walk(tree, probabilities):
    """What the tree adds to the log-odds of each case: (N, M) float32 to (N,)."""
    network, left, right = np.array(tree.network), np.array(tree.left), np.array(tree.right)
    threshold = np.array(tree.threshold, np.float32)
    cases, node = np.arange(len(probabilities)), np.zeros(len(probabilities), int)
    while True:
        goes_left = probabilities[cases, network[node]] < threshold[node]
        onward = np.where(goes_left, left[node], right[node])
        if np.array_equal(onward, node):
            return np.array(tree.value)[node]
        node = onward
