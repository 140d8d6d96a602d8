"""Out-of-fold predictions of a model, arranged by repeat and person."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Out-of-fold predictions of one model for n people in R repeats.

    Parameters
    ----------
    values : array, shape (R, n)
        Probability of the poor class, or predicted score; NaN where a person was not tested.
    folds : array of int, shape (R, n)
        Fold that tested the person, 0 for none. People of one fold and repeat were predicted by
        the same fitted model.
    truth : array, shape (n,)
        1 for poor and 0 for good, or the score.
    people : array of str, shape (n,)
        Participant labels.
    test_to_train : float
        Tested people over training people, in an average split, for the correction of Nadeau and
        Bengio (2003). Set once, from all people of the experiment, and kept when only some of
        them are counted: which people are counted does not change how much the splits share.
    thresholds : array, shape (R, n), optional
        Probability from which on the person's test set is called poor, see `with_thresholds`.
    """

    values: Floats
    folds: NDArray[np.int64]
    truth: Floats
    people: NDArray[np.object_]
    test_to_train: float = np.nan
    thresholds: Floats | None = None

    def __post_init__(self) -> None:
        if np.isnan(self.test_to_train):
            object.__setattr__(self, "test_to_train", _test_to_train(self.folds))

    @classmethod
    def of(cls, table: pd.DataFrame, truth: "pd.Series[float]") -> "Predictions":
        """Arrange rows (repeat, fold, participant_id, prediction) by the people of `truth`."""
        wide = {
            name: table.pivot_table(index="repeat", columns="participant_id", values=name).reindex(
                columns=truth.index
            )
            for name in ("prediction", "fold")
        }
        return cls(
            wide["prediction"].to_numpy(np.float64),
            wide["fold"].fillna(0).to_numpy(np.int64),
            np.asarray(truth, dtype=np.float64),
            truth.index.to_numpy(object),
        )

    def of_people(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "Predictions":
        """Predictions of some people: where `keep`, shape (n,), is True, or at its positions."""
        return replace(
            self,
            values=self.values[:, keep],
            folds=self.folds[:, keep],
            truth=self.truth[keep],
            people=self.people[keep],
            thresholds=None if self.thresholds is None else self.thresholds[:, keep],
        )

    def by_repeat(self) -> Iterator["Predictions"]:
        """Predictions of each repeat alone, for the people it tested."""
        for repeat, (values, folds) in enumerate(zip(self.values, self.folds, strict=True)):
            tested, limits = folds > 0, self.thresholds
            yield replace(
                self,
                thresholds=None if limits is None else limits[repeat : repeat + 1, tested],
                values=values[None, tested],
                folds=folds[None, tested],
                truth=self.truth[tested],
                people=self.people[tested],
            )


def _test_to_train(folds: NDArray[np.int64]) -> float:
    """Mean size of the test sets over that of the training sets; `folds` as of `Predictions`."""
    n_sets = sum(len(np.unique(row[row > 0])) for row in folds)
    tested = float((folds > 0).sum()) / max(n_sets, 1)
    return tested / max(folds.shape[1] - tested, 1)
