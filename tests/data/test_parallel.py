"""Work on many items: all of them, once, wherever it is done."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from radiokit.data.parallel import map_chunks


def squares(numbers):
    return [number**2 for number in numbers]


def whose(numbers):
    return [os.getpid()] * len(numbers)


def fail(numbers):
    raise ValueError(f"no square of {numbers[0]}")


def end(numbers):
    os._exit(1)


def flat(chunks):
    return sorted(value for chunk in chunks for value in chunk)


@pytest.mark.parametrize("count", [0, 1, 199, 700])
def test_every_item_is_done_once(count):
    done = flat(map_chunks(squares, range(count), progress=False, chunk_size=50))
    assert done == [number**2 for number in range(count)]


def test_few_items_stay_in_this_process_and_many_leave_it():
    assert set(flat(map_chunks(whose, range(199), progress=False))) == {os.getpid()}
    assert os.getpid() not in flat(map_chunks(whose, range(200), progress=False))


def test_a_given_executor_is_used_for_few_items_too_and_stays_open():
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            assert flat(map_chunks(squares, range(5), pool, False, 2)) == [0, 1, 4, 9, 16]


def test_spawned_processes_do_the_work():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        lengths = list(map_chunks(len, range(5), pool, False, 3))
    assert sorted(lengths) == [2, 3]


def test_an_error_of_the_work_is_raised():
    with pytest.raises(ValueError, match="no square of 0"):
        list(map_chunks(fail, range(3), progress=False))


def test_a_process_that_ends_says_what_to_do():
    with pytest.raises(RuntimeError, match="__name__ == '__main__'"):
        list(map_chunks(end, range(200), progress=False))


def test_stopping_early_leaves_no_work_behind():
    done = []

    def work(numbers):
        time.sleep(0.005)
        done.append(numbers)

    with ThreadPoolExecutor(1) as pool:
        chunks = map_chunks(work, range(1000), pool, False, 1)
        next(chunks)
        chunks.close()
    assert len(done) < 500
