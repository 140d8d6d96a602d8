"""States of connectivity that people share, found among the maps of sliding windows.

K-medians on windows at local maxima of the variance first, then on all windows (Allen et al.
2014); the number of states by how many people visit each (Gao et al. 2025), or the silhouette.
The search is on a sample of voxels, since neighbours in smoothed maps are nearly the same; the
states are then moved to the medians on all voxels, and what that changed is part of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.explanation.medians import (
    SETTLED,
    Floats,
    Labels,
    Windows,
    distances,
    keep_all_states,
    seed_centres,
    settle,
    settle_once,
    spread_over,
)

NUMBERS_OF_STATES = tuple(range(2, 9))  # as published
LEAST_PARTICIPATION = 0.75  # of people who visit a state that counts for the choice of k
_COLUMNS = {"silhouette": "silhouette", "participation": "mean_participation"}
DECIDING = tuple(_COLUMNS)  # on the number of states, of those admitted
_SAMPLE = 2048  # voxels of the search
_EXEMPLARS = 1000  # of the search, at most, from low to high variance
_RESTARTS = 5
_ROUNDS = 30
_PASSES = 3  # over all voxels, at most


@dataclass(frozen=True, eq=False)
class States:
    """Connectivity states, the most frequent one first.

    Parameters
    ----------
    centres : array, shape (k, n_voxels), float32
        Median map of each.
    labels : array of int, shape (n_windows,)
        State of each window, from 0.
    participation : array, shape (k,)
        Share of people with one window or more in the state.
    search : DataFrame
        One row per number of states: `k`, `states_of_most` (states that enough people visit),
        `lowest_participation`, `mean_participation`, `cost` (mean L1 distance from the own
        centre, per voxel), `silhouette` (of exemplars, by L1 distance) and `chosen`.
    moved : float
        Share of windows in another state after all voxels were used than after the search: what
        the sample of voxels cost.
    """

    centres: NDArray[np.float32]
    labels: Labels
    participation: NDArray[np.float64]
    search: pd.DataFrame
    moved: float

    @property
    def shared(self) -> NDArray[np.bool_]:
        """States that enough people visit for a comparison of groups, shape (k,)."""
        return self.participation >= LEAST_PARTICIPATION


def find_states(
    windows: Windows,
    *,
    numbers_of_states: Sequence[int] = NUMBERS_OF_STATES,
    decides: str = "silhouette",
    n_threads: int = 2,
    seed: int = 0,
) -> States:
    """Find states, as many of those allowed as participation suggests; see `choose_number`.

    The result does not depend on the order of people.

    Parameters
    ----------
    windows : Windows
    numbers_of_states : sequence of int
        Candidates, 2 or more each.
    decides : str
        One of `DECIDING`; see `choose_number`.
    n_threads, seed : int

    Raises
    ------
    UsageError
        A candidate is below 2.
    DataError
        There are fewer exemplars than states, or windows that are not finite.
    """
    if not numbers_of_states or min(numbers_of_states) < 2:
        raise UsageError(
            f"Numbers of states {tuple(numbers_of_states)}: use one or more, 2 or more each."
        )
    generator = np.random.default_rng(seed)
    sample, variance = _sample(windows, generator)
    order = np.lexsort((sample[:, 0], variance))
    exemplars = find_exemplars(variance, windows)
    exemplars = spread_over(exemplars[np.argsort(np.argsort(order)[exemplars])], _EXEMPLARS)
    if len(exemplars) <= max(numbers_of_states):
        raise DataError(
            f"{len(exemplars)} windows are at a maximum of the variance, too few for "
            f"{max(numbers_of_states)} states. Use more people, longer series or fewer states."
        )
    solutions, rows = {}, []
    shown = sample[exemplars]
    apart = _among(shown)
    for k in sorted(set(numbers_of_states)):
        centres = _best_start(shown, k, generator)
        _, labels, cost = settle(sample, centres, order, _ROUNDS)
        solutions[k] = labels
        rows.append(_row(k, labels, cost, windows.people, apart, exemplars))
    search = pd.DataFrame(rows)
    k = choose_number(search, decides)
    search["chosen"] = search["k"] == k
    return _on_all_voxels(windows, solutions[k], k, order, n_threads, search)


def find_exemplars(variance: Floats, windows: Windows) -> Labels:
    """Rows of windows at a local maximum of the variance over voxels, within each series.

    Parameters
    ----------
    variance : array, shape (n_windows,)
        Variance over voxels of each window's map.
    windows : Windows
    """
    joined = np.concatenate([[False], _follows(windows), [False]])
    beside = np.concatenate([[-np.inf], variance, [-np.inf]])
    before = np.where(joined[:-1], beside[:-2], np.inf)  # ends of a series are no maxima
    after = np.where(joined[1:], beside[2:], np.inf)
    return np.flatnonzero((variance > before) & (variance >= after))


def participation(labels: Labels, people: Labels, k: int) -> NDArray[np.float64]:
    """Share of people who visit each state, shape (k,).

    >>> participation(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2)
    array([0.5, 1. ])
    """
    visits = np.zeros((people.max() + 1, k), dtype=bool)
    visits[people, labels] = True
    return np.asarray(visits[np.unique(people)].mean(axis=0))


def choose_number(search: pd.DataFrame, decides: str = "silhouette") -> int:
    """Return the best k of those in which most people share two states.

    Gao et al. (2025) choose k by participation, so that people are represented in several states
    (k = 3: visited by 1, 68 and 69 of 69 people), and do not give the rule. Participation alone
    admits any k that cuts a state in two where all people are on both sides; hence the silhouette
    decides among those admitted, or with "participation" its mean over states after all, the
    smallest k of several. If none has two shared states, those with the most are admitted.

    >>> columns = {"k": [2, 3, 4], "states_of_most": [1, 2, 2], "silhouette": [0.9, 0.5, 0.3]}
    >>> choose_number(pd.DataFrame(columns))
    3
    """
    admitted = search[search["states_of_most"] >= min(2, search["states_of_most"].max())]
    return int(admitted.loc[admitted[_COLUMNS[decides]].idxmax(), "k"])


def state_maps(
    windows: Windows, labels: Labels, k: int
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Mean map of each person in each state, and the number of windows it is the mean of.

    Returns
    -------
    maps : array, shape (n_people, k, n_voxels), float32
        0 in states that a person does not visit.
    counts : array of int, shape (n_people, k)
    """
    n_people = int(windows.people.max()) + 1
    place = windows.people * k + labels
    counts = np.bincount(place, minlength=n_people * k)
    maps = np.empty((n_people * k, windows.n_voxels), dtype=np.float32)
    index = torch.from_numpy(place)
    for part, block in windows.blocks():
        total = torch.zeros((n_people * k, block.shape[1]))
        total.index_add_(0, index, torch.from_numpy(block))
        maps[:, part] = total.numpy() / np.maximum(counts, 1)[:, None]
    return maps.reshape(n_people, k, -1), counts.reshape(n_people, k)


def _follows(windows: Windows) -> NDArray[np.bool_]:
    """Whether each window but the first comes right after the one in the row above."""
    return np.asarray((np.diff(windows.people) == 0) & (np.diff(windows.numbers) == 1))


def _sample(
    windows: Windows, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Values of some voxels, shape (n_windows, sample), and the variance over all of them."""
    size = min(_SAMPLE, windows.n_voxels)
    voxels = np.sort(generator.choice(windows.n_voxels, size, replace=False))
    sample = np.empty((len(windows), size), dtype=np.float32)
    total, squares = np.zeros(len(windows)), np.zeros(len(windows))
    for part, block in windows.blocks():
        within = slice(*np.searchsorted(voxels, [part.start, part.stop]))
        sample[:, within] = block[:, voxels[within] - part.start]
        total += block.sum(axis=1)
        squares += np.einsum("wv,wv->w", block, block)
    return sample, squares / windows.n_voxels - (total / windows.n_voxels) ** 2


def _among(shown: NDArray[np.float32]) -> NDArray[np.float64]:
    apart = distances(shown, shown)
    np.fill_diagonal(apart, 0)
    return apart


def _best_start(
    shown: NDArray[np.float32], k: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Centres of the best of several clusterings of exemplars, whose rows have a fixed order."""
    order = np.arange(len(shown))
    runs = [
        settle(shown, seed_centres(shown, k, generator), order, _ROUNDS) for _ in range(_RESTARTS)
    ]
    return min(runs, key=lambda run: run[2])[0]


def _row(
    k: int,
    labels: Labels,
    cost: float,
    people: Labels,
    apart: NDArray[np.float64],
    exemplars: Labels,
) -> dict[str, float]:
    """What is known of one number of states."""
    rates = participation(labels, people, k)
    own = labels[exemplars]
    several = 1 < len(np.unique(own)) < len(own)
    return {
        "k": k,
        "states_of_most": int((rates >= LEAST_PARTICIPATION).sum()),
        "lowest_participation": float(rates.min()),
        "mean_participation": float(rates.mean()),
        "cost": cost,
        "silhouette": float(silhouette_score(apart, own, metric="precomputed")) if several else 0.0,
    }


def _on_all_voxels(
    windows: Windows, start: Labels, k: int, order: Labels, n_threads: int, search: pd.DataFrame
) -> States:
    """Move the states of the search to the medians on all voxels."""
    labels = start
    for _ in range(_PASSES):
        before = labels
        centres, away = settle_once(windows, before, k, order, n_threads)
        labels = keep_all_states(away)
        if (labels != before).mean() < SETTLED:
            break
    labels = away.argmin(axis=1)
    moved = float((labels != start).mean())
    frequent = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    labels = np.argsort(frequent)[labels]
    return States(
        centres[frequent], labels, participation(labels, windows.people, k), search, moved
    )
