"""Inner folds to choose a setting, and labels, for all models."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]  # positions to fit on, and to judge on

N_INNER_FOLDS = 5


def binary_labels(y: ArrayLike) -> NDArray[np.int64]:
    """Return classes as 0 and 1.

    Raises
    ------
    DataError
        A value is neither, or one class has no scan: nothing can be learned then.
    """
    labels = np.asarray(y)
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"Classes must be 0 or 1, got {np.unique(labels)[:5].tolist()}.")
    counts = np.bincount(labels.astype(np.int64), minlength=2)
    if not counts.all():
        raise DataError(
            f"The training scans are {counts[1]} poor and {counts[0]} good: both are needed. "
            "Use fewer folds, more participants, or another threshold."
        )
    return labels.astype(np.int64)


def inner_folds(
    y: ArrayLike, participants: NDArray[np.str_], random_state: int, n_folds: int = N_INNER_FOLDS
) -> list[Fold]:
    """Return folds by person, alike in `y`, to choose a setting within a training fold.

    People are ordered by their mean `y`, equals at random, and dealt to the folds in turn:
    classes and scores are then spread as evenly as whole people allow.

    Parameters
    ----------
    y : array-like, shape (n_scans,)
        Classes 0 and 1, or scores.
    participants : str array, shape (n_scans,)
    random_state : int
    n_folds : int
        At most; with few people, or few in a class, there are fewer.

    Returns
    -------
    list of (int array, int array)
        Positions to fit on and to judge on. Empty if fewer than 2 folds can be made so
        that each has both classes: there is nothing to choose a setting by.
    """
    people, person = np.unique(participants, return_inverse=True)
    target = np.asarray(y, dtype=np.float64)
    means = np.bincount(person, target) / np.bincount(person)
    if np.isin(target, (0, 1)).all():
        pure = [int((means == value).sum()) for value in (0, 1)]
        n_folds = min(n_folds, *pure)
    n_folds = min(n_folds, len(people))
    if n_folds < 2:
        return []
    ties = np.random.default_rng(random_state).random(len(people))
    fold_of_person = np.empty(len(people), dtype=np.intp)
    fold_of_person[np.lexsort((ties, means))] = np.arange(len(people)) % n_folds
    fold = fold_of_person[person]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def held_out(y: ArrayLike, participants: NDArray[np.str_], share: float, random_state: int) -> Fold:
    """Return positions to learn from and to stop by: alike in outcome, people in one of them only.

    Parameters
    ----------
    y : array-like, shape (n_scans,)
        Classes 0 and 1, ordered classes, or scores.
    participants : str array, shape (n_scans,)
    share : float
        Of the people to stop by, to the nearest whole person; 0 for none.
    random_state : int

    Raises
    ------
    DataError
        The people are too few to hold out that share with both classes on either side.
    """
    target = np.asarray(y, dtype=np.float64)
    if share == 0:
        return np.arange(len(target)), np.arange(0)
    people, person = np.unique(participants, return_inverse=True)
    means = np.bincount(person, target) / np.bincount(person)
    random = np.random.default_rng(random_state)
    order = np.lexsort((random.random(len(people)), means))
    n_out = round(share * len(people))
    if np.isin(target, (0, 1)).all():
        # A person with scans of both classes counts for one of them; either side has both then.
        good, poor = (order[part] for part in (means[order] <= 0.5, means[order] > 0.5))
        n_poor = round(n_out * len(poor) / len(people))
        n_poor = min(max(n_poor, 1, n_out - len(good) + 1), len(poor) - 1, n_out - 1)
        parts = [(good, n_out - n_poor), (poor, n_poor)]
    else:
        parts = [(order, n_out)]
    if any(not 0 < count < len(part) for part, count in parts):
        raise DataError(
            f"The {len(people)} training people are too few to hold {share:.0%} of them out "
            "(validation_share) with both classes on either side. Use more participants, another "
            "share, or validation_share = 0 without early stops."
        )
    chosen = np.concatenate([_spread(part, count, random) for part, count in parts])
    stops = np.isin(person, chosen)
    return np.flatnonzero(~stops), np.flatnonzero(stops)


def _spread(ordered: NDArray[np.intp], count: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Choose `count` of people in order of their outcome, one from each of as many equal parts."""
    return ordered[
        np.floor((np.arange(count) + random.random()) * len(ordered) / count).astype(int)
    ]
