"""How much each of two predictions counts in their weighted sum (late fusion).

Networks are often too sure of themselves, one more than the other. A weight found for what they
say as it stands would be pulled towards the one that knows nothing, only because mixing with it is
less sure. Each prediction is therefore first brought to what it is worth, by a rising curve.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Array = NDArray[np.float64]
Task = Literal["classification", "regression"]
GRID = np.linspace(0, 1, 21)
_UNSURE = 0.5  # standard errors; with one, what knows nothing may keep more than a quarter
_LEAST = 1e-6  # probability, so that log odds are finite


@dataclass(frozen=True)
class Curve:
    """What a prediction is worth: a rising logistic curve in log odds, or a rising line.

    Attributes
    ----------
    intercept, slope : float
        The slope is 0 or more; 0 gives everyone the same.
    task : str
        "classification" or "regression".
    """

    intercept: float
    slope: float
    task: Task

    @classmethod
    def fit(cls, predicted: Array, y: Array, task: Task, usual: float = 0.0) -> "Curve":
        """Learn from predictions by models that did not learn from these people.

        A penalty of one prior person pulls the slope to what is usual. At 0 it keeps the slope
        finite where classes do not overlap, and small where predictions hardly differ: those of
        the final network may differ more, and would be blown up. What has been brought to its
        worth already has a usual slope of 1.
        """
        level = float(y.mean())
        if task == "classification":
            odds, level = _odds(predicted), float(logit(np.clip(level, _LEAST, 1 - _LEAST)))
            if np.ptp(odds) < _LEAST:
                return cls(level, 0.0, task)
            intercept, slope = _logistic(odds, y, level, usual)
        else:
            prior = float(y.var() / len(y))
            spread = float(predicted.var()) + prior
            together = float(np.cov(predicted, y, bias=True)[0, 1]) + usual * prior
            slope = together / spread if spread > 0 else 0.0
            intercept = level - slope * float(predicted.mean())
        return cls(intercept, slope, task) if slope > 0 else cls(level, 0.0, task)

    def __call__(self, predicted: Array) -> Array:
        """Return probabilities or scores; NaN stays NaN."""
        if self.task == "classification":
            return np.asarray(expit(self.intercept + self.slope * _odds(predicted)))
        return self.intercept + self.slope * predicted


def _added(predicted: Array, task: Task) -> Array:
    """What is added: log odds, in which evidence of independent sources adds up, or scores."""
    return _odds(predicted) if task == "classification" else predicted


def _odds(probability: Array) -> Array:
    return np.asarray(logit(np.clip(probability, _LEAST, 1 - _LEAST)))


def _logistic(odds: Array, y: Array, level: float, usual: float) -> tuple[float, float]:
    """Intercept and slope of the likeliest logistic curve; the slope has the prior N(usual, 1)."""

    def loss(line: Array) -> tuple[float, Array]:
        values, off = line[0] + line[1] * odds, line[1] - usual
        residuals = expit(values) - y
        total = float((np.logaddexp(0, values) - y * values).sum() + 0.5 * off**2)
        return total, np.array([residuals.sum(), residuals @ odds + off])

    found = minimize(
        loss, np.array([level, usual]), jac=True, method="BFGS", options={"gtol": 1e-7}
    )
    return float(found.x[0]), float(found.x[1])


def best_weight(first: Array, second: Array, y: Array, task: Task) -> float:
    """Return the weight of `first` in ``w * first + (1 - w) * second``, log odds of classes.

    It is the nearest to 0.5 of those that predict about as well as the best one, as Breiman et al.
    (1984) choose among trees: the best of a few dozen people is mostly chance, and being far from
    equal weights without need costs more than it gains.

    Parameters
    ----------
    first, second : float array, shape (n_people,)
        Predictions brought to what they are worth.
    y : float array, shape (n_people,)
        Classes 0 and 1, or shares of sessions with class 1, judged by the log loss; or scores,
        judged by the squared error.

    Returns
    -------
    float
        Of `GRID`.
    """
    first, second = _added(first, task), _added(second, task)
    mixed = GRID[:, None] * first + (1 - GRID[:, None]) * second
    if task == "classification":
        losses = np.logaddexp(0, mixed) - y * mixed
    else:
        losses = np.square(mixed - y)
    worse = losses - losses[losses.mean(axis=1).argmin()]
    unsure = _UNSURE * worse.std(axis=1) / np.sqrt(len(y))
    good = np.flatnonzero(worse.mean(axis=1) <= unsure + 1e-9)
    return float(GRID[good[np.argmin(np.abs(GRID[good] - 0.5))]])


def weighted_sum(
    predictions: Array, weights: Array, fallback: float, task: Task, whole: Curve | None = None
) -> Array:
    """Mix predictions, probabilities by their log odds; of whom only one is there, it counts alone.

    Parameters
    ----------
    predictions : float array, shape (n_scans, n_modalities)
        NaN where a scan lacks the modality.
    weights : float array, shape (n_modalities,)
        0 or more, with the sum 1.
    fallback : float
        For scans without any modality.
    whole : Curve, optional
        What the sum is worth where all modalities are there. A mean of two is never surer than
        the surer one, though halves that agree say more than either.

    >>> known = np.array([[0.2, 0.6], [np.nan, 0.6]])
    >>> weighted_sum(known, np.array([0.75, 0.25]), 0.5, "regression").round(6).tolist()
    [0.3, 0.6]
    """
    there = np.isfinite(predictions)
    # A modality that has no weight beside the other still says more than nothing.
    own = np.where(there, np.maximum(weights, 1e-9), 0)
    total = own.sum(axis=1)
    values = np.where(there, _added(predictions, task), 0)
    mixed = (own * values).sum(axis=1) / np.where(total > 0, total, 1)
    if task == "classification":
        mixed = expit(mixed)
    if whole is not None:
        mixed = np.where(there.all(axis=1), whole(mixed), mixed)
    return np.where(total > 0, mixed, fallback)
