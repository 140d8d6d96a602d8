"""Parts of a series, each on a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_T = TypeVar("_T")


def each(work: Callable[[int], _T], count: int) -> list[_T]:
    """Results of `work` for 0 to `count` - 1, on as many threads as torch may use."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return list(pool.map(work, range(count)))


def alone_on_threads(work: Callable[[int], None], starts: Sequence[int]) -> None:
    """Call `work` for each of many short parts, on threads within which torch uses no others.

    Threads that torch joins after each operation would wait for each other more than they work.
    """
    count = min(torch.get_num_threads(), len(starts))
    if count < 2:
        for start in starts:
            work(start)
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(work, starts))
    finally:
        torch.set_num_threads(before)  # what threads that start later go by
