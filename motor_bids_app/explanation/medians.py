"""K-medians: groups of windows around their medians, by L1 distance.

L1 distances are sums over voxels and medians are taken voxel by voxel, so that both work on some
voxels at a time, and a sample of voxels stands for all of them in a search.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.errors import DataError

Floats = NDArray[np.floating]
Labels = NDArray[np.intp]
_READ = 4096  # voxels read together
_BLOCK = 256  # voxels computed together: with 15,000 windows, what malloc keeps for the next block
_MEMBERS = 2048  # windows of a state whose median stands for it; neighbouring windows overlap
SETTLED = 1e-3  # share of windows that change state, below which rounds end


@dataclass(frozen=True, eq=False)
class Windows:
    """Maps of all windows of all people, read some voxels at a time.

    Parameters
    ----------
    read : callable
        Takes a slice of voxels, gives their values, shape (n_windows, voxels), any float type;
        0 for a voxel in the lesion of that person.
    n_voxels : int
    people : array of int, shape (n_windows,)
        Who the window is of, from 0.
    numbers : array of int, shape (n_windows,)
        Place of the window in the series of this person. Rows of a person are in this order. A
        gap (windows left out for motion, another run) ends the stay in a state.
    """

    read: Callable[[slice], Floats]
    n_voxels: int
    people: Labels
    numbers: Labels

    def __len__(self) -> int:
        return len(self.people)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield voxels and their values in single precision, shape (n_windows, block).

        Raises
        ------
        DataError
            A value is not finite.
        """
        for first in range(0, self.n_voxels, _READ):
            values = self.read(slice(first, min(first + _READ, self.n_voxels)))
            for start in range(0, values.shape[1], _BLOCK):
                block = np.array(values[:, start : start + _BLOCK], dtype=np.float32)
                # A sum is finite only if all its terms are.
                if not np.isfinite(block.sum(axis=1)).all():
                    row = int(np.flatnonzero(~np.isfinite(block.sum(axis=1)))[0])
                    raise DataError(
                        f"Window {int(self.numbers[row])} of person {int(self.people[row]) + 1} "
                        "has values that are not finite. Set voxels without a value to 0."
                    )
                yield slice(first + start, first + start + block.shape[1]), block


def distances(values: Floats, centres: Floats) -> NDArray[np.float64]:
    """L1 distances of windows (n, voxels) from centres (k, voxels), shape (n, k)."""
    total = np.zeros((len(values), len(centres)))
    for start in range(0, values.shape[1], _READ):
        part = slice(start, start + _READ)
        here, there = (
            torch.from_numpy(np.ascontiguousarray(x[:, part])) for x in (values, centres)
        )
        total += torch.cdist(here, there, p=1).numpy()
    return total


def members_of(labels: Labels, k: int, order: Labels) -> list[Labels]:
    """Rows of the windows that stand for each state: all, or evenly spaced ones of many.

    Parameters
    ----------
    labels : array of int, shape (n_windows,)
    k : int
    order : array of int, shape (n_windows,)
        Rows in an order that depends on what windows hold, and not on the order of people.
    """
    chosen = []
    for state in range(k):
        rows = order[labels[order] == state]
        chosen.append(spread_over(rows, _MEMBERS))
    return chosen


def spread_over(rows: Labels, most: int) -> Labels:
    """All of the rows, or `most` of them, evenly spaced.

    >>> spread_over(np.arange(9), 3)
    array([0, 4, 8])
    """
    spaced = np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.intp)
    return rows[spaced]


def medians(values: NDArray[np.float32], members: list[Labels]) -> NDArray[np.float32]:
    """Median of the members of each state, shape (k, voxels), from values (n_windows, voxels)."""
    centres = np.empty((len(members), values.shape[1]), dtype=np.float32)
    for start in range(0, values.shape[1], _BLOCK):
        block = values[:, start : start + _BLOCK]
        for state, rows in enumerate(members):
            centres[state, start : start + _BLOCK] = _median_of_rows(block[rows].T)
    return centres


def _median_of_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median along the last axis; several times as fast as `numpy.median`, which sorts out NaN."""
    middle = values.shape[1] // 2
    split = np.partition(np.ascontiguousarray(values), middle, axis=1)
    upper = split[:, middle]
    if values.shape[1] % 2:
        return upper
    return (upper + split[:, :middle].max(axis=1)) / 2


def seed_centres(
    values: NDArray[np.float32], k: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Choose k windows far from each other, shape (k, voxels).

    Each is drawn with a probability in proportion to its distance from the nearest one so far:
    k-means++ (Arthur and Vassilvitskii 2007) for L1.
    """
    chosen = [int(generator.integers(len(values)))]
    nearest = np.full(len(values), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, distances(values, values[chosen[-1:]])[:, 0])
        if not nearest.sum() > 0:
            raise DataError(
                f"There are no {k} states: only {len(chosen)} different windows were found."
            )
        chosen.append(int(generator.choice(len(values), p=nearest / nearest.sum())))
    return values[chosen]


def settle(
    values: NDArray[np.float32], centres: Floats, order: Labels, rounds: int
) -> tuple[NDArray[np.float32], Labels, float]:
    """Move centres to the medians of the windows nearest to them until few change state.

    A state that loses all its windows takes the one farthest from its centre.

    Returns
    -------
    centres : array, shape (k, voxels)
    labels : array of int, shape (n_windows,)
        Nearest centre of each window.
    cost : float
        Mean distance of a window from its centre, per voxel.
    """
    current = np.asarray(centres, dtype=np.float32)
    k, previous = len(current), None
    for _ in range(rounds):
        away = distances(values, current)
        labels = keep_all_states(away)
        if previous is not None and (labels != previous).mean() < SETTLED:
            break
        previous = labels
        current = medians(values, members_of(labels, k, order))
    away = distances(values, current)
    return current, keep_all_states(away), float(away.min(axis=1).mean() / values.shape[1])


def keep_all_states(away: NDArray[np.float64]) -> Labels:
    """Nearest centre of each window, from distances (n, k), with one window or more for each."""
    labels = away.argmin(axis=1)
    cost = away.min(axis=1)
    for state in range(away.shape[1]):
        if not (labels == state).any():
            shared = np.bincount(labels, minlength=away.shape[1])[labels] > 1
            farthest = int(np.where(shared, cost, -1).argmax())
            labels[farthest], cost[farthest] = state, -1
    return labels


def settle_once(
    windows: Windows, labels: Labels, k: int, order: Labels, n_threads: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Medians of the states on all voxels, and distances of all windows from them.

    One reading of the data does both, since medians need one block of voxels only.

    Returns
    -------
    centres : array, shape (k, n_voxels), float32
    away : array, shape (n_windows, k)
    """
    members = members_of(labels, k, order)
    centres = np.empty((k, windows.n_voxels), dtype=np.float32)
    away = np.zeros((len(windows), k))

    def work(part: slice, block: NDArray[np.float32]) -> NDArray[np.float64]:
        centres[:, part] = medians(block, members)
        return distances(block, centres[:, part])

    for added in _in_threads(work, windows.blocks(), n_threads):
        away += added
    return centres, away


def assign(windows: Windows, centres: Floats) -> Labels:
    """Nearest state of each window, also of people who had no part in finding the states.

    Raises
    ------
    DataError
        The windows have another number of voxels.
    """
    if centres.shape[1] != windows.n_voxels:
        raise DataError(
            f"The windows have {windows.n_voxels} voxels, the states {centres.shape[1]}. Use maps "
            "on the grid, and of the brain mask, that the states were found on."
        )
    away = np.zeros((len(windows), len(centres)))
    for part, block in windows.blocks():
        away += distances(block, centres[:, part])
    return away.argmin(axis=1)


def _in_threads(
    work: Callable[[slice, NDArray[np.float32]], NDArray[np.float64]],
    blocks: Iterator[tuple[slice, NDArray[np.float32]]],
    n_threads: int,
) -> Iterator[NDArray[np.float64]]:
    """Results in the order of blocks, few of which are in memory; both libraries free the GIL."""
    with ThreadPoolExecutor(n_threads) as pool:
        waiting = []
        for part, block in blocks:
            waiting.append(pool.submit(work, part, block))
            if len(waiting) > 2 * n_threads:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
