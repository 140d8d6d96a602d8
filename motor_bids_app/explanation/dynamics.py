"""How people move between states: share of time in each, length of stays, transitions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError

Labels = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Dynamics:
    """Course of each person through k states.

    Parameters
    ----------
    occupancy : array, shape (n_people, k)
        Share of windows in each state; rows sum to 1.
    dwell : array, shape (n_people, k)
        Mean length of a stay, in windows; 0 in states that a person does not visit.
    transitions : array of int, shape (n_people, k, k)
        How often a window in the first state is followed by one in the second, on the diagonal
        by one in the same.
    dwell_seconds : array, shape (n_people, k)
        The same in seconds.
    """

    occupancy: NDArray[np.float64]
    dwell: NDArray[np.float64]
    transitions: NDArray[np.intp]
    dwell_seconds: NDArray[np.float64]

    @property
    def changes(self) -> NDArray[np.intp]:
        """How often each person changes state, shape (n_people,)."""
        staying = np.trace(self.transitions, axis1=1, axis2=2)
        return np.asarray(self.transitions.sum(axis=(1, 2)) - staying)

    def table(self) -> pd.DataFrame:
        """One row per person; columns such as `occupancy_1`, the first state being 1."""
        columns: dict[str, NDArray[np.generic]] = {}
        for state in range(self.occupancy.shape[1]):
            columns[f"occupancy_{state + 1}"] = self.occupancy[:, state]
            columns[f"dwell_windows_{state + 1}"] = self.dwell[:, state]
            columns[f"dwell_seconds_{state + 1}"] = self.dwell_seconds[:, state]
        return pd.DataFrame(columns | {"changes_of_state": self.changes})


def follow_states(
    labels: Labels, people: Labels, numbers: Labels, k: int, seconds: ArrayLike
) -> Dynamics:
    """Describe how each person moves between states.

    Parameters
    ----------
    labels, people, numbers : array of int, shape (n_windows,)
        State of each window; its person and its place in the series, see `Windows`.
    k : int
    seconds : array, shape (n_windows,), or float
        From one window to the next: the step in volumes times the repetition time, which differs
        between scanners.

    Raises
    ------
    DataError
        A person has no window, or the windows of a person are not in order.
    """
    n_people = int(people.max()) + 1
    counts = np.bincount(people * k + labels, minlength=n_people * k).reshape(n_people, k)
    if (counts.sum(axis=1) == 0).any():
        missing = int(np.flatnonzero(counts.sum(axis=1) == 0)[0])
        raise DataError(f"Person {missing + 1} has no window. Number people without a gap.")
    same = people[1:] == people[:-1]
    if (same & (np.diff(numbers) <= 0)).any() or (~same).sum() != n_people - 1:
        raise DataError(
            "The windows are not in the order of their series. Sort them by person and number."
        )
    follows = same & (np.diff(numbers) == 1)
    transitions = np.zeros((n_people, k, k), dtype=np.intp)
    np.add.at(transitions, (people[1:][follows], labels[:-1][follows], labels[1:][follows]), 1)
    arrives = np.concatenate([[True], ~follows | (labels[1:] != labels[:-1])])
    place = people * k + labels
    stays = np.bincount(place[arrives], minlength=n_people * k).reshape(n_people, k)
    step = np.broadcast_to(np.asarray(seconds, dtype=np.float64), labels.shape)
    time = np.bincount(place, step, minlength=n_people * k).reshape(n_people, k)
    return Dynamics(
        occupancy=counts / counts.sum(axis=1, keepdims=True),
        dwell=counts / np.maximum(stays, 1),
        transitions=transitions,
        dwell_seconds=time / np.maximum(stays, 1),
    )
