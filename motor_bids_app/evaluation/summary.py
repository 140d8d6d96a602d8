"""Table of an evaluation: metrics with intervals."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from motor_bids_app.evaluation.calibration import (
    calibration_metrics,
    spreads_of_odds,
)
from motor_bids_app.evaluation.crossvalidation import metrics_for, split_metrics
from motor_bids_app.evaluation.intervals import (
    correlation_interval,
    coupling,
    jackknife_half_width,
    pair_variance,
    slope_interval,
)
from motor_bids_app.evaluation.metric_intervals import BALANCED, interval_of
from motor_bids_app.evaluation.metrics import Floats, ordered_pairs
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import MIN_CLASS
from motor_bids_app.evaluation.statistics import (
    LEVEL,
    bootstrap_weights,
    correlation_noise_floor,
    delong_half_width,
    proportion_noise_floor,
    r2_noise_floor,
)

METRIC_COLUMNS = [
    "model", "population", "metric", "value", "low", "high", "delong_low", "delong_high",
    "noise_floor", "repeat_sd", "repeat_min", "repeat_max", "n_people", "n_poor",
]  # fmt: skip
ROOM = {"roc_auc": 0.5, "r2": 1.0, "r": 1.0, "quadratic_kappa": 1.0}  # from chance to the end
Participants = NDArray[np.bool_]  # True for those counted, shape (n_people,)


def noise_floor(metric: str, predictions: Predictions, task: str) -> float:
    """Half-width of the band that chance alone fills; NaN where none is known.

    Hanley-McNeil for the AUC over the pairs that were compared, and Fisher for a correlation, both
    with the `coupling` of people who are tested and train; binomial for shares of people;
    Olkin-Finn for R², at its widest.
    """
    n = len(predictions.truth)
    if metric == "roc_auc":
        variance = pair_variance(0.5, ordered_pairs(predictions)[1]) * coupling(predictions.folds)
        return min(ROOM[metric], float(stats.norm.isf((1 - LEVEL) / 2) * np.sqrt(variance)))
    if task == "regression":
        coupled = coupling(predictions.folds)
        floors = {"r": correlation_interval(0, n, coupled)[1], "r2": r2_noise_floor(n)}
        return floors.get(metric, np.nan)
    if task == "ordinal":  # kappa by chance varies as a correlation does (Fleiss et al. 1969)
        floors = {
            "quadratic_kappa": correlation_noise_floor(n),
            "accuracy": proportion_noise_floor(n),
        }
        return floors.get(metric, np.nan)
    n_poor = int(predictions.truth.sum())
    poor, good = proportion_noise_floor(n_poor), proportion_noise_floor(n - n_poor)
    floors = {
        "accuracy": proportion_noise_floor(n),
        "sensitivity": poor,
        "recall": poor,
        "specificity": good,
        **dict.fromkeys(BALANCED, float(np.hypot(poor, good)) / 2),
    }
    return floors.get(metric, np.nan)


def metrics_table(
    predictions: Mapping[str, Predictions],
    task: str,
    seed: int,
    populations: Mapping[str, Participants],
    *,
    uncalibrated: Collection[str] = (),
) -> pd.DataFrame:
    """Metrics of every model with 95 % intervals; see `intervals` for those of most.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        By model; the same people in the same order.
    task : str
        "classification" or "regression".
    seed : int
        Of the resamples, which are the same for all models.
    populations : mapping of str to bool array, shape (n_people,)
        Groups of people to report on, such as "patients" and "all". One that lacks a class
        is left out.
    uncalibrated : collection of str
        Models whose predictions are not meant as probabilities, and have no calibration.

    Returns
    -------
    DataFrame
        Columns `METRIC_COLUMNS`; `noise_floor` and `repeat_*` as `noise_floor` and the spread of
        the metric over repeats; `delong_*` is known for the AUC only, and `n_poor` is missing
        for a regression. Of classes, calibration too: see `calibration_metrics`.
    """
    rows = []
    for model, all_people in predictions.items():
        for population, members in populations.items():
            # A holdout may never test some people; they neither count nor narrow the interval.
            one = all_people.of_people(members & (all_people.folds > 0).any(axis=0))
            if _reportable(one, task):
                rows += [(model, population, *row) for row in metric_rows(one, task, seed)]
                if task == "classification" and model not in uncalibrated:
                    rows += [(model, population, *row) for row in calibration_rows(one)]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def _reportable(predictions: Predictions, task: str) -> bool:
    """Whether all metrics are defined: both classes are there, and were tested together."""
    if task != "classification":
        return len(predictions.truth) > 2 and float(predictions.truth.std()) > 0
    n_poor = int(predictions.truth.sum())
    if min(n_poor, len(predictions.truth) - n_poor) < MIN_CLASS:
        return False
    return bool(np.isfinite(metrics_for(task)(predictions)["roc_auc"][0]))


def metric_rows(predictions: Predictions, task: str, seed: int) -> list[tuple[object, ...]]:
    """Rows of `metrics_table` from the metric on."""
    compute = metrics_for(task)
    n = len(predictions.truth)
    estimate = compute(predictions)
    resampled = compute(predictions, bootstrap_weights(n, seed))
    splits = split_metrics(predictions, task)
    repeats = pd.DataFrame([_first(compute(repeat)) for repeat in predictions.by_repeat()])
    n_poor = int((predictions.truth == 1).sum()) if task == "classification" else None
    counts = dict.fromkeys(estimate, (n, n_poor))
    if task == "classification":
        counts["roc_auc"] = _compared(predictions)
    return [
        (
            name,
            float(value[0]),
            *interval_of(
                name,
                float(value[0]),
                resampled[name],
                predictions,
                splits.loc[splits["metric"] == name, "value"].to_numpy(np.float64),
                task,
            ),
            *(_delong(predictions) if name == "roc_auc" else (np.nan, np.nan)),
            noise_floor(name, predictions, task),
            float(repeats[name].std(ddof=1)) if len(repeats) > 1 else np.nan,
            float(repeats[name].min()),
            float(repeats[name].max()),
            *counts[name],
        )
        for name, value in estimate.items()
    ]


def _compared(predictions: Predictions) -> tuple[int, int]:
    """People who are in a pair that an AUC counts, and how many of them are poor."""
    _, pairs = ordered_pairs(predictions)
    n_poor = int((pairs.sum(axis=1) > 0).sum())
    return n_poor + int((pairs.sum(axis=0) > 0).sum()), n_poor


def metric_interval(
    predictions: Predictions, metric: str, task: str, seed: int
) -> tuple[float, float, float]:
    """Value of one metric with its 95 % interval, as in `metrics_table`; NaN if undefined."""
    one = predictions.of_people(np.atleast_1d((predictions.folds > 0).any(axis=0)))
    if not _reportable(one, task):
        return np.nan, np.nan, np.nan
    compute, splits = metrics_for(task), split_metrics(one, task)
    value = float(compute(one)[metric][0])
    resampled = compute(one, bootstrap_weights(len(one.truth), seed))[metric]
    by_split = splits.loc[splits["metric"] == metric, "value"].to_numpy(np.float64)
    return value, *interval_of(metric, value, resampled, one, by_split, task)


def calibration_rows(predictions: Predictions) -> list[tuple[object, ...]]:
    """Rows of `metrics_table` on calibration, from the metric on."""
    n, n_poor = len(predictions.truth), int((predictions.truth == 1).sum())
    estimate = _first(calibration_metrics(predictions))
    without_one = calibration_metrics(predictions, 1 - np.eye(n))
    coupled, nan = coupling(predictions.folds), np.nan
    repeats = pd.DataFrame(
        [_first(calibration_metrics(repeat)) for repeat in predictions.by_repeat()]
    )
    rows: list[tuple[object, ...]] = []
    for name, value in estimate.items():
        spread = repeats[name].std(ddof=1) if len(repeats) > 1 else nan
        low = high = nan  # the expected error is above 0 by chance, and has no interval
        if name == "calibration_slope":
            spreads = spreads_of_odds(predictions)
            low, high = slope_interval(value, without_one[name], coupled, spreads)
        elif name != "ece":
            half = jackknife_half_width(without_one[name], coupled)
            low, high = value - half, value + half
        limits = (low, high, nan, nan, nan)
        rest = (float(spread), float(repeats[name].min()), float(repeats[name].max()))
        rows.append((name, value, *limits, *rest, n, n_poor))
    return rows


def _delong(predictions: Predictions) -> tuple[float, float]:
    """95 % interval of the AUC by DeLong, within 0 and 1; NaN where no pair or all are right."""
    right, pairs = ordered_pairs(predictions)
    auc, half = float(right.sum() / pairs.sum()), delong_half_width(right, pairs)
    if auc in (0, 1):
        return np.nan, np.nan
    return max(0.0, auc - half), min(1.0, auc + half)


def _first(values: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in values.items()}
