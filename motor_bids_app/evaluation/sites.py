"""One result of several sites, which need not be alike: a random-effects summary."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from motor_bids_app.evaluation.intervals import pair_variance
from motor_bids_app.evaluation.metrics import ordered_pairs, regression_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.statistics import LEVEL

Floats = NDArray[np.float64]
MEAN, NEW = "mean of sites", "a new site"
COLUMNS = ["site", "metric", "value", "low", "high", "n_people", "n_poor"]
_LEAST = 4  # people of a correlation, which has a variance then


@dataclass(frozen=True)
class Pooled:
    """Mean of the true values of sites, with 95 % interval, and their variance between sites.

    `new` bounds the true value of another site like these; infinite for fewer than 3.
    """

    value: float
    low: float
    high: float
    between: float
    new: tuple[float, float]


def random_effects(values: Floats, variances: Floats, level: float = LEVEL) -> Pooled:
    """Pool the estimates of sites whose true values differ.

    The variance between sites is that of DerSimonian and Laird (1986, Control Clin Trials 7:177),
    the interval that of Hartung and Knapp (2001, Stat Med 20:3875), which holds with few sites,
    but is never narrower than the usual one (Röver et al. 2015, BMC Med Res Methodol 15:99).

    Parameters
    ----------
    values, variances : array, shape (n_sites,)
        Estimates on a scale on which they are about normal, of 2 sites or more.
    """
    n, weights = len(values), 1 / variances
    fixed = float((weights * values).sum() / weights.sum())
    spread = float((weights * (values - fixed) ** 2).sum())
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between = max(0.0, (spread - (n - 1)) / scale)
    weights = 1 / (variances + between)
    mean = float((weights * values).sum() / weights.sum())
    factor = max(1.0, float((weights * (values - mean) ** 2).sum()) / (n - 1))
    error = np.sqrt(factor / weights.sum())
    half = float(stats.t.isf((1 - level) / 2, n - 1) * error)
    wide = np.inf
    if n > 2:  # Higgins et al. 2009, J R Stat Soc A 172:137
        wide = float(stats.t.isf((1 - level) / 2, n - 2) * np.sqrt(between + error**2))
    return Pooled(mean, mean - half, mean + half, between, (mean - wide, mean + wide))


def sites_table(predictions: Predictions, sites: NDArray[np.object_], task: str) -> pd.DataFrame:
    """One row per site that was left out, of their mean, and of what a new site may have.

    Parameters
    ----------
    predictions : Predictions
        Each person once, by a model that learned at other sites.
    sites : array of str, shape (n_people,)
    task : str
        "classification": AUC, pooled as log odds. Others: correlation, pooled as Fisher's z.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. Sites without a value, of one class or of fewer than 4 people, are left
        out; empty for fewer than 2 others.
    """
    classify = task == "classification"
    metric, back = ("roc_auc", expit) if classify else ("r", np.tanh)
    rows: list[tuple[object, ...]] = []
    points: list[tuple[float, float]] = []
    for site in sorted(set(sites)):
        one = predictions.of_people(np.asarray(sites == site))
        found = _auc(one) if classify else _correlation(one)
        if found is None:
            continue
        value, point, variance = found
        half = float(stats.norm.isf((1 - LEVEL) / 2) * np.sqrt(variance))
        limits = float(back(point - half)), float(back(point + half))
        n_poor = int(one.truth.sum()) if classify else None
        rows.append((site, metric, value, *limits, len(one.truth), n_poor))
        points.append((point, variance))
    if len(points) < 2:
        return pd.DataFrame(columns=COLUMNS)
    pooled = random_effects(*np.array(points).T)
    n_people = sum(int(str(row[5])) for row in rows)
    n_poor = sum(int(str(row[6])) for row in rows) if classify else None
    mean, *limits_of_mean = (float(back(x)) for x in (pooled.value, pooled.low, pooled.high))
    rows.append((MEAN, metric, mean, *limits_of_mean, n_people, n_poor))
    rows.append((NEW, metric, mean, *(float(back(x)) for x in pooled.new), n_people, n_poor))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n_poor": "Int64"})


def _auc(predictions: Predictions) -> tuple[float, float, float] | None:
    """AUC, its log odds and their variance; half a pair is added on either side (Haldane)."""
    right, pairs = ordered_pairs(predictions)
    if pairs.sum() == 0:
        return None
    value = float(right.sum() / pairs.sum())
    inner = (value * pairs.size + 0.5) / (pairs.size + 1)
    variance = pair_variance(inner, np.ones_like(pairs)) / (inner * (1 - inner)) ** 2
    return value, float(logit(inner)), variance


def _correlation(predictions: Predictions) -> tuple[float, float, float] | None:
    """Correlation, Fisher's z and its variance."""
    n = len(predictions.truth)
    if n < _LEAST:
        return None
    value = float(regression_metrics(predictions)["r"][0])
    if not np.isfinite(value):
        return None
    return value, float(np.arctanh(np.clip(value, -0.999, 0.999))), 1 / (n - 3)
