"""Metrics on the scale that models learned on, beside those of the score."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.levels.cohort.scoring import PATIENTS, of_everyone
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import WIDENED, Columns, Page, Part
from motor_bids_app.models.tables.transformed import transformed
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import models_table

_WORDS = {"log1p": "ln(1 + score)", "sqrt": "the square root of the score"}
_KEPT = ["model", "population", "metric", "value", "low", "high"]


@dataclass(frozen=True, kw_only=True)
class Transformed(Part):
    """Metrics of all models on the scale of `[target] transform`, in patients."""

    names: ClassVar = ("metrics_transformed",)
    columns: ClassVar[Columns] = {
        "value": {"Description": "Metric on the scale that models learned on"},
        "low": {"Description": f"Lower limit of the 95 % interval{WIDENED}"},
        "high": {"Description": "Upper limit of that interval"},
    }

    table: pd.DataFrame
    transform: str

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Transform scores and predictions, where the experiment learned so."""
        transform, cohort = evaluation.experiment.target.transform, evaluation.cohort
        if transform == "none":
            return None
        predictions = {
            name: _on_scale(one, transform)
            for name, one in of_everyone(evaluation.tables, cohort).items()
        }
        seed = evaluation.builder.seed
        table = metrics_table(predictions, "regression", seed, {PATIENTS: cohort.patients})
        return cls(table=table[_KEPT], transform=transform)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`metrics_transformed`."""
        return {"metrics_transformed": self.table}

    def blocks(self, page: Page) -> list[Block]:
        """A table."""
        shown = models_table(self.table, page.models, "regression", PATIENTS, page.label)
        caption = (
            f"The same predictions on the scale that models learned, {_WORDS[self.transform]}, in "
            "patients, with 95 % intervals. All else on this page is in units of the score."
        )
        table = replace(shown, caption=caption)
        return [Block(place="models", title="On the scale that models learned", tables=(table,))]


def learned_note(transform: str) -> str:
    """Say on which scale models learned, in one sentence for readers of their predictions."""
    return (
        f"Models learned {_WORDS[transform]}: predictions, in units of the score, are closer to "
        "the median than to the mean of similar people."
    )


def _on_scale(predictions: Predictions, transform: str) -> Predictions:
    return replace(
        predictions,
        values=transformed(predictions.values, transform),
        truth=transformed(predictions.truth, transform),
    )
