"""Whether more people would help."""

import logging
from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.learning import learning_curve
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import WIDENED, Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.evidence import learning_chart

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LearningCurve(Part):
    """Metric of the final model by the number of training people; see `learning_curve`."""

    names: ClassVar = ("learning_curve",)
    columns: ClassVar[Columns] = {
        "n_training": {"Description": "People learned from, on average over test sets"},
        "value": {
            "Description": "Metric of the final model, in the first repeats; with all "
            "training people, in all repeats, as in `metrics`"
        },
        "low": {"Description": f"Lower limit of the 95 % interval{WIDENED}"},
        "high": {"Description": "Upper limit of that interval"},
    }

    curve: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Learn from ever more people; networks take too long."""
        experiment, final = evaluation.experiment, evaluation.final
        if final == experiment.model.kind:
            return None
        log.info("%s: learning curve of %s", experiment.name, final)
        cohort = evaluation.cohort
        (model,) = evaluation.builder.build(final)
        curve = learning_curve(
            model,
            cohort.samples,
            cohort.y,
            evaluation.setup.splits,
            cohort.labels.truth,
            evaluation.task,
            evaluation.builder.seed,
            cohort.patients,
            whole=evaluation.tables[final],
        )
        return None if curve is None else cls(curve=curve)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`learning_curve`."""
        return {"learning_curve": self.curve}

    def blocks(self, page: Page) -> list[Block]:
        """A figure, of two points or more."""
        if len(self.curve) < 2:
            return []
        figure = learning_chart(self.curve, page.label, chance=page.answer.chance)
        return [Block(place="figures", figures=(figure,))]
