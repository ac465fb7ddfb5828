import numpy as np
import pandas as pd
import pytest

from radiokit.data import batches
from radiokit.data.augment import JointAugment
from radiokit.data.batches import make_batches


def table_of(number):
    names = [f"case{i:02}" for i in range(number)]
    return pd.DataFrame({"case_id": names, "image": names, "number": range(number)})


def read(row):
    image = np.full((8, 8, 1), row["number"] / 100, np.float32)
    image[:4] += 0.5
    return image, (image > 0.5).astype(np.float32)


def order_of(dataset):
    return [int(round(100 * float(image[-1, -1, 0]))) for x, _ in dataset for image in x.numpy()]


def test_without_a_seed_the_tables_order_is_kept():
    dataset = make_batches(table_of(7), read, 3)
    assert order_of(dataset) == list(range(7))
    assert int(dataset.cardinality()) == 3


def test_rows_do_not_carry_what_the_table_says_of_itself():
    seen, table = [], table_of(3)
    table.attrs = {"readings": ["a list that pandas would copy into every row"]}

    def noting(row):
        seen.append(row.attrs)
        return read(row)

    list(make_batches(table, noting, 3))
    assert seen and not any(seen) and table.attrs


def test_every_case_comes_once_a_pass():
    dataset = make_batches(table_of(11), read, 4, shuffle_seed=3)
    assert sorted(order_of(dataset)) == list(range(11))


def test_order_depends_on_seed_and_epoch_alone():
    first = make_batches(table_of(11), read, 4, shuffle_seed=3)
    epoch0 = order_of(first)
    assert order_of(first) == epoch0
    first.epoch.assign(1)
    epoch1 = order_of(first)
    assert epoch1 != epoch0
    other = make_batches(table_of(11), read, 4, shuffle_seed=3, cache="memory")
    other.epoch.assign(1)
    assert order_of(other) == epoch1
    assert order_of(make_batches(table_of(11), read, 4, shuffle_seed=4)) != epoch0


def test_augmentation_depends_on_seed_and_epoch_alone():
    def first_batch(epoch):
        made = make_batches(table_of(5), read, 5, augment=JointAugment(), shuffle_seed=0)
        made.epoch.assign(epoch)
        return next(iter(made))[0].numpy()

    np.testing.assert_array_equal(first_batch(2), first_batch(2))
    assert not np.array_equal(first_batch(2), first_batch(3))


def test_every_case_of_a_batch_gets_its_own_transform():
    same = table_of(4).assign(number=20)
    made = make_batches(same, read, 4, augment=JointAugment(), shuffle_seed=0)
    images = next(iter(made))[0].numpy()
    assert len({image.tobytes() for image in images}) == 4


@pytest.mark.parametrize("cache", [None, "memory", "folder"])
def test_caches_serve_the_same_arrays(cache, tmp_path):
    cache = tmp_path if cache == "folder" else cache
    for _ in range(2):  # the second time from the folder
        images, targets = next(iter(make_batches(table_of(6), read, 6, cache=cache)))
        expected = [read(row) for _, row in table_of(6).iterrows()]
        np.testing.assert_array_equal(images, np.stack([image for image, _ in expected]))
        np.testing.assert_array_equal(targets, np.stack([target for _, target in expected]))


def test_a_folder_cache_is_not_taken_for_another_reader(tmp_path):
    next(iter(make_batches(table_of(3), read, 3, cache=tmp_path)))

    def brighter(row):
        image, target = read(row)
        return image + 0.25, target

    images, _ = next(iter(make_batches(table_of(3), brighter, 3, cache=tmp_path)))
    assert images.numpy().max() > 0.75


def test_a_reader_that_fails_leaves_no_cache(tmp_path):
    def broken(row):
        if row["number"] == 2:
            raise ValueError("case02 is broken")
        return read(row)

    with pytest.raises(ValueError, match="case02 is broken"):
        make_batches(table_of(4), broken, 2, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_targets_may_be_a_dict():
    def read_both(row):
        image, target = read(row)
        return image, {"mask": target, "label": np.array([row["number"] % 2], np.float32)}

    for cache in (None, "memory"):
        _, targets = next(iter(make_batches(table_of(4), read_both, 4, cache=cache)))
        assert targets["mask"].shape == (4, 8, 8, 1)
        assert targets["label"].numpy()[:, 0].tolist() == [0, 1, 0, 1]


def test_errors_say_what_to_do(monkeypatch):
    with pytest.raises(ValueError, match="no rows"):
        make_batches(table_of(0), read, 2)
    mixed = table_of(2).assign(is_phantom=[True, False])
    with pytest.raises(ValueError, match="mixes phantom and real"):
        make_batches(mixed, read, 2)
    with pytest.raises(ValueError, match="give shuffle_seed"):
        make_batches(table_of(2), read, 2, augment=JointAugment())
    monkeypatch.setattr(batches, "MEMORY_LIMIT_BYTES", 1000)
    with pytest.raises(ValueError, match="pass a folder as cache"):
        make_batches(table_of(2), read, 2, cache="memory")
