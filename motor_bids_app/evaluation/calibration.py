"""Calibration of probabilities, and whether acting on them does more good than harm."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.statistics import (
    bootstrap_weights,
    percentile_interval,
    resampled_half_width,
)

CALIBRATION = ("calibration_slope", "calibration_intercept", "ece")
THRESHOLDS = tuple(np.round(np.arange(0.05, 0.951, 0.05), 2))
N_GROUPS = 5
_LEAST = 1e-6  # probability, so that its log odds are finite
_STEPS, _STRIDE, _HALVINGS = 50, 2.0, 30
_SMALL, _TINY = 1e-9, 1e-300
_PRIOR = 1e-6  # per person: keeps the slope finite where classes do not overlap
_CHUNK = 100  # resamples at a time


def calibration_metrics(
    predictions: Predictions, weights: Floats | None = None
) -> dict[str, Floats]:
    """Slope, intercept and expected error of the probabilities, all repeats taken together.

    The slope is that of a logistic regression of the class on the log odds predicted: below 1,
    predictions are too extreme. Log odds are taken from their mean in each test set: those of two
    models differ by whom they learned from, in the wrong direction where sites are unlike. The
    intercept is that of one with the slope held at 1: above 0,
    poor outcomes are more frequent than predicted (Van Calster et al. 2019, BMC Medicine
    17:230). The expected calibration error (ECE) is the mean distance between share and mean
    probability over fifths of the predictions, equal ones in the same fifth; by chance alone it
    is above 0.

    Parameters
    ----------
    predictions : Predictions
        Probabilities of the poor class.
    weights : array, shape (B, n), optional
        How often each person counts, in each of B resamples.

    Returns
    -------
    dict of array, shape (B,)
        By the names in `CALIBRATION`; the slope is NaN if predictions do not vary within any
        test set, and slope and intercept in a resample that lacks a class.
    """
    weights = np.ones((1, len(predictions.truth))) if weights is None else weights
    repeat, person = np.nonzero(predictions.folds > 0)
    probability = np.clip(predictions.values[repeat, person], _LEAST, 1 - _LEAST)
    truth, odds = predictions.truth[person], logit(probability)
    varies, inside = varies_within(predictions), _from_set_means(predictions, odds)
    parts = []
    for start in range(0, len(weights), _CHUNK):
        w = weights[start : start + _CHUNK, person]
        poor = w @ truth
        both = (poor > 0) & (poor < w.sum(axis=1))
        slope = logistic_slope(inside, truth, w) if varies else np.full(len(w), np.nan)
        parts.append(
            (
                np.where(both, slope, np.nan),
                np.where(both, logistic_intercept(odds, truth, w), np.nan),
                _expected_error(probability, truth, w),
            )
        )
    columns = zip(*parts, strict=True)
    return {name: np.concatenate(part) for name, part in zip(CALIBRATION, columns, strict=True)}


def _from_set_means(predictions: Predictions, odds: Floats) -> Floats:
    """Log odds of all tests, in the order of people in repeats, from the mean of their test set."""
    repeat, person = np.nonzero(predictions.folds > 0)
    _, place = np.unique(
        np.stack([repeat, predictions.folds[repeat, person]]), axis=1, return_inverse=True
    )
    place = place.ravel()
    return np.asarray(odds - (np.bincount(place, odds) / np.bincount(place))[place])


def spreads_of_odds(predictions: Predictions) -> Floats:
    """Standard deviation of log odds and number of people of each test set of two or more.

    Returns
    -------
    array, shape (n_sets, 2)
    """
    odds = logit(np.clip(predictions.values, _LEAST, 1 - _LEAST))
    found: list[tuple[float, int]] = []
    for row, folds in zip(odds, predictions.folds, strict=True):
        sets = [row[folds == fold] for fold in np.unique(folds[folds > 0])]
        found += [(float(own.std(ddof=1)), len(own)) for own in sets if len(own) > 1]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def varies_within(predictions: Predictions) -> bool:
    """Whether some fitted model predicts different probabilities for different people."""
    for values, folds in zip(predictions.values, predictions.folds, strict=True):
        for fold in np.unique(folds[folds > 0]):
            if np.ptp(values[folds == fold]) > 1e-9:
                return True
    return False


def logistic_slope(odds: Floats, truth: Floats, weights: Floats) -> Floats:
    """Slope of the logistic regression on `odds` in each resample, shape (B,).

    By Newton's method on standardised odds, each step halved until the loss does not rise: without
    that, probabilities of 0 and 1 let it swing for ever.
    """
    centre, spread = float(odds.mean()), float(odds.std())
    x = (odds - centre) / spread
    prior = _PRIOR * weights.sum(axis=1)  # on the slope of x, which should be `spread`

    def loss(level: Floats, rise: Floats) -> Floats:
        given = level[:, None] + rise[:, None] * x
        errors = (weights * (np.logaddexp(0, given) - truth * given)).sum(axis=1)
        return np.asarray(errors + prior * (rise - spread) ** 2 / 2)

    level, rise = np.zeros(len(weights)), np.zeros(len(weights))
    for _ in range(_STEPS):
        p = expit(level[:, None] + rise[:, None] * x)
        rest, curve = weights * (truth - p), weights * p * (1 - p)
        first, second = rest.sum(axis=1), rest @ x - prior * (rise - spread)
        a, b, c = curve.sum(axis=1) + prior, curve @ x, curve @ x**2 + prior
        scale = np.maximum(a * c - b * b, _TINY)
        step, turn = (c * first - b * second) / scale, (a * second - b * first) / scale
        longest = np.maximum(np.maximum(np.abs(step), np.abs(turn)), _TINY)
        share = np.minimum(1.0, _STRIDE / longest)
        before = loss(level, rise)
        for _ in range(_HALVINGS):
            worse = loss(level + share * step, rise + share * turn) > before + 1e-12 * before
            share = np.where(worse, share / 2, share)
            if not worse.any():
                break
        level, rise = level + share * step, rise + share * turn
        if (share * longest).max() < _SMALL:
            break
    return rise / spread


def logistic_intercept(odds: Floats, truth: Floats, weights: Floats) -> Floats:
    """Intercept of the logistic regression on `odds` with a slope of 1, shape (B,)."""
    intercept = np.zeros(len(weights))
    for _ in range(_STEPS):
        p = expit(intercept[:, None] + odds)
        step = (weights * (truth - p)).sum(axis=1) / np.maximum(
            (weights * p * (1 - p)).sum(axis=1), 1e-12
        )
        intercept += np.clip(step, -_STRIDE, _STRIDE)
        if np.abs(step).max() < 1e-9:
            break
    return intercept


def _expected_error(probability: Floats, truth: Floats, weights: Floats) -> Floats:
    gap = np.zeros(len(weights))
    middle = stats.rankdata(probability) - 0.5  # equal probabilities are in the same fifth
    fifth = np.floor(middle / len(middle) * N_GROUPS).astype(int)
    for number in np.unique(fifth):
        group = fifth == number
        gap += np.abs(weights[:, group] @ (truth[group] - probability[group]))
    return np.asarray(gap / np.maximum(weights.sum(axis=1), 1e-12))


def decision_curves(predictions: Mapping[str, Predictions], seed: int) -> pd.DataFrame:
    """Net benefit of acting on the predictions of each model, over thresholds.

    Net benefit = share of true positives - share of false positives x t / (1 - t): whoever acts
    at a probability of t takes one true positive to be worth (1 - t) / t false ones (Vickers and
    Elkin 2006, Med Decis Making 26:565).

    Parameters
    ----------
    predictions : mapping of str to Predictions
        By model; the same people, tested equally often by all models.
    seed : int
        Of the resamples.

    Returns
    -------
    DataFrame
        Columns model ("everyone" for acting on all), threshold, net_benefit, low and high (95 %:
        bootstrap over people, at least as wide as the corrected resampled interval of Nadeau and
        Bengio 2003). Acting on nobody has a net benefit of 0.
    """
    rows: list[tuple[object, ...]] = []
    some = next(iter(predictions.values()))
    # A holdout tests people unequally often: acting on all is judged in just those tests.
    everyone = replace(some, values=np.ones_like(some.values))
    for name, one in {**predictions, "everyone": everyone}.items():
        tested = one.folds > 0
        times = tested.sum(axis=0)
        weights = bootstrap_weights(len(one.truth), seed)
        total = np.maximum(weights @ times, 1)
        for threshold in THRESHOLDS:
            price = np.where(one.truth == 1, 1.0, -threshold / (1 - threshold))
            gain = np.where(tested & (one.values >= threshold), price, 0.0)  # NaN is not >=
            benefit = float(gain.sum() / times.sum())
            low, high = percentile_interval(weights @ gain.sum(axis=0) / total)
            half = resampled_half_width(_by_test_set(gain, one.folds), one.test_to_train)
            rows.append(
                (name, threshold, benefit, min(low, benefit - half), max(high, benefit + half))
            )
    return pd.DataFrame(rows, columns=["model", "threshold", "net_benefit", "low", "high"])


def _by_test_set(gain: Floats, folds: NDArray[np.int64]) -> Floats:
    """Mean gain of the people of each test set, shape (n_splits,); others of shape (R, n)."""
    means = [
        gain[repeat, row == fold].mean()
        for repeat, row in enumerate(folds)
        for fold in np.unique(row[row > 0])
    ]
    return np.array(means, dtype=np.float64)
