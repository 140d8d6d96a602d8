"""Models against simpler ones, on the same people and splits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from motor_bids_app.evaluation.crossvalidation import (
    metrics_for,
    primary_metric,
    resampled_primary,
    split_metrics,
)
from motor_bids_app.evaluation.intervals import coupled_variance, coupling
from motor_bids_app.evaluation.metrics import Floats, ordered_pairs
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.statistics import (
    LEVEL,
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
        Columns model, reference, metric, difference, low, high (see `difference_interval`), t (of
        the corrected resampled t-test), p_value (the greater of that over splits and that over
        people, see `PeopleTest`, but at least `smallest_p`; NaN where differences do not vary, or
        in fewer than 3 splits), p_holm (that, corrected for the number of models) and n_splits.
        No row for the first model.
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
        # A difference must hold over splits and over people; the maximum of NaN is NaN.
        p_value = float(np.max([test.p, people_test(ours, theirs, task).p, least]))
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


@dataclass(frozen=True)
class PeopleTest:
    """Test of the difference of two models over people.

    Parameters
    ----------
    difference, error : float
        In the primary metric; of ordered classes, in the mean squared error.
    freedom : float
        Degrees of freedom of Student's t.
    """

    difference: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """Two-sided p; NaN where the models do not differ in any person."""
        if not self.error > 0:
            return np.nan
        return float(2 * stats.t.sf(abs(self.difference) / self.error, self.freedom))

    @property
    def half_width(self) -> float:
        """Half-width of the 95 % interval."""
        return float(stats.t.isf((1 - LEVEL) / 2, self.freedom) * self.error)


def people_test(ours: Predictions, theirs: Predictions, task: str) -> PeopleTest:
    """Compare two models over people, of which the corrected t-test sees few at a time.

    AUCs as Hanley and McNeil (1983, Radiology 148:839): each has the variance of cross-validated
    AUCs (`coupled_variance`) at their mean, and their correlation is that of the placements of
    people (DeLong et al. 1988). Errors by a paired t-test of each person's mean loss.
    """
    if task == "classification":
        return _auc_test(ours, theirs)
    losses = []
    for one in (ours, theirs):
        told = np.floor(one.values + 0.5) if task == "ordinal" else one.values
        errors = np.where(one.folds > 0, told - one.truth, 0)
        losses.append(np.square(errors).sum(axis=0) / np.maximum((one.folds > 0).sum(axis=0), 1))
    scale = float(ours.truth.var()) if task == "regression" else 1.0
    gains = (losses[1] - losses[0]) / scale
    n = len(gains)
    return PeopleTest(float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(n)), n - 1)


def _auc_test(ours: Predictions, theirs: Predictions) -> PeopleTest:
    (right, pairs), (other, _) = ordered_pairs(ours), ordered_pairs(theirs)
    aucs = [each.sum() / pairs.sum() for each in (right, other)]
    excess = [each - auc * pairs for each, auc in zip((right, other), aucs, strict=True)]
    scatter = sum(
        n / (n - 1) * np.cov([each.sum(axis=1 - axis) for each in excess], ddof=0) * n
        for axis, n in enumerate(pairs.shape)
    )
    variance = coupled_variance(float(np.mean(aucs)), pairs, coupling(ours.folds))
    own, its = np.diag(scatter)
    if own > 0 and its > 0:
        both = 2 * variance * max(0.0, 1 - scatter[0, 1] / np.sqrt(own * its))
    else:  # a model that gives everyone the same does not vary
        both = variance * float((own > 0) + (its > 0))
    return PeopleTest(float(aucs[0] - aucs[1]), float(np.sqrt(both)), 2 * min(pairs.shape) - 2)


def difference_interval(
    ours: Predictions, theirs: Predictions, task: str, changes: Floats, seed: int
) -> tuple[float, float]:
    """95 % interval of the difference of two models in the primary metric.

    Paired bootstrap over people, at least as wide as the corrected resampled interval (Nadeau and
    Bengio 2003) and as that of `people_test`. Where one model has the same value in every
    resample, because it is constant or always right, a bootstrap knows nothing of its
    uncertainty: there the intervals of the two are put together (Zou and Donner 2008, Stat Med
    27:1693).

    Parameters
    ----------
    changes : array, shape (n_splits,)
        Differences within splits; NaN where a test set lacks a class.
    """
    metric, compute = primary_metric(task), metrics_for(task)
    weights = bootstrap_weights(len(ours.truth), seed)
    resampled = [resampled_primary(one, task, weights) for one in (ours, theirs)]
    difference = float(compute(ours)[metric][0] - compute(theirs)[metric][0])
    low, high = percentile_interval(resampled[0] - resampled[1])
    half = resampled_half_width(changes, ours.test_to_train)
    if task != "ordinal":
        half = max(half, people_test(ours, theirs, task).half_width)
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
