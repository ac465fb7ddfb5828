import json
import pickle
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from radiokit.ensembles import fit_stacking, load_stacking, predict_stacking, save_stacking


def cases(shares=(0.4, 0.15), seed=0):
    """Three networks on 120 images of 40 patients: (N, 3, L), (N, L), (N,)."""
    generator = np.random.default_rng(seed)
    truth = (np.arange(120)[:, None] % 40 < 40 * np.array(shares)).astype(int)
    noise = generator.normal(size=(120, 3, len(shares))) * [[1], [2], [3]]
    patients = [f"patient{number % 40:03}" for number in range(120)]
    return expit(3 * (2 * truth[:, None] - 1) + noise), truth, patients


@pytest.mark.parametrize("method", ["logistic", "xgboost"])
def test_a_saved_stacking_reloads_and_predicts_the_same(method, tmp_path):
    probabilities, truth, groups = cases(shares=(0.4, 0.15, 0.0))
    stacking = fit_stacking(probabilities, truth, groups, method)
    path = save_stacking(tmp_path / "models" / "stacking.json", stacking)
    again = load_stacking(path)
    unseen, _, _ = cases(seed=5, shares=(0.4, 0.15, 0.0))
    ours, theirs = predict_stacking(again, unseen), predict_stacking(stacking, unseen)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    assert again.models == stacking.models
    assert (again.method, again.out_of_fold) == (method, None)
    assert [file.name for file in path.parent.iterdir()] == ["stacking.json"]
    assert "patient" not in path.read_text(encoding="utf-8")


class Pickled:
    def __reduce__(self):
        return pytest.fail, ("a pickle was run",)


@cache
def fitted(method):
    return fit_stacking(*cases(), method)


def saved(tmp_path, method):
    path = save_stacking(tmp_path / "stacking.json", fitted(method))
    return path, json.loads(path.read_text(encoding="utf-8"))


def test_what_is_no_stacking_is_refused_and_no_pickle_is_run(tmp_path):
    path, _ = saved(tmp_path, "xgboost")
    whole = path.read_bytes()
    foreign = [pickle.dumps(Pickled()), b"", b"[1, 2]", b'{"learner": {}}', whole[:-200]]
    foreign += [b"[" * 100_000, whole.replace(b"stacking 1", b"stacking 9")]
    for bytes_there in foreign:
        path.write_bytes(bytes_there)
        with pytest.raises(ValueError, match="is no stacking of radiokit .*Give a file that save_"):
            load_stacking(path)
    with pytest.raises(FileNotFoundError, match="There is no file .*Write one with save_stacking"):
        load_stacking(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("left", 100),
        ("left", 0),
        ("right", -1),
        ("right", True),
        ("network", 3),
        ("network", 0.5),
        ("value", float("nan")),
        ("threshold", "0.1"),
        ("threshold", 10**400),
    ],
)
def test_a_tree_that_leads_nowhere_is_refused(part, wrong, tmp_path):
    path, content = saved(tmp_path, "xgboost")
    content["models"][0]["trees"][0][part][0] = wrong
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="is no stacking of radiokit"):
        load_stacking(path)


@pytest.mark.parametrize("wrong", [[], [0], None, 7])
def test_a_tree_with_missing_nodes_is_refused(wrong, tmp_path):
    path, content = saved(tmp_path, "xgboost")
    content["models"][0]["trees"][0]["network"] = wrong
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="is no stacking of radiokit"):
        load_stacking(path)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "forest"},
        {"kind": "mean"},
        {"kind": ["logistic"]},
        {"coefficients": [1.0]},
        {"coefficients": [1.0, 2.0, None]},
        {"intercept": float("inf")},
        {"trees": 3},
    ],
)
def test_a_label_with_other_numbers_than_its_kind_has_is_refused(change, tmp_path):
    path, content = saved(tmp_path, "logistic")
    content["models"][1] |= change
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="is no stacking of radiokit"):
        load_stacking(path)


@pytest.mark.parametrize("change", [{"models": []}, {"num_networks": "3"}, {"method": "mean"}])
def test_a_file_with_another_head_is_refused(change, tmp_path):
    path, content = saved(tmp_path, "logistic")
    path.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(ValueError, match="is no stacking of radiokit"):
        load_stacking(path)
