"""How good a finished model is in people of elsewhere: one test set, and nothing is fitted."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.comparisons import difference_interval, people_test
from motor_bids_app.evaluation.crossvalidation import metrics_for, primary_metric
from motor_bids_app.evaluation.intervals import jackknife_half_width
from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.summary import metrics_table

METRIC_COLUMNS = ["metric", "value", "low", "high", "noise_floor", "n_people", "n_poor"]
COMPARISON_COLUMNS = ["model", "reference", "metric", "difference", "low", "high", "p_value"]
LEAST_SLOPE = 1e-9  # spread of predictions, below which they have no slope
_COUPLED = 1.0  # nobody who is tested trains: see `intervals.coupling`


def single_test_set(values: Floats, truth: "pd.Series[float]") -> Predictions:
    """Arrange predictions of one model for people none of whom it learned from.

    Parameters
    ----------
    values : array, shape (n_people,)
        Probability of the poor class, or predicted score.
    truth : Series, shape (n_people,)
        1 for poor and 0 for good, or the score, by participant_id.
    """
    return Predictions(
        np.asarray(values, dtype=np.float64)[None],
        np.ones((1, len(truth)), dtype=np.int64),
        np.asarray(truth, dtype=np.float64),
        truth.index.to_numpy(dtype=object),
        test_to_train=0.0,
    )


def external_metrics(predictions: Predictions, task: str, seed: int) -> pd.DataFrame:
    """Metrics with 95 % intervals, and calibration of whatever the task is.

    Calibration-in-the-large is the `calibration_intercept`: of classes the one of a logistic
    regression with the slope held at 1, of scores the mean of truth minus prediction. The slope is
    that of the truth on the prediction (of classes, on its log odds). See Van Calster et al. (2019,
    BMC Medicine 17:230) and Steyerberg (2019, Clinical Prediction Models, chapter 15).

    Returns
    -------
    DataFrame
        Columns `METRIC_COLUMNS`; empty where a class is missing, or all have one score.
    """
    everyone = {"patients": np.ones(len(predictions.truth), dtype=bool)}
    table = metrics_table({"model": predictions}, task, seed, everyone)[METRIC_COLUMNS]
    if task == "classification" or table.empty:
        return table
    rows = [
        (name, *limits, np.nan, len(predictions.truth), None)
        for name, limits in score_calibration(predictions.values[0], predictions.truth).items()
    ]
    return pd.concat([table, pd.DataFrame(rows, columns=METRIC_COLUMNS)], ignore_index=True)


def score_calibration(values: Floats, truth: Floats) -> dict[str, tuple[float, float, float]]:
    """Slope and intercept of predicted scores, each with low and high, by the jackknife.

    The slope is NaN where predictions do not vary.
    """
    kept = ~np.eye(len(truth), dtype=bool)
    found = {}
    for name, statistic in (("calibration_slope", _slope), ("calibration_intercept", _bias)):
        value = statistic(values, truth)
        without_one = np.array([statistic(values[others], truth[others]) for others in kept])
        half = jackknife_half_width(without_one, _COUPLED)
        found[name] = (value, value - half, value + half)
    return found


def _slope(values: Floats, truth: Floats) -> float:
    deviations = values - values.mean()
    spread = float(np.square(deviations).sum())
    return float(deviations @ truth) / spread if spread > LEAST_SLOPE else np.nan


def _bias(values: Floats, truth: Floats) -> float:
    return float((truth - values).mean())


def compare_external(predictions: Mapping[str, Predictions], task: str, seed: int) -> pd.DataFrame:
    """Compare every model with the first, on the same people, in the primary metric.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        By model; the same people in the same order.

    Returns
    -------
    DataFrame
        Columns `COMPARISON_COLUMNS`; the interval is that of `difference_interval`, the p that of
        `people_test`, NaN where the models do not differ in anybody.
    """
    metric, compute = primary_metric(task), metrics_for(task)
    (reference, theirs), *others = predictions.items()
    base = float(compute(theirs)[metric][0])
    rows = []
    for name, ours in others:
        difference = float(compute(ours)[metric][0]) - base
        limits = difference_interval(ours, theirs, task, np.empty(0), seed)
        p_value = people_test(ours, theirs, task).p
        rows.append((name, reference, metric, difference, *limits, p_value))
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)
