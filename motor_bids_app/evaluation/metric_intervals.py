"""The interval of each metric, by the method that suits it."""

import numpy as np

from motor_bids_app.evaluation.balanced import people_behind
from motor_bids_app.evaluation.calibration import varies_within
from motor_bids_app.evaluation.crossvalidation import metrics_for
from motor_bids_app.evaluation.intervals import (
    auc_interval,
    balanced_interval,
    correlation_interval,
    coupling,
    error_interval,
)
from motor_bids_app.evaluation.metrics import Floats, ordered_pairs, own_thresholds, shares_at
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.statistics import (
    exact_limit,
    percentile_interval,
    proportion_noise_floor,
    resampled_half_width,
)

_RANGES = {
    "r2": (-np.inf, 1.0),
    "mae": (0.0, np.inf),
    "rmse": (0.0, np.inf),
    "r": (-1.0, 1.0),
    "quadratic_kappa": (-1.0, 1.0),
}
BALANCED = ("balanced_accuracy", "balanced_accuracy_own")


def interval_of(
    metric: str,
    value: float,
    resampled: Floats,
    predictions: Predictions,
    by_split: Floats,
    task: str,
) -> tuple[float, float]:
    """Interval of a metric, by `intervals` where there is one for it.

    Other shares of people have the bootstrap interval over people, at least as wide as the
    corrected resampled one (Nadeau and Bengio 2003) and as the binomial one. One of 0 or 1 has
    the exact binomial limit; so has an AUC, with one success per person of the smaller class.

    Parameters
    ----------
    resampled : array, shape (n_resamples,)
    by_split : array, shape (n_splits,)
        The metric of each fitted model; NaN where a test set lacks a class.
    """
    if not np.isfinite(value):
        return np.nan, np.nan
    low, high = percentile_interval(resampled)
    people = _people_of(metric, predictions) if task != "regression" else None
    if people is not None and value in (0, 1):
        return (exact_limit(people), 1.0) if value == 1 else (0.0, 1 - exact_limit(people))
    if metric in BALANCED and varies_within(predictions):
        return _balanced(metric, predictions)
    if low == high:  # the same in every resample: so by construction, as a constant prediction
        return low, high
    folds = predictions.folds
    if metric == "roc_auc":
        return auc_interval(value, ordered_pairs(predictions)[1], coupling(folds))
    if metric == "r":
        return correlation_interval(
            value, len(predictions.truth), coupling(folds), _unsteady(predictions)
        )
    least, most = _RANGES.get(metric, (0.0, 1.0))
    if task == "regression" or metric == "brier":
        low, high = error_interval(metric, value, predictions.values, folds, predictions.truth)
        return max(least, low), min(most, high)
    half = resampled_half_width(by_split, predictions.test_to_train)
    if people is not None:
        half = max(half, proportion_noise_floor(people, value))
    return max(least, min(low, value - half)), min(most, max(high, value + half))


def _balanced(metric: str, predictions: Predictions) -> tuple[float, float]:
    limits = own_thresholds(predictions) if metric == "balanced_accuracy_own" else 0.5
    once = np.ones((1, len(predictions.truth)))
    sensitivity, specificity = (float(x[0]) for x in shares_at(predictions, once, limits))
    people = people_behind(predictions.truth == 1, predictions.folds)
    return balanced_interval((sensitivity, specificity), people, coupling(predictions.folds))


def _unsteady(predictions: Predictions) -> float:
    """Variance between repeats of the correlation, as Fisher's z; 0 for one repeat."""
    compute = metrics_for("regression")
    found = np.array([float(compute(one)["r"][0]) for one in predictions.by_repeat()])
    known = found[np.isfinite(found)]
    return float(np.arctanh(np.clip(known, -0.99, 0.99)).var(ddof=1)) if len(known) > 1 else 0.0


def _people_of(metric: str, predictions: Predictions) -> int | None:
    """How many people a share is of; None for metrics that are none."""
    n_poor = int((predictions.truth == 1).sum())
    n_good = len(predictions.truth) - n_poor
    n_called = round(float((np.nan_to_num(predictions.values) >= 0.5).sum(axis=1).mean()))
    return {
        "roc_auc": min(n_poor, n_good),
        **dict.fromkeys(BALANCED, min(n_poor, n_good)),
        "sensitivity": n_poor,
        "recall": n_poor,
        "specificity": n_good,
        "accuracy": n_poor + n_good,
        "precision": max(1, n_called),
        "f1": min(n_poor, n_good),
    }.get(metric)
