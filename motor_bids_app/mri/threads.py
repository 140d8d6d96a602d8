"""The volumes of a series, each on a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_T = TypeVar("_T")


def each(work: Callable[[int], _T], count: int) -> list[_T]:
    """Results of `work` for 0 to `count` - 1, on as many threads as torch may use."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return list(pool.map(work, range(count)))
