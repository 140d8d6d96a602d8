"""How one model does in parts of the cohort, and before and after recalibration."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import metrics_for, primary_metric
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.summary import calibration_rows, metric_rows

LEAST = 10  # people in a subgroup, and of them
LEAST_CLASS = 4  # in each class
COLUMNS = [
    "characteristic",
    "group",
    "metric",
    "value",
    "low",
    "high",
    "n_people",
    "n_poor",
    "remark",
]
CALIBRATION_COLUMNS = ["probabilities", "metric", "value", "low", "high", "n_people"]
_CALIBRATION = ("brier", "calibration_slope", "calibration_intercept", "ece")


def subgroup_table(
    predictions: Predictions,
    groups: Mapping[tuple[str, str], NDArray[np.bool_]],
    task: str,
    seed: int,
) -> pd.DataFrame:
    """Measure a model in parts of the cohort, in its primary metric.

    Subgroups are tested by the same fitted models as everyone; nothing is fitted to them. An
    R² compares with the mean of the subgroup.

    Parameters
    ----------
    predictions : Predictions
    groups : mapping of (characteristic, group) to bool array, shape (n_people,)
    task : str
        "classification" or "regression".
    seed : int
        Of the resamples.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. Groups of fewer than 10 tested people, or of fewer than 4 in a class,
        have no value; the remark says why.
    """
    metric = primary_metric(task)
    tested = (predictions.folds > 0).any(axis=0)
    rows: list[tuple[object, ...]] = []
    for (characteristic, group), members in groups.items():
        one = predictions.of_people(members & tested)
        n_poor = int((one.truth == 1).sum()) if task == "classification" else None
        remark = _why_not(one, task)
        value = low = high = np.nan
        if remark is None:
            found = {row[0]: row for row in metric_rows(one, task, seed)}
            value, low, high = (float(str(number)) for number in found[metric][1:4])
        counts = len(one.truth), n_poor, remark
        rows.append((characteristic, group, metric, value, low, high, *counts))
    return pd.DataFrame(rows, columns=COLUMNS)


def _why_not(predictions: Predictions, task: str) -> str | None:
    """Why a metric of these people would mean nothing; None if it does."""
    n = len(predictions.truth)
    if n < LEAST:
        return f"too few: fewer than {LEAST} people"
    if task != "classification":
        return None if np.ptp(predictions.truth) > 0 else "all have the same score"
    n_poor = int(predictions.truth.sum())
    if min(n_poor, n - n_poor) < LEAST_CLASS:
        return f"too few: fewer than {LEAST_CLASS} {'poor' if n_poor < n - n_poor else 'good'}"
    if not np.isfinite(metrics_for(task)(predictions)["roc_auc"][0]):
        return "no test set holds both classes"
    return None


def calibration_table(predictions: Mapping[str, Predictions], seed: int) -> pd.DataFrame:
    """Calibration of the same model in several states, with 95 % intervals.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        By state, such as "before" and "after" recalibration.

    Returns
    -------
    DataFrame
        Columns `CALIBRATION_COLUMNS`; see `calibration_metrics`, and the Brier score.
    """
    rows = []
    for state, all_people in predictions.items():
        tested = np.asarray((all_people.folds > 0).any(axis=0), dtype=bool)
        one = all_people.of_people(tested)
        found = [*metric_rows(one, "classification", seed), *calibration_rows(one)]
        by_name = {row[0]: row[1:4] for row in found}
        rows += [(state, name, *by_name[name], len(one.truth)) for name in _CALIBRATION]
    return pd.DataFrame(rows, columns=CALIBRATION_COLUMNS)
