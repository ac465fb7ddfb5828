import numpy as np
import pandas as pd
import pytest

from radiokit.recipes.neighbours import average_neighbours, exam_of, order_slices


def names(*patients, numbers=range(1, 11), pattern="{}_{}.png"):
    return [pattern.format(patient, number) for patient in patients for number in numbers]


def test_the_tables_slice_numbers_come_first():
    table = pd.DataFrame(
        {"image": ["x.png", "y.png"], "patient_id": [7, 7], "slice_index": [2.0, 1.0]}
    )
    order = order_slices(table)
    assert order["series"].tolist() == ["7", "7"] and order["place"].tolist() == [2, 1]


def test_an_exam_is_its_own_series_and_a_nameless_one_its_patient():
    table = pd.DataFrame({"patient_id": ["a", "a", "b", "c"], "exam_id": ["1", "2", "", None]})
    assert exam_of(table).tolist() == ["1", "2", "b", "c"]
    assert exam_of(table[["patient_id"]]).tolist() == ["a", "a", "b", "c"]


@pytest.mark.parametrize("pattern", ["{}_{}.png", "{}/{}.jpg", "head {} slice{:03}.png"])
def test_names_that_count_give_the_order(pattern):
    images = names("a", "b", pattern=pattern)
    table = pd.DataFrame({"image": images, "patient_id": ["a"] * 10 + ["b"] * 10})
    order = order_slices(table.sample(frac=1, random_state=0)).sort_index()
    assert order["place"].tolist() == [*range(1, 11)] * 2
    assert order["series"].nunique() == 2


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"image": names("a", "b", numbers=range(1, 5))}),  # short: films, not slices
        pd.DataFrame({"image": names("a", numbers=range(1, 100, 7))}),  # full of gaps
        pd.DataFrame({"image": [f"ID_{n:x}c{n % 3}.png" for n in range(900, 960)]}),
        pd.DataFrame({"image": [*names("a"), "scout.png"]}),
        pd.DataFrame({"image": names(""), "patient_id": range(10)}),  # a number a patient
        pd.DataFrame({"image": ["1.png", "01.png"] * 5}),  # a number twice
    ],
)
def test_other_names_give_no_order(table):
    assert order_slices(table) is None


def test_neighbours_are_those_of_the_same_series_in_its_order():
    order = pd.DataFrame({"series": list("abab"), "place": [2, 9, 1, 3]}, index=[5, 6, 7, 8])
    logits = np.array([[10.0], [100.0], [0.0], [0.0]])
    averaged = average_neighbours(logits, order, 0.1).ravel()
    # a: 0, 10 and b: 0, 100; an end stands in for its missing neighbour
    np.testing.assert_allclose(averaged, [0.9 * 10 + 0.1 * 0, 90.0, 0.9 * 0 + 0.1 * 10, 10.0])


def test_without_an_order_or_a_share_nothing_changes():
    logits = np.random.default_rng(0).normal(size=(5, 2))
    order = pd.DataFrame({"series": "a", "place": range(5)})
    np.testing.assert_array_equal(average_neighbours(logits, None, 0.3), logits)
    np.testing.assert_array_equal(average_neighbours(logits, order, 0.0), logits)
