"""Parts of a series, each on a thread of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

_T = TypeVar("_T")


def each(work: Callable[[int], _T], count: int) -> list[_T]:
    """Results of `work` for 0 to `count` - 1, see `alone_on_threads`."""
    return list(alone_on_threads(work, range(count)))


def alone_on_threads(work: Callable[[int], _T], starts: Sequence[int]) -> Iterator[_T]:
    """Yield what `work` gives for each of many parts, on as many threads as torch may use.

    Each has one thread of torch and of linear algebra: threads that are joined after each
    operation wait for each other, with the processor, more than they work.
    """
    count = torch.get_num_threads()
    if min(count, len(starts)) < 2:
        yield from map(work, starts)
        return
    try:
        with (
            _linear_algebra().limit(limits=1, user_api="blas"),
            ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            yield from pool.map(work, starts)
    finally:
        torch.set_num_threads(count)  # what threads that start later go by


@cache
def _linear_algebra() -> ThreadpoolController:
    """Libraries of linear algebra that are loaded; finding them takes milliseconds."""
    return ThreadpoolController()
