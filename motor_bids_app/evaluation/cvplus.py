"""CV+: limits for a new person from the models of all folds, with a guarantee.

Each earlier person has an error by the model of the fold that left that person out. A new person is
asked of all these models: an outcome is possible unless it would be stranger, by their judgement,
than nearly all earlier people were. Unlike limits from out-of-fold errors around one final model,
this holds whatever the model and however unsteady its training, as long as new people are like the
earlier ones (Barber et al. 2021, Annals of Statistics 49:486; for classes Romano et al. 2020,
NeurIPS 33:3581). The promise that is proved is weaker than the share aimed at, see `guaranteed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.conformal import (
    ANYTHING,
    CALLED_POOR,
    CLASSES,
    LEVEL,
    Span,
    coverage_table,
)
from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions

_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class CvPlus:
    """Errors of earlier people, by the models that had not learned from them.

    Parameters
    ----------
    errors : array, shape (n,)
        Distance of the score from its prediction, or 1 minus the probability of the true class.
    folds : array of int, shape (n,)
        Position of that model, from 0.
    truth : array, shape (n,)
        1 poor, 0 good; empty for scores.
    span : (float, float)
        Range of the score.
    """

    errors: Floats
    folds: NDArray[np.int64]
    truth: Floats
    span: Span = ANYTHING

    @classmethod
    def of(cls, predictions: Predictions, task: str, span: Span = ANYTHING) -> Self:
        """Take the errors of a cross-validation without repeats; folds are numbered from 1 on."""
        tested = predictions.folds[0] > 0
        told, truth = predictions.values[0, tested], predictions.truth[tested]
        folds = predictions.folds[0, tested] - 1
        if task != "classification":
            return cls(np.abs(told - truth), folds, np.empty(0), span)
        return cls(np.where(truth == 1, 1 - told, told), folds, truth)

    def interval(
        self, told: Floats, value: float, level: float = LEVEL, stretch: float = 1.0
    ) -> Span | None:
        """Interval of the score of a new person; None where people are too few for one.

        Parameters
        ----------
        told : array, shape (n_folds,)
            Predictions of the models of the folds.
        value : float
            That of the final model, which is never left out.
        stretch : float
            Errors are taken as so many times as great.
        """
        n = len(self.errors)
        rank = int(np.ceil(round(level * (n + 1), 9)))
        if rank > n:
            return None
        centre, half = told[self.folds], stretch * self.errors
        low, high = np.sort(centre - half)[n - rank], np.sort(centre + half)[rank - 1]
        low, high = max(self.span[0], min(low, value)), min(self.span[1], max(high, value))
        return float(low), float(high)

    def classes(
        self, told: Floats, value: float, level: float = LEVEL, stretch: float = 1.0
    ) -> tuple[str, ...]:
        """Classes that are possible, within each of which the promise holds: one, or both.

        One alone is never the other than that which the final model calls: there both are, as
        where neither would be left. Parameters are those of `interval`, of probabilities of poor.
        """
        left = tuple(
            name
            for label, name in CLASSES.items()
            if self._possible(1 - told if label == 1 else told, label, level, stretch)
        )
        called = "poor" if value >= CALLED_POOR else "good"
        return left if called in left else tuple(CLASSES.values())

    def _possible(self, errors: Floats, label: int, level: float, stretch: float) -> bool:
        """Whether a new person of this class would not be stranger than nearly all of it."""
        own = self.truth == label
        less = stretch * self.errors[own] < errors[self.folds[own]] - _TIE
        return bool(less.sum() < round(level * (own.sum() + 1), 9))

    def never_left_out(self, level: float = LEVEL) -> dict[str, int]:
        """Number of people of each class that has too few of them to be ever left out."""
        counts = {name: int((self.truth == label).sum()) for label, name in CLASSES.items()}
        return {name: n for name, n in counts.items() if n < least_people(level)}

    def as_json(self) -> dict[str, Any]:
        """What a bundle keeps: numbers in order of size within each fold, which name nobody."""
        order = np.lexsort((self.errors, self.folds))
        return {
            "errors": self.errors[order].tolist(),
            "folds": self.folds[order].tolist(),
            "poor": (self.truth[order] == 1).tolist() if self.truth.size else None,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], span: Span) -> Self:
        """Return what `as_json` described."""
        truth = np.array(kept["poor"] or [], dtype=np.float64)
        errors = np.array(kept["errors"], dtype=np.float64)
        return cls(errors, np.array(kept["folds"], dtype=np.int64), truth, span)


def least_people(level: float = LEVEL) -> int:
    """Fewest people with whom a limit at a level is finite.

    >>> least_people(0.9), least_people(0.975)
    (9, 39)
    """
    return int(np.ceil(round(level / (1 - level), 9)))


def guaranteed(n: int, folds: int, level: float = LEVEL) -> float:
    """Share of new people who are held at least, whatever the model (Barber et al., theorem 4).

    Where 90 % are aimed at, and usually reached, 60 people in 5 folds are sure of 68 %, and with a
    fold for each person of 80 %.

    >>> round(guaranteed(60, 5), 2), round(guaranteed(60, 60), 2)
    (0.68, 0.8)
    """
    slack = min(2 * (1 - 1 / folds) / (n / folds + 1), (1 - folds / n) / (folds + 1))
    return float(max(2 * level - 1 - slack, 0.0))


def nested_coverage(
    tested: Sequence[Predictions],
    limits: Sequence[CvPlus],
    told: Sequence[Floats],
    task: str,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Coverage and size for people who played no part, neither in the model nor in its limits.

    Parameters
    ----------
    tested : sequence of Predictions
        Of the people of each test set, by a model fitted to all others; one repeat each.
    limits : sequence of CvPlus
        Of those others, cross-validated among themselves.
    told : sequence of array, shape (n_folds, n_tested)
        What the models of those folds say of the tested.

    Returns
    -------
    DataFrame
        As of `conformal_coverage`; people who are tested several times count once.
    """
    rows: dict[object, list[tuple[float, float, float]]] = {}
    truth: dict[object, float] = {}
    for outer, own, by_fold in zip(tested, limits, told, strict=True):
        for k, label in enumerate(outer.people):
            truth[label] = float(outer.truth[k])
            found = _held(own, by_fold[:, k], float(outer.values[0, k]), truth[label], task, level)
            rows.setdefault(label, []).append(found)
    means = np.array([np.mean(found, axis=0) for found in rows.values()])
    return coverage_table(means, np.array(list(truth.values())), task, level)


def _held(
    limits: CvPlus, told: Floats, value: float, truth: float, task: str, level: float
) -> tuple[float, float, float]:
    """Whether limits hold the truth, their size, and whether one class is left: 1 is yes."""
    if task != "classification":
        low, high = limits.interval(told, value, level) or (-np.inf, np.inf)
        return float(low <= truth <= high), high - low, np.nan
    chosen = limits.classes(told, value, level)
    return float(CLASSES[int(truth)] in chosen), len(chosen), float(len(chosen) == 1)
