"""The probability from which on poor is called, for models that were taught other shares of poor.

A network that learned from balanced classes gives about 0.5 where a regression gives the share of
poor outcomes. At one threshold for all, their balanced accuracies cannot be compared.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions

DEFAULT = 0.5


def with_thresholds(
    predictions: Predictions, counted: NDArray[np.bool_] | None = None
) -> Predictions:
    """Give each test set the threshold that is best for the people outside it.

    These are judged by their own out-of-fold predictions in all repeats, which exist for every
    model alike: to nest further folds would train networks many times more. Models that predict
    the people outside have learned from those inside, but which threshold is best depends on
    that by so little that models without signal reach 0.50.

    Parameters
    ----------
    predictions : Predictions
        Probabilities of the poor class.
    counted : bool array, shape (n,), optional
        Whose predictions set thresholds; by default all.
    """
    judged = np.ones(len(predictions.truth), dtype=bool) if counted is None else counted
    thresholds = np.full(predictions.values.shape, DEFAULT)
    tested = predictions.folds > 0
    for repeat, folds in enumerate(predictions.folds):
        for fold in np.unique(folds[folds > 0]):
            inside = folds == fold
            outside = tested & judged & ~inside
            truth = np.broadcast_to(predictions.truth, outside.shape)[outside]
            thresholds[repeat, inside] = best_threshold(predictions.values[outside], truth)
    return replace(predictions, thresholds=thresholds)


def best_threshold(values: Floats, truth: Floats) -> float:
    """Threshold with the greatest balanced accuracy, in the middle of all that have it.

    Parameters
    ----------
    values : array, shape (n,)
        Probabilities; poor is called at the threshold or above.
    truth : array, shape (n,)
        1 poor, 0 good; 0.5 is returned where a class is missing, or nothing varies.

    Examples
    --------
    >>> best_threshold(np.array([0.1, 0.2, 0.6]), np.array([0, 0, 1]))
    0.4
    """
    n_poor = float(truth.sum())
    if not 0 < n_poor < len(truth) or np.ptp(values) == 0:
        return DEFAULT
    levels, place = np.unique(values, return_inverse=True)
    poor = np.bincount(place, truth, len(levels))[::-1].cumsum()[::-1]
    called = np.bincount(place, minlength=len(levels))[::-1].cumsum()[::-1]
    gain = poor / n_poor - (called - poor) / (len(truth) - n_poor)  # Youden's J at each level
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    if gain.max() <= 1e-12:
        return DEFAULT
    middle = int(best[len(best) // 2])
    return float((levels[middle - 1] + levels[middle]) / 2)
