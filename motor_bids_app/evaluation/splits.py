"""Who is tested when: splits by person, stratified, repeated, kept as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError, UsageError

DEALT = ("repeated_kfold", "repeated_holdout")
SCHEMES = (*DEALT, "leave_one_site_out")
COLUMNS = ["repeat", "fold", "participant_id"]
MIN_CLASS = 2  # people: one to learn from, one to test on


def feasible_folds(labels: ArrayLike, folds: int, whom: str = "people") -> tuple[int, str | None]:
    """Number of folds that the people allow, and a sentence when it is fewer than asked.

    Parameters
    ----------
    labels : array, shape (n_people,)
        Class of each person who is judged; of a score, all the same.
    folds : int
        Folds asked for.
    whom : str
        What these people are called: "patients", where controls only train.

    Raises
    ------
    DataError
        There is one class only, or a class has fewer than 2 people.

    Examples
    --------
    >>> feasible_folds(["poor"] * 3 + ["good"] * 9, 5)[0]
    3
    """
    names, counts = np.unique(np.asarray(labels), return_counts=True)
    shown = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
    if counts.min() < MIN_CLASS:
        raise DataError(
            f"There are too few {whom} to train and test on: {shown}. Every class needs at "
            f"least {MIN_CLASS}; add participants or set another [target] threshold."
        )
    smallest = int(counts.min())
    if smallest >= folds:
        return folds, None
    return smallest, (
        f"{folds} folds were asked for, but the smallest class has {smallest} {whom} ({shown}): "
        f"{smallest} folds are used."
    )


def make_splits(
    participants: Sequence[str],
    labels: ArrayLike,
    *,
    scheme: str = "repeated_kfold",
    folds: int = 5,
    repeats: int = 10,
    seed: int = 0,
    strata: ArrayLike | None = None,
    test_fraction: float = 0.2,
    balanced_test: bool = False,
) -> pd.DataFrame:
    """List the people tested in each fold of each repeat; all others train.

    Parameters
    ----------
    participants : sequence of str, shape (n_people,)
        Each person once, whatever the number of scans.
    labels : array, shape (n_people,)
        Class (strings or integers) or score (floats) to spread evenly over the folds.
    scheme : str
        "repeated_kfold" tests everyone once per repeat. "repeated_holdout" draws one test set
        (fold 1) per repeat.
    folds, repeats, seed : int
        Number of folds (k-fold only), of repeats, and the seed of the shuffling.
    strata : array, shape (n_people,), optional
        A second property to spread, within the class: for instance patient or control.
    test_fraction : float
        Share of the people in the test set of a holdout.
    balanced_test : bool
        Take equally many people of each class into the test set of a holdout.

    Returns
    -------
    DataFrame
        Columns repeat, fold (both from 1) and participant_id: the tested people.

    Raises
    ------
    DataError
        A participant is listed twice.
    UsageError
        The scheme is another one: sites are dealt by `splits_by_site`.
    """
    if scheme not in DEALT:
        raise UsageError(f"Splits are not dealt by {scheme!r}: use one of {', '.join(DEALT)}.")
    people = np.asarray(participants, dtype=object)
    if len(set(people)) != len(people):
        raise DataError("A participant is listed twice: splits are made of people, not of scans.")
    labels = np.asarray(labels)
    second = np.zeros(len(people)) if strata is None else np.asarray(strata)
    generator = np.random.default_rng(seed)
    rows = []
    for repeat in range(1, repeats + 1):
        if scheme == "repeated_kfold":
            fold = _deal(labels, second, folds, generator)
        else:
            fold = _draw(labels, second, test_fraction, balanced_test, generator)
        rows += [(repeat, int(fold[i]), people[i]) for i in np.flatnonzero(fold)]
    return pd.DataFrame(rows, columns=COLUMNS)


def splits_by_site(sites: "pd.Series[Any]") -> pd.DataFrame:
    """Test the people of each site once, with models that learned at all other sites.

    Parameters
    ----------
    sites : Series, shape (n_people,)
        Where each person was examined, by participant_id.

    Returns
    -------
    DataFrame
        As of `make_splits`, with one repeat; fold k tests the k-th site in order of name.

    Raises
    ------
    DataError
        There is one site, or a person without one.

    Examples
    --------
    >>> sites = pd.Series({"sub-1": "Bonn", "sub-2": "Aachen", "sub-3": "Bonn"})
    >>> splits_by_site(sites)["fold"].tolist()
    [2, 1, 2]
    """
    unknown = [str(label) for label in sites.index[sites.isna()]]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(sites)} people have no site ({some(unknown)}), so it is "
            "unknown which models were trained on their site. Complete the column site, or leave "
            "these people out."
        )
    names, codes = np.unique(sites.to_numpy(dtype=str), return_inverse=True)
    if len(names) < 2:
        raise DataError(
            f"All {len(sites)} people are from one site, {names[0]}: no site can be left out. Use "
            '[validation] scheme = "repeated_kfold".'
        )
    return pd.DataFrame({"repeat": 1, "fold": codes + 1, "participant_id": sites.index})[COLUMNS]


def some(names: Sequence[str]) -> str:
    """Name the first three, and count the others.

    >>> some(["sub-1", "sub-2", "sub-3", "sub-4", "sub-5"])
    'sub-1, sub-2, sub-3 and 2 more'
    """
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _deal(
    labels: NDArray[np.generic],
    strata: NDArray[np.generic],
    folds: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Deal people to folds 1..k like cards, ordered by class and stratum, else at random.

    Every class is spread to within one person, and so is every stratum within its class.
    """
    order = _stratified_order(labels, strata, folds, generator)
    fold = np.empty(len(labels), dtype=np.int64)
    names = generator.permutation(folds) + 1  # so that fold 1 is not always the larger one
    fold[order] = names[np.arange(len(order)) % folds]
    return fold


def _stratified_order(
    labels: NDArray[np.generic],
    strata: NDArray[np.generic],
    block: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Order people by label and stratum, at random within; scores in blocks of equal rank.

    Scores are ranked within each stratum, which is then dealt as a whole: were strata sorted
    inside blocks of `block` people, the same folds would always get those who come first.
    """
    shuffled = generator.permutation(len(labels))
    _, stratum_codes = np.unique(strata, return_inverse=True)
    if labels.dtype.kind == "f":  # a score: neighbours in rank take the place of a class
        order = shuffled[np.lexsort((labels[shuffled], stratum_codes[shuffled]))]
        ranks = np.empty(len(labels), dtype=np.int64)
        ranks[order] = np.arange(len(labels))
        return shuffled[np.argsort(ranks[shuffled] // block, kind="stable")]
    _, label_codes = np.unique(labels, return_inverse=True)
    return shuffled[np.lexsort((stratum_codes[shuffled], label_codes[shuffled]))]


def _draw(
    labels: NDArray[np.generic],
    strata: NDArray[np.generic],
    fraction: float,
    balanced: bool,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Mark one test set with 1, the training set with 0."""
    fold = np.zeros(len(labels), dtype=np.int64)
    if labels.dtype.kind == "f":
        order = _stratified_order(labels, strata, max(2, round(1 / fraction)), generator)
        fold[order[_spread(len(order), max(1, round(fraction * len(order))), generator)]] = 1
        return fold
    names, counts = np.unique(labels, return_counts=True)
    for name, count in zip(names, counts, strict=True):
        wanted = fraction * (len(labels) / len(names) if balanced else count)
        # A balanced test set must leave the smallest class at least half of its people.
        size = int(np.clip(round(wanted), 1, max(1, counts.min() // 2 if balanced else count - 1)))
        members = np.flatnonzero(labels == name)
        order = members[_stratified_order(labels[members], strata[members], 1, generator)]
        fold[order[_spread(len(order), size, generator)]] = 1
    return fold


def _spread(n: int, size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`size` positions out of `n`, evenly spaced from a random start."""
    start = generator.uniform(0, n)
    positions = (start + np.arange(size) * n / size) % n
    return np.floor(positions).astype(np.int64) % n
