"""Tests of the hyper-parameter search: three short trainings on noise, broken and resumed."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from radiokit.data.batches import make_batches
from radiokit.losses import DiceCrossEntropyLoss
from radiokit.models import build_unet
from radiokit.search import search_hyperparameters

SPACE = {"learning_rate": (1e-4, 1e-2), "batch_size": (2, 4), "dropout": (0.0, 0.2)}
COLUMNS = ["trial", "learning_rate", "batch_size", "dropout", "val_loss", "val_dice", "seconds"]


def read(row):
    generator = np.random.default_rng(row["number"])
    image = generator.random((16, 16, 1)).astype(np.float32)
    return image, np.concatenate([image < 0.5, image >= 0.5], axis=-1).astype(np.float32)


def batches(numbers, batch_size):
    names = [f"case{number}" for number in numbers]
    table = pd.DataFrame({"case_id": names, "image": names, "number": list(numbers)})
    return make_batches(table, read, batch_size, cache="memory")


def pair(batch_size):
    return batches(range(4), batch_size), batches(range(4, 6), batch_size)


def build(dropout):
    return build_unet((16, 16, 1), 2, (4, 8), dropout=dropout)


def search(folder, *, build=build, make_pair=pair, space=SPACE, loss=None, **numbers):
    numbers = {"num_trials": 3, "epochs": 1} | numbers
    loss = loss or DiceCrossEntropyLoss()
    return search_hyperparameters(build, make_pair, folder, space=space, loss=loss, **numbers)


class Killed(BaseException):
    """As a kill or a keyboard interrupt: no `except Exception` sees it."""


def pair_that_breaks(at, error):
    """make_pair that raises at its n-th call, and the batch sizes it was called with."""
    calls = []

    def make_pair(batch_size):
        calls.append(batch_size)
        if len(calls) == at:
            raise error
        return pair(batch_size)

    return make_pair, calls


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, search(folder)


def without_seconds(table):
    return table.drop(columns="seconds")


def test_three_trials_come_back_best_first(unbroken):
    _, table = unbroken
    assert list(table) == COLUMNS
    assert sorted(table["trial"]) == [0, 1, 2]
    assert table["val_loss"].is_monotonic_increasing
    assert table["learning_rate"].between(1e-4, 1e-2).all()
    assert table["learning_rate"].nunique() == 3
    assert set(table["batch_size"]) <= {2, 4} and set(table["dropout"]) <= {0.0, 0.2}
    assert (table["seconds"] > 0).all()


def test_every_trial_is_an_ordinary_training_with_its_history(unbroken):
    folder, table = unbroken
    for row in table.itertuples():
        trial = folder / "trials" / f"trial_{row.trial}"
        history = pd.read_csv(trial / "history.csv")
        assert history["val_loss"].min() == pytest.approx(row.val_loss)
        assert history["val_dice"][history["val_loss"].idxmin()] == pytest.approx(row.val_dice)
        assert (trial / "best.weights.h5").exists()


def test_a_trial_does_not_depend_on_those_before_it(unbroken, tmp_path):
    _, table = unbroken
    last = table.set_index("trial").loc[2]
    space = {
        "learning_rate": (last["learning_rate"], last["learning_rate"]),
        "batch_size": (last["batch_size"],),
        "dropout": (last["dropout"],),
    }
    alone = search(tmp_path, space=space, num_trials=1)
    assert alone["val_loss"][0] == pytest.approx(last["val_loss"], rel=1e-3)


def test_a_search_killed_in_its_second_trial_goes_on_there(unbroken, tmp_path, capsys):
    make_pair, calls = pair_that_breaks(2, Killed())
    with pytest.raises(Killed):
        search(tmp_path, make_pair=make_pair)
    first = tmp_path / "trials" / "trial_0" / "history.csv"
    written = first.stat().st_mtime_ns
    capsys.readouterr()
    table = search(tmp_path, make_pair=make_pair)
    assert capsys.readouterr().out == ""
    assert len(calls) == 4  # trial 0, broken trial 1, trial 1 again, trial 2
    assert first.stat().st_mtime_ns == written
    pd.testing.assert_frame_equal(
        without_seconds(table), without_seconds(unbroken[1]), rtol=1e-3, check_dtype=False
    )


def test_a_search_killed_in_its_first_trial_draws_the_same_values_again(unbroken, tmp_path):
    make_pair, calls = pair_that_breaks(1, Killed())
    with pytest.raises(Killed):
        search(tmp_path, make_pair=make_pair)
    table = search(tmp_path, make_pair=make_pair, num_trials=1)
    same = unbroken[1].query("trial == 0")
    assert table["learning_rate"][0] == same["learning_rate"].item()
    assert calls == 2 * [same["batch_size"].item()]


def test_a_finished_search_trains_nothing_again_and_more_trials_go_on(tmp_path):
    make_pair, calls = pair_that_breaks(0, None)
    two = search(tmp_path, make_pair=make_pair, num_trials=2)
    again = search(tmp_path, make_pair=make_pair, num_trials=2)
    pd.testing.assert_frame_equal(two, again)
    three = search(tmp_path, make_pair=make_pair, num_trials=3)
    assert len(calls) == 3 and len(three) == 3


def test_one_network_serves_all_trials_of_a_dropout(tmp_path):
    built = []

    def build_and_count(dropout):
        built.append(dropout)
        return build(dropout)

    search(tmp_path, build=build_and_count, space=SPACE | {"dropout": (0.1,)}, num_trials=2)
    assert built == [0.1]


def test_a_failing_training_stops_the_search_and_names_its_values(tmp_path):
    make_pair, _ = pair_that_breaks(2, ValueError("no such file"))
    with pytest.raises(RuntimeError, match="Trial 1 with .*learning_rate.*no such file") as caught:
        search(tmp_path, make_pair=make_pair)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "finished trials are kept" in str(caught.value)
    assert len(search(tmp_path)) == 3


class Diverged(keras.losses.Loss):
    """A loss that is never a number."""

    def call(self, y_true, y_pred):
        return ops.sum(y_pred * float("nan"), axis=(1, 2, 3))


def test_a_diverged_training_has_an_infinite_loss_and_stops_nothing(tmp_path):
    assert np.isinf(search(tmp_path, loss=Diverged(), num_trials=2)["val_loss"]).all()


def test_an_exhausted_space_gives_fewer_trials(tmp_path):
    space = {"learning_rate": (1e-3, 1e-3), "batch_size": (4,), "dropout": (0,)}
    assert len(search(tmp_path, space=space, num_trials=3)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"epochs": 2},
        {"seed": 1},
        {"loss": DiceCrossEntropyLoss(squared_denominator=True)},
        {"space": SPACE | {"batch_size": (2,)}},
    ],
)
def test_a_folder_of_another_search_is_refused(unbroken, other):
    folder, _ = unbroken
    with pytest.raises(ValueError, match="another space, epochs, loss or seed.*another folder"):
        search(folder, **other)
    assert json.loads((folder / "search.json").read_text(encoding="utf-8"))["epochs"] == 1


def test_another_seed_draws_other_values(unbroken, tmp_path):
    other = search(tmp_path, seed=1, num_trials=1)
    assert other["learning_rate"][0] not in set(unbroken[1]["learning_rate"])


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rate": (1e-4, 1e-2)}, "needed are values of learning_rate, batch_size"),
        (SPACE | {"dropout": ()}, "needed are values of"),
        (SPACE | {"width": (8,)}, "needed are values of"),
        (SPACE | {"learning_rate": (1e-2, 1e-4)}, "the lowest and the highest"),
        (SPACE | {"learning_rate": (0, 1e-4)}, "both above 0"),
        (SPACE | {"learning_rate": (1e-4, 1e-3, 1e-2)}, "the lowest and the highest"),
        (SPACE | {"batch_size": (0, 2)}, "whole numbers from 1"),
        (SPACE | {"batch_size": (2.5,)}, "whole numbers from 1"),
        (SPACE | {"dropout": (1.0,)}, "from 0 to below 1"),
    ],
)
def test_a_space_with_other_values_raises(space, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        search(tmp_path, space=space)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [{"num_trials": 0}, {"epochs": 0}, {"seed": -1}])
def test_other_numbers_raise(number, tmp_path):
    with pytest.raises(ValueError, match="must be 1 or more and the seed 0 or more"):
        search(tmp_path, **number)
