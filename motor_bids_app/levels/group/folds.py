"""Models of all folds, kept beside the final model: what limits by CV+ are made of."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.crossvalidation import cross_validate, predict_people
from motor_bids_app.evaluation.cvplus import CvPlus
from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.models.training.folds import N_INNER_FOLDS

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FoldModels:
    """Models that some people were left out of in turn, and the errors of those people.

    `limits` are of the patients alone; see `CvPlus` for the order of models.
    """

    models: tuple[Any, ...]
    limits: CvPlus

    def ask(self, samples: Samples, people: Sequence[str]) -> Floats:
        """What each model says of people, shape (n_models, n_people)."""
        told = [predict_people(model, samples)[list(people)] for model in self.models]
        return np.array([one.to_numpy(np.float64) for one in told])


def is_costly(builder: Builder, name: str) -> bool:
    """Whether a model is a network, which is fitted no more often than it must be."""
    return name == builder.experiment.model.kind or name in FUSION


def fit_folds(builder: Builder, name: str, people: "pd.Index[str]") -> FoldModels | None:
    """Cross-validate a model once among some people, and keep the models.

    None where a class has too few patients for two folds, or the model cannot learn from them.
    """
    cohort, models = builder.cohort, list[Any]()
    splits = _deal(builder, list(people))
    if splits is None:
        return None
    kept = np.isin(cohort.samples.participants, people.to_numpy(dtype=str))
    try:
        table = cross_validate(
            builder.build(name),
            cohort.samples[kept],
            cohort.y[kept],
            splits,
            watch=lambda fitted, *_: models.append(fitted),
        )
    except DataError as error:
        log.warning("%s has no limits by CV+ among %d people: %s", name, len(people), error)
        return None
    patients = [label for label in people if not cohort.controls[label]]
    predictions = Predictions.of(table, cohort.labels.truth[patients])
    limits = CvPlus.of(predictions, cohort.outcome.task, cohort.outcome.span)
    return FoldModels(models=tuple(models), limits=limits)


def _deal(builder: Builder, people: list[str]) -> pd.DataFrame | None:
    """Test sets within some people, one repeat; None where a class has too few to learn from."""
    cohort = builder.cohort
    truth, controls = cohort.labels.truth[people], cohort.controls[people].to_numpy(dtype=bool)
    folds, spread = N_INNER_FOLDS, truth.to_numpy(dtype=np.float64)
    if cohort.outcome.task == "classification":
        spread = spread.astype(np.int64)
        folds = min(folds, *(int((spread[~controls] == value).sum()) for value in (0, 1)))
    if min(folds, len(people)) < 2:
        return None
    return make_splits(people, spread, folds=folds, repeats=1, seed=builder.seed, strata=controls)
