"""The final model before and after recalibration."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.subgroups import calibration_table
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import recalibration_table


@dataclass(frozen=True, kw_only=True)
class Recalibration(Part):
    """Calibration of the final model with and without what [model] recalibrate asks for."""

    names: ClassVar = ("recalibration",)
    columns: ClassVar[Columns] = {
        "probabilities": {
            "Description": "Of the final model",
            "Levels": {
                "before": "as the model gives them",
                "after": "recalibrated within the training fold",
            },
        },
    }

    calibration: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Compare both in patients."""
        if evaluation.raw is None:
            return None
        after = evaluation.tables[evaluation.final]
        both = of_patients({"before": evaluation.raw, "after": after}, evaluation.cohort)
        return cls(calibration=calibration_table(both, evaluation.builder.seed))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`recalibration`."""
        return {"recalibration": self.calibration}

    def blocks(self, page: Page) -> list[Block]:
        """A table."""
        table = recalibration_table(self.calibration, page.label)
        return [Block(place="models", tables=(table,))]
