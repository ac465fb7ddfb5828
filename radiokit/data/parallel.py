"""The same work on many files: in this process, in several, or on several machines."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext

from tqdm.auto import tqdm

_FEW = 200  # starting processes costs more than so many small files
_MOST_PROCESSES = 60  # Windows allows 61


def map_chunks(
    function: Callable,
    items: Sequence,
    executor: Executor | None = None,
    progress: bool = True,
    chunk_size: int = 250,
) -> Iterator:
    """Call a function on chunks of many items, and yield its results as they come.

    Use it for work on hundreds of files or more; fewer than 200 stay in this process. Stopping
    early (an error, Ctrl-C, a closed notebook) drops the chunks that have not begun.

    Args:
        function: of a module, not of a notebook; takes a list of items. What it takes and returns
            is sent between processes.
        items: what to work on, for instance paths.
        executor: any of `concurrent.futures`, which stays open: dask.distributed's
            `client.get_executor()` carries the work to many machines. None: processes here.
        progress: whether to show a bar of the items; it comes after a second of work.
        chunk_size: items a call.

    Yields:
        What `function` returned, in the order in which chunks end.

    Raises:
        RuntimeError: a process ended by itself, for want of memory or in an unguarded script.
    """
    chunks = [list(items[i : i + chunk_size]) for i in range(0, len(items), chunk_size)]
    is_little = executor is None and len(items) < _FEW
    results = _here(function, chunks) if is_little else _elsewhere(function, chunks, executor)
    with tqdm(total=len(items), unit="file", disable=not progress, delay=1, leave=False) as bar:
        for size, result in results:
            bar.update(size)
            yield result


def _here(function: Callable, chunks: list[list]) -> Iterator[tuple[int, object]]:
    for chunk in chunks:
        yield len(chunk), function(chunk)


def _elsewhere(
    function: Callable, chunks: list[list], executor: Executor | None
) -> Iterator[tuple[int, object]]:
    workers = max(1, min(len(chunks), os.cpu_count() or 1, _MOST_PROCESSES))
    own = ProcessPoolExecutor(workers) if executor is None else nullcontext(executor)
    with own as pool:
        sizes = {pool.submit(function, chunk): len(chunk) for chunk in chunks}
        try:
            for future in as_completed(sizes):
                yield sizes.pop(future), future.result()  # a result taken is let go
        except BrokenProcessPool as error:
            raise RuntimeError(
                "A process of the pool ended by itself. In a script, begin the work below "
                "`if __name__ == '__main__':`; else memory ran out: close other programs, or give "
                "an executor of fewer processes."
            ) from error
        finally:
            for future in sizes:
                future.cancel()
