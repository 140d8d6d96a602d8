"""Sets of classes and intervals of scores that hold the truth for 9 of 10 people.

Of models that cannot be kept with the models of all folds (`cvplus`): split-conformal limits,
calibrated on out-of-fold predictions of the training people, the mean of
each over repeats: like the final model it is steadier than a prediction of one fold. For classes
they are set within each true class, so that the promise holds for poor and for good outcomes alike,
not only on average (Vovk 2012, ACML; Romano et al. 2020). The final model learned from more people
than those that made the out-of-fold predictions: coverage is therefore measured and not taken from
theory, where the model can be fitted often by nesting. Out-of-fold errors that set the limits and
are then counted within them tell nothing: the share is what was asked for by construction.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions

LEVEL = 0.9
LEVEL_OUTSIDE = 0.975  # for people unlike those of training: a quarter of the misses
_TIE = 1e-9  # people alike have the same set, whatever 1 - (1 - p) is in binary
N_BANDS = 3  # of severity, for scores
SHARES = tuple(np.round(np.arange(0.2, 1.01, 0.1), 1))  # of people answered
CLASSES = {1: "poor", 0: "good"}
CALLED_POOR = 0.5  # least probability, as in all metrics
Span = tuple[float, float]
ANYTHING: Span = (-np.inf, np.inf)


@dataclass(frozen=True)
class Limits:
    """How far from the truth a prediction may be, before the truth is left out.

    Parameters
    ----------
    level : float
        Share of people whose set or interval holds the truth.
    poor, good : float
        Least probability of a class at which it is in the set; classification.
    half_width : float
        Of the interval, in units of the score; regression.
    least, most : float
        Range of the score, which intervals stay within.
    """

    level: float = LEVEL
    poor: float = 0.0
    good: float = 0.0
    half_width: float = np.inf
    least: float = -np.inf
    most: float = np.inf

    def interval(self, value: float) -> tuple[float, float]:
        """Interval around a predicted score.

        >>> Limits(half_width=9, least=0, most=66).interval(62)
        (53, 66)
        """
        return max(self.least, value - self.half_width), min(self.most, value + self.half_width)

    def classes(self, probability: float) -> tuple[str, ...]:
        """Classes that a probability of poor leaves possible: one, or both.

        One alone is never the other than that which the probability calls: there both are, as
        where neither would be left. A set that is larger holds the truth as often or more.

        >>> Limits(poor=0.3, good=0.4).classes(0.5), Limits(poor=0.3, good=0.4).classes(0.9)
        (('poor', 'good'), ('poor',))
        >>> Limits(poor=0.3, good=0.7).classes(0.35)  # called good
        ('poor', 'good')
        """
        named = (
            ("poor", probability >= self.poor - _TIE),
            ("good", 1 - probability >= self.good - _TIE),
        )
        left = tuple(name for name, possible in named if possible)
        called = "poor" if probability >= CALLED_POOR else "good"
        return left if called in left else tuple(CLASSES.values())

    def stretched(self, factor: float) -> "Limits":
        """Limits that allow errors `factor` times as great, and at most any.

        >>> Limits(poor=0.8, half_width=5).stretched(2)
        Limits(level=0.9, poor=0.6, good=0.0, half_width=10, least=-inf, most=inf)
        """
        poor, good = (max(1 - (1 - limit) * factor, 0.0) for limit in (self.poor, self.good))
        half = self.half_width * factor
        return replace(self, poor=round(poor, 12), good=round(good, 12), half_width=half)


def conformal_limits(
    predictions: Predictions, task: str, level: float = LEVEL, span: Span = ANYTHING
) -> Limits:
    """Calibrate limits on out-of-fold predictions of people like those to come: patients.

    A class with fewer than 9 people (at 90 %) is in every set: nothing can be promised. `span`
    is the range of the score, in which the truth is and intervals stay.
    """
    errors = _errors(predictions, task)
    if task != "classification":
        return Limits(level, half_width=_limit(errors, level), least=span[0], most=span[1])
    limits = {
        name: 1 - _limit(errors[predictions.truth == value], level)
        for value, name in CLASSES.items()
    }
    return Limits(level, **{name: max(limit, 0.0) for name, limit in limits.items()})


def _means(predictions: Predictions) -> Floats:
    """Mean prediction of each person over repeats, NaN where never tested, shape (n,)."""
    tested = np.isfinite(predictions.values)
    total = np.where(tested, predictions.values, 0).sum(axis=0)
    return np.where(tested.any(axis=0), total / np.maximum(tested.sum(axis=0), 1), np.nan)


def _errors(predictions: Predictions, task: str) -> Floats:
    """Distance of the mean prediction from the truth, NaN where never tested, shape (n,)."""
    means = _means(predictions)
    if task != "classification":
        return np.abs(means - predictions.truth)
    return np.where(predictions.truth == 1, 1 - means, means)


def _limit(errors: Floats, level: float) -> float:
    """Error that a new person exceeds with a chance of 1 - `level`; infinite for too few people.

    Between the ranks of two errors the limit is interpolated: taking the greater one, as the proof
    of a lower bound does, would cover 2 % more than asked for in a class of 25.
    """
    known = np.sort(errors[np.isfinite(errors)])
    rank = (len(known) + 1) * level
    if rank > len(known):
        return np.inf
    return float(np.interp(rank, np.arange(1, len(known) + 1), known))


def conformal_coverage(
    predictions: Predictions, task: str, level: float = LEVEL, span: Span = ANYTHING
) -> pd.DataFrame:
    """Coverage and size for each person in turn, with limits calibrated on the others.

    Of models that are too costly to fit often. It says how large sets are and whom they fail, but
    `level` of all people are covered whatever the model: see `cvplus.nested_coverage`.

    Parameters are those of `conformal_limits`.

    Returns
    -------
    DataFrame
        Columns group ("all"; "poor" and "good", or thirds of the score), level, coverage, low and
        high (95 %, Wilson), size (classes in the set, or width in units of the score), single
        (share of people with one class left, missing for scores) and n_people.
    """
    people = np.flatnonzero((predictions.folds > 0).any(axis=0))
    rows = np.array([_left_out(predictions, task, level, span, int(i)) for i in people])
    return coverage_table(rows, predictions.truth[people], task, level)


def coverage_table(rows: Floats, truth: Floats, task: str, level: float) -> pd.DataFrame:
    """One row per group of people, from covered, size and single of each, shape (n, 3).

    Columns are those of `conformal_coverage`.
    """
    table = []
    for group, members in _groups(truth, task).items():
        n = int(members.sum())
        if n == 0:
            continue
        covered, size, single = rows[members].mean(axis=0)
        low, high = stats.binomtest(round(covered * n), n).proportion_ci(method="wilson")
        alone = single if task == "classification" else np.nan
        table.append((group, level, covered, low, high, size, alone, n))
    columns = ["group", "level", "coverage", "low", "high", "size", "single", "n_people"]
    return pd.DataFrame(table, columns=columns)


def _left_out(
    predictions: Predictions, task: str, level: float, span: Span, person: int
) -> tuple[float, float, float]:
    """Covered, size, and whether one class is left, as 0 or 1 where it is yes or no."""
    others = np.arange(len(predictions.truth)) != person
    limits = conformal_limits(predictions.of_people(others), task, level, span)
    value, truth = float(_means(predictions)[person]), float(predictions.truth[person])
    return _held(limits, value, truth, task)


def _held(limits: Limits, value: float, truth: float, task: str) -> tuple[float, float, float]:
    """Whether limits around a prediction hold the truth, their size, and whether one class is left.

    Both yes and no are 1 and 0.
    """
    if task != "classification":
        low, high = limits.interval(value)
        return float(low <= truth <= high), high - low, np.nan
    chosen = limits.classes(value)
    return float(CLASSES[int(truth)] in chosen), len(chosen), float(len(chosen) == 1)


def _groups(truth: Floats, task: str) -> dict[str, NDArray[np.bool_]]:
    groups = {"all": np.ones(len(truth), dtype=bool)}
    if task == "classification":
        return groups | {name: truth == value for value, name in CLASSES.items()}
    edges = np.quantile(truth, np.linspace(0, 1, N_BANDS + 1)[1:-1])
    band = np.searchsorted(edges, truth)
    names = ("lowest third", "middle third", "highest third")
    return groups | {name: band == k for k, name in enumerate(names)}


def abstention_curve(predictions: Predictions) -> pd.DataFrame:
    """Accuracy when only the surest are answered: columns share_answered, accuracy, n_people.

    The surest are those furthest from 0.5, within each repeat.
    """
    rows = []
    for share in SHARES:
        right, answered = 0, 0
        for one in predictions.by_repeat():
            n = max(1, round(share * len(one.truth)))
            surest = np.argsort(-np.abs(one.values[0] - 0.5), kind="stable")[:n]
            right += int(((one.values[0] >= 0.5) == one.truth)[surest].sum())
            answered += n
        rows.append((share, right / answered, round(answered / len(predictions.values))))
    return pd.DataFrame(rows, columns=["share_answered", "accuracy", "n_people"])
