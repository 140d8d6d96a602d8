"""Parts of a series, each on a thread of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_T = TypeVar("_T")


def each(work: Callable[[int], _T], count: int) -> list[_T]:
    """Results of `work` for 0 to `count` - 1, on as many threads as torch may use."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return list(pool.map(work, range(count)))


def alone_on_threads(work: Callable[[int], _T], starts: Sequence[int]) -> Iterator[_T]:
    """Yield what `work` gives for each of many short parts, on threads of one thread of torch each.

    Threads that torch joins after each operation would wait for each other more than they work.
    """
    count = torch.get_num_threads()
    if min(count, len(starts)) < 2:
        yield from map(work, starts)
        return
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, starts)
    finally:
        torch.set_num_threads(count)  # what threads that start later go by
