"""Sets and intervals that hold the truth as often as they say, and what is gained by silence."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.conformal import abstention_curve, conformal_coverage
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.agreement import abstention_chart
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import coverage_table


@dataclass(frozen=True, kw_only=True)
class Conformal(Part):
    """How often conformal limits of the final model hold; see `conformal_coverage`."""

    names: ClassVar = ("conformal",)
    columns: ClassVar[Columns] = {
        "group": {
            "Description": "Whom the row is about: all, a true class, or a third of the true score"
        },
        "level": {"Description": "Share of people whose set or interval should hold the truth"},
        "coverage": {"Description": "Share whose does, with limits calibrated on all other people"},
        "low": {"Description": "Lower limit of the 95 % interval of the coverage (Wilson)"},
        "high": {"Description": "Upper limit of that interval"},
        "size": {"Description": "Mean number of classes in the set, or width of the interval"},
        "single": {"Description": "Share of people with one class in the set"},
        "n_people": {"Description": "People in the group"},
    }

    coverage: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Calibrate on the patients whom the final model had not learned from."""
        cohort, final = evaluation.cohort, evaluation.final
        patients = of_patients({final: evaluation.tables[final]}, cohort)[final]
        task, span = evaluation.task, cohort.outcome.span
        return cls(coverage=conformal_coverage(patients, task, span=span))

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
