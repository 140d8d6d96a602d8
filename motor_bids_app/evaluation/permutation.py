"""Whether cross-validation finds more than chance: the same, with the labels dealt out anew.

A linear model with a ridge penalty has a closed form in the labels. One decomposition of the
training people's products therefore serves every permutation and every penalty, inner folds
included, so that a thousand nested cross-validations cost little more than one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.statistics import LEVEL

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
# Products of the fitting people with each other (k, k), and of the judged ones with them (n, k),
# both of deviations from the mean of the fitting people. Whatever it learns, it learns from the
# fitting people, or in an inner fold from those of its outer fold, and without labels.
FoldProducts = Callable[[Positions, Positions, Positions], tuple[Floats, Floats]]
INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """Statistic of the labels as they are, and of m permutations of them.

    Parameters
    ----------
    value : float
        AUC within test sets, or R².
    null : array, shape (m,)
        The same for permuted labels.
    stand_in : bool
        Whether a ridge took the place of the model that was asked about.
    """

    value: float
    null: Floats
    stand_in: bool = False

    @property
    def p_value(self) -> float:
        """(b + 1) / (m + 1), where b permutations do as well (Phipson and Smyth 2010).

        >>> PermutationTest(0.9, np.array([0.5, 0.6, 0.4])).p_value
        0.25
        """
        as_good = int((self.null >= self.value - 1e-12).sum())
        return (as_good + 1) / (len(self.null) + 1)

    @property
    def noise_floor(self) -> float:
        """Half-width of the band that permuted labels fill in 95 of 100 cases."""
        return float(stats.norm.isf((1 - LEVEL) / 2) * self.null.std())


def permutation_test(
    products: FoldProducts,
    y: Floats,
    *,
    task: str,
    penalties: Sequence[float],
    controls: NDArray[np.bool_],
    n_permutations: int = 1000,
    folds: int = 5,
    repeats: int = 10,
    seed: int = 0,
    test_sets: Sequence[Positions] | None = None,
    sites: NDArray[Any] | None = None,
    stand_in: bool = False,
) -> PermutationTest:
    """Test ridge models by permuting labels among patients and cross-validating each time.

    Labels are permuted within sites: a scanner that is told apart, where sites have unlike
    outcomes, is then no success.

    Test sets and inner folds are drawn by chance, spread over patients and controls but blind to
    the labels: only then do labels as they are and permuted ones meet exactly the same
    procedure, and p is exact whatever the sample size. The value hence differs a little from
    that of splits stratified by class.

    Parameters
    ----------
    products : callable
        See `FoldProducts`; positions are those of `y`.
    y : array, shape (n_people,)
        1 and 0, or scores.
    task : str
        "classification" (statistic: AUC within test sets) or "regression" (R²).
    penalties : sequence of float
        One of them is chosen in inner folds, by squared error, if there are several.
    controls : bool array, shape (n_people,)
        They train, keep their labels, and are not judged: were they among those permuted, a model
        that recognises who had a stroke would beat chance.
    n_permutations, repeats, seed : int
    folds : int
        At most so many that two of those permuted are tested together: one alone has no AUC.
    test_sets : sequence of int array, optional
        Positions tested together, instead of those drawn: sites that are left out in turn, within
        which labels are permuted.
    sites : array, shape (n_people,), optional
        Where each person was examined, if labels are to be permuted within sites.
    stand_in : bool
        Noted in the result.

    Returns
    -------
    PermutationTest
    """
    generator = np.random.default_rng(seed)
    moved = np.flatnonzero(~controls)
    labels = np.tile(y[:, None], (1, n_permutations + 1))  # the first column stays as it is
    for members in exchangeable(controls, sites, test_sets):
        labels[members, 1:] = generator.permuted(labels[members, 1:], axis=0)
    folds = min(folds, max(2, len(moved) // 2))
    outer = test_sets or _blind_folds(controls, folds, repeats, seed)
    tally = _Auc(n_permutations + 1) if task == "classification" else _R2(labels[moved])
    for test in outer:
        fit = np.setdiff1d(np.arange(len(y)), test)
        chosen = _choose(products, labels, fit, controls, penalties, seed)
        test = test[~controls[test]]
        if len(test):
            tally.add(_predict(products, labels, fit, test, chosen), labels[test])
    values = tally.values()
    return PermutationTest(float(values[0]), values[1:], stand_in)


def exchangeable(
    controls: NDArray[np.bool_],
    sites: NDArray[Any] | None,
    left_out: Sequence[Positions] | None = None,
) -> list[Positions]:
    """Positions of the patients whose labels may be exchanged by chance: of each site."""
    patients = np.flatnonzero(~controls)
    if left_out is not None:
        return [np.intersect1d(test, patients) for test in left_out]
    if sites is None:
        return [patients]
    return [patients[sites[patients] == site] for site in np.unique(sites[patients])]


def _blind_folds(
    controls: NDArray[np.bool_], folds: int, repeats: int, seed: int
) -> list[Positions]:
    """Positions of the people tested together, in all repeats; labels play no part."""
    people = [str(position) for position in range(len(controls))]
    table = make_splits(
        people, controls.astype(np.int64), folds=min(folds, len(people)), repeats=repeats, seed=seed
    )
    return [
        np.sort(part.to_numpy(dtype=np.intp))
        for _, part in table.groupby(["repeat", "fold"])["participant_id"]
    ]


def _choose(
    products: FoldProducts,
    labels: Floats,
    fit: Positions,
    controls: NDArray[np.bool_],
    penalties: Sequence[float],
    seed: int,
) -> Floats:
    """Penalty with the least squared error in inner folds, per permutation, shape (m,)."""
    if len(penalties) == 1:
        return np.full(labels.shape[1], float(penalties[0]))
    losses = np.zeros((len(penalties), labels.shape[1]))
    for inner in _blind_folds(controls[fit], INNER_FOLDS, 1, seed):
        judged, inner_fit = fit[inner], np.delete(fit, inner)
        within, across = products(inner_fit, judged, fit)
        mean = labels[inner_fit].mean(axis=0)
        values, rotated, turned = _decompose(within, across, labels[inner_fit] - mean)
        for k, penalty in enumerate(penalties):
            scores = turned @ (rotated / (values + penalty)[:, None]) + mean
            losses[k] += np.square(scores - labels[judged]).sum(axis=0)
    return np.asarray(penalties, dtype=np.float64)[losses.argmin(axis=0)]


def _predict(
    products: FoldProducts, labels: Floats, fit: Positions, test: Positions, penalties: Floats
) -> Floats:
    """Scores of the tested people, each permutation with its own penalty, shape (n, m)."""
    within, across = products(fit, test, fit)
    mean = labels[fit].mean(axis=0)
    values, rotated, turned = _decompose(within, across, labels[fit] - mean)
    return np.asarray(turned @ (rotated / (values[:, None] + penalties)) + mean)


def _decompose(within: Floats, across: Floats, centred: Floats) -> tuple[Floats, Floats, Floats]:
    values, vectors = np.linalg.eigh(within)
    return np.maximum(values, 0), vectors.T @ centred, across @ vectors


class _Auc:
    """Share of pairs in the right order, among people of one test set, per permutation."""

    def __init__(self, m: int) -> None:
        self.right, self.pairs = np.zeros(m), np.zeros(m)

    def add(self, scores: Floats, labels: Floats) -> None:
        good = 1 - labels
        for own, poor in zip(scores, labels, strict=True):
            order = (own > scores) + 0.5 * (own == scores)
            self.right += poor * (order * good).sum(axis=0)
        self.pairs += labels.sum(axis=0) * good.sum(axis=0)

    def values(self) -> Floats:
        return np.where(self.pairs > 0, self.right / np.maximum(self.pairs, 1), 0.5)


class _R2:
    """Part of the variance that out-of-fold scores explain, per permutation."""

    def __init__(self, labels: Floats) -> None:
        self.variance = float(pd.Series(labels[:, 0]).var(ddof=0))
        self.errors, self.times = np.zeros(labels.shape[1]), 0

    def add(self, scores: Floats, labels: Floats) -> None:
        self.errors += np.square(scores - labels).sum(axis=0)
        self.times += len(labels)

    def values(self) -> Floats:
        return np.asarray(1 - self.errors / self.times / self.variance)
