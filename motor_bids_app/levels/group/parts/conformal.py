"""Sets and intervals that hold the truth as often as they say, and what is gained by silence."""

import logging
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.conformal import (
    abstention_curve,
    conformal_coverage,
    nested_coverage,
)
from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.metrics import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.models.training.folds import N_INNER_FOLDS
from motor_bids_app.reports.experiment.agreement import abstention_chart
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import coverage_table

log = logging.getLogger(__name__)
LEAST_SETS = 5  # test sets


@dataclass(frozen=True, kw_only=True)
class Conformal(Part):
    """How often conformal limits of the final model hold; see `conformal_coverage`."""

    names: ClassVar = ("conformal",)
    columns: ClassVar[Columns] = {
        "group": {
            "Description": "Whom the row is about: all, a true class, or a third of the true score"
        },
        "level": {"Description": "Share of people whose set or interval should hold the truth"},
        "coverage": {"Description": "Share whose does; see measured"},
        "measured": {
            "Description": "How",
            "Levels": {
                "nested": "in people whom neither the model nor its limits were made from: limits "
                "are set by out-of-fold predictions within the other people",
                "not nested": "with limits calibrated on all other people, which is the level by "
                "construction, as the model is too costly to fit so often",
            },
        },
        "low": {"Description": "Lower limit of the 95 % interval of the coverage (Wilson)"},
        "high": {"Description": "Upper limit of that interval"},
        "size": {"Description": "Mean number of classes in the set, or width of the interval"},
        "single": {"Description": "Share of people with one class in the set"},
        "n_people": {"Description": "People in the group"},
    }

    coverage: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Nest the calibration in the cross-validation, unless it would train a network anew."""
        cohort, final = evaluation.cohort, evaluation.final
        task, span = evaluation.task, cohort.outcome.span
        if final == evaluation.experiment.model.kind or final in FUSION:
            patients = of_patients({final: evaluation.tables[final]}, cohort)[final]
            coverage = conformal_coverage(patients, task, span=span)
            return cls(coverage=coverage.assign(measured="not nested"))
        log.info("%s: coverage of %s", evaluation.experiment.name, final)
        coverage = nested_coverage(*_nested(evaluation), task, span=span)
        return cls(coverage=coverage.assign(measured="nested"))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`conformal`."""
        return {"conformal": self.coverage}

    def blocks(self, page: Page) -> list[Block]:
        """A table of the coverage."""
        if self.coverage.empty:
            return []
        return [Block(place="models", tables=(coverage_table(self.coverage, page.outcome.task),))]


@dataclass(frozen=True, kw_only=True)
class Abstention(Part):
    """Accuracy of the final model if only the surest people are answered; of classes."""

    names: ClassVar = ("abstention",)
    columns: ClassVar[Columns] = {
        "share_answered": {"Description": "Share of people answered: those furthest from 0.5"},
        "accuracy": {"Description": "Accuracy among them"},
        "n_people": {"Description": "People answered, on average over repeats"},
    }

    curve: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Answer ever fewer people."""
        if evaluation.task != "classification":
            return None
        final = evaluation.final
        patients = of_patients({final: evaluation.tables[final]}, evaluation.cohort)[final]
        return cls(curve=abstention_curve(patients))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`abstention`."""
        return {"abstention": self.curve}

    def blocks(self, page: Page) -> list[Block]:
        """A figure."""
        return [Block(place="figures", figures=(abstention_chart(self.curve, page.label),))]


def _nested(evaluation: Evaluation) -> tuple[list[Predictions], list[Predictions]]:
    """Predictions of the patients of each test set, and out of fold within all others.

    Test sets are those of the first repeat; of a holdout, which has one in each, of some repeats.
    """
    cohort, final, splits = evaluation.cohort, evaluation.final, evaluation.setup.splits
    truth, patients = cohort.labels.truth, cohort.controls.index[cohort.patients]
    sets = list(splits.groupby(["repeat", "fold"])["participant_id"])
    n_sets = max(LEAST_SETS, int(splits.loc[splits["repeat"] == sets[0][0][0], "fold"].nunique()))
    people = cohort.samples.participants
    tested, inner = [], []
    for (repeat, fold), labels in sets[:n_sets]:
        one = average_trainings(evaluation.tables[final])
        one = one[(one["repeat"] == repeat) & (one["fold"] == fold)]
        judged = [label for label in patients if label in set(labels)]
        others = truth.index[~truth.index.isin(labels)]
        within = _inner_splits(evaluation, list(others))
        if not judged or within is None:
            continue
        kept = np.isin(people, others.to_numpy(dtype=str))
        (model,) = evaluation.builder.build(final)
        table = cross_validate([model], cohort.samples[kept], cohort.y[kept], within)
        own = [label for label in patients if label in set(others)]
        tested.append(Predictions.of(one, truth[judged]))
        inner.append(Predictions.of(table, truth[own]))
    return tested, inner


def _inner_splits(evaluation: Evaluation, people: list[str]) -> pd.DataFrame | None:
    """Test sets within some people, one repeat; None where a class has too few to learn from."""
    cohort = evaluation.cohort
    truth, controls = cohort.labels.truth[people], cohort.controls[people].to_numpy(dtype=bool)
    folds, spread = N_INNER_FOLDS, truth.to_numpy(dtype=np.float64)
    if evaluation.task == "classification":
        spread = spread.astype(np.int64)
        folds = min(folds, *(int((spread[~controls] == value).sum()) for value in (0, 1)))
    if min(folds, len(people)) < 2:
        return None
    return make_splits(
        people, spread, folds=folds, repeats=1, seed=evaluation.builder.seed, strata=controls
    )
