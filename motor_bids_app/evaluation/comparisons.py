"""Models against simpler ones, on the same people and splits."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.crossvalidation import metrics_for, primary_metric, split_metrics
from motor_bids_app.evaluation.metrics import Floats, Predictions
from motor_bids_app.evaluation.statistics import (
    bootstrap_weights,
    corrected_t_test,
    holm,
    percentile_interval,
    resampled_half_width,
)
from motor_bids_app.evaluation.summary import metric_interval


def compare_models(
    predictions: Mapping[str, Predictions], order: Sequence[str], task: str, seed: int
) -> pd.DataFrame:
    """Compare every model with the best of the simpler ones, in the primary metric.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        By model, on the same splits.
    order : sequence of str
        Models, simplest first.
    task : str
        "classification" or "regression".
    seed : int
        Of the resamples.

    Returns
    -------
    DataFrame
        Columns model, reference, metric, difference, low, high (see `difference_interval`), t,
        p_value (corrected resampled t-test, but at least `smallest_p`), p_holm (that, corrected
        for the number of models) and n_splits. No row for the first model.
    """
    metric, compute = primary_metric(task), metrics_for(task)
    estimates = {name: float(compute(predictions[name])[metric][0]) for name in order}
    pairs = [
        (name, max(order[:position], key=lambda simpler: estimates[simpler]))
        for position, name in enumerate(order[1:], start=1)
    ]
    return compare_pairs(predictions, pairs, task, seed)


def compare_pairs(
    predictions: Mapping[str, Predictions], pairs: Sequence[tuple[str, str]], task: str, seed: int
) -> pd.DataFrame:
    """Compare each first model with the second; the table is that of `compare_models`."""
    metric, compute = primary_metric(task), metrics_for(task)
    least = smallest_p(next(iter(predictions.values())).truth, task)
    rows = []
    for name, reference in pairs:
        ours, theirs = predictions[name], predictions[reference]
        by_split = _by_split(ours, task, metric) - _by_split(theirs, task, metric)
        changes = np.asarray(by_split, dtype=np.float64)
        test = corrected_t_test(changes, ours.test_to_train)
        difference = float(compute(ours)[metric][0] - compute(theirs)[metric][0])
        interval = difference_interval(ours, theirs, task, changes, seed)
        p_value = max(test.p, least)
        rows.append(
            (name, reference, metric, difference, *interval, test.t, p_value, test.n_splits)
        )
    columns = [
        "model",
        "reference",
        "metric",
        "difference",
        "low",
        "high",
        "t",
        "p_value",
        "n_splits",
    ]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(8, "p_holm", holm(table["p_value"].to_numpy(np.float64)))
    return table


def smallest_p(truth: Floats, task: str) -> float:
    """Least p that a test on these people can have: one over the ways to deal out their outcomes.

    When all differences between splits are alike, a t-test is sure of anything.

    >>> smallest_p(np.array([1, 1, 0, 0, 0]), "classification")
    0.1
    """
    n, n_poor = len(truth), int((truth == 1).sum())
    return 1 / (math.comb(n, n_poor) if task == "classification" else math.factorial(min(n, 20)))


def difference_interval(
    ours: Predictions, theirs: Predictions, task: str, changes: Floats, seed: int
) -> tuple[float, float]:
    """95 % interval of the difference of two models in the primary metric.

    Paired bootstrap over people, at least as wide as the corrected resampled interval (Nadeau and
    Bengio 2003). Where one model has the same value in every resample, because it is constant or
    always right, a bootstrap knows nothing of its uncertainty: there the intervals of the two
    are put together (Zou and Donner 2008, Stat Med 27:1693).

    Parameters
    ----------
    changes : array, shape (n_splits,)
        Differences within splits; NaN where a test set lacks a class.
    """
    metric, compute = primary_metric(task), metrics_for(task)
    weights = bootstrap_weights(len(ours.truth), seed)
    resampled = [compute(one, weights)[metric] for one in (ours, theirs)]
    difference = float(compute(ours)[metric][0] - compute(theirs)[metric][0])
    low, high = percentile_interval(resampled[0] - resampled[1])
    half = resampled_half_width(changes, ours.test_to_train)
    low, high = min(low, difference - half), max(high, difference + half)
    if all(np.nanmax(values) > np.nanmin(values) for values in resampled):
        return low, high
    own, low_own, high_own = metric_interval(ours, metric, task, seed)
    other, low_other, high_other = metric_interval(theirs, metric, task, seed)
    down = math.hypot(own - low_own, high_other - other)
    up = math.hypot(high_own - own, other - low_other)
    return min(low, difference - down), max(high, difference + up)


def _by_split(predictions: Predictions, task: str, metric: str) -> "pd.Series[float]":
    table = split_metrics(predictions, task)
    return table[table["metric"] == metric].set_index(["repeat", "fold"])["value"]
