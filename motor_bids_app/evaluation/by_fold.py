"""Metrics of every test set by itself, as gao2025 prints them."""

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from motor_bids_app.evaluation.predictions import Predictions

PRINTED = ("accuracy", "roc_auc", "specificity", "sensitivity", "f1", "balanced_accuracy")


def by_fold(predictions: Predictions, fold_metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the printed metrics and a p of the accuracy of each test set.

    Parameters
    ----------
    predictions : Predictions
        Probabilities of the poor class, trainings averaged.
    fold_metrics : DataFrame
        Columns repeat, fold, metric, value of the same model and people (`split_metrics`).

    Returns
    -------
    DataFrame
        Columns repeat, fold, n_people, n_poor, those of `PRINTED`, p_value and least_p. p is the
        share of all ways to deal the labels out among the tested people that give this accuracy
        or more: the limit of shuffling them ever more often. It depends on how many of the poor
        are called poor alone, hence is hypergeometric (Fisher's exact test, one-sided). least_p
        is the p of a faultless fold: what so few people can reach at all.
    """
    keys = ["repeat", "fold", "metric"]
    known = fold_metrics.set_index(keys)["value"].to_dict()
    rows = []
    for repeat, part in enumerate(predictions.by_repeat(), start=1):
        for fold in np.unique(part.folds):
            own = part.folds[0] == fold
            called, poor = part.values[0][own] >= 0.5, part.truth[own] == 1
            n, n_poor, n_called = len(poor), int(poor.sum()), int(called.sum())
            right = int((called & poor).sum())
            p = hypergeom.sf(right - 1, n, n_poor, n_called)
            least = hypergeom.sf(n_poor - 1, n, n_poor, n_poor)
            values = [known.get((repeat, int(fold), name), np.nan) for name in PRINTED]
            rows.append((repeat, int(fold), n, n_poor, *values, float(p), float(least)))
    names = ["repeat", "fold", "n_people", "n_poor", *PRINTED, "p_value", "least_p"]
    return pd.DataFrame(rows, columns=names)
