"""Whether acting on the models would do more good than harm."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.calibration import decision_curves
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.agreement import decision_curve
from motor_bids_app.reports.experiment.content import Block


@dataclass(frozen=True, kw_only=True)
class Decisions(Part):
    """Net benefit by threshold, of classes; see `decision_curves`."""

    names: ClassVar = ("decision_curve",)
    columns: ClassVar[Columns] = {
        "model": {"Description": "Name of the model, or everyone: acting on all"},
        "threshold": {"Description": "Probability at which one would act"},
        "net_benefit": {
            "Description": "Share of true positives, minus that of false positives times "
            "the odds of the threshold (Vickers and Elkin 2006); doing nothing has 0"
        },
        "low": {
            "Description": "Lower limit of the 95 % interval: bootstrap over people, at least "
            "as wide as the corrected resampled interval (Nadeau and Bengio 2003)"
        },
        "high": {"Description": "Upper limit of that interval"},
    }

    curves: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Weigh true against false positives."""
        if evaluation.task != "classification":
            return None
        predictions = of_patients(evaluation.tables, evaluation.cohort)
        return cls(curves=decision_curves(predictions, evaluation.builder.seed))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`decision_curve`."""
        return {"decision_curve": self.curves}

    def blocks(self, page: Page) -> list[Block]:
        """A figure of the final model."""
        figure = decision_curve(self.curves, page.answer.model, page.label, positive="poor")
        return [Block(place="figures", figures=(figure,))]
