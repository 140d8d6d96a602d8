"""What is noted of the training of networks while they are cross-validated."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import Watch, predict_people
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.models.opened.courses import losses

SCORED_IN_TRAINING = ("gao2025",)  # whose paper reports it


class TrainingWatch:
    """Collects losses, and how well networks do in their own training people.

    Parameters
    ----------
    cohort : Cohort
    splits : DataFrame
        Columns repeat, fold, participant_id.
    """

    def __init__(self, cohort: Cohort, splits: pd.DataFrame) -> None:
        self.cohort = cohort
        tested = zip(splits["repeat"], splits["participant_id"], strict=True)
        self._folds = dict(zip(tested, splits["fold"], strict=True))
        self._losses: list[pd.DataFrame] = []
        self._accuracies: list[tuple[str, Any, int, int, float]] = []

    def of(self, name: str) -> Watch:
        """Return what watches the models of a name; see `cross_validate`."""

        def watch(model: Any, repeat: Any, training: int, tested: NDArray[np.bool_]) -> None:
            fold = int(self._folds[repeat, str(self.cohort.samples[tested].participants[0])])
            keys = {"model": name, "repeat": repeat, "fold": fold, "training": training}
            found = losses(model)
            if len(found):
                self._losses.append(pd.DataFrame(keys, index=found.index).join(found))
            if name in SCORED_IN_TRAINING and self.cohort.outcome.cutoff is not None:
                given = predict_people(model, self.cohort.samples[~tested])
                truth = self.cohort.labels.truth.loc[given.index] == 1
                share = float(((given >= 0.5) == truth).mean())
                self._accuracies.append((*keys.values(), share))

        return watch

    @property
    def losses(self) -> pd.DataFrame:
        """Columns model, repeat, fold, training, and those of `opened.courses.losses`."""
        return pd.concat(self._losses, ignore_index=True) if self._losses else pd.DataFrame()

    @property
    def accuracies(self) -> pd.DataFrame:
        """Columns model, repeat, fold, training, accuracy: in the training people."""
        names = ["model", "repeat", "fold", "training", "accuracy"]
        return pd.DataFrame(self._accuracies, columns=names)
