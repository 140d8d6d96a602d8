"""Sets and intervals that hold the truth as often as they say, and what is gained by silence."""

import logging
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.conformal import CLASSES, abstention_curve, conformal_coverage
from motor_bids_app.evaluation.crossvalidation import average_trainings
from motor_bids_app.evaluation.cvplus import least_people, nested_coverage
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.folds import fit_folds, is_costly
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
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
                "are those of CV+ (Barber et al. 2021; Romano et al. 2020) within the other people",
                "not nested": "of split-conformal limits calibrated on all other people, which is "
                "the level by construction, as the model is too costly to fit so often",
            },
        },
        "low": {"Description": "Lower limit of the 95 % interval of the coverage (Wilson)"},
        "high": {"Description": "Upper limit of that interval"},
        "size": {"Description": "Mean number of classes in the set, or width of the interval"},
        "single": {"Description": "Share of people with one class in the set"},
        "n_people": {"Description": "People in the group"},
        "remark": {"Description": "Where people are too few for limits"},
    }

    coverage: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Nest the calibration in the cross-validation, unless it would train a network anew."""
        cohort, final = evaluation.cohort, evaluation.final
        task, span = evaluation.task, cohort.outcome.span
        patients = of_patients({final: evaluation.tables[final]}, cohort)[final]
        if is_costly(evaluation.builder, final):
            coverage = conformal_coverage(patients, task, span=span).assign(measured="not nested")
        else:
            log.info("%s: coverage of %s", evaluation.experiment.name, final)
            coverage = _nested(evaluation).assign(measured="nested")
        truth = cohort.labels.truth[cohort.patients]
        coverage["remark"] = remarks(coverage, truth, task)
        return cls(coverage=coverage)

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


def _nested(evaluation: Evaluation) -> pd.DataFrame:
    """Coverage of CV+ made among the people outside each test set, in the patients inside.

    Test sets are those of the first repeat; of a holdout, which has one in each, of some repeats.
    """
    cohort, final, splits = evaluation.cohort, evaluation.final, evaluation.setup.splits
    truth, patients = cohort.labels.truth, cohort.controls.index[cohort.patients]
    sets = list(splits.groupby(["repeat", "fold"])["participant_id"])
    n_sets = max(LEAST_SETS, int(splits.loc[splits["repeat"] == sets[0][0][0], "fold"].nunique()))
    table = average_trainings(evaluation.tables[final])
    tested, limits, told = [], [], []
    for (repeat, fold), labels in sets[:n_sets]:
        inside = truth.index.isin(labels)
        judged = [label for label in patients if label in set(labels)]
        folds = fit_folds(evaluation.builder, final, truth.index[~inside]) if judged else None
        if folds is None:
            continue
        one = table[(table["repeat"] == repeat) & (table["fold"] == fold)]
        here = cohort.samples[np.isin(cohort.samples.participants, judged)]
        tested.append(Predictions.of(one, truth[judged]))
        limits.append(folds.limits)
        told.append(folds.ask(here, judged))
    return nested_coverage(tested, limits, told, evaluation.task)


def remarks(coverage: pd.DataFrame, truth: "pd.Series[float]", task: str) -> list[str | None]:
    """Say for each row where its people are too few for a limit."""
    least = least_people(float(coverage["level"].iloc[0])) if len(coverage) else 0
    numbers = {"all": len(truth)}
    if task == "classification":
        numbers = {name: int((truth == label).sum()) for label, name in CLASSES.items()}
    what = "left out of a set" if task == "classification" else "given an interval"
    return [
        f"too few: of {numbers[group]} people nobody new can be {what}; it takes {least}"
        if numbers.get(group, least) < least
        else None
        for group in coverage["group"]
    ]
