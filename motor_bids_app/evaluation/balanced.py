"""Sensitivity and specificity of the same fitted models, as balanced accuracy puts them together.

A model that learned at sites with few poor outcomes calls few people poor. Where sites are left
out in turn, it is tested where more are poor: of all poor people together too few are called so,
and of all good people, tested by the other models, too few are called good. The mean of these two
shares is below what the models reach.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Members = NDArray[np.bool_]
_TINY = 1e-12


def shares_by_test_set(
    right: Members, poor: Members, folds: NDArray[np.int64], weights: Floats
) -> tuple[Floats, Floats]:
    """Sensitivity and specificity in which a test set counts as much for the one as for the other.

    The weights are those of Mantel and Haenszel (1959, J Natl Cancer Inst 22:719): poor times good
    people, over all of them. Test sets of one class do not count. Where all are so, as where each
    person is tested alone, shares are those of all people together.

    Parameters
    ----------
    right : bool array, shape (R, n)
        Whether the class that was called is the true one.
    poor : bool array, shape (n,)
    folds : array of int, shape (R, n)
        As of `Predictions`.
    weights : array, shape (B, n)
        How often each person counts, in each of B resamples.

    Returns
    -------
    array, shape (B,), twice
        NaN in a resample that lacks a class, or has no test set of both.
    """
    sets = list(_test_sets(poor, folds))
    found = np.zeros((4, len(weights)))
    for repeat, own in sets:
        classes = np.stack([poor[own], ~poor[own]])
        counted = np.concatenate([classes, classes & right[repeat, own]]).astype(np.float64)
        n_poor, n_good, poor_right, good_right = (weights[:, own] @ counted.T).T
        people = np.maximum(n_poor + n_good, _TINY)
        pairs = n_poor * n_good / people
        found += [poor_right * n_good / people, pairs, good_right * n_poor / people, pairs]
    if not sets:
        tested = folds > 0
        hits, times = (right & tested).sum(axis=0), tested.sum(axis=0)
        found = np.stack([weights @ (own * n) for own in (poor, ~poor) for n in (hits, times)])
    known = found[1::2] > 0
    sensitivity, specificity = np.where(known, found[::2] / np.where(known, found[1::2], 1), np.nan)
    return sensitivity, specificity


def people_behind(poor: Members, folds: NDArray[np.int64]) -> tuple[float, float]:
    """Poor and good people of whom shares with equal weights would vary as much.

    Fewer than there are where test sets have unlike shares of them; those of all people where no
    test set has both classes.
    """
    each = np.array([(poor[own].sum(), (~poor[own]).sum()) for _, own in _test_sets(poor, folds)])
    if not len(each):
        return float(poor.sum()), float((~poor).sum())
    weights = each.prod(axis=1) / each.sum(axis=1)
    known = weights.sum() ** 2 / (weights[:, None] ** 2 / each).sum(axis=0)
    times = np.array([((folds > 0) & own).sum() / own.sum() for own in (poor, ~poor)])
    n_poor, n_good = known / times
    return float(n_poor), float(n_good)


def _test_sets(poor: Members, folds: NDArray[np.int64]) -> Iterator[tuple[int, Members]]:
    """Repeat and people of each test set that has both classes."""
    for repeat, row in enumerate(folds):
        for fold in np.unique(row[row > 0]):
            own = row == fold
            if 0 < poor[own].sum() < own.sum():
                yield repeat, own
